//! `sigstack asm` and `sigstack disasm`: scripts as words and as bytes.

use std::io::Write;

use sigstack_debugger::{assemble, disassemble};

use crate::args::{AsmArgs, DisasmArgs};
use crate::input;
use crate::output::Status;
use crate::problem::{Problem, Stop};

/// Runs `sigstack asm`.
pub(crate) fn asm(args: &AsmArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let text = args.words.join(" ");
    let words = input::text(&text, "asm")?;
    let script = assemble(&words)
        .map_err(|error| input::path_hint(Problem::new(error.to_string()).at("asm"), &text))?;
    writeln!(out, "{}", hex::encode(script))?;
    Ok(Status::Yes)
}

/// Runs `sigstack disasm`.
pub(crate) fn disasm(args: &DisasmArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let script = input::bytes(&args.script, "disasm")?;
    let words = disassemble(&script);
    if args.lines {
        for (position, (offset, word)) in words.iter().enumerate() {
            writeln!(out, "{position:>5} {offset:>5}  {word}")?;
        }
    } else {
        let words: Vec<String> = words.into_iter().map(|(_, word)| word).collect();
        writeln!(out, "{}", words.join(" "))?;
    }
    Ok(Status::Yes)
}
