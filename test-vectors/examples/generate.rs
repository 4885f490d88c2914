//! Makes the project's own vectors again and writes them below `test-vectors/`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    match write_all() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn write_all() -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in sigstack_vectors::generate()? {
        let path = folder.join(&file.path);
        let failed = |error| format!("{}: {error}", path.display());
        path.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(failed)?;
        sigstack_vectors::write_file(&path, file.contents.as_ref()).map_err(failed)?;
        println!("{}: {} bytes", file.path, file.contents.len());
    }
    Ok(())
}
