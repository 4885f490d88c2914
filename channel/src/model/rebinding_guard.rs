//! The guard of clients and towers for LN-Symmetry and the override forms.

use std::sync::Arc;

use bitcoin::OutPoint;

use super::rebinding::StateOutput;
use super::settlement::Settlement;
use super::{Form, Rebinding};
use crate::error::ChannelError;
use crate::mutation::{Mutation, mutated};
use crate::publish::{Claim, Guard, HtlcOutputs, Orders, Purpose, SharedGuard, Spend, View};
use crate::records::RecordKind;
use crate::taproot::TapOutput;

/// Data that a party of the channel has and its tower does not have: the settlement transaction, the party's balance
/// and the HTLC outputs.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    /// Settlement transaction of the latest state.
    pub(super) settlement: Settlement,
    /// Balance of the party in the latest state plus the capacities of all nested channels, in satoshi. Together
    /// with the HTLCs in `htlcs`, this is the maximum that the party can lose.
    pub(super) balance: u64,
    /// HTLC outputs of the settlement transaction, with the keys with which the party claims them.
    pub(super) htlcs: HtlcOutputs,
}

/// The [`Guard`] that answers any older state on the chain with the latest update transaction. The guard of a party
/// also publishes the settlement and claims HTLCs. The guard of a tower does not.
#[derive(Clone, Debug)]
pub(super) struct RebindingGuard {
    form: Form,
    /// Contest delay in blocks: the time in which an old state can be answered.
    delay: u16,
    record: Rebinding,
    funding: TapOutput,
    owner: Option<Owner>,
}

impl RebindingGuard {
    pub(super) fn new(
        (form, delay): (Form, u16),
        record: Rebinding,
        owner: Option<Owner>,
    ) -> Result<RebindingGuard, ChannelError> {
        Ok(RebindingGuard { form, delay, funding: record.funding_output(form)?, record, owner })
    }

    pub(super) fn share(self) -> SharedGuard {
        Arc::new(self)
    }

    /// Returns the outpoints from which the guard follows updates. Normally this is the funding outpoint in the record.
    /// The record of a nested channel has no outpoint. The result is then every output that has the right amount and
    /// pays to the funding script, since updates can spend each of them.
    fn roots(&self, view: View<'_>) -> Vec<OutPoint> {
        if self.record.funding != OutPoint::null() {
            return vec![self.record.funding];
        }
        let outputs = view.outputs_to(&self.funding.script_pubkey()).into_iter();
        let fitting = outputs.filter(|found| found.out.value.to_sat() == self.record.capacity);
        fitting.map(|found| found.coin).collect()
    }

    /// Returns the maximum amount that the client can lose, in satoshi, which limits the fees. A tower does not know
    /// the balances and uses the whole capacity.
    fn stake(&self) -> u64 {
        match &self.owner {
            Some(owner) => owner.balance.saturating_add(owner.htlcs.stake()),
            None => self.record.capacity,
        }
    }

    /// Follows the confirmed update transactions from the outpoint `root`. Returns the state output of the last update,
    /// and the transaction that spends this output. Each is `None` if it does not exist.
    fn follow<'a>(
        &self,
        view: View<'a>,
        root: OutPoint,
    ) -> Result<(Option<StateOutput>, Option<Spend<'a>>), ChannelError> {
        let (mut coin, mut last) = (root, None);
        loop {
            let Some(spend) = view.confirmed_spend(&coin) else { return Ok((last, None)) };
            if mutated(Mutation::FollowsOneUpdate) && last.is_some() {
                return Ok((last, Some(spend)));
            }
            let height = spend.height.unwrap_or_default();
            match self.record.state_output(self.form, (spend.tx, spend.input), height)? {
                Some(mut next) => {
                    coin = next.found.coin;
                    if mutated(Mutation::FollowsScripts)
                        && let Some(other) = view.outputs_to(&next.out.script_pubkey()).pop()
                    {
                        next.found = other;
                    }
                    last = Some(next);
                }
                None => return Ok((last, Some(spend))),
            }
        }
    }

    fn claims_above(
        &self,
        view: View<'_>,
        orders: &Orders,
        root: OutPoint,
    ) -> Result<Vec<Claim>, ChannelError> {
        let (last, spend) = self.follow(view, root)?;
        let Some(last) = last else {
            let update = || self.record.bind(self.form, "update", (root, &self.funding), None);
            return Ok(match spend.is_none() && orders.close && self.owner.is_some() {
                true => vec![Claim::with_child(Purpose::Close, root, update()?, self.stake())],
                false => Vec::new(),
            });
        };
        if last.state < self.record.state {
            let answer = match spend {
                None => self.record.override_output(self.form, &last)?,
                Some(_) => None,
            };
            let deadline = last.found.height.saturating_add(self.delay.into());
            let claim = |step| Claim::with_child(Purpose::Answer, last.found.coin, step, self.stake());
            return Ok(answer.map(|step| claim(step).before(deadline)).into_iter().collect());
        }
        let Some(owner) = self.owner.as_ref().filter(|_| last.state == self.record.state) else {
            return Ok(Vec::new());
        };
        match spend {
            Some(spend) => owner.htlcs.claims(view, orders, (spend.tx, spend.height.unwrap_or_default())),
            None if mutated(Mutation::NeverSettles) => Ok(Vec::new()),
            None => {
                let step = owner.settlement.on(last.found.coin, last.found.out.clone())?;
                let claim = Claim::with_child(Purpose::Settle, last.found.coin, step, self.stake());
                let ready = last.found.unlocked(self.delay.into());
                Ok(vec![claim.from(ready).with_deadline(owner.htlcs.deadline(view, orders))])
            }
        }
    }
}

impl Guard for RebindingGuard {
    fn claims(&self, view: View<'_>, orders: &Orders) -> Result<Vec<Claim>, ChannelError> {
        let mut claims = Vec::new();
        for root in self.roots(view) {
            claims.extend(self.claims_above(view, orders, root)?);
        }
        Ok(claims)
    }

    fn channel(&self) -> Vec<u8> {
        let fixed = Rebinding { state: 0, signature: [0; 64], published: [0; 32], ..self.record };
        fixed.to_bytes(RecordKind::RebindingTower)
    }

    fn rank(&self) -> Vec<u32> {
        vec![self.record.state]
    }
}
