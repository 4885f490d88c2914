//! Error type of this crate. Transactions that the simulated chain rejects have a separate type.

use core::fmt;

use sigstack_interpreter::UsageError;

use crate::bounds::{Bounds, OutOfBounds};
use crate::model::Unacceptable;

/// Reason why something could not be built, signed or parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelError {
    /// A key, tweak or signature is invalid.
    Key(secp256k1::Error),
    /// The interpreter was called with invalid arguments, for example an input that does not exist.
    Usage(UsageError),
    /// A parameter, given by its name, is out of range or inconsistent with another one.
    Parameter(&'static str, OutOfBounds),
    /// The operation breaks a rule of the construction, for example a request to a signer. The text says which rule and why.
    Refused(String),
    /// The content of a state is unacceptable, so no party signs it.
    Content(Unacceptable),
    /// Stored bytes are malformed. The text says what was expected.
    Encoding(String),
    /// The partial signature of the co-signer with this index does not verify.
    PartialSignature(usize),
}

impl ChannelError {
    /// Creates a [`ChannelError::Refused`] with its reason.
    pub fn refused(reason: impl Into<String>) -> ChannelError {
        ChannelError::Refused(reason.into())
    }

    /// Checks that a parameter is within its range.
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

    /// Creates a [`ChannelError::Encoding`] with the expected form.
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
