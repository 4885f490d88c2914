//! Generates the project's own vectors and writes them below `test-vectors/`. Progress is written to standard error.

use std::io;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    match sigstack_generator::write_all(&folder, &mut io::stderr()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}
