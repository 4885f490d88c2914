//! `sigstack asm` and `sigstack disasm`: scripts as words and as bytes.

use std::io::Write;

use sigstack_debugger::{assemble, disassemble};

use crate::args::{AsmArgs, DisasmArgs};
use crate::output::Status;
use crate::problem::Stop;
use crate::subject::content;

/// Runs `sigstack asm`.
pub(crate) fn asm(args: &AsmArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let text = content(&args.words.join(" "), "asm")?;
    let script = assemble(&text).map_err(|error| format!("asm: {error}"))?;
    writeln!(out, "{}", hex::encode(script))?;
    Ok(Status::Yes)
}

/// Runs `sigstack disasm`.
pub(crate) fn disasm(args: &DisasmArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let text = content(&args.script, "disasm")?;
    let script = hex::decode(text).map_err(|error| format!("disasm: bad hex: {error}"))?;
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
