//! The command line: commands, arguments and options. The doc comments of the structs and enums that derive a clap
//! trait, here and in the submodules, are printed as help texts.

mod channel;
mod conform;
mod number;
mod spend;

use std::path::PathBuf;

use bitcoin::Network;
use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};
use sigstack_compiler::Reason;
use sigstack_vectors::DIALECTS;

use crate::problem::Problem;

pub(crate) use channel::{
    AttacksArgs, AttacksCommand, BreachArgs, ChannelCommand, CompareArgs, PlayArgs, SearchArgs, StorageArgs,
    TableFormat,
};
pub(crate) use conform::ConformArgs;
pub(crate) use spend::{DebugArgs, RunAs, SubjectArgs, TraceArgs, VerifyArgs};

/// Bitcoin Script verification with today's rules and proposed soft forks.
///
/// For research and review; nodes that guard money should run Bitcoin Core.
#[derive(Debug, Parser)]
#[command(name = "sigstack", version, after_help = EXIT_STATUS, after_long_help = long_help())]
pub(crate) struct Args {
    /// Maximum width of tables in columns [default: that of the terminal, or 80 without one]
    #[arg(long, global = true, value_name = "COLUMNS", value_parser = number::within(&number::COLUMNS))]
    pub(crate) width: Option<u16>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_STATUS: &str = "Exit status: 0 for yes, 1 for no, 2 if the question could not be answered.";

fn long_help() -> String {
    format!("{}\n\n{EXIT_STATUS}", crate::input::HELP)
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Vectors(VectorsArgs),
    Conform(ConformArgs),
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
    /// Payment channels: show, play and export their transactions, and measure their storage.
    #[command(subcommand, after_help = channel::CHANNEL_HELP)]
    Channel(ChannelCommand),
    Compare(CompareArgs),
    Attacks(AttacksArgs),
    Breach(BreachArgs),
}

/// Run test vectors and report the verdict of every case.
///
/// The format of each file is recognized by its content. Formats are: the project's own case format; script_tests.json,
/// tx_valid.json, tx_invalid.json, sighash.json and script_assets_test.json of any version of Bitcoin Core and its
/// forks; script_valid.json and script_invalid.json from before 2015, which are recognized by their names; and the
/// vectors of BIPs 119, 340, 341 and 446. A file may be compressed with gzip.
///
/// Folders are searched for .json, .jsonl and .csv files. Files found there that are not vector files are listed. They
/// do not change the exit status.
#[derive(Debug, clap::Args)]
#[command(after_help = VECTORS_HELP)]
pub(crate) struct VectorsArgs {
    /// Files or folders, or - for standard input [default: the project's own vectors, read from the folder test-vectors
    /// inside the project's source tree, and built into the command elsewhere]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// Print one JSON object for each failing case, and a summary object at the end
    #[arg(long)]
    pub(crate) json: bool,

    /// Run only cases whose comment or id contains TEXT, ignoring case
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,

    /// Run N cases at the same time [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = number::within(&number::JOBS))]
    pub(crate) jobs: Option<usize>,

    /// Read flag and error names as the project NAME writes them, instead of detecting the project from the content
    #[arg(long, value_name = "NAME", value_parser = dialect_names())]
    pub(crate) dialect: Option<String>,
}

fn dialect_names() -> PossibleValuesParser {
    PossibleValuesParser::new(DIALECTS.iter().map(|dialect| dialect.name))
}

const VECTORS_HELP: &str = "\
Exit status:
  0  every case of every file had its expected verdict
  1  a case had another verdict
  2  a file or a case could not be read (the others still run), or no case ran;
     also if another case had another verdict

Examples:
  sigstack vectors
  sigstack vectors --filter csfs/
  sigstack vectors --json --jobs 1 --filter csfs/";

/// The policy, and options that change how it is read. Shared by `compile` and `plan`.
#[derive(Debug, clap::Args)]
pub(crate) struct PolicyArgs {
    /// The policy, or the path of its file (a text without `(` is a path), @FILE, or - for standard input
    #[arg(value_name = "POLICY|PATH")]
    pub(crate) policy: String,

    /// The value of a name that the policy declares without one (`key A;`): a key or bytes in hex, or a number
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,

    /// Accept the policy even if the safety check CHECK refuses it
    #[arg(long, value_name = "CHECK", value_parser = check_names())]
    pub(crate) allow: Vec<String>,
}

fn check_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Reason::ALL.iter().map(|reason| reason.name()))
}

/// Compile a policy to a taproot output.
///
/// Prints the address and the script tree. For each leaf, prints its script, the weight of its witness, its signature
/// operations, what is left of the signature budget of BIP 342, and the proposals that must be active.
#[derive(Debug, clap::Args)]
#[command(after_help = COMPILE_HELP)]
pub(crate) struct CompileArgs {
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,

    /// The network of the address: bitcoin, testnet, testnet4, signet or regtest
    #[arg(long, value_name = "NAME", default_value = "bitcoin", value_parser = network)]
    pub(crate) network: Network,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Parses the name of a Bitcoin network, such as `signet`.
fn network(name: &str) -> Result<Network, Problem> {
    name.parse().map_err(|_| {
        Problem::new(format!("unknown network {name:?}"))
            .hint("known: bitcoin, testnet, testnet4, signet, regtest")
    })
}

const COMPILE_HELP: &str = "\
Exit status:
  0  the policy is compiled
  1  a check refuses the policy
  2  the policy cannot be read

Examples:
  sigstack compile 'or(pk(79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798),older(144))' --allow unprotected
  sigstack compile --network regtest --json \\
    'key A = 79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798;
     key B = f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9;
     or(pk(A),and(pk(B),older(144)))'";

/// Find the cheapest witness for the available keys, preimages and timelocks.
///
/// Prints the spending path, nLockTime and nSequence, the exact weight of the witness, and its elements. For each
/// signature, prints the key that signs it.
#[derive(Debug, clap::Args)]
#[command(after_help = PLAN_HELP)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,

    /// A key, preimage or other asset that the witness may use, with names of the policy or hex: pk:KEY, apo:KEY,
    /// preimage:IMAGE, after:N, older:N, template:HASH, presigned:SIGNATURE, signed:KEY:VALUE:... or
    /// opens:COMMITMENT:VALUE:...
    #[arg(long, value_name = "ASSET")]
    pub(crate) have: Vec<String>,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

const PLAN_HELP: &str = "\
Exit status:
  0  there is a witness
  1  there is no non-malleable witness: the assets do not satisfy the policy (what
     is missing is printed), or every witness is malleable
  2  the policy or an asset cannot be read

Example:
  sigstack plan --have pk:B --have older:144 \\
    'key A = 79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798;
     key B = f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9;
     or(pk(A),and(pk(B),older(144)))'";

/// Assemble a script: convert its words to hex.
#[derive(Debug, clap::Args)]
#[command(after_help = ASM_HELP)]
pub(crate) struct AsmArgs {
    /// The words of the script, @FILE, or - for standard input
    #[arg(value_name = "WORD", required = true, allow_hyphen_values = true)]
    pub(crate) words: Vec<String>,

    /// Another byte for the opcode of a proposal, such as CSFS=0xbb. Give it once for each, or separate them by commas
    #[arg(long, value_name = "NAME=BYTE")]
    pub(crate) assign: Vec<String>,

    /// Print one JSON object: hex, asm, and the words with their positions and byte offsets
    #[arg(long)]
    pub(crate) json: bool,
}

const ASM_HELP: &str = "\
Words:
  OP_DUP, DUP     the opcode
  5, -1           the shortest push of the number, -4294967295 to 4294967295
                  (opcodes read numbers of 4 bytes, OP_CHECKLOCKTIMEVERIFY and
                  OP_CHECKSEQUENCEVERIFY of 5)
  <ab12>          a push of the bytes
  PUSHDATA1<ab>   a push with a longer prefix than needed
  'text'          a push of the text
  0xac            these bytes, raw

Also read, as rust-bitcoin, Bitcoin Core and explorers print them:
  OP_PUSHBYTES_2 ab12, OP_PUSHDATA1 ab12, OP_PUSHNUM_5, OP_PUSHNUM_NEG1,
  OP_RETURN_187, 3006...[ALL] (a signature), and hex of 5 bytes or more (a push)

What could be something else is refused:
  52935587 or 52 93 55 87, words that are all hex: write hex:52935587 or
  asm:52935587
  6a, shorter hex: write 0x6a (raw) or <6a> (a push)
  1700000000, a number of ten digits that could be hex: write asm: before the
  script for the number, or <1700000000>

A # begins a comment, which ends with its line. --script follows these rules.
--stack has elements instead of opcodes: a number, <ab12>, 0xab12 or 'text'.
Hex without <> is refused there, however long; hex:ab12 51 has elements in hex.

Examples:
  sigstack asm DUP HASH160 '<00112233445566778899aabbccddeeff00112233>' EQUALVERIFY CHECKSIG
  sigstack asm '2 ADD 5 EQUAL'
  sigstack asm --assign CSFS=0xbb CSFS";

/// Disassemble a script: convert hex to words that `asm` reads back to the same bytes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  sigstack disasm --lines 52935587")]
pub(crate) struct DisasmArgs {
    /// The script in hex, @FILE (hex or bytes), or - for standard input
    #[arg(value_name = "HEX")]
    pub(crate) script: String,

    /// Another byte for the opcode of a proposal, such as CSFS=0xbb. Give it once for each, or separate them by commas
    #[arg(long, value_name = "NAME=BYTE")]
    pub(crate) assign: Vec<String>,

    /// Print one line for each opcode, with its position and byte offset
    #[arg(long)]
    pub(crate) lines: bool,

    /// Print one JSON object: hex, asm, and the words with their positions and byte offsets
    #[arg(long, conflicts_with = "lines")]
    pub(crate) json: bool,
}

/// Read a transaction, a witness, a control block, an annex or an address.
///
/// For a witness, prints every kind of input that it may belong to, the most specific first. If the output that it
/// spends is given, prints only the kind of this output, and whether the witness fits the output's witness program.
#[derive(Debug, clap::Args)]
pub(crate) struct DecodeArgs {
    #[command(subcommand)]
    pub(crate) what: DecodeWhat,

    /// Print one JSON object
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DecodeWhat {
    /// A transaction in hex, @FILE (hex or bytes), or - for standard input
    Tx {
        /// The transaction in hex, @FILE, or -
        hex: String,
        /// The output that an input spends, written as for verify. Give it once for each input, in input order
        #[arg(long = "prevout", value_name = "OUTPUT")]
        prevouts: Vec<String>,
        /// A transaction whose outputs are spent, instead of --prevout. Give it once for each such transaction
        #[arg(long = "prevtx", value_name = "HEX", conflicts_with = "prevouts")]
        prev_txs: Vec<String>,
    },
    /// A serialized witness in hex (the number of elements, then the length and the bytes of each), @FILE, or -
    Witness {
        /// The serialized witness in hex, @FILE, or -
        hex: String,
        /// The output that the witness spends, written as for verify
        #[arg(long, value_name = "OUTPUT")]
        prevout: Option<String>,
    },
    /// A taproot control block in hex, @FILE, or -
    Control {
        /// The control block in hex, @FILE, or -
        hex: String,
        /// The leaf script in hex or as asm:ASM. With it, the tapleaf hash, the merkle root and the output key are
        /// printed too
        #[arg(long, value_name = "HEX")]
        script: Option<String>,
    },
    /// A taproot annex in hex, @FILE, or -
    Annex {
        /// The annex in hex, @FILE, or -
        hex: String,
    },
    /// An address of any network
    Address {
        /// The address, @FILE, or -
        address: String,
    },
}

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell that the completion script is for
    pub(crate) shell: clap_complete::Shell,
}
