//! Parses assets from words, the arguments of `sigstack plan --have`.
//!
//! | word | available asset |
//! | --- | --- |
//! | `pk:K` | K signs the transaction |
//! | `apo:K` | K signs it as a BIP 118 key |
//! | `preimage:H` | the preimage of H |
//! | `after:N`, `older:N` | nLockTime, nSequence can be N |
//! | `template:T` | the transaction can have the template hash T |
//! | `presigned:S` | the transaction that S signs, where S is a signature in the script |
//! | `signed:K:V:…` | K signs the message whose parts from the witness are V, … |
//! | `opens:C:V:…` | the commitment C opens to V, … |
//!
//! Keys and bytes are written as names of the policy or in hex, numbers in digits. Parts of a message that the script or the
//! transaction determines are omitted. `newer_pair` and `newer_cat` take four parts: the newer number, its blinding factor, the
//! older number, and its blinding factor.

use core::fmt;

use crate::SEQUENCE_BITS;
use crate::assets::Assets;
use crate::atom::Atom;
use crate::compiled::Compiled;
use crate::error::did_you_mean;
use crate::message::{MAX_NUMBER, Msg};
use crate::parse::is_compressed_key;
use crate::policy::HashFn;
use crate::value::Value;

/// Reason why a word of `--have` does not describe an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HaveError {
    /// The text before the colon of a word is not a kind of asset.
    Kind(String),
    /// A name that the policy does not define, or text that is neither hex nor digits.
    Value(String),
    /// Word that describes an asset which no condition of the policy uses.
    NotAsked(String),
    /// A lock outside the range that nLockTime or nSequence can have.
    Range {
        /// Kind of the lock: `after` or `older`.
        kind: &'static str,
        /// Number of the lock as text, such as the 5 in `older:5`.
        is: String,
    },
    /// A relative lock with bits that nSequence does not compare (BIP 68).
    LockBits(u32),
    /// A hash whose length, in bytes, is not that of any hash function.
    ImageLength(usize),
}

/// The kinds of assets, each with the placeholder for its value that help texts show.
const KINDS: [(&str, &str); 9] = [
    ("pk", "K"),
    ("apo", "K"),
    ("preimage", "H"),
    ("after", "N"),
    ("older", "N"),
    ("template", "T"),
    ("presigned", "S"),
    ("signed", "K:V"),
    ("opens", "C:V"),
];

impl fmt::Display for HaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HaveError::Kind(word) => {
                let names = KINDS.map(|(name, _)| name);
                let forms = KINDS.map(|(name, form)| format!("{name}:{form}")).join(", ");
                write!(f, "`{word}` is no kind of asset; {}assets: {forms}", did_you_mean(word, &names))
            }
            HaveError::Value(word) if is_compressed_key(word) => {
                write!(f, "`{word}` has 33 bytes: keys are x-only (BIP 340), leave out the first byte")
            }
            HaveError::Value(word) => {
                write!(f, "`{word}` is neither a name of the policy nor a value of this kind")
            }
            HaveError::NotAsked(word) => write!(f, "the policy asks for nothing that `{word}` could be"),
            HaveError::Range { kind, is } => {
                write!(f, "{kind} must be from 1 to {MAX_NUMBER}, not {is}")
            }
            HaveError::LockBits(lock) if lock & 0xffff == 0 => {
                write!(f, "nSequence {lock} is no lock: its lower 16 bits are 0 (BIP 68)")
            }
            HaveError::LockBits(lock) => {
                let lower = lock & SEQUENCE_BITS;
                write!(
                    f,
                    "{lock} has bits that BIP 68 does not compare: the lock is {lower}; write older:{lower}"
                )
            }
            HaveError::ImageLength(length) => {
                let bytes = if *length == 1 { "byte" } else { "bytes" };
                write!(f, "the image has {length} {bytes}; images have 20 or 32")
            }
        }
    }
}

impl std::error::Error for HaveError {}

impl Assets {
    /// Adds the asset that a word such as `pk:K` describes.
    ///
    /// # Errors
    ///
    /// [`HaveError`] if the kind of asset or its value is invalid, or if no condition of the policy uses the asset.
    pub fn add(&mut self, word: &str, compiled: &Compiled) -> Result<(), HaveError> {
        let mut parts = word.split(':');
        let (kind, first) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let rest: Vec<&str> = parts.collect();
        let before = self.clone();
        match kind {
            "pk" => drop(self.signers.insert(key(first, compiled)?)),
            "apo" => drop(self.rebinders.insert(key(first, compiled)?)),
            "after" => drop(self.after.insert(lock("after", first)?)),
            "older" => drop(self.older.insert(relative_lock(first)?)),
            "preimage" => {
                let image = image(word, first, compiled)?;
                self.images.extend(HashFn::ALL.map(|function| (function, image.clone())));
            }
            "template" => {
                let hash = bytes(first, compiled)?.try_into().map_err(|_| HaveError::Value(first.into()))?;
                self.templates.insert(hash);
                self.template_hashes.insert(hash);
            }
            "presigned" => drop(self.presigned.insert(bytes(first, compiled)?)),
            "signed" => {
                let key = key(first, compiled)?;
                for atom in compiled.atoms() {
                    let Atom::Signed(msg, keys) = atom else { continue };
                    if keys.iter().any(|signer| signer.x == key)
                        && let Some(values) = values(msg, &rest, compiled)
                    {
                        self.statements.insert((key, values));
                    }
                }
            }
            "opens" => {
                let commitment = bytes(first, compiled)?;
                for atom in compiled.atoms() {
                    let Atom::Opens(known, msg) = atom else { continue };
                    if *known == commitment
                        && let Some(values) = values(msg, &rest, compiled)
                    {
                        self.openings.insert((commitment.clone(), values));
                    }
                }
            }
            _ => return Err(HaveError::Kind(kind.into())),
        }
        if matches!(kind, "signed" | "opens") && *self == before {
            return Err(HaveError::NotAsked(word.into()));
        }
        Ok(())
    }
}

/// Parses a lock from 1 to [`MAX_NUMBER`], the range that `after` and `older` accept.
fn lock(kind: &'static str, digits: &str) -> Result<u32, HaveError> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return Err(HaveError::Value(digits.into()));
    }
    let lock = digits.parse().ok().filter(|lock| (1..=MAX_NUMBER).contains(&u64::from(*lock)));
    lock.ok_or_else(|| HaveError::Range { kind, is: digits.into() })
}

/// Parses a relative lock. All of its bits must be bits that nSequence compares.
fn relative_lock(digits: &str) -> Result<u32, HaveError> {
    match lock("older", digits)? {
        lock if lock & !SEQUENCE_BITS != 0 || lock & 0xffff == 0 => Err(HaveError::LockBits(lock)),
        lock => Ok(lock),
    }
}

/// Parses a hash and checks that the policy has a condition that its preimage satisfies, either directly or through
/// another hash function.
fn image(word: &str, first: &str, compiled: &Compiled) -> Result<Vec<u8>, HaveError> {
    let image = bytes(first, compiled)?;
    if !HashFn::ALL.iter().any(|function| function.image_len() == image.len()) {
        return Err(HaveError::ImageLength(image.len()));
    }
    let shows = |function: &HashFn| {
        let preimage = Atom::Hash(*function, image.clone());
        compiled.atoms().iter().any(|atom| preimage.shows_secret_of(atom))
    };
    match HashFn::ALL.iter().any(shows) {
        true => Ok(image),
        false => Err(HaveError::NotAsked(word.into())),
    }
}

fn key(word: &str, compiled: &Compiled) -> Result<[u8; 32], HaveError> {
    let named = compiled.program.key_names.iter().find(|(_, name)| *name == word).map(|(key, _)| *key);
    let literal = || hex::decode(word).ok()?.try_into().ok();
    named.or_else(literal).ok_or_else(|| HaveError::Value(word.into()))
}

fn bytes(word: &str, compiled: &Compiled) -> Result<Vec<u8>, HaveError> {
    let named =
        compiled.program.byte_names.iter().find(|(_, name)| *name == word).map(|(bytes, _)| bytes.clone());
    let literal = || hex::decode(word.strip_prefix("0x").unwrap_or(word)).ok();
    named.or_else(literal).ok_or_else(|| HaveError::Value(word.into()))
}

/// Returns the values of all parts of a message. `words` gives the parts that come from the witness. Returns `None` if
/// the words do not fit the message.
fn values(msg: &Msg, words: &[&str], compiled: &Compiled) -> Option<Vec<Value>> {
    let mut words = words.iter();
    let mut next = || words.next().copied();
    let blinding = |word: &str| bytes(word, compiled).ok()?.try_into().ok();
    let mut values = Vec::new();
    for part in msg.parts() {
        values.push(match part {
            Msg::Fixed(bytes) => Value::Bytes(bytes.clone()),
            Msg::Ctv(_) | Msg::TemplateHash => Value::Template,
            Msg::Any(_) | Msg::Any32(_) => Value::Bytes(bytes(next()?, compiled).ok()?),
            Msg::Number(_) | Msg::NewerWide(_) => Value::Number(next()?.parse().ok()?),
            Msg::Locktime => Value::Lock(next()?.parse().ok()?),
            Msg::Delegate => Value::Key(key(next()?, compiled).ok()?),
            Msg::NewerOpened(..) => Value::Opened {
                newer: (next()?.parse().ok()?, blinding(next()?)?),
                older: (next()?.parse().ok()?, blinding(next()?)?),
            },
            Msg::Join(..) | Msg::Sha256(_) => return None,
        });
    }
    words.next().is_none().then_some(values)
}
