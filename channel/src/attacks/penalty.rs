//! Attacks related to penalties, watchtowers and backups.

use sigstack_interpreter::Flags;

use super::{Shown, Trial};
use crate::keys::{Seed, sign_schnorr, x_only};
use crate::leaves;
use crate::model::{
    Construction, Content, Form, PlayError, Profile, Setup, SignedSequence, Stage, Step, Symmetry,
    TowerRecord,
};
use crate::taproot::{Leaf, TapOutput};
use crate::tx::{input, outpoint, output, p2tr, set_witness, transaction};

const CAPACITY: u64 = 1_000_000;

fn content(state: u64) -> Content {
    Content::of(&[600_000 - 50_000 * state, 400_000 + 50_000 * state])
}

fn channel(setup: Setup, profile: Profile) -> Result<(SignedSequence, Stage), PlayError> {
    let mut channel = SignedSequence::new(setup, profile, content(0))?;
    let mut stage = Stage::new(&channel)?;
    stage.open(&mut channel)?;
    for state in 1..4 {
        channel.update(content(state))?;
    }
    Ok((channel, stage))
}

fn setup(name: &str) -> Result<Setup, PlayError> {
    Ok(Setup::named(name, 2, CAPACITY, 144)?)
}

/// Attack "replay": an honest party publishes its latest state. Its peer takes the whole output with a revocation
/// signature that the party made in another channel. This works if the party signs the state numbers of both channels
/// with the same key.
pub(super) fn replay() -> Result<Vec<Trial>, PlayError> {
    let mut trials = Vec::new();
    for shared in [true, false] {
        let other = Setup::named("other channel", 2, CAPACITY, 144)?;
        let mut own = setup("this channel")?;
        if shared {
            for (party, twin) in own.parties.iter_mut().zip(&other.parties) {
                party.number = twin.number;
            }
        }
        let (channel, mut stage) = channel(own, Profile::Ctv)?;
        // The honest party publishes its latest state.
        let Some(newest) = channel.close(0, channel.number())?.into_iter().next() else { continue };
        let published = stage.publish(newest)?.step.tx;
        // In the other channel, the party signed a much higher state number with the number key of that
        // channel.
        let high = 0x3fff_ffff;
        let evidence = sign_schnorr(&other.party(0)?.number, &leaves::number_bytes(high));
        let record = TowerRecord { number: high, evidence, ..channel.tower_record(1)? };
        let step = channel.terms().answer(&record, &published, None)?;
        let shown = step.into_iter().map(|step| Shown::verify(step, channel.facts().proposals));
        let shown = shown.collect::<Result<Vec<Shown>, PlayError>>()?;
        let works = shown.iter().any(Shown::is_valid);
        trials.push(Trial {
            against: if shared { "one number key for two channels" } else { "a number key for each channel" },
            works,
            outcome: match works {
                true => format!("{CAPACITY} sat are taken from an honest newest state"),
                false => "the evidence is no signature of this channel's key".to_owned(),
            },
            shown,
        });
    }
    Ok(trials)
}

/// Attack "tower-theft": a tower keeps the funds that it takes from the cheater. This works if the leaf
/// requires only the revocation signature. It does not work if the leaf also fixes the transaction.
pub(super) fn tower_theft() -> Result<Vec<Trial>, PlayError> {
    let thief = x_only(&Seed::from_name("tower").keypair("payout", &[])?);
    let number_key = Seed::from_name("cheater").keypair("number", &[])?;
    let internal = x_only(&Seed::from_name("joint").keypair("p", &[])?);
    let flags = Flags::CHECKSIGFROMSTACK | Flags::CHECKTEMPLATEVERIFY;
    let (state, newest) = (70_000, 70_001);
    let evidence = || {
        vec![sign_schnorr(&number_key, &leaves::number_bytes(newest)).to_vec(), leaves::number_bytes(newest)]
    };
    // Naive leaf: anyone who shows the revocation signature takes everything.
    let bearer = leaves::sweep(state, &x_only(&number_key), 1);
    let victim = x_only(&Seed::from_name("victim").keypair("payout", &[])?);
    let pays = |key: [u8; 32]| {
        transaction(3, 0, vec![input(bitcoin::OutPoint::null(), 1)], vec![output(CAPACITY - 400, p2tr(&key))])
    };
    let fixed = leaves::template_ctv(&crate::sign::check_template(&pays(victim))?);
    let tower = Seed::from_name("victim").keypair("tower", &[])?;
    let bound = leaves::tower(state, &x_only(&number_key), &x_only(&tower), &fixed);
    let mut spends = Vec::new();
    for (leaf, key, keyed) in [(&bearer, thief, false), (&bound, thief, true), (&bound, victim, true)] {
        let out = TapOutput::new(internal, vec![(0, Leaf::Script(leaf.clone()))])?;
        let source = transaction(2, 0, vec![], vec![output(CAPACITY, out.script_pubkey())]);
        let mut tx = pays(key);
        tx.input = vec![input(outpoint(&source, 0), 1)];
        let prevouts = vec![output(CAPACITY, out.script_pubkey())];
        let mut stack = evidence();
        if keyed {
            let digest = crate::sign::script_path(&tx, &prevouts, 0, leaf, 0, false, None)?;
            stack.insert(0, sign_schnorr(&tower, &digest).to_vec());
        }
        set_witness(&mut tx, 0, &out.witness(leaf, stack)?);
        let step = Step { label: "sweep", tx, prevouts };
        spends.push(Shown::verify(step, flags)?);
    }
    let mut spends = spends.into_iter();
    let naive: Vec<Shown> = spends.by_ref().take(1).collect();
    let bound: Vec<Shown> = spends.collect();
    let verdict = |shown: &[Shown], place: usize| shown.get(place).is_some_and(Shown::is_valid);
    Ok(vec![
        Trial {
            against: "evidence alone in the leaf",
            works: verdict(&naive, 0),
            outcome: format!("the tower pays {} sat to itself", CAPACITY - 400),
            shown: naive,
        },
        Trial {
            against: "evidence, a fixed transaction and a key given to towers",
            works: verdict(&bound, 0),
            outcome: format!("the fixed transaction to the victim passes: {}", verdict(&bound, 1)),
            shown: bound,
        },
    ])
}

/// Attack "stale-state": a cheater publishes an old state. In the first trial, the victim is offline for the whole
/// delay. In the second, it contests the old state within the delay.
pub(super) fn stale_state() -> Result<Vec<Trial>, PlayError> {
    let mut trials = Vec::new();
    for (against, watches) in
        [("a victim that is away for longer than the delay", false), ("a victim within the delay", true)]
    {
        let (channel, mut stage) = channel(setup("stale")?, Profile::Ctv)?;
        let mut steps = channel.close(0, 0)?.into_iter();
        let Some(first) = steps.next() else { continue };
        let published = stage.publish(first)?.step.tx;
        let answer =
            if watches { channel.contest(1, &published)?.unwrap_or_default() } else { steps.collect() };
        let shown = answer.iter().map(|step| Shown::verify(step.clone(), channel.facts().proposals));
        let shown = shown.collect::<Result<Vec<Shown>, PlayError>>()?;
        stage.publish_all(answer)?;
        let cheater = stage.paid(&channel, 0);
        trials.push(Trial {
            against,
            works: cheater > 450_000,
            outcome: format!("the cheater has {cheater} sat instead of 450000"),
            shown,
        });
    }
    Ok(trials)
}

/// Attack "restored-backup": an honest party that lost its last states publishes the latest state of its
/// backup. A penalty takes its balance as if it had cheated. Without a penalty, it keeps its balance.
pub(super) fn restored_backup() -> Result<Vec<Trial>, PlayError> {
    let (with_penalty, mut stage) = channel(setup("backup")?, Profile::Ctv)?;
    let Some(old) = with_penalty.close(0, 1)?.into_iter().next() else { return Ok(vec![]) };
    let published = stage.publish(old)?.step.tx;
    stage.publish_all(with_penalty.contest(1, &published)?.unwrap_or_default())?;
    let left = stage.paid(&with_penalty, 0);
    let mut trials = vec![Trial {
        against: with_penalty.facts().name,
        works: left < 450_000,
        outcome: format!("the honest party keeps {left} of 450000 sat: a penalty does not ask why"),
        shown: Vec::new(),
    }];
    let mut symmetric = Symmetry::new(setup("backup")?, Form::TemplateHash, content(0))?;
    let mut stage = Stage::new(&symmetric)?;
    stage.open(&mut symmetric)?;
    for state in 1..4 {
        symmetric.update(content(state))?;
    }
    let Some(old) = symmetric.close(0, 1)?.into_iter().next() else { return Ok(trials) };
    let published = stage.publish(old)?.step.tx;
    stage.publish_all(symmetric.contest(1, &published)?.unwrap_or_default())?;
    let left = stage.paid(&symmetric, 0);
    trials.push(Trial {
        against: symmetric.facts().name,
        works: left < 450_000,
        outcome: format!("the honest party keeps {left} of 450000 sat"),
        shown: Vec::new(),
    });
    Ok(trials)
}

/// Attack "hostage-split": a party publishes its commitment transaction but never its settlement. Each trial
/// shows whether the other party can publish the settlement.
pub(super) fn hostage_split() -> Result<Vec<Trial>, PlayError> {
    let mut trials = Vec::new();
    for (against, profile) in
        [("a split that its publisher alone holds", Profile::CsfsOnly), ("a split by template", Profile::Ctv)]
    {
        let (channel, mut stage) = channel(setup("hostage")?, profile)?;
        let mut steps = channel.close(0, channel.number())?.into_iter();
        let (Some(commitment), Some(mut settlement)) = (steps.next(), steps.next()) else { continue };
        stage.publish(commitment)?;
        if profile == Profile::CsfsOnly {
            // The other party does not have the signature of the settlement, so this witness element is left
            // empty.
            let mut witness: Vec<Vec<u8>> =
                settlement.tx.input.iter().flat_map(|input| input.witness.to_vec()).collect();
            if let Some(signature) = witness.first_mut() {
                signature.clear();
            }
            set_witness(&mut settlement.tx, 0, &witness);
        }
        let shown = Shown::verify(settlement.clone(), channel.facts().proposals)?;
        let frozen = stage.publish(settlement).is_err();
        let paid = stage.paid(&channel, 1);
        trials.push(Trial {
            against,
            works: frozen,
            outcome: format!("the other side has {paid} of 550000 sat"),
            shown: vec![shown],
        });
    }
    Ok(trials)
}

/// Attack "same-number": the victim agrees to two different channel states with the same number. A revocation
/// signature for this number revokes neither of them.
pub(super) fn same_number() -> Result<Vec<Trial>, PlayError> {
    let mut trials = Vec::new();
    for (against, advance) in
        [("a signer that gives two contents one number", 0), ("a number for each content", 1)]
    {
        let name = "same number";
        let mut first = SignedSequence::new(setup(name)?, Profile::Ctv, content(0))?;
        let mut second = SignedSequence::new(setup(name)?, Profile::Ctv, content(0))?;
        let mut stage = Stage::new(&first)?;
        stage.open(&mut first)?;
        second.open(first.setup().funding)?;
        // The cheater keeps its commitment transaction of the first state with number 1. The victim's record
        // contains the cheater's revocation signature for the number of the second state.
        first.update(content(1))?;
        for _ in 0..=advance {
            second.update(content(3))?;
        }
        let Some(step) = first.close(0, 1)?.into_iter().next() else { continue };
        let published = stage.publish(step)?.step.tx;
        let answer = second.contest(1, &published)?;
        let works = answer.is_none();
        let shown = answer.into_iter().flatten().map(|step| Shown::verify(step, second.facts().proposals));
        trials.push(Trial {
            against,
            works,
            outcome: match works {
                true => "the other content stands: 550000 sat instead of 450000".to_owned(),
                false => "the first content is punished".to_owned(),
            },
            shown: shown.collect::<Result<Vec<Shown>, PlayError>>()?,
        });
    }
    Ok(trials)
}
