//! Property: assembling the disassembly of a script gives the same script. If a text assembles, the disassembly of the resulting
//! script assembles to the same script.
//!
//! Fuzz input: a script. If its bytes are valid UTF-8, they are also used as assembly text.

use sigstack_debugger::{assemble, assemble_stack, disassemble};

/// Returns the disassembly of a script as a single line of text.
fn text(script: &[u8]) -> String {
    disassemble(script).into_iter().map(|(_, word)| word).collect::<Vec<_>>().join(" ")
}

/// Runs the fuzz target `asm` on one fuzz input. Panics if the disassembly does not assemble to the same script.
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
