//! Relay policy of single transactions (Core 31's defaults, but what plays need as a parameter).

use bitcoin::{Script, Transaction, TxOut};

use super::Reject;
use crate::tx::weight;

/// Most weight of a standard transaction (Core `MAX_STANDARD_TX_WEIGHT`).
const MAX_STANDARD_WEIGHT: u64 = 400_000;
/// Fewest bytes of a transaction without its witness (Core `MIN_STANDARD_TX_NONWITNESS_SIZE`).
const MIN_STANDARD_SIZE: usize = 65;
/// Most bytes of an element of a tapscript's initial stack (Core `MAX_STANDARD_TAPSCRIPT_STACK_ITEM_SIZE`).
const MAX_TAPSCRIPT_ITEM: usize = 80;
/// The first byte of an annex.
const ANNEX_TAG: u8 = 0x50;
/// Core's default dust feerate, sat/kvB.
const DUST_FEERATE: u64 = 3_000;

/// Parameters of the mempool. Feerates are in sat/kvB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What a transaction must pay to be relayed. Core's default since 2025: 100.
    pub min_relay: u64,
    /// What a replacement must pay on top for its own size. Core's default since 2025: 100; before: 1,000.
    pub incremental: u64,
    /// Whether an annex is relayed. By default it is not; constructions that publish in it need that it is.
    pub annex: bool,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { min_relay: 100, incremental: 100, annex: false }
    }
}

impl Policy {
    /// The defaults until Core 28.
    pub const BEFORE_2025: Policy = Policy { min_relay: 1_000, incremental: 1_000, annex: false };

    /// The fee of so many virtual bytes at a feerate, rounded up.
    pub fn fee(feerate: u64, vsize: u64) -> u64 {
        feerate.saturating_mul(vsize).div_ceil(1_000)
    }
}

/// The amount below which an output is dust: what it costs to make and spend it at 3 sat/vB (Core `GetDustThreshold`).
pub fn dust_limit(script_pubkey: &Script) -> u64 {
    if script_pubkey.is_op_return() {
        return 0;
    }
    let size = 8 + 1 + script_pubkey.len() as u64;
    // Core takes 67 bytes to spend a witness program, 148 for anything else.
    let spend = if script_pubkey.is_witness_program() { 67 } else { 148 };
    (size + spend) * DUST_FEERATE / 1_000
}

/// Whether an output is dust.
pub(super) fn is_dust(out: &TxOut) -> bool {
    out.value.to_sat() < dust_limit(&out.script_pubkey)
}

/// Virtual bytes.
pub(super) fn vsize(tx: &Transaction) -> u64 {
    weight(tx).div_ceil(4)
}

/// `OP_1 <4e73>`.
pub(super) fn is_p2a(script: &Script) -> bool {
    script.as_bytes() == [0x51, 0x02, 0x4e, 0x73]
}

/// Checks what policy asks of a transaction by itself; dust and fees are checked where their context is known.
pub(super) fn standard(tx: &Transaction, prevouts: &[TxOut], policy: &Policy) -> Result<(), Reject> {
    let refuse = |what| Err(Reject::NonStandard(what));
    if !matches!(tx.version.0, 1..=3) {
        return refuse("version");
    }
    if weight(tx) > MAX_STANDARD_WEIGHT {
        return refuse("tx-size");
    }
    if tx.base_size() < MIN_STANDARD_SIZE {
        return refuse("tx-size-small");
    }
    let known = |script: &Script| {
        script.is_p2tr()
            || script.is_p2wsh()
            || script.is_p2wpkh()
            || script.is_p2pkh()
            || script.is_p2sh()
            || script.is_op_return()
            || is_p2a(script)
    };
    if tx.output.iter().any(|out| !known(&out.script_pubkey)) {
        return refuse("scriptpubkey");
    }
    for (input, prevout) in tx.input.iter().zip(prevouts) {
        let elements: Vec<&[u8]> = input.witness.iter().collect();
        if is_p2a(&prevout.script_pubkey) && !elements.is_empty() {
            return refuse("bad-witness-nonstandard: P2A takes no witness");
        }
        if prevout.script_pubkey.is_p2tr() {
            taproot_witness(&elements, policy)?;
        }
    }
    Ok(())
}

fn taproot_witness(elements: &[&[u8]], policy: &Policy) -> Result<(), Reject> {
    let annex = match elements {
        [_, .., last] => last.first() == Some(&ANNEX_TAG),
        _ => false,
    };
    if annex && !policy.annex {
        return Err(Reject::NonStandard("bad-witness-nonstandard: annex"));
    }
    let elements = elements.split_last().filter(|_| annex).map_or(elements, |(_, rest)| rest);
    // The last two are the script and the control block.
    let stack = elements.len().checked_sub(2).and_then(|size| elements.get(..size)).unwrap_or_default();
    match stack.iter().any(|item| item.len() > MAX_TAPSCRIPT_ITEM) {
        true => Err(Reject::NonStandard("bad-witness-nonstandard: element over 80 bytes")),
        false => Ok(()),
    }
}
