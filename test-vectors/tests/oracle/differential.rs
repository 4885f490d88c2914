//! Comparison of the engine's verdicts with those of Bitcoin Core.

use std::collections::BTreeMap;

use rayon::prelude::*;
use sigstack_interpreter::{ScriptError, Spend, TransactionError, VerifyError};
use sigstack_vectors::{Case, Expect, InputQuestion, Subject};

use crate::oracle::consensus::core_accepts;
use crate::oracle::mutate::{Kind, Mutator};
use crate::oracle::steps::TapscriptSteps;

/// Returns whether verifying a transaction as a whole gives the same verdict as verifying its inputs one by one.
fn all_as_one_by_one(spend: &Spend<'_>, question: &InputQuestion) -> bool {
    let verified: Vec<_> =
        (0..question.tx.input.len()).map(|input| spend.verify_input(input, question.flags)).collect();
    let first = verified.iter().enumerate().find_map(|(input, verdict)| {
        let VerifyError::Script { error, location } = verdict.as_ref().err()?.clone() else { return None };
        Some(TransactionError::Input { input, error, location })
    });
    let together = spend.verify(question.flags);
    match first {
        Some(first) => together == Err(first),
        None => {
            let verified: Vec<_> = verified.into_iter().flatten().collect();
            together == spend.conclude(&verified, question.flags)
        }
    }
}

/// An input on which the engine and Core disagree. Also an input on which the engine disagrees with itself: with and
/// without an inspector, or alone and with the other inputs.
pub(crate) struct Disagreement {
    /// Number of the random mutant, or position of the input in the list of compared inputs.
    pub(crate) number: u64,
    pub(crate) problem: String,
    /// The compared input, with the engine's verdict, as a line of JSON in the project's case format.
    pub(crate) case: String,
}

/// Counts of compared inputs: how often the engine and Core agreed, and how varied the inputs were.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) drawn: u64,
    /// Number of inputs that Core could parse. Mutants that equal their original are not included. All counts below are
    /// of these inputs.
    pub(crate) decoded: u64,
    pub(crate) agreed: u64,
    pub(crate) accepted: u64,
    /// Number of inputs whose verification reaches at least one instruction of a tapscript.
    pub(crate) tapscripts: u64,
    /// Number of valid inputs whose verification executes a tapscript.
    pub(crate) accepted_tapscripts: u64,
    pub(crate) errors: BTreeMap<ScriptError, u64>,
    /// Counts for each kind of mutant: how many Core could parse, how many of these are valid, and how many of these
    /// execute a tapscript.
    pub(crate) kinds: BTreeMap<Kind, [u64; 3]>,
    pub(crate) disagreements: Vec<Disagreement>,
}

impl Counts {
    fn merged(mut self, other: Counts) -> Counts {
        self.drawn += other.drawn;
        self.decoded += other.decoded;
        self.agreed += other.agreed;
        self.accepted += other.accepted;
        self.tapscripts += other.tapscripts;
        self.accepted_tapscripts += other.accepted_tapscripts;
        other.errors.into_iter().for_each(|(error, count)| *self.errors.entry(error).or_default() += count);
        for (kind, more) in other.kinds {
            let have = self.kinds.entry(kind).or_default();
            have.iter_mut().zip(more).for_each(|(have, more)| *have += more);
        }
        self.disagreements.extend(other.disagreements);
        self
    }

    /// Returns the number of compared inputs that are mutants of a vector. Excludes random tapscripts.
    pub(crate) fn of_vectors(&self) -> u64 {
        self.decoded - self.kinds.get(&Kind::RandomTapscript).map_or(0, |[decoded, ..]| *decoded)
    }

    /// Verifies an input with the engine and with Core, under the flags of the question. Adds the result to these
    /// counts.
    fn ask(&mut self, number: u64, question: &InputQuestion) {
        let spend = Spend::new(&question.tx, &question.prevouts).unwrap();
        let ours = spend.verify_input(question.index, question.flags);
        let mut steps = TapscriptSteps::default();
        let observed = spend.verify_input_with(question.index, question.flags, &mut steps);
        let Ok(core) = core_accepts(question, question.flags) else {
            // Core rejects the serialization, although the bitcoin crate accepts it. This is not a verdict about a script.
            return;
        };
        self.decoded += 1;
        self.accepted += u64::from(ours.is_ok());
        self.tapscripts += u64::from(steps.steps > 0);
        self.accepted_tapscripts += u64::from(steps.steps > 0 && ours.is_ok());
        if let Err(VerifyError::Script { error, .. }) = &ours {
            *self.errors.entry(*error).or_default() += 1;
        }
        let problem = match &ours {
            Err(VerifyError::Usage(error)) => format!("not verified: {error}"),
            _ if observed != ours => format!("{ours:?} alone, {observed:?} observed"),
            _ if !all_as_one_by_one(&spend, question) => "all inputs together, and one by one".to_owned(),
            _ if ours.is_ok() != core => format!("Core {}", if core { "accepts" } else { "refuses" }),
            _ => {
                self.agreed += 1;
                return;
            }
        };
        let verdict = ours.err().and_then(|error| error.script_error());
        let case = case(number, question, verdict.map_or(Expect::Ok, Expect::Error));
        self.disagreements.push(Disagreement { number, problem, case });
    }
}

fn case(number: u64, question: &InputQuestion, expect: Expect) -> String {
    let InputQuestion { tx, prevouts, index, flags } = question.clone();
    let comment = format!("number {number}");
    let subject = Subject::Input(index);
    Case { id: None, comment, tx, subject, prevouts, flags, expect, extra: Default::default() }.to_line()
}

/// Verifies inputs with the engine and with Core, and counts how often they agree. Each question has its own flags,
/// which must be consensus flags.
pub(crate) fn compare(questions: &[InputQuestion]) -> Counts {
    let count = |mut counts: Counts, (number, question): (usize, &InputQuestion)| {
        counts.drawn += 1;
        counts.ask(number as u64, question);
        counts
    };
    questions.par_iter().enumerate().fold(Counts::default, count).reduce(Counts::default, Counts::merged)
}

/// Number of mutants that are compared before progress is reported again.
const BATCH: u64 = 2_000;

/// Compares the verdicts of the engine and of Core on random mutants, in batches, until `count` mutants of vectors have
/// decoded. Calls `progress` with the number of decoded mutants after each batch.
pub(crate) fn compare_mutants(mutator: &Mutator<'_>, count: u64, progress: impl Fn(u64)) -> Counts {
    let mut counts = Counts::default();
    while counts.of_vectors() < count {
        let batch = counts.drawn..counts.drawn + BATCH;
        let ask = |mut counts: Counts, number| {
            counts.drawn += 1;
            let (kind, mutant) = mutator.mutant(number);
            if let Some(question) = mutant {
                let state = |counts: &Counts| [counts.decoded, counts.accepted, counts.tapscripts];
                let before = state(&counts);
                counts.ask(number, &question);
                let after = state(&counts);
                let entry = counts.kinds.entry(kind).or_default();
                (0..3).for_each(|nth| entry[nth] += after[nth] - before[nth]);
            }
            counts
        };
        let batch = batch.into_par_iter().fold(Counts::default, ask).reduce(Counts::default, Counts::merged);
        counts = counts.merged(batch);
        progress(counts.of_vectors());
    }
    counts
}

/// Returns the reasons why the mutants are not varied enough for a meaningful comparison. Possible reasons: few mutants
/// are valid, few execute a tapscript, or few different errors occur.
pub(crate) fn shortcomings(counts: &Counts) -> Vec<String> {
    let share = |part: u64| part as f64 / counts.decoded as f64 * 100.0;
    let wanted = [
        (share(counts.accepted), 10.0, "% accepted"),
        (share(counts.tapscripts), 15.0, "% that execute a tapscript"),
        (counts.errors.len() as f64, 20.0, "different errors"),
    ];
    let missing = wanted.into_iter().filter(|(have, want, _)| have < want);
    missing.map(|(have, want, what)| format!("only {have:.1} {what}, not {want}")).collect()
}
