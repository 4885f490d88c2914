//! Bitcoin Script verification step by step.
//!
//! [`Trace::record`] verifies an input with the interpreter's own engine and keeps what its inspector was told: every phase,
//! opcode, stack, commitment and signature check, with the message that was signed field by field and, where a check
//! failed, the nearest explanation. Everything that shows a script run is a view of that one [`Trace`]: lines for people
//! ([`text`]), JSON lines for programs ([`json`]), and the command's terminal interface.

mod assemble;
mod bare;
mod control;
mod disasm;
mod explain;
mod fields;
mod hints;
pub mod html;
pub mod json;
mod psbt;
mod recorder;
pub mod text;
mod trace;
mod verdict;

pub use assemble::{AsmError, assemble, assemble_stack, number_like_hex};
pub use bare::{BareContext, BareTx, bare_spend};
pub use bitcoin;
pub use control::{ControlView, NUMS_KEY, control_view};
pub use disasm::{disassemble, instruction_text};
pub use explain::Explanation;
pub use fields::{Field, FieldNote, hash_type_name};
pub use hints::{Known, counted, short};
pub use psbt::{Psbt, PsbtError, PsbtInput};
pub use trace::{
    Commitment, Element, Elements, End, Frame, Options, SigVersion, SignatureKind, SignatureReport, State,
    Step, StepEvent, Stopped, Subject, TemplateReport, Trace,
};

/// Runs the code of the crate's README as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeDoctests;
