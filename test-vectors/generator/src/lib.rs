//! Generator of the project's own vectors. It uses fixed keys and no randomness, so every run produces the same files.
//!
//! The expected verdict of each case is written by hand. The generator fails if the engine's verdict on a case differs,
//! or if verification stops at another place than expected.

mod anyprevout;
mod bases;
mod bip54;
mod bips;
mod cat;
mod consensus;
mod csfs;
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

use sigstack_interpreter::{PROPOSALS, Proposal, ProposalId};
use sigstack_vectors::Case;

/// A file to be written by the generator: its path and its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedFile {
    /// Path of the generated file, relative to the folder `test-vectors`.
    pub path: String,
    /// Content of the generated file.
    pub contents: Vec<u8>,
}

/// Creates the content of every file. Before a group of cases is created and verified, `begin` is called with the
/// number of the group, counted from 1, the number of all groups, and the group's name.
///
/// # Errors
///
/// Returns a list of the cases whose verdict is not the expected one, one per line.
pub fn generate(mut begin: impl FnMut(usize, usize, &str)) -> Result<Vec<GeneratedFile>, String> {
    let of_proposals = groups();
    let groups = of_proposals.len() + consensus::GROUPS.len();
    let mut files = Vec::new();
    let mut drafted = Vec::new();
    for (nth, (name, make, bip)) in of_proposals.iter().enumerate() {
        begin(nth + 1, groups, name);
        let cases = make()?;
        files.push(cases_file(&format!("proposals/{name}.jsonl"), &cases));
        files.extend(bip.map(|bip| bips::files(bip, name, &cases)).into_iter().flatten());
        if DRAFTED.contains(name) {
            drafted.extend(cases);
        }
    }
    files.push(draft::file(&drafted)?);
    files.extend(consensus::files(|nth, name| begin(of_proposals.len() + nth + 1, groups, name))?);
    Ok(files)
}

/// Creates every file and writes it below a folder, as [`write_files`] does.
///
/// # Errors
///
/// The errors of [`generate`], or the name of the file that could not be written.
pub fn write_all(folder: &Path, progress: &mut impl Write) -> Result<(), String> {
    // An error while writing progress messages is ignored.
    let files = generate(|nth, count, name| {
        let _ = writeln!(progress, "[{nth}/{count}] making and verifying the cases of {name}");
    })?;
    write_files(&files, folder, progress)
}

/// Writes files below a folder. Each file is replaced atomically, even if the program is interrupted.
///
/// # Errors
///
/// Returns the name of the file that could not be written.
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

/// Function that creates all cases of a vector file.
type Maker = fn() -> Result<Vec<Case>, String>;

/// Returns the function that creates the cases in a proposal's file. `None` for BIP 54, whose two rules are proposals
/// of their own but share one file.
fn maker(proposal: ProposalId) -> Option<Maker> {
    match proposal {
        ProposalId::CHECKSIGFROMSTACK => Some(csfs::cases),
        ProposalId::ANYPREVOUT => Some(anyprevout::cases),
        ProposalId::CHECKTEMPLATEVERIFY => Some(template::check_template_cases),
        ProposalId::OP_CAT => Some(cat::cases),
        ProposalId::INTERNALKEY => Some(internal_key::cases),
        ProposalId::PAIRCOMMIT => Some(paircommit::cases),
        ProposalId::TEMPLATEHASH => Some(template::template_hash_cases),
        ProposalId::LEGACY_SIGOPS_LIMIT | ProposalId::FORBID_64_BYTE_TX => None,
    }
}

/// Returns the files in the folder `proposals`: the name, the function that creates the cases, and the number of the
/// BIP. If there is a number, the cases are also written to the folder of that BIP, in the formats of BIP 446's files.
fn groups() -> Vec<(&'static str, Maker, Option<u16>)> {
    let of_proposal =
        |proposal: &&Proposal| Some((proposal.vectors?, maker(proposal.id)?, Some(proposal.bip)));
    let of_several: [(&str, Maker, Option<u16>); 2] =
        [("bip54", bip54::cases, None), ("mixed", mixed::cases, None)];
    PROPOSALS.iter().filter_map(of_proposal).chain(of_several).collect()
}

/// The files with cases about the changes that BIP-DRAFT.md proposes.
const DRAFTED: &[&str] = &["csfs", "anyprevout"];

/// Creates a vector file in the project's case format, with one case per line.
fn cases_file(path: &str, cases: &[Case]) -> GeneratedFile {
    let lines = cases.iter().map(|case| case.to_line() + "\n");
    GeneratedFile { path: path.into(), contents: lines.collect::<String>().into_bytes() }
}
