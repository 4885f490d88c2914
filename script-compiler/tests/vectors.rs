//! Tests that the compiler reproduces its committed test vectors.

mod support;

#[test]
fn the_committed_vectors_are_the_generated_ones() {
    let committed = std::fs::read_to_string(support::vectors::path()).unwrap();
    let generated = support::vectors::lines();
    for (nth, (committed, generated)) in committed.lines().zip(generated.lines()).enumerate() {
        assert_eq!(committed, generated, "line {}: regenerate with `--example vectors`", nth + 1);
    }
    assert_eq!(committed.lines().count(), generated.lines().count());
}
