//! The terms that a tower needs, in addition to a record, to act for its client.

use std::sync::Arc;

use bitcoin::Transaction;
use secp256k1::Keypair;

use super::path_guard::PathGuard;
use super::rebinding_guard::RebindingGuard;
use super::{Form, Rebinding, SequenceTerms, Step, justice_kit, sequence_guard};
use crate::error::ChannelError;
use crate::publish::{SharedGuard, answers};
use crate::records::RecordKind;

/// The terms that a tower and its client agreed on when the channel was opened: how records are parsed, and which transactions
/// answer an old state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TowerTerms {
    /// Signed sequence form: the terms of the justice transaction, and the contest delay in blocks.
    Sequence(SequenceTerms, u16),
    /// LN-Symmetry and override forms: the form whose latest update is bound to an older state, and the contest delay in blocks.
    Symmetry(Form, u16),
    /// LN-penalty: justice kits, decrypted with the txid.
    LnPenalty,
    /// Decreasing relative locks: the number of blocks between the locks of two states. The tower publishes the rest of the path.
    Path(u16),
}

impl TowerTerms {
    /// Parses and verifies a record. `key` is the tower's own key.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if the record is damaged, a signature in it is invalid, or the tower's key is needed and not given.
    pub fn guard(&self, record: &[u8], key: Option<&Keypair>) -> Result<SharedGuard, ChannelError> {
        Ok(match self {
            TowerTerms::Sequence(terms, delay) => {
                Arc::new(sequence_guard::TowerGuard::read((*terms, *delay), record, key)?)
            }
            TowerTerms::Symmetry(form, delay) => {
                let (read, fields) = Rebinding::from_bytes(*form, RecordKind::RebindingTower, record)?;
                fields.end()?;
                RebindingGuard::new((*form, *delay), read, None)?.share()
            }
            TowerTerms::LnPenalty => Arc::new(justice_kit::KitGuard::read(record)?),
            TowerTerms::Path(interval) => Arc::new(PathGuard::read(*interval, record)?),
        })
    }

    /// Returns the transactions to publish, in order, once `published` is confirmed. Returns `None` if `published` is of the latest
    /// state or not of this channel.
    ///
    /// # Errors
    ///
    /// Same errors as [`TowerTerms::guard`].
    pub fn answer(
        &self,
        record: &[u8],
        published: &Transaction,
        key: Option<&Keypair>,
    ) -> Result<Option<Vec<Step>>, ChannelError> {
        answers(&*self.guard(record, key)?, std::slice::from_ref(published))
    }
}
