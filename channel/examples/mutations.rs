//! Prints what the adversary's search finds for each deliberate fault:
//!
//! ```text
//! cargo run --release -p sigstack-channel --features mutations --example mutations
//! ```

/// Runs the search for every mutation and prints the table as Markdown.
fn main() -> Result<(), sigstack_channel::model::PlayError> {
    let table = sigstack_channel::adversary::mutation_table(&|name| eprintln!("{name}"))?;
    println!("{}", table.to_markdown());
    Ok(())
}
