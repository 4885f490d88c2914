//! Runs the vector files of other projects in `../shared/vectors` next to the clone: every case must get its expected
//! verdict.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::path::Path;

use sigstack_test_support::shared;
use sigstack_vectors::{ReadOptions, Report, RunOptions, VectorFile, read_bytes, run};

fn read(path: &Path, name: &str) -> VectorFile {
    let bytes = std::fs::read(path).unwrap();
    read_bytes(name, &bytes, ReadOptions::default()).unwrap()
}

/// Runs a file below `../shared/vectors` and returns its report; `None` if the file is missing, which is printed.
#[track_caller]
fn run_file(name: &str) -> Option<(VectorFile, Report)> {
    let path = shared(&format!("vectors/{name}"))?;
    let file = read(&path, name);
    let report = run(&file, RunOptions::default());
    println!("{name}: {} passed, {} failed", report.passed, report.failures.len());
    for failure in report.failures.iter().take(30) {
        println!("  {failure:?}");
    }
    Some((file, report))
}

/// Checks that every case of a file passes, that none is skipped, and that the file has the known number of cases. Also
/// checks the file's dialect if one is given.
#[track_caller]
fn expect(name: &str, dialect: Option<&str>, cases: usize) {
    let Some((file, report)) = run_file(name) else { return };
    assert_eq!((report.passed, report.failures.len(), report.skipped_count()), (cases, 0, 0), "{name}");
    if dialect.is_some() {
        assert_eq!(file.dialect().map(|found| found.name), dialect, "{name}");
    }
}

/// Like [`expect`], for a file whose dialect is not checked.
#[track_caller]
fn expect_all(name: &str, cases: usize) {
    expect(name, None, cases);
}

#[track_caller]
fn expect_dialect(name: &str, dialect: &str, cases: usize) {
    expect(name, Some(dialect), cases);
}

#[test]
fn core_script_tests() {
    expect_all("core/script_tests.json", 1222);
}

#[test]
fn core_tx_valid() {
    expect_all("core/tx_valid.json", 121);
}

#[test]
fn core_tx_invalid() {
    expect_all("core/tx_invalid.json", 93);
}

#[test]
fn core_sighash() {
    expect_all("core/sighash.json", 500);
}

/// Runs the wallet vectors of BIP 341. The file gives 15 cases: 7 outputs, 7 signed inputs, and the signed transaction.
#[test]
fn bip341_wallet() {
    expect_all("core/bip341_wallet_vectors.json", 7 + 7 + 1);
}

#[test]
fn bip340_schnorr() {
    expect_all("bip340/test-vectors.csv", 19);
}

#[test]
fn taproot_successes_and_failures() {
    expect_all("taproot/script_assets_test.json.gz", 2760 + 2483);
}

#[test]
fn cases_of_every_proposal() {
    let files = [
        ("apo", 330),
        ("cat", 94),
        ("consensus", 223),
        ("csfs", 232),
        ("ctv", 125),
        ("internalkey", 93),
        ("mixed", 308),
        ("sequence", 44),
    ];
    for (name, cases) in files {
        expect_all(&format!("cases/{name}.jsonl.gz"), cases);
    }
}

/// Checks three cases that expect `DISCOURAGE_OP_SUCCESS` to refuse an opcode of an inactive proposal. Their verdicts
/// come from implementations that do not know the opcode. In this engine a proposal defines the opcode, so the generic
/// flag does not refuse it: otherwise activation of the proposal would accept an input that was refused before. Only
/// these three cases are judged as today's policy.
#[test]
fn cases_that_contradict_the_rule_of_soft_forks() {
    for (name, cases, otherwise) in
        [("paircommit", 84, 2), ("templatehash", 94, 1), ("csfs", 232, 0), ("mixed", 308, 0)]
    {
        let Some((_, report)) = run_file(&format!("cases/{name}.jsonl.gz")) else { continue };
        assert_eq!((report.passed, report.readings.values().sum()), (cases, otherwise), "{name}");
    }
}

/// Runs the vectors of leaf scripts that do not depend on a transaction. The file has 43 scripts, each with two
/// verdicts.
#[test]
fn sequence_scripts() {
    expect_all("sequence/cases.json", 2 * 43);
}

#[test]
fn bip119() {
    expect_all("bip119/ctvhash.json", 100);
    expect_dialect("bip119/tx_valid.json", "bip119", 19);
    expect_dialect("bip119/tx_invalid.json", "bip119", 11);
}

#[test]
fn bip446() {
    expect_all("bip446/basics.json", 19);
    expect_all("bip446/script_assets_test.json.gz", 369 + 365);
}

#[test]
fn inquisition() {
    // The script_tests.json of this branch names no flag of the branch; the dialect is recognised by the opcode.
    expect_dialect("inquisition/script_tests.json", "bip119", 1236);
    expect_dialect("inquisition/tx_valid.json", "inquisition", 143);
    expect_dialect("inquisition/tx_invalid.json", "inquisition", 105);
}

#[test]
fn lnhance() {
    expect_dialect("lnhance/script_tests.json", "bip119", 1206);
    expect_dialect("lnhance/tx_valid.json", "lnhance", 144);
    expect_dialect("lnhance/tx_invalid.json", "lnhance", 105);
}
