//! Reader of BIP 340's test-vectors.csv: whether a Schnorr signature of a message of any length is valid for a public key.
//!
//! The columns for signers (secret key, aux_rand) must be hex, but are not used, because the interpreter does not sign.

use sigstack_interpreter::verify_schnorr;

use crate::check::{Check, Expected};
use crate::dialect::Rules;
use crate::document::Document;
use crate::error::Bad;
use crate::field::hex_bytes;
use crate::outcome::{Mismatch, Outcome};
use crate::reading::ParsedCase;

/// Names of the columns in the first line of BIP 340's test-vectors.csv.
const COLUMNS: &[&str] = &[
    "index",
    "secret key",
    "public key",
    "aux_rand",
    "message",
    "signature",
    "verification result",
    "comment",
];

/// A test case of BIP 340's file, which is one row: a signature, a message and a public key.
#[derive(Clone, Debug)]
pub(crate) struct SchnorrRow {
    public_key: [u8; 32],
    message: Vec<u8>,
    signature: [u8; 64],
    valid: bool,
}

/// Returns whether a line is the first line (the column names) of BIP 340's test-vectors.csv.
pub(crate) fn is_heading(line: &str) -> bool {
    line.trim_end().split(',').eq(COLUMNS.iter().copied())
}

pub(crate) fn recognise(document: &Document) -> bool {
    matches!(document, Document::Rows(_))
}

pub(crate) fn read(document: &Document, _: &Rules) -> Vec<ParsedCase> {
    let Document::Rows(rows) = document else { return vec![] };
    let cases = rows.iter().skip(1).enumerate().map(|(nth, row)| {
        // The last column is the comment, which may contain commas.
        let comment = row.get(COLUMNS.len() - 1..).unwrap_or_default().join(",");
        let check = read_row(row).map(Check::shared);
        ParsedCase { id: row.first().cloned(), ..ParsedCase::new(nth + 1, comment, check) }
    });
    cases.collect()
}

fn read_row(row: &[String]) -> Result<SchnorrRow, Bad> {
    let column = |name: &str| {
        let nth = COLUMNS.iter().position(|column| *column == name);
        let text = nth.and_then(|nth| row.get(nth));
        text.map(String::as_str).ok_or_else(|| Bad::new(name, "is missing"))
    };
    let bytes = |name: &str| hex_bytes(column(name)?, name);
    bytes("secret key")?;
    bytes("aux_rand")?;
    let valid = match column("verification result")?.trim() {
        "TRUE" => true,
        "FALSE" => false,
        other => return Err(Bad::new("verification result", format!("{other:?} is no TRUE or FALSE"))),
    };
    Ok(SchnorrRow {
        public_key: fixed(bytes("public key")?, "public key")?,
        message: bytes("message")?,
        signature: fixed(bytes("signature")?, "signature")?,
        valid,
    })
}

fn fixed<const N: usize>(bytes: Vec<u8>, name: &str) -> Result<[u8; N], Bad> {
    let found = bytes.len();
    bytes.try_into().map_err(|_| Bad::new(name, format!("must have {N} bytes, has {found}")))
}

fn word(valid: bool) -> &'static str {
    if valid { "TRUE" } else { "FALSE" }
}

impl Check for SchnorrRow {
    fn expected(&self) -> Expected {
        Expected::Value(word(self.valid))
    }

    fn run(&self, _: &Rules, _: usize) -> Outcome {
        let valid = verify_schnorr(&self.signature, &self.public_key, &self.message);
        if valid == self.valid {
            return Ok(());
        }
        let question = format!("signature of a message of {} bytes", self.message.len());
        Err(Mismatch::value(&question, word(self.valid).into(), word(valid).into()))
    }
}
