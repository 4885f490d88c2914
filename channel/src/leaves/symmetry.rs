//! Scripts of the leaves by which update transactions of LN-Symmetry spend the funding output or the output of an older
//! state.
//!
//! The leaf of the funding output contains no state number. The leaf of a state's output contains the number of the
//! next state, and compares this number with the update's lock time. In the override variants, the leaf contains the
//! number of the state itself. The witness of the update contains a higher number, and the script compares the two.

use sigstack_compiler::Fill::{self, Bytes};

use super::{PolicyLeaf, number};

/// The leaf by which an update transaction spends the funding output, and the leaf by which it spends the
/// output of a state.
pub(super) struct Update {
    pub(super) funding: PolicyLeaf,
    pub(super) state: PolicyLeaf,
}

impl Update {
    const fn new(funding: &'static str, state: &'static str) -> Update {
        let state = PolicyLeaf::new(state, 0, &["n"]);
        Update { funding: PolicyLeaf::new(funding, 0, &[]), state }
    }

    fn leaf(&self, next: Option<u32>) -> Vec<u8> {
        match next {
            None => self.funding.fill(&[]),
            Some(next) => self.state.fill(&[before(next)]),
        }
    }
}

/// Returns `next` - 1, the number of the state whose output is spent, as the value of the policy parameter `n`. The
/// policies add 1 to `n`, so the compiled script contains `next`.
fn before(next: u32) -> Fill<'static> {
    number(i64::from(next) - 1)
}

pub(super) static APO: Update = Update::new("ln-symmetry-a-funding", "ln-symmetry-a-state");
pub(super) static CTV: Update = Update {
    funding: PolicyLeaf::new("ln-symmetry-b-funding", 0, &["P"]),
    state: PolicyLeaf::new("ln-symmetry-b", 0, &["P", "n"]),
};
pub(super) static INTERNAL_KEY: Update = Update::new("ln-symmetry-c-funding", "ln-symmetry-c");
pub(super) static PAIR: Update = Update::new("ln-symmetry-d-funding", "ln-symmetry-d");
pub(super) static TEMPLATEHASH: Update = Update::new("ln-symmetry-e-funding", "ln-symmetry-e");
pub(super) static OVERRIDE_PAIR: PolicyLeaf = PolicyLeaf::new("override-forced", 0, &["n"]);
pub(super) static OVERRIDE_TEMPLATEHASH: PolicyLeaf = PolicyLeaf::new("override-templatehash", 0, &["n"]);

/// Returns the leaf by which an update transaction spends a channel output, with ANYPREVOUT. For the funding
/// output, `next` is `None` and the leaf is `1 CHECKSIG` (2 B). For the output of a state, `next` is the
/// number of the next state and the leaf is `1 CHECKSIGVERIFY <S + next> CLTV` (8 B), where S is
/// [`NUMBER_BASE`](super::NUMBER_BASE). Witness: `<sig>`, 65 bytes.
pub fn update_apo(next: Option<u32>) -> Vec<u8> {
    APO.leaf(next)
}

/// Returns the leaf by which an update transaction spends a channel output, with CTV and CSFS:
/// `CTV <key> CHECKSIGFROMSTACK`. Witness: `<sig> <template>`.
///
/// For the funding output, `next` is `None` and the leaf has 35 B. For the output of a state, `next` is the number of
/// the next state. The leaf then has 42 B, because it ends with the lock time check of [`update_apo`].
pub fn update_ctv(key: &[u8; 32], next: Option<u32>) -> Vec<u8> {
    match next {
        None => CTV.funding.fill(&[Bytes(key)]),
        Some(next) => CTV.state.fill(&[Bytes(key), before(next)]),
    }
}

/// Returns the leaf by which an update transaction spends a channel output, with CTV, INTERNALKEY and CSFS. Witness:
/// `<sig> <template>`.
///
/// For the funding output, `next` is `None` and the leaf has 3 B. For the output of a state, `next` is the number of
/// the next state. The leaf then has 10 B, because it ends with the lock time check of [`update_apo`].
pub fn update_ctv_internal_key(next: Option<u32>) -> Vec<u8> {
    INTERNAL_KEY.leaf(next)
}

/// Returns the leaf by which an update transaction spends a channel output, with CTV, PAIRCOMMIT, INTERNALKEY and
/// CSFS. Witness: `<sig> <settlement hash> <template>`. The signature also commits to the settlement hash, so the
/// witness must contain and thereby publish this hash.
///
/// For the funding output, `next` is `None` and the leaf has 4 B. For the output of a state, `next` is the number of
/// the next state. The leaf then has 11 B, because it ends with the lock time check of [`update_apo`].
pub fn update_pair_commit(next: Option<u32>) -> Vec<u8> {
    PAIR.leaf(next)
}

/// Returns the leaf by which an update transaction spends a channel output, with TEMPLATEHASH, INTERNALKEY and CSFS.
/// Witness: `<sig>`.
///
/// For the funding output, `next` is `None` and the leaf has 3 B. For the output of a state, `next` is the number of
/// the next state. The leaf then has 10 B, because it ends with the lock time check of [`update_apo`].
pub fn update_templatehash(next: Option<u32>) -> Vec<u8> {
    TEMPLATEHASH.leaf(next)
}

/// Returns the leaf by which an update transaction spends the output of an older state, in the variant of LN-Symmetry
/// with PAIRCOMMIT that compares state numbers in the script. The leaf has 13 B: `CTV PAIRCOMMIT OVER <n> GREATERTHAN
/// VERIFY PAIRCOMMIT INTERNALKEY CHECKSIGFROMSTACK`. Witness: `<sig> <m> <settlement hash> <template>`.
///
/// n is the number of the spent state, and m is the higher number of the update. The signed message is `PairCommit(m,
/// PairCommit(settlement hash, template))`.
pub fn override_pair_commit(state: u32) -> Vec<u8> {
    OVERRIDE_PAIR.fill(&[number(state)])
}

/// Returns the leaf by which an update transaction spends the output of an older state, in the variant of LN-Symmetry
/// with TEMPLATEHASH and CAT that compares state numbers in the script. The leaf has 13 B: `DUP <n> GREATERTHAN VERIFY
/// TEMPLATEHASH CAT SHA256 INTERNALKEY CHECKSIGFROMSTACK`. Witness: `<sig> <m>`.
///
/// n is the number of the spent state, and m is the higher number of the update. The signed message is `SHA256(m ||
/// template hash)`. Without SHA256 the message would have 33 to 36 bytes, which the MuSig2 implementation of
/// libsecp256k1 does not sign.
pub fn override_templatehash(state: u32) -> Vec<u8> {
    OVERRIDE_TEMPLATEHASH.fill(&[number(state)])
}
