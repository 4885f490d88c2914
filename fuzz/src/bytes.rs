//! Reader and writer of a fuzz target's input.
//!
//! The reader uses the crate `arbitrary`, but reads every field from the start of the input. `arbitrary` itself takes
//! lengths from the end of the input. Inputs of that form could not be written field by field, as is necessary for
//! seeds that are made from vectors. Reading never fails: bytes beyond the end are zero, so every input is meaningful.

use arbitrary::Unstructured;

/// Reads the fields of a fuzz input one after the other, from its start.
#[derive(Debug)]
pub struct Reader<'a> {
    input: Unstructured<'a>,
}

impl<'a> Reader<'a> {
    /// Creates a reader of the fuzz input `bytes`.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { input: Unstructured::new(bytes) }
    }

    /// Returns whether all bytes of the fuzz input have been read.
    pub fn is_empty(&self) -> bool {
        self.input.is_empty()
    }

    /// Returns the bytes of the fuzz input that have not been read yet, without reading them.
    pub fn rest(&self) -> &'a [u8] {
        self.input.peek_bytes(self.input.len()).unwrap_or_default()
    }

    /// Reads `count` bytes, or all remaining ones if there are fewer.
    pub fn bytes(&mut self, count: usize) -> &'a [u8] {
        self.input.bytes(count.min(self.input.len())).unwrap_or_default()
    }

    /// Reads exactly `N` bytes. Bytes beyond the end of the fuzz input are zero.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        self.input.fill_buffer(&mut array).expect("what is missing is zero");
        array
    }

    /// Reads a byte. Beyond the end of the fuzz input it is zero.
    pub fn byte(&mut self) -> u8 {
        let [byte] = self.array();
        byte
    }

    /// Reads two bytes of the fuzz input as a little-endian number.
    pub fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    /// Reads four bytes of the fuzz input as a little-endian number.
    pub fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    /// Reads eight bytes of the fuzz input as a little-endian number.
    pub fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    /// Reads the amount of a spent output: eight bytes, of which the highest bit is cleared. Core treats a negative
    /// amount as missing, and then accepts no segwit v0 signature.
    pub fn spent_amount(&mut self) -> u64 {
        self.u64() & i64::MAX.cast_unsigned()
    }

    /// Reads a byte and returns it modulo `bound`, which must not be 0.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    /// Reads a byte and returns the item with this index, taken modulo the number of items. The list must not be empty.
    pub fn pick<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.below(items.len())]
    }

    /// Reads a byte of the fuzz input and returns whether it is odd.
    pub fn bool(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Reads a length, and then this number of bytes. The length is one byte, or the byte 255 followed by a
    /// little-endian number of two bytes.
    pub fn sized(&mut self) -> &'a [u8] {
        let length = match self.byte() {
            u8::MAX => usize::from(self.u16()),
            short => usize::from(short),
        };
        self.bytes(length)
    }
}

/// Writes fuzz inputs that [`Reader`] reads.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Returns the fuzz input that was written.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    /// Appends bytes to the fuzz input, without a length prefix.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Writer {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Appends a byte to the fuzz input.
    pub fn byte(&mut self, byte: u8) -> &mut Writer {
        self.bytes(&[byte])
    }

    /// Appends the length of `bytes` and then the bytes, in the form that [`Reader::sized`] reads. Returns `None` if
    /// the length does not fit into two bytes.
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
