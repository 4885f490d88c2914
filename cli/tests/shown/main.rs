//! Tests of the command's output: the examples in its help texts, the commands in the documents, and the width of its
//! tables. They are one program, so that a command needed by several tests runs only once.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod docs;
mod examples;
mod output;
mod width;
