//! Tests commands that are killed while they write files: each file is either complete or absent.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interrupted").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Starts a `sigstack` command that writes at least 15 files to a folder.
fn start(folder: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigstack"));
    command.args(["breach", "--games", "1", "--folder"]).arg(folder).stdout(Stdio::null());
    command.spawn().unwrap()
}

/// Returns the names and contents of a folder's files, except temporary files.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let named = entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path()));
    let named = named.filter(|(name, _)| !(name.starts_with(".sigstack-") && name.ends_with(".part")));
    named.map(|(name, path)| (name, fs::read(path).unwrap())).collect()
}

#[test]
fn a_killed_command_leaves_whole_files_only() {
    let reference = folder("reference");
    assert!(start(&reference).wait().unwrap().success());
    let whole = files(&reference);
    assert!(whole.len() >= 15, "{:?}", whole.keys());
    // The command is killed at once, or as soon as the folder has this number of entries, including temporary files. If the
    // command ends before it is killed, all files are complete.
    for entries in [0, 1, 2, 5, 10] {
        let folder = folder(&format!("after-{entries}"));
        let mut child = start(&folder);
        while fs::read_dir(&folder).unwrap().count() < entries && child.try_wait().unwrap().is_none() {}
        child.kill().unwrap();
        child.wait().unwrap();
        for (name, bytes) in files(&folder) {
            assert!(whole.get(&name) == Some(&bytes), "{name} is not whole after {entries} entries");
        }
    }
}

/// A command that is ended by SIGINT or SIGTERM leaves no temporary file.
#[cfg(unix)]
#[test]
fn an_interrupted_command_leaves_no_temporary_file() {
    use std::os::unix::process::ExitStatusExt as _;
    let reference = folder("interrupted-reference");
    assert!(start(&reference).wait().unwrap().success());
    let whole = files(&reference);
    for (signal, number) in [("INT", 2), ("TERM", 15)] {
        for entries in [0, 1, 2, 5, 10] {
            let folder = folder(&format!("{signal}-after-{entries}"));
            let mut child = start(&folder);
            while fs::read_dir(&folder).unwrap().count() < entries && child.try_wait().unwrap().is_none() {}
            // An ended process still exists until its parent waits for it, so `kill` finds it.
            let kill = format!("kill -{signal} {}", child.id());
            let _ = Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status().unwrap();
            let status = child.wait().unwrap();
            assert!(status.success() || status.signal() == Some(number), "{status}");
            let written = files(&folder);
            assert_eq!(
                fs::read_dir(&folder).unwrap().count(),
                written.len(),
                "temporary files in {folder:?}"
            );
            for (name, bytes) in written {
                assert!(whole.get(&name) == Some(&bytes), "{name} is not whole after {signal} at {entries}");
            }
        }
    }
}

/// An existing HTML page remains unchanged if the command fails, and is replaced if it succeeds.
#[test]
fn a_page_that_cannot_be_replaced_stays() {
    let folder = folder("page");
    fs::write(folder.join("page.html"), "old").unwrap();
    let trace = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sigstack"));
        command.args(["trace", "--script", "1", "--html", "page.html"]).args(args);
        command.current_dir(&folder).stderr(Stdio::null()).status().unwrap().code()
    };
    assert_eq!(trace(&["--flags", "FOO"]), Some(2));
    assert_eq!(fs::read_to_string(folder.join("page.html")).unwrap(), "old");
    assert_eq!(trace(&[]), Some(0));
    assert_ne!(fs::read_to_string(folder.join("page.html")).unwrap(), "old");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}
