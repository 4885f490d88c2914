//! Verification of taproot programs: the key path and the script path (BIP 341, BIP 342).

use bitcoin::Witness;

use super::Verification;
use crate::error::{Phase, Stop};
use crate::event::{CommitmentStep, Event, SignatureCheck, SignedMessage};
use crate::flags::Flags;
use crate::host::Host;
use crate::inspector::Inspector;
use crate::limits::{LEAF_VERSION_TAPSCRIPT, MAX_STACK_SIZE};
use crate::machine::Context;
use crate::schnorr;
use crate::script_error::ScriptError;
use crate::sighash::annex_hash;
use crate::sighash::taproot::TaprootMessage;
use crate::taproot::{ControlBlock, annex, leaf_hash};
use crate::tapscript::{Tapscript, scan_for_success};
use crate::unchecked::Unchecked;

impl<I: Inspector> Verification<'_, '_, I> {
    /// Verifies a taproot input: removes the annex, then verifies the key path or the script path (BIP 341 "Script
    /// validation rules").
    pub(super) fn verify_taproot(&mut self, output_key: &[u8; 32], witness: &Witness) -> Result<(), Stop> {
        let annex = annex(witness.len(), witness.last());
        let annex_hash = annex.map(annex_hash);
        let length = witness.len() - usize::from(annex.is_some());
        match length {
            0 => Err(ScriptError::WitnessProgramWitnessEmpty.into()),
            1 => self.verify_key_path(output_key, witness.nth(0).unwrap_or_default(), annex_hash),
            _ => self.verify_script_path(output_key, witness, length, annex_hash),
        }
    }

    /// Verifies a taproot key path spend (BIP 341 "Taproot key path spending signature validation").
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

    /// Verifies a taproot script path spend. `length` is the number of witness elements without the annex. The last two
    /// of these elements are the script and the control block.
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
        if let Some(position) = scan_for_success(script, self.rules())? {
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
}
