//! Explains failed ECDSA signatures.

use bitcoin::hashes::{Hash, sha256};
use bitcoin::{Amount, TxOut};
use sigstack_interpreter::sighash::{legacy, segwit_v0};
use sigstack_interpreter::{SignatureCheck, SignedMessage, TxCache, TxView, verify_ecdsa};

use super::Facts;
use crate::fields::hash_type_name;
use crate::frame::Explanation;

/// ECDSA hash types that are tried: the six defined ones and 0.
const HASH_TYPES: &[u8] = &[0x01, 0x02, 0x03, 0x81, 0x82, 0x83, 0x00];

/// The data that, together with the transaction, determines the message of an ECDSA signature: script code, hash type,
/// and whether the script is segwit v0.
#[derive(Clone, Copy)]
struct Signed<'c> {
    script_code: &'c [u8],
    hash_type: u8,
    segwit: bool,
}

impl Signed<'_> {
    fn digest(&self, view: &TxView<'_>) -> [u8; 32] {
        let digest = if self.segwit { segwit_v0::digest } else { legacy::digest };
        digest(view, self.script_code, self.hash_type.into())
    }
}

impl Facts<'_> {
    pub(super) fn explain_ecdsa(&self, check: &SignatureCheck) -> Vec<Explanation> {
        let signed = match &check.signed {
            SignedMessage::Legacy { script_code, hash_type } => {
                Signed { script_code, hash_type: *hash_type, segwit: false }
            }
            SignedMessage::SegwitV0 { script_code, hash_type } => {
                Signed { script_code, hash_type: *hash_type, segwit: true }
            }
            SignedMessage::Taproot { .. } | SignedMessage::Stack => return Vec::new(),
        };
        let valid = |digest: [u8; 32]| verify_ecdsa(&check.signature, &check.public_key, &digest);
        let now = |signed: Signed<'_>| valid(signed.digest(&self.view));
        let mut found = Vec::new();
        let mut say = |code, text: String| found.push(Explanation::new(code, text));
        let others = HASH_TYPES.iter().filter(|other| **other != signed.hash_type);
        if let Some(other) = others.copied().find(|other| now(Signed { hash_type: *other, ..signed })) {
            // Hash type 0 is DEFAULT in taproot, but has no name for ECDSA.
            let name = if other == 0 { "none".into() } else { hash_type_name(other) };
            say("other-hash-type", format!("valid with hash type 0x{other:02x} ({name})"));
        }
        if now(Signed { segwit: !signed.segwit, ..signed }) {
            let (made, needed) = if signed.segwit { ("legacy", "BIP 143") } else { ("BIP 143", "legacy") };
            say(
                "other-digest",
                format!("it was made over the {made} digest; this input needs the {needed} one"),
            );
        }
        let spent = self.view.prevouts.get(self.view.input).map(|prevout| prevout.script_pubkey.as_bytes());
        if let Some(script_code) = spent.filter(|spent| *spent != signed.script_code)
            && now(Signed { script_code, ..signed })
        {
            say("script-code", "it was made over the scriptPubKey instead of the script that runs".into());
        }
        if let Some(other) = self.other_inputs().find(|other| valid(signed.digest(other))) {
            say("other-input", format!("it is a signature for input {}", other.input));
        }
        if signed.segwit
            && let Some(amount) = self.other_amount(|view| valid(signed.digest(view)))
        {
            say("other-amount", format!("it was made for an amount of {amount} sat"));
        }
        if valid(sha256::Hash::hash(&check.message).to_byte_array()) {
            say("hashed-twice", "it signs SHA256 of the digest: the digest was hashed once more".into());
        }
        let digest: Option<[u8; 32]> = check.message.as_slice().try_into().ok();
        let other_key = self
            .keys
            .iter()
            .filter(|key| **key != check.public_key)
            .find(|key| digest.is_some_and(|digest| verify_ecdsa(&check.signature, key, &digest)));
        if let Some(key) = other_key {
            say("other-key", format!("it is a signature of another key of this spend: {}", hex::encode(key)));
        }
        found
    }

    /// Returns another amount of the spent output under which the signature would be valid: zero, or the amount of
    /// another prevout. Returns `None` if no such amount is found.
    fn other_amount(&self, valid: impl Fn(&TxView<'_>) -> bool) -> Option<u64> {
        let own = self.view.prevouts.get(self.view.input)?.value;
        let others = self.view.prevouts.iter().map(|prevout| prevout.value);
        let amounts = core::iter::once(Amount::ZERO).chain(others).filter(|amount| *amount != own);
        let amount = amounts.take(super::MAX_CANDIDATES).find(|amount| {
            let mut prevouts: Vec<TxOut> = self.view.prevouts.to_vec();
            if let Some(prevout) = prevouts.get_mut(self.view.input) {
                prevout.value = *amount;
            }
            valid(&TxView { prevouts: &prevouts, cache: &TxCache::default(), ..self.view })
        });
        amount.map(Amount::to_sat)
    }
}
