//! The conditions of a policy once names are values: the script of each, and what it promises.
//!
//! | condition | script | witness, bottom to top |
//! | --- | --- | --- |
//! | `pk(K)` | `<K> CHECKSIG` | `<sig>` |
//! | `after(n)`, `older(n)` | `<n> CLTV`, `<n> CSV` | |
//! | `sha256(h)` … | `SIZE <32> EQUALVERIFY SHA256 <h> EQUAL` | `<preimage>` |
//! | `apo(K)`, `apoas(K)` | `<01 K> CHECKSIG`, `OP_1 CHECKSIG` for `internal` | `<sig>` |
//! | `presigned(K, sig)` | `<sig> <01 K> CHECKSIG` | |
//! | `ctv(h)` | `<h> CTV` | |
//! | `templatehash(h)` | `<h> TEMPLATEHASH EQUAL` | |
//! | `opens(C, M)` | \[M\] `<C> EQUAL` | parts of M |
//! | `signed(M, A, B)` | \[M\] `TUCK <A> CSFS VERIFY <B> CSFS` | `<sig B> <sig A>` parts of M |
//! | `signed(delegate, A)` | `SIZE <32> EQUALVERIFY TUCK <A> CSFS VERIFY CHECKSIG` | `<sig D> <sig A> <D>` |
//!
//! \[M\] takes the parts of the message from the stack, checks them and leaves the message: see [`Msg`].

use sigstack_interpreter::{Flags, Opcode};

use crate::policy::{Compare, HashFn, Join, Rebind};
use crate::script::Writer;

/// Bits of a number that a two-limb number keeps in each limb.
pub const LIMB_BITS: u32 = 31;

/// The largest number that arithmetic in Script takes.
pub const MAX_NUMBER: u64 = (1 << LIMB_BITS) - 1;

/// A key and how the script names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyRef {
    /// The x coordinate.
    pub x: [u8; 32],
    /// Whether the script takes it from the control block instead of holding it.
    pub internal: bool,
}

/// A message with its values. What each form does with the stack is in `Msg::write`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Msg {
    /// Bytes of the script.
    Fixed(Vec<u8>),
    /// Any bytes from a named slot.
    Any(String),
    /// 32 bytes from a named slot.
    Any32(String),
    /// A number within bounds.
    Number(Bounds),
    /// A two-limb number above this one.
    NewerWide(u64),
    /// A committed number above the committed one.
    NewerOpened(Join, [u8; 32]),
    /// A number that nLockTime has reached.
    Locktime,
    /// The BIP 119 template hash. Whether the script checks that it is 32 bytes long: shorter or longer arguments make
    /// `OP_CHECKTEMPLATEVERIFY` a NOP, so that any signature by the key over such bytes would pass.
    Ctv(bool),
    /// The BIP 446 template hash.
    TemplateHash,
    /// A key that signs the transaction.
    Delegate,
    /// Two messages joined.
    Join(Join, Box<Msg>, Box<Msg>),
    /// The SHA-256 of a message.
    Sha256(Box<Msg>),
}

/// A comparison with its numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bounds {
    /// Above.
    Newer(u64),
    /// From here on.
    AtLeast(u64),
    /// Up to here.
    AtMost(u64),
    /// From the first on, below the second.
    Between(u64, u64),
}

impl Bounds {
    /// Whether a number of one limb is within.
    pub fn contains(&self, number: u64) -> bool {
        number <= MAX_NUMBER
            && match *self {
                Bounds::Newer(n) => number > n,
                Bounds::AtLeast(n) => number >= n,
                Bounds::AtMost(n) => number <= n,
                Bounds::Between(a, b) => (a..b).contains(&number),
            }
    }

    /// The smallest number that is within, if one is.
    pub fn least(&self) -> Option<u64> {
        let least = match *self {
            Bounds::Newer(n) => n.checked_add(1)?,
            Bounds::AtLeast(n) | Bounds::Between(n, _) => n,
            Bounds::AtMost(_) => 0,
        };
        Some(least).filter(|least| self.contains(*least))
    }
}

impl From<Compare<u64>> for Bounds {
    fn from(compare: Compare<u64>) -> Bounds {
        match compare {
            Compare::Newer(n) => Bounds::Newer(n),
            Compare::AtLeast(n) => Bounds::AtLeast(n),
            Compare::AtMost(n) => Bounds::AtMost(n),
            Compare::Between(a, b) => Bounds::Between(a, b),
        }
    }
}

/// A condition with its values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Atom {
    /// A signature of the transaction.
    Sig(KeyRef),
    /// An absolute lock.
    After(u32),
    /// A relative lock.
    Older(u32),
    /// A preimage of 32 bytes.
    Hash(HashFn, Vec<u8>),
    /// A BIP 118 signature of the transaction.
    Rebind(Rebind, KeyRef),
    /// A BIP 118 signature that the script holds.
    Presigned(KeyRef, Vec<u8>),
    /// A BIP 119 template.
    Ctv([u8; 32]),
    /// A BIP 446 template.
    TemplateHash([u8; 32]),
    /// A signature from the stack.
    Signed(Msg, Vec<KeyRef>),
    /// An opened commitment.
    Opens(Vec<u8>, Msg),
}

/// How the last opcode of a script is made to verify instead of leaving a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// The opcode has a form that verifies, the next byte: `CHECKSIG`, `EQUAL`, `NUMEQUAL`.
    Merges,
    /// `VERIFY` is appended.
    Verify,
    /// What is left is not a result: it is dropped.
    Drop,
}

impl Tail {
    pub(crate) const fn cost(self) -> usize {
        match self {
            Tail::Merges => 0,
            Tail::Verify | Tail::Drop => 1,
        }
    }

    pub(crate) fn apply(self, out: &mut Writer) {
        match self {
            Tail::Merges => {
                if let Some(last) = out.bytes.last_mut() {
                    *last += 1;
                }
            }
            Tail::Verify => drop(out.op(Opcode::OP_VERIFY)),
            Tail::Drop => drop(out.op(Opcode::OP_DROP)),
        }
    }
}

fn write_key(key: &KeyRef, out: &mut Writer) {
    if key.internal {
        out.op(Opcode::OP_INTERNALKEY);
    } else {
        out.push(&key.x);
    }
}

/// A BIP 118 key: `0x01 ‖ x`, or `0x01` alone for the internal key.
fn write_bip118_key(key: &KeyRef, out: &mut Writer) {
    if key.internal {
        out.push(&[1]);
    } else {
        out.push(&[[1].as_slice(), &key.x].concat());
    }
}

fn write_is_32(out: &mut Writer) {
    out.op(Opcode::OP_SIZE).push(&[32]).op(Opcode::OP_EQUALVERIFY);
}

impl Join {
    fn write(self, out: &mut Writer) {
        out.op(match self {
            Join::Pair => Opcode::OP_PAIRCOMMIT,
            Join::Cat => Opcode::OP_CAT,
        });
    }
}

impl Msg {
    /// Writes the script that takes the parts of the message from the stack and leaves the message.
    ///
    /// Where two parts come from the witness, the left one lies deeper: the right one is made into its value first, and
    /// the left one is checked under it.
    pub(crate) fn write(&self, out: &mut Writer) {
        match self {
            Msg::Fixed(bytes) => drop(out.push(bytes)),
            Msg::Any(_) => {}
            Msg::Any32(_) | Msg::Number(_) | Msg::Locktime | Msg::Delegate => {
                self.write_check(out, Opcode::OP_DUP)
            }
            Msg::Ctv(checked) => {
                if *checked {
                    write_is_32(out);
                }
                out.op(Opcode::OP_NOP4);
            }
            Msg::TemplateHash => drop(out.op(Opcode::OP_TEMPLATEHASH)),
            Msg::NewerWide(n) => write_newer_wide(*n, out),
            Msg::NewerOpened(join, commitment) => write_newer_opened(*join, commitment, out),
            Msg::Sha256(inner) => {
                inner.write(out);
                out.op(Opcode::OP_SHA256);
            }
            Msg::Join(join, left, right) => {
                match (left.is_computed(), right.is_computed()) {
                    (_, true) => {
                        left.write(out);
                        right.write(out);
                    }
                    (true, false) => {
                        right.write(out);
                        left.write(out);
                        out.op(Opcode::OP_SWAP);
                    }
                    (false, false) if left.is_single() => {
                        right.write(out);
                        left.write_check(out, Opcode::OP_OVER);
                    }
                    (false, false) => {
                        right.write(out);
                        out.op(Opcode::OP_TOALTSTACK);
                        left.write(out);
                        out.op(Opcode::OP_FROMALTSTACK);
                    }
                }
                join.write(out);
            }
        }
    }

    /// Writes the check of an element that stays as it is: on the top (`DUP` copies it) or below the top (`OVER` does).
    fn write_check(&self, out: &mut Writer, copy: Opcode) {
        let is_top = copy == Opcode::OP_DUP;
        match self {
            Msg::Any32(_) | Msg::Delegate if is_top => write_is_32(out),
            Msg::Any32(_) | Msg::Delegate => {
                out.op(copy);
                write_is_32(out);
                out.op(Opcode::OP_DROP);
            }
            Msg::Locktime if is_top => drop(out.op(Opcode::OP_CHECKLOCKTIMEVERIFY)),
            Msg::Locktime => drop(out.ops(&[copy, Opcode::OP_CHECKLOCKTIMEVERIFY, Opcode::OP_DROP])),
            Msg::Number(bounds) => {
                out.op(copy);
                match *bounds {
                    Bounds::Newer(n) => out.number(n).op(Opcode::OP_GREATERTHAN),
                    Bounds::AtLeast(n) => out.number(n).op(Opcode::OP_GREATERTHANOREQUAL),
                    Bounds::AtMost(n) => out.number(n).op(Opcode::OP_LESSTHANOREQUAL),
                    Bounds::Between(a, b) => out.number(a).number(b).op(Opcode::OP_WITHIN),
                };
                out.op(Opcode::OP_VERIFY);
            }
            _ => {}
        }
    }

    /// Whether the script makes the message without the witness.
    pub(crate) fn is_computed(&self) -> bool {
        self.parts().iter().all(|part| matches!(part, Msg::Fixed(_) | Msg::TemplateHash))
    }

    /// Whether the message is one element of the witness, which `write_check` can check where it lies.
    fn is_single(&self) -> bool {
        matches!(self, Msg::Any(_) | Msg::Any32(_) | Msg::Number(_) | Msg::Locktime)
    }

    /// The messages that this one is made of, from the left, joins and hashes taken apart.
    pub fn parts(&self) -> Vec<&Msg> {
        let (mut parts, mut stack) = (Vec::new(), vec![self]);
        while let Some(msg) = stack.pop() {
            match msg {
                Msg::Join(_, left, right) => stack.extend([right.as_ref(), left.as_ref()]),
                Msg::Sha256(inner) => stack.push(inner),
                part => parts.push(part),
            }
        }
        parts
    }

    /// Whether the message always has the same length.
    pub(crate) fn has_fixed_length(&self) -> bool {
        match self {
            Msg::Any(_) | Msg::Number(_) | Msg::Locktime => false,
            Msg::Join(Join::Cat, left, right) => left.has_fixed_length() && right.has_fixed_length(),
            _ => true,
        }
    }

    /// Whether a concatenation in the message can be split in two ways.
    pub(crate) fn has_ambiguous_cat(&self) -> bool {
        match self {
            Msg::Join(join, left, right) => {
                (*join == Join::Cat && !left.has_fixed_length() && !right.has_fixed_length())
                    || left.has_ambiguous_cat()
                    || right.has_ambiguous_cat()
            }
            Msg::Sha256(inner) => inner.has_ambiguous_cat(),
            _ => false,
        }
    }

    /// Whether the message commits to the spending transaction.
    pub(crate) fn has_template(&self) -> bool {
        self.parts().iter().any(|part| matches!(part, Msg::Ctv(_) | Msg::TemplateHash))
    }

    fn flags(&self) -> Flags {
        match self {
            Msg::Ctv(_) => Flags::CHECKTEMPLATEVERIFY,
            Msg::TemplateHash => Flags::TEMPLATEHASH,
            Msg::NewerWide(_) => Flags::PAIRCOMMIT,
            Msg::NewerOpened(join, _) => join.flag(),
            Msg::Join(join, left, right) => join.flag() | left.flags() | right.flags(),
            Msg::Sha256(inner) => inner.flags(),
            _ => Flags::NONE,
        }
    }
}

impl Join {
    fn flag(self) -> Flags {
        match self {
            Join::Pair => Flags::PAIRCOMMIT,
            Join::Cat => Flags::OP_CAT,
        }
    }
}

/// `<high> <low>` to their commitment, if (high, low) is above n.
fn write_newer_wide(n: u64, out: &mut Writer) {
    use Opcode as O;
    let (high, low) = limbs(n);
    out.op(O::OP_2DUP).number(low).ops(&[O::OP_GREATERTHAN, O::OP_OVER]);
    out.number(high).ops(&[O::OP_NUMEQUAL, O::OP_BOOLAND, O::OP_SWAP]);
    out.number(high).ops(&[O::OP_GREATERTHAN, O::OP_BOOLOR, O::OP_VERIFY]);
    out.op(Opcode::OP_PAIRCOMMIT);
}

/// `<r_m> <m> <r_n> <n>` to the commitment to m, if `commitment` opens to n and n is below m.
fn write_newer_opened(join: Join, commitment: &[u8; 32], out: &mut Writer) {
    use Opcode as O;
    let is_cat = join == Join::Cat;
    let check_blinding = |out: &mut Writer| {
        out.op(O::OP_SWAP);
        write_is_32(out);
    };
    if is_cat {
        check_blinding(out);
        out.ops(&[O::OP_OVER, O::OP_SWAP, Opcode::OP_CAT, O::OP_SHA256]);
    } else {
        out.ops(&[O::OP_TUCK, Opcode::OP_PAIRCOMMIT]);
    }
    out.push(commitment).ops(&[O::OP_EQUALVERIFY, O::OP_OVER, O::OP_LESSTHAN, O::OP_VERIFY]);
    if is_cat {
        check_blinding(out);
        out.ops(&[Opcode::OP_CAT, O::OP_SHA256]);
    } else {
        out.op(Opcode::OP_PAIRCOMMIT);
    }
}

/// The limbs of a two-limb number, the high one first.
pub const fn limbs(number: u64) -> (u64, u64) {
    (number >> LIMB_BITS, number & MAX_NUMBER)
}

impl Atom {
    /// Writes the script that leaves a result.
    pub(crate) fn write(&self, out: &mut Writer) {
        match self {
            Atom::Sig(key) => {
                write_key(key, out);
                out.op(Opcode::OP_CHECKSIG);
            }
            Atom::After(n) => drop(out.number((*n).into()).op(Opcode::OP_CHECKLOCKTIMEVERIFY)),
            Atom::Older(n) => drop(out.number((*n).into()).op(Opcode::OP_CHECKSEQUENCEVERIFY)),
            Atom::Hash(hash, image) => {
                write_is_32(out);
                out.op(match hash {
                    HashFn::Sha256 => Opcode::OP_SHA256,
                    HashFn::Hash256 => Opcode::OP_HASH256,
                    HashFn::Ripemd160 => Opcode::OP_RIPEMD160,
                    HashFn::Hash160 => Opcode::OP_HASH160,
                });
                out.push(image).op(Opcode::OP_EQUAL);
            }
            Atom::Rebind(_, key) => {
                write_bip118_key(key, out);
                out.op(Opcode::OP_CHECKSIG);
            }
            Atom::Presigned(key, signature) => {
                out.push(signature);
                write_bip118_key(key, out);
                out.op(Opcode::OP_CHECKSIG);
            }
            Atom::Ctv(hash) => drop(out.push(hash).op(Opcode::OP_NOP4)),
            Atom::TemplateHash(hash) => {
                out.push(hash).ops(&[Opcode::OP_TEMPLATEHASH, Opcode::OP_EQUAL]);
            }
            Atom::Opens(commitment, msg) => {
                msg.write(out);
                out.push(commitment).op(Opcode::OP_EQUAL);
            }
            Atom::Signed(msg, keys) => write_signed(msg, keys, out),
        }
    }

    pub(crate) fn tail(&self) -> Tail {
        match self {
            Atom::Signed(Msg::Delegate, _) => Tail::Merges,
            Atom::Signed(..) => Tail::Verify,
            Atom::After(_) | Atom::Older(_) | Atom::Ctv(_) => Tail::Drop,
            _ => Tail::Merges,
        }
    }

    /// The script's length in bytes.
    pub(crate) fn size(&self) -> usize {
        let mut out = Writer::default();
        self.write(&mut out);
        out.bytes.len()
    }

    /// Whether whatever satisfies this condition satisfies `other` too.
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
                let covers = match (a, b) {
                    (Msg::Number(Bounds::Newer(a)), Msg::Number(Bounds::Newer(b))) => a >= b,
                    (Msg::NewerWide(a), Msg::NewerWide(b)) => a >= b,
                    _ => a == b,
                };
                covers && j.len() == k.len() && j.iter().zip(k).all(|(j, k)| j.x == k.x)
            }
            _ => self == other,
        }
    }

    /// Whether a key signs the transaction, or a template fixes it: nobody can send the coin elsewhere.
    pub fn protects(&self) -> bool {
        match self {
            Atom::Sig(_) | Atom::Rebind(..) | Atom::Presigned(..) | Atom::Ctv(_) | Atom::TemplateHash(_) => {
                true
            }
            Atom::Signed(msg, _) => *msg == Msg::Delegate || msg.has_template(),
            Atom::After(_) | Atom::Older(_) | Atom::Hash(..) | Atom::Opens(..) => false,
        }
    }

    /// Whether the script fixes the transaction, its locks included.
    pub(crate) fn is_template(&self) -> bool {
        matches!(self, Atom::Ctv(_) | Atom::TemplateHash(_) | Atom::Presigned(..))
    }

    /// Whether it is an absolute or a relative lock.
    pub(crate) fn is_lock(&self) -> bool {
        matches!(self, Atom::After(_) | Atom::Older(_))
    }

    /// Whether satisfying it shows nothing that opens another leaf: the signature commits to this leaf.
    pub(crate) fn is_bound_to_leaf(&self) -> bool {
        matches!(self, Atom::Sig(_) | Atom::Signed(Msg::Delegate, _))
    }

    /// The keys that the condition names.
    pub fn keys(&self) -> &[KeyRef] {
        match self {
            Atom::Sig(key) | Atom::Rebind(_, key) | Atom::Presigned(key, _) => core::slice::from_ref(key),
            Atom::Signed(_, keys) => keys,
            _ => &[],
        }
    }

    /// The flags of the proposals that must be active for the script to mean what it says.
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

    /// Signature checks that are charged to the validation weight when it is satisfied (BIP 342).
    pub fn signature_checks(&self) -> usize {
        match self {
            Atom::Sig(_) | Atom::Rebind(..) | Atom::Presigned(..) => 1,
            Atom::Signed(Msg::Delegate, keys) => keys.len() + 1,
            Atom::Signed(_, keys) => keys.len(),
            _ => 0,
        }
    }
}

fn write_signed(msg: &Msg, keys: &[KeyRef], out: &mut Writer) {
    msg.write(out);
    let is_delegation = *msg == Msg::Delegate;
    for (nth, key) in keys.iter().enumerate() {
        let keeps_message = is_delegation || nth + 1 < keys.len();
        if keeps_message {
            out.op(Opcode::OP_TUCK);
        }
        write_key(key, out);
        out.op(Opcode::OP_CHECKSIGFROMSTACK);
        if keeps_message {
            out.op(Opcode::OP_VERIFY);
        }
    }
    if is_delegation {
        out.op(Opcode::OP_CHECKSIG);
    }
}

/// Bits of nSequence that a relative lock compares (BIP 68).
pub const SEQUENCE_BITS: u32 = SEQUENCE_TIME | 0xffff;

/// The bit of nSequence that makes the lock a time of 512-second steps (BIP 68).
pub const SEQUENCE_TIME: u32 = 1 << 22;

/// Whether an absolute lock is a time.
pub const fn is_time_lock(lock: u32) -> bool {
    lock >= sigstack_interpreter::limits::LOCKTIME_THRESHOLD
}
