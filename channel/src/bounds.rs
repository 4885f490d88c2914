//! Allowed ranges of the parameters that callers choose. Each limit comes with its reason.
//!
//! The models check their parameters against these ranges before they do anything else. The command-line tool checks
//! its options against the same constants, so its error messages can name the option.

use core::fmt;

/// Allowed range of a parameter, including both limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds<T> {
    /// Minimum value that the parameter may have.
    pub least: T,
    /// Maximum value that the parameter may have.
    pub most: T,
    /// Reason for the parameter's minimum value, as shown in error messages.
    pub why_least: &'static str,
    /// Reason for the parameter's maximum value, as shown in error messages.
    pub why_most: &'static str,
}

/// Error for a parameter value that is out of range. The text names the value, the violated limit, and the reason for
/// this limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutOfBounds(String);

impl OutOfBounds {
    /// Creates an out-of-range error with the given text. This is meant for conditions that concern two parameters.
    pub fn new(text: impl Into<String>) -> OutOfBounds {
        OutOfBounds(text.into())
    }
}

impl fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for OutOfBounds {}

impl<T: Copy + PartialOrd + fmt::Display> Bounds<T> {
    /// Returns `value` if it is within this range. NaN is never within the range.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`] with the violated limit and its reason.
    pub fn check(&self, value: T) -> Result<T, OutOfBounds> {
        if value >= self.least && value <= self.most {
            Ok(value)
        } else if value < self.least {
            Err(self.below(&value))
        } else if value > self.most {
            Err(self.above(&value))
        } else {
            Err(OutOfBounds(format!("{value} is not a number")))
        }
    }

    /// Returns the error for a value below the minimum of this range. The type of the value may differ from the type of
    /// the range, for example a wider integer.
    pub fn below(&self, value: &impl fmt::Display) -> OutOfBounds {
        OutOfBounds(format!("{value} is less than {}: {}", self.least, self.why_least))
    }

    /// Returns the error for a value above the maximum of this range. The type of the value may differ from the type of
    /// the range, for example a wider integer.
    pub fn above(&self, value: &impl fmt::Display) -> OutOfBounds {
        OutOfBounds(format!("{value} is more than {}: {}", self.most, self.why_most))
    }
}

/// Allowed number of parties of a channel.
pub const PARTIES: Bounds<usize> = Bounds {
    least: 2,
    most: 16,
    why_least: "a channel needs two parties",
    why_most: "the records of HTLCs have four bits for a party",
};

/// Allowed number of HTLCs in one state of a channel.
pub const HTLCS: Bounds<usize> = Bounds {
    least: 0,
    most: 228,
    why_least: "a number of HTLCs is not negative",
    why_most: "a version 3 transaction with more HTLC outputs, and two balances, exceeds 10,000 vB",
};

/// Allowed number of HTLCs in each state when all constructions are compared. The construction `ln-zero-fee`
/// determines the maximum, because it allows the fewest HTLCs.
pub const COMPARED_HTLCS: Bounds<usize> = Bounds {
    most: 227,
    why_most: "a commitment of ln-zero-fee with more HTLC outputs exceeds the 10,000 vB of version 3",
    ..HTLCS
};

/// Allowed number of updates before a channel is closed, if every update is signed.
pub const UPDATES: Bounds<u32> = Bounds {
    least: 0,
    most: 100_000,
    why_least: "a number of updates is not negative",
    why_most: "every update is signed, which takes minutes for more; `channel storage --signed` signs a sample",
};

/// Allowed number of updates when all constructions are compared. The construction `bip68` determines the maximum,
/// because it allows the fewest states.
pub const COMPARED_UPDATES: Bounds<u32> = Bounds {
    least: 1,
    most: 455,
    why_least: "the comparison publishes an earlier state, and there is none before the first update",
    why_most: "bip68 has 456 states, the first of which needs no update",
};

/// Allowed number of updates in a run that measures storage.
pub const STORED_UPDATES: Bounds<u32> = Bounds {
    least: 1,
    most: 10_000_000,
    why_least: "the run publishes an earlier state, and there is none before the first update",
    why_most: "the state machines of both sides process every update, which takes minutes for more",
};

/// Allowed number of signed updates in a run that measures storage.
pub const SIGNED_UPDATES: Bounds<u32> = Bounds {
    least: 0,
    most: 1_000_000,
    why_least: "a number of updates is not negative",
    why_most: "signing more takes hours; sign a sample",
};

/// Allowed number of old states that a storage run publishes to verify that the client and the watchtower respond to
/// them.
pub const TRIES: Bounds<u32> = Bounds {
    least: 1,
    most: 10_000,
    why_least: "a run that publishes no earlier state verifies no answer",
    why_most: "each earlier state is played twice on a chain of its own, which takes minutes for more",
};

/// Allowed state number of the state that a simulation publishes. The first state has the number 0.
pub const STATE: Bounds<u32> = Bounds {
    least: 0,
    most: UPDATES.most,
    why_least: "the first state has the number 0",
    why_most: "no channel here has more updates",
};

/// Allowed contest delay of a channel, in blocks.
pub const DELAY: Bounds<u16> = Bounds {
    least: 1,
    most: u16::MAX,
    why_least: "without a delay nobody has time to answer an old state",
    why_most: "a relative lock by height has 16 bits (BIP 68)",
};

/// Maximum number of blocks that a transaction is assumed to need until it confirms, after a party publishes it.
///
/// For three transactions this gives 18 blocks. BOLT 2 recommends the same number (`2R + G + S`): a node that wants to
/// claim an HTLC closes the channel 18 blocks before the HTLC expires.
pub const CONFIRM_BLOCKS: u16 = 6;

/// Allowed difference between the locks of two successive states, in blocks. It is for constructions in which newer
/// states have shorter locks.
pub const INTERVAL: Bounds<u16> = Bounds {
    least: CONFIRM_BLOCKS,
    most: u16::MAX,
    why_least: "the latest state must confirm before the lock of the state before it ends",
    why_most: DELAY.why_most,
};

/// Allowed amount of a channel's funding output, in satoshi.
pub const FUNDING: Bounds<u64> = Bounds {
    least: 1_000,
    most: OUTSIDE.most,
    why_least: "a close and a contest pay a fee from it and leave an output above dust",
    why_most: OUTSIDE.why_most,
};

/// Allowed contest delay in a simulated breach, in blocks.
pub const GAME_DELAY: Bounds<u32> = Bounds {
    least: 1,
    most: 2_016,
    why_least: "without a delay nobody has time to answer an old state",
    why_most: "LND and LDK refuse a longer delay for their own funds",
};

/// Allowed feerate of a transaction, in sat/vB.
pub const FEERATE: Bounds<u32> = Bounds {
    least: 1,
    most: 10_000,
    why_least: "the model has whole sat/vB, and a transaction that pays nothing is not relayed alone",
    why_most: "Bitcoin Core refuses to send at more than 0.10 BTC/kvB (`-maxfeerate`)",
};

/// Allowed number of simulated breaches that are averaged for each table cell.
pub const GAMES: Bounds<u32> = Bounds {
    least: 1,
    most: 1_000_000,
    why_least: "a mean needs at least one game",
    why_most: "about a thousand cells play that many games each, which takes days for more",
};

/// Allowed capacity of the channel in a simulated breach, in satoshi.
pub const CAPACITY: Bounds<u64> = Bounds {
    least: 1_000,
    most: 900_719_925_474,
    why_least: "the balances are thousandths of the capacity",
    why_most: "the table of floods multiplies the capacity by 10,000, and amounts are exact up to 2^53 sat",
};

/// Allowed balance of the cheater in the old state of a simulated breach, in satoshi. It must also not exceed the
/// capacity.
pub const OLD_BALANCE: Bounds<u64> = Bounds {
    least: 1,
    most: CAPACITY.most,
    why_least: "a cheater that gains nothing does not cheat",
    why_most: "it is at most the capacity, which has the same bound",
};

/// Allowed balance of the cheater in the latest state of a simulated breach, in satoshi. It must also not exceed the
/// cheater's balance in the old state.
pub const NEW_BALANCE: Bounds<u64> = Bounds {
    least: 0,
    most: CAPACITY.most,
    why_least: "a balance is not negative",
    why_most: "it is at most the capacity, which has the same bound",
};

/// Allowed limit on the number of moves that a corrupted party makes in one sequence of moves of the adversary's
/// search.
pub const SEARCH_MOVES: Bounds<u32> = Bounds {
    least: 0,
    most: 8,
    why_least: "a number of moves is not negative",
    why_most: "each move multiplies the states by ten and more",
};

/// Allowed limit on the number of moves that mine blocks, in one sequence of moves of the adversary's search.
pub const SEARCH_BLOCKS: Bounds<u32> = Bounds {
    least: 0,
    most: 20,
    why_least: "a number of blocks is not negative",
    why_most: "at the end of a line blocks go by until every lock is over",
};

/// Allowed limit on the number of search states that the adversary's search visits in one scenario.
pub const SEARCH_STATES: Bounds<usize> = Bounds {
    least: 1,
    most: 10_000_000,
    why_least: "a search has a first state",
    why_most: "a million states take an hour and some gigabytes",
};

/// Allowed value for the highest state number in the exploration of the update protocols.
pub const EXPLORED_UPDATES: Bounds<u32> = Bounds {
    least: 3,
    most: 6,
    why_least: "without some of the rules nothing is lost before the third update",
    why_most: "each update multiplies the states, and every rule has lost something before",
};

/// Allowed amount of funds that the cheater has outside of the channel, in satoshi.
pub const OUTSIDE: Bounds<u64> = Bounds {
    least: 0,
    most: 2_100_000_000_000_000,
    why_least: "an amount is not negative",
    why_most: "there are at most 21 million bitcoin",
};

/// Allowed share of the network's hash rate, from 0 to 1.
pub const SHARE: Bounds<f64> = Bounds {
    least: 0.0,
    most: 1.0,
    why_least: "a share is between 0 and 1",
    why_most: "a share is between 0 and 1",
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Content, KINDS, Setup};

    #[test]
    fn values_outside_are_refused_with_the_end_and_its_reason() {
        assert_eq!(SHARE.check(0.0), Ok(0.0));
        assert_eq!(SHARE.check(1.0), Ok(1.0));
        let text = |value| SHARE.check(value).unwrap_err().to_string();
        assert_eq!(text(-0.1), "-0.1 is less than 0: a share is between 0 and 1");
        assert_eq!(text(1.1), "1.1 is more than 1: a share is between 0 and 1");
        assert_eq!(text(f64::INFINITY), "inf is more than 1: a share is between 0 and 1");
        assert_eq!(text(f64::NAN), "NaN is not a number");
        assert_eq!(PARTIES.check(2), Ok(2));
        assert_eq!(
            PARTIES.check(1).unwrap_err().to_string(),
            "1 is less than 2: a channel needs two parties"
        );
    }

    /// In comparisons, the maximum number of updates is that of the construction that allows the fewest states. A
    /// separate test in `accept` covers the limits on HTLCs.
    #[test]
    fn comparisons_are_bounded_by_the_narrowest_construction() {
        let states = KINDS.iter().map(|(name, kind)| {
            let setup = Setup::named(name, 2, 1_000_000, 144).unwrap();
            kind.build(setup, Content::of(&[500_000, 500_000])).unwrap().facts().states
        });
        assert_eq!(states.min(), Some(u64::from(COMPARED_UPDATES.most) + 1));
    }
}
