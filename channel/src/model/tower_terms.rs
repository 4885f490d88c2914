//! What a tower does with its client's record when it sees a transaction: pure, from bytes.

use bitcoin::{OutPoint, Transaction, TxOut, consensus::Decodable as _};
use secp256k1::Keypair;

use super::{Form, Rebinding, SequenceTerms, Step, TowerRecord, justice_kit};
use crate::error::ChannelError;

/// What a tower and its client agreed on when the channel was opened: how records are read, and what is done with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TowerTerms {
    /// The signed sequence form: the fixed justice transaction.
    Sequence(SequenceTerms),
    /// LN-Symmetry and the override form: the newest update on top of an older one.
    Symmetry(Form),
    /// LN-penalty: the kit that the txid opens.
    LnPenalty,
    /// Locks that shrink: the transactions below the one that was seen.
    Path,
}

impl TowerTerms {
    /// The funding output that a record is about; none where every transaction has to be looked at, and a hint in its txid tells.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if the record is damaged.
    pub fn funding(&self, record: &[u8]) -> Result<Option<OutPoint>, ChannelError> {
        match self {
            TowerTerms::Sequence(_) => Ok(Some(TowerRecord::from_bytes(record)?.funding)),
            TowerTerms::Symmetry(_) => Ok(Some(Rebinding::from_bytes(record)?.funding)),
            TowerTerms::LnPenalty => Ok(None),
            TowerTerms::Path => {
                let first = path(record)?.into_iter().next();
                Ok(first.and_then(|tx| tx.input.first().map(|input| input.previous_output)))
            }
        }
    }

    /// What is published, in order, when this transaction is seen; none if it is the newest or not the channel's. `key` is the tower's.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if the record is damaged, [`ChannelError::Refused`] if the tower's key is needed and not given.
    pub fn answer(
        &self,
        record: &[u8],
        published: &Transaction,
        key: Option<&Keypair>,
    ) -> Result<Option<Vec<Step>>, ChannelError> {
        let step = match self {
            TowerTerms::Sequence(terms) => terms.answer(&TowerRecord::from_bytes(record)?, published, key)?,
            TowerTerms::Symmetry(form) => Rebinding::from_bytes(record)?.override_state(*form, published)?,
            TowerTerms::LnPenalty => justice_kit::answer(record, published)?,
            TowerTerms::Path => return below(record, published),
        };
        Ok(step.map(|step| vec![step]))
    }
}

/// The transactions of a record, one after the other.
fn path(mut record: &[u8]) -> Result<Vec<Transaction>, ChannelError> {
    let mut txs = Vec::new();
    while !record.is_empty() {
        let tx = Transaction::consensus_decode(&mut record);
        txs.push(tx.map_err(|_| ChannelError::encoding("a path is transactions, one after the other"))?);
    }
    Ok(txs)
}

/// The transactions of the path below one that was seen. Each spends the first output of the one before.
fn below(record: &[u8], published: &Transaction) -> Result<Option<Vec<Step>>, ChannelError> {
    let txs = path(record)?;
    let txid = published.compute_txid();
    let Some(at) = txs.iter().position(|tx| tx.compute_txid() == txid) else { return Ok(None) };
    let prevouts: Vec<TxOut> = txs.iter().skip(at).filter_map(|tx| tx.output.first().cloned()).collect();
    let below = txs.into_iter().skip(at + 1).zip(prevouts);
    Ok(Some(below.map(|(tx, prevout)| Step { label: "path", tx, prevouts: vec![prevout] }).collect()))
}
