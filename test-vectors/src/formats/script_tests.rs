//! script_tests.json: `[[witness…, amount]?, scriptSig, scriptPubKey, flags, expected, comment?]`.
//!
//! The transactions around the scripts are those of Core's runner: version 1, locktime 0, final sequences; the credit
//! transaction's scriptSig is `0 0`, and the spending transaction pays all it gets to an empty script.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};
use serde_json::Value;
use sigstack_interpreter::{Flags, VerifyError};

use crate::asm::assemble;
use crate::check::{Check, Mismatch, Outcome, Question, asked, expect_accepted, spend};
use crate::dialect::Rules;
use crate::document::Document;
use crate::error::Bad;
use crate::field;
use crate::formats::rows::{self, Row};
use crate::formats::{Found, Words};
use crate::random::Random;
use crate::taptree::{self, Leaf};

/// How often a row is repeated with other flags.
const VARIATIONS: usize = 16;

/// Marks a witness element that is the assembly of a leaf script.
const SCRIPT: &str = "#SCRIPT#";

/// The witness element that is the control block of the leaf before it.
const CONTROL_BLOCK: &str = "#CONTROLBLOCK#";

/// The word of a scriptPubKey that is the output key of that leaf.
const TAPROOT_OUTPUT: &str = "#TAPROOTOUTPUT#";

/// A row.
#[derive(Clone, Debug)]
pub(crate) struct ScriptTest {
    tx: Transaction,
    prevout: TxOut,
    flags: Flags,
    expected: String,
}

/// The columns from scriptSig on.
fn text_columns(columns: &[Value]) -> &[Value] {
    match columns {
        [Value::Array(_), rest @ ..] => rest,
        _ => columns,
    }
}

/// A row that has four texts, the last of which is a verdict, after its optional witness.
pub(crate) fn recognise(document: &Document) -> bool {
    rows::rows(document).iter().any(|row| match text_columns(row.columns) {
        [Value::String(_), Value::String(_), Value::String(_), Value::String(verdict), ..] => {
            let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
            !verdict.is_empty() && verdict.bytes().all(is_name)
        }
        _ => false,
    })
}

pub(crate) fn words(document: &Document) -> Words {
    let mut words = Words::default();
    for row in rows::rows(document) {
        let texts = text_columns(row.columns);
        words.flags.extend(rows::words(texts.get(2)));
        let witness = row.columns.first().and_then(Value::as_array).into_iter().flatten();
        let scripts = texts.iter().take(2).chain(witness);
        words.scripts.extend(scripts.flat_map(|script| rows::words(Some(script))));
    }
    words
}

pub(crate) fn read(document: &Document, rules: &Rules) -> Vec<Found> {
    let rows = rows::rows(document).into_iter();
    let found = rows.map(|row| {
        let texts = text_columns(row.columns);
        let text = |nth: usize| texts.get(nth).and_then(Value::as_str).unwrap_or_default();
        let comment = match text(4) {
            "" => format!("{} | {}", text(0).trim(), text(1).trim()),
            comment => comment.to_owned(),
        };
        let check = read_row(&row, rules).map(Box::new).map(Check::Script);
        Found { number: row.number, id: None, comment, check }
    });
    found.collect()
}

fn read_row(row: &Row<'_>, rules: &Rules) -> Result<ScriptTest, Bad> {
    let mut amount = Amount::ZERO;
    let mut witness = Vec::new();
    let mut leaf = None;
    if let Some(Value::Array(elements)) = row.columns.first() {
        let (last, elements) = elements.split_last().ok_or_else(|| Bad::new("witness", "has no amount"))?;
        amount = field::bitcoin_amount(last, "amount")?;
        for (nth, element) in elements.iter().enumerate() {
            let name = format!("witness[{nth}]");
            let element = witness_element(field::text(element, &name)?, &name, &witness, &mut leaf)?;
            witness.push(element);
        }
    }
    let texts = text_columns(row.columns);
    let script_sig = script(field::column(texts, 0, "scriptSig")?, "scriptSig", leaf.as_ref())?;
    let script_pubkey = script(field::column(texts, 1, "scriptPubKey")?, "scriptPubKey", leaf.as_ref())?;
    let expected = field::text(field::column(texts, 3, "expected")?, "expected")?;
    let flags = rules.parse(field::text(field::column(texts, 2, "flags")?, "flags")?, "flags")?;
    if expected != "OK" && !rules.dialect().knows_error(expected) {
        let problem = format!("{expected:?} is neither OK nor the name of an error");
        return Err(Bad::new("expected", problem));
    }
    let prevout = TxOut { value: amount, script_pubkey };
    let tx = spending(&prevout, script_sig, Witness::from_slice(&witness));
    Ok(ScriptTest { tx, prevout, flags: flags.closure(), expected: expected.to_owned() })
}

fn witness_element(
    text: &str,
    name: &str,
    before: &[Vec<u8>],
    leaf: &mut Option<Leaf>,
) -> Result<Vec<u8>, Bad> {
    if let Some(assembly) = text.strip_prefix(SCRIPT) {
        return assemble(assembly).map_err(|problem| Bad::new(name, problem));
    }
    if text == CONTROL_BLOCK {
        let script = before.last().ok_or_else(|| Bad::new(name, "no script comes before it"))?;
        let only = Leaf::only(&taptree::NUMS_KEY, script).map_err(|problem| Bad::new(name, problem))?;
        return Ok(leaf.insert(only).control_block.clone());
    }
    field::hex_bytes(text, name)
}

fn script(value: &Value, name: &str, leaf: Option<&Leaf>) -> Result<ScriptBuf, Bad> {
    let text = field::text(value, name)?;
    let assembly = if text.contains(TAPROOT_OUTPUT) {
        let leaf = leaf.ok_or_else(|| Bad::new(name, format!("{TAPROOT_OUTPUT} without {CONTROL_BLOCK}")))?;
        text.replace(TAPROOT_OUTPUT, &format!("0x{}", hex::encode(leaf.output_key)))
    } else {
        text.to_owned()
    };
    assemble(&assembly).map(ScriptBuf::from_bytes).map_err(|problem| Bad::new(name, problem))
}

/// The transaction that spends an output of a credit transaction.
fn spending(prevout: &TxOut, script_sig: ScriptBuf, witness: Witness) -> Transaction {
    let transaction = |input, output| Transaction {
        version: Version::ONE,
        lock_time: LockTime::ZERO,
        input: vec![input],
        output: vec![output],
    };
    let credit_input = TxIn {
        previous_output: OutPoint::null(),
        script_sig: ScriptBuf::from_bytes(vec![0, 0]),
        sequence: Sequence::MAX,
        witness: Witness::new(),
    };
    let credit = transaction(credit_input, prevout.clone());
    let previous_output = OutPoint::new(credit.compute_txid(), 0);
    let input = TxIn { previous_output, script_sig, sequence: Sequence::MAX, witness };
    transaction(input, TxOut { value: prevout.value, script_pubkey: ScriptBuf::new() })
}

impl ScriptTest {
    pub(crate) fn expected(&self) -> &str {
        &self.expected
    }

    pub(crate) fn question(&self) -> Question {
        let (tx, prevouts) = (self.tx.clone(), vec![self.prevout.clone()]);
        Question { tx, prevouts, index: 0, flags: self.flags }
    }

    /// The exact verdict; then an accepted row with random flags removed, a rejected one with random flags added.
    pub(crate) fn run(&self, rules: &Rules, number: usize) -> Outcome {
        let prevouts = core::slice::from_ref(&self.prevout);
        let spend = spend(&self.tx, prevouts)?;
        let verdict = spend.verify(0, self.flags);
        let accepted = self.expected == "OK";
        let as_expected = match &verdict {
            Ok(()) => accepted,
            Err(VerifyError::Script { error, location }) => {
                !accepted && rules.dialect().accepts(&self.expected, *error, location)
            }
            Err(VerifyError::Usage(_)) => false,
        };
        if !as_expected {
            return Err(Mismatch::verdict(asked(0, self.flags), &self.expected, &verdict));
        }
        let mut random = Random::of_case(number);
        let other = (0..VARIATIONS).map(|_| rules.picked(random.next()));
        let varied = other.map(|other| if accepted { self.flags - other } else { self.flags | other });
        let mut valid = varied.filter(|flags| flags.check().is_ok());
        valid.try_for_each(|flags| expect_accepted(&spend, 0, flags, accepted))
    }
}
