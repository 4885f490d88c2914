//! Reasons why a node does not relay a transaction.

use core::fmt;

use crate::limits;

/// Reason why a node refuses to relay a transaction. [`PolicyError::reason`] returns Core's reject reason.
///
/// Indices of inputs and outputs start at 0.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// The transaction is a coinbase transaction, which is valid only in a block and is not relayed.
    Coinbase,
    /// The version of the transaction is not 1, 2 or 3.
    Version {
        /// nVersion of the transaction, read as an unsigned number (as Core does since version 28).
        version: u32,
    },
    /// The weight of the transaction is more than 400,000 weight units.
    TxSize {
        /// Weight of the transaction in weight units.
        weight: u64,
    },
    /// A scriptSig has more than 1,650 bytes.
    ScriptSigSize {
        /// Index of the input whose scriptSig is too large.
        input: usize,
        /// Size of the scriptSig in bytes.
        size: usize,
    },
    /// A scriptSig contains an opcode that is not a push.
    ScriptSigNotPushOnly {
        /// Index of the input whose scriptSig contains an opcode that is not a push.
        input: usize,
    },
    /// An output of the transaction has none of the standard scriptPubKey forms.
    ScriptPubKey {
        /// Index of the output with the nonstandard scriptPubKey.
        output: usize,
    },
    /// The `OP_RETURN` scripts of the transaction are larger in total than the node allows.
    DataCarrier {
        /// Index of the `OP_RETURN` output at which the total size exceeds the limit.
        output: usize,
        /// Total size in bytes of the `OP_RETURN` scripts up to and including this output.
        total: u64,
        /// Maximum total size of all `OP_RETURN` scripts of a transaction, in bytes.
        limit: u64,
    },
    /// An output is a bare multisig, which the node's options forbid.
    BareMultisig {
        /// Index of the bare multisig output.
        output: usize,
    },
    /// More than one output of the transaction is dust.
    Dust {
        /// Index of the second dust output.
        output: usize,
        /// Amount of the second dust output in satoshi.
        amount: u64,
        /// Dust limit in satoshi for the scriptPubKey of the dust output. An output with a smaller amount is dust.
        limit: u64,
    },
    /// An output is dust and the transaction pays a fee. A dust output is relayed only if the fee is zero.
    DustWithFee {
        /// Index of the dust output.
        output: usize,
        /// Amount of the dust output in satoshi.
        amount: u64,
        /// Dust limit in satoshi for the scriptPubKey of the dust output. An output with a smaller amount is dust.
        limit: u64,
        /// Fee of the transaction in satoshi, which is not 0.
        fee: u64,
    },
    /// The size of the transaction without its witness is less than 65 bytes.
    TxSizeSmall {
        /// Size of the transaction without its witness, in bytes.
        size: usize,
    },
    /// The sum of the spent outputs exceeds 21 million bitcoin. The transaction is invalid by consensus.
    InputValuesOutOfRange {
        /// Index of the input at which the sum exceeds the limit.
        input: usize,
    },
    /// The sum of the created outputs exceeds the sum of the spent outputs. The transaction is invalid by consensus.
    InBelowOut {
        /// Sum of the outputs that the transaction spends, in satoshi.
        spent: u64,
        /// Sum of the outputs that the transaction creates, in satoshi.
        created: u64,
    },
    /// The inputs can execute more than 2,500 signature operations outside the witness (BIP 54).
    LegacySigops {
        /// Number of signature operations of the inputs that were counted until the limit was exceeded.
        sigops: u64,
    },
    /// A spent output has none of the standard scriptPubKey forms.
    InputScript {
        /// Index of the input that spends the nonstandard output.
        input: usize,
    },
    /// A spent output is a witness program whose version and length have no consensus rules yet.
    InputWitnessProgram {
        /// Index of the input that spends the witness program.
        input: usize,
        /// Witness version of the spent witness program.
        version: u8,
    },
    /// No redeem script can be read from the scriptSig of a P2SH input.
    RedeemScript {
        /// Index of the P2SH input whose scriptSig gives no redeem script.
        input: usize,
        /// Reason why the scriptSig gives no redeem script.
        problem: RedeemScriptError,
    },
    /// A P2SH redeem script has more than 15 signature operations.
    RedeemScriptSigops {
        /// Index of the P2SH input with this redeem script.
        input: usize,
        /// Number of signature operations in the redeem script.
        sigops: u64,
    },
    /// The witness of an input violates a rule that depends on the form of the spent output.
    Witness {
        /// Index of the input with the nonstandard witness.
        input: usize,
        /// Rule that the witness violates.
        rule: WitnessRule,
    },
    /// The signature operation cost of the transaction (BIP 141) is above 16,000.
    SigopsCost {
        /// Signature operation cost of the transaction (BIP 141).
        cost: u64,
    },
    /// The fee of the transaction is less than the minimum relay feerate requires.
    MinRelayFee {
        /// Fee of the transaction in satoshi.
        fee: u64,
        /// Minimum fee in satoshi for a transaction of the virtual size `vsize`.
        needed: u64,
        /// Virtual size of the transaction in bytes, adjusted for signature operations.
        vsize: u64,
    },
    /// The virtual size of a version 3 transaction is more than 10,000 bytes (BIP 431).
    TrucSize {
        /// Virtual size of the version 3 transaction in bytes, adjusted for signature operations.
        vsize: u64,
    },
}

/// Reason why the scriptSig of a P2SH input gives no redeem script.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedeemScriptError {
    /// Executing the scriptSig fails. The value is the name of the script error.
    Fails(&'static str),
    /// The scriptSig leaves the stack empty, so there is no redeem script.
    Missing,
}

/// A policy rule for witnesses (Core `IsWitnessStandard`). Each variant states one rule, which the witness violates.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WitnessRule {
    /// The witness of an input that spends a P2A output must be empty.
    Anchor,
    /// An input that does not spend a witness program must not have a witness.
    NoWitnessProgram,
    /// A P2SH input with a witness must have a redeem script, which its scriptSig pushes.
    RedeemScript(RedeemScriptError),
    /// A P2WSH witness script must have at most 3,600 bytes.
    P2wshScriptSize {
        /// Size of the P2WSH witness script in bytes.
        size: usize,
    },
    /// A P2WSH input must have at most 100 witness elements below the witness script.
    P2wshItems {
        /// Number of witness elements below the P2WSH witness script.
        count: usize,
    },
    /// Each element below a P2WSH witness script must have at most 80 bytes.
    P2wshItemSize {
        /// Index of the witness element that is too large. The bottom element has index 0.
        item: usize,
        /// Size in bytes of the witness element that is too large.
        size: usize,
    },
    /// A taproot input must not have an annex, because no consensus rule defines a meaning for it yet.
    Annex,
    /// The control block of a taproot script path spend must not be empty.
    EmptyControlBlock,
    /// Each witness element below a tapscript (leaf version 0xc0) must have at most 80 bytes.
    TapscriptItemSize {
        /// Index of the witness element that is too large. The bottom element has index 0.
        item: usize,
        /// Size in bytes of the witness element that is too large.
        size: usize,
    },
}

impl PolicyError {
    /// Returns the reject reason that Core gives for this error, for example `dust`.
    pub const fn reason(&self) -> &'static str {
        match self {
            PolicyError::Coinbase => "coinbase",
            PolicyError::Version { .. } => "version",
            PolicyError::TxSize { .. } => "tx-size",
            PolicyError::ScriptSigSize { .. } => "scriptsig-size",
            PolicyError::ScriptSigNotPushOnly { .. } => "scriptsig-not-pushonly",
            PolicyError::ScriptPubKey { .. } => "scriptpubkey",
            PolicyError::DataCarrier { .. } => "datacarrier",
            PolicyError::BareMultisig { .. } => "bare-multisig",
            PolicyError::Dust { .. } | PolicyError::DustWithFee { .. } => "dust",
            PolicyError::TxSizeSmall { .. } => "tx-size-small",
            PolicyError::InputValuesOutOfRange { .. } => "bad-txns-inputvalues-outofrange",
            PolicyError::InBelowOut { .. } => "bad-txns-in-belowout",
            PolicyError::LegacySigops { .. }
            | PolicyError::InputScript { .. }
            | PolicyError::InputWitnessProgram { .. }
            | PolicyError::RedeemScript { .. }
            | PolicyError::RedeemScriptSigops { .. } => "bad-txns-nonstandard-inputs",
            PolicyError::Witness { .. } => "bad-witness-nonstandard",
            PolicyError::SigopsCost { .. } => "bad-txns-too-many-sigops",
            PolicyError::MinRelayFee { .. } => "min relay fee not met",
            PolicyError::TrucSize { .. } => "TRUC-violation",
        }
    }

    /// Returns a text that explains the violated rule: which input or output, the value found and the limit.
    pub fn explanation(&self) -> String {
        Explanation(self).to_string()
    }

    /// Returns the index of the input that violates the rule. Returns `None` if the rule does not concern one input
    /// alone.
    pub const fn input(&self) -> Option<usize> {
        match self {
            PolicyError::ScriptSigSize { input, .. }
            | PolicyError::ScriptSigNotPushOnly { input }
            | PolicyError::InputScript { input }
            | PolicyError::InputWitnessProgram { input, .. }
            | PolicyError::RedeemScript { input, .. }
            | PolicyError::RedeemScriptSigops { input, .. }
            | PolicyError::Witness { input, .. } => Some(*input),
            _ => None,
        }
    }

    /// Returns the index of the output that violates the rule. Returns `None` if the rule does not concern one output
    /// alone.
    pub const fn output(&self) -> Option<usize> {
        match self {
            PolicyError::ScriptPubKey { output }
            | PolicyError::DataCarrier { output, .. }
            | PolicyError::BareMultisig { output }
            | PolicyError::Dust { output, .. }
            | PolicyError::DustWithFee { output, .. } => Some(*output),
            _ => None,
        }
    }
}

/// Formats a policy error as Core's reject reason, followed by an explanation.
impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason(), Explanation(self))
    }
}

/// Formats the explanation of a policy error: the violated rule, the input or output, the value found and the limit.
struct Explanation<'e>(&'e PolicyError);

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            PolicyError::Coinbase => f.write_str("a coinbase transaction is valid only in a block"),
            PolicyError::Version { version } => {
                write!(f, "the version is {version}; versions 1 to 3 are relayed")
            }
            PolicyError::TxSize { weight } => {
                write!(f, "the transaction weighs {weight} WU; the maximum is {}", limits::MAX_TX_WEIGHT)
            }
            PolicyError::ScriptSigSize { input, size } => write!(
                f,
                "input {input}: the scriptSig has {size} bytes; the maximum is {}",
                limits::MAX_SCRIPT_SIG_SIZE
            ),
            PolicyError::ScriptSigNotPushOnly { input } => {
                write!(f, "input {input}: the scriptSig contains an opcode that is no push")
            }
            PolicyError::ScriptPubKey { output } => {
                write!(f, "output {output}: the scriptPubKey has none of the standard forms")
            }
            PolicyError::DataCarrier { output, total, limit } => {
                write!(f, "output {output}: the OP_RETURN outputs have {total} bytes; the maximum is {limit}")
            }
            PolicyError::BareMultisig { output } => {
                write!(f, "output {output}: bare multisig is not relayed")
            }
            PolicyError::Dust { output, amount, limit } => write!(
                f,
                "output {output}: {amount} sat is dust, below {limit} sat for this form, and not the only dust; the \
                 maximum is {} dust output",
                limits::MAX_DUST_OUTPUTS
            ),
            PolicyError::DustWithFee { output, amount, limit, fee } => write!(
                f,
                "output {output}: {amount} sat is dust, below {limit} sat for this form; dust is relayed only if the \
                 fee is 0, and the fee is {fee} sat"
            ),
            PolicyError::TxSizeSmall { size } => write!(
                f,
                "the transaction without its witness has {size} bytes; the minimum is {}",
                limits::MIN_NONWITNESS_SIZE
            ),
            PolicyError::InputValuesOutOfRange { input } => {
                write!(f, "input {input}: the spent outputs are worth more than 21 million bitcoin")
            }
            PolicyError::InBelowOut { spent, created } => {
                write!(f, "the outputs are worth {created} sat, the spent outputs only {spent} sat")
            }
            PolicyError::LegacySigops { sigops } => write!(
                f,
                "the inputs can execute {sigops} signature operations outside the witness; the maximum is {} (BIP 54)",
                limits::MAX_TX_LEGACY_SIGOPS
            ),
            PolicyError::InputScript { input } => {
                write!(f, "input {input}: the spent scriptPubKey has none of the standard forms")
            }
            PolicyError::InputWitnessProgram { input, version } => {
                write!(f, "input {input}: the spent witness program of version {version} has no rules yet")
            }
            PolicyError::RedeemScript { input, problem } => write!(f, "input {input}: {problem}"),
            PolicyError::RedeemScriptSigops { input, sigops } => write!(
                f,
                "input {input}: the redeem script has {sigops} signature operations; the maximum is {}",
                limits::MAX_P2SH_SIGOPS
            ),
            PolicyError::Witness { input, rule } => write!(f, "input {input}: {rule}"),
            PolicyError::SigopsCost { cost } => write!(
                f,
                "the signature operation cost is {cost}; the maximum is {}",
                limits::MAX_TX_SIGOPS_COST
            ),
            PolicyError::MinRelayFee { fee, needed, vsize } => {
                write!(f, "the fee is {fee} sat; the minimum for {vsize} virtual bytes is {needed} sat")
            }
            PolicyError::TrucSize { vsize } => write!(
                f,
                "a version 3 transaction has {vsize} virtual bytes; the maximum is {} (BIP 431)",
                limits::MAX_TRUC_VSIZE
            ),
        }
    }
}

impl core::error::Error for PolicyError {}

impl fmt::Display for RedeemScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RedeemScriptError::Fails(error) => write!(f, "the scriptSig of a P2SH input fails: {error}"),
            RedeemScriptError::Missing => {
                f.write_str("the scriptSig of a P2SH input pushes no redeem script")
            }
        }
    }
}

impl fmt::Display for WitnessRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WitnessRule::Anchor => {
                f.write_str("a P2A output is spent with an empty witness, and this one is not empty")
            }
            WitnessRule::NoWitnessProgram => {
                f.write_str("the input has a witness, but the spent output is no witness program")
            }
            WitnessRule::RedeemScript(problem) => problem.fmt(f),
            WitnessRule::P2wshScriptSize { size } => write!(
                f,
                "the P2WSH witness script has {size} bytes; the maximum is {}",
                limits::MAX_P2WSH_SCRIPT_SIZE
            ),
            WitnessRule::P2wshItems { count } => write!(
                f,
                "the P2WSH witness has {count} elements below its script; the maximum is {}",
                limits::MAX_P2WSH_ITEMS
            ),
            WitnessRule::P2wshItemSize { item, size } => write!(
                f,
                "witness element {item} of a P2WSH input has {size} bytes; the maximum is {}",
                limits::MAX_P2WSH_ITEM_SIZE
            ),
            WitnessRule::Annex => f.write_str("the taproot witness has an annex"),
            WitnessRule::EmptyControlBlock => f.write_str("the taproot control block is empty"),
            WitnessRule::TapscriptItemSize { item, size } => write!(
                f,
                "witness element {item} of a tapscript input has {size} bytes; the maximum is {}",
                limits::MAX_TAPSCRIPT_ITEM_SIZE
            ),
        }
    }
}
