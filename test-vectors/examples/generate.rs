//! Makes the project's own vectors again and writes them below `test-vectors/`. Progress is written to standard error.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    match write_all(Path::new(env!("CARGO_MANIFEST_DIR")), &mut io::stderr()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// Writes all files below a folder. Each is whole or as it was before, also if the program is interrupted.
pub(crate) fn write_all(folder: &Path, progress: &mut impl Write) -> Result<(), String> {
    // Progress that cannot be shown stops nothing.
    let files = sigstack_vectors::generate(|nth, count, name| {
        let _ = writeln!(progress, "[{nth}/{count}] making and verifying the cases of {name}");
    })?;
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
