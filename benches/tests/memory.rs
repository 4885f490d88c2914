//! Tests how much memory verification uses in addition to the transaction. The bounds are those of
//! docs/architecture.md.

#![allow(unsafe_code, reason = "an allocator that counts is one that is called")]
#![allow(clippy::expect_used, reason = "a test")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bitcoin::consensus::encode::deserialize;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::{Amount, ScriptBuf, Transaction, TxOut, Witness};
use sigstack_benches::script::{repeat, script};
use sigstack_benches::{Case, Item, Keys, Lock, Tapscript, spend, spends};
use sigstack_interpreter::{Flags, ScriptError, Spend};

thread_local! {
    static IN_USE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

fn count(bytes: isize) {
    IN_USE.set(IN_USE.get() + bytes);
    PEAK.set(PEAK.get().max(IN_USE.get()));
}

// SAFETY: every method passes its arguments to the system's allocator, whose contract is the same. `realloc` is not
// implemented, so that old and new memory are counted together, as an allocator that copies uses both at the same time.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Returns the result of `work`, and the maximum number of bytes that it had allocated at the same time. Memory that
/// was allocated before is not counted.
fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = IN_USE.get();
    PEAK.set(before);
    let result = work();
    (result, (PEAK.get() - before).unsigned_abs())
}

/// Maximum memory of the script stacks in bytes, from docs/architecture.md.
const STACKS: usize = 5 << 20;
/// Additional memory in bytes that is allowed for each witness element of an input that is not a tapscript spend. No
/// rule limits the number of these elements before the first opcode runs.
const PER_ELEMENT: usize = 24;
/// Additional memory in bytes that is allowed for each input of a transaction with legacy signatures.
const PER_INPUT: usize = 256;

fn of(case: &Case, flags: Flags) -> usize {
    // A thread of its own has no memory left from earlier verifications.
    let run = || peak(|| assert!(case.verify(flags))).1;
    std::thread::scope(|scope| scope.spawn(run).join().expect("a valid case"))
}

#[test]
fn a_tapscript_that_fills_the_stacks() {
    let mut keys = Keys::of("memory", 0);
    // The elements fill the stacks completely, and the script creates new ones repeatedly.
    let body = "2DUP CAT DROP ";
    let code = [repeat(body, 100_000), repeat("2DROP", 497), script("DROP DROP DROP DROP 1")].concat();
    let element = |size: usize| Item::Bytes(vec![7; size]);
    let stack = (0..996).map(|_| element(520)).chain([element(260), element(260)]).collect();
    let lock = Lock::Leaf(Tapscript::new(&mut keys, code, stack));
    let output = TxOut { value: Amount::ONE_SAT, script_pubkey: ScriptBuf::new() };
    let case = spend(&mut keys, &[lock], vec![output]);
    let bytes = of(&case, Flags::CONSENSUS | Flags::OP_CAT);
    println!("a tapscript that fills the stacks: {bytes} bytes");
    assert!((1_000_000..STACKS).contains(&bytes), "{bytes}");
}

#[test]
fn a_witness_of_a_million_elements() {
    const ELEMENTS: usize = 1_000_000;
    let Case { bytes, .. } = spends::find("p2wpkh", 1).unwrap().cases.remove(0);
    let mut tx: Transaction = deserialize(&bytes).unwrap();
    let witness_script = [0x51];
    let program = sha256::Hash::hash(&witness_script);
    let mut elements = vec![&[][..]; ELEMENTS];
    elements.push(&witness_script);
    tx.input[0].witness = Witness::from_slice(&elements);
    let script_pubkey = ScriptBuf::from([&[0, 32], program.as_byte_array().as_slice()].concat());
    let prevouts = [TxOut { value: Amount::ONE_SAT, script_pubkey }];
    let spend = Spend::new(&tx, &prevouts).unwrap();
    let (verdict, bytes) = peak(|| spend.verify_input(0, Flags::CONSENSUS));
    println!("a witness of a million elements: {bytes} bytes");
    assert_eq!(verdict.unwrap_err().script_error(), Some(ScriptError::StackSize));
    assert!(bytes < PER_ELEMENT * ELEMENTS + (1 << 20), "{bytes}");
}

#[test]
fn transactions_of_many_inputs() {
    for name in ["100x-p2pkh", "100x-p2wpkh", "100x-p2tr-key"] {
        let case = spends::find(name, 1).unwrap().cases.remove(0);
        let bytes = of(&case, Flags::CONSENSUS);
        println!("{name}: {bytes} bytes");
        assert!(bytes < PER_INPUT * 100 + 20_000, "{name}: {bytes}");
    }
}
