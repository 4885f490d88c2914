//! Tests of BIP 54, with the project's cases about whole transactions and with the test vectors of the BIP.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bitcoin::{Amount, ScriptBuf, Transaction, TxOut};
use serde_json::Value;
use sigstack_interpreter::encoding::decode_transaction;
use sigstack_interpreter::{Flags, Spend, TransactionError, TransactionRule};
use sigstack_test_support::shared;
use sigstack_vectors::{Case, Entry, Expect, ReadOptions, Subject, read_bytes};

fn cases() -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("proposals/bip54.jsonl");
    let file = read_bytes("bip54.jsonl", &fs::read(path).unwrap(), ReadOptions::default()).unwrap();
    file.entries.iter().filter_map(Entry::case).cloned().collect()
}

fn both() -> Flags {
    Flags::LEGACY_SIGOPS_LIMIT | Flags::FORBID_64_BYTE_TX
}

/// Checks that both rules of BIP 54 are soft forks: without these rules, every transaction whose inputs are valid is
/// valid. The cases include every kind of verdict.
#[test]
fn without_the_rules_every_transaction_with_valid_inputs_is_valid() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for case in cases() {
        assert_eq!(case.subject, Subject::All, "{:?}", case.id);
        let spend = Spend::new(&case.tx, &case.prevouts).unwrap();
        let today = spend.verify(case.flags - both());
        match case.expect {
            Expect::Ok | Expect::Rule(_) => assert_eq!(today, Ok(()), "{:?}", case.id),
            Expect::Error(error) => assert_eq!(today.unwrap_err().script_error(), Some(error)),
        }
        *counts.entry(case.expect.to_string()).or_default() += 1;
    }
    println!("{counts:?}");
    for (verdict, least) in
        [("OK", 120), ("bad-txns-legacy-sigops", 100), ("bad-txns-size", 8), ("EVAL_FALSE", 3)]
    {
        assert!(counts[verdict] >= least, "{verdict}: {counts:?}");
    }
}

/// Reads a vector file of BIP 54. Returns the transaction of each case, and the JSON object of the case.
#[track_caller]
fn vectors(name: &str) -> Vec<(Transaction, Value)> {
    let Some(path) = shared(&format!("vectors/bip54/{name}")) else { return Vec::new() };
    let cases: Vec<Value> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let transaction = |case: &Value| decode_transaction(&bytes(&case["tx"])).unwrap();
    cases.into_iter().map(|case| (transaction(&case), case)).collect()
}

fn bytes(hex: &Value) -> Vec<u8> {
    hex::decode(hex.as_str().unwrap()).unwrap()
}

/// Runs BIP 54's txsize.json. The file does not contain the spent outputs, so each input is given an anyone-can-spend
/// output. Only the flag of the size rule is set.
#[test]
fn transactions_of_64_bytes() {
    for (tx, case) in vectors("txsize.json") {
        let anyone = TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from(vec![0x51]) };
        let prevouts = vec![anyone; tx.input.len()];
        let verdict = Spend::new(&tx, &prevouts).unwrap().verify(Flags::FORBID_64_BYTE_TX);
        let expected = match case["valid"].as_bool().unwrap() {
            true => Ok(()),
            false => Err(TransactionError::Rule(TransactionRule::Size64)),
        };
        assert_eq!(verdict, expected, "{}", case["comment"]);
    }
}
