//! `sigstack`: runs test vectors, verifies spends, shows how scripts run, compiles policies, plays and compares channels.
//!
//! Exit status: 0 for yes, 1 for no, 2 if it could not be told.

mod args;
mod asm;
mod channel;
mod compile;
mod debug;
mod decode;
mod find;
mod flags;
mod output;
mod shell;
mod subject;
mod table;
mod trace;
mod vectors;
mod verify;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
use crate::output::{Output, Status};

fn main() -> ExitCode {
    let args = Args::parse();
    let mut out = Output::new(anstream::AutoStream::auto(io::stdout().lock()));
    let done = match args.command {
        Command::Vectors(args) => vectors::run(&args, &mut out),
        Command::Verify(args) => verify::run(&args, &mut out),
        Command::Compile(args) => compile::run(&args, &mut out),
        Command::Plan(args) => compile::run_plan(&args, &mut out),
        Command::Trace(args) => trace::run(&args, &mut out),
        Command::Debug(args) => debug::run(&args),
        Command::Asm(args) => asm::asm(&args, &mut out),
        Command::Disasm(args) => asm::disasm(&args, &mut out),
        Command::Decode(args) => decode::run(&args, &mut out),
        Command::Completions(args) => shell::completions(&args, &mut out),
        Command::Man => shell::man(&mut out),
        Command::Channel(command) => channel::run(&command, &mut out),
        Command::Compare(args) => channel::compare(&args, &mut out),
        Command::Attacks(args) => channel::attack(&args, &mut out),
        Command::Breach(args) => channel::breach(&args, &mut out),
    };
    match done.and_then(|status| out.flush().map(|()| status)) {
        Ok(status) => status.into(),
        Err(error) => {
            output::complain(&format!("standard output: {error}"));
            Status::Unknown.into()
        }
    }
}
