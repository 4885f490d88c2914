//! Writes the example values into the policy files, and reformats the files in the canonical layout.
//!
//! `cargo run -p sigstack-compiler --example policies`

#[path = "../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;

use support::files;

fn main() -> ExitCode {
    for name in files::names() {
        let (document, _) = files::load(&name);
        let path = files::folder().join(format!("{name}.policy"));
        if let Err(error) = sigstack_vectors::write_file(&path, format!("{document}\n").as_bytes()) {
            eprintln!("error: {}: {error}", path.display());
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
