//! A small sample file of every format. Each is recognised by its content and passes. With a single change, each fails or
//! is refused.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use sigstack_vectors::{Dialect, InputError, ReadOptions, Report, RunOptions, VectorFile, read_bytes, run};

/// Returns a hex-encoded transaction with one output. Each input spends the first output of another transaction.
/// `inputs` lists the first byte of each of these transaction ids, the other bytes are zero.
fn tx_spending(inputs: &[&str]) -> String {
    let zeros = |count: usize| "0".repeat(2 * count);
    // Transaction ids are shown in reverse byte order: the first byte shown is the last byte serialized.
    let inputs: Vec<String> =
        inputs.iter().map(|first| format!("{}{first}{}", zeros(31), zeros(4 + 1 + 4))).collect();
    format!("01000000{:02}{}01{}", inputs.len(), inputs.concat(), zeros(8 + 1 + 4))
}

fn tx() -> String {
    tx_spending(&["01"])
}

fn txid(first: &str) -> String {
    format!("{first}{}", "0".repeat(62))
}

fn read(text: &str) -> Result<VectorFile, InputError> {
    read_bytes("sample", text.as_bytes(), ReadOptions::default())
}

fn report(text: &str) -> Report {
    run(&read(text).unwrap(), RunOptions::default())
}

/// Runs the cases of a file. Returns the name of its format, the number of cases that pass, and the number of cases
/// that fail.
fn outcome(text: &str) -> (&'static str, usize, usize) {
    let file = read(text).unwrap();
    let report = run(&file, RunOptions::default());
    (file.format.name(), report.passed, report.failures.len())
}

/// Returns the message of the first error. The file must contain a case that cannot be read.
fn refusal(text: &str) -> String {
    match read(text) {
        Err(error) => error.to_string(),
        Ok(file) => file.unread[0].to_string(),
    }
}

fn script_test(row: &str) -> String {
    format!("[[\"a comment\"], {row}]")
}

#[test]
fn script_tests_compare_the_exact_error() {
    let good = script_test(r#"["1 2", "ADD 3 EQUAL", "P2SH,STRICTENC", "OK", "sum"]"#);
    assert_eq!(outcome(&good), ("script_tests", 1, 0));
    let wrong_error = script_test(r#"["0", "VERIFY", "", "EVAL_FALSE"]"#);
    let failure = report(&wrong_error).failures.remove(0);
    assert_eq!((failure.number, failure.comment.as_str()), (1, "0 | VERIFY"));
    assert_eq!(
        (failure.mismatch.expected.as_str(), failure.mismatch.actual.as_str()),
        ("EVAL_FALSE", "VERIFY")
    );
    let place = failure.mismatch.location.unwrap().to_string();
    assert_eq!(place, "scriptPubKey, opcode 0 (OP_VERIFY, byte 0)");
}

/// A row with CLEANSTACK is verified with P2SH and WITNESS too, as in Core's test runner.
#[test]
fn cleanstack_brings_p2sh_and_witness_with_it() {
    let row = script_test(r#"["1 1", "1", "CLEANSTACK", "CLEANSTACK"]"#);
    assert_eq!(outcome(&row), ("script_tests", 1, 0));
}

#[test]
fn script_tests_with_witnesses() {
    let leaf = |script: &str, expected: &str| {
        script_test(&format!(
            r##"[["aa", "#SCRIPT# {script}", "#CONTROLBLOCK#", 0.00000001], "", "0x51 0x20 #TAPROOTOUTPUT#",
                 "P2SH,WITNESS,TAPROOT", "{expected}", "a leaf"]"##
        ))
    };
    assert_eq!(outcome(&leaf("SIZE 1 EQUALVERIFY DROP 1", "OK")).1, 1);
    assert_eq!(outcome(&leaf("SIZE 2 EQUALVERIFY DROP 1", "EQUALVERIFY")).1, 1);
    assert_eq!(outcome(&leaf("DROP 0 0 CHECKSIG", "PUBKEYTYPE")).1, 1, "an older name");
    let value = read(&leaf("1", "OK")).unwrap().entries[0].input_questions()[0].prevouts[0].value;
    assert_eq!(value.to_sat(), 1);
}

#[test]
fn script_tests_that_are_wrong() {
    let refusal = |row: &str| refusal(&script_test(row));
    let first = "sample: case 1: ";
    assert_eq!(refusal(r#"["FOO", "", "", "OK"]"#), format!("{first}scriptSig: no opcode is named \"FOO\""));
    assert_eq!(
        refusal(r#"["", "0x1", "", "OK"]"#),
        format!("{first}scriptPubKey: bad hex in \"0x1\": Odd number of digits")
    );
    assert_eq!(
        refusal(r#"["", "", "A,P2SH", "OK"]"#),
        format!("{first}flags: unknown flag \"A\" (dialect core)")
    );
    assert_eq!(
        refusal(r#"["", "", "", "NO_SUCH_ERROR"]"#),
        format!("{first}expected: \"NO_SUCH_ERROR\" is neither OK nor the name of an error")
    );
    assert_eq!(
        refusal(r#"[["00", 0.000000001], "", "", "", "OK"]"#),
        format!(
            "{first}amount: 0.000000001 is no amount in bitcoin: at most 8 decimals, from 0 to 21 million"
        )
    );
    assert_eq!(
        refusal(r#"[["0", 1], "", "", "", "OK"]"#),
        format!("{first}witness[0]: bad hex: Odd number of digits")
    );
    let second = refusal(r#"["", "", "", "OK"], ["1", "1", ""]"#);
    assert_eq!(second, "sample: case 2: expected: is missing (column 3, counted from 0)");
}

fn transactions(kind: &str, script: &str, flags: &str) -> String {
    let rows = format!(r#"[[["{}", 0, "{script}", 5]], "{}", "{flags}"]"#, txid("01"), tx());
    format!("[[\"The following are deserialized transactions which are {kind}.\"], [\"about\"], {rows}]")
}

#[test]
fn tx_valid_rows_leave_out_as_few_flags_as_can_be() {
    let outcome = |script, flags| outcome(&transactions("valid", script, flags));
    assert_eq!(outcome("1", "NONE"), ("tx_valid", 1, 0));
    assert_eq!(outcome("0", "NONE"), ("tx_valid", 0, 1));
    assert_eq!(outcome("NOP1 1", "DISCOURAGE_UPGRADABLE_NOPS"), ("tx_valid", 1, 0));
    assert_eq!(outcome("NOP1 1", "NONE"), ("tx_valid", 0, 1));
    assert_eq!(outcome("NOP1 1", "DISCOURAGE_UPGRADABLE_NOPS,LOW_S"), ("tx_valid", 0, 1), "LOW_S may stay");
}

#[test]
fn tx_invalid_rows_put_in_as_few_flags_as_can_be() {
    let outcome = |script, flags| outcome(&transactions("invalid", script, flags));
    assert_eq!(outcome("0", "NONE"), ("tx_invalid", 1, 0));
    assert_eq!(outcome("1", "NONE"), ("tx_invalid", 0, 1));
    assert_eq!(outcome("NOP1 1", "DISCOURAGE_UPGRADABLE_NOPS"), ("tx_invalid", 1, 0));
    assert_eq!(
        outcome("NOP1 1", "DISCOURAGE_UPGRADABLE_NOPS,LOW_S"),
        ("tx_invalid", 0, 1),
        "LOW_S is not needed"
    );
    assert_eq!(outcome("1", "BADTX"), ("tx_invalid", 0, 1), "the transaction is good");
}

#[test]
fn transactions_that_are_wrong() {
    let other = transactions("valid", "1", "NONE")
        .replace(&format!("\"{}\"", txid("01")), &format!("\"{}\"", txid("02")));
    let missing =
        format!("sample: case 1: prevouts: none is left for input 0, which spends {}:0", txid("01"));
    assert_eq!(refusal(&other), missing);
    let row = transactions("valid", "FOO", "NONE");
    assert_eq!(refusal(&row), "sample: case 1: prevouts[0].scriptPubKey: no opcode is named \"FOO\"");
    let trailing = transactions("valid", "1", "NONE").replace(&tx(), &(tx() + "00"));
    assert!(refusal(&trailing).starts_with("sample: case 1: transaction: not a serialized transaction: "));
    let neither = transactions("strange", "1", "NONE");
    assert_eq!(refusal(&neither), "sample: not a vector file: no known format");
}

#[test]
fn dialects_are_detected_and_overridden() {
    let dialect = |flags: &str, chosen: Option<&str>| {
        let text = transactions("invalid", "0", flags);
        let dialect = chosen.map(|name| Dialect::from_name(name).unwrap());
        let file = read_bytes("sample", text.as_bytes(), ReadOptions { dialect, ..ReadOptions::default() });
        file.map(|file| file.dialect().unwrap().name).map_err(|error| error.to_string())
    };
    assert_eq!(dialect("P2SH", None), Ok("core"));
    assert_eq!(dialect("LNHANCE", None), Ok("lnhance"));
    assert_eq!(dialect("DEFAULT_CHECK_TEMPLATE_VERIFY_HASH", None), Ok("bip119"));
    assert_eq!(dialect("P2SH", Some("inquisition")), Ok("inquisition"));
    let unknown = "sample: case 1: flags: unknown flag \"LNHANCE\" (dialect core)";
    assert_eq!(dialect("LNHANCE", Some("core")), Err(unknown.into()));
}

#[test]
fn assets_give_a_check_for_success_and_one_for_failure() {
    let asset = |success: &str, failure: &str| {
        let solution = |script: &str| format!(r#"{{"scriptSig":"{script}","witness":[]}}"#);
        format!(
            r#"[{{"tx":"{}","prevouts":["000000000000000000"],"index":0,"flags":"P2SH","comment":"c","final":true,
                "success":{},"failure":{}}}]"#,
            tx(),
            solution(success),
            solution(failure)
        )
    };
    assert_eq!(outcome(&asset("51", "00")), ("script_assets_test", 2, 0));
    let failures = report(&asset("00", "51")).failures;
    let comments: Vec<&str> = failures.iter().map(|failure| failure.comment.as_str()).collect();
    assert_eq!(comments, ["c (success)", "c (failure)"]);
    assert_eq!(
        refusal(&asset("5", "00")),
        "sample: case 1: success.scriptSig: bad hex: Odd number of digits"
    );
    // The lock time is not reached, so the input is valid only without CHECKLOCKTIMEVERIFY. A final success must be valid
    // under all flags.
    let locked = |is_final: bool| {
        let prevout = |script: &str| format!("\"prevouts\":[\"0000000000000000{script}\"]");
        let asset = asset("51", "00").replace(&prevout("00"), &prevout("01b1"));
        asset.replace("\"final\":true", &format!("\"final\":{is_final}"))
    };
    assert_eq!(outcome(&locked(false)), ("script_assets_test", 2, 0));
    assert_eq!(outcome(&locked(true)), ("script_assets_test", 1, 1));
}

#[test]
fn sighash_rows() {
    // The digest of SIGHASH_SINGLE for an input without an output of the same index is the number one.
    let row = |digest: &str, input: u8| {
        format!(
            r#"[["raw_transaction, script"], ["{}", "51", {input}, 3, "{digest}"]]"#,
            tx_spending(&["01", "02"])
        )
    };
    let one = format!("{}1", "0".repeat(63));
    assert_eq!(outcome(&row(&one, 1)), ("sighash", 1, 0));
    assert_eq!(outcome(&row(&one, 0)), ("sighash", 0, 1));
    let refused = "sample: case 1: input: no input 2: the transaction has 2 (counted from 0)";
    assert_eq!(refusal(&row(&one, 2)), refused);
    assert_eq!(refusal(&row("01", 1)), "sample: case 1: digest: must have 32 bytes, has 1");
}

#[test]
fn bip_340_rows() {
    let file = |result: &str, key: &str| {
        format!(
            "index,secret key,public key,aux_rand,message,signature,verification result,comment\r\n\
             0,,{key},,{},E907831F80848D1069A5371B402410364BDF1C5F8307B0084C55F1CE2DCA821525F66A4A85EA8B71E482A74F382D2CE5\
             EBEEE8FDB2172F477DF4900D310536C0,{result},a, b\r\n",
            "0".repeat(64)
        )
    };
    let key = "F9308A019258C31049344F85F89D5229B531C845836F99B08601F113BCE036F9";
    assert_eq!(outcome(&file("TRUE", key)), ("BIP 340", 1, 0));
    let failure = report(&file("FALSE", key)).failures.remove(0);
    assert_eq!((failure.id.as_deref(), failure.comment.as_str()), (Some("0"), "a, b"));
    assert_eq!((failure.mismatch.expected.as_str(), failure.mismatch.actual.as_str()), ("FALSE", "TRUE"));
    assert_eq!(refusal(&file("TRUE", "00")), "sample: case 1: public key: must have 32 bytes, has 1");
    assert!(refusal(&file("YES", key)).contains("verification result: \"YES\" is no TRUE or FALSE"));
}

#[test]
fn bip_119_hashes() {
    // These hashes were computed from the text of the BIP with Python's hashlib. No input has the index 7.
    let file = |first: &str| {
        format!(
            r#"["a comment", {{"desc": {{"Inputs": 1}}, "hex_tx": "{}", "spend_index": [0, 7],
                "result": ["{first}", "f24f25a5720636ca0e7b4c5af06e0152ac75efb874997ac0b45c22989fdb2732"]}}]"#,
            tx()
        )
    };
    let first = "a116cfd6f1a9343e0a04e6ac62094a5895efd3510ddab79f20a261ff6d01ac0c";
    assert_eq!(outcome(&file(first)), ("BIP 119 hashes", 1, 0));
    assert_eq!(outcome(&file(&first.replace('a', "b"))), ("BIP 119 hashes", 0, 1));
    let uneven = file(first).replace("[0, 7]", "[0]");
    assert_eq!(refusal(&uneven), "sample: case 1: result: 2 hashes for 1 input numbers");
}

#[test]
fn bip_446_basics_with_flags_in_either_form() {
    let file = |valid: bool, flags: &str| {
        format!(
            r#"[{{"spent_outputs": ["0000000000000000025187"], "spending_tx": "{}", "input_index": 0, "valid": {valid},
                "comment": "c"{flags}}}]"#,
            tx()
        )
    };
    assert_eq!(outcome(&file(false, "")), ("BIP 446 basics", 1, 0));
    assert_eq!(outcome(&file(true, "")), ("BIP 446 basics", 0, 1));
    assert_eq!(outcome(&file(false, r#", "flags": ["P2SH", "OP_CAT"]"#)).1, 1);
    assert_eq!(outcome(&file(false, r#", "flags": "P2SH,OP_CAT""#)).1, 1);
    assert!(refusal(&file(false, r#", "flags": ["FOO"]"#)).contains("flags: unknown flag \"FOO\""));
}

#[test]
fn sequence_scripts_have_two_verdicts() {
    let key = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0";
    // Without MINIMALDATA, the byte 0x80 (negative zero) is also a zero.
    let file = |minimal: bool| {
        format!(
            r#"{{"internal_key": "{key}", "cases": [{{"note": "zero", "script": "91", "witness": ["80"],
                "consensus_ok": true, "ok_with_minimaldata": {minimal}}}]}}"#
        )
    };
    assert_eq!(outcome(&file(false)), ("sequence", 2, 0));
    let failure = report(&file(true)).failures.remove(0);
    assert_eq!(
        (failure.comment.as_str(), failure.mismatch.actual.as_str()),
        ("zero (ok_with_minimaldata)", "SCRIPTNUM")
    );
    assert!(refusal(&file(true).replace(key, "00")).contains("internal_key: must have 32 bytes"));
}

#[test]
fn wallet_outputs() {
    // The second output of BIP 341's vectors.
    let file = |address: &str| {
        let key = "187791b6f712a8ea41c8ecdd0ee77fab3e85263b37e1ec18a3651926b3a6cf27";
        let root = "5b75adecf53548f3ec6ad7d78383bf84cc57b55a3127c72b9a2481752dd88b21";
        let output = "147c9c57132f6e7ecddba9800bb0c4449251c92a1e60371ee77557b6620f3ea3";
        format!(
            r#"{{"scriptPubKey": [{{
                "given": {{"internalPubkey": "{key}", "scriptTree": {{"id": 0, "leafVersion": 192,
                    "script": "20d85a959b0290bf19bb89ed43c916be835475d013da4b362117393e25a48229b8ac"}}}},
                "intermediary": {{"leafHashes": ["{root}"], "merkleRoot": "{root}",
                    "tweak": "cbd8679ba636c1110ea247542cfbd964131a6be84f873f7f3b62a777528ed001",
                    "tweakedPubkey": "{output}"}},
                "expected": {{"scriptPubKey": "5120{output}", "bip350Address": "{address}",
                    "scriptPathControlBlocks": ["c1{key}"]}}}}],
              "keyPathSpending": []}}"#
        )
    };
    let address = "bc1pz37fc4cn9ah8anwm4xqqhvxygjf9rjf2resrw8h8w4tmvcs0863sa2e586";
    assert_eq!(outcome(&file(address)), ("BIP 341 wallet", 1, 0));
    let failure = report(&file("bc1p")).failures.remove(0);
    assert_eq!((failure.mismatch.question.as_str(), failure.mismatch.actual.as_str()), ("address", address));
    let no_array = file(address).replace("\"keyPathSpending\": []", "\"keyPathSpending\": {}");
    assert_eq!(refusal(&no_array), "sample: case 1: keyPathSpending: must be an array, is an object");
    let odd = file(address).replace("\"script\": \"20", "\"script\": \"2");
    assert_eq!(refusal(&odd), "sample: case 1: given.scriptTree.script: bad hex: Odd number of digits");
    // Null stands for an absent tree, and is not allowed inside a branch.
    let half =
        file(address).replace("\"scriptTree\": {", "\"scriptTree\": [null, {").replace("ac\"}", "ac\"}]");
    assert_eq!(refusal(&half), "sample: case 1: given.scriptTree.leafVersion: is missing");
}

#[test]
fn files_without_cases_and_files_of_other_kinds() {
    assert_eq!(refusal("[]"), "sample: holds no case");
    for other in [
        "{}",
        "1",
        "[{\"hex_tx\": \"00\"}]",
        "[{\"spend_index\": [0]}]",
        "[[\"only a comment\"]]",
        "[{\"key\": 1}]",
        "[[\"00\", \"11\"]]",
        "null",
        "\"tx\"",
    ] {
        assert_eq!(refusal(other), "sample: not a vector file: no known format", "{other}");
    }
}

#[test]
fn cases_keep_the_fields_that_the_format_does_not_know() {
    let case = format!(
        r#"{{"id":"x-1","comment":"c","tx":"{}","index":0,"prevouts":["00000000000000000151"],"flags":"P2SH","expect":"OK","rule":"r"}}"#,
        tx()
    );
    let lines = format!("{case}\n\n{}\n", case.replace("x-1", "x-2"));
    assert_eq!(outcome(&lines), ("cases", 2, 0));
    let file = read(&lines).unwrap();
    let entry = file.entries_of(2).next().unwrap();
    assert!(entry.mentions("X-2") && !entry.mentions("x-1"));
    assert_eq!(entry.case().unwrap().extra["rule"], "r");
    assert_eq!(entry.case().unwrap().to_line(), case.replace("x-1", "x-2"));
    assert_eq!(format!("{:?} {}", file.format, file.format), "Format(cases) cases");
    let script_tests = read(&script_test(r#"["1", "", "", "OK", ""]"#)).unwrap();
    assert_eq!(file.format, read(&lines).unwrap().format);
    assert_ne!(file.format, script_tests.format);
    // Cases excluded by a filter are counted as skipped.
    let lines = format!("{lines}{}\n", case.replace("x-1", "x-3"));
    let filtered = run(&read(&lines).unwrap(), RunOptions { filter: Some("x-3"), ..RunOptions::default() });
    assert_eq!((filtered.passed, filtered.ran(), filtered.skipped_count()), (1, 1, 2));
    assert_eq!((report(&lines).ran(), report(&lines).skipped_count()), (3, 0));
    assert_eq!(refusal(&lines.replace("\"x-2\"", "2")), "sample: case 2: id: must be a string, is a number");
}

/// Every proper prefix of a sample is refused with an error. A sample with one bit flipped in any byte is refused, or read
/// and run, without a panic.
#[test]
fn damaged_files_are_refused_and_do_no_harm() {
    let samples = [
        transactions("valid", "NOP1 1", "DISCOURAGE_UPGRADABLE_NOPS"),
        script_test(
            r##"[["aa", "#SCRIPT# 1", "#CONTROLBLOCK#", 0.1], "", "0x51 0x20 #TAPROOTOUTPUT#", "", "OK"]"##,
        ),
        format!(r#"[["{}", "51", 0, 3, "{}"]]"#, tx(), "0".repeat(64)),
    ];
    let mut read_well = 0;
    for sample in samples.iter().map(String::as_bytes) {
        for end in 0..sample.len() {
            let cut = &sample[..end];
            assert!(read_bytes("cut", cut, ReadOptions::default()).is_err());
            let mut changed = sample.to_vec();
            changed[end] ^= 1;
            if let Ok(file) = read_bytes("changed", &changed, ReadOptions::default()) {
                run(&file, RunOptions::default());
                read_well += 1;
            }
        }
    }
    assert!(read_well > 100, "only {read_well} of the changed files could be read");
}
