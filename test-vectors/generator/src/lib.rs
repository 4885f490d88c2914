//! The project's own vectors, made with fixed keys and without randomness: the same bytes in every run.
//!
//! Every verdict is written down by hand beside its case. A case whose verdict the engine does not share, or that stops
//! elsewhere than it says, stops the generator.

mod anyprevout;
mod anyprevout_messages;
mod anyprevout_mistakes;
mod anyprevout_stack;
mod bases;
mod bip54;
mod bip54_sigops;
mod bips;
mod cat;
mod consensus;
mod csfs;
mod csfs_mistakes;
mod draft;
mod forge;
mod group;
mod internal_key;
mod item;
mod keys;
mod lax;
mod mixed;
mod modular;
mod opcode_mistakes;
mod paircommit;
mod script;
mod shape;
mod spec;
mod states;
mod template;
mod values;
mod whole;

use std::io::Write;
use std::path::Path;

use sigstack_vectors::Case;

/// A file that the generator makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedFile {
    /// The path below the folder `test-vectors`.
    pub path: String,
    /// What is in it.
    pub contents: Vec<u8>,
}

/// Makes every file. `begin` is called before each group of cases is made and verified: with the number of the group, from 1, the
/// number of all groups, and the group's name.
///
/// # Errors
///
/// Each case that did not get the verdict that it was made for, a line each.
pub fn generate(mut begin: impl FnMut(usize, usize, &str)) -> Result<Vec<GeneratedFile>, String> {
    let groups = PROPOSALS.len() + consensus::GROUPS.len();
    let mut files = Vec::new();
    let mut drafted = Vec::new();
    for (nth, (name, make, bip)) in PROPOSALS.iter().enumerate() {
        begin(nth + 1, groups, name);
        let cases = make()?;
        files.push(cases_file(&format!("proposals/{name}.jsonl"), &cases));
        files.extend(bip.map(|bip| bips::files(bip, name, &cases)).into_iter().flatten());
        if DRAFTED.contains(name) {
            drafted.extend(cases);
        }
    }
    files.push(draft::file(&drafted)?);
    files.extend(consensus::files(|nth, name| begin(PROPOSALS.len() + nth + 1, groups, name))?);
    Ok(files)
}

/// Makes every file again and writes it below a folder, as [`write_files`] does.
///
/// # Errors
///
/// As for [`generate`], or the file that could not be written.
pub fn write_all(folder: &Path, progress: &mut impl Write) -> Result<(), String> {
    // Progress that cannot be shown stops nothing.
    let files = generate(|nth, count, name| {
        let _ = writeln!(progress, "[{nth}/{count}] making and verifying the cases of {name}");
    })?;
    write_files(&files, folder, progress)
}

/// Writes files below a folder. Each is whole or as it was before, also if the program is interrupted.
///
/// # Errors
///
/// Names the file that could not be written.
pub fn write_files(files: &[GeneratedFile], folder: &Path, progress: &mut impl Write) -> Result<(), String> {
    for (nth, file) in files.iter().enumerate() {
        let path = folder.join(&file.path);
        let failed = |error| format!("{}: {error}", path.display());
        path.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(failed)?;
        sigstack_vectors::write_file(&path, &file.contents).map_err(failed)?;
        let (done, count, bytes) = (nth + 1, files.len(), file.contents.len());
        let _ = writeln!(progress, "[{done}/{count}] wrote {}, {bytes} bytes", file.path);
    }
    Ok(())
}

/// Makes the cases of a file.
type Maker = fn() -> Result<Vec<Case>, String>;

/// The files of the proposals, and the BIP for which the cases are also in the shape of BIP 446's files.
const PROPOSALS: &[(&str, Maker, Option<u16>)] = &[
    ("csfs", csfs::cases, Some(348)),
    ("anyprevout", anyprevout::cases, Some(118)),
    ("ctv", template::check_template_cases, Some(119)),
    ("cat", cat::cases, Some(347)),
    ("internalkey", internal_key::cases, Some(349)),
    ("paircommit", paircommit::cases, Some(442)),
    ("templatehash", template::template_hash_cases, Some(446)),
    ("bip54", bip54::cases, None),
    ("mixed", mixed::cases, None),
];

/// The files of the changes that BIP-DRAFT.md proposes.
const DRAFTED: &[&str] = &["csfs", "anyprevout"];

/// A file of the case format, a case a line.
fn cases_file(path: &str, cases: &[Case]) -> GeneratedFile {
    let lines = cases.iter().map(|case| case.to_line() + "\n");
    GeneratedFile { path: path.into(), contents: lines.collect::<String>().into_bytes() }
}
