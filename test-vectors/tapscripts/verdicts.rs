//! Verdicts under policy flags, written so that an engine with the proposals and one without them write the same.

use sigstack_interpreter::{FLAGS, FlagKind, Flags, Spend, VerifyError};

use crate::generator::TapscriptSpend;
use crate::random::Random;

/// The seed of the committed verdicts.
pub(crate) const SEED: u64 = 118;

/// How many tapscripts have a committed verdict.
pub(crate) const COUNT: u64 = 100_000;

/// Today's flags that refuse whatever is kept for upgrades, their error (named as they are), and the proposals that
/// now occupy some of what was kept.
const OCCUPIED: &[(&str, &[&str])] = &[
    ("DISCOURAGE_OP_SUCCESS", &["CHECKSIGFROMSTACK", "OP_CAT", "INTERNALKEY", "PAIRCOMMIT", "TEMPLATEHASH"]),
    ("DISCOURAGE_UPGRADABLE_NOPS", &["CHECKTEMPLATEVERIFY"]),
    ("DISCOURAGE_UPGRADABLE_PUBKEYTYPE", &["ANYPREVOUT"]),
];

/// Errors of the proposals' own, and the one that the same spend gets from an engine without proposals.
const RENAMED: &[(&str, &str)] = &[
    ("DISCOURAGE_OP_CHECKSIGFROMSTACK", "DISCOURAGE_OP_SUCCESS"),
    ("DISCOURAGE_OP_CAT", "DISCOURAGE_OP_SUCCESS"),
    ("DISCOURAGE_OP_INTERNALKEY", "DISCOURAGE_OP_SUCCESS"),
    ("DISCOURAGE_OP_PAIRCOMMIT", "DISCOURAGE_OP_SUCCESS"),
    ("DISCOURAGE_TEMPLATEHASH", "DISCOURAGE_OP_SUCCESS"),
    ("DISCOURAGE_ANYPREVOUT", "DISCOURAGE_UPGRADABLE_PUBKEYTYPE"),
];

/// Core's flags under which a tapscript is verified: all of them for every second one, otherwise some.
fn core_flags(number: u64) -> Flags {
    let core =
        |info: &&sigstack_interpreter::FlagInfo| matches!(info.kind, FlagKind::Consensus | FlagKind::Policy);
    let all: Flags = FLAGS.iter().filter(core).map(|info| info.flag).collect();
    if number.is_multiple_of(2) {
        return all;
    }
    let bits = Random::new(SEED ^ 0x666c_6167, number).next();
    // One in sixteen may lack taproot.
    let taproot = if bits >> 60 == 0 { Flags::NONE } else { Flags::TAPROOT | Flags::WITNESS };
    let drawn = all.iter().enumerate().filter(|(nth, _)| bits >> nth & 1 == 1);
    (drawn.map(|(_, info)| info.flag).collect::<Flags>() | taproot).closure()
}

/// Each of today's discourage flags joined by those of the proposals, as far as the engine has them.
pub(crate) fn joined(flags: Flags) -> Flags {
    let generic = OCCUPIED
        .iter()
        .filter(|(generic, _)| Flags::from_name(generic).is_some_and(|flag| flags.contains(flag)));
    let names = generic.flat_map(|(_, proposals)| proposals.iter());
    let own = names.filter_map(|name| Flags::from_name(&format!("DISCOURAGE_{name}")));
    own.fold(flags, |flags, own| flags | own)
}

/// The name of a verdict, without distinction between today's discourage errors and the proposals'.
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
