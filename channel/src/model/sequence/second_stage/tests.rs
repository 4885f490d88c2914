use super::*;
use crate::attacks::Shown;
use crate::chain::Reject;
use crate::keys::sha256;
use crate::model::{PlayError, Setup, Stage};
use sigstack_interpreter::{Flags, ScriptError, Spend, VerifyError};

const CAPACITY: u64 = 1_000_000;
const PREIMAGE: [u8; 32] = [0x42; 32];

/// An HTLC that the publisher claims: its index in the state, and the preimage if the publisher receives the HTLC.
type Claimed = (usize, Option<[u8; 32]>);

/// Returns an HTLC that party 0 offers (if `offered`) or receives.
fn htlc(offered: bool, sat: u64, expiry: u32) -> Htlc {
    let from = usize::from(!offered);
    Htlc { from, to: 1 - from, sat, expiry, payment_hash: sha256(&PREIMAGE) }
}

/// Returns a state with five HTLCs. Party 0 receives two of them, offers two with the same expiry, and offers one with
/// a later expiry. All expire long before the contest delay of 144 blocks ends.
fn content(height: u32) -> Content {
    let htlcs = vec![
        htlc(false, 10_000, height + 60),
        htlc(false, 20_000, height + 61),
        htlc(true, 30_000, height + 20),
        htlc(true, 40_000, height + 20),
        htlc(true, 50_000, height + 21),
    ];
    Content { balances: vec![500_000, 350_000], htlcs }
}

fn channel(profile: Profile) -> (SignedSequence, Stage) {
    let setup = Setup::named("two stages", 2, CAPACITY, 144).unwrap();
    let mut channel = SignedSequence::new(setup, profile, Content::of(&[600_000, 400_000])).unwrap();
    let mut stage = Stage::new(&channel).unwrap();
    stage.open(&mut channel).unwrap();
    (channel, stage)
}

/// Returns a channel with its chain, on which party 0 has published its commitment transaction of state 1.
fn published(profile: Profile, second: Second) -> (SignedSequence, Stage, TwoStage) {
    let (mut channel, mut stage) = channel(profile);
    let content = content(stage.chain.height());
    let version = channel.two_stage(0, 1, &content, second).unwrap();
    stage.publish(version.commitment.clone()).unwrap();
    (channel, stage, version)
}

const FORMS: [(Profile, Second); 2] =
    [(Profile::Ctv, Second::Template), (Profile::AnyPrevOut, Second::AnyPrevOut)];

fn verdict(step: &Step, input: usize, proposals: Flags) -> Option<ScriptError> {
    let spend = Spend::new(&step.tx, &step.prevouts).unwrap();
    match spend.verify_input(input, Flags::CONSENSUS | proposals) {
        Ok(_) => None,
        Err(VerifyError::Script { error, .. }) => Some(error),
        Err(error) => panic!("{error}"),
    }
}

/// All HTLCs are resolved before the contest delay ends. After the delay, one transaction takes all second-stage
/// outputs.
#[test]
fn htlcs_move_to_second_stages_which_are_claimed_together() {
    let mut weights = Vec::new();
    for (profile, second) in FORMS {
        let (channel, mut stage, version) = published(profile, second);
        let height = stage.chain.height();
        let groups: &[&[Claimed]] = match second {
            // With templates, each HTLC needs its own transaction.
            Second::Template => {
                &[&[(0, Some(PREIMAGE))], &[(1, Some(PREIMAGE))], &[(2, None)], &[(3, None)], &[(4, None)]]
            }
            // Claims with preimages share a transaction, and so do timeouts with the same expiry.
            Second::AnyPrevOut => {
                &[&[(0, Some(PREIMAGE)), (1, Some(PREIMAGE))], &[(2, None), (3, None)], &[(4, None)]]
            }
        };
        let (mut confirmed, mut weight) = (Vec::new(), 0);
        for claims in groups {
            let coin = stage.wallet.mint(&mut stage.chain, 50_000);
            let fee = (second == Second::AnyPrevOut).then_some((&stage.wallet, &coin, 1_000));
            let step = version.second_stage(&channel, claims, fee).unwrap();
            let played = stage.publish(step).unwrap_or_else(|error| panic!("{profile:?}: {error}"));
            weight += played.weight();
            confirmed.push(played.step.tx);
        }
        assert!(stage.chain.height() < height + 30, "{profile:?}");
        let confirmed: Vec<&Transaction> = confirmed.iter().collect();
        let sweep = channel.sweep_stages(&version, &confirmed, 1_000).unwrap();
        assert_eq!(sweep.tx.input.len(), 5);
        assert!(matches!(
            stage.chain.clone().submit(sweep.tx.clone()),
            Err(Reject::SequenceLocked { input: 0 })
        ));
        weight += sweep.weight();
        stage.publish(sweep).unwrap();
        assert_eq!(stage.paid(&channel, 0), 150_000 - 1_000, "{profile:?}");
        weights.push(weight);
    }
    // Total weight until the publisher has all five HTLCs, including the children and inputs that pay fees.
    assert_eq!(weights, [8_227, 6_376]);
}

/// A template commits to the number of inputs of the second-stage transaction. So two HTLCs cannot share such a
/// transaction, and no fee input can be added to it.
#[test]
fn a_template_fixes_the_number_of_inputs() {
    let (channel, mut stage, version) = published(Profile::Ctv, Second::Template);
    let proposals = channel.facts().proposals;
    let both = [(0, Some(PREIMAGE)), (1, Some(PREIMAGE))];
    let step = version.second_stage(&channel, &both, None).unwrap();
    assert_eq!([0, 1].map(|nth| verdict(&step, nth, proposals)), [Some(ScriptError::TemplateMismatch); 2]);
    // A fee input also changes the number of inputs.
    let coin = stage.wallet.mint(&mut stage.chain, 50_000);
    let fee = Some((&stage.wallet, &coin, 1_000));
    let step = version.second_stage(&channel, &both[..1], fee).unwrap();
    assert_eq!(verdict(&step, 0, proposals), Some(ScriptError::TemplateMismatch));
    let step = version.second_stage(&channel, &both[..1], None).unwrap();
    assert_eq!(verdict(&step, 0, proposals), None);
}

/// A signature of a second-stage transaction under SINGLE|ANYPREVOUT commits to nLockTime and to the output at the
/// index of the input, but not to the txid of the spent transaction.
#[test]
fn second_stages_by_anyprevout_share_a_transaction_of_one_lock_time() {
    let (channel, mut stage, version) = published(Profile::AnyPrevOut, Second::AnyPrevOut);
    let proposals = channel.facts().proposals;
    let coin = stage.wallet.mint(&mut stage.chain, 50_000);
    let fee = Some((&stage.wallet, &coin, 1_000));
    let verdicts = |claims: &[Claimed]| -> Vec<Option<ScriptError>> {
        let step = version.second_stage(&channel, claims, fee).unwrap();
        (0..claims.len()).map(|nth| verdict(&step, nth, proposals)).collect()
    };
    let wrong = Some(ScriptError::SchnorrSig);
    assert_eq!(verdicts(&[(0, Some(PREIMAGE)), (1, Some(PREIMAGE))]), [None, None]);
    assert_eq!(verdicts(&[(2, None), (3, None)]), [None, None]);
    // These transactions combine different expiries, or a timeout with a claim by preimage. Only the first input is
    // valid, because it determines nLockTime.
    assert_eq!(verdicts(&[(2, None), (4, None)]), [None, wrong]);
    assert_eq!(verdicts(&[(2, None), (0, Some(PREIMAGE))]), [None, wrong]);
    assert_eq!(verdicts(&[(4, None), (2, None)]), [None, wrong]);
    // Exchanging the outputs changes the amount at the index of the input.
    let two = [(0, Some(PREIMAGE)), (1, Some(PREIMAGE))];
    let mut step = version.second_stage(&channel, &two, fee).unwrap();
    step.tx.output.swap(0, 1);
    assert_eq!(verdict(&step, 0, proposals), wrong);
    // If the commitment transaction has another txid, the joint signatures are still valid. Only the publisher has to
    // sign again.
    let mut other = version.clone();
    other.commitment.tx.input.push(input(coin.0, 0));
    assert_ne!(other.commitment.tx.compute_txid(), version.commitment.tx.compute_txid());
    let step = other.second_stage(&channel, &two, fee).unwrap();
    assert_eq!([0, 1].map(|nth| verdict(&step, nth, proposals)), [None, None]);
    let missing = ChannelError::refused("the version has no such HTLC");
    assert_eq!(version.second_stage(&channel, &[(5, None)], fee), Err(missing));
}

/// The cheater moves HTLCs of an old state to outputs of second-stage transactions. The victim takes these outputs. It
/// knows the state number, but has no data of the HTLCs.
#[test]
fn second_stages_of_an_old_state_are_punished_together() {
    for (profile, second) in FORMS {
        let (mut channel, mut stage, version) = published(profile, second);
        channel.update(Content::of(&[100_000, 900_000])).unwrap();
        channel.update(Content::of(&[50_000, 950_000])).unwrap();
        let mut confirmed = Vec::new();
        for nth in 0..2 {
            let coin = stage.wallet.mint(&mut stage.chain, 50_000);
            let fee = (second == Second::AnyPrevOut).then_some((&stage.wallet, &coin, 1_000));
            let step = version.second_stage(&channel, &[(nth, Some(PREIMAGE))], fee).unwrap();
            confirmed.push(stage.publish(step).unwrap().step.tx);
        }
        let confirmed: Vec<&Transaction> = confirmed.iter().collect();
        let record = channel.client_record(1).unwrap().clone();
        let number = channel.script_number(1).unwrap();
        let punish = channel.punish_stages(1, (&record, number), &confirmed, 500).unwrap();
        assert_eq!(punish.tx.input.len(), 2);
        stage.publish(punish).unwrap_or_else(|error| panic!("{profile:?}: {error}"));
        assert_eq!(stage.paid(&channel, 1), 30_000 - 500, "{profile:?}");
        // The cheater finds its second-stage outputs spent.
        let sweep = channel.sweep_stages(&version, &confirmed, 1_000).unwrap();
        let lost = stage.publish(sweep);
        let spent = |reject: &Reject| matches!(reject, Reject::MissingInput(_));
        assert!(matches!(&lost, Err(PlayError::Chain { reject, .. }) if spent(reject)), "{lost:?}");
        // A signature of the same state number, instead of a higher one, does not satisfy the contest leaf.
        let own = ClientRecord { number, evidence: channel.sign_number(0, 1).unwrap(), ..record };
        let tried = channel.punish_stages(1, (&own, number), &confirmed, 500).unwrap();
        let shown = Shown::verify(tried, channel.facts().proposals).unwrap();
        assert!(!shown.is_valid(), "{profile:?}");
        let none = ChannelError::refused("no second stage of this version");
        assert_eq!(channel.punish_stages(1, (&own, number + 1), &confirmed, 500), Err(none));
    }
}

/// The victim or its tower takes the contested output of an old commitment transaction that also has HTLC outputs. The
/// contested output contains only the balances, and a tower reads its amount from the chain.
#[test]
fn the_contested_output_of_an_old_version_is_punished_with_its_own_amount() {
    for (profile, second) in FORMS {
        for by_tower in [false, true] {
            let (mut channel, mut stage, version) = published(profile, second);
            channel.update(Content::of(&[100_000, 900_000])).unwrap();
            channel.update(Content::of(&[50_000, 950_000])).unwrap();
            let tx = &version.commitment.tx;
            let steps = match by_tower {
                true => channel.tower_contest(1, tx),
                false => channel.contest(1, tx),
            };
            let steps = steps.unwrap().unwrap_or_else(|| panic!("{profile:?} {by_tower}"));
            stage.publish_all(steps).unwrap_or_else(|error| panic!("{profile:?}: {error}"));
            let fee = if by_tower { 0 } else { 346 };
            assert_eq!(stage.paid(&channel, 1), 850_000 - fee, "{profile:?}");
        }
    }
}

/// If HTLCs are outputs of the commitment transaction, an HTLC must expire late enough for two confirmations, but may
/// expire before the contest delay ends. No balance or HTLC may be trimmed.
#[test]
fn contents_are_accepted_before_they_are_signed() {
    let (mut channel, _stage) = channel(Profile::Ctv);
    let height = channel.setup.height;
    let state = |balances: [u64; 2], sat, expiry| Content {
        balances: balances.to_vec(),
        htlcs: vec![htlc(true, sat, height + expiry)],
    };
    for (content, accepted) in [
        (state([400_000, 500_000], 100_000, 13), true),
        (state([400_000, 500_000], 100_000, 12), false),
        (state([499_670, 500_000], 330, 13), true),
        (state([499_671, 500_000], 329, 13), false),
        (state([330, 899_670], 100_000, 13), true),
        (state([329, 899_671], 100_000, 13), false),
        (state([0, 330], 999_670, 13), true),
        (state([0, 0], 1_000_000, 13), false),
    ] {
        let signed = channel.two_stage(0, 1, &content, Second::Template);
        assert_eq!(signed.is_ok(), accepted, "{content:?}");
        if let Ok(signed) = signed {
            assert_eq!(signed.commitment.weight(), VERSION_WEIGHT + OUTPUT_WEIGHT);
            assert_eq!(signed.commitment.fee(), 0);
        }
    }
}

#[test]
fn a_profile_that_cannot_fix_a_second_stage_is_refused() {
    for (profile, second) in [
        (Profile::Ctv, Second::AnyPrevOut),
        (Profile::TemplateHash, Second::Template),
        (Profile::AnyPrevOut, Second::Template),
        (Profile::CsfsOnly, Second::AnyPrevOut),
        (Profile::AnyPrevOutAlone, Second::AnyPrevOut),
    ] {
        let (mut channel, stage) = channel(profile);
        let refused = channel.two_stage(0, 1, &content(stage.chain.height()), second).map(drop);
        let reason = "the channel's profile cannot fix these second stages";
        assert_eq!(refused, Err(ChannelError::refused(reason)), "{profile:?}");
    }
}

/// The same HTLC is part of two old states. The publisher can move it only to the second-stage output of the state
/// number that it published, and the victim looks for that output.
#[test]
fn the_signature_of_another_state_does_not_move_an_htlc() {
    let (mut channel, mut stage) = channel(Profile::AnyPrevOut);
    let shared = htlc(false, 400_000, stage.chain.height() + 60);
    let content = |first, second| Content { balances: vec![first, second], htlcs: vec![shared] };
    let second = Second::AnyPrevOut;
    let old = channel.two_stage(0, 1, &content(300_000, 300_000), second).unwrap();
    let later = channel.two_stage(0, 2, &content(5_000, 595_000), second).unwrap();
    for balance in [300_000, 200_000, 5_000] {
        channel.update(Content::of(&[balance, CAPACITY - balance])).unwrap();
    }
    stage.publish(old.commitment.clone()).unwrap();
    let mut moved = old.clone();
    moved.stage = later.stage.clone();
    moved.placed[0].signature = later.placed[0].signature;
    let coin = stage.wallet.mint(&mut stage.chain, 50_000);
    let fee = Some((&stage.wallet, &coin, 1_000));
    let step = moved.second_stage(&channel, &[(0, Some(PREIMAGE))], fee).unwrap();
    assert_eq!(verdict(&step, 0, channel.facts().proposals), Some(ScriptError::SchnorrSig));
    let step = old.second_stage(&channel, &[(0, Some(PREIMAGE))], fee).unwrap();
    let confirmed = stage.publish(step).unwrap().step.tx;
    let record = channel.client_record(1).unwrap().clone();
    let number = channel.script_number(1).unwrap();
    stage.publish(channel.punish_stages(1, (&record, number), &[&confirmed], 500).unwrap()).unwrap();
    assert_eq!(stage.paid(&channel, 1), 400_000 - 500);
}
