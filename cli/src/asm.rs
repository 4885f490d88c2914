//! `sigstack asm` and `sigstack disasm`: convert scripts between assembly and bytes.

use std::io::Write;

use serde_json::{Value, json};
use sigstack_debugger::{assemble, disassemble_as};
use sigstack_interpreter::CodePoints;

use crate::args::{AsmArgs, DisasmArgs};
use crate::flags::code_points;
use crate::input;
use crate::output::Status;
use crate::problem::Stop;

/// The option `--json`, which is also recognized after the words of a script. The argument parser takes everything
/// after the first word as a word, because words may begin with a minus sign.
const JSON_OPTION: &str = "--json";

/// Runs `sigstack asm`.
pub(crate) fn asm(args: &AsmArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let words: Vec<&str> =
        args.words.iter().map(String::as_str).filter(|word| *word != JSON_OPTION).collect();
    let as_json = args.json || words.len() < args.words.len();
    let code_points = code_points(&args.assign)?;
    let script = input::assembly(&words.join(" "), "asm", &code_points)?;
    if as_json {
        writeln!(out, "{}", script_json(&script, &code_points))?;
    } else {
        writeln!(out, "{}", hex::encode(script))?;
    }
    Ok(Status::Yes)
}

/// Returns a script as JSON: its hex, its assembly, and its words with their positions and byte offsets.
fn script_json(script: &[u8], code_points: &CodePoints) -> Value {
    let words = disassemble_as(script, code_points);
    let text: Vec<&str> = words.iter().map(|(_, word)| word.as_str()).collect();
    let rows = words.iter().enumerate();
    let rows = rows
        .map(|(position, (offset, word))| json!({ "position": position, "offset": offset, "word": word }));
    json!({ "hex": hex::encode(script), "asm": text.join(" "), "words": rows.collect::<Value>() })
}

/// Runs `sigstack disasm`.
pub(crate) fn disasm(args: &DisasmArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let code_points = code_points(&args.assign)?;
    let hex = args.script.strip_prefix("hex:").unwrap_or(&args.script);
    let script = input::bytes(hex, "disasm").map_err(|problem| match hex.strip_prefix("0x") {
        Some(rest) => problem.hint(format!("write the hex without 0x: {rest}")),
        None if assemble(hex).is_ok() => problem.hint("this is assembly: `sigstack asm` gives its hex"),
        None => problem,
    })?;
    if args.json {
        writeln!(out, "{}", script_json(&script, &code_points))?;
        return Ok(Status::Yes);
    }
    let words = disassemble_as(&script, &code_points);
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
