//! Compares the speed of this engine with other code in one run: libsecp256k1 alone, bitcoinconsensus and, with the
//! feature `kernel`, libbitcoinkernel.
//!
//!     cargo bench --bench side_by_side -- [--rounds N] [--sample-ms N] [--only TEXT] [--json FILE]

#![allow(clippy::expect_used, clippy::panic, reason = "a comparison that cannot be made must stop")]

use std::time::Duration;

use sigstack_benches::floor::{self, CurveCall};
use sigstack_benches::goals::{Ratios, judged};
use sigstack_benches::measure::{Plan, Sampled, Series, TURNS, interleave};
use sigstack_benches::options::Options;
use sigstack_benches::peer::{self, Peer, PeerCase};
use sigstack_benches::report::{Environment, micros, table, write_json};
use sigstack_benches::scripts::{self, Kind};
use sigstack_benches::{Workload, proposals, spends};
use sigstack_interpreter::Flags;

/// A workload to measure, together with the calls to libsecp256k1 that its verification makes. The engine's time is
/// compared with the time of these calls alone.
struct Row {
    workload: Workload,
    floor: Vec<Vec<CurveCall>>,
    kind: Option<Kind>,
    /// The same workload with every proposal active. `None` if the workload uses a proposal or is a script workload.
    active: Option<Workload>,
}

#[derive(serde::Serialize)]
struct Measured {
    workload: String,
    engine: Sampled,
    floor: Option<Sampled>,
    /// Times of the engine for the same workload with every proposal active. `None` if this was not measured.
    active: Option<Sampled>,
    /// Times of the other verifiers, in the order of the peers. `None` for a verifier that does not implement the
    /// rules of the workload.
    peers: Vec<Option<Sampled>>,
}

fn rows(only: Option<&str>) -> Vec<Row> {
    // A single verification of the excluded workload takes as long as a whole round of most others.
    let compared = |workload: &Workload| workload.name != "100x-tapscript-20of20";
    let spends = spends::all().into_iter().filter(compared).map(|workload| (None, workload));
    let scripts = scripts::all().into_iter().map(|(kind, workload)| (Some(kind), workload));
    spends
        .chain(scripts)
        .filter(|(_, workload)| only.is_none_or(|text| workload.name.contains(text)))
        .map(|(kind, workload)| {
            let floor = workload.cases.iter().map(|case| case.curve_calls(workload.flags));
            let active = proposals::unused(&workload).filter(|_| kind.is_none());
            Row { floor: floor.collect(), kind, active, workload }
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
        if let Some(active) = &row.active {
            let flags = active.flags;
            let name = format!("{name}: every proposal active");
            group.push(Series::cycling(name, own, move |case| case.verify_from_bytes(flags)));
        }
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
                // The floor of a script workload is only its commitment check, which is no measure for the script.
                floor: timings.next().filter(|_| row.kind.is_none()),
                active: row.active.as_ref().and_then(|_| timings.next()),
                peers: peers.iter().map(|_| timings.next()).collect(),
            }
        })
        .collect()
}

/// Returns the JSON object of a measured workload: the ratios of the engine's time to each of the other measured times.
/// Each ratio is given twice, as a ratio of medians and as a median of ratios.
fn ratios(row: &Measured) -> serde_json::Value {
    let both = |other: &Sampled| [row.engine.ratio_of_medians(other), row.engine.ratio_to(other)];
    serde_json::json!({
        "workload": row.workload,
        "floor": row.floor.as_ref().map(both),
        "active": row.active.as_ref().map(both),
        "peers": row.peers.iter().map(|peer| peer.as_ref().map(both)).collect::<Vec<_>>(),
    })
}

/// Returns the first word of the name of another verifier (peer).
fn word(peer: &Peer) -> &str {
    peer.name.split_whitespace().next().unwrap_or_default()
}

fn print(measured: &[Measured], peers: &[Peer]) {
    let mut head = vec!["µs (median)", "engine", "spread", "proposals active", "floor", "engine/floor"];
    let ratios: Vec<String> = peers.iter().map(|peer| format!("engine/{}", word(peer))).collect();
    peers.iter().zip(&ratios).for_each(|(peer, ratio)| head.extend([word(peer), ratio.as_str()]));
    let none = || "-".to_owned();
    let time = |one: &Option<Sampled>| one.as_ref().map_or_else(none, |one| micros(one.timing.median));
    let cells = measured.iter().map(|row| {
        let ratio = |other: &Sampled| format!("{:.3}", row.engine.ratio_to(other));
        let mut cells = vec![
            row.workload.clone(),
            micros(row.engine.timing.median),
            format!("{:.1} %", 100.0 * row.engine.timing.spread()),
            time(&row.active),
        ];
        for other in std::iter::once(&row.floor).chain(&row.peers) {
            cells.push(time(other));
            cells.push(other.as_ref().map_or_else(none, ratio));
        }
        cells
    });
    println!("{}", table(&head, &cells.collect::<Vec<_>>()));
    let run = |ratio| Run { measured, peers, ratio };
    println!("{}", judged(&run(Sampled::ratio_of_medians), &run(Sampled::ratio_to)));
}

struct Run<'a> {
    measured: &'a [Measured],
    peers: &'a [Peer],
    ratio: fn(&Sampled, &Sampled) -> f64,
}

impl Run<'_> {
    fn row(&self, workload: &str) -> Option<&Measured> {
        self.measured.iter().find(|row| row.workload == workload)
    }
}

impl Ratios for Run<'_> {
    fn to_floor(&self, workload: &str) -> Option<f64> {
        let row = self.row(workload)?;
        Some((self.ratio)(&row.engine, row.floor.as_ref()?))
    }

    fn to_peer(&self, workload: &str, peer: &str) -> Option<f64> {
        let nth = self.peers.iter().position(|other| word(other) == peer)?;
        let row = self.row(workload)?;
        Some((self.ratio)(&row.engine, row.peers.get(nth)?.as_ref()?))
    }

    fn active_to_inactive(&self, workload: &str) -> Option<f64> {
        let row = self.row(workload)?;
        Some((self.ratio)(row.active.as_ref()?, &row.engine))
    }

    /// Returns the engine's additional time for `workload`, compared with `base`, divided by the additional time of
    /// libsecp256k1 alone. The engine's times are computed from its ratios to libsecp256k1, because the ratios vary
    /// less than the times.
    fn extra_to_floor(&self, workload: &str, base: &str) -> Option<f64> {
        let of = |name| Some((self.row(name)?.floor.as_ref()?.timing.median, self.to_floor(name)?));
        let ((more, more_ratio), (less, less_ratio)) = (of(workload)?, of(base)?);
        Some((more * more_ratio - less * less_ratio) / (more - less))
    }
}

fn main() {
    run().unwrap_or_else(|error| panic!("{error}"));
}

fn run() -> Result<(), String> {
    let options = Options::parse(&["rounds", "sample-ms", "only", "json"])?;
    let sample_ms = options.number("sample-ms", 2)?;
    let plan = Plan {
        rounds: options.number("rounds", 51)?,
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
        "{} rounds in shuffled order, in each of which the fastest of {} samples of {sample_ms} ms counts, one thread's processor \
         time; ratios are medians of those within a round\n",
        plan.rounds,
        2 * TURNS,
    );
    print(&measured, &peers);
    if let Some(path) = options.text("json") {
        let report = serde_json::json!({
            "environment": environment,
            "rounds": plan.rounds,
            "peers": peers.iter().map(|peer| peer.name.as_str()).collect::<Vec<_>>(),
            "nanoseconds": measured,
            // The values of the tables, in the order of the peers: [ratio of medians, median of the ratios within rounds].
            "ratios": measured.iter().map(ratios).collect::<Vec<_>>(),
        });
        write_json(path, &report)?;
    }
    Ok(())
}
