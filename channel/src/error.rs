//! The error type of this crate, and the reasons why a channel state is not accepted. A transaction that the simulated
//! chain refuses is reported by a separate type, [`crate::chain::Reject`].

use core::fmt;

use bitcoin::absolute::LOCK_TIME_THRESHOLD;
use sigstack_interpreter::UsageError;

use crate::bounds::{Bounds, FUNDING, OutOfBounds};

/// The reason why a channel, a transaction or a signature could not be made or parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelError {
    /// A public key, tweak or signature is invalid.
    Key(secp256k1::Error),
    /// The interpreter was called with invalid arguments, for example an input that does not exist.
    Usage(UsageError),
    /// A parameter is out of its range, or does not fit another parameter. The first value is the name of the
    /// parameter.
    Parameter(&'static str, OutOfBounds),
    /// A rule of the channel construction forbids the operation. The text says which rule and why.
    Refused(String),
    /// A channel state violates an acceptance rule, so no party signs it.
    Content(Unacceptable),
    /// Stored bytes could not be parsed. The text says what was expected.
    Encoding(String),
    /// A partial signature (MuSig2) does not verify. The value is the index of its signer.
    PartialSignature(usize),
}

impl ChannelError {
    /// Creates a [`ChannelError::Refused`] with the given reason.
    pub fn refused(reason: impl Into<String>) -> ChannelError {
        ChannelError::Refused(reason.into())
    }

    /// Checks that the value of the parameter `name` is within its range.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Parameter`] if the value is out of range.
    pub(crate) fn check<T: Copy + PartialOrd + fmt::Display>(
        name: &'static str,
        bounds: &Bounds<T>,
        value: T,
    ) -> Result<(), ChannelError> {
        bounds.check(value).map(drop).map_err(|error| ChannelError::Parameter(name, error))
    }

    /// Creates a [`ChannelError::Encoding`] with a description of the expected bytes.
    pub fn encoding(expected: impl Into<String>) -> ChannelError {
        ChannelError::Encoding(expected.into())
    }
}

impl fmt::Display for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChannelError::Key(error) => write!(f, "a key, tweak or signature is invalid: {error}"),
            ChannelError::Usage(error) => error.fmt(f),
            ChannelError::Parameter(name, error) => write!(f, "{name}: {error}"),
            ChannelError::Refused(reason) => write!(f, "refused: {reason}"),
            ChannelError::Content(reason) => write!(f, "refused: {reason}"),
            ChannelError::Encoding(expected) => write!(f, "stored bytes are damaged: {expected}"),
            ChannelError::PartialSignature(signer) => {
                write!(f, "the partial signature of co-signer {signer} does not verify")
            }
        }
    }
}

impl core::error::Error for ChannelError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            ChannelError::Key(error) => Some(error),
            ChannelError::Usage(error) => Some(error),
            ChannelError::Content(reason) => Some(reason),
            _ => None,
        }
    }
}

impl From<secp256k1::Error> for ChannelError {
    fn from(error: secp256k1::Error) -> ChannelError {
        ChannelError::Key(error)
    }
}

impl From<UsageError> for ChannelError {
    fn from(error: UsageError) -> ChannelError {
        ChannelError::Usage(error)
    }
}

/// The reason why a channel state is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unacceptable {
    /// The state has the wrong number of balances.
    Balances {
        /// Number of balances in the refused channel state.
        found: usize,
        /// Required number of balances in a channel state: the number of parties plus the number of nested channels.
        expected: usize,
    },
    /// The sum of the balances and HTLCs differs from the capacity.
    Sum {
        /// Sum of all balances and HTLCs in the refused state, in satoshi.
        found: u64,
        /// Amount of the funding output, in satoshi.
        capacity: u64,
    },
    /// An HTLC is not between two different parties of the channel.
    Parties {
        /// Index of the refused HTLC in the channel state.
        htlc: usize,
    },
    /// In the refused channel state, the amount of an HTLC is zero.
    NoAmount {
        /// Index of the refused HTLC in the channel state.
        htlc: usize,
    },
    /// An HTLC expires too early, or its expiry is a time instead of a height.
    Expiry {
        /// Index of the refused HTLC in the channel state.
        htlc: usize,
        /// Expiry of the HTLC in the refused state. Accepted values are block heights.
        expiry: u32,
        /// Lowest expiry that an HTLC may have at the current height of the chain, as a block height.
        least: u32,
    },
    /// The capacity of a nested channel is too small.
    Channel {
        /// Index of the nested channel whose capacity is too small.
        channel: usize,
        /// Capacity of the nested channel that is too small, in satoshi.
        sat: u64,
    },
    /// In the refused channel state, one party offers too many HTLCs.
    Offered {
        /// Index of the party that offers the HTLCs.
        party: usize,
        /// Number of HTLCs that the party offers.
        found: usize,
        /// Maximum number of HTLCs that one party may offer.
        most: usize,
    },
    /// The balance of the opener (the first party) cannot pay for the fee and the anchor outputs of the commitment
    /// transaction.
    Opener {
        /// Balance of the opener in the refused state, in satoshi.
        sat: u64,
        /// Amount that the opener must pay for the fee and the anchor outputs of the commitment transaction, in
        /// satoshi.
        needed: u64,
    },
    /// The trimmed amounts (balances and HTLCs that get no output) are too large together.
    Trimmed {
        /// Sum of the balances and HTLCs that get no output in the refused state, in satoshi.
        sat: u64,
        /// Maximum sum of the balances and HTLCs that get no output, in satoshi.
        most: u64,
        /// Minimum balance that gets an output, in satoshi.
        least_balance: u64,
        /// Minimum amount of an HTLC that gets an output, in satoshi. If this minimum depends on who publishes the
        /// transaction, this is the larger one.
        least_htlc: u64,
    },
    /// No balance and no HTLC is large enough for an output.
    NoOutput,
    /// The transaction that pays the balances and HTLCs of the state is heavier than the maximum.
    Weight {
        /// Weight of the transaction that pays the balances and HTLCs of the refused state, in weight units.
        found: u64,
        /// Maximum weight of the transaction that pays the balances and HTLCs, in weight units.
        most: u64,
    },
}

impl fmt::Display for Unacceptable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unacceptable::Balances { found, expected } => {
                write!(f, "the state has {found} balances, {expected} are needed")
            }
            Unacceptable::Sum { found, capacity } => {
                write!(f, "balances and HTLCs add up to {found} sat, not to {capacity}")
            }
            Unacceptable::Parties { htlc } => {
                write!(f, "HTLC {htlc} is not between two of the parties")
            }
            Unacceptable::NoAmount { htlc } => write!(f, "HTLC {htlc} pays nothing; 1 sat is the minimum"),
            Unacceptable::Expiry { htlc, expiry, least } => write!(
                f,
                "HTLC {htlc} expires at {expiry}; a claim needs an expiry from {least} to {}: earlier ones may pass before \
                 the claim confirms, and later ones are times",
                LOCK_TIME_THRESHOLD - 1
            ),
            Unacceptable::Channel { channel, sat } => {
                write!(f, "channel {channel} has a capacity of {sat} sat; {} is the minimum", FUNDING.least)
            }
            Unacceptable::Offered { party, found, most } => {
                write!(f, "party {party} sends {found} HTLCs; {most} is the maximum")
            }
            Unacceptable::Opener { sat, needed } => {
                write!(f, "party 0 has {sat} sat and pays {needed} sat for the fee and the anchors")
            }
            Unacceptable::Trimmed { sat, most, least_balance, least_htlc } => write!(
                f,
                "{sat} sat have no output; {most} is the maximum: a balance needs {least_balance} sat for an output, an HTLC \
                 {least_htlc}"
            ),
            Unacceptable::NoOutput => f.write_str("no balance and no HTLC is large enough for an output"),
            Unacceptable::Weight { found, most } => {
                write!(
                    f,
                    "the transaction that pays the state has {found} WU; {most} is the maximum: use fewer HTLCs"
                )
            }
        }
    }
}

impl core::error::Error for Unacceptable {}
