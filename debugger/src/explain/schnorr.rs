//! Explains failed Schnorr signatures, of transactions and of messages from the stack.

use bitcoin::hashes::{Hash, sha256, sha256d};
use bitcoin::secp256k1::{Scalar, Secp256k1, XOnlyPublicKey};
use sigstack_interpreter::sighash::taproot;
use sigstack_interpreter::taproot::leaf_hash;
use sigstack_interpreter::{
    KeyVersion, SignatureCheck, SignedMessage, TaprootMessage, TapscriptMessage, TxView, verify_schnorr,
};

use super::Facts;
use crate::fields::hash_type_name;
use crate::frame::Explanation;
use crate::frame::Step;
use crate::hints::short;

/// Every valid hash type of a Schnorr signature. The hash types of BIP 118 come last.
const HASH_TYPES: &[u8] = &[0x00, 0x01, 0x02, 0x03, 0x81, 0x82, 0x83, 0x41, 0x42, 0x43, 0xc1, 0xc2, 0xc3];

/// Returns `true` if the Schnorr signature verifies under the key for the message. Only the first 64 bytes of
/// `signature` are used.
pub(super) fn is_valid(signature: &[u8], key: &[u8], message: &[u8]) -> bool {
    let (Some(signature), Ok(key)) = (signature.first_chunk::<64>(), key.try_into()) else { return false };
    verify_schnorr(signature, key, message)
}

/// Returns the x coordinate of a key that is x-only, compressed, or a BIP 118 key. Returns `None` for other bytes.
fn x_only(key: &[u8]) -> Option<&[u8]> {
    match key {
        [0x01..=0x03, x @ ..] if x.len() == 32 => Some(x),
        _ if key.len() == 32 => Some(key),
        _ => None,
    }
}

impl Facts<'_> {
    /// Explains a failed signature of a transaction, on the key path or in tapscript.
    pub(super) fn explain_schnorr(&self, check: &SignatureCheck) -> Vec<Explanation> {
        let SignedMessage::Taproot { message, hash_type } = check.signed else { return Vec::new() };
        let (signature, key) = (check.signature.as_slice(), check.public_key.as_slice());
        let valid = |view: &TxView<'_>, message: &TaprootMessage, hash_type| {
            taproot::digest(view, message, hash_type).is_some_and(|digest| is_valid(signature, key, &digest))
        };
        let mut found = Vec::new();
        let others = HASH_TYPES.iter().filter(|other| **other != hash_type);
        if let Some(other) = others.copied().find(|other| valid(&self.view, &message, *other)) {
            found.push(Explanation::new(
                "other-hash-type",
                format!("valid with hash type 0x{other:02x} ({})", hash_type_name(other)),
            ));
        }
        for (code, text, changed) in self.other_messages(&message) {
            if valid(&self.view, &changed, hash_type) {
                found.push(Explanation::new(code, text));
            }
        }
        if let Some(other) = self.other_inputs().find(|other| valid(other, &message, hash_type)) {
            found.push(Explanation::new(
                "other-input",
                format!("it is a signature for input {}", other.input),
            ));
        }
        if is_valid(signature, key, sha256::Hash::hash(&check.message).as_ref()) {
            found.push(Explanation::new(
                "hashed-twice",
                "it signs SHA256 of the digest: the digest was hashed once more",
            ));
        }
        found.extend(self.other_key(check));
        found
    }

    /// Returns other messages that a signer may have signed by mistake. Each element has the explanation's code, its
    /// text, and the message.
    fn other_messages(&self, message: &TaprootMessage) -> Vec<(&'static str, String, TaprootMessage)> {
        let mut others = Vec::new();
        if message.annex_hash.is_some() {
            others.push((
                "annex",
                "it was made without the annex".into(),
                TaprootMessage { annex_hash: None, ..*message },
            ));
        }
        let Some(tapscript) = message.tapscript else { return others };
        let key_path = TaprootMessage { tapscript: None, ..*message };
        others.push((
            "key-path",
            "it was made for the key path, without the extension of tapscript".into(),
            key_path,
        ));
        let with = |tapscript| TaprootMessage { tapscript: Some(tapscript), ..*message };
        let (key_version, name) = match tapscript.key_version {
            KeyVersion::Bip342 => (KeyVersion::Bip118, "1, as for a key of BIP 118"),
            KeyVersion::Bip118 => (KeyVersion::Bip342, "0, as for a key of BIP 342"),
        };
        let other_version = with(TapscriptMessage { key_version, ..tapscript });
        others.push(("key-version", format!("it was made with key_version {name}"), other_version));
        // Likely mistakes: the first byte of the control block including its parity bit, another version above 0xc0, 0, and
        // 1.
        let versions = || (0xc0..=u8::MAX).chain([0, 1]);
        let leaf_hashes = self
            .tapscript
            .iter()
            .flat_map(|script| versions().map(move |version| (version, leaf_hash(version, script))));
        for (version, leaf_hash) in leaf_hashes.filter(|(_, hash)| *hash != tapscript.leaf_hash) {
            let changed = with(TapscriptMessage { leaf_hash, ..tapscript });
            let text = format!("it was made with leaf version 0x{version:02x} in the tapleaf hash");
            others.push(("sighash-leaf-version", text, changed));
        }
        for position in self.separators.iter().filter(|it| **it != tapscript.code_separator_position) {
            let changed = with(TapscriptMessage { code_separator_position: *position, ..tapscript });
            others.push(("code-separator", format!("it was made with codesep_pos {position}"), changed));
        }
        others
    }

    /// Explains that the signature is valid under another key than the checked one. Tries the internal key, the
    /// internal key with a tweak, the checked key with a tweak, and the keys in the witness and the scripts. Returns
    /// `None` if the signature is valid under none of these keys.
    fn other_key(&self, check: &SignatureCheck) -> Option<Explanation> {
        let valid = |key: &[u8]| is_valid(&check.signature, key, &check.message);
        if let Some(internal_key) = self.internal_key.filter(|key| valid(key)) {
            let name = hex::encode(internal_key);
            return Some(Explanation::new(
                "tweak-missing",
                format!(
                    "it is a signature of the internal key {name}: the tweak with the root was not added"
                ),
            ));
        }
        for (root, name) in [(None, "without a tree"), (self.merkle_root, "with the root of the tree")] {
            let key = self.internal_key.and_then(|key| tweaked(&key, root));
            if key.is_some_and(|(key, _)| valid(&key)) {
                return Some(Explanation::new(
                    "other-tweak",
                    format!("it is a signature of the internal key tweaked {name}"),
                ));
            }
        }
        let own: Option<[u8; 32]> = check.public_key.as_slice().try_into().ok();
        if own.and_then(|key| tweaked(&key, None)).is_some_and(|(key, _)| valid(&key)) {
            return Some(Explanation::new(
                "key-tweaked",
                "it is a signature of this key tweaked as in BIP 86: the tweak is too much",
            ));
        }
        let key = self.keys.iter().filter_map(|key| x_only(key)).find(|key| valid(key))?;
        Some(Explanation::new(
            "other-key",
            format!("it is a signature of another key of this spend: {}", hex::encode(key)),
        ))
    }

    /// Explains a failed signature of a message from the stack (BIP 348).
    pub(super) fn explain_from_stack(&self, check: &SignatureCheck, step: Option<&Step>) -> Vec<Explanation> {
        let (signature, message, key) = (&check.signature, &check.message, &check.public_key);
        let mut found = Vec::new();
        for (text, hash) in [
            ("SHA256 of the message", sha256::Hash::hash(message).to_byte_array()),
            ("SHA256(SHA256(message))", sha256d::Hash::hash(message).to_byte_array()),
        ] {
            if is_valid(signature, key, &hash) {
                let text = format!("it signs {text}; the opcode does not hash the message");
                found.push(Explanation::new("message-hashed", text));
            }
        }
        if let Some((function, preimage)) = self.known.preimage(message)
            && is_valid(signature, key, preimage)
        {
            let text =
                format!("it signs {}, of which the message is the {function}: hashed twice", short(preimage));
            found.push(Explanation::new("hashed-twice", text));
        }
        if is_valid(message, key, signature) {
            found.push(Explanation::new(
                "swapped",
                "signature and message are swapped: exchanged, it verifies",
            ));
        }
        if let Some(hash_type) = step.and_then(|step| self.signs_transaction(check, step)) {
            let text = format!(
                "it is a signature of the transaction ({}), not of the message",
                hash_type_name(hash_type)
            );
            found.push(Explanation::new("signs-transaction", text));
        }
        found.extend(self.other_key(check));
        found
    }

    /// Returns the hash type with which a signature for OP_CHECKSIGFROMSTACK is instead a valid signature of the
    /// transaction. Returns `None` if there is no such hash type.
    fn signs_transaction(&self, check: &SignatureCheck, step: &Step) -> Option<u8> {
        let message = TaprootMessage {
            annex_hash: self.annex_hash,
            tapscript: Some(TapscriptMessage {
                key_version: KeyVersion::Bip342,
                leaf_hash: step.before.leaf_hash?,
                code_separator_position: step.before.code_separator_position,
            }),
        };
        let signs = |hash_type: &&u8| {
            taproot::digest(&self.view, &message, **hash_type)
                .is_some_and(|digest| is_valid(&check.signature, &check.public_key, &digest))
        };
        HASH_TYPES.iter().find(signs).copied()
    }
}

/// Returns the internal key tweaked with this Merkle root, and whether the Y coordinate of the tweaked key is odd
/// (BIP 341 "Constructing and spending Taproot outputs"). Returns `None` if the key or the tweak is invalid.
pub(crate) fn tweaked(internal_key: &[u8; 32], root: Option<[u8; 32]>) -> Option<([u8; 32], bool)> {
    let tweak = sigstack_interpreter::taproot::tweak_hash(internal_key, root.as_ref());
    let key = XOnlyPublicKey::from_slice(internal_key).ok()?;
    let tweak = Scalar::from_be_bytes(tweak).ok()?;
    let (key, parity) = key.add_tweak(&Secp256k1::verification_only(), &tweak).ok()?;
    Some((key.serialize(), parity == bitcoin::secp256k1::Parity::Odd))
}
