//! Reader of sighash.json. Each row is a test of the legacy signature hash: `[transaction, script, input, hash type,
//! digest]`.

use bitcoin::{ScriptBuf, Transaction, TxOut};
use serde_json::Value;
use sigstack_interpreter::sighash::legacy;

use crate::check::{Check, Expected};
use crate::dialect::Rules;
use crate::document::Document;
use crate::error::Bad;
use crate::field;
use crate::formats::rows::{self, Row};
use crate::outcome::{Mismatch, Outcome, same_bytes, spend};
use crate::reading::ParsedCase;

/// A test case of sighash.json, which is one row of the file.
#[derive(Clone, Debug)]
pub(crate) struct SighashRow {
    tx: Transaction,
    prevouts: Vec<TxOut>,
    script: ScriptBuf,
    index: usize,
    hash_type: u32,
    digest: [u8; 32],
}

pub(crate) fn recognise(document: &Document) -> bool {
    let is_row = |columns: &[Value]| {
        matches!(
            columns,
            [Value::String(_), Value::String(_), Value::Number(_), Value::Number(_), Value::String(_)]
        )
    };
    rows::rows(document).iter().any(|row| is_row(row.columns))
}

pub(crate) fn read(document: &Document, _: &Rules) -> Vec<ParsedCase> {
    let rows = rows::rows(document).into_iter();
    let cases = rows.map(|row| {
        let check = read_row(&row).map(Check::shared);
        ParsedCase::new(row.number, row.comment, check)
    });
    cases.collect()
}

fn read_row(row: &Row<'_>) -> Result<SighashRow, Bad> {
    let column = |nth, name| field::column(row.columns, nth, name);
    let tx = field::transaction(column(0, "transaction")?, "transaction")?;
    let script = field::script(column(1, "script")?, "script")?;
    let index = field::input_index(column(2, "input")?, "input", &tx)?;
    // Core's file writes the hash type as a signed number.
    let hash_type = field::integer::<i32>(column(3, "hash type")?, "hash type")?.cast_unsigned();
    let mut digest: [u8; 32] = field::fixed_bytes(column(4, "digest")?, "digest")?;
    digest.reverse();
    // The legacy digest does not commit to the spent outputs.
    let prevouts = vec![TxOut::NULL; tx.input.len()];
    Ok(SighashRow { tx, prevouts, script, index, hash_type, digest })
}

impl Check for SighashRow {
    fn expected(&self) -> Expected {
        Expected::Value("the digest of the file")
    }

    /// Computes the signature hash twice, with and without cached intermediate hashes. Both must equal the expected
    /// one.
    fn run(&self, _: &Rules, _: usize) -> Outcome {
        let spend = spend(&self.tx, &self.prevouts)?;
        let view = spend
            .view(self.index)
            .map_err(|error| Mismatch::value("the input", hex::encode(self.digest), error.to_string()))?;
        let script = self.script.as_bytes();
        let question = format!("legacy digest of input {}, hash type {:#010x}", self.index, self.hash_type);
        same_bytes(&question, &self.digest, &legacy::digest(&view, script, self.hash_type))?;
        let question = format!("{question}, computed without the cache");
        same_bytes(&question, &self.digest, &legacy::naive_digest(&view, script, self.hash_type))
    }
}
