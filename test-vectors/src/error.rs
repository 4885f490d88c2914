//! Errors in vector files. Each error names the file, the case and the field.

use core::fmt;

/// The error that is returned if a vector file, or a case in it, cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputError {
    /// Name of the file, as passed by the caller.
    pub file: String,
    /// Number of the case, counted from 1. Comments are not counted. `None` if the error is about the whole file.
    pub case: Option<usize>,
    /// The field or column with the problem, as a path such as `prevouts[1]`. `None` if the problem is not about a
    /// field.
    pub field: Option<String>,
    /// The kind of problem: what is wrong with the file, the case or the field.
    pub problem: Problem,
}

/// The kinds of problem that can be found in a vector file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The file cannot be opened or read.
    Unreadable(String),
    /// The file is gzip data that cannot be decompressed. The text says why.
    Gzip(String),
    /// The file, after decompression, is larger than the limit.
    TooLarge {
        /// Maximum size that a file may have after decompression, in bytes.
        limit: u64,
    },
    /// The file is not UTF-8 text.
    NotText,
    /// The file is not valid JSON. The text describes the syntax error.
    NotJson(String),
    /// The file is well formed, but not of a known vector format.
    Unrecognised,
    /// The file contains scriptSigs and scriptPubKeys, but neither its content nor its name says whether they are valid.
    NoVerdict,
    /// The file contains no case.
    NoCases,
    /// A case cannot be read. The text describes the problem.
    Invalid(String),
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(case) = self.case {
            write!(f, ": case {case}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ": {field}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl core::error::Error for InputError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.problem)
    }
}

impl core::error::Error for Problem {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Unreadable(why) => write!(f, "cannot be read: {why}"),
            Problem::Gzip(why) => write!(f, "damaged gzip data: {why}"),
            Problem::TooLarge { limit } => write!(f, "larger than {limit} bytes after decompression"),
            Problem::NotText => f.write_str("neither gzip nor UTF-8 text"),
            Problem::NotJson(why) => write!(f, "not JSON: {why}"),
            Problem::Unrecognised => f.write_str("not a vector file: no known format"),
            Problem::NoVerdict => f.write_str(
                "scripts without a verdict: such files are read if their name contains script_valid or script_invalid",
            ),
            Problem::NoCases => f.write_str("holds no case"),
            Problem::Invalid(why) => f.write_str(why),
        }
    }
}

/// Formats a number with its noun in singular or plural: `1 byte`, `2 bytes`.
pub(crate) fn counted(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}

/// Maximum length of a problem's text in characters. The text may quote a value of a file, which can have any length.
/// Of a longer text, only the first and the last `END_SHOWN` characters are shown.
const MOST_SHOWN: usize = 400;
const END_SHOWN: usize = 120;

/// Returns the text unchanged if it is short. Otherwise returns its beginning and its end, joined by dots.
fn shortened(text: String) -> String {
    let count = text.chars().count();
    if count <= MOST_SHOWN {
        return text;
    }
    let start: String = text.chars().take(END_SHOWN).collect();
    let end: String = text.chars().skip(count - END_SHOWN).collect();
    format!("{start}...{end}")
}

/// A problem with a field of a vector file. The file name and the number of the case are added later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bad {
    /// Path of the field, such as `prevouts[1]`. Empty if the problem is not about a field.
    pub(crate) field: String,
    /// Description of the problem with the field.
    pub(crate) problem: String,
}

impl Bad {
    pub(crate) fn new(field: impl Into<String>, problem: impl fmt::Display) -> Bad {
        Bad { field: field.into(), problem: shortened(problem.to_string()) }
    }

    /// Puts the name of the outer field or element before the path of the field that the error names.
    pub(crate) fn within(mut self, outer: impl fmt::Display) -> Bad {
        let joint = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        self.field = format!("{outer}{joint}{}", self.field);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_shortened_in_the_middle() {
        let problem =
            |digits: usize| Bad::new("amount", format!("{} is no amount", "9".repeat(digits))).problem;
        assert_eq!(problem(387), format!("{} is no amount", "9".repeat(387)));
        assert_eq!(problem(388), format!("{}...{} is no amount", "9".repeat(120), "9".repeat(107)));
    }

    #[test]
    fn fields_are_named_from_the_outside() {
        let field = |inner: &str| Bad::new(inner, "is wrong").within("outer").field;
        assert_eq!(
            [field("inner"), field("[3].inner"), field("")],
            ["outer.inner", "outer[3].inner", "outer"]
        );
    }
}
