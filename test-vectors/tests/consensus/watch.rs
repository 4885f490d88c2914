//! Inspector that records the opcodes that a verification reaches, and the kind of script in which it reaches them.

use sigstack_interpreter::{Flags, Inspector, Instruction, Instructions, Machine, Opcode, Phase};
use sigstack_vectors::Case;

/// The kind of script in which an opcode occurs or an error is found. For an output that is spent without a script, the
/// kind of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// The scriptSig of an input, for every kind of output.
    ScriptSig,
    /// The scriptPubKey of an output that is not P2SH. Errors of the checks that run after all scripts are counted here
    /// too.
    Bare,
    /// Parts of an input that spends a P2SH output: the scriptPubKey, the redeem script, and the checks after the
    /// redeem script. A witness program inside P2SH is a separate kind.
    P2sh,
    P2wsh,
    P2shP2wsh,
    P2wpkh,
    P2shP2wpkh,
    /// A witness program for which no rules exist, because its version or its length is unknown.
    Program,
    P2shProgram,
    /// A tapscript, and the check of the taproot commitment before it.
    Tapscript,
    /// The key path of a taproot output. Includes taproot inputs with an empty witness.
    KeyPath,
}

impl Place {
    pub(crate) const ALL: &'static [Place] = &[
        Place::ScriptSig,
        Place::Bare,
        Place::P2sh,
        Place::P2wsh,
        Place::P2shP2wsh,
        Place::P2wpkh,
        Place::P2shP2wpkh,
        Place::Program,
        Place::P2shProgram,
        Place::Tapscript,
        Place::KeyPath,
    ];

    /// The kinds of script for which each opcode must be tested with each outcome.
    pub(crate) const SCRIPTS: &'static [Place] =
        &[Place::Bare, Place::P2sh, Place::P2wsh, Place::P2shP2wsh, Place::Tapscript];
}

/// Inspector that records which opcodes the verification of a case reaches, and in which kind of script.
pub(crate) struct Watch<'a> {
    case: &'a Case,
    phase: Phase,
    redeem_script: Option<Vec<u8>>,
    /// Each opcode that the verification reached, the kind of script that contains it, and whether it was executed.
    pub(crate) met: Vec<(Opcode, Place, bool)>,
    /// The tapscript, while no opcode of it has been executed. `None` before the tapscript phase and after the first
    /// opcode.
    tapscript: Option<Vec<u8>>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(case: &'a Case) -> Watch<'a> {
        Watch { case, phase: Phase::ScriptSig, redeem_script: None, met: Vec::new(), tapscript: None }
    }

    /// Returns the index of the input that the case verifies. All cases about today's rules are about one input, so
    /// this does not fail.
    fn input(&self) -> usize {
        self.case.subject.input().unwrap()
    }

    /// Returns the kind of script that a phase of the recorded verification belongs to.
    pub(crate) fn place(&self, phase: Phase) -> Place {
        let output = self.case.prevouts[self.input()].script_pubkey.as_bytes();
        let is_p2sh = output.len() == 23 && output[..2] == [0xa9, 20] && output[22] == 0x87;
        let p2sh = is_p2sh && self.case.flags.contains(Flags::P2SH);
        let program = self.redeem_script.as_deref().unwrap_or(output);
        match phase {
            Phase::ScriptSig => Place::ScriptSig,
            Phase::ScriptPubKey | Phase::RedeemScript | Phase::Finish if p2sh => Place::P2sh,
            Phase::ScriptPubKey | Phase::RedeemScript | Phase::Finish => Place::Bare,
            Phase::KeyPath => Place::KeyPath,
            Phase::TaprootCommitment | Phase::Tapscript => Place::Tapscript,
            Phase::WitnessProgram | Phase::WitnessScript => match (program, p2sh) {
                ([0, 32, rest @ ..], false) if rest.len() == 32 => Place::P2wsh,
                ([0, 32, rest @ ..], true) if rest.len() == 32 => Place::P2shP2wsh,
                ([0, 20, rest @ ..], false) if rest.len() == 20 => Place::P2wpkh,
                ([0, 20, rest @ ..], true) if rest.len() == 20 => Place::P2shP2wpkh,
                ([0x51, 32, rest @ ..], false) if rest.len() == 32 => {
                    let witness = &self.case.tx.input[self.input()].witness;
                    if witness.len() > 1 { Place::Tapscript } else { Place::KeyPath }
                }
                (_, true) => Place::P2shProgram,
                (_, false) => Place::Program,
            },
        }
    }

    /// Records the OP_SUCCESSx of a tapscript that succeeded because of it. No opcode of such a script is executed.
    fn note_success(&mut self) {
        let Some(script) = self.tapscript.take() else { return };
        let opcodes = Instructions::new(&script).filter_map(Result::ok).map(|instruction| instruction.opcode);
        let success = opcodes.into_iter().find(|opcode| opcode.is_success());
        self.met.extend(success.map(|opcode| (opcode, Place::Tapscript, true)));
    }
}

impl Inspector for Watch<'_> {
    fn phase(&mut self, phase: Phase, script: Option<&[u8]>) {
        self.phase = phase;
        match phase {
            Phase::RedeemScript => self.redeem_script = script.map(<[u8]>::to_vec),
            Phase::Tapscript => self.tapscript = script.map(<[u8]>::to_vec),
            // The scan for OP_SUCCESSx precedes the execution of the tapscript.
            Phase::Finish => self.note_success(),
            _ => {}
        }
    }

    fn step(&mut self, machine: &Machine<'_>, instruction: &Instruction<'_>) {
        self.tapscript = None;
        self.met.push((instruction.opcode, self.place(self.phase), machine.is_executing()));
    }
}
