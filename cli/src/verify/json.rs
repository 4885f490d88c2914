//! Writes the verdicts of `sigstack verify` as JSON (docs/json-output.md).

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Failure, Report, Verdict, Whole};
use crate::output::location;

/// Writes all verdicts on one transaction, PSBT, case or script as one JSON object.
pub(super) fn write(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    let subject = report.subject;
    let (whole, explanation) = match &report.whole {
        Whole::NotChecked => (None, None),
        Whole::Valid => (Some("OK"), None),
        Whole::Invalid { reason, text } => (Some(*reason), Some(text)),
    };
    let object = json!({
        "source": subject.source,
        "expected": subject.expected,
        "txid": subject.tx.compute_txid().to_string(),
        "inputs": subject.tx.input.len(),
        "verified": subject.inputs,
        "as_named": verdict(&report.as_named),
        "consensus": verdict(&report.consensus),
        "transaction": { "verdict": whole, "explanation": explanation },
        "policy": { "script": verdict(&report.policy), "standardness": standardness(report) },
        "unchecked": report.unchecked(),
    });
    writeln!(out, "{object}")
}

fn verdict(verdict: &Verdict) -> Value {
    let failures: Vec<Value> = verdict.failures.iter().map(failure).collect();
    let gaps: Vec<Value> = verdict
        .gaps
        .iter()
        .map(|(input, gap)| {
            json!({
                "input": input,
                "rule": gap.unchecked.name(),
                "text": gap.unchecked.to_string(),
                "at": location(Some(&gap.location)),
                "flags": gap.unchecked.missing_flags().map(|flags| flags.to_string()),
            })
        })
        .collect();
    let of_rule = verdict.rule.map(|rule| json!({ "verdict": rule.name(), "summary": rule.to_string() }));
    let name = match (verdict.failures.first(), verdict.rule) {
        (Some(failure), _) => failure.error.name(),
        (None, Some(rule)) => rule.name(),
        (None, None) => "OK",
    };
    json!({
        "flags": verdict.flags.to_string(),
        "verdict": name,
        "failures": failures,
        "rule": of_rule,
        "unchecked": gaps,
    })
}

fn failure(failure: &Failure) -> Value {
    json!({
        "input": failure.input,
        "verdict": failure.error.name(),
        "summary": failure.error.summary(),
        "stopped": location(Some(&failure.location)),
        "explanation": failure.explanation,
    })
}

fn standardness(report: &Report<'_>) -> Value {
    let standardness = &report.standardness;
    let error = standardness.verdict.as_ref().err();
    let verdict = match standardness.extent {
        super::standardness::Extent::Nothing => None,
        _ => Some(error.map_or("OK", |error| error.reason())),
    };
    json!({
        "checked": standardness.extent.name(),
        "verdict": verdict,
        "explanation": error.map(sigstack_policy::PolicyError::explanation),
        "input": error.and_then(|error| error.input()),
        "output": error.and_then(|error| error.output()),
    })
}
