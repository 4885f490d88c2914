//! Reader of the project's own case format: a JSON array of cases, or JSON Lines with one case per line.

use serde_json::Value;

use crate::case::Case;
use crate::check::Check;
use crate::dialect::Rules;
use crate::document::Document;
use crate::formats::Found;
use crate::verdict_case::Labels;

/// Returns whether a file contains an object with at least two of the format's required fields.
pub(crate) fn recognise(document: &Document) -> bool {
    let is_case = |item: &Value| {
        let fields = ["tx", "index", "prevouts", "flags", "expect"];
        fields.iter().filter(|field| item.get(field).is_some()).count() >= 2
    };
    document.items().iter().any(is_case)
}

pub(crate) fn read(document: &Document, _: &Rules) -> Vec<Found> {
    let cases = document.items().iter().enumerate();
    let found = cases.map(|(nth, item)| {
        let text = |field| item.get(field).and_then(Value::as_str).map(str::to_owned);
        Found {
            number: nth + 1,
            id: text("id"),
            comment: text("comment").unwrap_or_default(),
            check: Case::read(item).map(Box::new).map(Check::Case),
            note: None,
            labels: Labels { id: text("id"), ..Labels::of(item) },
        }
    });
    found.collect()
}
