//! Two bytes that stand for what no fuzzer would guess: keys, hashes of known preimages, signatures to be made.
//!
//! | word | stands for |
//! | --- | --- |
//! | `f0 n` | the x-only key of number n |
//! | `f1 n` | the compressed key |
//! | `f2 n` | the uncompressed key |
//! | `f3 n` | the hybrid key |
//! | `f4 n` | the key with 0x01 before it, of BIP 118 |
//! | `f5 n` | HASH160 of the compressed key |
//! | `f6 t` | an ECDSA signature of hash type t |
//! | `f7 t` | a Schnorr signature of hash type t, which is left out where it is 0 |
//! | `f8 n` | SHA-256 of the byte n |
//! | `f9 n` | HASH160 of the byte n |
//! | `fa n` | bytes of a length at the edge of a rule |
//! | `fb n` | the transaction's hash of BIP 119 |
//! | `fc n` | the transaction's hash of BIP 446 |
//!
//! A signature is first a placeholder, told apart by a number in it; the signer replaces it.

use bitcoin::hashes::{Hash, hash160, sha256};

use crate::keys;

/// Lengths at the edges of rules.
pub const EDGES: [usize; 12] = [0, 1, 4, 5, 31, 33, 75, 76, 255, 256, 520, 521];

/// Hashes of the transaction that words stand for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Templates {
    /// BIP 119.
    pub ctv: [u8; 32],
    /// BIP 446.
    pub template_hash: [u8; 32],
}

/// Expands words, numbering the placeholders of signatures.
#[derive(Debug)]
pub struct Words {
    templates: Templates,
    placeholders: u8,
}

/// How a placeholder of an ECDSA signature begins: strict DER whose R is the placeholder's number, and whose S is 1.
const ECDSA_START: [u8; 4] = [0x30, 6, 2, 1];
const ECDSA_END: [u8; 3] = [2, 1, 1];
/// What a placeholder of a Schnorr signature begins with, before its number.
const SCHNORR_BYTE: u8 = 0xa5;

/// The number of a placeholder, if these bytes are one, without its hash type.
pub fn placeholder(signature: &[u8]) -> Option<u8> {
    match signature {
        [start @ .., number, 2, 1, 1] if *start == ECDSA_START => Some(*number),
        [start @ .., number] if start.len() == 63 && start.iter().all(|byte| *byte == SCHNORR_BYTE) => {
            Some(*number)
        }
        _ => None,
    }
}

/// The number of the placeholder in an element, and the element's hash type.
pub fn signature_element(element: &[u8]) -> Option<(u8, &[u8])> {
    let split = [64, 8].into_iter().filter(|length| [*length, length + 1].contains(&element.len()));
    split.filter_map(|length| Some((placeholder(&element[..length])?, &element[length..]))).next()
}

impl Words {
    /// An expander for a transaction.
    pub fn new(templates: Templates) -> Words {
        Words { templates, placeholders: 0 }
    }

    /// Whether signatures are to be made.
    pub fn has_placeholders(&self) -> bool {
        self.placeholders > 0
    }

    /// A number that is a positive byte, so that it is a DER integer.
    fn number(&mut self) -> u8 {
        self.placeholders = self.placeholders % 0x7f + 1;
        self.placeholders
    }

    /// What two bytes stand for.
    pub fn expand(&mut self, word: [u8; 2]) -> Option<Vec<u8>> {
        let [kind, n] = word;
        let key = keys::key(n);
        Some(match kind {
            0xf0 => key.x_only.to_vec(),
            0xf1 => key.compressed.to_vec(),
            0xf2 => key.uncompressed.to_vec(),
            0xf3 => {
                let mut hybrid = key.uncompressed;
                hybrid[0] = 6 + (hybrid[64] & 1);
                hybrid.to_vec()
            }
            0xf4 => [&[1], key.x_only.as_slice()].concat(),
            0xf5 => key.hash160().to_vec(),
            0xf6 => [&ECDSA_START[..], &[self.number()], &ECDSA_END, &[n]].concat(),
            0xf7 => {
                let mut signature = vec![SCHNORR_BYTE; 63];
                signature.push(self.number());
                if n != 0 {
                    signature.push(n);
                }
                signature
            }
            0xf8 => sha256::Hash::hash(&[n]).to_byte_array().to_vec(),
            0xf9 => hash160::Hash::hash(&[n]).to_byte_array().to_vec(),
            0xfa => vec![n; EDGES[usize::from(n) % EDGES.len()]],
            0xfb => self.templates.ctv.to_vec(),
            0xfc => self.templates.template_hash.to_vec(),
            _ => return None,
        })
    }

    /// An element of the stack.
    pub fn element(&mut self, element: &[u8]) -> Vec<u8> {
        let expanded = <[u8; 2]>::try_from(element).ok().and_then(|word| self.expand(word));
        expanded.unwrap_or_else(|| element.to_vec())
    }

    /// A script: its pushes of two bytes are expanded.
    pub fn script(&mut self, script: &[u8]) -> Vec<u8> {
        let mut expanded = vec![];
        for part in split(script) {
            let word = match part {
                [2, word @ ..] => <[u8; 2]>::try_from(word).ok(),
                _ => None,
            };
            match word.and_then(|word| self.expand(word)) {
                Some(data) => expanded.extend(push(&data)),
                None => expanded.extend_from_slice(part),
            }
        }
        expanded
    }
}

/// A script's instructions; what cannot be read is the last one. Written apart from the engine's own reader.
pub fn split(script: &[u8]) -> Vec<&[u8]> {
    let mut parts = vec![];
    let mut rest = script;
    while let [opcode, after @ ..] = rest {
        let number = |bytes: usize| {
            let length = after.get(..bytes)?;
            let length = length.iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte));
            Some(bytes + length)
        };
        let data = match opcode {
            0..=0x4b => Some(usize::from(*opcode)),
            0x4c => number(1),
            0x4d => number(2),
            0x4e => number(4),
            _ => Some(0),
        };
        let end = data.map_or(rest.len(), |data| (1 + data).min(rest.len()));
        let (part, next) = rest.split_at(end);
        parts.push(part);
        rest = next;
    }
    parts
}

/// A push with the shortest length before it, without number opcodes.
pub fn push(data: &[u8]) -> Vec<u8> {
    let length = data.len().to_le_bytes();
    let prefix = match data.len() {
        0..=75 => length[..1].to_vec(),
        76..=255 => vec![0x4c, length[0]],
        256..=65_535 => vec![0x4d, length[0], length[1]],
        _ => [&[0x4e], &length[..4]].concat(),
    };
    [&prefix, data].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_split_into_what_they_were() {
        let script = [0x51, 2, 7, 8, 0x4c, 1, 9, 0x4d, 2, 0, 1, 1, 0x4e, 1, 0, 0, 0, 5, 0xac, 0x4d, 9];
        let parts = split(&script);
        let expected: &[&[u8]] = &[
            &[0x51],
            &[2, 7, 8],
            &[0x4c, 1, 9],
            &[0x4d, 2, 0, 1, 1],
            &[0x4e, 1, 0, 0, 0, 5],
            &[0xac],
            &[0x4d, 9],
        ];
        assert_eq!(parts, expected);
        assert_eq!(parts.concat(), script);
    }

    #[test]
    fn words_in_pushes_and_elements_are_expanded() {
        let mut words = Words::new(Templates::default());
        assert_eq!(words.script(&[2, 0xf0, 1, 0xac])[..2], [32, keys::key(1).x_only[0]]);
        assert_eq!(words.script(&[2, 0x01, 1, 0xac]), [2, 1, 1, 0xac]);
        assert!(!words.has_placeholders());
        let (ecdsa, schnorr) = (words.element(&[0xf6, 0x81]), words.element(&[0xf7, 0]));
        assert_eq!(signature_element(&ecdsa), Some((1, [0x81].as_slice())));
        assert_eq!(signature_element(&schnorr), Some((2, [].as_slice())));
        assert_eq!((schnorr.len(), words.has_placeholders()), (64, true));
        assert_eq!(signature_element(&[0; 64]), None);
    }
}
