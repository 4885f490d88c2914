//! BIP 119's ctvhash.json: template hashes of transactions at input numbers, existing or not.

use serde_json::Value;

use crate::check::Check;
use crate::dialect::Rules;
use crate::document::Document;
use crate::error::{Bad, Stop};
use crate::field;
use crate::formats::{Found, rows};

pub(crate) fn recognise(document: &Document) -> bool {
    let is_row = |item: &Value| item.get("hex_tx").is_some() && item.get("spend_index").is_some();
    document.items().iter().any(is_row)
}

pub(crate) fn read(document: &Document, _: &Rules) -> Vec<Found> {
    let mut found = Vec::new();
    for item in document.items().iter().filter(|item| rows::comment(item).is_none()) {
        let indexes = item.get("spend_index").and_then(Value::as_array).map_or(0, Vec::len);
        // A row without any index still is a row, and a wrong one.
        for nth in 0..indexes.max(1) {
            let number = found.len() + 1;
            let comment = item.get("desc").map(Value::to_string).unwrap_or_default();
            found.push(Found { number, id: None, comment, check: read_row(item, nth) });
        }
    }
    found
}

fn read_row(item: &Value, nth: usize) -> Result<Check, Stop> {
    let _tx = field::transaction(field::get(item, "hex_tx")?, "hex_tx")?;
    let indexes = field::array(field::get(item, "spend_index")?, "spend_index")?;
    let results = field::array(field::get(item, "result")?, "result")?;
    if indexes.len() != results.len() {
        let problem = format!("{} hashes for {} input numbers", results.len(), indexes.len());
        return Err(Bad::new("result", problem).into());
    }
    let name = format!("spend_index[{nth}]");
    let _index: u32 = field::integer(field::column(indexes, nth, &name)?, &name)?;
    let name = format!("result[{nth}]");
    let _hash: [u8; 32] = field::fixed_bytes(field::column(results, nth, &name)?, &name)?;
    Err(Stop::Needs("CHECKTEMPLATEVERIFY".into()))
}
