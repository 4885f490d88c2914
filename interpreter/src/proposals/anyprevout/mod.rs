//! Tapscript public keys that begin with 0x01, and the messages that their signatures commit to (BIP 118).

mod message;
mod rules;

pub use message::{SIGHASH_ANYPREVOUT, SIGHASH_ANYPREVOUTANYSCRIPT, is_defined, write_message};
pub(crate) use rules::key;
