//! A transaction that is invalid although each of its inputs is valid: every command says so.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::process::Command;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{ScriptBuf, Transaction, TxIn, TxOut, absolute::LockTime, transaction::Version};
use serde_json::Value;
use sigstack_interpreter::bitcoin;

/// The status and both outputs of a command.
fn run(args: &[String]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_sigstack")).args(args).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap(), text)
}

/// Thirteen inputs that spend scripts with CHECKSIGs in a branch that is not executed: 2,388 in twelve, and some in the last.
fn options(last: usize) -> Vec<String> {
    let script = |count: usize| [&[0x51, 0, 0x63][..], &vec![0xac; count], &[0x68]].concat();
    let inputs = (0..13u32).map(|vout| {
        let previous_output = bitcoin::OutPoint { txid: bitcoin::hashes::Hash::all_zeros(), vout };
        TxIn { previous_output, ..TxIn::default() }
    });
    let output = TxOut { value: bitcoin::Amount::ZERO, script_pubkey: ScriptBuf::from(vec![0x51]) };
    let tx = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: inputs.collect(),
        output: vec![output],
    };
    let mut options = vec!["--tx".to_owned(), serialize_hex(&tx)];
    for input in 0..13 {
        let script = script(if input < 12 { 199 } else { last });
        let hex: String = script.iter().map(|byte| format!("{byte:02x}")).collect();
        options.extend(["--prevout".into(), format!("{input}=0:{hex}")]);
    }
    options.extend(["--flags".into(), "+LEGACY_SIGOPS_LIMIT".into()]);
    options
}

#[test]
fn too_many_signature_operations_in_all_inputs_together() {
    const RULE: &str =
        "bad-txns-legacy-sigops: the inputs have 2501 signature operations outside the witness";
    for (last, status) in [(112, 0), (113, 1)] {
        for (command, more) in [("verify", ""), ("verify", "--json"), ("trace", ""), ("trace", "--json")] {
            let more = [more.to_owned()].into_iter().filter(|option| !option.is_empty());
            let args: Vec<String> =
                [command.to_owned()].into_iter().chain(options(last)).chain(more).collect();
            let (code, text) = run(&args);
            assert_eq!(code, status, "{command}: {text}");
            let is_named = text.contains("bad-txns-legacy-sigops");
            assert_eq!(is_named, status == 1, "{command}: {text}");
        }
        let args = [vec!["verify".to_owned()], options(last)].concat();
        assert_eq!(run(&args).1.contains(RULE), status == 1);
    }
    let json = [vec!["verify".to_owned()], options(113), vec!["--json".into()]].concat();
    let report: Value = serde_json::from_str(&run(&json).1).unwrap();
    assert_eq!(report["as_named"]["verdict"], "bad-txns-legacy-sigops");
    assert_eq!(report["as_named"]["failures"], serde_json::json!([]));
    assert_eq!(report["consensus"]["rule"]["verdict"], "bad-txns-legacy-sigops");
}

/// One input cannot break the rule alone, and the output says that the rule was not checked.
#[test]
fn one_input_alone_has_no_verdict_on_the_transaction() {
    let (code, text) =
        run(&[vec!["verify".into()], options(113), vec!["--input".into(), "3".into()]].concat());
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("the rules that span inputs"), "{text}");
}
