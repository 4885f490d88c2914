//! `sigstack trace`: a spend, opcode by opcode.

use std::io::Write;

use sigstack_debugger::text::{self, TextOptions};
use sigstack_debugger::{Options, Trace, html, json};

use crate::args::TraceArgs;
use crate::files;
use crate::output::Status;
use crate::problem::{Problem, Stop};
use crate::subject::{self, Subject};

/// Runs the command.
pub(crate) fn run(args: &TraceArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let subjects = subject::subjects(&args.subject)?;
    if let (Some(_), 2..) = (&args.html, subjects.len()) {
        let problem = Problem::new(format!("the case has {} inputs; a page shows one", subjects.len()));
        return Err(problem.at("--html").hint("leave --html out: the text shows all of them").into());
    }
    let mut status = Status::Yes;
    for subject in subjects {
        let heading = heading(&subject);
        let trace = Trace::record(subject.into(), Options::default())
            .map_err(|error| Problem::new(error.to_string()))?;
        if trace.verdict.is_err() {
            status = Status::No;
        }
        if let Some(path) = &args.html {
            files::write(path, html::page(&trace).as_bytes()).map_err(|problem| problem.at("--html"))?;
        } else if args.json {
            json::write(&trace, out)?;
        } else {
            write!(out, "{heading}")?;
            text::write(&trace, TextOptions { full: args.full, around: args.around }, out)?;
        }
    }
    Ok(status)
}

fn heading(subject: &Subject) -> String {
    let source = subject.source.iter().map(|source| format!("{source}\n"));
    let expected = subject.expected.iter().map(|expected| format!("expected {expected}\n"));
    source.chain(expected).collect()
}
