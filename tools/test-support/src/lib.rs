//! Access to programs and files that some tests need and that a clone of the project does not contain.
//!
//! A test that needs a program fails if the program is not installed. The environment variable `SIGSTACK_WITHOUT` names programs
//! whose tests are left out: `SIGSTACK_WITHOUT=tmux,chromium,python cargo test --workspace`. The folder `../shared` next to the
//! clone is not part of the project. Tests that read it are left out if the folder is missing, or if the variable names `shared`.
//!
//! Every test that is left out writes a line that begins with `left out: ` to standard error. The line bypasses the test harness,
//! which would show only the output of failed tests.

use std::env;
use std::io::Write;
use std::panic::Location;
use std::path::{Path, PathBuf};

/// Name of the environment variable that lists programs and folders, separated by commas. Tests that need one of them
/// are left out.
pub const VARIABLE: &str = "SIGSTACK_WITHOUT";

/// Word in [`VARIABLE`] that stands for the folder `../shared`.
const SHARED: &str = "shared";

/// A program that some tests need and that may not be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// tmux, a terminal multiplexer. Tests send keys to it and read its screen.
    Tmux,
    /// Chromium or a similar browser, in which tests open HTML pages.
    Chromium,
    /// Python, which runs the reference implementation and the scripts that control the browser.
    Python,
}

impl Tool {
    /// All programs that some tests need.
    pub const ALL: [Tool; 3] = [Tool::Tmux, Tool::Chromium, Tool::Python];

    /// Returns the word that stands for this program in [`VARIABLE`].
    pub fn name(self) -> &'static str {
        match self {
            Tool::Tmux => "tmux",
            Tool::Chromium => "chromium",
            Tool::Python => "python",
        }
    }

    /// Returns the names that the executable of this program has on different systems.
    fn programs(self) -> &'static [&'static str] {
        match self {
            Tool::Tmux => &["tmux"],
            Tool::Chromium => &[
                "chromium",
                "chromium-browser",
                "google-chrome",
                "chrome-headless-shell",
                "chromium-headless-shell",
            ],
            Tool::Python => &["python3"],
        }
    }
}

/// Decision whether a test runs that needs a program or a folder.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    Run(PathBuf),
    LeaveOut(String),
    Fail(String),
}

/// Splits the value of the environment variable [`VARIABLE`] into words.
///
/// # Errors
///
/// An error message if a word names neither a program nor `shared`.
fn words(variable: &str) -> Result<Vec<&str>, String> {
    let words: Vec<&str> = variable.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    let known: Vec<&str> = Tool::ALL.map(Tool::name).into_iter().chain([SHARED]).collect();
    match words.iter().find(|word| !known.contains(word)) {
        None => Ok(words),
        Some(word) => Err(format!("{VARIABLE} names `{word}`; it can name {}", known.join(", "))),
    }
}

/// Decides whether a test runs that needs a program. `installed` is the path of the program if it is installed, and
/// `variable` is the value of [`VARIABLE`].
fn decide_tool(tool: Tool, installed: Option<PathBuf>, variable: &str) -> Decision {
    let name = tool.name();
    match (words(variable), installed) {
        (Err(problem), _) => Decision::Fail(problem),
        (Ok(words), _) if words.contains(&name) => Decision::LeaveOut(format!("{VARIABLE} names {name}")),
        (Ok(_), Some(path)) => Decision::Run(path),
        (Ok(_), None) => Decision::Fail(format!(
            "this test needs {name}, and none of these programs is installed: {}. Install one, or set {VARIABLE}={name} to \
             leave out the tests that need it",
            tool.programs().join(", ")
        )),
    }
}

/// Decides whether a test runs that reads `path` in the folder `../shared`. `variable` is the value of [`VARIABLE`].
fn decide_shared(path: PathBuf, name: &str, variable: &str) -> Decision {
    match words(variable) {
        Err(problem) => Decision::Fail(problem),
        Ok(words) if words.contains(&SHARED) => {
            Decision::LeaveOut(format!("{VARIABLE} names {SHARED}, so ../shared/{name} is not read"))
        }
        Ok(_) if path.exists() => Decision::Run(path),
        Ok(_) => Decision::LeaveOut(format!("there is no ../shared/{name} beside this clone")),
    }
}

/// Carries out the decision about a test: returns the path, reports that the test is left out, or panics.
fn carry_out(decision: Decision, caller: &Location<'_>) -> Option<PathBuf> {
    match decision {
        Decision::Run(path) => Some(path),
        Decision::LeaveOut(why) => {
            let thread = std::thread::current();
            let test = thread.name().unwrap_or("a thread");
            let line = format!("left out: {test} ({}:{}): {why}\n", caller.file(), caller.line());
            // Not `eprintln!`, because the test harness captures its output.
            let _ = std::io::stderr().write_all(line.as_bytes());
            None
        }
        #[expect(clippy::panic, reason = "a test that cannot run fails")]
        Decision::Fail(problem) => panic!("{problem}"),
    }
}

fn variable() -> String {
    env::var_os(VARIABLE).unwrap_or_default().to_string_lossy().into_owned()
}

/// Searches the folders in PATH for a program with one of these names. Returns `None` if there is none.
fn find(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let files = names.iter().flat_map(|name| env::split_paths(&path).map(move |folder| folder.join(name)));
    files.into_iter().find(|file| file.is_file())
}

/// Returns the path of a program that the calling test needs. Returns `None` if the test is left out, which this
/// function reports.
///
/// # Panics
///
/// If the program is not installed and [`VARIABLE`] does not name it, or if the variable contains an unknown word.
#[track_caller]
pub fn tool(tool: Tool) -> Option<PathBuf> {
    carry_out(decide_tool(tool, find(tool.programs()), &variable()), Location::caller())
}

/// Returns the path of a file or folder in `../shared`, a folder next to the clone. Returns `None` if the path does
/// not exist or [`VARIABLE`] names `shared`. This function then reports that the test is left out.
///
/// # Panics
///
/// If [`VARIABLE`] contains an unknown word.
#[track_caller]
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")).join(name);
    carry_out(decide_shared(path, name, &variable()), Location::caller())
}

#[cfg(test)]
mod tests {
    use super::{Decision, Tool, decide_shared, decide_tool};

    #[test]
    fn a_missing_tool_fails_unless_the_variable_names_it() {
        for tool in Tool::ALL {
            let name = tool.name();
            let decide = |installed: bool, variable: &str| {
                decide_tool(tool, installed.then(|| "/bin/it".into()), variable)
            };
            assert_eq!(decide(true, ""), Decision::Run("/bin/it".into()));
            let Decision::Fail(problem) = decide(false, "") else { panic!("{name} is not missed") };
            assert!(problem.contains(&format!("SIGSTACK_WITHOUT={name} ")), "{problem}");
            let others: Vec<&str> =
                Tool::ALL.map(Tool::name).into_iter().filter(|other| *other != name).collect();
            assert!(matches!(decide(false, &others.join(",")), Decision::Fail(_)));
            let left_out = Decision::LeaveOut(format!("SIGSTACK_WITHOUT names {name}"));
            assert_eq!(decide(false, &format!("{}, {name}", others.join(","))), left_out);
            assert_eq!(decide(true, name), left_out);
        }
    }

    #[test]
    fn a_missing_shared_folder_is_left_out() {
        let here = env!("CARGO_MANIFEST_DIR");
        assert_eq!(decide_shared(here.into(), "x", "tmux"), Decision::Run(here.into()));
        let without = Decision::LeaveOut("SIGSTACK_WITHOUT names shared, so ../shared/x is not read".into());
        assert_eq!(decide_shared(here.into(), "x", "shared"), without);
        let missing = Decision::LeaveOut("there is no ../shared/x beside this clone".into());
        assert_eq!(decide_shared("/nowhere".into(), "x", ""), missing);
    }

    #[test]
    fn an_unknown_word_fails() {
        let problem = "SIGSTACK_WITHOUT names `tmuxx`; it can name tmux, chromium, python, shared".to_owned();
        assert_eq!(decide_tool(Tool::Tmux, Some("/bin/it".into()), "tmuxx"), Decision::Fail(problem.clone()));
        assert_eq!(decide_shared("/".into(), "x", "tmuxx"), Decision::Fail(problem));
    }
}
