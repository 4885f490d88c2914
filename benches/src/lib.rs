//! Workloads: transactions whose verification is worth timing, and what is needed to time them fairly.
//!
//! A [`Workload`] is one shape in many variants, each with keys and signatures of its own, so that neither branch
//! predictors nor caches learn an answer. Everything is derived from fixed seeds: the same workloads in every run and on
//! every machine.

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
