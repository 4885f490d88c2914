//! Prints the verdicts on the random tapscripts under policy flags. Each verdict is one letter, and a legend explains
//! the letters. The program also compiles with engine versions from before the proposals: see the README in this
//! folder.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a tool of the tests"
)]

mod generator;
mod random;
mod verdicts;

use std::collections::BTreeSet;

use generator::Tapscripts;
use verdicts::{COUNT, SEED, verdict};

/// Number of verdict letters in each line of output.
const LINE: usize = 100;

fn main() {
    let tapscripts = Tapscripts::new(SEED);
    let names: Vec<&str> = (0..COUNT).map(|number| verdict(&tapscripts.spend(number), number)).collect();
    let legend: BTreeSet<&str> = names.iter().copied().collect();
    let letters: Vec<(char, &str)> = ('A'..='Z').chain('a'..='z').zip(legend.iter().copied()).collect();
    assert_eq!(letters.len(), legend.len(), "more verdicts than letters");
    println!("# {COUNT} tapscripts of seed {SEED} under policy flags");
    letters.iter().for_each(|(letter, name)| println!("{letter} {name}"));
    println!();
    let letter = |name: &&str| letters.iter().find(|(_, other)| other == name).unwrap().0;
    for line in names.chunks(LINE) {
        println!("{}", line.iter().map(letter).collect::<String>());
    }
}
