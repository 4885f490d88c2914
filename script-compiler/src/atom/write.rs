//! Writes the script of a condition.
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
//! \[M\] is the script that takes the parts of the message from the stack, checks them and leaves the message: see [`Msg`].

use sigstack_interpreter::Opcode;

use super::{Atom, KeyRef};
use crate::message::{Msg, write_is_32};
use crate::policy::HashFn;
use crate::script::Writer;

/// How to change the end of a script so that the script verifies its result instead of leaving it on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// The last opcode of the script is replaced by its VERIFY variant, whose byte is higher by one. Possible for
    /// scripts that end with `CHECKSIG`, `EQUAL` or `NUMEQUAL`.
    Merges,
    /// `VERIFY` is appended to the script, because the last opcode has no VERIFY variant.
    Verify,
    /// `DROP` is appended to the script. Used for locks and templates: their opcode leaves its argument on the stack,
    /// not a truth value.
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

/// Writes a BIP 118 key: `0x01 ‖ x`, or `0x01` alone for the internal key.
fn write_bip118_key(key: &KeyRef, out: &mut Writer) {
    if key.internal {
        out.push(&[1]);
    } else {
        out.push(&[[1].as_slice(), &key.x].concat());
    }
}

impl Atom {
    /// Writes the script of the condition, which leaves its result on the stack.
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
            Atom::Ctv(hash) => drop(out.push(hash).op(Opcode::OP_CHECKTEMPLATEVERIFY)),
            // The layout follows the published channel designs: the hash comes first in a leaf of its own, and the opcode
            // comes first after other conditions.
            Atom::TemplateHash(hash) if out.bytes.is_empty() => {
                out.push(hash).ops(&[Opcode::OP_TEMPLATEHASH, Opcode::OP_EQUAL]);
            }
            Atom::TemplateHash(hash) => {
                out.op(Opcode::OP_TEMPLATEHASH).push(hash).op(Opcode::OP_EQUAL);
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

    /// Returns the script's length in bytes.
    pub(crate) fn size(&self) -> usize {
        let mut out = Writer::default();
        self.write(&mut out);
        out.bytes.len()
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
