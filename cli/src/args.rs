//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use bitcoin::Network;
use clap::builder::PossibleValuesParser;
use clap::{ArgGroup, Parser, Subcommand, ValueEnum};
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
    Trace(TraceArgs),
    Debug(DebugArgs),
    Asm(AsmArgs),
    Disasm(DisasmArgs),
    Decode(DecodeArgs),
    Completions(CompletionsArgs),
    /// Print the man pages of the command and its subcommands
    Man,
    /// Payment channels: show, play and export their transactions, and measure what they keep.
    #[command(subcommand)]
    Channel(ChannelCommand),
    Compare(CompareArgs),
    Attacks(AttacksArgs),
    Breach(BreachArgs),
}

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    Text,
    Markdown,
    Csv,
    Json,
}

/// What to do with channels.
#[derive(Debug, Subcommand)]
pub(crate) enum ChannelCommand {
    /// List the constructions and the proposals that they need.
    List,
    /// Print the transactions that end a channel.
    Show(PlayArgs),
    /// Play the ending of a channel on a chain, and print what confirmed at which height.
    Play(PlayArgs),
    /// Write every transaction of a play of each construction, and of the attacks, as cases.
    Export {
        /// The folder to write to
        folder: PathBuf,
    },
    Storage(StorageArgs),
    /// Explore the update protocols exhaustively: with all rules, and with each rule left out, which must lead to a loss.
    Rules {
        /// How the table is written
        #[arg(long, value_enum, default_value = "text")]
        format: TableFormat,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct PlayArgs {
    /// The construction, by a name that `sigstack channel list` prints
    pub(crate) construction: String,

    /// Updates before the end
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) updates: u32,

    /// HTLCs in each state
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) htlcs: usize,

    /// The state that the first party publishes: an old one is answered by the other [default: the newest]
    #[arg(long, value_name = "N")]
    pub(crate) state: Option<u32>,

    /// The contest delay in blocks
    #[arg(long, value_name = "BLOCKS", default_value_t = 144)]
    pub(crate) delay: u16,
}

/// Update a channel many times, measure what is kept, and publish earlier states.
#[derive(Debug, clap::Args)]
pub(crate) struct StorageArgs {
    /// The construction, by a name that `sigstack channel list` prints
    pub(crate) construction: String,

    /// Updates
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    pub(crate) updates: u32,

    /// Sign only about N updates, which the seed picks, and the last; the protocol's state machine runs for all
    #[arg(long, value_name = "N")]
    pub(crate) signed: Option<u32>,

    /// Earlier states to publish at the end
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) tries: u32,

    /// The seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Compare the constructions: storage in bytes, signatures, weights of all endings, delays.
#[derive(Debug, clap::Args)]
pub(crate) struct CompareArgs {
    /// Updates before anything is published
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) updates: u32,

    /// HTLCs in each state
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) htlcs: usize,

    /// Parties, where more than two can take part
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) parties: usize,

    /// Satoshi per virtual byte, for costs
    #[arg(long, value_name = "RATE", default_value_t = 10)]
    pub(crate) feerate: u64,

    /// How the table is written
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: TableFormat,

    /// Rebuild the cost table of BIP 442 instead
    #[arg(long)]
    pub(crate) bip442: bool,

    /// Write SVG charts over updates, HTLCs and parties to this folder too
    #[arg(long, value_name = "FOLDER")]
    pub(crate) plots: Option<PathBuf>,
}

/// Run attacks on channels, against the form on which each works and against the one on which it does not.
#[derive(Debug, clap::Args)]
pub(crate) struct AttacksArgs {
    /// Names of attacks [default: all]
    pub(crate) names: Vec<String>,

    /// How the table is written
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: TableFormat,
}

/// Play the breach game: a victim's fee strategies against a cheater.
#[derive(Debug, clap::Args)]
pub(crate) struct BreachArgs {
    /// Games for each cell of the tables
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub(crate) games: u32,

    /// The seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// The cheater's balance in the old state, of 1,000,000 sat
    #[arg(long, value_name = "SAT", default_value_t = 900_000)]
    pub(crate) old: u64,

    /// The cheater's balance in the newest state
    #[arg(long, value_name = "SAT", default_value_t = 50_000)]
    pub(crate) new: u64,

    /// The share of miners who leave the justice out
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub(crate) colluding: f64,

    /// How the tables are written
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: TableFormat,

    /// Write the tables as CSV and the charts as SVG to this folder too
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
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
    #[command(flatten)]
    pub(crate) subject: SubjectArgs,

    /// Print one JSON object a spend
    #[arg(long)]
    pub(crate) json: bool,
}

/// A spend and the flags to verify it with.
#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(group = ArgGroup::new("spend").required(true).args(["tx", "psbt", "case", "script"]))]
pub(crate) struct SubjectArgs {
    /// The spending transaction, witness included, in hex; or @FILE that holds the hex
    #[arg(long, value_name = "HEX")]
    pub(crate) tx: Option<String>,

    /// The output that an input spends, once for each input in input order: SATOSHI:SCRIPT with the script in hex, or the
    /// serialized output in hex; or @FILE that holds one of these
    #[arg(long = "prevout", value_name = "OUTPUT", requires = "tx")]
    pub(crate) prevouts: Vec<String>,

    /// A transaction whose outputs are spent, in hex or @FILE, instead of --prevout; once for each
    #[arg(long = "prevtx", value_name = "HEX", requires = "tx", conflicts_with = "prevouts")]
    pub(crate) prev_txs: Vec<String>,

    /// A PSBT of version 0 or 2 whose input is final, in base64 or hex; or @FILE that holds it
    #[arg(long, value_name = "PSBT")]
    pub(crate) psbt: Option<String>,

    /// A case of a vector file: FILE#N, counted from 1 without the comments, FILE#ID, or the id of one of the project's own
    #[arg(long, value_name = "CASE")]
    pub(crate) case: Option<String>,

    /// A script alone, in assembly or hex or @FILE, run in a transaction made up for it
    #[arg(long, value_name = "ASM")]
    pub(crate) script: Option<String>,

    /// What is on the stack before --script runs, in assembly, the top last; or @FILE
    #[arg(long, value_name = "ASM", requires = "script")]
    pub(crate) stack: Option<String>,

    /// What --script is run as
    #[arg(long = "as", value_name = "KIND", requires = "script", default_value = "tapscript")]
    pub(crate) run_as: RunAs,

    /// nLockTime of the transaction made up for --script
    #[arg(long = "locktime", value_name = "N", requires = "script", default_value_t = 0)]
    pub(crate) lock_time: u32,

    /// nSequence of the transaction made up for --script [default: 0xfffffffd, as a number]
    #[arg(long, value_name = "N", requires = "script")]
    pub(crate) sequence: Option<u32>,

    /// The input to verify, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with_all = ["case", "script"])]
    pub(crate) input: usize,

    /// Flags by profile, separated by commas: consensus, policy, proposals and bundles of them
    #[arg(long, value_name = "NAMES")]
    pub(crate) profile: Option<String>,

    /// The flags, separated by commas: Core's names, those of the proposals, and CONSENSUS and POLICY for today's sets; or
    /// +NAME and -NAME to change the profile's or the case's [default: CONSENSUS, or those of the case]
    #[arg(long, value_name = "NAMES", allow_hyphen_values = true)]
    pub(crate) flags: Option<String>,

    /// The internal key of the taproot output that is spent, in hex: lets a failed key path be explained
    #[arg(long, value_name = "HEX")]
    pub(crate) internal_key: Option<String>,
}

/// What a bare script is run as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum RunAs {
    /// A scriptPubKey, with the stack pushed by the scriptSig
    Legacy,
    /// A redeem script
    P2sh,
    /// A segwit v0 script
    P2wsh,
    /// A taproot leaf
    Tapscript,
}

/// Show a script run: every phase, opcode, stack and signed message.
///
/// One line an opcode: its position, its byte offset, the budget for signatures where it changes, and the stack after it. For
/// every signature check it tells the key, the message field by field, and, if it failed, what would have made it valid.
#[derive(Debug, clap::Args)]
#[command(after_long_help = trace_help(), after_help = "See --help for the names of profiles and flags.")]
pub(crate) struct TraceArgs {
    #[command(flatten)]
    pub(crate) subject: SubjectArgs,

    /// Print JSON lines, one frame each (docs/trace-format.md)
    #[arg(long)]
    pub(crate) json: bool,

    /// Write every element whole, and every element of a stack
    #[arg(long)]
    pub(crate) full: bool,

    /// Write one self-contained page with a step slider to FILE
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) html: Option<PathBuf>,

    /// Write only N frames before and after the failing one
    #[arg(long, value_name = "N")]
    pub(crate) around: Option<usize>,
}

fn trace_help() -> String {
    format!("{}\n\n{TRACE_HELP}", crate::flags::help())
}

const TRACE_HELP: &str = "\
Exit status:
  0  the spend is valid under the flags
  1  it is not
  2  it could not be told

Examples:
  sigstack trace --case csfs/state-active
  sigstack trace --case ../shared/vectors/core/tx_valid.json#7
  sigstack trace --tx @docs/examples/p2wpkh.tx --prevtx @docs/examples/parent.tx --json
  sigstack trace --psbt @docs/examples/checksigadd-wrong.psbt --around 0
  sigstack trace --script '2 ADD 5 EQUAL' --stack 3
  sigstack trace --profile lnhance --script 'OP_INTERNALKEY SIZE 32 EQUALVERIFY DROP 1'";

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

/// Step through a script in the terminal: forth, back, to breakpoints and to the failure.
///
/// Flags can be switched and witness elements edited; the spend then runs again. Press ? for the keys.
#[derive(Debug, clap::Args)]
#[command(after_long_help = debug_help(), after_help = "See --help for the names of profiles and flags.")]
pub(crate) struct DebugArgs {
    #[command(flatten)]
    pub(crate) subject: SubjectArgs,

    /// Stop at opcodes of this name (OP_CHECKSIG) or at this position of a script (3 or tapscript:3)
    #[arg(long = "break", value_name = "PLACE")]
    pub(crate) breakpoints: Vec<String>,
}

fn debug_help() -> String {
    format!("{}\n\n{DEBUG_HELP}", crate::flags::help())
}

const DEBUG_HELP: &str = "\
Exit status:
  0  the spend was valid when it was left
  1  it was not
  2  it could not be told

Examples:
  sigstack debug --case csfs/invalid-hashed-message
  sigstack debug --tx @docs/examples/p2wpkh.tx --prevtx @docs/examples/parent.tx
  sigstack debug --psbt @docs/examples/checksigadd-wrong.psbt --break OP_CHECKSIGADD
  sigstack debug --script 'SHA256 <11> EQUAL' --stack '<aa>' --as p2wsh";

/// Assemble a script: words to hex.
#[derive(Debug, clap::Args)]
#[command(after_help = ASM_HELP)]
pub(crate) struct AsmArgs {
    /// The words, or @FILE
    #[arg(value_name = "WORD", required = true, allow_hyphen_values = true)]
    pub(crate) words: Vec<String>,
}

const ASM_HELP: &str = "\
Words:
  OP_DUP, DUP     the opcode
  5, -1           the shortest push of the number
  <ab12>, ab12    a push of the bytes
  PUSHDATA1<ab>   a push with a longer prefix than needed
  'text'          a push of the text
  0xac            these bytes, raw

Examples:
  sigstack asm DUP HASH160 '<00112233445566778899aabbccddeeff00112233>' EQUALVERIFY CHECKSIG
  sigstack asm '2 ADD 5 EQUAL'";

/// Disassemble a script: hex to words that `asm` reads back to the same bytes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  sigstack disasm --lines 52935587")]
pub(crate) struct DisasmArgs {
    /// The script in hex, or @FILE
    #[arg(value_name = "HEX")]
    pub(crate) script: String,

    /// One line an opcode, with its position and byte offset
    #[arg(long)]
    pub(crate) lines: bool,
}

/// Read a transaction, a witness, a control block, an annex or an address.
#[derive(Debug, clap::Args)]
pub(crate) struct DecodeArgs {
    #[command(subcommand)]
    pub(crate) what: DecodeWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DecodeWhat {
    /// A transaction in hex, or @FILE
    Tx {
        /// The transaction
        hex: String,
    },
    /// A serialized witness in hex (the number of elements, then each with its length), or @FILE
    Witness {
        /// The witness
        hex: String,
    },
    /// A taproot control block in hex, or @FILE
    Control {
        /// The control block
        hex: String,
        /// The leaf script: then the tapleaf hash, the root and the output key are told too
        #[arg(long, value_name = "HEX")]
        script: Option<String>,
    },
    /// A taproot annex in hex, or @FILE
    Annex {
        /// The annex
        hex: String,
    },
    /// An address of any network
    Address {
        /// The address
        address: String,
    },
}

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}
