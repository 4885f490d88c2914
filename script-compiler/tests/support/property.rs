//! The property tested on every compiled policy: plans exist exactly for the assets that satisfy the canonical form, their
//! witnesses are accepted, damaged witnesses are rejected, and the sizes are as planned.

use std::collections::BTreeMap;

use bitcoin::consensus::serialize;
use sigstack_compiler::{Branch, Compiled, PlanError, Set};
use sigstack_interpreter::Flags;

use super::attack::attack;
use super::{World, damaged, flags, held_set, relay_flags, verify, with_witness};

/// Maximum number of stacks of one length that the simulated third party tries in a leaf.
const MOST_STACKS: usize = 300;

/// Numbers of cases that the property test checked, by kind of case.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub subsets: usize,
    pub satisfied: usize,
    pub witnesses: usize,
    pub damaged: usize,
    pub attacks: usize,
}

impl core::ops::AddAssign for Seen {
    fn add_assign(&mut self, other: Seen) {
        self.subsets += other.subsets;
        self.satisfied += other.satisfied;
        self.witnesses += other.witnesses;
        self.damaged += other.damaged;
        self.attacks += other.attacks;
    }
}

/// Checks the plans and witnesses of a policy for every subset of its conditions.
///
/// # Errors
///
/// A description of the check that failed.
pub fn check(compiled: &Compiled, world: &mut World) -> Result<Seen, String> {
    let atoms = compiled.atoms();
    let meaning = compiled.meaning.as_ref().ok_or("no canonical form")?;
    let mut seen = Seen::default();
    let mut known: BTreeMap<(Branch, Set), ()> = BTreeMap::new();
    for bits in 0..1u64 << atoms.len() {
        let held = held_set(atoms, bits);
        let assets = world.assets(atoms, held.iter().copied());
        let is_satisfied = meaning.is_satisfied_by(&held, atoms);
        seen.subsets += 1;
        let plan = match (compiled.plan(&assets), is_satisfied) {
            (Ok(plan), true) => plan,
            (Err(PlanError::NotSatisfied), false) => continue,
            (plan, _) => {
                return Err(format!(
                    "{held:?}: the canonical form says {is_satisfied}, the plan is {plan:?}"
                ));
            }
        };
        seen.satisfied += 1;
        if known.insert((plan.branch, plan.atoms.clone()), ()).is_some() {
            continue;
        }
        let (tx, prevout) = world.fill(compiled, &plan);
        let witness: Vec<Vec<u8>> = tx.input[0].witness.to_vec();
        let size = serialize(&tx.input[0].witness).len();
        if size != plan.witness_size() {
            return Err(format!("{held:?}: planned {} bytes, the witness has {size}", plan.witness_size()));
        }
        for flags in [flags(), relay_flags(), Flags::CONSENSUS | plan.flags] {
            if let Err(error) = verify(&tx, &prevout, flags) {
                return Err(format!("{held:?}: {plan:?} is refused: {error:?}"));
            }
        }
        seen.witnesses += 1;
        for (what, witness) in damaged(&witness) {
            seen.damaged += 1;
            if verify(&with_witness(&tx, &witness), &prevout, flags()).is_ok() {
                return Err(format!("{held:?}: accepted with {what}: {plan:?}"));
            }
        }
        let attack = attack(compiled, &tx, &prevout, MOST_STACKS);
        seen.attacks += attack.tried;
        if let Some(witness) = attack.accepted.first() {
            return Err(format!("{held:?}: a third party makes {witness:02x?} of {plan:?}"));
        }
    }
    Ok(seen)
}
