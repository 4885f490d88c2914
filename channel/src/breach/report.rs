//! The breach game's results as tables and charts.

use super::{Game, Strategy, break_even_reserve, estimate, least_delay};
use crate::compare::{Series, Table, line_chart};
use crate::error::ChannelError;

/// Tables by name, and charts by file name.
#[derive(Clone, Debug)]
pub struct BreachReport {
    /// In the order of reading.
    pub tables: Vec<(&'static str, Table)>,
    /// SVG.
    pub charts: Vec<(&'static str, String)>,
}

const DELAYS: [u32; 7] = [6, 12, 36, 72, 144, 288, 1008];
const BACKLOGS: [f64; 5] = [1.0, 2.0, 5.0, 10.0, 50.0];

/// Plays `games` games for each cell.
///
/// # Errors
///
/// [`ChannelError::Refused`] if a chart cannot be drawn.
pub fn report(game: &Game, games: u32, seed: u64) -> Result<BreachReport, ChannelError> {
    let mut tables = Vec::new();
    let mut charts = Vec::new();
    let cell = |value: f64| format!("{value:.4}");
    let sat = |value: f64| format!("{value:.0}");

    let mut in_time =
        Table::new(&["strategy", "delay", "backlog", "in time", "whole", "victim", "cheater", "fee"]);
    let mut lines = Vec::new();
    for strategy in Strategy::KNOWN {
        let mut points = Vec::new();
        for delay in DELAYS {
            for backlog in BACKLOGS {
                let stats = estimate(&Game { delay, backlog, ..*game }, strategy, games, seed);
                in_time.push(vec![
                    strategy.name().into(),
                    delay.to_string(),
                    backlog.to_string(),
                    cell(stats.in_time),
                    cell(stats.whole),
                    sat(stats.victim),
                    sat(stats.cheater),
                    sat(stats.fee),
                ]);
                if (backlog - 10.0).abs() < 0.5 {
                    points.push((f64::from(delay).log10(), stats.in_time));
                }
            }
        }
        lines.push(Series { name: strategy.name().into(), points });
    }
    tables.push(("in-time", in_time));
    let axes = ("delay in blocks, as a power of 10", "share of games with the justice in time");
    charts.push((
        "in-time.svg",
        line_chart("Justice in time, backlog of 10 times the mean", axes, &lines, false)?,
    ));

    let mut heat =
        Table::new(&["cheater's newest share", "cheater's old share", "victim", "cheater", "whole"]);
    for newest in [0.0, 0.01, 0.05, 0.1, 0.2, 0.4] {
        for old in [0.2, 0.4, 0.6, 0.8, 0.99] {
            if newest > old {
                continue;
            }
            let capacity = game.capacity;
            let share = |part: f64| scaled(capacity, part);
            let game = Game { cheater_new: share(newest), cheater_old: share(old), backlog: 10.0, ..*game };
            let stats = estimate(&game, Strategy::Scorched, games, seed);
            heat.push(vec![
                newest.to_string(),
                old.to_string(),
                sat(stats.victim),
                sat(stats.cheater),
                cell(stats.whole),
            ]);
        }
    }
    tables.push(("balances", heat));

    let mut reserves = Table::new(&["colluding share", "outside (sat)", "delay", "break-even reserve (sat)"]);
    for colluding in [0.0, 0.5, 0.9, 0.99] {
        for outside in [0, 10_000_000] {
            for delay in [36, 144] {
                let game = Game { colluding, outside, delay, ..*game };
                let found = break_even_reserve(&game, Strategy::Scorched, games, seed);
                let reserve = found.map_or_else(|| "none".to_owned(), |sat| sat.to_string());
                reserves.push(vec![colluding.to_string(), outside.to_string(), delay.to_string(), reserve]);
            }
        }
    }
    tables.push(("reserve", reserves));

    let mut delays = Table::new(&["strategy", "backlog", "least delay for 0.999"]);
    for strategy in Strategy::KNOWN {
        for backlog in BACKLOGS {
            let found = least_delay(&Game { backlog, ..*game }, strategy, 0.999, games, seed);
            let delay = found.map_or_else(|| "over 2016".to_owned(), |delay| delay.to_string());
            delays.push(vec![strategy.name().into(), backlog.to_string(), delay]);
        }
    }
    tables.push(("least-delay", delays));

    let mut bonuses = Table::new(&["bonus (sat)", "backlog", "in time", "cheated", "victim"]);
    for bonus in [0u64, 1_000, 5_000, 20_000, 50_000] {
        for backlog in BACKLOGS {
            let game = Game { backlog, fee_limit: bonus, ..*game };
            let stats = estimate(&game, Strategy::Linear, games, seed);
            bonuses.push(vec![
                bonus.to_string(),
                backlog.to_string(),
                cell(stats.in_time),
                cell(stats.cheated),
                sat(stats.victim),
            ]);
        }
    }
    tables.push(("tower-bonus", bonuses));
    Ok(BreachReport { tables, charts })
}

/// A share of an amount, in thousandths.
fn scaled(capacity: u64, share: f64) -> u64 {
    let thousandths =
        (0..=1_000u64).find(|nth| super::precise(*nth) >= share * 1_000.0 - 0.5).unwrap_or(1_000);
    capacity / 1_000 * thousandths
}
