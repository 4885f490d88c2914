//! The reference vectors in `../shared/vectors` beside the workspace, read in place: every case must get its verdict.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::path::{Path, PathBuf};

use sigstack_interpreter::Flags;
use sigstack_vectors::{ReadOptions, Report, RunOptions, VectorFile, read_bytes, run};

/// The folder with the reference vectors, beside the workspace.
fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: the reference vectors are not there ({})", folder.display());
    None
}

fn read(folder: &Path, name: &str) -> VectorFile {
    let bytes = std::fs::read(folder.join(name)).unwrap();
    read_bytes(name, &bytes, ReadOptions::default()).unwrap()
}

fn run_file(folder: &Path, name: &str) -> Report {
    let report = run(&read(folder, name), RunOptions::default());
    println!(
        "{name}: {} passed, {} failed, skipped {:?}",
        report.passed,
        report.failures.len(),
        report.skipped
    );
    let few: Vec<_> = report.failures.iter().take(30).collect();
    for failure in &few {
        println!("  {failure:?}");
    }
    assert!(few.is_empty(), "{name}: {} cases fail", report.failures.len());
    report
}

/// Every case of a file passes, none is skipped, and there are as many as known.
fn expect_all(name: &str, cases: usize) {
    let Some(folder) = folder() else { return };
    let report = run_file(&folder, name);
    assert_eq!((report.passed, report.skipped_count()), (cases, 0), "{name}");
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

/// 7 outputs; 7 inputs that are signed; 9 inputs of the signed transaction.
#[test]
fn bip341_wallet() {
    expect_all("core/bip341_wallet_vectors.json", 7 + 7 + 9);
}

#[test]
fn bip340_schnorr() {
    expect_all("bip340/test-vectors.csv", 19);
}

#[test]
fn taproot_successes_and_failures() {
    expect_all("taproot/script_assets_test.json.gz", 2760 + 2483);
}

/// Every case runs, or needs a flag that the interpreter's table does not have.
#[test]
fn consensus_cases() {
    let Some(folder) = folder() else { return };
    let report = run_file(&folder, "cases/consensus.jsonl.gz");
    assert_eq!(report.ran() + report.skipped_count(), 223);
    assert!(report.ran() >= 213);
    for reason in report.skipped.keys() {
        let name = reason.strip_prefix("needs ").unwrap();
        assert_eq!(Flags::from_name(name), None, "{reason}");
    }
}
