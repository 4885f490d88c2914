//! Property: reading bytes as a vector file of any format returns; so does running what was read; and a case of the project's
//! own format is written back to one that reads the same.
//!
//! Input: a byte for the dialect (0: detected), then a file.

use sigstack_vectors::{DIALECTS, ReadOptions, RunOptions, read_bytes, run as run_vectors};

/// Most bytes of a file after decompression: a few bytes of gzip could ask for hours.
const MAX_BYTES: u64 = 1 << 20;

/// The target's body.
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
