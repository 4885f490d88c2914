//! Long runs with many updates of a channel. They measure how many bytes parties and watchtowers store, and verify that
//! clients and watchtowers still respond to published old states.

use std::collections::BTreeSet;

use crate::bounds::{self, OutOfBounds};
use crate::chain::FeeMarket;
use crate::compare::Table;
use crate::error::ChannelError;
use crate::model::{Construction, Content, Kind, PlayError, Setup, Stage};
use crate::protocol::{Keeper, Message, Party, Rules};

/// Which updates of a long run are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// Every update of the run is signed.
    All,
    /// Only some of the updates are signed: a random sample, and those after which storage is measured, which include
    /// the last. The values are the size of the sample, and the seed of its selection. The protocol state machines of
    /// both sides still process every update.
    Sample(u32, u64),
}

/// Sizes of the data that is stored after a certain number of updates of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Number of updates of the channel before this measurement.
    pub updates: u32,
    /// Number of bytes that the client of one party stores.
    pub client: usize,
    /// Number of bytes that the watchtower of this party stores.
    pub tower: usize,
    /// Number of bytes that one side stores for the state machine of the update protocol. `None` if this crate has no
    /// state machine for the construction.
    pub machine: Option<usize>,
}

/// Result of a long run with many updates of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongRun {
    /// Sizes of the stored data at several points of the long run.
    pub kept: Vec<Kept>,
    /// Number of updates that were signed during the long run.
    pub signed: u32,
    /// Number of published old states to which the client of the other party responded with a valid transaction.
    pub answered: u32,
    /// Number of published old states to which the watchtower responded with a valid transaction. `None` if the
    /// construction does not use watchtowers.
    pub answered_by_tower: Option<u32>,
    /// Number of old states that were published after the updates.
    pub tried: u32,
}

const CAPACITY: u64 = 10_000_000;

fn content(number: u32) -> Content {
    let first = 1_000_000 + u64::from(number % 8_000) * 1_000;
    Content::of(&[first, CAPACITY - first])
}

/// The state machines of the update protocol, one for each of the two sides of the channel.
enum Machine {
    /// State machines of the update protocol of the signed sequence channel, one for each side.
    Default([Party; 2]),
    /// State machines of the update protocol in which all parties sign the same update transaction, one for each side.
    Override([Keeper; 2]),
    /// The crate has no state machine for the update protocol of the construction.
    None,
}

impl Machine {
    fn of(kind: Kind) -> Machine {
        match kind {
            Kind::SignedSequence(_) => Machine::Default([Party::new(0, 1), Party::new(1, 1)]),
            Kind::Symmetry(_) => Machine::Override([Keeper::new(0, 2), Keeper::new(1, 2)]),
            _ => Machine::None,
        }
    }

    /// Exchanges all messages of the update with this state number between two sides that follow all rules.
    fn update(&mut self, number: u32) -> Result<(), ChannelError> {
        match self {
            Machine::Default(parties) => exchange(parties, number),
            Machine::Override(keepers) => {
                let [even, odd] = keepers;
                let (proposer, responder) = if number.is_multiple_of(2) { (even, odd) } else { (odd, even) };
                let done = proposer
                    .propose(number, 0, None)
                    .and_then(|update| responder.sign(update, 0, None))
                    .and_then(|()| proposer.part(responder.party, number))
                    .and_then(|()| responder.complete(number));
                done.ok_or_else(|| ChannelError::refused(format!("number {number} is not next")))
            }
            Machine::None => Ok(()),
        }
    }

    fn bytes(&self) -> Option<usize> {
        match self {
            Machine::Default(parties) => parties.iter().map(|party| party.to_bytes().len()).max(),
            Machine::Override(keepers) => keepers.iter().map(|keeper| keeper.to_bytes().len()).max(),
            Machine::None => None,
        }
    }
}

/// Exchanges all messages of one update of a signed sequence channel between two parties that follow all rules.
/// `number` is the state number. The messages also use it as the identifier of the state's content.
pub(crate) fn exchange(parties: &mut [Party; 2], number: u32) -> Result<(), ChannelError> {
    let [even, odd] = parties;
    let (proposer, responder) = if number.is_multiple_of(2) { (even, odd) } else { (odd, even) };
    let refused = |refusal: crate::protocol::Refusal| ChannelError::refused(refusal.to_string());
    let rules = Rules::ALL;
    proposer.propose(number, rules).map_err(refused)?;
    let propose = Message::Propose { number, content: number, fundings: 1, asked: number };
    responder.receive(&propose, rules).map_err(refused)?;
    let accept = Message::Accept { number, signature: true, fundings: 1 };
    proposer.receive(&accept, rules).map_err(refused)?;
    responder.receive(&Message::Finish { number }, rules).map_err(refused)?;
    Ok(())
}

/// Returns `count` different random numbers from 1 to `highest`. If `count` is at least `highest`, returns all of
/// them.
fn sample(count: u32, highest: u32, dice: &mut FeeMarket) -> BTreeSet<u32> {
    if count >= highest {
        return (1..=highest).collect();
    }
    let mut picked = BTreeSet::new();
    while picked.len() < usize::try_from(count).unwrap_or_default() {
        picked.insert(dice.below(highest).saturating_add(1));
    }
    picked
}

/// Checks the parameters of a long run: each must be within its range, and they must fit together.
///
/// # Errors
///
/// [`ChannelError::Parameter`] with the name of a parameter that is out of range or inconsistent with another one.
pub fn check(kind: Kind, updates: u32, signing: Signing, tries: u32) -> Result<(), ChannelError> {
    ChannelError::check("updates", &bounds::STORED_UPDATES, updates)?;
    ChannelError::check("tries", &bounds::TRIES, tries)?;
    let refused = |name, text: String| Err(ChannelError::Parameter(name, OutOfBounds::new(text)));
    if let Kind::Bip68(..) | Kind::Tree(..) = kind {
        let text =
            "an earlier state confirms later than the latest state, so that there is no answer to verify";
        return refused("construction", text.to_owned());
    }
    if tries > updates {
        return refused(
            "tries",
            format!("{tries} is more than the {updates} earlier states of {updates} updates"),
        );
    }
    match signing {
        Signing::All if updates > bounds::SIGNED_UPDATES.most => {
            refused("updates", bounds::SIGNED_UPDATES.above(&updates).to_string())
        }
        Signing::Sample(count, _) if count > updates => {
            refused("signed", format!("{count} is more than the {updates} updates"))
        }
        Signing::Sample(count, _) => ChannelError::check("signed", &bounds::SIGNED_UPDATES, count),
        Signing::All => Ok(()),
    }
}

/// Updates a channel many times and measures its storage. Then publishes `tries` randomly chosen old states, and counts
/// how many of them the client and the watchtower respond to. Also verifies that neither of them contests the latest
/// state.
///
/// `progress` is called once for every update and for every published old state.
///
/// # Errors
///
/// [`PlayError`] if [`check`] fails, if a transaction cannot be built, or if the latest state is contested.
pub fn run(
    kind: Kind,
    updates: u32,
    signing: Signing,
    tries: u32,
    progress: &dyn Fn(),
) -> Result<LongRun, PlayError> {
    check(kind, updates, signing, tries)?;
    let mut channel = kind.build(Setup::named("long run", 2, CAPACITY, 144)?, content(0))?;
    let channel = channel.as_mut();
    let mut stage = Stage::new(channel)?;
    stage.open(channel)?;
    let funding = channel.setup().funding;
    let mut machine = Machine::of(kind);
    let seed = match signing {
        Signing::All => 0,
        Signing::Sample(_, seed) => seed,
    };
    let mut dice = FeeMarket::new(seed, 1.0, 0.0, 0.0);
    let chosen = match signing {
        Signing::All => None,
        Signing::Sample(count, _) => Some(sample(count, updates, &mut dice)),
    };
    // Only states that were signed can be published.
    let mut publishable = vec![0];
    let mut kept = Vec::new();
    let every = (updates / 10).max(1);
    for number in 1..=updates {
        progress();
        machine.update(number)?;
        let measure = number.is_multiple_of(every) || number == updates || number == 1;
        match &chosen {
            None => drop(channel.update(content(number))?),
            Some(_) => channel.agree(content(number))?,
        }
        // The update was exchanged without signatures. The state is signed now if it belongs to the sample, or if
        // storage is measured after it.
        let picked = chosen.as_ref().is_none_or(|chosen| chosen.contains(&number));
        if chosen.is_some() && (picked || measure) {
            channel.open(funding)?;
        }
        if picked || measure {
            publishable.push(number);
        }
        if measure {
            let (client, tower) = (channel.client_bytes(1).len(), channel.tower_bytes(1).len());
            kept.push(Kept { updates: number, client, tower, machine: machine.bytes() });
        }
    }
    let by_tower = channel.tower_terms().map(|_| 0);
    let signed = u32::try_from(publishable.len()).unwrap_or(u32::MAX).saturating_sub(1);
    let mut found = LongRun { kept, signed, answered: 0, answered_by_tower: by_tower, tried: tries };
    // The last signed state is the latest one. It is removed, because only earlier states are published here.
    publishable.pop();
    let count = u32::try_from(publishable.len()).unwrap_or(u32::MAX);
    for _ in 0..tries {
        progress();
        let place = usize::try_from(dice.below(count)).unwrap_or_default();
        answer(channel, publishable.get(place).copied().unwrap_or_default(), &mut found)?;
    }
    newest_stands(channel)?;
    Ok(found)
}

/// Verifies that neither the client nor the watchtower contests the latest state.
fn newest_stands(channel: &dyn Construction) -> Result<(), PlayError> {
    let Some(newest) = channel.close(0, channel.number())?.into_iter().next() else { return Ok(()) };
    match channel.contest(1, &newest.tx)?.or(channel.tower_contest(1, &newest.tx)?) {
        Some(_) => Err(ChannelError::refused("the newest state is contested").into()),
        None => Ok(()),
    }
}

/// Publishes an old state twice, on two separate simulated chains. The client responds on the first chain, the
/// watchtower on the second. Counts the responses in `found`.
fn answer(channel: &mut dyn Construction, number: u32, found: &mut LongRun) -> Result<(), PlayError> {
    for by_tower in [false, true] {
        let mut stage = Stage::new(channel)?;
        stage.open(channel)?;
        let Some(old) = channel.close(0, number)?.into_iter().next() else { continue };
        let steps = match by_tower {
            true => channel.tower_contest(1, &old.tx)?,
            false => channel.contest(1, &old.tx)?,
        };
        stage.publish(old)?;
        let Some(steps) = steps else { continue };
        stage.publish_all(steps)?;
        match by_tower {
            true => found.answered_by_tower = found.answered_by_tower.map(|count| count + 1),
            false => found.answered += 1,
        }
    }
    Ok(())
}

/// Returns a table with the storage measurements of a long run.
pub fn table(run: &LongRun) -> Table {
    let mut table = Table::new(&["updates", "client (B)", "tower (B)", "state machine (B)"]);
    for kept in &run.kept {
        let cells = [
            kept.updates.to_string(),
            kept.client.to_string(),
            kept.tower.to_string(),
            kept.machine.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string()),
        ];
        table.push(cells.to_vec());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Form, Profile};

    #[test]
    fn storage_is_constant_and_old_states_are_answered() {
        for kind in [
            Kind::SignedSequence(Profile::Ctv),
            Kind::SignedSequence(Profile::AnyPrevOut),
            Kind::SignedSequence(Profile::AnyPrevOutAlone),
            Kind::Symmetry(Form::AnyPrevOut),
            Kind::Symmetry(Form::TemplateHash),
            Kind::Symmetry(Form::OverridePairCommit),
        ] {
            let machine = if matches!(kind, Kind::Symmetry(_)) { 45 } else { 49 };
            for signing in [Signing::All, Signing::Sample(5, 11)] {
                let run = run(kind, 60, signing, 3, &|| ()).unwrap();
                let first = run.kept[0];
                for kept in &run.kept {
                    assert_eq!(
                        (kept.client, kept.tower, kept.machine),
                        (first.client, first.tower, Some(machine)),
                        "{kind:?}"
                    );
                }
                assert_eq!((run.answered, run.answered_by_tower), (3, Some(3)), "{kind:?}");
                let measured = 11;
                match signing {
                    Signing::All => assert_eq!(run.signed, 60),
                    // The signed updates are those of the sample, and those after which storage was measured.
                    Signing::Sample(..) => assert!((5..=5 + measured).contains(&run.signed)),
                }
            }
        }
    }

    #[test]
    fn just_so_many_states_are_picked() {
        let mut dice = FeeMarket::new(3, 1.0, 0.0, 0.0);
        let picked = sample(40, 1_000, &mut dice);
        assert_eq!(picked.len(), 40);
        assert!(picked.iter().all(|number| (1..=1_000).contains(number)));
        assert_eq!(sample(9, 4, &mut dice), (1..=4).collect());
    }

    #[test]
    fn penalties_by_secrets_grow_with_each_state() {
        let kind = Kind::LnPenalty(crate::bolt3::Format::Anchors);
        let run = run(kind, 20, Signing::All, 2, &|| ()).unwrap();
        let (first, last) = (run.kept[0], run.kept[run.kept.len() - 1]);
        assert_eq!(last.tower - first.tower, 19 * 330);
        assert!(last.client > first.client && last.client < first.client + 10 * 40);
        assert_eq!((run.answered, run.answered_by_tower), (2, Some(2)));
    }
}
