use super::cheater::{auction, flood, market};
use super::*;
use crate::chain::FeeMarket;

const GAMES: u32 = 400;

fn alone(game: &Game, strategy: Strategy, seed: u64) -> Outcome {
    play(game, strategy, &Plan::new(game, strategy), seed)
}

/// Returns the market feerates of the blocks before the cheater's settlement can confirm.
fn rates(game: &Game, seed: u64) -> Vec<f64> {
    market(game, seed).take(usize::try_from(game.delay).unwrap()).collect()
}

/// Tests a known result of the breach game, for a cheater without outside funds and miners that do not collude. The
/// victim loses nothing exactly if the market rate is at most a_N / W_J in some block before the end of the delay.
/// Here a_N is the cheater's balance in the latest state, and W_J is the size of the justice transaction.
#[test]
fn an_honest_market_leaves_the_victim_whole() {
    let game = Game { backlog: 60.0, delay: 8, ..Game::default() };
    let bound = game.reserve() / game.size();
    let (mut reachable, mut not) = (0, 0);
    for seed in 0..u64::from(GAMES) {
        let reached = rates(&game, seed).iter().any(|rate| *rate <= bound);
        for strategy in [Strategy::Oracle, Strategy::Fixed(bound)] {
            let outcome = alone(&game, strategy, seed);
            let in_time = outcome.justice && outcome.block < game.delay;
            assert_eq!(in_time, reached, "{seed}: {outcome:?}");
            assert!(!reached || outcome.victim > -0.001, "{seed}: {outcome:?}");
        }
        if reached { reachable += 1 } else { not += 1 }
    }
    // The bound was reached in some games and not in others.
    assert!(reachable > 20 && not > 20, "{reachable} {not}");
}

/// Tests a known result of the breach game: if the cheater has no balance in the latest state (a_N = 0), the victim
/// pays every fee with its own money. The best possible result is then the cheapest fee that confirms.
#[test]
fn without_a_reserve_the_cheapest_fee_that_confirms_is_best() {
    let game = Game { cheater_new: 0, backlog: 3.0, delay: 72, ..Game::default() };
    let mut met = 0;
    for seed in 0..u64::from(GAMES) {
        let cheapest = rates(&game, seed).into_iter().fold(f64::MAX, f64::min) * game.size();
        for strategy in Strategy::KNOWN {
            let victim = alone(&game, strategy, seed).victim;
            assert!(victim <= 0.001 - cheapest, "{strategy:?} {seed}: {victim} of {cheapest}");
        }
        // A fixed bid of exactly that fee achieves the best gain. A lower bid loses the old balance, or most of it.
        let best = alone(&game, Strategy::Fixed(cheapest / game.size() * 1.000_001), seed);
        assert!(best.justice && (best.victim + cheapest).abs() < 1.0, "{seed}: {best:?} {cheapest}");
        let below = alone(&game, Strategy::Fixed(cheapest / game.size() * 0.999), seed);
        met += u32::from(below.victim < best.victim);
    }
    assert_eq!(met, GAMES);
}

/// Tests a known result of the breach game: if all miners collude with the cheater, the cheater always wins.
#[test]
fn miners_who_all_collude_let_the_cheater_win() {
    let game = Game { miners: Miners::Colluding(1.0, 0), ..Game::default() };
    for strategy in Strategy::KNOWN {
        let stats = estimate(&game, strategy, GAMES, 3);
        assert_eq!((stats.in_time, stats.cheated), (0.0, 1.0));
        assert!(stats.cheater > 0.0);
        let honest = estimate(&Game { miners: Miners::Colluding(0.0, 0), ..game }, strategy, GAMES, 3);
        assert!(honest.cheater < 0.0 && honest.cheated < 0.05, "{strategy:?} {honest:?}");
    }
}

#[test]
fn collusion_succeeds_with_its_share_to_the_power_of_the_delay() {
    let miners = Miners::Colluding(0.9, 0);
    let game = Game { miners, delay: 10, mean_rate: 1.0, ..Game::default() };
    // The bid is above any market rate, so only colluding miners leave it out.
    let stats = estimate(&game, Strategy::Fixed(1_000.0), 20_000, 5);
    let expected = 1.0 - 0.9f64.powi(10);
    assert!((stats.in_time - expected).abs() < 0.02, "{} of {expected}", stats.in_time);
}

#[test]
fn the_victim_is_whole_exactly_up_to_the_cheaters_newest_balance() {
    let game = Game { cheater_new: 40_000, mean_rate: 1.0, ..Game::default() };
    for fee in [39_999.0, 40_001.0] {
        let outcome = alone(&game, Strategy::Fixed(fee / game.size()), 1);
        assert_eq!((outcome.justice, outcome.block), (true, 0));
        assert!((outcome.fee - fee).abs() < 1e-6);
        assert_eq!(outcome.victim >= 0.0, fee <= 40_000.0);
    }
}

#[test]
fn games_repeat_by_seed() {
    let game = Game { backlog: 5.0, miners: Miners::Colluding(0.3, 0), ..Game::default() };
    assert_eq!(alone(&game, Strategy::Linear, 9), alone(&game, Strategy::Linear, 9));
    assert!((0..20).any(|seed| alone(&game, Strategy::Linear, seed) != alone(&game, Strategy::Linear, 99)));
}

/// Returns the gain, in satoshi, of a cheater that floods every block (`floods` is true) or no block (`floods` is
/// false).
fn stubborn(game: &Game, strategy: Strategy, floods: bool, seed: u64) -> f64 {
    let mut burnt = 0.0;
    let mut market = market(game, seed);
    for block in 0..game.delay {
        let rate = market.next().unwrap();
        let bid = strategy.wish(game, block, rate, rate);
        if bid < rate * game.size() {
            continue;
        }
        if !floods {
            return -game.reserve() - burnt;
        }
        burnt += flood(game, bid, rate);
    }
    match auction(game, strategy, market.next().unwrap()) {
        Some((false, fee)) => game.prize() - game.reserve() - fee - burnt,
        _ => -game.reserve() - burnt,
    }
}

#[test]
fn the_cheaters_plan_is_better_than_flooding_always_or_never() {
    let rich = Game { outside: u64::MAX >> 12, ..Game::default() };
    let mut decided = [0, 0];
    for scale in [1, 300, 1_000, 3_000] {
        let game = Game {
            capacity: rich.capacity * scale,
            cheater_old: rich.cheater_old * scale,
            cheater_new: rich.cheater_new * scale,
            delay: 24,
            ..rich
        };
        let strategy = Strategy::Fixed(20.0);
        let mean = |floods| {
            (0..GAMES).map(|seed| stubborn(&game, strategy, floods, seed.into())).sum::<f64>()
                / f64::from(GAMES)
        };
        let (never, always) = (mean(false), mean(true));
        let planned = estimate(&game, strategy, GAMES, 7);
        let margin = 0.02 * game.prize();
        assert!(planned.cheater >= never.max(always) - margin, "{scale}: {planned:?} {never} {always}");
        decided[usize::from(planned.burnt > 0.0)] += 1;
    }
    // Flooding is not profitable in small channels and is profitable in large ones.
    assert!(decided[0] > 0 && decided[1] > 0, "{decided:?}");
}

#[test]
fn a_cheater_without_money_outside_burns_none() {
    let game = Game { capacity: 10_000_000_000, cheater_old: 9_000_000_000, delay: 6, ..Game::default() };
    assert_eq!(estimate(&game, Strategy::Fixed(20.0), 50, 1).burnt, 0.0);
    let some = Game { outside: 9_000_000, ..game };
    assert!(estimate(&some, Strategy::Fixed(20.0), 50, 1).burnt <= 9_000_000.0);
}

#[test]
fn a_bribe_is_defeated_by_a_small_fee() {
    // A miner with 1 per cent of the hash rate expects 1 per cent of the bribe.
    let game = Game { miners: Miners::Bribed(1.0, 0.01), mean_rate: 1.0, ..Game::default() };
    let threshold = 0.01 * (game.prize() - game.reserve());
    for (fee, cheated) in [(threshold * 0.99, 1.0), (threshold * 1.01, 0.0)] {
        let stats = estimate(&game, Strategy::Fixed(fee / game.size()), 100, 1);
        assert_eq!(stats.cheated, cheated, "{fee}");
    }
    // The bribe costs the cheater almost all of its profit.
    let stats = estimate(&game, Strategy::Fixed(threshold * 0.99 / game.size()), 100, 1);
    assert!(stats.cheater < 0.02 * game.prize(), "{stats:?}");
}

#[test]
fn a_fixed_justice_pays_no_more_than_its_bonus_and_coins() {
    let ladder = [(0, 2_000), (72, 10_000), (108, 50_000)];
    let game = Game { payer: Payer::Fixed { ladder, coins: 0 }, backlog: 300.0, ..Game::default() };
    let mut steps = [0; 3];
    for seed in 0..u64::from(GAMES) {
        let outcome = alone(&game, Strategy::Follow, seed);
        if outcome.justice && outcome.block < game.delay {
            let step = ladder.iter().filter(|(from, _)| *from <= outcome.block).count() - 1;
            steps[step] += 1;
            let bonus = precise(ladder[step].1);
            assert!(
                outcome.fee <= bonus && (outcome.victim - (game.reserve() - bonus)).abs() < 1e-9,
                "{outcome:?}"
            );
            assert!((outcome.tower - (bonus - outcome.fee)).abs() < 1e-9);
        }
    }
    assert!(steps[1] > 10 && steps[2] > 0, "{steps:?}");
    // The tower's own coins make up for a missing bonus.
    let poor = Game { payer: Payer::Fixed { ladder: [(0, 0); 3], coins: 0 }, ..game };
    let helped = Game { payer: Payer::Fixed { ladder: [(0, 0); 3], coins: 50_000 }, ..game };
    assert_eq!(estimate(&poor, Strategy::Follow, 100, 1).in_time, 0.0);
    assert!(estimate(&helped, Strategy::Follow, 100, 1).in_time > 0.95);
}

#[test]
fn letting_an_old_commitment_confirm_is_better_unless_the_justice_would_fail() {
    let honest = race(&Game::default(), Strategy::Follow, GAMES, 1);
    assert!(honest.let_confirm > 40_000.0 && honest.publish_own < 0.0, "{honest:?}");
    let colluding = Game { miners: Miners::Colluding(1.0, 0), ..Game::default() };
    let bad = race(&colluding, Strategy::Follow, GAMES, 1);
    assert!(bad.let_confirm < bad.publish_own && bad.publish_own == honest.publish_own, "{bad:?}");
}

#[test]
fn only_first_stage_htlcs_can_be_pinned() {
    let table = htlc_fights(&Game::default()).unwrap();
    for row in table.rows() {
        let extra: u64 = row[7].parse().unwrap();
        let pinnable = row[0].starts_with("LN") && row[1] != "0";
        assert_eq!(extra > 0, pinnable, "{row:?}");
    }
    let contests = table.rows().iter().filter(|row| row[0] == "signed sequence").map(|row| row[2].clone());
    assert!(contests.clone().all(|size| size == "172" || size == "173") && contests.count() == 4);
}

#[test]
fn a_report_has_its_tables_and_charts() {
    let report = report(&Game::default(), 20, 1, &|_| ()).unwrap();
    let names: Vec<&str> = report.tables.iter().map(|(name, _, _)| *name).collect();
    let expected = [
        "in-time",
        "balances",
        "reserve",
        "fees",
        "least-delay",
        "htlc-fights",
        "tower-ladder",
        "flood",
        "bribes",
        "race",
        "symmetry",
    ];
    assert_eq!(names, expected);
    assert!(report.tables.iter().all(|(_, _, table)| !table.rows().is_empty()));
    let files: Vec<&str> = report.charts.iter().map(|(file, _)| *file).collect();
    assert_eq!(files, ["in-time.svg", "victim.svg", "cheater.svg", "fees.svg"]);
    assert!(report.charts[0].1.contains("exponential ramp"));
}

#[test]
fn markets_of_games_are_those_of_the_chain() {
    let game = Game { backlog: 4.0, ..Game::default() };
    let expected = FeeMarket::new(9, 10.0, 0.98, 0.08).with_backlog(4.0);
    assert_eq!(rates(&game, 9)[..5], expected.take(5).collect::<Vec<f64>>());
}
