//! Counts how often each outcome occurred in a run, for each rule and in total.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use sigstack_debugger::counted;

use super::answer::{Answer, Outcome, Reply};
use super::gather::{Asked, Gathered};
use super::pool::{Lost, Replied, Replies};

/// A test case with the implementation's reply and the outcome of the comparison.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged<'a> {
    pub(super) asked: &'a Asked,
    pub(super) replied: &'a Replied,
    pub(super) outcome: Outcome,
}

/// Number of cases with each outcome, in the order of [`Outcome::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally([usize; Outcome::ALL.len()]);

impl Tally {
    fn add(&mut self, outcome: Outcome) {
        for (count, kind) in self.0.iter_mut().zip(Outcome::ALL) {
            *count += usize::from(kind == outcome);
        }
    }

    /// Adds the counts of another tally to this one.
    pub(super) fn merge(&mut self, other: Tally) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    /// Returns each outcome with the number of its cases.
    pub(super) fn counts(&self) -> impl Iterator<Item = (Outcome, usize)> {
        Outcome::ALL.into_iter().zip(self.0)
    }

    /// Returns the number of cases with this outcome.
    pub(super) fn of(&self, outcome: Outcome) -> usize {
        self.counts().filter(|(kind, _)| *kind == outcome).map(|(_, count)| count).sum()
    }

    pub(super) fn total(&self) -> usize {
        self.0.iter().sum()
    }

    /// Returns the number of cases that count as differences.
    pub(super) fn failures(&self, errors: bool) -> usize {
        self.counts().filter(|(outcome, _)| outcome.fails(errors)).map(|(_, count)| count).sum()
    }
}

/// All results of a `sigstack conform` run, as its reports show them.
#[derive(Debug)]
pub(super) struct Results<'a> {
    pub(super) gathered: &'a Gathered,
    /// The tested command as one text.
    pub(super) command: String,
    /// `true` if an error name other than the expected one counts as a difference (`--errors`).
    pub(super) errors: bool,
    /// All cases, in the order in which the files contain them.
    pub(super) cases: Vec<Judged<'a>>,
    /// Each rule with its counts, in the order in which the rules first occur in the files.
    pub(super) rules: Vec<(&'a str, Tally)>,
    pub(super) total: Tally,
    /// Number of answers that reject a case without naming an error of Bitcoin Core.
    pub(super) unnamed: usize,
    /// Number of rejections that count as agreement, because the implementation does not know a proposal and rejects
    /// the use of its opcode or key as today's policy does.
    pub(super) as_policy: usize,
    /// Processes that crashed after one case and before the next.
    pub(super) lost: &'a Lost,
    /// Reason why the run stopped before all cases were sent, as text.
    pub(super) stopped: Option<String>,
    /// Number of cases that were not sent to the implementation, because the run stopped before.
    pub(super) not_asked: usize,
}

/// Returns `true` if the implementation rejects the case only because it does not know a proposal. It then answers
/// with today's policy error for the opcode or key, or with an error without a name.
fn is_todays_policy(asked: &Asked, replied: &Replied) -> bool {
    match (&replied.reply, asked.case.policy_error) {
        (Reply::Answer(Answer::Error(error)), Some(policy)) => *error == policy,
        (Reply::Answer(Answer::Unnamed(_)), Some(_)) => true,
        _ => false,
    }
}

impl<'a> Results<'a> {
    pub(super) fn new(
        gathered: &'a Gathered,
        replies: &'a Replies,
        command: String,
        errors: bool,
    ) -> Results<'a> {
        let mut as_policy = 0;
        let judge = |(asked, replied): (&'a Asked, &'a Replied)| {
            let is_policy = is_todays_policy(asked, replied);
            as_policy += usize::from(is_policy);
            let outcome = match is_policy {
                true => Outcome::Agrees,
                false => Outcome::of(&asked.case.expected, &replied.reply, errors),
            };
            Judged { asked, replied, outcome }
        };
        let cases: Vec<Judged<'a>> = gathered.cases.iter().zip(&replies.list).map(judge).collect();
        let mut rules: Vec<(&str, Tally)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut total = Tally::default();
        for judged in &cases {
            let row = judged.asked.row.as_str();
            let place = *places.entry(row).or_insert_with(|| {
                rules.push((row, Tally::default()));
                rules.len() - 1
            });
            if let Some((_, tally)) = rules.get_mut(place) {
                tally.add(judged.outcome);
            }
            total.add(judged.outcome);
        }
        let is_unnamed =
            |judged: &&Judged<'_>| matches!(judged.replied.reply, Reply::Answer(Answer::Unnamed(_)));
        let unnamed = cases.iter().filter(is_unnamed).count();
        let not_asked = cases.iter().filter(|judged| judged.replied.reply.is_not_asked()).count();
        let (lost, stopped) = (&replies.lost, replies.stopped.as_ref().map(ToString::to_string));
        Results {
            gathered,
            command,
            errors,
            cases,
            rules,
            total,
            unnamed,
            as_policy,
            lost,
            stopped,
            not_asked,
        }
    }

    /// Returns the cases that were sent to the implementation and count as differences.
    pub(super) fn failures(&self) -> impl Iterator<Item = &Judged<'a>> {
        self.asked().filter(|judged| judged.outcome.fails(self.errors))
    }

    /// Returns the cases that were sent to the implementation.
    pub(super) fn asked(&self) -> impl Iterator<Item = &Judged<'a>> {
        self.cases.iter().filter(|judged| !judged.replied.reply.is_not_asked())
    }

    /// Returns the ids of the cases that were not sent to the implementation.
    pub(super) fn not_asked(&self) -> impl Iterator<Item = &'a str> {
        let cases = self.cases.iter().filter(|judged| judged.replied.reply.is_not_asked());
        cases.map(|judged| judged.asked.case.id.as_str())
    }

    /// Returns the cases with an unexpected error name, if those do not count as differences. Otherwise returns no
    /// cases.
    pub(super) fn other_errors(&self) -> impl Iterator<Item = &Judged<'a>> {
        let is_other = |judged: &&Judged<'_>| judged.outcome == Outcome::OtherError;
        self.cases.iter().filter(is_other).filter(|_| !self.errors)
    }

    /// Returns the implementation's reasons for abstaining, each with its number of cases, the most frequent first.
    pub(super) fn abstentions(&self) -> Vec<(&'a str, usize)> {
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for judged in &self.cases {
            if let Reply::Answer(Answer::Abstains(reason)) = &judged.replied.reply {
                *reasons.entry(reason.as_str()).or_default() += 1;
            }
        }
        let mut reasons: Vec<(&str, usize)> = reasons.into_iter().collect();
        reasons.sort_by_key(|(_, count)| Reverse(*count));
        reasons
    }

    /// Describes the processes that crashed between two cases, in a sentence without a full stop. Returns `None` if
    /// there are none.
    pub(super) fn lost(&self) -> Option<String> {
        let (id, how) = self.lost.first.as_ref()?;
        let times = counted(self.lost.processes, "time");
        Some(format!(
            "{times} a process crashed after an answer, and another one answered the next case; first after {id}: the command {how}"
        ))
    }

    /// Returns the result as a sentence without a full stop: the number of cases that agree, and the counts of other
    /// outcomes.
    pub(super) fn sentence(&self) -> String {
        let phrase = |(outcome, count): (Outcome, usize)| match (outcome, count) {
            (Outcome::Agrees, _) => Some(format!("{count} agree")),
            (_, 0) => None,
            (Outcome::WrongVerdict, _) => Some(counted(count, "wrong verdict")),
            (Outcome::OtherError, _) => Some(counted(count, "other error")),
            (Outcome::NoAnswer, _) => Some(format!("{count} without an answer")),
            (Outcome::Abstained, _) => Some(format!("{count} abstained")),
        };
        let phrases: Vec<String> = self.total.counts().filter_map(phrase).collect();
        format!("{}: {}", counted(self.total.total(), "case"), phrases.join(", "))
    }
}
