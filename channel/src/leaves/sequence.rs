//! Scripts of the leaves of the contested output, which is the only large output of a commitment transaction in the
//! signed sequence channel. Some of the leaves are for watchtowers.

use sigstack_compiler::Fill::Bytes;

use super::{PolicyLeaf, number};

pub(super) static CONTEST: PolicyLeaf = PolicyLeaf::new("default-ctv", 1, &["n", "K_A", "B_pen"]);
pub(super) static TOWER: PolicyLeaf = PolicyLeaf::new("default-ctv", 2, &["n", "K_A", "W"]);
pub(super) static SETTLE_SIGNED: PolicyLeaf = PolicyLeaf::new("default-csfs-only", 0, &["T"]);
pub(super) static SWEEP: PolicyLeaf = PolicyLeaf::new("sequence-sweep", 0, &["n", "K_A", "delay"]);
pub(super) static CONTEST_LOCK_TIME: PolicyLeaf =
    PolicyLeaf::new("default-bip118", 1, &["n", "K_A", "B_pen"]);
pub(super) static TOWER_LOCK_TIME: PolicyLeaf =
    PolicyLeaf::new("default-bip118", 2, &["n", "K_A", "B_pen", "W"]);

/// Returns the leaf by which both parties together spend with the taproot internal key after a relative delay in
/// blocks, 6 B: `INTERNALKEY CHECKSIGVERIFY <delay> CSV`. Witness: `<sig>`.
pub fn delayed_internal_key(delay: u16) -> Vec<u8> {
    SETTLE_SIGNED.fill(&[number(delay)])
}

/// Returns the leaf by which the victim takes the whole output of an old state n, 77 B: `DUP <n> GREATERTHAN VERIFY
/// <K> CHECKSIGFROMSTACK VERIFY <key> CHECKSIG`. K is the key with which the publisher signs state numbers, and m is
/// a higher number that it signed. Witness: `<sig by the victim> <sig by K over m> <m>`.
pub fn contest(state: u32, number_key: &[u8; 32], penalty_key: &[u8; 32]) -> Vec<u8> {
    CONTEST.fill(&[number(state), Bytes(number_key), Bytes(penalty_key)])
}

/// Returns the script of the first condition of [`contest`] and [`tower`]: the publisher has signed a higher state
/// number, which revokes all lower states. A leaf with this condition alone is unsafe, as the attacks in this crate
/// show.
pub(crate) fn higher_number(state: u32, number_key: &[u8; 32]) -> Vec<u8> {
    CONTEST.conditions(0..1, &[number(state), Bytes(number_key)])
}

/// Returns the leaf by which a watchtower takes the whole output of an old state for the victim, with a fixed
/// transaction. It has 111 B with CTV. The script consists of three parts:
///
/// - the check for a higher state number, as in [`contest`]
/// - `<W> CHECKSIGVERIFY`, where W is the tower's key
/// - `fixed`, the script of one of the `template_` functions, which allows only one transaction
///
/// Witness: `<sig by W> <sig by K over m> <m>`. K is the key with which the publisher signs state numbers, and m is a
/// higher number that it signed.
pub fn tower(state: u32, number_key: &[u8; 32], tower_key: &[u8; 32], fixed: &[u8]) -> Vec<u8> {
    let mut script = TOWER.conditions(0..2, &[number(state), Bytes(number_key), Bytes(tower_key)]);
    script.extend_from_slice(fixed);
    script
}

/// Returns the leaf by which the victim takes the whole output of the old state n, without CSFS. It has 75 B:
/// `<01 K> CHECKSIGVERIFY <B> CHECKSIGVERIFY <S + n + 1> CLTV`. Witness: `<sig by B> <sig by K>`.
///
/// K is the key with which the publisher revokes states, B the victim's key, and S is
/// [`NUMBER_BASE`](super::NUMBER_BASE). The signature by K uses the hash type NONE|ANYPREVOUTANYSCRIPT, which commits
/// to nLockTime. The transaction's nLockTime encodes a higher state number than n.
pub fn contest_lock_time(state: u32, number_key: &[u8; 32], penalty_key: &[u8; 32]) -> Vec<u8> {
    CONTEST_LOCK_TIME.fill(&[number(state), Bytes(number_key), Bytes(penalty_key)])
}

/// Returns the leaf by which a watchtower takes the whole output of the old state n for the victim, without CSFS. It
/// has 110 B: `<01 K> CHECKSIGVERIFY <01 B> CHECKSIGVERIFY <W> CHECKSIGVERIFY <S + n + 1> CLTV`.
///
/// K is the key with which the publisher revokes states, B the victim's key, W the tower's key, and S is
/// [`NUMBER_BASE`](super::NUMBER_BASE). The transaction's nLockTime encodes a higher state number than n. The
/// victim's signature fixes the outputs. The witness is, in this order:
///
/// - signature by W
/// - signature by B under ALL|ANYPREVOUTANYSCRIPT
/// - signature by K under NONE|ANYPREVOUTANYSCRIPT
pub fn tower_lock_time(state: u32, [number_key, penalty_key, tower_key]: [&[u8; 32]; 3]) -> Vec<u8> {
    TOWER_LOCK_TIME.fill(&[number(state), Bytes(number_key), Bytes(penalty_key), Bytes(tower_key)])
}

/// Returns a leaf that requires only a higher state number, after a delay: `<delay> CSV DROP`, then the same checks
/// as [`higher_number`]. The leaf is unsafe, because the publisher can sign a higher number itself. No construction
/// uses it. Witness: `<sig by K over m> <m>`. K is the key with which the publisher signs state numbers, and m is the
/// higher number.
pub(crate) fn sweep(state: u32, number_key: &[u8; 32], delay: u16) -> Vec<u8> {
    SWEEP.fill(&[number(state), Bytes(number_key), number(delay)])
}
