//! Tests whether a third party can reuse a witness, or a signature made for another purpose. The interpreter decides each
//! case.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use bitcoin::TxOut;
use sigstack_compiler::policy::HashFn;
use sigstack_compiler::{Assets, Branch, Compiled, ErrorKind, Plan, PlanError, Reason, Value, compile_text};
use support::attack::attack;
use support::{World, flags, keypair, template_output, unsigned, verify, with_witness, x_only};

/// Returns a policy text that defines the keys A to D, and the key P, which signs only templates.
fn text(policy: &str) -> String {
    let key = |name: &str| format!("key {name} = {};\n", hex::encode(x_only(&keypair(name))));
    let keys: String = ["A", "B", "C", "D"].map(key).concat();
    format!("{keys}key P = {} signs templates;\n{policy}", hex::encode(x_only(&keypair("P"))))
}

fn world() -> World {
    let mut world = World { signed_lock: 1, ..World::default() };
    for name in ["A", "B", "C", "D", "P"] {
        world.key(name);
    }
    world
}

fn key(name: &str) -> [u8; 32] {
    x_only(&keypair(name))
}

fn plan(compiled: &Compiled, have: &[&str]) -> Result<Plan, PlanError> {
    let mut assets = Assets::default();
    for word in have {
        assets.add(word, compiled).unwrap_or_else(|error| panic!("{word}: {error}"));
    }
    compiled.plan(&assets)
}

/// Returns a transaction of the attacker, who tries to spend the coin to another output.
fn thief(compiled: &Compiled) -> (bitcoin::Transaction, TxOut) {
    let prevout = TxOut {
        value: bitcoin::Amount::from_sat(support::VALUE),
        script_pubkey: compiled.output.script_pubkey(),
    };
    (unsigned(0, 0xffff_fffd, vec![template_output("thief")]), prevout)
}

#[test]
fn a_number_and_a_template_that_were_signed_together_are_not_cut_at_another_place() {
    for (policy, cut) in [("cat(newer(5),ctv)", 3), ("cat(any(x),ctv)", 5), ("cat(newer(5),sha256(ctv))", 1)]
    {
        let compiled = compile_text(&text(&format!("tr(nums,signed({policy},A))"))).unwrap();
        let mut assets = Assets::default();
        let first = if policy.contains("any") { Value::Bytes(vec![6]) } else { Value::Number(6) };
        assets.statements.insert((key("A"), vec![first, Value::Template]));
        let plan = compiled.plan(&assets).unwrap();
        let (tx, prevout) = world().fill(&compiled, &plan);
        assert_eq!(verify(&tx, &prevout, flags()), Ok(()), "{policy}");
        let witness = tx.input[0].witness.to_vec();
        // The attacker splits the signed bytes at another place: CHECKTEMPLATEVERIFY is a NOP if its argument does not have
        // 32 bytes.
        let bytes = [witness[1].as_slice(), &witness[2]].concat();
        let (theirs, _) = thief(&compiled);
        for cut in 0..=cut {
            let mut stolen = witness.clone();
            (stolen[1], stolen[2]) = (bytes[..cut].to_vec(), bytes[cut..].to_vec());
            let verdict = verify(&with_witness(&theirs, &stolen), &prevout, flags());
            assert!(verdict.is_err(), "{policy}: stolen with a cut at {cut}");
        }
    }
}

#[test]
fn a_key_that_signs_templates_signs_nothing_else() {
    let refused = |policy: &str| {
        let error = compile_text(&text(&format!("allow key-roles;\n{policy}"))).unwrap_err();
        error.kind.to_string()
    };
    let why = "a key that `signs templates` signs template hashes, and `pair` or `sha256` that hold one";
    for policy in [
        "tr(P,{signed(ctv,internal),and(signed(newer(5),internal),pk(B))})",
        "tr(nums,{signed(ctv,P),and(signed(any32(x),P),pk(B))})",
        "tr(nums,signed(cat(newer(5),templatehash),P))",
        "tr(nums,and(signed(pair(newer(5),any(x)),P),pk(B)))",
    ] {
        assert_eq!(refused(policy), why, "{policy}");
    }
    for policy in
        ["signed(ctv,P)", "signed(pair(newer(5),ctv),P)", "signed(templatehash,P)", "signed(sha256(ctv),P)"]
    {
        assert!(compile_text(&text(&format!("tr(nums,{policy})"))).is_ok(), "{policy}");
    }
}

#[test]
fn a_signature_for_one_leaf_is_counted_in_its_twin() {
    let policy = "tr(nums,{pk(A),{pk(A),pk(B)}})";
    let error = compile_text(&text(policy)).unwrap_err().kind.to_string();
    assert_eq!(error, "refused (malleable): leaves 0 and 1 have the same script");
    let compiled = compile_text(&text(&format!("allow malleable;\n{policy}"))).unwrap();
    assert_eq!(plan(&compiled, &["pk:A"]), Err(PlanError::Malleable));
    assert_eq!(plan(&compiled, &["pk:B"]).unwrap().branch, Branch::Leaf(2));
    // The interpreter confirms that the same signature is valid under either control block.
    let mut assets = Assets::default();
    assets.signers.insert(key("B"));
    let (tx, prevout) = world().fill(&compiled, &compiled.plan(&assets).unwrap());
    assert!(attack(&compiled, &tx, &prevout, 100).accepted.is_empty());
}

#[test]
fn a_statement_counts_wherever_its_number_fits() {
    let template = "11".repeat(32);
    // The plan depends on whether the signed number also satisfies the other leaf.
    for (low, signed, expected) in [(3, 6, None), (7, 6, Some(Branch::Leaf(1)))] {
        let policy = format!(
            "allow malleable;\ntr(nums,{{and(signed(atleast({low}),A),ctv({template})),and(signed(between(5,9),A),ctv({template}),pk(B))}})"
        );
        let compiled = compile_text(&text(&policy)).unwrap();
        let have = [format!("signed:A:{signed}"), format!("template:{template}"), "pk:B".into()];
        let have: Vec<&str> = have.iter().map(String::as_str).collect();
        let planned = compiled_among(&compiled, &have, Branch::Leaf(1)).map(|plan| plan.branch).ok();
        assert_eq!(planned, expected, "{policy}");
    }
    // Refused: a signature of A over any bytes satisfies both `any(x)` and `any(y)`.
    let policy =
        format!("tr(nums,{{and(signed(any(x),A),ctv({template})),and(signed(any(y),A),ctv({template}))}})");
    assert!(compile_text(&text(&policy)).is_err());
    // A preimage satisfies every hash that it fits, even if the policy names another hash function.
    let inner = HashFn::Sha256.hash(&[7; 32]);
    let outer = hex::encode(HashFn::Ripemd160.hash(&inner));
    let policy = format!(
        "tr(nums,{{and(sha256({}),ctv({template})),and(hash160({outer}),ctv({template}),older(5))}})",
        hex::encode(&inner)
    );
    assert_malleable(&policy);
    let compiled = compile_text(&text(&format!("allow malleable;\n{policy}"))).unwrap();
    let have = [format!("preimage:{}", hex::encode(&inner)), format!("template:{template}")];
    let have: Vec<&str> = have.iter().map(String::as_str).collect();
    assert_eq!(plan(&compiled, &have), Err(PlanError::Malleable));
}

fn assert_malleable(policy: &str) {
    let error = compile_text(&text(policy)).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Refused(Reason::Malleable, _)), "{policy}: {error}");
}

#[test]
fn values_that_open_two_ways_are_refused() {
    let template = "11".repeat(32);
    let policy = |one: &str, other: &str| {
        format!(
            "tr(nums,{{and(signed({one},A),ctv({template})),and(signed({other},A),ctv({template}),older(5))}})"
        )
    };
    assert_malleable(&policy("between(0,6)", "between(5,9)"));
    assert!(compile_text(&text(&policy("between(0,5)", "between(5,9)"))).is_ok());
    assert_malleable(
        &policy("0x07", "between(5,9)")
            .replace("signed(0x07", "signed(any(x)")
            .replace("tr(", "allow key-roles;\ntr("),
    );
    // Two hashes of the same preimage.
    let (secret, other) = (HashFn::Sha256.hash(&[7; 32]), HashFn::Sha256.hash(&[8; 32]));
    let hashes = |inner: &[u8], outer: &[u8]| {
        let outer = hex::encode(HashFn::Ripemd160.hash(outer));
        let inner = hex::encode(inner);
        format!("or(and(ctv({template}),sha256({inner})),and(ctv({template}),hash160({outer})))")
    };
    assert_malleable(&hashes(&secret, &secret));
    assert!(compile_text(&text(&hashes(&secret, &other))).is_ok());
}

#[test]
fn of_two_leaves_that_one_preimage_opens_the_lighter_one_is_taken() {
    let inner = HashFn::Sha256.hash(&[7; 32]);
    let (sha, hash) = (hex::encode(&inner), hex::encode(HashFn::Ripemd160.hash(&inner)));
    let compiled =
        compile_text(&text(&format!("tr(nums,{{and(pk(A),sha256({sha})),and(pk(A),hash160({hash}))}})")))
            .unwrap();
    // hash160 has the shorter hash, so that its leaf is chosen whichever hash the preimage was given for.
    for image in [&sha, &hash] {
        let plan = plan(&compiled, &["pk:A", &format!("preimage:{image}")]).unwrap();
        assert_eq!(plan.branch, Branch::Leaf(1), "{image}");
    }
}

fn compiled_among(compiled: &Compiled, have: &[&str], branch: Branch) -> Result<Plan, PlanError> {
    let mut assets = Assets::default();
    have.iter().for_each(|word| assets.add(word, compiled).unwrap());
    compiled.plan_among(&assets, |other| other == branch)
}

#[test]
fn a_signed_lock_is_reached_wherever_it_stands() {
    let commitment = hex::encode(HashFn::Sha256.hash(&[100]));
    let compiled = compile_text(&text(&format!("and(pk(A),opens({commitment},sha256(locktime)))"))).unwrap();
    let plan = plan(&compiled, &["pk:A", "after:100", &format!("opens:{commitment}:100")]).unwrap();
    assert_eq!(plan.lock_time, 100);
    let (tx, prevout) = world().fill(&compiled, &plan);
    assert_eq!(verify(&tx, &prevout, flags()), Ok(()));
}

#[test]
fn of_two_signed_locks_the_one_is_taken_that_agrees() {
    let compiled = compile_text(&text("and(pk(A),after(600000000),signed(locktime,B))")).unwrap();
    let have = ["pk:A", "after:600000000", "after:100", "signed:B:100", "signed:B:600000000"];
    assert_eq!(plan(&compiled, &have).unwrap().lock_time, 600_000_000);
    assert_eq!(plan(&compiled, &have[..4]), Err(PlanError::NotSatisfied));
}

#[test]
fn a_concatenation_holds_what_an_element_holds() {
    let policy = |len: usize| format!("and(pk(A),signed(cat(0x{},any(x)),B))", "00".repeat(len));
    let compiled = compile_text(&text(&policy(300))).unwrap();
    for (len, fits) in [(220, true), (221, false)] {
        let have = ["pk:A".to_owned(), format!("signed:B:{}", "00".repeat(len))];
        let have: Vec<&str> = have.iter().map(String::as_str).collect();
        let planned = plan(&compiled, &have);
        assert_eq!(planned.is_ok(), fits, "{len}");
        if let Ok(plan) = planned {
            let (tx, prevout) = world().fill(&compiled, &plan);
            assert_eq!(verify(&tx, &prevout, flags()), Ok(()));
        }
    }
    let fixed = |len: usize| format!("and(pk(A),signed(cat(0x{},any32(x)),B))", "00".repeat(len));
    assert!(compile_text(&text(&fixed(488))).is_ok());
    let error = compile_text(&text(&fixed(489))).unwrap_err();
    assert_eq!(error.kind.to_string(), "more than 520 bytes in a `cat`");
}

#[test]
fn the_numbers_at_the_ends_of_a_limb_compare_as_numbers() {
    const LIMB: u64 = 1 << 31;
    for n in [1, LIMB - 2, LIMB - 1, LIMB, LIMB + 1, 2 * LIMB - 1, 2 * LIMB, (1 << 62) - 2] {
        let compiled =
            compile_text(&text(&format!("tr(nums,and(signed(newer_wide({n}),A),pk(B)))"))).unwrap();
        for m in [1, n - 1, n, n + 1, n + LIMB, LIMB - 1, LIMB, (1 << 62) - 1] {
            let mut assets = Assets::default();
            assets.signers.insert(key("B"));
            assets.statements.insert((key("A"), vec![Value::Number(m)]));
            let planned = compiled.plan(&assets);
            assert_eq!(planned.is_ok(), m > n && m < 1 << 62, "{m} above {n}");
            if let Ok(plan) = planned {
                let (tx, prevout) = world().fill(&compiled, &plan);
                assert_eq!(verify(&tx, &prevout, flags()), Ok(()), "{m} above {n}");
                let spend_again = attack(&compiled, &tx, &prevout, 100);
                assert_eq!(spend_again.accepted, Vec::<Vec<Vec<u8>>>::new());
            }
        }
    }
}

/// Shows that a signature of a one-byte message steals the coin if the script relies on the key's promise to sign only
/// templates and does not check the length. A script that checks the length refuses the same witness.
#[test]
fn the_cut_works_where_nothing_checks_the_length() {
    let compiled = compile_text(&text("tr(nums,signed(ctv,P))")).unwrap();
    let (tx, prevout) = thief(&compiled);
    let leaf = &compiled.leaves[0];
    let message = vec![6u8];
    let signature = keypair("P").sign_schnorr_no_aux_rand(&message).to_byte_array().to_vec();
    let block = compiled.output.control_blocks[0].clone();
    let witness = [signature, message, leaf.script.clone(), block];
    // P broke its promise: anybody who has the signature takes the coin.
    assert_eq!(verify(&with_witness(&tx, &witness), &prevout, flags()), Ok(()));
    let checked = compile_text(&text("tr(nums,signed(ctv,A))")).unwrap();
    let (tx, prevout) = thief(&checked);
    let signature = keypair("A").sign_schnorr_no_aux_rand(&witness[1]).to_byte_array().to_vec();
    let block = checked.output.control_blocks[0].clone();
    let witness = [signature, witness[1].clone(), checked.leaves[0].script.clone(), block];
    assert!(verify(&with_witness(&tx, &witness), &prevout, flags()).is_err());
}
