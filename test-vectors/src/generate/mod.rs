//! The project's own vectors, made with fixed keys and without randomness: the same bytes in every run.
//!
//! Every verdict is written down by hand beside its case. A case whose verdict the engine does not share, or that stops
//! elsewhere than it says, stops the generator.

mod csfs;
mod group;
mod item;
mod keys;
mod script;
mod shape;
mod spec;
mod states;
mod values;

use crate::case::Case;

/// A file that the generator makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedFile {
    /// The path below the folder `test-vectors`.
    pub path: String,
    /// What is in it.
    pub contents: Vec<u8>,
}

/// Makes every file.
///
/// # Errors
///
/// Each case that did not get the verdict that it was made for, a line each.
pub fn generate() -> Result<Vec<GeneratedFile>, String> {
    Ok(vec![cases_file("proposals/csfs.jsonl", &csfs::cases()?)])
}

/// A file of the case format, a case a line.
fn cases_file(path: &str, cases: &[Case]) -> GeneratedFile {
    let lines = cases.iter().map(|case| case.to_line() + "\n");
    GeneratedFile { path: path.into(), contents: lines.collect::<String>().into_bytes() }
}
