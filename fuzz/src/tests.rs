//! Runs each fuzz target on the inputs on which it once failed, on pseudorandom bytes, and on seeds.

use crate::TARGETS;
use crate::replay::{files, regressions, replay};
use crate::verify_differential::COUNTS;

/// Fuzz targets that sign and verify dozens of transactions for each input.
const SLOW: [&str; 2] = ["channel_history", "compile_spend"];

#[test]
fn no_finding_comes_back() {
    for target in TARGETS {
        let folder = regressions(target.name);
        if folder.is_dir() {
            println!("{}: {} inputs", target.name, replay(target.run, &[folder]).unwrap());
        }
    }
}

#[test]
fn every_folder_of_regressions_is_a_targets_and_every_target_has_a_binary() {
    // The folder is created with the first finding.
    let all = Some(regressions("")).filter(|folder| folder.is_dir());
    for file in files(all.as_slice()).unwrap() {
        let folder = file.parent().unwrap().file_name().unwrap().to_str().unwrap();
        assert!(TARGETS.iter().any(|target| target.name == folder), "{}", file.display());
    }
    let manifest = include_str!("../Cargo.toml");
    for target in TARGETS {
        let name = target.name;
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name} has no binary");
    }
    assert_eq!(manifest.matches("path = \"fuzz_targets/").count(), TARGETS.len());
}

/// Fuzz targets accept any bytes as an input. This test uses pseudorandom bytes of different lengths.
#[test]
fn any_bytes_are_an_input() {
    let mut state = 2u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    for target in TARGETS {
        let inputs = if SLOW.contains(&target.name) { 8 } else { 300 };
        for nth in 0..inputs {
            let bytes: Vec<u8> = (0..nth % 150).map(|_| next()).collect();
            (target.run)(&bytes);
        }
    }
}

/// Runs the fuzz targets on a sample of their seeds. The seeds must execute a minimum number of tapscripts, and the
/// engine must accept a minimum number of them.
#[test]
fn seeds_hold_and_reach_tapscripts() {
    // There are fewer seeds if the vectors next to the clone are missing, which is reported.
    sigstack_test_support::shared("vectors");
    let seeds = crate::seeds::seeds(&crate::seeds::folders()).unwrap();
    let before = (COUNTS.tapscripts(), COUNTS.accepted_tapscripts());
    for target in TARGETS {
        let seeds = &seeds[target.name];
        let sample = if SLOW.contains(&target.name) { 10 } else { 400 };
        let step = seeds.len() / sample + 1;
        println!("{}: every {step}. of {} seeds", target.name, seeds.len());
        seeds.iter().step_by(step).for_each(|seed| (target.run)(seed));
    }
    let reached = COUNTS.tapscripts() - before.0;
    let accepted = COUNTS.accepted_tapscripts() - before.1;
    println!("{reached} tapscripts, {accepted} of them accepted");
    assert!(reached > 40 && accepted > 20, "{reached} tapscripts, {accepted} accepted");
}
