//! The breach game: a cheater's old commitment has confirmed; will the victim's justice transaction, in time, and at what fee?
//!
//! Block by block, for the delay T: the market asks a rate; miners may leave the justice out for a bribe; the cheater may flood
//! the block if that is worth it; the victim bids by a strategy, each bid a replacement that pays the incremental rate on top. In the
//! signed sequence form the cheater can publish nothing before T. From T on the two bid against each other for the same output.
//!
//! Amounts are satoshi, rates sat/vB. Gains are counted from what each would have with the newest state, fees of closing left out.

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

/// Who pays for the justice, and what limits its fee.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Payer {
    /// The victim's key signs: any fee from the channel or from coins outside, which is the same to the victim.
    Victim,
    /// Transactions fixed in advance, each with a bonus in an anchor: from a block on, so many satoshi. The last that is reached counts.
    /// Who answers takes the bonus, pays with a child, and adds at most `coins` of its own.
    Fixed {
        /// Blocks and bonuses, in order.
        ladder: [(u32, u64); 3],
        /// Satoshi from outside.
        coins: u64,
    },
}

/// What miners do with a justice transaction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Miners {
    /// All take what pays most in the next block.
    Myopic,
    /// This share leaves the justice out, for so many satoshi a block.
    Colluding(f64, u64),
    /// A share leaves it out if its members, each with the second share of the hash rate, expect more from the bribe after the delay than the
    /// justice pays now.
    Bribed(f64, f64),
}

/// The parameters of a game.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Game {
    /// In the channel: V.
    pub capacity: u64,
    /// The cheater's balance in the state that it published: a_n.
    pub cheater_old: u64,
    /// Its balance in the newest state: a_N, the reserve that it has to lose.
    pub cheater_new: u64,
    /// Blocks until the cheater's own path opens: T.
    pub delay: u32,
    /// Who pays.
    pub payer: Payer,
    /// What miners do.
    pub miners: Miners,
    /// What the cheater can burn on floods, from outside.
    pub outside: u64,
    /// What a replacement pays on top for its own size.
    pub incremental: f64,
    /// The market's mean rate.
    pub mean_rate: f64,
    /// How many times the mean the market asks when the old commitment confirms.
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

/// Virtual bytes of the contest with the victim's key: 690 WU.
const CONTEST_SIZE: f64 = 172.5;
/// Of the fixed justice transaction and the child that pays for it: 776 and 609 WU.
const FIXED_SIZE: f64 = 346.25;
/// Of the cheater's settlement and its child: 704 and 609 WU.
const SETTLE_SIZE: f64 = 328.25;
/// Of a commitment and its child: 668 and 609 WU.
const COMMIT_SIZE: f64 = 319.25;
/// Virtual bytes of a block.
const BLOCK_SIZE: f64 = 1_000_000.0;

impl Game {
    /// Checks the parameters, before any work.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Parameter`] names the one that is outside of its range, or does not go with another one.
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

    /// What the cheater has if the cheat succeeds, and the victim loses: a_n.
    fn prize(&self) -> f64 {
        precise(self.cheater_old)
    }

    /// What the cheater loses if it does not: a_N.
    fn reserve(&self) -> f64 {
        precise(self.cheater_new)
    }

    /// The bonus that the justice leaves in a block.
    fn bonus(&self, block: u32) -> f64 {
        match self.payer {
            Payer::Victim => 0.0,
            Payer::Fixed { ladder, .. } => {
                let reached = ladder.iter().rev().find(|(from, _)| *from <= block);
                reached.map_or(0.0, |(_, sat)| precise(*sat))
            }
        }
    }

    /// The highest fee that makes sense in a block: what is lost anyway if the cheat succeeds, or what the fixed transaction leaves and
    /// its payer adds.
    fn limit(&self, block: u32) -> f64 {
        match self.payer {
            Payer::Victim => self.prize().min(precise(self.capacity)),
            Payer::Fixed { coins, .. } => self.bonus(block) + precise(coins),
        }
    }

    /// The share of blocks that leave a justice with this fee out, and what that costs the cheater in each.
    fn left_out(&self, fee: f64) -> (f64, f64) {
        match self.miners {
            Miners::Myopic => (0.0, 0.0),
            Miners::Colluding(share, price) => (share, precise(price)),
            // A bribe is at most the cheater's gain. It is paid once, after the delay.
            Miners::Bribed(share, each) if each * (self.prize() - self.reserve()) > fee => (share, 0.0),
            Miners::Bribed(..) => (0.0, 0.0),
        }
    }
}

/// Satoshi as a number that rates multiply. All amounts are below 2^53.
fn precise(sat: u64) -> f64 {
    let (high, low) = (sat >> 32, sat & 0xffff_ffff);
    let part = |bits: u64| f64::from(u32::try_from(bits).unwrap_or(u32::MAX));
    part(high) * 4_294_967_296.0 + part(low)
}

#[cfg(test)]
mod tests;
