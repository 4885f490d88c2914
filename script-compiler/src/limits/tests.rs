//! Bounds that policies which compile seldom come near.

use super::*;
use crate::atom::KeyRef;
use crate::fragment::Frag;
use crate::message::Bounds;
use crate::policy::{HashFn, Join};
use crate::resolve::{Node, ONE};

fn key(byte: u8) -> KeyRef {
    KeyRef { x: [byte; 32], internal: false }
}

#[test]
fn conditions_take_elements() {
    let opened = Msg::NewerOpened(Join::Cat, [0; 32]);
    let number = Msg::Number(Bounds::AtLeast(1));
    let pair = Msg::Join(Join::Pair, Box::new(opened.clone()), Box::new(number.clone()));
    let cases = [
        (Atom::Sig(key(1)), 1),
        (Atom::Rebind(crate::policy::Rebind::AnyPrevout, key(1)), 1),
        (Atom::Hash(HashFn::Sha256, vec![0; 32]), 1),
        (Atom::After(1), 0),
        (Atom::Ctv([0; 32]), 0),
        (Atom::Presigned(key(1), vec![]), 0),
        (Atom::Signed(Msg::Fixed(vec![1]), vec![key(1)]), 1),
        (Atom::Signed(Msg::TemplateHash, vec![key(1), key(2)]), 2),
        (Atom::Signed(Msg::Ctv(true), vec![key(1)]), 2),
        (Atom::Signed(Msg::NewerWide(1), vec![key(1)]), 3),
        (Atom::Signed(Msg::Delegate, vec![key(1)]), 3),
        (Atom::Signed(number.clone(), vec![key(1), key(2)]), 3),
        (Atom::Opens(vec![0; 32], opened), 4),
        (Atom::Opens(vec![0; 32], number), 1),
        (Atom::Opens(vec![0; 32], pair), 5),
    ];
    for (atom, count) in cases {
        assert_eq!(elements(&atom), count, "{atom:?}");
    }
}

#[test]
fn results_wait_while_others_are_made() {
    let sig = || Frag::Atom(0).boxed();
    // With one result that waits in it.
    let sum = || Frag::Thresh(1, sig(), vec![Frag::AddSig(0)]).boxed();
    let deep = || Frag::AndB(sum(), Frag::Swap(sig()).boxed()).boxed();
    let depths = [
        (*sig(), 0),
        (Frag::Key(0), 0),
        (*sum(), 1),
        (*deep(), 2),
        (Frag::AndB(sig(), deep()), 3),
        (Frag::OrB(sig(), sig()), 1),
        (Frag::OrB(sum(), sig()), 2),
        (Frag::OrB(sig(), sum()), 2),
        (Frag::OrC(deep(), sum()), 2),
        (Frag::OrD(sum(), deep()), 2),
        (Frag::OrI(sig(), sum()), 1),
        (Frag::AndOr(deep(), sig(), sum()), 2),
        (Frag::AndOr(sig(), deep(), sum()), 2),
        (Frag::AndOr(sig(), sum(), deep()), 2),
        (Frag::And(vec![*sig(), *deep(), *sum()]), 2),
        (Frag::Thresh(1, deep(), vec![*sum()]), 3),
        (Frag::Thresh(1, sig(), vec![*sum(), *deep()]), 3),
    ];
    for (frag, depth) in depths {
        assert_eq!(frag.nesting(), depth, "{frag:?}");
        let wraps = [
            Frag::AddIf,
            Frag::DupIf,
            Frag::NonZero,
            Frag::Verify,
            Frag::Add,
            Frag::Unit,
            Frag::Swap,
            Frag::Alt,
        ];
        for wrap in wraps {
            assert_eq!(wrap(frag.clone().boxed()).nesting(), depth, "around {frag:?}");
        }
    }
}

#[test]
fn a_stack_is_what_comes_and_what_waits() {
    let atoms = [Atom::Sig(key(1)), Atom::Opens(vec![0; 32], Msg::NewerOpened(Join::Cat, [0; 32]))];
    let with = |frag: Frag| {
        let leaf = CompiledLeaf {
            policy: Node::True,
            frag,
            script: vec![],
            depth: 0,
            atoms: BTreeSet::from([0, 1]),
            probability: ONE,
        };
        stack_bound(&leaf, &atoms)
    };
    assert_eq!(with(Frag::Atom(0)), 1 + WORKING_ELEMENTS);
    assert_eq!(
        with(Frag::And(vec![Frag::Verify(Frag::Atom(0).boxed()), Frag::Atom(1)])),
        5 + WORKING_ELEMENTS
    );
    assert_eq!(
        with(Frag::OrB(Frag::Atom(0).boxed(), Frag::Swap(Frag::Atom(0).boxed()).boxed())),
        3 + WORKING_ELEMENTS
    );
}

#[test]
fn a_check_costs_fifty_units() {
    // BIP 342, "Resource limits": the witness's size plus 50, and 50 less for each check.
    assert_eq!((budget(100, 0), budget(100, 3), budget(0, 1), budget(49, 2)), (150, 0, 0, -1));
    assert_eq!(budget(usize::MAX, 0), i64::MAX);
    assert_eq!(budget(0, usize::MAX), 50 - i64::MAX);
}

#[test]
fn leaves_are_held_to_the_limits() {
    let compiled = crate::compile_text(&format!("tr(nums,pk({}))", hex::encode(crate::NUMS))).unwrap();
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
    let fits = MAX_STACK_SIZE - WORKING_ELEMENTS;
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
