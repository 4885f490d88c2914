//! Attack on MuSig2: a nonce that is reused for three challenges reveals the signer's secret key.

use secp256k1::musig::{AggregatedNonce, KeyAggCache};
use secp256k1::{Keypair, PublicKey, Scalar, SecretKey};

use super::Trial;
use crate::error::ChannelError;
use crate::keys::{Seed, scalar, tagged_hash};
use crate::model::PlayError;
use crate::musig::{AggregateKey, Nonce, NonceId, SigningSession};

/// One partial signature as a linear equation: `s = sign * (k1 + b * k2) + e * z`. The unknowns are the
/// secret nonces `k1` and `k2`, and `z`, which is the secret key times public factors. `negated` is true if
/// `sign` is -1.
struct Equation {
    negated: bool,
    b: SecretKey,
    e: SecretKey,
    s: SecretKey,
}

/// Multiplies two numbers modulo the group order. A result of zero, which does not occur here, is an error.
fn mul(a: SecretKey, b: SecretKey) -> Result<SecretKey, ChannelError> {
    Ok(a.mul_tweak(&Scalar::from(b))?)
}

fn sub(a: SecretKey, b: SecretKey) -> Result<SecretKey, ChannelError> {
    Ok(a.add_tweak(&Scalar::from(b.negate()))?)
}

/// Returns the multiplicative inverse modulo the group order n, computed as `a^(n - 2)`.
fn inverse(a: SecretKey) -> Result<SecretKey, ChannelError> {
    let mut exponent = secp256k1::constants::CURVE_ORDER;
    if let Some(last) = exponent.last_mut() {
        *last = last.wrapping_sub(2);
    }
    let mut result: Option<SecretKey> = None;
    for byte in exponent {
        for bit in (0..8).rev() {
            result = result.map(|value| mul(value, value)).transpose()?;
            if byte >> bit & 1 == 1 {
                result = Some(result.map_or(Ok(a), |value| mul(value, a))?);
            }
        }
    }
    result.ok_or_else(|| ChannelError::refused("the exponent is zero"))
}

fn number(bytes: [u8; 32]) -> Result<SecretKey, ChannelError> {
    Ok(SecretKey::from_secret_bytes(bytes)?)
}

/// Returns the [`Equation`] that a co-signer obtains from a partial signature `s`, the aggregated nonce and
/// the message (BIP 327 "GetSessionValues").
fn equation(
    key: &KeyAggCache,
    nonce: AggregatedNonce,
    message: &[u8; 32],
    s: [u8; 32],
) -> Result<Equation, ChannelError> {
    let bytes = nonce.serialize();
    let (first, second) = bytes.split_at(33);
    let q = key.agg_pk().to_byte_array();
    let b = tagged_hash("MuSig/noncecoef", &[&bytes, &q, message]);
    let r = PublicKey::from_slice(first)?.combine(&PublicKey::from_slice(second)?.mul_tweak(&scalar(b)?)?)?;
    let (r, parity) = r.x_only_public_key();
    let e = tagged_hash("BIP0340/challenge", &[&r.to_byte_array(), &q, message]);
    Ok(Equation { negated: parity.to_u8() == 1, b: number(b)?, e: number(e)?, s: number(s)? })
}

/// Solves three equations with the same unknowns `k1`, `k2` and `z` for `z`.
fn solve(equations: &[Equation; 3]) -> Result<SecretKey, ChannelError> {
    // Normalized form: k1 + b * k2 + e' * z = s'.
    let normal = |eq: &Equation| match eq.negated {
        true => (eq.b, eq.e.negate(), eq.s.negate()),
        false => (eq.b, eq.e, eq.s),
    };
    let [one, two, three] = equations;
    let (b1, e1, s1) = normal(one);
    let row = |eq: &Equation| -> Result<_, ChannelError> {
        let (b, e, s) = normal(eq);
        Ok((sub(b, b1)?, sub(e, e1)?, sub(s, s1)?))
    };
    let ((b2, e2, s2), (b3, e3, s3)) = (row(two)?, row(three)?);
    // The first equation is subtracted from the other two: b2 * k2 + e2 * z = s2 and b3 * k2 + e3 * z = s3.
    let denominator = sub(mul(e2, b3)?, mul(e3, b2)?)?;
    mul(sub(mul(s2, b3)?, mul(s3, b2)?)?, inverse(denominator)?)
}

/// Computes the victim's secret key d from `z = g * a * d` (without tweaks). The coefficient a and the sign g, which
/// depends on the aggregate key's parity, are public.
fn key_from(
    z: SecretKey,
    key: &KeyAggCache,
    sorted: [PublicKey; 2],
    victim: PublicKey,
) -> Result<SecretKey, ChannelError> {
    let [first, second] = sorted;
    let z = if key.agg_pk_full().x_only_public_key().1.to_u8() == 1 { z.negate() } else { z };
    // BIP 327 "KeyAggCoef": the second distinct key has the coefficient 1.
    if victim == second {
        return Ok(z);
    }
    let list = tagged_hash("KeyAgg list", &[&first.serialize(), &second.serialize()]);
    let coefficient = tagged_hash("KeyAgg coefficient", &[&list, &victim.serialize()]);
    mul(z, inverse(number(coefficient)?)?)
}

/// Attack "reused-nonce": the peer requests three partial signatures of the same message, each time with a
/// new nonce of its own. If the victim uses the same nonce each time, the peer can compute the victim's
/// secret key.
pub(super) fn reused_nonce() -> Result<Vec<Trial>, PlayError> {
    let seeds = [Seed::from_name("victim of nonces"), Seed::from_name("attacker")];
    let [victim_seed, attacker_seed] = &seeds;
    let victim: Keypair = victim_seed.keypair("funding", &[])?;
    let attacker: Keypair = attacker_seed.keypair("funding", &[])?;
    let mut sorted = [victim.public_key(), attacker.public_key()];
    sorted.sort_by_key(PublicKey::serialize);
    let cache = KeyAggCache::new(&sorted.iter().collect::<Vec<_>>());
    let key = AggregateKey::new(&sorted)?;
    let message = [0x33; 32];

    let mut trials = Vec::new();
    for (against, repeats) in
        [("a nonce from seed, outpoint and number alone", true), ("the signing nonce of rule 1", false)]
    {
        let mut equations = Vec::new();
        for round in 0..3u64 {
            let id = |number| NonceId { outpoint: &[9; 36], number, role: "attack" };
            let ahead = |party: usize, number, salt: [u8; 32]| {
                let keypair = if party == 0 { &victim } else { &attacker };
                let seed = if party == 0 { victim_seed } else { attacker_seed };
                Nonce::ahead(seed, keypair, &id(number), &salt)
            };
            let theirs = ahead(1, round, [0x44; 32])?.public();
            let own = match repeats {
                true => ahead(0, 7, [0x44; 32])?,
                false => Nonce::answering(&victim, &key, &[theirs], &message)?,
            };
            let nonces = [theirs, own.public()];
            let part = SigningSession::new(&key, &nonces, message)?.sign(own, &victim)?;
            let nonce = AggregatedNonce::new(&nonces.iter().collect::<Vec<_>>());
            equations.push(equation(&cache, nonce, &message, part.serialize())?);
        }
        let Ok(equations) = <[Equation; 3]>::try_from(equations) else { continue };
        let found = key_from(solve(&equations)?, &cache, sorted, victim.public_key())?;
        let works = found.public_key() == victim.public_key();
        trials.push(Trial {
            against,
            works,
            outcome: match works {
                true => {
                    "three partial signatures are three linear equations: the key is extracted".to_owned()
                }
                false => "the equations have other unknowns each: what they give is not the key".to_owned(),
            },
            shown: Vec::new(),
        });
    }
    Ok(trials)
}
