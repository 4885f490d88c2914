//! Reader of tx_valid.json and tx_invalid.json: `[[[txid, vout, scriptPubKey, amount?], …], transaction, flags]`.
//!
//! The flags column of tx_valid lists the flags to exclude from all flags of the dialect. The flags column of
//! tx_invalid lists the flags to verify with. Both lists are minimal. Before 2021 the columns of both files listed the
//! flags to verify with, and the lists were not minimal. In 2012 the column was a boolean that says whether P2SH is
//! enforced.
//!
//! The comments at the beginning of Core's files say which of the two a file is and what its flags mean. Without them, the
//! file name decides which it is, and the flags have today's meaning.
//!
//! BIP 119's files have further columns, which are not read. These columns exclude rows from some checks. Here all rows
//! pass these checks, because this interpreter never refuses an inactive proposal by a generic flag.

use std::collections::HashMap;
use std::sync::Arc;

use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut, Txid};
use serde_json::Value;
use sigstack_interpreter::{Flags, Spend, check_transaction};

use crate::asm::assemble;
use crate::check::{Check, Expected};
use crate::dialect::{Rules, completed, trimmed};
use crate::document::Document;
use crate::error::Bad;
use crate::field;
use crate::formats::Words;
use crate::formats::rows::{self, Row};
use crate::formats::script_valid::is_called;
use crate::outcome::{Mismatch, Outcome, expect_accepted, spend};
use crate::question::{InputQuestion, Question};
use crate::random::Random;
use crate::reading::{ParsedCase, Reading};

/// Value of the flags column for a transaction that is invalid before any script runs.
const BAD_TRANSACTION: &str = "BADTX";

/// Names of the flags column in the comments of older files. With one of these names, the column lists the flags to
/// verify with. With the name `FLAGS_TO_LEAVE_OUT`, it lists the flags to exclude.
const FLAGS_TO_SET: &[&str] = &["verifyFlags", "enforceP2SH"];
const FLAGS_TO_LEAVE_OUT: &str = "excluded verifyFlags";

const NAMED_NOTE: &str = "the name of the file says whether its transactions are valid";
const OLDER_NOTE: &str = "read as before 2021: the flags of a case are those to verify with";

/// A test case of tx_valid.json, which is one row of the file.
#[derive(Clone, Debug)]
pub(crate) struct ValidTransaction {
    tx: Transaction,
    prevouts: Vec<TxOut>,
    flags: Flags,
    /// Flags that the row excludes. If any one of these flags is added, the transaction must become invalid.
    put_back: Vec<Flags>,
}

/// A test case of tx_invalid.json, which is one row of the file.
#[derive(Clone, Debug)]
pub(crate) enum InvalidTransaction {
    /// A transaction that is invalid before any script runs, for example because it has no outputs.
    Malformed(Transaction),
    /// A transaction with at least one input that must be invalid under these flags.
    Refused {
        tx: Transaction,
        prevouts: Vec<TxOut>,
        flags: Flags,
        /// Flags that are necessary for the transaction to be invalid. If any one of these flags is removed, all inputs
        /// must be valid.
        needed: Vec<Flags>,
    },
}

/// Returns whether a file has rows of three columns: prevouts, transaction and flags.
fn has_rows(document: &Document) -> bool {
    rows::rows(document).iter().any(|row| match row.columns {
        [Value::Array(prevouts), Value::String(_), Value::String(_) | Value::Bool(_), ..] => {
            prevouts.iter().all(Value::is_array)
        }
        _ => false,
    })
}

fn comments(document: &Document) -> impl Iterator<Item = &str> {
    document.items().iter().filter_map(rows::comment)
}

/// Returns whether a file says, in its comments or rows, that its transactions are invalid. `None` if it does not say.
fn says_invalid(document: &Document) -> Option<bool> {
    let mut said = comments(document).filter_map(|text| match text {
        _ if text.contains("transactions which are invalid") => Some(true),
        _ if text.contains("transactions which are valid") => Some(false),
        _ => None,
    });
    let said = said.next();
    let bad = |row: &Row<'_>| row.columns.get(2).and_then(Value::as_str) == Some(BAD_TRANSACTION);
    said.or_else(|| rows::rows(document).iter().any(bad).then_some(true))
}

/// Returns whether the transactions of a file are expected to be invalid. The comments and rows of the file decide, or
/// the file name if these do not say it. `None` if the file name does not say it either.
fn is_invalid(document: &Document, name: &str) -> Option<bool> {
    let called = || match (is_called(name, "txvalid"), is_called(name, "txinvalid")) {
        (true, _) => Some(false),
        (_, true) => Some(true),
        _ => None,
    };
    says_invalid(document).or_else(called)
}

pub(crate) fn recognise_valid(document: &Document, name: &str) -> bool {
    has_rows(document) && is_invalid(document, name) == Some(false)
}

pub(crate) fn recognise_invalid(document: &Document, name: &str) -> bool {
    has_rows(document) && is_invalid(document, name) == Some(true)
}

pub(crate) fn words(document: &Document) -> Words {
    let mut words = Words::default();
    for row in rows::rows(document) {
        words.flags.extend(rows::words(row.columns.get(2)));
        let prevouts = row.columns.first().and_then(Value::as_array).into_iter().flatten();
        let scripts = prevouts.flat_map(|prevout| rows::words(prevout.get(2)));
        words.scripts.extend(scripts);
    }
    words
}

pub(crate) fn read_valid(document: &Document, rules: &Rules) -> Reading {
    let is_older = comments(document).any(|text| {
        FLAGS_TO_SET.iter().any(|column| text.contains(column)) && !text.contains(FLAGS_TO_LEAVE_OUT)
    });
    read(document, is_older, |row| read_valid_row(row, rules, is_older))
}

pub(crate) fn read_invalid(document: &Document, rules: &Rules) -> Reading {
    let says = |words: &[&str]| comments(document).any(|text| words.iter().any(|word| text.contains(word)));
    let is_older = says(FLAGS_TO_SET) && !says(&[BAD_TRANSACTION]);
    read(document, is_older, |row| read_invalid_row(row, rules, is_older))
}

fn read(
    document: &Document,
    is_older: bool,
    check: impl Fn(&Row<'_>) -> Result<(Arc<dyn Check>, Option<String>), Bad>,
) -> Reading {
    let cases = rows::rows(document).into_iter().map(|row| {
        let read = check(&row);
        let note = read.as_ref().ok().and_then(|(_, note)| note.clone());
        ParsedCase { note, ..ParsedCase::new(row.number, row.comment, read.map(|(check, _)| check)) }
    });
    let cases = cases.collect();
    let named = says_invalid(document).is_none().then(|| NAMED_NOTE.to_owned());
    let notes = named.into_iter().chain(is_older.then(|| OLDER_NOTE.to_owned())).collect();
    Reading { cases, notes }
}

fn read_valid_row(
    row: &Row<'_>,
    rules: &Rules,
    is_older: bool,
) -> Result<(Arc<dyn Check>, Option<String>), Bad> {
    let (outputs, tx) = read_columns(row)?;
    let prevouts = in_input_order(&tx, outputs)?;
    let named = rules.units(&flags_column(row)?, "flags")?;
    let named_flags: Flags = named.iter().map(|unit| unit.flags).collect();
    let (flags, put_back, note) = if is_older {
        let (flags, note) = completed(named_flags);
        (flags, vec![], note)
    } else {
        let left = rules.all() - named_flags;
        let flags = trimmed(left);
        let put_back = named.into_iter().filter(|unit| rules.is_put_back(unit)).map(|unit| unit.flags);
        let note = (flags != left).then(|| format!("{} was left out with flags that it needs", left - flags));
        (flags, put_back.collect(), note)
    };
    Ok((ValidTransaction { tx, prevouts, flags, put_back }.shared(), note))
}

fn read_invalid_row(
    row: &Row<'_>,
    rules: &Rules,
    is_older: bool,
) -> Result<(Arc<dyn Check>, Option<String>), Bad> {
    let (outputs, tx) = read_columns(row)?;
    let text = flags_column(row)?;
    // Files from before 2021 do not mark the transactions that are invalid before any script runs.
    if text == BAD_TRANSACTION || is_older && check_transaction(&tx).is_err() {
        return Ok((InvalidTransaction::Malformed(tx).shared(), None));
    }
    let prevouts = in_input_order(&tx, outputs)?;
    let named: Vec<Flags> = rules.units(&text, "flags")?.into_iter().map(|unit| unit.flags).collect();
    let (flags, note) = completed(named.iter().copied().collect());
    let needed = if is_older { vec![] } else { named };
    Ok((InvalidTransaction::Refused { tx, prevouts, flags, needed }.shared(), note))
}

/// Returns the flag names in the third column of a row. If the column is a boolean, as in the oldest files, returns
/// `P2SH` for true and `NONE` for false.
fn flags_column(row: &Row<'_>) -> Result<String, Bad> {
    match field::column(row.columns, 2, "flags")? {
        Value::Bool(true) => Ok("P2SH".into()),
        Value::Bool(false) => Ok("NONE".into()),
        flags => field::text(flags, "flags").map(str::to_owned),
    }
}

fn read_columns(row: &Row<'_>) -> Result<(HashMap<OutPoint, TxOut>, Transaction), Bad> {
    let mut outputs = HashMap::new();
    let rows = field::array(field::column(row.columns, 0, "prevouts")?, "prevouts")?;
    for (nth, value) in rows.iter().enumerate() {
        let (outpoint, output) =
            read_prevout(value).map_err(|bad| bad.within(format_args!("prevouts[{nth}]")))?;
        outputs.insert(outpoint, output);
    }
    let tx = field::transaction_of_any_form(field::column(row.columns, 1, "transaction")?, "transaction")?;
    Ok((outputs, tx))
}

fn read_prevout(value: &Value) -> Result<(OutPoint, TxOut), Bad> {
    let columns = field::array(value, "")?;
    let txid = field::text(field::column(columns, 0, "txid")?, "txid")?;
    let txid: Txid = txid.parse().map_err(|error| Bad::new("txid", error))?;
    // Core's files write the output index 0xffffffff of a coinbase input as -1.
    let vout = match field::integer::<i64>(field::column(columns, 1, "vout")?, "vout")? {
        -1 => u32::MAX,
        vout => u32::try_from(vout).map_err(|_| Bad::new("vout", format!("{vout} is out of range")))?,
    };
    let assembly = field::text(field::column(columns, 2, "scriptPubKey")?, "scriptPubKey")?;
    let script = assemble(assembly).map_err(|problem| Bad::new("scriptPubKey", problem))?;
    let value = columns.get(3).map_or(Ok(Amount::ZERO), |amount| field::satoshi(amount, "amount"))?;
    Ok((OutPoint { txid, vout }, TxOut { value, script_pubkey: ScriptBuf::from_bytes(script) }))
}

/// Sorts the spent outputs by the inputs that spend them. Fails if the output of an input is missing, or if two inputs
/// spend the same output.
fn in_input_order(tx: &Transaction, mut outputs: HashMap<OutPoint, TxOut>) -> Result<Vec<TxOut>, Bad> {
    let inputs = tx.input.iter().enumerate();
    let prevouts = inputs.map(|(nth, input)| {
        let outpoint = &input.previous_output;
        let missing =
            || Bad::new("prevouts", format!("none is left for input {nth}, which spends {outpoint}"));
        outputs.remove(outpoint).ok_or_else(missing)
    });
    prevouts.collect()
}

/// Returns one question for each input of the transaction: is this input valid under these flags?
fn questions(tx: &Transaction, prevouts: &[TxOut], flags: Flags) -> Vec<Question> {
    let question = |index| InputQuestion { tx: tx.clone(), prevouts: prevouts.to_vec(), index, flags };
    (0..tx.input.len()).map(question).map(Question::Input).collect()
}

/// Checks that all `inputs` inputs of the transaction are valid under these flags.
fn expect_valid(spend: &Spend<'_>, inputs: usize, flags: Flags) -> Outcome {
    (0..inputs).try_for_each(|index| expect_accepted(spend, index, flags, true))
}

/// Checks that at least one input of the transaction is invalid under these flags.
fn expect_invalid(spend: &Spend<'_>, inputs: usize, flags: Flags) -> Outcome {
    if (0..inputs).any(|index| expect_accepted(spend, index, flags, false).is_ok()) {
        return Ok(());
    }
    Err(Mismatch::value(&format!("all {inputs} inputs under {flags}"), "an error".into(), "OK".into()))
}

impl Check for ValidTransaction {
    fn expected(&self) -> Expected {
        Expected::Ok
    }

    fn questions(&self) -> Vec<Question> {
        questions(&self.tx, &self.prevouts, self.flags)
    }

    /// Checks a row of tx_valid.json: the transaction must be valid under the flags of the row, and also if flags are
    /// removed. With any one of the flags in `put_back` added, it must be invalid.
    fn run(&self, rules: &Rules, number: usize) -> Outcome {
        if let Err(error) = check_transaction(&self.tx) {
            return Err(Mismatch::value("the transaction's own checks", "OK".into(), error.to_string()));
        }
        let spend = spend(&self.tx, &self.prevouts)?;
        let inputs = self.tx.input.len();
        expect_valid(&spend, inputs, self.flags)?;
        let mut random = Random::of_case(number);
        for unit in rules.universe() {
            expect_valid(&spend, inputs, trimmed(self.flags - unit.flags))?;
            expect_valid(&spend, inputs, trimmed(self.flags - rules.picked(random.next())))?;
        }
        for flag in &self.put_back {
            expect_invalid(&spend, inputs, (self.flags | *flag).closure())?;
        }
        Ok(())
    }
}

impl Check for InvalidTransaction {
    fn expected(&self) -> Expected {
        Expected::AnyError
    }

    fn questions(&self) -> Vec<Question> {
        match self {
            InvalidTransaction::Malformed(_) => vec![],
            InvalidTransaction::Refused { tx, prevouts, flags, .. } => questions(tx, prevouts, *flags),
        }
    }

    /// Checks a row of tx_invalid.json. A malformed transaction must fail the checks that need no script. Otherwise the
    /// transaction must be invalid under the flags of the row, and also if flags are added. Without any one of the
    /// flags in `needed`, it must be valid.
    fn run(&self, rules: &Rules, number: usize) -> Outcome {
        let (tx, prevouts, flags, needed) = match self {
            InvalidTransaction::Malformed(tx) => {
                let Ok(()) = check_transaction(tx) else { return Ok(()) };
                let question = "the transaction's own checks";
                return Err(Mismatch::value(question, "an error".into(), "OK".into()));
            }
            InvalidTransaction::Refused { tx, prevouts, flags, needed } => (tx, prevouts, *flags, needed),
        };
        let spend = spend(tx, prevouts)?;
        let inputs = tx.input.len();
        expect_invalid(&spend, inputs, flags)?;
        let mut random = Random::of_case(number);
        for unit in rules.universe() {
            expect_invalid(&spend, inputs, (flags | unit.flags).closure())?;
            expect_invalid(&spend, inputs, (flags | rules.picked(random.next())).closure())?;
        }
        for flag in needed {
            expect_valid(&spend, inputs, trimmed(flags - *flag))?;
        }
        Ok(())
    }
}
