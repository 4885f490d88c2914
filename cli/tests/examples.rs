//! Runs every example of every help text, from an empty folder: with the installed binary and nothing else.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// The status and both outputs of a shell command in a folder.
fn run(command: &str, folder: &Path) -> (i32, String) {
    let binary = Path::new(env!("CARGO_BIN_EXE_sigstack")).parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).env("PATH", format!("{}:{path}", binary.display())).current_dir(folder);
    let output = shell.output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap(), text)
}

/// The names under `Commands:` of a help text.
fn subcommands(help: &str) -> Vec<String> {
    let lines =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // Continued descriptions are indented further.
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .filter(|name| name != "help")
        .collect()
}

/// The examples of a help text: each begins with `  sigstack `, and lines indented further continue it.
fn examples(help: &str) -> Vec<String> {
    let mut examples: Vec<String> = Vec::new();
    let lines = help.lines().skip_while(|line| !matches!(*line, "Example:" | "Examples:")).skip(1);
    for line in lines.take_while(|line| !line.is_empty()) {
        match line.strip_prefix("    ") {
            Some(_) => *examples.last_mut().unwrap() += &format!("\n{line}"),
            None => examples.push(line.to_owned()),
        }
    }
    examples
}

#[test]
fn every_example_of_every_help_runs_in_an_empty_folder() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let mut open = vec![String::new()];
    let mut ran = 0;
    while let Some(command) = open.pop() {
        let (status, help) = run(&format!("sigstack{command} --help"), &folder);
        assert_eq!(status, 0, "{command}: {help}");
        open.extend(subcommands(&help).iter().map(|sub| format!("{command} {sub}")));
        for example in examples(&help) {
            let (status, out) = run(&example, &folder);
            ran += 1;
            if command == " debug" {
                // `terminal.rs` has a terminal.
                assert!(status == 2 && out.contains("debug needs a terminal"), "{example}: {out}");
                continue;
            }
            // An example about an invalid input shows why the input is invalid.
            let expected = i32::from(example.contains("invalid"));
            assert_eq!(status, expected, "{example}: {out}");
            assert!(!out.is_empty(), "{example}");
        }
    }
    assert!(ran >= 35, "{ran}");
}
