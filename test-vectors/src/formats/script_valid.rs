//! Reader of script_valid.json and script_invalid.json, the predecessors of script_tests.json: `[scriptSig, scriptPubKey,
//! flags?, comment?]`.
//!
//! All cases of a file have the same verdict, which only the file name states. The oldest files have no flags column:
//! Bitcoin Core's runner verified all their cases with P2SH and STRICTENC.

use serde_json::Value;
use sigstack_interpreter::Flags;

use crate::asm::assemble;
use crate::check::{Check as _, Expected};
use crate::dialect::{Rules, completed};
use crate::document::Document;
use crate::error::Bad;
use crate::field;
use crate::formats::rows::{self, Row};
use crate::formats::script_tests::ScriptTest;
use crate::reading::{ParsedCase, Reading};

pub(crate) fn recognise_valid(document: &Document, name: &str) -> bool {
    is_called(name, "scriptvalid") && has_scripts(document)
}

pub(crate) fn recognise_invalid(document: &Document, name: &str) -> bool {
    is_called(name, "scriptinvalid") && has_scripts(document)
}

/// Returns whether the file name in a path contains `words`. Ignores case and every character that is not a letter.
pub(crate) fn is_called(path: &str, words: &str) -> bool {
    let file = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let letters: String = file.chars().filter(char::is_ascii_alphabetic).collect();
    letters.to_ascii_lowercase().contains(words)
}

/// Returns true if more than half of the rows begin with two scripts in assembly, and at least one of these scripts names
/// an opcode.
pub(crate) fn has_scripts(document: &Document) -> bool {
    let rows = rows::rows(document);
    let scripts = rows.iter().filter_map(scripts);
    let assembled: Vec<(&str, &str)> =
        scripts.filter(|(sig, key)| assemble(sig).is_ok() && assemble(key).is_ok()).collect();
    let has_name = |script: &str| script.contains(|letter: char| letter.is_ascii_uppercase());
    assembled.len() * 2 > rows.len() && assembled.iter().any(|(sig, key)| has_name(sig) || has_name(key))
}

fn scripts<'a>(row: &Row<'a>) -> Option<(&'a str, &'a str)> {
    match row.columns {
        [Value::String(script_sig), Value::String(script_pubkey), ..] => Some((script_sig, script_pubkey)),
        _ => None,
    }
}

pub(crate) fn read_valid(document: &Document, rules: &Rules) -> Reading {
    read(document, rules, &Expected::Ok)
}

pub(crate) fn read_invalid(document: &Document, rules: &Rules) -> Reading {
    read(document, rules, &Expected::AnyError)
}

fn read(document: &Document, rules: &Rules, expected: &Expected) -> Reading {
    let rows = rows::rows(document);
    // The third column contains flags, not comments, if most of its entries are names of flags.
    let names_flags = |row: &&Row<'_>| {
        let text = row.columns.get(2).and_then(Value::as_str);
        text.is_some_and(|text| rules.units(text, "flags").is_ok())
    };
    let has_flags = rows.iter().filter(names_flags).count() * 2 > rows.len();
    let mut notes = vec!["the name of the file says whether its scripts are valid".to_owned()];
    if !has_flags {
        notes.push("no column of flags: every case runs under P2SH and STRICTENC".to_owned());
    }
    let cases = rows.into_iter().map(|row| {
        let text = |nth: usize| row.columns.get(nth).and_then(Value::as_str).unwrap_or_default();
        let comment = match text(if has_flags { 3 } else { 2 }) {
            "" => format!("{} | {}", text(0).trim(), text(1).trim()),
            comment => comment.to_owned(),
        };
        let read = read_row(&row, rules, has_flags, expected);
        let note = read.as_ref().ok().and_then(|(_, note)| note.clone());
        let check = read.map(|(test, _)| test.shared());
        ParsedCase { note, ..ParsedCase::new(row.number, comment, check) }
    });
    let cases = cases.collect();
    Reading { cases, notes }
}

fn read_row(
    row: &Row<'_>,
    rules: &Rules,
    has_flags: bool,
    expected: &Expected,
) -> Result<(ScriptTest, Option<String>), Bad> {
    if let Some(nth) = row.columns.iter().position(|column| !column.is_string()) {
        return Err(Bad::new(format!("column {nth}"), "must be a string: the format has no other columns"));
    }
    let text = |nth, name| field::text(field::column(row.columns, nth, name)?, name);
    let (script_sig, script_pubkey) = (text(0, "scriptSig")?, text(1, "scriptPubKey")?);
    let flags =
        if has_flags { rules.parse(text(2, "flags")?, "flags")? } else { Flags::P2SH | Flags::STRICTENC };
    let (flags, note) = completed(flags);
    let test = ScriptTest::of_scripts(script_sig, script_pubkey, flags, expected.clone())?;
    Ok((test, note))
}
