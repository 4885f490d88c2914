//! Attacks on LN-Symmetry, and on its override variants, in which the script compares state numbers instead of lock
//! times. The update transaction of the latest state spends the output of any older state, and there is no penalty.

use bitcoin::Transaction;
use sigstack_interpreter::{Flags, Opcode as O};

use super::{Shown, Trial};
use crate::keys::{Seed, sign_schnorr, x_only};
use crate::leaves::{self, CTV};
use crate::model::{Construction, Content, Form, PlayError, Setup, SignedSequence, Stage, Step, Symmetry};
use crate::publish::answers;
use crate::script::{Num, Push, script};
use crate::sign;
use crate::taproot::{Leaf, TapOutput};
use crate::tx::{SEQUENCE_FREE, input, outpoint, output, p2tr, set_witness, transaction};

const CAPACITY: u64 = 1_000_000;

fn override_flags() -> Flags {
    Flags::CHECKSIGFROMSTACK | Flags::CHECKTEMPLATEVERIFY | Flags::INTERNALKEY | Flags::PAIRCOMMIT
}

/// Builds a transaction that pays the key `to` and spends a taproot output with the internal key `key` and the single
/// leaf `leaf`. The output does not exist on a chain. `stack` receives the transaction and returns its witness
/// elements.
fn spend(
    key: [u8; 32],
    leaf: &[u8],
    to: [u8; 32],
    stack: impl FnOnce(&Transaction) -> Result<Vec<Vec<u8>>, PlayError>,
) -> Result<Step, PlayError> {
    let out = TapOutput::new(key, vec![(0, Leaf::Script(leaf.to_vec()))])?;
    let source = transaction(2, 0, vec![], vec![output(CAPACITY, out.script_pubkey())]);
    let pays = vec![output(CAPACITY - 500, p2tr(&to))];
    let mut tx = transaction(3, 0, vec![input(outpoint(&source, 0), SEQUENCE_FREE)], pays);
    let stack = stack(&tx)?;
    set_witness(&mut tx, 0, &out.witness(leaf, stack)?);
    Ok(Step { label: "spend", tx, prevouts: vec![output(CAPACITY, out.script_pubkey())] })
}

/// Attack "mix-and-match": one signature signs an update transaction, and another signs its state number. The
/// attacker combines the signature of an old transaction with the signature of a newer number.
pub(super) fn mix_and_match() -> Result<Vec<Trial>, PlayError> {
    let joint = Seed::from_name("joint").keypair("p", &[])?;
    let (key, old_owner) = (x_only(&joint), x_only(&Seed::from_name("old owner").keypair("p", &[])?));
    let (published, newer) = (5u32, 9u32);
    // Naive leaf with two signed messages: `DUP <n> GREATERTHAN VERIFY <P> CSFS VERIFY CTV <P> CSFS`.
    let naive = script(&[
        &O::OP_DUP,
        &Num(published.into()),
        &O::OP_GREATERTHAN,
        &O::OP_VERIFY,
        &Push(&key),
        &O::OP_CHECKSIGFROMSTACK,
        &O::OP_VERIFY,
        &CTV,
        &Push(&key),
        &O::OP_CHECKSIGFROMSTACK,
    ]);
    // The transaction of state 3, which was signed when this state was the latest, with the signature of the
    // number of state 9.
    let step = spend(key, &naive, old_owner, |tx| {
        let template = sign::check_template(tx)?;
        let number = leaves::number_bytes(newer);
        let of_number = sign_schnorr(&joint, &number).to_vec();
        Ok(vec![sign_schnorr(&joint, &template).to_vec(), template.to_vec(), of_number, number])
    })?;
    let shown = Shown::verify(step, override_flags())?;
    let first = Trial {
        against: "override with two signatures",
        works: shown.is_valid(),
        outcome: format!("state 3 replaces state {published} under the number {newer}"),
        shown: vec![shown],
    };

    let leaf = leaves::override_pair_commit(published);
    let attempt = |signed: u32, shown: u32| {
        spend(key, &leaf, old_owner, |tx| {
            let (template, settle) = (sign::check_template(tx)?, [7; 32]);
            let templates = leaves::pair_commit(&settle, &template);
            let message = leaves::pair_commit(&leaves::number_bytes(signed), &templates);
            let signature = sign_schnorr(&joint, &message).to_vec();
            Ok(vec![signature, leaves::number_bytes(shown), settle.to_vec(), template.to_vec()])
        })
    };
    let shown = [attempt(3, newer)?, attempt(3, 3)?, attempt(newer, newer)?];
    let shown = shown.into_iter().map(|step| Shown::verify(step, override_flags()));
    let shown = shown.collect::<Result<Vec<Shown>, PlayError>>()?;
    let verdicts: Vec<bool> = shown.iter().map(Shown::is_valid).collect();
    let second = Trial {
        against: Form::OverridePairCommit.name(),
        works: verdicts != [false, false, true],
        outcome: "one signature over both: the old transaction passes under neither number".to_owned(),
        shown,
    };
    Ok(vec![first, second])
}

/// Attack "short-template": OP_CHECKTEMPLATEVERIFY ignores an argument that is not 32 bytes. If the joint key P also
/// signs messages of other sizes, such as state numbers, anyone can spend the output to any address with such a
/// signature.
pub(super) fn short_template() -> Result<Vec<Trial>, PlayError> {
    let joint = Seed::from_name("joint").keypair("p", &[])?;
    let (key, thief) = (x_only(&joint), x_only(&Seed::from_name("thief").keypair("p", &[])?));
    let flags = Flags::CHECKSIGFROMSTACK | Flags::CHECKTEMPLATEVERIFY;
    let number = leaves::number_bytes(70_000);
    let bearer = || Ok(vec![sign_schnorr(&joint, &number).to_vec(), number.clone()]);
    let leaf = leaves::update_ctv(&key, None);
    let shown = Shown::verify(spend(key, &leaf, thief, |_| bearer())?, flags)?;
    let naive = Trial {
        against: "CTV with an argument of any size, and a key that signs numbers",
        works: shown.is_valid(),
        outcome: "the signature of a number spends to anywhere".to_owned(),
        shown: vec![shown],
    };
    let size = script(&[&O::OP_SIZE, &Num(32), &O::OP_EQUALVERIFY]);
    let sized = [&size[..], &leaf].concat();
    let stolen = Shown::verify(spend(key, &sized, thief, |_| bearer())?, flags)?;
    let honest = spend(key, &sized, thief, |tx| {
        let template = sign::check_template(tx)?;
        Ok(vec![sign_schnorr(&joint, &template).to_vec(), template.to_vec()])
    })?;
    let honest = Shown::verify(honest, flags)?;
    let checked = Trial {
        against: "the same with SIZE <32> EQUALVERIFY",
        works: stolen.is_valid(),
        outcome: format!("a template still passes: {}", honest.is_valid()),
        shown: vec![stolen, honest],
    };
    Ok(vec![naive, checked])
}

fn symmetric(form: Form, states: u64, delay: u16) -> Result<(Symmetry, Stage), PlayError> {
    let content = |state: u64| Content::of(&[CAPACITY / 2 + 1_000 * state, CAPACITY / 2 - 1_000 * state]);
    let setup = Setup::named("symmetric attack", 2, CAPACITY, delay)?;
    let mut channel = Symmetry::new(setup, form, content(0))?;
    let mut stage = Stage::new(&channel)?;
    stage.open(&mut channel)?;
    for state in 1..=states {
        channel.update(content(state))?;
    }
    Ok((channel, stage))
}

/// Attack "two-delays": an old state is published, and the latest state replaces it just before the delay expires.
/// The balances can then be spent only after two delays.
pub(super) fn two_delays() -> Result<Vec<Trial>, PlayError> {
    let delay = 144;
    let (channel, mut stage) = symmetric(Form::TemplateHash, 3, delay)?;
    let mut old = channel.close(0, 1)?.into_iter();
    let Some(first) = old.next() else { return Ok(vec![]) };
    let published = stage.publish(first)?;
    let from = published.height;
    stage.chain.mine(u32::from(delay) - 2).map_err(|reject| PlayError::Chain { label: "wait", reject })?;
    let steps = channel.contest(0, &published.step.tx)?.unwrap_or_default();
    let played = stage.publish_all(steps)?;
    let waited = played.last().map_or(0, |last| last.height - from);
    let naive = Trial {
        against: channel.facts().name,
        works: waited > u32::from(delay) + 10,
        outcome: format!("{waited} blocks from the first publication to the balances, delay {delay}"),
        shown: Vec::new(),
    };

    let setup = Setup::named("symmetric attack", 2, CAPACITY, delay)?;
    let half = Content::of(&[CAPACITY / 2, CAPACITY / 2]);
    let mut channel = SignedSequence::new(setup, crate::model::Profile::Ctv, half.clone())?;
    let mut stage = Stage::new(&channel)?;
    stage.open(&mut channel)?;
    channel.update(half)?;
    let played = stage.publish_all(channel.close(0, 1)?)?;
    let heights: Vec<u32> = played.iter().map(|played| played.height).collect();
    let waited = heights.last().zip(heights.first()).map_or(0, |(last, first)| last - first);
    let default = Trial {
        against: channel.facts().name,
        works: waited > u32::from(delay) + 10,
        outcome: format!(
            "{waited} blocks: an old version is taken at once, the newest settles after the delay"
        ),
        shown: Vec::new(),
    };
    Ok(vec![naive, default])
}

/// Attack "stale-updates": the cheater publishes a hundred old states one after the other. Each restarts the
/// delay.
pub(super) fn stale_updates() -> Result<Vec<Trial>, PlayError> {
    let (delay, count) = (6u16, 100u64);
    let (channel, mut stage) = symmetric(Form::TemplateHash, count, delay)?;
    let Some(first) = channel.close(0, 0)?.into_iter().next() else { return Ok(vec![]) };
    let mut last = stage.publish(first)?;
    let (from, mut weight) = (last.height, last.weight());
    let mut updates = vec![last.step.tx.clone()];
    for state in 1..count {
        stage
            .chain
            .mine(u32::from(delay) - 2)
            .map_err(|reject| PlayError::Chain { label: "wait", reject })?;
        let state = u32::try_from(state).unwrap_or(u32::MAX);
        let Some(step) = channel.rebind(state, &last.step.tx)? else { break };
        last = stage.publish(step)?;
        updates.push(last.step.tx.clone());
        weight += last.weight();
    }
    let steps = answers(&*channel.guard(1)?, &updates)?.unwrap_or_default();
    let played = stage.publish_all(steps)?;
    let waited = played.last().map_or(0, |played| played.height - from);
    let balance = stage.paid(&channel, 1);
    let naive = Trial {
        against: channel.facts().name,
        works: waited > 10 * u32::from(delay),
        outcome: format!(
            "{waited} blocks with a delay of {delay}; the cheater paid for {weight} WU; the victim has its {balance} sat"
        ),
        shown: Vec::new(),
    };

    let setup = Setup::named("symmetric attack", 2, CAPACITY, delay)?;
    let half = Content::of(&[CAPACITY / 2, CAPACITY / 2]);
    let mut channel = SignedSequence::new(setup, crate::model::Profile::Ctv, half.clone())?;
    let mut stage = Stage::new(&channel)?;
    stage.open(&mut channel)?;
    for _ in 0..3 {
        channel.update(half.clone())?;
    }
    let Some(old) = channel.close(0, 0)?.into_iter().next() else { return Ok(vec![]) };
    let published = stage.publish(old)?;
    let played = stage.publish_all(channel.contest(1, &published.step.tx)?.unwrap_or_default())?;
    let waited = played.last().map_or(0, |played| played.height - published.height);
    let default = Trial {
        against: channel.facts().name,
        works: waited > u32::from(delay),
        outcome: format!("one contest ends it after {waited} block"),
        shown: Vec::new(),
    };
    Ok(vec![naive, default])
}
