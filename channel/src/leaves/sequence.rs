//! Scripts of the leaves for the contested output of the signed sequence channel, including those that
//! watchtowers use.

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

/// Returns the leaf by which both parties together spend after a relative delay, 6 B: `INTERNALKEY
/// CHECKSIGVERIFY <delay> CSV`. Witness: `<sig>`.
pub fn delayed_internal_key(delay: u16) -> Vec<u8> {
    SETTLE_SIGNED.fill(&[number(delay)])
}

/// Returns the leaf by which the victim takes the whole output of an old state n, 77 B: `DUP <n> GREATERTHAN
/// VERIFY <K> CHECKSIGFROMSTACK VERIFY <key> CHECKSIG`. K is the publisher's number key, and m is a higher
/// number that the publisher signed. Witness: `<sig by the victim> <sig by K over m> <m>`.
pub fn contest(state: u32, number_key: &[u8; 32], penalty_key: &[u8; 32]) -> Vec<u8> {
    CONTEST.fill(&[number(state), Bytes(number_key), Bytes(penalty_key)])
}

/// Returns the first condition of [`contest`] and [`tower`]: the publisher has signed a higher state number,
/// which revokes all lower states. A leaf with this condition alone is unsafe; some attacks exploit it.
pub(crate) fn higher_number(state: u32, number_key: &[u8; 32]) -> Vec<u8> {
    CONTEST.conditions(0..1, &[number(state), Bytes(number_key)])
}

/// Returns the leaf by which a watchtower takes the whole output for the victim, with a fixed transaction.
/// 111 B with CTV. The script consists of the check for a higher number (as in [`contest`]), `<W>
/// CHECKSIGVERIFY`, and `fixed`, which is one of the `template_` scripts. W is the tower's key, K is the
/// publisher's number key, and m is a higher number that the publisher signed. Witness: `<sig by W> <sig by K
/// over m> <m>`.
pub fn tower(state: u32, number_key: &[u8; 32], tower_key: &[u8; 32], fixed: &[u8]) -> Vec<u8> {
    let mut script = TOWER.conditions(0..2, &[number(state), Bytes(number_key), Bytes(tower_key)]);
    script.extend_from_slice(fixed);
    script
}

/// Returns a leaf with the same purpose as [`contest`] that does not need CSFS, 75 B: `<01 K> CHECKSIGVERIFY
/// <B> CHECKSIGVERIFY <S + n + 1> CLTV`. B is the victim's key. The higher number is encoded in nLockTime,
/// from S ([`NUMBER_BASE`](super::NUMBER_BASE)) on. Witness: `<sig by the victim> <sig by K under
/// NONE|ANYPREVOUTANYSCRIPT>`.
pub fn contest_lock_time(state: u32, number_key: &[u8; 32], penalty_key: &[u8; 32]) -> Vec<u8> {
    CONTEST_LOCK_TIME.fill(&[number(state), Bytes(number_key), Bytes(penalty_key)])
}

/// Returns a leaf with the same purpose as [`tower`] that does not need CSFS, 110 B: `<01 K> CHECKSIGVERIFY
/// <01 B> CHECKSIGVERIFY <W> CHECKSIGVERIFY <S + n + 1> CLTV`. K is the publisher's number key, B the
/// victim's key, W the tower's key, and S is [`NUMBER_BASE`](super::NUMBER_BASE). The victim's signature
/// fixes the transaction. Witness: `<sig by W> <sig by the victim under ALL|ANYPREVOUTANYSCRIPT> <sig by K
/// under NONE|ANYPREVOUTANYSCRIPT>`.
pub fn tower_lock_time(state: u32, [number_key, penalty_key, tower_key]: [&[u8; 32]; 3]) -> Vec<u8> {
    TOWER_LOCK_TIME.fill(&[number(state), Bytes(number_key), Bytes(penalty_key), Bytes(tower_key)])
}

/// Returns a leaf that requires only a higher number, after a delay: `<delay> CSV DROP`, then the same checks
/// as [`higher_number`]. K is the publisher's number key, and m is the higher number. The leaf is unsafe,
/// because the publisher can sign a higher number itself. No construction uses it. Witness: `<sig by K over
/// m> <m>`.
pub(crate) fn sweep(state: u32, number_key: &[u8; 32], delay: u16) -> Vec<u8> {
    SWEEP.fill(&[number(state), Bytes(number_key), number(delay)])
}
