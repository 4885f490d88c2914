//! Finds and opens vector files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sigstack_vectors::{InputError, Problem, ReadOptions, VectorFile, read_bytes};

use crate::input;

/// The endings of files that may hold vectors, each with or without `.gz`.
const ENDINGS: &[&str] = &[".json", ".jsonl", ".csv"];

/// The folder of the project's own vectors.
const OWN_FOLDER: &str = "test-vectors";

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    /// Whether it was named itself, and not found in a folder.
    pub(crate) is_named: bool,
}

/// What a file turned out to be.
pub(crate) enum Content {
    Vectors(Box<VectorFile>),
    /// Something else, found in a folder.
    Other,
}

impl Source {
    /// Reads the file.
    pub(crate) fn read(&self, options: ReadOptions) -> Result<Content, InputError> {
        let name = self.path.display().to_string();
        let bytes = input::read_path(&self.path, options.max_bytes, "a vector file")
            .map_err(|error| unreadable(&self.path, &error))?;
        match read_bytes(&name, &bytes, options) {
            Ok(file) => Ok(Content::Vectors(Box::new(file))),
            Err(error) if !self.is_named && self.is_other(&error.problem) => Ok(Content::Other),
            Err(error) => Err(error),
        }
    }

    /// Whether a problem means that the file is none of ours. Comma-separated tables of all kinds exist.
    fn is_other(&self, problem: &Problem) -> bool {
        let is_table = plain_name(&self.path).ends_with(".csv");
        *problem == Problem::Unrecognised || (is_table && matches!(problem, Problem::NotJson(_)))
    }
}

fn unreadable(path: &Path, error: &io::Error) -> InputError {
    let problem = Problem::Unreadable(error.to_string());
    InputError { file: path.display().to_string(), case: None, field: None, problem }
}

/// The name in lower case, without `.gz`.
fn plain_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    name.strip_suffix(".gz").map(str::to_owned).unwrap_or(name)
}

/// The files that are named, and those in the folders that are named, sorted by name folder by folder.
pub(crate) fn sources(paths: &[PathBuf]) -> (Vec<Source>, Vec<InputError>) {
    let mut sources = Vec::new();
    let mut errors = Vec::new();
    for path in paths {
        if !path.is_dir() {
            sources.push(Source { path: path.clone(), is_named: true });
            continue;
        }
        let before = sources.len();
        let errors_before = errors.len();
        search(path, &mut sources, &mut errors);
        if sources.len() == before && errors.len() == errors_before {
            let problem = Problem::Unreadable("the folder has no .json, .jsonl or .csv file".into());
            errors.push(InputError { file: path.display().to_string(), case: None, field: None, problem });
        }
    }
    (sources, errors)
}

/// The files of a folder and of its folders. Links to folders are not followed, and hidden names passed over.
fn search(root: &Path, sources: &mut Vec<Source>, errors: &mut Vec<InputError>) {
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                errors.push(unreadable(&folder, &error));
                continue;
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        let mut inner = Vec::new();
        for entry in entries {
            let path = entry.path();
            let name = plain_name(&path);
            if name.starts_with('.') {
                continue;
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                inner.push(path);
            } else if ENDINGS.iter().any(|ending| name.ends_with(ending)) && path.is_file() {
                sources.push(Source { path, is_named: false });
            }
        }
        folders.extend(inner.into_iter().rev());
    }
}

/// The folder of the project's own vectors, here or in a parent folder, or where this command was built.
pub(crate) fn own_folder() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let folders = here.ancestors().chain(built).map(|folder| folder.join(OWN_FOLDER));
    folders.into_iter().find(|folder| folder.is_dir())
}
