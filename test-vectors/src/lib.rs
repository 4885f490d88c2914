//! Test vectors for Bitcoin Script: the project's case format, readers for the formats of other projects, and a test
//! runner.
//!
//! [`read_bytes`] parses the bytes of a file into a [`VectorFile`], whatever its format. [`run()`] verifies the cases with
//! the interpreter and counts the results. Files of Bitcoin Core and its forks have a [`Dialect`]. The library does no
//! input or output, except in [`write_file`]: the command finds and opens files. With the feature `embedded` the library
//! contains the project's own vectors.
//!
//! ```
//! use sigstack_vectors::{ReadOptions, RunOptions, read_bytes, run};
//!
//! let script_tests = br#"[["1 2", "ADD 3 EQUAL", "P2SH", "OK", "one and two are three"]]"#;
//! let file = read_bytes("script_tests.json", script_tests, ReadOptions::default())?;
//! let report = run(&file, RunOptions::default());
//! assert_eq!((report.passed, report.failures.len()), (1, 0));
//! # Ok::<(), sigstack_vectors::InputError>(())
//! ```

pub mod asm;
mod case;
mod check;
mod dialect;
mod document;
#[cfg(feature = "embedded")]
mod embedded;
mod error;
mod field;
mod file;
mod formats;
pub mod interrupt;
mod outcome;
mod question;
mod random;
mod reading;
mod run;
pub mod taptree;
mod todays_policy;
mod verdict_case;
mod write;

pub use bitcoin;
pub use case::{Case, Expect, Subject};
pub use dialect::{DIALECTS, Dialect};
pub use document::{MAX_FILE_BYTES, contains};
#[cfg(feature = "embedded")]
pub use embedded::{EMBEDDED, EmbeddedFile};
pub use error::{InputError, Problem};
pub use file::{Entry, ReadOptions, VectorFile, read_bytes};
pub use formats::Format;
pub use outcome::Mismatch;
pub use question::{InputQuestion, Question, TransactionQuestion};
pub use run::{Failure, Report, RunOptions, run};
pub use verdict_case::{ExpectedVerdict, VerdictCase};
pub use write::write_file;

/// Makes rustdoc run the code in the crate's README as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeDoctests;
