//! A trace as one page that needs nothing else: no network, no other file.
//!
//! The page of a long verification stays small: stacks are stored as differences (module `stacks`), the middle of a very long run and
//! the middle of long elements are left out where the parts near the failure need the room, and the page says so.

mod data;
mod stacks;
#[cfg(test)]
mod tests;

use crate::trace::Trace;

/// The page, with marks where style, script and data go.
const PAGE: &str = include_str!("page.html");
const STYLE: (&str, &str) = ("/*STYLE*/", include_str!("page.css"));
const SCRIPT: (&str, &str) = ("/*SCRIPT*/", include_str!("page.js"));
const DATA: &str = "@DATA@";

/// The page of a trace.
pub fn page(trace: &Trace) -> String {
    let page = PAGE.replacen(STYLE.0, STYLE.1, 1).replacen(SCRIPT.0, SCRIPT.1, 1);
    page.replacen(DATA, &in_element(&data::of(trace).to_string()), 1)
}

/// Escapes JSON for a script element: replaces "<", which could end the element, by its JSON escape.
fn in_element(json: &str) -> String {
    json.replace('<', "\\u003c")
}
