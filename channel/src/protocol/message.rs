//! The messages of the update protocol of the signed sequence channel.

use core::fmt;

/// Identifier of the balances and HTLCs of a state, which are called its content. Two contents are equal if they pay
/// the same amounts to the same parties.
pub type ContentId = u32;

/// A message between the two sides of a signed sequence channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// First message of an update: proposes the next state. Contains the sender's partial signature of the receiver's
    /// commitment transaction.
    Propose {
        /// State number of the proposed state.
        number: u32,
        /// Content (balances and HTLCs) of the proposed state.
        content: ContentId,
        /// Bit mask of the funding outputs for which the sender's partial signature is valid.
        fundings: u8,
        /// Content (balances and HTLCs) of the sender's commitment transaction that the receiver is asked to sign. It
        /// differs from the proposed content only if the sender cheats.
        asked: ContentId,
    },
    /// Second message of an update: accepts a proposal. Contains the sender's signature of the state number, and its
    /// partial signature of the proposer's commitment transaction.
    Accept {
        /// State number of the accepted state.
        number: u32,
        /// Whether the message contains the sender's signature of the state number. Only a cheating sender leaves it
        /// out.
        signature: bool,
        /// Bit mask of the funding outputs for which the sender's partial signature is valid. 0 means that the message
        /// contains no partial signature.
        fundings: u8,
    },
    /// Third message of an update: finishes it. Contains the sender's signature of the state number.
    Finish {
        /// State number of the finished state.
        number: u32,
    },
    /// Yields a state number: the sender, who may propose this number, promises never to do so.
    Yield {
        /// The state number that the sender promises never to propose.
        number: u32,
    },
    /// Repeats a proposal with another nonce, so that the receiver would sign the same state twice. A peer that lost
    /// the answer to its proposal could send this.
    Again {
        /// State number of the repeated proposal.
        number: u32,
    },
    /// Asks the receiver to sign bytes with its number key (the key that signs state numbers). The adversary chooses
    /// bytes that encode a state number.
    Sign {
        /// State number that is encoded in the bytes that the receiver is asked to sign.
        number: u32,
    },
    /// The first message of a connection. The sender shows which signatures of the receiver it has, and proves it.
    ///
    /// The proof for [`Shown::number`] is the signature itself. The proof for [`Shown::part`] is the state, the
    /// sender's nonce and the receiver's partial signature. The receiver makes this partial signature again and
    /// compares it ([`PartialCommitment::is_made_by`](crate::musig::PartialCommitment::is_made_by)). A message without
    /// a valid proof is ignored.
    Reestablish(Shown),
    /// Says that the sender lost data. The sender signs and publishes nothing, and asks the receiver to publish its
    /// latest commitment transaction.
    DataLost,
}

/// Data that a side shows to its peer at the beginning of a connection: which of the peer's signatures it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shown {
    /// Highest state number for which this side has the peer's revocation signature.
    pub number: u32,
    /// Highest state number for which this side has the peer's partial signature of this side's commitment
    /// transaction.
    pub part: u32,
    /// Whether this side has the peer's partial signature of a cooperative closing. This value is not proved. A side
    /// that falsely claims to have the signature only ends the updates: the channel can still be closed.
    pub closing: bool,
    /// Highest state number that is finished or yielded (given up by the side that may propose it). This value is not
    /// proved. Without it, the two sides could wait for each other forever.
    pub top: u32,
}

/// Describes a bit mask of the funding outputs for which a partial signature is valid. A model has at most two funding
/// outputs.
fn part(fundings: u8) -> &'static str {
    match fundings & 0b11 {
        0b00 => "no part",
        0b01 => "part on funding 1",
        0b10 => "part on funding 2",
        _ => "part on fundings 1 and 2",
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Propose { number, content, fundings, asked } => {
                write!(f, "proposal {number}, content {content}, {}", part(*fundings))?;
                if content == asked { Ok(()) } else { write!(f, ", but asking for content {asked}") }
            }
            Message::Accept { number, signature, fundings } => {
                let without = if *signature { "" } else { " without signature" };
                write!(f, "acceptance {number}{without}, {}", part(*fundings))
            }
            Message::Finish { number } => write!(f, "signature of {number}"),
            Message::Yield { number } => write!(f, "yield of {number}"),
            Message::Again { number } => write!(f, "nonce for {number} again"),
            Message::Sign { number } => write!(f, "bytes to sign, which are number {number}"),
            Message::Reestablish(Shown { number, part, closing, top }) => {
                let closing = if *closing { ", of a closing" } else { "" };
                write!(
                    f,
                    "proof of signature {number}, of part {part}{closing}, and {top} as the last number"
                )
            }
            Message::DataLost => f.write_str("the notice that data are lost"),
        }
    }
}
