//! Compares this crate's verdicts with those that a node of Bitcoin Core 31.99 gave on single transactions
//! (../shared/vectors/node).
//!
//! The recorded scenarios test the mempool. Only the part of each verdict that the rules of this crate decide is compared.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::collections::BTreeMap;
use std::io::Read as _;

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut};
use serde_json::Value;
use sigstack_policy::{Candidate, Policy, PolicyError};
use sigstack_test_support::shared;

/// Reject reasons of Core that always mean a violation of a rule of this crate. "TRUC-violation" is not in this list,
/// because Core also gives it for rules that need a mempool.
const OURS: &[&str] = &[
    "version",
    "tx-size",
    "scriptsig-size",
    "scriptsig-not-pushonly",
    "scriptpubkey",
    "dust",
    "tx-size-small",
    "bad-txns-nonstandard-inputs",
    "bad-witness-nonstandard",
    "bad-txns-too-many-sigops",
    "min relay fee not met",
];

/// Reject reasons of rules that Core checks after the rules for the transaction's form and before the rules for spent
/// outputs.
const BEFORE_INPUTS: &[&str] = &["bad-txns-inputs-missingorspent", "non-BIP68-final"];

/// Core's verdicts that imply that a transaction satisfies the rules of this crate. There is one exception:
/// "TRUC-violation" may also come from this crate's size limit of version 3 transactions.
const AFTER: &[&str] = &[
    "OK",
    "TRUC-violation",
    "bad-txns-spends-conflicting-tx",
    "insufficient fee",
    "insufficient fee (including sibling eviction)",
    "missing-ephemeral-spends",
    "replacement-failed",
    "too many potential replacements",
    "too-large-cluster",
];

fn scenarios(name: &str) -> Option<Vec<Value>> {
    let compressed = std::fs::read(shared(&format!("vectors/node/{name}"))?).unwrap();
    let mut json = String::new();
    flate2::read::GzDecoder::new(compressed.as_slice()).read_to_string(&mut json).unwrap();
    Some(serde_json::from_str(&json).unwrap())
}

/// Outputs of a scenario by outpoint: the initial ones, and those of every transaction that was sent to the node, even
/// if the node refused it.
#[derive(Default)]
struct Coins(BTreeMap<OutPoint, TxOut>);

impl Coins {
    fn insert(&mut self, step: &Value) {
        let outpoint = OutPoint {
            txid: step["txid"].as_str().unwrap().parse().unwrap(),
            vout: step["vout"].as_u64().unwrap().try_into().unwrap(),
        };
        let value = Amount::from_sat(step["sats"].as_u64().unwrap());
        let script_pubkey = ScriptBuf::from_hex(step["script"].as_str().unwrap()).unwrap();
        self.0.insert(outpoint, TxOut { value, script_pubkey });
    }

    fn read(&mut self, hex: &Value) -> Transaction {
        let tx: Transaction = deserialize_hex(hex.as_str().unwrap()).unwrap();
        for (vout, output) in (0..).zip(&tx.output) {
            self.0.insert(OutPoint { txid: tx.compute_txid(), vout }, output.clone());
        }
        tx
    }

    fn candidate<'a>(&'a self, tx: &'a Transaction) -> Candidate<'a> {
        Candidate::with_known(tx, tx.input.iter().map(|input| self.0.get(&input.previous_output)))
    }
}

/// Compares the node's verdict `node` on one transaction with the verdict of this crate. Returns `false` if the node
/// refused the transaction before it applied the rules for inputs. In this case, only the rules for the form of the
/// transaction are compared.
fn compare(tx: &Transaction, coins: &Coins, node: &str, place: &str) -> bool {
    let candidate = coins.candidate(tx);
    let policy = Policy::default();
    let verdict = candidate.check(&policy);
    let reason = node.split(", ").next().unwrap();
    if BEFORE_INPUTS.contains(&reason) {
        assert_eq!(candidate.check_form(&policy), Ok(()), "{place}");
        return false;
    }
    assert_eq!(candidate.unknown_prevouts(), [0; 0], "{place}");
    if OURS.contains(&reason) {
        assert_eq!(verdict.as_ref().map_err(PolicyError::reason), Err(reason), "{place}: {verdict:?}");
        if let Err(PolicyError::MinRelayFee { fee, needed, .. }) = verdict {
            assert_eq!(node, format!("{reason}, {fee} < {needed}"), "{place}");
        }
        if let Err(PolicyError::SigopsCost { cost }) = verdict {
            assert_eq!(node, format!("{reason}, {cost}"), "{place}");
        }
        return true;
    }
    assert!(AFTER.contains(&reason), "{place}: {node}");
    match verdict {
        Err(PolicyError::TrucSize { .. }) => assert_eq!(reason, "TRUC-violation", "{place}"),
        verdict => assert_eq!(verdict, Ok(()), "{place}: {node}"),
    }
    true
}

/// Compares the node's verdict `node` on a package with the verdicts of this crate. Returns whether the verdicts could
/// be compared:
///
/// - If the node accepted the package, each transaction must satisfy all rules of this crate except the minimum fee.
/// - If the node refused the package because of dust, this crate must refuse at least one of the transactions because
///   of dust.
/// - Other refusals of the node are not compared.
fn compare_package(txs: &[Transaction], coins: &Coins, node: &str, place: &str) -> bool {
    let policy = Policy { min_relay: 0, ..Policy::default() };
    let verdicts: Vec<_> = txs.iter().map(|tx| coins.candidate(tx).check(&policy)).collect();
    if node == "OK" {
        assert!(verdicts.iter().all(Result::is_ok), "{place}: {verdicts:?}");
        return true;
    }
    let failed = node.strip_prefix("transaction failed: ").unwrap_or_default();
    if !failed.split("; ").any(|reason| reason.split(", ").next() == Some("dust")) {
        return false;
    }
    let dust =
        |verdict: &Result<(), PolicyError>| verdict.as_ref().is_err_and(|error| error.reason() == "dust");
    assert!(verdicts.iter().any(dust), "{place}: {verdicts:?}");
    true
}

fn replay(name: &str) -> Option<[usize; 2]> {
    let mut decided = [0, 0];
    for scenario in scenarios(name)? {
        let mut coins = Coins::default();
        for (nth, step) in scenario["steps"].as_array().unwrap().iter().enumerate() {
            let place = format!("{name}: {} step {nth}: {}", scenario["name"], step["note"]);
            match step["op"].as_str().unwrap() {
                "coin" => coins.insert(step),
                "mine" => {}
                "send" => {
                    let tx = coins.read(&step["hex"]);
                    decided[0] += usize::from(compare(&tx, &coins, step["node"].as_str().unwrap(), &place));
                }
                "package" => {
                    let hex = step["hex"].as_array().unwrap();
                    let txs: Vec<Transaction> = hex.iter().map(|hex| coins.read(hex)).collect();
                    let node = step["node"].as_str().unwrap();
                    decided[1] += usize::from(compare_package(&txs, &coins, node, &place));
                }
                op => panic!("{place}: {op}"),
            }
        }
    }
    Some(decided)
}

#[test]
fn a_node_says_the_same() {
    for (name, expected) in [("policy_scenarios.json.gz", [518, 20]), ("policy_random.json.gz", [3_534, 880])]
    {
        if let Some(decided) = replay(name) {
            assert_eq!(decided, expected, "{name}: sends and packages compared");
        }
    }
}
