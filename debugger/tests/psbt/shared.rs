//! Tests with the PSBTs of Bitcoin Core's functional tests, in the folder `../shared/vectors` next to the workspace.

use serde_json::Value;
use sigstack_debugger::Psbt;
use sigstack_test_support::shared;

/// Every PSBT in the lists `invalid` and `invalid_with_msg` of Core's tests is rejected. Every PSBT in the list
/// `valid` is accepted.
#[test]
fn bitcoin_cores_functional_test_rows() {
    let Some(path) = shared("vectors/psbt/rpc_psbt.json") else { return };
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
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
    // Five errors name no field: one for a transaction, two for texts that are not base64, and those for maps that end
    // early.
    let errors = outcome.iter().filter_map(|(_, read)| read.as_ref().err());
    assert_eq!(errors.filter(|error| !error.contains(": PSBT_")).count(), 5);
}
