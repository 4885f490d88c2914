//! The start states of a search: a channel with a history, the corrupted party, and the defender.

use super::honest::Honest;
use super::knowledge::Knowledge;
use super::search::Owed;
use super::world::{Budget, Game, World};
use crate::bolt3::Format;
use crate::chain::{Chain, START_HEIGHT};
use crate::keys::{Seed, sha256};
use crate::model::{Construction, Content, Htlc, Kind, PlayError, Setup, Stage};
use crate::publish::Publisher;
use crate::tx::{output, p2a};
use crate::wallet::Wallet;
use crate::watchtower::Watchtower;

/// Channel capacity, in satoshi.
pub(super) const CAPACITY: u64 = 1_000_000;
/// Contest delay, in blocks. In the last twelve blocks before a deadline, the honest side raises its fees up to the
/// amount at stake. The delay is longer than these twelve blocks.
pub(super) const DELAY: u16 = 20;
/// Amount of each HTLC in the scenarios with small HTLCs, in satoshi.
const HTLC: u64 = 40_000;

/// The software that defends the honest side in a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defender {
    /// The honest party's own client defends the channel.
    Client,
    /// The watchtower alone defends the channel. The client comes online only after the contest delay.
    Tower,
}

/// Description of a scenario: the channel at the start of a search, the defender, and the limits of acceptable
/// losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scenario {
    /// Name of the scenario. The name describes how the scenario differs from the others.
    pub(super) name: &'static str,
    /// Index of the corrupted party.
    pub(super) corrupted: usize,
    /// The software that defends the honest party.
    pub(super) defender: Defender,
    /// Whether states contain HTLCs: two in each direction. The two HTLCs of a direction have the same payment hash.
    pub(super) htlcs: bool,
    /// Feerate that a transaction must pay to be included in the simulated blocks, in satoshi per virtual byte.
    pub(super) market: u64,
    /// Maximum fees that the honest party may lose, in satoshi. The same limit applies to its watchtower.
    pub(super) fees: u64,
    /// Whether most of the capacity of an old state is in HTLCs that the corrupted side can claim, because it knows
    /// their preimage.
    pub(super) large_htlcs: bool,
    /// Balance of the honest side in the latest state, in satoshi. If `None`, it gets 90 % of the capacity, minus the
    /// pending HTLCs.
    pub(super) stake: Option<u64>,
}

const CLIENT: Scenario = Scenario {
    name: "client",
    corrupted: 0,
    defender: Defender::Client,
    htlcs: false,
    market: 1,
    fees: 15_000,
    large_htlcs: false,
    stake: None,
};

/// All scenarios that a search plays on the simulated chain.
pub(super) const SCENARIOS: [Scenario; 9] = [
    CLIENT,
    Scenario { name: "client, blocks ask more than it knows", market: 3, ..CLIENT },
    Scenario { name: "client, blocks ask 16 sat/vB", market: 16, fees: 25_000, ..CLIENT },
    Scenario { name: "client, HTLCs", htlcs: true, ..CLIENT },
    Scenario { name: "client, opener, HTLCs", corrupted: 1, htlcs: true, ..CLIENT },
    Scenario { name: "client, large HTLCs in an old state", large_htlcs: true, ..CLIENT },
    Scenario { name: "client, little at stake", market: 100, stake: Some(4_000), ..CLIENT },
    Scenario { name: "tower", defender: Defender::Tower, ..CLIENT },
    Scenario { name: "tower, HTLCs", corrupted: 1, defender: Defender::Tower, htlcs: true, ..CLIENT },
];

/// Returns `kind` with relative locks that are short enough for a search, if its relative locks are parameters (`Bip68`
/// and `Tree`). Any other `kind` is returned unchanged.
pub(super) fn shortened(kind: Kind) -> Kind {
    match kind {
        Kind::Bip68(..) => Kind::Bip68(5, 18),
        Kind::Tree(..) => Kind::Tree(2, 3, 18),
        kind => kind,
    }
}

/// Preimages of the HTLCs to the corrupted side (first) and of the HTLCs to the honest side (second). The
/// corrupted side knows the first only in scenarios with large HTLCs. The honest side knows the second.
pub(super) const PREIMAGES: [[u8; 32]; 2] = [[0x41; 32], [0x42; 32]];

/// Returns an HTLC of 400,000 sat offered by `from`. Its preimage is the first of [`PREIMAGES`].
fn large(from: usize) -> Htlc {
    let [theirs, _] = PREIMAGES;
    let expiry = START_HEIGHT + u32::from(DELAY) + 120;
    Htlc { from, to: 1 - from.min(1), sat: 400_000, expiry, payment_hash: sha256(&theirs) }
}

/// Returns the channel states of a scenario, oldest first. Unless [`Scenario::stake`] is set, the corrupted side has
/// its lowest balance in the latest state, so that it gains if the channel closes in an older state.
fn contents(scenario: &Scenario) -> Vec<Content> {
    let (corrupted, honest) = (scenario.corrupted, 1 - scenario.corrupted.min(1));
    let content = |share: u64, with_htlcs: bool| {
        let in_flight = if with_htlcs { 4 * HTLC } else { 0 };
        let mut balances = [share, CAPACITY - share - in_flight];
        balances.rotate_left(corrupted);
        let htlc = |from: usize, preimage: &[u8; 32]| Htlc {
            from,
            to: 1 - from.min(1),
            sat: HTLC,
            expiry: START_HEIGHT + u32::from(DELAY) + 120,
            payment_hash: sha256(preimage),
        };
        let [theirs, ours] = PREIMAGES;
        let all =
            [htlc(honest, &theirs), htlc(honest, &theirs), htlc(corrupted, &ours), htlc(corrupted, &ours)];
        Content { balances: balances.into(), htlcs: if with_htlcs { all.into() } else { Vec::new() } }
    };
    let htlcs = scenario.htlcs;
    let last = scenario.stake.map_or(100_000, |stake| CAPACITY - stake);
    let large = Content { htlcs: vec![large(honest); 2], balances: vec![100_000; 2] };
    let old = if scenario.large_htlcs { large } else { content(750_000, htlcs) };
    vec![content(500_000, false), old, content(300_000, false), content(last, htlcs)]
}

/// Returns the lowest acceptable outcome of a party in a state, in satoshi: its balance, the HTLCs that it
/// offered, and the HTLCs to it whose preimage it knows.
pub(super) fn worth(content: &Content, party: usize) -> u64 {
    let [_, ours] = PREIMAGES;
    let own = |htlc: &&Htlc| htlc.from == party || htlc.to == party && htlc.payment_hash == sha256(&ours);
    let htlcs = content.htlcs.iter().filter(own).map(|htlc| htlc.sat);
    content.balances.get(party).copied().into_iter().chain(htlcs).fold(0, u64::saturating_add)
}

/// Opens a channel of a construction on a new chain, and makes the channel updates of the scenario. Returns the
/// constants, the start state and the required outcome of a search. Returns `None` if the scenario does not apply to
/// the construction, for example because no code defends the honest party.
pub(super) fn build(
    kind: Kind,
    scenario: &Scenario,
    left: Budget,
) -> Result<Option<(Game, World, Owed)>, PlayError> {
    // The fee of a static_remotekey commitment transaction was fixed at 2 sat/vB when it was signed. It
    // cannot be raised later; anchor outputs exist for that reason.
    if kind == Kind::LnPenalty(Format::StaticRemotekey) && scenario.market > 2 {
        return Ok(None);
    }
    let contents = contents(scenario);
    let setup = Setup::named("adversary", 2, CAPACITY, DELAY)?;
    let mut channel = shortened(kind).build(setup, contents.first().cloned().unwrap_or_default())?;
    let channel = channel.as_mut();
    let mut stage = Stage::new(channel)?;
    stage.open(channel)?;
    let client = 1 - scenario.corrupted.min(1);
    let mut records = vec![channel.tower_bytes(client)];
    for content in contents.iter().skip(1) {
        channel.update(content.clone())?;
        records.push(channel.tower_bytes(client));
    }
    let Some((mut game, mut world, owed)) = start(channel, stage.chain, scenario, left)? else {
        return Ok(None);
    };
    if scenario.defender == Defender::Tower {
        let Some(terms) = channel.tower_terms() else { return Ok(None) };
        let mut tower = Watchtower::new(&Seed::from_name("tower"), 2)?;
        let other = other_channel(kind, &mut world.chain)?;
        tower.hire(&mut world.chain, terms, other.tower_bytes(client))?;
        let [first, .., last] = records.as_slice() else { return Ok(None) };
        let number = tower.hire(&mut world.chain, terms, first.clone())?;
        tower.replace(number, last.clone())?;
        game.records = bad_records(&tower, number, &records, &other.tower_bytes(client));
        (world.honest.tower, world.honest.is_asleep) = (Some(tower), true);
    }
    world.honest.back = scenario.htlcs.then_some(START_HEIGHT + u32::from(DELAY) + 40);
    if matches!(kind, Kind::Bip68(..) | Kind::Tree(..)) && !scenario.htlcs {
        // The client stays offline until the locks of all states have expired. With HTLCs the client is
        // online again before they expire.
        game.away = 100;
    }
    let owed = Owed { tower: world.honest.tower_balance(&world.chain), ..owed };
    Ok(Some((game, world, owed)))
}

/// Returns the constants, the start state and the required outcome of a search. No state of the channel has
/// been published. Returns `None` if the construction has no code that defends the honest party.
pub(super) fn start(
    channel: &dyn Construction,
    mut chain: Chain,
    scenario: &Scenario,
    left: Budget,
) -> Result<Option<(Game, World, Owed)>, PlayError> {
    // The funding transaction is deeper than any reorganisation of the model.
    chain.mine(6).map_err(|reject| PlayError::Chain { label: "funding", reject })?;
    let party = 1 - scenario.corrupted.min(1);
    let Ok(guard) = channel.guard(party) else { return Ok(None) };
    let wallet = Wallet::new(&Seed::from_name("corrupted"))?;
    let [theirs, _] = PREIMAGES;
    let known = if scenario.large_htlcs { vec![theirs] } else { Vec::new() };
    let knowledge = Knowledge::of(channel, scenario.corrupted, &known, wallet.script_pubkey().clone())?;
    let mut game = Game::new(knowledge, wallet, scenario.market, DELAY.into());
    game.funding = Some(channel.setup().funding);
    // Claiming hundreds of HTLCs takes more blocks than [`Game::horizon`].
    game.leaves_nothing = scenario.stake.is_none() && channel.content().htlcs.len() < 10;
    for _ in 0..4 {
        game.wallet.mint(&mut chain, 100_000);
    }
    game.anchors.push(chain.mint(output(0, p2a())));
    let own = Wallet::new(&Seed::from_name("honest"))?;
    own.mint(&mut chain, 100_000);
    own.mint(&mut chain, 100_000);
    let scripts = vec![channel.setup().party(party)?.payout_script()?, own.script_pubkey().clone()];
    let mut client = Publisher::new(guard, own, 2);
    let [_, ours] = PREIMAGES;
    client.orders().learn(ours);
    let honest = Honest { client: Some(client), scripts, ..Honest::default() };
    let worth = worth(channel.content(), party);
    let sat = honest.balance(&chain) + worth;
    // The opener of an LN channel agreed to pay 86 sat of fee for each HTLC output. The two transactions that
    // claim a small HTLC can cost more than the HTLC is worth. 200 sat per HTLC are allowed for this.
    let agreed = 200 * u64::try_from(channel.content().htlcs.len()).unwrap_or_default();
    let owed = Owed { sat, fees: scenario.fees.min(worth) + agreed, tower: 0, tower_fees: scenario.fees };
    Ok(Some((game, World::new(chain, honest, left), owed)))
}

/// Returns a channel of the same construction that belongs to another client of the watchtower.
fn other_channel(kind: Kind, chain: &mut Chain) -> Result<Box<dyn Construction>, PlayError> {
    let setup = Setup::named("another client", 2, CAPACITY, DELAY)?;
    let mut channel = shortened(kind).build(setup, Content::of(&[CAPACITY / 2, CAPACITY / 2]))?;
    channel.see_height(chain.height());
    channel.open(chain.mint(channel.funding_output().clone()))?;
    for _ in 0..5 {
        if channel.update(Content::of(&[CAPACITY / 2, CAPACITY / 2])).is_err() {
            break;
        }
    }
    Ok(channel)
}

/// Returns up to eight records (data that a watchtower stores for a client) that the watchtower accepts for `client`
/// although it should refuse them: older records of this client, a record of another client, and the latest record
/// with one byte changed. Each has a name for the printed list of moves.
fn bad_records(
    tower: &Watchtower,
    client: usize,
    records: &[Vec<u8>],
    other: &[u8],
) -> Vec<(&'static str, Vec<u8>)> {
    let latest = records.last().cloned().unwrap_or_default();
    let older = records.iter().rev().skip(1).map(|record| ("an older record", record.clone()));
    let mut bad: Vec<(&'static str, Vec<u8>)> = older.collect();
    bad.push(("another client's record", other.to_vec()));
    for at in 0..latest.len() {
        for change in [1, u8::MAX] {
            let mut changed = latest.clone();
            if let Some(byte) = changed.get_mut(at) {
                *byte = byte.wrapping_add(change);
            }
            bad.push(("a damaged record", changed));
        }
    }
    let takes = |record: &Vec<u8>| tower.clone().replace(client, record.clone()).is_ok();
    bad.into_iter().filter(|(_, record)| *record != latest && takes(record)).take(8).collect()
}
