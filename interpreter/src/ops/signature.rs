//! `OP_CHECKSIG`, `OP_CHECKSIGVERIFY`, `OP_CHECKSIGADD` and `OP_CODESEPARATOR`. Numbers such as R14 refer to the rules in
//! BIP-DRAFT.md.

use super::Result;
use crate::ecdsa::{self, ScriptCode};
use crate::event::{Event, SignatureCheck, SignedMessage};
use crate::flags::Flags;
use crate::limits::VALIDATION_WEIGHT_PER_SIGOP;
use crate::machine::{Context, Machine};
use crate::proposals::{Proposal, anyprevout};
use crate::schnorr;
use crate::script_error::ScriptError;
use crate::sighash::{EcdsaMidstates, TaprootDigests};
use crate::tapscript::key_of;
use crate::unchecked::Unchecked;

/// `OP_CODESEPARATOR`: `--`. The script code that later signature checks use starts after this opcode.
pub(super) fn code_separator(m: &mut Machine<'_>) -> Result {
    m.code_start = m.next_offset;
    m.midstates = EcdsaMidstates::default();
    m.digests = TaprootDigests::default();
    if let Context::Tapscript(tapscript) = &mut m.context {
        // BIP 342 "Common signature message extension": the position is counted in opcodes, not in bytes.
        tapscript.code_separator_position = m.position;
    }
    Ok(())
}

/// `OP_CHECKSIG`: `sig key -- bool`. Pushes whether `sig` is a valid signature of the transaction for `key`.
pub(super) fn check_sig(m: &mut Machine<'_>) -> Result {
    m.stack.need(2)?;
    let valid = match m.context {
        // The key type of BIP 118 exists in tapscript only (R13).
        Context::Tapscript(_) => check_tapscript(m, 1)?,
        _ => check_ecdsa(m)?,
    };
    m.stack.drop_top(2)?;
    m.stack.push_bool(valid);
    Ok(())
}

/// `OP_CHECKSIGADD`: `sig n key -- n|n+1` (BIP 342 "Script execution"). Fails outside tapscript.
pub(super) fn check_sig_add(m: &mut Machine<'_>) -> Result {
    if !matches!(m.context, Context::Tapscript(_)) {
        return Err(ScriptError::BadOpcode);
    }
    m.stack.need(3)?;
    let number = m.number(1)?;
    let valid = check_tapscript(m, 2)?;
    m.stack.drop_top(3)?;
    m.stack.push_number(number + i64::from(valid))
}

/// Checks the ECDSA signature of an `OP_CHECKSIG` in a legacy or segwit v0 script (Core `EvalChecksigPreTapscript`).
fn check_ecdsa(m: &mut Machine<'_>) -> Result<bool> {
    let (signature, public_key) = (m.stack.get(1)?, m.stack.get(0)?);
    let mut script_code = ScriptCode::new(m.script.get(m.code_start..).unwrap_or_default());
    if matches!(m.context, Context::Legacy) {
        script_code.remove_signature(signature, m.flags)?;
    }
    ecdsa::check_signature_encoding(signature, m.flags)?;
    ecdsa::check_public_key_encoding(public_key, &m.context, m.flags)?;
    let check = ecdsa::Check { context: &m.context, host: m.host, events: m.events.as_mut() };
    let valid = check.verify(signature, public_key, &mut script_code, &mut m.midstates);
    if !valid && !signature.is_empty() && m.flags.contains(Flags::NULLFAIL) {
        return Err(ScriptError::SigNullFail);
    }
    Ok(valid)
}

/// Checks a signature in tapscript (BIP 342 "Rules for signature opcodes"). The public key is on top of the stack, and
/// the signature is at `signature_depth`. First the signature budget is charged, then the type of the key is checked;
/// this order decides which error is reported.
fn check_tapscript(m: &mut Machine<'_>, signature_depth: usize) -> Result<bool> {
    let (signature, public_key) = (m.stack.get(signature_depth)?, m.stack.get(0)?);
    let Context::Tapscript(tapscript) = &mut m.context else { return Err(ScriptError::BadOpcode) };
    let signed = !signature.is_empty();
    if signed {
        // A signature for a key of an unknown type consumes budget too (R14, R27).
        tapscript.charge(VALIDATION_WEIGHT_PER_SIGOP)?;
    }
    let Some((public_key, key_version)) = key_of(public_key, &tapscript.internal_key, m.flags)? else {
        if let Some(events) = &mut m.events
            && signed
        {
            let is_bip118 = anyprevout::key(public_key, &tapscript.internal_key).is_some();
            let proposal = is_bip118.then_some(Proposal::ANYPREVOUT);
            events.push(Event::Unchecked(Unchecked::of_key(public_key, proposal)));
        }
        return Ok(signed);
    };
    // An empty signature is not verified (R15).
    if !signed {
        return Ok(false);
    }
    // The signature has 64 or 65 bytes, and the last of 65 is the hash type (R16, R17).
    let (signature, hash_type) = schnorr::split_signature(signature)?;
    let message = tapscript.message(key_version);
    let digest = m
        .digests
        .get_or_compute(key_version, hash_type, || m.host.taproot_digest(&message, hash_type))
        .ok_or(ScriptError::SchnorrSigHashtype)?;
    let valid = m.host.verify_schnorr(signature, public_key, &digest);
    if let Some(events) = &mut m.events {
        events.push(Event::Signature(SignatureCheck {
            signature: signature.to_vec(),
            public_key: public_key.to_vec(),
            signed: SignedMessage::Taproot { message, hash_type },
            message: digest.to_vec(),
            valid,
        }));
    }
    // BIP 342: an invalid signature fails the script unless it is empty (R25).
    if valid { Ok(true) } else { Err(ScriptError::SchnorrSig) }
}
