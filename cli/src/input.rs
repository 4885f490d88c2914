//! Reads the content of arguments: the text itself, the file of `@FILE`, or standard input for `-`.
//!
//! A file may contain text or raw bytes. A path without `@` is not opened, and causes an error with a hint.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::OnceLock;

use bitcoin::{Amount, ScriptBuf, Transaction, TxOut, Witness};
use sigstack_debugger::{AsmError, assemble, assemble_as, assemble_stack, disassemble, number_like_hex};
use sigstack_interpreter::encoding::{DecodeError, decode_output, decode_transaction, decode_witness};
use sigstack_interpreter::{CodePoints, OPCODES};

use crate::nearest;
use crate::problem::Problem;
use sigstack_debugger::counted;

/// Section of the help about arguments that are read from files or standard input.
pub(crate) const HELP: &str = "\
Arguments:
  A transaction, an output, a PSBT, a script, a stack, a witness or a policy is given as text, as @FILE for the
  content of a file, or as - for standard input (once in a call). Hex may contain spaces and line breaks, and a
  file may be binary. A path needs the @, except where the usage says PATH or FILE.
  Scripts and stacks are read as assembly (see asm --help). The prefix hex: marks hex and asm: marks assembly, as in
  hex:52935587 or hex:@FILE. Words that are all hex need a prefix.";

/// Argument that stands for the content of standard input.
const STDIN: &str = "-";

/// Maximum number of bytes read from a file or standard input: more than any block in hex.
const MAX_BYTES: u64 = 64 << 20;

/// First bytes of a PSBT (BIP 174).
const PSBT_MAGIC: &[u8] = b"psbt\xff";

/// First characters of a PSBT in base64.
const PSBT_BASE64: &str = "cHNidP";

/// Name of the argument for which standard input was read. The name is stored because standard input can be read only
/// once.
static STDIN_READ_FOR: OnceLock<String> = OnceLock::new();

enum Content {
    Text(String),
    Binary(Vec<u8>),
}

/// Reads a file, or standard input for the path `-`. Reads at most one byte more than `max_bytes`, so that the caller
/// notices if the file is too long. `name` is the argument, used in the error if standard input is read twice.
pub(crate) fn read_path(path: &Path, max_bytes: u64, name: &str) -> io::Result<Vec<u8>> {
    let max_bytes = max_bytes.saturating_add(1);
    let mut bytes = Vec::new();
    if path == Path::new(STDIN) {
        if STDIN_READ_FOR.set(name.to_owned()).is_err() {
            let first = STDIN_READ_FOR.get().map(String::as_str).unwrap_or_default();
            return Err(io::Error::other(format!(
                "it was read for {first} already; only one argument can be -"
            )));
        }
        io::stdin().lock().take(max_bytes).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(max_bytes).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Returns bytes as text if they are valid UTF-8 without control characters other than white space, and otherwise as
/// binary content.
fn as_text(bytes: Vec<u8>) -> Content {
    let is_text = |text: &str| !text.chars().any(|char| char.is_control() && !char.is_whitespace());
    match String::from_utf8(bytes) {
        Ok(text) if is_text(&text) => Content::Text(text.trim_start_matches('\u{feff}').trim().to_owned()),
        Ok(text) => Content::Binary(text.into_bytes()),
        Err(error) => Content::Binary(error.into_bytes()),
    }
}

/// Reads a file, or standard input for `-`. `name` is the argument, which errors name.
fn of_path(path: &str, name: &str) -> Result<Content, Problem> {
    if path.is_empty() {
        return Err(Problem::new("the path of a file is missing after @").at(name));
    }
    let wrong = |what: String| {
        let shown = if path == STDIN { "standard input" } else { path };
        Problem::new(what).at(shown).at(name)
    };
    let bytes = read_path(Path::new(path), MAX_BYTES, name).map_err(|error| wrong(error.to_string()))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_BYTES) {
        return Err(wrong(format!("larger than {MAX_BYTES} bytes")));
    }
    Ok(as_text(bytes))
}

fn content(argument: &str, name: &str) -> Result<Content, Problem> {
    match (argument, argument.strip_prefix('@')) {
        (STDIN, _) => of_path(STDIN, name),
        (_, Some(path)) => of_path(path, name),
        (text, None) => Ok(Content::Text(text.trim().to_owned())),
    }
}

/// Adds a hint to an error if its argument looks like a path without `@`.
pub(crate) fn path_hint(problem: Problem, argument: &str) -> Problem {
    if argument == STDIN || argument.starts_with('@') {
        return problem;
    }
    if Path::new(argument).is_file() {
        return problem.hint(format!("a file of this name exists: write @{argument} to read it"));
    }
    // Base64 may contain slashes, so that a PSBT could look like a path.
    let is_like_path = argument.contains(['/', '\\', '.'])
        && !argument.contains(char::is_whitespace)
        && !argument.starts_with(PSBT_BASE64);
    if is_like_path {
        problem.hint("if this is the path of a file, write @ before it; no such file exists")
    } else {
        problem
    }
}

/// Returns the text that an argument gives, without surrounding white space.
pub(crate) fn text(argument: &str, name: &str) -> Result<String, Problem> {
    match content(argument, name)? {
        Content::Text(text) => Ok(text),
        Content::Binary(_) => Err(Problem::new("binary data, where text is expected").at(name)),
    }
}

/// Returns the content of an argument without decoding it: the bytes of a binary file, or of the trimmed text.
pub(crate) fn raw(argument: &str, name: &str) -> Result<Vec<u8>, Problem> {
    Ok(match content(argument, name)? {
        Content::Text(text) => text.into_bytes(),
        Content::Binary(bytes) => bytes,
    })
}

/// Returns the text of an argument that may also be a path without `@`. The argument is a path if `is_text` returns
/// `false` for it.
pub(crate) fn text_or_path(
    argument: &str,
    name: &str,
    is_text: impl Fn(&str) -> bool,
) -> Result<String, Problem> {
    if argument == STDIN || argument.starts_with('@') || is_text(argument) {
        return text(argument, name);
    }
    text(&format!("@{argument}"), name)
}

/// Parses hex digits, which may contain white space anywhere.
pub(crate) fn hex_bytes(text: &str) -> Result<Vec<u8>, String> {
    let mut digits = Vec::with_capacity(text.len());
    for (position, char) in text.chars().enumerate() {
        if let Some(digit) = char.to_digit(16) {
            digits.push(digit);
        } else if !char.is_whitespace() {
            return Err(format!("not hex: {char:?} at position {position}, counted from 0"));
        }
    }
    if digits.len() % 2 == 1 {
        return Err(format!("not hex: {}, an odd number", counted(digits.len(), "digit")));
    }
    let byte = |pair: &[u32]| pair.iter().fold(0, |byte, digit| byte << 4 | digit);
    Ok(digits.chunks(2).map(|pair| u8::try_from(byte(pair)).unwrap_or_default()).collect())
}

/// Returns the bytes that an argument gives in hex, or as a binary file.
pub(crate) fn bytes(argument: &str, name: &str) -> Result<Vec<u8>, Problem> {
    match content(argument, name)? {
        Content::Binary(bytes) => Ok(bytes),
        Content::Text(text) => {
            hex_bytes(&text).map_err(|problem| path_hint(Problem::new(problem).at(name), argument))
        }
    }
}

fn decoded<T>(argument: &str, name: &str, decode: fn(&[u8]) -> Result<T, DecodeError>) -> Result<T, Problem> {
    let bytes = bytes(argument, name)?;
    decode(&bytes).map_err(|error| {
        let problem = Problem::new(error.to_string()).at(name);
        match bytes.starts_with(PSBT_MAGIC) {
            true => problem.hint("these bytes are a PSBT: `sigstack verify --psbt` reads it"),
            false => problem,
        }
    })
}

/// Returns `true` if these bytes are a transaction, raw or in hex.
pub(crate) fn is_transaction(content: &[u8]) -> bool {
    let digits = core::str::from_utf8(content).ok().and_then(|text| hex_bytes(text).ok());
    decode_transaction(digits.as_deref().unwrap_or(content)).is_ok()
}

/// Reads the transaction that an argument gives, in hex or as a binary file.
pub(crate) fn transaction(argument: &str, name: &str) -> Result<Transaction, Problem> {
    decoded(argument, name, decode_transaction)
}

/// Reads the serialized witness that an argument gives, in hex or as a binary file.
pub(crate) fn witness(argument: &str, name: &str) -> Result<Witness, Problem> {
    decoded(argument, name, decode_witness)
}

/// Reads the transaction output that an argument gives, as `SATOSHI:SCRIPT` or serialized.
pub(crate) fn output(argument: &str, name: &str) -> Result<TxOut, Problem> {
    let wrong = |what: String| Problem::new(what).at(name);
    let text = match content(argument, name)? {
        Content::Text(text) => text,
        Content::Binary(bytes) => return decode_output(&bytes).map_err(|error| wrong(error.to_string())),
    };
    let Some((satoshi, script)) = text.split_once(':') else {
        let bytes = hex_bytes(&text).map_err(|problem| {
            path_hint(wrong(problem), argument).hint("write SATOSHI:SCRIPT or the serialized output in hex")
        })?;
        return decode_output(&bytes).map_err(|error| {
            wrong(error.to_string()).hint("write SATOSHI:SCRIPT or the serialized output in hex")
        });
    };
    let satoshi = satoshi.trim();
    let value = satoshi.parse().map_err(|_| {
        wrong(format!("{satoshi:?} is not an amount in satoshi"))
            .hint(format!("give a whole number from 0 to {}", u64::MAX))
    })?;
    let script = hex_bytes(script).map_err(|problem| Problem::new(problem).at("script").at(name))?;
    Ok(TxOut { value: Amount::from_sat(value), script_pubkey: ScriptBuf::from_bytes(script) })
}

/// How the text of a script or stack argument is written, according to its prefix: `asm:`, `hex:`, or no prefix.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Assembly,
    Hex,
    /// The script or stack has no prefix `asm:` or `hex:`. The text is assembly, unless it could also be hex.
    Unnamed,
}

/// Returns the notation that the prefix `asm:` or `hex:` of an argument selects, and the argument without the prefix.
fn form(argument: &str) -> (Form, &str) {
    match (argument.strip_prefix("asm:"), argument.strip_prefix("hex:")) {
        (Some(rest), _) => (Form::Assembly, rest),
        (_, Some(rest)) => (Form::Hex, rest),
        _ => (Form::Unnamed, argument),
    }
}

/// Returns `true` if every word of the text is hex with an even number of digits. As assembly, such words could be
/// numbers or pushes.
fn is_bare_hex(text: &str) -> bool {
    let is_hex =
        |word: &str| word.len().is_multiple_of(2) && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    !text.is_empty() && text.split_whitespace().all(is_hex)
}

/// Returns the error for a text that could be hex or assembly. The hint gives both spellings. `bytes` describes the
/// meaning as hex. `push` describes the meaning as assembly, if the text is not only numbers.
fn ambiguous(text: &str, bytes: &str, push: impl FnOnce(&str) -> String) -> Problem {
    let short = if text.len() > MAX_SHOWN { "..." } else { text };
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_whitespace());
    let other = match text.split_whitespace().count() {
        ..=1 if is_decimal && assemble(text).is_ok() => format!("asm:{short} for the number"),
        2.. if is_decimal && assemble(text).is_ok() => format!("asm:{short} for the numbers"),
        _ => push(short),
    };
    Problem::new(format!("{short} could be hex or assembly"))
        .hint(format!("write hex:{short} for {bytes}, or {other}"))
}

/// Maximum length in bytes of an argument's text that an error message or a hint quotes.
const MAX_SHOWN: usize = 48;

fn asm_problem(error: &AsmError, argument: &str) -> Problem {
    let problem = path_hint(Problem::new(error.to_string()), argument);
    if !error.is_unknown_name {
        return problem;
    }
    let aliases = OPCODES.iter().flat_map(|info| info.aliases).copied();
    let names = OPCODES.iter().map(|info| info.name).chain(aliases);
    match nearest::suggestion(&error.word, names) {
        Some(suggestion) => problem.hint(suggestion),
        None => problem,
    }
}

/// Reads a script that an argument gives: assembly, `asm:` and assembly, `hex:` and hex, or a binary file. Hex
/// without `hex:` is rejected, even if it consists of several words, because hex may contain white space.
pub(crate) fn script(argument: &str, name: &str, code_points: &CodePoints) -> Result<Vec<u8>, Problem> {
    let (form, rest) = form(argument);
    match content(rest, name)? {
        Content::Text(text) => script_of_text(&text, form, rest, name, code_points),
        Content::Binary(bytes) if form != Form::Assembly => Ok(bytes),
        Content::Binary(_) => Err(Problem::new("binary data, where assembly is expected").at(name)),
    }
}

/// Reads a script that an argument gives, like [`script`], but rejects binary files.
pub(crate) fn assembly(argument: &str, name: &str, code_points: &CodePoints) -> Result<Vec<u8>, Problem> {
    let (form, rest) = form(argument);
    match content(rest, name)? {
        Content::Text(text) => script_of_text(&text, form, rest, name, code_points),
        Content::Binary(_) => Err(Problem::new("binary data, where assembly is expected")
            .at(name)
            .hint("`sigstack disasm` reads the bytes of a script")),
    }
}

/// Converts a text to a script. If the argument had no prefix, the text may begin with one, because it may be the
/// content of a file.
fn script_of_text(
    text: &str,
    form: Form,
    rest: &str,
    name: &str,
    code_points: &CodePoints,
) -> Result<Vec<u8>, Problem> {
    let (form, text) = if form == Form::Unnamed { self::form(text) } else { (form, text) };
    let assembled = || assemble_as(text, code_points).map_err(|error| asm_problem(&error, rest));
    match form {
        Form::Hex => hex_bytes(text).map_err(|problem| path_hint(Problem::new(problem), rest)),
        Form::Unnamed if is_bare_hex(text) => {
            let script = hex_bytes(text).unwrap_or_default();
            let words: Vec<String> = disassemble(&script).into_iter().map(|(_, word)| word).collect();
            let words = words.join(" ");
            let shown = if words.len() > MAX_SHOWN { "of these bytes".into() } else { words };
            let push = |text: &str| {
                let words: Vec<String> = text.split_whitespace().map(|word| format!("<{word}>")).collect();
                format!("{} for a push of these bytes", words.join(" "))
            };
            Err(ambiguous(text, &format!("the script {shown}"), push))
        }
        Form::Unnamed => match number_like_hex(text) {
            Ok(Some(error)) => {
                let word = &error.word;
                Err(Problem::new(error.to_string()).hint(format!(
                    "write asm: before the script, where {word} is the number, or <{word}> for a push of these bytes"
                )))
            }
            Ok(None) => assembled(),
            Err(error) => Err(asm_problem(&error, rest)),
        },
        Form::Assembly => assembled(),
    }
    .map_err(|problem| problem.at(name))
}

/// Reads the elements of an initial stack, the top last: assembly, `asm:` and assembly, or `hex:` and the elements in
/// hex. If all words are hex, a prefix is required.
pub(crate) fn stack(argument: &str, name: &str) -> Result<Vec<Vec<u8>>, Problem> {
    let (form, rest) = form(argument);
    let content = text(rest, name)?;
    let (form, text) = if form == Form::Unnamed { self::form(&content) } else { (form, content.as_str()) };
    match form {
        Form::Hex => {
            let elements = text.split_whitespace().map(hex_bytes).collect::<Result<Vec<_>, _>>();
            elements.map_err(|problem| path_hint(Problem::new(problem), rest))
        }
        Form::Unnamed if is_bare_hex(text) => {
            let bytes = if text.split_whitespace().count() == 1 { "an element" } else { "elements" };
            Err(ambiguous(text, &format!("{bytes} with these bytes"), |text| match text {
                "..." => "<...> for each element".into(),
                text => format!("{} in assembly, where digits alone are a number", bracketed(text)),
            }))
        }
        Form::Assembly | Form::Unnamed => assemble_stack(text).map_err(|error| asm_problem(&error, rest)),
    }
    .map_err(|problem| problem.at(name))
}

/// Converts elements in hex to assembly: words that assembly does not read as numbers are put into `<>`.
fn bracketed(text: &str) -> String {
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit()) && assemble(word).is_ok();
    let words = text.split_whitespace().map(|word| match is_number(word) {
        true => word.to_owned(),
        false => format!("<{word}>"),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Reads the x-only public key of 32 bytes that an argument gives in hex.
pub(crate) fn x_only_key(argument: &str, name: &str) -> Result<[u8; 32], Problem> {
    let bytes = bytes(argument, name)?;
    bytes.as_slice().try_into().map_err(|_| {
        let problem =
            Problem::new(format!("{}, where an x-only key has 32", counted(bytes.len(), "byte"))).at(name);
        match bytes.as_slice() {
            [2 | 3, key @ ..] if key.len() == 32 => {
                problem.hint(format!("this is a compressed key; its x-only key is {}", hex::encode(key)))
            }
            _ => problem,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_has_white_space_and_its_errors_a_place() {
        assert_eq!(hex_bytes(" 00 aB\n\tfF\r\n"), Ok(vec![0, 0xab, 0xff]));
        assert_eq!(hex_bytes(""), Ok(vec![]));
        assert_eq!(hex_bytes("00 zz"), Err("not hex: 'z' at position 3, counted from 0".into()));
        assert_eq!(hex_bytes("00 a"), Err("not hex: 3 digits, an odd number".into()));
        assert_eq!(hex_bytes("00é0"), Err("not hex: 'é' at position 2, counted from 0".into()));
    }

    #[test]
    fn files_are_text_or_bytes() {
        let text = |bytes: &[u8]| match as_text(bytes.to_vec()) {
            Content::Text(text) => Some(text),
            Content::Binary(_) => None,
        };
        assert_eq!(text(b"\xef\xbb\xbf00ff\r\n").as_deref(), Some("00ff"));
        assert_eq!(text(b"\x01\0\0\0"), None);
        assert_eq!(text(b"psbt\xff"), None);
    }

    fn error<T>(result: Result<T, Problem>) -> serde_json::Value {
        result.map(drop).unwrap_err().to_json()["error"].clone()
    }

    #[test]
    fn outputs_of_both_forms() {
        let output = |text: &str| output(text, "--prevout 0");
        let expected = TxOut { value: Amount::from_sat(5), script_pubkey: ScriptBuf::from_bytes(vec![0x51]) };
        for form in ["5:51", " 5 : 51 ", "05000000000000000151"] {
            assert_eq!(output(form).as_ref(), Ok(&expected), "{form}");
        }
        assert_eq!(output("5:").unwrap().script_pubkey, ScriptBuf::new());
        let short = "length of scriptPubKey: 1 byte expected, 0 left (byte 8)";
        for (text, place, problem) in [
            ("0500000000000000", "--prevout 0", short),
            ("-5:51", "--prevout 0", "\"-5\" is not an amount in satoshi"),
            ("5:5", "--prevout 0: script", "not hex: 1 digit, an odd number"),
            ("x", "--prevout 0", "not hex: 'x' at position 0, counted from 0"),
        ] {
            let error = error(output(text));
            assert_eq!((&error["where"], &error["problem"]), (&place.into(), &problem.into()), "{text}");
        }
    }

    #[test]
    fn a_compressed_key_is_recognised() {
        let key = "11".repeat(32);
        assert_eq!(x_only_key(&key, "--internal-key"), Ok([0x11; 32]));
        for (prefix, is_compressed) in [("02", true), ("03", true), ("04", false)] {
            let error = error(x_only_key(&format!("{prefix}{key}"), "--internal-key"));
            assert_eq!(error["problem"], "33 bytes, where an x-only key has 32");
            let hint = format!("this is a compressed key; its x-only key is {key}");
            assert_eq!(error["hint"].as_str(), is_compressed.then_some(hint.as_str()));
        }
    }
}
