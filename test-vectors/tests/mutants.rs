//! Checks that the mutations listed in `tools/mutants/spec` apply to the current Python reference, and that the committed
//! results explain every mutant that no vector detects.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sigstack_test_support::{Tool, tool};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/mutants/spec")
}

#[test]
fn every_listed_mistake_applies_to_the_reference() {
    let Some(python) = tool(Tool::Python) else { return };
    let ran = Command::new(python).arg(folder().join("run")).arg("--check").output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let out = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(out.lines().filter(|line| line.ends_with("mistakes apply")).count(), 9, "{out}");
}

/// Checks the committed results of mutation tests. The vector files for each proposal's BIP must detect every mutant
/// that accepts an invalid input or rejects a valid one.
#[test]
fn no_mutant_of_a_proposal_is_left() {
    for target in ["csfs", "anyprevout", "ctv", "cat", "internalkey", "paircommit", "templatehash", "bip54"] {
        let text = fs::read(folder().join(format!("results/{target}.json"))).unwrap();
        let result: Value = serde_json::from_slice(&text).unwrap();
        let count = |name: &str| result[name].as_u64().unwrap();
        let parts = ["verdict", "error", "nothing", "equivalent"];
        assert_eq!(count("mutants"), parts.map(count).iter().sum::<u64>(), "{target}");
        assert_eq!((count("nothing"), count("error")), (0, count("explained")), "{target}");
    }
}
