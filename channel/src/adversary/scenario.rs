//! The first states of a search: a channel with a history, who is corrupted, and who defends.

use super::honest::Honest;
use super::knowledge::Knowledge;
use super::search::Owed;
use super::world::{Budget, Game, World};
use crate::keys::{Seed, sha256};
use crate::model::{Construction, Content, Htlc, Kind, PlayError, Setup, Stage};
use crate::publish::Publisher;
use crate::tx::{output, p2a};
use crate::wallet::Wallet;
use crate::watchtower::Watchtower;

/// Satoshi in the channel.
pub(super) const CAPACITY: u64 = 1_000_000;
/// The contest delay, in blocks.
const DELAY: u16 = 20;
/// Satoshi of fees that an honest side may lose. A child of 1,000 vB at ten times the market is 10,000 sat at 1 sat/vB.
const FEES: u64 = 15_000;
/// Satoshi of each HTLC.
const HTLC: u64 = 40_000;

/// Who defends the honest side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defender {
    /// The client itself.
    Client,
    /// Its tower alone.
    Tower,
}

/// A first state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scenario {
    /// What is particular about it.
    pub(super) name: &'static str,
    /// The corrupted party.
    pub(super) corrupted: usize,
    /// Who defends.
    pub(super) defender: Defender,
    /// Whether states have HTLCs, two of each direction with equal hashes.
    pub(super) htlcs: bool,
}

/// All of them.
pub(super) const SCENARIOS: [Scenario; 5] = [
    Scenario { name: "client", corrupted: 0, defender: Defender::Client, htlcs: false },
    Scenario { name: "client, HTLCs", corrupted: 0, defender: Defender::Client, htlcs: true },
    Scenario {
        name: "client, not the opener corrupted",
        corrupted: 1,
        defender: Defender::Client,
        htlcs: true,
    },
    Scenario { name: "tower", corrupted: 0, defender: Defender::Tower, htlcs: false },
    Scenario { name: "tower, HTLCs", corrupted: 1, defender: Defender::Tower, htlcs: true },
];

/// A construction with locks that a search can wait for.
pub(super) fn shortened(kind: Kind) -> Kind {
    match kind {
        Kind::Bip68(..) => Kind::Bip68(5, 18),
        Kind::Tree(..) => Kind::Tree(2, 3, 18),
        kind => kind,
    }
}

/// The preimages of the corrupted side's payments and of the honest side's.
const PREIMAGES: [[u8; 32]; 2] = [[0x41; 32], [0x42; 32]];

/// The contents of the states: the corrupted side has most in an old one, and least in the latest.
fn contents(scenario: &Scenario, height: u32) -> Vec<Content> {
    let (corrupted, honest) = (scenario.corrupted, 1 - scenario.corrupted.min(1));
    let content = |share: u64, with_htlcs: bool| {
        let mut balances = vec![0; 2];
        let in_flight = if with_htlcs { 4 * HTLC } else { 0 };
        for (party, balance) in [(corrupted, share), (honest, CAPACITY - share - in_flight)] {
            if let Some(place) = balances.get_mut(party) {
                *place = balance;
            }
        }
        let htlc = |from: usize, preimage: &[u8; 32]| Htlc {
            from,
            to: 1 - from.min(1),
            sat: HTLC,
            expiry: height + u32::from(DELAY) + 60,
            payment_hash: sha256(preimage),
        };
        let [theirs, ours] = PREIMAGES;
        let all =
            [htlc(honest, &theirs), htlc(honest, &theirs), htlc(corrupted, &ours), htlc(corrupted, &ours)];
        Content { balances, htlcs: if with_htlcs { all.into() } else { Vec::new() } }
    };
    let htlcs = scenario.htlcs;
    vec![content(500_000, false), content(750_000, htlcs), content(300_000, false), content(100_000, htlcs)]
}

/// Builds a construction with its history on a chain. None if the construction has no tower that could defend.
pub(super) fn build(
    kind: Kind,
    scenario: &Scenario,
    left: Budget,
) -> Result<Option<(Game, World, Owed)>, PlayError> {
    let setup = Setup::named("adversary", 2, CAPACITY, DELAY)?;
    let honest_party = 1 - scenario.corrupted.min(1);
    let contents = contents(scenario, crate::chain::START_HEIGHT + 10);
    let first = contents.first().cloned().unwrap_or_default();
    let mut channel = shortened(kind).build(setup, first)?;
    let channel: &mut dyn Construction = channel.as_mut();
    let mut stage = Stage::new(channel)?;
    stage.open(channel)?;
    for content in contents.iter().skip(1) {
        channel.update(content.clone())?;
    }
    let chain = &mut stage.chain;
    // The funding transaction is deeper than any reorganisation.
    chain.mine(6).map_err(|reject| PlayError::Chain { label: "funding", reject })?;
    let wallet = Wallet::new(&Seed::from_name("corrupted"))?;
    // What the corrupted side knows: its own preimages only in half of the payments.
    let knowledge = Knowledge::of(channel, scenario.corrupted, &[], wallet.script_pubkey().clone())?;
    let market = 1;
    let mut game = Game::new(knowledge, wallet, market, DELAY.into());
    game.funding = Some(channel.setup().funding);
    for _ in 0..4 {
        let coin = game.wallet.mint(chain, 100_000);
        game.coins.push(coin.0);
    }
    game.anchors.push(chain.mint(output(0, p2a())));
    let payout = channel.setup().party(honest_party)?.payout_script()?;
    let mut honest = Honest { scripts: vec![payout], ..Honest::default() };
    let Ok(guard) = channel.guard(honest_party) else { return Ok(None) };
    let own = Wallet::new(&Seed::from_name("honest"))?;
    own.mint(chain, 100_000);
    own.mint(chain, 100_000);
    honest.scripts.push(own.script_pubkey().clone());
    let mut client = Publisher::new(guard, own, market + 1);
    let [_, ours] = PREIMAGES;
    client.orders().learn(ours);
    honest.client = Some(client);
    if scenario.defender == Defender::Tower {
        let Some(terms) = channel.tower_terms() else { return Ok(None) };
        let mut tower = Watchtower::new(&Seed::from_name("tower"), market + 1)?;
        tower.hire(chain, terms, channel.tower_bytes(honest_party))?;
        (honest.tower, honest.is_asleep) = (Some(tower), true);
    }
    let balance = contents.last().and_then(|content| content.balances.get(honest_party)).copied();
    let htlcs = if scenario.htlcs { 4 * HTLC } else { 0 };
    let owed = Owed {
        sat: honest.balance(chain) + balance.unwrap_or_default() + htlcs,
        fees: FEES,
        tower: honest.tower_balance(chain),
        stake: CAPACITY,
    };
    let world = World::new(stage.chain, honest, left);
    Ok(Some((game, world, owed)))
}
