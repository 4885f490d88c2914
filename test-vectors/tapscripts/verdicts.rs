//! Computes verdicts under policy flags, in a form that is the same for engine versions with and without support of the
//! proposed soft forks.

use sigstack_interpreter::{FLAGS, FlagKind, Flags, Spend, VerifyError};

use crate::generator::TapscriptSpend;
use crate::random::Random;

/// Seed of the tapscripts whose verdicts are committed to the repository.
pub(crate) const SEED: u64 = 118;

/// Number of random tapscripts whose verdicts are committed to the repository.
pub(crate) const COUNT: u64 = 100_000;

/// Returns the flags under which the tapscript with this number is verified: all of Core's flags for even numbers, and
/// a random set of them for odd numbers.
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

/// Returns the engine's verdict on a random tapscript under flags that depend on its number: "OK" or the name of an
/// error. Discourage errors of proposals are replaced by the errors that Core reports.
pub(crate) fn verdict(spend: &TapscriptSpend, number: u64) -> &'static str {
    let flags = core_flags(number).refusing_as_core();
    let verdict = Spend::new(&spend.tx, &spend.prevouts).unwrap().verify_input(spend.index, flags);
    match verdict {
        Ok(_) => "OK",
        Err(VerifyError::Script { error, .. }) => error.in_core().unwrap_or(error).name(),
        Err(VerifyError::Usage(error)) => panic!("{error}"),
    }
}
