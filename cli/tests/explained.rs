//! Tests that `sigstack verify` explains why an input is invalid if a single change makes it valid. Each mistake is
//! paired with an invalid input that differs in one detail and has no explanation.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::process::Command;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::hashes::Hash;
use bitcoin::secp256k1::{Keypair, Message, Secp256k1};
use bitcoin::sighash::{EcdsaSighashType, Prevouts, SighashCache, TapSighashType};
use bitcoin::{ScriptBuf, TapLeafHash, Transaction, TxOut, Witness};
use serde_json::Value;
use sigstack_debugger::{BareContext, BareTx, assemble, bare_spend};
use sigstack_interpreter::Flags;
use sigstack_interpreter::taproot::leaf_hash;

fn sigstack(arguments: &[String]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sigstack")).args(arguments).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{out}{}", String::from_utf8_lossy(&output.stderr));
    out
}

/// Asserts that `sigstack verify` reports an input as invalid with this error, and that text and JSON have exactly
/// these explanations.
#[track_caller]
fn expect(arguments: &[String], verdict: &str, explanation: &[&str]) {
    let out = sigstack(arguments);
    let lines: Vec<&str> = out.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| line.starts_with("consensus ")).unwrap();
    assert!(lines[at].starts_with(&format!("consensus  {verdict}: ")), "{out}");
    let why: Vec<&str> = lines[at + 1..].iter().map_while(|line| line.strip_prefix("why ")).collect();
    assert_eq!(why, explanation, "{out}");
    // The policy verdict does not repeat the explanations.
    let all = lines.iter().filter(|line| line.starts_with("why ")).count();
    let inputs = lines[at..].iter().filter(|line| line.contains(" in input ")).count().max(1);
    assert!(all <= explanation.len() * inputs, "{out}");
    let json = sigstack(&[arguments, &["--json".to_owned()]].concat());
    let object: Value = serde_json::from_str(&json).unwrap();
    let failure = &object["consensus"]["failures"][0];
    assert_eq!(failure["verdict"], verdict, "{json}");
    assert_eq!(failure["explanation"], Value::from(explanation), "{json}");
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

/// Returns the arguments with which `sigstack verify` verifies all inputs of a transaction.
fn verify(tx: &Transaction, prevouts: &[TxOut]) -> Vec<String> {
    let mut arguments = vec!["verify".to_owned(), "--tx".to_owned(), serialize_hex(tx)];
    for (input, TxOut { value, script_pubkey }) in prevouts.iter().enumerate() {
        arguments.push("--prevout".into());
        arguments.push(format!("{input}={}:{script_pubkey:x}", value.to_sat()));
    }
    arguments
}

/// Returns a transaction with one input for each script, and the outputs that it spends.
fn spend(scripts: &[&str], context: BareContext) -> (Transaction, Vec<TxOut>) {
    let mut spends = scripts.iter().map(|script| {
        let script = assemble(script).unwrap();
        bare_spend(&script, &[], context, BareTx::default(), Flags::NONE)
    });
    let first = spends.next().unwrap();
    let (mut tx, mut prevouts) = (first.tx, first.prevouts);
    for (vout, other) in (1..).zip(spends) {
        let mut input = other.tx.input[0].clone();
        input.previous_output.vout = vout;
        tx.input.push(input);
        prevouts.extend(other.prevouts);
    }
    (tx, prevouts)
}

#[test]
fn prevouts_in_the_wrong_order() {
    let (mut tx, mut prevouts) = spend(&["1", "2"], BareContext::P2wsh);
    prevouts.swap(0, 1);
    let text =
        "the prevouts are in the wrong order: with those of inputs 0 and 1 exchanged, the input is valid";
    let first = |tx: &Transaction| [verify(tx, &prevouts), words("--input 0")].concat();
    expect(&verify(&tx, &prevouts), "WITNESS_PROGRAM_MISMATCH", &[text]);
    expect(&first(&tx), "WITNESS_PROGRAM_MISMATCH", &[text]);
    // The witness script matches neither output.
    tx.input[0].witness = Witness::from_slice(&[[0x53]]);
    expect(&first(&tx), "WITNESS_PROGRAM_MISMATCH", &[]);
}

#[test]
fn a_p2wpkh_witness_of_another_length() {
    let (mut tx, mut prevouts) = spend(&["1"], BareContext::P2wsh);
    prevouts[0].script_pubkey = ScriptBuf::from_hex(&format!("0014{}", "11".repeat(20))).unwrap();
    for (elements, has) in [(1, "1 element"), (3, "3 elements")] {
        tx.input[0].witness = Witness::from_slice(&vec![[1u8]; elements]);
        let text = format!("P2WPKH needs 2 elements, a signature and a key; the witness has {has}");
        expect(&verify(&tx, &prevouts), "WITNESS_PROGRAM_MISMATCH", &[&text]);
    }
}

#[test]
fn script_and_control_block_swapped() {
    let (mut tx, prevouts) = spend(&["1"], BareContext::Tapscript);
    let [script, mut control] = <[Vec<u8>; 2]>::try_from(tx.input[0].witness.to_vec()).unwrap();
    tx.input[0].witness = Witness::from_slice(&[&control, &script]);
    let text = "script and control block are swapped: the control block comes last; exchanged, the output commits to the \
                script";
    expect(&verify(&tx, &prevouts), "TAPROOT_WRONG_CONTROL_SIZE", &[text]);
    // The control block belongs to another output.
    control[1] ^= 1;
    tx.input[0].witness = Witness::from_slice(&[&control, &script]);
    expect(&verify(&tx, &prevouts), "TAPROOT_WRONG_CONTROL_SIZE", &[]);
}

#[test]
fn another_leaf_version_in_the_sighash() {
    let secp = Secp256k1::new();
    let keypair = Keypair::from_seckey_slice(&secp, &[1; 32]).unwrap();
    let script = format!("<{:x}> CHECKSIG", keypair.x_only_public_key().0);
    let (mut tx, prevouts) = spend(&[&script], BareContext::Tapscript);
    let elements = tx.input[0].witness.to_vec();
    let mut signed = |version: u8, script: &[u8]| {
        let leaf = TapLeafHash::from_byte_array(leaf_hash(version, script));
        let digest = SighashCache::new(&tx)
            .taproot_script_spend_signature_hash(0, &Prevouts::All(&prevouts), leaf, TapSighashType::Default)
            .unwrap();
        let signature =
            secp.sign_schnorr_no_aux_rand(&Message::from_digest(digest.to_byte_array()), &keypair);
        let witness = [&[signature.as_ref().to_vec()], &elements[..]].concat();
        tx.input[0].witness = Witness::from_slice(&witness);
        verify(&tx, &prevouts)
    };
    let text = "it was made with leaf version 0xc2 in the tapleaf hash";
    expect(&signed(0xc2, &elements[0]), "SCHNORR_SIG", &[text]);
    // With another script, none of the tried changes makes the signature valid.
    expect(&signed(0xc0, ScriptBuf::from_hex("51").unwrap().as_bytes()), "SCHNORR_SIG", &[]);
}

#[test]
fn a_lock_by_height_against_a_time() {
    let line = |lock: u32| {
        let mut arguments = words(&format!("verify --as tapscript --sequence 0 --locktime {lock} --script"));
        arguments.push("800000 CHECKLOCKTIMEVERIFY".into());
        arguments
    };
    let asks = |lock: u32| {
        format!("the script asks for nLockTime 800000; it is {lock}, and the input's nSequence 0x00000000")
    };
    let kind = "the script asks for a block height, and nLockTime is a time";
    expect(&line(1_700_000_000), "UNSATISFIED_LOCKTIME", &[kind, &asks(1_700_000_000)]);
    expect(&line(799_999), "UNSATISFIED_LOCKTIME", &[&asks(799_999)]);
}

#[test]
fn a_signature_of_another_key_version() {
    let id = "verify --case anyprevout/key-version-00-signed-as-bip342";
    expect(&words(id), "SCHNORR_SIG", &["it was made with key_version 0, as for a key of BIP 342"]);
    expect(&words("verify --case csfs/invalid-flipped-r"), "SCHNORR_SIG", &[]);
}

/// If a script ends with a false result, the explanation is about the opcode that pushed the result.
#[test]
fn scripts_that_leave_false() {
    let secp = Secp256k1::new();
    let keypair = Keypair::from_seckey_slice(&secp, &[1; 32]).unwrap();
    let script = format!("<{}> CHECKSIG", keypair.public_key());
    let (mut tx, prevouts) = spend(&[&script], BareContext::P2wsh);
    let script = ScriptBuf::from_bytes(assemble(&script).unwrap());
    let mut signed = |hash_type| {
        let digest = SighashCache::new(&tx)
            .p2wsh_signature_hash(0, &script, prevouts[0].value, hash_type)
            .unwrap()
            .to_byte_array();
        // With the signature's hash type the message is a different one, so that the signature is invalid.
        let digest = if hash_type == EcdsaSighashType::All { [7; 32] } else { digest };
        let signature = secp.sign_ecdsa(&Message::from_digest(digest), &keypair.secret_key());
        let signature = [signature.serialize_der().to_vec(), vec![0x01]].concat();
        tx.input[0].witness = Witness::from_slice(&[&signature, script.as_bytes()]);
        verify(&tx, &prevouts)
    };
    expect(&signed(EcdsaSighashType::Single), "EVAL_FALSE", &["valid with hash type 0x03 (SINGLE)"]);
    expect(&signed(EcdsaSighashType::All), "EVAL_FALSE", &[]);
    let line = |script: &str| [words("verify --as legacy --script"), vec![script.to_owned()]].concat();
    expect(&line("2 3 EQUALVERIFY"), "EQUALVERIFY", &["02 (2) is not 03 (3)"]);
    expect(&line("1 RETURN"), "OP_RETURN", &[]);
}

/// Only an active OP_CHECKTEMPLATEVERIFY fails with TEMPLATE_MISMATCH. While it is inactive, policy rejects OP_NOP4.
#[test]
fn an_active_template_opcode_has_its_own_name() {
    for (case, name) in [
        ("ctv/bare-commits-version", "(OP_CHECKTEMPLATEVERIFY, byte "),
        ("ctv/bare-inactive-discouraged", "(OP_NOP4, byte "),
    ] {
        let out = sigstack(&words(&format!("verify --case {case}")));
        assert!(out.contains(name) && out.matches(" byte ").count() == out.matches(name).count(), "{out}");
    }
}
