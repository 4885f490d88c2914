//! `sigstack trace`: shows the verification of inputs, opcode by opcode.

use std::io::Write;

use sigstack_debugger::text::{self, TextOptions};
use sigstack_debugger::{Options, Trace, html, json};
use sigstack_interpreter::{Spend, TransactionError};

use crate::args::TraceArgs;
use crate::files;
use crate::output::{BAD, GOOD, Status};
use crate::problem::{Problem, Stop};
use crate::subject::{self, Origin, Subject};

/// Runs `sigstack trace`.
pub(crate) fn run(args: &TraceArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let subjects = subject::subjects(&args.subject)?;
    let each = || subjects.iter().flat_map(|subject| subject.each().map(move |input| (subject, input)));
    if let (Some(_), count @ 2..) = (&args.html, each().count()) {
        let problem = Problem::new(format!("there are {count} inputs; a page shows one"));
        return Err(problem.at("--html").hint("name one with --input N; the text shows all of them").into());
    }
    let mut status = Status::Yes;
    for subject in &subjects {
        for input in subject.each() {
            let trace =
                Trace::record(input, Options::default()).map_err(|error| Problem::new(error.to_string()))?;
            if !trace.is_valid() {
                status = Status::No;
            }
            if let Some(path) = &args.html {
                files::write(path, html::page(&trace).as_bytes()).map_err(|problem| problem.at("--html"))?;
            } else if args.json {
                json::write(&trace, out)?;
            } else {
                write!(out, "{}", heading(subject))?;
                text::write(&trace, TextOptions { full: args.full, around: args.around }, out)?;
            }
        }
        if subject.origin == Origin::TransactionCase && args.html.is_none() && !args.json {
            write_transaction_verdict(subject, out)?;
        }
    }
    Ok(status)
}

/// Writes the verdict on the whole transaction, after the traces of its inputs.
fn write_transaction_verdict(subject: &Subject, out: &mut impl Write) -> Result<(), Stop> {
    let spend =
        Spend::new(&subject.tx, &subject.prevouts).map(|spend| spend.with_code_points(subject.code_points));
    match spend.map_err(TransactionError::from).and_then(|spend| spend.verify(subject.flags)) {
        Ok(()) => writeln!(out, "transaction  {GOOD}OK{GOOD:#}")?,
        Err(error) => writeln!(out, "transaction  {BAD}{error}{BAD:#}")?,
    }
    Ok(())
}

fn heading(subject: &Subject) -> String {
    let source = subject.source.iter().map(|source| format!("{source}\n"));
    let expected = subject.expected.iter().map(|expected| format!("expected {expected}\n"));
    source.chain(expected).collect()
}
