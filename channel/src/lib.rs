//! Ways to invalidate an old channel state, as real transactions.
//!
//! Design talk about payment channels asserts sizes, storage and safety; here they are measured. Each construction builds and signs its
//! transactions, a small chain verifies each of them with the interpreter, and storage and weights are those of what was
//! serialized. The source of the mechanisms is named at each.

pub mod adversary;
pub mod attacks;
pub mod bolt3;
pub mod bounds;
pub mod breach;
pub mod chain;
pub mod compare;
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
pub mod storage;
pub mod taproot;
pub mod tx;
pub mod variants;
pub mod wallet;
pub mod watchtower;
pub mod who;

pub use bitcoin;
pub use error::ChannelError;

/// Runs the code of the crate's README as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeDoctests;
