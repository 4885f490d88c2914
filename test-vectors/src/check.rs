//! What a case asks of the interpreter, whatever its format, and how an answer is judged.

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

/// One input of one transaction, and the flags to verify it with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputQuestion {
    /// The spending transaction.
    pub tx: Transaction,
    /// The outputs that it spends, in input order.
    pub prevouts: Vec<TxOut>,
    /// The input to verify.
    pub index: usize,
    /// The flags.
    pub flags: Flags,
}

/// A transaction with the flags to verify all of it with: every input, and the rules that span inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionQuestion {
    /// The transaction.
    pub tx: Transaction,
    /// The outputs that it spends, in input order.
    pub prevouts: Vec<TxOut>,
    /// The flags.
    pub flags: Flags,
}

/// A question with a verdict for its answer. An implementation that verifies single inputs cannot answer a question about a
/// transaction, which is therefore a type of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether an input is valid.
    Input(InputQuestion),
    /// Whether a transaction is valid.
    Transaction(TransactionQuestion),
}

impl Question {
    /// The question if it is about an input; `None` if it is about a transaction.
    pub fn input(self) -> Option<InputQuestion> {
        match self {
            Question::Input(question) => Some(question),
            Question::Transaction(_) => None,
        }
    }
}

/// What a case asks.
#[derive(Clone, Debug)]
pub(crate) enum Check {
    Case(Box<Case>),
    Script(Box<ScriptTest>),
    ValidTransaction(Box<ValidTransaction>),
    InvalidTransaction(Box<InvalidTransaction>),
    Asset(Box<Asset>),
    Sighash(Box<SighashRow>),
    Template(Box<TemplateRow>),
    /// Whether the spend is valid, whatever the error.
    Valid(Box<InputQuestion>, bool),
    Schnorr(Box<SchnorrRow>),
    WalletOutput(Box<WalletOutput>),
    WalletSpend(Box<WalletSpend>),
    WalletTransaction(Box<Funded>),
}

/// An answer that is not the expected one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// What was asked: the input and the flags, or the value that was computed.
    pub question: String,
    /// The verdict or value of the file.
    pub expected: String,
    /// The verdict or value of the interpreter.
    pub actual: String,
    /// Where execution stopped, if the verdict is an error.
    pub location: Option<Location>,
}

impl Mismatch {
    /// A value that is not the expected one.
    pub(crate) fn value(question: &str, expected: String, actual: String) -> Box<Mismatch> {
        Box::new(Mismatch { question: question.to_owned(), expected, actual, location: None })
    }

    /// A verdict on an input that is not the expected one.
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

/// Whether a check came out as expected.
pub(crate) type Outcome = Result<(), Box<Mismatch>>;

/// Compares two values as hex.
pub(crate) fn same_bytes(question: &str, expected: &[u8], actual: &[u8]) -> Outcome {
    if expected == actual {
        return Ok(());
    }
    Err(Mismatch::value(question, hex::encode(expected), hex::encode(actual)))
}

/// Verifies one input and compares only whether it is accepted.
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

/// What is asked of one input.
pub(crate) fn asked(index: usize, flags: Flags) -> String {
    format!("input {index} under {flags}")
}

impl Check {
    /// Asks the interpreter.
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

    /// Why a case that did not come out as expected passes all the same.
    pub(crate) fn excuse(&self) -> Option<&'static str> {
        match self {
            Check::Case(case) if is_todays_policy(case) => {
                Some("judged as today's policy, proposals refused")
            }
            Check::Script(test) => test.excuse(),
            _ => None,
        }
    }

    /// The questions that the check asks, with the flags that it names; none if it is about something else.
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

    /// What the file expects, in a word.
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

/// The name of a verdict. Of a transaction with an invalid input it says which.
fn transaction_verdict(verdict: &Result<(), TransactionError>, subject: Subject) -> String {
    match (verdict, subject) {
        (Ok(()), _) => "OK".into(),
        (Err(TransactionError::Input { input, error, .. }), Subject::All) => {
            format!("{} in input {input}", error.name())
        }
        (Err(error), _) => error.name().map_or_else(|| error.to_string(), str::to_owned),
    }
}

/// Whether a case that is accepted here names the generic discourage error that today's policy has for the hook of a
/// proposal that is not active.
///
/// Implementations that do not know the proposal refuse the hook by its generic flag. Here the hook is assigned, and refusing
/// it is the work of the proposal's own flag. Such a case is judged with that flag joined, as in the dialect of Core.
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

/// The generic discourage error with which implementations that do not know the proposals refuse an input, if they refuse it
/// for what a proposal that is not active uses.
///
/// See [`is_todays_policy`], which judges cases that expect such an error.
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
        Err(VerifyError::Script { error, .. }) => CORE.generic_error(error),
        _ => None,
    }
}

/// Verifies a spend and compares only whether it is accepted.
fn run_valid(question: &InputQuestion, valid: bool) -> Outcome {
    let spend = spend(&question.tx, &question.prevouts)?;
    expect_accepted(&spend, question.index, question.flags, valid)
}

/// The interpreter's view of a transaction, or the mismatch that there is none.
pub(crate) fn spend<'a>(tx: &'a Transaction, prevouts: &'a [TxOut]) -> Result<Spend<'a>, Box<Mismatch>> {
    Spend::new(tx, prevouts).map_err(|error| {
        Mismatch::value("the transaction and its prevouts", "a verdict".into(), error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases of an inactive and of an unassigned opcode, with the verdict that older implementations give.
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
