//! Checks that the engine and Bitcoin Core return the same verdict for every vector and for mutants of the vectors. A short
//! version of the example `differential`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a test"
)]

#[path = "../tapscripts/generator/mod.rs"]
mod generator;
mod oracle;
#[path = "../tapscripts/random.rs"]
mod random;

use oracle::corpus::Corpus;
use oracle::differential::{Disagreement, compare_mutants, shortcomings};
use oracle::mutate::Mutator;

#[test]
fn mutants_of_the_vectors() {
    let corpus = Corpus::read();
    let mutator = Mutator::new(&corpus.questions, 2);
    let counts = compare_mutants(&mutator, 6_000, |_| ());
    let show = |found: &Disagreement| println!("{}: {}\n{}", found.number, found.problem, found.case);
    counts.disagreements.iter().for_each(show);
    assert!(counts.disagreements.is_empty());
    assert_eq!(counts.agreed, counts.decoded);
    assert_eq!(shortcomings(&counts), Vec::<String>::new());
}
