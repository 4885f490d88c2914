//! Verification of witness programs: selects the rules for the version and length of a program, and applies those of
//! segwit v0 (BIP 141). The rules of taproot are in `taproot.rs`.

use bitcoin::Witness;
use sha2::{Digest, Sha256};

use super::Verification;
use crate::error::{Phase, Stop};
use crate::event::Event;
use crate::flags::Flags;
use crate::inspector::Inspector;
use crate::limits::MAX_SCRIPT_ELEMENT_SIZE;
use crate::machine::Context;
use crate::opcode::Opcode;
use crate::script_error::ScriptError;
use crate::unchecked::Unchecked;

/// A scriptPubKey or redeem script that consists of a version opcode and a push of 2 to 40 bytes (BIP 141 "Witness
/// program").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WitnessProgram<'s> {
    version: u8,
    program: &'s [u8],
}

/// The program of a pay-to-anchor output, whose witness version is 1. Anyone can spend such an output.
const ANCHOR: &[u8] = &[0x4e, 0x73];

impl<'s> WitnessProgram<'s> {
    pub(crate) fn parse(script: &'s [u8]) -> Option<WitnessProgram<'s>> {
        let [opcode, length, program @ ..] = script else { return None };
        let version = match *opcode {
            0 => 0,
            opcode @ 0x51..=0x60 => opcode - 0x50,
            _ => return None,
        };
        let fits = (2..=40).contains(&program.len()) && usize::from(*length) == program.len();
        fits.then_some(WitnessProgram { version, program })
    }

    fn is_taproot(&self) -> bool {
        self.version == 1 && self.program.len() == 32
    }

    /// Returns the reason that is reported if this program is not verified because `flags` lacks a flag that its
    /// verification needs.
    pub(crate) fn without_flags(&self, flags: Flags) -> Unchecked {
        let needed = if self.is_taproot() { Flags::WITNESS | Flags::TAPROOT } else { Flags::WITNESS };
        Unchecked::WitnessProgramFlag { version: self.version, missing: needed.closure() - flags }
    }
}

impl<I: Inspector> Verification<'_, '_, I> {
    /// Verifies a witness program (Core `VerifyWitnessProgram`).
    pub(crate) fn verify_witness_program(
        &mut self,
        program: WitnessProgram<'_>,
        witness: &Witness,
        is_p2sh: bool,
    ) -> Result<(), Stop> {
        match (program.version, program.program.len()) {
            (0, 32) => self.verify_p2wsh(program.program, witness),
            (0, 20) => self.verify_p2wpkh(program.program, witness),
            (0, _) => Err(ScriptError::WitnessProgramWrongLength.into()),
            (1, 32) if !is_p2sh => {
                if !self.flags.contains(Flags::TAPROOT) {
                    self.record(program.without_flags(self.flags));
                    return Ok(());
                }
                let output_key =
                    program.program.try_into().map_err(|_| ScriptError::WitnessProgramMismatch)?;
                self.verify_taproot(output_key, witness)
            }
            (1, _) if !is_p2sh && program.program == ANCHOR => {
                self.record(Unchecked::Anchor);
                Ok(())
            }
            _ if self.flags.contains(Flags::DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM) => {
                Err(ScriptError::DiscourageUpgradableWitnessProgram.into())
            }
            (version, length) => {
                self.record(Unchecked::WitnessProgram { version, length, in_p2sh: is_p2sh });
                Ok(())
            }
        }
    }

    /// Reports to the inspector why a rule is not checked.
    pub(super) fn record(&mut self, unchecked: Unchecked) {
        if I::ACTIVE {
            self.inspector.event(&Event::Unchecked(unchecked));
        }
    }

    /// Verifies a P2WSH input (BIP 141 "P2WSH"). The last element of the witness is the script, and the program is the
    /// SHA-256 of the script.
    fn verify_p2wsh(&mut self, program: &[u8], witness: &Witness) -> Result<(), Stop> {
        let Some(script) = witness.last() else { return Err(ScriptError::WitnessProgramWitnessEmpty.into()) };
        if Sha256::digest(script).as_slice() != program {
            return Err(ScriptError::WitnessProgramMismatch.into());
        }
        self.enter(Phase::WitnessScript, Some(script));
        self.load_stack(witness, witness.len() - 1)?;
        self.run_witness_script(script, Context::WitnessV0)
    }

    /// Verifies a P2WPKH input (BIP 141 "P2WPKH"). The witness is a signature and a public key, which are verified with
    /// the implied pay-to-public-key-hash script.
    fn verify_p2wpkh(&mut self, program: &[u8], witness: &Witness) -> Result<(), Stop> {
        if witness.len() != 2 {
            return Err(ScriptError::WitnessProgramMismatch.into());
        }
        let mut script = [0; 25];
        let (start, rest) = script.split_at_mut(3);
        let (hash, end) = rest.split_at_mut(20);
        start.copy_from_slice(&[Opcode::OP_DUP.0, Opcode::OP_HASH160.0, 20]);
        hash.copy_from_slice(program);
        end.copy_from_slice(&[Opcode::OP_EQUALVERIFY.0, Opcode::OP_CHECKSIG.0]);
        self.enter(Phase::WitnessScript, Some(&script));
        self.load_stack(witness, 2)?;
        self.run_witness_script(&script, Context::WitnessV0)
    }

    /// Replaces the stack with the first `count` elements of the witness. Fails if one of them is longer than 520
    /// bytes.
    pub(super) fn load_stack(&mut self, witness: &Witness, count: usize) -> Result<(), Stop> {
        self.stack.clear();
        if witness.iter().take(count).any(|element| element.len() > MAX_SCRIPT_ELEMENT_SIZE) {
            return Err(ScriptError::PushSize.into());
        }
        witness.iter().take(count).try_for_each(|element| self.stack.push(element))?;
        Ok(())
    }

    /// Runs the script of a witness program. Fails unless the script leaves exactly one element and that element is true
    /// (BIP 141, BIP 342).
    pub(super) fn run_witness_script(&mut self, script: &[u8], context: Context) -> Result<(), Stop> {
        self.run_script(script, context)?;
        if self.stack.len() != 1 {
            return Err(ScriptError::CleanStack.into());
        }
        self.require_true()
    }
}
