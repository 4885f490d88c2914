//! Tests with the vectors of BOLT 3: keys, secrets, and all transactions, which are compared byte for byte.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test"
)]

use std::fs;

use bitcoin::consensus::encode::{deserialize, serialize};
use bitcoin::{OutPoint, Transaction, TxOut, Txid};
use secp256k1::{Message, PublicKey, SecretKey};
use serde_json::Value;
use sigstack_channel::bolt3::*;
use sigstack_channel::keys::sha256;
use sigstack_channel::tx::{output, p2wpkh, p2wsh, set_witness, transaction, weight};
use sigstack_interpreter::{Flags, Spend, sighash::legacy};
use sigstack_test_support::shared;

/// Loads a JSON file of the BOLT 3 vectors. Returns `None` if the file is missing, in which case the test is skipped.
#[track_caller]
fn load(name: &str) -> Option<Value> {
    let path = shared(&format!("vectors/bolt3/{name}.json"))?;
    Some(serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap_or_else(|| panic!("no hex: {value}"))).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))
}

fn point(value: &Value) -> PublicKey {
    PublicKey::from_slice(&bytes(value)).unwrap()
}

fn secret(value: &Value) -> SecretKey {
    SecretKey::from_secret_bytes(array(value)).unwrap()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

/// Secrets and keys of BOLT 3 appendix C. Each key was derived from its secret and compared with the vector file.
struct Setup {
    keys: CommitmentKeys,
    mask: u64,
    funding: OutPoint,
    prevout: TxOut,
    funding_script: Vec<u8>,
    local_funding: SecretKey,
    remote_funding: SecretKey,
    local_htlc: SecretKey,
    remote_htlc: SecretKey,
}

fn setup(common: &Value) -> Setup {
    let (keys, secrets) = (&common["keys"], &common["secrets_behind_keys"]);
    let local_base = secret(&secrets["local_payment_basepoint_secret"]);
    let remote_base = secret(&secrets["remote_payment_basepoint_secret"]);
    let delayed_base = secret(&secrets["local_delayed_payment_basepoint_secret"]);
    let revocation_base = secret(&secrets["remote_revocation_basepoint_secret"]);
    let point_secret = secret(&secrets["local_per_commitment_secret"]);
    let per_commitment = point_secret.public_key();
    assert_eq!(per_commitment, point(&secrets["local_per_commitment_point"]));
    assert_eq!(local_base.public_key(), point(&keys["local_payment_basepoint"]));

    let derived = CommitmentKeys {
        revocation: revocation_public(&revocation_base.public_key(), &per_commitment).unwrap(),
        local_delayed: derive_public(&delayed_base.public_key(), &per_commitment).unwrap(),
        local_htlc: derive_public(&local_base.public_key(), &per_commitment).unwrap(),
        remote_htlc: derive_public(&remote_base.public_key(), &per_commitment).unwrap(),
        remote_payment: remote_base.public_key(),
        local_funding: point(&keys["local_funding_pubkey"]),
        remote_funding: point(&keys["remote_funding_pubkey"]),
    };
    assert_eq!(derived.revocation, point(&keys["local_revocation_pubkey"]));
    assert_eq!(derived.local_delayed, point(&keys["local_delayedpubkey"]));
    assert_eq!(derived.local_htlc, point(&keys["local_htlcpubkey"]));
    assert_eq!(derived.remote_htlc, point(&keys["remote_htlcpubkey"]));
    assert_eq!(derived.remote_payment, point(&keys["remote_payment_basepoint"]));
    let local_htlc = derive_private(&local_base, &per_commitment).unwrap();
    assert_eq!(local_htlc, secret(&keys["local_privkey"]));
    assert_eq!(revocation_private(&revocation_base, &point_secret).unwrap().public_key(), derived.revocation);

    let mask = u64::from_str_radix(common["commitment_number_mask"].as_str().unwrap(), 16).unwrap();
    assert_eq!(number_mask(&local_base.public_key(), &remote_base.public_key()), mask);

    let funding_script = scripts::funding(&derived.local_funding, &derived.remote_funding);
    assert_eq!(funding_script, bytes(&common["funding_witness_script"]));
    Setup {
        keys: derived,
        mask,
        funding: OutPoint {
            txid: common["funding_txid"].as_str().unwrap().parse::<Txid>().unwrap(),
            vout: u32::try_from(number(&common["funding_vout"])).unwrap(),
        },
        prevout: output(number(&common["funding_sat"]), p2wsh(&funding_script)),
        funding_script,
        local_funding: secret(&keys["local_funding_privkey"]),
        remote_funding: secret(&secrets["remote_funding_privkey"]),
        local_htlc,
        remote_htlc: derive_private(&remote_base, &per_commitment).unwrap(),
    }
}

fn htlcs(common: &Value, case: &Value) -> Vec<LnHtlc> {
    let pool = list(&common["htlcs"]);
    let of = |id: &Value| {
        let htlc = pool.iter().find(|htlc| htlc["id"] == *id).unwrap();
        LnHtlc {
            direction: match htlc["direction"].as_str().unwrap() {
                "offered" => HtlcDirection::Offered,
                "received" => HtlcDirection::Received,
                other => panic!("{other}"),
            },
            amount_msat: number(&htlc["amount_msat"]),
            expiry: u32::try_from(number(&htlc["cltv_expiry"])).unwrap(),
            payment_hash: sha256(&bytes(&htlc["preimage"])),
        }
    };
    list(&case["htlc_ids"]).iter().map(of).collect()
}

/// Converts a hex-encoded DER signature of the vectors to bytes, and appends the hash type.
fn signed(der: &Value, hash_type: u8) -> Vec<u8> {
    let mut signature = bytes(der);
    signature.push(hash_type);
    signature
}

struct Checked {
    commitments: usize,
    htlc_txs: usize,
    signatures: usize,
}

fn run(file: &Value, format: Format) -> Checked {
    let common = &file["common"];
    let setup = setup(common);
    let mut checked = Checked { commitments: 0, htlc_txs: 0, signatures: 0 };
    for case in list(&file["cases"]) {
        let htlcs = htlcs(common, case);
        let dust_limit = case.get("dust_limit_sat").unwrap_or(&common["dust_limit_sat"]);
        let params = CommitmentParams {
            funding: setup.funding,
            number: number(&common["commitment_number"]),
            mask: setup.mask,
            keys: &setup.keys,
            to_self_delay: u16::try_from(number(&common["to_self_delay"])).unwrap(),
            dust_limit: number(dust_limit),
            feerate_per_kw: number(&case["feerate_per_kw"]),
            to_local_msat: number(&case["to_local_msat"]),
            to_remote_msat: number(&case["to_remote_msat"]),
            htlcs: &htlcs,
            format,
            owner_is_opener: true,
        };
        commitment(&setup, &params, case, &mut checked);
    }
    checked
}

fn commitment(setup: &Setup, params: &CommitmentParams<'_>, case: &Value, checked: &mut Checked) {
    let CommitmentTx { mut tx, outputs } = params.build();
    if let Some(fee) = case.get("base_fee_sat") {
        assert_eq!(params.base_fee(), number(fee), "{}", case["name"]);
    }
    let prevouts = [setup.prevout.clone()];
    let sign =
        |secret| sign_segwit_v0(&tx, &prevouts, 0, &setup.funding_script, secret, SIGHASH_ALL).unwrap();
    let (local, remote) = (sign(&setup.local_funding), sign(&setup.remote_funding));
    assert_eq!(remote, signed(&case["remote_sig_der"], SIGHASH_ALL), "{}", case["name"]);
    if let Some(der) = case.get("local_sig_der") {
        assert_eq!(local, signed(der, SIGHASH_ALL), "{}", case["name"]);
    }
    // The signatures are in the order of the keys in the script.
    let ordered = match setup.keys.local_funding.serialize() < setup.keys.remote_funding.serialize() {
        true => [local, remote],
        false => [remote, local],
    };
    let [first, second] = ordered;
    set_witness(&mut tx, 0, &[vec![], first, second, setup.funding_script.clone()]);
    assert_eq!(hex::encode(serialize(&tx)), case["commitment_tx_hex"].as_str().unwrap(), "{}", case["name"]);
    Spend::new(&tx, &prevouts).unwrap().verify(Flags::CONSENSUS).unwrap();
    assert_eq!(commitment_number(&tx, params.mask), Some(42));
    // BOLT 3 appendix A assumes signatures of 73 bytes, and the real ones are shorter. Trimmed HTLCs have no output.
    let htlc_outputs = outputs.iter().filter(|kind| matches!(kind, CommitmentOutput::Htlc(_))).count() as u64;
    assert!(weight(&tx) <= params.format.commitment_weight() + 172 * htlc_outputs);
    checked.commitments += 1;
    checked.signatures += 2;

    let untrimmed: Vec<(u32, usize)> = (0..)
        .zip(&outputs)
        .filter_map(|(vout, kind)| match kind {
            CommitmentOutput::Htlc(place) => Some((vout, *place)),
            _ => None,
        })
        .collect();
    let expected = list(&case["htlc_txs"]);
    assert_eq!(untrimmed.len(), expected.len(), "{}", case["name"]);
    for (vout, place) in untrimmed {
        let expected = expected.iter().find(|tx| number(&tx["commitment_vout"]) == u64::from(vout)).unwrap();
        let id = list(&case["htlc_ids"])[place].clone();
        assert_eq!(expected["htlc_id"], id, "{}", case["name"]);
        htlc_tx(setup, params, &tx, vout, place, expected, checked);
    }
}

fn htlc_tx(
    setup: &Setup,
    params: &CommitmentParams<'_>,
    commitment: &Transaction,
    vout: u32,
    place: usize,
    expected: &Value,
    checked: &mut Checked,
) {
    let htlc = &params.htlcs[place];
    let mut tx = htlc_transaction(params, commitment, vout, htlc);
    let script = htlc_output_script(params.keys, htlc, params.format);
    let prevouts = [commitment.output[vout as usize].clone()];
    assert_eq!(prevouts[0].script_pubkey, p2wsh(&script));
    let remote_type = params.format.remote_htlc_sighash();
    let sign = |secret, hash_type| sign_segwit_v0(&tx, &prevouts, 0, &script, secret, hash_type).unwrap();
    let (remote, local) = (sign(&setup.remote_htlc, remote_type), sign(&setup.local_htlc, SIGHASH_ALL));
    assert_eq!(remote, signed(&expected["remote_sig_der"], remote_type));
    if let Some(der) = expected.get("local_sig_der") {
        assert_eq!(local, signed(der, SIGHASH_ALL));
    }
    let preimage = match (htlc.direction, expected["kind"].as_str().unwrap()) {
        (HtlcDirection::Offered, "timeout") => vec![],
        // All 32 bytes of a preimage in the file are equal to the HTLC's id.
        (HtlcDirection::Received, "success") => vec![u8::try_from(number(&expected["htlc_id"])).unwrap(); 32],
        (direction, kind) => panic!("{direction:?} {kind}"),
    };
    set_witness(&mut tx, 0, &[vec![], remote, local, preimage, script]);
    assert_eq!(hex::encode(serialize(&tx)), expected["tx_hex"].as_str().unwrap());
    Spend::new(&tx, &prevouts).unwrap().verify(Flags::CONSENSUS).unwrap();
    assert!(weight(&tx) <= params.format.htlc_weight(htlc.direction));
    checked.htlc_txs += 1;
    checked.signatures += 2;
}

#[test]
fn every_transaction_of_appendices_c_and_f() {
    let Some(plain) = load("commitment_static_remotekey") else { return };
    let Some(anchors) = load("commitment_anchors") else { return };
    let (plain, anchors) = (run(&plain, Format::StaticRemotekey), run(&anchors, Format::Anchors));
    let commitments = plain.commitments + anchors.commitments;
    let htlc_txs = plain.htlc_txs + anchors.htlc_txs;
    let signatures = plain.signatures + anchors.signatures;
    println!(
        "BOLT 3: {commitments} commitment transactions, {htlc_txs} HTLC transactions, {signatures} signatures"
    );
    assert_eq!((commitments, htlc_txs, signatures), (25, 48, 146));
}

#[test]
fn the_funding_transaction_of_appendix_b() {
    let Some(file) = load("funding") else { return };
    let expected: Transaction = deserialize(&bytes(&file["funding_tx_hex"])).unwrap();
    let coinbase: Transaction = deserialize(&bytes(&file["chain"]["block1_coinbase_tx_hex"])).unwrap();
    let key = secret(&file["chain"]["block1_coinbase_privkey"]);
    let public = key.public_key().serialize();

    let funding_script =
        scripts::funding(&point(&file["local_funding_pubkey"]), &point(&file["remote_funding_pubkey"]));
    assert_eq!(funding_script, bytes(&file["funding_witness_script"]));
    let outpoint = OutPoint { txid: coinbase.compute_txid(), vout: 0 };
    assert_eq!(outpoint.txid.to_string(), file["input"]["txid"].as_str().unwrap());
    let mut tx = transaction(
        2,
        0,
        vec![sigstack_channel::tx::input(outpoint, 0xffff_ffff)],
        vec![
            output(number(&file["funding_sat"]), p2wsh(&funding_script)),
            output(number(&file["change_sat"]), p2wpkh(&public)),
        ],
    );
    let prevouts = [coinbase.output[0].clone()];
    let spend = Spend::new(&tx, &prevouts).unwrap();
    let digest = legacy::digest(&spend.view(0).unwrap(), prevouts[0].script_pubkey.as_bytes(), 1);
    let mut signature = key.sign_ecdsa(Message::from_digest(digest)).serialize_der().to_vec();
    signature.push(SIGHASH_ALL);
    let push = |data: &[u8]| [&[u8::try_from(data.len()).unwrap()][..], data].concat();
    tx.input[0].script_sig = [push(&signature), push(&public)].concat().into();
    assert_eq!(tx, expected);
    assert_eq!(tx.compute_txid().to_string(), file["funding_txid"].as_str().unwrap());
    Spend::new(&tx, &prevouts).unwrap().verify(Flags::CONSENSUS).unwrap();
}

#[test]
fn shachain_of_appendix_d() {
    let Some(file) = load("shachain") else { return };
    for case in list(&file["generation"]) {
        let secret = derive_secret(&array(&case["seed"]), 48, number(&case["index"]));
        assert_eq!(hex::encode(secret), case["secret"].as_str().unwrap(), "{}", case["name"]);
    }
    let (mut accepted, mut rejected) = (0, 0);
    for case in list(&file["storage"]) {
        let mut store = SecretStore::default();
        for step in list(&case["steps"]) {
            let point = secret(&step["secret"]).public_key();
            let result = store.insert(number(&step["index"]), array(&step["secret"]), &point);
            match step["accepted"].as_bool().unwrap() {
                true => {
                    assert_eq!(result, Ok(()), "{}", case["name"]);
                    accepted += 1;
                }
                false => {
                    assert!(
                        matches!(result, Err(StoreError::Inconsistent { .. })),
                        "{}: {result:?}",
                        case["name"]
                    );
                    rejected += 1;
                }
            }
        }
    }
    assert_eq!((list(&file["generation"]).len(), rejected), (5, 8));
    assert!(accepted > 0);
}

#[test]
fn key_derivation_of_appendix_e() {
    let Some(file) = load("key_derivation") else { return };
    let (base, point_secret) = (secret(&file["base_secret"]), secret(&file["per_commitment_secret"]));
    let (base_point, per_commitment) = (base.public_key(), point_secret.public_key());
    assert_eq!(base_point, point(&file["base_point"]));
    assert_eq!(per_commitment, point(&file["per_commitment_point"]));
    assert_eq!(derive_public(&base_point, &per_commitment).unwrap(), point(&file["local_pubkey"]));
    assert_eq!(derive_private(&base, &per_commitment).unwrap(), secret(&file["local_privkey"]));
    let revocation = &file["revocation"];
    assert_eq!(revocation_public(&base_point, &per_commitment).unwrap(), point(&revocation["pubkey"]));
    assert_eq!(revocation_private(&base, &point_secret).unwrap(), secret(&revocation["privkey"]));
}
