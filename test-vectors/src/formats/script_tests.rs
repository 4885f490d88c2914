//! Reader of script_tests.json: `[[witness…, amount]?, scriptSig, scriptPubKey, flags, expected, comment?]`.
//!
//! The scripts are put into the same transactions as in Core's test runner: version 1, locktime 0, final sequence numbers.
//! The scriptSig of the crediting transaction is `0 0`. The spending transaction pays the whole amount to an empty script.

use bitcoin::absolute::LockTime;
use bitcoin::opcodes::all::{OP_CLTV, OP_CSV, OP_NOP1};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, Script, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};
use serde_json::Value;
use sigstack_interpreter::taproot::NUMS_KEY;
use sigstack_interpreter::{Flags, Phase, ScriptError, VerifyError};

use crate::asm::assemble;
use crate::check::{Check, Expected};
use crate::dialect::{Rules, completed};
use crate::document::Document;
use crate::error::Bad;
use crate::field;
use crate::formats::Words;
use crate::formats::rows::{self, Row};
use crate::outcome::{Mismatch, Outcome, asked, expect_accepted, spend};
use crate::question::{InputQuestion, Question};
use crate::random::Random;
use crate::reading::ParsedCase;
use crate::taptree::Leaf;

/// Number of random sets of flags under which each row of script_tests.json is verified again.
const VARIATIONS: usize = 16;

/// Prefix of a witness element that contains a leaf script in assembly.
const SCRIPT: &str = "#SCRIPT#";

/// Placeholder for a witness element. It is replaced by the control block for the leaf script in the preceding witness
/// element.
const CONTROL_BLOCK: &str = "#CONTROLBLOCK#";

/// Placeholder in a scriptPubKey. It is replaced by the taproot output key that commits to the leaf script in the
/// witness.
const TAPROOT_OUTPUT: &str = "#TAPROOTOUTPUT#";

/// A row of script_tests.json, converted to a spending transaction, its prevout, the flags and the expected verdict.
#[derive(Clone, Debug)]
pub(crate) struct ScriptTest {
    tx: Transaction,
    prevout: TxOut,
    flags: Flags,
    expected: Expected,
}

/// Returns the columns of a row from the scriptSig on, without the optional first column (witness and amount).
fn text_columns(columns: &[Value]) -> &[Value] {
    match columns {
        [Value::Array(_), rest @ ..] => rest,
        _ => columns,
    }
}

/// Returns true if at least half of the rows have an optional witness and then four strings, the last of which is a verdict
/// in capital letters. A single row is not enough, because some comments in script_valid.json are in capital letters too.
pub(crate) fn recognise(document: &Document) -> bool {
    let rows = rows::rows(document);
    let has_verdict = |row: &&Row<'_>| match text_columns(row.columns) {
        [Value::String(_), Value::String(_), Value::String(_), Value::String(verdict), ..] => {
            let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
            !verdict.is_empty() && verdict.bytes().all(is_name)
        }
        _ => false,
    };
    !rows.is_empty() && rows.iter().filter(has_verdict).count() * 2 >= rows.len()
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

pub(crate) fn read(document: &Document, rules: &Rules) -> Vec<ParsedCase> {
    let rows = rows::rows(document).into_iter();
    let cases = rows.map(|row| {
        let texts = text_columns(row.columns);
        let text = |nth: usize| texts.get(nth).and_then(Value::as_str).unwrap_or_default();
        let comment = match text(4) {
            "" => format!("{} | {}", text(0).trim(), text(1).trim()),
            comment => comment.to_owned(),
        };
        let read = read_row(&row, rules);
        let note = read.as_ref().ok().and_then(|(_, note)| note.clone());
        let check = read.map(|(test, _)| test.shared());
        ParsedCase { note, ..ParsedCase::new(row.number, comment, check) }
    });
    cases.collect()
}

fn read_row(row: &Row<'_>, rules: &Rules) -> Result<(ScriptTest, Option<String>), Bad> {
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
    let expected = if expected == "OK" { Expected::Ok } else { Expected::Error(expected.to_owned()) };
    let (flags, note) = completed(flags);
    Ok((ScriptTest { tx, prevout, flags, expected }, note))
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
        let only = Leaf::only(&NUMS_KEY, script).map_err(|problem| Bad::new(name, problem))?;
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

/// Creates Core's crediting transaction with this output, and returns the transaction that spends the output.
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

/// Replaces OP_CHECKLOCKTIMEVERIFY and OP_CHECKSEQUENCEVERIFY in a script by OP_NOP1, each unless its flag is set.
fn with_plain_nops(script: &Script, flags: Flags) -> ScriptBuf {
    let mut bytes = script.to_bytes();
    for (at, opcode) in script.instruction_indices().filter_map(Result::ok) {
        let flag = match opcode.opcode() {
            Some(OP_CLTV) => Flags::CHECKLOCKTIMEVERIFY,
            Some(OP_CSV) => Flags::CHECKSEQUENCEVERIFY,
            _ => continue,
        };
        if let Some(byte) = bytes.get_mut(at).filter(|_| !flags.contains(flag)) {
            *byte = OP_NOP1.to_u8();
        }
    }
    ScriptBuf::from_bytes(bytes)
}

impl ScriptTest {
    /// Creates a test without a witness from a scriptSig and a scriptPubKey in assembly.
    pub(crate) fn of_scripts(
        script_sig: &str,
        script_pubkey: &str,
        flags: Flags,
        expected: Expected,
    ) -> Result<ScriptTest, Bad> {
        let script = |text: &str, name: &str| {
            assemble(text).map(ScriptBuf::from_bytes).map_err(|problem| Bad::new(name, problem))
        };
        let script_sig = script(script_sig, "scriptSig")?;
        let prevout = TxOut { value: Amount::ZERO, script_pubkey: script(script_pubkey, "scriptPubKey")? };
        let tx = spending(&prevout, script_sig, Witness::new());
        Ok(ScriptTest { tx, prevout, flags, expected })
    }
}

impl Check for ScriptTest {
    /// Returns a reason if the verdict that the row expects is one that only older versions of Bitcoin Core returned.
    /// The row then counts as passed. `None` if there is no such reason.
    fn excuse(&self) -> Option<&'static str> {
        let verdict = |prevout: &TxOut| {
            spend(&self.tx, core::slice::from_ref(prevout))
                .ok()
                .map(|spend| spend.verify_input(0, self.flags).map(drop))
        };
        let is_expected = |error: &str| match &self.expected {
            Expected::Error(expected) => expected == error,
            Expected::AnyError => true,
            Expected::Ok | Expected::Value(_) => false,
        };
        match verdict(&self.prevout)? {
            Err(VerifyError::Script { error: ScriptError::CleanStack, location }) => {
                let renamed = location.phase == Phase::WitnessScript && is_expected("EVAL_FALSE");
                renamed.then_some("named as older Core did: EVAL_FALSE for a witness script's unclean stack")
            }
            Ok(()) if is_expected("DISCOURAGE_UPGRADABLE_NOPS") => {
                let script_pubkey = with_plain_nops(&self.prevout.script_pubkey, self.flags);
                let verdict = verdict(&TxOut { script_pubkey, ..self.prevout.clone() })?;
                let error = ScriptError::DiscourageUpgradableNops;
                let discouraged =
                    matches!(verdict, Err(VerifyError::Script { error: found, .. }) if found == error);
                discouraged.then_some("judged as older Core did: inactive lock times are discouraged NOPs")
            }
            _ => None,
        }
    }

    fn expected(&self) -> Expected {
        self.expected.clone()
    }

    fn questions(&self) -> Vec<Question> {
        let (tx, prevouts) = (self.tx.clone(), vec![self.prevout.clone()]);
        vec![Question::Input(InputQuestion { tx, prevouts, index: 0, flags: self.flags })]
    }

    /// Checks that the verdict is the expected one, including the name of the error. Then verifies a valid row with
    /// random flags removed, and an invalid row with random flags added.
    fn run(&self, rules: &Rules, number: usize) -> Outcome {
        let prevouts = core::slice::from_ref(&self.prevout);
        let spend = spend(&self.tx, prevouts)?;
        let verdict = spend.verify_input(0, self.flags).map(drop);
        let accepted = self.expected == Expected::Ok;
        let as_expected = match &verdict {
            Ok(()) => accepted,
            Err(VerifyError::Script { error, location }) => {
                let named = |name: &str| rules.dialect().accepts(name, *error, location);
                match &self.expected {
                    Expected::Error(name) => named(name),
                    Expected::AnyError => true,
                    Expected::Ok | Expected::Value(_) => false,
                }
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
