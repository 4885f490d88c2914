//! Checks that the committed vector files equal the files that the generator creates. Also checks that the generator
//! prints its progress and can be interrupted.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

use std::sync::LazyLock;

use sigstack_generator::{GeneratedFile, write_all, write_files};

/// Folder with all generated files, and the progress that the generator printed. The generator runs only once for all
/// tests.
static WRITTEN: LazyLock<(PathBuf, String)> = LazyLock::new(|| {
    let folder = folder("written");
    let mut progress = Vec::new();
    write_all(&folder, &mut progress).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    (folder, String::from_utf8(progress).unwrap())
});

/// Returns the folder that contains the vector files in the repository.
fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Returns the paths of all files in a folder and its subfolders, relative to the folder.
fn below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(open) = folders.pop() {
        for entry in fs::read_dir(open).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path.strip_prefix(folder).unwrap().display().to_string()),
            }
        }
    }
    found
}

#[test]
fn committed_vectors_are_up_to_date() {
    let (written, _) = &*WRITTEN;
    for name in below(written) {
        let made = fs::read(written.join(&name)).unwrap();
        assert!(
            fs::read(committed().join(&name)).unwrap_or_default() == made,
            "{name} is not up to date; make it again with `cargo run -p sigstack-generator`",
        );
    }
}

#[test]
fn every_group_and_every_file_is_a_line_of_progress() {
    let (written, progress) = &*WRITTEN;
    let lines: Vec<&str> = progress.lines().collect();
    let files = below(written);
    // Each group of cases has one JSON Lines file; the proposals have further files in the formats of their BIPs.
    let groups = files.iter().filter(|name| name.ends_with(".jsonl")).count();
    assert_eq!(lines.len(), groups + files.len(), "{progress}");
    assert_eq!(lines[0], format!("[1/{groups}] making and verifying the cases of csfs"));
    assert_eq!(lines[groups - 1], format!("[{groups}/{groups}] making and verifying the cases of verdict"));
    for (nth, line) in lines[groups..].iter().enumerate() {
        let rest = line.strip_prefix(&format!("[{}/{}] wrote ", nth + 1, files.len())).unwrap();
        let (name, bytes) = rest.strip_suffix(" bytes").unwrap().rsplit_once(", ").unwrap();
        assert_eq!(fs::metadata(written.join(name)).unwrap().len().to_string(), bytes, "{line}");
    }
}

/// Environment variable that marks the child process of the test. Its value is the folder to which the child writes.
#[cfg(unix)]
const CHILD: &str = "SIGSTACK_TEST_GENERATOR";

/// Checks that an interrupted generator leaves only complete files. The test starts itself as a second process, and
/// interrupts that process after it has written some files.
#[cfg(unix)]
#[test]
fn an_interrupted_generator_leaves_whole_files_only() {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, Stdio};
    if let Some(folder) = std::env::var_os(CHILD) {
        // The child writes the committed files, because generating them takes seconds.
        let names = ["consensus", "proposals"].into_iter().flat_map(|part| {
            below(&committed().join(part)).into_iter().map(move |name| format!("{part}/{name}"))
        });
        let read =
            |path: String| GeneratedFile { contents: fs::read(committed().join(&path)).unwrap(), path };
        let files: Vec<GeneratedFile> = names.map(read).collect();
        write_files(&files, Path::new(&folder), &mut std::io::sink()).unwrap();
        return;
    }
    for (signal, number, count) in [("INT", 2, 1), ("INT", 2, 5), ("TERM", 15, 1), ("TERM", 15, 5)] {
        let folder = folder(&format!("{signal}-{count}"));
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "an_interrupted_generator_leaves_whole_files_only"]);
        let mut child = command.env(CHILD, &folder).stdout(Stdio::null()).spawn().unwrap();
        while below(&folder).len() < count && child.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        // A process that has ended still exists until its parent waits for it, so the signal can be sent.
        let kill = format!("kill -{signal} {}", child.id());
        let _ = Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status().unwrap();
        let status = child.wait().unwrap();
        assert!(status.success() || status.signal() == Some(number), "{status}");
        for name in below(&folder) {
            let whole = fs::read(committed().join(&name)).unwrap_or_else(|_| panic!("{name} was left"));
            assert!(fs::read(folder.join(&name)).unwrap() == whole, "{name} is not whole");
        }
    }
}
