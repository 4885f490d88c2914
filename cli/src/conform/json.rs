//! Writes the result as JSON lines: the cases that do not agree, and a summary.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::answer::Outcome;
use super::tally::{Judged, Results, Tally};

/// Writes a JSON object for each case that does not agree, and a summary object.
pub(super) fn write(results: &Results<'_>, out: &mut impl Write) -> io::Result<()> {
    for judged in results.cases.iter().filter(|judged| judged.outcome != Outcome::Agrees) {
        writeln!(out, "{}", of_case(judged))?;
    }
    writeln!(out, "{}", json!({ "summary": summary(results) }))
}

fn of_case(judged: &Judged<'_>) -> Value {
    let case = &judged.asked.case;
    json!({
        "outcome": judged.outcome.key(),
        "id": case.id,
        "places": judged.asked.places,
        "group": case.group,
        "rule": case.rule,
        "source": case.source,
        "comment": case.comment,
        "expected": case.expected.to_string(),
        "got": judged.replied.reply.to_string(),
        "stderr": judged.replied.reply.stderr(),
        "line": case.to_line(),
    })
}

fn counts(tally: &Tally) -> Map<String, Value> {
    tally.counts().map(|(outcome, count)| (outcome.key(), count.into())).collect()
}

fn summary(results: &Results<'_>) -> Value {
    let gathered = results.gathered;
    let rules = results.rules.iter().map(|(rule, tally)| {
        let mut row = counts(tally);
        row.insert("rule".into(), (*rule).into());
        Value::Object(row)
    });
    let errors = gathered.errors.iter().map(|error| {
        json!({
            "file": error.file,
            "case": error.case,
            "field": error.field,
            "problem": error.problem.to_string(),
        })
    });
    json!({
        "command": results.command,
        "set": gathered.set,
        "files": gathered.files,
        "cases": results.cases.len(),
        "repeated": gathered.repeated,
        "total": counts(&results.total),
        "differences": results.total.failures(results.errors),
        "unnamed": results.unnamed,
        "as_policy": results.as_policy,
        "not_asked": results.not_asked,
        "crashed_between_cases": results.lost.processes,
        "abstentions": results.abstentions().into_iter().map(|(reason, cases)| json!({ "reason": reason, "cases": cases })).collect::<Value>(),
        "rules": rules.collect::<Value>(),
        "left_out": gathered.left_out,
        "not_vector_files": gathered.others,
        "errors": errors.collect::<Value>(),
    })
}
