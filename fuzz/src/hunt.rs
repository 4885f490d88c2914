//! Tests whether a bug that was planted in the engine is detected. Runs every fuzz target on its corpus, runs the
//! project's vectors, and reports which of them fail.

use std::io;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sigstack_vectors::{ReadOptions, RunOptions, read_bytes, run};

use crate::replay::{files, regressions};
use crate::seeds;
use crate::{TARGETS, Target};

/// Name of the test vectors in the list that [`hunt`] returns. They are not a fuzz target, but can also detect a bug.
const VECTORS: &str = "vectors";

/// Returns the names of the fuzz targets that detect a bug. The list also contains `vectors` if a test vector fails.
///
/// If the corpus folder does not exist, it is created from the vectors. Each target, and the vectors, may use an equal
/// share of the time. When the share of a target is over, the target's remaining inputs are skipped.
///
/// # Errors
///
/// An error if a file cannot be read or written.
pub fn hunt(corpus: &Path, time: Duration) -> io::Result<Vec<&'static str>> {
    if !corpus.is_dir() {
        seeds::write(&seeds::seeds(&seeds::folders())?, corpus)?;
    }
    // Panics are the expected result, so their messages are not printed.
    std::panic::set_hook(Box::new(|_| ()));
    let share = time / (TARGETS.len() as u32 + 1);
    let mut found = vec![];
    for target in TARGETS {
        let folders: Vec<PathBuf> = [corpus.join(target.name), regressions(target.name)]
            .into_iter()
            .filter(|folder| folder.is_dir())
            .collect();
        if finds(target, &scattered(files(&folders)?), share)? {
            found.push(target.name);
        }
    }
    if vectors_fail(share)? {
        found.push(VECTORS);
    }
    Ok(found)
}

/// Sorts files in a pseudorandom order, so that the first files are a random sample of all. The file names are hashes,
/// and the files are sorted by the ends of their names.
fn scattered(mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    files.sort_by_cached_key(|file| file.to_string_lossy().bytes().rev().collect::<Vec<u8>>());
    files
}

fn finds(target: &Target, files: &[PathBuf], time: Duration) -> io::Result<bool> {
    let start = Instant::now();
    for file in files.iter().take_while(|_| start.elapsed() < time) {
        let bytes = std::fs::read(file)?;
        if catch_unwind(|| (target.run)(&bytes)).is_err() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns whether any vector file fails: one of the project's own, or one of other projects in the folder
/// `../shared`. Files that remain when the time is over are skipped.
fn vectors_fail(time: Duration) -> io::Result<bool> {
    let start = Instant::now();
    // Small files first.
    let mut paths = files(&seeds::folders())?;
    paths.sort_by_cached_key(|path| path.metadata().map_or(u64::MAX, |data| data.len()));
    for path in paths.iter().take_while(|_| start.elapsed() < time) {
        let bytes = std::fs::read(path)?;
        if let Ok(file) = read_bytes(&path.display().to_string(), &bytes, ReadOptions::default())
            && !run(&file, RunOptions::default()).failures.is_empty()
        {
            return Ok(true);
        }
    }
    Ok(false)
}
