//! The bytes that parties and towers keep: each record begins with its version and its kind, and is verified when it is read.

use bitcoin::{OutPoint, Txid, hashes::Hash as _};
use secp256k1::XOnlyPublicKey;

use crate::error::ChannelError;

/// The version that is written. Other versions are refused.
pub const VERSION: u8 = 1;
/// Bytes of a record's head: version and kind.
pub const HEAD: usize = 2;

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordKind {
    /// A client's record of LN-Symmetry or the override form.
    RebindingClient = 1,
    /// A tower's.
    RebindingTower = 2,
    /// A client's record of the signed sequence form.
    SequenceClient = 3,
    /// A tower's.
    SequenceTower = 4,
    /// A client's record of LN-penalty.
    PenaltyClient = 5,
    /// A tower's.
    PenaltyTower = 6,
    /// A client's record of locks that shrink.
    PathClient = 7,
    /// A tower's.
    PathTower = 8,
    /// A client's record of the literal form of 2018.
    LiteralClient = 9,
    /// A tower's.
    LiteralTower = 10,
}

impl RecordKind {
    /// The head of a record.
    pub fn head(self) -> Vec<u8> {
        vec![VERSION, self as u8]
    }

    /// What follows the head of a record of this kind.
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

/// The fields of a record that are not read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The next bytes.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if there are fewer.
    pub fn bytes<const N: usize>(&mut self) -> Result<[u8; N], ChannelError> {
        let cut_off = || ChannelError::encoding("the record is cut off");
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or_else(cut_off)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// The next four bytes as a number, little endian.
    ///
    /// # Errors
    ///
    /// As [`Fields::bytes`].
    pub fn u32(&mut self) -> Result<u32, ChannelError> {
        self.bytes().map(u32::from_le_bytes)
    }

    /// The next eight bytes as a number, little endian.
    ///
    /// # Errors
    ///
    /// As [`Fields::bytes`].
    pub fn u64(&mut self) -> Result<u64, ChannelError> {
        self.bytes().map(u64::from_le_bytes)
    }

    /// The next 36 bytes as an outpoint.
    ///
    /// # Errors
    ///
    /// As [`Fields::bytes`].
    pub fn outpoint(&mut self) -> Result<OutPoint, ChannelError> {
        let txid = Txid::from_byte_array(self.bytes()?);
        Ok(OutPoint { txid, vout: self.u32()? })
    }

    /// The next 32 bytes as an x-only key that is on the curve.
    ///
    /// # Errors
    ///
    /// As [`Fields::bytes`], and [`ChannelError::Key`] if the key is not on the curve.
    pub fn key(&mut self) -> Result<[u8; 32], ChannelError> {
        let key = self.bytes()?;
        XOnlyPublicKey::from_byte_array(key)?;
        Ok(key)
    }

    /// The next bytes.
    ///
    /// # Errors
    ///
    /// As [`Fields::bytes`].
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], ChannelError> {
        let cut_off = || ChannelError::encoding("the record is cut off");
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(cut_off)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next part: its length in four bytes, and so many bytes.
    ///
    /// # Errors
    ///
    /// As [`Fields::bytes`].
    pub fn part(&mut self) -> Result<Fields<'a>, ChannelError> {
        let length = usize::try_from(self.u32()?).unwrap_or(usize::MAX);
        self.take(length).map(Fields)
    }

    /// All that is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Checks that nothing is left.
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
