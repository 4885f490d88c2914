//! Writes scripts as bytes, and formats scripts as text.

use bitcoin::hex::DisplayHex;
use sigstack_interpreter::Opcode;

/// A script under construction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn op(&mut self, opcode: Opcode) -> &mut Writer {
        self.bytes.push(opcode.0);
        self
    }

    pub(crate) fn ops(&mut self, opcodes: &[Opcode]) -> &mut Writer {
        self.bytes.extend(opcodes.iter().map(|opcode| opcode.0));
        self
    }

    /// Pushes bytes with the shortest opcode (BIP 62 rule 3).
    pub(crate) fn push(&mut self, data: &[u8]) -> &mut Writer {
        match (data, data.len()) {
            ([], _) => self.bytes.push(Opcode::OP_0.0),
            ([byte @ 1..=16], _) => self.bytes.push(Opcode::OP_1.0 + byte - 1),
            ([0x81], _) => self.bytes.push(Opcode::OP_1NEGATE.0),
            (_, len @ 0..=75) => self.bytes.extend(u8::try_from(len)),
            (_, len @ 76..=255) => {
                self.bytes.push(Opcode::OP_PUSHDATA1.0);
                self.bytes.extend(u8::try_from(len));
            }
            (_, len) => {
                self.bytes.push(Opcode::OP_PUSHDATA2.0);
                // `limits` ensures that an element has at most 520 bytes.
                self.bytes.extend(u16::try_from(len).unwrap_or(u16::MAX).to_le_bytes());
            }
        }
        // OP_0 to OP_16 and OP_1NEGATE need no data after the opcode.
        if !matches!(data, [] | [1..=16] | [0x81]) {
            self.bytes.extend_from_slice(data);
        }
        self
    }

    pub(crate) fn number(&mut self, number: u64) -> &mut Writer {
        self.push(&number_bytes(number))
    }
}

/// Returns the minimal encoding of a number in Script: little endian, with the top bit as the sign. Zero is empty.
pub fn number_bytes(number: u64) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    if bytes.last().is_some_and(|top| top & 0x80 != 0) {
        bytes.push(0);
    }
    bytes
}

/// Returns the script as text: opcodes by name, pushed data as hex in angle brackets.
pub fn asm(script: &[u8]) -> String {
    let mut words = Vec::new();
    let mut rest = script;
    while let [first, tail @ ..] = rest {
        let opcode = Opcode(*first);
        let (len, header) = match (opcode, tail) {
            (Opcode(len @ 1..=75), _) => (usize::from(len), 0),
            (Opcode::OP_PUSHDATA1, [len, ..]) => (usize::from(*len), 1),
            (Opcode::OP_PUSHDATA2, [low, high, ..]) => (usize::from(u16::from_le_bytes([*low, *high])), 2),
            _ => {
                words.push(opcode_name(opcode));
                rest = tail;
                continue;
            }
        };
        let data = tail.get(header..).unwrap_or_default();
        let (push, after) = data.split_at(len.min(data.len()));
        words.push(format!("<{}>", push.as_hex()));
        rest = after;
    }
    words.join(" ")
}

/// Returns the name of an opcode. OP_NOP4 is named OP_CHECKTEMPLATEVERIFY (BIP 119), because the compiled scripts
/// depend on that proposal.
fn opcode_name(opcode: Opcode) -> String {
    if opcode == Opcode::OP_CHECKTEMPLATEVERIFY {
        "OP_CHECKTEMPLATEVERIFY".into()
    } else {
        opcode.to_string()
    }
}

/// Returns the number of bytes of the compact size that encodes `n`.
pub(crate) const fn compact_size(n: usize) -> usize {
    match n {
        0..=0xfc => 1,
        0xfd..=0xffff => 3,
        _ => 5,
    }
}

/// Returns the size in bytes of a witness element with `len` bytes of data, including its length prefix.
pub(crate) const fn element_size(len: usize) -> usize {
    compact_size(len) + len
}
