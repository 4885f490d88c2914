//! Costs of a breach in other constructions: pinned HTLC outputs in LN-penalty, and restarted delays in
//! LN-Symmetry. Weights are those of transactions that were built and signed.

use bitcoin::TxIn;

use super::{Game, precise};
use crate::bolt3::Format;
use crate::compare::{CAPACITY, Table, claimed_by, content};
use crate::model::{Construction, Form, Kind, PlayError, Profile, Setup, Stage};

/// Feerate of a pinning transaction, in sat/vB: low enough that no block includes it, high enough that nodes relay
/// it.
const PIN_RATE: f64 = 1.0;

/// Publishes an old state that has HTLCs, and returns the inputs of the transaction with which the victim answers.
fn answered(kind: Kind, htlcs: usize) -> Result<Vec<TxIn>, PlayError> {
    let setup = Setup::named("fights", 2, CAPACITY, 144)?;
    let mut channel = kind.build(setup, content(2, 0, 0, 0))?;
    let channel: &mut dyn Construction = channel.as_mut();
    let mut stage = Stage::new(channel)?;
    stage.open(channel)?;
    for number in 1..3 {
        channel.update(content(2, htlcs, number, claimed_by(channel)))?;
    }
    let Some(old) = channel.close(0, 1)?.into_iter().next() else { return Ok(Vec::new()) };
    let steps = channel.contest(1, &old.tx)?.unwrap_or_default();
    Ok(steps.into_iter().flat_map(|step| step.tx.input).collect())
}

/// Returns the weight of a transaction that has these inputs and one taproot output, in weight units.
fn together(inputs: &[TxIn]) -> u64 {
    let witnesses = inputs.iter().map(|input| u64::try_from(input.witness.size()).unwrap_or_default());
    // The constants are the weights of version, lock time, counts, marker and flag; of the output; and for
    // each input of its outpoint, empty script and sequence.
    witnesses.fold((4 * 10 + 2) + 4 * 43, |weight, witness| weight + 4 * 41 + witness)
}

/// Returns the weight of a transaction that has only this input and one taproot output, in weight units.
fn alone(input: &TxIn) -> u64 {
    together(std::slice::from_ref(input))
}

fn vbytes(weight: u64) -> f64 {
    precise(weight) / 4.0
}

/// Returns a table of the extra cost to an LN-penalty victim when the cheater pins one of its HTLC transactions. The
/// table also shows that the signed sequence channel has no outputs that can be pinned in this way.
///
/// If the victim uses one justice transaction for all outputs, it conflicts with each of the cheater's HTLC
/// transactions. The cheater can enlarge an HTLC transaction with more inputs and outputs, because the victim signed
/// it with SIGHASH_SINGLE|ANYONECANPAY. To replace the enlarged transaction (the pin), the victim must pay more than
/// the pin's total fee (BIP 125 rule 3).
///
/// If the victim uses one justice transaction per output, only the one for the pinned output has to wait. When the
/// pin confirms, another justice transaction takes the output of the pin's HTLC.
///
/// # Errors
///
/// [`PlayError`] if a channel cannot be simulated.
pub fn htlc_fights(game: &Game) -> Result<Table, PlayError> {
    let mut table = Table::new(&[
        "form",
        "HTLCs",
        "one justice (vB)",
        "one an output (vB)",
        "pin (vB)",
        "replacing the pin (sat)",
        "splitting (sat)",
        "least extra (sat)",
        "the pin costs, once mined (sat)",
    ]);
    let forms = [
        ("LN-penalty, anchors", Kind::LnPenalty(Format::Anchors), 100_000u64),
        ("LN-penalty, zero fee v3", Kind::LnPenalty(Format::ZeroFee), 10_000),
        ("signed sequence", Kind::SignedSequence(Profile::Ctv), 0),
    ];
    for (name, kind, pin) in forms {
        for htlcs in [0usize, 1, 5, 20] {
            let inputs = answered(kind, htlcs)?;
            let batched = vbytes(together(&inputs));
            let split = vbytes(inputs.iter().map(alone).sum());
            let pinned = pin > 0 && htlcs > 0;
            let (replacing, splitting) = match (pinned, inputs.first()) {
                (true, Some(to_local)) => {
                    let second_stage = vbytes(alone(to_local));
                    let replacing = PIN_RATE * precise(pin) + game.incremental * batched;
                    (replacing, (split - batched + second_stage) * game.mean_rate)
                }
                _ => (0.0, 0.0),
            };
            let pin = if pinned { precise(pin) } else { 0.0 };
            let mut row = vec![name.to_owned(), htlcs.to_string()];
            let cells = [batched, split, pin, replacing, splitting, replacing.min(splitting), pin * PIN_RATE];
            row.extend(cells.map(|cell| format!("{cell:.0}")));
            table.push(row);
        }
    }
    Ok(table)
}

/// Returns a table of what stale updates in LN-Symmetry cost both sides. There is no penalty from which the
/// victim could pay fees. Each stale update restarts the delay and costs the cheater the fees of an update
/// transaction and its child. The victim pays for one update and its settlement, however many stale updates
/// were published.
///
/// # Errors
///
/// [`PlayError`] if a channel cannot be simulated.
pub fn symmetry_costs(game: &Game) -> Result<Table, PlayError> {
    let mut table =
        Table::new(&["form", "stale updates", "rate (sat/vB)", "cheater (sat)", "victim (sat)", "blocks"]);
    for form in [Form::AnyPrevOut, Form::TemplateHash, Form::OverridePairCommit] {
        let setup = Setup::named("restarts", 2, CAPACITY, 144)?;
        let mut channel = Kind::Symmetry(form).build(setup, content(2, 0, 0, 0))?;
        let channel = channel.as_mut();
        let mut stage = Stage::new(channel)?;
        stage.open(channel)?;
        channel.update(content(2, 0, 1, 0))?;
        let mut weights = Vec::new();
        let Some(stale) = channel.close(0, 0)?.into_iter().next() else { continue };
        let answer = channel.contest(1, &stale.tx)?.unwrap_or_default();
        for step in [stale].into_iter().chain(answer) {
            weights.push(vbytes(stage.publish(step)?.weight()));
        }
        let [first, update, settle] = weights.as_slice() else { continue };
        for stale in [1u32, 10, 100] {
            for rate in [game.mean_rate, 10.0 * game.mean_rate] {
                // The first stale update spends the funding output; each later one spends an update.
                let cheater = (first + f64::from(stale - 1) * update) * rate;
                let victim = (update + settle) * rate;
                table.push(vec![
                    form.name().to_owned(),
                    stale.to_string(),
                    format!("{rate}"),
                    format!("{cheater:.0}"),
                    format!("{victim:.0}"),
                    (u64::from(stale + 1) * u64::from(game.delay)).to_string(),
                ]);
            }
        }
    }
    Ok(table)
}
