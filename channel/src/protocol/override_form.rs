//! The update protocol of the override form, among any number of parties: all sign the same update; whoever has all parts can publish it.
//!
//! One honest party against all others, who act as one and complete any update that the honest party signed. There is no penalty:
//! the highest number that is published within the delay stands.

use core::fmt;
use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model, Property};

use super::explore::Explored;

const BOUND: u32 = 6;
const CONTENTS: [u32; 2] = [1, 2];

/// A rule of the override form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OverrideRule {
    /// One number has one content.
    OneContent,
    /// A number is complete, or the channel closes: the next is not signed before.
    FinishFirst,
    /// A party stores a message before it sends it.
    StoreThenSend,
    /// An update that is not complete is not taken as the newest.
    CompleteBeforeFinal,
}

impl OverrideRule {
    /// All of them.
    pub const ALL: [OverrideRule; 4] = [
        OverrideRule::OneContent,
        OverrideRule::FinishFirst,
        OverrideRule::StoreThenSend,
        OverrideRule::CompleteBeforeFinal,
    ];

    /// The rule as a sentence.
    pub const fn text(self) -> &'static str {
        match self {
            OverrideRule::OneContent => "The content of a number never changes.",
            OverrideRule::FinishFirst => "A party signs no number before the previous one is complete.",
            OverrideRule::StoreThenSend => "A party stores a message before it sends it.",
            OverrideRule::CompleteBeforeFinal => "A state is final only with all parts of its update.",
        }
    }
}

/// All that a party of the override form keeps of the protocol. An update is a number and a content. Its size does not grow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Keeper {
    /// The newest complete update.
    pub complete: (u32, u32),
    /// The update that it signed and does not have complete.
    pub attempt: Option<(u32, u32)>,
    /// What it takes as agreed: the newest complete update, unless a rule is left out.
    pub agreed: (u32, u32),
}

impl Keeper {
    /// A party of an open channel: update 0 is complete.
    pub const fn new() -> Keeper {
        Keeper { complete: (0, 0), attempt: None, agreed: (0, 0) }
    }

    /// Gives its part of an update; none if a rule forbids it. The same update again is the same bytes again.
    pub fn sign(&mut self, update: (u32, u32), without: Option<OverrideRule>) -> Option<()> {
        let holds = |rule| without != Some(rule);
        let last = self.agreed.0.max(self.attempt.map_or(0, |attempt| attempt.0));
        match self.attempt {
            Some(attempt) if attempt == update => {}
            Some(attempt) if attempt.0 == update.0 && holds(OverrideRule::OneContent) => return None,
            Some(attempt) if attempt.0 == update.0 => {}
            Some(_) if holds(OverrideRule::FinishFirst) => return None,
            _ if update.0 != last.saturating_add(1) => return None,
            _ => {}
        }
        self.attempt = Some(update);
        Some(())
    }

    /// All parts of its attempt are there; none if there is no attempt.
    pub fn complete(&mut self) -> Option<()> {
        let update = self.attempt.take()?;
        self.complete = update;
        self.agreed = update;
        Some(())
    }

    /// The stored bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.attempt.is_some().into()];
        let attempt = self.attempt.unwrap_or_default();
        for (number, content) in [self.complete, attempt, self.agreed] {
            bytes.extend_from_slice(&number.to_le_bytes());
            bytes.extend_from_slice(&content.to_le_bytes());
        }
        bytes
    }
}

impl Default for Keeper {
    fn default() -> Keeper {
        Keeper::new()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    honest: Keeper,
    disk: Keeper,
    /// What is agreed or attempted in truth, even if it forgets.
    accepted: BTreeSet<(u32, u32)>,
    /// Updates that the others can complete.
    others: BTreeSet<(u32, u32)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    /// The others ask for the honest party's part.
    Sign(u32, u32),
    /// They send theirs.
    Complete,
    /// They send none, and say that it is done.
    Claim,
    Store,
    Crash,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Sign(number, content) => write!(f, "sign {number}, content {content}"),
            Event::Complete => f.write_str("receive all parts"),
            Event::Claim => f.write_str("receive a claim without parts"),
            Event::Store => f.write_str("store"),
            Event::Crash => f.write_str("crash"),
        }
    }
}

struct Game {
    without: Option<OverrideRule>,
}

impl Game {
    fn holds(&self, rule: OverrideRule) -> bool {
        self.without != Some(rule)
    }
}

impl Model for Game {
    type State = World;
    type Action = Event;

    fn init_states(&self) -> Vec<World> {
        let keeper = Keeper::new();
        vec![World {
            disk: keeper.clone(),
            accepted: [(0, 0)].into(),
            others: [(0, 0)].into(),
            honest: keeper,
        }]
    }

    fn actions(&self, world: &World, events: &mut Vec<Event>) {
        for number in 1..=BOUND {
            events.extend(CONTENTS.map(|content| Event::Sign(number, content)));
        }
        events.extend([Event::Complete, Event::Claim]);
        if world.disk != world.honest {
            events.extend([Event::Store, Event::Crash]);
        }
    }

    fn next_state(&self, world: &World, event: Event) -> Option<World> {
        let mut next = world.clone();
        match event {
            Event::Sign(number, content) => {
                next.honest.sign((number, content), self.without)?;
                next.others.insert((number, content));
            }
            Event::Complete => next.honest.complete()?,
            Event::Claim => {
                if self.holds(OverrideRule::CompleteBeforeFinal) {
                    return None;
                }
                next.honest.agreed = next.honest.attempt.take()?;
            }
            Event::Store => {
                next.disk = next.honest.clone();
                return Some(next);
            }
            Event::Crash => {
                next.honest = next.disk.clone();
                return Some(next);
            }
        }
        if self.holds(OverrideRule::StoreThenSend) {
            next.disk = next.honest.clone();
        }
        let newest = world.accepted.iter().map(|(number, _)| *number).max().unwrap_or_default();
        if next.honest.agreed.0 >= newest || next.honest.attempt.is_some_and(|attempt| attempt.0 >= newest) {
            next.accepted = [next.honest.agreed].into_iter().chain(next.honest.attempt).collect();
        }
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Game>> {
        vec![
            Property::always(THEFT, |_: &Game, world: &World| {
                // The others publish any update; the honest party answers with its newest complete one, if that is higher.
                let stands = |update: &(u32, u32)| match update.0 >= world.honest.complete.0 {
                    true => *update,
                    false => world.honest.complete,
                };
                world.others.iter().map(stands).all(|update| world.accepted.contains(&update))
            }),
            Property::sometimes(REACHED, |_: &Game, world: &World| world.honest.complete.0 == BOUND),
        ]
    }
}

const THEFT: &str = "theft: the others settle a content that the honest party did not accept";
const REACHED: &str = "all numbers are used";

/// Explores all states, without a rule or with all.
pub fn explore_override(without: Option<OverrideRule>) -> Explored {
    let checker = Game { without }.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let states = checker.unique_state_count();
    if let Some(path) = checker.discovery(THEFT) {
        let trace = path.into_actions().iter().map(|event| event.to_string()).collect();
        return Explored { states, loss: Some(THEFT), trace };
    }
    let reached = checker.discovery(REACHED).is_some();
    let loss = (!reached).then_some("the last number is never reached");
    Explored { states, loss, trace: Vec::new() }
}

/// Explores without each rule.
pub fn override_mutations() -> Vec<(OverrideRule, Explored)> {
    OverrideRule::ALL.iter().map(|rule| (*rule, explore_override(Some(*rule)))).collect()
}
