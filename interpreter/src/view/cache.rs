//! [`TxCache`]: hashes of a transaction that several of its inputs need, so that each is computed once.

use std::sync::OnceLock;

use bitcoin::{Transaction, TxOut};
use sha2::{Digest, Sha256};

use crate::message::{CompactSize, MessageSink, outpoint_bytes, write_output, write_sized};

/// Hashes that all inputs of a transaction share. Each is computed when it is first needed.
///
/// A cache must be used with one transaction and its prevouts only.
#[derive(Default)]
pub struct TxCache {
    prevouts: OnceLock<[u8; 32]>,
    sequences: OnceLock<[u8; 32]>,
    outputs: OnceLock<[u8; 32]>,
    amounts: OnceLock<[u8; 32]>,
    script_pubkeys: OnceLock<[u8; 32]>,
    single_outputs: OnceLock<Box<[OnceLock<[u8; 32]>]>>,
    script_sigs: OnceLock<Option<[u8; 32]>>,
    segwit_v0: OnceLock<SegwitV0Hashes>,
    legacy: OnceLock<LegacyParts>,
}

/// Hashes in BIP 143 messages that are the same for all inputs of a transaction. They are double SHA-256.
pub(crate) struct SegwitV0Hashes {
    pub(crate) prevouts: [u8; 32],
    pub(crate) sequences: [u8; 32],
    pub(crate) outputs: [u8; 32],
    /// Hasher that has processed the fields before the outpoint in a BIP 143 message for SIGHASH_ALL. These fields are
    /// the same for every input.
    pub(crate) before_outpoint: Sha256,
}

fn sha256_of(write: impl FnOnce(&mut Sha256)) -> [u8; 32] {
    let mut hasher = Sha256::new();
    write(&mut hasher);
    hasher.finalize().into()
}

impl TxCache {
    /// SHA-256 of all outpoints (BIP 341 `sha_prevouts`).
    pub(crate) fn prevouts(&self, tx: &Transaction) -> &[u8; 32] {
        self.prevouts.get_or_init(|| {
            sha256_of(|h| tx.input.iter().for_each(|input| h.update(outpoint_bytes(&input.previous_output))))
        })
    }

    /// SHA-256 of all nSequences (BIP 341 `sha_sequences`).
    pub(crate) fn sequences(&self, tx: &Transaction) -> &[u8; 32] {
        self.sequences.get_or_init(|| {
            sha256_of(|h| tx.input.iter().for_each(|input| h.update(input.sequence.0.to_le_bytes())))
        })
    }

    /// SHA-256 of all outputs (BIP 341 `sha_outputs`).
    pub(crate) fn outputs(&self, tx: &Transaction) -> &[u8; 32] {
        self.outputs.get_or_init(|| {
            sha256_of(|h| tx.output.iter().for_each(|output| write_output(h, "outputs", output)))
        })
    }

    /// SHA-256 of the amounts of all prevouts (BIP 341 `sha_amounts`).
    pub(crate) fn amounts(&self, prevouts: &[TxOut]) -> &[u8; 32] {
        self.amounts.get_or_init(|| {
            sha256_of(|h| prevouts.iter().for_each(|output| h.update(output.value.to_sat().to_le_bytes())))
        })
    }

    /// SHA-256 of the scriptPubKeys of all prevouts, with their lengths (BIP 341 `sha_scriptpubkeys`).
    pub(crate) fn script_pubkeys(&self, prevouts: &[TxOut]) -> &[u8; 32] {
        self.script_pubkeys.get_or_init(|| {
            let write =
                |h: &mut Sha256, output: &TxOut| write_sized(h, "scripts", output.script_pubkey.as_bytes());
            sha256_of(|h| prevouts.iter().for_each(|output| write(h, output)))
        })
    }

    /// SHA-256 of the output with this index (BIP 341 `sha_single_output`); `None` if there is no such output. The hash is
    /// cached because a script can require it as often as it has budget for signatures, and the output may be as large as a
    /// block.
    pub(crate) fn single_output(&self, tx: &Transaction, index: usize) -> Option<&[u8; 32]> {
        let output = tx.output.get(index)?;
        let slots = self.single_outputs.get_or_init(|| tx.output.iter().map(|_| OnceLock::new()).collect());
        Some(slots.get(index)?.get_or_init(|| sha256_of(|h| write_output(h, "output", output))))
    }

    /// SHA-256 of all scriptSigs with their lengths; `None` if all scriptSigs are empty (BIP 119 "Detailed Specification").
    pub(crate) fn script_sigs(&self, tx: &Transaction) -> Option<&[u8; 32]> {
        let hash = self.script_sigs.get_or_init(|| {
            let mut scripts = tx.input.iter().map(|input| input.script_sig.as_bytes());
            if scripts.clone().all(<[u8]>::is_empty) {
                return None;
            }
            Some(sha256_of(|h| scripts.by_ref().for_each(|script| write_sized(h, "scriptSigs", script))))
        });
        hash.as_ref()
    }

    /// Returns the hashes in BIP 143 messages that are the same for all inputs of the transaction.
    pub(crate) fn segwit_v0(&self, tx: &Transaction) -> &SegwitV0Hashes {
        self.segwit_v0.get_or_init(|| {
            let prevouts = Sha256::digest(self.prevouts(tx)).into();
            let sequences = Sha256::digest(self.sequences(tx)).into();
            let outputs = Sha256::digest(self.outputs(tx)).into();
            let mut before_outpoint = Sha256::new();
            write_before_outpoint(tx, &prevouts, &sequences, &mut before_outpoint);
            SegwitV0Hashes { prevouts, sequences, outputs, before_outpoint }
        })
    }

    /// Returns the parts of the legacy signature message for SIGHASH_ALL that are the same for all inputs.
    pub(crate) fn legacy(&self, tx: &Transaction) -> &LegacyParts {
        self.legacy.get_or_init(|| LegacyParts::new(tx))
    }
}

/// Writes the fields of a BIP 143 message that precede the outpoint. `prevouts` and `sequences` are the two hashes, or
/// zeros if the hash type does not commit to them.
pub(crate) fn write_before_outpoint(
    tx: &Transaction,
    prevouts: &[u8; 32],
    sequences: &[u8; 32],
    sink: &mut impl MessageSink,
) {
    sink.field("nVersion", &tx.version.0.to_le_bytes());
    sink.field("hashPrevouts", prevouts);
    sink.field("hashSequence", sequences);
}

/// Size in bytes of a serialized input with an empty script: outpoint, length zero and nSequence.
pub(crate) const BLANK_INPUT_SIZE: usize = 41;

/// Parts of the legacy signature message for SIGHASH_ALL that are the same for all inputs of a transaction. With these
/// parts, n inputs need one serialization of the transaction instead of n, and about half of the hashing.
pub(crate) struct LegacyParts {
    /// Serialization of all inputs, each with an empty script.
    pub(crate) blank_inputs: Vec<u8>,
    /// For each input, a hasher that has processed the legacy message for SIGHASH_ALL up to the outpoint of this input.
    pub(crate) before_input: Vec<Sha256>,
    /// Serialization of the outputs, preceded by their number.
    pub(crate) outputs: Vec<u8>,
}

impl LegacyParts {
    pub(crate) fn new(tx: &Transaction) -> LegacyParts {
        let mut blank_inputs = Vec::with_capacity(tx.input.len() * BLANK_INPUT_SIZE);
        let mut before_input = Vec::with_capacity(tx.input.len());
        let mut hasher = Sha256::new();
        hasher.update(tx.version.0.to_le_bytes());
        hasher.update(CompactSize::new(tx.input.len()).as_bytes());
        for input in &tx.input {
            before_input.push(hasher.clone());
            let start = blank_inputs.len();
            blank_inputs.extend_from_slice(&outpoint_bytes(&input.previous_output));
            blank_inputs.push(0);
            blank_inputs.extend_from_slice(&input.sequence.0.to_le_bytes());
            hasher.update(blank_inputs.get(start..).unwrap_or_default());
        }
        let mut outputs = CompactSize::new(tx.output.len()).as_bytes().to_vec();
        tx.output.iter().for_each(|output| write_output(&mut outputs, "outputs", output));
        LegacyParts { blank_inputs, before_input, outputs }
    }
}
