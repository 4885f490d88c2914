//! C interface of the verifier, for fuzzers. `sigstack.h` documents each function.
//!
//! Three small functions convert pointers to slices; all other code is safe. A panic ends the process, which is the
//! desired behaviour in a fuzzer.

use core::ffi::{CStr, c_char};
use core::slice;

use bitcoin::absolute::LockTime;
use bitcoin::consensus::deserialize;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};
use sigstack_interpreter::{
    Context, FLAGS, Flags, MockHost, NoInspector, Question, Spend, Stack, TransactionError, run_script,
};

/// Verdict that the script, the input or the transaction is valid.
pub const VALID: i32 = 1;
/// Verdict that the script, the input or the transaction is invalid.
pub const INVALID: i32 = 0;
/// Return value without a verdict, because the arguments are not meaningful.
pub const ABSTAIN: i32 = -1;

/// An output that the transaction spends.
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

/// Returns memory of the caller as a slice. A null pointer gives an empty slice.
///
/// # Safety
///
/// The pointer must be valid for `length` elements, unless the length is 0 or the pointer is null.
#[allow(unsafe_code, reason = "the caller's memory")]
unsafe fn slice_of<'a, T>(pointer: *const T, length: usize) -> &'a [T] {
    if length == 0 || pointer.is_null() {
        return &[];
    }
    // SAFETY: the caller promises that the pointer is valid for this length.
    unsafe { slice::from_raw_parts(pointer, length) }
}

/// Writes a name as a C string of at most `length` bytes, including the terminating zero. A longer name is truncated.
///
/// # Safety
///
/// The pointer must be null or valid for writing `length` bytes.
#[allow(unsafe_code, reason = "the caller's memory")]
unsafe fn write_name(name: &str, target: *mut c_char, length: usize) {
    let Some(room) = length.checked_sub(1).filter(|_| !target.is_null()) else { return };
    // SAFETY: the caller promises that the pointer is valid for this length.
    let target = unsafe { slice::from_raw_parts_mut(target.cast::<u8>(), length) };
    let copied = name.len().min(room);
    target[..copied].copy_from_slice(&name.as_bytes()[..copied]);
    target[copied] = 0;
}

/// Converts bits to script flags. Returns `None` if a bit is unknown, or if Core does not allow the combination of
/// flags.
fn flags_of(bits: u64) -> Option<Flags> {
    if bits >> FLAGS.len() != 0 {
        return None;
    }
    let set = FLAGS.iter().enumerate().filter(|(nth, _)| bits >> nth & 1 == 1);
    let flags: Flags = set.map(|(_, info)| info.flag).collect();
    flags.check().is_ok().then_some(flags)
}

/// Returns the bit of the script flag with this name, or 0 if there is no such flag.
///
/// # Safety
///
/// `name` must be null or point to a C string.
#[unsafe(no_mangle)]
#[allow(unsafe_code, reason = "the C interface")]
pub unsafe extern "C" fn sigstack_flag(name: *const c_char) -> u64 {
    if name.is_null() {
        return 0;
    }
    // SAFETY: the caller promises that `name` points to a C string.
    let name = unsafe { CStr::from_ptr(name) };
    let flag = name.to_str().ok().and_then(Flags::from_name);
    flag.and_then(|flag| FLAGS.iter().position(|info| info.flag == flag)).map_or(0, |nth| 1 << nth)
}

/// Executes one script on an empty stack. Returns 1 if it succeeds, 0 if it fails and -1 if the arguments are not
/// meaningful.
///
/// # Safety
///
/// The caller must satisfy the requirements in `sigstack.h`.
#[unsafe(no_mangle)]
#[allow(unsafe_code, reason = "the C interface")]
pub unsafe extern "C" fn sigstack_script_eval(
    script: *const u8,
    script_len: usize,
    flags: u64,
    version: usize,
) -> i32 {
    // SAFETY: the caller promises that the pointer is valid for this length.
    let script = unsafe { slice_of(script, script_len) };
    let context = match version {
        0 => Context::Legacy,
        1 => Context::WitnessV0,
        _ => return ABSTAIN,
    };
    let Some(flags) = flags_of(flags).filter(|_| !script.is_empty()) else { return ABSTAIN };
    let mut host =
        MockHost::new(|question| matches!(question, Question::LockTime(_) | Question::Sequence(_)));
    run_script(&mut Stack::new(), script, context, flags, &mut host, &mut NoInspector).is_ok().into()
}

/// Verifies a scriptSig together with the scriptPubKey that it spends, without flags. Returns 1 if they are valid, 0
/// if they are invalid and -1 if one is empty.
///
/// # Safety
///
/// The caller must satisfy the requirements in `sigstack.h`.
#[unsafe(no_mangle)]
#[allow(unsafe_code, reason = "the C interface")]
pub unsafe extern "C" fn sigstack_verify_script(
    script_sig: *const u8,
    script_sig_len: usize,
    script_pubkey: *const u8,
    script_pubkey_len: usize,
) -> i32 {
    // SAFETY: the caller promises that the pointers are valid for these lengths.
    let (script_sig, script_pubkey) =
        unsafe { (slice_of(script_sig, script_sig_len), slice_of(script_pubkey, script_pubkey_len)) };
    if script_sig.is_empty() || script_pubkey.is_empty() {
        return ABSTAIN;
    }
    let input = TxIn {
        previous_output: OutPoint::default(),
        script_sig: ScriptBuf::from(script_sig.to_vec()),
        sequence: Sequence::ZERO,
        witness: Witness::new(),
    };
    let output =
        |script: &[u8]| TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from(script.to_vec()) };
    let tx = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![input],
        output: vec![output(&[])],
    };
    verdict(&tx, &[output(script_pubkey)], None, Flags::NONE).0
}

/// Verifies one input of a transaction, and writes the name of the verdict to `error`.
///
/// # Safety
///
/// The caller must satisfy the requirements in `sigstack.h`.
#[unsafe(no_mangle)]
#[allow(unsafe_code, clippy::too_many_arguments, reason = "the C interface")]
pub unsafe extern "C" fn sigstack_verify_input(
    tx: *const u8,
    tx_len: usize,
    prevouts: *const Prevout,
    prevout_count: usize,
    input: usize,
    flags: u64,
    error: *mut c_char,
    error_len: usize,
) -> i32 {
    // SAFETY: the caller satisfies the requirements in `sigstack.h`, which include those of this function.
    unsafe { verify((tx, tx_len), (prevouts, prevout_count), Some(input), flags, (error, error_len)) }
}

/// Verifies a transaction: every input, and the rules that span several inputs. Writes the name of the verdict to
/// `error`.
///
/// # Safety
///
/// The caller must satisfy the requirements in `sigstack.h`.
#[unsafe(no_mangle)]
#[allow(unsafe_code, reason = "the C interface")]
pub unsafe extern "C" fn sigstack_verify_transaction(
    tx: *const u8,
    tx_len: usize,
    prevouts: *const Prevout,
    prevout_count: usize,
    flags: u64,
    error: *mut c_char,
    error_len: usize,
) -> i32 {
    // SAFETY: the caller satisfies the requirements in `sigstack.h`, which include those of this function.
    unsafe { verify((tx, tx_len), (prevouts, prevout_count), None, flags, (error, error_len)) }
}

/// Verifies the input with index `input`, or the whole transaction if `input` is `None`. Writes the name of the
/// verdict to `error`.
///
/// # Safety
///
/// Each pointer must be valid for its length. The pointer `error` may be null.
#[allow(unsafe_code, reason = "the caller's memory")]
unsafe fn verify(
    (tx, tx_len): (*const u8, usize),
    (prevouts, prevout_count): (*const Prevout, usize),
    input: Option<usize>,
    flags: u64,
    (error, error_len): (*mut c_char, usize),
) -> i32 {
    // SAFETY: the caller promises that the pointers are valid for these lengths.
    let (tx, prevouts) = unsafe { (slice_of(tx, tx_len), slice_of(prevouts, prevout_count)) };
    let output = |prevout: &Prevout| {
        // SAFETY: the caller promises that the pointer is valid for this length.
        let script = unsafe { slice_of(prevout.script, prevout.script_len) };
        TxOut {
            value: Amount::from_sat(prevout.value.cast_unsigned()),
            script_pubkey: ScriptBuf::from(script.to_vec()),
        }
    };
    let prevouts: Vec<TxOut> = prevouts.iter().map(output).collect();
    let (code, name) = match (deserialize::<Transaction>(tx), flags_of(flags)) {
        (Err(_), _) => (ABSTAIN, "not a transaction"),
        (_, None) => (ABSTAIN, "unknown flags, or flags that do not go together"),
        (Ok(tx), Some(flags)) => verdict(&tx, &prevouts, input, flags),
    };
    // SAFETY: the caller promises that the pointer is null or valid for writing this length.
    unsafe { write_name(name, error, error_len) };
    code
}

/// Returns the verdict on the input with index `input`, or on the whole transaction if `input` is `None`. The second
/// value is `OK`, the name of the broken rule, or the reason why there is no verdict.
fn verdict(tx: &Transaction, prevouts: &[TxOut], input: Option<usize>, flags: Flags) -> (i32, &'static str) {
    let verdict = match (Spend::new(tx, prevouts), input) {
        (Err(error), _) => Err(TransactionError::Usage(error)),
        (Ok(spend), Some(input)) => {
            spend.verify_input(input, flags).map(drop).map_err(|error| error.of_input(input))
        }
        (Ok(spend), None) => spend.verify(flags),
    };
    match verdict {
        Ok(()) => (VALID, "OK"),
        Err(error) => match error.name() {
            Some(name) => (INVALID, name),
            None => (ABSTAIN, "no such input, or not a prevout for each input"),
        },
    }
}
