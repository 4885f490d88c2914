//! What Core's row formats share: comments between the rows, and cases counted without them.

use serde_json::Value;

use crate::document::Document;

/// Most characters that are kept of a comment.
const MAX_COMMENT_CHARS: usize = 400;

/// A row that is a case, and the comments before it, which may stand for several rows.
pub(crate) struct Row<'a> {
    /// Counted from 1, comments not counted.
    pub(crate) number: usize,
    /// The comments, one line each.
    pub(crate) comment: String,
    /// The columns; empty if the row is no array.
    pub(crate) columns: &'a [Value],
}

/// The text of a comment: a string, or a row that is one string.
pub(crate) fn comment(item: &Value) -> Option<&str> {
    match item {
        Value::String(text) => Some(text),
        Value::Array(columns) => match columns.as_slice() {
            [Value::String(text)] => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// The rows that are cases.
pub(crate) fn rows(document: &Document) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let mut comments: Vec<&str> = Vec::new();
    let mut is_used = false;
    for item in document.items() {
        if let Some(text) = comment(item) {
            if is_used {
                comments.clear();
                is_used = false;
            }
            comments.push(text);
            continue;
        }
        let columns = item.as_array().map_or(&[][..], Vec::as_slice);
        rows.push(Row { number: rows.len() + 1, comment: shown(&comments), columns });
        is_used = true;
    }
    rows
}

/// Comments as one line, cut where it gets long: it may stand for any number of rows.
fn shown(comments: &[&str]) -> String {
    let mut line = String::new();
    for (nth, comment) in comments.iter().enumerate() {
        if line.len() >= MAX_COMMENT_CHARS {
            break;
        }
        line.push_str(if nth == 0 { "" } else { " " });
        line.extend(comment.chars().take(MAX_COMMENT_CHARS));
    }
    line
}

/// The words of a comma-separated column, or of a script.
pub(crate) fn words(value: Option<&Value>) -> impl Iterator<Item = String> {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    text.split([' ', ',', '\t', '\n']).filter(|word| !word.is_empty()).map(str::to_owned)
}
