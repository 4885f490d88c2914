//! The project's case format: one input of a transaction, or a whole transaction, with the verdict that verification must
//! return.

use core::fmt;

use bitcoin::consensus::encode::serialize;
use bitcoin::{Transaction, TxOut};
use serde_json::{Map, Value};
use sigstack_interpreter::{Flags, ScriptError, TransactionError, TransactionRule};

use crate::dialect::plain_flags;
use crate::error::Bad;
use crate::field;
use crate::question::{InputQuestion, Question, TransactionQuestion};

/// The part of a transaction that a case tests: one input, or the whole transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One input of the transaction, given by the index of the input.
    Input(usize),
    /// The whole transaction: every input must be valid, and also the rules about the transaction as a whole are
    /// checked.
    All,
}

/// Value of the JSON field `index` for a case about the whole transaction ([`Subject::All`]). A reader that supports
/// only single inputs expects a number in this field, and so reports an error.
const ALL: &str = "all";

impl Subject {
    /// Returns the index of the input, or `None` if the case is about the whole transaction.
    pub fn input(self) -> Option<usize> {
        match self {
            Subject::Input(index) => Some(index),
            Subject::All => None,
        }
    }

    /// Returns the value of the JSON field `index`: the index of the input, or the word "all" for the whole
    /// transaction.
    pub(crate) fn to_value(self) -> Value {
        match self {
            Subject::Input(index) => Value::from(index),
            Subject::All => Value::from(ALL),
        }
    }

    fn read(value: &Value, tx: &Transaction) -> Result<Subject, Bad> {
        match value {
            Value::String(word) if word == ALL => Ok(Subject::All),
            Value::String(word) => {
                Err(Bad::new("index", format!("{word:?} is neither the number of an input nor {ALL:?}")))
            }
            number => field::input_index(number, "index", tx).map(Subject::Input),
        }
    }
}

/// The verdict that verification of a case must return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The verified input, or the whole transaction, is expected to be valid.
    Ok,
    /// The verified input is invalid with this script error. In a case about a whole transaction, it is the error of
    /// the first invalid input.
    Error(ScriptError),
    /// Every input is valid, but the transaction is invalid for this reject reason, one of [`TransactionRule::NAMES`]. A
    /// case about a single input cannot have this verdict.
    Rule(&'static str),
}

impl Expect {
    /// Parses `OK`, the name of a script error, or the reject reason of a rule for whole transactions.
    pub fn from_name(name: &str) -> Option<Expect> {
        if name == "OK" {
            return Some(Expect::Ok);
        }
        let rule = TransactionRule::NAMES.iter().find(|reason| **reason == name);
        rule.map(|reason| Expect::Rule(reason)).or_else(|| ScriptError::from_name(name).map(Expect::Error))
    }

    /// Returns whether the interpreter's verdict equals this expected verdict.
    pub(crate) fn is(self, verdict: &Result<(), TransactionError>) -> bool {
        match (self, verdict) {
            (Expect::Ok, Ok(())) => true,
            (Expect::Error(expected), Err(TransactionError::Input { error, .. })) => *error == expected,
            (Expect::Rule(expected), Err(TransactionError::Rule(rule))) => rule.name() == expected,
            _ => false,
        }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Expect::Ok => "OK",
            Expect::Error(error) => error.name(),
            Expect::Rule(reason) => reason,
        })
    }
}

/// A test case in the project's case format.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Name of the case, unique in its file. `None` if the file gives none.
    pub id: Option<String>,
    /// One sentence that says what the case demonstrates.
    pub comment: String,
    /// The whole spending transaction, including witnesses.
    pub tx: Transaction,
    /// The input that the case verifies, or the whole transaction.
    pub subject: Subject,
    /// The outputs that the transaction spends, in the order of its inputs.
    pub prevouts: Vec<TxOut>,
    /// Flags under which the case is verified. No flag is added or removed.
    pub flags: Flags,
    /// The verdict that verification of this case must return.
    pub expect: Expect,
    /// JSON fields that the case format does not define. They are preserved unchanged.
    pub extra: Map<String, Value>,
}

/// Names of the JSON fields that the project's case format defines.
const FIELDS: &[&str] = &["id", "comment", "tx", "index", "prevouts", "flags", "expect"];

impl Case {
    /// Parses a case from a JSON object.
    pub(crate) fn read(value: &Value) -> Result<Case, Bad> {
        let Value::Object(object) = value else {
            return Err(Bad::new("", "must be an object"));
        };
        let id = object.get("id").map(|id| field::text(id, "id")).transpose()?;
        let comment = field::optional_text(value, "comment")?.to_owned();
        let tx = field::transaction(field::get(value, "tx")?, "tx")?;
        let subject = Subject::read(field::get(value, "index")?, &tx)?;
        let prevouts = field::prevouts(field::get(value, "prevouts")?, "prevouts", &tx)?;
        let verdict = field::text(field::get(value, "expect")?, "expect")?;
        let flags = plain_flags(field::text(field::get(value, "flags")?, "flags")?, "flags")?;
        let unknown = || Bad::new("expect", format!("{verdict:?} is neither OK nor the name of an error"));
        let expect = Expect::from_name(verdict).ok_or_else(unknown)?;
        if let (Expect::Rule(reason), Subject::Input(index)) = (expect, subject) {
            let problem =
                format!("{reason:?} is the verdict on a transaction, and the case is about input {index}");
            return Err(Bad::new("expect", problem));
        }
        let extra = object.iter().filter(|(name, _)| !FIELDS.contains(&name.as_str()));
        let extra = extra.map(|(name, value)| (name.clone(), value.clone())).collect();
        Ok(Case { id: id.map(str::to_owned), comment, tx, subject, prevouts, flags, expect, extra })
    }

    /// Returns what the case asks an implementation to verify: the transaction, its prevouts, the input or the whole
    /// transaction, and the flags. The expected verdict is not included.
    pub(crate) fn question(&self) -> Question {
        let (tx, prevouts, flags) = (self.tx.clone(), self.prevouts.clone(), self.flags);
        match self.subject {
            Subject::Input(index) => Question::Input(InputQuestion { tx, prevouts, index, flags }),
            Subject::All => Question::Transaction(TransactionQuestion { tx, prevouts, flags }),
        }
    }

    /// Returns the case as JSON on one line: first the fields that the format defines, in their fixed order, then the other
    /// fields sorted by name.
    ///
    /// Equal cases always give identical bytes.
    pub fn to_line(&self) -> String {
        let prevouts = self.prevouts.iter().map(|prevout| Value::from(hex::encode(serialize(prevout))));
        let id = self.id.as_ref().map(|id| ("id", Value::from(id.as_str())));
        let known = [
            ("comment", Value::from(self.comment.as_str())),
            ("tx", Value::from(hex::encode(serialize(&self.tx)))),
            ("index", self.subject.to_value()),
            ("prevouts", prevouts.collect()),
            ("flags", Value::from(self.flags.to_string())),
            ("expect", Value::from(self.expect.to_string())),
        ];
        let extra = self.extra.iter().map(|(name, value)| (name.as_str(), value.clone()));
        let fields = id.into_iter().chain(known).chain(extra);
        let fields: Vec<String> =
            fields.map(|(name, value)| format!("{}:{value}", Value::from(name))).collect();
        format!("{{{}}}", fields.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sample case as one line of JSON, about an input that spends an anyone-can-spend output.
    const LINE: &str = r#"{"id":"a-1","comment":"OP_1 is true","tx":"010000000100000000000000000000000000000000000000000000000000000000000000000000000000000000000100000000000000000000000000","index":0,"prevouts":["01000000000000000151"],"flags":"NONE","expect":"OK","bip":[1,0.5],"group":"x"}"#;

    fn read(change: impl FnOnce(&mut Map<String, Value>)) -> Result<Case, String> {
        let mut value: Value = serde_json::from_str(LINE).unwrap();
        change(value.as_object_mut().unwrap());
        Case::read(&value).map_err(|bad| format!("{}: {}", bad.field, bad.problem))
    }

    #[test]
    fn a_case_round_trips_with_unknown_fields() {
        let case = read(|_| ()).unwrap();
        assert_eq!(case.prevouts[0].script_pubkey.as_bytes(), [0x51]);
        assert_eq!(case.extra.len(), 2);
        assert_eq!(case.to_line(), LINE);
    }

    #[test]
    fn wrong_fields_are_named() {
        let set = |name: &str, value: Value| {
            let name = name.to_owned();
            read(move |object| {
                object.insert(name, value);
            })
            .unwrap_err()
        };
        assert_eq!(set("tx", "012".into()), "tx: bad hex: Odd number of digits");
        assert!(set("tx", "0100".into()).starts_with("tx: not a serialized transaction"));
        assert_eq!(set("index", 1.into()), "index: no input 1: the transaction has 1 (counted from 0)");
        assert_eq!(
            set("prevouts", Value::Array(vec![])),
            "prevouts: 0 prevouts for 1 input; one for each input"
        );
        assert!(set("prevouts", vec!["00"].into()).starts_with("prevouts[0]: not a serialized output"));
        assert_eq!(set("flags", "P2SH,FOO".into()), "flags: unknown flag \"FOO\"");
        assert_eq!(set("flags", "CLEANSTACK,P2SH".into()), "flags: the flag CLEANSTACK needs WITNESS");
        assert_eq!(set("expect", "FINE".into()), "expect: \"FINE\" is neither OK nor the name of an error");
        assert_eq!(set("comment", 1.into()), "comment: must be a string, is a number");
        let missing = read(|object| drop(object.remove("flags"))).unwrap_err();
        assert_eq!(missing, "flags: is missing");
    }

    /// A case about a whole transaction has the word "all" in its field `index`, and may expect any verdict. A case
    /// about one input may not expect the reject reason of a rule for whole transactions.
    #[test]
    fn a_case_about_the_transaction_has_a_word_for_its_index() {
        let with = |index: Value, expect: &str| {
            read(|object| {
                object.insert("index".into(), index);
                object.insert("expect".into(), expect.into());
            })
        };
        for reason in ["OK", "EVAL_FALSE", "bad-txns-size", "bad-txns-legacy-sigops"] {
            let case = with("all".into(), reason).unwrap();
            assert_eq!((case.subject, case.subject.input()), (Subject::All, None));
            assert_eq!(case.expect.to_string(), reason);
            let line = LINE.replace("\"index\":0", "\"index\":\"all\"");
            assert_eq!(case.to_line(), line.replace("\"OK\"", &format!("{reason:?}")));
        }
        assert_eq!(with(0.into(), "EVAL_FALSE").unwrap().subject.input(), Some(0));
        assert_eq!(
            with(0.into(), "bad-txns-size").unwrap_err(),
            "expect: \"bad-txns-size\" is the verdict on a transaction, and the case is about input 0"
        );
        assert_eq!(
            with("0".into(), "OK").unwrap_err(),
            "index: \"0\" is neither the number of an input nor \"all\""
        );
        assert!(with("all".into(), "bad-txns").unwrap_err().starts_with("expect: \"bad-txns\" is neither"));
    }

    #[test]
    fn bytes_after_the_transaction_are_an_error() {
        let trailing = read(|object| {
            let tx = format!("{}00", object["tx"].as_str().unwrap());
            object.insert("tx".into(), tx.into());
        });
        assert!(trailing.unwrap_err().starts_with("tx: not a serialized transaction: "));
    }
}
