//! Types of the functions that the dynamic library of another verifier (a peer) exports. The benchmark and the peers
//! are compiled separately, so all types have a C representation.

use std::ffi::{c_char, c_int};

/// An output that the verified transaction spends.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Prevout {
    /// Pointer to the bytes of the spent scriptPubKey.
    pub script: *const u8,
    /// Length of the spent scriptPubKey in bytes.
    pub script_len: usize,
    /// Amount of the spent output in satoshi.
    pub value: i64,
}

/// Function that verifies the inputs of a serialized transaction in order, under all consensus rules, up to the first
/// invalid input. Returns the number of valid inputs before it. May return -1 if the bytes are not a transaction. Each
/// pointer must be valid for the length that follows it.
pub type VerifyAll = unsafe extern "C" fn(
    tx: *const u8,
    tx_len: usize,
    prevouts: *const Prevout,
    prevout_count: usize,
) -> c_int;

/// Name under which a peer's library exports its function of the type [`VerifyAll`].
pub const VERIFY_ALL: &str = "sigstack_peer_verify_all";

/// Function that returns the name and version of the verifier. The result is a C string that is valid as long as the
/// library is loaded.
pub type Describe = extern "C" fn() -> *const c_char;

/// Name under which a peer's library exports its function of the type [`Describe`].
pub const DESCRIBE: &str = "sigstack_peer_describe";
