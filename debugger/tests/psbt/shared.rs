//! The PSBTs of Bitcoin Core's functional tests, in `../shared/vectors` beside the workspace.

use std::path::Path;

use serde_json::Value;
use sigstack_debugger::Psbt;

/// Every `invalid` and `invalid_with_msg` row is refused, every `valid` row is read.
#[test]
fn bitcoin_cores_functional_test_rows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors/psbt/rpc_psbt.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: the reference vectors are not there ({})", path.display());
        return;
    };
    let file: Value = serde_json::from_str(&text).unwrap();
    let rows = |name: &str| file[name].as_array().unwrap().clone();
    let read = |row: &Value| Psbt::read(row.as_str().unwrap().as_bytes()).map_err(|error| error.to_string());
    let mut outcome = Vec::new();
    for row in rows("invalid") {
        outcome.push(("invalid", read(&row)));
    }
    for row in rows("invalid_with_msg") {
        outcome.push(("invalid_with_msg", read(&row[0])));
    }
    for row in rows("valid") {
        outcome.push(("valid", read(&row)));
    }
    assert_eq!(outcome.len(), 63 + 23 + 48);
    for (nth, (kind, read)) in outcome.iter().enumerate() {
        assert_eq!(read.is_ok(), *kind == "valid", "{nth} {kind}: {read:?}");
    }
    // Five rows have no field to name: a transaction, two that are not base64, maps that end early.
    let errors = outcome.iter().filter_map(|(_, read)| read.as_ref().err());
    assert_eq!(errors.filter(|error| !error.contains(": PSBT_")).count(), 5);
}
