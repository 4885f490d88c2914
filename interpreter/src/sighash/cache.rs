//! Caches of sighash intermediates: per transaction, per script code and per tapscript.

use std::sync::OnceLock;

use bitcoin::{Transaction, TxOut};
use sha2::{Digest, Sha256};

use super::legacy::LegacyParts;
use super::segwit_v0::write_before_outpoint;
use super::{ANYONECANPAY, EcdsaOutputs, outpoint_bytes, write_output, write_sized};
use crate::host::KeyVersion;

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

/// The hashes of BIP 143, which are double SHA-256.
pub(super) struct SegwitV0Hashes {
    pub(super) prevouts: [u8; 32],
    pub(super) sequences: [u8; 32],
    pub(super) outputs: [u8; 32],
    /// Hasher that has processed the fields before the outpoint in a message with SIGHASH_ALL. They are the same for every
    /// input.
    pub(super) before_outpoint: Sha256,
}

fn sha256_of(write: impl FnOnce(&mut Sha256)) -> [u8; 32] {
    let mut hasher = Sha256::new();
    write(&mut hasher);
    hasher.finalize().into()
}

impl TxCache {
    /// SHA-256 of all outpoints (BIP 341 `sha_prevouts`).
    pub(super) fn prevouts(&self, tx: &Transaction) -> &[u8; 32] {
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
    pub(super) fn amounts(&self, prevouts: &[TxOut]) -> &[u8; 32] {
        self.amounts.get_or_init(|| {
            sha256_of(|h| prevouts.iter().for_each(|output| h.update(output.value.to_sat().to_le_bytes())))
        })
    }

    /// SHA-256 of the scriptPubKeys of all prevouts, with their lengths (BIP 341 `sha_scriptpubkeys`).
    pub(super) fn script_pubkeys(&self, prevouts: &[TxOut]) -> &[u8; 32] {
        self.script_pubkeys.get_or_init(|| {
            let write =
                |h: &mut Sha256, output: &TxOut| write_sized(h, "scripts", output.script_pubkey.as_bytes());
            sha256_of(|h| prevouts.iter().for_each(|output| write(h, output)))
        })
    }

    /// SHA-256 of the output with this index (BIP 341 `sha_single_output`); `None` if there is no such output. The hash is
    /// cached because a script can require it as often as it has budget for signatures, and the output may be as large as a
    /// block.
    pub(super) fn single_output(&self, tx: &Transaction, index: usize) -> Option<&[u8; 32]> {
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

    /// Returns the shared hashes that BIP 143 messages contain.
    pub(super) fn segwit_v0(&self, tx: &Transaction) -> &SegwitV0Hashes {
        self.segwit_v0.get_or_init(|| {
            let prevouts = Sha256::digest(self.prevouts(tx)).into();
            let sequences = Sha256::digest(self.sequences(tx)).into();
            let outputs = Sha256::digest(self.outputs(tx)).into();
            let mut before_outpoint = Sha256::new();
            write_before_outpoint(tx, &prevouts, &sequences, &mut before_outpoint);
            SegwitV0Hashes { prevouts, sequences, outputs, before_outpoint }
        })
    }

    /// Returns the parts that the legacy messages of all inputs have in common.
    pub(super) fn legacy(&self, tx: &Transaction) -> &LegacyParts {
        self.legacy.get_or_init(|| LegacyParts::new(tx))
    }
}

/// Hashers that have processed all of an ECDSA message except its last field, the hash type. They are valid for one script
/// code only. Hash types with the same message share a hasher, as in Core's `SigHashCache`. The array is initialized lazily,
/// so that a script without signatures does not write to it.
#[derive(Default)]
pub struct EcdsaMidstates(Option<[Option<Sha256>; 6]>);

impl EcdsaMidstates {
    /// Returns the digest of a message. `write` returns a hasher that has processed the whole message except the hash type;
    /// it is called only if no midstate is cached.
    pub(super) fn digest(&mut self, hash_type: u32, write: impl FnOnce() -> Sha256) -> [u8; 32] {
        let outputs = match EcdsaOutputs::of(hash_type) {
            EcdsaOutputs::All => 0,
            EcdsaOutputs::None => 1,
            EcdsaOutputs::Single => 2,
        };
        let index = outputs + if hash_type & u32::from(ANYONECANPAY) != 0 { 3 } else { 0 };
        let midstate = match self.0.get_or_insert_default().get_mut(index) {
            Some(slot) => slot.get_or_insert_with(write).clone(),
            None => write(),
        };
        super::sha256d(midstate.chain_update(hash_type.to_le_bytes()))
    }
}

/// Signature hashes computed by a tapscript since its last `OP_CODESEPARATOR`. Until the next one, they depend only on the
/// key version and the hash type.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaprootDigests {
    bip342: Option<ByHashType>,
    bip118: Option<ByHashType>,
}

/// One digest for each defined hash type. Two bits of the hash type select what is signed of the outputs, two what is signed
/// of the inputs.
type ByHashType = [Option<[u8; 32]>; 16];

impl TaprootDigests {
    /// Returns the digest for a hash type. Returns `None` if `compute` does, as it does for hash types that are not defined.
    pub(crate) fn get_or_compute(
        &mut self,
        key_version: KeyVersion,
        hash_type: u8,
        compute: impl FnOnce() -> Option<[u8; 32]>,
    ) -> Option<[u8; 32]> {
        let digests = match key_version {
            KeyVersion::Bip342 => &mut self.bip342,
            KeyVersion::Bip118 => &mut self.bip118,
        };
        if hash_type & 0x3c != 0 {
            return compute();
        }
        let slot = digests.get_or_insert_default().get_mut(usize::from(hash_type >> 4 | hash_type & 3))?;
        if slot.is_none() {
            *slot = compute();
        }
        *slot
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;

    #[test]
    fn an_ecdsa_message_is_written_once_for_each_kind_of_hash_type() {
        let kind = |hash_type: u8| {
            let outputs = match hash_type & 0x1f {
                2 => 2,
                3 => 3,
                _ => 1,
            };
            [outputs, hash_type & 0x80]
        };
        let written = Cell::new(0);
        let mut midstates = EcdsaMidstates::default();
        for hash_type in 0..=255u8 {
            let message = || Sha256::new().chain_update(kind(hash_type));
            let digest = midstates.digest(hash_type.into(), || {
                written.set(written.get() + 1);
                message()
            });
            let whole = message().chain_update([hash_type, 0, 0, 0]);
            assert_eq!(digest, <[u8; 32]>::from(Sha256::digest(whole.finalize())), "{hash_type:#04x}");
        }
        assert_eq!(written.get(), 6);
    }

    #[test]
    fn a_taproot_digest_is_computed_once_for_each_defined_hash_type() {
        let mut digests = TaprootDigests::default();
        for (version, key) in [(1, KeyVersion::Bip342), (2, KeyVersion::Bip118)] {
            for hash_type in 0..=255u8 {
                // A hash type with one of these four bits is not defined: it has no digest, and nothing is cached for it.
                let defined = hash_type & 0x3c == 0;
                let expected = defined.then_some([version ^ hash_type; 32]);
                let computed = Cell::new(0);
                for _ in 0..2 {
                    let digest = digests.get_or_compute(key, hash_type, || {
                        computed.set(computed.get() + 1);
                        expected
                    });
                    assert_eq!(digest, expected, "{hash_type:#04x}");
                }
                assert_eq!(computed.get(), if defined { 1 } else { 2 }, "{hash_type:#04x}");
            }
        }
    }
}
