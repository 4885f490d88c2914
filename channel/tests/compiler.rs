//! The leaves of the constructions are, byte for byte, what the compiler makes of the policies that say the same.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sigstack_channel::scripts::{
    contest, contest_joint, delayed_internal_key, htlc_success, htlc_success_template, htlc_timeout,
    htlc_timeout_template, literal_cat, literal_pair_commit, override_pair_commit, template_ctv,
    template_signature, template_templatehash, template_templatehash_after, tower, update_apo, update_ctv,
    update_ctv_internal_key, update_pair_commit, update_templatehash,
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../script-compiler/policies");

/// A policy's constants and its compiled leaves.
struct Policy {
    name: &'static str,
    values: BTreeMap<String, String>,
    leaves: Vec<Vec<u8>>,
}

impl Policy {
    fn read(name: &'static str) -> Policy {
        let text = fs::read_to_string(Path::new(FOLDER).join(format!("{name}.policy"))).unwrap();
        let mut values = BTreeMap::new();
        for line in text.lines() {
            let Some((left, right)) = line.split_once(" = ") else { continue };
            let right = right.split([' ', ';']).next().unwrap();
            let key = left.split(' ').nth(1).unwrap();
            values.insert(key.to_owned(), right.to_owned());
        }
        let compiled =
            sigstack_compiler::compile_text(&text).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        Policy { name, values, leaves: compiled.leaves.into_iter().map(|leaf| leaf.script).collect() }
    }

    fn bytes(&self, key: &str) -> Vec<u8> {
        hex::decode(&self.values[key]).unwrap()
    }

    fn key(&self, key: &str) -> [u8; 32] {
        self.bytes(key).try_into().unwrap()
    }

    fn number(&self, key: &str) -> u32 {
        self.values[key].parse().unwrap()
    }

    /// The leaves are just these, in any order.
    fn is(&self, expected: &[Vec<u8>]) {
        let sorted = |leaves: &[Vec<u8>]| {
            let mut leaves: Vec<String> = leaves.iter().map(hex::encode).collect();
            leaves.sort();
            leaves
        };
        assert_eq!(sorted(&self.leaves), sorted(expected), "{}", self.name);
    }
}

#[test]
fn the_default_in_each_profile() {
    let p = Policy::read("default-ctv");
    let (n, k, b, w) = (p.number("n"), p.key("K_A"), p.key("B_pen"), p.key("W"));
    let fixed = template_ctv(&p.key("ctv_J"));
    p.is(&[template_ctv(&p.key("ctv_settle")), contest(n, &k, &b), tower(n, &k, &w, &fixed)]);

    let p = Policy::read("default-templatehash");
    let (n, k, b, w) = (p.number("n"), p.key("K_A"), p.key("B_pen"), p.key("W"));
    let fixed = template_templatehash_after(&p.key("th_J"));
    p.is(&[template_templatehash(&p.key("th_settle")), contest(n, &k, &b), tower(n, &k, &w, &fixed)]);

    let p = Policy::read("default-csfs-bip118");
    let (n, k, b, w) = (p.number("n"), p.key("K_A"), p.key("B_pen"), p.key("W"));
    let g = p.key("G");
    let fixed = template_signature(&p.bytes("sig_J"), &g);
    p.is(&[template_signature(&p.bytes("sig_settle"), &g), contest(n, &k, &b), tower(n, &k, &w, &fixed)]);

    let p = Policy::read("default-csfs-only");
    let (n, k, b) = (p.number("n"), p.key("K_A"), p.key("B_pen"));
    p.is(&[delayed_internal_key(u16::try_from(p.number("T")).unwrap()), contest(n, &k, &b)]);
}

/// A tower that is paid has its own key in the place of the victim's.
#[test]
fn a_paid_tower() {
    let p = Policy::read("tower-paid");
    let fixed = template_ctv(&p.key("ctv_J"));
    p.is(&[template_ctv(&p.key("ctv_settle")), tower(p.number("n"), &p.key("K_A"), &p.key("W"), &fixed)]);
}

#[test]
fn ln_symmetry_and_the_override_form() {
    let p = Policy::read("ln-symmetry-a-state");
    let next = Some(p.number("n") + 1);
    p.is(&[update_apo(next), template_signature(&p.bytes("sig_settle"), &p.key("G"))]);
    for (name, update) in [
        ("ln-symmetry-b", None),
        ("ln-symmetry-c", Some(update_ctv_internal_key(next))),
        ("ln-symmetry-d", Some(update_pair_commit(next))),
    ] {
        let p = Policy::read(name);
        let update = update.unwrap_or_else(|| update_ctv(&p.key("P"), next));
        p.is(&[update, template_ctv(&p.key("ctv_settle"))]);
    }
    let p = Policy::read("ln-symmetry-e");
    p.is(&[update_templatehash(next), template_templatehash(&p.key("th_settle"))]);
    let p = Policy::read("override-forced");
    p.is(&[override_pair_commit(p.number("n")), template_ctv(&p.key("ctv_settle"))]);
}

#[test]
fn htlcs() {
    let p = Policy::read("ln-symmetry-htlc");
    let hash: [u8; 20] = p.bytes("hash160_payment").try_into().unwrap();
    p.is(&[htlc_success(&p.key("payee"), &hash), htlc_timeout(&p.key("payer"), p.number("expiry"))]);
    let p = Policy::read("htlc-second-stage");
    let k = p.key("K");
    let success = htlc_success_template(&k, &hash, &p.key("ctv_success"));
    p.is(&[success, htlc_timeout_template(&k, p.number("expiry"), &p.key("ctv_timeout"))]);
}

#[test]
fn the_literal_and_the_joint_form() {
    let p = Policy::read("sequence-joint");
    p.is(&[contest_joint(p.number("n"), &p.key("B_pen"))]);
    let p = Policy::read("sequence-literal-cat");
    p.is(&[literal_cat(&p.key("cat_n"), &p.key("K"), &p.key("B"), true)]);
    let p = Policy::read("sequence-literal-pair");
    p.is(&[literal_pair_commit(&p.key("pair_n"), &p.key("K"), &p.key("B"))]);
}
