//! Tests of PSBTs of both versions. rust-bitcoin writes those of version 0; those of version 2 are written by hand
//! from BIP 370.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod invalid;
mod shared;

use bitcoin::base64::Engine as _;
use bitcoin::base64::engine::general_purpose::STANDARD;
use bitcoin::consensus::encode::serialize;
use bitcoin::{Transaction, TxOut, Witness};
use sigstack_debugger::{BareContext, BareTx, Psbt, bare_spend};
use sigstack_interpreter::{Flags, Spend};

/// Returns a transaction that validly spends a tapscript, and the spent output.
fn spend() -> (Transaction, TxOut) {
    let subject = bare_spend(&[0x51], &[], BareContext::Tapscript, BareTx::default(), Flags::CONSENSUS);
    (subject.tx, subject.prevouts[0].clone())
}

fn v0(change: impl FnOnce(&mut bitcoin::Psbt)) -> Vec<u8> {
    let (mut tx, prevout) = spend();
    let witness = core::mem::take(&mut tx.input[0].witness);
    let mut psbt = bitcoin::Psbt::from_unsigned_tx(tx).unwrap();
    psbt.inputs[0].witness_utxo = Some(prevout);
    psbt.inputs[0].final_script_witness = Some(witness);
    change(&mut psbt);
    psbt.serialize()
}

/// Serializes a PSBT map. Each pair is a key, which starts with its type, and a value.
fn map(pairs: &[(&[u8], Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in pairs {
        bytes.extend(serialize(&key.to_vec()));
        bytes.extend(serialize(value));
    }
    bytes.push(0);
    bytes
}

/// Returns a version 2 PSBT whose only input has the additional fields `more`.
fn v2(more: &[(&[u8], Vec<u8>)]) -> Vec<u8> {
    let (tx, prevout) = spend();
    let input = &tx.input[0];
    let global = map(&[
        (&[0x02], serialize(&2i32)),
        (&[0x03], serialize(&7u32)),
        (&[0x04], vec![1]),
        (&[0x05], vec![1]),
        (&[0xfb], serialize(&2u32)),
    ]);
    let mut pairs: Vec<(&[u8], Vec<u8>)> = vec![
        (&[0x01], serialize(&prevout)),
        (&[0x08], serialize(&input.witness)),
        (&[0x0e], serialize(&input.previous_output.txid)),
        (&[0x0f], serialize(&input.previous_output.vout)),
        (&[0x10], serialize(&input.sequence)),
    ];
    pairs.extend_from_slice(more);
    let output = &tx.output[0];
    let amount = serialize(&output.value);
    let output = map(&[(&[0x03], amount), (&[0x04], output.script_pubkey.to_bytes())]);
    [b"psbt\xff".to_vec(), global, map(&pairs), output].concat()
}

#[test]
fn version_0_is_read_in_every_encoding() {
    let bytes = v0(|_| ());
    let (tx, prevout) = spend();
    for text in [bytes.clone(), STANDARD.encode(&bytes).into_bytes(), hex::encode(&bytes).into_bytes()] {
        let psbt = Psbt::read(&text).unwrap();
        assert_eq!(psbt.tx, tx);
        assert_eq!(psbt.inputs[0].prevout, Some(prevout.clone()));
        assert!(psbt.inputs[0].is_final);
        let prevouts = [prevout.clone()];
        assert_eq!(Spend::new(&psbt.tx, &prevouts).unwrap().verify(Flags::CONSENSUS), Ok(()));
    }
}

#[test]
fn an_input_without_a_witness_is_not_final_and_a_key_signature_makes_it_so() {
    let open = Psbt::read(&v0(|psbt| psbt.inputs[0].final_script_witness = None)).unwrap();
    assert!(!open.inputs[0].is_final);
    let key = [7; 32];
    let signature = [9; 64];
    let signed = v0(|psbt| {
        psbt.inputs[0].final_script_witness = None;
        psbt.inputs[0].tap_key_sig = Some(bitcoin::taproot::Signature::from_slice(&signature).unwrap());
        let secp = bitcoin::secp256k1::Secp256k1::new();
        let keypair = bitcoin::secp256k1::Keypair::from_seckey_slice(&secp, &key).unwrap();
        psbt.inputs[0].tap_internal_key = Some(keypair.x_only_public_key().0);
    });
    let signed = Psbt::read(&signed).unwrap();
    assert_eq!(signed.tx.input[0].witness, Witness::from_slice(&[signature]));
    assert!(signed.inputs[0].is_final && signed.inputs[0].internal_key.is_some());
}

#[test]
fn version_2_makes_the_transaction_from_its_maps() {
    let (mut tx, prevout) = spend();
    tx.lock_time = bitcoin::absolute::LockTime::from_consensus(7);
    let psbt = Psbt::read(&v2(&[])).unwrap();
    assert_eq!((&psbt.tx, &psbt.inputs[0].prevout), (&tx, &Some(prevout)));
    // A lock that an input requires takes precedence over the fallback, and heights over times.
    let lock_time =
        |more: &[(&[u8], Vec<u8>)]| Psbt::read(&v2(more)).unwrap().tx.lock_time.to_consensus_u32();
    assert_eq!(lock_time(&[(&[0x12], serialize(&99u32))]), 99);
    assert_eq!(lock_time(&[(&[0x11], serialize(&500_000_000u32))]), 500_000_000);
    assert_eq!(lock_time(&[(&[0x11], serialize(&500_000_000u32)), (&[0x12], serialize(&99u32))]), 99);
}

/// BIP 174 serializes the unsigned transaction without witnesses, so that it may have no inputs.
#[test]
fn a_psbt_may_have_no_inputs() {
    for outputs in [0u8, 1, 2] {
        let output = [0; 9].repeat(outputs.into());
        let tx = [&[2, 0, 0, 0, 0, outputs][..], &output, &[0; 4]].concat();
        let maps = vec![0; outputs.into()];
        let psbt = Psbt::read(&[b"psbt\xff".to_vec(), map(&[(&[0x00], tx)]), maps].concat()).unwrap();
        assert_eq!((psbt.tx.input.len(), psbt.tx.output.len()), (0, outputs.into()));
        let global = map(&[
            (&[0x02], serialize(&2i32)),
            (&[0x04], vec![0]),
            (&[0x05], vec![0]),
            (&[0xfb], serialize(&2u32)),
        ]);
        assert_eq!(Psbt::read(&[b"psbt\xff".to_vec(), global].concat()).unwrap().inputs, []);
    }
}

#[test]
fn every_truncation_is_an_error() {
    for whole in [v0(|_| ()), v2(&[])] {
        for length in 0..whole.len() {
            assert!(Psbt::read(&whole[..length]).is_err(), "{length}");
        }
        assert!(Psbt::read(&whole).is_ok());
    }
}
