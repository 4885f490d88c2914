//! Tests of the stack limit of consensus: a policy whose leaf reaches exactly 1,000 elements compiles and can be spent, and
//! one that would reach 1,001 is refused.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod support;

use sigstack_compiler::policy::{HashFn, Join};
use sigstack_compiler::{Compiled, Value, compile_text, pair_commit};
use sigstack_interpreter::ScriptError;
use support::{World, flags, hash, verify, with_witness};

const TOO_MANY: &str = "more than 1000 elements on the stack";

fn keys(world: &mut World, count: usize) -> String {
    let mut key = |nth: usize| format!("pk({})", hex::encode(world.key(&format!("many {nth}"))));
    (0..count).map(&mut key).collect::<Vec<_>>().join(",")
}

/// Spends the output with a plan for all assets. Then verifies that the script fails if the witness has one more
/// element at the bottom.
fn spends_with_a_full_stack(compiled: &Compiled, world: &mut World, policy: &str) {
    let assets = world.assets(compiled.atoms(), 0..compiled.atoms().len());
    let plan = compiled.plan(&assets).unwrap_or_else(|error| panic!("{policy}: {error}"));
    let (tx, prevout) = world.fill(compiled, &plan);
    assert_eq!(verify(&tx, &prevout, flags()), Ok(()), "{policy}");
    let more = [vec![Vec::new()], tx.input[0].witness.to_vec()].concat();
    let verdict = verify(&with_witness(&tx, &more), &prevout, flags());
    assert_eq!(verdict, Err(ScriptError::StackSize), "{policy}");
}

/// Returns conditions of each kind. Each comes with the number of `pk` conditions that must follow in the same leaf so
/// that the stack reaches exactly 1,000 elements.
fn conditions(world: &mut World) -> Vec<(usize, String)> {
    let key = |world: &mut World, name: &str| hex::encode(world.key(name));
    let (a, b) = (key(world, "A"), key(world, "B"));
    let image = hex::encode(world.preimage(HashFn::Hash256, "secret"));
    let (pair, cat) = (world.commit(Join::Pair, 7, "pair"), world.commit(Join::Cat, 7, "cat"));
    let (x, y) = (world.slot("x"), world.slot("y"));
    let opened = pair_commit(&x, &y);
    world.openings.insert(opened.to_vec(), vec![Value::Bytes(x), Value::Bytes(y)]);
    vec![
        (997, format!("hash256({image})")),
        (998, format!("apoas({a})")),
        (995, format!("signed(newer(5),{a},{b})")),
        (995, format!("signed(between(5,9),{a})")),
        (993, format!("signed(newer_wide(5),{a})")),
        (994, format!("signed(newer_pair({}),{a})", hex::encode(pair))),
        (993, format!("signed(newer_cat({}),{a})", hex::encode(cat))),
        (994, format!("signed(pair(any32(m),pair(newer(5),templatehash)),{a})")),
        (996, format!("signed(cat({},ctv),{a})", hex::encode(hash(&["tag"])))),
        (995, format!("signed(delegate,{a})")),
        (996, format!("opens({},pair(any(x),any32(y)))", hex::encode(opened))),
    ]
}

/// Tests every `one_in`-th entry of [`conditions`]. A leaf that fills the stack to exactly 1,000 elements must compile and be
/// spendable. A leaf that needs one element more must be refused; this is not checked if the policy text would be too
/// long.
fn fill_the_stack(one_in: usize) {
    let mut world = World { signed_lock: 1, ..World::default() };
    for (count, condition) in conditions(&mut world).into_iter().step_by(one_in) {
        let policy =
            |world: &mut World, count: usize| format!("tr(nums,and({condition},{}))", keys(world, count));
        let compiled = compile_text(&policy(&mut world, count));
        let compiled = compiled.unwrap_or_else(|error| panic!("{condition}: {error}"));
        spends_with_a_full_stack(&compiled, &mut world, &condition);
        // Above 998 conditions the policy text itself exceeds a limit.
        if count < 998 {
            let refused = compile_text(&policy(&mut world, count + 1)).unwrap_err();
            assert_eq!(refused.kind.to_string(), TOO_MANY, "{condition}");
        }
    }
}

#[test]
fn a_leaf_may_fill_the_stack_and_no_more() {
    fill_the_stack(4);
}

#[test]
#[ignore = "takes a minute; .ci/run runs it"]
fn a_leaf_of_each_condition_may_fill_the_stack_and_no_more() {
    fill_the_stack(1);
}

#[test]
fn a_threshold_may_fill_the_stack() {
    let mut world = World::default();
    let policy = format!("tr(nums,thresh(998,{}))", keys(&mut world, 999));
    let compiled = compile_text(&policy).unwrap_or_else(|error| panic!("{error}"));
    spends_with_a_full_stack(&compiled, &mut world, "998 of 999");
    let more = |world: &mut World, count: usize| {
        let statement = format!("signed(newer(5),{})", hex::encode(world.key("A")));
        format!("tr(nums,and({statement},thresh(2,{})))", keys(world, count))
    };
    let full = compile_text(&more(&mut world, 994)).unwrap_or_else(|error| panic!("{error}"));
    spends_with_a_full_stack(&full, &mut world, "2 of 994 and a statement");
    let refused = compile_text(&more(&mut world, 995)).unwrap_err();
    assert_eq!(refused.kind.to_string(), TOO_MANY);
}
