//! Tests which options of `sigstack verify` can be combined, and which spent outputs an input needs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::process::Command;

fn sigstack(arguments: &[&str]) -> (i32, String, String) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigstack"));
    let output = command.args(arguments).current_dir(root).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A transaction with two inputs and one output of 0 sat.
const TX: &str = concat!(
    "0100000002",
    "1111111111111111111111111111111111111111111111111111111111111111",
    "0000000000ffffffff",
    "1111111111111111111111111111111111111111111111111111111111111111",
    "0100000000ffffffff",
    "010000000000000000016a00000000"
);

const PSBT: &str = "@docs/examples/checksigadd.psbt";
const CASE: &str = "csfs/valid";

/// Every combination of a source (transaction, PSBT, case or script) with an option of another source is rejected.
/// The message names both.
#[test]
fn options_that_do_not_go_together() {
    let sources = [("--tx", TX), ("--psbt", PSBT), ("--case", CASE), ("--script", "1")];
    let options = [
        ("--prevout", "0:51", &["--tx"][..]),
        ("--prevtx", TX, &["--tx"]),
        ("--input", "0", &["--tx", "--psbt"]),
        ("--stack", "1", &["--script"]),
        ("--as", "legacy", &["--script"]),
        ("--locktime", "1", &["--script"]),
        ("--sequence", "1", &["--script"]),
    ];
    let mut refused = 0;
    for command in ["verify", "trace", "debug"] {
        for (source, value) in sources {
            for (option, argument, of) in options {
                if of.contains(&source) {
                    continue;
                }
                for arguments in
                    [[command, source, value, option, argument], [command, option, argument, source, value]]
                {
                    let (status, out, error) = sigstack(&arguments);
                    assert_eq!((status, out.as_str()), (2, ""), "{arguments:?}");
                    assert!(error.contains(source) && error.contains(option), "{arguments:?}: {error}");
                    refused += 1;
                }
            }
            for (other, argument) in sources.iter().filter(|(other, _)| *other != source) {
                let (status, out, error) = sigstack(&[command, source, value, other, argument]);
                assert_eq!((status, out.as_str()), (2, ""), "{source} {other}");
                assert!(error.contains(source) && error.contains(other), "{source} {other}: {error}");
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 3 * (2 * (7 * 4 - 8) + 12));
    let (status, _, error) = sigstack(&["verify", "--tx", TX, "--prevout", "0:51", "--prevtx", TX]);
    assert_eq!(status, 2);
    assert!(error.contains("--prevout") && error.contains("--prevtx"), "{error}");
}

/// An option of `sigstack verify` that requires another argument is accepted if that argument is given.
#[test]
fn options_that_go_together() {
    for arguments in [
        &["verify", "--tx", TX, "--prevout", "0:51", "--prevout", "0:51"][..],
        &["verify", "--tx", TX, "--prevout", "0=0:51", "--prevout", "1=0:51"],
        &["verify", "--tx", TX, "--prevout", "1=0:51", "--prevout", "0=0:51"],
        &["verify", "--tx", TX, "--prevout", "0:51", "--input", "1"],
        &["verify", "--tx", TX, "--prevout", "1=0:51", "--input", "1"],
        &["verify", "--psbt", PSBT, "--input", "0"],
        &[
            "verify",
            "--script",
            "ADD 3 EQUAL",
            "--stack",
            "1 2",
            "--as",
            "p2wsh",
            "--locktime",
            "1",
            "--sequence",
            "2",
        ],
    ] {
        let (status, out, error) = sigstack(arguments);
        assert_eq!((status, error.as_str()), (0, ""), "{arguments:?}: {out}");
    }
}

#[test]
fn spent_outputs_that_are_missing_or_too_many() {
    let taproot = format!("0:5120{}", "22".repeat(32));
    let txid = "11".repeat(32);
    let taproot_own = format!("0={taproot}");
    let hint = |input| {
        format!(
            "hint: --prevout {input}=SATOSHI:SCRIPT, or --prevtx with the transaction {txid}; --input N verifies one input alone\n"
        )
    };
    for (arguments, problem) in [
        (&[][..], format!("error: input 0: the output that it spends is not given\n{}", hint(0))),
        (
            &["--prevout", "0=0:51"],
            format!("error: input 1: the output that it spends is not given\n{}", hint(1)),
        ),
        (
            &["--prevout", "0:51"],
            "error: --prevout: 1 for 2 inputs\nhint: give one for each input, in input order, or name the input: --prevout \
             1=SATOSHI:SCRIPT\n"
                .into(),
        ),
        (&["--prevout", "2=0:51"], "--prevout 2: the transaction has 2 inputs, counted from 0\n".into()),
        (
            &["--prevout", "1=0:51", "--prevout", "1=0:52"],
            "--prevout 1: the output that input 1 spends is given twice\n".into(),
        ),
        (
            &["--prevout", "0:51", "--prevout", "0:51", "--input", "2"],
            "--input 2: the transaction has 2 inputs, counted from 0\n".into(),
        ),
        (
            &["--input", "0", "--prevout", &taproot_own],
            "input 0: a taproot input, whose signatures commit to the outputs that all inputs spend (BIP 341): those of input 1 \
             are not given\n"
                .into(),
        ),
        (&["--prevtx", TX], "no input spends an output of".into()),
    ] {
        let (status, out, error) = sigstack(&[&["verify", "--tx", TX], arguments].concat());
        assert_eq!((status, out.as_str()), (2, ""), "{arguments:?}");
        assert!(error.contains(&problem), "{arguments:?}: {error}");
    }
    // With all spent outputs, the same taproot input is verified.
    let (status, out, _) =
        sigstack(&["verify", "--tx", TX, "--prevout", &taproot, "--prevout", "0:51", "--input", "0"]);
    assert_eq!(status, 1);
    assert!(out.contains("consensus  WITNESS_PROGRAM_WITNESS_EMPTY: "), "{out}");
}

/// To verify one of two inputs, the transaction that created its spent output is sufficient.
#[test]
fn one_parent_suffices_for_its_input() {
    let parent = concat!(
        "0100000001",
        "2222222222222222222222222222222222222222222222222222222222222222",
        "0000000000ffffffff",
        "01000000000000000001",
        "5100000000"
    );
    let tx: bitcoin::Transaction = bitcoin::consensus::encode::deserialize_hex(TX).unwrap();
    let made: bitcoin::Transaction = bitcoin::consensus::encode::deserialize_hex(parent).unwrap();
    let mut spending = tx;
    spending.input[1].previous_output = bitcoin::OutPoint { txid: made.compute_txid(), vout: 0 };
    let spend = |spending: &bitcoin::Transaction, more: &[&str]| {
        let hex = bitcoin::consensus::encode::serialize_hex(spending);
        sigstack(&[&["verify", "--tx", &hex, "--prevtx", parent], more].concat())
    };
    let (status, out, error) = spend(&spending, &["--input", "1"]);
    assert_eq!((status, error.as_str()), (0, ""));
    assert!(out.contains("(input 1 of 2)"), "{out}");
    let (status, _, error) = spend(&spending, &[]);
    assert_eq!(status, 2);
    assert!(error.contains("input 0: the output that it spends is not given"), "{error}");
    spending.input[1].previous_output.vout = 1;
    let (status, _, error) = spend(&spending, &["--input", "1"]);
    assert_eq!(status, 2);
    assert!(error.contains("but this transaction has 1 output"), "{error}");
}

/// A case that cannot be read keeps its number in the file. Its error is the same as that of `sigstack vectors`.
#[test]
fn a_case_that_cannot_be_read_says_why() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("unread_script_tests.json");
    std::fs::write(
        &file,
        r#"[["1", "", "", "OK"], ["1", "", "NOPE", "OK"], ["", "1", "", "OK"], [1, 2, 3, 4]]"#,
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let ran = |number: usize| sigstack(&["verify", "--case", &format!("{file}#{number}")]);
    assert_eq!(ran(3).0, 0);
    for (number, error) in [
        (2, "case 2: flags: unknown flag \"NOPE\" (dialect core)"),
        (4, "case 4: scriptSig: must be a string, is a number"),
        (5, "no case 5; the last one is 4"),
    ] {
        assert_eq!(ran(number), (2, String::new(), format!("error: {file}: {error}\n")));
    }
}

/// A damaged PSBT in base64 is not mistaken for a path, although base64 contains slashes.
#[test]
fn a_damaged_psbt_is_not_taken_for_a_path() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let psbt = std::fs::read_to_string(root.join("docs/examples/checksigadd.psbt")).unwrap();
    let cut = psbt.trim().get(..301).unwrap();
    let (status, _, error) = sigstack(&["verify", "--psbt", cut]);
    assert!(status == 2 && cut.contains('/') && !error.contains("hint"), "{error}");
    let (status, _, error) = sigstack(&["verify", "--psbt", "a/b.psbt"]);
    assert!(status == 2 && error.contains("hint: if this is the path"), "{error}");
}

/// The input of a coinbase transaction is rejected, whatever output is given for it.
#[test]
fn a_coinbase_transaction_is_not_verified() {
    let (null, amount) = ("00".repeat(32), "00f2052a01000000");
    let tx = format!("0100000001{null}ffffffff025151ffffffff01{amount}015100000000");
    for options in [&[][..], &["--prevout", "5000000000:51"]] {
        let ran = sigstack(&[&["verify", "--tx", tx.as_str()], options].concat());
        let error = "error: input 0: the input of a coinbase transaction spends no output, so no script verifies it\n";
        assert_eq!(ran, (2, String::new(), error.to_owned()), "{options:?}");
    }
}
