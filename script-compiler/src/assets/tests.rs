//! Tests of the conditions that assets satisfy.

use super::*;
use crate::atom::KeyRef;
use crate::message::Bounds;
use crate::policy::Join;

fn bytes(len: usize) -> Value {
    Value::Bytes(vec![3; len])
}

fn any() -> Msg {
    Msg::Any("a".into())
}

fn pair(left: Msg, right: Msg) -> Msg {
    Msg::Join(Join::Pair, Box::new(left), Box::new(right))
}

#[test]
fn later_locks_reach_earlier_ones_of_their_kind() {
    const TIME: u32 = SEQUENCE_TIME;
    let cases = [
        (Atom::After(500), vec![500, 501, 499_999_999], vec![499, 500_000_000, u32::MAX]),
        (Atom::After(500_000_000), vec![500_000_000, u32::MAX], vec![499_999_999]),
        (Atom::Older(5), vec![5, 6, 0xffff], vec![4, TIME | 6]),
        (Atom::Older(TIME | 5), vec![TIME | 5, TIME | 6], vec![TIME | 4, 6, 0xffff]),
        // The locks differ in bits of nSequence that BIP 68 does not compare.
        (Atom::Older(0x10005), vec![5, 0x20006], vec![4, 0x20004]),
    ];
    for (atom, reached, others) in cases {
        let assets = |lock| {
            let locks = BTreeSet::from([lock]);
            match atom {
                Atom::After(_) => Assets { after: locks, ..Assets::default() },
                _ => Assets { older: locks, ..Assets::default() },
            }
        };
        assert!(reached.iter().all(|lock| assets(*lock).satisfy(0, &atom) == Some(vec![])), "{atom:?}");
        assert!(others.iter().all(|lock| assets(*lock).satisfy(0, &atom).is_none()), "{atom:?}");
    }
}

#[test]
fn a_transaction_has_one_kind_of_each_lock() {
    const TIME: u32 = SEQUENCE_TIME;
    let kinds = |after: &[u32], older: &[u32]| -> Vec<(Vec<u32>, Vec<u32>)> {
        let assets = Assets {
            signers: BTreeSet::from([[7; 32]]),
            after: after.iter().copied().collect(),
            older: older.iter().copied().collect(),
            ..Assets::default()
        };
        let parts = assets.by_kinds_of_locks();
        assert!(parts.iter().all(|part| part.signers == assets.signers));
        let list = |locks: &BTreeSet<u32>| locks.iter().copied().collect::<Vec<u32>>();
        parts.iter().map(|part| (list(&part.after), list(&part.older))).collect()
    };
    assert_eq!(kinds(&[], &[]), [(vec![], vec![])]);
    assert_eq!(kinds(&[1, 2], &[3]), [(vec![1, 2], vec![3])]);
    assert_eq!(kinds(&[600_000_000], &[TIME | 3]), [(vec![600_000_000], vec![TIME | 3])]);
    assert_eq!(kinds(&[1, 2, 600_000_000], &[]), [(vec![1, 2], vec![]), (vec![600_000_000], vec![])]);
    assert_eq!(
        kinds(&[1, 600_000_000], &[3, TIME | 3]),
        [
            (vec![1], vec![3]),
            (vec![1], vec![TIME | 3]),
            (vec![600_000_000], vec![3]),
            (vec![600_000_000], vec![TIME | 3])
        ]
    );
}

#[test]
fn all_keys_sign_the_same_values() {
    let keys = [1, 2].map(|byte| KeyRef { x: [byte; 32], internal: false });
    let atom = Atom::Signed(any(), keys.to_vec());
    let with = |statements: &[(u8, Vec<Value>)]| {
        let statements = statements.iter().map(|(key, values)| ([*key; 32], values.clone())).collect();
        Assets { statements, ..Assets::default() }.satisfy(5, &atom)
    };
    let signature = |key: u8, values: &[Value]| Slot::MessageSignature {
        key: [key; 32],
        atom: 5,
        values: values.to_vec(),
    };
    let (long, short) = (vec![bytes(9)], vec![bytes(8)]);
    assert_eq!(with(&[(1, short.clone()), (2, long.clone())]), None);
    assert_eq!(with(&[(2, short.clone())]), None);
    // Of two signed messages the shorter one is used. The signature of the first key lies above that of the second.
    let all = [(1, long.clone()), (2, long.clone()), (1, short.clone()), (2, short.clone())];
    let slots = vec![signature(2, &short), signature(1, &short), Slot::Known(vec![3; 8])];
    assert_eq!(with(&all), Some(slots));
    // The condition is not satisfied by values of another message, or by too many values.
    assert_eq!(with(&[(1, vec![Value::Template]), (2, vec![Value::Template])]), None);
    let twice = vec![bytes(8), bytes(8)];
    assert_eq!(with(&[(1, twice.clone()), (2, twice)]), None);
}

#[test]
fn values_need_their_locks_and_signers() {
    let key = KeyRef { x: [1; 32], internal: false };
    let (locked, delegated) =
        (Atom::Signed(Msg::Locktime, vec![key]), Atom::Signed(Msg::Delegate, vec![key]));
    let statements = BTreeSet::from([([1; 32], vec![Value::Lock(6)]), ([1; 32], vec![Value::Key([2; 32])])]);
    let mut assets = Assets { statements, ..Assets::default() };
    assert_eq!((assets.satisfy(0, &locked), assets.satisfy(0, &delegated)), (None, None));
    (assets.after, assets.signers) = (BTreeSet::from([6]), BTreeSet::from([[2; 32]]));
    let signature = |value| Slot::MessageSignature { key: [1; 32], atom: 0, values: vec![value] };
    assert_eq!(assets.satisfy(0, &locked), Some(vec![signature(Value::Lock(6)), Slot::Lock(6)]));
    let delegate = Slot::Signature { key: [2; 32], kind: SignatureKind::Leaf };
    let slots = vec![delegate, signature(Value::Key([2; 32])), Slot::Known(vec![2; 32])];
    assert_eq!(assets.satisfy(0, &delegated), Some(slots));
}

#[test]
fn commitments_are_opened_by_what_they_are_made_of() {
    let msg = pair(any(), Msg::Number(Bounds::AtLeast(4)));
    let of = |number| message_bytes(&msg, &[bytes(2), Value::Number(number)], None).unwrap();
    let commitment = of(4);
    let open = |commitment: &Vec<u8>, number| {
        let openings = BTreeSet::from([(commitment.clone(), vec![bytes(2), Value::Number(number)])]);
        Assets { openings, ..Assets::default() }.satisfy(0, &Atom::Opens(commitment.clone(), msg.clone()))
    };
    assert_eq!(open(&commitment, 4), Some(vec![Slot::Known(vec![3; 2]), Slot::Known(vec![4])]));
    assert_eq!((open(&commitment, 5), open(&of(3), 3)), (None, None));
    // The opening belongs to another commitment.
    let openings = BTreeSet::from([(of(5), vec![bytes(2), Value::Number(4)])]);
    let assets = Assets { openings, ..Assets::default() };
    assert_eq!(assets.satisfy(0, &Atom::Opens(commitment, msg)), None);
}
