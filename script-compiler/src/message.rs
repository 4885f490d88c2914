//! Messages whose values are known: the script takes the parts of a message from the stack, checks them, and leaves the
//! message.

use sigstack_interpreter::limits::MAX_SCRIPT_ELEMENT_SIZE;
use sigstack_interpreter::{Flags, Opcode};

use crate::policy::{Compare, Join};
use crate::script::Writer;

/// Number of bits in each limb of a two-limb number.
pub const LIMB_BITS: u32 = 31;

/// Maximum number that Script's arithmetic opcodes accept.
pub const MAX_NUMBER: u64 = (1 << LIMB_BITS) - 1;

/// Maximum number that two limbs can represent.
pub const MAX_WIDE_NUMBER: u64 = (1 << (2 * LIMB_BITS)) - 1;

/// A message after names are resolved to values. `Msg::write` documents, for each kind of message, what the script does
/// with the stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Msg {
    /// A message of fixed bytes, which the script pushes.
    Fixed(Vec<u8>),
    /// Any bytes from the witness element with this name.
    Any(String),
    /// 32 bytes from the witness element with this name.
    Any32(String),
    /// A number from the witness, which the script compares with these bounds.
    Number(Bounds),
    /// A number from the witness that is greater than this number. It is written in two limbs of 31 bits.
    NewerWide(u64),
    /// A commitment to a number that is greater than the number in the given commitment.
    NewerOpened(Join, [u8; 32]),
    /// A lock time from the witness that nLockTime must have reached.
    Locktime,
    /// The BIP 119 template hash. `true` if the script checks that the hash has 32 bytes.
    ///
    /// If an argument has another length, `OP_CHECKTEMPLATEVERIFY` is a NOP. Without the check, the script would then
    /// accept a signature of the key over any message of another length. Inside a concatenation the script always
    /// checks the length, because the signed bytes could otherwise be split at another place.
    Ctv(bool),
    /// The BIP 446 template hash of the transaction.
    TemplateHash,
    /// A public key from the witness that must sign the transaction.
    Delegate,
    /// Two messages, joined by `OP_PAIRCOMMIT` or `OP_CAT`.
    Join(Join, Box<Msg>, Box<Msg>),
    /// The SHA-256 hash of another message.
    Sha256(Box<Msg>),
}

/// A range that a number from the witness must be in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bounds {
    /// The number from the witness must be greater than this number.
    Newer(u64),
    /// The number from the witness must be at least this number.
    AtLeast(u64),
    /// The number from the witness must be at most this number.
    AtMost(u64),
    /// The number from the witness must be at least the first number and less than the second.
    Between(u64, u64),
}

impl Bounds {
    /// Returns `true` if a number that fits in one 31-bit limb is within the range.
    pub fn contains(&self, number: u64) -> bool {
        let (least, end) = self.range();
        (least..end).contains(&number)
    }

    /// Returns the smallest number in the range, or `None` if the range is empty.
    pub fn least(&self) -> Option<u64> {
        let (least, end) = self.range();
        (least < end).then_some(least)
    }

    /// Returns the smallest number in the range, and the smallest number above the range.
    pub(crate) fn range(&self) -> (u64, u64) {
        const END: u64 = MAX_NUMBER + 1;
        match *self {
            Bounds::Newer(n) => (n.saturating_add(1), END),
            Bounds::AtLeast(n) => (n, END),
            Bounds::AtMost(n) => (0, n.saturating_add(1).min(END)),
            Bounds::Between(a, b) => (a, b.min(END)),
        }
    }

    /// Returns `true` if every number in this range is also in the range `other`. Negative numbers are ignored, because
    /// no plan uses them.
    fn is_inside(&self, other: &Bounds) -> bool {
        let ((least, end), (other_least, other_end)) = (self.range(), other.range());
        least >= other_least && end <= other_end
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

pub(crate) fn write_is_32(out: &mut Writer) {
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
    /// If two parts come from the witness, the left one lies deeper. The script first replaces the right part by its
    /// value, and then checks the left part below it.
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
                out.op(Opcode::OP_CHECKTEMPLATEVERIFY);
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

    /// Writes the check of a witness element that stays on the stack. `copy` is `DUP` for the top element, or `OVER`
    /// for the element below the top.
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

    /// Returns `true` if the script computes the message without any witness element.
    pub(crate) fn is_computed(&self) -> bool {
        self.parts().iter().all(|part| matches!(part, Msg::Fixed(_) | Msg::TemplateHash))
    }

    /// Returns `true` if the message is a single witness element, which `write_check` can check in place.
    fn is_single(&self) -> bool {
        matches!(self, Msg::Any(_) | Msg::Any32(_) | Msg::Number(_) | Msg::Locktime)
    }

    /// Returns the parts of the message, left to right: the messages inside all joins and hashes.
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

    /// Returns `true` if the message always has the same length.
    pub(crate) fn has_fixed_length(&self) -> bool {
        match self {
            Msg::Any(_) | Msg::Number(_) | Msg::Locktime => false,
            Msg::Join(Join::Cat, left, right) => left.has_fixed_length() && right.has_fixed_length(),
            _ => true,
        }
    }

    /// Returns `true` if every value that is valid for this message is also valid for the message `other`.
    pub(crate) fn covers(&self, other: &Msg) -> bool {
        match (self, other) {
            (Msg::Any(_) | Msg::Any32(_), Msg::Any(_)) | (Msg::Any32(_), Msg::Any32(_)) => true,
            (Msg::Number(a), Msg::Number(b)) => a.is_inside(b),
            (Msg::NewerWide(a), Msg::NewerWide(b)) => a >= b,
            (Msg::Join(j, a, b), Msg::Join(k, c, d)) => j == k && a.covers(c) && b.covers(d),
            (Msg::Sha256(a), Msg::Sha256(b)) => a.covers(b),
            _ => self == other,
        }
    }

    /// Returns `true` if the parts of both messages are joined in the same structure.
    pub(crate) fn has_shape_of(&self, other: &Msg) -> bool {
        match (self, other) {
            (Msg::Join(j, a, b), Msg::Join(k, c, d)) => j == k && a.has_shape_of(c) && b.has_shape_of(d),
            (Msg::Sha256(a), Msg::Sha256(b)) => a.has_shape_of(b),
            (Msg::Join(..) | Msg::Sha256(_), _) | (_, Msg::Join(..) | Msg::Sha256(_)) => false,
            _ => true,
        }
    }

    /// Returns `true` if the message contains a concatenation of two parts of variable length, which can be split in
    /// several ways.
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

    /// Returns the minimum and maximum length of the message in bytes.
    fn length(&self) -> (usize, usize) {
        match self {
            Msg::Fixed(bytes) => (bytes.len(), bytes.len()),
            Msg::Any(_) => (0, MAX_SCRIPT_ELEMENT_SIZE),
            Msg::Number(_) => (0, 4),
            Msg::Locktime => (1, 5),
            Msg::Join(Join::Cat, left, right) => {
                let (left, right) = (left.length(), right.length());
                (left.0 + right.0, left.1 + right.1)
            }
            _ => (32, 32),
        }
    }

    /// Returns `true` if a concatenation in the message always exceeds the maximum element size.
    pub(crate) fn is_too_long(&self) -> bool {
        match self {
            Msg::Join(_, left, right) => {
                self.length().0 > MAX_SCRIPT_ELEMENT_SIZE || left.is_too_long() || right.is_too_long()
            }
            Msg::Sha256(inner) => inner.is_too_long(),
            _ => false,
        }
    }

    /// Returns `true` if a key that signs only templates may sign the message: a template hash, or a commitment that
    /// contains one. Such a message has 32 bytes and cannot be split at another place.
    pub(crate) fn is_for_template_keys(&self) -> bool {
        match self {
            Msg::Ctv(_) | Msg::TemplateHash => true,
            Msg::Join(Join::Pair, ..) | Msg::Sha256(_) => self.has_template(),
            _ => false,
        }
    }

    /// Returns `true` if the message commits to the spending transaction.
    pub(crate) fn has_template(&self) -> bool {
        self.parts().iter().any(|part| matches!(part, Msg::Ctv(_) | Msg::TemplateHash))
    }

    pub(crate) fn flags(&self) -> Flags {
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

/// Writes the script that replaces `<high> <low>` by a commitment to them. The script fails if the number with these
/// limbs is not greater than `n`.
fn write_newer_wide(n: u64, out: &mut Writer) {
    use Opcode as O;
    let (high, low) = limbs(n);
    out.op(O::OP_2DUP).number(low).ops(&[O::OP_GREATERTHAN, O::OP_OVER]);
    out.number(high).ops(&[O::OP_NUMEQUAL, O::OP_BOOLAND, O::OP_SWAP]);
    out.number(high).ops(&[O::OP_GREATERTHAN, O::OP_BOOLOR, O::OP_VERIFY]);
    out.op(Opcode::OP_PAIRCOMMIT);
}

/// Writes the script that replaces `<r_m> <m> <r_n> <n>` by the commitment to m, where r_m and r_n are blinding
/// factors. The script fails if `commitment` does not open to n, or if m is not greater than n.
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

/// Splits a number into two limbs of 31 bits, and returns them with the high limb first.
pub const fn limbs(number: u64) -> (u64, u64) {
    (number >> LIMB_BITS, number & MAX_NUMBER)
}

#[cfg(test)]
mod tests;
