//! Property: parsing any bytes as a vector file of any format terminates, and running the parsed cases terminates. If
//! a case is written in the project's own format and parsed again, it is the same case.
//!
//! Fuzz input: a byte for the format (0: automatic detection), then a file.

use sigstack_vectors::{DIALECTS, ReadOptions, RunOptions, read_bytes, run as run_vectors};

/// Maximum size of a vector file in bytes after decompression. A few bytes of gzip could otherwise take hours.
const MAX_BYTES: u64 = 1 << 20;

/// Runs the fuzz target `vector_files` on one fuzz input. Panics if the property that the documentation of this module
/// states is violated.
pub fn run(bytes: &[u8]) {
    let Some((dialect, file)) = bytes.split_first() else { return };
    let dialect = usize::from(*dialect).checked_sub(1).map(|nth| DIALECTS[nth % DIALECTS.len()]);
    let options = ReadOptions { dialect, max_bytes: MAX_BYTES };
    let file = match read_bytes("input", file, options) {
        Ok(file) => file,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let report = run_vectors(&file, RunOptions::default());
    assert!(report.passed + report.failures.len() <= file.entries.len(), "more verdicts than cases");
    for case in file.entries.iter().filter_map(|entry| entry.case()) {
        let line = case.to_line();
        let again = read_bytes("line", line.as_bytes(), ReadOptions::default());
        let again = again.unwrap_or_else(|error| panic!("not read back: {error}: {line}"));
        assert_eq!(again.entries.iter().filter_map(|entry| entry.case()).collect::<Vec<_>>(), [case]);
    }
}
