//! Compares the engine's verdicts and error names with those of Bitcoin Core: for every vector, for mutants of the vectors with
//! random flags, and for random spends.
//!
//! `fuzz/core-oracle/run --cases 1000000 --seed 1` builds the oracle and this program, and runs both. The exit status is 0 if
//! both agree on every case. It is 1 if they differ, or if Core gives no verdict on a case on which the engine gives one. It is 2
//! if the comparison could not be made.

mod compare;
mod counts;
#[path = "../../../test-vectors/tapscripts/generator/mod.rs"]
mod generator;
mod oracle;
mod process;
#[path = "../../../test-vectors/tapscripts/random.rs"]
mod random;
mod source;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;

use crate::compare::Comparison;
use crate::counts::Counts;
use crate::process::Oracle;
use crate::source::Source;

/// Compares the engine's verdicts and error names with Bitcoin Core's.
#[derive(Parser)]
struct Arguments {
    /// Path of the oracle (the program with Core's code), which `fuzz/core-oracle/build` prints.
    #[arg(long)]
    oracle: PathBuf,
    /// Number of cases on which the engine is compared with Core.
    #[arg(long, default_value_t = 1_000_000)]
    cases: u64,
    /// Seed of all random choices: the mutants, the random spends and the flags.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Stops the comparison after this time, even if there are cases left.
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
    /// Number of threads that compare cases at the same time; by default one for each processor.
    #[arg(long)]
    threads: Option<usize>,
}

/// Maximum number of differences that are printed for each pair of verdicts.
const SHOWN: usize = 2;

/// Interval between two lines that report the progress.
const INTERVAL: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Compares the engine with Core as the arguments say. Returns whether they agree on every case.
fn run(arguments: &Arguments) -> io::Result<bool> {
    // Fails early if the oracle cannot be started.
    drop(Oracle::start(&arguments.oracle)?);
    let corpus = source::corpus();
    println!("{} inputs of {} vector files, seed {}", corpus.questions.len(), corpus.files, arguments.seed);
    let source = Source::new(&corpus.questions, arguments.seed)?;
    let counts = compare_all(arguments, &source)?;
    print!("{counts}");
    for differences in counts.by_verdicts().into_values() {
        differences.into_iter().take(SHOWN).for_each(|difference| println!("\n{difference}"));
    }
    if counts.compared() == 0 {
        return Err(io::Error::other("no case was compared"));
    }
    Ok(counts.agree())
}

/// Compares the engine with Core on several threads, each with its own oracle process. Ends when the requested number
/// of cases or the time limit is reached.
fn compare_all(arguments: &Arguments, source: &Source<'_>) -> io::Result<Counts> {
    let (next, compared) = (AtomicU64::new(0), AtomicU64::new(0));
    let total = Mutex::new(Counts::default());
    let begin = Instant::now();
    let limit = arguments.seconds.map(Duration::from_secs);
    let finished = || {
        compared.load(Ordering::Relaxed) >= arguments.cases
            || limit.is_some_and(|limit| begin.elapsed() >= limit)
    };
    let work = || -> io::Result<()> {
        let mut oracle = Oracle::start(&arguments.oracle)?;
        while !finished() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some((origin, question)) = source.case(number) else { continue };
            let comparison = Comparison::make(&question, &mut oracle)?;
            compared.fetch_add(u64::from(comparison.is_verdict()), Ordering::Relaxed);
            total.lock().expect("no thread panicked").add(origin, number, &question, comparison);
        }
        Ok(())
    };
    let threads = arguments.threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from));
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.unwrap_or(1)).map(|_| scope.spawn(work)).collect();
        let mut shown = begin;
        while !workers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            std::thread::sleep(Duration::from_millis(50));
            if shown.elapsed() >= INTERVAL {
                shown = Instant::now();
                let differences = total.lock().expect("no thread panicked").differences.len();
                let (cases, seconds) = (compared.load(Ordering::Relaxed), begin.elapsed().as_secs_f64());
                let rate = cases as f64 / seconds;
                eprintln!(
                    "{seconds:>5.0} s: {cases} cases, {differences} differences, {rate:.0} cases a second"
                );
            }
        }
        workers.into_iter().try_for_each(|worker| worker.join().expect("no thread panicked"))
    })?;
    Ok(total.into_inner().expect("no thread panicked"))
}
