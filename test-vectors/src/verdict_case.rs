//! Cases for testing other implementations: an input or a whole transaction, its flags, and the verdict that the file
//! expects. Files of every format are converted to such cases.

use bitcoin::consensus::encode::serialize;
use serde_json::{Value, json};
use sigstack_interpreter::ScriptError;

use crate::case::Subject;
use crate::check::Expected;
use crate::file::{Entry, VectorFile};
use crate::question::{InputQuestion, Question, TransactionQuestion};
use crate::todays_policy::todays_policy;

/// The verdict that a file expects for an input or a whole transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ExpectedVerdict {
    /// The input or transaction is expected to be valid.
    Ok,
    /// The input or transaction must be invalid, with any error, because the file does not name one.
    AnyError,
    /// The input or transaction must be invalid. Its error or reject reason must have one of these names. The first is
    /// today's spelling of the name in the file, the others mean the same in the dialect of the file.
    Error(Vec<String>),
}

impl ExpectedVerdict {
    /// Returns whether the file expects that the input or transaction is valid.
    pub fn is_ok(&self) -> bool {
        *self == ExpectedVerdict::Ok
    }
}

impl core::fmt::Display for ExpectedVerdict {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            ExpectedVerdict::Ok => "OK",
            ExpectedVerdict::AnyError => "an error",
            ExpectedVerdict::Error(names) => names.first().map_or("an error", String::as_str),
        })
    }
}

/// A question with its expected verdict. An object that contains both a successful and a failing spend gives two cases. A
/// row of Bitcoin Core's tx_valid.json gives one case for each input.
#[derive(Clone, Debug)]
pub struct VerdictCase {
    /// Id of the case. If the file gives none, it is the name of the file, `#`, and the number of the case.
    pub id: String,
    /// Comment on the case, as given in the vector file.
    pub comment: String,
    /// Group of the case: the field `group` of the file, or otherwise the part of the id before the first `/`.
    pub group: Option<String>,
    /// The rule that the case checks, if the file names one.
    pub rule: Option<String>,
    /// Document and section that define the rule that the case tests.
    pub source: Option<String>,
    /// The input or the transaction to verify, and exactly the flags to verify it with.
    pub question: Question,
    /// The verdict that the vector file expects for the question.
    pub expected: ExpectedVerdict,
    /// Error with which an implementation that does not know the proposals may refuse a valid input. The flags contain
    /// a generic discourage flag, and the input uses the upgrade mechanism of a proposal. Such an implementation treats
    /// the mechanism as unassigned.
    pub policy_error: Option<&'static str>,
}

impl VerdictCase {
    /// Returns the line of JSON that is sent to another implementation: an object without spaces and without the expected
    /// verdict.
    pub fn to_line(&self) -> String {
        let mut line = format!("{{\"id\":{}", Value::from(self.id.as_str()));
        if let Some(rule) = &self.rule {
            line.push_str(&format!(",\"rule\":{}", Value::from(rule.as_str())));
        }
        line.push_str(&format!(",{}}}", self.question_fields()));
        line
    }

    /// Returns the JSON fields that determine the verdict: transaction, input index, prevouts and flags. Two cases with
    /// equal fields have the same verdict.
    pub fn question_fields(&self) -> String {
        let (tx, prevouts, flags, subject) = match &self.question {
            Question::Input(InputQuestion { tx, prevouts, index, flags }) => {
                (tx, prevouts, flags, Subject::Input(*index))
            }
            Question::Transaction(TransactionQuestion { tx, prevouts, flags }) => {
                (tx, prevouts, flags, Subject::All)
            }
        };
        let index = subject.to_value();
        let prevouts: Value = prevouts.iter().map(|prevout| hex::encode(serialize(prevout))).collect();
        let (tx, flags) = (hex::encode(serialize(tx)), flags.to_string());
        format!("\"tx\":\"{tx}\",\"index\":{index},\"prevouts\":{prevouts},\"flags\":{}", json!(flags))
    }
}

impl VectorFile {
    /// Converts an entry to cases, each about one input or a whole transaction.
    ///
    /// Each case has exactly the flags that the file names. Some formats also require a verdict under more or fewer
    /// flags. Only [`run()`](crate::run()) verifies with these further flags.
    ///
    /// # Errors
    ///
    /// The reason, if the entry does not determine a verdict for an input or a transaction.
    pub fn verdict_cases(&self, entry: &Entry) -> Result<Vec<VerdictCase>, &'static str> {
        if entry.excuse().is_some() {
            return Err("the verdict of an older version of Bitcoin Core");
        }
        let questions = entry.questions();
        let expected = self.expected_verdict(entry, questions.len())?;
        let labels = &entry.labels;
        let name = labels.id.clone().unwrap_or_else(|| format!("{}#{}", self.name, entry.number));
        let group = entry.case().and_then(|case| case.extra.get("group")).and_then(Value::as_str);
        let of_id = || labels.id.as_ref().and_then(|id| id.split_once('/')).map(|(group, _)| group);
        let group = group.or_else(of_id).map(str::to_owned);
        let is_one = questions.len() == 1;
        let prefix = labels.id.iter().map(|id| format!("{id}: ")).next().unwrap_or_default();
        let comment = entry.comment.strip_prefix(&prefix).unwrap_or(&entry.comment);
        let cases = questions.into_iter().map(|question| VerdictCase {
            id: match &question {
                Question::Input(question) if !is_one => format!("{name} input {}", question.index),
                Question::Input(_) | Question::Transaction(_) => name.clone(),
            },
            comment: comment.to_owned(),
            group: group.clone(),
            rule: labels.rule.clone(),
            source: labels.source.clone(),
            policy_error: match &question {
                Question::Input(question) if expected.is_ok() => {
                    todays_policy(question).map(ScriptError::name)
                }
                Question::Input(_) | Question::Transaction(_) => None,
            },
            question,
            expected: expected.clone(),
        });
        Ok(cases.collect())
    }

    /// Returns the verdict that an entry expects, or the reason why it gives none. `count` is the number of questions
    /// that the entry asks.
    fn expected_verdict(&self, entry: &Entry, count: usize) -> Result<ExpectedVerdict, &'static str> {
        let named = |name: &str| ExpectedVerdict::Error(self.rules().dialect().names_of(name));
        match (entry.expected_answer(), count) {
            (Expected::Value(_), _) => Err("no question about an input"),
            (Expected::Ok, _) => Ok(ExpectedVerdict::Ok),
            (Expected::Error(_) | Expected::AnyError, 0) => Err("a rule about whole transactions"),
            (Expected::Error(name), 1) => Ok(named(&name)),
            (Expected::AnyError, 1) => {
                Ok(entry.labels.error.as_deref().map_or(ExpectedVerdict::AnyError, named))
            }
            (Expected::Error(_) | Expected::AnyError, _) => {
                Err("the file does not say which input is invalid")
            }
        }
    }
}
