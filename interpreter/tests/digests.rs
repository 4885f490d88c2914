//! Compares signature and template digests with a table computed by an independent implementation, which the head of
//! `digests.txt` describes. The table is part of the repository, so the test needs no other files.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::collections::BTreeMap;

use bitcoin::consensus::encode::deserialize;
use bitcoin::hex::FromHex;
use bitcoin::{Transaction, TxOut};
use sigstack_interpreter::proposals::{checktemplateverify, templatehash};
use sigstack_interpreter::sighash::{annex_hash, legacy, segwit_v0, taproot};
use sigstack_interpreter::{KeyVersion, Spend, TaprootMessage, TapscriptMessage};

const TABLE: &str = include_str!("digests.txt");

/// Parses a word of the table `digests.txt`: bytes in hex, `""` for no bytes, or `-` for `None`.
fn bytes(word: &str) -> Option<Vec<u8>> {
    match word {
        "-" => None,
        "\"\"" => Some(vec![]),
        _ => Some(Vec::from_hex(word).unwrap()),
    }
}

fn array(word: &str) -> Option<[u8; 32]> {
    bytes(word).map(|bytes| bytes.try_into().unwrap())
}

/// Returns the digest that the interpreter computes for a line of the table `digests.txt`, which is given as `words`.
fn digest(spend: &Spend<'_>, words: &[&str]) -> Option<[u8; 32]> {
    let view = spend.view(words[1].parse().unwrap()).unwrap();
    let hash_type = || words[2].parse::<u8>().unwrap();
    let annex = |word: usize| bytes(words[word]).map(|annex| annex_hash(&annex));
    let of_taproot = |key_version: Option<KeyVersion>| {
        let tapscript = key_version.map(|key_version| TapscriptMessage {
            key_version,
            leaf_hash: array(words[4]).unwrap(),
            code_separator_position: words[5].parse().unwrap(),
        });
        taproot::digest(&view, &TaprootMessage { annex_hash: annex(3), tapscript }, hash_type())
    };
    match words[0] {
        "legacy" => Some(legacy::digest(&view, &bytes(words[3]).unwrap(), hash_type().into())),
        "bip143" => Some(segwit_v0::digest(&view, &bytes(words[3]).unwrap(), hash_type().into())),
        "bip341" => of_taproot(None),
        "bip342" => of_taproot(Some(KeyVersion::Bip342)),
        "bip118" => of_taproot(Some(KeyVersion::Bip118)),
        "ctv" => Some(checktemplateverify::check_template_digest(&view)),
        "templatehash" => Some(templatehash::template_hash_digest(&view, annex(2).as_ref())),
        kind => panic!("{kind}"),
    }
}

/// A transaction of the table `digests.txt`, its prevouts, and the lines of the table with digests of this transaction.
/// Each line is split into words.
type Signed = (Transaction, Vec<TxOut>, Vec<Vec<&'static str>>);

fn transactions() -> Vec<Signed> {
    let mut transactions: Vec<Signed> = vec![];
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        if words[0] == "tx" {
            let prevout = |word: &&str| deserialize::<TxOut>(&bytes(word).unwrap()).unwrap();
            let tx = deserialize(&bytes(words[1]).unwrap()).unwrap();
            transactions.push((tx, words[2..].iter().map(prevout).collect(), vec![]));
        } else {
            transactions.last_mut().unwrap().2.push(words);
        }
    }
    transactions
}

#[test]
fn digests_are_those_of_the_reference() {
    let mut counts = BTreeMap::new();
    for (tx, prevouts, lines) in transactions() {
        // The shared hashes are computed by the first digest that needs them, so both orders of lines are tested.
        let forward = Spend::new(&tx, &prevouts).unwrap();
        let backward = Spend::new(&tx, &prevouts).unwrap();
        for words in &lines {
            let (expected, known) = words.split_last().unwrap();
            assert_eq!(digest(&forward, known), array(expected), "{}", words.join(" "));
            *counts.entry((words[0], *expected == "-")).or_insert(0) += 1;
        }
        for words in lines.iter().rev() {
            let (expected, known) = words.split_last().unwrap();
            assert_eq!(digest(&backward, known), array(expected), "{}", words.join(" "));
        }
    }
    // Number of lines of each kind; `true` counts those for which no digest exists because of the hash type or the input.
    let expected = [
        (("bip118", false), 224),
        (("bip118", true), 112),
        (("bip143", false), 128),
        (("bip341", false), 136),
        (("bip341", true), 200),
        (("bip342", false), 136),
        (("bip342", true), 200),
        (("ctv", false), 8),
        (("legacy", false), 128),
        (("templatehash", false), 32),
    ];
    assert_eq!(counts, expected.into());
}
