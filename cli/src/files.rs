//! Writes the command's output files. A file is either complete or absent, even if the command is killed. After
//! SIGINT or SIGTERM no temporary file remains.

use std::fs;
use std::path::Path;

use crate::problem::Problem;

/// Writes a file through a temporary file in the same folder, which is renamed when it is complete.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    // Checks the folder first, so that an error does not name the temporary file.
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::metadata(folder).map_err(|error| at(path, &error))?;
    }
    sigstack_vectors::write_file(path, bytes).map_err(|error| at(path, &error))
}

/// Returns `true` if two paths name the same file, which need not exist yet.
pub(crate) fn are_the_same(one: &Path, other: &Path) -> bool {
    let resolved = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let by_folder = || Some(fs::canonicalize(folder).ok()?.join(path.file_name()?));
        fs::canonicalize(path).ok().or_else(by_folder)
    };
    one == other || resolved(one).is_some_and(|one| resolved(other) == Some(one))
}

/// Creates a folder and its parents. Commands call this before they compute the files for the folder, so that they
/// fail early if the folder cannot be created.
pub(crate) fn create_folder(path: &Path) -> Result<(), Problem> {
    fs::create_dir_all(path).map_err(|error| at(path, &error))
}

fn at(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(error.to_string()).at(path.display().to_string()).hint("name a place that can be written to")
}
