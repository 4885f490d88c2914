//! Compiles spending policies to taproot outputs, for today's Script and for proposed opcodes that payment channels can use.
//!
//! ```text
//! text → parse → resolve → check → cut into leaves → tree → output
//!                                        assets → plan → slots → witness
//! ```
//!
//! A policy says who may spend and when. In addition to the fragments of Miniscript's policy language it has signatures of
//! messages (BIP 348), rebindable signatures (BIP 118), templates (BIP 119, BIP 446), commitments (BIP 347, BIP 442) and the
//! internal key (BIP 349). The compiled scripts follow the interpreter's rules with these proposals active.
//!
//! Compilation is deterministic: the same text gives the same bytes on every machine.

mod assets;
mod atom;
mod check;
mod choose;
mod commitment;
mod compile;
mod compiled;
mod cut;
mod describe;
mod display;
mod error;
mod exercise;
mod fragment;
mod have;
mod lack;
mod leaf;
pub mod limits;
mod meaning;
mod message;
mod node;
mod notes;
mod parse;
mod peak;
mod piece;
mod plan;
mod policies;
pub mod policy;
mod program;
mod reason;
mod repeat;
pub mod report;
mod resolve;
mod script;
mod sign;
mod spare;
mod template;
mod tree;
mod value;
mod warnings;

pub use assets::Assets;
pub use atom::{Atom, KeyRef, SEQUENCE_BITS, SEQUENCE_TIME, is_time_lock};
pub use bitcoin;
pub use commitment::{commit_number, pair_commit};
pub use compile::{compile, compile_text};
pub use compiled::{Compiled, CompiledLeaf};
pub use cut::MAX_LEAVES;
pub use error::{Error, ErrorKind};
pub use exercise::exercise;
pub use have::HaveError;
pub use meaning::{MAX_PATHS, Meaning, Path, Set, meaning, minimal, paths};
pub use message::{Bounds, LIMB_BITS, MAX_NUMBER, MAX_WIDE_NUMBER, Msg, limbs};
pub use node::{Node, ONE};
pub use notes::{Note, NoteKind};
pub use parse::parse;
pub use plan::{Branch, FillError, Plan, PlanError, SEQUENCE_NO_LOCK, SignatureKind, Slot};
pub use policies::{POLICIES, policy_text};
pub use program::{InternalKey, Places, Program};
pub use reason::Reason;
pub use resolve::{MAX_NODES, resolve};
pub use script::{asm, number_bytes};
pub use sign::{bip118_digest, templates};
pub use template::{Fill, Template, TemplateError};
pub use tree::{Shape, TapOutput, depths, huffman};
pub use value::{Templates, Value, message_bytes};

/// Runs the examples of the crate's README as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeDoctests;
