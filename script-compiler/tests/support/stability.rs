//! What the compiler makes of generated policies, in a line each: addresses and plans that must not change from one version to
//! the next, or coins are not found again.

use std::path::PathBuf;

use bitcoin::Network;
use bitcoin::hashes::{Hash, sha256};
use sigstack_compiler::report::{compiled_json, plan_json};
use sigstack_compiler::{Compiled, Plan, PlanError, Reason, compile, parse};

use super::generate::Generator;
use super::{World, held_set};

/// Policies of the file.
const POLICIES: u64 = 800;

/// Most sets of conditions that are planned for one policy, so that its size does not decide how long the test takes.
const MOST_SETS: u64 = 64;

pub fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stability.txt")
}

/// The lines, each made when it is asked for: the first that differs tells enough.
pub fn lines() -> impl Iterator<Item = String> {
    (1..=POLICIES).map(|seed| format!("{seed}: {}", line(seed)))
}

/// The policy of a seed: what refuses it, or its scriptPubKey, what is planned and how much the witnesses weigh, and a digest
/// of the reports of both.
fn line(seed: u64) -> String {
    let mut generator = Generator::new(seed, seed.is_multiple_of(4));
    let text = generator.document(if seed.is_multiple_of(8) { 12 } else { 6 });
    let document = parse(&text).unwrap();
    // Every second one with all checks allowed, so that what most of them would refuse is compiled too.
    let allowed = if seed.is_multiple_of(2) { Reason::ALL } else { &[] };
    match compile(&document, &Default::default(), &allowed.iter().copied().collect()) {
        Ok(compiled) => {
            let mut report = compiled_json(&compiled, Network::Regtest, &text);
            // Notes say what has no effect on the output.
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

/// How many sets of conditions have a plan, what the witnesses weigh together, and how many sets have none but malleable ones.
fn planned(compiled: &Compiled, world: &mut World, mut see: impl FnMut(&Plan)) -> [usize; 3] {
    let atoms = compiled.atoms();
    let all = 1u64 << atoms.len();
    let mut counts = [0; 3];
    // Sets that are spread over all there are, the whole one among them.
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
