//! The steps that follow a transaction, if it and they are confirmed.

use bitcoin::Transaction;

use super::{Claim, Guard, Orders, Pays, Purpose, Supposed, View};
use crate::error::ChannelError;
use crate::model::Step;

/// Satoshi per virtual byte that steps of plays pay from their own outputs.
const RATE: u64 = 2;

/// The claims of a guard in order, each as if those before it were confirmed, whatever its locks are.
///
/// # Errors
///
/// As [`Guard::claims`].
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

/// What a guard's owner publishes when these transactions are confirmed, from the spend of the funding output on: its answer, and the
/// settlement that follows; none if there is nothing to answer.
///
/// # Errors
///
/// As [`Guard::claims`].
pub fn answers(guard: &dyn Guard, published: &[Transaction]) -> Result<Option<Vec<Step>>, ChannelError> {
    let claims = foreseen(guard, published.to_vec(), &Orders::default())?;
    if claims.first().is_none_or(|(claim, _)| claim.purpose != Purpose::Answer) {
        return Ok(None);
    }
    let steps =
        claims.into_iter().filter(|(claim, _)| matches!(claim.purpose, Purpose::Answer | Purpose::Settle));
    Ok(Some(steps.map(|(_, step)| step).collect()))
}
