//! Collects the inputs of all vector files: the project's own files, and those in the folder `../shared/vectors` next
//! to the repository.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use bitcoin::consensus::serialize;
use sigstack_test_support::shared;
use sigstack_vectors::{Entry, InputQuestion, Problem, ReadOptions, read_bytes};

/// All different inputs that the vector files contain.
pub(crate) struct Corpus {
    /// Number of vector files that contain an input that no earlier file contains.
    pub(crate) files: usize,
    /// The inputs of the vector files without duplicates, each with the flags that its file names.
    pub(crate) questions: Vec<InputQuestion>,
}

/// Returns whether the extension of a file name is one that vector files have: json, jsonl, csv or gz.
fn is_candidate(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("json" | "jsonl" | "gz" | "csv"))
}

/// Returns the files below a folder that may contain vectors, sorted by path.
fn candidates(folder: &Path) -> Vec<PathBuf> {
    let mut open = vec![folder.to_owned()];
    let mut found = vec![];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if is_candidate(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

impl Corpus {
    /// Reads the project's own vectors, and those in `../shared/vectors` next to the repository if that folder exists.
    #[track_caller]
    pub(crate) fn read() -> Corpus {
        let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        Corpus::of(&shared("vectors").into_iter().chain([own]).collect::<Vec<PathBuf>>())
    }

    /// Reads the vectors in these folders, in the given order of the folders. The order of the vectors therefore does
    /// not depend on where the repository is.
    pub(crate) fn of(folders: &[PathBuf]) -> Corpus {
        let mut corpus = Corpus { files: 0, questions: vec![] };
        let mut known = HashSet::new();
        for path in folders.iter().flat_map(|folder| candidates(folder)) {
            let name = path.display().to_string();
            let bytes = std::fs::read(&path).unwrap();
            let file = match read_bytes(&name, &bytes, ReadOptions::default()) {
                Ok(file) => file,
                // The file contains other data, such as MuSig2 or channel vectors.
                Err(error) if error.problem == Problem::Unrecognised => continue,
                Err(error) => panic!("{error}"),
            };
            let questions = file.entries.iter().flat_map(Entry::input_questions);
            let before = corpus.questions.len();
            corpus.questions.extend(questions.filter(|question| known.insert(identity(question))));
            corpus.files += usize::from(corpus.questions.len() > before);
        }
        assert!(!corpus.questions.is_empty(), "the project's own vectors are missing");
        corpus
    }
}

/// Returns bytes that identify a question: the transaction, the prevouts, the input index and the flags. Used to remove
/// duplicates.
fn identity(question: &InputQuestion) -> Vec<u8> {
    let parts = (question.index as u64, question.flags.to_string());
    let mut bytes = serialize(&question.tx);
    bytes.extend(serialize(&question.prevouts));
    bytes.extend(parts.0.to_le_bytes());
    bytes.extend(parts.1.into_bytes());
    bytes
}
