//! Verification flags. One table defines their bits, names, parsing and documentation.
//!
//! **Every flag is a soft fork: whatever is accepted under `A | B` is also accepted under `A`.** Tests and fuzzers check
//! this property of the engine for flags drawn from the table.
//!
//! | set | rules |
//! | --- | --- |
//! | [`Flags::NONE`] | only the original rules, without any soft fork |
//! | [`Flags::CONSENSUS`] | what Bitcoin's consensus enforces today |
//! | [`Flags::POLICY`] | what Bitcoin Core relays today: consensus and policy rules, and the use of proposals is rejected |
//!
//! Combinations: `WITNESS` needs `P2SH`, and `CLEANSTACK` needs `P2SH` and `WITNESS`, since otherwise adding the missing
//! flag could accept more. [`Flags::check`] rejects sets that lack a needed flag, and [`Flags::closure`] adds the needed
//! flags.

use core::fmt;
use core::ops::{BitAnd, BitOr, BitOrAssign, Sub, SubAssign};
use core::str::FromStr;

use crate::error::UsageError;

/// A set of verification flags.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(u64);

/// Kinds of rules that flags enable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlagKind {
    /// Enforced by Bitcoin's consensus today.
    Consensus,
    /// Enforced by relay policy only.
    Policy,
    /// Activates a proposed soft fork ([`crate::Proposal`]).
    Proposal,
    /// Policy about a proposed soft fork: rejects the use of a proposal that is not active, or of values that the proposal
    /// reserves for later upgrades.
    ProposalPolicy,
}

/// One row of the flag table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlagInfo {
    /// The flag, as a set with one element.
    pub flag: Flags,
    /// The name, as Core spells it without `SCRIPT_VERIFY_`.
    pub name: &'static str,
    /// Kind of rule that the flag enables.
    pub kind: FlagKind,
    /// Short description of the rule, with its source.
    pub summary: &'static str,
}

macro_rules! flags {
    ($($bit:literal $name:ident $kind:ident $summary:literal;)*) => {
        impl Flags {
            $(
                #[doc = concat!($summary, " ([`FlagKind::", stringify!($kind), "`])")]
                pub const $name: Flags = Flags(1 << $bit);
            )*
            /// The set of all flags.
            pub const ALL: Flags = Flags($((1 << $bit))|*);
        }

        /// All flags: those of Core in the order of Core's bits, then those of the proposals.
        pub const FLAGS: &[FlagInfo] = &[
            $(FlagInfo {
                flag: Flags(1 << $bit),
                name: stringify!($name),
                kind: FlagKind::$kind,
                summary: $summary,
            },)*
        ];
    };
}

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
    21 CHECKSIGFROMSTACK Proposal "Give OP_SUCCESS204 the meaning of OP_CHECKSIGFROMSTACK (BIP 348).";
    22 ANYPREVOUT Proposal "Give public keys that begin with 0x01 the meaning of BIP 118.";
    23 CHECKTEMPLATEVERIFY Proposal "Give OP_NOP4 the meaning of OP_CHECKTEMPLATEVERIFY (BIP 119).";
    24 OP_CAT Proposal "Give OP_SUCCESS126 the meaning of OP_CAT (BIP 347).";
    25 INTERNALKEY Proposal "Give OP_SUCCESS203 the meaning of OP_INTERNALKEY (BIP 349).";
    26 PAIRCOMMIT Proposal "Give OP_SUCCESS205 the meaning of OP_PAIRCOMMIT (BIP 442).";
    27 TEMPLATEHASH Proposal "Give OP_SUCCESS206 the meaning of OP_TEMPLATEHASH (BIP 446).";
    28 LEGACY_SIGOPS_LIMIT Proposal "At most 2,500 signature operations outside the witness in the inputs of a transaction (BIP 54).";
    29 FORBID_64_BYTE_TX Proposal "Fail on transactions of exactly 64 bytes without witness (BIP 54).";
    32 DISCOURAGE_CHECKSIGFROMSTACK ProposalPolicy "Fail on OP_CHECKSIGFROMSTACK.";
    33 DISCOURAGE_ANYPREVOUT ProposalPolicy "Fail on public keys of BIP 118.";
    34 DISCOURAGE_CHECKTEMPLATEVERIFY ProposalPolicy "Fail on OP_CHECKTEMPLATEVERIFY.";
    35 DISCOURAGE_OP_CAT ProposalPolicy "Fail on OP_CAT in tapscript.";
    36 DISCOURAGE_INTERNALKEY ProposalPolicy "Fail on OP_INTERNALKEY.";
    37 DISCOURAGE_PAIRCOMMIT ProposalPolicy "Fail on OP_PAIRCOMMIT.";
    38 DISCOURAGE_TEMPLATEHASH ProposalPolicy "Fail on OP_TEMPLATEHASH.";
    39 DISCOURAGE_UPGRADABLE_CHECKTEMPLATEVERIFY ProposalPolicy "Fail on arguments of OP_CHECKTEMPLATEVERIFY that are not 32 bytes.";
}

impl Flags {
    /// The empty set.
    pub const NONE: Flags = Flags(0);

    /// The flags that Bitcoin's consensus enforces today.
    pub const CONSENSUS: Flags = Flags::of_kind(FlagKind::Consensus);

    /// Flags that Bitcoin Core's relay policy enforces today, including the consensus flags. Core's policy rejects every
    /// reserved opcode and key type. Flags of [`FlagKind::ProposalPolicy`] reject those that a proposal assigns, so they are
    /// included.
    pub const POLICY: Flags = Flags(
        Flags::CONSENSUS.0 | Flags::of_kind(FlagKind::Policy).0 | Flags::of_kind(FlagKind::ProposalPolicy).0,
    );

    /// Returns all flags of one kind.
    pub const fn of_kind(kind: FlagKind) -> Flags {
        let mut bits = 0;
        let mut rest = FLAGS;
        while let [info, tail @ ..] = rest {
            if info.kind as u8 == kind as u8 {
                bits |= info.flag.0;
            }
            rest = tail;
        }
        Flags(bits)
    }

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

    /// Iterates over the table rows of the flags in this set.
    pub fn iter(self) -> impl Iterator<Item = &'static FlagInfo> {
        FLAGS.iter().filter(move |info| self.contains(info.flag))
    }

    /// Returns the flag with this name, with or without the prefix `SCRIPT_VERIFY_`.
    pub fn from_name(name: &str) -> Option<Flags> {
        let name = name.strip_prefix("SCRIPT_VERIFY_").unwrap_or(name);
        FLAGS.iter().find(|info| info.name == name).map(|info| info.flag)
    }

    /// Pairs of a flag and the other flags that it needs.
    const REQUIREMENTS: &'static [(Flags, Flags)] =
        &[(Flags::CLEANSTACK, Flags(Flags::P2SH.0 | Flags::WITNESS.0)), (Flags::WITNESS, Flags::P2SH)];

    /// Returns the set together with all flags that its flags need.
    pub fn closure(self) -> Flags {
        let added = Flags::REQUIREMENTS.iter().filter(|(flag, _)| self.contains(*flag));
        added.fold(self, |set, (_, needed)| set | *needed)
    }

    /// Checks that the set contains every flag that its flags need, as Core requires.
    ///
    /// # Errors
    ///
    /// [`UsageError::FlagCombination`] names the flag and the missing flags.
    pub fn check(self) -> Result<(), UsageError> {
        for (flag, needed) in Flags::REQUIREMENTS {
            if self.contains(*flag) && !self.contains(*needed) {
                return Err(UsageError::FlagCombination { flag: *flag, missing: *needed - self });
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

/// Writes comma-separated names, or `NONE` for the empty set.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("NONE");
        }
        for (nth, info) in self.iter().enumerate() {
            let separator = if nth == 0 { "" } else { "," };
            write!(f, "{separator}{}", info.name)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({self})")
    }
}

/// Parses comma-separated names. The empty string and `NONE` are the empty set.
impl FromStr for Flags {
    type Err = UsageError;
    fn from_str(text: &str) -> Result<Flags, UsageError> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "NONE");
        names.map(|name| Flags::from_name(name).ok_or_else(|| UsageError::UnknownFlag(name.into()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for info in FLAGS {
            assert_eq!(info.name.parse::<Flags>().unwrap(), info.flag);
            assert_eq!(info.flag.to_string(), info.name);
            assert_eq!(info.flag.0.count_ones(), 1);
        }
        assert_eq!(Flags::ALL.to_string().parse::<Flags>().unwrap(), Flags::ALL);
        assert_eq!("NONE".parse::<Flags>().unwrap(), Flags::NONE);
        assert_eq!("P2SH, WITNESS".parse::<Flags>().unwrap(), Flags::P2SH | Flags::WITNESS);
        assert_eq!("P2SX".parse::<Flags>(), Err(UsageError::UnknownFlag("P2SX".into())));
    }

    #[test]
    fn core_has_twenty_one_flags_of_which_seven_are_consensus() {
        assert_eq!(Flags::CONSENSUS.iter().count(), 7);
        assert_eq!((Flags::CONSENSUS | Flags::of_kind(FlagKind::Policy)).iter().count(), 21);
    }

    #[test]
    fn the_policy_has_all_flags_but_those_that_activate_proposals() {
        let all_but = FLAGS.iter().filter(|info| info.kind != FlagKind::Proposal).map(|info| info.flag);
        assert_eq!(Flags::POLICY, all_but.collect());
    }

    #[test]
    fn what_two_sets_have_in_common() {
        let (one, other) = (Flags::P2SH | Flags::WITNESS, Flags::WITNESS | Flags::TAPROOT);
        assert_eq!((one & other, one - other), (Flags::WITNESS, Flags::P2SH));
        assert_eq!(Flags::P2SH & Flags::TAPROOT, Flags::NONE);
    }

    #[test]
    fn closure_satisfies_check_and_check_names_what_is_missing() {
        for info in FLAGS {
            assert_eq!(info.flag.closure().check(), Ok(()));
        }
        let refused = (Flags::CLEANSTACK | Flags::P2SH).check();
        assert_eq!(
            refused,
            Err(UsageError::FlagCombination { flag: Flags::CLEANSTACK, missing: Flags::WITNESS })
        );
        assert!(Flags::WITNESS.check().is_err());
    }
}
