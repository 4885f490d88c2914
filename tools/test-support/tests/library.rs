//! Verifies properties that all published crates of the project have in common.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders of the crates that the project publishes as libraries.
const LIBRARIES: &[&str] =
    &["channel", "debugger", "interpreter", "policy", "script-compiler", "test-vectors"];

/// Error types that are exhaustive on purpose. Other crates construct `InputError` themselves. `VerifyError` and
/// `TransactionError` report either a verdict or incorrect use of the API (docs/decisions, 1), and never anything else.
const EXHAUSTIVE: &[&str] = &["InputError", "TransactionError", "VerifyError"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Collects the text of all Rust files in a folder and its subfolders, by path.
fn sources(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.insert(path.clone(), fs::read_to_string(path).unwrap());
        }
    }
}

/// Every public error type must be non-exhaustive, so that a new variant or field is not a breaking change.
/// [`EXHAUSTIVE`] lists the exceptions.
#[test]
fn public_errors_are_non_exhaustive() {
    let mut count = 0;
    for library in LIBRARIES {
        let mut files = BTreeMap::new();
        sources(&root().join(library).join("src"), &mut files);
        let errors = files.values().flat_map(|text| text.lines()).filter_map(|line| {
            line.strip_prefix("impl core::error::Error for ")
                .or_else(|| line.strip_prefix("impl std::error::Error for "))
                .and_then(|rest| rest.split([' ', '<']).next())
        });
        for error in errors.filter(|error| !EXHAUSTIVE.contains(error)) {
            let declared = files.iter().find_map(|(path, text)| {
                let at =
                    ["enum", "struct"].iter().find_map(|kind| text.find(&format!("\npub {kind} {error} ")));
                at.map(|at| (path, text.get(..at).unwrap().rsplit("\n\n").next().unwrap()))
            });
            // Private error types have no declaration of this form.
            if let Some((path, above)) = declared {
                assert!(above.contains("#[non_exhaustive]"), "{}: {error}", path.display());
                count += 1;
            }
        }
    }
    assert!(count >= 10, "{count} errors");
}

/// The interfaces of all libraries use types of rust-bitcoin. Each library re-exports that crate, so that programs can
/// use the same version. The test also verifies that the code in the README is tested.
#[test]
fn every_library_exports_bitcoin_and_tests_its_readme() {
    for library in LIBRARIES {
        let lib = fs::read_to_string(root().join(library).join("src/lib.rs")).unwrap();
        assert!(lib.contains("\npub use bitcoin;\n"), "{library} does not export bitcoin");
        assert!(lib.contains("include_str!(\"../README.md\")"), "{library}: the README's code is not tested");
        let readme = fs::read_to_string(root().join(library).join("README.md")).unwrap();
        let manifest = fs::read_to_string(root().join(library).join("Cargo.toml")).unwrap();
        let name = manifest.split_once("name = \"").unwrap().1.split('"').next().unwrap();
        assert!(
            readme.contains(&format!("[dependencies]\n{name} = \"0.1\"")),
            "{library}: no dependency line"
        );
        assert!(readme.contains("```rust\n"), "{library}: no code");
        for key in ["description", "readme", "keywords", "categories", "include", "license", "rust-version"] {
            assert!(manifest.lines().any(|line| line.starts_with(key)), "{library}: no {key}");
        }
    }
}
