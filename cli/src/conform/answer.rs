//! The answers of a tested implementation, and their comparison with the expected verdicts.

use core::fmt;
use std::time::Duration;

use sigstack_interpreter::{ScriptError, TransactionRule};
use sigstack_vectors::ExpectedVerdict;

/// Answer that rejects a case without naming an error of Bitcoin Core.
const UNNAMED: &str = "error";

/// A parsed answer line of the tested implementation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The input or the transaction is valid.
    Ok,
    /// The input or the transaction is invalid, with the script error or reject reason of this name.
    Error(&'static str),
    /// The input or the transaction is invalid. The text is the implementation's own reason, and may be empty.
    Unnamed(String),
    /// The implementation abstains from the case. The text is its reason, and may be empty.
    Abstains(String),
}

impl Answer {
    /// Parses an answer line. Returns `None` if the line is not an answer.
    ///
    /// Unknown words are not accepted, so that a misspelled `OK` does not count as a rejection.
    pub(super) fn read(line: &str) -> Option<Answer> {
        let line = line.trim_end();
        let reason = |rest: &str| rest.trim().to_owned();
        match line.split_once(' ').unwrap_or((line, "")) {
            ("OK", "") => Some(Answer::Ok),
            ("?", rest) => Some(Answer::Abstains(reason(rest))),
            (UNNAMED, rest) => Some(Answer::Unnamed(reason(rest))),
            // These names carry no more information than `error`.
            ("UNKNOWN_ERROR" | "SCRIPT_ERR_UNKNOWN_ERROR", "") => Some(Answer::Unnamed(line.to_owned())),
            (name, "") => match ScriptError::from_name(name) {
                Some(error) => Some(Answer::Error(error.name())),
                None => {
                    let reason = TransactionRule::NAMES.iter().find(|reason| **reason == name);
                    reason.map(|reason| Answer::Error(reason))
                }
            },
            _ => None,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with = |f: &mut fmt::Formatter<'_>, word: &str, reason: &str| match reason {
            "" => f.write_str(word),
            reason => write!(f, "{word} {reason}"),
        };
        match self {
            Answer::Ok => f.write_str("OK"),
            Answer::Error(name) => f.write_str(name),
            Answer::Unnamed(reason) => with(f, UNNAMED, reason),
            Answer::Abstains(reason) => with(f, "?", reason),
        }
    }
}

/// Reason why the tested implementation gave no valid answer to a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// The process ended without an answer. The text describes how, such as `ended with exit status 1`.
    Ended(String),
    /// The process did not answer within this time.
    TimedOut(Duration),
    /// The process closed its standard output or standard input and continued to run. The text names the stream.
    Closed(&'static str),
    /// The process wrote this line, which is not a valid answer.
    Garbage(String),
    /// The process wrote a line longer than [`MAX_LINE`]. The text is the beginning of the line.
    TooLong(String),
    /// The case was not sent to the implementation, because the run stopped before.
    NotAsked,
    /// The process wrote this second line after its answer. It is uncertain which of the two lines answers the case.
    Extra(String),
}

/// Maximum number of characters quoted from an implementation's line, counted after escaping. With a label of 15
/// characters, quotation marks and dots, a message has at most 80 columns.
const MOST_SHOWN: usize = 60;

/// Quotes a line that the implementation wrote. Control characters are escaped. A line that is too long after
/// escaping is cut.
fn quoted(line: &str) -> String {
    let mut shown = String::new();
    let mut count = 0;
    for character in line.chars() {
        let escaped = match character {
            // `escape_debug` escapes a single quote, which is not necessary between double quotes.
            '\'' => "'".to_owned(),
            character => character.escape_debug().to_string(),
        };
        count += escaped.chars().count();
        if count > MOST_SHOWN {
            return format!("\"{shown}\"...");
        }
        shown.push_str(&escaped);
    }
    format!("\"{shown}\"")
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Silence::Ended(how) => write!(f, "no answer: the command {how}"),
            Silence::TimedOut(time) => write!(f, "no answer within {} s", time.as_secs()),
            Silence::Closed(stream) => write!(f, "no answer: the command closed its standard {stream}"),
            Silence::NotAsked => f.write_str("not asked, because the run stopped"),
            Silence::Garbage(line) => write!(f, "garbage: {}", quoted(line)),
            Silence::TooLong(line) => {
                write!(f, "garbage: a line of more than {MAX_LINE} bytes: {}", quoted(line))
            }
            Silence::Extra(line) => write!(f, "garbage: a second line for one case: {}", quoted(line)),
        }
    }
}

/// Maximum length in bytes of a line that the tested process writes.
pub(super) const MAX_LINE: usize = 4096;

/// The answer of the tested implementation to a case, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Answer(Answer),
    Silence {
        why: Silence,
        /// The end of what the process wrote to standard error.
        stderr: String,
    },
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Answer(answer) => answer.fmt(f),
            Reply::Silence { why, .. } => why.fmt(f),
        }
    }
}

impl Reply {
    /// Returns `true` if the case was not sent to the implementation, because the run stopped before.
    pub(super) fn is_not_asked(&self) -> bool {
        matches!(self, Reply::Silence { why: Silence::NotAsked, .. })
    }

    /// Returns the end of what the process wrote to standard error before it failed. Returns an empty text if the
    /// process answered.
    pub(super) fn stderr(&self) -> &str {
        match self {
            Reply::Answer(_) => "",
            Reply::Silence { stderr, .. } => stderr,
        }
    }
}

/// Result of comparing a reply with the expected verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// The implementation gives the expected verdict. If it names an error and the file expects named errors, the
    /// names agree.
    Agrees,
    /// The implementation accepts an invalid case, or rejects a valid case.
    WrongVerdict,
    /// The implementation rejects an invalid case, but not with the expected error name.
    OtherError,
    /// The implementation gave no valid answer: a crash, a timeout or another line. Also a case that was not sent,
    /// because the run stopped before.
    NoAnswer,
    /// The implementation abstained from the case.
    Abstained,
}

impl Outcome {
    /// All outcomes, in the order of the columns of the result tables.
    pub(super) const ALL: [Outcome; 5] =
        [Outcome::Agrees, Outcome::WrongVerdict, Outcome::OtherError, Outcome::NoAnswer, Outcome::Abstained];

    /// Compares the implementation's reply with the expected verdict. If `errors` is `true`, a rejection without a
    /// name is an [`Outcome::OtherError`] where the expected verdict has an error name.
    ///
    /// An answer equal to the case's [`policy_error`](sigstack_vectors::VerdictCase::policy_error) counts as
    /// agreement. The caller must check this first, because this function does not.
    pub(super) fn of(expected: &ExpectedVerdict, reply: &Reply, errors: bool) -> Outcome {
        let answer = match reply {
            Reply::Silence { .. } => return Outcome::NoAnswer,
            Reply::Answer(answer) => answer,
        };
        match (expected, answer) {
            (_, Answer::Abstains(_)) => Outcome::Abstained,
            (ExpectedVerdict::Ok, Answer::Ok) => Outcome::Agrees,
            (ExpectedVerdict::Ok, _) | (_, Answer::Ok) => Outcome::WrongVerdict,
            (ExpectedVerdict::AnyError, _) => Outcome::Agrees,
            (ExpectedVerdict::Error(_), Answer::Unnamed(_)) if errors => Outcome::OtherError,
            (ExpectedVerdict::Error(_), Answer::Unnamed(_)) => Outcome::Agrees,
            (ExpectedVerdict::Error(names), Answer::Error(found)) => {
                match names.iter().any(|name| name == found) {
                    true => Outcome::Agrees,
                    false => Outcome::OtherError,
                }
            }
        }
    }

    /// Returns `true` if the outcome counts as a difference. [`Outcome::OtherError`] counts only if `errors` is
    /// `true`.
    pub(super) fn fails(self, errors: bool) -> bool {
        match self {
            Outcome::WrongVerdict | Outcome::NoAnswer => true,
            Outcome::OtherError => errors,
            Outcome::Agrees | Outcome::Abstained => false,
        }
    }

    /// Returns the heading of this outcome's column in the result tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Outcome::Agrees => "agrees",
            Outcome::WrongVerdict => "wrong verdict",
            Outcome::OtherError => "other error",
            Outcome::NoAnswer => "no answer",
            Outcome::Abstained => "abstained",
        }
    }

    /// Returns the name of the JSON field that has the number of cases with this outcome.
    pub(super) fn key(self) -> String {
        self.name().replace(' ', "_")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_answers_or_garbage() {
        let read = |line: &str| Answer::read(line).map(|answer| answer.to_string());
        for (line, answer) in [
            ("OK", "OK"),
            ("OK\r", "OK"),
            ("EVAL_FALSE ", "EVAL_FALSE"),
            ("SCRIPT_ERR_SIG_NULLFAIL", "NULLFAIL"),
            ("bad-txns-legacy-sigops", "bad-txns-legacy-sigops"),
            ("?", "?"),
            ("UNKNOWN_ERROR", "error UNKNOWN_ERROR"),
            ("? unknown flag OP_CAT", "? unknown flag OP_CAT"),
            ("error", "error"),
            ("error  EvalFalse: the stack is empty", "error EvalFalse: the stack is empty"),
        ] {
            assert_eq!(read(line).as_deref(), Some(answer), "{line}");
        }
        for line in [
            "",
            "ok",
            "OK!",
            "OK 1",
            "FALSE",
            "eval_false",
            "EVAL_FALSE 1",
            "bad-txns",
            "Error",
            "errors",
            " OK",
            "??",
            "{}",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    fn replies_are_judged_by_the_verdict_and_then_by_the_name() {
        let judge = |expected: &ExpectedVerdict, line: &str, errors: bool| {
            Outcome::of(expected, &Reply::Answer(Answer::read(line).unwrap()), errors)
        };
        let named = ExpectedVerdict::Error(vec!["UNKNOWN_ERROR".into(), "SCRIPTNUM".into()]);
        for (expected, line, outcome, with_errors) in [
            (&ExpectedVerdict::Ok, "OK", Outcome::Agrees, Outcome::Agrees),
            (&ExpectedVerdict::Ok, "EVAL_FALSE", Outcome::WrongVerdict, Outcome::WrongVerdict),
            (&ExpectedVerdict::Ok, "error", Outcome::WrongVerdict, Outcome::WrongVerdict),
            (&ExpectedVerdict::AnyError, "OK", Outcome::WrongVerdict, Outcome::WrongVerdict),
            (&ExpectedVerdict::AnyError, "EVAL_FALSE", Outcome::Agrees, Outcome::Agrees),
            (&ExpectedVerdict::AnyError, "error", Outcome::Agrees, Outcome::Agrees),
            (&named, "OK", Outcome::WrongVerdict, Outcome::WrongVerdict),
            (&named, "SCRIPTNUM", Outcome::Agrees, Outcome::Agrees),
            (&named, "EVAL_FALSE", Outcome::OtherError, Outcome::OtherError),
            (&named, "error of another kind", Outcome::Agrees, Outcome::OtherError),
            (&named, "?", Outcome::Abstained, Outcome::Abstained),
            (&ExpectedVerdict::Ok, "? why", Outcome::Abstained, Outcome::Abstained),
        ] {
            let both = (judge(expected, line, false), judge(expected, line, true));
            assert_eq!(both, (outcome, with_errors), "{expected} {line}");
        }
        let silence = Reply::Silence { why: Silence::Closed("output"), stderr: String::new() };
        assert_eq!(Outcome::of(&ExpectedVerdict::Ok, &silence, false), Outcome::NoAnswer);
        assert!(Outcome::NoAnswer.fails(false) && Outcome::WrongVerdict.fails(false));
        assert!(Outcome::OtherError.fails(true) && !Outcome::OtherError.fails(false));
        assert!(!Outcome::Agrees.fails(true) && !Outcome::Abstained.fails(true));
    }

    #[test]
    fn messages_repeat_the_beginning_of_a_line() {
        assert_eq!(Silence::Garbage("a\tb".into()).to_string(), "garbage: \"a\\tb\"");
        let long = Silence::Extra("x".repeat(61)).to_string();
        assert_eq!(long, format!("garbage: a second line for one case: \"{}\"...", "x".repeat(60)));
        assert_eq!(quoted(&"x".repeat(60)), format!("\"{}\"", "x".repeat(60)));
        assert_eq!(quoted("\"a\\'\u{1b}é\""), format!("{:?}", "\"a\\'\u{1b}é\""));
        // The limit applies to the escaped text, and an escape sequence is never cut.
        assert_eq!(quoted(&"\u{1}".repeat(100)), format!("\"{}\"...", "\\u{1}".repeat(12)));
        assert_eq!(quoted(&("x".to_owned() + &"\t".repeat(30))), format!("\"x{}\"...", "\\t".repeat(29)));
    }
}
