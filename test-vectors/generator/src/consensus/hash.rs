//! Cases of hash opcodes. The expected digests of the text `abc` and of the empty string are those published with each hash
//! function.

use sigstack_interpreter::Opcode as Op;

use super::rows::{self, Row};
use crate::group::{Group, Rule};
use sigstack_vectors::Case;

const HASHES: Rule = Rule {
    source: "Bitcoin Core, Crypto",
    text: "the top element, which must be there, is replaced by its hash",
    only: None,
};

const ROWS: &[Row] = &[
    Row::new(
        Op::OP_RIPEMD160,
        1,
        &[
            ("0x616263", "0x8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"),
            ("0x", "0x9c1185a5c5e9fc54612808977ee8f548b2258d31"),
        ],
    ),
    Row::new(
        Op::OP_SHA1,
        1,
        &[
            ("0x616263", "0xa9993e364706816aba3e25717850c26c9cd0d89d"),
            ("0x", "0xda39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ],
    ),
    Row::new(
        Op::OP_SHA256,
        1,
        &[
            ("0x616263", "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ("0x", "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ],
    ),
    Row::new(
        Op::OP_HASH160,
        1,
        &[
            ("0x616263", "0xbb1be98c142444d7a56aa3981c3942a978e4dc33"),
            ("0x", "0xb472a266d0bd89c13706a4132ccfb16f7c3b9fcb"),
        ],
    ),
    Row::new(
        Op::OP_HASH256,
        1,
        &[
            ("0x616263", "0x4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358"),
            ("0x", "0x5df6e0e2761359d30a8275058e299fcc0381534545f55cf43e41983f5d4c9456"),
        ],
    ),
];

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("hash");
    ROWS.iter().for_each(|row| rows::add(&mut group, &HASHES, row));
    group.finish()
}
