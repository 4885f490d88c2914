//! Serialized records of parties and towers. Each record begins with a format version and a kind, which are checked
//! when the record is parsed.

use bitcoin::{OutPoint, Txid, hashes::Hash as _};
use secp256k1::XOnlyPublicKey;

use crate::error::ChannelError;

/// Version of the record format, the first byte of every record. Records with another version are refused.
pub const VERSION: u8 = 1;
/// Size of a record's header in bytes: one byte for the format version, and one for the kind.
pub const HEAD: usize = 2;

/// Kind of a serialized record: the channel construction, and whether a client or a tower stores the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordKind {
    /// Record that a client stores for an LN-Symmetry channel or a channel of the override form.
    RebindingClient = 1,
    /// Record that a tower stores for an LN-Symmetry channel or a channel of the override form.
    RebindingTower = 2,
    /// Record that a client stores for a channel of the signed sequence form.
    SequenceClient = 3,
    /// Record that a tower stores for a channel of the signed sequence form.
    SequenceTower = 4,
    /// Record that a client stores for an LN-penalty channel.
    PenaltyClient = 5,
    /// Record that a tower stores for an LN-penalty channel.
    PenaltyTower = 6,
    /// Record that a client stores for a channel with decreasing relative locks (`bip68` and `tree`).
    PathClient = 7,
    /// Record that a tower stores for a channel with decreasing relative locks (`bip68` and `tree`).
    PathTower = 8,
    /// Record that a client stores for a channel that follows the 2018 proposal for signed state numbers.
    LiteralClient = 9,
    /// Record that a tower stores for a channel that follows the 2018 proposal for signed state numbers.
    LiteralTower = 10,
}

impl RecordKind {
    /// Returns the header of a record of this kind: format version and kind.
    pub fn head(self) -> Vec<u8> {
        vec![VERSION, self as u8]
    }

    /// Checks the header of a record of this kind, and returns a parser for the bytes after the header.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if the record has another version or another kind.
    pub fn open(self, record: &[u8]) -> Result<Fields<'_>, ChannelError> {
        match record {
            [VERSION, kind, fields @ ..] if *kind == self as u8 => Ok(Fields(fields)),
            [VERSION, kind, ..] => {
                Err(ChannelError::encoding(format!("a record of kind {}, not {kind}", self as u8)))
            }
            [version, ..] => Err(ChannelError::encoding(format!("version {VERSION}, not {version}"))),
            [] => Err(ChannelError::encoding("a record begins with its version and its kind")),
        }
    }
}

/// Parser for the fields of a serialized record. It contains the bytes that have not been parsed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Parses the next `N` bytes of the record.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if fewer than `N` bytes are left.
    pub fn bytes<const N: usize>(&mut self) -> Result<[u8; N], ChannelError> {
        let cut_off = || ChannelError::encoding("the record is cut off");
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or_else(cut_off)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// Parses the next four bytes of the record as a little-endian number.
    ///
    /// # Errors
    ///
    /// The errors of [`Fields::bytes`].
    pub fn u32(&mut self) -> Result<u32, ChannelError> {
        self.bytes().map(u32::from_le_bytes)
    }

    /// Parses the next eight bytes of the record as a little-endian number.
    ///
    /// # Errors
    ///
    /// The errors of [`Fields::bytes`].
    pub fn u64(&mut self) -> Result<u64, ChannelError> {
        self.bytes().map(u64::from_le_bytes)
    }

    /// Parses the next 36 bytes of the record as an outpoint.
    ///
    /// # Errors
    ///
    /// The errors of [`Fields::bytes`].
    pub fn outpoint(&mut self) -> Result<OutPoint, ChannelError> {
        let txid = Txid::from_byte_array(self.bytes()?);
        Ok(OutPoint { txid, vout: self.u32()? })
    }

    /// Parses the next 32 bytes of the record as an x-only public key.
    ///
    /// # Errors
    ///
    /// The errors of [`Fields::bytes`], and [`ChannelError::Key`] if the key is not on the curve.
    pub fn key(&mut self) -> Result<[u8; 32], ChannelError> {
        let key = self.bytes()?;
        XOnlyPublicKey::from_byte_array(key)?;
        Ok(key)
    }

    /// Returns the next `length` bytes of the record.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if fewer bytes are left.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], ChannelError> {
        let cut_off = || ChannelError::encoding("the record is cut off");
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(cut_off)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Parses a field of variable length, which is preceded by its length (four bytes, little-endian). Returns a parser
    /// for the bytes of this field.
    ///
    /// # Errors
    ///
    /// The errors of [`Fields::bytes`].
    pub fn part(&mut self) -> Result<Fields<'a>, ChannelError> {
        let length = usize::try_from(self.u32()?).unwrap_or(usize::MAX);
        self.take(length).map(Fields)
    }

    /// Returns all bytes of the record that have not been parsed yet.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Checks that all bytes of the record have been parsed.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if bytes are left.
    pub fn end(self) -> Result<(), ChannelError> {
        match self.0.len() {
            0 => Ok(()),
            more => Err(ChannelError::encoding(format!("the record has {more} bytes too many"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_kinds_and_lengths_are_checked() {
        let kind = RecordKind::PathTower;
        let record = [kind.head(), vec![7, 0, 0, 0]].concat();
        let mut fields = kind.open(&record).unwrap();
        assert_eq!(fields.u32(), Ok(7));
        assert_eq!(fields.end(), Ok(()));
        let text = |result: Result<Fields<'_>, ChannelError>| result.unwrap_err().to_string();
        assert_eq!(
            text(RecordKind::PathClient.open(&record)),
            "stored bytes are damaged: a record of kind 7, not 8"
        );
        assert_eq!(text(kind.open(&[2, 8])), "stored bytes are damaged: version 1, not 2");
        assert!(kind.open(&[]).is_err());
        let mut fields = kind.open(&record).unwrap();
        assert_eq!(
            fields.bytes::<5>().unwrap_err().to_string(),
            "stored bytes are damaged: the record is cut off"
        );
        assert!(fields.end().is_err());
        let key = [kind.head(), vec![0xff; 32]].concat();
        assert!(kind.open(&key).unwrap().key().is_err());
    }
}
