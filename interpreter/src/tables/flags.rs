//! The table of the verification flags of Core and of the proposed soft forks, and the methods of [`Flags`] that need
//! it.

use core::fmt;
use core::str::FromStr;

use crate::flags::{FLAG_ROWS, FlagError, FlagInfo, FlagKind, Flags};
use crate::proposals::{PROPOSALS, Proposal};

/// All flags, in the order of their bits: Core's flags, then the flags of the proposals.
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

/// Returns the table row of the flag with this bit index, from Core's flags or from a proposal; `None` if no flag has
/// this bit index.
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

    /// The flags that Bitcoin's consensus enforces today.
    pub const CONSENSUS: Flags = Flags::of_kind(FlagKind::Consensus);

    /// The flags that Bitcoin Core's relay policy enforces today, including the consensus flags. Core's policy rejects
    /// every reserved opcode and key type. The flags of [`FlagKind::ProposalPolicy`] are included because they reject
    /// the reserved opcodes and key types that a proposal uses.
    pub const POLICY: Flags = Flags(
        Flags::CONSENSUS.0 | Flags::of_kind(FlagKind::Policy).0 | Flags::of_kind(FlagKind::ProposalPolicy).0,
    );

    /// Returns the set of all flags of this kind.
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

    /// Iterates over the table rows of the flags in this set.
    pub fn iter(self) -> impl Iterator<Item = &'static FlagInfo> {
        FLAGS.iter().filter(move |info| self.contains(info.flag))
    }

    /// Returns the flag with this name, with or without the prefix `SCRIPT_VERIFY_`; `None` if there is none.
    pub fn from_name(name: &str) -> Option<Flags> {
        let name = name.strip_prefix("SCRIPT_VERIFY_").unwrap_or(name);
        FLAGS.iter().find(|info| info.name == name).map(|info| info.flag)
    }

    /// Adds the discourage flags of proposals, so that the result rejects every use of a proposal that Core rejects
    /// under the original set. For example, Core rejects every `OP_SUCCESSx` under `DISCOURAGE_OP_SUCCESS`. In this
    /// crate, that flag does not reject an `OP_SUCCESSx` that a proposal uses. Therefore, the discourage flag of that
    /// proposal is added.
    pub fn refusing_as_core(self) -> Flags {
        let refused =
            |proposal: &&&Proposal| proposal.hook.core_policy().is_some_and(|(flag, _)| self.contains(flag));
        PROPOSALS.iter().filter(refused).fold(self, |set, proposal| set | proposal.discourage)
    }
}

/// Writes the names of the flags, separated by commas, or `NONE` for the empty set.
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

/// Parses the names of flags, separated by commas. The empty string and `NONE` are parsed as the empty set.
impl FromStr for Flags {
    type Err = FlagError;
    fn from_str(text: &str) -> Result<Flags, FlagError> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "NONE");
        names.map(|name| Flags::from_name(name).ok_or_else(|| FlagError::Unknown(name.into()))).collect()
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
        assert_eq!("P2SX".parse::<Flags>(), Err(FlagError::Unknown("P2SX".into())));
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
        assert_eq!(refused, Err(FlagError::Combination { flag: Flags::CLEANSTACK, missing: Flags::WITNESS }));
        assert!(Flags::WITNESS.check().is_err());
    }
}
