//! The tables of flags, opcodes and errors: the rows of Core, and those that each proposal adds in its folder.

mod errors;
mod flags;
mod opcodes;

pub use flags::FLAGS;
pub use opcodes::OPCODES;
