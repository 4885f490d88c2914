//! The signature hash of taproot and tapscript. The message is defined by BIP 341 and BIP 342 or, for public keys of
//! BIP 118, by BIP 118.

pub(crate) mod message;

use sha2::Digest;

use crate::message::{MessageSink, tags};
use crate::proposals::anyprevout;
use crate::view::TxView;

pub use message::{KeyVersion, TaprootMessage, TapscriptMessage, is_defined};

tags! {
    /// Returns a hasher that has processed the tag of BIP 341 "Common signature message".
    tap_sighash "TapSighash";
}

/// Returns the signature hash of taproot or tapscript; `None` if [`write_message`] returns `None`.
pub fn digest(view: &TxView<'_>, message: &TaprootMessage, hash_type: u8) -> Option<[u8; 32]> {
    let mut hasher = tap_sighash();
    write_message(view, message, hash_type, &mut hasher)?;
    Some(hasher.finalize().into())
}

/// Writes the message of a taproot or tapscript signature without its tag, field by field. Field names are those of the
/// BIPs. Returns `None` if the hash type is not defined, or if it is SIGHASH_SINGLE and the transaction has no output
/// with the input's index.
#[must_use]
pub fn write_message(
    view: &TxView<'_>,
    message: &TaprootMessage,
    hash_type: u8,
    sink: &mut impl MessageSink,
) -> Option<()> {
    if let Some(TapscriptMessage { key_version: KeyVersion::Bip118, .. }) = message.tapscript {
        return anyprevout::write_message(view, message, hash_type, sink);
    }
    message::write(view, message, hash_type, sink)
}
