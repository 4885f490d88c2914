//! Exploration of all states of a model in which one honest party of a signed sequence channel faces an adversary.
//!
//! The adversary controls the peer and the network. It may send any message at any time, keeps everything that it
//! receives, and can publish a transaction in every state. So the model also includes lost, repeated and reordered
//! messages, and new connections. The honest party can crash, or can be restored from an old backup without noticing,
//! at any time. In every state of the model, the exploration checks whether a publication would cause a loss.
//!
//! The protocol cannot protect a restored party if the peer hides signatures from it. Therefore the model assumes that
//! the restored party publishes nothing before the peer shows its signatures, and that the adversary shows a restored
//! party all of its signatures. To a party that was not restored, the adversary may show fewer signatures than it has.
//! It can never show more, because it would have to forge a proof.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use stateright::{Checker, HasDiscoveries, Model, Property};

use super::explored::{Explored, trace};
use super::message::{Message, Shown};
use super::party::{Given, Party, Refusal, Version};
use super::{Rule, Rules};

/// Identifiers of the two contents that a party can propose in this model. A content is the balances and HTLCs of a
/// state.
const CONTENTS: [u32; 2] = [1, 2];

/// State of the model: the honest party's memory and storage, and everything that the adversary knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    honest: Party,
    disk: Party,
    /// Earlier copy of the honest party's disk, from which the party can be restored.
    backup: Party,
    /// Highest state number for which the honest party's watchtower has the peer's revocation signature. A restore of
    /// the party from a backup does not change this.
    tower: u32,
    /// Commitment transactions of the adversary for which the honest party gave its partial signature.
    parts: BTreeSet<Version>,
    /// Highest state number that the honest party signed with its number key.
    signed: u32,
    /// Number of partial signatures that the honest party made with the same nonce, by state number. Counted up to 3.
    nonces: BTreeMap<u32, u8>,
    /// State numbers for which the adversary can complete a cooperative closing.
    closings: BTreeSet<u32>,
    /// The commitment transaction that the honest party published, if there is one.
    published: Option<Version>,
    /// State number and content of the last state that the honest party agreed on. The model keeps `agreed` and
    /// `attempt` even if the party was restored and has forgotten them.
    agreed: (u32, u32),
    attempt: Option<(u32, u32)>,
    memory: Memory,
}

/// How much the honest party remembers. A restore from a backup makes it forget everything that happened after the
/// backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Memory {
    /// The honest party remembers everything, and no backup was made yet. A backup can still be made.
    Whole,
    /// The honest party remembers everything, and there is a backup from which it can be restored.
    BackedUp,
    /// The honest party was restored and remembers only the backup. The peer has not shown its signatures
    /// to the party since the restore.
    Unsure,
    /// The honest party was restored and remembers only the backup. The peer has shown all of its signatures
    /// to the party since the restore.
    Restored,
}

/// A transition of the model in which one honest party faces an adversary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The adversary sends a message to the honest party.
    Message(Message),
    /// The honest party proposes the next state. The `u32` identifies the balances and HTLCs of the proposal.
    Propose(u32),
    /// The honest party gives up its proposal and proposes a higher state number. The `u32` identifies the balances and
    /// HTLCs of the new proposal.
    ProposeBeyond(u32),
    /// The honest party promises never to propose the next state number.
    Yield,
    /// The honest party publishes its latest commitment transaction.
    Close,
    /// The adversary's latest commitment transaction confirms. A reorganization may make it unconfirmed again.
    PeerConfirmed,
    /// The honest party gives its partial signature of a cooperative closing transaction.
    CloseTogether,
    /// The honest party writes its protocol state to the disk.
    Store,
    /// The honest party restarts and reads its protocol state from the disk.
    Crash,
    /// The honest party's disk is copied to its backup.
    Backup,
    /// The honest party is restored from the backup without noticing. If no backup was made, it is restored to its
    /// initial state.
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

/// The model of one honest party that faces an adversary, with the rules that the honest party follows.
struct Game {
    rules: Rules,
    fundings: u8,
    /// Highest state number that the exploration reaches.
    bound: u32,
    /// Whether a backup can be made while the model runs. If not, only the initial state serves as a backup.
    backups: bool,
}

impl Game {
    /// Returns the data that the adversary can show at the beginning of a connection. It always can show all
    /// signatures that it has. If the party was not restored, it can also show fewer.
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

    /// Returns the honest party's answer to an event in which it sends or receives a message. Returns `None` for any
    /// other event, such as a crash.
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

    /// Updates the fields `agreed` and `attempt`, which the model keeps for the honest party. They do not change while
    /// a restored party does not know what it did before the restore.
    fn remember(&self, before: &World, next: &mut World) {
        let honest = &next.honest;
        next.tower = next.tower.max(honest.evidence);
        let knows = match next.memory {
            Memory::Whole | Memory::BackedUp => true,
            Memory::Unsure => false,
            // With all rules, a restored party that has heard from its peer knows whether it lost data.
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
                // If another channel uses the same number key, the party may have signed any number there.
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
        // The party refuses most events. The state of the model is copied only after the party has accepted one.
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
                // The tower is assumed to delete the same data as the client.
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
        // The adversary's versions that can be punished no longer matter. Removing them reduces the number of states.
        let evidence = next.tower;
        next.parts.retain(|version| version.number >= evidence || !self.rules.holds(Rule::KeepUntilBuried));
        (next != *world).then_some(next)
    }

    /// Limits the state numbers, because a party that skips numbers could otherwise continue without end.
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

/// Property: everything that the adversary can publish was accepted by the honest party, or can be punished.
fn no_theft(world: &World) -> bool {
    let accepted = |state: (u32, u32)| state == world.agreed || Some(state) == world.attempt;
    let versions = world.parts.iter().filter(|version| version.number >= world.tower);
    let closings = world.closings.iter().all(|number| *number == world.agreed.0 && world.attempt.is_none());
    versions.map(|version| (version.number, version.content)).all(accepted) && closings
}

/// Property: the commitment transaction that the honest party published is not revoked, that is, the party has signed
/// no higher state number.
fn own_version_stands(_: &Game, world: &World) -> bool {
    world.published.is_none_or(|version| version.number >= world.signed)
}

/// Property: for every funding output, the honest party has a commitment transaction that is not revoked. The property
/// does not apply to a party that knows that it lost data, or whose channel is already closing. It also does not apply
/// to a restored party that waits until the peer shows its signatures.
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

const LOSSES: [&str; 5] = [THEFT, CONFISCATED, FROZEN, KEY, LIVE];

/// Explores the models of the signed sequence channel up to the state number `last`, and stops at the first loss.
///
/// First, one honest party faces an adversary in three models: with one funding output, with the two funding outputs
/// of a pending splice, and with backups during the run (up to half of `last`). In the first two models only the
/// initial state can be restored.
///
/// Then two honest parties are explored up to the state number 4 at most. This includes a check that they never get
/// stuck.
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
        // If the last number is never reached, the absence of losses proves nothing.
        if checker.discovery("all numbers are used").is_none() {
            return Explored { states, loss: Some("the last number is never reached"), trace: Vec::new() };
        }
    }
    let pair = super::pair::explore(rules, last.min(4));
    Explored { states: states + pair.states, ..pair }
}

/// Explores the signed sequence channel once for each rule, with that rule left out. Returns each rule with its
/// result. `last` is the highest state number.
pub fn mutations(last: u32) -> Vec<(Rule, Explored)> {
    Rule::ALL.iter().map(|rule| (*rule, explore(Rules::without(*rule), last))).collect()
}
