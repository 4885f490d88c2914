//! Tests of values: which values fit a message, and for which other messages they are valid too.

use super::*;
use crate::message::Bounds;
use crate::policy::Join;

fn bytes(len: usize) -> Value {
    Value::Bytes(vec![3; len])
}

fn any() -> Msg {
    Msg::Any("a".into())
}

fn any32() -> Msg {
    Msg::Any32("b".into())
}

fn pair(left: Msg, right: Msg) -> Msg {
    Msg::Join(Join::Pair, Box::new(left), Box::new(right))
}

fn opened(newer: u64, older: u64) -> Value {
    Value::Opened { newer: (newer, [1; 32]), older: (older, [2; 32]) }
}

#[test]
fn values_fit_parts() {
    let commitment = |number| Msg::NewerOpened(Join::Cat, commit_number(Join::Cat, number, &[2; 32]));
    let largest = MAX_NUMBER + 1;
    // A part of a message, values that fit it, and values that do not.
    let cases = [
        (Msg::Fixed(vec![3; 2]), vec![bytes(2)], vec![bytes(3), Value::Number(3), Value::Template]),
        (any(), vec![bytes(0), bytes(520)], vec![bytes(521), Value::Number(1)]),
        (any32(), vec![bytes(32)], vec![bytes(31), bytes(33), Value::Template]),
        (
            Msg::Number(Bounds::AtLeast(4)),
            vec![Value::Number(4), Value::Number(MAX_NUMBER)],
            vec![Value::Number(3), Value::Number(largest), Value::Lock(4), bytes(1)],
        ),
        (
            Msg::NewerWide(7),
            vec![Value::Number(8), Value::Number((1 << 62) - 1)],
            vec![Value::Number(7), Value::Number(1 << 62), bytes(1)],
        ),
        (
            commitment(4),
            vec![opened(5, 4), opened(MAX_NUMBER, 4)],
            vec![opened(4, 4), opened(largest, 4), opened(5, 3), Value::Number(5)],
        ),
        (
            Msg::Locktime,
            vec![Value::Lock(1), Value::Lock(0x7fff_ffff)],
            vec![Value::Lock(0), Value::Lock(0x8000_0000), Value::Number(1)],
        ),
        (Msg::Ctv(true), vec![Value::Template], vec![bytes(32)]),
        (Msg::TemplateHash, vec![Value::Template], vec![bytes(32)]),
        (Msg::Delegate, vec![Value::Key([1; 32])], vec![bytes(32)]),
    ];
    for (part, fitting, others) in cases {
        assert!(fitting.iter().all(|value| value.fits(&part)), "{part:?}");
        assert!(!others.iter().any(|value| value.fits(&part)), "{part:?}");
    }
}

#[test]
fn what_is_shown_is_read_as_bytes() {
    let number = |bounds| Msg::Number(bounds);
    let at_least = || number(Bounds::AtLeast(4));
    // A message, its values, a message for which the same values are valid, and one for which they are not.
    let cases = [
        (any(), vec![bytes(32)], any32(), Some(Msg::Fixed(vec![3; 31]))),
        (any(), vec![bytes(31)], Msg::Fixed(vec![3; 31]), Some(any32())),
        (any(), vec![Value::Bytes(vec![4])], at_least(), Some(number(Bounds::Newer(4)))),
        (any(), vec![Value::Bytes(vec![4, 0, 0, 0])], at_least(), Some(number(Bounds::AtLeast(5)))),
        (
            any(),
            vec![Value::Bytes(vec![0, 4])],
            number(Bounds::Between(1024, 1025)),
            Some(number(Bounds::AtMost(1023))),
        ),
        (any(), vec![Value::Bytes(vec![4, 0, 0, 0])], any(), Some(number(Bounds::AtMost(3)))),
        (any(), vec![Value::Bytes(vec![4, 0, 0, 0, 0])], any(), Some(at_least())),
        (at_least(), vec![Value::Number(300)], Msg::Fixed(vec![0x2c, 1]), Some(any32())),
        (at_least(), vec![Value::Number(300)], number(Bounds::Newer(299)), Some(number(Bounds::Newer(300)))),
        (Msg::Locktime, vec![Value::Lock(300)], Msg::Fixed(vec![0x2c, 1]), Some(Msg::Fixed(vec![0x2c]))),
        (any(), vec![bytes(2)], Msg::Locktime, Some(Msg::Delegate)),
        (Msg::Delegate, vec![Value::Key([3; 32])], Msg::Fixed(vec![3; 32]), Some(Msg::Fixed(vec![3; 31]))),
        (Msg::TemplateHash, vec![Value::Template], any32(), Some(Msg::Fixed(vec![3; 32]))),
        (Msg::TemplateHash, vec![Value::Template], any(), Some(Msg::Locktime)),
        (Msg::TemplateHash, vec![Value::Template], Msg::Ctv(true), None),
        // A message whose parts are joined in another way is 32 bytes long. These bytes may be valid for a message that
        // accepts any 32 bytes.
        (pair(any(), any()), vec![bytes(1), bytes(2)], any32(), Some(Msg::TemplateHash)),
        (pair(any(), any()), vec![bytes(1), bytes(2)], any(), Some(Msg::Fixed(vec![3; 32]))),
        (
            pair(any(), at_least()),
            vec![bytes(32), Value::Number(4)],
            pair(any32(), Msg::Fixed(vec![4])),
            Some(pair(any32(), Msg::Fixed(vec![5]))),
        ),
    ];
    for (shown, values, other, apart) in cases {
        assert!(shows(&shown, &values, &other), "{values:?} is {other:?} too");
        assert!(!apart.is_some_and(|apart| shows(&shown, &values, &apart)), "{values:?} of {shown:?}");
    }
}
