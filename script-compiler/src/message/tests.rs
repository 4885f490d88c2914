//! Tests that messages have their declared properties, and that their scripts accept exactly the declared values.

use sigstack_interpreter::{Context, MockHost, NoInspector, PROPOSALS, Stack, Tapscript, run_script};

use super::*;
use crate::commitment::commit_number;

fn joined(join: Join, left: Msg, right: Msg) -> Msg {
    Msg::Join(join, Box::new(left), Box::new(right))
}

fn any() -> Msg {
    Msg::Any("a".into())
}

fn any32() -> Msg {
    Msg::Any32("b".into())
}

fn number(bounds: Bounds) -> Msg {
    Msg::Number(bounds)
}

fn fixed(len: usize) -> Msg {
    Msg::Fixed(vec![0x66; len])
}

fn sha256(msg: Msg) -> Msg {
    Msg::Sha256(Box::new(msg))
}

fn opened() -> Msg {
    Msg::NewerOpened(Join::Cat, commit_number(Join::Cat, 4, &[9; 32]))
}

const AT_MOST: Bounds = Bounds::AtMost(9);

#[test]
fn lengths_decide_what_can_be_joined() {
    // The message, whether its length is always the same, and its minimum and maximum length in bytes.
    let single = [
        (fixed(3), true, (3, 3)),
        (any(), false, (0, 520)),
        (any32(), true, (32, 32)),
        (number(AT_MOST), false, (0, 4)),
        (Msg::Locktime, false, (1, 5)),
        (Msg::NewerWide(1), true, (32, 32)),
        (opened(), true, (32, 32)),
        (Msg::Ctv(true), true, (32, 32)),
        (Msg::TemplateHash, true, (32, 32)),
        (Msg::Delegate, true, (32, 32)),
        (sha256(any()), true, (32, 32)),
        (joined(Join::Pair, any(), any()), true, (32, 32)),
    ];
    for (left, is_fixed, (least, most)) in &single {
        assert_eq!((left.has_fixed_length(), left.length()), (*is_fixed, (*least, *most)), "{left:?}");
        assert!(!left.has_ambiguous_cat() && !left.is_too_long(), "{left:?}");
        for (right, is_right_fixed, (fewest, longest)) in &single {
            let cat = joined(Join::Cat, left.clone(), right.clone());
            assert_eq!(cat.has_fixed_length(), *is_fixed && *is_right_fixed, "{cat:?}");
            assert_eq!(cat.length(), (least + fewest, most + longest), "{cat:?}");
            let is_ambiguous = !is_fixed && !is_right_fixed;
            let pair = joined(Join::Pair, left.clone(), right.clone());
            assert_eq!((cat.has_ambiguous_cat(), pair.has_ambiguous_cat()), (is_ambiguous, false), "{cat:?}");
            // The result is the same wherever the concatenation is nested in a message.
            let inside = [
                sha256(cat.clone()),
                joined(Join::Pair, cat.clone(), any32()),
                joined(Join::Pair, any32(), cat.clone()),
            ];
            assert!(inside.iter().all(|msg| msg.has_ambiguous_cat() == is_ambiguous), "{cat:?}");
        }
    }
}

#[test]
fn a_concatenation_is_as_long_as_an_element() {
    let cat = |len: usize| joined(Join::Cat, fixed(len), joined(Join::Cat, fixed(200), any()));
    assert!(!cat(320).is_too_long() && cat(321).is_too_long());
    for msg in [sha256(cat(321)), joined(Join::Pair, any(), cat(321)), joined(Join::Pair, cat(321), any())] {
        assert!(msg.is_too_long(), "{msg:?}");
    }
    assert!(!joined(Join::Pair, fixed(400), fixed(400)).is_too_long());
}

#[test]
fn what_covers_what() {
    let groups = [
        vec![number(Bounds::Between(4, 6)), number(Bounds::AtLeast(4))],
        vec![number(Bounds::Newer(5)), number(Bounds::AtLeast(6)), number(Bounds::Newer(3))],
        vec![number(Bounds::AtMost(8)), number(AT_MOST)],
        vec![number(Bounds::Between(0, 10)), number(AT_MOST)],
        vec![Msg::NewerWide(7), Msg::NewerWide(6)],
        vec![any32(), any()],
        vec![Msg::Delegate],
        vec![fixed(2)],
        vec![fixed(3)],
    ];
    // Within a group, a value that is valid for one message is also valid for the messages after it. Between groups
    // there is no such relation, except between groups of numbers.
    for group in &groups {
        for (nth, msg) in group.iter().enumerate() {
            for other in &group[nth..] {
                assert!(msg.covers(other), "{msg:?} {other:?}");
                for join in [Join::Cat, Join::Pair] {
                    let of = |left: &Msg, right: &Msg| joined(join, left.clone(), right.clone());
                    assert!(
                        of(msg, &any()).covers(&of(other, &any()))
                            && of(&any(), msg).covers(&of(&any(), other))
                    );
                    if msg != other && !other.covers(msg) {
                        assert!(!of(other, &any()).covers(&of(msg, &any())), "{other:?} {msg:?}");
                        assert!(!of(&any(), other).covers(&of(&any(), msg)), "{other:?} {msg:?}");
                        assert!(!sha256(other.clone()).covers(&sha256(msg.clone())));
                    }
                }
                assert!(sha256(msg.clone()).covers(&sha256(other.clone())));
            }
        }
    }
    let apart = [
        (number(Bounds::AtLeast(4)), number(Bounds::Between(4, 6))),
        (number(AT_MOST), number(Bounds::AtMost(8))),
        (Msg::NewerWide(6), Msg::NewerWide(7)),
        (any(), any32()),
        (fixed(2), fixed(3)),
        (fixed(32), any32()),
        (joined(Join::Cat, any(), any()), joined(Join::Pair, any(), any())),
        (sha256(any()), any()),
    ];
    assert!(apart.iter().all(|(msg, other)| !msg.covers(other)));
}

#[test]
fn shapes_are_joins_and_hashes() {
    let pair = |left, right| joined(Join::Pair, left, right);
    let alike = [
        (any(), fixed(3)),
        (Msg::Locktime, any32()),
        (sha256(any()), sha256(fixed(1))),
        (pair(any(), Msg::Delegate), pair(fixed(1), any())),
    ];
    assert!(alike.iter().all(|(one, other)| one.has_shape_of(other) && other.has_shape_of(one)));
    let apart = [
        (any(), sha256(any())),
        (any(), pair(any(), any())),
        (sha256(any()), pair(any(), any())),
        (pair(any(), any()), joined(Join::Cat, any(), any())),
        (pair(any(), any()), pair(sha256(any()), any())),
        (pair(any(), any()), pair(any(), sha256(any()))),
        (sha256(any()), sha256(sha256(any()))),
    ];
    assert!(apart.iter().all(|(one, other)| !one.has_shape_of(other) && !other.has_shape_of(one)));
}

#[test]
fn template_keys_sign_what_holds_a_template() {
    let pair = |left, right| joined(Join::Pair, left, right);
    let fit = [
        Msg::Ctv(false),
        Msg::TemplateHash,
        pair(Msg::Ctv(true), any()),
        pair(any(), Msg::TemplateHash),
        sha256(Msg::TemplateHash),
    ];
    assert!(fit.iter().all(|msg| msg.is_for_template_keys() && msg.has_template()));
    let others = [any(), pair(any(), any32()), sha256(any()), Msg::Delegate];
    assert!(others.iter().all(|msg| !msg.is_for_template_keys() && !msg.has_template()));
    // A key that signs only templates may not sign this concatenation, because it can be split at another place.
    let cut = joined(Join::Cat, Msg::Ctv(true), any());
    assert!(cut.has_template() && !cut.is_for_template_keys());
}

#[test]
fn flags_are_those_of_all_parts() {
    let cases = [
        (any(), Flags::NONE),
        (Msg::Ctv(true), Flags::CHECKTEMPLATEVERIFY),
        (Msg::TemplateHash, Flags::TEMPLATEHASH),
        (Msg::NewerWide(3), Flags::PAIRCOMMIT),
        (opened(), Flags::OP_CAT),
        (Msg::NewerOpened(Join::Pair, [0; 32]), Flags::PAIRCOMMIT),
        (joined(Join::Cat, Msg::Ctv(true), any()), Flags::OP_CAT | Flags::CHECKTEMPLATEVERIFY),
        (joined(Join::Pair, any(), Msg::TemplateHash), Flags::PAIRCOMMIT | Flags::TEMPLATEHASH),
        (sha256(Msg::TemplateHash), Flags::TEMPLATEHASH),
    ];
    for (msg, flags) in cases {
        assert_eq!(msg.flags(), flags, "{msg:?}");
    }
}

#[test]
fn bounds_hold_numbers() {
    let cases = [
        (Bounds::Newer(4), Some(5), vec![5, 6, MAX_NUMBER], vec![0, 4, MAX_NUMBER + 1]),
        (Bounds::AtLeast(4), Some(4), vec![4, MAX_NUMBER], vec![3, MAX_NUMBER + 1]),
        (Bounds::AtMost(4), Some(0), vec![0, 4], vec![5]),
        (Bounds::Between(4, 6), Some(4), vec![4, 5], vec![3, 6]),
        (Bounds::Between(6, 6), None, vec![], vec![5, 6, 7]),
        (Bounds::Newer(MAX_NUMBER), None, vec![], vec![MAX_NUMBER, MAX_NUMBER + 1]),
        (Bounds::AtMost(u64::MAX), Some(0), vec![MAX_NUMBER], vec![MAX_NUMBER + 1]),
        (Bounds::Between(1, u64::MAX), Some(1), vec![MAX_NUMBER], vec![MAX_NUMBER + 1]),
    ];
    for (bounds, least, within, outside) in cases {
        assert_eq!(bounds.least(), least, "{bounds:?}");
        assert!(within.iter().all(|number| bounds.contains(*number)), "{bounds:?}");
        assert!(!outside.iter().any(|number| bounds.contains(*number)), "{bounds:?}");
    }
}

/// Runs the script of a message on the elements, bottom first. Returns the remaining stack, or `None` if the script fails.
fn left(msg: &Msg, elements: &[&[u8]]) -> Option<Vec<Vec<u8>>> {
    let mut out = Writer::default();
    msg.write(&mut out);
    let mut host = MockHost::new(|question| question == sigstack_interpreter::Question::LockTime(7));
    let flags = PROPOSALS.iter().fold(Flags::CONSENSUS, |flags, proposal| flags | proposal.flag);
    let mut stack = Stack::new();
    elements.iter().for_each(|element| stack.push(element).unwrap());
    let context = Context::Tapscript(Tapscript::new([0; 32], [0; 32], None, 1_000));
    run_script(&mut stack, &out.bytes, context, flags, &mut host, &mut NoInspector).ok()?;
    Some(stack.iter().map(<[u8]>::to_vec).collect())
}

#[test]
fn scripts_check_parts_wherever_they_lie() {
    // A part, an element that it accepts, and elements that it rejects.
    let blinding = [9; 32];
    let parts: [(Msg, Vec<u8>, Vec<Vec<u8>>); 7] = [
        (any(), vec![1, 2, 3], vec![]),
        (any32(), vec![8; 32], vec![vec![8; 31], vec![8; 33]]),
        (number(Bounds::Newer(4)), vec![5], vec![vec![4], vec![0x85]]),
        (number(Bounds::AtLeast(4)), vec![4], vec![vec![3]]),
        (number(Bounds::AtMost(4)), vec![4], vec![vec![5]]),
        (number(Bounds::Between(4, 6)), vec![5], vec![vec![3], vec![6]]),
        (Msg::Locktime, vec![7], vec![vec![8]]),
    ];
    for (part, good, bad) in &parts {
        let tries = bad.iter().map(|bad| (bad, false)).chain([(good, true)]);
        for (element, is_good) in tries {
            let expected = |message: Vec<u8>| is_good.then(|| vec![message]);
            assert_eq!(left(part, &[element]), expected(element.clone()), "{part:?} {element:?}");
            // The part is joined to bytes that the script pushes, on its right and on its left, and then to another witness
            // element on either side.
            let cat = |left: &Msg, right: &Msg| joined(Join::Cat, left.clone(), right.clone());
            let made = fixed(2);
            assert_eq!(
                left(&cat(part, &made), &[element]),
                expected([element.as_slice(), &[0x66; 2]].concat()),
                "{part:?}"
            );
            assert_eq!(
                left(&cat(&made, part), &[element]),
                expected([&[0x66; 2], element.as_slice()].concat()),
                "{part:?}"
            );
            let beside = [0x11; 32];
            let (before, behind) = (cat(&any32(), part), cat(part, &any32()));
            assert_eq!(
                left(&before, &[&beside, element]),
                expected([&beside, element.as_slice()].concat()),
                "{part:?}"
            );
            assert_eq!(
                left(&behind, &[element, &beside]),
                expected([element.as_slice(), &beside].concat()),
                "{part:?}"
            );
            // The other element is checked as well.
            assert_eq!(left(&before, &[&beside[1..], element]), None, "{part:?}");
            assert_eq!(left(&behind, &[element, &beside[1..]]), None, "{part:?}");
            // Next to a left part of several elements, the script puts the right part on the altstack while it computes the
            // left one.
            let wide = cat(&Msg::NewerWide(1), part);
            assert_eq!(left(&wide, &[&[], &[2], element]).is_some(), is_good, "{part:?}");
        }
    }
    let opens = |newer: u8, older: u8| {
        let older = number_of(older);
        left(&opened(), &[&blinding, &[newer], &blinding, &older])
    };
    assert_eq!(opens(5, 4), Some(vec![commit_number(Join::Cat, 5, &blinding).to_vec()]));
    assert_eq!((opens(4, 4), opens(5, 3)), (None, None));
}

fn number_of(number: u8) -> Vec<u8> {
    crate::script::number_bytes(number.into())
}

#[test]
fn wide_numbers_are_compared_by_both_limbs() {
    let n = (3 << LIMB_BITS) + 5;
    let takes = |high: u8, low: u8| left(&Msg::NewerWide(n), &[&number_of(high), &number_of(low)]).is_some();
    for (high, low) in (0..6).flat_map(|high| (0..9).map(move |low| (high, low))) {
        assert_eq!(takes(high, low), (u64::from(high) << LIMB_BITS) + u64::from(low) > n, "{high} {low}");
    }
    assert_eq!(limbs(n), (3, 5));
}
