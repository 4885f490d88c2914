//! Runs the cases of a file in parallel and counts the results.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::file::{Entry, VectorFile};
use crate::outcome::Mismatch;

/// Options of a run: which cases to run, and a callback that is called after each case.
#[derive(Clone, Copy, Default)]
pub struct RunOptions<'a> {
    /// Run only cases whose id or comment contains this text, ignoring case.
    pub filter: Option<&'a str>,
    /// Callback that is called after each case, possibly from several threads.
    pub progress: Option<&'a (dyn Fn() + Sync)>,
}

impl core::fmt::Debug for RunOptions<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RunOptions").field("filter", &self.filter).finish_non_exhaustive()
    }
}

/// Results of running the cases of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Number of cases that passed. Includes the cases in `readings`, whose different answer is accepted for a reason.
    pub passed: usize,
    /// Cases whose answer was not the expected one, in file order.
    pub failures: Vec<Failure>,
    /// Number of passed cases whose answer differs from the one in the file, for each reason to accept the difference.
    /// One reason is that older versions of Bitcoin Core reported another error.
    pub readings: BTreeMap<&'static str, usize>,
    /// Number of cases that did not run, for each reason why cases were skipped.
    pub skipped: BTreeMap<&'static str, usize>,
}

/// A case that failed: its answer was not the expected one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// Number of the failed case in its file, counted from 1. Comments are not counted.
    pub number: usize,
    /// Id of the case, if it has one.
    pub id: Option<String>,
    /// Comment on the failed case, as given in the vector file.
    pub comment: String,
    /// The expected answer, and the answer of the interpreter.
    pub mismatch: Mismatch,
}

impl Report {
    /// Returns the number of cases that ran: those that passed and those that failed.
    pub fn ran(&self) -> usize {
        self.passed + self.failures.len()
    }

    /// Returns the number of cases that were skipped.
    pub fn skipped_count(&self) -> usize {
        self.skipped.values().sum()
    }
}

/// What happened to one case during a run: passed, failed or skipped.
enum Fate {
    Passed,
    PassedAs(&'static str),
    Failed(Box<Mismatch>),
    Skipped(&'static str),
}

/// Runs the cases of a file in parallel, on the threads of the current rayon pool.
pub fn run(file: &VectorFile, options: RunOptions<'_>) -> Report {
    let fate = |entry: &Entry| {
        let fate = fate(file, entry, options.filter);
        if let Some(progress) = options.progress {
            progress();
        }
        fate
    };
    let fates: Vec<Fate> = file.entries.par_iter().map(fate).collect();
    let mut report = Report::default();
    for (entry, fate) in file.entries.iter().zip(fates) {
        match fate {
            Fate::Passed => report.passed += 1,
            Fate::PassedAs(reading) => {
                report.passed += 1;
                *report.readings.entry(reading).or_default() += 1;
            }
            Fate::Skipped(reason) => *report.skipped.entry(reason).or_default() += 1,
            Fate::Failed(mismatch) => report.failures.push(Failure {
                number: entry.number,
                id: entry.id.clone(),
                comment: entry.comment.clone(),
                mismatch: *mismatch,
            }),
        }
    }
    report
}

fn fate(file: &VectorFile, entry: &Entry, filter: Option<&str>) -> Fate {
    if filter.is_some_and(|text| !entry.mentions(text)) {
        return Fate::Skipped("filtered out");
    }
    match file.run(entry) {
        Ok(()) => Fate::Passed,
        Err(mismatch) => entry.excuse().map_or(Fate::Failed(mismatch), Fate::PassedAs),
    }
}
