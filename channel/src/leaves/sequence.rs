//! Scripts of the leaves for the signed sequence form: the contested output, and the leaves that
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

/// Returns the leaf for both parties together after a relative delay, 6 B: `INTERNALKEY CHECKSIGVERIFY
/// <delay> CSV`. Witness: `<sig>`.
pub fn delayed_internal_key(delay: u16) -> Vec<u8> {
    SETTLE_SIGNED.fill(&[number(delay)])
}

/// Returns the leaf by which the victim takes the whole output, 77 B: `DUP <n> GREATERTHAN VERIFY <K> CHECKSIGFROMSTACK VERIFY
/// <key> CHECKSIG`. Witness: `<sig by the victim> <sig by K over m> <m>`, where K is the peer's number key and m the higher number.
pub fn contest(state: u32, number_key: &[u8; 32], penalty_key: &[u8; 32]) -> Vec<u8> {
    CONTEST.fill(&[number(state), Bytes(number_key), Bytes(penalty_key)])
}

/// Returns the first condition of [`contest`] and [`tower`]: the peer has signed a higher number, and so
/// revoked all lower states. A leaf with this condition alone is the mistake that some attacks exploit.
pub(crate) fn higher_number(state: u32, number_key: &[u8; 32]) -> Vec<u8> {
    CONTEST.conditions(0..1, &[number(state), Bytes(number_key)])
}

/// Returns the leaf by which the holder of the tower's key takes the whole output for the victim, by a fixed transaction: the
/// condition for a higher number, `<W> CHECKSIGVERIFY`, and one of the `template_` scripts. 111 B with CTV. Witness: `<sig by W>
/// <sig by K over m> <m>`, where W is the tower's key, K the peer's number key and m the higher number.
pub fn tower(state: u32, number_key: &[u8; 32], tower_key: &[u8; 32], fixed: &[u8]) -> Vec<u8> {
    let mut script = TOWER.conditions(0..2, &[number(state), Bytes(number_key), Bytes(tower_key)]);
    script.extend_from_slice(fixed);
    script
}

/// As [`contest`] but without CSFS, 75 B: `<01 K> CHECKSIGVERIFY <B> CHECKSIGVERIFY <S + n + 1> CLTV`. The
/// number is encoded in nLockTime. Witness: `<sig by the victim> <sig by K under
/// NONE|ANYPREVOUTANYSCRIPT>`.
pub fn contest_lock_time(state: u32, number_key: &[u8; 32], penalty_key: &[u8; 32]) -> Vec<u8> {
    CONTEST_LOCK_TIME.fill(&[number(state), Bytes(number_key), Bytes(penalty_key)])
}

/// As [`tower`] but without CSFS, 110 B: `<01 K> CHECKSIGVERIFY <01 B> CHECKSIGVERIFY <W> CHECKSIGVERIFY
/// <S + n + 1> CLTV`. K is the number key, B the victim's key and W the tower's key. The victim's signature
/// fixes the transaction. Witness: `<sig by W> <sig by the victim under ALL|ANYPREVOUTANYSCRIPT> <sig by K
/// under NONE|ANYPREVOUTANYSCRIPT>`.
pub fn tower_lock_time(state: u32, [number_key, penalty_key, tower_key]: [&[u8; 32]; 3]) -> Vec<u8> {
    TOWER_LOCK_TIME.fill(&[number(state), Bytes(number_key), Bytes(penalty_key), Bytes(tower_key)])
}

/// Returns a leaf that requires only a higher number, after a delay: `<delay> CSV DROP`, the number, `<K> CHECKSIGFROMSTACK`. It is
/// unsafe, because the publisher can sign a higher number itself; no construction uses it. Witness: `<sig by K over m> <m>`, where
/// K is the publisher's number key and m the higher number.
pub(crate) fn sweep(state: u32, number_key: &[u8; 32], delay: u16) -> Vec<u8> {
    SWEEP.fill(&[number(state), Bytes(number_key), number(delay)])
}
