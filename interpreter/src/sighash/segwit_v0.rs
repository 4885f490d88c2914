//! The signature hash of segwit v0 (BIP 143 "Specification").

use sha2::{Digest, Sha256};

use super::{ANYONECANPAY, EcdsaMidstates, EcdsaOutputs};
use crate::message::{MessageSink, outpoint_bytes, write_sized};
use crate::view::{TxView, write_before_outpoint};

/// Returns the BIP 143 signature hash. `script_code` is the script after the last executed `OP_CODESEPARATOR`. For
/// P2WPKH, it is the implied P2PKH script.
pub fn digest(view: &TxView<'_>, script_code: &[u8], hash_type: u32) -> [u8; 32] {
    digest_with(view, script_code, hash_type, &mut EcdsaMidstates::default())
}

/// Returns the BIP 143 signature hash. `midstates` caches hashers for one script code and must not be used with
/// another.
pub(crate) fn digest_with(
    view: &TxView<'_>,
    script_code: &[u8],
    hash_type: u32,
    midstates: &mut EcdsaMidstates,
) -> [u8; 32] {
    midstates.digest(hash_type, || {
        let mut hasher = match Inputs::of(hash_type) {
            Inputs::AllWithSequences => view.cache.segwit_v0(view.tx).before_outpoint.clone(),
            inputs => {
                let mut hasher = Sha256::new();
                inputs.write(view, &mut hasher);
                hasher
            }
        };
        write_from_outpoint(view, script_code, hash_type, &mut hasher);
        hasher
    })
}

/// Writes the message of a segwit v0 signature field by field. Field names are those of BIP 143.
pub fn write_message(view: &TxView<'_>, script_code: &[u8], hash_type: u32, sink: &mut impl MessageSink) {
    Inputs::of(hash_type).write(view, sink);
    write_from_outpoint(view, script_code, hash_type, sink);
    sink.field("hash_type", &hash_type.to_le_bytes());
}

const ZERO: [u8; 32] = [0; 32];

/// Which data of all inputs a BIP 143 hash type commits to: outpoints and nSequences, outpoints only, or neither. A
/// signature always commits to the outpoint and nSequence of its own input.
enum Inputs {
    AllWithSequences,
    All,
    None,
}

impl Inputs {
    fn of(hash_type: u32) -> Inputs {
        match EcdsaOutputs::of(hash_type) {
            _ if hash_type & u32::from(ANYONECANPAY) != 0 => Inputs::None,
            EcdsaOutputs::All => Inputs::AllWithSequences,
            EcdsaOutputs::None | EcdsaOutputs::Single => Inputs::All,
        }
    }

    fn write(&self, view: &TxView<'_>, sink: &mut impl MessageSink) {
        let shared = view.cache.segwit_v0(view.tx);
        let (prevouts, sequences) = match self {
            Inputs::AllWithSequences => (&shared.prevouts, &shared.sequences),
            Inputs::All => (&shared.prevouts, &ZERO),
            Inputs::None => (&ZERO, &ZERO),
        };
        write_before_outpoint(view.tx, prevouts, sequences, sink);
    }
}

/// Writes the fields of a BIP 143 message from the outpoint to nLockTime, which is followed only by the hash type.
fn write_from_outpoint(view: &TxView<'_>, script_code: &[u8], hash_type: u32, sink: &mut impl MessageSink) {
    let TxView { tx, prevouts, input: signer, cache } = *view;
    if let (Some(input), Some(prevout)) = (tx.input.get(signer), prevouts.get(signer)) {
        sink.field("outpoint", &outpoint_bytes(&input.previous_output));
        write_sized(sink, "scriptCode", script_code);
        sink.field("amount", &prevout.value.to_sat().to_le_bytes());
        sink.field("nSequence", &input.sequence.0.to_le_bytes());
    }
    match EcdsaOutputs::of(hash_type) {
        EcdsaOutputs::All => sink.field("hashOutputs", &cache.segwit_v0(tx).outputs),
        EcdsaOutputs::None => sink.field("hashOutputs", &ZERO),
        EcdsaOutputs::Single => match cache.single_output(tx, signer) {
            Some(hash) => sink.field("hashOutputs", &Sha256::digest(hash)),
            None => sink.field("hashOutputs", &ZERO),
        },
    }
    sink.field("nLockTime", &tx.lock_time.to_consensus_u32().to_le_bytes());
}
