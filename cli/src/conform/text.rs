//! Writes the result as text: a table of rules, the first differences, and a sentence.

use std::io::{self, Write};

use anstyle::Style;
use sigstack_debugger::counted;

use super::answer::Outcome;
use super::tally::{Judged, Results, Tally};
use crate::output::{BAD, GOOD};
use crate::table::{self, Align, Cell};

/// Maximum number of differing cases that the text output shows.
const SHOWN: usize = 10;

/// Maximum number of cases shown with an unexpected error name, if these do not count as differences.
const SHOWN_OTHER_ERRORS: usize = 3;

/// Maximum number of reasons for abstaining that the text output shows.
const SHOWN_REASONS: usize = 5;

/// Writes the result as text. If `all` is `true`, the table has a row for every rule.
pub(super) fn write(results: &Results<'_>, all: bool, out: &mut impl Write) -> io::Result<()> {
    let gathered = results.gathered;
    if let Some(set) = &gathered.set {
        writeln!(out, "{set}\n")?;
    }
    write_table(results, all, out)?;
    for judged in results.failures().take(SHOWN) {
        write_case(judged, out)?;
    }
    let failures = results.total.failures(results.errors);
    if let Some(more @ 1..) = results.failures().count().checked_sub(SHOWN) {
        writeln!(out, "and {}; --json lists all\n", counted(more, "more difference"))?;
    }
    for judged in results.other_errors().take(SHOWN_OTHER_ERRORS) {
        write_case(judged, out)?;
    }
    write_notes(results, out)?;
    let style = if failures == 0 && gathered.errors.is_empty() { GOOD } else { BAD };
    for line in table::wrap(&results.sentence(), crate::output::width()) {
        writeln!(out, "{style}{line}{style:#}")?;
    }
    Ok(())
}

/// Writes the table with the counts of each rule and the total. Unless `all` is set, the rules in full agreement
/// share one row, and so do the rules for which the implementation always abstained.
fn write_table(results: &Results<'_>, all: bool, out: &mut impl Write) -> io::Result<()> {
    let mut rows = Vec::new();
    let (mut agreeing, mut abstained) = ((0, Tally::default()), (0, Tally::default()));
    for (name, tally) in &results.rules {
        let rest = match (tally.of(Outcome::Agrees), tally.of(Outcome::Abstained)) {
            _ if all => None,
            (agree, _) if agree == tally.total() => Some(&mut agreeing),
            (_, abstain) if abstain == tally.total() => Some(&mut abstained),
            _ => None,
        };
        match rest {
            Some((count, sum)) => {
                *count += 1;
                sum.merge(*tally);
            }
            None => rows.push(row((*name).to_owned(), tally, results.errors)),
        }
    }
    if rows.is_empty() && abstained.0 == 0 {
        return Ok(());
    }
    for ((count, sum), what) in [(abstained, "abstained from"), (agreeing, "in agreement")] {
        if count > 0 {
            rows.push(row(format!("({} {what})", counted(count, "rule")), &sum, results.errors));
        }
    }
    rows.push(row("total".into(), &results.total, results.errors));
    let columns = core::iter::once(("rule", Align::Left));
    let columns: Vec<(&str, Align)> =
        columns.chain(Outcome::ALL.map(|outcome| (outcome.name(), Align::Right))).collect();
    table::write(out, &columns, &rows)?;
    writeln!(out)
}

fn row(name: String, tally: &Tally, errors: bool) -> Vec<Cell> {
    let count = |(outcome, count): (Outcome, usize)| {
        let style = if count > 0 && outcome.fails(errors) { BAD } else { Style::new() };
        (count.to_string(), style)
    };
    core::iter::once((name, Style::new())).chain(tally.counts().map(count)).collect()
}

fn write_case(judged: &Judged<'_>, out: &mut impl Write) -> io::Result<()> {
    let case = &judged.asked.case;
    let name = judged.outcome.name();
    writeln!(out, "{BAD}{name}{BAD:#} {}", case.id)?;
    if !case.comment.is_empty() {
        write!(out, "{}", table::wrapped(&format!("     about     {}", case.comment)))?;
    }
    write!(out, "{}", table::wrapped(&format!("     rule      {}", judged.asked.row)))?;
    writeln!(out, "     expected  {}", case.expected)?;
    write!(out, "{}", table::wrapped(&format!("     got       {}", judged.replied.reply)))?;
    if let Some(line) = judged.replied.reply.stderr().lines().last() {
        write!(out, "{}", table::wrapped(&format!("     stderr    {line}")))?;
    }
    writeln!(out)
}

fn write_notes(results: &Results<'_>, out: &mut impl Write) -> io::Result<()> {
    let gathered = results.gathered;
    // The project's own folder contains files of other kinds. These are not reported, because the user did not name them.
    for name in gathered.others.iter().filter(|_| gathered.set.is_none()) {
        writeln!(out, "not a vector file: {name}")?;
    }
    for (reason, count) in &gathered.left_out {
        writeln!(out, "not asked: {}: {reason}", counted(*count, "case"))?;
    }
    if gathered.repeated > 0 {
        let repeated = counted(gathered.repeated, "further case");
        writeln!(out, "{repeated} of the {} are the same as others", counted(gathered.files, "file"))?;
    }
    let reasons = results.abstentions();
    for (reason, count) in reasons.iter().filter(|(reason, _)| !reason.is_empty()).take(SHOWN_REASONS) {
        write!(out, "{}", table::wrapped(&format!("abstained from {}: {reason}", counted(*count, "case"))))?;
    }
    if results.as_policy > 0 {
        let cases = counted(results.as_policy, "rejected case");
        writeln!(out, "{cases} agree with today's policy, which refuses opcodes of proposals")?;
    }
    if let Some(first) = results.not_asked().next() {
        let cases = counted(results.not_asked, "case");
        let text = format!(
            "not asked, because the run stopped: {cases}, the first of them {first}; --json lists all"
        );
        write!(out, "{}", table::wrapped(&text))?;
    }
    if let Some(lost) = results.lost() {
        write!(out, "{}", table::wrapped(&lost))?;
    }
    if results.unnamed > 0 && !results.errors {
        writeln!(out, "rejections without the name of an error: {}", results.unnamed)?;
    }
    Ok(())
}
