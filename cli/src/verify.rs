//! `sigstack verify`: verifies inputs of a transaction, and reports a consensus verdict and a policy verdict.

mod json;
mod standardness;
mod text;

use std::io::Write;

use bitcoin::Transaction;
use sigstack_debugger::{Options, Trace};
use sigstack_interpreter::{
    Coverage, FlagKind, Flags, Gap, Location, PROPOSALS, Proposal, ScriptError, Spend, TransactionError,
    TransactionRule, TxError, UsageError, VerifyError, check_transaction, limits::MAX_MONEY,
};
use sigstack_policy::Candidate;

use crate::args::VerifyArgs;
use crate::output::Status;
use crate::prevouts::list;
use crate::problem::{Problem, Stop};
use crate::subject::{Origin, Subject, subjects};

use standardness::Standardness;

/// Maximum number of invalid inputs of a transaction that are explained. One explanation may need several hundred
/// verifications.
const MOST_EXPLAINED: usize = 16;

/// An invalid input, with its error and an explanation.
#[derive(Clone)]
struct Failure {
    input: usize,
    error: ScriptError,
    location: Location,
    /// Texts about changes that would have made the failing check succeed.
    explanation: Vec<String>,
}

/// Verdict on the scripts of the verified inputs under a set of flags.
struct Verdict {
    flags: Flags,
    failures: Vec<Failure>,
    /// Rule about the whole transaction that is violated although every input is valid.
    rule: Option<TransactionRule>,
    /// Rules that were not checked for valid inputs, each with the index of the input.
    gaps: Vec<(usize, Gap)>,
}

/// Verdict on the consensus rules for a transaction outside its scripts: Core's `CheckTransaction` and the amounts.
enum Whole {
    /// The rules were not checked: the transaction is from a vector case or made up, or not all of its inputs are
    /// verified.
    NotChecked,
    Valid,
    Invalid {
        /// Reject reason as Bitcoin Core names it, such as `bad-txns-vout-negative`.
        reason: &'static str,
        text: String,
    },
}

/// All verdicts on the verified inputs of a transaction.
struct Report<'s> {
    subject: &'s Subject,
    /// Verdict on the scripts under exactly the requested flags.
    as_named: Verdict,
    /// Verdict on the scripts under the requested flags without policy flags.
    consensus: Verdict,
    /// Verdict on the scripts under the flags of `consensus` and all script policy flags.
    policy: Verdict,
    whole: Whole,
    standardness: Standardness,
}

/// Runs `sigstack verify`.
pub(crate) fn run(args: &VerifyArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let mut status = Status::Yes;
    for subject in &subjects(&args.subject)? {
        let report = Report::new(subject).map_err(|error| Problem::new(error.to_string()))?;
        if !report.as_named.is_valid() || matches!(report.whole, Whole::Invalid { .. }) {
            status = Status::No;
        }
        match args.json {
            true => json::write(&report, out)?,
            false => text::write(&report, out)?,
        }
    }
    Ok(status)
}

impl<'s> Report<'s> {
    fn new(subject: &'s Subject) -> Result<Report<'s>, UsageError> {
        let spend = Spend::new(&subject.tx, &subject.prevouts)?.with_code_points(subject.code_points);
        let mut explained = Vec::new();
        let mut judge = |flags| {
            let mut verdict = Verdict::new(&spend, &subject.inputs, flags)?;
            verdict.explain(subject, &mut explained)?;
            Ok::<_, UsageError>(verdict)
        };
        Ok(Report {
            subject,
            as_named: judge(subject.flags)?,
            consensus: judge(consensus_part(subject.flags))?,
            policy: judge(with_policy(subject.flags))?,
            whole: Whole::new(subject),
            standardness: Standardness::new(subject),
        })
    }

    /// Returns descriptions of all parts and rules of the transaction that no verdict covers.
    fn unchecked(&self) -> Vec<String> {
        let subject = self.subject;
        let mut unchecked = Vec::new();
        let others: Vec<usize> =
            (0..subject.tx.input.len()).filter(|input| !subject.inputs.contains(input)).collect();
        if !others.is_empty() {
            unchecked.push(format!("the scripts of {}", list(&others)));
            let spans =
                |proposal: &Proposal| !proposal.is_of_scripts() && subject.flags.contains(proposal.flag);
            if PROPOSALS.iter().copied().any(spans) {
                unchecked.push("the rules that span inputs".into());
            }
        }
        match subject.origin {
            Origin::Chain => {
                if matches!(self.whole, Whole::NotChecked) {
                    unchecked.push("consensus rules outside scripts: amounts, outputs spent twice".into());
                }
                unchecked.extend(self.standardness.unchecked.clone());
                unchecked.push(
                    "whether the spent outputs exist, locks against a chain, the rules of a mempool".into(),
                );
            }
            Origin::InputCase => {
                unchecked.push("the rest of the transaction: the case is about its inputs".into())
            }
            Origin::TransactionCase => {
                unchecked.push("consensus rules outside scripts: amounts, outputs spent twice".into());
            }
            Origin::Script => {
                unchecked
                    .push("the transaction: --script makes it up, so its standardness is not checked".into());
            }
        }
        unchecked
    }
}

impl Verdict {
    fn is_valid(&self) -> bool {
        self.failures.is_empty() && self.rule.is_none()
    }

    fn new(spend: &Spend<'_>, inputs: &[usize], flags: Flags) -> Result<Verdict, UsageError> {
        flags.check()?;
        let mut verdict = Verdict { flags, failures: Vec::new(), rule: None, gaps: Vec::new() };
        let mut verified = Vec::new();
        let mut coverage = Coverage::new();
        for input in inputs.iter().copied() {
            match spend.verify_input_with(input, flags, &mut coverage) {
                Ok(input_verified) => {
                    verified.push(input_verified);
                    verdict.gaps.extend(coverage.gaps().iter().map(|gap| (input, *gap)));
                }
                Err(VerifyError::Script { error, location }) => {
                    verdict.failures.push(Failure { input, error, location, explanation: Vec::new() });
                }
                Err(VerifyError::Usage(error)) => return Err(error),
            }
        }
        // Rules that span inputs can be checked only if all inputs were verified.
        if verified.len() == spend.tx().input.len()
            && let Err(TransactionError::Rule(rule)) = spend.conclude(&verified, flags)
        {
            verdict.rule = Some(rule);
        }
        Ok(verdict)
    }

    /// Explains the first [`MOST_EXPLAINED`] failures of this verdict. `explained` collects the explained failures of
    /// all verdicts on the subject, so that the same failure under other flags reuses its explanation.
    fn explain(&mut self, subject: &Subject, explained: &mut Vec<Failure>) -> Result<(), UsageError> {
        for failure in self.failures.iter_mut().take(MOST_EXPLAINED) {
            let is_same = |known: &&Failure| {
                (known.input, known.error, known.location) == (failure.input, failure.error, failure.location)
            };
            if let Some(known) = explained.iter().find(is_same) {
                failure.explanation.clone_from(&known.explanation);
                continue;
            }
            let trace = Trace::record(subject.of_input(failure.input, self.flags), Options::default())?;
            failure.explanation = trace.explanations().into_iter().map(|it| it.text.clone()).collect();
            explained.push(failure.clone());
        }
        Ok(())
    }
}

impl Whole {
    fn new(subject: &Subject) -> Whole {
        if subject.origin != Origin::Chain || subject.inputs.len() != subject.tx.input.len() {
            return Whole::NotChecked;
        }
        if let Err(error) = check_transaction(&subject.tx) {
            let text = format!("{} (Core CheckTransaction)", broken_rule(&subject.tx, error));
            return Whole::Invalid { reason: error.name(), text };
        }
        match Candidate::with_known(&subject.tx, subject.known.iter().map(Option::as_ref)).fee() {
            Ok(_) => Whole::Valid,
            Err(error) => Whole::Invalid { reason: error.reason(), text: error.explanation() },
        }
    }
}

/// Describes the rule of Core's `CheckTransaction` that the transaction violates, with the input or output concerned.
fn broken_rule(tx: &Transaction, error: TxError) -> String {
    let output = |is_wrong: fn(u64) -> bool| {
        let found = tx.output.iter().map(|output| output.value.to_sat()).enumerate();
        found.into_iter().find(|(_, sat)| is_wrong(*sat)).unwrap_or_default()
    };
    match error {
        TxError::NoInputs => "it has no inputs".into(),
        TxError::NoOutputs => "it has no outputs".into(),
        TxError::OutputNegative => {
            let (nth, sat) = output(|sat| sat.cast_signed() < 0);
            format!("output {nth} has a negative amount, {} sat", sat.cast_signed())
        }
        TxError::OutputTooLarge => {
            let (nth, sat) = output(|sat| sat > MAX_MONEY);
            format!("output {nth} has {sat} sat, more than the {MAX_MONEY} sat that can exist")
        }
        TxError::OutputTotalTooLarge => {
            format!("the outputs together have more than the {MAX_MONEY} sat that can exist")
        }
        TxError::DuplicateInputs => {
            let spent: Vec<_> = tx.input.iter().map(|input| input.previous_output).collect();
            let earlier = |nth: usize| spent.iter().take(nth).position(|one| Some(one) == spent.get(nth));
            let pair = (0..spent.len()).find_map(|nth| Some((earlier(nth)?, nth)));
            let (first, second) = pair.unwrap_or_default();
            format!("inputs {first} and {second} spend the same output")
        }
        _ => "the transaction is invalid whatever it spends".into(),
    }
}

/// Returns the given flags without policy flags: today's consensus flags, and flags that activate proposals.
fn consensus_part(flags: Flags) -> Flags {
    flags - Flags::of_kind(FlagKind::Policy) - Flags::of_kind(FlagKind::ProposalPolicy)
}

/// Adds all script policy flags to the given flags, except those that discourage an activated proposal.
fn with_policy(flags: Flags) -> Flags {
    let active = PROPOSALS.iter().filter(|proposal| flags.contains(proposal.flag));
    (flags | Flags::POLICY) - active.map(|proposal| proposal.discourage).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_does_not_refuse_what_is_activated() {
        let flags = Flags::CONSENSUS | Flags::CHECKSIGFROMSTACK;
        let policy = with_policy(flags);
        assert!(policy.contains(Flags::CHECKSIGFROMSTACK | Flags::DISCOURAGE_OP_CAT | Flags::MINIMALDATA));
        assert!(!policy.intersects(Flags::DISCOURAGE_CHECKSIGFROMSTACK));
        assert_eq!(consensus_part(policy), flags);
    }
}
