//! Coverage of the proposals by the project's own vectors.

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

/// For each proposal: its vector file, the opcode that uses the proposal, and every error that the use can cause at this
/// opcode.
const ERRORS: &[(&Proposal, &str, Opcode, &[ScriptError])] = &[
    (
        Proposal::CHECKSIGFROMSTACK,
        "csfs.jsonl",
        Opcode::OP_CHECKSIGFROMSTACK,
        &[
            ScriptError::BadOpcode,
            ScriptError::InvalidStackOperation,
            ScriptError::TapscriptEmptyPubkey,
            ScriptError::SchnorrSigSize,
            ScriptError::SchnorrSig,
            ScriptError::DiscourageUpgradablePubkeyType,
            ScriptError::TapscriptValidationWeight,
            ScriptError::DiscourageOpCheckSigFromStack,
        ],
    ),
    (
        Proposal::ANYPREVOUT,
        "anyprevout.jsonl",
        Opcode::OP_CHECKSIG,
        &[
            ScriptError::SigDer,
            ScriptError::InvalidStackOperation,
            ScriptError::TapscriptEmptyPubkey,
            ScriptError::SchnorrSigSize,
            ScriptError::SchnorrSigHashtype,
            ScriptError::SchnorrSig,
            ScriptError::DiscourageUpgradablePubkeyType,
            ScriptError::TapscriptValidationWeight,
            ScriptError::DiscourageAnyPrevOut,
        ],
    ),
    (
        Proposal::CHECKTEMPLATEVERIFY,
        "ctv.jsonl",
        Opcode::OP_CHECKTEMPLATEVERIFY,
        &[
            ScriptError::InvalidStackOperation,
            ScriptError::TemplateMismatch,
            ScriptError::DiscourageUpgradableNops,
            ScriptError::OpCount,
        ],
    ),
    (
        Proposal::OP_CAT,
        "cat.jsonl",
        Opcode::OP_CAT,
        &[
            ScriptError::DisabledOpcode,
            ScriptError::InvalidStackOperation,
            ScriptError::PushSize,
            ScriptError::DiscourageOpCat,
        ],
    ),
    (
        Proposal::INTERNALKEY,
        "internalkey.jsonl",
        Opcode::OP_INTERNALKEY,
        &[ScriptError::BadOpcode, ScriptError::StackSize, ScriptError::DiscourageOpInternalKey],
    ),
    (
        Proposal::PAIRCOMMIT,
        "paircommit.jsonl",
        Opcode::OP_PAIRCOMMIT,
        &[ScriptError::BadOpcode, ScriptError::InvalidStackOperation, ScriptError::DiscourageOpPairCommit],
    ),
    (
        Proposal::TEMPLATEHASH,
        "templatehash.jsonl",
        Opcode::OP_TEMPLATEHASH,
        &[ScriptError::BadOpcode, ScriptError::StackSize, ScriptError::DiscourageTemplateHash],
    ),
];

#[test]
fn every_error_of_a_proposal_is_reached_at_its_opcode() {
    assert_eq!(ERRORS.len(), PROPOSALS.iter().filter(|proposal| proposal.is_of_scripts()).count());
    for (proposal, name, opcode, errors) in ERRORS {
        let stopped: BTreeSet<ScriptError> = cases(name)
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
                (location.position.map(|at| at.opcode) == Some(*opcode)).then_some(error)
            })
            .collect();
        let wanted: BTreeSet<ScriptError> = errors.iter().copied().collect();
        assert_eq!(stopped, wanted, "{}", proposal.name);
    }
}

/// Inspector that records the phases of a verification in which a script contains the opcode of a proposal, or a push of a
/// key of the type that a proposal defines.
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

/// Returns the version of the script in which the upgrade mechanism was found.
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
    for (proposal, name, ..) in ERRORS {
        let met: BTreeSet<(&str, Activation)> = cases(name)
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
    for (proposal, name, ..) in ERRORS {
        assert!(cases(name).len() >= 200, "{}: {}", proposal.name, cases(name).len());
    }
}
