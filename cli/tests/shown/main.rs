//! What the command prints: the examples of its help texts, the commands of the documents, and the width of its tables. These are one
//! program, so that a command that several of them show runs once.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod docs;
mod examples;
mod output;
mod width;
