//! `sigstack vectors`: every case of every file, its verdict, and a summary.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::time::Duration;

use anstyle::Style;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use sigstack_debugger::text::{self, TextOptions};
use sigstack_debugger::{Options, Trace};
use sigstack_vectors::{
    Case, Dialect, Entry, Expect, Failure, InputError, Question, ReadOptions, Report, RunOptions, VectorFile,
    run as run_cases,
};

use crate::args::VectorsArgs;
use crate::find::{self, Content, Source};
use crate::output::{self, BAD, GOOD, Status, location};
use crate::problem::{Problem, Stop};
use crate::table::{self, Align, Cell};

/// What came out of a file of vectors.
struct Ran {
    name: String,
    format: &'static str,
    dialect: Option<&'static str>,
    report: Report,
}

/// What the cases of a group show.
#[derive(Default)]
struct Coverage {
    accept: usize,
    reject: usize,
    errors: BTreeSet<&'static str>,
}

/// What came out of everything.
#[derive(Default)]
struct Summary {
    files: Vec<Ran>,
    /// The project's own cases by group: which verdicts they have.
    groups: BTreeMap<String, Coverage>,
    /// Files of folders that hold no vectors.
    others: Vec<String>,
    errors: Vec<InputError>,
}

/// Runs the command.
pub(crate) fn run(args: &VectorsArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let mut threads = rayon::ThreadPoolBuilder::new();
    if let Some(jobs) = args.jobs {
        threads = threads.num_threads(jobs);
    }
    let pool = threads.build().map_err(|error| {
        Problem::new(format!("the threads cannot be started: {error}"))
            .at("--jobs")
            .hint("try a smaller number")
    })?;
    let paths = match (args.paths.as_slice(), find::own_folder()) {
        ([], Some(folder)) => vec![folder],
        ([], None) => {
            let problem = Problem::new("there is no folder test-vectors here or in a parent folder");
            return Err(problem.hint("name a file or a folder").into());
        }
        (paths, _) => paths.to_vec(),
    };
    let (sources, errors) = find::sources(&paths);
    let mut summary = Summary::default();
    for error in errors {
        summary.add_error(error);
    }
    let bar = progress_bar();
    for source in &sources {
        run_source(args, source, &pool, &bar, &mut summary, out)?;
    }
    bar.finish_and_clear();
    summary.write(args.json, out)?;
    summary.status()
}

/// A progress bar on standard error, if that is a terminal.
fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn run_source(
    args: &VectorsArgs,
    source: &Source,
    pool: &rayon::ThreadPool,
    bar: &ProgressBar,
    summary: &mut Summary,
    out: &mut impl Write,
) -> io::Result<()> {
    let dialect = args.dialect.as_deref().and_then(Dialect::from_name);
    let file = match source.read(ReadOptions { dialect, ..ReadOptions::default() }) {
        Ok(Content::Vectors(file)) => file,
        Ok(Content::Other) => {
            summary.others.push(source.path.display().to_string());
            return Ok(());
        }
        Err(error) => {
            bar.suspend(|| summary.add_error(error));
            return Ok(());
        }
    };
    bar.set_message(file.name.clone());
    bar.inc_length(u64::try_from(file.entries.len()).unwrap_or(u64::MAX));
    let progress = || bar.inc(1);
    let options = RunOptions { filter: args.filter.as_deref(), progress: Some(&progress) };
    let report = pool.install(|| run_cases(&file, options));
    bar.suspend(|| {
        report.failures.iter().enumerate().try_for_each(|(nth, failure)| {
            write_failure(&file.name, failure, args.json, out)?;
            if args.json || nth >= TRACED_FAILURES { Ok(()) } else { write_traces(&file, failure, out) }
        })
    })?;
    summary.cover(file.entries.iter().filter_map(Entry::case));
    let dialect = file.dialect().map(|dialect| dialect.name);
    summary.files.push(Ran { name: file.name, format: file.format.name(), dialect, report });
    Ok(())
}

fn write_failure(file: &str, failure: &Failure, as_json: bool, out: &mut impl Write) -> io::Result<()> {
    let mismatch = &failure.mismatch;
    if as_json {
        let object = json!({
            "file": file,
            "case": failure.number,
            "id": failure.id,
            "comment": failure.comment,
            "question": mismatch.question,
            "expected": mismatch.expected,
            "actual": mismatch.actual,
            "stopped": location(mismatch.location.as_ref()),
        });
        return writeln!(out, "{object}");
    }
    let id = failure.id.iter().map(|id| format!(" [{id}]")).collect::<String>();
    writeln!(out, "{BAD}FAIL{BAD:#} {file} case {}{id}: {}", failure.number, failure.comment)?;
    writeln!(out, "     asked     {}", mismatch.question)?;
    writeln!(out, "     expected  {}", mismatch.expected)?;
    writeln!(out, "     actual    {}", mismatch.actual)?;
    if let Some(location) = &mismatch.location {
        writeln!(out, "     stopped   in {location}")?;
    }
    Ok(())
}

/// How many failures of a file are shown with a trace. If more fail, they have most likely one cause.
const TRACED_FAILURES: usize = 5;

/// How much of a trace is shown on each side of the opcode that failed.
const AROUND: usize = 6;

/// Writes the traces of a case's spends that ended otherwise than expected, around the opcode at which they stopped.
fn write_traces(file: &VectorFile, failure: &Failure, out: &mut impl Write) -> io::Result<()> {
    let entries = file.entries_of(failure.number).filter(|entry| entry.id == failure.id);
    for question in entries.flat_map(|entry| entry.questions()) {
        // Of a case that is several spends, the one that is asked about is the one that came out wrong.
        if !failure.mismatch.question.starts_with(&format!("input {} ", question.index)) {
            continue;
        }
        let Question { tx, prevouts, index, flags } = question;
        let subject = sigstack_debugger::Subject { tx, prevouts, input: index, flags, internal_key: None };
        if let Ok(trace) = Trace::record(subject, Options::default()) {
            text::write(&trace, TextOptions { full: false, around: Some(AROUND) }, out)?;
        }
    }
    Ok(())
}

impl Summary {
    fn add_error(&mut self, error: InputError) {
        Problem::new(error.to_string()).complain();
        self.errors.push(error);
    }

    /// Counts the cases that name their group, as the project's own do.
    fn cover<'a>(&mut self, cases: impl Iterator<Item = &'a Case>) {
        for case in cases {
            let Some(group) = case.extra.get("group").and_then(Value::as_str) else { continue };
            let coverage = self.groups.entry(group.to_owned()).or_default();
            match case.expect {
                Expect::Ok => coverage.accept += 1,
                Expect::Error(error) => {
                    coverage.reject += 1;
                    coverage.errors.insert(error.name());
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

    /// A file that cannot be read, or that nothing ran, outweighs a case that fails: then the run is not complete.
    fn status(&self) -> Result<Status, Stop> {
        if self.total(Report::ran) == 0 {
            return Err(Problem::new("no case ran").into());
        }
        Ok(match self.total(|report| report.failures.len()) {
            _ if !self.errors.is_empty() => Status::Unknown,
            0 => Status::Yes,
            _ => Status::No,
        })
    }

    fn write(&self, as_json: bool, out: &mut impl Write) -> io::Result<()> {
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
        if !rows.is_empty() {
            table::write(out, &columns, &rows)?;
        }
        self.write_coverage(out)?;
        for name in &self.others {
            writeln!(out, "not a vector file: {name}")?;
        }
        for file in &self.files {
            for (reading, count) in &file.report.readings {
                writeln!(out, "{count} passed cases of {} were {reading}", file.name)?;
            }
        }
        for error in &self.errors {
            writeln!(out, "not run: {}", error.file)?;
        }
        let (ran, passed) = (self.total(Report::ran), self.total(|report| report.passed));
        let (failed, skipped) = (ran - passed, self.total(Report::skipped_count));
        let style = if failed == 0 && self.errors.is_empty() { GOOD } else { BAD };
        let files = self.files.len();
        let verdict = format!("{ran} cases of {files} files ran: {passed} passed, {failed} failed");
        let rest = format!("{skipped} skipped, {} files could not be read", self.errors.len());
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
        let reasons = self.report.skipped.iter().map(|(reason, count)| format!("{count} {reason}"));
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
