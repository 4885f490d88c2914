//! Transactions whose verification is timed ([`Case`]), and groups of them that differ only in keys and signatures
//! ([`Workload`]).

use bitcoin::consensus::encode::{deserialize, serialize};
use bitcoin::{Amount, ScriptBuf, Transaction, TxOut};
use sigstack_interpreter::{Flags, Spend};

use crate::curve::CurveCall;

/// A transaction whose verification is timed, both serialized and parsed, with the outputs that it spends.
#[derive(Clone, Debug)]
pub struct Case {
    /// Serialization of the transaction to verify.
    pub bytes: Vec<u8>,
    /// The transaction to verify, parsed.
    pub tx: Transaction,
    /// Outputs that the transaction spends, in input order.
    pub prevouts: Vec<TxOut>,
}

impl Case {
    pub(crate) fn new(tx: &Transaction, prevouts: Vec<TxOut>) -> Case {
        Case { bytes: serialize(tx), tx: tx.clone(), prevouts }
    }

    /// Verifies every input of the parsed transaction. Returns whether all are valid.
    pub fn verify(&self, flags: Flags) -> bool {
        verify_all(&self.tx, &self.prevouts, flags)
    }

    /// Verifies every input of the serialized transaction. Returns whether all are valid. This parses the transaction
    /// and builds the prevouts first, as the other verifiers do.
    pub fn verify_from_bytes(&self, flags: Flags) -> bool {
        let Ok(tx) = deserialize::<Transaction>(&self.bytes) else { return false };
        let copy = |output: &TxOut| TxOut {
            value: Amount::from_sat(output.value.to_sat()),
            script_pubkey: ScriptBuf::from(output.script_pubkey.to_bytes()),
        };
        let prevouts: Vec<TxOut> = self.prevouts.iter().map(copy).collect();
        verify_all(&tx, &prevouts, flags)
    }

    /// Returns the weight of this transaction in weight units.
    pub fn weight(&self) -> usize {
        weight(&self.tx)
    }

    /// Returns the calls to libsecp256k1 that the verification of this transaction makes, in order.
    pub fn curve_calls(&self, flags: Flags) -> Vec<CurveCall> {
        CurveCall::of(&self.tx, &self.prevouts, flags)
    }
}

/// Returns the weight of a transaction in weight units.
pub(crate) fn weight(tx: &Transaction) -> usize {
    usize::try_from(tx.weight().to_wu()).unwrap_or(usize::MAX)
}

fn verify_all(tx: &Transaction, prevouts: &[TxOut], flags: Flags) -> bool {
    let Ok(spend) = Spend::new(tx, prevouts) else { return false };
    spend.verify(flags).is_ok()
}

/// One kind of transaction in many variants, which differ in keys and signatures.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Name of the workload, unique among all workloads.
    pub name: String,
    /// Script flags under which the transactions are verified.
    pub flags: Flags,
    /// The variants of the transaction, which differ in keys and signatures.
    pub cases: Vec<Case>,
}

impl Workload {
    /// Builds a workload and verifies that every variant is valid. `build` returns the variant with a given index.
    ///
    /// # Panics
    ///
    /// If a variant is invalid.
    pub fn new(
        name: impl Into<String>,
        flags: Flags,
        variants: usize,
        build: impl Fn(usize) -> Case,
    ) -> Workload {
        let name = name.into();
        let cases: Vec<Case> = (0..variants).map(build).collect();
        assert!(cases.iter().all(|case| case.verify_from_bytes(flags)), "{name} is not valid");
        Workload { name, flags, cases }
    }
}
