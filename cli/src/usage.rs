//! Parses the command line, and converts the parser's errors to the command's own error type.

use std::error::Error as _;
use std::ffi::OsString;

use clap::error::{ContextKind, ErrorKind};
use clap::{CommandFactory, Error, FromArgMatches};

use crate::args::Args;
use crate::nearest::suggestion;
use crate::output::Status;
use crate::problem::Problem;

/// The result of parsing the command line.
pub(crate) enum Parsed {
    Command(Box<Args>),
    /// A help text or the version was requested, and has been printed.
    Answered(Status),
}

/// Parses the arguments of the command, and prints the help or the version if they ask for it.
pub(crate) fn parse(words: &[OsString]) -> Result<Parsed, Problem> {
    let read = command().try_get_matches_from(words).and_then(|matches| Args::from_arg_matches(&matches));
    let error = match read {
        Ok(args) => return Ok(Parsed::Command(Box::new(args))),
        Err(error) => error,
    };
    let status = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Status::Yes,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Status::Unknown,
        _ => return Err(problem(&error, words)),
    };
    // A closed pipe is not an error, as for other output.
    let _ = error.print();
    Ok(Parsed::Answered(status))
}

/// Returns clap's description of the command line. Options accept negative numbers, so that the check of each value
/// can explain its range.
pub(crate) fn command() -> clap::Command {
    fn with_negative_numbers(command: clap::Command) -> clap::Command {
        let allow = |arg: clap::Arg| match arg.get_action().takes_values() {
            true => arg.allow_negative_numbers(true),
            false => arg,
        };
        command.mut_args(allow).mut_subcommands(with_negative_numbers)
    }
    with_negative_numbers(Args::command())
}

/// Converts an error of the argument parser clap to the command's own error type.
fn problem(error: &Error, words: &[OsString]) -> Problem {
    let path = subcommands(words);
    let text = |kind| error.get(kind).map(ToString::to_string).filter(|text| !text.is_empty());
    let argument = text(ContextKind::InvalidArg);
    let value = text(ContextKind::InvalidValue).unwrap_or_default();
    let problem = match error.kind() {
        ErrorKind::InvalidValue if value.is_empty() => Problem::new("a value is missing"),
        ErrorKind::InvalidValue => unknown_value(error, &value),
        ErrorKind::ValueValidation => invalid_value(error, &value),
        ErrorKind::UnknownArgument => {
            let name = argument.unwrap_or_default();
            let what =
                if name.starts_with('-') { "there is no such option" } else { "one argument too many" };
            let known = text(ContextKind::SuggestedArg);
            let problem = Problem::new(what).at(name);
            return with_help(
                known
                    .into_iter()
                    .fold(problem, |problem, known| problem.hint(format!("did you mean {known}?"))),
                &path,
            );
        }
        ErrorKind::InvalidSubcommand => {
            let name = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            let problem = Problem::new(format!("there is no command {name:?}"));
            let known = names_of_subcommands(&path);
            let hint = suggestion(&name, known.iter().map(String::as_str));
            return with_help(hint.into_iter().fold(problem, Problem::hint), &path);
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = argument.unwrap_or_default();
            // The parser names alternatives as `<--tx <HEX>|--psbt <PSBT>>`.
            let alternatives = missing.strip_prefix("<--").and_then(|text| text.strip_suffix('>'));
            let missing = match alternatives {
                Some(text) => format!("one of --{}", text.replace('|', ", ")),
                None => missing,
            };
            return with_help(Problem::new(format!("missing: {missing}")), &path);
        }
        ErrorKind::ArgumentConflict => {
            let prior = text(ContextKind::PriorArg);
            match prior {
                Some(prior) if Some(&prior) != argument.as_ref() => {
                    let prior = prior.split(' ').next().unwrap_or_default();
                    Problem::new(format!("cannot be used together with {prior}"))
                        .hint("leave one of them out")
                }
                _ => Problem::new("appears more than once").hint("give it once"),
            }
        }
        ErrorKind::TooManyValues => Problem::new("takes no value").hint("write the option alone"),
        // For other kinds of errors, which hardly occur, the first line of the parser's own text is used.
        _ => {
            let text = error.render().to_string();
            let first = text.lines().next().unwrap_or_default();
            Problem::new(first.strip_prefix("error: ").unwrap_or(first))
        }
    };
    let problem = match argument {
        // Uses the option without the name of its value, or the name of a positional argument without its brackets.
        Some(argument) => {
            let name = argument.split(' ').next().unwrap_or_default();
            problem.at(name.trim_matches(['<', '>', '[', ']', '.']))
        }
        None => problem,
    };
    with_help(problem, &path)
}

/// Returns the error for an option value that is not in the list of accepted names.
fn unknown_value(error: &Error, value: &str) -> Problem {
    let known = match error.get(ContextKind::ValidValue) {
        Some(clap::error::ContextValue::Strings(known)) => known.as_slice(),
        _ => &[],
    };
    let list = format!("known: {}", known.join(", "));
    let hint = match suggestion(value, known.iter().map(String::as_str)) {
        Some(suggestion) => format!("{suggestion} ({list})"),
        None => list,
    };
    Problem::new(format!("unknown name {value:?}")).hint(hint)
}

/// Returns the error for an option value that the option's own parser rejects.
fn invalid_value(error: &Error, value: &str) -> Problem {
    match error.source() {
        Some(source) => match source.downcast_ref::<Problem>() {
            Some(problem) => problem.clone(),
            None => Problem::new(format!("{value:?}: {source}")),
        },
        None => Problem::new(format!("invalid value {value:?}")),
    }
}

/// Adds a reference to `--help`, unless the error has other advice.
fn with_help(problem: Problem, path: &[String]) -> Problem {
    let command: String = path.iter().map(|name| format!(" {name}")).collect();
    problem.hint(format!("see `sigstack{command} --help`"))
}

/// Returns the names of the subcommands with which the arguments begin, such as `channel` and `play`.
fn subcommands(words: &[OsString]) -> Vec<String> {
    let mut command = command();
    let mut path = Vec::new();
    for word in words.iter().skip(1).filter_map(|word| word.to_str()) {
        let Some(sub) = command.find_subcommand(word).cloned() else { break };
        path.push(word.to_owned());
        command = sub;
    }
    path
}

/// Returns the names of the subcommands that the command at `path` has, such as `list` and `play` for `channel`.
fn names_of_subcommands(path: &[String]) -> Vec<String> {
    let mut command = command();
    for name in path {
        if let Some(sub) = command.find_subcommand(name).cloned() {
            command = sub;
        }
    }
    command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect()
}
