//! Workloads made from payment channels: the transactions that the channel crate publishes when it simulates every
//! construction.

use sigstack_channel::export::play_cases;
use sigstack_channel::model::KINDS;

use crate::workload::{Case, Workload};

/// Number of simulations of each construction. Each has other keys.
const VARIANTS: usize = 4;

/// Returns one workload for each kind of transaction that a simulated channel construction publishes, with the flags
/// that it needs.
///
/// # Errors
///
/// The name of the construction that could not be simulated, and the reason.
pub fn all() -> Result<Vec<Workload>, String> {
    let mut all: Vec<Workload> = Vec::new();
    for (construction, kind) in KINDS {
        for variant in 0..VARIANTS {
            let play = play_cases(&format!("{construction} {variant}"), *kind);
            let mut last = None;
            for played in play.map_err(|error| format!("{construction}: {error}"))? {
                // The channel crate returns one case for each input. Here all inputs of a transaction are verified
                // together.
                let txid = Some(played.tx.compute_txid());
                if std::mem::replace(&mut last, txid) == txid {
                    continue;
                }
                let name = format!("{construction}: {}", played.comment);
                let case = Case::new(&played.tx, played.prevouts);
                match all.iter_mut().find(|workload| workload.name == name) {
                    Some(workload) => workload.cases.push(case),
                    None => all.push(Workload { name, flags: played.flags, cases: vec![case] }),
                }
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transaction_of_every_construction_is_valid() {
        let all = all().unwrap();
        assert!(KINDS.len() > 10 && all.len() > 5 * KINDS.len(), "{} of {}", all.len(), KINDS.len());
        for workload in &all {
            assert!(
                workload.cases.iter().all(|case| case.verify_from_bytes(workload.flags)),
                "{}",
                workload.name
            );
        }
    }
}
