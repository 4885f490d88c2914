//! Arguments of the commands that verify transaction inputs: `verify`, `trace` and `debug`.

use std::path::PathBuf;

use clap::{ArgGroup, ValueEnum};

use super::number::{FRAMES, INPUT, LOCK_TIME, sequence, within};

/// Verify the inputs of a transaction, and print the consensus verdict and the policy verdict.
///
/// The consensus verdict uses the requested flags without the policy flags. These are today's consensus flags, unless
/// --profile or --flags (NONE, -P2SH) leaves some out, and the flags of the activated proposals. If all inputs of a
/// transaction or PSBT are verified, this verdict includes the consensus rules for the transaction alone and for its
/// amounts. If --flags contains policy flags, the verdict on the scripts under exactly the requested flags is printed
/// too.
///
/// The policy verdict adds the script policy flags, apart from those that discourage an activated proposal. It also
/// adds the standardness rules of Bitcoin Core 31: form and size of the transaction, outputs and dust, spent outputs,
/// witnesses, signature operations and the minimum fee. Rules that need an unknown spent output are not checked. For
/// --case, only the rules for the inputs of the case are checked. For --script, no standardness rule is checked,
/// because the transaction is made up.
///
/// A verdict names the inputs that it covers, and rules that did not run although the input is valid. Lines under
/// "unchecked" name what no verdict covers. A valid signature does not prove that the script requires a signature: a
/// script can drop the result of a signature check. Then the input is also valid without the signature.
#[derive(Debug, clap::Args)]
#[command(after_long_help = verify_help(), after_help = SEE_HELP)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) subject: SubjectArgs,

    /// Print one JSON object for each transaction (docs/json-output.md)
    #[arg(long)]
    pub(crate) json: bool,
}

/// The inputs to verify, given as a transaction, PSBT, vector case or script, and the flags to verify them with.
#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(group = ArgGroup::new("spend").required(true).args(["tx", "psbt", "case", "script"]))]
pub(crate) struct SubjectArgs {
    /// The spending transaction with its witnesses, in hex; @FILE (hex or bytes), or - for standard input
    #[arg(long, value_name = "HEX")]
    pub(crate) tx: Option<String>,

    /// The output that an input spends: SATOSHI:SCRIPT with the script in hex, or the serialized output in hex; @FILE,
    /// or -. Give it once for each input, in input order, or with the index of the input: 1=SATOSHI:SCRIPT. To verify a
    /// legacy or segwit v0 input, only its own spent output is needed. To verify a taproot input, those of all inputs
    /// are needed
    #[arg(long = "prevout", value_name = "OUTPUT", requires = "tx", conflicts_with_all = ["psbt", "case", "script"],
        allow_hyphen_values = true)]
    pub(crate) prevouts: Vec<String>,

    /// A transaction whose outputs are spent, in hex, @FILE or -, instead of --prevout. Give it once for each such
    /// transaction
    #[arg(long = "prevtx", value_name = "HEX", requires = "tx", conflicts_with_all = ["prevouts", "psbt", "case", "script"])]
    pub(crate) prev_txs: Vec<String>,

    /// A PSBT of version 0 or 2 whose verified inputs are finalized, in base64 or hex; @FILE (text or binary), or -
    #[arg(long, value_name = "PSBT")]
    pub(crate) psbt: Option<String>,

    /// A case of a vector file: FILE#N (counted from 1, without comments), FILE#ID, or the id of a case of the
    /// project's own vectors. FILE may be - for standard input
    #[arg(long, value_name = "CASE", allow_hyphen_values = true)]
    pub(crate) case: Option<String>,

    /// A script without a transaction, in assembly (see asm --help) or as hex:HEX, @FILE or -. It runs in a transaction
    /// made up for it
    #[arg(long, value_name = "ASM", allow_hyphen_values = true)]
    pub(crate) script: Option<String>,

    /// The initial stack of --script, the top element last: numbers, hex in angle brackets, 'text', or hex:HEX with one
    /// word for each element; @FILE, or -
    #[arg(long, value_name = "ASM", requires = "script", conflicts_with_all = ["tx", "psbt", "case"],
        allow_hyphen_values = true)]
    pub(crate) stack: Option<String>,

    /// The kind of script as which --script runs
    #[arg(long = "as", value_name = "KIND", requires = "script", conflicts_with_all = ["tx", "psbt", "case"], default_value = "tapscript")]
    pub(crate) run_as: RunAs,

    /// nLockTime of the transaction made up for --script
    #[arg(long = "locktime", value_name = "N", requires = "script", conflicts_with_all = ["tx", "psbt", "case"], default_value_t = 0,
        value_parser = within(&LOCK_TIME))]
    pub(crate) lock_time: u32,

    /// nSequence of the transaction made up for --script, also in hex with 0x [default: 0xfffffffd]
    #[arg(long, value_name = "N", requires = "script", conflicts_with_all = ["tx", "psbt", "case"],
        value_parser = sequence)]
    pub(crate) sequence: Option<u32>,

    /// Verify only the input with this index, counted from 0 [default: all inputs]. With --case, only for a case about
    /// a whole transaction
    #[arg(long, value_name = "N", value_parser = within(&INPUT), conflicts_with = "script")]
    pub(crate) input: Option<usize>,

    /// Named sets of flags, separated by commas: consensus, policy, a proposal or a bundle of proposals
    #[arg(long, value_name = "NAMES")]
    pub(crate) profile: Option<String>,

    /// The flags, separated by commas: Core's names, those of the proposals, and CONSENSUS and POLICY for today's sets.
    /// +NAME and -NAME change the flags of the profile or of the case instead [default: CONSENSUS, or those of the
    /// case]
    #[arg(long, value_name = "NAMES", allow_hyphen_values = true)]
    pub(crate) flags: Option<String>,

    /// Another byte for the opcode of a proposal, such as CSFS=0xbb. Give it once for each, or separate them by commas
    #[arg(long, value_name = "NAME=BYTE")]
    pub(crate) assign: Vec<String>,

    /// The internal key of the spent taproot output, in hex. It helps to explain why a key path spend failed
    #[arg(long, value_name = "HEX")]
    pub(crate) internal_key: Option<String>,
}

/// The kind of output script that runs the script given by `--script`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunAs {
    /// The scriptPubKey itself; the scriptSig pushes the initial stack
    Legacy,
    /// A P2SH redeem script
    P2sh,
    /// A P2WSH witness script (segwit v0)
    P2wsh,
    /// A taproot leaf script
    Tapscript,
}

/// Trace the execution of a script: every phase, opcode, stack and signed message.
///
/// Prints one line for each opcode: its position, its byte offset, the signature budget where it changes, and the stack
/// after the opcode. For every signature check, prints the key and the message field by field. If the check failed,
/// also prints what would make it valid.
#[derive(Debug, clap::Args)]
#[command(after_long_help = trace_help(), after_help = SEE_HELP)]
pub(crate) struct TraceArgs {
    #[command(flatten)]
    pub(crate) subject: SubjectArgs,

    /// Print JSON lines, one for each entry of the trace (docs/trace-format.md)
    #[arg(long)]
    pub(crate) json: bool,

    /// Print all stack elements in full, without abbreviation
    #[arg(long)]
    pub(crate) full: bool,

    /// Write one self-contained HTML page to FILE, with a slider for the steps
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) html: Option<PathBuf>,

    /// Print only N entries of the trace before and after the failing one
    #[arg(long, value_name = "N", value_parser = within(&FRAMES))]
    pub(crate) around: Option<usize>,
}

fn trace_help() -> String {
    format!("{}\n\n{TRACE_HELP}", crate::flags::help())
}

const TRACE_HELP: &str = "\
Exit status:
  0  the input is valid under the flags
  1  the input is not valid under the flags
  2  the question could not be answered

Examples:
  sigstack trace --case csfs/state-active
  sigstack trace --case csfs/invalid-hashed-message --around 2
  sigstack trace --case csfs/valid --json
  sigstack trace --script '2 ADD 5 EQUAL' --stack 3
  sigstack trace --profile lnhance --script 'OP_INTERNALKEY SIZE 32 EQUALVERIFY DROP 1'";

const SEE_HELP: &str = "See --help for the names of profiles and flags.";

fn verify_help() -> String {
    format!("{}\n\n{VERIFY_HELP}", crate::flags::help())
}

const VERIFY_HELP: &str = "\
Exit status:
  0  every verified input is valid under the flags, and the transaction if it was checked
  1  an input or the transaction is not valid
  2  the question could not be answered

Examples:
  sigstack verify --prevout 1000:51024e73 --tx 010000000100000000000000000000000000000000000000000000000000000000000000\
0000000000000000000001e8030000000000000000000000
  sigstack verify --case csfs/valid
  sigstack verify --case csfs/valid --flags CONSENSUS --json
  sigstack verify --script '2 ADD 5 EQUAL' --stack 3 --profile lnhance";

/// Step through a script in the terminal: forward and back, to breakpoints and to the failure.
///
/// Flags can be switched and witness elements edited; the script then runs again. Press ? for the keys.
#[derive(Debug, clap::Args)]
#[command(after_long_help = debug_help(), after_help = SEE_HELP)]
pub(crate) struct DebugArgs {
    #[command(flatten)]
    pub(crate) subject: SubjectArgs,

    /// Stop at opcodes of this name (OP_CHECKSIG) or at this position in a script (3 or tapscript:3)
    #[arg(long = "break", value_name = "PLACE")]
    pub(crate) breakpoints: Vec<String>,
}

fn debug_help() -> String {
    format!("{}\n\n{DEBUG_HELP}", crate::flags::help())
}

const DEBUG_HELP: &str = "\
Exit status:
  0  the input was valid when the debugger ended
  1  the input was not valid when the debugger ended
  2  the question could not be answered

Examples:
  sigstack debug --case csfs/invalid-hashed-message
  sigstack debug --case csfs/valid --break OP_CHECKSIGFROMSTACK
  sigstack debug --script 'SHA256 <11> EQUAL' --stack '<aa>' --as p2wsh";
