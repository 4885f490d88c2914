//! Writes a trace as one self-contained HTML page: it loads nothing from the network and no other file.
//!
//! The page of a long verification stays small. Stacks are stored as differences (module `stacks`). The middle of a
//! very long run and the middle of long elements are left out if the parts near the failure need the space, and the
//! page says so.

mod data;
mod stacks;
#[cfg(test)]
mod tests;

use crate::trace::Trace;

/// Template of the page, with placeholders for style, script and data.
const PAGE: &str = include_str!("page.html");
const STYLE: (&str, &str) = ("/*STYLE*/", include_str!("page.css"));
const SCRIPT: (&str, &str) = ("/*SCRIPT*/", include_str!("page.js"));
const DATA: &str = "@DATA@";

/// Returns the HTML page that shows a trace.
pub fn page(trace: &Trace) -> String {
    let page = PAGE.replacen(STYLE.0, STYLE.1, 1).replacen(SCRIPT.0, SCRIPT.1, 1);
    page.replacen(DATA, &in_element(&data::of(trace).to_string()), 1)
}

/// Escapes JSON for an HTML script element: replaces "<", which could end the element, by its JSON escape.
fn in_element(json: &str) -> String {
    json.replace('<', "\\u003c")
}
