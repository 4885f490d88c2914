use super::*;

const GAMES: u32 = 400;

#[test]
fn an_honest_market_leaves_the_victim_whole() {
    // Nothing outside, nobody colludes, and the market is below a_N / W_J for some block before T.
    let game = Game { backlog: 20.0, delay: 288, ..Game::default() };
    let whole = Strategy::Fixed(precise(game.cheater_new) / precise(game.justice_size));
    for seed in 0..u64::from(GAMES) {
        let bound = precise(game.cheater_new) / precise(game.justice_size);
        let market = FeeMarket::new(seed, game.mean_rate, 0.98, 0.08).with_backlog(game.backlog);
        let reachable = market.take(288).any(|rate| rate <= bound);
        for strategy in [Strategy::Cheapest, whole] {
            let outcome = play(&game, strategy, seed);
            assert!(!reachable || outcome.justice && outcome.victim > -0.001, "{seed}: {outcome:?}");
        }
    }
}

#[test]
fn without_a_reserve_the_cheapest_fee_that_confirms_is_best() {
    let game = Game { cheater_new: 0, ..Game::default() };
    // Knowing the market, with nothing to lose: the bound is the old balance here.
    let cheapest = Strategy::Fixed(game.mean_rate * 1.5);
    let best = estimate(&game, cheapest, GAMES, 1).victim;
    for strategy in [Strategy::Linear, Strategy::Exponential, Strategy::Scorched, Strategy::Fixed(400.0)] {
        let stats = estimate(&Game { backlog: 3.0, ..game }, strategy, GAMES, 1);
        // Whoever pays more than the market asks burns its own money.
        assert!(
            stats.victim <= best + 1.0 || stats.fee <= cheapest_fee(&game),
            "{strategy:?} {stats:?} {best}"
        );
        assert!(stats.victim < 0.0);
    }
}

fn cheapest_fee(game: &Game) -> f64 {
    game.mean_rate * 1.5 * precise(game.justice_size)
}

#[test]
fn miners_who_all_collude_let_the_cheater_win() {
    let game = Game { colluding: 1.0, ..Game::default() };
    for strategy in [Strategy::Linear, Strategy::Exponential, Strategy::Scorched, Strategy::Cheapest] {
        let stats = estimate(&game, strategy, GAMES, 3);
        assert_eq!((stats.in_time, stats.cheated), (0.0, 1.0));
        assert!(stats.cheater > 0.0);
    }
}

#[test]
fn collusion_succeeds_with_its_share_to_the_power_of_the_delay() {
    let game = Game { colluding: 0.9, delay: 10, mean_rate: 1.0, ..Game::default() };
    // A bid that the market always takes: only colluders leave it out.
    let stats = estimate(&game, Strategy::Fixed(1_000.0), 20_000, 5);
    let expected = 1.0 - 0.9f64.powi(10);
    assert!((stats.in_time - expected).abs() < 0.02, "{} of {expected}", stats.in_time);
}

#[test]
fn the_victim_is_whole_exactly_up_to_the_cheaters_newest_balance() {
    let game = Game { cheater_new: 40_000, ..Game::default() };
    for fee in [39_999.0, 40_000.0, 40_001.0] {
        assert_eq!(confirmed(&game, 3, fee, 0.0).victim >= 0.0, fee <= 40_000.0);
    }
}

#[test]
fn games_repeat_by_seed() {
    let game = Game { backlog: 5.0, colluding: 0.3, ..Game::default() };
    assert_eq!(play(&game, Strategy::Linear, 9), play(&game, Strategy::Linear, 9));
    let differs =
        (0..20).any(|seed| play(&game, Strategy::Linear, seed) != play(&game, Strategy::Linear, 99));
    assert!(differs);
}

#[test]
fn money_outside_buys_blocks() {
    let game = Game { mean_rate: 1.0, delay: 6, ..Game::default() };
    let rich = Game { outside: 100_000_000_000, ..game };
    assert_eq!(estimate(&game, Strategy::Fixed(50.0), 200, 7).in_time, 1.0);
    assert_eq!(estimate(&rich, Strategy::Fixed(50.0), 200, 7).in_time, 0.0);
    let loss = estimate(&rich, Strategy::Fixed(50.0), 200, 7).cheater;
    assert!(loss < 0.0, "a flood costs more than it brings: {loss}");
}

#[test]
fn a_report_has_its_tables_and_charts() {
    let report = report(&Game::default(), 20, 1).unwrap();
    let names: Vec<&str> = report.tables.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["in-time", "balances", "reserve", "least-delay", "tower-bonus"]);
    assert!(report.tables.iter().all(|(_, table)| !table.rows().is_empty()));
    assert!(report.charts[0].1.contains("exponential ramp"));
}
