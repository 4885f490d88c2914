//! This engine beside libsecp256k1 alone, bitcoinconsensus and (feature `kernel`) libbitcoinkernel, in one run:
//!
//!     cargo bench --bench side_by_side -- [--rounds N] [--sample-ms N] [--only TEXT] [--json FILE]

#![allow(clippy::expect_used, clippy::panic, reason = "a comparison that cannot be made must stop")]

use std::time::Duration;

use sigstack_benches::floor::{self, CurveCall};
use sigstack_benches::measure::{Plan, Series, Timing, geometric_mean, interleave};
use sigstack_benches::peer::{self, Peer, PeerCase};
use sigstack_benches::report::{Environment, micros, table};
use sigstack_benches::scripts::{self, Kind};
use sigstack_benches::{Workload, spends};
use sigstack_interpreter::Flags;

struct Options {
    plan: Plan,
    only: Option<String>,
    json: Option<String>,
}

impl Options {
    fn parse() -> Result<Options, String> {
        let plan = Plan { rounds: 61, sample_time: Duration::from_millis(2) };
        let mut options = Options { plan, only: None, json: None };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            let number = |text: String| text.parse::<u32>().map_err(|_| format!("{text} is no number"));
            match argument.as_str() {
                // Cargo passes it to every benchmark.
                "--bench" => {}
                "--rounds" => options.plan.rounds = number(value()?)?.max(1) as usize,
                "--sample-ms" => options.plan.sample_time = Duration::from_millis(number(value()?)?.into()),
                "--only" => options.only = Some(value()?),
                "--json" => options.json = Some(value()?),
                _ => return Err(format!("unknown option {argument}")),
            }
        }
        Ok(options)
    }
}

/// What is measured of a workload.
struct Row {
    workload: Workload,
    floor: Vec<Vec<CurveCall>>,
    kind: Option<Kind>,
}

#[derive(serde::Serialize)]
struct Measured {
    workload: String,
    engine: Timing,
    floor: Option<Timing>,
    /// In the order of the peers; none where a peer does not know the rules.
    peers: Vec<Option<Timing>>,
}

fn rows(only: Option<&str>) -> Vec<Row> {
    let spends = spends::all().into_iter().map(|workload| (None, workload));
    let scripts = scripts::all().into_iter().map(|(kind, workload)| (Some(kind), workload));
    spends
        .chain(scripts)
        .filter(|(_, workload)| only.is_none_or(|text| workload.name.contains(text)))
        .map(|(kind, workload)| {
            let floor = workload.cases.iter().map(|case| case.curve_calls(workload.flags));
            Row { floor: floor.collect(), kind, workload }
        })
        .collect()
}

fn measure(rows: &[Row], peers: &[Peer], plan: Plan) -> Vec<Measured> {
    let peer_cases: Vec<Vec<PeerCase<'_>>> =
        rows.iter().map(|row| row.workload.cases.iter().map(PeerCase::new).collect()).collect();
    let mut groups = Vec::new();
    for (row, cases) in rows.iter().zip(&peer_cases) {
        let Workload { name, flags, cases: own } = &row.workload;
        let mut group = vec![
            Series::cycling(format!("{name}: engine"), own, |case| case.verify_from_bytes(*flags)),
            Series::cycling(format!("{name}: floor"), &row.floor, |calls| floor::run(calls)),
        ];
        if *flags == Flags::CONSENSUS {
            for peer in peers {
                let name = format!("{name}: {}", peer.name);
                group.push(Series::cycling(name, cases, |case| peer.verify(case)));
            }
        }
        groups.push(group);
    }
    let timings = interleave(&mut groups, plan);
    rows.iter()
        .zip(timings)
        .map(|(row, timings)| {
            let mut timings = timings.into_iter();
            Measured {
                workload: row.workload.name.clone(),
                engine: timings.next().expect("the first series"),
                // A script's floor is its commitment check alone, which says nothing about the script.
                floor: timings.next().filter(|_| row.kind.is_none()),
                peers: peers.iter().map(|_| timings.next()).collect(),
            }
        })
        .collect()
}

fn print(measured: &[Measured], rows: &[Row], peers: &[Peer]) {
    let mut head = vec!["µs (median)", "engine", "spread", "floor", "engine/floor"];
    let names: Vec<(String, String)> = peers
        .iter()
        .map(|peer| {
            let word = peer.name.split_whitespace().next().unwrap_or_default();
            (word.to_owned(), format!("engine/{word}"))
        })
        .collect();
    names.iter().for_each(|(name, ratio)| head.extend([name.as_str(), ratio.as_str()]));
    let none = || "-".to_owned();
    let cells = measured.iter().map(|row| {
        let ratio = |other: &Timing| format!("{:.3}", row.engine.median / other.median);
        let mut cells = vec![
            row.workload.clone(),
            micros(row.engine.median),
            format!("{:.1} %", 100.0 * row.engine.spread()),
        ];
        for other in std::iter::once(&row.floor).chain(&row.peers) {
            cells.push(other.as_ref().map_or_else(none, |other| micros(other.median)));
            cells.push(other.as_ref().map_or_else(none, ratio));
        }
        cells
    });
    println!("{}", table(&head, &cells.collect::<Vec<_>>()));
    for (nth, peer) in peers.iter().enumerate() {
        let ratios = measured.iter().zip(rows).filter(|(_, row)| row.kind == Some(Kind::Engine));
        let ratios =
            ratios.filter_map(|(row, _)| Some(row.engine.median / row.peers.get(nth)?.as_ref()?.median));
        let mean = geometric_mean(&ratios.collect::<Vec<_>>());
        println!("Scripts without hashes, geometric mean of engine/peer: {mean:.3} ({})", peer.name);
    }
}

fn main() {
    let options = Options::parse().unwrap_or_else(|error| panic!("{error}"));
    let mut names = vec!["consensus"];
    if cfg!(feature = "kernel") {
        names.push("kernel");
    }
    let load = |name: &str| peer::build(name).and_then(|path| Peer::load(&path));
    let peers: Vec<Peer> =
        names.into_iter().map(|name| load(name).unwrap_or_else(|error| panic!("{error}"))).collect();
    let rows = rows(options.only.as_deref());
    let measured = measure(&rows, &peers, options.plan);
    let environment = Environment::here();
    println!("{}", environment.lines());
    peers.iter().for_each(|peer| println!("{}", peer.name));
    println!(
        "{} rounds in shuffled order, {} ms a sample, one thread\n",
        options.plan.rounds,
        options.plan.sample_time.as_millis()
    );
    print(&measured, &rows, &peers);
    if let Some(path) = options.json {
        let report = serde_json::json!({
            "environment": environment,
            "rounds": options.plan.rounds,
            "peers": peers.iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>(),
            "nanoseconds": measured,
        });
        let text = serde_json::to_string_pretty(&report).expect("plain data");
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}
