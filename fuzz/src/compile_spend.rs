//! Property: the planner finds a witness for a compiled policy exactly if the policy's canonical form is satisfied.
//! This is tested for every set of conditions that may be met. The engine accepts the witness, which has the planned
//! size, and refuses damaged witnesses.
//!
//! Fuzz input: the choices of the policy generator, a byte each. A policy has at most [`MOST`] conditions.

use sigstack_compiler::{compile_text, parse};

use crate::compiler_support::generate::{Generator, Rng};
use crate::compiler_support::property::check;

/// Maximum number of conditions of a generated policy. Every set of met conditions is tested, so each further condition
/// doubles the number of tests.
const MOST: usize = 5;

/// Runs the fuzz target `compile_spend` on one fuzz input. Panics if the property that the documentation of this module
/// states is violated.
pub fn run(bytes: &[u8]) {
    let mut generator = Generator::drawing(Rng::of_bytes(bytes), false);
    let text = generator.document(MOST);
    let document = parse(&text).unwrap_or_else(|error| panic!("{}", error.render(&text)));
    assert_eq!(parse(&document.to_string()).as_ref(), Ok(&document), "{text}");
    // The policy may be refused. Whether the reason is correct is tested by the compiler's own tests.
    let Ok(compiled) = compile_text(&text) else { return };
    if let Err(problem) = check(&compiled, &mut generator.world) {
        panic!("{text}\n{problem}");
    }
}
