//! `sigstack channel`, `compare`, `attacks` and `breach`: thin commands over the channel crate.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use sigstack_channel::breach::{Game, Miners, report};
use sigstack_channel::compare::{
    Axes, BIP_442, Measured, Question, Series, Table, line_chart, measure, measure_all, measure_bip442,
    summary,
};
use sigstack_channel::model::{Form, KINDS, Kind, PlayError, Setup, Stage, nested_costs};
use sigstack_channel::{ChannelError, attacks, export, protocol, storage, variants};

use crate::args::{AttacksArgs, BreachArgs, ChannelCommand, CompareArgs, PlayArgs, StorageArgs, TableFormat};
use crate::output::{self, HEADING, Status};
use crate::problem::{Problem, Stop};
use crate::table;

impl From<PlayError> for Stop {
    fn from(error: PlayError) -> Stop {
        Problem::new(error.to_string()).into()
    }
}

impl From<ChannelError> for Stop {
    fn from(error: ChannelError) -> Stop {
        Problem::new(error.to_string()).into()
    }
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
        ChannelCommand::List => list(out),
        ChannelCommand::Show(args) => play(args, false, out),
        ChannelCommand::Play(args) => play(args, true, out),
        ChannelCommand::Export { folder } => write_files(folder, out),
        ChannelCommand::Storage(args) => long_run(args, out),
        ChannelCommand::Options { format } => options(*format, out),
        ChannelCommand::Nested { parties, format } => nested((*parties).into(), *format, out),
        ChannelCommand::Rules { format } => rules(*format, out),
    }
}

fn list(out: &mut impl Write) -> Result<Status, Stop> {
    let mut table = Table::new(&["name", "construction", "needs"]);
    for (name, kind) in KINDS {
        let setup = Setup::named("list", 2, 1_000_000, 144)?;
        let channel = kind.build(setup, sigstack_channel::model::Content::of(&[500_000, 500_000]))?;
        let facts = channel.facts();
        let needs = if facts.proposals.is_empty() { "today".to_owned() } else { facts.proposals.to_string() };
        table.push(vec![(*name).to_owned(), facts.name.to_owned(), needs]);
    }
    table::write_table(out, &table)?;
    Ok(Status::Yes)
}

/// Shows what a channel's endings are made of; with `on_chain`, plays them.
fn play(args: &PlayArgs, on_chain: bool, out: &mut impl Write) -> Result<Status, Stop> {
    use sigstack_channel::compare::{CAPACITY, content};
    let height = sigstack_channel::chain::START_HEIGHT;
    let setup = Setup::named("play", 2, CAPACITY, args.delay)?;
    let mut channel = kind(&args.construction)?.build(setup, content(2, 0, 0, height))?;
    let channel = channel.as_mut();
    let mut stage = Stage::new(channel)?;
    let funding = stage.open(channel)?;
    for number in 1..=args.updates {
        channel.update(content(2, args.htlcs, number, height))?;
    }
    let state = args.state.unwrap_or(channel.number());
    writeln!(
        out,
        "{HEADING}{}{HEADING:#}, {} updates, state {state} published",
        channel.facts().name,
        args.updates
    )?;
    let steps = channel.close(0, state)?;
    let answer = match steps.first() {
        Some(first) if state < channel.number() => channel.contest(1, &first.tx)?,
        _ => None,
    };
    let steps = match answer {
        Some(answer) => steps.into_iter().take(1).chain(answer).collect(),
        None => steps,
    };
    if on_chain {
        writeln!(out, "height {}: {} ({} WU)", funding.height, funding.step.label, funding.step.weight())?;
        for played in stage.publish_all(steps)? {
            let child = played.child.as_ref().map_or(0, sigstack_channel::model::Step::weight);
            let (label, weight) = (played.step.label, played.step.weight());
            writeln!(out, "height {}: {label} ({weight} WU, fee child {child} WU)", played.height)?;
        }
        for party in 0..2 {
            writeln!(out, "party {party} has {} sat", stage.paid(channel, party))?;
        }
    } else {
        for step in steps {
            writeln!(out, "{} ({} WU, fee {} sat)", step.label, step.weight(), step.fee())?;
            writeln!(out, "  {}", bitcoin::consensus::encode::serialize_hex(&step.tx))?;
        }
        writeln!(
            out,
            "a client keeps {} bytes, a tower {}",
            channel.client_bytes(0).len(),
            channel.tower_bytes(0).len()
        )?;
    }
    Ok(Status::Yes)
}

fn write_files(folder: &Path, out: &mut impl Write) -> Result<Status, Stop> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for (name, lines) in export::files()? {
        let path = folder.join(&name);
        fs::write(&path, &lines).map_err(|error| format!("{}: {error}", path.display()))?;
        writeln!(out, "{}: {} cases", path.display(), lines.lines().count())?;
    }
    Ok(Status::Yes)
}

fn long_run(args: &StorageArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let signing = match args.signed {
        Some(count) => storage::Signing::Sample(count, args.seed),
        None => storage::Signing::All,
    };
    let start = Instant::now();
    let run = storage::run(kind(&args.construction)?, args.updates, signing, args.tries)?;
    table::write_table(out, &storage::table(&run))?;
    let seconds = start.elapsed().as_secs_f64();
    writeln!(out, "{} updates, {} of them signed, {seconds:.1} s", args.updates, run.signed)?;
    let by_tower = run.answered_by_tower.map_or_else(|| "none".to_owned(), |count| count.to_string());
    writeln!(
        out,
        "{} earlier states published: {} answered by the client, {by_tower} by the tower",
        run.tried, run.answered
    )?;
    writeln!(out, "the latest state is not contested")?;
    let sizes = |kept: &storage::Kept| (kept.client, kept.tower, kept.machine);
    let constant = run.kept.windows(2).all(|pair| pair.first().map(sizes) == pair.last().map(sizes));
    writeln!(out, "storage is {}", if constant { "constant" } else { "not constant" })?;
    let answered = run.answered == run.tried && run.answered_by_tower.is_none_or(|count| count == run.tried);
    Ok(if answered { Status::Yes } else { Status::No })
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

fn rules(format: TableFormat, out: &mut impl Write) -> Result<Status, Stop> {
    let table = protocol::mutation_table();
    write_table(&table, format, out)?;
    // Nothing may be found with all rules, and something without each.
    let sound = table.rows().iter().all(|row| {
        let whole = row.get(1).is_some_and(|rule| rule == "none");
        row.get(4).is_some_and(|found| (found == "nothing") == whole)
    });
    Ok(if sound { Status::Yes } else { Status::No })
}

/// Runs `sigstack compare`.
pub(crate) fn compare(args: &CompareArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let question =
        Question { updates: args.updates, htlcs: args.htlcs, parties: args.parties, feerate: args.feerate };
    if args.bip442 {
        let mut table = Table::new(&["method", "force close", "BIP 442", "contest", "BIP 442"]);
        for (ours, theirs) in measure_bip442()?.iter().zip(BIP_442) {
            let cells = [ours.force_close, theirs.force_close, ours.contest, theirs.contest];
            let cells = cells.iter().map(u64::to_string);
            table.push(std::iter::once(ours.method.to_owned()).chain(cells).collect());
        }
        write_table(&table, args.format, out)?;
    } else {
        write_table(&summary(&measure_all(&question)?, &question), args.format, out)?;
    }
    if let Some(folder) = &args.plots {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for (name, svg) in charts(&question)? {
            let path = folder.join(name);
            fs::write(&path, svg).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(Status::Yes)
}

/// Constructions that charts show: one of each family.
const SHOWN: [&str; 6] = ["tree", "ln-anchors", "literal-pc", "sequence-ctv", "symmetry-apo", "symmetry-th"];

/// The rows that a chart has a line for: over updates, HTLCs or parties.
type Ask = fn(Question, u32) -> Question;
type Answer = fn(&Measured) -> Option<u64>;

/// A chart: its file, what stands around it, its values on the horizontal axis, and what is asked at each.
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

/// Storage over n, weight over h and N.
fn charts(question: &Question) -> Result<Vec<(&'static str, String)>, Stop> {
    let mut drawn = Vec::new();
    for chart in CHARTS {
        let mut series = Vec::new();
        for name in SHOWN {
            let kind = kind(name)?;
            if chart.file == "unilateral-over-parties.svg" && !kind.multiparty() {
                continue;
            }
            let mut points = Vec::new();
            for value in chart.at {
                if let Some(found) = (chart.answer)(&measure(kind, &(chart.ask)(*question, *value))?) {
                    points.push((f64::from(*value), f64::from(u32::try_from(found).unwrap_or(u32::MAX))));
                }
            }
            if !points.is_empty() {
                series.push(Series { name: name.to_owned(), points });
            }
        }
        drawn.push((chart.file, line_chart(&chart.axes, &series)?));
    }
    Ok(drawn)
}

/// Runs `sigstack attacks`.
pub(crate) fn attack(args: &AttacksArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let wanted = |name: &str| args.names.is_empty() || args.names.iter().any(|other| other == name);
    let found = attacks::run(wanted)?;
    write_table(&attacks::table(&found), args.format, out)?;
    // Each attack works on its naive form and not on the last one.
    let as_said = found.iter().all(|attack| {
        let works: Vec<bool> = attack.trials.iter().map(|trial| trial.works).collect();
        works.first() == Some(&true) && works.last() == Some(&false)
    });
    Ok(if as_said { Status::Yes } else { Status::No })
}

/// Runs `sigstack breach`.
pub(crate) fn breach(args: &BreachArgs, out: &mut impl Write) -> Result<Status, Stop> {
    if args.new > args.old || args.old > args.capacity {
        let problem = Problem::new("--new must be at most --old, and --old at most --capacity");
        return Err(problem
            .hint("these are the cheater's balances and the channel's capacity in satoshi")
            .into());
    }
    let game = Game {
        capacity: args.capacity,
        cheater_old: args.old,
        cheater_new: args.new,
        delay: args.delay,
        outside: args.outside,
        mean_rate: f64::from(args.feerate),
        miners: if args.colluding > 0.0 { Miners::Colluding(args.colluding, 0) } else { Miners::Myopic },
        ..Game::default()
    };
    let report = report(&game, args.games, args.seed)?;
    let last = report.tables.len().saturating_sub(1);
    for (nth, (name, shows, table)) in report.tables.iter().enumerate() {
        // Several tables in one output: each with its name, and JSON as one object.
        match args.format {
            TableFormat::Text => {
                for line in table::wrap(&format!("{name}: {shows}"), output::width()) {
                    writeln!(out, "{HEADING}{line}{HEADING:#}")?;
                }
            }
            TableFormat::Markdown => writeln!(out, "## {name}\n\n{shows}\n")?,
            TableFormat::Csv => writeln!(out, "# {name}: {shows}")?,
            TableFormat::Json => write!(out, "{}\"{name}\": ", if nth == 0 { "{" } else { "," })?,
        }
        write_table(table, args.format, out)?;
        match args.format {
            TableFormat::Json if nth == last => writeln!(out, "}}")?,
            TableFormat::Json => {}
            _ => writeln!(out)?,
        }
    }
    if let Some(folder) = &args.folder {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let tables = report.tables.iter().map(|(name, _, table)| (format!("{name}.csv"), table.to_csv()));
        let charts = report.charts.iter().map(|(name, svg)| ((*name).to_owned(), svg.clone()));
        for (name, text) in tables.chain(charts) {
            let path = folder.join(name);
            fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(Status::Yes)
}
