//! Differential tests against Bitcoin Core's code, with the vectors and with mutants of the vectors as inputs.

#![allow(dead_code, reason = "what includes this uses parts of it")]

pub(crate) mod consensus;
pub(crate) mod corpus;
pub(crate) mod differential;
pub(crate) mod edit;
pub(crate) mod layout;
pub(crate) mod limits;
pub(crate) mod mutate;
pub(crate) mod sign;
pub(crate) mod steps;
