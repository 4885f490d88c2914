//! Dynamic library that makes bitcoinconsensus available to the benchmarks. bitcoinconsensus takes a serialized
//! transaction and the index of one input, so it parses and hashes the transaction again for each input.

use std::ffi::{c_char, c_int, c_uint};
use std::slice;

use bitcoinconsensus::{Utxo, VERIFY_ALL_PRE_TAPROOT, VERIFY_TAPROOT, verify_with_flags};
use sigstack_peer_abi::{Describe, Prevout, VerifyAll};

const _: (VerifyAll, Describe) = (sigstack_peer_verify_all, sigstack_peer_describe);

/// Verifies the inputs of a transaction in order with bitcoinconsensus. Returns the number of valid inputs before the
/// first invalid one.
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
    let spent: Vec<Utxo> = prevouts
        .iter()
        .map(|prevout| Utxo {
            script_pubkey: prevout.script,
            script_pubkey_len: prevout.script_len as c_uint,
            value: prevout.value,
        })
        .collect();
    let flags = VERIFY_ALL_PRE_TAPROOT | VERIFY_TAPROOT;
    let valid = prevouts.iter().enumerate().take_while(|(input, prevout)| {
        // SAFETY: the caller guarantees that this pointer is valid for this length.
        let script = unsafe { slice::from_raw_parts(prevout.script, prevout.script_len) };
        verify_with_flags(script, prevout.value as u64, tx, Some(&spent), *input, flags).is_ok()
    });
    valid.count() as c_int
}

#[unsafe(no_mangle)]
pub extern "C" fn sigstack_peer_describe() -> *const c_char {
    c"bitcoinconsensus 0.106 (Bitcoin Core 26)".as_ptr()
}
