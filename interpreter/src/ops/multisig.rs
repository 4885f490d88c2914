//! `OP_CHECKMULTISIG` and `OP_CHECKMULTISIGVERIFY`, in legacy and segwit v0 scripts.

use super::Result;
use crate::ecdsa::{self, ScriptCode};
use crate::flags::Flags;
use crate::limits::{MAX_OPS_PER_SCRIPT, MAX_PUBKEYS_PER_MULTISIG};
use crate::machine::{Context, Machine};
use crate::script_error::ScriptError;

/// The numbers of keys and signatures of an `OP_CHECKMULTISIG`, and the stack depths of its arguments. The top of the
/// stack has depth 0.
struct Arguments {
    /// Number of public keys that the opcode takes from the stack.
    keys: usize,
    /// Number of signatures that the opcode takes from the stack.
    signatures: usize,
    /// Depth of the topmost public key, which the opcode tries first. The other public keys are directly below it.
    first_key: usize,
    /// Depth of the topmost signature, which the opcode checks first. The other signatures are directly below it.
    first_signature: usize,
    /// Depth of the dummy element, which the opcode consumes because of a bug.
    dummy: usize,
}

/// `OP_CHECKMULTISIG`: `dummy sig... m key... n -- bool`. Pushes whether the `m` signatures are valid for `m` of the
/// `n` keys, in the same order.
pub(super) fn check_multisig(m: &mut Machine<'_>) -> Result {
    if matches!(m.context, Context::Tapscript(_)) {
        return Err(ScriptError::TapscriptCheckMultisig);
    }
    let arguments = read_arguments(m)?;
    let valid = check_signatures(m, &arguments)?;
    // Core checks NULLFAIL while it removes the arguments, and NULLDUMMY after that.
    if !valid && m.flags.contains(Flags::NULLFAIL) {
        for nth in 0..arguments.signatures {
            if m.stack.size(arguments.first_signature + nth)? != 0 {
                return Err(ScriptError::SigNullFail);
            }
        }
    }
    let dummy_size = m.stack.size(arguments.dummy)?;
    if dummy_size != 0 && m.flags.contains(Flags::NULLDUMMY) {
        return Err(ScriptError::SigNullDummy);
    }
    m.stack.drop_top(arguments.dummy + 1)?;
    m.stack.push_bool(valid);
    Ok(())
}

/// Reads the numbers of keys and signatures of an `OP_CHECKMULTISIG`. Fails if the stack does not have all of its keys,
/// its signatures and the dummy element.
fn read_arguments(m: &mut Machine<'_>) -> Result<Arguments> {
    m.stack.need(1)?;
    let keys = count(m, 0, MAX_PUBKEYS_PER_MULTISIG, ScriptError::PubkeyCount)?;
    m.op_count += keys;
    if m.op_count > MAX_OPS_PER_SCRIPT {
        return Err(ScriptError::OpCount);
    }
    let first_key = 1;
    let signature_count = first_key + keys;
    m.stack.need(signature_count + 1)?;
    let signatures = count(m, signature_count, keys, ScriptError::SigCount)?;
    let first_signature = signature_count + 1;
    let dummy = first_signature + signatures;
    m.stack.need(dummy + 1)?;
    Ok(Arguments { keys, signatures, first_key, first_signature, dummy })
}

/// Decodes the stack element at `depth` as a number of keys or signatures. Fails with `error` if the number is negative
/// or more than `max`.
fn count(m: &Machine<'_>, depth: usize, max: usize, error: ScriptError) -> Result<usize> {
    let count = usize::try_from(m.number(depth)?).map_err(|_| error)?;
    if count <= max { Ok(count) } else { Err(error) }
}

/// Returns whether every signature of an `OP_CHECKMULTISIG` is valid for one of the keys. Signatures and keys must be
/// in the same order, so each key is tried with one signature only. The loop stops once fewer keys than signatures are
/// left. The order and the early stop are consensus, because signatures and keys that the loop does not reach may have
/// any encoding.
fn check_signatures(m: &mut Machine<'_>, arguments: &Arguments) -> Result<bool> {
    let mut script_code = ScriptCode::new(m.script.get(m.code_start..).unwrap_or_default());
    if matches!(m.context, Context::Legacy) {
        for nth in 0..arguments.signatures {
            script_code.remove_signature(m.stack.get(arguments.first_signature + nth)?, m.flags)?;
        }
    }
    let (mut next_signature, mut next_key) = (0, 0);
    while next_signature < arguments.signatures {
        if arguments.signatures - next_signature > arguments.keys - next_key {
            return Ok(false);
        }
        let signature = m.stack.get(arguments.first_signature + next_signature)?;
        let public_key = m.stack.get(arguments.first_key + next_key)?;
        ecdsa::check_signature_encoding(signature, m.flags)?;
        ecdsa::check_public_key_encoding(public_key, &m.context, m.flags)?;
        let check = ecdsa::Check { context: &m.context, host: m.host, events: m.events.as_mut() };
        if check.verify(signature, public_key, &mut script_code, &mut m.midstates) {
            next_signature += 1;
        }
        next_key += 1;
    }
    Ok(true)
}
