//! Writes the result as JUnit XML, with a test suite for each rule and a test case for each case.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::answer::Outcome;
use super::tally::{Judged, Results, Tally};

/// Returns the results as a JUnit XML document.
pub(super) fn document(results: &Results<'_>) -> String {
    let mut suites: HashMap<&str, Vec<&Judged<'_>>> = HashMap::new();
    for judged in &results.cases {
        suites.entry(judged.asked.row.as_str()).or_default().push(judged);
    }
    let all: Vec<&Judged<'_>> = results.cases.iter().collect();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let counts = counts(&results.total, results.errors, &all);
    text.push_str(&format!("<testsuites name=\"{}\" {counts}>\n", escaped(&results.command)));
    for (rule, tally) in &results.rules {
        let cases = suites.remove(rule).unwrap_or_default();
        let counts = self::counts(tally, results.errors, &cases);
        text.push_str(&format!("  <testsuite name=\"{}\" {counts}>\n", escaped(rule)));
        for judged in cases {
            write_case(judged, results.errors, &mut text);
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

/// Returns the XML attributes with the counts of a test suite. In JUnit a wrong answer is a failure, and a missing
/// answer is an error.
fn counts(tally: &Tally, errors: bool, cases: &[&Judged<'_>]) -> String {
    let without_answer = tally.of(Outcome::NoAnswer);
    let time: Duration = cases.iter().map(|judged| judged.replied.took).sum();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{without_answer}\" skipped=\"{}\" time=\"{:.3}\"",
        tally.total(),
        tally.failures(errors) - without_answer,
        tally.of(Outcome::Abstained),
        time.as_secs_f64(),
    )
}

fn write_case(judged: &Judged<'_>, errors: bool, text: &mut String) {
    let case = &judged.asked.case;
    let class = case.group.as_deref().unwrap_or("cases");
    let time = judged.replied.took.as_secs_f64();
    let (id, class) = (escaped(&case.id), escaped(class));
    // Writing to a string cannot fail.
    let _ = write!(text, "    <testcase classname=\"{class}\" name=\"{id}\" time=\"{time:.3}\"");
    let reply = escaped(&judged.replied.reply.to_string());
    let message = format!("expected {}, got {reply}", escaped(&case.expected.to_string()));
    let kind = judged.outcome.name();
    let places = judged.asked.places.join(", ");
    let about = escaped(&format!("{}\n{places}\n{}", case.comment, case.to_line()));
    let element = match judged.outcome {
        Outcome::Abstained => format!("<skipped message=\"{reply}\"/>"),
        Outcome::NoAnswer => {
            let stderr = escaped(judged.replied.reply.stderr());
            format!("<error type=\"{kind}\" message=\"{message}\">{about}\n{stderr}</error>")
        }
        outcome if outcome.fails(errors) => {
            format!("<failure type=\"{kind}\" message=\"{message}\">{about}</failure>")
        }
        Outcome::OtherError => format!("<system-out>{message}</system-out>"),
        _ => return text.push_str("/>\n"),
    };
    text.push_str(&format!(">{element}</testcase>\n"));
}

/// Escapes a text for XML and HTML, in elements and attributes. Characters that XML does not allow are replaced.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_end_an_element_or_an_attribute() {
        assert_eq!(escaped("a<b>&\"c'\n"), "a&lt;b&gt;&amp;&quot;c'\n");
        assert_eq!(escaped("\u{0}\u{1b}[1m\r\u{ffff}é"), "\u{fffd}\u{fffd}[1m\u{fffd}\u{fffd}é");
    }
}
