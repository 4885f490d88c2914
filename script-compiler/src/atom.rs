//! The conditions of a policy after names are resolved, and their properties.

pub(crate) mod write;

use sigstack_interpreter::Flags;

use crate::message::Msg;
use crate::policy::{HashFn, Rebind};

/// A public key, and whether the script pushes it or refers to the internal key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyRef {
    /// X-only public key of 32 bytes (BIP 340).
    pub x: [u8; 32],
    /// `true` if the script takes the key from the control block (OP_INTERNALKEY) instead of pushing it.
    pub internal: bool,
}

/// A condition of a policy, with all names replaced by their values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Atom {
    /// The key must sign the transaction with a signature that BIP 341 or BIP 342 defines.
    Sig(KeyRef),
    /// An absolute lock: the minimum nLockTime (BIP 65).
    After(u32),
    /// A relative lock: the minimum nSequence (BIP 112).
    Older(u32),
    /// The witness must contain a 32-byte preimage of this hash.
    Hash(HashFn, Vec<u8>),
    /// The key must sign the transaction as a BIP 118 key, with this hash type.
    Rebind(Rebind, KeyRef),
    /// A BIP 118 signature by this key that the script contains. Only the signed transaction can spend.
    Presigned(KeyRef, Vec<u8>),
    /// The BIP 119 template hash that the transaction must have.
    Ctv([u8; 32]),
    /// The BIP 446 template hash that the transaction must have.
    TemplateHash([u8; 32]),
    /// A message that every key of the list signs (OP_CHECKSIGFROMSTACK).
    Signed(Msg, Vec<KeyRef>),
    /// A commitment, and the message that it commits to. The witness must contain the parts of the message.
    Opens(Vec<u8>, Msg),
}

impl Atom {
    /// Returns `true` if every witness and transaction that satisfies this condition also satisfies the condition
    /// `other`.
    pub fn implies(&self, other: &Atom) -> bool {
        match (self, other) {
            (Atom::Sig(a), Atom::Sig(b)) | (Atom::Rebind(_, a), Atom::Rebind(_, b)) => a.x == b.x,
            (Atom::Presigned(a, s), Atom::Presigned(b, t)) => a.x == b.x && s == t,
            (Atom::After(a), Atom::After(b)) => is_time_lock(*a) == is_time_lock(*b) && a >= b,
            (Atom::Older(a), Atom::Older(b)) => {
                let (a, b) = (a & SEQUENCE_BITS, b & SEQUENCE_BITS);
                (a ^ b) & SEQUENCE_TIME == 0 && a >= b
            }
            (Atom::Signed(a, j), Atom::Signed(b, k)) => {
                a.covers(b) && k.iter().all(|needed| j.iter().any(|signer| signer.x == needed.x))
            }
            (Atom::Opens(c, a), Atom::Opens(d, b)) => c == d && a.covers(b),
            _ => self == other,
        }
    }

    /// Returns `true` if the secret that satisfies this condition (a preimage, or the parts of a commitment) also
    /// satisfies the condition `other`.
    pub(crate) fn shows_secret_of(&self, other: &Atom) -> bool {
        match (self, other) {
            (Atom::Opens(c, shown), Atom::Opens(d, msg)) => c == d && shown.has_shape_of(msg),
            (Atom::Hash(HashFn::Sha256, image), Atom::Opens(c, Msg::Sha256(_)))
            | (Atom::Opens(c, Msg::Sha256(_)), Atom::Hash(HashFn::Sha256, image)) => c == image,
            (Atom::Hash(f, image), Atom::Hash(g, other)) => {
                // Two hashes computed from the same SHA-256 digest have the same preimage.
                let follows = |g: HashFn, inner: &[u8]| match g {
                    HashFn::Sha256 => Some(inner.to_vec()),
                    HashFn::Hash256 => Some(HashFn::Sha256.hash(inner)),
                    HashFn::Hash160 => Some(HashFn::Ripemd160.hash(inner)),
                    HashFn::Ripemd160 => None,
                };
                (f, image) == (g, other)
                    || (*f == HashFn::Sha256 && follows(*g, image).as_ref() == Some(other))
                    || (*g == HashFn::Sha256 && follows(*f, other).as_ref() == Some(image))
            }
            _ => false,
        }
    }

    /// Returns `true` if the condition fixes where the coins go: a key signs the transaction, or a template fixes it.
    pub fn protects(&self) -> bool {
        match self {
            Atom::Sig(_) | Atom::Rebind(..) | Atom::Presigned(..) | Atom::Ctv(_) | Atom::TemplateHash(_) => {
                true
            }
            Atom::Signed(msg, _) => *msg == Msg::Delegate || msg.has_template(),
            Atom::After(_) | Atom::Older(_) | Atom::Hash(..) | Atom::Opens(..) => false,
        }
    }

    /// Returns `true` if satisfying the condition commits to the annex. Signatures and BIP 446 template hashes commit to it,
    /// BIP 119 template hashes do not.
    pub(crate) fn commits_annex(&self) -> bool {
        match self {
            Atom::Sig(_) | Atom::Rebind(..) | Atom::Presigned(..) | Atom::TemplateHash(_) => true,
            Atom::Signed(msg, _) => {
                *msg == Msg::Delegate || msg.parts().iter().any(|part| **part == Msg::TemplateHash)
            }
            _ => false,
        }
    }

    /// Returns `true` if the script fixes the whole transaction, including its locks.
    pub(crate) fn is_template(&self) -> bool {
        self.template_kind().is_some()
    }

    /// Returns the kind of template by which the script fixes the whole transaction: "ctv", "templatehash" or
    /// "presigned". Returns `None` if the condition does not fix the transaction.
    ///
    /// Two different templates of one kind require two different transactions. Two templates of different kinds may fit
    /// one transaction.
    pub fn template_kind(&self) -> Option<&'static str> {
        match self {
            Atom::Ctv(_) => Some("ctv"),
            Atom::TemplateHash(_) => Some("templatehash"),
            Atom::Presigned(..) => Some("presigned"),
            _ => None,
        }
    }

    /// Returns `true` if the two templates certainly require different transactions: they are two different hashes of one
    /// kind, or two different signatures by one key, assuming that a key signs each message only once.
    pub(crate) fn excludes(&self, other: &Atom) -> bool {
        match (self, other) {
            (Atom::Ctv(one), Atom::Ctv(other)) | (Atom::TemplateHash(one), Atom::TemplateHash(other)) => {
                one != other
            }
            (Atom::Presigned(key, one), Atom::Presigned(other_key, other)) => {
                key.x == other_key.x && one != other
            }
            _ => false,
        }
    }

    /// Returns `true` if the condition is an absolute or a relative lock.
    pub(crate) fn is_lock(&self) -> bool {
        matches!(self, Atom::After(_) | Atom::Older(_))
    }

    /// Returns `true` if a signature that satisfies the condition commits to the leaf, so that it cannot be reused in
    /// another leaf.
    pub(crate) fn is_bound_to_leaf(&self) -> bool {
        matches!(self, Atom::Sig(_) | Atom::Signed(Msg::Delegate, _))
    }

    /// Returns the public keys that must sign to satisfy the condition. For a signed message by a delegate, only the
    /// keys that sign the delegate's key are included.
    pub fn keys(&self) -> &[KeyRef] {
        match self {
            Atom::Sig(key) | Atom::Rebind(_, key) | Atom::Presigned(key, _) => core::slice::from_ref(key),
            Atom::Signed(_, keys) => keys,
            _ => &[],
        }
    }

    /// Returns the flags of the proposals that must be active for the script to enforce the condition.
    pub fn flags(&self) -> Flags {
        let own = match self {
            Atom::Rebind(..) | Atom::Presigned(..) => return Flags::ANYPREVOUT,
            Atom::Ctv(_) => Flags::CHECKTEMPLATEVERIFY,
            Atom::TemplateHash(_) => Flags::TEMPLATEHASH,
            Atom::Signed(msg, _) => Flags::CHECKSIGFROMSTACK | msg.flags(),
            Atom::Opens(_, msg) => msg.flags(),
            Atom::Sig(_) | Atom::After(_) | Atom::Older(_) | Atom::Hash(..) => Flags::NONE,
        };
        let internal = self.keys().iter().any(|key| key.internal);
        if internal { own | Flags::INTERNALKEY } else { own }
    }

    /// Returns the number of signature checks that a satisfied condition charges to the validation weight (BIP 342).
    pub fn signature_checks(&self) -> usize {
        match self {
            Atom::Sig(_) | Atom::Rebind(..) | Atom::Presigned(..) => 1,
            Atom::Signed(Msg::Delegate, keys) => keys.len() + 1,
            Atom::Signed(_, keys) => keys.len(),
            _ => 0,
        }
    }
}

/// Bits of nSequence that a relative lock compares (BIP 68).
pub const SEQUENCE_BITS: u32 = SEQUENCE_TIME | 0xffff;

/// Bit of nSequence that makes the relative lock a time in units of 512 seconds (BIP 68).
pub const SEQUENCE_TIME: u32 = 1 << 22;

/// Returns `true` if an absolute lock is a time, `false` if it is a height.
pub const fn is_time_lock(lock: u32) -> bool {
    lock >= sigstack_interpreter::limits::LOCKTIME_THRESHOLD
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Bounds;
    use crate::policy::Join;

    fn key(byte: u8) -> KeyRef {
        KeyRef { x: [byte; 32], internal: false }
    }

    fn internal(byte: u8) -> KeyRef {
        KeyRef { internal: true, ..key(byte) }
    }

    fn number(bounds: Bounds) -> Msg {
        Msg::Number(bounds)
    }

    #[test]
    fn what_satisfies_one_satisfies_another() {
        const TIME: u32 = 500_000_000;
        let rebind = |kind, key| Atom::Rebind(kind, key);
        let (prevout, any) = (Rebind::AnyPrevout, Rebind::AnyPrevoutAnyScript);
        let signed =
            |bounds, keys: &[u8]| Atom::Signed(number(bounds), keys.iter().copied().map(key).collect());
        let opens = |byte, bounds| Atom::Opens(vec![byte], number(bounds));
        // The first condition implies the second. The boolean says whether the second also implies the first.
        let implied = [
            (Atom::Sig(key(1)), Atom::Sig(internal(1)), true),
            (rebind(prevout, key(1)), rebind(any, internal(1)), true),
            (Atom::Presigned(key(1), vec![5]), Atom::Presigned(internal(1), vec![5]), true),
            (Atom::After(6), Atom::After(5), false),
            (Atom::After(TIME + 1), Atom::After(TIME), false),
            (Atom::Older(6), Atom::Older(5), false),
            (Atom::Older(SEQUENCE_TIME | 6), Atom::Older(SEQUENCE_TIME | 5), false),
            // The locks differ in bits that BIP 68 does not compare.
            (Atom::Older(5), Atom::Older(0x10005), true),
            (signed(Bounds::Newer(6), &[1, 2]), signed(Bounds::Newer(5), &[2]), false),
            (signed(Bounds::Newer(6), &[1, 2]), signed(Bounds::Newer(6), &[2, 1]), true),
            (opens(1, Bounds::Newer(6)), opens(1, Bounds::Newer(5)), false),
            (Atom::Ctv([1; 32]), Atom::Ctv([1; 32]), true),
        ];
        for (one, other, is_mutual) in implied {
            assert!(one.implies(&other) && one.implies(&one) && other.implies(&other), "{one:?} {other:?}");
            assert_eq!(other.implies(&one), is_mutual, "{one:?} {other:?}");
        }
        let apart = [
            (Atom::Sig(key(1)), Atom::Sig(key(2))),
            (Atom::Sig(key(1)), rebind(prevout, key(1))),
            (rebind(prevout, key(1)), rebind(prevout, key(2))),
            (Atom::Presigned(key(1), vec![5]), Atom::Presigned(key(1), vec![6])),
            (Atom::Presigned(key(1), vec![5]), Atom::Presigned(key(2), vec![5])),
            (Atom::After(TIME), Atom::After(5)),
            (Atom::Older(SEQUENCE_TIME | 6), Atom::Older(5)),
            (Atom::After(6), Atom::Older(6)),
            (signed(Bounds::Newer(6), &[1]), signed(Bounds::Newer(6), &[2])),
            (opens(1, Bounds::Newer(6)), opens(2, Bounds::Newer(6))),
            (Atom::Ctv([1; 32]), Atom::TemplateHash([1; 32])),
        ];
        for (one, other) in apart {
            assert!(!one.implies(&other) && !other.implies(&one), "{one:?} {other:?}");
        }
    }

    #[test]
    fn secrets_of_one_are_those_of_another() {
        use HashFn::*;
        let hash = |function: HashFn, secret: &[u8]| Atom::Hash(function, function.hash(secret));
        let (one, other) = ([1; 32], [2; 32]);
        let of_sha = |function: HashFn| Atom::Hash(function, function.hash(&one));
        let msg = |bounds| Msg::Sha256(Box::new(number(bounds)));
        let opens = |secret: &[u8], msg: Msg| Atom::Opens(Sha256.hash(secret), msg);
        let pair = Msg::Join(Join::Pair, Box::new(Msg::Any("a".into())), Box::new(Msg::Locktime));
        let shared = [
            (of_sha(Sha256), of_sha(Sha256)),
            (of_sha(Sha256), of_sha(Hash256)),
            (of_sha(Sha256), of_sha(Hash160)),
            (of_sha(Ripemd160), of_sha(Ripemd160)),
            (opens(&one, msg(Bounds::Newer(5))), of_sha(Sha256)),
            (opens(&one, msg(Bounds::Newer(5))), opens(&one, msg(Bounds::Newer(9)))),
            (opens(&one, pair.clone()), opens(&one, pair.clone())),
        ];
        for (a, b) in shared {
            assert!(a.shows_secret_of(&b) && b.shows_secret_of(&a), "{a:?} {b:?}");
        }
        let apart = [
            (of_sha(Sha256), hash(Sha256, &other)),
            (of_sha(Sha256), hash(Hash256, &other)),
            (of_sha(Sha256), hash(Hash160, &other)),
            (of_sha(Sha256), of_sha(Ripemd160)),
            (of_sha(Hash256), of_sha(Hash160)),
            (opens(&one, msg(Bounds::Newer(5))), hash(Sha256, &other)),
            (opens(&one, msg(Bounds::Newer(5))), opens(&other, msg(Bounds::Newer(5)))),
            (opens(&one, pair.clone()), of_sha(Sha256)),
            (opens(&one, pair), opens(&one, msg(Bounds::Newer(5)))),
            (Atom::Sig(key(1)), Atom::Sig(key(1))),
        ];
        for (a, b) in apart {
            assert!(!a.shows_secret_of(&b) && !b.shows_secret_of(&a), "{a:?} {b:?}");
        }
    }

    /// Verifies the properties of each kind of condition: whether it fixes where the coins go, commits to the annex, is a
    /// template, is a lock, or is bound to its leaf; the number of charged signature checks; and the flags.
    #[test]
    fn every_kind_has_its_properties() {
        let flags = Flags::CHECKSIGFROMSTACK;
        let join = |left, right| Msg::Join(Join::Pair, Box::new(left), Box::new(right));
        let any = || Msg::Any("a".into());
        let kinds = [
            (Atom::Sig(key(1)), "PA--B", 1, Flags::NONE),
            (Atom::Sig(internal(1)), "PA--B", 1, Flags::INTERNALKEY),
            (Atom::After(1), "---L-", 0, Flags::NONE),
            (Atom::Older(1), "---L-", 0, Flags::NONE),
            (Atom::Hash(HashFn::Sha256, vec![]), "-----", 0, Flags::NONE),
            (Atom::Rebind(Rebind::AnyPrevout, internal(1)), "PA---", 1, Flags::ANYPREVOUT),
            (Atom::Presigned(key(1), vec![]), "PAT--", 1, Flags::ANYPREVOUT),
            (Atom::Ctv([0; 32]), "P-T--", 0, Flags::CHECKTEMPLATEVERIFY),
            (Atom::TemplateHash([0; 32]), "PAT--", 0, Flags::TEMPLATEHASH),
            (
                Atom::Opens(vec![], join(any(), Msg::Ctv(true))),
                "-----",
                0,
                Flags::PAIRCOMMIT | Flags::CHECKTEMPLATEVERIFY,
            ),
            (Atom::Signed(any(), vec![key(1), key(2)]), "-----", 2, flags),
            (Atom::Signed(any(), vec![key(1), internal(2)]), "-----", 2, flags | Flags::INTERNALKEY),
            (Atom::Signed(Msg::Delegate, vec![key(1)]), "PA--B", 2, flags),
            (Atom::Signed(Msg::Ctv(true), vec![key(1)]), "P----", 1, flags | Flags::CHECKTEMPLATEVERIFY),
            (
                Atom::Signed(join(any(), Msg::TemplateHash), vec![key(1)]),
                "PA---",
                1,
                flags | Flags::PAIRCOMMIT | Flags::TEMPLATEHASH,
            ),
        ];
        for (atom, letters, checks, flags) in kinds {
            let is = [
                ('P', atom.protects()),
                ('A', atom.commits_annex()),
                ('T', atom.is_template()),
                ('L', atom.is_lock()),
                ('B', atom.is_bound_to_leaf()),
            ];
            let found: String = is.iter().map(|(letter, is)| if *is { *letter } else { '-' }).collect();
            assert_eq!(
                (found.as_str(), atom.signature_checks(), atom.flags()),
                (letters, checks, flags),
                "{atom:?}"
            );
        }
    }

    #[test]
    fn two_templates_of_a_kind_are_two_transactions() {
        let [ctv, other_ctv] = [1, 2].map(|byte| Atom::Ctv([byte; 32]));
        let [hash, other_hash] = [1, 2].map(|byte| Atom::TemplateHash([byte; 32]));
        let [one, other] = [1, 2].map(|byte| Atom::Presigned(key(1), vec![byte]));
        let excluded = [(&ctv, &other_ctv), (&hash, &other_hash), (&one, &other)];
        assert!(excluded.iter().all(|(a, b)| a.excludes(b) && b.excludes(a) && !a.excludes(a)));
        let others = [(&ctv, &other_hash), (&one, &Atom::Presigned(key(2), vec![2])), (&ctv, &one)];
        assert!(others.iter().all(|(a, b)| !a.excludes(b) && !b.excludes(a)));
    }
}
