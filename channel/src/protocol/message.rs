//! Messages of the signed sequence channel's update protocol.

use core::fmt;

use super::party::ContentId;

/// A message between the two sides of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// (1) Proposes the next state, with the sender's partial signature of the receiver's version.
    Propose {
        /// Number of the proposed state.
        number: u32,
        /// Content of the proposed state.
        content: ContentId,
        /// Bit mask of the funding outputs for which the partial signature is valid.
        fundings: u8,
        /// Content of the version that the receiver is asked to sign. An honest sender asks for the proposed content.
        asked: ContentId,
    },
    /// (2) Accepts a proposal: the sender's signature of the number, and its partial signature of the proposer's version.
    Accept {
        /// Number of the accepted state.
        number: u32,
        /// Whether the signature of the number is present.
        signature: bool,
        /// Bit mask of the funding outputs for which the partial signature is valid. 0 if it is missing.
        fundings: u8,
    },
    /// (3) Finishes an update: the sender's signature of the number.
    Finish {
        /// Number of the finished state.
        number: u32,
    },
    /// Yields a number: the sender promises never to propose it.
    Yield {
        /// Number that the sender yields.
        number: u32,
    },
    /// Repeats a proposal with another nonce, as a peer does that lost the answer.
    Again {
        /// Number of the repeated proposal.
        number: u32,
    },
    /// Asks the receiver to sign arbitrary bytes with its number key. The adversary encodes a number in these bytes.
    Sign {
        /// Number that the bytes encode.
        number: u32,
    },
    /// First message of a connection: shows which of the receiver's signatures the sender has. The message includes the proof: for
    /// [`Shown::number`] the signature of the number; for [`Shown::part`] the state, the sender's nonce and the receiver's partial
    /// signature, which the receiver makes again and compares
    /// ([`PartialCommitment::is_made_by`](crate::musig::PartialCommitment::is_made_by)). A message without a proof is not received.
    Reestablish(Shown),
    /// Says that the sender lost data. The sender signs and publishes nothing, and asks the receiver to publish its latest
    /// version.
    DataLost,
}

/// The other side's signatures that a side has, as shown at the beginning of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shown {
    /// Highest number that the other side signed.
    pub number: u32,
    /// Highest number of a version for which the other side gave its partial signature.
    pub part: u32,
    /// Whether the other side gave its partial signature of a cooperative closing. This value is not proved: if it is false, updates
    /// end, and the channel can still be closed.
    pub closing: bool,
    /// Highest number that is finished or yielded. This value is not proved; it only keeps the two sides from waiting for each
    /// other.
    pub top: u32,
}

/// Describes for which funding outputs a partial signature is valid. A model has at most two.
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
