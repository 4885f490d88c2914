use super::*;
use crate::bolt3::Format;
use crate::keys::sha256;

const CAPACITY: u64 = 1_000_000;
const PREIMAGE: [u8; 32] = [0x42; 32];

pub(crate) fn two(name: &str) -> Setup {
    Setup::named(name, 2, CAPACITY, 144).unwrap()
}

fn first() -> Content {
    Content::of(&[600_000, 400_000])
}

fn all() -> Vec<Box<dyn Construction>> {
    let mut list: Vec<Box<dyn Construction>> = vec![
        Box::new(TimelockTree::new(two("bip 68"), 1, 31, 144, first()).unwrap()),
        Box::new(TimelockTree::new(two("tree"), 3, 11, 144, first()).unwrap()),
    ];
    for format in [Format::StaticRemotekey, Format::Anchors, Format::ZeroFee] {
        list.push(Box::new(LnPenalty::new(two("ln"), format, first()).unwrap()));
    }
    for form in [LiteralForm::Cat, LiteralForm::PairCommit] {
        list.push(Box::new(Literal::new(two("literal"), form, first()).unwrap()));
    }
    for profile in Profile::ALL {
        list.push(Box::new(SignedSequence::new(two("sequence"), profile, first()).unwrap()));
    }
    for form in Form::ALL {
        list.push(Box::new(Symmetry::new(two("symmetry"), form, first()).unwrap()));
    }
    list
}

fn htlc(from: usize, sat: u64, expiry: u32) -> Htlc {
    Htlc { from, to: 1 - from, sat, expiry, payment_hash: sha256(&PREIMAGE) }
}

fn updated(construction: &mut dyn Construction, stage: &mut Stage) {
    stage.open(construction).unwrap();
    for state in 1..5u64 {
        construction.update(Content::of(&[600_000 - 50_000 * state, 400_000 + 50_000 * state])).unwrap();
    }
}

#[test]
fn every_construction_closes_together() {
    for mut construction in all() {
        let construction = construction.as_mut();
        let mut stage = Stage::new(construction).unwrap();
        updated(construction, &mut stage);
        let close = construction.cooperative_close().unwrap();
        stage.publish(close).unwrap_or_else(|error| panic!("{}: {error}", construction.facts().name));
        assert_eq!(stage.paid(construction, 1), 600_000, "{}", construction.facts().name);
    }
}

/// After the parties signed a cooperative close, they may not agree on a later state, because the close stays valid.
#[test]
fn a_cooperative_close_ends_the_updates() {
    for mut construction in all() {
        let construction = construction.as_mut();
        let mut stage = Stage::new(construction).unwrap();
        updated(construction, &mut stage);
        let next = construction.content().clone();
        construction.update(next.clone()).unwrap();
        construction.cooperative_close().unwrap();
        let refused = construction.update(next).unwrap_err();
        let reason = "refused: a cooperative close was signed: it would pay an earlier state";
        assert_eq!(refused.to_string(), reason, "{}", construction.facts().name);
    }
}

#[test]
fn every_construction_closes_alone_in_the_newest_state_and_nobody_contests() {
    for mut construction in all() {
        let construction = construction.as_mut();
        let name = construction.facts().name;
        for by in 0..2 {
            let mut stage = Stage::new(construction).unwrap();
            if construction.number() == 0 {
                updated(construction, &mut stage);
            } else {
                stage.open(construction).unwrap();
            }
            let steps = construction.close(by, construction.number()).unwrap();
            for step in &steps[..1] {
                let contest = construction.contest(1 - by, &step.tx).unwrap();
                // In constructions with decreasing relative locks, the transactions of the latest state continue after
                // the kickoff.
                let continues = name.contains("BIP 68") || name.contains("tree");
                assert_eq!(contest.is_some(), continues, "{name}");
                assert_eq!(
                    construction.tower_contest(1 - by, &step.tx).unwrap().is_some(),
                    continues,
                    "{name}"
                );
            }
            stage.publish_all(steps).unwrap_or_else(|error| panic!("{name}: {error}"));
            let paid = stage.paid(construction, by);
            let balance = construction.content().balances[by];
            assert!(paid <= balance && paid + 2_000 > balance, "{name}: {paid} of {balance}");
        }
    }
}

#[test]
fn every_old_state_is_punished_or_overridden_by_client_and_tower() {
    for mut construction in all() {
        let construction = construction.as_mut();
        let mut opened = Stage::new(construction).unwrap();
        updated(construction, &mut opened);
        let facts = construction.facts();
        for number in 0..construction.number() {
            for by_tower in [false, true] {
                let mut stage = Stage::new(construction).unwrap();
                stage.open(construction).unwrap();
                let published = construction.close(0, number).unwrap().remove(0);
                stage.publish(published.clone()).unwrap();
                let steps = match by_tower {
                    true => construction.tower_contest(1, &published.tx).unwrap(),
                    false => construction.contest(1, &published.tx).unwrap(),
                };
                if by_tower && construction.tower_terms().is_none() {
                    assert!(steps.is_none(), "{}", facts.name);
                    continue;
                }
                let steps = steps.unwrap_or_else(|| panic!("{} {number}", facts.name));
                stage.publish_all(steps).unwrap_or_else(|error| panic!("{} {number}: {error}", facts.name));
                if facts.name.contains("LN-Symmetry") || facts.name.contains("override") {
                    // A tower publishes only the update. The client publishes the settlement later.
                    let settled = stage.paid(construction, 1);
                    assert_eq!(settled, if by_tower { 0 } else { 600_000 }, "{}", facts.name);
                    continue;
                }
                let paid = stage.paid(construction, 1);
                let least = match facts.name {
                    // In the construction of the 2018 talk, the victim gets the cheater's balance at once, and its own
                    // balance after the delay.
                    name if name.starts_with("literal") => construction_balance(number),
                    name if name.contains("static") => construction_balance(number),
                    _ if facts.penalty => CAPACITY,
                    _ => 600_000,
                };
                assert!(paid + 3_000 > least, "{} {number}: {paid} of {least}", facts.name);
            }
        }
    }
}

/// Returns the balance, in satoshi, that the cheating party has in the old state with this number.
fn construction_balance(number: u32) -> u64 {
    600_000 - 50_000 * u64::from(number)
}

#[test]
fn htlcs_are_claimed_by_preimage_or_after_expiry_in_all() {
    for mut construction in all() {
        let construction = construction.as_mut();
        let name = construction.facts().name;
        let mut stage = Stage::new(construction).unwrap();
        stage.open(construction).unwrap();
        let expiry = stage.chain.height() + 5_000;
        let htlcs = vec![htlc(0, 100_000, expiry), htlc(1, 50_000, expiry + 1)];
        construction.update(Content { balances: vec![500_000, 350_000], htlcs: htlcs.clone() }).unwrap();
        let steps = construction.close(0, 1).unwrap();
        let at = steps.iter().position(|step| step.tx.output.len() >= 4).unwrap();
        let settled = steps[at].clone();
        stage.publish_all(steps[..=at].to_vec()).unwrap_or_else(|error| panic!("{name}: {error}"));
        for (nth, preimage) in [Some(PREIMAGE), None].into_iter().enumerate() {
            let claim = construction.claim_htlc(&settled, &htlcs[nth], preimage).unwrap();
            // A second-stage transaction with zero fee would need a fee input to be relayed. Here it is mined directly.
            wait_for(&mut stage.chain, &claim.tx).unwrap();
            match claim.fee() {
                0 => drop(
                    stage.chain.mine_block(vec![claim.tx]).unwrap_or_else(|error| panic!("{name}: {error}")),
                ),
                _ => drop(stage.publish(claim).unwrap_or_else(|error| panic!("{name}: {error}"))),
            }
        }
    }
}

#[test]
fn more_than_two_parties() {
    for parties in [3, 5] {
        let content = |last: u64| {
            let mut balances = vec![100_000; parties - 1];
            balances.push(last);
            let sum: u64 = balances.iter().sum();
            balances[0] += CAPACITY - sum;
            Content::of(&balances)
        };
        let setup = |name: &str| Setup::named(name, parties, CAPACITY, 144).unwrap();
        let mut list: Vec<Box<dyn Construction>> =
            vec![Box::new(TimelockTree::new(setup("n tree"), 2, 4, 144, content(1_000)).unwrap())];
        for form in Form::ALL {
            list.push(Box::new(Symmetry::new(setup("n symmetry"), form, content(1_000)).unwrap()));
        }
        for mut construction in list {
            let construction = construction.as_mut();
            let mut stage = Stage::new(construction).unwrap();
            stage.open(construction).unwrap();
            let cost = construction.update(content(50_000)).unwrap();
            assert_eq!(cost.signatures, parties);
            let old = construction.close(0, 0).unwrap().remove(0);
            stage.publish(old.clone()).unwrap();
            let steps = construction.contest(parties - 1, &old.tx).unwrap().unwrap();
            stage.publish_all(steps).unwrap();
            assert_eq!(stage.paid(construction, parties - 1), 50_000);
        }
    }
}

#[test]
fn a_setup_is_refused_outside_of_its_bounds() {
    let refused = |parties, capacity, delay| {
        Setup::named("x", parties, capacity, delay).map(drop).unwrap_err().to_string()
    };
    assert_eq!(refused(1, CAPACITY, 1), "parties: 1 is less than 2: a channel needs two parties");
    assert_eq!(
        refused(2, CAPACITY, 0),
        "delay: 0 is less than 1: without a delay nobody has time to answer an old state"
    );
    assert_eq!(
        refused(2, 999, 1),
        "capacity: 999 is less than 1000: a close and a contest pay a fee from it and leave an output above dust"
    );
    Setup::named("x", 2, 1_000, 1).unwrap();
    let three = Setup::named("x", 3, CAPACITY, 1).unwrap();
    let balances = Content::of(&[400_000, 300_000, 300_000]);
    let refused = SignedSequence::new(three, Profile::Ctv, balances).map(drop).unwrap_err().to_string();
    assert_eq!(refused, "refused: 3 parties; a penalty needs two: who is paid is not known among more");
    let channel = SignedSequence::new(two("x"), Profile::Ctv, first()).unwrap();
    assert!(channel.script_number(u32::MAX).is_err());
}

/// Three partial signatures of different messages with the same nonce reveal the secret key. So every joint signature
/// must have a nonce of its own, even if one channel is closed cooperatively several times.
#[test]
fn every_joint_signature_has_a_nonce_of_its_own() {
    for mut construction in all() {
        let construction = construction.as_mut();
        let name = construction.facts().name;
        if name.starts_with("LN-penalty") {
            // LN-penalty uses ECDSA, whose nonces follow RFC 6979: each is a hash of the key and the message.
            continue;
        }
        let mut stage = Stage::new(construction).unwrap();
        updated(construction, &mut stage);
        let mut nonces = std::collections::BTreeSet::new();
        for _ in 0..3 {
            let close = construction.cooperative_close().unwrap();
            let witness = close.tx.input[0].witness.to_vec();
            assert!(nonces.insert(witness[0][..32].to_vec()), "{name}: a closing repeats a nonce");
        }
        for number in 0..construction.number() {
            let signature = &construction.close(0, number).unwrap()[0].tx.input[0].witness.to_vec()[0];
            // In constructions with decreasing relative locks, all states share the kickoff.
            let shared = name.contains("BIP 68") || name.contains("tree");
            let new = nonces.insert(signature[..32].to_vec());
            assert!(new || shared && number > 0, "{name}: state {number} repeats a nonce");
        }
    }
}

/// Two channels with the same seed share no secret, because every derivation includes the random bytes that a party
/// draws for a channel.
#[test]
fn channels_of_one_seed_share_no_key() {
    let parties = |drawn: u8| -> Vec<PartyKeys> {
        let party =
            |nth: u8| PartyKeys::new(crate::keys::Seed::from_name("one wallet"), [drawn + nth; 32]).unwrap();
        vec![party(0), party(1)]
    };
    let keys = |drawn: u8| -> Vec<[u8; 32]> {
        let of = |party: &PartyKeys| {
            let pairs = [party.funding, party.payout, party.htlc, party.number, party.penalty];
            let secrets = ["ln/payment", "ln/delayed", "ln/htlc", "ln/revocation", "ln/commitments"];
            pairs
                .map(|pair| pair.to_secret_bytes())
                .into_iter()
                .chain(secrets.map(|name| party.secret(name)))
                .collect()
        };
        parties(drawn).iter().flat_map(|party| -> Vec<[u8; 32]> { of(party) }).collect()
    };
    let (one, other) = (keys(10), keys(20));
    assert_eq!(one.len(), 20);
    assert!(one.iter().all(|key| !other.contains(key)));
    // The same must be true of the base points and per-commitment secrets of LN-penalty: the commitment transactions of
    // two channels have no output script in common.
    let scripts = |drawn: u8| -> Vec<bitcoin::ScriptBuf> {
        let setup = Setup::of(parties(drawn), CAPACITY, 144, crate::keys::Entropy::from_name("x")).unwrap();
        let mut channel = LnPenalty::new(setup, Format::Anchors, first()).unwrap();
        let mut stage = Stage::new(&channel).unwrap();
        stage.open(&mut channel).unwrap();
        channel.close(0, 0).unwrap()[0].tx.output.iter().map(|out| out.script_pubkey.clone()).collect()
    };
    let (one, other) = (scripts(10), scripts(20));
    assert!(one.iter().all(|script| !other.contains(script)));
}

/// Channels with random histories: the number of updates, the balances, the HTLCs, and the published state are random.
/// All random choices are derived from a seed, so each run makes the same ones.
#[test]
fn over_random_histories_old_states_are_answered_and_the_newest_never_is() {
    let kinds = [
        Kind::SignedSequence(Profile::Ctv),
        Kind::SignedSequence(Profile::TemplateHash),
        Kind::SignedSequence(Profile::AnyPrevOut),
        Kind::SignedSequence(Profile::CsfsOnly),
        Kind::SignedSequence(Profile::AnyPrevOutAlone),
        Kind::Symmetry(Form::AnyPrevOut),
        Kind::Symmetry(Form::PairCommit),
        Kind::Symmetry(Form::OverrideTemplateHash),
        Kind::LnPenalty(Format::Anchors),
    ];
    for (seed, kind) in (0..3u64).flat_map(|seed| kinds.map(|kind| (seed, kind))) {
        let mut dice = crate::chain::FeeMarket::new(seed, 1.0, 0.0, 0.0);
        let mut draw = |below: u32| {
            (0..below).rev().find(|n| f64::from(*n) <= dice.uniform() * f64::from(below)).unwrap_or(0)
        };
        let mut channel = kind.build(two(&format!("random {seed}")), first()).unwrap();
        let channel = channel.as_mut();
        let mut stage = Stage::new(channel).unwrap();
        stage.open(channel).unwrap();
        let updates = 2 + draw(5);
        for _ in 0..updates {
            let htlcs: Vec<Htlc> = (0..draw(3))
                .map(|nth| htlc(nth as usize % 2, 10_000 + u64::from(nth), 901_000 + nth))
                .collect();
            let locked: u64 = htlcs.iter().map(|htlc| htlc.sat).sum();
            // The opener of an LN-penalty channel must be able to pay the fee and the anchors.
            let balance = 10_000 + u64::from(draw(880)) * 1_000;
            let content = Content { balances: vec![balance, CAPACITY - locked - balance], htlcs };
            channel.update(content).unwrap();
        }
        let by = draw(2) as usize;
        let stale = draw(updates);
        for number in [stale, updates] {
            let mut stage = Stage::new(channel).unwrap();
            stage.open(channel).unwrap();
            let published = channel.close(by, number).unwrap().remove(0);
            let client = channel.contest(1 - by, &published.tx).unwrap();
            let tower = channel.tower_contest(1 - by, &published.tx).unwrap();
            let name = channel.facts().name;
            if number == updates {
                assert!(client.is_none() && tower.is_none(), "{name} {seed}: the newest state is contested");
                continue;
            }
            stage.publish(published).unwrap();
            assert_eq!(tower.is_some(), channel.tower_terms().is_some(), "{name} {seed}");
            let mut towered =
                Stage { chain: stage.chain.clone(), wallet: stage.wallet.clone(), rate: stage.rate };
            towered
                .publish_all(tower.unwrap_or_default())
                .unwrap_or_else(|error| panic!("{name} {seed}: {error}"));
            let steps = client.unwrap_or_else(|| panic!("{name} {seed}: state {number} is not answered"));
            stage.publish_all(steps).unwrap_or_else(|error| panic!("{name} {seed}: {error}"));
        }
    }
}
