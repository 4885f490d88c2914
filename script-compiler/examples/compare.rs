//! Prints the comparison with rust-miniscript 13: the expected witness size in bytes of each policy, including key paths and
//! control blocks.
//!
//! `cargo run --release -p sigstack-compiler --example compare [GENERATED POLICIES]`

#[path = "../tests/support/mod.rs"]
mod support;

use std::process::ExitCode;

fn main() -> ExitCode {
    let policies = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(300);
    match support::compare::table(policies) {
        Ok(table) => {
            println!("{:>10} {:>10} {:>9} {:>4}  policy", "sigstack", "miniscript", "saved", "ways");
            table.lines.iter().for_each(|line| println!("{line}"));
            println!(
                "{} policies compared: {} smaller, {} equal, {} larger; others refused by {:?}",
                table.compared,
                table.smaller,
                table.equal,
                table.larger.len(),
                table.refused
            );
            if table.larger.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
