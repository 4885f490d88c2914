//! Builds a transaction that runs a given script, so that the engine can verify a script without a transaction.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::{Hash, hash160, sha256};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use sigstack_interpreter::limits::LEAF_VERSION_TAPSCRIPT;
use sigstack_interpreter::taproot::{self, NUMS_KEY};
use sigstack_interpreter::{CodePoints, Flags, Opcode};

use crate::disasm::push_element;
use crate::explain::tweaked;
use crate::frame::Subject;

/// The kind of output that runs a script given without a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BareContext {
    /// The script is the scriptPubKey itself. The scriptSig pushes the initial stack.
    Legacy,
    /// The script is a P2SH redeem script (BIP 16).
    P2sh,
    /// The script is a P2WSH witness script (BIP 141).
    P2wsh,
    /// The script is the only leaf of a taproot output without a key path (BIP 342).
    Tapscript,
}

/// Fields that a script can read of the transaction that is constructed to run it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BareTx {
    /// nLockTime of the constructed transaction.
    pub lock_time: u32,
    /// nSequence of the only input of the constructed transaction.
    pub sequence: u32,
    /// Amount of the spent output, in satoshi.
    pub amount: u64,
}

impl Default for BareTx {
    fn default() -> BareTx {
        BareTx { lock_time: 0, sequence: 0xffff_fffd, amount: 100_000 }
    }
}

/// Returns a transaction with one input that spends an output of this script, ready to be verified. The elements of
/// `stack` are on the stack when the script starts, the last one on top.
pub fn bare_spend(
    script: &[u8],
    stack: &[Vec<u8>],
    context: BareContext,
    tx: BareTx,
    flags: Flags,
) -> Subject {
    let pushes = |more: Option<&[u8]>| {
        let mut script_sig = Vec::new();
        stack.iter().for_each(|element| push_element(element, &mut script_sig));
        more.into_iter().for_each(|element| push_element(element, &mut script_sig));
        script_sig
    };
    let witness = |last: &[&[u8]]| {
        let mut witness = Witness::from_slice(stack);
        last.iter().for_each(|element| witness.push(element));
        witness
    };
    let program = |version: Opcode, program: &[u8]| {
        let mut script = vec![version.0];
        push_element(program, &mut script);
        script
    };
    let (script_pubkey, script_sig, witness) = match context {
        BareContext::Legacy => (script.to_vec(), pushes(None), Witness::new()),
        BareContext::P2sh => {
            let mut script_pubkey = program(Opcode::OP_HASH160, hash160::Hash::hash(script).as_ref());
            script_pubkey.push(Opcode::OP_EQUAL.0);
            (script_pubkey, pushes(Some(script)), Witness::new())
        }
        BareContext::P2wsh => {
            (program(Opcode::OP_0, sha256::Hash::hash(script).as_ref()), Vec::new(), witness(&[script]))
        }
        BareContext::Tapscript => {
            let leaf = taproot::leaf_hash(LEAF_VERSION_TAPSCRIPT, script);
            // The tweak cannot fail: the NUMS key is a valid key, and a tweak above the order of the curve does not occur in
            // practice.
            let (output_key, is_odd) = tweaked(&NUMS_KEY, Some(leaf)).unwrap_or_default();
            let control = [&[LEAF_VERSION_TAPSCRIPT | u8::from(is_odd)][..], &NUMS_KEY].concat();
            (program(Opcode::OP_1, &output_key), Vec::new(), witness(&[script, &control]))
        }
    };
    let input = TxIn {
        previous_output: OutPoint { txid: Txid::all_zeros(), vout: 0 },
        script_sig: ScriptBuf::from(script_sig),
        sequence: Sequence(tx.sequence),
        witness,
    };
    let amount = Amount::from_sat(tx.amount);
    let output = TxOut { value: amount, script_pubkey: ScriptBuf::from(vec![Opcode::OP_1.0]) };
    Subject {
        tx: Transaction {
            version: Version::TWO,
            lock_time: LockTime::from_consensus(tx.lock_time),
            input: vec![input],
            output: vec![output],
        },
        prevouts: vec![TxOut { value: amount, script_pubkey: ScriptBuf::from(script_pubkey) }],
        input: 0,
        flags,
        code_points: CodePoints::default(),
        internal_key: None,
    }
}

#[cfg(test)]
mod tests {
    use sigstack_interpreter::ScriptError;

    use super::*;
    use crate::assemble::{assemble, assemble_stack};
    use crate::frame::{Frame, Options};
    use crate::trace::Trace;

    /// In every kind of output, the script starts with the given stack and decides the verdict.
    #[test]
    fn scripts_run_on_their_stack_in_every_context() {
        let stack = assemble_stack("<abcd> 2 3 5").unwrap();
        for context in [BareContext::Legacy, BareContext::P2sh, BareContext::P2wsh, BareContext::Tapscript] {
            for (text, error) in [
                ("EQUAL NOT VERIFY DROP DROP 1", None),
                ("EQUALVERIFY DROP DROP 1", Some(ScriptError::EqualVerify)),
            ] {
                let script = assemble(text).unwrap();
                let subject = bare_spend(&script, &stack, context, BareTx::default(), Flags::CONSENSUS);
                let trace = Trace::record(subject, Options::default()).unwrap();
                assert_eq!(trace.verdict.as_ref().err().and_then(|error| error.script_error()), error);
                let mut begins = trace.frames.iter().filter_map(|frame| match frame {
                    Frame::Begin(state) => Some(state.stack.iter().map(|it| it.to_vec()).collect::<Vec<_>>()),
                    _ => None,
                });
                assert_eq!(begins.next_back(), Some(stack.clone()), "{context:?}");
            }
        }
    }
}
