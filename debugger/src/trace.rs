//! The trace of a verification: all recorded frames, and the verdict.

use sigstack_interpreter::{
    Coverage, Flags, Gap, PROPOSALS, Proposal, Spend, TransactionError, TransactionRule, UsageError,
    VerifyError,
};

use crate::explain;
use crate::frame::{Commitment, Frame, Options, Step, Subject};
use crate::hints::Known;
use crate::recorder::Recorder;

/// A recorded verification of one input.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The verified input.
    pub subject: Subject,
    /// Entries of the trace, in the order in which they occurred.
    pub frames: Vec<Frame>,
    /// Verdict on the input, the same as that of [`Spend::verify_input`] for the same transaction and flags.
    pub verdict: Result<(), VerifyError>,
    /// Rule about the whole transaction that is violated although every input is valid.
    pub rule: Option<TransactionRule>,
    /// Rules that were not checked in the verification of a valid input. Empty if the input is invalid.
    pub gaps: Vec<Gap>,
    /// Names of values, and preimages of hashes, that occurred in the verification.
    pub known: Known,
}

impl Trace {
    /// Verifies an input and records the verification.
    ///
    /// # Errors
    ///
    /// [`UsageError`] if the input cannot be verified: the input does not exist, the number of prevouts is wrong, or the
    /// flags contradict each other.
    pub fn record(subject: Subject, options: Options) -> Result<Trace, UsageError> {
        let spend = Spend::new(&subject.tx, &subject.prevouts)?.with_code_points(subject.code_points);
        let view = spend.view(subject.input)?;
        let mut recorder = Recorder::new(view, options);
        let verdict = match spend.verify_input_with(subject.input, subject.flags, &mut recorder) {
            Err(VerifyError::Usage(error)) => return Err(error),
            verdict => verdict.map(drop),
        };
        let mut coverage = Coverage::new();
        if verdict.is_ok() {
            // The second run has the same verdict.
            let _ = spend.verify_input_with(subject.input, subject.flags, &mut coverage);
        }
        let rule = match verdict {
            Ok(()) => broken_rule(&spend, subject.flags),
            Err(_) => None,
        };
        let (mut frames, known) = recorder.into_parts();
        if options.explain {
            let failed_under = verdict.is_err().then_some(subject.flags);
            explain::explain(&spend, &view, subject.internal_key, failed_under, &known, &mut frames);
        }
        Ok(Trace { frames, verdict, rule, gaps: coverage.gaps().to_vec(), known, subject })
    }

    /// Returns `true` if the input is valid and the transaction violates no rule that spans several inputs.
    pub fn is_valid(&self) -> bool {
        self.verdict.is_ok() && self.rule.is_none()
    }

    /// Returns the executed and skipped opcodes, each with the index of its entry in `frames`.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = (usize, &Step)> {
        self.frames.iter().enumerate().filter_map(|(index, frame)| match frame {
            Frame::Step(step) => Some((index, &**step)),
            _ => None,
        })
    }

    /// Returns the index in `frames` at which the verification failed: the first failed opcode, script end, signature
    /// or commitment, or else the last frame. Returns `None` if the input is valid.
    pub fn failure(&self) -> Option<usize> {
        self.verdict.as_ref().err()?;
        let failed = |frame: &Frame| match frame {
            Frame::Step(step) => step.result.is_err(),
            Frame::End(end) => end.result.is_err(),
            Frame::KeyPath(report) => !report.check.valid,
            Frame::Commitment(Commitment::Tweak { matches, .. }) => !matches,
            _ => false,
        };
        let last = self.frames.len().checked_sub(1);
        self.frames.iter().position(failed).or(last)
    }
}

/// Returns the rule about the whole transaction that is violated. Returns `None` if there is none, or if an input is
/// invalid.
fn broken_rule(spend: &Spend<'_>, flags: Flags) -> Option<TransactionRule> {
    let spans_inputs = |proposal: &&Proposal| !proposal.is_of_scripts() && flags.contains(proposal.flag);
    // If no active proposal has such a rule, the other inputs need not be verified.
    PROPOSALS.iter().copied().find(spans_inputs)?;
    match spend.verify(flags) {
        Err(TransactionError::Rule(rule)) => Some(rule),
        _ => None,
    }
}
