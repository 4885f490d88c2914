//! Cases of opcodes that read numbers, such as OP_ADD.

use sigstack_interpreter::{Opcode as Op, ScriptError};

use super::rows::{self, Row};
use crate::group::{Group, Rule};
use sigstack_vectors::Case;

const NUMBERS: Rule = Rule {
    source: "Bitcoin Core, Numeric; CScriptNum",
    text: "numbers have up to four bytes, results up to five; MINIMALDATA asks for the shortest encoding",
    only: None,
};

type Fails = &'static [(&'static str, &'static str, &'static str, ScriptError)];

const NUM: ScriptError = ScriptError::ScriptNum;

const UNARY: Fails = &[("five-bytes", "the number has five bytes", "0x0100000000", NUM)];
const UNARY_MINIMAL: Fails = &[
    ("padded", "the number ends in a zero byte", "0x0100", NUM),
    ("negative-zero", "the number is the negative zero", "0x80", NUM),
];
const BINARY: Fails = &[
    ("first-five-bytes", "the first number has five bytes", "0x0100000000 1", NUM),
    ("second-five-bytes", "the second number has five bytes", "1 0x0100000000", NUM),
];
const BINARY_MINIMAL: Fails = &[
    ("first-padded", "the first number ends in a zero byte", "0x0100 1", NUM),
    ("second-padded", "the second number ends in a zero byte", "1 0x0100", NUM),
];

const fn unary(opcode: Op, effects: &'static [(&'static str, &'static str)]) -> Row {
    Row { fails: UNARY, fails_minimal: UNARY_MINIMAL, ..Row::new(opcode, 1, effects) }
}

const fn binary(opcode: Op, effects: &'static [(&'static str, &'static str)]) -> Row {
    Row { fails: BINARY, fails_minimal: BINARY_MINIMAL, ..Row::new(opcode, 2, effects) }
}

/// Opcodes on numbers, with the stack before and after. Operands have at most four bytes, so the largest is 2147483647.
/// A result may have five bytes, but cannot be an operand again.
const ROWS: &[Row] = &[
    unary(
        Op::OP_1ADD,
        &[("2147483647", "2147483648"), ("-1", "0"), ("0", "1"), ("127", "128"), ("0x80", "1")],
    ),
    unary(Op::OP_1SUB, &[("-2147483647", "-2147483648"), ("1", "0"), ("0", "-1"), ("128", "127")]),
    unary(
        Op::OP_NEGATE,
        &[("2147483647", "-2147483647"), ("0", "0"), ("-1", "1"), ("0x80", "0"), ("128", "-128")],
    ),
    unary(
        Op::OP_ABS,
        &[("-2147483647", "2147483647"), ("5", "5"), ("0", "0"), ("-128", "128"), ("0x0580", "5")],
    ),
    unary(Op::OP_NOT, &[("0", "1"), ("1", "0"), ("-1", "0"), ("2147483647", "0"), ("0x00000080", "1")]),
    unary(Op::OP_0NOTEQUAL, &[("-2147483647", "1"), ("0", "0"), ("1", "1"), ("0x00000080", "0")]),
    binary(
        Op::OP_ADD,
        &[("2147483647 2147483647", "4294967294"), ("-1 1", "0"), ("-2147483647 -1", "-2147483648")],
    ),
    binary(
        Op::OP_SUB,
        &[("-2147483647 2147483647", "-4294967294"), ("3 5", "-2"), ("5 3", "2"), ("7 7", "0")],
    ),
    binary(Op::OP_BOOLAND, &[("2 -1", "1"), ("0 1", "0"), ("1 0", "0"), ("0 0", "0"), ("0x80 1", "0")]),
    binary(Op::OP_BOOLOR, &[("0 2", "1"), ("-1 0", "1"), ("0 0", "0"), ("1 1", "1"), ("0x80 0x00", "0")]),
    binary(Op::OP_NUMEQUAL, &[("5 5", "1"), ("5 -5", "0"), ("0x 0x80", "1"), ("0x0100 1", "1")]),
    Row {
        fails: &[
            ("differ", "the numbers differ", "9 5 6", ScriptError::NumEqualVerify),
            ("first-five-bytes", "the first number has five bytes", "9 0x0500000000 5", NUM),
            ("second-five-bytes", "the second number has five bytes", "9 5 0x0500000000", NUM),
        ],
        fails_minimal: &[
            ("first-padded", "the first number ends in a zero byte", "9 0x0500 5", NUM),
            ("second-padded", "the second number ends in a zero byte", "9 5 0x0500", NUM),
        ],
        ..Row::new(Op::OP_NUMEQUALVERIFY, 2, &[("9 5 5", "9"), ("9 0x80 0x", "9"), ("9 0x0500 5", "9")])
    },
    binary(Op::OP_NUMNOTEQUAL, &[("5 -5", "1"), ("5 5", "0"), ("0x 0x80", "0"), ("0x0100 1", "0")]),
    binary(Op::OP_LESSTHAN, &[("-1 0", "1"), ("0 -1", "0"), ("3 3", "0"), ("-2147483647 2147483647", "1")]),
    binary(
        Op::OP_GREATERTHAN,
        &[("0 -1", "1"), ("-1 0", "0"), ("3 3", "0"), ("2147483647 -2147483647", "1")],
    ),
    binary(Op::OP_LESSTHANOREQUAL, &[("3 3", "1"), ("4 3", "0"), ("-4 3", "1")]),
    binary(Op::OP_GREATERTHANOREQUAL, &[("3 3", "1"), ("3 4", "0"), ("3 -4", "1")]),
    binary(Op::OP_MIN, &[("-1 0", "-1"), ("0 -1", "-1"), ("3 3", "3"), ("0x0400 5", "4")]),
    binary(Op::OP_MAX, &[("-1 0", "0"), ("0 -1", "0"), ("3 3", "3"), ("0x0400 3", "4")]),
    Row {
        fails: &[
            ("first-five-bytes", "the number has five bytes", "0x0300000000 3 5", NUM),
            ("second-five-bytes", "the lower bound has five bytes", "3 0x0300000000 5", NUM),
            ("third-five-bytes", "the upper bound has five bytes", "3 3 0x0500000000", NUM),
        ],
        fails_minimal: &[
            ("first-padded", "the number ends in a zero byte", "0x0300 3 5", NUM),
            ("second-padded", "the lower bound ends in a zero byte", "3 0x0300 5", NUM),
            ("third-padded", "the upper bound ends in a zero byte", "3 3 0x0500", NUM),
        ],
        ..Row::new(
            Op::OP_WITHIN,
            3,
            &[
                ("3 3 5", "1"),
                ("5 3 5", "0"),
                ("4 3 5", "1"),
                ("2 3 5", "0"),
                ("-1 -2 0", "1"),
                ("3 5 3", "0"),
            ],
        )
    },
];

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("arithmetic");
    ROWS.iter().for_each(|row| rows::add(&mut group, &NUMBERS, row));
    group.finish()
}
