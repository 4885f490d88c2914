//! Exploration of all states of a model with two honest parties of the signed sequence channel. The connection can end
//! at any time, and all messages in transit are then lost. One of the parties can be restored from an old backup,
//! without noticing, at any time.
//!
//! The checked properties are: the parties never have different contents for one state number, at least one party
//! notices a restore that lost data, and the parties never get stuck.

use core::fmt;

use stateright::{Checker, HasDiscoveries, Model, Property};

use super::explored::{Explored, trace};
use super::message::Message;
use super::party::Party;
use super::{Rules, reach};

/// Identifiers of the two contents that a party can propose in this model. A content is the balances and HTLCs of a
/// state.
const CONTENTS: [u32; 2] = [1, 2];

/// State of the model: the two honest parties, and the messages in transit between them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    sides: [Party; 2],
    /// Messages in transit, by the index of the party that receives them.
    wires: [Vec<Message>; 2],
    backup: Option<Party>,
    restored: bool,
    /// Whether a party was restored and the other party has not shown its signatures since the restore.
    unsure: bool,
    /// Index of the party that published its commitment transaction, and the state number of that transaction. `None`
    /// while nobody published.
    published: Option<(usize, u32)>,
}

/// A transition of the model with two honest parties, which have the indices 0 and 1.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    Propose(usize, u32),
    Yield(usize),
    Deliver(usize),
    Reconnect,
    Backup,
    Restore,
    Close(usize),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Propose(side, content) => write!(f, "party {side} proposes content {content}"),
            Event::Yield(side) => write!(f, "party {side} yields"),
            Event::Deliver(side) => write!(f, "party {side} receives"),
            Event::Reconnect => f.write_str("a new connection"),
            Event::Backup => f.write_str("make a backup"),
            Event::Restore => f.write_str("restore the backup"),
            Event::Close(side) => write!(f, "party {side} publishes"),
        }
    }
}

struct Game {
    rules: Rules,
    /// Highest state number that the exploration reaches.
    bound: u32,
    /// Index of the party that can be restored from a backup.
    restores: usize,
    /// Whether the parties may publish their commitment transactions. They may not while the model is checked for
    /// states in which the parties are stuck.
    closes: bool,
}

impl Game {
    /// Delivers the next message to party `to`, which may answer. Returns `None` if no message is in transit to this
    /// party.
    fn deliver(&self, world: &mut World, to: usize) -> Option<()> {
        let (wire, back) = split(&mut world.wires, to);
        let message = if wire.is_empty() { return None } else { wire.remove(0) };
        let side = world.sides.get_mut(to)?;
        // A refused message has no answer.
        if side.receive(&message, self.rules).is_err() {
            return Some(());
        }
        match message {
            Message::Propose { number, .. } => {
                back.push(Message::Accept { number, signature: true, fundings: side.fundings });
            }
            Message::Accept { number, .. } => back.push(Message::Finish { number }),
            Message::Reestablish(shown) => {
                world.unsure &= to != self.restores;
                back.extend(side.sends_again(shown));
            }
            Message::Finish { .. }
            | Message::Yield { .. }
            | Message::Again { .. }
            | Message::Sign { .. }
            | Message::DataLost => {}
        }
        Some(())
    }

    /// Starts a new connection. All messages in transit are lost, and each party shows which signatures it has.
    fn reconnect(world: &mut World) {
        world.sides = world.sides.each_ref().map(|side| Party::started(side, None));
        let [first, second] = world.sides.each_ref().map(|side| Message::Reestablish(side.shows()));
        world.wires = [vec![second], vec![first]];
    }
}

/// Returns the element of a pair with index `which`, then the other element.
fn split<T>(both: &mut [T; 2], which: usize) -> (&mut T, &mut T) {
    let [first, second] = both;
    if which == 0 { (first, second) } else { (second, first) }
}

impl Model for Game {
    type State = World;
    type Action = Event;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            sides: [Party::new(0, 1), Party::new(1, 1)],
            wires: [vec![], vec![]],
            backup: None,
            restored: false,
            unsure: false,
            published: None,
        }]
    }

    fn actions(&self, world: &World, events: &mut Vec<Event>) {
        if world.published.is_some() {
            return;
        }
        for (nth, side) in world.sides.iter().enumerate() {
            if side.top < self.bound {
                events.extend(CONTENTS.map(|content| Event::Propose(nth, content)));
                events.push(Event::Yield(nth));
            }
            events.push(Event::Deliver(nth));
            if self.closes && !(world.unsure && nth == self.restores) {
                events.push(Event::Close(nth));
            }
        }
        events.push(Event::Reconnect);
        match (world.restored, &world.backup) {
            (false, None) => events.push(Event::Backup),
            (false, Some(_)) => events.push(Event::Restore),
            _ => {}
        }
    }

    fn next_state(&self, world: &World, event: Event) -> Option<World> {
        let mut next = world.clone();
        match event {
            Event::Propose(nth, content) => {
                let side = next.sides.get_mut(nth)?;
                side.propose(content, self.rules).ok()?;
                let number = side.attempt?.number;
                let propose = Message::Propose { number, content, fundings: side.fundings, asked: content };
                split(&mut next.wires, nth).1.push(propose);
            }
            Event::Yield(nth) => {
                let side = next.sides.get_mut(nth)?;
                side.give_way(self.rules).ok()?;
                let number = side.top;
                split(&mut next.wires, nth).1.push(Message::Yield { number });
            }
            Event::Deliver(nth) => self.deliver(&mut next, nth)?,
            Event::Reconnect => Game::reconnect(&mut next),
            Event::Backup => next.backup = next.sides.get(self.restores).cloned(),
            Event::Restore => {
                *next.sides.get_mut(self.restores)? = next.backup.take()?;
                (next.restored, next.unsure) = (true, true);
                Game::reconnect(&mut next);
            }
            Event::Close(nth) => {
                let version = next.sides.get_mut(nth)?.close(self.rules).ok()??;
                next.published = Some((nth, version.number));
            }
        }
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Game>> {
        vec![
            Property::always(PUNISHED, |_: &Game, world: &World| {
                world.published.is_none_or(|(side, number)| number >= evidence(world, 1 - side.min(1)))
            }),
            Property::always(TWO_CONTENTS, |_: &Game, world: &World| {
                let [first, second] = world.sides.each_ref().map(contents);
                let differ = |a: &(u32, u32), b: &(u32, u32)| a.0 == b.0 && a.1 != b.1;
                !first.iter().any(|a| second.iter().any(|b| differ(a, b)))
            }),
            Property::always(UNNOTICED, |game: &Game, world: &World| is_noticed(game, world)),
        ]
    }

    fn within_boundary(&self, world: &World) -> bool {
        world.wires.iter().all(|wire| wire.len() <= 3)
    }
}

const PUNISHED: &str = "confiscation: one of two honest parties publishes what the other punishes";
const TWO_CONTENTS: &str = "two honest parties have different contents under one number";
const UNNOTICED: &str = "a rollback is noticed by neither party";
const STUCK: &str = "two honest parties get stuck: no further update can be finished";

/// Returns the highest state number for which party `nth` has the other party's revocation signature or will receive
/// it. Messages in transit count, because they may arrive.
fn evidence(world: &World, nth: usize) -> u32 {
    let on_the_way = world.wires.get(nth).into_iter().flatten().map(|message| match message {
        Message::Accept { number, .. } | Message::Finish { number } => *number,
        _ => 0,
    });
    let held = world.sides.get(nth).map(|side| side.evidence);
    on_the_way.chain(held).max().unwrap_or_default()
}

/// Returns the state that a party attempts, if there is one, and then the state that it finished last. Each is given as
/// its state number and the identifier of its balances and HTLCs.
fn contents(side: &Party) -> Vec<(u32, u32)> {
    let attempt = side.attempt.map(|attempt| (attempt.number, attempt.content));
    attempt.into_iter().chain([side.agreed]).collect()
}

/// Property: if a restore lost data, at least one party knows this after both have shown their signatures. Data is lost
/// if the restored party forgot a signature that it gave and that the other party has. Data is also lost if the
/// restored party forgot a revocation signature, and the other party knows that it was received.
fn is_noticed(game: &Game, world: &World) -> bool {
    let (restored, other) = match (game.restores, &world.sides) {
        (0, [first, second]) => (first, second),
        (_, [first, second]) => (second, first),
    };
    let has = other.shows();
    let forgot =
        has.number > restored.signed || has.part > restored.given() || restored.evidence < other.peer_has;
    let heard = restored.heard && other.heard;
    !(world.restored && heard && forgot) || restored.lost_data || other.peer_lost
}

/// Property: all state numbers are used, or at least one party knows that data was lost and at least one party can
/// still publish.
fn is_done(world: &World, bound: u32) -> bool {
    let used = world.sides.iter().all(|side| side.top == bound && side.attempt.is_none());
    let known = world.sides.iter().any(|side| side.lost_data || side.peer_lost);
    used || known && world.sides.iter().any(|side| !side.lost_data)
}

/// Explores all states of the model with two honest parties up to the state number `bound`. Also checks that they
/// never get stuck.
pub(super) fn explore(rules: Rules, bound: u32) -> Explored {
    let mut states = 0;
    for restores in [0, 1] {
        let game = Game { rules, bound, restores, closes: true };
        let checker = game.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
        states += checker.unique_state_count();
        let losses = [PUNISHED, TWO_CONTENTS, UNNOTICED];
        let found = losses.iter().find_map(|loss| checker.discovery(loss).map(|path| (*loss, path)));
        if let Some((loss, path)) = found {
            return Explored { states, loss: Some(loss), trace: trace(checker.model(), loss, path) };
        }
        let reached =
            reach::explore(&Game { rules, bound, restores, closes: false }, |world| is_done(world, bound));
        states += reached.states;
        if let Some(way) = reached.stuck {
            let trace = way.iter().map(Event::to_string).collect();
            return Explored { states, loss: Some(STUCK), trace };
        }
    }
    Explored { states, loss: None, trace: Vec::new() }
}
