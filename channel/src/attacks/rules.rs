//! Attacks on the update protocol of the signed sequence channel: state numbers, storage, closing and
//! splices.
//!
//! Each attack runs against a victim that leaves out one rule of the protocol, and against a victim that
//! follows all rules. The protocol's state machine ([`Party`]) decides what the victim signs and publishes.
//! Real transactions then show the consequences.

use super::{Shown, Trial};
use crate::model::{
    ClientRecord, Construction, Content, PlayError, Profile, Setup, SignedSequence, Stage, Step,
};
use crate::protocol::{Message, Party, Rule, Rules};

const CAPACITY: u64 = 1_000_000;
/// Balance of party 0 in the states 0, 1 and 2, in satoshi. Party 1 has the rest of the capacity.
const HISTORY: [u64; 3] = [600_000, 800_000, 450_000];

fn content(state: usize) -> Content {
    let first = HISTORY.get(state).copied().unwrap_or(450_000);
    Content::of(&[first, CAPACITY - first])
}

fn open(name: &str) -> Result<(SignedSequence, Stage), PlayError> {
    let setup = Setup::named(name, 2, CAPACITY, 144)?;
    let mut channel = SignedSequence::new(setup, Profile::Ctv, content(0))?;
    let mut stage = Stage::new(&channel)?;
    stage.open(&mut channel)?;
    Ok((channel, stage))
}

/// Party `by` publishes its commitment transaction of state `number`. If the other party's `record` contains a
/// revocation signature for a higher number, the other party contests. Otherwise `by` publishes the settlement. Returns
/// the published transactions with the interpreter's results.
fn publish(
    channel: &SignedSequence,
    stage: &mut Stage,
    (by, number): (usize, u32),
    record: &ClientRecord,
) -> Result<Vec<Shown>, PlayError> {
    let mut steps = channel.close(by, number)?.into_iter();
    let Some(commitment) = steps.next() else { return Ok(Vec::new()) };
    let victim = 1 - by.min(1);
    let answer = channel.contest_with_fee(victim, record, &commitment.tx, 400)?;
    let next: Vec<Step> = match answer {
        Some(contest) => vec![contest],
        None => steps.collect(),
    };
    let proposals = channel.facts().proposals;
    let all: Vec<Step> = std::iter::once(commitment).chain(next).collect();
    let shown = all.iter().map(|step| Shown::verify(step.clone(), proposals));
    let shown = shown.collect::<Result<Vec<Shown>, PlayError>>()?;
    stage.publish_all(all)?;
    Ok(shown)
}

fn record(channel: &SignedSequence, party: usize) -> Result<ClientRecord, PlayError> {
    let missing = || crate::error::ChannelError::refused("the channel is not open");
    Ok(channel.client_record(party).cloned().ok_or_else(missing)?)
}

/// Attack "skipped-number": the update to state 1 is started but not finished, and the victim continues with
/// state 2. The victim has no revocation signature with which it can punish state 1, so the peer can publish
/// this state.
pub(super) fn skipped_number() -> Result<Vec<Trial>, PlayError> {
    let mut trials = Vec::new();
    for (against, rules) in [
        ("a signer that lets a number be skipped", Rules::without(Rule::FinishFirst)),
        ("a number is finished before the next", Rules::ALL),
    ] {
        // The victim is party 1, which proposes odd state numbers. Its peer, party 0, proposes even numbers.
        let mut victim = Party::new(1, 1);
        drop(victim.propose(1, rules));
        let skipped = Message::Propose { number: 2, content: 2, fundings: 1, asked: 2 };
        let goes_along = victim.receive(&skipped, rules).is_ok();

        let (mut channel, mut stage) = open("skipped number")?;
        // Until an update is finished, the victim can punish only states below the last finished number.
        let before = record(&channel, 1)?;
        channel.update(content(1))?;
        let kept = if goes_along { before } else { record(&channel, 1)? };
        channel.update(content(2))?;
        let kept = if goes_along { kept } else { record(&channel, 1)? };
        let shown = publish(&channel, &mut stage, (0, 1), &kept)?;
        let cheater = stage.paid(&channel, 0);
        trials.push(Trial {
            against,
            works: cheater > 600_000,
            outcome: match goes_along {
                true => {
                    format!("the skipped state stands: {cheater} sat, where 600000 and 450000 were agreed")
                }
                false => format!("number 2 is refused until 1 is finished; 1 is then old: {cheater} sat"),
            },
            shown,
        });
    }
    Ok(trials)
}

/// Attack "update-after-broadcast": an honest party publishes its latest commitment transaction and then
/// signs the next state number. The peer uses this signature to punish the published transaction.
pub(super) fn update_after_broadcast() -> Result<Vec<Trial>, PlayError> {
    let mut trials = Vec::new();
    for (against, rules) in [
        ("a signer that goes on after its broadcast", Rules::without(Rule::NothingAfterClosing)),
        ("nothing is signed after a broadcast", Rules::ALL),
    ] {
        let mut honest = Party::new(0, 1);
        honest.close(rules).ok();
        let next = Message::Propose { number: 1, content: 1, fundings: 1, asked: 1 };
        let signs = honest.receive(&next, rules).is_ok();

        let (mut channel, mut stage) = open("update after broadcast")?;
        if signs {
            channel.update(content(2))?;
        }
        let kept = record(&channel, 1)?;
        let shown = publish(&channel, &mut stage, (0, 0), &kept)?;
        let left = stage.paid(&channel, 0);
        trials.push(Trial {
            against,
            works: left < 450_000,
            outcome: format!("the honest publisher has {left} of 600000 sat"),
            shown,
        });
    }
    Ok(trials)
}

/// Attack "crash": a party sends its signature of a state number, which revokes its older states, and then crashes.
/// After the restart it publishes the latest state on its disk. This is a revoked state if the party did not store
/// the new state before it sent the signature.
pub(super) fn crash() -> Result<Vec<Trial>, PlayError> {
    let mut trials = Vec::new();
    for (against, stores_first) in
        [("a signer that sends before it stores", false), ("what is sent is stored before", true)]
    {
        let rules = if stores_first { Rules::ALL } else { Rules::without(Rule::StoreThenSend) };
        let mut honest = Party::new(0, 1);
        let mut disk = honest.clone();
        let next = Message::Propose { number: 1, content: 2, fundings: 1, asked: 2 };
        let sent = honest.receive(&next, rules).is_ok();
        if rules.holds(Rule::StoreThenSend) {
            disk = honest.clone();
        }
        // The party crashes and restarts with the content of its disk.
        let newest = disk.publishable(1, rules).map_or(0, |version| version.number);

        let (mut channel, mut stage) = open("crash")?;
        if sent {
            channel.update(content(2))?;
        }
        let kept = record(&channel, 1)?;
        let shown = publish(&channel, &mut stage, (0, newest), &kept)?;
        let left = stage.paid(&channel, 0);
        trials.push(Trial {
            against,
            works: left < 440_000,
            outcome: format!("after the crash it publishes state {newest} and has {left} sat of 450000"),
            shown,
        });
    }
    Ok(trials)
}

/// Attack "splice": while a splice is unconfirmed, a party signs a state number although it has a commitment
/// transaction of this state for the new funding output only. The splice never confirms. The party can
/// publish only an older state, which its signature revoked.
pub(super) fn splice() -> Result<Vec<Trial>, PlayError> {
    let mut trials = Vec::new();
    for (against, rules) in [
        ("a signer that looks at the new funding only", Rules::without(Rule::EveryFunding)),
        ("a version on every funding that can confirm", Rules::ALL),
    ] {
        let mut honest = Party::new(0, 0b11);
        let half = Message::Propose { number: 1, content: 2, fundings: 0b10, asked: 2 };
        let whole = Message::Propose { number: 1, content: 2, fundings: 0b11, asked: 2 };
        let signed = honest.receive(&half, rules).or_else(|_| honest.receive(&whole, rules)).is_ok();
        let on_old = honest.publishable(0b01, rules).map_or(0, |version| version.number);

        let (mut on_first, mut stage) = open("splice")?;
        // A channel with the same keys on a second funding output, which never confirms.
        let (mut on_second, _) = open("splice")?;
        let spliced = bitcoin::OutPoint { vout: 1, ..on_first.setup().funding };
        on_second.open(spliced)?;
        if signed {
            on_second.update(content(2))?;
        }
        if on_old == 1 {
            on_first.update(content(2))?;
        }
        // A revocation signature signs only a state number, so it is valid for both funding outputs.
        let kept = record(&on_second, 1)?;
        let shown = publish(&on_first, &mut stage, (0, on_old), &kept)?;
        let left = stage.paid(&on_first, 0);
        trials.push(Trial {
            against,
            works: left < 440_000,
            outcome: format!(
                "on the old funding its newest version is {on_old}; it has {left} sat of 450000"
            ),
            shown,
        });
    }
    Ok(trials)
}

/// Attack "silent-rollback": the disk of an honest party is replaced by an old copy without notice. At the next
/// connection the peer shows the signatures that it received from the party. If the party ignores them and publishes
/// its old state, it is punished.
pub(super) fn silent_rollback() -> Result<Vec<Trial>, PlayError> {
    let mut trials = Vec::new();
    for (against, rules) in [
        ("a party that ignores what its peer shows", Rules::without(Rule::NoticeOwnLoss)),
        ("a party that is shown a signature which it does not know publishes nothing", Rules::ALL),
    ] {
        let mut parties = [Party::new(0, 1), Party::new(1, 1)];
        let backup = parties.first().cloned();
        for number in 1..=2 {
            crate::storage::exchange(&mut parties, number)?;
        }
        let [_, peer] = parties;
        let Some(mut restored) = backup.map(|disk| Party::started(&disk, None)) else { continue };
        restored.receive(&Message::Reestablish(peer.shows()), rules).ok();
        let version = restored.close(rules).ok().flatten();

        let (mut channel, mut stage) = open("silent rollback")?;
        channel.update(content(1))?;
        channel.update(content(2))?;
        let (by, number) = version.map_or((1, 2), |version| (0, version.number));
        let kept = record(&channel, 1 - by)?;
        publish(&channel, &mut stage, (by, number), &kept)?;
        let left = stage.paid(&channel, 0);
        trials.push(Trial {
            against,
            works: left < 440_000,
            outcome: format!(
                "party {by} publishes state {number}; the restored party has {left} sat of 450000"
            ),
            // The transactions have the same form as those of the attack "crash".
            shown: Vec::new(),
        });
    }
    Ok(trials)
}
