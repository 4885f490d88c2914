//! [`Flags`]: sets of verification flags, each of which enables one rule. Core's flags are defined here, and the flags
//! of each proposed soft fork in its folder below `proposals/`. `tables/flags.rs` joins them into one table.
//!
//! **Every flag is a soft fork: an input that is valid under `A | B` is also valid under `A`.** Tests and fuzzers check
//! this property for flags drawn from the table.
//!
//! | set | rules |
//! | --- | --- |
//! | [`Flags::NONE`] | only the original rules, without any soft fork |
//! | [`Flags::CONSENSUS`] | the rules that Bitcoin's consensus enforces today |
//! | [`Flags::POLICY`] | the consensus and policy rules of Bitcoin Core today; the use of proposals is rejected |
//!
//! `WITNESS` needs `P2SH`, and `CLEANSTACK` needs `P2SH` and `WITNESS`. If a set lacked such a flag, adding the flag
//! could make an invalid input valid. [`Flags::check`] rejects sets that lack a needed flag, and [`Flags::closure`]
//! adds the needed flags.

use core::fmt;
use core::ops::{BitAnd, BitOr, BitOrAssign, Sub, SubAssign};

/// A set of verification flags (Core `SCRIPT_VERIFY_*`), each of which enables one rule. Most callers start with
/// [`Flags::CONSENSUS`] or [`Flags::POLICY`], add flags with `|` and remove flags with `-`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(pub(crate) u64);

/// The kind of rule that a flag enables, according to who enforces the rule today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlagKind {
    /// The flag enables a rule that Bitcoin's consensus enforces today.
    Consensus,
    /// The flag enables a rule that today only the relay policy of nodes enforces.
    Policy,
    /// The flag activates a proposed soft fork ([`crate::Proposal`]).
    Proposal,
    /// The flag enables a policy rule about a proposed soft fork. The rule rejects every use of the proposal, or values
    /// that the proposal reserves for later upgrades.
    ProposalPolicy,
}

/// Name and description of one flag: a row of the table [`FLAGS`](crate::FLAGS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlagInfo {
    /// The flag that this row describes, as a set with one element.
    pub flag: Flags,
    /// Name of the flag, spelled as in Core but without the prefix `SCRIPT_VERIFY_`.
    pub name: &'static str,
    /// Kind of the rule that this flag enables.
    pub kind: FlagKind,
    /// Short description of the rule that the flag enables, with its source.
    pub summary: &'static str,
}

/// Defines flags. For each flag, defines a constant of [`Flags`] and a row of the flag table. The macro is used below
/// for Core's flags, and in the folder of each proposal for its own flags.
macro_rules! flags {
    ($($bit:literal $name:ident $kind:ident $summary:literal;)*) => {
        impl $crate::Flags {
            $(
                #[doc = concat!($summary, " ([`FlagKind::", stringify!($kind), "`](crate::FlagKind::", stringify!($kind), "))")]
                pub const $name: $crate::Flags = $crate::Flags::bit($bit);
            )*
        }

        /// Names and descriptions of the flags that this module defines. `tables/flags.rs` joins them into the table of
        /// all flags.
        pub(crate) const FLAG_ROWS: &[$crate::FlagInfo] = &[
            $($crate::FlagInfo {
                flag: $crate::Flags::$name,
                name: stringify!($name),
                kind: $crate::FlagKind::$kind,
                summary: $summary,
            },)*
        ];
    };
}
pub(crate) use flags;

flags! {
    0 P2SH Consensus "Evaluate the redeem script of pay-to-script-hash outputs (BIP 16).";
    1 STRICTENC Policy "Public keys and hash types of ECDSA signatures must be defined ones.";
    2 DERSIG Consensus "ECDSA signatures must be strict DER (BIP 66).";
    3 LOW_S Policy "ECDSA signatures must have the lower of the two possible S values (BIP 146).";
    4 NULLDUMMY Consensus "The dummy element of OP_CHECKMULTISIG must be empty (BIP 147).";
    5 SIGPUSHONLY Policy "The scriptSig may only push.";
    6 MINIMALDATA Policy "Pushes and numbers must use their shortest encoding (BIP 62, rules 3 and 4).";
    7 DISCOURAGE_UPGRADABLE_NOPS Policy "Fail on NOPs that are kept for upgrades.";
    8 CLEANSTACK Policy "One element must be left on the stack (BIP 62, rule 6). Needs P2SH and WITNESS.";
    9 CHECKLOCKTIMEVERIFY Consensus "Give OP_NOP2 the meaning of OP_CHECKLOCKTIMEVERIFY (BIP 65).";
    10 CHECKSEQUENCEVERIFY Consensus "Give OP_NOP3 the meaning of OP_CHECKSEQUENCEVERIFY (BIP 112).";
    11 WITNESS Consensus "Verify witness programs (BIP 141, BIP 143). Needs P2SH.";
    12 DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM Policy "Fail on witness programs of unknown versions.";
    13 MINIMALIF Policy "In segwit v0, the argument of OP_IF and OP_NOTIF must be empty or 0x01.";
    14 NULLFAIL Policy "Signatures of failing checks must be empty (BIP 146).";
    15 WITNESS_PUBKEYTYPE Policy "Public keys in segwit v0 must be compressed.";
    16 CONST_SCRIPTCODE Policy "Fail on OP_CODESEPARATOR and on signatures found in the script code of legacy scripts.";
    17 TAPROOT Consensus "Verify taproot spends (BIP 341, BIP 342).";
    18 DISCOURAGE_UPGRADABLE_TAPROOT_VERSION Policy "Fail on taproot leaves of unknown versions.";
    19 DISCOURAGE_OP_SUCCESS Policy "Fail on OP_SUCCESS opcodes instead of succeeding.";
    20 DISCOURAGE_UPGRADABLE_PUBKEYTYPE Policy "Fail on public keys of unknown types in tapscript.";
}

impl Flags {
    /// Returns the set whose only flag is the one with this bit index.
    pub(crate) const fn bit(bit: u32) -> Flags {
        Flags(1 << bit)
    }

    /// The set without any flags.
    pub const NONE: Flags = Flags(0);

    /// Returns whether all flags of `other` are in this set.
    #[inline]
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns whether at least one flag of `other` is in this set.
    #[inline]
    pub const fn intersects(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Pairs of a flag and the other flags that must be set with it.
    const REQUIREMENTS: &'static [(Flags, Flags)] =
        &[(Flags::CLEANSTACK, Flags(Flags::P2SH.0 | Flags::WITNESS.0)), (Flags::WITNESS, Flags::P2SH)];

    /// Returns the set together with all flags that its flags need.
    pub fn closure(self) -> Flags {
        let added = Flags::REQUIREMENTS.iter().filter(|(flag, _)| self.contains(*flag));
        added.fold(self, |set, (_, needed)| set | *needed)
    }

    /// Checks that the set contains every flag that one of its flags needs, as Core requires.
    ///
    /// # Errors
    ///
    /// [`FlagError::Combination`] names the flag and the missing flags.
    pub fn check(self) -> Result<(), FlagError> {
        for (flag, needed) in Flags::REQUIREMENTS {
            if self.contains(*flag) && !self.contains(*needed) {
                return Err(FlagError::Combination { flag: *flag, missing: *needed - self });
            }
        }
        Ok(())
    }
}

impl BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Flags) {
        self.0 |= other.0;
    }
}

impl BitAnd for Flags {
    type Output = Flags;
    fn bitand(self, other: Flags) -> Flags {
        Flags(self.0 & other.0)
    }
}

/// Returns the flags of the left set that are not in the right set.
impl Sub for Flags {
    type Output = Flags;
    fn sub(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }
}

impl SubAssign for Flags {
    fn sub_assign(&mut self, other: Flags) {
        self.0 &= !other.0;
    }
}

impl FromIterator<Flags> for Flags {
    fn from_iter<I: IntoIterator<Item = Flags>>(iter: I) -> Flags {
        iter.into_iter().fold(Flags::NONE, Flags::bitor)
    }
}

/// Reason why a text cannot be parsed as flags, or why a set of flags is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlagError {
    /// A text names a flag that does not exist. The value is that name.
    Unknown(String),
    /// A flag is set without another flag that it needs.
    Combination {
        /// The flag in the rejected set whose needed flags are missing.
        flag: Flags,
        /// All flags that `flag` needs and that the rejected set does not contain.
        missing: Flags,
    },
}

impl fmt::Display for FlagError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FlagError::Unknown(name) => write!(f, "unknown flag {name:?}"),
            FlagError::Combination { flag, missing } => write!(f, "the flag {flag} needs {missing}"),
        }
    }
}

impl core::error::Error for FlagError {}
