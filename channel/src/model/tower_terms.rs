//! The channel parameters that a tower needs, in addition to a record, to act for its client.

use std::sync::Arc;

use bitcoin::Transaction;
use secp256k1::Keypair;

use super::path_guard::PathGuard;
use super::rebinding_guard::RebindingGuard;
use super::sequence_tower_guard::TowerGuard;
use super::{Form, Rebinding, SequenceTerms, Step, justice_kit};
use crate::error::ChannelError;
use crate::publish::{SharedGuard, answers};
use crate::records::RecordKind;

/// The parameters that a tower and its client agreed on when the channel was opened. They determine how the tower
/// parses a record, and with which transactions it answers an old state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TowerTerms {
    /// Terms of the signed sequence form: the opcodes and the tower's reward, and the contest delay in blocks. The
    /// tower publishes the justice transaction.
    Sequence(SequenceTerms, u16),
    /// Terms of LN-Symmetry and the override forms: the opcodes, and the contest delay in blocks. The tower publishes
    /// the latest update transaction, which spends the output of the older state.
    Symmetry(Form, u16),
    /// Terms of LN-penalty, which have no parameters. The tower decrypts a justice kit with the txid of the old
    /// commitment transaction.
    LnPenalty,
    /// Terms of channels with decreasing relative locks: the difference between the locks of two successive states, in
    /// blocks. The tower publishes the remaining transactions of the latest state.
    Path(u16),
}

impl TowerTerms {
    /// Parses and verifies a tower's record, and returns the guard that answers old states. `key` is the tower's own
    /// key, which only [`super::Reward::Key`] needs.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if the record is damaged, if a signature in it is invalid, or if the tower's key is needed and
    /// `key` is not that key.
    pub fn guard(&self, record: &[u8], key: Option<&Keypair>) -> Result<SharedGuard, ChannelError> {
        Ok(match self {
            TowerTerms::Sequence(terms, delay) => Arc::new(TowerGuard::read((*terms, *delay), record, key)?),
            TowerTerms::Symmetry(form, delay) => {
                let (read, fields) = Rebinding::from_bytes(*form, RecordKind::RebindingTower, record)?;
                fields.end()?;
                RebindingGuard::new((*form, *delay), read, None)?.share()
            }
            TowerTerms::LnPenalty => Arc::new(justice_kit::KitGuard::read(record)?),
            TowerTerms::Path(interval) => Arc::new(PathGuard::read(*interval, record)?),
        })
    }

    /// Returns the transactions that the tower publishes, in order, after `published` has confirmed. Returns `None` if
    /// `published` belongs to the latest state or to another channel.
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
