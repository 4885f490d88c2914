//! Verifies that each test that is left out prints a line, and that no test leaves itself out silently.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sigstack_test_support::{Tool, VARIABLE, shared, tool};

/// Environment variable that must be set for [`a_test_of_everything`] to look for all programs and the shared folder.
/// Without it, that test does nothing.
const ASKED: &str = "SIGSTACK_ASKED";

/// Test that needs all programs and the shared folder. The other tests in this file run this test in a separate
/// process, in the way that cargo runs tests.
#[test]
fn a_test_of_everything() {
    if std::env::var_os(ASKED).is_some() {
        for needed in Tool::ALL {
            tool(needed);
        }
        shared("vectors/a-file-that-nobody-has");
    }
}

fn run(variable: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_test_of_everything"])
        .env(ASKED, "1")
        .env(VARIABLE, variable)
        .env("PATH", "/nowhere")
        .output()
        .unwrap()
}

#[test]
fn a_missing_tool_fails_the_test_and_says_how_to_go_on() {
    for (variable, missing) in [("", "tmux"), ("tmux", "chromium"), ("tmux,chromium", "python")] {
        let output = run(variable);
        assert_eq!(output.status.code(), Some(101), "{variable}");
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(out.contains(&format!("this test needs {missing}, ")), "{variable}: {out}");
        assert!(out.contains(&format!("set SIGSTACK_WITHOUT={missing} to leave out")), "{variable}: {out}");
    }
}

/// A test that leaves itself out passes, so the harness shows none of its output. The lines about left out tests are
/// printed nevertheless.
#[test]
fn tests_that_are_left_out_are_seen() {
    let output = run("tmux,chromium,python");
    assert_eq!(output.status.code(), Some(0));
    let error = String::from_utf8(output.stderr).unwrap();
    let place = |line: u32| format!("left out: a_test_of_everything ({}:{line}): ", file!());
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 4, "{error}");
    for (line, why) in lines.iter().zip(["tmux", "chromium", "python"]) {
        assert!(line.starts_with("left out: a_test_of_everything ("), "{line}");
        assert!(line.ends_with(&format!("SIGSTACK_WITHOUT names {why}")), "{line}");
    }
    let shared_line = u32::try_from(
        include_str!("left_out.rs").lines().position(|line| line.contains("a-file-that-nobody-has")).unwrap(),
    );
    let missing = "there is no ../shared/vectors/a-file-that-nobody-has beside this clone";
    assert_eq!(lines[3], format!("{}{missing}", place(shared_line.unwrap() + 1)));
}

/// Collects the Rust files of the project in a folder and its subfolders.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

/// Files that mention the shared folder but contain no tests, so they may search for it themselves.
const NO_TESTS: &[&str] = &["fuzz/src/seeds.rs"];

/// Tests find programs and the shared folder only through this crate. A test that searched for them itself could leave
/// itself out silently.
#[test]
fn no_other_file_looks_for_tools_or_for_the_shared_folder() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut count = 0;
    for path in files {
        let name = path.strip_prefix(&root).unwrap();
        if name.starts_with("tools/test-support") || NO_TESTS.iter().any(|file| name == Path::new(file)) {
            continue;
        }
        count += 1;
        let text = fs::read_to_string(&path).unwrap();
        for word in ["/../shared", "\"../shared/vectors", "new(\"tmux\"", "new(\"python", "new(\"chrom"] {
            assert!(!text.contains(word), "{} has {word}: use sigstack-test-support", name.display());
        }
    }
    assert!(count > 200, "{count} files");
}
