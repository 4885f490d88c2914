//! The compiler's results for generated policies, one line each. The addresses and plans must not change between versions,
//! because wallets could otherwise not find their coins.

use std::path::PathBuf;

use bitcoin::Network;
use bitcoin::hashes::{Hash, sha256};
use sigstack_compiler::report::{compiled_json, plan_json};
use sigstack_compiler::{Compiled, Plan, PlanError, Reason, compile, parse};

use super::generate::Generator;
use super::{World, held_set};

/// Number of generated policies in the file `stability.txt`.
const POLICIES: u64 = 800;

/// Maximum number of sets of conditions that are planned for one policy, so that large policies do not dominate the duration
/// of the test.
const MOST_SETS: u64 = 64;

pub fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stability.txt")
}

/// Returns the lines of the file `stability.txt`. The iterator computes each line on demand, so that a test can stop at
/// the first difference.
pub fn lines() -> impl Iterator<Item = String> {
    (1..=POLICIES).map(|seed| format!("{seed}: {}", line(seed)))
}

/// Compiles the policy that is generated from a seed, and returns the result as one line. The line of a refused policy
/// gives the reason. Every other line gives the scriptPubKey, the number of plans, the weight of the witnesses, and a
/// digest of the reports.
fn line(seed: u64) -> String {
    let mut generator = Generator::new(seed, seed.is_multiple_of(4));
    let text = generator.document(if seed.is_multiple_of(8) { 12 } else { 6 });
    let document = parse(&text).unwrap();
    // All checks are disabled for every second policy, so that policies which most checks would refuse are compiled too.
    let allowed = if seed.is_multiple_of(2) { Reason::ALL } else { &[] };
    match compile(&document, &Default::default(), &allowed.iter().copied().collect()) {
        Ok(compiled) => {
            let mut report = compiled_json(&compiled, Network::Regtest, &text);
            // Notes describe parts without effect on the output, so they may change between versions.
            report.as_object_mut().unwrap().remove("notes");
            let mut seen = report.to_string();
            let [plans, weight, malleable] = planned(&compiled, &mut generator.world, |plan| {
                seen += &plan_json(&compiled, plan).to_string()
            });
            let script = hex::encode(compiled.output.script_pubkey());
            let digest = &hex::encode(sha256::Hash::hash(seen.as_bytes()))[..16];
            format!("{script} {plans} plans of {weight} WU, {malleable} malleable, {digest}")
        }
        Err(error) => error.to_string(),
    }
}

/// Returns the number of sets of conditions that have a plan, the weight of all their witnesses together, and the number of
/// sets with only malleable witnesses.
fn planned(compiled: &Compiled, world: &mut World, mut see: impl FnMut(&Plan)) -> [usize; 3] {
    let atoms = compiled.atoms();
    let all = 1u64 << atoms.len();
    let mut counts = [0; 3];
    // The sets are spread evenly over all subsets, and include the set of all conditions.
    for nth in 0..all.min(MOST_SETS) {
        let bits = all - 1 - nth * (all / all.min(MOST_SETS));
        match compiled.plan(&world.assets(atoms, held_set(atoms, bits))) {
            Ok(plan) => {
                counts[0] += 1;
                counts[1] += plan.witness_size();
                see(&plan);
            }
            Err(PlanError::Malleable) => counts[2] += 1,
            Err(_) => {}
        }
    }
    counts
}
