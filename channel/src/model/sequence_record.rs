//! The records that clients and their towers store for a signed sequence channel.

use bitcoin::OutPoint;

use super::Content;
use crate::error::ChannelError;
use crate::musig::{PARTIAL_COMMITMENT_SIZE, PartialCommitment};
use crate::records::{HEAD, RecordKind};

/// The record that a party of a signed sequence channel stores for the latest state. Each new state replaces the whole
/// record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRecord {
    /// State number of the latest state, as scripts compare it: the channel's first state number plus the number of
    /// updates.
    pub number: u32,
    /// Signature of the client's own commitment transaction. Only the client's own partial signature is missing, and
    /// the client adds it before it publishes the transaction.
    pub commitment: PartialCommitment,
    /// The peer's signature of the state number `number`. It revokes all states of the peer with lower numbers.
    pub evidence: [u8; 64],
    /// Joint signatures of two settlement transactions: first for the client's own commitment transaction, then for the
    /// peer's. `None` if templates fix the settlements.
    pub settlements: Option<[[u8; 64]; 2]>,
    /// Balances and HTLCs of the latest state.
    pub content: Content,
}

impl ClientRecord {
    /// Serializes the record of a client: header 2 bytes, state number 4, partially signed commitment transaction 130,
    /// revocation signature 64, signatures of the settlements 1 or 129, then balances and HTLCs.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = RecordKind::SequenceClient.head();
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend(self.commitment.to_bytes());
        bytes.extend_from_slice(&self.evidence);
        bytes.push(self.settlements.is_some().into());
        bytes.extend(self.settlements.iter().flatten().flatten());
        bytes.extend(self.content.to_bytes());
        bytes
    }

    /// Parses the bytes that [`ClientRecord::to_bytes`] returned.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if the bytes are truncated or of another kind.
    pub fn from_bytes(bytes: &[u8]) -> Result<ClientRecord, ChannelError> {
        let mut fields = RecordKind::SequenceClient.open(bytes)?;
        let number = fields.u32()?;
        let commitment = PartialCommitment::from_bytes(&fields.bytes::<PARTIAL_COMMITMENT_SIZE>()?);
        let missing = || ChannelError::encoding("a partially signed commitment has 130 bytes");
        let commitment = commitment.ok_or_else(missing)?;
        let evidence = fields.bytes()?;
        let settlements = match fields.bytes()? {
            [0] => None,
            [1] => Some([fields.bytes()?, fields.bytes()?]),
            [other] => {
                return Err(ChannelError::encoding(format!(
                    "settlements are signed (1) or not (0), not {other}"
                )));
            }
        };
        let content = Content::from_bytes(fields.rest())?;
        Ok(ClientRecord { number, commitment, evidence, settlements, content })
    }
}

/// The record that a tower stores for one client: a header, 208 bytes that never change, and 68 bytes that each update
/// replaces. If the client's signature of the justice transaction is needed, it adds 64 bytes, which each update
/// replaces too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TowerRecord {
    /// Outpoint of the funding output, which the tower watches.
    pub funding: OutPoint,
    /// Aggregate public key P of the parties.
    pub internal_key: [u8; 32],
    /// Public key for the peer's signatures of state numbers.
    pub number_key: [u8; 32],
    /// Public key of the client in the contest leaf, with which it takes the contested output of an old state.
    pub penalty_key: [u8; 32],
    /// Taproot output key of the client's payout script, which the justice transaction pays.
    pub payout_key: [u8; 32],
    /// Secret key for the tower leaf, which the client derived. If the terms contain [`Reward::Key`], this is instead
    /// the tower's own public key.
    ///
    /// [`Reward::Key`]: super::Reward::Key
    pub tower_key: [u8; 32],
    /// Amount of the funding output, in satoshi.
    pub capacity: u64,
    /// Mask that obscures the state number in nLockTime and nSequence of commitment transactions.
    pub mask: u32,
    /// The latest state number that the peer signed. Older states of the peer are revoked.
    pub number: u32,
    /// The peer's signature of the state number `number`. It revokes all states of the peer with lower numbers.
    pub evidence: [u8; 64],
    /// The client's signature of the justice transaction, for use with the peer's signature of the state number
    /// `number`. `None` if a template fixes the justice transaction.
    pub consent: Option<[u8; 64]>,
}

impl TowerRecord {
    /// Size of a serialized tower record without the field `consent`, in bytes. Of the payout script `OP_1 <key>` only
    /// the key is stored.
    pub const SIZE: usize = HEAD + 36 + 5 * 32 + 8 + 4 + 4 + 64;

    /// Serializes the record that a tower stores for a client.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = RecordKind::SequenceTower.head();
        bytes.extend_from_slice(&crate::tx::outpoint_bytes(&self.funding));
        for key in [self.internal_key, self.number_key, self.penalty_key, self.payout_key, self.tower_key] {
            bytes.extend_from_slice(&key);
        }
        bytes.extend_from_slice(&self.capacity.to_le_bytes());
        bytes.extend_from_slice(&self.mask.to_le_bytes());
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(&self.evidence);
        bytes.extend(self.consent.iter().flatten());
        bytes
    }

    /// Parses the bytes that [`TowerRecord::to_bytes`] returned. This function does not verify the signatures, because
    /// that requires the terms of the channel.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if the record has another length or kind. [`ChannelError::Key`] if a key is not on
    /// the curve.
    pub fn from_bytes(bytes: &[u8]) -> Result<TowerRecord, ChannelError> {
        let mut fields = RecordKind::SequenceTower.open(bytes)?;
        let mut record = TowerRecord {
            funding: fields.outpoint()?,
            internal_key: fields.key()?,
            number_key: fields.key()?,
            penalty_key: fields.key()?,
            payout_key: fields.key()?,
            tower_key: fields.bytes()?,
            capacity: fields.u64()?,
            mask: fields.u32()?,
            number: fields.u32()?,
            evidence: fields.bytes()?,
            consent: None,
        };
        if !fields.rest().is_empty() {
            record.consent = Some(fields.bytes()?);
        }
        fields.end()?;
        Ok(record)
    }
}
