//! Tests the test cases that the crate exports. They must equal the files in `test-vectors/channels`, and the script
//! interpreter must give each case its expected result. Bitcoin Core without the proposals must also accept every case
//! that is valid with the proposals, since they are soft forks.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a test"
)]

use std::fs;
use std::path::Path;

use bitcoin::consensus::serialize;
use bitcoinconsensus::{Utxo, VERIFY_ALL_PRE_TAPROOT, VERIFY_TAPROOT, verify_with_flags};
use sigstack_channel::export::{attack_cases, files, nested_cases, play_cases};
use sigstack_channel::model::KINDS;
use sigstack_interpreter::{FlagKind, Flags, Spend};
use sigstack_vectors::{Case, Expect};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../test-vectors/channels");

fn all_cases() -> Vec<Case> {
    let plays = KINDS.iter().flat_map(|(name, kind)| play_cases(name, *kind).unwrap());
    plays.chain(nested_cases().unwrap()).chain(attack_cases().unwrap()).collect()
}

/// Returns the index of the input that a test case verifies. Every test case of this crate verifies a single input.
fn input(case: &Case) -> usize {
    case.subject.input().unwrap()
}

fn core_accepts(case: &Case) -> bool {
    let outputs = case.prevouts.iter().map(|output| Utxo {
        script_pubkey: output.script_pubkey.as_bytes().as_ptr(),
        script_pubkey_len: output.script_pubkey.len() as u32,
        value: output.value.to_sat() as i64,
    });
    let outputs: Vec<Utxo> = outputs.collect();
    let index = input(case);
    let spent = &case.prevouts[index];
    let flags = VERIFY_ALL_PRE_TAPROOT | VERIFY_TAPROOT;
    let script = spent.script_pubkey.as_bytes();
    let tx = serialize(&case.tx);
    verify_with_flags(script, spent.value.to_sat(), &tx, Some(&outputs), index, flags).is_ok()
}

#[test]
fn every_case_gets_its_verdict_here_and_with_core() {
    let (mut valid, mut invalid, mut today) = (0, 0, 0);
    for case in all_cases() {
        let verdict =
            Spend::new(&case.tx, &case.prevouts).unwrap().verify_input(input(&case), case.flags).map(drop);
        let comment = &case.comment;
        match case.expect {
            Expect::Ok => {
                assert_eq!(verdict, Ok(()), "{comment}");
                // The proposals are soft forks, so Bitcoin Core without them also accepts every valid case.
                assert!(core_accepts(&case), "{comment}");
                valid += 1;
            }
            Expect::Error(error) => {
                assert_eq!(verdict.unwrap_err().script_error(), Some(error), "{comment}");
                invalid += 1;
            }
            Expect::Rule(reason) => panic!("{comment}: {reason} of an input"),
        }
        if !case.flags.intersects(Flags::of_kind(FlagKind::Proposal)) {
            assert_eq!(core_accepts(&case), case.expect == Expect::Ok, "{comment}");
            today += 1;
        }
    }
    println!("{valid} valid and {invalid} invalid cases; {today} of them need no proposal");
    assert!(valid > 200 && invalid >= 8 && today > 50, "{valid} {invalid} {today}");
}

#[test]
fn the_files_are_up_to_date() {
    for (name, lines) in files().unwrap() {
        let path = Path::new(FOLDER).join(&name);
        let stored = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            stored == lines,
            "{name} is not up to date: run `sigstack channel export test-vectors/channels`"
        );
    }
}
