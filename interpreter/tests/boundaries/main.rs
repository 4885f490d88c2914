//! Tests of rules at their boundaries: sizes at each limit and one above, two rules broken at once, digests whose counts,
//! lengths and indices do not fit one byte, and hashes that several signatures share.
//!
//! `fuzz/planted/run --tests` adds bugs of these kinds to the code, one at a time. Each bug must make one of these tests
//! fail.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod caches;
mod digests;
mod flags;
mod order;
mod order_of_inputs;
mod sizes;
mod sizes_of_inputs;

use bitcoin::hashes::{Hash, sha256};
use bitcoin::{
    Amount, ScriptBuf, Transaction, TxIn, TxOut, Witness, absolute::LockTime, transaction::Version,
};
use secp256k1::{Keypair, Message, PublicKey, Scalar, SecretKey};
use sigstack_interpreter::taproot::{leaf_hash, tweak_hash};
use sigstack_interpreter::{
    Context, Flags, MockHost, NoInspector, ScriptError, Spend, Stack, Tapscript, append_push, run_script,
};

const DROP: u8 = 0x75;
const NOP: u8 = 0x61;
const TRUE: u8 = 0x51;
const CHECKSIG: u8 = 0xac;
const CHECKSIGVERIFY: u8 = 0xad;
const CODESEPARATOR: u8 = 0xab;

/// Runs a script with the initial stack `elements`, the top element last, and a mock host that answers every question
/// with `answer`. Returns the final stack.
fn run(
    script: &[u8],
    elements: &[&[u8]],
    context: Context,
    flags: Flags,
    answer: bool,
) -> Result<Vec<Vec<u8>>, ScriptError> {
    let mut stack = Stack::new();
    elements.iter().for_each(|element| stack.push(element).unwrap());
    let mut host = MockHost::new(|_| answer);
    run_script(&mut stack, script, context, flags, &mut host, &mut NoInspector).map_err(|stop| stop.error)?;
    Ok(stack.iter().map(<[u8]>::to_vec).collect())
}

/// Creates the context of a tapscript whose signature budget is `weight`, in weight units.
fn tapscript(weight: i64) -> Context {
    let mut tapscript = Tapscript::new([1; 32], [2; 32], None, 0);
    tapscript.validation_weight_left = weight;
    Context::Tapscript(tapscript)
}

fn push(data: &[u8]) -> Vec<u8> {
    let mut script = vec![];
    append_push(data, &mut script);
    script
}

fn output(value: u64, script: &[u8]) -> TxOut {
    TxOut { value: Amount::from_sat(value), script_pubkey: ScriptBuf::from(script.to_vec()) }
}

/// Creates a transaction with distinct inputs and distinct outputs. Returns the transaction and its prevouts.
fn transaction(inputs: u32, outputs: u32) -> (Transaction, Vec<TxOut>) {
    let script = |nth: u32| vec![TRUE; (nth % 5) as usize];
    let numbered = |nth| {
        let mut input = TxIn { sequence: bitcoin::Sequence(nth + 1), ..TxIn::default() };
        input.previous_output.vout = nth;
        input
    };
    let tx = Transaction {
        version: Version::TWO,
        lock_time: LockTime::from_consensus(7),
        input: (0..inputs).map(numbered).collect(),
        output: (0..outputs).map(|nth| output(u64::from(nth) + 100, &script(nth))).collect(),
    };
    (tx, (0..inputs).map(|nth| output(u64::from(nth) + 200, &script(nth + 1))).collect())
}

/// A test case that verifies the first input of a transaction with two inputs and two outputs.
#[derive(Clone)]
struct Input {
    tx: Transaction,
    prevouts: Vec<TxOut>,
}

impl Input {
    fn new(script_pubkey: &[u8], script_sig: &[u8], witness: &[Vec<u8>]) -> Input {
        let (mut tx, mut prevouts) = transaction(2, 2);
        prevouts[0].script_pubkey = ScriptBuf::from(script_pubkey.to_vec());
        tx.input[0].script_sig = ScriptBuf::from(script_sig.to_vec());
        tx.input[0].witness = Witness::from_slice(witness);
        Input { tx, prevouts }
    }

    fn p2wsh(script: &[u8], elements: &[Vec<u8>]) -> Input {
        let witness = [elements, &[script.to_vec()]].concat();
        Input::new(&p2wsh(script), &[], &witness)
    }

    /// Creates a taproot input that spends the only leaf of a script tree.
    fn leaf(version: u8, script: &[u8], elements: &[Vec<u8>]) -> Input {
        let internal_key = keypair().x_only_public_key().0;
        let tweak = tweak_hash(&internal_key.to_byte_array(), Some(&leaf_hash(version, script)));
        let (output_key, parity) = internal_key.add_tweak(&Scalar::from_be_bytes(tweak).unwrap()).unwrap();
        let control = [&[version | parity.to_u8()][..], &internal_key.to_byte_array()].concat();
        let witness = [elements, &[script.to_vec(), control]].concat();
        Input::new(&[&[0x51, 32], &output_key.to_byte_array()[..]].concat(), &[], &witness)
    }

    fn tapscript(script: &[u8], elements: &[Vec<u8>]) -> Input {
        Input::leaf(0xc0, script, elements)
    }

    /// Returns the input with the elements of its witness changed by `change`.
    fn with_witness(mut self, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Input {
        let mut witness = self.tx.input[0].witness.to_vec();
        change(&mut witness);
        self.tx.input[0].witness = Witness::from_slice(&witness);
        self
    }

    fn spend(&self) -> Spend<'_> {
        Spend::new(&self.tx, &self.prevouts).unwrap()
    }

    fn verify(&self, flags: Flags) -> Result<(), ScriptError> {
        self.spend().verify_input(0, flags.closure()).map(drop).map_err(|error| error.script_error().unwrap())
    }
}

fn p2wsh(script: &[u8]) -> Vec<u8> {
    [&[0, 32], &sha256::Hash::hash(script)[..]].concat()
}

fn secret_key() -> SecretKey {
    SecretKey::from_secret_bytes([7; 32]).unwrap()
}

fn keypair() -> Keypair {
    Keypair::from_secret_key(&secret_key())
}

/// The compressed public key of [`secret_key`].
fn public_key() -> [u8; 33] {
    PublicKey::from_secret_key(&secret_key()).serialize()
}

/// Returns an ECDSA signature followed by its hash type.
fn sign_ecdsa(digest: [u8; 32], hash_type: u8) -> Vec<u8> {
    let signature = secp256k1::ecdsa::sign(Message::from_digest(digest), &secret_key());
    [&signature.serialize_der()[..], &[hash_type]].concat()
}

/// Returns a Schnorr signature followed by its hash type, unless the hash type is 0.
fn sign_schnorr(digest: [u8; 32], hash_type: u8) -> Vec<u8> {
    let mut signature = secp256k1::schnorr::sign_no_aux_rand(&digest, &keypair()).to_byte_array().to_vec();
    signature.extend((hash_type != 0).then_some(hash_type));
    signature
}
