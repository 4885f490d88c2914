//! `sigstack channel` and `sigstack compare`: print what the crate `sigstack_channel` computes.

pub(crate) mod breach;
mod play;

use std::io::{self, Write};
use std::path::Path;

use serde_json::json;
use sigstack_channel::compare::{
    Axes, BIP_442, Measured, Question, Series, Table, line_chart, measure, measure_all, measure_bip442,
    summary,
};
use sigstack_channel::model::{Content, Form, KINDS, Kind, PlayError, Setup, nested_costs};
use sigstack_channel::who::{self, WhoError};
use sigstack_channel::{ChannelError, export, protocol, variants};
use sigstack_debugger::counted;

use crate::args::{ChannelCommand, CompareArgs, TableFormat};
use crate::files;
use crate::output::Status;
use crate::problem::{Problem, Stop};
use crate::progress::Progress;
use crate::table;

use play::Ending;

impl From<PlayError> for Stop {
    fn from(error: PlayError) -> Stop {
        match error {
            PlayError::Channel(error) => error.into(),
            error => Problem::new(error.to_string()).into(),
        }
    }
}

impl From<ChannelError> for Stop {
    fn from(error: ChannelError) -> Stop {
        match error {
            ChannelError::Parameter("construction", error) => {
                Problem::new(error.to_string()).at("CONSTRUCTION")
            }
            // The command line options have the names of the parameters.
            ChannelError::Parameter(name, error) => Problem::new(error.to_string()).at(format!("--{name}")),
            error => Problem::new(error.to_string()),
        }
        .into()
    }
}

impl From<WhoError> for Stop {
    fn from(error: WhoError) -> Stop {
        Problem::new(error.to_string()).into()
    }
}

/// Returns a progress bar on standard error that is full after `steps` steps.
fn progress_of(steps: usize) -> Progress {
    Progress::new(u64::try_from(steps).unwrap_or(u64::MAX))
}

fn kind(name: &str) -> Result<Kind, Stop> {
    Kind::from_name(name)
        .ok_or_else(|| ChannelError::refused(format!("there is no construction {name}")).into())
}

fn write_table(table: &Table, format: TableFormat, out: &mut impl Write) -> io::Result<()> {
    let text = match format {
        TableFormat::Text => return table::write_table(out, table),
        TableFormat::Markdown => table.to_markdown(),
        TableFormat::Csv => table.to_csv(),
        TableFormat::Json => table.to_json(),
    };
    out.write_all(text.as_bytes())
}

/// Runs `sigstack channel`.
pub(crate) fn run(command: &ChannelCommand, out: &mut impl Write) -> Result<Status, Stop> {
    match command {
        ChannelCommand::List { format } => list(format.format(), out),
        ChannelCommand::Show(args) => play::play(args, Ending::Transactions, out),
        ChannelCommand::Play(args) => play::play(args, Ending::Heights, out),
        ChannelCommand::Export { folder, json } => write_files(folder, *json, out),
        ChannelCommand::Storage(args) => play::long_run(args, out),
        ChannelCommand::Options { format } => options(format.format(), out),
        ChannelCommand::Nested { parties, format } => nested(*parties, format.format(), out),
        ChannelCommand::Who { construction, format } => who(construction.as_deref(), format.format(), out),
        ChannelCommand::Rules { updates, format } => rules(*updates, format.format(), out),
    }
}

fn list(format: TableFormat, out: &mut impl Write) -> Result<Status, Stop> {
    let mut table = Table::new(&["name", "construction", "needs"]);
    for (name, kind) in KINDS {
        let setup = Setup::named("list", 2, 1_000_000, 144)?;
        let channel = kind.build(setup, Content::of(&[500_000, 500_000]))?;
        let facts = channel.facts();
        let needs = if facts.proposals.is_empty() { "today".to_owned() } else { facts.proposals.to_string() };
        table.push(vec![(*name).to_owned(), facts.name.to_owned(), needs]);
    }
    write_table(&table, format, out)?;
    Ok(Status::Yes)
}

/// Writes all transactions of the channel constructions and of the attacks to test vector files in a folder.
fn write_files(folder: &Path, as_json: bool, out: &mut impl Write) -> Result<Status, Stop> {
    files::create_folder(folder)?;
    let mut written = Vec::new();
    for (name, lines) in export::files()? {
        let path = folder.join(&name);
        files::write(&path, lines.as_bytes())?;
        let (path, cases) = (path.display().to_string(), lines.lines().count());
        if as_json {
            written.push(json!({ "file": path, "cases": cases }));
        } else {
            writeln!(out, "{path}: {}", counted(cases, "case"))?;
        }
    }
    if as_json {
        writeln!(out, "{}", json!({ "files": written }))?;
    }
    Ok(Status::Yes)
}

fn options(format: TableFormat, out: &mut impl Write) -> Result<Status, Stop> {
    write_table(&variants::table(&variants::measure()?), format, out)?;
    Ok(Status::Yes)
}

fn nested(parties: usize, format: TableFormat, out: &mut impl Write) -> Result<Status, Stop> {
    let mut table = Table::new(&[
        "form",
        "signatures inside",
        "of all",
        "client (B)",
        "hook update (WU)",
        "hook settlement (WU)",
        "update (WU)",
        "settlement (WU)",
        "fee children (WU)",
        "blocks",
    ]);
    for form in Form::ALL {
        let costs = nested_costs(form, parties, 144)?;
        let mut row = vec![form.name().to_owned()];
        row.extend([costs.signatures.0, costs.signatures.1, costs.client].map(|count| count.to_string()));
        row.extend(costs.steps.iter().map(|played| played.step.weight().to_string()));
        let children = costs.steps.iter().map(|played| played.weight() - played.step.weight());
        row.push(children.sum::<u64>().to_string());
        let heights = costs.steps.first().zip(costs.steps.last());
        row.push(heights.map_or(0, |(first, last)| last.height - first.height).to_string());
        table.push(row);
    }
    write_table(&table, format, out)?;
    Ok(Status::Yes)
}

/// Prints who can spend the outputs of one channel construction, or of all of them. The text output has a table for
/// each output. Other formats have a single table.
fn who(construction: Option<&str>, format: TableFormat, out: &mut impl Write) -> Result<Status, Stop> {
    let kinds = KINDS.iter().filter(|(name, _)| construction.is_none_or(|wanted| wanted == *name));
    if format != TableFormat::Text {
        let names: Vec<&str> = kinds.map(|(name, _)| *name).collect();
        write_table(&who::full_table(&names)?, format, out)?;
        return Ok(Status::Yes);
    }
    for (nth, (name, kind)) in kinds.enumerate() {
        writeln!(out, "{}{name}", if nth == 0 { "" } else { "\n" })?;
        for output in who::who(*kind)? {
            match output.policy {
                Some(policy) => writeln!(out, "\n{} ({policy}.policy)", output.name)?,
                None => writeln!(out, "\n{}", output.name)?,
            }
            write_table(&who::table(&output), format, out)?;
        }
    }
    Ok(Status::Yes)
}

fn rules(updates: u32, format: TableFormat, out: &mut impl Write) -> Result<Status, Stop> {
    let progress = progress_of(2);
    let table = protocol::mutation_table(updates, &|name| progress.begin(name))?;
    drop(progress);
    write_table(&table, format, out)?;
    // The result is as expected if no loss is found with all rules, and a loss is found whenever one rule is left out.
    let sound = table.rows().iter().all(|row| {
        let whole = row.get(1).is_some_and(|rule| rule == "none");
        row.get(3).is_some_and(|found| (found == "nothing") == whole)
    });
    Ok(if sound { Status::Yes } else { Status::No })
}

/// Runs `sigstack compare`.
pub(crate) fn compare(args: &CompareArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let question =
        Question { updates: args.updates, htlcs: args.htlcs, parties: args.parties, feerate: args.feerate };
    question.check()?;
    let format = args.format.format();
    if let Some(folder) = &args.plots {
        files::create_folder(folder).map_err(|problem| problem.at("--plots"))?;
    }
    if args.bip442 {
        let mut table = Table::new(&["method", "force close", "BIP 442", "contest", "BIP 442"]);
        for (ours, theirs) in measure_bip442()?.iter().zip(BIP_442) {
            let cells = [ours.force_close, theirs.force_close, ours.contest, theirs.contest];
            let cells = cells.iter().map(u64::to_string);
            table.push(std::iter::once(ours.method.to_owned()).chain(cells).collect());
        }
        write_table(&table, format, out)?;
    } else {
        let progress = progress_of(KINDS.len());
        let measured = measure_all(&question, &|name| progress.begin(name))?;
        drop(progress);
        write_table(&summary(&measured, &question), format, out)?;
    }
    if let Some(folder) = &args.plots {
        for (name, svg) in charts(&question)? {
            files::write(&folder.join(name), svg.as_bytes()).map_err(|problem| problem.at("--plots"))?;
        }
    }
    Ok(Status::Yes)
}

/// Channel constructions that the charts show, one of each family.
const SHOWN: [&str; 6] = ["tree", "ln-anchors", "literal-pc", "sequence-ctv", "symmetry-apo", "symmetry-th"];

/// Function that sets the number of updates, HTLCs or parties in the parameters of a measurement.
type Ask = fn(Question, u32) -> Question;
type Answer = fn(&Measured) -> Option<u64>;

/// A chart. `ask` sets the value of the horizontal axis in the measured parameters. `answer` selects the result for
/// the vertical axis.
struct Chart {
    file: &'static str,
    axes: Axes<'static>,
    at: &'static [u32],
    ask: Ask,
    answer: Answer,
}

const OVER_UPDATES: Ask = |question, updates| Question { updates, ..question };
const OVER_HTLCS: Ask =
    |question, htlcs| Question { htlcs: usize::try_from(htlcs).unwrap_or_default(), ..question };
const OVER_PARTIES: Ask =
    |question, parties| Question { parties: usize::try_from(parties).unwrap_or(2), ..question };

const CHARTS: [Chart; 4] = [
    Chart {
        file: "tower-over-n.svg",
        axes: Axes { title: "What a tower keeps", x: "updates", y: "bytes", log_x: true, log_y: true },
        at: &[1, 3, 10, 30, 100, 300],
        ask: OVER_UPDATES,
        answer: |row| row.tower.and_then(|bytes| u64::try_from(bytes).ok()),
    },
    Chart {
        file: "client-over-h.svg",
        axes: Axes { title: "What a client keeps", x: "HTLCs", y: "bytes", log_x: false, log_y: true },
        at: &[0, 2, 5, 10, 20],
        ask: OVER_HTLCS,
        answer: |row| u64::try_from(row.client).ok(),
    },
    Chart {
        file: "breach-over-h.svg",
        axes: Axes {
            title: "An old state and its answer, with fee children",
            x: "HTLCs",
            y: "weight units",
            log_x: false,
            log_y: false,
        },
        at: &[0, 2, 5, 10, 20],
        ask: OVER_HTLCS,
        answer: |row| row.breach.map(|weights| weights.total()),
    },
    Chart {
        file: "unilateral-over-parties.svg",
        axes: Axes {
            title: "A unilateral close, with fee children",
            x: "parties",
            y: "weight units",
            log_x: false,
            log_y: false,
        },
        at: &[2, 3, 4, 6, 8],
        ask: OVER_PARTIES,
        answer: |row| Some(row.unilateral.total()),
    },
];

/// Draws four charts: the storage of a watchtower by updates, the storage of a client by HTLCs, the weight of an old
/// state and its answer by HTLCs, and the weight of a unilateral close by parties. Returns the file name and the SVG of
/// each chart.
fn charts(question: &Question) -> Result<Vec<(&'static str, String)>, Stop> {
    let mut drawn = Vec::new();
    let points: usize = CHARTS.iter().map(|chart| chart.at.len() * SHOWN.len()).sum();
    let progress = progress_of(points);
    for chart in CHARTS {
        let mut series = Vec::new();
        for name in SHOWN {
            let kind = kind(name)?;
            if chart.file == "unilateral-over-parties.svg" && !kind.multiparty() {
                continue;
            }
            let (mut points, mut title) = (Vec::new(), name);
            for value in chart.at {
                progress.begin(chart.file);
                let measured = measure(kind, &(chart.ask)(*question, *value))?;
                title = measured.name;
                if let Some(found) = (chart.answer)(&measured) {
                    points.push((f64::from(*value), f64::from(u32::try_from(found).unwrap_or(u32::MAX))));
                }
            }
            if !points.is_empty() {
                series.push(Series::new(name, title, points));
            }
        }
        drawn.push((chart.file, line_chart(&chart.axes, &series)?));
    }
    Ok(drawn)
}
