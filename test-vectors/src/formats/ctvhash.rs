//! BIP 119's ctvhash.json: template hashes of transactions at input numbers, existing or not.

use bitcoin::Transaction;
use serde_json::Value;
use sigstack_interpreter::sighash::template::check_template_digest;
use sigstack_interpreter::sighash::{Signing, TxCache};

use crate::check::{Check, Mismatch, Outcome, same_bytes};
use crate::dialect::Rules;
use crate::document::Document;
use crate::error::Bad;
use crate::field;
use crate::formats::{Found, rows};

/// A transaction, an input number and the hash.
#[derive(Clone, Debug)]
pub(crate) struct TemplateRow {
    tx: Transaction,
    index: u32,
    hash: [u8; 32],
}

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
            let check = read_row(item, nth).map(Box::new).map(Check::Template);
            found.push(Found { number, id: None, comment, check });
        }
    }
    found
}

fn read_row(item: &Value, nth: usize) -> Result<TemplateRow, Bad> {
    let tx = field::transaction(field::get(item, "hex_tx")?, "hex_tx")?;
    let indexes = field::array(field::get(item, "spend_index")?, "spend_index")?;
    let results = field::array(field::get(item, "result")?, "result")?;
    if indexes.len() != results.len() {
        let problem = format!("{} hashes for {} input numbers", results.len(), indexes.len());
        return Err(Bad::new("result", problem));
    }
    let name = format!("spend_index[{nth}]");
    let index = field::integer(field::column(indexes, nth, &name)?, &name)?;
    let name = format!("result[{nth}]");
    let hash = field::fixed_bytes(field::column(results, nth, &name)?, &name)?;
    Ok(TemplateRow { tx, index, hash })
}

impl TemplateRow {
    pub(crate) fn run(&self) -> Outcome {
        let question = format!("template hash at input {}", self.index);
        // The hash covers a number and no input, so that it exists for numbers that no input has.
        let input = usize::try_from(self.index)
            .map_err(|error| Mismatch::value(&question, hex::encode(self.hash), error.to_string()))?;
        let signing = Signing { tx: &self.tx, prevouts: &[], input, cache: &TxCache::default() };
        same_bytes(&question, &self.hash, &check_template_digest(&signing))
    }
}
