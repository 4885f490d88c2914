//! The contested output of the signed sequence form: its leaves, what it pays a tower, and how it is rebuilt from a commitment on the
//! chain.

use bitcoin::{OutPoint, Transaction, TxIn};
use secp256k1::Keypair;
use sigstack_interpreter::Flags;

use super::{Step, TowerRecord};
use crate::error::ChannelError;
use crate::keys::{generator_keypair, sign_schnorr, verify_schnorr, x_only};
use crate::leaves::{self, MAX_NUMBER};
use crate::mutation::{Mutation, mutated};
use crate::publish::{Draft, Found, Signer, Unlock};
use crate::sign::{self, ALL_ANYPREVOUTANYSCRIPT, with_hash_type};
use crate::taproot::{Leaf, TapOutput};
use crate::tx::{SEQUENCE_FREE, input, outpoint, output, p2a, p2tr, set_witness, transaction};

/// How the split of a state is fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// CSFS and CTV.
    Ctv,
    /// CSFS and TEMPLATEHASH.
    TemplateHash,
    /// CSFS and BIP 118 alone, the two changes of the talk: a template is a signature made in advance with the key that all know.
    AnyPrevOut,
    /// CSFS (and INTERNALKEY for size): both sign the split of each version before it is handed over. No tower leaf.
    CsfsOnly,
    /// BIP 118 alone: a number is the nLockTime that its signature commits to.
    AnyPrevOutAlone,
}

impl Profile {
    /// All of them.
    pub const ALL: [Profile; 5] = [
        Profile::Ctv,
        Profile::TemplateHash,
        Profile::AnyPrevOut,
        Profile::CsfsOnly,
        Profile::AnyPrevOutAlone,
    ];

    /// What a reader calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Profile::Ctv => "signed sequence, CSFS+CTV",
            Profile::TemplateHash => "signed sequence, CSFS+TEMPLATEHASH",
            Profile::AnyPrevOut => "signed sequence, CSFS+APO",
            Profile::CsfsOnly => "signed sequence, CSFS alone",
            Profile::AnyPrevOutAlone => "signed sequence, APO alone",
        }
    }

    /// The proposals that it needs.
    pub fn proposals(self) -> Flags {
        match self {
            Profile::Ctv => Flags::CHECKSIGFROMSTACK | Flags::CHECKTEMPLATEVERIFY,
            Profile::TemplateHash => Flags::CHECKSIGFROMSTACK | Flags::TEMPLATEHASH,
            Profile::AnyPrevOut => Flags::CHECKSIGFROMSTACK | Flags::ANYPREVOUT,
            Profile::CsfsOnly => Flags::CHECKSIGFROMSTACK | Flags::INTERNALKEY,
            Profile::AnyPrevOutAlone => Flags::ANYPREVOUT,
        }
    }

    /// As [`Profile::fixed`], to stand after other conditions.
    fn fixed_after(self, tx: &Transaction) -> Result<Option<Vec<u8>>, ChannelError> {
        match self {
            Profile::TemplateHash => {
                Ok(Some(leaves::template_templatehash_after(&sign::template_hash(tx, None)?)))
            }
            _ => self.fixed(tx),
        }
    }

    /// A leaf that lets only this transaction spend. None where there are no templates.
    pub fn fixed(self, tx: &Transaction) -> Result<Option<Vec<u8>>, ChannelError> {
        Ok(Some(match self {
            Profile::Ctv => leaves::template_ctv(&sign::check_template(tx)?),
            Profile::TemplateHash => leaves::template_templatehash(&sign::template_hash(tx, None)?),
            Profile::AnyPrevOut | Profile::AnyPrevOutAlone => {
                let generator = generator_keypair()?;
                let digest = sign::rebindable(tx, ALL_ANYPREVOUTANYSCRIPT)?;
                let signature = with_hash_type(sign_schnorr(&generator, &digest), ALL_ANYPREVOUTANYSCRIPT);
                leaves::template_signature(&signature, &x_only(&generator))
            }
            Profile::CsfsOnly => return Ok(None),
        }))
    }
}

/// Hides a number in nLockTime (24 bits) and nSequence (7 bits).
pub(super) fn obscure(number: u32, mask: u32) -> (u32, u32) {
    let hidden = (number ^ mask) & MAX_NUMBER;
    (0x2000_0000 | hidden & 0x00ff_ffff, 0x8000_0000 | hidden >> 24)
}

/// The number in a commitment whose first input spends the funding output.
pub(crate) fn published_number(tx: &Transaction, mask: u32) -> Option<u32> {
    number_of(tx, tx.input.first()?, mask)
}

fn number_of(tx: &Transaction, funding_input: &TxIn, mask: u32) -> Option<u32> {
    let (lock_time, sequence) = (tx.lock_time.to_consensus_u32(), funding_input.sequence.0);
    (lock_time >> 24 == 0x20 && sequence >> 7 == 1 << 24)
        .then_some(((sequence & 0x7f) << 24 | lock_time & 0x00ff_ffff) ^ mask)
}

/// What a tower gets of the channel, fixed by the justice transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reward {
    /// Nothing.
    #[default]
    None,
    /// So many satoshi in the P2A, for whoever confirms it: miners too.
    Anyone(u64),
    /// So many satoshi to the output of the tower's own key, which takes the place of the key that the client derives.
    Key(u64),
}

/// What the towers of a channel can do: the profile and the options that both sides agreed on at opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceTerms {
    /// How splits and the justice transaction are fixed.
    pub profile: Profile,
    /// What a tower gets.
    pub reward: Reward,
}

impl SequenceTerms {
    /// Without options.
    pub const fn plain(profile: Profile) -> SequenceTerms {
        SequenceTerms { profile, reward: Reward::None }
    }

    /// The key that completes the justice transaction: the client's, whose secret is in the record, or the tower's own.
    pub(super) fn tower_key(
        &self,
        record: &TowerRecord,
        own: Option<&Keypair>,
    ) -> Result<Keypair, ChannelError> {
        match (self.reward, own) {
            (Reward::Key(_), Some(own)) if x_only(own) == record.tower_key => Ok(*own),
            (Reward::Key(_), _) => Err(ChannelError::refused("these terms need the tower's key")),
            _ => Ok(Keypair::from_secret_bytes(record.tower_key)?),
        }
    }

    /// What a tower publishes with one record when it sees a commitment; none if that is not older than the record.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if the record's keys are no keys; [`ChannelError::Refused`] if the tower's key is needed and not given.
    pub fn answer(
        &self,
        record: &TowerRecord,
        published: &Transaction,
        tower: Option<&Keypair>,
    ) -> Result<Option<Step>, ChannelError> {
        let key = self.tower_key(record, tower)?;
        let contested = Contested::of_record(*self, record, x_only(&key));
        let seen = contested.rebuild(published, &record.funding, record.mask, record.number, 0)?;
        let Some(older) = seen else { return Ok(None) };
        let Some(leaf) = older.contested.tower_leaf(older.number)? else { return Ok(None) };
        let mut tx = older.contested.justice(record.number)?;
        if let Some(first) = tx.input.first_mut() {
            first.previous_output = older.found.coin;
        }
        let prevouts = vec![older.found.out];
        // SIGHASH_DEFAULT: nobody adds an input or an output, whatever fixes the transaction.
        let digest = sign::script_path(&tx, &prevouts, 0, &leaf, sign::DEFAULT, false, None)?;
        let mut stack = vec![sign_schnorr(&key, &digest).to_vec()];
        stack.extend(record.consent.map(|consent| with_hash_type(consent, ALL_ANYPREVOUTANYSCRIPT)));
        stack.extend(self.profile.show_number(record.number, &record.evidence));
        set_witness(&mut tx, 0, &older.out.witness(&leaf, stack)?);
        Ok(Some(Step { label: "justice", tx, prevouts }))
    }
}

/// A contested output on the chain.
pub(super) struct ContestedOutput {
    pub(super) number: u32,
    /// What the output is made of, with its own amount.
    contested: Contested,
    pub(super) out: TapOutput,
    pub(super) found: Found,
}

/// What the contested output of a version is made of beside its settle leaf.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contested {
    pub(super) terms: SequenceTerms,
    pub(super) internal_key: [u8; 32],
    pub(super) number_key: [u8; 32],
    pub(super) penalty_key: [u8; 32],
    pub(super) payout_key: [u8; 32],
    /// Completes the justice transaction. The publisher can always make evidence against itself, so without a key that it does not have
    /// it could publish the justice transaction, with a child that pins the victim's contest.
    pub(super) tower_key: [u8; 32],
    pub(super) capacity: u64,
}

impl Contested {
    pub(super) fn of_record(terms: SequenceTerms, record: &TowerRecord, tower_key: [u8; 32]) -> Contested {
        Contested {
            terms,
            internal_key: record.internal_key,
            number_key: record.number_key,
            penalty_key: record.penalty_key,
            payout_key: record.payout_key,
            tower_key,
            capacity: record.capacity,
        }
    }

    pub(super) fn contest_leaf(&self, number: u32) -> Vec<u8> {
        let number = if mutated(Mutation::EvidenceOfSameNumber) { number.saturating_sub(1) } else { number };
        match self.terms.profile {
            Profile::AnyPrevOutAlone => {
                leaves::contest_lock_time(number, &self.number_key, &self.penalty_key)
            }
            _ => leaves::contest(number, &self.number_key, &self.penalty_key),
        }
    }

    /// The leaf that takes all for the victim by the justice transaction.
    fn tower_leaf(&self, number: u32) -> Result<Option<Vec<u8>>, ChannelError> {
        if self.terms.profile == Profile::AnyPrevOutAlone {
            let keys = [&self.number_key, &self.penalty_key, &self.tower_key];
            return Ok(Some(leaves::tower_lock_time(number, keys)));
        }
        let fixed = self.terms.profile.fixed_after(&self.justice(0)?)?;
        Ok(fixed.map(|fixed| leaves::tower(number, &self.number_key, &self.tower_key, &fixed)))
    }

    /// The justice transaction J: the whole capacity to the victim, less the reward. It is the same for every state, but for nLockTime
    /// where that shows the number.
    pub(super) fn justice(&self, shown: u32) -> Result<Transaction, ChannelError> {
        let mut outputs = Vec::with_capacity(3);
        let (sat, anchor) = match self.terms.reward {
            Reward::None => (0, 0),
            Reward::Anyone(sat) => (sat, sat),
            Reward::Key(sat) => {
                let (output_key, _) = crate::keys::taproot_output_key(&self.tower_key, None)?;
                outputs.push(output(sat, p2tr(&output_key)));
                (sat, 0)
            }
        };
        outputs.insert(0, output(self.capacity.saturating_sub(sat), p2tr(&self.payout_key)));
        outputs.push(output(anchor, p2a()));
        let lock_time = self.terms.profile.lock_time(shown);
        Ok(transaction(3, lock_time, vec![input(OutPoint::null(), SEQUENCE_FREE)], outputs))
    }

    /// The victim's signature of the justice transaction, where no template in the leaf fixes it.
    pub(super) fn consent(&self, shown: u32, victim: &Keypair) -> Result<Option<[u8; 64]>, ChannelError> {
        if self.terms.profile != Profile::AnyPrevOutAlone {
            return Ok(None);
        }
        let digest = sign::rebindable(&self.justice(shown)?, ALL_ANYPREVOUTANYSCRIPT)?;
        Ok(Some(sign_schnorr(victim, &digest)))
    }

    /// Checks what a tower was given for that.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the victim's signature is missing, not needed, or not that of the justice transaction.
    pub(super) fn check_consent(&self, shown: u32, consent: Option<[u8; 64]>) -> Result<(), ChannelError> {
        let needed = self.terms.profile == Profile::AnyPrevOutAlone;
        let valid = match consent {
            Some(consent) if needed => {
                let digest = sign::rebindable(&self.justice(shown)?, ALL_ANYPREVOUTANYSCRIPT)?;
                verify_schnorr(&self.penalty_key, &digest, &consent)
            }
            consent => consent.is_some() == needed,
        };
        match valid {
            true => Ok(()),
            false => Err(ChannelError::refused(
                "the consent is not the victim's signature of the justice transaction",
            )),
        }
    }

    /// The settle leaf alone on one side; on the other the contest and, if there is one, the tower's leaf.
    pub(super) fn out(&self, number: u32, settle: Leaf) -> Result<TapOutput, ChannelError> {
        let mut scripts = vec![self.contest_leaf(number)];
        scripts.extend(self.tower_leaf(number)?);
        if mutated(Mutation::SweepByNumberAlone) {
            scripts.push(leaves::sweep(number, &self.number_key, 3));
        }
        let depths: &[u8] = match scripts.len() {
            1 => &[1],
            2 => &[2, 2],
            _ => &[2, 3, 3],
        };
        let others = depths.iter().copied().zip(scripts.into_iter().map(Leaf::Script));
        TapOutput::new(self.internal_key, std::iter::once((1, settle)).chain(others).collect())
    }

    /// Rebuilds the contested output of a commitment on the chain from what that shows, if the number is lower than `below`. Returns
    /// the number and the output with its index.
    ///
    /// The input that spends the funding output can be any, where the commitment's signature leaves other inputs open.
    pub(super) fn rebuild(
        &self,
        published: &Transaction,
        funding: &OutPoint,
        mask: u32,
        below: u32,
        delay: u16,
    ) -> Result<Option<ContestedOutput>, ChannelError> {
        let predecessor = |number: &u32| !mutated(Mutation::ContestsPredecessorOnly) || number + 1 == below;
        let older = |number: &u32| *number < below && predecessor(number);
        let spends = (0..).zip(&published.input).find(|(_, input)| input.previous_output == *funding);
        let number = spends.and_then(|(_, input)| number_of(published, input, mask));
        let (Some((place, spends)), Some(number)) = (spends, number.filter(older)) else {
            return Ok(None);
        };
        let settle = match self.terms.profile {
            Profile::CsfsOnly => Leaf::Script(leaves::delayed_internal_key(delay)),
            _ => match published_hash(published, spends) {
                Some(hash) => Leaf::Hidden(hash),
                None => return Ok(None),
            },
        };
        // With an annex the signature leaves other outputs open, and signs that at the place of its input. Outputs before it can be made
        // to look like a contested output.
        let vout = if spends.witness.taproot_annex().is_some() { place } else { 0 };
        let paid = usize::try_from(vout).ok().and_then(|vout| published.output.get(vout));
        let Some(paid) = paid.cloned() else { return Ok(None) };
        // The justice transaction depends on the amount, which is less than the capacity where HTLCs are on the version too.
        let contested = Contested { capacity: paid.value.to_sat(), ..*self };
        let out = contested.out(number, settle)?;
        let is_contested = out.script_pubkey() == paid.script_pubkey;
        let found = Found { coin: outpoint(published, vout), out: paid, height: 0 };
        Ok(is_contested.then_some(ContestedOutput { number, contested, out, found }))
    }

    /// The victim's contest of an older version: takes all with its key.
    pub(super) fn contest(
        &self,
        older: &ContestedOutput,
        (number, evidence): (u32, &[u8; 64]),
        victim: &Keypair,
    ) -> Result<Draft, ChannelError> {
        let (leaf, profile) = (self.contest_leaf(older.number), self.terms.profile);
        let pays = output(older.found.out.value.to_sat(), p2tr(&self.payout_key));
        let inputs = vec![input(older.found.coin, SEQUENCE_FREE)];
        let tx = transaction(3, profile.lock_time(number), inputs, vec![pays]);
        let mut stack = vec![Vec::new()];
        stack.extend(profile.show_number(number, evidence));
        let witness = older.out.witness(&leaf, stack)?;
        let unlocks = vec![Unlock::signed(Signer::Leaf(*victim, leaf), witness, 0)];
        Ok(Draft { label: "contest", tx, prevouts: vec![older.found.out.clone()], unlocks })
    }
}

/// The hash of the settle leaf: in the annex of the input that spends the funding output, or in the second output.
fn published_hash(published: &Transaction, spends: &TxIn) -> Option<[u8; 32]> {
    let in_annex = spends.witness.taproot_annex().and_then(|annex| annex.get(1..));
    let data = in_annex.or_else(|| published.output.get(1)?.script_pubkey.as_bytes().get(2..));
    data?.try_into().ok()
}
