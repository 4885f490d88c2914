//! Publication: what a party publishes from its record when it looks at the chain, and how it pays until a block takes it.
//!
//! A [`Guard`] is what a record opens to: keys, scripts and signatures. Its claims are a pure function of the chain: each block they are
//! built again from what is unspent, and nothing is stored between blocks but the feerate of each claim. A [`Publisher`] offers
//! the claims, raises their fee until they are confirmed, and never pays more than what is at stake. Clients and towers use both.

mod children;
mod claim;
mod draft;
mod foresee;
mod htlc;
mod offer;
mod publisher;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use claim::{Claim, Deadline, Pays, Purpose};
pub use draft::{Draft, Signer, Unlock};
pub use foresee::{answers, foreseen};
pub use htlc::{HtlcOutputs, htlc_draft};
pub use publisher::{Event, Publisher};
pub use view::{Found, Ledger, Spend, Supposed, View, outputs_to};

use crate::error::ChannelError;
use crate::keys::sha256;

/// What an owner knows and wants beside its record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// Preimages by their payment hashes.
    preimages: BTreeMap<[u8; 32], [u8; 32]>,
    /// Whether the owner closes the channel although nobody published anything.
    pub close: bool,
}

impl Orders {
    /// Takes in a preimage.
    pub fn learn(&mut self, preimage: [u8; 32]) {
        self.preimages.insert(sha256(&preimage), preimage);
    }

    /// The preimage of a payment hash.
    pub fn preimage(&self, payment_hash: &[u8; 32]) -> Option<&[u8; 32]> {
        self.preimages.get(payment_hash)
    }
}

/// What a party would publish.
pub trait Guard: core::fmt::Debug + Send + Sync {
    /// What this party would publish now, and later without another event: answers to old states, the settlement of the latest state
    /// whoever published it, HTLCs and balances. A claim with a later [`Claim::ready`] waits for a lock.
    ///
    /// The same record, orders and chain give the same claims.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if a transaction cannot be built. A record that was verified when it was read gives none.
    fn claims(&self, view: View<'_>, orders: &Orders) -> Result<Vec<Claim>, ChannelError>;

    /// What no update changes in a record: that of another channel differs here, whatever its number is.
    fn channel(&self) -> Vec<u8>;

    /// The age of the record: ranks of newer records of one channel compare greater.
    fn rank(&self) -> Vec<u32>;
}

/// A guard, shared by all that look with it.
pub type SharedGuard = Arc<dyn Guard>;

#[cfg(test)]
mod tests;
