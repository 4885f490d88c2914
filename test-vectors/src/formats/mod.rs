//! One module a format: how its rows are recognised and read, and what is asked of the interpreter.

pub(crate) mod assets;
pub(crate) mod basics;
pub(crate) mod bip340;
pub(crate) mod cases;
pub(crate) mod ctvhash;
pub(crate) mod rows;
pub(crate) mod script_tests;
pub(crate) mod sequence;
pub(crate) mod sighash;
pub(crate) mod transactions;
pub(crate) mod wallet;

use core::fmt;

use crate::check::Check;
use crate::dialect::{Dialect, Rules};
use crate::document::Document;
use crate::error::Bad;

/// A format of vector files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Format(&'static FormatInfo);

/// A row of the format table.
struct FormatInfo {
    /// The name, as the summary prints it.
    name: &'static str,
    /// Whether a file is of this format, told from its content.
    recognise: fn(&Document) -> bool,
    /// Finds the cases.
    read: fn(&Document, &Rules) -> Vec<Found>,
    /// The words of the flags columns and of the scripts, for formats that have dialects.
    words: Option<fn(&Document) -> Words>,
}

/// The words from which a dialect is detected.
#[derive(Default)]
pub(crate) struct Words {
    pub(crate) flags: Vec<String>,
    pub(crate) scripts: Vec<String>,
}

/// A case as a reader found it.
pub(crate) struct Found {
    /// Counted from 1, comments not counted.
    pub(crate) number: usize,
    pub(crate) id: Option<String>,
    pub(crate) comment: String,
    pub(crate) check: Result<Check, Bad>,
}

/// Every format, in the order of recognition.
const FORMATS: &[FormatInfo] = &[
    FormatInfo {
        name: "script_assets_test",
        recognise: assets::recognise,
        read: assets::read,
        words: Some(assets::words),
    },
    FormatInfo { name: "BIP 446 basics", recognise: basics::recognise, read: basics::read, words: None },
    FormatInfo { name: "cases", recognise: cases::recognise, read: cases::read, words: None },
    FormatInfo {
        name: "script_tests",
        recognise: script_tests::recognise,
        read: script_tests::read,
        words: Some(script_tests::words),
    },
    FormatInfo {
        name: "tx_valid",
        recognise: transactions::recognise_valid,
        read: transactions::read_valid,
        words: Some(transactions::words),
    },
    FormatInfo {
        name: "tx_invalid",
        recognise: transactions::recognise_invalid,
        read: transactions::read_invalid,
        words: Some(transactions::words),
    },
    FormatInfo { name: "sighash", recognise: sighash::recognise, read: sighash::read, words: None },
    FormatInfo { name: "BIP 341 wallet", recognise: wallet::recognise, read: wallet::read, words: None },
    FormatInfo { name: "BIP 340", recognise: bip340::recognise, read: bip340::read, words: None },
    FormatInfo { name: "BIP 119 hashes", recognise: ctvhash::recognise, read: ctvhash::read, words: None },
    FormatInfo { name: "sequence", recognise: sequence::recognise, read: sequence::read, words: None },
];

impl Format {
    /// The format of a document, told from its content; none if it is no vector file.
    pub(crate) fn of(document: &Document) -> Option<Format> {
        FORMATS.iter().find(|info| (info.recognise)(document)).map(Format)
    }

    /// The name, as the summary prints it.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Whether files of the format have dialects.
    pub fn has_dialects(self) -> bool {
        self.0.words.is_some()
    }

    /// The dialect of a document.
    pub(crate) fn dialect(self, document: &Document) -> &'static Dialect {
        let words = self.0.words.map_or_else(Words::default, |words| words(document));
        Dialect::detect(words.flags.iter().map(String::as_str), words.scripts.iter().map(String::as_str))
    }

    /// Finds the cases.
    pub(crate) fn read(self, document: &Document, rules: &Rules) -> Vec<Found> {
        (self.0.read)(document, rules)
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Format({})", self.name())
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for FormatInfo {
    fn eq(&self, other: &FormatInfo) -> bool {
        self.name == other.name
    }
}

impl Eq for FormatInfo {}
