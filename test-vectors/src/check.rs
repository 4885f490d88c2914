//! Checks: what a test case of any format asks the interpreter, and how the interpreter's answer is compared with the
//! expected one.

use bitcoin::{Transaction, TxOut};
use sigstack_interpreter::{Flags, Location, PROPOSALS, ScriptError, Spend, TransactionError, VerifyError};

use crate::case::{Case, Expect, Subject};
use crate::dialect::{CORE, Rules, verdict_name};
use crate::formats::assets::Asset;
use crate::formats::bip340::SchnorrRow;
use crate::formats::ctvhash::TemplateRow;
use crate::formats::script_tests::ScriptTest;
use crate::formats::sighash::SighashRow;
use crate::formats::transactions::{InvalidTransaction, ValidTransaction};
use crate::formats::wallet::{Funded, WalletOutput, WalletSpend};

/// One input of one transaction, and the flags to verify the input with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputQuestion {
    /// The spending transaction.
    pub tx: Transaction,
    /// The outputs spent by the transaction, in input order.
    pub prevouts: Vec<TxOut>,
    /// Index of the input to verify.
    pub index: usize,
    /// The flags to verify with.
    pub flags: Flags,
}

/// A transaction to verify as a whole (every input, and the rules that span inputs), and the flags to verify with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionQuestion {
    /// The transaction to verify.
    pub tx: Transaction,
    /// The outputs spent by the transaction, in input order.
    pub prevouts: Vec<TxOut>,
    /// The flags to verify with.
    pub flags: Flags,
}

/// A verification whose answer is a verdict. Questions about inputs and about whole transactions have separate types,
/// because an implementation that verifies single inputs cannot answer the latter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Asks whether one input is valid.
    Input(InputQuestion),
    /// Asks whether a whole transaction is valid.
    Transaction(TransactionQuestion),
}

impl Question {
    /// Returns the question about an input, or `None` if the question is about a whole transaction.
    pub fn input(self) -> Option<InputQuestion> {
        match self {
            Question::Input(question) => Some(question),
            Question::Transaction(_) => None,
        }
    }
}

/// The check that a test case makes, one variant for each kind of test case.
#[derive(Clone, Debug)]
pub(crate) enum Check {
    Case(Box<Case>),
    Script(Box<ScriptTest>),
    ValidTransaction(Box<ValidTransaction>),
    InvalidTransaction(Box<InvalidTransaction>),
    Asset(Box<Asset>),
    Sighash(Box<SighashRow>),
    Template(Box<TemplateRow>),
    /// Compares only whether the input is valid, not the script error.
    Valid(Box<InputQuestion>, bool),
    Schnorr(Box<SchnorrRow>),
    WalletOutput(Box<WalletOutput>),
    WalletSpend(Box<WalletSpend>),
    WalletTransaction(Box<Funded>),
}

/// The difference between an expected answer and the interpreter's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// Description of the question: the input and the flags, or the name of the computed value.
    pub question: String,
    /// The verdict or value given in the file.
    pub expected: String,
    /// The verdict or value returned by the interpreter.
    pub actual: String,
    /// Where script execution stopped, if the interpreter's verdict is an error.
    pub location: Option<Location>,
}

impl Mismatch {
    /// Creates the mismatch for a computed value that differs from the expected value.
    pub(crate) fn value(question: &str, expected: String, actual: String) -> Box<Mismatch> {
        Box::new(Mismatch { question: question.to_owned(), expected, actual, location: None })
    }

    /// Creates the mismatch for a verdict on an input that differs from the expected verdict.
    pub(crate) fn verdict(
        question: String,
        expected: impl ToString,
        verdict: &Result<(), VerifyError>,
    ) -> Box<Mismatch> {
        let location = match verdict {
            Err(VerifyError::Script { location, .. }) => Some(*location),
            _ => None,
        };
        Box::new(Mismatch {
            question,
            expected: expected.to_string(),
            actual: verdict_name(verdict),
            location,
        })
    }
}

/// Result of a check: `Ok` if the answer is the expected one, otherwise the mismatch.
pub(crate) type Outcome = Result<(), Box<Mismatch>>;

/// Compares two byte strings; a mismatch shows both in hex.
pub(crate) fn same_bytes(question: &str, expected: &[u8], actual: &[u8]) -> Outcome {
    if expected == actual {
        return Ok(());
    }
    Err(Mismatch::value(question, hex::encode(expected), hex::encode(actual)))
}

/// Verifies one input and compares only whether the input is valid, not the script error.
pub(crate) fn expect_accepted(spend: &Spend<'_>, index: usize, flags: Flags, accepted: bool) -> Outcome {
    let verdict = spend.verify_input(index, flags).map(drop);
    let as_expected = match &verdict {
        Ok(()) => accepted,
        Err(VerifyError::Script { .. }) => !accepted,
        Err(VerifyError::Usage(_)) => false,
    };
    if as_expected {
        return Ok(());
    }
    let expected = if accepted { "OK" } else { "an error" };
    Err(Mismatch::verdict(asked(index, flags), expected, &verdict))
}

/// Returns the description of a question about one input, for messages.
pub(crate) fn asked(index: usize, flags: Flags) -> String {
    format!("input {index} under {flags}")
}

impl Check {
    /// Runs the check with the interpreter.
    pub(crate) fn run(&self, rules: &Rules, number: usize) -> Outcome {
        match self {
            Check::Case(case) => run_case(case),
            Check::Script(test) => test.run(rules, number),
            Check::ValidTransaction(row) => row.run(rules, number),
            Check::InvalidTransaction(row) => row.run(rules, number),
            Check::Asset(asset) => asset.run(number),
            Check::Sighash(row) => row.run(),
            Check::Template(row) => row.run(),
            Check::Valid(question, valid) => run_valid(question, *valid),
            Check::Schnorr(row) => row.run(),
            Check::WalletOutput(output) => output.run(),
            Check::WalletSpend(spend) => spend.run(),
            Check::WalletTransaction(signed) => signed.run(),
        }
    }

    /// Returns the reason why a case counts as passed although the interpreter's answer differs from the file's; `None` if
    /// there is no such reason.
    pub(crate) fn excuse(&self) -> Option<&'static str> {
        match self {
            Check::Case(case) if is_todays_policy(case) => {
                Some("judged as today's policy, proposals refused")
            }
            Check::Script(test) => test.excuse(),
            _ => None,
        }
    }

    /// Returns the questions that the check asks, with the flags given in the file. Empty if the check is not about a
    /// verdict.
    pub(crate) fn questions(&self) -> Vec<Question> {
        let of_inputs = match self {
            Check::Case(case) => return vec![case.question()],
            Check::Script(test) => vec![test.question()],
            Check::ValidTransaction(row) => row.questions(),
            Check::InvalidTransaction(row) => row.questions(),
            Check::Asset(asset) => vec![asset.question()],
            Check::WalletSpend(spend) => vec![spend.question()],
            Check::WalletTransaction(signed) => signed.questions(),
            Check::Valid(question, _) => vec![(**question).clone()],
            Check::Sighash(_) | Check::Template(_) | Check::Schnorr(_) | Check::WalletOutput(_) => vec![],
        };
        of_inputs.into_iter().map(Question::Input).collect()
    }

    /// Returns the answer that the file expects, as one word.
    pub(crate) fn expected(&self) -> String {
        match self {
            Check::Case(case) => case.expect.to_string(),
            Check::Script(test) => test.expected().to_owned(),
            Check::InvalidTransaction(_) => "an error".into(),
            Check::Asset(asset) if !asset.is_success() => "an error".into(),
            Check::Schnorr(row) => row.expected().into(),
            Check::Valid(_, false) => "an error".into(),
            Check::Sighash(_) | Check::Template(_) => "the digest of the file".into(),
            Check::WalletOutput(_) => "the values of the file".into(),
            Check::ValidTransaction(_)
            | Check::Asset(_)
            | Check::WalletSpend(_)
            | Check::WalletTransaction(_)
            | Check::Valid(_, true) => "OK".into(),
        }
    }
}

/// Verifies a case under exactly its flags and compares the exact error.
fn run_case(case: &Case) -> Outcome {
    let verdict = Spend::new(&case.tx, &case.prevouts).map_err(TransactionError::from);
    let verdict = verdict.and_then(|spend| match case.subject {
        Subject::Input(index) => {
            spend.verify_input(index, case.flags).map(drop).map_err(|error| error.of_input(index))
        }
        Subject::All => spend.verify(case.flags),
    });
    if case.expect.is(&verdict) {
        return Ok(());
    }
    let question = match case.subject {
        Subject::Input(index) => asked(index, case.flags),
        Subject::All => format!("the transaction under {}", case.flags),
    };
    Err(Box::new(Mismatch {
        question,
        expected: case.expect.to_string(),
        actual: transaction_verdict(&verdict, case.subject),
        location: match verdict {
            Err(TransactionError::Input { location, .. }) => Some(location),
            _ => None,
        },
    }))
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

/// Returns whether the interpreter accepts the input, but the case expects the generic discourage error with which today's
/// policy refuses the upgrade mechanism (OP_SUCCESSx, NOP, unknown public key type) used by a proposal that is not active.
///
/// Implementations that do not know the proposal refuse its upgrade mechanism because of a generic flag. In this
/// interpreter the proposal has a discourage flag of its own. The case is therefore also verified with that flag added, as
/// in the dialect of Core.
pub(crate) fn is_todays_policy(case: &Case) -> bool {
    let (Expect::Error(generic), Subject::Input(index)) = (case.expect, case.subject) else { return false };
    let Ok(joined) = Rules::new(CORE).parse(&case.flags.to_string(), "flags") else { return false };
    let active: Flags =
        PROPOSALS.iter().filter(|it| case.flags.contains(it.flag)).map(|it| it.discourage).collect();
    let Ok(spend) = Spend::new(&case.tx, &case.prevouts) else { return false };
    let accepted = spend.verify_input(index, case.flags).is_ok();
    match spend.verify_input(index, joined - active) {
        Err(VerifyError::Script { error, location }) => {
            accepted && CORE.accepts(generic.name(), error, &location)
        }
        _ => false,
    }
}

/// Returns whether Core reports the error when policy refuses an upgrade mechanism that a proposal uses.
fn is_of_upgrade_mechanism(error: &ScriptError) -> bool {
    PROPOSALS
        .iter()
        .filter_map(|proposal| proposal.hook.core_policy())
        .any(|(_, of_policy)| of_policy == *error)
}

/// Returns the generic discourage error with which an implementation that does not know the proposals refuses the
/// input. Returns `None` if such an implementation does not refuse the input for the upgrade mechanism (OP_SUCCESSx,
/// NOP, unknown public key type) of a proposal that is not active.
///
/// [`is_todays_policy`] is the counterpart for cases that expect such an error.
pub(crate) fn todays_policy(question: &InputQuestion) -> Option<ScriptError> {
    let joined = Rules::new(CORE).parse(&question.flags.to_string(), "flags").ok()?;
    let active: Flags =
        PROPOSALS.iter().filter(|it| question.flags.contains(it.flag)).map(|it| it.discourage).collect();
    let flags = joined - active;
    if question.flags.contains(flags) {
        return None;
    }
    let spend = Spend::new(&question.tx, &question.prevouts).ok()?;
    match spend.verify_input(question.index, flags) {
        Err(VerifyError::Script { error, .. }) => error.in_core().filter(is_of_upgrade_mechanism),
        _ => None,
    }
}

/// Verifies one input and compares only whether the input is valid, not the script error.
fn run_valid(question: &InputQuestion, valid: bool) -> Outcome {
    let spend = spend(&question.tx, &question.prevouts)?;
    expect_accepted(&spend, question.index, question.flags, valid)
}

/// Creates the interpreter's view of a transaction. Returns a mismatch if the transaction and its prevouts do not fit
/// together.
pub(crate) fn spend<'a>(tx: &'a Transaction, prevouts: &'a [TxOut]) -> Result<Spend<'a>, Box<Mismatch>> {
    Spend::new(tx, prevouts).map_err(|error| {
        Mismatch::value("the transaction and its prevouts", "a verdict".into(), error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks a case with an inactive opcode and a case with an unassigned opcode, both with the verdict of older
    /// implementations.
    #[test]
    fn only_hooks_of_inactive_proposals_are_judged_as_todays_policy() {
        let csfs =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/proposals/csfs.jsonl")).unwrap();
        let case = |id: &str| {
            let mut lines = csfs.lines();
            let line = lines.find(|line| line.contains(&format!("\"id\":\"csfs/{id}\""))).unwrap();
            let mut case = Case::read(&serde_json::from_str(line).unwrap()).unwrap();
            case.flags |= Flags::DISCOURAGE_OP_SUCCESS;
            case.expect = Expect::Error(sigstack_interpreter::ScriptError::DiscourageOpSuccess);
            case
        };
        assert!(is_todays_policy(&case("state-inactive")));
        assert!(!is_todays_policy(&case("state-active")));
        let mut other_error = case("state-inactive");
        other_error.expect = Expect::Error(sigstack_interpreter::ScriptError::EvalFalse);
        assert!(!is_todays_policy(&other_error));
        let excuse = |case: Case| Check::Case(Box::new(case)).excuse();
        assert_eq!(excuse(case("state-inactive")), Some("judged as today's policy, proposals refused"));
        assert_eq!((excuse(case("state-active")), excuse(other_error)), (None, None));
    }
}
