//! The project's own vectors are what the generator makes, and the generator shows its progress and can be interrupted.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

use sigstack_vectors::{GeneratedFile, generate};

#[allow(dead_code, reason = "tests do not run the generator's main function")]
#[path = "../examples/generate.rs"]
mod generator;

/// The files, as they are made.
fn files() -> Vec<GeneratedFile> {
    generate(|_, _, _| ()).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn committed_vectors_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in files() {
        let committed = fs::read(folder.join(&file.path)).unwrap_or_default();
        assert!(
            committed == file.contents,
            "{} is not up to date; make it again with `cargo run -p sigstack-vectors --example generate`",
            file.path
        );
    }
}

#[test]
fn every_group_and_every_file_is_a_line_of_progress() {
    let folder = folder("progress");
    let mut progress = Vec::new();
    generator::write_all(&folder, &mut progress).unwrap();
    let progress = String::from_utf8(progress).unwrap();
    let lines: Vec<&str> = progress.lines().collect();
    let files = files();
    // A group of cases is a file, and the proposals have more files in the form of their BIPs.
    let groups = files.iter().filter(|file| file.path.ends_with(".jsonl")).count();
    assert_eq!(lines.len(), groups + files.len(), "{progress}");
    assert_eq!(lines[0], format!("[1/{groups}] making and verifying the cases of csfs"));
    assert_eq!(lines[groups - 1], format!("[{groups}/{groups}] making and verifying the cases of verdict"));
    for (nth, (line, file)) in lines[groups..].iter().zip(&files).enumerate() {
        let GeneratedFile { path, contents, .. } = file;
        assert_eq!(*line, format!("[{}/{}] wrote {path}, {} bytes", nth + 1, files.len(), contents.len()));
        assert!(fs::read(folder.join(path)).unwrap() == *contents, "{path}");
    }
}

/// The files below a folder.
#[cfg(unix)]
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

/// Set in the process that is interrupted: the folder that it writes to.
#[cfg(unix)]
const CHILD: &str = "SIGSTACK_TEST_GENERATOR";

/// The test runs itself in a second process, which is interrupted as soon as there are so many files.
#[cfg(unix)]
#[test]
fn an_interrupted_generator_leaves_whole_files_only() {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, Stdio};
    if let Some(folder) = std::env::var_os(CHILD) {
        generator::write_all(Path::new(&folder), &mut std::io::sink()).unwrap();
        return;
    }
    let whole = files();
    for (signal, number) in [("INT", 2), ("TERM", 15)] {
        for count in [1, 5] {
            let folder = folder(&format!("{signal}-{count}"));
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "an_interrupted_generator_leaves_whole_files_only"]);
            let mut child = command.env(CHILD, &folder).stdout(Stdio::null()).spawn().unwrap();
            while below(&folder).len() < count && child.try_wait().unwrap().is_none() {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            // A process that has ended is still there until it is waited for.
            let kill = format!("kill -{signal} {}", child.id());
            let _ = Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status().unwrap();
            let status = child.wait().unwrap();
            assert!(status.success() || status.signal() == Some(number), "{status}");
            for path in below(&folder) {
                let name = path.strip_prefix(&folder).unwrap().display().to_string();
                let made = whole.iter().find(|file| file.path == name);
                let made = made.unwrap_or_else(|| panic!("{name} was left"));
                assert!(fs::read(&path).unwrap() == made.contents, "{name} is not whole");
            }
        }
    }
}
