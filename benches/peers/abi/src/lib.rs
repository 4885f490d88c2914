//! What a peer's dynamic library exports, and the types of it. Host and peers are compiled apart, so all of it is plain C.

use std::ffi::{c_char, c_int};

/// An output that the transaction spends.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Prevout {
    /// The scriptPubKey.
    pub script: *const u8,
    /// Its length in bytes.
    pub script_len: usize,
    /// The amount in satoshis.
    pub value: i64,
}

/// Verifies every input of a serialized transaction under all consensus rules, in order, up to the first that is not
/// valid. Returns how many are valid, or -1 if the bytes are no transaction. Pointers must be valid for the lengths
/// beside them.
pub type VerifyAll = unsafe extern "C" fn(
    tx: *const u8,
    tx_len: usize,
    prevouts: *const Prevout,
    prevout_count: usize,
) -> c_int;

/// The name under which a peer exports its [`VerifyAll`].
pub const VERIFY_ALL: &str = "sigstack_peer_verify_all";

/// The name and version of the verifier: a C string that lives as long as the library.
pub type Describe = extern "C" fn() -> *const c_char;

/// The name under which a peer exports its [`Describe`].
pub const DESCRIBE: &str = "sigstack_peer_describe";
