//! The functions that a peer's dynamic library exports, and their types. The host and the peers are compiled separately, so
//! all types have a C representation.

use std::ffi::{c_char, c_int};

/// An output that the transaction spends.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Prevout {
    /// Pointer to the bytes of the scriptPubKey.
    pub script: *const u8,
    /// Length of the scriptPubKey in bytes.
    pub script_len: usize,
    /// Amount in satoshi.
    pub value: i64,
}

/// Verifies the inputs of a serialized transaction in order, under all consensus rules, up to the first invalid one. Returns
/// the number of valid inputs before it, or -1 if the bytes are not a transaction. Each pointer must be valid for the length
/// that follows it.
pub type VerifyAll = unsafe extern "C" fn(
    tx: *const u8,
    tx_len: usize,
    prevouts: *const Prevout,
    prevout_count: usize,
) -> c_int;

/// Name under which a peer exports its [`VerifyAll`].
pub const VERIFY_ALL: &str = "sigstack_peer_verify_all";

/// Returns the name and version of the verifier, as a C string that is valid as long as the library is loaded.
pub type Describe = extern "C" fn() -> *const c_char;

/// Name under which a peer exports its [`Describe`].
pub const DESCRIBE: &str = "sigstack_peer_describe";
