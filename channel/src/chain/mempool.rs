//! The mempool: what is in it, and what may enter.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{OutPoint, Transaction, TxOut, Txid};
use sigstack_policy::{Candidate, Policy, PolicyError, is_dust, limits::MAX_TRUC_VSIZE};

use super::consensus::{self, Checked, Coin, Context};
use super::replace::{self, Chunk};
use super::{Chain, Reject};

/// Maximum virtual size of a version 3 transaction with an unconfirmed parent (BIP 431).
const TRUC_CHILD_MAX: u64 = 1_000;
/// Maximum number of transactions in a cluster (Core `DEFAULT_CLUSTER_LIMIT`).
const MAX_CLUSTER: usize = 64;

/// A transaction in the mempool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The transaction.
    pub tx: Transaction,
    /// The outputs that it spends, in input order.
    pub prevouts: Vec<TxOut>,
    /// Satoshi.
    pub fee: u64,
    /// Virtual bytes, adjusted for signature operations.
    pub vsize: u64,
}

impl Entry {
    fn txid(&self) -> Txid {
        self.tx.compute_txid()
    }

    fn parents(&self) -> impl Iterator<Item = Txid> {
        self.tx.input.iter().map(|input| input.previous_output.txid)
    }
}

/// What waits for a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mempool {
    entries: BTreeMap<Txid, Entry>,
    spends: BTreeMap<OutPoint, Txid>,
}

/// What may enter, and what it pushes out.
pub(super) struct Accepted {
    entries: Vec<Entry>,
    evicted: BTreeSet<Txid>,
}

impl Mempool {
    /// A transaction in it.
    pub fn get(&self, txid: &Txid) -> Option<&Entry> {
        self.entries.get(txid)
    }

    /// The transaction that would spend an output.
    pub fn spender(&self, outpoint: &OutPoint) -> Option<&Entry> {
        self.entries.get(self.spends.get(outpoint)?)
    }

    /// All of it, by txid.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    fn children(&self, entry: &Entry) -> BTreeSet<Txid> {
        let txid = entry.txid();
        let outpoints = (0..).zip(&entry.tx.output).map(|(vout, _)| OutPoint { txid, vout });
        outpoints.filter_map(|outpoint| self.spends.get(&outpoint).copied()).collect()
    }

    /// A transaction and all that spend from it, directly or not.
    pub(super) fn descendants(&self, txid: Txid) -> BTreeSet<Txid> {
        self.reach(txid, |entry| self.children(entry))
    }

    /// All that are connected with a transaction, itself included.
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

    /// The transactions of the best block, parents before children.
    pub(super) fn template(&self, capacity: u64, rate: u64) -> Vec<Transaction> {
        let mut block = Vec::new();
        let mut weight = 0u64;
        for (chunk, txids) in replace::linearize(&self.entries) {
            let txs = txids.iter().filter_map(|txid| self.entries.get(txid)).map(|entry| entry.tx.clone());
            let txs: Vec<Transaction> = txs.collect();
            let added = txs.iter().fold(0u64, |sum, tx| sum.saturating_add(crate::tx::weight(tx)));
            let pays = chunk.fee.saturating_mul(1_000) >= rate.saturating_mul(chunk.size);
            if pays && weight.saturating_add(added) <= capacity {
                weight = weight.saturating_add(added);
                block.extend(txs);
            }
        }
        block
    }

    fn remove(&mut self, txid: &Txid) {
        if let Some(entry) = self.entries.remove(txid) {
            for input in &entry.tx.input {
                self.spends.remove(&input.previous_output);
            }
        }
    }

    /// Takes out a transaction that is in a block, and all that conflicts with it.
    pub(super) fn confirm(&mut self, tx: &Transaction) {
        self.remove(&tx.compute_txid());
        for input in &tx.input {
            if let Some(conflict) = self.spends.get(&input.previous_output).copied() {
                for txid in self.descendants(conflict) {
                    self.remove(&txid);
                }
            }
        }
    }

    pub(super) fn accept(&mut self, accepted: Accepted) {
        for txid in &accepted.evicted {
            self.remove(txid);
        }
        for entry in accepted.entries {
            let txid = entry.txid();
            for input in &entry.tx.input {
                self.spends.insert(input.previous_output, txid);
            }
            self.entries.insert(txid, entry);
        }
    }
}

/// Whether one transaction, or a parent and its child together, may enter.
pub(super) fn evaluate(chain: &Chain, txs: Vec<Transaction>) -> Result<Accepted, Reject> {
    let pool = &chain.mempool;
    let mut entries: Vec<Entry> = Vec::with_capacity(txs.len());
    for tx in txs {
        let entry = entry(chain, tx, &entries)?;
        entries.push(entry);
    }
    if let [parent, child] = entries.as_slice()
        && !child.parents().any(|txid| txid == parent.txid())
    {
        return Err(Reject::Package("the second transaction does not spend the first"));
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
    let joined = entries.iter().flat_map(Entry::parents).flat_map(|txid| pool.cluster(txid));
    let cluster: BTreeSet<Txid> = joined.filter(|txid| !evicted.contains(txid)).collect();
    let count = cluster.len() + entries.len();
    if count > MAX_CLUSTER {
        return Err(Reject::ClusterTooLarge { count });
    }
    Ok(Accepted { entries, evicted })
}

/// Consensus and the policy of a single transaction.
fn entry(chain: &Chain, tx: Transaction, before: &[Entry]) -> Result<Entry, Reject> {
    let txid = tx.compute_txid();
    if chain.mempool.entries.contains_key(&txid) || chain.confirmed(&txid).is_some() {
        return Err(Reject::Known);
    }
    let unconfirmed = |outpoint: &OutPoint| {
        let in_package = before.iter().find(|entry| entry.txid() == outpoint.txid);
        let parent = chain.mempool.get(&outpoint.txid).or(in_package)?;
        let out = parent.tx.output.get(usize::try_from(outpoint.vout).ok()?)?;
        Some(Coin { out: out.clone(), height: chain.height().saturating_add(1) })
    };
    let coin = |outpoint: &OutPoint| chain.coin(outpoint).cloned().or_else(|| unconfirmed(outpoint));
    let checked = consensus::check(&tx, &Context::next(chain), chain.consensus_flags(), coin)?;
    let vsize = standard(&tx, &checked, chain.policy())?;
    consensus::verify(&tx, &checked.prevouts, chain.standard_flags())?;
    Ok(Entry { vsize, fee: checked.fee, prevouts: checked.prevouts, tx })
}

/// Checks the standardness rules for one transaction and returns its virtual size. The minimum feerate is left to [`fees`],
/// since a package pays it together, and the size of version 3 to [`truc`].
fn standard(tx: &Transaction, checked: &Checked, policy: &Policy) -> Result<u64, PolicyError> {
    let candidate = Candidate::new(tx, &checked.prevouts);
    candidate.check_form(policy)?;
    candidate.check_inputs(policy)?;
    candidate.check_ephemeral_dust(checked.fee, policy)?;
    candidate.check_sigops_cost()?;
    Ok(candidate.vsize())
}

/// The rules of version 3 (BIP 431). The answer is a sibling that has to go.
fn truc(
    pool: &Mempool,
    entry: &Entry,
    package: &[Entry],
    conflicts: &BTreeSet<Txid>,
) -> Result<Option<Txid>, Reject> {
    let in_package = |txid: &Txid| package.iter().find(|other| other.txid() == *txid);
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
    Ok(pool.children(parent).into_iter().find(|child| !conflicts.contains(child)))
}

/// A child spends all dust of its unconfirmed parents.
fn ephemeral_dust(chain: &Chain, entry: &Entry, package: &[Entry]) -> Result<(), Reject> {
    let (pool, feerate) = (&chain.mempool, chain.policy().dust_relay);
    let ids: BTreeSet<Txid> = entry.parents().collect();
    for txid in ids {
        let in_package = || package.iter().find(|other| other.txid() == txid);
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

/// One transaction pays for itself, a package together; a parent below the minimum needs a child that pays more than it.
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

/// BIP 125 as Core has it with cluster mempool: everything is replaceable, rules 3 and 4 stand, rule 5 counts clusters, rule 6 is the
/// feerate diagram, rules 1 and 2 are gone.
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
    let of = |txids: &BTreeSet<Txid>| -> BTreeMap<Txid, Entry> {
        txids.iter().filter_map(|txid| pool.get(txid).map(|entry| (*txid, entry.clone()))).collect()
    };
    let old = of(&touched);
    let mut new = of(&touched.difference(&evicted).copied().collect());
    new.extend(entries.iter().map(|entry| (entry.txid(), entry.clone())));
    let diagram =
        |entries| -> Vec<Chunk> { replace::linearize(entries).into_iter().map(|(chunk, _)| chunk).collect() };
    match replace::improves(&diagram(&old), &diagram(&new)) {
        true => Ok(evicted),
        false => Err(Reject::Diagram),
    }
}
