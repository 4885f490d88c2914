//! Detects performance regressions by the number of instructions that a verification executes. valgrind counts them, so the
//! results have no noise. The command
//!
//!     cargo install gungraun-runner --version 0.20.0 --locked && cargo bench --bench instructions
//!
//! fails if a workload executes more instructions than its limit, which is 3 % above the number recorded when the limit was last
//! set. A change that makes a workload faster also lowers its limit. A change that has to make it slower states the reason and
//! raises the limit.

#![allow(
    missing_docs,
    clippy::panic,
    reason = "the macros make items without documentation; a benchmark that cannot run must stop"
)]

use std::hint::black_box;

use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use sigstack_benches::{Keys, Workload, opcodes, spends};

/// Sets the maximum number of instructions to 3 % above a recorded number. valgrind 3.19 does not offer the SHA
/// instructions to libraries, so the numbers are those of x86-64 code without them.
fn recorded(instructions: u64) -> LibraryBenchmarkConfig {
    let mut callgrind = Callgrind::default();
    callgrind.hard_limits([(EventKind::Ir, instructions + instructions * 3 / 100)]);
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(callgrind);
    config
}

fn spend(name: &str) -> Workload {
    warmed(spends::find(name, 1).unwrap_or_else(|| panic!("no workload {name}")))
}

/// Returns a workload with a tapscript that repeats one opcode 10,000 times. The cost of the taproot commitment check
/// is then negligible.
fn opcode(opcode: &str) -> Workload {
    let proposed = opcodes::proposed().into_iter().map(|(_, shape)| shape);
    let shape = opcodes::today().into_iter().chain(proposed).find(|shape| shape.opcode == opcode);
    let shape = shape.unwrap_or_else(|| panic!("no shape of {opcode}"));
    let case = |variant| shape.case(&mut Keys::of(opcode, variant), 10_000);
    warmed(Workload::new(opcode, shape.flags, 1, case))
}

/// Verifies all transactions of a workload once, so that one-time initialization of the process is not counted.
fn warmed(workload: Workload) -> Workload {
    assert!(workload.cases.iter().all(|case| case.verify(workload.flags)), "{}", workload.name);
    workload
}

#[library_benchmark]
#[bench::p2pkh(args = (spend("p2pkh")), config = recorded(451_622))]
#[bench::p2wpkh(args = (spend("p2wpkh")), config = recorded(482_075))]
#[bench::p2wsh_2of3(args = (spend("p2wsh-2of3")), config = recorded(929_839))]
#[bench::p2tr_key(args = (spend("p2tr-key")), config = recorded(472_822))]
#[bench::tapscript_checksig(args = (spend("tapscript-checksig")), config = recorded(844_220))]
#[bench::tapscript_csfs(args = (spend("tapscript-csfs")), config = recorded(810_557))]
#[bench::tapscript_20of20(args = (spend("tapscript-20of20")), config = recorded(9_274_121))]
#[bench::hundred_p2wpkh(args = (spend("100x-p2wpkh")), config = recorded(45_604_892))]
#[bench::hundred_p2tr_key(args = (spend("100x-p2tr-key")), config = recorded(45_748_899))]
#[bench::add(args = (opcode("ADD")), config = recorded(5_048_702))]
#[bench::pick(args = (opcode("PICK")), config = recorded(4_792_915))]
#[bench::roll(args = (opcode("ROLL")), config = recorded(3_706_838))]
#[bench::branch(args = (opcode("IF")), config = recorded(4_649_319))]
#[bench::hash256(args = (opcode("HASH256")), config = recorded(73_702_176))]
#[bench::cat(args = (opcode("CAT")), config = recorded(5_902_786))]
#[bench::template_hash(args = (opcode("TEMPLATEHASH")), config = recorded(72_999_277))]
fn verify(workload: Workload) -> Workload {
    assert!(black_box(&workload).cases.iter().all(|case| case.verify(workload.flags)));
    // The workload is returned, so that freeing its memory is not counted.
    workload
}

library_benchmark_group!(name = verification, benchmarks = verify);
main!(library_benchmark_groups = verification);
