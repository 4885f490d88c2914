//! Simulates the next transactions of a channel, as if each one confirmed.

use bitcoin::Transaction;

use super::{Claim, Guard, Orders, Pays, Purpose, Supposed, View};
use crate::error::ChannelError;
use crate::model::Step;

/// Feerate in sat/vB that simulated transactions pay from their own outputs.
const RATE: u64 = 2;

/// Returns the claims of a guard in order. Each is computed as if the earlier ones were confirmed, and time locks are ignored.
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

/// Returns the transactions that the guard's owner publishes after `published` has confirmed: its answer to an old state and the
/// settlement that follows. `published` begins with the transaction that spends the funding output. `None` if there is nothing to
/// answer.
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
