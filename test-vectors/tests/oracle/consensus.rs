//! The verdict of Bitcoin Core's own code, through the bitcoinconsensus crate.

use bitcoin::consensus::serialize;
use bitcoinconsensus as core;
use sigstack_interpreter::Flags;
use sigstack_vectors::InputQuestion;

/// The consensus flags, which are all flags that the bitcoinconsensus crate supports.
const BITS: &[(Flags, u32)] = &[
    (Flags::P2SH, core::VERIFY_P2SH),
    (Flags::DERSIG, core::VERIFY_DERSIG),
    (Flags::NULLDUMMY, core::VERIFY_NULLDUMMY),
    (Flags::CHECKLOCKTIMEVERIFY, core::VERIFY_CHECKLOCKTIMEVERIFY),
    (Flags::CHECKSEQUENCEVERIFY, core::VERIFY_CHECKSEQUENCEVERIFY),
    (Flags::WITNESS, core::VERIFY_WITNESS),
    (Flags::TAPROOT, core::VERIFY_TAPROOT),
];

/// Returns whether Core accepts an input. `flags` may contain only consensus flags.
///
/// # Errors
///
/// Returns the error of the bitcoinconsensus crate if Core cannot parse the transaction.
pub(crate) fn core_accepts(question: &InputQuestion, flags: Flags) -> Result<bool, core::Error> {
    // The crate aborts the process if the combination of flags is one that Core does not allow.
    assert_eq!(flags.check(), Ok(()));
    assert!(Flags::CONSENSUS.contains(flags), "not of the consensus: {}", flags - Flags::CONSENSUS);
    let set = BITS.iter().filter(|(flag, _)| flags.contains(*flag));
    let bits = set.fold(0, |bits, (_, bit)| bits | bit);
    let outputs = question.prevouts.iter().map(|output| core::Utxo {
        script_pubkey: output.script_pubkey.as_bytes().as_ptr(),
        script_pubkey_len: output.script_pubkey.len() as u32,
        value: output.value.to_sat() as i64,
    });
    let outputs: Vec<core::Utxo> = outputs.collect();
    let spent = &question.prevouts[question.index];
    let verdict = core::verify_with_flags(
        spent.script_pubkey.as_bytes(),
        spent.value.to_sat(),
        &serialize(&question.tx),
        Some(&outputs),
        question.index,
        bits,
    );
    match verdict {
        Ok(()) => Ok(true),
        // The crate uses ERR_SCRIPT as "no other error", which here means that a script failed.
        Err(core::Error::ERR_SCRIPT) => Ok(false),
        Err(error) => Err(error),
    }
}
