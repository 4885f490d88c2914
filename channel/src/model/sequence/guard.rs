//! The guard of clients for the signed sequence form.

use bitcoin::OutPoint;
use secp256k1::Keypair;

use super::super::Step;
use super::super::contested::Contested;
use super::super::settlement::Settlement;
use super::fee_input::Fees;
use crate::error::ChannelError;
use crate::mutation::{Mutation, mutated};
use crate::publish::{
    Claim, Draft, Found, Guard, HtlcOutputs, Orders, Pays, Purpose, Spend, View, outputs_to,
};

/// The [`Guard`] of a client: it decides which transactions the client publishes. It contests an older commitment
/// transaction of the peer. If the latest commitment transaction of either party confirms, it publishes the settlement
/// and claims HTLCs.
#[derive(Clone, Debug)]
pub(super) struct SequenceGuard {
    pub(super) funding: OutPoint,
    /// Keys and terms from which the contested outputs of the peer's commitment transactions are built.
    pub(super) contested: Contested,
    pub(super) mask: u32,
    pub(super) delay: u16,
    /// The client's key pair for the contest leaf, with which it takes the contested output of an old state.
    pub(super) key: Keypair,
    /// Number of the latest state, as scripts compare it. The peer's signature of this number, in the field `evidence`,
    /// revokes the peer's older states.
    pub(super) number: u32,
    pub(super) evidence: [u8; 64],
    /// The client's own latest commitment transaction, complete with the signature of both parties.
    pub(super) commitment: Step,
    /// How the fee of `commitment` is paid.
    pub(super) fees: Fees,
    /// Settlement transactions for the client's own latest commitment transaction, and for the peer's latest commitment
    /// transaction.
    pub(super) settlements: [Settlement; 2],
    pub(super) balance: u64,
    pub(super) htlcs: HtlcOutputs,
}

impl SequenceGuard {
    fn stake(&self) -> u64 {
        self.balance.saturating_add(self.htlcs.stake())
    }

    /// Returns the claim that publishes the settlement transaction, which spends the contested output `found` of the
    /// latest state. If that output is already spent, returns the claims on the HTLC outputs of the transaction that
    /// spends it.
    fn settle(
        &self,
        view: View<'_>,
        orders: &Orders,
        (found, settlement): (&Found, &Settlement),
    ) -> Result<Vec<Claim>, ChannelError> {
        if let Some(spend) = view.confirmed_spend(&found.coin) {
            return self.htlcs.claims(view, orders, (spend.tx, spend.height.unwrap_or_default()));
        }
        if mutated(Mutation::NeverSettles) {
            return Ok(Vec::new());
        }
        let step = settlement.on(found.coin, found.out.clone())?;
        let claim = Claim::with_child(Purpose::Settle, found.coin, step, self.stake());
        let ready = found.unlocked(self.delay.into());
        Ok(vec![claim.from(ready).with_deadline(self.htlcs.deadline(view, orders))])
    }

    /// Returns the claim that takes the contested output, if the transaction `spend` is an older commitment transaction
    /// of the peer. Otherwise the result is empty.
    fn contest(&self, view: View<'_>, spend: &Spend<'_>) -> Result<Vec<Claim>, ChannelError> {
        let older = self.contested.rebuild(spend.tx, &self.funding, self.mask, self.number, self.delay)?;
        let Some(older) = older.filter(|older| view.is_unspent(&older.found.coin)) else {
            return Ok(Vec::new());
        };
        let draft = self.contested.contest(&older, (self.number, &self.evidence), &self.key)?;
        // The fee may be as high as the victim's own part of the channel. It may also be as high as the rest of the
        // output, since the victim then still receives its own part.
        let value = older.found.out.value.to_sat();
        let stake = self.stake().max(value.saturating_sub(self.stake()));
        let claim = Claim::new(Purpose::Answer, older.found.coin, draft, Pays::Own, stake);
        let deadline = spend.height.unwrap_or_default().saturating_add(self.delay.into());
        Ok(vec![claim.before(deadline)])
    }
}

impl Guard for SequenceGuard {
    fn claims(&self, view: View<'_>, orders: &Orders) -> Result<Vec<Claim>, ChannelError> {
        let Some(spend) = view.confirmed_spend(&self.funding) else {
            let close = || match self.fees {
                // The peer's signature allows additional outputs, so the change of the fee input has an output in the
                // same transaction.
                Fees::InputWithChange => {
                    let draft = Draft::of(self.commitment.clone());
                    Claim::new(Purpose::Close, self.funding, draft, Pays::Input, self.stake())
                }
                _ => Claim::with_child(Purpose::Close, self.funding, self.commitment.clone(), self.stake()),
            };
            return Ok(if orders.close { vec![close()] } else { Vec::new() });
        };
        let height = spend.height.unwrap_or_default();
        let known = if mutated(Mutation::OwnVersionOnly) { 1 } else { 2 };
        for settlement in self.settlements.iter().take(known) {
            // If the signature allows additional outputs, an output with the same script and a smaller amount may come
            // first.
            let mut found = outputs_to(spend.tx, height, &settlement.out.script_pubkey()).into_iter();
            if let Some(found) = found.find(|found| found.out.value.to_sat() == self.contested.capacity) {
                return self.settle(view, orders, (&found, settlement));
            }
        }
        self.contest(view, &spend)
    }

    fn channel(&self) -> Vec<u8> {
        crate::tx::outpoint_bytes(&self.funding).to_vec()
    }

    fn rank(&self) -> Vec<u32> {
        vec![self.number]
    }
}
