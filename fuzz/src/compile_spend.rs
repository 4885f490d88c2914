//! Property: a policy that compiles is spent exactly where its canonical form says so: for every set of its conditions that are
//! met there is a plan or none, the plan's witness is accepted and as long as planned, and damaged witnesses are refused.
//!
//! Input: what the generator of policies draws, a byte each; policies have up to [`MOST`] conditions.

use sigstack_compiler::{compile_text, parse};

use crate::compiler_support::generate::{Generator, Rng};
use crate::compiler_support::property::check;

/// Most conditions of a policy: each doubles the sets of them.
const MOST: usize = 5;

/// The target's body.
pub fn run(bytes: &[u8]) {
    let mut generator = Generator::drawing(Rng::of_bytes(bytes), false);
    let text = generator.document(MOST);
    let document = parse(&text).unwrap_or_else(|error| panic!("{}", error.render(&text)));
    assert_eq!(parse(&document.to_string()).as_ref(), Ok(&document), "{text}");
    // What is refused is refused for a reason; which reasons are right is for the compiler's own tests.
    let Ok(compiled) = compile_text(&text) else { return };
    if let Err(problem) = check(&compiled, &mut generator.world) {
        panic!("{text}\n{problem}");
    }
}
