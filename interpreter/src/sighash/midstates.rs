//! Caches for several signature checks in one script: [`EcdsaMidstates`] for legacy and segwit v0 scripts, and
//! [`TaprootDigests`] for tapscripts.

use sha2::{Digest, Sha256};

use super::taproot::KeyVersion;
use super::{ANYONECANPAY, EcdsaOutputs};
use crate::message::sha256d;

/// Cached hashers that have processed the message of an ECDSA signature except its last field, the hash type. They are
/// valid for one script code only. Hash types whose messages differ only in that field share a hasher, as in Core's
/// `SigHashCache`. The array is initialized lazily, so that a script without signatures does not write to it.
#[derive(Default)]
pub struct EcdsaMidstates(Option<[Option<Sha256>; 6]>);

impl EcdsaMidstates {
    /// Returns the signature hash for a hash type. `write` returns a hasher that has processed the whole message except
    /// the hash type. `write` is called only if no such hasher is cached.
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
        sha256d(midstate.chain_update(hash_type.to_le_bytes()))
    }
}

/// Cached signature hashes of a tapscript since its last `OP_CODESEPARATOR`. Until the next `OP_CODESEPARATOR`, a
/// signature hash depends only on the key version and the hash type.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaprootDigests {
    bip342: Option<ByHashType>,
    bip118: Option<ByHashType>,
}

/// One cached signature hash for each combination of the four hash type bits that have a meaning. Two bits select the
/// signed outputs, and two bits the signed data of the inputs.
type ByHashType = [Option<[u8; 32]>; 16];

impl TaprootDigests {
    /// Returns the signature hash for a key version and a hash type, from the cache or else from `compute`. Returns
    /// `None` if `compute` does, which happens if the hash type is not defined.
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
