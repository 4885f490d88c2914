//! Tests of the commands that read and write scripts, and of the traces that `sigstack vectors` shows of failures.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::path::Path;
use std::process::Command;

fn sigstack(args: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_sigstack")).args(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn scripts_go_to_and_fro_and_mistakes_are_located() {
    assert_eq!(sigstack(&["asm", "DUP", "<ab>", "-1"]), (0, "7601ab4f\n".into(), String::new()));
    assert_eq!(sigstack(&["disasm", "7601ab4f"]).1, "OP_DUP <ab> OP_1NEGATE\n");
    assert_eq!(sigstack(&["disasm", "--lines", "01ab4f"]).1, "    0     0  <ab>\n    1     2  OP_1NEGATE\n");
    let (status, _, error) = sigstack(&["asm", "1 FOO"]);
    assert_eq!(status, 2);
    assert_eq!(
        error,
        "error: asm: \"FOO\" at byte 2: neither an opcode, a number, <hex>, 0xhex nor 'text'\n"
    );
}

/// Test vector 0 of BIP 340 as elements for OP_CHECKSIGFROMSTACK: signature, message and key.
const SIGNED: &str = "<e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca821525f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0> \
                      <0000000000000000000000000000000000000000000000000000000000000000> \
                      <f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9>";

/// With `--assign`, another byte stands for the opcode of a proposal. This applies to assembly, disassembly, verdicts
/// and traces.
#[test]
fn another_byte_can_be_assigned_to_the_opcode_of_a_proposal() {
    let csfs = ["--assign", "CSFS=0xbb"];
    let with = |args: &[&str]| sigstack(&[&args[..1], &csfs, &args[1..]].concat());
    assert_eq!(with(&["asm", "CSFS SUCCESS204 CAT"]).1, "bbcc7e\n");
    assert_eq!(with(&["disasm", "bbcc7ebc"]).1, "OP_CHECKSIGFROMSTACK OP_SUCCESS204 OP_CAT OP_SUCCESS188\n");
    let verify = |script: &str, flags: &str| {
        let (status, out, error) = with(&["verify", "--script", script, "--stack", SIGNED, "--flags", flags]);
        assert_eq!(error, "");
        (status, out)
    };
    for script in ["CSFS", "0xbb"] {
        let (status, out) = verify(script, "+CHECKSIGFROMSTACK");
        assert!(status == 0 && !out.contains("no rule ran"), "{out}");
    }
    let (status, out) = verify("CSFS", "+CONSENSUS");
    assert!(status == 0 && out.contains("no rule ran: OP_CHECKSIGFROMSTACK is inactive"), "{out}");
    let (status, out) = verify("0xcc", "+CHECKSIGFROMSTACK");
    assert!(
        status == 0 && out.contains("no rule ran: the tapscript contains OP_SUCCESS204 (the only input)"),
        "{out}"
    );
    let (status, out) = verify("DROP CSFS", "+CHECKSIGFROMSTACK");
    assert!(status == 1 && out.contains("opcode 1 (OP_CHECKSIGFROMSTACK, byte 1)"), "{out}");
    let trace = with(&["trace", "--script", "CSFS", "--stack", SIGNED, "--flags", "+CHECKSIGFROMSTACK"]).1;
    assert!(trace.contains("0     0  OP_CHECKSIGFROMSTACK "), "{trace}");
    let json =
        with(&["trace", "--json", "--script", "CSFS", "--stack", SIGNED, "--flags", "+CHECKSIGFROMSTACK"]).1;
    assert!(json.contains(r#""opcode":187,"opcode_name":"OP_CHECKSIGFROMSTACK""#), "{json}");
}

/// Decodes the address and the control block of the first script path in BIP 341's wallet vectors. Both give the same
/// output key.
#[test]
fn what_is_decoded_fits_together() {
    let (status, out, _) =
        sigstack(&["decode", "address", "bc1pz37fc4cn9ah8anwm4xqqhvxygjf9rjf2resrw8h8w4tmvcs0863sa2e586"]);
    assert_eq!(status, 0);
    let key = "147c9c57132f6e7ecddba9800bb0c4449251c92a1e60371ee77557b6620f3ea3";
    assert!(out.contains("P2TR") && out.contains(key), "{out}");
    let control = "c1187791b6f712a8ea41c8ecdd0ee77fab3e85263b37e1ec18a3651926b3a6cf27";
    let script = "20d85a959b0290bf19bb89ed43c916be835475d013da4b362117393e25a48229b8ac";
    let (status, out, _) = sigstack(&["decode", "control", control, "--script", script]);
    assert_eq!(status, 0);
    assert!(out.contains("5b75adecf53548f3ec6ad7d78383bf84cc57b55a3127c72b9a2481752dd88b21"), "{out}");
    assert!(out.contains(&format!("output key       {key}\n")), "{out}");
    assert_eq!(sigstack(&["decode", "annex", "51"]).0, 2);
    assert_eq!(sigstack(&["decode", "control", "c1"]).0, 2);
}

/// A witness element that has a role in an interpretation, such as control block, is named after it. Other elements
/// are described from their bytes.
#[test]
fn elements_are_named_as_the_reading_names_them() {
    let notes = |elements: &[&str]| -> Vec<String> {
        let sized = |hex: &&str| format!("{:02x}{hex}", hex.len() / 2);
        let hex = format!("{:02x}{}", elements.len(), elements.iter().map(sized).collect::<String>());
        let (status, out, err) = sigstack(&["decode", "witness", &hex]);
        assert_eq!(status, 0, "{err}");
        let lines =
            elements.iter().map(|hex| out.lines().find(|line| line.contains(&format!(" {hex}"))).unwrap());
        lines.map(|line| line.split_once("# ").unwrap_or_default().1.to_owned()).collect()
    };
    // A control block of 65 bytes has the same length as a signature with a hash type.
    let control = format!("c0d4{}1e", "76".repeat(61) + "44");
    let signature = format!("{}01", "35".repeat(64));
    let annex = format!("50{}", "ff".repeat(64));
    assert_eq!(
        notes(&[&signature, "5151", &control]),
        ["Schnorr signature, ALL", "leaf script", "control block"]
    );
    let with_annex = notes(&[&signature, "5151", &control, &annex]);
    assert_eq!(with_annex, ["Schnorr signature, ALL", "leaf script", "control block", "annex"]);
    // An element with roles in two readings has both names: this annex could also be a script.
    assert_eq!(
        notes(&["5151", &control, "5001ff"]),
        ["leaf script", "control block", "annex or witness script"]
    );
    assert_eq!(notes(&[&signature, "5151"]), ["Schnorr signature, ALL", "witness script"]);
    // Without a script before it, the same element is not a control block.
    assert_eq!(notes(&[&control]), ["Schnorr signature, undefined 0x1e"]);
    let (_, out, _) = sigstack(&["decode", "tx", "@../docs/examples/checksigadd.tx"]);
    assert!(out.contains("b31e  # control block\n") && out.contains("529c  # leaf script\n"), "{out}");
}

#[test]
fn completions_and_man_pages_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(sigstack(&["completions", shell]).1.contains("disasm"), "{shell}");
    }
    let (status, out, _) = sigstack(&["man"]);
    assert!(status == 0 && out.contains(".TH") && out.contains("disasm"));
}

/// If a test vector expects a valid input but the input is invalid, the report of `sigstack vectors` contains the trace
/// around the opcode that failed.
#[test]
fn a_failing_case_is_shown_around_the_opcode_that_failed() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/proposals/csfs.jsonl");
    let lines = std::fs::read_to_string(own).unwrap();
    let line = lines.lines().find(|line| line.contains("\"csfs/invalid-hashed-message\"")).unwrap();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("failing.jsonl");
    std::fs::write(&path, line.replace("\"expect\":\"SCHNORR_SIG\"", "\"expect\":\"OK\"")).unwrap();
    let (status, out, _) = sigstack(&["vectors", &path.display().to_string()]);
    assert_eq!(status, 1);
    assert!(out.contains("note: it signs SHA256 of the message"), "{out}");
    assert!(out.contains("OP_CHECKSIGFROMSTACK"), "{out}");
}

#[test]
fn the_debugger_wants_a_terminal() {
    let (status, _, error) = sigstack(&["debug", "--script", "1"]);
    assert_eq!(status, 2);
    assert!(error.contains("needs a terminal"), "{error}");
}
