//! Verdicts under policy flags, in a form that is the same for engines with and without support of the proposed soft forks.

use sigstack_interpreter::{FLAGS, FlagKind, Flags, Spend, VerifyError};

use crate::generator::TapscriptSpend;
use crate::random::Random;

/// Seed of the tapscripts whose verdicts are committed to the repository.
pub(crate) const SEED: u64 = 118;

/// Number of tapscripts whose verdicts are committed to the repository.
pub(crate) const COUNT: u64 = 100_000;

/// Today's flags that refuse everything reserved for upgrades, whose errors have the same names, and the proposals that use
/// a part of what each flag reserves.
const OCCUPIED: &[(&str, &[&str])] = &[
    ("DISCOURAGE_OP_SUCCESS", &["CHECKSIGFROMSTACK", "OP_CAT", "INTERNALKEY", "PAIRCOMMIT", "TEMPLATEHASH"]),
    ("DISCOURAGE_UPGRADABLE_NOPS", &["CHECKTEMPLATEVERIFY"]),
    ("DISCOURAGE_UPGRADABLE_PUBKEYTYPE", &["ANYPREVOUT"]),
];

/// Errors of the proposals' own flags, and the error that an engine without the proposals returns for the same input.
const RENAMED: &[(&str, &str)] = &[
    ("DISCOURAGE_OP_CHECKSIGFROMSTACK", "DISCOURAGE_OP_SUCCESS"),
    ("DISCOURAGE_OP_CAT", "DISCOURAGE_OP_SUCCESS"),
    ("DISCOURAGE_OP_INTERNALKEY", "DISCOURAGE_OP_SUCCESS"),
    ("DISCOURAGE_OP_PAIRCOMMIT", "DISCOURAGE_OP_SUCCESS"),
    ("DISCOURAGE_TEMPLATEHASH", "DISCOURAGE_OP_SUCCESS"),
    ("DISCOURAGE_ANYPREVOUT", "DISCOURAGE_UPGRADABLE_PUBKEYTYPE"),
];

/// Returns the flags of Core with which the tapscript of a number is verified: all of them for even numbers, a random set
/// for odd.
fn core_flags(number: u64) -> Flags {
    let core =
        |info: &&sigstack_interpreter::FlagInfo| matches!(info.kind, FlagKind::Consensus | FlagKind::Policy);
    let all: Flags = FLAGS.iter().filter(core).map(|info| info.flag).collect();
    if number.is_multiple_of(2) {
        return all;
    }
    let bits = Random::new(SEED ^ 0x666c_6167, number).next();
    // One random set in sixteen may lack taproot.
    let taproot = if bits >> 60 == 0 { Flags::NONE } else { Flags::TAPROOT | Flags::WITNESS };
    let drawn = all.iter().enumerate().filter(|(nth, _)| bits >> nth & 1 == 1);
    (drawn.map(|(_, info)| info.flag).collect::<Flags>() | taproot).closure()
}

/// Adds to each of today's discourage flags those of the corresponding proposals, as far as the engine knows them.
pub(crate) fn joined(flags: Flags) -> Flags {
    let generic = OCCUPIED
        .iter()
        .filter(|(generic, _)| Flags::from_name(generic).is_some_and(|flag| flags.contains(flag)));
    let names = generic.flat_map(|(_, proposals)| proposals.iter());
    let own = names.filter_map(|name| Flags::from_name(&format!("DISCOURAGE_{name}")));
    own.fold(flags, |flags, own| flags | own)
}

/// Returns the name of the verdict. The proposals' own discourage errors are replaced by the corresponding errors of today.
pub(crate) fn verdict(spend: &TapscriptSpend, number: u64) -> &'static str {
    let flags = joined(core_flags(number));
    let verdict = Spend::new(&spend.tx, &spend.prevouts).unwrap().verify_input(spend.index, flags);
    match verdict {
        Ok(_) => "OK",
        Err(VerifyError::Script { error, .. }) => {
            let renamed = RENAMED.iter().find(|(own, _)| *own == error.name());
            renamed.map_or(error.name(), |(_, generic)| generic)
        }
        Err(VerifyError::Usage(error)) => panic!("{error}"),
    }
}
