//! Seeded pseudorandom number generator, so that every run uses the same numbers.

/// Pseudorandom number generator SplitMix64 (Steele, Lea, Flood, 2014). The field is its state.
pub(crate) struct Random(u64);

impl Random {
    /// Creates the generator for one tapscript or mutant of a run. The random numbers depend only on the seed of the
    /// run and on `number`.
    pub(crate) fn new(seed: u64, number: u64) -> Random {
        let mut random = Random(seed);
        let scattered = random.next() ^ number.wrapping_mul(0xff51_afd7_ed55_8ccd);
        Random(scattered)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a random number below `bound`, which must not be 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Returns true with a probability of one in `times`, otherwise false.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next() as u8
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }

    /// Returns a random element of `items`, which must not be empty.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}
