//! Tests the explanations of failures with a known cause: the project's own test vectors state how an invalid case
//! differs from a valid one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::fs;
use std::path::Path;

use sigstack_debugger::{
    BareContext, BareTx, Frame, Options, StepEvent, Subject, Trace, assemble, assemble_stack, bare_spend,
};
use sigstack_interpreter::{CodePoints, Flags};
use sigstack_vectors::{ReadOptions, read_bytes};

/// Returns the codes of all explanations of a trace.
fn codes(trace: &Trace) -> Vec<&'static str> {
    let mut codes = Vec::new();
    for frame in &trace.frames {
        let mut add = |explanations: &[sigstack_debugger::Explanation]| {
            codes.extend(explanations.iter().map(|it| it.code))
        };
        match frame {
            Frame::KeyPath(report) => add(&report.explanations),
            Frame::Commitment(sigstack_debugger::Commitment::Tweak { explanations, .. }) => add(explanations),
            Frame::Step(step) => {
                add(&step.explanations);
                for event in &step.events {
                    if let StepEvent::Signature(report) = event {
                        add(&report.explanations);
                    }
                }
            }
            _ => {}
        }
    }
    codes
}

fn case(file: &str, id: &str) -> Subject {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/proposals").join(file);
    let file = read_bytes(file, &fs::read(path).unwrap(), ReadOptions::default()).unwrap();
    let entry = file.entries.iter().find(|entry| entry.id.as_deref() == Some(id)).unwrap();
    let question = entry.input_questions().remove(0);
    Subject {
        tx: question.tx,
        prevouts: question.prevouts,
        input: question.index,
        flags: question.flags,
        code_points: CodePoints::default(),
        internal_key: None,
    }
}

#[test]
fn failed_cases_are_explained_by_what_their_comment_says() {
    for (file, id, code) in [
        ("csfs.jsonl", "csfs/invalid-hashed-message", "message-hashed"),
        ("csfs.jsonl", "csfs/order-signature-message-swapped", "swapped"),
        ("csfs.jsonl", "csfs/size-65-with-00", "hash-type"),
        ("csfs.jsonl", "csfs/invalid-flipped-r", "unknown"),
        ("anyprevout.jsonl", "anyprevout/key-version-00-signed-as-bip342", "key-version"),
        ("anyprevout.jsonl", "anyprevout/key-version-81-bip342-signed-as-bip118", "key-version"),
        ("anyprevout.jsonl", "anyprevout/code-separator-41-first", "code-separator"),
        ("anyprevout.jsonl", "anyprevout/code-separator-41-none", "code-separator"),
    ] {
        let trace = Trace::record(case(file, id), Options::default()).unwrap();
        assert!(trace.verdict.is_err(), "{id}");
        assert_eq!(codes(&trace), [code], "{id}");
    }
}

/// Changes one part of a valid control block at a time, and checks which explanation the trace gives.
#[test]
fn commitments_that_do_not_fit_are_explained() {
    let script = assemble("1").unwrap();
    let subject = || bare_spend(&script, &[], BareContext::Tapscript, BareTx::default(), Flags::CONSENSUS);
    let with_control = |change: fn(&mut Vec<u8>)| {
        let mut subject = subject();
        let mut elements = subject.tx.input[0].witness.to_vec();
        change(elements.last_mut().unwrap());
        subject.tx.input[0].witness = bitcoin::Witness::from_slice(&elements);
        Trace::record(subject, Options::default()).unwrap()
    };
    assert_eq!(codes(&with_control(|_| ())), [""; 0]);
    assert_eq!(codes(&with_control(|control| control[0] ^= 1)), ["parity"]);
    assert_eq!(codes(&with_control(|control| control[0] ^= 2)), ["leaf-version"]);
    assert_eq!(codes(&with_control(|control| control.extend([7; 32]))), ["path-length"]);
    assert_eq!(codes(&with_control(|control| control[1] ^= 1)), ["unknown"]);
}

#[test]
fn operands_that_never_reach_the_curve_are_explained() {
    let trace = |script: &str, stack: &str, flags: Flags| {
        let (script, stack) = (assemble(script).unwrap(), assemble_stack(stack).unwrap());
        let subject = bare_spend(&script, &stack, BareContext::Tapscript, BareTx::default(), flags);
        Trace::record(subject, Options::default()).unwrap()
    };
    let sig = format!("<{}>", "11".repeat(64));
    let key = format!("<02{}>", "11".repeat(32));
    let known = trace(&format!("{key} CHECKSIG"), &sig, Flags::CONSENSUS);
    assert!(known.verdict.is_ok());
    assert_eq!(codes(&known), ["unknown-key-type"]);
    let unequal = trace("SHA256 <00> EQUALVERIFY 1", "<abcd>", Flags::CONSENSUS);
    assert_eq!(codes(&unequal), ["unequal"]);
    let locked = trace("500 CHECKLOCKTIMEVERIFY", "", Flags::CONSENSUS);
    assert_eq!(codes(&locked), ["lock"]);
}

/// Each case has a script with a timelock, the nLockTime and nSequence of the transaction, and the expected
/// explanations.
#[test]
fn locks_of_another_kind_are_explained() {
    let codes_of = |script: &str, lock_time: u32, sequence: u32| {
        let script = assemble(script).unwrap();
        let mut subject =
            bare_spend(&script, &[], BareContext::Tapscript, BareTx::default(), Flags::CONSENSUS);
        subject.tx.version = bitcoin::transaction::Version::TWO;
        subject.tx.lock_time = bitcoin::absolute::LockTime::from_consensus(lock_time);
        subject.tx.input[0].sequence = bitcoin::Sequence(sequence);
        let trace = Trace::record(subject, Options::default()).unwrap();
        (trace.verdict.is_ok(), codes(&trace))
    };
    let height = "800000 CHECKLOCKTIMEVERIFY";
    let time = "1700000000 CHECKLOCKTIMEVERIFY";
    let both = vec!["lock-kind", "lock"];
    assert_eq!(codes_of(height, 800_000, 0), (true, vec![]));
    assert_eq!(codes_of(height, 799_999, 0), (false, vec!["lock"]));
    assert_eq!(codes_of(height, 1_700_000_000, 0), (false, both.clone()));
    assert_eq!(codes_of(height, 499_999_999, 0), (true, vec![]));
    assert_eq!(codes_of(height, 500_000_000, 0), (false, both.clone()));
    assert_eq!(codes_of(time, 1_700_000_000, 0), (true, vec![]));
    assert_eq!(codes_of(time, 800_000, 0), (false, both.clone()));
    let blocks = "10 CHECKSEQUENCEVERIFY";
    assert_eq!(codes_of(blocks, 0, 10), (true, vec![]));
    assert_eq!(codes_of(blocks, 0, 9), (false, vec!["lock"]));
    assert_eq!(codes_of(blocks, 0, 1 << 22 | 10), (false, both.clone()));
    assert_eq!(codes_of(blocks, 0, 1 << 31 | 1 << 22 | 10), (false, vec!["lock"]));
    assert_eq!(codes_of("4194314 CHECKSEQUENCEVERIFY", 0, 10), (false, both));
}

/// The lock time is high enough, but nSequence disables it. The explanation says so.
#[test]
fn disabled_locks_are_explained() {
    let text_of = |script: &str, lock_time: u32, sequence: u32| {
        let script = assemble(script).unwrap();
        let tx = BareTx { lock_time, sequence, ..BareTx::default() };
        let subject = bare_spend(&script, &[], BareContext::Tapscript, tx, Flags::CONSENSUS);
        let trace = Trace::record(subject, Options::default()).unwrap();
        let steps = trace.frames.iter().filter_map(|frame| match frame {
            Frame::Step(step) => Some(step.explanations.iter().map(|it| it.text.clone())),
            _ => None,
        });
        steps.flatten().collect::<Vec<_>>()
    };
    let asks = "the script asks for nLockTime 10; it is 10, and the input's nSequence 0xffffffff, which disables nLockTime";
    assert_eq!(text_of("10 CHECKLOCKTIMEVERIFY", 10, u32::MAX), [asks]);
    assert_eq!(text_of("10 CHECKLOCKTIMEVERIFY", 10, u32::MAX - 1), [""; 0]);
    let asks = "the script asks for nSequence 0x0000000a; it is 0x8000000a, whose disable bit is set, and the transaction's \
                version 2";
    assert_eq!(text_of("10 CHECKSEQUENCEVERIFY", 0, 1 << 31 | 10), [asks]);
    assert_eq!(text_of("10 CHECKSEQUENCEVERIFY", 0, 10), [""; 0]);
}
