//! Tests that BIP-DRAFT.md shows what the project produces: scripts, messages, tables, and the names of vectors and
//! attacks.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sigstack_interpreter::Spend;
use sigstack_vectors::{Case, Entry, ReadOptions, read_bytes};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn draft() -> String {
    fs::read_to_string(root().join("BIP-DRAFT.md")).unwrap()
}

/// Runs a `sigstack` command that must succeed, and returns its output.
fn sigstack(arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_sigstack")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Returns all cases of the project's own vectors, by id.
fn cases() -> BTreeMap<String, Case> {
    let mut cases = BTreeMap::new();
    for folder in ["proposals", "compiler", "channels"] {
        for entry in fs::read_dir(root().join("test-vectors").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let file = read_bytes(folder, &fs::read(&path).unwrap(), ReadOptions::default()).unwrap();
            let entries = file.entries.iter().filter_map(Entry::case);
            cases.extend(entries.map(|case| (case.id.clone().unwrap(), case.clone())));
        }
    }
    cases
}

/// Returns the code blocks of BIP-DRAFT.md that begin with a line of three backticks, `kind` and a name. Each is
/// returned as its name and its content.
fn blocks<'d>(draft: &'d str, kind: &str) -> Vec<(&'d str, &'d str)> {
    let fence = format!("\n```{kind} ");
    let block = |rest: &'d str| {
        let (name, rest) = rest.split_once('\n').unwrap();
        (name, rest.split("\n```").next().unwrap())
    };
    draft.split(fence.as_str()).skip(1).map(block).collect()
}

#[test]
fn each_script_is_that_of_a_spend_that_is_valid() {
    let (draft, cases) = (draft(), cases());
    let scripts = blocks(&draft, "script");
    assert!(scripts.len() >= 6, "{} scripts", scripts.len());
    for (id, script) in scripts {
        let words: Vec<&str> = ["asm"].into_iter().chain(script.split_whitespace()).collect();
        let case = &cases[id];
        let witness: Vec<&[u8]> = case.tx.input[case.subject.input().unwrap()].witness.iter().collect();
        // None of these inputs has an annex.
        assert_eq!(sigstack(&words).trim(), hex::encode(witness[witness.len() - 2]), "{id}");
        assert_eq!(
            Spend::new(&case.tx, &case.prevouts)
                .unwrap()
                .verify_input(case.subject.input().unwrap(), case.flags)
                .map(drop),
            Ok(()),
            "{id}"
        );
    }
}

#[test]
fn each_message_is_the_one_that_the_vector_signs() {
    let (draft, cases) = (draft(), cases());
    let messages = blocks(&draft, "message");
    assert_eq!(messages.len(), 2);
    for (id, message) in messages {
        let (fields, digest) = message.split_once("\n= ").unwrap();
        let bytes: String = fields.lines().filter_map(|line| line.split_whitespace().next()).collect();
        let value = &cases[id].extra["values"][0];
        assert_eq!(
            (value["preimage"].as_str(), value["digest"].as_str()),
            (Some(&*bytes), Some(digest)),
            "{id}"
        );
    }
}

/// Returns the JSON objects that a command prints.
fn objects(command: &str) -> Vec<Value> {
    let arguments: Vec<&str> = command.split_whitespace().collect();
    if arguments[0] != "compile" {
        return serde_json::from_str(&sigstack(&[&arguments[..], &["--format", "json"]].concat())).unwrap();
    }
    let compiled: Value = serde_json::from_str(&sigstack(&[&arguments[..], &["--json"]].concat())).unwrap();
    let leaves = compiled["leaves"].as_array().unwrap().iter().enumerate();
    let leaf = |(nth, leaf): (usize, &Value)| {
        let mut leaf = leaf.clone();
        leaf["leaf"] = nth.into();
        leaf["bytes"] = (leaf["script"].as_str().unwrap().len() / 2).into();
        leaf
    };
    leaves.map(leaf).collect()
}

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Every number in a table of BIP-DRAFT.md equals the number that `sigstack` prints. A comment before each table names
/// the command, and gives the command's name of each column that has another name in the table. The first column of a
/// table identifies the rows in the output.
#[test]
fn each_figure_of_a_table_is_that_of_its_command() {
    let draft = draft();
    let tables: Vec<&str> = draft.split("<!-- table: sigstack ").skip(1).collect();
    assert!(tables.len() >= 5, "{} tables", tables.len());
    let mut figures = 0;
    for table in tables {
        let (comment, rest) = table.split_once("-->\n").unwrap();
        let (command, names) = comment.split_once('\n').unwrap();
        let names: BTreeMap<&str, &str> =
            names.trim().split("; ").filter_map(|name| name.split_once(" = ")).collect();
        let mut lines = rest.lines().take_while(|line| line.starts_with('|'));
        let columns: Vec<&str> =
            cells(lines.next().unwrap()).iter().map(|name| *names.get(name).unwrap_or(name)).collect();
        let objects = objects(command);
        for line in lines.skip(1) {
            let cells = cells(line);
            let row = objects.iter().find(|object| text(&object[columns[0]]) == cells[0]);
            let row = row.unwrap_or_else(|| panic!("sigstack {command} has no row {}", cells[0]));
            for (column, cell) in columns.iter().zip(&cells) {
                assert_eq!(text(&row[*column]), *cell, "sigstack {command}: {}, {column}", cells[0]);
                figures += 1;
            }
        }
    }
    println!("{figures} figures");
    assert!(figures > 150, "{figures} figures");
}

#[test]
fn each_vector_and_each_attack_that_is_named_is_there() {
    let (draft, cases) = (draft(), cases());
    let quoted: Vec<&str> = draft.split('`').skip(1).step_by(2).collect();
    let of_group = |name: &&&str| {
        name.split_once('/').is_some_and(|(group, id)| {
            ["csfs", "anyprevout", "mixed", "compiler"].contains(&group) && !id.contains('.')
        })
    };
    let vectors: Vec<&&str> =
        quoted.iter().filter(of_group).filter(|name| !name.contains(char::is_uppercase)).collect();
    assert!(vectors.len() >= 15, "{} vectors", vectors.len());
    for id in vectors {
        assert!(cases.contains_key(*id), "no vector {id}");
    }
    let attacks: Vec<&str> =
        quoted.iter().filter_map(|name| name.strip_prefix("sigstack attacks ")).collect();
    assert!(attacks.len() >= 12, "{} attacks", attacks.len());
    let rows: Vec<Value> = serde_json::from_str(&sigstack(&["attacks", "--format", "json"])).unwrap();
    for name in attacks {
        let works: Vec<&str> = rows
            .iter()
            .filter(|row| row["attack"] == name)
            .map(|row| row["works"].as_str().unwrap())
            .collect();
        // The attack succeeds against one construction and fails against another.
        assert!(works.contains(&"yes") && works.contains(&"no"), "{name}: {works:?}");
    }
}

/// Formats a JSON number with two decimals.
fn rounded(value: &Value) -> String {
    format!("{:.2}", value.as_f64().unwrap())
}

#[test]
fn the_worst_blocks_are_those_of_the_recorded_run() {
    let draft = draft();
    let (_, table) = draft.split_once("<!-- blocks: benches/results/worst-blocks.json -->\n").unwrap();
    let run = fs::read(root().join("benches/results/worst-blocks.json")).unwrap();
    let run: Value = serde_json::from_slice(&run).unwrap();
    let mut rows = 0;
    let (mut highest_lower, mut lowest_upper) = (f64::MIN, f64::MAX);
    for line in table.lines().take_while(|line| line.starts_with('|')).skip(2) {
        let cells = cells(line);
        let blocks = run["blocks"].as_array().unwrap();
        let block = blocks.iter().find(|block| block["subject"] == cells[0]).unwrap();
        let ratio = &block["to_schnorr"];
        let figures = [
            &block["seconds"]["median"],
            &ratio["lower_quartile"],
            &ratio["median"],
            &ratio["upper_quartile"],
            &block["to_tapscript_today"],
        ];
        assert_eq!(cells[1..], figures.map(rounded), "{}", cells[0]);
        rows += 1;
        // Verifies the statement of the text that the quartiles of the first three rows overlap.
        if rows <= 3 {
            highest_lower = highest_lower.max(ratio["lower_quartile"].as_f64().unwrap());
            lowest_upper = lowest_upper.min(ratio["upper_quartile"].as_f64().unwrap());
        }
    }
    assert_eq!(rows, 8);
    assert!(highest_lower < lowest_upper, "{highest_lower} {lowest_upper}");
}
