//! The record that an LN-penalty client stores.

use std::collections::BTreeMap;

use secp256k1::PublicKey;

use super::super::{Content, Htlc};
use crate::bolt3::SecretStore;
use crate::error::ChannelError;
use crate::records::RecordKind;

/// The record that an LN-penalty client stores. In the serialized record, three fields are each preceded by their
/// length in bytes: the secrets, the HTLCs of revoked commitment transactions, and the signatures.
#[derive(Clone, Debug)]
pub(super) struct PenaltyRecord {
    pub(super) number: u32,
    /// Per-commitment point of the peer's latest commitment transaction.
    pub(super) peers_point: PublicKey,
    pub(super) secrets: SecretStore,
    /// HTLCs of the peer's revoked commitment transactions, by state number. Without them the scripts of the HTLC
    /// outputs cannot be rebuilt.
    pub(super) revoked: BTreeMap<u32, Vec<Htlc>>,
    /// The peer's signatures of the party's latest commitment transaction and of the second-stage transactions of its
    /// HTLCs.
    pub(super) signatures: Vec<Vec<u8>>,
    pub(super) content: Content,
}

impl PenaltyRecord {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = RecordKind::PenaltyClient.head();
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(&self.peers_point.serialize());
        part(&mut bytes, &self.secrets.to_bytes());
        let mut revoked = Vec::new();
        for (number, htlcs) in &self.revoked {
            revoked.extend_from_slice(&number.to_le_bytes());
            let content = Content { balances: Vec::new(), htlcs: htlcs.clone() };
            part(&mut revoked, &content.to_bytes());
        }
        part(&mut bytes, &revoked);
        let mut signatures = Vec::new();
        for signature in &self.signatures {
            signatures.push(u8::try_from(signature.len()).unwrap_or_default());
            signatures.extend_from_slice(signature);
        }
        part(&mut bytes, &signatures);
        bytes.extend(self.content.to_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<PenaltyRecord, ChannelError> {
        let mut fields = RecordKind::PenaltyClient.open(bytes)?;
        let number = fields.u32()?;
        let peers_point = PublicKey::from_slice(&fields.bytes::<33>()?)?;
        let secrets = SecretStore::from_bytes(fields.part()?.rest())?;
        let mut revoked = BTreeMap::new();
        let mut rest = fields.part()?;
        while !rest.rest().is_empty() {
            let number = rest.u32()?;
            let content = Content::from_bytes(rest.part()?.rest())?;
            revoked.insert(number, content.htlcs);
        }
        let mut signatures = Vec::new();
        let mut rest = fields.part()?;
        while !rest.rest().is_empty() {
            let [length] = rest.bytes()?;
            signatures.push(rest.take(length.into())?.to_vec());
        }
        let content = Content::from_bytes(fields.rest())?;
        if secrets.count() != u64::from(number) {
            return Err(ChannelError::encoding(format!("{number} secrets, not {}", secrets.count())));
        }
        Ok(PenaltyRecord { number, peers_point, secrets, revoked, signatures, content })
    }
}

fn part(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(part);
}
