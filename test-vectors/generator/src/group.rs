//! A file of cases: valid ones, and rejected ones that each differ from a valid base case in one respect.

use core::marker::PhantomData;

use serde_json::{Map, Value};

use super::spec::{Spec, Verdict};
use sigstack_vectors::Case;

/// A rule that cases check. Each rule of a group needs at least one valid and one rejected case, unless `only` says why one
/// kind is impossible.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// The BIP and its section.
    pub(super) source: &'static str,
    /// The rule in words.
    pub(super) text: &'static str,
    /// The only kind of case that exists, and the reason why the other kind cannot exist.
    pub(super) only: Option<(Only, &'static str)>,
}

/// The only kind of case, valid or rejected, that a rule can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Only {
    Accept,
    Reject,
}

/// Description of a case before its transaction is created: about one input ([`Spec`]) or about a whole transaction.
pub(super) trait Draft: Clone {
    /// The verdict that verification of the case must return.
    type Verdict: Copy + PartialEq;

    /// The verdict of valid cases.
    const ACCEPT: Self::Verdict;

    /// Creates the case. Fails if the engine returns another verdict.
    fn case(
        &self,
        comment: String,
        verdict: Self::Verdict,
        extra: Map<String, Value>,
    ) -> Result<Case, String>;
}

impl Draft for Spec {
    type Verdict = Verdict;
    const ACCEPT: Verdict = Verdict::Accept;

    fn case(&self, comment: String, verdict: Verdict, extra: Map<String, Value>) -> Result<Case, String> {
        Spec::case(self, comment, verdict, extra)
    }
}

/// A valid case from which rejected cases are derived.
#[derive(Clone)]
pub(super) struct Accepted<D = Spec> {
    id: String,
    spec: D,
}

/// The cases of one file.
pub(super) struct Group<D = Spec> {
    name: &'static str,
    cases: Vec<Case>,
    /// The rules in the order of their first case, each with its number of valid and of rejected cases.
    tally: Vec<(&'static Rule, usize, usize)>,
    /// Errors found so far: cases with an unexpected verdict, due to a mistake in the case or a bug in the engine.
    mistakes: Vec<String>,
    drafts: PhantomData<D>,
}

impl<D: Draft> Group<D> {
    pub(super) fn new(name: &'static str) -> Group<D> {
        Group { name, cases: Vec::new(), tally: Vec::new(), mistakes: Vec::new(), drafts: PhantomData }
    }

    /// Adds a case that must be accepted.
    pub(super) fn accept(&mut self, id: &str, rule: &'static Rule, comment: &str, spec: D) -> Accepted<D> {
        self.add(id, rule, comment.to_owned(), &spec, D::ACCEPT, Map::new());
        Accepted { id: format!("{}/{id}", self.name), spec }
    }

    /// Adds a case that must be rejected. `change` turns the valid base case into the rejected one.
    pub(super) fn reject(
        &mut self,
        twin: &Accepted<D>,
        id: &str,
        rule: &'static Rule,
        difference: &str,
        change: impl FnOnce(&mut D),
        verdict: D::Verdict,
    ) {
        let mut spec = twin.spec.clone();
        change(&mut spec);
        let extra = [("twin", twin.id.as_str()), ("differs", difference)];
        let extra = extra.map(|(name, value)| (name.to_owned(), Value::from(value))).into_iter().collect();
        self.add(id, rule, format!("as {}, but {difference}", twin.id), &spec, verdict, extra);
    }

    /// Adds a case that must still be accepted after a change of the base case.
    pub(super) fn accept_changed(
        &mut self,
        twin: &Accepted<D>,
        id: &str,
        rule: &'static Rule,
        difference: &str,
        change: impl FnOnce(&mut D),
    ) {
        let mut spec = twin.spec.clone();
        change(&mut spec);
        self.accept(id, rule, &format!("as {}, and {difference}", twin.id), spec);
    }

    fn add(
        &mut self,
        id: &str,
        rule: &'static Rule,
        comment: String,
        spec: &D,
        verdict: D::Verdict,
        mut extra: Map<String, Value>,
    ) {
        let id = format!("{}/{id}", self.name);
        extra.insert("group".into(), self.name.into());
        extra.insert("source".into(), rule.source.into());
        extra.insert("rule".into(), rule.text.into());
        match spec.case(comment, verdict, extra) {
            Ok(case) => self.cases.push(Case { id: Some(id), ..case }),
            Err(mistake) => self.mistakes.push(format!("{id}: {mistake}")),
        }
        let index = self.tally.iter().position(|(counted, ..)| *counted == rule).unwrap_or(self.tally.len());
        if index == self.tally.len() {
            self.tally.push((rule, 0, 0));
        }
        if let Some((_, accepted, rejected)) = self.tally.get_mut(index) {
            *if verdict == D::ACCEPT { accepted } else { rejected } += 1;
        }
    }

    /// Returns the cases.
    ///
    /// # Errors
    ///
    /// A case with another verdict than expected, two cases with the same id, or a rule without one of the required kinds
    /// of cases.
    pub(super) fn finish(mut self) -> Result<Vec<Case>, String> {
        for (rule, accepted, rejected) in &self.tally {
            let wanted = match rule.only {
                None => *accepted > 0 && *rejected > 0,
                Some((Only::Accept, _)) => *accepted > 0 && *rejected == 0,
                Some((Only::Reject, _)) => *accepted == 0 && *rejected > 0,
            };
            if !wanted {
                let text = rule.text;
                self.mistakes
                    .push(format!("{}: {accepted} accept and {rejected} reject by: {text}", self.name));
            }
        }
        let mut ids: Vec<_> = self.cases.iter().filter_map(|case| case.id.clone()).collect();
        ids.sort();
        for pair in ids.windows(2) {
            if let [a, b] = pair
                && a == b
            {
                self.mistakes.push(format!("two cases are called {a}"));
            }
        }
        if self.mistakes.is_empty() { Ok(self.cases) } else { Err(self.mistakes.join("\n")) }
    }
}
