//! Exhaustive exploration of one honest party against an adversary.
//!
//! The adversary is the peer and the network: it sends anything at any time or nothing, keeps all that it was given, and can
//! publish at every state. So loss, duplication, reordering and reconnection are choices of its own. Crashes and a silent restore from
//! an old backup happen at any time. Whether a publication would be a loss is checked at every state.
//!
//! Against a silent restore the two sides' protocol has one limit, which is built into the model: until the peer showed what it has, the
//! restored party does not publish, and to a restored party the adversary shows the truth. Nothing between the two could help against a
//! peer that hides signatures then. A party that was not restored is shown anything.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use stateright::{Checker, HasDiscoveries, Model, Path, Property};

use super::message::{Message, Shown};
use super::party::{Given, Party, Refusal, Version};
use super::{Rule, Rules};

/// Contents that may be proposed.
const CONTENTS: [u32; 2] = [1, 2];

/// The honest party, its disk, and all that the adversary knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    honest: Party,
    disk: Party,
    /// An old state of the disk.
    backup: Party,
    /// The evidence that the honest party's tower has: a restore does not touch it.
    tower: u32,
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
    attempt: Option<(u32, u32)>,
    memory: Memory,
}

/// What the honest party remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Memory {
    /// All that it did; a backup may be made.
    Whole,
    /// All that it did; there is a backup.
    BackedUp,
    /// The backup, and the peer showed nothing since.
    Unsure,
    /// The backup, and the peer showed the truth since.
    Restored,
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
    /// The adversary's newest version is in a block. A reorganisation may take it out again.
    PeerConfirmed,
    /// It gives its part of a cooperative closing.
    CloseTogether,
    /// Memory goes to the disk.
    Store,
    /// Memory is what the disk has.
    Crash,
    /// The disk is copied.
    Backup,
    /// The disk is what it was at the time of the backup, or at the beginning. Nobody tells the party.
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
            Event::PeerConfirmed => f.write_str("see the newest version of the peer in a block"),
            Event::CloseTogether => f.write_str("sign a cooperative closing"),
            Event::Store => f.write_str("store"),
            Event::Crash => f.write_str("crash"),
            Event::Backup => f.write_str("make a backup"),
            Event::RestoreOld => f.write_str("restore an old backup"),
        }
    }
}

/// A model: the rules that the honest party follows.
struct Game {
    rules: Rules,
    fundings: u8,
    /// The highest number that is explored.
    bound: u32,
    /// Whether backups are made, beside the one of the beginning.
    backups: bool,
}

impl Game {
    /// What the adversary shows: the truth, and to a party that was not restored also less.
    fn shown(&self, world: &World) -> Vec<Shown> {
        let part = world.parts.iter().map(|version| version.number).max().unwrap_or_default();
        let top = world.honest.top;
        let truth = Shown { number: world.signed, part, closing: !world.closings.is_empty(), top };
        let tops = (top..=self.bound.min(top + 2)).map(|top| Shown { top, ..truth });
        if matches!(world.memory, Memory::Unsure) {
            return tops.collect();
        }
        let parts = if part == 0 { vec![0] } else { vec![0, part] };
        let numbers = (0..=world.signed.min(self.bound)).chain([world.signed]);
        numbers
            .flat_map(|number| parts.iter().map(move |part| Shown { number, part: *part, ..truth }))
            .collect()
    }

    /// The answer of the honest party to an event in which it sends or receives a message; none to other events.
    fn answer(&self, honest: &mut Party, event: &Event) -> Option<Result<Vec<Given>, Refusal>> {
        Some(match event {
            Event::Message(message) => honest.receive(message, self.rules),
            Event::Propose(content) => honest.propose(*content, self.rules),
            Event::ProposeBeyond(content) => honest.propose_beyond(*content, self.rules),
            Event::Yield => honest.give_way(self.rules),
            Event::CloseTogether => honest.close_together(self.rules),
            _ => return None,
        })
    }

    /// The truth of what was agreed and attempted. A party that does not know what it did changes nothing of it.
    fn remember(&self, before: &World, next: &mut World) {
        let honest = &next.honest;
        next.tower = next.tower.max(honest.evidence);
        let knows = match next.memory {
            Memory::Whole | Memory::BackedUp => true,
            Memory::Unsure => false,
            // With all rules, it knows that it lost something if it did.
            Memory::Restored => !honest.lost_data && honest.signed >= before.signed,
        };
        if knows {
            next.agreed = if honest.agreed.0 >= before.agreed.0 { honest.agreed } else { before.agreed };
            let open = honest.attempt.filter(|attempt| attempt.number > next.agreed.0);
            next.attempt = open.map(|attempt| (attempt.number, attempt.content));
        }
    }
}

impl Model for Game {
    type State = World;
    type Action = Event;

    fn init_states(&self) -> Vec<World> {
        let start = |side| {
            let honest = Party::new(side, self.fundings);
            World {
                disk: honest.clone(),
                backup: honest.clone(),
                tower: 0,
                parts: [Version { number: 0, content: 0, fundings: self.fundings }].into(),
                // In another channel a shared key signed any number.
                signed: if self.rules.holds(Rule::KeysOfThisChannel) { 0 } else { self.bound + 10 },
                nonces: BTreeMap::new(),
                closings: BTreeSet::new(),
                published: None,
                agreed: honest.agreed,
                attempt: None,
                memory: if self.backups { Memory::Whole } else { Memory::BackedUp },
                honest,
            }
        };
        vec![start(0), start(1)]
    }

    fn actions(&self, world: &World, events: &mut Vec<Event>) {
        let top = world.honest.top;
        for number in (top + 1)..=self.bound.min(top + 3) {
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
            events.push(Event::Message(Message::Sign { number }));
        }
        if top < self.bound {
            events.extend(CONTENTS.map(Event::Propose));
            events.extend(CONTENTS.map(Event::ProposeBeyond));
            events.push(Event::Yield);
        }
        if !world.honest.heard {
            events.extend(
                self.shown(world).into_iter().map(|shown| Event::Message(Message::Reestablish(shown))),
            );
        }
        events.extend([Event::Message(Message::DataLost), Event::Close, Event::CloseTogether, Event::Crash]);
        events.push(Event::PeerConfirmed);
        if world.disk != world.honest {
            events.push(Event::Store);
        }
        match world.memory {
            Memory::Whole => events.extend([Event::Backup, Event::RestoreOld]),
            Memory::BackedUp => events.push(Event::RestoreOld),
            Memory::Unsure | Memory::Restored => {}
        }
    }

    fn next_state(&self, world: &World, event: Event) -> Option<World> {
        // The party refuses most events: only the party is copied until it accepts.
        let mut honest = world.honest.clone();
        let answer = self.answer(&mut honest, &event).transpose().ok()?;
        let mut next = World { honest, ..world.clone() };
        let given = match event {
            Event::Message(message) => {
                if let (Message::Reestablish(_), Memory::Unsure) = (message, next.memory) {
                    next.memory = Memory::Restored;
                }
                answer?
            }
            Event::Propose(_) | Event::ProposeBeyond(_) | Event::Yield | Event::CloseTogether => answer?,
            Event::Close => {
                if next.honest.closing.is_some() || next.memory == Memory::Unsure {
                    return None;
                }
                let version = next.honest.close(self.rules).ok()?;
                next.published = version;
                vec![]
            }
            Event::PeerConfirmed => {
                let newest = next.parts.iter().map(|version| version.number).max()?;
                next.honest.peer_confirmed(newest, self.rules);
                // What the client deletes its tower deletes too.
                if !self.rules.holds(Rule::KeepUntilBuried) {
                    next.tower = 0;
                }
                vec![]
            }
            Event::Store => {
                next.disk = next.honest.clone();
                return Some(next);
            }
            Event::Crash => {
                let published = next.published.map(|version| version.number);
                next.honest = Party::started(&next.disk, published);
                return (next != *world).then_some(next);
            }
            Event::Backup => {
                next.backup = next.disk.clone();
                next.memory = Memory::BackedUp;
                return Some(next);
            }
            Event::RestoreOld => {
                let published = next.published.map(|version| version.number);
                next.honest = Party::started(&next.backup, published);
                next.disk = next.honest.clone();
                next.backup = next.honest.clone();
                next.memory = Memory::Unsure;
                return Some(next);
            }
        };
        for given in given {
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
        self.remember(world, &mut next);
        // Parts of versions that can be punished are no longer of interest.
        let evidence = next.tower;
        next.parts.retain(|version| version.number >= evidence || !self.rules.holds(Rule::KeepUntilBuried));
        (next != *world).then_some(next)
    }

    /// A party that skips numbers would go on without end.
    fn within_boundary(&self, world: &World) -> bool {
        world.honest.attempt.is_none_or(|attempt| attempt.number <= self.bound + 2)
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
            Property::sometimes("all numbers are used", |game: &Game, world: &World| {
                world.honest.agreed.0 == game.bound
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
    let accepted = |state: (u32, u32)| state == world.agreed || Some(state) == world.attempt;
    let versions = world.parts.iter().filter(|version| version.number >= world.tower);
    let closings = world.closings.iter().all(|number| *number == world.agreed.0 && world.attempt.is_none());
    versions.map(|version| (version.number, version.content)).all(accepted) && closings
}

/// What was published is not below a number that the honest party signed.
fn own_version_stands(_: &Game, world: &World) -> bool {
    world.published.is_none_or(|version| version.number >= world.signed)
}

/// On every funding there is a version that cannot be punished. A party that knows that it lost data publishes nothing.
fn something_to_publish(game: &Game, world: &World) -> bool {
    let honest = &world.honest;
    let waits = honest.lost_data && game.rules.holds(Rule::LostDataPublishesNothing);
    if waits || honest.closing.is_some() || world.memory == Memory::Unsure {
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

/// The events up to the first state in which a property does not hold. The checker's path may go on after it.
pub(super) fn trace<M: Model>(model: &M, name: &str, path: Path<M::State, M::Action>) -> Vec<String>
where
    M::Action: fmt::Display,
{
    let property = model.properties().into_iter().find(|property| property.name == name);
    let broken =
        |state: &M::State| property.as_ref().is_some_and(|property| !(property.condition)(model, state));
    let mut events = Vec::new();
    for (state, event) in path.into_vec() {
        if broken(&state) {
            break;
        }
        events.extend(event.map(|event| event.to_string()));
    }
    events
}

/// Explores all states of one party against an adversary, with updates up to this number: two sides, one funding and, where a splice is
/// pending, two; a restore to the beginning, and, with updates up to half of the number, to any backup. Then of two honest parties, with
/// updates up to 4 at most, and with a check that they never get stuck.
pub fn explore(rules: Rules, last: u32) -> Explored {
    let mut states = 0;
    for (fundings, bound, backups) in [(0b01, last, false), (0b11, last, false), (0b01, last / 2, true)] {
        let game = Game { rules, fundings, bound, backups };
        let checker = game.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
        states += checker.unique_state_count();
        let found = LOSSES.iter().find_map(|loss| checker.discovery(loss).map(|path| (*loss, path)));
        if let Some((loss, path)) = found {
            return Explored { states, loss: Some(loss), trace: trace(checker.model(), loss, path) };
        }
        // A model in which nothing happens proves nothing.
        if checker.discovery("all numbers are used").is_none() {
            return Explored { states, loss: Some("the last number is never reached"), trace: Vec::new() };
        }
    }
    let pair = super::pair::explore(rules, last.min(4));
    Explored { states: states + pair.states, ..pair }
}

/// Explores updates up to this number without each rule.
pub fn mutations(last: u32) -> Vec<(Rule, Explored)> {
    Rule::ALL.iter().map(|rule| (*rule, explore(Rules::without(*rule), last))).collect()
}
