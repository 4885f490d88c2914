use super::*;

fn stack(elements: &[&[u8]]) -> Stack {
    let mut stack = Stack::new();
    elements.iter().for_each(|element| stack.push(element).unwrap());
    stack
}

fn contents(stack: &Stack) -> Vec<Vec<u8>> {
    stack.iter().map(<[u8]>::to_vec).collect()
}

#[test]
fn elements_of_every_length_are_kept() {
    let mut stack = Stack::new();
    for length in 0..=520 {
        stack.push(&vec![u8::try_from(length % 251).unwrap(); length]).unwrap();
    }
    for (length, element) in stack.iter().enumerate() {
        assert_eq!(element, vec![u8::try_from(length % 251).unwrap(); length]);
    }
    assert_eq!(stack.size(0), Ok(520));
    assert_eq!(stack.push(&[0; 521]), Err(ScriptError::PushSize));
}

#[test]
fn moves_and_copies() {
    let abc: [&[u8]; 3] = [b"a", b"bb", b"a long third element"];
    let after = |change: fn(&mut Stack) -> Result<()>| {
        let mut stack = stack(&abc);
        change(&mut stack).unwrap();
        contents(&stack)
    };
    assert_eq!(after(|s| s.copy(2, 2)), [abc[0], abc[1], abc[2], abc[0], abc[1]]);
    assert_eq!(after(|s| s.roll(2, 1)), [abc[1], abc[2], abc[0]]);
    assert_eq!(after(|s| s.roll(2, 2)), [abc[2], abc[0], abc[1]]);
    assert_eq!(after(|s| s.roll(1, 1)), [abc[0], abc[2], abc[1]]);
    assert_eq!(after(|s| s.roll(1, 2)), abc);
    assert_eq!(after(|s| s.roll(2, 3)), abc);
    assert_eq!(after(|s| s.remove(1)), [abc[0], abc[2]]);
    assert_eq!(after(Stack::tuck), [abc[0], abc[2], abc[1], abc[2]]);
    assert_eq!(after(|s| s.move_to_alt()), [abc[0], abc[1]]);
    assert_eq!(after(|s| s.move_to_alt().and_then(|()| s.move_from_alt())), abc);
}

#[test]
fn missing_elements_are_errors() {
    let mut two = stack(&[b"a", b"b"]);
    assert_eq!((two.need(2), two.need(3)), (Ok(()), Err(TOO_FEW)));
    assert_eq!(two.get(2), Err(TOO_FEW));
    assert_eq!(two.copy(2, 1), Err(TOO_FEW));
    assert_eq!(two.roll(2, 1), Err(TOO_FEW));
    assert_eq!(two.drop_top(3), Err(TOO_FEW));
    assert_eq!(two.move_from_alt(), Err(ScriptError::InvalidAltstackOperation));
    assert_eq!(stack(&[b"a"]).tuck(), Err(TOO_FEW));
    assert_eq!(contents(&two), [b"a", b"b"]);
}

#[test]
fn numbers_are_written_as_script_num_writes_them() {
    for bits in 0..63 {
        for number in
            [0, (1i64 << bits) - 1, 1 << bits, -(1i64 << bits), 1 - (1i64 << bits), i64::MIN, i64::MAX]
        {
            let mut stack = Stack::new();
            stack.push_number(number).unwrap();
            assert_eq!(stack.get(0), Ok(script_num::encode(number).as_bytes()), "{number}");
        }
    }
    let mut stack = Stack::new();
    stack.push_bool(true);
    stack.push_bool(false);
    assert_eq!(contents(&stack), [vec![1], vec![]]);
}

#[test]
fn numbers_and_truth_are_read_as_script_num_reads_them() {
    // Elements of all lengths, with all combinations of edge values in the bytes that determine sign and minimality.
    let edges = [0x00, 0x01, 0x7f, 0x80, 0x81, 0xff];
    for length in 0..=9 {
        for ends in 0..6usize.pow(3) {
            let mut bytes = vec![edges[ends % 6]; length];
            for (place, choice) in [(1, ends / 6 % 6), (2, ends / 36)] {
                if let Some(byte) = length.checked_sub(place).and_then(|index| bytes.get_mut(index)) {
                    *byte = edges[choice];
                }
            }
            let stack = stack(&[&bytes]);
            assert_eq!(stack.is_true(0), Ok(script_num::is_true(&bytes)), "{bytes:x?}");
            for max_size in [4, 5, 8] {
                for minimal in [false, true] {
                    let expected = script_num::decode(&bytes, max_size, minimal);
                    assert_eq!(stack.number(0, max_size, minimal), expected, "{bytes:x?}");
                }
            }
        }
    }
}

#[test]
fn allocated_bytes_are_those_of_both_stacks_and_both_halves_of_the_arena() {
    let stack = Stack {
        main: Vec::with_capacity(10),
        alt: Vec::with_capacity(3),
        arena: Vec::with_capacity(1000),
        spare: Vec::with_capacity(7),
        arena_limit: 0,
    };
    assert_eq!(stack.allocated_bytes(), 8 * (10 + 3) + 1000 + 7);
}

#[test]
fn memory_is_kept_but_not_what_was_in_it() {
    let mut first = Stack::reused();
    first.push(&[7; 520]).unwrap();
    first.push(b"short").unwrap();
    first.move_to_alt().unwrap();
    let allocated = first.allocated_bytes();
    first.keep();
    let second = Stack::reused();
    assert_eq!((second.len(), second.alt_len(), second.allocated_bytes()), (0, 0, allocated));
    // Memory that another verification has taken is not available a second time.
    assert_eq!(Stack::reused().allocated_bytes(), 0);
    let mut large = Stack::reused();
    (0..600).for_each(|_| large.push(&[7; 520]).unwrap());
    large.keep();
    assert_eq!(Stack::reused().allocated_bytes(), 0);
}

#[test]
fn memory_stays_bounded_and_what_is_in_use_survives_compaction() {
    let mut stack = stack(&[b"the bottom element", b"7 bytes", b"8 bytes.", b"x"]);
    stack.move_to_alt().unwrap();
    let in_handles = |stack: &Stack| stack.main[..3].iter().map(|it| it.0[7] != IN_ARENA).collect::<Vec<_>>();
    assert_eq!(in_handles(&stack), [false, true, false]);
    for round in 0..100_000u32 {
        stack.push(&[round.to_le_bytes()[0]; 520]).unwrap();
        stack.copy(0, 1).unwrap();
        if stack.len() > 900 {
            stack.drop_top(300).unwrap();
        }
        assert_eq!(stack.get(0).unwrap()[519], stack.get(1).unwrap()[0]);
    }
    assert_eq!(contents(&stack)[..3], [b"the bottom element".as_slice(), b"7 bytes", b"8 bytes."]);
    assert_eq!(in_handles(&stack), [false, true, false]);
    assert_eq!(stack.alt_iter().next(), Some(&b"x"[..]));
    assert!(stack.allocated_bytes() < 6 << 20, "{}", stack.allocated_bytes());
}
