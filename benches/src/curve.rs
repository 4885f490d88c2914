//! What a verification asks of libsecp256k1, as an inspector sees it.

use sigstack_interpreter::{CommitmentStep, Event, Flags, Inspector, SignedMessage, Spend};

use crate::workload::Case;

/// One question to the curve, its operands as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CurveCall {
    /// Whether a DER signature is the key's signature of the digest.
    Ecdsa {
        /// The signature without hash type.
        signature: Vec<u8>,
        /// The public key.
        public_key: Vec<u8>,
        /// The digest.
        digest: [u8; 32],
        /// The answer.
        valid: bool,
    },
    /// Whether a signature is the x-only key's signature of the message.
    Schnorr {
        /// The signature.
        signature: [u8; 64],
        /// The public key.
        public_key: [u8; 32],
        /// The message.
        message: Vec<u8>,
    },
    /// Whether a taproot output key is the internal key, tweaked.
    Tweak {
        /// The internal key.
        internal_key: [u8; 32],
        /// The tweak.
        tweak: [u8; 32],
        /// The output key.
        output_key: [u8; 32],
        /// Whether its Y coordinate is odd.
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
    /// The calls of all inputs of a case.
    pub(crate) fn of(case: &Case, flags: Flags) -> Vec<CurveCall> {
        let spend = Spend::new(&case.tx, &case.prevouts).expect("a prevout for each input");
        let mut calls = Vec::new();
        for (index, (input, prevout)) in case.tx.input.iter().zip(&case.prevouts).enumerate() {
            let program = prevout.script_pubkey.as_bytes().last_chunk().copied().unwrap_or_default();
            // The control block is last: no workload has an annex.
            let is_odd = input.witness.last().and_then(<[u8]>::first).is_some_and(|first| first & 1 == 1);
            let mut recorder = Recorder { calls: &mut calls, output_key: program, is_odd };
            let _ = spend.verify_input_with(index, flags, &mut recorder).expect("a valid workload");
        }
        calls
    }
}
