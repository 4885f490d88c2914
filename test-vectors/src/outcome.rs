//! Compares the interpreter's answers with the expected ones. If they differ, the outcome is a [`Mismatch`].

use bitcoin::{Transaction, TxOut};
use sigstack_interpreter::{Flags, Location, Spend, VerifyError};

/// A difference between the expected answer to a question and the interpreter's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// Description of what was verified or computed: the input and the flags, or the name of the computed value.
    pub question: String,
    /// The expected verdict or value, as given in the vector file.
    pub expected: String,
    /// The verdict or value returned by the interpreter.
    pub actual: String,
    /// Where script execution stopped. `None` if the interpreter's answer is not a script error.
    pub location: Option<Location>,
}

impl Mismatch {
    /// Describes a difference between an expected value, such as a hash, and the value that the interpreter computed.
    pub(crate) fn value(question: &str, expected: String, actual: String) -> Box<Mismatch> {
        Box::new(Mismatch { question: question.to_owned(), expected, actual, location: None })
    }

    /// Creates the description of a wrong verdict on an input: the expected verdict, the interpreter's verdict, and
    /// where the script failed.
    pub(crate) fn verdict(
        question: String,
        expected: impl ToString,
        verdict: &Result<(), VerifyError>,
    ) -> Box<Mismatch> {
        let location = match verdict {
            Err(VerifyError::Script { location, .. }) => Some(*location),
            _ => None,
        };
        Box::new(Mismatch {
            question,
            expected: expected.to_string(),
            actual: verdict_name(verdict),
            location,
        })
    }
}

/// Result of a check: `Ok` if the answer is the expected one, otherwise the difference.
pub(crate) type Outcome = Result<(), Box<Mismatch>>;

/// Checks that two byte strings are equal. If they are not, the description of the difference shows both in hex.
pub(crate) fn same_bytes(question: &str, expected: &[u8], actual: &[u8]) -> Outcome {
    if expected == actual {
        return Ok(());
    }
    Err(Mismatch::value(question, hex::encode(expected), hex::encode(actual)))
}

/// Verifies one input and checks whether it is valid. `accepted` says whether it should be. Which script error occurs
/// does not matter.
pub(crate) fn expect_accepted(spend: &Spend<'_>, index: usize, flags: Flags, accepted: bool) -> Outcome {
    let verdict = spend.verify_input(index, flags).map(drop);
    let as_expected = match &verdict {
        Ok(()) => accepted,
        Err(VerifyError::Script { .. }) => !accepted,
        Err(VerifyError::Usage(_)) => false,
    };
    if as_expected {
        return Ok(());
    }
    let expected = if accepted { "OK" } else { "an error" };
    Err(Mismatch::verdict(asked(index, flags), expected, &verdict))
}

/// Returns a text that describes the verification of one input, for error messages.
pub(crate) fn asked(index: usize, flags: Flags) -> String {
    format!("input {index} under {flags}")
}

/// Returns the interpreter's verdict as vector files write it.
fn verdict_name(verdict: &Result<(), VerifyError>) -> String {
    match verdict {
        Ok(()) => "OK".into(),
        Err(VerifyError::Script { error, .. }) => error.name().into(),
        Err(VerifyError::Usage(error)) => format!("no verdict: {error}"),
    }
}

/// Creates the interpreter's view of a transaction ([`Spend`]). Fails if the prevouts do not match the inputs.
pub(crate) fn spend<'a>(tx: &'a Transaction, prevouts: &'a [TxOut]) -> Result<Spend<'a>, Box<Mismatch>> {
    Spend::new(tx, prevouts).map_err(|error| {
        Mismatch::value("the transaction and its prevouts", "a verdict".into(), error.to_string())
    })
}
