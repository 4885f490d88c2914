//! Signature hashes of taproot inputs, and template hashes (BIP 119 and BIP 446).

use bitcoin::{Transaction, TxOut};
use sigstack_interpreter::proposals::{checktemplateverify, templatehash};
use sigstack_interpreter::sighash::taproot;
use sigstack_interpreter::{
    KeyVersion, Spend, TaprootMessage, TapscriptMessage, sighash::annex_hash, taproot::leaf_hash,
};

use crate::error::ChannelError;
use crate::taproot::TAPSCRIPT;
use crate::tx::output;

/// Hash type SIGHASH_DEFAULT (BIP 341), which signs all inputs and outputs and adds no byte to the signature.
pub const DEFAULT: u8 = 0x00;
/// Hash type SIGHASH_ALL with ANYPREVOUT (BIP 118). It does not commit to the spent outpoint.
pub const ALL_ANYPREVOUT: u8 = 0x41;
/// Hash type SIGHASH_ALL with ANYPREVOUTANYSCRIPT (BIP 118). It does not commit to the spent outpoint, its amount or
/// its script.
pub const ALL_ANYPREVOUTANYSCRIPT: u8 = 0xc1;
/// Hash type SIGHASH_NONE with ANYPREVOUTANYSCRIPT (BIP 118). It does not commit to the spent outpoint, its amount or
/// its script, nor to any output of the transaction.
pub const NONE_ANYPREVOUTANYSCRIPT: u8 = 0xc2;
/// Hash type SIGHASH_SINGLE with ANYPREVOUT (BIP 118). It does not commit to the spent outpoint. Of the outputs, it
/// commits only to the one with the same index as the input.
pub const SINGLE_ANYPREVOUT: u8 = 0x43;
/// Hash type SIGHASH_ALL with SIGHASH_ANYONECANPAY. It commits to all outputs, but only to the input that is signed.
pub const ALL_ANYONECANPAY: u8 = 0x81;
/// Hash type SIGHASH_SINGLE with SIGHASH_ANYONECANPAY. It commits only to the input that is signed, and to the output
/// with the same index.
pub const SINGLE_ANYONECANPAY: u8 = 0x83;

fn digest(
    tx: &Transaction,
    prevouts: &[TxOut],
    input: usize,
    message: &TaprootMessage,
    hash_type: u8,
) -> Result<[u8; 32], ChannelError> {
    let spend = Spend::new(tx, prevouts)?;
    taproot::digest(&spend.view(input)?, message, hash_type).ok_or_else(|| {
        ChannelError::refused("the hash type is not defined here, or signs an output that is not there")
    })
}

/// Returns the signature hash of a taproot key path spend.
///
/// # Errors
///
/// [`ChannelError::Usage`] if the input does not exist, or if the number of prevouts is not the number of inputs.
/// [`ChannelError::Refused`] if the hash type is undefined, or signs an output that does not exist.
pub fn key_path(
    tx: &Transaction,
    prevouts: &[TxOut],
    input: usize,
    hash_type: u8,
) -> Result<[u8; 32], ChannelError> {
    key_path_with_annex(tx, prevouts, input, hash_type, None)
}

/// Returns the signature hash of a taproot key path spend whose witness may have an annex.
///
/// # Errors
///
/// The errors of [`key_path`].
pub fn key_path_with_annex(
    tx: &Transaction,
    prevouts: &[TxOut],
    input: usize,
    hash_type: u8,
    annex: Option<&[u8]>,
) -> Result<[u8; 32], ChannelError> {
    let message = TaprootMessage { annex_hash: annex.map(annex_hash), tapscript: None };
    digest(tx, prevouts, input, &message, hash_type)
}

/// Returns the signature hash of a tapscript spend without `OP_CODESEPARATOR`. `leaf` is the leaf script. With
/// `bip118`, the hash is that for a public key of BIP 118, which begins with the byte 0x01.
///
/// # Errors
///
/// The errors of [`key_path`].
pub fn script_path(
    tx: &Transaction,
    prevouts: &[TxOut],
    input: usize,
    leaf: &[u8],
    hash_type: u8,
    bip118: bool,
    annex: Option<&[u8]>,
) -> Result<[u8; 32], ChannelError> {
    let key_version = if bip118 { KeyVersion::Bip118 } else { KeyVersion::Bip342 };
    let tapscript = TapscriptMessage {
        key_version,
        leaf_hash: leaf_hash(TAPSCRIPT, leaf),
        code_separator_position: u32::MAX,
    };
    let message = TaprootMessage { annex_hash: annex.map(annex_hash), tapscript: Some(tapscript) };
    digest(tx, prevouts, input, &message, hash_type)
}

/// Returns the signature hash of the first input for a hash type with ANYPREVOUTANYSCRIPT (BIP 118). The hash is the
/// same for every leaf script and every spent output, so the signature can be reused for another output.
///
/// # Errors
///
/// The errors of [`key_path`].
pub fn rebindable(tx: &Transaction, hash_type: u8) -> Result<[u8; 32], ChannelError> {
    script_path(tx, &nothing_spent(tx), 0, &[], hash_type, true, None)
}

/// Returns one placeholder output for each input. It stands for the spent output in hashes that do not commit to spent
/// outputs.
fn nothing_spent(tx: &Transaction) -> Vec<TxOut> {
    tx.input.iter().map(|_| output(0, bitcoin::ScriptBuf::new())).collect()
}

/// Returns the default template hash of the first input (BIP 119).
///
/// # Errors
///
/// [`ChannelError::Usage`] if the transaction has no input.
pub fn check_template(tx: &Transaction) -> Result<[u8; 32], ChannelError> {
    let prevouts = nothing_spent(tx);
    Ok(checktemplateverify::check_template_digest(&Spend::new(tx, &prevouts)?.view(0)?))
}

/// Returns the template hash of the first input (BIP 446), which also commits to the annex of that input.
///
/// # Errors
///
/// [`ChannelError::Usage`] if the transaction has no input.
pub fn template_hash(tx: &Transaction, annex: Option<&[u8]>) -> Result<[u8; 32], ChannelError> {
    let prevouts = nothing_spent(tx);
    let annex = annex.map(annex_hash);
    Ok(templatehash::template_hash_digest(&Spend::new(tx, &prevouts)?.view(0)?, annex.as_ref()))
}

/// Returns the witness element of a taproot signature: 64 bytes, followed by the hash type unless it is
/// SIGHASH_DEFAULT.
pub fn with_hash_type(signature: [u8; 64], hash_type: u8) -> Vec<u8> {
    let mut bytes = signature.to_vec();
    if hash_type != DEFAULT {
        bytes.push(hash_type);
    }
    bytes
}
