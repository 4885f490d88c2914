//! Finds and opens test vector files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sigstack_vectors::{
    EMBEDDED, EmbeddedFile, InputError, Problem, ReadOptions, VectorFile, contains, read_bytes,
};

use crate::input;
use crate::problem::Problem as CommandProblem;

/// Extensions of files that may contain test vectors, each with or without `.gz`.
const ENDINGS: &[&str] = &[".json", ".jsonl", ".csv"];

/// Folder of the project's own test vectors in the source tree. The folders in [`OWN_SUBFOLDERS`] are inside this
/// folder.
const OWN_FOLDER: &str = "test-vectors";
const OWN_SUBFOLDERS: [&str; 2] = ["consensus", "proposals"];

/// A test vector file, in the file system or built into the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    File {
        path: PathBuf,
        /// `true` if the user named the file, `false` if it was found in a folder.
        is_named: bool,
    },
    /// One of the project's own vector files, built into the command.
    BuiltIn(EmbeddedFile),
}

/// The content of a file that may contain test vectors.
pub(crate) enum Content {
    Vectors(Box<VectorFile>),
    /// The file has no test vectors. It was found in a folder and not named by the user.
    Other,
}

impl Source {
    /// Returns `true` if the file may contain the string. Also returns `true` if the file cannot be read, so that
    /// reading it later reports the error.
    pub(crate) fn may_contain(&self, string: &str, max_bytes: u64) -> bool {
        let found = match self {
            Source::File { path, .. } => {
                let Ok(bytes) = input::read_path(path, max_bytes, "a vector file") else { return true };
                contains(&bytes, string, max_bytes)
            }
            Source::BuiltIn(file) => contains(file.bytes, string, max_bytes),
        };
        found.unwrap_or(true)
    }

    /// Reads the file as test vectors, or reports that a file found in a folder is of another kind.
    pub(crate) fn read(&self, options: ReadOptions) -> Result<Content, InputError> {
        let (path, is_named) = match self {
            Source::File { path, is_named } => (path, *is_named),
            Source::BuiltIn(file) => {
                let file = read_bytes(&self.name(), file.bytes, options)?;
                return Ok(Content::Vectors(Box::new(file)));
            }
        };
        let name = self.name();
        let bytes = input::read_path(path, options.max_bytes, "a vector file")
            .map_err(|error| unreadable(path, &error))?;
        match read_bytes(&name, &bytes, options) {
            Ok(file) => Ok(Content::Vectors(Box::new(file))),
            Err(error) if !is_named && is_other(path, &error.problem) => Ok(Content::Other),
            Err(error) => Err(error),
        }
    }

    /// Returns the path of the file, or the name of the built-in file, for messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Source::File { path, .. } => path.display().to_string(),
            Source::BuiltIn(file) => format!("built-in {}", file.name),
        }
    }
}

/// Returns `true` if a parse error means that a file is not a vector file. A `.csv` file that cannot be parsed may be
/// any table.
fn is_other(path: &Path, problem: &Problem) -> bool {
    match problem {
        Problem::Unrecognised | Problem::NoVerdict => true,
        Problem::NotJson(_) => plain_name(path).ends_with(".csv"),
        _ => false,
    }
}

fn unreadable(path: &Path, error: &io::Error) -> InputError {
    let problem = Problem::Unreadable(error.to_string());
    InputError { file: path.display().to_string(), case: None, field: None, problem }
}

/// Returns the file name of a path in lower case, without the extension `.gz`.
fn plain_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    name.strip_suffix(".gz").map(str::to_owned).unwrap_or(name)
}

/// Fails if a path begins with `@` and no file of that name exists. Other arguments need `@` before a file name, so
/// users may write it by mistake.
pub(crate) fn check_paths(paths: &[PathBuf]) -> Result<(), CommandProblem> {
    let with_at =
        paths.iter().filter(|path| !path.exists()).find_map(|path| path.to_str()?.strip_prefix('@'));
    match with_at {
        None => Ok(()),
        Some(file) => {
            let problem = CommandProblem::new("paths are written without @ here").at(format!("@{file}"));
            Err(problem.hint(format!("write {file}")))
        }
    }
}

/// Returns the named files and the test vector files in the named folders, and errors of unreadable or empty folders.
/// The files of each folder are sorted by name.
pub(crate) fn sources(paths: &[PathBuf]) -> (Vec<Source>, Vec<InputError>) {
    let mut sources = Vec::new();
    let mut errors = Vec::new();
    for path in paths {
        if !path.is_dir() {
            sources.push(Source::File { path: path.clone(), is_named: true });
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

/// Finds files with a vector file's extension in a folder and its subfolders. Symbolic links to folders are not
/// followed, and hidden names are skipped.
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
                sources.push(Source::File { path, is_named: false });
            }
        }
        folders.extend(inner.into_iter().rev());
    }
}

/// The files of the project's own test vectors.
pub(crate) struct OwnVectors {
    pub(crate) sources: Vec<Source>,
    pub(crate) errors: Vec<InputError>,
    /// Text about where the project's vectors come from: a folder, or the command itself.
    pub(crate) set: String,
}

/// Finds the project's own test vectors: in the source tree if the working folder is inside it, otherwise those built
/// into the command.
pub(crate) fn own_vectors() -> Result<OwnVectors, CommandProblem> {
    let here = std::env::current_dir().unwrap_or_default();
    let is_own = |folder: &PathBuf| OWN_SUBFOLDERS.iter().any(|name| folder.join(name).is_dir());
    if let Some(folder) = here.ancestors().map(|folder| folder.join(OWN_FOLDER)).find(is_own) {
        // The path is relative if possible, because every line of the report contains it.
        let folder = folder.strip_prefix(&here).map(Path::to_path_buf).unwrap_or(folder);
        let set = format!("the project's vectors in {}", folder.display());
        let (sources, errors) = sources(&[folder]);
        return Ok(OwnVectors { sources, errors, set });
    }
    if EMBEDDED.is_empty() {
        let problem = "the project's vectors are missing: they are neither built into this command nor in a folder \
                       test-vectors here or in a parent folder";
        return Err(CommandProblem::new(problem).hint("name a file or a folder"));
    }
    let sources = EMBEDDED.iter().copied().map(Source::BuiltIn).collect();
    Ok(OwnVectors {
        sources,
        errors: vec![],
        set: "the project's vectors that are built into this command".into(),
    })
}
