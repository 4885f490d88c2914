//! Intermediate values of a verification for implementers: digests with their preimages, and the messages that
//! OP_CHECKSIGFROMSTACK checks.

use serde_json::{Value, json};
use sigstack_interpreter::sighash::{self};
use sigstack_interpreter::{
    Event, Inspector, KeyVersion, SignatureCheck, SignedMessage, TapscriptMessage, TxView,
};

/// Inspector that collects the JSON values for the field `values` of a case, in the order of evaluation: the messages
/// of signature checks, and the hashes that opcodes of proposals compute.
pub(super) struct Values<'a> {
    pub(super) view: TxView<'a>,
    pub(super) values: Vec<Value>,
}

impl Inspector for Values<'_> {
    fn event(&mut self, event: &Event) {
        let value = match event {
            Event::Signature(check) => self.of_signature(check),
            Event::Hash(hash) => {
                hash.proposal.vectors.map(|kind| hashed(kind, &hash.message(), &hash.digest))
            }
            _ => None,
        };
        self.values.extend(value);
    }
}

impl Values<'_> {
    /// Returns the JSON value that describes a signature check. `None` for an ECDSA check, because the files omit the
    /// digests of ECDSA signatures.
    fn of_signature(&self, check: &SignatureCheck) -> Option<Value> {
        match &check.signed {
            SignedMessage::Stack => Some(json!({
                "kind": "csfs",
                "key": hex::encode(&check.public_key),
                "message": hex::encode(&check.message),
                "signature": hex::encode(&check.signature),
                "valid": check.valid,
            })),
            SignedMessage::Taproot { message, hash_type } => {
                let mut preimage = Vec::new();
                sighash::taproot::write_message(&self.view, message, *hash_type, &mut preimage)?;
                let scheme = match message.tapscript {
                    None => "bip341",
                    Some(TapscriptMessage { key_version: KeyVersion::Bip342, .. }) => "bip342",
                    Some(TapscriptMessage { key_version: KeyVersion::Bip118, .. }) => "bip118",
                };
                Some(json!({
                    "kind": "sighash",
                    "scheme": scheme,
                    "hash_type": hash_type,
                    "preimage": hex::encode(preimage),
                    "digest": hex::encode(&check.message),
                }))
            }
            SignedMessage::Legacy { .. } | SignedMessage::SegwitV0 { .. } => None,
        }
    }
}

fn hashed(kind: &str, preimage: &[u8], digest: &[u8; 32]) -> Value {
    json!({ "kind": kind, "preimage": hex::encode(preimage), "digest": hex::encode(digest) })
}
