//! Payment channel constructions that invalidate old states, built from real transactions.
//!
//! Discussions of payment channels often state sizes, storage and safety without measuring them. This crate measures
//! them. Each construction builds and signs its transactions. A small simulated chain verifies every transaction with
//! the script interpreter. Storage sizes and weights are measured on the serialized data. The documentation of each
//! construction names the source of its mechanism.

pub mod adversary;
pub mod attacks;
pub mod bolt3;
pub mod bounds;
pub mod breach;
pub mod chain;
pub mod compare;
mod content;
mod error;
pub mod export;
pub mod keys;
pub mod leaves;
pub mod model;
pub mod musig;
pub mod mutation;
pub mod protocol;
pub mod publish;
pub mod records;
pub mod script;
pub mod sign;
mod step;
pub mod storage;
pub mod taproot;
pub mod tx;
pub mod variants;
pub mod wallet;
pub mod watchtower;
pub mod who;

pub use bitcoin;
pub use error::{ChannelError, Unacceptable};

/// Runs the code of the crate's README as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeDoctests;
