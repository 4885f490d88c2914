//! A model of tapscripts that use a few opcodes. It works on vectors of bytes and uses the naive signature hashes.
//!
//! The code of each opcode follows the text of its BIP, in the same order. The BIPs do not define which uses policy
//! refuses. The model follows the project's decision in `docs/soft-forks.md`.

use std::sync::LazyLock;

use sigstack_interpreter::{Activation, Flags, Opcode, PROPOSALS, Proposal, ProposalId, ScriptError};

use crate::naive::{self, bip340, taproot::Leaf};
use crate::spend::Subject;

const OP_0: u8 = 0x00;
const OP_1: u8 = 0x51;
const OP_DROP: u8 = 0x75;
const OP_DUP: u8 = 0x76;
const OP_SWAP: u8 = 0x7c;
const OP_SHA256: u8 = 0xa8;
const OP_CODESEPARATOR: u8 = 0xab;
const OP_CHECKSIG: u8 = 0xac;
const OP_CHECKSIGVERIFY: u8 = 0xad;
const OP_CHECKSIGADD: u8 = 0xba;

/// Existing opcodes of tapscript that the model supports.
const TODAY: [u8; 10] = [
    OP_CHECKSIG,
    OP_CHECKSIGADD,
    OP_CHECKSIGVERIFY,
    OP_CODESEPARATOR,
    OP_0,
    OP_1,
    OP_DROP,
    OP_DUP,
    OP_SWAP,
    OP_SHA256,
];

/// All opcodes that the model supports: those of the proposals, then some existing ones.
pub static OPCODES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let of_proposals = PROPOSALS.iter().filter_map(|proposal| proposal.hook.opcode());
    of_proposals.map(|opcode| opcode.0).chain(TODAY).collect()
});

/// Result of executing a script in the model of tapscripts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The tapscript succeeded because of an `OP_SUCCESSx`.
    Success,
    /// The tapscript failed with this script error.
    Failed(ScriptError),
    /// The tapscript ran to its end and left this stack, bottom element first.
    Stack(Vec<Vec<u8>>),
}

/// State of the model of tapscripts: a script, its stack, and the transaction input that it belongs to.
pub struct Model<'a> {
    subject: &'a Subject,
    flags: Flags,
    state: Box<dyn Fn(&Proposal) -> Activation + 'a>,
    script: Vec<u8>,
    internal_key: [u8; 32],
    leaf_hash: [u8; 32],
    annex: Option<Vec<u8>>,
    stack: Vec<Vec<u8>>,
    /// Remaining signature operation budget (BIP 342). The initial budget is 50 plus the size of the witness.
    budget: i64,
    code_separator: u32,
}

type Step = Result<(), ScriptError>;

/// Returns whether a stack element is true: it has a set bit other than the sign bit, which is the highest bit of the
/// last byte.
pub fn is_true(element: &[u8]) -> bool {
    let Some((last, rest)) = element.split_last() else { return false };
    rest.iter().any(|byte| *byte != 0) || !matches!(last, 0 | 0x80)
}

impl<'a> Model<'a> {
    /// Creates a model of the taproot script path spend in `subject`. The commitment to the script is not verified.
    pub fn new(
        subject: &'a Subject,
        flags: Flags,
        state: impl Fn(&Proposal) -> Activation + 'a,
    ) -> Model<'a> {
        let witness = &subject.tx.input[subject.index].witness;
        let mut stack = witness.to_vec();
        let has_annex = stack.len() >= 2 && stack.last().is_some_and(|last| last.first() == Some(&0x50));
        let annex = if has_annex { stack.pop() } else { None };
        let control = stack.pop().expect("a control block");
        let script = stack.pop().expect("a script");
        let leaf_hash = naive::tagged("TapLeaf", &[vec![control[0] & 0xfe], naive::sized(&script)].concat());
        // Size of the serialized witness: the number of elements, and each element with its length.
        let size: usize = witness.iter().map(|element| naive::sized(element).len()).sum();
        let size = size + naive::compact_size(witness.len()).len();
        Model {
            subject,
            flags,
            state: Box::new(state),
            script,
            internal_key: control[1..33].try_into().expect("32 bytes"),
            leaf_hash,
            annex,
            stack,
            budget: 50 + size as i64,
            code_separator: u32::MAX,
        }
    }

    /// Executes the tapscript in the model and returns how it ended.
    pub fn run(mut self) -> Ended {
        for opcode in self.script.clone() {
            let Some(proposal) = Proposal::of_success_opcode(Opcode(opcode)) else { continue };
            match (self.state)(proposal) {
                Activation::Active => {}
                Activation::Discouraged => {
                    return Ended::Failed(proposal.discouraged_error.expect("an opcode's proposal"));
                }
                Activation::Inactive => return Ended::Success,
            }
        }
        if self.stack.len() > 1000 {
            return Ended::Failed(ScriptError::StackSize);
        }
        if self.stack.iter().any(|element| element.len() > 520) {
            return Ended::Failed(ScriptError::PushSize);
        }
        for (position, opcode) in self.script.clone().into_iter().enumerate() {
            if let Err(error) = self.step(position as u32, opcode) {
                return Ended::Failed(error);
            }
            if self.stack.len() > 1000 {
                return Ended::Failed(ScriptError::StackSize);
            }
        }
        Ended::Stack(self.stack)
    }

    fn step(&mut self, position: u32, opcode: u8) -> Step {
        match opcode {
            OP_0 => self.stack.push(vec![]),
            OP_1 => self.stack.push(vec![1]),
            OP_DROP => drop(self.pop::<1>()?),
            OP_DUP => {
                let [top] = self.pop()?;
                self.stack.extend([top.clone(), top]);
            }
            OP_SWAP => {
                let [below, top] = self.pop()?;
                self.stack.extend([top, below]);
            }
            OP_SHA256 => {
                let [top] = self.pop()?;
                self.stack.push(naive::sha(&top).to_vec());
            }
            OP_CODESEPARATOR => self.code_separator = position,
            OP_CHECKSIG => {
                let [signature, key] = self.pop()?;
                let valid = self.check_signature(&signature, &key)?;
                self.stack.push(if valid { vec![1] } else { vec![] });
            }
            OP_CHECKSIGVERIFY => {
                let [signature, key] = self.pop()?;
                if !self.check_signature(&signature, &key)? {
                    return Err(ScriptError::CheckSigVerify);
                }
            }
            OP_CHECKSIGADD => {
                let [signature, number, key] = self.pop()?;
                let number = self.number(&number)?;
                let valid = self.check_signature(&signature, &key)?;
                self.stack.push(number_bytes(number + i64::from(valid)));
            }
            _ => match Proposal::of_opcode(Opcode(opcode)) {
                Some(proposal) => self.proposed(proposal.id)?,
                None => unreachable!("not an opcode of the model: {opcode:x}"),
            },
        }
        Ok(())
    }

    /// Executes the opcode that a proposal adds.
    fn proposed(&mut self, proposal: ProposalId) -> Step {
        match proposal {
            ProposalId::CHECKTEMPLATEVERIFY => self.check_template()?,
            ProposalId::OP_CAT => {
                let [x1, x2] = self.pop()?;
                if x1.len() + x2.len() > 520 {
                    return Err(ScriptError::PushSize);
                }
                self.stack.push([x1, x2].concat());
            }
            ProposalId::INTERNALKEY => self.stack.push(self.internal_key.to_vec()),
            ProposalId::PAIRCOMMIT => {
                let [x1, x2] = self.pop()?;
                self.stack.push(naive::pair_commit(&x1, &x2).to_vec());
            }
            ProposalId::TEMPLATEHASH => {
                let Subject { tx, index, .. } = self.subject;
                self.stack.push(naive::template_hash(tx, *index, self.annex.as_deref()).to_vec());
            }
            ProposalId::CHECKSIGFROMSTACK => self.check_signature_from_stack()?,
            ProposalId::ANYPREVOUT | ProposalId::LEGACY_SIGOPS_LIMIT | ProposalId::FORBID_64_BYTE_TX => {
                unreachable!("no opcode: {proposal:?}")
            }
        }
        Ok(())
    }

    /// Removes the top `N` elements from the stack and returns them. The last of the returned elements was the top of
    /// the stack.
    fn pop<const N: usize>(&mut self) -> Result<[Vec<u8>; N], ScriptError> {
        let start = self.stack.len().checked_sub(N).ok_or(ScriptError::InvalidStackOperation)?;
        let taken: Vec<Vec<u8>> = self.stack.drain(start..).collect();
        Ok(taken.try_into().expect("so many were taken"))
    }

    /// Decodes a script number of at most four bytes. Fails if it is longer, or if the flags require minimal encoding
    /// and it is not minimal.
    fn number(&self, bytes: &[u8]) -> Result<i64, ScriptError> {
        if bytes.len() > 4 {
            return Err(ScriptError::ScriptNum);
        }
        let Some((last, _)) = bytes.split_last() else { return Ok(0) };
        let magnitude = bytes.iter().rev().fold(0, |number, byte| number << 8 | i64::from(*byte));
        let sign = 0x80 << (8 * (bytes.len() - 1));
        let number = if last & 0x80 == 0 { magnitude } else { -(magnitude - sign) };
        if self.flags.contains(Flags::MINIMALDATA) && number_bytes(number) != bytes {
            return Err(ScriptError::ScriptNum);
        }
        Ok(number)
    }

    fn spend_budget(&mut self) -> Step {
        self.budget -= 50;
        if self.budget < 0 { Err(ScriptError::TapscriptValidationWeight) } else { Ok(()) }
    }

    /// Verifies a signature of the transaction and returns whether it is valid. Follows BIP 342 "Rules for signature
    /// opcodes", with the additional rule of BIP 118.
    fn check_signature(&mut self, signature: &[u8], key: &[u8]) -> Result<bool, ScriptError> {
        let signed = !signature.is_empty();
        if signed {
            self.spend_budget()?;
        }
        if key.is_empty() {
            return Err(ScriptError::TapscriptEmptyPubkey);
        }
        let (key, bip118): ([u8; 32], bool) = if let Ok(key) = key.try_into() {
            (key, false)
        } else if *key == [1] || key.len() == 33 && key[0] == 1 {
            match (self.state)(Proposal::ANYPREVOUT) {
                Activation::Inactive => return Ok(signed),
                Activation::Discouraged => return Err(ScriptError::DiscourageAnyPrevOut),
                Activation::Active => {}
            }
            (key[1..].try_into().unwrap_or(self.internal_key), true)
        } else if self.flags.contains(Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE) {
            return Err(ScriptError::DiscourageUpgradablePubkeyType);
        } else {
            return Ok(signed);
        };
        if !signed {
            return Ok(false);
        }
        let (signature, hash_type): (&[u8; 64], u8) = match signature.len() {
            64 => (signature.try_into().expect("64 bytes"), 0),
            65 if signature[64] != 0 => (signature[..64].try_into().expect("64 bytes"), signature[64]),
            65 => return Err(ScriptError::SchnorrSigHashtype),
            _ => return Err(ScriptError::SchnorrSigSize),
        };
        let digest = self.digest(bip118, hash_type).ok_or(ScriptError::SchnorrSigHashtype)?;
        if bip340::verify(&key, &digest, signature) { Ok(true) } else { Err(ScriptError::SchnorrSig) }
    }

    fn digest(&self, bip118: bool, hash_type: u8) -> Option<[u8; 32]> {
        let Subject { tx, prevouts, index } = self.subject;
        let leaf = Leaf { hash: self.leaf_hash, code_separator: self.code_separator };
        let annex = self.annex.as_deref();
        match bip118 {
            true => naive::anyprevout::digest(tx, prevouts, *index, annex, leaf, hash_type),
            false => naive::taproot::digest(tx, prevouts, *index, annex, Some(leaf), hash_type),
        }
    }

    /// Executes OP_CHECKSIGFROMSTACK as in BIP 348 "Specification".
    fn check_signature_from_stack(&mut self) -> Step {
        let [signature, message, key] = self.pop()?;
        if key.is_empty() {
            return Err(ScriptError::TapscriptEmptyPubkey);
        }
        if let Ok(key) = <[u8; 32]>::try_from(key.as_slice()) {
            if !signature.is_empty() {
                let signature = signature.as_slice().try_into().map_err(|_| ScriptError::SchnorrSigSize)?;
                if !bip340::verify(&key, &message, signature) {
                    return Err(ScriptError::SchnorrSig);
                }
            }
        } else if self.flags.contains(Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE) {
            return Err(ScriptError::DiscourageUpgradablePubkeyType);
        }
        if signature.is_empty() {
            self.stack.push(vec![]);
            return Ok(());
        }
        self.spend_budget()?;
        self.stack.push(vec![1]);
        Ok(())
    }

    /// Executes OP_CHECKTEMPLATEVERIFY as in BIP 119 "Detailed Specification".
    fn check_template(&self) -> Step {
        match (self.state)(Proposal::CHECKTEMPLATEVERIFY) {
            Activation::Inactive => return Ok(()),
            Activation::Discouraged => return Err(ScriptError::DiscourageUpgradableNops),
            Activation::Active => {}
        }
        let argument = self.stack.last().ok_or(ScriptError::InvalidStackOperation)?;
        if argument.len() != 32 {
            return match self.flags.contains(Flags::DISCOURAGE_UPGRADABLE_CHECKTEMPLATEVERIFY) {
                true => Err(ScriptError::DiscourageUpgradableNops),
                false => Ok(()),
            };
        }
        let Subject { tx, index, .. } = self.subject;
        match *argument == naive::check_template_hash(tx, *index) {
            true => Ok(()),
            false => Err(ScriptError::TemplateMismatch),
        }
    }
}

/// Returns the shortest encoding of a script number: little-endian, with the highest bit as the sign.
fn number_bytes(number: i64) -> Vec<u8> {
    let mut bytes = vec![];
    let mut rest = number.unsigned_abs();
    while rest > 0 {
        bytes.push(rest as u8);
        rest >>= 8;
    }
    let sign = if number < 0 { 0x80 } else { 0 };
    match bytes.last_mut() {
        Some(last) if *last & 0x80 == 0 => *last |= sign,
        Some(_) => bytes.push(sign),
        None => {}
    }
    bytes
}
