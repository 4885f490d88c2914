//! What a fuzzer runs: the text of anybody through parser, compiler and planner.

use std::collections::{BTreeMap, BTreeSet};

use crate::assets::Assets;
use crate::check::Reason;
use crate::compile::{Compiled, compile};
use crate::parse::parse;
use crate::policy::Document;

/// Reads any bytes as a policy, writes it back, compiles it with every check allowed, and plans with nothing at hand.
///
/// Returns what was read, what that reads as again, and what was compiled, for the caller to compare. It must return for
/// every input: that is the property.
pub fn exercise(bytes: &[u8]) -> Option<(Document, Option<Document>, Option<Compiled>)> {
    let text = core::str::from_utf8(bytes).ok()?;
    let document = match parse(text) {
        Ok(document) => document,
        Err(error) => {
            // The report of an error must be total too.
            let _ = error.render(text);
            return None;
        }
    };
    let again = parse(&document.to_string()).ok();
    let allowed: BTreeSet<Reason> = Reason::ALL.iter().copied().collect();
    let compiled = match compile(&document, &BTreeMap::new(), &allowed) {
        Ok(compiled) => compiled,
        Err(error) => {
            let _ = error.render(text);
            return Some((document, again, None));
        }
    };
    let _ = compiled.plan(&Assets::default());
    Some((document, again, Some(compiled)))
}
