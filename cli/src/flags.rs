//! Parses sets of verification flags: by name, by profile, and as changes to another set.

use std::fmt::Write as _;

use sigstack_interpreter::{
    CodePointError, CodePoints, FLAGS, FlagError, FlagInfo, FlagKind, Flags, Opcode, PROPOSALS, Proposal,
};

use crate::nearest::{is_same, nearest};
use crate::problem::Problem;

/// Proposals that are meant to be activated together, with a name for `--profile`.
pub(crate) struct Bundle {
    name: &'static str,
    proposals: &'static [&'static Proposal],
}

/// The bundles: LNHANCE (BIPs 119, 348, 349, 442) and BIP 448 (BIPs 446, 348, 349).
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

/// Short names of Bitcoin Core flags, each with the flag's name.
const SHORT_NAMES: &[(&str, &str)] = &[("CLTV", "CHECKLOCKTIMEVERIFY"), ("CSV", "CHECKSEQUENCEVERIFY")];

/// Returns all short names of flags, each with the flag's name, in alphabetical order.
fn short_names() -> Vec<(&'static str, &'static str)> {
    let of_proposals = PROPOSALS.iter().filter_map(|proposal| Some((proposal.short_name?, proposal.name)));
    let mut names: Vec<_> = SHORT_NAMES.iter().copied().chain(of_proposals).collect();
    names.sort_unstable();
    names
}

/// Names of other rules that users may write by mistake, each with the flag to suggest. The rules are not the same,
/// so the names are rejected.
const RELATED_NAMES: &[(&str, &str)] =
    &[("NOINPUT", "ANYPREVOUT"), ("SEGWIT", "WITNESS"), ("TXHASH", "TEMPLATEHASH")];

/// Names of sets of flags that `--flags` accepts in addition to single flags.
const SETS: &[(&str, Flags)] =
    &[("CONSENSUS", Flags::CONSENSUS), ("POLICY", Flags::POLICY), ("NONE", Flags::NONE)];

/// Returns the flag name that a short name such as `CTV` stands for, or otherwise `name` itself.
fn long_name(name: &str) -> &str {
    short_names().into_iter().find(|(short, _)| is_same(short, name)).map_or(name, |(_, long)| long)
}

/// Returns the proposals that a profile activates. `name` is a bundle, the name or short name of one proposal, or
/// `bipN` for all proposals of that BIP. Returns `None` for unknown names.
fn proposals(name: &str) -> Option<Vec<&'static Proposal>> {
    if let Some(bundle) = BUNDLES.iter().find(|bundle| is_same(bundle.name, name)) {
        return Some(bundle.proposals.to_vec());
    }
    let name = long_name(name);
    // One BIP can have several proposals in the table.
    let is_named =
        |proposal: &&Proposal| is_same(proposal.name, name) || is_same(&format!("bip{}", proposal.bip), name);
    let named: Vec<&Proposal> = PROPOSALS.iter().copied().filter(is_named).collect();
    Some(named).filter(|named| !named.is_empty())
}

/// Returns the flags for a name that `--flags` accepts: the name of a flag, a short name, or the name of a set. Returns
/// `None` for other names.
fn named(name: &str) -> Option<Flags> {
    let name = long_name(name);
    let set = SETS.iter().find(|(set, _)| is_same(set, name)).map(|(_, flags)| *flags);
    set.or_else(|| FLAGS.iter().find(|info| is_same(info.name, name)).map(|info| info.flag))
}

/// Returns the flags with these proposals activated, and without the policy flags that discourage the proposals.
fn activate(flags: Flags, proposals: &[&Proposal]) -> Flags {
    let active: Flags = proposals.iter().map(|proposal| proposal.flag).collect();
    let discouraged: Flags = proposals.iter().map(|proposal| proposal.discourage).collect();
    (flags | active) - discouraged
}

/// Parses profile names, separated by commas. `consensus` and `policy` are today's rules. Every other profile adds
/// proposals to these rules.
pub(crate) fn read_profiles(text: &str) -> Result<Flags, Problem> {
    let names = || text.split(',').map(str::trim);
    let is_base = |name: &&str| is_same(name, "consensus") || is_same(name, "policy");
    let base = match names().any(|name| is_same(name, "policy")) {
        true => Flags::POLICY,
        false => Flags::CONSENSUS,
    };
    names().filter(|name| !is_base(name)).try_fold(base, |flags, name| {
        let proposals =
            proposals(name).ok_or_else(|| unknown("profile", "--profile", name, profile_names()))?;
        Ok(activate(flags, &proposals))
    })
}

/// Parses flag names, separated by commas. If every name begins with + or -, the names change the set `base`.
/// Otherwise they define a new set, starting with the empty one.
pub(crate) fn read_flags(text: &str, base: Flags) -> Result<Flags, Problem> {
    let is_change = |word: &str| word.starts_with(['+', '-']);
    let words = || text.split(',').map(str::trim);
    let start = if words().all(is_change) { base } else { Flags::NONE };
    let flags = words().try_fold(start, |flags, word| {
        let (name, adds) = match word.strip_prefix('-') {
            Some(name) => (name, false),
            None => (word.strip_prefix('+').unwrap_or(word), true),
        };
        match (named(name), proposals(name)) {
            (Some(named), _) if adds => Ok(flags | named),
            (Some(named), _) => Ok(flags - named),
            // The name is a bundle or a BIP number, which is not the name of a flag.
            (None, Some(bundle)) if adds => Ok(activate(flags, &bundle)),
            (None, Some(bundle)) => Ok(flags - bundle.iter().map(|proposal| proposal.flag).collect()),
            (None, None) => Err(unknown("flag", "--flags", name, flag_names())),
        }
    })?;
    match flags.check() {
        Ok(()) => Ok(flags),
        Err(error) => {
            let problem = Problem::new(error.to_string()).at("--flags");
            Err(match error {
                FlagError::Combination { flag, missing } => {
                    problem.hint(format!("add {missing}, or leave {flag} out"))
                }
                _ => problem,
            })
        }
    }
}

/// Parses the values of `--assign`, which give opcodes of proposals other bytes: `NAME=BYTE`, separated by commas.
pub(crate) fn code_points(assignments: &[String]) -> Result<CodePoints, Problem> {
    let mut assigned = Vec::new();
    for assignment in assignments.iter().flat_map(|list| list.split(',')).map(str::trim) {
        let wrong = |text: String| Problem::new(text).at("--assign");
        let (name, byte) = assignment
            .split_once('=')
            .ok_or_else(|| wrong(format!("{assignment:?} is not NAME=BYTE, such as CSFS=0xbb")))?;
        let named = proposals(name.strip_prefix("OP_").unwrap_or(name)).or_else(|| proposals(name));
        let proposal = match named.as_deref() {
            Some([proposal]) => *proposal,
            Some(_) => return Err(wrong(format!("{name:?} is more than one proposal"))),
            None => {
                let with_opcode = PROPOSALS.iter().filter(|proposal| proposal.hook.opcode().is_some());
                let names = with_opcode.flat_map(|proposal| [Some(proposal.name), proposal.short_name]);
                return Err(unknown(
                    "proposal",
                    "--assign",
                    name,
                    names.flatten().map(str::to_owned).collect(),
                ));
            }
        };
        let digits = byte.strip_prefix("0x").unwrap_or_default();
        let byte = Some(digits)
            .filter(|digits| digits.len() == 2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let byte = byte.ok_or_else(|| wrong(format!("{assignment:?}: write the byte as 0xbb")))?;
        assigned.push((proposal, Opcode(byte)));
    }
    CodePoints::assign(&assigned).map_err(|error| {
        let problem = Problem::new(error.to_string()).at("--assign");
        match error {
            CodePointError::Clash { .. } => problem.hint("assign another byte to one of them"),
            _ => problem,
        }
    })
}

/// Returns the names that `--profile` accepts.
fn profile_names() -> Vec<String> {
    let bases = ["consensus", "policy"].into_iter().map(str::to_owned);
    let names = PROPOSALS.iter().map(|proposal| proposal.name.to_lowercase());
    let numbers = PROPOSALS.iter().map(|proposal| format!("bip{}", proposal.bip));
    let bundles = BUNDLES.iter().map(|bundle| bundle.name.to_owned());
    let short = PROPOSALS.iter().filter_map(|proposal| proposal.short_name).map(str::to_lowercase);
    bases.chain(names).chain(numbers).chain(bundles).chain(short).collect()
}

/// Returns the names that `--flags` accepts.
fn flag_names() -> Vec<String> {
    let sets = SETS.iter().map(|(name, _)| (*name).to_owned());
    let flags = FLAGS.iter().map(|info| info.name.to_owned());
    let short = short_names().into_iter().map(|(short, _)| short.to_owned());
    sets.chain(flags).chain(short).chain(profile_names()).collect()
}

/// Returns the error for an unknown profile or flag, with a suggestion of the nearest name.
fn unknown(kind: &str, option: &str, name: &str, known: Vec<String>) -> Problem {
    let related = RELATED_NAMES.iter().find(|(other, _)| is_same(other, name)).map(|(_, known)| *known);
    let hint = match related.or_else(|| nearest(name, known.iter().map(String::as_str))) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => format!("`sigstack verify --help` lists the {kind}s"),
    };
    Problem::new(format!("unknown {kind} {name:?}")).at(option).hint(hint)
}

/// Returns the help text on profiles and flags.
pub(crate) fn help() -> String {
    let mut help = String::from(
        "Profiles (--profile), one or more separated by commas:\n  \
         consensus  the consensus rules of today\n  \
         policy     these, and the script policy flags of today\n",
    );
    for proposal in PROPOSALS {
        let short =
            proposal.short_name.map(|short| format!(", {}", short.to_lowercase())).unwrap_or_default();
        let _ = writeln!(help, "  {}, bip{}{short}", proposal.name.to_lowercase(), proposal.bip);
    }
    for bundle in BUNDLES {
        let names: Vec<&str> = bundle.proposals.iter().map(|proposal| proposal.name).collect();
        list(&mut help, bundle.name, &names);
    }
    help.push_str(
        "\nFlags (--flags), separated by commas. +NAME and -NAME change the flags of the\n\
         profile or of the case: --flags +OP_CAT,-NULLDUMMY. Upper case and the prefixes\n\
         SCRIPT_VERIFY_ and OP_ are optional.\n",
    );
    let sets: Vec<&str> = SETS.iter().map(|(name, _)| *name).collect();
    list(&mut help, "sets", &sets);
    for (title, kind) in [
        ("consensus", FlagKind::Consensus),
        ("policy", FlagKind::Policy),
        ("proposals", FlagKind::Proposal),
        ("policy about proposals", FlagKind::ProposalPolicy),
    ] {
        let of_kind = |info: &&FlagInfo| Flags::of_kind(kind).contains(info.flag);
        let names: Vec<&str> = FLAGS.iter().filter(of_kind).map(|info| info.name).collect();
        list(&mut help, title, &names);
    }
    let short: Vec<String> = short_names().iter().map(|(short, long)| format!("{short}={long}")).collect();
    let short: Vec<&str> = short.iter().map(String::as_str).collect();
    list(&mut help, "short names", &short);
    help.truncate(help.trim_end().len());
    help
}

/// Width in columns of the help text about flags.
const WIDTH: usize = 80;

/// Adds the line `title: NAME, NAME, ...` to the help text, wrapped and indented.
fn list(help: &mut String, title: &str, names: &[&str]) {
    let mut line = format!("  {title}:");
    for (nth, name) in names.iter().enumerate() {
        let separator = if nth + 1 == names.len() { "" } else { "," };
        if line.len() + name.len() + 1 + separator.len() > WIDTH {
            let _ = writeln!(help, "{line}");
            line = "   ".to_owned();
        }
        let _ = write!(line, " {name}{separator}");
    }
    let _ = writeln!(help, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_named_singly_or_as_sets() {
        let read = |text| read_flags(text, Flags::NONE);
        assert_eq!(read("CONSENSUS, OP_CAT"), Ok(Flags::CONSENSUS | Flags::OP_CAT));
        assert_eq!(read("NONE"), Ok(Flags::NONE));
        let unknown = Problem::new("unknown flag \"FOO\"").at("--flags");
        assert_eq!(read("FOO"), Err(unknown.hint("`sigstack verify --help` lists the flags")));
        let missing = Problem::new("the flag WITNESS needs P2SH").at("--flags");
        assert_eq!(read("WITNESS"), Err(missing.hint("add P2SH, or leave WITNESS out")));
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
            Err(Problem::new("the flag WITNESS needs P2SH")
                .at("--flags")
                .hint("add P2SH, or leave WITNESS out"))
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
        let unknown = Problem::new("unknown profile \"foo\"").at("--profile");
        assert_eq!(read_profiles("foo"), Err(unknown.hint("`sigstack verify --help` lists the profiles")));
    }

    #[test]
    fn short_names_prefixes_and_lower_case_are_read() {
        let read = |text| read_flags(text, Flags::NONE);
        for (name, flag) in [
            ("CTV", Flags::CHECKTEMPLATEVERIFY),
            ("ctv", Flags::CHECKTEMPLATEVERIFY),
            ("OP_CTV", Flags::CHECKTEMPLATEVERIFY),
            ("CSFS", Flags::CHECKSIGFROMSTACK),
            ("OP_CHECKSIGFROMSTACK", Flags::CHECKSIGFROMSTACK),
            ("APO", Flags::ANYPREVOUT),
            ("SCRIPT_VERIFY_ANYPREVOUT", Flags::ANYPREVOUT),
            ("CAT", Flags::OP_CAT),
            ("IKEY", Flags::INTERNALKEY),
            ("SCRIPT_VERIFY_NULLDUMMY", Flags::NULLDUMMY),
            ("null_dummy", Flags::NULLDUMMY),
        ] {
            assert_eq!(read(name), Ok(flag), "{name}");
        }
        // Every flag name of a proposal is also a profile name.
        for name in ["CTV", "csfs", "APO", "CAT", "OP_CAT", "ikey", "bip-348", "SCRIPT_VERIFY_PAIRCOMMIT"] {
            assert_eq!(read_profiles(name), read_flags(&format!("CONSENSUS,+{name}"), Flags::NONE), "{name}");
        }
    }

    #[test]
    fn unknown_names_suggest_the_nearest() {
        for (name, hint) in [
            ("NOINPUT", "did you mean ANYPREVOUT?"),
            ("SIGHASH_ANYPREVOUT", "did you mean ANYPREVOUT?"),
            ("SEGWIT", "did you mean WITNESS?"),
            ("CHECKSIGFROMSTAK", "did you mean CHECKSIGFROMSTACK?"),
            ("NULLDUMY", "did you mean NULLDUMMY?"),
            ("lnhanced", "did you mean lnhance?"),
            ("CTX", "did you mean CTV?"),
            ("CSF", "did you mean CSFS?"),
            ("OP_APX", "did you mean APO?"),
        ] {
            let problem = Problem::new(format!("unknown flag {name:?}")).at("--flags").hint(hint);
            assert_eq!(read_flags(name, Flags::NONE), Err(problem), "{name}");
        }
        for (name, hint) in [
            ("lnhanced", "did you mean lnhance?"),
            ("bip349x", "did you mean bip349?"),
            ("CTX", "did you mean ctv?"),
        ] {
            let problem = Problem::new(format!("unknown profile {name:?}")).at("--profile").hint(hint);
            assert_eq!(read_profiles(name), Err(problem), "{name}");
        }
    }

    #[test]
    fn the_help_lists_every_name() {
        let help = help();
        for name in flag_names() {
            assert!(help.contains(&name), "{name}");
        }
        for line in help.lines() {
            assert!(line.len() <= WIDTH, "{line}");
        }
    }
}
