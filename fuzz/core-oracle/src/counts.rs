//! What came out, by origin.

use std::collections::BTreeMap;
use std::fmt;

use sigstack_interpreter::ScriptError;
use sigstack_vectors::{Expect, Question};

use crate::compare::{Comparison, Outcome, case, is_of_core};
use crate::source::Origin;

/// A row of the table.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    agree: u64,
    other_verdict: u64,
    other_error: u64,
    failed: u64,
    unreadable: u64,
    /// Those that Core accepts.
    accepted: u64,
}

impl Row {
    fn add(&mut self, other: &Row) {
        self.agree += other.agree;
        self.other_verdict += other.other_verdict;
        self.other_error += other.other_error;
        self.failed += other.failed;
        self.unreadable += other.unreadable;
        self.accepted += other.accepted;
    }

    fn compared(&self) -> u64 {
        self.agree + self.other_verdict + self.other_error
    }

    /// In the order of [`COLUMNS`].
    fn columns(&self) -> [u64; 7] {
        let Row { agree, other_verdict, other_error, failed, unreadable, accepted } = *self;
        [self.compared(), agree, other_verdict, other_error, failed, accepted, unreadable]
    }
}

/// What the table counts.
const COLUMNS: [&str; 7] =
    ["cases", "agree", "other verdict", "other error", "failed", "accepted", "not read by Core"];

/// A case about which the two differ.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    origin: Origin,
    number: u64,
    comparison: Comparison,
    /// In the vector format, with Core's verdict.
    case: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison { engine, core, .. } = &self.comparison;
        writeln!(f, "case {} ({}): the engine says {engine}, Core {core}", self.number, self.origin)?;
        write!(f, "{}", self.case)
    }
}

/// The counts of a run.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    rows: BTreeMap<Origin, Row>,
    /// Core's answers.
    answers: BTreeMap<String, u64>,
    pub(crate) differences: Vec<Difference>,
}

impl Counts {
    /// Counts a comparison.
    pub(crate) fn add(&mut self, origin: Origin, number: u64, question: &Question, comparison: Comparison) {
        let row = self.rows.entry(origin).or_default();
        let count = match comparison.outcome {
            Outcome::Agree => &mut row.agree,
            Outcome::OtherVerdict => &mut row.other_verdict,
            Outcome::OtherError => &mut row.other_error,
            Outcome::Died | Outcome::Usage => &mut row.failed,
            Outcome::Unreadable => &mut row.unreadable,
        };
        *count += 1;
        if comparison.is_verdict() {
            row.accepted += u64::from(comparison.core == "OK");
            *self.answers.entry(comparison.core.clone()).or_default() += 1;
        }
        if !matches!(comparison.outcome, Outcome::Agree | Outcome::Unreadable) {
            let expect = Expect::from_name(&comparison.core).unwrap_or(Expect::Ok);
            let case = case(question, expect, &format!("{origin}, case {number}")).to_line();
            self.differences.push(Difference { origin, number, comparison, case });
        }
    }

    /// The differences by the engine's verdict and Core's.
    pub(crate) fn by_verdicts(&self) -> BTreeMap<(&str, &str), Vec<&Difference>> {
        let mut pairs: BTreeMap<_, Vec<&Difference>> = BTreeMap::new();
        for difference in &self.differences {
            let Comparison { engine, core, .. } = &difference.comparison;
            pairs.entry((engine.as_str(), core.as_str())).or_default().push(difference);
        }
        pairs
    }

    fn total(&self) -> Row {
        let mut total = Row::default();
        self.rows.values().for_each(|row| total.add(row));
        total
    }

    /// How many cases had two verdicts.
    pub(crate) fn compared(&self) -> u64 {
        self.total().compared()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: &str| column.len().max(8);
        write!(f, "\n| {:<26} |", "origin")?;
        COLUMNS.iter().try_for_each(|column| write!(f, " {column:>width$} |", width = width(column)))?;
        write!(f, "\n| {:<26} |", "---")?;
        COLUMNS.iter().try_for_each(|column| write!(f, " {:>width$} |", "---:", width = width(column)))?;
        writeln!(f)?;
        let rows = self.rows.iter().map(|(origin, row)| (origin.to_string(), *row));
        for (origin, row) in rows.chain([("all".to_owned(), self.total())]) {
            write!(f, "| {origin:<26} |")?;
            for (number, column) in row.columns().into_iter().zip(COLUMNS) {
                write!(f, " {number:>width$} |", width = width(column))?;
            }
            writeln!(f)?;
        }
        for (pair, differences) in self.by_verdicts() {
            write!(f, "\n{} times the engine said {}, Core {}", differences.len(), pair.0, pair.1)?;
        }
        let errors = self.answers.iter().filter(|(name, _)| *name != "OK");
        let errors: Vec<String> = errors.map(|(name, count)| format!("{name} {count}")).collect();
        writeln!(f, "\n{} errors of Core: {}", errors.len(), errors.join(", "))?;
        let missing = ScriptError::ALL.iter().filter(|error| is_of_core(**error)).map(|error| error.name());
        let missing: Vec<&str> = missing.filter(|name| !self.answers.contains_key(*name)).collect();
        if !missing.is_empty() {
            writeln!(f, "Errors that Core did not give: {}", missing.join(", "))?;
        }
        Ok(())
    }
}
