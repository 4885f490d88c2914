//! Exhaustive exploration of one honest party against an adversary.
//!
//! The adversary is the peer and the network: it sends anything at any time or nothing, keeps all that it was given, and can
//! publish at every state. So loss, duplication, reordering and reconnection are choices of its own. Crashes and a restore from an
//! old backup happen at any time. Whether a publication would be a loss is checked at every state.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use stateright::{Checker, HasDiscoveries, Model, Property};

use super::party::{Given, Message, Party, Version};
use super::{Rule, Rules};

/// The highest number that is explored.
const BOUND: u32 = 6;
/// Contents that may be proposed.
const CONTENTS: [u32; 2] = [1, 2];

/// The honest party, its disk, and all that the adversary knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    honest: Party,
    disk: Party,
    /// Parts of the adversary's versions.
    parts: BTreeSet<Version>,
    /// The highest number that the honest party signed.
    signed: u32,
    /// Partial signatures by number and nonce.
    nonces: BTreeMap<u32, u8>,
    /// States of which a cooperative closing can be completed.
    closings: BTreeSet<u32>,
    /// What the honest party published.
    published: Option<Version>,
    /// What the honest party agreed on last, and the attempt: known to us even if it forgets.
    agreed: (u32, u32),
    crashes: u8,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The adversary sends.
    Message(Message),
    /// The honest party proposes a content.
    Propose(u32),
    /// It proposes beyond the next number.
    ProposeBeyond(u32),
    /// It yields.
    Yield,
    /// It publishes its version.
    Close,
    /// It gives its part of a cooperative closing.
    CloseTogether,
    /// Memory goes to the disk.
    Store,
    /// Memory is what the disk has.
    Crash,
    /// The disk is what it was at the beginning.
    RestoreOld,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Message(message) => write!(f, "receive {message}"),
            Event::Propose(content) => write!(f, "propose content {content}"),
            Event::ProposeBeyond(content) => write!(f, "skip a number and propose content {content}"),
            Event::Yield => f.write_str("yield"),
            Event::Close => f.write_str("publish"),
            Event::CloseTogether => f.write_str("sign a cooperative closing"),
            Event::Store => f.write_str("store"),
            Event::Crash => f.write_str("crash"),
            Event::RestoreOld => f.write_str("restore an old backup"),
        }
    }
}

/// A model: the rules that the honest party follows.
struct Game {
    rules: Rules,
    fundings: u8,
}

impl Model for Game {
    type State = World;
    type Action = Event;

    fn init_states(&self) -> Vec<World> {
        let start = |side| {
            let honest = Party::new(side, self.fundings);
            World {
                disk: honest.clone(),
                parts: [Version { number: 0, content: 0, fundings: self.fundings }].into(),
                // In another channel a shared key signed any number.
                signed: if self.rules.holds(Rule::KeysOfThisChannel) { 0 } else { BOUND + 10 },
                nonces: BTreeMap::new(),
                closings: BTreeSet::new(),
                published: None,
                agreed: honest.agreed,
                crashes: 0,
                honest,
            }
        };
        vec![start(0), start(1)]
    }

    fn actions(&self, world: &World, events: &mut Vec<Event>) {
        let top = world.honest.top;
        for number in (top + 1)..=BOUND.min(top + 3) {
            for content in CONTENTS {
                for fundings in 0..=self.fundings {
                    for asked in CONTENTS {
                        events.push(Event::Message(Message::Propose { number, content, fundings, asked }));
                    }
                }
            }
            for fundings in 0..=self.fundings {
                for signature in [false, true] {
                    events.push(Event::Message(Message::Accept { number, signature, fundings }));
                }
            }
            events.push(Event::Message(Message::Finish { number }));
            events.push(Event::Message(Message::Yield { number }));
            events.push(Event::Message(Message::Again { number }));
        }
        if top < BOUND {
            events.extend(CONTENTS.map(Event::Propose));
            events.extend(CONTENTS.map(Event::ProposeBeyond));
            events.push(Event::Yield);
        }
        events.extend([Event::Close, Event::CloseTogether]);
        if world.disk != world.honest {
            events.push(Event::Store);
            events.push(Event::Crash);
        }
        if world.crashes == 0 {
            events.push(Event::RestoreOld);
        }
    }

    fn next_state(&self, world: &World, event: Event) -> Option<World> {
        let mut next = world.clone();
        let honest = &mut next.honest;
        let given = match event {
            Event::Message(message) => honest.receive(&message, self.rules),
            Event::Propose(content) => honest.propose(content, self.rules),
            Event::ProposeBeyond(content) => honest.propose_beyond(content, self.rules),
            Event::Yield => honest.give_way(self.rules),
            Event::CloseTogether => honest.close_together(self.rules),
            Event::Close => {
                if honest.closing.is_some() {
                    return None;
                }
                let version = honest.close(self.rules).ok()?;
                next.published = version;
                Ok(vec![])
            }
            Event::Store => {
                next.disk = honest.clone();
                return Some(next);
            }
            Event::Crash => {
                next.honest = next.disk.clone();
                return Some(next);
            }
            Event::RestoreOld => {
                honest.restore_old();
                next.disk = honest.clone();
                next.crashes = 1;
                return Some(next);
            }
        };
        for given in given.ok()? {
            match given {
                Given::Part(version) => drop(next.parts.insert(version)),
                Given::Number(number) => next.signed = next.signed.max(number),
                Given::NonceUse(number) => {
                    let uses = next.nonces.entry(number).or_insert(1);
                    *uses = uses.saturating_add(1).min(3);
                }
                Given::Closing(number) => drop(next.closings.insert(number)),
            }
        }
        if self.rules.holds(Rule::StoreThenSend) {
            next.disk = next.honest.clone();
        }
        next.agreed = if next.honest.agreed.0 >= world.agreed.0 { next.honest.agreed } else { world.agreed };
        // Parts of versions that can be punished are no longer of interest.
        let evidence = next.honest.evidence;
        next.parts.retain(|version| version.number >= evidence);
        (next != *world).then_some(next)
    }

    /// A party that skips numbers would go on without end.
    fn within_boundary(&self, world: &World) -> bool {
        world.honest.attempt.is_none_or(|attempt| attempt.number <= BOUND + 2)
    }

    fn properties(&self) -> Vec<Property<Game>> {
        vec![
            Property::always(THEFT, |_: &Game, world: &World| no_theft(world)),
            Property::always(CONFISCATED, |game: &Game, world: &World| own_version_stands(game, world)),
            Property::always(FROZEN, |game: &Game, world: &World| something_to_publish(game, world)),
            Property::always(KEY, |_: &Game, world: &World| world.nonces.values().all(|uses| *uses < 3)),
            Property::always(LIVE, |_: &Game, world: &World| {
                let live: BTreeSet<(u32, u32)> =
                    world.parts.iter().map(|version| (version.number, version.content)).collect();
                live.len() <= 2 && world.honest.versions.len() <= 2
            }),
            Property::sometimes("all numbers are used", |_: &Game, world: &World| {
                world.honest.agreed.0 == BOUND
            }),
        ]
    }
}

const THEFT: &str = "theft: the adversary settles a content that the honest party did not accept";
const CONFISCATED: &str = "confiscation: the adversary punishes what the honest party published";
const FROZEN: &str =
    "freeze or confiscation: every version that the honest party could publish can be punished";
const KEY: &str = "the key is extracted";
const LIVE: &str = "more than two versions of a side live";

/// Whatever the adversary publishes is punished or was accepted.
fn no_theft(world: &World) -> bool {
    let honest = &world.honest;
    let attempt = honest.attempt.map(|attempt| (attempt.number, attempt.content));
    let accepted = |state: (u32, u32)| state == world.agreed || Some(state) == attempt;
    let versions = world.parts.iter().filter(|version| version.number >= honest.evidence);
    let closings = world.closings.iter().all(|number| *number == world.agreed.0 && attempt.is_none());
    versions.map(|version| (version.number, version.content)).all(accepted) && closings
}

/// What was published is not below a number that the honest party signed.
fn own_version_stands(_: &Game, world: &World) -> bool {
    world.published.is_none_or(|version| version.number >= world.signed)
}

/// On every funding there is a version that cannot be punished. A party that knows that it lost data publishes nothing.
fn something_to_publish(game: &Game, world: &World) -> bool {
    let honest = &world.honest;
    if honest.lost_data && game.rules.holds(Rule::LostDataPublishesNothing) || honest.closing.is_some() {
        return true;
    }
    (0..8).map(|bit| 1u8 << bit).filter(|funding| game.fundings & funding != 0).all(|funding| {
        honest.publishable(funding, game.rules).is_some_and(|version| version.number >= world.signed)
    })
}

/// What an exploration found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explored {
    /// Different states.
    pub states: usize,
    /// The loss, if there was one.
    pub loss: Option<&'static str>,
    /// The events that lead to it.
    pub trace: Vec<String>,
}

const LOSSES: [&str; 5] = [THEFT, CONFISCATED, FROZEN, KEY, LIVE];

/// Explores all states: two sides, one funding and, where a splice is pending, two.
pub fn explore(rules: Rules) -> Explored {
    let mut states = 0;
    for fundings in [0b01, 0b11] {
        let checker =
            Game { rules, fundings }.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
        states += checker.unique_state_count();
        let found = LOSSES.iter().find_map(|loss| checker.discovery(loss).map(|path| (*loss, path)));
        if let Some((loss, path)) = found {
            let trace = path.into_actions().iter().map(|event| event.to_string()).collect();
            return Explored { states, loss: Some(loss), trace };
        }
        // A model in which nothing happens proves nothing.
        if checker.discovery("all numbers are used").is_none() {
            return Explored { states, loss: Some("the last number is never reached"), trace: Vec::new() };
        }
    }
    Explored { states, loss: None, trace: Vec::new() }
}

/// Explores without each rule.
pub fn mutations() -> Vec<(Rule, Explored)> {
    Rule::ALL.iter().map(|rule| (*rule, explore(Rules::without(*rule)))).collect()
}
