//! The comparison with rust-miniscript 13: same meaning, and no larger expected witness on any policy. The table is printed
//! by `cargo run --release -p sigstack-compiler --example compare`.

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
