//! Errors of policy texts: what is wrong, where, and how to correct it.

use core::fmt;

use crate::policy::{MAX_DEPTH, MAX_TEXT, Span};
use crate::reason::Reason;

/// An error in a policy text, with the byte range where it occurs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Error {
    /// The kind of error, with its details.
    pub kind: ErrorKind,
    /// Byte range in the policy text where the error is.
    pub span: Span,
    /// Second byte range in the policy text that the error refers to, if there is one.
    pub other: Option<Span>,
}

/// The kinds of errors.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The syntax of the language is violated.
    Syntax {
        /// Description of the syntax that the parser expects where the error occurred.
        expected: &'static str,
        /// The text found where the parser expected something else.
        found: String,
    },
    /// Name of a fragment or message that the language does not have.
    UnknownFragment(String),
    /// A number, or a sum of numbers, that exceeds 64 bits.
    NumberOverflow,
    /// A name that is a reserved word of the language.
    ReservedName(String),
    /// A name that is used but not defined.
    UndefinedName(String),
    /// A name that is declared but has no value.
    UnsetName(String),
    /// A name is used where another kind of value is needed.
    WrongKind {
        /// Name that is used where another kind of value is needed.
        name: String,
        /// Kind of value that is needed where the name is used.
        needed: &'static str,
        /// Kind of value that the definition gives to the name.
        is: &'static str,
    },
    /// A name that is defined twice.
    DuplicateName(String),
    /// The caller gave a value for a name that the policy text does not declare.
    UnusedValue {
        /// Name for which the caller gave a value although the policy text does not declare the name.
        name: String,
        /// Names that the text declares for keys, numbers and bytes.
        known: Vec<String>,
    },
    /// The caller gave a value for a name that is not of the kind that the name requires.
    GivenValue {
        /// Name that the policy text declares and for which the caller gave a value of the wrong kind.
        name: String,
        /// Kind of value that the declaration of the name requires.
        needed: &'static str,
    },
    /// Name after `allow` that is not the name of a safety check.
    UnknownReason(String),
    /// A key, digest or other byte string of the wrong length.
    Length {
        /// What the bytes are, such as a key or a digest.
        what: &'static str,
        /// Required length in bytes of the key, digest or other byte string.
        needed: usize,
        /// Actual length in bytes of the key, digest or other byte string.
        is: usize,
    },
    /// The text after the policy is the checksum of a descriptor, which policies do not have.
    Checksum(String),
    /// 32 bytes that are not the x coordinate of a point on the curve.
    NotAKey,
    /// The policy uses `internal`, but its output has no usable internal key.
    NoInternalKey,
    /// Wrong arguments, such as a threshold above the number of its policies. The text describes the mistake.
    Arguments(&'static str),
    /// A number outside the range that the fragment accepts.
    Range {
        /// Name of the fragment whose argument is out of range.
        what: &'static str,
        /// Minimum and maximum number that the fragment accepts.
        range: (u64, u64),
        /// Number that is out of range.
        is: u64,
    },
    /// Name of a witness element, as in `any(NAME)`, that occurs in two different conditions.
    SharedSlot(String),
    /// A message at a place where it is not allowed. The text describes the mistake.
    MisplacedMessage(&'static str),
    /// A policy that nothing can satisfy.
    Unsatisfiable,
    /// A condition that nothing can satisfy. The text says why.
    Never(&'static str),
    /// A policy with fragments nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// A policy text longer than [`MAX_TEXT`] bytes.
    TooLong,
    /// A limit of the compiler or of consensus is exceeded, such as the maximum number of conditions.
    TooLarge {
        /// What there are too many of, such as "conditions and branches" in "more than 1000 conditions and branches".
        what: &'static str,
        /// Maximum number that the compiler accepts, such as the 1000 in "more than 1000 conditions and branches".
        limit: usize,
    },
    /// A safety check refuses the policy. The text names the condition or key at fault.
    Refused(Reason, String),
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, span: Span) -> Error {
        Error { kind, span, other: None }
    }

    /// Returns the error message with an excerpt of the text, and carets under the text that the error refers to.
    pub fn render(&self, text: &str) -> String {
        let mut out = format!("error: {}\n", self.kind);
        let mut pad = excerpt(text, self.span, "", &mut out);
        if let Some(other) = self.other {
            pad = excerpt(text, other, "and ", &mut out);
        }
        if let Some(help) = self.kind.help() {
            out += &format!("{pad} = {help}\n");
        }
        out
    }
}

/// Returns the line and the column of a byte of the text, both counted from 1. A column is one character.
pub(crate) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..floor_boundary(text, at)).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

/// Appends the line that contains `span` to `out`, with carets under the span. Returns as many spaces as the line
/// number has digits, so that the caller can align further lines.
fn excerpt(text: &str, span: Span, lead_in: &str, out: &mut String) -> String {
    let at = floor_boundary(text, span.start);
    let (number, column) = position(text, at);
    let before = text.get(..at).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
    let lead = text.get(start..at).unwrap_or_default();
    let rest = line.get(lead.len()..).unwrap_or_default();
    let end = floor_boundary(text, span.end.max(at));
    let marked = text.get(at..end).unwrap_or_default().chars().count();
    let carets = marked.min(rest.chars().count()).max(1);

    // Of a long line only the part around the place is shown.
    let from = (column - 1).saturating_sub(WIDTH / 2);
    let shown: String = line.chars().skip(from).take(WIDTH).collect();
    let (cut, more) = (if from > 0 { "…" } else { "" }, line.chars().count() > from + WIDTH);
    let more = if more { "…" } else { "" };
    let carets = carets.min((from + WIDTH + 1).saturating_sub(column)).max(1);

    let gutter = number.to_string();
    let pad = " ".repeat(gutter.len());
    // A tab is copied as a tab, so that the caret stays in its column.
    let indent = cut.chars().chain(lead.chars().skip(from)).map(|c| if c == '\t' { '\t' } else { ' ' });
    let indent: String = indent.collect();
    *out += &format!("{pad}--> {lead_in}line {number}, column {column}\n");
    *out += &format!("{pad} |\n{gutter} | {cut}{shown}{more}\n{pad} | {indent}{}\n", "^".repeat(carets));
    pad
}

/// Maximum number of characters of a line that an error message shows.
const WIDTH: usize = 120;

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Name of a key in [`ErrorKind::Length`].
pub(crate) const KEY: &str = "the key";

/// Names of the fragments, for suggestions in error messages.
const FRAGMENTS: &[&str] = &[
    "pk",
    "after",
    "older",
    "sha256",
    "hash256",
    "ripemd160",
    "hash160",
    "apo",
    "apoas",
    "presigned",
    "ctv",
    "templatehash",
    "signed",
    "opens",
    "and",
    "or",
    "thresh",
];

/// Returns advice on what to write instead of a fragment that the language does not have, or a list of the fragments.
fn fragment_help(name: &str) -> String {
    match name {
        "multi" | "multi_a" | "sortedmulti" | "sortedmulti_a" => "write `thresh(k,pk(A),pk(B),…)`".into(),
        "pkh" | "pk_k" | "pk_h" => "write `pk(KEY)`".into(),
        "wpkh" | "wsh" | "sh" | "addr" | "raw" | "rawtr" | "combo" | "musig" => {
            "this is an output descriptor: the output of a policy is written `tr(KEY,policy)`, or the policy alone".into()
        }
        "and_v" | "and_b" | "and_n" | "andor" | "or_b" | "or_c" | "or_d" | "or_i" => {
            "this is Miniscript, which the compiler writes itself: use `and`, `or` and `thresh`".into()
        }
        _ => format!("{}fragments: {}", did_you_mean(name, FRAGMENTS), FRAGMENTS.join(", ")),
    }
}

/// Returns `did you mean …? ` with the most similar known name, or an empty string if no name is similar.
pub(crate) fn did_you_mean(name: &str, known: &[&str]) -> String {
    let distance = |known: &&&str| strsim::damerau_levenshtein(name, known);
    let nearest = known.iter().min_by_key(distance).filter(|known| distance(known) <= name.len().div_ceil(3));
    nearest.map(|nearest| format!("did you mean `{nearest}`? ")).unwrap_or_default()
}

impl ErrorKind {
    /// Returns advice on how to correct the error, or `None` if the error message is sufficient.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            ErrorKind::Syntax { found, .. } if found.starts_with('#') => {
                "comments stand between statements: name a part with `policy NAME = …;` and comment on it"
                    .into()
            }
            ErrorKind::UndefinedName(name) => {
                format!(
                    "define it before its use: `key {name} = …;`, `number {name} = …;` or `bytes {name} = …;`"
                )
            }
            ErrorKind::UnsetName(name) => {
                format!("write the value behind `=`, or give it with `--set {name}=…`")
            }
            ErrorKind::UnknownFragment(name) => fragment_help(name),
            ErrorKind::Length { what: KEY, is: 33, .. } => {
                "keys are x-only (BIP 340): leave out the first byte, 02 or 03".into()
            }
            ErrorKind::Length { what: KEY, is: 65, .. } => {
                "keys are x-only (BIP 340): leave out the first byte, 04, and the last 32 bytes".into()
            }
            ErrorKind::Checksum(_) => "leave it out; a comment has a space before `#`".into(),
            ErrorKind::UnusedValue { known, .. } if known.is_empty() => {
                "declare it in the policy: `key NAME;`, `number NAME;` or `bytes NAME;`".into()
            }
            ErrorKind::UnusedValue { name, known } => {
                let names: Vec<&str> = known.iter().map(String::as_str).collect();
                format!("{}names: {}", did_you_mean(name, &names), known.join(", "))
            }
            ErrorKind::NoInternalKey => "write the output as `tr(KEY, policy)`".into(),
            ErrorKind::UnknownReason(name) => {
                let names: Vec<&str> = Reason::ALL.iter().map(|reason| reason.name()).collect();
                format!("{}checks: {}", did_you_mean(name, &names), names.join(", "))
            }
            ErrorKind::SharedSlot(_) => {
                "a slot belongs to one condition: several keys sign one message with `signed(message, A, B)`"
                    .into()
            }
            ErrorKind::TooLarge { .. } | ErrorKind::TooDeep => {
                "split the policy over several outputs, or replace alternatives by a threshold of keys".into()
            }
            ErrorKind::Refused(reason, _) => {
                format!("{} (to allow it: `allow {};`)", reason.why(), reason.name())
            }
            _ => return None,
        })
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::Syntax { expected, found } if found.is_empty() => {
                write!(f, "expected {expected}, but the text ends")
            }
            ErrorKind::Syntax { expected, found } => write!(f, "expected {expected}, found `{found}`"),
            ErrorKind::UnknownFragment(name) => write!(f, "unknown fragment `{name}`"),
            ErrorKind::NumberOverflow => f.write_str("the number does not fit into 64 bits"),
            ErrorKind::ReservedName(name) => write!(f, "`{name}` is a word of the language, not a free name"),
            ErrorKind::UndefinedName(name) => write!(f, "`{name}` is not defined"),
            ErrorKind::UnsetName(name) => write!(f, "`{name}` has no value"),
            ErrorKind::WrongKind { name, needed, is } => {
                write!(f, "`{name}` is {is}, but {needed} is needed")
            }
            ErrorKind::DuplicateName(name) => write!(f, "`{name}` is defined twice"),
            ErrorKind::GivenValue { name, needed } => write!(f, "the value of `{name}` must be {needed}"),
            ErrorKind::UnusedValue { name, .. } => {
                write!(f, "a value is given for `{name}`, but the policy does not declare this name")
            }
            ErrorKind::UnknownReason(name) => write!(f, "`{name}` is not the name of a check"),
            ErrorKind::Length { what, needed, is } => {
                write!(f, "{what} has {is} {} instead of {needed}", if *is == 1 { "byte" } else { "bytes" })
            }
            ErrorKind::Checksum(text) => {
                write!(f, "`{text}` is the checksum of an output descriptor; a policy has no checksum")
            }
            ErrorKind::NotAKey => f.write_str("these 32 bytes are not the x coordinate of a point"),
            ErrorKind::NoInternalKey => {
                f.write_str("`internal` cannot be used: the output has no internal key")
            }
            ErrorKind::Arguments(what) => f.write_str(what),
            ErrorKind::Range { what, range: (least, most), is } => {
                write!(f, "{what} must be from {least} to {most}, not {is}")
            }
            ErrorKind::SharedSlot(name) => write!(f, "the slot `{name}` is named in two conditions"),
            ErrorKind::MisplacedMessage(what) => f.write_str(what),
            ErrorKind::Unsatisfiable => f.write_str("nothing satisfies this policy"),
            ErrorKind::Never(why) => f.write_str(why),
            ErrorKind::TooDeep => write!(f, "fragments are nested deeper than {MAX_DEPTH}"),
            ErrorKind::TooLong => write!(f, "the text is longer than {MAX_TEXT} bytes"),
            ErrorKind::TooLarge { what, limit } => write!(f, "more than {limit} {what}"),
            ErrorKind::Refused(reason, detail) => write!(f, "refused ({}): {detail}", reason.name()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.kind, self.span.start)
    }
}

impl std::error::Error for Error {}
