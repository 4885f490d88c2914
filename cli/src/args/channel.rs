//! The command line of the commands about channels.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Subcommand, ValueEnum};
use sigstack_channel::attacks;
use sigstack_channel::model::KINDS;

/// How a table is written.
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

pub(super) const CHANNEL_HELP: &str = "\
Examples:
  sigstack channel list
  sigstack channel play sequence-ctv --state 1
  sigstack channel show symmetry-apo --htlcs 2
  sigstack channel storage override-pc --updates 50 --tries 2
  sigstack channel storage sequence-th --updates 5000 --signed 20 --tries 2
  sigstack channel options
  sigstack channel nested --parties 4
  sigstack channel rules --format markdown";

const COMPARE_HELP: &str = "\
Examples:
  sigstack compare --bip442
  sigstack compare --updates 3 --htlcs 2 --format markdown
  sigstack compare --updates 2 --parties 3 --feerate 50 --format csv";

const ATTACKS_HELP: &str = "\
Exit status:
  0  each attack works on its naive form and not on the mended one
  1  one does not
  2  it could not be told

Examples:
  sigstack attacks
  sigstack attacks swap crash splice --format json";

const BREACH_HELP: &str = "\
Examples:
  sigstack breach --games 5
  sigstack breach --games 5 --capacity 100000000 --old 90000000 --new 5000000";

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
    /// Measure options of the signed sequence form: fee inputs, second stages of HTLCs, towers that are paid, a sweep by anyone.
    Options {
        /// How the table is written
        #[arg(long, value_enum, default_value = "text")]
        format: TableFormat,
    },
    /// Play channels inside an N-party channel, and end one of them alone: weights and heights for each form.
    Nested {
        /// Parties of the channel around
        #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(2..=16))]
        parties: u8,

        /// How the table is written
        #[arg(long, value_enum, default_value = "text")]
        format: TableFormat,
    },
    /// Explore the update protocols exhaustively: with all rules, and with each rule left out, which must lead to a loss.
    Rules {
        /// How the table is written
        #[arg(long, value_enum, default_value = "text")]
        format: TableFormat,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct PlayArgs {
    /// The construction (`sigstack channel list` describes them)
    #[arg(value_name = "CONSTRUCTION", value_parser = construction_names())]
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
    /// The construction (`sigstack channel list` describes them)
    #[arg(value_name = "CONSTRUCTION", value_parser = construction_names())]
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
#[command(after_help = COMPARE_HELP)]
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
#[command(after_help = ATTACKS_HELP)]
pub(crate) struct AttacksArgs {
    /// Names of attacks [default: all]
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(attacks::names()))]
    pub(crate) names: Vec<String>,

    /// How the table is written
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: TableFormat,
}

/// Play the breach game: a victim's fee strategies against a cheater.
#[derive(Debug, clap::Args)]
#[command(after_help = BREACH_HELP)]
pub(crate) struct BreachArgs {
    /// Games for each cell of the tables
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    pub(crate) games: u32,

    /// The seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Satoshi in the channel
    #[arg(long, value_name = "SAT", default_value_t = 1_000_000)]
    pub(crate) capacity: u64,

    /// The contest delay in blocks, where a table does not vary it
    #[arg(long, value_name = "BLOCKS", default_value_t = 144)]
    pub(crate) delay: u32,

    /// The market's mean rate in sat/vB
    #[arg(long, value_name = "RATE", default_value_t = 10)]
    pub(crate) feerate: u32,

    /// What the cheater can burn on floods, where it gains by them
    #[arg(long, value_name = "SAT", default_value_t = 0)]
    pub(crate) outside: u64,

    /// The cheater's balance in the old state
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
