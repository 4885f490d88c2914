//! Arithmetic of 256-bit numbers modulo the two primes of secp256k1, for signatures and points that no signer would create.
//!
//! The implementation is simple and slow, because the generator needs few such numbers.

#![allow(clippy::indexing_slicing, reason = "every index is below the length of a fixed array")]

/// A 256-bit number, big-endian.
pub(super) type Number = [u8; 32];

/// A prime number, modulo which the methods compute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Modulus(pub(super) Number);

/// The order of the secp256k1 curve.
pub(super) const ORDER: Modulus = Modulus([
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
    0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
]);
/// The prime of secp256k1's field, which contains the coordinates of points.
pub(super) const FIELD: Modulus = Modulus([
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xfc, 0x2f,
]);

/// Converts a 32-bit number to a 256-bit number.
pub(super) fn small(value: u32) -> Number {
    let mut number = [0; 32];
    number[28..].copy_from_slice(&value.to_be_bytes());
    number
}

/// Returns the sum of two 256-bit numbers modulo 2^256, and whether the exact sum needs more than 256 bits.
pub(super) fn sum(a: &Number, b: &Number) -> (Number, bool) {
    let (mut result, mut carry) = ([0; 32], 0);
    for place in (0..32).rev() {
        let total = u16::from(a[place]) + u16::from(b[place]) + carry;
        result[place] = total.to_le_bytes()[0];
        carry = total >> 8;
    }
    (result, carry == 1)
}

/// Returns the difference `a - b` of two 256-bit numbers modulo 2^256.
fn difference(a: &Number, b: &Number) -> Number {
    let inverted = b.map(|digit| !digit);
    sum(&sum(a, &inverted).0, &small(1)).0
}

impl Modulus {
    /// Returns `a + b` modulo the prime. The exact sum must be less than twice the prime.
    pub(super) fn add(&self, a: &Number, b: &Number) -> Number {
        let (sum, carry) = sum(a, b);
        if carry || sum >= self.0 { difference(&sum, &self.0) } else { sum }
    }

    /// Returns `a - b` modulo the prime.
    pub(super) fn sub(&self, a: &Number, b: &Number) -> Number {
        self.add(a, &difference(&self.0, b))
    }

    /// Returns `a * b` modulo the prime.
    pub(super) fn mul(&self, a: &Number, b: &Number) -> Number {
        // 2^256 is congruent to `rest`, which is small. The upper half of a product is therefore multiplied by `rest` and
        // added to the lower half.
        let rest = digits(&difference(&small(0), &self.0));
        let mut wide = product(&digits(a), &digits(b), &[]);
        while wide[8..].iter().any(|digit| *digit != 0) {
            wide = product(&wide[8..], &rest, &wide[..8]);
        }
        self.add(&number(&wide), &small(0))
    }

    fn pow(&self, base: &Number, exponent: &Number) -> Number {
        bits(exponent).fold(small(1), |result, bit| {
            let squared = self.mul(&result, &result);
            if bit { self.mul(&squared, base) } else { squared }
        })
    }

    /// Returns `1 / a` modulo the prime, computed by Fermat's little theorem.
    pub(super) fn inverse(&self, a: &Number) -> Number {
        self.pow(a, &difference(&self.0, &small(2)))
    }

    /// Returns a square root of a number modulo this prime, or `None` if the number is not a square. The prime must be
    /// 3 modulo 4.
    pub(super) fn square_root(&self, a: &Number) -> Option<Number> {
        let (mut quarter, mut above) = (self.0, 0);
        for digit in &mut quarter {
            (*digit, above) = (*digit >> 2 | above << 6, *digit);
        }
        let root = self.pow(a, &sum(&quarter, &small(1)).0);
        (self.mul(&root, &root) == *a).then_some(root)
    }
}

/// Splits a 256-bit number into eight 32-bit digits, least significant first.
fn digits(number: &Number) -> Vec<u64> {
    let digit = |bytes: &[u8]| bytes.iter().fold(0, |digit, byte| digit << 8 | u64::from(*byte));
    number.rchunks(4).map(digit).collect()
}

/// Converts 32-bit digits to a 256-bit number. Only the eight least significant digits are used.
fn number(digits: &[u64]) -> Number {
    let mut number = [0; 32];
    for (bytes, digit) in number.rchunks_mut(4).zip(digits) {
        bytes.copy_from_slice(&digit.to_be_bytes()[4..]);
    }
    number
}

/// Returns `a * b + c`. All numbers are lists of 32-bit digits, least significant first.
fn product(a: &[u64], b: &[u64], c: &[u64]) -> Vec<u64> {
    let mut result = vec![0; a.len() + b.len() + 1];
    result[..c.len()].copy_from_slice(c);
    for (place, digit) in a.iter().enumerate() {
        let mut carry = 0;
        for (offset, other) in b.iter().chain(core::iter::repeat(&0)).enumerate().take(result.len() - place) {
            let total = result[place + offset] + digit * other + carry;
            result[place + offset] = total & 0xffff_ffff;
            carry = total >> 32;
        }
    }
    result
}

/// Returns the bits of a 256-bit number, most significant first.
pub(super) fn bits(number: &Number) -> impl Iterator<Item = bool> + '_ {
    number.iter().flat_map(|digit| (0..8).rev().map(move |place| digit >> place & 1 == 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverses_and_roots_are_right() {
        for modulus in [ORDER, FIELD] {
            for value in [1, 2, 0xffff_ffff] {
                let value = small(value);
                assert_eq!(modulus.mul(&modulus.inverse(&value), &value), small(1));
                assert_eq!(modulus.add(&modulus.sub(&small(5), &value), &value), small(5));
            }
        }
        let root = FIELD.square_root(&small(8)).unwrap();
        assert_eq!(FIELD.mul(&root, &root), small(8));
        // No point of the curve has the X coordinate 0.
        assert_eq!(FIELD.square_root(&small(7)), None);
    }
}
