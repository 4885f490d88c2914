//! `sigstack asm` and `sigstack disasm`: scripts as words and as bytes.

use std::io::{self, Write};

use sigstack_debugger::{assemble, disassemble};

use crate::args::{AsmArgs, DisasmArgs};
use crate::output::{Status, complain};
use crate::subject::content;

/// Runs `sigstack asm`.
pub(crate) fn asm(args: &AsmArgs, out: &mut impl Write) -> io::Result<Status> {
    let text = args.words.join(" ");
    let script =
        content(&text, "asm").and_then(|text| assemble(&text).map_err(|error| format!("asm: {error}")));
    match script {
        Ok(script) => writeln!(out, "{}", hex::encode(script)).map(|()| Status::Yes),
        Err(problem) => {
            complain(&problem);
            Ok(Status::Unknown)
        }
    }
}

/// Runs `sigstack disasm`.
pub(crate) fn disasm(args: &DisasmArgs, out: &mut impl Write) -> io::Result<Status> {
    let script = content(&args.script, "disasm")
        .and_then(|hex| hex::decode(&hex).map_err(|error| format!("disasm: bad hex: {error}")));
    let script = match script {
        Ok(script) => script,
        Err(problem) => {
            complain(&problem);
            return Ok(Status::Unknown);
        }
    };
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
