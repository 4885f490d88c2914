//! Records which challenges each MuSig2 nonce signed. The adversary's search uses this to detect nonce reuse: partial
//! signatures with the same nonce for different challenges can reveal the signer's secret key.

use std::cell::RefCell;
use std::collections::BTreeMap;

use secp256k1::musig::PublicNonce;

use super::AggregateKey;
use crate::keys::tagged_hash;

/// All challenges that each public nonce signed. The map's key is the serialized nonce.
type Challenges = BTreeMap<Vec<u8>, Vec<[u8; 32]>>;

std::thread_local! {
    static KEPT: RefCell<Option<Challenges>> = const { RefCell::new(None) };
}

/// Records that `nonce` signed the challenge that is computed from these arguments. Does nothing unless signatures are
/// recorded in this thread.
pub(super) fn keep(nonce: &PublicNonce, key: &AggregateKey, nonces: &[PublicNonce], message: &[u8; 32]) {
    KEPT.with_borrow_mut(|kept| {
        let Some(kept) = kept else { return };
        let mut all: Vec<Vec<u8>> = nonces.iter().map(|nonce| nonce.serialize().to_vec()).collect();
        all.sort_unstable();
        let challenge = tagged_hash("sigstack/challenge", &[&key.x_only(), message, &all.concat()]);
        let challenges = kept.entry(nonce.serialize().to_vec()).or_default();
        if !challenges.contains(&challenge) {
            challenges.push(challenge);
        }
    });
}

/// Runs `work` while signatures are recorded. Returns the result of `work`, and the number of nonces that signed more
/// than one challenge.
pub(crate) fn reused_nonces<T>(work: impl FnOnce() -> T) -> (T, usize) {
    KEPT.set(Some(BTreeMap::new()));
    let done = work();
    let kept = KEPT.take().unwrap_or_default();
    (done, kept.values().filter(|challenges| challenges.len() > 1).count())
}
