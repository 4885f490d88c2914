//! Verification of all inputs of a transaction, and of many transactions. With the feature `rayon`, inputs are verified
//! in parallel; the verdicts are the same.

use core::ops::Range;

use super::Spend;
use crate::claim::Claim;
use crate::error::TransactionError;
use crate::flags::Flags;

/// Maximum number of inputs in a group, which one task verifies. Groups are small because, after an invalid input is
/// found, the groups that are already running are wasted work.
const MAX_GROUP: usize = 64;

/// Verifies many transactions. Returns one verdict for each spend, in the order of `spends`; each verdict is the one that
/// [`Spend::verify`] returns. With the feature `rayon`, transactions and inputs are verified in parallel.
pub fn verify_spends(spends: &[Spend<'_>], flags: Flags) -> Vec<Result<(), TransactionError>> {
    #[cfg(feature = "rayon")]
    {
        use rayon::prelude::*;
        spends.par_iter().map(|spend| spend.verify(flags)).collect()
    }
    #[cfg(not(feature = "rayon"))]
    spends.iter().map(|spend| spend.verify(flags)).collect()
}

/// Verifies every input of a transaction. Returns the facts that the rules over the whole transaction need, or the
/// error of the first invalid input.
pub(crate) fn claims(spend: &Spend<'_>, flags: Flags) -> Result<Vec<Claim>, TransactionError> {
    let inputs = spend.tx().input.len();
    let size = group_size(inputs);
    let group = |nth: usize| {
        let start = nth * size;
        claims_of(spend, start..inputs.min(start + size), flags)
    };
    join(0..inputs.div_ceil(size), group)
}

/// Verifies a range of inputs, one after the other. Returns the facts about these inputs that rules over the whole
/// transaction need, or the error of the first invalid input.
fn claims_of(spend: &Spend<'_>, inputs: Range<usize>, flags: Flags) -> Result<Vec<Claim>, TransactionError> {
    let mut claims = Vec::new();
    for input in inputs {
        let verified = spend.verify_input(input, flags).map_err(|error| error.of_input(input))?;
        claims.extend_from_slice(verified.claims());
    }
    Ok(claims)
}

/// Returns the number of inputs that one task verifies. `inputs` is the number of inputs of the transaction.
fn group_size(inputs: usize) -> usize {
    // Waking another thread takes longer than verifying one or two signatures.
    #[cfg(feature = "rayon")]
    if inputs > 3 {
        return inputs.div_ceil(rayon::current_num_threads()).clamp(1, MAX_GROUP);
    }
    inputs.clamp(1, MAX_GROUP)
}

/// Calls `claims` with the index of every group of inputs; with the feature `rayon`, the calls run in parallel. Returns
/// the facts that the calls return for all groups, or the error of the first group that fails.
fn join<E: Send>(
    groups: Range<usize>,
    claims: impl Fn(usize) -> Result<Vec<Claim>, E> + Send + Sync,
) -> Result<Vec<Claim>, E> {
    #[cfg(feature = "rayon")]
    if groups.len() > 1 {
        use rayon::prelude::*;
        // A parallel `collect` into a `Result` returns any of the errors; `find_map_first` returns the first in order.
        let results: std::sync::Mutex<Vec<Claim>> = Default::default();
        let failure = groups.into_par_iter().find_map_first(|group| match claims(group) {
            Ok(claims) => {
                if !claims.is_empty() {
                    results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(claims);
                }
                None
            }
            Err(error) => Some(error),
        });
        return match failure {
            Some(error) => Err(error),
            None => Ok(results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)),
        };
    }
    let mut all = Vec::new();
    for group in groups {
        let found = claims(group)?;
        if all.is_empty() {
            all = found;
        } else {
            all.extend(found);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use bitcoin::{Amount, ScriptBuf, Transaction, TxIn, TxOut, absolute::LockTime, transaction::Version};

    use super::*;
    use crate::error::UsageError;
    use crate::flags::FlagError;
    use crate::script_error::ScriptError;

    fn transaction(inputs: usize) -> Transaction {
        Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn::default(); inputs],
            output: vec![],
        }
    }

    /// Returns one prevout for each input, with the script `OP_1`. `bad` lists the inputs whose prevouts have another
    /// script: each entry is the index of the input and the only opcode of the script.
    fn prevouts(inputs: usize, bad: &[(usize, u8)]) -> Vec<TxOut> {
        let script = |index| {
            let opcode = bad.iter().find(|(at, _)| *at == index).map_or(0x51, |(_, opcode)| *opcode);
            ScriptBuf::from(vec![opcode])
        };
        (0..inputs).map(|index| TxOut { value: Amount::ZERO, script_pubkey: script(index) }).collect()
    }

    #[test]
    fn the_first_input_that_fails_decides() {
        const FALSE: u8 = 0x00;
        const RETURN: u8 = 0x6a;
        for inputs in [1, 2, 3, 4, 100] {
            let tx = transaction(inputs);
            let verdict = |bad: &[(usize, u8)]| {
                Spend::new(&tx, &prevouts(inputs, bad)).unwrap().verify(Flags::CONSENSUS)
            };
            assert_eq!(verdict(&[]), Ok(()));
            let last = inputs - 1;
            let error = verdict(&[(last, FALSE)]).unwrap_err();
            assert_eq!((error.input(), error.script_error()), (Some(last), Some(ScriptError::EvalFalse)));
            if last > 0 {
                let error = verdict(&[(last, FALSE), (last / 2, RETURN)]).unwrap_err();
                assert_eq!(
                    (error.input(), error.script_error()),
                    (Some(last / 2), Some(ScriptError::OpReturn))
                );
            }
        }
    }

    #[test]
    fn bad_flags_are_refused_whatever_the_number_of_inputs() {
        let missing =
            UsageError::Flags(FlagError::Combination { flag: Flags::WITNESS, missing: Flags::P2SH });
        let error = TransactionError::Usage(missing);
        for inputs in [0, 1, 2, 5, 100] {
            let (tx, outputs) = (transaction(inputs), prevouts(inputs, &[]));
            let spend = || Spend::new(&tx, &outputs).unwrap();
            assert_eq!(spend().verify(Flags::WITNESS), Err(error.clone()), "{inputs}");
            assert_eq!(verify_spends(&[spend()], Flags::WITNESS), [Err(error.clone())]);
            assert_eq!(spend().verify(Flags::WITNESS | Flags::P2SH), Ok(()), "{inputs}");
        }
    }

    #[test]
    fn verdicts_of_many_are_in_their_order() {
        let txs: Vec<Transaction> = (0..20).map(transaction).collect();
        let outputs: Vec<Vec<TxOut>> =
            (0..20).map(|inputs| prevouts(inputs, &[(10 + inputs % 2, 0)])).collect();
        let spends: Vec<Spend<'_>> =
            txs.iter().zip(&outputs).map(|(tx, outputs)| Spend::new(tx, outputs).unwrap()).collect();
        let failed: Vec<Option<usize>> = verify_spends(&spends, Flags::CONSENSUS)
            .into_iter()
            .map(|verdict| verdict.err().and_then(|error| error.input()))
            .collect();
        let expected = |inputs: usize| (inputs > 10 + inputs % 2).then_some(10 + inputs % 2);
        assert_eq!(failed, (0..20).map(expected).collect::<Vec<_>>());
    }
}
