//! ECDSA signatures in legacy and segwit v0 scripts: checks of encodings, the script code, and verification.

use std::borrow::Cow;

use crate::curve;
use crate::event::{Event, SignatureCheck, SignedMessage};
use crate::flags::Flags;
use crate::host::Host;
use crate::instruction::{Instructions, push_prefix};
use crate::machine::Context;
use crate::script_error::ScriptError;
use crate::sighash::EcdsaMidstates;

type Result<T = ()> = core::result::Result<T, ScriptError>;

/// Lowest defined hash type of ECDSA signatures. Without the bit ANYONECANPAY, the defined hash types are the values
/// from `SIGHASH_ALL` to `SIGHASH_SINGLE`.
const SIGHASH_ALL: u8 = 1;
const SIGHASH_SINGLE: u8 = 3;
/// Hash type bit ANYONECANPAY: the signature commits to its own input only, and not to the other inputs.
const SIGHASH_ANYONECANPAY: u8 = 0x80;

/// Returns whether a signature, including its hash type byte, is strict DER (BIP 66 "DER encoding reference"): `0x30
/// [total length] 0x02 [R length] [R] 0x02 [S length] [S] [hash type]`. R and S must not be negative or have unneeded
/// leading zero bytes.
fn is_strict_der(signature: &[u8]) -> bool {
    let Some((_hash_type, der)) = signature.split_last() else { return false };
    let [0x30, total, 0x02, r_length, rest @ ..] = der else { return false };
    if !(9..=73).contains(&signature.len()) || usize::from(*total) != der.len() - 2 {
        return false;
    }
    let Some((r, rest)) = rest.split_at_checked(usize::from(*r_length)) else { return false };
    let [0x02, s_length, s @ ..] = rest else { return false };
    usize::from(*s_length) == s.len() && is_strict_integer(r) && is_strict_integer(s)
}

/// Returns whether `bytes`, the R or S value of a DER signature, are a non-negative integer in its shortest encoding.
fn is_strict_integer(bytes: &[u8]) -> bool {
    match bytes {
        [] => false,
        [0, next, ..] => next & 0x80 != 0,
        [first, ..] => first & 0x80 == 0,
    }
}

/// Checks the encoding of a signature as required by the flags (Core `CheckSignatureEncoding`). An empty signature is
/// allowed: it is a compact way to provide an invalid signature.
pub(crate) fn check_signature_encoding(signature: &[u8], flags: Flags) -> Result {
    let Some((hash_type, der)) = signature.split_last() else { return Ok(()) };
    if flags.intersects(Flags::DERSIG | Flags::LOW_S | Flags::STRICTENC) && !is_strict_der(signature) {
        return Err(ScriptError::SigDer);
    }
    if flags.contains(Flags::LOW_S) && !curve::has_low_s(der) {
        return Err(ScriptError::SigHighS);
    }
    let output_type = hash_type & !SIGHASH_ANYONECANPAY;
    if flags.contains(Flags::STRICTENC) && !(SIGHASH_ALL..=SIGHASH_SINGLE).contains(&output_type) {
        return Err(ScriptError::SigHashtype);
    }
    Ok(())
}

/// Checks the encoding of a public key as required by the flags (Core `CheckPubKeyEncoding`).
pub(crate) fn check_public_key_encoding(public_key: &[u8], context: &Context, flags: Flags) -> Result {
    let compressed = matches!(public_key, [0x02 | 0x03, rest @ ..] if rest.len() == 32);
    let uncompressed = matches!(public_key, [0x04, rest @ ..] if rest.len() == 64);
    if flags.contains(Flags::STRICTENC) && !compressed && !uncompressed {
        return Err(ScriptError::PubkeyType);
    }
    if flags.contains(Flags::WITNESS_PUBKEYTYPE) && matches!(context, Context::WitnessV0) && !compressed {
        return Err(ScriptError::WitnessPubkeyType);
    }
    Ok(())
}

/// Script code: the part of a script that signatures commit to. It starts after the last executed `OP_CODESEPARATOR`.
/// In legacy scripts, pushes of the signatures that are checked are removed from it.
pub(crate) struct ScriptCode<'s> {
    bytes: Cow<'s, [u8]>,
    /// Sighash midstates for this script code, if a signature was removed from it. `None` if no signature was removed:
    /// then the midstates of the running script are used.
    own_midstates: Option<EcdsaMidstates>,
}

impl<'s> ScriptCode<'s> {
    pub(crate) fn new(bytes: &'s [u8]) -> ScriptCode<'s> {
        ScriptCode { bytes: Cow::Borrowed(bytes), own_midstates: None }
    }

    /// Removes every push of `signature` from the script code, since a signature cannot commit to itself.
    ///
    /// # Errors
    ///
    /// [`ScriptError::SigFindAndDelete`] if the script code contains the signature and the flag `CONST_SCRIPTCODE` is set.
    pub(crate) fn remove_signature(&mut self, signature: &[u8], flags: Flags) -> Result {
        let Some(without) = find_and_delete(&self.bytes, signature) else { return Ok(()) };
        if flags.contains(Flags::CONST_SCRIPTCODE) {
            return Err(ScriptError::SigFindAndDelete);
        }
        self.bytes = Cow::Owned(without);
        self.own_midstates = Some(EcdsaMidstates::default());
        Ok(())
    }
}

/// Removes every push of `data` from a script (Core `FindAndDelete`). Only pushes with the shortest length prefix that
/// start at an instruction boundary are removed. Returns the remaining script, or `None` if nothing was removed.
fn find_and_delete(script: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let (prefix, prefix_size) = push_prefix(data.len());
    let prefix = prefix.get(..prefix_size)?;
    let matches_at = |offset: usize| {
        let rest = script.get(offset..).and_then(|rest| rest.strip_prefix(prefix));
        rest.is_some_and(|rest| rest.starts_with(data))
    };
    let mut kept: Option<Vec<u8>> = None;
    let mut instructions = Instructions::new(script);
    let mut kept_from = 0;
    loop {
        let found_at = instructions.offset();
        let mut offset = found_at;
        while matches_at(offset) {
            offset += prefix.len() + data.len();
        }
        if offset != found_at {
            kept.get_or_insert_default()
                .extend_from_slice(script.get(kept_from..found_at).unwrap_or_default());
            kept_from = offset;
            instructions = Instructions::starting_at(script, offset);
        }
        if !matches!(instructions.next(), Some(Ok(_))) {
            break;
        }
    }
    let mut kept = kept?;
    kept.extend_from_slice(script.get(kept_from..).unwrap_or_default());
    Some(kept)
}

/// The parts of a running script's state that the check of an ECDSA signature needs.
pub(crate) struct Check<'c> {
    pub(crate) context: &'c Context,
    pub(crate) host: &'c mut dyn Host,
    pub(crate) events: Option<&'c mut Vec<Event>>,
}

impl Check<'_> {
    /// Returns whether the signature, whose last byte is the hash type, is valid for the public key (Core
    /// `CheckECDSASignature`).
    pub(crate) fn verify(
        self,
        signature: &[u8],
        public_key: &[u8],
        script_code: &mut ScriptCode<'_>,
        midstates: &mut EcdsaMidstates,
    ) -> bool {
        let Some((&hash_type, der)) = signature.split_last() else { return false };
        if !has_known_length(public_key) {
            return false;
        }
        let midstates = script_code.own_midstates.as_mut().unwrap_or(midstates);
        let code = &*script_code.bytes;
        let segwit = matches!(self.context, Context::WitnessV0);
        let digest = if segwit {
            let Some(digest) = self.host.segwit_v0_digest(code, hash_type, midstates) else { return false };
            digest
        } else {
            self.host.legacy_digest(code, hash_type, midstates)
        };
        let valid = self.host.verify_ecdsa(der, public_key, &digest);
        if let Some(events) = self.events {
            let script_code = code.to_vec();
            events.push(Event::Signature(SignatureCheck {
                signature: der.to_vec(),
                public_key: public_key.to_vec(),
                signed: match segwit {
                    true => SignedMessage::SegwitV0 { script_code, hash_type },
                    false => SignedMessage::Legacy { script_code, hash_type },
                },
                message: digest.to_vec(),
                valid,
            }));
        }
        valid
    }
}

/// Returns whether a public key has the length that its first byte implies (Core `CPubKey::IsValid`). Hybrid keys,
/// which begin with 0x06 or 0x07, are accepted.
fn has_known_length(public_key: &[u8]) -> bool {
    match public_key {
        [2 | 3, rest @ ..] => rest.len() == 32,
        [4 | 6 | 7, rest @ ..] => rest.len() == 64,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn find_and_delete_looks_at_instruction_boundaries_only() {
        // Each case, similar to those of Core, gives the script, the data whose pushes are removed, and the expected result.
        let delete = |script: &[u8], data: &[u8]| find_and_delete(script, data);
        assert_eq!(delete(&[0x51, 0x52], &[9]), None);
        assert_eq!(delete(&[1, 9, 0x52], &[9]), Some(vec![0x52]));
        assert_eq!(delete(&[1, 9, 1, 9, 0x52, 1, 9], &[9]), Some(vec![0x52]));
        // Bytes inside the data of another push do not match.
        assert_eq!(delete(&[3, 1, 9, 9], &[9]), None);
        // An empty signature is pushed by OP_0.
        assert_eq!(delete(&[0x51, 0, 0x52], &[]), Some(vec![0x51, 0x52]));
        // The bytes that follow a push that is cut short are kept unchanged.
        assert_eq!(delete(&[1, 9, 5, 1, 9], &[9]), Some(vec![5, 1, 9]));
        // A push of the same data with a longer length prefix does not match.
        assert_eq!(delete(&[0x4c, 1, 9], &[9]), None);
    }

    #[test]
    fn strict_der() {
        let valid = [0x30, 6, 2, 1, 1, 2, 1, 1, 0x01];
        assert!(is_strict_der(&valid));
        for (index, byte) in
            [(0, 0x31), (1, 5), (1, 7), (2, 3), (3, 0), (3, 2), (4, 0x80), (5, 3), (6, 0), (6, 2), (7, 0x80)]
        {
            let mut broken = valid;
            broken[index] = byte;
            assert!(!is_strict_der(&broken), "byte {index} = {byte}");
        }
        assert!(is_strict_der(&[0x30, 7, 2, 2, 0, 0x80, 2, 1, 1, 1]));
        assert!(!is_strict_der(&[0x30, 7, 2, 2, 0, 0x7f, 2, 1, 1, 1]));
        assert!(!is_strict_der(&[0x30, 5, 2, 1, 1, 2, 0, 1]));
        assert!(!is_strict_der(&[]));
    }
}
