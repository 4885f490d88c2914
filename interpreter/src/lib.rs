//! Verification of Bitcoin Script, with the rules of Bitcoin Core 31 and of several proposed soft forks.
//!
//! [`Spend`] takes a transaction and the outputs that it spends, and verifies its inputs under a set of [`Flags`]. The
//! script verification flags of Bitcoin Core 31 enable its consensus and policy rules. Each proposed soft fork in
//! [`PROPOSALS`] has a flag of its own. Errors have Core's names. The order of checks is Core's as well, since it
//! decides which error is reported. An [`Inspector`] observes each step.
//!
//! The library is made for research and review. Nodes that secure money should run Bitcoin Core.

mod claim;
mod code_points;
mod conclude;
mod condition;
mod coverage;
mod curve;
mod debug;
mod ecdsa;
pub mod encoding;
mod engine;
mod error;
mod event;
mod flags;
mod host;
mod inspector;
mod instruction;
pub mod limits;
mod machine;
mod message;
mod mock;
mod opcode;
mod ops;
pub mod proposals;
mod schnorr;
mod script_error;
pub mod script_num;
pub mod sighash;
pub mod sigops;
mod spend;
mod stack;
mod tables;
pub mod taproot;
mod tapscript;
mod tx_check;
mod tx_host;
mod unchecked;
mod verify;
mod view;

pub use bitcoin;
pub use claim::{Claim, TransactionRule};
pub use code_points::{CodePointError, CodePoints, Rules};
pub use conclude::InputVerified;
pub use condition::Conditions;
pub use coverage::{Coverage, Gap};
pub use curve::{verify_ecdsa, verify_schnorr};
pub use engine::run_script;
pub use error::{Location, Phase, ScriptPosition, Stop, TransactionError, UsageError, VerifyError};
pub use event::{CommitmentStep, ComputedHash, Event, SignatureCheck, SignedMessage};
pub use flags::{FlagError, FlagInfo, FlagKind, Flags};
pub use host::Host;
pub use inspector::{Inspector, NoInspector};
pub use instruction::{Instruction, Instructions, append_number, append_push};
pub use machine::{Context, Machine};
pub use message::MessageSink;
pub use mock::{MockHost, Question};
pub use opcode::{Opcode, OpcodeInfo};
pub use proposals::{Activation, Hook, PROPOSALS, Proposal, ProposalId, Sample};
pub use script_error::{ErrorInfo, ScriptError};
pub use sighash::taproot::{KeyVersion, TaprootMessage, TapscriptMessage};
pub use spend::{Spend, verify_spends};
pub use stack::Stack;
pub use tables::{FLAGS, OPCODES};
pub use tapscript::Tapscript;
pub use tx_check::{TxError, check_transaction};
pub use unchecked::Unchecked;
pub use view::{TxCache, TxView};

/// Runs the code of the crate's README as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeDoctests;
