//! Disassembles scripts. For every script, [`assemble`](crate::assemble()) converts the words back to the same bytes.

use sigstack_interpreter::{CodePoints, Instruction, Instructions, Opcode, append_push};

/// Appends the shortest push of `element` to a script: an opcode such as `OP_5`, or a push of the bytes.
pub(crate) fn push_element(element: &[u8], script: &mut Vec<u8>) {
    match element {
        [byte @ 1..=16] => script.push(0x50 + byte),
        [0x81] => script.push(Opcode::OP_1NEGATE.0),
        _ => append_push(element, script),
    }
}

/// Returns one instruction as an assembly word, such as `OP_DUP` or `<abcd>`.
pub fn instruction_text(opcode: Opcode, data: &[u8]) -> String {
    instruction_text_as(opcode, opcode, data)
}

/// Returns one instruction as an assembly word. `meaning` is the opcode whose rules apply to the byte `opcode`.
pub(crate) fn instruction_text_as(opcode: Opcode, meaning: Opcode, data: &[u8]) -> String {
    let data_text = hex::encode(data);
    match opcode {
        Opcode::OP_0 => "OP_0".into(),
        Opcode::OP_PUSHDATA1 | Opcode::OP_PUSHDATA2 | Opcode::OP_PUSHDATA4 => {
            let mut shortest = Vec::new();
            append_push(data, &mut shortest);
            let is_shortest = shortest.first() == Some(&opcode.0);
            let name = opcode.to_string();
            let prefix = if is_shortest { "" } else { name.strip_prefix("OP_").unwrap_or(&name) };
            format!("{prefix}<{data_text}>")
        }
        _ if opcode < Opcode::OP_PUSHDATA1 => format!("<{data_text}>"),
        _ if opcode != meaning => opcode.name_as(meaning),
        _ if Opcode::from_name(&opcode.to_string()) == Some(opcode) => opcode.to_string(),
        _ => format!("0x{:02x}", opcode.0),
    }
}

/// Disassembles a script to words, each with its byte offset. A truncated push at the end is written as raw bytes.
pub fn disassemble(script: &[u8]) -> Vec<(usize, String)> {
    disassemble_as(script, &CodePoints::default())
}

/// Disassembles a script in which the bytes of `code_points` stand for the opcodes of proposals.
pub fn disassemble_as(script: &[u8], code_points: &CodePoints) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    let mut instructions = Instructions::new(script);
    loop {
        let offset = instructions.offset();
        match instructions.next() {
            None => return words,
            Some(Ok(Instruction { opcode, data, .. })) => {
                words.push((offset, instruction_text_as(opcode, code_points.meaning(opcode), data)))
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
    use crate::assemble::assemble;

    fn text(script: &[u8]) -> String {
        disassemble(script).into_iter().map(|(_, word)| word).collect::<Vec<_>>().join(" ")
    }

    /// Every opcode, push and truncated push is assembled to its original bytes after it is disassembled.
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
                append_push(&vec![7; length], &mut script);
                script
            });
        }
        for script in scripts {
            assert_eq!(assemble(&text(&script)), Ok(script));
        }
        assert_eq!(text(&[0x76, 0x01, 0x05, 0x51, 0x02, 0x01]), "OP_DUP <05> OP_1 0x0201");
    }
}
