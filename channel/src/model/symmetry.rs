//! LN-Symmetry and the override forms: the update transaction of the latest state can spend the output of any older
//! state.
//!
//! An update transaction is signed so that it can spend the funding output or the output of any earlier state. The
//! script of a state's output accepts only updates with a higher state number. After the contest delay, the settlement
//! transaction pays the balances and HTLCs. There is no penalty, and there may be more than two parties.

use bitcoin::{OutPoint, ScriptBuf, Transaction, TxOut};
use sigstack_interpreter::taproot::leaf_hash;

use super::accept::{Accepted, blocks_until_claimed, weight_with};
use super::history::History;
use super::known::{self, Held, Known};
use super::rebinding_guard::{Owner, RebindingGuard};
use super::settlement::Settlement;
use super::{Construction, Content, Facts, Form, Rebinding, Setup, Step, Terms, TowerTerms, UpdateCost};
use crate::error::ChannelError;
use crate::keys::Entropy;
use crate::leaves;
use crate::publish::SharedGuard;
use crate::records::RecordKind;
use crate::sign;
use crate::taproot::{Leaf, TAPSCRIPT, TapOutput};
use crate::tx::{input, outpoint, output, p2a, transaction};

/// An LN-Symmetry channel: its latest update transaction can spend the output of any older state on the chain.
#[derive(Debug)]
pub struct Symmetry {
    setup: Setup,
    form: Form,
    funding: TapOutput,
    funding_output: TxOut,
    history: History<Rebinding>,
    /// Scripts to which balances are paid instead of the parties' own payout scripts. Each entry consists of the first
    /// state number to which it applies, and the scripts in the order of the balances.
    allocations: Vec<(u32, Vec<ScriptBuf>)>,
    /// Template for the records of all states. It contains the fields that are the same in every state, and zeros in
    /// the other fields.
    fixed: Rebinding,
    /// Weight of a settlement transaction without outputs for balances and HTLCs, in weight units.
    frame: u64,
    /// Number of blocks from the decision to close until the funding output is on the chain. It is 0 for a channel with
    /// its own funding transaction. For a nested channel it is the time until the outer channel is settled.
    above: u32,
}

impl Symmetry {
    /// Creates an LN-Symmetry channel for any number of parties, with the opcodes of `form`.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Content`] if the first state is not acceptable.
    pub fn new(setup: Setup, form: Form, first: Content) -> Result<Symmetry, ChannelError> {
        Symmetry::below(setup, form, first, 0)
    }

    /// Creates a nested channel, as [`Symmetry::new`] does for a channel with its own funding transaction. The funding
    /// output of the nested channel is on the chain `above` blocks after the decision to close.
    pub(super) fn below(
        setup: Setup,
        form: Form,
        first: Content,
        above: u32,
    ) -> Result<Symmetry, ChannelError> {
        let frame = settlement_frame(&setup, form)?;
        let first = first.accept(&setup.settlement_terms(frame, claim_delay(&setup, above)), setup.height)?;
        let key = setup.internal_key();
        let funding = setup.joint_output(vec![(0, Leaf::Script(form.update_leaf(&key, None)))])?;
        let funding_output = output(setup.capacity, funding.script_pubkey());
        let fixed = Rebinding {
            funding: OutPoint::null(),
            internal_key: key,
            capacity: setup.capacity,
            state: 0,
            signature: [0; 64],
            published: [0; 32],
        };
        Ok(Symmetry {
            setup,
            form,
            funding,
            funding_output,
            history: History::new(first),
            allocations: Vec::new(),
            fixed,
            frame,
            above,
        })
    }

    /// Creates a channel whose first state is set later, by [`Symmetry::allocate_first`]. This is needed if the first
    /// state depends on the funding outpoint.
    pub(super) fn unallocated(setup: Setup, form: Form) -> Result<Symmetry, ChannelError> {
        let mut balances = vec![0; setup.parties.len()];
        if let Some(balance) = balances.first_mut() {
            *balance = setup.capacity;
        }
        Symmetry::new(setup, form, Content::of(&balances))
    }

    /// Sets the funding outpoint of the channel without signing anything.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if a state is already signed.
    pub(super) fn fund(&mut self, funding: OutPoint) -> Result<(), ChannelError> {
        if self.history.is_signed() {
            return Err(ChannelError::refused("the channel is open"));
        }
        self.setup.opened(funding);
        Ok(())
    }

    /// Sets and signs the first state of the channel, whose balances are paid to the scripts `payees`.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Content`] if the state breaks an acceptance rule. [`ChannelError::Refused`] if a state is
    /// already signed.
    pub(super) fn allocate_first(
        &mut self,
        content: Content,
        payees: Vec<ScriptBuf>,
    ) -> Result<(), ChannelError> {
        let content = self.setup.accept(content, &self.terms_for(payees.len()))?;
        self.fund(self.setup.funding)?;
        self.allocations = vec![(0, payees)];
        self.history = History::new(content);
        self.open(self.setup.funding)
    }

    /// Returns a random number generator for a nested channel.
    pub(super) fn split_entropy(&mut self) -> Entropy {
        self.setup.entropy.split()
    }

    /// Agrees on the next state of the channel, whose balances are paid to the scripts `payees`. Later states pay to
    /// the same scripts.
    ///
    /// # Errors
    ///
    /// Same errors as [`Construction::update`].
    pub(super) fn allocate(
        &mut self,
        content: Content,
        payees: Vec<ScriptBuf>,
    ) -> Result<UpdateCost, ChannelError> {
        let before = self.allocations.len();
        self.allocations.push((self.number().saturating_add(1), payees));
        let updated = self.update(content);
        if updated.is_err() {
            self.allocations.truncate(before);
        }
        updated
    }

    /// Returns the scripts to which the balances of a state are paid.
    fn payees(&self, number: u32) -> Result<Vec<ScriptBuf>, ChannelError> {
        match self.allocations.iter().rev().find(|(from, _)| *from <= number) {
            Some((_, payees)) => Ok(payees.clone()),
            None => self.setup.payees(),
        }
    }

    /// Moves a nested channel to another funding output, which another settlement of the outer channel created. The
    /// existing signatures remain valid.
    pub(super) fn move_to(&mut self, funding: OutPoint) {
        self.setup.funding = funding;
    }

    /// Returns the record of a state, with the current funding outpoint.
    fn record(&self, number: u32) -> Result<Rebinding, ChannelError> {
        let signed = self.history.signed(number)?;
        Ok(Rebinding { funding: self.setup.funding, ..signed.clone() })
    }

    /// Returns the update and the settlement transaction that end the channel in its latest state. The update's
    /// signature was made when the parties agreed on the state.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if the latest state was never signed, or if a transaction cannot be built.
    pub(super) fn close_as_kept(&self) -> Result<Vec<Step>, ChannelError> {
        let record = self.record(self.number())?;
        let update = record.bind(self.form, "update", (self.setup.funding, &self.funding), None)?;
        let settle = self.settle(self.number(), self.content(), &update.tx)?;
        Ok(vec![update, settle])
    }

    /// Builds the settlement transaction of a state, without a witness. The outpoint of its input is not set.
    fn settlement(&self, number: u32, content: &Content) -> Result<Transaction, ChannelError> {
        let outputs = self.setup.settlement_outputs_to(content, &self.payees(number)?)?;
        Ok(transaction(3, 0, vec![input(OutPoint::null(), self.setup.lock())], outputs))
    }

    /// Returns the settlement leaf of a state, and the hash that the update transaction of this state publishes.
    fn settle_leaf(&self, number: u32, content: &Content) -> Result<(Vec<u8>, [u8; 32]), ChannelError> {
        let tx = self.settlement(number, content)?;
        let leaf = self.form.settlement_leaf(&tx)?;
        let published = match self.form {
            Form::PairCommit | Form::OverridePairCommit => sign::check_template(&tx)?,
            _ => leaf_hash(TAPSCRIPT, &leaf),
        };
        Ok((leaf, published))
    }

    /// Returns the conditions for a channel state with this many balances. The balances after those of the parties are
    /// the capacities of nested channels.
    pub(super) fn terms_for(&self, balances: usize) -> Terms {
        Terms {
            channels: balances.saturating_sub(self.setup.parties.len()),
            ..self.setup.settlement_terms(self.frame, claim_delay(&self.setup, self.above))
        }
    }

    /// Signs the update transaction of a state with all parties. Returns the record of the state.
    fn sign_state(&mut self, number: u32, content: &Accepted) -> Result<Rebinding, ChannelError> {
        let state = number.saturating_add(1);
        let (_, published) = self.settle_leaf(number, content)?;
        let unsigned = Rebinding { state, published, ..self.fixed.clone() };
        let message = unsigned.message(self.form)?;
        Ok(Rebinding { signature: self.setup.sign_jointly(None, &message)?, ..unsigned })
    }

    /// Returns the settlement transaction of a state. It can spend the output of this state's update transaction,
    /// whatever the txid of the update is.
    fn settlement_of(&self, number: u32, content: &Content) -> Result<Settlement, ChannelError> {
        let (leaf, _) = self.settle_leaf(number, content)?;
        let update_leaf = self.form.update_leaf(&self.fixed.internal_key, Some(number.saturating_add(1)));
        let out =
            self.setup.joint_output(vec![(1, Leaf::Script(update_leaf)), (1, Leaf::Script(leaf.clone()))])?;
        Ok(Settlement { tx: self.settlement(number, content)?, leaf, out, stack: Vec::new() })
    }

    /// Returns the settlement transaction of a state, which spends the given update transaction.
    fn settle(&self, number: u32, content: &Content, update: &Transaction) -> Result<Step, ChannelError> {
        let settlement = self.settlement_of(number, content)?;
        let prevout = output(self.setup.capacity, settlement.out.script_pubkey());
        settlement.on(outpoint(update, 1), prevout)
    }

    /// Returns the update transaction of the state `number`, which spends the state output of `published`. Returns
    /// `None` if `published` is not an update transaction of an older state.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if there is no such state.
    pub fn rebind(&self, number: u32, published: &Transaction) -> Result<Option<Step>, ChannelError> {
        let record = self.record(number)?;
        for input in 0..published.input.len() {
            if let Some(older) = record.state_output(self.form, (published, input), 0)? {
                return record.override_output(self.form, &older);
            }
        }
        Ok(None)
    }
}

/// Returns the maximum number of blocks until an HTLC claim confirms. Four transactions must confirm: the update of an
/// old state, the latest update, the settlement, and the claim. Up to two contest delays can pass before the settlement
/// confirms. For example, the latest update may confirm just before the old state can be settled, and then a new delay
/// begins.
fn claim_delay(setup: &Setup, above: u32) -> u32 {
    blocks_until_claimed(2 * u32::from(setup.delay), 4).saturating_add(above)
}

/// Returns the weight of a settlement transaction without outputs for balances and HTLCs, in weight units.
fn settlement_frame(setup: &Setup, form: Form) -> Result<u64, ChannelError> {
    let tx = transaction(3, 0, vec![input(OutPoint::null(), setup.delay.into())], vec![output(0, p2a())]);
    // The control block contains one hash, because the tree has two leaves.
    Ok(weight_with(tx.clone(), &[form.settlement_leaf(&tx)?, vec![0; 65]]))
}

impl Construction for Symmetry {
    fn facts(&self) -> Facts {
        let states = if self.form.is_override() { (1 << 31) - 1 } else { 1_200_000_000 };
        Facts {
            name: self.form.name(),
            proposals: self.form.proposals(),
            annex: self.form.annex(),
            symmetric: true,
            penalty: false,
            states,
            worst_delay: self.setup.delay.into(),
            multiparty: true,
        }
    }

    fn setup(&self) -> &Setup {
        &self.setup
    }

    fn acceptance(&self) -> Terms {
        let balances = self.allocations.last().map_or(self.setup.parties.len(), |(_, payees)| payees.len());
        self.terms_for(balances)
    }

    fn see_height(&mut self, height: u32) {
        self.setup.height = height;
    }

    fn funding_output(&self) -> &TxOut {
        &self.funding_output
    }

    fn open(&mut self, funding: OutPoint) -> Result<(), ChannelError> {
        // Update signatures do not commit to the funding output, so they remain valid on another one.
        self.setup.opened(funding);
        if !self.history.is_signed() {
            let content = self.history.newest().clone();
            let signed = self.sign_state(self.number(), &content)?;
            self.history.sign(signed);
        }
        Ok(())
    }

    fn number(&self) -> u32 {
        self.history.number()
    }

    fn content(&self) -> &Content {
        self.history.newest()
    }

    fn update(&mut self, content: Content) -> Result<UpdateCost, ChannelError> {
        let content = self.setup.accept(content, &self.acceptance())?;
        let signed = self.sign_state(self.number().saturating_add(1), &content)?;
        self.history.push(content, Some(signed));
        Ok(UpdateCost { signatures: self.setup.parties.len(), secrets: 0 })
    }

    fn agree(&mut self, content: Content) -> Result<(), ChannelError> {
        let content = self.setup.accept(content, &self.acceptance())?;
        self.history.push(content, None);
        Ok(())
    }

    fn cooperative_close(&mut self) -> Result<Step, ChannelError> {
        self.setup.cooperative_close(&self.funding, self.history.newest())
    }

    fn close(&self, _by: usize, number: u32) -> Result<Vec<Step>, ChannelError> {
        let record = self.record(number)?;
        let update = record.bind(self.form, "update", (self.setup.funding, &self.funding), None)?;
        let settle = self.settle(number, self.history.state(number)?, &update.tx)?;
        Ok(vec![update, settle])
    }

    fn guard(&self, party: usize) -> Result<SharedGuard, ChannelError> {
        let bytes = self.client_bytes(party);
        let (record, fields) = Rebinding::from_bytes(self.form, RecordKind::RebindingClient, &bytes)?;
        let content = Content::from_bytes(fields.rest())?;
        let number = record.state.saturating_sub(1);
        let settlement = self.settlement_of(number, &content)?;
        if self.settle_leaf(number, &content)?.1 != record.published {
            return Err(ChannelError::encoding("the record's content is that of its settlement"));
        }
        // After the balances of the parties come those of nested channels, which are at stake too.
        let inside = content.balances.iter().skip(self.setup.parties.len());
        let balance = content.balances.get(party).into_iter().chain(inside);
        let owner = Owner {
            settlement,
            balance: balance.fold(0, |sum, balance| sum.saturating_add(*balance)),
            htlcs: self.setup.htlc_outputs(party, &content)?,
        };
        Ok(RebindingGuard::new((self.form, self.setup.delay), record, Some(owner))?.share())
    }

    /// Returns the terms under which a tower publishes the latest update transaction. The tower does not publish the
    /// settlement, which the client can do later.
    fn tower_terms(&self) -> Option<TowerTerms> {
        Some(TowerTerms::Symmetry(self.form, self.setup.delay))
    }

    fn state(&self, number: u32) -> Result<&Content, ChannelError> {
        Ok(self.history.state(number)?)
    }

    fn outputs(&self) -> Result<Vec<Known>, ChannelError> {
        let mut outputs = known::htlc_outputs(self)?;
        outputs.push(Known::Tap(self.funding.clone()));
        for number in 0..=self.number() {
            let (leaf, _) = self.settle_leaf(number, self.history.state(number)?)?;
            let update = self.form.update_leaf(&self.fixed.internal_key, Some(number.saturating_add(1)));
            let leaves = [update, leaf].map(|leaf| (1, Leaf::Script(leaf)));
            outputs.push(Known::Tap(self.setup.joint_output(leaves.into())?));
        }
        Ok(outputs)
    }

    /// Returns the secret keys of a party and, for each signed state: the joint signature of its update with the signed
    /// message, the hash that the update publishes, and the state number.
    fn held(&self, party: usize) -> Result<Held, ChannelError> {
        let mut held = Held::of(self.setup.party(party)?)?;
        for number in 0..=self.number() {
            let Ok(signed) = self.history.signed(number) else { continue };
            let message = signed.message(self.form)?;
            held.statements.push((self.fixed.internal_key, message.to_vec(), signed.signature));
            held.data.extend([signed.published.to_vec(), leaves::number_bytes(signed.state)]);
        }
        Ok(held)
    }

    /// Serializes the record of the latest state, followed by the balances and HTLCs of that state.
    fn client_bytes(&self, _party: usize) -> Vec<u8> {
        let record = self.record(self.number()).map(|record| record.to_bytes(RecordKind::RebindingClient));
        [record.unwrap_or_default(), self.content().to_bytes()].concat()
    }

    fn tower_bytes(&self, _client: usize) -> Vec<u8> {
        let record = self.record(self.number()).map(|record| record.to_bytes(RecordKind::RebindingTower));
        record.unwrap_or_default()
    }
}
