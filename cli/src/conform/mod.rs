//! `sigstack conform`: runs another implementation over the test vectors and reports the differences.

mod answer;
mod child;
mod details;
mod gather;
mod html;
mod json;
mod junit;
mod pool;
mod tally;
mod text;

use std::io::Write;
use std::thread;
use std::time::Duration;

use sigstack_debugger::counted;

use crate::args::ConformArgs;
use crate::files;
use crate::output::Status;
use crate::problem::{Problem, Stop};
use crate::progress::Progress;
use answer::Outcome;
use gather::Gathered;
use pool::Pool;
use tally::Results;

/// Runs `sigstack conform`.
pub(crate) fn run(args: &ConformArgs, out: &mut impl Write) -> Result<Status, Stop> {
    check_reports(args)?;
    let gathered = gather::gather(args)?;
    complain(&gathered, args.json);
    if gathered.cases.is_empty() {
        return Err(gathered.nothing_to_ask(args).into());
    }
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    let timeout = Duration::from_secs(args.timeout.into());
    let pool = Pool { command: &args.command, jobs, timeout };
    let progress = Progress::new(u64::try_from(gathered.cases.len()).unwrap_or(u64::MAX));
    let replies = pool::ask_all(&pool, &gathered.cases, &|| progress.step());
    drop(progress);
    let results = Results::new(&gathered, &replies, pool::shown(&args.command), args.errors);
    if let Some(path) = &args.junit {
        files::write(path, junit::document(&results).as_bytes()).map_err(|problem| problem.at("--junit"))?;
    }
    if let Some(path) = &args.html {
        files::write(path, html::page(&results).as_bytes()).map_err(|problem| problem.at("--html"))?;
    }
    // If no case was asked, the error message below says everything.
    if results.not_asked < results.cases.len() {
        match args.json {
            true => json::write(&results, out)?,
            false => text::write(&results, args.all, out)?,
        }
    }
    match &replies.stopped {
        Some(problem) => Err(problem.clone().into()),
        None => status(&results),
    }
}

/// Fails if `--junit` and `--html` name the same file, because the second report would overwrite the first.
fn check_reports(args: &ConformArgs) -> Result<(), Problem> {
    match (&args.junit, &args.html) {
        (Some(junit), Some(html)) if files::are_the_same(junit, html) => {
            Err(Problem::new("--junit names the same file")
                .at(html.display().to_string())
                .at("--html")
                .hint("name a file for each report"))
        }
        _ => Ok(()),
    }
}

/// Maximum number of unreadable files and cases that the text output reports one by one.
const SHOWN_UNREAD: usize = 10;

/// Reports files and cases that could not be read.
fn complain(gathered: &Gathered, as_json: bool) {
    let shown = if as_json { usize::MAX } else { SHOWN_UNREAD };
    for error in gathered.errors.iter().take(shown) {
        Problem::new(error.to_string()).complain();
    }
    if let Some(more @ 1..) = gathered.errors.len().checked_sub(shown) {
        Problem::new(format!("{more} more problems with files and cases; --json lists all")).complain();
    }
}

/// Returns the exit status of the run. If a file or a case could not be read, the status is "unknown", even if there
/// are differences, as in `sigstack vectors`. Fails if the command answered no case with a verdict.
fn status(results: &Results<'_>) -> Result<Status, Stop> {
    if !results.gathered.errors.is_empty() {
        return Ok(Status::Unknown);
    }
    let (total, abstained) = (results.total.total(), results.total.of(Outcome::Abstained));
    if total == abstained + results.total.of(Outcome::NoAnswer) {
        let what = match total == abstained {
            true => "the command abstained from every case, so nothing was compared".to_owned(),
            false => {
                format!("the command answered none of {}, so nothing was compared", counted(total, "case"))
            }
        };
        return Err(Problem::new(what).into());
    }
    Ok(match results.total.failures(results.errors) {
        0 => Status::Yes,
        _ => Status::No,
    })
}
