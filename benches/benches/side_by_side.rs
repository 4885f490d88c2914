//! This engine beside libsecp256k1 alone, bitcoinconsensus and (feature `kernel`) libbitcoinkernel, in one run:
//!
//!     cargo bench --bench side_by_side -- [--rounds N] [--sample-ms N] [--only TEXT] [--json FILE]

#![allow(clippy::expect_used, clippy::panic, reason = "a comparison that cannot be made must stop")]

use std::time::Duration;

use sigstack_benches::floor::{self, CurveCall};
use sigstack_benches::measure::{Plan, Series, Timing, geometric_mean, interleave};
use sigstack_benches::options::Options;
use sigstack_benches::peer::{self, Peer, PeerCase};
use sigstack_benches::report::{Environment, micros, table, write_json};
use sigstack_benches::scripts::{self, Kind};
use sigstack_benches::{Workload, spends};
use sigstack_interpreter::Flags;

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
    run().unwrap_or_else(|error| panic!("{error}"));
}

fn run() -> Result<(), String> {
    let options = Options::parse(&["rounds", "sample-ms", "only", "json"])?;
    let sample_ms = options.number("sample-ms", 2)?;
    let plan = Plan {
        rounds: options.number("rounds", 61)?,
        sample_time: Duration::from_millis(u64::try_from(sample_ms).unwrap_or(u64::MAX)),
    };
    let mut names = vec!["consensus"];
    if cfg!(feature = "kernel") {
        names.push("kernel");
    }
    let load = |name: &str| peer::build(name).and_then(|path| Peer::load(&path));
    let peers: Vec<Peer> = names.into_iter().map(load).collect::<Result<_, _>>()?;
    let rows = rows(options.text("only"));
    let measured = measure(&rows, &peers, plan);
    let environment = Environment::here();
    println!("{}", environment.lines());
    peers.iter().for_each(|peer| println!("{}", peer.name));
    println!(
        "{} rounds in shuffled order, {sample_ms} ms a sample, one thread's processor time\n",
        plan.rounds
    );
    print(&measured, &rows, &peers);
    if let Some(path) = options.text("json") {
        let report = serde_json::json!({
            "environment": environment,
            "rounds": plan.rounds,
            "peers": peers.iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>(),
            "nanoseconds": measured,
        });
        write_json(path, &report)?;
    }
    Ok(())
}
