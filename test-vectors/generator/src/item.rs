//! Elements of witnesses that depend on the transaction: signatures and template hashes.

use core::fmt;
use std::rc::Rc;

use secp256k1::{Keypair, Message, Scalar, SecretKey, ecdsa};
use sigstack_interpreter::proposals::{checktemplateverify, templatehash};
use sigstack_interpreter::sighash::{self, Signing, TxCache};
use sigstack_interpreter::{KeyVersion, TaprootMessage, TapscriptMessage};

use super::keys::{Key, digest_of};
use super::paircommit;
use super::shape::{Field, Shape};

/// An element of a witness, or a push in a script.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A Schnorr signature of the transaction.
    Signature(Signature),
    /// A signature of a message, as OP_CHECKSIGFROMSTACK checks it.
    Message {
        /// Who signs.
        key: Key,
        /// What.
        message: Box<Item>,
    },
    /// An ECDSA signature of the transaction.
    Ecdsa(Ecdsa),
    /// The hash that OP_CHECKTEMPLATEVERIFY compares with, of the transaction with these changes.
    CheckTemplate(Vec<Field>),
    /// The hash that OP_TEMPLATEHASH pushes, of the transaction with these changes.
    TemplateHash(Vec<Field>),
    /// The hash that OP_PAIRCOMMIT makes of two items.
    Pair(Box<Item>, Box<Item>),
    /// Another item with its bytes changed.
    Changed(Box<Item>, Change),
    /// What a function makes of the surroundings.
    Made(Made),
}

/// Makes bytes from the surroundings, and from the tweak that is added to keys that sign.
#[derive(Clone)]
pub(super) struct Made(Rc<MadeFn>);

type MadeFn = dyn Fn(&Maker<'_>, Option<[u8; 32]>) -> Result<Vec<u8>, String>;

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Made")
    }
}

/// A Schnorr signature of the transaction.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    /// Who signs.
    pub(super) key: Key,
    /// The hash type; with 0 the signature has 64 bytes, otherwise 65.
    pub(super) hash_type: u8,
    /// The hash type that is signed, where it is not the one that is written.
    pub(super) signed_hash_type: Option<u8>,
    /// The version of the key; none on the key path.
    pub(super) key_version: Option<KeyVersion>,
    /// The position of the last OP_CODESEPARATOR.
    pub(super) code_separator: u32,
    /// What differs between the spend that is signed and the one of the case.
    pub(super) signed_with: Vec<Field>,
}

/// An ECDSA signature of the transaction.
#[derive(Clone, Debug)]
pub(super) struct Ecdsa {
    /// Who signs.
    pub(super) key: Key,
    /// The hash type, which is the last byte.
    pub(super) hash_type: u8,
    /// The hash type that is signed, where it is not the one that is written.
    pub(super) signed_hash_type: Option<u8>,
    /// What is signed of the script, where it is not the whole of it.
    pub(super) script_code: Option<Vec<u8>>,
    /// Whether it has the higher of the two possible S values.
    pub(super) high_s: bool,
    /// Which of the signatures that are valid: each number has another nonce.
    pub(super) nonce: u32,
    /// What differs between the spend that is signed and the one of the case.
    pub(super) signed_with: Vec<Field>,
}

/// A change of bytes.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// The lowest bit of the byte at this place.
    Flip(usize),
    /// Bytes more at the end.
    Append(Vec<u8>),
    /// Bytes more in front.
    Prepend(Vec<u8>),
    /// Only so many bytes of it.
    Truncate(usize),
    /// All but so many bytes at the start.
    Skip(usize),
    /// A zero byte before R of a DER signature, which its lengths count.
    PadR,
}

impl Signature {
    /// A signature of a tapscript by a key of a version.
    pub(super) fn new(key: Key, hash_type: u8, key_version: KeyVersion) -> Signature {
        Signature {
            key,
            hash_type,
            signed_hash_type: None,
            key_version: Some(key_version),
            code_separator: u32::MAX,
            signed_with: Vec::new(),
        }
    }
}

impl Ecdsa {
    /// A signature of the whole script by a key.
    pub(super) fn new(key: Key, hash_type: u8) -> Ecdsa {
        Ecdsa {
            key,
            hash_type,
            signed_hash_type: None,
            script_code: None,
            high_s: false,
            nonce: 0,
            signed_with: Vec::new(),
        }
    }
}

impl From<Ecdsa> for Item {
    fn from(signature: Ecdsa) -> Item {
        Item::Ecdsa(signature)
    }
}

impl From<Signature> for Item {
    fn from(signature: Signature) -> Item {
        Item::Signature(signature)
    }
}

impl Item {
    /// A signature of a message, as OP_CHECKSIGFROMSTACK checks it.
    pub(super) fn message(key: Key, message: &[u8]) -> Item {
        Item::signed(key, Item::Bytes(message.to_vec()))
    }

    /// A signature of another item.
    pub(super) fn signed(key: Key, message: Item) -> Item {
        Item::Message { key, message: Box::new(message) }
    }

    /// What a function makes.
    pub(super) fn made(
        make: impl Fn(&Maker<'_>, Option<[u8; 32]>) -> Result<Vec<u8>, String> + 'static,
    ) -> Item {
        Item::Made(Made(Rc::new(make)))
    }

    /// The item with bytes after it.
    pub(super) fn followed_by(self, bytes: &[u8]) -> Item {
        Item::Changed(Box::new(self), Change::Append(bytes.to_vec()))
    }

    /// The item with a bit flipped.
    pub(super) fn flipped(self, place: usize) -> Item {
        Item::Changed(Box::new(self), Change::Flip(place))
    }
}

/// The surroundings in which items are made.
pub(super) struct Maker<'a> {
    pub(super) shape: &'a Shape,
    pub(super) annex: Option<&'a [u8]>,
    pub(super) leaf_hash: [u8; 32],
    /// What ECDSA signatures commit to of the script, and whether as segwit v0 does.
    pub(super) script_code: &'a [u8],
    pub(super) segwit: bool,
}

impl Maker<'_> {
    /// The bytes of an item.
    pub(super) fn make(&self, item: &Item) -> Result<Vec<u8>, String> {
        self.make_tweaked(item, None)
    }

    /// The bytes of an item; signatures of the transaction are made by the key with a tweak added to it, if there is one.
    pub(super) fn make_tweaked(&self, item: &Item, tweak: Option<[u8; 32]>) -> Result<Vec<u8>, String> {
        match item {
            Item::Bytes(bytes) => Ok(bytes.clone()),
            Item::Signature(signature) => self.sign(signature, tweak),
            Item::Message { key, message } => Ok(schnorr(&key.pair()?, &self.make(message)?).to_vec()),
            Item::Ecdsa(signature) => self.sign_ecdsa(signature),
            Item::CheckTemplate(fields) => self.with_changes(fields, None, |signing, _| {
                Ok(checktemplateverify::check_template_digest(signing).to_vec())
            }),
            Item::TemplateHash(fields) => self.with_changes(fields, None, |signing, message| {
                Ok(templatehash::template_hash_digest(signing, message.annex_hash.as_ref()).to_vec())
            }),
            Item::Pair(a, b) => Ok(paircommit::commitment(&self.make(a)?, &self.make(b)?).to_vec()),
            Item::Made(Made(make)) => make(self, tweak),
            Item::Changed(item, change) => {
                let mut bytes = self.make_tweaked(item, tweak)?;
                match change {
                    Change::Flip(place) => {
                        *bytes.get_mut(*place).ok_or("nothing to flip")? ^= 1;
                    }
                    Change::Append(more) => bytes.extend_from_slice(more),
                    Change::Prepend(more) => _ = bytes.splice(0..0, more.iter().copied()),
                    Change::Truncate(length) => bytes.truncate(*length),
                    Change::Skip(length) => _ = bytes.drain(..(*length).min(bytes.len())),
                    Change::PadR => {
                        bytes.splice(4..4, [0]);
                        for length in [1, 3] {
                            *bytes.get_mut(length).ok_or("no signature to pad")? += 1;
                        }
                    }
                }
                Ok(bytes)
            }
        }
    }

    /// Calls `f` with the spend as it is after the changes.
    fn with_changes<T>(
        &self,
        fields: &[Field],
        tapscript: Option<TapscriptMessage>,
        f: impl FnOnce(&Signing<'_>, &TaprootMessage) -> Result<T, String>,
    ) -> Result<T, String> {
        let mut shape = self.shape.clone();
        let mut message = TaprootMessage { annex_hash: self.annex.map(sighash::annex_hash), tapscript };
        fields.iter().for_each(|field| field.change(&mut shape, &mut message));
        let (tx, prevouts, cache) = (shape.tx(&[]), shape.prevouts(), TxCache::default());
        f(&Signing { tx: &tx, prevouts: &prevouts, input: shape.index, cache: &cache }, &message)
    }

    fn sign(&self, signature: &Signature, tweak: Option<[u8; 32]>) -> Result<Vec<u8>, String> {
        let tapscript = signature.key_version.map(|key_version| TapscriptMessage {
            key_version,
            leaf_hash: self.leaf_hash,
            code_separator_position: signature.code_separator,
        });
        let hash_type = signature.signed_hash_type.unwrap_or(signature.hash_type);
        let digest = self.with_changes(&signature.signed_with, tapscript, |signing, message| {
            sighash::taproot::digest(signing, message, hash_type)
                .ok_or_else(|| format!("hash type {hash_type:#04x} signs nothing here"))
        })?;
        let mut pair = signature.key.pair()?;
        if let Some(tweak) = tweak {
            let tweak = Scalar::from_be_bytes(tweak).map_err(|error| error.to_string())?;
            pair = pair.add_xonly_tweak(&tweak).map_err(|error| error.to_string())?;
        }
        let mut bytes = schnorr(&pair, &digest).to_vec();
        if signature.hash_type != 0 {
            bytes.push(signature.hash_type);
        }
        Ok(bytes)
    }

    /// The digest that an ECDSA signature signs.
    pub(super) fn ecdsa_digest(&self, signature: &Ecdsa) -> Result<[u8; 32], String> {
        let hash_type = signature.signed_hash_type.unwrap_or(signature.hash_type).into();
        let script_code = signature.script_code.as_deref().unwrap_or(self.script_code);
        self.with_changes(&signature.signed_with, None, |signing, _| {
            Ok(match self.segwit {
                true => sighash::segwit_v0::digest(signing, script_code, hash_type),
                false => sighash::legacy::digest(signing, script_code, hash_type),
            })
        })
    }

    fn sign_ecdsa(&self, signature: &Ecdsa) -> Result<Vec<u8>, String> {
        let digest = self.ecdsa_digest(signature)?;
        let (message, secret) = (Message::from_digest(digest), signature.key.pair()?.secret_key());
        let mut signed = match signature.nonce {
            0 => ecdsa::sign(message, &secret),
            nonce => ecdsa::sign_with_noncedata(message, &secret, &digest_of(&format!("nonce {nonce}"))),
        };
        if signature.high_s {
            signed = with_high_s(&signed)?;
        }
        Ok([signed.serialize_der().as_ref(), &[signature.hash_type]].concat())
    }
}

/// The other of the two signatures that are valid: S taken from the order of the curve.
fn with_high_s(signature: &ecdsa::Signature) -> Result<ecdsa::Signature, String> {
    let mut compact = signature.serialize_compact();
    let (_, s) = compact.split_at_mut(32);
    let number = <[u8; 32]>::try_from(&*s).map_err(|error| error.to_string())?;
    let number = SecretKey::from_secret_bytes(number).map_err(|error| error.to_string())?;
    s.copy_from_slice(&number.negate().to_secret_bytes());
    ecdsa::Signature::from_compact(&compact).map_err(|error| error.to_string())
}

/// A Schnorr signature without auxiliary randomness, so that it is the same in every run.
fn schnorr(pair: &Keypair, message: &[u8]) -> [u8; 64] {
    secp256k1::schnorr::sign_no_aux_rand(message, pair).to_byte_array()
}
