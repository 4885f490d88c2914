//! Side-by-side measurements of all constructions. Every number is a count of serialized bytes, or the weight
//! of a transaction that confirmed on the simulated chain.

mod bip442;
mod palette;
mod plot;
mod table;

pub use bip442::{BIP_442, Bip442Row, measure_bip442};
pub use plot::{Axes, HeatMap, Series, heat_chart, line_chart};
pub use table::Table;

use crate::bounds;
use crate::error::ChannelError;
use crate::keys::sha256;
use crate::model::{Construction, Content, Htlc, Kind, PlayError, Setup, Stage};

/// Capacity of the measured channels, in satoshi.
pub const CAPACITY: u64 = 10_000_000;
/// Preimage of all measured HTLCs, which differ only in amount and expiry.
const PREIMAGE: [u8; 32] = [0x42; 32];

/// Parameters of a comparison between constructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Number of channel updates before any transaction is published.
    pub updates: u32,
    /// Number of HTLCs in every state.
    pub htlcs: usize,
    /// Number of parties of the channel. Constructions that allow only two parties are measured with two.
    pub parties: usize,
    /// Feerate in sat/vB at which costs are computed.
    pub feerate: u32,
}

impl Question {
    /// Validates the parameters of the comparison.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Parameter`] with the name of a parameter that is out of range.
    pub fn check(&self) -> Result<(), ChannelError> {
        ChannelError::check("updates", &bounds::COMPARED_UPDATES, self.updates)?;
        ChannelError::check("htlcs", &bounds::COMPARED_HTLCS, self.htlcs)?;
        ChannelError::check("parties", &bounds::PARTIES, self.parties)?;
        // Each additional party uses the space of one HTLC output in the transaction that pays the state.
        let most = bounds::HTLCS.most.saturating_sub(self.parties.saturating_sub(bounds::PARTIES.least));
        if self.htlcs > most {
            let text = format!(
                "{} is more than {most}: with {} parties, more HTLC outputs exceed the 10,000 vB of version 3",
                self.htlcs, self.parties
            );
            return Err(ChannelError::Parameter("htlcs", bounds::OutOfBounds::new(text)));
        }
        ChannelError::check("feerate", &bounds::FEERATE, self.feerate)
    }
}

impl Default for Question {
    fn default() -> Question {
        Question { updates: 20, htlcs: 0, parties: 2, feerate: 10 }
    }
}

/// Weight of the transactions of one way to close a channel, in weight units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weights {
    /// Weight of the transactions that the construction defines, without fee-paying children.
    pub own: u64,
    /// Weight of the child transactions that pay the fees of zero-fee transactions.
    pub children: u64,
}

impl Weights {
    /// Returns the sum of both weights: the construction's own transactions and the child transactions.
    pub fn total(self) -> u64 {
        self.own + self.children
    }
}

/// Measurements of one construction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Measured {
    /// Name of the construction.
    pub name: &'static str,
    /// Soft fork proposals that the construction needs.
    pub proposals: String,
    /// Number of parties of the measured channel.
    pub parties: usize,
    /// Maximum number of states that a channel of this construction can have.
    pub states: u64,
    /// Whether a party that publishes an old state loses the channel's funds.
    pub penalty: bool,
    /// Number of blocks from the confirmation of the first closing transaction until the balances of the latest state
    /// can be spent. This is the worst case if nobody publishes an old state.
    pub worst_delay: u64,
    /// Number of signatures that all parties together make for one update.
    pub signatures: usize,
    /// Bytes that a client stores for the channel in addition to its seed and to data that never changes.
    pub client: usize,
    /// Bytes that a watchtower stores for one client. `None` if the construction does not use watchtowers.
    pub tower: Option<usize>,
    /// Weight of the transaction of a cooperative close without HTLCs.
    pub cooperative: Weights,
    /// Weight of the transactions of a unilateral close.
    pub unilateral: Weights,
    /// Weights of the two transactions with which the publisher claims an HTLC: with the preimage, and after the
    /// expiry. `None` if the states have fewer than two HTLCs, or if no settlement transaction was found.
    pub claims: Option<(u64, u64)>,
    /// Weight of a published old state and of the transactions that answer it. The answer is complete when
    /// the funds of the latest state can be spent or the penalty has taken everything. `None` if no old state
    /// can confirm.
    pub breach: Option<Weights>,
}

impl Measured {
    /// Returns the fee in satoshi of transactions with these weights, at a feerate in sat/vB.
    pub fn sat(weights: Weights, feerate: u32) -> u64 {
        weights.total().saturating_mul(feerate.into()).div_ceil(4)
    }
}

/// Returns the height by which the claim of an HTLC confirms at the latest, if a party decides at
/// [`START_HEIGHT`](crate::chain::START_HEIGHT) to close the channel.
pub fn claimed_by(channel: &dyn Construction) -> u32 {
    crate::chain::START_HEIGHT.saturating_add(channel.acceptance().claim_delay)
}

/// Returns the balances and HTLCs of a state. The HTLCs have about 10,000 sat each and alternate in direction. The
/// first expires at `height` + 1,000, and each further one a block later. States with different numbers below 100
/// have different balances.
pub fn content(parties: usize, htlcs: usize, state: u32, height: u32) -> Content {
    let places = 0..u32::try_from(htlcs).unwrap_or(u32::MAX);
    let htlcs: Vec<Htlc> = places
        .map(|nth| {
            let from = usize::from(nth % 2 == 1);
            let (sat, expiry) = (10_000 + u64::from(nth), height + 1_000 + nth);
            Htlc { from, to: 1 - from, sat, expiry, payment_hash: sha256(&PREIMAGE) }
        })
        .collect();
    let locked: u64 = htlcs.iter().map(|htlc| htlc.sat).sum();
    let others = 100_000 + 1_000 * u64::from(state % 100);
    let mut balances = vec![others; parties.max(1)];
    let rest = CAPACITY.saturating_sub(locked).saturating_sub(others * (balances.len() as u64 - 1));
    if let Some(first) = balances.first_mut() {
        *first = rest;
    }
    Content { balances, htlcs }
}

fn weigh(played: &[crate::model::Played]) -> Weights {
    let own = played.iter().map(|played| played.step.weight()).sum();
    Weights { own, children: played.iter().map(crate::model::Played::weight).sum::<u64>() - own }
}

/// Measures one construction: opens a channel, updates it, and closes it in each way on a separate chain.
///
/// # Errors
///
/// [`PlayError`] if a transaction cannot be built or the chain rejects it.
pub fn measure(kind: Kind, question: &Question) -> Result<Measured, PlayError> {
    let parties = if kind.multiparty() { question.parties } else { 2 };
    let setup = || Setup::named("compare", parties, CAPACITY, 144);
    let mut channel = kind.build(setup()?, content(parties, 0, 0, 0))?;
    let channel = channel.as_mut();
    let height = claimed_by(channel);
    let state = |number| content(parties, question.htlcs, number, height);
    let mut stage = Stage::new(channel)?;
    stage.open(channel)?;
    let mut signatures = 0;
    for number in 1..=question.updates {
        signatures = channel.update(state(number))?.signatures;
    }
    let facts = channel.facts();
    let client = channel.client_bytes(0).len();
    let tower = Some(channel.tower_bytes(0).len()).filter(|bytes| *bytes > 0);

    let steps = channel.close(0, channel.number())?;
    let settled = steps.iter().find(|step| step.tx.output.len() > question.htlcs + 1).cloned();
    let unilateral = weigh(&stage.publish_all(steps)?);
    let claims = match (state(question.updates).htlcs.as_slice(), settled) {
        ([offered, received, ..], Some(settled)) => {
            let success = channel.claim_htlc(&settled, received, Some(PREIMAGE))?;
            let timeout = channel.claim_htlc(&settled, offered, None)?;
            Some((success.weight(), timeout.weight()))
        }
        _ => None,
    };

    let breach = breach_depth_one(channel)?;

    let mut stage = Stage::new(channel)?;
    stage.open(channel)?;
    channel.update(content(parties, 0, 1, height))?;
    let close = channel.cooperative_close()?;
    let cooperative = weigh(&[stage.publish(close)?]);
    Ok(Measured {
        name: facts.name,
        proposals: facts.proposals.to_string(),
        parties,
        states: facts.states,
        penalty: facts.penalty,
        worst_delay: facts.worst_delay,
        signatures,
        client,
        tower,
        cooperative,
        unilateral,
        claims,
        breach,
    })
}

/// Party 0 publishes the state before the latest, and party 1 answers. Returns the weights of these transactions, or
/// `None` if the old state cannot confirm.
fn breach_depth_one(channel: &mut dyn Construction) -> Result<Option<Weights>, PlayError> {
    let facts = channel.facts();
    // In constructions in which newer states have shorter locks, the latest state confirms before an old one
    // is valid.
    if facts.name.starts_with("BIP 68") || facts.name.contains("tree") {
        return Ok(None);
    }
    let mut stage = Stage::new(channel)?;
    stage.open(channel)?;
    let stale = channel.number().saturating_sub(1);
    let Some(old) = channel.close(0, stale)?.into_iter().next() else { return Ok(None) };
    let mut played = vec![stage.publish(old.clone())?];
    if let Some(steps) = channel.contest(1, &old.tx)? {
        played.extend(stage.publish_all(steps)?);
    }
    Ok(Some(weigh(&played)))
}

/// Measures all constructions. `progress` is called with the name of each construction before it is measured.
///
/// # Errors
///
/// [`ChannelError::Parameter`] if a parameter is out of range, otherwise the errors of [`measure`].
pub fn measure_all(question: &Question, progress: &dyn Fn(&str)) -> Result<Vec<Measured>, PlayError> {
    question.check()?;
    let measured = crate::model::KINDS.iter().map(|(name, kind)| {
        progress(name);
        measure(*kind, question)
    });
    measured.collect()
}

/// Returns a table of the measurements, with one row for each construction.
pub fn summary(measured: &[Measured], question: &Question) -> Table {
    let mut table = Table::new(&[
        "construction",
        "needs",
        "parties",
        "states",
        "penalty",
        "delay (blocks)",
        "signatures/update",
        "client (B)",
        "tower (B)",
        "cooperative (WU)",
        "unilateral (WU)",
        "with children (WU)",
        "sat",
        "HTLC success (WU)",
        "HTLC timeout (WU)",
        "breach (WU)",
        "with children (WU)",
        "sat",
    ]);
    let none = || "-".to_owned();
    for row in measured {
        let breach = |show: fn(Weights, u32) -> u64| {
            row.breach.map_or_else(none, |weights| show(weights, question.feerate).to_string())
        };
        table.push(vec![
            row.name.to_owned(),
            if row.proposals == "NONE" { "today".to_owned() } else { row.proposals.replace(',', "+") },
            row.parties.to_string(),
            row.states.to_string(),
            if row.penalty { "yes" } else { "no" }.to_owned(),
            row.worst_delay.to_string(),
            row.signatures.to_string(),
            row.client.to_string(),
            row.tower.map_or_else(none, |bytes| bytes.to_string()),
            row.cooperative.own.to_string(),
            row.unilateral.own.to_string(),
            row.unilateral.total().to_string(),
            Measured::sat(row.unilateral, question.feerate).to_string(),
            row.claims.map_or_else(none, |(success, _)| success.to_string()),
            row.claims.map_or_else(none, |(_, timeout)| timeout.to_string()),
            breach(|weights, _| weights.own),
            breach(|weights, _| weights.total()),
            breach(Measured::sat),
        ]);
    }
    table
}

#[cfg(test)]
mod tests;
