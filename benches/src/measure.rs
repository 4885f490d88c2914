//! Measures times with as little influence of noise as possible.
//!
//! - All series of a run are sampled in interleaved rounds, each in a newly shuffled order. A temporary slowdown of the
//!   machine therefore affects all series.
//! - Series whose ratio matters form a group. They are sampled next to each other, several times in alternation. The
//!   fastest sample counts, because other processes can only slow a series down.
//! - The clock is the processor time of the thread. It does not advance while other processes run.

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A series of time measurements of the same work. One call of the function `work` does one unit of the work and
/// returns whether the result was correct.
pub struct Series<'a> {
    /// Name of the work that is timed.
    pub name: String,
    work: Box<dyn FnMut() -> bool + 'a>,
    units_per_sample: u32,
    samples: Vec<f64>,
}

impl<'a> Series<'a> {
    /// Creates a series of measurements. [`interleave`] later determines how many units of work one sample contains.
    pub fn new(name: impl Into<String>, work: impl FnMut() -> bool + 'a) -> Series<'a> {
        Series { name: name.into(), work: Box::new(work), units_per_sample: 1, samples: Vec::new() }
    }

    /// Creates a series of measurements in which each unit calls `work` with the next item. After the last item, the
    /// first one follows.
    pub fn cycling<T>(
        name: impl Into<String>,
        items: &'a [T],
        mut work: impl FnMut(&T) -> bool + 'a,
    ) -> Series<'a> {
        let mut items = items.iter().cycle();
        Series::new(name, move || items.next().is_some_and(&mut work))
    }

    fn sample(&mut self) -> Duration {
        let start = processor_time();
        for _ in 0..self.units_per_sample {
            assert!(black_box((self.work)()), "{}: a wrong result", self.name);
        }
        processor_time().saturating_sub(start)
    }

    /// Sets the number of units of work per sample so that a sample takes about the given time.
    fn calibrate(&mut self, sample_time: Duration) {
        loop {
            let time = self.sample();
            if time >= sample_time / 2 || self.units_per_sample >= 1 << 20 {
                let units =
                    u128::from(self.units_per_sample) * sample_time.as_nanos() / time.as_nanos().max(1);
                self.units_per_sample = u32::try_from(units.clamp(1, 1 << 20)).unwrap_or(1);
                return;
            }
            self.units_per_sample *= 2;
        }
    }
}

/// Does some work once and returns the processor time that it took.
pub fn time(work: impl FnOnce()) -> Duration {
    let start = processor_time();
    work();
    processor_time().saturating_sub(start)
}

/// Returns the processor time that this thread has used.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let part = |part: i64| u64::try_from(part).unwrap_or(0);
    Duration::from_secs(part(time.tv_sec)) + Duration::from_nanos(part(time.tv_nsec))
}

/// Statistics of measured values (samples), in the same unit as the samples. For the samples of a [`Series`], this is
/// nanoseconds per unit of work. Other callers use ratios or seconds.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct Timing {
    /// Median of the measured values (samples).
    pub median: f64,
    /// Lower quartile: a quarter of the measured values (samples) is below this value.
    pub lower_quartile: f64,
    /// Upper quartile: a quarter of the measured values (samples) is above this value.
    pub upper_quartile: f64,
    /// Smallest of the measured values (samples).
    pub minimum: f64,
}

impl Timing {
    /// Computes the statistics of measured values (samples), in the same unit as the samples.
    pub fn of(samples: &[f64]) -> Timing {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        // The quartiles are rounded outwards, so that the spread of few samples is not understated.
        let last = sorted.len().saturating_sub(1);
        Timing {
            median: at(last / 2),
            lower_quartile: at(last / 4),
            upper_quartile: at(last - last / 4),
            minimum: at(0),
        }
    }

    /// Returns the difference between the upper and the lower quartile of the samples, relative to the median.
    pub fn spread(&self) -> f64 {
        (self.upper_quartile - self.lower_quartile) / self.median
    }
}

/// The results of a series of measurements.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Sampled {
    /// Statistics of the samples of the series.
    #[serde(flatten)]
    pub timing: Timing,
    /// Samples of the series in the order of the rounds, in nanoseconds per unit of work.
    #[serde(skip)]
    samples: Vec<f64>,
}

impl Sampled {
    fn new(samples: Vec<f64>) -> Sampled {
        Sampled { timing: Timing::of(&samples), samples }
    }

    /// Returns the ratio of two medians: that of this series, divided by that of the other series.
    pub fn ratio_of_medians(&self, other: &Sampled) -> f64 {
        self.timing.median / other.timing.median
    }

    /// Returns the median of the ratios to another series of the same group. Each ratio compares two samples of one
    /// round. If the machine's speed changes during the run, this value varies much less than the ratio of the
    /// medians.
    pub fn ratio_to(&self, other: &Sampled) -> f64 {
        let ratios: Vec<f64> =
            self.samples.iter().zip(&other.samples).map(|(one, other)| one / other).collect();
        Timing::of(&ratios).median
    }
}

/// How many time measurements a benchmark makes, and how long each takes.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Number of rounds. Each round gives one sample of each series.
    pub rounds: usize,
    /// Approximate duration of a time measurement.
    pub sample_time: Duration,
}

/// Number of times that a round measures the series of a group in forward and then in reverse order.
pub const TURNS: usize = 3;

/// Measures all series in interleaved rounds. A group consists of series whose ratios matter. Returns the results in
/// the order of the groups and of the series in a group.
///
/// In each round, the groups and the series of a group are in a shuffled order. The series of a group are measured in
/// forward and in reverse order, so that a drift within a round affects the first and the last equally. The fastest
/// measurement of each series in a round becomes its sample.
pub fn interleave(groups: &mut [Vec<Series<'_>>], plan: Plan) -> Vec<Vec<Sampled>> {
    groups.iter_mut().flatten().for_each(|one| one.calibrate(plan.sample_time));
    let mut order: Vec<(usize, Vec<usize>)> =
        groups.iter().enumerate().map(|(index, group)| (index, (0..group.len()).collect())).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    for _ in 0..plan.rounds {
        shuffle(&mut order, &mut random);
        for (group, members) in &mut order {
            shuffle(members, &mut random);
            let Some(group) = groups.get_mut(*group) else { continue };
            let mut fastest = vec![Duration::MAX; group.len()];
            for _ in 0..TURNS {
                for member in members.iter().chain(members.iter().rev()) {
                    if let (Some(one), Some(fastest)) = (group.get_mut(*member), fastest.get_mut(*member)) {
                        *fastest = one.sample().min(*fastest);
                    }
                }
            }
            for (one, time) in group.iter_mut().zip(fastest) {
                one.samples.push(time.as_secs_f64() * 1e9 / f64::from(one.units_per_sample));
            }
        }
    }
    let sampled = |one: &mut Series<'_>| Sampled::new(std::mem::take(&mut one.samples));
    groups.iter_mut().map(|group| group.iter_mut().map(sampled).collect()).collect()
}

/// Shuffles a list with the algorithm of Fisher and Yates, and with Marsaglia's xorshift generator.
fn shuffle<T>(order: &mut [T], random: &mut u64) {
    for last in (1..order.len()).rev() {
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        let other = usize::try_from(*random % (last as u64 + 1)).unwrap_or(0);
        order.swap(last, other);
    }
}

/// Returns the geometric mean of some values, or 0 if there are no values.
pub fn geometric_mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    (values.iter().map(|value| value.ln()).sum::<f64>() / values.len() as f64).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles() {
        let timing = Timing::of(&[5.0, 1.0, 2.0, 4.0, 3.0]);
        assert_eq!(
            (timing.minimum, timing.lower_quartile, timing.median, timing.upper_quartile),
            (1.0, 2.0, 3.0, 4.0)
        );
        assert!((timing.spread() - 2.0 / 3.0).abs() < 1e-12);
        // With two samples, both are within the quartiles.
        assert!((Timing::of(&[3.0, 2.0]).spread() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn each_series_is_sampled_in_each_round_and_cycles_through_its_items() {
        let items = [1, 2, 3];
        let mut seen = Vec::new();
        let plan = Plan { rounds: 4, sample_time: Duration::ZERO };
        let mut groups = [vec![Series::cycling("items", &items, |item| {
            seen.push(*item);
            true
        })]];
        let sampled = interleave(&mut groups, plan);
        assert_eq!(sampled.iter().map(Vec::len).collect::<Vec<_>>(), [1]);
        assert_eq!(sampled[0][0].samples.len(), 4);
        drop(groups);
        // One call for the calibration, then one forward and one in reverse in each turn of each round.
        assert_eq!(seen.len(), 1 + 4 * 2 * TURNS);
        assert!(seen.iter().zip([1, 2, 3].iter().cycle()).all(|(seen, item)| seen == item));
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        // The simulated machine is twice as slow in two of the rounds.
        let (one, other) =
            (Sampled::new(vec![3.0, 6.0, 3.0, 6.0, 3.1]), Sampled::new(vec![2.0, 4.0, 2.0, 4.0, 4.0]));
        assert!((one.ratio_to(&other) - 1.5).abs() < 1e-12);
        assert!((one.ratio_of_medians(&other) - 3.1 / 4.0).abs() < 1e-12);
    }

    #[test]
    fn means() {
        assert!((geometric_mean(&[1.0, 4.0]) - 2.0).abs() < 1e-12);
        assert!(geometric_mean(&[]) < 1e-12);
    }

    #[test]
    fn a_shuffle_keeps_all() {
        let (mut order, mut random) = ((0..50).collect::<Vec<_>>(), 7);
        shuffle(&mut order, &mut random);
        assert_ne!(order, (0..50).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..50).collect::<Vec<_>>());
    }
}
