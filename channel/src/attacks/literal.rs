//! Attacks on [`Literal`], a channel built literally as a talk in 2018 proposed it. Each attack is also tried against
//! [`SignedSequence`], which resists it.

use super::{Shown, Trial, resigned};
use crate::keys::sha256;
use crate::model::{
    Construction, Content, Htlc, Literal, LiteralForm, PlayError, Profile, Setup, SignedSequence, Stage,
};

const CAPACITY: u64 = 1_000_000;
/// Balance of party 0 in the states 0 to 4, in satoshi. Party 1 has the rest of the capacity.
const HISTORY: [u64; 5] = [0, 100_000, 400_000, 250_000, 600_000];

fn content(first: u64) -> Content {
    Content::of(&[first, CAPACITY - first])
}

fn literal(form: LiteralForm, htlc: Option<Htlc>) -> Result<(Literal, Stage), PlayError> {
    let mut channel = Literal::new(Setup::named("attack", 2, CAPACITY, 144)?, form, content(HISTORY[0]))?;
    let mut stage = Stage::new(&channel)?;
    stage.open(&mut channel)?;
    play_history(&mut channel, htlc)?;
    Ok((channel, stage))
}

fn default_form(htlc: Option<Htlc>) -> Result<(SignedSequence, Stage), PlayError> {
    let setup = Setup::named("attack", 2, CAPACITY, 144)?;
    let mut channel = SignedSequence::new(setup, Profile::Ctv, content(HISTORY[0]))?;
    let mut stage = Stage::new(&channel)?;
    stage.open(&mut channel)?;
    play_history(&mut channel, htlc)?;
    Ok((channel, stage))
}

/// Updates the channel to each state of [`HISTORY`] after the first one. If `htlc` is given, only state 2 contains it.
fn play_history(channel: &mut dyn Construction, htlc: Option<Htlc>) -> Result<(), PlayError> {
    for (state, first) in (1..).zip(HISTORY.into_iter().skip(1)) {
        let mut next = content(first);
        if let (2, Some(htlc)) = (state, htlc) {
            if let Some(payer) = next.balances.get_mut(htlc.from) {
                *payer = payer.saturating_sub(htlc.sat);
            }
            next.htlcs.push(htlc);
        }
        channel.update(next)?;
    }
    Ok(())
}

/// Party 0 closes the channel unilaterally in `state`: publishes the first transaction of this close and returns it.
fn publish(
    channel: &dyn Construction,
    stage: &mut Stage,
    state: u32,
) -> Result<bitcoin::Transaction, PlayError> {
    let mut steps = channel.close(0, state)?.into_iter();
    let Some(step) = steps.next() else { return Ok(crate::tx::transaction(2, 0, vec![], vec![])) };
    Ok(stage.publish(step)?.step.tx)
}

/// Attack "swap": the cheater publishes the state in which the victim had its highest balance. Then it takes the
/// victim's output with the revocation signature, which both parties have. The script cannot tell which party
/// published the state.
pub(super) fn swap() -> Result<Vec<Trial>, PlayError> {
    let (channel, mut stage) = literal(LiteralForm::PairCommit, None)?;
    let published = publish(&channel, &mut stage, 0)?;
    let evidence = channel.evidence(channel.number())?;
    let mut shown = Vec::new();
    if let Some(step) = channel.take_balance(0, &published, &evidence)? {
        shown.push(Shown::verify(step.clone(), channel.facts().proposals)?);
        stage.publish(step)?;
    }
    let gained = stage.paid(&channel, 0);
    let naive = Trial {
        against: "literal 2018, CSFS+PC",
        works: gained > 600_000,
        outcome: format!("the cheater has {gained} sat instead of 600000"),
        shown,
    };

    let (channel, mut stage) = default_form(None)?;
    let published = publish(&channel, &mut stage, 0)?;
    let mut shown = Vec::new();
    // The cheater tries to satisfy the contest leaf with its own key instead of the victim's.
    if let Some(record) = channel.client_record(1)
        && let Some(step) = channel.contest_with_fee(1, record, &published, 400)?
    {
        let step = resigned(step, &channel.setup().party(0)?.penalty)?;
        shown.push(Shown::verify(step, channel.facts().proposals)?);
    }
    let stolen = shown.iter().any(Shown::is_valid);
    stage.publish_all(channel.contest(1, &published)?.unwrap_or_default())?;
    let (cheater, victim) = (stage.paid(&channel, 0), stage.paid(&channel, 1));
    let default = Trial {
        against: channel.facts().name,
        works: stolen || cheater > 600_000,
        outcome: format!("the cheater has {cheater} sat, the victim {victim}"),
        shown,
    };
    Ok(vec![naive, default])
}

/// Attack "forgotten-htlc": the cheater publishes an old state with an HTLC that it can claim. The victim no
/// longer has the HTLC's data, so it cannot rebuild the script of the HTLC output.
pub(super) fn forgotten_htlc() -> Result<Vec<Trial>, PlayError> {
    let preimage = [0x77; 32];
    let height = crate::chain::START_HEIGHT;
    let htlc = Htlc { from: 1, to: 0, sat: 300_000, expiry: height + 2_000, payment_hash: sha256(&preimage) };

    let (channel, mut stage) = literal(LiteralForm::PairCommit, Some(htlc))?;
    let published = publish(&channel, &mut stage, 2)?;
    let evidence = channel.evidence(channel.number())?;
    // The victim knows that there was an HTLC, but not its payment hash.
    let forgotten = Htlc { payment_hash: [0; 32], ..htlc };
    let rebuilt = channel.take_htlc(1, &published, &forgotten, &evidence);
    stage.publish_all(channel.contest(1, &published)?.unwrap_or_default())?;
    let state = channel.close(0, 2)?;
    let Some(settled) = state.first() else { return Ok(vec![]) };
    let claim = channel.claim_htlc(settled, &htlc, Some(preimage))?;
    let shown = vec![Shown::verify(claim.clone(), channel.facts().proposals)?];
    stage.publish(claim)?;
    let gained = stage.paid(&channel, 0);
    let naive = Trial {
        against: "literal 2018, CSFS+PC",
        works: rebuilt.is_err() && gained > 0,
        outcome: format!("the victim cannot rebuild the output; the cheater keeps {gained} sat"),
        shown,
    };

    let (channel, mut stage) = default_form(Some(htlc))?;
    let published = publish(&channel, &mut stage, 2)?;
    let steps = channel.contest(1, &published)?.unwrap_or_default();
    let shown = steps.iter().map(|step| Shown::verify(step.clone(), channel.facts().proposals));
    let shown = shown.collect::<Result<Vec<Shown>, PlayError>>()?;
    stage.publish_all(steps)?;
    let (cheater, victim) = (stage.paid(&channel, 0), stage.paid(&channel, 1));
    let default = Trial {
        against: channel.facts().name,
        works: cheater > 0 || victim < CAPACITY - 1_000,
        outcome: format!("the victim takes {victim} sat without knowing the HTLC"),
        shown,
    };
    Ok(vec![naive, default])
}

/// Attack "unopenable": each state commits to its number with a random value. The victim has the revocation
/// signature, but did not store the random value of the published state. It cannot open the commitment, so it cannot
/// show that the published state's number is lower.
pub(super) fn unopenable() -> Result<Vec<Trial>, PlayError> {
    let (channel, mut stage) = literal(LiteralForm::PairCommit, None)?;
    let published = publish(&channel, &mut stage, 1)?;
    let evidence = channel.evidence(channel.number())?;
    let proposals = channel.facts().proposals;
    let mut shown = Vec::new();
    if let Some(mut step) = channel.take_balance(1, &published, &evidence)? {
        shown.push(Shown::verify(step.clone(), proposals)?);
        // The fifth witness element is the random value that opens the commitment to the published state's
        // number. It is replaced, as if the victim had not stored it.
        let mut witness: Vec<Vec<u8>> =
            step.tx.input.iter().flat_map(|input| input.witness.to_vec()).collect();
        if let Some(random) = witness.get_mut(4) {
            *random = vec![0x11; 32];
        }
        crate::tx::set_witness(&mut step.tx, 0, &witness);
        shown.push(Shown::verify(step, proposals)?);
    }
    let verdicts: Vec<bool> = shown.iter().map(Shown::is_valid).collect();
    let naive = Trial {
        against: "literal 2018, CSFS+PC",
        works: verdicts == [true, false],
        outcome: "with its random value the state is opened, without it is not".to_owned(),
        shown,
    };
    let (channel, mut stage) = default_form(None)?;
    let published = publish(&channel, &mut stage, 1)?;
    let steps = channel.contest(1, &published)?.unwrap_or_default();
    let answered = !steps.is_empty();
    stage.publish_all(steps)?;
    let default = Trial {
        against: channel.facts().name,
        works: !answered,
        outcome: format!("nothing is to be opened; the victim takes {} sat", stage.paid(&channel, 1)),
        shown: Vec::new(),
    };
    Ok(vec![naive, default])
}

/// Attack "byte-shift": the revocation data of the latest state is a number followed by a random value. The
/// cheater splits the bytes at another position. Bytes of the random value then become part of a higher
/// number.
pub(super) fn byte_shift() -> Result<Vec<Trial>, PlayError> {
    let mut trials = Vec::new();
    for form in [LiteralForm::CatUnsized, LiteralForm::Cat, LiteralForm::PairCommit] {
        let (channel, mut stage) = literal(form, None)?;
        let published = publish(&channel, &mut stage, channel.number())?;
        let honest = channel.evidence(channel.number())?;
        let read =
            |number: &[u8]| sigstack_interpreter::script_num::decode(number, 4, false).unwrap_or_default();
        let mut best = None;
        for moved in 1..=3usize {
            let mut shifted = honest.clone();
            shifted.number.extend(honest.random.iter().take(moved));
            shifted.random = honest.random.iter().skip(moved).copied().collect();
            // A last byte of 0x80 or more makes the number negative, so this split is of no use to the
            // cheater.
            if read(&shifted.number) <= read(&honest.number) {
                continue;
            }
            if let Some(step) = channel.take_balance(0, &published, &shifted)? {
                let shown = Shown::verify(step, channel.facts().proposals)?;
                let valid = shown.is_valid();
                best = Some((shown, shifted.number));
                if valid {
                    break;
                }
            }
        }
        let Some((shown, number)) = best else { continue };
        let works = shown.is_valid();
        let read = read(&number);
        let outcome = match (works, &shown.expect) {
            (true, _) => {
                format!("the number {} is read as {read}", honest.number.first().copied().unwrap_or(0))
            }
            (false, Some(error)) => format!("rejected: {}", error.name()),
            (false, None) => String::new(),
        };
        trials.push(Trial { against: form.name(), works, outcome, shown: vec![shown] });
    }
    Ok(trials)
}
