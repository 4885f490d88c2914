//! What is timed: serialized transactions and the outputs that they spend.

use bitcoin::consensus::encode::{deserialize, serialize};
use bitcoin::{Amount, ScriptBuf, Transaction, TxOut};
use sigstack_interpreter::{Flags, Spend};

use crate::curve::CurveCall;

/// A transaction with what it spends, both as bytes and parsed.
#[derive(Clone, Debug)]
pub struct Case {
    /// The serialized transaction.
    pub bytes: Vec<u8>,
    /// The transaction.
    pub tx: Transaction,
    /// The outputs that its inputs spend, in input order.
    pub prevouts: Vec<TxOut>,
}

impl Case {
    pub(crate) fn new(tx: &Transaction, prevouts: Vec<TxOut>) -> Case {
        Case { bytes: serialize(tx), tx: tx.clone(), prevouts }
    }

    /// Verifies every input from the parsed transaction.
    pub fn verify(&self, flags: Flags) -> bool {
        verify_all(&self.tx, &self.prevouts, flags)
    }

    /// Verifies every input from bytes: the transaction is parsed and the prevouts are built, as the peers do.
    pub fn verify_from_bytes(&self, flags: Flags) -> bool {
        let Ok(tx) = deserialize::<Transaction>(&self.bytes) else { return false };
        let copy = |output: &TxOut| TxOut {
            value: Amount::from_sat(output.value.to_sat()),
            script_pubkey: ScriptBuf::from(output.script_pubkey.to_bytes()),
        };
        let prevouts: Vec<TxOut> = self.prevouts.iter().map(copy).collect();
        verify_all(&tx, &prevouts, flags)
    }

    /// The transaction's weight, in weight units.
    pub fn weight(&self) -> usize {
        weight(&self.tx)
    }

    /// What verification asks of libsecp256k1, in order.
    pub fn curve_calls(&self, flags: Flags) -> Vec<CurveCall> {
        CurveCall::of(self, flags)
    }
}

/// A transaction's weight, in weight units.
pub(crate) fn weight(tx: &Transaction) -> usize {
    usize::try_from(tx.weight().to_wu()).unwrap_or(usize::MAX)
}

fn verify_all(tx: &Transaction, prevouts: &[TxOut], flags: Flags) -> bool {
    let Ok(spend) = Spend::new(tx, prevouts) else { return false };
    spend.verify(flags).is_ok()
}

/// One shape of spend in many variants.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Its name, unique among all workloads.
    pub name: String,
    /// What it verifies under.
    pub flags: Flags,
    /// The variants.
    pub cases: Vec<Case>,
}

impl Workload {
    /// Builds a workload and checks that every variant is valid.
    ///
    /// # Panics
    ///
    /// If one is not.
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
