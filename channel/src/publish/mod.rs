//! Publication of transactions: which transactions a party publishes from its record when it checks the chain, and how it raises
//! their fees until they confirm.
//!
//! A [`Guard`] contains the keys, scripts and signatures of a record. Its claims are a pure function of the chain. They are
//! recomputed in each block from the unspent outputs, and only the feerate of each claim is kept between blocks. A [`Publisher`]
//! offers the claims to the mempool, raises their fees until they confirm, and never pays more than the amount at stake. Both
//! clients and towers use these types.

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

/// Knowledge and wishes of an owner that are not part of its record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// Known preimages by payment hash.
    preimages: BTreeMap<[u8; 32], [u8; 32]>,
    /// Whether the owner wants to close the channel although no transaction of it was published.
    pub close: bool,
}

impl Orders {
    /// Adds a preimage.
    pub fn learn(&mut self, preimage: [u8; 32]) {
        self.preimages.insert(sha256(&preimage), preimage);
    }

    /// Returns the preimage of a payment hash, if it is known.
    pub fn preimage(&self, payment_hash: &[u8; 32]) -> Option<&[u8; 32]> {
        self.preimages.get(payment_hash)
    }
}

/// Source of a party's claims, built from its record.
pub trait Guard: core::fmt::Debug + Send + Sync {
    /// Returns the transactions that this party would publish now, or later without any other event: answers to old states, the
    /// settlement of the latest state (whichever party published it), and claims on HTLCs and balances. A claim whose
    /// [`Claim::ready`] is a later height waits for a lock.
    ///
    /// The same record, orders and chain always give the same claims.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if a transaction cannot be built. This does not happen for a record that was verified when it was parsed.
    fn claims(&self, view: View<'_>, orders: &Orders) -> Result<Vec<Claim>, ChannelError>;

    /// Returns the part of the record that no update changes. Records of different channels always differ here.
    fn channel(&self) -> Vec<u8>;

    /// Returns the age of the record. Among records of the same channel, a newer one has a greater rank.
    fn rank(&self) -> Vec<u32>;
}

/// A guard that several owners share.
pub type SharedGuard = Arc<dyn Guard>;

#[cfg(test)]
mod tests;
