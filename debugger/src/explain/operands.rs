//! Explains opcodes that failed without verifying a signature, and signature opcodes that accept every signature
//! because the key type is unknown.

use sigstack_interpreter::limits::LOCKTIME_THRESHOLD;
use sigstack_interpreter::proposals::checktemplateverify;
use sigstack_interpreter::sighash::taproot;
use sigstack_interpreter::{
    KeyVersion, Opcode, ScriptError, TaprootMessage, TapscriptMessage, TxView, script_num,
};

use super::Facts;
use super::schnorr::is_valid;
use crate::frame::Explanation;
use crate::frame::{SigVersion, Step};
use crate::hints::counted;
use crate::hints::short;

/// Bit of nSequence that disables its meaning as a relative lock (BIP 68 "Specification").
const DISABLED: u32 = 1 << 31;

/// Bit of a relative lock that selects units of 512 seconds instead of blocks (BIP 68 "Specification").
const SEQUENCE_TYPE_FLAG: u32 = 1 << 22;

/// Stack depths of the signature, message and key of a signature opcode, counted from 0 at the top.
struct Operands {
    signature: usize,
    message: Option<usize>,
    key: usize,
}

fn operands(opcode: Opcode) -> Option<Operands> {
    match opcode {
        Opcode::OP_CHECKSIG | Opcode::OP_CHECKSIGVERIFY => {
            Some(Operands { signature: 1, message: None, key: 0 })
        }
        Opcode::OP_CHECKSIGADD => Some(Operands { signature: 2, message: None, key: 0 }),
        Opcode::OP_CHECKSIGFROMSTACK => Some(Operands { signature: 2, message: Some(1), key: 0 }),
        _ => None,
    }
}

fn at(step: &Step, depth: usize) -> Option<&[u8]> {
    step.before.stack.iter().rev().nth(depth).map(|element| &**element)
}

fn looks_like_der(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, length, 0x02, ..] if (usize::from(*length) + 2..=usize::from(*length) + 3).contains(&bytes.len()))
}

impl Facts<'_> {
    /// Explains why an opcode failed without verifying a signature, or why it accepts every signature.
    pub(super) fn explain_operands(&self, step: &Step) -> Vec<Explanation> {
        if let Some(operands) = operands(step.opcode) {
            return self.explain_signature_operands(step, &operands);
        }
        let explanation = match step.result {
            Err(ScriptError::EqualVerify) => self.explain_unequal(step),
            Err(ScriptError::UnsatisfiedLocktime) => {
                return self.explain_lock_kind(step).into_iter().chain(self.explain_lock(step)).collect();
            }
            Err(ScriptError::TemplateMismatch) => self.explain_template(step),
            _ => None,
        };
        explanation.into_iter().collect()
    }

    fn explain_signature_operands(&self, step: &Step, operands: &Operands) -> Vec<Explanation> {
        let (Some(signature), Some(key)) = (at(step, operands.signature), at(step, operands.key)) else {
            return Vec::new();
        };
        let is_tapscript = step.before.sig_version == SigVersion::Tapscript;
        let mut found = Vec::new();
        let mut say = |code, text: String| found.push(Explanation::new(code, text));
        if is_tapscript && step.result.is_ok() {
            if !signature.is_empty() && !matches!(key.len(), 0 | 32) {
                let bytes = counted(key.len(), "byte");
                say(
                    "unknown-key-type",
                    format!("a key of {bytes} is of an unknown type here: every signature is accepted"),
                );
            }
            return found;
        }
        let schnorr_sized = |bytes: &[u8]| matches!(bytes.len(), 64 | 65);
        if is_tapscript {
            if schnorr_sized(key) && signature.len() == 32 {
                let verifies = self.verifies(step, operands, key, signature);
                say("swapped", swapped_text(verifies));
            }
            if looks_like_der(signature) {
                say(
                    "ecdsa",
                    "the signature looks like ECDSA; tapscript takes Schnorr signatures of 64 or 65 bytes"
                        .into(),
                );
            }
            if let [.., 0] = signature
                && signature.len() == 65
                && operands.message.is_none()
            {
                let text =
                    "the hash type 0 must not be written: the signature without its last byte is valid";
                if self.verifies(step, operands, signature.get(..64).unwrap_or_default(), key) {
                    say("explicit-default", text.into());
                }
            }
            if operands.message.is_some() && signature.len() == 65 {
                let verifies = self.verifies(step, operands, signature, key);
                let rest = if verifies { ": without it, it is valid" } else { "" };
                say("hash-type", format!("a signature of a message from the stack has no hash type{rest}"));
            }
            let message = operands.message.and_then(|depth| at(step, depth)).unwrap_or_default();
            if operands.message.is_some() && schnorr_sized(message) && !schnorr_sized(signature) {
                let verifies = is_valid(message, key, signature);
                say("swapped", format!("signature and message: {}", swapped_text(verifies)));
            }
        } else {
            if looks_like_der(key) {
                say("swapped", "the public key looks like a signature: key and signature are swapped".into());
            }
            if schnorr_sized(signature) && !looks_like_der(signature) {
                say(
                    "schnorr",
                    "the signature looks like Schnorr; scripts before tapscript take ECDSA signatures".into(),
                );
            }
            if step.result == Err(ScriptError::SigDer) && is_whole_der(signature) {
                say("hash-type-missing", "the signature has no hash type after its DER encoding".into());
            }
        }
        found
    }

    /// Returns `true` if the signature verifies under `key` for the message that the opcode of `step` checks. The
    /// hash type is the signature's own.
    fn verifies(&self, step: &Step, operands: &Operands, signature: &[u8], key: &[u8]) -> bool {
        if let Some(depth) = operands.message {
            return at(step, depth).is_some_and(|message| is_valid(signature, key, message));
        }
        let Some(leaf_hash) = step.before.leaf_hash else { return false };
        let tapscript = TapscriptMessage {
            key_version: KeyVersion::Bip342,
            leaf_hash,
            code_separator_position: step.before.code_separator_position,
        };
        let message = TaprootMessage { annex_hash: self.annex_hash, tapscript: Some(tapscript) };
        let hash_type = signature.get(64).copied().unwrap_or_default();
        taproot::digest(&self.view, &message, hash_type)
            .is_some_and(|digest| is_valid(signature, key, &digest))
    }

    fn explain_unequal(&self, step: &Step) -> Option<Explanation> {
        let (left, right) = (at(step, 1)?, at(step, 0)?);
        let of = |bytes: &[u8]| match self.known.describe(bytes) {
            what if what.is_empty() => short(bytes),
            what => format!("{} ({what})", short(bytes)),
        };
        let lengths = match left.len() == right.len() {
            true => String::new(),
            false => {
                format!("; they have {} and {}", counted(left.len(), "byte"), counted(right.len(), "byte"))
            }
        };
        Some(Explanation::new("unequal", format!("{} is not {}{lengths}", of(left), of(right))))
    }

    /// Explains a timelock of the wrong kind: the script asks for a block height and the transaction has a time, or
    /// the reverse. The same applies to relative locks in blocks and in time.
    fn explain_lock_kind(&self, step: &Step) -> Option<Explanation> {
        let asked = script_num::decode(at(step, 0)?, 5, false).ok()?;
        let (names, asks_time, has_time) = if step.opcode == Opcode::OP_CHECKLOCKTIMEVERIFY {
            let is_time = |lock: i64| lock >= i64::from(LOCKTIME_THRESHOLD);
            let lock = self.view.tx.lock_time.to_consensus_u32();
            (("nLockTime", ["a block height", "a time"]), is_time(asked), is_time(lock.into()))
        } else {
            let is_time = |lock: i64| lock & i64::from(SEQUENCE_TYPE_FLAG) != 0;
            let sequence = self.view.tx.input.get(self.view.input)?.sequence.0;
            if sequence & DISABLED != 0 {
                return None;
            }
            let kinds = ["a number of blocks", "a time in units of 512 seconds"];
            (("nSequence", kinds), is_time(asked), is_time(sequence.into()))
        };
        let (field, [not_time, time]) = names;
        let kind = |is_time| if is_time { time } else { not_time };
        let text = format!("the script asks for {}, and {field} is {}", kind(asks_time), kind(has_time));
        (asks_time != has_time).then(|| Explanation::new("lock-kind", text))
    }

    fn explain_lock(&self, step: &Step) -> Option<Explanation> {
        let asked = script_num::decode(at(step, 0)?, 5, false).ok()?;
        let input = self.view.tx.input.get(self.view.input)?;
        let sequence = input.sequence.0;
        let text = if step.opcode == Opcode::OP_CHECKLOCKTIMEVERIFY {
            let lock = self.view.tx.lock_time.to_consensus_u32();
            // BIP 65: the opcode fails if "the nSequence field of the txin is 0xffffffff".
            let is_final = if sequence == u32::MAX { ", which disables nLockTime" } else { "" };
            format!(
                "the script asks for nLockTime {asked}; it is {lock}, and the input's nSequence 0x{sequence:08x}{is_final}"
            )
        } else {
            let version = self.view.tx.version.0.cast_unsigned();
            // BIP 112: the opcode fails if "the transaction version is less than 2; or the transaction input sequence
            // number disable flag (1 << 31) is set".
            let disabled = if sequence & DISABLED == 0 { "" } else { ", whose disable bit is set" };
            let old = if version < 2 { ", below 2" } else { "" };
            format!(
                "the script asks for nSequence 0x{asked:08x}; it is 0x{sequence:08x}{disabled}, and the transaction's version {version}{old}"
            )
        };
        Some(Explanation::new("lock", text))
    }

    fn explain_template(&self, step: &Step) -> Option<Explanation> {
        let argument = at(step, 0)?;
        let matches = |view: &TxView<'_>| argument == checktemplateverify::check_template_digest(view);
        let other = self.other_inputs().find(matches)?;
        Some(Explanation::new("other-input", format!("it is the template hash of input {}", other.input)))
    }
}

fn swapped_text(verifies: bool) -> String {
    let also =
        if verifies { "exchanged, the signature verifies" } else { "it would not verify exchanged either" };
    format!("by their sizes the operands are swapped; {also}")
}

fn is_whole_der(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, length, 0x02, ..] if usize::from(*length) + 2 == bytes.len())
}
