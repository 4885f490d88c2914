//! Runs known attacks on channel constructions. Each attack is tried against the construction that it breaks
//! and against one that resists it.
//!
//! An attack returns [`Trial`]s: what was attacked, whether the attack worked, and the transactions that show
//! this. The simulated chain and the interpreter decide whether a transaction is valid.

mod fees;
mod literal;
mod nonces;
mod penalty;
mod rules;
mod self_evidence;
mod symmetric;

use secp256k1::Keypair;
use sigstack_interpreter::{Flags, ScriptError, Spend, VerifyError};

use crate::compare::Table;
use crate::error::ChannelError;
use crate::keys::sign_schnorr;
use crate::model::{PlayError, Step};
use crate::sign;
use crate::tx::set_witness;

/// A transaction that demonstrates the result of an attack, with the interpreter's result for its first input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The transaction, with the outputs that it spends.
    pub step: Step,
    /// Soft fork proposals that are active in addition to the consensus rules.
    pub proposals: Flags,
    /// Script error with which the interpreter rejects the transaction's first input. `None` if this input is valid.
    pub expect: Option<ScriptError>,
}

impl Shown {
    /// Verifies the first input of a transaction and stores the result in [`Shown::expect`].
    ///
    /// # Errors
    ///
    /// [`PlayError::Channel`] if the interpreter could not give a verdict.
    pub fn verify(step: Step, proposals: Flags) -> Result<Shown, PlayError> {
        let spend = Spend::new(&step.tx, &step.prevouts).map_err(ChannelError::from)?;
        let expect = match spend.verify_input(0, Flags::CONSENSUS | proposals) {
            Ok(_) => None,
            Err(VerifyError::Script { error, .. }) => Some(error),
            Err(VerifyError::Usage(error)) => return Err(ChannelError::from(error).into()),
        };
        Ok(Shown { step, proposals, expect })
    }

    /// Returns whether the interpreter accepts the first input of the transaction.
    pub fn is_valid(&self) -> bool {
        self.expect.is_none()
    }
}

/// One attack tried against one construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Name of the construction that was attacked.
    pub against: &'static str,
    /// Whether the attack succeeded in this trial.
    pub works: bool,
    /// Description of the trial's result, with the amounts of this run.
    pub outcome: String,
    /// Transactions that demonstrate the result of this trial.
    pub shown: Vec<Shown>,
}

/// An attack and its trials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attack {
    /// Name of the attack.
    pub name: &'static str,
    /// Short explanation of the weakness that the attack uses.
    pub source: &'static str,
    /// Trials of this attack against different constructions. In the first trial, the construction does not resist the
    /// attack.
    pub trials: Vec<Trial>,
}

type Run = fn() -> Result<Vec<Trial>, PlayError>;

/// All attacks: name, description, and function that runs the attack.
const ATTACKS: &[(&str, &str, Run)] = &[
    ("swap", "no attribution: both hold the transaction and the evidence", literal::swap),
    ("forgotten-htlc", "the clause of an old HTLC output needs the HTLC's data", literal::forgotten_htlc),
    ("unopenable", "the commitment to an old number needs its random value", literal::unopenable),
    ("byte-shift", "bytes of the random value are read as the number's", literal::byte_shift),
    (
        "mix-and-match",
        "two signatures, one for the number and one for the transaction",
        symmetric::mix_and_match,
    ),
    ("short-template", "a template argument that is not 32 bytes is a NOP to CTV", symmetric::short_template),
    ("two-delays", "the newest state is published just before an old one settles", symmetric::two_delays),
    (
        "stale-updates",
        "old states one after the other, each of which restarts the delay",
        symmetric::stale_updates,
    ),
    ("replay", "evidence of one channel in another with the same number key", penalty::replay),
    ("tower-theft", "who punishes takes all", penalty::tower_theft),
    (
        "stale-state",
        "an old state is published and the victim sees it within the delay",
        penalty::stale_state,
    ),
    ("restored-backup", "an honest party publishes what its backup says is newest", penalty::restored_backup),
    ("hostage-split", "the split needs a signature that its publisher alone holds", penalty::hostage_split),
    ("same-number", "two contents under one number", penalty::same_number),
    ("skipped-number", "a number is attempted and not finished", rules::skipped_number),
    ("update-after-broadcast", "a number is signed after a broadcast", rules::update_after_broadcast),
    ("crash", "a crash between sending and storing", rules::crash),
    ("silent-rollback", "an honest party's disk is silently an old one", rules::silent_rollback),
    ("splice", "a splice with one funding left behind", rules::splice),
    ("reused-nonce", "the same nonce under three challenges", nonces::reused_nonce),
    ("trimmed-dust", "a dust output in a transaction that pays a fee", fees::trimmed_dust),
    (
        "fee-input",
        "a fee input in a transaction with an anchor of 0 sat, where the signatures allow it",
        fees::fee_input,
    ),
    ("pinning", "a heavy child of low feerate that must be paid for to be replaced", fees::pinning),
    ("self-made-sweep", "the publisher signs the next number itself and sweeps", self_evidence::sweep),
    ("self-made-pin", "the publisher completes the tower's transaction and pins it", self_evidence::pin),
    (
        "self-made-cycle",
        "the publisher replaces the contest by the tower's transaction, and that by a payment",
        self_evidence::cycle,
    ),
];

/// Replaces the first witness element of a transaction, which is a signature, by a signature of the same
/// transaction with `key`. Used to show that a leaf refuses the signature of a wrong key.
pub(super) fn resigned(mut step: Step, key: &Keypair) -> Result<Step, ChannelError> {
    let mut witness: Vec<Vec<u8>> = step.tx.input.iter().flat_map(|input| input.witness.to_vec()).collect();
    if let [signature, .., leaf, _control] = witness.as_mut_slice() {
        let digest = sign::script_path(&step.tx, &step.prevouts, 0, leaf, sign::DEFAULT, false, None)?;
        *signature = sign_schnorr(key, &digest).to_vec();
    }
    set_witness(&mut step.tx, 0, &witness);
    Ok(step)
}

/// Returns the names of all attacks.
pub fn names() -> impl Iterator<Item = &'static str> {
    ATTACKS.iter().map(|(name, _, _)| *name)
}

/// Runs the attacks that `wanted` selects by name. `progress` is called with the name of each attack before it runs.
///
/// # Errors
///
/// [`PlayError`] if a transaction that an attack prepares cannot be built or is refused. An attack that does
/// not work is not an error.
pub fn run(wanted: impl Fn(&str) -> bool, progress: &dyn Fn(&str)) -> Result<Vec<Attack>, PlayError> {
    let chosen = ATTACKS.iter().filter(|(name, _, _)| wanted(name));
    let run = chosen.map(|(name, source, run)| {
        progress(name);
        Ok(Attack { name, source, trials: run()? })
    });
    run.collect()
}

/// Returns a table with one row for each trial.
pub fn table(attacks: &[Attack]) -> Table {
    let mut table = Table::new(&["attack", "against", "works", "outcome"]);
    for attack in attacks {
        for trial in &attack.trials {
            let works = if trial.works { "yes" } else { "no" };
            table.push(vec![attack.name.into(), trial.against.into(), works.into(), trial.outcome.clone()]);
        }
    }
    table
}

#[cfg(test)]
mod tests;
