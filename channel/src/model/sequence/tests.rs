use super::*;
use crate::attacks::{Shown, resigned};
use crate::keys::{sha256, tagged_hash};
use crate::model::contested::published_number;
use crate::model::{Literal, LiteralForm, Stage};
use crate::tx::{SEQUENCE_FREE, p2a};

const CAPACITY: u64 = 1_000_000;
const WITH_TOWERS: [Profile; 4] =
    [Profile::Ctv, Profile::TemplateHash, Profile::AnyPrevOut, Profile::AnyPrevOutAlone];

fn content(state: u64) -> Content {
    Content::of(&[600_000 - 50_000 * state, 400_000 + 50_000 * state])
}

fn setup() -> Setup {
    Setup::named("sequence tests", 2, CAPACITY, 144).unwrap()
}

/// Returns a channel in state 3, its simulated chain, and the commitment transaction that the first party published for
/// the state `state`.
fn published(profile: Profile, state: u32) -> (SignedSequence, Stage, Transaction) {
    let mut channel = SignedSequence::new(setup(), profile, content(0)).unwrap();
    let mut stage = Stage::new(&channel).unwrap();
    stage.open(&mut channel).unwrap();
    for state in 1..4 {
        channel.update(content(state)).unwrap();
    }
    let step = channel.close(0, state).unwrap().remove(0);
    let tx = stage.publish(step).unwrap().step.tx;
    (channel, stage, tx)
}

/// A publisher can always sign a state number above that of its own commitment transaction. This gains it nothing,
/// because the leaves that check such a signature also require a key that the publisher does not have.
#[test]
fn evidence_that_the_publisher_makes_completes_no_justice() {
    for profile in WITH_TOWERS {
        // First an old commitment transaction, then the latest one.
        for state in [0, 3] {
            let (channel, mut stage, published) = published(profile, state);
            let (number, evidence) = (channel.script_number(9).unwrap(), channel.sign_number(0, 9).unwrap());
            // One profile also requires the victim's signature of the justice transaction. The test supplies it,
            // although the publisher would not have it.
            let contested = channel.contested(0).unwrap();
            let consent = contested.consent(number, &channel.setup.party(1).unwrap().penalty).unwrap();
            let record = TowerRecord { number, evidence, consent, ..channel.tower_record(1).unwrap() };
            let justice = channel.terms.answer(&record, &published, None).unwrap().unwrap();
            for key in ["number", "penalty", "tower", "payout", "funding"] {
                let party = channel.setup.party(0).unwrap();
                let own = match key {
                    "number" => party.number,
                    "penalty" => party.penalty,
                    "tower" => party.tower,
                    "payout" => party.payout,
                    _ => party.funding,
                };
                let tried = resigned(justice.clone(), &own).unwrap();
                let shown = Shown::verify(tried.clone(), channel.facts().proposals).unwrap();
                let error = sigstack_interpreter::ScriptError::SchnorrSig;
                assert_eq!(shown.expect, Some(error), "{profile:?} {state} {key}");
                assert!(stage.publish(tried).is_err());
            }
            // With the secret key of the tower's record, the justice transaction is valid, and it pays the victim.
            stage.publish(justice).unwrap();
            assert_eq!(stage.paid(&channel, 1), CAPACITY, "{profile:?} {state}");
        }
    }
}

/// The tower's signature covers all inputs and outputs of the justice transaction, so nobody can add any. This is true
/// even for the profile in which the template alone would allow more inputs.
#[test]
fn justice_takes_no_other_input_and_no_other_output() {
    for profile in WITH_TOWERS {
        let (channel, mut stage, published) = published(profile, 0);
        let justice = channel.tower_contest(1, &published).unwrap().unwrap().remove(0);
        let coin = stage.wallet.mint(&mut stage.chain, 10_000);
        let proposals = channel.facts().proposals;
        let mut added = justice.clone();
        added.tx.input.push(input(coin.0, SEQUENCE_FREE));
        added.prevouts.push(coin.1);
        stage.wallet.sign(&mut added.tx, &added.prevouts, 1).unwrap();
        let mut paid = justice.clone();
        paid.tx.output.push(output(0, p2a()));
        for changed in [added, paid] {
            let shown = Shown::verify(changed, proposals).unwrap();
            assert_eq!(shown.expect, Some(sigstack_interpreter::ScriptError::SchnorrSig), "{profile:?}");
        }
        assert!(Shown::verify(justice, proposals).unwrap().is_valid());
    }
}

/// If the tower's reward is paid to its own key, the tower needs that key to make the justice transaction.
#[test]
fn a_paid_tower_needs_the_key_that_the_terms_name() {
    let key = |name: &str| crate::keys::Seed::from_name(name).keypair("tower", &[]).unwrap();
    let (own, other) = (key("own"), key("other"));
    let channel = SignedSequence::new(setup(), Profile::Ctv, content(0)).unwrap();
    let mut channel = channel.with_reward(Reward::Key(1_000), [x_only(&other), x_only(&own)]).unwrap();
    let mut stage = Stage::new(&channel).unwrap();
    stage.open(&mut channel).unwrap();
    channel.update(content(1)).unwrap();
    let old = stage.publish(channel.close(0, 0).unwrap().remove(0)).unwrap().step.tx;
    let record = channel.tower_record(1).unwrap();
    let refused = ChannelError::refused("these terms need the tower's key");
    assert_eq!(channel.terms.answer(&record, &old, None), Err(refused.clone()));
    assert_eq!(channel.terms.answer(&record, &old, Some(&other)), Err(refused));
    let justice = channel.terms.answer(&record, &old, Some(&own)).unwrap().unwrap();
    stage.publish(justice).unwrap();
    assert_eq!(stage.paid(&channel, 1), CAPACITY - 1_000);
}

#[test]
fn tower_records_are_read_as_they_were_written() {
    for (profile, size) in [(Profile::Ctv, 278), (Profile::AnyPrevOutAlone, 342)] {
        let (channel, _, _) = published(profile, 0);
        let record = channel.tower_record(1).unwrap();
        let bytes = record.to_bytes();
        assert_eq!((bytes.len(), TowerRecord::SIZE), (size, 278));
        assert_eq!(TowerRecord::from_bytes(&bytes).unwrap(), record);
        for wrong in [&bytes[..size - 1], &bytes[..277], &[&bytes[..], &[0]].concat()] {
            assert!(TowerRecord::from_bytes(wrong).is_err());
        }
    }
}

/// Computes the number of updates from a published commitment transaction, as any observer could in an earlier version
/// of the code. In that version the mask and the first state number were hashes of the internal key, which every
/// control block reveals.
fn count_by_outsider(published: &Transaction, control_block: &[u8], start: u32) -> Option<u32> {
    let drawn = sha256(&control_block[1..33]);
    let mask = u32::from_le_bytes(drawn[..4].try_into().unwrap()) & MAX_NUMBER;
    published_number(published, mask).map(|number| number.wrapping_sub(start))
}

#[test]
fn the_chain_does_not_show_how_many_updates_there_were() {
    let (channel, _, published) = published(Profile::Ctv, 2);
    let contest = channel.contest(1, &published).unwrap().unwrap().remove(0);
    let control = contest.tx.input[0].witness.last().unwrap().to_vec();
    let drawn = sha256(&control[1..33]);
    let start = 0x0080_0000 + u32::from(u16::from_le_bytes([drawn[4], drawn[5]]));
    assert_ne!(count_by_outsider(&published, &control, start), Some(2));
    // The parties and their towers know the mask, so they can read the state number.
    assert_eq!(published_number(&published, channel.mask), Some(channel.first + 2));
    // Both parties contribute to the secret, so the contribution of either party changes it.
    let mut other = setup();
    let whole = other.shared_secret("counter");
    assert_ne!(whole, other.shared_secret("random values"));
    other.parties[1] = crate::model::PartyKeys::new(other.parties[1].seed.clone(), [9; 32]).unwrap();
    assert_ne!(whole, other.shared_secret("counter"));
    // The first state number takes four bytes in scripts, and at least half of the possible numbers remain.
    assert!(channel.first >= 0x0080_0000 && channel.first < 0x0080_0000 + (1 << 29));

    let mut literal = Literal::new(setup(), LiteralForm::PairCommit, content(0)).unwrap();
    let mut stage = Stage::new(&literal).unwrap();
    stage.open(&mut literal).unwrap();
    literal.update(content(1)).unwrap();
    let old = literal.close(0, 0).unwrap().remove(0);
    let contest = literal.contest(1, &old.tx).unwrap().unwrap().remove(0);
    let witness = contest.tx.input[0].witness.to_vec();
    let control = witness.last().unwrap();
    assert_ne!(count_by_outsider(&old.tx, control, 1), Some(0));
    // An outsider cannot compute the random value of a later state from the key either.
    let key = &control[1..33];
    assert_ne!(literal.random(3), tagged_hash("sigstack/sequence-random", &[key, &3u32.to_le_bytes()]));
}
