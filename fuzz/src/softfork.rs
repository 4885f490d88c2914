//! Property: every flag, including those of proposals, is a soft fork. A transaction input that is accepted under a
//! set of flags is also accepted under every subset of this set.
//!
//! Fuzz input: [flags](crate::flags::any) B, eight bytes that select a subset A of B, eight bytes that select a
//! superset C of B, then a transaction as the module [spend](crate::spend) reads it, which is signed so that it is
//! valid under B.

use sigstack_interpreter::{Flags, Spend, VerifyError};

use crate::bytes::Reader;
use crate::flags;
use crate::spend::Subject;

/// Runs the fuzz target `softfork` on one fuzz input. Panics if an input that is valid under a set of flags is invalid
/// under a subset of these flags.
pub fn run(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    let b = flags::any(&mut reader);
    let fewer = reader.u64();
    // The flags that a flag of A requires are in B, so A remains a subset of B.
    let a = (b & flags::of_bits(fewer)).closure();
    let c = (b | flags::of_bits(reader.u64())).closure();
    let Some(subject) = Subject::read(&mut reader, b) else { return };
    let spend = Spend::new(&subject.tx, &subject.prevouts).expect("a prevout for each input");
    let verdict = |flags: Flags| match spend.verify_input(subject.index, flags) {
        Err(VerifyError::Usage(error)) => panic!("{error}: {flags}"),
        verdict => verdict.map(drop),
    };
    let accepted = verdict(b).is_ok();
    if verdict(c).is_ok() {
        assert!(accepted, "accepted under {c}, {:?} without {}: {subject:#?}", verdict(b), c - b);
    }
    if !accepted {
        return;
    }
    assert_eq!(verdict(a), Ok(()), "without {} of {b}: {subject:#?}", b - a);
    // This includes the rules that span several inputs.
    if spend.verify(b).is_ok() {
        assert_eq!(spend.verify(a), Ok(()), "the transaction, without {} of {b}: {subject:#?}", b - a);
    }
    // Removing single flags shows which flag is responsible, but takes many verifications.
    if fewer.is_multiple_of(8) {
        for info in b.iter() {
            let without = b - info.flag;
            if without.check().is_ok() {
                assert_eq!(verdict(without), Ok(()), "without {} of {b}: {subject:#?}", info.flag);
            }
        }
    }
}
