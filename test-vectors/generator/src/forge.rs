//! ECDSA signatures that no signer would create. The key is computed from the signature, so the signature must not commit
//! to the key: the key is on the stack, not in the script.

use secp256k1::{PublicKey, Scalar, SecretKey};

use super::item::{Ecdsa, Item, Maker};
use super::keys::{Key, digest_of};
use super::modular::{FIELD, Number, ORDER, small, sum};

/// The kinds of unusual ECDSA signatures. Some are valid, others are accepted only by a buggy implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forged {
    /// ECDSA signature with R = 1 and S = 1, which is valid for the computed key.
    Ones,
    /// Invalid signature whose encoded S is the curve order plus 1. It would be valid with S = 1.
    SPlusOrder,
    /// Invalid signature whose encoded R is the curve order plus 1. It would be valid with R = 1.
    RPlusOrder,
    /// Valid signature for which the X coordinate of the point R is larger than the curve order. The integer R is this
    /// coordinate minus the order.
    XBeyondOrder,
    /// Invalid signature for which the point computed in ECDSA verification is the point at infinity.
    Infinity,
    /// Signature with a public key that is not on the curve. The addition formulas do not use the curve's constant 7,
    /// so they still compute R, and an implementation without the curve check accepts. `larger` says whether the square
    /// of the key's Y is larger than `x^3 + 7`.
    OffCurve { larger: bool },
}

/// The integers R and S as encoded in the signature, and the public key that the signature is checked with.
struct Parts {
    r: Number,
    s: Number,
    key: Vec<u8>,
}

impl Forged {
    /// Returns two stack elements: the DER signature with SIGHASH_ALL, and the public key.
    pub(super) fn items(self) -> [Item; 2] {
        let signature = Item::made(move |maker, _| {
            let parts = self.parts(maker)?;
            Ok(encoded(&parts.r, &parts.s))
        });
        [signature, Item::made(move |maker, _| Ok(self.parts(maker)?.key))]
    }

    fn parts(self, maker: &Maker<'_>) -> Result<Parts, String> {
        let digest = maker.ecdsa_digest(&Ecdsa::new(Key(1), 0x01))?;
        let one = small(1);
        let plus_order = |number: &Number| sum(number, &ORDER.0).0;
        let ones = |r: Number, s: Number| Ok(Parts { r, s, key: recovered(&one, &one, &one, &digest)? });
        match self {
            Forged::Ones => ones(one, one),
            Forged::SPlusOrder => ones(one, plus_order(&one)),
            Forged::RPlusOrder => ones(plus_order(&one), one),
            Forged::XBeyondOrder => {
                // About half of all numbers are X coordinates of points on the curve.
                for rest in (1..100).map(small) {
                    if let Ok(key) = recovered(&plus_order(&rest), &rest, &one, &digest) {
                        return Ok(Parts { r: rest, s: one, key });
                    }
                }
                Err("no number after the order is an X coordinate".into())
            }
            Forged::Infinity => {
                let secret = Key(1).pair()?.secret_key().to_secret_bytes();
                let r = ORDER.mul(&ORDER.sub(&small(0), &digest), &ORDER.inverse(&secret));
                Ok(Parts { r, s: one, key: Key(1).compressed() })
            }
            Forged::OffCurve { larger } => off_curve(&digest, larger),
        }
    }
}

/// Returns the public key for which R and S are a valid ECDSA signature of a digest: `(s*R - e*G) / r`. In this
/// formula, R is the point with the X coordinate `x` and an even Y.
fn recovered(x: &Number, r: &Number, s: &Number, digest: &Number) -> Result<Vec<u8>, String> {
    let of = |error: secp256k1::Error| error.to_string();
    let scalar = |number: Number| Scalar::from_be_bytes(number).map_err(|error| error.to_string());
    let point = PublicKey::from_slice(&[&[2], x.as_slice()].concat()).map_err(of)?;
    let inverse = ORDER.inverse(r);
    let of_generator = ORDER.sub(&small(0), &ORDER.mul(digest, &inverse));
    let key = point.mul_tweak(&scalar(ORDER.mul(s, &inverse))?).map_err(of)?;
    Ok(key.add_exp_tweak(&scalar(of_generator)?).map_err(of)?.serialize().to_vec())
}

/// Returns a signature with R = S = e, where e is the digest, and a public key P that is not on the curve. Both factors
/// of the verification equation are then 1, so R must be the X coordinate of `G + P`. For any X coordinate of P, the Y
/// coordinate follows from the slope of the line through G and P.
fn off_curve(digest: &Number, larger: bool) -> Result<Parts, String> {
    let generator = coordinates(&PublicKey::from_secret_key(&secret(&small(1))?))?;
    for x in coordinates_to_try() {
        let square = FIELD.add(&FIELD.add(digest, &generator.0), &x);
        let Some(slope) = FIELD.square_root(&square) else { continue };
        let y = FIELD.add(&generator.1, &FIELD.mul(&slope, &FIELD.sub(&x, &generator.0)));
        if (FIELD.mul(&y, &y) > curve(&x)) == larger {
            return Ok(Parts { r: *digest, s: *digest, key: [&[4], x.as_slice(), &y].concat() });
        }
    }
    Err("no slope is a square root".into())
}

/// Returns fixed numbers below the field size. Some of them are X coordinates of points on the curve, the others are
/// not.
pub(super) fn coordinates_to_try() -> impl Iterator<Item = Number> {
    (0..1_000).map(|nth| FIELD.add(&digest_of(&format!("x {nth}")), &small(0)))
}

fn secret(number: &Number) -> Result<SecretKey, String> {
    SecretKey::from_secret_bytes(*number).map_err(|error| error.to_string())
}

fn coordinates(point: &PublicKey) -> Result<(Number, Number), String> {
    let bytes = point.serialize_uncompressed();
    let coordinate = |from: usize| {
        let bytes = bytes.get(from..from + 32).ok_or("no coordinate")?;
        Number::try_from(bytes).map_err(|error| error.to_string())
    };
    Ok((coordinate(1)?, coordinate(33)?))
}

/// Returns `x^3 + 7`, which is the square of Y for points on the curve.
fn curve(x: &Number) -> Number {
    FIELD.add(&FIELD.mul(x, &FIELD.mul(x, x)), &small(7))
}

/// Computes a taproot output key as an implementation would that omits a check in BIP 340's lift_x: whether the
/// computed root is a square root. Adds the tweak point to the result. Returns the output key and whether its Y is odd,
/// or `None` if `x` is the X coordinate of a point on the curve.
pub(super) fn lifted_without_check(x: &Number, tweak: &Number) -> Option<(Number, bool)> {
    if FIELD.square_root(&curve(x)).is_some() {
        return None;
    }
    // The power computed by lift_x is a square root of the negated number.
    let root = FIELD.square_root(&FIELD.sub(&small(0), &curve(x)))?;
    let odd = |number: &Number| number.last().is_some_and(|last| last & 1 == 1);
    let y = if odd(&root) { FIELD.sub(&small(0), &root) } else { root };
    let other = coordinates(&PublicKey::from_secret_key(&secret(tweak).ok()?)).ok()?;
    let slope = FIELD.mul(&FIELD.sub(&other.1, &y), &FIELD.inverse(&FIELD.sub(&other.0, x)));
    let sum_x = FIELD.sub(&FIELD.sub(&FIELD.mul(&slope, &slope), x), &other.0);
    let sum_y = FIELD.sub(&FIELD.mul(&slope, &FIELD.sub(x, &sum_x)), &y);
    Some((sum_x, odd(&sum_y)))
}

/// Computes Y as BIP 340's lift_x would without checking that Y is a square root. Returns whether the square of Y is
/// larger than `x^3 + 7`. If `x` is not the X coordinate of a point on the curve, as required here, the square of Y is
/// `-(x^3 + 7)`.
pub(super) fn root_is_larger(x: &Number) -> bool {
    FIELD.sub(&small(0), &curve(x)) > curve(x)
}

/// Encodes two numbers as a strict DER signature with SIGHASH_ALL.
fn encoded(r: &Number, s: &Number) -> Vec<u8> {
    let integer = |number: &Number| {
        let digits: Vec<u8> = number.iter().copied().skip_while(|digit| *digit == 0).collect();
        let sign: &[u8] = if digits.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
        let value = [sign, &digits].concat();
        [&[2, value.len().to_le_bytes()[0]], value.as_slice()].concat()
    };
    let body = [integer(r), integer(s)].concat();
    [&[0x30, body.len().to_le_bytes()[0]], body.as_slice(), &[0x01]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovered_keys_verify_their_signatures() {
        let digest = digest_of("a message");
        let key = recovered(&small(1), &small(1), &small(1), &digest).unwrap();
        let signature = secp256k1::ecdsa::Signature::from_compact(&[small(1), small(1)].concat()).unwrap();
        let key = PublicKey::from_slice(&key).unwrap();
        assert!(secp256k1::ecdsa::verify(&signature, secp256k1::Message::from_digest(digest), &key).is_ok());
    }

    #[test]
    fn the_key_off_the_curve_is_none() {
        for larger in [false, true] {
            let parts = off_curve(&digest_of("a message"), larger).unwrap();
            assert!(PublicKey::from_slice(&parts.key).is_err());
            assert_eq!(parts.r, parts.s);
        }
    }
}
