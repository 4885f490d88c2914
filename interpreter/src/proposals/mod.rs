//! The proposed soft forks: one row and one folder each. A folder contains the rules of a proposal and its messages.
//!
//! A proposal is in one of three states ([`Activation`]):
//!
//! - inactive: its opcode or key type does what it does today: succeed (`OP_SUCCESSx`, unknown key type) or nothing (NOP).
//!   It does so even under the generic discourage flags, since an assigned hook is no longer free for upgrades, and
//!   since otherwise activation would accept what was refused before. Refusing it is the work of its own flag.
//! - discouraged: policy refuses it wherever it stands, executed or not for those on `OP_SUCCESSx`. Wins over active.
//! - active: the rules of its BIP.
//!
//! Adding a proposal: a row here, its flags, its errors and its opcode in their tables, and a folder.

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

/// Where a proposal hooks into today's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// An `OP_SUCCESSx` of tapscript gets a meaning (BIP 342).
    Success(Opcode),
    /// A NOP gets a meaning, in every script version.
    Nop(Opcode),
    /// Public keys of tapscript that begin with this byte get a meaning, alone or before 32 bytes (BIP 342 "Rules for
    /// signature opcodes").
    KeyType(u8),
    /// Transactions get a rule beside their scripts. Policy about it is a matter of standardness, not of script flags.
    Transaction,
}

/// Whether a proposal is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Activation {
    /// Today's rules.
    Inactive,
    /// Policy refuses its use.
    Discouraged,
    /// Its own rules.
    Active,
}

/// A row of the table of proposals.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proposal {
    /// What it is called.
    pub name: &'static str,
    /// The number of its BIP.
    pub bip: u16,
    /// The revision of the BIP that is followed: a date of the repository bitcoin/bips and its commit.
    pub revision: &'static str,
    /// Where it hooks in.
    pub hook: Hook,
    /// The flag that activates it.
    pub flag: Flags,
    /// The flag that refuses its use; [`Flags::NONE`] for [`Hook::Transaction`].
    pub discourage: Flags,
    /// The verdict when its use is refused; `None` for [`Hook::Transaction`].
    pub discouraged_error: Option<ScriptError>,
}

/// The commit of bitcoin/bips whose texts were followed.
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

        /// Every proposal.
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
    /// The proposal that redefines an `OP_SUCCESSx`.
    pub fn of_success_opcode(opcode: Opcode) -> Option<&'static Proposal> {
        PROPOSALS.iter().copied().find(|proposal| proposal.hook == Hook::Success(opcode))
    }

    /// Whether the proposal is about scripts, so that an input can use it; otherwise it is about whole transactions.
    pub fn is_of_scripts(&self) -> bool {
        self.hook != Hook::Transaction
    }

    /// The state of the proposal under a set of flags.
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

    /// The state of the proposal, with the verdict if it is discouraged.
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
