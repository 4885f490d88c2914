use bitcoin::{Transaction, TxOut};
use sigstack_interpreter::ScriptError::{self, SchnorrSig, UnsatisfiedLocktime};
use sigstack_interpreter::{Flags, Opcode as O, Spend, VerifyError};

use super::*;
use crate::chain::{Chain, Policy, Reject};
use crate::keys::{Seed, generator_keypair, x_only};
use crate::model::{Construction, Content, Setup, SignedSequence, Stage};
use crate::script::{Num, Push, script};
use crate::sign::ALL_ANYPREVOUTANYSCRIPT;
use crate::taproot::{Leaf, TapOutput};
use crate::tx::{outpoint, output, p2a, p2tr, set_witness, weight};

const CAPACITY: u64 = 1_000_000;
/// State number of the commitment transaction whose contested output is on the simulated chain of these tests.
const N: u32 = 0x0100_0000;

fn key(name: &str) -> Keypair {
    Seed::from_name("signed numbers").keypair(name, &[]).unwrap()
}

fn verdict(tx: &Transaction, prevouts: &[TxOut], input: usize) -> Option<ScriptError> {
    let spend = Spend::new(tx, prevouts).unwrap();
    match spend.verify_input(input, Flags::CONSENSUS | Flags::ANYPREVOUT) {
        Ok(_) => None,
        Err(VerifyError::Script { error, .. }) => Some(error),
        Err(error) => panic!("{error}"),
    }
}

/// Returns the justice transaction for the state number `number`. It pays everything to the victim and also has a P2A
/// output.
fn justice(number: u32) -> Transaction {
    let outputs = vec![output(CAPACITY, p2tr(&x_only(&key("payout")))), output(0, p2a())];
    let inputs = vec![input(OutPoint::null(), SEQUENCE_FREE)];
    transaction(3, Profile::AnyPrevOutAlone.lock_time(number), inputs, outputs)
}

/// Returns the witness element that proves that the cheater signed the state number `number`.
fn shown(number: u32) -> Vec<u8> {
    let signature = Profile::AnyPrevOutAlone.sign_number(&key("number"), number).unwrap();
    Profile::AnyPrevOutAlone.show_number(number, &signature).remove(0)
}

/// Returns a taproot output whose tree contains `leaf` at this depth, and a transaction that creates this output.
fn contested(leaf: &[u8], depth: u8) -> (TapOutput, Transaction) {
    let mut leaves = vec![(depth, Leaf::Script(leaf.to_vec()))];
    leaves.extend((1..=depth).rev().map(|depth| (depth, Leaf::Hidden([depth; 32]))));
    let out = TapOutput::new(x_only(&key("joint")), leaves).unwrap();
    let source = transaction(3, 0, vec![], vec![output(CAPACITY, out.script_pubkey())]);
    (out, source)
}

/// Returns a signature by `key` under SIGHASH_DEFAULT for the input at index `place`. This input satisfies the leaf
/// script `leaf`.
fn whole(tx: &Transaction, prevouts: &[TxOut], place: usize, leaf: &[u8], key: &Keypair) -> Vec<u8> {
    let digest = sign::script_path(tx, prevouts, place, leaf, sign::DEFAULT, false, None).unwrap();
    sign_schnorr(key, &digest).to_vec()
}

fn consent(tx: &Transaction, key: &Keypair) -> Vec<u8> {
    let digest = sign::rebindable(tx, ALL_ANYPREVOUTANYSCRIPT).unwrap();
    with_hash_type(sign_schnorr(key, &digest), ALL_ANYPREVOUTANYSCRIPT)
}

/// Verifies a contest transaction that proves a signature of the state number `number`. Returns the script error, or
/// `None` if the transaction is valid. `before` changes the transaction before the victim signs, and `after` changes it
/// afterwards. `place` is the index of the input that spends the contested output.
fn contest(
    number: u32,
    before: impl FnOnce(&mut Transaction, &mut Vec<TxOut>),
    after: impl FnOnce(&mut Transaction, &mut Vec<TxOut>),
    place: usize,
) -> Option<ScriptError> {
    let leaf = leaves::contest_lock_time(N, &x_only(&key("number")), &x_only(&key("penalty")));
    let (out, source) = contested(&leaf, 2);
    let mut tx = justice(number);
    tx.input[0].previous_output = outpoint(&source, 0);
    let mut prevouts = vec![output(CAPACITY, out.script_pubkey())];
    before(&mut tx, &mut prevouts);
    let own = whole(&tx, &prevouts, place, &leaf, &key("penalty"));
    set_witness(&mut tx, place, &out.witness(&leaf, vec![own, shown(number)]).unwrap());
    after(&mut tx, &mut prevouts);
    verdict(&tx, &prevouts, place)
}

fn nothing(_: &mut Transaction, _: &mut Vec<TxOut>) {}

#[test]
fn higher_numbers_open_the_contest_and_others_do_not() {
    for (number, error) in [
        (N - 1, Some(UnsatisfiedLocktime)),
        (N, Some(UnsatisfiedLocktime)),
        (N + 1, None),
        (NUMBERS_BY_LOCK_TIME - 1, None),
    ] {
        assert_eq!(contest(number, nothing, nothing, 0), error, "{number}");
    }
}

/// The signature of a state number commits to nLockTime, nSequence and nVersion. To show this, the first check of each
/// case changes the transaction before the victim signs, so only the signature of the state number can make the script
/// fail.
#[test]
fn a_number_fixes_lock_time_sequence_and_version() {
    type Change = fn(&mut Transaction, &mut Vec<TxOut>);
    let changes: [(&str, Change, Option<ScriptError>); 7] = [
        (
            "lock time",
            |tx, _| tx.lock_time = bitcoin::absolute::LockTime::from_consensus(1_600_000_000),
            Some(SchnorrSig),
        ),
        ("sequence", |tx, _| tx.input[0].sequence = bitcoin::Sequence(SEQUENCE_FREE - 1), Some(SchnorrSig)),
        ("relative lock", |tx, _| tx.input[0].sequence = bitcoin::Sequence(144), Some(SchnorrSig)),
        ("version", |tx, _| tx.version = bitcoin::transaction::Version(2), Some(SchnorrSig)),
        ("output added", |tx, _| tx.output.push(output(0, p2a())), None),
        ("outputs replaced", |tx, _| tx.output = vec![output(5_000, p2a())], None),
        (
            "input added",
            |tx, prevouts| {
                tx.input.push(input(OutPoint { vout: 7, ..OutPoint::null() }, 0));
                prevouts.push(output(600, p2a()));
            },
            None,
        ),
    ];
    for (name, change, error) in changes {
        assert_eq!(contest(N + 1, change, nothing, 0), error, "{name}");
        // After the victim has signed, nobody can change anything.
        assert_eq!(contest(N + 1, nothing, change, 0), Some(SchnorrSig), "{name} after the victim signed");
    }
}

/// The signature of a state number is valid at any input index, so guards must look for the contested outpoint in every
/// input.
#[test]
fn a_number_is_valid_at_any_input_and_without_annex_only() {
    let first = |tx: &mut Transaction, prevouts: &mut Vec<TxOut>| {
        tx.input.insert(0, input(OutPoint { vout: 7, ..OutPoint::null() }, 0));
        prevouts.insert(0, output(600, p2a()));
    };
    assert_eq!(contest(N + 1, first, nothing, 1), None);
    let annex = |tx: &mut Transaction, _: &mut Vec<TxOut>| tx.input[0].witness.push([0x50, 1]);
    assert_eq!(contest(N + 1, nothing, annex, 0), Some(SchnorrSig));
}

/// Returns a justice transaction that spends an output with the tower leaf. `stack` supplies the witness elements below
/// the signature of the state number.
fn tower_spend(
    leaf: &[u8],
    depth: u8,
    number: u32,
    stack: impl FnOnce(&Transaction, &[TxOut]) -> Vec<Vec<u8>>,
) -> (Transaction, Vec<TxOut>) {
    let (out, source) = contested(leaf, depth);
    let mut tx = justice(number);
    tx.input[0].previous_output = outpoint(&source, 0);
    let prevouts = vec![output(CAPACITY, out.script_pubkey())];
    let mut elements = stack(&tx, &prevouts);
    elements.push(shown(number));
    set_witness(&mut tx, 0, &out.witness(leaf, elements).unwrap());
    (tx, prevouts)
}

fn bip118(name: &str) -> Vec<u8> {
    [&[1][..], &x_only(&key(name))].concat()
}

fn next_lock() -> Vec<u8> {
    script(&[&Num(i64::from(NUMBER_BASE + N + 1)), &O::OP_CHECKLOCKTIMEVERIFY])
}

/// Compares the real tower leaf with one that does not require a signature of the tower's key. All signatures are
/// public once the transaction is in a mempool, so without the tower's key anyone can add inputs.
#[test]
fn a_reader_of_the_mempool_adds_inputs_unless_the_towers_key_signs() {
    let two = script(&[
        &Push(&bip118("number")),
        &O::OP_CHECKSIGVERIFY,
        &Push(&bip118("penalty")),
        &O::OP_CHECKSIGVERIFY,
    ]);
    let keyless = [two, next_lock()].concat();
    let keys = [&x_only(&key("number")), &x_only(&key("penalty")), &x_only(&key("tower"))];
    let keyed = leaves::tower_lock_time(N, keys);
    for (leaf, weighs, added) in [(&keyless, 738, None), (&keyed, 837, Some(SchnorrSig))] {
        let (mut tx, mut prevouts) = tower_spend(leaf, 2, N + 1, |tx, prevouts| {
            let own = whole(tx, prevouts, 0, leaf, &key("tower"));
            let mut stack = if added.is_some() { vec![own] } else { vec![] };
            stack.push(consent(tx, &key("penalty")));
            stack
        });
        assert_eq!((verdict(&tx, &prevouts, 0), weight(&tx)), (None, weighs));
        tx.input.push(input(OutPoint { vout: 7, ..OutPoint::null() }, 0));
        prevouts.push(output(600, p2a()));
        assert_eq!(verdict(&tx, &prevouts, 0), added);
        // With both leaves, the victim's signature fixes the outputs.
        tx.input.pop();
        prevouts.pop();
        tx.output[0].script_pubkey = p2tr(&x_only(&key("thief")));
        assert_eq!(verdict(&tx, &prevouts, 0), Some(SchnorrSig));
    }
}

/// Two leaf scripts that were proposed for towers. The first has 41 bytes and requires only a signature of a higher
/// state number, so the publisher can take the output. The second also requires a signature by a key of the tower,
/// which prevents this.
#[test]
fn a_leaf_that_the_number_key_opens_alone_pays_whom_the_publisher_likes() {
    let bare = [script(&[&Push(&bip118("number")), &O::OP_CHECKSIGVERIFY]), next_lock()].concat();
    assert_eq!(bare.len(), 41);
    let (tower, number_key) = (x_only(&key("tower")), x_only(&key("number")));
    let keyed = leaves::contest_lock_time(N, &number_key, &tower);
    for (leaf, depth, weighs, by_publisher) in
        [(&bare, 2, 637, None), (&bare, 1, 605, None), (&keyed, 2, 736, Some(SchnorrSig))]
    {
        let stack = |tx: &Transaction, prevouts: &[TxOut], signer: &str| {
            let own = whole(tx, prevouts, 0, leaf, &key(signer));
            if by_publisher.is_some() { vec![own] } else { vec![] }
        };
        let (tx, prevouts) = tower_spend(leaf, depth, N + 1, |tx, spent| stack(tx, spent, "tower"));
        assert_eq!((verdict(&tx, &prevouts, 0), weight(&tx)), (None, weighs));
        // The publisher signs a state number above that of its own commitment transaction, and changes the outputs to
        // pay itself.
        let (mut theft, prevouts) = tower_spend(leaf, depth, N + 1, |tx, spent| stack(tx, spent, "payout"));
        theft.output[0].script_pubkey = p2tr(&x_only(&key("thief")));
        assert_eq!(verdict(&theft, &prevouts, 0), by_publisher);
    }
}

/// If the tower leaf contained a signature of the justice transaction, only a single state number could ever satisfy
/// this leaf, because the signature commits to nLockTime, which encodes the state number.
#[test]
fn a_signature_in_the_leaf_fixes_the_number_too() {
    let generator = generator_keypair().unwrap();
    let fixed = consent(&justice(N + 1), &generator);
    let head = script(&[&Push(&bip118("number")), &O::OP_CHECKSIGVERIFY]);
    let end = leaves::template_signature(&fixed, &x_only(&generator));
    let leaf = [head, next_lock(), script(&[&O::OP_DROP]), end].concat();
    for (number, error) in [(N + 1, None), (N + 2, Some(SchnorrSig))] {
        let (tx, prevouts) = tower_spend(&leaf, 2, number, |_, _| vec![]);
        assert_eq!(verdict(&tx, &prevouts, 0), error, "{number}");
    }
}

/// If the contested outputs of two channels had the same keys, one transaction could answer both, and the capacity of
/// one would become fee. This is impossible if the victim's key is different for each funding output.
#[test]
fn one_transaction_does_not_answer_two_fundings() {
    for (second, error) in [("penalty", None), ("penalty of another funding", Some(SchnorrSig))] {
        let mut tx = justice(N + 1);
        let leaves = ["penalty", second].map(|victim| {
            let keys = [&x_only(&key("number")), &x_only(&key(victim)), &x_only(&key("tower"))];
            leaves::tower_lock_time(N, keys)
        });
        let consented = consent(&tx, &key("penalty"));
        let outs = leaves.clone().map(|leaf| contested(&leaf, 2));
        tx.input = outs.iter().map(|(_, source)| input(outpoint(source, 0), SEQUENCE_FREE)).collect();
        tx.input[1].previous_output.vout = 1;
        let prevouts = outs.clone().map(|(out, _)| output(CAPACITY, out.script_pubkey()));
        for (nth, leaf) in leaves.iter().enumerate() {
            let own = whole(&tx, &prevouts, nth, leaf, &key("tower"));
            let stack = vec![own, consented.clone(), shown(N + 1)];
            set_witness(&mut tx, nth, &outs[nth].0.witness(leaf, stack).unwrap());
        }
        assert_eq!([verdict(&tx, &prevouts, 0), verdict(&tx, &prevouts, 1)], [None, error]);
    }
}

/// The nLockTime of a contest, 500,000,000 plus the state number, must be earlier than the median time of the last
/// blocks.
#[test]
fn a_number_of_the_future_is_not_mined() {
    let mut chain = Chain::new(Flags::ANYPREVOUT, Policy::default());
    let past = chain.median_time_past(chain.height()) - NUMBER_BASE;
    let leaf = leaves::contest_lock_time(N, &x_only(&key("number")), &x_only(&key("penalty")));
    let (out, _) = contested(&leaf, 2);
    let prevout = output(CAPACITY, out.script_pubkey());
    let coin = chain.mint(prevout.clone());
    for (number, entered) in [(past, false), (past - 1, true)] {
        let mut tx = justice(number);
        tx.input[0].previous_output = coin;
        tx.output = vec![output(CAPACITY - 1_000, p2tr(&x_only(&key("payout"))))];
        let own = whole(&tx, std::slice::from_ref(&prevout), 0, &leaf, &key("penalty"));
        set_witness(&mut tx, 0, &out.witness(&leaf, vec![own, shown(number)]).unwrap());
        match chain.submit(tx) {
            Ok(_) => assert!(entered),
            Err(reject) => assert!(!entered && matches!(reject, Reject::NotFinal), "{reject}"),
        }
    }
    // The state numbers of a channel end far below this limit.
    let setup = Setup::named("bounds", 2, CAPACITY, 144).unwrap();
    let channel =
        SignedSequence::new(setup, Profile::AnyPrevOutAlone, Content::of(&[600_000, 400_000])).unwrap();
    let left = u32::try_from(channel.facts().states).unwrap();
    assert!(left > 600_000_000, "{left}");
    assert_eq!(channel.script_number(left - 1), Ok(NUMBERS_BY_LOCK_TIME - 1));
    assert!(channel.script_number(left).is_err());
}

/// Weights of four transactions of the same state, for each profile: commitment, settlement, contest and justice
/// transaction.
#[test]
fn weights_of_the_profiles() {
    let read =
        |name: &str| std::fs::read_to_string(format!("{}/../{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (docs, draft) = (read("docs/channels.md"), read("BIP-DRAFT.md"));
    let mut found = Vec::new();
    for profile in Profile::ALL {
        let setup = Setup::named("profiles", 2, CAPACITY, 144).unwrap();
        let mut channel = SignedSequence::new(setup, profile, Content::of(&[600_000, 400_000])).unwrap();
        let mut stage = Stage::new(&channel).unwrap();
        stage.open(&mut channel).unwrap();
        channel.update(Content::of(&[500_000, 500_000])).unwrap();
        let steps = channel.close(0, 0).unwrap();
        let contest = channel.contest(1, &steps[0].tx).unwrap().unwrap();
        let justice = channel.tower_contest(1, &steps[0].tx).unwrap().unwrap_or_default();
        let weights: Vec<u64> = [steps, contest, justice].concat().iter().map(|step| step.weight()).collect();
        let cells = weights.iter().map(u64::to_string).chain((weights.len() < 4).then(|| "-".to_owned()));
        let cells: Vec<String> = cells.collect();
        let row =
            format!("| {} | {} | {} |", profile.name(), cells.join(" | "), channel.tower_bytes(1).len());
        assert!(docs.contains(&row), "docs/channels.md: {row}");
        // The draft lists only the profiles with ANYPREVOUT, to show what CHECKSIGFROMSTACK adds.
        let is_drafted = matches!(profile, Profile::AnyPrevOut | Profile::AnyPrevOutAlone);
        assert_eq!(draft.contains(&row), is_drafted, "BIP-DRAFT.md: {row}");
        found.push((profile, weights, channel.tower_bytes(1).len()));
    }
    assert_eq!(
        found,
        [
            (Profile::Ctv, vec![668, 704, 690, 776], 278),
            (Profile::TemplateHash, vec![668, 705, 690, 777], 278),
            (Profile::AnyPrevOut, vec![668, 771, 690, 843], 278),
            (Profile::CsfsOnly, vec![496, 741, 658], 0),
            (Profile::AnyPrevOutAlone, vec![668, 771, 684, 837], 342),
        ]
    );
}
