//! The project's own vectors, compressed into the program.

/// A vector file of the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbeddedFile {
    /// The path in the folder `test-vectors`, such as `proposals/csfs.jsonl`.
    pub name: &'static str,
    /// The file, gzip'd, as [`read_bytes`](crate::read_bytes) reads it.
    pub bytes: &'static [u8],
}

/// The project's vector files, sorted by name. Empty if the crate was built without its vectors.
pub const EMBEDDED: &[EmbeddedFile] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
