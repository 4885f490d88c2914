//! `sigstack verify`: one spend, its consensus verdict and its policy verdict.

use std::io::{self, Write};

use serde_json::{Value, json};
use sigstack_interpreter::{FlagKind, Flags, PROPOSALS, Spend, UsageError, VerifyError};
use sigstack_vectors::Question;

use crate::args::VerifyArgs;
use crate::output::{BAD, GOOD, Status, location};
use crate::problem::{Problem, Stop};
use crate::subject::{Subject, subjects};

/// A verdict under a set of flags.
struct Verdict {
    flags: Flags,
    verdict: Result<(), VerifyError>,
}

/// Runs the command.
pub(crate) fn run(args: &VerifyArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let mut status = Status::Yes;
    for subject in &subjects(&args.subject)? {
        let verdicts = verdicts(&subject.question).map_err(|error| Problem::new(error.to_string()))?;
        if verdicts.asked.verdict.is_err() {
            status = Status::No;
        }
        let write = if args.json { write_json } else { write_text };
        write(subject, &verdicts, out)?;
    }
    Ok(status)
}

/// The verdicts that are told.
struct Verdicts {
    /// Under exactly the flags that were named.
    asked: Verdict,
    consensus: Verdict,
    policy: Verdict,
}

fn verdicts(question: &Question) -> Result<Verdicts, UsageError> {
    let spend = Spend::new(&question.tx, &question.prevouts)?;
    let judge = |flags| match spend.verify(question.index, flags) {
        Err(VerifyError::Usage(error)) => Err(error),
        verdict => Ok(Verdict { flags, verdict }),
    };
    Ok(Verdicts {
        asked: judge(question.flags)?,
        consensus: judge(consensus_part(question.flags))?,
        policy: judge(with_policy(question.flags))?,
    })
}

/// The flags that are rules of a consensus: today's and those that activate proposals.
fn consensus_part(flags: Flags) -> Flags {
    flags - Flags::of_kind(FlagKind::Policy) - Flags::of_kind(FlagKind::ProposalPolicy)
}

/// The flags with all of today's policy, apart from the refusal of what is activated.
fn with_policy(flags: Flags) -> Flags {
    let active = PROPOSALS.iter().filter(|proposal| flags.contains(proposal.flag));
    (flags | Flags::POLICY) - active.map(|proposal| proposal.discourage).collect()
}

fn write_text(subject: &Subject, verdicts: &Verdicts, out: &mut impl Write) -> io::Result<()> {
    if let Some(source) = &subject.source {
        writeln!(out, "{source}")?;
    }
    writeln!(out, "input {} of {}", subject.question.index, subject.question.tx.compute_txid())?;
    if let Some(expected) = &subject.expected {
        writeln!(out, "  expected   {expected}")?;
    }
    if verdicts.asked.flags != verdicts.consensus.flags {
        write_verdict("as named", &verdicts.asked, out)?;
    }
    write_verdict("consensus", &verdicts.consensus, out)?;
    write_verdict("policy", &verdicts.policy, out)
}

fn write_verdict(name: &str, verdict: &Verdict, out: &mut impl Write) -> io::Result<()> {
    match &verdict.verdict {
        Ok(()) => writeln!(out, "  {name:<9}  {GOOD}OK{GOOD:#}"),
        Err(error) => writeln!(out, "  {name:<9}  {BAD}{error}{BAD:#}"),
    }
}

fn write_json(subject: &Subject, verdicts: &Verdicts, out: &mut impl Write) -> io::Result<()> {
    let object = json!({
        "source": subject.source,
        "txid": subject.question.tx.compute_txid().to_string(),
        "input": subject.question.index,
        "expected": subject.expected,
        "as_named": verdict_json(&verdicts.asked),
        "consensus": verdict_json(&verdicts.consensus),
        "policy": verdict_json(&verdicts.policy),
    });
    writeln!(out, "{object}")
}

fn verdict_json(verdict: &Verdict) -> Value {
    let (name, place) = match &verdict.verdict {
        Ok(()) => ("OK", None),
        Err(VerifyError::Script { error, location }) => (error.name(), Some(location)),
        Err(VerifyError::Usage(_)) => ("NONE", None),
    };
    json!({ "flags": verdict.flags.to_string(), "verdict": name, "stopped": location(place) })
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
