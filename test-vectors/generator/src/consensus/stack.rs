//! Cases of opcodes that move, measure or compare stack elements.

use sigstack_interpreter::{Opcode as Op, ScriptError};

use super::build::{Change, EVERY, Good, bad, twins};
use super::rows::{self, Row};
use crate::group::{Group, Rule};
use sigstack_vectors::Case;

const MOVES: Rule = Rule {
    source: "Bitcoin Core, Stack ops",
    text: "stack opcodes move, copy and remove elements; all that they take must be there",
    only: None,
};
const ALT: Rule = Rule {
    source: "Bitcoin Core, Stack ops",
    text: "the alt stack gives back what was put there last, and fails when it is empty",
    only: None,
};

const INVALID: ScriptError = ScriptError::InvalidStackOperation;

const ROWS: &[Row] = &[
    Row::new(Op::OP_2DROP, 2, &[("1 2 3", "1"), ("0x 0x80", "")]),
    Row::new(Op::OP_2DUP, 2, &[("1 2", "1 2 1 2")]),
    Row::new(Op::OP_3DUP, 3, &[("1 2 3", "1 2 3 1 2 3")]),
    Row::new(Op::OP_2OVER, 4, &[("1 2 3 4", "1 2 3 4 1 2")]),
    Row::new(Op::OP_2ROT, 6, &[("1 2 3 4 5 6", "3 4 5 6 1 2")]),
    Row::new(Op::OP_2SWAP, 4, &[("1 2 3 4", "3 4 1 2")]),
    Row::new(
        Op::OP_IFDUP,
        1,
        &[
            ("7", "7 7"),
            ("0x", "0x"),
            ("0x00", "0x00"),
            ("0x80", "0x80"),
            ("0x000080", "0x000080"),
            ("0x8000", "0x8000 0x8000"),
            ("0x0000000001", "0x0000000001 0x0000000001"),
        ],
    ),
    Row::new(Op::OP_DEPTH, 0, &[("7 8", "7 8 2"), ("", "0"), ("0x", "0x 1")]),
    Row::new(Op::OP_DROP, 1, &[("1 2", "1")]),
    Row::new(Op::OP_DUP, 1, &[("7", "7 7"), ("0x8000", "0x8000 0x8000")]),
    Row::new(Op::OP_NIP, 2, &[("1 2", "2"), ("1 2 3", "1 3")]),
    Row::new(Op::OP_OVER, 2, &[("1 2", "1 2 1")]),
    Row {
        fails: &[
            ("too-deep", "it asks for the element below the lowest", "1 2 2", INVALID),
            ("negative", "it asks for element -1", "1 2 -1", INVALID),
            ("five-bytes", "the depth has five bytes", "1 2 0x0100000000", ScriptError::ScriptNum),
        ],
        fails_minimal: &[("padded", "the depth ends in a zero byte", "1 2 0x0100", ScriptError::ScriptNum)],
        ..Row::new(Op::OP_PICK, 2, &[("1 2 1", "1 2 1"), ("1 2 0", "1 2 2"), ("1 2 0x01000000", "1 2 1")])
    },
    Row {
        fails: &[
            ("too-deep", "it asks for the element below the lowest", "1 2 2", INVALID),
            ("negative", "it asks for element -1", "1 2 -1", INVALID),
            ("five-bytes", "the depth has five bytes", "1 2 0x0100000000", ScriptError::ScriptNum),
        ],
        fails_minimal: &[("padded", "the depth ends in a zero byte", "1 2 0x0100", ScriptError::ScriptNum)],
        ..Row::new(Op::OP_ROLL, 2, &[("1 2 1", "2 1"), ("1 2 0", "1 2"), ("1 2 3 4 3", "2 3 4 1")])
    },
    Row::new(Op::OP_ROT, 3, &[("1 2 3", "2 3 1")]),
    Row::new(Op::OP_SWAP, 2, &[("1 2", "2 1")]),
    Row::new(Op::OP_TUCK, 2, &[("1 2", "2 1 2")]),
    Row::new(
        Op::OP_SIZE,
        1,
        &[("0xaabbcc", "0xaabbcc 3"), ("0x", "0x 0"), ("0x80", "0x80 1"), ("0x000000", "0x000000 3")],
    ),
    Row::new(
        Op::OP_EQUAL,
        2,
        &[
            ("0xaabbcc 0xaabbcc", "1"),
            ("0xaabbcc 0xaabbcd", "0x"),
            ("0x 0x00", "0x"),
            ("0x01 0x0100", "0x"),
            ("0x 0x", "1"),
        ],
    ),
    Row {
        fails: &[
            ("differ", "the last byte differs", "5 0xaabbcc 0xaabbcd", ScriptError::EqualVerify),
            ("longer", "one has a zero byte more", "5 0xaabbcc 0xaabbcc00", ScriptError::EqualVerify),
        ],
        ..Row::new(Op::OP_EQUALVERIFY, 2, &[("5 0xaabbcc 0xaabbcc", "5"), ("5 0x 0x", "5")])
    },
];

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("stack");
    ROWS.iter().for_each(|row| rows::add(&mut group, &MOVES, row));
    let good = Good {
        slug: "altstack",
        rule: &ALT,
        comment: "two elements go to the alt stack and come back in the other order",
        stack: "1 2",
        script: "TOALTSTACK TOALTSTACK FROMALTSTACK 1 EQUALVERIFY FROMALTSTACK 2 EQUAL",
        flags: sigstack_interpreter::Flags::NONE,
    };
    let empty_alt = "TOALTSTACK DROP FROMALTSTACK DROP FROMALTSTACK 1";
    twins(
        &mut group,
        EVERY,
        good,
        &[
            bad(
                "to-without",
                "there is one element only",
                Change::Stack("1"),
                ScriptError::InvalidStackOperation,
                Op::OP_TOALTSTACK,
            ),
            bad(
                "from-empty",
                "the script takes one more back than it put there",
                Change::Script(empty_alt),
                ScriptError::InvalidAltstackOperation,
                Op::OP_FROMALTSTACK,
            ),
        ],
    );
    group.finish()
}
