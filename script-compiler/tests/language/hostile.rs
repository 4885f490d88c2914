//! Tests texts that no author of a policy would write: deeply nested, very long and random texts.

use super::*;

#[test]
fn hostile_texts_return_at_once() {
    let nested = |open: &str, inner: &str, close: &str, n: usize| open.repeat(n) + inner + &close.repeat(n);
    assert_eq!(error(&nested("and(", "pk(A)", ")", 100_000 / 4)).kind, ErrorKind::TooDeep);
    assert_eq!(error(&nested("tr(nums,{", "pk(A)", "}", 2)).kind.to_string(), "unknown fragment `tr`");
    assert!(matches!(
        error(&format!("signed({},A)", nested("sha256(", "ctv", ")", 10_000))).kind,
        ErrorKind::TooDeep
    ));
    assert_eq!(compile_text(&" ".repeat(MAX_TEXT + 1)).unwrap_err().kind, ErrorKind::TooLong);
    // Policies that grow exponentially by references to each other.
    let mut bomb = String::from("policy p0 = pk(A);\n");
    for nth in 1..40 {
        bomb += &format!("policy p{nth} = and(p{},p{});\n", nth - 1, nth - 1);
    }
    assert!(matches!(error(&(bomb + "p39")).kind, ErrorKind::TooLarge { .. }));
    // Long chains of named policies, and trees that grow to the right.
    let chain = |length: usize| {
        let names: String = (1..length).map(|nth| format!("policy p{nth} = p{};\n", nth - 1)).collect();
        format!("policy p0 = pk(A);\n{names}p{}", length - 1)
    };
    assert_eq!(reason(&chain(MAX_DEPTH - 1)), None);
    assert_eq!(error(&chain(MAX_DEPTH + 1)).kind, ErrorKind::TooDeep);
    let tree = format!("tr(nums,{}pk(A)", "{pk(A),".repeat(10_000));
    assert_eq!(error(&tree).kind, ErrorKind::TooDeep);
    // The largest policy within each limit, and the smallest one beyond it.
    let trivial = |count: usize| format!("and(pk(A){})", ",TRIVIAL".repeat(count));
    assert_eq!(reason(&trivial(998)), None);
    assert!(matches!(error(&trivial(999)).kind, ErrorKind::TooLarge { what: "conditions and branches", .. }));
    let message = |len: usize| format!("and(pk(B),signed(0x{},A))", "5a".repeat(len));
    assert_eq!(reason(&message(520)), None);
    assert!(matches!(error(&message(521)).kind, ErrorKind::TooLarge { what: "bytes in a message", .. }));
    let many: Vec<String> = (1..2000).map(|n| format!("older({n})")).collect();
    assert!(matches!(error(&format!("and(pk(A),or({}))", many.join(","))).kind, ErrorKind::TooLarge { .. }));
    const { assert!(MAX_DEPTH < 100) };
}

#[test]
fn large_policies_nest_no_deeper_than_a_thread_takes() {
    // Nested alternatives, of which the most probable one is always the next level.
    let level = |inner: String, level: usize| {
        let others = (0..5).map(|nth| format!("{}@and(pk(A),older({}))", 1 + nth % 3, 1 + level * 5 + nth));
        format!("or({},100@and(pk(B),{inner}))", others.collect::<Vec<_>>().join(","))
    };
    let policies = [
        format!("and({})", keys(980, str::to_owned)),
        with_names(&format!("and(pk(A),or(pk(B),and({})))", keys(300, str::to_owned))),
        format!("thresh(2,{})", keys(100, str::to_owned)),
        "allow repeated;\n".to_owned() + &with_names(&(0..22).fold("pk(C)".to_owned(), level)),
    ];
    for policy in policies {
        assert!(compile_text(&policy).is_ok());
    }
}

#[test]
fn random_bytes_never_panic() {
    let mut rng = Rng::new(7);
    let words = [
        "pk",
        "(",
        ")",
        ",",
        "and",
        "or",
        "thresh",
        "A",
        "1",
        "2@",
        "older",
        "after",
        "signed",
        "newer",
        "any",
        "ctv",
        "pair",
        "cat",
        "{",
        "}",
        "tr",
        "nums",
        "internal",
        "key A = 79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798;",
        "#",
        "\n",
        " ",
        "=",
        ";",
        "policy",
        "TRIVIAL",
        "0x00",
        "delegate",
        "apoas",
        "\u{fc}",
        "allow",
        "+",
    ];
    let seeds: Vec<String> = files::names().iter().map(|name| files::read(name)).collect();
    let (mut read, mut compiled) = (0, 0);
    for round in 0..20_000 {
        let mut bytes: Vec<u8> = match round % 3 {
            0 => (0..rng.below(80)).map(|_| rng.next() as u8).collect(),
            1 => (0..rng.below(40)).flat_map(|_| words[rng.below(words.len())].bytes()).collect(),
            _ => seeds[rng.below(seeds.len())].clone().into_bytes(),
        };
        if round % 3 == 2 {
            for _ in 0..1 + rng.below(3) {
                let at = rng.below(bytes.len());
                match rng.below(3) {
                    0 => bytes[at] = rng.next() as u8,
                    1 => drop(bytes.remove(at)),
                    _ => drop(bytes.splice(at..at, words[rng.below(words.len())].bytes())),
                }
            }
        }
        if let Some((document, again, output)) = exercise(&bytes) {
            read += 1;
            compiled += usize::from(output.is_some());
            assert_eq!(again.as_ref(), Some(&document), "{}", String::from_utf8_lossy(&bytes));
        }
    }
    println!("{read} read, {compiled} compiled");
    assert!(read > 1_000 && compiled > 500, "{read} read, {compiled} compiled");
}
