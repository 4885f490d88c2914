//! Words: two bytes that stand for data that no fuzzer would guess, such as keys, hashes of known preimages and signatures.
//!
//! | word | stands for |
//! | --- | --- |
//! | `f0 n` | the x-only key with number n |
//! | `f1 n` | the compressed key |
//! | `f2 n` | the uncompressed key |
//! | `f3 n` | the hybrid key |
//! | `f4 n` | the BIP 118 key: 0x01 followed by the x-only key |
//! | `f5 n` | HASH160 of the compressed key |
//! | `f6 t` | an ECDSA signature with hash type t |
//! | `f7 t` | a Schnorr signature with hash type t, which is omitted if it is 0 |
//! | `f8 n` | SHA-256 of the byte n |
//! | `f9 n` | HASH160 of the byte n |
//! | `fa n` | bytes of a length at the limit of a rule |
//! | `fb n` | the transaction's default template hash of BIP 119 |
//! | `fc n` | the transaction's template hash of BIP 446 |
//!
//! A signature is first expanded to a placeholder that contains a unique number. The signer later replaces it by a signature.

use bitcoin::hashes::{Hash, hash160, sha256};

use crate::keys;

/// Lengths in bytes at the limits of rules for scripts or stack elements, such as 520 and 521.
pub const EDGES: [usize; 12] = [0, 1, 4, 5, 31, 33, 75, 76, 255, 256, 520, 521];

/// Template hashes of the transaction, which replace the words `fb` and `fc`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Templates {
    /// Default template hash of the transaction (BIP 119).
    pub ctv: [u8; 32],
    /// Template hash of the transaction (BIP 446).
    pub template_hash: [u8; 32],
}

/// Replaces words (two bytes that stand for longer data) in scripts and stack elements by the data. A word for a
/// signature is replaced by a placeholder with a number of its own.
#[derive(Debug)]
pub struct Words {
    templates: Templates,
    placeholders: u8,
}

/// First bytes of the placeholder for an ECDSA signature, before its number. The placeholder is strict DER in which R
/// is the number and S is 1.
const ECDSA_START: [u8; 4] = [0x30, 6, 2, 1];
const ECDSA_END: [u8; 3] = [2, 1, 1];
/// Byte that the placeholder of a Schnorr signature repeats 63 times, before its number.
const SCHNORR_BYTE: u8 = 0xa5;

/// Returns the number of a signature placeholder, or `None` if the bytes are not a placeholder. `signature` does not
/// include the hash type.
pub fn placeholder(signature: &[u8]) -> Option<u8> {
    match signature {
        [start @ .., number, 2, 1, 1] if *start == ECDSA_START => Some(*number),
        [start @ .., number] if start.len() == 63 && start.iter().all(|byte| *byte == SCHNORR_BYTE) => {
            Some(*number)
        }
        _ => None,
    }
}

/// Returns the number of the signature placeholder in a stack element, and the hash type after it, which may be empty.
/// Returns `None` if the element is not a placeholder.
pub fn signature_element(element: &[u8]) -> Option<(u8, &[u8])> {
    let split = [64, 8].into_iter().filter(|length| [*length, length + 1].contains(&element.len()));
    split.filter_map(|length| Some((placeholder(&element[..length])?, &element[length..]))).next()
}

impl Words {
    /// Creates a value that replaces words (two bytes that stand for longer data) for a transaction with these template
    /// hashes.
    pub fn new(templates: Templates) -> Words {
        Words { templates, placeholders: 0 }
    }

    /// Returns whether a word was replaced by a signature placeholder. The signer must then replace the placeholder by
    /// a signature.
    pub fn has_placeholders(&self) -> bool {
        self.placeholders > 0
    }

    /// Returns the number of the next signature placeholder. It is at most 127, so that it is a positive DER integer
    /// of one byte.
    fn number(&mut self) -> u8 {
        self.placeholders = self.placeholders % 0x7f + 1;
        self.placeholders
    }

    /// Returns the data that a word stands for, or `None` if the two bytes are not a word.
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

    /// Returns the data that a stack element stands for if it is a word. Returns any other element unchanged.
    pub fn element(&mut self, element: &[u8]) -> Vec<u8> {
        let expanded = <[u8; 2]>::try_from(element).ok().and_then(|word| self.expand(word));
        expanded.unwrap_or_else(|| element.to_vec())
    }

    /// Replaces each word in a script by a push of the data that the word stands for. A word is a push of two bytes.
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

/// Splits a script into its instructions. An incomplete instruction at the end is the last item. This function is
/// independent of the engine's parser.
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

/// Returns a push of `data` with the shortest length prefix. Number opcodes such as `OP_1` are not used.
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
