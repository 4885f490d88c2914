//! Records Bitcoin Script verification step by step.
//!
//! [`Trace::record`] verifies an input with the interpreter's own engine and records what the engine reports to its
//! inspector: every phase, opcode, stack, commitment and signature check, with the signed message field by field. For a
//! failed check the trace has an explanation. All output formats are generated from one [`Trace`]: lines for people
//! ([`text`]), JSON lines for programs ([`json`]), and the command's terminal interface.

mod assemble;
mod bare;
mod control;
mod disasm;
mod explain;
mod fields;
mod frame;
mod hints;
pub mod html;
pub mod json;
mod psbt;
mod recorder;
pub mod text;
mod trace;
mod verdict;

pub use assemble::{AsmError, assemble, assemble_as, assemble_stack, number_like_hex};
pub use bare::{BareContext, BareTx, bare_spend};
pub use bitcoin;
pub use control::{ControlView, control_view};
pub use disasm::{disassemble, disassemble_as, instruction_text};
pub use fields::{Field, FieldNote, hash_type_name};
pub use frame::{
    Commitment, Element, Elements, End, Explanation, Frame, HashReport, Options, SigVersion, SignatureKind,
    SignatureReport, State, Step, StepEvent, Stopped, Subject,
};
pub use hints::{Known, counted, short};
pub use psbt::{Psbt, PsbtError, PsbtInput};
pub use trace::Trace;

/// Runs the examples of the crate's README as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeDoctests;
