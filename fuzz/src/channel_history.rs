//! Fuzz target for channels, with two forms of input.
//!
//! In the first form, a random history of updates ends with an attacker that publishes any state that it once had. The
//! attacker then continues with the transactions of this state as long as possible. The target checks these
//! properties:
//!
//! - Only the channel's parties gain: all payouts together never exceed the capacity.
//! - In the default construction (signed sequence commitments) an old state never wins. The attacker never receives
//!   more than its balance in the latest state. The victim never receives less than its balance, except for fees.
//! - The latest state is never contested, and no party receives more than its balance in it.
//!
//! In the second form, the adversary makes a sequence of moves against the code of a client and its watchtower. The
//! target checks that the honest side then has at least its worst acceptable outcome minus fees. It also checks that
//! no satoshi are left that nobody can spend.
//!
//! The first byte of the fuzz input selects the form. A history then has the construction (a byte), the number of
//! updates (a byte), and a balance for each update (2 bytes). The rest of a history is a byte each for the attacker,
//! the published state, whether the watchtower answers instead of the client, and the number of steps that the
//! attacker continues before the answer. A sequence of moves has the construction, the scenario, and a byte for each
//! move.

use std::cell::RefCell;
use std::collections::BTreeMap;

use bitcoin::Transaction;
use sigstack_channel::adversary::{Budget, Opening, scenarios};
use sigstack_channel::model::{Construction, Content, KINDS, Kind, Setup, Stage, Step};

use crate::bytes::Reader;

/// Capacity of the channel in satoshi.
const CAPACITY: u64 = 1_000_000;
/// Minimum balance of each party in satoshi. With this balance no output is dust, and the opener can pay for anchors.
const RESERVE: u64 = 10_000;
/// Maximum number of updates in the history that a fuzz input describes.
const MAX_UPDATES: usize = 6;
/// Maximum fees in satoshi that the transactions of a close may take from the victim's balance.
const FEES: u64 = 3_000;
/// Contest delay of the channel in blocks.
const DELAY: u16 = 144;

struct History {
    name: &'static str,
    kind: Kind,
    channel: Box<dyn Construction>,
    /// Balance of the first party in each state, in satoshi. The index is the state number.
    balances: Vec<u64>,
}

impl History {
    fn read(reader: &mut Reader<'_>) -> History {
        // Half of the numbers select the default construction.
        let number = reader.below(2 * KINDS.len());
        let default = || KINDS.iter().find(|(name, _)| *name == "sequence-ctv").expect("it is in the table");
        let (name, kind) = *KINDS.get(number).unwrap_or_else(default);
        let setup = Setup::named("fuzz", 2, CAPACITY, DELAY).expect("two parties");
        let content = |balance: u64| Content::of(&[balance, CAPACITY - balance]);
        let mut balances = vec![600_000];
        let mut channel = kind.build(setup, content(600_000)).expect("the first state is allowed");
        let mut stage = Stage::new(channel.as_ref()).expect("a chain");
        stage.open(channel.as_mut()).expect("the channel opens");
        for _ in 0..reader.below(MAX_UPDATES + 1) {
            let share = u64::from(reader.u16());
            let balance = RESERVE + share * (CAPACITY - 2 * RESERVE) / u64::from(u16::MAX);
            channel.update(content(balance)).expect("the split is allowed");
            balances.push(balance);
        }
        History { name, kind, channel, balances }
    }

    /// Returns a new simulated chain on which this channel is open.
    fn stage(&mut self) -> Stage {
        let mut stage = Stage::new(self.channel.as_ref()).expect("a chain");
        stage.open(self.channel.as_mut()).expect("the channel opens");
        stage
    }

    fn owed(&self, party: usize) -> u64 {
        let first = *self.balances.last().expect("there is a first state");
        if party == 0 { first } else { CAPACITY - first }
    }

    fn newest(&self) -> u32 {
        self.balances.len() as u32 - 1
    }
}

/// Runs the fuzz target `channel_history` on one fuzz input. Panics if one of the properties that the documentation of
/// this module states is violated.
pub fn run(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    if reader.bool() {
        return line(&mut reader);
    }
    let mut history = History::read(&mut reader);
    let attacker = reader.below(2);
    let state = u32::from(reader.byte()) % (history.newest() + 1);
    let (by_tower, head_start) = (reader.bool(), reader.below(3));
    let mut stage = history.stage();
    let steps = history.channel.close(attacker, state).expect("it once held this state");
    if state == history.newest() {
        check_newest(&history, &mut stage, attacker, steps);
    } else {
        attack(&history, &mut stage, attacker, steps, by_tower, head_start);
    }
    let paid = [0, 1].map(|party| stage.paid(history.channel.as_ref(), party));
    assert!(paid[0] + paid[1] <= CAPACITY, "{}: {paid:?} of {CAPACITY}", history.name);
}

/// Limits on the moves of the corrupted side in one fuzz input. They are higher than in an exhaustive search.
const BUDGET: Budget = Budget { moves: 8, blocks: 8, pins: 1, absent: 4, reorganisations: 2 };

thread_local! {
    /// Initial states ([`Opening`]) that were already built, by the indices of the construction and of the scenario.
    /// `None` if the scenario does not apply to the construction.
    static OPENINGS: RefCell<BTreeMap<(usize, usize), Option<Opening>>> = const { RefCell::new(BTreeMap::new()) };
}

/// Runs the sequence of the adversary's moves that a fuzz input describes. Each move is chosen by a byte of the input.
fn line(reader: &mut Reader<'_>) {
    let names: Vec<&str> = scenarios().collect();
    let (construction, scenario) = (reader.below(KINDS.len()), reader.below(names.len()));
    let (name, kind) = KINDS[construction];
    OPENINGS.with_borrow_mut(|openings| {
        let build = || Opening::new(kind, names[scenario], BUDGET).expect("the scenario is possible");
        let opening = openings.entry((construction, scenario)).or_insert_with(build);
        let Some(opening) = opening else { return };
        let mut moves = 0;
        let found = opening.walk(&mut |next| {
            moves += 1;
            (next > 0 && moves <= 16)
                .then(|| usize::from(reader.byte()))
                .filter(|byte| *byte > 0)
                .map(|byte| byte % next)
        });
        if let Some((loss, trace)) = found {
            panic!("{name}, {}: {loss}: {}", names[scenario], trace.join("; "));
        }
    });
}

fn check_newest(history: &History, stage: &mut Stage, by: usize, steps: Vec<Step>) {
    let channel = history.channel.as_ref();
    let name = history.name;
    // In constructions whose locks order the states, the other party continues the same path after the kickoff transaction.
    let continues = matches!(history.kind, Kind::Bip68(..) | Kind::Tree(..));
    let answer = channel.contest(1 - by, &steps[0].tx).expect("what is kept is not damaged");
    assert!(answer.is_none() || continues, "{name}: the newest state is contested");
    stage.publish_all(steps).unwrap_or_else(|error| panic!("{name}: {error}"));
    for party in [0, 1] {
        let (paid, owed) = (stage.paid(channel, party), history.owed(party));
        assert!(paid <= owed, "{name}: party {party} is paid {paid}, owed {owed}");
    }
}

/// Simulates a breach: the attacker publishes an old state, and the victim or its watchtower answers. Then the
/// attacker continues with the transactions of the old state as far as it can.
fn attack(
    history: &History,
    stage: &mut Stage,
    attacker: usize,
    steps: Vec<Step>,
    by_tower: bool,
    head_start: usize,
) {
    let channel = history.channel.as_ref();
    let (name, victim) = (history.name, 1 - attacker);
    let mut old = steps.into_iter();
    let first = old.next().expect("a close has a step");
    let published: Transaction = first.tx.clone();
    stage.publish(first).unwrap_or_else(|error| panic!("{name}: {error}"));
    // Before the answer confirms, the attacker tries to continue at once, although its delays have not expired.
    for step in old.clone().take(head_start) {
        let _ = stage.chain.submit(step.tx);
    }
    let answer = match by_tower {
        true => channel.tower_contest(victim, &published),
        false => channel.contest(victim, &published),
    };
    let answered = answer.expect("what is kept is not damaged");
    let is_default = matches!(history.kind, Kind::SignedSequence(_));
    let Some(answer) = answered else {
        assert!(by_tower, "{name}: an old state is not answered");
        return;
    };
    stage.publish_all(answer).unwrap_or_else(|error| panic!("{name}: {error}"));
    // The attacker continues with its old state and waits for every delay.
    for step in old {
        let _ = stage.publish(step);
    }
    if is_default {
        let paid = [attacker, victim].map(|party| stage.paid(channel, party));
        let owed = [attacker, victim].map(|party| history.owed(party));
        assert!(paid[0] <= owed[0], "{name}: the attacker is paid {}, owed {}", paid[0], owed[0]);
        assert!(
            by_tower || paid[1] + FEES >= owed[1],
            "{name}: the victim is paid {}, owed {}",
            paid[1],
            owed[1]
        );
    }
}
