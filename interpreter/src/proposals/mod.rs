//! Proposed soft forks. Each has one row in the table below and one folder, which contains the rules and the messages of the
//! proposal.
//!
//! A proposal is in one of three states ([`Activation`]):
//!
//! - inactive: today's rules apply. An opcode on `OP_SUCCESSx` or a key of the proposal succeeds, and a NOP does nothing. The
//!   generic discourage flags do not reject them: the opcode or key type is assigned and no longer reserved for upgrades,
//!   and if they rejected it, activating the proposal could accept what was rejected before. Each proposal has a discourage
//!   flag of its own instead.
//! - discouraged: policy rejects any use of the proposal, even if it is active as well. Opcodes on `OP_SUCCESSx` are rejected
//!   even where they are not executed.
//! - active: the rules of the BIP apply.
//!
//! The row of a proposal is in its folder: its flags, opcodes and errors, and what the rest of the project derives from it. The
//! registry (`registry.rs`) has one entry for each folder.

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

/// Defines everything that needs the names of the proposals, except [`ScriptError`].
macro_rules! registry {
    (
        proposals { $($folder:ident: $($name:ident)+ $(, opcode $opcode:ident)? $(, discouraged $discouraged:ident)? $(, errors $($own:ident)+)?;)* }
    ) => {
        /// The proposals, for matches that the compiler requires to be complete.
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

        /// All proposals.
        pub const PROPOSALS: &[&Proposal] = &[$($(Proposal::$name),+),*];
    };
}

for_each_proposal! { registry! }

/// The mechanism by which a proposal changes today's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// The proposal assigns a meaning to an `OP_SUCCESSx` of tapscript (BIP 342).
    Success(Opcode),
    /// The proposal assigns a meaning to a NOP, in every script version.
    Nop(Opcode),
    /// The proposal assigns a meaning to tapscript public keys that consist of this byte, alone or followed by 32 bytes (BIP
    /// 342 "Rules for signature opcodes").
    KeyType(u8),
    /// The proposal adds a rule about transactions that does not depend on their scripts. Policy about such a rule is part
    /// of standardness checks, not of script flags.
    Transaction,
}

impl Hook {
    /// Returns the opcode that is assigned a meaning.
    pub const fn opcode(self) -> Option<Opcode> {
        match self {
            Hook::Success(opcode) | Hook::Nop(opcode) => Some(opcode),
            Hook::KeyType(_) | Hook::Transaction => None,
        }
    }

    /// Returns Core's flag that rejects every use of the upgrade mechanism, and its error.
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

/// State of a proposal under a set of flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Activation {
    /// Today's rules apply.
    Inactive,
    /// Policy rejects the use of the proposal.
    Discouraged,
    /// The rules of the proposal apply.
    Active,
}

/// The row of a proposal.
#[derive(Debug)]
#[non_exhaustive]
pub struct Proposal {
    /// The entry in the registry.
    pub id: ProposalId,
    /// The name, which is also that of the flag that activates the proposal.
    pub name: &'static str,
    /// A shorter name that is in use, if there is one.
    pub short_name: Option<&'static str>,
    /// Number of the BIP.
    pub bip: u16,
    /// Revision of the BIP text that is implemented: a date and a commit of the repository bitcoin/bips.
    pub revision: &'static str,
    /// The mechanism by which the proposal changes today's rules.
    pub hook: Hook,
    /// The flag that activates the proposal.
    pub flag: Flags,
    /// The flag that rejects the use of the proposal; [`Flags::NONE`] for [`Hook::Transaction`].
    pub discourage: Flags,
    /// The error when the use of the proposal is rejected; `None` for [`Hook::Transaction`].
    pub discouraged_error: Option<ScriptError>,
    /// The rows of all its flags.
    pub flags: &'static [FlagInfo],
    /// The rows of its opcodes.
    pub opcodes: &'static [OpcodeInfo],
    /// The rows of the errors that Core does not have.
    pub errors: &'static [ErrorInfo],
    /// Every error with which its opcode can fail, in any script version; for [`Hook::KeyType`], `OP_CHECKSIG` with such a key.
    pub failures: &'static [ScriptError],
    /// Validation weight that a use with a signature that is not empty costs (BIP 342, "Resource limits").
    pub cost: i64,
    /// The name of its file in `test-vectors/proposals/`, without `.jsonl`; `None` for [`Hook::Transaction`].
    pub vectors: Option<&'static str>,
    /// A tapscript that uses it; `None` for [`Hook::Transaction`].
    pub sample: Option<Sample>,
}

/// A tapscript that uses a proposal and is satisfied while the proposal is active, in every transaction.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// The initial stack, bottom first.
    pub stack: &'static [&'static [u8]],
    /// The script, which leaves one element, and that true.
    pub script: &'static [u8],
}

/// The rows are equal if they are the same one.
impl PartialEq for Proposal {
    fn eq(&self, other: &Proposal) -> bool {
        self.id == other.id
    }
}

impl Eq for Proposal {}

/// The commit of bitcoin/bips whose texts are implemented.
const BIPS_REVISION: &str = "2026-08-20, 7fe0b034";

impl Proposal {
    /// Returns the proposal that redefines an `OP_SUCCESSx`.
    pub fn of_success_opcode(opcode: Opcode) -> Option<&'static Proposal> {
        PROPOSALS.iter().copied().find(|proposal| proposal.hook == Hook::Success(opcode))
    }

    /// Returns the proposal that assigns a meaning to an opcode, be it an `OP_SUCCESSx` or a NOP.
    pub fn of_opcode(opcode: Opcode) -> Option<&'static Proposal> {
        PROPOSALS.iter().copied().find(|proposal| proposal.hook.opcode() == Some(opcode))
    }

    /// Whether the proposal is about scripts, so that an input can use it; otherwise it is about whole transactions.
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

    /// Returns whether the proposal is active under a set of flags, or its error if it is discouraged.
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
