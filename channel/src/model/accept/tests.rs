use bitcoin::OutPoint;

use super::super::*;
use super::*;
use crate::bounds::{COMPARED_HTLCS, HTLCS};
use crate::chain::{Policy, START_HEIGHT};
use crate::keys::sha256;
use crate::tx::{P2TR_DUST_LIMIT, outpoint, output_sum};

const CAPACITY: u64 = 1_000_000;
const PREIMAGE: [u8; 32] = [0x42; 32];
const DELAY: u16 = 144;
/// Expiry of an HTLC (a block height) that is late enough for every construction.
const FAR: u32 = 1_000_000;

/// Returns all channel constructions with their names. The construction `bip68` gets fewer states than usual, and
/// therefore shorter locks.
fn kinds() -> impl Iterator<Item = (&'static str, Kind)> {
    KINDS.iter().map(|(name, kind)| match kind {
        Kind::Bip68(..) => (*name, Kind::Bip68(31, 144)),
        kind => (*name, *kind),
    })
}

fn half() -> Content {
    Content::of(&[600_000, 400_000])
}

fn open(kind: Kind) -> (Box<dyn Construction>, Stage) {
    let mut channel = kind.build(Setup::named("accept", 2, CAPACITY, DELAY).unwrap(), half()).unwrap();
    let mut stage = Stage::new(channel.as_ref()).unwrap();
    stage.open(channel.as_mut()).unwrap();
    (channel, stage)
}

fn htlc(from: usize, sat: u64, expiry: u32) -> Htlc {
    Htlc { from, to: 1 - from, sat, expiry, payment_hash: sha256(&PREIMAGE) }
}

/// Returns a channel state with these HTLCs. The rest of the capacity is in the balances.
fn with(htlcs: Vec<Htlc>) -> Content {
    let locked: u64 = htlcs.iter().map(|htlc| htlc.sat).sum();
    Content { balances: vec![CAPACITY / 2, CAPACITY / 2 - locked], htlcs }
}

/// Returns the reason why a channel refuses the state `content` as its next state, or `None` if it accepts it. Also
/// checks that a new channel refuses `content` as its first state.
fn refusal(kind: Kind, channel: &mut dyn Construction, content: &Content) -> Option<Unacceptable> {
    let setup = Setup::named("refusal", 2, CAPACITY, DELAY).unwrap();
    let height = channel.setup().height;
    let first = kind.build(Setup { height, ..setup }, content.clone()).map(drop);
    let number = channel.number();
    match channel.update(content.clone()) {
        Ok(_) => {
            first.unwrap();
            None
        }
        Err(ChannelError::Content(reason)) => {
            assert_eq!(channel.number(), number);
            // In constructions with decreasing relative locks, the first state must wait longer than the next. So the
            // reason may differ.
            let same = matches!(kind, Kind::Bip68(..) | Kind::Tree(..))
                || first == Err(ChannelError::Content(reason));
            assert!(same, "{first:?}");
            Some(reason)
        }
        Err(error) => panic!("{error}"),
    }
}

/// Returns three limits of a construction, in satoshi: the minimum balance that gets an output, the minimum HTLC that
/// gets an output, and the maximum sum of the amounts that get no output.
fn amounts(name: &str) -> (u64, u64, u64) {
    match name {
        "ln-static" => (670, 1_021, 5_000),
        "ln-anchors" => (670, 670, 5_000),
        "ln-zero-fee" => (670, 670, 240),
        name if name.starts_with("literal") => (718, 718, 239),
        _ => (330, 482, 239),
    }
}

#[test]
fn amounts_add_up_and_belong_to_parties() {
    for (name, kind) in kinds() {
        let (mut channel, _) = open(kind);
        let mut refused = |content: Content| refusal(kind, channel.as_mut(), &content);
        for found in [CAPACITY - 1, CAPACITY + 1] {
            let sum = Unacceptable::Sum { found, capacity: CAPACITY };
            assert_eq!(refused(Content::of(&[found - 400_000, 400_000])), Some(sum), "{name}");
        }
        for balances in [&[CAPACITY][..], &[CAPACITY, 0, 0]] {
            let wrong = Unacceptable::Balances { found: balances.len(), expected: 2 };
            assert_eq!(refused(Content::of(balances)), Some(wrong), "{name}");
        }
        for (from, to) in [(0, 0), (2, 0), (0, 2)] {
            let strange = vec![htlc(0, 2_000, FAR), Htlc { from, to, ..htlc(0, 2_000, FAR) }];
            assert_eq!(refused(with(strange)), Some(Unacceptable::Parties { htlc: 1 }), "{name}");
        }
        assert_eq!(refused(with(vec![htlc(0, 0, FAR)])), Some(Unacceptable::NoAmount { htlc: 0 }), "{name}");
        assert_eq!(refused(with(vec![htlc(0, 1, FAR)])), None, "{name}");
    }
}

#[test]
fn what_has_no_output_is_capped() {
    for (name, kind) in kinds() {
        let (least_balance, least_htlc, most) = amounts(name);
        let trimmed = |sat| Unacceptable::Trimmed { sat, most, least_balance, least_htlc };
        let (mut channel, _) = open(kind);
        let mut refused = |content: Content| refusal(kind, channel.as_mut(), &content);
        // HTLCs of together `total` satoshi. Each is below the minimum for an output: all but the last are one satoshi
        // below it.
        let small = |total: u64| -> Vec<Htlc> {
            let each = least_htlc - 1;
            let whole = (0..total / each).map(|_| each);
            whole.chain([total % each]).filter(|sat| *sat > 0).map(|sat| htlc(1, sat, FAR)).collect()
        };
        // If the two parties' commitment transactions have different minimums, the higher one applies to these HTLCs.
        assert_eq!(refused(with(small(most))), None, "{name}");
        assert_eq!(refused(with(small(most + 1))), Some(trimmed(most + 1)), "{name}");
        // One trimmed balance and one trimmed HTLC, which add up to `sat`.
        let both =
            |sat: u64| Content { balances: vec![CAPACITY - sat, sat - 100], htlcs: vec![htlc(1, 100, FAR)] };
        let edge = most.min(least_balance + 99);
        assert_eq!(refused(both(edge)), None, "{name}");
        if edge == most {
            assert_eq!(refused(both(edge + 1)), Some(trimmed(edge + 1)), "{name}");
        }
        // A balance and an HTLC of exactly the minimum amount get outputs.
        assert_eq!(refused(Content::of(&[CAPACITY - least_balance, least_balance])), None, "{name}");
        assert_eq!(refused(with(vec![htlc(0, least_htlc, FAR), htlc(1, least_htlc, FAR)])), None, "{name}");
        if least_balance - 1 > most {
            let less = Content::of(&[CAPACITY + 1 - least_balance, least_balance - 1]);
            assert_eq!(refused(less), Some(trimmed(least_balance - 1)), "{name}");
            let less = with(vec![htlc(0, least_htlc - 1, FAR)]);
            assert_eq!(refused(less), Some(trimmed(least_htlc - 1)), "{name}");
        }
    }
}

/// If balances and HTLCs have the minimum amounts that get outputs, all transactions of both parties are relayed, and
/// each claim has an output above the dust limit.
#[test]
fn the_least_amounts_are_paid_and_claimed() {
    for (name, kind) in kinds() {
        let (least_balance, least_htlc, _) = amounts(name);
        for by in 0..2 {
            let (mut channel, mut stage) = open(kind);
            let expiry = channel.setup().height + 5_000;
            let htlcs = vec![htlc(0, least_htlc, expiry), htlc(1, least_htlc, expiry + 1)];
            let balances = vec![CAPACITY - 2 * least_htlc - least_balance, least_balance];
            channel.update(Content { balances, htlcs: htlcs.clone() }).unwrap();
            let steps = channel.close(by, 1).unwrap();
            let settled = steps.iter().find(|step| step.tx.output.len() >= 4).cloned().unwrap();
            let played = stage.publish_all(steps).unwrap_or_else(|error| panic!("{name} {by}: {error}"));
            for step in played.iter().map(|played| &played.step) {
                let sweeps = step.prevouts.len() == 1 && step.tx.output.len() == 1;
                let signed = name.starts_with("ln-") || sweeps;
                assert!(step.fee() == 0 || signed, "{name} {by}: {} pays {}", step.label, step.fee());
            }
            for (htlc, preimage) in [(&htlcs[0], Some(PREIMAGE)), (&htlcs[1], None)] {
                let claim = channel.claim_htlc(&settled, htlc, preimage).unwrap();
                let dust = Policy::default().dust_relay;
                let pays = claim.tx.output.iter().all(|out| !sigstack_policy::is_dust(out, dust));
                assert!(pays, "{name} {by}: {}", claim.label);
                wait_for(&mut stage.chain, &claim.tx).unwrap();
                // A second-stage transaction with zero fee needs a fee input to be relayed. Here it is mined directly.
                match claim.fee() {
                    0 => drop(stage.chain.mine_block(vec![claim.tx]).unwrap()),
                    _ => drop(stage.publish(claim).unwrap_or_else(|error| panic!("{name} {by}: {error}"))),
                }
            }
        }
    }
}

/// The opener of an LN-penalty channel pays the fee and the anchors. If its balance were too small, the commitment
/// transaction would pay out more than the capacity, or would not be relayed.
#[test]
fn an_opener_can_pay_the_fee_and_the_anchors() {
    for (name, base, each) in [("ln-static", 362, 86), ("ln-anchors", 562 + 660, 86), ("ln-zero-fee", 0, 0)] {
        let kind = Kind::from_name(name).unwrap();
        for htlcs in [0u64, 1, 5] {
            let (mut channel, _) = open(kind);
            let needed = base + each * htlcs;
            let content = |sat: u64| Content {
                balances: vec![sat, CAPACITY - sat - 2_000 * htlcs],
                htlcs: (0..htlcs).map(|_| htlc(1, 2_000, FAR)).collect(),
            };
            for sat in [0, 300, needed.saturating_sub(1)].into_iter().filter(|sat| *sat < needed) {
                let short = Unacceptable::Opener { sat, needed };
                assert_eq!(refusal(kind, channel.as_mut(), &content(sat)), Some(short), "{name}");
            }
            assert_eq!(refusal(kind, channel.as_mut(), &content(needed)), None, "{name}");
            for by in 0..2 {
                let mut stage = Stage::new(channel.as_ref()).unwrap();
                stage.open(channel.as_mut()).unwrap();
                let commitment = channel.close(by, channel.number()).unwrap().remove(0);
                assert!(output_sum(&commitment.tx) <= CAPACITY, "{name} {by}");
                stage.publish(commitment).unwrap_or_else(|error| panic!("{name} {by}: {error}"));
            }
        }
    }
}

/// Returns the number of blocks until an HTLC claim confirms in the construction `name`, for the state after the first
/// update.
fn claim_delay(name: &str) -> u32 {
    match name {
        // 29 intervals of 144 blocks, and 6 blocks each for kickoff, state and claim.
        "bip68" => 29 * 144 + 18,
        // 6 + 6 + 6 + 5 intervals of 144 blocks, and 6 blocks each for kickoff, four levels and claim.
        "tree" => 23 * 144 + 36,
        name if name.starts_with("ln-") => 18,
        name if name.starts_with("literal") => 12,
        name if name.starts_with("sequence") => 144 + 18,
        _ => 2 * 144 + 24,
    }
}

#[test]
fn expiries_are_heights_beyond_the_claim() {
    for (name, kind) in kinds() {
        let (mut channel, mut stage) = open(kind);
        for blocks in [0, 7] {
            stage.chain.mine(blocks).unwrap();
            let height = stage.chain.height();
            channel.see_height(height);
            let least = height + claim_delay(name) + 1;
            for expiry in [0, 1, height, least - 1, 500_000_000, 500_000_001, u32::MAX] {
                let content = with(vec![htlc(0, 5_000, FAR), htlc(1, 5_000, expiry)]);
                let wrong = Unacceptable::Expiry { htlc: 1, expiry, least };
                assert_eq!(refusal(kind, channel.as_mut(), &content), Some(wrong), "{name}");
            }
        }
        let least = stage.chain.height() + claim_delay(name) + 1;
        let content = with(vec![htlc(0, 5_000, least), htlc(1, 5_000, 499_999_999)]);
        channel.update(content).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// If an HTLC has the minimum accepted expiry, and each transaction takes [`CONFIRM_BLOCKS`] to confirm, the
/// recipient's claim still confirms before the sender can take the HTLC back. In LN-Symmetry and the override forms, an
/// old state is published first and answered as late as possible.
#[test]
fn the_least_expiry_leaves_time_to_claim() {
    for (name, kind) in kinds() {
        let (mut channel, mut stage) = open(kind);
        let expiry = stage.chain.height() + claim_delay(name) + 1;
        let incoming = htlc(0, 50_000, expiry);
        channel.update(with(vec![incoming])).unwrap();
        let late = |stage: &mut Stage, step: Step| {
            wait_for(&mut stage.chain, &step.tx).unwrap();
            stage.chain.mine(u32::from(CONFIRM_BLOCKS) - 1).unwrap();
            stage.publish(step).unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        let mut steps = channel.close(1, 1).unwrap();
        if matches!(kind, Kind::Symmetry(_)) {
            let old = late(&mut stage, channel.close(0, 0).unwrap().remove(0));
            stage.chain.mine(u32::from(DELAY - CONFIRM_BLOCKS)).unwrap();
            steps = channel.contest(1, &old.step.tx).unwrap().unwrap();
        }
        let pays = |step: &&Step| channel.claim_htlc(step, &incoming, Some(PREIMAGE)).is_ok();
        let settled = steps.iter().find(pays).cloned().unwrap();
        let txid = settled.tx.compute_txid();
        for step in steps {
            let last = step.tx.compute_txid() == txid;
            late(&mut stage, step);
            if last {
                break;
            }
        }
        let claim = channel.claim_htlc(&settled, &incoming, Some(PREIMAGE)).unwrap();
        wait_for(&mut stage.chain, &claim.tx).unwrap();
        stage.chain.mine(u32::from(CONFIRM_BLOCKS) - 1).unwrap();
        assert!(stage.chain.height() < expiry, "{name}: {} of {expiry}", stage.chain.height());
        stage.chain.mine_block(vec![claim.tx]).unwrap();
    }
}

/// Returns the maximum number of HTLCs that the terms allow in a state with this many balances.
fn most_htlcs(terms: &Terms, balances: usize) -> usize {
    let fits = |htlcs: &usize| terms.weight(balances as u64, *htlcs as u64) <= terms.size.most;
    (0..2_500).take_while(fits).last().unwrap()
}

#[test]
fn weights_are_those_of_the_real_transactions() {
    for (name, kind) in kinds() {
        for parties in [2usize, 3, 16] {
            if parties > 2 && !kind.multiparty()
                || matches!(kind, Kind::LnPenalty(format) if format.version() == 2)
            {
                continue;
            }
            let content = |htlcs: usize| {
                let mut balances = vec![1_000; parties];
                balances[0] = CAPACITY - 1_000 * (htlcs + parties - 1) as u64;
                Content { balances, htlcs: vec![htlc(0, 1_000, FAR); htlcs] }
            };
            let setup = Setup::named("weights", parties, CAPACITY, DELAY).unwrap();
            let mut channel = kind.build(setup, content(0)).unwrap();
            Stage::new(channel.as_ref()).unwrap().open(channel.as_mut()).unwrap();
            let terms = channel.acceptance();
            let most = most_htlcs(&terms, parties);
            let expected = if name == "ln-zero-fee" { 227 } else { 230 - parties };
            assert_eq!(most, expected, "{name} {parties}");
            let found = terms.weight(parties as u64, most as u64 + 1);
            assert_eq!(
                channel.update(content(most + 1)).map(drop),
                Err(ChannelError::Content(Unacceptable::Weight { found, most: 40_000 })),
                "{name} {parties}"
            );
            channel.update(content(most)).unwrap();
            let heaviest = channel.close(0, 1).unwrap().iter().map(Step::weight).max().unwrap();
            let counted = terms.weight(parties as u64, most as u64);
            // ECDSA signatures are often one or two bytes shorter than BOLT 3 assumes.
            let less = if name.starts_with("ln-") { 8 } else { 0 };
            assert!(
                (counted - less..=counted).contains(&heaviest),
                "{name} {parties}: {heaviest} of {counted}"
            );
        }
    }
}

/// The command-line tool limits the number of HTLCs with constants. The test checks that they equal the limits of the
/// constructions.
#[test]
fn bounds_of_htlcs_are_those_of_the_constructions() {
    let most = kinds().filter_map(|(_, kind)| {
        let terms = open(kind).0.acceptance();
        (terms.size.most == MAX_TRUC_WEIGHT).then(|| most_htlcs(&terms, 2))
    });
    let most: Vec<usize> = most.collect();
    assert_eq!(most.iter().max(), Some(&HTLCS.most));
    assert_eq!(most.iter().min(), Some(&COMPARED_HTLCS.most));
}

#[test]
fn a_party_offers_as_many_htlcs_as_bolt_2_allows() {
    for name in ["ln-static", "ln-anchors"] {
        let kind = Kind::from_name(name).unwrap();
        let (mut channel, _) = open(kind);
        let content = |party: usize, htlcs: usize| Content {
            balances: vec![CAPACITY - 1_100 * htlcs as u64, 0],
            htlcs: vec![htlc(party, 1_100, FAR); htlcs],
        };
        for party in 0..2 {
            let offered = Unacceptable::Offered { party, found: 484, most: 483 };
            assert_eq!(refusal(kind, channel.as_mut(), &content(party, 484)), Some(offered), "{name}");
        }
        assert_eq!(refusal(kind, channel.as_mut(), &content(0, 483)), None, "{name}");
        let commitment = channel.close(0, 1).unwrap().remove(0);
        assert!(commitment.weight() <= 400_000);
    }
}

#[test]
fn no_balance_blocks_a_cooperative_close() {
    for parties in [2usize, 3, 16] {
        let mut setup = Setup::named("closing", parties, CAPACITY, DELAY).unwrap();
        for (sat, place) in (0..1_500u64).flat_map(|sat| [(sat, 0), (sat, parties - 1)]) {
            let mut balances = vec![700; parties];
            balances[1 - place.min(1)] = CAPACITY - sat - 700 * (parties as u64 - 2);
            balances[place] = sat;
            let tx = setup.closing(&Content::of(&balances), 68).unwrap();
            let fee = CAPACITY - output_sum(&tx);
            let vsize = (weight(&tx) + 68).div_ceil(4);
            let dust = tx.output.iter().filter(|out| out.value.to_sat() < P2TR_DUST_LIMIT).count();
            assert_eq!(dust, 0, "{parties} {sat}");
            assert!(fee >= 2 * vsize, "{parties} {sat}: {fee} sat for {vsize} vB");
            let outputs = balances.iter().filter(|sat| **sat >= P2TR_DUST_LIMIT).count() as u64;
            let expected =
                2 * (weight(&tx) + 68 + OUTPUT_WEIGHT * (outputs - tx.output.len() as u64)).div_ceil(4);
            assert!(fee <= expected + 2 * P2TR_DUST_LIMIT, "{parties} {sat}: {fee} sat, {expected} needed");
        }
    }
    let mut poor = Setup::named("closing", 2, 1_000, DELAY).unwrap();
    assert_eq!(poor.closing(&Content::of(&[500, 500]), 68).unwrap().output.len(), 1);
}

#[test]
fn cooperative_closes_are_relayed_at_every_accepted_balance() {
    for (name, kind) in kinds() {
        for sat in [0, 240, 330, 551, 552, 637, 638, 718, 1_300] {
            for first in [sat, CAPACITY - sat] {
                let (mut channel, mut stage) = open(kind);
                if channel.update(Content::of(&[first, CAPACITY - first])).is_ok() {
                    let close = channel.cooperative_close().unwrap();
                    assert!(close.fee() >= 2 * close.weight().div_ceil(4), "{name} {first}");
                    stage.publish(close).unwrap_or_else(|error| panic!("{name} {first}: {error}"));
                }
            }
        }
        let (mut channel, _) = open(kind);
        channel.update(with(vec![htlc(0, 200_000, FAR), htlc(1, 200_000, FAR)])).unwrap();
        let refused = ChannelError::refused("a channel closes together without HTLCs in flight");
        assert_eq!(channel.cooperative_close(), Err(refused), "{name}");
    }
}

/// A reward that is paid to a tower's key must be above the dust limit. The justice transaction already has a P2A
/// output of 0 sat, and a transaction with two outputs below the dust limit is never relayed, even if a child pays its
/// fee.
#[test]
fn a_reward_to_a_key_is_not_dust() {
    let channel =
        || SignedSequence::new(Setup::named("reward", 2, CAPACITY, DELAY).unwrap(), Profile::Ctv, half());
    let key = channel().unwrap().setup().internal_key();
    let with_reward = |reward| channel().unwrap().with_reward(reward, [key; 2]).map(drop);
    for sat in [0, 1, 329] {
        let error = with_reward(Reward::Key(sat)).unwrap_err().to_string();
        let expected = format!(
            "refused: a reward of {sat} sat to a key is dust, and so is the P2A beside it: 330 sat is the minimum"
        );
        assert_eq!(error, expected);
    }
    assert_eq!(with_reward(Reward::Key(330)), Ok(()));
    assert_eq!(with_reward(Reward::Key(CAPACITY - 330)), Ok(()));
    let left = "refused: the reward leaves the victim less than an output can hold";
    assert_eq!(with_reward(Reward::Key(CAPACITY - 329)).unwrap_err().to_string(), left);
    // With this reward the P2A output is the only output that may be dust.
    assert_eq!(with_reward(Reward::Anyone(1)), Ok(()));
}

#[test]
fn shrinking_locks_leave_time_to_confirm() {
    let build = |interval| {
        Kind::Tree(2, 3, interval).build(Setup::named("locks", 2, CAPACITY, DELAY).unwrap(), half())
    };
    for interval in [0, 1, CONFIRM_BLOCKS - 1] {
        let expected = format!(
            "interval: {interval} is less than 6: the latest state must confirm before the lock of the state before it ends"
        );
        assert_eq!(build(interval).map(drop).unwrap_err().to_string(), expected);
    }
    // The latest state is published late. It still confirms in the last block before the previous state could confirm.
    let mut channel = build(CONFIRM_BLOCKS).unwrap();
    let mut stage = Stage::new(channel.as_ref()).unwrap();
    stage.open(channel.as_mut()).unwrap();
    channel.update(half()).unwrap();
    let old = channel.close(0, 0).unwrap().remove(2);
    let mut steps = channel.close(0, 1).unwrap();
    let latest = steps.remove(2);
    stage.publish_all(steps).unwrap();
    wait_for(&mut stage.chain, &latest.tx).unwrap();
    stage.chain.mine(u32::from(CONFIRM_BLOCKS) - 1).unwrap();
    let locked = crate::chain::Reject::SequenceLocked { input: 0 };
    assert_eq!(stage.chain.submit(old.tx), Err(locked));
    stage.publish(latest).unwrap();
}

/// In a channel with decreasing relative locks, any party can publish the kickoff transaction, and then all parties
/// have to wait for the locks. The test checks the fee and the number of blocks that docs/channels.md states.
#[test]
fn one_kickoff_locks_every_party() {
    let parties = 16;
    let setup = Setup::named("kickoff", parties, CAPACITY, DELAY).unwrap();
    let mut balances = vec![10_000; parties];
    balances[0] = CAPACITY - 150_000;
    let mut channel = Kind::Bip68(456, 144).build(setup, Content::of(&balances)).unwrap();
    let mut stage = Stage::new(channel.as_ref()).unwrap();
    stage.open(channel.as_mut()).unwrap();
    let before = stage.chain.height();
    let played = stage.publish_all(channel.close(3, 0).unwrap()).unwrap();
    assert_eq!(played[0].child.as_ref().unwrap().fee(), 554);
    assert_eq!(played[1].height - before, 65_521);
    let claimed = outpoint(&played[1].step.tx, 15);
    assert_eq!(stage.chain.coin(&claimed).unwrap().out.value.to_sat(), 10_000);
}

#[test]
fn a_party_with_a_version_on_the_second_funding_alone_publishes_it() {
    use crate::protocol::{Party, Refusal, Rule, Rules};
    for fundings in [0b01, 0b10, 0b11] {
        let mut party = Party::new(0, fundings);
        let version = party.close(Rules::ALL).unwrap();
        assert_eq!(version.map(|version| version.fundings), Some(fundings));
        assert_eq!(party.closing, Some(0));
    }
    let mut party = Party { versions: Vec::new(), ..Party::new(0, 0b10) };
    assert_eq!(party.close(Rules::ALL), Err(Refusal(Rule::VersionBeforeSignature)));
    assert_eq!(party.closing, None);
}

mod outer;
