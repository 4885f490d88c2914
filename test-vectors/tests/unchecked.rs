//! Checks that every valid case of the project's vectors that uses an inactive proposal is reported as not fully checked.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use sigstack_interpreter::{
    Activation, Context, Coverage, Flags, Hook, Inspector, Instruction, Instructions, Machine, Opcode,
    PROPOSALS, Phase, Proposal, Spend, Unchecked,
};
use sigstack_vectors::{Case, Entry, Expect, ReadOptions, Subject, read_bytes};

/// Returns the cases with the expected verdict "OK" from all files in these folders.
fn accepted(folders: &[&str]) -> Vec<Case> {
    let mut cases = Vec::new();
    for folder in folders {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let file = read_bytes(&path.display().to_string(), &bytes, ReadOptions::default()).unwrap();
            let read = file.entries.iter().filter_map(Entry::case);
            cases.extend(read.filter(|case| case.expect == Expect::Ok).cloned());
        }
    }
    cases
}

/// Returns the indexes of the inputs that a case verifies.
fn inputs(case: &Case) -> Range<usize> {
    match case.subject {
        Subject::Input(index) => index..index + 1,
        Subject::All => 0..case.tx.input.len(),
    }
}

/// Inspector that finds the inactive proposals used in a verification, independently of the engine's own report.
struct Inactive {
    flags: Flags,
    met: BTreeSet<&'static str>,
}

impl Inactive {
    fn meets(&mut self, hook: Hook) {
        let inactive = |proposal: &&Proposal| {
            proposal.hook == hook && proposal.activation(self.flags) == Activation::Inactive
        };
        self.met.extend(PROPOSALS.iter().copied().filter(inactive).map(|proposal| proposal.name));
    }
}

impl Inspector for Inactive {
    fn phase(&mut self, phase: Phase, script: Option<&[u8]>) {
        let (Phase::Tapscript, Some(script)) = (phase, script) else { return };
        // The first OP_SUCCESSx without an active proposal makes the script succeed immediately.
        let active = |opcode| {
            Proposal::of_success_opcode(opcode).is_some_and(|proposal| self.flags.contains(proposal.flag))
        };
        let opcodes = Instructions::new(script).map_while(Result::ok).map(|instruction| instruction.opcode);
        if let Some(opcode) = opcodes.filter(|opcode| opcode.is_success()).find(|opcode| !active(*opcode)) {
            self.meets(Hook::Success(opcode));
        }
    }

    fn step(&mut self, machine: &Machine<'_>, instruction: &Instruction<'_>) {
        if !machine.is_executing() {
            return;
        }
        self.meets(Hook::Nop(instruction.opcode));
        let signature = match instruction.opcode {
            Opcode::OP_CHECKSIG | Opcode::OP_CHECKSIGVERIFY => 1,
            Opcode::OP_CHECKSIGADD => 2,
            _ => return,
        };
        let stack: Vec<&[u8]> = machine.stack().iter().rev().collect();
        if let (Context::Tapscript(_), [1, key @ ..]) = (machine.context(), stack[0])
            && matches!(key.len(), 0 | 32)
            && !stack[signature].is_empty()
        {
            self.meets(Hook::KeyType(1));
        }
    }
}

#[test]
fn every_use_of_an_inactive_proposal_is_reported() {
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for case in accepted(&["consensus", "proposals", "channels", "compiler"]) {
        let spend = Spend::new(&case.tx, &case.prevouts).unwrap();
        for input in inputs(&case) {
            let mut inactive = Inactive { flags: case.flags, met: BTreeSet::new() };
            let _ = spend.verify_input_with(input, case.flags, &mut inactive).unwrap();
            let mut coverage = Coverage::new();
            let _ = spend.verify_input_with(input, case.flags, &mut coverage).unwrap();
            let proposals = coverage.gaps().iter().filter_map(|gap| gap.unchecked.proposal());
            let reported: BTreeSet<&str> = proposals.map(|proposal| proposal.name).collect();
            assert_eq!(reported, inactive.met, "{:?}", case.id);
            reported.into_iter().for_each(|name| *uses.entry(name).or_default() += 1);
        }
    }
    println!("{uses:?}");
    for proposal in PROPOSALS.iter().filter(|proposal| proposal.is_of_scripts()) {
        assert!(uses.get(proposal.name).is_some_and(|count| *count >= 4), "{}: {uses:?}", proposal.name);
    }
}

/// Checks cases whose ids say that a proposal is inactive: the engine must report these cases as not fully checked. The
/// ids are independent of the inspector `Inactive`, so this test finds a bug that the inspector shares with the engine.
#[test]
fn cases_named_inactive_are_reported() {
    let mut count = 0;
    for case in accepted(&["proposals"]) {
        let id = case.id.as_deref().unwrap();
        if !id.contains("state-inactive") && !id.contains("scan-inactive") {
            continue;
        }
        // Single inputs do not use proposals about whole transactions.
        let Some(input) = case.subject.input() else { continue };
        count += 1;
        let mut coverage = Coverage::new();
        let spend = Spend::new(&case.tx, &case.prevouts).unwrap();
        let _ = spend.verify_input_with(input, case.flags, &mut coverage).unwrap();
        let reported = coverage.gaps().iter().any(|gap| gap.unchecked.proposal().is_some());
        let active = case.flags.intersects(Flags::of_kind(sigstack_interpreter::FlagKind::Proposal));
        assert!(reported || active, "{id}");
    }
    assert!(count >= 19, "{count}");
}

/// Checks that the vectors contain every kind of gap, which is a part of an input that the verification does not check.
#[test]
fn every_kind_of_gap_is_met() {
    let mut met = BTreeSet::new();
    for case in accepted(&["consensus", "proposals"]) {
        let Some(input) = case.subject.input() else { continue };
        let mut coverage = Coverage::new();
        let spend = Spend::new(&case.tx, &case.prevouts).unwrap();
        let _ = spend.verify_input_with(input, case.flags, &mut coverage).unwrap();
        met.extend(coverage.gaps().iter().map(|gap| gap.unchecked.name()));
        if coverage.gaps().iter().any(|gap| gap.unchecked.no_rule_ran()) {
            let unsigned =
                |gap: &sigstack_interpreter::Gap| matches!(gap.unchecked, Unchecked::NoSignature { .. });
            assert!(!coverage.gaps().iter().any(unsigned), "{:?}", case.id);
        }
    }
    let all = [
        "anchor",
        "leaf-version",
        "locktime-flag",
        "no-signature",
        "nop",
        "op-success",
        "open-outputs",
        "p2sh-flag",
        "public-key",
        "sequence-disabled",
        "single-without-output",
        "template-size",
        "witness-program",
        "witness-program-flag",
    ];
    assert_eq!(met, all.into());
}
