//! The cases of a proposal in the two files that BIP 446 has, so that a BIP can take them over as they are.

use std::collections::BTreeMap;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{ScriptBuf, Witness};
use serde_json::{Value, json};
use sigstack_interpreter::{FlagKind, Flags};

use super::GeneratedFile;
use crate::case::{Case, Expect};

/// How many cases of each verdict a rule has in `basics.json`, which is for reading.
const BASICS_PER_RULE: usize = 2;

/// `basics.json` and `script_assets_test.json` of a BIP, from the cases that concern consensus.
pub(super) fn files(bip: u16, cases: &[Case]) -> [GeneratedFile; 2] {
    let policy = Flags::of_kind(FlagKind::Policy) | Flags::of_kind(FlagKind::ProposalPolicy);
    let consensus: Vec<&Case> = cases.iter().filter(|case| !case.flags.intersects(policy)).collect();
    let file = |name: &str, items: Vec<Value>| GeneratedFile {
        path: format!("bips/bip-{bip:04}/{name}"),
        contents: array_of_lines(&items).into_bytes(),
    };
    [file("basics.json", basics(&consensus)), file("script_assets_test.json", assets(&consensus))]
}

/// A JSON array with an item a line.
fn array_of_lines(items: &[Value]) -> String {
    let lines: Vec<String> = items.iter().map(Value::to_string).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

fn is_valid(case: &Case) -> bool {
    case.expect == Expect::Ok
}

/// The first cases of each rule.
fn basics(cases: &[&Case]) -> Vec<Value> {
    let mut seen: BTreeMap<(String, bool), usize> = BTreeMap::new();
    let mut items = Vec::new();
    for case in cases {
        let rule = case.extra.get("rule").map(Value::to_string).unwrap_or_default();
        let count = seen.entry((rule, is_valid(case))).or_default();
        *count += 1;
        if *count <= BASICS_PER_RULE {
            items.push(basic(case));
        }
    }
    items
}

fn basic(case: &Case) -> Value {
    let spent: Vec<String> = case.prevouts.iter().map(serialize_hex).collect();
    let mut item = json!({
        "spent_outputs": spent,
        "spending_tx": serialize_hex(&case.tx),
        "input_index": case.index,
        "flags": case.flags.to_string(),
        "valid": is_valid(case),
        "comment": format!("{}: {}", case.id.as_deref().unwrap_or_default(), case.comment),
    });
    if let Some(object) = item.as_object_mut() {
        if !is_valid(case) {
            object.insert("expect".into(), case.expect.to_string().into());
        }
        for name in ["source", "rule", "values"] {
            object.extend(case.extra.get(name).map(|value| (name.to_owned(), value.clone())));
        }
    }
    item
}

/// Each case as a way to succeed or to fail; ways of the same transaction and prevouts share an object.
fn assets(cases: &[&Case]) -> Vec<Value> {
    let mut items: Vec<Value> = Vec::new();
    for case in cases {
        let mut tx = case.tx.clone();
        let mut solution = json!({});
        if let Some(input) = tx.input.get_mut(case.index) {
            let witness: Vec<String> = input.witness.iter().map(hex::encode).collect();
            solution = json!({ "scriptSig": input.script_sig.to_hex_string(), "witness": witness });
            input.script_sig = ScriptBuf::new();
            input.witness = Witness::new();
        }
        let spent: Vec<String> = case.prevouts.iter().map(serialize_hex).collect();
        let part = if is_valid(case) { "success" } else { "failure" };
        let tx = serialize_hex(&tx);
        let flags = case.flags.to_string();
        // Twins often differ in the witness alone; the last object is the one that a twin stands beside.
        if let Some(last) = items.last_mut()
            && last["tx"] == tx.as_str()
            && last["prevouts"] == json!(spent)
            && last["flags"] == flags.as_str()
            && last.get(part).is_none()
            && let Some(object) = last.as_object_mut()
        {
            object.insert(part.into(), solution);
            continue;
        }
        items.push(json!({
            "tx": tx,
            "prevouts": spent,
            "index": case.index,
            "flags": flags,
            "comment": case.id,
            part: solution,
        }));
    }
    items
}
