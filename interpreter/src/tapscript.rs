//! Tapscript (BIP 342): the scan for `OP_SUCCESSx`, the state that only tapscripts have, such as the signature budget,
//! and the types of public keys. Numbers such as R27 refer to the rules in BIP-DRAFT.md.

use crate::code_points::Rules;
use crate::error::{ScriptPosition, Stop};
use crate::flags::Flags;
use crate::instruction::Instructions;
use crate::limits::VALIDATION_WEIGHT_OFFSET;
use crate::opcode::Opcode;
use crate::proposals::{Proposal, anyprevout};
use crate::script_error::ScriptError;
use crate::sighash::taproot::{KeyVersion, TaprootMessage, TapscriptMessage};

/// Returns the position of the first `OP_SUCCESSx`, or `None` if the script has none. An `OP_SUCCESSx` makes the script
/// succeed before any other check (BIP 342 "Script execution"). Opcodes of active proposals do not count.
///
/// # Errors
///
/// - [`ScriptError::BadOpcode`] if a push before the first `OP_SUCCESSx` is cut short. Bytes after it are not parsed.
/// - The error of the discourage flag, if policy rejects the opcode.
///
/// For `OP_CHECKSIGFROMSTACK` these are the rules R1 and R26 of BIP-DRAFT.md.
pub(crate) fn scan_for_success(script: &[u8], rules: Rules<'_>) -> Result<Option<ScriptPosition>, Stop> {
    let Rules { flags, code_points } = rules;
    let mut instructions = Instructions::new(script);
    let mut opcode_position = 0;
    loop {
        let byte_offset = instructions.offset();
        let Some(instruction) = instructions.next() else { return Ok(None) };
        let opcode = Opcode(script.get(byte_offset).copied().unwrap_or_default());
        let meaning = code_points.meaning(opcode);
        let position = ScriptPosition { opcode_position, byte_offset, opcode, meaning };
        let stop = |error| Stop { error, position: Some(position) };
        if instruction.map_err(stop)?.opcode.is_success() {
            match Proposal::of_success_opcode(meaning) {
                // An opcode of an active proposal is no longer an OP_SUCCESSx, so the scan continues.
                Some(proposal) if proposal.is_active(flags).map_err(stop)? => {}
                // An opcode of an inactive proposal is an OP_SUCCESSx, but DISCOURAGE_OP_SUCCESS does not apply to it.
                // The documentation of the module `proposals` gives the reason.
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

/// The part of a running script's state that only tapscripts have. The first three fields come from the input's
/// witness. The last two fields change while the script runs.
#[derive(Clone, Debug)]
pub struct Tapscript {
    /// Tapleaf hash of the tapscript (BIP 341).
    pub leaf_hash: [u8; 32],
    /// The internal key in the input's control block.
    pub internal_key: [u8; 32],
    /// SHA-256 of the annex, preceded by its CompactSize length; `None` if the witness has no annex.
    pub annex_hash: Option<[u8; 32]>,
    /// Remaining signature budget, in weight units (BIP 342 "Resource limits").
    pub validation_weight_left: i64,
    /// Opcode position of the last executed `OP_CODESEPARATOR`; `0xffff_ffff` if none was executed yet.
    pub code_separator_position: u32,
}

impl Tapscript {
    /// Creates the state of a tapscript before its first opcode. `witness_size` determines the signature budget: it is
    /// the serialized size of the input's whole witness in bytes, including the annex and all CompactSize lengths (BIP
    /// 342 "Resource limits").
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

    /// Subtracts `weight`, in weight units, from the signature budget (BIP 342 "Resource limits").
    ///
    /// # Errors
    ///
    /// [`ScriptError::TapscriptValidationWeight`] if the budget becomes negative. A budget of zero is allowed.
    #[inline]
    pub(crate) fn charge(&mut self, weight: i64) -> Result<(), ScriptError> {
        self.validation_weight_left -= weight;
        if self.validation_weight_left < 0 { Err(ScriptError::TapscriptValidationWeight) } else { Ok(()) }
    }

    /// Returns the data that a signature checked at this point of the script commits to besides the transaction.
    /// `key_version` is the key version of the public key with which the signature is checked.
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

/// Returns the 32-byte x-only key that a public key on the stack denotes, and its key version (BIP 342 and BIP 118,
/// "Rules for signature opcodes"; R12). Returns `None` for a key of an unknown type: every signature that is not empty
/// is valid then.
///
/// # Errors
///
/// - [`ScriptError::TapscriptEmptyPubkey`] if the key is empty (R28).
/// - The error of the discourage flag, if policy rejects the type of the key.
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
        // BIP 118 is not active, so its keys have an unknown type, but DISCOURAGE_UPGRADABLE_PUBKEYTYPE does not apply
        // to them (R27). The documentation of the module `proposals` gives the reason.
        Some(_) => Ok(None),
        None if flags.contains(Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE) => {
            Err(ScriptError::DiscourageUpgradablePubkeyType)
        }
        None => Ok(None),
    }
}
