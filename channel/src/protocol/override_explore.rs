//! Exploration of all states of a model of the override form, in which one honest party faces all other parties. The
//! others act together. They can complete any update that the honest party signed.
//!
//! The honest party can crash, or can be restored from an old backup without noticing, at any time. As in the signed
//! sequence channel, a restored party neither signs nor publishes before the others show what they have, and they then
//! show everything.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use stateright::{Checker, HasDiscoveries, Model, Property};

use super::explore::Memory;
use super::explored::{Explored, trace};
use super::override_form::{Keeper, KeeperShown, OverrideRule, Update};

const CONTENTS: [u32; 2] = [1, 2];

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    honest: Keeper,
    disk: Keeper,
    backup: Keeper,
    /// Latest complete update that the honest party gave to its watchtower.
    tower: Update,
    /// Updates that the honest party agreed on or attempted. The model keeps them even if the party was restored and
    /// has forgotten them.
    accepted: BTreeSet<Update>,
    /// Updates that the honest party signed. The other parties can complete each of them.
    others: BTreeSet<Update>,
    /// Number of different sets of nonces with which the honest party signed, by state number. Counted up to 3.
    sessions: BTreeMap<u32, u32>,
    memory: Memory,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    /// The other parties ask for the honest party's partial signature of an update. The second value identifies the
    /// set of nonces.
    Sign(Update, u32),
    /// The honest party proposes the next state. The `u32` identifies the balances and HTLCs of the proposal.
    Propose(u32),
    /// The honest party promises never to propose the next state number.
    GiveWay,
    /// The other parties promise never to propose the next state number.
    Yielded,
    /// The other parties send all missing partial signatures of the update that the honest party attempts.
    Complete,
    /// The other parties say that the attempted update is complete, but do not send their partial signatures.
    Claim,
    /// The other parties show which signatures they have, at the beginning of a connection.
    Show(KeeperShown),
    Store,
    Crash,
    Backup,
    Restore,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Sign((number, content), 0) => write!(f, "sign {number}, content {content}"),
            Event::Sign((number, content), _) => {
                write!(f, "sign {number}, content {content}, with other nonces")
            }
            Event::Propose(content) => write!(f, "propose content {content}"),
            Event::GiveWay => f.write_str("yield"),
            Event::Yielded => f.write_str("receive a yield"),
            Event::Complete => f.write_str("receive all parts"),
            Event::Claim => f.write_str("receive a claim without parts"),
            Event::Show(shown) => {
                write!(f, "receive proof of update {}", shown.complete.0)?;
                let part = shown.part.map(|(update, _)| update.0);
                part.map_or(Ok(()), |number| write!(f, ", of part {number}"))
            }
            Event::Store => f.write_str("store"),
            Event::Crash => f.write_str("crash"),
            Event::Backup => f.write_str("make a backup"),
            Event::Restore => f.write_str("restore an old backup"),
        }
    }
}

struct Game {
    without: Option<OverrideRule>,
    party: u32,
    parties: u32,
    bound: u32,
    backups: bool,
}

impl Game {
    fn holds(&self, rule: OverrideRule) -> bool {
        self.without != Some(rule)
    }

    /// Returns the data that the other parties can show at the beginning of a connection. They show the latest update
    /// that they can complete, either as a complete update or as the honest party's partial signature of it. If the
    /// honest party was not restored, they can also show nothing.
    fn shown(&self, world: &World) -> Vec<KeeperShown> {
        let newest = world.others.iter().max().copied().unwrap_or_default();
        let session = world.sessions.get(&newest.0).map_or(0, |uses| uses.saturating_sub(1));
        let before =
            world.others.iter().filter(|update| update.0 < newest.0).max().copied().unwrap_or_default();
        let top = world.honest.top;
        let part = Some((newest, session));
        let mut shown = vec![
            KeeperShown { complete: newest, part: None, top },
            KeeperShown { complete: before, part, top },
            KeeperShown { complete: before, part, top: self.bound.min(top + 1) },
        ];
        if world.memory != Memory::Unsure {
            shown.push(KeeperShown { complete: (0, 0), part: None, top });
        }
        shown
    }
}

impl Model for Game {
    type State = World;
    type Action = Event;

    fn init_states(&self) -> Vec<World> {
        let keeper = Keeper::new(self.party, self.parties);
        vec![World {
            disk: keeper.clone(),
            backup: keeper.clone(),
            tower: (0, 0),
            accepted: [(0, 0)].into(),
            others: [(0, 0)].into(),
            sessions: BTreeMap::new(),
            memory: if self.backups { Memory::Whole } else { Memory::BackedUp },
            honest: keeper,
        }]
    }

    fn actions(&self, world: &World, events: &mut Vec<Event>) {
        let top = world.honest.top;
        for number in top..=self.bound.min(top + 2) {
            for content in CONTENTS {
                events.push(Event::Sign((number, content), 0));
                let other = world.sessions.get(&number).map(|uses| Event::Sign((number, content), *uses));
                events.extend(other);
            }
        }
        if top < self.bound {
            events.extend(CONTENTS.map(Event::Propose));
            events.extend([Event::GiveWay, Event::Yielded]);
        }
        events.extend([Event::Complete, Event::Claim, Event::Crash]);
        events.extend(self.shown(world).into_iter().map(Event::Show));
        if world.disk != world.honest {
            events.push(Event::Store);
        }
        match world.memory {
            Memory::Whole => events.extend([Event::Backup, Event::Restore]),
            Memory::BackedUp => events.push(Event::Restore),
            Memory::Unsure | Memory::Restored => {}
        }
    }

    fn next_state(&self, world: &World, event: Event) -> Option<World> {
        // The party refuses to sign most updates. The state of the model is copied only if the party signs.
        if let Event::Sign(update, session) = event {
            world.honest.clone().sign(update, session, self.without)?;
        }
        let mut next = world.clone();
        match event {
            Event::Sign(update, session) => {
                next.honest.sign(update, session, self.without)?;
                next.others.insert(update);
                // Another signature for the same set of nonces reveals nothing new.
                let uses = next.sessions.entry(update.0).or_default();
                *uses = session.saturating_add(1).clamp(*uses, 3);
            }
            Event::Propose(content) => {
                let session = world.sessions.get(&(world.honest.top + 1)).copied().unwrap_or_default();
                let update = next.honest.propose(content, session, self.without)?;
                next.others.insert(update);
                let uses = next.sessions.entry(update.0).or_default();
                *uses = uses.saturating_add(1).min(3);
            }
            Event::GiveWay => drop(next.honest.give_way(self.without)?),
            Event::Yielded => next.honest.yielded(world.honest.top + 1)?,
            Event::Complete => {
                let number = next.honest.attempt?.update.0;
                next.honest.complete(number)?;
            }
            Event::Claim => {
                if self.holds(OverrideRule::CompleteBeforeFinal) {
                    return None;
                }
                next.honest.agreed = next.honest.attempt.take()?.update;
            }
            Event::Show(shown) => {
                for from in (0..self.parties).filter(|from| *from != self.party) {
                    next.honest.reestablish(from, shown, self.without)?;
                }
                if next.memory == Memory::Unsure {
                    next.memory = Memory::Restored;
                }
            }
            Event::Store => {
                next.disk = next.honest.clone();
                return Some(next);
            }
            Event::Crash => {
                next.honest = Keeper::started(&next.disk);
                return (next != *world).then_some(next);
            }
            Event::Backup => {
                next.backup = next.disk.clone();
                next.memory = Memory::BackedUp;
                return Some(next);
            }
            Event::Restore => {
                next.honest = Keeper::started(&next.backup);
                (next.disk, next.backup) = (next.honest.clone(), next.honest.clone());
                next.memory = Memory::Unsure;
                return Some(next);
            }
        }
        if self.holds(OverrideRule::StoreThenSend) {
            next.disk = next.honest.clone();
        }
        next.tower = next.tower.max(next.honest.complete);
        let open = next.honest.attempt.map(|signed| signed.update);
        let newest = world.accepted.iter().map(|(number, _)| *number).max().unwrap_or_default();
        let knows = next.honest.agreed.0 >= newest || open.is_some_and(|update| update.0 >= newest);
        if knows && next.memory != Memory::Unsure {
            next.accepted = [next.honest.agreed].into_iter().chain(open).collect();
        }
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Game>> {
        vec![
            Property::always(THEFT, |_: &Game, world: &World| {
                // The others can publish any update that they can complete. The honest party or its tower answers with
                // its latest complete update if that update has a higher number.
                let stands = |update: &Update| if update.0 >= world.tower.0 { *update } else { world.tower };
                world.others.iter().map(stands).all(|update| world.accepted.contains(&update))
            }),
            Property::always(KEY, |_: &Game, world: &World| world.sessions.values().all(|uses| *uses < 3)),
            Property::sometimes(REACHED, |game: &Game, world: &World| world.honest.complete.0 == game.bound),
        ]
    }
}

const THEFT: &str = "theft: the others settle a content that the honest party did not accept";
const KEY: &str = "the key is extracted";
const REACHED: &str = "all numbers are used";

/// Explores the models of the override form and stops at the first loss. All rules are followed, except `without` if
/// it is given. The highest state number is `updates` - 1.
///
/// First, one honest party faces all other parties of the channel, which act together. The channel has two or three
/// parties. In one of these models, backups are made during the run.
///
/// Then channels in which all parties are honest are explored, with two and with three parties. The model with backups
/// and the model with two honest parties are explored up to one number less.
pub fn explore_override(without: Option<OverrideRule>, updates: u32) -> Explored {
    let last = updates.saturating_sub(1);
    let mut states = 0;
    let games = [(0, 2, last, false), (1, 2, last, false), (1, 3, last, false), (1, 3, last - 1, true)];
    for (party, parties, bound, backups) in games {
        let game = Game { without, party, parties, bound, backups };
        let checker = game.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
        states += checker.unique_state_count();
        let found =
            [THEFT, KEY].into_iter().find_map(|loss| checker.discovery(loss).map(|path| (loss, path)));
        if let Some((loss, path)) = found {
            return Explored { states, loss: Some(loss), trace: trace(checker.model(), loss, path) };
        }
        if checker.discovery(REACHED).is_none() {
            return Explored { states, loss: Some("the last number is never reached"), trace: Vec::new() };
        }
    }
    let group = super::override_group::explore(without, last - 1);
    Explored { states: states + group.states, ..group }
}

/// Calls [`explore_override`] once for each rule, with that rule left out. Returns each rule with its result.
pub fn override_mutations(updates: u32) -> Vec<(OverrideRule, Explored)> {
    OverrideRule::ALL.iter().map(|rule| (*rule, explore_override(Some(*rule), updates))).collect()
}
