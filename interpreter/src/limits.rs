//! The limits of Script, each with the rule that it comes from. All of them are consensus.

/// Longest element that may be on the stack, in bytes (Core `MAX_SCRIPT_ELEMENT_SIZE`; BIP 342 keeps it).
pub const MAX_SCRIPT_ELEMENT_SIZE: usize = 520;

/// Most opcodes above `OP_16` in a legacy or segwit v0 script, a multisig's keys counted (Core `MAX_OPS_PER_SCRIPT`).
/// Tapscript has no such limit (BIP 342, "Resource limits").
pub const MAX_OPS_PER_SCRIPT: usize = 201;

/// Most public keys of an `OP_CHECKMULTISIG` (Core `MAX_PUBKEYS_PER_MULTISIG`).
pub const MAX_PUBKEYS_PER_MULTISIG: usize = 20;

/// Longest legacy or segwit v0 script, in bytes (Core `MAX_SCRIPT_SIZE`). Tapscript has no such limit (BIP 342).
pub const MAX_SCRIPT_SIZE: usize = 10_000;

/// Most elements on the stack and the alt stack together (Core `MAX_STACK_SIZE`; BIP 342 extends it to the initial stack).
pub const MAX_STACK_SIZE: usize = 1_000;

/// Longest number that arithmetic reads, in bytes (Core `CScriptNum::nDefaultMaxNumSize`).
pub const MAX_NUM_SIZE: usize = 4;

/// Longest number that `OP_CHECKLOCKTIMEVERIFY` and `OP_CHECKSEQUENCEVERIFY` read, in bytes (BIP 65, BIP 112).
pub const MAX_LOCKTIME_SIZE: usize = 5;

/// nLockTime below this is a block height, from here on a time (Core `LOCKTIME_THRESHOLD`).
pub const LOCKTIME_THRESHOLD: u32 = 500_000_000;

/// Validation weight that a tapscript has beside the size of its witness (BIP 342, "Resource limits").
pub const VALIDATION_WEIGHT_OFFSET: i64 = 50;

/// Validation weight that each signature check with a non-empty signature costs (BIP 342, "Resource limits").
pub const VALIDATION_WEIGHT_PER_SIGOP: i64 = 50;

/// First byte of an annex (BIP 341, "Script validation rules").
pub const ANNEX_TAG: u8 = 0x50;

/// Bytes of a control block without Merkle path: leaf version and parity, internal key (BIP 341).
pub const CONTROL_BLOCK_BASE_SIZE: usize = 33;

/// Bytes of a step of the Merkle path (BIP 341).
pub const CONTROL_BLOCK_NODE_SIZE: usize = 32;

/// Most steps of a Merkle path (BIP 341).
pub const CONTROL_BLOCK_MAX_NODES: usize = 128;

/// The bits of a control block's first byte that are the leaf version (BIP 341).
pub const LEAF_VERSION_MASK: u8 = 0xfe;

/// The leaf version of tapscript (BIP 342).
pub const LEAF_VERSION_TAPSCRIPT: u8 = 0xc0;

/// Most weight of a block, in weight units (BIP 141).
pub const MAX_BLOCK_WEIGHT: usize = 4_000_000;

/// Weight units of a byte outside the witness (BIP 141).
pub const WITNESS_SCALE_FACTOR: usize = 4;

/// Most satoshis that can exist (Core `MAX_MONEY`).
pub const MAX_MONEY: u64 = 21_000_000 * 100_000_000;

/// Maximum signature operations outside the witness that the inputs of a transaction can execute (BIP 54 "Specification").
pub const MAX_TX_LEGACY_SIGOPS: u64 = 2_500;

/// Bytes without witness that no transaction may have (BIP 54 "Specification").
pub const FORBIDDEN_TX_SIZE: usize = 64;
