//! Channels that follow the 2018 proposal for signed state numbers. Both parties have the same transaction for each
//! state. This transaction commits to its state number with a hash of the number and a random value. The other party
//! can take an output of an old state by opening two of these hash commitments: the one in the old state, and one to a
//! higher state number that both parties signed.
//!
//! This form is included for comparison, and because its transactions do not reveal who published them, which allows
//! attacks.

use bitcoin::{OutPoint, Transaction, TxOut};
use sigstack_interpreter::Flags;

use super::accept::{Accepted, blocks_until_claimed, weight_with};
use super::contested::{obscure, published_number};
use super::history::History;
use super::known::{Held, Known};
use super::{Construction, Content, Facts, Htlc, Setup, Step, Terms, UpdateCost};
use crate::error::ChannelError;
use crate::keys::{sha256, sign_schnorr, tagged_hash, x_only};
use crate::leaves::{self, MAX_NUMBER};
use crate::sign;
use crate::taproot::{Leaf, TapOutput};
use crate::tx::{P2TR_DUST_LIMIT, SEQUENCE_FREE, input, outpoint, output, p2a, set_witness, transaction};

/// Fee of a transaction that takes an output of an old state with the penalty leaf, in satoshi (2 sat/vB). Transactions
/// that spend the output with another leaf pay less.
const TAKE_FEE: u64 = 2 * 194;
/// Minimum amount of a balance or an HTLC that gets an output, in satoshi. Every transaction that claims such an output
/// can pay its fee, and the claimed amount is still above the dust limit.
const LEAST_OUTPUT: u64 = P2TR_DUST_LIMIT + TAKE_FEE;

/// The opcodes with which a script verifies a hash commitment to a state number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LiteralForm {
    /// The hash commitment to a state number is `SHA256(number || r)`, computed with OP_CAT. The script checks the size
    /// of the random value `r`.
    Cat,
    /// The hash commitment to a state number is `SHA256(number || r)`, as for `Cat`, but the script does not check
    /// sizes. So a spender can declare some bytes of the random value `r` to be part of the number.
    CatUnsized,
    /// The hash commitment to a state number is `PairCommit(r, number)` with a random value `r`, computed with
    /// OP_PAIRCOMMIT.
    PairCommit,
}

impl LiteralForm {
    /// Returns the name of this form of the 2018 proposal as it is printed for users.
    pub const fn name(self) -> &'static str {
        match self {
            LiteralForm::Cat => "literal 2018, CSFS+CAT",
            LiteralForm::CatUnsized => "literal 2018, CSFS+CAT without sizes",
            LiteralForm::PairCommit => "literal 2018, CSFS+PC",
        }
    }

    /// Returns the proposed soft forks that this form of the 2018 proposal needs.
    pub fn proposals(self) -> Flags {
        Flags::CHECKSIGFROMSTACK
            | match self {
                LiteralForm::Cat | LiteralForm::CatUnsized => Flags::OP_CAT,
                LiteralForm::PairCommit => Flags::PAIRCOMMIT,
            }
    }

    /// Returns the hash commitment to the state number `number` with the random value `random`.
    pub fn commit(self, number: u32, random: &[u8]) -> [u8; 32] {
        let number = leaves::number_bytes(number);
        match self {
            LiteralForm::Cat | LiteralForm::CatUnsized => sha256(&[&number, random].concat()),
            LiteralForm::PairCommit => leaves::pair_commit(random, &number),
        }
    }

    fn leaf(self, commitment: &[u8; 32], joint_key: &[u8; 32], victim: &[u8; 32]) -> Vec<u8> {
        match self {
            LiteralForm::Cat => leaves::literal_cat(commitment, joint_key, victim, true),
            LiteralForm::CatUnsized => leaves::literal_cat(commitment, joint_key, victim, false),
            LiteralForm::PairCommit => leaves::literal_pair_commit(commitment, joint_key, victim),
        }
    }
}

/// The proof that a published state is old. It opens a hash commitment to a higher state number, which both parties
/// signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Bytes of the witness that the script interprets as the higher state number.
    pub number: Vec<u8>,
    /// Bytes of the witness that the script interprets as the random value of the hash commitment.
    pub random: Vec<u8>,
    /// Joint signature of both parties on the hash commitment to the higher state number.
    pub signature: [u8; 64],
}

/// The two joint signatures that the parties make for a state: on its transaction, and on the hash commitment to its
/// state number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Signed {
    state: [u8; 64],
    number: [u8; 64],
}

/// A two-party channel that follows the 2018 proposal for signed state numbers. Both parties have the same
/// transactions.
#[derive(Debug)]
pub struct Literal {
    setup: Setup,
    form: LiteralForm,
    funding: TapOutput,
    funding_output: TxOut,
    mask: u32,
    history: History<Signed>,
}

impl Literal {
    /// Creates a channel between two parties that follows the 2018 proposal for signed state numbers.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if there are not two parties. [`ChannelError::Content`] if the first state is not
    /// acceptable.
    pub fn new(setup: Setup, form: LiteralForm, first: Content) -> Result<Literal, ChannelError> {
        if setup.parties.len() != 2 {
            return Err(ChannelError::refused("the talk's penalty is between two parties"));
        }
        let first = first.accept(&terms(&setup), setup.height)?;
        let funding = setup.joint_output(vec![])?;
        let funding_output = output(setup.capacity, funding.script_pubkey());
        let [a, b, c, d, ..] = setup.shared_secret("counter");
        let mask = u32::from_le_bytes([a, b, c, d]) & MAX_NUMBER;
        Ok(Literal { setup, form, funding, funding_output, mask, history: History::new(first) })
    }

    /// Returns the state number that scripts compare, for the state with index `number`. It starts at 1, because zero
    /// would be encoded as the empty message.
    fn script_number(number: u32) -> u32 {
        number.saturating_add(1)
    }

    /// Returns the random value in the hash commitment to a state number. It is derived from a secret that both parties
    /// share, so random values need not be stored.
    pub fn random(&self, script_number: u32) -> [u8; 32] {
        let secret = self.setup.shared_secret("random values");
        tagged_hash("sigstack/sequence-random", &[&secret, &script_number.to_le_bytes()])
    }

    /// Returns the proof that all states before the state `number` are old.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if the state was never signed.
    pub fn evidence(&self, number: u32) -> Result<Evidence, ChannelError> {
        let signature = self.history.signed(number)?.number;
        let number = Self::script_number(number);
        let random = self.random(number);
        Ok(Evidence { number: leaves::number_bytes(number), random: random.to_vec(), signature })
    }

    /// Returns the penalty leaf with which `victim` takes an output of the state `script_number` if this state is old.
    fn clause(&self, script_number: u32, victim: usize) -> Result<Vec<u8>, ChannelError> {
        let commitment = self.form.commit(script_number, &self.random(script_number));
        let victim = x_only(&self.setup.party(victim)?.penalty);
        Ok(self.form.leaf(&commitment, &self.setup.internal_key(), &victim))
    }

    /// Returns the output that pays the balance of `owner`. The owner can spend it after the delay. The other party can
    /// spend it with the penalty leaf if the state is old.
    fn balance_output(&self, script_number: u32, owner: usize) -> Result<TapOutput, ChannelError> {
        let own = leaves::delayed(&x_only(&self.setup.party(owner)?.payout), self.setup.delay);
        let clause = self.clause(script_number, 1 - owner.min(1))?;
        self.setup.joint_output(vec![(1, Leaf::Script(own)), (1, Leaf::Script(clause))])
    }

    fn htlc_output(&self, script_number: u32, htlc: &Htlc) -> Result<TapOutput, ChannelError> {
        let (to, from) = (self.setup.party(htlc.to)?, self.setup.party(htlc.from)?);
        let leaves = [
            leaves::htlc_success(&x_only(&to.htlc), &htlc.short_hash()),
            leaves::htlc_timeout(&x_only(&from.htlc), htlc.expiry),
            self.clause(script_number, 0)?,
            self.clause(script_number, 1)?,
        ];
        self.setup.joint_output(leaves.into_iter().map(|leaf| (2, Leaf::Script(leaf))).collect())
    }

    /// Builds the transaction of a state, without its witness.
    fn unsigned(&self, number: u32, content: &Content) -> Result<Transaction, ChannelError> {
        let numbered = Self::script_number(number);
        let mut outputs = Vec::new();
        for (party, balance) in content.balances.iter().enumerate() {
            outputs.push(output(*balance, self.balance_output(numbered, party)?.script_pubkey()));
        }
        for htlc in &content.htlcs {
            outputs.push(output(htlc.sat, self.htlc_output(numbered, htlc)?.script_pubkey()));
        }
        outputs.retain(|out| out.value.to_sat() >= LEAST_OUTPUT);
        outputs.push(self.setup.anchor_for(&outputs));
        let (lock_time, sequence) = obscure(numbered, self.mask);
        Ok(transaction(3, lock_time, vec![input(self.setup.funding, sequence)], outputs))
    }

    /// Signs the transaction of a state, and the hash commitment to its state number, with both parties.
    fn sign_state(&mut self, number: u32, content: &Accepted) -> Result<Signed, ChannelError> {
        let tx = self.unsigned(number, content)?;
        let prevouts = std::slice::from_ref(&self.funding_output);
        let digest = sign::key_path(&tx, prevouts, 0, sign::DEFAULT)?;
        let state = self.setup.sign_jointly(Some(&self.funding), &digest)?;
        let numbered = Self::script_number(number);
        let message = self.form.commit(numbered, &self.random(numbered));
        Ok(Signed { state, number: self.setup.sign_jointly(None, &message)? })
    }

    fn state_tx(&self, number: u32) -> Result<Step, ChannelError> {
        let mut tx = self.unsigned(number, self.history.state(number)?)?;
        set_witness(&mut tx, 0, &[self.history.signed(number)?.state]);
        Ok(Step { label: "state", tx, prevouts: vec![self.funding_output.clone()] })
    }

    /// Builds the transaction with which `claimant` takes the output `out` of `published`, the transaction of an old
    /// state. `opening` contains the number and the random value of that state, and `evidence` proves that the state is
    /// old.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the output does not exist.
    pub fn take(
        &self,
        claimant: usize,
        published: &Transaction,
        out: &TapOutput,
        opening: (&[u8], &[u8]),
        evidence: &Evidence,
    ) -> Result<Step, ChannelError> {
        let spk = out.script_pubkey();
        let found = (0..).zip(&published.output).find(|(_, other)| other.script_pubkey == spk);
        let (vout, prevout) = found.ok_or_else(|| ChannelError::refused("the state has no such output"))?;
        let number = published_number(published, self.mask).unwrap_or_default();
        let leaf = self.clause(number, claimant)?;
        let pays = output(
            prevout.value.to_sat().saturating_sub(TAKE_FEE),
            self.setup.party(claimant)?.payout_script()?,
        );
        let mut tx = transaction(3, 0, vec![input(outpoint(published, vout), SEQUENCE_FREE)], vec![pays]);
        let prevouts = vec![prevout.clone()];
        let digest = sign::script_path(&tx, &prevouts, 0, &leaf, sign::DEFAULT, false, None)?;
        let own = sign_schnorr(&self.setup.party(claimant)?.penalty, &digest);
        let stack = vec![
            own.to_vec(),
            evidence.signature.to_vec(),
            evidence.random.clone(),
            evidence.number.clone(),
            opening.1.to_vec(),
            opening.0.to_vec(),
        ];
        set_witness(&mut tx, 0, &out.witness(&leaf, stack)?);
        Ok(Step { label: "contest", tx, prevouts })
    }

    /// Builds the transaction with which `claimant` takes the other party's balance in an old state. `published` is the
    /// transaction of that state, and `evidence` proves that the state is old. Returns `None` if the state has no
    /// output for this balance.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if the transaction cannot be built.
    pub fn take_balance(
        &self,
        claimant: usize,
        published: &Transaction,
        evidence: &Evidence,
    ) -> Result<Option<Step>, ChannelError> {
        let Some(number) = published_number(published, self.mask) else { return Ok(None) };
        let out = self.balance_output(number, 1 - claimant.min(1))?;
        let spk = out.script_pubkey();
        if !published.output.iter().any(|other| other.script_pubkey == spk) {
            return Ok(None);
        }
        let opening = (leaves::number_bytes(number), self.random(number));
        self.take(claimant, published, &out, (&opening.0, &opening.1), evidence).map(Some)
    }

    /// Builds the transaction with which `claimant` takes the output of an HTLC in an old state. `published` is the
    /// transaction of that state, and `evidence` proves that the state is old.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the state has no output for this HTLC.
    pub fn take_htlc(
        &self,
        claimant: usize,
        published: &Transaction,
        htlc: &Htlc,
        evidence: &Evidence,
    ) -> Result<Step, ChannelError> {
        let number = published_number(published, self.mask).unwrap_or_default();
        let out = self.htlc_output(number, htlc)?;
        let opening = (leaves::number_bytes(number), self.random(number));
        self.take(claimant, published, &out, (&opening.0, &opening.1), evidence)
    }

    /// Builds the transaction with which `owner` takes its balance in the state `number` after the delay. Returns
    /// `None` if the state has no output for this balance.
    fn sweep(&self, owner: usize, number: u32, state: &Step) -> Result<Option<Step>, ChannelError> {
        let out = self.balance_output(Self::script_number(number), owner)?;
        let spk = out.script_pubkey();
        let found = (0..).zip(&state.tx.output).find(|(_, other)| other.script_pubkey == spk);
        let Some((vout, prevout)) = found else { return Ok(None) };
        let party = self.setup.party(owner)?;
        let leaf = leaves::delayed(&x_only(&party.payout), self.setup.delay);
        let pays = output(prevout.value.to_sat().saturating_sub(2 * 150), party.payout_script()?);
        let spent = input(outpoint(&state.tx, vout), self.setup.delay.into());
        let mut tx = transaction(2, 0, vec![spent], vec![pays]);
        let prevouts = vec![prevout.clone()];
        let digest = sign::script_path(&tx, &prevouts, 0, &leaf, sign::DEFAULT, false, None)?;
        let own = sign_schnorr(&party.payout, &digest).to_vec();
        set_witness(&mut tx, 0, &out.witness(&leaf, vec![own])?);
        Ok(Some(Step { label: "balance", tx, prevouts }))
    }
}

/// Returns the conditions that a channel state must satisfy before it is signed. HTLCs are claimed directly from the
/// outputs of the state's transaction, without a delay.
fn terms(setup: &Setup) -> Terms {
    let state = transaction(3, 0, vec![input(OutPoint::null(), 0)], vec![output(0, p2a())]);
    Terms {
        least_balance: LEAST_OUTPUT,
        least_htlc: [LEAST_OUTPUT; 2],
        ..setup.settlement_terms(weight_with(state, &[vec![0; 64]]), blocks_until_claimed(0, 2))
    }
}

impl Construction for Literal {
    fn facts(&self) -> Facts {
        Facts {
            name: self.form.name(),
            proposals: self.form.proposals(),
            annex: false,
            symmetric: true,
            penalty: true,
            states: MAX_NUMBER.into(),
            worst_delay: self.setup.delay.into(),
            multiparty: false,
        }
    }

    fn setup(&self) -> &Setup {
        &self.setup
    }

    fn acceptance(&self) -> Terms {
        terms(&self.setup)
    }

    fn see_height(&mut self, height: u32) {
        self.setup.height = height;
    }

    fn funding_output(&self) -> &TxOut {
        &self.funding_output
    }

    fn open(&mut self, funding: OutPoint) -> Result<(), ChannelError> {
        if self.setup.opened(funding) {
            self.history.forget_signatures();
        }
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
        // Two partial signatures on the transaction of the state, and two on the commitment to its state number.
        Ok(UpdateCost { signatures: 4, secrets: 0 })
    }

    fn cooperative_close(&mut self) -> Result<Step, ChannelError> {
        self.setup.cooperative_close(&self.funding, self.history.newest())
    }

    fn close(&self, _by: usize, number: u32) -> Result<Vec<Step>, ChannelError> {
        let state = self.state_tx(number)?;
        let mut steps = vec![state.clone()];
        for owner in 0..2 {
            steps.extend(self.sweep(owner, number, &state)?);
        }
        Ok(steps)
    }

    /// Returns the transaction with which `victim` takes the other party's balance in an old state. HTLC outputs are
    /// not taken, because the stored data is not enough to rebuild those of old states.
    fn contest(&self, victim: usize, published: &Transaction) -> Result<Option<Vec<Step>>, ChannelError> {
        let newest = Self::script_number(self.number());
        match published_number(published, self.mask) {
            Some(number) if number < newest => {
                let evidence = self.evidence(self.number())?;
                Ok(self.take_balance(victim, published, &evidence)?.map(|step| vec![step]))
            }
            _ => Ok(None),
        }
    }

    fn claim_htlc(
        &self,
        settled: &Step,
        htlc: &Htlc,
        preimage: Option<[u8; 32]>,
    ) -> Result<Step, ChannelError> {
        let number = published_number(&settled.tx, self.mask).unwrap_or_default();
        self.setup.claim_htlc_from(&self.htlc_output(number, htlc)?, settled, htlc, preimage)
    }

    fn state(&self, number: u32) -> Result<&Content, ChannelError> {
        Ok(self.history.state(number)?)
    }

    fn outputs(&self) -> Result<Vec<Known>, ChannelError> {
        let mut outputs = Vec::new();
        for number in 0..=self.number() {
            let numbered = Self::script_number(number);
            for party in 0..2 {
                outputs.push(Known::Tap(self.balance_output(numbered, party)?));
            }
            for htlc in &self.history.state(number)?.htlcs {
                outputs.push(Known::Tap(self.htlc_output(numbered, htlc)?));
            }
        }
        Ok(outputs)
    }

    fn held(&self, party: usize) -> Result<Held, ChannelError> {
        let mut held = Held::of(self.setup.party(party)?)?;
        for number in 0..=self.number() {
            let (numbered, evidence) = (Self::script_number(number), self.evidence(number)?);
            let message = self.form.commit(numbered, &evidence.random).to_vec();
            held.statements.push((self.setup.internal_key(), message, evidence.signature));
            held.data.extend([evidence.number, evidence.random]);
        }
        Ok(held)
    }

    /// Serializes the data that a party stores: the state number, the joint signature of the state's transaction, the
    /// joint signature of the hash commitment to the state number, and the balances and HTLCs.
    fn client_bytes(&self, _party: usize) -> Vec<u8> {
        let mut bytes = self.number().to_le_bytes().to_vec();
        if let (Ok(state), Ok(evidence)) = (self.state_tx(self.number()), self.evidence(self.number())) {
            let signature = state.tx.input.first().and_then(|input| input.witness.iter().next());
            bytes.extend_from_slice(signature.unwrap_or_default());
            bytes.extend_from_slice(&evidence.signature);
        }
        bytes.extend(self.content().to_bytes());
        bytes
    }

    /// Serializes the data that a tower stores: the funding outpoint, the joint key, the state number, the hash
    /// commitment to it, the random value of the commitment, and the joint signature of the commitment.
    fn tower_bytes(&self, _client: usize) -> Vec<u8> {
        let mut bytes = crate::tx::outpoint_bytes(&self.setup.funding).to_vec();
        bytes.extend_from_slice(&self.setup.internal_key());
        if let Ok(evidence) = self.evidence(self.number()) {
            let number = Self::script_number(self.number());
            bytes.extend_from_slice(&number.to_le_bytes());
            bytes.extend_from_slice(&self.form.commit(number, &evidence.random));
            bytes.extend_from_slice(&evidence.random);
            bytes.extend_from_slice(&evidence.signature);
        }
        bytes
    }
}
