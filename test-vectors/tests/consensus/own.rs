//! Reads the project's own vector files, for tests.

use std::path::Path;

use sigstack_vectors::{Case, Entry, ReadOptions, read_bytes};

/// Returns every case of the vector files in a folder below `test-vectors`, sorted by file name.
pub(crate) fn cases(folder: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.display().to_string();
        let file = read_bytes(&name, &std::fs::read(path).unwrap(), ReadOptions::default()).unwrap();
        file.entries.iter().filter_map(Entry::case).cloned().collect::<Vec<Case>>()
    };
    paths.iter().flat_map(read).collect()
}
