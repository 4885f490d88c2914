//! Limits of scripts, transactions and blocks, and constants of taproot, each with its source. The limits of BIP 54 are
//! proposed; all other limits are consensus rules today.

/// Maximum size of a stack element, in bytes (Core `MAX_SCRIPT_ELEMENT_SIZE`; BIP 342 keeps it).
pub const MAX_SCRIPT_ELEMENT_SIZE: usize = 520;

/// Maximum number of opcodes above `OP_16` in a legacy or segwit v0 script, executed or not (Core
/// `MAX_OPS_PER_SCRIPT`). An executed `OP_CHECKMULTISIG` also counts each of its public keys. Tapscript has no such
/// limit (BIP 342, "Resource limits").
pub const MAX_OPS_PER_SCRIPT: usize = 201;

/// Maximum number of public keys of an `OP_CHECKMULTISIG` (Core `MAX_PUBKEYS_PER_MULTISIG`).
pub const MAX_PUBKEYS_PER_MULTISIG: usize = 20;

/// Maximum size of a legacy or segwit v0 script, in bytes (Core `MAX_SCRIPT_SIZE`). Tapscript has no such limit (BIP 342).
pub const MAX_SCRIPT_SIZE: usize = 10_000;

/// Maximum number of elements on the stack and the alt stack together (Core `MAX_STACK_SIZE`; BIP 342 extends it to the
/// initial stack).
pub const MAX_STACK_SIZE: usize = 1_000;

/// Maximum size of a number that an arithmetic opcode reads, in bytes (Core `CScriptNum::nDefaultMaxNumSize`).
pub const MAX_NUM_SIZE: usize = 4;

/// Maximum size of the argument of `OP_CHECKLOCKTIMEVERIFY` and `OP_CHECKSEQUENCEVERIFY`, in bytes (BIP 65, BIP 112).
pub const MAX_LOCKTIME_SIZE: usize = 5;

/// An nLockTime below this value is a block height; other values are Unix times (Core `LOCKTIME_THRESHOLD`).
pub const LOCKTIME_THRESHOLD: u32 = 500_000_000;

/// Validation weight that a tapscript input gets in addition to the size of its witness (BIP 342, "Resource limits").
pub const VALIDATION_WEIGHT_OFFSET: i64 = 50;

/// Validation weight that each signature check with a non-empty signature consumes (BIP 342, "Resource limits").
pub const VALIDATION_WEIGHT_PER_SIGOP: i64 = 50;

/// First byte of an annex (BIP 341, "Script validation rules").
pub const ANNEX_TAG: u8 = 0x50;

/// Size of a control block without Merkle path, in bytes: one byte with leaf version and parity, then the internal key
/// (BIP 341).
pub const CONTROL_BLOCK_BASE_SIZE: usize = 33;

/// Size of one sibling hash of the Merkle path in a control block, in bytes (BIP 341).
pub const CONTROL_BLOCK_NODE_SIZE: usize = 32;

/// Maximum number of sibling hashes in the Merkle path of a control block (BIP 341).
pub const CONTROL_BLOCK_MAX_NODES: usize = 128;

/// Mask of the bits of a control block's first byte that contain the leaf version (BIP 341).
pub const LEAF_VERSION_MASK: u8 = 0xfe;

/// The leaf version of tapscript (BIP 342).
pub const LEAF_VERSION_TAPSCRIPT: u8 = 0xc0;

/// Maximum weight of a block, in weight units (BIP 141).
pub const MAX_BLOCK_WEIGHT: usize = 4_000_000;

/// Weight units of one byte outside the witness (BIP 141).
pub const WITNESS_SCALE_FACTOR: usize = 4;

/// Maximum amount, in satoshi, of an output and of all outputs of a transaction together (Core `MAX_MONEY`).
pub const MAX_MONEY: u64 = 21_000_000 * 100_000_000;

/// Maximum number of signature operations outside the witness in all inputs of a transaction together (BIP 54
/// "Specification").
pub const MAX_TX_LEGACY_SIGOPS: u64 = 2_500;

/// Transactions of exactly this size, in bytes without witnesses, are invalid under BIP 54 "Specification".
pub const FORBIDDEN_TX_SIZE: usize = 64;
