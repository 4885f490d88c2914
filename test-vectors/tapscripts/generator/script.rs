//! Random tapscripts, and the witness elements that they consume.

use bitcoin::Script;
use bitcoin::hashes::{Hash, HashEngine, sha256};

use super::signing::{Element, Keys};
use crate::random::Random;

/// Byte values of the opcodes that random scripts use.
mod op {
    pub(super) const PUSHDATA1: u8 = 0x4c;
    pub(super) const ONE: u8 = 0x51;
    pub(super) const NOP: u8 = 0x61;
    pub(super) const IF: u8 = 0x63;
    pub(super) const ELSE: u8 = 0x67;
    pub(super) const ENDIF: u8 = 0x68;
    pub(super) const VERIFY: u8 = 0x69;
    pub(super) const DROP: u8 = 0x75;
    pub(super) const CAT: u8 = 0x7e;
    pub(super) const SIZE: u8 = 0x82;
    pub(super) const EQUALVERIFY: u8 = 0x88;
    pub(super) const NUMEQUALVERIFY: u8 = 0x9d;
    pub(super) const CODESEPARATOR: u8 = 0xab;
    pub(super) const CHECKSIG: u8 = 0xac;
    pub(super) const CHECKSIGVERIFY: u8 = 0xad;
    pub(super) const CHECKTEMPLATEVERIFY: u8 = 0xb3;
    pub(super) const CHECKSIGADD: u8 = 0xba;
    pub(super) const INTERNALKEY: u8 = 0xcb;
    pub(super) const CHECKSIGFROMSTACK: u8 = 0xcc;
    pub(super) const PAIRCOMMIT: u8 = 0xcd;
    pub(super) const TEMPLATEHASH: u8 = 0xce;
}

/// Opcodes that the proposed soft forks redefine.
const PROPOSALS: [u8; 6] = [
    op::CAT,
    op::CHECKTEMPLATEVERIFY,
    op::INTERNALKEY,
    op::CHECKSIGFROMSTACK,
    op::PAIRCOMMIT,
    op::TEMPLATEHASH,
];

/// A public key that a random script uses.
struct Key {
    bytes: Vec<u8>,
    /// Index of the key's secret. `None` if the generator does not know the secret, or if signatures by the key are not
    /// valid under today's rules.
    known: Option<usize>,
}

/// A random script under construction, and the witness elements that it consumes, in the order of consumption.
pub(super) struct ScriptBuilder<'a> {
    keys: &'a Keys,
    random: Random,
    script: Vec<u8>,
    /// Number of opcodes appended so far, including pushes. This is the position of the next opcode.
    position: u32,
    /// Position of the last `OP_CODESEPARATOR` in the script so far. `u32::MAX` if there is none.
    separator: u32,
    elements: Vec<Element>,
    internal_key: usize,
    template: [u8; 32],
}

impl<'a> ScriptBuilder<'a> {
    /// Creates an empty script. `internal_key` is the index of the taproot internal key, and `template` is the BIP 119
    /// template hash of the spending transaction.
    pub(super) fn new(keys: &'a Keys, random: Random, internal_key: usize, template: [u8; 32]) -> Self {
        let (script, elements) = (vec![], vec![]);
        ScriptBuilder {
            keys,
            random,
            script,
            position: 0,
            separator: u32::MAX,
            elements,
            internal_key,
            template,
        }
    }

    /// Returns the random number generator, the finished script, and the witness elements in the order in which the
    /// script consumes them.
    pub(super) fn finish(self) -> (Random, Vec<u8>, Vec<Element>) {
        (self.random, self.script, self.elements)
    }

    /// Appends one to five random parts, such as signature checks, and usually OP_1 at the end.
    pub(super) fn write(&mut self) {
        // Under today's rules an OP_SUCCESS makes the whole script valid, so half of the scripts contain no proposal that
        // redefines one.
        let ends_today = self.random.once_in(2);
        for _ in 0..1 + self.random.below(5) {
            match self.random.below(24) {
                0..8 => self.signature_check(),
                8..11 => self.template(),
                11 | 12 => self.arithmetic(),
                13 => self.separator(),
                14 => self.dead_branch(ends_today),
                15 => self.bytes_in_a_push(),
                16 if self.random.once_in(4) => self.noise(),
                16 => self.op(op::NOP),
                17 if ends_today && self.random.once_in(3) => self.op(0xbb),
                _ if !ends_today => self.signature_check(),
                17 | 18 => self.data_signature(),
                19 => self.concatenation(),
                20 => self.pair(),
                21 | 22 => self.internal_key(),
                _ => self.ops(&[op::TEMPLATEHASH, op::SIZE, 1, 32, op::EQUALVERIFY, op::DROP]),
            }
        }
        match self.random.below(30) {
            0 => {}
            1 => self.op(0),
            2 => self.op(0xb3),
            _ => self.op(op::ONE),
        }
    }

    fn op(&mut self, opcode: u8) {
        self.script.push(opcode);
        self.position += 1;
    }

    /// Appends opcodes. A byte 01 is a push of one byte, so the byte after it is data.
    pub(super) fn ops(&mut self, bytes: &[u8]) {
        self.script.extend(bytes);
        let pushes = bytes.iter().filter(|byte| **byte == 1).count();
        self.position += (bytes.len() - pushes) as u32;
    }

    fn push(&mut self, data: &[u8]) {
        match data {
            [] => self.script.push(0),
            [number @ 1..=16] => self.script.push(0x50 + number),
            [0x81] => self.script.push(0x4f),
            _ if data.len() <= 75 && !self.random.once_in(60) => {
                self.script.push(data.len() as u8);
                self.script.extend(data);
            }
            _ => {
                self.script.extend([op::PUSHDATA1, data.len() as u8]);
                self.script.extend(data);
            }
        }
        self.position += 1;
    }

    /// Adds an element to the list of witness elements. The next opcode that takes an element from the initial stack
    /// consumes it.
    pub(super) fn take(&mut self, bytes: Vec<u8>) {
        self.elements.push(Element::Bytes(bytes));
    }

    fn key(&mut self) -> Key {
        let known = self.random.below(self.keys.count());
        let x_only = self.keys.x_only(known);
        let after = |first: u8| [&[first], x_only.as_slice()].concat();
        let bytes = match self.random.below(20) {
            0 | 1 => vec![1],
            2 | 3 => after(1),
            4 => after(2),
            5 => after(3),
            6 => self.random.bytes(32),
            7 if self.random.once_in(4) => vec![],
            7 => {
                let length = 1 + self.random.below(70);
                let first = *self.random.pick(&[0, 1, 1, 2, 4]);
                let mut bytes = self.random.bytes(length);
                bytes[0] = first;
                bytes
            }
            _ => return Key { bytes: x_only.to_vec(), known: Some(known) },
        };
        Key { bytes, known: None }
    }

    /// Adds a witness element that is used as a signature for a key. Returns whether the signature check should
    /// succeed.
    fn signature(&mut self, key: &Key) -> bool {
        if self.random.once_in(4) {
            self.take(vec![]);
            return false;
        }
        let hash_type = match self.random.below(10) {
            0..6 => 0,
            6 | 7 => *self.random.pick(&[1, 2, 3]),
            8 => *self.random.pick(&[0x81, 0x82, 0x83]),
            _ => *self.random.pick(&[0x41, 0x42, 0x43, 0xc1, 0xc3, 0x40, 0x80, 4]),
        };
        match key.known {
            Some(key) if !self.random.once_in(12) => {
                let hash_type = if hash_type & 0x40 == 0 || self.random.once_in(3) { hash_type } else { 0 };
                self.elements.push(Element::Signature { key, hash_type, separator: self.separator });
            }
            // BIP 118 defines another digest for its keys, so these signatures are invalid under its rules.
            None if self.random.once_in(2) => {
                let key = self.random.below(self.keys.count());
                self.elements.push(Element::Signature { key, hash_type, separator: self.separator });
            }
            _ => {
                let length = *self.random.pick(&[1, 63, 64, 64, 64, 65, 66]);
                let bytes = self.random.bytes(length);
                self.take(bytes);
            }
        }
        true
    }

    fn signature_check(&mut self) {
        let key = self.key();
        let holds = self.signature(&key);
        match self.random.below(4) {
            0 if holds || self.random.once_in(12) => {
                self.push(&key.bytes);
                self.op(op::CHECKSIGVERIFY);
            }
            1 => {
                let count = self.random.below(8) as u8;
                self.push(&[count][..usize::from(count != 0)]);
                self.push(&key.bytes);
                self.op(op::CHECKSIGADD);
                let sum = count + u8::from(holds);
                self.push(&[sum][..usize::from(sum != 0)]);
                self.op(op::NUMEQUALVERIFY);
            }
            _ => {
                self.push(&key.bytes);
                self.op(op::CHECKSIG);
                self.settle(holds);
            }
        }
    }

    /// Appends OP_VERIFY or OP_DROP, which consume the boolean on top of the stack. `holds` is the value that this
    /// boolean should have. OP_VERIFY rarely follows a false value, because the script would fail.
    fn settle(&mut self, holds: bool) {
        let verify = if self.random.once_in(40) { !holds } else { holds && self.random.once_in(2) };
        self.op(if verify { op::VERIFY } else { op::DROP });
    }

    fn template(&mut self) {
        let mut hash = self.template.to_vec();
        match self.random.below(4) {
            0 => {
                let length = *self.random.pick(&[0, 1, 31, 33]);
                hash = self.random.bytes(length);
            }
            1 if self.random.once_in(2) => hash = self.random.bytes(32),
            _ => {}
        }
        self.push(&hash);
        self.ops(&[op::CHECKTEMPLATEVERIFY, op::DROP]);
    }

    /// Appends a check by OP_CHECKSIGFROMSTACK (BIP 348), which consumes a signature, a message and a key.
    fn data_signature(&mut self) {
        let message = self.random.bytes(32);
        let key = self.key();
        let mut holds = true;
        let signature = match self.random.below(5) {
            0 => {
                holds = false;
                vec![]
            }
            1 if key.known.is_none() => {
                let length = *self.random.pick(&[1, 63, 64, 65]);
                self.random.bytes(length)
            }
            _ => {
                let signer = key.known.unwrap_or(0);
                self.keys.sign(signer, message.clone().try_into().unwrap())
            }
        };
        self.take(signature);
        self.push(&message);
        self.push(&key.bytes);
        self.op(op::CHECKSIGFROMSTACK);
        self.settle(holds);
    }

    fn two_elements(&mut self) -> (Vec<u8>, Vec<u8>) {
        let lengths = (self.random.below(40), self.random.below(40));
        (self.random.bytes(lengths.0), self.random.bytes(lengths.1))
    }

    fn concatenation(&mut self) {
        let (first, second) = self.two_elements();
        self.take(first.clone());
        self.push(&second);
        self.op(op::CAT);
        self.push(&[first, second].concat());
        self.op(op::EQUALVERIFY);
    }

    fn pair(&mut self) {
        let (first, second) = self.two_elements();
        self.take(first.clone());
        self.push(&second);
        self.op(op::PAIRCOMMIT);
        self.push(&pair_commit(&first, &second));
        self.op(op::EQUALVERIFY);
    }

    fn internal_key(&mut self) {
        if self.random.once_in(2) {
            self.op(op::INTERNALKEY);
            let key = self.keys.x_only(self.internal_key);
            self.push(&key);
            self.op(op::EQUALVERIFY);
            return;
        }
        let key = Key { bytes: vec![], known: Some(self.internal_key) };
        let holds = self.signature(&key);
        self.ops(&[op::INTERNALKEY, op::CHECKSIG]);
        self.settle(holds);
    }

    fn arithmetic(&mut self) {
        let numbers: [u8; 2] = [2 + self.random.below(7) as u8, 2 + self.random.below(7) as u8];
        self.push(&numbers[..1]);
        self.push(&numbers[1..]);
        // ADD, SUB, BOOLAND, LESSTHAN, MIN, MAX and EQUAL leave one element, SWAP leaves two, 2DUP leaves four.
        let one = [0x93, 0x94, 0x9a, 0x9f, 0xa3, 0xa4, 0x87].map(|opcode| (opcode, 1));
        let (opcode, left) = *self.random.pick(&[&one[..], &[(0x7c, 2), (0x6e, 4)]].concat());
        self.op(opcode);
        self.ops(&[op::DROP; 4][..left]);
    }

    fn separator(&mut self) {
        self.separator = self.position;
        self.op(op::CODESEPARATOR);
    }

    /// Appends an OP_IF branch that is never executed. If `ends_today` is set, the branch may contain an OP_SUCCESSx
    /// that a proposal redefines, which makes the script valid under today's rules.
    fn dead_branch(&mut self, ends_today: bool) {
        self.ops(&[0, op::IF]);
        for _ in 0..self.random.below(4) {
            let opcode = *self.random.pick(&PROPOSALS);
            let opcode = if ends_today { opcode } else { op::CHECKTEMPLATEVERIFY };
            let opcode = *self.random.pick(&[opcode, op::CODESEPARATOR, op::CHECKSIG, 0x50, op::NOP]);
            self.op(opcode);
        }
        if self.random.once_in(2) {
            self.op(op::ELSE);
        }
        self.op(op::ENDIF);
    }

    /// Appends a push and OP_DROP. The pushed data contains the bytes of the proposals' opcodes, which have no effect
    /// there.
    fn bytes_in_a_push(&mut self) {
        let data = [PROPOSALS.to_vec(), self.random.bytes(1)].concat();
        self.push(&data);
        self.op(op::DROP);
    }

    /// Appends a few random bytes to the script. Few scripts with such bytes are valid.
    fn noise(&mut self) {
        let length = 1 + self.random.below(3);
        let bytes = self.random.bytes(length);
        self.script.extend(&bytes);
        self.position += Script::from_bytes(&bytes).instructions().count() as u32;
    }
}

/// Computes the hash that OP_PAIRCOMMIT pushes for two elements (BIP 442). Each element must be shorter than 253 bytes.
fn pair_commit(first: &[u8], second: &[u8]) -> [u8; 32] {
    let tag = sha256::Hash::hash(b"PairCommit");
    let mut hash = sha256::Hash::engine();
    hash.input(tag.as_byte_array());
    hash.input(tag.as_byte_array());
    for element in [first, second] {
        hash.input(&[element.len() as u8]);
        hash.input(element);
    }
    sha256::Hash::from_engine(hash).to_byte_array()
}
