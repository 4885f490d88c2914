//! Exports the transactions of simulations and attacks as test vectors, so that other implementations can verify them.

use bitcoin::{Transaction, TxOut};
use serde_json::{Map, Value};
use sigstack_interpreter::Flags;
use sigstack_vectors::{Case, Expect, Subject};

use crate::attacks;
use crate::compare::{claimed_by, content};
use crate::model::{Form, KINDS, Kind, PlayError, Played, Setup, Stage, nested_costs};

/// Preimage of all HTLCs in the exported simulations.
const PREIMAGE: [u8; 32] = [0x42; 32];

struct Exporter<'a> {
    group: &'a str,
    flags: Flags,
    cases: Vec<Case>,
}

impl Exporter<'_> {
    /// Adds one test case for each input of a transaction. All of these cases have the result `expect`.
    fn add(&mut self, comment: &str, tx: &Transaction, prevouts: &[TxOut], flags: Flags, expect: Expect) {
        for index in 0..tx.input.len() {
            let mut extra = Map::new();
            extra.insert("group".to_owned(), Value::from(self.group));
            self.cases.push(Case {
                id: Some(format!("{}-{}", self.group, self.cases.len() + 1)),
                comment: comment.to_owned(),
                tx: tx.clone(),
                subject: Subject::Input(index),
                prevouts: prevouts.to_vec(),
                flags,
                expect,
                extra,
            });
        }
    }

    fn played(&mut self, what: &str, played: &[Played]) {
        for step in played.iter().flat_map(|played| [Some(&played.step), played.child.as_ref()]).flatten() {
            let comment = format!("{what}: {}", step.label);
            self.add(&comment, &step.tx, &step.prevouts, self.flags, Expect::Ok);
        }
    }
}

/// Returns test cases for all transactions of one construction. They come from four simulations:
///
/// - the channel is funded and closed cooperatively,
/// - it is closed unilaterally, and its HTLCs are claimed,
/// - an old state is published, and the client of the other party responds,
/// - an old state is published, and the watchtower responds.
///
/// # Errors
///
/// [`PlayError`] if a simulation fails.
pub fn play_cases(name: &str, kind: Kind) -> Result<Vec<Case>, PlayError> {
    let setup = || Setup::named(name, 2, crate::compare::CAPACITY, 144);
    let mut channel = kind.build(setup()?, content(2, 0, 0, 0))?;
    let channel = channel.as_mut();
    let height = claimed_by(channel);
    let flags = Flags::CONSENSUS | channel.facts().proposals;
    let mut exporter = Exporter { group: name, flags, cases: Vec::new() };

    let mut stage = Stage::new(channel)?;
    let funding = stage.open(channel)?;
    exporter.played("open", &[funding]);
    channel.update(content(2, 0, 1, height))?;
    let close = channel.cooperative_close()?;
    exporter.played("cooperative close", &[stage.publish(close)?]);

    let mut stage = Stage::new(channel)?;
    stage.open(channel)?;
    let state = content(2, 2, 2, height);
    channel.update(state.clone())?;
    let steps = channel.close(0, channel.number())?;
    let settled = steps.iter().find(|step| step.tx.output.len() > 3).cloned();
    exporter.played("unilateral close", &stage.publish_all(steps)?);
    if let (Some(settled), [offered, received, ..]) = (settled, state.htlcs.as_slice()) {
        for (htlc, preimage) in [(received, Some(PREIMAGE)), (offered, None)] {
            let claim = channel.claim_htlc(&settled, htlc, preimage)?;
            exporter.add(&format!("claim: {}", claim.label), &claim.tx, &claim.prevouts, flags, Expect::Ok);
        }
    }

    for by_tower in [false, true] {
        let mut stage = Stage::new(channel)?;
        stage.open(channel)?;
        let Some(old) = channel.close(0, 1)?.into_iter().next() else { continue };
        let answer = match by_tower {
            true => channel.tower_contest(1, &old.tx)?,
            false => channel.contest(1, &old.tx)?,
        };
        let published = stage.publish(old)?;
        if !by_tower {
            exporter.played("old state", &[published]);
        }
        let who = if by_tower { "tower" } else { "client" };
        exporter.played(who, &stage.publish_all(answer.unwrap_or_default())?);
    }
    Ok(exporter.cases)
}

/// Returns test cases for the transactions that close a channel nested inside a channel of four parties. There are such
/// cases for each variant of LN-Symmetry.
///
/// # Errors
///
/// [`PlayError`] if a simulation fails.
pub fn nested_cases() -> Result<Vec<Case>, PlayError> {
    let mut exporter = Exporter { group: "nested", flags: Flags::CONSENSUS, cases: Vec::new() };
    for form in Form::ALL {
        exporter.flags = Flags::CONSENSUS | form.proposals();
        exporter.played(&format!("{}, 4 parties", form.name()), &nested_costs(form, 4, 144)?.steps);
    }
    Ok(exporter.cases)
}

/// Returns test cases for the transactions of all attacks. Each case contains the expected result of the script
/// interpreter, because it rejects some of the attacks.
///
/// # Errors
///
/// [`PlayError`] if an attack cannot be carried out.
pub fn attack_cases() -> Result<Vec<Case>, PlayError> {
    let mut exporter = Exporter { group: "attacks", flags: Flags::CONSENSUS, cases: Vec::new() };
    for attack in attacks::run(|_| true, &|_| ())? {
        for trial in &attack.trials {
            for shown in &trial.shown {
                let comment = format!("{}, against {}: {}", attack.name, trial.against, attack.source);
                let flags = Flags::CONSENSUS | shown.proposals;
                let expect = shown.expect.map_or(Expect::Ok, Expect::Error);
                exporter.add(&comment, &shown.step.tx, &shown.step.prevouts, flags, expect);
            }
        }
    }
    Ok(exporter.cases)
}

/// Returns the contents of the files in `test-vectors/channels`. Each item is a file's name and its text.
///
/// # Errors
///
/// [`PlayError`] if a simulation or an attack cannot be carried out.
pub fn files() -> Result<Vec<(String, String)>, PlayError> {
    let lines = |cases: Vec<Case>| cases.iter().map(|case| case.to_line() + "\n").collect::<String>();
    let mut files = Vec::new();
    for (name, kind) in KINDS {
        files.push((format!("{name}.jsonl"), lines(play_cases(name, *kind)?)));
    }
    files.push(("nested.jsonl".to_owned(), lines(nested_cases()?)));
    files.push(("attacks.jsonl".to_owned(), lines(attack_cases()?)));
    Ok(files)
}
