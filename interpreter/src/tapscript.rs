//! Tapscript (BIP 342): the search for OP_SUCCESSx, the data of a running tapscript with its budget, and the types of public keys.
//! Numbers such as R27 refer to the rules in BIP-DRAFT.md.

use crate::error::{ScriptPosition, Stop};
use crate::flags::Flags;
use crate::instruction::Instructions;
use crate::limits::VALIDATION_WEIGHT_OFFSET;
use crate::opcode::Opcode;
use crate::proposals::{Proposal, anyprevout};
use crate::script_error::ScriptError;
use crate::sighash::taproot::{KeyVersion, TaprootMessage, TapscriptMessage};

/// Searches for the first `OP_SUCCESSx`, which makes the script succeed before any other check (BIP 342 "Script execution").
/// The bytes after the opcode need not be valid instructions, but those before it must be. For `OP_CHECKSIGFROMSTACK` these
/// are the rules R1 and R26 of BIP-DRAFT.md.
pub(crate) fn scan_for_success(script: &[u8], flags: Flags) -> Result<Option<ScriptPosition>, Stop> {
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

/// Data that a tapscript needs about the input that runs it.
#[derive(Clone, Debug)]
pub struct Tapscript {
    /// Tapleaf hash of the tapscript (BIP 341).
    pub leaf_hash: [u8; 32],
    /// The internal key in the input's control block.
    pub internal_key: [u8; 32],
    /// SHA-256 of the annex with its CompactSize length; `None` if there is no annex.
    pub annex_hash: Option<[u8; 32]>,
    /// Validation weight left for signature checks, in weight units.
    pub validation_weight_left: i64,
    /// Opcode position of the last executed `OP_CODESEPARATOR`; `0xffff_ffff` before the first.
    pub code_separator_position: u32,
}

impl Tapscript {
    /// Creates the data of a tapscript before its first opcode. `witness_size` is the serialized size of the input's whole
    /// witness in bytes, including the annex and all CompactSize lengths (BIP 342 "Resource limits").
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

    /// Takes validation weight, in weight units, from what is left (BIP 342 "Resource limits").
    ///
    /// # Errors
    ///
    /// [`ScriptError::TapscriptValidationWeight`] if less is left. All of it may be used up.
    #[inline]
    pub(crate) fn charge(&mut self, weight: i64) -> Result<(), ScriptError> {
        self.validation_weight_left -= weight;
        if self.validation_weight_left < 0 { Err(ScriptError::TapscriptValidationWeight) } else { Ok(()) }
    }

    /// Returns the data, other than the transaction, that a signature for a key of this version commits to at this point of
    /// the script.
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

/// Returns the 32-byte key to verify with, and its version. Returns `None` for a key of an unknown type, for which every
/// signature is valid (BIP 342 "Rules for signature opcodes", BIP 118 "Rules for signature opcodes"). The types of keys are
/// those of R12; an empty key fails (R28).
pub(crate) fn key_of<'k>(
    public_key: &'k [u8],
    internal_key: &'k [u8; 32],
    flags: Flags,
) -> Result<Option<(&'k [u8; 32], KeyVersion)>, ScriptError> {
    if public_key.is_empty() {
        return Err(ScriptError::TapscriptEmptyPubkey);
    }
    if let Ok(key) = public_key.try_into() {
        return Ok(Some((key, KeyVersion::Bip342)));
    }
    match anyprevout::key(public_key, internal_key) {
        Some(key) if Proposal::ANYPREVOUT.is_active(flags)? => Ok(Some((key, KeyVersion::Bip118))),
        // BIP 118 is not active, but the key type is assigned, so the discourage flag for upgrades does not apply. The
        // module `proposals` gives the reason (R27).
        Some(_) => Ok(None),
        None if flags.contains(Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE) => {
            Err(ScriptError::DiscourageUpgradablePubkeyType)
        }
        None => Ok(None),
    }
}
