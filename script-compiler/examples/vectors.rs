//! Writes the compiler's test vectors, and its results for generated policies: `cargo run -p sigstack-compiler --example
//! vectors`.

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let files = [
        (support::vectors::path(), support::vectors::lines as fn() -> String),
        (support::stability::path(), || support::stability::lines().map(|line| line + "\n").collect()),
    ];
    for (path, lines) in files {
        if let Err(error) = write(&path, lines()) {
            eprintln!("error: {}: {error}", path.display());
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn write(path: &Path, lines: String) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    sigstack_vectors::write_file(path, lines.as_bytes())
}
