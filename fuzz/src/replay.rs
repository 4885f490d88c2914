//! Runs a fuzz target on files, for regression tests and for the analysis of inputs that a fuzzer found.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Returns the given files, and all files in the given folders and their subfolders, sorted by path.
///
/// # Errors
///
/// An error if a path cannot be read.
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

/// Runs a fuzz target on files and returns the number of files. If the property does not hold for a file, the target
/// panics and the run ends.
///
/// # Errors
///
/// An error if a file cannot be read.
pub fn replay(run: fn(&[u8]), paths: &[PathBuf]) -> io::Result<usize> {
    let files = files(paths)?;
    for file in &files {
        run(&std::fs::read(file)?);
    }
    Ok(files.len())
}

/// Returns the folder with the inputs on which the fuzz target `target` once failed.
pub fn regressions(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions").join(target)
}

/// The `main` function of a fuzz target's binary that is not linked with a fuzzer. The exit status is 0 if the
/// property held for all files, and 2 if there were no files or one could not be read. If the property does not hold,
/// the target panics.
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
