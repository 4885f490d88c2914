//! The result of reading a file: the cases, or the error for each case that cannot be read, and further information
//! about each case.

use std::sync::Arc;

use serde_json::Value;

use crate::check::Check;
use crate::error::Bad;

/// Result of reading a file: its cases, and notes on how the file was interpreted where several interpretations are
/// possible.
pub(crate) struct Reading {
    pub(crate) cases: Vec<ParsedCase>,
    pub(crate) notes: Vec<String>,
}

/// A parsed case, or the error that prevented parsing it.
pub(crate) struct ParsedCase {
    /// Number of the case in its file, counted from 1. Comments are not counted.
    pub(crate) number: usize,
    pub(crate) id: Option<String>,
    pub(crate) comment: String,
    pub(crate) check: Result<Arc<dyn Check>, Bad>,
    /// Note on flags that the reader added to the case or removed from it. `None` if it changed no flags.
    pub(crate) note: Option<String>,
    /// Further information that the file gives about the case: its id, its rule, the source of the rule, and the
    /// expected error.
    pub(crate) labels: Labels,
}

impl ParsedCase {
    /// Creates a parsed case without an id and without notes.
    pub(crate) fn new(number: usize, comment: String, check: Result<Arc<dyn Check>, Bad>) -> ParsedCase {
        ParsedCase { number, id: None, comment, check, note: None, labels: Labels::default() }
    }
}

/// Information about a case that its file gives in addition to the input and the verdict: id, rule, source of the rule,
/// name of the error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Labels {
    pub(crate) id: Option<String>,
    pub(crate) rule: Option<String>,
    pub(crate) source: Option<String>,
    /// Name of the error that an invalid case expects. Given by files whose verdict itself says only valid or invalid.
    pub(crate) error: Option<String>,
}

impl Labels {
    /// Reads the optional text fields `rule`, `source` and `expect` of a JSON object. `expect` is stored as the name of
    /// the error.
    pub(crate) fn of(object: &Value) -> Labels {
        let text = |name| object.get(name).and_then(Value::as_str).map(str::to_owned);
        Labels { id: None, rule: text("rule"), source: text("source"), error: text("expect") }
    }
}
