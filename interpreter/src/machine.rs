//! What an opcode may touch.

use crate::condition::Conditions;
use crate::error::ScriptError;
use crate::flags::Flags;
use crate::host::{Host, KeyVersion, TaprootMessage, TapscriptMessage};
use crate::inspector::Event;
use crate::limits::VALIDATION_WEIGHT_OFFSET;
use crate::proposals::Proposal;
use crate::sighash::{EcdsaMidstates, TaprootDigests};
use crate::stack::Stack;

/// The rules that a script runs under, by what it is part of.
#[derive(Clone, Debug)]
pub enum Context {
    /// A scriptSig, scriptPubKey or redeem script.
    Legacy,
    /// The script of a segwit v0 program (BIP 141).
    WitnessV0,
    /// A tapscript (BIP 342).
    Tapscript(Tapscript),
}

/// What a tapscript knows of its spend.
#[derive(Clone, Debug)]
pub struct Tapscript {
    /// The tapleaf hash (BIP 341).
    pub leaf_hash: [u8; 32],
    /// The internal key in the control block that is spent with.
    pub internal_key: [u8; 32],
    /// SHA-256 of the annex with its compact size, if there is one.
    pub annex_hash: Option<[u8; 32]>,
    /// The validation weight that is left for signature checks, in weight units.
    pub validation_weight_left: i64,
    /// The opcode position of the last executed `OP_CODESEPARATOR`, `0xffff_ffff` before the first.
    pub code_separator_position: u32,
}

impl Tapscript {
    /// A tapscript before its first opcode. `witness_size` is the serialized size of the input's whole witness, annex
    /// and compact sizes included, in bytes (BIP 342 "Resource limits").
    pub fn new(
        leaf_hash: [u8; 32],
        internal_key: [u8; 32],
        annex_hash: Option<[u8; 32]>,
        witness_size: usize,
    ) -> Self {
        let witness_size = i64::try_from(witness_size).unwrap_or(i64::MAX - VALIDATION_WEIGHT_OFFSET);
        Tapscript {
            leaf_hash,
            internal_key,
            annex_hash,
            validation_weight_left: VALIDATION_WEIGHT_OFFSET.saturating_add(witness_size),
            code_separator_position: u32::MAX,
        }
    }

    /// What signatures of a key of this version commit to at this point of the script.
    pub fn message(&self, key_version: KeyVersion) -> TaprootMessage {
        TaprootMessage {
            annex_hash: self.annex_hash,
            tapscript: Some(TapscriptMessage {
                key_version,
                leaf_hash: self.leaf_hash,
                code_separator_position: self.code_separator_position,
            }),
        }
    }
}

/// The state of a running script.
pub struct Machine<'a> {
    pub(crate) stack: &'a mut Stack,
    pub(crate) conditions: Conditions,
    pub(crate) script: &'a [u8],
    pub(crate) flags: Flags,
    pub(crate) context: Context,
    pub(crate) host: &'a mut dyn Host,
    /// The position of the instruction that is executed, counted in opcodes.
    pub(crate) position: u32,
    /// Where the next instruction starts, in bytes.
    pub(crate) next_offset: usize,
    /// Where the script code that signatures commit to starts, in bytes.
    pub(crate) code_start: usize,
    /// Opcodes so far that count toward [`crate::limits::MAX_OPS_PER_SCRIPT`].
    pub(crate) op_count: usize,
    /// Midstates of the script code that begins at `code_start`.
    pub(crate) midstates: EcdsaMidstates,
    /// The digests that a tapscript has signed since `code_start`. They stay out of [`Tapscript`], which is moved about.
    pub(crate) digests: TaprootDigests,
    /// What happened in the instruction; collected only for an inspector.
    pub(crate) events: Option<Vec<Event>>,
}

impl<'a> Machine<'a> {
    /// A script before its first opcode.
    pub(crate) fn new(
        stack: &'a mut Stack,
        script: &'a [u8],
        context: Context,
        flags: Flags,
        host: &'a mut dyn Host,
    ) -> Machine<'a> {
        Machine {
            stack,
            conditions: Conditions::default(),
            script,
            flags,
            context,
            host,
            position: 0,
            next_offset: 0,
            code_start: 0,
            op_count: 0,
            midstates: EcdsaMidstates::default(),
            digests: TaprootDigests::default(),
            events: None,
        }
    }

    /// The stacks.
    pub fn stack(&self) -> &Stack {
        self.stack
    }

    /// The open IF branches.
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// The whole script.
    pub fn script(&self) -> &[u8] {
        self.script
    }

    /// The flags that it runs under.
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// The rules that it runs under.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The opcode position of the current instruction, from 0.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// Where the script code that signatures commit to starts, in bytes: after the last executed `OP_CODESEPARATOR`.
    pub fn code_start(&self) -> usize {
        self.code_start
    }

    /// Opcodes so far that count toward the limit of 201; a multisig counts its keys too.
    pub fn op_count(&self) -> usize {
        self.op_count
    }

    /// Whether opcodes are executed here, or passed over in a branch that is not taken.
    pub fn is_executing(&self) -> bool {
        self.conditions.all_true()
    }

    /// The tapscript that runs, if the opcode of a proposal has a meaning in it.
    ///
    /// # Errors
    ///
    /// [`ScriptError::BadOpcode`] in other scripts, where the opcode has no meaning, and while the proposal is not active:
    /// then the scan for `OP_SUCCESSx` has not let the script come here.
    pub(crate) fn tapscript_with(&mut self, proposal: &Proposal) -> Result<&mut Tapscript, ScriptError> {
        match &mut self.context {
            Context::Tapscript(tapscript) if self.flags.contains(proposal.flag) => Ok(tapscript),
            _ => Err(ScriptError::BadOpcode),
        }
    }

    /// Tells the inspector, if there is one.
    pub(crate) fn record(&mut self, event: impl FnOnce() -> Event) {
        if let Some(events) = &mut self.events {
            events.push(event());
        }
    }

    /// Whether pushes and numbers must be minimal.
    #[inline]
    pub(crate) fn minimal(&self) -> bool {
        self.flags.contains(Flags::MINIMALDATA)
    }

    /// The number at a depth, at most four bytes long.
    #[inline]
    pub(crate) fn number(&self, depth: usize) -> Result<i64, ScriptError> {
        self.stack.number(depth, crate::limits::MAX_NUM_SIZE, self.minimal())
    }
}
