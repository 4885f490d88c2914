//! Chooses the cheapest non-malleable witness, one that nobody can replace by another one.
//!
//! The code calls a witness sound if the values that it publishes allow no other way to spend the coin. The same test decides
//! whether [`compile`] refuses a policy as malleable: every way to spend must have a sound witness.
//!
//! [`compile`]: crate::compile::compile

use std::collections::BTreeSet;

use sigstack_interpreter::Flags;

use crate::assets::Assets;
use crate::atom::{Atom, KeyRef, SEQUENCE_BITS};
use crate::compiled::{Compiled, CompiledLeaf};
use crate::fragment::{Element, Stack};
use crate::meaning::{Set, conflict, is_covered};
use crate::message::Msg;
use crate::piece::expected_size;
use crate::plan::{Branch, Plan, PlanError, SEQUENCE_NO_LOCK, SignatureKind, Slot};
use crate::script::{compact_size, element_size};
use crate::value::{may_show, shows};

/// A branch of the output (key path or leaf) and a witness for it. The plan uses the best candidate.
#[derive(Clone, Debug)]
struct Candidate {
    branch: Branch,
    stack: Stack,
}

impl Candidate {
    fn atoms(&self) -> Set {
        let atom = |element: &Element| if let Element::Atom(index) = element { Some(*index) } else { None };
        self.stack.elements.iter().filter_map(atom).collect()
    }
}

/// Returns `true` if a published message of the kind `shown`, signed by `signers`, may also satisfy a condition that
/// requires a message of the kind `msg`, signed by `keys`.
fn is_shown_by((shown, signers): (&Msg, &[KeyRef]), (msg, keys): (&Msg, &[KeyRef])) -> bool {
    keys.iter().all(|key| signers.iter().any(|signer| signer.x == key.x)) && may_show(shown, msg)
}

/// A search for witnesses with a given set of satisfied conditions.
struct Search<'a> {
    compiled: &'a Compiled,
    /// Size in bytes of the witness elements of each condition, or `None` for conditions that the assets do not satisfy.
    sizes: Vec<Option<usize>>,
    /// For each condition, the witness elements with which the assets satisfy it. The field is `None` if the search
    /// examines the policy and not the assets of a spender.
    held: Option<&'a [Option<Vec<Slot>>]>,
    /// Conditions that the search assumes to be satisfied by a value signed for another condition. Used if `held` is
    /// `None`.
    assumed: Set,
}

impl Compiled {
    /// Returns the cheapest non-malleable witness for the available assets.
    ///
    /// # Errors
    ///
    /// [`PlanError`] if there is no such witness.
    pub fn plan(&self, assets: &Assets) -> Result<Plan, PlanError> {
        self.plan_among(assets, |_| true)
    }

    /// Like [`Compiled::plan`], but uses only the branches for which `allows` returns `true`.
    ///
    /// # Errors
    ///
    /// [`PlanError`] if there is no such witness.
    pub fn plan_among(&self, assets: &Assets, allows: impl Fn(Branch) -> bool) -> Result<Plan, PlanError> {
        let mut is_satisfied = false;
        let mut best: Option<((usize, Branch), Plan)> = None;
        for assets in assets.by_kinds_of_locks() {
            let held = assets.satisfy_all(self.atoms());
            let size = |slots: &Vec<Slot>| slots.iter().map(|slot| element_size(slot.size())).sum();
            let sizes = held.iter().map(|slots| slots.as_ref().map(size)).collect();
            let search = Search { compiled: self, sizes, held: Some(held.as_slice()), assumed: Set::new() };
            let (found, any) = search.cheapest(&allows);
            is_satisfied |= any;
            if let Some(candidate) = found {
                let plan = self.lay_out(&candidate, &held);
                let rank = (plan.witness_size(), plan.branch);
                if best.as_ref().is_none_or(|(known, _)| rank < *known) {
                    best = Some((rank, plan));
                }
            }
        }
        match best {
            Some((_, plan)) => Ok(plan),
            None if is_satisfied => Err(PlanError::Malleable),
            None => Err(PlanError::NotSatisfied),
        }
    }

    /// Returns a set of conditions for which every witness is malleable, and the set of conditions that a replacement
    /// witness could satisfy, if known. `None` if no way to spend is malleable, or if there are too many ways to
    /// examine.
    pub(crate) fn replaceable(&self) -> Option<(&Set, Option<&Set>)> {
        let ways = &self.meaning.as_ref()?.sets;
        ways.iter().find_map(|way| {
            // A value signed for this way may also satisfy a condition of another way. That condition then counts as
            // satisfied.
            let signed = |index: &usize| match self.atoms().get(*index) {
                Some(Atom::Signed(msg, keys)) => Some((msg, keys.as_slice())),
                _ => None,
            };
            let may_meet = |index: &usize| {
                let Some((msg, keys)) = signed(index) else { return false };
                way.iter().filter_map(signed).any(|shown| is_shown_by(shown, (msg, keys)))
            };
            let others = (0..self.atoms().len()).filter(|index| !way.contains(index) && may_meet(index));
            let mut assumptions = core::iter::once(None).chain(others.map(Some));
            assumptions.find_map(|other| self.replaceable_where(way, other))
        })
    }

    /// Checks whether every witness for the conditions `way` can be replaced by another witness. If so, returns `way`
    /// and, if known, the conditions that the replacement satisfies. `met` is a further condition that a value signed
    /// for `way` is assumed to satisfy.
    fn replaceable_where<'a>(
        &'a self,
        way: &'a Set,
        met: Option<usize>,
    ) -> Option<(&'a Set, Option<&'a Set>)> {
        let held: Set = way.iter().copied().chain(met).collect();
        let size = |(index, atom): (usize, &Atom)| {
            let shows = |held: &Atom| {
                matches!((held, atom), (Atom::Hash(..), Atom::Hash(..))) && held.shows_secret_of(atom)
            };
            let is_known = held.iter().filter_map(|&held| self.atoms().get(held)).any(shows);
            (is_known || is_covered(index, &held, self.atoms())).then(|| expected_size(atom))
        };
        let sizes = self.atoms().iter().enumerate().map(size).collect();
        let assumed = if met.is_some() { held.clone() } else { Set::new() };
        let search = Search { compiled: self, sizes, held: None, assumed };
        let (found, any) = search.cheapest(&|_| true);
        if found.is_some() || !any {
            return None;
        }
        // The replacing way, if it is known: another way whose conditions are all satisfied by the published witness.
        let exposed = |candidate: &Candidate| -> Set {
            let exposed = search.exposed(candidate, &search.shown(candidate));
            exposed.iter().enumerate().filter(|(_, size)| size.is_some()).map(|(nth, _)| nth).collect()
        };
        let exposed: Vec<Set> = search.candidates(&search.sizes, None).iter().map(exposed).collect();
        let opens = |other: &&Set| *other != way && exposed.iter().any(|shown| other.is_subset(shown));
        let ways = self.meaning.iter().flat_map(|meaning| &meaning.sets);
        Some((way, ways.into_iter().find(opens)))
    }

    /// Returns `true` if `other` is a leaf with the same script as the leaf `leaf`. Signatures for one are then valid
    /// in the other.
    fn is_twin(&self, leaf: usize, other: Option<Branch>) -> bool {
        let Some(Branch::Leaf(other)) = other else { return false };
        matches!((self.leaves.get(leaf), self.leaves.get(other)), (Some(a), Some(b)) if a.script == b.script)
    }

    /// Removes the signatures that commit to their own leaf from the available witness elements, because these
    /// signatures are invalid in other leaves. A removed element has the size `None`.
    fn drop_bound(&self, sizes: &mut [Option<usize>]) {
        for (size, atom) in sizes.iter_mut().zip(self.atoms()) {
            if atom.is_bound_to_leaf() {
                *size = None;
            }
        }
    }

    fn rank(&self, candidate: &Candidate) -> (usize, Branch) {
        let size = match candidate.branch {
            Branch::Key => candidate.stack.size,
            Branch::Leaf(nth) => {
                let script = self.leaves.get(nth).map_or(0, |leaf| element_size(leaf.script.len()));
                let block = self.output.control_blocks.get(nth).map_or(0, |block| element_size(block.len()));
                candidate.stack.size + script + block
            }
        };
        (size, candidate.branch)
    }
}

impl Search<'_> {
    fn atoms(&self) -> &[Atom] {
        self.compiled.atoms()
    }

    /// Returns the cheapest non-malleable witness, and whether any witness exists, even if it is malleable. Searches
    /// only the branches for which `allows` returns `true`.
    fn cheapest(&self, allows: &impl Fn(Branch) -> bool) -> (Option<Candidate>, bool) {
        let mut best: Option<Candidate> = None;
        let mut is_satisfied = false;
        for candidate in self.candidates(&self.sizes, None).into_iter().filter(|it| allows(it.branch)) {
            let found = if self.is_possible(&candidate) && self.is_sound(&candidate) {
                is_satisfied = true;
                Some(candidate)
            } else {
                let leaf = match candidate.branch {
                    Branch::Key => None,
                    Branch::Leaf(nth) => self.compiled.leaves.get(nth),
                };
                match leaf.and_then(|leaf| leaf.ways.as_ref().map(|ways| (leaf, ways))) {
                    Some((leaf, ways)) => {
                        let mut others = self.along(leaf, candidate.branch, ways);
                        is_satisfied |= !others.is_empty();
                        others.retain(|other| self.is_sound(other));
                        others.into_iter().min_by_key(|other| self.compiled.rank(other))
                    }
                    None => {
                        is_satisfied |= self.is_possible(&candidate);
                        self.make_sound(candidate, allows)
                    }
                }
            };
            let found = found.filter(|found| {
                best.as_ref().is_none_or(|best| self.compiled.rank(found) < self.compiled.rank(best))
            });
            best = found.or(best);
        }
        (best, is_satisfied)
    }

    /// Returns the cheapest witness for each way to satisfy a leaf that is possible with the available assets.
    fn along(&self, leaf: &CompiledLeaf, branch: Branch, ways: &[Set]) -> Vec<Candidate> {
        let is_held =
            |way: &&Set| way.iter().all(|&index| self.sizes.get(index).is_some_and(Option::is_some));
        let witness = |way: &Set| {
            let of_way = |(nth, size): (usize, &Option<usize>)| size.filter(|_| way.contains(&nth));
            let sizes: Vec<Option<usize>> = self.sizes.iter().enumerate().map(of_way).collect();
            let stack = leaf.frag.satisfy(self.atoms(), &sizes).sat?;
            Some(Candidate { branch, stack })
        };
        let found = ways.iter().filter(is_held).filter_map(witness);
        found.filter(|candidate| self.is_possible(candidate)).collect()
    }

    /// Returns the cheapest witness of each branch. If `from` is given, signatures that commit to their leaf are
    /// available only in this branch and in leaves with the same script.
    fn candidates(&self, sizes: &[Option<usize>], from: Option<Branch>) -> Vec<Candidate> {
        let compiled = self.compiled;
        let mut found = Vec::new();
        let bound = |branch| from.is_some_and(|from| from != branch);
        if let Some(key) = compiled.key_path
            && !bound(Branch::Key)
            && let Some(Some(size)) = sizes.get(key)
        {
            let stack = Stack { size: *size, elements: vec![Element::Atom(key)] };
            found.push(Candidate { branch: Branch::Key, stack });
        }
        for (nth, leaf) in compiled.leaves.iter().enumerate() {
            let mut sizes = sizes.to_vec();
            if bound(Branch::Leaf(nth)) && !compiled.is_twin(nth, from) {
                compiled.drop_bound(&mut sizes);
            }
            let sat = leaf.frag.satisfy(self.atoms(), &sizes).sat;
            found.extend(sat.map(|stack| Candidate { branch: Branch::Leaf(nth), stack }));
        }
        found
    }

    /// Returns `true` if one transaction can satisfy all conditions of the witness.
    fn is_possible(&self, candidate: &Candidate) -> bool {
        conflict(&candidate.atoms(), self.atoms()).is_none()
    }

    fn is_sound(&self, candidate: &Candidate) -> bool {
        self.ways(&self.exposed(candidate, &self.shown(candidate)), candidate.branch) <= 1
    }

    /// Returns the conditions that anybody can satisfy after seeing the candidate's witness. These are the conditions
    /// whose elements the witness contains. If a template fixes the transaction, conditions that this transaction may
    /// satisfy are included too.
    fn shown(&self, candidate: &Candidate) -> Vec<Option<usize>> {
        let used = candidate.atoms();
        let parts = || used.iter().filter_map(|&index| self.atoms().get(index));
        let has_template = parts().any(Atom::is_template);
        // A template may fix a transaction that satisfies any lock and any template of another kind. The compiler knows only
        // the template's hash, so it assumes both.
        let may_be_met = |atom: &Atom| {
            atom.is_lock() || atom.is_template() && !parts().any(|template| template.excludes(atom))
        };
        let keep = |(atom, size): (&Atom, &Option<usize>)| {
            if has_template && may_be_met(atom) {
                return Some(0);
            }
            size.filter(|_| parts().any(|used| used.implies(atom)))
        };
        self.atoms().iter().zip(&self.sizes).map(keep).collect()
    }

    /// Returns the conditions that anybody can satisfy after a witness is published: those in `shown`, and those that
    /// accept a value from the witness. A signed number may be valid for another condition of the same key. A published
    /// secret satisfies every condition that requires it.
    fn exposed(&self, candidate: &Candidate, shown: &[Option<usize>]) -> Vec<Option<usize>> {
        let used: Vec<usize> = candidate.atoms().into_iter().collect();
        let used_atoms = || used.iter().filter_map(|&index| self.atoms().get(index));
        let slots: Vec<&Slot> = match self.held {
            Some(held) => used.iter().filter_map(|&index| held.get(index)?.as_ref()).flatten().collect(),
            None => Vec::new(),
        };
        let is_signed_by_slots = |msg: &Msg, keys: &[KeyRef]| {
            slots.iter().any(|slot| {
                let Slot::MessageSignature { atom: of, values, .. } = slot else { return false };
                let signers = slots.iter().filter_map(|other| match other {
                    Slot::MessageSignature { key, atom, values: signed } if atom == of && signed == values => {
                        Some(*key)
                    }
                    _ => None,
                });
                let signers: BTreeSet<[u8; 32]> = signers.collect();
                keys.iter().all(|key| signers.contains(&key.x))
                    && matches!(self.atoms().get(*of), Some(Atom::Signed(shown, _)) if shows(shown, values, msg))
            })
        };
        let may_be_signed = |index: usize, msg: &Msg, keys: &[KeyRef]| {
            let is_shown = |used: &Atom| match used {
                Atom::Signed(shown, signers) => is_shown_by((shown, signers), (msg, keys)),
                _ => false,
            };
            self.assumed.contains(&index) && used_atoms().any(is_shown)
        };
        // Known secrets, and secrets that follow from them.
        let mut secrets: Vec<&Atom> = used_atoms().collect();
        let mut meets_secret = vec![false; self.atoms().len()];
        loop {
            let before = secrets.len();
            for (atom, meets) in self.atoms().iter().zip(&mut meets_secret) {
                let is_secret = matches!(atom, Atom::Opens(..) | Atom::Hash(..));
                if is_secret && !*meets && secrets.iter().any(|known| known.shows_secret_of(atom)) {
                    *meets = true;
                    secrets.push(atom);
                }
            }
            if secrets.len() == before {
                break;
            }
        }
        let meets = |(index, (atom, meets_secret)): (usize, (&Atom, &bool))| match atom {
            Atom::Signed(msg, keys) if self.held.is_some() => is_signed_by_slots(msg, keys),
            Atom::Signed(msg, keys) => may_be_signed(index, msg, keys),
            _ => *meets_secret,
        };
        let met = self.atoms().iter().zip(&meets_secret).enumerate().map(meets);
        shown.iter().zip(met).map(|(size, met)| size.or_else(|| met.then_some(1))).collect()
    }

    /// Returns the number of ways in which the coin can be spent with the published values: 0, 1, or 2 for two or more.
    fn ways(&self, shown: &[Option<usize>], branch: Branch) -> u8 {
        let compiled = self.compiled;
        let mut sum = u8::from(branch == Branch::Key);
        for (nth, leaf) in compiled.leaves.iter().enumerate() {
            let mut sizes = shown.to_vec();
            if branch != Branch::Leaf(nth) && !compiled.is_twin(nth, Some(branch)) {
                compiled.drop_bound(&mut sizes);
            }
            let held: Vec<bool> = sizes.iter().map(Option::is_some).collect();
            sum = (sum + leaf.frag.ways(self.atoms(), &held).0).min(2);
        }
        sum
    }

    /// Returns a witness from whose published values nobody can build another witness: the candidate, or a witness that
    /// publishes fewer values. Used for leaves with too many ways to examine each one; the result may not be the
    /// cheapest.
    fn make_sound(&self, mut candidate: Candidate, allows: &impl Fn(Branch) -> bool) -> Option<Candidate> {
        loop {
            let shown = self.shown(&candidate);
            if self.is_possible(&candidate)
                && self.ways(&self.exposed(&candidate, &shown), candidate.branch) <= 1
            {
                return Some(candidate);
            }
            // Each round leaves out one condition and so publishes fewer values, which guarantees that the loop ends.
            let without = |atom: &usize| {
                let dropped = self.atoms().get(*atom)?;
                let keep = |(other, size): (&Atom, &Option<usize>)| size.filter(|_| !other.implies(dropped));
                let sizes: Vec<_> = self.atoms().iter().zip(&shown).map(keep).collect();
                let mut found = self.candidates(&sizes, Some(candidate.branch));
                found.retain(|candidate| allows(candidate.branch) && self.is_possible(candidate));
                found.into_iter().min_by_key(|candidate| self.compiled.rank(candidate))
            };
            candidate = candidate.atoms().iter().find_map(without)?;
        }
    }
}

impl Compiled {
    fn lay_out(&self, candidate: &Candidate, held: &[Option<Vec<Slot>>]) -> Plan {
        let atoms = candidate.atoms();
        let mut slots = Vec::new();
        for element in &candidate.stack.elements {
            match element {
                Element::Empty => slots.push(Slot::Known(Vec::new())),
                Element::One => slots.push(Slot::Known(vec![1])),
                Element::Key(index) => {
                    let key = self.atoms().get(*index).and_then(|atom| atom.keys().first());
                    slots.push(Slot::Known(key.map(|key| key.x.to_vec()).unwrap_or_default()));
                }
                Element::Atom(index) => slots.extend(held.get(*index).cloned().flatten().unwrap_or_default()),
            }
        }
        let fixes_transaction =
            atoms.iter().filter_map(|&index| self.atoms().get(index)).any(Atom::is_template);
        let (mut script, mut control_block) = (Vec::new(), Vec::new());
        match candidate.branch {
            Branch::Key => {
                for slot in &mut slots {
                    if let Slot::Signature { kind, .. } = slot {
                        *kind = SignatureKind::KeyPath;
                    }
                }
            }
            Branch::Leaf(nth) => {
                script = self.leaves.get(nth).map(|leaf| leaf.script.clone()).unwrap_or_default();
                control_block = self.output.control_blocks.get(nth).cloned().unwrap_or_default();
            }
        }
        let (mut lock_time, mut sequence) = (0, None);
        let mut signature_checks = 0;
        let mut flags = Flags::NONE;
        for atom in atoms.iter().filter_map(|&index| self.atoms().get(index)) {
            match atom {
                Atom::After(n) => lock_time = lock_time.max(*n),
                Atom::Older(n) => sequence = sequence.max(Some(n & SEQUENCE_BITS)),
                _ => {}
            }
            signature_checks += atom.signature_checks();
        }
        for slot in &slots {
            if let Slot::Lock(lock) = slot {
                lock_time = lock_time.max(*lock);
            }
        }
        if let Branch::Leaf(nth) = candidate.branch {
            flags = self.leaves.get(nth).map(|leaf| self.leaf_flags(leaf)).unwrap_or_default();
        }
        if candidate.branch == Branch::Key {
            signature_checks = 0;
        }
        Plan {
            branch: candidate.branch,
            atoms,
            slots,
            lock_time,
            sequence: sequence.unwrap_or(SEQUENCE_NO_LOCK),
            fixes_transaction,
            script,
            control_block,
            signature_checks,
            flags,
        }
    }

    /// Returns the flags of the proposals that a leaf's script uses.
    pub fn leaf_flags(&self, leaf: &CompiledLeaf) -> Flags {
        leaf.atoms.iter().filter_map(|&atom| self.atoms().get(atom)).map(Atom::flags).collect()
    }

    /// Returns the size in bytes of a leaf's cheapest witness if all conditions can be satisfied, and the number of
    /// signature checks it is charged for. Assumes signatures and numbers of maximum size.
    pub fn cheapest_use(&self, leaf: &CompiledLeaf) -> Option<(usize, usize)> {
        let sizes: Vec<Option<usize>> =
            self.atoms().iter().map(|atom| Some(crate::piece::expected_size(atom))).collect();
        let stack = leaf.frag.satisfy(self.atoms(), &sizes).sat?;
        let size = compact_size(stack.elements.len() + 2)
            + stack.size
            + element_size(leaf.script.len())
            + element_size(crate::tree::control_block_size(leaf.depth));
        // An empty signature is not charged. A signature that is part of the script is charged although the witness does not
        // contain it.
        let mut met: Set = Candidate { branch: Branch::Key, stack }.atoms();
        let is_presigned = |index: &&usize| matches!(self.atoms().get(**index), Some(Atom::Presigned(..)));
        met.extend(leaf.atoms.iter().filter(is_presigned));
        let checks = met.iter().filter_map(|&index| self.atoms().get(index)).map(Atom::signature_checks);
        Some((size, checks.sum()))
    }
}
