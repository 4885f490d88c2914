//! Fuzz targets: properties that the project's crates have for every input.
//!
//! A target is a function from bytes that panics where its property does not hold. It is a module here, so that stable tests
//! call it, and a binary in `fuzz_targets/`: under cargo-fuzz a fuzzer, otherwise a command that runs it on files. [`TARGETS`]
//! lists them.

#[cfg(feature = "clients")]
pub mod asm;
pub mod bytes;
#[cfg(feature = "clients")]
pub mod channel_history;
#[cfg(feature = "clients")]
pub mod compile_spend;
#[cfg(feature = "clients")]
// The compiler's own tests have the generator of policies and the property.
#[path = "../../script-compiler/tests/support/mod.rs"]
mod compiler_support;
#[cfg(feature = "consensus")]
mod consensus;
pub mod dictionary;
pub mod eval_total;
pub mod flags;
pub mod hunt;
pub mod keys;
pub mod naive;
#[cfg(feature = "clients")]
pub mod policy_text;
pub mod proposal_model;
pub mod recipe;
pub mod replay;
pub mod seeds;
pub mod sighash;
mod signer;
pub mod softfork;
pub mod spend;
#[cfg(feature = "clients")]
pub mod transaction_input;
pub mod vector_files;
pub mod verify_differential;
pub mod verify_tapscript;
pub mod words;

#[cfg(all(test, feature = "clients", feature = "consensus"))]
mod tests;

/// A fuzz target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name: of its module, its binary, its corpus and its regressions.
    pub name: &'static str,
    /// Runs it on an input. Panics if the property does not hold.
    pub run: fn(&[u8]),
}

/// Every target that is built.
pub const TARGETS: &[Target] = &[
    #[cfg(feature = "consensus")]
    Target { name: "verify_differential", run: verify_differential::run },
    #[cfg(feature = "consensus")]
    Target { name: "verify_tapscript", run: verify_tapscript::run },
    Target { name: "softfork", run: softfork::run },
    Target { name: "proposal_model", run: proposal_model::run },
    Target { name: "sighash", run: sighash::run },
    Target { name: "eval_total", run: eval_total::run },
    Target { name: "vector_files", run: vector_files::run },
    #[cfg(feature = "clients")]
    Target { name: "asm", run: asm::run },
    #[cfg(feature = "clients")]
    Target { name: "policy_text", run: policy_text::run },
    #[cfg(feature = "clients")]
    Target { name: "transaction_input", run: transaction_input::run },
    #[cfg(feature = "clients")]
    Target { name: "compile_spend", run: compile_spend::run },
    #[cfg(feature = "clients")]
    Target { name: "channel_history", run: channel_history::run },
];

/// The `main` of a target's binary: a fuzzer under cargo-fuzz, otherwise a command that runs the target on the files and folders
/// that it is given.
#[macro_export]
macro_rules! fuzz_main {
    ($target:ident) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| $crate::$target::run(bytes));

        #[cfg(not(fuzzing))]
        fn main() -> std::process::ExitCode {
            $crate::replay::main(stringify!($target), $crate::$target::run)
        }
    };
}
