//! Runs a target on files, as regressions and for whoever looks at a finding.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The files under some paths, sorted by path.
///
/// # Errors
///
/// If a path cannot be read.
pub fn files(paths: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut open = paths.to_vec();
    let mut found = vec![];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path)?;
            entries.into_iter().try_for_each(|entry| entry.map(|entry| open.push(entry.path())))?;
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Runs a target on files and tells how many there were. A finding ends it with the target's panic.
///
/// # Errors
///
/// If a file cannot be read.
pub fn replay(run: fn(&[u8]), paths: &[PathBuf]) -> io::Result<usize> {
    let files = files(paths)?;
    for file in &files {
        run(&std::fs::read(file)?);
    }
    Ok(files.len())
}

/// The folder with the inputs on which a target once failed.
pub fn regressions(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions").join(target)
}

/// The command that a target's binary is where no fuzzer is linked: exit status 0 if the property held, 2 if there was nothing
/// to run; a finding is a panic.
pub fn main(target: &str, run: fn(&[u8])) -> ExitCode {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    match replay(run, &paths) {
        Ok(0) => {
            eprintln!("usage: {target} FILE|FOLDER...\nTo fuzz: cargo fuzz run {target}");
            ExitCode::from(2)
        }
        Ok(files) => {
            println!("{target}: {files} inputs, the property held");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{target}: {error}");
            ExitCode::from(2)
        }
    }
}
