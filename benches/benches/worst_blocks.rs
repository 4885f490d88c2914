//! Searches for the blocks that take longest to verify. The search tries scripts that repeat one opcode. The blocks
//! are compared with a block of 80,000 Schnorr checks:
//!
//!     cargo bench --bench worst_blocks -- [--rounds N] [--part WEIGHT] [--json FILE] [--svg FILE]
//!     cargo bench --bench worst_blocks -- --merge FOLDER        merges the files that `--json` wrote on several machines

#![allow(clippy::panic, reason = "a search that cannot be made must stop")]

use plotters::prelude::*;
use sigstack_benches::floor::{self, CurveCall};
use sigstack_benches::measure::{Timing, time};
use sigstack_benches::opcodes;
use sigstack_benches::options::Options;
use sigstack_benches::report::{Environment, table, write_json};
use sigstack_benches::worst;
use sigstack_benches::worst::legacy::{self, Candidate, LegacyBlock};
use sigstack_benches::{Workload, spends};

/// Number of Schnorr checks in the reference block. The signature operation budget of a block allows no more.
const YARDSTICK_CHECKS: usize = 80_000;

/// Number of Schnorr checks of the reference block that are timed. The time of all is extrapolated from them.
const TIMED_CHECKS: usize = 2_000;

/// Number of times that a round measures each block, alternating with the reference block. The fastest measurement
/// counts.
const TURNS: usize = 3;

const LEGACY_TODAY: &str = "legacy today";

#[derive(serde::Serialize, serde::Deserialize)]
struct Row {
    subject: String,
    script: String,
    /// Size of the part of the block that was built and verified, as a fraction of the whole block.
    measured_part: f64,
    seconds: Timing,
    to_schnorr: Timing,
    to_tapscript_today: f64,
    to_legacy_today: f64,
}

fn yardstick(calls: &[Vec<CurveCall>]) -> f64 {
    let run = || {
        let checks = calls.iter().cycle().take(TIMED_CHECKS);
        checks.for_each(|calls| assert!(floor::run(calls), "a signature is not valid"));
    };
    time(run).as_secs_f64() * (YARDSTICK_CHECKS / TIMED_CHECKS) as f64
}

/// Returns the legacy script with the longest verification time. Each script that is tried is timed once.
fn worst_legacy(block: &LegacyBlock) -> Result<Candidate, String> {
    let timed = legacy::candidates().into_iter().map(|candidate| (block.seconds(&candidate), candidate));
    let worst = timed.max_by(|(a, _), (b, _)| a.total_cmp(b));
    worst.map(|(_, candidate)| candidate).ok_or("no legacy script".to_owned())
}

/// A block that is measured in every round, together with the result of each round.
struct Measured<'a> {
    subject: String,
    script: String,
    part: f64,
    run: Box<dyn Fn() -> f64 + 'a>,
    seconds: Vec<f64>,
    /// Ratio of the block's time to that of the reference block of 80,000 Schnorr checks, for each round. Both are
    /// measured in alternation.
    to_schnorr: Vec<f64>,
}

impl<'a> Measured<'a> {
    fn new(subject: &str, script: String, part: f64, run: impl Fn() -> f64 + 'a) -> Measured<'a> {
        let (subject, run) = (subject.to_owned(), Box::new(run));
        Measured { subject, script, part, run, seconds: Vec::new(), to_schnorr: Vec::new() }
    }
}

fn measure(rounds: usize, part: usize) -> Result<(Timing, Vec<Row>), String> {
    eprintln!("searching tapscript");
    let blocks = worst::blocks(&worst::search(), part);
    eprintln!("searching legacy");
    let legacy_block = LegacyBlock::new(None);
    let legacy = worst_legacy(&legacy_block)?;
    let schnorr: Vec<Vec<CurveCall>> = spends::all()
        .iter()
        .filter(|workload| workload.name == "p2tr-key")
        .flat_map(|Workload { cases, flags, .. }| cases.iter().map(|case| case.curve_calls(*flags)))
        .collect();
    let legacy_script = format!("{} inputs: {}", legacy_block.inputs(), legacy.name);
    let legacy_part = 2.0 / legacy_block.inputs() as f64;
    let run_legacy = || legacy_block.seconds(&legacy);
    let mut measured = vec![Measured::new(LEGACY_TODAY, legacy_script, legacy_part, run_legacy)];
    measured.extend(blocks.iter().map(|block| {
        Measured::new(&block.subject, block.script.clone(), 1.0 / block.parts, || block.seconds())
    }));
    let mut yardsticks = Vec::new();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for one in &mut measured {
            let (mut seconds, mut beside) = (f64::INFINITY, f64::INFINITY);
            for _ in 0..TURNS {
                (seconds, beside) = (seconds.min((one.run)()), beside.min(yardstick(&schnorr)));
            }
            one.seconds.push(seconds);
            one.to_schnorr.push(seconds / beside);
            yardsticks.push(beside);
        }
    }
    let median = |one: &Measured<'_>| Timing::of(&one.to_schnorr).median;
    let legacy_today = measured.first().map_or(f64::NAN, median);
    // The search selects the parts of today's blocks by single measurements, which may be inaccurate. The worst block of an
    // opcode is used if it turns out to be worse.
    let proposed: Vec<&str> = opcodes::proposed().into_iter().map(|(proposal, _)| proposal).collect();
    let is_tapscript_today =
        |one: &&Measured<'_>| one.subject != LEGACY_TODAY && !proposed.contains(&one.subject.as_str());
    let tapscript_today = measured.iter().filter(is_tapscript_today).map(median).fold(f64::NAN, f64::max);
    let yardstick = Timing::of(&yardsticks);
    let rows = measured.iter().map(|one| {
        let to_schnorr = Timing::of(&one.to_schnorr);
        Row {
            subject: one.subject.clone(),
            script: one.script.clone(),
            measured_part: one.part,
            seconds: Timing::of(&one.seconds),
            to_schnorr,
            to_tapscript_today: to_schnorr.median / tapscript_today,
            to_legacy_today: to_schnorr.median / legacy_today,
        }
    });
    Ok((yardstick, rows.collect()))
}

fn print(yardstick: &Timing, rows: &[Row]) {
    let head =
        ["block of", "seconds", "/ 80,000 Schnorr", "quartiles", "/ tapscript today", "/ legacy today"];
    let cells = rows.iter().map(|row| {
        vec![
            row.subject.clone(),
            format!("{:.2}", row.seconds.median),
            format!("{:.3}", row.to_schnorr.median),
            format!("{:.3} to {:.3}", row.to_schnorr.lower_quartile, row.to_schnorr.upper_quartile),
            format!("{:.3}", row.to_tapscript_today),
            format!("{:.1e}", row.to_legacy_today),
        ]
    });
    println!("80,000 Schnorr checks alone: {:.2} s\n", yardstick.median);
    println!("{}", table(&head, &cells.collect::<Vec<_>>()));
    println!("The scripts, as far as they differ from each other:\n");
    rows.iter().for_each(|row| println!("- {}: {}", row.subject, row.script));
}

/// Draws a bar chart of the verification time of each block, relative to a block of 80,000 Schnorr checks. The legacy
/// block is left out, because its bar would make all others invisible.
fn plot(path: &str, rows: &[Row]) -> Result<(), Box<dyn std::error::Error>> {
    let mut rows: Vec<&Row> = rows.iter().filter(|row| row.subject != LEGACY_TODAY).collect();
    rows.sort_by(|a, b| a.to_schnorr.median.total_cmp(&b.to_schnorr.median));
    let longest = rows.last().map_or(1.0, |row| row.to_schnorr.median).max(1.0);
    let height = u32::try_from(60 + 16 * rows.len())?;
    let root = SVGBackend::new(path, (900, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(10)
        .x_label_area_size(40)
        .y_label_area_size(220)
        .build_cartesian_2d(0.0..longest * 1.05, (0..rows.len().saturating_sub(1)).into_segmented())?;
    let label = |at: &SegmentValue<usize>| match at {
        SegmentValue::Exact(index) | SegmentValue::CenterOf(index) => {
            rows.get(*index).map_or_else(String::new, |row| row.subject.clone())
        }
        SegmentValue::Last => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(rows.len())
        .y_label_formatter(&label)
        .x_desc("time of the worst block found / time of 80,000 Schnorr checks")
        .draw()?;
    let bars = rows.iter().enumerate().map(|(index, row)| (index, row.to_schnorr.median));
    chart.draw_series(Histogram::horizontal(&chart).style(BLUE.mix(0.6).filled()).margin(2).data(bars))?;
    root.present()?;
    Ok(())
}

/// The result of a run of this benchmark, in the format that `--json` writes.
#[derive(serde::Serialize, serde::Deserialize)]
struct Report {
    environment: Environment,
    threads: usize,
    rounds: usize,
    schnorr_seconds: Timing,
    blocks: Vec<Row>,
}

/// Reads the JSON reports in a folder. Returns a table with the time of each block relative to a block of 80,000
/// Schnorr checks. The table has one column for each report.
fn merge(folder: &str) -> Result<String, String> {
    let failed =
        |path: &std::path::Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let folder = std::path::Path::new(folder);
    let entries = std::fs::read_dir(folder).map_err(|error| failed(folder, &error))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let read = |path: &std::path::PathBuf| -> Result<Report, String> {
        let text = std::fs::read_to_string(path).map_err(|error| failed(path, &error))?;
        serde_json::from_str(&text).map_err(|error| failed(path, &error))
    };
    let reports: Vec<Report> = paths.iter().map(read).collect::<Result<_, _>>()?;
    let mut subjects: Vec<&str> = Vec::new();
    for row in reports.iter().flat_map(|report| &report.blocks) {
        if !subjects.contains(&row.subject.as_str()) {
            subjects.push(&row.subject);
        }
    }
    let cells = subjects.iter().map(|subject| {
        let ratio = |report: &Report| {
            let row = report.blocks.iter().find(|row| row.subject == *subject);
            row.map_or_else(|| "-".to_owned(), |row| format!("{:.3}", row.to_schnorr.median))
        };
        std::iter::once((*subject).to_owned()).chain(reports.iter().map(ratio)).collect()
    });
    let names: Vec<String> = (1..=reports.len()).map(|nth| format!("run {nth}")).collect();
    let head: Vec<&str> =
        std::iter::once("/ 80,000 Schnorr").chain(names.iter().map(String::as_str)).collect();
    let mut text = table(&head, &cells.collect::<Vec<_>>());
    for ((name, path), report) in names.iter().zip(&paths).zip(&reports) {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        text += &format!("\n{name}: {file}, {} rounds\n{}\n", report.rounds, report.environment.lines());
    }
    Ok(text)
}

fn run() -> Result<(), String> {
    let options = Options::parse(&["rounds", "part", "json", "svg", "merge"])?;
    if let Some(folder) = options.text("merge") {
        println!("{}", merge(folder)?);
        return Ok(());
    }
    let rounds = options.number("rounds", 9)?;
    let part = options.number("part", worst::BLOCK_WEIGHT / 20)?.clamp(40_000, worst::BLOCK_WEIGHT);
    let (yardstick, rows) = measure(rounds, part)?;
    let environment = Environment::here();
    println!("{}\n{rounds} rounds, one thread's processor time\n", environment.lines());
    print(&yardstick, &rows);
    if let Some(path) = options.text("svg") {
        plot(path, &rows).map_err(|error| format!("{path}: {error}"))?;
    }
    if let Some(path) = options.text("json") {
        let report = Report { environment, threads: 1, rounds, schnorr_seconds: yardstick, blocks: rows };
        write_json(path, &report)?;
    }
    Ok(())
}

fn main() {
    run().unwrap_or_else(|error| panic!("{error}"));
}
