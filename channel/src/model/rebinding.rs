//! Updates that bind to any older state: the forms, what they publish, and the record from which the newest is bound.

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

/// Which opcodes bind and number the updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// ANYPREVOUTANYSCRIPT signatures; the settlement leaf's hash in the annex.
    AnyPrevOut,
    /// CTV and CSFS; the leaf's hash in an OP_RETURN.
    CtvCsfs,
    /// CTV, CSFS and INTERNALKEY; the leaf's hash in an OP_RETURN.
    CtvCsfsInternalKey,
    /// CTV, CSFS, INTERNALKEY and PAIRCOMMIT; the settlement's hash in the witness, forced by the signature.
    PairCommit,
    /// TEMPLATEHASH, CSFS and INTERNALKEY; the leaf's hash in the annex.
    TemplateHash,
    /// Explicit numbers with PAIRCOMMIT: nLockTime stays free.
    OverridePairCommit,
    /// Explicit numbers with TEMPLATEHASH and CAT; the leaf's hash in the annex.
    OverrideTemplateHash,
}

impl Form {
    /// All of them.
    pub const ALL: [Form; 7] = [
        Form::AnyPrevOut,
        Form::CtvCsfs,
        Form::CtvCsfsInternalKey,
        Form::PairCommit,
        Form::TemplateHash,
        Form::OverridePairCommit,
        Form::OverrideTemplateHash,
    ];

    /// What a reader calls it.
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

    /// The proposals that it needs.
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

    /// Whether numbers are explicit, and nLockTime is free.
    pub const fn is_override(self) -> bool {
        matches!(self, Form::OverridePairCommit | Form::OverrideTemplateHash)
    }

    /// Whether the settlement leaf's hash is published in the annex.
    pub const fn annex(self) -> bool {
        matches!(self, Form::AnyPrevOut | Form::TemplateHash | Form::OverrideTemplateHash)
    }

    pub(super) const fn op_return(self) -> bool {
        matches!(self, Form::CtvCsfs | Form::CtvCsfsInternalKey)
    }

    /// The leaf that lets only this settlement spend a state output.
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

    /// The leaf that an update spends. States count from 1 here; the funding output has no number.
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

/// What rebinds: enough to spend any older state, whatever is on the chain. This is what a tower keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebinding {
    /// The funding output, which a tower watches.
    pub funding: OutPoint,
    /// P.
    pub internal_key: [u8; 32],
    /// Satoshi in the state output.
    pub capacity: u64,
    /// The newest state, from 1.
    pub state: u32,
    /// The signature of its update.
    pub signature: [u8; 64],
    /// What is published of its settlement: the leaf's hash, or with PAIRCOMMIT the template's.
    pub published: [u8; 32],
}

impl Rebinding {
    /// Bytes of a tower's record.
    pub const SIZE: usize = HEAD + 36 + 32 + 8 + 4 + 64 + 32;

    /// The head, 36 + 32 + 8 bytes that never change, then 4 + 64 + 32 that are replaced.
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

    /// Reads what [`Rebinding::to_bytes`] wrote, and verifies it. Returns what follows too.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if the record is cut off or not of this kind, [`ChannelError::Key`] if its key is not on the curve,
    /// [`ChannelError::Refused`] if the signature is not that of the state's update in this form.
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

    /// What all sign of the record's state.
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

    /// The funding output.
    pub(super) fn funding_output(&self, form: Form) -> Result<TapOutput, ChannelError> {
        TapOutput::new(self.internal_key, vec![(0, Leaf::Script(form.update_leaf(&self.internal_key, None)))])
    }

    pub(super) fn settle_hash(&self, form: Form) -> [u8; 32] {
        settle_hash(form, &self.published)
    }

    /// The update transaction of the newest state, unbound.
    pub(super) fn update(&self, form: Form) -> Result<Transaction, ChannelError> {
        update_tx(form, self.internal_key, self.capacity, self.state, &self.settle_hash(form))
    }

    /// The newest update on top of an output: the funding output or an older state.
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

    /// The state output of an update whose input with this index spends the funding output or another state output; none if the
    /// transaction is no update.
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

    /// The latest update on top of an older state's; none if that is not older.
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

/// A state output on the chain.
pub(super) struct StateOutput {
    pub(super) state: u32,
    pub(super) out: TapOutput,
    pub(super) found: Found,
}

/// The state that an update on the chain shows, and the hash of its settlement leaf. Which input is the channel's only the outpoint
/// says: where the update is signed with ANYPREVOUTANYSCRIPT, anyone can add inputs.
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

/// With PAIRCOMMIT the template is published, and its leaf follows.
pub(super) fn settle_hash(form: Form, published: &[u8; 32]) -> [u8; 32] {
    match form {
        Form::PairCommit | Form::OverridePairCommit => leaf_hash(TAPSCRIPT, &leaves::template_ctv(published)),
        _ => *published,
    }
}

pub(super) fn annex(settle_hash: &[u8; 32]) -> Vec<u8> {
    [&[0x50][..], settle_hash].concat()
}

/// The update transaction of a state, its input left open.
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
