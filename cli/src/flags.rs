//! Flags by name, by profile, and by what is added to a set or taken from it.

use std::fmt::Write as _;

use sigstack_interpreter::{FLAGS, Flags, PROPOSALS, Proposal};

/// Proposals that are meant to be activated together.
pub(crate) struct Bundle {
    name: &'static str,
    proposals: &'static [&'static Proposal],
}

/// The bundles: LNHANCE (BIPs 119, 348, 349, 442) and that of BIP 448 (BIPs 446, 348, 349).
const BUNDLES: &[Bundle] = &[
    Bundle {
        name: "lnhance",
        proposals: &[
            Proposal::CHECKTEMPLATEVERIFY,
            Proposal::CHECKSIGFROMSTACK,
            Proposal::INTERNALKEY,
            Proposal::PAIRCOMMIT,
        ],
    },
    Bundle {
        name: "bip448",
        proposals: &[Proposal::TEMPLATEHASH, Proposal::CHECKSIGFROMSTACK, Proposal::INTERNALKEY],
    },
];

/// The proposals that a profile's name stands for: those of a bundle, or one by its name or `bipN`.
fn proposals(name: &str) -> Option<Vec<&'static Proposal>> {
    let name = name.to_lowercase();
    if let Some(bundle) = BUNDLES.iter().find(|bundle| bundle.name == name) {
        return Some(bundle.proposals.to_vec());
    }
    let is_named = |proposal: &&&Proposal| {
        proposal.name.to_lowercase() == name || format!("bip{}", proposal.bip) == name
    };
    PROPOSALS.iter().find(is_named).map(|proposal| vec![*proposal])
}

/// Proposals switched on in a set of flags, and no longer refused in it.
fn activate(flags: Flags, proposals: &[&Proposal]) -> Flags {
    let active: Flags = proposals.iter().map(|proposal| proposal.flag).collect();
    let refused: Flags = proposals.iter().map(|proposal| proposal.discourage).collect();
    (flags | active) - refused
}

/// The flags of profiles, separated by commas: `consensus` and `policy` are today's rules, anything else is switched on on
/// top of them.
pub(crate) fn read_profiles(text: &str) -> Result<Flags, String> {
    let names = || text.split(',').map(str::trim);
    let is_base = |name: &&str| matches!(name.to_lowercase().as_str(), "consensus" | "policy");
    let base = match names().any(|name| name.eq_ignore_ascii_case("policy")) {
        true => Flags::POLICY,
        false => Flags::CONSENSUS,
    };
    names().filter(|name| !is_base(name)).try_fold(base, |flags, name| {
        let proposals =
            proposals(name).ok_or_else(|| format!("--profile: unknown profile {name:?}; see --help"))?;
        Ok(activate(flags, &proposals))
    })
}

/// Flags by name, `CONSENSUS` and `POLICY` among the names. Names with + or - change the set `base`; names without them
/// are a set of their own.
pub(crate) fn read_flags(text: &str, base: Flags) -> Result<Flags, String> {
    let is_change = |word: &str| word.starts_with(['+', '-']);
    let words = || text.split(',').map(str::trim);
    let start = if words().all(is_change) { base } else { Flags::NONE };
    let flags = words().try_fold(start, |flags, word| {
        let (name, adds) = match word.strip_prefix('-') {
            Some(name) => (name, false),
            None => (word.strip_prefix('+').unwrap_or(word), true),
        };
        let named = match name {
            "CONSENSUS" => Ok(Flags::CONSENSUS),
            "POLICY" => Ok(Flags::POLICY),
            name => name.parse::<Flags>(),
        };
        match (named, proposals(name)) {
            (Ok(named), _) if adds => Ok(flags | named),
            (Ok(named), _) => Ok(flags - named),
            // A bundle is no flag of its own.
            (Err(_), Some(bundle)) if adds => Ok(activate(flags, &bundle)),
            (Err(_), Some(bundle)) => Ok(flags - bundle.iter().map(|proposal| proposal.flag).collect()),
            (Err(error), None) => Err(format!("--flags: {error}")),
        }
    })?;
    flags.check().map_err(|error| format!("--flags: {error}"))?;
    Ok(flags)
}

/// The profiles and flags, for the help.
pub(crate) fn help() -> String {
    let mut help = String::from(
        "Profiles (--profile):\n  consensus  the rules of today\n  policy     today's relay policy\n",
    );
    for proposal in PROPOSALS {
        let _ = writeln!(help, "  {}, bip{}", proposal.name.to_lowercase(), proposal.bip);
    }
    for bundle in BUNDLES {
        let names: Vec<&str> = bundle.proposals.iter().map(|proposal| proposal.name).collect();
        let _ = writeln!(help, "  {}: {}", bundle.name, names.join(", "));
    }
    help.push_str(
        "  several, separated by commas, are switched on together: policy,lnhance\n\nFlags (--flags):\n",
    );
    for info in FLAGS {
        let _ = writeln!(help, "  {}", info.name);
    }
    help.push_str(
        "  +NAME and -NAME change the flags of the case or of the profile: --flags=+OP_CAT,-NULLDUMMY",
    );
    help
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_named_singly_or_as_sets() {
        let read = |text| read_flags(text, Flags::NONE);
        assert_eq!(read("CONSENSUS, OP_CAT"), Ok(Flags::CONSENSUS | Flags::OP_CAT));
        assert_eq!(read("NONE"), Ok(Flags::NONE));
        assert_eq!(read("FOO"), Err("--flags: unknown flag \"FOO\"".into()));
        assert_eq!(read("WITNESS"), Err("--flags: the flag WITNESS needs P2SH".into()));
    }

    #[test]
    fn changes_start_from_the_base_and_names_do_not() {
        let base = Flags::P2SH | Flags::NULLDUMMY;
        assert_eq!(read_flags("+OP_CAT,-NULLDUMMY", base), Ok(Flags::P2SH | Flags::OP_CAT));
        assert_eq!(
            read_flags("+bip448", Flags::NONE),
            Ok(Flags::TEMPLATEHASH | Flags::CHECKSIGFROMSTACK | Flags::INTERNALKEY)
        );
        assert_eq!(read_flags("P2SH,+OP_CAT", base), Ok(Flags::P2SH | Flags::OP_CAT));
        assert_eq!(
            read_flags("-P2SH", Flags::P2SH | Flags::WITNESS),
            Err("--flags: the flag WITNESS needs P2SH".into())
        );
    }

    #[test]
    fn a_profile_switches_on_and_no_longer_refuses() {
        assert_eq!(read_profiles("consensus"), Ok(Flags::CONSENSUS));
        assert_eq!(read_profiles("policy"), Ok(Flags::POLICY));
        assert_eq!(read_profiles("bip347"), read_profiles("OP_CAT"));
        let both = read_profiles("policy, lnhance").unwrap();
        assert!(
            both.contains(Flags::POLICY - Flags::of_kind(sigstack_interpreter::FlagKind::ProposalPolicy))
        );
        assert!(
            both.contains(Flags::PAIRCOMMIT | Flags::CHECKTEMPLATEVERIFY) && !both.intersects(Flags::OP_CAT)
        );
        assert!(!both.intersects(Flags::DISCOURAGE_PAIRCOMMIT) && both.contains(Flags::DISCOURAGE_OP_CAT));
        assert_eq!(read_profiles("foo"), Err("--profile: unknown profile \"foo\"; see --help".into()));
    }
}
