//! Assembles scripts and stacks from text.
//!
//! | word | becomes |
//! | --- | --- |
//! | `OP_NAME` or `NAME` | the opcode |
//! | a decimal number, -4294967295 to 4294967295 | the shortest push of the number |
//! | `<hex>` | a push of the bytes with the shortest length prefix |
//! | hex of 5 bytes or more with a letter in it | a push of the bytes, as Bitcoin Core prints pushes; not in a stack |
//! | the same hex followed by `[ALL]` or another hash type | a push of the bytes and the hash type, as Core prints it |
//! | `OP_PUSHBYTES_n hex`, `OP_PUSHDATA1 hex` | a push with this prefix, as rust-bitcoin and explorers print it |
//! | `OP_PUSHNUM_n`, `OP_PUSHNUM_NEG1`, `OP_RETURN_n` | the opcode, as rust-bitcoin and explorers print it |
//! | `PUSHDATA1<hex>`, also 2 and 4 | a push with this longer prefix |
//! | `'text'` | a push of the text |
//! | `0xhex` | the raw bytes, without a push opcode |
//!
//! Ambiguous words are errors: shorter hex without `<>` could be raw bytes or a push, and longer decimal digits could
//! be a number or bytes. In a stack, all hex without `<>` or `0x` is an error, because hex that contains no letter
//! would be read as a number.

use crate::hints::counted;
use core::fmt;

use sigstack_interpreter::{CodePoints, Instructions, Opcode, append_number, append_push};

/// A word that cannot be assembled, because it has no meaning or is ambiguous.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AsmError {
    /// Byte offset of the word in the text.
    pub offset: usize,
    /// The word that cannot be assembled.
    pub word: String,
    /// Description of the problem.
    pub problem: String,
    /// `true` if the word may be a misspelled opcode.
    pub is_unknown_name: bool,
}

impl fmt::Display for AsmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at byte {}: {}", self.word, self.offset, self.problem)
    }
}

impl core::error::Error for AsmError {}

/// Maximum absolute value of a number in assembly, as in Core's test assembly. Lock times need this range, because
/// OP_CHECKLOCKTIMEVERIFY reads numbers of 5 bytes. Other opcodes read 4 bytes, up to 2147483647.
const MAX_NUMBER: i64 = 0xffff_ffff;

/// Minimum length in bytes of a push that Bitcoin Core prints as hex. Core prints shorter pushes as numbers.
const LEAST_BARE_HEX: usize = 5;

/// ECDSA hash types, by the names that Bitcoin Core prints after a signature.
const HASH_TYPES: [(&str, u8); 6] = [
    ("[ALL]", 0x01),
    ("[NONE]", 0x02),
    ("[SINGLE]", 0x03),
    ("[ALL|ANYONECANPAY]", 0x81),
    ("[NONE|ANYONECANPAY]", 0x82),
    ("[SINGLE|ANYONECANPAY]", 0x83),
];

/// Splits an assembly text into words, each with its byte offset. A word in single quotes may contain spaces. A `#`
/// begins a comment.
fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        let mut offset = 0;
        while let Some(rest) = line.get(offset..).filter(|rest| !rest.is_empty()) {
            let blank = rest.len() - rest.trim_start().len();
            let word = rest.trim_start();
            offset += blank;
            if word.is_empty() || word.starts_with('#') {
                break;
            }
            let quoted = word.strip_prefix('\'').and_then(|inner| inner.find('\'')).map(|end| end + 2);
            let length = quoted.or_else(|| word.find(char::is_whitespace)).unwrap_or(word.len());
            let (word, _) = word.split_at_checked(length).unwrap_or((word, ""));
            words.push((line_start + offset, word));
            offset += length;
        }
        line_start += line.len();
    }
    words
}

/// Converts a script from assembly to bytes.
///
/// # Errors
///
/// [`AsmError`] for the first word that has no meaning or is ambiguous.
pub fn assemble(text: &str) -> Result<Vec<u8>, AsmError> {
    assemble_as(text, &CodePoints::default())
}

/// Assembles a script in which the bytes of `code_points` stand for the opcodes of proposals.
///
/// # Errors
///
/// [`AsmError`] as [`assemble`].
pub fn assemble_as(text: &str, code_points: &CodePoints) -> Result<Vec<u8>, AsmError> {
    let mut script = Vec::new();
    for (bytes, _) in pieces(text, Of::Script(code_points))? {
        script.extend(bytes);
    }
    Ok(script)
}

/// Returns the first word of a script that has two meanings: ten decimal digits. The word is assembled as a number,
/// but Bitcoin Core could have printed it as the hex of a push of five bytes. Such numbers are from 1000000000 to
/// 4294967295, the range of lock times in seconds.
///
/// # Errors
///
/// [`AsmError`] as [`assemble`].
pub fn number_like_hex(text: &str) -> Result<Option<AsmError>, AsmError> {
    let is_like_hex =
        |word: &str| word.len() == 2 * LEAST_BARE_HEX && word.bytes().all(|byte| byte.is_ascii_digit());
    let defaults = CodePoints::default();
    let found = pieces(text, Of::Script(&defaults))?.into_iter().find(|(_, (_, word))| is_like_hex(word));
    Ok(found.map(|(_, (offset, word))| AsmError {
        offset,
        word: word.to_owned(),
        problem: "could be a number or, as Bitcoin Core prints pushes, 5 bytes in hex".into(),
        is_unknown_name: false,
    }))
}

/// Assembles the elements of a stack, the last one on top. Each word pushes one element. Hex must be written as `<hex>`
/// or `0xhex`, because hex that contains no letter would be read as a number.
///
/// # Errors
///
/// [`AsmError`] for the first word that does not push an element.
pub fn assemble_stack(text: &str) -> Result<Vec<Vec<u8>>, AsmError> {
    let element = |(bytes, (offset, word)): (Vec<u8>, Word<'_>)| {
        if word.starts_with("0x") {
            return Ok(bytes);
        }
        pushed(&bytes).ok_or_else(|| AsmError {
            offset,
            word: word.to_owned(),
            problem: "pushes nothing; an element is a number, <hex>, 0xhex or 'text'".into(),
            is_unknown_name: false,
        })
    };
    pieces(text, Of::Stack)?.into_iter().map(element).collect()
}

/// A word of an assembly text, preceded by its byte offset in the text.
type Word<'t> = (usize, &'t str);

/// Whether a word is part of a script or of a stack. In a stack every word is one element. Only in a script does
/// `0xhex` stand for raw bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of<'p> {
    Script(&'p CodePoints),
    Stack,
}

/// Assembles each word of a text, and returns its bytes together with the word. A push opcode and the data word after
/// it are assembled together.
fn pieces<'t>(text: &'t str, of: Of<'_>) -> Result<Vec<(Vec<u8>, Word<'t>)>, AsmError> {
    let words = words(text);
    let mut rest = words.as_slice();
    let mut pieces = Vec::new();
    while let [(offset, word), after @ ..] = rest {
        let error = |wrong: Wrong| AsmError {
            offset: *offset,
            word: (*word).to_owned(),
            is_unknown_name: matches!(wrong, Wrong::Unknown),
            problem: match wrong {
                Wrong::Unknown => "neither an opcode, a number, <hex>, 0xhex nor 'text'".into(),
                Wrong::Other(problem) => problem,
            },
        };
        let data = after.first().map(|(_, data)| *data);
        let (bytes, takes_data) = match with_data(word, data).map_err(error)? {
            Some(bytes) => (bytes, true),
            None => (bytes_of(word, of).map_err(error)?, false),
        };
        pieces.push((bytes, (*offset, *word)));
        rest = if takes_data { after.get(1..).unwrap_or_default() } else { after };
    }
    Ok(pieces)
}

/// Returns the data that a script pushes if it is a single push, otherwise `None`.
fn pushed(script: &[u8]) -> Option<Vec<u8>> {
    let mut instructions = Instructions::new(script);
    let instruction = instructions.next()?.ok()?;
    if instructions.next().is_some() {
        return None;
    }
    match instruction.opcode {
        opcode if opcode <= Opcode::OP_PUSHDATA4 => Some(instruction.data.to_vec()),
        Opcode::OP_1NEGATE => Some(vec![0x81]),
        Opcode(byte @ 0x51..=0x60) => Some(vec![byte - 0x50]),
        _ => None,
    }
}

/// Reason why a word cannot be assembled.
enum Wrong {
    /// The word is unknown; it may be a misspelled opcode.
    Unknown,
    Other(String),
}

impl From<String> for Wrong {
    fn from(problem: String) -> Wrong {
        Wrong::Other(problem)
    }
}

impl From<&str> for Wrong {
    fn from(problem: &str) -> Wrong {
        Wrong::Other(problem.into())
    }
}

/// Assembles a push opcode followed by a word with its data, as rust-bitcoin and explorers write pushes. Returns
/// `None` if `word` is not such an opcode.
fn with_data(word: &str, data: Option<&str>) -> Result<Option<Vec<u8>>, Wrong> {
    let name = word.strip_prefix("OP_").unwrap_or(word);
    let length = name.strip_prefix("PUSHBYTES_").and_then(|length| length.parse::<u8>().ok());
    let opcode = match (length, Opcode::from_name(word)) {
        (Some(length @ 0..=75), _) => Opcode(length),
        (_, Some(opcode @ (Opcode::OP_PUSHDATA1 | Opcode::OP_PUSHDATA2 | Opcode::OP_PUSHDATA4))) => opcode,
        _ => return Ok(None),
    };
    // Core's tests write the length and the data of a push as raw bytes, so the next word is assembled on its own.
    if length.is_none() && data.is_some_and(|data| data.starts_with("0x")) {
        return Ok(None);
    }
    if opcode == Opcode::OP_0 {
        return Ok(None);
    }
    let digits = data.map(|data| data.strip_prefix('<').and_then(|it| it.strip_suffix('>')).unwrap_or(data));
    let bytes = digits.and_then(|digits| hex::decode(digits).ok());
    let bytes = bytes.ok_or("must be followed by its data in hex")?;
    if let Some(needed) = length.filter(|length| usize::from(*length) != bytes.len()) {
        return Err(format!("is followed by {} of data, needs {needed}", counted(bytes.len(), "byte")).into());
    }
    let mut script = Vec::new();
    push_with(&bytes, opcode, &mut script)?;
    Ok(Some(script))
}

fn hex_bytes(digits: &str) -> Result<Vec<u8>, Wrong> {
    hex::decode(digits).map_err(|error| format!("bad hex: {error}").into())
}

fn bytes_of(word: &str, of: Of<'_>) -> Result<Vec<u8>, Wrong> {
    let digits = word.strip_prefix('-').unwrap_or(word);
    if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return number(word, digits, of);
    }
    if let Some(raw) = word.strip_prefix("0x") {
        if raw.is_empty() {
            return Err("has no digits after 0x".into());
        }
        return hex_bytes(raw);
    }
    let mut script = Vec::new();
    if let Some(text) = word.strip_prefix('\'') {
        append_push(text.strip_suffix('\'').ok_or("the closing quote is missing")?.as_bytes(), &mut script);
        return Ok(script);
    }
    if let Some(problem) = lost_bytes(word) {
        return Err(problem.into());
    }
    if let Some((prefix, data)) = word.split_once('<') {
        let data = hex_bytes(data.strip_suffix('>').ok_or("the closing > is missing")?)?;
        match prefix {
            "" => append_push(&data, &mut script),
            name => {
                let opcode = Opcode::from_name(name).ok_or_else(|| format!("no opcode is named {name:?}"))?;
                push_with(&data, opcode, &mut script)?;
            }
        }
        return Ok(script);
    }
    if let Some(opcode) = Opcode::from_name(word).or_else(|| explorer_name(word)) {
        // The name OP_SUCCESSx is that of a byte.
        let is_of_byte = word.contains("SUCCESS");
        return Ok(vec![match of {
            Of::Script(code_points) if !is_of_byte => code_points.byte(opcode).0,
            _ => opcode.0,
        }]);
    }
    bare_hex(word, of)
}

/// Returns an error message for a word that other programs print in place of a script's bytes, such as `[error]`.
/// Returns `None` for other words.
fn lost_bytes(word: &str) -> Option<&'static str> {
    match word {
        "[error]" | "<unexpected" | "<push" => {
            Some("other programs print this where a push is cut short; the bytes are not in the text")
        }
        "OP_UNKNOWN" => {
            Some("Bitcoin Core prints this for an opcode that it has no name for; write the byte as 0xhex")
        }
        _ => None,
    }
}

/// Returns the opcode for a name that only rust-bitcoin, and explorers that are built on it, use. Returns `None` for
/// other names.
fn explorer_name(word: &str) -> Option<Opcode> {
    let name = word.strip_prefix("OP_").unwrap_or(word);
    if name == "PUSHNUM_NEG1" {
        return Some(Opcode::OP_1NEGATE);
    }
    if name == "PUSHBYTES_0" {
        return Some(Opcode::OP_0);
    }
    if let Some(number) = name.strip_prefix("PUSHNUM_") {
        let number: u8 = number.parse().ok()?;
        return (1..=16).contains(&number).then(|| Opcode(0x50 + number));
    }
    // Opcodes without a name. The first one follows OP_CHECKSIGADD.
    let byte: u8 = name.strip_prefix("RETURN_")?.parse().ok()?;
    (byte > Opcode::OP_NOP10.0).then_some(Opcode(byte))
}

fn number(word: &str, digits: &str, of: Of<'_>) -> Result<Vec<u8>, Wrong> {
    let as_bytes = match of {
        _ if digits != word || !digits.len().is_multiple_of(2) => String::new(),
        Of::Script(_) => format!("; for bytes, write <{digits}> (a push) or 0x{digits} (raw)"),
        Of::Stack => format!("; for bytes, write <{digits}>"),
    };
    if digits.starts_with('0') && word != "0" {
        return Err(format!("a number does not begin with 0{as_bytes}").into());
    }
    let number = word.parse::<i64>().ok().filter(|number| number.unsigned_abs() <= MAX_NUMBER.unsigned_abs());
    let number = number.ok_or_else(|| format!("a number is from -{MAX_NUMBER} to {MAX_NUMBER}{as_bytes}"))?;
    let mut script = Vec::new();
    append_number(number, &mut script);
    Ok(script)
}

/// Assembles hex that is written without `<>` or `0x`. It contains a letter or ends in a hash type such as `[ALL]`.
fn bare_hex(word: &str, of: Of<'_>) -> Result<Vec<u8>, Wrong> {
    let (digits, hash_type) = match HASH_TYPES.iter().find(|(name, _)| word.ends_with(name)) {
        Some((name, byte)) => (word.strip_suffix(name).unwrap_or(word), Some(*byte)),
        None => (word, None),
    };
    let mut data = hex::decode(digits).map_err(|_| Wrong::Unknown)?;
    if data.is_empty() {
        return Err(Wrong::Unknown);
    }
    match (of, hash_type) {
        (Of::Stack, None) => return Err(format!("hex needs <> in a stack; write <{word}>").into()),
        (Of::Script(_), None) if data.len() < LEAST_BARE_HEX => {
            return Err(format!("could be a push or raw bytes; write <{word}> or 0x{word}").into());
        }
        _ => {}
    }
    data.extend(hash_type);
    let mut script = Vec::new();
    append_push(&data, &mut script);
    Ok(script)
}

/// Appends a push of `data` to the script, using the given push opcode even if it is not the shortest.
fn push_with(data: &[u8], opcode: Opcode, script: &mut Vec<u8>) -> Result<(), Wrong> {
    let length = u32::try_from(data.len()).map_err(|_| "too long")?;
    let [a, b, c, d] = length.to_le_bytes();
    match opcode {
        opcode if opcode < Opcode::OP_PUSHDATA1 => script.push(opcode.0),
        Opcode::OP_PUSHDATA1 if length <= 0xff => script.extend([opcode.0, a]),
        Opcode::OP_PUSHDATA2 if length <= 0xffff => script.extend([opcode.0, a, b]),
        Opcode::OP_PUSHDATA4 => script.extend([opcode.0, a, b, c, d]),
        Opcode::OP_PUSHDATA1 | Opcode::OP_PUSHDATA2 => return Err("too long for this opcode".into()),
        opcode => return Err(format!("{opcode} takes no data; only PUSHDATA1, 2 and 4 do").into()),
    }
    script.extend_from_slice(data);
    Ok(())
}

#[cfg(test)]
mod tests;
