//! The outputs of each construction, with their policy files and with what each role knows about them.
//!
//! To add a construction, list its outputs with their policy files, and what each role knows about the names in these
//! policies. The tables of who can spend an output are derived from this.

use super::knowledge::Item::{Key, Preimage, Scripts, Share, Transaction};
use super::knowledge::{Fact, Output, a, b, held, held_from, public, tower};
use crate::bolt3::Format;
use crate::model::{Form, Kind, LiteralForm, Profile};

const P2A: &str = "P2A, 0 to 239 sat";
const SPLIT: &str = "balances";

/// What both parties know about every output of their aggregate key P: the scripts, and their own shares of the secret
/// key.
const JOINT: &[Fact] = &[a(Share("P")), b(Share("P")), a(Scripts), b(Scripts)];

/// Returns all outputs that the transactions of a construction can create. The funding output comes first.
pub(super) fn outputs(kind: Kind) -> Vec<Output> {
    match kind {
        Kind::Bip68(..) | Kind::Tree(..) => timelock(),
        Kind::LnPenalty(format) => ln_penalty(format),
        Kind::Literal(form) => literal(form),
        Kind::SignedSequence(profile) => sequence(profile),
        Kind::Symmetry(form) => symmetry(form),
    }
}

/// Returns the outputs of a settlement transaction: the balance of A, an HTLC from A to B, and a P2A output.
fn split() -> Vec<Output> {
    let htlc = &[a(Key("payer")), b(Key("payee")), b(Preimage("hash160_payment"))];
    vec![
        Output::new("split: balance of A", "payout", &[&[a(Key("owner"))]]),
        Output::new("split: HTLC from A to B", "ln-symmetry-htlc", &[JOINT, htlc]),
        Output::p2a(P2A),
    ]
}

fn timelock() -> Vec<Output> {
    const PATH: &str = "latest path";
    let kickoff = held("P", "key", PATH, Some("the first level"));
    let latest = held_from("P", "key", PATH, "next level", "newest lock");
    let old = held_from("P", "key", "old path", "an old level", "older lock");
    let mut all = vec![
        Output::new("funding", "bip68-funding", &[JOINT, &[a(kickoff), b(kickoff), tower(kickoff)]]),
        Output::new(
            "kickoff or level",
            "decker-wattenhofer-level",
            &[JOINT, &[a(latest), b(latest), tower(latest), a(old), b(old)]],
        ),
    ];
    all.extend(split());
    all
}

fn ln_penalty(format: Format) -> Vec<Output> {
    let of_a = held("B", "leaf", "B's signature", Some("a commitment of A"));
    let of_b = held("A", "leaf", "A's signature", Some("a commitment of B"));
    let funding = [a(Key("A")), b(Key("B")), a(of_a), b(of_b), a(Scripts), b(Scripts)];
    // The revocation key is derived from a key of B and a per-commitment secret of A. A reveals the secret when a later
    // state replaces this one.
    let revocation: &[Fact] = &[
        a(Share("revocationpubkey")),
        b(Share("revocationpubkey")),
        b(Key("revocationpubkey")).old(),
        a(Scripts),
        b(Scripts),
    ];
    let kit = |key: &'static str| held(key, "leaf", "justice kit", Some("B's address"));
    let delayed = &[a(Key("local_delayedpubkey"))];
    let guarded = &[tower(kit("revocationpubkey")).old(), tower(Scripts).old()];
    let htlc = [a(Key("local_htlcpubkey")), b(Key("remote_htlcpubkey"))];
    let stage = "the second stage";
    let timeout =
        held_from("remote_htlcpubkey", "second_stage", "B's signature", stage, "height cltv_expiry");
    let success = held("remote_htlcpubkey", "second_stage", "B's signature", Some(stage));
    let preimage = Preimage("hash160_payment");
    let remote = match format.one_block_lock() {
        true => {
            let kept = [tower(kit("remotepubkey")).old(), tower(Scripts).old()];
            let facts: &[&[Fact]] = &[&[b(Key("remotepubkey")), b(Scripts)], &kept];
            Output::new("A's commitment: to_remote", "ln-penalty-to-remote", facts).numbered()
        }
        false => Output::new("A's commitment: to_remote", "payout", &[&[b(Key("owner"))]]),
    };
    let mut all = vec![
        Output::new("funding", "bip68-two-keys", &[&funding]),
        Output::new("A's commitment: to_local", "ln-penalty-to-local", &[revocation, delayed, guarded])
            .numbered(),
        remote,
        Output::new(
            "A's commitment: HTLC from A",
            "ln-penalty-offered-htlc",
            &[revocation, &htlc, &[a(timeout), b(preimage)]],
        )
        .numbered(),
        Output::new(
            "A's commitment: HTLC to A",
            "ln-penalty-received-htlc",
            &[revocation, &htlc, &[a(success), a(preimage)]],
        )
        .numbered(),
        Output::new("second stage of an HTLC", "ln-penalty-to-local", &[revocation, delayed]).numbered(),
    ];
    match format {
        Format::Anchors => {
            // The witness that spends the funding output reveals the funding key of the anchor script.
            let facts = [a(Key("funding_pubkey")), public(Scripts)];
            all.push(Output::new("anchor of A", "ln-penalty-anchor", &[&facts]));
        }
        Format::ZeroFee => all.push(Output::p2a("P2A, 0 to 240 sat")),
        Format::StaticRemotekey => {}
    }
    all.push(Output::new("justice: to B", "payout", &[&[b(Key("owner"))]]));
    all
}

fn literal(form: LiteralForm) -> Vec<Output> {
    let state = held("P", "key", "a signed state", Some("that state"));
    let funding: &[&[Fact]] = &[JOINT, &[a(state), b(state)]];
    let evidence = held("P", "leaf", "both signed C_m", None);
    let evidence: &[Fact] = &[a(evidence).old(), b(evidence).old()];
    let (balance, htlc) = match form {
        LiteralForm::PairCommit => ("literal-pair-balance", "literal-pair-htlc"),
        LiteralForm::Cat | LiteralForm::CatUnsized => ("literal-cat-balance", "literal-cat-htlc"),
    };
    let keys = [a(Key("payer")), b(Key("payee")), b(Preimage("hash160_payment")), a(Key("A")), b(Key("B"))];
    vec![
        Output::new("funding", "bip68-funding", funding),
        Output::new("state: balance of A", balance, &[JOINT, evidence, &[a(Key("owner")), b(Key("other"))]])
            .numbered(),
        Output::new("state: balance of B", balance, &[JOINT, evidence, &[b(Key("owner")), a(Key("other"))]])
            .numbered(),
        Output::new("state: HTLC from A to B", htlc, &[JOINT, evidence, &keys]).numbered(),
        Output::p2a(P2A),
    ]
}

/// What each role knows about the contested output of A's commitment transaction in the signed sequence channel.
fn version() -> Vec<Fact> {
    let evidence = held("K_A", "leaf", "A's m > n", None);
    let mut facts = JOINT.to_vec();
    facts.extend([a(Key("K_A")), b(Key("B_pen")), b(Key("W")), tower(Key("W")), public(Key("G"))]);
    facts.extend([b(evidence).old(), tower(evidence).old(), tower(Scripts)]);
    for settle in ["ctv_settle", "th_settle", "sig_settle"] {
        let split = Transaction(settle, "the split", SPLIT, Some("T blocks"));
        facts.extend([a(split), b(split)]);
    }
    for justice in ["ctv_J", "th_J", "sig_J"] {
        let justice = Transaction(justice, "J", "all to B", None);
        facts.extend([a(justice), b(justice), tower(justice)]);
    }
    facts
}

fn sequence(profile: Profile) -> Vec<Output> {
    let of_a = held("P", "key", "B's signature", Some("a version of A"));
    let of_b = held("P", "key", "A's signature", Some("a version of B"));
    let mut facts = version();
    let policy = match profile {
        Profile::Ctv => "default-ctv",
        Profile::TemplateHash => "default-templatehash",
        Profile::AnyPrevOut => "default-csfs-bip118",
        Profile::AnyPrevOutAlone => {
            // The tower has the victim's signature of the justice transaction J. B itself can make this signature at
            // any time.
            facts.push(tower(held("B_pen", "tower", "signed J", Some("all to B"))));
            "default-bip118"
        }
        Profile::CsfsOnly => {
            let split = held("P", "settle", "the signed split", Some(SPLIT));
            facts.extend([a(split), b(split)]);
            "default-csfs-only"
        }
    };
    let mut all = vec![
        Output::new("funding", "bip68-funding", &[JOINT, &[a(of_a), b(of_b)]]),
        Output::new("A's version: the capacity", policy, &[&facts]).numbered(),
        Output::p2a("A's version: P2A, 0 sat"),
    ];
    if profile != Profile::CsfsOnly {
        all.push(Output::new("J: the capacity", "payout", &[&[b(Key("owner"))]]));
        all.push(Output::p2a("J: P2A, a reward"));
    }
    all.extend(split());
    all
}

fn symmetry(form: Form) -> Vec<Output> {
    let (funding, state) = match form {
        Form::AnyPrevOut => ("ln-symmetry-a-funding", "ln-symmetry-a-state"),
        Form::CtvCsfs => ("ln-symmetry-b-funding", "ln-symmetry-b"),
        Form::CtvCsfsInternalKey => ("ln-symmetry-c-funding", "ln-symmetry-c"),
        Form::PairCommit => ("ln-symmetry-d-funding", "ln-symmetry-d"),
        Form::TemplateHash => ("ln-symmetry-e-funding", "ln-symmetry-e"),
        Form::OverridePairCommit => ("override-forced-funding", "override-forced"),
        Form::OverrideTemplateHash => ("override-templatehash-funding", "override-templatehash"),
    };
    let update = held("P", "leaf", "a signed update", Some("that state"));
    let newest = held("P", "leaf", "its newest update", Some("that state"));
    let first = [a(update), b(update), tower(newest), tower(Scripts)];
    let later = held("P", "update", "a signed later update", Some("the later state"));
    let record = held("P", "update", "its newest update", Some("the later state"));
    let mut facts = JOINT.to_vec();
    facts.extend([a(later).old(), b(later).old(), tower(record).old(), tower(Scripts), public(Key("G"))]);
    for settle in ["ctv_settle", "th_settle", "sig_settle"] {
        let split = Transaction(settle, "the split", SPLIT, Some("T blocks"));
        facts.extend([a(split), b(split)]);
    }
    let mut all = vec![
        Output::new("funding", funding, &[JOINT, &first]),
        Output::new("state: the capacity", state, &[&facts]).numbered(),
    ];
    all.extend(split());
    all
}
