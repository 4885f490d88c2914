//! Signature hashes, with one file for each kind: legacy, segwit v0 and taproot. Each kind has a function that returns
//! the digest, and a function that writes the hashed message field by field.

pub mod legacy;
mod midstates;
pub mod segwit_v0;
pub mod taproot;

use sha2::{Digest, Sha256};

use crate::message::write_sized;

pub use midstates::EcdsaMidstates;
pub(crate) use midstates::TaprootDigests;

/// The outputs to which an ECDSA hash type commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EcdsaOutputs {
    All,
    None,
    Single,
}

impl EcdsaOutputs {
    /// Returns the outputs to which an ECDSA hash type commits. Only the lowest five bits of the hash type matter. Any
    /// value of these bits other than NONE and SINGLE means ALL.
    pub(crate) fn of(hash_type: u32) -> EcdsaOutputs {
        match hash_type & 0x1f {
            2 => EcdsaOutputs::None,
            3 => EcdsaOutputs::Single,
            _ => EcdsaOutputs::All,
        }
    }
}

/// Hash type bit ANYONECANPAY: the signature does not commit to inputs other than its own.
pub(crate) const ANYONECANPAY: u8 = 0x80;

/// Returns SHA-256 of an annex, preceded by its length (BIP 341 "Common signature message", `sha_annex`).
pub fn annex_hash(annex: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    write_sized(&mut hasher, "annex", annex);
    hasher.finalize().into()
}
