//! The performance goals of the engine relative to other verifiers (peers), and the evaluation of a benchmark run.

use crate::measure::geometric_mean;
use crate::report::table;

/// The time ratios of a benchmark run. Each is `None` if the run lacks one of the two measurements.
pub trait Ratios {
    /// Returns the engine's time for a workload, divided by that of libsecp256k1 alone.
    fn to_floor(&self, workload: &str) -> Option<f64>;
    /// Returns the engine's time for a workload, divided by that of the other verifier `peer`.
    fn to_peer(&self, workload: &str, peer: &str) -> Option<f64>;
    /// Returns the engine's time for a workload with every proposal active, divided by its time with none active.
    fn active_to_inactive(&self, workload: &str) -> Option<f64>;
    /// Compares the additional time that `workload` takes in comparison with `base`. Returns the engine's additional
    /// time, divided by that of libsecp256k1 alone.
    fn extra_to_floor(&self, workload: &str, base: &str) -> Option<f64>;
}

/// How the ratios of several workloads are combined to the ratio that is compared with a goal.
#[derive(Clone, Copy)]
enum Over {
    /// The largest ratio is used, so that each workload must reach the goal.
    Worst,
    GeometricMean,
}

enum Beside {
    Floor,
    Peer(&'static str),
    Inactive,
    Extra { base: &'static str },
}

struct Goal {
    what: &'static str,
    beside: Beside,
    workloads: &'static [&'static str],
    over: Over,
    must: f64,
    aim: f64,
}

const KERNEL: &str = "libbitcoinkernel";
const CONSENSUS: &str = "bitcoinconsensus";
const SINGLE: &[&str] = &["p2pkh", "p2wpkh", "p2tr-key", "p2wsh-2of3", "tapscript-20of20"];
const SCRIPT_PATHS: &[&str] = &["tapscript-checksig", "tapscript-csfs"];
const HUNDRED: &[&str] = &["100x-p2wpkh", "100x-p2tr-key"];
const SCRIPTS: &[&str] = &[
    "g2-add",
    "g3-pick-980",
    "g4-roll-980",
    "g6-dup-drop-520",
    "g7-dup-drop-32",
    "g8-nop",
    "g9-if-endif",
    "g10-push-drop-32",
    "g11-stack-mix",
    "g12-number-mix",
];
const HASHES: &[&str] = &["g5a-sha256-520", "g1-hash256-32", "g5c-sha1-520"];
const UNUSED: &[&str] =
    &["p2pkh", "p2wpkh", "p2wsh-2of3", "p2tr-key", "tapscript-checksig", "tapscript-20of20", "100x-p2tr-key"];

const fn goal(
    what: &'static str,
    beside: Beside,
    workloads: &'static [&'static str],
    must: f64,
    aim: f64,
) -> Goal {
    Goal { what, beside, workloads, over: Over::Worst, must, aim }
}

const GOALS: &[Goal] = &[
    goal("p2pkh, p2wpkh, p2tr key, 2-of-3, 20-of-20 / floor", Beside::Floor, SINGLE, 1.08, 1.04),
    goal("tapscript CHECKSIG, CSFS / floor", Beside::Floor, SCRIPT_PATHS, 1.12, 1.07),
    goal("100 inputs p2wpkh, p2tr / floor", Beside::Floor, HUNDRED, 1.03, 1.01),
    goal("100 inputs p2wpkh, p2tr / kernel", Beside::Peer(KERNEL), HUNDRED, 1.00, 0.96),
    goal("100 inputs p2wpkh, p2tr / bitcoinconsensus", Beside::Peer(CONSENSUS), HUNDRED, 0.33, 0.28),
    goal("100 inputs p2pkh / kernel", Beside::Peer(KERNEL), &["100x-p2pkh"], 1.00, 0.93),
    Goal {
        over: Over::GeometricMean,
        ..goal("scripts without hashes, geometric mean / kernel", Beside::Peer(KERNEL), SCRIPTS, 0.45, 0.30)
    },
    goal("SHA256, HASH256, SHA1 scripts / kernel", Beside::Peer(KERNEL), HASHES, 1.00, 0.85),
    goal(
        "an extra CSFS / one bare Schnorr check",
        Beside::Extra { base: "tapscript-csfs" },
        &["tapscript-csfs-21"],
        1.05,
        1.02,
    ),
    // These bounds allow for noise, the difference between two runs of the same code.
    goal("spends of today, proposals active / inactive", Beside::Inactive, UNUSED, 1.02, 1.01),
];

impl Goal {
    /// Returns the ratio that is compared with this goal, and the name of the workload with this ratio. The name is
    /// `all` for a geometric mean. Returns `None` if the run lacks one of the workloads.
    fn figure(&self, run: &impl Ratios) -> Option<(f64, &'static str)> {
        let ratio = |workload: &&'static str| {
            let ratio = match self.beside {
                Beside::Floor => run.to_floor(workload),
                Beside::Peer(peer) => run.to_peer(workload, peer),
                Beside::Inactive => run.active_to_inactive(workload),
                Beside::Extra { base } => run.extra_to_floor(workload, base),
            };
            Some((ratio?, *workload))
        };
        let ratios: Vec<(f64, &str)> = self.workloads.iter().map(ratio).collect::<Option<_>>()?;
        match self.over {
            Over::Worst => ratios.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)),
            Over::GeometricMean => {
                let ratios: Vec<f64> = ratios.into_iter().map(|(ratio, _)| ratio).collect();
                Some((geometric_mean(&ratios), "all"))
            }
        }
    }
}

/// Returns a table of the performance goals for which the run has all measurements. Each goal is judged by the ratios
/// of medians (`of_medians`) and by the medians of the ratios within rounds (`within_rounds`).
///
/// On a machine whose speed changes, the ratios of medians vary by one or two percent, which exceeds the margin of
/// some goals. The ratios within rounds vary less. If only the ratios within rounds reach a goal, the verdict says so.
pub fn judged(of_medians: &impl Ratios, within_rounds: &impl Ratios) -> String {
    let rows = GOALS.iter().filter_map(|goal| {
        let (by_medians, by_medians_of) = goal.figure(of_medians)?;
        let (within, within_of) = goal.figure(within_rounds)?;
        let verdict = match by_medians.max(within) {
            worse if worse <= goal.aim => "aim reached",
            worse if worse <= goal.must => "reached",
            _ if within <= goal.must => "reached within rounds",
            _ => "MISSED",
        };
        Some(vec![
            goal.what.to_owned(),
            format!("{by_medians:.3}"),
            by_medians_of.to_owned(),
            format!("{within:.3}"),
            within_of.to_owned(),
            format!("{:.2}", goal.must),
            format!("{:.2}", goal.aim),
            verdict.to_owned(),
        ])
    });
    let head = ["ratio, the worst", "of medians", "in", "within rounds", "in", "must", "aim", ""];
    table(&head, &rows.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{scripts, spends};

    #[test]
    fn every_goal_is_of_workloads_that_exist() {
        let names: Vec<String> = spends::all()
            .into_iter()
            .chain(scripts::all().into_iter().map(|(_, workload)| workload))
            .map(|workload| workload.name)
            .collect();
        for name in GOALS.iter().flat_map(|goal| goal.workloads) {
            assert!(names.iter().any(|other| other == name), "{name}");
        }
        // The mean is over all scripts that do not mainly hash.
        let engine = scripts::all().into_iter().filter(|(kind, _)| *kind == scripts::Kind::Engine);
        assert_eq!(engine.map(|(_, workload)| workload.name).collect::<Vec<_>>(), SCRIPTS);
    }

    /// A run for tests, in which all ratios to libsecp256k1 are increased by this amount.
    struct Run(f64);

    impl Ratios for Run {
        fn to_floor(&self, workload: &str) -> Option<f64> {
            Some(self.0 + if workload == "p2pkh" { 1.05 } else { 1.01 })
        }
        fn to_peer(&self, workload: &str, peer: &str) -> Option<f64> {
            (peer == CONSENSUS).then_some(if workload == "100x-p2wpkh" { 0.3 } else { 0.2 })
        }
        fn active_to_inactive(&self, _: &str) -> Option<f64> {
            None
        }
        fn extra_to_floor(&self, _: &str, _: &str) -> Option<f64> {
            None
        }
    }

    #[test]
    fn the_worst_ratio_decides_and_what_was_not_run_is_not_judged() {
        let cells = |table: &str, start: &str| -> Vec<String> {
            let line = table.lines().find(|line| line.starts_with(&format!("| {start}"))).unwrap();
            line.split('|').skip(2).map(|cell| cell.trim().to_owned()).collect()
        };
        let table = judged(&Run(0.01), &Run(0.02));
        let expected = ["1.060", "p2pkh", "1.070", "p2pkh", "1.08", "1.04", "reached", ""];
        assert_eq!(cells(&table, "p2pkh, p2wpkh"), expected);
        let consensus = "100 inputs p2wpkh, p2tr / bitcoinconsensus";
        let expected = ["0.300", "100x-p2wpkh", "0.300", "100x-p2wpkh", "0.33", "0.28", "reached", ""];
        assert_eq!(cells(&table, consensus), expected);
        assert_eq!(cells(&table, "tapscript CHECKSIG")[6], "aim reached");
        assert!(!table.contains("kernel") && !table.contains("extra"));
        let verdict =
            |of_medians, within| cells(&judged(&Run(of_medians), &Run(within)), "p2pkh, p2wpkh")[6].clone();
        assert_eq!(verdict(0.04, 0.0), "reached within rounds");
        assert_eq!(verdict(0.0, 0.04), "MISSED");
    }
}
