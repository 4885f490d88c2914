//! The key-value maps of a PSBT, and the validation of their fields.

use core::fmt;
use std::collections::BTreeMap;

use bitcoin::consensus::encode::{Decodable, deserialize};

use super::PsbtError;
use super::fields::{Field, Presence, Scope};
use super::shape::{check_key, check_value, take, take_compact_size};

/// One map of a PSBT: the global map, or the map of an input or output. Each key in `pairs` begins with its key type.
pub(super) struct Map {
    scope: Scope,
    name: String,
    pairs: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Map {
    pub(super) fn error(&self, problem: impl fmt::Display) -> PsbtError {
        PsbtError { map: self.name.clone(), field: None, problem: problem.to_string() }
    }

    /// Returns an error about the field with key type `kind` in this map.
    pub(super) fn field_error(&self, kind: u8, problem: impl fmt::Display) -> PsbtError {
        let field = Field::of(self.scope, u64::from(kind)).map(Field::full_name);
        PsbtError { map: self.name.clone(), field, problem: problem.to_string() }
    }

    /// Returns the value of the field whose key is the type `kind` alone, without key data. Returns `None` if the map
    /// has no such field.
    pub(super) fn get(&self, kind: u8) -> Option<&[u8]> {
        self.pairs.get(&vec![kind]).map(Vec::as_slice)
    }

    /// Returns the decoded value of the field whose key is the type `kind` alone. Returns `None` if the map has no
    /// such field.
    pub(super) fn read<T: Decodable>(&self, kind: u8) -> Result<Option<T>, PsbtError> {
        let read = |bytes| {
            // The format is checked first, because its error states the expected number of bytes.
            let shape = Field::of(self.scope, kind.into()).map(|field| field.value);
            shape.map_or(Ok(()), |shape| check_value(shape, &[], bytes))?;
            deserialize(bytes).map_err(|error| error.to_string())
        };
        self.get(kind).map(read).transpose().map_err(|problem: String| self.field_error(kind, problem))
    }

    pub(super) fn need<T: Decodable>(&self, kind: u8) -> Result<T, PsbtError> {
        self.read(kind)?.ok_or_else(|| self.field_error(kind, "is missing"))
    }

    /// Validates every field of the map, and checks that all fields which `version` requires are present.
    pub(super) fn check(&self, version: u32) -> Result<(), PsbtError> {
        self.pairs.iter().try_for_each(|(key, value)| self.check_pair(version, key, value))?;
        let required = Field::all_of(self.scope)
            .filter(|field| field.presence == Presence::Required && field.versions.contains(version));
        match required.into_iter().find(|field| self.get(field.kind).is_none()) {
            Some(field) => {
                Err(self.field_error(field.kind, format!("is missing; version {version} requires it")))
            }
            None => Ok(()),
        }
    }

    /// Validates the key and value of one field. BIP 174: "If any key or value does not match the specified format
    /// for that type, the PSBT must be considered invalid." Types that no BIP defines are not checked.
    fn check_pair(&self, version: u32, key: &[u8], value: &[u8]) -> Result<(), PsbtError> {
        let mut data = key;
        let kind = take_compact_size(&mut data, "a key type").map_err(|problem| self.error(problem))?;
        let Some(field) = Field::of(self.scope, kind) else { return Ok(()) };
        let wrong = |problem: String| self.field_error(field.kind, problem);
        if !field.versions.contains(version) {
            return Err(wrong(format!("is not allowed in version {version}")));
        }
        check_key(field.key, data).map_err(wrong)?;
        check_value(field.value, data, value).map_err(wrong)
    }
}

/// Reads the maps of a PSBT. `rest` is the part that has not been read.
pub(super) struct Reader<'b> {
    pub(super) rest: &'b [u8],
}

impl<'b> Reader<'b> {
    /// Reads a compact size, and returns that number of bytes after it. `what` names the bytes in errors.
    fn take_sized(&mut self, what: &str) -> Result<&'b [u8], String> {
        if self.rest.is_empty() {
            return Err(format!("the PSBT ends where {what} is expected"));
        }
        let mut after = self.rest;
        let length = take_compact_size(&mut after, &format!("the length of {what}"))?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let taken = take(&mut after, length, what)?;
        self.rest = after;
        Ok(taken)
    }

    /// Reads one map of a PSBT, up to and including the separator after it.
    pub(super) fn map(&mut self, scope: Scope, name: String) -> Result<Map, PsbtError> {
        let mut map = Map { scope, name, pairs: BTreeMap::new() };
        loop {
            let key = self.take_sized("a key or the separator 00").map_err(|problem| map.error(problem))?;
            let Some(kind) = key.first() else { return Ok(map) };
            let value = self.take_sized("a value").map_err(|problem| map.field_error(*kind, problem))?;
            // BIP 174: "PSBTs containing duplicate keys are invalid."
            if map.pairs.insert(key.to_vec(), value.to_vec()).is_some() {
                let problem = format!("the key {} appears twice", hex::encode(key));
                return Err(map.field_error(*kind, problem));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bitcoin::NetworkKind;
    use bitcoin::bip32::{Xpriv, Xpub};
    use bitcoin::consensus::encode::serialize;
    use bitcoin::hashes::{Hash as _, hash160, ripemd160, sha256, sha256d};
    use bitcoin::secp256k1::Secp256k1;

    use super::super::fields::{FIELDS, Versions};
    use super::super::shape::{HashFunction, KeyShape, ValueShape};
    use super::*;

    /// Returns the generator of secp256k1 as a compressed key.
    fn key() -> Vec<u8> {
        hex::decode("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798").unwrap()
    }

    /// Returns valid key data of the given shape.
    fn key_data(shape: KeyShape) -> Vec<u8> {
        match shape {
            KeyShape::None => vec![],
            KeyShape::ExtendedKey => {
                let secp = Secp256k1::new();
                let master = Xpriv::new_master(NetworkKind::Main, &[1; 32]).unwrap();
                Xpub::from_priv(&secp, &master).encode().to_vec()
            }
            KeyShape::PublicKey | KeyShape::CompressedKey => key(),
            KeyShape::XOnlyKey => key()[1..].to_vec(),
            KeyShape::XOnlyKeyAndLeafHash => [&key()[1..], &[7; 32]].concat(),
            KeyShape::ControlBlock => [&[0xc0], &key()[1..]].concat(),
            KeyShape::Hash(HashFunction::Ripemd160) => {
                ripemd160::Hash::hash(b"preimage").to_byte_array().to_vec()
            }
            KeyShape::Hash(HashFunction::Sha256) => sha256::Hash::hash(b"preimage").to_byte_array().to_vec(),
            KeyShape::Hash(HashFunction::Hash160) => {
                hash160::Hash::hash(b"preimage").to_byte_array().to_vec()
            }
            KeyShape::Hash(HashFunction::Hash256) => {
                sha256d::Hash::hash(b"preimage").to_byte_array().to_vec()
            }
            KeyShape::MusigSession => [key(), key()].concat(),
            KeyShape::Proprietary => vec![1, b'x', 0],
        }
    }

    /// Returns a valid value of the given shape, and an invalid one that differs in one detail, or `None` if every
    /// value is valid.
    fn values(shape: ValueShape) -> (Vec<u8>, Option<Vec<u8>>) {
        let bare_tx = [&[1, 0, 0, 0, 1][..], &[7; 36], &[0], &[0xff; 4], &[0], &[0; 4]].concat();
        let cut = |mut bytes: Vec<u8>| {
            bytes.pop();
            Some(bytes)
        };
        match shape {
            ValueShape::Any => (vec![1, 2, 3], None),
            ValueShape::Bytes(lengths) => (vec![1; lengths[0]], Some(vec![1; lengths[0] - 1])),
            ValueShape::CompactSize => (vec![0xfd, 0, 1], Some(vec![0xfd, 1, 0])),
            ValueShape::UnsignedTransaction | ValueShape::Transaction => (bare_tx.clone(), cut(bare_tx)),
            ValueShape::Output => (vec![0, 0, 0, 0, 0, 0, 0, 0, 1, 0x51], Some(vec![0; 8])),
            ValueShape::Witness => (vec![1, 1, 0x51], Some(vec![1, 2, 0x51])),
            ValueShape::Text => (b"text".to_vec(), Some(vec![0xff])),
            ValueShape::EcdsaSignature => {
                let signature = hex::decode("300602010102010101").unwrap();
                (signature.clone(), cut(signature))
            }
            ValueShape::KeyOrigin => (vec![1; 8], Some(vec![1; 7])),
            ValueShape::ExtendedKeyOrigin => (vec![1; 4], Some(vec![1; 8])),
            ValueShape::TaprootKeyOrigin => {
                ([&[1][..], &[7; 36]].concat(), Some([&[2][..], &[7; 36]].concat()))
            }
            ValueShape::XOnlyKey => (key()[1..].to_vec(), Some(vec![0xff; 32])),
            ValueShape::CompressedKeys { count } => (key().repeat(count), Some(vec![4; 33 * count])),
            ValueShape::KeyList => (key().repeat(3), cut(key().repeat(3))),
            ValueShape::LeafScript => (vec![0x51, 0xc0], Some(vec![])),
            ValueShape::TaprootTree => (vec![0, 0xc0, 1, 0x51], Some(vec![1, 0xc0, 1, 0x51])),
            ValueShape::Preimage(_) => (b"preimage".to_vec(), Some(b"preimagf".to_vec())),
            ValueShape::TimeLock => (serialize(&500_000_000u32), Some(serialize(&499_999_999u32))),
            ValueShape::HeightLock => (serialize(&499_999_999u32), Some(serialize(&500_000_000u32))),
            ValueShape::NamePrefixed => (vec![1, b'x'], Some(vec![2, b'x'])),
        }
    }

    fn checked(field: &Field, version: u32, data: &[u8], value: &[u8]) -> Result<(), String> {
        let map = Map { scope: field.scope, name: "map".into(), pairs: BTreeMap::new() };
        let key = [&[field.kind], data].concat();
        map.check_pair(version, &key, value).map_err(|error| {
            assert_eq!(error.field, Some(field.full_name()));
            error.problem
        })
    }

    #[test]
    fn every_field_is_checked_for_its_version_its_key_and_its_value() {
        for field in FIELDS {
            let name = field.full_name();
            let data = key_data(field.key);
            let (good, bad) = values(field.value);
            for version in [0, 2] {
                let expected = match (field.versions, version) {
                    (Versions::Zero, 2) => Err("is not allowed in version 2".into()),
                    (Versions::Two, 0) => Err("is not allowed in version 0".into()),
                    _ => Ok(()),
                };
                assert_eq!(checked(field, version, &data, &good), expected, "{name}");
            }
            let version = if field.versions == Versions::Zero { 0 } else { 2 };
            if let Some(bad) = bad {
                assert!(checked(field, version, &data, &bad).is_err(), "{name}: {bad:?}");
            }
            let longer = [&data[..], &[0]].concat();
            let may_be_longer = field.key == KeyShape::Proprietary;
            assert_eq!(checked(field, version, &longer, &good).is_ok(), may_be_longer, "{name}");
            if !data.is_empty() {
                assert!(checked(field, version, &data[..data.len() - 1], &good).is_err(), "{name}");
            }
        }
    }

    #[test]
    fn a_key_type_and_a_name_belong_to_one_field() {
        let scope = |field: &Field| format!("{:?}", field.scope);
        let kinds: BTreeSet<_> = FIELDS.iter().map(|field| (scope(field), field.kind)).collect();
        let names: BTreeSet<_> = FIELDS.iter().map(Field::full_name).collect();
        assert_eq!((kinds.len(), names.len()), (FIELDS.len(), FIELDS.len()));
    }

    #[test]
    fn types_that_no_bip_defines_pass() {
        let map = Map { scope: Scope::Input, name: "input 0".into(), pairs: BTreeMap::new() };
        let check = |key: &[u8]| map.check_pair(0, key, &[1]).map_err(|error| error.to_string());
        assert_eq!(check(&[0x19, 1, 2]), Ok(()));
        assert_eq!(check(&[0xfd, 0x00, 0x01]), Ok(()), "type 256");
        assert_eq!(
            check(&[0xfd, 0x19, 0x00]),
            Err("input 0: a key type: the compact size is longer than its number needs".into())
        );
    }
}
