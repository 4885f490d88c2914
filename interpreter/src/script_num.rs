//! Encoding of numbers in scripts: little endian, with the sign in the highest bit of the last byte. Zero is the empty
//! vector.

use crate::script_error::ScriptError;

/// Maximum size of the encoding of an `i64`, in bytes: eight bytes of magnitude and one for the sign.
const MAX_ENCODED: usize = 9;

/// Decodes a script number (Core `CScriptNum`).
///
/// # Errors
///
/// [`ScriptError::ScriptNum`] if the number has more than `max_size` bytes or more than 8 bytes, or if `minimal` is true and
/// the number is not in its shortest encoding.
pub fn decode(bytes: &[u8], max_size: usize, minimal: bool) -> Result<i64, ScriptError> {
    if bytes.len() > max_size || bytes.len() > 8 {
        return Err(ScriptError::ScriptNum);
    }
    let [below @ .., last] = bytes else { return Ok(0) };
    if minimal && last & 0x7f == 0 && below.last().is_none_or(|byte| byte & 0x80 == 0) {
        return Err(ScriptError::ScriptNum);
    }
    let magnitude = below.iter().rev().fold(i64::from(last & 0x7f), |sum, byte| sum << 8 | i64::from(*byte));
    Ok(if last & 0x80 == 0 { magnitude } else { -magnitude })
}

/// The shortest encoding of a script number. It has at most nine bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded {
    bytes: [u8; MAX_ENCODED],
    length: usize,
}

impl Encoded {
    /// Returns the bytes of the encoded script number.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Encodes a script number in as few bytes as possible.
pub fn encode(number: i64) -> Encoded {
    let mut bytes = [0; MAX_ENCODED];
    let mut magnitude = number.unsigned_abs();
    let mut length = 0;
    let mut top = 0;
    for byte in &mut bytes {
        if magnitude == 0 {
            // If the highest bit of the last byte is set, the sign needs a byte of its own.
            if top & 0x80 != 0 {
                length += 1;
            }
            break;
        }
        top = magnitude.to_le_bytes()[0];
        *byte = top;
        magnitude >>= 8;
        length += 1;
    }
    if let (true, Some(last)) = (number < 0, bytes.get_mut(..length).and_then(<[u8]>::last_mut)) {
        *last |= 0x80;
    }
    Encoded { bytes, length }
}

/// Returns whether an element is true: some byte is not zero, and the element is not negative zero (Core `CastToBool`).
#[inline]
pub fn is_true(bytes: &[u8]) -> bool {
    match bytes {
        [] => false,
        [below @ .., last] => last & 0x7f != 0 || below.iter().any(|byte| *byte != 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_around_every_length_boundary() {
        let mut numbers = vec![0, i64::MAX, i64::MIN, i64::MIN + 1];
        for bits in 0..63 {
            for delta in -1..=1 {
                numbers.extend([(1i64 << bits) + delta, -(1i64 << bits) + delta]);
            }
        }
        for number in numbers {
            let encoded = encode(number);
            let bytes = encoded.as_bytes();
            if bytes.len() <= 8 {
                assert_eq!(decode(bytes, 8, true), Ok(number), "{number}");
            } else {
                assert_eq!(decode(bytes, 9, true), Err(ScriptError::ScriptNum));
            }
        }
    }

    #[test]
    fn known_encodings() {
        for (number, bytes) in [
            (0, &[][..]),
            (1, &[1]),
            (-1, &[0x81]),
            (127, &[0x7f]),
            (128, &[0x80, 0]),
            (-128, &[0x80, 0x80]),
            (255, &[0xff, 0]),
            (-255, &[0xff, 0x80]),
            (i64::from(i32::MAX), &[0xff, 0xff, 0xff, 0x7f]),
            (1 << 31, &[0, 0, 0, 0x80, 0]),
        ] {
            assert_eq!(encode(number).as_bytes(), bytes);
        }
    }

    #[test]
    fn minimal_and_size_rules() {
        assert_eq!(decode(&[0], 4, false), Ok(0));
        assert_eq!(decode(&[0], 4, true), Err(ScriptError::ScriptNum));
        assert_eq!(decode(&[0x80], 4, false), Ok(0));
        assert_eq!(decode(&[0x80], 4, true), Err(ScriptError::ScriptNum));
        assert_eq!(decode(&[1, 0], 4, false), Ok(1));
        assert_eq!(decode(&[1, 0], 4, true), Err(ScriptError::ScriptNum));
        assert_eq!(decode(&[0x80, 0], 4, true), Ok(128));
        assert_eq!(decode(&[1, 2, 3, 4], 4, true), Ok(0x0403_0201));
        assert_eq!(decode(&[1, 2, 3, 4, 5], 4, true), Err(ScriptError::ScriptNum));
        assert_eq!(decode(&[1, 2, 3, 4, 5], 5, true), Ok(0x05_0403_0201));
    }

    #[test]
    fn truth() {
        assert!(!is_true(&[]) && !is_true(&[0, 0]) && !is_true(&[0, 0x80]) && !is_true(&[0x80]));
        assert!(is_true(&[1]) && is_true(&[0, 1, 0]) && is_true(&[0x80, 0]) && is_true(&[0x81]));
    }
}
