//! The base secrets of a party in an LN-penalty channel, from which the keys of its commitment transactions are derived
//! (BOLT 3 "Key Derivation").

use secp256k1::{PublicKey, SecretKey};

use super::super::PartyKeys;
use super::version::Points;
use crate::bolt3::{MAX_INDEX, derive_secret};
use crate::error::ChannelError;

/// The base secrets of a party in an LN-penalty channel, one for each kind of key in a commitment transaction.
#[derive(Clone)]
pub(super) struct Base {
    pub(super) payment: SecretKey,
    pub(super) delayed: SecretKey,
    pub(super) htlc: SecretKey,
    pub(super) revocation: SecretKey,
    /// Seed from which the per-commitment secrets are derived.
    pub(super) commitments: [u8; 32],
}

impl core::fmt::Debug for Base {
    /// Prints only the name of the type, so that logs contain no secrets.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Base").finish_non_exhaustive()
    }
}

impl Base {
    /// Derives the base secrets of a party in one channel. They depend on the random bytes that the party drew for this
    /// channel, so two channels share no base points and no per-commitment secrets.
    pub(super) fn new(party: &PartyKeys) -> Result<Base, ChannelError> {
        let key = |purpose: &str| Ok::<_, ChannelError>(SecretKey::from_secret_bytes(party.secret(purpose))?);
        Ok(Base {
            payment: key("ln/payment")?,
            delayed: key("ln/delayed")?,
            htlc: key("ln/htlc")?,
            revocation: key("ln/revocation")?,
            commitments: party.secret("ln/commitments"),
        })
    }

    /// Returns the party's base points together with `funding`, its public key for the funding output. The peer
    /// receives these public keys.
    pub(super) fn points(&self, funding: PublicKey) -> Points {
        Points {
            payment: self.payment.public_key(),
            delayed: self.delayed.public_key(),
            htlc: self.htlc.public_key(),
            revocation: self.revocation.public_key(),
            funding,
        }
    }

    /// Returns the per-commitment point for a state number.
    pub(super) fn point(&self, number: u32) -> Result<PublicKey, ChannelError> {
        Ok(self.commitment_secret(number)?.public_key())
    }

    /// Returns the per-commitment secret for a state number. Revealing it revokes the commitment transaction of that
    /// state.
    pub(super) fn commitment_secret(&self, number: u32) -> Result<SecretKey, ChannelError> {
        let secret = derive_secret(&self.commitments, 48, MAX_INDEX.saturating_sub(number.into()));
        Ok(SecretKey::from_secret_bytes(secret)?)
    }
}
