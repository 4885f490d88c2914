//! What the two sides of a signed sequence channel and their towers keep.

use bitcoin::OutPoint;

use super::Content;
use crate::error::ChannelError;
use crate::musig::{PARTIAL_COMMITMENT_SIZE, PartialCommitment};
use crate::records::{HEAD, RecordKind};

/// What a client keeps of the newest state. All of it is replaced by the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRecord {
    /// The newest number.
    pub number: u32,
    /// Its own commitment but for its own part.
    pub commitment: PartialCommitment,
    /// The peer's signature of `number`: the peer gave up all that is lower.
    pub evidence: [u8; 64],
    /// Signatures of both settlements, where templates do not fix them.
    pub settlements: Option<[[u8; 64]; 2]>,
    /// What the state pays.
    pub content: Content,
}

impl ClientRecord {
    /// Head 2, number 4, commitment 130, evidence 64, settlements 1 or 129, content.
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

    /// Reads what [`ClientRecord::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if it is cut off or of another kind.
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

/// What a tower keeps: a head, 208 bytes that never change and 68 that an update replaces, or 132 with a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TowerRecord {
    /// The funding output, which it watches.
    pub funding: OutPoint,
    /// P.
    pub internal_key: [u8; 32],
    /// The key that signs the peer's numbers.
    pub number_key: [u8; 32],
    /// The client's key in the contest leaf.
    pub penalty_key: [u8; 32],
    /// The output key that the client is paid to.
    pub payout_key: [u8; 32],
    /// The secret of the key in the tower's leaf, which the client derives; with [`Reward::Key`] the tower's own public key.
    ///
    /// [`Reward::Key`]: super::Reward::Key
    pub tower_key: [u8; 32],
    /// Satoshi in the channel.
    pub capacity: u64,
    /// Hides the number in nLockTime and nSequence.
    pub mask: u32,
    /// The number that the peer signed.
    pub number: u32,
    /// The signature.
    pub evidence: [u8; 64],
    /// The client's signature of the justice transaction for `number`, where no template fixes that transaction.
    pub consent: Option<[u8; 64]>,
}

impl TowerRecord {
    /// Bytes of a record without a consent. A payout script is `OP_1 <key>`, so its key says it.
    pub const SIZE: usize = HEAD + 36 + 5 * 32 + 8 + 4 + 4 + 64;

    /// The record's bytes.
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

    /// Reads what [`TowerRecord::to_bytes`] wrote. The terms of the channel say how the evidence is verified.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if the record has another length or kind, [`ChannelError::Key`] if a key is not on the curve.
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
