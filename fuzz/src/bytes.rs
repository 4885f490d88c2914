//! The bytes of an input, read and written.
//!
//! The crate `arbitrary` reads them, from the start only: what it takes from the end (lengths) cannot be written one field after the
//! other, and the seeds that are made from vectors must be. Reading never fails: what is missing is zero, so every input means
//! something.

use arbitrary::Unstructured;

/// Reads an input from its start.
#[derive(Debug)]
pub struct Reader<'a> {
    input: Unstructured<'a>,
}

impl<'a> Reader<'a> {
    /// A reader of all bytes.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { input: Unstructured::new(bytes) }
    }

    /// Whether all bytes were read.
    pub fn is_empty(&self) -> bool {
        self.input.is_empty()
    }

    /// What was not read.
    pub fn rest(&self) -> &'a [u8] {
        self.input.peek_bytes(self.input.len()).unwrap_or_default()
    }

    /// At most so many bytes; fewer at the end.
    pub fn bytes(&mut self, count: usize) -> &'a [u8] {
        self.input.bytes(count.min(self.input.len())).unwrap_or_default()
    }

    /// Exactly so many bytes, zeros after the end.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        self.input.fill_buffer(&mut array).expect("what is missing is zero");
        array
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        let [byte] = self.array();
        byte
    }

    /// Two bytes, little endian.
    pub fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    /// Four bytes, little endian.
    pub fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    /// Eight bytes, little endian.
    pub fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    /// The amount of an output that is spent, below 2^63: to Core a negative one is an amount that its caller did not give, with
    /// which it accepts no signature of segwit v0.
    pub fn spent_amount(&mut self) -> u64 {
        self.u64() & i64::MAX.cast_unsigned()
    }

    /// A number below `bound`, which is not 0, from one byte.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    /// One of some items, of which there is at least one.
    pub fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.below(items.len())]
    }

    /// Whether the next byte is odd.
    pub fn bool(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Bytes with their length before them, one byte or, after 255, two.
    pub fn sized(&mut self) -> &'a [u8] {
        let length = match self.byte() {
            u8::MAX => usize::from(self.u16()),
            short => usize::from(short),
        };
        self.bytes(length)
    }
}

/// Writes what [`Reader`] reads.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// The bytes.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Writer {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A byte.
    pub fn byte(&mut self, byte: u8) -> &mut Writer {
        self.bytes(&[byte])
    }

    /// Bytes with their length before them; none if there are more than two bytes can count.
    pub fn sized(&mut self, bytes: &[u8]) -> Option<&mut Writer> {
        match u8::try_from(bytes.len()) {
            Ok(short) if short != u8::MAX => self.byte(short),
            _ => self.byte(u8::MAX).bytes(&u16::try_from(bytes.len()).ok()?.to_le_bytes()),
        };
        Some(self.bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 254, 255, 256, 65_535] {
            let bytes = vec![7; length];
            let mut writer = Writer::default();
            writer.sized(&bytes).unwrap().byte(9);
            let written = writer.finish();
            let mut reader = Reader::new(&written);
            assert_eq!(reader.sized(), bytes);
            assert_eq!((reader.byte(), reader.is_empty()), (9, true));
        }
        assert!(Writer::default().sized(&vec![0; 65_536]).is_none());
    }

    #[test]
    fn after_the_end_all_is_zero() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!((reader.u32(), reader.u64(), reader.sized().len()), (0x03_02_01, 0, 0));
        assert_eq!(Reader::new(&[5, 1]).sized(), [1]);
    }
}
