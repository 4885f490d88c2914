//! Runs every command that the documents show with output, and checks that it prints this output.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::output::{output, project};

/// Returns the commands in the console blocks of a document, each with the output lines shown below it.
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
    let commands = commands(&fs::read_to_string(project().join(document)).unwrap());
    assert!(commands.len() >= least, "{document} has {} commands", commands.len());
    for (command, shown) in commands {
        // Pages that a document writes to `target/` are written to the folder of the tests.
        let run = command.replace("target/", concat!(env!("CARGO_TARGET_TMPDIR"), "/"));
        let printed = output(&run, project());
        assert!(matches!(printed.status, 0 | 1), "{command}: {}", printed.stderr);
        let out = &printed.stdout;
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
    run("docs/tutorial.md", 8);
}

#[test]
fn the_commands_of_the_comparison_do_what_it_says() {
    run("docs/comparison-of-tools.md", 16);
}

#[test]
fn the_commands_about_channels_do_what_they_say() {
    run("docs/channels.md", 9);
}

#[test]
fn the_commands_of_the_readme_do_what_it_says() {
    run("README.md", 2);
}

/// The chart that the README shows is the one that `sigstack compare --plots` draws.
#[test]
fn the_picture_is_that_of_the_command() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("picture");
    let status = Command::new(env!("CARGO_BIN_EXE_sigstack"))
        .args(["compare", "--plots"])
        .arg(&folder)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let root = project();
    let name = "tower-over-n.svg";
    let (made, shown) =
        (fs::read(folder.join(name)).unwrap(), fs::read(root.join("docs/pictures").join(name)).unwrap());
    assert!(made == shown, "docs/pictures/{name} is not what `sigstack compare --plots docs/pictures` makes");
}

/// Commands in the documents that neither a test nor `.ci/run` runs, each with the reason.
const NOT_RUN: &[(&str, &str)] = &[
    ("cargo bench", "benchmarks take from minutes to hours"),
    ("cargo install", "installs"),
    ("cargo run --release -p sigstack-vectors --example differential", "a test runs fewer mutants"),
    (
        "cargo run --release -p sigstack-channel --features mutations",
        "takes minutes; a test with the feature runs the same",
    ),
    ("cargo run -p sigstack-generator", "changes files; a test asks whether it would"),
    ("cargo run -- channel who", "changes a file; a test asks whether it would"),
    ("cargo run --release --", "is the command, which tests and steps run as the tests have built it"),
];

/// Returns the code in a line of a document: the text between backticks, or the whole line inside a block.
fn code(line: &str) -> Vec<&str> {
    match line.strip_prefix("    ") {
        Some(block) if !block.contains('`') => vec![block],
        _ => line.split('`').skip(1).step_by(2).collect(),
    }
}

/// Returns the blocks of shell commands in a document that are shown without output.
fn shell_blocks(text: &str) -> Vec<&str> {
    text.split("\n```sh\n").skip(1).map(|block| block.split("\n```").next().unwrap()).collect()
}

/// In the documents, every command of another program is a step of `.ci/run`. Every `sigstack` command is in a block
/// that is run.
#[test]
fn every_command_that_is_shown_is_run_somewhere() {
    let root = project();
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    // `.ci/run` runs the second block of the README unchanged.
    let steps = fs::read_to_string(root.join(".ci/run")).unwrap() + shell_blocks(&readme)[1];
    let steps = steps.replace(" --locked", "");
    let mut documents: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "test-vectors/README.md"].map(|name| root.join(name)).into();
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    documents.extend(docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    let mut checked = 0;
    for document in documents {
        for line in fs::read_to_string(&document).unwrap().lines() {
            for shown in code(line) {
                let command = shown.split(" #").next().unwrap().trim();
                if command.starts_with("cargo ") || command.starts_with("python3 ") {
                    let excused = NOT_RUN.iter().any(|(start, _)| command.starts_with(start));
                    // The path may be relative to the document's folder or to the project's folder.
                    let step = command.replace("python3 reference/", "python3 test-vectors/reference/");
                    assert!(
                        excused || steps.contains(&step),
                        "{}: nothing runs `{command}`",
                        document.display()
                    );
                    checked += 1;
                }
                let in_block = line.starts_with("    ") && command.starts_with("sigstack ");
                assert!(!in_block, "{}: `{command}` belongs into a console block", document.display());
            }
        }
    }
    assert!(checked >= 5, "{checked} commands");
}

/// Every row of the comparison table has a section with the same number, and the section has a command.
#[test]
fn every_row_of_the_comparison_has_its_command() {
    let root = project();
    let details = fs::read_to_string(root.join("docs/comparison-of-tools.md")).unwrap();
    let table = details.lines().skip_while(|line| !line.starts_with("| 1."));
    let rows = table.take_while(|line| line.starts_with('|'));
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

/// The figures in the README's table of opcodes equal those in benches/results/worst-blocks.json.
#[test]
fn the_costs_of_the_readme_are_those_of_the_recorded_run() {
    let root = project();
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let file = "benches/results/worst-blocks.json";
    let (_, table) = readme.split_once(&format!("<!-- blocks: {file} -->\n")).unwrap();
    let run: serde_json::Value = serde_json::from_str(&fs::read_to_string(root.join(file)).unwrap()).unwrap();
    let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 10);
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let subject = cells[0].trim_end_matches(" alone");
        let block = run["blocks"].as_array().unwrap().iter().find(|block| block["subject"] == subject);
        let block = block.unwrap_or_else(|| panic!("{subject} was not measured"));
        let figures =
            [&block["seconds"]["median"], &block["to_schnorr"]["median"], &block["to_tapscript_today"]];
        let figures = figures.map(|figure| format!("{:.2}", figure.as_f64().unwrap()));
        assert_eq!(cells[1..], figures, "{subject}");
    }
}

/// The code example of the README equals that of the interpreter's README, which is run as a documentation test.
#[test]
fn the_code_of_the_readme_is_tested() {
    let root = project();
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    let (readme, tested) = (read("README.md"), read("interpreter/README.md"));
    let (_, code) = readme.split_once("```rust\n").unwrap();
    let (code, _) = code.split_once("```").unwrap();
    assert!(code.lines().count() >= 10 && tested.contains(code), "{code}");
}

/// The README begins with two blocks of commands. `.ci/run` runs the second block unchanged.
#[test]
fn the_readme_begins_with_a_command_to_install_and_one_to_test() {
    let root = project();
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    let readme = read("README.md");
    let blocks = shell_blocks(&readme);
    assert_eq!(blocks.len(), 2);
    assert!(blocks.iter().all(|block| block.lines().count() == 1), "{blocks:?}");
    let installs = ["git clone ", "cargo install --path cli --locked", "sigstack vectors"];
    assert!(installs.iter().all(|part| blocks[0].contains(part)), "{}", blocks[0]);
    assert_eq!(blocks[1], "cargo test --workspace --locked");
    let (_, extracted) =
        read(".ci/run").split_once("README.md").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert!(extracted.contains("$readme_tests"), "the script runs the line that it reads from the README");
    let before = readme.find(blocks[1]).unwrap();
    assert!(readme[..before].lines().count() < 30, "the commands are near the top");
    assert!(readme.lines().count() <= 150, "{} lines", readme.lines().count());
}
