//! Random tapscripts with correct taproot commitments. Execution gets far into the scripts, because most of their checks
//! succeed.
//!
//! Two thirds of the tapscripts contain opcodes or key types of proposed soft forks. Hashes, tweaks and signatures are
//! computed with the bitcoin crate, so that they do not share errors with the engine under test.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::{Hash, HashEngine, sha256};
use bitcoin::key::{Keypair, UntweakedPublicKey};
use bitcoin::secp256k1::{All, Message, Parity, Secp256k1};
use bitcoin::sighash::{Annex, Prevouts, SighashCache};
use bitcoin::taproot::{LeafVersion, TapLeafHash, TapNodeHash, TapTweakHash};
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, OutPoint, Script, ScriptBuf, Sequence, TapSighashType, Transaction, TxIn, TxOut, Txid, Witness,
};

use crate::random::Random;

/// A transaction with one input that spends a tapscript.
pub(crate) struct TapscriptSpend {
    pub(crate) tx: Transaction,
    /// The spent outputs, in input order.
    pub(crate) prevouts: Vec<TxOut>,
    /// Index of the input with the tapscript.
    pub(crate) index: usize,
}

/// Generator of the tapscripts for one seed.
pub(crate) struct Tapscripts {
    seed: u64,
    secp: Secp256k1<All>,
    keys: Vec<Keypair>,
}

/// Secret keys of the generator: each is one of these bytes, repeated 32 times.
const SECRETS: [u8; 3] = [0x11, 0x22, 0x33];

/// A witness element that the script consumes.
enum Element {
    Bytes(Vec<u8>),
    Signature {
        key: usize,
        hash_type: u8,
        /// Position of the last executed `OP_CODESEPARATOR`.
        separator: u32,
    },
}

impl Tapscripts {
    pub(crate) fn new(seed: u64) -> Tapscripts {
        let secp = Secp256k1::new();
        let key = |secret| Keypair::from_seckey_slice(&secp, &[secret; 32]).unwrap();
        let keys = SECRETS.into_iter().map(key).collect();
        Tapscripts { seed, secp, keys }
    }

    fn x_only(&self, key: usize) -> [u8; 32] {
        self.keys[key].x_only_public_key().0.serialize()
    }

    fn sign(&self, key: usize, message: [u8; 32]) -> Vec<u8> {
        let message = Message::from_digest(message);
        self.secp.sign_schnorr_no_aux_rand(&message, &self.keys[key]).serialize().to_vec()
    }

    /// Returns the tapscript with this number.
    pub(crate) fn spend(&self, number: u64) -> TapscriptSpend {
        self.spend_after(&[], &[], number)
    }

    /// Returns the tapscript with this number, preceded by `script`. `script` must consist of opcodes only, consume the
    /// witness elements `stack`, given bottom first, and leave nothing on the stack.
    pub(crate) fn spend_after(&self, stack: &[&[u8]], script: &[u8], number: u64) -> TapscriptSpend {
        let mut random = Random::new(self.seed, number);
        let (mut tx, mut prevouts, index) = transaction(&mut random);
        let internal_key = random.below(self.keys.len());
        let mut builder = Builder {
            source: self,
            random,
            script: vec![],
            position: 0,
            separator: u32::MAX,
            elements: vec![],
            internal_key,
            template: template_hash(&tx, index),
        };
        stack.iter().rev().for_each(|element| builder.take(element.to_vec()));
        builder.ops(script);
        builder.write();
        let Builder { mut random, script, elements, .. } = builder;

        let leaf_version = if random.once_in(60) { 0xc2 + 2 * random.below(3) as u8 } else { 0xc0 };
        let script = ScriptBuf::from(script);
        let leaf_hash = TapLeafHash::from_script(&script, LeafVersion::from_consensus(leaf_version).unwrap());
        let path: Vec<Vec<u8>> = (0..random.below(3)).map(|_| random.bytes(32)).collect();
        let (output_key, parity) = self.output_key(internal_key, leaf_hash, &path);
        let flaw = random.once_in(200) as u8;
        let mut output = [&[0x51, 0x20], output_key.as_slice()].concat();
        output[2] ^= flaw;
        prevouts[index].script_pubkey = ScriptBuf::from(output);

        let annex = random.once_in(6).then(|| {
            let length = random.below(40);
            [vec![0x50], random.bytes(length)].concat()
        });
        let context = SigningContext { tx: &tx, prevouts: &prevouts, index, leaf_hash, annex: &annex };
        let solved = elements.into_iter().rev().map(|element| self.solve(element, &context, &mut random));
        let mut witness: Vec<Vec<u8>> = solved.collect();
        if random.once_in(40) {
            witness.insert(0, random.bytes(1));
        }
        let first = leaf_version | u8::from(parity == Parity::Odd);
        let control_block = [vec![first], self.x_only(internal_key).to_vec(), path.concat()].concat();
        witness.extend([script.into_bytes(), control_block]);
        witness.extend(annex);
        tx.input[index].witness = Witness::from_slice(&witness);
        TapscriptSpend { tx, prevouts, index }
    }

    /// Computes the output key (BIP 341): the internal key, tweaked with the Merkle root that follows from the leaf and its
    /// path.
    fn output_key(&self, internal_key: usize, leaf: TapLeafHash, path: &[Vec<u8>]) -> ([u8; 32], Parity) {
        let join = |node, sibling: &Vec<u8>| {
            TapNodeHash::from_node_hashes(node, TapNodeHash::from_slice(sibling).unwrap())
        };
        let root = path.iter().fold(TapNodeHash::from(leaf), join);
        let internal_key: UntweakedPublicKey = self.keys[internal_key].x_only_public_key().0;
        let tweak = TapTweakHash::from_key_and_tweak(internal_key, Some(root)).to_scalar();
        let (output_key, parity) = internal_key.add_tweak(&self.secp, &tweak).unwrap();
        (output_key.serialize(), parity)
    }

    fn solve(&self, element: Element, context: &SigningContext<'_>, random: &mut Random) -> Vec<u8> {
        let (key, hash_type, separator) = match element {
            Element::Bytes(bytes) => return bytes,
            Element::Signature { key, hash_type, separator } => (key, hash_type, separator),
        };
        let mut signature = match context.digest(hash_type, separator) {
            Some(digest) => self.sign(key, digest),
            None => random.bytes(64),
        };
        if random.once_in(20) {
            signature[random.below(64)] ^= 1 << random.below(8);
        }
        if hash_type != 0 {
            signature.push(hash_type);
        }
        signature
    }
}

/// Data that signatures in a tapscript commit to.
struct SigningContext<'a> {
    tx: &'a Transaction,
    prevouts: &'a [TxOut],
    index: usize,
    leaf_hash: TapLeafHash,
    annex: &'a Option<Vec<u8>>,
}

impl SigningContext<'_> {
    /// Computes the signature hash. Returns `None` if the hash type is undefined, or if it is SINGLE and there is no
    /// corresponding output.
    fn digest(&self, hash_type: u8, separator: u32) -> Option<[u8; 32]> {
        let hash_type = TapSighashType::from_consensus_u8(hash_type).ok()?;
        let annex = self.annex.as_ref().map(|annex| Annex::new(annex).unwrap());
        let leaf = Some((self.leaf_hash, separator));
        let prevouts = Prevouts::All(self.prevouts);
        let mut cache = SighashCache::new(self.tx);
        let digest = cache.taproot_signature_hash(self.index, &prevouts, annex, leaf, hash_type);
        digest.ok().map(|digest| digest.to_byte_array())
    }
}

/// Creates a transaction without witnesses, and returns it with the spent outputs and the index of the input that gets the
/// tapscript.
fn transaction(random: &mut Random) -> (Transaction, Vec<TxOut>, usize) {
    let inputs = 1 + random.below(3);
    let lock_time = *random.pick(&[0, 1, 100, 500_000_000, u32::MAX]);
    let mut tx = Transaction {
        version: Version(*random.pick(&[1, 2, 2, -1])),
        lock_time: LockTime::from_consensus(lock_time),
        input: vec![],
        output: vec![],
    };
    let mut prevouts = vec![];
    for _ in 0..inputs {
        let txid = Txid::from_slice(&random.bytes(32)).unwrap();
        let sequence = *random.pick(&[0, 1, 10, 1 << 22 | 3, 0xffff_fffe, u32::MAX]);
        tx.input.push(TxIn {
            previous_output: OutPoint { txid, vout: random.below(4) as u32 },
            script_sig: ScriptBuf::new(),
            sequence: Sequence(sequence),
            witness: Witness::new(),
        });
        let value = Amount::from_sat(random.next() >> 20);
        prevouts.push(TxOut { value, script_pubkey: ScriptBuf::from(vec![0x51]) });
    }
    for _ in 0..random.below(4) {
        let length = random.below(30);
        let script_pubkey = ScriptBuf::from(random.bytes(length));
        tx.output.push(TxOut { value: Amount::from_sat(random.next() >> 20), script_pubkey });
    }
    let index = random.below(inputs);
    (tx, prevouts, index)
}

/// Computes BIP 119's template hash of a transaction whose scriptSigs are empty.
fn template_hash(tx: &Transaction, index: usize) -> [u8; 32] {
    let mut sequences = sha256::Hash::engine();
    tx.input.iter().for_each(|input| sequences.input(&input.sequence.0.to_le_bytes()));
    let mut outputs = sha256::Hash::engine();
    tx.output.iter().for_each(|output| outputs.input(&bitcoin::consensus::serialize(output)));
    let mut hash = sha256::Hash::engine();
    hash.input(&tx.version.0.to_le_bytes());
    hash.input(&tx.lock_time.to_consensus_u32().to_le_bytes());
    hash.input(&(tx.input.len() as u32).to_le_bytes());
    hash.input(sha256::Hash::from_engine(sequences).as_byte_array());
    hash.input(&(tx.output.len() as u32).to_le_bytes());
    hash.input(sha256::Hash::from_engine(outputs).as_byte_array());
    hash.input(&(index as u32).to_le_bytes());
    sha256::Hash::from_engine(hash).to_byte_array()
}

/// Computes BIP 442's hash of two elements, each shorter than 253 bytes.
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

/// Opcodes of the proposed soft forks.
const PROPOSALS: [u8; 6] = [
    op::CAT,
    op::CHECKTEMPLATEVERIFY,
    op::INTERNALKEY,
    op::CHECKSIGFROMSTACK,
    op::PAIRCOMMIT,
    op::TEMPLATEHASH,
];

/// A public key in a script.
struct Key {
    bytes: Vec<u8>,
    /// Index of the secret key, if the generator knows it and the key's signatures are valid under today's rules.
    known: Option<usize>,
}

/// A script under construction, and the witness elements that it consumes, in the order of use.
struct Builder<'a> {
    source: &'a Tapscripts,
    random: Random,
    script: Vec<u8>,
    /// Position of the next opcode; pushes are counted.
    position: u32,
    separator: u32,
    elements: Vec<Element>,
    internal_key: usize,
    template: [u8; 32],
}

impl Builder<'_> {
    fn write(&mut self) {
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

    /// Appends opcodes, which may include pushes of one byte.
    fn ops(&mut self, bytes: &[u8]) {
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

    fn take(&mut self, bytes: Vec<u8>) {
        self.elements.push(Element::Bytes(bytes));
    }

    fn key(&mut self) -> Key {
        let known = self.random.below(SECRETS.len());
        let x_only = self.source.x_only(known);
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
                let key = self.random.below(SECRETS.len());
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

    /// Appends OP_VERIFY or OP_DROP, which consume the boolean on top of the stack. `holds` is the expected value of
    /// this boolean. OP_VERIFY rarely follows a false value, because it then makes the script fail.
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

    /// Appends a signature check of BIP 348, which consumes signature, message and key.
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
                self.source.sign(signer, message.clone().try_into().unwrap())
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
            let key = self.source.x_only(self.internal_key);
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

    /// Appends a branch with opcodes that are not executed.
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

    /// Appends a push whose data contains the bytes of the proposals' opcodes.
    fn bytes_in_a_push(&mut self) {
        let data = [PROPOSALS.to_vec(), self.random.bytes(1)].concat();
        self.push(&data);
        self.op(op::DROP);
    }

    /// Appends random bytes, after which few scripts remain valid.
    fn noise(&mut self) {
        let length = 1 + self.random.below(3);
        let bytes = self.random.bytes(length);
        self.script.extend(&bytes);
        self.position += Script::from_bytes(&bytes).instructions().count() as u32;
    }
}
