//! Tests of the language: parsing, formatting, and error messages.

#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation, reason = "a test")]

#[path = "../support/mod.rs"]
mod support;

mod hostile;
mod refusals;

use std::collections::{BTreeMap, BTreeSet};

use sigstack_compiler::policy::{MAX_DEPTH, MAX_TEXT};
use sigstack_compiler::{Error, ErrorKind, Reason, compile_text, exercise, parse};
use support::generate::{Generator, Rng};
use support::{files, keypair, x_only};

/// Returns a policy text that defines `A` to `D` as keys, `H` as bytes and `n` as a number.
fn with_names(policy: &str) -> String {
    let key = |name: &str| format!("key {name} = {};\n", hex::encode(x_only(&keypair(name))));
    let keys: String = ["A", "B", "C", "D"].map(key).concat();
    let policy = policy.replace("SIGNATURE", &format!("{}c1", "22".repeat(64)));
    let policy = policy.replace("OTHER", &format!("{}c1", "33".repeat(64)));
    format!("{keys}bytes H = {};\nnumber n = 5;\n{policy}", "11".repeat(32))
}

fn error(policy: &str) -> Error {
    compile_text(&with_names(policy)).unwrap_err()
}

fn reason(policy: &str) -> Option<Reason> {
    match compile_text(&with_names(policy)) {
        Ok(_) => None,
        Err(Error { kind: ErrorKind::Refused(reason, _), .. }) => Some(reason),
        Err(error) => panic!("{policy}: {error}"),
    }
}

#[test]
fn an_error_shows_the_line_and_a_caret() {
    let text =
        "key A = 79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798;\n\nand(pk(A), oldr(144))";
    assert_eq!(
        compile_text(text).unwrap_err().render(text),
        "error: unknown fragment `oldr`\n --> line 3, column 12\n  |\n3 | and(pk(A), oldr(144))\n  |            ^^^^\n  \
         = did you mean `older`? fragments: pk, after, older, sha256, hash256, ripemd160, hash160, apo, apoas, presigned, ctv, templatehash, \
         signed, opens, and, or, thresh\n"
    );
}

#[test]
fn every_mistake_has_its_error_and_its_place() {
    let cases: &[(&str, &str, &str)] = &[
        ("or(pk(A)", "", "expected `,` or `)`, but the text ends"),
        ("pk A", "", "`pk` is a word of the language, not a free name"),
        ("pk(A) pk(B)", "", "expected nothing more: the output is the last statement, found `pk`"),
        ("pk()", "", "expected a key: a name, 64 hex digits or `internal`, found `)`"),
        ("pk(X)", "X", "`X` is not defined"),
        ("pk(n)", "n", "`n` is a number, but a key is needed"),
        ("older(A)", "A", "`A` is a key, but a number is needed"),
        (
            "tr(A)#0a9czmqx",
            "#0a9czmqx",
            "`#0a9czmqx` is the checksum of an output descriptor; a policy has no checksum",
        ),
        ("older(0)", "0", "older must be from 1 to 2147483647, not 0"),
        ("after(2147483648)", "2147483648", "after must be from 1 to 2147483647, not 2147483648"),
        ("older(007)", "007", "expected a number: digits or a name, found `007`"),
        ("older(99999999999999999999)", "99999999999999999999", "the number does not fit into 64 bits"),
        ("older(18446744073709551615+n)", "18446744073709551615+n", "the number does not fit into 64 bits"),
        ("hash160(H)", "H", "the image has 32 bytes instead of 20"),
        ("or(0@pk(A),pk(B))", "0", "a weight must be from 1 to 4294967295, not 0"),
        ("or(2pk(A),pk(B))", "2pk", "expected a weight, found `2pk`"),
        (
            "thresh(3,pk(A),pk(B))",
            "thresh(3,pk(A),pk(B))",
            "the threshold must be from 1 to the number of policies",
        ),
        ("thresh(0,pk(A))", "thresh(0,pk(A))", "the threshold must be from 1 to the number of policies"),
        ("pk(internal)", "internal", "`internal` cannot be used: the output has no internal key"),
        ("UNSATISFIABLE", "UNSATISFIABLE", "nothing satisfies this policy"),
        (
            "and(pk(A),signed(newer(2147483648),B))",
            "2147483648",
            "newer must be from 0 to 2147483646, not 2147483648",
        ),
        // No number is above the maximum.
        (
            "and(pk(A),signed(newer(2147483647),B))",
            "2147483647",
            "newer must be from 0 to 2147483646, not 2147483647",
        ),
        (
            "and(pk(A),signed(newer_wide(4611686018427387903),B))",
            "4611686018427387903",
            "newer_wide must be from 0 to 4611686018427387902, not 4611686018427387903",
        ),
        (
            "and(pk(A),signed(between(2147483648,2147483649),B))",
            "2147483648",
            "between must be from 0 to 2147483647, not 2147483648",
        ),
        ("and(pk(A),signed(between(5,5),B))", "5", "the upper bound of `between` is not above the lower one"),
        (
            "and(pk(A),signed(atleast(2147483648),B))",
            "2147483648",
            "atleast must be from 0 to 2147483647, not 2147483648",
        ),
        (
            "or(pk(A),pk(50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0))",
            "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0",
            "nobody knows the private key of BIP 341's point, so nothing satisfies this condition",
        ),
        (
            "tr(50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0,pk(internal))",
            "internal",
            "nobody knows the private key of BIP 341's point, so nothing satisfies this condition",
        ),
        (
            "and(pk(A),signed(any(m),B),signed(any(m),C))",
            "signed(any(m),C)",
            "the slot `m` is named in two conditions",
        ),
        (
            "signed(pair(delegate,ctv),A)",
            "signed(pair(delegate,ctv),A)",
            "`delegate` is a whole message, never a part of one",
        ),
        ("and(pk(A), # why\npk(B))", "", "expected a policy, found `#`"),
        ("allow sometimes;\npk(A)", "sometimes", "`sometimes` is not the name of a check"),
        (
            "key A = 79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798;\npk(A)",
            "A",
            "`A` is defined twice",
        ),
        ("key pk;\npk(A)", "pk", "`pk` is a word of the language, not a free name"),
        ("key E;\npk(E)", "E", "`E` has no value"),
        ("{pk(A),pk(B)}", "", "expected a statement or a policy, found `{`"),
        // The keywords of definitions are ordinary words if no name follows.
        ("key(5)", "key", "unknown fragment `key`"),
        ("number(5)", "number", "unknown fragment `number`"),
        ("bytes(5)", "bytes", "unknown fragment `bytes`"),
        ("policy(5)", "policy", "unknown fragment `policy`"),
        ("allow(5)", "allow", "unknown fragment `allow`"),
    ];
    for (policy, place, message) in cases {
        let text = with_names(policy);
        let error = error(policy);
        assert_eq!(error.kind.to_string(), *message, "{policy}");
        if !place.is_empty() {
            assert_eq!(&text[error.span.start..error.span.end], *place, "{policy}");
        }
    }
    let bad_key = "ff".repeat(32);
    assert_eq!(error(&format!("pk({bad_key})")).kind, ErrorKind::NotAKey);
    assert_eq!(error(&format!("key E = {bad_key};\npk(A)")).kind, ErrorKind::NotAKey);
}

#[test]
fn a_refusal_says_how_it_is_allowed() {
    let text = with_names("and(pk(A),older(65536))");
    let shown = compile_text(&text).unwrap_err().render(&text);
    assert!(shown.contains("(to allow it: `allow lock-bits;`)"), "{shown}");
    // If the place of an error is wider than the excerpt, carets mark it up to the end of the excerpt.
    let wide = format!("thresh(50,{})", ["pk(A)"; 40].join(","));
    let shown = compile_text(&wide).unwrap_err().render(&wide);
    let lines: Vec<&str> = shown.lines().collect();
    let width = lines[3].strip_prefix("1 | ").and_then(|line| line.strip_suffix('\u{2026}')).unwrap().len();
    assert_eq!(lines[4].strip_prefix("  | ").unwrap(), "^".repeat(width));
}

#[test]
fn of_a_long_line_an_error_shows_the_part_around_the_place() {
    let text = format!("or({}pk(\u{e4}),pk(B))", "older(1),".repeat(40));
    let shown = compile_text(&text).unwrap_err().render(&text);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[1], " --> line 1, column 367");
    assert!(lines[3].starts_with("1 | …") && lines[3].chars().count() < 130, "{}", lines[3]);
    let column = lines[4].chars().position(|c| c == '^').unwrap();
    assert_eq!(lines[3].chars().nth(column), Some('\u{e4}'));
    // Tabs and wide characters precede the place of the error.
    let text = "# \u{fc}ber\r\n\tand(\tpk(A),\r\n\t older(zwei))";
    let text = with_names("").trim_end().to_owned() + "\n" + text;
    let shown = compile_text(&text).unwrap_err().render(&text);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(&lines[3][4..], "\t older(zwei))");
    assert_eq!(&lines[4][4..], "\t       ^^^^");
}

#[test]
fn a_signature_in_a_script_binds_its_outputs_and_not_the_script() {
    for hash_type in ["00", "01", "41", "c2", "c3"] {
        let policy = format!("presigned(B,{}{hash_type})", "22".repeat(64));
        let message = "a signature in a script is ALL|ANYPREVOUTANYSCRIPT: its hash type is 0xc1";
        assert_eq!(error(&policy).kind.to_string(), message, "{hash_type}");
    }
    assert!(compile_text(&with_names("presigned(B,SIGNATURE)")).is_ok());
}

/// Returns `count` parts of a policy, separated by commas. `part` makes each of them from a different key name.
fn keys(count: usize, part: impl Fn(&str) -> String) -> String {
    let key = |nth| hex::encode(x_only(&keypair(&format!("many {nth}"))));
    (0..count).map(|nth| part(&format!("pk({})", key(nth)))).collect::<Vec<_>>().join(",")
}

#[test]
fn only_what_consensus_would_not_spend_is_past_a_limit() {
    // Two of 40 keys sign. The checks of the other keys are not charged.
    let compiled = compile_text(&format!("thresh(2,{})", keys(40, str::to_owned))).unwrap();
    assert_eq!(compiled.leaves.iter().map(|leaf| compiled.cheapest_use(leaf).unwrap().1).max(), Some(2));
}

#[test]
fn a_template_leaves_the_annex_open_and_the_report_says_so() {
    let warns = |policy: &str| {
        let warnings = compile_text(&with_names(policy)).unwrap().warnings;
        warnings.iter().any(|warning| warning.contains("commits to the annex"))
    };
    assert!(warns("tr(A,ctv(H))") && warns("tr(A,and(ctv(H),signed(newer(n),B)))"));
    assert!(!warns("tr(A,templatehash(H))") && !warns("tr(A,and(ctv(H),pk(B)))"));
    assert!(!warns("tr(A,presigned(B,SIGNATURE))") && !warns("tr(A,signed(delegate,B))"));
}

#[test]
fn a_template_from_the_witness_has_its_length_checked_unless_the_key_signs_nothing_else() {
    let script = |policy: &str| compile_text(&with_names(policy)).unwrap().leaves[0].script.clone();
    let checked = script("tr(nums,signed(ctv,A))");
    assert_eq!(checked[..5], [0x82, 0x01, 0x20, 0x88, 0xb3]);
    let key = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    let trusted = script(&format!("key P = {key} signs templates;\ntr(nums,signed(ctv,P))"));
    assert_eq!(trusted[..2], [0xb3, 0x20]);
}

#[test]
fn texts_come_back_exactly() {
    for name in files::names() {
        let text = files::read(&name);
        assert_eq!(format!("{}\n", parse(&text).unwrap()), text, "{name}");
    }
    // Another layout of the same policy gives the same document, which is formatted in the canonical layout.
    let loose = "key A;  # a's\n\n\n\nor( 2 @ pk( A ) ,\n older(n +1) )";
    let tight = "key A; # a's\n\nor(2@pk(A),1@older(n+1))";
    assert_eq!(parse(loose).unwrap(), parse(tight).unwrap());
    assert_eq!(parse(loose).unwrap().to_string(), tight);
    for seed in 0..200 {
        let document = parse(&Generator::new(seed, false).document(12)).unwrap();
        let text = document.to_string();
        assert_eq!(parse(&text).unwrap(), document);
        assert_eq!(parse(&text).unwrap().to_string(), text);
    }
}

#[test]
fn help_is_given_where_it_is_not_plain() {
    let cases = [
        ("and(pk(A), # why\npk(B))", "comments stand between statements"),
        ("pk(X)", "define it before its use: `key X = …;`, `number X = …;` or `bytes X = …;`"),
        ("key E;\npk(E)", "write the value behind `=`, or give it with `--set E=…`"),
        ("pkh(A)", "write `pk(KEY)`"),
        ("multi_a(2,A,B)", "write `thresh(k,pk(A),pk(B),…)`"),
        ("wpkh(A)", "this is an output descriptor"),
        ("or_d(pk(A),pk(B))", "this is Miniscript"),
        ("tresh(2,pk(A),pk(B))", "did you mean `thresh`? fragments: pk, after,"),
        ("nonsense(A)", "fragments: pk, after,"),
        ("allow malleabel;\npk(A)", "did you mean `malleable`? checks: unprotected, key-roles,"),
        (
            "pk(0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798)",
            "keys are x-only (BIP 340): leave out the first byte, 02 or 03",
        ),
        (
            "key X = 0379be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798;\npk(X)",
            "keys are x-only (BIP 340): leave out the first byte, 02 or 03",
        ),
        ("tr(A)#qqqqqqqq", "leave it out; a comment has a space before `#`"),
        ("pk(internal)", "write the output as `tr(KEY, policy)`"),
        ("allow sometimes;\npk(A)", "checks: unprotected, key-roles,"),
        ("and(pk(A),signed(any(m),B),signed(any(m),C))", "a slot belongs to one condition"),
        ("and(pk(A),older(65536))", "(to allow it: `allow lock-bits;`)"),
    ];
    for (policy, help) in cases {
        assert!(error(policy).kind.help().is_some_and(|text| text.contains(help)), "{policy}");
    }
    for policy in ["or(pk(A)", "pk()", "pk(n)", "older(0)", "thresh(0,pk(A))", "UNSATISFIABLE"] {
        assert_eq!(error(policy).kind.help(), None, "{policy}");
    }
    assert!(ErrorKind::TooDeep.help().is_some_and(|text| text.starts_with("split the policy")));
}

#[test]
fn refusals_name_what_they_are_about() {
    let commitment =
        hex::encode(sigstack_compiler::commit_number(sigstack_compiler::policy::Join::Cat, 4, &[8; 32]));
    let newer_cat = format!("newer_cat({commitment})");
    // A message that a key signs, and the name of its kind in error messages.
    let roles = [
        ("H", "fixed"),
        ("any(m)", "any"),
        ("any32(m)", "any"),
        ("newer(7)", "newer(7)"),
        ("atleast(7)", "number"),
        ("newer_wide(7)", "newer_wide(7)"),
        (newer_cat.as_str(), newer_cat.as_str()),
        ("locktime", "locktime"),
        ("ctv", "template"),
        ("templatehash", "template"),
        ("delegate", "delegate"),
        ("pair(H,ctv)", "pair(fixed,template)"),
        ("sha256(any(m))", "sha256(any)"),
    ];
    for (message, role) in roles {
        let refused = error(&format!("and(pk(A),pk(B),signed({message},A))")).kind.to_string();
        assert!(
            refused.contains(&format!("A signs transactions and messages of the kind {role}")),
            "{refused}"
        );
    }
    let unprotected = |policy: &str| error(policy).kind.to_string();
    let said = unprotected("or(pk(A),and(older(n),sha256(H)))");
    assert!(said.contains("older(5)") && said.ends_with("suffices"), "{said}");
    let said = unprotected("or(pk(A),TRIVIAL)");
    assert!(said.ends_with("the policy can be satisfied without a signature of the transaction"), "{said}");
}

#[test]
fn lines_are_broken_where_they_are_too_wide() {
    // Nested fragments are split as well, each with the indentation of its depth.
    let key = |first: char| first.to_string().repeat(20);
    let [a, b, c, d] = ['a', 'b', 'c', 'd'].map(key);
    let text = format!(
        "thresh(2,pk({a}),or(5@and(pk({b}),pk({c}),pk({d}),older(144)),1@pk({b}),1@sha256(H)),pk({c}))"
    );
    let broken = format!(
        "thresh(2,\n  pk({a}),\n  or(\n    5@and(pk({b}),pk({c}),pk({d}),older(144)),\n    1@pk({b}),\n    1@sha256(H)\n  ),\n  \
         pk({c})\n)"
    );
    assert_eq!(parse(&text).unwrap().to_string(), broken);

    // Each argument has a line of its own, which is at most the maximum width including the comma or bracket after it.
    for len in 1..=60 {
        let name = "k".repeat(len);
        let inner = format!("and(pk(A),pk({name}),older(144),sha256(H))");
        let policy = format!("policy {name}x = or(123@{inner},1@and(pk(B),pk({name}),older(1008)));");
        let text = policy.clone() + "\npk(A)";
        let shown = parse(&text).unwrap().to_string();
        assert_eq!(parse(&shown).unwrap(), parse(&text).unwrap());
        let line = format!("  123@{inner}");
        let is_whole = policy.len() <= 100;
        assert_eq!(shown.lines().count() == 2, is_whole, "{shown}");
        assert_eq!(shown.contains(&(line.clone() + ",\n")), !is_whole && line.len() < 100, "{shown}");
        assert!(shown.lines().all(|line| line.len() <= 100), "{shown}");
    }
    let place = sigstack_compiler::policy::Span { start: 3, end: 14 };
    assert_eq!(format!("{place:?}"), "3..14");
}

#[test]
fn the_same_text_gives_the_same_bytes() {
    let compile = |name: &str| {
        let (document, _) = files::load(name);
        sigstack_compiler::compile(&document, &BTreeMap::new(), &BTreeSet::new()).unwrap()
    };
    for name in files::names() {
        assert_eq!(compile(&name), compile(&name), "{name}");
    }
    // The bytes are those of an earlier build.
    let output = compile("default-ctv").output;
    assert_eq!(
        hex::encode(output.output_key),
        "b626dc714899058cc3698317b53e9ed8146f7b44ab099f299e136592b3c90ae8"
    );
}
