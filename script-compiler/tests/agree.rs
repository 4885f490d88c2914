//! Tests that `compile` and `plan` agree on small random policies whose conditions share keys, secrets and templates:
//! `compile` refuses a policy as malleable if and only if for some assets all witnesses are malleable, and `plan` returns
//! the lightest plan.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use sigstack_compiler::policy::{HashFn, Join};
use sigstack_compiler::{Branch, Compiled, ErrorKind, PlanError, Reason, compile, parse};
use support::generate::Rng;
use support::{Template, World, held_set, template_output};

/// Number of policies tested.
const POLICIES: usize = 1_500;

struct Pool {
    world: World,
    conditions: Vec<String>,
}

fn pool() -> Pool {
    let mut world = World { signed_lock: 1, ..World::default() };
    let mut conditions: Vec<String> =
        ["A", "B", "C"].iter().map(|name| format!("pk({})", hex::encode(world.key(name)))).collect();
    for (function, name) in
        [(HashFn::Sha256, "one"), (HashFn::Hash160, "one"), (HashFn::Hash256, "one"), (HashFn::Sha256, "two")]
    {
        conditions.push(format!("{}({})", function.name(), hex::encode(world.preimage(function, name))));
    }
    for name in ["one", "two"] {
        let template =
            Template { lock_time: 900_000, sequence: 60_000, outputs: vec![template_output(name)] };
        let hashes = world.template(&template);
        conditions.push(format!("ctv({})", hex::encode(hashes.ctv)));
        conditions.push(format!("templatehash({})", hex::encode(hashes.template_hash)));
    }
    conditions.extend(["after(100)", "after(200)", "older(5)", "older(6)"].map(str::to_owned));
    let signer = hex::encode(world.key("M"));
    for message in ["atleast(4)", "atleast(5)", "between(0,4)", "between(0,5)"] {
        conditions.push(format!("signed({message},{signer})"));
    }
    let rebinder = hex::encode(world.key("R"));
    conditions.push(format!("apo({rebinder})"));
    let number = hex::encode(world.commit(Join::Pair, 7, "number"));
    conditions.push(format!("signed(newer_pair({number}),{})", hex::encode(world.key("N"))));
    Pool { world, conditions }
}

fn policy(rng: &mut Rng, pool: &[String], budget: usize) -> String {
    if budget <= 1 {
        return pool[rng.below(pool.len())].clone();
    }
    let left = 1 + rng.below(budget - 1);
    let parts = [policy(rng, pool, left), policy(rng, pool, budget - left)].join(",");
    let kind = ["and", "or"][rng.below(2)];
    format!("{kind}({parts})")
}

fn compiled(text: &str, but: Option<Reason>) -> Result<Compiled, ErrorKind> {
    let allowed: BTreeSet<Reason> =
        Reason::ALL.iter().copied().filter(|reason| Some(*reason) != but).collect();
    compile(&parse(text).unwrap(), &BTreeMap::new(), &allowed).map_err(|error| error.kind)
}

/// Returns `true` if for some assets all witnesses are malleable. Also verifies that additional assets never make a plan
/// heavier, and that no plan from fewer assets or for a single branch is lighter.
fn has_malleable(compiled: &Compiled, world: &mut World, text: &str) -> bool {
    let atoms = compiled.atoms();
    let mut branches: Vec<Branch> = (0..compiled.leaves.len()).map(Branch::Leaf).collect();
    branches.extend(compiled.key_path.map(|_| Branch::Key));
    let mut lightest: BTreeMap<u64, Option<usize>> = BTreeMap::new();
    let mut is_malleable = false;
    for bits in 0..1u64 << atoms.len() {
        let assets = world.assets(atoms, held_set(atoms, bits));
        let plan = compiled.plan(&assets);
        is_malleable |= plan == Err(PlanError::Malleable);
        let by_branch = branches
            .iter()
            .filter_map(|branch| compiled.plan_among(&assets, |other| other == *branch).ok())
            .map(|plan| plan.witness_size());
        let fewer = (0..atoms.len())
            .filter(|bit| bits >> bit & 1 == 1)
            .filter_map(|bit| lightest[&(bits & !(1 << bit))]);
        let expected = by_branch.chain(fewer).min();
        let size = plan.ok().map(|plan| plan.witness_size());
        assert_eq!(size, expected, "{:?} of {text}", held_set(atoms, bits));
        lightest.insert(bits, size);
    }
    is_malleable
}

#[test]
fn compile_refuses_what_has_only_malleable_plans() {
    let Pool { mut world, conditions } = pool();
    let mut rng = Rng::new(18);
    let (mut refused, mut accepted) = (0, 0);
    for _ in 0..POLICIES {
        let budget = 2 + rng.below(4);
        let text = policy(&mut rng, &conditions, budget);
        let is_refused = match compiled(&text, Some(Reason::Malleable)) {
            Ok(_) => false,
            Err(ErrorKind::Refused(Reason::Malleable, _)) => true,
            Err(_) => continue,
        };
        *if is_refused { &mut refused } else { &mut accepted } += 1;
        let compiled = compiled(&text, None).unwrap();
        assert_eq!(has_malleable(&compiled, &mut world, &text), is_refused, "{text}");
    }
    println!("{refused} refused, {accepted} accepted");
    assert!(refused > 30 && accepted > 500, "{refused} refused, {accepted} accepted");
}
