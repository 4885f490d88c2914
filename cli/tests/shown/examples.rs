//! Runs every example of every help text in an empty folder, as a user who has only the installed command.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::output::{empty_folder, output};

/// Returns the names of subcommands that a help text lists under `Commands:`.
fn subcommands(help: &str) -> Vec<String> {
    let lines =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // Continuation lines of descriptions are indented further.
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .filter(|name| name != "help")
        .collect()
}

/// Returns the examples of a help text. Each begins with `  sigstack `, and lines that are indented further continue
/// it.
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

/// Returns every example of every help text. Each is preceded by the subcommand to which the help text belongs, such as
/// ` channel play`.
fn all_examples() -> Vec<(String, String)> {
    let mut open = vec![String::new()];
    let mut found = Vec::new();
    while let Some(command) = open.pop() {
        let help = output(&format!("sigstack{command} --help"), empty_folder());
        assert_eq!(help.status, 0, "{command}: {}", help.stderr);
        open.extend(subcommands(&help.stdout).iter().map(|sub| format!("{command} {sub}")));
        found.extend(examples(&help.stdout).into_iter().map(|example| (command.clone(), example)));
    }
    found
}

fn check(command: &str, example: &str) {
    let out = output(example, empty_folder());
    if command == " debug" {
        // The test in `terminal.rs` runs this command in a terminal.
        assert!(out.status == 2 && out.stderr.contains("debug needs a terminal"), "{example}: {out:?}");
        return;
    }
    // An example with "invalid" in its text has the exit status 1.
    let expected = i32::from(example.contains("invalid"));
    assert_eq!(out.status, expected, "{example}: {out:?}");
    assert!(!(out.stdout.is_empty() && out.stderr.is_empty()), "{example}");
}

/// Every example of every help text runs successfully in an empty folder. The examples run in parallel, because they
/// take much longer than the other tests of this program.
#[test]
fn every_example_of_every_help_runs_in_an_empty_folder() {
    let examples = all_examples();
    assert!(examples.len() >= 35, "{}", examples.len());
    let next = AtomicUsize::new(0);
    let run = || {
        while let Some((command, example)) = examples.get(next.fetch_add(1, Ordering::Relaxed)) {
            check(command, example);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(run);
        }
    });
}
