//! Checks that the project's own vectors cover every proposal.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeSet;
use std::path::Path;

use sigstack_interpreter::{
    Activation, Hook, Inspector, Instructions, Opcode, PROPOSALS, Phase, Proposal, ScriptError, Spend,
    VerifyError,
};
use sigstack_vectors::{Case, Entry, ReadOptions, read_bytes};

fn cases(name: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("proposals").join(name);
    let file = read_bytes(name, &std::fs::read(path).unwrap(), ReadOptions::default()).unwrap();
    file.entries.iter().filter_map(Entry::case).cloned().collect()
}

/// Returns the proposals about scripts, each with the cases of its file.
fn proposals() -> impl Iterator<Item = (&'static Proposal, Vec<Case>)> {
    PROPOSALS.iter().filter_map(|proposal| {
        let name = format!("{}.jsonl", proposal.vectors?);
        Some((*proposal, cases(&name)))
    })
}

#[test]
fn every_error_of_a_proposal_is_reached_at_its_opcode() {
    for (proposal, cases) in proposals() {
        let opcode = proposal.hook.opcode().unwrap_or(Opcode::OP_CHECKSIG);
        let stopped: BTreeSet<ScriptError> = cases
            .iter()
            .filter_map(|case| {
                let spend = Spend::new(&case.tx, &case.prevouts).unwrap();
                let index = case.subject.input().unwrap();
                let Err(VerifyError::Script { error, location }) = spend.verify_input(index, case.flags)
                else {
                    return None;
                };
                // The field `stops_at` of the case must be the location at which the engine stopped.
                assert_eq!(case.extra["stops_at"], location.to_string(), "{:?}", case.id);
                (location.position.map(|at| at.opcode) == Some(opcode)).then_some(error)
            })
            .collect();
        let failures: BTreeSet<ScriptError> = proposal.failures.iter().copied().collect();
        assert_eq!(stopped, failures, "{}", proposal.name);
    }
}

/// Inspector that records the phase in which a script uses a proposal. The script contains the proposal's opcode, or
/// pushes a key of the type that the proposal defines.
struct Seen {
    hook: Hook,
    phases: Vec<Phase>,
    found_in: Option<Phase>,
}

impl Inspector for Seen {
    fn phase(&mut self, phase: Phase, script: Option<&[u8]>) {
        self.phases.push(phase);
        let uses = |script: &[u8]| {
            Instructions::new(script).flatten().any(|instruction| match self.hook {
                Hook::Success(opcode) | Hook::Nop(opcode) => instruction.opcode == opcode,
                Hook::KeyType(first) => {
                    instruction.data.len() == 33 && instruction.data[0] == first
                        || (instruction.opcode, first) == (Opcode::OP_1, 1)
                }
                Hook::Transaction => false,
            })
        };
        if script.is_some_and(uses) {
            self.found_in = Some(phase);
        }
    }
}

/// Returns the kind of output whose script contains the proposal's opcode or key, such as "p2wsh".
fn script_version(seen: &Seen) -> Option<&'static str> {
    let wrapped = seen.phases.contains(&Phase::RedeemScript);
    match seen.found_in? {
        Phase::ScriptPubKey => Some("bare"),
        Phase::RedeemScript => Some("p2sh"),
        Phase::WitnessScript if wrapped => Some("p2sh-p2wsh"),
        Phase::WitnessScript => Some("p2wsh"),
        Phase::Tapscript => Some("tapscript"),
        _ => None,
    }
}

#[test]
fn every_proposal_is_met_in_every_script_version_and_state() {
    let versions = ["bare", "p2sh", "p2sh-p2wsh", "p2wsh", "tapscript"];
    let states = [Activation::Inactive, Activation::Discouraged, Activation::Active];
    for (proposal, cases) in proposals() {
        let met: BTreeSet<(&str, Activation)> = cases
            .iter()
            .filter_map(|case| {
                let spend = Spend::new(&case.tx, &case.prevouts).unwrap();
                let mut seen = Seen { hook: proposal.hook, phases: Vec::new(), found_in: None };
                let _verdict = spend.verify_input_with(case.subject.input().unwrap(), case.flags, &mut seen);
                Some((script_version(&seen)?, proposal.activation(case.flags)))
            })
            .collect();
        let wanted: BTreeSet<(&str, Activation)> =
            versions.into_iter().flat_map(|version| states.map(|state| (version, state))).collect();
        assert_eq!(met, wanted, "{}", proposal.name);
    }
}

#[test]
fn every_group_has_hundreds_of_cases() {
    for (proposal, cases) in proposals() {
        assert!(cases.len() >= 200, "{}: {}", proposal.name, cases.len());
    }
}
