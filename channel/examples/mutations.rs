//! Prints the losses that the adversary's search finds for each deliberate fault (mutation). Arguments on the command
//! line select faults by their names in `mutation.rs`; the name `none` means a search without a fault.
//!
//! ```text
//! cargo run --release -p sigstack-channel --features mutations --example mutations
//! cargo run --release -p sigstack-channel --features mutations --example mutations -- none FirstInputOnly
//! ```

/// Runs the adversary's search for the selected faults and prints the results as a Markdown table.
fn main() -> Result<(), sigstack_channel::model::PlayError> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let table = sigstack_channel::adversary::mutation_table(&names, &|name| eprintln!("{name}"))?;
    println!("{}", table.to_markdown());
    Ok(())
}
