//! Tests of old and malformed files: older meanings of columns, incomplete flags, rows that cannot be read, trailing
//! commas.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use sigstack_interpreter::Flags;
use sigstack_vectors::{ReadOptions, Report, RunOptions, VectorFile, read_bytes, run};

fn read_named(name: &str, text: &str) -> VectorFile {
    read_bytes(name, text.as_bytes(), ReadOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn read(text: &str) -> VectorFile {
    read_named("sample", text)
}

fn report(file: &VectorFile) -> Report {
    run(file, RunOptions::default())
}

/// Result of reading and running a file. The five elements are: the format, the number of passed cases, the number of
/// failed cases, the errors of unreadable cases, the notes.
type Outcome<'a> = (&'static str, usize, usize, Vec<&'a str>, Vec<&'a str>);

/// Reads and runs a file, and checks the counts, the errors and the notes that this gives.
fn expect(name: &str, text: &str, expected: Outcome<'_>) {
    let file = read_named(name, text);
    let report = report(&file);
    let unread: Vec<String> = file.unread.iter().map(ToString::to_string).collect();
    let unread: Vec<&str> = unread.iter().map(String::as_str).collect();
    let notes: Vec<&str> = file.notes.iter().map(String::as_str).collect();
    assert_eq!((file.format.name(), report.passed, report.failures.len(), unread, notes), expected, "{text}");
}

/// Returns a transaction that spends output 0 of the transaction whose id begins with 01.
fn tx() -> String {
    let zeros = |count: usize| "0".repeat(2 * count);
    format!("0100000001{}01{}01{}", zeros(31), zeros(4 + 1 + 4), zeros(8 + 1 + 4))
}

/// Returns the text of a file like Core's tx_valid.json, with Core's comments. `kind` is "valid" or "invalid", `column`
/// the name of the flags column. Each row has a scriptPubKey and its flags as JSON.
fn transactions(kind: &str, column: &str, rows: &[(&str, &str)]) -> String {
    let txid = format!("01{}", "0".repeat(62));
    let row =
        |(script, flags): &(&str, &str)| format!(r#"[[["{txid}", 0, "{script}", 5]], "{}", {flags}]"#, tx());
    let rows: Vec<String> = rows.iter().map(row).collect();
    let comment = format!("The following are deserialized transactions which are {kind}.");
    format!(r#"[["{comment}"], ["serializedTransaction, {column}]"], {}]"#, rows.join(","))
}

const BEFORE_2021: &str = "read as before 2021: the flags of a case are those to verify with";

#[test]
fn flags_of_tx_valid_are_to_be_set_or_to_be_left_out_as_the_file_says() {
    // The input is valid under P2SH alone; under all flags except P2SH, the NOP is discouraged.
    let rows = [("NOP1 1", "\"P2SH\"")];
    let older = transactions("valid", "verifyFlags", &rows);
    expect("sample", &older, ("tx_valid", 1, 0, vec![], vec![BEFORE_2021]));
    let newer = transactions("valid", "excluded verifyFlags", &rows);
    let note = "1 case: CLEANSTACK,WITNESS was left out with flags that it needs";
    expect("sample", &newer, ("tx_valid", 0, 1, vec![], vec![note]));
    // The oldest files only say whether P2SH is enforced.
    let oldest = transactions("valid", "enforceP2SH", &[("1", "true"), ("1", "false"), ("0", "true")]);
    expect("sample", &oldest, ("tx_valid", 2, 1, vec![], vec![BEFORE_2021]));
    let flags = |nth: usize| read(&oldest).entries[nth].input_questions()[0].flags;
    assert_eq!((flags(0), flags(1)), (Flags::P2SH, Flags::NONE));
}

#[test]
fn tx_invalid_of_before_2021_may_name_flags_that_are_not_needed() {
    let rows = [("0", "\"P2SH\""), ("1", "\"P2SH\"")];
    let older = transactions("invalid", "verifyFlags", &rows);
    expect("sample", &older, ("tx_invalid", 1, 1, vec![], vec![BEFORE_2021]));
    // A file that mentions BADTX is from 2021 or later. Its flags must be minimal, but the first row is invalid even
    // without P2SH.
    let newer = older.replace("verifyFlags]", "verifyFlags] or BADTX");
    expect("sample", &newer, ("tx_invalid", 0, 2, vec![], vec![]));
    // An older file does not mark transactions that are invalid before any script runs.
    let without_outputs = format!("{}0000000000", &tx()[..tx().len() - 28]);
    let malformed =
        transactions("invalid", "verifyFlags", &[("1", "\"P2SH\"")]).replace(&tx(), &without_outputs);
    expect("sample", &malformed, ("tx_invalid", 1, 0, vec![], vec![BEFORE_2021]));
    // A transaction without inputs, which the serialization with witnesses cannot express.
    let without_inputs = malformed.replace(&without_outputs, "0100000000010000000000000000015100000000");
    expect("sample", &without_inputs, ("tx_invalid", 1, 0, vec![], vec![BEFORE_2021]));
}

#[test]
fn flags_are_completed_and_the_file_says_so() {
    let cleanstack = "P2SH,WITNESS was added to flags that need it";
    let witness = "P2SH was added to flags that need it";
    let invalid = |flags: &str| {
        let flags = format!("\"{flags}\"");
        transactions("invalid", "verifyFlags] or BADTX", &[("1 1", &flags)])
    };
    expect(
        "sample",
        &invalid("CLEANSTACK"),
        ("tx_invalid", 1, 0, vec![], vec![&format!("1 case: {cleanstack}")]),
    );
    expect(
        "sample",
        &invalid("CLEANSTACK,LOW_S"),
        ("tx_invalid", 0, 1, vec![], vec![&format!("1 case: {cleanstack}")]),
    );
    let tests = r#"[["1 1", "1", "CLEANSTACK", "CLEANSTACK"], ["1", "", "WITNESS", "OK"], ["1", "", "WITNESS", "OK"]]"#;
    let notes = [format!("2 cases: {witness}"), format!("1 case: {cleanstack}")];
    let notes: Vec<&str> = notes.iter().map(String::as_str).collect();
    expect("sample", tests, ("script_tests", 3, 0, vec![], notes));
}

#[test]
fn script_valid_and_script_invalid_have_their_verdict_in_their_name() {
    let rows = r#"[["1", "NOP", "P2SH,STRICTENC", "a comment"], ["0", "NOT", "P2SH"], ["1", "RETURN", ""]]"#;
    let note = "the name of the file says whether its scripts are valid";
    for name in ["data/script_valid.json", "script-valid.json.gz", "Script_Valid (2).json"] {
        expect(name, rows, ("script_valid", 2, 1, vec![], vec![note]));
    }
    expect("4a-script_invalid.json", rows, ("script_invalid", 1, 2, vec![], vec![note]));
    let file = read_named("script_valid.json", rows);
    assert_eq!(
        (file.entries[0].comment.as_str(), file.entries[1].comment.as_str()),
        ("a comment", "0 | NOT")
    );
    let problem = read_bytes("valid.json", rows.as_bytes(), ReadOptions::default()).unwrap_err().to_string();
    let advice = "such files are read if their name contains script_valid or script_invalid";
    assert_eq!(problem, format!("valid.json: scripts without a verdict: {advice}"));
    // The third column of the oldest files is a comment, or is absent.
    let oldest = r#"[["1", "NOP", "a comment"], ["0", "NOT"], ["1", "RETURN"]]"#;
    let flags = "no column of flags: every case runs under P2SH and STRICTENC";
    expect("script_valid.json", oldest, ("script_valid", 2, 1, vec![], vec![note, flags]));
    let file = read_named("script_valid.json", oldest);
    assert_eq!(file.entries[1].input_questions()[0].flags, Flags::P2SH | Flags::STRICTENC);
    // A comment in capital letters is not a verdict.
    let capitals = rows.replace("a comment", "NOP");
    expect("script_valid.json", &capitals, ("script_valid", 2, 1, vec![], vec![note]));
}

#[test]
fn transactions_without_a_comment_have_their_verdict_in_the_name_of_the_file() {
    let without_comments = |rows: &[(&str, &str)]| {
        let text = transactions("valid", "excluded verifyFlags", rows);
        format!("[{}", text.split_once("\"], [[").map(|(_, rows)| format!("[[{rows}")).unwrap())
    };
    let rows = without_comments(&[("1", "\"NONE\""), ("0", "\"NONE\"")]);
    let note = "the name of the file says whether its transactions are valid";
    for name in ["tx_valid.json", "data/Tx-Valid (2).json.gz"] {
        expect(name, &rows, ("tx_valid", 1, 1, vec![], vec![note]));
    }
    expect("tx_invalid.json", &rows, ("tx_invalid", 1, 1, vec![], vec![note]));
    // The content of the file takes precedence over its name.
    let says = transactions("valid", "excluded verifyFlags", &[("1", "\"NONE\"")]);
    expect("tx_invalid.json", &says, ("tx_valid", 1, 0, vec![], vec![]));
    let problem = read_bytes("sample", rows.as_bytes(), ReadOptions::default()).unwrap_err().to_string();
    assert_eq!(problem, "sample: not a vector file: no known format");
}

#[test]
fn a_row_that_cannot_be_read_does_not_lose_the_file() {
    let good = r#"["1", "", "", "OK"]"#;
    let bad = [r#"["FOO", "", "", "OK"]"#, r#"["1", "", "EVEN_S", "OK"]"#, r#"["1"  , "1", ""]"#];
    let file = format!("[{good}, {}, {good}, {}, {}, {good}]", bad[0], bad[1], bad[2]);
    let problems = vec![
        "sample: case 2: scriptSig: no opcode is named \"FOO\"",
        "sample: case 4: flags: unknown flag \"EVEN_S\" (dialect core)",
        "sample: case 5: expected: is missing (column 3, counted from 0)",
    ];
    expect("sample", &file, ("script_tests", 3, 0, problems, vec![]));
    let numbers: Vec<usize> = read(&file).entries.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [1, 3, 6]);
    // If no row can be read, the error of the whole file is that of its first row.
    let only_bad = format!("[{}, {}]", bad[0], bad[1]);
    let error = read_bytes("sample", only_bad.as_bytes(), ReadOptions::default()).unwrap_err().to_string();
    assert_eq!(error, problems_of(&file)[0].replace("case 2", "case 1"));
    let mixed = transactions("valid", "verifyFlags", &[("1", "\"NONE\""), ("FOO", "\"NONE\"")]);
    let problem = "sample: case 2: prevouts[0].scriptPubKey: no opcode is named \"FOO\"";
    expect("sample", &mixed, ("tx_valid", 1, 0, vec![problem], vec![BEFORE_2021]));
}

fn problems_of(text: &str) -> Vec<String> {
    read(text).unread.iter().map(ToString::to_string).collect()
}

#[test]
fn a_line_that_is_not_json_does_not_lose_the_file() {
    let case = format!(
        r#"{{"comment":"c","tx":"{}","index":0,"prevouts":["00000000000000000151"],"flags":"P2SH","expect":"OK"}}"#,
        tx()
    );
    let cut = case.strip_suffix(r#","expect":"OK"}"#).unwrap();
    let problem = format!(
        "sample: case 2: not JSON: line 3: EOF while parsing an object at line 1 column {}",
        cut.len()
    );
    let lines = format!("{case}\n\n{cut}\n{case}\n");
    expect("sample", &lines, ("cases", 2, 0, vec![&problem], vec![]));
    assert_eq!(read(&lines).entries[1].number, 3);
}

#[test]
fn trailing_commas_are_ignored_and_noted() {
    let note = "ignored 2 trailing commas, which JSON does not allow";
    let rows = r#"[["1", "", "", "OK",], ["0", "VERIFY", "", "VERIFY"],
    ]"#;
    expect("sample", rows, ("script_tests", 2, 0, vec![], vec![note]));
}

#[test]
fn numbers_of_64_bits_are_read() {
    let row = |number: &str| {
        format!(r#"[["{number}", "SIZE 6 EQUALVERIFY DROP 1", "", "OK"], ["1", "", "", "OK"]]"#)
    };
    expect("sample", &row("549755813888"), ("script_tests", 2, 0, vec![], vec![]));
    let number = "9223372036854775808";
    let problem = format!("sample: case 1: scriptSig: the number {number} has more than 64 bits");
    expect("sample", &row(number), ("script_tests", 1, 0, vec![&problem], vec![]));
}

/// Checks that a verdict which only older versions of Bitcoin Core returned counts as passed, and is counted
/// separately. Similar verdicts count as failed.
#[test]
fn verdicts_of_older_core_pass_as_such() {
    let nops = "judged as older Core did: inactive lock times are discouraged NOPs";
    let row = |script: &str, flags: &str| {
        format!(r#"[["1", "{script}", "{flags}", "DISCOURAGE_UPGRADABLE_NOPS"]]"#)
    };
    let outcome = |rows: &str| {
        let report = report(&read(rows));
        (report.passed, report.readings.get(nops).copied())
    };
    let discouraged = "P2SH,DISCOURAGE_UPGRADABLE_NOPS";
    assert_eq!(outcome(&row("CHECKLOCKTIMEVERIFY", discouraged)), (1, Some(1)));
    assert_eq!(outcome(&row("CHECKSEQUENCEVERIFY", discouraged)), (1, Some(1)));
    assert_eq!(outcome(&row("NOP1", discouraged)), (1, None), "today's verdict");
    assert_eq!(outcome(&row("NOP", discouraged)), (0, None));
    assert_eq!(outcome(&row("0x01 0xb1 DROP", discouraged)), (0, None), "data, not an opcode");
    assert_eq!(outcome(&row("CHECKLOCKTIMEVERIFY", "P2SH")), (0, None), "not discouraged");
}

#[test]
fn an_unclean_stack_of_a_witness_script_was_called_false() {
    let renamed = "named as older Core did: EVAL_FALSE for a witness script's unclean stack";
    let outcome = |rows: &str| {
        let report = report(&read(rows));
        (report.passed, report.readings.get(renamed).copied())
    };
    // P2WSH of the script OP_NOP, with two more elements in the witness.
    let program = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
    let witness = |elements: &str, expected: &str| {
        format!(r#"[[[{elements}, "61", 0], "", "0 0x20 0x{program}", "P2SH,WITNESS", "{expected}"]]"#)
    };
    assert_eq!(outcome(&witness(r#""01", "01""#, "EVAL_FALSE")), (1, Some(1)));
    assert_eq!(outcome(&witness(r#""01", "01""#, "CLEANSTACK")), (1, None), "today's name");
    assert_eq!(outcome(&witness(r#""01", "01""#, "VERIFY")), (0, None));
    assert_eq!(outcome(&witness(r#""""#, "EVAL_FALSE")), (1, None), "false");
    let bare = r#"[["1 1", "NOP", "P2SH,WITNESS,CLEANSTACK", "EVAL_FALSE"]]"#;
    assert_eq!(outcome(bare), (0, None), "not in a witness script");
}
