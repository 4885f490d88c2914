//! What a tower needs beside a record to act on it.

use std::sync::Arc;

use bitcoin::Transaction;
use secp256k1::Keypair;

use super::path_guard::PathGuard;
use super::rebinding_guard::RebindingGuard;
use super::{Form, Rebinding, SequenceTerms, Step, justice_kit, sequence_guard};
use crate::error::ChannelError;
use crate::publish::{SharedGuard, answers};
use crate::records::RecordKind;

/// What a tower and its client agreed on when the channel was opened: how records are read, and what is done with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TowerTerms {
    /// The signed sequence form: the fixed justice transaction, and the contest delay in blocks.
    Sequence(SequenceTerms, u16),
    /// LN-Symmetry and the override form: the newest update on top of an older one, and the contest delay in blocks.
    Symmetry(Form, u16),
    /// LN-penalty: the kit that the txid opens.
    LnPenalty,
    /// Locks that shrink: the transactions below the one that was seen, and the blocks between the locks of two states.
    Path(u16),
}

impl TowerTerms {
    /// Reads and verifies a record. `key` is the tower's.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if the record is damaged, its evidence does not verify, or the tower's key is needed and not given.
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

    /// What is published, in order, when this transaction is confirmed; none if it is the newest or not the channel's.
    ///
    /// # Errors
    ///
    /// As [`TowerTerms::guard`].
    pub fn answer(
        &self,
        record: &[u8],
        published: &Transaction,
        key: Option<&Keypair>,
    ) -> Result<Option<Vec<Step>>, ChannelError> {
        answers(&*self.guard(record, key)?, std::slice::from_ref(published))
    }
}
