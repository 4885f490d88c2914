//! Exploration of all states of two models of the override form, with two and with three honest parties. The
//! connections can end at any time, and all messages in transit are then lost. The party with the highest index can be
//! restored from an old backup, without noticing, at any time.

use core::fmt;

use stateright::{Checker, HasDiscoveries, Model, Property};

use super::explored::{Explored, trace};
use super::override_form::{Keeper, KeeperMessage, OverrideRule, Update};
use super::reach;

/// State of the model: all parties of the channel, and the messages in transit between them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    parties: Vec<Keeper>,
    /// Messages in transit, each with the indices of its sender and its receiver. Messages between the same two
    /// parties arrive in order.
    wires: Vec<(u32, u32, KeeperMessage)>,
    backup: Option<Keeper>,
    restored: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    Propose(u32, u32),
    Yield(u32),
    /// A message arrives. The first value is the index of its sender, the second that of its receiver.
    Deliver(u32, u32),
    Reconnect,
    Backup,
    Restore,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Propose(party, content) => write!(f, "party {party} proposes content {content}"),
            Event::Yield(party) => write!(f, "party {party} yields"),
            Event::Deliver(from, to) => write!(f, "party {to} receives from party {from}"),
            Event::Reconnect => f.write_str("new connections"),
            Event::Backup => f.write_str("make a backup"),
            Event::Restore => f.write_str("restore the backup"),
        }
    }
}

struct Game {
    without: Option<OverrideRule>,
    parties: u32,
    bound: u32,
    contents: u32,
}

impl Game {
    fn others(&self, party: u32) -> impl Iterator<Item = u32> {
        (0..self.parties).filter(move |other| *other != party)
    }

    fn broadcast(&self, world: &mut World, from: u32, message: KeeperMessage) {
        world.wires.extend(self.others(from).map(|to| (from, to, message)));
    }

    fn reconnect(&self, world: &mut World) {
        world.parties = world.parties.iter().map(Keeper::started).collect();
        world.wires.clear();
        let shows = |keeper: &Keeper, to| (keeper.party, to, KeeperMessage::Reestablish(keeper.shows(to)));
        let shown =
            world.parties.iter().flat_map(|keeper| self.others(keeper.party).map(|to| shows(keeper, to)));
        world.wires = shown.collect();
    }

    fn deliver(&self, world: &mut World, from: u32, to: u32) -> Option<()> {
        let place =
            world.wires.iter().position(|(sender, receiver, _)| (*sender, *receiver) == (from, to))?;
        let (_, _, message) = world.wires.remove(place);
        let keeper = of(&mut world.parties, to)?;
        match message {
            KeeperMessage::Propose(update, session) => {
                if keeper.proposer(update.0) == from || self.without == Some(OverrideRule::OneProposer) {
                    let signed = keeper.sign(update, session, self.without);
                    world.wires.extend(signed.map(|()| (to, from, KeeperMessage::Part(update.0))));
                }
            }
            KeeperMessage::Part(number) => {
                let done = keeper.part(from, number).is_some() && keeper.complete.0 == number;
                if done {
                    self.broadcast(world, to, KeeperMessage::Complete(number));
                }
            }
            KeeperMessage::Complete(number) => drop(keeper.complete(number)),
            KeeperMessage::Yield(number) => drop(keeper.yielded(number)),
            KeeperMessage::Reestablish(shown) => {
                if keeper.reestablish(from, shown, self.without).is_some() {
                    let again = keeper.sends_again(from, shown);
                    world.wires.extend(again.map(|message| (to, from, message)));
                }
            }
        }
        Some(())
    }
}

fn of(parties: &mut [Keeper], party: u32) -> Option<&mut Keeper> {
    parties.iter_mut().find(|keeper| keeper.party == party)
}

impl Model for Game {
    type State = World;
    type Action = Event;

    fn init_states(&self) -> Vec<World> {
        let parties = (0..self.parties).map(|party| Keeper::new(party, self.parties)).collect();
        vec![World { parties, wires: Vec::new(), backup: None, restored: false }]
    }

    fn actions(&self, world: &World, events: &mut Vec<Event>) {
        for keeper in &world.parties {
            if keeper.top < self.bound {
                events.extend((1..=self.contents).map(|content| Event::Propose(keeper.party, content)));
                events.push(Event::Yield(keeper.party));
            }
            events.extend(self.others(keeper.party).map(|from| Event::Deliver(from, keeper.party)));
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
            Event::Propose(party, content) => {
                let update = of(&mut next.parties, party)?.propose(content, 0, self.without)?;
                self.broadcast(&mut next, party, KeeperMessage::Propose(update, 0));
            }
            Event::Yield(party) => {
                let number = of(&mut next.parties, party)?.give_way(self.without)?;
                self.broadcast(&mut next, party, KeeperMessage::Yield(number));
            }
            Event::Deliver(from, to) => self.deliver(&mut next, from, to)?,
            Event::Reconnect => self.reconnect(&mut next),
            Event::Backup => next.backup = next.parties.last().cloned(),
            Event::Restore => {
                *next.parties.last_mut()? = next.backup.take()?;
                next.restored = true;
                self.reconnect(&mut next);
            }
        }
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Game>> {
        vec![Property::always(TWO_CONTENTS, |_: &Game, world: &World| {
            let open = |keeper: &Keeper| keeper.attempt.map(|signed| signed.update);
            let all: Vec<Update> = world
                .parties
                .iter()
                .flat_map(|keeper| [Some(keeper.complete), open(keeper)])
                .flatten()
                .collect();
            !all.iter().any(|one| all.iter().any(|other| one.0 == other.0 && one.1 != other.1))
        })]
    }
}

const TWO_CONTENTS: &str = "honest parties have different contents under one number";
const STUCK: &str = "honest parties get stuck: no further update can be completed";

/// Explores a channel of two honest parties up to the state number `last`. Then explores a channel of three honest
/// parties up to the state number 2, or `last` if that is lower.
pub(super) fn explore(without: Option<OverrideRule>, last: u32) -> Explored {
    let mut states = 0;
    for (parties, bound, contents) in [(2, last, 2), (3, last.min(2), 1)] {
        let game = Game { without, parties, bound, contents };
        let reached = reach::explore(&game, |world| {
            world.parties.iter().all(|keeper| keeper.top == bound && keeper.attempt.is_none())
        });
        let checker = game.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
        states += checker.unique_state_count();
        if let Some(path) = checker.discovery(TWO_CONTENTS) {
            return Explored {
                states,
                loss: Some(TWO_CONTENTS),
                trace: trace(checker.model(), TWO_CONTENTS, path),
            };
        }
        states += reached.states;
        if let Some(way) = reached.stuck {
            let trace = way.iter().map(Event::to_string).collect();
            return Explored { states, loss: Some(STUCK), trace };
        }
    }
    Explored { states, loss: None, trace: Vec::new() }
}
