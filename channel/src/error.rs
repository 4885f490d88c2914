//! What can go wrong in this crate, apart from a verdict of the chain.

use core::fmt;

use sigstack_interpreter::UsageError;

use crate::bounds::{Bounds, OutOfBounds};
use crate::model::Unacceptable;

/// Why something could not be built, signed or read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelError {
    /// A key, tweak or signature is not one.
    Key(secp256k1::Error),
    /// The interpreter was asked about something that does not exist.
    Usage(UsageError),
    /// A parameter, by its name, is outside of its range, or does not go with another one.
    Parameter(&'static str, OutOfBounds),
    /// A signer refuses: what it was asked to sign breaks a rule of the construction. The text says which and why.
    Refused(String),
    /// A state is not accepted: nobody signs it.
    Content(Unacceptable),
    /// Stored bytes do not hold what they should. The text says what was expected.
    Encoding(String),
    /// The co-signer with this position gave a partial signature that does not verify.
    PartialSignature(usize),
}

impl ChannelError {
    /// A refusal, with its reason.
    pub fn refused(reason: impl Into<String>) -> ChannelError {
        ChannelError::Refused(reason.into())
    }

    /// Checks a parameter.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Parameter`] if the value is outside of the range.
    pub(crate) fn check<T: Copy + PartialOrd + fmt::Display>(
        name: &'static str,
        bounds: &Bounds<T>,
        value: T,
    ) -> Result<(), ChannelError> {
        bounds.check(value).map(drop).map_err(|error| ChannelError::Parameter(name, error))
    }

    /// A fault in stored bytes, with what was expected.
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
