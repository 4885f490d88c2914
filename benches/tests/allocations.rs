//! Tests that the verification of an input allocates no memory. This detects a loss of speed without measuring times.

#![allow(unsafe_code, reason = "an allocator that counts is one that is called")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sigstack_benches::{Workload, scripts, spends};
use sigstack_interpreter::Spend;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

fn count() {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
}

// SAFETY: every method passes its arguments to the system's allocator, whose contract is the same.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn the_allocator_counts() {
    let before = ALLOCATIONS.get();
    let grown = std::hint::black_box(vec![1u8; 100]);
    assert_eq!(ALLOCATIONS.get() - before, 1);
    drop(grown);
}

/// Tests every kind of transaction and every script of the benchmarks. One input is verified before the allocations
/// are counted. This computes the hashes that all inputs share, and allocates the memory that the thread reuses for
/// stacks.
#[test]
fn verification_allocates_nothing() {
    let scripts = scripts::all().into_iter().map(|(_, workload)| workload);
    for Workload { name, flags, cases } in spends::all().into_iter().chain(scripts) {
        let case = &cases[0];
        let spend = Spend::new(&case.tx, &case.prevouts).unwrap();
        let _ = spend.verify_input(0, flags).unwrap();
        for input in 0..case.tx.input.len() {
            let before = ALLOCATIONS.get();
            let _ = spend.verify_input(input, flags).unwrap();
            assert_eq!(ALLOCATIONS.get() - before, 0, "{name}, input {input}");
        }
        let before = ALLOCATIONS.get();
        spend.verify(flags).unwrap();
        assert_eq!(ALLOCATIONS.get() - before, 0, "{name}, all inputs");
    }
}
