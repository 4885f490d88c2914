//! Tests of `sigstack compile` and `sigstack plan`.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::process::{Command, Output};

const DEFAULT: &str = "../script-compiler/policies/default-ctv.policy";

fn sigstack(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_sigstack")).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn compile_prints_the_tree_and_every_leaf() {
    let (status, text, _) = sigstack(&["compile", DEFAULT, "--network", "regtest"]);
    assert_eq!(status, 0);
    for line in [
        "address        bcrt1pkcndcu2gnyzcesmfsvtm2057mq2x776y4vye72v7zdje9v7fpt5q634473",
        "key path       pk(P): 66 WU of witness",
        "   └─ leaf 2: and(signed(newer(2000000000),K_A),pk(W),ctv(ctv_J))",
        "  witness        312 WU with its cheapest conditions",
        "  needs          CHECKSIGFROMSTACK,CHECKTEMPLATEVERIFY",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let (status, json, _) = sigstack(&["compile", DEFAULT, "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((status, json["leaves"].as_array().unwrap().len()), (0, 3));
    assert_eq!(json["leaves"][1]["witness_weight"], 312);
}

#[test]
fn plan_names_the_slots() {
    let have = ["--have", "signed:K_A:2000000001", "--have", "pk:B_pen"];
    let (status, text, _) = sigstack(&[&["plan", DEFAULT], have.as_slice()].concat());
    assert_eq!(status, 0);
    assert!(text.contains("witness        312 WU\n"), "{text}");
    assert!(text.contains("   2    4 bytes  01943577\n"), "{text}");

    // The signed number must be above the number in the output, and an equal number is not.
    let (status, _, error) =
        sigstack(&["plan", DEFAULT, "--have", "signed:K_A:2000000000", "--have", "pk:B_pen"]);
    let expected = "error: these assets do not satisfy the policy\nhint: still needed: `ctv(ctv_settle)`, or \
                    `signed(newer(2000000000),K_A)`, or `pk(P)`\n";
    assert_eq!((status, error.as_str()), (1, expected));
    let (status, _, error) = sigstack(&["plan", DEFAULT, "--have", "coin:K_A"]);
    assert_eq!(status, 2);
    assert!(error.starts_with("error: --have coin:K_A: `coin` is no kind of asset"), "{error}");
}

#[test]
fn mistakes_are_shown_with_a_caret_and_told_from_refusals() {
    let (status, _, error) = sigstack(&["compile", "or(pk(A)"]);
    assert_eq!(status, 2);
    assert!(error.contains("expected `,` or `)`, but the text ends\n --> line 1, column 9\n"), "{error}");

    let key = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    let policy = format!("or(pk({key}),older(144))");
    let (status, _, error) = sigstack(&["compile", &policy]);
    assert_eq!(status, 1);
    assert!(error.contains("refused (unprotected): older(144) suffices"), "{error}");
    // The output has a note with its places.
    let pointless = format!("or(pk({key}),and(pk({key}),older(144)))");
    let (status, text, _) = sigstack(&["compile", &pointless]);
    assert_eq!(status, 0);
    assert!(text.contains("notes\n  pointless: `and(pk("), "{text}");
    let (_, json, _) = sigstack(&["compile", &pointless, "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["notes"][0]["name"], &json["notes"][0]["places"][0]["column"]),
        (&"pointless".into(), &73.into())
    );
    let (status, json, _) = sigstack(&["plan", &pointless, "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((status, &json["error"]["problem"]), (1, &"these assets do not satisfy the policy".into()));
    let (status, text, _) = sigstack(&["compile", &policy, "--allow", "unprotected"]);
    assert_eq!(status, 0);
    assert!(text.contains("leaf 0: 4 bytes"), "{text}");
    let (status, _, _) = sigstack(&["compile", "nowhere.policy"]);
    assert_eq!(status, 2);
    let named = "key A;\nnumber n;\nand(pk(A),older(n))";
    let set = format!("A={key}");
    assert_eq!(sigstack(&["compile", named, "--set", &set, "--set", "n=5"]).0, 0);
    assert_eq!(sigstack(&["compile", named, "--set", &set]).0, 2);
}
