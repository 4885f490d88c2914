//! The project's own vectors are what the generator makes.

#![allow(clippy::panic, reason = "a test")]

use std::path::Path;

#[test]
fn committed_vectors_are_up_to_date() {
    let files = match sigstack_vectors::generate() {
        Ok(files) => files,
        Err(mistakes) => panic!("{mistakes}"),
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in files {
        let committed = std::fs::read(folder.join(&file.path)).unwrap_or_default();
        assert!(
            committed == file.contents,
            "{} is not up to date; make it again with `cargo run -p sigstack-vectors --example generate`",
            file.path
        );
    }
}
