//! Serialization of scripts: opcodes, data pushes and numbers in their shortest encoding.

use sigstack_interpreter::{Opcode, script_num};

/// A number in a script, minimally encoded as policy requires. It becomes `OP_0`, `OP_1` to `OP_16`, `OP_1NEGATE`, or a
/// push of its shortest encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Num(pub i64);

/// A data push with the shortest push opcode. Callers use [`Num`] instead for data that a number opcode could push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Push<'a>(pub &'a [u8]);

/// An element of a script that can be serialized: an opcode, a number or a data push.
pub trait Item {
    /// Appends the serialization of this script element to `script`.
    fn write(&self, script: &mut Vec<u8>);
}

impl Item for Opcode {
    fn write(&self, script: &mut Vec<u8>) {
        script.push(self.0);
    }
}

impl Item for Num {
    fn write(&self, script: &mut Vec<u8>) {
        match u8::try_from(self.0) {
            Ok(0) => script.push(Opcode::OP_0.0),
            Ok(small @ 1..=16) => script.push(Opcode::OP_1.0 + small - 1),
            _ if self.0 == -1 => script.push(Opcode::OP_1NEGATE.0),
            _ => Push(script_num::encode(self.0).as_bytes()).write(script),
        }
    }
}

impl Item for Push<'_> {
    fn write(&self, script: &mut Vec<u8>) {
        let [a, b, c, d, ..] = (self.0.len() as u64).to_le_bytes();
        match self.0.len() {
            0..=75 => script.push(a),
            76..=0xff => script.extend_from_slice(&[Opcode::OP_PUSHDATA1.0, a]),
            0x100..=0xffff => script.extend_from_slice(&[Opcode::OP_PUSHDATA2.0, a, b]),
            _ => script.extend_from_slice(&[Opcode::OP_PUSHDATA4.0, a, b, c, d]),
        }
        script.extend_from_slice(self.0);
    }
}

/// Serializes a script that consists of the elements `items`.
pub fn script(items: &[&dyn Item]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for item in items {
        item.write(&mut bytes);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_pushes_are_shortest() {
        let hex = |items: &[&dyn Item]| hex::encode(script(items));
        assert_eq!(hex(&[&Num(0), &Num(1), &Num(16), &Num(-1)]), "0051604f");
        assert_eq!(hex(&[&Num(17), &Num(128), &Num(70_000)]), "0111028000".to_owned() + "03701101");
        assert_eq!(hex(&[&Push(&[7; 3]), &Opcode::OP_DROP]), "0307070775");
        assert_eq!(&hex(&[&Push(&[7; 76])])[..4], "4c4c");
        assert_eq!(&hex(&[&Push(&[7; 256])])[..6], "4d0001");
        assert_eq!(&hex(&[&Push(&[7; 0x1_0000])])[..10], "4e00000100");
    }
}
