//! Every input of every vector file: the project's own, and those in `../shared/vectors` beside the clone.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use bitcoin::consensus::serialize;
use sigstack_test_support::shared;
use sigstack_vectors::{Entry, InputQuestion, Problem, ReadOptions, read_bytes};

/// The spends of the vector files.
pub(crate) struct Corpus {
    /// How many files hold them.
    pub(crate) files: usize,
    /// Each spend once, with the flags that its row names.
    pub(crate) questions: Vec<InputQuestion>,
}

/// Whether a file may hold vectors, going by its name.
fn is_candidate(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("json" | "jsonl" | "gz" | "csv"))
}

/// The candidates under some folders, sorted by path.
fn candidates(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut open = folders.to_vec();
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
    /// Reads the project's own vectors, and those beside the clone if they are there.
    #[track_caller]
    pub(crate) fn read() -> Corpus {
        let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        Corpus::of(&shared("vectors").into_iter().chain([own]).collect::<Vec<PathBuf>>())
    }

    /// Reads the vectors under some folders.
    pub(crate) fn of(folders: &[PathBuf]) -> Corpus {
        let mut corpus = Corpus { files: 0, questions: vec![] };
        let mut known = HashSet::new();
        for path in candidates(folders) {
            let name = path.display().to_string();
            let bytes = std::fs::read(&path).unwrap();
            let file = match read_bytes(&name, &bytes, ReadOptions::default()) {
                Ok(file) => file,
                // Data of other kinds: MuSig2, channels.
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

/// Bytes that differ between spends that differ.
fn identity(question: &InputQuestion) -> Vec<u8> {
    let parts = (question.index as u64, question.flags.to_string());
    let mut bytes = serialize(&question.tx);
    bytes.extend(serialize(&question.prevouts));
    bytes.extend(parts.0.to_le_bytes());
    bytes.extend(parts.1.into_bytes());
    bytes
}
