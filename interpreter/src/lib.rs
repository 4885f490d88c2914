//! Bitcoin Script verification: bytes in, verdict out.
//!
//! Enforces every consensus and policy rule of Bitcoin Core 31, flag by flag.
//! It is made for research and review; nodes that guard money should run Bitcoin Core.

mod error;
mod flags;
mod opcode;

pub mod limits;

pub use error::{Location, Phase, ScriptError, ScriptPosition, UsageError, VerifyError};
pub use flags::{FLAGS, FlagInfo, FlagKind, Flags};
pub use opcode::{OPCODE_ALIASES, OPCODES, Opcode, OpcodeInfo};
