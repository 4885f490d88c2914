//! Tests a transaction that is invalid although each of its inputs is valid. Every command reports this.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::fs;
use std::path::Path;
use std::process::Command;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{ScriptBuf, Transaction, TxIn, TxOut, absolute::LockTime, transaction::Version};
use serde_json::{Value, json};
use sigstack_interpreter::bitcoin;

/// Runs `sigstack`. Returns its exit status, and its standard output together with its standard error.
fn run(args: &[String]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_sigstack")).args(args).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap(), text)
}

/// Returns a script that succeeds and has `count` CHECKSIGs in a branch that is not executed.
fn script(count: usize) -> Vec<u8> {
    [&[0x51, 0, 0x63][..], &vec![0xac; count], &[0x68]].concat()
}

/// Returns the spent scripts of the transaction's thirteen inputs. The first twelve have 199 signature operations each,
/// 2,388 in total. The last script has `last` signature operations.
fn scripts(last: usize) -> Vec<Vec<u8>> {
    [vec![script(199); 12], vec![script(last)]].concat()
}

fn transaction() -> Transaction {
    let inputs = (0..13u32).map(|vout| {
        let previous_output = bitcoin::OutPoint { txid: bitcoin::hashes::Hash::all_zeros(), vout };
        TxIn { previous_output, ..TxIn::default() }
    });
    let output = TxOut { value: bitcoin::Amount::ZERO, script_pubkey: ScriptBuf::from(vec![0x51]) };
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: inputs.collect(),
        output: vec![output],
    }
}

/// Returns options with the transaction, its spent outputs and the flag LEGACY_SIGOPS_LIMIT. `last` is the number of
/// signature operations of the last input.
fn options(last: usize) -> Vec<String> {
    let mut options = vec!["--tx".to_owned(), serialize_hex(&transaction())];
    for (input, script) in scripts(last).iter().enumerate() {
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

/// If only one input is verified, the limit for all inputs together cannot be checked. The output says so.
#[test]
fn one_input_alone_has_no_verdict_on_the_transaction() {
    let (code, text) =
        run(&[vec!["verify".into()], options(113), vec!["--input".into(), "3".into()]].concat());
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("the rules that span inputs"), "{text}");
}

/// Writes a vector file with a case about the whole transaction. Returns its path, and the value of `--case` for the
/// case.
fn case_file(name: &str, scripts: &[Vec<u8>], expect: &str) -> (String, String) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("transaction-rules");
    fs::create_dir_all(&folder).unwrap();
    let prevouts: Vec<String> = scripts
        .iter()
        .map(|script| {
            let script_pubkey = ScriptBuf::from(script.clone());
            serialize_hex(&TxOut { value: bitcoin::Amount::ZERO, script_pubkey })
        })
        .collect();
    let case = json!({
        "id": format!("whole/{name}"),
        "comment": "all inputs together",
        "tx": serialize_hex(&transaction()),
        "index": "all",
        "prevouts": prevouts,
        "flags": "P2SH,LEGACY_SIGOPS_LIMIT",
        "expect": expect,
    });
    let path = folder.join(format!("{name}.jsonl"));
    fs::write(&path, format!("{case}\n")).unwrap();
    let path = path.display().to_string();
    let option = format!("{path}#1");
    (path, option)
}

/// Writes a case for each kind of verdict on a transaction: valid, an invalid input, and a violated rule that spans
/// inputs. The elements of each result are name, path, value of `--case`, and expected verdict.
fn case_files() -> [(&'static str, String, String, &'static str); 3] {
    let mut invalid = scripts(112);
    invalid[7] = vec![0x6a];
    let made = |name, scripts: &[Vec<u8>], expect| {
        let (path, option) = case_file(name, scripts, expect);
        (name, path, option, expect)
    };
    [
        made("valid", &scripts(112), "OK"),
        made("input", &invalid, "OP_RETURN"),
        made("rule", &scripts(113), "bad-txns-legacy-sigops"),
    ]
}

fn owned(args: &[&str]) -> Vec<String> {
    args.iter().map(|arg| (*arg).to_owned()).collect()
}

#[test]
fn a_case_about_a_transaction_gets_the_verdict_of_the_transaction() {
    for (name, path, option, expect) in case_files() {
        let (code, text) = run(&owned(&["vectors", &path]));
        assert_eq!(code, 0, "{name}: {text}");
        let status = i32::from(expect != "OK");
        let (code, text) = run(&owned(&["verify", "--case", &option]));
        assert_eq!(code, status, "{name}: {text}");
        assert!(text.contains(&format!("expected   {expect}")), "{text}");
        assert!(text.contains(&format!("consensus  {expect}")), "{text}");
        let (code, text) = run(&owned(&["trace", "--case", &option]));
        assert_eq!(code, status, "{name}: {text}");
        let last = text.lines().last().unwrap();
        let expected = match expect {
            "OK" => "transaction  OK".to_owned(),
            "OP_RETURN" => "transaction  input 7: OP_RETURN".to_owned(),
            rule => format!("transaction  {rule}: the inputs have 2501"),
        };
        assert!(last.starts_with(&expected), "{last}");
    }
}

/// Returns the spent scripts of the valid transaction, with script `nth` replaced by one that leaves a false result.
fn with_invalid_input(nth: usize) -> Vec<Vec<u8>> {
    let mut scripts = scripts(112);
    scripts[nth] = vec![0];
    scripts
}

/// A case about a transaction with a wrong expected verdict fails. The report names the invalid input.
#[test]
fn a_wrong_case_about_a_transaction_fails() {
    for (name, scripts, expect, actual) in [
        ("wrong-valid", scripts(112), "bad-txns-legacy-sigops", "OK"),
        ("wrong-rule", scripts(113), "bad-txns-size", "bad-txns-legacy-sigops"),
        ("wrong-input", with_invalid_input(2), "OK", "EVAL_FALSE in input 2"),
    ] {
        let (path, _) = case_file(name, &scripts, expect);
        let (code, text) = run(&owned(&["vectors", &path]));
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("asked     the transaction under P2SH,LEGACY_SIGOPS_LIMIT"), "{text}");
        assert!(text.contains(&format!("expected  {expect}")), "{text}");
        assert!(text.contains(&format!("actual    {actual}\n")), "{text}");
    }
}

/// The debugger and the HTML page show one input. `--input` selects an input of a case about a whole transaction, and
/// is an error for other cases.
#[test]
fn an_input_of_a_case_about_a_transaction_can_be_selected() {
    let (_, option) = case_file("selected", &scripts(113), "bad-txns-legacy-sigops");
    let (code, text) = run(&owned(&["trace", "--case", &option, "--input", "12"]));
    assert_eq!(code, 1, "{text}");
    assert_eq!(text.matches("every input is valid alone").count(), 1, "{text}");
    let (code, text) = run(&owned(&["verify", "--case", &option, "--input", "12"]));
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("the rules that span inputs"), "{text}");
    let (code, text) = run(&owned(&["trace", "--case", &option, "--input", "13"]));
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("no input 13: the transaction has 13"), "{text}");
    let (code, text) = run(&owned(&["debug", "--case", &option]));
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("there are 13 inputs; the debugger shows one"), "{text}");
    let (code, text) = run(&owned(&["trace", "--case", "cat/stack-2", "--input", "0"]));
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("the case is about one input already"), "{text}");
}

/// The line sent to an implementation has `all` instead of an input index, and the answer may be a reject reason. A
/// client that does not support `all` abstains.
#[cfg(unix)]
#[test]
fn conform_asks_about_the_transaction() {
    for (name, path, _, expect) in case_files() {
        for (answer, outcome) in [(expect, "agrees"), ("?", "abstained"), ("bad-txns-size", "")] {
            let script = format!("read -r line; case $line in *'\"index\":\"all\"'*) echo '{answer}';; esac");
            let args = owned(&["conform", "--json", "--errors", &path, "--", "sh", "-c", &script]);
            let (code, text) = run(&args);
            let outcome = match (outcome, expect) {
                ("", "OK") => "wrong_verdict",
                ("", _) => "other_error",
                (outcome, _) => outcome,
            };
            let status = match outcome {
                "agrees" => 0,
                "abstained" => 2,
                _ => 1,
            };
            assert_eq!(code, status, "{text}");
            let summary = text.lines().find(|line| line.contains("\"summary\"")).unwrap();
            let summary: Value = serde_json::from_str(summary).unwrap();
            assert_eq!(summary["summary"]["total"][outcome], 1, "{name} {answer}: {text}");
        }
    }
}
