//! Scripts of the leaves of `model::Literal`, a channel built literally as a talk in 2018 proposed it.

use sigstack_compiler::Fill::Bytes;
use sigstack_interpreter::Opcode as O;

use super::{PolicyLeaf, number};

pub(super) static DELAYED: PolicyLeaf = PolicyLeaf::new("literal-pair-balance", 0, &["owner", "T"]);
pub(super) static CAT: PolicyLeaf = PolicyLeaf::new("literal-cat-balance", 1, &["cat_n", "P", "other"]);
pub(super) static PAIR: PolicyLeaf = PolicyLeaf::new("literal-pair-balance", 1, &["pair_n", "P", "other"]);

/// The script fragment `SIZE <32> EQUALVERIFY`.
const IS_32: [u8; 4] = [O::OP_SIZE.0, 1, 32, O::OP_EQUALVERIFY.0];

/// Returns the leaf by which a key can spend after a relative delay in blocks: `<key> CHECKSIGVERIFY <delay>
/// CSV`. Witness: `<sig>`.
pub fn delayed(key: &[u8; 32], delay: u16) -> Vec<u8> {
    DELAYED.fill(&[Bytes(key), number(delay)])
}

/// Returns the leaf by which the victim takes an output of the published state n, with OP_CAT (122 B). The script
/// does the following:
///
/// - It opens two commitments, `C_n = SHA256(n || r_n)` of the published state and `C_m` of a later state.
/// - It checks that m is greater than n.
/// - It checks the signature of `C_m` by the joint key P, and the victim's signature.
///
/// If `sized` is true, the script checks the size of each random value. If it is false, bytes of a random value can
/// be moved to the number before it. Witness: `<sig by the victim> <sig by P over C_m> <r_m> <m> <r_n> <n>`.
pub fn literal_cat(commitment: &[u8; 32], joint_key: &[u8; 32], victim: &[u8; 32], sized: bool) -> Vec<u8> {
    let script = CAT.fill(&[Bytes(commitment), Bytes(joint_key), Bytes(victim)]);
    if sized { script } else { without_sizes(&script) }
}

/// Returns a script without its size checks, `SIZE <32> EQUALVERIFY`. The same bytes inside a data push are not
/// removed.
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

/// Returns the same leaf as [`literal_cat`], but with OP_PAIRCOMMIT (109 B). The commitment to a state number i with
/// the random value `r_i` is `PairCommit(r_i, i)`. The witness is the same.
pub fn literal_pair_commit(commitment: &[u8; 32], joint_key: &[u8; 32], victim: &[u8; 32]) -> Vec<u8> {
    PAIR.fill(&[Bytes(commitment), Bytes(joint_key), Bytes(victim)])
}
