//! The contested output of a commitment transaction in the signed sequence form. It contains the whole capacity, except
//! for HTLCs with outputs of their own. After a delay, the settlement transaction of the same state can spend it.
//! Before that time, the other party can take it if it proves that the state is old. This module contains the output's
//! leaf scripts, the tower's reward, and the code that rebuilds the output from a confirmed commitment transaction.

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

/// The opcodes with which a signed sequence channel fixes the settlement transaction of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// OP_CHECKSIGFROMSTACK (CSFS) verifies signatures of state numbers, and OP_CHECKTEMPLATEVERIFY (CTV) fixes the
    /// settlement transaction.
    Ctv,
    /// OP_CHECKSIGFROMSTACK verifies signatures of state numbers, and OP_TEMPLATEHASH fixes the settlement transaction.
    TemplateHash,
    /// OP_CHECKSIGFROMSTACK verifies signatures of state numbers, and a BIP 118 signature fixes the settlement
    /// transaction. The leaf script contains this signature, which was made in advance with a publicly known key. The
    /// proposal of 2018 needed the same two soft forks.
    AnyPrevOut,
    /// OP_CHECKSIGFROMSTACK verifies signatures of state numbers, and no opcode fixes the settlement transaction. Both
    /// parties therefore sign it before they exchange signatures of the commitment transaction that it spends.
    /// OP_INTERNALKEY saves bytes. Towers are not supported.
    CsfsOnly,
    /// BIP 118 is the only soft fork. The state number is encoded in nLockTime, to which the signature that revokes
    /// older states commits.
    AnyPrevOutAlone,
}

impl Profile {
    /// All profiles (sets of opcodes) of the signed sequence form.
    pub const ALL: [Profile; 5] = [
        Profile::Ctv,
        Profile::TemplateHash,
        Profile::AnyPrevOut,
        Profile::CsfsOnly,
        Profile::AnyPrevOutAlone,
    ];

    /// Returns the name of this profile (set of opcodes) as it is printed for users.
    pub const fn name(self) -> &'static str {
        match self {
            Profile::Ctv => "signed sequence, CSFS+CTV",
            Profile::TemplateHash => "signed sequence, CSFS+TEMPLATEHASH",
            Profile::AnyPrevOut => "signed sequence, CSFS+APO",
            Profile::CsfsOnly => "signed sequence, CSFS alone",
            Profile::AnyPrevOutAlone => "signed sequence, APO alone",
        }
    }

    /// Returns the proposed soft forks that this profile (set of opcodes) needs.
    pub fn proposals(self) -> Flags {
        match self {
            Profile::Ctv => Flags::CHECKSIGFROMSTACK | Flags::CHECKTEMPLATEVERIFY,
            Profile::TemplateHash => Flags::CHECKSIGFROMSTACK | Flags::TEMPLATEHASH,
            Profile::AnyPrevOut => Flags::CHECKSIGFROMSTACK | Flags::ANYPREVOUT,
            Profile::CsfsOnly => Flags::CHECKSIGFROMSTACK | Flags::INTERNALKEY,
            Profile::AnyPrevOutAlone => Flags::ANYPREVOUT,
        }
    }

    /// Returns a script that only the transaction `tx` satisfies, for use after other conditions in the same leaf.
    /// Otherwise the function is like [`Profile::fixed`].
    fn fixed_after(self, tx: &Transaction) -> Result<Option<Vec<u8>>, ChannelError> {
        match self {
            Profile::TemplateHash => {
                Ok(Some(leaves::template_templatehash_after(&sign::template_hash(tx, None)?)))
            }
            _ => self.fixed(tx),
        }
    }

    /// Returns a leaf script that only the transaction `tx` satisfies. Returns `None` for [`Profile::CsfsOnly`], whose
    /// opcodes cannot fix a transaction.
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

/// Encodes a state number in the nLockTime (24 bits) and the nSequence (7 bits) of a commitment transaction, after XOR
/// with `mask`.
pub(super) fn obscure(number: u32, mask: u32) -> (u32, u32) {
    let hidden = (number ^ mask) & MAX_NUMBER;
    (0x2000_0000 | hidden & 0x00ff_ffff, 0x8000_0000 | hidden >> 24)
}

/// Decodes the state number of a commitment transaction whose first input spends the funding output. Returns `None` if
/// the transaction encodes no number.
pub(crate) fn published_number(tx: &Transaction, mask: u32) -> Option<u32> {
    number_of(tx, tx.input.first()?, mask)
}

fn number_of(tx: &Transaction, funding_input: &TxIn, mask: u32) -> Option<u32> {
    let (lock_time, sequence) = (tx.lock_time.to_consensus_u32(), funding_input.sequence.0);
    (lock_time >> 24 == 0x20 && sequence >> 7 == 1 << 24)
        .then_some(((sequence & 0x7f) << 24 | lock_time & 0x00ff_ffff) ^ mask)
}

/// The payment that a watchtower receives when its justice transaction confirms. The payment is an output of that
/// transaction, which neither the tower nor anybody else can change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reward {
    /// The tower receives nothing.
    #[default]
    None,
    /// The reward is the amount of the justice transaction's P2A output, in satoshi. It goes to whoever pays for the
    /// confirmation of the justice transaction, possibly a miner.
    Anyone(u64),
    /// The reward is an output of this many satoshi that pays to the tower's own key. The same key then signs the
    /// justice transaction, instead of a key that the client derives.
    Key(u64),
}

/// The terms for towers on which both parties of a signed sequence channel agreed when they opened the channel: the
/// opcodes and the tower's reward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceTerms {
    /// Opcodes with which scripts fix the settlement transaction and the tower's justice transaction.
    pub profile: Profile,
    /// Payment that a tower receives when its justice transaction confirms.
    pub reward: Reward,
}

impl SequenceTerms {
    /// Returns the terms for towers that receive no reward.
    pub const fn plain(profile: Profile) -> SequenceTerms {
        SequenceTerms { profile, reward: Reward::None }
    }

    /// Returns the key with which a tower signs the justice transaction. Without [`Reward::Key`] this is the client's
    /// tower key, whose secret is in the record. With [`Reward::Key`] this is `own`, the tower's own key.
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

    /// Returns the justice transaction with which a tower answers the commitment transaction `published`. Returns
    /// `None` if `published` is not a commitment transaction of this channel, or is not older than the state of the
    /// record. `tower` is the tower's own key, which only [`Reward::Key`] needs.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if a key of the record is invalid. [`ChannelError::Refused`] if the tower's key is needed
    /// and `tower` is not that key.
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
        // With SIGHASH_DEFAULT nobody can add an input or an output, even if the template would allow it.
        let digest = sign::script_path(&tx, &prevouts, 0, &leaf, sign::DEFAULT, false, None)?;
        let mut stack = vec![sign_schnorr(&key, &digest).to_vec()];
        stack.extend(record.consent.map(|consent| with_hash_type(consent, ALL_ANYPREVOUTANYSCRIPT)));
        stack.extend(self.profile.show_number(record.number, &record.evidence));
        set_witness(&mut tx, 0, &older.out.witness(&leaf, stack)?);
        Ok(Some(Step { label: "justice", tx, prevouts }))
    }
}

/// A contested output of an older state, found on the chain.
pub(super) struct ContestedOutput {
    pub(super) number: u32,
    /// Keys and terms from which the scripts of this contested output were rebuilt. The field `capacity` of this value
    /// is the amount of the contested output, not the capacity of the channel.
    contested: Contested,
    pub(super) out: TapOutput,
    pub(super) found: Found,
}

/// Keys and terms from which the contested output of a commitment transaction is built. The settlement leaf is passed
/// separately, because it is different for each state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contested {
    pub(super) terms: SequenceTerms,
    pub(super) internal_key: [u8; 32],
    pub(super) number_key: [u8; 32],
    pub(super) penalty_key: [u8; 32],
    pub(super) payout_key: [u8; 32],
    /// Key whose signature the justice transaction needs, in addition to the publisher's signature of a higher state
    /// number. The publisher of an old state can always sign a higher state number. If that signature were enough, the
    /// publisher could publish the justice transaction with a child that pins the victim's contest.
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

    /// Returns the tower leaf of the contested output, which the justice transaction satisfies. Returns `None` if the
    /// profile has no leaf for towers. `number` is the state number of the contested output.
    fn tower_leaf(&self, number: u32) -> Result<Option<Vec<u8>>, ChannelError> {
        if self.terms.profile == Profile::AnyPrevOutAlone {
            let keys = [&self.number_key, &self.penalty_key, &self.tower_key];
            return Ok(Some(leaves::tower_lock_time(number, keys)));
        }
        let fixed = self.terms.profile.fixed_after(&self.justice(0)?)?;
        Ok(fixed.map(|fixed| leaves::tower(number, &self.number_key, &self.tower_key, &fixed)))
    }

    /// Builds the tower's justice transaction, which pays the contested output to the victim and the reward to the
    /// tower. The outpoint of its input is not set. `shown` is the higher state number whose signature is in the
    /// witness. It changes the transaction only if the profile encodes state numbers in nLockTime.
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

    /// Returns the victim's signature of a justice transaction. `shown` is the state number whose signature by the
    /// publisher is in the witness of that transaction. Only [`Profile::AnyPrevOutAlone`] needs the victim's signature.
    /// For the other profiles the result is `None`.
    pub(super) fn consent(&self, shown: u32, victim: &Keypair) -> Result<Option<[u8; 64]>, ChannelError> {
        if self.terms.profile != Profile::AnyPrevOutAlone {
            return Ok(None);
        }
        let digest = sign::rebindable(&self.justice(shown)?, ALL_ANYPREVOUTANYSCRIPT)?;
        Ok(Some(sign_schnorr(victim, &digest)))
    }

    /// Verifies the victim's signature of a justice transaction. `shown` is the state number whose signature by the
    /// publisher is in the witness of that transaction. A tower calls this function for the victim's signature in its
    /// client's record.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the signature is missing, is present although it is not needed, or does not verify.
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

    /// Builds the contested output of the state `number`. One branch of its tree is the settlement leaf `settle`. The
    /// other branch contains the contest leaf and, if the profile has one, the tower leaf.
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

    /// Finds the contested output in a confirmed commitment transaction and rebuilds its scripts. Returns `None` if the
    /// transaction is not a commitment transaction of this channel, or if its state number is not lower than `below`.
    ///
    /// Any input of the transaction may spend the funding output, since the signature of the commitment transaction may
    /// allow additional inputs.
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
        // If the settlement hash is in the annex, the signature covers only the output at the index of its input. The
        // other outputs can be chosen freely, and an earlier one may imitate the contested output.
        let vout = if spends.witness.taproot_annex().is_some() { place } else { 0 };
        let paid = usize::try_from(vout).ok().and_then(|vout| published.output.get(vout));
        let Some(paid) = paid.cloned() else { return Ok(None) };
        // The justice transaction depends on the amount of the output. The amount is less than the capacity if the
        // commitment transaction also has HTLC outputs.
        let contested = Contested { capacity: paid.value.to_sat(), ..*self };
        let out = contested.out(number, settle)?;
        let is_contested = out.script_pubkey() == paid.script_pubkey;
        let found = Found { coin: outpoint(published, vout), out: paid, height: 0 };
        Ok(is_contested.then_some(ContestedOutput { number, contested, out, found }))
    }

    /// Builds the contest transaction, with which the victim takes the whole contested output of an older state.
    /// `number` is the higher state number, and `evidence` is the publisher's signature of it.
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

/// Returns the hash of the settlement leaf, which a commitment transaction publishes either in the annex of the input
/// that spends the funding output, or in its second output.
fn published_hash(published: &Transaction, spends: &TxIn) -> Option<[u8; 32]> {
    let in_annex = spends.witness.taproot_annex().and_then(|annex| annex.get(1..));
    let data = in_annex.or_else(|| published.output.get(1)?.script_pubkey.as_bytes().get(2..));
    data?.try_into().ok()
}
