//! Publication of transactions: which transactions a party publishes when it checks the chain, and how it raises their
//! fees until they confirm.
//!
//! A [`Guard`] contains the keys, scripts and signatures of a party's stored record. It computes claims: transactions
//! that the party wants to get confirmed. The claims are a pure function of the chain and are recomputed after each
//! block. A [`Publisher`] submits the claims to the mempool and raises their fees until they confirm, but never above
//! the amount at stake. Between blocks it keeps only the feerate of each claim. Both clients and towers use these
//! types.

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

/// Inputs of a guard in addition to the stored record: known preimages, and whether the party wants to close the
/// channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders {
    /// Known preimages of HTLCs, by payment hash.
    preimages: BTreeMap<[u8; 32], [u8; 32]>,
    /// Whether the guard closes the channel, although no transaction that spends the funding output has confirmed.
    pub close: bool,
}

impl Orders {
    /// Adds the preimage of an HTLC, so that the guard can claim this HTLC.
    pub fn learn(&mut self, preimage: [u8; 32]) {
        self.preimages.insert(sha256(&preimage), preimage);
    }

    /// Returns the preimage of this payment hash, if it was added.
    pub fn preimage(&self, payment_hash: &[u8; 32]) -> Option<&[u8; 32]> {
        self.preimages.get(payment_hash)
    }
}

/// Decides which transactions a client or a tower publishes. A guard is built from the stored record of a channel.
pub trait Guard: core::fmt::Debug + Send + Sync {
    /// Returns the transactions that a party or tower would publish now, including transactions whose locks are not
    /// satisfied before the chain height [`Claim::ready`]. The transactions are answers to old states, the settlement
    /// of the latest state (whichever party published that state), and claims on HTLCs and balances.
    ///
    /// The same record, orders and chain always give the same claims.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if a transaction cannot be built. This does not happen for a record that was verified when it
    /// was parsed.
    fn claims(&self, view: View<'_>, orders: &Orders) -> Result<Vec<Claim>, ChannelError>;

    /// Returns the part of the stored record that is the same in all records of one channel, and different in records
    /// of other channels. It is empty for towers of LN-penalty channels, whose records do not identify the channel.
    fn channel(&self) -> Vec<u8>;

    /// Returns a value that orders the stored records of one channel: a newer record has a greater value.
    fn rank(&self) -> Vec<u32>;
}

/// A reference-counted guard. Copies of a [`Publisher`] share it.
pub type SharedGuard = Arc<dyn Guard>;

#[cfg(test)]
mod tests;
