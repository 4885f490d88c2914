//! Writes the verdicts of `sigstack verify` as text.

use std::io::{self, Write};

use sigstack_debugger::text::unchecked;
use sigstack_interpreter::{Gap, ScriptError};

use super::standardness::Extent;
use super::{Failure, Report, Verdict, Whole};
use crate::output::{BAD, GOOD};
use crate::prevouts::list;
use crate::subject::Subject;

/// Column of the output at which verdicts begin.
const INDENT: usize = 13;

/// Writes all verdicts on one transaction, PSBT, case or script as text.
pub(super) fn write(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    let subject = report.subject;
    if let Some(source) = &subject.source {
        writeln!(out, "{source}")?;
    }
    let numbered = if subject.tx.input.len() > 1 { ", inputs counted from 0" } else { "" };
    writeln!(out, "transaction {}{numbered}", subject.tx.compute_txid())?;
    if let Some(expected) = &subject.expected {
        writeln!(out, "  expected   {expected}")?;
    }
    let mut explained = Vec::new();
    if report.as_named.flags != report.consensus.flags {
        write_verdict("as named", report, &report.as_named, &mut explained, out)?;
    }
    write_verdict("consensus", report, &report.consensus, &mut explained, out)?;
    write_policy(report, &mut explained, out)?;
    write_lines("unchecked", &report.unchecked(), out)
}

/// Writes a name, and next to it the given lines in one column.
fn write_lines(name: &str, lines: &[String], out: &mut impl Write) -> io::Result<()> {
    for (nth, line) in lines.iter().enumerate() {
        match nth {
            0 => writeln!(out, "  {name:<9}  {line}")?,
            _ => writeln!(out, "{:INDENT$}{line}", "")?,
        }
    }
    Ok(())
}

/// Describes which inputs were verified.
fn scope(subject: &Subject) -> String {
    match (subject.inputs.as_slice(), subject.tx.input.len()) {
        ([], _) => "no inputs".into(),
        (_, 1) => "the only input".into(),
        (inputs, all) if inputs.len() == all => format!("all {all} inputs"),
        (inputs, all) => format!("{} of {all}", list(inputs)),
    }
}

/// Explanations that were already written, each with the index of its input. They are not repeated for verdicts under
/// other flags.
type Explained<'r> = Vec<(usize, &'r str)>;

fn write_verdict<'r>(
    name: &str,
    report: &'r Report<'_>,
    verdict: &'r Verdict,
    explained: &mut Explained<'r>,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut lines = failures(report, verdict, explained);
    if lines.is_empty() {
        lines = accepted(report.subject, &verdict.gaps, &scope(report.subject));
    }
    write_lines(name, &lines, out)
}

/// Returns the lines of the verdict on valid inputs: `OK` with the text `scope` about what was verified, and the
/// rules that were not checked.
fn accepted(subject: &Subject, gaps: &[(usize, Gap)], scope: &str) -> Vec<String> {
    match gaps {
        [] => vec![format!("{GOOD}OK{GOOD:#} ({scope})")],
        [(_, gap)] if subject.inputs.len() == 1 => {
            vec![format!("{GOOD}OK{GOOD:#}, but {} ({scope})", unchecked(gap))]
        }
        gaps => {
            let gaps = by_text(gaps).into_iter().map(|(text, inputs)| format!("{}: {text}", list(&inputs)));
            [format!("{GOOD}OK{GOOD:#} ({scope}), but:")].into_iter().chain(gaps).collect()
        }
    }
}

/// Groups unchecked rules by their description. Returns each description with the indices of the inputs.
fn by_text(gaps: &[(usize, Gap)]) -> Vec<(String, Vec<usize>)> {
    let mut found: Vec<(String, Vec<usize>)> = Vec::new();
    for (input, gap) in gaps {
        let text = unchecked(gap);
        match found.iter_mut().find(|(known, _)| *known == text) {
            Some((_, inputs)) => inputs.push(*input),
            None => found.push((text, vec![*input])),
        }
    }
    found
}

/// Returns the lines about failures: for each invalid input, its error and the explanations not yet written, then the
/// violated rules of the whole transaction.
fn failures<'r>(report: &Report<'_>, verdict: &'r Verdict, explained: &mut Explained<'r>) -> Vec<String> {
    let inputs = report.subject.tx.input.len();
    let of_input = |failure: &Failure| {
        let Failure { input, error, location, .. } = failure;
        let place = if inputs == 1 { String::new() } else { format!("input {input} of {inputs}, ") };
        let mut location = location.to_string();
        if *error == ScriptError::TemplateMismatch {
            // Only the activated proposal can fail with this error.
            location = location.replace("OP_NOP4", "OP_CHECKTEMPLATEVERIFY");
        }
        format!("{BAD}{}: {}; in {place}{location}{BAD:#}", error.name(), error.summary())
    };
    let mut lines = Vec::new();
    for failure in &verdict.failures {
        lines.push(of_input(failure));
        for text in &failure.explanation {
            let key = (failure.input, text.as_str());
            if !explained.contains(&key) {
                explained.push(key);
                lines.push(format!("why {text}"));
            }
        }
    }
    if let Some(rule) = verdict.rule {
        lines.push(format!("{BAD}{}: {rule}{BAD:#}", rule.name()));
    }
    if let Whole::Invalid { reason, text } = &report.whole {
        lines.push(format!("{BAD}{reason}: {text}{BAD:#}"));
    }
    lines
}

/// Writes the policy verdict, which combines the script policy flags and the standardness rules.
fn write_policy<'r>(
    report: &'r Report<'_>,
    explained: &mut Explained<'r>,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut lines = failures(report, &report.policy, explained);
    let standardness = &report.standardness;
    if let Err(error) = &standardness.verdict
        && !matches!(&report.whole, Whole::Invalid { reason, .. } if *reason == error.reason())
    {
        lines.push(format!("{BAD}{error}{BAD:#}"));
    }
    if lines.is_empty() {
        let standard = match standardness.extent {
            Extent::Transaction => "the transaction is standard",
            Extent::Part => "the part that can be checked is standard",
            Extent::Inputs => "standard",
            Extent::Nothing => "script policy flags alone",
        };
        lines = accepted_by_policy(report, &format!("{}, {standard}", scope(report.subject)));
    }
    write_lines("policy", &lines, out)
}

/// Returns the lines of the policy verdict on valid inputs. Unchecked rules that were already written for the
/// consensus verdict are not repeated.
fn accepted_by_policy(report: &Report<'_>, scope: &str) -> Vec<String> {
    let (gaps, of_consensus) = (&report.policy.gaps, &report.consensus.gaps);
    if of_consensus.is_empty() || !report.consensus.failures.is_empty() {
        return accepted(report.subject, gaps, scope);
    }
    if gaps == of_consensus {
        return vec![format!("{GOOD}OK{GOOD:#}, with the exceptions named under consensus ({scope})")];
    }
    let mut lines = accepted(report.subject, gaps, scope);
    if let [only] = lines.as_mut_slice()
        && gaps.is_empty()
    {
        only.push_str("; the rules that consensus left unchecked ran here");
    }
    lines
}
