//! Property: the engine accepts a transaction input exactly if Bitcoin Core accepts it, under any consensus flags that
//! Core allows. An inspector does not change the verdict.
//!
//! Fuzz input: a byte of flags, then a transaction as the module [spend](crate::spend) reads it. Core's code
//! (bitcoinconsensus, version 26) is not instrumented, so only the engine's coverage guides the fuzzer. [`COUNTS`]
//! counts how far the executions get.

use core::sync::atomic::{AtomicU64, Ordering};

use sigstack_interpreter::{Flags, Inspector, Instruction, Machine, Phase, Spend};

use crate::bytes::Reader;
use crate::flags;
use crate::spend::Subject;

/// Counters that show how far the executions of the fuzz target get. They count since the start of the process.
#[derive(Debug, Default)]
pub struct Counts {
    executions: AtomicU64,
    verified: AtomicU64,
    accepted: AtomicU64,
    tapscripts: AtomicU64,
    accepted_tapscripts: AtomicU64,
}

/// The counters of this process. The fuzz targets `verify_differential`, `verify_tapscript` and `verify_kernel` share
/// them.
pub static COUNTS: Counts = Counts {
    executions: AtomicU64::new(0),
    verified: AtomicU64::new(0),
    accepted: AtomicU64::new(0),
    tapscripts: AtomicU64::new(0),
    accepted_tapscripts: AtomicU64::new(0),
};

impl Counts {
    /// Returns the number of verified inputs for which at least one instruction of a tapscript was executed.
    pub fn tapscripts(&self) -> u64 {
        self.tapscripts.load(Ordering::Relaxed)
    }

    /// Returns the number of accepted inputs for which at least one instruction of a tapscript was executed.
    pub fn accepted_tapscripts(&self) -> u64 {
        self.accepted_tapscripts.load(Ordering::Relaxed)
    }

    /// Counts an execution of the fuzz target. The first call also arranges that the counters are printed when the
    /// thread ends.
    pub(crate) fn begin(&self) {
        if self.executions.fetch_add(1, Ordering::Relaxed) == 0 {
            PRINT_AT_EXIT.with(|_| ());
        }
    }

    fn add(&self, accepted: bool, tapscript: bool) {
        let add = |count: &AtomicU64, add: bool| count.fetch_add(add.into(), Ordering::Relaxed);
        add(&self.verified, true);
        add(&self.accepted, accepted);
        add(&self.tapscripts, tapscript);
        add(&self.accepted_tapscripts, accepted && tapscript);
    }
}

impl core::fmt::Display for Counts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        write!(
            f,
            "executions {}, spends verified {}, spends accepted {}, tapscripts executed {}, tapscripts accepted {}",
            get(&self.executions),
            get(&self.verified),
            get(&self.accepted),
            get(&self.tapscripts),
            get(&self.accepted_tapscripts)
        )
    }
}

/// Value that prints the counters when it is dropped, at the end of its thread. In a fuzzer that is the end of the
/// process.
struct PrintAtExit;

impl Drop for PrintAtExit {
    fn drop(&mut self) {
        eprintln!("counts: {COUNTS}");
    }
}

std::thread_local! {
    static PRINT_AT_EXIT: PrintAtExit = const { PrintAtExit };
}

/// Inspector that records whether at least one instruction of a tapscript is executed.
#[derive(Debug, Default)]
struct TapscriptSteps {
    in_tapscript: bool,
    executed: bool,
}

impl Inspector for TapscriptSteps {
    fn phase(&mut self, phase: Phase, _: Option<&[u8]>) {
        self.in_tapscript = phase == Phase::Tapscript;
    }

    fn step(&mut self, _: &Machine<'_>, _: &Instruction<'_>) {
        self.executed |= self.in_tapscript;
    }
}

/// Compares the engine with another verifier on one fuzz input. `accepts` returns whether the other verifier accepts
/// the input to verify, or `None` if it cannot parse the transaction.
pub fn compare(bytes: &[u8], accepts: impl Fn(&Subject, Flags) -> Option<bool>) {
    COUNTS.begin();
    let mut reader = Reader::new(bytes);
    let flags = flags::consensus(reader.byte());
    let Some(subject) = Subject::read(&mut reader, flags) else { return };
    let inputs_too = bytes.len().is_multiple_of(4);
    compare_subject(&subject, flags, inputs_too, accepts);
}

/// Compares the engine's verdict on the input to verify with that of another verifier. If `inputs_too` is `true`, also
/// compares the verdict on the whole transaction with those on its inputs.
pub(crate) fn compare_subject(
    subject: &Subject,
    flags: Flags,
    inputs_too: bool,
    accepts: impl Fn(&Subject, Flags) -> Option<bool>,
) {
    let Some(core) = accepts(subject, flags) else { return };
    let spend = Spend::new(&subject.tx, &subject.prevouts).expect("a prevout for each input");
    let verdict = spend.verify_input(subject.index, flags);
    let mut steps = TapscriptSteps::default();
    if subject.prevouts[subject.index].script_pubkey.is_p2tr() {
        let observed = spend.verify_input_with(subject.index, flags, &mut steps);
        assert_eq!(observed, verdict, "an inspector changes the verdict under {flags}: {subject:#?}");
    }
    COUNTS.add(verdict.is_ok(), steps.executed);
    if inputs_too && subject.tx.input.len() > 1 {
        let failure = |input| Some((input, spend.verify_input(input, flags).err()?.script_error()));
        let first = (0..subject.tx.input.len()).find_map(failure);
        // No present consensus rule spans several inputs.
        let together =
            spend.verify(flags).err().map(|error| (error.input().expect("an input"), error.script_error()));
        assert_eq!(together, first, "all inputs together, and one by one, under {flags}: {subject:#?}");
    }
    assert_eq!(verdict.is_ok(), core, "Core differs from {verdict:?} under {flags}: {subject:#?}");
}

/// Runs the fuzz target `verify_differential` on one fuzz input. Panics if the verdicts differ.
#[cfg(feature = "consensus")]
pub fn run(bytes: &[u8]) {
    compare(bytes, crate::consensus::accepts);
}

#[cfg(all(test, feature = "consensus"))]
mod tests;
