//! Writes the result as one HTML page that needs no other file and no network, with a light and a dark style.

use std::collections::{HashMap, HashSet};

use bitcoin::hashes::{Hash as _, HashEngine as _, sha256};
use sigstack_debugger::counted;
use sigstack_vectors::Question;

use super::answer::Outcome;
use super::details::{scripts, shortened};
use super::junit::escaped;
use super::tally::{Judged, Results, Tally};

const STYLE: &str = include_str!("page.css");

/// Maximum number of cases that the page shows with their details. It keeps the page small for an implementation that
/// fails everywhere.
const MOST_DETAILED: usize = 400;

/// Maximum number of cases that the page shows of each rule.
const MOST_OF_RULE: usize = 40;

/// Returns the report as an HTML page.
pub(super) fn page(results: &Results<'_>) -> String {
    let title = escaped(&format!("Conformance of {}", results.command));
    let body =
        [header(results), table(results), cases(results), not_asked(results), abstentions(results), footer()]
            .concat();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

/// Returns the CSS class of a table cell with the number of cases that have this outcome. Returns an empty text if
/// the number is 0.
fn class(outcome: Outcome, count: usize) -> &'static str {
    match (outcome, count) {
        (_, 0) => "",
        (Outcome::Agrees, _) => "good",
        (Outcome::WrongVerdict | Outcome::NoAnswer, _) => "bad",
        (Outcome::OtherError | Outcome::Abstained, _) => "mind",
    }
}

fn header(results: &Results<'_>) -> String {
    let failures = results.total.failures(results.errors);
    let class_of_all = if failures > 0 { "bad" } else { "good" };
    let verdict = match (failures, results.total.of(Outcome::Abstained)) {
        (0, 0) => "No difference".to_owned(),
        (0, abstained) => format!("No difference; {} abstained from", counted(abstained, "case")),
        (failures, _) => counted(failures, "difference"),
    };
    let stopped: String = results
        .stopped
        .iter()
        .map(|problem| {
            let cases = counted(results.not_asked, "case");
            format!(
                "<p class=\"bad\">The run stopped, and {cases} of these were not asked. {}</p>\n",
                escaped(problem)
            )
        })
        .collect();
    let tiles: String = results
        .total
        .counts()
        .map(|(outcome, count)| {
            format!(
                "<li class=\"{}\"><strong>{count}</strong>{}</li>\n",
                class(outcome, count),
                outcome.name()
            )
        })
        .collect();
    let facts: String = facts(results)
        .into_iter()
        .map(|(name, value)| format!("<dt>{name}</dt><dd>{value}</dd>\n"))
        .collect();
    format!(
        "<h1>Conformance of <code>{}</code></h1>\n<p class=\"verdict {class_of_all}\">{verdict}</p>\n{stopped}\
         <ul class=\"tiles\">\n{tiles}</ul>\n<dl>\n{facts}</dl>\n",
        escaped(&results.command)
    )
}

/// Returns the facts needed to repeat the run, as pairs of a name and a value.
fn facts(results: &Results<'_>) -> Vec<(&'static str, String)> {
    let gathered = results.gathered;
    let files = counted(gathered.files, "file");
    let set = gathered.set.as_deref().unwrap_or("files named on the command line");
    let mut engine = sha256::Hash::engine();
    for judged in &results.cases {
        let case = &judged.asked.case;
        engine.input(format!("{}\t{}\n", case.to_line(), case.expected).as_bytes());
    }
    let digest = sha256::Hash::from_engine(engine);
    let names = match results.errors {
        true => "an error of another name than expected, or without a name, is a difference",
        false => {
            "only verdicts are compared; an error of another name than expected is shown and is no difference"
        }
    };
    let mut facts = vec![
        ("vectors", format!("{} of {files}: {}", counted(results.cases.len(), "case"), escaped(set))),
        (
            "digest of cases",
            format!("<code>{digest}</code> (SHA-256 of the lines asked and the expected verdicts)"),
        ),
        ("errors", names.to_owned()),
        ("runner", format!("sigstack {}", env!("CARGO_PKG_VERSION"))),
    ];
    if results.unnamed > 0 {
        facts.push((
            "unnamed errors",
            format!("{} rejections without a name of Bitcoin Core", results.unnamed),
        ));
    }
    if results.as_policy > 0 {
        let text = format!(
            "{} that today's policy refuses, because a proposal is unknown",
            counted(results.as_policy, "case")
        );
        facts.push(("agree as policy", text));
    }
    facts.extend(results.lost().map(|lost| ("crashes", escaped(&lost))));
    for (reason, count) in &gathered.left_out {
        facts.push(("not asked", format!("{}: {}", counted(*count, "case"), escaped(reason))));
    }
    if !gathered.errors.is_empty() {
        facts.push(("not read", format!("{} of files and cases", counted(gathered.errors.len(), "problem"))));
    }
    facts
}

/// Returns the HTML table with the outcome counts of every rule. Rules with listed cases come first.
fn table(results: &Results<'_>) -> String {
    let headings: String =
        Outcome::ALL.iter().map(|outcome| format!("<th class=\"n\">{}</th>", outcome.name())).collect();
    let cells = |tally: &Tally| -> String {
        let cell = |(outcome, count)| match class(outcome, count) {
            "" => format!("<td class=\"n zero\">{count}</td>"),
            class => format!("<td class=\"n {class}\">{count}</td>"),
        };
        tally.counts().map(cell).collect()
    };
    let listed = results.asked().filter(|judged| is_listed(judged.outcome));
    let with_cases: HashSet<&str> = listed.map(|judged| judged.asked.row.as_str()).collect();
    let mut rules: Vec<(usize, &(&str, Tally))> = results.rules.iter().enumerate().collect();
    rules.sort_by_key(|(_, (rule, _))| !with_cases.contains(rule));
    let row = |(nth, (rule, tally)): (usize, &(&str, Tally))| {
        let name = escaped(rule);
        let name =
            if with_cases.contains(rule) { format!("<a href=\"#rule-{nth}\">{name}</a>") } else { name };
        format!("<tr><td>{name}</td>{}</tr>\n", cells(tally))
    };
    let rows: String = rules.into_iter().map(row).collect();
    format!(
        "<h2>Rules</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th>rule</th>{headings}</tr></thead>\n\
         <tbody>\n{rows}</tbody>\n<tfoot><tr><td>total</td>{}</tr></tfoot>\n</table></div>\n",
        cells(&results.total)
    )
}

/// Returns `true` if the page lists the cases with this outcome one by one.
fn is_listed(outcome: Outcome) -> bool {
    !matches!(outcome, Outcome::Agrees | Outcome::Abstained)
}

/// Returns the HTML list of reasons for which the implementation abstained.
fn abstentions(results: &Results<'_>) -> String {
    let reasons = results.abstentions();
    if reasons.is_empty() {
        return String::new();
    }
    let shown = reasons.iter().take(MOST_OF_RULE);
    let rows: String = shown
        .map(|(reason, count)| {
            let reason = if reason.is_empty() { "no reason given" } else { reason };
            format!("<tr><td>{}</td><td class=\"n\">{count}</td></tr>\n", escaped(reason))
        })
        .collect();
    format!(
        "<h2>Abstained</h2>\n<table>\n<thead><tr><th>reason</th><th class=\"n\">cases</th></tr></thead>\n<tbody>\n{rows}</tbody>\n\
         </table>\n"
    )
}

/// Returns the HTML list of ids of the cases that were not sent to the implementation.
fn not_asked(results: &Results<'_>) -> String {
    if results.not_asked == 0 {
        return String::new();
    }
    let ids: Vec<String> =
        results.not_asked().take(MOST_DETAILED).map(|id| format!("<code>{}</code>", escaped(id))).collect();
    let more = match results.not_asked.checked_sub(MOST_DETAILED) {
        Some(more @ 1..) => format!(", and {more} more; <code>--json</code> lists all"),
        _ => String::new(),
    };
    format!("<h2>Not asked</h2>\n<p>{}{more}</p>\n", ids.join(", "))
}

/// Returns the HTML list of cases with an unexpected answer or without an answer, rule by rule.
fn cases(results: &Results<'_>) -> String {
    let mut by_rule: HashMap<&str, Vec<&Judged<'_>>> = HashMap::new();
    for judged in results.asked().filter(|judged| is_listed(judged.outcome)) {
        by_rule.entry(judged.asked.row.as_str()).or_default().push(judged);
    }
    if by_rule.is_empty() {
        return String::new();
    }
    let mut text = String::from("<h2>Cases</h2>\n");
    let mut room = MOST_DETAILED;
    for (nth, (rule, _)) in results.rules.iter().enumerate() {
        let Some(mut cases) = by_rule.remove(rule) else { continue };
        // Cases that count as differences come before those that are only informative.
        cases.sort_by_key(|judged| (!judged.outcome.fails(results.errors), judged.outcome));
        text.push_str(&format!("<h3 id=\"rule-{nth}\">{}</h3>\n", escaped(rule)));
        let shown = cases.len().min(MOST_OF_RULE).min(room);
        room -= shown;
        cases.iter().take(shown).for_each(|judged| text.push_str(&details(judged)));
        if let Some(more @ 1..) = cases.len().checked_sub(shown) {
            let more = counted(more, "more case");
            text.push_str(&format!(
                "<p class=\"dim\">{more} of this rule; <code>--json</code> lists all</p>\n"
            ));
        }
    }
    text
}

/// Returns the HTML details of a case, in a section that can be unfolded.
fn details(judged: &Judged<'_>) -> String {
    let case = &judged.asked.case;
    let reply = &judged.replied.reply;
    let code = |text: &str| format!("<code>{}</code>", escaped(text));
    let mut facts = vec![("comment".to_owned(), escaped(&case.comment))];
    facts.extend(case.source.iter().map(|source| ("source".to_owned(), escaped(source))));
    facts.push(("found in".into(), escaped(&judged.asked.places.join(", "))));
    let (subject, flags) = match &case.question {
        Question::Input(question) => (question.index.to_string(), question.flags),
        Question::Transaction(question) => ("all".into(), question.flags),
    };
    facts.push(("input".into(), subject));
    facts.push(("flags".into(), code(&flags.to_string().replace(',', " "))));
    facts.extend(scripts(case).into_iter().map(|(name, text)| (name, code(&text))));
    if !reply.stderr().is_empty() {
        facts.push(("standard error".into(), format!("<pre>{}</pre>", escaped(reply.stderr()))));
    }
    facts.push(("line asked".into(), format!("<pre>{}</pre>", escaped(&shortened(case.to_line())))));
    let facts: String = facts
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("<dt>{name}</dt><dd>{value}</dd>\n"))
        .collect();
    format!(
        "<details><summary><span class=\"{}\">{}</span> {}: expected {}, got {}</summary><div><dl>\n{facts}</dl></div></details>\n",
        class(judged.outcome, 1),
        judged.outcome.name(),
        code(&case.id),
        code(&case.expected.to_string()),
        code(&reply.to_string()),
    )
}

fn footer() -> String {
    "<p class=\"dim\">Written by <code>sigstack conform</code>. A case of the project is shown opcode by opcode by <code>sigstack trace \
     --case ID</code>.</p>\n"
        .into()
}
