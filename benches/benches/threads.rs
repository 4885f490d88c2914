//! Measures how verification scales with the number of threads, in elapsed time:
//!
//!     cargo bench --features rayon --bench threads -- [--rounds N]
//!
//! There are two workloads: one transaction whose hundred inputs are verified in parallel, and many transactions with one input
//! each that are verified in parallel. Thread pools with 1, 2, 4, … threads up to the processor's number take turns in each round.

#![allow(clippy::expect_used, clippy::panic, reason = "a comparison that cannot be made must stop")]

use std::time::Instant;

use rayon::{ThreadPool, ThreadPoolBuilder};
use sigstack_benches::measure::Timing;
use sigstack_benches::options::Options;
use sigstack_benches::report::{Environment, micros, table};
use sigstack_benches::{Workload, spends};
use sigstack_interpreter::{Spend, verify_spends};

/// Name of a workload, and the function that does the work of one round.
type Work<'a> = (String, Box<dyn Fn() + Sync + 'a>);

fn works(workloads: &[Workload]) -> Vec<Work<'_>> {
    let work = |workload: &'_ Workload| -> Work<'_> {
        let Workload { name, flags, cases } = workload.clone();
        let count = cases.len();
        let run = move || {
            let spends: Vec<Spend<'_>> =
                cases.iter().filter_map(|case| Spend::new(&case.tx, &case.prevouts).ok()).collect();
            let verdicts = verify_spends(&spends, flags);
            assert!(verdicts.len() == count && verdicts.iter().all(Result::is_ok), "a spend is not valid");
        };
        (format!("{count} {name}"), Box::new(run))
    };
    workloads.iter().map(work).collect()
}

/// Returns thread pools with 1, 2, 4, … threads. The last pool has as many threads as the processor runs at the same
/// time, even if this is not a power of two.
fn pools() -> Vec<ThreadPool> {
    let most = std::thread::available_parallelism().map_or(1, usize::from);
    let counts = std::iter::successors(Some(1), |count| Some(2 * count)).take_while(|count| *count < most);
    let pool = |threads| ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    counts.chain([most]).map(pool).collect()
}

fn run() -> Result<(), String> {
    let rounds = Options::parse(&["rounds"])?.number("rounds", 101)?;
    let one = |name| spends::find(name, 1).ok_or(format!("no workload {name}"));
    let many = |name| spends::find(name, spends::VARIANTS).ok_or(format!("no workload {name}"));
    let workloads =
        [one("100x-p2wpkh")?, one("100x-p2tr-key")?, many("p2wpkh")?, many("tapscript-checksig")?];
    let (works, pools) = (works(&workloads), pools());
    let mut samples = vec![vec![Vec::new(); pools.len()]; works.len()];
    for _ in 0..rounds {
        for ((_, work), samples) in works.iter().zip(&mut samples) {
            for (pool, samples) in pools.iter().zip(samples) {
                let start = Instant::now();
                pool.install(work);
                samples.push(start.elapsed().as_secs_f64() * 1e9);
            }
        }
    }
    let mut head = vec!["µs on the wall (median)".to_owned()];
    for pool in &pools {
        let threads = pool.current_num_threads();
        head.extend([format!("{threads} thread{}", if threads == 1 { "" } else { "s" }), "speed".to_owned()]);
    }
    let rows = works.iter().zip(&samples).map(|((name, _), samples)| {
        let alone = samples.first().cloned().unwrap_or_default();
        let mut row = vec![name.clone()];
        for samples in samples {
            let ratios: Vec<f64> = alone.iter().zip(samples).map(|(alone, time)| alone / time).collect();
            row.extend([micros(Timing::of(samples).median), format!("{:.2}", Timing::of(&ratios).median)]);
        }
        row
    });
    println!(
        "{}\n{rounds} rounds; speeds are medians of those within a round\n",
        Environment::here().lines()
    );
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    println!("{}", table(&head, &rows.collect::<Vec<_>>()));
    Ok(())
}

fn main() {
    run().unwrap_or_else(|error| panic!("{error}"));
}
