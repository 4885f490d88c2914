//! Computes the maximum number of elements on a leaf's stacks while it runs. Consensus allows 1,000 on stack and altstack
//! together.
//!
//! The count is exact. The script of one condition has no branches, so its opcodes are counted one by one. [`Frag`] defines
//! how the fragments of a leaf follow each other.

use sigstack_interpreter::{Instructions, Opcode};

use crate::atom::Atom;
use crate::fragment::{Frag, has_empty_signature};
use crate::message::Msg;
use crate::script::Writer;

/// Stack use of one execution of a fragment. Elements below the fragment's arguments are not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Number of witness elements that the fragment takes.
    pub(crate) takes: usize,
    /// Maximum number of elements on stack and altstack together while the fragment runs, including its arguments.
    pub(crate) peak: usize,
}

impl Run {
    /// Returns the stack use of this fragment followed by the fragment of `next`. While this fragment runs, the
    /// arguments of the next one lie below it. `left` is the number of elements that this fragment leaves.
    fn then(self, next: Run, left: usize) -> Run {
        Run { takes: self.takes + next.takes, peak: (next.takes + self.peak).max(left + next.peak) }
    }

    /// Returns this stack use with `peak` raised to `elements` if `peak` is smaller.
    fn at_least(self, elements: usize) -> Run {
        Run { peak: self.peak.max(elements), ..self }
    }
}

/// Maximum stack use of a fragment over all its witnesses. `takes` and `peak` of a [`Run`] may come from two different
/// witnesses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Runs {
    /// Maximum stack use over all witnesses that satisfy the fragment. `None` if no witness satisfies it.
    pub(crate) sat: Option<Run>,
    /// Maximum stack use over all witnesses that dissatisfy the fragment. `None` if no witness dissatisfies it.
    pub(crate) dis: Option<Run>,
}

impl Runs {
    /// Applies `change` to both stack uses: with a satisfying and with a dissatisfying witness.
    fn map(self, change: impl Fn(Run) -> Run) -> Runs {
        Runs { sat: self.sat.map(&change), dis: self.dis.map(&change) }
    }
}

fn then(first: Option<Run>, next: Option<Run>, left: usize) -> Option<Run> {
    Some(first?.then(next?, left))
}

fn fullest(a: Option<Run>, b: Option<Run>) -> Option<Run> {
    match (a, b) {
        (Some(a), Some(b)) => Some(Run { takes: a.takes.max(b.takes), peak: a.peak.max(b.peak) }),
        (a, b) => a.or(b),
    }
}

/// Returns the number of elements that an opcode adds to both stacks together, taken from the interpreter's table of
/// opcodes. Negative if the opcode removes elements.
fn change(opcode: Opcode) -> isize {
    if matches!(opcode, Opcode::OP_TOALTSTACK | Opcode::OP_FROMALTSTACK) {
        return 0;
    }
    let count = |side: &str| isize::try_from(side.split_whitespace().count()).unwrap_or(isize::MAX);
    let effect = opcode.info().and_then(|info| info.effect.split_once("--"));
    effect.map_or(0, |(before, after)| count(after) - count(before))
}

/// Returns the number of witness elements that a condition takes.
pub(crate) fn elements(atom: &Atom) -> usize {
    let message = |msg: &Msg| -> usize {
        let part = |part: &&Msg| match part {
            Msg::Fixed(_) | Msg::TemplateHash => 0,
            Msg::NewerWide(_) | Msg::Delegate => 2,
            Msg::NewerOpened(..) => 4,
            _ => 1,
        };
        msg.parts().iter().map(part).sum()
    };
    match atom {
        Atom::Signed(msg, keys) => keys.len() + message(msg),
        Atom::Opens(_, msg) => message(msg),
        Atom::Sig(_) | Atom::Rebind(..) | Atom::Hash(..) => 1,
        _ => 0,
    }
}

/// Returns the stack use of a condition. The script of a condition has no branches, so one pass is enough.
pub(crate) fn condition(atom: &Atom) -> Run {
    let mut script = Writer::default();
    atom.write(&mut script);
    let takes = elements(atom);
    let (mut count, mut peak) = (takes, takes);
    for instruction in Instructions::new(&script.bytes).flatten() {
        let more = if instruction.opcode.is_push() { 1 } else { change(instruction.opcode) };
        count = count.saturating_add_signed(more);
        peak = peak.max(count);
    }
    Run { takes, peak }
}

impl Frag {
    /// Returns the maximum stack use of the fragment: with witnesses that satisfy it, and with witnesses that
    /// dissatisfy it.
    pub(crate) fn runs(&self, atoms: &[Atom]) -> Runs {
        const fn always(takes: usize, peak: usize) -> Option<Run> {
            Some(Run { takes, peak })
        }
        let of = |frag: &Frag| frag.runs(atoms);
        let signature = |index: usize, run: Run| {
            let can_refuse = atoms.get(index).is_some_and(has_empty_signature);
            Runs { sat: Some(run), dis: Some(run).filter(|_| can_refuse) }
        };
        match self {
            Frag::False => Runs { sat: None, dis: always(0, 1) },
            Frag::True => Runs { sat: always(0, 1), dis: None },
            Frag::Atom(index) => match atoms.get(*index) {
                Some(atom) => signature(*index, condition(atom)),
                None => Runs::default(),
            },
            // `<K>` is pushed above its signature. In a sum, `CHECKSIGADD` takes both.
            Frag::Key(index) | Frag::AddSig(index) => signature(*index, Run { takes: 1, peak: 2 }),
            // The key and its copy are replaced by the key, the hash of the copy and the expected hash.
            Frag::KeyHash(index) => signature(*index, Run { takes: 2, peak: 4 }),
            Frag::Verify(x) => Runs { sat: of(x).sat, dis: None },
            Frag::And(parts) => {
                let mut parts = parts.iter().rev().map(of);
                let last = parts.next().unwrap_or_default();
                parts.fold(last, |y, x| Runs { sat: then(x.sat, y.sat, 0), dis: then(x.sat, y.dis, 0) })
            }
            Frag::AndB(x, w) => {
                let (x, w) = (of(x), of(w));
                Runs { sat: then(x.sat, w.sat, 1), dis: then(x.dis, w.dis, 1) }
            }
            Frag::OrB(x, w) => {
                let (x, w) = (of(x), of(w));
                let sat = fullest(then(x.sat, w.dis, 1), then(x.dis, w.sat, 1));
                Runs { sat, dis: then(x.dis, w.dis, 1) }
            }
            Frag::AndOr(x, y, z) => {
                let (x, y, z) = (of(x), of(y), of(z));
                let sat = fullest(then(x.sat, y.sat, 0), then(x.dis, z.sat, 0));
                Runs { sat, dis: then(x.dis, z.dis, 0) }
            }
            Frag::OrC(x, z) => {
                let (x, z) = (of(x), of(z));
                Runs { sat: fullest(x.sat, then(x.dis, z.sat, 0)), dis: then(x.dis, z.dis, 0) }
            }
            Frag::OrD(x, z) => {
                let (x, z) = (of(x), of(z));
                // IFDUP duplicates the result.
                let sat = fullest(x.sat.map(|run| run.at_least(2)), then(x.dis, z.sat, 0));
                Runs { sat, dis: then(x.dis, z.dis, 0) }
            }
            Frag::OrI(x, z) => {
                let chosen = |run: Run| Run { takes: run.takes + 1, ..run.at_least(run.takes + 1) };
                let (x, z) = (of(x).map(chosen), of(z).map(chosen));
                Runs { sat: fullest(x.sat, z.sat), dis: fullest(x.dis, z.dis) }
            }
            Frag::Thresh(k, first, rest) => {
                let parts: Vec<Runs> = core::iter::once(first.as_ref()).chain(rest).map(of).collect();
                threshold(*k, &parts)
            }
            // The element that selects the branch lies below the sum. IF removes this element before the guarded
            // fragment runs.
            Frag::AddIf(x) => {
                Runs { sat: of(x).sat.map(|run| Run { takes: 1, ..run.at_least(1) }), dis: always(1, 1) }
            }
            // DUP copies the element that selects the branch. IF consumes the copy, and the original remains as the
            // result.
            Frag::DupIf(x) => {
                let sat = of(x).sat.map(|run| Run { takes: 1, peak: (run.peak + 1).max(2) });
                Runs { sat, dis: always(1, 2) }
            }
            Frag::NonZero(x) => {
                Runs { sat: of(x).sat.map(|run| run.at_least(run.takes + 1)), dis: always(1, 2) }
            }
            Frag::Add(x) | Frag::Unit(x) | Frag::Swap(x) | Frag::Alt(x) | Frag::CheckSig(x) => of(x),
        }
    }
}

/// Returns the maximum stack use of a threshold. The first part runs alone, and every other part runs with the sum so
/// far on the stack. The script pushes `<k>` at the end.
fn threshold(k: usize, parts: &[Runs]) -> Runs {
    // `fullest_of[n]`: the runs of the parts examined so far, starting from the last part, with n of them satisfied. The sum
    // is not counted.
    let mut fullest_of = vec![None; parts.len() + 1];
    if let Some(none) = fullest_of.first_mut() {
        *none = Some(Run { takes: 0, peak: 1 });
    }
    for (nth, part) in parts.iter().enumerate().rev() {
        let left = usize::from(nth == 0);
        let before = fullest_of.clone();
        let lower = core::iter::once(&None).chain(&before);
        for ((slot, same), lower) in fullest_of.iter_mut().zip(&before).zip(lower) {
            *slot = fullest(then(part.dis, *same, left), then(part.sat, *lower, left));
        }
    }
    let with = |count: usize| fullest_of.get(count).copied().flatten();
    Runs { sat: with(k), dis: with(0) }
}

#[cfg(test)]
mod tests;
