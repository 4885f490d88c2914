//! Reader of the project's own case format: a JSON array of cases, or JSON Lines with one case per line.

use serde_json::Value;
use sigstack_interpreter::{Spend, TransactionError};

use crate::case::{Case, Expect, Subject};
use crate::check::{Check, Expected};
use crate::dialect::Rules;
use crate::document::Document;
use crate::outcome::{Mismatch, Outcome, asked};
use crate::question::Question;
use crate::reading::{Labels, ParsedCase};
use crate::todays_policy::is_todays_policy;

/// Returns whether a file contains cases of this format. It must contain an object with at least two of the format's
/// required fields.
pub(crate) fn recognise(document: &Document) -> bool {
    let is_case = |item: &Value| {
        let fields = ["tx", "index", "prevouts", "flags", "expect"];
        fields.iter().filter(|field| item.get(field).is_some()).count() >= 2
    };
    document.items().iter().any(is_case)
}

pub(crate) fn read(document: &Document, _: &Rules) -> Vec<ParsedCase> {
    let items = document.items().iter().enumerate();
    let cases = items.map(|(nth, item)| {
        let text = |field| item.get(field).and_then(Value::as_str).map(str::to_owned);
        ParsedCase {
            number: nth + 1,
            id: text("id"),
            comment: text("comment").unwrap_or_default(),
            check: Case::read(item).map(Check::shared),
            note: None,
            labels: Labels { id: text("id"), ..Labels::of(item) },
        }
    });
    cases.collect()
}

impl Check for Case {
    /// Verifies the case under exactly its flags. The verdict must be the expected one, including the name of the
    /// error.
    fn run(&self, _: &Rules, _: usize) -> Outcome {
        let verdict = Spend::new(&self.tx, &self.prevouts).map_err(TransactionError::from);
        let verdict = verdict.and_then(|spend| match self.subject {
            Subject::Input(index) => {
                spend.verify_input(index, self.flags).map(drop).map_err(|error| error.of_input(index))
            }
            Subject::All => spend.verify(self.flags),
        });
        if self.expect.is(&verdict) {
            return Ok(());
        }
        let question = match self.subject {
            Subject::Input(index) => asked(index, self.flags),
            Subject::All => format!("the transaction under {}", self.flags),
        };
        Err(Box::new(Mismatch {
            question,
            expected: self.expect.to_string(),
            actual: transaction_verdict(&verdict, self.subject),
            location: match verdict {
                Err(TransactionError::Input { location, .. }) => Some(location),
                _ => None,
            },
        }))
    }

    fn expected(&self) -> Expected {
        match self.expect {
            Expect::Ok => Expected::Ok,
            Expect::Error(_) | Expect::Rule(_) => Expected::Error(self.expect.to_string()),
        }
    }

    fn questions(&self) -> Vec<Question> {
        vec![self.question()]
    }

    fn excuse(&self) -> Option<&'static str> {
        is_todays_policy(self).then_some("judged as today's policy, proposals refused")
    }

    fn case(&self) -> Option<&Case> {
        Some(self)
    }
}

/// Returns the name of a verdict. For a whole transaction with an invalid input, the name includes the index of that input.
fn transaction_verdict(verdict: &Result<(), TransactionError>, subject: Subject) -> String {
    match (verdict, subject) {
        (Ok(()), _) => "OK".into(),
        (Err(TransactionError::Input { input, error, .. }), Subject::All) => {
            format!("{} in input {input}", error.name())
        }
        (Err(error), _) => error.name().map_or_else(|| error.to_string(), str::to_owned),
    }
}
