//! Tests of `sigstack channel`, `compare`, `attacks` and `breach`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn sigstack(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_sigstack")).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn an_old_state_is_played_and_answered() {
    let (status, out, _) = sigstack(&["channel", "play", "sequence-ctv", "--state", "1"]);
    assert_eq!(status, 0);
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[2].contains("commitment (668 WU, fee child 609 WU)"), "{out}");
    assert!(lines[3].contains("contest (690 WU)"), "{out}");
    assert_eq!(lines[4], "party 0 has 0 sat");
}

#[test]
fn tables_are_columns_and_json() {
    let (_, text, _) = sigstack(&["attacks", "swap", "--width", "200"]);
    let lines: Vec<&str> = text.lines().collect();
    let column = lines[0].find("works").unwrap();
    assert_eq!((&lines[1][column..column + 3], &lines[2][column..column + 2]), ("yes", "no"), "{text}");
    let (_, json, _) = sigstack(&["attacks", "swap", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json[0]["works"], &json[1]["works"]), (&"yes".into(), &"no".into()));
    let (_, json, _) = sigstack(&["compare", "--bip442", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json[0]["force close"], &json[0]["BIP 442"]), (&1221.into(), &1221.into()));
}

#[test]
fn unknown_names_and_amounts_are_told() {
    for (arguments, problem) in [
        (
            &["attacks", "swaps"][..],
            "error: NAME: unknown name \"swaps\"\nhint: did you mean swap? (known: swap, ",
        ),
        (
            &["channel", "play", "nothing"],
            "error: CONSTRUCTION: unknown name \"nothing\"\nhint: known: bip68, tree, ",
        ),
        (
            &["breach", "--new", "950000"],
            "error: --new: 950000 sat is more than the 900000 sat of the old state: cheating would lose\n",
        ),
        (
            &["channel", "play", "sequence-ctv", "--state", "9"],
            "error: --state: there is no state 9 after 3 updates\nhint: give at most 3, or more --updates\n",
        ),
    ] {
        let (status, _, error) = sigstack(arguments);
        assert_eq!(status, 2, "{arguments:?}");
        assert!(error.contains(problem), "{arguments:?}: {error}");
    }
}

#[test]
fn results_are_written_to_folders() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("breach");
    let _ = fs::remove_dir_all(&folder);
    let path = folder.to_str().unwrap();
    assert_eq!(sigstack(&["breach", "--games", "3", "--folder", path]).0, 0);
    for file in ["in-time.csv", "in-time.svg", "victim.svg", "fees.svg", "htlc-fights.csv", "race.csv"] {
        assert!(fs::read_to_string(folder.join(file)).unwrap().len() > 100, "{file}");
    }
    // The same seed gives the same results.
    let again = sigstack(&["breach", "--games", "3"]).1;
    assert_eq!(again, sigstack(&["breach", "--games", "3"]).1);
    // Every format contains the name of every table.
    let json: serde_json::Value =
        serde_json::from_str(&sigstack(&["breach", "--games", "3", "--format", "json"]).1).unwrap();
    let names: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert!(names.len() > 8);
    let markdown = sigstack(&["breach", "--games", "3", "--format", "markdown"]).1;
    let csv = sigstack(&["breach", "--games", "3", "--format", "csv"]).1;
    for name in names {
        assert!(markdown.contains(&format!("## {name}\n\n")), "{name}");
        assert!(csv.contains(&format!("# {name}: ")), "{name}");
    }
    // A line below the heading gives the unit of the columns.
    let unit = "victim, cheater: their gain, in mean satoshi per game";
    for text in [again.replace('\n', " "), markdown, csv] {
        assert_eq!(text.matches(unit).count(), 3, "{text}");
    }
}

/// Every command about channels prints JSON with `--json`. Commands that print tables also accept `--format json`,
/// with the same output.
#[test]
fn every_command_prints_json() {
    let json = |arguments: &[&str]| -> serde_json::Value {
        let (status, out, error) = sigstack(arguments);
        assert_eq!((status, error.as_str()), (0, ""), "{arguments:?}");
        serde_json::from_str(&out).unwrap()
    };
    for table in [
        &["channel", "list"][..],
        &["channel", "options"],
        &["channel", "nested", "--parties", "2"],
        &["compare", "--bip442"],
        &["attacks", "swap"],
        &["breach", "--games", "1"],
    ] {
        assert_eq!(json(&[table, &["--json"]].concat()), json(&[table, &["--format", "json"]].concat()));
    }
    let shown = json(&["channel", "show", "sequence-ctv", "--state", "1", "--json"]);
    assert_eq!((&shown["state"], &shown["steps"][0]["weight"]), (&1.into(), &668.into()));
    assert!(shown["steps"][0]["tx"].as_str().unwrap().starts_with("03000000"), "{shown}");
    let played = json(&["channel", "play", "sequence-ctv", "--state", "1", "--json"]);
    assert_eq!((&played["steps"][2]["label"], &played["paid"][0]), (&"contest".into(), &0.into()));
    let stored = ["channel", "storage", "sequence-th", "--updates", "5", "--tries", "2", "--json"];
    let stored = json(&stored);
    assert_eq!((&stored["published"], &stored["answered_by_tower"]), (&2.into(), &2.into()));
    assert_eq!(stored["constant"], true);
}

#[test]
fn the_table_of_who_can_spend_is_the_committed_one() {
    let committed =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/who.txt")).unwrap();
    let (status, out, _) = sigstack(&["channel", "who"]);
    assert_eq!(status, 0);
    for (line, expected) in out.lines().zip(committed.lines()) {
        assert_eq!(line, expected, "if that is meant: cargo run -- channel who > docs/who.txt");
    }
    assert_eq!(out, committed);
}

#[test]
fn who_can_spend_one_construction_is_json_too() {
    let (_, text, _) = sigstack(&["channel", "who", "sequence-ctv"]);
    assert!(text.contains("\nA's version: the capacity (default-ctv.policy)\n"), "{text}");
    assert!(!text.contains("sequence-th\n"), "{text}");
    let (_, json, _) = sigstack(&["channel", "who", "sequence-ctv", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let rows: Vec<_> = json
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["path"] == "tower" && row["state"] == "old")
        .collect();
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0]["who"], &rows[0]["pays"]), (&"B, tower".into(), &"all to B".into()));
    assert!(json.as_array().unwrap().iter().all(|row| row["construction"] == "sequence-ctv"));
    let (status, _, error) = sigstack(&["channel", "who", "nothing"]);
    assert_eq!((status, error.contains("unknown name \"nothing\"")), (2, true), "{error}");
}
