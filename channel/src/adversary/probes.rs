//! Checks of single rules of a construction: proposals of extreme channel states, early spends, fee-paying
//! children, nonces, keys, state numbers and revocation secrets.

use std::collections::BTreeSet;

use bitcoin::{OutPoint, Transaction};

use super::knowledge::Knowledge;
use super::scenario::{CAPACITY, DELAY, Defender, PREIMAGES, SCENARIOS, Scenario, build, shortened, start};
use super::search::{Explored, explore};
use super::world::{Budget, Loss, Shape, offer};
use crate::bolt3::{MAX_INDEX, SecretStore, derive_secret};
use crate::chain::START_HEIGHT;
use crate::keys::{Entropy, Seed, sha256};
use crate::leaves::MAX_NUMBER;
use crate::model::{
    Construction, Content, Factory, Form, Htlc, Kind, PartyKeys, PlayError, Setup, Stage, published_counter,
};
use crate::musig::transcript::reused_nonces;
use crate::tx::outpoint;
use crate::wallet::Wallet;

/// Checks channel states with extreme balances or HTLCs, which the corrupted side proposes. If the honest side
/// accepts such a state, it must be able to close the channel in this state without a loss, whichever side closes.
pub(super) fn proposals(kind: Kind) -> Result<Explored, PlayError> {
    let mut all = Explored::default();
    for corrupted in 0..2 {
        for (name, content) in contents(corrupted) {
            // LN commitment transactions may have 483 HTLCs in each direction. Claiming hundreds of small
            // HTLCs in two stages costs more than they are worth.
            if matches!(kind, Kind::LnPenalty(_)) && content.htlcs.len() > 100 {
                continue;
            }
            let setup = Setup::named("proposals", 2, CAPACITY, DELAY)?;
            let half = Content::of(&[CAPACITY / 2, CAPACITY / 2]);
            let mut channel = shortened(kind).build(setup, half)?;
            let channel = channel.as_mut();
            let mut stage = Stage::new(channel)?;
            stage.open(channel)?;
            all.states += 1;
            if channel.update(content).is_err() {
                continue;
            }
            let scenario = Scenario {
                name,
                corrupted,
                defender: Defender::Client,
                htlcs: true,
                market: 1,
                fees: 15_000,
                large_htlcs: false,
                stake: None,
            };
            let budget = Budget { moves: 1, blocks: 0, pins: 0, absent: 0, reorganisations: 0 };
            let Some((game, world, owed)) = start(channel, stage.chain, &scenario, budget)? else {
                return Ok(all);
            };
            let explored = explore(&game, world, &owed, 40);
            all.states += explored.states;
            if let Some((loss, trace)) = explored.found {
                let first = format!("propose {name}");
                all.found = Some((loss, std::iter::once(first).chain(trace).collect()));
                return Ok(all);
            }
        }
    }
    Ok(all)
}

/// Returns the channel states that the corrupted side proposes, each with a description.
fn contents(corrupted: usize) -> Vec<(&'static str, Content)> {
    let honest = 1 - corrupted.min(1);
    let [theirs, ours] = PREIMAGES;
    let split = |share: u64, rest: u64, htlcs: Vec<Htlc>| {
        let mut balances = [share, rest];
        balances.rotate_left(corrupted);
        Content { balances: balances.into(), htlcs }
    };
    let later = START_HEIGHT + u32::from(DELAY) + 120;
    let htlc = |from: usize, sat: u64, expiry: u32| {
        let preimage = if from == honest { theirs } else { ours };
        Htlc { from, to: 1 - from.min(1), sat, expiry, payment_hash: sha256(&preimage) }
    };
    let many = |count: u64, sat: u64| {
        let htlcs = (0..count).map(|_| htlc(honest, sat, later)).collect();
        split(300_000, CAPACITY - 300_000 - count * sat, htlcs)
    };
    let one = |from: usize, sat: u64, expiry: u32| {
        split(300_000, CAPACITY - 300_000 - sat, vec![htlc(from, sat, expiry)])
    };
    vec![
        ("more than the capacity", split(CAPACITY, CAPACITY, vec![])),
        ("all for the honest side", split(0, CAPACITY, vec![])),
        ("200 sat for itself", split(200, CAPACITY - 200, vec![])),
        ("330 sat for itself", split(330, CAPACITY - 330, vec![])),
        ("an HTLC of 400 sat", one(honest, 400, later)),
        ("an HTLC of 481 sat", one(honest, 481, later)),
        ("an HTLC of 482 sat", one(honest, 482, later)),
        ("400 HTLCs of 390 sat", many(400, 390)),
        ("240 HTLCs of 700 sat", many(240, 700)),
        ("an HTLC that expires in two blocks", one(corrupted, 40_000, START_HEIGHT + 20)),
        ("an HTLC that expires at a time long past", one(corrupted, 40_000, 500_000_001)),
        ("an HTLC that expires at 0", one(honest, 40_000, 0)),
    ]
}

fn rule(text: &str, steps: &[&str]) -> Option<(Loss, Vec<String>)> {
    Some((Loss::Rule(text.to_owned()), steps.iter().map(|step| (*step).to_owned()).collect()))
}

/// Runs two checks of a construction: `early_spends`, and `dear_children` if the first finds no loss.
pub(super) fn early_spends_and_dear_children(kind: Kind) -> Result<Explored, PlayError> {
    let early = early_spends(kind)?;
    if early.found.is_some() {
        return Ok(early);
    }
    let dear = dear_children(kind)?;
    Ok(Explored { states: early.states + dear.states, ..dear })
}

/// Checks that the honest side does not replace a child with a high fee that the corrupted side attaches to the
/// honest side's transaction. This child already pays for the transaction. To replace it, the honest side would have
/// to pay more than the child's fee itself.
fn dear_children(kind: Kind) -> Result<Explored, PlayError> {
    let mut explored = Explored::default();
    let Some(scenario) = SCENARIOS.iter().find(|scenario| scenario.market > 10) else { return Ok(explored) };
    let budget = Budget { moves: 0, blocks: 0, pins: 0, absent: 0, reorganisations: 0 };
    let Some((game, mut world, _)) = build(kind, scenario, budget)? else { return Ok(explored) };
    world.honest.close();
    for _ in 0..game.horizon {
        if let Err(loss) = world.mine(&game) {
            explored.found = Some((loss, vec!["wait".to_owned()]));
            return Ok(explored);
        }
        let parents: Vec<Transaction> =
            world.chain.mempool().entries().map(|entry| entry.tx.clone()).collect();
        for parent in parents {
            let Some(child) = game.child(&world.chain, &parent, 10 * game.market, Shape::Small) else {
                continue;
            };
            let txid = child.compute_txid();
            if !offer(&mut world.chain, &[child]) {
                continue;
            }
            explored.states += 1;
            let looked = world.chain.mine_block(Vec::new()).map_err(Loss::Mining).and_then(|_| world.look());
            let steps = ["the honest side closes", "attach a child of high fee"];
            explored.found = match looked {
                Ok(()) if world.chain.mempool().get(&txid).is_some() => None,
                Ok(()) => rule("a child that pays enough is replaced by one that pays more", &steps),
                Err(loss) => Some((loss, steps.map(str::to_owned).to_vec())),
            };
            return Ok(explored);
        }
    }
    Ok(explored)
}

/// Checks that the corrupted side of a signed sequence channel cannot spend the contested output of its own revoked
/// commitment transaction before the delay expires. With an early spend it could pin the victim's contest transaction
/// and later withdraw the pin, at the victim's cost. Other constructions are not checked.
fn early_spends(kind: Kind) -> Result<Explored, PlayError> {
    let mut explored = Explored::default();
    if !matches!(kind, Kind::SignedSequence(_)) {
        return Ok(explored);
    }
    let setup = Setup::named("early spends", 2, CAPACITY, DELAY)?;
    let half = Content::of(&[CAPACITY / 2, CAPACITY / 2]);
    let mut channel = shortened(kind).build(setup, half.clone())?;
    let channel = channel.as_mut();
    let mut stage = Stage::new(channel)?;
    stage.open(channel)?;
    for _ in 0..3 {
        channel.update(half.clone())?;
    }
    for corrupted in 0..2 {
        let wallet = Wallet::new(&Seed::from_name("corrupted"))?;
        let knowledge = Knowledge::of(channel, corrupted, &[], wallet.script_pubkey().clone())?;
        for number in 0..channel.number() {
            let Some(version) = channel.close(corrupted, number)?.into_iter().next() else { continue };
            let coin = outpoint(&version.tx, 0);
            let Some(contested) = version.tx.output.first() else { continue };
            explored.states += 1;
            let spends = knowledge.spends(coin, contested, version.tx.version.0);
            let lock = |tx: &Transaction| tx.input.first().map_or(0, |input| input.sequence.0);
            let waits = |tx: &Transaction| (u32::from(DELAY)..1 << 16).contains(&lock(tx));
            if let Some(early) = spends.iter().find(|candidate| !waits(&candidate.tx)) {
                let step = format!("publish commitment {number}, then {}", early.label);
                explored.found = rule("the publisher spends its own old version within the delay", &[&step]);
                return Ok(explored);
            }
        }
    }
    Ok(explored)
}

/// Checks that no two signatures with different challenges have the same nonce. The check covers all
/// signatures made in updates, in refused updates and in three cooperative closes.
pub(super) fn nonces(kind: Kind) -> Result<Explored, PlayError> {
    let run = || -> Result<(), PlayError> {
        let setup = Setup::named("nonces", 2, CAPACITY, DELAY)?;
        let half = Content::of(&[CAPACITY / 2, CAPACITY / 2]);
        let mut channel = shortened(kind).build(setup, half.clone())?;
        let channel = channel.as_mut();
        let mut stage = Stage::new(channel)?;
        stage.open(channel)?;
        for share in [400_000, 300_000] {
            channel.update(Content::of(&[share, CAPACITY - share]))?;
            let _ = channel.update(Content::of(&[CAPACITY, CAPACITY]));
        }
        for _ in 0..3 {
            channel.cooperative_close()?;
        }
        Ok(())
    };
    let (done, reused) = reused_nonces(run);
    done?;
    let found = match reused {
        0 => None,
        _ => rule(
            "a nonce signs two challenges: the key is computed",
            &["two updates", "three cooperative closes"],
        ),
    };
    Ok(Explored { states: 1, is_cut: false, found })
}

/// Checks that two channels opened from the same wallet seeds share no secret key.
pub(super) fn keys(kind: Kind) -> Result<Explored, PlayError> {
    let mut seen = BTreeSet::new();
    for drawn in 0..2u8 {
        let party = |name: &str| PartyKeys::new(Seed::from_name(name), [drawn; 32]);
        let parties = vec![party("first")?, party("second")?];
        let setup = Setup::of(parties, CAPACITY, DELAY, Entropy::from_name(&format!("keys {drawn}")))?;
        let setup = Setup { height: START_HEIGHT, ..setup };
        let mut channel = shortened(kind).build(setup, Content::of(&[CAPACITY / 2, CAPACITY / 2]))?;
        channel.open(OutPoint { vout: drawn.into(), ..OutPoint::null() })?;
        let mut own = BTreeSet::new();
        for party in 0..2 {
            own.extend(channel.held(party)?.keys.iter().map(|key| key.to_secret_bytes()));
        }
        if own.iter().any(|key| !seen.insert(*key)) {
            let found =
                rule("two channels share a secret: what one reveals opens the other", &["open two channels"]);
            return Ok(Explored { states: 2, is_cut: false, found });
        }
    }
    Ok(Explored { states: 2, ..Explored::default() })
}

/// Checks that no two channels inside channel factories have the same funding key. The check opens two factories with
/// the same parties, and reallocates the funds of each.
pub(super) fn inner_keys() -> Result<Explored, PlayError> {
    let mut seen = BTreeSet::new();
    let mut states = 0;
    for vout in 0..2 {
        let setup = Setup::named("factories", 3, CAPACITY, DELAY)?;
        let setup = Setup { height: START_HEIGHT, ..setup };
        let mut factory = Factory::new(setup, Form::TemplateHash)?;
        let funding = OutPoint { vout, ..OutPoint::null() };
        let balances = [100_000, 100_000, 100_000];
        let sizes = |first: u64| vec![(vec![0, 1], first), (vec![0, 1], CAPACITY - 300_000 - first)];
        factory.open(funding, (&balances, &sizes(300_000)))?;
        factory.reallocate((&balances, &sizes(250_000)))?;
        for inner in factory.channels() {
            states += 1;
            for party in &inner.channel().setup().parties {
                if !seen.insert(party.funding.public_key().serialize()) {
                    let found = rule(
                        "two inner channels share a key: a state of one settles on the other",
                        &["open two factories"],
                    );
                    return Ok(Explored { states, is_cut: false, found });
                }
            }
        }
    }
    Ok(Explored { states, ..Explored::default() })
}

/// Checks that an observer of the closing transactions cannot compute the state number, which is the number
/// of updates.
pub(super) fn counter(kind: Kind) -> Result<Explored, PlayError> {
    let setup = Setup::named("counter", 2, CAPACITY, DELAY)?;
    let half = Content::of(&[CAPACITY / 2, CAPACITY / 2]);
    let mut channel = shortened(kind).build(setup, half.clone())?;
    let channel = channel.as_mut();
    let mut stage = Stage::new(channel)?;
    stage.open(channel)?;
    channel.update(half)?;
    let mut explored = Explored { states: 1, ..Explored::default() };
    let steps = channel.close(0, 1)?;
    let elements = steps.iter().flat_map(|step| &step.tx.input).flat_map(|input| input.witness.iter());
    // The encoded state number is masked. The mask must not be the hash of a public value in a witness, such
    // as the internal key in a control block.
    let public = elements.filter_map(|bytes| bytes.get(1..33));
    let Some(first) = steps.first() else { return Ok(explored) };
    for value in public {
        let [a, b, c, d, e, f, g, h, ..] = sha256(value);
        let number = published_counter(&first.tx, u32::from_le_bytes([a, b, c, d]) & MAX_NUMBER);
        let start = 0x0080_0000 + (u32::from_le_bytes([e, f, g, h]) & MAX_NUMBER >> 2);
        if number == Some(start + 1) {
            let text = "the number of a state is computed from public data";
            explored.found = rule(text, &["close after one update"]);
        }
    }
    Ok(explored)
}

/// Checks that a truncated store of revocation secrets is refused, and that a secret is refused if it does
/// not match its public point.
pub(super) fn secrets() -> Result<Explored, PlayError> {
    let seed = [7; 32];
    let secret = |number: u64| derive_secret(&seed, 48, MAX_INDEX - number);
    let point = |bytes: [u8; 32]| {
        secp256k1::SecretKey::from_secret_bytes(bytes)
            .map(|key| key.public_key())
            .map_err(crate::ChannelError::Key)
    };
    let mut store = SecretStore::default();
    for number in 0..6 {
        let secret = secret(number);
        let refused = |error: crate::bolt3::StoreError| crate::ChannelError::refused(error.to_string());
        store.insert(MAX_INDEX - number, secret, &point(secret)?).map_err(refused)?;
    }
    let mut explored = Explored { states: 1, ..Explored::default() };
    let bytes = store.to_bytes();
    for cut in (40..bytes.len()).step_by(40) {
        explored.states += 1;
        if bytes.get(..cut).is_some_and(|part| SecretStore::from_bytes(part).is_ok()) {
            explored.found = rule(
                "a part of a store of secrets is accepted: old commitments go unpunished",
                &["cut a backup off"],
            );
            return Ok(explored);
        }
    }
    let wrong = derive_secret(&[8; 32], 48, MAX_INDEX - 6);
    if store.insert(MAX_INDEX - 6, wrong, &point(secret(6))?).is_ok() {
        explored.found = rule(
            "a secret of another point is accepted: the commitment goes unpunished",
            &["reveal another secret"],
        );
    }
    Ok(explored)
}
