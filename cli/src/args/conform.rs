//! The arguments of `sigstack conform`.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{dialect_names, number};

/// Run another implementation over the test vectors and report where it differs.
///
/// The command after -- is started several times. Each process reads cases from standard input, one per line. A case is
/// a JSON object with the fields id, rule, tx, index, prevouts and flags. The process answers each case with a line on
/// standard output: OK, the name of Bitcoin Core's error, `error` for a rejection without such a name, or `?` if it
/// cannot answer. Text may follow `error` and `?`. The process must flush each answer, because the next case is sent
/// only after it. test-vectors/README.md describes the protocol, and has example clients.
///
/// A case fails if a process crashes on it, does not answer in time, or answers with any other line. Another process
/// continues with the next case. If a process crashes that has answered other cases, an earlier case may be the cause.
/// A new process is then given the same case. If the new process does not crash, the crash is reported, but does not
/// count as a difference.
///
/// If an invalid case is rejected with an error name other than the expected one, this is reported. It counts as a
/// difference only with --errors, because the consensus rules do not say which of several errors comes first.
#[derive(Debug, clap::Args)]
#[command(after_help = CONFORM_HELP, override_usage = "sigstack conform [OPTIONS] [PATH]... -- COMMAND...")]
pub(crate) struct ConformArgs {
    /// Test vector files or folders, as in `sigstack vectors` [default: the project's own vectors]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// The program to run and its arguments
    #[arg(value_name = "COMMAND", last = true, required = true)]
    pub(crate) command: Vec<OsString>,

    /// Also count as differences: an error name other than the expected one, and a rejection without an error name
    #[arg(long)]
    pub(crate) errors: bool,

    /// Show every rule in the table, also rules on which all cases agree or abstain
    #[arg(long)]
    pub(crate) all: bool,

    /// Send only cases whose comment or id contains TEXT, ignoring case
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,

    /// Send only cases of rules whose names contain TEXT, ignoring case
    #[arg(long, value_name = "TEXT")]
    pub(crate) rule: Option<String>,

    /// Send only cases of files whose names contain TEXT, ignoring case
    #[arg(long, value_name = "TEXT")]
    pub(crate) file: Option<String>,

    /// Send only cases whose id contains TEXT, ignoring case
    #[arg(long, value_name = "TEXT")]
    pub(crate) id: Option<String>,

    /// Run N processes of the command at a time [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = number::within(&number::JOBS))]
    pub(crate) jobs: Option<usize>,

    /// Maximum time for the answer to a case; a case that takes longer fails
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = number::within(&number::TIMEOUT))]
    pub(crate) timeout: u32,

    /// Print one JSON object for each case that does not agree, and a summary object at the end
    #[arg(long)]
    pub(crate) json: bool,

    /// Write the result of every case as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,

    /// Write a report of all results as one HTML page
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,

    /// Read flag and error names as the project NAME writes them, instead of detecting the project from the content
    #[arg(long, value_name = "NAME", value_parser = dialect_names())]
    pub(crate) dialect: Option<String>,
}

const CONFORM_HELP: &str = "\
Exit status:
  0  every answer is the expected one, apart from cases that it abstains from
  1  an answer is another one, or a case has none
  2  the command cannot be started, answers nothing or abstains from every case, a
     file or a case could not be read, or no case was selected

Examples:
  sigstack conform --id csfs/valid -- sh -c 'while read -r case; do echo OK; done'
  sigstack conform --filter csfs/invalid --html report.html --junit report.xml \\
    -- sh -c 'while read -r case; do echo OK; done'";
