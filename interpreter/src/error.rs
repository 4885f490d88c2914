//! The errors of verification: where an input or a transaction failed and why, and misuse of the API. The broken rule
//! itself is a [`ScriptError`].

use core::fmt;

use crate::claim::TransactionRule;
use crate::flags::{FlagError, Flags};
use crate::opcode::Opcode;
use crate::script_error::ScriptError;

/// Phases of the verification of an input, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Execution of the scriptSig.
    ScriptSig,
    /// Execution of the spent output's scriptPubKey.
    ScriptPubKey,
    /// Execution of the redeem script of a pay-to-script-hash output (BIP 16).
    RedeemScript,
    /// Checks of a witness program before any of its scripts runs (BIP 141, BIP 341).
    WitnessProgram,
    /// Execution of the script of a segwit v0 program; for P2WPKH, the implied script (BIP 141).
    WitnessScript,
    /// Verification of the signature of a taproot key path spend (BIP 341).
    KeyPath,
    /// Check that the taproot output key commits to the leaf (BIP 341).
    TaprootCommitment,
    /// Execution of the script of a taproot leaf (BIP 342).
    Tapscript,
    /// Checks after all scripts: the stack is clean and there is no unexpected witness.
    Finish,
}

impl Phase {
    /// All phases of the verification of an input, in the order in which they run.
    pub const ALL: &'static [Phase] = &[
        Phase::ScriptSig,
        Phase::ScriptPubKey,
        Phase::RedeemScript,
        Phase::WitnessProgram,
        Phase::WitnessScript,
        Phase::KeyPath,
        Phase::TaprootCommitment,
        Phase::Tapscript,
        Phase::Finish,
    ];

    /// Returns the name of the phase, as used in traces.
    pub const fn name(self) -> &'static str {
        match self {
            Phase::ScriptSig => "scriptSig",
            Phase::ScriptPubKey => "scriptPubKey",
            Phase::RedeemScript => "redeemScript",
            Phase::WitnessProgram => "witnessProgram",
            Phase::WitnessScript => "witnessScript",
            Phase::KeyPath => "keyPath",
            Phase::TaprootCommitment => "taprootCommitment",
            Phase::Tapscript => "tapscript",
            Phase::Finish => "finish",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Position of an opcode inside a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScriptPosition {
    /// Index of the opcode among the opcodes of the script, from 0 (BIP 342's opcode position, not a byte offset).
    pub opcode_position: u32,
    /// Byte offset at which the opcode starts.
    pub byte_offset: usize,
    /// Opcode byte at this position of the script.
    pub opcode: Opcode,
    /// The opcode whose rules apply to the byte ([`crate::CodePoints::meaning`]). It differs from `opcode` only if the
    /// caller assigned other opcode bytes to proposals.
    pub meaning: Opcode,
}

impl ScriptPosition {
    /// Returns the name of the opcode at this position.
    pub fn name(&self) -> String {
        self.opcode.name_as(self.meaning)
    }
}

/// A location in the verification of an input: the phase and, inside a script, the opcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    /// Phase of the verification of the input.
    pub phase: Phase,
    /// Position of the opcode in the script that this phase runs; `None` if the location is not a single opcode.
    pub position: Option<ScriptPosition>,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(at) => write!(
                f,
                "{}, opcode {} ({}, byte {})",
                self.phase,
                at.opcode_position,
                at.name(),
                at.byte_offset
            ),
            None => write!(f, "{}", self.phase),
        }
    }
}

/// Why and where a script failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The rule that the script broke.
    pub error: ScriptError,
    /// The opcode at which execution stopped; `None` if the failure is not due to a single opcode.
    pub position: Option<ScriptPosition>,
}

impl From<ScriptError> for Stop {
    fn from(error: ScriptError) -> Stop {
        Stop { error, position: None }
    }
}

/// Reason why an input was not accepted: the input is invalid, or the API was misused and there is no verdict. These
/// are the only variants, so a `match` needs no wildcard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// The input is invalid because it breaks a rule.
    Script {
        /// The rule that the input breaks.
        error: ScriptError,
        /// Phase and, if known, opcode at which the rule was broken.
        location: Location,
    },
    /// The API was misused, so there is no verdict.
    Usage(UsageError),
}

impl VerifyError {
    /// Returns the rule that the input breaks; `None` if the API was misused.
    pub fn script_error(&self) -> Option<ScriptError> {
        match self {
            VerifyError::Script { error, .. } => Some(*error),
            VerifyError::Usage(_) => None,
        }
    }

    /// Converts the error of one input to an error of its transaction. `input` is the index of the input.
    pub fn of_input(self, input: usize) -> TransactionError {
        match self {
            VerifyError::Script { error, location } => TransactionError::Input { input, error, location },
            VerifyError::Usage(error) => TransactionError::Usage(error),
        }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VerifyError::Script { error, location } => write!(f, "{error}; in {location}"),
            VerifyError::Usage(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for VerifyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(match self {
            VerifyError::Script { error, .. } => error,
            VerifyError::Usage(error) => error,
        })
    }
}

impl From<UsageError> for VerifyError {
    fn from(error: UsageError) -> VerifyError {
        VerifyError::Usage(error)
    }
}

/// Reason why a transaction was not accepted: an input is invalid, a rule over the whole transaction is broken, or the API
/// was misused and there is no verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionError {
    /// An input is invalid. The first invalid input in input order is reported.
    Input {
        /// Index of the invalid input.
        input: usize,
        /// The rule that the input breaks.
        error: ScriptError,
        /// Phase and, if known, opcode at which the rule was broken.
        location: Location,
    },
    /// Every input is valid, but the transaction breaks a rule over the whole transaction.
    Rule(TransactionRule),
    /// The API was misused, so there is no verdict.
    Usage(UsageError),
}

impl TransactionError {
    /// Returns the rule that the invalid input breaks; `None` if the error is not about a single input.
    pub fn script_error(&self) -> Option<ScriptError> {
        match self {
            TransactionError::Input { error, .. } => Some(*error),
            TransactionError::Rule(_) | TransactionError::Usage(_) => None,
        }
    }

    /// Returns the index of the invalid input; `None` if the error is not about a single input.
    pub fn input(&self) -> Option<usize> {
        match self {
            TransactionError::Input { input, .. } => Some(*input),
            TransactionError::Rule(_) | TransactionError::Usage(_) => None,
        }
    }

    /// Returns the name of the broken rule: the name of the script error, or the reject reason of the transaction. `None` if
    /// there is no verdict.
    pub fn name(&self) -> Option<&'static str> {
        match self {
            TransactionError::Input { error, .. } => Some(error.name()),
            TransactionError::Rule(rule) => Some(rule.name()),
            TransactionError::Usage(_) => None,
        }
    }
}

impl fmt::Display for TransactionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransactionError::Input { input, error, location } => {
                write!(f, "input {input}: {error}; in {location}")
            }
            TransactionError::Rule(rule) => write!(f, "{}: {rule}", rule.name()),
            TransactionError::Usage(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for TransactionError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(match self {
            TransactionError::Input { error, .. } => error,
            TransactionError::Rule(rule) => rule,
            TransactionError::Usage(error) => error,
        })
    }
}

impl From<UsageError> for TransactionError {
    fn from(error: UsageError) -> TransactionError {
        TransactionError::Usage(error)
    }
}

impl From<TransactionRule> for TransactionError {
    fn from(rule: TransactionRule) -> TransactionError {
        TransactionError::Rule(rule)
    }
}

/// Misuse of the API by the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UsageError {
    /// The number of prevouts differs from the number of inputs.
    PrevoutCount {
        /// Number of inputs of the transaction.
        inputs: usize,
        /// Number of prevouts passed by the caller.
        prevouts: usize,
    },
    /// The transaction has no input with this index.
    InputIndex {
        /// Index of the input that the caller passed.
        index: usize,
        /// Number of inputs of the transaction.
        inputs: usize,
    },
    /// A verdict on a transaction was requested although one of its inputs was not verified.
    InputNotVerified {
        /// Index of the input that was not verified.
        input: usize,
    },
    /// A verdict on a transaction was requested with the same input more than once.
    InputTwice {
        /// Index of the input that was passed more than once.
        input: usize,
    },
    /// A verdict on a transaction was requested under some flags, but one of its inputs was verified under other flags.
    OtherFlags {
        /// Index of the input that was verified under other flags.
        input: usize,
        /// Flags under which the input was verified.
        flags: Flags,
    },
    /// A flag has an unknown name, or is set without another flag that it needs.
    Flags(FlagError),
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UsageError::PrevoutCount { inputs, prevouts } => {
                write!(f, "{prevouts} prevouts for {inputs} inputs; give one for each input, in input order")
            }
            UsageError::InputIndex { index, inputs } => {
                write!(f, "no input {index}: the transaction has {inputs} (counted from 0)")
            }
            UsageError::InputNotVerified { input } => {
                write!(f, "input {input} was not verified; the verdict on a transaction needs every input")
            }
            UsageError::InputTwice { input } => {
                write!(f, "input {input} is given twice; the verdict on a transaction needs every input once")
            }
            UsageError::OtherFlags { input, flags } => {
                write!(f, "input {input} was verified under other flags: {flags}")
            }
            UsageError::Flags(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for UsageError {}

impl From<FlagError> for UsageError {
    fn from(error: FlagError) -> UsageError {
        UsageError::Flags(error)
    }
}
