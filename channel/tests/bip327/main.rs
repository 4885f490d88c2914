//! Tests with the vectors of BIP 327. The musig module of libsecp256k1 runs the cases that its interface can express.
//! The reference implementation in this folder runs all others. The tests print both counts (`cargo test -p
//! sigstack-channel --test bip327 -- --nocapture`).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test"
)]

mod reference;

use std::fs;
use std::path::Path;

use reference::{Context, Failure};
use secp256k1::musig::{
    AggregatedNonce, KeyAggCache, PartialSignature, PublicNonce, SecretNonce, Session, SessionSecretRand,
    new_nonce_pair,
};
use secp256k1::{Keypair, PublicKey, Scalar};
use serde_json::Value;
use sigstack_test_support::shared;

#[derive(Default)]
struct Counts {
    module: usize,
    reference: usize,
}

fn load(folder: &Path, name: &str) -> Value {
    let path = folder.join(format!("{name}_vectors.json"));
    serde_json::from_str(&fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}")))
        .unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

fn all(value: &Value) -> Vec<Vec<u8>> {
    value.as_array().unwrap().iter().map(bytes).collect()
}

fn index(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

fn pick(pool: &[Vec<u8>], indices: &Value) -> Vec<Vec<u8>> {
    indices.as_array().unwrap().iter().map(|i| pool[index(i)].clone()).collect()
}

fn cases<'a>(file: &'a Value, name: &str) -> &'a Vec<Value> {
    let cases = file[name].as_array().unwrap();
    assert!(!cases.is_empty());
    cases
}

/// Returns the tweaks of a test case. Each has a flag that is true if the tweak is x-only. The case lists the tweaks
/// either by index in `pool` or as values.
fn tweaks(pool: &[Vec<u8>], case: &Value) -> Vec<([u8; 32], bool)> {
    let list = match case.get("tweak_indices") {
        Some(indices) => pick(pool, indices),
        None => case.get("tweaks").map(all).unwrap_or_default(),
    };
    let flags = case.get("is_xonly").and_then(Value::as_array).cloned().unwrap_or_default();
    assert_eq!(list.len(), flags.len());
    list.into_iter().zip(flags).map(|(t, x)| (t.try_into().unwrap(), x.as_bool().unwrap())).collect()
}

/// Returns the failure that a test case expects, as the vectors describe it.
fn expected(case: &Value) -> Value {
    case["error"].clone()
}

fn assert_failure(failure: &Failure, case: &Value) {
    let error = expected(case);
    match failure {
        Failure::Contribution(signer, contribution) => {
            assert_eq!(error["type"], "invalid_contribution", "{case}");
            assert_eq!(error["signer"].as_u64(), *signer, "{case}");
            assert_eq!(error["contrib"], *contribution, "{case}");
        }
        Failure::Value(message) => {
            assert_eq!(error["type"], "value", "{case}");
            assert_eq!(error["message"], *message, "{case}");
        }
    }
}

/// Aggregates public keys and applies tweaks with the musig module of libsecp256k1. Returns a failure if a
/// key or a tweak is invalid, or if tweaking gives the point at infinity.
fn module_keys(keys: &[Vec<u8>], tweaks: &[([u8; 32], bool)]) -> Result<KeyAggCache, Failure> {
    let parsed: Vec<PublicKey> = keys
        .iter()
        .enumerate()
        .map(|(signer, key)| {
            PublicKey::from_slice(key).map_err(|_| Failure::Contribution(Some(signer as u64), "pubkey"))
        })
        .collect::<Result<_, _>>()?;
    let mut cache = KeyAggCache::new(&parsed.iter().collect::<Vec<_>>());
    for (tweak, is_xonly) in tweaks {
        let tweak =
            Scalar::from_be_bytes(*tweak).map_err(|_| Failure::Value("The tweak must be less than n."))?;
        match is_xonly {
            true => cache.pubkey_xonly_tweak_add(&tweak),
            false => cache.pubkey_ec_tweak_add(&tweak),
        }
        .map_err(|_| Failure::Value("The result of tweaking cannot be infinity."))?;
    }
    Ok(cache)
}

fn module_nonces(nonces: &[Vec<u8>]) -> Result<AggregatedNonce, Failure> {
    let parsed: Vec<PublicNonce> = nonces
        .iter()
        .enumerate()
        .map(|(signer, nonce)| {
            PublicNonce::from_byte_array(nonce.as_slice().try_into().unwrap())
                .map_err(|_| Failure::Contribution(Some(signer as u64), "pubnonce"))
        })
        .collect::<Result<_, _>>()?;
    Ok(AggregatedNonce::new(&parsed.iter().collect::<Vec<_>>()))
}

/// Converts a secret nonce of the vectors to the byte layout of the musig module. The bytes before and after the two
/// scalars are taken from a nonce that the module created for the same key.
fn module_secnonce(secnonce: &[u8], keypair: &Keypair) -> SecretNonce {
    let random = SessionSecretRand::assume_uniformly_random([1; 32]);
    let (made, _) = new_nonce_pair(random, None, None, keypair.public_key(), None, None);
    let mut layout = made.dangerous_into_bytes();
    layout[4..68].copy_from_slice(&secnonce[..64]);
    SecretNonce::dangerous_from_bytes(layout)
}

fn key_sort(folder: &Path, counts: &mut Counts) {
    let file = load(folder, "key_sort");
    let keys: Vec<PublicKey> =
        all(&file["pubkeys"]).iter().map(|key| PublicKey::from_slice(key).unwrap()).collect();
    let mut sorted: Vec<&PublicKey> = keys.iter().collect();
    secp256k1::sort_pubkeys(&mut sorted);
    let sorted: Vec<Vec<u8>> = sorted.iter().map(|key| key.serialize().to_vec()).collect();
    assert_eq!(sorted, all(&file["sorted_pubkeys"]));
    counts.module += 1;
}

fn key_agg(folder: &Path, counts: &mut Counts) {
    let file = load(folder, "key_agg");
    let (keys, pool) = (all(&file["pubkeys"]), all(&file["tweaks"]));
    for case in cases(&file, "valid_test_cases") {
        let cache = module_keys(&pick(&keys, &case["key_indices"]), &[]).unwrap();
        assert_eq!(cache.agg_pk().to_byte_array().to_vec(), bytes(&case["expected"]));
        counts.module += 1;
    }
    for case in cases(&file, "error_test_cases") {
        let failure = module_keys(&pick(&keys, &case["key_indices"]), &tweaks(&pool, case)).unwrap_err();
        assert_failure(&failure, case);
        counts.module += 1;
    }
}

fn nonce_gen(folder: &Path, counts: &mut Counts) {
    let file = load(folder, "nonce_gen");
    for case in cases(&file, "test_cases") {
        let optional = |name: &str| (!case[name].is_null()).then(|| bytes(&case[name]));
        let (aggpk, msg, extra) = (optional("aggpk"), optional("msg"), optional("extra_in"));
        let sk = (!case["sk"].is_null()).then(|| array(&case["sk"]));
        let (rand, pk) = (array(&case["rand_"]), bytes(&case["pk"]));
        let (secnonce, pubnonce) = match aggpk {
            // The module accepts an aggregate key only as a key aggregation cache. The keys that aggregate to 0x0707…
            // are unknown, so there is no such cache.
            Some(aggpk) => {
                counts.reference += 1;
                let extra = extra.unwrap_or_default();
                reference::nonce_gen(rand, sk, &pk, Some(&aggpk), msg.as_deref(), &extra)
            }
            None => {
                assert!(sk.is_none() && msg.is_none() && extra.is_none());
                counts.module += 1;
                let random = SessionSecretRand::assume_uniformly_random(rand);
                let key = PublicKey::from_slice(&pk).unwrap();
                let (secret, public) = new_nonce_pair(random, None, None, key, None, None);
                let scalars = secret.dangerous_into_bytes()[4..68].to_vec();
                ([scalars, pk].concat(), public.serialize().to_vec())
            }
        };
        assert_eq!(secnonce, bytes(&case["expected_secnonce"]));
        assert_eq!(pubnonce, bytes(&case["expected_pubnonce"]));
    }
}

fn nonce_agg(folder: &Path, counts: &mut Counts) {
    let file = load(folder, "nonce_agg");
    let nonces = all(&file["pnonces"]);
    for case in cases(&file, "valid_test_cases") {
        let picked = pick(&nonces, &case["pnonce_indices"]);
        let aggregate = module_nonces(&picked).unwrap();
        assert_eq!(aggregate.serialize().to_vec(), bytes(&case["expected"]));
        assert_eq!(reference::nonce_agg(&picked).unwrap(), bytes(&case["expected"]));
        counts.module += 1;
    }
    for case in cases(&file, "error_test_cases") {
        let picked = pick(&nonces, &case["pnonce_indices"]);
        assert_failure(&module_nonces(&picked).unwrap_err(), case);
        assert_eq!(reference::nonce_agg(&picked).unwrap_err(), module_nonces(&picked).unwrap_err());
        counts.module += 1;
    }
}

struct Session2 {
    cache: KeyAggCache,
    session: Session,
}

fn module_session(
    keys: &[Vec<u8>],
    tweaks: &[([u8; 32], bool)],
    aggnonce: &[u8],
    msg: &[u8; 32],
) -> Result<Session2, Failure> {
    let cache = module_keys(keys, tweaks)?;
    let aggnonce = AggregatedNonce::from_byte_array(aggnonce.try_into().unwrap())
        .map_err(|_| Failure::Contribution(None, "aggnonce"))?;
    let session = Session::new(&cache, aggnonce, msg);
    Ok(Session2 { cache, session })
}

/// Signs with the musig module and verifies the partial signature. Also compares the results with the reference
/// implementation and with the vectors.
fn sign_case(
    counts: &mut Counts,
    keypair: &Keypair,
    context: &Context<'_>,
    secnonce: &[u8],
    nonces: &[Vec<u8>],
    case: &Value,
) {
    let signer = index(&case["signer_index"]);
    let part = context.sign(secnonce, keypair.to_secret_bytes()).unwrap();
    assert_eq!(part.to_vec(), bytes(&case["expected"]), "{case}");
    assert_eq!(context.verify(part, &nonces[signer], signer), Ok(true));
    let Ok(msg) = <[u8; 32]>::try_from(context.msg) else {
        counts.reference += 1;
        return;
    };
    let Session2 { cache, session } =
        module_session(context.keys, context.tweaks, context.aggnonce, &msg).unwrap();
    let part = session.partial_sign(module_secnonce(secnonce, keypair), keypair, &cache);
    assert_eq!(part.serialize().to_vec(), bytes(&case["expected"]), "{case}");
    let nonce = PublicNonce::from_byte_array(nonces[signer].as_slice().try_into().unwrap()).unwrap();
    let key = PublicKey::from_slice(&context.keys[signer]).unwrap();
    assert!(session.partial_verify(&cache, &part, &nonce, key));
    counts.module += 1;
}

fn sign_verify(folder: &Path, counts: &mut Counts) {
    let file = load(folder, "sign_verify");
    let keypair = Keypair::from_secret_bytes(array(&file["sk"])).unwrap();
    let (keys, secnonces, pnonces) = (all(&file["pubkeys"]), all(&file["secnonces"]), all(&file["pnonces"]));
    let (aggnonces, msgs) = (all(&file["aggnonces"]), all(&file["msgs"]));
    for case in cases(&file, "valid_test_cases") {
        let keys = pick(&keys, &case["key_indices"]);
        let nonces = pick(&pnonces, &case["nonce_indices"]);
        let aggnonce = &aggnonces[index(&case["aggnonce_index"])];
        assert_eq!(&reference::nonce_agg(&nonces).unwrap(), aggnonce);
        let context = Context { aggnonce, keys: &keys, tweaks: &[], msg: &msgs[index(&case["msg_index"])] };
        sign_case(counts, &keypair, &context, &secnonces[0], &nonces, case);
    }
    for case in cases(&file, "sign_error_test_cases") {
        let keys = pick(&keys, &case["key_indices"]);
        let aggnonce = &aggnonces[index(&case["aggnonce_index"])];
        let msg = &msgs[index(&case["msg_index"])];
        let secnonce = &secnonces[index(&case["secnonce_index"])];
        match module_session(&keys, &[], aggnonce, &msg.as_slice().try_into().unwrap()) {
            Err(failure) => {
                assert_failure(&failure, case);
                counts.module += 1;
            }
            // The module aborts the process on a used secret nonce, and does not check that the signer is in the list.
            // So the reference runs these cases.
            Ok(_) => {
                let context = Context { aggnonce, keys: &keys, tweaks: &[], msg };
                let failure = context.sign(secnonce, keypair.to_secret_bytes()).unwrap_err();
                assert_failure(&failure, case);
                counts.reference += 1;
            }
        }
    }
    for case in cases(&file, "verify_fail_test_cases") {
        let keys = pick(&keys, &case["key_indices"]);
        let nonces = pick(&pnonces, &case["nonce_indices"]);
        let aggnonce = reference::nonce_agg(&nonces).unwrap();
        let msg: [u8; 32] = msgs[index(&case["msg_index"])].as_slice().try_into().unwrap();
        let signer = index(&case["signer_index"]);
        let Session2 { cache, session } = module_session(&keys, &[], &aggnonce, &msg).unwrap();
        let nonce = PublicNonce::from_byte_array(nonces[signer].as_slice().try_into().unwrap()).unwrap();
        let key = PublicKey::from_slice(&keys[signer]).unwrap();
        let valid = PartialSignature::from_byte_array(&array(&case["sig"]))
            .is_ok_and(|part| session.partial_verify(&cache, &part, &nonce, key));
        assert!(!valid, "{case}");
        let context = Context { aggnonce: &aggnonce, keys: &keys, tweaks: &[], msg: &msg };
        assert_eq!(context.verify(array(&case["sig"]), &nonces[signer], signer), Ok(false));
        counts.module += 1;
    }
    for case in cases(&file, "verify_error_test_cases") {
        let keys = pick(&keys, &case["key_indices"]);
        let nonces = pick(&pnonces, &case["nonce_indices"]);
        let failure = match module_nonces(&nonces) {
            Err(failure) => failure,
            Ok(_) => module_keys(&keys, &[]).err().unwrap(),
        };
        assert_failure(&failure, case);
        counts.module += 1;
    }
}

fn tweak(folder: &Path, counts: &mut Counts) {
    let file = load(folder, "tweak");
    let keypair = Keypair::from_secret_bytes(array(&file["sk"])).unwrap();
    let (keys, pnonces, pool) = (all(&file["pubkeys"]), all(&file["pnonces"]), all(&file["tweaks"]));
    let (aggnonce, msg, secnonce) = (bytes(&file["aggnonce"]), bytes(&file["msg"]), bytes(&file["secnonce"]));
    for case in cases(&file, "valid_test_cases") {
        let keys = pick(&keys, &case["key_indices"]);
        let nonces = pick(&pnonces, &case["nonce_indices"]);
        let tweaks = tweaks(&pool, case);
        let context = Context { aggnonce: &aggnonce, keys: &keys, tweaks: &tweaks, msg: &msg };
        sign_case(counts, &keypair, &context, &secnonce, &nonces, case);
    }
    for case in cases(&file, "error_test_cases") {
        let failure = module_keys(&pick(&keys, &case["key_indices"]), &tweaks(&pool, case)).unwrap_err();
        assert_failure(&failure, case);
        counts.module += 1;
    }
}

fn det_sign(folder: &Path, counts: &mut Counts) {
    let file = load(folder, "det_sign");
    let (keys, msgs) = (all(&file["pubkeys"]), all(&file["msgs"]));
    let sign = |case: &Value| {
        let rand = (!case["rand"].is_null()).then(|| array(&case["rand"]));
        let keys = pick(&keys, &case["key_indices"]);
        let msg = &msgs[index(&case["msg_index"])];
        let (nonce, tweaks) = (bytes(&case["aggothernonce"]), tweaks(&[], case));
        reference::deterministic_sign(array(&file["sk"]), &nonce, &keys, &tweaks, msg, rand)
    };
    for case in cases(&file, "valid_test_cases") {
        let (nonce, part) = sign(case).unwrap();
        assert_eq!([nonce, part.to_vec()], [bytes(&case["expected"][0]), bytes(&case["expected"][1])]);
        counts.reference += 1;
    }
    for case in cases(&file, "error_test_cases") {
        assert_failure(&sign(case).unwrap_err(), case);
        counts.reference += 1;
    }
}

fn sig_agg(folder: &Path, counts: &mut Counts) {
    let file = load(folder, "sig_agg");
    let (keys, pnonces) = (all(&file["pubkeys"]), all(&file["pnonces"]));
    let (pool, psigs) = (all(&file["tweaks"]), all(&file["psigs"]));
    let msg: [u8; 32] = array(&file["msg"]);
    let parts = |case: &Value| -> Result<Vec<PartialSignature>, Failure> {
        pick(&psigs, &case["psig_indices"])
            .iter()
            .enumerate()
            .map(|(signer, part)| {
                PartialSignature::from_byte_array(part.as_slice().try_into().unwrap())
                    .map_err(|_| Failure::Contribution(Some(signer as u64), "psig"))
            })
            .collect()
    };
    for case in cases(&file, "valid_test_cases") {
        let keys = pick(&keys, &case["key_indices"]);
        let aggnonce = module_nonces(&pick(&pnonces, &case["nonce_indices"])).unwrap();
        assert_eq!(aggnonce.serialize().to_vec(), bytes(&case["aggnonce"]));
        let Session2 { cache, session } =
            module_session(&keys, &tweaks(&pool, case), &aggnonce.serialize(), &msg).unwrap();
        let parts = parts(case).unwrap();
        let signature = session.partial_sig_agg(&parts.iter().collect::<Vec<_>>());
        let signature = signature.verify(&cache.agg_pk(), &msg).unwrap();
        assert_eq!(signature.to_byte_array().to_vec(), bytes(&case["expected"]));
        counts.module += 1;
    }
    for case in cases(&file, "error_test_cases") {
        assert_failure(&parts(case).unwrap_err(), case);
        counts.module += 1;
    }
}

#[test]
fn every_vector_of_bip_327() {
    let Some(folder) = shared("vectors/bip327") else { return };
    let mut counts = Counts::default();
    key_sort(&folder, &mut counts);
    key_agg(&folder, &mut counts);
    nonce_gen(&folder, &mut counts);
    nonce_agg(&folder, &mut counts);
    sign_verify(&folder, &mut counts);
    tweak(&folder, &mut counts);
    det_sign(&folder, &mut counts);
    sig_agg(&folder, &mut counts);
    println!(
        "BIP 327: {} cases through the musig module, {} through the reference",
        counts.module, counts.reference
    );
    assert_eq!((counts.module, counts.reference), (40, 16));
}
