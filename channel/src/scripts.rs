//! The leaves of the constructions: pure functions to bytes, with the witness that satisfies each (bottom first, without
//! script and control block). Sizes are for numbers of four bytes and heights of three.

use sigstack_interpreter::Opcode as O;

use crate::keys::tagged_hash;
use crate::script::{Num, Push, script};

/// `OP_CHECKTEMPLATEVERIFY`.
pub const CTV: O = O::OP_NOP4;
/// The smallest nLockTime that is a time: constructions that number their states by nLockTime begin there.
pub const NUMBER_BASE: u32 = 500_000_000;
/// The highest number that a script can compare.
pub const MAX_NUMBER: u32 = 0x7fff_ffff;

/// `PairCommit(a, b)` (BIP 442).
pub fn pair_commit(a: &[u8], b: &[u8]) -> [u8; 32] {
    use bitcoin::consensus::encode::{VarInt, serialize};
    let size = |bytes: &[u8]| serialize(&VarInt(bytes.len() as u64));
    tagged_hash("PairCommit", &[&size(a), a, &size(b), b])
}

/// The shortest encoding of a number, as it stands in a witness and as number keys sign it.
pub fn number_bytes(number: u32) -> Vec<u8> {
    sigstack_interpreter::script_num::encode(number.into()).as_bytes().to_vec()
}

/// HTLC to the recipient, 61 B: `<key> CHECKSIGVERIFY SIZE <32> EQUALVERIFY HASH160 <hash> EQUAL`.
/// Witness: `<preimage> <sig>`.
pub fn htlc_success(recipient: &[u8; 32], hash: &[u8; 20]) -> Vec<u8> {
    script(&[
        &Push(recipient),
        &O::OP_CHECKSIGVERIFY,
        &O::OP_SIZE,
        &Num(32),
        &O::OP_EQUALVERIFY,
        &O::OP_HASH160,
        &Push(hash),
        &O::OP_EQUAL,
    ])
}

/// HTLC back to the sender, 39 B: `<key> CHECKSIGVERIFY <expiry> CLTV`. Witness: `<sig>`.
pub fn htlc_timeout(sender: &[u8; 32], expiry: u32) -> Vec<u8> {
    script(&[&Push(sender), &O::OP_CHECKSIGVERIFY, &Num(expiry.into()), &O::OP_CHECKLOCKTIMEVERIFY])
}

/// HTLC to the recipient by a fixed transaction, 95 B: `SIZE <32> EQUALVERIFY HASH160 <hash> EQUALVERIFY <key>
/// CHECKSIGVERIFY <template> CTV`. Witness: `<sig> <preimage>`.
pub fn htlc_success_template(recipient: &[u8; 32], hash: &[u8; 20], template: &[u8; 32]) -> Vec<u8> {
    script(&[
        &O::OP_SIZE,
        &Num(32),
        &O::OP_EQUALVERIFY,
        &O::OP_HASH160,
        &Push(hash),
        &O::OP_EQUALVERIFY,
        &Push(recipient),
        &O::OP_CHECKSIGVERIFY,
        &Push(template),
        &CTV,
    ])
}

/// HTLC back to the sender by a fixed transaction, 74 B: `<expiry> CLTV DROP <key> CHECKSIGVERIFY <template> CTV`.
/// Witness: `<sig>`.
pub fn htlc_timeout_template(sender: &[u8; 32], expiry: u32, template: &[u8; 32]) -> Vec<u8> {
    script(&[
        &Num(expiry.into()),
        &O::OP_CHECKLOCKTIMEVERIFY,
        &O::OP_DROP,
        &Push(sender),
        &O::OP_CHECKSIGVERIFY,
        &Push(template),
        &CTV,
    ])
}

/// A key after a delay: `<key> CHECKSIGVERIFY <delay> CSV`. Witness: `<sig>`.
pub fn delayed(key: &[u8; 32], delay: u16) -> Vec<u8> {
    script(&[&Push(key), &O::OP_CHECKSIGVERIFY, &Num(delay.into()), &O::OP_CHECKSEQUENCEVERIFY])
}

/// A fixed transaction, 34 B: `<hash> CTV`. Witness: empty.
pub fn template_ctv(template: &[u8; 32]) -> Vec<u8> {
    script(&[&Push(template), &CTV])
}

/// A fixed transaction, 35 B: `<hash> TEMPLATEHASH EQUAL`. Witness: empty.
pub fn template_templatehash(template: &[u8; 32]) -> Vec<u8> {
    script(&[&Push(template), &O::OP_TEMPLATEHASH, &O::OP_EQUAL])
}

/// A fixed transaction after other conditions, 35 B: `TEMPLATEHASH <hash> EQUAL`. Witness: empty.
pub fn template_templatehash_after(template: &[u8; 32]) -> Vec<u8> {
    script(&[&O::OP_TEMPLATEHASH, &Push(template), &O::OP_EQUAL])
}

/// A fixed transaction by a signature made in advance with the key that all know, 101 B: `<sig> <01 G> CHECKSIG`.
/// Witness: empty.
pub fn template_signature(signature: &[u8], generator: &[u8; 32]) -> Vec<u8> {
    script(&[&Push(signature), &Push(&bip118_key(generator)), &O::OP_CHECKSIG])
}

/// A key of BIP 118: 0x01 and the x coordinate.
pub fn bip118_key(key: &[u8; 32]) -> Vec<u8> {
    [&[1][..], key].concat()
}

/// Both together after a delay, 6 B: `INTERNALKEY CHECKSIGVERIFY <delay> CSV`. Witness: `<sig>`.
pub fn delayed_internal_key(delay: u16) -> Vec<u8> {
    script(&[&O::OP_INTERNALKEY, &O::OP_CHECKSIGVERIFY, &Num(delay.into()), &O::OP_CHECKSEQUENCEVERIFY])
}

/// `DUP <n> GREATERTHAN VERIFY <K> CHECKSIGFROMSTACK VERIFY`: the peer gave up everything below a higher number.
/// Witness: `<sig by K over m> <m>`.
pub(crate) fn higher_number(number: u32, number_key: &[u8; 32]) -> Vec<u8> {
    script(&[
        &O::OP_DUP,
        &Num(number.into()),
        &O::OP_GREATERTHAN,
        &O::OP_VERIFY,
        &Push(number_key),
        &O::OP_CHECKSIGFROMSTACK,
        &O::OP_VERIFY,
    ])
}

/// The victim takes all with its key, 77 B. Witness: `<sig by the victim> <sig by K over m> <m>`.
pub fn contest(number: u32, number_key: &[u8; 32], penalty_key: &[u8; 32]) -> Vec<u8> {
    let end = script(&[&Push(penalty_key), &O::OP_CHECKSIG]);
    [higher_number(number, number_key), end].concat()
}

/// As [`contest`] with a key of BIP 118, 78 B: one signature serves every number.
pub fn contest_bip118(number: u32, number_key: &[u8; 32], penalty_key: &[u8; 32]) -> Vec<u8> {
    let end = script(&[&Push(&bip118_key(penalty_key)), &O::OP_CHECKSIG]);
    [higher_number(number, number_key), end].concat()
}

/// Whoever has the tower's key takes all for the victim by a fixed transaction: `<W> CHECKSIGVERIFY` and one of the `template_`
/// scripts. 111 B with CTV. Witness: `<sig by W> <sig by K over m> <m>`.
pub fn tower(number: u32, number_key: &[u8; 32], tower_key: &[u8; 32], fixed: &[u8]) -> Vec<u8> {
    let key = script(&[&Push(tower_key), &O::OP_CHECKSIGVERIFY]);
    [&higher_number(number, number_key), &key, fixed].concat()
}

/// The contest by a joint key that is the internal key, 45 B. Witness: as [`contest`].
pub fn contest_joint(number: u32, penalty_key: &[u8; 32]) -> Vec<u8> {
    script(&[
        &O::OP_DUP,
        &Num(number.into()),
        &O::OP_GREATERTHAN,
        &O::OP_VERIFY,
        &O::OP_INTERNALKEY,
        &O::OP_CHECKSIGFROMSTACK,
        &O::OP_VERIFY,
        &Push(penalty_key),
        &O::OP_CHECKSIG,
    ])
}

/// Numbers of two limbs, 94 B: `(mh, ml) > (nh, nl)`, both non-negative, signed as `PairCommit(mh, ml)`.
/// Witness: `<sig by the victim> <sig by K> <mh> <ml>`.
pub fn contest_limbs(high: u32, low: u32, number_key: &[u8; 32], penalty_key: &[u8; 32]) -> Vec<u8> {
    script(&[
        &O::OP_2DUP,
        &Num(low.into()),
        &O::OP_GREATERTHAN,
        &O::OP_OVER,
        &Num(high.into()),
        &O::OP_NUMEQUAL,
        &O::OP_BOOLAND,
        &O::OP_SWAP,
        &Num(high.into()),
        &O::OP_GREATERTHAN,
        &O::OP_BOOLOR,
        &O::OP_VERIFY,
        &O::OP_PAIRCOMMIT,
        &Push(number_key),
        &O::OP_CHECKSIGFROMSTACK,
        &O::OP_VERIFY,
        &Push(penalty_key),
        &O::OP_CHECKSIG,
    ])
}

/// The literal form of 2018 with CAT, 122 B: opens `C_n = SHA256(n || r_n)`, compares, checks the joint signature of `C_m`.
/// `sized` puts the size checks before each opening; without them bytes of the random value count as the number's.
/// Witness: `<sig by the victim> <sig by K over C_m> <r_m> <m> <r_n> <n>`.
pub fn literal_cat(commitment: &[u8; 32], joint_key: &[u8; 32], victim: &[u8; 32], sized: bool) -> Vec<u8> {
    // Witness order is r, then the number; SWAP puts r on top, CAT joins number || r.
    let size = if sized { script(&[&O::OP_SIZE, &Num(32), &O::OP_EQUALVERIFY]) } else { Vec::new() };
    let swap = script(&[&O::OP_SWAP]);
    let open = script(&[
        &O::OP_OVER,
        &O::OP_SWAP,
        &O::OP_CAT,
        &O::OP_SHA256,
        &Push(commitment),
        &O::OP_EQUALVERIFY,
        &O::OP_OVER,
        &O::OP_LESSTHAN,
        &O::OP_VERIFY,
    ]);
    let check = script(&[
        &O::OP_CAT,
        &O::OP_SHA256,
        &Push(joint_key),
        &O::OP_CHECKSIGFROMSTACK,
        &O::OP_VERIFY,
        &Push(victim),
        &O::OP_CHECKSIG,
    ]);
    [&swap[..], &size, &open, &swap, &size, &check].concat()
}

/// The literal form of 2018 with PAIRCOMMIT, 109 B: `C_i = PairCommit(r_i, i)`. Witness: as [`literal_cat`].
pub fn literal_pair_commit(commitment: &[u8; 32], joint_key: &[u8; 32], victim: &[u8; 32]) -> Vec<u8> {
    script(&[
        &O::OP_TUCK,
        &O::OP_PAIRCOMMIT,
        &Push(commitment),
        &O::OP_EQUALVERIFY,
        &O::OP_OVER,
        &O::OP_LESSTHAN,
        &O::OP_VERIFY,
        &O::OP_PAIRCOMMIT,
        &Push(joint_key),
        &O::OP_CHECKSIGFROMSTACK,
        &O::OP_VERIFY,
        &Push(victim),
        &O::OP_CHECKSIG,
    ])
}

/// `<S + n> CLTV`, the end of an update leaf that states are numbered by nLockTime in.
fn number_lock(next: Option<u32>) -> Vec<u8> {
    match next {
        None => Vec::new(),
        Some(next) => {
            let lock = i64::from(NUMBER_BASE) + i64::from(next);
            script(&[&O::OP_VERIFY, &Num(lock), &O::OP_CHECKLOCKTIMEVERIFY])
        }
    }
}

/// Update by ANYPREVOUT: `1 CHECKSIG` (2 B), or `1 CHECKSIGVERIFY <S + n> CLTV` (8 B). Witness: `<sig 65>`.
pub fn update_apo(next: Option<u32>) -> Vec<u8> {
    match next {
        None => script(&[&O::OP_1, &O::OP_CHECKSIG]),
        Some(next) => {
            let lock = i64::from(NUMBER_BASE) + i64::from(next);
            script(&[&O::OP_1, &O::OP_CHECKSIGVERIFY, &Num(lock), &O::OP_CHECKLOCKTIMEVERIFY])
        }
    }
}

/// Update by CTV and CSFS: `CTV <P> CHECKSIGFROMSTACK` (35 B; 42 B with the number). Witness: `<sig> <template>`.
pub fn update_ctv(key: &[u8; 32], next: Option<u32>) -> Vec<u8> {
    let head = script(&[&CTV, &Push(key), &O::OP_CHECKSIGFROMSTACK]);
    [head, number_lock(next)].concat()
}

/// Update by CTV, CSFS and INTERNALKEY (3 B; 10 B with the number). Witness: `<sig> <template>`.
pub fn update_ctv_internal_key(next: Option<u32>) -> Vec<u8> {
    let head = script(&[&CTV, &O::OP_INTERNALKEY, &O::OP_CHECKSIGFROMSTACK]);
    [head, number_lock(next)].concat()
}

/// Update by CTV, PAIRCOMMIT, INTERNALKEY and CSFS (4 B; 11 B with the number): the signature forces that the settlement's
/// hash is published. Witness: `<sig> <settlement hash> <template>`.
pub fn update_pair_commit(next: Option<u32>) -> Vec<u8> {
    let head = script(&[&CTV, &O::OP_PAIRCOMMIT, &O::OP_INTERNALKEY, &O::OP_CHECKSIGFROMSTACK]);
    [head, number_lock(next)].concat()
}

/// Update by TEMPLATEHASH, INTERNALKEY and CSFS (3 B; 10 B with the number). Witness: `<sig>`.
pub fn update_templatehash(next: Option<u32>) -> Vec<u8> {
    let head = script(&[&O::OP_TEMPLATEHASH, &O::OP_INTERNALKEY, &O::OP_CHECKSIGFROMSTACK]);
    [head, number_lock(next)].concat()
}

/// Override by an explicit number, 13 B: `CTV PAIRCOMMIT OVER <n> GREATERTHAN VERIFY PAIRCOMMIT INTERNALKEY
/// CHECKSIGFROMSTACK`. Witness: `<sig> <m> <settlement hash> <template>`; the message is
/// `PairCommit(m, PairCommit(settlement hash, template))`.
pub fn override_pair_commit(number: u32) -> Vec<u8> {
    script(&[
        &CTV,
        &O::OP_PAIRCOMMIT,
        &O::OP_OVER,
        &Num(number.into()),
        &O::OP_GREATERTHAN,
        &O::OP_VERIFY,
        &O::OP_PAIRCOMMIT,
        &O::OP_INTERNALKEY,
        &O::OP_CHECKSIGFROMSTACK,
    ])
}

/// Override by TEMPLATEHASH and CAT, 13 B: `DUP <n> GREATERTHAN VERIFY TEMPLATEHASH CAT SHA256 INTERNALKEY
/// CHECKSIGFROMSTACK`. Witness: `<sig> <m>`; the message is `SHA256(m || hash)`. Without SHA256 the message would have 33 to 36
/// bytes, which the MuSig2 of libsecp256k1 does not sign.
pub fn override_templatehash(number: u32) -> Vec<u8> {
    script(&[
        &O::OP_DUP,
        &Num(number.into()),
        &O::OP_GREATERTHAN,
        &O::OP_VERIFY,
        &O::OP_TEMPLATEHASH,
        &O::OP_CAT,
        &O::OP_SHA256,
        &O::OP_INTERNALKEY,
        &O::OP_CHECKSIGFROMSTACK,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn sizes_are_those_of_the_docs() {
        let n = MAX_NUMBER;
        for (name, script, size) in [
            ("htlc success", htlc_success(&KEY, &[8; 20]), 61),
            ("htlc timeout", htlc_timeout(&KEY, 900_000), 39),
            ("htlc success, template", htlc_success_template(&KEY, &[8; 20], &KEY), 95),
            ("htlc timeout, template", htlc_timeout_template(&KEY, 900_000, &KEY), 74),
            ("ctv", template_ctv(&KEY), 34),
            ("templatehash", template_templatehash(&KEY), 35),
            ("signature", template_signature(&[9; 65], &KEY), 101),
            ("internal key", delayed_internal_key(144), 6),
            ("contest", contest(n, &KEY, &KEY), 77),
            ("contest, small", contest(16, &KEY, &KEY), 73),
            ("contest, bip 118", contest_bip118(n, &KEY, &KEY), 78),
            ("contest, joint", contest_joint(n, &KEY), 45),
            ("contest, limbs", contest_limbs(n, n, &KEY, &KEY), 94),
            ("tower, ctv", tower(n, &KEY, &KEY, &template_ctv(&KEY)), 111),
            ("tower, templatehash", tower(n, &KEY, &KEY, &template_templatehash_after(&KEY)), 112),
            ("tower, signature", tower(n, &KEY, &KEY, &template_signature(&[9; 65], &KEY)), 178),
            ("cat", literal_cat(&KEY, &KEY, &KEY, true), 122),
            ("pair commit", literal_pair_commit(&KEY, &KEY, &KEY), 109),
            ("apo, funding", update_apo(None), 2),
            ("apo", update_apo(Some(5)), 8),
            ("ctv, funding", update_ctv(&KEY, None), 35),
            ("ctv", update_ctv(&KEY, Some(5)), 42),
            ("ctv, internal key", update_ctv_internal_key(Some(5)), 10),
            ("pc", update_pair_commit(Some(5)), 11),
            ("templatehash", update_templatehash(Some(5)), 10),
            ("override, pc", override_pair_commit(n), 13),
            ("override, templatehash", override_templatehash(n), 13),
        ] {
            assert_eq!(script.len(), size, "{name}");
        }
        assert_eq!(
            hex::encode(contest(70_000, &[0xaa; 32], &[0xbb; 32])),
            format!("7603701101a06920{}cc6920{}ac", "aa".repeat(32), "bb".repeat(32))
        );
    }
}
