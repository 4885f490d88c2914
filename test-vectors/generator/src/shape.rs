//! Transactions of generated cases, and the fields that a signature or a template may commit to.

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

use bitcoin::hashes::Hash;
use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, absolute, transaction,
};
use sigstack_interpreter::TaprootMessage;

use super::keys::digest_of;

/// A transaction input, and the output that it spends.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub(super) outpoint: OutPoint,
    pub(super) sequence: u32,
    pub(super) script_sig: Vec<u8>,
    pub(super) amount: u64,
    pub(super) script_pubkey: Vec<u8>,
}

/// A transaction without the witness of its inputs, and the outputs that it spends. It can be changed before it is
/// signed.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) version: i32,
    pub(super) lock_time: u32,
    pub(super) inputs: Vec<Input>,
    pub(super) outputs: Vec<(u64, Vec<u8>)>,
    /// Index of the input that the case verifies.
    pub(super) index: usize,
}

impl Shape {
    /// Creates a transaction with this number of inputs and outputs, all different.
    pub(super) fn new(inputs: usize, outputs: usize, index: usize) -> Shape {
        let input = |nth: usize| Input {
            outpoint: outpoint(&format!("prevout {nth}"), nth),
            sequence: 0xffff_fff0 - as_u32(nth),
            script_sig: Vec::new(),
            amount: 100_000 + 1_000 * u64::from(as_u32(nth)),
            script_pubkey: [&[0, 20], &digest_of(&format!("input {nth}"))[..20]].concat(),
        };
        let output = |nth: usize| {
            let script = [&[0, 20], &digest_of(&format!("output {nth}"))[..20]].concat();
            (40_000 + 1_000 * u64::from(as_u32(nth)), script)
        };
        Shape {
            version: 2,
            lock_time: 500,
            inputs: (0..inputs).map(input).collect(),
            outputs: (0..outputs).map(output).collect(),
            index,
        }
    }

    /// Returns the transaction. The verified input has this witness, all other inputs have an empty witness.
    pub(super) fn tx(&self, witness: &[Vec<u8>]) -> Transaction {
        let input = |(nth, input): (usize, &Input)| TxIn {
            previous_output: input.outpoint,
            script_sig: ScriptBuf::from_bytes(input.script_sig.clone()),
            sequence: Sequence(input.sequence),
            witness: if nth == self.index { Witness::from_slice(witness) } else { Witness::new() },
        };
        let output = |(value, script): &(u64, Vec<u8>)| tx_out(*value, script);
        Transaction {
            version: transaction::Version(self.version),
            lock_time: absolute::LockTime::from_consensus(self.lock_time),
            input: self.inputs.iter().enumerate().map(input).collect(),
            output: self.outputs.iter().map(output).collect(),
        }
    }

    /// Returns the outputs that the transaction spends, in input order.
    pub(super) fn prevouts(&self) -> Vec<TxOut> {
        self.inputs.iter().map(|input| tx_out(input.amount, &input.script_pubkey)).collect()
    }

    /// Returns the transaction input that the case verifies.
    pub(super) fn own(&mut self) -> &mut Input {
        // The index is always that of an existing input.
        let index = self.index.min(self.inputs.len().saturating_sub(1));
        &mut self.inputs[index]
    }

    fn other(&mut self) -> &mut Input {
        let index = usize::from(self.index == 0);
        &mut self.inputs[index]
    }
}

fn tx_out(value: u64, script: &[u8]) -> TxOut {
    TxOut { value: Amount::from_sat(value), script_pubkey: ScriptBuf::from_bytes(script.to_vec()) }
}

fn outpoint(name: &str, vout: usize) -> OutPoint {
    OutPoint { txid: Txid::from_byte_array(digest_of(name)), vout: as_u32(vout) }
}

fn as_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A field that a signature or a template hash may commit to: a field of the transaction, of its prevouts or of a
/// tapscript input. Changing the field between signing and verification shows whether the signature commits to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Version,
    LockTime,
    OwnOutpoint,
    OtherOutpoint,
    OwnAmount,
    OtherAmount,
    OwnScriptPubKey,
    OtherScriptPubKey,
    OwnSequence,
    OtherSequence,
    OtherScriptSig,
    InputAdded,
    InputIndex,
    OwnOutput,
    OtherOutput,
    OutputAdded,
    AnnexAdded,
    AnnexChanged,
    Leaf,
    CodeSeparator,
}

impl Field {
    /// Every field of a transaction and of its prevouts that a signature may commit to.
    pub(super) const OF_TX: &'static [Field] = &[
        Field::Version,
        Field::LockTime,
        Field::OwnOutpoint,
        Field::OtherOutpoint,
        Field::OwnAmount,
        Field::OtherAmount,
        Field::OwnScriptPubKey,
        Field::OtherScriptPubKey,
        Field::OwnSequence,
        Field::OtherSequence,
        Field::OtherScriptSig,
        Field::InputAdded,
        Field::InputIndex,
        Field::OwnOutput,
        Field::OtherOutput,
        Field::OutputAdded,
    ];

    /// Fields of a tapscript input that are not fields of the transaction or its prevouts: the annex, the leaf, and the
    /// position of the last OP_CODESEPARATOR.
    pub(super) const OF_TAPSCRIPT: &'static [Field] =
        &[Field::AnnexAdded, Field::AnnexChanged, Field::Leaf, Field::CodeSeparator];

    /// Returns the short name of this transaction field, as used in case ids.
    pub(super) fn slug(self) -> &'static str {
        match self {
            Field::Version => "version",
            Field::LockTime => "locktime",
            Field::OwnOutpoint => "own-outpoint",
            Field::OtherOutpoint => "other-outpoint",
            Field::OwnAmount => "own-amount",
            Field::OtherAmount => "other-amount",
            Field::OwnScriptPubKey => "own-scriptpubkey",
            Field::OtherScriptPubKey => "other-scriptpubkey",
            Field::OwnSequence => "own-sequence",
            Field::OtherSequence => "other-sequence",
            Field::OtherScriptSig => "other-scriptsig",
            Field::InputAdded => "input-added",
            Field::InputIndex => "input-index",
            Field::OwnOutput => "own-output",
            Field::OtherOutput => "other-output",
            Field::OutputAdded => "output-added",
            Field::AnnexAdded => "annex-added",
            Field::AnnexChanged => "annex-changed",
            Field::Leaf => "leaf",
            Field::CodeSeparator => "codeseparator",
        }
    }

    /// Returns a description of the changed field, to follow the words "made for a transaction with".
    pub(super) fn words(self) -> &'static str {
        match self {
            Field::Version => "another nVersion",
            Field::LockTime => "another nLockTime",
            Field::OwnOutpoint => "another outpoint of this input",
            Field::OtherOutpoint => "another outpoint of the other input",
            Field::OwnAmount => "another amount of this prevout",
            Field::OtherAmount => "another amount of the other prevout",
            Field::OwnScriptPubKey => "another scriptPubKey of this prevout",
            Field::OtherScriptPubKey => "another scriptPubKey of the other prevout",
            Field::OwnSequence => "another nSequence of this input",
            Field::OtherSequence => "another nSequence of the other input",
            Field::OtherScriptSig => "a scriptSig of the other input",
            Field::InputAdded => "one input more at the end",
            Field::InputIndex => "this input at another index",
            Field::OwnOutput => "another output of this index",
            Field::OtherOutput => "another output of the other index",
            Field::OutputAdded => "one output more at the end",
            Field::AnnexAdded => "an annex",
            Field::AnnexChanged => "another annex",
            Field::Leaf => "another leaf",
            Field::CodeSeparator => "another position of the last OP_CODESEPARATOR",
        }
    }

    /// Changes this field in the transaction (`shape`), or in the signature message if only the message contains the
    /// field.
    pub(super) fn change(self, shape: &mut Shape, message: &mut TaprootMessage) {
        match self {
            Field::Version => shape.version += 1,
            Field::LockTime => shape.lock_time += 1,
            Field::OwnOutpoint => shape.own().outpoint.vout += 7,
            Field::OtherOutpoint => shape.other().outpoint.vout += 7,
            Field::OwnAmount => shape.own().amount += 1,
            Field::OtherAmount => shape.other().amount += 1,
            Field::OwnScriptPubKey => flip_last(&mut shape.own().script_pubkey),
            Field::OtherScriptPubKey => flip_last(&mut shape.other().script_pubkey),
            Field::OwnSequence => shape.own().sequence -= 16,
            Field::OtherSequence => shape.other().sequence -= 16,
            Field::OtherScriptSig => shape.other().script_sig.push(0x51),
            Field::InputAdded => {
                let mut added = shape.inputs[0].clone();
                added.outpoint.vout += 9;
                shape.inputs.push(added);
            }
            Field::InputIndex => {
                // Two inputs are exchanged together with their prevouts, so that for the verified input only the index
                // differs.
                let other = usize::from(shape.index == 0);
                shape.inputs.swap(shape.index, other);
                shape.index = other;
            }
            Field::OwnOutput => shape.outputs[shape.index].0 += 1,
            Field::OtherOutput => shape.outputs[usize::from(shape.index == 0)].0 += 1,
            Field::OutputAdded => shape.outputs.push((1, vec![0x51])),
            Field::AnnexAdded => message.annex_hash = Some([7; 32]),
            Field::AnnexChanged => message.annex_hash.iter_mut().for_each(|hash| hash[0] ^= 1),
            Field::Leaf => message.tapscript.iter_mut().for_each(|tapscript| tapscript.leaf_hash[0] ^= 1),
            Field::CodeSeparator => {
                message.tapscript.iter_mut().for_each(|tapscript| {
                    tapscript.code_separator_position = tapscript.code_separator_position.wrapping_add(1);
                });
            }
        }
    }
}

fn flip_last(bytes: &mut [u8]) {
    bytes.iter_mut().last().into_iter().for_each(|last| *last ^= 1);
}
