//! State of a running script: the stacks, the open branches, the script's context and its access to the transaction.

use crate::condition::Conditions;
use crate::event::Event;
use crate::flags::Flags;
use crate::host::Host;
use crate::proposals::Proposal;
use crate::script_error::ScriptError;
use crate::sighash::{EcdsaMidstates, TaprootDigests};
use crate::stack::Stack;
use crate::tapscript::Tapscript;

/// The kind of script that runs, which selects the rules that apply.
#[derive(Clone, Debug)]
pub enum Context {
    /// A scriptSig, scriptPubKey or redeem script.
    Legacy,
    /// The script of a segwit v0 program (BIP 141).
    WitnessV0,
    /// A tapscript (BIP 342).
    Tapscript(Tapscript),
}

/// The state of a running script.
pub struct Machine<'a> {
    pub(crate) stack: &'a mut Stack,
    pub(crate) conditions: Conditions,
    pub(crate) script: &'a [u8],
    pub(crate) flags: Flags,
    pub(crate) context: Context,
    pub(crate) host: &'a mut dyn Host,
    /// Opcode position of the instruction that is executed, from 0.
    pub(crate) position: u32,
    /// Byte offset of the next instruction.
    pub(crate) next_offset: usize,
    /// Byte offset at which the script code that signatures commit to starts.
    pub(crate) code_start: usize,
    /// Number of opcodes read so far that count toward [`crate::limits::MAX_OPS_PER_SCRIPT`].
    pub(crate) op_count: usize,
    /// Sighash midstates of the script code that begins at `code_start`.
    pub(crate) midstates: EcdsaMidstates,
    /// Signature hashes computed by a tapscript since the last `OP_CODESEPARATOR`. They are not in [`Tapscript`], to keep
    /// moves of that type cheap.
    pub(crate) digests: TaprootDigests,
    /// Events recorded while the current instruction executed; `None` without an inspector.
    pub(crate) events: Option<Vec<Event>>,
}

impl<'a> Machine<'a> {
    /// Creates the state of a script before its first opcode.
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

    /// Returns the stack and the alt stack.
    pub fn stack(&self) -> &Stack {
        self.stack
    }

    /// Returns the open IF branches.
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// Returns the whole script.
    pub fn script(&self) -> &[u8] {
        self.script
    }

    /// Returns the flags under which the script runs.
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// Returns the kind of script that runs.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Returns the opcode position of the current instruction, from 0.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// Returns the byte offset at which the script code that signatures commit to starts: after the last executed
    /// `OP_CODESEPARATOR`.
    pub fn code_start(&self) -> usize {
        self.code_start
    }

    /// Returns the number of opcodes read so far that count toward the limit of 201. The keys of executed multisigs count
    /// too.
    pub fn op_count(&self) -> usize {
        self.op_count
    }

    /// Returns whether opcodes are executed here. False inside a branch that is not taken.
    pub fn is_executing(&self) -> bool {
        self.conditions.all_true()
    }

    /// Returns the data of the running tapscript, for an opcode of a proposal.
    ///
    /// # Errors
    ///
    /// [`ScriptError::BadOpcode`] in other scripts, where the opcode has no meaning, and if the proposal is not active. The
    /// latter cannot happen during verification: the scan for `OP_SUCCESSx` ends the script before.
    pub(crate) fn tapscript_with(&mut self, proposal: &Proposal) -> Result<&mut Tapscript, ScriptError> {
        match &mut self.context {
            Context::Tapscript(tapscript) if self.flags.contains(proposal.flag) => Ok(tapscript),
            _ => Err(ScriptError::BadOpcode),
        }
    }

    /// Records an event for the inspector. Does nothing without an inspector.
    pub(crate) fn record(&mut self, event: impl FnOnce() -> Event) {
        if let Some(events) = &mut self.events {
            events.push(event());
        }
    }

    /// Returns whether pushes and numbers must be minimal.
    #[inline]
    pub(crate) fn minimal(&self) -> bool {
        self.flags.contains(Flags::MINIMALDATA)
    }

    /// Returns the number at a depth of the stack. Fails if the element has more than four bytes.
    #[inline]
    pub(crate) fn number(&self, depth: usize) -> Result<i64, ScriptError> {
        self.stack.number(depth, crate::limits::MAX_NUM_SIZE, self.minimal())
    }
}
