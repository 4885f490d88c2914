//! `sigstack trace`: a spend, opcode by opcode.

use std::io::{self, Write};

use sigstack_debugger::text::{self, TextOptions};
use sigstack_debugger::{Options, Trace, html, json};

use crate::args::TraceArgs;
use crate::output::{Status, complain};
use crate::subject::{self, Subject};

/// Runs the command.
pub(crate) fn run(args: &TraceArgs, out: &mut impl Write) -> io::Result<Status> {
    let subjects = match subject::subjects(&args.subject) {
        Ok(subjects) => subjects,
        Err(problem) => {
            complain(&problem);
            return Ok(Status::Unknown);
        }
    };
    if let (Some(path), 2..) = (&args.html, subjects.len()) {
        let count = subjects.len();
        complain(&format!("--html: {}: the case is about {count} spends, a page about one", path.display()));
        return Ok(Status::Unknown);
    }
    let mut status = Status::Yes;
    for subject in subjects {
        let heading = heading(&subject);
        let trace = match Trace::record(subject.into(), Options::default()) {
            Ok(trace) => trace,
            Err(error) => {
                complain(&error.to_string());
                return Ok(Status::Unknown);
            }
        };
        if trace.verdict.is_err() {
            status = Status::No;
        }
        if let Some(path) = &args.html {
            if let Err(error) = std::fs::write(path, html::page(&trace)) {
                complain(&format!("--html: {}: {error}", path.display()));
                return Ok(Status::Unknown);
            }
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
