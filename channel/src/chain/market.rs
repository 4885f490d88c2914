//! The market for block space: what the next block asks.

/// A seeded process of feerates with backlogs: the logarithm of the rate returns to its mean and is pushed about (AR(1)).
///
/// The numbers are drawn with SplitMix64, so that a seed gives the same rates everywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct FeeMarket {
    state: u64,
    log_rate: f64,
    mean: f64,
    persistence: f64,
    volatility: f64,
}

impl FeeMarket {
    /// A market whose rates (sat/vB) wander about `mean`: `persistence` is the share of a deviation that the next block
    /// keeps (0 to 1), `volatility` the standard deviation of a block's push in natural logarithms.
    pub fn new(seed: u64, mean: f64, persistence: f64, volatility: f64) -> FeeMarket {
        let mean = mean.max(0.001).ln();
        FeeMarket { state: seed, log_rate: mean, mean, persistence, volatility }
    }

    /// Begins in a backlog: the rate is `factor` times the mean and returns from there.
    #[must_use]
    pub fn with_backlog(mut self, factor: f64) -> FeeMarket {
        self.log_rate = self.mean + factor.max(0.001).ln();
        self
    }

    /// A number from 0 to 1, 1 excluded.
    pub fn uniform(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        let high = u32::try_from(bits >> 32).unwrap_or_default();
        f64::from(high) / (f64::from(u32::MAX) + 1.0)
    }

    /// A whole number below `end`, or 0.
    pub fn below(&mut self, end: u32) -> u32 {
        let scaled = self.uniform() * f64::from(end);
        // Its whole part, bit by bit.
        (0..32).rev().fold(0u32, |low, bit| {
            let next = low | 1 << bit;
            if f64::from(next) <= scaled { next } else { low }
        })
    }

    /// A number of the standard normal distribution (Box and Muller).
    fn normal(&mut self) -> f64 {
        let (a, b) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * a.ln()).sqrt() * (core::f64::consts::TAU * b).cos()
    }
}

/// The rate that the next block asks, in sat/vB, without end.
impl Iterator for FeeMarket {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        let rate = self.log_rate.exp();
        let push = self.volatility * self.normal();
        self.log_rate = self.mean + self.persistence * (self.log_rate - self.mean) + push;
        Some(rate)
    }
}
