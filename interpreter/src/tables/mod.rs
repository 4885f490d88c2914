//! The tables of flags, opcodes and errors. Each joins the rows for Core with the rows that each proposed soft fork
//! defines in its folder. The tables are separate from the types [`Flags`](crate::Flags), [`Opcode`](crate::Opcode) and
//! [`ScriptError`](crate::ScriptError), which proposals use, so that no modules depend on each other in a cycle.

mod errors;
mod flags;
mod opcodes;

pub use flags::FLAGS;
pub use opcodes::OPCODES;
