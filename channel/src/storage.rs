//! Long runs: what a channel keeps after many updates, and whether any earlier state is still answered.

use crate::chain::FeeMarket;
use crate::compare::Table;
use crate::error::ChannelError;
use crate::model::{Construction, Content, Kind, PlayError, Setup, Stage};
use crate::protocol::{Message, Party, Rules};

/// Which updates are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// All of them.
    All,
    /// So many that a seed picks, and the last. The state machine of both sides runs for all.
    Sample(u32, u64),
}

/// Bytes at a point of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Updates so far.
    pub updates: u32,
    /// What a client keeps.
    pub client: usize,
    /// What a tower keeps.
    pub tower: usize,
    /// What the protocol's state machine keeps.
    pub machine: usize,
}

/// What a run found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongRun {
    /// Bytes along the way.
    pub kept: Vec<Kept>,
    /// Updates that were signed.
    pub signed: u32,
    /// Earlier states that were published, and answered by the client.
    pub answered: u32,
    /// Those that the tower answered.
    pub answered_by_tower: u32,
    /// Earlier states that were published.
    pub tried: u32,
}

const CAPACITY: u64 = 10_000_000;

fn content(number: u32) -> Content {
    let first = 1_000_000 + u64::from(number % 8_000) * 1_000;
    Content::of(&[first, CAPACITY - first])
}

/// Exchanges the messages of one update between two sides that follow all rules.
fn machine_update(parties: &mut [Party; 2], number: u32) -> Result<(), ChannelError> {
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

/// Updates a channel so often, measures what is kept, then publishes `tries` earlier states and the newest on chains of their own.
///
/// # Errors
///
/// [`PlayError`] if a transaction cannot be built or the newest state is contested.
pub fn run(kind: Kind, updates: u32, signing: Signing, tries: u32) -> Result<LongRun, PlayError> {
    let mut channel = kind.build(Setup::named("long run", 2, CAPACITY, 144)?, content(0))?;
    let channel = channel.as_mut();
    let mut stage = Stage::new(channel)?;
    stage.open(channel)?;
    let funding = channel.setup().funding;
    let mut parties = [Party::new(0, 1), Party::new(1, 1)];
    let mut dice = match signing {
        Signing::All => FeeMarket::new(0, 1.0, 0.0, 0.0),
        Signing::Sample(_, seed) => FeeMarket::new(seed, 1.0, 0.0, 0.0),
    };
    let (mut signed, mut kept) = (0, Vec::new());
    let every = (updates / 10).max(1);
    for number in 1..=updates {
        machine_update(&mut parties, number)?;
        let measure = number.is_multiple_of(every) || number == updates || number == 1;
        let chosen = match signing {
            Signing::All => true,
            Signing::Sample(count, _) => dice.uniform() * f64::from(updates) < f64::from(count),
        };
        if chosen {
            channel.update(content(number))?;
            signed += 1;
        } else {
            channel.agree(content(number))?;
            if measure {
                // The newest state is signed, to measure it.
                channel.open(funding)?;
                signed += 1;
            }
        }
        if measure {
            let machine = parties.iter().map(|party| party.to_bytes().len()).max().unwrap_or_default();
            let (client, tower) = (channel.client_bytes(1).len(), channel.tower_bytes(1).len());
            kept.push(Kept { updates: number, client, tower, machine });
        }
    }
    let mut found = LongRun { kept, signed, answered: 0, answered_by_tower: 0, tried: tries };
    for _ in 0..tries {
        let place = dice.uniform() * f64::from(updates);
        let number = (0..updates).rev().find(|number| f64::from(*number) <= place).unwrap_or_default();
        answer(channel, number, &mut found)?;
    }
    let newest = channel.close(0, channel.number())?;
    let contested = newest.first().map(|step| channel.contest(1, &step.tx)).transpose()?.flatten();
    match contested {
        Some(_) => Err(ChannelError::refused("the newest state is contested").into()),
        None => Ok(found),
    }
}

/// Publishes an earlier state, and the answers of client and tower, each on a chain of its own.
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
            true => found.answered_by_tower += 1,
            false => found.answered += 1,
        }
    }
    Ok(())
}

/// A run as a table.
pub fn table(run: &LongRun) -> Table {
    let mut table = Table::new(&["updates", "client (B)", "tower (B)", "state machine (B)"]);
    for kept in &run.kept {
        let cells = [
            kept.updates.to_string(),
            kept.client.to_string(),
            kept.tower.to_string(),
            kept.machine.to_string(),
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
            Kind::Symmetry(Form::AnyPrevOut),
            Kind::Symmetry(Form::TemplateHash),
            Kind::Symmetry(Form::OverridePairCommit),
        ] {
            for signing in [Signing::All, Signing::Sample(5, 11)] {
                let run = run(kind, 60, signing, 3).unwrap();
                let first = run.kept[0];
                for kept in &run.kept {
                    assert_eq!(
                        (kept.client, kept.tower, kept.machine),
                        (first.client, first.tower, 45),
                        "{kind:?}"
                    );
                }
                assert_eq!((run.answered, run.answered_by_tower), (3, 3), "{kind:?}");
                assert!(signing != Signing::All || run.signed == 60);
            }
        }
    }

    #[test]
    fn penalties_by_secrets_grow_with_each_state() {
        let kind = Kind::LnPenalty(crate::bolt3::Format::Anchors);
        let run = run(kind, 20, Signing::All, 2).unwrap();
        let (first, last) = (run.kept[0], run.kept[run.kept.len() - 1]);
        assert_eq!(last.tower - first.tower, 19 * 330);
        assert!(last.client > first.client && last.client < first.client + 10 * 40);
        assert_eq!((run.answered, run.answered_by_tower), (2, 2));
    }
}
