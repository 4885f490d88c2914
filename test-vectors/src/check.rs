//! What a test case of any format has in common: questions to the interpreter, and the answer that the file expects.

use core::fmt;
use std::sync::Arc;

use crate::case::Case;
use crate::dialect::Rules;
use crate::outcome::Outcome;
use crate::question::Question;

/// The check that a test case makes. Each kind of test case implements this trait.
pub(crate) trait Check: fmt::Debug + Send + Sync {
    /// Runs the check with the interpreter. `number` is the number of the case in its file, from which random variations of
    /// the case are derived.
    fn run(&self, rules: &Rules, number: usize) -> Outcome;

    /// Returns the answer that the file expects.
    fn expected(&self) -> Expected;

    /// Returns the questions that the check asks, with the flags given in the file. Empty if the check is not about a
    /// verdict.
    fn questions(&self) -> Vec<Question> {
        vec![]
    }

    /// Returns the reason why a case counts as passed although the interpreter's answer differs from the file's; `None` if
    /// there is no such reason.
    fn excuse(&self) -> Option<&'static str> {
        None
    }

    /// Returns the case, if the check is a case in the project's own format.
    fn case(&self) -> Option<&Case> {
        None
    }

    /// Puts the check behind a pointer that does not depend on its kind.
    fn shared(self) -> Arc<dyn Check>
    where
        Self: Sized + 'static,
    {
        Arc::new(self)
    }
}

/// The answer that a test case expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Every input or transaction that the case asks about is valid.
    Ok,
    /// The input or transaction is invalid with the error of this name.
    Error(String),
    /// One of the inputs, or the transaction, is invalid with any error.
    AnyError,
    /// The answer is not a verdict. The text describes it.
    Value(&'static str),
}

impl Expected {
    /// Creates the expected answer to a question that has no named errors.
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
