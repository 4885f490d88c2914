//! Verdicts as text.

use std::io::{self, Write};

use sigstack_debugger::text::unchecked;

use super::standardness::Extent;
use super::{Failure, Report, Verdict, Whole};
use crate::output::{BAD, GOOD};
use crate::prevouts::list;
use crate::subject::Subject;

/// The column at which verdicts begin.
const INDENT: usize = 13;

/// Writes the verdicts on a subject.
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

/// Writes lines under one name.
fn write_lines(name: &str, lines: &[String], out: &mut impl Write) -> io::Result<()> {
    for (nth, line) in lines.iter().enumerate() {
        match nth {
            0 => writeln!(out, "  {name:<9}  {line}")?,
            _ => writeln!(out, "{:INDENT$}{line}", "")?,
        }
    }
    Ok(())
}

/// Which inputs were verified.
fn scope(subject: &Subject) -> String {
    match (subject.inputs.as_slice(), subject.tx.input.len()) {
        ([], _) => "no inputs".into(),
        (_, 1) => "the only input".into(),
        (inputs, all) if inputs.len() == all => format!("all {all} inputs"),
        (inputs, all) => format!("{} of {all}", list(inputs)),
    }
}

/// Explanations that were written, with their inputs: the verdicts under other flags do not repeat them.
type Explained<'r> = Vec<(usize, &'r str)>;

fn write_verdict<'r>(
    name: &str,
    report: &'r Report<'_>,
    verdict: &'r Verdict,
    explained: &mut Explained<'r>,
    out: &mut impl Write,
) -> io::Result<()> {
    let failures = failures(report, verdict, explained);
    if !failures.is_empty() {
        return write_lines(name, &failures, out);
    }
    let scope = scope(report.subject);
    match verdict.gaps.as_slice() {
        [] => writeln!(out, "  {name:<9}  {GOOD}OK{GOOD:#} ({scope})"),
        [(_, gap)] if report.subject.inputs.len() == 1 => {
            writeln!(out, "  {name:<9}  {GOOD}OK{GOOD:#}, but {} ({scope})", unchecked(gap))
        }
        gaps => {
            writeln!(out, "  {name:<9}  {GOOD}OK{GOOD:#} ({scope}), but:")?;
            gaps.iter()
                .try_for_each(|(input, gap)| writeln!(out, "{:INDENT$}input {input}: {}", "", unchecked(gap)))
        }
    }
}

/// The inputs that are invalid, each with the reasons that are new, and the transaction if it is invalid.
fn failures<'r>(report: &Report<'_>, verdict: &'r Verdict, explained: &mut Explained<'r>) -> Vec<String> {
    let inputs = report.subject.tx.input.len();
    let of_input = |failure: &Failure| {
        let Failure { input, error, location, .. } = failure;
        let place = if inputs == 1 { String::new() } else { format!("input {input} of {inputs}, ") };
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
    if let Whole::Invalid { reason, text } = &report.whole {
        lines.push(format!("{BAD}{reason}: {text}{BAD:#}"));
    }
    lines
}

/// Writes the verdict of the script policy flags together with that of the standardness rules.
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
        lines.push(format!("{GOOD}OK{GOOD:#} ({}, {standard})", scope(report.subject)));
    }
    write_lines("policy", &lines, out)
}
