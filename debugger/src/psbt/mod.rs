//! Partially signed transactions of versions 0 and 2 (BIPs 174, 370 and 371).
//!
//! Every field of a PSBT is validated, including fields that a verification does not need. A PSBT that is invalid
//! according to the BIPs causes an error that names the map and the field.

mod fields;
mod map;
mod shape;

use core::fmt;

use bitcoin::absolute::LockTime;
use bitcoin::base64::engine::general_purpose::STANDARD;
use bitcoin::base64::{DecodeError, Engine as _};
use bitcoin::consensus::encode::VarInt;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};

use fields::{
    GLOBAL_FALLBACK_LOCKTIME, GLOBAL_INPUT_COUNT, GLOBAL_OUTPUT_COUNT, GLOBAL_TX_VERSION, GLOBAL_UNSIGNED_TX,
    GLOBAL_VERSION, IN_FINAL_SCRIPTSIG, IN_FINAL_SCRIPTWITNESS, IN_NON_WITNESS_UTXO, IN_OUTPUT_INDEX,
    IN_PREVIOUS_TXID, IN_REQUIRED_HEIGHT_LOCKTIME, IN_REQUIRED_TIME_LOCKTIME, IN_SEQUENCE,
    IN_TAP_INTERNAL_KEY, IN_TAP_KEY_SIG, IN_WITNESS_UTXO, OUT_AMOUNT, OUT_SCRIPT, OUT_SP_V0_INFO, Scope,
};
use map::{Map, Reader};
use shape::unsigned_transaction;

use crate::hints::counted;

/// Describes why a text is not valid base64.
fn base64_problem(error: DecodeError) -> String {
    match error {
        DecodeError::InvalidByte(position, byte) => {
            let char = char::from(byte);
            format!(
                "{char:?} at position {position}, counted from 0 without white space, is no character of base64"
            )
        }
        _ => "the base64 is cut off, or it has a character too many: it comes in groups of four".into(),
    }
}

/// The data of a PSBT that the verification of its inputs needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Psbt {
    /// The transaction, with the final scriptSigs and witnesses of the inputs that have them.
    pub tx: Transaction,
    /// For each input, the previous output, whether the input is finalized, and the taproot internal key.
    pub inputs: Vec<PsbtInput>,
}

/// Data of one PSBT input: the previous output, whether the input is finalized, and the taproot internal key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PsbtInput {
    /// Output that the input spends, if the PSBT contains it.
    pub prevout: Option<TxOut>,
    /// `true` if the input is finalized. Also `true` if the input has a taproot key path signature, because that
    /// signature alone is the final witness.
    pub is_final: bool,
    /// Internal key of the output that the input spends (BIP 371).
    pub internal_key: Option<[u8; 32]>,
}

/// Reason why bytes are not a valid PSBT.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PsbtError {
    /// Map that contains the error: `global`, `input 0`, `output 0`, …; `the PSBT` if the bytes have no maps.
    pub map: String,
    /// Field that contains the error, such as `PSBT_IN_SEQUENCE`. `None` if the error is not in a field that a BIP
    /// defines.
    pub field: Option<String>,
    /// Description of what is wrong in the map or field.
    pub problem: String,
}

impl fmt::Display for PsbtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.map)?;
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.problem)
    }
}

impl core::error::Error for PsbtError {}

const MAGIC: &[u8] = b"psbt\xff";
const NO_PSBT: &str = "neither a PSBT, nor base64, nor hex";

impl Psbt {
    /// Parses a PSBT from its bytes, or from their base64 or hex.
    ///
    /// # Errors
    ///
    /// [`PsbtError`] names the map, the field, and the error.
    pub fn read(bytes: &[u8]) -> Result<Psbt, PsbtError> {
        let file = |problem: &str| PsbtError { map: "the PSBT".into(), field: None, problem: problem.into() };
        if let Some(rest) = bytes.strip_prefix(MAGIC) {
            return Psbt::read_maps(rest);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| file("neither a PSBT nor text"))?;
        let text: String = text.split_whitespace().collect();
        let as_hex = |text: &str| hex::decode(text).map_err(|error| format!("bad hex: {error}"));
        let as_base64 = |text: &str| STANDARD.decode(text).map_err(base64_problem);
        // The magic bytes determine the encoding even if the text is damaged further on.
        let decoded = match text.as_str() {
            damaged if damaged.starts_with("70736274") => as_hex(damaged),
            damaged if damaged.starts_with("cHNidP") => as_base64(damaged),
            other => as_hex(other).or_else(|_| as_base64(other)).map_err(|_| NO_PSBT.into()),
        };
        let decoded = decoded.map_err(|problem| file(&problem))?;
        let rest =
            decoded.strip_prefix(MAGIC).ok_or_else(|| file("does not begin with \"psbt\" and 0xff"))?;
        Psbt::read_maps(rest)
    }

    fn read_maps(bytes: &[u8]) -> Result<Psbt, PsbtError> {
        let mut reader = Reader { rest: bytes };
        let global = reader.map(Scope::Global, "global".into())?;
        let version: u32 = global.read(GLOBAL_VERSION)?.unwrap_or(0);
        if !matches!(version, 0 | 2) {
            return Err(global.field_error(GLOBAL_VERSION, format!("version {version}; 0 and 2 exist")));
        }
        global.check(version)?;
        let (input_count, output_count, unsigned) = match global.get(GLOBAL_UNSIGNED_TX) {
            Some(tx) => {
                let tx = unsigned_transaction(tx)
                    .map_err(|problem| global.field_error(GLOBAL_UNSIGNED_TX, problem))?;
                (tx.input.len(), tx.output.len(), Some(tx))
            }
            None => {
                let inputs: VarInt = global.need(GLOBAL_INPUT_COUNT)?;
                let outputs: VarInt = global.need(GLOBAL_OUTPUT_COUNT)?;
                // The counts need no limit: a PSBT has fewer maps than bytes, and `Reader::map` fails at the end of the
                // bytes.
                let count = |count: VarInt| usize::try_from(count.0).unwrap_or(usize::MAX);
                (count(inputs), count(outputs), None)
            }
        };
        let mut maps = |count: usize, scope: Scope, what: &str| {
            let map = |nth| {
                let name = format!("{what} {nth}");
                if version == 2 && reader.rest.is_empty() {
                    let problem = format!(
                        "there is no such map: the PSBT ends after {nth}, and its {what} count is {count}; the count may be wrong"
                    );
                    return Err(PsbtError { map: name, field: None, problem });
                }
                let map = reader.map(scope, name)?;
                map.check(version)?;
                Ok(map)
            };
            (0..count).map(map).collect::<Result<Vec<Map>, PsbtError>>()
        };
        let inputs = maps(input_count, Scope::Input, "input")?;
        let outputs = maps(output_count, Scope::Output, "output")?;
        if !reader.rest.is_empty() {
            return Err(global.error(format!("{} after the last map", counted(reader.rest.len(), "byte"))));
        }
        let mut tx = match unsigned {
            Some(tx) => tx,
            None => Psbt::build_v2(&global, &inputs, &outputs)?,
        };
        let mut views = Vec::new();
        for (map, input) in inputs.iter().zip(&mut tx.input) {
            views.push(read_input(map, input)?);
        }
        Ok(Psbt { tx, inputs: views })
    }

    /// Builds the transaction of a version 2 PSBT from its maps (BIP 370).
    fn build_v2(global: &Map, inputs: &[Map], outputs: &[Map]) -> Result<Transaction, PsbtError> {
        let version: i32 = global.need(GLOBAL_TX_VERSION)?;
        let fallback: Option<u32> = global.read(GLOBAL_FALLBACK_LOCKTIME)?;
        let input = |map: &Map| {
            let txid: Txid = map.need(IN_PREVIOUS_TXID)?;
            let vout: u32 = map.need(IN_OUTPUT_INDEX)?;
            let sequence: Option<u32> = map.read(IN_SEQUENCE)?;
            let sequence = Sequence(sequence.unwrap_or(u32::MAX));
            Ok(TxIn { previous_output: OutPoint { txid, vout }, sequence, ..TxIn::default() })
        };
        let lock_time = lock_time(global, inputs)?.or(fallback).unwrap_or(0);
        Ok(Transaction {
            version: Version(version),
            lock_time: LockTime::from_consensus(lock_time),
            input: inputs.iter().map(input).collect::<Result<_, _>>()?,
            output: outputs.iter().map(read_output).collect::<Result<_, _>>()?,
        })
    }
}

/// Builds an output of the transaction from its map in a version 2 PSBT.
fn read_output(map: &Map) -> Result<TxOut, PsbtError> {
    let value: u64 = map.need(OUT_AMOUNT)?;
    let script = map.get(OUT_SCRIPT).ok_or_else(|| match map.get(OUT_SP_V0_INFO) {
        // BIP 375: such an output is "sent to a silent payment address … but the script has not yet been computed".
        Some(_) => map.field_error(OUT_SCRIPT, "is missing: the silent payment's script is not computed yet"),
        None => map.field_error(OUT_SCRIPT, "is missing; version 2 requires it"),
    })?;
    Ok(TxOut { value: Amount::from_sat(value), script_pubkey: ScriptBuf::from(script.to_vec()) })
}

/// Returns the lock time of a version 2 PSBT (BIP 370 "Determining Lock Time"): the maximum of the lock times that
/// inputs require. It is a block height if all these inputs accept a height, otherwise a time. Returns `None` if no
/// input requires a lock time. Fails if some inputs accept only a height and others only a time.
fn lock_time(global: &Map, inputs: &[Map]) -> Result<Option<u32>, PsbtError> {
    let mut locks = Vec::new();
    for map in inputs {
        let height: Option<u32> = map.read(IN_REQUIRED_HEIGHT_LOCKTIME)?;
        let time: Option<u32> = map.read(IN_REQUIRED_TIME_LOCKTIME)?;
        if height.is_some() || time.is_some() {
            locks.push((height, time));
        }
    }
    let highest = |locks: Option<Vec<u32>>| locks.and_then(|locks| locks.into_iter().max());
    let heights = highest(locks.iter().map(|(height, _)| *height).collect());
    let times = highest(locks.iter().map(|(_, time)| *time).collect());
    match (locks.is_empty(), heights.or(times)) {
        (true, _) => Ok(None),
        (false, Some(lock)) => Ok(Some(lock)),
        (false, None) => Err(global.error(
            "no lock time suits all inputs: some have only PSBT_IN_REQUIRED_HEIGHT_LOCKTIME, others only \
             PSBT_IN_REQUIRED_TIME_LOCKTIME",
        )),
    }
}

fn read_input(map: &Map, input: &mut TxIn) -> Result<PsbtInput, PsbtError> {
    let script_sig = map.get(IN_FINAL_SCRIPTSIG);
    let witness: Option<Witness> = map.read(IN_FINAL_SCRIPTWITNESS)?;
    let key_signature = map.get(IN_TAP_KEY_SIG).map(|signature| Witness::from_slice(&[signature]));
    let is_final = script_sig.is_some() || witness.is_some() || key_signature.is_some();
    input.script_sig = ScriptBuf::from(script_sig.unwrap_or_default().to_vec());
    input.witness = witness.or(key_signature).unwrap_or_default();
    let internal_key = map.get(IN_TAP_INTERNAL_KEY).and_then(|key| key.try_into().ok());
    Ok(PsbtInput { prevout: read_prevout(map, input.previous_output)?, is_final, internal_key })
}

/// Returns the output that an input spends, or `None` if the PSBT does not contain it. If both `PSBT_IN_WITNESS_UTXO`
/// and `PSBT_IN_NON_WITNESS_UTXO` contain the output, they must agree.
fn read_prevout(map: &Map, outpoint: OutPoint) -> Result<Option<TxOut>, PsbtError> {
    let prevout: Option<TxOut> = map.read(IN_WITNESS_UTXO)?;
    let Some(whole) = map.read::<Transaction>(IN_NON_WITNESS_UTXO)? else { return Ok(prevout) };
    let OutPoint { txid, vout } = outpoint;
    let wrong = |problem: String| map.field_error(IN_NON_WITNESS_UTXO, problem);
    let found = whole.compute_txid();
    if found != txid {
        return Err(wrong(format!("is transaction {found}; the input spends {txid}")));
    }
    let output = usize::try_from(vout).ok().and_then(|vout| whole.output.get(vout)).cloned();
    let output = output.ok_or_else(|| wrong(format!("has no output {vout}, which the input spends")))?;
    if prevout.is_some_and(|prevout| prevout != output) {
        let problem = format!("is not output {vout} of PSBT_IN_NON_WITNESS_UTXO");
        return Err(map.field_error(IN_WITNESS_UTXO, problem));
    }
    Ok(Some(output))
}
