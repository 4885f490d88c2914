//! A random model of the fee market: the feerates that the next blocks require.

/// A random process of feerates, which may start above the mean (in a backlog). The logarithm of the feerate is an
/// AR(1) process that returns to its mean.
///
/// Random numbers come from SplitMix64, so that a seed gives the same rates on every platform.
#[derive(Clone, Debug, PartialEq)]
pub struct FeeMarket {
    state: u64,
    log_rate: f64,
    mean: f64,
    persistence: f64,
    volatility: f64,
}

impl FeeMarket {
    /// Returns a market whose rates (sat/vB) vary around `mean`. `persistence` (0 to 1) is the part of the deviation
    /// from the mean that is left one block later. `volatility` is the standard deviation of the random change in one
    /// block. Both refer to the natural logarithm of the rate.
    pub fn new(seed: u64, mean: f64, persistence: f64, volatility: f64) -> FeeMarket {
        let mean = mean.max(0.001).ln();
        FeeMarket { state: seed, log_rate: mean, mean, persistence, volatility }
    }

    /// Starts the market in a backlog: the first rate is `factor` times the mean and returns to the mean
    /// from there.
    #[must_use]
    pub fn with_backlog(mut self, factor: f64) -> FeeMarket {
        self.log_rate = self.mean + factor.max(0.001).ln();
        self
    }

    /// Returns a random number from 0 (included) to 1 (excluded).
    pub fn uniform(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        let high = u32::try_from(bits >> 32).unwrap_or_default();
        f64::from(high) / (f64::from(u32::MAX) + 1.0)
    }

    /// Returns a random integer below `end`, or 0 if `end` is 0.
    pub fn below(&mut self, end: u32) -> u32 {
        let scaled = self.uniform() * f64::from(end);
        // The integer part of `scaled`, computed bit by bit.
        (0..32).rev().fold(0u32, |low, bit| {
            let next = low | 1 << bit;
            if f64::from(next) <= scaled { next } else { low }
        })
    }

    /// Returns a random number of the standard normal distribution (Box-Muller transform).
    fn normal(&mut self) -> f64 {
        let (a, b) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * a.ln()).sqrt() * (core::f64::consts::TAU * b).cos()
    }
}

/// An endless sequence of the feerates that the next blocks require, in sat/vB.
impl Iterator for FeeMarket {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        let rate = self.log_rate.exp();
        let push = self.volatility * self.normal();
        self.log_rate = self.mean + self.persistence * (self.log_rate - self.mean) + push;
        Some(rate)
    }
}
