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
//! To add a proposal, add a row here, its flags, errors and opcode to their tables, and a folder.

pub mod anyprevout;
pub(crate) mod bip54;
pub(crate) mod cat;
pub mod checktemplateverify;
pub(crate) mod csfs;
pub(crate) mod internalkey;
pub(crate) mod paircommit;
pub mod templatehash;

use crate::error::ScriptError;
use crate::flags::Flags;
use crate::opcode::Opcode;

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

/// One row of the table of proposals.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proposal {
    /// Name of the proposal.
    pub name: &'static str,
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
}

/// The commit of bitcoin/bips whose texts are implemented.
const BIPS_REVISION: &str = "2026-08-20, 7fe0b034";

macro_rules! proposals {
    (@discourage) => { Flags::NONE };
    (@discourage $flag:ident) => { Flags::$flag };
    (@error) => { None };
    (@error $error:ident) => { Some(ScriptError::$error) };
    ($($name:ident $bip:literal $hook:expr $(, $discourage:ident $error:ident)?;)*) => {
        impl Proposal {
            $(
                #[doc = concat!("The row of BIP ", stringify!($bip), ".")]
                pub const $name: &'static Proposal = &Proposal {
                    name: stringify!($name),
                    bip: $bip,
                    revision: BIPS_REVISION,
                    hook: $hook,
                    flag: Flags::$name,
                    discourage: proposals!(@discourage $($discourage)?),
                    discouraged_error: proposals!(@error $($error)?),
                };
            )*
        }

        /// All proposals.
        pub const PROPOSALS: &[&Proposal] = &[$(Proposal::$name),*];
    };
}

proposals! {
    CHECKSIGFROMSTACK 348 Hook::Success(Opcode::OP_CHECKSIGFROMSTACK), DISCOURAGE_CHECKSIGFROMSTACK DiscourageOpCheckSigFromStack;
    ANYPREVOUT 118 Hook::KeyType(0x01), DISCOURAGE_ANYPREVOUT DiscourageAnyPrevOut;
    CHECKTEMPLATEVERIFY 119 Hook::Nop(Opcode::OP_NOP4), DISCOURAGE_CHECKTEMPLATEVERIFY DiscourageUpgradableNops;
    OP_CAT 347 Hook::Success(Opcode::OP_CAT), DISCOURAGE_OP_CAT DiscourageOpCat;
    INTERNALKEY 349 Hook::Success(Opcode::OP_INTERNALKEY), DISCOURAGE_INTERNALKEY DiscourageOpInternalKey;
    PAIRCOMMIT 442 Hook::Success(Opcode::OP_PAIRCOMMIT), DISCOURAGE_PAIRCOMMIT DiscourageOpPairCommit;
    TEMPLATEHASH 446 Hook::Success(Opcode::OP_TEMPLATEHASH), DISCOURAGE_TEMPLATEHASH DiscourageTemplateHash;
    LEGACY_SIGOPS_LIMIT 54 Hook::Transaction;
    FORBID_64_BYTE_TX 54 Hook::Transaction;
}

impl Proposal {
    /// Returns the proposal that redefines an `OP_SUCCESSx`.
    pub fn of_success_opcode(opcode: Opcode) -> Option<&'static Proposal> {
        PROPOSALS.iter().copied().find(|proposal| proposal.hook == Hook::Success(opcode))
    }

    /// Returns whether the proposal changes script rules, so that an input can use it. Otherwise it changes rules about
    /// whole transactions.
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
mod tests {
    use super::*;
    use crate::flags::FlagKind;

    #[test]
    fn rows_have_the_flags_of_their_names_and_hooks_of_their_own() {
        for (nth, proposal) in PROPOSALS.iter().enumerate() {
            assert_eq!(Flags::from_name(proposal.name), Some(proposal.flag));
            if proposal.hook == Hook::Transaction {
                assert_eq!((proposal.discourage, proposal.discouraged_error), (Flags::NONE, None));
                continue;
            }
            assert_eq!(Flags::from_name(&format!("DISCOURAGE_{}", proposal.name)), Some(proposal.discourage));
            assert!(proposal.discouraged_error.is_some());
            assert!(PROPOSALS[..nth].iter().all(|other| other.hook != proposal.hook));
            if let Hook::Success(opcode) = proposal.hook {
                assert!(opcode.is_success());
                assert_eq!(Proposal::of_success_opcode(opcode), Some(*proposal));
            }
        }
        let flags: Flags = PROPOSALS.iter().map(|proposal| proposal.flag).collect();
        assert_eq!(flags, Flags::of_kind(FlagKind::Proposal));
    }

    #[test]
    fn discouraged_wins_over_active() {
        for proposal in PROPOSALS {
            assert_eq!(proposal.activation(Flags::NONE), Activation::Inactive);
            assert_eq!(proposal.activation(proposal.flag), Activation::Active);
            if proposal.hook != Hook::Transaction {
                let both = proposal.flag | proposal.discourage;
                assert_eq!(proposal.activation(both), Activation::Discouraged);
            }
        }
    }
}
