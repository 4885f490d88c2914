//! Results of comparing the engine with Core, counted by the origin of the cases.

use std::collections::BTreeMap;
use std::fmt;

use sigstack_interpreter::ScriptError;
use sigstack_vectors::{Expect, InputQuestion};

use crate::compare::{Comparison, Outcome, case, is_of_core};
use crate::source::Origin;

/// A row of the result table: the counts for one origin of the cases.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    agree: u64,
    other_verdict: u64,
    other_error: u64,
    failed: u64,
    only_engine: u64,
    neither: u64,
    /// Number of cases of this origin that Core accepts.
    accepted: u64,
}

impl Row {
    fn add(&mut self, other: &Row) {
        self.agree += other.agree;
        self.other_verdict += other.other_verdict;
        self.other_error += other.other_error;
        self.failed += other.failed;
        self.only_engine += other.only_engine;
        self.neither += other.neither;
        self.accepted += other.accepted;
    }

    fn compared(&self) -> u64 {
        self.agree + self.other_verdict + self.other_error
    }

    /// Returns the counts of this row in the order of [`COLUMNS`].
    fn columns(&self) -> [u64; 8] {
        let Row { agree, other_verdict, other_error, failed, only_engine, neither, accepted } = *self;
        [self.compared(), agree, other_verdict, other_error, failed, accepted, only_engine, neither]
    }
}

/// Headings of the result table's columns.
const COLUMNS: [&str; 8] = [
    "cases",
    "agree",
    "other verdict",
    "other error",
    "failed",
    "accepted",
    "no verdict of Core",
    "no verdict",
];

/// Maximum number of cases on which only the engine may give a verdict. Each such case could hide a difference.
const MOST_ONLY_ENGINE: u64 = 0;

/// A case on which the engine and Core did not give the same verdict.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    origin: Origin,
    number: u64,
    comparison: Comparison,
    /// The case in the vector format, with Core's verdict as the expected one.
    case: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison { engine, core, .. } = &self.comparison;
        writeln!(f, "case {} ({}): the engine says {engine}, Core {core}", self.number, self.origin)?;
        write!(f, "{}", self.case)
    }
}

/// Results of comparing the engine with Core on many cases.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    rows: BTreeMap<Origin, Row>,
    /// Number of cases for each verdict of Core, such as `OK` or the name of an error.
    answers: BTreeMap<String, u64>,
    pub(crate) differences: Vec<Difference>,
    /// Cases on which only the engine gives a verdict, grouped by Core's answer. For each answer, only the first case
    /// and the number of cases are stored.
    only_engine: BTreeMap<String, (Difference, u64)>,
}

impl Counts {
    /// Counts the result of one comparison.
    pub(crate) fn add(
        &mut self,
        origin: Origin,
        number: u64,
        question: &InputQuestion,
        comparison: Comparison,
    ) {
        let row = self.rows.entry(origin).or_default();
        let count = match comparison.outcome {
            Outcome::Agree => &mut row.agree,
            Outcome::OtherVerdict => &mut row.other_verdict,
            Outcome::OtherError => &mut row.other_error,
            Outcome::Died | Outcome::Usage => &mut row.failed,
            Outcome::OnlyEngine => &mut row.only_engine,
            Outcome::Neither => &mut row.neither,
        };
        *count += 1;
        if comparison.is_verdict() {
            row.accepted += u64::from(comparison.core == "OK");
            *self.answers.entry(comparison.core.clone()).or_default() += 1;
        }
        if matches!(comparison.outcome, Outcome::Agree | Outcome::Neither) {
            return;
        }
        let expect = Expect::from_name(&comparison.core).unwrap_or(Expect::Ok);
        let case = case(question, expect, &format!("{origin}, case {number}")).to_line();
        let difference = Difference { origin, number, comparison, case };
        if difference.comparison.outcome != Outcome::OnlyEngine {
            self.differences.push(difference);
            return;
        }
        let answer = difference.comparison.core.clone();
        self.only_engine.entry(answer).or_insert((difference, 0)).1 += 1;
    }

    /// Returns `true` if the engine and Core differ on no case, and at most [`MOST_ONLY_ENGINE`] cases have a verdict
    /// of the engine only.
    pub(crate) fn agree(&self) -> bool {
        let is_hidden = self.total().only_engine > MOST_ONLY_ENGINE;
        self.differences.is_empty() && !is_hidden
    }

    /// Returns the cases on which the engine and Core differ, grouped by the engine's verdict and Core's.
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

    /// Returns the number of cases on which both the engine and Core gave a verdict.
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
        for (answer, (first, count)) in &self.only_engine {
            write!(
                f,
                "\n{count} times only the engine gave a verdict, Core {answer}; the first is {first}\n"
            )?;
        }
        let only_engine = self.total().only_engine;
        if only_engine > MOST_ONLY_ENGINE {
            writeln!(
                f,
                "\nOnly the engine gave a verdict about {only_engine} cases; at most {MOST_ONLY_ENGINE} are allowed, because a \
                 difference about them is not seen"
            )?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use bitcoin::absolute::LockTime;
    use bitcoin::transaction::Version;
    use bitcoin::{Transaction, TxIn, TxOut};
    use sigstack_interpreter::Flags;

    fn counts(outcomes: &[(Outcome, &str)]) -> Counts {
        let (input, output) = (vec![TxIn::default()], vec![]);
        let tx = Transaction { version: Version::TWO, lock_time: LockTime::ZERO, input, output };
        let question = InputQuestion { tx, prevouts: vec![TxOut::NULL], index: 0, flags: Flags::NONE };
        let mut counts = Counts::default();
        for (number, (outcome, core)) in (0..).zip(outcomes) {
            let comparison =
                Comparison { outcome: *outcome, engine: "VERIFY".to_owned(), core: (*core).to_owned() };
            counts.add(Origin::Recipe, number, &question, comparison);
        }
        counts
    }

    #[test]
    fn a_case_without_a_verdict_of_core_is_no_agreement() {
        assert!(counts(&[(Outcome::Agree, "VERIFY"), (Outcome::Neither, "? a")]).agree());
        assert!(!counts(&[(Outcome::Agree, "VERIFY"), (Outcome::OtherVerdict, "OK")]).agree());
        let one =
            counts(&[(Outcome::Agree, "VERIFY"), (Outcome::OnlyEngine, "? a"), (Outcome::OnlyEngine, "? a")]);
        assert!(!one.agree() && one.differences.is_empty());
        let text = one.to_string();
        assert!(
            text.contains(
                "\n2 times only the engine gave a verdict, Core ? a; the first is case 1 (random recipes): "
            ),
            "{text}"
        );
        assert!(text.contains("gave a verdict about 2 cases; at most 0 are allowed"), "{text}");
        assert_eq!(one.compared(), 1);
    }
}
