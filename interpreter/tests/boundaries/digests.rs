//! Tests of digests for transactions whose counts, lengths and indices need more than one byte. The expected digests come
//! from rust-bitcoin or from messages of the BIPs written out in this file.

use bitcoin::consensus::encode::{VarInt, serialize};
use bitcoin::hashes::{Hash, HashEngine, sha256, sha256d};
use bitcoin::sighash::{Annex, Prevouts, SighashCache, TapSighashType};
use bitcoin::taproot::{LeafVersion, TapLeafHash};
use bitcoin::{Script, Transaction, TxOut};
use sigstack_interpreter::proposals::{checktemplateverify, templatehash};
use sigstack_interpreter::sighash::{annex_hash, legacy, segwit_v0, taproot};
use sigstack_interpreter::taproot::leaf_hash;
use sigstack_interpreter::{Flags, KeyVersion, Spend, TaprootMessage, TapscriptMessage};

use crate::{CODESEPARATOR, TRUE, run, tapscript, transaction};

/// Numbers of inputs and outputs of the tested transactions, around the values at which a CompactSize gets longer.
const COUNTS: [(u32, u32); 8] =
    [(1, 1), (252, 253), (253, 252), (300, 254), (65_535, 1), (65_536, 1), (1, 65_535), (1, 65_536)];

/// Script lengths to test, around the values at which a CompactSize gets longer.
const LENGTHS: [usize; 8] = [0, 1, 252, 253, 254, 255, 65_535, 65_536];

/// ECDSA hash types to test: ALL, NONE and SINGLE, with and without ANYONECANPAY, and some with bits that are ignored.
const ECDSA_HASH_TYPES: [u8; 10] = [0x01, 0x02, 0x03, 0x81, 0x82, 0x83, 0x00, 0x61, 0x63, 0xe3];

/// Returns the input indices to test: the first, the last, and those around the value at which an index no longer fits
/// one byte.
fn indices(tx: &Transaction) -> Vec<usize> {
    let few = tx.input.len() <= 300;
    let wanted: &[usize] = if few { &[0, 1, 252, 253, 255, 256, 257] } else { &[256] };
    let last = tx.input.len() - 1;
    wanted.iter().copied().filter(|index| *index < last).chain([last]).collect()
}

fn rust_bitcoin_legacy(tx: &Transaction, input: usize, script_code: &[u8], hash_type: u8) -> [u8; 32] {
    let cache = SighashCache::new(tx);
    let script_code = Script::from_bytes(script_code);
    cache.legacy_signature_hash(input, script_code, hash_type.into()).unwrap().to_byte_array()
}

#[test]
fn legacy_counts_and_indices() {
    for (inputs, outputs) in COUNTS {
        let (tx, prevouts) = transaction(inputs, outputs);
        let spend = Spend::new(&tx, &prevouts).unwrap();
        for input in indices(&tx) {
            let view = spend.view(input).unwrap();
            for hash_type in if inputs + outputs < 1000 { &ECDSA_HASH_TYPES[..] } else { &[1, 3] } {
                let theirs = rust_bitcoin_legacy(&tx, input, &[TRUE], *hash_type);
                let ours = [
                    legacy::digest(&view, &[TRUE], u32::from(*hash_type)),
                    legacy::naive_digest(&view, &[TRUE], u32::from(*hash_type)),
                ];
                assert_eq!(
                    ours, [theirs; 2],
                    "{inputs} inputs, {outputs} outputs, {input}, {hash_type:#04x}"
                );
            }
        }
    }
}

#[test]
fn legacy_script_codes_with_their_lengths() {
    let (tx, prevouts) = transaction(2, 2);
    let spend = Spend::new(&tx, &prevouts).unwrap();
    let view = spend.view(1).unwrap();
    for length in LENGTHS {
        let signed = vec![TRUE; length];
        // Code separators are not part of the message, and the length does not count them.
        let mut script_code = vec![CODESEPARATOR; 2];
        script_code.extend(&signed);
        script_code.insert(2 + length / 2, CODESEPARATOR);
        for hash_type in [1, 0x83] {
            let theirs = rust_bitcoin_legacy(&tx, 1, &signed, hash_type);
            assert_eq!(legacy::digest(&view, &script_code, hash_type.into()), theirs, "{length} bytes");
        }
    }
}

#[test]
fn outputs_with_the_lengths_of_their_scripts() {
    for length in LENGTHS {
        let (mut tx, mut prevouts) = transaction(2, 2);
        tx.output[1].script_pubkey = vec![TRUE; length].into();
        prevouts[1].script_pubkey = vec![TRUE; length].into();
        let spend = Spend::new(&tx, &prevouts).unwrap();
        let view = spend.view(1).unwrap();
        for hash_type in [0x01, 0x03] {
            let theirs = rust_bitcoin_legacy(&tx, 1, &[TRUE], hash_type);
            assert_eq!(legacy::digest(&view, &[TRUE], hash_type.into()), theirs, "legacy, {length} bytes");
            let expected = bip143(&tx, &prevouts, 1, &[TRUE], hash_type);
            assert_eq!(segwit_v0::digest(&view, &[TRUE], hash_type.into()), expected, "v0, {length} bytes");
        }
        for hash_type in [0x01, 0x03, 0x81] {
            compare_taproot(&tx, &prevouts, 1, None, hash_type);
        }
    }
}

/// Computes the signature hash of BIP 143 "Specification" without any cache.
fn bip143(tx: &Transaction, prevouts: &[TxOut], index: usize, script_code: &[u8], hash_type: u8) -> [u8; 32] {
    let double = |bytes: Vec<u8>| sha256d::Hash::hash(&bytes).to_byte_array();
    let (anyone_can_pay, outputs) = (hash_type & 0x80 != 0, hash_type & 0x1f);
    let zero = [0; 32];
    let inputs = || tx.input.iter();
    let hash_prevouts = match anyone_can_pay {
        true => zero,
        false => double(inputs().flat_map(|input| serialize(&input.previous_output)).collect()),
    };
    let hash_sequence = match anyone_can_pay || outputs == 2 || outputs == 3 {
        true => zero,
        false => double(inputs().flat_map(|input| serialize(&input.sequence)).collect()),
    };
    let hash_outputs = match (outputs, tx.output.get(index)) {
        (2, _) | (3, None) => zero,
        (3, Some(output)) => double(serialize(output)),
        _ => double(tx.output.iter().flat_map(serialize).collect()),
    };
    let message = [
        serialize(&tx.version),
        hash_prevouts.to_vec(),
        hash_sequence.to_vec(),
        serialize(&tx.input[index].previous_output),
        serialize(&VarInt::from(script_code.len())),
        script_code.to_vec(),
        serialize(&prevouts[index].value),
        serialize(&tx.input[index].sequence),
        hash_outputs.to_vec(),
        serialize(&tx.lock_time),
        u32::from(hash_type).to_le_bytes().to_vec(),
    ];
    double(message.concat())
}

/// Tests BIP 143 signature hashes with all hash types. No output has the index of the last of the three inputs.
#[test]
fn segwit_v0_with_every_hash_type() {
    let (tx, prevouts) = transaction(3, 2);
    let spend = Spend::new(&tx, &prevouts).unwrap();
    for index in 0..3 {
        for hash_type in 0..=255 {
            let ours = segwit_v0::digest(&spend.view(index).unwrap(), &[TRUE], hash_type.into());
            let expected = bip143(&tx, &prevouts, index, &[TRUE], hash_type);
            assert_eq!(ours, expected, "input {index}, hash type {hash_type:#04x}");
        }
    }
}

#[test]
fn segwit_v0_script_codes_with_their_lengths_and_indices() {
    let (tx, prevouts) = transaction(300, 257);
    let spend = Spend::new(&tx, &prevouts).unwrap();
    for (nth, length) in LENGTHS.into_iter().enumerate() {
        let script_code = vec![CODESEPARATOR; length];
        let index = indices(&tx)[nth];
        for hash_type in ECDSA_HASH_TYPES {
            let ours = segwit_v0::digest(&spend.view(index).unwrap(), &script_code, hash_type.into());
            let expected = bip143(&tx, &prevouts, index, &script_code, hash_type);
            assert_eq!(ours, expected, "input {index}, {length} bytes, hash type {hash_type:#04x}");
        }
    }
}

/// Data that a signature in a tapscript commits to in addition: the leaf hash and the opcode position of the last
/// executed `OP_CODESEPARATOR`.
type Leaf = ([u8; 32], u32);

/// Compares taproot signature hashes, with and without an annex, with those of rust-bitcoin.
fn compare_taproot(tx: &Transaction, prevouts: &[TxOut], index: usize, leaf: Option<Leaf>, hash_type: u8) {
    let spend = Spend::new(tx, prevouts).unwrap();
    let view = spend.view(index).unwrap();
    let their_type = TapSighashType::from_consensus_u8(hash_type).unwrap();
    let their_leaf = leaf.map(|(hash, position)| (TapLeafHash::from_byte_array(hash), position));
    let tapscript = leaf.map(|(leaf_hash, code_separator_position)| TapscriptMessage {
        key_version: KeyVersion::Bip342,
        leaf_hash,
        code_separator_position,
    });
    for annex in [None, Some([0x50; 253])] {
        let their_annex = annex.as_ref().map(|annex| Annex::new(annex).unwrap());
        let prevouts = Prevouts::All(prevouts);
        let theirs = SighashCache::new(tx)
            .taproot_signature_hash(index, &prevouts, their_annex, their_leaf, their_type)
            .ok()
            .map(Hash::to_byte_array);
        let annex_hash = annex.map(|annex| annex_hash(&annex));
        let ours = taproot::digest(&view, &TaprootMessage { annex_hash, tapscript }, hash_type);
        assert_eq!(ours, theirs, "input {index}, hash type {hash_type:#04x}");
    }
}

#[test]
fn taproot_indices_and_positions() {
    let (tx, prevouts) = transaction(300, 257);
    for index in indices(&tx) {
        for hash_type in [0x00, 0x01, 0x02, 0x03, 0x81, 0x82, 0x83] {
            compare_taproot(&tx, &prevouts, index, None, hash_type);
            for position in [0, 255, 256, 65_536, u32::MAX] {
                compare_taproot(&tx, &prevouts, index, Some(([9; 32], position)), hash_type);
            }
        }
    }
}

#[test]
fn leaf_hashes_and_annex_hashes_have_the_length() {
    for length in LENGTHS {
        let script = vec![TRUE; length];
        let theirs = TapLeafHash::from_script(Script::from_bytes(&script), LeafVersion::TapScript);
        assert_eq!(leaf_hash(0xc0, &script), theirs.to_byte_array(), "{length} bytes");
        let sized = [serialize(&VarInt::from(length)), script.clone()].concat();
        assert_eq!(annex_hash(&script), sha256::Hash::hash(&sized).to_byte_array(), "{length} bytes");
    }
}

/// Compares the result of OP_PAIRCOMMIT with the hash of BIP 442. The interpreter exports no function for this hash.
#[test]
fn paircommit_has_both_lengths() {
    for (a, b) in [(0, 1), (252, 253), (253, 252), (255, 256), (520, 520)] {
        let (a, b) = (vec![3; a], vec![4; b]);
        let tag = sha256::Hash::hash(b"PairCommit").to_byte_array();
        let mut engine = sha256::Hash::engine();
        let (a_size, b_size) = (serialize(&VarInt::from(a.len())), serialize(&VarInt::from(b.len())));
        [&tag[..], &tag, &a_size, &a, &b_size, &b].iter().for_each(|bytes| engine.input(bytes));
        let expected = sha256::Hash::from_engine(engine).to_byte_array().to_vec();
        let stack = run(&[0xcd], &[&a, &b], tapscript(0), Flags::PAIRCOMMIT, true).unwrap();
        assert_eq!(stack, [expected], "{} and {} bytes", a.len(), b.len());
    }
}

/// Computes the default template hash of BIP 119 "Detailed Specification".
fn bip119(tx: &Transaction, index: usize) -> [u8; 32] {
    let single = |bytes: Vec<u8>| sha256::Hash::hash(&bytes).to_byte_array();
    let count = |length: usize| u32::try_from(length).unwrap().to_le_bytes().to_vec();
    let script_sigs = match tx.input.iter().any(|input| !input.script_sig.is_empty()) {
        true => single(tx.input.iter().flat_map(|input| serialize(&input.script_sig)).collect()).to_vec(),
        false => vec![],
    };
    let message = [
        serialize(&tx.version),
        serialize(&tx.lock_time),
        script_sigs,
        count(tx.input.len()),
        single(tx.input.iter().flat_map(|input| serialize(&input.sequence)).collect()).to_vec(),
        count(tx.output.len()),
        single(tx.output.iter().flat_map(serialize).collect()).to_vec(),
        count(index),
    ];
    single(message.concat())
}

/// Computes the template hash of BIP 446 "Specification", without an annex.
fn bip446(tx: &Transaction, index: usize) -> [u8; 32] {
    let single = |bytes: Vec<u8>| sha256::Hash::hash(&bytes).to_byte_array();
    let tag = single(b"TemplateHash".to_vec());
    let message = [
        tag.to_vec(),
        tag.to_vec(),
        serialize(&tx.version),
        serialize(&tx.lock_time),
        single(tx.input.iter().flat_map(|input| serialize(&input.sequence)).collect()).to_vec(),
        single(tx.output.iter().flat_map(serialize).collect()).to_vec(),
        vec![0],
        u32::try_from(index).unwrap().to_le_bytes().to_vec(),
    ];
    single(message.concat())
}

#[test]
fn template_hashes_with_counts_and_indices() {
    let compare = |tx: &Transaction, prevouts: &[TxOut]| {
        let spend = Spend::new(tx, prevouts).unwrap();
        for index in indices(tx) {
            let view = spend.view(index).unwrap();
            assert_eq!(checktemplateverify::check_template_digest(&view), bip119(tx, index), "input {index}");
            assert_eq!(templatehash::template_hash_digest(&view, None), bip446(tx, index), "input {index}");
        }
    };
    for (inputs, outputs) in [(1, 1), (255, 256), (256, 255), (300, 65_536)] {
        let (mut tx, prevouts) = transaction(inputs, outputs);
        compare(&tx, &prevouts);
        // The message commits to all scriptSigs if any input has one.
        let last = tx.input.len() - 1;
        tx.input[last].script_sig = vec![TRUE; 253].into();
        compare(&tx, &prevouts);
        tx.input[0].script_sig = vec![TRUE].into();
        compare(&tx, &prevouts);
    }
}
