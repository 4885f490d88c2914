//! Tests invalid input for every command. The exit status is 2, one error names the position and the remedy, and
//! nothing panics. Standard output is empty or, with `--json`, has one object.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod rows;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use rows::*;

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wrong-inputs");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("bytes.bin"), [0x51, 0xff]).unwrap();
    fs::write(folder.join("good.json"), r#"[["1", "", "", "OK"]]"#).unwrap();
    folder
}

#[test]
fn every_wrong_input_names_the_place_and_the_remedy() {
    let folder = folder();
    let tx: String = TX.split_whitespace().collect();
    let rows = || USAGE.iter().chain(NUMBERS).chain(CONTENT);
    let mut wrong = Vec::new();
    for (args, first, hint) in rows() {
        let filled = |text: &str| text.replace("KEY", KEY).replace("TX", &tx);
        let args: Vec<String> = args.iter().map(|word| filled(word)).collect();
        let first = &filled(first);
        let takes_json = !matches!(args[0].as_str(), "completions" | "debug" | "man");
        // These options cannot be combined with --json.
        let takes_json = takes_json && !args.iter().any(|word| word == "--format" || word == "--html");
        let has_json = args.iter().any(|word| word.starts_with("--json"));
        for add_json in [false, true] {
            if add_json && (!takes_json || has_json) {
                continue;
            }
            let as_json = add_json || has_json;
            let mut command = Command::new(env!("CARGO_BIN_EXE_sigstack"));
            command.args(&args).args(add_json.then_some("--json"));
            let output = command.current_dir(&folder).output().unwrap();
            let (out, err) =
                (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
            // `sigstack vectors` lists unreadable files before the final error.
            let error = err.split("error: ").last().unwrap_or_default();
            let mut lines = error.lines();
            let line = lines.next().unwrap_or_default();
            let hinted = lines.next().unwrap_or_default().strip_prefix("hint: ").unwrap_or_default();
            let is_first = line == *first || first.ends_with(": ") && line.starts_with(first);
            let mut good = output.status.code() == Some(2)
                && is_first
                && hinted.starts_with(hint)
                && !err.contains("panicked");
            if as_json {
                let object = out.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok());
                let error = object.as_ref().map(|object| &object["error"]).unwrap_or(&Value::Null);
                let place = error["where"].as_str().map(|place| format!("{place}: ")).unwrap_or_default();
                good &= format!("{place}{}", error["problem"].as_str().unwrap_or_default()) == line;
                good &= error["hint"].as_str().unwrap_or_default() == hinted;
            } else {
                good &= out.is_empty() || args[0] == "vectors";
            }
            if !good {
                wrong.push(format!("{args:?}, JSON {as_json}: {:?}\n{out}{err}", output.status.code()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows().count(), wrong.join("\n"));
    assert!(rows().count() >= 60, "{}", rows().count());
}

/// Commands with arguments that make them fast. Each option is listed with its value.
const QUICK: &[(&[&str], &[&str])] = &[
    (&["channel", "play"], &["sequence-ctv"]),
    (&["channel", "show"], &["sequence-ctv"]),
    (&["channel", "storage"], &["sequence-th", "--updates=5", "--tries=1"]),
    (&["channel", "nested"], &[]),
    (&["channel", "rules"], &["--updates=3"]),
    (&["compare"], &["--bip442"]),
    (&["breach"], &["--games=1"]),
    (&["vectors"], &["good.json"]),
    (&["verify"], &["--script=1"]),
    (&["trace"], &["--script=1"]),
];

/// Placeholders that the help texts use for numeric values.
const NUMERIC: [&str; 5] = ["<N>", "<SAT>", "<BLOCKS>", "<RATE>", "<SHARE>"];

/// Tests every numeric option of every command, found in the help texts, with numbers at and beyond the limits of all
/// integer types.
#[test]
fn no_number_makes_a_command_panic_or_run_for_long() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("numbers");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("good.json"), r#"[["1", "", "", "OK"]]"#).unwrap();
    let run = |args: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_sigstack")).args(args).current_dir(&folder).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), err)
    };
    let mut options = 0;
    for (command, arguments) in QUICK {
        let help = run(&[command, &["--help"][..]].concat()).1;
        let lines = help.lines().map(str::trim).filter(|line| line.starts_with("--"));
        let numeric = lines.filter(|line| NUMERIC.iter().any(|name| line.split(' ').nth(1) == Some(*name)));
        for line in numeric {
            let option = line.split(' ').next().unwrap();
            options += 1;
            let others: Vec<&str> =
                arguments.iter().copied().filter(|other| !other.starts_with(&format!("{option}="))).collect();
            for value in
                ["0", "1", "18446744073709551615", "18446744073709551616", "-1", "1e400", "NaN", "x", ""]
            {
                let given = format!("{option}={value}");
                let (status, _, err) = run(&[command, &others[..], &[given.as_str()]].concat());
                assert!(
                    matches!(status, Some(0..=2)) && !err.contains("panicked"),
                    "{command:?} {given}: {err}"
                );
                if !matches!(value, "0" | "1" | "18446744073709551615") {
                    assert_eq!(status, Some(2), "{command:?} {given}: {err}");
                    assert!(err.starts_with(&format!("error: {option}: ")), "{command:?} {given}: {err}");
                }
            }
        }
    }
    assert!(options >= 25, "{options}");
}
