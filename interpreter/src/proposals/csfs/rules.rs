//! The rules of `OP_CHECKSIGFROMSTACK` (BIP 348). Numbers such as R3 refer to the rules in BIP-DRAFT.md.

use crate::event::{Event, SignatureCheck, SignedMessage};
use crate::flags::Flags;
use crate::limits::VALIDATION_WEIGHT_PER_SIGOP;
use crate::machine::Machine;
use crate::proposals::Proposal;
use crate::script_error::ScriptError;
use crate::unchecked::Unchecked;

/// `OP_CHECKSIGFROMSTACK`: `sig msg key -- bool`. Verifies a signature of a message from the stack. The message may
/// have 0 to 520 bytes and is not hashed first. The checks are made in the order of BIP 348 "Specification": the type
/// of the key, the signature, then the signature budget.
pub(crate) fn execute(m: &mut Machine<'_>) -> Result<(), ScriptError> {
    // The opcode has its meaning in tapscript only (R2).
    m.tapscript_with(Proposal::CHECKSIGFROMSTACK)?;
    // Three elements are needed (R3).
    m.stack.need(3)?;
    // From the top: the key, the message, the signature (R4).
    let (signature, message, public_key) = (m.stack.get(2)?, m.stack.get(1)?, m.stack.get(0)?);
    let signed = !signature.is_empty();
    if public_key.is_empty() {
        // "If the public key size is zero, the script MUST fail and terminate immediately." (R5)
        return Err(ScriptError::TapscriptEmptyPubkey);
    }
    if let Ok(public_key) = public_key.try_into() {
        // An empty signature is not verified (R8).
        if signed {
            // A signature for a 32-byte key has exactly 64 bytes (R6).
            let signature = signature.try_into().map_err(|_| ScriptError::SchnorrSigSize)?;
            // The message is passed to the verification unchanged (R7).
            let valid = m.host.verify_schnorr(signature, public_key, message);
            if let Some(events) = &mut m.events {
                events.push(Event::Signature(SignatureCheck {
                    signature: signature.to_vec(),
                    public_key: public_key.to_vec(),
                    signed: SignedMessage::Stack,
                    message: message.to_vec(),
                    valid,
                }));
            }
            // "Validation failure in this case immediately terminates script execution with failure."
            if !valid {
                return Err(ScriptError::SchnorrSig);
            }
        }
    } else if m.flags.contains(Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE) {
        // Keys of BIP 118 have an unknown type here, since BIP 118 changes only the opcodes of BIP 342 (R9).
        return Err(ScriptError::DiscourageUpgradablePubkeyType);
    } else if let Some(events) = &mut m.events
        && signed
    {
        events.push(Event::Unchecked(Unchecked::of_key(public_key, None)));
    }
    if signed {
        // "The opcode is counted towards the sigops budget as described in BIP 342." (R10)
        let tapscript = m.tapscript_with(Proposal::CHECKSIGFROMSTACK)?;
        tapscript.charge(VALIDATION_WEIGHT_PER_SIGOP)?;
    }
    m.stack.drop_top(3)?;
    // The result is true if the signature is not empty (R11).
    m.stack.push_bool(signed);
    Ok(())
}
