//! Keys and amounts of a channel, and what all constructions build from them.

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

/// Weight units of a key path witness, with the marker and the flag.
const KEY_PATH_WEIGHT: u64 = 2 + 66;
/// Satoshi per virtual byte of a cooperative close.
const CLOSING_RATE: u64 = 2;
/// Weight units of HTLC-success, the heavier claim of an HTLC output with two leaves.
const HTLC_CLAIM_WEIGHT: u64 = 605;
/// Least HTLC that has an output: its claim pays 1 sat/vB, and leaves an output that is not dust.
const LEAST_HTLC: u64 = P2TR_DUST_LIMIT + HTLC_CLAIM_WEIGHT.div_ceil(4);

/// A party's keys in one channel, hardened from its seed and random bytes that it drew itself for this channel (rule 5).
#[derive(Clone, Debug)]
pub struct PartyKeys {
    /// The secret that all keys are derived from.
    pub seed: Seed,
    /// The random bytes that the party drew for this channel and stores with it. Every secret of the channel is derived from the
    /// seed and from these bytes: two channels of one seed share no secret.
    pub opening: [u8; 32],
    /// Its part of the aggregate key.
    pub funding: Keypair,
    /// Takes its balance.
    pub payout: Keypair,
    /// Claims HTLCs.
    pub htlc: Keypair,
    /// Signs numbers, and nothing else, in this channel only.
    pub number: Keypair,
    /// Takes the channel from a cheater, for this funding only.
    pub penalty: Keypair,
    /// Completes the transaction that takes the channel from a cheater for this party. Its secret is given to the party's towers.
    pub tower: Keypair,
}

impl PartyKeys {
    /// Derives the keys of a channel. `opening` are 32 random bytes that the party drew for this channel alone.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] with probability 2^-128.
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

    /// 32 secret bytes of this channel for a purpose that has no key above.
    pub fn secret(&self, purpose: &str) -> [u8; 32] {
        if mutated(Mutation::SecretsFromSeedAlone) {
            return self.seed.bytes(purpose, &[]);
        }
        self.seed.bytes(purpose, &[&self.opening])
    }

    /// The script that its balance is paid to: its key alone, as BIP 86 tweaks it.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] with probability 2^-128.
    pub fn payout_script(&self) -> Result<ScriptBuf, ChannelError> {
        Ok(p2tr(&x_only(&taproot_keypair(&self.payout, None)?)))
    }
}

/// The parties, their aggregate key and the funding output.
#[derive(Debug)]
pub struct Setup {
    /// The parties.
    pub parties: Vec<PartyKeys>,
    /// The aggregate of their funding keys, not tweaked: P.
    pub key: AggregateKey,
    /// Satoshi in the funding output.
    pub capacity: u64,
    /// The contest delay T, in blocks.
    pub delay: u16,
    /// The funding output, once the channel is open.
    pub funding: OutPoint,
    /// The height of the chain, as far as the parties know it.
    pub height: u32,
    /// Whether a cooperative close was signed, which ends the updates.
    pub is_closing: bool,
    /// The parties' source of random bytes. It cannot be cloned, so neither can a setup.
    pub entropy: Entropy,
}

impl Setup {
    /// The setup of a play: parties named after it, all keys from these names.
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

    /// The setup of parties whose keys are derived. The funding output is not known yet.
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

    /// A party.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if there is no such party.
    pub fn party(&self, party: usize) -> Result<&PartyKeys, ChannelError> {
        self.parties.get(party).ok_or_else(|| ChannelError::refused(format!("there is no party {party}")))
    }

    /// Where the parties' balances are paid to.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] with probability 2^-128.
    pub fn payees(&self) -> Result<Vec<ScriptBuf>, ChannelError> {
        self.parties.iter().map(PartyKeys::payout_script).collect()
    }

    /// 32 bytes that the parties know and nobody else: each party contributes secret bytes, which it shows to the others at opening.
    pub fn shared_secret(&self, purpose: &str) -> [u8; 32] {
        let contributed: Vec<[u8; 32]> = self.parties.iter().map(|party| party.secret("shared")).collect();
        tagged_hash("sigstack/shared-secret", &[purpose.as_bytes(), contributed.as_flattened()])
    }

    /// nSequence of settlements.
    pub(super) fn lock(&self) -> u32 {
        if mutated(Mutation::SettlesAtOnce) { 0 } else { self.delay.into() }
    }

    /// P, x-only.
    pub fn internal_key(&self) -> [u8; 32] {
        self.key.x_only()
    }

    /// An output of P with these leaves.
    ///
    /// # Errors
    ///
    /// As [`TapOutput::new`].
    pub fn joint_output(&self, leaves: Vec<(u8, Leaf)>) -> Result<TapOutput, ChannelError> {
        TapOutput::new(self.internal_key(), leaves)
    }

    /// All parties sign a message under P, tweaked for an output's key path or, without an output, as P is used in leaves. The nonces are
    /// fresh: the same call again gives another signature.
    ///
    /// # Errors
    ///
    /// As [`sign_together`].
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

    /// The other party signs a transaction that `owner` alone completes and publishes later.
    ///
    /// # Errors
    ///
    /// As [`PartialCommitment::make`].
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

    /// `owner` completes what [`Setup::sign_for`] left open.
    ///
    /// # Errors
    ///
    /// As [`PartialCommitment::complete`].
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

    /// Signs the only input on the key path of an output of P.
    ///
    /// # Errors
    ///
    /// As [`Setup::sign_jointly`].
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

    /// The output of an HTLC: P, or the recipient with the preimage, or the sender after the expiry.
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

    /// The HTLC outputs of a content, as a party claims them.
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

    /// The conditions for a state that one transaction pays whose outputs are those of [`Setup::settlement_outputs`]: `frame` is its
    /// weight without balances and HTLCs.
    pub fn settlement_terms(&self, frame: u64, claim_delay: u32) -> Terms {
        Terms {
            capacity: self.capacity,
            parties: self.parties.len(),
            channels: 0,
            least_balance: P2TR_DUST_LIMIT,
            least_htlc: [least_htlc(); 2],
            // More would be a fee: the transaction would be neither free, as a parent with dust must be, nor able to pay for itself.
            most_trimmed: P2A_DUST_LIMIT,
            most_offered: usize::MAX,
            opener: OpenerCosts::default(),
            size: Size { frame, balance: OUTPUT_WEIGHT, htlc: OUTPUT_WEIGHT, most: MAX_TRUC_WEIGHT },
            claim_delay,
        }
    }

    /// The outputs that pay a content: balances, HTLCs, P2A. Balances and HTLCs that are too small for an output go to the P2A, which
    /// takes all of them: terms allow no more than its dust limit.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if a party of an HTLC does not exist.
    pub fn settlement_outputs(&self, content: &Content) -> Result<Vec<TxOut>, ChannelError> {
        self.settlement_outputs_to(content, &self.payees()?)
    }

    /// As [`Setup::settlement_outputs`], with balances that are paid to these scripts: those of channels inside this one too.
    ///
    /// # Errors
    ///
    /// As [`Setup::settlement_outputs`].
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

    /// The P2A beside these outputs, with what is trimmed.
    pub(super) fn anchor_for(&self, outputs: &[TxOut]) -> TxOut {
        let paid = outputs.iter().fold(0u64, |sum, out| sum.saturating_add(out.value.to_sat()));
        output(self.capacity.saturating_sub(paid), p2a())
    }

    /// The transaction that pays balances from the funding output at once. It has no locks and no HTLCs.
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

    /// The channel is open with this funding output. Returns whether that is another one than before.
    pub(super) fn opened(&mut self, funding: OutPoint) -> bool {
        self.is_closing = false;
        core::mem::replace(&mut self.funding, funding) != funding
    }

    /// The next state, if it is acceptable and no cooperative close was signed, which pays an earlier one.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] after a cooperative close; [`ChannelError::Content`] as [`Content::accept`].
    pub(super) fn accept(&self, content: Content, terms: &Terms) -> Result<Accepted, ChannelError> {
        if self.is_closing {
            return Err(ChannelError::refused(
                "a cooperative close was signed: it would pay an earlier state",
            ));
        }
        content.accept(terms, self.height)
    }

    /// A cooperative close without its witness, which will weigh `witness`. It pays 2 sat/vB.
    ///
    /// The parties pay the fee in their order, the opener first. A party whose rest would be dust has no output, and its rest is part of
    /// the fee: so no balance blocks the close, and no party loses more than the dust limit beside the fee.
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

    /// The claim of an HTLC output, paying 1 sat/vB.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the transaction has no output for it.
    pub fn claim_htlc(
        &self,
        settled: &Step,
        htlc: &Htlc,
        preimage: Option<[u8; 32]>,
    ) -> Result<Step, ChannelError> {
        self.claim_htlc_from(&self.htlc_output(htlc)?, settled, htlc, preimage)
    }

    /// As [`Setup::claim_htlc`], of an output that has more leaves than its two.
    ///
    /// # Errors
    ///
    /// As [`Setup::claim_htlc`].
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

/// Least HTLC that has an output: the dust limit of its claim's output, and the claim's fee.
fn least_htlc() -> u64 {
    if mutated(Mutation::ClaimIsDust) { P2TR_DUST_LIMIT } else { LEAST_HTLC }
}
