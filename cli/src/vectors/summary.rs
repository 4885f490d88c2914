//! The summary of `sigstack vectors`: the results of each file, in text and in JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use anstyle::Style;
use serde_json::{Value, json};
use sigstack_vectors::{Case, Expect, InputError, Report};

use crate::output::{self, BAD, GOOD, Status};
use crate::problem::{Problem, Stop};
use crate::table::{self, Align, Cell};
use sigstack_debugger::counted;

/// Maximum number of unreadable cases of a file that are reported one by one.
const SHOWN_UNREAD: usize = 10;

/// The results of one vector file.
pub(super) struct Ran {
    pub(super) name: String,
    pub(super) format: &'static str,
    pub(super) dialect: Option<&'static str>,
    pub(super) report: Report,
    /// Remarks on how the file was interpreted where its format is ambiguous.
    pub(super) notes: Vec<String>,
    /// Number of cases of the file that could not be read.
    pub(super) unread: usize,
}

/// Numbers of cases of one group that expect acceptance and rejection, and the names of the expected errors.
#[derive(Default)]
struct Coverage {
    accept: usize,
    reject: usize,
    errors: BTreeSet<&'static str>,
}

/// The results of all vector files of a run.
#[derive(Default)]
pub(super) struct Summary {
    /// Description of the project's own test vectors, which are used if the command line names no file. `None` if it
    /// names files.
    pub(super) set: Option<String>,
    pub(super) files: Vec<Ran>,
    /// For each group of the project's own cases, the verdicts that its cases expect.
    groups: BTreeMap<String, Coverage>,
    /// Names of files that were found in folders and are not vector files.
    pub(super) others: Vec<String>,
    /// Files that could not be read.
    lost: Vec<String>,
    /// Errors of files and cases that could not be read.
    errors: Vec<InputError>,
}

impl Summary {
    /// Reports the error of a file that could not be read, and records it for the summary.
    pub(super) fn add_error(&mut self, error: InputError) {
        Problem::new(error.to_string()).complain();
        self.lost.push(error.file.clone());
        self.errors.push(error);
    }

    /// Reports the errors of a file's unreadable cases, and records them for the summary.
    pub(super) fn add_unread(&mut self, unread: Vec<InputError>) {
        for error in unread.iter().take(SHOWN_UNREAD) {
            Problem::new(error.to_string()).complain();
        }
        if let (Some(error), Some(more @ 1..)) = (unread.first(), unread.len().checked_sub(SHOWN_UNREAD)) {
            let what = format!("{} could not be read; --json lists all", counted(more, "more case"));
            Problem::new(what).at(error.file.clone()).complain();
        }
        self.errors.extend(unread);
    }

    /// Counts the cases of each group. Only the project's own cases name a group.
    pub(super) fn cover<'a>(&mut self, cases: impl Iterator<Item = &'a Case>) {
        for case in cases {
            let Some(group) = case.extra.get("group").and_then(Value::as_str) else { continue };
            let coverage = self.groups.entry(group.to_owned()).or_default();
            match case.expect {
                Expect::Ok => coverage.accept += 1,
                Expect::Error(error) => {
                    coverage.reject += 1;
                    coverage.errors.insert(error.name());
                }
                Expect::Rule(reason) => {
                    coverage.reject += 1;
                    coverage.errors.insert(reason);
                }
            }
        }
    }

    fn write_coverage(&self, out: &mut impl Write) -> io::Result<()> {
        let columns = [
            ("group", Align::Left),
            ("accept", Align::Right),
            ("reject", Align::Right),
            ("errors", Align::Right),
        ];
        let plain = |text: String| (text, Style::new());
        let row = |(group, coverage): (&String, &Coverage)| {
            let counts = [coverage.accept, coverage.reject, coverage.errors.len()];
            let counts = counts.map(|count| plain(count.to_string()));
            [plain(group.clone())].into_iter().chain(counts).collect()
        };
        let rows: Vec<Vec<Cell>> = self.groups.iter().map(row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        writeln!(out)?;
        table::write(out, &columns, &rows)?;
        writeln!(out)
    }

    fn total(&self, count: impl Fn(&Report) -> usize) -> usize {
        self.files.iter().map(|file| count(&file.report)).sum()
    }

    /// Returns the exit status of the run. If a file or a case could not be read, the status is [`Status::Unknown`],
    /// even if a case failed. Returns an error if no case ran.
    pub(super) fn status(&self) -> Result<Status, Stop> {
        if self.total(Report::ran) == 0 {
            return Err(Problem::new("no case ran").into());
        }
        Ok(match self.total(|report| report.failures.len()) {
            _ if !self.errors.is_empty() => Status::Unknown,
            0 => Status::Yes,
            _ => Status::No,
        })
    }

    pub(super) fn write(&self, as_json: bool, out: &mut impl Write) -> io::Result<()> {
        if as_json {
            return writeln!(out, "{}", self.to_json());
        }
        let columns = [
            ("file", Align::Left),
            ("format", Align::Left),
            ("dialect", Align::Left),
            ("ran", Align::Right),
            ("passed", Align::Right),
            ("failed", Align::Right),
            ("skipped", Align::Left),
        ];
        let rows: Vec<Vec<Cell>> = self.files.iter().map(Ran::row).collect();
        if let Some(set) = &self.set {
            writeln!(out, "{set}\n")?;
        }
        if !rows.is_empty() {
            table::write(out, &columns, &rows)?;
        }
        self.write_coverage(out)?;
        for name in &self.others {
            writeln!(out, "not a vector file: {name}")?;
        }
        for file in &self.files {
            for (reading, count) in &file.report.readings {
                writeln!(out, "passed cases of {} that were {reading}: {count}", file.name)?;
            }
        }
        for file in &self.files {
            for note in &file.notes {
                writeln!(out, "note: {}: {note}", file.name)?;
            }
        }
        for file in &self.lost {
            writeln!(out, "not run: {file}")?;
        }
        let (ran, passed) = (self.total(Report::ran), self.total(|report| report.passed));
        let (failed, skipped) = (ran - passed, self.total(Report::skipped_count));
        let style = if failed == 0 && self.errors.is_empty() { GOOD } else { BAD };
        let files = self.files.len();
        let unread_cases: usize = self.files.iter().map(|file| file.unread).sum();
        let unread_files = self.lost.len();
        let unread = match unread_cases {
            0 => counted(unread_files, "file"),
            cases => format!("{} and {}", counted(unread_files, "file"), counted(cases, "case")),
        };
        let verdict = format!(
            "{} of {} ran: {passed} passed, {failed} failed",
            counted(ran, "case"),
            counted(files, "file")
        );
        let rest = format!("{skipped} skipped, {unread} could not be read");
        let fits = verdict.len() + rest.len() + 2 <= output::width();
        writeln!(out, "{style}{verdict}{style:#};{}{rest}", if fits { " " } else { "\n" })
    }

    fn to_json(&self) -> Value {
        let files = self.files.iter().map(|file| {
            json!({
                "file": file.name,
                "format": file.format,
                "dialect": file.dialect,
                "ran": file.report.ran(),
                "passed": file.report.passed,
                "failed": file.report.failures.len(),
                "readings": file.report.readings,
                "skipped": file.report.skipped,
                "unread": file.unread,
                "notes": file.notes,
            })
        });
        let errors = self.errors.iter().map(|error| {
            json!({
                "file": error.file,
                "case": error.case,
                "field": error.field,
                "problem": error.problem.to_string(),
            })
        });
        json!({
            "summary": {
                "set": self.set,
                "files": files.collect::<Value>(),
                "groups": self.groups.iter().map(|(group, coverage)| json!({
                    "group": group,
                    "accept": coverage.accept,
                    "reject": coverage.reject,
                    "errors": coverage.errors,
                })).collect::<Value>(),
                "not_vector_files": self.others,
                "errors": errors.collect::<Value>(),
                "ran": self.total(Report::ran),
                "passed": self.total(|report| report.passed),
                "failed": self.total(|report| report.failures.len()),
                "skipped": self.total(Report::skipped_count),
            }
        })
    }
}

impl Ran {
    fn row(&self) -> Vec<Cell> {
        let plain = |text: String| (text, Style::new());
        let skipped = self.report.skipped.iter().map(|(reason, count)| (*reason, *count));
        let unread = (self.unread > 0).then_some(("not read", self.unread));
        let reasons = skipped.chain(unread).map(|(reason, count)| format!("{count} {reason}"));
        let skipped = match reasons.collect::<Vec<_>>().join(", ") {
            none if none.is_empty() => "0".into(),
            reasons => reasons,
        };
        let failed = self.report.failures.len();
        vec![
            plain(self.name.clone()),
            plain(self.format.into()),
            plain(self.dialect.unwrap_or("-").into()),
            plain(self.report.ran().to_string()),
            (self.report.passed.to_string(), if failed == 0 { GOOD } else { Style::new() }),
            (failed.to_string(), if failed == 0 { Style::new() } else { BAD }),
            plain(skipped),
        ]
    }
}
