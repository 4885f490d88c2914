//! Runs every command of the docs about debugging, and finds the output that they show.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// The commands of a document with the lines shown under them.
fn commands(text: &str) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            commands.push((command.to_owned(), Vec::new()));
        } else if inside {
            commands.last_mut().unwrap().1.push(line.to_owned());
        }
    }
    commands
}

fn run(document: &str, least: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = Path::new(env!("CARGO_BIN_EXE_sigstack")).parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let commands = commands(&fs::read_to_string(root.join("docs").join(document)).unwrap());
    assert!(commands.len() >= least, "{document} has {} commands", commands.len());
    for (command, shown) in commands {
        // Pages that the docs write belong among the test's files.
        let run = command.replace("target/", concat!(env!("CARGO_TARGET_TMPDIR"), "/"));
        let output = Command::new("sh")
            .args(["-c", &run])
            .env("PATH", format!("{}:{path}", folder.display()))
            .current_dir(root)
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{command}: {error}");
        let out = String::from_utf8(output.stdout).unwrap();
        let mut lines = out.lines();
        let mut may_skip = false;
        for expected in shown {
            let found = match (expected.as_str(), may_skip) {
                ("...", _) => {
                    may_skip = true;
                    continue;
                }
                (expected, true) => lines.any(|line| line == expected),
                (expected, false) => lines.next() == Some(expected),
            };
            assert!(found, "{command} does not write {expected:?}:\n{out}");
            may_skip = false;
        }
    }
}

#[test]
fn the_commands_of_the_tutorial_do_what_it_says() {
    run("tutorial.md", 8);
}

#[test]
fn the_commands_of_the_comparison_do_what_it_says() {
    run("comparison-of-tools.md", 16);
}

/// Every row of the README's table has its section, under the same number, with a command in it.
#[test]
fn every_row_of_the_readme_has_its_command() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let (_, table) = readme.split_once("## Other script debuggers").unwrap();
    let rows =
        table.lines().skip_while(|line| !line.starts_with("| 1.")).take_while(|line| line.starts_with('|'));
    let details = fs::read_to_string(root.join("docs/comparison-of-tools.md")).unwrap();
    let sections: Vec<&str> = details.split("\n## ").skip(1).collect();
    let mut count = 0;
    for (row, section) in rows.zip(&sections) {
        count += 1;
        assert!(
            row.starts_with(&format!("| {count}. ")) && section.starts_with(&format!("{count}. ")),
            "{row}"
        );
        assert!(!commands(section).is_empty(), "{row}");
        assert_eq!(row.matches('|').count(), 6, "{row}");
    }
    assert_eq!((count, sections.len()), (14, 14));
}
