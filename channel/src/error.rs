//! The error type of this crate. A transaction that the simulated chain refuses is reported by a separate type,
//! [`crate::chain::Reject`].

use core::fmt;

use sigstack_interpreter::UsageError;

use crate::bounds::{Bounds, OutOfBounds};
use crate::model::Unacceptable;

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
    /// A rule of the construction forbids the operation. The text says which rule and why.
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
