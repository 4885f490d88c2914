//! Workloads for timing verification, and tools to time them fairly.
//!
//! A [`Workload`] is one kind of transaction in many variants. Each variant has its own keys and signatures, so that
//! branch predictors and caches cannot learn the result. All keys are derived from fixed seeds, so the workloads are
//! the same in every run and on every machine.

#![allow(missing_debug_implementations, reason = "a crate for the benchmarks of this project only")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a workload that cannot be built or is not valid is a mistake in this crate, and no figure may come of it"
)]

pub mod constructions;
mod curve;
pub mod floor;
pub mod goals;
mod keys;
mod lock;
pub mod measure;
pub mod opcodes;
pub mod options;
pub mod peer;
pub mod proposals;
pub mod report;
pub mod script;
pub mod scripts;
pub mod shape;
pub mod spends;
mod workload;
pub mod worst;

pub use keys::Keys;
pub use lock::{Item, Lock, Tapscript, spend};
pub use workload::{Case, Workload};
