//! Raises the fee of an unconfirmed transaction that already has several children in the mempool.
//!
//! After a reorganization, a parent of version 3 can have several children in the mempool. The mempool then accepts no
//! further child (BIP 431 rule 5), not even the fee-paying child of the party that wants to confirm the parent. But a
//! child can be replaced. So the party replaces one of its own children by a child with a higher fee. The new child
//! also spends the parent's P2A output, because a child of an unconfirmed parent must spend all dust outputs of that
//! parent.

use bitcoin::{OutPoint, Transaction, Txid};
use sigstack_policy::Policy;

use super::publisher::Publisher;
use super::{Claim, Draft, Ledger, Pays, Unlock, View};
use crate::chain::Chain;
use crate::error::ChannelError;
use crate::tx::{SEQUENCE_FREE, input, outpoint};

/// Maximum number of attempts to replace a child. When the mempool refuses an attempt, the next one has a fee that is
/// higher by a quarter.
const TRIES: u32 = 12;

/// The simulated chain, except that one unconfirmed transaction, `parent`, counts as confirmed.
struct AsIfConfirmed<'a> {
    chain: &'a Chain,
    parent: &'a Transaction,
}

impl Ledger for AsIfConfirmed<'_> {
    fn height(&self) -> u32 {
        Ledger::height(self.chain)
    }

    fn confirmed_spender(&self, coin: &OutPoint) -> Option<(&Transaction, u32)> {
        let is_spent = self.parent.input.iter().any(|input| input.previous_output == *coin);
        is_spent.then(|| (self.parent, self.height())).or_else(|| self.chain.confirmed_spender(coin))
    }

    fn pending_spender(&self, coin: &OutPoint) -> Option<&Transaction> {
        self.chain.pending_spender(coin)
    }

    fn transactions(&self) -> Box<dyn Iterator<Item = (&Transaction, u32)> + '_> {
        Box::new(self.chain.transactions().chain([(self.parent, self.height())]))
    }
}

impl Publisher {
    /// Raises the fee of a claim whose transaction already has children in the mempool. One of the party's own children
    /// is replaced by a child with a higher fee, so that the new child and its parent together pay `rate` sat/vB.
    /// Returns the fee of the new child in satoshi and its virtual size. Returns `None` if the party has no child in
    /// the mempool, or if no fee within the limits is accepted.
    pub(super) fn raise_child(
        &self,
        chain: &mut Chain,
        claim: &Claim,
        rate: u64,
    ) -> Result<Option<(u64, u64)>, ChannelError> {
        let base = claim.draft.step(0)?.tx;
        let Some(parent) = chain.mempool().get(&base.compute_txid()).cloned() else { return Ok(None) };
        let as_if = AsIfConfirmed { chain, parent: &parent.tx };
        let children = self.guard().claims(View::new(&as_if), &self.wanted())?;
        let own = children.into_iter().filter(|child| is_own_child(chain, child, parent.txid));
        let Some(child) = own.max_by_key(|child| child.stake) else { return Ok(None) };
        let family = chain.mempool().descendants(parent.txid);
        let entries = family.iter().filter_map(|txid| chain.mempool().get(txid));
        let others = entries.filter(|entry| entry.txid != parent.txid);
        let paid = others.fold(0u64, |sum, entry| sum.saturating_add(entry.fee));
        let Some(draft) = with_anchor(&child, claim, &parent.tx) else { return Ok(None) };
        let size = draft.weight().div_ceil(4);
        let relay = Policy::fee(chain.policy().incremental, size).saturating_add(1);
        let limit = draft.spare().min(child.stake);
        let whole = parent.vsize.saturating_add(size).saturating_mul(rate).saturating_sub(parent.fee);
        let mut fee = whole.max(paid.saturating_add(relay)).min(limit);
        for _ in 0..TRIES {
            if chain.submit(draft.step(fee)?.tx).is_ok() {
                return Ok(Some((fee, size)));
            }
            let raise = fee.saturating_mul(5).div_ceil(4).min(limit);
            if raise <= fee {
                break;
            }
            fee = raise;
        }
        Ok(None)
    }
}

/// Returns the draft of `child` with an additional input that spends the P2A output of `parent`. Returns `None` if the
/// fee of `claim`, which publishes the parent, is not paid by a child.
fn with_anchor(child: &Claim, claim: &Claim, parent: &Transaction) -> Option<Draft> {
    let Pays::Child(vout, unlock) = &claim.pays else { return None };
    let anchor = parent.output.get(usize::try_from(*vout).ok()?)?;
    let mut draft = child.draft.clone();
    draft.tx.version = parent.version;
    draft.tx.input.push(input(outpoint(parent, *vout), SEQUENCE_FREE));
    draft.prevouts.push(anchor.clone());
    draft.unlocks.push(Unlock::clone(unlock));
    Some(draft)
}

/// Returns whether the mempool contains the transaction of `claim` as a child of `parent`. A transaction with the same
/// output scripts counts, whatever its fee is.
fn is_own_child(chain: &Chain, claim: &Claim, parent: Txid) -> bool {
    let scripts =
        |tx: &Transaction| tx.output.iter().map(|out| out.script_pubkey.clone()).collect::<Vec<_>>();
    let same = |tx: &Transaction| scripts(tx) == scripts(&claim.draft.tx);
    claim.coin.txid == parent
        && matches!(claim.pays, Pays::Own)
        && chain.mempool().spender(&claim.coin).is_some_and(|entry| same(&entry.tx))
}
