//! `sigstack compile` and `sigstack plan`: policies.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};

use sigstack_compiler::{Assets, Compiled, Reason, compile, parse, report};

use crate::args::{CompileArgs, PlanArgs, PolicyArgs};
use crate::output::{Status, complain};

/// Runs `sigstack compile`.
pub(crate) fn run(args: &CompileArgs, out: &mut impl Write) -> io::Result<Status> {
    let compiled = match read(&args.policy) {
        Ok(compiled) => compiled,
        Err((status, problem)) => {
            report_problem(&problem);
            return Ok(status);
        }
    };
    if args.json {
        writeln!(out, "{}", report::compiled_json(&compiled, args.network))?;
    } else {
        write!(out, "{}", report::compiled_text(&compiled, args.network))?;
    }
    Ok(Status::Yes)
}

/// Runs `sigstack plan`.
pub(crate) fn run_plan(args: &PlanArgs, out: &mut impl Write) -> io::Result<Status> {
    let compiled = match read(&args.policy) {
        Ok(compiled) => compiled,
        Err((_, problem)) => {
            report_problem(&problem);
            return Ok(Status::Unknown);
        }
    };
    let mut assets = Assets::default();
    for word in &args.have {
        if let Err(error) = assets.add(word, &compiled) {
            complain(&format!("--have {word}: {error}"));
            return Ok(Status::Unknown);
        }
    }
    match compiled.plan(&assets) {
        Ok(plan) if args.json => writeln!(out, "{}", report::plan_json(&compiled, &plan))?,
        Ok(plan) => write!(out, "{}", report::plan_text(&compiled, &plan))?,
        Err(error) => {
            complain(&error.to_string());
            return Ok(Status::No);
        }
    }
    Ok(Status::Yes)
}

/// What is wrong with a policy: an error of the compiler brings its own layout.
enum Problem {
    Rendered(String),
    Plain(String),
}

fn report_problem(problem: &Problem) {
    match problem {
        Problem::Rendered(text) => {
            let mut err = anstream::stderr().lock();
            // If standard error cannot be written to, there is nobody left to tell.
            let _ = write!(err, "{text}");
        }
        Problem::Plain(text) => complain(text),
    }
}

fn read(args: &PolicyArgs) -> Result<Compiled, (Status, Problem)> {
    let unknown = |text: String| (Status::Unknown, Problem::Plain(text));
    // Every policy has a fragment with arguments.
    let text = if args.policy.contains('(') {
        args.policy.clone()
    } else {
        fs::read_to_string(&args.policy).map_err(|error| unknown(format!("{}: {error}", args.policy)))?
    };
    let mut given = BTreeMap::new();
    for setting in &args.set {
        let (name, value) =
            setting.split_once('=').ok_or_else(|| unknown(format!("--set {setting}: write NAME=VALUE")))?;
        given.insert(name.to_owned(), value.to_owned());
    }
    let allowed: BTreeSet<Reason> = args.allow.iter().filter_map(|name| Reason::from_name(name)).collect();
    let compiled = parse(&text).and_then(|document| compile(&document, &given, &allowed));
    // A policy that is refused is an answer; one that cannot be read is none.
    compiled.map_err(|error| {
        let refused = matches!(error.kind, sigstack_compiler::ErrorKind::Refused(..));
        (if refused { Status::No } else { Status::Unknown }, Problem::Rendered(error.render(&text)))
    })
}
