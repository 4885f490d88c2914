//! Leaves of the literal form of 2018.

use sigstack_compiler::Fill::Bytes;
use sigstack_interpreter::Opcode as O;

use super::{PolicyLeaf, number};

pub(super) static DELAYED: PolicyLeaf = PolicyLeaf::new("literal-pair-balance", 0, &["owner", "T"]);
pub(super) static CAT: PolicyLeaf = PolicyLeaf::new("literal-cat-balance", 1, &["cat_n", "P", "other"]);
pub(super) static PAIR: PolicyLeaf = PolicyLeaf::new("literal-pair-balance", 1, &["pair_n", "P", "other"]);

/// `SIZE <32> EQUALVERIFY`.
const IS_32: [u8; 4] = [O::OP_SIZE.0, 1, 32, O::OP_EQUALVERIFY.0];

/// A key after a delay: `<key> CHECKSIGVERIFY <delay> CSV`. Witness: `<sig>`.
pub fn delayed(key: &[u8; 32], delay: u16) -> Vec<u8> {
    DELAYED.fill(&[Bytes(key), number(delay)])
}

/// The literal form of 2018 with CAT, 122 B: opens `C_n = SHA256(n || r_n)`, compares, checks the joint signature of `C_m`.
/// `sized` puts the size checks before each opening; without them bytes of the random value count as the number's.
/// Witness: `<sig by the victim> <sig by K over C_m> <r_m> <m> <r_n> <n>`.
pub fn literal_cat(commitment: &[u8; 32], joint_key: &[u8; 32], victim: &[u8; 32], sized: bool) -> Vec<u8> {
    let script = CAT.fill(&[Bytes(commitment), Bytes(joint_key), Bytes(victim)]);
    if sized { script } else { without_sizes(&script) }
}

/// The script without its checks of sizes, which are instructions and no bytes of a push.
fn without_sizes(script: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(script.len());
    let starts = sigstack_interpreter::Instructions::new(script).flatten().map(|found| found.byte_offset);
    let starts: Vec<usize> = starts.chain([script.len()]).collect();
    let mut skip_to = 0;
    for (start, end) in starts.iter().zip(starts.iter().skip(1)) {
        if script.get(*start..).is_some_and(|rest| rest.starts_with(&IS_32)) {
            skip_to = start + IS_32.len();
        }
        if *start >= skip_to {
            out.extend_from_slice(script.get(*start..*end).unwrap_or_default());
        }
    }
    out
}

/// The literal form of 2018 with PAIRCOMMIT, 109 B: `C_i = PairCommit(r_i, i)`. Witness: as [`literal_cat`].
pub fn literal_pair_commit(commitment: &[u8; 32], joint_key: &[u8; 32], victim: &[u8; 32]) -> Vec<u8> {
    PAIR.fill(&[Bytes(commitment), Bytes(joint_key), Bytes(victim)])
}
