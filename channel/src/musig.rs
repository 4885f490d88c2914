//! Aggregated keys and their signatures by MuSig2 (BIP 327), for two parties or N.
//!
//! Two kinds of nonce, since each protects against another mistake. The owner of a commitment sends a *verification nonce* one step
//! ahead: it comes from a salt that is drawn anew in each connection, so that a restart never completes the same
//! nonce with another challenge. The co-signer's *signing nonce* is a hash of everything that the challenge depends on,
//! the owner's nonce among it (the idea of BIP 327 "Deterministic and Stateless Signing for a Single Signer"): signing the
//! same thing again gives the same bytes, signing another thing gives another nonce.

use secp256k1::musig::{
    AggregatedNonce, KeyAggCache, PartialSignature, PublicNonce, SecretNonce, Session, SessionSecretRand,
    new_nonce_pair,
};
use secp256k1::{Keypair, PublicKey};

use crate::error::ChannelError;
use crate::keys::{Seed, tagged_hash, taproot_tweak};

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

/// What a verification nonce is made from, and nothing else is made from (rules 1 and 5 of the default form).
#[derive(Clone, Copy, Debug)]
pub struct NonceId<'a> {
    /// The funding outpoint, 36 bytes.
    pub outpoint: &'a [u8],
    /// The number of the state.
    pub number: u64,
    /// What the signature is for; two signatures of one state have two roles.
    pub role: &'a str,
    /// Random bytes of this connection.
    pub salt: &'a [u8; 32],
}

/// The nonce of the party whose transaction is signed, sent before the content is known.
///
/// # Errors
///
/// [`ChannelError::Refused`] if the derived bytes are all zero, which happens with probability 2^-256.
pub fn verification_nonce(
    seed: &Seed,
    keypair: &Keypair,
    id: &NonceId<'_>,
) -> Result<(SecretNonce, PublicNonce), ChannelError> {
    let parts: [&[u8]; 4] = [id.outpoint, &id.number.to_le_bytes(), id.role.as_bytes(), id.salt];
    let random = session_random(seed.bytes("musig/verification-nonce", &parts))?;
    Ok(new_nonce_pair(random, None, Some(keypair.secret_key()), keypair.public_key(), None, None))
}

/// The nonce of the party that co-signs another's transaction: a hash of all that the challenge depends on.
///
/// # Errors
///
/// [`ChannelError::Refused`] if the derived bytes are all zero, which happens with probability 2^-256.
pub fn signing_nonce(
    keypair: &Keypair,
    key: &AggregateKey,
    other_nonces: &[PublicNonce],
    message: &[u8; 32],
) -> Result<(SecretNonce, PublicNonce), ChannelError> {
    let mut others = Vec::with_capacity(other_nonces.len() * PUBLIC_NONCE_SIZE);
    for nonce in other_nonces {
        others.extend_from_slice(&nonce.serialize());
    }
    let secret = keypair.to_secret_bytes();
    let random = tagged_hash("sigstack/signing-nonce", &[&secret, &others, &key.x_only(), message]);
    let extra = tagged_hash("sigstack/signing-nonce/others", &[&others]);
    Ok(new_nonce_pair(
        session_random(random)?,
        Some(&key.cache),
        Some(keypair.secret_key()),
        keypair.public_key(),
        Some(message),
        Some(extra),
    ))
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
        let nonces: Vec<&PublicNonce> = nonces.iter().collect();
        let session = Session::new(&key.cache, AggregatedNonce::new(&nonces), &message);
        Ok(SigningSession { key, session, message })
    }

    /// A signer's part. The secret nonce is used up.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the signer's key is not one of the aggregated keys.
    pub fn sign(&self, nonce: SecretNonce, keypair: &Keypair) -> Result<PartialSignature, ChannelError> {
        self.key.require_key(&keypair.public_key())?;
        Ok(self.session.partial_sign(nonce, keypair, &self.key.cache))
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

/// Signs together: the first signer with a verification nonce, the last with a signing nonce over the others', each part
/// verified by the others before it is added up.
///
/// # Errors
///
/// [`ChannelError::PartialSignature`] names a signer whose part is wrong; [`ChannelError::Refused`] unless the signers are
/// exactly the key's.
pub fn sign_together(
    key: &AggregateKey,
    signers: &[(&Seed, Keypair)],
    id: &NonceId<'_>,
    message: &[u8; 32],
) -> Result<[u8; 64], ChannelError> {
    let Some(((_, last), ahead)) = signers.split_last() else {
        return Err(ChannelError::refused("nobody signs"));
    };
    let mut secrets = Vec::with_capacity(signers.len());
    let mut nonces = Vec::with_capacity(signers.len());
    for (seed, keypair) in ahead {
        let (secret, public) = verification_nonce(seed, keypair, id)?;
        secrets.push(secret);
        nonces.push(public);
    }
    let (secret, public) = signing_nonce(last, key, &nonces, message)?;
    secrets.push(secret);
    nonces.push(public);

    let session = SigningSession::new(key, &nonces, *message)?;
    let mut parts = Vec::with_capacity(signers.len());
    for (position, (((_, keypair), secret), nonce)) in signers.iter().zip(secrets).zip(&nonces).enumerate() {
        let part = session.sign(secret, keypair)?;
        // A signer trusts its own part.
        if position > 0 && !session.verify_partial(&part, nonce, &keypair.public_key()) {
            return Err(ChannelError::PartialSignature(position));
        }
        parts.push(part);
    }
    session.aggregate(&parts)
}

/// A transaction's signature with the owner's part missing: what a party keeps until it publishes, so that a stolen backup
/// alone is no transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HalfSigned {
    /// The salt of the owner's verification nonce.
    pub salt: [u8; 32],
    /// The other's public nonce.
    pub nonce: [u8; PUBLIC_NONCE_SIZE],
    /// The other's partial signature.
    pub part: [u8; PARTIAL_SIGNATURE_SIZE],
}

/// Bytes of a serialized [`HalfSigned`].
pub const HALF_SIGNED_SIZE: usize = 32 + PUBLIC_NONCE_SIZE + PARTIAL_SIGNATURE_SIZE;

impl HalfSigned {
    /// The other signs the owner's transaction, and the owner checks the part (BIP 327 "PartialSigVerify").
    ///
    /// # Errors
    ///
    /// [`ChannelError::PartialSignature`] if the part is wrong.
    pub fn make(
        key: &AggregateKey,
        owner: (&Seed, &Keypair),
        other: &Keypair,
        id: &NonceId<'_>,
        message: &[u8; 32],
    ) -> Result<HalfSigned, ChannelError> {
        let (_, ahead) = verification_nonce(owner.0, owner.1, id)?;
        let (secret, public) = signing_nonce(other, key, &[ahead], message)?;
        let session = SigningSession::new(key, &[ahead, public], *message)?;
        let part = session.sign(secret, other)?;
        match session.verify_partial(&part, &public, &other.public_key()) {
            true => Ok(HalfSigned { salt: *id.salt, nonce: public.serialize(), part: part.serialize() }),
            false => Err(ChannelError::PartialSignature(1)),
        }
    }

    /// The owner adds its part.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if the kept bytes are no nonce or part, or the sum is no signature.
    pub fn complete(
        &self,
        key: &AggregateKey,
        owner: (&Seed, &Keypair),
        id: &NonceId<'_>,
        message: &[u8; 32],
    ) -> Result<[u8; 64], ChannelError> {
        let id = NonceId { salt: &self.salt, ..*id };
        let (secret, ahead) = verification_nonce(owner.0, owner.1, &id)?;
        let damaged = |_| ChannelError::encoding("a nonce and a partial signature");
        let nonce = PublicNonce::from_byte_array(&self.nonce).map_err(damaged)?;
        let part = PartialSignature::from_byte_array(&self.part).map_err(damaged)?;
        let session = SigningSession::new(key, &[ahead, nonce], *message)?;
        let own = session.sign(secret, owner.1)?;
        session.aggregate(&[own, part])
    }

    /// Salt, nonce, part.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.salt[..], &self.nonce, &self.part].concat()
    }

    /// Reads what [`HalfSigned::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8; HALF_SIGNED_SIZE]) -> Option<HalfSigned> {
        let (salt, rest) = bytes.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        Some(HalfSigned { salt: *salt, nonce: *nonce, part: rest.try_into().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::verify_schnorr;

    fn parties(count: usize) -> Vec<(Seed, Keypair)> {
        (0..count)
            .map(|party| {
                let seed = Seed::from_name(&format!("party {party}"));
                let keypair = seed.keypair("funding", &[]).unwrap();
                (seed, keypair)
            })
            .collect()
    }

    #[test]
    fn two_and_more_parties_sign_under_one_key() {
        for count in [1, 2, 3, 7] {
            let parties = parties(count);
            let keys: Vec<PublicKey> = parties.iter().map(|(_, keypair)| keypair.public_key()).collect();
            let key = AggregateKey::new(&keys).unwrap().tweaked(Some(&[7; 32])).unwrap();
            let signers: Vec<(&Seed, Keypair)> =
                parties.iter().map(|(seed, keypair)| (seed, *keypair)).collect();
            let id = NonceId { outpoint: &[1; 36], number: 5, role: "state", salt: &[9; 32] };
            let signature = sign_together(&key, &signers, &id, &[3; 32]).unwrap();
            assert!(verify_schnorr(&key.x_only(), &[3; 32], &signature), "{count} parties");
            assert!(!verify_schnorr(&key.x_only(), &[4; 32], &signature), "{count} parties");
        }
    }

    #[test]
    fn a_wrong_part_is_found_before_and_after_adding_up() {
        let parties = parties(2);
        let keys: Vec<PublicKey> = parties.iter().map(|(_, keypair)| keypair.public_key()).collect();
        let key = AggregateKey::new(&keys).unwrap();
        let id = NonceId { outpoint: &[1; 36], number: 5, role: "state", salt: &[9; 32] };
        let (first, second) = (&parties[0], &parties[1]);
        let (secret_a, nonce_a) = verification_nonce(&first.0, &first.1, &id).unwrap();
        let (secret_b, nonce_b) = signing_nonce(&second.1, &key, &[nonce_a], &[3; 32]).unwrap();
        let session = SigningSession::new(&key, &[nonce_a, nonce_b], [3; 32]).unwrap();
        let (part_a, part_b) =
            (session.sign(secret_a, &first.1).unwrap(), session.sign(secret_b, &second.1).unwrap());
        assert!(session.verify_partial(&part_a, &nonce_a, &first.1.public_key()));
        assert!(!session.verify_partial(&part_b, &nonce_a, &first.1.public_key()));
        assert!(session.aggregate(&[part_a, part_b]).is_ok());
        let incorrect = Err(ChannelError::Key(secp256k1::Error::IncorrectSignature));
        assert_eq!(session.aggregate(&[part_a, part_a]), incorrect);
    }

    #[test]
    fn signing_nonces_repeat_for_the_same_challenge_only() {
        let parties = parties(2);
        let keys: Vec<PublicKey> = parties.iter().map(|(_, keypair)| keypair.public_key()).collect();
        let key = AggregateKey::new(&keys).unwrap();
        let id = |salt| NonceId { outpoint: &[1; 36], number: 5, role: "state", salt };
        let ahead = |salt| verification_nonce(&parties[0].0, &parties[0].1, &id(salt)).unwrap().1;
        let (one, other) = (ahead(&[9; 32]), ahead(&[8; 32]));
        assert_ne!(one, other);
        let signing = |nonce, message| signing_nonce(&parties[1].1, &key, &[nonce], message).unwrap().1;
        assert_eq!(signing(one, &[3; 32]), signing(one, &[3; 32]));
        assert_ne!(signing(one, &[3; 32]), signing(one, &[4; 32]));
        assert_ne!(signing(one, &[3; 32]), signing(other, &[3; 32]));
    }
}
