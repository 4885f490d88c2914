//! A transaction for tests of signatures, signed with rust-bitcoin's sighashes and libsecp256k1.

#![allow(dead_code, reason = "each test file uses its part")]

use bitcoin::hashes::Hash;
use bitcoin::secp256k1::{Keypair, Message, Secp256k1};
use bitcoin::sighash::{Annex, Prevouts, SighashCache, TapSighashType};
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, TapLeafHash, Transaction, TxIn, TxOut, Txid, Witness};
use sigstack_debugger::{Commitment, Explanation, Frame, Options, StepEvent, Subject, Trace};
use sigstack_interpreter::{CodePoints, Flags};

/// Returns the key pair whose secret key consists of 32 bytes equal to `number`.
pub(crate) fn keypair(number: u8) -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[number; 32]).unwrap()
}

/// Returns the x-only public key of [`keypair`]`(number)`.
pub(crate) fn x_only(number: u8) -> [u8; 32] {
    keypair(number).x_only_public_key().0.serialize()
}

/// Returns the compressed public key of [`keypair`]`(number)`.
pub(crate) fn compressed(number: u8) -> Vec<u8> {
    keypair(number).public_key().serialize().to_vec()
}

pub(crate) fn schnorr(keypair: &Keypair, digest: [u8; 32]) -> Vec<u8> {
    Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest(digest), keypair).as_ref().to_vec()
}

/// Returns a DER signature of `digest` by [`keypair`]`(number)`, followed by the hash type.
pub(crate) fn ecdsa(number: u8, digest: [u8; 32], hash_type: u8) -> Vec<u8> {
    let signature = Secp256k1::new().sign_ecdsa(&Message::from_digest(digest), &keypair(number).secret_key());
    [signature.serialize_der().to_vec(), vec![hash_type]].concat()
}

/// A transaction with two inputs that spend outputs of the same script and of different amounts. The tests verify
/// input 0.
pub(crate) struct Spending {
    pub(crate) tx: Transaction,
    pub(crate) prevouts: Vec<TxOut>,
}

impl Spending {
    pub(crate) fn of(script_pubkey: &ScriptBuf) -> Spending {
        let input = |vout| TxIn {
            previous_output: OutPoint { txid: Txid::from_byte_array([3; 32]), vout },
            script_sig: ScriptBuf::new(),
            sequence: Sequence(0xffff_fffe),
            witness: Witness::new(),
        };
        let output =
            |satoshi| TxOut { value: Amount::from_sat(satoshi), script_pubkey: script_pubkey.clone() };
        Spending {
            tx: Transaction {
                version: bitcoin::transaction::Version::TWO,
                lock_time: bitcoin::absolute::LockTime::ZERO,
                input: vec![input(0), input(1)],
                output: vec![output(1_000), output(2_000)],
            },
            prevouts: vec![output(5_000), output(6_000)],
        }
    }

    /// Returns the signature hash of BIP 341 for an input, or that of BIP 342 if a leaf is given.
    pub(crate) fn taproot(
        &self,
        input: usize,
        annex: Option<&[u8]>,
        leaf: Option<TapLeafHash>,
        hash_type: TapSighashType,
    ) -> [u8; 32] {
        let annex = annex.map(|annex| Annex::new(annex).unwrap());
        SighashCache::new(&self.tx)
            .taproot_signature_hash(
                input,
                &Prevouts::All(&self.prevouts),
                annex,
                leaf.map(|leaf| (leaf, u32::MAX)),
                hash_type,
            )
            .unwrap()
            .to_byte_array()
    }

    /// Traces the verification of input 0 with this witness and scriptSig.
    pub(crate) fn trace(
        &self,
        witness: &[Vec<u8>],
        script_sig: Vec<u8>,
        flags: Flags,
        internal_key: Option<[u8; 32]>,
    ) -> Trace {
        let mut tx = self.tx.clone();
        tx.input[0].witness = Witness::from_slice(witness);
        tx.input[0].script_sig = ScriptBuf::from_bytes(script_sig);
        let subject = Subject {
            tx,
            prevouts: self.prevouts.clone(),
            input: 0,
            flags,
            code_points: CodePoints::default(),
            internal_key,
        };
        Trace::record(subject, Options::default()).unwrap()
    }
}

/// Returns all explanations of a trace, in order, as `code: text`.
pub(crate) fn explanations(trace: &Trace) -> Vec<String> {
    let mut lines = Vec::new();
    let mut add =
        |found: &[Explanation]| lines.extend(found.iter().map(|it| format!("{}: {}", it.code, it.text)));
    for frame in &trace.frames {
        match frame {
            Frame::KeyPath(report) => add(&report.explanations),
            Frame::Commitment(Commitment::Tweak { explanations, .. }) => add(explanations),
            Frame::Step(step) => {
                add(&step.explanations);
                for event in &step.events {
                    if let StepEvent::Signature(report) = event {
                        add(&report.explanations);
                    }
                }
            }
            _ => {}
        }
    }
    lines
}

/// Returns the name of a trace's script error, or `OK` for a valid input.
pub(crate) fn verdict(trace: &Trace) -> &'static str {
    trace.verdict.as_ref().err().map_or("OK", |error| error.script_error().unwrap().name())
}

/// Asserts that a trace is invalid with this error, and that its explanations are exactly these lines.
#[track_caller]
pub(crate) fn assert_explained(trace: &Trace, error: &str, lines: &[String]) {
    assert_eq!(verdict(trace), error);
    assert_eq!(explanations(trace), lines);
}

/// Asserts that a trace is valid and has no explanations.
#[track_caller]
pub(crate) fn assert_valid(trace: &Trace) {
    assert_explained(trace, "OK", &[]);
}

/// Returns the notes and explanations of the last phase of a verification.
pub(crate) fn last_notes(trace: &Trace) -> Vec<String> {
    let notes = trace.frames.iter().rev().find_map(|frame| match frame {
        Frame::Phase { notes, explanations, .. } => {
            let texts = explanations.iter().map(|it| it.text.clone());
            Some(notes.iter().cloned().chain(texts).collect())
        }
        _ => None,
    });
    notes.unwrap_or_default()
}
