//! Writes the cases of a proposal in the formats of BIP 446's two files, so that the proposal's BIP can include them
//! unchanged. Also writes a summary of the rules that the cases cover.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{ScriptBuf, Witness};
use serde_json::{Map, Value, json};
use sigstack_interpreter::{FlagKind, Flags};

use super::{GeneratedFile, draft};
use sigstack_vectors::{Case, Expect};

/// Maximum number of valid cases, and of rejected cases, that `basics.json` contains for a rule. The file is short
/// because people read it.
const BASICS_PER_RULE: usize = 2;

/// Creates `basics.json`, `script_assets_test.json` and `README.md` for a BIP, from the cases of `proposals/NAME.jsonl`
/// that concern consensus.
pub(super) fn files(bip: u16, name: &str, cases: &[Case]) -> [GeneratedFile; 3] {
    let policy = Flags::of_kind(FlagKind::Policy) | Flags::of_kind(FlagKind::ProposalPolicy);
    let consensus: Vec<&Case> = cases.iter().filter(|case| !case.flags.intersects(policy)).collect();
    let rules = Rules::of(&consensus);
    let about_policy = about_policy(name, cases.len() - consensus.len());
    let file = |name: &str, contents: String| GeneratedFile {
        path: format!("bips/bip-{bip:04}/{name}"),
        contents: contents.into_bytes(),
    };
    [
        file("basics.json", array_of_lines(&rules.basics(&consensus))),
        file("script_assets_test.json", array_of_lines(&rules.assets(&consensus))),
        file("README.md", rules.summary(bip, &about_policy, &consensus)),
    ]
}

/// Returns a paragraph for the README of a BIP. It says that the `count` cases with policy flags are omitted, and where
/// they are.
fn about_policy(name: &str, count: usize) -> String {
    format!(
        "No case has a flag of policy. Where a rule also says what a flag of policy refuses (`DISCOURAGE_...`, `MINIMALDATA` and\n\
         others), only its consensus part has cases here. The {count} cases with such flags are in\n\
         [../../proposals/{name}.jsonl](../../proposals/{name}.jsonl). An implementation of consensus alone leaves them out by\n\
         their flags, or answers `?` to them under `sigstack conform`."
    )
}

/// The rules that a BIP's cases test, each as its source and its text. They are numbered from 1, in the order of their
/// first case.
struct Rules(Vec<(String, String)>);

/// Returns the text of a further field of a case, such as `rule` or `source`. Empty if the field is absent.
fn text(case: &Case, name: &str) -> String {
    case.extra.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Formats a JSON array with one item per line.
fn array_of_lines(items: &[Value]) -> String {
    let lines: Vec<String> = items.iter().map(Value::to_string).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

fn is_valid(case: &Case) -> bool {
    case.expect == Expect::Ok
}

impl Rules {
    fn of(cases: &[&Case]) -> Rules {
        let mut rules = Vec::new();
        for case in cases {
            let rule = (text(case, "source"), text(case, "rule"));
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
        Rules(rules)
    }

    /// Returns the number of the rule that a case tests, counted from 1. Returns 0 if the rule is unknown.
    fn number(&self, case: &Case) -> usize {
        let rule = (text(case, "source"), text(case, "rule"));
        self.0.iter().position(|known| *known == rule).map_or(0, |place| place + 1)
    }

    /// Returns the items of `basics.json`: for each rule, the first two valid and the first two rejected cases.
    fn basics(&self, cases: &[&Case]) -> Vec<Value> {
        let mut seen: BTreeMap<(usize, bool), usize> = BTreeMap::new();
        let mut items = Vec::new();
        for case in cases {
            let count = seen.entry((self.number(case), is_valid(case))).or_default();
            *count += 1;
            if *count <= BASICS_PER_RULE {
                items.push(self.basic(case));
            }
        }
        items
    }

    fn basic(&self, case: &Case) -> Value {
        let spent: Vec<String> = case.prevouts.iter().map(serialize_hex).collect();
        let mut item = json!({
            "spent_outputs": spent,
            "spending_tx": serialize_hex(&case.tx),
            "input_index": case.subject.input(),
            "flags": case.flags.to_string(),
            "valid": is_valid(case),
            "comment": format!("{}: {}", case.id.as_deref().unwrap_or_default(), case.comment),
        });
        if let Some(object) = item.as_object_mut() {
            for name in ["source", "rule", "values"] {
                object.extend(case.extra.get(name).map(|value| (name.to_owned(), value.clone())));
            }
            object.extend(self.about(case));
        }
        item
    }

    /// Returns further JSON fields that describe a case: the number of its rule, the rules of BIP-DRAFT.md that it
    /// covers, and the expected error if it is rejected.
    fn about(&self, case: &Case) -> Map<String, Value> {
        let mut about = Map::new();
        about.insert("rule_number".into(), self.number(case).into());
        let drafted = draft::rules_of(case);
        if !drafted.is_empty() {
            about.insert("draft_rules".into(), drafted.into());
        }
        if !is_valid(case) {
            about.insert("expect".into(), case.expect.to_string().into());
        }
        about
    }

    /// Returns the items of `script_assets_test.json`. Each case becomes the `success` or the `failure` of an object. A
    /// valid and a rejected case with the same transaction and prevouts share one object.
    fn assets(&self, cases: &[&Case]) -> Vec<Value> {
        let mut items: Vec<Value> = Vec::new();
        for case in cases {
            let (tx, mut solution) = without_solution(case);
            solution.insert("rule".into(), text(case, "rule").into());
            solution.extend(self.about(case));
            let spent: Vec<String> = case.prevouts.iter().map(serialize_hex).collect();
            let part = if is_valid(case) { "success" } else { "failure" };
            let part_id = format!("{part}_id");
            let flags = case.flags.to_string();
            // Paired cases often differ only in the witness, and then follow each other.
            if let Some(last) = items.last_mut()
                && last["tx"] == tx.as_str()
                && last["prevouts"] == json!(spent)
                && last["flags"] == flags.as_str()
                && last.get(part).is_none()
                && let Some(object) = last.as_object_mut()
            {
                object.insert(part.into(), solution.into());
                object.insert(part_id, case.id.clone().into());
                continue;
            }
            items.push(json!({
                "tx": tx,
                "prevouts": spent,
                "index": case.subject.input(),
                "flags": flags,
                "comment": case.id,
                part_id: case.id,
                part: solution,
            }));
        }
        items
    }

    /// Returns the text of `README.md` for a BIP: a table with the number of valid and rejected cases of each rule, and
    /// the errors of the rejected cases.
    fn summary(&self, bip: u16, about_policy: &str, cases: &[&Case]) -> String {
        let rejected = cases.iter().filter(|case| !is_valid(case)).count();
        let mut lines = vec![
            format!("# BIP {bip}: the rules that the vectors cover"),
            String::new(),
            format!(
                "{} cases, {rejected} of them rejected. The format is described in [../README.md](../README.md).",
                cases.len()
            ),
            String::new(),
            about_policy.to_owned(),
            String::new(),
            "| number | rule | section | accepted | rejected | errors |".to_owned(),
            "| --- | --- | --- | --- | --- | --- |".to_owned(),
        ];
        for (place, (source, rule)) in self.0.iter().enumerate() {
            let shown: Vec<&&Case> = cases.iter().filter(|case| self.number(case) == place + 1).collect();
            let errors: BTreeSet<String> =
                shown.iter().filter(|case| !is_valid(case)).map(|case| case.expect.to_string()).collect();
            let rejected = shown.iter().filter(|case| !is_valid(case)).count();
            lines.push(format!(
                "| {} | {} | {source} | {} | {rejected} | {} |",
                place + 1,
                rule.replace('|', "\\|"),
                shown.len() - rejected,
                errors.into_iter().collect::<Vec<String>>().join(", ")
            ));
        }
        lines.join("\n") + "\n"
    }
}

/// Splits a case into a transaction and a solution. The transaction lacks the scriptSig and witness of the verified
/// input, and the solution consists of these two.
fn without_solution(case: &Case) -> (String, Map<String, Value>) {
    let mut tx = case.tx.clone();
    let mut solution = Map::new();
    if let Some(input) = case.subject.input().and_then(|index| tx.input.get_mut(index)) {
        let witness: Vec<String> = input.witness.iter().map(hex::encode).collect();
        solution.insert("scriptSig".into(), input.script_sig.to_hex_string().into());
        solution.insert("witness".into(), witness.into());
        input.script_sig = ScriptBuf::new();
        input.witness = Witness::new();
    }
    (serialize_hex(&tx), solution)
}
