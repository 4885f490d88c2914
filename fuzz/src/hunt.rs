//! Runs every target on a corpus, and the project's vectors, and tells which of them find something: for bugs planted on purpose.

use std::io;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sigstack_vectors::{ReadOptions, RunOptions, read_bytes, run};

use crate::replay::{files, regressions};
use crate::seeds;
use crate::{TARGETS, Target};

/// What the vectors are called among the finders.
const VECTORS: &str = "vectors";

/// The finders that find something. The corpus is made of the vectors if the folder is not there. Every finder has an even share of the
/// time; what is left of it when the time is over is not looked at.
///
/// # Errors
///
/// If a file cannot be read or written.
pub fn hunt(corpus: &Path, time: Duration) -> io::Result<Vec<&'static str>> {
    if !corpus.is_dir() {
        seeds::write(&seeds::seeds(&seeds::folders())?, corpus)?;
    }
    // A panic is the answer that is asked for.
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

/// The files in an order without meaning, so that a part of them is a sample: the names are hashes, so this is by their ends.
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

/// Whether a vector of the project fails, or one of others beside it.
fn vectors_fail(time: Duration) -> io::Result<bool> {
    let start = Instant::now();
    // The small files first.
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
