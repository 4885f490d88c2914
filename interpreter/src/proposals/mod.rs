//! Proposed soft forks. Each BIP has a folder with its rules, the messages that it hashes, and its [`Proposal`]: a
//! constant that lists its flags, opcodes and errors. BIP 54 has two such constants, one for each of its rules about
//! single transactions. `registry.rs` lists the folders.
//!
//! Under a set of flags, a proposal is in one of three states ([`Activation`]):
//!
//! - inactive: today's rules apply. An `OP_SUCCESSx` lets the script succeed, a signature for a key of an unknown type is
//!   valid, and a NOP does nothing.
//! - discouraged: policy rejects every use of the proposal, even if the flag that activates the proposal is set as
//!   well. An opcode that replaces an `OP_SUCCESSx` is rejected even in a branch that is not executed.
//! - active: the rules of the BIP apply.
//!
//! Core's discourage flags, such as [`Flags::DISCOURAGE_OP_SUCCESS`], do not apply to an opcode or key type that a
//! proposal uses. If they did, setting the flag of the proposal could accept a script that was rejected without it, but
//! every flag must be a soft fork (`flags.rs`). Therefore each proposal has a discourage flag of its own.

pub mod anyprevout;
pub(crate) mod bip54;
pub(crate) mod cat;
pub mod checktemplateverify;
pub(crate) mod csfs;
pub(crate) mod dispatch;
pub(crate) mod internalkey;
pub(crate) mod paircommit;
pub(crate) mod registry;
pub mod templatehash;

use crate::flags::{FlagInfo, Flags};
use crate::opcode::{Opcode, OpcodeInfo};
use crate::script_error::{ErrorInfo, ScriptError};

use registry::for_each_proposal;

/// Defines [`ProposalId`], the constants of [`Proposal`], and [`PROPOSALS`] from the list in `registry.rs`.
macro_rules! registry {
    (
        proposals { $($folder:ident: $($name:ident)+ $(, opcode $opcode:ident)? $(, discouraged $discouraged:ident)? $(, errors $($own:ident)+)?;)* }
    ) => {
        /// One variant for each proposal. Code can match on it, and the compiler then requires that every proposal is
        /// handled.
        #[allow(non_camel_case_types, reason = "the names of the flags")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ProposalId {
            $($(#[doc = concat!("[`Proposal::", stringify!($name), "`]")] $name,)+)*
        }

        impl Proposal {
            $($(
                #[doc = concat!("The row in `proposals/", stringify!($folder), "`.")]
                pub const $name: &'static Proposal = &$folder::$name;
            )+)*
        }

        /// All proposals, in the order of `registry.rs`.
        pub const PROPOSALS: &[&Proposal] = &[$($(Proposal::$name),+),*];
    };
}

for_each_proposal! { registry! }

/// The upgrade mechanism that a proposal uses to change today's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// The proposal assigns a meaning to an `OP_SUCCESSx` of tapscript (BIP 342).
    Success(Opcode),
    /// The proposal assigns a meaning to a NOP, in every script version.
    Nop(Opcode),
    /// The proposal assigns a meaning to tapscript public keys that consist of this byte, alone or followed by 32 bytes (BIP
    /// 342 "Rules for signature opcodes").
    KeyType(u8),
    /// The proposal adds a rule about whole transactions. It has no policy flag: the relay policy for whole
    /// transactions consists of standardness checks, which are not part of this crate.
    Transaction,
}

impl Hook {
    /// Returns the opcode to which the proposal assigns a meaning; `None` if the proposal uses another upgrade
    /// mechanism.
    pub const fn opcode(self) -> Option<Opcode> {
        match self {
            Hook::Success(opcode) | Hook::Nop(opcode) => Some(opcode),
            Hook::KeyType(_) | Hook::Transaction => None,
        }
    }

    /// Returns Core's policy flag that rejects every use of this upgrade mechanism, and the error that the flag causes.
    /// Returns `None` for [`Hook::Transaction`].
    pub const fn core_policy(self) -> Option<(Flags, ScriptError)> {
        match self {
            Hook::Success(_) => Some((Flags::DISCOURAGE_OP_SUCCESS, ScriptError::DiscourageOpSuccess)),
            Hook::Nop(_) => Some((Flags::DISCOURAGE_UPGRADABLE_NOPS, ScriptError::DiscourageUpgradableNops)),
            Hook::KeyType(_) => {
                Some((Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE, ScriptError::DiscourageUpgradablePubkeyType))
            }
            Hook::Transaction => None,
        }
    }
}

/// State of a proposal under a set of flags. The module documentation describes the states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Activation {
    /// Today's rules apply, as if the proposal did not exist.
    Inactive,
    /// Policy rejects every use of the proposal.
    Discouraged,
    /// The rules of the proposal apply.
    Active,
}

/// A proposed soft fork: its name, BIP, flags, opcodes and errors. Tools, tests and documentation are derived from it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Proposal {
    /// Identifies the proposal, for use in a `match`.
    pub id: ProposalId,
    /// Name of the proposal, which is also the name of the flag that activates it.
    pub name: &'static str,
    /// Common abbreviation of the proposal's name, such as `CSFS`, if there is one.
    pub short_name: Option<&'static str>,
    /// Number of the BIP that specifies the proposal.
    pub bip: u16,
    /// Revision of the BIP text that is implemented: a date and a commit of the repository bitcoin/bips.
    pub revision: &'static str,
    /// The upgrade mechanism that the proposal uses.
    pub hook: Hook,
    /// The flag under which the rules of the proposal apply.
    pub flag: Flags,
    /// The policy flag that rejects every use of the proposal; [`Flags::NONE`] for [`Hook::Transaction`].
    pub discourage: Flags,
    /// The script error if policy rejects a use of the proposal; `None` for [`Hook::Transaction`].
    pub discouraged_error: Option<ScriptError>,
    /// All flags that the proposal defines, as rows of the table [`FLAGS`](crate::FLAGS).
    pub flags: &'static [FlagInfo],
    /// The opcodes that the proposal defines, as rows of the table [`OPCODES`](crate::OPCODES).
    pub opcodes: &'static [OpcodeInfo],
    /// The script errors that the proposal defines and Core does not have.
    pub errors: &'static [ErrorInfo],
    /// Every error with which the opcode of the proposal can fail, in any kind of script. For [`Hook::KeyType`], every
    /// error of `OP_CHECKSIG` with a key of this type.
    pub failures: &'static [ScriptError],
    /// Weight units by which one use of the proposal reduces the signature budget (BIP 342 "Resource limits"). A use
    /// with an empty signature costs nothing.
    pub cost: i64,
    /// Name of the proposal's file in `test-vectors/proposals/`, without `.jsonl`; `None` for [`Hook::Transaction`].
    pub vectors: Option<&'static str>,
    /// A tapscript that uses the proposal; `None` for [`Hook::Transaction`].
    pub sample: Option<Sample>,
}

/// A tapscript that uses a proposal, together with an initial stack. While the proposal is active, the script succeeds
/// in every transaction.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// The initial stack of the tapscript, bottom element first.
    pub stack: &'static [&'static [u8]],
    /// The tapscript. It leaves exactly one element on the stack, and that element is true.
    pub script: &'static [u8],
}

/// Two proposals are equal if they have the same `id`.
impl PartialEq for Proposal {
    fn eq(&self, other: &Proposal) -> bool {
        self.id == other.id
    }
}

impl Eq for Proposal {}

/// Date and commit of the repository bitcoin/bips whose BIP texts are implemented.
const BIPS_REVISION: &str = "2026-08-20, 7fe0b034";

impl Proposal {
    /// Returns the proposal that redefines this `OP_SUCCESSx`; `None` if there is none.
    pub fn of_success_opcode(opcode: Opcode) -> Option<&'static Proposal> {
        PROPOSALS.iter().copied().find(|proposal| proposal.hook == Hook::Success(opcode))
    }

    /// Returns the proposal that assigns a meaning to this `OP_SUCCESSx` or NOP; `None` if there is none.
    pub fn of_opcode(opcode: Opcode) -> Option<&'static Proposal> {
        PROPOSALS.iter().copied().find(|proposal| proposal.hook.opcode() == Some(opcode))
    }

    /// Returns whether the proposal changes the rules of scripts. False if it adds a rule about whole transactions.
    pub fn is_of_scripts(&self) -> bool {
        self.hook != Hook::Transaction
    }

    /// Returns the state of the proposal under a set of flags.
    #[inline]
    pub fn activation(&self, flags: Flags) -> Activation {
        if flags.intersects(self.discourage) {
            Activation::Discouraged
        } else if flags.contains(self.flag) {
            Activation::Active
        } else {
            Activation::Inactive
        }
    }

    /// Returns whether the proposal is active under a set of flags.
    ///
    /// # Errors
    ///
    /// The error in `discouraged_error`, if the flags contain the policy flag that rejects every use of the proposal.
    #[inline]
    pub(crate) fn is_active(&self, flags: Flags) -> Result<bool, ScriptError> {
        match self.activation(flags) {
            Activation::Inactive => Ok(false),
            Activation::Discouraged => Err(self.discouraged_error.unwrap_or(ScriptError::BadOpcode)),
            Activation::Active => Ok(true),
        }
    }
}

#[cfg(test)]
mod tests;
