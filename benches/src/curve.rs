//! Records the calls to libsecp256k1 that a verification makes. An inspector observes them.

use bitcoin::{Transaction, TxOut};
use sigstack_interpreter::{CommitmentStep, Event, Flags, Inspector, SignedMessage, Spend};

/// One call that a verification makes to libsecp256k1, with its operands as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CurveCall {
    /// Verification of an ECDSA signature of a digest.
    Ecdsa {
        /// DER encoding of the ECDSA signature, without hash type.
        signature: Vec<u8>,
        /// Public key of the ECDSA signature.
        public_key: Vec<u8>,
        /// Digest that was signed with ECDSA.
        digest: [u8; 32],
        /// Whether the ECDSA signature is valid.
        valid: bool,
    },
    /// Verification of a Schnorr signature of a message under an x-only key.
    Schnorr {
        /// Schnorr signature that is verified.
        signature: [u8; 64],
        /// X-only public key of the Schnorr signature.
        public_key: [u8; 32],
        /// Message that was signed with the Schnorr signature.
        message: Vec<u8>,
    },
    /// Check that a taproot output key is the internal key with the tweak added.
    Tweak {
        /// X-only internal key of the taproot output.
        internal_key: [u8; 32],
        /// Tweak that is added to the internal key of the taproot output.
        tweak: [u8; 32],
        /// X-only output key of the taproot output.
        output_key: [u8; 32],
        /// Whether the Y coordinate of the taproot output key is odd.
        is_odd: bool,
    },
}

struct Recorder<'c> {
    calls: &'c mut Vec<CurveCall>,
    output_key: [u8; 32],
    is_odd: bool,
}

impl Inspector for Recorder<'_> {
    fn commitment(&mut self, step: &CommitmentStep<'_>) {
        if let CommitmentStep::Tweak { internal_key, tweak, .. } = step {
            self.calls.push(CurveCall::Tweak {
                internal_key: **internal_key,
                tweak: *tweak,
                output_key: self.output_key,
                is_odd: self.is_odd,
            });
        }
    }

    fn event(&mut self, event: &Event) {
        let Event::Signature(check) = event else { return };
        let signature = check.signature.clone();
        let public_key = check.public_key.clone();
        self.calls.push(match check.signed {
            SignedMessage::Legacy { .. } | SignedMessage::SegwitV0 { .. } => CurveCall::Ecdsa {
                signature,
                public_key,
                digest: check.message.as_slice().try_into().expect("a digest"),
                valid: check.valid,
            },
            SignedMessage::Taproot { .. } | SignedMessage::Stack => CurveCall::Schnorr {
                signature: signature.try_into().expect("64 bytes"),
                public_key: public_key.try_into().expect("32 bytes"),
                message: check.message.clone(),
            },
        });
    }
}

impl CurveCall {
    /// Returns the calls to libsecp256k1 that the verification of all inputs of a transaction makes.
    pub(crate) fn of(tx: &Transaction, prevouts: &[TxOut], flags: Flags) -> Vec<CurveCall> {
        let spend = Spend::new(tx, prevouts).expect("a prevout for each input");
        let mut calls = Vec::new();
        for (index, (input, prevout)) in tx.input.iter().zip(prevouts).enumerate() {
            let program = prevout.script_pubkey.as_bytes().last_chunk().copied().unwrap_or_default();
            // The last witness element is the control block, because no workload has an annex.
            let is_odd = input.witness.last().and_then(<[u8]>::first).is_some_and(|first| first & 1 == 1);
            let mut recorder = Recorder { calls: &mut calls, output_key: program, is_odd };
            let _ = spend.verify_input_with(index, flags, &mut recorder).expect("a valid workload");
        }
        calls
    }
}
