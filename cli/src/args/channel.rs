//! Arguments of the commands about payment channels: `channel`, `compare`, `attacks` and `breach`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Subcommand, ValueEnum};
use sigstack_channel::attacks;
use sigstack_channel::bounds::{self, Bounds};
use sigstack_channel::model::KINDS;

use super::number::within;

/// The format in which a table is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    Text,
    Markdown,
    Csv,
    Json,
}

fn construction_names() -> PossibleValuesParser {
    PossibleValuesParser::new(KINDS.iter().map(|(name, _)| *name))
}

/// Bounds of a seed for pseudorandom choices: any 64-bit number.
const SEED: Bounds<u64> =
    Bounds { least: 0, most: u64::MAX, why_least: "a seed is not negative", why_most: "a seed has 64 bits" };

/// Options that select the format of a table.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct FormatArgs {
    /// The format of the table
    #[arg(long, value_enum, default_value = "text")]
    format: TableFormat,

    /// Print the table as JSON, as with --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl FormatArgs {
    /// Returns the table format that `--format` or `--json` selects.
    pub(crate) fn format(self) -> TableFormat {
        if self.json { TableFormat::Json } else { self.format }
    }
}

pub(super) const CHANNEL_HELP: &str = "\
Examples:
  sigstack channel list
  sigstack channel play sequence-ctv --state 1
  sigstack channel show symmetry-apo --htlcs 2
  sigstack channel storage override-pc --updates 50 --tries 2
  sigstack channel storage sequence-th --updates 5000 --signed 20 --tries 2
  sigstack channel options
  sigstack channel nested --parties 4
  sigstack channel who sequence-ctv
  sigstack channel rules --updates 3";

const COMPARE_HELP: &str = "\
Examples:
  sigstack compare --bip442
  sigstack compare --updates 3 --htlcs 2 --format markdown
  sigstack compare --updates 2 --parties 3 --feerate 50 --format csv";

const ATTACKS_HELP: &str = "\
Exit status:
  0  each attack works against the first construction and fails against the last
  1  an attack did not have this result
  2  the question could not be answered

Examples:
  sigstack attacks
  sigstack attacks swap crash splice --format json
  sigstack attacks search --construction bip68 --moves 1 --states 10";

const SEARCH_HELP: &str = "\
Exit status:
  0  no attack was found
  1  an attack was found
  2  the question could not be answered

Examples:
  sigstack attacks search --construction bip68 --moves 1 --states 10
  sigstack attacks search --construction ln-static --moves 1 --states 3 --json";

const BREACH_HELP: &str = "\
Examples:
  sigstack breach --games 5
  sigstack breach --games 5 --capacity 100000000 --old 90000000 --new 5000000";

/// The subcommands of `sigstack channel`.
#[derive(Debug, Subcommand)]
pub(crate) enum ChannelCommand {
    /// List the channel constructions and the proposals that they need
    List {
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Print the transactions that close a channel
    Show(PlayArgs),
    /// Close a channel on a simulated chain, and print the height at which each transaction confirms
    Play(PlayArgs),
    /// Write all transactions of the channel constructions and of the attacks to vector files, one case for each
    Export {
        /// The folder to which the vector files are written
        folder: PathBuf,

        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    Storage(StorageArgs),
    /// Measure options of the signed sequence channels: fee inputs, second-stage HTLC transactions, paid towers,
    /// justice by anyone
    Options {
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Close a two-party channel that is funded by an N-party channel, without cooperation of the other parties:
    /// weights and heights for each update mechanism
    Nested {
        /// Number of parties of the channel that funds the two-party channel
        #[arg(long, value_name = "N", default_value_t = 4, value_parser = within(&bounds::PARTIES))]
        parties: usize,

        #[command(flatten)]
        format: FormatArgs,
    },
    /// Print who can spend each output of a channel
    ///
    /// For the key path and each leaf of an output, prints the smallest sets of parties that can spend it on their own,
    /// from when, with which keys and data, and what the transaction must pay.
    ///
    /// A is the party that publishes its commitment transaction, called its version. B's version is the same with A and
    /// B exchanged. In `A, B` each party can act alone. In `A + B` both must act together. `anyone` includes miners. A
    /// state is old if a later state replaced it. n is the number of an old state, and m is any higher number. A party
    /// can sign any state number with its own key at any time. It may use everything that it ever received.
    Who {
        /// The channel construction (`sigstack channel list` describes them) [default: all]
        #[arg(value_name = "CONSTRUCTION", value_parser = construction_names())]
        construction: Option<String>,

        #[command(flatten)]
        format: FormatArgs,
    },
    /// Explore the update protocols exhaustively, with all of their rules and with one rule left out at a time
    ///
    /// The exit status is 0 if no loss of money is found with all rules, and one is found whenever a rule is left
    /// out.
    Rules {
        /// The highest state number that is explored. For the override protocol it is one less
        #[arg(long, value_name = "N", default_value_t = bounds::EXPLORED_UPDATES.most, value_parser = within(&bounds::EXPLORED_UPDATES))]
        updates: u32,

        #[command(flatten)]
        format: FormatArgs,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct PlayArgs {
    /// The channel construction (`sigstack channel list` describes them)
    #[arg(value_name = "CONSTRUCTION", value_parser = construction_names())]
    pub(crate) construction: String,

    /// Number of channel updates before the channel closes
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = within(&bounds::UPDATES))]
    pub(crate) updates: u32,

    /// Number of HTLCs in each channel state
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = within(&bounds::HTLCS))]
    pub(crate) htlcs: usize,

    /// The state that the first party publishes; the other party answers an old state [default: the latest]
    #[arg(long, value_name = "N", value_parser = within(&bounds::STATE))]
    pub(crate) state: Option<u32>,

    /// The contest delay in blocks, during which an old state can be answered
    #[arg(long, value_name = "BLOCKS", default_value_t = 144, value_parser = within(&bounds::DELAY))]
    pub(crate) delay: u16,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Update a channel many times, measure the storage of client and watchtower, and publish earlier states.
#[derive(Debug, clap::Args)]
pub(crate) struct StorageArgs {
    /// The channel construction (`sigstack channel list` describes them)
    #[arg(value_name = "CONSTRUCTION", value_parser = construction_names())]
    pub(crate) construction: String,

    /// Number of updates of the channel
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = within(&bounds::STORED_UPDATES))]
    pub(crate) updates: u32,

    /// Sign only the last channel update and about N others, selected by the seed. The protocol's state machine still
    /// runs for all updates
    #[arg(long, value_name = "N", value_parser = within(&bounds::SIGNED_UPDATES))]
    pub(crate) signed: Option<u32>,

    /// Number of earlier channel states to publish at the end [default: 10, or all if there are fewer]
    #[arg(long, value_name = "N", value_parser = within(&bounds::TRIES))]
    pub(crate) tries: Option<u32>,

    /// The seed of the pseudorandom choices
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = within(&SEED))]
    pub(crate) seed: u64,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Compare the constructions: storage in bytes, signatures, weights of every way to close, delays.
#[derive(Debug, clap::Args)]
#[command(after_help = COMPARE_HELP)]
pub(crate) struct CompareArgs {
    /// Number of channel updates before a transaction is published
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = within(&bounds::COMPARED_UPDATES))]
    pub(crate) updates: u32,

    /// Number of HTLCs in each channel state
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = within(&bounds::COMPARED_HTLCS))]
    pub(crate) htlcs: usize,

    /// Number of parties of the channel, in constructions that allow more than two
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = within(&bounds::PARTIES))]
    pub(crate) parties: usize,

    /// Feerate in satoshi per virtual byte, from which costs are computed
    #[arg(long, value_name = "RATE", default_value_t = 10, value_parser = within(&bounds::FEERATE))]
    pub(crate) feerate: u32,

    #[command(flatten)]
    pub(crate) format: FormatArgs,

    /// Rebuild the cost table of BIP 442 instead. That table has fixed parameters
    #[arg(long, conflicts_with_all = ["updates", "htlcs", "parties", "feerate"])]
    pub(crate) bip442: bool,

    /// Also write SVG charts to this folder: costs by number of updates, HTLCs and parties
    #[arg(long, value_name = "FOLDER")]
    pub(crate) plots: Option<PathBuf>,
}

/// Run attacks on channels: each against the construction it breaks and against one that resists it.
#[derive(Debug, clap::Args)]
#[command(after_help = ATTACKS_HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct AttacksArgs {
    #[command(subcommand)]
    pub(crate) command: Option<AttacksCommand>,

    /// Names of attacks [default: all]
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(attacks::names()))]
    pub(crate) names: Vec<String>,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// Subcommands of `sigstack attacks`. Without a subcommand, the known attacks are played.
#[derive(Debug, Subcommand)]
pub(crate) enum AttacksCommand {
    Search(SearchArgs),
}

/// Search for attacks by a corrupted party against the code of client and watchtower.
///
/// Tries all sequences of moves of the corrupted party within the given bounds, in several scenarios for each
/// construction. The search of a scenario ends after `--states` states.
#[derive(Debug, clap::Args)]
#[command(after_help = SEARCH_HELP)]
pub(crate) struct SearchArgs {
    /// The channel construction to attack [default: all]
    #[arg(long, value_name = "CONSTRUCTION", value_parser = construction_names())]
    pub(crate) construction: Option<String>,

    /// Maximum number of moves of the corrupted party in one attempted attack, not counting waits
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = within(&bounds::SEARCH_MOVES))]
    pub(crate) moves: u32,

    /// Maximum number of times that the corrupted party waits for blocks in one attempted attack
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = within(&bounds::SEARCH_BLOCKS))]
    pub(crate) blocks: u32,

    /// Maximum number of states that are explored in each scenario
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = within(&bounds::SEARCH_STATES))]
    pub(crate) states: usize,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// Simulate breaches: a cheater publishes an old state, and the victim answers with several fee strategies.
#[derive(Debug, clap::Args)]
#[command(after_help = BREACH_HELP)]
pub(crate) struct BreachArgs {
    /// Number of simulated games for each cell of the tables
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = within(&bounds::GAMES))]
    pub(crate) games: u32,

    /// The seed of the pseudorandom choices
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = within(&SEED))]
    pub(crate) seed: u64,

    /// Capacity of the channel in satoshi
    #[arg(long, value_name = "SAT", default_value_t = 1_000_000, value_parser = within(&bounds::CAPACITY))]
    pub(crate) capacity: u64,

    /// The contest delay in blocks, during which an old state can be answered, for tables that do not vary it
    #[arg(long, value_name = "BLOCKS", default_value_t = 144, value_parser = within(&bounds::GAME_DELAY))]
    pub(crate) delay: u32,

    /// The mean feerate of the simulated fee market in sat/vB
    #[arg(long, value_name = "RATE", default_value_t = 10, value_parser = within(&bounds::FEERATE))]
    pub(crate) feerate: u32,

    /// Satoshi outside the channel that the cheater can spend to fill blocks with other transactions, if that is
    /// profitable
    #[arg(long, value_name = "SAT", default_value_t = 0, value_parser = within(&bounds::OUTSIDE))]
    pub(crate) outside: u64,

    /// The cheater's balance in the old state, in satoshi
    #[arg(long, value_name = "SAT", default_value_t = 900_000, value_parser = within(&bounds::OLD_BALANCE))]
    pub(crate) old: u64,

    /// The cheater's balance in the latest state, in satoshi
    #[arg(long, value_name = "SAT", default_value_t = 50_000, value_parser = within(&bounds::NEW_BALANCE))]
    pub(crate) new: u64,

    /// The share of the hash rate, from 0 to 1, whose miners exclude the justice transaction from their blocks
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = within(&bounds::SHARE))]
    pub(crate) colluding: f64,

    #[command(flatten)]
    pub(crate) format: FormatArgs,

    /// Also write the tables as CSV and the charts as SVG to this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}
