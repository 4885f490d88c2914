//! What the two sides of a signed sequence channel and their towers keep.

use bitcoin::{OutPoint, Txid, hashes::Hash as _};

use super::Content;
use crate::error::ChannelError;
use crate::musig::{PARTIAL_COMMITMENT_SIZE, PartialCommitment};

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
    /// Number 4, commitment 130, evidence 64, settlements 1 or 129, content.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.number.to_le_bytes().to_vec();
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
    /// [`ChannelError::Encoding`] if it is cut off.
    pub fn from_bytes(bytes: &[u8]) -> Result<ClientRecord, ChannelError> {
        let read = || {
            let (number, rest) = bytes.split_first_chunk()?;
            let (commitment, rest) = rest.split_first_chunk::<PARTIAL_COMMITMENT_SIZE>()?;
            let (evidence, rest) = rest.split_first_chunk()?;
            let (settled, rest) = rest.split_first()?;
            let (settlements, rest) = match settled {
                0 => (None, rest),
                _ => {
                    let (own, rest) = rest.split_first_chunk()?;
                    let (peers, rest) = rest.split_first_chunk()?;
                    (Some([*own, *peers]), rest)
                }
            };
            let number = u32::from_le_bytes(*number);
            Some((number, PartialCommitment::from_bytes(commitment)?, *evidence, settlements, rest))
        };
        let damaged = || ChannelError::encoding("a client's record has 199 bytes before its content");
        let (number, commitment, evidence, settlements, rest) = read().ok_or_else(damaged)?;
        Ok(ClientRecord { number, commitment, evidence, settlements, content: Content::from_bytes(rest)? })
    }
}

/// What a tower keeps: 208 bytes that never change and 68 that an update replaces, or 132 with a consent.
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
    pub const SIZE: usize = 36 + 5 * 32 + 8 + 4 + 4 + 64;

    /// The record's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = crate::tx::outpoint_bytes(&self.funding).to_vec();
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

    /// Reads what [`TowerRecord::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if it has another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<TowerRecord, ChannelError> {
        let read = || {
            let (txid, rest) = bytes.split_first_chunk::<32>()?;
            let (vout, rest) = rest.split_first_chunk()?;
            let (internal_key, rest) = rest.split_first_chunk()?;
            let (number_key, rest) = rest.split_first_chunk()?;
            let (penalty_key, rest) = rest.split_first_chunk()?;
            let (payout_key, rest) = rest.split_first_chunk()?;
            let (tower_key, rest) = rest.split_first_chunk()?;
            let (capacity, rest) = rest.split_first_chunk()?;
            let (mask, rest) = rest.split_first_chunk()?;
            let (number, rest) = rest.split_first_chunk()?;
            let (evidence, rest) = rest.split_first_chunk()?;
            let consent = if rest.is_empty() { None } else { Some(rest.try_into().ok()?) };
            Some(TowerRecord {
                funding: OutPoint { txid: Txid::from_byte_array(*txid), vout: u32::from_le_bytes(*vout) },
                internal_key: *internal_key,
                number_key: *number_key,
                penalty_key: *penalty_key,
                payout_key: *payout_key,
                tower_key: *tower_key,
                capacity: u64::from_le_bytes(*capacity),
                mask: u32::from_le_bytes(*mask),
                number: u32::from_le_bytes(*number),
                evidence: *evidence,
                consent,
            })
        };
        read().ok_or_else(|| {
            ChannelError::encoding(format!(
                "a tower's record has {} bytes, and 64 more with a consent",
                TowerRecord::SIZE
            ))
        })
    }
}
