//! LN-Symmetry and the override form: the newest state may spend any older one.
//!
//! An update transaction is signed so that it binds to the funding output or to any state output before it; the script of a state
//! output lets only higher numbers spend it. After a delay the settlement pays the balances. No penalty, any number of parties.

use bitcoin::{OutPoint, Transaction, TxOut, Txid, hashes::Hash as _};
use sigstack_interpreter::{Flags, taproot::leaf_hash};

use super::{Construction, Content, Facts, Setup, Step, TowerTerms, UpdateCost};
use crate::error::ChannelError;
use crate::keys::{generator_keypair, sha256, sign_schnorr, x_only};
use crate::scripts::{self, NUMBER_BASE};
use crate::sign::{self, ALL_ANYPREVOUTANYSCRIPT, with_hash_type};
use crate::taproot::{Leaf, TAPSCRIPT, TapOutput};
use crate::tx::{SEQUENCE_FREE, input, op_return, outpoint, output, p2a, set_witness, transaction};

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

    const fn op_return(self) -> bool {
        matches!(self, Form::CtvCsfs | Form::CtvCsfsInternalKey)
    }

    /// The leaf that an update spends. States count from 1 here; the funding output has no number.
    fn update_leaf(self, key: &[u8; 32], state: Option<u32>) -> Vec<u8> {
        let next = state.map(|state| state.saturating_add(1));
        match self {
            Form::AnyPrevOut => scripts::update_apo(next),
            Form::CtvCsfs => scripts::update_ctv(key, next),
            Form::CtvCsfsInternalKey => scripts::update_ctv_internal_key(next),
            Form::PairCommit => scripts::update_pair_commit(next),
            Form::TemplateHash => scripts::update_templatehash(next),
            Form::OverridePairCommit => scripts::override_pair_commit(state.unwrap_or_default()),
            Form::OverrideTemplateHash => scripts::override_templatehash(state.unwrap_or_default()),
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
    /// Bytes of a record.
    pub const SIZE: usize = 36 + 32 + 8 + 4 + 64 + 32;

    /// 36 + 32 + 8 bytes that never change, then 4 + 64 + 32 that are replaced.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = crate::tx::outpoint_bytes(&self.funding).to_vec();
        bytes.extend_from_slice(&self.internal_key);
        bytes.extend_from_slice(&self.capacity.to_le_bytes());
        bytes.extend_from_slice(&self.state.to_le_bytes());
        bytes.extend_from_slice(&self.signature);
        bytes.extend_from_slice(&self.published);
        bytes
    }

    /// Reads what [`Rebinding::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if it has another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Rebinding, ChannelError> {
        let read = || {
            let (txid, rest) = bytes.split_first_chunk::<32>()?;
            let (vout, rest) = rest.split_first_chunk()?;
            let (internal_key, rest) = rest.split_first_chunk()?;
            let (capacity, rest) = rest.split_first_chunk()?;
            let (state, rest) = rest.split_first_chunk()?;
            let (signature, rest) = rest.split_first_chunk()?;
            Some(Rebinding {
                funding: OutPoint { txid: Txid::from_byte_array(*txid), vout: u32::from_le_bytes(*vout) },
                internal_key: *internal_key,
                capacity: u64::from_le_bytes(*capacity),
                state: u32::from_le_bytes(*state),
                signature: *signature,
                published: rest.try_into().ok()?,
            })
        };
        let damaged = || ChannelError::encoding(format!("a rebinding record has {} bytes", Rebinding::SIZE));
        read().ok_or_else(damaged)
    }

    fn settle_hash(&self, form: Form) -> [u8; 32] {
        settle_hash(form, &self.published)
    }

    /// The update transaction of the newest state, unbound.
    fn update(&self, form: Form) -> Result<Transaction, ChannelError> {
        update_tx(form, self.internal_key, self.capacity, self.state, &self.settle_hash(form))
    }

    /// The newest update on top of an output: the funding output or an older state.
    fn bind(
        &self,
        form: Form,
        label: &'static str,
        spent: (OutPoint, &TapOutput),
        state: Option<u32>,
    ) -> Result<Step, ChannelError> {
        let mut tx = self.update(form)?;
        if let Some(first) = tx.input.first_mut() {
            first.previous_output = spent.0;
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
                scripts::number_bytes(self.state),
                self.published.to_vec(),
                sign::check_template(&tx)?.to_vec(),
            ],
            Form::OverrideTemplateHash => vec![self.signature.to_vec(), scripts::number_bytes(self.state)],
        };
        let leaf = form.update_leaf(&self.internal_key, state);
        let mut witness = spent.1.witness(&leaf, stack)?;
        if form.annex() {
            witness.push(annex(&self.settle_hash(form)));
        }
        set_witness(&mut tx, 0, &witness);
        Ok(Step { label, tx, prevouts: vec![output(self.capacity, spent.1.script_pubkey())] })
    }

    /// The newest update on top of an older state that is on the chain; none if that is not older.
    pub(super) fn override_state(
        &self,
        form: Form,
        published: &Transaction,
    ) -> Result<Option<Step>, ChannelError> {
        let Some(seen) = PublishedState::read(form, published) else { return Ok(None) };
        if seen.state >= self.state {
            return Ok(None);
        }
        let update = form.update_leaf(&self.internal_key, Some(seen.state));
        let leaves = vec![(1, Leaf::Script(update)), (1, Leaf::Hidden(seen.settle_hash))];
        let out = TapOutput::new(self.internal_key, leaves)?;
        if published.output.get(1).is_none_or(|other| other.script_pubkey != out.script_pubkey()) {
            return Ok(None);
        }
        self.bind(form, "newest update", (outpoint(published, 1), &out), Some(seen.state)).map(Some)
    }
}

/// What an update transaction on the chain shows.
struct PublishedState {
    state: u32,
    settle_hash: [u8; 32],
}

impl PublishedState {
    fn read(form: Form, tx: &Transaction) -> Option<PublishedState> {
        let witness: Vec<&[u8]> = tx.input.first()?.witness.iter().collect();
        let state = match form.is_override() {
            true => u32::try_from(sigstack_interpreter::script_num::decode(witness.get(1)?, 4, true).ok()?)
                .ok()?,
            false => tx.lock_time.to_consensus_u32().checked_sub(NUMBER_BASE)?,
        };
        let hash: [u8; 32] = match form {
            _ if form.annex() => witness.last()?.split_first()?.1.try_into().ok()?,
            _ if form.op_return() => tx.output.last()?.script_pubkey.as_bytes().get(2..)?.try_into().ok()?,
            Form::PairCommit => (*witness.get(1)?).try_into().ok()?,
            _ => (*witness.get(2)?).try_into().ok()?,
        };
        Some(PublishedState { state, settle_hash: settle_hash(form, &hash) })
    }
}

/// With PAIRCOMMIT the template is published, and its leaf follows.
fn settle_hash(form: Form, published: &[u8; 32]) -> [u8; 32] {
    match form {
        Form::PairCommit | Form::OverridePairCommit => {
            leaf_hash(TAPSCRIPT, &scripts::template_ctv(published))
        }
        _ => *published,
    }
}

fn annex(settle_hash: &[u8; 32]) -> Vec<u8> {
    [&[0x50][..], settle_hash].concat()
}

/// The update transaction of a state, its input left open.
fn update_tx(
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

/// A channel where the newest state overrides.
pub struct Symmetry {
    setup: Setup,
    form: Form,
    funding: TapOutput,
    funding_output: TxOut,
    history: Vec<Content>,
    newest: Rebinding,
}

impl Symmetry {
    /// A channel in one of the forms, for any number of parties.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the content is wrong.
    pub fn new(setup: Setup, form: Form, first: Content) -> Result<Symmetry, ChannelError> {
        first.check(setup.capacity, setup.parties.len())?;
        let key = setup.internal_key();
        let funding = setup.joint_output(vec![(0, Leaf::Script(form.update_leaf(&key, None)))])?;
        let funding_output = output(setup.capacity, funding.script_pubkey());
        let newest = Rebinding {
            funding: OutPoint::null(),
            internal_key: key,
            capacity: setup.capacity,
            state: 0,
            signature: [0; 64],
            published: [0; 32],
        };
        Ok(Symmetry { setup, form, funding, funding_output, history: vec![first], newest })
    }

    /// The settlement transaction of a content, its input left open.
    fn settlement(&self, content: &Content) -> Result<Transaction, ChannelError> {
        let outputs = self.setup.settlement_outputs(content)?;
        Ok(transaction(3, 0, vec![input(OutPoint::null(), self.setup.delay.into())], outputs))
    }

    /// The settlement leaf of a content, and what is published of it.
    fn settle_leaf(&self, content: &Content) -> Result<(Vec<u8>, [u8; 32]), ChannelError> {
        let tx = self.settlement(content)?;
        let leaf = match self.form {
            Form::AnyPrevOut => {
                let generator = generator_keypair()?;
                let nothing = [output(0, bitcoin::ScriptBuf::new())];
                let digest = sign::script_path(&tx, &nothing, 0, &[], ALL_ANYPREVOUTANYSCRIPT, true, None)?;
                let signature = with_hash_type(sign_schnorr(&generator, &digest), ALL_ANYPREVOUTANYSCRIPT);
                scripts::template_signature(&signature, &x_only(&generator))
            }
            Form::TemplateHash | Form::OverrideTemplateHash => {
                scripts::template_templatehash(&sign::template_hash(&tx, None)?)
            }
            _ => scripts::template_ctv(&sign::check_template(&tx)?),
        };
        let published = match self.form {
            Form::PairCommit | Form::OverridePairCommit => sign::check_template(&tx)?,
            _ => leaf_hash(TAPSCRIPT, &leaf),
        };
        Ok((leaf, published))
    }

    /// What all sign of a state, from 1.
    fn message(&self, state: u32, published: &[u8; 32]) -> Result<[u8; 32], ChannelError> {
        let settle = settle_hash(self.form, published);
        let tx = update_tx(self.form, self.newest.internal_key, self.setup.capacity, state, &settle)?;
        let annex = annex(&settle);
        match self.form {
            Form::AnyPrevOut => {
                let nothing = [output(0, bitcoin::ScriptBuf::new())];
                sign::script_path(&tx, &nothing, 0, &[], ALL_ANYPREVOUTANYSCRIPT, true, Some(&annex))
            }
            Form::CtvCsfs | Form::CtvCsfsInternalKey => sign::check_template(&tx),
            Form::PairCommit => Ok(scripts::pair_commit(published, &sign::check_template(&tx)?)),
            Form::TemplateHash => sign::template_hash(&tx, Some(&annex)),
            Form::OverridePairCommit => {
                let templates = scripts::pair_commit(published, &sign::check_template(&tx)?);
                Ok(scripts::pair_commit(&scripts::number_bytes(state), &templates))
            }
            Form::OverrideTemplateHash => {
                let hash = sign::template_hash(&tx, Some(&annex))?;
                Ok(sha256(&[&scripts::number_bytes(state)[..], &hash].concat()))
            }
        }
    }

    fn rebinding(&self, number: u32) -> Result<Rebinding, ChannelError> {
        let content = self.state(number)?;
        let state = number.saturating_add(1);
        let (_, published) = self.settle_leaf(content)?;
        let message = self.message(state, &published)?;
        let signature = self.setup.sign_jointly(None, state, "update", &message)?;
        Ok(Rebinding { funding: self.setup.funding, state, signature, published, ..self.newest.clone() })
    }

    fn state(&self, number: u32) -> Result<&Content, ChannelError> {
        let missing = || ChannelError::refused(format!("there is no state {number}"));
        usize::try_from(number).ok().and_then(|number| self.history.get(number)).ok_or_else(missing)
    }

    /// The settlement of a state on top of its update.
    fn settle(&self, number: u32, content: &Content, update: &Transaction) -> Result<Step, ChannelError> {
        let (leaf, _) = self.settle_leaf(content)?;
        let update_leaf = self.form.update_leaf(&self.newest.internal_key, Some(number.saturating_add(1)));
        let out =
            self.setup.joint_output(vec![(1, Leaf::Script(update_leaf)), (1, Leaf::Script(leaf.clone()))])?;
        let mut tx = self.settlement(content)?;
        if let Some(first) = tx.input.first_mut() {
            first.previous_output = outpoint(update, 1);
        }
        set_witness(&mut tx, 0, &out.witness(&leaf, vec![])?);
        let prevouts = vec![output(self.setup.capacity, out.script_pubkey())];
        Ok(Step { label: "settlement", tx, prevouts })
    }

    /// The update of a state on top of an older one that is on the chain; none if that is not older.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if there is no such state.
    pub fn rebind(&self, number: u32, published: &Transaction) -> Result<Option<Step>, ChannelError> {
        self.rebinding(number)?.override_state(self.form, published)
    }
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

    fn funding_output(&self) -> &TxOut {
        &self.funding_output
    }

    fn open(&mut self, funding: OutPoint) -> Result<(), ChannelError> {
        self.setup.funding = funding;
        self.newest = self.rebinding(self.number())?;
        Ok(())
    }

    fn number(&self) -> u32 {
        u32::try_from(self.history.len()).unwrap_or(u32::MAX).saturating_sub(1)
    }

    fn content(&self) -> &Content {
        static NOTHING: Content = Content { balances: Vec::new(), htlcs: Vec::new() };
        self.history.last().unwrap_or(&NOTHING)
    }

    fn update(&mut self, content: Content) -> Result<UpdateCost, ChannelError> {
        content.check(self.setup.capacity, self.setup.parties.len())?;
        self.history.push(content);
        match self.rebinding(self.number()) {
            Ok(newest) => self.newest = newest,
            Err(error) => {
                self.history.pop();
                return Err(error);
            }
        }
        Ok(UpdateCost { signatures: self.setup.parties.len(), secrets: 0 })
    }

    fn agree(&mut self, content: Content) -> Result<(), ChannelError> {
        content.check(self.setup.capacity, self.setup.parties.len())?;
        self.history.push(content);
        Ok(())
    }

    fn cooperative_close(&self) -> Result<Step, ChannelError> {
        self.setup.cooperative_close(&self.funding, self.content())
    }

    fn close(&self, _by: usize, number: u32) -> Result<Vec<Step>, ChannelError> {
        let record = self.rebinding(number)?;
        let update = record.bind(self.form, "update", (self.setup.funding, &self.funding), None)?;
        let settle = self.settle(number, self.state(number)?, &update.tx)?;
        Ok(vec![update, settle])
    }

    fn contest(&self, victim: usize, published: &Transaction) -> Result<Option<Vec<Step>>, ChannelError> {
        let bytes = self.client_bytes(victim);
        let damaged =
            || ChannelError::encoding(format!("a client's record begins with {} bytes", Rebinding::SIZE));
        let (record, content) = bytes.split_at_checked(Rebinding::SIZE).ok_or_else(damaged)?;
        let content = Content::from_bytes(content)?;
        let record = Rebinding::from_bytes(record)?;
        let Some(update) = record.override_state(self.form, published)? else { return Ok(None) };
        let settle = self.settle(record.state.saturating_sub(1), &content, &update.tx)?;
        Ok(Some(vec![update, settle]))
    }

    /// A tower publishes the update alone: the owner can settle later.
    fn tower_terms(&self) -> Option<TowerTerms> {
        Some(TowerTerms::Symmetry(self.form))
    }

    /// The rebinding record and the content.
    fn client_bytes(&self, _party: usize) -> Vec<u8> {
        [self.newest.to_bytes(), self.content().to_bytes()].concat()
    }

    fn tower_bytes(&self, _client: usize) -> Vec<u8> {
        self.newest.to_bytes()
    }
}
