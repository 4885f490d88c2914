//! The formats of vector files. Each format has a module that recognises and reads its files, and defines what is
//! verified. The modules `rows` and `validity` contain code that several formats share.

mod assets;
mod basics;
mod bip340;
mod cases;
mod ctvhash;
mod rows;
mod script_tests;
mod script_valid;
mod sequence;
mod sighash;
mod transactions;
mod validity;
mod wallet;

use core::fmt;

use crate::dialect::{Dialect, Rules};
use crate::document::Document;
use crate::error::Problem;
use crate::reading::{ParsedCase, Reading};

/// A format of vector files, such as tx_valid or BIP 340.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Format(&'static FormatInfo);

/// A row of the table of file formats: how to recognise a format and how to parse it.
struct FormatInfo {
    /// Name of the file format, as printed in the summary of a run.
    name: &'static str,
    recognise: Recognise,
    read: Read,
    /// Function that extracts the words of a file from which its dialect is detected. `None` for formats that have no
    /// dialects.
    words: Option<fn(&Document) -> Words>,
}

/// Function that returns whether a file has the format. Some formats are recognised by the content alone, the others by
/// the content and the file name.
enum Recognise {
    Content(fn(&Document) -> bool),
    /// The format is recognised by the content and the name of the file.
    Name(fn(&Document, &str) -> bool),
}

/// Function that parses the cases of a file. For some formats it also returns notes on how the file was interpreted.
enum Read {
    Cases(fn(&Document, &Rules) -> Vec<ParsedCase>),
    /// Parser that also returns notes on how it interpreted the file. Used for formats whose columns had another
    /// meaning in older files.
    Noted(fn(&Document, &Rules) -> Reading),
}

/// Words of a file that identify its dialect: flag names, and words of scripts.
#[derive(Default)]
pub(crate) struct Words {
    pub(crate) flags: Vec<String>,
    pub(crate) scripts: Vec<String>,
}

/// Every file format. The first format that recognises a file is used.
const FORMATS: &[FormatInfo] = &[
    FormatInfo {
        name: "script_assets_test",
        recognise: Recognise::Content(assets::recognise),
        read: Read::Cases(assets::read),
        words: Some(assets::words),
    },
    plain("BIP 446 basics", basics::recognise, basics::read),
    plain("cases", cases::recognise, cases::read),
    FormatInfo {
        name: "script_tests",
        recognise: Recognise::Content(script_tests::recognise),
        read: Read::Cases(script_tests::read),
        words: Some(script_tests::words),
    },
    FormatInfo {
        name: "script_valid",
        recognise: Recognise::Name(script_valid::recognise_valid),
        read: Read::Noted(script_valid::read_valid),
        words: Some(script_tests::words),
    },
    FormatInfo {
        name: "script_invalid",
        recognise: Recognise::Name(script_valid::recognise_invalid),
        read: Read::Noted(script_valid::read_invalid),
        words: Some(script_tests::words),
    },
    FormatInfo {
        name: "tx_valid",
        recognise: Recognise::Name(transactions::recognise_valid),
        read: Read::Noted(transactions::read_valid),
        words: Some(transactions::words),
    },
    FormatInfo {
        name: "tx_invalid",
        recognise: Recognise::Name(transactions::recognise_invalid),
        read: Read::Noted(transactions::read_invalid),
        words: Some(transactions::words),
    },
    plain("sighash", sighash::recognise, sighash::read),
    plain("BIP 341 wallet", wallet::recognise, wallet::read),
    plain("BIP 340", bip340::recognise, bip340::read),
    plain("BIP 119 hashes", ctvhash::recognise, ctvhash::read),
    plain("sequence", sequence::recognise, sequence::read),
];

/// Creates the table entry of a file format that is recognised by its content alone and has no dialects.
const fn plain(
    name: &'static str,
    recognise: fn(&Document) -> bool,
    read: fn(&Document, &Rules) -> Vec<ParsedCase>,
) -> FormatInfo {
    FormatInfo { name, recognise: Recognise::Content(recognise), read: Read::Cases(read), words: None }
}

/// Returns whether a line is the first line (the column names) of a vector file with comma-separated rows.
pub(crate) fn is_heading(line: &str) -> bool {
    bip340::is_heading(line)
}

impl Format {
    /// Detects the format of a file from its content. For some formats the file name is also used.
    pub(crate) fn of(document: &Document, name: &str) -> Result<Format, Problem> {
        let found = FORMATS.iter().find(|info| match info.recognise {
            Recognise::Content(recognise) => recognise(document),
            Recognise::Name(recognise) => recognise(document, name),
        });
        let without_verdict = || script_valid::has_scripts(document);
        found
            .map(Format)
            .ok_or_else(|| if without_verdict() { Problem::NoVerdict } else { Problem::Unrecognised })
    }

    /// Returns the name of the file format, as printed in the summary of a run.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Returns whether files of this format have a dialect: names of flags and errors that depend on the project that
    /// made the file.
    pub fn has_dialects(self) -> bool {
        self.0.words.is_some()
    }

    /// Detects the dialect of a file in this format, from the words in its flags columns and scripts.
    pub(crate) fn dialect(self, document: &Document) -> &'static Dialect {
        let words = self.0.words.map_or_else(Words::default, |words| words(document));
        Dialect::detect(words.flags.iter().map(String::as_str), words.scripts.iter().map(String::as_str))
    }

    /// Parses the cases of a file in this format. `rules` resolves the names of flags.
    pub(crate) fn read(self, document: &Document, rules: &Rules) -> Reading {
        match self.0.read {
            Read::Cases(read) => Reading { cases: read(document, rules), notes: vec![] },
            Read::Noted(read) => read(document, rules),
        }
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
