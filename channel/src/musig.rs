//! Aggregated keys and their signatures by MuSig2 (BIP 327), for two parties or N.
//!
//! A secret nonce is a value of type [`Nonce`]: it belongs to one key, cannot be cloned, and is used up by one signature. There
//! are three ways to make one, and each binds it to what is signed as far as that is known:
//!
//! - [`Nonce::fresh`] when the message is known: from fresh random bytes, the key, the aggregate key and the message (BIP 327
//!   "Nonce Generation", with all optional arguments).
//! - [`Nonce::answering`] when the message and all other nonces are known: a hash of everything that the challenge depends on
//!   (BIP 327 "Deterministic and Stateless Signing for a Single Signer"). Signing the same challenge again gives the same bytes.
//! - [`Nonce::ahead`] when nothing is known, for the nonce that the owner of a commitment sends one step ahead: from a salt that
//!   is drawn for this commitment alone. [`PartialCommitment::complete`] is the only place that makes it a second time, after it
//!   checked that the stored partial signature is for this very message.

use secp256k1::musig::{
    AggregatedNonce, KeyAggCache, PartialSignature, PublicNonce, SecretNonce, Session, SessionSecretRand,
    new_nonce_pair,
};
use secp256k1::{Keypair, PublicKey};

use crate::error::ChannelError;
use crate::keys::{Entropy, Seed, tagged_hash, taproot_tweak};
use crate::mutation::{Mutation, mutated};

pub(crate) mod transcript;

/// Bytes of a serialized public nonce.
pub const PUBLIC_NONCE_SIZE: usize = 66;
/// Bytes of a serialized partial signature.
pub const PARTIAL_SIGNATURE_SIZE: usize = 32;

/// The aggregate of several keys, with what signing under it needs.
#[derive(Clone, Debug)]
pub struct AggregateKey {
    cache: KeyAggCache,
    keys: Vec<PublicKey>,
}

impl AggregateKey {
    /// Aggregates keys. They are sorted first (BIP 327 "KeySort"), so the order does not matter.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] without a key.
    pub fn new(keys: &[PublicKey]) -> Result<AggregateKey, ChannelError> {
        if keys.is_empty() {
            return Err(ChannelError::refused("an aggregate key needs at least one key"));
        }
        let mut sorted: Vec<&PublicKey> = keys.iter().collect();
        secp256k1::sort_pubkeys(&mut sorted);
        Ok(AggregateKey { cache: KeyAggCache::new(&sorted), keys: sorted.into_iter().copied().collect() })
    }

    /// The x coordinate of the aggregate key with its tweaks.
    pub fn x_only(&self) -> [u8; 32] {
        self.cache.agg_pk().to_byte_array()
    }

    /// The keys, sorted.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// This key as the output key of a taproot output with this tree; without a tree as BIP 86 tweaks it.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if the tweak gives no key, which happens with probability 2^-128.
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

/// What a nonce that is sent ahead is made from, beside the owner's seed.
#[derive(Clone, Copy, Debug)]
pub struct NonceId<'a> {
    /// The funding outpoint, 36 bytes.
    pub outpoint: &'a [u8],
    /// The number of the state.
    pub number: u64,
    /// What the signature is for; two signatures of one state have two roles.
    pub role: &'a str,
}

/// A secret nonce of one key, for one signature.
///
/// The type is not `Clone`, and [`SigningSession::sign`] takes it by value: the compiler refuses a second signature.
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
    /// A nonce for a message that is known, from fresh random bytes.
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

    /// The nonce of the owner of a transaction, sent before the content is known. `salt` is drawn for this transaction alone.
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

    /// The nonce of the last signer: a hash of all that the challenge depends on, the other signers' nonces included.
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

    /// The public nonce, which the other signers get.
    pub fn public(&self) -> PublicNonce {
        self.public
    }
}

/// The library panics on zero.
fn session_random(bytes: [u8; 32]) -> Result<SessionSecretRand, ChannelError> {
    match bytes == [0; 32] {
        true => Err(ChannelError::refused("the randomness of a nonce is zero")),
        false => Ok(SessionSecretRand::assume_uniformly_random(bytes)),
    }
}

/// A signing session: a key, the nonces of all of its signers, and a message.
#[derive(Clone, Debug)]
pub struct SigningSession<'a> {
    key: &'a AggregateKey,
    session: Session,
    nonces: Vec<PublicNonce>,
    message: [u8; 32],
}

impl<'a> SigningSession<'a> {
    /// Begins a session with one nonce of each signer, in any order.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] unless there is one nonce for each key.
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

    /// A signer's partial signature. The secret nonce is used up, also by a refusal.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the signer's key is not one of the aggregated keys, the nonce belongs to another key, or
    /// the nonce is not one of this session. (The library aborts the process in the second case.)
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

    /// Whether a part is that of the signer with this key and nonce.
    pub fn verify_partial(&self, part: &PartialSignature, nonce: &PublicNonce, key: &PublicKey) -> bool {
        self.session.partial_verify(&self.key.cache, part, nonce, *key)
    }

    /// Adds up the parts of all signers.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if the sum is no signature of the key: a part is wrong or missing.
    pub fn aggregate(&self, parts: &[PartialSignature]) -> Result<[u8; 64], ChannelError> {
        if parts.is_empty() {
            return Err(ChannelError::refused("no partial signature to aggregate"));
        }
        let parts: Vec<&PartialSignature> = parts.iter().collect();
        let signature = self.session.partial_sig_agg(&parts);
        Ok(signature.verify(&self.key.cache.agg_pk(), &self.message)?.to_byte_array())
    }
}

/// Signs together: all signers but the last with fresh nonces, the last with one that answers theirs, each partial signature
/// verified by the others before the parts are added up.
///
/// # Errors
///
/// [`ChannelError::PartialSignature`] names a signer whose partial signature is wrong; [`ChannelError::Refused`] unless the signers
/// are exactly the key's.
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
        // A signer trusts its own part.
        if position > 0 && !session.verify_partial(&part, nonce, &keypair.public_key()) {
            return Err(ChannelError::PartialSignature(position));
        }
        parts.push(part);
    }
    session.aggregate(&parts)
}

/// The signature of a transaction without its owner's part: what a party keeps until it publishes, so that a stolen backup
/// alone is no valid transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialCommitment {
    /// The salt of the owner's nonce.
    pub salt: [u8; 32],
    /// The other's public nonce.
    pub nonce: [u8; PUBLIC_NONCE_SIZE],
    /// The other's partial signature.
    pub part: [u8; PARTIAL_SIGNATURE_SIZE],
}

/// Bytes of a serialized [`PartialCommitment`].
pub const PARTIAL_COMMITMENT_SIZE: usize = 32 + PUBLIC_NONCE_SIZE + PARTIAL_SIGNATURE_SIZE;

impl PartialCommitment {
    /// The other party signs the owner's transaction, and the owner checks the partial signature (BIP 327 "PartialSigVerify").
    /// The owner's salt is drawn here.
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
        let answer = Nonce::answering(other, key, &[ahead], message)?;
        let nonce = answer.public();
        let session = SigningSession::new(key, &[ahead, nonce], *message)?;
        let part = session.sign(answer, other)?;
        match session.verify_partial(&part, &nonce, &other.public_key()) {
            true => Ok(PartialCommitment { salt, nonce: nonce.serialize(), part: part.serialize() }),
            false => Err(ChannelError::PartialSignature(1)),
        }
    }

    /// The owner adds its own partial signature. The stored part is verified for this message first: the owner's nonce is never
    /// used with a message that the other party did not sign.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if the stored bytes are no nonce and partial signature; [`ChannelError::PartialSignature`] if the
    /// stored partial signature is not the other's for this message.
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

    /// Salt, nonce, part.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.salt[..], &self.nonce, &self.part].concat()
    }

    /// Reads what [`PartialCommitment::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8; PARTIAL_COMMITMENT_SIZE]) -> Option<PartialCommitment> {
        let (salt, rest) = bytes.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        Some(PartialCommitment { salt: *salt, nonce: *nonce, part: rest.try_into().ok()? })
    }
}

#[cfg(test)]
mod tests;
