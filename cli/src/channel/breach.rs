//! `sigstack attacks` and `sigstack breach`: play attacks on channel constructions, and simulate how a cheater and a
//! victim compete after the cheater publishes an old state.

use std::io::Write;
use std::path::Path;

use sigstack_channel::breach::{BreachReport, Game, Miners, columns, report, tables};
use sigstack_channel::model::KINDS;
use sigstack_channel::{adversary, attacks};

use super::{progress_of, write_table};
use crate::args::{AttacksArgs, AttacksCommand, BreachArgs, SearchArgs, TableFormat};
use crate::files;
use crate::output::{self, HEADING, Status};
use crate::problem::{Problem, Stop};
use crate::table;

/// Runs `sigstack attacks`.
pub(crate) fn attack(args: &AttacksArgs, out: &mut impl Write) -> Result<Status, Stop> {
    if let Some(AttacksCommand::Search(args)) = &args.command {
        return search(args, out);
    }
    let wanted = |name: &str| args.names.is_empty() || args.names.iter().any(|other| other == name);
    let progress = progress_of(attacks::names().filter(|name| wanted(name)).count());
    let found = attacks::run(wanted, &|name| progress.begin(name))?;
    drop(progress);
    write_table(&attacks::table(&found), args.format.format(), out)?;
    // The first trial of an attack is against the construction that it breaks, the last one against a construction that
    // resists it.
    let as_expected = found.iter().all(|attack| {
        let works: Vec<bool> = attack.trials.iter().map(|trial| trial.works).collect();
        works.first() == Some(&true) && works.last() == Some(&false)
    });
    Ok(if as_expected { Status::Yes } else { Status::No })
}

/// Runs `sigstack attacks search`.
fn search(args: &SearchArgs, out: &mut impl Write) -> Result<Status, Stop> {
    let bounds = adversary::Bounds::new(args.moves, args.blocks, args.states);
    let constructions = if args.construction.is_some() { 1 } else { KINDS.len() };
    let progress = progress_of(constructions * adversary::scenarios().count());
    let found = adversary::search(args.construction.as_deref(), &bounds, &|name| progress.begin(name))?;
    drop(progress);
    write_table(&adversary::table(&found, &bounds), args.format.format(), out)?;
    let is_found = found.iter().any(|one| one.explored.found.is_some());
    Ok(if is_found { Status::No } else { Status::Yes })
}

/// Runs `sigstack breach`.
pub(crate) fn breach(args: &BreachArgs, out: &mut impl Write) -> Result<Status, Stop> {
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
    game.check()?;
    if let Some(folder) = &args.folder {
        files::create_folder(folder).map_err(|problem| problem.at("--folder"))?;
    }
    let progress = progress_of(tables().len());
    let report = report(&game, args.games, args.seed, &|name| progress.begin(name))?;
    drop(progress);
    write_report(&report, args.format.format(), out)?;
    if let Some(folder) = &args.folder {
        write_files(&report, folder).map_err(|problem| problem.at("--folder"))?;
    }
    Ok(Status::Yes)
}

/// Writes all tables of a breach report, each with its name. JSON output is one object with the tables as fields.
fn write_report(report: &BreachReport, format: TableFormat, out: &mut impl Write) -> Result<(), Stop> {
    let last = report.tables.len().saturating_sub(1);
    for (nth, (name, shows, rows)) in report.tables.iter().enumerate() {
        match format {
            TableFormat::Text => {
                for line in table::wrap(&format!("{name}: {shows}"), output::width()) {
                    writeln!(out, "{HEADING}{line}{HEADING:#}")?;
                }
                for line in columns(name).into_iter().flat_map(|text| table::wrap(text, output::width())) {
                    writeln!(out, "{line}")?;
                }
            }
            TableFormat::Markdown => {
                writeln!(out, "## {name}\n\n{shows}\n")?;
                if let Some(columns) = columns(name) {
                    writeln!(out, "{columns}\n")?;
                }
            }
            TableFormat::Csv => {
                writeln!(out, "# {name}: {shows}")?;
                if let Some(columns) = columns(name) {
                    writeln!(out, "# {columns}")?;
                }
            }
            TableFormat::Json => write!(out, "{}\"{name}\": ", if nth == 0 { "{" } else { "," })?,
        }
        write_table(rows, format, out)?;
        match format {
            TableFormat::Json if nth == last => writeln!(out, "}}")?,
            TableFormat::Json => {}
            _ => writeln!(out)?,
        }
    }
    Ok(())
}

fn write_files(report: &BreachReport, folder: &Path) -> Result<(), Problem> {
    let tables = report.tables.iter().map(|(name, _, table)| (format!("{name}.csv"), table.to_csv()));
    let charts = report.charts.iter().map(|(name, svg)| ((*name).to_owned(), svg.clone()));
    for (name, text) in tables.chain(charts) {
        files::write(&folder.join(name), text.as_bytes())?;
    }
    Ok(())
}
