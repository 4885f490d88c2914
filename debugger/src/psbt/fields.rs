//! The table of PSBT fields: those of BIPs 174, 370 and 371, and of later BIPs that define fields.

use super::shape::{HashFunction, KeyShape as Key, ValueShape as Value};

/// The kind of PSBT map that a field is in: global, input or output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Global,
    Input,
    Output,
}

/// The PSBT versions that allow a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Versions {
    Zero,
    Two,
    Both,
}

impl Versions {
    pub(super) fn contains(self, version: u32) -> bool {
        match self {
            Versions::Zero => version == 0,
            Versions::Two => version == 2,
            Versions::Both => true,
        }
    }
}

/// Whether a field is mandatory in the versions that allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Required,
    Optional,
}

/// Definition of a PSBT field: the map, key type and versions, and the formats of key and value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) scope: Scope,
    /// Key type of the field, which is the first byte of the key.
    pub(super) kind: u8,
    pub(super) name: &'static str,
    pub(super) versions: Versions,
    pub(super) presence: Presence,
    /// Format of the key data, which are the bytes of the key after its type.
    pub(super) key: Key,
    pub(super) value: Value,
}

// Key types that the reader refers to by name.
pub(super) const GLOBAL_UNSIGNED_TX: u8 = 0x00;
pub(super) const GLOBAL_TX_VERSION: u8 = 0x02;
pub(super) const GLOBAL_FALLBACK_LOCKTIME: u8 = 0x03;
pub(super) const GLOBAL_INPUT_COUNT: u8 = 0x04;
pub(super) const GLOBAL_OUTPUT_COUNT: u8 = 0x05;
pub(super) const GLOBAL_VERSION: u8 = 0xfb;
pub(super) const IN_NON_WITNESS_UTXO: u8 = 0x00;
pub(super) const IN_WITNESS_UTXO: u8 = 0x01;
pub(super) const IN_FINAL_SCRIPTSIG: u8 = 0x07;
pub(super) const IN_FINAL_SCRIPTWITNESS: u8 = 0x08;
pub(super) const IN_PREVIOUS_TXID: u8 = 0x0e;
pub(super) const IN_OUTPUT_INDEX: u8 = 0x0f;
pub(super) const IN_SEQUENCE: u8 = 0x10;
pub(super) const IN_REQUIRED_TIME_LOCKTIME: u8 = 0x11;
pub(super) const IN_REQUIRED_HEIGHT_LOCKTIME: u8 = 0x12;
pub(super) const IN_TAP_KEY_SIG: u8 = 0x13;
pub(super) const IN_TAP_INTERNAL_KEY: u8 = 0x17;
pub(super) const OUT_AMOUNT: u8 = 0x03;
pub(super) const OUT_SCRIPT: u8 = 0x04;
pub(super) const OUT_SP_V0_INFO: u8 = 0x09;

const U8: Value = Value::Bytes(&[1]);
const U32: Value = Value::Bytes(&[4]);
const U64: Value = Value::Bytes(&[8]);
const HASH: Value = Value::Bytes(&[32]);
const SCHNORR_SIGNATURE: Value = Value::Bytes(&[64, 65]);

use Presence::{Optional, Required};
use Scope::{Global, Input, Output};
use Versions::{Both, Two, Zero};

/// All PSBT fields that BIPs define, in the order of the BIPs' type registry.
pub(super) const FIELDS: &[Field] = &[
    // BIP 174 and BIP 370, global map.
    field(Global, GLOBAL_UNSIGNED_TX, "UNSIGNED_TX", Zero, Required, Key::None, Value::UnsignedTransaction),
    field(Global, 0x01, "XPUB", Both, Optional, Key::ExtendedKey, Value::ExtendedKeyOrigin),
    field(Global, GLOBAL_TX_VERSION, "TX_VERSION", Two, Required, Key::None, U32),
    field(Global, GLOBAL_FALLBACK_LOCKTIME, "FALLBACK_LOCKTIME", Two, Optional, Key::None, U32),
    field(Global, GLOBAL_INPUT_COUNT, "INPUT_COUNT", Two, Required, Key::None, Value::CompactSize),
    field(Global, GLOBAL_OUTPUT_COUNT, "OUTPUT_COUNT", Two, Required, Key::None, Value::CompactSize),
    field(Global, 0x06, "TX_MODIFIABLE", Two, Optional, Key::None, U8),
    // BIP 375, global map.
    field(
        Global,
        0x07,
        "SP_ECDH_SHARE",
        Two,
        Optional,
        Key::CompressedKey,
        Value::CompressedKeys { count: 1 },
    ),
    field(Global, 0x08, "SP_DLEQ", Two, Optional, Key::CompressedKey, Value::Bytes(&[64])),
    // BIP 322, then VERSION and PROPRIETARY of BIP 174, global map.
    field(Global, 0x09, "GENERIC_SIGNED_MESSAGE", Both, Optional, Key::None, Value::Text),
    field(Global, GLOBAL_VERSION, "VERSION", Both, Optional, Key::None, U32),
    field(Global, 0xfc, "PROPRIETARY", Both, Optional, Key::Proprietary, Value::Any),
    // BIP 174, input maps.
    field(Input, IN_NON_WITNESS_UTXO, "NON_WITNESS_UTXO", Both, Optional, Key::None, Value::Transaction),
    field(Input, IN_WITNESS_UTXO, "WITNESS_UTXO", Both, Optional, Key::None, Value::Output),
    field(Input, 0x02, "PARTIAL_SIG", Both, Optional, Key::PublicKey, Value::EcdsaSignature),
    field(Input, 0x03, "SIGHASH_TYPE", Both, Optional, Key::None, U32),
    field(Input, 0x04, "REDEEM_SCRIPT", Both, Optional, Key::None, Value::Any),
    field(Input, 0x05, "WITNESS_SCRIPT", Both, Optional, Key::None, Value::Any),
    field(Input, 0x06, "BIP32_DERIVATION", Both, Optional, Key::PublicKey, Value::KeyOrigin),
    field(Input, IN_FINAL_SCRIPTSIG, "FINAL_SCRIPTSIG", Both, Optional, Key::None, Value::Any),
    field(Input, IN_FINAL_SCRIPTWITNESS, "FINAL_SCRIPTWITNESS", Both, Optional, Key::None, Value::Witness),
    // BIP 127, input maps.
    field(Input, 0x09, "POR_COMMITMENT", Both, Optional, Key::None, Value::Text),
    // BIP 174, hash preimages.
    hash_lock(0x0a, "RIPEMD160", HashFunction::Ripemd160),
    hash_lock(0x0b, "SHA256", HashFunction::Sha256),
    hash_lock(0x0c, "HASH160", HashFunction::Hash160),
    hash_lock(0x0d, "HASH256", HashFunction::Hash256),
    // BIP 370, input maps.
    field(Input, IN_PREVIOUS_TXID, "PREVIOUS_TXID", Two, Required, Key::None, HASH),
    field(Input, IN_OUTPUT_INDEX, "OUTPUT_INDEX", Two, Required, Key::None, U32),
    field(Input, IN_SEQUENCE, "SEQUENCE", Two, Optional, Key::None, U32),
    field(
        Input,
        IN_REQUIRED_TIME_LOCKTIME,
        "REQUIRED_TIME_LOCKTIME",
        Two,
        Optional,
        Key::None,
        Value::TimeLock,
    ),
    field(
        Input,
        IN_REQUIRED_HEIGHT_LOCKTIME,
        "REQUIRED_HEIGHT_LOCKTIME",
        Two,
        Optional,
        Key::None,
        Value::HeightLock,
    ),
    // BIP 371, input maps.
    field(Input, IN_TAP_KEY_SIG, "TAP_KEY_SIG", Both, Optional, Key::None, SCHNORR_SIGNATURE),
    field(Input, 0x14, "TAP_SCRIPT_SIG", Both, Optional, Key::XOnlyKeyAndLeafHash, SCHNORR_SIGNATURE),
    field(Input, 0x15, "TAP_LEAF_SCRIPT", Both, Optional, Key::ControlBlock, Value::LeafScript),
    field(Input, 0x16, "TAP_BIP32_DERIVATION", Both, Optional, Key::XOnlyKey, Value::TaprootKeyOrigin),
    field(Input, IN_TAP_INTERNAL_KEY, "TAP_INTERNAL_KEY", Both, Optional, Key::None, Value::XOnlyKey),
    field(Input, 0x18, "TAP_MERKLE_ROOT", Both, Optional, Key::None, HASH),
    // BIP 373, input maps.
    field(Input, 0x1a, "MUSIG2_PARTICIPANT_PUBKEYS", Both, Optional, Key::CompressedKey, Value::KeyList),
    field(Input, 0x1b, "MUSIG2_PUB_NONCE", Both, Optional, Key::MusigSession, Value::Bytes(&[66])),
    field(Input, 0x1c, "MUSIG2_PARTIAL_SIG", Both, Optional, Key::MusigSession, Value::Bytes(&[32])),
    // BIP 375 and BIP 376, input maps.
    field(
        Input,
        0x1d,
        "SP_ECDH_SHARE",
        Two,
        Optional,
        Key::CompressedKey,
        Value::CompressedKeys { count: 1 },
    ),
    field(Input, 0x1e, "SP_DLEQ", Two, Optional, Key::CompressedKey, Value::Bytes(&[64])),
    field(Input, 0x1f, "SP_SPEND_BIP32_DERIVATION", Two, Optional, Key::CompressedKey, Value::KeyOrigin),
    field(Input, 0x20, "SP_TWEAK", Two, Optional, Key::None, HASH),
    field(Input, 0xfc, "PROPRIETARY", Both, Optional, Key::Proprietary, Value::Any),
    // BIP 174, BIP 370 and BIP 371, output maps.
    field(Output, 0x00, "REDEEM_SCRIPT", Both, Optional, Key::None, Value::Any),
    field(Output, 0x01, "WITNESS_SCRIPT", Both, Optional, Key::None, Value::Any),
    field(Output, 0x02, "BIP32_DERIVATION", Both, Optional, Key::PublicKey, Value::KeyOrigin),
    field(Output, OUT_AMOUNT, "AMOUNT", Two, Required, Key::None, U64),
    // Required unless the output is a silent payment (BIP 375); the reader checks this.
    field(Output, OUT_SCRIPT, "SCRIPT", Two, Optional, Key::None, Value::Any),
    field(Output, 0x05, "TAP_INTERNAL_KEY", Both, Optional, Key::None, Value::XOnlyKey),
    field(Output, 0x06, "TAP_TREE", Both, Optional, Key::None, Value::TaprootTree),
    field(Output, 0x07, "TAP_BIP32_DERIVATION", Both, Optional, Key::XOnlyKey, Value::TaprootKeyOrigin),
    // BIP 373, BIP 375 and BIP 353, output maps.
    field(Output, 0x08, "MUSIG2_PARTICIPANT_PUBKEYS", Both, Optional, Key::CompressedKey, Value::KeyList),
    field(Output, OUT_SP_V0_INFO, "SP_V0_INFO", Two, Optional, Key::None, Value::CompressedKeys { count: 2 }),
    field(Output, 0x0a, "SP_V0_LABEL", Two, Optional, Key::None, U32),
    field(Output, 0x35, "DNSSEC_PROOF", Both, Optional, Key::None, Value::NamePrefixed),
    field(Output, 0xfc, "PROPRIETARY", Both, Optional, Key::Proprietary, Value::Any),
];

const fn field(
    scope: Scope,
    kind: u8,
    name: &'static str,
    versions: Versions,
    presence: Presence,
    key: Key,
    value: Value,
) -> Field {
    Field { scope, kind, name, versions, presence, key, value }
}

const fn hash_lock(kind: u8, name: &'static str, function: HashFunction) -> Field {
    field(Input, kind, name, Both, Optional, Key::Hash(function), Value::Preimage(function))
}

impl Field {
    /// Returns the full name used in the BIPs, such as `PSBT_IN_SEQUENCE`.
    pub(super) fn full_name(&self) -> String {
        let scope = match self.scope {
            Global => "GLOBAL",
            Input => "IN",
            Output => "OUT",
        };
        format!("PSBT_{scope}_{}", self.name)
    }

    /// Returns all fields that BIPs define for a kind of map.
    pub(super) fn all_of(scope: Scope) -> impl Iterator<Item = &'static Field> {
        FIELDS.iter().filter(move |field| field.scope == scope)
    }

    /// Returns the field with this key type in a kind of map, or `None` if no BIP defines it.
    pub(super) fn of(scope: Scope, kind: u64) -> Option<&'static Field> {
        Field::all_of(scope).find(|field| u64::from(field.kind) == kind)
    }
}
