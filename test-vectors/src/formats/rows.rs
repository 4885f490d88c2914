//! Code that the readers of Core's row formats share: it collects the comments between the rows, and numbers the cases
//! without the comments.

use serde_json::Value;

use crate::document::Document;

/// Maximum number of characters that are kept of one comment row. Comment rows are joined to one line, and no further
/// row is added once the line has this many bytes.
const MAX_COMMENT_CHARS: usize = 400;

/// A row of a file that is a case, with the comment rows before it. Several rows after the same comments have the same
/// comment.
pub(crate) struct Row<'a> {
    /// Number of the case in its file, counted from 1. Comment rows are not counted.
    pub(crate) number: usize,
    /// The texts of the comment rows before the row, joined to one line.
    pub(crate) comment: String,
    /// Columns of the row. Empty if the JSON value is not an array.
    pub(crate) columns: &'a [Value],
}

/// Returns the text of a comment row, which is a string or an array with one string. Returns `None` for the row of a
/// case.
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

/// Returns the rows of a file that are cases, each with the comments before it.
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

/// Joins the texts of several comment rows to one line. Limits its length, because a file may have any number of
/// comment rows.
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

/// Splits the text of a column into words, at spaces and commas. The column contains flag names or a script.
pub(crate) fn words(value: Option<&Value>) -> impl Iterator<Item = String> {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    text.split([' ', ',', '\t', '\n']).filter(|word| !word.is_empty()).map(str::to_owned)
}
