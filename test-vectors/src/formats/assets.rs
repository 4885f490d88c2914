//! Reader of script_assets_test.json: taproot inputs, each with witness data that succeeds and optionally witness data that
//! fails.
//!
//! Each object gives one or two checks. The input with `success` must be valid under every subset of `flags`; if the object
//! is `final`, also under every valid combination of the consensus flags. The input with `failure` must be invalid under
//! every set of consensus flags that includes `flags`.

use bitcoin::{Transaction, TxOut};
use serde_json::Value;
use sigstack_interpreter::Flags;

use crate::check::{Check, Expected};
use crate::dialect::Rules;
use crate::document::Document;
use crate::error::Bad;
use crate::field;
use crate::formats::{Words, rows};
use crate::outcome::{Outcome, expect_accepted, spend};
use crate::question::{InputQuestion, Question};
use crate::random::Random;
use crate::reading::{Labels, ParsedCase};

/// A test of script_assets_test.json: a taproot input with its witness data, the flags to verify with, and the expected
/// result.
#[derive(Clone, Debug)]
pub(crate) struct Asset {
    tx: Transaction,
    prevouts: Vec<TxOut>,
    index: usize,
    flags: Flags,
    kind: Kind,
}

/// The expected result of a row, and under which further flags the row must have the same result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The input must be valid under every valid subset of its flags. If `is_final` is set, the subsets may also
    /// contain other consensus flags.
    Success { is_final: bool },
    /// The input must be invalid under its flags, and when other consensus flags are added to them.
    Failure,
}

fn parts(item: &Value) -> impl Iterator<Item = &'static str> {
    ["success", "failure"].into_iter().filter(|part| item.get(part).is_some())
}

pub(crate) fn recognise(document: &Document) -> bool {
    let is_asset = |item: &Value| item.get("prevouts").is_some() && parts(item).next().is_some();
    document.items().iter().any(is_asset)
}

pub(crate) fn words(document: &Document) -> Words {
    let flags = document.items().iter().flat_map(|item| rows::words(item.get("flags")));
    Words { flags: flags.collect(), scripts: vec![] }
}

pub(crate) fn read(document: &Document, rules: &Rules) -> Vec<ParsedCase> {
    let mut cases = Vec::new();
    for (nth, item) in document.items().iter().enumerate() {
        let comment = item.get("comment").and_then(Value::as_str).unwrap_or_default();
        let mut add = |comment: String, check, labels| {
            cases.push(ParsedCase { labels, ..ParsedCase::new(nth + 1, comment, check) });
        };
        if parts(item).next().is_none() {
            let neither = Bad::new("", "has neither success nor failure");
            add(comment.to_owned(), Err(neither), Labels::default());
        }
        for part in parts(item) {
            let check = read_part(item, part, rules).map(Check::shared);
            add(format!("{comment} ({part})"), check, labels(item, part));
        }
    }
    cases
}

/// Reads fields that only this project's files have: `success_id` or `failure_id`, and the rule and the error inside
/// the object `success` or `failure`. `part` is "success" or "failure".
fn labels(item: &Value, part: &str) -> Labels {
    let id = item.get(format!("{part}_id")).and_then(Value::as_str).map(str::to_owned);
    Labels { id, ..item.get(part).map(Labels::of).unwrap_or_default() }
}

fn read_part(item: &Value, part: &str, rules: &Rules) -> Result<Asset, Bad> {
    let mut tx = field::transaction(field::get(item, "tx")?, "tx")?;
    let prevouts = field::prevouts(field::get(item, "prevouts")?, "prevouts", &tx)?;
    let index = field::input_index(field::get(item, "index")?, "index", &tx)?;
    let is_final = field::flag(item, "final")?;
    let solution = field::get(item, part)?;
    let script_sig = field::get(solution, "scriptSig").and_then(|value| field::script(value, "scriptSig"));
    let witness = field::get(solution, "witness").and_then(|value| field::witness(value, "witness"));
    let (script_sig, witness) =
        (script_sig.map_err(|bad| bad.within(part))?, witness.map_err(|bad| bad.within(part))?);
    let flags = rules.parse(field::text(field::get(item, "flags")?, "flags")?, "flags")?;
    flags.check().map_err(|error| Bad::new("flags", error))?;
    if let Some(input) = tx.input.get_mut(index) {
        input.script_sig = script_sig;
        input.witness = witness;
    }
    let kind = if part == "success" { Kind::Success { is_final } } else { Kind::Failure };
    Ok(Asset { tx, prevouts, index, flags, kind })
}

/// Maximum number of flags for which every subset of the flags is tested. For more flags, only a random sample of
/// subsets is tested.
const MAX_ENUMERATED: usize = 12;

/// Returns the subsets of these flags that are valid combinations. For more than twelve flags, only a random sample of
/// 2^12 subsets is considered.
fn valid_subsets(flags: Flags, number: usize) -> Vec<Flags> {
    let single: Vec<Flags> = flags.iter().map(|info| info.flag).collect();
    let picked = |bits: u64| -> Flags {
        single.iter().enumerate().filter(|(nth, _)| (bits >> nth) & 1 == 1).map(|(_, flag)| *flag).collect()
    };
    let all = if single.len() <= MAX_ENUMERATED {
        (0..1 << single.len()).map(picked).collect()
    } else {
        let mut random = Random::of_case(number);
        (0..1 << MAX_ENUMERATED).map(|_| picked(random.next())).collect::<Vec<Flags>>()
    };
    all.into_iter().filter(|set| set.check().is_ok()).collect()
}

impl Asset {
    fn is_success(&self) -> bool {
        self.kind != Kind::Failure
    }
}

impl Check for Asset {
    /// Verifies the input under the flags of the row. Then verifies it under all other sets of flags for which the
    /// format requires the same result.
    fn run(&self, _: &Rules, number: usize) -> Outcome {
        let spend = spend(&self.tx, &self.prevouts)?;
        let judge = |flags| expect_accepted(&spend, self.index, flags, self.is_success());
        judge(self.flags)?;
        let seven = Flags::CONSENSUS;
        let others = match self.kind {
            Kind::Success { is_final: false } => valid_subsets(self.flags, number),
            Kind::Success { is_final: true } => valid_subsets(self.flags | seven, number),
            Kind::Failure => valid_subsets(seven - self.flags, number)
                .into_iter()
                .map(|more| self.flags | more)
                .filter(|flags| flags.check().is_ok())
                .collect(),
        };
        others.into_iter().filter(|flags| *flags != self.flags).try_for_each(judge)
    }

    fn expected(&self) -> Expected {
        Expected::validity(self.is_success())
    }

    fn questions(&self) -> Vec<Question> {
        let (tx, prevouts) = (self.tx.clone(), self.prevouts.clone());
        vec![Question::Input(InputQuestion { tx, prevouts, index: self.index, flags: self.flags })]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_consensus_flags_have_ninety_six_valid_combinations() {
        // WITNESS requires P2SH, so the two flags have three valid combinations; the other five are independent.
        assert_eq!(valid_subsets(Flags::CONSENSUS, 1).len(), 3 << 5);
        assert_eq!(valid_subsets(Flags::NONE, 1), [Flags::NONE]);
    }

    #[test]
    fn of_many_flags_a_sample_is_tried() {
        let sample = valid_subsets(Flags::ALL, 1);
        assert!(sample.len() > 1000 && sample.len() <= 1 << MAX_ENUMERATED, "{}", sample.len());
        assert_ne!(sample, valid_subsets(Flags::ALL, 2));
    }
}
