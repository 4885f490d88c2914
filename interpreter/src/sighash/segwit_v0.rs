//! The signature hash of segwit v0 (BIP 143 "Specification").

use sha2::{Digest, Sha256};

use super::cache::EcdsaMidstates;
use super::{ANYONECANPAY, EcdsaOutputs, MessageSink, Signing, outpoint_bytes, write_sized};

/// The digest that a signature signs. `script_code` begins after the last executed `OP_CODESEPARATOR`; for P2WPKH it is the
/// implied P2PKH script.
pub fn digest(signing: &Signing<'_>, script_code: &[u8], hash_type: u32) -> [u8; 32] {
    digest_with(signing, script_code, hash_type, &mut EcdsaMidstates::default())
}

/// The digest, from the midstates of this script code.
pub(crate) fn digest_with(
    signing: &Signing<'_>,
    script_code: &[u8],
    hash_type: u32,
    midstates: &mut EcdsaMidstates,
) -> [u8; 32] {
    midstates.digest(hash_type, || {
        let mut hasher = Sha256::new();
        write_all_but_hash_type(signing, script_code, hash_type, &mut hasher);
        hasher
    })
}

/// Writes the message, field by field, under the names that BIP 143 gives them.
pub fn write_message(signing: &Signing<'_>, script_code: &[u8], hash_type: u32, sink: &mut impl MessageSink) {
    write_all_but_hash_type(signing, script_code, hash_type, sink);
    sink.field("hash_type", &hash_type.to_le_bytes());
}

fn write_all_but_hash_type(
    signing: &Signing<'_>,
    script_code: &[u8],
    hash_type: u32,
    sink: &mut impl MessageSink,
) {
    const ZERO: [u8; 32] = [0; 32];
    let Signing { tx, prevouts, input: signer, cache } = *signing;
    let outputs = EcdsaOutputs::of(hash_type);
    let anyone_can_pay = hash_type & u32::from(ANYONECANPAY) != 0;
    let shared = cache.segwit_v0(tx);
    sink.field("nVersion", &tx.version.0.to_le_bytes());
    sink.field("hashPrevouts", if anyone_can_pay { &ZERO } else { &shared.prevouts });
    let signs_sequences = !anyone_can_pay && outputs == EcdsaOutputs::All;
    sink.field("hashSequence", if signs_sequences { &shared.sequences } else { &ZERO });
    if let (Some(input), Some(prevout)) = (tx.input.get(signer), prevouts.get(signer)) {
        sink.field("outpoint", &outpoint_bytes(&input.previous_output));
        write_sized(sink, "scriptCode", script_code);
        sink.field("amount", &prevout.value.to_sat().to_le_bytes());
        sink.field("nSequence", &input.sequence.0.to_le_bytes());
    }
    match outputs {
        EcdsaOutputs::All => sink.field("hashOutputs", &shared.outputs),
        EcdsaOutputs::None => sink.field("hashOutputs", &ZERO),
        EcdsaOutputs::Single => match cache.single_output(tx, signer) {
            Some(hash) => sink.field("hashOutputs", &Sha256::digest(hash)),
            None => sink.field("hashOutputs", &ZERO),
        },
    }
    sink.field("nLockTime", &tx.lock_time.to_consensus_u32().to_le_bytes());
}
