//! Prints which losses the adversary's search finds for each deliberate fault. Names on the command line select faults.
//! They are the names in `mutation.rs`; `none` means a search without a fault.
//!
//! ```text
//! cargo run --release -p sigstack-channel --features mutations --example mutations
//! cargo run --release -p sigstack-channel --features mutations --example mutations -- none FirstInputOnly
//! ```

/// Runs the search for the selected mutations and prints the results as a Markdown table.
fn main() -> Result<(), sigstack_channel::model::PlayError> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let table = sigstack_channel::adversary::mutation_table(&names, &|name| eprintln!("{name}"))?;
    println!("{}", table.to_markdown());
    Ok(())
}
