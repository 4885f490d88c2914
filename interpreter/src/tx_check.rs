//! [`check_transaction`]: the rules for a transaction that need neither its prevouts nor the chain (Core
//! `CheckTransaction`).

use std::collections::BTreeSet;
use std::fmt;

use bitcoin::{OutPoint, Transaction};

use crate::limits::{MAX_BLOCK_WEIGHT, MAX_MONEY, WITNESS_SCALE_FACTOR};

/// Reason why a transaction is invalid, whatever outputs it spends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TxError {
    /// The transaction has no inputs.
    NoInputs,
    /// The transaction has no outputs.
    NoOutputs,
    /// The transaction without its witness already exceeds the maximum weight of a block.
    Oversize,
    /// An output has a negative amount.
    OutputNegative,
    /// An output has more than 21 million bitcoin.
    OutputTooLarge,
    /// All outputs together have more than 21 million bitcoin.
    OutputTotalTooLarge,
    /// Two inputs spend the same output (CVE-2018-17144).
    DuplicateInputs,
    /// The scriptSig of a coinbase transaction has fewer than 2 or more than 100 bytes.
    CoinbaseLength,
    /// An input of a transaction other than a coinbase has a null prevout.
    NullPrevout,
}

impl TxError {
    /// Returns the reject reason, spelled as in Core.
    pub const fn name(self) -> &'static str {
        match self {
            TxError::NoInputs => "bad-txns-vin-empty",
            TxError::NoOutputs => "bad-txns-vout-empty",
            TxError::Oversize => "bad-txns-oversize",
            TxError::OutputNegative => "bad-txns-vout-negative",
            TxError::OutputTooLarge => "bad-txns-vout-toolarge",
            TxError::OutputTotalTooLarge => "bad-txns-txouttotal-toolarge",
            TxError::DuplicateInputs => "bad-txns-inputs-duplicate",
            TxError::CoinbaseLength => "bad-cb-length",
            TxError::NullPrevout => "bad-txns-prevout-null",
        }
    }
}

impl fmt::Display for TxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::error::Error for TxError {}

/// Checks the rules that depend on nothing but the transaction, in Core's order.
///
/// # Errors
///
/// The first rule that the transaction breaks.
pub fn check_transaction(tx: &Transaction) -> Result<(), TxError> {
    if tx.input.is_empty() {
        return Err(TxError::NoInputs);
    }
    if tx.output.is_empty() {
        return Err(TxError::NoOutputs);
    }
    if tx.base_size() * WITNESS_SCALE_FACTOR > MAX_BLOCK_WEIGHT {
        return Err(TxError::Oversize);
    }
    let mut total = 0u64;
    for output in &tx.output {
        let amount = output.value.to_sat();
        if amount.cast_signed() < 0 {
            return Err(TxError::OutputNegative);
        }
        if amount > MAX_MONEY {
            return Err(TxError::OutputTooLarge);
        }
        // The sum cannot overflow, since `total` and `amount` are at most MAX_MONEY.
        total += amount;
        if total > MAX_MONEY {
            return Err(TxError::OutputTotalTooLarge);
        }
    }
    let mut seen = BTreeSet::new();
    if !tx.input.iter().all(|input| seen.insert(input.previous_output)) {
        return Err(TxError::DuplicateInputs);
    }
    match tx.input.as_slice() {
        [only] if only.previous_output == OutPoint::null() => {
            let length = only.script_sig.len();
            if (2..=100).contains(&length) { Ok(()) } else { Err(TxError::CoinbaseLength) }
        }
        inputs if inputs.iter().any(|input| input.previous_output == OutPoint::null()) => {
            Err(TxError::NullPrevout)
        }
        _ => Ok(()),
    }
}
