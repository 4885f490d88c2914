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
use crate::proposals::{PROPOSALS, Proposal};

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

/// Defines the constants of some flags, and the rows of the flag table: Core's flags below, and those of each proposal in its
/// folder.
macro_rules! flags {
    ($($bit:literal $name:ident $kind:ident $summary:literal;)*) => {
        impl $crate::Flags {
            $(
                #[doc = concat!($summary, " ([`FlagKind::", stringify!($kind), "`](crate::FlagKind::", stringify!($kind), "))")]
                pub const $name: $crate::Flags = $crate::Flags::bit($bit);
            )*
        }

        /// The flags that this module defines.
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

/// All flags in the order of their bits: those of Core, then those of the proposals.
#[allow(clippy::indexing_slicing, reason = "the loop runs when this is compiled")]
pub const FLAGS: &[FlagInfo] = &{
    let mut table = [FLAG_ROWS[0]; count_rows()];
    let (mut bit, mut filled) = (0, 0);
    while bit < u64::BITS {
        if let Some(row) = row_of(bit) {
            table[filled] = *row;
            filled += 1;
        }
        bit += 1;
    }
    table
};

/// Returns the row of a bit: one of this module's rows, or of a proposal's.
const fn row_of(bit: u32) -> Option<&'static FlagInfo> {
    let (mut rows, mut proposals) = (FLAG_ROWS, PROPOSALS);
    loop {
        match (rows, proposals) {
            ([row, ..], _) if row.flag.0 == 1 << bit => return Some(row),
            ([_, tail @ ..], _) => rows = tail,
            ([], [proposal, tail @ ..]) => (rows, proposals) = (proposal.flags, tail),
            ([], []) => return None,
        }
    }
}

const fn count_rows() -> usize {
    let (mut bit, mut count) = (0, 0);
    while bit < u64::BITS {
        count += row_of(bit).is_some() as usize;
        bit += 1;
    }
    count
}

impl Flags {
    /// Returns the flag of a bit.
    pub(crate) const fn bit(bit: u32) -> Flags {
        Flags(1 << bit)
    }

    /// The set of all flags.
    pub const ALL: Flags = {
        let mut bits = 0;
        let mut rest = FLAGS;
        while let [info, tail @ ..] = rest {
            bits |= info.flag.0;
            rest = tail;
        }
        Flags(bits)
    };

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

    /// Returns the set with the discourage flag of each proposal whose upgrade mechanism a flag of the set rejects in Core. Core has
    /// one flag for each mechanism; here each proposal has a flag of its own, and Core's flag does not reject it.
    pub fn refusing_as_core(self) -> Flags {
        let refused =
            |proposal: &&&Proposal| proposal.hook.core_policy().is_some_and(|(flag, _)| self.contains(flag));
        PROPOSALS.iter().filter(refused).fold(self, |set, proposal| set | proposal.discourage)
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
    fn core_refuses_a_proposal_with_the_flag_of_its_upgrade_mechanism() {
        assert_eq!(Flags::CONSENSUS.refusing_as_core(), Flags::CONSENSUS);
        let nops = Flags::DISCOURAGE_UPGRADABLE_NOPS;
        assert_eq!(nops.refusing_as_core(), nops | Flags::DISCOURAGE_CHECKTEMPLATEVERIFY);
        let core = Flags::CONSENSUS | Flags::of_kind(FlagKind::Policy);
        // Core does not look at arguments of OP_CHECKTEMPLATEVERIFY.
        let arguments = Flags::DISCOURAGE_UPGRADABLE_CHECKTEMPLATEVERIFY;
        assert_eq!(core.refusing_as_core(), Flags::POLICY - arguments);
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
