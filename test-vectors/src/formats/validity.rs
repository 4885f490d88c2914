//! Check for formats that say only whether an input is valid, and do not name the error.

use crate::check::{Check, Expected};
use crate::dialect::Rules;
use crate::outcome::{Outcome, expect_accepted, spend};
use crate::question::{InputQuestion, Question};

/// A question about an input, and whether the input is expected to be valid.
#[derive(Clone, Debug)]
pub(crate) struct InputValidity {
    pub(crate) question: InputQuestion,
    pub(crate) valid: bool,
}

impl Check for InputValidity {
    /// Verifies the input, and checks only whether it is valid. Which script error occurs does not matter.
    fn run(&self, _: &Rules, _: usize) -> Outcome {
        let InputQuestion { tx, prevouts, index, flags } = &self.question;
        expect_accepted(&spend(tx, prevouts)?, *index, *flags, self.valid)
    }

    fn expected(&self) -> Expected {
        Expected::validity(self.valid)
    }

    fn questions(&self) -> Vec<Question> {
        vec![Question::Input(self.question.clone())]
    }
}
