//! Constructions in which newer states have shorter relative locks: BIP 68 alone, and the invalidation tree of Decker
//! and Wattenhofer.
//!
//! A kickoff transaction without a lock spends the funding output. It is followed by a chain of `depth` transactions,
//! and the last of them pays the balances and HTLCs. Each transaction of the chain has a relative lock. A newer state
//! has a shorter lock in at least one transaction, so it can confirm first. From one state to the next, the lock of the
//! last transaction is shortened. When it cannot be shortened further, it is reset and the lock before it is shortened.
//! With `depth` 1 this is the plain BIP 68 channel.

use std::collections::BTreeMap;
use std::sync::Arc;

use bitcoin::{OutPoint, Transaction, TxOut};
use sigstack_interpreter::Flags;

use super::accept::{Accepted, blocks_until_claimed, weight_with};
use super::history::History;
use super::known::{self, Known};
use super::path_guard::{Owner, PathGuard};
use super::{Construction, Content, Facts, Setup, Step, Terms, TowerTerms, UpdateCost};
use crate::bounds::INTERVAL;
use crate::error::ChannelError;
use crate::mutation::{Mutation, mutated};
use crate::publish::SharedGuard;
use crate::records::RecordKind;
use crate::sign;
use crate::taproot::TapOutput;
use crate::tx::{SEQUENCE_FREE, input, outpoint, output, p2a, set_witness, transaction};

const LEVELS: [&str; 20] = [
    "level 1", "level 2", "level 3", "level 4", "level 5", "level 6", "level 7", "level 8", "level 9",
    "level 10", "level 11", "level 12", "level 13", "level 14", "level 15", "level 16", "level 17",
    "level 18", "level 19", "level 20",
];

/// A node of the tree of transactions: its level (0 for the kickoff), and the leading digits that the numbers of all
/// states below the node share.
type Node = (u32, u32);

/// A transaction of a channel state, without its witness.
struct Unsigned {
    label: &'static str,
    node: Node,
    tx: Transaction,
}

/// Parameters of the relative locks in a tree of transactions: number of levels, number of different locks per level,
/// and the difference between two successive locks in blocks.
#[derive(Clone, Copy, Debug)]
struct Locks {
    depth: u32,
    steps: u32,
    interval: u16,
}

impl Locks {
    /// Returns the maximum number of states of the channel, `steps ^ depth`.
    fn states(&self) -> u64 {
        u64::from(self.steps).saturating_pow(self.depth)
    }

    /// Returns the nSequence of a state's transaction at a level of the tree (counted from 1). The digits of the state
    /// number in base `steps` determine the locks: level 1 uses the most significant digit, and a larger digit means a
    /// shorter lock.
    fn sequence(&self, level: u32, number: u32) -> u32 {
        let below = u64::from(self.steps).saturating_pow(self.depth.saturating_sub(level));
        let digit = (u64::from(number) / below.max(1)) % u64::from(self.steps);
        let digit = if mutated(Mutation::LocksDoNotShrink) { u64::from(self.steps) - 1 } else { digit };
        let left = u64::from(self.steps - 1).saturating_sub(digit).saturating_mul(self.interval.into());
        u32::try_from(left).unwrap_or(u32::MAX)
    }

    /// Returns the leading digits of the state number `number`, which identify its node of the tree at `level`. All
    /// states below this node share these digits.
    fn prefix(&self, level: u32, number: u32) -> u32 {
        let below = u64::from(self.steps).saturating_pow(self.depth.saturating_sub(level)).max(1);
        u32::try_from(u64::from(number) / below).unwrap_or(u32::MAX)
    }

    /// Returns the sum of the relative locks of all transactions of a state, in blocks.
    fn path(&self, number: u32) -> u32 {
        (1..=self.depth).fold(0, |sum, level| sum.saturating_add(self.sequence(level, number)))
    }

    /// Returns the conditions that the channel state `number` must satisfy before it is signed. HTLCs must expire late
    /// enough for the relative locks and for the confirmations of the kickoff, of one transaction per level, and of the
    /// HTLC claim.
    fn terms(&self, setup: &Setup, number: u32) -> Terms {
        let state = transaction(3, 0, vec![input(OutPoint::null(), 0)], vec![output(0, p2a())]);
        let claim_delay = blocks_until_claimed(self.path(number), self.depth.saturating_add(2));
        setup.settlement_terms(weight_with(state, &[vec![0; 64]]), claim_delay)
    }
}

/// A channel in which newer states have shorter relative locks.
#[derive(Debug)]
pub struct TimelockTree {
    setup: Setup,
    locks: Locks,
    output: TapOutput,
    funding_output: TxOut,
    history: History<()>,
    /// Joint signatures of the transactions, by position in the tree of transactions. States that share a position
    /// share its transaction.
    signatures: BTreeMap<Node, [u8; 64]>,
}

impl TimelockTree {
    /// Creates a channel whose transactions form a tree with `depth` levels. Each level has `steps` different locks,
    /// and two successive locks differ by `interval` blocks. `first` is the first state.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Parameter`] if the interval is outside its range. [`ChannelError::Refused`] if a lock does not
    /// fit in 16 bits, if there are no locks, or if the number of levels is not 1 to 20. [`ChannelError::Content`] if
    /// the first state is not acceptable.
    pub fn new(
        setup: Setup,
        depth: u32,
        steps: u32,
        interval: u16,
        first: Content,
    ) -> Result<TimelockTree, ChannelError> {
        ChannelError::check("interval", &INTERVAL, interval)?;
        let highest = steps.saturating_sub(1).saturating_mul(interval.into());
        if u16::try_from(highest).is_err() || steps == 0 {
            let problem =
                format!("locks of up to {highest} blocks in {steps} steps; 1 to 65,535 blocks are possible");
            return Err(ChannelError::refused(problem));
        }
        if depth == 0 || LEVELS.get(..depth as usize).is_none() {
            return Err(ChannelError::refused(format!("{depth} levels; 1 to 20 are possible")));
        }
        let locks = Locks { depth, steps, interval };
        let first = first.accept(&locks.terms(&setup, 0), setup.height)?;
        let out = setup.joint_output(vec![])?;
        let funding_output = output(setup.capacity, out.script_pubkey());
        Ok(TimelockTree {
            setup,
            locks,
            output: out,
            funding_output,
            history: History::new(first),
            signatures: BTreeMap::new(),
        })
    }

    /// Returns the maximum number of states of this channel, `steps ^ depth`.
    pub fn states(&self) -> u64 {
        self.locks.states()
    }

    fn transfer(&self, spent: OutPoint, sequence: u32) -> Transaction {
        let outputs = vec![self.funding_output.clone(), output(0, p2a())];
        transaction(3, 0, vec![input(spent, sequence)], outputs)
    }

    /// Returns all transactions of a state without their witnesses, starting with the kickoff.
    fn unsigned(&self, number: u32, content: &Content) -> Result<Vec<Unsigned>, ChannelError> {
        let kickoff = self.transfer(self.setup.funding, SEQUENCE_FREE);
        let mut txs = vec![Unsigned { label: "kickoff", node: (0, 0), tx: kickoff }];
        for (level, label) in (1..=self.locks.depth).zip(LEVELS) {
            let Some(above) = txs.last() else { break };
            let (from, sequence) = (outpoint(&above.tx, 0), self.locks.sequence(level, number));
            let (tx, label) = match level == self.locks.depth {
                true => {
                    let outputs = self.setup.settlement_outputs(content)?;
                    (transaction(3, 0, vec![input(from, sequence)], outputs), "state")
                }
                false => (self.transfer(from, sequence), label),
            };
            txs.push(Unsigned { label, node: (level, self.locks.prefix(level, number)), tx });
        }
        Ok(txs)
    }

    /// Signs, with all parties, the transactions of a state that are not signed yet. Returns how many were signed.
    fn sign_path(&mut self, number: u32, content: &Accepted) -> Result<usize, ChannelError> {
        let mut signed = 0;
        for Unsigned { node, tx, .. } in self.unsigned(number, content)? {
            if self.signatures.contains_key(&node) {
                continue;
            }
            let prevouts = std::slice::from_ref(&self.funding_output);
            let digest = sign::key_path(&tx, prevouts, 0, sign::DEFAULT)?;
            let signature = self.setup.sign_jointly(Some(&self.output), &digest)?;
            self.signatures.insert(node, signature);
            signed += 1;
        }
        Ok(signed)
    }

    fn path(&self, number: u32) -> Result<Vec<Step>, ChannelError> {
        let unsigned = self.unsigned(number, self.history.state(number)?)?;
        let complete = |Unsigned { label, node, mut tx }| {
            let missing = || ChannelError::refused(format!("state {number} was never signed"));
            let signature = self.signatures.get(&node).ok_or_else(missing)?;
            set_witness(&mut tx, 0, &[signature]);
            Ok(Step { label, tx, prevouts: vec![self.funding_output.clone()] })
        };
        unsigned.into_iter().map(complete).collect()
    }
}

impl Construction for TimelockTree {
    fn facts(&self) -> Facts {
        let Locks { depth, .. } = self.locks;
        Facts {
            name: if depth == 1 { "BIP 68 sequence" } else { "invalidation tree" },
            proposals: Flags::NONE,
            annex: false,
            symmetric: true,
            penalty: false,
            states: self.states(),
            worst_delay: self.locks.path(0).into(),
            multiparty: true,
        }
    }

    fn setup(&self) -> &Setup {
        &self.setup
    }

    fn acceptance(&self) -> Terms {
        self.locks.terms(&self.setup, self.number().saturating_add(1))
    }

    fn see_height(&mut self, height: u32) {
        self.setup.height = height;
    }

    fn funding_output(&self) -> &TxOut {
        &self.funding_output
    }

    fn open(&mut self, funding: OutPoint) -> Result<(), ChannelError> {
        if self.setup.opened(funding) {
            self.signatures.clear();
        }
        let content = self.history.newest().clone();
        self.sign_path(self.number(), &content).map(drop)
    }

    fn number(&self) -> u32 {
        self.history.number()
    }

    fn content(&self) -> &Content {
        self.history.newest()
    }

    fn update(&mut self, content: Content) -> Result<UpdateCost, ChannelError> {
        let content = self.setup.accept(content, &self.acceptance())?;
        if u64::from(self.number()) + 1 >= self.states() {
            let problem = format!("all {} states are used", self.states());
            return Err(ChannelError::refused(problem));
        }
        // Only the levels whose locks change are signed again.
        let signed = self.sign_path(self.number().saturating_add(1), &content)?;
        self.history.push(content, None);
        Ok(UpdateCost { signatures: signed * self.setup.parties.len(), secrets: 0 })
    }

    fn cooperative_close(&mut self) -> Result<Step, ChannelError> {
        self.setup.cooperative_close(&self.output, self.history.newest())
    }

    fn close(&self, _by: usize, number: u32) -> Result<Vec<Step>, ChannelError> {
        self.path(number)
    }

    fn guard(&self, party: usize) -> Result<SharedGuard, ChannelError> {
        let bytes = self.client_bytes(party);
        let mut fields = RecordKind::PathClient.open(&bytes)?;
        let (number, count) = (fields.u32()?, self.locks.depth.saturating_add(1));
        let signatures =
            (0..count).map(|_| fields.bytes::<64>()).collect::<Result<Vec<_>, ChannelError>>()?;
        let content = Content::from_bytes(fields.rest())?;
        let txs =
            self.unsigned(number, &content)?.into_iter().zip(signatures).map(|(unsigned, signature)| {
                let mut tx = unsigned.tx;
                set_witness(&mut tx, 0, &[signature]);
                tx
            });
        let owner = Owner {
            balance: content.balances.get(party).copied().unwrap_or_default(),
            htlcs: self.setup.htlc_outputs(party, &content)?,
        };
        Ok(Arc::new(PathGuard::new(self.locks.interval, txs.collect(), Some(owner))?))
    }

    fn tower_terms(&self) -> Option<TowerTerms> {
        Some(TowerTerms::Path(self.locks.interval))
    }

    fn state(&self, number: u32) -> Result<&Content, ChannelError> {
        Ok(self.history.state(number)?)
    }

    fn outputs(&self) -> Result<Vec<Known>, ChannelError> {
        known::htlc_outputs(self)
    }

    /// Serializes the record of a party: the header, the number of the latest state, the signatures of its
    /// transactions, and its balances and HTLCs.
    fn client_bytes(&self, _party: usize) -> Vec<u8> {
        let mut bytes = RecordKind::PathClient.head();
        bytes.extend_from_slice(&self.number().to_le_bytes());
        for step in self.path(self.number()).unwrap_or_default() {
            let signature = step.tx.input.first().and_then(|input| input.witness.iter().next());
            bytes.extend_from_slice(signature.unwrap_or_default());
        }
        bytes.extend(self.content().to_bytes());
        bytes
    }

    /// Serializes the record of a tower: the signed transactions of the latest state, starting with the kickoff.
    fn tower_bytes(&self, _client: usize) -> Vec<u8> {
        PathGuard::to_bytes(&self.path(self.number()).unwrap_or_default())
    }
}
