//! Every input of a transaction, and of many. With the feature `rayon` on all processors, with the same verdicts.

use core::fmt;
use core::ops::Range;

use crate::deferred::{GROUP, verify_group};
use crate::error::VerifyError;
use crate::flags::Flags;
use crate::spend::Spend;

/// The first input of a transaction that is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputError {
    /// Its index.
    pub input: usize,
    /// What is wrong with it.
    pub error: VerifyError,
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "input {}: {}", self.input, self.error)
    }
}

impl core::error::Error for InputError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl Spend<'_> {
    /// Verifies every input. With the feature `rayon` inputs are verified in parallel; the verdict is the same.
    ///
    /// # Errors
    ///
    /// That of the first input, in input order, for which [`Spend::verify`] fails. A usage error of the flags is reported for
    /// input 0, also if the transaction has no inputs.
    pub fn verify_all(&self, flags: Flags) -> Result<(), InputError> {
        flags.check().map_err(|error| InputError { input: 0, error: error.into() })?;
        let inputs = self.tx().input.len();
        let size = group_size(inputs);
        let failure = |group: usize| {
            let start = group * size;
            verify_group(self, start..inputs.min(start + size), flags).err()
        };
        first_of(0..inputs.div_ceil(size), failure).map_or(Ok(()), Err)
    }
}

/// Verifies every input of many transactions. With the feature `rayon` transactions and inputs are verified in parallel. The
/// verdicts are in the order of the spends, each that of [`Spend::verify_all`].
pub fn verify_spends(spends: &[Spend<'_>], flags: Flags) -> Vec<Result<(), InputError>> {
    #[cfg(feature = "rayon")]
    {
        use rayon::prelude::*;
        spends.par_iter().map(|spend| spend.verify_all(flags)).collect()
    }
    #[cfg(not(feature = "rayon"))]
    spends.iter().map(|spend| spend.verify_all(flags)).collect()
}

/// How many inputs are verified on one thread, one after the other.
fn group_size(inputs: usize) -> usize {
    // Waking another thread takes longer than a signature or two.
    #[cfg(feature = "rayon")]
    if inputs > 3 {
        return inputs.div_ceil(rayon::current_num_threads()).clamp(1, GROUP);
    }
    inputs.clamp(1, GROUP)
}

/// The first error in the order of the groups.
fn first_of<E: Send>(groups: Range<usize>, failure: impl Fn(usize) -> Option<E> + Send + Sync) -> Option<E> {
    #[cfg(feature = "rayon")]
    if groups.len() > 1 {
        use rayon::prelude::*;
        return groups.into_par_iter().find_map_first(failure);
    }
    groups.into_iter().find_map(failure)
}

#[cfg(test)]
mod tests {
    use bitcoin::{Amount, ScriptBuf, Transaction, TxIn, TxOut, absolute::LockTime, transaction::Version};

    use super::*;
    use crate::error::{ScriptError, UsageError};

    fn transaction(inputs: usize) -> Transaction {
        Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn::default(); inputs],
            output: vec![],
        }
    }

    /// Outputs that anyone can spend, and at some indices outputs that nobody can.
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
                Spend::new(&tx, &prevouts(inputs, bad)).unwrap().verify_all(Flags::CONSENSUS)
            };
            assert_eq!(verdict(&[]), Ok(()));
            let last = inputs - 1;
            let error = verdict(&[(last, FALSE)]).unwrap_err();
            assert_eq!((error.input, error.error.script_error()), (last, Some(ScriptError::EvalFalse)));
            if last > 0 {
                let error = verdict(&[(last, FALSE), (last / 2, RETURN)]).unwrap_err();
                assert_eq!(
                    (error.input, error.error.script_error()),
                    (last / 2, Some(ScriptError::OpReturn))
                );
            }
        }
    }

    #[test]
    fn bad_flags_are_refused_whatever_the_number_of_inputs() {
        let missing = UsageError::FlagCombination { flag: Flags::WITNESS, missing: Flags::P2SH };
        let error = InputError { input: 0, error: missing.into() };
        for inputs in [0, 1, 2, 5, 100] {
            let (tx, outputs) = (transaction(inputs), prevouts(inputs, &[]));
            let spend = || Spend::new(&tx, &outputs).unwrap();
            assert_eq!(spend().verify_all(Flags::WITNESS), Err(error.clone()), "{inputs}");
            assert_eq!(verify_spends(&[spend()], Flags::WITNESS), [Err(error.clone())]);
            assert_eq!(spend().verify_all(Flags::WITNESS | Flags::P2SH), Ok(()), "{inputs}");
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
            .map(|verdict| verdict.err().map(|error| error.input))
            .collect();
        let expected = |inputs: usize| (inputs > 10 + inputs % 2).then_some(10 + inputs % 2);
        assert_eq!(failed, (0..20).map(expected).collect::<Vec<_>>());
    }
}
