//! Parsing of scripts into instructions, without copying, and encoding of pushes.

use crate::opcode::Opcode;
use crate::script_error::ScriptError;
use crate::script_num;

/// One instruction of a script: an opcode and, for a push, its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction<'s> {
    /// The opcode byte of the instruction.
    pub opcode: Opcode,
    /// Data of a push opcode; empty for opcodes above `OP_PUSHDATA4`.
    pub data: &'s [u8],
    /// Byte offset at which the instruction starts.
    pub byte_offset: usize,
}

/// Iterator over the instructions of a script (Core `GetScriptOp`). After an error the iterator ends.
#[derive(Clone, Debug)]
pub struct Instructions<'s> {
    script: &'s [u8],
    offset: usize,
    failed: bool,
}

impl<'s> Instructions<'s> {
    /// Creates an iterator that starts at the first byte of the script.
    pub fn new(script: &'s [u8]) -> Instructions<'s> {
        Instructions::starting_at(script, 0)
    }

    /// Creates an iterator that starts at a byte offset of the script.
    pub(crate) fn starting_at(script: &'s [u8], offset: usize) -> Instructions<'s> {
        Instructions { script, offset, failed: false }
    }

    /// Returns the byte offset of the next instruction. After an error, returns the offset after the last bytes read,
    /// including the opcode and the length of an incomplete push.
    #[inline]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the next `count` bytes and advances the offset; `None` if fewer bytes are left.
    #[inline]
    fn take(&mut self, count: usize) -> Option<&'s [u8]> {
        let taken = self.script.get(self.offset..)?.get(..count)?;
        self.offset += count;
        Some(taken)
    }

    /// Returns the data of a push opcode and advances the offset; `None` if the script is cut short.
    #[inline]
    fn take_push(&mut self, opcode: Opcode) -> Option<&'s [u8]> {
        let length_size = match opcode {
            Opcode::OP_PUSHDATA1 => 1,
            Opcode::OP_PUSHDATA2 => 2,
            Opcode::OP_PUSHDATA4 => 4,
            _ => return self.take(opcode.0.into()),
        };
        let length = self.take(length_size)?;
        let length = length.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        self.take(usize::try_from(length).ok()?)
    }
}

impl<'s> Iterator for Instructions<'s> {
    type Item = Result<Instruction<'s>, ScriptError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let byte_offset = self.offset;
        let opcode = Opcode(*self.script.get(byte_offset)?);
        self.offset += 1;
        if opcode > Opcode::OP_PUSHDATA4 {
            return Some(Ok(Instruction { opcode, data: &[], byte_offset }));
        }
        match self.take_push(opcode) {
            Some(data) => Some(Ok(Instruction { opcode, data, byte_offset })),
            None => {
                self.failed = true;
                Some(Err(ScriptError::BadOpcode))
            }
        }
    }
}

/// Returns whether a script consists only of pushes (Core `CScript::IsPushOnly`).
pub(crate) fn is_push_only(script: &[u8]) -> bool {
    Instructions::new(script).all(|instruction| instruction.is_ok_and(|it| it.opcode.is_push()))
}

/// Returns whether `opcode` is the shortest way to push `data` (Core `CheckMinimalPush`).
#[inline]
pub(crate) fn is_minimal_push(opcode: Opcode, data: &[u8]) -> bool {
    match (data, data.len()) {
        ([], _) => opcode == Opcode::OP_0,
        // OP_1 to OP_16 and OP_1NEGATE are the minimal pushes of these bytes.
        ([1..=16 | 0x81], _) => false,
        (_, 0..=75) => usize::from(opcode.0) == data.len(),
        (_, 76..=255) => opcode == Opcode::OP_PUSHDATA1,
        (_, 256..=65_535) => opcode == Opcode::OP_PUSHDATA2,
        _ => true,
    }
}

/// Returns the opcode and the length bytes of the shortest push of data of this length (Core `CScript << vector`).
/// Opcodes such as `OP_1` are not considered. Only the first bytes of the array are used; the second value is their
/// number.
pub(crate) fn push_prefix(length: usize) -> ([u8; 5], usize) {
    let [a, b, c, d, ..] = length.to_le_bytes();
    match length {
        0..=75 => ([a, 0, 0, 0, 0], 1),
        76..=255 => ([Opcode::OP_PUSHDATA1.0, a, 0, 0, 0], 2),
        256..=65_535 => ([Opcode::OP_PUSHDATA2.0, a, b, 0, 0], 3),
        _ => ([Opcode::OP_PUSHDATA4.0, a, b, c, d], 5),
    }
}

/// Appends a push of data with the shortest length prefix, as Core's `CScript << vector` does. `OP_1NEGATE` and `OP_1`
/// to `OP_16` are not used, even if one of them would push the same data.
pub fn append_push(data: &[u8], script: &mut Vec<u8>) {
    let (prefix, size) = push_prefix(data.len());
    script.extend(prefix.into_iter().take(size));
    script.extend_from_slice(data);
}

/// Appends the shortest push of a number, as Core's `CScript << int64_t` does. Uses `OP_0`, `OP_1` to `OP_16` or
/// `OP_1NEGATE` if possible.
pub fn append_number(number: i64, script: &mut Vec<u8>) {
    match u8::try_from(number) {
        Ok(0) => script.push(Opcode::OP_0.0),
        Ok(small @ 1..=16) => script.push(Opcode::OP_1.0 + small - 1),
        _ if number == -1 => script.push(Opcode::OP_1NEGATE.0),
        _ => append_push(script_num::encode(number).as_bytes(), script),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(script: &[u8]) -> Vec<Result<(Opcode, usize), ScriptError>> {
        Instructions::new(script).map(|it| it.map(|it| (it.opcode, it.data.len()))).collect()
    }

    #[test]
    fn pushes_of_every_kind() {
        assert_eq!(
            read(&[0x00, 0x02, 7, 7, 0x51]),
            [Ok((Opcode::OP_0, 0)), Ok((Opcode(2), 2)), Ok((Opcode::OP_1, 0))]
        );
        assert_eq!(read(&[0x4c, 1, 9]), [Ok((Opcode::OP_PUSHDATA1, 1))]);
        assert_eq!(read(&[0x4d, 1, 0, 9]), [Ok((Opcode::OP_PUSHDATA2, 1))]);
        assert_eq!(read(&[0x4e, 1, 0, 0, 0, 9]), [Ok((Opcode::OP_PUSHDATA4, 1))]);
    }

    #[test]
    fn truncated_pushes_end_the_script_with_an_error() {
        for script in [
            &[0x01][..],
            &[0x4b, 1],
            &[0x4c],
            &[0x4c, 1],
            &[0x4d, 1],
            &[0x4e, 1, 0, 0],
            &[0x4e, 255, 255, 255, 255, 1],
        ] {
            assert_eq!(read(script), [Err(ScriptError::BadOpcode)], "{script:?}");
        }
        let mut cut = Instructions::new(&[0x4d, 5, 0, 1]);
        assert!(cut.next().is_some_and(|it| it.is_err()));
        assert_eq!((cut.offset(), cut.next()), (3, None));
    }

    #[test]
    fn the_shortest_prefix_of_every_length() {
        let prefix = |length: usize| {
            let (bytes, size) = push_prefix(length);
            bytes[..size].to_vec()
        };
        assert_eq!([prefix(0), prefix(1), prefix(75)], [[0], [1], [75]]);
        assert_eq!([prefix(76), prefix(255)], [[0x4c, 76], [0x4c, 255]]);
        assert_eq!([prefix(256), prefix(65_535)], [[0x4d, 0, 1], [0x4d, 255, 255]]);
        assert_eq!(prefix(65_536), [0x4e, 0, 0, 1, 0]);
    }

    #[test]
    fn minimal_pushes() {
        let minimal = |opcode: u8, data: &[u8]| is_minimal_push(Opcode(opcode), data);
        assert!(minimal(0, &[]) && !minimal(0x4c, &[]));
        assert!(
            minimal(1, &[17])
                && minimal(1, &[0])
                && !minimal(1, &[16])
                && !minimal(1, &[1])
                && !minimal(1, &[0x81])
        );
        assert!(minimal(75, &[9; 75]) && !minimal(0x4c, &[9; 75]));
        assert!(minimal(0x4c, &[9; 76]) && minimal(0x4c, &[9; 255]) && !minimal(0x4d, &[9; 255]));
        assert!(minimal(0x4d, &[9; 256]) && !minimal(0x4e, &[9; 65_535]) && minimal(0x4e, &[9; 65_536]));
    }

    #[test]
    fn push_only_stops_at_op_16_and_at_cut_pushes() {
        assert!(is_push_only(&[0x00, 0x4f, 0x50, 0x60, 0x01, 0x99]));
        assert!(!is_push_only(&[0x61]) && !is_push_only(&[0x51, 0x02, 0x01]));
    }

    #[test]
    fn prefixes_are_read_back() {
        for length in [0, 1, 75, 76, 255, 256, 65_535, 65_536] {
            let (prefix, size) = push_prefix(length);
            let script = [&prefix[..size], &vec![0; length]].concat();
            let mut cursor = Instructions::new(&script);
            assert_eq!(cursor.next().unwrap().unwrap().data.len(), length);
            assert_eq!(cursor.next(), None);
        }
    }
}
