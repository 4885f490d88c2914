//! Runs the property tests on many generated policies of up to twelve conditions, compared with their canonical form and the
//! interpreter.
//!
//! `cargo run --release -p sigstack-compiler --example search [POLICIES [FIRST SEED]]`

#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::process::ExitCode;

use sigstack_compiler::{ErrorKind, compile_text, parse};
use support::generate::Generator;
use support::property::{Seen, check};

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).filter_map(|text| text.parse().ok());
    let (policies, first) = (numbers.next().unwrap_or(5_000), numbers.next().unwrap_or(1));
    let (mut compiled, mut seed, mut seen) = (0, first, Seen::default());
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    while compiled < policies {
        let mut generator = Generator::new(seed, false);
        let text = generator.document(12);
        let result = compile_text(&text);
        match result {
            Ok(policy) => {
                compiled += 1;
                *sizes.entry(policy.atoms().len()).or_default() += 1;
                let round_trip = parse(&text)
                    .and_then(|document| parse(&document.to_string()).map(|again| again == document));
                match (check(&policy, &mut generator.world), round_trip) {
                    (Ok(more), Ok(true)) => seen += more,
                    (outcome, round_trip) => {
                        eprintln!(
                            "seed {seed}:\n{text}\n{outcome:?}\nthe text comes back the same: {round_trip:?}"
                        );
                        return ExitCode::FAILURE;
                    }
                }
            }
            Err(error) => {
                let reason = match error.kind {
                    ErrorKind::Refused(reason, _) => reason.name().to_owned(),
                    other => other.to_string(),
                };
                *refused.entry(reason).or_default() += 1;
            }
        }
        seed += 1;
    }
    println!("{compiled} policies from seeds {first} to {}, by conditions: {sizes:?}", seed - 1);
    println!("refused: {refused:?}");
    println!(
        "{} subsets of conditions, {} satisfy; {} witnesses accepted, {} damaged ones and {} put together from them rejected",
        seen.subsets, seen.satisfied, seen.witnesses, seen.damaged, seen.attacks
    );
    ExitCode::SUCCESS
}
