//! The formats that the BIPs specify for key data and values, and their validation.

use core::fmt;

use bitcoin::bip32::{self, Xpub};
use bitcoin::consensus::encode::{Error, VarInt, deserialize, deserialize_partial};
use bitcoin::hashes::{Hash as _, hash160, ripemd160, sha256, sha256d};
use bitcoin::secp256k1::ecdsa::Signature;
use bitcoin::taproot::{
    ControlBlock, LeafVersion, TAPROOT_CONTROL_MAX_NODE_COUNT, TapTree, TaprootBuilder, TaprootBuilderError,
};
use bitcoin::{PublicKey, ScriptBuf, Transaction, XOnlyPublicKey};
use sigstack_interpreter::encoding::{
    DecodeError, DecodeProblem, decode_output, decode_transaction, decode_transaction_without_witnesses,
    decode_witness,
};

use crate::hints::counted;

/// Maximum length of a control block in bytes. BIP 341: the length is 33 + 32m for an m from 0 to 128.
const MAX_CONTROL_BLOCK: usize = 33 + 32 * 128;

/// Smallest nLockTime that is a time. Lower values are block heights.
const FIRST_TIME: u32 = 500_000_000;

/// A hash function whose preimages a PSBT can contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HashFunction {
    Ripemd160,
    Sha256,
    Hash160,
    Hash256,
}

/// Format of the key data of a PSBT field, which are the bytes of the key after its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyShape {
    /// The field has no key data: its key consists of the type alone.
    None,
    /// A serialized extended public key (BIP 32).
    ExtendedKey,
    /// A public key of 33 or 65 bytes.
    PublicKey,
    /// A public key of 33 bytes.
    CompressedKey,
    /// A public key of 32 bytes (BIP 340).
    XOnlyKey,
    XOnlyKeyAndLeafHash,
    ControlBlock,
    Hash(HashFunction),
    /// Key data of a MuSig2 field: a participant's key, the aggregate key and optionally a leaf hash (BIP 373).
    MusigSession,
    /// Key data of a proprietary field: an identifier preceded by its length, a subtype, and any data (BIP 174).
    Proprietary,
}

/// Format of the value of a PSBT field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueShape {
    Any,
    /// Any bytes. The list has the allowed lengths.
    Bytes(&'static [usize]),
    CompactSize,
    /// A transaction without witnesses and scriptSigs, in the serialization without witnesses.
    UnsignedTransaction,
    Transaction,
    Output,
    Witness,
    /// Text in UTF-8.
    Text,
    EcdsaSignature,
    /// A fingerprint of the master key and the steps of a derivation path.
    KeyOrigin,
    /// A fingerprint of the master key and the steps of a derivation path, as many as the depth of the extended key in
    /// the key data.
    ExtendedKeyOrigin,
    /// A list of leaf hashes preceded by its length, then a fingerprint of the master key and the steps of a derivation
    /// path.
    TaprootKeyOrigin,
    XOnlyKey,
    /// Exactly `count` public keys of 33 bytes.
    CompressedKeys {
        count: usize,
    },
    /// Any number of public keys of 33 bytes.
    KeyList,
    /// A script and its leaf version.
    LeafScript,
    TaprootTree,
    /// The preimage of the hash that the field's key data contains.
    Preimage(HashFunction),
    /// A required lock time that is a time in seconds, 500,000,000 or more.
    TimeLock,
    /// A required lock time that is a block height, from 1 to 499,999,999.
    HeightLock,
    /// A name preceded by its length in one byte, followed by any data (BIP 353).
    NamePrefixed,
}

fn check_length(what: &str, bytes: &[u8], allowed: &[usize]) -> Result<(), String> {
    if allowed.contains(&bytes.len()) {
        return Ok(());
    }
    let allowed: Vec<String> = allowed.iter().map(usize::to_string).collect();
    Err(format!("{what} has {}, must have {}", counted(bytes.len(), "byte"), allowed.join(" or ")))
}

fn check_public_key(what: &str, bytes: &[u8], allowed: &[usize]) -> Result<(), String> {
    check_length(what, bytes, allowed)?;
    let key = PublicKey::from_slice(bytes);
    key.map(drop).map_err(|_| format!("{what} is not a public key: {}", hex::encode(bytes)))
}

fn check_x_only_key(what: &str, bytes: &[u8]) -> Result<(), String> {
    check_length(what, bytes, &[32])?;
    let key = XOnlyPublicKey::from_slice(bytes);
    key.map(drop).map_err(|_| format!("{what} is not an x-only public key: {}", hex::encode(bytes)))
}

/// Checks that the key data of a field has the format `shape`.
pub(super) fn check_key(shape: KeyShape, data: &[u8]) -> Result<(), String> {
    let what = "the key data";
    match shape {
        KeyShape::None if data.is_empty() => Ok(()),
        KeyShape::None => Err(format!("{what} has {}, must be empty", counted(data.len(), "byte"))),
        KeyShape::ExtendedKey => {
            check_length(what, data, &[78])?;
            Xpub::decode(data).map(drop).map_err(|error| match error {
                bip32::Error::Secp256k1(_) => {
                    format!("{what} is not an extended key: its last 33 bytes are no point")
                }
                other => format!("{what} is not an extended key: {other}"),
            })
        }
        KeyShape::PublicKey => check_public_key(what, data, &[33, 65]),
        KeyShape::CompressedKey => check_public_key(what, data, &[33]),
        KeyShape::XOnlyKey => check_x_only_key(what, data),
        KeyShape::XOnlyKeyAndLeafHash => {
            check_length(what, data, &[64])?;
            check_x_only_key("the first half of the key data", data.get(..32).unwrap_or_default())
        }
        KeyShape::ControlBlock => check_control_block(what, data),
        KeyShape::Hash(HashFunction::Ripemd160 | HashFunction::Hash160) => check_length(what, data, &[20]),
        KeyShape::Hash(HashFunction::Sha256 | HashFunction::Hash256) => check_length(what, data, &[32]),
        KeyShape::MusigSession => {
            check_length(what, data, &[66, 98])?;
            check_public_key("the participant's key", data.get(..33).unwrap_or_default(), &[33])?;
            check_public_key("the aggregate key", data.get(33..66).unwrap_or_default(), &[33])
        }
        KeyShape::Proprietary => {
            let mut rest = data;
            let identifier: usize = take_size(&mut rest, "the identifier's length")?;
            take(&mut rest, identifier, "the identifier")?;
            take_compact_size(&mut rest, "the subtype").map(drop)
        }
    }
}

fn check_control_block(what: &str, data: &[u8]) -> Result<(), String> {
    if data.len() < 33 || data.len() > MAX_CONTROL_BLOCK || !(data.len() - 33).is_multiple_of(32) {
        let found = counted(data.len(), "byte");
        return Err(format!("{what} has {found}; a control block has 33 + 32m for an m from 0 to 128"));
    }
    let block = ControlBlock::decode(data);
    block.map(drop).map_err(|error| format!("{what} is not a control block: {error}"))
}

/// Checks that the value of a field has the format `shape`. `key` is the key data, which some values must match.
pub(super) fn check_value(shape: ValueShape, key: &[u8], value: &[u8]) -> Result<(), String> {
    let what = "the value";
    match shape {
        ValueShape::Any => Ok(()),
        ValueShape::Bytes(allowed) => check_length(what, value, allowed),
        ValueShape::CompactSize => check_compact_size(value),
        ValueShape::UnsignedTransaction => unsigned_transaction(value).map(drop),
        ValueShape::Transaction => check_decodes(value, "a transaction", decode_transaction),
        ValueShape::Output => check_decodes(value, "an output", decode_output),
        ValueShape::Witness => check_decodes(value, "a witness", decode_witness),
        ValueShape::Text => {
            core::str::from_utf8(value).map(drop).map_err(|error| format!("{what} is not UTF-8: {error}"))
        }
        ValueShape::EcdsaSignature => {
            // The hash type follows the signature, as in a scriptSig.
            let der = value.split_last().map(|(_, der)| der).unwrap_or_default();
            let signature = Signature::from_der(der);
            signature.map(drop).map_err(|_| format!("{what} is not a DER signature and a hash type"))
        }
        ValueShape::KeyOrigin => path_length(value).map(drop),
        ValueShape::ExtendedKeyOrigin => check_depth(key, path_length(value)?),
        ValueShape::TaprootKeyOrigin => check_taproot_origin(value),
        ValueShape::XOnlyKey => check_x_only_key(what, value),
        ValueShape::CompressedKeys { count } => {
            check_length(what, value, &[33 * count])?;
            value.chunks(33).try_for_each(|key| check_public_key("a key in the value", key, &[33]))
        }
        ValueShape::KeyList if value.len().is_multiple_of(33) => {
            value.chunks(33).try_for_each(|key| check_public_key("a key in the value", key, &[33]))
        }
        ValueShape::KeyList => {
            Err(format!("{what} has {}, must have a multiple of 33", counted(value.len(), "byte")))
        }
        ValueShape::LeafScript if value.is_empty() => Err(format!("{what} is empty: it has no leaf version")),
        ValueShape::LeafScript => Ok(()),
        ValueShape::TaprootTree => check_tree(value),
        ValueShape::Preimage(function) => check_preimage(function, key, value),
        ValueShape::TimeLock => match lock_time(value)? {
            FIRST_TIME.. => Ok(()),
            early => Err(format!("{early} is not a time: must be {FIRST_TIME} or more")),
        },
        ValueShape::HeightLock => match lock_time(value)? {
            height @ (0 | FIRST_TIME..) => {
                Err(format!("{height} is not a block height: must be from 1 to {}", FIRST_TIME - 1))
            }
            _ => Ok(()),
        },
        ValueShape::NamePrefixed => {
            let mut rest = value;
            let length = take_byte(&mut rest, "the name's length")?;
            take(&mut rest, length.into(), "the name").map(drop)
        }
    }
}

fn check_decodes<T, E: fmt::Display>(
    value: &[u8],
    what: &str,
    decode: fn(&[u8]) -> Result<T, E>,
) -> Result<(), String> {
    decode(value).map(drop).map_err(|error| format!("the value is not {what}: {error}"))
}

/// Removes `count` bytes from the start of `rest` and returns them.
pub(super) fn take<'b>(rest: &mut &'b [u8], count: usize, what: &str) -> Result<&'b [u8], String> {
    let (taken, after) = rest.split_at_checked(count).ok_or_else(|| ends_early(what, count, rest.len()))?;
    *rest = after;
    Ok(taken)
}

/// Removes a byte from the start of `rest` and returns it. `what` names the byte in errors.
fn take_byte(rest: &mut &[u8], what: &str) -> Result<u8, String> {
    let (byte, after) = rest.split_first().ok_or_else(|| ends_early(what, 1, 0))?;
    *rest = after;
    Ok(*byte)
}

/// Decodes a compact size at the start of `rest` and removes it.
pub(super) fn take_compact_size(rest: &mut &[u8], what: &str) -> Result<u64, String> {
    let decoded = deserialize_partial(rest).map_err(|error| match (error, rest.first()) {
        // rust-bitcoin reports bytes that end too early as an I/O error.
        (Error::Io(_), Some(0xff)) => ends_early(what, 9, rest.len()),
        (Error::Io(_), Some(0xfe)) => ends_early(what, 5, rest.len()),
        (Error::Io(_), Some(0xfd)) => ends_early(what, 3, rest.len()),
        (Error::Io(_), _) => ends_early(what, 1, rest.len()),
        (Error::NonMinimalVarInt, _) => {
            format!("{what}: the compact size is longer than its number needs")
        }
        (other, _) => format!("{what}: {other}"),
    });
    let (size, read): (VarInt, usize) = decoded?;
    *rest = rest.get(read..).unwrap_or_default();
    Ok(size.0)
}

/// Decodes a compact size that gives the length of the following data, and removes it from the start of `rest`.
fn take_size(rest: &mut &[u8], what: &str) -> Result<usize, String> {
    let size = take_compact_size(rest, what)?;
    usize::try_from(size).map_err(|_| format!("{what} is too large: {size}"))
}

fn ends_early(what: &str, expected: usize, left: usize) -> String {
    format!("{what}: {} expected, {left} left", counted(expected, "byte"))
}

fn check_compact_size(value: &[u8]) -> Result<(), String> {
    let mut rest = value;
    take_compact_size(&mut rest, "the value")?;
    if rest.is_empty() {
        return Ok(());
    }
    Err(format!("{} too many after the compact size", counted(rest.len(), "byte")))
}

/// Returns the number of steps in the derivation path that follows a fingerprint.
fn path_length(origin: &[u8]) -> Result<usize, String> {
    match origin.len().checked_sub(4) {
        Some(path) if path.is_multiple_of(4) => Ok(path / 4),
        _ => Err(format!(
            "the key origin has {}, must have 4 for the fingerprint and 4 for each step of the path",
            counted(origin.len(), "byte")
        )),
    }
}

/// Verifies that a derivation path has as many steps as the depth of the extended key. BIP 174: "The number of 32 bit
/// unsigned integer indexes must match the depth provided in the extended public key."
fn check_depth(key: &[u8], steps: usize) -> Result<(), String> {
    let depth = Xpub::decode(key).map(|key| usize::from(key.depth)).unwrap_or_default();
    if depth == steps {
        return Ok(());
    }
    Err(format!("the path has {}, the extended key has depth {depth}", counted(steps, "step")))
}

fn check_taproot_origin(value: &[u8]) -> Result<(), String> {
    let mut rest = value;
    let hashes = take_size(&mut rest, "the number of leaf hashes")?;
    take(&mut rest, hashes.saturating_mul(32), "the leaf hashes")?;
    path_length(rest).map(drop)
}

/// Validates a taproot tree. BIP 371: "One or more tuples", in depth first order, that give the entire tree.
fn check_tree(value: &[u8]) -> Result<(), String> {
    if value.is_empty() {
        return Err("the tree is empty".into());
    }
    let mut rest = value;
    let mut builder = TaprootBuilder::new();
    let mut leaves = 0u64;
    // `filled` is the share of the tree that the leaves so far occupy, in units of 2^-128. The sum overflows to 0 when the
    // tree is full.
    let (mut filled, mut is_full) = (0u128, false);
    while !rest.is_empty() {
        let wrong = |problem: String| format!("leaf {leaves} of the tree: {problem}");
        let depth = take_byte(&mut rest, "the depth").map_err(wrong)?;
        let version = take_byte(&mut rest, "the version").map_err(wrong)?;
        let length = take_size(&mut rest, "the script's length").map_err(wrong)?;
        let script = take(&mut rest, length, "the script").map_err(wrong)?;
        let script = ScriptBuf::from_bytes(script.to_vec());
        let version = LeafVersion::from_consensus(version).map_err(|error| wrong(error.to_string()))?;
        if usize::from(depth) > TAPROOT_CONTROL_MAX_NODE_COUNT {
            return Err(wrong(format!(
                "the depth is {depth}, must be at most {TAPROOT_CONTROL_MAX_NODE_COUNT}"
            )));
        }
        if is_full {
            return Err(wrong("one too many: the leaves before it fill the tree".into()));
        }
        (filled, is_full) = match 1u128.checked_shl(128 - u32::from(depth)) {
            Some(share) => filled.overflowing_add(share),
            None => (0, true),
        };
        builder = builder.add_leaf_with_ver(depth, script, version).map_err(|error| match error {
            TaprootBuilderError::NodeNotInDfsOrder => wrong("not in depth first order".into()),
            other => wrong(other.to_string()),
        })?;
        leaves += 1;
    }
    TapTree::try_from(builder).map(drop).map_err(|_| "the tree is incomplete: a branch has no sibling".into())
}

fn check_preimage(function: HashFunction, hash: &[u8], preimage: &[u8]) -> Result<(), String> {
    let is_preimage = match function {
        HashFunction::Ripemd160 => ripemd160::Hash::hash(preimage).as_byte_array() == hash,
        HashFunction::Sha256 => sha256::Hash::hash(preimage).as_byte_array() == hash,
        HashFunction::Hash160 => hash160::Hash::hash(preimage).as_byte_array() == hash,
        HashFunction::Hash256 => sha256d::Hash::hash(preimage).as_byte_array() == hash,
    };
    if is_preimage { Ok(()) } else { Err(format!("the value is not the preimage of {}", hex::encode(hash))) }
}

fn lock_time(value: &[u8]) -> Result<u32, String> {
    check_length("the value", value, &[4])?;
    deserialize(value).map_err(|error| error.to_string())
}

/// Decodes the unsigned transaction of a version 0 PSBT.
///
/// BIP 174: "The transaction must be in the old serialization format (without witnesses)." In that format a
/// transaction may have no inputs, which the witness serialization cannot express.
pub(super) fn unsigned_transaction(bytes: &[u8]) -> Result<Transaction, String> {
    let tx = decode_transaction_without_witnesses(bytes).map_err(|error| {
        match is_in_witness_serialization(bytes, &error) {
            true => "the unsigned transaction is in witness serialization, must be without marker, flag and witnesses"
                .to_owned(),
            false => format!("the value is not a transaction: {error}"),
        }
    })?;
    match tx.input.iter().position(|input| !input.script_sig.is_empty()) {
        Some(input) => Err(format!("the transaction's input {input} has a scriptSig, must have none")),
        None => Ok(tx),
    }
}

/// Returns `true` if the bytes are a transaction in witness serialization, possibly truncated or without any witness
/// (BIP 144 forbids this). `error` is the error of decoding them without witnesses.
fn is_in_witness_serialization(bytes: &[u8], error: &DecodeError) -> bool {
    const MARKER_AND_FLAG: &[u8] = &[0, 1];
    match decode_transaction(bytes) {
        Ok(_) => true,
        Err(DecodeError { problem: DecodeProblem::EmptyWitnesses, .. }) => true,
        Err(other) => bytes.get(4..6) == Some(MARKER_AND_FLAG) && other.offset > error.offset,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_said_in_words() {
        let error = |allowed: &[usize]| check_length("the value", &[0], allowed).unwrap_err();
        assert_eq!(error(&[64, 65]), "the value has 1 byte, must have 64 or 65");
        assert_eq!(error(&[2]), "the value has 1 byte, must have 2");
        assert_eq!(check_length("the value", &[0], &[1]), Ok(()));
    }
}
