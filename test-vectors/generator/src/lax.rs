//! Schnorr signatures that an implementation with a certain bug accepts. They are invalid under BIP 340, or valid for
//! another message than the correct one.

use bitcoin::consensus::encode::serialize;
use secp256k1::{Keypair, Scalar, SecretKey};
use sha2::{Digest, Sha256};

use super::item::{Item, Maker};
use super::keys::{Key, digest_of};
use super::shape::Input;

/// A defect or a special property of a Schnorr signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Invalid signature for which the point R has an odd Y coordinate.
    OddR,
    /// Invalid signature. It would be valid for the point with the key's X coordinate and an odd Y. An x-only key
    /// always means the point with the even Y.
    OddKey,
    /// Invalid signature for which S·G equals e·P, so that the point R = S·G - e·P of the verification equation is the
    /// point at infinity.
    InfiniteR,
    /// Valid signature whose first byte is zero.
    BeginsWithZero,
    /// Valid signature whose last byte is zero.
    EndsWithZero,
}

/// Computes the challenge hash of BIP 340 for the R of a signature, the x-only public key and the message.
fn challenge(r: &[u8; 32], key: &[u8; 32], message: &[u8]) -> Result<Scalar, String> {
    let tag = Sha256::digest("BIP0340/challenge");
    let hash = Sha256::new().chain_update(tag).chain_update(tag).chain_update(r).chain_update(key);
    Scalar::from_be_bytes(hash.chain_update(message).finalize().into()).map_err(|error| error.to_string())
}

/// Returns the secret key or its negation: the one whose public point has an odd (or even) Y coordinate, as `odd` says.
fn with_parity(secret: SecretKey, odd: bool) -> SecretKey {
    let is_odd = Keypair::from_secret_key(&secret).x_only_public_key().1 == secp256k1::Parity::Odd;
    if is_odd == odd { secret } else { secret.negate() }
}

/// Creates a Schnorr signature with this secret nonce: `(R, nonce + e·secret)`. It is valid if the points of the nonce
/// and of the secret have an even Y.
fn with_nonce(secret: SecretKey, nonce: SecretKey, message: &[u8]) -> Result<[u8; 64], String> {
    let x_only = |secret: &SecretKey| Keypair::from_secret_key(secret).x_only_public_key().0.to_byte_array();
    let r = x_only(&nonce);
    let e = challenge(&r, &x_only(&secret), message)?;
    let product = secret.mul_tweak(&e).map_err(|error| error.to_string())?;
    let nonce = Scalar::from_be_bytes(nonce.to_secret_bytes()).map_err(|error| error.to_string())?;
    let s = product.add_tweak(&nonce).map_err(|error| error.to_string())?;
    joined(&r, &s)
}

fn joined(r: &[u8; 32], s: &SecretKey) -> Result<[u8; 64], String> {
    <[u8; 64]>::try_from([r.as_slice(), &s.to_secret_bytes()].concat()).map_err(|_| "no 64 bytes".into())
}

/// Returns a fixed secret nonce, selected by a number. `odd` says whether the Y coordinate of its point is odd or even.
fn nonce(number: usize, odd: bool) -> Result<SecretKey, String> {
    let secret = SecretKey::from_secret_bytes(digest_of(&format!("nonce {number}")));
    Ok(with_parity(secret.map_err(|error| error.to_string())?, odd))
}

/// Maximum number of nonces that are tried to find a signature that begins or ends with a zero byte.
const TRIES: usize = 10_000;

/// Creates a Schnorr signature of a message, with the given defect or special property.
pub(super) fn sign(pair: &Keypair, message: &[u8], flaw: Flaw) -> Result<[u8; 64], String> {
    let secret = with_parity(pair.secret_key(), flaw == Flaw::OddKey);
    match flaw {
        Flaw::OddR => with_nonce(secret, nonce(0, true)?, message),
        Flaw::OddKey => with_nonce(secret, nonce(0, false)?, message),
        Flaw::InfiniteR => {
            let r = digest_of("R");
            let e = challenge(&r, &pair.x_only_public_key().0.to_byte_array(), message)?;
            joined(&r, &secret.mul_tweak(&e).map_err(|error| error.to_string())?)
        }
        Flaw::BeginsWithZero | Flaw::EndsWithZero => {
            let place = if flaw == Flaw::BeginsWithZero { 0 } else { 63 };
            for number in 0..TRIES {
                let signature = with_nonce(secret, nonce(number, false)?, message)?;
                if signature.get(place) == Some(&0) {
                    return Ok(signature);
                }
            }
            Err("no nonce gives a signature with such a byte".into())
        }
    }
}

/// Creates a BIP 340 signature of a message for OP_CHECKSIGFROMSTACK, with the given defect or special property.
pub(super) fn message(key: Key, message: &[u8], flaw: Flaw) -> Item {
    let message = message.to_vec();
    Item::made(move |_, _| Ok(sign(&key.pair()?, &message, flaw)?.to_vec()))
}

/// The part of the inputs that a signature message includes, in a simulated implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inputs {
    /// The message contains all inputs, as under SIGHASH_ALL.
    All,
    /// The message contains only the outpoint, amount, script and sequence of the verified input, as under
    /// SIGHASH_ANYONECANPAY.
    Own,
    /// The message contains only the amount, script and sequence of the verified input, as under SIGHASH_ANYPREVOUT.
    Script,
    /// The message contains only the sequence number of the verified input, as under SIGHASH_ANYPREVOUTANYSCRIPT.
    Nothing,
}

/// The part of the outputs that a signature message includes, in a simulated implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outputs {
    All,
    None,
    Own,
    /// The message contains these bytes where the hash of the output at the input's index belongs. Used if there is no
    /// such output.
    Instead(&'static [u8]),
    /// The message contains the last output of the transaction, instead of the output at the input's index. This is a
    /// bug to simulate.
    Last,
}

/// How a signature message includes the annex, in a simulated implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Annex {
    /// The annex is hashed with its length prefix, as BIP 341 specifies.
    Right,
    /// The annex is hashed with a length prefix of one byte, even if its length needs more bytes.
    LengthOfOneByte,
    WithoutLength,
    WithoutTag,
    /// The message lacks the annex and states that the input has none, although the input has an annex. This is a bug
    /// to simulate.
    Ignored,
    /// The message states that the input has an annex, but does not commit to the annex. This is a bug to simulate.
    OnlyFlag,
}

/// A Schnorr signature message as a buggy implementation may compute it. Each field selects how one part of the message
/// is computed, correctly or with a bug.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lax {
    /// The hash type that the signature message contains, as one byte.
    pub(super) hash_type: u8,
    pub(super) inputs: Inputs,
    pub(super) outputs: Outputs,
    /// Version of the key that signs the message, such as 0 for BIP 342 and 1 for BIP 118. `None` for the key path.
    pub(super) key_version: Option<u8>,
    pub(super) leaf: bool,
    pub(super) annex: Annex,
    /// Whether the leaf hash encodes the script length in one byte, even if the length needs more bytes. This is a bug
    /// to simulate.
    pub(super) short_leaf: bool,
    /// Whether the signature message contains the script of the spent output without its length prefix. This is a bug
    /// to simulate.
    pub(super) bare_script: bool,
    pub(super) index: Option<u32>,
    pub(super) code_separator: u32,
    /// Whether the signed digest is hashed with SHA-256 once more. This is a bug to simulate.
    pub(super) hashed_again: bool,
}

impl Lax {
    /// Returns the message that a key of BIP 118 signs in a buggy implementation that accepts every hash type: it
    /// interprets each bit of `hash_type` separately, even if the type is undefined.
    pub(super) fn by_bits(hash_type: u8) -> Lax {
        Lax {
            hash_type,
            inputs: match hash_type & 0xc0 {
                0x00 => Inputs::All,
                0x80 => Inputs::Own,
                0x40 => Inputs::Script,
                _ => Inputs::Nothing,
            },
            outputs: match hash_type & 3 {
                2 => Outputs::None,
                3 => Outputs::Own,
                _ => Outputs::All,
            },
            key_version: Some(1),
            leaf: hash_type & 0xc0 != 0xc0,
            annex: Annex::Right,
            short_leaf: false,
            bare_script: false,
            index: None,
            code_separator: u32::MAX,
            hashed_again: false,
        }
    }

    /// Returns the signature hash (digest) of the message that this type describes, for the transaction and script of
    /// `maker`.
    fn digest(&self, maker: &Maker<'_>) -> Result<[u8; 32], String> {
        let (shape, index) = (maker.shape, maker.shape.index);
        let own = shape.inputs.get(index).ok_or("no such input")?;
        let own_script = if self.bare_script { own.script_pubkey.clone() } else { sized(&own.script_pubkey) };
        let of_all = |part: &dyn Fn(&Input) -> Vec<u8>| {
            Sha256::digest(shape.inputs.iter().flat_map(part).collect::<Vec<u8>>())
        };
        let output = |(amount, script): &(u64, Vec<u8>)| [&amount.to_le_bytes()[..], &sized(script)].concat();
        let mut message = vec![0, self.hash_type];
        message.extend(shape.version.to_le_bytes());
        message.extend(shape.lock_time.to_le_bytes());
        if self.inputs == Inputs::All {
            message.extend(of_all(&|input| serialize(&input.outpoint)));
            message.extend(of_all(&|input| input.amount.to_le_bytes().to_vec()));
            message.extend(of_all(&|input| sized(&input.script_pubkey)));
            message.extend(of_all(&|input| input.sequence.to_le_bytes().to_vec()));
        }
        if self.outputs == Outputs::All {
            message.extend(Sha256::digest(shape.outputs.iter().flat_map(output).collect::<Vec<u8>>()));
        }
        let annex = maker.annex.filter(|_| self.annex != Annex::Ignored);
        let spend_type = 2 * u8::from(self.key_version.is_some()) + u8::from(annex.is_some());
        message.push(spend_type);
        if self.inputs == Inputs::Own {
            message.extend(serialize(&own.outpoint));
        }
        if matches!(self.inputs, Inputs::Own | Inputs::Script) {
            message.extend(own.amount.to_le_bytes());
            message.extend(&own_script);
        }
        if self.inputs == Inputs::All {
            let index =
                self.index.map_or_else(|| u32::try_from(index).map_err(|error| error.to_string()), Ok)?;
            message.extend(index.to_le_bytes());
        } else {
            message.extend(own.sequence.to_le_bytes());
        }
        if let Some(annex) = annex {
            message.extend(self.annex_hash(annex));
        }
        match self.outputs {
            Outputs::All | Outputs::None => {}
            Outputs::Instead(bytes) => message.extend(bytes),
            Outputs::Own | Outputs::Last => {
                let place =
                    if self.outputs == Outputs::Own { index } else { shape.outputs.len().saturating_sub(1) };
                message.extend(Sha256::digest(output(shape.outputs.get(place).ok_or("no such output")?)));
            }
        }
        if let Some(version) = self.key_version {
            if self.leaf {
                message.extend(if self.short_leaf {
                    short_leaf_hash(maker.script_code)
                } else {
                    maker.leaf_hash
                });
            }
            message.push(version);
            message.extend(self.code_separator.to_le_bytes());
        }
        let digest = tagged("TapSighash", &message);
        Ok(if self.hashed_again { Sha256::digest(digest).into() } else { digest })
    }

    fn annex_hash(&self, annex: &[u8]) -> Vec<u8> {
        let length = annex.len().to_le_bytes()[0];
        match self.annex {
            Annex::OnlyFlag => return Vec::new(),
            Annex::LengthOfOneByte => Sha256::digest([&[length], annex].concat()),
            Annex::WithoutLength => Sha256::digest(annex),
            Annex::WithoutTag => Sha256::digest(sized(annex.get(1..).unwrap_or_default())),
            Annex::Right | Annex::Ignored => Sha256::digest(sized(annex)),
        }
        .to_vec()
    }
}

/// Returns bytes with their length before them, encoded as CompactSize.
fn sized(bytes: &[u8]) -> Vec<u8> {
    serialize(&bytes.to_vec())
}

pub(super) fn tagged(tag: &str, message: &[u8]) -> [u8; 32] {
    let tag = Sha256::digest(tag);
    Sha256::digest([tag.as_slice(), tag.as_slice(), message].concat()).into()
}

/// Computes the hash of a tapscript leaf with a bug: the script length is encoded in one byte, even if it needs more.
fn short_leaf_hash(script: &[u8]) -> [u8; 32] {
    tagged("TapLeaf", &[&[0xc0, script.len().to_le_bytes()[0]], script].concat())
}

/// Creates a Schnorr signature of the message that `lax` describes. The bytes `written`, usually a hash type, are
/// appended.
pub(super) fn signature(key: Key, lax: Lax, written: &[u8]) -> Item {
    Item::made(move |maker, tweak| {
        let mut pair = key.pair()?;
        if let Some(tweak) = tweak {
            let tweak = Scalar::from_be_bytes(tweak).map_err(|error| error.to_string())?;
            pair = pair.add_xonly_tweak(&tweak).map_err(|error| error.to_string())?;
        }
        Ok(secp256k1::schnorr::sign_no_aux_rand(&lax.digest(maker)?, &pair).to_byte_array().to_vec())
    })
    .followed_by(written)
}

/// Creates a Schnorr signature of the message that `lax` describes. The signature has the given defect or special
/// property.
pub(super) fn flawed_signature(key: Key, lax: Lax, flaw: Flaw) -> Item {
    Item::made(move |maker, _| Ok(sign(&key.pair()?, &lax.digest(maker)?, flaw)?.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_signatures_without_a_flaw_are_valid() {
        let pair = Key(1).pair().unwrap();
        let verifies = |flaw| {
            let signature = secp256k1::schnorr::Signature::from_byte_array(sign(&pair, b"m", flaw).unwrap());
            secp256k1::schnorr::verify(&signature, b"m", &pair.x_only_public_key().0).is_ok()
        };
        assert!(verifies(Flaw::BeginsWithZero) && verifies(Flaw::EndsWithZero));
        assert!(!verifies(Flaw::OddR) && !verifies(Flaw::OddKey) && !verifies(Flaw::InfiniteR));
        assert_eq!(sign(&pair, b"m", Flaw::BeginsWithZero).unwrap()[0], 0);
        assert_eq!(sign(&pair, b"m", Flaw::EndsWithZero).unwrap()[63], 0);
    }
}
