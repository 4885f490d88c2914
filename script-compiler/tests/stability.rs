//! Tests that policies compiled by an earlier version still have the same addresses and the same plans.

mod support;

#[test]
fn addresses_and_plans_are_those_of_earlier_versions() {
    let committed = std::fs::read_to_string(support::stability::path()).unwrap();
    let mut committed = committed.lines();
    for found in support::stability::lines() {
        let why = "if that is meant, and the old outputs can still be spent: `--example vectors`";
        assert_eq!(committed.next(), Some(found.as_str()), "{why}");
    }
    assert_eq!(committed.next(), None);
}
