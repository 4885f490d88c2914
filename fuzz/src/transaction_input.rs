//! Property: any bytes that are given to the command as a transaction or PSBT are parsed, or refused with a reason. A
//! PSBT has version 0 or 2 and is given as bytes, base64 or hex. The verification of a parsed input can be recorded
//! step by step, and written as text, JSON lines and an HTML page. The recorded verdict equals that of the verifier.
//!
//! Fuzz input: [flags](crate::flags::any), a byte, then a PSBT, or a transaction as the module [spend](crate::spend)
//! reads it if that byte is odd.

use bitcoin::{ScriptBuf, TxOut};
use sigstack_debugger::{Options, Psbt, Subject, Trace, html, json, text};
use sigstack_interpreter::{CodePoints, Flags, Spend, check_transaction};

use crate::bytes::Reader;
use crate::{flags, spend};

/// Maximum number of inputs of a PSBT whose verification is recorded.
const MAX_INPUTS: usize = 4;

/// Runs the fuzz target `transaction_input` on one fuzz input. Panics if the property that the documentation of this
/// module states is violated.
pub fn run(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    let flags = flags::any(&mut reader);
    if reader.bool() {
        if let Some(spend::Subject { tx, prevouts, index }) = spend::Subject::read(&mut reader, flags) {
            record(Subject {
                tx,
                prevouts,
                input: index,
                flags,
                code_points: CodePoints::default(),
                internal_key: None,
            });
        }
        return;
    }
    match Psbt::read(reader.rest()) {
        Ok(psbt) => record_all(&psbt, flags),
        Err(error) => assert!(!error.map.is_empty() && !error.problem.is_empty()),
    }
}

fn record_all(psbt: &Psbt, flags: Flags) {
    assert_eq!(psbt.tx.input.len(), psbt.inputs.len());
    let _ = check_transaction(&psbt.tx);
    let unknown = || TxOut { value: bitcoin::Amount::ZERO, script_pubkey: ScriptBuf::new() };
    let prevouts: Vec<TxOut> =
        psbt.inputs.iter().map(|input| input.prevout.clone().unwrap_or_else(unknown)).collect();
    for (nth, input) in psbt.inputs.iter().enumerate().take(MAX_INPUTS) {
        let (tx, prevouts) = (psbt.tx.clone(), prevouts.clone());
        record(Subject {
            tx,
            prevouts,
            input: nth,
            flags,
            code_points: CodePoints::default(),
            internal_key: input.internal_key,
        });
    }
}

fn record(subject: Subject) {
    let spend = Spend::new(&subject.tx, &subject.prevouts).expect("a prevout for each input");
    let verdict = spend.verify_input(subject.input, subject.flags).map(drop);
    let trace = Trace::record(subject.clone(), Options::default()).expect("the input is there");
    assert_eq!(trace.verdict, verdict, "recorded otherwise");
    let mut out = vec![];
    text::write(&trace, text::TextOptions::default(), &mut out).expect("memory takes all");
    json::write(&trace, &mut out).expect("memory takes all");
    assert!(core::str::from_utf8(&out).is_ok(), "neither text nor JSON");
    assert!(!html::page(&trace).is_empty());
}
