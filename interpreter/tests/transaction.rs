//! Tests of verdicts on whole transactions: the rules of BIP 54, and errors of `Spend::conclude`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use bitcoin::{Amount, ScriptBuf, Transaction, TxIn, TxOut, absolute::LockTime, transaction::Version};
use sigstack_interpreter::{Claim, FlagError, Flags, Spend, TransactionError, TransactionRule, UsageError};

const TRUE: u8 = 0x51;
const IF: u8 = 0x63;
const ENDIF: u8 = 0x68;
const CHECKSIG: u8 = 0xac;
const CHECKMULTISIG: u8 = 0xae;
const LIMIT: Flags = Flags::LEGACY_SIGOPS_LIMIT;

/// Creates an output whose script is valid and contains `operations` in a branch that is not executed.
fn with_sigops(operations: &[u8]) -> TxOut {
    let script = [&[TRUE, 0, IF], operations, &[ENDIF]].concat();
    TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from(script) }
}

fn spending(inputs: usize) -> Transaction {
    let input = vec![TxIn::default(); inputs];
    Transaction { version: Version::TWO, lock_time: LockTime::ZERO, input, output: vec![] }
}

fn verdict(prevouts: &[TxOut], flags: Flags) -> Result<(), TransactionError> {
    let tx = spending(prevouts.len());
    let spend = Spend::new(&tx, prevouts).unwrap();
    let verdict = spend.verify(flags);
    // Verifying the inputs one by one and concluding in reverse order must give the same verdict.
    let mut inputs: Vec<_> =
        (0..prevouts.len()).map(|input| spend.verify_input(input, flags).unwrap()).collect();
    inputs.reverse();
    assert_eq!(spend.conclude(&inputs, flags), verdict);
    verdict
}

/// BIP 54 allows at most 2,500 signature operations in all inputs together, whether they are executed or not.
#[test]
fn the_limit_on_signature_operations_spans_inputs() {
    let with = |last: usize| {
        let mut outputs = vec![with_sigops(&[CHECKSIG; 199]); 12];
        outputs.push(with_sigops(&vec![CHECKSIG; last]));
        outputs
    };
    assert_eq!(verdict(&with(112), LIMIT), Ok(()));
    let broken = TransactionRule::LegacySigops { sigops: 2_501 };
    assert_eq!(verdict(&with(113), LIMIT), Err(TransactionError::Rule(broken)));
    assert_eq!(verdict(&with(113), Flags::NONE), Ok(()), "without the flag");
    assert_eq!(broken.name(), "bad-txns-legacy-sigops");
    assert_eq!(
        broken.to_string(),
        "the inputs have 2501 signature operations outside the witness, and 2500 are allowed"
    );
}

/// Inputs are verified in groups of at most 64. The signature operations of all groups must be added to check the limit
/// of 2,500.
#[test]
fn the_claims_of_many_inputs_are_joined() {
    for (last, is_valid) in [(5, true), (6, false)] {
        // 499 inputs with 5 signature operations each have 2,495 together.
        let mut outputs = vec![with_sigops(&[CHECKSIG; 5]); 499];
        outputs.push(with_sigops(&vec![CHECKSIG; last]));
        assert_eq!(verdict(&outputs, LIMIT).is_ok(), is_valid, "{last}");
    }
}

/// For the limit of BIP 54, `OP_CHECKMULTISIG` counts as its number of keys if `OP_1` to `OP_16` directly before it
/// pushes this number. Otherwise it counts as 20.
#[test]
fn multisig_counts_its_keys_where_they_are_pushed() {
    let claims = |operations: &[u8]| {
        let (tx, prevouts) = (spending(1), [with_sigops(operations)]);
        let verified = Spend::new(&tx, &prevouts).unwrap().verify_input(0, LIMIT).unwrap();
        assert_eq!((verified.input(), verified.flags()), (0, LIMIT));
        verified.claims().to_vec()
    };
    assert_eq!(claims(&[]), [Claim::LegacySigops(0)]);
    assert_eq!(claims(&[0x53, CHECKMULTISIG]), [Claim::LegacySigops(3)]);
    assert_eq!(claims(&[0x01, 0x03, CHECKMULTISIG]), [Claim::LegacySigops(20)]);
}

/// Under BIP 54, a transaction of exactly 64 bytes without its witness is invalid. Transactions of 63 or 65 bytes are
/// valid.
#[test]
fn a_transaction_of_64_bytes_is_invalid() {
    for (length, is_valid) in [(3, true), (4, false), (5, true)] {
        let mut tx = spending(1);
        let script_pubkey = ScriptBuf::from(vec![TRUE; length]);
        tx.output.push(TxOut { value: Amount::ZERO, script_pubkey });
        assert_eq!(tx.base_size(), 60 + length);
        let prevouts = [TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from(vec![TRUE]) }];
        let spend = Spend::new(&tx, &prevouts).unwrap();
        let expected = if is_valid { Ok(()) } else { Err(TransactionError::Rule(TransactionRule::Size64)) };
        assert_eq!(spend.verify(Flags::FORBID_64_BYTE_TX), expected, "{length}");
        assert_eq!(spend.verify(Flags::CONSENSUS), Ok(()), "without the flag");
        // The witness is not part of the size.
        tx.input[0].witness.push([1]);
        let spend = Spend::new(&tx, &prevouts).unwrap();
        assert_eq!(spend.verify(Flags::FORBID_64_BYTE_TX), expected, "{length}");
    }
}

#[test]
fn a_conclusion_needs_every_input_once_and_under_its_flags() {
    let (tx, prevouts) = (spending(2), vec![with_sigops(&[]); 2]);
    let spend = Spend::new(&tx, &prevouts).unwrap();
    let verified = |input, flags| spend.verify_input(input, flags).unwrap();
    let conclude = |inputs: &[(usize, Flags)]| {
        let inputs: Vec<_> = inputs.iter().map(|(input, flags)| verified(*input, *flags)).collect();
        spend.conclude(&inputs, LIMIT)
    };
    let usage = |error| Err(TransactionError::Usage(error));
    assert_eq!(conclude(&[(0, LIMIT), (1, LIMIT)]), Ok(()));
    assert_eq!(conclude(&[(1, LIMIT)]), usage(UsageError::InputNotVerified { input: 0 }));
    assert_eq!(conclude(&[(1, LIMIT), (1, LIMIT)]), usage(UsageError::InputTwice { input: 1 }));
    let other = UsageError::OtherFlags { input: 1, flags: Flags::NONE };
    assert_eq!(conclude(&[(0, LIMIT), (1, Flags::NONE)]), usage(other));
    let more = spending(3);
    let of_three = vec![with_sigops(&[]); 3];
    let third = Spend::new(&more, &of_three).unwrap().verify_input(2, LIMIT).unwrap();
    let inputs = [verified(0, LIMIT), verified(1, LIMIT), third];
    assert_eq!(spend.conclude(&inputs, LIMIT), usage(UsageError::InputIndex { index: 2, inputs: 2 }));
    assert_eq!(
        spend.conclude(&[], Flags::WITNESS),
        usage(UsageError::Flags(FlagError::Combination { flag: Flags::WITNESS, missing: Flags::P2SH }))
    );
}
