//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use bitcoin::Network;
use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};
use sigstack_compiler::Reason;
use sigstack_vectors::DIALECTS;

/// Bitcoin Script verification with today's rules and proposed soft forks.
///
/// For research and review; nodes that guard money should run Bitcoin Core.
#[derive(Debug, Parser)]
#[command(name = "sigstack", version, after_help = EXIT_STATUS)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_STATUS: &str = "Exit status: 0 for yes, 1 for no, 2 if it could not be told.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Vectors(VectorsArgs),
    Verify(VerifyArgs),
    Compile(CompileArgs),
    Plan(PlanArgs),
}

/// Run test vectors and report the verdict of every case.
///
/// The format of each file is recognised by its content: the project's case format, script_tests.json, tx_valid.json,
/// tx_invalid.json, sighash.json and script_assets_test.json of Bitcoin Core and its forks, and the vectors of BIPs 119, 340,
/// 341 and 446; plain or gzip'd. Folders are searched for .json, .jsonl and .csv files; files in them that hold no vectors
/// are listed and change nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = VECTORS_HELP)]
pub(crate) struct VectorsArgs {
    /// Files or folders. Without any, the project's own vectors: the folder test-vectors here or in a parent folder,
    /// otherwise the one of the source that this command was built from
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Print one JSON object a failing case and a summary object last
    #[arg(long)]
    pub(crate) json: bool,

    /// Run only cases whose comment or id contains TEXT, in upper or lower case
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,

    /// Run N cases at a time [default: one for each processor]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,

    /// Read files whose format has dialects in this one, instead of the one that their content shows
    #[arg(long, value_name = "NAME", value_parser = dialect_names())]
    pub(crate) dialect: Option<String>,
}

fn dialect_names() -> PossibleValuesParser {
    PossibleValuesParser::new(DIALECTS.iter().map(|dialect| dialect.name))
}

const VECTORS_HELP: &str = "\
Exit status:
  0  every case of every file got its expected verdict
  1  a case did not
  2  a file could not be read (the others still run), or no case ran

Examples:
  sigstack vectors
  sigstack vectors ../bitcoin/src/test/data
  sigstack vectors --json --filter CHECKSIGADD ../shared/vectors/taproot";

/// Verify one spend, and tell the consensus verdict and the policy verdict apart.
///
/// The consensus verdict is under the flags that are rules: today's, and those of the proposals that --flags activates. The
/// policy verdict adds everything that today's relay policy refuses, apart from what is activated. If --flags names policy
/// flags too, the verdict under exactly these flags is told as well.
#[derive(Debug, clap::Args)]
#[command(after_help = VERIFY_HELP)]
pub(crate) struct VerifyArgs {
    /// The spending transaction, witness included, in hex; or @FILE that holds the hex
    #[arg(long, value_name = "HEX", required_unless_present = "case")]
    pub(crate) tx: Option<String>,

    /// The output that an input spends, once for each input in input order: SATOSHI:SCRIPT with the script in hex, or the
    /// serialized output in hex; or @FILE that holds one of these
    #[arg(long = "prevout", value_name = "OUTPUT", requires = "tx")]
    pub(crate) prevouts: Vec<String>,

    /// The input to verify, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) input: usize,

    /// The flags, separated by commas: Core's names, those of the proposals, and CONSENSUS and POLICY for today's sets
    /// [default: CONSENSUS, or those of the case]
    #[arg(long, value_name = "NAMES")]
    pub(crate) flags: Option<String>,

    /// Take the spend and its flags from a vector file: case N, counted from 1 without the comments
    #[arg(long, value_name = "FILE#N", conflicts_with_all = ["tx", "prevouts", "input"])]
    pub(crate) case: Option<String>,

    /// Print one JSON object a spend
    #[arg(long)]
    pub(crate) json: bool,
}

const VERIFY_HELP: &str = "\
Exit status:
  0  the spend is valid under the flags that were named
  1  it is not
  2  it could not be told

Examples:
  sigstack verify --prevout 1000:51 --tx 01000000010000000000000000000000000000000000000000000000000000000000000000\
00000000000000000001e8030000000000000000000000
  sigstack verify --case ../shared/vectors/core/tx_valid.json#7
  sigstack verify --flags CONSENSUS,CHECKSIGFROMSTACK --case ../shared/vectors/cases/csfs.jsonl.gz#1";

/// A policy and how it is read.
#[derive(Debug, clap::Args)]
pub(crate) struct PolicyArgs {
    /// The policy, or the path of a file that holds it: a text without `(` is a path
    #[arg(value_name = "POLICY|PATH")]
    pub(crate) policy: String,

    /// A value for a name that the policy leaves open: a key or bytes in hex, or a number
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,

    /// Let a check fail that would refuse the policy
    #[arg(long, value_name = "CHECK", value_parser = check_names())]
    pub(crate) allow: Vec<String>,
}

fn check_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Reason::ALL.iter().map(|reason| reason.name()))
}

/// Compile a policy to a taproot output.
///
/// Prints the address, the tree, and for each leaf its script, the weight of its witness, its signature checks against the
/// budget, and the proposals that must be active.
#[derive(Debug, clap::Args)]
#[command(after_help = COMPILE_HELP)]
pub(crate) struct CompileArgs {
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,

    /// The network of the address: bitcoin, testnet, testnet4, signet or regtest
    #[arg(long, value_name = "NAME", default_value = "bitcoin")]
    pub(crate) network: Network,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

const COMPILE_HELP: &str = "\
Exit status:
  0  the policy is compiled
  1  a check refuses it
  2  it cannot be read

Examples:
  sigstack compile 'or(pk(79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798),older(144))' --allow unprotected
  sigstack compile script-compiler/policies/default-ctv.policy --network regtest";

/// Find the cheapest witness for what is at hand.
///
/// Prints the way to spend, nLockTime and nSequence, the exact weight of the witness, and its elements: who signs what.
#[derive(Debug, clap::Args)]
#[command(after_help = PLAN_HELP)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,

    /// What is at hand: pk:KEY, apo:KEY, preimage:IMAGE, after:N, older:N, template:HASH, presigned:SIGNATURE,
    /// signed:KEY:VALUE:... or opens:COMMITMENT:VALUE:..., with names of the policy or hex
    #[arg(long, value_name = "ASSET")]
    pub(crate) have: Vec<String>,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

const PLAN_HELP: &str = "\
Exit status:
  0  there is a witness
  1  there is none that nobody else could change
  2  the policy or an asset cannot be read

Examples:
  sigstack plan script-compiler/policies/default-ctv.policy --have signed:K_A:2000000001 --have pk:B_pen";
