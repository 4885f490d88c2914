//! Verification of witness programs (BIP 141, BIP 341, BIP 342).

use bitcoin::Witness;
use sha2::{Digest, Sha256};

use crate::engine::Stop;
use crate::error::{Phase, ScriptPosition};
use crate::flags::Flags;
use crate::host::{Host, TaprootMessage};
use crate::inspector::{CommitmentStep, Event, Inspector, SignatureCheck, SignedMessage};
use crate::instruction::Instructions;
use crate::limits::{ANNEX_TAG, LEAF_VERSION_TAPSCRIPT, MAX_SCRIPT_ELEMENT_SIZE, MAX_STACK_SIZE};
use crate::machine::{Context, Tapscript};
use crate::opcode::Opcode;
use crate::proposals::Proposal;
use crate::schnorr;
use crate::script_error::ScriptError;
use crate::sighash::annex_hash;
use crate::taproot::{ControlBlock, leaf_hash};
use crate::unchecked::Unchecked;
use crate::verify::Verification;

/// A scriptPubKey or redeem script that consists of a version opcode and a push of 2 to 40 bytes (BIP 141 "Witness
/// program").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WitnessProgram<'s> {
    version: u8,
    program: &'s [u8],
}

/// The program of a pay-to-anchor output, which has version 1. Anyone can spend it with an empty witness.
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

    /// Returns the `Unchecked` value for a program that is not verified because flags are missing from `flags`.
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

    /// Reports a rule that is skipped to the inspector.
    fn record(&mut self, unchecked: Unchecked) {
        if I::ACTIVE {
            self.inspector.event(&Event::Unchecked(unchecked));
        }
    }

    /// BIP 141 "P2WSH": the last element of the witness is the script, and the program is its SHA-256.
    fn verify_p2wsh(&mut self, program: &[u8], witness: &Witness) -> Result<(), Stop> {
        let Some(script) = witness.last() else { return Err(ScriptError::WitnessProgramWitnessEmpty.into()) };
        if Sha256::digest(script).as_slice() != program {
            return Err(ScriptError::WitnessProgramMismatch.into());
        }
        self.enter(Phase::WitnessScript, Some(script));
        self.load_stack(witness, witness.len() - 1)?;
        self.run_witness_script(script, Context::WitnessV0)
    }

    /// BIP 141 "P2WPKH": the witness is a signature and a public key, which are verified with the implied
    /// pay-to-public-key-hash script.
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

    /// Verifies a taproot input: removes the annex, then verifies the key path or the script path (BIP 341 "Script
    /// validation rules").
    fn verify_taproot(&mut self, output_key: &[u8; 32], witness: &Witness) -> Result<(), Stop> {
        let annex = match (witness.len(), witness.last()) {
            (2.., Some(last)) if last.first() == Some(&ANNEX_TAG) => Some(last),
            _ => None,
        };
        let annex_hash = annex.map(annex_hash);
        let length = witness.len() - usize::from(annex.is_some());
        match length {
            0 => Err(ScriptError::WitnessProgramWitnessEmpty.into()),
            1 => self.verify_key_path(output_key, witness.nth(0).unwrap_or_default(), annex_hash),
            _ => self.verify_script_path(output_key, witness, length, annex_hash),
        }
    }

    /// Verifies a key path spend (BIP 341 "Taproot key path spending signature validation").
    fn verify_key_path(
        &mut self,
        output_key: &[u8; 32],
        signature: &[u8],
        annex_hash: Option<[u8; 32]>,
    ) -> Result<(), Stop> {
        self.enter(Phase::KeyPath, None);
        let (signature, hash_type) = schnorr::split_signature(signature)?;
        let message = TaprootMessage { annex_hash, tapscript: None };
        let digest = self.host.taproot_digest(&message, hash_type).ok_or(ScriptError::SchnorrSigHashtype)?;
        let valid = self.host.verify_schnorr(signature, output_key, &digest);
        if I::ACTIVE {
            self.inspector.event(&Event::Signature(SignatureCheck {
                signature: signature.to_vec(),
                public_key: output_key.to_vec(),
                signed: SignedMessage::Taproot { message, hash_type },
                message: digest.to_vec(),
                valid,
            }));
        }
        if valid { Ok(()) } else { Err(ScriptError::SchnorrSig.into()) }
    }

    /// Verifies a script path spend. The last two of the first `length` elements of the witness are the script and the
    /// control block.
    fn verify_script_path(
        &mut self,
        output_key: &[u8; 32],
        witness: &Witness,
        length: usize,
        annex_hash: Option<[u8; 32]>,
    ) -> Result<(), Stop> {
        self.enter(Phase::TaprootCommitment, None);
        let script = witness.nth(length - 2).unwrap_or_default();
        let control = ControlBlock::parse(witness.nth(length - 1).unwrap_or_default())?;
        let leaf_hash = leaf_hash(control.leaf_version, script);
        if I::ACTIVE {
            let step = CommitmentStep::Leaf { version: control.leaf_version, script, hash: leaf_hash };
            self.inspector.commitment(&step);
        }
        if !control.proves(leaf_hash, output_key, self.inspector) {
            return Err(ScriptError::WitnessProgramMismatch.into());
        }
        if control.leaf_version != LEAF_VERSION_TAPSCRIPT {
            if self.flags.contains(Flags::DISCOURAGE_UPGRADABLE_TAPROOT_VERSION) {
                return Err(ScriptError::DiscourageUpgradableTaprootVersion.into());
            }
            self.record(Unchecked::LeafVersion { version: control.leaf_version });
            return Ok(());
        }
        self.enter(Phase::Tapscript, Some(script));
        if let Some(position) = scan_for_success(script, self.flags)? {
            if I::ACTIVE {
                self.inspector.op_success(&position);
            }
            return Ok(());
        }
        // BIP 342 "Resource limits": the limit on stack elements applies to the initial stack too.
        if length - 2 > MAX_STACK_SIZE {
            return Err(ScriptError::StackSize.into());
        }
        self.load_stack(witness, length - 2)?;
        let tapscript = Tapscript::new(leaf_hash, *control.internal_key, annex_hash, witness.size());
        self.run_witness_script(script, Context::Tapscript(tapscript))
    }

    /// Replaces the stack with the first `count` elements of the witness.
    fn load_stack(&mut self, witness: &Witness, count: usize) -> Result<(), Stop> {
        self.stack.clear();
        if witness.iter().take(count).any(|element| element.len() > MAX_SCRIPT_ELEMENT_SIZE) {
            return Err(ScriptError::PushSize.into());
        }
        witness.iter().take(count).try_for_each(|element| self.stack.push(element))?;
        Ok(())
    }

    /// Runs the script of a witness program. Fails unless the script leaves exactly one element and that element is true
    /// (BIP 141, BIP 342).
    fn run_witness_script(&mut self, script: &[u8], context: Context) -> Result<(), Stop> {
        self.run_script(script, context)?;
        if self.stack.len() != 1 {
            return Err(ScriptError::CleanStack.into());
        }
        self.require_true()
    }
}

/// Searches for the first `OP_SUCCESSx`, which makes the script succeed before any other check (BIP 342 "Script execution").
/// The bytes after the opcode need not be valid instructions, but those before it must be. For `OP_CHECKSIGFROMSTACK` these
/// are the rules R1 and R26 of BIP-DRAFT.md.
fn scan_for_success(script: &[u8], flags: Flags) -> Result<Option<ScriptPosition>, Stop> {
    let mut instructions = Instructions::new(script);
    let mut opcode_position = 0;
    loop {
        let byte_offset = instructions.offset();
        let Some(instruction) = instructions.next() else { return Ok(None) };
        let opcode = Opcode(script.get(byte_offset).copied().unwrap_or_default());
        let position = ScriptPosition { opcode_position, byte_offset, opcode };
        let stop = |error| Stop { error, position: Some(position) };
        if instruction.map_err(stop)?.opcode.is_success() {
            match Proposal::of_success_opcode(opcode) {
                // An opcode of an active proposal is not an OP_SUCCESSx any more, so the search goes on.
                Some(proposal) if proposal.is_active(flags).map_err(stop)? => {}
                // An assigned opcode is no longer reserved for upgrades, so the generic flag does not apply. The module
                // `proposals` gives the reason.
                Some(_) => return Ok(Some(position)),
                None if flags.contains(Flags::DISCOURAGE_OP_SUCCESS) => {
                    return Err(stop(ScriptError::DiscourageOpSuccess));
                }
                None => return Ok(Some(position)),
            }
        }
        opcode_position += 1;
    }
}
