//! Scripts of the leaves by which update transactions spend the funding output or the output of an older
//! state, in LN-Symmetry and in the override forms. The leaf of the funding output contains no number. In
//! LN-Symmetry, the leaf of a state's output contains the number of the next state.

use sigstack_compiler::Fill::{self, Bytes};

use super::{PolicyLeaf, number};

/// The update leaf of the funding output, and the update leaf of a state's output.
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

/// Returns the value for the policy's hole, which is the number of the state itself. `next` is the number of
/// the next state, which the compiled script contains.
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

/// Returns the update leaf that uses ANYPREVOUT: `1 CHECKSIG` for the funding output (2 B), or `1
/// CHECKSIGVERIFY <S + n> CLTV` for the output of a state (8 B). S is [`NUMBER_BASE`](super::NUMBER_BASE),
/// and n is the number of the next state. Witness: `<sig>`, 65 bytes.
pub fn update_apo(next: Option<u32>) -> Vec<u8> {
    APO.leaf(next)
}

/// Returns the update leaf that uses CTV and CSFS: `CTV <P> CHECKSIGFROMSTACK` (35 B; 42 B with the
/// number). Witness: `<sig> <template>`.
pub fn update_ctv(key: &[u8; 32], next: Option<u32>) -> Vec<u8> {
    match next {
        None => CTV.funding.fill(&[Bytes(key)]),
        Some(next) => CTV.state.fill(&[Bytes(key), before(next)]),
    }
}

/// Returns the update leaf that uses CTV, CSFS and INTERNALKEY (3 B; 10 B with the number). Witness: `<sig>
/// <template>`.
pub fn update_ctv_internal_key(next: Option<u32>) -> Vec<u8> {
    INTERNAL_KEY.leaf(next)
}

/// Returns the update leaf that uses CTV, PAIRCOMMIT, INTERNALKEY and CSFS (4 B; 11 B with the number). The
/// signature also commits to the settlement hash, which the witness therefore publishes. Witness: `<sig>
/// <settlement hash> <template>`.
pub fn update_pair_commit(next: Option<u32>) -> Vec<u8> {
    PAIR.leaf(next)
}

/// Returns the update leaf that uses TEMPLATEHASH, INTERNALKEY and CSFS (3 B; 10 B with the number).
/// Witness: `<sig>`.
pub fn update_templatehash(next: Option<u32>) -> Vec<u8> {
    TEMPLATEHASH.leaf(next)
}

/// Returns the override leaf with PAIRCOMMIT, 13 B: `CTV PAIRCOMMIT OVER <n> GREATERTHAN VERIFY PAIRCOMMIT
/// INTERNALKEY CHECKSIGFROMSTACK`. n is the number of the spent state, and m is the higher number of the
/// update. Witness: `<sig> <m> <settlement hash> <template>`. The signed message is `PairCommit(m,
/// PairCommit(settlement hash, template))`.
pub fn override_pair_commit(state: u32) -> Vec<u8> {
    OVERRIDE_PAIR.fill(&[number(state)])
}

/// Returns the override leaf with TEMPLATEHASH and CAT, 13 B: `DUP <n> GREATERTHAN VERIFY TEMPLATEHASH CAT
/// SHA256 INTERNALKEY CHECKSIGFROMSTACK`. n is the number of the spent state, and m is the higher number of
/// the update. Witness: `<sig> <m>`. The signed message is `SHA256(m || template hash)`. Without SHA256 the
/// message would have 33 to 36 bytes, which the MuSig2 implementation of libsecp256k1 does not sign.
pub fn override_templatehash(state: u32) -> Vec<u8> {
    OVERRIDE_TEMPLATEHASH.fill(&[number(state)])
}
