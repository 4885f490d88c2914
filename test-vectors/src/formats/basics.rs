//! Reader of BIP 446's basics.json. Each case has a whole transaction, the index of one input, and whether this input
//! is valid.
//!
//! In addition to BIP 446's own fields, an object may have `flags`, a comma-separated string or an array. The default
//! is the consensus flags and TEMPLATEHASH. The optional field `expect` names the error of an invalid input.

use std::sync::Arc;

use serde_json::Value;
use sigstack_interpreter::Flags;

use crate::case::{Case, Expect, Subject};
use crate::check::Check;
use crate::dialect::{Rules, plain_flags};
use crate::document::Document;
use crate::error::Bad;
use crate::field;
use crate::formats::validity::InputValidity;
use crate::question::InputQuestion;
use crate::reading::{Labels, ParsedCase};

pub(crate) fn recognise(document: &Document) -> bool {
    let is_spend = |item: &Value| item.get("spending_tx").is_some() && item.get("spent_outputs").is_some();
    document.items().iter().any(is_spend)
}

pub(crate) fn read(document: &Document, _: &Rules) -> Vec<ParsedCase> {
    let items = document.items().iter().enumerate();
    let cases = items.map(|(nth, item)| {
        let comment = item.get("comment").and_then(Value::as_str).unwrap_or_default();
        // This project's files begin the comment with the name of the case.
        let id =
            comment.split_once(": ").map(|(id, _)| id).filter(|id| id.contains('/') && !id.contains(' '));
        let labels = Labels { id: id.map(str::to_owned), ..Labels::of(item) };
        ParsedCase { labels, ..ParsedCase::new(nth + 1, comment.to_owned(), read_item(item)) }
    });
    cases.collect()
}

fn read_item(item: &Value) -> Result<Arc<dyn Check>, Bad> {
    let tx = field::transaction(field::get(item, "spending_tx")?, "spending_tx")?;
    let prevouts = field::prevouts(field::get(item, "spent_outputs")?, "spent_outputs", &tx)?;
    let index = field::input_index(field::get(item, "input_index")?, "input_index", &tx)?;
    let valid = field::boolean(field::get(item, "valid")?, "valid")?;
    let flags = match item.get("flags") {
        None => format!("{},TEMPLATEHASH", Flags::CONSENSUS),
        Some(Value::Array(names)) => {
            let names: Result<Vec<&str>, Bad> = names.iter().map(|name| field::text(name, "flags")).collect();
            names?.join(",")
        }
        Some(names) => field::text(names, "flags")?.to_owned(),
    };
    let flags = plain_flags(&flags, "flags")?;
    let Some(name) = item.get("expect") else {
        let question = InputQuestion { tx, prevouts, index, flags };
        return Ok(InputValidity { question, valid }.shared());
    };
    let name = field::text(name, "expect")?;
    let expect = Expect::from_name(name).filter(|expect| match expect {
        Expect::Ok => valid,
        Expect::Error(_) => !valid,
        // A verdict on whole transactions is not allowed, because the format asks about single inputs.
        Expect::Rule(_) => false,
    });
    let expect =
        expect.ok_or_else(|| Bad::new("expect", format!("{name:?} does not go with valid = {valid}")))?;
    let comment = String::new();
    let subject = Subject::Input(index);
    let case = Case { id: None, comment, tx, subject, prevouts, flags, expect, extra: Default::default() };
    Ok(case.shared())
}
