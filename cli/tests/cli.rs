//! Runs the command as a user does, and checks exit status, output and errors.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// A transaction with one input and one output, whose input spends an output with amount 0.
const TX: &str = "01000000010000000000000000000000000000000000000000000000000000000000000001000000000000000000010000000000000000\
                  0000000000";

/// A serialized transaction output of 0 sat with the script OP_1, which anyone can spend.
const TRUE_OUTPUT: &str = "00000000000000000151";

/// Exit status, standard output and standard error of a `sigstack` command.
struct Ran {
    status: i32,
    out: String,
    err: String,
}

fn sigstack(args: &[&str], folder: &Path) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigstack"));
    let output = command.args(args).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { status: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// Creates a folder for a test, with the given files. Each file is a pair of a name and a text.
fn folder(test: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn tx() -> String {
    TX.split_whitespace().collect()
}

/// Returns a JSON list with one test case. `changes` sets or replaces fields of the case. Without changes, the case
/// passes.
fn case(changes: &[(&str, Value)]) -> String {
    let mut case = serde_json::json!({
        "comment": "one is true",
        "tx": tx(),
        "index": 0,
        "prevouts": [TRUE_OUTPUT],
        "flags": "NONE",
        "expect": "OK",
    });
    for (field, value) in changes {
        case[*field] = value.clone();
    }
    format!("[{case}]")
}

#[test]
fn a_run_in_which_every_case_passes_is_a_yes() {
    let folder = folder("yes", &[("good.json", &case(&[]))]);
    let ran = sigstack(&["vectors", "good.json"], &folder);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    let table = "file       format  dialect  ran  passed  failed  skipped\n\
                 good.json  cases   -          1       1       0  0\n\
                 1 case of 1 file ran: 1 passed, 0 failed; 0 skipped, 0 files could not be read\n";
    assert_eq!(ran.out, table);
}

#[test]
fn a_case_that_fails_is_a_no_and_says_where_execution_stopped() {
    let case = case(&[("prevouts", vec!["0000000000000000025169"].into())]);
    let folder = folder("no", &[("bad.json", &case)]);
    let ran = sigstack(&["vectors", "bad.json"], &folder);
    assert_eq!(ran.status, 1);
    let failure = "FAIL bad.json case 1: one is true\n     \
                   asked     input 0 under NONE\n     \
                   expected  OK\n     \
                   actual    EVAL_FALSE\n     \
                   stopped   in scriptPubKey\n";
    assert!(ran.out.starts_with(failure), "{}", ran.out);
}

#[test]
fn an_unexpected_error_is_a_no() {
    let case = case(&[("expect", "EVAL_FALSE".into()), ("prevouts", vec!["000000000000000002516a"].into())]);
    let folder = folder("other-error", &[("bad.json", &case)]);
    let ran = sigstack(&["vectors", "bad.json"], &folder);
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("actual    OP_RETURN\n"), "{}", ran.out);
    assert!(ran.out.contains("stopped   in scriptPubKey, opcode 1 (OP_RETURN, byte 1)\n"), "{}", ran.out);
}

/// For every kind of invalid vector file, the exit status is 2 and the error names the file, case and field. The
/// other file is still run.
#[test]
fn bad_input_names_file_case_and_field_and_the_other_files_run() {
    let script_test = |flags: &str| format!(r#"[["1", "", "{flags}", "OK"]]"#);
    let none: Vec<Value> = vec![];
    let wrong = [
        ("not-json", "[{\"tx\": ".into(), "not JSON: EOF while parsing"),
        ("odd-hex", case(&[("tx", "012".into())]), "case 1: tx: bad hex: Odd number of digits"),
        ("no-hex", case(&[("tx", "0g".into())]), "case 1: tx: bad hex: Invalid character 'g'"),
        (
            "few-prevouts",
            case(&[("prevouts", none.into())]),
            "case 1: prevouts: 0 prevouts for 1 input; one for each input",
        ),
        ("index", case(&[("index", 1.into())]), "case 1: index: no input 1: the transaction has 1"),
        ("flag", case(&[("flags", "P2SH,FOO".into())]), "case 1: flags: unknown flag \"FOO\""),
        ("flag-script", script_test("FOO"), "case 1: flags: unknown flag \"FOO\" (dialect core)"),
        (
            "trailing",
            case(&[("tx", (tx() + "00").into())]),
            "case 1: tx: not a serialized transaction: 1 byte follows the transaction (byte 60)",
        ),
        (
            "short",
            case(&[("tx", tx()[..40].into())]),
            "case 1: tx: not a serialized transaction: input 0 txid: 32 bytes expected, 15 left (byte 5)",
        ),
        (
            "flags-together",
            case(&[("flags", "P2SH,CLEANSTACK".into())]),
            "case 1: flags: the flag CLEANSTACK needs WITNESS",
        ),
        ("expect", case(&[("expect", "FINE".into())]), "case 1: expect: \"FINE\" is neither OK nor"),
        ("no-case", "[]".into(), "holds no case"),
        ("unknown", "{\"a\": 1}".into(), "not a vector file"),
        ("missing-field", case(&[]).replace("\"flags\":\"NONE\",", ""), "case 1: flags: is missing"),
    ];
    for (name, text, problem) in wrong {
        let wrong = format!("{name}.json");
        let folder = folder(&format!("bad-{name}"), &[(&wrong, &text), ("good.json", &case(&[]))]);
        let ran = sigstack(&["vectors", &wrong, "good.json"], &folder);
        assert_eq!(ran.status, 2, "{name}: {}{}", ran.out, ran.err);
        let expected = format!("error: {wrong}: {problem}");
        assert!(ran.err.starts_with(&expected), "{name}: {}", ran.err);
        assert_eq!(ran.err.lines().count(), 1, "{name}: {}", ran.err);
        assert!(ran.out.contains("1 case of 1 file ran: 1 passed"), "{name}: {}", ran.out);
        assert!(ran.out.contains("1 file could not be read"), "{name}: {}", ran.out);
    }
}

#[test]
fn a_script_that_is_cut_short_is_a_script_error_and_no_bad_input() {
    let cut_short = r#"[["0x05 0x01", "1", "", "BAD_OPCODE"], ["1", "0x4c", "", "BAD_OPCODE"]]"#;
    let folder = folder("cut-short", &[("script_tests.json", cut_short)]);
    assert_eq!(sigstack(&["vectors", "script_tests.json"], &folder).status, 0);
}

#[test]
fn nothing_to_run_is_an_error() {
    let good = case(&[]);
    let folder = folder("nothing", &[("good.json", &good), ("empty/readme.txt", ""), ("other/a.json", "{}")]);
    let empty = sigstack(&["vectors", "empty"], &folder);
    assert_eq!(empty.status, 2);
    assert!(empty.err.contains("error: empty: cannot be read: the folder has no .json"), "{}", empty.err);
    let other = sigstack(&["vectors", "other"], &folder);
    assert_eq!((other.status, other.err.as_str()), (2, "error: no case ran\n"));
    let missing = sigstack(&["vectors", "missing.json"], &folder);
    assert_eq!(missing.status, 2);
    assert!(missing.err.starts_with("error: missing.json: cannot be read: "), "{}", missing.err);
    let filtered = sigstack(&["vectors", "--filter", "two", "good.json"], &folder);
    assert_eq!((filtered.status, filtered.err.as_str()), (2, "error: no case ran\n"));
    assert!(filtered.out.contains("1 filtered out"), "{}", filtered.out);
}

#[test]
fn folders_are_searched_and_other_files_in_them_are_listed() {
    let files = [
        ("f/b/good.jsonl", &case(&[])[1..]),
        ("f/a/other.json", "{\"a\": 1}"),
        ("f/a/table.csv", "a,b\n1,2\n"),
        ("f/.hidden/bad.json", "["),
        ("f/notes.txt", "["),
    ];
    let files = files.map(|(name, text)| (name, text.trim_end_matches(']')));
    let folder = folder("search", &files);
    let ran = sigstack(&["vectors", "f"], &folder);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(ran.out.contains("not a vector file: f/a/other.json\nnot a vector file: f/a/table.csv\n"));
    assert!(ran.out.contains("f/b/good.jsonl  cases"), "{}", ran.out);
    let named = sigstack(&["vectors", "f/a/other.json", "f"], &folder);
    assert_eq!(named.status, 2);
    assert!(named.err.contains("f/a/other.json: not a vector file"), "{}", named.err);
    let broken = sigstack(&["vectors", "f", "f/.hidden"], &folder);
    assert_eq!(broken.status, 2, "JSON that is broken is an error in a folder too");
}

#[test]
fn without_a_path_the_projects_own_vectors_run() {
    let folder = folder("own", &[("test-vectors/consensus/a.json", &case(&[])), ("below/deep/x", "")]);
    let ran = sigstack(&["vectors", "--width", "200"], &folder.join("below/deep"));
    assert_eq!(ran.status, 0, "{}", ran.err);
    let set = format!("the project's vectors in {}\n\n", folder.join("test-vectors").display());
    assert!(ran.out.starts_with(&set), "{}", ran.out);
    assert!(ran.out.contains("test-vectors/consensus/a.json"), "{}", ran.out);
}

#[test]
fn json_is_one_object_a_failure_and_a_summary_last() {
    let bad = case(&[("expect", "OP_RETURN".into())]);
    let folder = folder("json", &[("bad.json", &bad), ("good.json", &case(&[])), ("broken.json", "[")]);
    let ran =
        sigstack(&["vectors", "--json", "--jobs", "1", "bad.json", "good.json", "broken.json"], &folder);
    assert_eq!(ran.status, 2);
    let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [failure, summary] = lines.as_slice() else { panic!("{}", ran.out) };
    assert_eq!((&failure["file"], &failure["case"]), (&"bad.json".into(), &1.into()));
    assert_eq!((&failure["expected"], &failure["actual"]), (&"OP_RETURN".into(), &"OK".into()));
    let summary = &summary["summary"];
    assert_eq!((&summary["ran"], &summary["passed"], &summary["failed"]), (&2.into(), &1.into(), &1.into()));
    assert_eq!(summary["files"][0]["failed"], 1);
    assert_eq!(summary["errors"][0]["file"], "broken.json");
}

#[test]
fn a_filter_and_a_dialect_change_what_runs() {
    let rows = r#"[["1", "", "P2SH", "OK", "First"], ["0", "", "", "OK", "second"]]"#;
    let folder = folder("options", &[("rows.json", rows)]);
    let ran = sigstack(&["vectors", "--filter", "FIRST", "--dialect", "lnhance", "rows.json"], &folder);
    assert_eq!(ran.status, 0, "{}", ran.out);
    assert!(ran.out.contains("lnhance    1       1       0  1 filtered out"), "{}", ran.out);
    assert_eq!(sigstack(&["vectors", "rows.json"], &folder).status, 1);
    assert_eq!(sigstack(&["vectors", "--dialect", "foo", "rows.json"], &folder).status, 2);
}

#[test]
fn nobody_listening_is_no_error() {
    let folder = folder("pipe", &[("good.json", &case(&[]))]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigstack"));
    command.args(["vectors", "good.json"]).current_dir(&folder);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &[][..]));
}

#[test]
fn verify_tells_consensus_and_policy_apart() {
    let here = Path::new(".");
    let tx = tx();
    let verify = |prevout: &str, more: &[&str]| {
        let args = [&["verify", "--tx", &tx, "--prevout", prevout], more].concat();
        sigstack(&args, here)
    };
    let both = verify("0:51", &[]);
    assert_eq!(both.status, 0);
    let expected = [
        "  consensus  OK, but no signature of the transaction was checked: anyone who has the witness can spend (the only \
         input)",
        "  policy     scriptpubkey: output 0: the scriptPubKey has none of the standard forms",
        "  unchecked  whether the spent outputs exist, locks against a chain, the rules of a mempool",
    ];
    let mut lines = both.out.lines();
    assert!(lines.next().is_some_and(|line| line.starts_with("transaction ") && line.len() == 76));
    assert_eq!(lines.collect::<Vec<_>>(), expected);
    let policy = verify("0:51b0", &[]);
    assert_eq!(policy.status, 0, "valid by consensus");
    let stopped = "a NOP that is kept for upgrades is used; in scriptPubKey, opcode 1 (OP_NOP1, byte 1)";
    assert!(
        policy.out.contains(&format!("  policy     DISCOURAGE_UPGRADABLE_NOPS: {stopped}\n")),
        "{}",
        policy.out
    );
    let neither = verify("00000000000000000100", &[]);
    assert_eq!(neither.status, 1);
    assert!(neither.out.contains("  consensus  EVAL_FALSE: "), "{}", neither.out);
    let named = verify("0:51b0", &["--flags", "CONSENSUS,DISCOURAGE_UPGRADABLE_NOPS", "--json"]);
    assert_eq!(named.status, 1, "invalid under what was named");
    let object: Value = serde_json::from_str(&named.out).unwrap();
    assert_eq!(object["consensus"]["verdict"], "OK");
    assert_eq!(object["as_named"]["verdict"], "DISCOURAGE_UPGRADABLE_NOPS");
    assert_eq!(object["policy"]["script"]["failures"][0]["stopped"]["opcode"], "OP_NOP1");
    assert_eq!(object["policy"]["standardness"]["verdict"], "scriptpubkey");
    assert_eq!(object["consensus"]["unchecked"][0]["rule"], "nop");
}

#[test]
fn verify_takes_a_case_of_a_file() {
    let rows = r#"[["comment"], ["1", "", "", "OK"], ["0", "", "P2SH", "EVAL_FALSE", "zero"]]"#;
    let sighash = format!(r#"[["{}", "", 0, 1, "{}"]]"#, tx(), "00".repeat(32));
    let folder = folder("verify-case", &[("rows.json", rows), ("sighash.json", &sighash)]);
    let verify = |case: &str| sigstack(&["verify", "--case", case], &folder);
    assert_eq!(verify("rows.json#1").status, 0);
    let zero = verify("rows.json#2");
    assert_eq!(zero.status, 1);
    assert!(zero.out.starts_with("rows.json case 2: zero\ntransaction "), "{}", zero.out);
    assert!(zero.out.contains("  expected   EVAL_FALSE\n"), "{}", zero.out);
    for (wrong, problem) in [
        ("rows.json#3", "rows.json: no case 3; the last one is 2"),
        ("rows.json", "--case: rows.json is a file; which of its cases is missing"),
        ("rows", "--case: no case has the id \"rows\" in the project's vectors"),
        ("sighash.json#1", "sighash.json: case 1 is not about an input of a transaction"),
        ("missing.json#1", "missing.json: cannot be read"),
    ] {
        let ran = verify(wrong);
        assert_eq!(ran.status, 2, "{wrong}");
        assert!(ran.err.contains(problem), "{}", ran.err);
    }
}

#[test]
fn verify_refuses_what_it_cannot_answer() {
    let tx = tx();
    let verify = |args: &[&str]| sigstack(&[&["verify"], args].concat(), Path::new("."));
    for (args, problem) in [
        (&["--tx", "0"][..], "--tx: not hex: 1 digit, an odd number"),
        (&["--tx", "00"], "--tx: "),
        (&["--tx", &tx], "input 0: the output that it spends is not given"),
        (&["--tx", &tx, "--prevout", "0:5"], "--prevout 0: script: not hex: 1 digit, an odd number"),
        (&["--tx", &tx, "--prevout", "x:51"], "--prevout 0: \"x\" is not an amount in satoshi"),
        (
            &["--tx", &tx, "--prevout", "0:51", "--input", "1"],
            "--input 1: the transaction has 1 input, counted from 0",
        ),
        (&["--tx", &tx, "--prevout", "0:51", "--flags", "FOO"], "--flags: unknown flag \"FOO\""),
        (&["--tx", &tx, "--prevout", "0:51", "--flags", "WITNESS"], "--flags: the flag WITNESS needs P2SH"),
        (&["--tx", "@missing.hex"], "--tx: missing.hex: "),
        (&[], "missing: one of --tx <HEX>, --psbt <PSBT>, --case <CASE>, --script <ASM>\n"),
        (
            &["--tx", &tx, "--prevout", "1000"],
            "left (byte 0)\nhint: write SATOSHI:SCRIPT or the serialized output in hex",
        ),
        (&["--psbt", "cHNidP8BAH/+"], "--psbt: "),
    ] {
        let ran = verify(args);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{args:?}");
        assert!(ran.err.contains(problem), "{args:?}: {}", ran.err);
        assert!(!ran.err.contains("the path of a file"), "a PSBT with slashes is not a path: {}", ran.err);
    }
}

/// Inside the project's source, the paths of the project's own vectors are shown relative to the working folder.
#[test]
fn paths_of_the_projects_own_vectors_are_short() {
    let folder = folder("short", &[("test-vectors/consensus/a.json", &case(&[]))]);
    let ran = sigstack(&["vectors", "--width", "200"], &folder);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(ran.out.starts_with("the project's vectors in test-vectors\n\n"), "{}", ran.out);
    assert!(ran.out.contains("\ntest-vectors/consensus/a.json  "), "{}", ran.out);
}

/// Every error is written as text and, with `--json`, also as a JSON object. This holds for errors that the argument
/// parser detects and for errors that a command detects.
#[test]
fn errors_are_text_and_with_json_also_an_object() {
    for (args, place, problem, hint) in [
        (&["verify", "--jsno"][..], "--jsno", "there is no such option", "did you mean --json?"),
        (&["attacks", "swapp"], "NAME", "unknown name \"swapp\"", "did you mean swap? "),
        (&["verifi"], "", "there is no command \"verifi\"", "did you mean verify?"),
        (&["channel", "shw"], "", "there is no command \"shw\"", "did you mean show?"),
        (
            &["verify", "--script", "1", "--flags", "CLEANSTAK"],
            "--flags",
            "unknown flag \"CLEANSTAK\"",
            "did you mean CLEANSTACK?",
        ),
    ] {
        let first = if place.is_empty() { problem.to_owned() } else { format!("{place}: {problem}") };
        let text = format!("error: {first}\nhint: {hint}");
        let ran = sigstack(args, Path::new("."));
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{args:?}");
        assert!(ran.err.starts_with(&text), "{args:?}: {}", ran.err);
        let as_json = if args[0] == "attacks" { &["--format", "json"][..] } else { &["--json"] };
        let ran = sigstack(&[args, as_json].concat(), Path::new("."));
        assert_eq!(ran.status, 2, "{args:?}");
        assert!(ran.err.starts_with(&text), "{args:?}: {}", ran.err);
        let object: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(object["error"]["problem"], problem);
        assert_eq!(object["error"]["where"].as_str().unwrap_or_default(), place);
        assert!(object["error"]["hint"].as_str().unwrap().starts_with(hint), "{object}");
    }
}
