//! MuSig2 key aggregation and signing (BIP 327) for two or more parties.
//!
//! A secret nonce is a value of type [`Nonce`]. It belongs to one key, cannot be cloned, and is consumed by one
//! signature. There are three constructors. Each derives the nonce from as much of the signed data as is known at that
//! time:
//!
//! - [`Nonce::fresh`] is for a known message. The nonce is derived from fresh random bytes, the signer's key, the
//!   aggregate key and the message (BIP 327 "Nonce Generation", with all optional arguments).
//! - [`Nonce::answering`] is for the last signer, who knows the message and the nonces of all other signers. The nonce
//!   is a hash of everything that determines the challenge (BIP 327 "Deterministic and Stateless Signing for a Single
//!   Signer"). Signing the same challenge again gives the same bytes.
//! - [`Nonce::ahead`] is for a message that is not yet known. The owner of a commitment transaction sends this nonce
//!   one update in advance. It is derived from a salt that is drawn for this commitment transaction only.
//!   [`PartialCommitment::complete`] derives the same nonce again. Before it signs, it verifies that the stored partial
//!   signature of the other party is for the given message.

use secp256k1::musig::{
    AggregatedNonce, KeyAggCache, PartialSignature, PublicNonce, SecretNonce, Session, SessionSecretRand,
    new_nonce_pair,
};
use secp256k1::{Keypair, PublicKey};

use crate::error::ChannelError;
use crate::keys::{Entropy, Seed, tagged_hash, taproot_tweak};
use crate::mutation::{Mutation, mutated};

pub(crate) mod transcript;

/// Size in bytes of a serialized public nonce.
pub const PUBLIC_NONCE_SIZE: usize = 66;
/// Size in bytes of a serialized partial signature.
pub const PARTIAL_SIGNATURE_SIZE: usize = 32;

/// An aggregate of several public keys (MuSig2), with the data that is needed to sign for it.
#[derive(Clone, Debug)]
pub struct AggregateKey {
    cache: KeyAggCache,
    keys: Vec<PublicKey>,
}

impl AggregateKey {
    /// Aggregates public keys. The keys are sorted first (BIP 327 "KeySort"), so their order does not matter.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if `keys` is empty.
    pub fn new(keys: &[PublicKey]) -> Result<AggregateKey, ChannelError> {
        if keys.is_empty() {
            return Err(ChannelError::refused("an aggregate key needs at least one key"));
        }
        let mut sorted: Vec<&PublicKey> = keys.iter().collect();
        secp256k1::sort_pubkeys(&mut sorted);
        Ok(AggregateKey { cache: KeyAggCache::new(&sorted), keys: sorted.into_iter().copied().collect() })
    }

    /// Returns the x coordinate of this aggregate key, after all tweaks that were added to it.
    pub fn x_only(&self) -> [u8; 32] {
        self.cache.agg_pk().to_byte_array()
    }

    /// Returns the public keys that this aggregate key was made of, in sorted order.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// Adds the taproot tweak to this aggregate key and returns the tweaked key. `root` is the Merkle root of the
    /// script tree. `None` means the tweak of BIP 86, for an output without scripts.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if the tweaked key is invalid, which happens with probability 2^-128.
    pub fn tweaked(&self, root: Option<&[u8; 32]>) -> Result<AggregateKey, ChannelError> {
        let tweak = taproot_tweak(&self.x_only(), root)?;
        let mut tweaked = self.clone();
        tweaked
            .cache
            .pubkey_xonly_tweak_add(&tweak)
            .map_err(|_| ChannelError::Key(secp256k1::Error::InvalidTweak))?;
        Ok(tweaked)
    }

    fn require_key(&self, key: &PublicKey) -> Result<(), ChannelError> {
        match self.keys.contains(key) {
            true => Ok(()),
            false => Err(ChannelError::refused("the signer's key is not one of the aggregated keys")),
        }
    }
}

/// Data that identifies a MuSig2 nonce that its owner sends before the message is known. The nonce is derived from
/// this data, a random salt and the owner's seed.
#[derive(Clone, Copy, Debug)]
pub struct NonceId<'a> {
    /// Serialized outpoint (36 bytes) of the funding output that the commitment transaction spends.
    pub outpoint: &'a [u8],
    /// State number of the commitment transaction that the nonce signs.
    pub number: u64,
    /// Name of the signature's purpose. If a commitment transaction needs two signatures, their names must differ, so
    /// that they use different nonces.
    pub role: &'a str,
}

/// A secret MuSig2 nonce of one key, for one signature.
///
/// The type is not `Clone`, and [`SigningSession::sign`] takes the nonce by value. So the compiler rejects a second
/// signature with the same nonce.
pub struct Nonce {
    secret: SecretNonce,
    public: PublicNonce,
    owner: PublicKey,
}

impl core::fmt::Debug for Nonce {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Nonce").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl Nonce {
    /// Creates a nonce for a known message from fresh random bytes.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the random bytes are all zero, which happens with probability 2^-256.
    pub fn fresh(
        entropy: &mut Entropy,
        keypair: &Keypair,
        key: &AggregateKey,
        message: &[u8; 32],
    ) -> Result<Nonce, ChannelError> {
        let random = match mutated(Mutation::NonceFromIdentifier) {
            true => session_random([1; 32])?,
            false => session_random(entropy.draw())?,
        };
        let message = Some(message).filter(|_| !mutated(Mutation::NonceFromIdentifier));
        let secret = keypair.secret_key();
        let owner = keypair.public_key();
        let (secret, public) = new_nonce_pair(random, Some(&key.cache), Some(secret), owner, message, None);
        Ok(Nonce { secret, public, owner })
    }

    /// Derives the nonce that the owner of a commitment transaction sends before the content of this transaction is
    /// known. `salt` must be drawn for this transaction only.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the derived bytes are all zero, which happens with probability 2^-256.
    pub fn ahead(
        seed: &Seed,
        keypair: &Keypair,
        id: &NonceId<'_>,
        salt: &[u8; 32],
    ) -> Result<Nonce, ChannelError> {
        let parts: [&[u8]; 4] = [id.outpoint, &id.number.to_le_bytes(), id.role.as_bytes(), salt];
        let random = session_random(seed.bytes("musig/verification-nonce", &parts))?;
        let owner = keypair.public_key();
        let (secret, public) = new_nonce_pair(random, None, Some(keypair.secret_key()), owner, None, None);
        Ok(Nonce { secret, public, owner })
    }

    /// Derives the nonce of the signer who receives the nonces of all other signers first. The nonce is a hash of
    /// everything that determines the challenge, including the nonces of the other signers.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the derived bytes are all zero, which happens with probability 2^-256.
    pub fn answering(
        keypair: &Keypair,
        key: &AggregateKey,
        others: &[PublicNonce],
        message: &[u8; 32],
    ) -> Result<Nonce, ChannelError> {
        let mut theirs = Vec::with_capacity(others.len() * PUBLIC_NONCE_SIZE);
        for nonce in others {
            theirs.extend_from_slice(&nonce.serialize());
        }
        let secret = keypair.to_secret_bytes();
        let theirs = if mutated(Mutation::AnswerIgnoresNonces) { Vec::new() } else { theirs };
        let random = tagged_hash("sigstack/signing-nonce", &[&secret, &theirs, &key.x_only(), message]);
        let extra = tagged_hash("sigstack/signing-nonce/others", &[&theirs]);
        let owner = keypair.public_key();
        let (secret, public) = new_nonce_pair(
            session_random(random)?,
            Some(&key.cache),
            Some(keypair.secret_key()),
            owner,
            Some(message),
            Some(extra),
        );
        Ok(Nonce { secret, public, owner })
    }

    /// Returns the public part of this nonce, which is sent to the other signers.
    pub fn public(&self) -> PublicNonce {
        self.public
    }
}

/// Converts random bytes to the type that secp256k1 needs for a nonce. Refuses bytes that are all zero, because the
/// library would panic.
fn session_random(bytes: [u8; 32]) -> Result<SessionSecretRand, ChannelError> {
    match bytes == [0; 32] {
        true => Err(ChannelError::refused("the randomness of a nonce is zero")),
        false => Ok(SessionSecretRand::assume_uniformly_random(bytes)),
    }
}

/// A MuSig2 signing session: an aggregate key, the public nonces of all signers, and a message.
#[derive(Clone, Debug)]
pub struct SigningSession<'a> {
    key: &'a AggregateKey,
    session: Session,
    nonces: Vec<PublicNonce>,
    message: [u8; 32],
}

impl<'a> SigningSession<'a> {
    /// Starts a signing session with one public nonce of each signer, in any order.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] unless the number of nonces equals the number of aggregated keys.
    pub fn new(
        key: &'a AggregateKey,
        nonces: &[PublicNonce],
        message: [u8; 32],
    ) -> Result<SigningSession<'a>, ChannelError> {
        if nonces.len() != key.keys.len() {
            let problem = format!("{} nonces for {} keys", nonces.len(), key.keys.len());
            return Err(ChannelError::refused(problem));
        }
        let references: Vec<&PublicNonce> = nonces.iter().collect();
        let session = Session::new(&key.cache, AggregatedNonce::new(&references), &message);
        Ok(SigningSession { key, session, nonces: nonces.to_vec(), message })
    }

    /// Makes a signer's partial signature. The secret nonce is consumed even if signing is refused.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the signer's key is not one of the aggregated keys, if the nonce belongs to another
    /// key, or if the nonce is not part of this session. (With a nonce of another key, libsecp256k1 would abort the
    /// process.)
    pub fn sign(&self, nonce: Nonce, keypair: &Keypair) -> Result<PartialSignature, ChannelError> {
        self.key.require_key(&keypair.public_key())?;
        if nonce.owner != keypair.public_key() {
            return Err(ChannelError::refused("the nonce belongs to another key"));
        }
        if !self.nonces.contains(&nonce.public) {
            return Err(ChannelError::refused("the nonce is not one of this session"));
        }
        transcript::keep(&nonce.public, self.key, &self.nonces, &self.message);
        Ok(self.session.partial_sign(nonce.secret, keypair, &self.key.cache))
    }

    /// Returns whether `part` is a valid partial signature of this session by the signer with the public key `key` and
    /// the public nonce `nonce`.
    pub fn verify_partial(&self, part: &PartialSignature, nonce: &PublicNonce, key: &PublicKey) -> bool {
        self.session.partial_verify(&self.key.cache, part, nonce, *key)
    }

    /// Adds up the partial signatures of all signers and verifies the resulting signature.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if there are no partial signatures. [`ChannelError::Key`] if the sum is not a valid
    /// signature of the aggregate key, because a partial signature is wrong or missing.
    pub fn aggregate(&self, parts: &[PartialSignature]) -> Result<[u8; 64], ChannelError> {
        if parts.is_empty() {
            return Err(ChannelError::refused("no partial signature to aggregate"));
        }
        let parts: Vec<&PartialSignature> = parts.iter().collect();
        let signature = self.session.partial_sig_agg(&parts);
        Ok(signature.verify(&self.key.cache.agg_pk(), &self.message)?.to_byte_array())
    }
}

/// Makes the signature of an aggregate key when one program has the secret keys of all signers. All signers except the
/// last use fresh nonces. The nonce of the last signer is derived from the other nonces. Each partial signature except
/// the first is verified before all are added up.
///
/// # Errors
///
/// [`ChannelError::PartialSignature`] with the index of a signer whose partial signature is wrong.
/// [`ChannelError::Refused`] if the signers are not exactly those of the key.
pub fn sign_together(
    key: &AggregateKey,
    signers: &[Keypair],
    entropy: &mut Entropy,
    message: &[u8; 32],
) -> Result<[u8; 64], ChannelError> {
    let Some((last, first)) = signers.split_last() else {
        return Err(ChannelError::refused("nobody signs"));
    };
    let mut secrets = Vec::with_capacity(signers.len());
    for keypair in first {
        secrets.push(Nonce::fresh(entropy, keypair, key, message)?);
    }
    let mut nonces: Vec<PublicNonce> = secrets.iter().map(Nonce::public).collect();
    let answer = Nonce::answering(last, key, &nonces, message)?;
    nonces.push(answer.public());
    secrets.push(answer);

    let session = SigningSession::new(key, &nonces, *message)?;
    let mut parts = Vec::with_capacity(signers.len());
    for (position, ((keypair, secret), nonce)) in signers.iter().zip(secrets).zip(&nonces).enumerate() {
        let part = session.sign(secret, keypair)?;
        // A signer does not verify its own partial signature.
        if position > 0 && !session.verify_partial(&part, nonce, &keypair.public_key()) {
            return Err(ChannelError::PartialSignature(position));
        }
        parts.push(part);
    }
    session.aggregate(&parts)
}

/// Data that the owner of a commitment transaction stores to complete its signature later. The data do not include the
/// owner's own partial signature, which the owner makes only when it publishes the transaction. Therefore a stolen
/// backup contains no valid transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialCommitment {
    /// Random value from which the nonce of the commitment transaction's owner is derived.
    pub salt: [u8; 32],
    /// Public nonce with which the other party signed the owner's commitment transaction.
    pub nonce: [u8; PUBLIC_NONCE_SIZE],
    /// Partial signature of the other party for the owner's commitment transaction.
    pub part: [u8; PARTIAL_SIGNATURE_SIZE],
}

/// Size in bytes of a serialized [`PartialCommitment`].
pub const PARTIAL_COMMITMENT_SIZE: usize = 32 + PUBLIC_NONCE_SIZE + PARTIAL_SIGNATURE_SIZE;

impl PartialCommitment {
    /// Makes the other party's partial signature of the owner's transaction, and verifies it as the owner would (BIP
    /// 327 "PartialSigVerify"). Draws the random salt of the owner's nonce from `entropy`.
    ///
    /// # Errors
    ///
    /// [`ChannelError::PartialSignature`] if the partial signature is wrong.
    pub fn make(
        key: &AggregateKey,
        owner: (&Seed, &Keypair),
        other: &Keypair,
        id: &NonceId<'_>,
        entropy: &mut Entropy,
        message: &[u8; 32],
    ) -> Result<PartialCommitment, ChannelError> {
        let salt = entropy.draw();
        let ahead = Nonce::ahead(owner.0, owner.1, id, &salt)?.public();
        let (nonce, part) = PartialCommitment::answer(key, &ahead, other, message)?;
        let session = SigningSession::new(key, &[ahead, nonce], *message)?;
        match session.verify_partial(&part, &nonce, &other.public_key()) {
            true => Ok(PartialCommitment { salt, nonce: nonce.serialize(), part: part.serialize() }),
            false => Err(ChannelError::PartialSignature(1)),
        }
    }

    /// Makes the partial signature with which `signer` answers the owner's nonce `ahead`. Returns the public nonce of
    /// `signer` and the partial signature. The same arguments always give the same result.
    fn answer(
        key: &AggregateKey,
        ahead: &PublicNonce,
        signer: &Keypair,
        message: &[u8; 32],
    ) -> Result<(PublicNonce, PartialSignature), ChannelError> {
        let secret = Nonce::answering(signer, key, &[*ahead], message)?;
        let nonce = secret.public();
        let part = SigningSession::new(key, &[*ahead, nonce], *message)?.sign(secret, signer)?;
        Ok((nonce, part))
    }

    /// Returns whether `signer` made this partial signature in answer to the owner's nonce `ahead`. To find out,
    /// `signer` makes the partial signature again and compares.
    ///
    /// [`SigningSession::verify_partial`] cannot prove to a party that it made a partial signature itself. The other
    /// signer can choose both nonces, and can then forge a partial signature that verifies. Only the complete signature
    /// of all signers cannot be forged.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if no signing session can be made from the keys and the nonce.
    pub fn is_made_by(
        &self,
        key: &AggregateKey,
        ahead: &PublicNonce,
        signer: &Keypair,
        message: &[u8; 32],
    ) -> Result<bool, ChannelError> {
        let (nonce, part) = PartialCommitment::answer(key, ahead, signer, message)?;
        Ok(nonce.serialize() == self.nonce && part.serialize() == self.part)
    }

    /// Adds the owner's partial signature and returns the complete signature. Before this, verifies that the stored
    /// partial signature of the other party is for `message`. Therefore the owner's nonce never signs a message that
    /// the other party did not sign.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if the stored bytes are not a valid nonce and partial signature.
    /// [`ChannelError::PartialSignature`] if the stored partial signature is not the other party's signature of this
    /// message.
    pub fn complete(
        &self,
        key: &AggregateKey,
        owner: (&Seed, &Keypair),
        other: &PublicKey,
        id: &NonceId<'_>,
        message: &[u8; 32],
    ) -> Result<[u8; 64], ChannelError> {
        let ahead = Nonce::ahead(owner.0, owner.1, id, &self.salt)?;
        let damaged = |_| ChannelError::encoding("a nonce and a partial signature");
        let nonce = PublicNonce::from_byte_array(&self.nonce).map_err(damaged)?;
        let part = PartialSignature::from_byte_array(&self.part).map_err(damaged)?;
        let session = SigningSession::new(key, &[ahead.public(), nonce], *message)?;
        if !session.verify_partial(&part, &nonce, other) {
            return Err(ChannelError::PartialSignature(1));
        }
        let own = session.sign(ahead, owner.1)?;
        session.aggregate(&[own, part])
    }

    /// Serializes the stored data of a commitment transaction's signature: the salt, the other party's public nonce
    /// and its partial signature, in this order.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.salt[..], &self.nonce, &self.part].concat()
    }

    /// Parses the bytes that [`PartialCommitment::to_bytes`] writes. This function does not check whether the nonce and
    /// the partial signature are valid.
    pub fn from_bytes(bytes: &[u8; PARTIAL_COMMITMENT_SIZE]) -> Option<PartialCommitment> {
        let (salt, rest) = bytes.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        Some(PartialCommitment { salt: *salt, nonce: *nonce, part: rest.try_into().ok()? })
    }
}

#[cfg(test)]
mod tests;
