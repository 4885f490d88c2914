//! Predicts the transactions that a guard will publish, on the assumption that each of them confirms as soon as it is
//! published.

use bitcoin::Transaction;

use super::{Claim, Guard, Orders, Pays, Purpose, Supposed, View};
use crate::error::ChannelError;
use crate::step::Step;

/// Feerate in sat/vB of predicted transactions that pay the fee from their own output.
const RATE: u64 = 2;

/// Predicts the claims that a guard makes one after the other, with their transactions. Each claim is computed as if
/// the transactions of the earlier claims were confirmed. Time locks are ignored. `confirmed` are the transactions that
/// are on the chain at the beginning.
///
/// # Errors
///
/// The errors of [`Guard::claims`].
pub fn foreseen(
    guard: &dyn Guard,
    confirmed: Vec<Transaction>,
    orders: &Orders,
) -> Result<Vec<(Claim, Step)>, ChannelError> {
    let (mut ledger, mut all) = (Supposed(confirmed), Vec::new());
    loop {
        let claims = guard.claims(View::new(&ledger), orders)?;
        let taken = all.len();
        for claim in claims {
            let step = match claim.pays {
                Pays::Own => claim.draft.at(RATE)?,
                _ => claim.draft.step(0)?,
            };
            if View::new(&ledger).is_unspent(&claim.coin) {
                ledger.0.push(step.tx.clone());
                all.push((claim, step));
            }
        }
        if all.len() == taken {
            return Ok(all);
        }
    }
}

/// Predicts the transactions with which the guard answers an old state: the answer and the settlement that follows.
/// `published` are the confirmed transactions, the first of which spends the funding output. Returns `None` if there is
/// nothing to answer.
///
/// # Errors
///
/// The errors of [`Guard::claims`].
pub fn answers(guard: &dyn Guard, published: &[Transaction]) -> Result<Option<Vec<Step>>, ChannelError> {
    let claims = foreseen(guard, published.to_vec(), &Orders::default())?;
    if claims.first().is_none_or(|(claim, _)| claim.purpose != Purpose::Answer) {
        return Ok(None);
    }
    let steps =
        claims.into_iter().filter(|(claim, _)| matches!(claim.purpose, Purpose::Answer | Purpose::Settle));
    Ok(Some(steps.map(|(_, step)| step).collect()))
}
