//! Update transactions of LN-Symmetry, which can spend the output of any older state. LN-Symmetry carries the state number
//! in nLockTime. Its override forms carry it in a witness element, so that nLockTime stays free.
//!
//! This module also contains the record that parties and towers store. Whoever has this record can complete the latest
//! update transaction so that it spends the output of an older state. No secret key is needed.

use bitcoin::{OutPoint, Transaction};
use sigstack_interpreter::{Flags, taproot::leaf_hash};

use super::Step;
use crate::error::ChannelError;
use crate::keys::{generator_keypair, sha256, sign_schnorr, verify_schnorr, x_only};
use crate::leaves::{self, NUMBER_BASE};
use crate::mutation::{Mutation, mutated};
use crate::publish::{Found, outputs_to};
use crate::records::{Fields, HEAD, RecordKind};
use crate::sign::{self, ALL_ANYPREVOUTANYSCRIPT, with_hash_type};
use crate::taproot::{Leaf, TAPSCRIPT, TapOutput};
use crate::tx::{SEQUENCE_FREE, input, op_return, output, p2a, set_witness, transaction};

/// The opcodes with which an LN-Symmetry channel lets an update transaction spend the output of any older state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// LN-Symmetry with BIP 118: updates are signed with SIGHASH_ANYPREVOUTANYSCRIPT. The hash of the settlement leaf
    /// is published in the annex.
    AnyPrevOut,
    /// LN-Symmetry with CTV and CSFS. The hash of the settlement leaf is published in an OP_RETURN output.
    CtvCsfs,
    /// LN-Symmetry with CTV, CSFS and INTERNALKEY. The hash of the settlement leaf is published in an OP_RETURN output.
    CtvCsfsInternalKey,
    /// LN-Symmetry with CTV, CSFS, INTERNALKEY and PAIRCOMMIT. The signature of an update commits to the template hash
    /// of the settlement, which is therefore published in the witness.
    PairCommit,
    /// LN-Symmetry with TEMPLATEHASH, CSFS and INTERNALKEY. The hash of the settlement leaf is published in the annex.
    TemplateHash,
    /// The override form of LN-Symmetry with PAIRCOMMIT: the state number is a witness element, so nLockTime is free
    /// for other uses.
    OverridePairCommit,
    /// The override form of LN-Symmetry with TEMPLATEHASH and CAT: the state number is a witness element, so nLockTime
    /// is free for other uses. The hash of the settlement leaf is published in the annex.
    OverrideTemplateHash,
}

impl Form {
    /// All forms of LN-Symmetry, including the override forms.
    pub const ALL: [Form; 7] = [
        Form::AnyPrevOut,
        Form::CtvCsfs,
        Form::CtvCsfsInternalKey,
        Form::PairCommit,
        Form::TemplateHash,
        Form::OverridePairCommit,
        Form::OverrideTemplateHash,
    ];

    /// Returns the name of this form of LN-Symmetry as it is printed for users.
    pub const fn name(self) -> &'static str {
        match self {
            Form::AnyPrevOut => "LN-Symmetry, APO",
            Form::CtvCsfs => "LN-Symmetry, CTV+CSFS",
            Form::CtvCsfsInternalKey => "LN-Symmetry, CTV+CSFS+IKEY",
            Form::PairCommit => "LN-Symmetry, CTV+CSFS+IKEY+PC",
            Form::TemplateHash => "LN-Symmetry, TH+CSFS+IKEY",
            Form::OverridePairCommit => "override, CTV+CSFS+IKEY+PC",
            Form::OverrideTemplateHash => "override, TH+CSFS+IKEY+CAT",
        }
    }

    /// Returns the proposed soft forks that this form of LN-Symmetry needs.
    pub fn proposals(self) -> Flags {
        let csfs = Flags::CHECKSIGFROMSTACK;
        match self {
            Form::AnyPrevOut => Flags::ANYPREVOUT,
            Form::CtvCsfs => csfs | Flags::CHECKTEMPLATEVERIFY,
            Form::CtvCsfsInternalKey => csfs | Flags::CHECKTEMPLATEVERIFY | Flags::INTERNALKEY,
            Form::PairCommit | Form::OverridePairCommit => {
                csfs | Flags::CHECKTEMPLATEVERIFY | Flags::INTERNALKEY | Flags::PAIRCOMMIT
            }
            Form::TemplateHash => csfs | Flags::TEMPLATEHASH | Flags::INTERNALKEY,
            Form::OverrideTemplateHash => csfs | Flags::TEMPLATEHASH | Flags::INTERNALKEY | Flags::OP_CAT,
        }
    }

    /// Returns whether this is an override form, in which the state number is a witness element and nLockTime is free
    /// for other uses.
    pub const fn is_override(self) -> bool {
        matches!(self, Form::OverridePairCommit | Form::OverrideTemplateHash)
    }

    /// Returns whether the hash of the settlement leaf is published in the annex.
    pub const fn annex(self) -> bool {
        matches!(self, Form::AnyPrevOut | Form::TemplateHash | Form::OverrideTemplateHash)
    }

    pub(super) const fn op_return(self) -> bool {
        matches!(self, Form::CtvCsfs | Form::CtvCsfsInternalKey)
    }

    /// Returns the settlement leaf of a state output: the leaf script that only the settlement transaction `tx`
    /// satisfies.
    pub(super) fn settlement_leaf(self, tx: &Transaction) -> Result<Vec<u8>, ChannelError> {
        Ok(match self {
            Form::AnyPrevOut => {
                let generator = generator_keypair()?;
                let nothing = [output(0, bitcoin::ScriptBuf::new())];
                let digest = sign::script_path(tx, &nothing, 0, &[], ALL_ANYPREVOUTANYSCRIPT, true, None)?;
                let signature = with_hash_type(sign_schnorr(&generator, &digest), ALL_ANYPREVOUTANYSCRIPT);
                leaves::template_signature(&signature, &x_only(&generator))
            }
            Form::TemplateHash | Form::OverrideTemplateHash => {
                leaves::template_templatehash(&sign::template_hash(tx, None)?)
            }
            _ => leaves::template_ctv(&sign::check_template(tx)?),
        })
    }

    /// Returns the leaf script of an output that newer update transactions satisfy. `state` is the state number of the
    /// output, counted from 1. It is `None` for the funding output.
    pub(super) fn update_leaf(self, key: &[u8; 32], state: Option<u32>) -> Vec<u8> {
        let state = state.filter(|_| !mutated(Mutation::UpdateWithoutNumber));
        let next = state.map(|state| state.saturating_add(1));
        match self {
            Form::AnyPrevOut => leaves::update_apo(next),
            Form::CtvCsfs => leaves::update_ctv(key, next),
            Form::CtvCsfsInternalKey => leaves::update_ctv_internal_key(next),
            Form::PairCommit => leaves::update_pair_commit(next),
            Form::TemplateHash => leaves::update_templatehash(next),
            Form::OverridePairCommit => leaves::override_pair_commit(state.unwrap_or_default()),
            Form::OverrideTemplateHash => leaves::override_templatehash(state.unwrap_or_default()),
        }
    }
}

/// The record from which anyone can complete the latest update transaction, so that it spends the output of any older
/// state on the chain. Parties and towers store this record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebinding {
    /// Outpoint of the funding output, which a tower watches.
    pub funding: OutPoint,
    /// Aggregate public key P of the parties.
    pub internal_key: [u8; 32],
    /// Amount of the funding output and of every state output, in satoshi.
    pub capacity: u64,
    /// State number of the latest state, as scripts compare it. The first state has the number 1.
    pub state: u32,
    /// Joint signature of all parties for the latest update transaction.
    pub signature: [u8; 64],
    /// The hash that the latest update transaction publishes, from which its settlement leaf is rebuilt. With
    /// PAIRCOMMIT this is the settlement's template hash, otherwise it is the hash of the leaf.
    pub published: [u8; 32],
}

impl Rebinding {
    /// Size of a serialized record of a tower, in bytes.
    pub const SIZE: usize = HEAD + 36 + 32 + 8 + 4 + 64 + 32;

    /// Serializes the record: the header, 76 bytes that never change (outpoint, key, amount), then 100 bytes that each
    /// update replaces (state number, signature, published hash).
    pub fn to_bytes(&self, kind: RecordKind) -> Vec<u8> {
        let mut bytes = kind.head();
        bytes.extend_from_slice(&crate::tx::outpoint_bytes(&self.funding));
        bytes.extend_from_slice(&self.internal_key);
        bytes.extend_from_slice(&self.capacity.to_le_bytes());
        bytes.extend_from_slice(&self.state.to_le_bytes());
        bytes.extend_from_slice(&self.signature);
        bytes.extend_from_slice(&self.published);
        bytes
    }

    /// Parses the bytes that [`Rebinding::to_bytes`] returned, and verifies the signature. Also returns a parser for
    /// the bytes that follow the record.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if the record is truncated or of another kind. [`ChannelError::Key`] if its key is
    /// not on the curve. [`ChannelError::Refused`] if the signature is not valid for the record's update in this form.
    pub fn from_bytes(
        form: Form,
        kind: RecordKind,
        bytes: &[u8],
    ) -> Result<(Rebinding, Fields<'_>), ChannelError> {
        let mut fields = kind.open(bytes)?;
        let record = Rebinding {
            funding: fields.outpoint()?,
            internal_key: fields.key()?,
            capacity: fields.u64()?,
            state: fields.u32()?,
            signature: fields.bytes()?,
            published: fields.bytes()?,
        };
        let message = record.message(form)?;
        let unchecked = mutated(Mutation::SignatureUnchecked);
        match unchecked || verify_schnorr(&record.internal_key, &message, &record.signature) {
            true => Ok((record, fields)),
            false => Err(ChannelError::refused("the signature is not that of the record's update")),
        }
    }

    /// Returns the message that all parties sign for the update transaction of this record's state.
    pub(super) fn message(&self, form: Form) -> Result<[u8; 32], ChannelError> {
        let (tx, published) = (self.update(form)?, &self.published);
        let annex = annex(&self.settle_hash(form));
        match form {
            Form::AnyPrevOut => {
                let nothing = [output(0, bitcoin::ScriptBuf::new())];
                sign::script_path(&tx, &nothing, 0, &[], ALL_ANYPREVOUTANYSCRIPT, true, Some(&annex))
            }
            Form::CtvCsfs | Form::CtvCsfsInternalKey => sign::check_template(&tx),
            Form::PairCommit => Ok(leaves::pair_commit(published, &sign::check_template(&tx)?)),
            Form::TemplateHash => sign::template_hash(&tx, Some(&annex)),
            Form::OverridePairCommit => {
                let templates = leaves::pair_commit(published, &sign::check_template(&tx)?);
                Ok(leaves::pair_commit(&leaves::number_bytes(self.state), &templates))
            }
            Form::OverrideTemplateHash => {
                let hash = sign::template_hash(&tx, Some(&annex))?;
                Ok(sha256(&[&leaves::number_bytes(self.state)[..], &hash].concat()))
            }
        }
    }

    /// Returns the channel's funding output with its leaf scripts.
    pub(super) fn funding_output(&self, form: Form) -> Result<TapOutput, ChannelError> {
        TapOutput::new(self.internal_key, vec![(0, Leaf::Script(form.update_leaf(&self.internal_key, None)))])
    }

    pub(super) fn settle_hash(&self, form: Form) -> [u8; 32] {
        settle_hash(form, &self.published)
    }

    /// Returns the update transaction of this record's state, without a witness. The outpoint of its input is not set.
    pub(super) fn update(&self, form: Form) -> Result<Transaction, ChannelError> {
        update_tx(form, self.internal_key, self.capacity, self.state, &self.settle_hash(form))
    }

    /// Returns the complete update transaction of this record's state, which spends the output `out` at the outpoint
    /// `coin`. `state` is the state number of that output, or `None` if it is the funding output.
    pub(super) fn bind(
        &self,
        form: Form,
        label: &'static str,
        (coin, out): (OutPoint, &TapOutput),
        state: Option<u32>,
    ) -> Result<Step, ChannelError> {
        let mut tx = self.update(form)?;
        if let Some(first) = tx.input.first_mut() {
            first.previous_output = coin;
        }
        let stack = match form {
            Form::AnyPrevOut => vec![with_hash_type(self.signature, ALL_ANYPREVOUTANYSCRIPT)],
            Form::CtvCsfs | Form::CtvCsfsInternalKey => {
                vec![self.signature.to_vec(), sign::check_template(&tx)?.to_vec()]
            }
            Form::PairCommit => {
                vec![self.signature.to_vec(), self.published.to_vec(), sign::check_template(&tx)?.to_vec()]
            }
            Form::TemplateHash => vec![self.signature.to_vec()],
            Form::OverridePairCommit => vec![
                self.signature.to_vec(),
                leaves::number_bytes(self.state),
                self.published.to_vec(),
                sign::check_template(&tx)?.to_vec(),
            ],
            Form::OverrideTemplateHash => vec![self.signature.to_vec(), leaves::number_bytes(self.state)],
        };
        let leaf = form.update_leaf(&self.internal_key, state);
        let mut witness = out.witness(&leaf, stack)?;
        if form.annex() {
            witness.push(annex(&self.settle_hash(form)));
        }
        set_witness(&mut tx, 0, &witness);
        Ok(Step { label, tx, prevouts: vec![output(self.capacity, out.script_pubkey())] })
    }

    /// Returns the state output that an update transaction creates. `input` is the index of the input that spends the
    /// funding output or another state output. Returns `None` if the transaction is not an update.
    pub(super) fn state_output(
        &self,
        form: Form,
        (tx, input): (&Transaction, usize),
        height: u32,
    ) -> Result<Option<StateOutput>, ChannelError> {
        let Some((state, settle_hash)) = published_state(form, tx, input) else { return Ok(None) };
        let update = form.update_leaf(&self.internal_key, Some(state));
        let leaves = vec![(1, Leaf::Script(update)), (1, Leaf::Hidden(settle_hash))];
        let out = TapOutput::new(self.internal_key, leaves)?;
        let found = outputs_to(tx, height, &out.script_pubkey()).into_iter().next();
        Ok(found.map(|found| StateOutput { state, out, found }))
    }

    /// Returns the complete update transaction of this record's state, which spends the state output `older`. Returns
    /// `None` if that output is not of an older state.
    pub(super) fn override_output(
        &self,
        form: Form,
        older: &StateOutput,
    ) -> Result<Option<Step>, ChannelError> {
        if older.state >= self.state {
            return Ok(None);
        }
        let mut step = self.bind(form, "newest update", (older.found.coin, &older.out), Some(older.state))?;
        step.prevouts = vec![older.found.out.clone()];
        Ok(Some(step))
    }
}

/// The state output of a confirmed update transaction, which a newer update or the settlement of the same state can
/// spend.
pub(super) struct StateOutput {
    pub(super) state: u32,
    pub(super) out: TapOutput,
    pub(super) found: Found,
}

/// Returns the state number that a confirmed update transaction encodes, and the hash of its settlement leaf. `input`
/// is the index of the input that spends the channel's output. The caller finds this input by its outpoint, since
/// anyone can add inputs to an update that is signed with ANYPREVOUTANYSCRIPT.
fn published_state(form: Form, tx: &Transaction, input: usize) -> Option<(u32, [u8; 32])> {
    let witness: Vec<&[u8]> = tx.input.get(input)?.witness.iter().collect();
    let state = match form.is_override() {
        true => {
            u32::try_from(sigstack_interpreter::script_num::decode(witness.get(1)?, 4, true).ok()?).ok()?
        }
        false => tx.lock_time.to_consensus_u32().checked_sub(NUMBER_BASE)?,
    };
    let hash: [u8; 32] = match form {
        _ if form.annex() => witness.last()?.split_first()?.1.try_into().ok()?,
        _ if form.op_return() => tx.output.last()?.script_pubkey.as_bytes().get(2..)?.try_into().ok()?,
        Form::PairCommit => (*witness.get(1)?).try_into().ok()?,
        _ => (*witness.get(2)?).try_into().ok()?,
    };
    Some((state, settle_hash(form, &hash)))
}

/// Returns the hash of the settlement leaf. `published` is the hash that the update transaction publishes. With
/// PAIRCOMMIT this is the template hash, from which the leaf is built.
pub(super) fn settle_hash(form: Form, published: &[u8; 32]) -> [u8; 32] {
    match form {
        Form::PairCommit | Form::OverridePairCommit => leaf_hash(TAPSCRIPT, &leaves::template_ctv(published)),
        _ => *published,
    }
}

pub(super) fn annex(settle_hash: &[u8; 32]) -> Vec<u8> {
    [&[0x50][..], settle_hash].concat()
}

/// Builds the update transaction of a state, without a witness. The outpoint of its input is not set.
pub(super) fn update_tx(
    form: Form,
    key: [u8; 32],
    capacity: u64,
    state: u32,
    settle_hash: &[u8; 32],
) -> Result<Transaction, ChannelError> {
    let update = form.update_leaf(&key, Some(state));
    let out = TapOutput::new(key, vec![(1, Leaf::Script(update)), (1, Leaf::Hidden(*settle_hash))])?;
    let mut outputs = vec![output(0, p2a()), output(capacity, out.script_pubkey())];
    if form.op_return() {
        outputs.push(output(0, op_return(settle_hash)));
    }
    let lock_time = if form.is_override() { 0 } else { NUMBER_BASE.saturating_add(state) };
    Ok(transaction(3, lock_time, vec![input(OutPoint::null(), SEQUENCE_FREE)], outputs))
}
