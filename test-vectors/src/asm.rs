//! Assembler for the script notation of Bitcoin Core's test files. The debugger has an assembler for another notation, with
//! `<hex>` and the forms that block explorers print. Both encode pushes and numbers with the interpreter's functions.
//!
//! | word | becomes |
//! | --- | --- |
//! | a decimal number of 64 bits | the shortest push of the number |
//! | `0x` and hex | these raw bytes, without a push opcode |
//! | text in single quotes | a push of the text |
//! | anything else | the opcode of this name; the prefix `OP_` is optional |

use sigstack_interpreter::{Opcode, append_number, append_push};

/// Assembles a script from the notation of Bitcoin Core's test files into bytes.
///
/// # Errors
///
/// Returns a message that names the first word that cannot be assembled.
pub fn assemble(text: &str) -> Result<Vec<u8>, String> {
    let mut script = Vec::new();
    for word in text.split([' ', '\t', '\n']).filter(|word| !word.is_empty()) {
        append_word(word, &mut script)?;
    }
    Ok(script)
}

fn append_word(word: &str, script: &mut Vec<u8>) -> Result<(), String> {
    let digits = word.strip_prefix('-').unwrap_or(word);
    if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) {
        // Numbers in Core's files are limited to 32 bits today; before 2020 they had up to 64 bits.
        let number = word.parse::<i64>().map_err(|_| format!("the number {word} has more than 64 bits"))?;
        append_number(number, script);
        return Ok(());
    }
    if let Some(digits) = word.strip_prefix("0x").filter(|digits| !digits.is_empty()) {
        let raw = hex::decode(digits).map_err(|error| format!("bad hex in {word:?}: {error}"))?;
        script.extend_from_slice(&raw);
        return Ok(());
    }
    if let Some(text) = word.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        append_push(text.as_bytes(), script);
        return Ok(());
    }
    let opcode = Opcode::from_name(word).ok_or_else(|| format!("no opcode is named {word:?}"))?;
    script.push(opcode.0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex_of(text: &str) -> String {
        hex::encode(assemble(text).unwrap())
    }

    #[test]
    fn numbers_take_the_shortest_push() {
        assert_eq!(hex_of("0 1 16 -1"), "0051604f");
        assert_eq!(hex_of("17 127 128 -128 255 256"), "0111017f02800002808002ff00020001");
        assert_eq!(hex_of("4294967295 -4294967295"), "05ffffffff0005ffffffff80");
        assert_eq!(hex_of("549755813888 9223372036854775807"), "0600000000800008ffffffffffffff7f");
        assert_eq!(hex_of("-9223372036854775808"), "09000000000000008080");
    }

    #[test]
    fn raw_bytes_text_and_names() {
        assert_eq!(hex_of("0x51 0x02 0xabcd"), "5102abcd");
        assert_eq!(hex_of("'Az' ''"), "02417a00");
        assert_eq!(hex_of("OP_ADD ADD \t CHECKSIG\nOP_RESERVED"), "9393ac50");
        assert_eq!(hex_of("CHECKTEMPLATEVERIFY OP_CHECKSIGFROMSTACK"), "b3cc");
        assert_eq!(hex_of(&format!("'{}'", "a".repeat(76)))[..4], *"4c4c");
        assert_eq!(hex_of(&format!("'{}'", "a".repeat(256)))[..6], *"4d0001");
        assert_eq!(hex_of(""), "");
    }

    #[test]
    fn words_without_meaning_are_errors() {
        assert_eq!(assemble("1 FOO").unwrap_err(), "no opcode is named \"FOO\"");
        let number = "9223372036854775808";
        assert_eq!(assemble(number).unwrap_err(), format!("the number {number} has more than 64 bits"));
        assert_eq!(assemble("0x123").unwrap_err(), "bad hex in \"0x123\": Odd number of digits");
        assert!(assemble("'").is_err());
    }
}
