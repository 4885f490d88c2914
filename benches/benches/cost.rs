//! Measures the time that verification takes. `cargo bench` runs this benchmark and prints a table at the end.
//! Criterion's options set the measurement time and select workloads: `cargo bench --bench cost -- --measurement-time
//! 10 csfs`.

#![allow(clippy::panic, reason = "a table that lacks a part must not look whole")]

use std::cell::RefCell;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::Criterion;
use sigstack_benches::measure::{Timing, time};
use sigstack_benches::report::{Environment, micros, table};
use sigstack_benches::shape::Shape;
use sigstack_benches::{Workload, constructions, opcodes, proposals, scripts, spends};
use sigstack_compiler::compile_text;

/// Returns how often the timed tapscript repeats the opcodes of a shape. The number is large enough to make the fixed
/// cost of the spend negligible.
fn bodies(shape: &Shape) -> usize {
    if shape.checks == 0 { 10_000 } else { 20 }
}

const SAMPLES: usize = 20;

/// Measures some work with Criterion. Returns the median time in nanoseconds, or `None` if the command line filters
/// the work out.
fn run(criterion: &mut Criterion, group: &str, name: &str, mut work: impl FnMut()) -> Option<f64> {
    let samples = RefCell::new(Vec::new());
    criterion.bench_function(&format!("{group}/{name}"), |bencher| {
        bencher.iter_custom(|iterations| {
            // Processor time of this thread, which does not include the time of other processes.
            let elapsed = time(|| (0..iterations).for_each(|_| work()));
            samples.borrow_mut().push(elapsed.as_secs_f64() * 1e9 / iterations as f64);
            elapsed
        });
    });
    let samples = samples.into_inner();
    // The samples before these are from the warm-up phase.
    let measured = samples.get(samples.len().checked_sub(SAMPLES)?..)?;
    Some(Timing::of(measured).median)
}

fn run_workload(criterion: &mut Criterion, group: &str, workload: &Workload) -> Option<f64> {
    let Workload { name, flags, cases } = workload;
    let mut cases = cases.iter().cycle();
    run(criterion, group, name, || assert!(cases.next().is_some_and(|case| case.verify(*flags)), "{name}"))
}

fn print_workloads(criterion: &mut Criterion, group: &str, workloads: Vec<Workload>, lines: &mut String) {
    let mut rows = Vec::new();
    for workload in workloads {
        let Some(time) = run_workload(criterion, group, &workload) else { continue };
        let inputs = workload.cases.first().map_or(1, |case| case.prevouts.len());
        let weight = workload.cases.first().map_or(0, |case| case.weight());
        rows.push(vec![
            workload.name.clone(),
            micros(time),
            micros(time / inputs as f64),
            weight.to_string(),
            format!("{:.2}", time / weight as f64),
        ]);
    }
    if !rows.is_empty() {
        *lines += &format!("\n{group}\n\n{}", table(&["spend", "µs", "µs/input", "WU", "ns/WU"], &rows));
    }
}

/// Times the compilation of each policy file from its text to its taproot output, and appends a table of the times to
/// `lines`.
fn print_compiler(criterion: &mut Criterion, lines: &mut String) -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../script-compiler/policies");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let mut rows = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let leaves = compile_text(&text).map_err(|error| format!("{name}: {error}"))?.leaves.len();
        let compile = || assert!(black_box(compile_text(black_box(&text))).is_ok(), "{name}");
        if let Some(time) = run(criterion, "compile", &name, compile) {
            rows.push(vec![name.clone(), micros(time), leaves.to_string()]);
        }
    }
    if !rows.is_empty() {
        *lines += &format!("\ncompiling policies\n\n{}", table(&["policy", "µs", "leaves"], &rows));
    }
    Ok(())
}

/// Returns one shape (tapscript that repeats one opcode) for each opcode, both of today and of proposals. It is the
/// first shape with this opcode.
fn one_shape_each() -> Vec<Shape> {
    let mut shapes: Vec<Shape> = Vec::new();
    for shape in opcodes::today().into_iter().chain(opcodes::proposed().into_iter().map(|(_, shape)| shape)) {
        let known = |other: &Shape| (other.opcode, other.flags) == (shape.opcode, shape.flags);
        if !shapes.iter().any(known) {
            shapes.push(shape);
        }
    }
    shapes
}

fn print_opcodes(criterion: &mut Criterion, lines: &mut String) {
    let shapes = one_shape_each();
    let Some(fixed) = shapes.first().and_then(|shape| run_workload(criterion, "fixed", &shape.workload(0)))
    else {
        return;
    };
    let timed: Vec<(Shape, f64)> = shapes
        .into_iter()
        .filter_map(|shape| {
            let bodies = bodies(&shape);
            let time = run_workload(criterion, "opcode", &shape.workload(bodies))?;
            Some((shape, (time - fixed).max(0.0) / bodies as f64))
        })
        .collect();
    // Most bodies add DUP and DROP to their opcode, so half the time of `DUP DROP` is subtracted for each.
    let companion =
        timed.iter().find(|(shape, _)| shape.body == "DUP DROP").map_or(0.0, |(_, time)| time / 2.0);
    let rows = timed.iter().map(|(shape, nanoseconds)| {
        let others = shape.body.split(' ').count() as f64 - 1.0;
        let weight = shape.weight();
        vec![
            shape.name(),
            format!("{nanoseconds:.1}"),
            weight.to_string(),
            format!("{:.2}", nanoseconds / weight as f64),
            format!("{:.1}", (nanoseconds - others * companion).max(0.0)),
            (50 * shape.checks).to_string(),
        ]
    });
    let head = ["body", "ns", "WU", "ns/WU", "ns/op", "budget"];
    *lines +=
        &format!("\nopcodes (ns/op: without the other opcodes of the body at {companion:.1} ns each)\n\n");
    *lines += &table(&head, &rows.collect::<Vec<_>>());
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(SAMPLES)
        .nresamples(2_000)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .without_plots()
        .configure_from_args();
    let mut lines = String::new();
    print_workloads(&mut criterion, "spends", spends::all(), &mut lines);
    let unused = spends::all().iter().filter_map(proposals::unused).collect();
    print_workloads(&mut criterion, "spends with every proposal active", unused, &mut lines);
    let scripts = scripts::all().into_iter().map(|(_, workload)| workload).collect();
    print_workloads(&mut criterion, "scripts", scripts, &mut lines);
    print_workloads(&mut criterion, "proposals", proposals::all(), &mut lines);
    print_opcodes(&mut criterion, &mut lines);
    let channels = constructions::all().unwrap_or_else(|error| panic!("{error}"));
    print_workloads(&mut criterion, "channels", channels, &mut lines);
    print_compiler(&mut criterion, &mut lines).unwrap_or_else(|error| panic!("{error}"));
    criterion.final_summary();
    println!("\n{}\n{lines}", Environment::here().lines());
}
