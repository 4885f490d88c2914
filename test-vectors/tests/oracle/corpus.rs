//! Reading of every input in every vector file: the project's own files, and those in `../shared/vectors` next to the
//! clone.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use bitcoin::consensus::serialize;
use sigstack_test_support::shared;
use sigstack_vectors::{Entry, InputQuestion, Problem, ReadOptions, read_bytes};

/// The inputs in the vector files.
pub(crate) struct Corpus {
    /// Number of files that contain at least one input not found in an earlier file.
    pub(crate) files: usize,
    /// The inputs without duplicates, each with the flags of its row.
    pub(crate) questions: Vec<InputQuestion>,
}

/// Returns whether a file may contain vectors, judged by its file name extension.
fn is_candidate(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("json" | "jsonl" | "gz" | "csv"))
}

/// Returns the possible vector files under a folder, sorted by path.
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
    /// Reads the project's own vectors, and those next to the clone if they exist.
    #[track_caller]
    pub(crate) fn read() -> Corpus {
        let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        Corpus::of(&shared("vectors").into_iter().chain([own]).collect::<Vec<PathBuf>>())
    }

    /// Reads the vectors under some folders. The folders are read in the given order, so that the order of the vectors
    /// does not depend on the location of the clone.
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

/// Returns bytes that are equal only for equal questions, to find duplicates.
fn identity(question: &InputQuestion) -> Vec<u8> {
    let parts = (question.index as u64, question.flags.to_string());
    let mut bytes = serialize(&question.tx);
    bytes.extend(serialize(&question.prevouts));
    bytes.extend(parts.0.to_le_bytes());
    bytes.extend(parts.1.into_bytes());
    bytes
}
