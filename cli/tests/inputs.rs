//! Tests `sigstack trace` with every kind of input and every way to choose flags.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Runs a shell command in the project's folder. Returns its exit status and output.
fn run(command: &str) -> (i32, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = Path::new(env!("CARGO_BIN_EXE_sigstack")).parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-c", command])
        .env("PATH", format!("{}:{path}", folder.display()))
        .current_dir(root)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// Runs `sigstack trace` with JSON output. Returns the exit status and the entries of the trace.
fn frames(args: &str) -> (i32, Vec<Value>) {
    let (status, out) = run(&format!("sigstack trace --json {args}"));
    (status, out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{out}"))).collect())
}

const TX: &str = "--tx @docs/examples/p2wpkh.tx --prevtx @docs/examples/parent.tx";

#[test]
fn every_kind_of_input_is_traced_to_its_verdict() {
    for (args, verdict, phases) in [
        (TX, "OK", &["scriptSig", "scriptPubKey", "witnessProgram", "witnessScript", "finish"][..]),
        (
            "--psbt @docs/examples/checksigadd.psbt",
            "OK",
            &["scriptSig", "scriptPubKey", "witnessProgram", "taprootCommitment", "tapscript", "finish"],
        ),
        (
            "--psbt @docs/examples/checksigadd-v2.psbt",
            "OK",
            &["scriptSig", "scriptPubKey", "witnessProgram", "taprootCommitment", "tapscript", "finish"],
        ),
        (
            "--psbt \"$(cat docs/examples/checksigadd-wrong.psbt)\"",
            "SCHNORR_SIG",
            &["scriptSig", "scriptPubKey", "witnessProgram", "taprootCommitment", "tapscript"],
        ),
        (
            "--case csfs/invalid-hashed-message",
            "SCHNORR_SIG",
            &["scriptSig", "scriptPubKey", "witnessProgram", "taprootCommitment", "tapscript"],
        ),
        (
            "--case test-vectors/proposals/csfs.jsonl#csfs/valid",
            "OK",
            &["scriptSig", "scriptPubKey", "witnessProgram", "taprootCommitment", "tapscript", "finish"],
        ),
        ("--script '2 ADD 5 EQUAL' --stack 3 --as legacy", "OK", &["scriptSig", "scriptPubKey", "finish"]),
        (
            "--script '2 ADD 5 EQUAL' --stack 4 --as p2sh",
            "EVAL_FALSE",
            &["scriptSig", "scriptPubKey", "redeemScript"],
        ),
        (
            "--script '2 ADD 5 EQUAL' --stack 3 --as p2wsh",
            "OK",
            &["scriptSig", "scriptPubKey", "witnessProgram", "witnessScript", "finish"],
        ),
    ] {
        let (status, frames) = frames(args);
        let last = frames.last().unwrap();
        assert_eq!((status, &last["verdict"]), (i32::from(verdict != "OK"), &Value::from(verdict)), "{args}");
        let named = frames.iter().filter(|frame| frame["kind"] == "phase");
        let named: Vec<&str> = named.map(|frame| frame["phase"].as_str().unwrap()).collect();
        assert_eq!(named, phases, "{args}");
        let (verified, out) = run(&format!("sigstack verify {args}"));
        // The scripts of this example are valid, but its outputs have a higher amount than its inputs.
        let status = if args == TX { 1 } else { status };
        assert_eq!(verified, status, "{args}: {out}");
    }
}

/// The spent outputs of a transaction can be given with `--prevout`, with the same result as with `--prevtx`.
#[test]
fn a_transaction_takes_its_outputs_from_either_option() {
    let one = "60000:0014a66e001c5131ed55e5400e6d3c6ad51f2cb31a9e";
    let told = frames(&format!("--tx @docs/examples/p2wpkh.tx --prevout {one}"));
    assert_eq!(told, frames(TX));
    let other = "60001:0014a66e001c5131ed55e5400e6d3c6ad51f2cb31a9e";
    let (status, frames) = frames(&format!("--tx @docs/examples/p2wpkh.tx --prevout {other}"));
    assert_eq!((status, &frames.last().unwrap()["verdict"]), (1, &Value::from("EVAL_FALSE")));
}

#[test]
fn flags_are_chosen_by_name_profile_and_change() {
    let script = "--script 1";
    let today = "P2SH,DERSIG,NULLDUMMY,CHECKLOCKTIMEVERIFY,CHECKSEQUENCEVERIFY,WITNESS,TAPROOT";
    let flags = |args: &str| frames(&format!("{script} {args}")).1[0]["flags"].as_str().unwrap().to_owned();
    assert_eq!(flags(""), today);
    assert_eq!(flags("--profile consensus"), today);
    assert_eq!(flags("--flags CONSENSUS"), today);
    assert_eq!(flags("--flags P2SH,WITNESS"), "P2SH,WITNESS");
    assert_eq!(flags("--flags=-DERSIG,-NULLDUMMY"), today.replace("DERSIG,NULLDUMMY,", ""));
    assert_eq!(flags("--flags +OP_CAT"), format!("{today},OP_CAT"));
    for (bundle, names) in [
        ("lnhance", &["CHECKTEMPLATEVERIFY", "CHECKSIGFROMSTACK", "INTERNALKEY", "PAIRCOMMIT"][..]),
        ("bip448", &["TEMPLATEHASH", "CHECKSIGFROMSTACK", "INTERNALKEY"]),
        ("bip348", &["CHECKSIGFROMSTACK"]),
    ] {
        for args in [format!("--profile {bundle}"), format!("--flags +{bundle}")] {
            let flags = flags(&args);
            let mut added: Vec<&str> = flags.strip_prefix(today).unwrap().split(',').skip(1).collect();
            let mut names = names.to_vec();
            added.sort_unstable();
            names.sort_unstable();
            assert_eq!(added, names, "{args}");
        }
        assert_eq!(flags(&format!("--profile {bundle} --flags=-{bundle}")), today);
    }
    let policy = flags("--profile policy");
    assert!(policy.contains("CLEANSTACK") && policy.contains("DISCOURAGE_OP_SUCCESS"), "{policy}");
    let both = flags("--profile policy,lnhance");
    assert!(both.contains("CLEANSTACK") && both.contains("PAIRCOMMIT"), "{both}");
    assert_eq!(run("sigstack trace --script 1 --profile foo").0, 2);
    assert_eq!(
        run("sigstack trace --script 1 --profile lnhance --flags CONSENSUS").0,
        2,
        "the profile would be lost"
    );
    assert_eq!(run("sigstack trace --script 1 --flags +FOO").0, 2);
    assert_eq!(run("sigstack trace --script 1 --flags WITNESS").0, 2, "WITNESS needs P2SH");
}
