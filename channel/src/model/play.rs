//! Publishes the transactions of a construction on the simulated chain.

use core::fmt;

use bitcoin::{Transaction, TxOut, absolute::LockTime};

use super::{Construction, Step};
use crate::chain::{Chain, Policy, Reject};
use crate::error::ChannelError;
use crate::tx::{SEQUENCE_FREE, input, outpoint, transaction, weight};
use crate::wallet::Wallet;

/// The reason why a transaction could not be published on the simulated chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlayError {
    /// The simulated chain refuses a transaction.
    Chain {
        /// Name of the transaction that the simulated chain refuses.
        label: &'static str,
        /// Reason for which the simulated chain refuses the transaction.
        reject: Reject,
    },
    /// A transaction of the channel cannot be built or signed.
    Channel(ChannelError),
}

impl fmt::Display for PlayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlayError::Chain { label, reject } => write!(f, "{label}: {reject}"),
            PlayError::Channel(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for PlayError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(match self {
            PlayError::Chain { reject, .. } => reject,
            PlayError::Channel(error) => error,
        })
    }
}

impl From<ChannelError> for PlayError {
    fn from(error: ChannelError) -> PlayError {
        PlayError::Channel(error)
    }
}

/// A confirmed transaction, and the child transaction that paid its fee, if it needed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// The confirmed transaction.
    pub step: Step,
    /// Child transaction that paid the fee of the confirmed transaction. `None` if the confirmed transaction paid its
    /// own fee.
    pub child: Option<Step>,
    /// Height of the block that contains the transaction.
    pub height: u32,
}

impl Played {
    /// Returns the weight of the transaction and of its child, if it has one, in weight units.
    pub fn weight(&self) -> u64 {
        self.step.weight() + self.child.as_ref().map_or(0, Step::weight)
    }
}

/// Mines blocks until the transaction's relative and absolute locks allow it in the next block.
///
/// # Errors
///
/// [`Reject`] if a block cannot be mined.
pub fn wait_for(chain: &mut Chain, tx: &Transaction) -> Result<(), Reject> {
    let locked = |chain: &Chain| {
        let next = chain.height() + 1;
        let relative = tx.input.iter().any(|input| {
            let sequence = input.sequence.0;
            let blocks = sequence & (1 << 31 | 1 << 22) == 0 && tx.version.0 >= 2;
            let coin = chain.coin(&input.previous_output);
            blocks && coin.is_some_and(|coin| coin.height + (sequence & 0xffff) > next)
        });
        let absolute = matches!(tx.lock_time, LockTime::Blocks(height) if height.to_consensus_u32() >= next);
        relative || absolute
    };
    while locked(chain) {
        chain.mine(1)?;
    }
    Ok(())
}

/// A simulated chain on which the transactions of a construction are published, and a wallet that pays their fees.
#[derive(Debug)]
pub struct Stage {
    /// The simulated chain and its mempool.
    pub chain: Chain,
    /// Wallet that funds the fee-paying child transactions.
    pub wallet: Wallet,
    /// Feerate that a transaction and its fee-paying child pay together, in satoshi per virtual byte.
    pub rate: u64,
}

impl Stage {
    /// Creates a simulated chain that enforces the proposed soft forks that the construction needs, and a wallet that
    /// pays fees.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if a derived key is invalid, which has a probability of 2^-128.
    pub fn new(construction: &dyn Construction) -> Result<Stage, ChannelError> {
        let facts = construction.facts();
        let policy = Policy { annex: facts.annex, ..Policy::default() };
        let wallet = Wallet::new(&crate::keys::Seed::from_name("fees"))?;
        Ok(Stage { chain: Chain::new(facts.proposals, policy), wallet, rate: 2 })
    }

    /// Creates and confirms the funding transaction of a channel, and opens the channel on its first output.
    ///
    /// # Errors
    ///
    /// [`PlayError`] if the channel cannot be opened or the funding transaction is refused.
    pub fn open(&mut self, construction: &mut dyn Construction) -> Result<Played, PlayError> {
        let funding = self.fund(construction.funding_output(), construction.setup().capacity)?;
        construction.see_height(self.chain.height());
        construction.open(outpoint(&funding.tx, 0))?;
        self.publish(funding)
    }

    /// Returns a signed, unpublished funding transaction whose first output is `out`. It spends a coin of `capacity`
    /// plus 500 satoshi, so its fee is 500 satoshi if `out` has the amount `capacity`.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if a derived key is invalid, which has a probability of 2^-128.
    pub fn fund(&mut self, out: &TxOut, capacity: u64) -> Result<Step, ChannelError> {
        let coin = self.wallet.mint(&mut self.chain, capacity + 500);
        let mut tx = transaction(2, 0, vec![input(coin.0, SEQUENCE_FREE)], vec![out.clone()]);
        self.wallet.sign(&mut tx, std::slice::from_ref(&coin.1), 0)?;
        Ok(Step { label: "funding", tx, prevouts: vec![coin.1] })
    }

    /// Waits until a transaction's locks expire, submits it (with a child if it pays no fee), and mines a block.
    ///
    /// # Errors
    ///
    /// [`PlayError::Chain`] if the transaction is refused, or if the next block does not include it.
    pub fn publish(&mut self, step: Step) -> Result<Played, PlayError> {
        let label = step.label;
        let stop = |reject| PlayError::Chain { label, reject };
        wait_for(&mut self.chain, &step.tx).map_err(stop)?;
        let child = match step.fee() {
            0 => Some(self.child(&step)?),
            _ => None,
        };
        match &child {
            Some(child) => self.chain.submit_package(step.tx.clone(), child.tx.clone()).map_err(stop)?,
            None => self.chain.submit(step.tx.clone()).map(drop).map_err(stop)?,
        }
        self.chain.mine(1).map_err(stop)?;
        match self.chain.confirmed(&step.tx.compute_txid()) {
            Some(confirmed) => Ok(Played { height: confirmed.height, step, child }),
            None => Err(stop(Reject::NotMined)),
        }
    }

    /// Builds the child transaction with which the transaction `step` and the child together pay the feerate
    /// [`Stage::rate`].
    fn child(&mut self, step: &Step) -> Result<Step, ChannelError> {
        let size = weight(&step.tx).div_ceil(4) + 153;
        let coin = self.wallet.mint(&mut self.chain, 100_000);
        let tx = self.wallet.fee_child(&step.tx, &coin, size * self.rate)?;
        let p2a = crate::tx::p2a();
        let anchor = step.tx.output.iter().find(|out| out.script_pubkey == p2a);
        let prevouts: Vec<TxOut> = anchor.cloned().into_iter().chain([coin.1]).collect();
        Ok(Step { label: "fee child", tx, prevouts })
    }

    /// Publishes transactions one after the other, as [`Stage::publish`] does.
    ///
    /// # Errors
    ///
    /// Same errors as [`Stage::publish`].
    pub fn publish_all(&mut self, steps: Vec<Step>) -> Result<Vec<Played>, PlayError> {
        steps.into_iter().map(|step| self.publish(step)).collect()
    }

    /// Returns the sum of the unspent confirmed outputs that pay to a party's payout script, in satoshi.
    pub fn paid(&self, construction: &dyn Construction, party: usize) -> u64 {
        let script = construction.setup().party(party).and_then(super::PartyKeys::payout_script);
        script.map_or(0, |script| self.chain.balance(&script))
    }
}
