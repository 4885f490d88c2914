//! Tests of assets that are described by words, as in `sigstack plan --have`.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::collections::BTreeSet;

use sigstack_compiler::policy::{HashFn, Join};
use sigstack_compiler::{
    Assets, Bounds, Branch, Compiled, HaveError, Msg, PlanError, Reason, Value, commit_number, compile,
    message_bytes, parse,
};
use support::{keypair, x_only};

/// Returns a signature for use in a script, as hex.
fn signature() -> String {
    "22".repeat(64) + "c1"
}

/// Compiles a text with all safety checks disabled.
fn allowed(text: &str) -> Compiled {
    compile(&parse(text).unwrap(), &Default::default(), &Reason::ALL.iter().copied().collect()).unwrap()
}

fn compiled() -> Compiled {
    let key = |name: &str| format!("key {name} = {};\n", hex::encode(x_only(&keypair(name))));
    let keys: String = ["A", "B", "C"].map(key).concat();
    let commitment = hex::encode(commit_number(Join::Cat, 4, &[8; 32]));
    let text = format!(
        "{keys}bytes H = {};\nbytes N = {commitment};
or(and(pk(A),sha256(H)),and(pk(B),presigned(C,{})),and(pk(A),signed(pair(locktime,any(m)),C)),
  and(pk(A),signed(delegate,B)),and(pk(A),signed(newer_cat(N),B)),and(pk(A),opens(H,pair(atleast(3),templatehash))),
  and(pk(A),signed(pair(H,newer(7)),C)))",
        "11".repeat(32),
        signature()
    );
    allowed(&text)
}

/// Returns the assets that one word adds to an empty set.
fn added(word: &str) -> Result<Assets, HaveError> {
    let mut assets = Assets::default();
    assets.add(word, &compiled()).map(|()| assets)
}

#[test]
fn words_are_what_is_at_hand() {
    let x = |name: &str| x_only(&keypair(name));
    let (image, none) = (vec![0x11; 32], Assets::default);
    let statement =
        |key: &str, values: Vec<Value>| Assets { statements: BTreeSet::from([(x(key), values)]), ..none() };
    let hash = [0x33; 32];
    let blinded = ["88".to_owned(), "08".to_owned()].map(|byte| byte.repeat(32));
    let cases = [
        ("pk:A".to_owned(), Assets { signers: BTreeSet::from([x("A")]), ..none() }),
        (format!("pk:{}", hex::encode(x("B"))), Assets { signers: BTreeSet::from([x("B")]), ..none() }),
        ("apo:A".to_owned(), Assets { rebinders: BTreeSet::from([x("A")]), ..none() }),
        ("after:7".to_owned(), Assets { after: BTreeSet::from([7]), ..none() }),
        ("older:8".to_owned(), Assets { older: BTreeSet::from([8]), ..none() }),
        (
            "preimage:H".to_owned(),
            Assets { images: HashFn::ALL.map(|function| (function, image.clone())).into(), ..none() },
        ),
        (
            format!("template:0x{}", "33".repeat(32)),
            Assets { templates: BTreeSet::from([hash]), template_hashes: BTreeSet::from([hash]), ..none() },
        ),
        (
            format!("presigned:{}", signature()),
            Assets { presigned: BTreeSet::from([hex::decode(signature()).unwrap()]), ..none() },
        ),
        ("signed:C:9:abcd".to_owned(), statement("C", vec![Value::Lock(9), Value::Bytes(vec![0xab, 0xcd])])),
        ("signed:C:8".to_owned(), statement("C", vec![Value::Bytes(image.clone()), Value::Number(8)])),
        ("signed:B:A".to_owned(), statement("B", vec![Value::Key(x("A"))])),
        (
            format!("signed:B:5:{}:4:{}", blinded[0], blinded[1]),
            statement("B", vec![Value::Opened { newer: (5, [0x88; 32]), older: (4, [8; 32]) }]),
        ),
        (
            "opens:H:3".to_owned(),
            Assets {
                openings: BTreeSet::from([(image.clone(), vec![Value::Number(3), Value::Template])]),
                ..none()
            },
        ),
    ];
    for (word, assets) in cases {
        assert_eq!(added(&word), Ok(assets), "{word}");
    }
}

#[test]
fn other_words_are_refused() {
    let short = "33".repeat(31);
    let value = ["pk:D", "pk:1234", "after:x", "older:", "preimage:G", &format!("template:{short}")];
    for word in value {
        let said = word.split(':').nth(1).unwrap();
        assert_eq!(added(word), Err(HaveError::Value(said.into())), "{word}");
    }
    for (kind, is) in [
        ("after", "0"),
        ("older", "0"),
        ("after", "2147483648"),
        ("older", "4294967295"),
        ("older", "99999999999"),
    ] {
        let error = added(&format!("{kind}:{is}")).unwrap_err();
        assert_eq!(error, HaveError::Range { kind, is: is.into() });
        assert_eq!(error.to_string(), format!("{kind} must be from 1 to 2147483647, not {is}"));
    }
    // `older(5)` in a policy does not accept a lock of 65541 blocks.
    for (lock, said) in [
        (65_541, "65541 has bits that BIP 68 does not compare: the lock is 5; write older:5"),
        (65_536, "nSequence 65536 is no lock: its lower 16 bits are 0 (BIP 68)"),
    ] {
        let error = added(&format!("older:{lock}")).unwrap_err();
        assert_eq!((error.to_string().as_str(), error), (said, HaveError::LockBits(lock)));
    }
    for good in ["after:1", "after:2147483647", "older:65535", "older:4194305"] {
        assert!(added(good).is_ok(), "{good}");
    }
    let said = added("preimage:00").unwrap_err();
    assert_eq!(
        (said.to_string().as_str(), said),
        ("the image has 1 byte; images have 20 or 32", HaveError::ImageLength(1))
    );
    for other in ["33".repeat(32), "33".repeat(20)] {
        let word = format!("preimage:{other}");
        assert_eq!(added(&word), Err(HaveError::NotAsked(word)), "the image of no condition");
    }
    assert_eq!(added("lock:5"), Err(HaveError::Kind("lock".into())));
    let said = added("preimge:5").unwrap_err().to_string();
    assert!(
        said.starts_with("`preimge` is no kind of asset; did you mean `preimage`? assets: pk:K, apo:K,"),
        "{said}"
    );
    let long = format!("02{}", hex::encode(x_only(&keypair("A"))));
    let said = added(&format!("pk:{long}")).unwrap_err().to_string();
    assert_eq!(said, format!("`{long}` has 33 bytes: keys are x-only (BIP 340), leave out the first byte"));
    // These words describe no asset of the policy. In order: a signature by another key, too many parts, a part of
    // another kind, an opening of another commitment, too few parts, and a part of another kind.
    let others = ["signed:A:9:ab", "signed:C:9:ab:cd", "signed:C:x:ab", "opens:N:3", "opens:H", "opens:H:x"];
    for word in others {
        assert_eq!(added(word), Err(HaveError::NotAsked(word.into())), "{word}");
    }
    // Adding an asset twice is an error.
    let mut assets = added("opens:H:3").unwrap();
    assert_eq!(assets.add("opens:H:3", &compiled()), Err(HaveError::NotAsked("opens:H:3".into())));
}

#[test]
fn a_number_that_was_signed_for_one_way_may_open_another() {
    let key = |name: &str| hex::encode(x_only(&keypair(name)));
    let text = format!(
        "key A = {};\nbytes H = {};\ntr(nums,{{and(signed(atleast(5),A),ctv(H)),and(signed(atleast(7),A),ctv(H),older(9))}})",
        key("A"),
        "11".repeat(32)
    );
    let compiled = allowed(&text);
    let plan = |number: u64| {
        let mut assets = Assets::default();
        assets.add("template:H", &compiled).unwrap();
        assets.add(&format!("signed:A:{number}"), &compiled).unwrap();
        compiled.plan(&assets)
    };
    // The number 6 does not satisfy the other leaf. The number 7 does, so anybody who sees the witness can build one for the
    // other leaf.
    assert_eq!(plan(6).map(|plan| plan.branch), Ok(Branch::Leaf(0)));
    assert_eq!(plan(7), Err(PlanError::Malleable));
}

#[test]
fn an_opening_for_one_way_may_open_another() {
    let key = |name: &str| hex::encode(x_only(&keypair(name)));
    let [one, other] = [5, 6].map(|number| {
        let msg = Msg::Join(
            Join::Pair,
            Box::new(Msg::Any32("r".into())),
            Box::new(Msg::Number(Bounds::AtLeast(0))),
        );
        hex::encode(message_bytes(&msg, &[Value::Bytes(vec![7; 32]), Value::Number(number)], None).unwrap())
    });
    let plan = |second: &str| {
        let text = format!(
            "key A = {};\nbytes H = {};\ntr(A,{{and(opens({one},pair(any32(r),atleast(4))),ctv(H)),
             and(opens({second},pair(any32(s),atleast(5))),ctv(H),older(9))}})",
            key("A"),
            "11".repeat(32)
        );
        let compiled = allowed(&text);
        let mut assets = Assets::default();
        assets.add("template:H", &compiled).unwrap();
        assets.add(&format!("opens:{one}:{}:5", "07".repeat(32)), &compiled).unwrap();
        compiled.plan(&assets).map(|plan| plan.branch)
    };
    assert_eq!(plan(&other), Ok(Branch::Leaf(0)));
    assert_eq!(plan(&one), Err(PlanError::Malleable));
}

#[test]
fn what_is_lacking_is_named_nearest_first() {
    let key = |name: &str| format!("key {name} = {};\n", hex::encode(x_only(&keypair(name))));
    let keys: String = ["A", "B", "C", "D"].map(key).concat();
    let lacking = |policy: &str, have: &[&str]| {
        let compiled = allowed(&format!("{keys}{policy}"));
        let mut assets = Assets::default();
        have.iter().for_each(|word| assets.add(word, &compiled).unwrap());
        assert_eq!(compiled.plan(&assets), Err(PlanError::NotSatisfied));
        sigstack_compiler::report::lacking_text(&compiled, &assets)
    };
    let policy = "or(and(pk(A),pk(B)),and(pk(C),older(144)),and(pk(D),after(5)))";
    assert_eq!(
        lacking(policy, &["pk:A"]),
        "still needed: `pk(B)`, or `pk(C)` and `older(144)`, or `pk(D)` and `after(5)`"
    );
    assert_eq!(
        lacking(policy, &["pk:C", "older:143", "pk:B"]),
        "still needed: `pk(A)`, or `older(144)`, or `pk(D)` and `after(5)`"
    );
    assert_eq!(
        lacking("and(pk(A),signed(newer(5),B))", &["pk:A", "signed:B:7"][..1]),
        "still needed: `signed(newer(5),B)`"
    );
    // The policy has more ways than the compiler lists.
    let many: Vec<String> =
        (0..20).map(|nth| format!("pk({})", hex::encode(x_only(&keypair(&format!("many {nth}")))))).collect();
    let compiled = allowed(&format!("{keys}and(pk(A),thresh(10,{}))", many.join(",")));
    assert!(compiled.meaning.is_none());
    let sizes = |assets: &Assets| compiled.lacking(assets, 3).iter().map(BTreeSet::len).collect::<Vec<_>>();
    let mut assets = Assets::default();
    assert_eq!(sizes(&assets), [11]);
    assets.signers.extend((0..4).map(|nth| x_only(&keypair(&format!("many {nth}")))));
    assert_eq!(sizes(&assets), [7]);
}
