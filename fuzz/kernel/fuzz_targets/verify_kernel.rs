//! Property: the engine accepts a transaction input exactly if Bitcoin Core 31 accepts it. This target is
//! `verify_differential` of the parent package, with the same fuzz inputs and counters, but with libbitcoinkernel as
//! the other verifier.

#![cfg_attr(fuzzing, no_main)]

use bitcoin::consensus::serialize;
use bitcoinkernel::{
    KernelError, PrecomputedTransactionData, ScriptPubkey, ScriptVerifyError, Transaction, TxOut,
    VERIFY_CHECKLOCKTIMEVERIFY, VERIFY_CHECKSEQUENCEVERIFY, VERIFY_DERSIG, VERIFY_NULLDUMMY, VERIFY_P2SH,
    VERIFY_TAPROOT, VERIFY_WITNESS, verify,
};
use sigstack_fuzz::spend::Subject;
use sigstack_fuzz::verify_differential::compare;
use sigstack_interpreter::Flags;

/// Flags that the library libbitcoinkernel supports, which are the consensus flags. Each has its bit in that library.
const BITS: &[(Flags, u32)] = &[
    (Flags::P2SH, VERIFY_P2SH),
    (Flags::DERSIG, VERIFY_DERSIG),
    (Flags::NULLDUMMY, VERIFY_NULLDUMMY),
    (Flags::CHECKLOCKTIMEVERIFY, VERIFY_CHECKLOCKTIMEVERIFY),
    (Flags::CHECKSEQUENCEVERIFY, VERIFY_CHECKSEQUENCEVERIFY),
    (Flags::WITNESS, VERIFY_WITNESS),
    (Flags::TAPROOT, VERIFY_TAPROOT),
];

/// Returns whether libbitcoinkernel accepts the input to verify under `flags`. Returns `None` if the library cannot
/// parse the transaction.
fn accepts(subject: &Subject, flags: Flags) -> Option<bool> {
    let set = BITS.iter().filter(|(flag, _)| flags.contains(*flag));
    let bits = set.fold(0, |bits, (_, bit)| bits | bit);
    let tx = Transaction::new(&serialize(&subject.tx)).ok()?;
    let output = |output: &bitcoin::TxOut| {
        let script = ScriptPubkey::new(output.script_pubkey.as_bytes()).ok()?;
        Some(TxOut::new(&script, output.value.to_sat().cast_signed()))
    };
    let outputs: Vec<TxOut> = subject.prevouts.iter().map(output).collect::<Option<_>>()?;
    let precomputed = PrecomputedTransactionData::new(&tx, &outputs).ok()?;
    let spent = &subject.prevouts[subject.index];
    let script = ScriptPubkey::new(spent.script_pubkey.as_bytes()).ok()?;
    let amount = Some(spent.value.to_sat().cast_signed());
    match verify(&script, amount, &tx, subject.index, Some(bits), &precomputed) {
        Ok(()) => Some(true),
        Err(KernelError::ScriptVerify(ScriptVerifyError::Invalid)) => Some(false),
        Err(error) => panic!("asked wrongly, under {flags}: {error}"),
    }
}

/// Runs the fuzz target `verify_kernel` on one fuzz input. Panics if the verdicts differ.
fn run(bytes: &[u8]) {
    compare(bytes, accepts);
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| run(bytes));

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    sigstack_fuzz::replay::main("verify_kernel", run)
}

#[cfg(test)]
mod tests {
    use sigstack_fuzz::replay::{files, regressions};
    use sigstack_fuzz::{seeds, verify_differential::COUNTS};

    /// Runs the fuzz target on the inputs on which `verify_differential` once failed, and on every transaction input
    /// of the vectors.
    #[test]
    fn vectors_and_regressions_have_the_same_verdict() {
        let folder = regressions("verify_differential");
        for file in if folder.is_dir() { files(&[folder]).unwrap() } else { vec![] } {
            super::run(&std::fs::read(file).unwrap());
        }
        let seeds = seeds::seeds(&seeds::folders()).unwrap();
        seeds["verify_differential"].iter().for_each(|seed| super::run(seed));
        println!("{COUNTS:?}");
        assert!(COUNTS.accepted_tapscripts() > 100, "{COUNTS:?}");
    }
}
