//! Tests of the conversion to cases that are sent to other implementations. The input is a sample of each format, and
//! the project's own files.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sigstack_vectors::{ReadOptions, VectorFile, VerdictCase, read_bytes};

fn read(name: &str, text: &str) -> VectorFile {
    read_bytes(name, text.as_bytes(), ReadOptions::default()).unwrap()
}

/// Returns all cases that the entries of a file give. For an entry that gives none, returns the reason.
fn cases(file: &VectorFile) -> Vec<Result<VerdictCase, &'static str>> {
    let of_entry = |entry| match file.verdict_cases(entry) {
        Ok(cases) => cases.into_iter().map(Ok).collect(),
        Err(reason) => vec![Err(reason)],
    };
    file.entries.iter().flat_map(of_entry).collect()
}

/// Returns the id and the expected verdict of each case in a file. For an entry that gives no case, returns an empty id
/// and the reason.
fn verdicts(name: &str, text: &str) -> Vec<(String, String)> {
    let verdict = |case: Result<VerdictCase, &'static str>| match case {
        Ok(case) => (case.id, case.expected.to_string()),
        Err(reason) => (String::new(), reason.to_owned()),
    };
    cases(&read(name, text)).into_iter().map(verdict).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(id, verdict)| ((*id).to_owned(), (*verdict).to_owned())).collect()
}

/// Returns a hex-encoded transaction with this number of inputs, numbered from 1.
fn tx(inputs: usize) -> String {
    let input = |nth: usize| format!("{nth:02x}{}", "0".repeat(80));
    let inputs: String = (1..=inputs).map(input).collect();
    format!("01000000{:02}{inputs}01{}", inputs.len() / 82, "0".repeat(26))
}

fn txid(nth: usize) -> String {
    format!("{}{nth:02x}", "0".repeat(62))
}

#[test]
fn a_side_of_script_assets_is_a_case() {
    let text = format!(
        r#"[{{"tx": "{}", "prevouts": ["00000000000000000151"], "index": 0, "flags": "P2SH,WITNESS", "comment": "both",
            "success_id": "g/success", "success": {{"scriptSig": "", "witness": [], "rule": "r", "rule_number": 1}},
            "failure_id": "g/failure", "failure": {{"scriptSig": "6a", "witness": [], "expect": "OP_RETURN", "rule": "s"}}}},
           {{"tx": "{}", "prevouts": ["00000000000000000151"], "index": 0, "flags": "P2SH,WITNESS",
            "failure": {{"scriptSig": "6a", "witness": ["01"]}}}}]"#,
        tx(1),
        tx(1)
    );
    let expected = [("g/success", "OK"), ("g/failure", "OP_RETURN"), ("assets.json#2", "an error")];
    assert_eq!(verdicts("assets.json", &text), pairs(&expected));
    let cases: Vec<VerdictCase> =
        cases(&read("assets.json", &text)).into_iter().map(Result::unwrap).collect();
    let labels = |case: &VerdictCase| (case.group.clone(), case.rule.clone());
    assert_eq!(labels(&cases[0]), (Some("g".into()), Some("r".into())));
    assert_eq!(labels(&cases[1]), (Some("g".into()), Some("s".into())));
    assert_eq!(labels(&cases[2]), (None, None));
    // Each line has the scriptSig and the witness of its own half of the object: success or failure.
    let line = |case: &VerdictCase| serde_json::from_str::<serde_json::Value>(&case.to_line()).unwrap();
    assert_eq!(line(&cases[0])["tx"], tx(1));
    let with_script_sig =
        tx(1).replace(&format!("01{}", "0".repeat(80)), &format!("01{}016a00000000", "0".repeat(70)));
    assert_eq!(line(&cases[1])["tx"], with_script_sig);
    assert!(line(&cases[2])["tx"].as_str().unwrap().starts_with("010000000001"), "it has a witness");
    assert_eq!(line(&cases[0])["id"], "g/success");
    assert_eq!(line(&cases[2]).get("rule"), None);
}

#[test]
fn errors_have_the_names_of_their_dialect() {
    let text = r#"[["0", "1 ADD VERIFY", "", "EVAL_FALSE"], ["1", "'abcde' ADD", "", "UNKNOWN_ERROR"], ["", "1", "", "OK"]]"#;
    let cases: Vec<VerdictCase> = cases(&read("rows.json", text)).into_iter().map(Result::unwrap).collect();
    let names = |case: &VerdictCase| match &case.expected {
        sigstack_vectors::ExpectedVerdict::Error(names) => names.join(" "),
        verdict => verdict.to_string(),
    };
    assert_eq!(cases.iter().map(names).collect::<Vec<_>>(), ["EVAL_FALSE", "UNKNOWN_ERROR SCRIPTNUM", "OK"]);
}

#[test]
fn valid_transactions_give_a_case_for_each_input_and_invalid_ones_only_if_one_input_is_meant() {
    let prevout = |nth| format!(r#"["{}", 0, "1"]"#, txid(nth));
    let row = |inputs: usize, flags: &str| {
        let prevouts: Vec<String> = (1..=inputs).map(prevout).collect();
        format!(r#"[[{}], "{}", "{flags}"]"#, prevouts.join(", "), tx(inputs))
    };
    let valid = format!("[{}, {}]", row(1, "NONE"), row(2, "NONE"));
    let ids = ["tx_valid.json#1", "tx_valid.json#2 input 0", "tx_valid.json#2 input 1"];
    assert_eq!(verdicts("tx_valid.json", &valid), pairs(&ids.map(|id| (id, "OK"))));
    let invalid = format!("[{}, {}, {}]", row(1, "NONE"), row(2, "NONE"), row(1, "BADTX"));
    let expected = [
        ("tx_invalid.json#1", "an error"),
        ("", "the file does not say which input is invalid"),
        ("", "a rule about whole transactions"),
    ];
    assert_eq!(verdicts("tx_invalid.json", &invalid), pairs(&expected));
}

/// Checks that the vector files for the BIPs contain only cases that are also in the files of the proposals, with the
/// same ids, verdicts and rules.
#[test]
fn the_files_for_the_bips_ask_cases_of_the_proposals() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut known: BTreeMap<String, (String, String, Option<String>)> = BTreeMap::new();
    let read_file = |path: &Path| read(&path.display().to_string(), &fs::read_to_string(path).unwrap());
    let mut counts = [0, 0];
    for entry in fs::read_dir(root.join("proposals")).unwrap() {
        for case in cases(&read_file(&entry.unwrap().path())).into_iter().map(Result::unwrap) {
            counts[0] += 1;
            known.insert(case.id.clone(), (case.question_fields(), case.expected.to_string(), case.rule));
        }
    }
    for folder in fs::read_dir(root.join("bips")).unwrap().map(|entry| entry.unwrap().path()) {
        for name in ["basics.json", "script_assets_test.json"] {
            let path = folder.join(name);
            if !path.exists() {
                continue;
            }
            for case in cases(&read_file(&path)).into_iter().map(Result::unwrap) {
                counts[1] += 1;
                let found = known.get(&case.id).unwrap_or_else(|| panic!("{}: {}", path.display(), case.id));
                let asked = (case.question_fields(), case.expected.to_string(), case.rule);
                assert!(*found == asked, "{}: {}", path.display(), case.id);
            }
        }
    }
    assert!(counts[0] >= 4_800 && counts[1] >= 4_700, "{counts:?}");
}

/// Checks which valid inputs today's policy refuses because they use an inactive proposal. The refused inputs must
/// include each kind of upgrade mechanism, and only inputs whose flags include the generic flag of that mechanism.
#[test]
fn todays_policy_may_refuse_what_an_inactive_proposal_uses() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found: BTreeMap<String, &'static str> = BTreeMap::new();
    for name in ["proposals/ctv", "proposals/anyprevout", "proposals/csfs", "consensus/reserved"] {
        let path = root.join(name).with_extension("jsonl");
        let file = read(name, &fs::read_to_string(path).unwrap());
        for case in cases(&file).into_iter().map(Result::unwrap) {
            if let Some(error) = case.policy_error {
                assert!(case.expected.is_ok(), "{}", case.id);
                let question = case.question.input().unwrap();
                assert!(question.flags.to_string().contains(error), "{}", case.id);
                found.insert(case.id, error);
            }
        }
    }
    for (id, error) in [
        ("ctv/bare-inactive-generic", "DISCOURAGE_UPGRADABLE_NOPS"),
        ("anyprevout/state-inactive-1-generic", "DISCOURAGE_UPGRADABLE_PUBKEYTYPE"),
        ("reserved/tapscript-success-206-assigned", "DISCOURAGE_OP_SUCCESS"),
    ] {
        assert_eq!(found.get(id), Some(&error), "{id}: {found:?}");
    }
    assert!(!found.contains_key("csfs/state-active"), "{found:?}");
    assert!(found.len() < 20, "{found:?}");
}
