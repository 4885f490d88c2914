//! Description of a case about a whole transaction, before the transaction is created.

use bitcoin::{Amount, ScriptBuf, Transaction, TxOut, Witness};
use serde_json::{Map, Value};
use sigstack_interpreter::{Flags, ScriptError, Spend, TransactionError};
use sigstack_vectors::{Case, Expect, Subject};

use super::group::Draft;
use super::shape::Shape;

/// An input of the tested transaction: its scriptSig, its witness, and the scriptPubKey that it spends.
#[derive(Clone, Debug)]
pub(super) struct Spent {
    pub(super) script_sig: Vec<u8>,
    pub(super) script_pubkey: Vec<u8>,
    pub(super) witness: Vec<Vec<u8>>,
}

impl Spent {
    /// Creates an input with an empty scriptSig and an empty witness that spends this scriptPubKey.
    pub(super) fn bare(script_pubkey: Vec<u8>) -> Spent {
        Spent { script_sig: Vec::new(), script_pubkey, witness: Vec::new() }
    }
}

/// Description of a whole transaction to test: its inputs, its output scripts, and the flags to verify with.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    pub(super) inputs: Vec<Spent>,
    /// The scriptPubKeys of the transaction's outputs.
    pub(super) outputs: Vec<Vec<u8>>,
    pub(super) flags: Flags,
}

/// The verdict that a case about a whole transaction must get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TransactionVerdict {
    Accept,
    /// The transaction is invalid. The input with this index is the first invalid input, and fails with this script
    /// error.
    Input(usize, ScriptError),
    /// The transaction is invalid although every input is valid: it violates the rule with this reject reason.
    Rule(&'static str),
}

impl Whole {
    fn made(&self) -> (Transaction, Vec<TxOut>) {
        let mut shape = Shape::new(self.inputs.len(), self.outputs.len(), 0);
        for (input, spent) in shape.inputs.iter_mut().zip(&self.inputs) {
            input.script_sig.clone_from(&spent.script_sig);
            input.script_pubkey.clone_from(&spent.script_pubkey);
        }
        let mut tx = shape.tx(&[]);
        for (input, spent) in tx.input.iter_mut().zip(&self.inputs) {
            input.witness = Witness::from_slice(&spent.witness);
        }
        for (output, script) in tx.output.iter_mut().zip(&self.outputs) {
            *output =
                TxOut { value: Amount::from_sat(1_000), script_pubkey: ScriptBuf::from(script.clone()) };
        }
        (tx, shape.prevouts())
    }
}

impl Draft for Whole {
    type Verdict = TransactionVerdict;
    const ACCEPT: TransactionVerdict = TransactionVerdict::Accept;

    fn case(
        &self,
        comment: String,
        verdict: TransactionVerdict,
        mut extra: Map<String, Value>,
    ) -> Result<Case, String> {
        let (tx, prevouts) = self.made();
        let spend = Spend::new(&tx, &prevouts).map_err(|error| error.to_string())?;
        let result = spend.verify(self.flags);
        let expect = match (verdict, &result) {
            (TransactionVerdict::Accept, Ok(())) => Expect::Ok,
            (
                TransactionVerdict::Input(wanted, expected),
                Err(TransactionError::Input { input, error, location }),
            ) if *input == wanted && *error == expected => {
                extra.insert("stops_at".into(), format!("input {input}, {location}").into());
                Expect::Error(expected)
            }
            (TransactionVerdict::Rule(wanted), Err(TransactionError::Rule(rule)))
                if rule.name() == wanted =>
            {
                extra.insert("stops_at".into(), "the transaction".into());
                Expect::Rule(wanted)
            }
            _ => return Err(format!("{verdict:?} expected, the engine says {result:?}")),
        };
        let (subject, flags) = (Subject::All, self.flags);
        Ok(Case { id: None, comment, tx, subject, prevouts, flags, expect, extra })
    }
}
