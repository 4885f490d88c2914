//! Describes what the bytes on a stack are likely to be.

use core::fmt;
use std::collections::BTreeMap;

use bitcoin::hashes::{Hash, hash160, ripemd160, sha1, sha256, sha256d};
use bitcoin::secp256k1::{PublicKey, XOnlyPublicKey};
use sigstack_interpreter::limits::MAX_NUM_SIZE;
use sigstack_interpreter::taproot::{ControlBlock, annex};
use sigstack_interpreter::{Phase, TxView, script_num};

use crate::fields::hash_type_name;
use crate::frame::{Commitment, Frame, StepEvent};

/// Maximum number of values that are hashed to recognize the preimage of a hash.
const MAX_PREIMAGES: usize = 4_096;

/// Names and hash preimages of values that occurred in a verification.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// For each value with a known meaning, its name, such as `internal key`.
    names: BTreeMap<Vec<u8>, String>,
    /// For each hash whose preimage occurred in the verification, the name of the hash function and the preimage.
    hashes: BTreeMap<Vec<u8>, (&'static str, Vec<u8>)>,
}

impl Known {
    /// Records the name of a value, unless the value already has one.
    pub(crate) fn name(&mut self, value: &[u8], name: &str) {
        self.names.entry(value.to_vec()).or_insert_with(|| name.to_owned());
    }

    /// Records five hashes of a value, so that a later hash can be traced to this preimage.
    fn hash(&mut self, value: &[u8]) {
        // An empty element occurs in many places, so its hash does not show which element was hashed.
        if value.is_empty() || self.hashes.len() >= 5 * MAX_PREIMAGES {
            return;
        }
        let hashes = [
            ("SHA256", sha256::Hash::hash(value).to_byte_array().to_vec()),
            ("HASH256", sha256d::Hash::hash(value).to_byte_array().to_vec()),
            ("HASH160", hash160::Hash::hash(value).to_byte_array().to_vec()),
            ("RIPEMD160", ripemd160::Hash::hash(value).to_byte_array().to_vec()),
            ("SHA1", sha1::Hash::hash(value).to_byte_array().to_vec()),
        ];
        for (function, hash) in hashes {
            self.hashes.entry(hash).or_insert_with(|| (function, value.to_vec()));
        }
    }

    /// Returns the name of the hash function and the preimage of a hash. Returns `None` if no preimage of the hash
    /// occurred in the verification.
    pub fn preimage(&self, hash: &[u8]) -> Option<(&'static str, &[u8])> {
        self.hashes.get(hash).map(|(function, preimage)| (*function, preimage.as_slice()))
    }

    /// Collects names and hashes from the verified input and from the recorded frames.
    pub(crate) fn learn_of(&mut self, view: &TxView<'_>, frames: &[Frame]) {
        if let Some(input) = view.tx.input.get(view.input) {
            if frames.iter().any(|frame| matches!(frame, Frame::Commitment(_))) {
                self.learn_of_script_path(&input.witness);
            }
            for (nth, element) in input.witness.iter().enumerate() {
                self.hash(element);
                if element.len() > MAX_NUM_SIZE {
                    self.name(element, &format!("witness element {nth}"));
                }
            }
        }
        if let Some(prevout) = view.prevouts.get(view.input)
            && let Some(output_key) = output_key(prevout.script_pubkey.as_bytes())
        {
            self.name(output_key, "taproot output key");
        }
        for frame in frames {
            self.learn_of_frame(frame);
        }
    }

    /// Names the last elements of a script path witness: leaf script, control block and annex (BIP 341 "Script
    /// validation rules").
    fn learn_of_script_path(&mut self, witness: &bitcoin::Witness) {
        let has_annex = annex(witness.len(), witness.last()).is_some();
        let names = ["annex", "control block", "leaf script"].into_iter().skip(usize::from(!has_annex));
        for (name, nth) in names.zip((0..witness.len()).rev()) {
            if let Some(element) = witness.nth(nth).filter(|element| element.len() > MAX_NUM_SIZE) {
                self.name(element, name);
            }
        }
    }

    fn learn_of_frame(&mut self, frame: &Frame) {
        match frame {
            Frame::Commitment(Commitment::Leaf { hash, .. }) => self.name(hash, "tapleaf hash"),
            Frame::Commitment(Commitment::Branch { hash, .. }) => self.name(hash, "tapbranch hash"),
            Frame::Commitment(Commitment::Tweak { internal_key, .. }) => {
                self.name(internal_key, "internal key")
            }
            Frame::Step(step) => {
                if step.before.exec
                    && let Some(top) = step.before.stack.last()
                {
                    self.hash(top);
                }
                for event in &step.events {
                    match event {
                        StepEvent::Hash(report) => self.name(&report.digest, report.name),
                        StepEvent::Signature(_) => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// Describes in a few words what an element may be. Returns an empty string if nothing is known.
    pub fn describe(&self, element: &[u8]) -> String {
        if let Some((function, preimage)) = self.preimage(element) {
            return format!("{function} of {}", short(preimage));
        }
        if let Some(name) = self.names.get(element)
            && !name.starts_with("witness")
        {
            return name.clone();
        }
        shape(element)
    }
}

/// Returns the output key of a taproot scriptPubKey, or `None` for other scripts.
fn output_key(script: &[u8]) -> Option<&[u8; 32]> {
    match script {
        [0x51, 0x20, key @ ..] => key.try_into().ok(),
        _ => None,
    }
}

/// Formats a number and a noun in singular or plural: `1 byte`, `2 bytes`.
pub fn counted(number: impl fmt::Display, thing: &str) -> String {
    let number = number.to_string();
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

/// Formats an element in a few characters: a short one in full, a longer one as its first and last bytes and its
/// length.
pub fn short(element: &[u8]) -> String {
    const ENDS: usize = 4;
    match element.len() {
        0 => "\"\"".into(),
        1..=12 => hex::encode(element),
        length => {
            let (start, end) = (element.get(..ENDS), element.get(length - ENDS..));
            let [start, end] = [start, end].map(|part| hex::encode(part.unwrap_or_default()));
            format!("{start}..{end}({length})")
        }
    }
}

/// Describes what an element looks like, from its bytes alone.
fn shape(element: &[u8]) -> String {
    match element {
        [] => "0, false".into(),
        [_] | [_, _] | [_, _, _] | [_, _, _, _] => number(element),
        [_, _, _, _, _] => number(element),
        [0x02 | 0x03, rest @ ..] if rest.len() == 32 && PublicKey::from_slice(element).is_ok() => {
            "public key".into()
        }
        [0x01, rest @ ..] if rest.len() == 32 => "public key of BIP 118".into(),
        [0x04, rest @ ..] if rest.len() == 64 && PublicKey::from_slice(element).is_ok() => {
            "uncompressed public key".into()
        }
        [0x30, .., hash_type] if (9..=73).contains(&element.len()) => {
            format!("ECDSA signature, {}", hash_type_name(*hash_type))
        }
        _ if element.len() == 64 => "Schnorr signature".into(),
        [.., hash_type] if element.len() == 65 => {
            format!("Schnorr signature, {}", hash_type_name(*hash_type))
        }
        _ if is_text(element) => format!("{:?}", String::from_utf8_lossy(element)),
        _ if element.len() == 32 && XOnlyPublicKey::from_slice(element).is_ok() => {
            "hash or x-only key".into()
        }
        _ if element.len() == 32 => "hash (no key)".into(),
        _ if element.len() == 20 => "20-byte hash".into(),
        _ => String::new(),
    }
}

fn number(element: &[u8]) -> String {
    let number = script_num::decode(element, 5, true).map(|number| number.to_string());
    match (number, is_text(element) && element.len() > 2) {
        (Ok(number), true) => format!("{number} or {:?}", String::from_utf8_lossy(element)),
        (Ok(number), false) => number,
        (Err(_), true) => format!("{:?}", String::from_utf8_lossy(element)),
        (Err(_), false) if !script_num::is_true(element) => "false, not a minimal number".into(),
        (Err(_), false) => "true, not a minimal number".into(),
    }
}

fn is_text(element: &[u8]) -> bool {
    element.iter().all(|byte| matches!(byte, 0x20..=0x7e))
}

/// Describes what a phase of the verification is about to check.
pub(crate) fn phase_notes(view: &TxView<'_>, phase: Phase) -> Vec<String> {
    let (Some(input), Some(prevout)) = (view.tx.input.get(view.input), view.prevouts.get(view.input)) else {
        return Vec::new();
    };
    let elements = input.witness.len();
    match phase {
        Phase::ScriptPubKey => vec![format!("spends {} sat", prevout.value.to_sat())],
        Phase::WitnessProgram => vec![format!("the witness has {}", counted(elements, "element"))],
        Phase::KeyPath => vec!["one witness element beside the annex: a signature of the output key".into()],
        Phase::TaprootCommitment => taproot_notes(&input.witness),
        Phase::Tapscript => {
            let size = input.witness.size();
            vec![format!("validation weight for signatures: 50 + {size} bytes of witness")]
        }
        _ => Vec::new(),
    }
}

fn taproot_notes(witness: &bitcoin::Witness) -> Vec<String> {
    let has_annex = annex(witness.len(), witness.last()).is_some();
    let length = witness.len() - usize::from(has_annex);
    let control = length.checked_sub(1).and_then(|last| witness.nth(last)).unwrap_or_default();
    let shape = match ControlBlock::parse(control) {
        Ok(control) => format!(
            "control block: leaf version 0x{:02x}, output key {}, Merkle path of {}",
            control.leaf_version,
            if control.output_key_is_odd { "odd" } else { "even" },
            match control.path().len() {
                1 => "1 hash".to_owned(),
                hashes => format!("{hashes} hashes"),
            }
        ),
        Err(_) => {
            format!("control block: {}, which is no size of a control block", counted(control.len(), "byte"))
        }
    };
    let stack = length.saturating_sub(2);
    let annex = if has_annex { ", annex" } else { "" };
    let stack = counted(stack, "stack element");
    vec![format!("witness: {stack}, leaf script, control block{annex}"), shape]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_shortened_by_their_middle() {
        assert_eq!(short(&[]), "\"\"");
        assert_eq!(short(&[1, 0xab]), "01ab");
        assert_eq!(short(&[0x11; 12]).len(), 24);
        assert_eq!(short(&[0x11; 13]), "11111111..11111111(13)");
    }

    #[test]
    fn shapes() {
        let key = [
            &[2][..],
            &hex::decode("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798").unwrap(),
        ]
        .concat();
        let mut known = Known::default();
        let of = |known: &Known, element: &[u8]| known.describe(element);
        assert_eq!(of(&known, &[]), "0, false");
        assert_eq!(of(&known, &[0x81]), "-1");
        assert_eq!(of(&known, &[0x80]), "false, not a minimal number");
        assert_eq!(of(&known, &[1, 0]), "true, not a minimal number");
        assert_eq!(of(&known, b"abc"), "6513249 or \"abc\"");
        assert_eq!(of(&known, b"message"), "\"message\"");
        assert_eq!(of(&known, &key), "public key");
        assert_eq!(of(&known, &[&[1][..], &key[1..]].concat()), "public key of BIP 118");
        assert_eq!(of(&known, &key[1..]), "hash or x-only key");
        assert_eq!(of(&known, &[0; 32]), "hash (no key)");
        assert_eq!(of(&known, &[7; 65]), "Schnorr signature, undefined 0x07");
        known.hash(b"message");
        let hash = sha256::Hash::hash(b"message").to_byte_array();
        assert_eq!(of(&known, &hash), "SHA256 of 6d657373616765");
        known.name(&key[1..], "internal key");
        assert_eq!(of(&known, &key[1..]), "internal key");
    }
}
