//! Fuzz targets: functions that check a property of the project's crates for any input.
//!
//! A target takes bytes and panics if its property does not hold for them. Each target is a module of this library, so
//! that tests with the stable toolchain can call it. Each target also has a binary in `fuzz_targets/`. Under
//! cargo-fuzz the binary is a fuzzer, otherwise it is a command that runs the target on files. [`TARGETS`] lists all
//! targets.

#[cfg(feature = "clients")]
pub mod asm;
pub mod bytes;
#[cfg(feature = "clients")]
pub mod channel_history;
#[cfg(feature = "clients")]
pub mod compile_spend;
#[cfg(feature = "clients")]
// The compiler's own tests contain the policy generator and the property.
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

/// A fuzz target: a function that checks a property for any input.
#[derive(Clone, Copy)]
pub struct Target {
    /// Name of the target. Its module, its binary, its corpus folder and its regressions folder have this name.
    pub name: &'static str,
    /// Runs the target on one fuzz input. Panics if the property does not hold.
    pub run: fn(&[u8]),
}

/// All fuzz targets that the enabled features of this crate include.
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

/// Defines the `main` function of a fuzz target's binary. Under cargo-fuzz it is a fuzzer, otherwise a command that
/// runs the target on the files and folders given as arguments.
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
