//! The error type of the `sigstack` command: what is wrong, where, and how to correct it.
//!
//! The text is written to standard error. If the arguments contain `--json`, one JSON object is also written to
//! standard output (`docs/json-output.md`).

use core::fmt;
use std::ffi::OsString;
use std::io::{self, Write};

use serde_json::{Value, json};

use crate::output::{BAD, HEADING, Status};

/// Maximum number of characters of a text that an error repeats. The beginning suffices to identify a longer
/// argument.
const MOST_SHOWN: usize = 1000;

/// Returns the text unchanged, unless it is too long: then returns its beginning and its length in bytes.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => format!("{}... ({} bytes)", text.get(..end).unwrap_or_default(), text.len()),
        None => text.to_owned(),
    }
}

/// An error of the command, with its position in the input and advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    what: String,
    /// Position of the error from the outermost to the innermost part: an argument, a file, a case, a field, a byte.
    place: Vec<String>,
    hint: Option<String>,
    /// Complete error text for a terminal, used for errors that show the line of the input.
    layout: Option<String>,
}

impl Problem {
    /// Creates an error without a position in the input. `what` is a phrase without a full stop.
    pub(crate) fn new(what: impl Into<String>) -> Problem {
        Problem { what: shortened(&what.into()), place: Vec::new(), hint: None, layout: None }
    }

    /// Adds a position in the input to the error, such as an argument. A second call puts the outer position before
    /// the inner one: `--tx: input 1`.
    pub(crate) fn at(mut self, place: impl Into<String>) -> Problem {
        self.place.insert(0, shortened(&place.into()));
        self
    }

    /// Adds advice to the error, unless it has some already. The first advice comes from the code closest to the
    /// error, and is the most specific.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// Sets a complete error text for a terminal, which replaces the usual one. The text ends in a line feed.
    pub(crate) fn layout(mut self, layout: impl Into<String>) -> Problem {
        self.layout = Some(layout.into());
        self
    }

    /// Returns the error as the JSON object that `--json` prints.
    pub(crate) fn to_json(&self) -> Value {
        let place = (!self.place.is_empty()).then(|| self.place.join(": "));
        json!({ "error": { "problem": self.what, "where": place, "hint": self.hint } })
    }

    /// Writes the error and its advice to standard error.
    pub(crate) fn complain(&self) {
        let mut err = anstream::stderr().lock();
        // If writing to standard error fails, there is no other place for the text.
        let _ = match &self.layout {
            Some(layout) => write!(err, "{layout}"),
            None => writeln!(err, "{BAD}error{BAD:#}: {self}").and_then(|()| match &self.hint {
                Some(hint) => writeln!(err, "{HEADING}hint{HEADING:#}: {hint}"),
                None => Ok(()),
            }),
        };
    }
}

/// Formats the position and the description of the error in one line, without the advice.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.what)
    }
}

impl core::error::Error for Problem {}

/// Reason why a command ends early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The command stopped without a result because of this error: exit status 2.
    Unknown(Problem),
    /// The result of the command is negative, for this reason: exit status 1.
    No(Problem),
    /// Writing to standard output failed: exit status 2.
    Output(io::Error),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Stop {
        Stop::Unknown(problem)
    }
}

impl From<String> for Stop {
    fn from(text: String) -> Stop {
        Stop::Unknown(Problem::new(text))
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Output(error)
    }
}

impl Stop {
    /// Reports why the command ends on standard error and, if `as_json` is set, also as JSON on `out`. Returns the
    /// command's exit status.
    pub(crate) fn report(self, as_json: bool, out: &mut impl Write) -> Status {
        let (problem, status) = match self {
            Stop::Unknown(problem) => (problem, Status::Unknown),
            Stop::No(problem) => (problem, Status::No),
            Stop::Output(error) => {
                Problem::new(error.to_string()).at("standard output").complain();
                return Status::Unknown;
            }
        };
        problem.complain();
        if as_json && let Err(error) = writeln!(out, "{}", problem.to_json()).and_then(|()| out.flush()) {
            return Stop::Output(error).report(false, out);
        }
        status
    }
}

/// Returns `true` if the arguments ask for JSON: `--json`, or `--format json`, before a `--`.
///
/// The raw arguments are examined, so that errors in the arguments themselves can be reported as JSON.
pub(crate) fn wants_json(words: &[OsString]) -> bool {
    let options: Vec<&str> =
        words.iter().map(|word| word.to_str().unwrap_or_default()).take_while(|word| *word != "--").collect();
    options.iter().any(|word| matches!(*word, "--json" | "--format=json") || word.starts_with("--json="))
        || options.windows(2).any(|pair| pair == ["--format", "json"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_go_from_the_outermost_to_the_innermost() {
        let problem = Problem::new("3 bytes; 4 are needed").at("nVersion").at("--tx").hint("a").hint("b");
        assert_eq!(problem.to_string(), "--tx: nVersion: 3 bytes; 4 are needed");
        let json = json!({ "problem": "3 bytes; 4 are needed", "where": "--tx: nVersion", "hint": "a" });
        assert_eq!(problem.to_json(), json!({ "error": json }));
        let bare = json!({ "problem": "no case ran", "where": null, "hint": null });
        assert_eq!(Problem::new("no case ran").to_json(), json!({ "error": bare }));
    }

    #[test]
    fn json_is_asked_for_by_two_options_before_a_double_dash() {
        let wants = |line: &str| wants_json(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert!(wants("sigstack verify --json") && wants("sigstack compare --format json"));
        assert!(wants("sigstack compare --format=json"));
        assert!(!wants("sigstack compare --format csv json") && !wants("sigstack asm -- --json"));
    }

    #[test]
    fn each_reason_has_its_status() {
        let mut out = Vec::new();
        assert_eq!(Stop::No(Problem::new("a")).report(true, &mut out), Status::No);
        assert_eq!(Stop::from(Problem::new("b")).report(true, &mut out), Status::Unknown);
        assert_eq!(Stop::from(Problem::new("c")).report(false, &mut out), Status::Unknown);
        let lines = "{\"error\":{\"hint\":null,\"problem\":\"a\",\"where\":null}}\n\
                     {\"error\":{\"hint\":null,\"problem\":\"b\",\"where\":null}}\n";
        assert_eq!(String::from_utf8(out).unwrap(), lines);
    }
}
