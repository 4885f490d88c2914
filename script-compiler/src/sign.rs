//! Computes the messages that the signatures of a plan sign, given the transaction.

use sigstack_interpreter::proposals::{checktemplateverify, templatehash};
use sigstack_interpreter::sighash::taproot;
use sigstack_interpreter::{KeyVersion, TaprootMessage, TapscriptMessage, TxView};

use crate::atom::Atom;
use crate::compiled::Compiled;
use crate::plan::{Branch, Plan, SignatureKind, Slot};
use crate::value::{Templates, message_bytes};

/// Code separator position of a script in which no `OP_CODESEPARATOR` was executed (BIP 342).
const NO_CODE_SEPARATOR: u32 = 0xffff_ffff;

/// Returns the template hashes of a transaction for the input that `view` selects. The input has no annex.
pub fn templates(view: &TxView<'_>) -> Templates {
    Templates {
        ctv: checktemplateverify::check_template_digest(view),
        template_hash: templatehash::template_hash_digest(view, None),
    }
}

/// Returns the signature hash that a BIP 118 key signs in a leaf, without an annex. Returns `None` if the hash type is
/// not defined.
pub fn bip118_digest(view: &TxView<'_>, leaf_hash: [u8; 32], hash_type: u8) -> Option<[u8; 32]> {
    leaf_digest(view, leaf_hash, KeyVersion::Bip118, hash_type)
}

fn leaf_digest(
    view: &TxView<'_>,
    leaf_hash: [u8; 32],
    key_version: KeyVersion,
    hash_type: u8,
) -> Option<[u8; 32]> {
    let tapscript = TapscriptMessage { key_version, leaf_hash, code_separator_position: NO_CODE_SEPARATOR };
    taproot::digest(view, &TaprootMessage { annex_hash: None, tapscript: Some(tapscript) }, hash_type)
}

impl Compiled {
    /// Returns the bytes that the signature of a slot signs: a signature hash, or a message. Returns `None` if the slot
    /// is not a signature, or if the slot's hash type is not possible in this transaction.
    pub fn signed_bytes(&self, plan: &Plan, slot: &Slot, view: &TxView<'_>) -> Option<Vec<u8>> {
        let leaf_hash = match plan.branch {
            Branch::Key => [0; 32],
            Branch::Leaf(nth) => *self.output.leaf_hashes.get(nth)?,
        };
        match slot {
            Slot::Signature { kind, .. } => {
                let digest = match kind {
                    SignatureKind::KeyPath => {
                        taproot::digest(view, &TaprootMessage { annex_hash: None, tapscript: None }, 0)
                    }
                    SignatureKind::Leaf => leaf_digest(view, leaf_hash, KeyVersion::Bip342, 0),
                    SignatureKind::Rebind(_) => bip118_digest(view, leaf_hash, kind.hash_type()),
                };
                digest.map(|digest| digest.to_vec())
            }
            Slot::MessageSignature { atom, values, .. } => match self.atoms().get(*atom)? {
                Atom::Signed(msg, _) => message_bytes(msg, values, Some(&templates(view))),
                _ => None,
            },
            Slot::Preimage { .. } | Slot::Template | Slot::Lock(_) | Slot::Known(_) => None,
        }
    }
}
