//! `sigstack vectors`: runs every case of every file, and prints verdicts and a summary.

mod summary;

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use sigstack_debugger::text::{self, TextOptions};
use sigstack_debugger::{Options, Trace};
use sigstack_interpreter::CodePoints;
use sigstack_vectors::{
    Dialect, Entry, Failure, InputQuestion, ReadOptions, RunOptions, VectorFile, run as run_cases,
};

use crate::args::VectorsArgs;
use crate::find::{self, Content, Source};
use crate::output::{BAD, Status, location};
use crate::problem::{Problem, Stop};
use summary::{Ran, Summary};

/// Runs `sigstack vectors`.
pub(crate) fn run(args: &VectorsArgs, out: &mut impl Write) -> Result<Status, Stop> {
    find::check_paths(&args.paths)?;
    let mut threads = rayon::ThreadPoolBuilder::new();
    if let Some(jobs) = args.jobs {
        threads = threads.num_threads(jobs);
    }
    let pool = threads.build().map_err(|error| {
        Problem::new(format!("the threads cannot be started: {error}"))
            .at("--jobs")
            .hint("try a smaller number")
    })?;
    let mut summary = Summary::default();
    let (sources, errors) = if args.paths.is_empty() {
        let own = find::own_vectors()?;
        summary.set = Some(own.set);
        (own.sources, own.errors)
    } else {
        find::sources(&args.paths)
    };
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

/// Returns a progress bar for test cases on standard error, shown only if that is a terminal.
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
    let mut file = match source.read(ReadOptions { dialect, ..ReadOptions::default() }) {
        Ok(Content::Vectors(file)) => file,
        Ok(Content::Other) => {
            summary.others.push(source.name());
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
    let unread = core::mem::take(&mut file.unread);
    let dialect = file.dialect().map(|dialect| dialect.name);
    summary.files.push(Ran {
        unread: unread.len(),
        name: file.name,
        format: file.format.name(),
        dialect,
        report,
        notes: file.notes,
    });
    bar.suspend(|| summary.add_unread(unread));
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

/// Maximum number of failed cases of a file that are shown with a trace. Further failures most likely have the same
/// cause.
const TRACED_FAILURES: usize = 5;

/// Number of trace entries shown before and after the failed opcode.
const AROUND: usize = 6;

/// Writes a trace for each input of a failed case whose verdict is not the expected one, around the opcode at which
/// the verification stopped.
fn write_traces(file: &VectorFile, failure: &Failure, out: &mut impl Write) -> io::Result<()> {
    let entries = file.entries_of(failure.number).filter(|entry| entry.id == failure.id);
    for question in entries.flat_map(Entry::input_questions) {
        // If a case has several questions, only the one with the unexpected verdict is traced.
        if !failure.mismatch.question.starts_with(&format!("input {} ", question.index)) {
            continue;
        }
        let InputQuestion { tx, prevouts, index, flags } = question;
        let subject = sigstack_debugger::Subject {
            tx,
            prevouts,
            input: index,
            flags,
            code_points: CodePoints::default(),
            internal_key: None,
        };
        if let Ok(trace) = Trace::record(subject, Options::default()) {
            text::write(&trace, TextOptions { full: false, around: Some(AROUND) }, out)?;
        }
    }
    Ok(())
}
