//! Compares the compiler with rust-miniscript 13: the compiled policies have the same meaning, and the expected witness is
//! never larger. `cargo run --release -p sigstack-compiler --example compare` prints the table.

mod support;

#[test]
fn no_policy_is_larger_than_miniscripts() {
    let table = support::compare::table(200).unwrap();
    println!("{} compared, {} smaller, {} equal", table.compared, table.smaller, table.equal);
    assert!(table.larger.is_empty(), "larger:\n{}", table.larger.join("\n"));
    assert_eq!(
        table.refused.get(&support::compare::Refused::Sigstack),
        None,
        "Miniscript takes what we refuse"
    );
    assert!(table.smaller > 50, "{} of {} are smaller", table.smaller, table.compared);
}
