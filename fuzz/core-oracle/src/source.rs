//! Creates the test cases on which the engine and Core are compared.

use std::fmt;
use std::io;
use std::path::Path;

use sigstack_fuzz::bytes::Reader;
use sigstack_fuzz::seeds;
use sigstack_fuzz::spend::{RECIPE, Subject};
use sigstack_interpreter::Flags;
use sigstack_vectors::InputQuestion;

use crate::oracle::corpus::Corpus;
use crate::oracle::edit::edit_bytes;
use crate::oracle::mutate::{Kind, Mutator, core_flags, draw_policy_flags};
use crate::random::Random;

/// Where a test case comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// A test vector verified under the flags that the vector has. They include no flags of proposals.
    Vector,
    /// A test vector verified under flags that the vector does not have: its flags without those of proposals, or all
    /// of Core's flags.
    VectorOtherFlags,
    /// A mutated vector, or a random tapscript. The value is the kind of the mutation.
    Mutant(Kind),
    /// An input that was made from a mutated recipe of the fuzz targets. It is signed after the mutation.
    Recipe,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Vector => f.write_str("vectors"),
            Origin::VectorOtherFlags => f.write_str("vectors under other flags"),
            Origin::Mutant(Kind::RandomTapscript) => f.write_str("random tapscripts"),
            Origin::Mutant(kind) => write!(f, "mutants: {}", format!("{kind:?}").to_lowercase()),
            Origin::Recipe => f.write_str("random recipes"),
        }
    }
}

/// Returns the vectors of the project, and those of other projects in the folder `../shared` if it exists.
pub(crate) fn corpus() -> Corpus {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test-vectors");
    let folders = sigstack_test_support::shared("vectors").into_iter().chain([own]);
    Corpus::of(&folders.collect::<Vec<_>>())
}

/// A source of numbered test cases. The same seed and case number always give the same case.
pub(crate) struct Source<'a> {
    vectors: &'a [InputQuestion],
    mutator: Mutator<'a>,
    recipes: Vec<Vec<u8>>,
    seed: u64,
}

/// One in this many of the test cases after the vectors is made from a recipe of the fuzz targets: those whose case
/// number is divisible by this constant. All others are mutants of vectors.
const RECIPES: u64 = 5;

impl<'a> Source<'a> {
    /// Creates a source of test cases: the vectors, mutants of them, and cases made from recipes.
    ///
    /// # Errors
    ///
    /// An error if a vector file cannot be read.
    pub(crate) fn new(vectors: &'a [InputQuestion], seed: u64) -> io::Result<Source<'a>> {
        let mut seeds = seeds::seeds(&seeds::folders())?;
        let mut recipes = seeds.remove("verify_differential").unwrap_or_default();
        // The first byte contains flags.
        recipes.retain(|recipe| recipe.get(1) == Some(&RECIPE));
        Ok(Source { vectors, mutator: Mutator::new(vectors, seed).with_policy(), recipes, seed })
    }

    /// Returns the test case with this number, and where it comes from. The first numbers are those of the vectors:
    /// two for each vector, with different flags. Mutants and random cases follow. Returns `None` if there is no case
    /// with this number.
    pub(crate) fn case(&self, number: u64) -> Option<(Origin, InputQuestion)> {
        let nth = usize::try_from(number / 2).ok()?;
        match self.vectors.get(nth) {
            Some(vector) => of_vector(vector, number % 2 == 1),
            None if number.is_multiple_of(RECIPES) => Some((Origin::Recipe, self.recipe(number)?)),
            None => {
                let (kind, question) = self.mutator.mutant(number);
                Some((Origin::Mutant(kind), question?))
            }
        }
    }

    fn recipe(&self, number: u64) -> Option<InputQuestion> {
        let mut random = Random::new(self.seed ^ RECIPES, number);
        let mut bytes = random.pick(&self.recipes).get(2..)?.to_vec();
        for _ in 0..random.below(4) {
            edit_bytes(&mut bytes, &mut random);
        }
        let flags = draw_policy_flags(Flags::CONSENSUS, &mut random);
        let subject = Subject::read(&mut Reader::new(&[&[RECIPE], bytes.as_slice()].concat()), flags)?;
        let Subject { tx, prevouts, index } = subject;
        Some(InputQuestion { tx, prevouts, index, flags })
    }
}

fn of_vector(vector: &InputQuestion, other_flags: bool) -> Option<(Origin, InputQuestion)> {
    let own = vector.flags & core_flags();
    let (origin, flags) = match (other_flags, vector.flags == own) {
        (false, true) => (Origin::Vector, own),
        (false, false) => (Origin::VectorOtherFlags, own),
        (true, _) => (Origin::VectorOtherFlags, core_flags()),
    };
    Some((origin, InputQuestion { flags: flags.closure(), ..vector.clone() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitcoin::absolute::LockTime;
    use bitcoin::transaction::Version;
    use bitcoin::{Transaction, TxIn, TxOut};

    fn vector(flags: Flags) -> InputQuestion {
        let tx = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn::default()],
            output: vec![],
        };
        InputQuestion { tx, prevouts: vec![TxOut::NULL], index: 0, flags }
    }

    #[test]
    fn vectors_are_asked_under_flags_of_core_only() {
        let flags = |flags, other| {
            of_vector(&vector(flags), other).map(|(origin, question)| (origin, question.flags))
        };
        let consensus = Flags::CONSENSUS;
        assert_eq!(flags(consensus, false), Some((Origin::Vector, consensus)));
        assert_eq!(flags(consensus, true), Some((Origin::VectorOtherFlags, core_flags())));
        let active = consensus | Flags::OP_CAT | Flags::DISCOURAGE_ANYPREVOUT;
        assert_eq!(flags(active, false), Some((Origin::VectorOtherFlags, consensus)));
    }

    #[test]
    fn drawn_flags_are_of_core_and_valid() {
        let flags = |number| draw_policy_flags(Flags::P2SH, &mut Random::new(1, number));
        let all = (0..2_000).map(flags).collect::<Vec<Flags>>();
        assert!(all.iter().all(|flags| flags.check().is_ok() && core_flags().contains(*flags)));
        assert!(all.contains(&core_flags()) && all.contains(&Flags::CONSENSUS) && all.contains(&Flags::P2SH));
    }
}
