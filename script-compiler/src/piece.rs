//! Script fragments with their costs and Miniscript properties. The leaf optimizer calls such a fragment a piece. The
//! functions here combine pieces, and compute the costs and properties of the result by the rules of Miniscript.

use crate::atom::Atom;
use crate::fragment::{Frag, has_empty_signature};
use crate::message::{Bounds, Msg};
use crate::node::ONE;

/// Number of fractional bits in costs: one cost unit is 2^-16 bytes.
pub(crate) const COST_BITS: u32 = 16;

/// The costs of a script fragment, and its Miniscript properties, which decide malleability. The letters in the
/// comments are Miniscript's names of these properties.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prop {
    /// Size of the fragment's script, in units of 2^-16 bytes.
    pub(crate) size: u64,
    /// Expected size of the witness elements that satisfy this script fragment, in units of 2^-16 bytes.
    pub(crate) sat: u64,
    /// Expected size of the witness elements that dissatisfy the script fragment, in units of 2^-16 bytes. `None` if no
    /// witness dissatisfies it, or if a third party can change these elements: the fragment then lacks Miniscript's
    /// property `e`.
    pub(crate) dis: Option<u64>,
    /// Number of witness elements that the script fragment takes: none, exactly one, or any number.
    pub(crate) args: Args,
    /// `true` if a satisfied script fragment leaves exactly 1 on the stack (Miniscript's property `u`).
    pub(crate) unit: bool,
    /// `true` if satisfying the script fragment requires a signature (Miniscript's property `s`).
    pub(crate) signed: bool,
    /// `true` if dissatisfying the script fragment requires a signature or is impossible (Miniscript's property `f`).
    pub(crate) forced: bool,
    /// `true` if the top element of every witness that satisfies the script fragment is not empty (Miniscript's property
    /// `n`).
    pub(crate) nonzero: bool,
    /// `true` if a third party cannot change a witness that satisfies the script fragment (Miniscript's property `m`).
    pub(crate) sound: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Args {
    Zero,
    One,
    Many,
}

impl Args {
    pub(crate) fn join(self, other: Args) -> Args {
        match (self, other) {
            (Args::Zero, args) | (args, Args::Zero) => args,
            _ => Args::Many,
        }
    }
}

/// A fragment of a leaf's script, with its costs and Miniscript properties.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) frag: Frag,
    pub(crate) prop: Prop,
}

/// The cheapest script fragments found for one part of a policy. Each field has the cheapest fragment that leaves a
/// certain result on the stack.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pieces {
    /// Cheapest script fragment that leaves nothing on the stack.
    pub(crate) verify: Option<Piece>,
    /// Cheapest script fragment that leaves a truth value on the stack.
    pub(crate) result: Option<Piece>,
    /// Cheapest script fragment that leaves exactly 1 on the stack if it is satisfied.
    pub(crate) unit: Option<Piece>,
    /// Cheapest script fragment that leaves 1 if it is satisfied and 0 if it is dissatisfied. A third party cannot
    /// change the witness elements that dissatisfy the fragment.
    pub(crate) choice: Option<Piece>,
    /// Cheapest script fragment that leaves a key on the stack, with a signature by this key below.
    pub(crate) key: Option<Piece>,
    /// Cheapest script fragment that leaves a key on the stack, with a signature by this key or an empty element below.
    pub(crate) key_choice: Option<Piece>,
}

pub(crate) fn bytes(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX >> (COST_BITS + 1)) << COST_BITS
}

/// Returns the average of two costs, each weighted with its probability.
pub(crate) fn expect(cases: [(u64, u64); 2]) -> u64 {
    let total: u128 = cases.iter().map(|(weight, _)| u128::from(*weight)).sum();
    let sum: u128 = cases.iter().map(|(weight, cost)| u128::from(*weight) * u128::from(*cost)).sum();
    u64::try_from(sum.checked_div(total).unwrap_or_default()).unwrap_or(u64::MAX)
}

/// Returns the size in bytes of the elements that satisfy a condition. Numbers and keys from the witness count with their
/// maximum size.
pub(crate) fn expected_size(atom: &Atom) -> usize {
    let message = |msg: &Msg| -> usize {
        let part = |part: &&Msg| match part {
            Msg::Fixed(_) | Msg::TemplateHash => 0,
            Msg::Any(_) | Msg::Any32(_) | Msg::Ctv(_) => 33,
            Msg::Number(Bounds::Newer(n)) => 1 + crate::script::number_bytes(n + 1).len(),
            Msg::Number(_) | Msg::Locktime => 5,
            Msg::NewerWide(_) => 10,
            Msg::NewerOpened(..) => 76,
            Msg::Delegate => 98,
            Msg::Join(..) | Msg::Sha256(_) => 0,
        };
        msg.parts().iter().map(part).sum()
    };
    match atom {
        Atom::Sig(_) => 65,
        Atom::Rebind(..) => 66,
        Atom::Hash(..) => 33,
        Atom::Opens(_, msg) => message(msg),
        Atom::Signed(msg, keys) => 65 * keys.len() + message(msg),
        Atom::After(_) | Atom::Older(_) | Atom::Presigned(..) | Atom::Ctv(_) | Atom::TemplateHash(_) => 0,
    }
}

pub(crate) fn atom_prop(atom: &Atom) -> Prop {
    let can_refuse = has_empty_signature(atom);
    let leaves_number = matches!(atom, Atom::After(_) | Atom::Older(_) | Atom::Ctv(_));
    Prop {
        size: bytes(atom.size()),
        sat: bytes(expected_size(atom)),
        dis: can_refuse.then(|| bytes(1)),
        args: match atom {
            Atom::After(_) | Atom::Older(_) | Atom::Presigned(..) | Atom::Ctv(_) | Atom::TemplateHash(_) => {
                Args::Zero
            }
            Atom::Hash(..) => Args::One,
            _ if can_refuse => Args::One,
            _ => Args::Many,
        },
        unit: !leaves_number,
        signed: matches!(atom, Atom::Sig(_) | Atom::Rebind(..) | Atom::Signed(..)),
        forced: leaves_number || matches!(atom, Atom::Presigned(..)),
        nonzero: can_refuse || matches!(atom, Atom::Hash(..)),
        sound: true,
    }
}

/// Size in bytes of a key as a witness element, including its length byte.
pub(crate) const KEY_ELEMENT: usize = 33;

/// Size in bytes of the script `DUP HASH160 <hash> EQUALVERIFY`.
pub(crate) const HASHED_KEY_SCRIPT: usize = 24;

pub(crate) const NOTHING: Prop = Prop {
    size: 1 << COST_BITS,
    sat: 0,
    dis: None,
    args: Args::Zero,
    unit: true,
    signed: false,
    forced: false,
    nonzero: false,
    sound: true,
};

pub(crate) fn piece_true() -> Piece {
    Piece { frag: Frag::True, prop: Prop { forced: true, ..NOTHING } }
}

pub(crate) fn piece_false() -> Piece {
    Piece { frag: Frag::False, prop: Prop { dis: Some(0), signed: true, ..NOTHING } }
}

impl Pieces {
    pub(crate) fn cost(piece: &Piece, sat: u64, dis: u64) -> u128 {
        u128::from(piece.prop.size) * u128::from(ONE)
            + u128::from(piece.prop.sat) * u128::from(sat)
            + u128::from(piece.prop.dis.unwrap_or(0)) * u128::from(dis)
    }

    pub(crate) fn keep(slot: &mut Option<Piece>, piece: &Piece, sat: u64, dis: u64) {
        let is_better =
            slot.as_ref().is_none_or(|known| Self::cost(piece, sat, dis) < Self::cost(known, sat, dis));
        if is_better {
            *slot = Some(piece.clone());
        }
    }

    pub(crate) fn offer_verify(&mut self, piece: Piece, (sat, dis): (u64, u64)) {
        if piece.prop.sound {
            Self::keep(&mut self.verify, &piece, sat, dis);
        }
    }

    /// Stores a script fragment that leaves a key on the stack, in every field whose type the fragment has and whose
    /// stored fragment is more expensive. A fragment with a malleable witness is not stored.
    pub(crate) fn offer_key(&mut self, piece: Piece, (sat, dis): (u64, u64)) {
        if piece.prop.sound {
            Self::keep(&mut self.key, &piece, sat, 0);
            if piece.prop.dis.is_some() {
                Self::keep(&mut self.key_choice, &piece, sat, dis);
            }
        }
    }

    /// Stores a script fragment that leaves a truth value, in every field whose type the fragment has and whose stored
    /// fragment is more expensive. A fragment with a malleable witness is not stored.
    pub(crate) fn offer(&mut self, piece: Piece, (sat, dis): (u64, u64)) {
        if !piece.prop.sound {
            return;
        }
        Self::keep(&mut self.result, &piece, sat, 0);
        if piece.prop.unit {
            Self::keep(&mut self.unit, &piece, sat, 0);
            if piece.prop.dis.is_some() {
                Self::keep(&mut self.choice, &piece, sat, dis);
            }
        }
    }
}

pub(crate) fn verify(piece: Piece, atoms: &[Atom]) -> Piece {
    let cost = piece.frag.tail(atoms).cost();
    let prop =
        Prop { size: piece.prop.size + bytes(cost), dis: None, forced: true, unit: false, ..piece.prop };
    Piece { frag: Frag::Verify(piece.frag.boxed()), prop }
}

pub(crate) fn and(x: Piece, y: Piece) -> Piece {
    let prop = Prop {
        size: x.prop.size + y.prop.size,
        sat: x.prop.sat + y.prop.sat,
        dis: None,
        args: x.prop.args.join(y.prop.args),
        unit: y.prop.unit,
        signed: x.prop.signed || y.prop.signed,
        forced: x.prop.signed || y.prop.forced,
        nonzero: x.prop.nonzero || (x.prop.args == Args::Zero && y.prop.nonzero),
        sound: x.prop.sound && y.prop.sound,
    };
    Piece { frag: Frag::and(x.frag, y.frag), prop }
}

/// Wraps a fragment so that it operates below the top stack element. Returns the wrapped fragment and its script size
/// in units of 2^-16 bytes.
pub(crate) fn below(piece: Piece) -> (Frag, u64) {
    if piece.prop.args == Args::One {
        (Frag::Swap(piece.frag.boxed()), piece.prop.size + bytes(1))
    } else {
        (Frag::Alt(piece.frag.boxed()), piece.prop.size + bytes(2))
    }
}

pub(crate) fn or_i((at_x, x): (u64, Piece), (at_z, z): (u64, Piece)) -> Piece {
    // The piece can be dissatisfied in exactly one way if one branch can be dissatisfied and the other branch cannot,
    // at least not without a signature.
    let dis = match (x.prop.dis, z.prop.dis) {
        (Some(dis), _) if z.prop.forced => Some(dis + bytes(2)),
        (_, Some(dis)) if x.prop.forced => Some(dis + bytes(1)),
        _ => None,
    };
    let prop = Prop {
        size: x.prop.size + z.prop.size + bytes(3),
        sat: expect([(at_x, x.prop.sat + bytes(2)), (at_z, z.prop.sat + bytes(1))]),
        dis,
        args: if x.prop.args == Args::Zero && z.prop.args == Args::Zero { Args::One } else { Args::Many },
        unit: x.prop.unit && z.prop.unit,
        signed: x.prop.signed && z.prop.signed,
        forced: x.prop.forced && z.prop.forced,
        nonzero: false,
        sound: x.prop.sound && z.prop.sound && (x.prop.signed || z.prop.signed),
    };
    Piece { frag: Frag::OrI(x.frag.boxed(), z.frag.boxed()), prop }
}

pub(crate) fn or_else(
    x: &Piece,
    at_x: u64,
    z: &Piece,
    at_z: u64,
    form: fn(Box<Frag>, Box<Frag>) -> Frag,
    overhead: u64,
) -> Piece {
    let refused = x.prop.dis.unwrap_or(0);
    let prop = Prop {
        size: x.prop.size + z.prop.size + overhead,
        sat: expect([(at_x, x.prop.sat), (at_z, z.prop.sat + refused)]),
        dis: z.prop.dis.map(|dis| dis + refused),
        args: if z.prop.args == Args::Zero { x.prop.args } else { Args::Many },
        unit: z.prop.unit,
        signed: x.prop.signed && z.prop.signed,
        forced: z.prop.forced,
        nonzero: false,
        sound: x.prop.sound && z.prop.sound && x.prop.dis.is_some() && (x.prop.signed || z.prop.signed),
    };
    Piece { frag: form(x.frag.clone().boxed(), z.frag.clone().boxed()), prop }
}

pub(crate) fn or_b(x: &Piece, at_x: u64, z: &Piece, at_z: u64) -> Piece {
    let (refused_x, refused_z) = (x.prop.dis.unwrap_or(0), z.prop.dis.unwrap_or(0));
    let (below_z, size) = below(z.clone());
    let prop = Prop {
        size: x.prop.size + size + bytes(1),
        sat: expect([(at_x, x.prop.sat + refused_z), (at_z, z.prop.sat + refused_x)]),
        dis: Some(refused_x + refused_z),
        args: Args::Many,
        unit: true,
        signed: x.prop.signed && z.prop.signed,
        forced: false,
        nonzero: false,
        sound: x.prop.sound && z.prop.sound && (x.prop.signed || z.prop.signed),
    };
    Piece { frag: Frag::OrB(x.frag.clone().boxed(), below_z.boxed()), prop }
}

pub(crate) fn and_or((at_x, x, y): (u64, Piece, Piece), (at_z, z): (u64, Piece)) -> Piece {
    let refused = x.prop.dis.unwrap_or(0);
    let is_unique = x.prop.signed || y.prop.forced;
    let prop = Prop {
        size: x.prop.size + y.prop.size + z.prop.size + bytes(3),
        sat: expect([(at_x, x.prop.sat + y.prop.sat), (at_z, z.prop.sat + refused)]),
        dis: z.prop.dis.map(|dis| dis + refused).filter(|_| is_unique),
        args: if y.prop.args == Args::Zero && z.prop.args == Args::Zero { x.prop.args } else { Args::Many },
        unit: y.prop.unit && z.prop.unit,
        signed: z.prop.signed && (x.prop.signed || y.prop.signed),
        forced: z.prop.forced && is_unique,
        nonzero: false,
        sound: x.prop.sound
            && y.prop.sound
            && z.prop.sound
            && x.prop.dis.is_some()
            && (x.prop.signed || y.prop.signed || z.prop.signed),
    };
    Piece { frag: Frag::AndOr(x.frag.boxed(), y.frag.boxed(), z.frag.boxed()), prop }
}
