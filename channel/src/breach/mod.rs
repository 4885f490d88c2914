//! Simulates a breach: a cheater's old commitment transaction has confirmed, and the victim must confirm its
//! justice transaction before the delay T expires. The simulation computes how often the victim succeeds, and
//! at what fee.
//!
//! One game is simulated block by block:
//!
//! - The fee market sets the feerate that the next block requires.
//! - The victim bids a fee by its [`Strategy`]. Each new bid replaces the last one and also pays the
//!   incremental relay feerate.
//! - Miners may leave out the justice transaction because the cheater bribes them.
//! - The cheater may fill the block with its own transactions if this is profitable (a flood).
//!
//! In the signed sequence channel, the cheater's settlement is invalid before T. From T on, the justice
//! transaction and the settlement compete for the same output.
//!
//! Amounts are in satoshi and feerates in sat/vB. A gain is relative to the balance in the latest state. The
//! fees of closing are not included.

mod cheater;
mod contrast;
mod play;
mod report;
mod search;
mod strategy;

pub use cheater::Plan;
pub use contrast::{htlc_fights, symmetry_costs};
pub use play::{Outcome, Race, Stats, estimate, play, race};
pub use report::{BreachReport, columns, report, tables};

use crate::bounds::{self, OutOfBounds};
use crate::error::ChannelError;
pub use search::{break_even_reserve, least_delay};
pub use strategy::Strategy;

/// Who pays the fee of the justice transaction, and how high this fee can be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Payer {
    /// The victim signs the justice transaction with its own key. It can pay any fee, from the channel or
    /// from outside coins, at the same cost to itself.
    Victim,
    /// A watchtower publishes one of three presigned justice transactions. Each has an anchor output that contains a
    /// bonus, and those with a higher bonus become valid at a later block. The watchtower spends the anchor with a
    /// child transaction that pays the fee, and keeps the rest of the bonus.
    Fixed {
        /// Start block and bonus (in satoshi) of each presigned justice transaction, in ascending order of blocks. The
        /// transaction can be used from its start block on.
        ladder: [(u32, u64); 3],
        /// Maximum that the watchtower adds to the justice transaction's fee from its own funds, in satoshi.
        coins: u64,
    },
}

/// Behaviour of miners towards a justice transaction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Miners {
    /// All miners include the transactions that pay the highest feerates, and take no payments from the cheater.
    Myopic,
    /// Miners that collude with the cheater: their share of the hash rate, from 0 to 1, and the price in satoshi that
    /// the cheater pays them for each block in which they leave out the justice transaction.
    Colluding(f64, u64),
    /// Bribed miners. The first value is the share of the total hash rate that all bribed miners have together, the
    /// second the share of each single miner, both from 0 to 1. A miner with the share s expects s times the largest
    /// possible bribe, which is the cheater's whole gain. The miner leaves out the justice transaction if this is more
    /// than the justice fee. The cheater pays the bribe once, after the delay, and only if its settlement confirms.
    Bribed(f64, f64),
}

/// Parameters of a breach game.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Game {
    /// Channel capacity in satoshi (V).
    pub capacity: u64,
    /// Cheater's balance in satoshi in the old state that it published (a_n).
    pub cheater_old: u64,
    /// Cheater's balance in satoshi in the latest state (a_N). The cheater loses this balance if the justice
    /// transaction confirms.
    pub cheater_new: u64,
    /// The cheater's settlement, which pays the old balances, cannot confirm in this number of blocks after the old
    /// commitment transaction confirmed (T).
    pub delay: u32,
    /// Who pays the fee of the justice transaction.
    pub payer: Payer,
    /// Behaviour of miners towards the justice transaction.
    pub miners: Miners,
    /// Funds outside the channel that the cheater can spend on floods, in satoshi.
    pub outside: u64,
    /// Incremental relay feerate in sat/vB. In addition to the fees of the replaced transactions, a replacement must
    /// pay this feerate for its own size.
    pub incremental: f64,
    /// Mean feerate of the market in sat/vB.
    pub mean_rate: f64,
    /// Market feerate at the confirmation of the old commitment, as a multiple of the mean.
    pub backlog: f64,
}

impl Default for Game {
    fn default() -> Game {
        Game {
            capacity: 1_000_000,
            cheater_old: 900_000,
            cheater_new: 50_000,
            delay: 144,
            payer: Payer::Victim,
            miners: Miners::Myopic,
            outside: 0,
            incremental: 0.1,
            mean_rate: 10.0,
            backlog: 1.0,
        }
    }
}

/// Size in virtual bytes of a justice transaction that the victim signs with its own key (690 WU).
const CONTEST_SIZE: f64 = 172.5;
/// Size in virtual bytes of the presigned justice transaction (776 WU) and of the child that pays its fee (609 WU),
/// together.
const FIXED_SIZE: f64 = 346.25;
/// Size in virtual bytes of the cheater's settlement (704 WU) and of the child that pays its fee (609 WU), together.
const SETTLE_SIZE: f64 = 328.25;
/// Size in virtual bytes of a commitment transaction (668 WU) and of the child that pays its fee (609 WU), together.
const COMMIT_SIZE: f64 = 319.25;
/// Maximum size of a block in virtual bytes.
const BLOCK_SIZE: f64 = 1_000_000.0;

impl Game {
    /// Validates the parameters of the game.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Parameter`] with the name of a parameter that is out of range or inconsistent with another one.
    pub fn check(&self) -> Result<(), ChannelError> {
        ChannelError::check("capacity", &bounds::CAPACITY, self.capacity)?;
        ChannelError::check("old", &bounds::OLD_BALANCE, self.cheater_old)?;
        ChannelError::check("new", &bounds::NEW_BALANCE, self.cheater_new)?;
        ChannelError::check("delay", &bounds::GAME_DELAY, self.delay)?;
        ChannelError::check("outside", &bounds::OUTSIDE, self.outside)?;
        let most = f64::from(bounds::FEERATE.most);
        if !(self.mean_rate > 0.0 && self.mean_rate <= most) {
            let text = format!("{} is no feerate between 0 and {most} sat/vB", self.mean_rate);
            return Err(ChannelError::Parameter("feerate", OutOfBounds::new(text)));
        }
        if let Miners::Colluding(share, _) = self.miners {
            ChannelError::check("colluding", &bounds::SHARE, share)?;
        }
        let refused = |name, text: String| Err(ChannelError::Parameter(name, OutOfBounds::new(text)));
        if self.cheater_old > self.capacity {
            let (old, capacity) = (self.cheater_old, self.capacity);
            return refused("old", format!("{old} sat is more than the capacity of {capacity} sat"));
        }
        if self.cheater_new > self.cheater_old {
            let (new, old) = (self.cheater_new, self.cheater_old);
            return refused(
                "new",
                format!("{new} sat is more than the {old} sat of the old state: cheating would lose"),
            );
        }
        Ok(())
    }

    fn size(&self) -> f64 {
        match self.payer {
            Payer::Victim => CONTEST_SIZE,
            Payer::Fixed { .. } => FIXED_SIZE,
        }
    }

    /// Returns the satoshi that the cheater receives and the victim loses if the cheat succeeds: the
    /// cheater's balance in the old state (a_n).
    fn prize(&self) -> f64 {
        precise(self.cheater_old)
    }

    /// Returns the satoshi that the cheater loses if the cheat fails: its balance in the latest state (a_N).
    fn reserve(&self) -> f64 {
        precise(self.cheater_new)
    }

    /// Returns the fee bonus in satoshi of the presigned justice transaction that can be used in `block`. The
    /// bonus is 0 if the victim pays the fee.
    fn bonus(&self, block: u32) -> f64 {
        match self.payer {
            Payer::Victim => 0.0,
            Payer::Fixed { ladder, .. } => {
                let reached = ladder.iter().rev().find(|(from, _)| *from <= block);
                reached.map_or(0.0, |(_, sat)| precise(*sat))
            }
        }
    }

    /// Returns the maximum rational fee of the justice transaction in `block`, in satoshi. A victim pays at
    /// most what it would lose to the cheat. The fee of a presigned transaction is limited to its bonus plus
    /// the tower's own funds.
    fn limit(&self, block: u32) -> f64 {
        match self.payer {
            Payer::Victim => self.prize().min(precise(self.capacity)),
            Payer::Fixed { coins, .. } => self.bonus(block) + precise(coins),
        }
    }

    /// Returns the share of blocks whose miners leave out a justice transaction with the fee `fee`, and the price in
    /// satoshi that the cheater pays for each of these blocks.
    fn left_out(&self, fee: f64) -> (f64, f64) {
        match self.miners {
            Miners::Myopic => (0.0, 0.0),
            Miners::Colluding(share, price) => (share, precise(price)),
            // A bribe is at most the cheater's gain, and is paid once, after the delay.
            Miners::Bribed(share, each) if each * (self.prize() - self.reserve()) > fee => (share, 0.0),
            Miners::Bribed(..) => (0.0, 0.0),
        }
    }
}

/// Converts satoshi to a floating-point number for multiplication with feerates. Exact, since all amounts are
/// below 2^53.
fn precise(sat: u64) -> f64 {
    let (high, low) = (sat >> 32, sat & 0xffff_ffff);
    let part = |bits: u64| f64::from(u32::try_from(bits).unwrap_or(u32::MAX));
    part(high) * 4_294_967_296.0 + part(low)
}

#[cfg(test)]
mod tests;
