//! Reader of BIP 119's ctvhash.json: template hashes of transactions for given input indexes, including indexes without an
//! input.

use bitcoin::Transaction;
use serde_json::Value;
use sigstack_interpreter::proposals::checktemplateverify::check_template_digest;
use sigstack_interpreter::{TxCache, TxView};

use crate::check::{Check, Expected};
use crate::dialect::Rules;
use crate::document::Document;
use crate::error::Bad;
use crate::field;
use crate::formats::rows;
use crate::outcome::{Mismatch, Outcome, same_bytes};
use crate::reading::ParsedCase;

/// A transaction of ctvhash.json, with the expected template hashes for some input indexes.
#[derive(Clone, Debug)]
pub(crate) struct TemplateRow {
    tx: Transaction,
    hashes: Vec<(u32, [u8; 32])>,
}

pub(crate) fn recognise(document: &Document) -> bool {
    let is_row = |item: &Value| item.get("hex_tx").is_some() && item.get("spend_index").is_some();
    document.items().iter().any(is_row)
}

pub(crate) fn read(document: &Document, _: &Rules) -> Vec<ParsedCase> {
    let items = document.items().iter().filter(|item| rows::comment(item).is_none()).enumerate();
    let cases = items.map(|(nth, item)| {
        let comment = item.get("desc").map(Value::to_string).unwrap_or_default();
        let check = read_row(item).map(Check::shared);
        ParsedCase::new(nth + 1, comment, check)
    });
    cases.collect()
}

fn read_row(item: &Value) -> Result<TemplateRow, Bad> {
    let tx = field::transaction(field::get(item, "hex_tx")?, "hex_tx")?;
    let indexes = field::array(field::get(item, "spend_index")?, "spend_index")?;
    let results = field::array(field::get(item, "result")?, "result")?;
    if indexes.is_empty() || indexes.len() != results.len() {
        let problem = format!("{} hashes for {} input numbers", results.len(), indexes.len());
        return Err(Bad::new("result", problem));
    }
    let pairs = indexes.iter().zip(results).enumerate().map(|(nth, (index, hash))| {
        let index = field::integer(index, &format!("spend_index[{nth}]"))?;
        Ok((index, field::fixed_bytes(hash, &format!("result[{nth}]"))?))
    });
    Ok(TemplateRow { tx, hashes: pairs.collect::<Result<_, Bad>>()? })
}

impl Check for TemplateRow {
    fn expected(&self) -> Expected {
        Expected::Value("the digest of the file")
    }

    fn run(&self, _: &Rules, _: usize) -> Outcome {
        let cache = TxCache::default();
        for (index, hash) in &self.hashes {
            let question = format!("template hash at input {index}");
            // The template hash commits only to the input index, not to the input. It is therefore defined for indexes that
            // have no input.
            let input = usize::try_from(*index)
                .map_err(|error| Mismatch::value(&question, hex::encode(hash), error.to_string()))?;
            let view = TxView { tx: &self.tx, prevouts: &[], input, cache: &cache };
            same_bytes(&question, hash, &check_template_digest(&view))?;
        }
        Ok(())
    }
}
