//! [`Machine`]: the state of a running script, such as its stacks, its open IF branches and its access to the
//! transaction.

use crate::code_points::{CodePoints, Rules};
use crate::condition::Conditions;
use crate::event::Event;
use crate::flags::Flags;
use crate::host::Host;
use crate::proposals::Proposal;
use crate::script_error::ScriptError;
use crate::sighash::{EcdsaMidstates, TaprootDigests};
use crate::stack::Stack;
use crate::tapscript::Tapscript;

/// The kind of script that runs. It selects the rules that apply (Core `SigVersion`).
#[derive(Clone, Debug)]
pub enum Context {
    /// A scriptSig, scriptPubKey or redeem script.
    Legacy,
    /// The script of a segwit v0 program (BIP 141).
    WitnessV0,
    /// A tapscript (BIP 342).
    Tapscript(Tapscript),
}

/// The state of a running script. An [`Inspector`](crate::Inspector) reads it before and after each instruction.
pub struct Machine<'a> {
    pub(crate) stack: &'a mut Stack,
    pub(crate) conditions: Conditions,
    pub(crate) script: &'a [u8],
    pub(crate) flags: Flags,
    pub(crate) code_points: &'a CodePoints,
    pub(crate) context: Context,
    pub(crate) host: &'a mut dyn Host,
    /// Index of the current instruction among the opcodes of the script, from 0 (BIP 342's opcode position).
    pub(crate) position: u32,
    /// Byte offset at which the instruction after the current one starts.
    pub(crate) next_offset: usize,
    /// Byte offset at which the script code that signatures commit to starts: 0, or after the last executed
    /// `OP_CODESEPARATOR`.
    pub(crate) code_start: usize,
    /// Number of opcodes counted so far toward [`crate::limits::MAX_OPS_PER_SCRIPT`]. Always 0 in tapscript, which has
    /// no such limit.
    pub(crate) op_count: usize,
    /// Cached midstates of ECDSA signature hashes, valid for the script code that starts at `code_start`.
    pub(crate) midstates: EcdsaMidstates,
    /// Cache of the signature hashes that a tapscript computed since the last `OP_CODESEPARATOR`. The cache is not a
    /// field of [`Tapscript`] because it would make moves of that type expensive.
    pub(crate) digests: TaprootDigests,
    /// Events recorded so far while the current instruction executes; `None` without an inspector.
    pub(crate) events: Option<Vec<Event>>,
}

impl<'a> Machine<'a> {
    /// Creates the state of a script before its first instruction.
    pub(crate) fn new(
        stack: &'a mut Stack,
        script: &'a [u8],
        context: Context,
        rules: Rules<'a>,
        host: &'a mut dyn Host,
    ) -> Machine<'a> {
        Machine {
            stack,
            conditions: Conditions::default(),
            script,
            flags: rules.flags,
            code_points: rules.code_points,
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

    /// Returns the state of the open IF and NOTIF branches.
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// Returns the bytes of the running script.
    pub fn script(&self) -> &[u8] {
        self.script
    }

    /// Returns the flags under which the script runs.
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// Returns which opcode byte stands for the opcode of each proposed soft fork in this script.
    pub fn code_points(&self) -> &CodePoints {
        self.code_points
    }

    /// Returns the kind of script that runs.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Returns the index of the current instruction among the opcodes of the script, from 0 (BIP 342's opcode
    /// position).
    pub fn position(&self) -> u32 {
        self.position
    }

    /// Returns the byte offset at which the script code that signatures commit to starts: 0, or after the last executed
    /// `OP_CODESEPARATOR`.
    pub fn code_start(&self) -> usize {
        self.code_start
    }

    /// Returns the number of opcodes counted so far toward the limit of 201 opcodes. An executed `OP_CHECKMULTISIG`
    /// adds its number of public keys. Always 0 in tapscript, which has no such limit.
    pub fn op_count(&self) -> usize {
        self.op_count
    }

    /// Returns whether the current instruction is executed. False inside an IF or ELSE branch that is not taken.
    pub fn is_executing(&self) -> bool {
        self.conditions.all_true()
    }

    /// Returns the state of the running tapscript. Each opcode with which `proposal` replaces an `OP_SUCCESSx` calls
    /// this first.
    ///
    /// # Errors
    ///
    /// [`ScriptError::BadOpcode`] if the script is not a tapscript or the proposal is not active. Only
    /// [`crate::run_script`] can execute the opcode of an inactive proposal: [`crate::Spend`] scans for `OP_SUCCESSx`
    /// first, and the script succeeds.
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

    /// Returns whether pushes and numbers must use their shortest encoding (flag `MINIMALDATA`).
    #[inline]
    pub(crate) fn minimal(&self) -> bool {
        self.flags.contains(Flags::MINIMALDATA)
    }

    /// Decodes the stack element at `depth` (0 is the top) as a number of at most four bytes.
    #[inline]
    pub(crate) fn number(&self, depth: usize) -> Result<i64, ScriptError> {
        self.stack.number(depth, crate::limits::MAX_NUM_SIZE, self.minimal())
    }
}
