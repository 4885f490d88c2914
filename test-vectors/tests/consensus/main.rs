//! Coverage of today's rules by the project's own vectors. Every opcode must occur in every script version with each
//! outcome, and every script error in every kind of script where it can occur. Combinations that cannot occur are
//! listed in [`impossible`], with the reason.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod impossible;
mod own;
mod watch;

use std::collections::{BTreeMap, BTreeSet};

use sigstack_interpreter::{FLAGS, FlagKind, Flags, OPCODES, Opcode, ScriptError, Spend, VerifyError};
use sigstack_vectors::{Case, Expect};
use watch::{Place, Watch};

/// What happens to an opcode during verification of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// The opcode is executed, and the input is valid.
    Executed,
    /// The opcode is in a branch that is not executed, and the input is valid.
    PassedOver,
    /// The script fails at this opcode.
    Fails,
}

type OpcodePair = (Opcode, Place, Outcome);

/// Returns all named opcodes, all opcodes without a name, and five of the 75 direct pushes as a sample.
fn opcodes() -> impl Iterator<Item = Opcode> {
    let unknown = (0xba..=0xff).map(Opcode);
    let direct = [1, 2, 20, 33, 75].map(Opcode);
    OPCODES.iter().map(|info| info.opcode).chain(unknown).chain(direct).collect::<BTreeSet<_>>().into_iter()
}

/// Returns the opcodes that the verification of a case reaches, with their outcomes. Also returns the script error, and
/// the kind of script in which it occurs, if the case is invalid.
fn covered(case: &Case) -> (Vec<OpcodePair>, Option<(ScriptError, Place)>) {
    let spend = Spend::new(&case.tx, &case.prevouts).unwrap();
    let mut watch = Watch::new(case);
    match spend.verify_input_with(case.subject.input().unwrap(), case.flags, &mut watch) {
        Ok(_) => {
            assert_eq!(case.expect, Expect::Ok, "{:?}", case.id);
            let outcome = |executed| if executed { Outcome::Executed } else { Outcome::PassedOver };
            let met = watch.met.iter().map(|(opcode, place, executed)| (*opcode, *place, outcome(*executed)));
            (met.collect(), None)
        }
        Err(VerifyError::Script { error, location }) => {
            assert_eq!(case.expect, Expect::Error(error), "{:?}", case.id);
            assert_eq!(case.extra["stops_at"], location.to_string(), "{:?}", case.id);
            let place = watch.place(location.phase);
            let stopped = location.position.map(|at| (at.opcode, place, Outcome::Fails));
            (stopped.into_iter().collect(), Some((error, place)))
        }
        Err(VerifyError::Usage(error)) => unreachable!("{:?}: {error}", case.id),
    }
}

/// Checks that every combination that can occur is covered by a case, and that every other combination is listed as
/// impossible.
fn compare<T: Copy + Ord + core::fmt::Debug>(
    all: &BTreeSet<T>,
    covered: &BTreeSet<T>,
    impossible: &BTreeSet<T>,
) {
    println!(
        "{} pairs: {} covered, {} impossible",
        all.len(),
        all.intersection(covered).count(),
        impossible.len()
    );
    let unknown: Vec<_> = impossible.difference(all).collect();
    assert!(unknown.is_empty(), "listed as impossible, but not in the table: {unknown:?}");
    let wrong: Vec<_> = impossible.intersection(covered).collect();
    assert!(wrong.is_empty(), "listed as impossible, but covered: {wrong:?}");
    let missing: Vec<_> =
        all.iter().filter(|pair| !covered.contains(pair) && !impossible.contains(pair)).collect();
    assert!(missing.is_empty(), "neither covered nor listed as impossible: {missing:?}");
}

#[test]
fn every_opcode_has_every_outcome_in_every_script_version() {
    let outcomes = [Outcome::Executed, Outcome::PassedOver, Outcome::Fails];
    let all: BTreeSet<OpcodePair> = opcodes()
        .flat_map(|opcode| Place::SCRIPTS.iter().map(move |place| (opcode, *place)))
        .flat_map(|(opcode, place)| outcomes.map(|outcome| (opcode, place, outcome)))
        .collect();
    let covered: BTreeSet<OpcodePair> =
        own::cases("consensus").iter().flat_map(|case| covered(case).0).collect();
    let impossible = all
        .iter()
        .copied()
        .filter(|(opcode, place, outcome)| impossible::of_opcode(*opcode, *place, *outcome).is_some());
    compare(&all, &covered, &impossible.collect());
}

/// Returns whether an error belongs to a proposal. The proposals have vectors of their own.
fn is_of_proposal(error: ScriptError) -> bool {
    error.proposal().is_some()
}

#[test]
fn every_script_error_occurs_in_every_place() {
    let all: BTreeSet<(ScriptError, Place)> = ScriptError::ALL
        .iter()
        .filter(|error| !is_of_proposal(**error))
        .flat_map(|error| Place::ALL.iter().map(move |place| (*error, *place)))
        .collect();
    let covered: BTreeSet<_> = own::cases("consensus").iter().filter_map(|case| covered(case).1).collect();
    let listed: Vec<(ScriptError, Place)> = impossible::ERRORS
        .iter()
        .flat_map(|(errors, places, _)| {
            errors.iter().flat_map(|error| places.iter().map(|place| (*error, *place)))
        })
        .collect();
    let impossible: BTreeSet<_> = listed.iter().copied().collect();
    assert_eq!(impossible.len(), listed.len(), "a pair is listed twice");
    compare(&all, &covered, &impossible);
}

#[test]
fn every_rejected_case_has_an_accepted_twin() {
    let cases = own::cases("consensus");
    let verdicts: BTreeMap<&str, Expect> =
        cases.iter().map(|case| (case.id.as_deref().unwrap(), case.expect)).collect();
    assert_eq!(verdicts.len(), cases.len(), "two cases have one id");
    for case in &cases {
        let twin = case.extra.get("twin").and_then(|twin| twin.as_str());
        match case.expect {
            Expect::Ok => assert_eq!(twin, None, "{:?}", case.id),
            Expect::Error(_) | Expect::Rule(_) => {
                assert_eq!(verdicts.get(twin.unwrap()), Some(&Expect::Ok), "{:?}", case.id)
            }
        }
    }
}

#[test]
fn every_flag_is_the_reason_of_a_rejection() {
    let mut reasons = Flags::NONE;
    for case in own::cases("consensus") {
        if case.expect == Expect::Ok {
            continue;
        }
        let spend = Spend::new(&case.tx, &case.prevouts).unwrap();
        for info in FLAGS.iter().filter(|info| case.flags.contains(info.flag)) {
            let without = case.flags - info.flag;
            if without.check().is_ok() && spend.verify_input(case.subject.input().unwrap(), without).is_ok() {
                reasons |= info.flag;
            }
        }
    }
    let of_core = Flags::of_kind(FlagKind::Consensus) | Flags::of_kind(FlagKind::Policy);
    assert_eq!(of_core - reasons, Flags::NONE);
}
