//! The mempool: its transactions, and the rules for accepting new ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bitcoin::{OutPoint, Transaction, Txid, hashes::Hash as _};
use sigstack_policy::{Candidate, Policy, PolicyError, is_dust, limits::MAX_TRUC_VSIZE};

use super::consensus::{self, Coin, Context, Placed};
use super::entry::Entry;
use super::feerate_diagram::{self, Chunk};
use super::ledger::Digest;
use super::{Chain, Reject};
use crate::mutation::{Mutation, mutated};

/// Maximum virtual size of a version 3 transaction with an unconfirmed parent (BIP 431).
const TRUC_CHILD_MAX: u64 = 1_000;
/// Maximum number of transactions in a cluster (Core `DEFAULT_CLUSTER_LIMIT`).
const MAX_CLUSTER: usize = 64;
/// Maximum virtual bytes of a cluster (Core `DEFAULT_CLUSTER_SIZE_LIMIT_KVB`).
const MAX_CLUSTER_VSIZE: u64 = 101_000;

/// The mempool: all unconfirmed transactions, and the outputs that they spend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mempool {
    entries: BTreeMap<Txid, Arc<Entry>>,
    spends: BTreeMap<OutPoint, Txid>,
    digest: Digest,
}

impl Mempool {
    /// Returns the mempool transaction with this txid, or `None` if there is none.
    pub fn get(&self, txid: &Txid) -> Option<&Entry> {
        self.entries.get(txid).map(AsRef::as_ref)
    }

    /// Returns the mempool transaction that spends an output, or `None` if there is none.
    pub fn spender(&self, outpoint: &OutPoint) -> Option<&Entry> {
        self.get(self.spends.get(outpoint)?)
    }

    /// Returns all mempool transactions, ordered by txid.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().map(AsRef::as_ref)
    }

    /// Returns the digest of all mempool transactions, including witnesses.
    pub(super) fn digest(&self) -> Digest {
        self.digest
    }

    fn children(&self, entry: &Entry) -> BTreeSet<Txid> {
        let txid = entry.txid;
        let outpoints = (0..).zip(&entry.tx.output).map(|(vout, _)| OutPoint { txid, vout });
        outpoints.filter_map(|outpoint| self.spends.get(&outpoint).copied()).collect()
    }

    /// Returns a transaction and all its direct and indirect descendants.
    pub fn descendants(&self, txid: Txid) -> BTreeSet<Txid> {
        self.reach(txid, |entry| self.children(entry))
    }

    /// Returns the cluster of a transaction: the transaction itself and all mempool transactions connected
    /// with it through parents and children.
    pub(super) fn cluster(&self, txid: Txid) -> BTreeSet<Txid> {
        self.reach(txid, |entry| entry.parents().chain(self.children(entry)).collect())
    }

    fn reach(&self, from: Txid, next: impl Fn(&Entry) -> BTreeSet<Txid>) -> BTreeSet<Txid> {
        let (mut found, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(txid) = open.pop() {
            let Some(entry) = self.entries.get(&txid) else { continue };
            if found.insert(txid) {
                open.extend(next(entry));
            }
        }
        found
    }

    /// Returns the transactions of the best block template that fits into `capacity` weight units and whose feerates
    /// are at least `rate` sat/kvB. Parents come before children.
    pub(super) fn template(&self, capacity: u64, rate: u64) -> Vec<Transaction> {
        let mut block = Vec::new();
        let mut left_out = BTreeSet::new();
        let mut weight = 0u64;
        for (chunk, txids) in feerate_diagram::linearize(&self.entries) {
            let entries: Vec<&Entry> = txids.iter().filter_map(|txid| self.get(txid)).collect();
            let added =
                entries.iter().fold(weight, |sum, entry| sum.saturating_add(crate::tx::weight(&entry.tx)));
            let pays = chunk.fee.saturating_mul(1_000) >= rate.saturating_mul(chunk.size);
            // If a parent is left out of the block, its descendants would be invalid there.
            let complete =
                !entries.iter().flat_map(|entry| entry.parents()).any(|txid| left_out.contains(&txid));
            if pays && complete && added <= capacity {
                weight = added;
                block.extend(entries.into_iter().map(|entry| entry.tx.clone()));
            } else {
                left_out.extend(txids);
            }
        }
        block
    }

    fn insert(&mut self, entry: Entry) {
        for input in &entry.tx.input {
            self.spends.insert(input.previous_output, entry.txid);
        }
        self.digest.add(entry.tx.compute_wtxid().as_byte_array());
        self.entries.insert(entry.txid, Arc::new(entry));
    }

    fn remove(&mut self, txid: &Txid) {
        if let Some(entry) = self.entries.remove(txid) {
            self.digest.remove(entry.tx.compute_wtxid().as_byte_array());
            for input in &entry.tx.input {
                self.spends.remove(&input.previous_output);
            }
        }
    }

    /// Removes a transaction that is now confirmed, and all transactions that conflict with it.
    pub(super) fn confirm(&mut self, txid: &Txid, tx: &Transaction) {
        self.remove(txid);
        for input in &tx.input {
            if let Some(conflict) = self.spends.get(&input.previous_output).copied() {
                self.remove_with_descendants(conflict);
            }
        }
    }

    fn remove_with_descendants(&mut self, txid: Txid) {
        for txid in self.descendants(txid) {
            self.remove(&txid);
        }
    }

    /// Removes transactions that the next block cannot include after a reorganisation, with all their
    /// descendants (Core `removeForReorg`).
    pub(super) fn remove_invalid(&mut self, chain: &Chain) {
        let context = Context::next(chain);
        let txids: Vec<Txid> = self.entries.keys().copied().collect();
        for txid in txids {
            let Some(entry) = self.get(&txid) else { continue };
            let coin = |outpoint: &OutPoint| self.coin(chain, &[], outpoint);
            if consensus::place(&entry.tx, &context, coin).is_err() {
                self.remove_with_descendants(txid);
            }
        }
    }

    /// Returns an output that a mempool transaction may spend: an unspent confirmed output, or an output of a
    /// transaction in the mempool or in `package`.
    fn coin(&self, chain: &Chain, package: &[Entry], outpoint: &OutPoint) -> Option<Coin> {
        if let Some(coin) = chain.coin(outpoint) {
            return Some(coin.clone());
        }
        let in_package = || package.iter().find(|entry| entry.txid == outpoint.txid);
        let parent = self.get(&outpoint.txid).or_else(in_package)?;
        let out = parent.tx.output.get(usize::try_from(outpoint.vout).ok()?)?;
        Some(Coin { out: out.clone(), height: chain.height().saturating_add(1) })
    }

    /// Returns the mempool with `entries` added and the transactions `evicted` removed. Fails if the cluster
    /// of the new entries becomes too large.
    fn with(&self, entries: Vec<Entry>, evicted: &BTreeSet<Txid>) -> Result<Mempool, Reject> {
        let mut after = self.clone();
        for txid in evicted {
            after.remove(txid);
        }
        let last = entries.last().map(|entry| entry.txid);
        for entry in entries {
            after.insert(entry);
        }
        let cluster = last.map(|txid| after.cluster(txid)).unwrap_or_default();
        if cluster.len() > MAX_CLUSTER {
            return Err(Reject::ClusterTooLarge { count: cluster.len() });
        }
        let sizes = cluster.iter().filter_map(|txid| after.get(txid)).map(|entry| entry.vsize);
        match sizes.fold(0u64, u64::saturating_add) {
            vsize if vsize > MAX_CLUSTER_VSIZE => Err(Reject::ClusterTooHeavy { vsize }),
            _ => Ok(after),
        }
    }
}

/// Checks that a package consists of a parent and its child, and that the two do not spend the same output
/// (Core `IsWellFormedPackage`).
pub(super) fn check_package(parent: &Transaction, child: &Transaction) -> Result<(), Reject> {
    let txid = parent.compute_txid();
    if !child.input.iter().any(|input| input.previous_output.txid == txid) {
        return Err(Reject::Package("the second transaction does not spend the first"));
    }
    let spent = |outpoint: &OutPoint| parent.input.iter().any(|input| input.previous_output == *outpoint);
    let twice = child.input.iter().any(|input| spent(&input.previous_output));
    match twice && !mutated(Mutation::PackageSpendsTwice) {
        true => Err(Reject::Package("two transactions spend the same output")),
        false => Ok(()),
    }
}

/// Returns the mempool with a transaction of a disconnected block added. As in Core, fees and version 3
/// rules are not checked: the transaction was confirmed before, and its children may be in the mempool.
pub(super) fn readmit(chain: &Chain, tx: Transaction) -> Result<Mempool, Reject> {
    let entry = entry(chain, tx, &[])?;
    ephemeral_dust(chain, &entry, &[])?;
    chain.mempool.with(vec![entry], &BTreeSet::new())
}

/// Returns the mempool with the transactions `txs` added: one transaction, or a parent and its child. Fails if a
/// consensus or policy rule refuses them.
pub(super) fn evaluate(chain: &Chain, txs: Vec<Transaction>) -> Result<Mempool, Reject> {
    let pool = &chain.mempool;
    let mut entries: Vec<Entry> = Vec::with_capacity(txs.len());
    for tx in txs {
        let entry = entry(chain, tx, &entries)?;
        entries.push(entry);
    }
    let is_package = entries.len() > 1;
    let mut conflicts: BTreeSet<Txid> = BTreeSet::new();
    for entry in &entries {
        let spends = entry.tx.input.iter().filter_map(|input| pool.spends.get(&input.previous_output));
        conflicts.extend(spends);
    }
    for entry in &entries {
        if let Some(sibling) = truc(pool, entry, &entries, &conflicts)? {
            if is_package {
                return Err(Reject::Truc("a package does not evict a sibling"));
            }
            conflicts.insert(sibling);
        }
        ephemeral_dust(chain, entry, &entries)?;
    }
    fees(chain.policy(), &entries)?;
    let evicted = replacement(chain, &entries, &conflicts)?;
    pool.with(entries, &evicted)
}

/// Checks a transaction against consensus and against the policy rules that concern one transaction alone. `before`
/// contains the earlier transactions of the package, whose outputs `tx` may spend.
fn entry(chain: &Chain, tx: Transaction, before: &[Entry]) -> Result<Entry, Reject> {
    let txid = tx.compute_txid();
    if chain.mempool.entries.contains_key(&txid) || chain.confirmed(&txid).is_some() {
        return Err(Reject::Known);
    }
    let coin = |outpoint: &OutPoint| chain.mempool.coin(chain, before, outpoint);
    let placed = consensus::place(&tx, &Context::next(chain), coin)?;
    consensus::verify(&tx, &placed.prevouts, chain.consensus_flags())?;
    let vsize = standard(&tx, &placed, chain.policy())?;
    consensus::verify(&tx, &placed.prevouts, chain.standard_flags())?;
    Ok(Entry { vsize, txid, fee: placed.fee, prevouts: placed.prevouts, tx })
}

/// Checks the standardness rules for one transaction and returns its virtual size. The minimum feerate is
/// checked by [`fees`], since a package pays it jointly. The size limits of version 3 are checked by
/// [`truc`].
fn standard(tx: &Transaction, placed: &Placed, policy: &Policy) -> Result<u64, PolicyError> {
    let candidate = Candidate::new(tx, &placed.prevouts);
    candidate.check_form(policy)?;
    candidate.check_inputs(policy)?;
    candidate.check_ephemeral_dust(placed.fee, policy)?;
    candidate.check_sigops_cost()?;
    Ok(candidate.vsize())
}

/// Checks a transaction against the rules for version 3 transactions (TRUC, BIP 431). If the transaction's
/// unconfirmed parent already has another child in the mempool, returns the txid of this child, which the transaction
/// would evict. Otherwise returns `None`.
fn truc(
    pool: &Mempool,
    entry: &Entry,
    package: &[Entry],
    conflicts: &BTreeSet<Txid>,
) -> Result<Option<Txid>, Reject> {
    let in_package = |txid: &Txid| package.iter().find(|other| other.txid == *txid);
    let ids: BTreeSet<Txid> = entry.parents().collect();
    let parents: Vec<&Entry> = ids.iter().filter_map(|id| pool.get(id).or_else(|| in_package(id))).collect();
    if entry.tx.version.0 != 3 {
        return match parents.iter().any(|parent| parent.tx.version.0 == 3) {
            true => Err(Reject::Truc("a transaction of another version spends from version 3")),
            false => Ok(None),
        };
    }
    if entry.vsize > MAX_TRUC_VSIZE {
        return Err(Reject::Truc("over 10,000 vB"));
    }
    let parent = match parents.as_slice() {
        [] => return Ok(None),
        [parent] => *parent,
        _ => return Err(Reject::Truc("more than one unconfirmed parent")),
    };
    if parent.tx.version.0 != 3 {
        return Err(Reject::Truc("version 3 spends from an unconfirmed transaction of another version"));
    }
    if entry.vsize > TRUC_CHILD_MAX {
        return Err(Reject::Truc("a child over 1,000 vB"));
    }
    if parent.parents().any(|txid| pool.get(&txid).is_some() || in_package(&txid).is_some()) {
        return Err(Reject::Truc("more than one unconfirmed ancestor"));
    }
    let siblings: Vec<Txid> =
        pool.children(parent).into_iter().filter(|child| !conflicts.contains(child)).collect();
    match siblings.as_slice() {
        [] => Ok(None),
        [sibling] if pool.descendants(*sibling).len() == 1 => Ok(Some(*sibling)),
        // Only after a reorganisation can a parent have several children in the mempool.
        _ => Err(Reject::Truc("more than one unconfirmed descendant of the parent")),
    }
}

/// Checks that a child spends all dust of its unconfirmed parents.
fn ephemeral_dust(chain: &Chain, entry: &Entry, package: &[Entry]) -> Result<(), Reject> {
    let (pool, feerate) = (&chain.mempool, chain.policy().dust_relay);
    let ids: BTreeSet<Txid> = entry.parents().collect();
    for txid in ids {
        let in_package = || package.iter().find(|other| other.txid == txid);
        let Some(parent) = pool.get(&txid).or_else(in_package) else { continue };
        let dust = (0..).zip(&parent.tx.output).filter(|(_, out)| is_dust(out, feerate));
        for (vout, _) in dust {
            if !entry.tx.input.iter().any(|input| input.previous_output == OutPoint { txid, vout }) {
                return Err(Reject::UnspentEphemeralDust);
            }
        }
    }
    Ok(())
}

/// Checks the minimum fee. A single transaction pays it alone, and a package pays it jointly. In a package,
/// the child must have a higher feerate than its parent.
fn fees(policy: &Policy, entries: &[Entry]) -> Result<(), Reject> {
    let fee = entries.iter().fold(0u64, |sum, entry| sum.saturating_add(entry.fee));
    let size = entries.iter().fold(0u64, |sum, entry| sum.saturating_add(entry.vsize));
    let needed = Policy::fee(policy.min_relay, size);
    if fee < needed {
        return Err(Reject::MinRelayFee { fee, needed });
    }
    if let [parent, child] = entries
        && child.fee.saturating_mul(parent.vsize) <= parent.fee.saturating_mul(child.vsize)
    {
        return Err(Reject::Package("the child does not pay for the parent"));
    }
    Ok(())
}

/// Checks the replacement rules of BIP 125 as Core applies them with cluster mempool. Returns the evicted
/// transactions.
///
/// - Rules 1 and 2 no longer exist, so every transaction is replaceable.
/// - Rules 3 and 4 are unchanged.
/// - Rule 5 limits the number of clusters that the replacement conflicts with.
/// - Rule 6 compares feerate diagrams.
fn replacement(
    chain: &Chain,
    entries: &[Entry],
    conflicts: &BTreeSet<Txid>,
) -> Result<BTreeSet<Txid>, Reject> {
    let pool = &chain.mempool;
    let evicted: BTreeSet<Txid> = conflicts.iter().flat_map(|txid| pool.descendants(*txid)).collect();
    if evicted.is_empty() {
        return Ok(evicted);
    }
    if entries.iter().flat_map(Entry::parents).any(|parent| evicted.contains(&parent)) {
        return Err(Reject::SpendsConflict);
    }
    if entries.len() > 1 && entries.iter().flat_map(Entry::parents).any(|parent| pool.get(&parent).is_some())
    {
        return Err(Reject::Package("a package that replaces has no parents in the mempool"));
    }
    let clusters: BTreeSet<BTreeSet<Txid>> = conflicts.iter().map(|txid| pool.cluster(*txid)).collect();
    if clusters.len() > 100 {
        return Err(Reject::TooManyReplaced { clusters: clusters.len() });
    }
    let fee = entries.iter().fold(0u64, |sum, entry| sum.saturating_add(entry.fee));
    let size = entries.iter().fold(0u64, |sum, entry| sum.saturating_add(entry.vsize));
    let old_fee = evicted.iter().filter_map(|txid| pool.get(txid)).fold(0u64, |sum, entry| sum + entry.fee);
    let Some(extra) = fee.checked_sub(old_fee) else {
        return Err(Reject::ReplacementFee { fee, evicted: old_fee });
    };
    let needed = Policy::fee(chain.policy().incremental, size);
    if extra < needed {
        return Err(Reject::ReplacementRelay { extra, needed });
    }
    let parents = entries.iter().flat_map(Entry::parents).map(|txid| pool.cluster(txid));
    let touched: BTreeSet<Txid> = clusters.into_iter().chain(parents).flatten().collect();
    let of = |txids: &BTreeSet<Txid>| -> BTreeMap<Txid, Arc<Entry>> {
        txids.iter().filter_map(|txid| Some((*txid, pool.entries.get(txid)?.clone()))).collect()
    };
    let old = of(&touched);
    let mut new = of(&touched.difference(&evicted).copied().collect());
    new.extend(entries.iter().map(|entry| (entry.txid, Arc::new(entry.clone()))));
    let diagram = |entries| -> Vec<Chunk> {
        feerate_diagram::linearize(entries).into_iter().map(|(chunk, _)| chunk).collect()
    };
    match feerate_diagram::improves(&diagram(&old), &diagram(&new)) {
        true => Ok(evicted),
        false => Err(Reject::Diagram),
    }
}
