//! Relay policy of single transactions: the standardness rules of Bitcoin Core 31.
//!
//! A node relays only some of the transactions that are valid by consensus. [`Candidate::check`] applies the rules that concern
//! one transaction and its spent outputs, in Core's order, and returns a [`PolicyError`] with Core's reject reason. Rules that
//! need a mempool (conflicts, packages, clusters, topology of version 3 transactions) and rules that need a chain (locks,
//! existence of the spent outputs) are not part of this crate. Scripts are not executed: the script policy flags are
//! [`sigstack_interpreter::Flags::POLICY`].
//!
//! ```
//! use bitcoin::{Amount, ScriptBuf, Transaction, TxIn, TxOut, absolute::LockTime, transaction::Version};
//! use sigstack_policy::{Candidate, Policy, PolicyError};
//!
//! // OP_1 <4e73>: pay to anchor.
//! let anchor = |sat| TxOut {
//!     value: Amount::from_sat(sat),
//!     script_pubkey: ScriptBuf::from(vec![0x51, 0x02, 0x4e, 0x73]),
//! };
//! let tx = Transaction {
//!     version: Version::TWO,
//!     lock_time: LockTime::ZERO,
//!     input: vec![TxIn { previous_output: "11".repeat(32).parse().map(|txid| bitcoin::OutPoint { txid, vout: 0 })?, ..TxIn::default() }],
//!     output: vec![anchor(240), anchor(240)],
//! };
//! assert_eq!(Candidate::new(&tx, &[anchor(1_000)]).check(&Policy::default()), Ok(()));
//!
//! let refused = Candidate::new(&tx, &[anchor(480)]).check(&Policy::default());
//! assert_eq!(refused, Err(PolicyError::MinRelayFee { fee: 0, needed: 8, vsize: 77 }));
//! # Ok::<(), bitcoin::hex::HexToArrayError>(())
//! ```

mod candidate;
mod error;
mod form;
mod inputs;
mod output_type;
mod parameters;
mod sigops;

pub use bitcoin;
pub use candidate::Candidate;
pub use error::{PolicyError, RedeemScriptError, WitnessRule};
pub use form::{dust_limit, is_dust};
pub use output_type::OutputType;
pub use parameters::Policy;

/// Limits of Core 31's relay policy that a node operator cannot change.
pub mod limits {
    /// Maximum weight of a transaction, in weight units (Core `MAX_STANDARD_TX_WEIGHT`).
    pub const MAX_TX_WEIGHT: u64 = 400_000;
    /// Minimum size of a transaction without its witness, in bytes (Core `MIN_STANDARD_TX_NONWITNESS_SIZE`).
    pub const MIN_NONWITNESS_SIZE: usize = 65;
    /// Maximum size of a scriptSig, in bytes (Core `MAX_STANDARD_SCRIPTSIG_SIZE`).
    pub const MAX_SCRIPT_SIG_SIZE: usize = 1_650;
    /// Maximum number of keys in a bare multisig output (Core `IsStandard`).
    pub const MAX_BARE_MULTISIG_KEYS: usize = 3;
    /// Maximum number of dust outputs in a transaction (Core `MAX_DUST_OUTPUTS_PER_TX`).
    pub const MAX_DUST_OUTPUTS: usize = 1;
    /// Maximum number of signature operations of a P2SH redeem script (Core `MAX_P2SH_SIGOPS`).
    pub const MAX_P2SH_SIGOPS: u64 = 15;
    /// Maximum number of signature operations outside the witness that the inputs can execute (BIP 54; Core `MAX_TX_LEGACY_SIGOPS`).
    pub const MAX_TX_LEGACY_SIGOPS: u64 = sigstack_interpreter::limits::MAX_TX_LEGACY_SIGOPS;
    /// Maximum signature operation cost of a transaction (Core `MAX_STANDARD_TX_SIGOPS_COST`).
    pub const MAX_TX_SIGOPS_COST: u64 = 16_000;
    /// Maximum size of a P2WSH witness script, in bytes (Core `MAX_STANDARD_P2WSH_SCRIPT_SIZE`).
    pub const MAX_P2WSH_SCRIPT_SIZE: usize = 3_600;
    /// Maximum number of witness elements below a P2WSH witness script (Core `MAX_STANDARD_P2WSH_STACK_ITEMS`).
    pub const MAX_P2WSH_ITEMS: usize = 100;
    /// Maximum size of each witness element below a P2WSH witness script, in bytes (Core `MAX_STANDARD_P2WSH_STACK_ITEM_SIZE`).
    pub const MAX_P2WSH_ITEM_SIZE: usize = 80;
    /// Maximum size of each element below a tapscript, in bytes (Core `MAX_STANDARD_TAPSCRIPT_STACK_ITEM_SIZE`).
    pub const MAX_TAPSCRIPT_ITEM_SIZE: usize = 80;
    /// Number of weight units that the adjusted virtual size counts for each unit of signature operation cost, if the
    /// actual weight is lower (Core `DEFAULT_BYTES_PER_SIGOP`).
    pub const BYTES_PER_SIGOP: u64 = 20;
    /// Maximum virtual size of a version 3 transaction, in bytes (BIP 431; Core `TRUC_MAX_VSIZE`).
    pub const MAX_TRUC_VSIZE: u64 = 10_000;
}

/// Runs the code of the crate's README as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct ReadmeDoctests;
