//! Verdicts of Bitcoin Core's own code, version 26, through the crate bitcoinconsensus.

use bitcoin::consensus::serialize;
use bitcoinconsensus as core;
use sigstack_interpreter::Flags;

use crate::spend::Subject;

/// Flags that the crate bitcoinconsensus supports, which are the consensus flags. Each has its bit in that crate.
const BITS: &[(Flags, u32)] = &[
    (Flags::P2SH, core::VERIFY_P2SH),
    (Flags::DERSIG, core::VERIFY_DERSIG),
    (Flags::NULLDUMMY, core::VERIFY_NULLDUMMY),
    (Flags::CHECKLOCKTIMEVERIFY, core::VERIFY_CHECKLOCKTIMEVERIFY),
    (Flags::CHECKSEQUENCEVERIFY, core::VERIFY_CHECKSEQUENCEVERIFY),
    (Flags::WITNESS, core::VERIFY_WITNESS),
    (Flags::TAPROOT, core::VERIFY_TAPROOT),
];

/// Returns whether Bitcoin Core accepts the input to verify under `flags`, which must be consensus flags. Returns
/// `None` if Core cannot parse the transaction.
pub(crate) fn accepts(subject: &Subject, flags: Flags) -> Option<bool> {
    // The crate aborts the process on combinations of flags that Core does not allow.
    assert_eq!(flags.check(), Ok(()));
    assert!(Flags::CONSENSUS.contains(flags), "not of the consensus: {}", flags - Flags::CONSENSUS);
    let set = BITS.iter().filter(|(flag, _)| flags.contains(*flag));
    let bits = set.fold(0, |bits, (_, bit)| bits | bit);
    let output = |output: &bitcoin::TxOut| core::Utxo {
        script_pubkey: output.script_pubkey.as_bytes().as_ptr(),
        script_pubkey_len: output.script_pubkey.len() as u32,
        value: output.value.to_sat().cast_signed(),
    };
    let outputs: Vec<core::Utxo> = subject.prevouts.iter().map(output).collect();
    let spent = &subject.prevouts[subject.index];
    let verdict = core::verify_with_flags(
        spent.script_pubkey.as_bytes(),
        spent.value.to_sat(),
        &serialize(&subject.tx),
        Some(&outputs),
        subject.index,
        bits,
    );
    match verdict {
        Ok(()) => Some(true),
        // ERR_SCRIPT means that there was no other error than a failed script.
        Err(core::Error::ERR_SCRIPT) => Some(false),
        Err(_) => None,
    }
}
