//! Resolves the names in conditions and messages to their values.

use bitcoin::XOnlyPublicKey;

use super::Resolver;
use crate::atom::{Atom, KeyRef};
use crate::error::{Error, ErrorKind};
use crate::message::{Bounds, MAX_NUMBER, MAX_WIDE_NUMBER, Msg};
use crate::policy::*;
use sigstack_interpreter::taproot::NUMS_KEY;

impl Resolver<'_> {
    pub(super) fn atom(&self, policy: &Policy) -> Result<Atom, Error> {
        let keys = |keys: &[Key]| keys.iter().map(|key| self.signer(key)).collect::<Result<Vec<_>, _>>();
        Ok(match &policy.kind {
            Kind::Pk(key) => Atom::Sig(self.signer(key)?),
            Kind::After(n) => Atom::After(self.lock(n, "after")?),
            Kind::Older(n) => Atom::Older(self.lock(n, "older")?),
            Kind::Hash(hash, image) => Atom::Hash(*hash, self.sized(image, "the image", hash.image_len())?),
            Kind::Rebind(rebind, key) => Atom::Rebind(*rebind, self.signer(key)?),
            Kind::Presigned(key, signature) => {
                let key = self.signer(key)?;
                let bytes = self.sized(signature, "the signature with its hash type", 65)?;
                // Other hash types leave outputs open, or commit to the script that contains the signature.
                if bytes.last() != Some(&Rebind::AnyPrevoutAnyScript.hash_type()) {
                    let what = "a signature in a script is ALL|ANYPREVOUTANYSCRIPT: its hash type is 0xc1";
                    return Err(Error::new(ErrorKind::Arguments(what), self.bytes(signature)?.1));
                }
                if !is_signature(&bytes) {
                    let what = "no key ever makes this signature: its first 32 bytes are not the x coordinate of a point, or \
                                the next 32 are not below the order of the curve";
                    return Err(Error::new(ErrorKind::Never(what), self.bytes(signature)?.1));
                }
                Atom::Presigned(key, bytes)
            }
            Kind::Ctv(hash) => Atom::Ctv(self.digest(hash, "the template hash")?),
            Kind::TemplateHash(hash) => Atom::TemplateHash(self.digest(hash, "the template hash")?),
            Kind::Signed(message, signers) => {
                let keys = keys(signers)?;
                let mut sorted: Vec<_> = keys.iter().map(|key| key.x).collect();
                sorted.sort_unstable();
                sorted.dedup();
                if sorted.len() != keys.len() {
                    let kind = ErrorKind::Arguments("a key signs the same message twice");
                    return Err(Error::new(kind, policy.span));
                }
                let is_trusted = sorted.iter().any(|key| self.template_keys.contains(key));
                let msg = self.whole_message(message, policy.span, is_trusted)?;
                if is_trusted && !msg.is_for_template_keys() {
                    let what = "a key that `signs templates` signs template hashes, and `pair` or `sha256` that hold one";
                    return Err(Error::new(ErrorKind::MisplacedMessage(what), policy.span));
                }
                Atom::Signed(msg, keys)
            }
            Kind::Opens(commitment, message) => {
                let (commitment, span) = self.bytes(commitment)?;
                let msg = self.whole_message(message, policy.span, false)?;
                let misplaced = |what| Err(Error::new(ErrorKind::MisplacedMessage(what), policy.span));
                if msg == Msg::Delegate {
                    return misplaced("`delegate` needs a signature: `signed(delegate, K)`");
                }
                if msg.is_computed() {
                    return misplaced("a commitment opens to something from the witness");
                }
                let is_digest = matches!(msg, Msg::Sha256(_) | Msg::Join(Join::Pair, ..));
                if !is_digest || commitment.len() != 32 {
                    let what = "a commitment is the 32 bytes of `pair(…)` or `sha256(…)`";
                    return Err(Error::new(ErrorKind::MisplacedMessage(what), span));
                }
                Atom::Opens(commitment, msg)
            }
            Kind::Trivial
            | Kind::Unsatisfiable
            | Kind::Named(_)
            | Kind::And(_)
            | Kind::Or(_)
            | Kind::Thresh(..)
            | Kind::Tree(..) => {
                return Err(Error::new(ErrorKind::Arguments("a condition is needed here"), policy.span));
            }
        })
    }

    /// Resolves a message and checks that it fits in one stack element. `is_trusted` means that the keys that sign the
    /// message sign only templates.
    pub(super) fn whole_message(
        &self,
        message: &Message,
        span: Span,
        is_trusted: bool,
    ) -> Result<Msg, Error> {
        let msg = self.message(message, span, is_trusted)?;
        if msg.is_too_long() {
            let limit = sigstack_interpreter::limits::MAX_SCRIPT_ELEMENT_SIZE;
            return Err(Error::new(ErrorKind::TooLarge { what: "bytes in a `cat`", limit }, span));
        }
        Ok(msg)
    }

    /// Resolves a message. `is_trusted` means that the keys sign only templates. The script then need not check the
    /// length of a template hash.
    fn message(&self, message: &Message, span: Span, is_trusted: bool) -> Result<Msg, Error> {
        const NUMBER: (u64, u64) = (0, MAX_NUMBER);
        Ok(match message {
            Message::Fixed(bytes) => {
                let (bytes, span) = self.bytes(bytes)?;
                let limit = sigstack_interpreter::limits::MAX_SCRIPT_ELEMENT_SIZE;
                if bytes.len() > limit {
                    return Err(Error::new(ErrorKind::TooLarge { what: "bytes in a message", limit }, span));
                }
                Msg::Fixed(bytes)
            }
            Message::Any(name) => Msg::Any(name.text.clone()),
            Message::Any32(name) => Msg::Any32(name.text.clone()),
            Message::Number(compare) => Msg::Number(match compare {
                // No number is above the maximum, so the bound must be below it.
                Compare::Newer(n) => Bounds::Newer(self.ranged(n, "newer", (0, MAX_NUMBER - 1))?),
                Compare::AtLeast(n) => Bounds::AtLeast(self.ranged(n, "atleast", NUMBER)?),
                Compare::AtMost(n) => Bounds::AtMost(self.ranged(n, "atmost", NUMBER)?),
                Compare::Between(a, b) => {
                    let low = self.ranged(a, "between", NUMBER)?;
                    let is = self.ranged(b, "between", NUMBER)?;
                    if is <= low {
                        let kind =
                            ErrorKind::Arguments("the upper bound of `between` is not above the lower one");
                        return Err(Error::new(kind, b.span));
                    }
                    Bounds::Between(low, is)
                }
            }),
            Message::NewerWide(n) => {
                Msg::NewerWide(self.ranged(n, "newer_wide", (0, MAX_WIDE_NUMBER - 1))?)
            }
            Message::NewerOpened(join, c) => Msg::NewerOpened(*join, self.digest(c, "the commitment")?),
            Message::Locktime => Msg::Locktime,
            Message::Ctv => Msg::Ctv(!is_trusted),
            Message::TemplateHash => Msg::TemplateHash,
            Message::Delegate => Msg::Delegate,
            Message::Join(join, left, right) => {
                // In a concatenation the key signs more than the template, so its promise to sign only templates does not
                // apply.
                let is_trusted = is_trusted && *join == Join::Pair;
                let (left, right) =
                    (self.message(left, span, is_trusted)?, self.message(right, span, is_trusted)?);
                if left == Msg::Delegate || right == Msg::Delegate {
                    let kind =
                        ErrorKind::MisplacedMessage("`delegate` is a whole message, never a part of one");
                    return Err(Error::new(kind, span));
                }
                Msg::Join(*join, Box::new(left), Box::new(right))
            }
            Message::Sha256(inner) => match self.message(inner, span, is_trusted)? {
                Msg::Delegate => {
                    let kind =
                        ErrorKind::MisplacedMessage("`delegate` is a whole message, never a part of one");
                    return Err(Error::new(kind, span));
                }
                inner => Msg::Sha256(Box::new(inner)),
            },
        })
    }

    /// Resolves a key that must sign. BIP 341's point without a known private key is an error.
    fn signer(&self, key: &Key) -> Result<KeyRef, Error> {
        let found = self.key(key)?;
        if found.x == NUMS_KEY {
            let what = "nobody knows the private key of BIP 341's point, so nothing satisfies this condition";
            let span = match key {
                Key::Name(name) => name.span,
                Key::Literal(_, span) | Key::Internal(span) => *span,
            };
            return Err(Error::new(ErrorKind::Never(what), span));
        }
        Ok(found)
    }
}

/// Returns `true` if the bytes can be a BIP 340 signature: `lift_x` of the first 32 bytes succeeds, and the next 32 bytes
/// are below the order of the curve (BIP 340, "Verification").
fn is_signature(bytes: &[u8]) -> bool {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
        0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
    ];
    let (Some(nonce), Some(scalar)) = (bytes.get(..32), bytes.get(32..64)) else { return false };
    XOnlyPublicKey::from_slice(nonce).is_ok() && scalar < ORDER.as_slice()
}
