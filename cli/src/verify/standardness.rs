//! The part of the policy verdict that comes from standardness rules and not from the execution of scripts.

use sigstack_policy::{Candidate, Policy, PolicyError};

use crate::prevouts::list;
use crate::subject::{Origin, Subject};

/// Which of Core's standardness rules were checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All standardness rules for the transaction were checked.
    Transaction,
    /// All standardness rules were checked that do not need an unknown spent output.
    Part,
    /// Only the standardness rules for the verified inputs were checked.
    Inputs,
    /// No standardness rule was checked, because the transaction was made up for a script.
    Nothing,
}

impl Extent {
    /// Returns the name that JSON output uses for this value, such as `transaction`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Extent::Transaction => "transaction",
            Extent::Part => "part",
            Extent::Inputs => "inputs",
            Extent::Nothing => "nothing",
        }
    }
}

/// Verdict under the standardness rules of Bitcoin Core 31.
pub(super) struct Standardness {
    pub(super) extent: Extent,
    pub(super) verdict: Result<(), PolicyError>,
    /// Text about the parts of the transaction that could not be checked, and why.
    pub(super) unchecked: Option<String>,
}

impl Standardness {
    pub(super) fn new(subject: &Subject) -> Standardness {
        let policy = Policy::CORE_31;
        match subject.origin {
            Origin::Script => Standardness { extent: Extent::Nothing, verdict: Ok(()), unchecked: None },
            Origin::InputCase | Origin::TransactionCase => {
                let verified = subject
                    .known
                    .iter()
                    .enumerate()
                    .map(|(input, prevout)| prevout.as_ref().filter(|_| subject.inputs.contains(&input)));
                Standardness {
                    extent: Extent::Inputs,
                    verdict: Candidate::with_known(&subject.tx, verified).check_inputs(&policy),
                    unchecked: None,
                }
            }
            Origin::Chain => {
                let candidate = Candidate::with_known(&subject.tx, subject.known.iter().map(Option::as_ref));
                let verdict = candidate.check(&policy);
                let unknown = candidate.unknown_prevouts();
                if unknown.is_empty() {
                    return Standardness { extent: Extent::Transaction, verdict, unchecked: None };
                }
                let unchecked = format!(
                    "standardness of {} and of the fee: the outputs spent there are not given",
                    list(&unknown)
                );
                Standardness { extent: Extent::Part, verdict, unchecked: Some(unchecked) }
            }
        }
    }
}
