//! Signed sequence commitments: each party has its own commitment transaction with a state number. This transaction has
//! one contested output. A settlement transaction, which is fixed in advance, spends the contested output and pays the
//! balances and HTLCs.
//!
//! A party's commitment transaction of state n pays the whole capacity to the contested output. After the contest delay
//! T, only the settlement of state n can spend this output. The other party can take the output at once if it shows the
//! publisher's signature of a higher state number. A commitment transaction is only partially signed until its owner
//! publishes it, so a published commitment transaction identifies its publisher. The parties store nothing about old
//! states: an old commitment transaction encodes its state number in nLockTime and nSequence, and publishes the hash of
//! its settlement leaf.

mod construction;
mod fee_input;
mod guard;
mod second_stage;

use bitcoin::{OutPoint, Transaction, TxOut};
use sigstack_interpreter::taproot::leaf_hash;

use super::accept::{Accepted, blocks_until_claimed, weight_with};
use super::contested::{Contested, obscure};
use super::history::History;
use super::settlement::Settlement;
use super::{ClientRecord, Construction, Content, Profile, Reward, SequenceTerms, Setup, Step, TowerRecord};
pub use fee_input::{Fees, with_fee_inputs};
pub use second_stage::{FeeCoin, Second, TwoStage};

use crate::error::ChannelError;
use crate::keys::x_only;
use crate::leaves::{self, MAX_NUMBER};
use crate::musig::PartialCommitment;
use crate::mutation::{Mutation, mutated};
use crate::publish::outputs_to;
use crate::sign;
use crate::taproot::{Leaf, TAPSCRIPT, TapOutput};
use crate::tx::{input, outpoint, output, p2a, set_witness, transaction};

/// A party's commitment transaction of one state, without its signature.
struct Version {
    tx: Transaction,
    /// The contested output of the commitment transaction, with its leaf scripts.
    out: TapOutput,
    annex: Option<Vec<u8>>,
}

/// A two-party channel whose commitment transactions have state numbers (signed sequence commitments).
#[derive(Debug)]
pub struct SignedSequence {
    setup: Setup,
    terms: SequenceTerms,
    /// Public keys of the two parties' towers. Only [`Reward::Key`] uses them.
    towers: Option<[[u8; 32]; 2]>,
    fees: Fees,
    funding: TapOutput,
    funding_output: TxOut,
    mask: u32,
    first: u32,
    /// Weight of a settlement transaction without outputs for balances and HTLCs, in weight units.
    frame: u64,
    history: History<[ClientRecord; 2]>,
}

impl SignedSequence {
    /// Creates a channel between two parties. The first state number, and the mask that obscures state numbers in
    /// commitment transactions, are derived from a secret that both parties know. So neither a close nor a contest
    /// reveals to others how many updates there were.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if there are not two parties. [`ChannelError::Content`] if the first state is not
    /// acceptable.
    pub fn new(setup: Setup, profile: Profile, first: Content) -> Result<SignedSequence, ChannelError> {
        if setup.parties.len() != 2 {
            let problem = format!(
                "{} parties; a penalty needs two: who is paid is not known among more",
                setup.parties.len()
            );
            return Err(ChannelError::refused(problem));
        }
        let frame = settlement_frame(&setup, profile)?;
        let first = first.accept(&setup.settlement_terms(frame, claim_delay(&setup)), setup.height)?;
        let funding = setup.joint_output(vec![])?;
        let funding_output = output(setup.capacity, funding.script_pubkey());
        let [a, b, c, d, e, f, g, h, ..] = match mutated(Mutation::CounterFromPublicKey) {
            true => crate::keys::sha256(&setup.internal_key()),
            false => setup.shared_secret("counter"),
        };
        let mask = u32::from_le_bytes([a, b, c, d]) & MAX_NUMBER;
        // The first state number takes four bytes in scripts, and at least half of the possible numbers remain for
        // later states.
        let start = 0x0080_0000 + (u32::from_le_bytes([e, f, g, h]) & MAX_NUMBER >> 2);
        Ok(SignedSequence {
            setup,
            terms: SequenceTerms::plain(profile),
            towers: None,
            fees: Fees::Child,
            funding,
            funding_output,
            mask,
            first: start,
            frame,
            history: History::new(first),
        })
    }

    /// Adds a reward for the parties' towers. Must be called before the channel is opened. `towers` are the public keys
    /// of the first party's and the second party's tower. Only [`Reward::Key`] uses them.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the reward, or the amount that remains for the victim, is below the dust limit.
    pub fn with_reward(
        mut self,
        reward: Reward,
        towers: [[u8; 32]; 2],
    ) -> Result<SignedSequence, ChannelError> {
        let sat = match reward {
            Reward::None => 0,
            Reward::Anyone(sat) | Reward::Key(sat) => sat,
        };
        if self.setup.capacity.saturating_sub(sat) < crate::tx::P2TR_DUST_LIMIT {
            return Err(ChannelError::refused("the reward leaves the victim less than an output can hold"));
        }
        if matches!(reward, Reward::Key(sat) if sat < crate::tx::P2TR_DUST_LIMIT) {
            let least = crate::tx::P2TR_DUST_LIMIT;
            return Err(ChannelError::refused(format!(
                "a reward of {sat} sat to a key is dust, and so is the P2A beside it: {least} sat is the minimum"
            )));
        }
        self.terms = SequenceTerms { reward, ..self.terms };
        self.towers = matches!(reward, Reward::Key(_)).then_some(towers);
        Ok(self)
    }

    /// Returns the opcodes with which this channel fixes its settlement transactions.
    pub fn profile(&self) -> Profile {
        self.terms.profile
    }

    /// Returns the terms (opcodes and reward) under which towers act for the parties of this channel.
    pub fn terms(&self) -> SequenceTerms {
        self.terms
    }

    /// Returns the state number that scripts compare, for the state with index `number`. It is `number` plus the first
    /// state number, which only the parties know.
    pub fn script_number(&self, number: u32) -> Result<u32, ChannelError> {
        let found = self.first.checked_add(number).filter(|number| *number < self.terms.profile.numbers());
        found.ok_or_else(|| {
            ChannelError::refused("the numbers are used up: splice to a funding with a fresh number key")
        })
    }

    /// Returns the mask with which commitment transactions obscure their state numbers.
    pub fn mask(&self) -> u32 {
        self.mask
    }

    fn contested(&self, publisher: usize) -> Result<Contested, ChannelError> {
        let (owner, victim) = (self.setup.party(publisher)?, self.setup.party(1 - publisher.min(1))?);
        let payout = crate::keys::taproot_keypair(&victim.payout, None)?;
        let own_tower = self.towers.and_then(|towers| towers.get(1 - publisher.min(1)).copied());
        Ok(Contested {
            terms: self.terms,
            internal_key: self.setup.internal_key(),
            number_key: x_only(&owner.number),
            penalty_key: x_only(match mutated(Mutation::PublisherPunishesItself) {
                true => &owner.penalty,
                false => &victim.penalty,
            }),
            payout_key: x_only(&payout),
            tower_key: own_tower.unwrap_or_else(|| x_only(&victim.tower)),
            capacity: self.setup.capacity,
        })
    }

    /// Builds the settlement transaction of a state, without a witness. The outpoint of its input is not set.
    fn settlement(&self, content: &Content) -> Result<Transaction, ChannelError> {
        let outputs = self.setup.settlement_outputs(content)?;
        Ok(transaction(3, 0, vec![input(OutPoint::null(), self.setup.lock())], outputs))
    }

    fn settle_leaf(&self, content: &Content) -> Result<Vec<u8>, ChannelError> {
        let fixed = self.terms.profile.fixed(&self.settlement(content)?)?;
        Ok(fixed.unwrap_or_else(|| leaves::delayed_internal_key(self.setup.delay)))
    }

    /// Builds a party's commitment transaction of a state, without its signature.
    fn version(&self, publisher: usize, number: u32, content: &Content) -> Result<Version, ChannelError> {
        let settle = self.settle_leaf(content)?;
        let numbered = self.script_number(number)?;
        let out = self.contested(publisher)?.out(numbered, Leaf::Script(settle.clone()))?;
        let contested = output(self.setup.capacity, out.script_pubkey());
        let published = (self.terms.profile != Profile::CsfsOnly).then(|| leaf_hash(TAPSCRIPT, &settle));
        let (lock_time, sequence) = obscure(numbered, self.mask);
        let outputs = self.fees.outputs(contested, published);
        let tx = transaction(3, lock_time, vec![input(self.setup.funding, sequence)], outputs);
        Ok(Version { tx, out, annex: published.and_then(|hash| self.fees.annex(&hash)) })
    }

    /// Returns the sighash of a commitment transaction, which both parties sign.
    fn version_digest(&self, version: &Version) -> Result<[u8; 32], ChannelError> {
        let (prevouts, annex) = (std::slice::from_ref(&self.funding_output), version.annex.as_deref());
        sign::key_path_with_annex(&version.tx, prevouts, 0, self.fees.hash_type(), annex)
    }

    fn role(publisher: usize) -> &'static str {
        if publisher == 0 { "version of party 0" } else { "version of party 1" }
    }

    /// Returns the settlement transaction that spends the contested output of a commitment transaction. `signature` is
    /// the joint signature of the settlement. It is needed only if the profile has no template.
    fn settle(
        &self,
        version: (&Transaction, &TapOutput),
        content: &Content,
        signature: Option<[u8; 64]>,
    ) -> Result<Step, ChannelError> {
        let stack = signature.map(|signature| signature.to_vec()).into_iter().collect();
        let (tx, leaf) = (self.settlement(content)?, self.settle_leaf(content)?);
        let settlement = Settlement { tx, leaf, out: version.1.clone(), stack };
        let mut found = outputs_to(version.0, 0, &version.1.script_pubkey()).into_iter();
        let found = found.find(|found| found.out.value.to_sat() == self.setup.capacity);
        let found = found.ok_or_else(|| ChannelError::refused("the transaction has no contested output"))?;
        settlement.on(found.coin, found.out)
    }

    /// Signs the settlement of a commitment transaction with both parties. Returns `None` if a template fixes the
    /// settlement, so that no signature is needed.
    fn sign_settlement(
        &mut self,
        publisher: usize,
        number: u32,
        content: &Content,
    ) -> Result<Option<[u8; 64]>, ChannelError> {
        if self.terms.profile != Profile::CsfsOnly {
            return Ok(None);
        }
        let Version { tx: commitment, out, .. } = self.version(publisher, number, content)?;
        let mut tx = self.settlement(content)?;
        if let Some(first) = tx.input.first_mut() {
            first.previous_output = outpoint(&commitment, 0);
        }
        let prevouts = [output(self.setup.capacity, out.script_pubkey())];
        let leaf = self.settle_leaf(content)?;
        let digest = sign::script_path(&tx, &prevouts, 0, &leaf, sign::DEFAULT, false, None)?;
        self.setup.sign_jointly(None, &digest).map(Some)
    }

    /// Makes the peer's partial signature of the publisher's commitment transaction. The publisher completes the
    /// signature when it publishes the transaction.
    fn sign_version(
        &mut self,
        publisher: usize,
        number: u32,
        content: &Content,
    ) -> Result<PartialCommitment, ChannelError> {
        let digest = self.version_digest(&self.version(publisher, number, content)?)?;
        let id = (self.script_number(number)?, Self::role(publisher));
        self.setup.sign_for(publisher, &self.funding, id, &digest)
    }

    /// Returns the complete commitment transaction of `publisher`, and its contested output. `stored` is the signature
    /// without the publisher's partial signature. This function adds that partial signature.
    fn complete(
        &self,
        publisher: usize,
        number: u32,
        content: &Content,
        stored: &PartialCommitment,
    ) -> Result<(Step, TapOutput), ChannelError> {
        let version = self.version(publisher, number, content)?;
        let prevouts = vec![self.funding_output.clone()];
        let digest = self.version_digest(&version)?;
        let id = (self.script_number(number)?, Self::role(publisher));
        let signature = self.setup.complete(publisher, &self.funding, id, stored, &digest)?;
        let Version { mut tx, out, annex } = version;
        let signature = sign::with_hash_type(signature, self.fees.hash_type());
        set_witness(&mut tx, 0, &[Some(signature), annex].into_iter().flatten().collect::<Vec<_>>());
        Ok((Step { label: "commitment", tx, prevouts }, out))
    }

    /// Signs a state number with a party's number key. The signature revokes all states of the party with lower
    /// numbers.
    pub fn sign_number(&self, party: usize, number: u32) -> Result<[u8; 64], ChannelError> {
        let numbered = self.script_number(number)?;
        self.terms.profile.sign_number(&self.setup.party(party)?.number, numbered)
    }

    /// Makes all signatures that the two parties exchange for a state. Returns the records that the two parties store.
    fn sign_state(&mut self, number: u32, content: &Accepted) -> Result<[ClientRecord; 2], ChannelError> {
        let settlements = match self.terms.profile {
            Profile::CsfsOnly => {
                let first = self.sign_settlement(0, number, content)?;
                first.zip(self.sign_settlement(1, number, content)?)
            }
            _ => None,
        };
        let own_first = |party: usize| {
            settlements.map(|(first, second)| if party == 0 { [first, second] } else { [second, first] })
        };
        let mut record = |party: usize| -> Result<ClientRecord, ChannelError> {
            Ok(ClientRecord {
                number: self.script_number(number)?,
                commitment: self.sign_version(party, number, content)?,
                evidence: self.sign_number(1 - party.min(1), number)?,
                settlements: own_first(party),
                content: Content::clone(content),
            })
        };
        Ok([record(0)?, record(1)?])
    }

    /// Returns the record that a party stores for the latest state, or `None` if that state is not signed.
    pub fn client_record(&self, party: usize) -> Option<&ClientRecord> {
        self.history.signed(self.number()).ok().and_then(|records| records.get(party))
    }

    /// Returns the record that a party gives to its tower for the latest state.
    pub fn tower_record(&self, client: usize) -> Result<TowerRecord, ChannelError> {
        let contested = self.contested(1 - client.min(1))?;
        let record =
            self.client_record(client).ok_or_else(|| ChannelError::refused("the channel is not open"))?;
        let party = self.setup.party(client)?;
        let secret = party.tower.to_secret_bytes();
        Ok(TowerRecord {
            funding: self.setup.funding,
            internal_key: contested.internal_key,
            number_key: contested.number_key,
            penalty_key: contested.penalty_key,
            payout_key: contested.payout_key,
            tower_key: if self.towers.is_some() { contested.tower_key } else { secret },
            capacity: contested.capacity,
            mask: self.mask,
            number: record.number,
            evidence: record.evidence,
            consent: contested.consent(record.number, &party.penalty)?,
        })
    }

    /// Builds the contest transaction, with which the victim of an old state takes the whole contested output and pays
    /// `fee` satoshi from it. Returns `None` if `published` is not an older commitment transaction of the peer.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if the record is damaged.
    pub fn contest_with_fee(
        &self,
        victim: usize,
        record: &ClientRecord,
        published: &Transaction,
        fee: u64,
    ) -> Result<Option<Step>, ChannelError> {
        let contested = self.contested(1 - victim.min(1))?;
        let rebuilt =
            contested.rebuild(published, &self.setup.funding, self.mask, record.number, self.setup.delay)?;
        let Some(older) = rebuilt else { return Ok(None) };
        let shown = (record.number, &record.evidence);
        contested.contest(&older, shown, &self.setup.party(victim)?.penalty)?.step(fee).map(Some)
    }
}

/// Returns the maximum number of blocks until an HTLC claim confirms. Three transactions must confirm: commitment,
/// settlement and claim. The contest delay passes between the first two.
fn claim_delay(setup: &Setup) -> u32 {
    blocks_until_claimed(setup.delay.into(), 3)
}

/// Returns the weight of a settlement transaction without outputs for balances and HTLCs, in weight units.
fn settlement_frame(setup: &Setup, profile: Profile) -> Result<u64, ChannelError> {
    let tx = transaction(3, 0, vec![input(OutPoint::null(), setup.delay.into())], vec![output(0, p2a())]);
    // The control block contains one hash, because the settlement leaf is at depth 1. If the profile has no template,
    // the witness also contains a joint signature.
    let witness = match profile.fixed(&tx)? {
        Some(leaf) => vec![leaf, vec![0; 65]],
        None => vec![vec![0; 64], leaves::delayed_internal_key(setup.delay), vec![0; 65]],
    };
    Ok(weight_with(tx, &witness))
}

#[cfg(test)]
mod tests;
