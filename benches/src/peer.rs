//! Access to the other verifiers with which the engine is compared, called peers. Each peer is a dynamic library in
//! `peers/`, which is built and loaded when a comparison runs.

use std::ffi::{CStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use sigstack_peer_abi::{DESCRIBE, Describe, Prevout, VERIFY_ALL, VerifyAll};

use crate::workload::Case;

/// Another verifier (peer), loaded as a dynamic library. It stays loaded until the process ends.
pub struct Peer {
    /// Name and version of the other verifier.
    pub name: String,
    verify_all: VerifyAll,
}

/// A transaction in the format that other verifiers (peers) take.
pub struct PeerCase<'c> {
    case: &'c Case,
    prevouts: Vec<Prevout>,
}

impl<'c> PeerCase<'c> {
    /// Converts the prevouts of a transaction to the C representation that peers take.
    pub fn new(case: &'c Case) -> PeerCase<'c> {
        let prevouts = case.prevouts.iter().map(|output| Prevout {
            script: output.script_pubkey.as_bytes().as_ptr(),
            script_len: output.script_pubkey.len(),
            value: output.value.to_sat().cast_signed(),
        });
        PeerCase { case, prevouts: prevouts.collect() }
    }
}

/// Builds the library of another verifier (`consensus` or `kernel`) with Cargo and returns its path.
///
/// # Errors
///
/// A description of the problem.
pub fn build(peer: &str) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let output = Command::new(cargo)
        .current_dir(&folder)
        .args(["build", "--release", "--message-format=json-render-diagnostics", "--package"])
        .arg(format!("sigstack-peer-{peer}"))
        .arg("--target-dir")
        .arg(folder.join("target"))
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo does not run: {error}"))?;
    if !output.status.success() {
        return Err(format!("the peer {peer} does not build (see above)"));
    }
    // Cargo prints one JSON object per line. The last one that names the peer's library has the path.
    let suffix = format!("sigstack_peer_{peer}.so");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message.get("filenames")?.as_array()?.first()?.as_str().map(PathBuf::from))
        .rfind(|path| path.to_string_lossy().ends_with(&suffix))
        .ok_or_else(|| format!("cargo built no library for the peer {peer}"))
}

impl Peer {
    /// Loads the library of another verifier, which [`build`] has built.
    ///
    /// # Errors
    ///
    /// A description of the problem.
    #[allow(unsafe_code, reason = "loading a library runs code that the compiler cannot see")]
    pub fn load(path: &Path) -> Result<Peer, String> {
        let failed = |error: libloading::Error| format!("{}: {error}", path.display());
        // SAFETY: the library is one of peers/, whose initializers do nothing unusual. RTLD_LOCAL keeps its C++ symbols
        // separate from those of other peers. The compiler checks the types where the library exports its functions.
        let (library, describe, verify_all) = unsafe {
            let library = Library::open(Some(path), RTLD_NOW | RTLD_LOCAL).map_err(failed)?;
            let describe = *library.get::<Describe>(DESCRIBE.as_bytes()).map_err(failed)?;
            let verify_all = *library.get::<VerifyAll>(VERIFY_ALL.as_bytes()).map_err(failed)?;
            (library, describe, verify_all)
        };
        // The library must never be unloaded, because its functions are called later.
        std::mem::forget(library);
        // SAFETY: the string is a constant of a library that is never unloaded.
        let name = unsafe { CStr::from_ptr(describe()) }.to_string_lossy().into_owned();
        Ok(Peer { name, verify_all })
    }

    /// Returns `true` if all inputs of a transaction are valid according to this verifier, which starts from the
    /// serialized transaction.
    #[allow(unsafe_code, reason = "a call into C++")]
    pub fn verify(&self, case: &PeerCase<'_>) -> bool {
        let bytes = &case.case.bytes;
        // SAFETY: pointers and lengths are those of live vectors; the scripts belong to the case that is borrowed.
        let valid = unsafe {
            (self.verify_all)(bytes.as_ptr(), bytes.len(), case.prevouts.as_ptr(), case.prevouts.len())
        };
        usize::try_from(valid) == Ok(case.prevouts.len())
    }
}
