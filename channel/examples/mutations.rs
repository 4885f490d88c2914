//! Prints what the adversary's search finds for each deliberate fault, or for those that are named, by the names in
//! `mutation.rs`:
//!
//! ```text
//! cargo run --release -p sigstack-channel --features mutations --example mutations
//! cargo run --release -p sigstack-channel --features mutations --example mutations -- none FirstInputOnly
//! ```

/// Runs the search for each mutation and prints the table as Markdown.
fn main() -> Result<(), sigstack_channel::model::PlayError> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let table = sigstack_channel::adversary::mutation_table(&names, &|name| eprintln!("{name}"))?;
    println!("{}", table.to_markdown());
    Ok(())
}
