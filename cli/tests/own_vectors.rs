//! Tests of the project's vectors that are built into the command, and of vector files that are only partly readable.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Exit status, standard output and standard error of a `sigstack` command.
struct Ran {
    status: i32,
    out: String,
    err: String,
}

fn sigstack(args: &[&str], folder: &Path) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigstack"));
    let output = command.args(args).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { status: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// Creates a folder outside the project's source with one file in it.
fn folder(test: &str, name: &str, text: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("sigstack-own-vectors-{test}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), text).unwrap();
    folder
}

fn own_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_string_lossy().into_owned();
        if path.is_dir() {
            own_files(&path, files);
        } else if name.ends_with(".json") || name.ends_with(".jsonl") {
            files.push(path);
        }
    }
}

/// The vector files built into the command are exactly those in the folder `test-vectors` of the source tree.
#[test]
fn the_vectors_that_are_built_in_are_those_of_the_source() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors");
    let mut files = Vec::new();
    for entry in fs::read_dir(&root).unwrap() {
        let path = entry.unwrap().path();
        // The folder of the reference has no vector files.
        if path.is_dir() && !path.ends_with("reference") {
            own_files(&path, &mut files);
        }
    }
    // The rules of the BIP draft refer to cases but do not contain any.
    files.retain(|path| !path.ends_with("draft/rules.json"));
    files.sort();
    assert!(files.len() >= 50, "{}", files.len());
    let read = |bytes: &[u8]| {
        let file = sigstack_vectors::read_bytes("file", bytes, sigstack_vectors::ReadOptions::default());
        file.map(|file| file.entries.len()).map_err(|error| error.to_string())
    };
    let built_in: Vec<_> =
        sigstack_vectors::EMBEDDED.iter().map(|file| (root.join(file.name), read(file.bytes))).collect();
    let in_source: Vec<_> = files.iter().map(|path| (path.clone(), read(&fs::read(path).unwrap()))).collect();
    assert_eq!(built_in, in_source);
    assert!(built_in.iter().all(|(_, cases)| cases.is_ok()), "{built_in:?}");
}

#[test]
fn outside_the_source_the_vectors_that_are_built_in_run() {
    let folder = folder("run", "other.txt", "");
    let ran = sigstack(&["vectors", "--filter", "csfs/valid", "--width", "200"], &folder);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(ran.out.starts_with("the project's vectors that are built into this command\n\n"), "{}", ran.out);
    assert!(ran.out.contains("built-in proposals/csfs.jsonl"), "{}", ran.out);
    let json = sigstack(&["vectors", "--filter", "csfs/valid", "--json"], &folder);
    let summary: Value = serde_json::from_str(json.out.lines().last().unwrap()).unwrap();
    assert_eq!(summary["summary"]["set"], "the project's vectors that are built into this command");
    let verified = sigstack(&["verify", "--case", "csfs/valid"], &folder);
    assert_eq!(verified.status, 0, "{}", verified.err);
    assert!(verified.out.starts_with("built-in proposals/csfs.jsonl case "), "{}", verified.out);
    // A path on the command line replaces the built-in vectors.
    let named = sigstack(&["vectors", "other.txt"], &folder);
    assert_eq!(named.status, 2);
    assert!(!named.out.contains("built"), "{}", named.out);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_unknown_case_suggests_the_nearest() {
    let line = r#"{"id":"a/first","comment":"c","tx":"TX","index":0,"prevouts":["00000000000000000151"],"flags":"NONE","expect":"OK"}"#;
    let tx = format!("0100000001{}01{}", "0".repeat(82), "0".repeat(26));
    let folder = folder("nearest", "cases.jsonl", &line.replace("TX", &tx));
    let own = "the project's vectors that are built into this command";
    for (case, problem, hint) in [
        (
            "csfs/valdi",
            format!("--case: no case has the id \"csfs/valdi\" in {own}"),
            "did you mean csfs/valid?",
        ),
        (
            "cases.jsonl#a/frist",
            "cases.jsonl: no case has the id \"a/frist\"".into(),
            "did you mean a/first?",
        ),
        (
            "@@@@",
            format!("--case: no case has the id \"@@@@\" in {own}"),
            "a case is FILE#N with N counted from 1, FILE#ID, or the id of one of the project's own",
        ),
    ] {
        let ran = sigstack(&["verify", "--case", case], &folder);
        let expected = format!("error: {problem}\nhint: {hint}\n");
        assert_eq!((ran.status, ran.out.as_str(), ran.err), (2, "", expected), "{case}");
    }
    assert_eq!(sigstack(&["verify", "--case", "cases.jsonl#a/first"], &folder).status, 0);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_file_that_is_only_partly_read_says_which_cases_and_why() {
    let bad: Vec<String> = (0..12).map(|nth| format!(r#"["FOO{nth}", "", "", "OK"]"#)).collect();
    let rows = format!(r#"[["1", "", "WITNESS", "OK"], {}, ["1", "", "", "OK"], ]"#, bad.join(", "));
    let folder = folder("partly", "rows.json", &rows);
    let ran = sigstack(&["vectors", "rows.json", "--width", "200"], &folder);
    assert_eq!(ran.status, 2, "the run is not complete");
    let errors: Vec<&str> = ran.err.lines().collect();
    assert_eq!(errors.len(), 11, "{}", ran.err);
    assert_eq!(errors[0], "error: rows.json: case 2: scriptSig: no opcode is named \"FOO0\"");
    assert_eq!(errors[10], "error: rows.json: 2 more cases could not be read; --json lists all");
    assert!(ran.out.contains("  12 not read\n"), "{}", ran.out);
    for line in [
        "note: rows.json: ignored 1 trailing comma, which JSON does not allow\n",
        "note: rows.json: 1 case: P2SH was added to flags that need it\n",
        "2 cases of 1 file ran: 2 passed, 0 failed; 0 skipped, 0 files and 12 cases could not be read\n",
    ] {
        assert!(ran.out.contains(line), "{line}{}", ran.out);
    }
    let json = sigstack(&["vectors", "rows.json", "--json"], &folder);
    assert_eq!(json.status, 2);
    let summary: Value = serde_json::from_str(json.out.lines().last().unwrap()).unwrap();
    let summary = &summary["summary"];
    assert_eq!((summary["ran"].as_u64(), summary["files"][0]["unread"].as_u64()), (Some(2), Some(12)));
    assert_eq!(summary["files"][0]["notes"].as_array().unwrap().len(), 2);
    assert_eq!(
        (summary["errors"].as_array().unwrap().len(), &summary["errors"][11]["case"]),
        (12, &13.into())
    );
    assert_eq!(summary["errors"][11]["field"], "scriptSig");
    // The readable cases are found by their numbers.
    assert_eq!(sigstack(&["verify", "--case", "rows.json#14"], &folder).status, 0);
    fs::remove_dir_all(folder).unwrap();
}
