//! The messages of the signed sequence channel.

use core::fmt;

use super::party::ContentId;

/// What the sides send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// (1) The next state, with the sender's part of the receiver's version.
    Propose {
        /// The number.
        number: u32,
        /// The content.
        content: ContentId,
        /// The fundings on which the part is good.
        fundings: u8,
        /// The content of the receiver's part that the sender asks for: the same, if it is honest.
        asked: ContentId,
    },
    /// (2) The signature of the number, and the sender's part of the proposer's version.
    Accept {
        /// The number.
        number: u32,
        /// Whether the signature of the number is there.
        signature: bool,
        /// The fundings on which the part is good; none: no part.
        fundings: u8,
    },
    /// (3) The signature of the number.
    Finish {
        /// The number.
        number: u32,
    },
    /// "I never propose this number."
    Yield {
        /// The number.
        number: u32,
    },
    /// The peer lost the answer and sends another nonce.
    Again {
        /// The number.
        number: u32,
    },
    /// A message to be signed with the number key. To the honest receiver it is any bytes; it is this number.
    Sign {
        /// The number.
        number: u32,
    },
    /// The first message of a connection: what the sender has of the receiver's signatures. The signatures are the proof.
    Reestablish(Shown),
    /// The sender lost data: it signs and publishes nothing, and asks the receiver to publish its newest version.
    DataLost,
}

/// What a side has of the other's signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shown {
    /// The highest number that the other signed.
    pub number: u32,
    /// The highest number of which the other gave its part.
    pub part: u32,
    /// Whether the other gave its part of a cooperative closing.
    pub closing: bool,
    /// The highest number that is finished or yielded. There is no proof: it only keeps two sides from waiting for each other.
    pub top: u32,
}

/// The fundings on which a part is good; a model has two at most.
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
