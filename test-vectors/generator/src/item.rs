//! Elements of witnesses that depend on the transaction, such as signatures and template hashes.

use core::fmt;
use std::rc::Rc;

use secp256k1::{Keypair, Message, Scalar, SecretKey, ecdsa};
use sigstack_interpreter::proposals::{checktemplateverify, templatehash};
use sigstack_interpreter::sighash::{self};
use sigstack_interpreter::{KeyVersion, TaprootMessage, TapscriptMessage, TxCache, TxView};

use super::keys::{Key, digest_of, pair_commitment};
use super::shape::{Field, Shape};

/// An element of a witness, or the data of a push in a script. Its bytes may depend on the transaction.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// Bytes that do not depend on the transaction.
    Bytes(Vec<u8>),
    /// A Schnorr signature of the spending transaction.
    Signature(Signature),
    /// A BIP 340 signature of arbitrary bytes, as OP_CHECKSIGFROMSTACK checks it.
    Message {
        /// The key that makes the BIP 340 signature.
        key: Key,
        /// The bytes that are signed, given as another item.
        message: Box<Item>,
    },
    /// An ECDSA signature of the spending transaction.
    Ecdsa(Ecdsa),
    /// The BIP 119 template hash of a transaction. That transaction differs in these fields from the transaction of the
    /// case.
    CheckTemplate(Vec<Field>),
    /// The BIP 446 template hash of a transaction. That transaction differs in these fields from the transaction of the
    /// case.
    TemplateHash(Vec<Field>),
    /// The hash that OP_PAIRCOMMIT pushes for these two items.
    Pair(Box<Item>, Box<Item>),
    /// The bytes of another item, with a change.
    Changed(Box<Item>, Change),
    /// Bytes that a function computes from the transaction and the script.
    Made(Made),
}

/// Function that computes the bytes of an item. Its arguments are the transaction with its script, and the tweak that
/// is added to secret keys, if any.
#[derive(Clone)]
pub(super) struct Made(Rc<MadeFn>);

type MadeFn = dyn Fn(&Maker<'_>, Option<[u8; 32]>) -> Result<Vec<u8>, String>;

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Made")
    }
}

/// A Schnorr signature of the spending transaction.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    /// The key that makes the Schnorr signature of the transaction.
    pub(super) key: Key,
    /// Hash type of a Schnorr signature, appended as its 65th byte. For hash type 0, the signature has 64 bytes.
    pub(super) hash_type: u8,
    /// Hash type in the message that the Schnorr signature signs. `None` if it equals the hash type of the signature
    /// itself.
    pub(super) signed_hash_type: Option<u8>,
    /// Version of the key that signs: BIP 342 or BIP 118. `None` for a signature on the key path.
    pub(super) key_version: Option<KeyVersion>,
    /// Position of the last OP_CODESEPARATOR executed before the signature check. `u32::MAX` if there is none.
    pub(super) code_separator: u32,
    /// Fields that differ between the transaction that was signed and the transaction of the case.
    pub(super) signed_with: Vec<Field>,
}

/// An ECDSA signature of the spending transaction.
#[derive(Clone, Debug)]
pub(super) struct Ecdsa {
    /// The key that makes the ECDSA signature of the transaction.
    pub(super) key: Key,
    /// Hash type of an ECDSA signature, appended as its last byte.
    pub(super) hash_type: u8,
    /// Hash type in the message that the ECDSA signature signs. `None` if it equals the hash type that is appended to
    /// the signature.
    pub(super) signed_hash_type: Option<u8>,
    /// Script bytes that the ECDSA signature commits to (scriptCode), such as the part after an OP_CODESEPARATOR.
    /// `None` for the whole script.
    pub(super) script_code: Option<Vec<u8>>,
    /// Whether the ECDSA signature has the larger of the two valid S values, which policy refuses.
    pub(super) high_s: bool,
    /// Selects the nonce of the ECDSA signature. Each number gives another valid signature of the same message.
    pub(super) nonce: u32,
    /// Fields that differ between the transaction that was signed and the transaction of the case.
    pub(super) signed_with: Vec<Field>,
}

/// A change of the bytes of an item, such as truncation.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// The item with the lowest bit of the byte at this index flipped.
    Flip(usize),
    /// The item with these bytes appended.
    Append(Vec<u8>),
    /// The item with these bytes inserted before it.
    Prepend(Vec<u8>),
    /// The first bytes of the item, as many as this number.
    Truncate(usize),
    /// The item without its first bytes, as many as this number.
    Skip(usize),
    /// The item is a DER signature: a zero byte is inserted before R, and the lengths are increased accordingly.
    PadR,
}

impl Signature {
    /// Creates a Schnorr signature for a tapscript, by a key of the given version. No OP_CODESEPARATOR precedes the
    /// signature check.
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
    /// Creates an ECDSA signature that commits to the whole script, with this hash type.
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
    /// Creates a BIP 340 signature of these bytes, as OP_CHECKSIGFROMSTACK checks it.
    pub(super) fn message(key: Key, message: &[u8]) -> Item {
        Item::signed(key, Item::Bytes(message.to_vec()))
    }

    /// Creates a BIP 340 signature of the bytes of another item, as OP_CHECKSIGFROMSTACK checks it.
    pub(super) fn signed(key: Key, message: Item) -> Item {
        Item::Message { key, message: Box::new(message) }
    }

    /// Creates an item from a function that computes its bytes. The function is called when the transaction is known.
    pub(super) fn made(
        make: impl Fn(&Maker<'_>, Option<[u8; 32]>) -> Result<Vec<u8>, String> + 'static,
    ) -> Item {
        Item::Made(Made(Rc::new(make)))
    }

    /// Returns this item with the given bytes appended.
    pub(super) fn followed_by(self, bytes: &[u8]) -> Item {
        Item::Changed(Box::new(self), Change::Append(bytes.to_vec()))
    }

    /// Returns the item with the lowest bit of one byte flipped.
    pub(super) fn flipped(self, place: usize) -> Item {
        Item::Changed(Box::new(self), Change::Flip(place))
    }
}

/// The transaction and the script for which the bytes of items are computed.
pub(super) struct Maker<'a> {
    pub(super) shape: &'a Shape,
    pub(super) annex: Option<&'a [u8]>,
    pub(super) leaf_hash: [u8; 32],
    /// The serialized script that ECDSA signatures commit to (scriptCode). The field `segwit` says whether they use the
    /// segwit v0 digest or the legacy digest.
    pub(super) script_code: &'a [u8],
    pub(super) segwit: bool,
}

impl Maker<'_> {
    /// Computes the bytes of an item for this transaction and script.
    pub(super) fn make(&self, item: &Item) -> Result<Vec<u8>, String> {
        self.make_tweaked(item, None)
    }

    /// Returns the bytes of an item. If a tweak is given, it is added to the secret key of every Schnorr signature of
    /// the transaction.
    pub(super) fn make_tweaked(&self, item: &Item, tweak: Option<[u8; 32]>) -> Result<Vec<u8>, String> {
        match item {
            Item::Bytes(bytes) => Ok(bytes.clone()),
            Item::Signature(signature) => self.sign(signature, tweak),
            Item::Message { key, message } => Ok(schnorr(&key.pair()?, &self.make(message)?).to_vec()),
            Item::Ecdsa(signature) => self.sign_ecdsa(signature),
            Item::CheckTemplate(fields) => self.with_changes(fields, None, |view, _| {
                Ok(checktemplateverify::check_template_digest(view).to_vec())
            }),
            Item::TemplateHash(fields) => self.with_changes(fields, None, |view, message| {
                Ok(templatehash::template_hash_digest(view, message.annex_hash.as_ref()).to_vec())
            }),
            Item::Pair(a, b) => Ok(pair_commitment(&self.make(a)?, &self.make(b)?).to_vec()),
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

    /// Makes a copy of the transaction in which these fields differ. Calls `f` with the sighash context and the taproot
    /// message of the copy.
    fn with_changes<T>(
        &self,
        fields: &[Field],
        tapscript: Option<TapscriptMessage>,
        f: impl FnOnce(&TxView<'_>, &TaprootMessage) -> Result<T, String>,
    ) -> Result<T, String> {
        let mut shape = self.shape.clone();
        let mut message = TaprootMessage { annex_hash: self.annex.map(sighash::annex_hash), tapscript };
        fields.iter().for_each(|field| field.change(&mut shape, &mut message));
        let (tx, prevouts, cache) = (shape.tx(&[]), shape.prevouts(), TxCache::default());
        f(&TxView { tx: &tx, prevouts: &prevouts, input: shape.index, cache: &cache }, &message)
    }

    fn sign(&self, signature: &Signature, tweak: Option<[u8; 32]>) -> Result<Vec<u8>, String> {
        let tapscript = signature.key_version.map(|key_version| TapscriptMessage {
            key_version,
            leaf_hash: self.leaf_hash,
            code_separator_position: signature.code_separator,
        });
        let hash_type = signature.signed_hash_type.unwrap_or(signature.hash_type);
        let digest = self.with_changes(&signature.signed_with, tapscript, |view, message| {
            sighash::taproot::digest(view, message, hash_type)
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

    /// Returns the digest that an ECDSA signature signs.
    pub(super) fn ecdsa_digest(&self, signature: &Ecdsa) -> Result<[u8; 32], String> {
        let hash_type = signature.signed_hash_type.unwrap_or(signature.hash_type).into();
        let script_code = signature.script_code.as_deref().unwrap_or(self.script_code);
        self.with_changes(&signature.signed_with, None, |view, _| {
            Ok(match self.segwit {
                true => sighash::segwit_v0::digest(view, script_code, hash_type),
                false => sighash::legacy::digest(view, script_code, hash_type),
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

/// Returns the same signature with S replaced by the curve order minus S. This signature is valid too, but policy
/// refuses the larger S.
fn with_high_s(signature: &ecdsa::Signature) -> Result<ecdsa::Signature, String> {
    let mut compact = signature.serialize_compact();
    let (_, s) = compact.split_at_mut(32);
    let number = <[u8; 32]>::try_from(&*s).map_err(|error| error.to_string())?;
    let number = SecretKey::from_secret_bytes(number).map_err(|error| error.to_string())?;
    s.copy_from_slice(&number.negate().to_secret_bytes());
    ecdsa::Signature::from_compact(&compact).map_err(|error| error.to_string())
}

/// Creates a Schnorr signature without auxiliary randomness, so that it is the same in every run.
fn schnorr(pair: &Keypair, message: &[u8]) -> [u8; 64] {
    secp256k1::schnorr::sign_no_aux_rand(message, pair).to_byte_array()
}
