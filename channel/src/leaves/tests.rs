//! Tests that the scripts of the leaves do not change, and that a filled template equals the compiler's
//! output for the same values.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const KEY: [u8; 32] = [7; 32];

/// Returns all leaves of this module that are compiled from policies.
fn all() -> Vec<&'static PolicyLeaf> {
    use super::{htlc, literal, sequence, symmetry, templates};
    let mut all = vec![
        &templates::CTV,
        &templates::TEMPLATEHASH,
        &templates::TEMPLATEHASH_AFTER,
        &templates::SIGNATURE,
        &sequence::CONTEST,
        &sequence::TOWER,
        &sequence::SETTLE_SIGNED,
        &sequence::SWEEP,
        &sequence::CONTEST_LOCK_TIME,
        &sequence::TOWER_LOCK_TIME,
        &htlc::SUCCESS,
        &htlc::TIMEOUT,
        &htlc::SUCCESS_TEMPLATE,
        &htlc::TIMEOUT_TEMPLATE,
        &htlc::SUCCESS_PRESIGNED,
        &htlc::SUCCESS_ANYPREVOUT,
        &htlc::TIMEOUT_ANYPREVOUT,
        &literal::DELAYED,
        &literal::CAT,
        &literal::PAIR,
        &symmetry::OVERRIDE_PAIR,
        &symmetry::OVERRIDE_TEMPLATEHASH,
    ];
    for update in
        [&symmetry::APO, &symmetry::CTV, &symmetry::INTERNAL_KEY, &symmetry::PAIR, &symmetry::TEMPLATEHASH]
    {
        all.extend([&update.funding, &update.state]);
    }
    all
}

#[test]
fn sizes_are_those_of_the_docs() {
    let n = MAX_NUMBER - 1;
    for (name, script, size) in [
        ("htlc success", htlc_success(&KEY, &[8; 20]), 61),
        ("htlc timeout", htlc_timeout(&KEY, 900_000), 39),
        ("htlc success, template", htlc_success_template(&KEY, &[8; 20], &KEY), 95),
        ("htlc timeout, template", htlc_timeout_template(&KEY, 900_000, &KEY), 74),
        ("htlc success, presigned", htlc_success_presigned(&KEY, &KEY, &[8; 20]), 95),
        ("htlc success, bip 118", htlc_success_anyprevout(&KEY, &KEY, &[8; 20]), 96),
        ("htlc timeout, bip 118", htlc_timeout_anyprevout(&KEY, &KEY, 900_000), 74),
        ("delayed", delayed(&KEY, 144), 38),
        ("ctv", template_ctv(&KEY), 34),
        ("templatehash", template_templatehash(&KEY), 35),
        ("signature", template_signature(&[9; 65], &KEY), 101),
        ("internal key", delayed_internal_key(144), 6),
        ("contest", contest(n, &KEY, &KEY), 77),
        ("contest, small", contest(16, &KEY, &KEY), 73),
        ("tower, ctv", tower(n, &KEY, &KEY, &template_ctv(&KEY)), 111),
        ("tower, templatehash", tower(n, &KEY, &KEY, &template_templatehash_after(&KEY)), 112),
        ("tower, signature", tower(n, &KEY, &KEY, &template_signature(&[9; 65], &KEY)), 178),
        ("contest, lock time", contest_lock_time(n, &KEY, &KEY), 76),
        ("contest, lock time, 70,000", contest_lock_time(70_000, &KEY, &KEY), 75),
        ("tower, lock time", tower_lock_time(70_000, [&KEY; 3]), 110),
        ("cat", literal_cat(&KEY, &KEY, &KEY, true), 122),
        ("pair commit", literal_pair_commit(&KEY, &KEY, &KEY), 109),
        ("apo, funding", update_apo(None), 2),
        ("apo", update_apo(Some(5)), 8),
        ("ctv, funding", update_ctv(&KEY, None), 35),
        ("ctv", update_ctv(&KEY, Some(5)), 42),
        ("ctv, internal key", update_ctv_internal_key(Some(5)), 10),
        ("pc", update_pair_commit(Some(5)), 11),
        ("templatehash", update_templatehash(Some(5)), 10),
        ("override, pc", override_pair_commit(n), 13),
        ("override, templatehash", override_templatehash(n), 13),
    ] {
        assert_eq!(script.len(), size, "{name}");
    }
}

/// The leaf scripts must keep their bytes, because test vectors of other implementations and of earlier versions
/// contain these scripts.
#[test]
fn scripts_have_their_committed_bytes() {
    let (a, b, c) = ("aa".repeat(32), "bb".repeat(32), "cc".repeat(20));
    let [ka, kb] = [[0xaa; 32], [0xbb; 32]];
    let hash = [0xcc; 20];
    let sig = [0xdd; 65];
    let d = "dd".repeat(65);
    let is =
        |name: &str, script: Vec<u8>, expected: String| assert_eq!(hex::encode(script), expected, "{name}");
    is("success", htlc_success(&ka, &hash), format!("20{a}ad82012088a914{c}87"));
    is("timeout", htlc_timeout(&ka, 900_000), format!("20{a}ad03a0bb0db1"));
    is(
        "success, template",
        htlc_success_template(&ka, &hash, &kb),
        format!("82012088a914{c}8820{a}ad20{b}b3"),
    );
    is("timeout, template", htlc_timeout_template(&ka, 16, &kb), format!("60b17520{a}ad20{b}b3"));
    is(
        "success, presigned",
        htlc_success_presigned(&ka, &kb, &hash),
        format!("20{a}ad20{b}ad82012088a914{c}87"),
    );
    is(
        "success, bip 118",
        htlc_success_anyprevout(&ka, &kb, &hash),
        format!("2101{a}ad20{b}ad82012088a914{c}87"),
    );
    is("timeout, bip 118", htlc_timeout_anyprevout(&ka, &kb, 900_000), format!("2101{a}ad20{b}ad03a0bb0db1"));
    is("delayed", delayed(&ka, 144), format!("20{a}ad029000b2"));
    is("internal key", delayed_internal_key(1), "cbad51b2".to_owned());
    is("ctv", template_ctv(&ka), format!("20{a}b3"));
    is("templatehash", template_templatehash(&ka), format!("20{a}ce87"));
    is("templatehash, after", template_templatehash_after(&ka), format!("ce20{a}87"));
    is("signature", template_signature(&sig, &ka), format!("41{d}2101{a}ac"));
    is("contest", contest(70_000, &ka, &kb), format!("7603701101a06920{a}cc6920{b}ac"));
    is("contest, 16", contest(16, &ka, &kb), format!("7660a06920{a}cc6920{b}ac"));
    is("contest, 17", contest(17, &ka, &kb), format!("760111a06920{a}cc6920{b}ac"));
    is("number", higher_number(128, &ka), format!("76028000a06920{a}cc69"));
    is("tower", tower(127, &ka, &kb, &[0x51]), format!("76017fa06920{a}cc6920{b}ad51"));
    is("contest, lock time", contest_lock_time(4, &ka, &kb), format!("2101{a}ad20{b}ad040565cd1db1"));
    is(
        "tower, lock time",
        tower_lock_time(4, [&ka, &kb, &ka]),
        format!("2101{a}ad2101{b}ad20{a}ad040565cd1db1"),
    );
    is("sweep", sweep(70_000, &ka, 108), format!("016cb2757603701101a06920{a}cc"));
    is(
        "cat",
        literal_cat(&ka, &kb, &ka, true),
        format!("7c82012088787c7ea820{a}88789f697c820120887ea820{b}cc6920{a}ac"),
    );
    is(
        "cat, unsized",
        literal_cat(&ka, &kb, &ka, false),
        format!("7c787c7ea820{a}88789f697c7ea820{b}cc6920{a}ac"),
    );
    is("pair commit", literal_pair_commit(&ka, &kb, &ka), format!("7dcd20{a}88789f69cd20{b}cc6920{a}ac"));
    is("apo, funding", update_apo(None), "51ac".to_owned());
    is("apo, 0", update_apo(Some(0)), "51ad040065cd1db1".to_owned());
    is("apo, 5", update_apo(Some(5)), "51ad040565cd1db1".to_owned());
    is("ctv, funding", update_ctv(&ka, None), format!("b320{a}cc"));
    is("ctv, 5", update_ctv(&ka, Some(5)), format!("b320{a}cc69040565cd1db1"));
    is("ikey, funding", update_ctv_internal_key(None), "b3cbcc".to_owned());
    is("ikey, 5", update_ctv_internal_key(Some(5)), "b3cbcc69040565cd1db1".to_owned());
    is("pc, funding", update_pair_commit(None), "b3cdcbcc".to_owned());
    is("pc, 5", update_pair_commit(Some(5)), "b3cdcbcc69040565cd1db1".to_owned());
    is("th, funding", update_templatehash(None), "cecbcc".to_owned());
    is("th, 5", update_templatehash(Some(5)), "cecbcc69040565cd1db1".to_owned());
    is("override, 0", override_pair_commit(0), "b3cd7800a069cdcbcc".to_owned());
    is("override, 300", override_pair_commit(300), "b3cd78022c01a069cdcbcc".to_owned());
    is("override, th", override_templatehash(1), "7651a069ce7ea8cbcc".to_owned());
}

/// Fills each leaf template with values that differ from those with which it was compiled. The result must equal the
/// compiler's output for the new values.
#[test]
fn filled_templates_are_what_the_compiler_gives() {
    use sigstack_compiler::policy::Statement;
    let seed = crate::keys::Seed::from_name("leaves");
    let key = |name: &str| crate::keys::x_only(&seed.keypair(name, &[]).unwrap()).to_vec();
    for leaf in all() {
        let text = sigstack_compiler::policy_text(leaf.policy).unwrap();
        let document = sigstack_compiler::parse(text).unwrap();
        let template = Template::new(&document, leaf.leaf, leaf.holes)
            .unwrap_or_else(|error| panic!("{}: {error}", leaf.policy));
        // Numbers of one, two and three bytes.
        for n in [1u32, 16, 17, 127, 128, 300, 65_535] {
            let (mut given, mut values) = (BTreeMap::new(), Vec::new());
            for hole in leaf.holes {
                let bytes = document.statements().find_map(|statement| match statement {
                    Statement::Key(name, ..) if name.text == *hole => Some(key(hole)),
                    Statement::Bytes(name, Some(bytes)) if name.text == *hole => {
                        // If the bytes are a signature, they must stay a valid encoding, so only the middle
                        // of `s` changes.
                        let (mut bytes, middle) = (bytes.clone(), bytes.len() * 3 / 4);
                        bytes[middle] ^= 0x0f;
                        Some(bytes)
                    }
                    _ => None,
                });
                let text = bytes.as_ref().map_or_else(|| n.to_string(), hex::encode);
                given.insert((*hole).to_owned(), text);
                values.push(bytes);
            }
            let values: Vec<Fill<'_>> =
                values.iter().map(|bytes| bytes.as_deref().map_or(number(n), Fill::Bytes)).collect();
            let compiled = sigstack_compiler::compile(&document, &given, &BTreeSet::new())
                .unwrap_or_else(|error| panic!("{}: {}", leaf.policy, error.render(text)));
            let expected = hex::encode(&compiled.leaves[leaf.leaf].script);
            assert_eq!(hex::encode(template.fill(&values).unwrap()), expected, "{}", leaf.policy);
            assert_eq!(hex::encode(leaf.fill(&values)), expected, "{}", leaf.policy);
        }
    }
}

#[test]
fn a_wrong_value_gives_a_leaf_that_nobody_spends() {
    assert_eq!(template_signature(&[9; 64], &KEY), [0x6a]);
    assert_eq!(PolicyLeaf::new("payout", 0, &[]).fill(&[]), [0x6a]);
    assert_eq!(PolicyLeaf::new("no such policy", 0, &[]).fill(&[]), [0x6a]);
}
