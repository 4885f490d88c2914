//! Entry point for the fuzzer: runs untrusted text through the parser, the compiler and the planner.

use std::collections::{BTreeMap, BTreeSet};

use crate::assets::Assets;
use crate::compile::compile;
use crate::compiled::Compiled;
use crate::parse::parse;
use crate::policy::Document;
use crate::reason::Reason;

/// Parses arbitrary bytes as a policy, formats it, compiles it with every safety check disabled, and plans without any
/// assets.
///
/// Returns the parsed document, the document parsed from its formatted text, and the compiled policy, so that the caller can
/// compare them. The fuzzed property is that this function returns for every input and never panics.
pub fn exercise(bytes: &[u8]) -> Option<(Document, Option<Document>, Option<Compiled>)> {
    let text = core::str::from_utf8(bytes).ok()?;
    let document = match parse(text) {
        Ok(document) => document,
        Err(error) => {
            // Rendering the error must not panic either.
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
