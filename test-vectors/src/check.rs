//! Parts that the test cases of all formats share: the questions to the interpreter, and the answer that the file
//! expects.

use core::fmt;
use std::sync::Arc;

use crate::case::Case;
use crate::dialect::Rules;
use crate::outcome::Outcome;
use crate::question::Question;

/// A check that a test case makes. Each kind of test case has a type that implements this trait.
pub(crate) trait Check: fmt::Debug + Send + Sync {
    /// Runs the check with the interpreter and compares the answer with the expected one. `number` is the number of the
    /// case in its file, which determines the random variations of the case.
    fn run(&self, rules: &Rules, number: usize) -> Outcome;

    /// Returns the answer that the vector file gives for this check.
    fn expected(&self) -> Expected;

    /// Returns the inputs or the transaction that this check verifies, with the flags given in the file. Empty if the
    /// check does not expect a verdict, for example if it expects a hash.
    fn questions(&self) -> Vec<Question> {
        vec![]
    }

    /// Returns why a test case counts as passed although the interpreter's answer differs from the one in the file.
    /// `None` if the difference is a failure.
    fn excuse(&self) -> Option<&'static str> {
        None
    }

    /// Returns the test case in the project's own format, or `None` if the file has another format.
    fn case(&self) -> Option<&Case> {
        None
    }

    /// Converts the check to a reference-counted trait object.
    fn shared(self) -> Arc<dyn Check>
    where
        Self: Sized + 'static,
    {
        Arc::new(self)
    }
}

/// The answer that a test case expects from the interpreter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Every input and transaction that the case verifies must be valid.
    Ok,
    /// The input or transaction is invalid with the error of this name.
    Error(String),
    /// The transaction, or one of its inputs, must be invalid. Any error is accepted.
    AnyError,
    /// The expected answer is not a verdict but a value, such as a hash. The text describes the value.
    Value(&'static str),
}

impl Expected {
    /// Creates the expected answer for formats that only say whether an input is valid.
    pub(crate) fn validity(valid: bool) -> Expected {
        if valid { Expected::Ok } else { Expected::AnyError }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Expected::Ok => "OK",
            Expected::Error(name) => name,
            Expected::AnyError => "an error",
            Expected::Value(description) => description,
        })
    }
}
