//! Script assembly, to and fro.
//!
//! | word | becomes |
//! | --- | --- |
//! | `OP_NAME` or `NAME` | the opcode |
//! | a decimal number | the shortest push of the number |
//! | `<hex>` | a push of the bytes with the shortest length prefix |
//! | hex digits of at least one byte that are no number | the same, as Core prints pushes |
//! | `PUSHDATA1<hex>`, also 2 and 4 | a push with this longer prefix |
//! | `'text'` | a push of the text |
//! | `0xhex` | these bytes, raw, not pushed |
//!
//! [`disassemble`] writes words that [`assemble`] reads back to the same bytes, for every script.

use core::fmt;

use sigstack_interpreter::{Instruction, Instructions, Opcode, script_num};

/// A word without meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AsmError {
    /// Where the word begins in the text, in bytes.
    pub offset: usize,
    /// The word.
    pub word: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for AsmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at byte {}: {}", self.word, self.offset, self.problem)
    }
}

impl core::error::Error for AsmError {}

/// The words of a text with their offsets. A word in single quotes may hold spaces; a `#` begins a comment.
fn words(text: &str) -> Vec<(usize, &str)> {
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

/// Assembles a script.
///
/// # Errors
///
/// [`AsmError`] for the first word that has no meaning.
pub fn assemble(text: &str) -> Result<Vec<u8>, AsmError> {
    let mut script = Vec::new();
    for (offset, word) in words(text) {
        append(word, &mut script).map_err(|problem| AsmError { offset, word: word.to_owned(), problem })?;
    }
    Ok(script)
}

/// Reads the elements of a stack, the last one on top: words that push, each an element.
///
/// # Errors
///
/// [`AsmError`] for the first word that pushes nothing.
pub fn assemble_stack(text: &str) -> Result<Vec<Vec<u8>>, AsmError> {
    let element = |(offset, word): (usize, &str)| {
        let error = |problem: &str| AsmError { offset, word: word.to_owned(), problem: problem.to_owned() };
        let mut script = Vec::new();
        append(word, &mut script).map_err(|problem| error(&problem))?;
        if let Some(raw) = word.strip_prefix("0x") {
            return hex::decode(raw).map_err(|problem| error(&problem.to_string()));
        }
        pushed(&script).ok_or_else(|| error("pushes nothing; an element is a number, <hex>, 0xhex or 'text'"))
    };
    words(text).into_iter().map(element).collect()
}

/// What a script of one push pushes.
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

fn append(word: &str, script: &mut Vec<u8>) -> Result<(), String> {
    let digits = word.strip_prefix('-').unwrap_or(word);
    let bytes = |text: &str| hex::decode(text).map_err(|error| format!("bad hex: {error}"));
    if !digits.is_empty() && digits.len() <= 10 && digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return append_number(word, script);
    }
    if let Some(raw) = word.strip_prefix("0x") {
        script.extend(bytes(raw)?);
        return Ok(());
    }
    if let Some(text) = word.strip_prefix('\'') {
        let text = text.strip_suffix('\'').ok_or("the closing quote is missing")?;
        return push(text.as_bytes(), None, script);
    }
    if let Some((prefix, data)) = word.split_once('<') {
        let data = bytes(data.strip_suffix('>').ok_or("the closing > is missing")?)?;
        let opcode = match prefix {
            "" => None,
            name => Some(Opcode::from_name(name).ok_or_else(|| format!("no opcode is named {name:?}"))?),
        };
        return push(&data, opcode, script);
    }
    if let Some(opcode) = Opcode::from_name(word) {
        script.push(opcode.0);
        return Ok(());
    }
    match hex::decode(word) {
        Ok(data) if !data.is_empty() => push(&data, None, script),
        _ => Err("neither an opcode, a number, hex nor a quoted text".into()),
    }
}

fn append_number(word: &str, script: &mut Vec<u8>) -> Result<(), String> {
    let number: i64 = word.parse().map_err(|_| "not a number")?;
    // Locktimes take five bytes.
    if number.unsigned_abs() > 0xffff_ffff {
        return Err("a number is at most 4294967295; write bytes as <hex>".into());
    }
    match u8::try_from(number) {
        Ok(0) => script.push(Opcode::OP_0.0),
        Ok(small @ 1..=16) => script.push(0x50 + small),
        _ if number == -1 => script.push(Opcode::OP_1NEGATE.0),
        _ => push(script_num::encode(number).as_bytes(), None, script)?,
    }
    Ok(())
}

/// Appends a push of bytes, with the shortest prefix or that of an `OP_PUSHDATA`.
fn push(data: &[u8], opcode: Option<Opcode>, script: &mut Vec<u8>) -> Result<(), String> {
    let length = u32::try_from(data.len()).map_err(|_| "too long")?;
    let opcode = opcode.or(match length {
        0..=75 => None,
        76..=0xff => Some(Opcode::OP_PUSHDATA1),
        0x100..=0xffff => Some(Opcode::OP_PUSHDATA2),
        _ => Some(Opcode::OP_PUSHDATA4),
    });
    let [a, b, c, d] = length.to_le_bytes();
    match opcode {
        None => script.push(a),
        Some(opcode @ Opcode::OP_PUSHDATA1) if length <= 0xff => script.extend([opcode.0, a]),
        Some(opcode @ Opcode::OP_PUSHDATA2) if length <= 0xffff => script.extend([opcode.0, a, b]),
        Some(opcode @ Opcode::OP_PUSHDATA4) => script.extend([opcode.0, a, b, c, d]),
        Some(Opcode::OP_PUSHDATA1 | Opcode::OP_PUSHDATA2) => return Err("too long for this opcode".into()),
        Some(opcode) => return Err(format!("{opcode} takes no data; only PUSHDATA1, 2 and 4 do")),
    }
    script.extend_from_slice(data);
    Ok(())
}

/// Appends the shortest push of an element, by an opcode of its own if it has one.
pub(crate) fn push_element(element: &[u8], script: &mut Vec<u8>) {
    match element {
        [byte @ 1..=16] => script.push(0x50 + byte),
        [0x81] => script.push(Opcode::OP_1NEGATE.0),
        // An element of four gigabytes is in no script: it is not pushed.
        _ => drop(push(element, None, script)),
    }
}

/// One instruction as a word.
pub fn instruction_text(opcode: Opcode, data: &[u8]) -> String {
    let data_text = hex::encode(data);
    match opcode {
        Opcode::OP_0 => "OP_0".into(),
        Opcode::OP_PUSHDATA1 | Opcode::OP_PUSHDATA2 | Opcode::OP_PUSHDATA4 => {
            let mut shortest = Vec::new();
            let is_shortest = push(data, None, &mut shortest).is_ok() && shortest.first() == Some(&opcode.0);
            let name = opcode.to_string();
            let prefix = if is_shortest { "" } else { name.strip_prefix("OP_").unwrap_or(&name) };
            format!("{prefix}<{data_text}>")
        }
        _ if opcode < Opcode::OP_PUSHDATA1 => format!("<{data_text}>"),
        _ if Opcode::from_name(&opcode.to_string()) == Some(opcode) => opcode.to_string(),
        _ => format!("0x{:02x}", opcode.0),
    }
}

/// A script as words. What is no instruction at its end, a push that is cut short, is written as raw bytes.
pub fn disassemble(script: &[u8]) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    let mut instructions = Instructions::new(script);
    loop {
        let offset = instructions.offset();
        match instructions.next() {
            None => return words,
            Some(Ok(Instruction { opcode, data, .. })) => {
                words.push((offset, instruction_text(opcode, data)))
            }
            Some(Err(_)) => {
                words.push((offset, format!("0x{}", hex::encode(script.get(offset..).unwrap_or_default()))));
                return words;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex_of(text: &str) -> String {
        hex::encode(assemble(text).unwrap())
    }

    fn text(script: &[u8]) -> String {
        disassemble(script).into_iter().map(|(_, word)| word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_of_every_kind() {
        assert_eq!(
            hex_of("OP_DUP HASH160 0 1 16 17 -1 4294967295"),
            "76a90051600111".to_owned() + "4f05ffffffff00"
        );
        assert_eq!(
            hex_of("<> <05> <ab> abcdef 'a b' 0x6a51"),
            "00".to_owned() + "010501ab03abcdef03612062" + "6a51"
        );
        assert_eq!(hex_of("PUSHDATA1<05> OP_PUSHDATA2<> PUSHDATA4<01>"), "4c01054d00004e0100000001");
        assert_eq!(hex_of("OP_SUCCESS80 CHECKSIGFROMSTACK # the rest is a comment CHECKSIG\n1"), "50cc51");
        assert_eq!(hex_of(&format!("<{}>", "00".repeat(76)))[..4], *"4c4c");
    }

    #[test]
    fn words_without_meaning_say_where_they_are() {
        let error = |text: &str| assemble(text).unwrap_err().to_string();
        assert_eq!(error("1 FOO"), "\"FOO\" at byte 2: neither an opcode, a number, hex nor a quoted text");
        assert_eq!(error("1\n <0>"), "\"<0>\" at byte 3: bad hex: Odd number of digits");
        assert_eq!(
            error("4294967296"),
            "\"4294967296\" at byte 0: a number is at most 4294967295; write bytes as <hex>"
        );
        assert_eq!(error("<00"), "\"<00\" at byte 0: the closing > is missing");
        assert_eq!(
            error("ADD<00>"),
            "\"ADD<00>\" at byte 0: OP_ADD takes no data; only PUSHDATA1, 2 and 4 do"
        );
    }

    #[test]
    fn stacks_are_words_that_push() {
        assert_eq!(
            assemble_stack("0 1 <abcd> 'x' 0xff"),
            Ok(vec![vec![], vec![1], vec![0xab, 0xcd], vec![b'x'], vec![0xff]])
        );
        let error = assemble_stack("1 ADD").unwrap_err().to_string();
        assert_eq!(
            error,
            "\"ADD\" at byte 2: pushes nothing; an element is a number, <hex>, 0xhex or 'text'"
        );
    }

    /// Every opcode, every kind of push and every truncation comes back as it was.
    #[test]
    fn scripts_come_back_as_they_were() {
        let mut scripts: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
        for prefix in [&[1][..], &[0x4c, 1], &[0x4d, 1, 0], &[0x4e, 1, 0, 0, 0]] {
            let script = [prefix, &[5]].concat();
            scripts.extend((0..=script.len()).map(|length| script[..length].to_vec()));
        }
        for length in [75, 76, 255, 256, 65_535, 65_536] {
            scripts.push({
                let mut script = Vec::new();
                push(&vec![7; length], None, &mut script).unwrap();
                script
            });
        }
        for script in scripts {
            assert_eq!(assemble(&text(&script)), Ok(script));
        }
        assert_eq!(text(&[0x76, 0x01, 0x05, 0x51, 0x02, 0x01]), "OP_DUP <05> OP_1 0x0201");
    }
}
