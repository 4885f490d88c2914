//! Seeded pseudorandom number generator. Its seed is fixed, so every run makes the same random variations of each case.

/// Seed of the random variations. It is the same in every run.
const SEED: u64 = 0x5167_57ac_4b00_0002;

/// Pseudorandom number generator SplitMix64 (Steele, Lea, Flood, 2014). The field is its state.
pub(crate) struct Random(u64);

impl Random {
    /// Creates the generator for the random variations of a case. Its output depends only on the number of the case,
    /// not on which cases ran before.
    pub(crate) fn of_case(number: usize) -> Random {
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        Random(SEED ^ number.wrapping_mul(0xff51_afd7_ed55_8ccd))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_depend_on_the_case_only() {
        let numbers = |case| {
            let mut random = Random::of_case(case);
            [random.next(), random.next()]
        };
        assert_eq!(numbers(7), numbers(7));
        assert_ne!(numbers(7), numbers(8));
        assert_ne!(numbers(7)[0], numbers(7)[1]);
    }

    #[test]
    fn numbers_are_those_of_splitmix() {
        // The first outputs for seed 1234567, compared with other implementations.
        let mut random = Random(1_234_567);
        let numbers = [random.next(), random.next(), random.next()];
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }
}
