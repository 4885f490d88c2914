//! Tests of the notes on policies that compile: parts without effect, with their byte ranges, and searches that
//! exhausted their budget.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use sigstack_compiler::{Compiled, NoteKind, compile_text};
use support::{keypair, x_only};

fn key(name: &str) -> String {
    hex::encode(x_only(&keypair(name)))
}

fn with_names(policy: &str) -> String {
    let keys: String = ["A", "B", "C"].map(|name| format!("key {name} = {};\n", key(name))).concat();
    format!("{keys}bytes H = {};\n{policy}", "11".repeat(32))
}

fn compile(policy: &str) -> Compiled {
    let text = with_names(policy);
    compile_text(&text).unwrap_or_else(|error| panic!("{}", error.render(&text)))
}

/// Returns the notes on a policy: kind, text, and the parts of the policy that each note refers to.
fn notes(policy: &str) -> Vec<(NoteKind, String, Vec<String>)> {
    let text = with_names(policy);
    let place = |span: &sigstack_compiler::policy::Span| text[span.start..span.end].to_owned();
    let notes = compile(policy).notes;
    notes.iter().map(|note| (note.kind, note.text.clone(), note.places.iter().map(place).collect())).collect()
}

#[test]
fn parts_without_effect_are_named_with_their_places() {
    use NoteKind::{Implied, Never, Pointless};
    let cases: &[(&str, NoteKind, &str, &[&str])] = &[
        (
            "or(pk(A),and(pk(A),pk(B)))",
            Pointless,
            "`and(pk(A),pk(B))` has no effect: whoever can use it can use `pk(A)`",
            &["and(pk(A),pk(B))", "pk(A)"],
        ),
        (
            "or(pk(A),9@and(pk(B),or(pk(C),and(pk(C),older(5)))))",
            Pointless,
            "`and(pk(C),older(5))` has no effect: whoever can use it can use `pk(C)`",
            &["and(pk(C),older(5))", "pk(C)"],
        ),
        // The note names the whole alternative, because one part of it alone is not pointless.
        (
            "or(thresh(2,pk(A),pk(B),pk(C)),and(pk(A),pk(B),pk(C)))",
            Pointless,
            "`and(pk(A),pk(B),pk(C))` has no effect: whoever can use it can use `thresh(2,pk(A),pk(B),pk(C))`",
            &["and(pk(A),pk(B),pk(C))", "thresh(2,pk(A),pk(B),pk(C))"],
        ),
        (
            "or(and(pk(A),or(pk(B),pk(C))),and(pk(A),pk(B),older(5)))",
            Pointless,
            "`and(pk(A),pk(B),older(5))` has no effect: whoever can use it can use `and(pk(A),or(pk(B),pk(C)))`",
            &["and(pk(A),pk(B),older(5))", "and(pk(A),or(pk(B),pk(C)))"],
        ),
        (
            "or(and(pk(A),after(6)),and(pk(A),after(5)))",
            Pointless,
            "`and(pk(A),after(6))` has no effect: whoever can use it can use `and(pk(A),after(5))`",
            &["and(pk(A),after(6))", "and(pk(A),after(5))"],
        ),
        (
            "or(pk(A),pk(B),pk(A))",
            Pointless,
            "`pk(A)` has no effect: whoever can use it can use `pk(A)`",
            &["pk(A)", "pk(A)"],
        ),
        (
            "tr(A,and(pk(A),pk(B)))",
            Pointless,
            "`and(pk(A),pk(B))` has no effect: whoever can use it can use the key path",
            &["and(pk(A),pk(B))", "A"],
        ),
        (
            "tr(nums,{and(pk(A),pk(B)),pk(B)})",
            Pointless,
            "`and(pk(A),pk(B))` has no effect: whoever can use it can use `pk(B)`",
            &["and(pk(A),pk(B))", "pk(B)"],
        ),
        (
            "or(pk(A),and(pk(B),UNSATISFIABLE))",
            Never,
            "nothing satisfies `and(pk(B),UNSATISFIABLE)`",
            &["and(pk(B),UNSATISFIABLE)"],
        ),
        (
            "allow mixed-locks;\nor(pk(A),and(pk(B),after(5),after(500000000)))",
            Never,
            "nothing satisfies `and(pk(B),after(5),after(500000000))`",
            &["and(pk(B),after(5),after(500000000))"],
        ),
        (
            "and(pk(A),older(5),older(6))",
            Implied,
            "`older(5)` has no effect beside `older(6)`",
            &["older(5)", "older(6)"],
        ),
        (
            "and(older(6),or(pk(A),and(pk(B),older(5))))",
            Implied,
            "`older(5)` has no effect beside `older(6)`",
            &["older(5)", "older(6)"],
        ),
    ];
    for (policy, kind, text, places) in cases {
        let places: Vec<String> = places.iter().map(|place| (*place).to_owned()).collect();
        assert_eq!(notes(policy), [(*kind, (*text).to_owned(), places)], "{policy}");
    }
    let without = [
        "or(pk(A),and(pk(B),pk(C)))",
        "or(and(pk(A),pk(B)),and(pk(A),pk(C)))",
        "thresh(3,pk(A),pk(B),pk(C),older(5),older(6))",
        "tr(A,or(pk(A),pk(B)))",
        // The signature is made for this leaf on purpose, so it is not pointless.
        "tr(A,and(pk(internal),older(5)))",
        "tr(nums,{and(pk(A),older(5)),and(pk(A),sha256(H))})",
    ];
    for policy in without {
        assert_eq!(notes(policy), [], "{policy}");
    }
}

#[test]
fn an_alternative_that_another_one_makes_pointless_is_not_kept() {
    let pairs = [
        ("or(2@pk(A),1@and(pk(A),pk(B)),1@pk(C))", "or(3@pk(A),1@pk(C))"),
        ("tr(A,and(pk(A),pk(B)))", "tr(A)"),
        ("or(pk(A),and(pk(B),UNSATISFIABLE))", "pk(A)"),
        ("thresh(1,pk(A),and(pk(A),pk(B)))", "pk(A)"),
    ];
    for (policy, same) in pairs {
        let (one, other) = (compile(policy), compile(same));
        assert_eq!(one.output, other.output, "{policy}");
        let weights =
            |compiled: &Compiled| compiled.leaves.iter().map(|leaf| leaf.probability).collect::<Vec<_>>();
        assert_eq!(weights(&one), weights(&other), "{policy}");
    }
    // A tree that the text specifies is kept unchanged.
    assert_eq!(compile("tr(nums,{and(pk(A),pk(B)),pk(B)})").leaves.len(), 2);
}

#[test]
fn a_note_shows_lines_and_columns() {
    let text = with_names("or(pk(A),\n  and(pk(A),pk(B)))");
    let compiled = compile_text(&text).unwrap();
    assert_eq!(
        compiled.notes[0].render(&text),
        "pointless: `and(pk(A),pk(B))` has no effect: whoever can use it can use `pk(A)` (line 6, column 3; line 5, column 4)"
    );
}

#[test]
fn a_repeated_key_is_shown_at_both_places() {
    let text = "and(pk(79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798),\n  \
                pk(79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798))";
    let shown = compile_text(text).unwrap_err().render(text);
    let places: Vec<&str> = shown.lines().filter(|line| line.contains("--> ")).collect();
    assert_eq!(places, [" --> line 2, column 3", " --> and line 1, column 5"], "{shown}");
    assert!(shown.contains("(to allow it: `allow repeated;`)"), "{shown}");
    // For a named policy that is used twice, the error shows the two uses.
    let text = with_names("policy p = pk(A);\nand(p,\np)");
    let error = compile_text(&text).unwrap_err();
    let places = [error.span, error.other.unwrap()].map(|span| (span.start, &text[span.start..span.end]));
    assert_eq!(places, [(text.len() - 2, "p"), (text.len() - 5, "p")]);
}

/// Returns the weight of the cheapest witness, averaged over all leaves, in tenths of a weight unit, rounded up.
fn mean_weight(compiled: &Compiled) -> usize {
    let size = |leaf| compiled.cheapest_use(leaf).unwrap().0;
    (compiled.leaves.iter().map(size).sum::<usize>() * 10).div_ceil(compiled.leaves.len())
}

/// Returns `count` policies, each of which requires 2 of 3 keys. The keys of different policies differ.
fn alternatives(count: usize) -> Vec<String> {
    let part = |nth: usize| {
        let [a, b, c] = ["a", "b", "c"].map(|name| key(&format!("{name}{nth}")));
        format!("thresh(2,pk({a}),pk({b}),pk({c}))")
    };
    (0..count).map(part).collect()
}

/// Returns the text of a balanced tree with these policies as its leaves.
fn balanced(leaves: &[String]) -> String {
    match leaves {
        [leaf] => leaf.clone(),
        leaves => {
            let (left, right) = leaves.split_at(leaves.len() / 2);
            format!("{{{},{}}}", balanced(left), balanced(right))
        }
    }
}

#[test]
fn many_alternatives_weigh_no_more_than_a_tree_made_by_hand() {
    for count in [2, 7, 20] {
        let leaves = alternatives(count);
        let compiled = compile_text(&format!("or({})", leaves.join(","))).unwrap();
        assert_eq!(compiled.leaves.len(), count, "alternatives are alike: each has a leaf");
        let by_hand = compile_text(&format!("tr(nums,{})", balanced(&leaves))).unwrap();
        let (is, limit) = (mean_weight(&compiled), mean_weight(&by_hand));
        assert!(is <= limit, "{count}: {is} tenths of a unit, by hand {limit}");
        // With 20 alternatives the search exhausts its budget, and a note says so.
        let has_ended = compiled.notes.iter().any(|note| note.kind == NoteKind::SearchEnded);
        assert_eq!(has_ended, count == 20, "{count}");
        if count == 20 {
            assert!(is <= 4_118, "{is}");
        }
    }
}
