//! Checks that every rule of BIP-DRAFT.md is cited by valid vectors, by invalid vectors, by the interpreter and by the
//! Python reference.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sigstack_interpreter::{ScriptError, Spend, VerifyError};
use sigstack_vectors::{Case, Entry, ReadOptions, read_bytes};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the rules of BIP-DRAFT.md in order: the number of each rule, such as `R12`, and its text.
fn drafted() -> Vec<(String, String)> {
    let draft = fs::read_to_string(root().join("BIP-DRAFT.md")).unwrap();
    let paragraphs = draft.split("\n\n").filter_map(|paragraph| paragraph.strip_prefix("**R"));
    let rule = |paragraph: &str| {
        let (number, text) = paragraph.split_once(".** ").unwrap();
        (format!("R{number}"), text.to_owned())
    };
    paragraphs.map(rule).collect()
}

/// Returns the script errors that the text of a rule names in backticks.
fn errors(text: &str) -> BTreeSet<ScriptError> {
    let names = text.split('`').skip(1).step_by(2);
    // An opcode name in the text is the opcode, not the error of the same name (OP_CODESEPARATOR).
    names.filter(|name| !name.starts_with("OP_")).filter_map(ScriptError::from_name).collect()
}

fn cases() -> BTreeMap<String, Case> {
    let mut cases = BTreeMap::new();
    for name in ["csfs.jsonl", "anyprevout.jsonl"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("proposals").join(name);
        let file = read_bytes(name, &fs::read(path).unwrap(), ReadOptions::default()).unwrap();
        let entries = file.entries.iter().filter_map(Entry::case);
        cases.extend(entries.map(|case| (case.id.clone().unwrap(), case.clone())));
    }
    cases
}

fn rules_json() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("bips/draft/rules.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Checks that every rule of BIP-DRAFT.md has valid and invalid vectors, and that the errors of the invalid vectors are
/// those named in the rule. Prints the counts and the errors.
#[test]
fn every_rule_has_vectors_that_are_accepted_and_that_are_rejected_for_its_reason() {
    let (drafted, cases) = (drafted(), cases());
    let mut cited = BTreeSet::new();
    let rules = rules_json();
    let numbers: Vec<&str> = rules.iter().map(|rule| rule["rule"].as_str().unwrap()).collect();
    assert_eq!(numbers, drafted.iter().map(|(number, _)| number.as_str()).collect::<Vec<_>>());
    assert_eq!(numbers, (1..=drafted.len()).map(|number| format!("R{number}")).collect::<Vec<_>>());
    println!("rule  accept  reject  errors");
    for (rule, (number, text)) in rules.iter().zip(&drafted) {
        let (accepts, rejects) = (rule["accepts"].as_array().unwrap(), rule["rejects"].as_array().unwrap());
        assert!(!accepts.is_empty() && !rejects.is_empty(), "{number} lacks a kind of vector");
        for id in accepts {
            let case = &cases[id.as_str().unwrap()];
            assert_eq!(verdict(case), Ok(()), "{number} {id}");
            cited.insert(id.as_str().unwrap());
        }
        let mut given = BTreeSet::new();
        for reject in rejects {
            let id = reject["id"].as_str().unwrap();
            let (error, stopped) = verdict(&cases[id]).unwrap_err();
            assert_eq!(
                (error.name(), stopped.as_str()),
                (text_of(reject, "expect"), text_of(reject, "stops_at"))
            );
            given.insert(error);
            cited.insert(id);
        }
        // The errors named in the text of a rule must be those of its vectors. If the text names no error, the vectors
        // of other rules check the error.
        let named = errors(text);
        assert!(
            named.is_empty() || named == given,
            "{number}: the text names {named:?}, the vectors give {given:?}"
        );
        let names: Vec<&str> = given.iter().map(|error| error.name()).collect();
        println!("{number:4}  {:6}  {:6}  {}", accepts.len(), rejects.len(), names.join(" "));
    }
    let forgotten: Vec<&String> = cases.keys().filter(|id| !cited.contains(id.as_str())).collect();
    assert!(forgotten.is_empty(), "no rule: {forgotten:?}");
}

fn text_of<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap()
}

fn verdict(case: &Case) -> Result<(), (ScriptError, String)> {
    match Spend::new(&case.tx, &case.prevouts)
        .unwrap()
        .verify_input(case.subject.input().unwrap(), case.flags)
    {
        Ok(_) => Ok(()),
        Err(VerifyError::Script { error, location }) => Err((error, location.to_string())),
        Err(VerifyError::Usage(error)) => panic!("{error}"),
    }
}

/// Adds to `found` all rule numbers, such as `R12`, that the files in a folder and its subfolders contain. Reads only
/// files with this extension.
fn numbers_in(folder: &Path, extension: &str, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            numbers_in(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            let text = fs::read_to_string(&path).unwrap();
            let words = text.split(|c: char| !c.is_ascii_alphanumeric());
            found.extend(words.filter(|word| is_number(word)).map(str::to_owned));
        }
    }
}

fn is_number(word: &str) -> bool {
    word.strip_prefix('R')
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

#[test]
fn both_implementations_cite_every_rule() {
    for (folder, extension) in [("interpreter/src", "rs"), ("test-vectors/reference", "py")] {
        let mut found = BTreeSet::new();
        numbers_in(&root().join(folder), extension, &mut found);
        let missing: Vec<String> = drafted()
            .into_iter()
            .map(|(number, _)| number)
            .filter(|number| !found.contains(number))
            .collect();
        assert!(missing.is_empty(), "{folder} does not cite {missing:?}");
    }
}

/// Checks the table of commitments in BIP-DRAFT.md: it must state for each hash type the same commitments as the
/// vectors.
#[test]
fn the_table_of_commitments_is_that_of_the_vectors() {
    let draft = fs::read_to_string(root().join("BIP-DRAFT.md")).unwrap();
    let table = draft.split("<!-- table: commitments -->\n").nth(1).unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let cases = cases();
    let mut shown = 0;
    for row in &rows[2..] {
        for (hash_type, cell) in rows[0].iter().zip(row).skip(1) {
            let case = &cases[&format!("anyprevout/commits-{hash_type}-{}", row[0])];
            assert_eq!(*cell, if verdict(case).is_ok() { "-" } else { "x" }, "{:?}", case.id);
            shown += 1;
        }
    }
    let of_table = |id: &&String| {
        let rest = id.strip_prefix("anyprevout/commits-").unwrap_or_default();
        rest.split_once('-').is_some_and(|(_, what)| what != "annex")
    };
    assert_eq!(shown, cases.keys().filter(of_table).count());
}

/// Checks the table of the signature message in BIP-DRAFT.md: the sizes of the fields add up, and agree with the
/// messages signed in the vectors.
#[test]
fn the_table_of_the_message_has_the_sizes_of_the_vectors() {
    let draft = fs::read_to_string(root().join("BIP-DRAFT.md")).unwrap();
    let rows: Vec<Vec<&str>> = draft
        .lines()
        .skip_while(|line| !line.starts_with("| field "))
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let mut sizes = BTreeMap::new();
    for (column, hash_types) in rows[0].iter().enumerate().skip(1) {
        let cells = rows[2..rows.len() - 1].iter().filter(|row| !row[0].starts_with("sha_annex"));
        let sum: usize = cells.map(|row| row[column].parse().unwrap_or(0)).sum();
        assert_eq!(rows[rows.len() - 1][column], sum.to_string(), "{hash_types}");
        sizes.extend(
            hash_types.split(", ").map(|hash_type| (u64::from_str_radix(hash_type, 16).unwrap(), sum)),
        );
    }
    assert_eq!(sizes.len(), 13);
    let mut seen = BTreeSet::new();
    for case in cases().values() {
        for value in case.extra.get("values").and_then(Value::as_array).into_iter().flatten() {
            if value["scheme"] == "bip118" {
                let hash_type = value["hash_type"].as_u64().unwrap();
                let preimage = hex::decode(value["preimage"].as_str().unwrap()).unwrap();
                // The field spend_type is 02 without an annex and 03 with one, which adds 32 bytes.
                let annex = if preimage.len() == sizes[&hash_type] { 0 } else { 32 };
                assert_eq!(preimage.len(), sizes[&hash_type] + annex, "{:?}", case.id);
                seen.insert((hash_type, annex));
            }
        }
    }
    assert_eq!(seen.len(), 2 * 13);
}
