//! Tests that the trace of every test vector ends with the verdict that `verify` gives.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::Value;
use sigstack_debugger::{Frame, Options, Stopped, Subject, Trace, html, json, text};
use sigstack_interpreter::{CodePoints, Spend, TransactionError, VerifyError};
use sigstack_vectors::{InputQuestion, Question, ReadOptions, TransactionQuestion, read_bytes};

/// Maximum size in bytes of a page for the project's own vectors, as documented in docs/trace-format.md.
const LARGEST_PAGE: usize = 3_000_000;

/// Returns every file below a folder. Some of them are not test vectors.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if [".json", ".jsonl", ".json.gz", ".jsonl.gz", ".csv"]
                .iter()
                .any(|end| name.ends_with(end))
            {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn questions(folder: &Path) -> Vec<(String, Question)> {
    let mut questions = Vec::new();
    for path in files(folder) {
        let name = path.display().to_string();
        // Files of other kinds are not test vectors.
        let Ok(file) = read_bytes(&name, &fs::read(&path).unwrap(), ReadOptions::default()) else { continue };
        for entry in &file.entries {
            let name = format!("{name} case {}", entry.number);
            questions.extend(entry.questions().into_iter().map(|question| (name.clone(), question)));
        }
    }
    questions
}

/// Traces the verification of a test case, and compares verdict, last steps and output formats of the traces. Returns
/// whether the input or transaction was valid, or `None` if there is no verdict.
fn check(name: &str, question: &Question, options: Options) -> Option<bool> {
    match question {
        Question::Input(question) => check_input(name, question, options),
        Question::Transaction(question) => Some(check_transaction(name, question, options)),
    }
}

/// Traces each input of a transaction. If every input is valid, each trace also names the rule that the transaction
/// violates.
fn check_transaction(name: &str, question: &TransactionQuestion, options: Options) -> bool {
    let verdict = Spend::new(&question.tx, &question.prevouts).unwrap().verify(question.flags);
    for input in 0..question.tx.input.len() {
        let TransactionQuestion { tx, prevouts, flags } = question.clone();
        let subject =
            Subject { tx, prevouts, input, flags, code_points: CodePoints::default(), internal_key: None };
        let trace = Trace::record(subject, options).unwrap();
        let rule = match verdict {
            Err(TransactionError::Rule(rule)) => Some(rule),
            _ => None,
        };
        assert_eq!(trace.rule, rule, "{name}");
        match &verdict {
            Err(TransactionError::Input { input: invalid, .. }) => {
                // Inputs after the first invalid one may be invalid as well.
                assert!(input > *invalid || (input == *invalid) != trace.verdict.is_ok(), "{name}");
            }
            _ => assert_eq!(trace.verdict, Ok(()), "{name}"),
        }
        check_ends(name, &trace);
    }
    verdict.is_ok()
}

/// Traces the verification of one input, as [`check`] does. Returns whether the input is valid, or `None` if there is
/// no verdict.
fn check_input(name: &str, question: &InputQuestion, options: Options) -> Option<bool> {
    let spend = Spend::new(&question.tx, &question.prevouts);
    let verify = |spend: Spend<'_>| spend.verify_input(question.index, question.flags).map(drop);
    let verdict = spend.map_err(VerifyError::from).and_then(verify);
    let InputQuestion { tx, prevouts, index, flags } = question.clone();
    let trace = match Trace::record(
        Subject { tx, prevouts, input: index, flags, code_points: CodePoints::default(), internal_key: None },
        options,
    ) {
        Ok(trace) => trace,
        Err(error) => {
            assert_eq!(verdict, Err(VerifyError::Usage(error)), "{name}");
            return None;
        }
    };
    assert_eq!(trace.verdict, verdict, "{name}");
    check_ends(name, &trace);
    let frames: Vec<Value> = json::frames(&trace).collect();
    let last = frames.last().unwrap();
    let expected = match &verdict {
        Err(VerifyError::Script { error, location }) => {
            assert_eq!(last["phase"], location.phase.name(), "{name}");
            assert_eq!(
                last["opcode_pos"].as_u64(),
                location.position.map(|at| at.opcode_position.into()),
                "{name}"
            );
            error.name()
        }
        _ => "OK",
    };
    assert_eq!(last["verdict"], expected, "{name}");
    let mut lines = anstream::StripStream::new(Vec::new());
    text::write(&trace, text::TextOptions::default(), &mut lines).unwrap();
    let lines = String::from_utf8(lines.into_inner()).unwrap();
    // The lines after the verdict list rules that did not run.
    let said = lines.lines().rfind(|line| line.starts_with("verdict  "));
    assert!(said.unwrap().starts_with(&format!("verdict  {expected}")), "{name}: {lines}");
    let page = html::page(&trace).len();
    assert!(page < LARGEST_PAGE, "{name}: a page of {page} bytes");
    Some(verdict.is_ok())
}

/// Checks the frames of each script in a trace: one that begins the script, then one for each opcode, then one that
/// ends the script. The end must agree with the last opcode, and a script that fails must have the error of the
/// verdict.
fn check_ends(name: &str, trace: &Trace) {
    let mut running = false;
    let mut next = 0;
    let mut failed = None;
    for frame in &trace.frames {
        match frame {
            Frame::Begin(_) => {
                assert!(!running, "{name}");
                (running, next) = (true, 0);
            }
            Frame::Step(step) => {
                assert!(running && step.position == next, "{name}");
                next += 1;
                failed = step.result.err();
            }
            Frame::End(end) => {
                assert!(running, "{name}");
                running = false;
                let expected = match end.stopped {
                    Stopped::Opcode => next - 1,
                    Stopped::Completed | Stopped::AfterLastOpcode | Stopped::Decode => next,
                };
                assert_eq!(end.position, expected, "{name}");
                assert_eq!(end.stopped == Stopped::Opcode, failed.is_some(), "{name}");
                assert_eq!(end.result.is_ok(), end.stopped == Stopped::Completed, "{name}");
                if let Err(error) = end.result {
                    assert_eq!(trace.verdict.as_ref().unwrap_err().script_error(), Some(error), "{name}");
                }
            }
            _ => {}
        }
    }
    assert!(!running, "{name}");
}

/// Traces every `one_in`-th test vector. Returns the numbers of valid cases, of invalid cases, and of cases without a
/// verdict.
fn run(folder: &Path, one_in: usize, options: Options) -> (usize, usize, usize) {
    let questions: Vec<(String, Question)> = questions(folder).into_iter().step_by(one_in).collect();
    let answers: Vec<Option<bool>> =
        questions.par_iter().map(|(name, question)| check(name, question, options)).collect();
    let count = |answer| answers.iter().filter(|it| **it == answer).count();
    (count(Some(true)), count(Some(false)), count(None))
}

fn own_vectors(one_in: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors");
    let (valid, invalid, unanswered) = run(&folder, one_in, Options::default());
    assert!(valid > 2_000 / one_in && invalid > 2_000 / one_in, "{valid} valid, {invalid} invalid");
    assert_eq!(unanswered, 0);
}

/// Traces the test vectors of other projects: those of Core, of the BIPs and of other implementations.
fn vectors_of_others(one_in: usize) {
    let Some(folder) = sigstack_test_support::shared("vectors") else { return };
    let options = Options { explain: false, ..Options::default() };
    let (valid, invalid, unanswered) = run(&folder, one_in, options);
    eprintln!("{valid} valid, {invalid} invalid, {unanswered} without a verdict");
    assert!(valid > 1_000 / one_in && invalid > 1_000 / one_in);
}

// The step is a prime number, so that regularities in the files do not hide cases.

#[test]
fn traces_of_some_of_the_projects_own_vectors_end_with_the_verdict() {
    own_vectors(23);
}

#[test]
fn traces_of_some_vectors_of_others_end_with_the_verdict() {
    vectors_of_others(23);
}

#[test]
#[ignore = "takes more than a minute; .ci/run runs it"]
fn traces_of_the_projects_own_vectors_end_with_the_verdict() {
    own_vectors(1);
}

#[test]
#[ignore = "takes more than a minute; .ci/run runs it"]
fn traces_of_the_vectors_of_others_end_with_the_verdict() {
    vectors_of_others(1);
}

/// A trace that exceeds `max_bytes` keeps its beginning and its end, and counts the steps that it leaves out.
#[test]
fn long_traces_are_shortened_in_the_middle() {
    let script = [vec![0x51], [0x76, 0x75].repeat(4_000), vec![0x6a]].concat();
    let subject = sigstack_debugger::bare_spend(
        &script,
        &[],
        sigstack_debugger::BareContext::Tapscript,
        sigstack_debugger::BareTx::default(),
        sigstack_interpreter::Flags::CONSENSUS,
    );
    let trace = Trace::record(subject, Options { max_bytes: 100_000, ..Options::default() }).unwrap();
    let steps = trace.steps().count();
    let omitted = trace.frames.iter().find_map(|frame| match frame {
        Frame::Omitted(steps) => Some(*steps),
        _ => None,
    });
    // Two opcodes belong to the scriptPubKey.
    assert_eq!(steps + omitted.unwrap(), 8_002 + 2);
    assert!(steps < 2_000);
    assert_eq!(trace.steps().last().unwrap().1.position, 8_001);
    assert_eq!(trace.verdict.as_ref().unwrap_err().script_error().unwrap().name(), "OP_RETURN");
}
