//! Keys and amounts of a channel, and the outputs and signatures that all constructions derive from them.

use bitcoin::{OutPoint, ScriptBuf, Transaction, TxOut};
use secp256k1::{Keypair, PublicKey};

use super::accept::{MAX_TRUC_WEIGHT, OUTPUT_WEIGHT, OpenerCosts, Size};
use super::{Accepted, Content, Htlc, Step, Terms};
use crate::bounds::{DELAY, FUNDING, PARTIES};
use crate::chain::START_HEIGHT;
use crate::error::ChannelError;
use crate::keys::{Entropy, Seed, tagged_hash, taproot_keypair, x_only};
use crate::leaves;
use crate::musig::{AggregateKey, NonceId, PartialCommitment, sign_together};
use crate::mutation::{Mutation, mutated};
use crate::publish::{Found, HtlcOutputs, htlc_draft};
use crate::sign;
use crate::taproot::{Leaf, TapOutput};
use crate::tx::{
    P2A_DUST_LIMIT, P2TR_DUST_LIMIT, SEQUENCE_FREE, input, outpoint, outpoint_bytes, output, p2a, p2tr,
    set_witness, transaction,
};

/// Weight of a taproot key path witness plus segwit marker and flag, in weight units.
const KEY_PATH_WEIGHT: u64 = 2 + 66;
/// Feerate of a cooperative close, in satoshi per virtual byte.
const CLOSING_RATE: u64 = 2;
/// Weight of the transaction that claims an HTLC output with the preimage, in weight units. The claim after the expiry
/// weighs less.
const HTLC_CLAIM_WEIGHT: u64 = 605;
/// Minimum amount of an HTLC that gets an output, in satoshi. Such an HTLC can pay 1 sat/vB for its claim, and the
/// claim's output is still above the dust limit.
const LEAST_HTLC: u64 = P2TR_DUST_LIMIT + HTLC_CLAIM_WEIGHT.div_ceil(4);

/// The keys of one party in one channel. They are derived (hardened) from the party's seed and from random bytes that
/// the party drew for this channel.
#[derive(Clone, Debug)]
pub struct PartyKeys {
    /// The party's secret, from which all of its keys are derived.
    pub seed: Seed,
    /// Random bytes that the party drew for this channel and stores. Every secret of the channel is derived from the
    /// seed and from these bytes, so two channels with the same seed share no secret.
    pub opening: [u8; 32],
    /// The party's key pair for the funding output, whose key aggregates the funding keys of all parties.
    pub funding: Keypair,
    /// Key pair for the output that pays the party's balance.
    pub payout: Keypair,
    /// Key pair with which the party claims HTLC outputs.
    pub htlc: Keypair,
    /// Key pair with which the party signs state numbers. It signs nothing else and belongs to this channel only.
    pub number: Keypair,
    /// Key pair with which the party takes the outputs of an old state that the peer published. It belongs to this
    /// channel only.
    pub penalty: Keypair,
    /// Key pair that signs the justice transaction for this party. The party gives the secret key to its towers.
    pub tower: Keypair,
}

impl PartyKeys {
    /// Derives a party's keys for one channel. `opening` is 32 random bytes that the party drew only for this channel.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if a derived key is invalid, which has a probability of 2^-128.
    pub fn new(seed: Seed, opening: [u8; 32]) -> Result<PartyKeys, ChannelError> {
        let drawn: &[&[u8]] = if mutated(Mutation::KeysFromSeedAlone) { &[] } else { &[&opening] };
        let key = |purpose: &str| seed.keypair(purpose, drawn);
        Ok(PartyKeys {
            funding: key("funding")?,
            payout: key("payout")?,
            htlc: key("htlc")?,
            number: key("number")?,
            penalty: key("penalty")?,
            tower: match mutated(Mutation::JusticeByAnyone) {
                true => crate::keys::generator_keypair()?,
                false => key("tower")?,
            },
            opening,
            seed,
        })
    }

    /// Returns 32 secret bytes of the party in this channel. Different values of `purpose` give independent bytes.
    pub fn secret(&self, purpose: &str) -> [u8; 32] {
        if mutated(Mutation::SecretsFromSeedAlone) {
            return self.seed.bytes(purpose, &[]);
        }
        self.seed.bytes(purpose, &[&self.opening])
    }

    /// Returns the script to which the party's balance is paid: P2TR with the payout key, tweaked as in BIP 86.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if a derived key is invalid, which has a probability of 2^-128.
    pub fn payout_script(&self) -> Result<ScriptBuf, ChannelError> {
        Ok(p2tr(&x_only(&taproot_keypair(&self.payout, None)?)))
    }
}

/// The keys, the capacity and the funding output of a channel, together with other data that all constructions need.
#[derive(Debug)]
pub struct Setup {
    /// Keys of the parties of this channel.
    pub parties: Vec<PartyKeys>,
    /// MuSig2 aggregate P of the parties' funding keys, without a taproot tweak.
    pub key: AggregateKey,
    /// Amount of the funding output, in satoshi.
    pub capacity: u64,
    /// Contest delay T, in blocks: the time in which an old state can be answered.
    pub delay: u16,
    /// Outpoint of the funding output. It is the null outpoint until the channel is open.
    pub funding: OutPoint,
    /// Chain height that the parties assume when they check the expiries of HTLCs.
    pub height: u32,
    /// Whether a cooperative close was signed. If it was, updates of the channel are refused.
    pub is_closing: bool,
    /// Random number source of the parties. It cannot be cloned, so a setup cannot be cloned either. This prevents
    /// reuse of nonces.
    pub entropy: Entropy,
}

impl Setup {
    /// Creates a deterministic setup for tests and simulations. The parties and all keys are derived from `name`.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Parameter`] if the number of parties, the delay or the capacity is outside of its range.
    pub fn named(name: &str, parties: usize, capacity: u64, delay: u16) -> Result<Setup, ChannelError> {
        ChannelError::check("parties", &PARTIES, parties)?;
        ChannelError::check("delay", &DELAY, delay)?;
        let mut entropy = Entropy::from_name(name);
        let seeds = (0..parties).map(|party| Seed::from_name(&format!("{name}, party {party}")));
        let parties = seeds
            .map(|seed| PartyKeys::new(seed, entropy.draw()))
            .collect::<Result<Vec<PartyKeys>, ChannelError>>()?;
        Setup::of(parties, capacity, delay, entropy)
    }

    /// Creates the setup of parties whose keys are already derived. The funding outpoint is not set yet.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Parameter`] if the number of parties or the capacity is outside of its range.
    pub fn of(
        parties: Vec<PartyKeys>,
        capacity: u64,
        delay: u16,
        entropy: Entropy,
    ) -> Result<Setup, ChannelError> {
        ChannelError::check("parties", &PARTIES, parties.len())?;
        ChannelError::check("capacity", &FUNDING, capacity)?;
        let keys: Vec<PublicKey> = parties.iter().map(|party| party.funding.public_key()).collect();
        let key = AggregateKey::new(&keys)?;
        let (funding, height) = (OutPoint::null(), START_HEIGHT);
        Ok(Setup { parties, key, capacity, delay, funding, height, is_closing: false, entropy })
    }

    /// Returns the keys of a party.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if there is no such party.
    pub fn party(&self, party: usize) -> Result<&PartyKeys, ChannelError> {
        self.parties.get(party).ok_or_else(|| ChannelError::refused(format!("there is no party {party}")))
    }

    /// Returns the scripts to which the balances of the parties are paid, in the order of the parties.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if a derived key is invalid, which has a probability of 2^-128.
    pub fn payees(&self) -> Result<Vec<ScriptBuf>, ChannelError> {
        self.parties.iter().map(PartyKeys::payout_script).collect()
    }

    /// Returns 32 bytes that all parties know and nobody else. Each party contributes secret bytes, which it reveals to
    /// the other parties when the channel is opened.
    pub fn shared_secret(&self, purpose: &str) -> [u8; 32] {
        let contributed: Vec<[u8; 32]> = self.parties.iter().map(|party| party.secret("shared")).collect();
        tagged_hash("sigstack/shared-secret", &[purpose.as_bytes(), contributed.as_flattened()])
    }

    /// Returns the nSequence of settlement transactions: the contest delay as a relative lock in blocks.
    pub(super) fn lock(&self) -> u32 {
        if mutated(Mutation::SettlesAtOnce) { 0 } else { self.delay.into() }
    }

    /// Returns the aggregate key P as an x-only public key.
    pub fn internal_key(&self) -> [u8; 32] {
        self.key.x_only()
    }

    /// Returns a taproot output with the aggregate key P of the parties as internal key. Each leaf is given with its
    /// depth in the tree.
    ///
    /// # Errors
    ///
    /// Same errors as [`TapOutput::new`].
    pub fn joint_output(&self, leaves: Vec<(u8, Leaf)>) -> Result<TapOutput, ChannelError> {
        TapOutput::new(self.internal_key(), leaves)
    }

    /// Makes a MuSig2 signature of all parties under the aggregate key P. If `tweak` is given, the signature is for a
    /// key path spend of this output, so P is tweaked. If `tweak` is `None`, the signature is for the untweaked P, as
    /// leaf scripts require. The nonces are fresh, so a second call with the same arguments gives another signature.
    ///
    /// # Errors
    ///
    /// Same errors as [`sign_together`].
    pub fn sign_jointly(
        &mut self,
        tweak: Option<&TapOutput>,
        message: &[u8; 32],
    ) -> Result<[u8; 64], ChannelError> {
        let signers: Vec<Keypair> = self.parties.iter().map(|party| party.funding).collect();
        let key = match tweak {
            Some(out) => self.key.tweaked(out.root().as_ref())?,
            None => self.key.clone(),
        };
        sign_together(&key, &signers, &mut self.entropy, message)
    }

    /// Makes the peer's partial signature of a commitment transaction that belongs to `owner` and spends `out` on the
    /// key path. `message` is the sighash. The state number and the role identify the nonce of `owner`. Only `owner`
    /// can complete the signature, with [`Setup::complete`].
    ///
    /// # Errors
    ///
    /// Same errors as [`PartialCommitment::make`].
    pub fn sign_for(
        &mut self,
        owner: usize,
        out: &TapOutput,
        (number, role): (u32, &str),
        message: &[u8; 32],
    ) -> Result<PartialCommitment, ChannelError> {
        let place = outpoint_bytes(&self.funding);
        let id = NonceId { outpoint: &place, number: number.into(), role };
        let key = self.key.tweaked(out.root().as_ref())?;
        let other = self.party(1 - owner.min(1))?.funding;
        let missing = || ChannelError::refused(format!("there is no party {owner}"));
        let signer = self.parties.get(owner).ok_or_else(missing)?;
        let keys = (&signer.seed, &signer.funding);
        PartialCommitment::make(&key, keys, &other, &id, &mut self.entropy, message)
    }

    /// Completes the signature that [`Setup::sign_for`] began, by adding the partial signature of `owner`. The state
    /// number and the role must be the same as in that call.
    ///
    /// # Errors
    ///
    /// Same errors as [`PartialCommitment::complete`].
    pub fn complete(
        &self,
        owner: usize,
        out: &TapOutput,
        (number, role): (u32, &str),
        stored: &PartialCommitment,
        message: &[u8; 32],
    ) -> Result<[u8; 64], ChannelError> {
        let place = outpoint_bytes(&self.funding);
        let id = NonceId { outpoint: &place, number: number.into(), role };
        let key = self.key.tweaked(out.root().as_ref())?;
        let (signer, other) = (self.party(owner)?, self.party(1 - owner.min(1))?);
        stored.complete(&key, (&signer.seed, &signer.funding), &other.funding.public_key(), &id, message)
    }

    /// Signs a transaction with one input, which spends an output on the key path. The signature is a joint signature
    /// of all parties. `spent` is the spent output and its amount in satoshi.
    ///
    /// # Errors
    ///
    /// Same errors as [`Setup::sign_jointly`].
    pub fn spend_jointly(
        &mut self,
        label: &'static str,
        mut tx: Transaction,
        spent: (&TapOutput, u64),
    ) -> Result<Step, ChannelError> {
        let prevouts = vec![output(spent.1, spent.0.script_pubkey())];
        let digest = sign::key_path(&tx, &prevouts, 0, sign::DEFAULT)?;
        let signature = self.sign_jointly(Some(spent.0), &digest)?;
        set_witness(&mut tx, 0, &[signature]);
        Ok(Step { label, tx, prevouts })
    }

    /// Returns the taproot output of an HTLC. It can be spent by all parties together (key P), by the recipient with
    /// the preimage, or by the sender after the expiry.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if a party does not exist.
    pub fn htlc_output(&self, htlc: &Htlc) -> Result<TapOutput, ChannelError> {
        let (recipient, sender) = (self.party(htlc.to)?, self.party(htlc.from)?);
        let success = leaves::htlc_success(&x_only(&recipient.htlc), &htlc.short_hash());
        let timeout = leaves::htlc_timeout(&x_only(&sender.htlc), htlc.expiry);
        self.joint_output(vec![(1, Leaf::Script(success)), (1, Leaf::Script(timeout))])
    }

    /// Returns the HTLC outputs of a state, together with the key and the payout script with which `party` claims them.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if a party does not exist.
    pub fn htlc_outputs(&self, party: usize, content: &Content) -> Result<HtlcOutputs, ChannelError> {
        let own = self.party(party)?;
        let htlcs = content.htlcs.iter().filter(|htlc| htlc.sat >= least_htlc());
        let outputs = htlcs.map(|htlc| Ok((*htlc, self.htlc_output(htlc)?)));
        Ok(HtlcOutputs {
            party,
            key: own.htlc,
            payout: own.payout_script()?,
            outputs: outputs.collect::<Result<_, ChannelError>>()?,
        })
    }

    /// Returns the conditions for channel states whose balances and HTLCs are paid by one transaction, with the outputs
    /// of [`Setup::settlement_outputs`]. `frame` is the weight of this transaction without outputs for balances and
    /// HTLCs, in weight units. `claim_delay` is the value of [`Terms::claim_delay`].
    pub fn settlement_terms(&self, frame: u64, claim_delay: u32) -> Terms {
        Terms {
            capacity: self.capacity,
            parties: self.parties.len(),
            channels: 0,
            least_balance: P2TR_DUST_LIMIT,
            least_htlc: [least_htlc(); 2],
            // All trimmed amounts are in the P2A output, and this limit keeps the P2A output below its dust limit. A
            // transaction with a dust output must have zero fee, so nobody can add an input that pays a fee. At the
            // dust limit the transaction could have both an anchor and a fee. Where signatures allow anyone to add
            // inputs, anyone could then pin it with a large version of the transaction.
            most_trimmed: P2A_DUST_LIMIT - 1,
            most_offered: usize::MAX,
            opener: OpenerCosts::default(),
            size: Size { frame, balance: OUTPUT_WEIGHT, htlc: OUTPUT_WEIGHT, most: MAX_TRUC_WEIGHT },
            claim_delay,
        }
    }

    /// Returns the outputs of the transaction that pays a channel state: balances, HTLCs, and a P2A output. Balances
    /// and HTLCs that are too small for an output are added to the P2A output. [`Terms::most_trimmed`] keeps the amount
    /// of the P2A output below its dust limit.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if a party of an HTLC does not exist.
    pub fn settlement_outputs(&self, content: &Content) -> Result<Vec<TxOut>, ChannelError> {
        self.settlement_outputs_to(content, &self.payees()?)
    }

    /// Returns the outputs of the transaction that pays the balances and HTLCs of a channel state, as
    /// [`Setup::settlement_outputs`] does, but pays the balances to the scripts `payees`. These may include funding
    /// scripts of nested channels.
    ///
    /// # Errors
    ///
    /// Same errors as [`Setup::settlement_outputs`].
    pub fn settlement_outputs_to(
        &self,
        content: &Content,
        payees: &[ScriptBuf],
    ) -> Result<Vec<TxOut>, ChannelError> {
        let mut outputs = Vec::with_capacity(content.balances.len() + content.htlcs.len() + 1);
        for (payee, balance) in payees.iter().zip(&content.balances) {
            if *balance >= P2TR_DUST_LIMIT || mutated(Mutation::DustOutputs) {
                outputs.push(output(*balance, payee.clone()));
            }
        }
        for htlc in content.htlcs.iter().filter(|htlc| htlc.sat >= least_htlc()) {
            outputs.push(output(htlc.sat, self.htlc_output(htlc)?.script_pubkey()));
        }
        outputs.push(self.anchor_for(&outputs));
        Ok(outputs)
    }

    /// Returns the P2A output that is appended to the `outputs` of a settlement. Its amount is the rest of the
    /// capacity: the sum of the balances and HTLCs that are too small for an output.
    pub(super) fn anchor_for(&self, outputs: &[TxOut]) -> TxOut {
        let paid = outputs.iter().fold(0u64, |sum, out| sum.saturating_add(out.value.to_sat()));
        output(self.capacity.saturating_sub(paid), p2a())
    }

    /// Returns the signed cooperative close: a transaction without locks and HTLCs that spends the funding output and
    /// pays the balances.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] while HTLCs are in flight, or if no balance remains.
    pub fn cooperative_close(
        &mut self,
        funding: &TapOutput,
        content: &Content,
    ) -> Result<Step, ChannelError> {
        let tx = self.closing(content, KEY_PATH_WEIGHT)?;
        self.spend_jointly("cooperative close", tx, (funding, self.capacity))
    }

    /// Marks the channel as open on the funding outpoint `funding`. Returns whether this outpoint is different from the
    /// previous one.
    pub(super) fn opened(&mut self, funding: OutPoint) -> bool {
        self.is_closing = false;
        core::mem::replace(&mut self.funding, funding) != funding
    }

    /// Checks a channel state against `terms`, and returns it as an accepted state if it satisfies them. After a
    /// cooperative close was signed, every state is refused, because the close pays an earlier state.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] after a cooperative close was signed. [`ChannelError::Content`] if the state violates
    /// `terms`.
    pub(super) fn accept(&self, content: Content, terms: &Terms) -> Result<Accepted, ChannelError> {
        if self.is_closing {
            return Err(ChannelError::refused(
                "a cooperative close was signed: it would pay an earlier state",
            ));
        }
        content.accept(terms, self.height)
    }

    /// Builds the transaction of a cooperative close without its witness. `witness` is the expected weight of the
    /// witness, in weight units. The feerate is 2 sat/vB.
    ///
    /// The parties pay the fee in their order, the opener first. If a party's balance after the fee would be dust, the
    /// party gets no output, and the remainder is added to the fee. So no balance can block the close, and in addition
    /// to the fee no party loses more than the dust limit.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] while HTLCs are in flight, or if no balance remains.
    pub(super) fn closing(&mut self, content: &Content, witness: u64) -> Result<Transaction, ChannelError> {
        if !content.htlcs.is_empty() {
            return Err(ChannelError::refused("a channel closes together without HTLCs in flight"));
        }
        let mut outputs = Vec::with_capacity(self.parties.len());
        for (payee, balance) in self.payees()?.into_iter().zip(&content.balances) {
            if *balance >= P2TR_DUST_LIMIT {
                outputs.push(output(*balance, payee));
            }
        }
        let mut tx = transaction(2, 0, vec![input(self.funding, SEQUENCE_FREE)], outputs);
        let trimmed = self.capacity.saturating_sub(crate::tx::output_sum(&tx));
        let fee = CLOSING_RATE * (crate::tx::weight(&tx) + witness).div_ceil(4);
        let mut owed = fee.saturating_sub(trimmed);
        for out in &mut tx.output {
            let sat = out.value.to_sat();
            let left = sat.checked_sub(owed).filter(|left| *left >= P2TR_DUST_LIMIT).unwrap_or(0);
            owed = owed.saturating_sub(sat - left);
            out.value = bitcoin::Amount::from_sat(left);
        }
        tx.output.retain(|out| out.value.to_sat() > 0);
        match tx.output.is_empty() {
            true => Err(ChannelError::refused("no balance pays the fee of a close and leaves an output")),
            false => {
                self.is_closing = true;
                Ok(tx)
            }
        }
    }

    /// Builds the transaction that claims an HTLC output of `settled`, with a feerate of 1 sat/vB. If `preimage` is
    /// given, the recipient of the HTLC claims. If it is `None`, the sender claims after the expiry.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the transaction has no output for the HTLC.
    pub fn claim_htlc(
        &self,
        settled: &Step,
        htlc: &Htlc,
        preimage: Option<[u8; 32]>,
    ) -> Result<Step, ChannelError> {
        self.claim_htlc_from(&self.htlc_output(htlc)?, settled, htlc, preimage)
    }

    /// Builds the transaction that claims an HTLC output, as [`Setup::claim_htlc`] does, but for an output `out` that
    /// has additional leaves.
    ///
    /// # Errors
    ///
    /// Same errors as [`Setup::claim_htlc`].
    pub fn claim_htlc_from(
        &self,
        out: &TapOutput,
        settled: &Step,
        htlc: &Htlc,
        preimage: Option<[u8; 32]>,
    ) -> Result<Step, ChannelError> {
        let spk = out.script_pubkey();
        let found = (0..).zip(&settled.tx.output).find(|(_, other)| other.script_pubkey == spk);
        let (vout, prevout) = found.ok_or_else(|| ChannelError::refused("no output for this HTLC"))?;
        let claimant = self.party(if preimage.is_some() { htlc.to } else { htlc.from })?;
        let found = Found { coin: outpoint(&settled.tx, vout), out: prevout.clone(), height: 0 };
        let keys = (&claimant.htlc, &claimant.payout_script()?);
        let draft = htlc_draft(&found, htlc, out, keys, preimage.as_ref())?;
        draft.step(draft.weight().div_ceil(4))
    }
}

/// Returns the minimum amount of an HTLC that gets an output, in satoshi: the dust limit of the claim's output plus the
/// claim's fee.
fn least_htlc() -> u64 {
    if mutated(Mutation::ClaimIsDust) { P2TR_DUST_LIMIT } else { LEAST_HTLC }
}
