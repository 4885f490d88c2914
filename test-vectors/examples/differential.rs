//! Compares the engine with Bitcoin Core's own code over every test vector and over mutants of the vectors, and prints
//! counts.
//!
//! `cargo run --release -p sigstack-vectors --example differential -- --seed 1 --count 200000`
//!
//! Exit status: 0 if both agree on every input and the mutants are varied enough, otherwise 1; 2 for invalid arguments.
//! Each disagreement is printed as a case in the project's case format.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a tool of the tests"
)]

#[path = "../tapscripts/generator/mod.rs"]
mod generator;
#[path = "../tests/oracle/mod.rs"]
mod oracle;
#[path = "../tapscripts/random.rs"]
mod random;

use std::process::ExitCode;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use oracle::corpus::Corpus;
use oracle::differential::{Counts, compare, compare_mutants, shortcomings};
use oracle::mutate::{Mutator, under_consensus_flags};

/// Compares the engine with Bitcoin Core's code over every vector and over mutants of them.
#[derive(Parser)]
struct Arguments {
    /// Seed of the mutants. Two runs with the same seed compare the same mutants.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of mutants of vectors to compare. Mutants that do not decode are not counted.
    #[arg(long, default_value_t = 200_000)]
    count: u64,
}

/// Maximum number of disagreements that are printed.
const SHOWN: usize = 20;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let corpus = Corpus::read();
    println!("{} spends of {} vector files", corpus.questions.len(), corpus.files);
    let vectors = compare(&under_consensus_flags(&corpus.questions, arguments.seed));
    print_counts("vectors", &vectors);

    let bar = ProgressBar::new(arguments.count);
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} {eta}").unwrap());
    let mutator = Mutator::new(&corpus.questions, arguments.seed);
    let mutants = compare_mutants(&mutator, arguments.count, |decoded| bar.set_position(decoded));
    bar.finish_and_clear();
    print_counts(&format!("mutants of seed {}", arguments.seed), &mutants);
    println!("  {:<24} {:>8} {:>8} {:>10}", "kind", "decoded", "accepted", "tapscripts");
    for (kind, [decoded, accepted, tapscripts]) in &mutants.kinds {
        println!("  {:<24} {decoded:>8} {accepted:>8} {tapscripts:>10}", format!("{kind:?}"));
    }
    for (error, count) in &mutants.errors {
        println!("  {:<32} {count:>8}", error.name());
    }
    let shortcomings = shortcomings(&mutants);
    shortcomings.iter().for_each(|shortcoming| println!("{shortcoming}"));
    let disagreements = vectors.disagreements.len() + mutants.disagreements.len();
    ExitCode::from(u8::from(disagreements > 0 || !shortcomings.is_empty()))
}

fn print_counts(what: &str, counts: &Counts) {
    let Counts { drawn, decoded, agreed, accepted, tapscripts, .. } = counts;
    let share = *accepted as f64 / *decoded as f64 * 100.0;
    println!("{what}:");
    println!("  {drawn} drawn, {decoded} decoded, {agreed} agreed, {} disagreed", counts.disagreements.len());
    println!("  {accepted} accepted ({share:.1} %), {} different errors", counts.errors.len());
    println!("  {tapscripts} execute a tapscript, {} of them accepted", counts.accepted_tapscripts);
    for found in counts.disagreements.iter().take(SHOWN) {
        println!("  number {}: {}\n{}", found.number, found.problem, found.case);
    }
}
