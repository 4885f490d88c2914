//! Tests of limits that compiled policies rarely approach.

use super::*;
use crate::fragment::Frag;

#[test]
fn a_check_costs_fifty_units() {
    // BIP 342, "Resource limits": the budget is the witness's size plus 50, and each check costs 50.
    assert_eq!((budget(100, 0), budget(100, 3), budget(0, 1), budget(49, 2)), (150, 0, 0, -1));
    assert_eq!(budget(usize::MAX, 0), i64::MAX);
    assert_eq!(budget(0, usize::MAX), 50 - i64::MAX);
}

#[test]
fn leaves_are_held_to_the_limits() {
    let compiled = crate::compile_text(&format!(
        "tr(nums,pk({}))",
        "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    ))
    .unwrap();
    let with = |change: &dyn Fn(&mut CompiledLeaf)| {
        let mut changed = compiled.clone();
        change(&mut changed.leaves[0]);
        changed
    };
    let sigs = |count: usize| {
        move |leaf: &mut CompiledLeaf| {
            leaf.frag = Frag::And(vec![Frag::Verify(Frag::Atom(0).boxed()); count]);
        }
    };
    let depth = |depth: usize| move |leaf: &mut CompiledLeaf| leaf.depth = depth;
    // When the script checks the first signature, the stack contains all signatures and the first key. The largest leaf
    // that fits therefore has one signature less than the stack limit.
    let fits = MAX_STACK_SIZE - 1;
    assert_eq!((check(&with(&sigs(fits))), check(&with(&depth(128)))), (Ok(()), Ok(())));
    let too_large = |what, limit| Err(ErrorKind::TooLarge { what, limit });
    assert_eq!(check(&with(&sigs(fits + 1))), too_large("elements on the stack", 1000));
    assert_eq!(check(&with(&depth(129))), too_large("Merkle steps to a leaf", 128));
    let script = |len: usize| move |leaf: &mut CompiledLeaf| leaf.script = vec![0; len];
    let is_warned = |len: usize| {
        warnings(&with(&script(len))).iter().any(|text| text.contains("larger than a transaction"))
    };
    assert!(
        !is_warned(MAX_STANDARD_WEIGHT)
            && is_warned(MAX_STANDARD_WEIGHT + 1)
            && is_warned(2 * MAX_STANDARD_WEIGHT)
    );
}
