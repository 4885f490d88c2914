//! Property: parser, compiler and planner terminate for every text. Formatting a parsed policy and parsing it again gives the
//! same policy. Compiling a policy twice gives the same output, and its report can be written.
//!
//! Fuzz input: a policy document.

use sigstack_compiler::exercise;

/// Runs the fuzz target `policy_text` on one fuzz input. Panics if the property that the documentation of this module
/// states is violated.
pub fn run(bytes: &[u8]) {
    let Some((document, again, compiled)) = exercise(bytes) else { return };
    assert_eq!(again.as_ref(), Some(&document), "not what was written: {document}");
    let second = exercise(document.to_string().as_bytes()).and_then(|(_, _, compiled)| compiled);
    let output = |compiled: Option<sigstack_compiler::Compiled>| compiled.map(|it| it.output.script_pubkey());
    assert_eq!(output(compiled), output(second), "compiled twice: {document}");
}
