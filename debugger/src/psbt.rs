//! Partially signed transactions of both versions (BIP 174, BIP 370, BIP 371): the fields that a verification needs.

use core::fmt;
use std::collections::BTreeMap;

use bitcoin::absolute::LockTime;
use bitcoin::base64::Engine as _;
use bitcoin::base64::engine::general_purpose::STANDARD;
use bitcoin::consensus::encode::{Decodable, VarInt, deserialize, deserialize_partial};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};

/// A PSBT as far as a verification is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Psbt {
    /// The transaction, with the final scriptSigs and witnesses that there are.
    pub tx: Transaction,
    /// What is known of each input.
    pub inputs: Vec<PsbtInput>,
}

/// An input of a PSBT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PsbtInput {
    /// The output that it spends, if the PSBT has it.
    pub prevout: Option<TxOut>,
    /// Whether it is final, or has the key path signature that makes it so.
    pub is_final: bool,
    /// The internal key of the output that it spends (BIP 371).
    pub internal_key: Option<[u8; 32]>,
}

/// Why bytes are no PSBT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PsbtError {
    /// The map in which the problem is: `global`, `input 0`, ...
    pub map: String,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for PsbtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.map, self.problem)
    }
}

impl core::error::Error for PsbtError {}

const MAGIC: &[u8] = b"psbt\xff";

// BIP 174, BIP 370, BIP 371: key types of the global map, of inputs and of outputs.
const GLOBAL_UNSIGNED_TX: u8 = 0x00;
const GLOBAL_TX_VERSION: u8 = 0x02;
const GLOBAL_FALLBACK_LOCKTIME: u8 = 0x03;
const GLOBAL_INPUT_COUNT: u8 = 0x04;
const GLOBAL_OUTPUT_COUNT: u8 = 0x05;
const GLOBAL_VERSION: u8 = 0xfb;
const IN_NON_WITNESS_UTXO: u8 = 0x00;
const IN_WITNESS_UTXO: u8 = 0x01;
const IN_FINAL_SCRIPTSIG: u8 = 0x07;
const IN_FINAL_SCRIPTWITNESS: u8 = 0x08;
const IN_PREVIOUS_TXID: u8 = 0x0e;
const IN_OUTPUT_INDEX: u8 = 0x0f;
const IN_SEQUENCE: u8 = 0x10;
const IN_REQUIRED_TIME_LOCKTIME: u8 = 0x11;
const IN_REQUIRED_HEIGHT_LOCKTIME: u8 = 0x12;
const IN_TAP_KEY_SIG: u8 = 0x13;
const IN_TAP_INTERNAL_KEY: u8 = 0x17;
const OUT_AMOUNT: u8 = 0x03;
const OUT_SCRIPT: u8 = 0x04;

/// A map of a PSBT. Keys are the whole key, type byte first.
struct Map {
    name: String,
    pairs: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Map {
    fn error(&self, problem: impl fmt::Display) -> PsbtError {
        PsbtError { map: self.name.clone(), problem: problem.to_string() }
    }

    /// The value of a key that is its type alone.
    fn get(&self, key: u8) -> Option<&[u8]> {
        self.pairs.get(&vec![key]).map(Vec::as_slice)
    }

    fn read<T: Decodable>(&self, key: u8, name: &str) -> Result<Option<T>, PsbtError> {
        let read = |bytes| deserialize(bytes).map_err(|error| self.error(format!("{name}: {error}")));
        self.get(key).map(read).transpose()
    }

    fn need<T: Decodable>(&self, key: u8, name: &str) -> Result<T, PsbtError> {
        self.read(key, name)?.ok_or_else(|| self.error(format!("{name} is missing")))
    }
}

/// Takes maps off the front of a PSBT.
struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    fn take_sized(&mut self) -> Result<&'b [u8], String> {
        let (length, read): (VarInt, usize) =
            deserialize_partial(self.rest).map_err(|error| error.to_string())?;
        let length = usize::try_from(length.0).map_err(|_| "a length is too large")?;
        let after = self.rest.get(read..).unwrap_or_default();
        let (taken, rest) = after.split_at_checked(length).ok_or("it ends in the middle of a field")?;
        self.rest = rest;
        Ok(taken)
    }

    fn map(&mut self, name: String) -> Result<Map, PsbtError> {
        let mut map = Map { name, pairs: BTreeMap::new() };
        loop {
            let key = self.take_sized().map_err(|problem| map.error(problem))?;
            if key.is_empty() {
                return Ok(map);
            }
            let value = self.take_sized().map_err(|problem| map.error(problem))?;
            if map.pairs.insert(key.to_vec(), value.to_vec()).is_some() {
                return Err(map.error(format!("the key {} is there twice", hex::encode(key))));
            }
        }
    }
}

impl Psbt {
    /// Reads a PSBT: its bytes, or their base64 or hex.
    ///
    /// # Errors
    ///
    /// [`PsbtError`] tells the map and what is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Psbt, PsbtError> {
        let file = |problem: &str| PsbtError { map: "the PSBT".into(), problem: problem.into() };
        if let Some(rest) = bytes.strip_prefix(MAGIC) {
            return Psbt::read_maps(rest);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| file("neither a PSBT nor text"))?;
        let text: String = text.split_whitespace().collect();
        let decoded = hex::decode(&text).ok().or_else(|| STANDARD.decode(&text).ok());
        let decoded = decoded.ok_or_else(|| file("neither a PSBT, nor base64, nor hex"))?;
        let rest =
            decoded.strip_prefix(MAGIC).ok_or_else(|| file("does not begin with \"psbt\" and 0xff"))?;
        Psbt::read_maps(rest)
    }

    fn read_maps(bytes: &[u8]) -> Result<Psbt, PsbtError> {
        let mut reader = Reader { rest: bytes };
        let global = reader.map("global".into())?;
        let version: u32 = global.read(GLOBAL_VERSION, "PSBT_GLOBAL_VERSION")?.unwrap_or(0);
        let (input_count, output_count, unsigned) = match version {
            0 => {
                let tx: Transaction = global.need(GLOBAL_UNSIGNED_TX, "PSBT_GLOBAL_UNSIGNED_TX")?;
                (tx.input.len(), tx.output.len(), Some(tx))
            }
            2 => {
                let inputs: VarInt = global.need(GLOBAL_INPUT_COUNT, "PSBT_GLOBAL_INPUT_COUNT")?;
                let outputs: VarInt = global.need(GLOBAL_OUTPUT_COUNT, "PSBT_GLOBAL_OUTPUT_COUNT")?;
                // More maps than bytes there are not.
                let count = |count: VarInt| usize::try_from(count.0).unwrap_or(usize::MAX).min(bytes.len());
                (count(inputs), count(outputs), None)
            }
            other => return Err(global.error(format!("version {other}; 0 and 2 exist"))),
        };
        let maps = |reader: &mut Reader<'_>, count: usize, what: &str| {
            (0..count).map(|nth| reader.map(format!("{what} {nth}"))).collect::<Result<Vec<Map>, PsbtError>>()
        };
        let inputs = maps(&mut reader, input_count, "input")?;
        let outputs = maps(&mut reader, output_count, "output")?;
        if !reader.rest.is_empty() {
            return Err(global.error(format!("{} bytes follow the last map", reader.rest.len())));
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

    /// BIP 370: the transaction comes from the maps.
    fn build_v2(global: &Map, inputs: &[Map], outputs: &[Map]) -> Result<Transaction, PsbtError> {
        let version: i32 = global.need(GLOBAL_TX_VERSION, "PSBT_GLOBAL_TX_VERSION")?;
        let fallback: Option<u32> = global.read(GLOBAL_FALLBACK_LOCKTIME, "PSBT_GLOBAL_FALLBACK_LOCKTIME")?;
        let input = |map: &Map| {
            let txid: Txid = map.need(IN_PREVIOUS_TXID, "PSBT_IN_PREVIOUS_TXID")?;
            let vout: u32 = map.need(IN_OUTPUT_INDEX, "PSBT_IN_OUTPUT_INDEX")?;
            let sequence: Option<u32> = map.read(IN_SEQUENCE, "PSBT_IN_SEQUENCE")?;
            let sequence = Sequence(sequence.unwrap_or(u32::MAX));
            Ok(TxIn { previous_output: OutPoint { txid, vout }, sequence, ..TxIn::default() })
        };
        let output = |map: &Map| {
            let value: u64 = map.need(OUT_AMOUNT, "PSBT_OUT_AMOUNT")?;
            let script = map.get(OUT_SCRIPT).ok_or_else(|| map.error("PSBT_OUT_SCRIPT is missing"))?;
            Ok(TxOut { value: Amount::from_sat(value), script_pubkey: ScriptBuf::from(script.to_vec()) })
        };
        let lock_time = lock_time(global, inputs)?.or(fallback).unwrap_or(0);
        Ok(Transaction {
            version: Version(version),
            lock_time: LockTime::from_consensus(lock_time),
            input: inputs.iter().map(input).collect::<Result<_, _>>()?,
            output: outputs.iter().map(output).collect::<Result<_, _>>()?,
        })
    }
}

/// BIP 370 "Determining Lock Time": the highest lock of the kind that every input with a lock has, heights first.
fn lock_time(global: &Map, inputs: &[Map]) -> Result<Option<u32>, PsbtError> {
    let mut locks = Vec::new();
    for map in inputs {
        let height: Option<u32> =
            map.read(IN_REQUIRED_HEIGHT_LOCKTIME, "PSBT_IN_REQUIRED_HEIGHT_LOCKTIME")?;
        let time: Option<u32> = map.read(IN_REQUIRED_TIME_LOCKTIME, "PSBT_IN_REQUIRED_TIME_LOCKTIME")?;
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
        (false, None) => Err(global.error("some inputs need a height as lock time and others a time")),
    }
}

fn read_input(map: &Map, input: &mut TxIn) -> Result<PsbtInput, PsbtError> {
    let script_sig = map.get(IN_FINAL_SCRIPTSIG);
    let witness: Option<Witness> = map.read(IN_FINAL_SCRIPTWITNESS, "PSBT_IN_FINAL_SCRIPTWITNESS")?;
    let key_signature = map.get(IN_TAP_KEY_SIG).map(|signature| Witness::from_slice(&[signature]));
    let is_final = script_sig.is_some() || witness.is_some() || key_signature.is_some();
    input.script_sig = ScriptBuf::from(script_sig.unwrap_or_default().to_vec());
    input.witness = witness.or(key_signature).unwrap_or_default();
    let whole: Option<Transaction> = map.read(IN_NON_WITNESS_UTXO, "PSBT_IN_NON_WITNESS_UTXO")?;
    let mut prevout: Option<TxOut> = map.read(IN_WITNESS_UTXO, "PSBT_IN_WITNESS_UTXO")?;
    if let Some(whole) = whole {
        let OutPoint { txid, vout } = input.previous_output;
        if whole.compute_txid() != txid {
            return Err(map.error("PSBT_IN_NON_WITNESS_UTXO is not the transaction that the input spends"));
        }
        let output = usize::try_from(vout).ok().and_then(|vout| whole.output.get(vout)).cloned();
        let output =
            output.ok_or_else(|| map.error(format!("PSBT_IN_NON_WITNESS_UTXO has no output {vout}")))?;
        if prevout.is_some_and(|prevout| prevout != output) {
            return Err(map.error("PSBT_IN_WITNESS_UTXO is not that output of PSBT_IN_NON_WITNESS_UTXO"));
        }
        prevout = Some(output);
    }
    let internal_key = map.get(IN_TAP_INTERNAL_KEY).and_then(|key| key.try_into().ok());
    Ok(PsbtInput { prevout, is_final, internal_key })
}
