//! Runs shell commands with `sigstack` in the PATH. Each command runs only once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

/// Exit status and output of a shell command.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Commands that read no files, so that their output does not depend on the working folder.
const WITHOUT_FILES: [&str; 4] = ["attacks", "breach", "channel", "compare"];

type Runs = BTreeMap<(String, PathBuf), Arc<OnceLock<Arc<Printed>>>>;

static RUNS: Mutex<Runs> = Mutex::new(BTreeMap::new());

/// Runs a shell command in a folder, or returns the result of an earlier run. A comment after the command is ignored.
pub(crate) fn output(command: &str, folder: &Path) -> Arc<Printed> {
    let command = command.split("  # ").next().unwrap().trim();
    let without_files = command
        .strip_prefix("sigstack ")
        .and_then(|rest| rest.split_whitespace().next())
        .is_some_and(|name| WITHOUT_FILES.contains(&name));
    let folder = if without_files { empty_folder() } else { folder };
    let run = Arc::clone(RUNS.lock().unwrap().entry((command.to_owned(), folder.to_owned())).or_default());
    // If two tests need the same command, the second one waits for the first.
    Arc::clone(run.get_or_init(|| Arc::new(execute(command, folder))))
}

fn execute(command: &str, folder: &Path) -> Printed {
    let binary = Path::new(env!("CARGO_BIN_EXE_sigstack")).parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).env("PATH", format!("{}:{path}", binary.display())).current_dir(folder);
    let output = shell.output().unwrap();
    Printed {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Returns a folder that is empty at first, so that commands run as for a user who has only the installed command.
pub(crate) fn empty_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("empty");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    })
}

/// Returns the root folder of the project's source.
pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
