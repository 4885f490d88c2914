//! Tests of arguments that are given on the command line, in files and on standard input, and of the errors about
//! them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Creates a folder with the example transaction in hex, in hex with line breaks, and in raw bytes.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples");
    for name in ["p2wpkh.tx", "parent.tx", "checksigadd.psbt"] {
        let text = fs::read_to_string(examples.join(name)).unwrap();
        let text = text.trim();
        fs::write(folder.join(name), text).unwrap();
        if let Ok(bytes) = hex::decode(text) {
            fs::write(folder.join(format!("{name}.bin")), bytes).unwrap();
            let lines: Vec<&str> =
                text.as_bytes().chunks(20).map(|line| str::from_utf8(line).unwrap()).collect();
            fs::write(folder.join(format!("{name}.lines")), lines.join("\r\n")).unwrap();
        }
    }
    fs::write(folder.join("policy"), "pk(79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798)")
        .unwrap();
    fs::write(folder.join("script"), "2 ADD 5 EQUAL\n").unwrap();
    folder
}

/// Runs `sigstack` with `stdin` on standard input. Returns the exit status, standard output and standard error.
fn sigstack(folder: &Path, args: &[&str], stdin: &[u8]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigstack"));
    command.args(args).current_dir(folder);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Writing fails if the command does not read its standard input.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn every_argument_takes_text_files_and_standard_input() {
    let folder = folder("every-argument");
    let run = |args: &[&str], stdin: &[u8]| sigstack(&folder, args, stdin);
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    let (tx, parent) = ("@p2wpkh.tx", "@parent.tx");
    let expected = run(&["verify", "--tx", tx, "--prevtx", parent], b"");
    // The scripts of the example are valid, but its outputs have a higher amount than its inputs.
    assert!(expected.0 == 1 && expected.1.contains("  consensus  bad-txns-in-belowout: "), "{expected:?}");
    for form in ["@p2wpkh.tx.bin", "@p2wpkh.tx.lines"] {
        assert_eq!(run(&["verify", "--tx", form, "--prevtx", parent], b""), expected, "{form}");
        let form = form.replace("p2wpkh", "parent");
        assert_eq!(run(&["verify", "--tx", tx, "--prevtx", &form], b""), expected, "{form}");
    }
    for name in ["p2wpkh.tx", "p2wpkh.tx.bin", "p2wpkh.tx.lines"] {
        assert_eq!(run(&["verify", "--tx", "-", "--prevtx", parent], &read(name)), expected, "{name}");
        assert_eq!(run(&["decode", "tx", "-"], &read(name)), run(&["decode", "tx", tx], b""), "{name}");
    }
    assert_eq!(run(&["verify", "--tx", tx, "--prevtx", "-"], &read("parent.tx")), expected);
    let psbt = run(&["verify", "--psbt", "@checksigadd.psbt"], b"");
    assert_eq!(psbt.0, 0, "{psbt:?}");
    assert_eq!(run(&["verify", "--psbt", "-"], &read("checksigadd.psbt")), psbt);
    let script = run(&["verify", "--script", "2 ADD 5 EQUAL", "--stack", "3"], b"");
    assert_eq!(script.0, 0, "{script:?}");
    assert_eq!(run(&["verify", "--script", "@script", "--stack", "-"], b"3\n"), script);
    assert_eq!(run(&["verify", "--script", "-", "--stack", "3"], b"2 ADD\n5 EQUAL"), script);
    assert_eq!(run(&["asm", "-"], b"2 ADD\n5 EQUAL").1, "52935587\n");
    assert_eq!(run(&["disasm", "-"], b"5293\n5587\n").1, "OP_2 OP_ADD OP_5 OP_EQUAL\n");
    assert_eq!(run(&["disasm", "-"], b"\x76\xa9\x00").1, "OP_DUP OP_HASH160 OP_0\n", "bytes");
    assert_eq!(run(&["decode", "witness", "-"], b"01 01 51").0, 0);
    assert_eq!(run(&["decode", "annex", "-"], b"5001").0, 0);
    assert_eq!(run(&["decode", "control", "-"], format!("c0{}", "11".repeat(32)).as_bytes()).0, 0);
    assert_eq!(
        run(&["decode", "address", "-"], b"bc1pz37fc4cn9ah8anwm4xqqhvxygjf9rjf2resrw8h8w4tmvcs0863sa2e586\n")
            .0,
        0
    );
    let compiled = run(&["compile", "@policy"], b"");
    assert_eq!(compiled.0, 0, "{compiled:?}");
    assert_eq!(run(&["compile", "policy"], b""), compiled);
    assert_eq!(run(&["compile", "-"], &read("policy")), compiled);
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/proposals/csfs.jsonl");
    let cases = fs::read(&case).unwrap();
    assert_eq!(run(&["vectors", "-"], &cases).0, 0);
    assert_eq!(run(&["verify", "--case", "-#csfs/valid"], &cases).0, 0);
    assert_eq!(run(&["verify", "--case", &format!("@{}#csfs/valid", case.display())], b"").0, 0);
}

#[test]
fn errors_say_where_and_what_to_do() {
    let folder = folder("argument-errors");
    let tx = fs::read_to_string(folder.join("p2wpkh.tx")).unwrap();
    let (short, long) = (&tx[..100], format!("{tx}0000"));
    let follows = tx.len() / 2;
    let checks: Vec<(Vec<&str>, String)> = vec![
        (
            vec!["decode", "tx", "p2wpkh.tx"],
            "tx: not hex: 'p' at position 0, counted from 0\nhint: a file of this name exists: write @p2wpkh.tx to \
             read it"
                .into(),
        ),
        (
            vec!["decode", "tx", "parent"],
            "tx: not hex: 'p' at position 0, counted from 0".into(),
        ),
        (
            vec!["decode", "tx", "none.tx"],
            "tx: not hex: 'n' at position 0, counted from 0\nhint: if this is the path of a file, write @ before it; no such file exists".into(),
        ),
        (vec!["decode", "tx", "@none.tx"], "tx: none.tx: No such file or directory (os error 2)".into()),
        (vec!["decode", "tx", "@"], "tx: the path of a file is missing after @".into()),
        (vec!["decode", "tx", "@."], "tx: .: Is a directory (os error 21)".into()),
        (vec!["decode", "tx", &tx[1..]], format!("tx: not hex: {} digits, an odd number", tx.len() - 1)),
        (
            vec!["decode", "tx", short],
            "tx: output 0 amount: 8 bytes expected, 1 left (byte 49)".into(),
        ),
        (vec!["decode", "tx", &long], format!("tx: 2 bytes follow the transaction (byte {follows})")),
        (
            vec!["decode", "tx", "70736274ff0100"],
            "tx: input count: 8 bytes expected, 2 left (byte 5)\nhint: these bytes are a PSBT: `sigstack verify --psbt` reads it".into(),
        ),
        (
            vec!["decode", "witness", "0203515151"],
            "witness: length of element 1: 1 byte expected, 0 left (byte 5)".into(),
        ),
        (
            vec!["verify", "--tx", "-", "--prevtx", "-"],
            "--prevtx 0: standard input: it was read for --tx already; only one argument can be -".into(),
        ),
        (
            vec!["compile", "none"],
            "policy: none: No such file or directory (os error 2)\nhint: text without ( is read as the path of a policy file".into(),
        ),
        (vec!["decode", "address", "@p2wpkh.tx.bin"], "address: binary data, where text is expected".into()),
        (
            vec!["verify", "--script", "script"],
            "--script: \"script\" at byte 0: neither an opcode, a number, <hex>, 0xhex nor 'text'\nhint: a file of this \
             name exists: write @script to read it"
                .into(),
        ),
    ];
    for (args, expected) in checks {
        let (status, out, error) = sigstack(&folder, &args, tx.as_bytes());
        assert_eq!((status, out.as_str(), error), (2, "", format!("error: {expected}\n")), "{args:?}");
    }
}
