//! Dynamic library that makes libbitcoinkernel available to the benchmarks. It parses the transaction once, and
//! computes the hashes that its inputs share once.

use std::ffi::{c_char, c_int};
use std::slice;

use bitcoinkernel::prelude::TxOutExt;
use bitcoinkernel::{PrecomputedTransactionData, ScriptPubkey, Transaction, TxOut, VERIFY_ALL, verify};
use sigstack_peer_abi::{Describe, Prevout, VerifyAll};

const _: (VerifyAll, Describe) = (sigstack_peer_verify_all, sigstack_peer_describe);

/// Verifies the inputs of a transaction in order with libbitcoinkernel. Returns the number of valid inputs before the
/// first invalid one, or -1 if the bytes are not a transaction.
///
/// # Safety
///
/// The requirements are those of [`VerifyAll`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigstack_peer_verify_all(
    tx: *const u8,
    tx_len: usize,
    prevouts: *const Prevout,
    prevout_count: usize,
) -> c_int {
    // SAFETY: the caller guarantees that the pointers are valid for these lengths.
    let (tx, prevouts) =
        unsafe { (slice::from_raw_parts(tx, tx_len), slice::from_raw_parts(prevouts, prevout_count)) };
    let Ok(tx) = Transaction::new(tx) else { return -1 };
    let mut spent = Vec::with_capacity(prevouts.len());
    for prevout in prevouts {
        // SAFETY: the caller guarantees that this pointer is valid for this length.
        let script = unsafe { slice::from_raw_parts(prevout.script, prevout.script_len) };
        let Ok(script) = ScriptPubkey::new(script) else { return -1 };
        spent.push(TxOut::new(&script, prevout.value));
    }
    let Ok(precomputed) = PrecomputedTransactionData::new(&tx, &spent) else { return -1 };
    let valid = spent.iter().enumerate().take_while(|(input, output)| {
        let script = output.script_pubkey();
        verify(&script, Some(output.value()), &tx, *input, Some(VERIFY_ALL), &precomputed).is_ok()
    });
    valid.count() as c_int
}

#[unsafe(no_mangle)]
pub extern "C" fn sigstack_peer_describe() -> *const c_char {
    c"libbitcoinkernel of bitcoinkernel 0.3 (Bitcoin Core 31)".as_ptr()
}
