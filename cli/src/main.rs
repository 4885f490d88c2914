//! `sigstack`: runs test vectors, verifies transactions, shows the execution of scripts, compiles policies, and
//! simulates and compares channels.
//!
//! Exit status: 0 for a positive result, 1 for a negative result, 2 if an error or unreadable input prevented a
//! complete result.

mod args;
mod asm;
mod channel;
mod compile;
mod conform;
mod debug;
mod decode;
mod files;
mod find;
mod flags;
mod input;
mod nearest;
mod output;
mod prevouts;
mod problem;
mod progress;
mod shell;
mod subject;
mod table;
mod trace;
mod usage;
mod vectors;
mod verify;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::args::{Args, Command};
use crate::output::{Output, Status};
use crate::problem::{Stop, wants_json};

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let mut out = Output::new(anstream::AutoStream::auto(io::stdout().lock()));
    let done = match usage::parse(&words) {
        Ok(usage::Parsed::Command(args)) => run(*args, &mut out),
        Ok(usage::Parsed::Answered(status)) => Ok(status),
        Err(problem) => Err(problem.into()),
    };
    let done = done.and_then(|status| Ok(out.flush().map(|()| status)?));
    done.unwrap_or_else(|stop| stop.report(wants_json(&words), &mut out)).into()
}

fn run(args: Args, out: &mut impl Write) -> Result<Status, Stop> {
    output::set_width(args.width);
    match args.command {
        Command::Vectors(args) => vectors::run(&args, out),
        Command::Conform(args) => conform::run(&args, out),
        Command::Verify(args) => verify::run(&args, out),
        Command::Compile(args) => compile::run(&args, out),
        Command::Plan(args) => compile::run_plan(&args, out),
        Command::Trace(args) => trace::run(&args, out),
        Command::Debug(args) => debug::run(&args),
        Command::Asm(args) => asm::asm(&args, out),
        Command::Disasm(args) => asm::disasm(&args, out),
        Command::Decode(args) => decode::run(&args, out),
        Command::Completions(args) => Ok(shell::completions(&args, out)?),
        Command::Man => Ok(shell::man(out)?),
        Command::Channel(command) => channel::run(&command, out),
        Command::Compare(args) => channel::compare(&args, out),
        Command::Attacks(args) => channel::breach::attack(&args, out),
        Command::Breach(args) => channel::breach::breach(&args, out),
    }
}
