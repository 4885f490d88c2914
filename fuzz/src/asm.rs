//! Property: every script comes back from its disassembly as it was; a text that assembles gives a script whose disassembly
//! assembles to the same.
//!
//! Input: a script; if its bytes are text too, it is also taken as an assembly.

use sigstack_debugger::{assemble, assemble_stack, disassemble};

/// A script as one line.
fn text(script: &[u8]) -> String {
    disassemble(script).into_iter().map(|(_, word)| word).collect::<Vec<_>>().join(" ")
}

/// The target's body.
pub fn run(bytes: &[u8]) {
    let written = text(bytes);
    assert_eq!(assemble(&written).as_deref(), Ok(bytes), "{written}");
    let Ok(assembly) = core::str::from_utf8(bytes) else { return };
    match assemble(assembly) {
        Ok(script) => {
            let written = text(&script);
            assert_eq!(assemble(&written), Ok(script), "{written}");
        }
        Err(error) => {
            let word = assembly.get(error.offset..).and_then(|rest| rest.get(..error.word.len()));
            assert_eq!(word, Some(error.word.as_str()), "the error points elsewhere: {error}");
        }
    }
    if let Err(error) = assemble_stack(assembly) {
        assert!(assembly.is_char_boundary(error.offset), "{error}");
    }
}
