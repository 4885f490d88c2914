//! `sigstack compile` and `sigstack plan`: compile policies and plan witnesses.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use sigstack_compiler::{Assets, Compiled, PlanError, Reason, compile, parse, report};

use crate::args::{CompileArgs, PlanArgs, PolicyArgs};
use crate::input;
use crate::output::Status;
use crate::problem::{Problem, Stop};
use crate::table;

/// Runs `sigstack compile`.
pub(crate) fn run(args: &CompileArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let (text, compiled) = read(&args.policy)?;
    if args.json {
        writeln!(out, "{}", report::compiled_json(&compiled, args.network, &text))?;
    } else {
        let report = report::compiled_text(&compiled, args.network, &text);
        out.write_all(table::wrapped(&report).as_bytes())?;
    }
    Ok(Status::Yes)
}

/// Runs `sigstack plan`.
pub(crate) fn run_plan(args: &PlanArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let (_, compiled) = read(&args.policy).map_err(|stop| match stop {
        // If the policy does not compile, the question about a witness has no answer.
        Stop::No(problem) => Stop::Unknown(problem),
        stop => stop,
    })?;
    let mut assets = Assets::default();
    for word in &args.have {
        assets
            .add(word, &compiled)
            .map_err(|error| Problem::new(error.to_string()).at(format!("--have {word}")))?;
    }
    match compiled.plan(&assets) {
        Ok(plan) if args.json => writeln!(out, "{}", report::plan_json(&compiled, &plan))?,
        Ok(plan) => out.write_all(table::wrapped(&report::plan_text(&compiled, &plan)).as_bytes())?,
        Err(error) => {
            let problem = Problem::new(error.to_string());
            return Err(Stop::No(match error {
                PlanError::NotSatisfied => problem.hint(report::lacking_text(&compiled, &assets)),
                _ => problem,
            }));
        }
    }
    Ok(Status::Yes)
}

/// Returns the eight-character checksum after `#` at the end of a descriptor (BIP 380). A policy text would treat it
/// as a comment.
fn descriptor_checksum(text: &str) -> Option<&str> {
    const LENGTH: usize = 8;
    let checksums = text.lines().filter_map(|line| line.trim_end().rsplit_once(")#"));
    let is_checksum = |text: &str| {
        text.len() == LENGTH && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    checksums.map(|(_, checksum)| checksum).find(|checksum| is_checksum(checksum))
}

/// Reads and compiles the policy that the arguments give. Returns the policy text as well.
fn read(args: &PolicyArgs) -> Result<(String, Compiled), Stop> {
    if args.policy.trim().is_empty() {
        return Err(Problem::new("the policy is empty")
            .at("policy")
            .hint("write a policy, as in pk(KEY)")
            .into());
    }
    // Every policy contains a fragment with arguments in parentheses, so a text without `(` is a path.
    let is_text = |text: &str| text.contains('(');
    let text = input::text_or_path(&args.policy, "policy", is_text).map_err(|problem| {
        match is_text(&args.policy) || args.policy.starts_with(['@', '-']) {
            true => problem,
            false => problem.hint("text without ( is read as the path of a policy file"),
        }
    })?;
    if let Some(checksum) = descriptor_checksum(&text) {
        return Err(Problem::new(format!("#{checksum} is a descriptor's checksum, and a policy has none"))
            .at("policy")
            .hint("leave it out; for a comment, write a space before #")
            .into());
    }
    let mut given = BTreeMap::new();
    for setting in &args.set {
        let (name, value) = setting.split_once('=').ok_or_else(|| {
            Problem::new("`=` is missing").at(format!("--set {setting}")).hint("write NAME=VALUE")
        })?;
        if given.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Problem::new(format!("a second value for {name}"))
                .at(format!("--set {setting}"))
                .hint("give one value for each name")
                .into());
        }
    }
    let allowed: BTreeSet<Reason> = args.allow.iter().filter_map(|name| Reason::from_name(name)).collect();
    let compiled = parse(&text).and_then(|document| compile(&document, &given, &allowed));
    let compiled = compiled.map_err(|error| {
        use sigstack_compiler::ErrorKind::{GivenValue, UnusedValue};
        // The erroneous value is not part of the policy text, so the error names the option instead of a place in the text.
        if let GivenValue { name, .. } | UnusedValue { name, .. } = &error.kind {
            let value = given.get(name).map(String::as_str).unwrap_or_default();
            let problem = Problem::new(error.kind.to_string()).at(format!("--set {name}={value}"));
            return Stop::Unknown(error.kind.help().into_iter().fold(problem, Problem::hint));
        }
        let place = format!("policy, byte {}", error.span.start);
        let problem = Problem::new(error.kind.to_string()).at(place).layout(error.render(&text));
        let problem = error.kind.help().into_iter().fold(problem, Problem::hint);
        // If a safety check refuses the policy, the answer is no. If the policy cannot be parsed, there is no answer.
        match error.kind {
            sigstack_compiler::ErrorKind::Refused(..) => Stop::No(problem),
            _ => Stop::Unknown(problem),
        }
    })?;
    Ok((text, compiled))
}
