//! Compares the verdicts of the engine and of Bitcoin Core on one test case.

use std::io;

use sigstack_interpreter::{ScriptError, Spend, VerifyError};
use sigstack_vectors::{Case, Expect, InputQuestion, Subject};

use crate::process::Oracle;

/// Returns Core's name for a script error of the engine. If policy refuses the use of a proposal, the engine has one
/// error for each proposal, and Core only has one for each upgrade mechanism (docs/soft-forks.md, column "error when
/// refused").
fn core_name(error: ScriptError) -> &'static str {
    error.in_core().unwrap_or(error).name()
}

/// Returns whether Bitcoin Core has this script error.
pub(crate) fn is_of_core(error: ScriptError) -> bool {
    error.in_core() == Some(error)
}

/// Result of comparing the engine's verdict on a case with Core's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The engine and Core give the same verdict.
    Agree,
    /// One of the engine and Core accepts the case, and the other does not.
    OtherVerdict,
    /// The engine and Core both reject the case, but with different errors.
    OtherError,
    /// Only the engine gives a verdict, for example because Core cannot parse the transaction.
    OnlyEngine,
    /// Neither the engine nor Core gives a verdict.
    Neither,
    /// The process that runs Core's code (the oracle) died, so Core gave no verdict.
    Died,
    /// The engine reports a usage error, and Core gives a verdict.
    Usage,
}

/// The verdicts of the engine and of Core on one case, and the result of comparing them.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    pub(crate) outcome: Outcome,
    /// Verdict of the engine: `OK`, or the name that Core has for the error. If there is no verdict, a description of
    /// the reason.
    pub(crate) engine: String,
    /// Verdict of Core: `OK` or the name of the error. If there is no verdict, `?` with an optional reason, or a note
    /// that the process died.
    pub(crate) core: String,
}

impl Comparison {
    /// Verifies a case with the engine and with Core, and compares the verdicts. The case may only use flags that Core
    /// has.
    pub(crate) fn make(question: &InputQuestion, oracle: &mut Oracle) -> io::Result<Comparison> {
        let engine = engine_verdict(question);
        let answer = oracle.ask(&case(question, Expect::Ok, "").to_line())?;
        Ok(Comparison::of(engine, answer))
    }

    fn of(engine: Result<&'static str, String>, core: Option<String>) -> Comparison {
        let outcome = match (&engine, &core) {
            (_, None) => Outcome::Died,
            (Ok(_), Some(core)) if abstains(core) => Outcome::OnlyEngine,
            (Err(_), Some(core)) if abstains(core) => Outcome::Neither,
            (Err(_), _) => Outcome::Usage,
            (Ok(engine), Some(core)) if engine == core => Outcome::Agree,
            (Ok(engine), Some(core)) if *engine == "OK" || core == "OK" => Outcome::OtherVerdict,
            _ => Outcome::OtherError,
        };
        let engine = engine.map_or_else(|error| error, str::to_owned);
        Comparison { outcome, engine, core: core.unwrap_or_else(|| "(the oracle died)".to_owned()) }
    }

    /// Returns whether both the engine and Core gave a verdict on the case.
    pub(crate) fn is_verdict(&self) -> bool {
        matches!(self.outcome, Outcome::Agree | Outcome::OtherVerdict | Outcome::OtherError)
    }
}

/// Returns whether Core's answer `core` contains no verdict. Such an answer is `?`, with an optional reason.
fn abstains(core: &str) -> bool {
    core == "?" || core.starts_with("? ")
}

/// Returns the engine's verdict on a case: `OK`, or the name that Core has for the error. `Err` describes why the
/// engine gave no verdict.
fn engine_verdict(question: &InputQuestion) -> Result<&'static str, String> {
    let spend = Spend::new(&question.tx, &question.prevouts).map_err(|error| error.to_string())?;
    match spend.verify_input(question.index, question.flags.refusing_as_core()) {
        Ok(_) => Ok("OK"),
        Err(VerifyError::Script { error, .. }) => Ok(core_name(error)),
        Err(VerifyError::Usage(error)) => Err(error.to_string()),
    }
}

/// Converts the verification of one input to a case of the vector format.
pub(crate) fn case(question: &InputQuestion, expect: Expect, comment: &str) -> Case {
    let InputQuestion { tx, prevouts, index, flags } = question.clone();
    Case {
        id: None,
        comment: comment.to_owned(),
        tx,
        subject: Subject::Input(index),
        prevouts,
        flags,
        expect,
        extra: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_keep_their_names_but_for_those_of_proposals() {
        let renamed = ScriptError::ALL.iter().filter(|error| core_name(**error) != error.name());
        assert!(renamed.clone().all(|error| error.proposal().is_some()));
        // Number of Core's errors, without the unknown error.
        assert_eq!(ScriptError::ALL.iter().filter(|error| is_of_core(**error)).count(), 53);
        assert_eq!(core_name(ScriptError::DiscourageOpCat), "DISCOURAGE_OP_SUCCESS");
        assert_eq!(core_name(ScriptError::DiscourageAnyPrevOut), "DISCOURAGE_UPGRADABLE_PUBKEYTYPE");
    }

    #[test]
    fn outcomes() {
        let outcome = |engine, core: &str| Comparison::of(Ok(engine), Some(core.to_owned())).outcome;
        assert_eq!(outcome("OK", "OK"), Outcome::Agree);
        assert_eq!(outcome("VERIFY", "VERIFY"), Outcome::Agree);
        assert_eq!(outcome("OK", "VERIFY"), Outcome::OtherVerdict);
        assert_eq!(outcome("VERIFY", "OK"), Outcome::OtherVerdict);
        assert_eq!(outcome("VERIFY", "EQUALVERIFY"), Outcome::OtherError);
        assert_eq!(outcome("VERIFY", "?"), Outcome::OnlyEngine);
        assert_eq!(outcome("OK", "? bytes after the end"), Outcome::OnlyEngine);
        let neither = Comparison::of(Err("wrong".to_owned()), Some("? wrong".to_owned()));
        assert_eq!(neither.outcome, Outcome::Neither);
        assert_eq!(Comparison::of(Ok("OK"), None).outcome, Outcome::Died);
        assert_eq!(Comparison::of(Err("wrong".to_owned()), Some("OK".to_owned())).outcome, Outcome::Usage);
    }
}
