//! Tests that output which does not go to a terminal fits 80 columns.

use std::fs;
use std::process::Command;

use crate::output::{output, project};

/// Shell script that plays the tested implementation. It answers one case and abstains from all others.
const ABSTAINS: &str = r#"while read -r case; do
case $case in *'"id":"csfs/valid"'*) echo OK ;; *) echo '? the flag CHECKSIGFROMSTACK is unknown, and so are several others' ;; esac; done"#;

/// Commands that print a table or a layout, with parameters that make them fast.
const TABLES: &[&[&str]] = &[
    &["vectors", "test-vectors/bips/bip-0349"],
    &["conform", "--filter", "csfs/", "--jobs", "1", "--", "sh", "-c", ABSTAINS],
    &["compare", "--updates", "1"],
    &["compare", "--bip442"],
    &["attacks"],
    &["breach", "--games", "1"],
    &["channel", "list"],
    &["channel", "options"],
    &["channel", "nested", "--parties", "2"],
    &["channel", "rules", "--updates", "3"],
    &["channel", "who"],
    &["channel", "storage", "sequence-ctv", "--updates", "5", "--tries", "1"],
    &["channel", "play", "sequence-ctv", "--state", "1"],
    &["compile", "script-compiler/policies/default-ctv.policy"],
    &[
        "plan",
        "script-compiler/policies/default-ctv.policy",
        "--have",
        "signed:K_A:2000000001",
        "--have",
        "pk:B_pen",
    ],
];

/// Commands that print no tables. Their output is hex and assembly, sentences, or text for other programs.
const OTHERS: &[&str] =
    &["verify", "trace", "debug", "asm", "disasm", "decode", "completions", "man", "help"];

fn run(args: &[&str]) -> String {
    // The arguments are quoted as in the documents, so that the command is run only once.
    let quoted = args.iter().map(|arg| match arg.contains(|c: char| c.is_whitespace() || c == '\'') {
        true => format!("'{}'", arg.replace('\'', "'\\''")),
        false => (*arg).to_owned(),
    });
    let command = format!("sigstack {}", quoted.collect::<Vec<_>>().join(" "));
    let printed = output(&command, project());
    assert_eq!(printed.status, 0, "{args:?}: {}", printed.stderr);
    printed.stdout.clone()
}

/// Returns `true` if a line exceeds the width. Lines that contain a word of 64 or more characters are excepted,
/// because scripts and keys are never broken.
fn is_too_wide(line: &str, width: usize) -> bool {
    line.chars().count() > width && line.split(' ').all(|word| word.chars().count() < 64)
}

#[test]
fn no_table_is_wider_than_80_columns() {
    for args in TABLES {
        let text = run(args);
        assert!(text.lines().count() > 1, "{args:?}");
        for line in text.lines() {
            assert!(!is_too_wide(line, 80), "{args:?}: {}: {line}", line.chars().count());
        }
    }
}

/// Tables fit the minimum width that the option `--width` accepts.
#[test]
fn the_least_width_is_wide_enough() {
    // Slow commands are left out, and those that also print sentences or addresses, which are not broken.
    const LEFT_OUT: [&str; 7] = ["breach", "attacks", "rules", "storage", "play", "compile", "plan"];
    for args in TABLES.iter().filter(|args| !args.iter().any(|word| LEFT_OUT.contains(word))) {
        for line in run(&[&args[..1], &["--width", "60"], &args[1..]].concat()).lines() {
            assert!(!is_too_wide(line, 60), "{args:?}: {}: {line}", line.chars().count());
        }
    }
}

/// Every subcommand is in [`TABLES`] or in [`OTHERS`], so that the width of a new command's output is not forgotten.
#[test]
fn every_command_is_looked_at() {
    let help = run(&["--help"]);
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let mut count = 0;
    for line in commands.lines().take_while(|line| !line.is_empty()) {
        let Some(name) = line.strip_prefix("  ").and_then(|line| line.split(' ').next()) else { continue };
        if name.is_empty() {
            continue;
        }
        count += 1;
        let known = OTHERS.contains(&name) || TABLES.iter().any(|args| args[0] == name);
        assert!(known, "{name}: is its output at most 80 columns wide?");
    }
    assert!(count >= 15, "{help}");
}

/// The option `--width` takes effect, and a table in several blocks states the width that shows it in one piece.
#[test]
fn the_width_can_be_set() {
    let narrow = run(&["compare", "--updates", "1"]);
    let note = narrow.lines().find(|line| line.contains("--width")).unwrap();
    let width = note.split("--width ").nth(1).unwrap().split(' ').next().unwrap();
    let wide = run(&["compare", "--updates", "1", "--width", width]);
    let root = project();
    let kinds =
        fs::read_to_string(root.join("channel/src/model/kind.rs")).unwrap().matches("    (\"").count();
    assert_eq!(wide.lines().count(), kinds + 1, "{wide}");
    assert_eq!(wide.lines().map(|line| line.chars().count()).max().unwrap().to_string(), width);
    let output =
        Command::new(env!("CARGO_BIN_EXE_sigstack")).args(["compare", "--width", "59"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&output.stderr)
            .contains("59 is less than 60: some tables have columns that need as much")
    );
}
