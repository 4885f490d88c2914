//! Results of the breach game as tables and charts.

use super::contrast::{htlc_fights, symmetry_costs};
use super::{Game, Miners, Payer, Strategy, break_even_reserve, estimate, least_delay, precise, race};
use crate::bounds::GAMES;
use crate::compare::{Axes, HeatMap, Series, Table, heat_chart, line_chart};
use crate::error::ChannelError;
use crate::model::PlayError;

/// A report of breach games: named tables, and charts with their file names.
#[derive(Clone, Debug)]
pub struct BreachReport {
    /// Tables in order, each with its name and title.
    pub tables: Vec<(&'static str, &'static str, Table)>,
    /// Charts as SVG, each with its file name.
    pub charts: Vec<(&'static str, String)>,
}

const DELAYS: [u32; 8] = [3, 6, 12, 36, 72, 144, 288, 1008];
const BACKLOGS: [f64; 5] = [1.0, 2.0, 5.0, 10.0, 50.0];
/// Initial market feerate, as a multiple of the mean, in tables that vary another parameter.
const BUSY: f64 = 10.0;
/// Minimum share of games in which the justice transaction must confirm in time. A delay with at least this share
/// counts as long enough.
const SAFE: f64 = 0.9999;

/// Parameters of the games, and the tables and charts made so far.
struct Reporter {
    game: Game,
    games: u32,
    seed: u64,
    report: BreachReport,
}

fn share(value: f64) -> String {
    format!("{value:.4}")
}

fn sat(value: f64) -> String {
    let text = format!("{value:.0}");
    if text == "-0" { "0".to_owned() } else { text }
}

/// A function that computes one table and adds it to the report.
type MakeTable = fn(&mut Reporter) -> Result<(), PlayError>;

/// Tables of a report in order: name of each table, and function that computes it.
const STEPS: [(&str, MakeTable); 11] = [
    ("in-time", Reporter::in_time),
    ("balances", Reporter::balances),
    ("reserve", Reporter::reserves),
    ("fees", Reporter::fees),
    ("least-delay", Reporter::least_delays),
    ("htlc-fights", Reporter::fights),
    ("tower-ladder", Reporter::ladders),
    ("flood", Reporter::floods),
    ("bribes", Reporter::bribes),
    ("race", Reporter::races),
    ("symmetry", Reporter::symmetry),
];

/// Returns the names of a report's tables in order.
pub fn tables() -> impl ExactSizeIterator<Item = &'static str> {
    STEPS.iter().map(|(name, _)| *name)
}

/// Returns a text that explains the columns of a table of the report and their units. `table` is the table's name.
/// `None` if the column headings need no explanation.
pub fn columns(table: &str) -> Option<&'static str> {
    Some(match table {
        "in-time" => {
            "in time: share of games in which the justice confirmed within the delay; whole: share in which the victim lost nothing; \
             victim, cheater: their gain, in mean satoshi per game; fee: of the justice, in mean satoshi where it confirmed"
        }
        "balances" => {
            "victim, cheater: their gain, in mean satoshi per game; whole: share of games in which the victim lost nothing; \
             fee: of the justice, in mean satoshi where it confirmed"
        }
        "fees" => "fee: of the justice, in mean satoshi where it confirmed",
        "tower-ladder" => {
            "own coins: in satoshi; in time: share of games in which the justice confirmed within the delay; cheated: share in which \
             the cheat succeeded; victim, tower: their gain, in mean satoshi per game; fee: of the justice, in mean satoshi where it \
             confirmed"
        }
        "flood" => {
            "cheated: share of games in which the cheat succeeded; burnt: by the cheater, in mean satoshi per game; cheater: its gain, \
             in mean satoshi per game"
        }
        "bribes" => {
            "victim's rate: in sat/vB; cheated: share of games in which the cheat succeeded; victim, cheater: their gain, in mean \
             satoshi per game"
        }
        "race" => "let it confirm, publish the newest: the victim's gain, in mean satoshi per game",
        _ => return None,
    })
}

/// Computes the whole report. Most averages are over `games` games. The table "balances" uses a quarter of this
/// number for each row, and the table "flood" uses half of it. The table "least-delay" uses at least 20,000 games,
/// unless `games` is below 100. `progress` is called with the name of each table before the table is computed.
///
/// # Errors
///
/// [`PlayError`] if a parameter is out of range, a chart cannot be drawn, or a channel cannot be simulated.
pub fn report(
    game: &Game,
    games: u32,
    seed: u64,
    progress: &dyn Fn(&str),
) -> Result<BreachReport, PlayError> {
    game.check()?;
    ChannelError::check("games", &GAMES, games)?;
    let report = BreachReport { tables: Vec::new(), charts: Vec::new() };
    let mut reporter = Reporter { game: *game, games, seed, report };
    for (name, make) in STEPS {
        progress(name);
        make(&mut reporter)?;
    }
    Ok(reporter.report)
}

impl Reporter {
    fn table(&mut self, name: &'static str, shows: &'static str, table: Table) {
        self.report.tables.push((name, shows, table));
    }

    fn symmetry(&mut self) -> Result<(), PlayError> {
        let table = symmetry_costs(&self.game)?;
        self.table("symmetry", "LN-Symmetry: costs of stale updates for both sides", table);
        Ok(())
    }

    fn in_time(&mut self) -> Result<(), PlayError> {
        let mut table =
            Table::new(&["strategy", "delay", "backlog", "in time", "whole", "victim", "cheater", "fee"]);
        let mut lines = Vec::new();
        for strategy in Strategy::KNOWN {
            let mut points = Vec::new();
            for delay in DELAYS {
                for backlog in BACKLOGS {
                    let game = Game { delay, backlog, ..self.game };
                    let stats = estimate(&game, strategy, self.games, self.seed);
                    table.push(vec![
                        strategy.name().into(),
                        delay.to_string(),
                        backlog.to_string(),
                        share(stats.in_time),
                        share(stats.whole),
                        sat(stats.victim),
                        sat(stats.cheater),
                        sat(stats.fee),
                    ]);
                    if (backlog - BUSY).abs() < 0.5 {
                        points.push((f64::from(delay), stats.in_time));
                    }
                }
            }
            lines.push(Series::new(strategy.name(), strategy.name(), points));
        }
        let shows = "the justice in time, by strategy, delay (blocks) and backlog (times the mean rate)";
        self.table("in-time", shows, table);
        let axes = Axes {
            title: "Justice in time, backlog of 10 times the mean rate",
            x: "delay (blocks)",
            y: "share of games",
            log_x: true,
            log_y: false,
        };
        self.report.charts.push(("in-time.svg", line_chart(&axes, &lines)?));
        Ok(())
    }

    /// Adds the table "balances": mean gains of both sides for each pair of the cheater's balances in the old and in
    /// the latest state. Also draws these gains as two charts.
    fn balances(&mut self) -> Result<(), PlayError> {
        let headings = ["cheater's newest share", "cheater's old share", "victim", "cheater", "whole", "fee"];
        let mut table = Table::new(&headings);
        let columns: Vec<f64> = (0..=20u32).map(|nth| f64::from(nth) * 0.01).collect();
        let rows: Vec<f64> = (4..=19u32).map(|nth| f64::from(nth) * 0.05).collect();
        let (mut victims, mut cheaters, mut line) = (Vec::new(), Vec::new(), Vec::new());
        for old in &rows {
            let (mut victim, mut cheater, mut met) = (Vec::new(), Vec::new(), None);
            for newest in &columns {
                let part = |share: f64| scaled(self.game.capacity, share);
                let game =
                    Game { cheater_new: part(*newest), cheater_old: part(*old), backlog: BUSY, ..self.game };
                let stats = estimate(&game, Strategy::Follow, self.games.div_ceil(4), self.seed);
                victim.push(Some(stats.victim));
                cheater.push(Some(stats.cheater));
                if met.is_none() && stats.fee <= game.reserve() {
                    met = Some(*newest);
                }
                table.push(vec![
                    format!("{newest:.2}"),
                    format!("{old:.2}"),
                    sat(stats.victim),
                    sat(stats.cheater),
                    share(stats.whole),
                    sat(stats.fee),
                ]);
            }
            line.extend(met.map(|newest| (newest, *old)));
            victims.push(victim);
            cheaters.push(cheater);
        }
        let shows = "mean gains by the cheater's share of the channel, newest and old; backlog 10, follows the market";
        self.table("balances", shows, table);
        let line = Series::new("", "mean fee = newest balance", line);
        for (file, title, values) in [
            ("victim.svg", "The victim's mean gain, backlog of 10", victims),
            ("cheater.svg", "The cheater's mean gain, backlog of 10", cheaters),
        ] {
            let axes = Axes {
                title,
                x: "cheater's newest balance, share of the channel",
                y: "its balance in the old state",
                log_x: false,
                log_y: false,
            };
            let map = HeatMap { columns: columns.clone(), rows: rows.clone(), values, line: line.clone() };
            self.report.charts.push((file, heat_chart(&axes, &map)?));
        }
        Ok(())
    }

    fn reserves(&mut self) -> Result<(), PlayError> {
        let mut table = Table::new(&["strategy", "colluding share", "delay", "break-even reserve (sat)"]);
        for strategy in [Strategy::Fixed(20.0), Strategy::Follow] {
            for colluding in [0.0, 0.5, 0.9, 0.99, 1.0] {
                for delay in [6, 36, 144] {
                    let miners = Miners::Colluding(colluding, 0);
                    let game = Game { miners, delay, ..self.game };
                    let found = break_even_reserve(&game, strategy, self.games, self.seed);
                    table.push(vec![
                        strategy.name().into(),
                        colluding.to_string(),
                        delay.to_string(),
                        found.map_or_else(|| "none".to_owned(), |sat| sat.to_string()),
                    ]);
                }
            }
        }
        let shows = "the least newest balance of the cheater at which cheating loses on average";
        self.table("reserve", shows, table);
        Ok(())
    }

    fn fees(&mut self) -> Result<(), PlayError> {
        let mut table = Table::new(&["strategy", "backlog", "fee (sat)", "share of the channel"]);
        let mut lines = Vec::new();
        for strategy in Strategy::KNOWN {
            let mut points = Vec::new();
            for backlog in [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0] {
                let stats = estimate(&Game { backlog, ..self.game }, strategy, self.games, self.seed);
                points.push((backlog, stats.fee.max(1.0)));
                let part = stats.fee / precise(self.game.capacity.max(1));
                table.push(vec![strategy.name().into(), backlog.to_string(), sat(stats.fee), share(part)]);
            }
            lines.push(Series::new(strategy.name(), strategy.name(), points));
        }
        self.table("fees", "what miners get of the channel, where the justice confirms", table);
        let axes = Axes {
            title: "Mean fee of the justice",
            x: "backlog (times the mean rate)",
            y: "fee (sat)",
            log_x: true,
            log_y: true,
        };
        self.report.charts.push(("fees.svg", line_chart(&axes, &lines)?));
        Ok(())
    }

    fn least_delays(&mut self) -> Result<(), PlayError> {
        let mut table = Table::new(&["strategy", "backlog", "least delay for 0.9999 (blocks)"]);
        for strategy in Strategy::KNOWN {
            for backlog in BACKLOGS {
                let game = Game { backlog, ..self.game };
                // Fewer games cannot show a share as small as 1 in 10,000. A trial run (less than 100 games)
                // is not extended.
                let games = if self.games < 100 { self.games } else { self.games.max(20_000) };
                let found = least_delay(&game, strategy, SAFE, games, self.seed);
                let delay = found.map_or_else(|| "over 2016".to_owned(), |delay| delay.to_string());
                table.push(vec![strategy.name().into(), backlog.to_string(), delay]);
            }
        }
        self.table("least-delay", "the delay that is long enough", table);
        Ok(())
    }

    fn fights(&mut self) -> Result<(), PlayError> {
        let shows = "a pin on one HTLC output of an old commitment: what it costs the victim";
        let table = htlc_fights(&self.game)?;
        self.table("htlc-fights", shows, table);
        Ok(())
    }

    /// Adds the table of games in which the watchtower publishes one of several presigned justice transactions. Each
    /// has an anchor output that contains the tower's bonus. The bonus is the same in all blocks or higher in later
    /// blocks.
    fn ladders(&mut self) -> Result<(), PlayError> {
        let mut table = Table::new(&[
            "bonus (sat)",
            "own coins",
            "backlog",
            "in time",
            "cheated",
            "victim",
            "tower",
            "fee",
        ]);
        let end = self.game.delay;
        let flat = |sat: u64| [(0, sat), (0, sat), (0, sat)];
        let all = self.game.capacity;
        let ladders = [
            ("0", flat(0)),
            ("5000", flat(5_000)),
            ("50000", flat(50_000)),
            ("2000, from T/2 10000, from 3T/4 50000", [(0, 2_000), (end / 2, 10_000), (3 * end / 4, 50_000)]),
            ("2000, from T/2 10000, from 3T/4 all", [(0, 2_000), (end / 2, 10_000), (3 * end / 4, all)]),
        ];
        for (name, ladder) in ladders {
            for coins in [0, 50_000] {
                for backlog in [1.0, BUSY, 50.0] {
                    let payer = Payer::Fixed { ladder, coins };
                    let game = Game { payer, backlog, ..self.game };
                    let stats = estimate(&game, Strategy::Follow, self.games, self.seed);
                    table.push(vec![
                        name.to_owned(),
                        coins.to_string(),
                        backlog.to_string(),
                        share(stats.in_time),
                        share(stats.cheated),
                        sat(stats.victim),
                        sat(stats.tower),
                        sat(stats.fee),
                    ]);
                }
            }
        }
        let shows = "a tower with fixed transactions: what the bonus and coins from outside buy";
        self.table("tower-ladder", shows, table);
        Ok(())
    }

    /// Adds the table of games in which the cheater has unlimited outside funds, and floods blocks where this is
    /// profitable.
    fn floods(&mut self) -> Result<(), PlayError> {
        let mut table =
            Table::new(&["capacity (sat)", "strategy", "delay", "cheated", "burnt (sat)", "cheater (sat)"]);
        for scale in [1u64, 100, 1_000, 10_000] {
            for strategy in [Strategy::Fixed(20.0), Strategy::Follow, Strategy::Scorched] {
                for delay in [6, 36, 144] {
                    let capacity = self.game.capacity.saturating_mul(scale);
                    let game = Game {
                        capacity,
                        cheater_old: self.game.cheater_old.saturating_mul(scale),
                        cheater_new: self.game.cheater_new.saturating_mul(scale),
                        outside: u64::MAX >> 12,
                        delay,
                        ..self.game
                    };
                    let stats = estimate(&game, strategy, self.games.div_ceil(2), self.seed);
                    table.push(vec![
                        capacity.to_string(),
                        strategy.name().into(),
                        delay.to_string(),
                        share(stats.cheated),
                        sat(stats.burnt),
                        sat(stats.cheater),
                    ]);
                }
            }
        }
        self.table("flood", "a cheater with unlimited money that floods blocks where it gains by it", table);
        Ok(())
    }

    /// Adds the table of games in which the cheater bribes miners. The bribe is paid after the delay, and each miner
    /// compares its share of the bribe with the justice fee.
    fn bribes(&mut self) -> Result<(), PlayError> {
        let headings =
            ["each miner's share", "bribed share", "victim's rate", "cheated", "victim", "cheater"];
        let mut table = Table::new(&headings);
        for each in [0.01, 0.05, 0.2, 0.3] {
            for bribed in [0.5, 1.0] {
                for rate in [20.0, 100.0, 500.0, 2_000.0] {
                    let game = Game { miners: Miners::Bribed(bribed, each), ..self.game };
                    let stats = estimate(&game, Strategy::Fixed(rate), self.games, self.seed);
                    table.push(vec![
                        each.to_string(),
                        bribed.to_string(),
                        rate.to_string(),
                        share(stats.cheated),
                        sat(stats.victim),
                        sat(stats.cheater),
                    ]);
                }
            }
        }
        self.table("bribes", "a bribe of up to the cheater's gain, paid after the delay", table);
        Ok(())
    }

    fn races(&mut self) -> Result<(), PlayError> {
        let headings =
            ["colluding share", "delay", "backlog", "let it confirm", "publish the newest", "better"];
        let mut table = Table::new(&headings);
        for colluding in [0.0, 0.9, 0.99, 1.0] {
            for delay in [6, 144] {
                for backlog in [1.0, BUSY] {
                    let miners = Miners::Colluding(colluding, 0);
                    let game = Game { miners, delay, backlog, ..self.game };
                    let race = race(&game, Strategy::Follow, self.games, self.seed);
                    let better = match race.let_confirm > race.publish_own {
                        true => "let it confirm",
                        false => "publish the newest",
                    };
                    table.push(vec![
                        colluding.to_string(),
                        delay.to_string(),
                        backlog.to_string(),
                        sat(race.let_confirm),
                        sat(race.publish_own),
                        better.to_owned(),
                    ]);
                }
            }
        }
        let shows = "an old commitment still in the mempool: what each answer brings the victim (sat)";
        self.table("race", shows, table);
        Ok(())
    }
}

/// Returns `capacity` times `share` (0 to 1), in satoshi. `share` is rounded to thousandths.
fn scaled(capacity: u64, share: f64) -> u64 {
    let thousandths = (0..=1_000u64).find(|nth| precise(*nth) >= share * 1_000.0 - 0.5).unwrap_or(1_000);
    capacity / 1_000 * thousandths
}
