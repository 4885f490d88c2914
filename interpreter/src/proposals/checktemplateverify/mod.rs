//! `OP_CHECKTEMPLATEVERIFY` (BIP 119), which redefines `OP_NOP4`.

mod message;
mod rules;

pub use message::{check_template_digest, write_check_template};
pub(crate) use rules::execute;
