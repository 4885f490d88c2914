//! Collects the cases of one file. Some are valid, and each rejected case differs from a valid case in one respect.

use core::marker::PhantomData;

use serde_json::{Map, Value};

use super::spec::{Spec, Verdict};
use sigstack_vectors::Case;

/// A rule that cases test. A group must contain at least one valid and one rejected case for each rule, unless `only`
/// says that one of the two cannot exist.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rule {
    /// Document and section that define the rule, such as "BIP 341, Script validation rules".
    pub(super) source: &'static str,
    /// The rule in words, as written to the field `rule` of each case.
    pub(super) text: &'static str,
    /// If only valid or only rejected cases can exist for this rule: which of the two, and the reason.
    pub(super) only: Option<(Only, &'static str)>,
}

/// The kind of case that exists for a rule, valid or rejected, if only one of the two kinds can exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Only {
    Accept,
    Reject,
}

/// Description of a test case before its transaction is created. It is about one input ([`Spec`]) or about a whole
/// transaction.
pub(super) trait Draft: Clone {
    /// Type of the verdict that a case of this kind expects.
    type Verdict: Copy + PartialEq;

    /// The verdict that a valid case of this type expects.
    const ACCEPT: Self::Verdict;

    /// Creates the test case and verifies it. Fails if the engine's verdict is not the expected one.
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

/// A valid case in a group, with its id. Rejected cases are derived from it by changing a copy.
#[derive(Clone)]
pub(super) struct Accepted<D = Spec> {
    id: String,
    spec: D,
}

/// A group of cases while it is created. The cases are written to one file.
pub(super) struct Group<D = Spec> {
    name: &'static str,
    cases: Vec<Case>,
    /// The rules that the group's cases test, in the order of their first case. Each has the number of valid cases and
    /// the number of rejected cases.
    tally: Vec<(&'static Rule, usize, usize)>,
    /// Messages about cases whose verdict was not the expected one. Either the case or the engine has a bug.
    mistakes: Vec<String>,
    drafts: PhantomData<D>,
}

impl<D: Draft> Group<D> {
    pub(super) fn new(name: &'static str) -> Group<D> {
        Group { name, cases: Vec::new(), tally: Vec::new(), mistakes: Vec::new(), drafts: PhantomData }
    }

    /// Adds a case that must be accepted. Returns it, so that rejected cases can be derived from it.
    pub(super) fn accept(&mut self, id: &str, rule: &'static Rule, comment: &str, spec: D) -> Accepted<D> {
        self.add(id, rule, comment.to_owned(), &spec, D::ACCEPT, Map::new());
        Accepted { id: format!("{}/{id}", self.name), spec }
    }

    /// Adds a case that must be rejected. `change` makes a copy of the valid base case invalid.
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

    /// Adds a valid case that is made from another valid case by a change. The change must not make it invalid.
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

    /// Returns the cases of the group.
    ///
    /// # Errors
    ///
    /// Returns all mistakes: cases whose verdict is not the expected one, ids that occur twice, and rules that lack a
    /// valid or a rejected case.
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
