//! The fragments that a leaf's script consists of: the script of each, and the witnesses that satisfy or dissatisfy it.
//!
//! The fragments are those of Miniscript, with additional ones for thresholds that add signatures and conditions directly.

use sigstack_interpreter::Opcode;

use crate::atom::Atom;
use crate::atom::write::Tail;
use crate::message::Msg;
use crate::policy::HashFn;
use crate::script::Writer;

/// A fragment of a leaf's script. Types, as in Miniscript: `B` leaves a result, `V` leaves nothing or fails, and `W` is a
/// `B` that operates below one stack element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frag {
    /// Type B, always dissatisfied: `0`
    False,
    /// Type B, always satisfied: `1`
    True,
    /// Type B, a single condition: the script of the condition.
    Atom(usize),
    /// Type K, which leaves a key, Miniscript's `pk_k`: `<K>`
    Key(usize),
    /// Type K, Miniscript's `pk_h`: `DUP HASH160 <hash of the key> EQUALVERIFY`. The witness contains the key.
    KeyHash(usize),
    /// Type B, Miniscript's `c:`: `[K] CHECKSIG`
    CheckSig(Box<Frag>),
    /// Type V made from a fragment of type B, Miniscript's `v:`. The last opcode is replaced by its VERIFY variant if
    /// there is one, otherwise VERIFY is appended.
    Verify(Box<Frag>),
    /// Type B or V, Miniscript's `and_v`: `[V] [V] ... [B or V]`. The parts are in one list, so that a conjunction of
    /// hundreds of conditions is not nested deeper than a conjunction of two.
    And(Vec<Frag>),
    /// Type B, Miniscript's `and_b`: `[B] [W] BOOLAND`
    AndB(Box<Frag>, Box<Frag>),
    /// Type B or V, Miniscript's `andor`: `[B] NOTIF [z] ELSE [y] ENDIF`
    AndOr(Box<Frag>, Box<Frag>, Box<Frag>),
    /// Type B, Miniscript's `or_b`: `[B] [W] BOOLOR`
    OrB(Box<Frag>, Box<Frag>),
    /// Type V, Miniscript's `or_c`: `[B] NOTIF [V] ENDIF`
    OrC(Box<Frag>, Box<Frag>),
    /// Type B, Miniscript's `or_d`: `[B] IFDUP NOTIF [B] ENDIF`
    OrD(Box<Frag>, Box<Frag>),
    /// Type B or V, Miniscript's `or_i`: `IF [x] ELSE [z] ENDIF`
    OrI(Box<Frag>, Box<Frag>),
    /// A threshold of k (type B): `[B] [summands] <k> NUMEQUAL`
    Thresh(usize, Box<Frag>, Vec<Frag>),
    /// Summand of a threshold, a signature: `<K> CHECKSIGADD`
    AddSig(usize),
    /// Summand of a threshold, a fragment without witness elements: `SWAP IF [V without arguments] 1ADD ENDIF`
    AddIf(Box<Frag>),
    /// Summand of a threshold, any fragment: `[W] ADD`
    Add(Box<Frag>),
    /// Type B, Miniscript's `d:`: `DUP IF [V without arguments] ENDIF`
    DupIf(Box<Frag>),
    /// Type B, Miniscript's `j:`: `SIZE 0NOTEQUAL IF [B] ENDIF`
    NonZero(Box<Frag>),
    /// Type B with the result 1, Miniscript's `n:`: `[B] 0NOTEQUAL`
    Unit(Box<Frag>),
    /// Type W, Miniscript's `s:`: `SWAP [B with one argument]`
    Swap(Box<Frag>),
    /// Type W, Miniscript's `a:`: `TOALTSTACK [B] FROMALTSTACK`
    Alt(Box<Frag>),
}

/// An element of a leaf's witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    /// The elements that satisfy the condition with this index. They are one or more elements of the final witness.
    Atom(usize),
    /// The public key of the condition with this index, for [`Frag::KeyHash`].
    Key(usize),
    /// The empty element. It stands for a missing signature, or selects the second branch of an `IF`.
    Empty,
    /// The element 1, which selects the first branch of an `IF`.
    One,
}

/// A witness of a fragment: its elements, bottom to top, and their total size in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stack {
    pub(crate) size: usize,
    pub(crate) elements: Vec<Element>,
}

impl Stack {
    fn of(element: Element) -> Stack {
        let size = match element {
            Element::Key(_) => 33,
            Element::One => 2,
            Element::Empty | Element::Atom(_) => 1,
        };
        Stack { size, elements: vec![element] }
    }

    /// Returns the witness with the elements of `top` above it.
    fn under(&self, top: &Stack) -> Stack {
        let elements = self.elements.iter().chain(&top.elements).copied().collect();
        Stack { size: self.size + top.size, elements }
    }

    /// Returns the smaller of two witnesses, or `self` if both have the same size.
    fn rather(self, other: Stack) -> Stack {
        if other.size < self.size { other } else { self }
    }
}

/// The cheapest witness that satisfies a fragment, and the cheapest witness that dissatisfies it. Each is `None` if
/// there is no such witness.
#[derive(Clone, Debug, Default)]
pub(crate) struct Satisfaction {
    pub(crate) sat: Option<Stack>,
    pub(crate) dis: Option<Stack>,
}

fn both(deeper: &Option<Stack>, top: &Option<Stack>) -> Option<Stack> {
    Some(deeper.as_ref()?.under(top.as_ref()?))
}

fn either(a: Option<Stack>, b: Option<Stack>) -> Option<Stack> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.rather(b)),
        (a, b) => a.or(b),
    }
}

impl Frag {
    pub(crate) fn boxed(self) -> Box<Frag> {
        Box::new(self)
    }

    /// Returns the conjunction of `x`, which has type V, and `y`, which has type B or V. The result has the type of
    /// `y`.
    pub(crate) fn and(x: Frag, y: Frag) -> Frag {
        let parts = |frag| match frag {
            Frag::And(parts) => parts,
            other => vec![other],
        };
        let mut all = parts(x);
        all.extend(parts(y));
        Frag::And(all)
    }

    /// Returns how the end of the fragment's script is changed to verify its result.
    pub(crate) fn tail(&self, atoms: &[Atom]) -> Tail {
        match self {
            Frag::Atom(index) => atoms.get(*index).map_or(Tail::Verify, Atom::tail),
            Frag::And(parts) => parts.last().map_or(Tail::Verify, |last| last.tail(atoms)),
            Frag::Thresh(..) | Frag::CheckSig(_) => Tail::Merges,
            _ => Tail::Verify,
        }
    }

    pub(crate) fn write(&self, atoms: &[Atom], out: &mut Writer) {
        use Opcode as O;
        match self {
            Frag::False => drop(out.op(O::OP_0)),
            Frag::True => drop(out.op(O::OP_1)),
            Frag::Atom(index) => {
                if let Some(atom) = atoms.get(*index) {
                    atom.write(out);
                }
            }
            Frag::KeyHash(index) => {
                let key = atoms.get(*index).and_then(|atom| atom.keys().first());
                let hash = HashFn::Hash160.hash(&key.map(|key| key.x).unwrap_or_default());
                out.ops(&[O::OP_DUP, O::OP_HASH160]).push(&hash).op(O::OP_EQUALVERIFY);
            }
            Frag::Key(index) => {
                if let Some(key) = atoms.get(*index).and_then(|atom| atom.keys().first()) {
                    out.push(&key.x);
                }
            }
            Frag::CheckSig(inner) => {
                inner.write(atoms, out);
                out.op(O::OP_CHECKSIG);
            }
            Frag::Verify(inner) => {
                inner.write(atoms, out);
                inner.tail(atoms).apply(out);
            }
            Frag::And(parts) => parts.iter().for_each(|part| part.write(atoms, out)),
            Frag::AndB(x, w) => {
                x.write(atoms, out);
                w.write(atoms, out);
                out.op(O::OP_BOOLAND);
            }
            Frag::OrB(x, w) => {
                x.write(atoms, out);
                w.write(atoms, out);
                out.op(O::OP_BOOLOR);
            }
            Frag::AndOr(x, y, z) => {
                x.write(atoms, out);
                out.op(O::OP_NOTIF);
                z.write(atoms, out);
                out.op(O::OP_ELSE);
                y.write(atoms, out);
                out.op(O::OP_ENDIF);
            }
            Frag::OrC(x, z) | Frag::OrD(x, z) => {
                x.write(atoms, out);
                if matches!(self, Frag::OrD(..)) {
                    out.op(O::OP_IFDUP);
                }
                out.op(O::OP_NOTIF);
                z.write(atoms, out);
                out.op(O::OP_ENDIF);
            }
            Frag::OrI(x, z) => {
                out.op(O::OP_IF);
                x.write(atoms, out);
                out.op(O::OP_ELSE);
                z.write(atoms, out);
                out.op(O::OP_ENDIF);
            }
            Frag::Thresh(k, first, rest) => {
                first.write(atoms, out);
                for summand in rest {
                    summand.write(atoms, out);
                }
                out.number(u64::try_from(*k).unwrap_or(u64::MAX)).op(O::OP_NUMEQUAL);
            }
            Frag::AddSig(index) => {
                Frag::Atom(*index).write(atoms, out);
                if let Some(last) = out.bytes.last_mut() {
                    *last = O::OP_CHECKSIGADD.0;
                }
            }
            Frag::AddIf(inner) => {
                out.ops(&[O::OP_SWAP, O::OP_IF]);
                inner.write(atoms, out);
                out.ops(&[O::OP_1ADD, O::OP_ENDIF]);
            }
            Frag::Add(inner) => {
                inner.write(atoms, out);
                out.op(O::OP_ADD);
            }
            Frag::DupIf(inner) => {
                out.ops(&[O::OP_DUP, O::OP_IF]);
                inner.write(atoms, out);
                out.op(O::OP_ENDIF);
            }
            Frag::NonZero(inner) => {
                out.ops(&[O::OP_SIZE, O::OP_0NOTEQUAL, O::OP_IF]);
                inner.write(atoms, out);
                out.op(O::OP_ENDIF);
            }
            Frag::Unit(inner) => {
                inner.write(atoms, out);
                out.op(O::OP_0NOTEQUAL);
            }
            Frag::Swap(inner) => {
                out.op(O::OP_SWAP);
                inner.write(atoms, out);
            }
            Frag::Alt(inner) => {
                out.op(O::OP_TOALTSTACK);
                inner.write(atoms, out);
                out.op(O::OP_FROMALTSTACK);
            }
        }
    }

    /// Returns the cheapest witnesses that satisfy and dissatisfy the fragment. `sizes` has the size in bytes of the
    /// elements that satisfy each condition, or `None` for conditions that cannot be satisfied.
    pub(crate) fn satisfy(&self, atoms: &[Atom], sizes: &[Option<usize>]) -> Satisfaction {
        let of = |frag: &Frag| frag.satisfy(atoms, sizes);
        let met = |index: usize| {
            let size = sizes.get(index).copied().flatten()?;
            Some(Stack { size, elements: vec![Element::Atom(index)] })
        };
        let empty = || Some(Stack::of(Element::Empty));
        let none = || Some(Stack::default());
        match self {
            Frag::False => Satisfaction { sat: None, dis: none() },
            Frag::True => Satisfaction { sat: none(), dis: None },
            Frag::Atom(index) | Frag::AddSig(index) | Frag::Key(index) => {
                let can_refuse = atoms.get(*index).is_some_and(has_empty_signature);
                Satisfaction { sat: met(*index), dis: empty().filter(|_| can_refuse) }
            }
            Frag::KeyHash(index) => {
                let key = Some(Stack::of(Element::Key(*index)));
                let plain = of(&Frag::Atom(*index));
                Satisfaction { sat: both(&plain.sat, &key), dis: both(&plain.dis, &key) }
            }
            Frag::Verify(x) => Satisfaction { sat: of(x).sat, dis: None },
            Frag::And(parts) => {
                // The elements of an earlier part lie above those of later parts. Only the last part can be dissatisfied.
                let mut parts = parts.iter().rev().map(of);
                let last = parts.next().unwrap_or_default();
                parts.fold(last, |y, x| Satisfaction { sat: both(&y.sat, &x.sat), dis: both(&y.dis, &x.sat) })
            }
            Frag::AndB(x, w) => {
                let (x, w) = (of(x), of(w));
                Satisfaction { sat: both(&w.sat, &x.sat), dis: both(&w.dis, &x.dis) }
            }
            Frag::OrB(x, w) => {
                let (x, w) = (of(x), of(w));
                let sat = either(both(&w.dis, &x.sat), both(&w.sat, &x.dis));
                Satisfaction { sat, dis: both(&w.dis, &x.dis) }
            }
            Frag::AndOr(x, y, z) => {
                let (x, y, z) = (of(x), of(y), of(z));
                let sat = either(both(&y.sat, &x.sat), both(&z.sat, &x.dis));
                Satisfaction { sat, dis: both(&z.dis, &x.dis) }
            }
            Frag::OrC(x, z) | Frag::OrD(x, z) => {
                let (x, z) = (of(x), of(z));
                let sat = either(x.sat.clone(), both(&z.sat, &x.dis));
                Satisfaction { sat, dis: both(&z.dis, &x.dis) }
            }
            Frag::OrI(x, z) => {
                let (x, z) = (of(x), of(z));
                let (one, zero) = (Some(Stack::of(Element::One)), empty());
                let chosen = |x: &Option<Stack>, z: &Option<Stack>| either(both(x, &one), both(z, &zero));
                Satisfaction { sat: chosen(&x.sat, &z.sat), dis: chosen(&x.dis, &z.dis) }
            }
            Frag::Thresh(k, first, rest) => {
                let parts: Vec<_> = core::iter::once(first.as_ref()).chain(rest).map(of).collect();
                threshold(*k, &parts)
            }
            Frag::AddIf(x) | Frag::DupIf(x) => {
                let one = Some(Stack::of(Element::One));
                Satisfaction { sat: both(&of(x).sat, &one), dis: empty() }
            }
            Frag::NonZero(x) => Satisfaction { sat: of(x).sat, dis: empty() },
            Frag::Add(x) | Frag::Unit(x) | Frag::Swap(x) | Frag::Alt(x) | Frag::CheckSig(x) => of(x),
        }
    }

    /// Returns the number of ways to satisfy the fragment, and the number of ways to dissatisfy it. `held` marks the
    /// conditions that can be satisfied. Each number is 0, 1, or 2 for two or more.
    pub(crate) fn ways(&self, atoms: &[Atom], held: &[bool]) -> (u8, u8) {
        let of = |frag: &Frag| frag.ways(atoms, held);
        let (sat, dis) = match self {
            Frag::False => (0, 1),
            Frag::True => (1, 0),
            Frag::Atom(index) | Frag::AddSig(index) | Frag::Key(index) | Frag::KeyHash(index) => {
                let sat = u8::from(held.get(*index).copied().unwrap_or(false));
                let dis = match atoms.get(*index) {
                    Some(atom) if has_empty_signature(atom) => 1,
                    Some(Atom::Hash(..) | Atom::Opens(..) | Atom::Signed(..)) => 2,
                    _ => 0,
                };
                (sat, dis)
            }
            Frag::Verify(x) => (of(x).0, 0),
            Frag::And(parts) => {
                let mut parts = parts.iter().rev().map(of);
                let last = parts.next().unwrap_or_default();
                parts.fold(last, |y, x| ((x.0 * y.0).min(2), (x.0 * y.1).min(2)))
            }
            Frag::AndB(x, w) => {
                let (x, w) = (of(x), of(w));
                (x.0 * w.0, x.0 * w.1 + x.1 * w.0 + x.1 * w.1)
            }
            Frag::OrB(x, w) => {
                let (x, w) = (of(x), of(w));
                (x.0 * w.0 + x.0 * w.1 + x.1 * w.0, x.1 * w.1)
            }
            Frag::AndOr(x, y, z) => {
                let (x, y, z) = (of(x), of(y), of(z));
                (x.0 * y.0 + x.1 * z.0, x.0 * y.1 + x.1 * z.1)
            }
            Frag::OrC(x, z) | Frag::OrD(x, z) => {
                let (x, z) = (of(x), of(z));
                (x.0 + x.1 * z.0, x.1 * z.1)
            }
            Frag::OrI(x, z) => {
                let (x, z) = (of(x), of(z));
                (x.0 + z.0, x.1 + z.1)
            }
            Frag::Thresh(k, first, rest) => {
                // `counts[n]`: the number of ways in which n of the parts examined so far are satisfied.
                let mut counts = vec![0u8; rest.len() + 2];
                if let Some(none) = counts.first_mut() {
                    *none = 1;
                }
                for part in core::iter::once(first.as_ref()).chain(rest) {
                    let (sat, dis) = of(part);
                    let before = counts.clone();
                    let lower = core::iter::once(&0).chain(&before);
                    for ((count, same), lower) in counts.iter_mut().zip(&before).zip(lower) {
                        *count = (same * dis + lower * sat).min(2);
                    }
                }
                let all: u8 = counts.iter().fold(0, |sum, count| (sum + count).min(4));
                let met = counts.get(*k).copied().unwrap_or(0);
                (met, all - met)
            }
            Frag::AddIf(x) | Frag::DupIf(x) => (of(x).0, 1),
            Frag::NonZero(x) => {
                let x = of(x);
                (x.0, x.1 + 1)
            }
            Frag::Add(x) | Frag::Unit(x) | Frag::Swap(x) | Frag::Alt(x) | Frag::CheckSig(x) => of(x),
        };
        (sat.min(2), dis.min(2))
    }
}

/// Returns `true` if the empty signature is the only way to leave the condition unsatisfied without making the script fail.
pub(crate) fn has_empty_signature(atom: &Atom) -> bool {
    match atom {
        Atom::Sig(_) | Atom::Rebind(..) => true,
        Atom::Signed(msg, keys) => *msg != Msg::Delegate && msg.is_computed() && keys.len() == 1,
        _ => false,
    }
}

/// Returns the cheapest witness that satisfies exactly `k` parts, and the cheapest witness that satisfies none.
fn threshold(k: usize, parts: &[Satisfaction]) -> Satisfaction {
    // `best[n]`: the cheapest witness of the parts examined so far with n of them satisfied.
    let mut best: Vec<Option<Stack>> = vec![None; parts.len() + 1];
    if let Some(none) = best.first_mut() {
        *none = Some(Stack::default());
    }
    for part in parts {
        let before = best.clone();
        let lower = core::iter::once(&None).chain(&before);
        for ((slot, same), lower) in best.iter_mut().zip(&before).zip(lower) {
            // The elements of a later part lie deeper in the stack.
            *slot = either(both(&part.dis, same), both(&part.sat, lower));
        }
    }
    Satisfaction { sat: best.get(k).cloned().flatten(), dis: best.first().cloned().flatten() }
}
