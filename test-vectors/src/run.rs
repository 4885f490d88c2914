//! Runs the cases of a file, in parallel, and counts.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::check::Mismatch;
use crate::file::{Entry, VectorFile};

/// Which cases to run, and whom to tell.
#[derive(Clone, Copy, Default)]
pub struct RunOptions<'a> {
    /// Run only cases whose id or comment contains this text, in upper or lower case.
    pub filter: Option<&'a str>,
    /// Called after each case, from any thread.
    pub progress: Option<&'a (dyn Fn() + Sync)>,
}

impl core::fmt::Debug for RunOptions<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RunOptions").field("filter", &self.filter).finish_non_exhaustive()
    }
}

/// What came out of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Cases that got the verdict that the file expects.
    pub passed: usize,
    /// Cases that did not, in the order of the file.
    pub failures: Vec<Failure>,
    /// How many of the passed cases were judged by another reading than the plain one, by that reading.
    pub readings: BTreeMap<&'static str, usize>,
    /// Cases that did not run, by reason.
    pub skipped: BTreeMap<&'static str, usize>,
}

/// A case that did not get its expected verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The case's number in the file, from 1.
    pub number: usize,
    /// The case's id.
    pub id: Option<String>,
    /// What the case shows.
    pub comment: String,
    /// What was expected and what came.
    pub mismatch: Mismatch,
}

impl Report {
    /// The number of cases that ran.
    pub fn ran(&self) -> usize {
        self.passed + self.failures.len()
    }

    /// The number of cases that did not run.
    pub fn skipped_count(&self) -> usize {
        self.skipped.values().sum()
    }
}

/// What became of a case.
enum Fate {
    Passed,
    PassedAs(&'static str),
    Failed(Box<Mismatch>),
    Skipped(&'static str),
}

/// Runs the cases of a file on the threads of the current rayon pool.
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
