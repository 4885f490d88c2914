//! The guard of clients and towers for constructions whose newer states have shorter relative locks. After the kickoff
//! confirms, whoever published it, the guard publishes the following transactions of the latest state.

use bitcoin::{OutPoint, Transaction, TxOut, consensus::Decodable as _, consensus::encode::serialize};

use super::Step;
use crate::error::ChannelError;
use crate::keys::verify_schnorr;
use crate::mutation::{Mutation, mutated};
use crate::publish::{Claim, Found, Guard, HtlcOutputs, Orders, Purpose, View};
use crate::records::RecordKind;
use crate::sign;

/// The [`Guard`] of a client or tower for a channel with decreasing relative locks. It publishes the signed
/// transactions of the latest state. They form a chain: the first is the kickoff, and each later transaction spends the
/// first output of its predecessor.
#[derive(Clone, Debug)]
pub(super) struct PathGuard {
    funding: OutPoint,
    steps: Vec<Step>,
    /// Difference between the relative locks of two successive states, in blocks.
    interval: u16,
    /// Data that only a party of the channel has, such as its balance. `None` in the guard of a tower.
    owner: Option<Owner>,
}

/// Data that a party of the channel has and its tower does not have: the party's balance and the HTLC outputs.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    /// The party's balance in the latest state, in satoshi.
    pub(super) balance: u64,
    /// HTLC outputs of the last transaction of the latest state, with the keys with which the party claims them.
    pub(super) htlcs: HtlcOutputs,
}

impl PathGuard {
    /// Creates a guard that publishes the signed transactions `txs` of the latest state, the kickoff first.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if a transaction does not spend the first output of its predecessor, or if its
    /// signature is not valid.
    pub(super) fn new(
        interval: u16,
        txs: Vec<Transaction>,
        owner: Option<Owner>,
    ) -> Result<PathGuard, ChannelError> {
        let broken = || ChannelError::encoding("a path is transactions that spend each other, all signed");
        let kickoff = txs.first().and_then(|tx| tx.input.first().zip(tx.output.first()));
        let (first, out) =
            kickoff.map(|(input, out)| (input.previous_output, out.clone())).ok_or_else(broken)?;
        let key: [u8; 32] =
            out.script_pubkey.as_bytes().get(2..).and_then(|key| key.try_into().ok()).ok_or_else(broken)?;
        let mut coin = first;
        for tx in &txs {
            let [input] = tx.input.as_slice() else { return Err(broken()) };
            let digest = sign::key_path(tx, std::slice::from_ref(&out), 0, sign::DEFAULT)?;
            let signature = input.witness.iter().next().and_then(|bytes| bytes.try_into().ok());
            let signed = signature.is_some_and(|signature| verify_schnorr(&key, &digest, &signature));
            if input.previous_output != coin || !signed && !mutated(Mutation::PathUnchecked) {
                return Err(broken());
            }
            coin = crate::tx::outpoint(tx, 0);
        }
        let step = |tx| Step { label: "path", tx, prevouts: vec![TxOut::clone(&out)] };
        Ok(PathGuard { funding: first, steps: txs.into_iter().map(step).collect(), interval, owner })
    }

    /// Parses a tower's record, which is a sequence of signed transactions.
    ///
    /// # Errors
    ///
    /// Same errors as [`PathGuard::new`].
    pub(super) fn read(interval: u16, record: &[u8]) -> Result<PathGuard, ChannelError> {
        let mut rest = RecordKind::PathTower.open(record)?.rest();
        let mut txs = Vec::new();
        while !rest.is_empty() {
            let tx = Transaction::consensus_decode(&mut rest);
            txs.push(tx.map_err(|_| ChannelError::encoding("a path is transactions, one after the other"))?);
        }
        PathGuard::new(interval, txs, None)
    }

    /// Serializes a tower's record, which is a sequence of signed transactions.
    pub(super) fn to_bytes(steps: &[Step]) -> Vec<u8> {
        let txs = steps.iter().flat_map(|step| serialize(&step.tx));
        RecordKind::PathTower.head().into_iter().chain(txs).collect()
    }

    fn stake(&self) -> u64 {
        match (&self.owner, self.steps.first()) {
            (Some(owner), _) => owner.balance.saturating_add(owner.htlcs.stake()),
            (None, Some(kickoff)) => crate::tx::output_sum(&kickoff.tx),
            (None, None) => 0,
        }
    }

    /// Returns the claim that publishes `step`, the transaction of the latest state that spends the confirmed output
    /// `found`.
    fn next(&self, found: &Found, step: &Step) -> Claim {
        let lock = step.tx.input.first().map_or(0, |input| input.sequence.0 & 0xffff);
        let claim = Claim::with_child(Purpose::Answer, found.coin, step.clone(), self.stake());
        // The transaction of the previous state has a lock that is longer by one interval.
        let deadline = found.height.saturating_add(lock).saturating_add(self.interval.into());
        claim.from(found.unlocked(lock)).before(deadline)
    }
}

impl Guard for PathGuard {
    fn claims(&self, view: View<'_>, orders: &Orders) -> Result<Vec<Claim>, ChannelError> {
        let mut below: Option<Found> = None;
        for step in &self.steps {
            let coin = below.as_ref().map_or(self.funding, |found| found.coin);
            match (view.confirmed_spend(&coin), &below) {
                (Some(spend), _) if spend.tx.compute_txid() == step.tx.compute_txid() => {
                    let height = spend.height.unwrap_or_default();
                    let out = step.tx.output.first().cloned();
                    let out =
                        out.ok_or_else(|| ChannelError::encoding("a path's transaction has outputs"))?;
                    below = Some(Found { coin: crate::tx::outpoint(&step.tx, 0), out, height });
                }
                // An older state confirmed first, or both parties closed cooperatively.
                (Some(_), _) => return Ok(Vec::new()),
                (None, Some(found)) => return Ok(vec![self.next(found, step)]),
                (None, None) if orders.close && self.owner.is_some() => {
                    return Ok(vec![Claim::with_child(Purpose::Close, coin, step.clone(), self.stake())]);
                }
                (None, None) => return Ok(Vec::new()),
            }
        }
        match (&self.owner, self.steps.last(), below) {
            (Some(owner), Some(last), Some(found)) => {
                owner.htlcs.claims(view, orders, (&last.tx, found.height))
            }
            _ => Ok(Vec::new()),
        }
    }

    fn channel(&self) -> Vec<u8> {
        let paid = self.steps.first().and_then(|kickoff| kickoff.prevouts.first());
        let script = paid.map(|out| out.script_pubkey.to_bytes()).unwrap_or_default();
        [&crate::tx::outpoint_bytes(&self.funding)[..], &script].concat()
    }

    /// Returns a value that is greater for a newer state. A newer state has shorter locks, and the lock nearest to the
    /// kickoff is compared first.
    fn rank(&self) -> Vec<u32> {
        let locks = self.steps.iter().filter_map(|step| step.tx.input.first());
        locks.map(|input| 0xffff_u32.saturating_sub(input.sequence.0 & 0xffff)).collect()
    }
}
