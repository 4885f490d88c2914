//! The project's own vector files, compiled into the program in compressed form.

/// One of the project's own vector files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbeddedFile {
    /// Path relative to the folder `test-vectors`, such as `proposals/csfs.jsonl`.
    pub name: &'static str,
    /// Content of the file, compressed with gzip. [`read_bytes`](crate::read_bytes) accepts it.
    pub bytes: &'static [u8],
}

/// The project's vector files, sorted by name. Empty if the folders with the vectors did not exist when the crate was
/// built.
pub const EMBEDDED: &[EmbeddedFile] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
