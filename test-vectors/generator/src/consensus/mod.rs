//! Cases of today's rules. They cover every opcode in every script version, every script error, and both sides of every
//! limit.

mod arithmetic;
mod boundaries;
mod boundaries_der;
mod boundaries_ecdsa;
mod boundaries_keys;
mod boundaries_taproot;
mod build;
mod control;
mod ecdsa;
mod hash;
mod limits;
mod locktime;
mod mistakes;
mod multisig;
mod programs;
mod push;
mod reserved;
mod rows;
mod schnorr;
mod script_code;
mod script_sig;
mod sighash;
mod stack;
mod taproot;
mod verdict;

use super::{GeneratedFile, Maker, cases_file};

/// The vector files in the folder `consensus`, each with the function that creates its cases.
pub(super) const GROUPS: &[(&str, Maker)] = &[
    ("arithmetic", arithmetic::cases),
    ("boundaries", boundaries::cases),
    ("control", control::cases),
    ("ecdsa", ecdsa::cases),
    ("hash", hash::cases),
    ("limits", limits::cases),
    ("locktime", locktime::cases),
    ("mistakes", mistakes::cases),
    ("multisig", multisig::cases),
    ("programs", programs::cases),
    ("push", push::cases),
    ("reserved", reserved::cases),
    ("schnorr", schnorr::cases),
    ("sighash", sighash::cases),
    ("script-code", script_code::cases),
    ("scriptsig", script_sig::cases),
    ("stack", stack::cases),
    ("taproot", taproot::cases),
    ("verdict", verdict::cases),
];

/// Creates every file below `consensus/`. Calls `begin` with the index and the name of each file before creating the file.
pub(super) fn files(mut begin: impl FnMut(usize, &str)) -> Result<Vec<GeneratedFile>, String> {
    let mut mistakes = Vec::new();
    let mut files = Vec::new();
    for (nth, (name, make)) in GROUPS.iter().enumerate() {
        begin(nth, name);
        match make() {
            Ok(cases) => files.push(cases_file(&format!("consensus/{name}.jsonl"), &cases)),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if mistakes.is_empty() { Ok(files) } else { Err(mistakes.join("\n")) }
}
