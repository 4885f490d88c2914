//! A file of cases: accepted ones, and rejected twins that differ from them in one thing.

use core::marker::PhantomData;

use serde_json::{Map, Value};

use super::spec::{Spec, Verdict};
use sigstack_vectors::Case;

/// A rule that cases check. Each rule of a group is checked by an accepting and by a rejecting case; `only` says why one of
/// them cannot be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// The BIP and its section.
    pub(super) source: &'static str,
    /// The rule in words.
    pub(super) text: &'static str,
    /// Which kind of case there is, and why not the other.
    pub(super) only: Option<(Only, &'static str)>,
}

/// Which kind of case a rule has, if it cannot have both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Only {
    Accept,
    Reject,
}

/// A case before it is made: about one input ([`Spec`]) or about a whole transaction.
pub(super) trait Draft: Clone {
    /// The verdict that it must get.
    type Verdict: Copy + PartialEq;

    /// The verdict on what is valid.
    const ACCEPT: Self::Verdict;

    /// Makes the case. Fails if the engine has another verdict.
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

/// An accepted case that others can be twins of.
#[derive(Clone)]
pub(super) struct Accepted<D = Spec> {
    id: String,
    spec: D,
}

/// The cases of one file.
pub(super) struct Group<D = Spec> {
    name: &'static str,
    cases: Vec<Case>,
    /// The rules in the order of their first case, each with how many cases accept and reject by it.
    tally: Vec<(&'static Rule, usize, usize)>,
    /// What went wrong: a case whose verdict is not the expected one is a mistake of its maker or of the engine.
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

    /// Adds a case that must be rejected, and that differs from an accepted one in what `change` changes.
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

    /// Adds a case that must be accepted all the same after a change.
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

    /// The cases.
    ///
    /// # Errors
    ///
    /// A case that did not get its verdict, two cases of one id, or a rule that lacks a kind of case.
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
