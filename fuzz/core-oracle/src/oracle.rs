//! Modules that this program shares with the tests of the test vectors. They read the transaction inputs of every
//! vector file, and create mutants of these inputs.

#![allow(dead_code, reason = "the tests use more of it")]

#[path = "../../../test-vectors/tests/oracle/corpus.rs"]
pub(crate) mod corpus;
#[path = "../../../test-vectors/tests/oracle/edit.rs"]
pub(crate) mod edit;
#[path = "../../../test-vectors/tests/oracle/layout.rs"]
pub(crate) mod layout;
#[path = "../../../test-vectors/tests/oracle/limits.rs"]
pub(crate) mod limits;
#[path = "../../../test-vectors/tests/oracle/mutate.rs"]
pub(crate) mod mutate;
#[path = "../../../test-vectors/tests/oracle/sign.rs"]
pub(crate) mod sign;
#[path = "../../../test-vectors/tests/oracle/steps.rs"]
pub(crate) mod steps;
