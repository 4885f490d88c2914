//! Submits a claim to the mempool at a given feerate, and replaces conflicting transactions if necessary.

use std::collections::BTreeSet;

use bitcoin::{OutPoint, Transaction, TxIn, TxOut, Txid};
use sigstack_policy::Policy;

use super::{Claim, Draft, Pays, Purpose, Unlock};
use crate::chain::{Chain, Entry, Reject};
use crate::error::ChannelError;
use crate::mutation::{Mutation, mutated};
use crate::step::Step;
use crate::tx::{P2TR_DUST_LIMIT, SEQUENCE_FREE, input, outpoint, transaction};
use crate::wallet::Wallet;

/// Maximum number of attempts per block to submit a claim's transaction. When the mempool refuses an attempt, the next
/// one has a fee that is higher by a quarter.
const TRIES: u32 = 12;

/// Number of blocks before a claim's deadline in which its fee rises until it reaches the amount that would be lost.
pub(super) const LAST_BLOCKS: u32 = 12;

/// Result of submitting a claim's transaction to the mempool.
pub(super) enum Outcome {
    /// The mempool accepted the claim's transaction. `fee` is its fee in satoshi and `size` its virtual size, both
    /// including the fee-paying child.
    Offered { fee: u64, size: u64 },
    /// The claim's transaction is already in the mempool, with a feerate that is high enough. Transactions of others
    /// may pay for it. `rate` is in sat/vB.
    Kept { rate: u64 },
    /// The mempool refused the claim's transaction for this reason.
    Refused(Reject),
    /// Replacing the conflicting transactions needs the fee `needed` in satoshi, which is more than the claim pays now.
    Outbid { needed: u64 },
}

/// A claim that is to be submitted, with the mempool transactions that it would replace.
pub(super) struct Offer<'a> {
    claim: &'a Claim,
    wallet: &'a Wallet,
    /// The claim's transaction with no fee subtracted. If a child pays the fee, this is the parent of that child.
    base: Step,
    /// Mempool transactions that the claim's transactions would replace.
    evicted: BTreeSet<Txid>,
    /// Whether the claim would replace at least one transaction, and all replaced transactions seem to be earlier
    /// versions of the claim that this party submitted itself.
    own: bool,
    /// Unspent output of the wallet that pays the fee. `None` if the wallet has no unspent output, or if mempool
    /// transactions already spend all of them.
    coin: Option<(OutPoint, TxOut)>,
}

impl<'a> Offer<'a> {
    pub(super) fn new(
        chain: &Chain,
        wallet: &'a Wallet,
        claim: &'a Claim,
    ) -> Result<Offer<'a>, ChannelError> {
        let base = claim.draft.step(0)?;
        let (pool, txid) = (chain.mempool(), base.tx.compute_txid());
        let mut evicted = BTreeSet::new();
        for input in &base.tx.input {
            let other = pool.spender(&input.previous_output).map(|entry| entry.tx.compute_txid());
            evicted
                .extend(other.filter(|other| *other != txid).into_iter().flat_map(|id| pool.descendants(id)));
        }
        if let Pays::Child(vout, _) = &claim.pays
            && pool.get(&txid).is_some()
        {
            if base.tx.version.0 == 3 {
                // A parent of version 3 may have only one child. An existing child is replaced even if it spends
                // another output.
                evicted.extend(pool.descendants(txid).into_iter().filter(|other| *other != txid));
            } else if let Some(child) = pool.spender(&outpoint(&base.tx, *vout)) {
                // Other children of a version 2 parent do not conflict with the fee-paying child. If the party replaced
                // them, the peer could choose how much that costs.
                evicted.extend(pool.descendants(child.txid));
            }
        }
        let mut offer = Offer { claim, wallet, base, evicted, own: false, coin: None };
        offer.own = offer.is_own(chain);
        offer.coin = offer.choose_coin(chain);
        Ok(offer)
    }

    /// Returns whether the claim replaces transactions and all of them seem to be earlier versions of the claim that
    /// this party submitted itself. If the wallet pays the fee, an earlier version must spend an output of the wallet.
    /// An output to the wallet is not enough, because anyone can pay to the wallet. If the wallet does not pay the fee,
    /// an earlier version must have the same output scripts as the claim's transaction.
    fn is_own(&self, chain: &Chain) -> bool {
        let mine = |entry: &Entry| match self.claim.pays {
            Pays::Child(..) | Pays::Input => {
                entry.prevouts.iter().any(|out| out.script_pubkey == *self.wallet.script_pubkey())
            }
            Pays::Own | Pays::Fixed => {
                let outputs = entry.tx.output.iter().map(|out| &out.script_pubkey);
                outputs.eq(self.base.tx.output.iter().map(|out| &out.script_pubkey))
            }
        };
        let mut entries = self.evicted.iter().filter_map(|txid| chain.mempool().get(txid));
        !self.evicted.is_empty() && entries.all(mine)
    }

    /// Returns whether mempool transactions of others already pay this feerate or a higher one for the claim. Replacing
    /// them would cost more than they pay and gain nothing. If the party replaced them, its peer could make it pay any
    /// fee at no cost to the peer.
    fn is_paid_by_others(&self, chain: &Chain, rate: u64) -> bool {
        let pool = chain.mempool();
        let mut evicted = self.evicted.iter().filter_map(|txid| pool.get(txid));
        let (Some(only), None) = (evicted.next(), evicted.next()) else { return false };
        let (parent, is_same) = match self.claim.pays {
            // A child of another party pays for the same parent.
            Pays::Child(..) => {
                let parent = pool.get(&self.base.tx.compute_txid());
                (parent, parent.is_some())
            }
            // Another party added an input that pays the fee.
            Pays::Input => (None, only.tx.output == self.base.tx.output),
            Pays::Own | Pays::Fixed => (None, false),
        };
        let of_parent = |coin: &OutPoint| parent.is_some_and(|parent| coin.txid == parent.txid);
        let confirmed = |input: &TxIn| {
            let coin = &input.previous_output;
            of_parent(coin) || chain.coin(coin).is_some()
        };
        let all = parent.into_iter().chain([only]);
        let (fee, vsize) = all.fold((0u64, 0u64), |(fee, vsize), entry| {
            (fee.saturating_add(entry.fee), vsize.saturating_add(entry.vsize))
        });
        // An unconfirmed parent of another input could lower the effective feerate.
        is_same && only.tx.input.iter().all(confirmed) && fee >= vsize.saturating_mul(rate)
    }

    /// Returns whether the claim's transactions would replace this mempool transaction.
    pub(super) fn replaces(&self, txid: &Txid) -> bool {
        self.evicted.contains(txid)
    }

    /// Returns the largest unspent output of the wallet. An output that a mempool transaction spends is excluded,
    /// unless the claim would replace that transaction.
    fn choose_coin(&self, chain: &Chain) -> Option<(OutPoint, TxOut)> {
        let free = |coin: &OutPoint| {
            let spender = chain.mempool().spender(coin);
            spender.is_none_or(|entry| self.evicted.contains(&entry.tx.compute_txid()))
        };
        let coins = chain.coins_to(self.wallet.script_pubkey()).filter(|(coin, _)| free(coin));
        coins.map(|(coin, found)| (coin, found.out.clone())).max_by_key(|(coin, out)| (out.value, *coin))
    }

    /// Returns the draft of the child that pays the fee of the claim. Returns `None` if the fee is not paid by a child.
    fn child(&self) -> Option<Draft> {
        let Pays::Child(vout, unlock) = &self.claim.pays else { return None };
        let prevout = self.base.tx.output.get(usize::try_from(*vout).ok()?)?.clone();
        let inputs = vec![input(outpoint(&self.base.tx, *vout), SEQUENCE_FREE)];
        let version = if mutated(Mutation::ChildOfOtherVersion) { 2 } else { self.base.tx.version.0 };
        let tx = transaction(version, 0, inputs, Vec::new());
        Some(Draft { label: "fee child", tx, prevouts: vec![prevout], unlocks: vec![Unlock::clone(unlock)] })
    }

    /// Returns the virtual size of the transactions for which the claim's fee pays: the claim's transaction, and the
    /// fee-paying child if there is one. If an additional input can pay the fee, it is counted only if the
    /// transaction's own fee is below the feerate `rate`.
    pub(super) fn size(&self, rate: u64) -> u64 {
        let (draft, alone) = (&self.claim.draft, self.claim.draft.weight().div_ceil(4));
        match (&self.claim.pays, self.child()) {
            (Pays::Input, _) if self.base.fee() < alone.saturating_mul(rate) => {
                draft.funded_weight().div_ceil(4)
            }
            (_, Some(child)) => alone.saturating_add(child.funded_weight().div_ceil(4)),
            _ => alone,
        }
    }

    /// Builds the transactions to submit: the claim's transaction, and the fee-paying child if there is one. Together
    /// they pay `fee` satoshi.
    fn build(&self, fee: u64) -> Result<Vec<Transaction>, ChannelError> {
        let signed = self.base.fee();
        let lacks_coin = || ChannelError::refused("the wallet has no coin that is free");
        Ok(match (&self.claim.pays, self.child()) {
            (Pays::Own, _) => vec![self.claim.draft.step(fee)?.tx],
            (Pays::Input, _) if fee > signed => {
                let coin = self.coin.as_ref().ok_or_else(lacks_coin)?;
                vec![self.claim.draft.funded(self.wallet, coin, fee)?.tx]
            }
            (Pays::Child(..), Some(child)) => {
                let coin = self.coin.as_ref().ok_or_else(lacks_coin)?;
                if mutated(Mutation::FeeInputBesideAnchor) {
                    return Ok(vec![self.claim.draft.funded(self.wallet, coin, fee)?.tx]);
                }
                let pays = fee.saturating_sub(signed);
                vec![self.base.tx.clone(), child.funded(self.wallet, coin, pays)?.tx]
            }
            _ => vec![self.base.tx.clone()],
        })
    }

    /// Returns the maximum fee of the claim in satoshi. It is limited by the claim's stake, by the wallet's budget, and
    /// by the output that pays the fee.
    fn limit(&self, budget: u64) -> u64 {
        let coin = self.coin.as_ref().map_or(0, |(_, out)| out.value.to_sat());
        let payable = match self.claim.pays {
            Pays::Own => self.claim.draft.spare(),
            Pays::Fixed => self.base.fee(),
            _ => coin.saturating_sub(P2TR_DUST_LIMIT).saturating_add(self.base.fee()),
        };
        if mutated(Mutation::FeesAboveStake) {
            return payable;
        }
        payable.min(self.claim.stake).min(budget.saturating_add(self.base.fee()))
    }

    /// Submits the claim at the feerate `rate` in sat/vB. `budget` is the amount that the wallet may still pay, in
    /// satoshi.
    ///
    /// Replacing transactions of others may require a higher fee than `rate` gives. This fee is paid, up to the limit,
    /// unless the claim is not urgent ([`Offer::is_urgent`]) and the other transactions soon confirm by themselves
    /// ([`Offer::is_outbid_by_payers`]). The party then waits: the other party pays the fee, and the result is answered.
    /// If the other transactions do not confirm, the feerate of the claim rises above theirs after some blocks.
    pub(super) fn submit(&self, chain: &mut Chain, rate: u64, budget: u64) -> Result<Outcome, ChannelError> {
        let size = self.size(rate);
        let waits = !self.own && !self.is_urgent(chain) && self.is_outbid_by_payers(chain, rate);
        let limit = match self.limit(budget) {
            limit if waits => limit.min(size.saturating_mul(rate)),
            limit => limit,
        };
        let paid = self.evicted.iter().filter_map(|txid| chain.mempool().get(txid));
        let paid = paid.fold(0u64, |sum, entry| sum.saturating_add(entry.fee));
        let relay = Policy::fee(chain.policy().incremental, size).saturating_add(1);
        let needed = if self.evicted.is_empty() || mutated(Mutation::RefusedIsForgotten) {
            0
        } else {
            paid.saturating_add(relay)
        };
        let wanted = size.saturating_mul(rate).min(limit);
        let kept = Outcome::Kept { rate: paid.checked_div(size).unwrap_or_default() };
        if self.own && wanted <= paid {
            return Ok(kept);
        }
        if !self.own && self.is_paid_by_others(chain, rate) && !mutated(Mutation::PaysBesideOthers) {
            return Ok(Outcome::Kept { rate });
        }
        if needed > limit && !matches!(self.claim.pays, Pays::Fixed) {
            return Ok(if self.own { kept } else { Outcome::Outbid { needed } });
        }
        let mut fee = wanted.max(needed);
        let mut outcome = Outcome::Outbid { needed: fee };
        for _ in 0..if mutated(Mutation::RefusedIsForgotten) { 1 } else { TRIES } {
            match self.enter(chain, fee)? {
                Ok(()) => return Ok(Outcome::Offered { fee, size }),
                Err(Reject::Known) => return Ok(Outcome::Kept { rate }),
                Err(reject) => {
                    let raise = fee.saturating_mul(5).div_ceil(4).min(limit);
                    let helps = matches!(
                        reject,
                        Reject::Diagram | Reject::ReplacementFee { .. } | Reject::ReplacementRelay { .. }
                    );
                    outcome = Outcome::Refused(reject);
                    if !helps || raise <= fee {
                        break;
                    }
                    fee = raise;
                }
            }
        }
        Ok(outcome)
    }

    /// Returns whether the claim must confirm soon. With a deadline, this is the case in the [`LAST_BLOCKS`] blocks
    /// before it. Without a deadline, another party may be able to take the money at any time, so the claim is always
    /// urgent. The exception is a claim that closes the channel: if the other party's transaction confirms instead, the
    /// channel is closed too, and an old state is answered.
    fn is_urgent(&self, chain: &Chain) -> bool {
        let next = chain.height().saturating_add(1);
        match self.claim.deadline {
            Some(deadline) => deadline.block.saturating_sub(next) <= LAST_BLOCKS,
            None => self.claim.purpose != Purpose::Close,
        }
    }

    /// Returns whether the transactions that would be replaced pay the feerate `rate` or a higher one, so that they
    /// confirm in one of the next blocks and cost their sender their fee. Returns `false` if one of them has an
    /// unconfirmed parent that would not be replaced, because the feerate of that parent is not counted. Transactions
    /// with a lower feerate may stay unconfirmed and cost their sender nothing, so waiting for them would only lose
    /// time.
    fn is_outbid_by_payers(&self, chain: &Chain, rate: u64) -> bool {
        let pool = chain.mempool();
        let entries: Vec<&Entry> = self.evicted.iter().filter_map(|txid| pool.get(txid)).collect();
        let is_complete = entries.iter().flat_map(|entry| &entry.tx.input).all(|input| {
            let coin = &input.previous_output;
            self.evicted.contains(&coin.txid) || chain.coin(coin).is_some()
        });
        let (fee, vsize) = entries.iter().fold((0u64, 0u64), |(fee, vsize), entry| {
            (fee.saturating_add(entry.fee), vsize.saturating_add(entry.vsize))
        });
        is_complete && fee >= vsize.saturating_mul(rate)
    }

    fn enter(&self, chain: &mut Chain, fee: u64) -> Result<Result<(), Reject>, ChannelError> {
        let mut txs = self.build(fee)?.into_iter();
        Ok(match (txs.next(), txs.next()) {
            (Some(parent), Some(child)) => chain.submit_package(parent, child),
            (Some(tx), None) => chain.submit(tx).map(drop),
            _ => Ok(()),
        })
    }
}
