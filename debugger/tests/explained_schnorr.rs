//! Tests the explanations of common mistakes with Schnorr signatures. Each mistake is paired with the correct
//! signature.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod signing;

use bitcoin::hashes::{Hash, sha256};
use bitcoin::key::TapTweak;
use bitcoin::secp256k1::{Keypair, Secp256k1};
use bitcoin::sighash::TapSighashType;
use bitcoin::taproot::{LeafVersion, TaprootBuilder, TaprootSpendInfo};
use bitcoin::{ScriptBuf, TapLeafHash, TapNodeHash};
use sigstack_debugger::{Trace, assemble, short};
use sigstack_interpreter::Flags;
use sigstack_interpreter::taproot::leaf_hash;

use signing::{Spending, assert_explained, assert_valid, keypair, last_notes, schnorr, verdict, x_only};

const DEFAULT: TapSighashType = TapSighashType::Default;
const ALL: TapSighashType = TapSighashType::All;

/// A taproot output with one leaf. Its internal key is `x_only(9)`.
struct Leaf {
    script: ScriptBuf,
    info: TaprootSpendInfo,
    spending: Spending,
}

impl Leaf {
    fn of(assembly: &str) -> Leaf {
        let script = ScriptBuf::from_bytes(assemble(assembly).unwrap());
        let builder = TaprootBuilder::new().add_leaf(0, script.clone()).unwrap();
        let info = builder.finalize(&Secp256k1::new(), keypair(9).x_only_public_key().0).unwrap();
        let spending = Spending::of(&ScriptBuf::new_p2tr_tweaked(info.output_key()));
        Leaf { script, info, spending }
    }

    /// Returns a leaf with the script `<x_only(1)> CHECKSIG`.
    fn check_sig() -> Leaf {
        Leaf::of(&format!("<{}> CHECKSIG", hex::encode(x_only(1))))
    }

    fn hash(&self) -> TapLeafHash {
        TapLeafHash::from_script(&self.script, LeafVersion::TapScript)
    }

    fn digest(&self, input: usize, hash_type: TapSighashType) -> [u8; 32] {
        self.spending.taproot(input, None, Some(self.hash()), hash_type)
    }

    /// Traces a script path spend of the leaf. The witness has the elements of `stack`, the script, the control block
    /// and the annex.
    fn trace(&self, stack: &[Vec<u8>], annex: Option<&[u8]>, flags: Flags) -> Trace {
        let control = self.info.control_block(&(self.script.clone(), LeafVersion::TapScript)).unwrap();
        let mut witness = stack.to_vec();
        witness.extend([self.script.to_bytes(), control.serialize()]);
        witness.extend(annex.map(<[u8]>::to_vec));
        self.spending.trace(&witness, Vec::new(), flags, None)
    }

    fn spend(&self, stack: &[Vec<u8>]) -> Trace {
        self.trace(stack, None, Flags::CONSENSUS)
    }
}

#[test]
fn tapscript_another_hash_type() {
    let leaf = Leaf::check_sig();
    let signature = schnorr(&keypair(1), leaf.digest(0, ALL));
    assert_valid(&leaf.spend(&[[signature.clone(), vec![1]].concat()]));
    assert_explained(
        &leaf.spend(core::slice::from_ref(&signature)),
        "SCHNORR_SIG",
        &["other-hash-type: valid with hash type 0x01 (ALL)".into()],
    );
    let default = schnorr(&keypair(1), leaf.digest(0, DEFAULT));
    assert_valid(&leaf.spend(core::slice::from_ref(&default)));
    assert_explained(
        &leaf.spend(&[[default.clone(), vec![0x83]].concat()]),
        "SCHNORR_SIG",
        &["other-hash-type: valid with hash type 0x00 (DEFAULT)".into()],
    );
    assert_explained(
        &leaf.spend(&[[default, vec![0]].concat()]),
        "SCHNORR_SIG_HASHTYPE",
        &["explicit-default: the hash type 0 must not be written: the signature without its last byte is valid"
            .into()],
    );
}

#[test]
fn tapscript_another_input_and_the_key_path() {
    let leaf = Leaf::check_sig();
    assert_valid(&leaf.spend(&[schnorr(&keypair(1), leaf.digest(0, DEFAULT))]));
    assert_explained(
        &leaf.spend(&[schnorr(&keypair(1), leaf.digest(1, DEFAULT))]),
        "SCHNORR_SIG",
        &["other-input: it is a signature for input 1".into()],
    );
    let key_path = leaf.spending.taproot(0, None, None, DEFAULT);
    assert_explained(
        &leaf.spend(&[schnorr(&keypair(1), key_path)]),
        "SCHNORR_SIG",
        &["key-path: it was made for the key path, without the extension of tapscript".into()],
    );
}

#[test]
fn tapscript_without_the_annex() {
    let leaf = Leaf::check_sig();
    let annex = [0x50, 7];
    let with = leaf.spending.taproot(0, Some(&annex), Some(leaf.hash()), DEFAULT);
    assert_valid(&leaf.trace(&[schnorr(&keypair(1), with)], Some(&annex), Flags::CONSENSUS));
    assert_explained(
        &leaf.trace(&[schnorr(&keypair(1), leaf.digest(0, DEFAULT))], Some(&annex), Flags::CONSENSUS),
        "SCHNORR_SIG",
        &["annex: it was made without the annex".into()],
    );
}

#[test]
fn tapscript_a_digest_that_was_hashed_once_more() {
    let leaf = Leaf::check_sig();
    let digest = leaf.digest(0, DEFAULT);
    assert_valid(&leaf.spend(&[schnorr(&keypair(1), digest)]));
    let twice = sha256::Hash::hash(&digest).to_byte_array();
    assert_explained(
        &leaf.spend(&[schnorr(&keypair(1), twice)]),
        "SCHNORR_SIG",
        &["hashed-twice: it signs SHA256 of the digest: the digest was hashed once more".into()],
    );
}

#[test]
fn tapscript_signatures_in_the_wrong_order() {
    let keys = [hex::encode(x_only(1)), hex::encode(x_only(2))];
    let leaf = Leaf::of(&format!("<{}> CHECKSIGVERIFY <{}> CHECKSIG", keys[0], keys[1]));
    let sign = |number| schnorr(&keypair(number), leaf.digest(0, DEFAULT));
    assert_valid(&leaf.spend(&[sign(2), sign(1)]));
    assert_explained(
        &leaf.spend(&[sign(1), sign(2)]),
        "SCHNORR_SIG",
        &[format!("other-key: it is a signature of another key of this spend: {}", keys[1])],
    );
}

/// Signature and x-only key are exchanged. The signature is then a key of an unknown type, which policy rejects and
/// consensus accepts.
#[test]
fn tapscript_key_and_signature_swapped() {
    let leaf = Leaf::of("CHECKSIG");
    let signature = schnorr(&keypair(1), leaf.digest(0, DEFAULT));
    let key = x_only(1).to_vec();
    assert_valid(&leaf.trace(&[signature.clone(), key.clone()], None, Flags::POLICY));
    let policy = leaf.trace(&[key.clone(), signature.clone()], None, Flags::POLICY);
    let swapped = "swapped: by their sizes the operands are swapped; exchanged, the signature verifies";
    assert_explained(&policy, "DISCOURAGE_UPGRADABLE_PUBKEYTYPE", &[swapped.into()]);
    let wrong = schnorr(&keypair(2), leaf.digest(0, DEFAULT));
    assert_explained(
        &leaf.trace(&[key.clone(), wrong], None, Flags::POLICY),
        "DISCOURAGE_UPGRADABLE_PUBKEYTYPE",
        &["swapped: by their sizes the operands are swapped; it would not verify exchanged either".into()],
    );
    assert_explained(
        &leaf.spend(&[key, signature]),
        "OK",
        &["unknown-key-type: a key of 64 bytes is of an unknown type here: every signature is accepted"
            .into()],
    );
}

#[test]
fn tapscript_a_key_that_was_tweaked_for_signing() {
    let leaf = Leaf::check_sig();
    let digest = leaf.digest(0, DEFAULT);
    assert_valid(&leaf.spend(&[schnorr(&keypair(1), digest)]));
    let tweaked = keypair(1).tap_tweak(&Secp256k1::new(), None).to_keypair();
    assert_explained(
        &leaf.spend(&[schnorr(&tweaked, digest)]),
        "SCHNORR_SIG",
        &["key-tweaked: it is a signature of this key tweaked as in BIP 86: the tweak is too much".into()],
    );
    // A signature by the internal key is not valid for any key in this script.
    assert_explained(
        &leaf.spend(&[schnorr(&keypair(9), digest)]),
        "SCHNORR_SIG",
        &[format!(
            "tweak-missing: it is a signature of the internal key {}: the tweak with the root was not added",
            hex::encode(x_only(9))
        )],
    );
}

#[test]
fn tapscript_an_ecdsa_signature() {
    let leaf = Leaf::check_sig();
    let digest = leaf.digest(0, DEFAULT);
    assert_explained(
        &leaf.spend(&[signing::ecdsa(1, digest, 1)]),
        "SCHNORR_SIG_SIZE",
        &["ecdsa: the signature looks like ECDSA; tapscript takes Schnorr signatures of 64 or 65 bytes"
            .into()],
    );
}

/// A taproot output that is spent by the key path, with or without a Merkle root.
struct KeyPath {
    root: Option<TapNodeHash>,
    spending: Spending,
}

impl KeyPath {
    fn with(root: Option<TapNodeHash>) -> KeyPath {
        let key = keypair(9).x_only_public_key().0;
        KeyPath { root, spending: Spending::of(&ScriptBuf::new_p2tr(&Secp256k1::new(), key, root)) }
    }

    fn tweaked(&self, root: Option<TapNodeHash>) -> Keypair {
        keypair(9).tap_tweak(&Secp256k1::new(), root).to_keypair()
    }

    /// Traces a key path spend with this signature. The internal key is known, for example from a PSBT.
    fn spend(&self, signature: Vec<u8>) -> Trace {
        self.spending.trace(&[signature], Vec::new(), Flags::CONSENSUS, Some(x_only(9)))
    }

    fn digest(&self, input: usize, hash_type: TapSighashType) -> [u8; 32] {
        self.spending.taproot(input, None, None, hash_type)
    }
}

#[test]
fn key_path_without_the_tweak_and_with_another() {
    for root in [None, Some(TapNodeHash::from_byte_array([5; 32]))] {
        let path = KeyPath::with(root);
        let digest = path.digest(0, DEFAULT);
        assert_valid(&path.spend(schnorr(&path.tweaked(path.root), digest)));
        let missing = format!(
            "tweak-missing: it is a signature of the internal key {}: the tweak with the root was not added",
            hex::encode(x_only(9))
        );
        assert_explained(&path.spend(schnorr(&keypair(9), digest)), "SCHNORR_SIG", &[missing]);
        if root.is_some() {
            assert_explained(
                &path.spend(schnorr(&path.tweaked(None), digest)),
                "SCHNORR_SIG",
                &["other-tweak: it is a signature of the internal key tweaked without a tree".into()],
            );
        }
    }
}

/// If the internal key is not known, the signer's mistake cannot be found. Then the only explanation says that no
/// change was found.
#[test]
fn key_path_of_an_unknown_internal_key() {
    let path = KeyPath::with(None);
    let signature = schnorr(&keypair(9), path.digest(0, DEFAULT));
    let trace = path.spending.trace(&[signature], Vec::new(), Flags::CONSENSUS, None);
    let unknown = "unknown: no single change was found that makes the signature valid: not another hash type, key, input or \
                   encoding of the message";
    assert_explained(&trace, "SCHNORR_SIG", &[unknown.into()]);
}

#[test]
fn key_path_another_hash_type_and_another_input() {
    let path = KeyPath::with(None);
    let key = path.tweaked(None);
    let all = schnorr(&key, path.digest(0, ALL));
    assert_valid(&path.spend([all.clone(), vec![1]].concat()));
    assert_explained(
        &path.spend([all, vec![2]].concat()),
        "SCHNORR_SIG",
        &["other-hash-type: valid with hash type 0x01 (ALL)".into()],
    );
    assert_explained(
        &path.spend(schnorr(&key, path.digest(1, DEFAULT))),
        "SCHNORR_SIG",
        &["other-input: it is a signature for input 1".into()],
    );
    let twice = sha256::Hash::hash(&path.digest(0, DEFAULT)).to_byte_array();
    assert_explained(
        &path.spend(schnorr(&key, twice)),
        "SCHNORR_SIG",
        &["hashed-twice: it signs SHA256 of the digest: the digest was hashed once more".into()],
    );
}

const CSFS: Flags = Flags::CHECKSIGFROMSTACK;

#[test]
fn from_stack_a_message_that_was_hashed() {
    let leaf = Leaf::of(&format!("SHA256 <{}> CHECKSIGFROMSTACK", hex::encode(x_only(1))));
    let message = b"an update of a channel".to_vec();
    let hash = sha256::Hash::hash(&message);
    let flags = Flags::CONSENSUS | CSFS;
    let spend = |digest| leaf.trace(&[schnorr(&keypair(1), digest), message.clone()], None, flags);
    assert_valid(&spend(hash.to_byte_array()));
    assert_explained(
        &spend(hash.hash_again().to_byte_array()),
        "SCHNORR_SIG",
        &["message-hashed: it signs SHA256 of the message; the opcode does not hash the message".into()],
    );
    // The reverse mistake: the script hashes a message that is already a hash.
    let once = hash.to_byte_array();
    assert_explained(
        &leaf.trace(&[schnorr(&keypair(1), once), once.to_vec()], None, flags),
        "SCHNORR_SIG",
        &[format!(
            "hashed-twice: it signs {}, of which the message is the SHA256: hashed twice",
            short(&once)
        )],
    );
}

#[test]
fn from_stack_another_key_and_the_transaction() {
    let keys = [hex::encode(x_only(1)), hex::encode(x_only(2))];
    let leaf = Leaf::of(&format!("<{}> CHECKSIGFROMSTACK VERIFY <{}> DROP 1", keys[0], keys[1]));
    let message = [6; 32];
    let spend = |signature| leaf.trace(&[signature, message.to_vec()], None, Flags::CONSENSUS | CSFS);
    assert_valid(&spend(schnorr(&keypair(1), message)));
    assert_explained(
        &spend(schnorr(&keypair(2), message)),
        "SCHNORR_SIG",
        &[format!("other-key: it is a signature of another key of this spend: {}", keys[1])],
    );
    assert_explained(
        &spend(schnorr(&keypair(1), leaf.digest(0, ALL))),
        "SCHNORR_SIG",
        &["signs-transaction: it is a signature of the transaction (ALL), not of the message".into()],
    );
}

#[test]
fn tapscript_another_leaf_version_in_the_sighash() {
    let leaf = Leaf::check_sig();
    let with = |version: u8| {
        let leaf_hash = leaf_hash(version, leaf.script.as_bytes());
        let digest = leaf.spending.taproot(0, None, Some(TapLeafHash::from_byte_array(leaf_hash)), DEFAULT);
        leaf.spend(&[schnorr(&keypair(1), digest)])
    };
    assert_valid(&with(0xc0));
    // The leaf version including the parity bit of the control block, and other versions.
    for version in [0xc1, 0xc2, 0x00] {
        let expected =
            format!("sighash-leaf-version: it was made with leaf version {version:#04x} in the tapleaf hash");
        assert_explained(&with(version), "SCHNORR_SIG", &[expected]);
    }
}

#[test]
fn script_and_control_block_swapped() {
    for annex in [None, Some(vec![0x50, 7])] {
        let leaf = Leaf::of("1");
        let control =
            leaf.info.control_block(&(leaf.script.clone(), LeafVersion::TapScript)).unwrap().serialize();
        let trace = |mut witness: Vec<Vec<u8>>| {
            witness.extend(annex.clone());
            leaf.spending.trace(&witness, Vec::new(), Flags::CONSENSUS, None)
        };
        let script = leaf.script.to_bytes();
        assert_valid(&trace(vec![script.clone(), control.clone()]));
        let swapped = trace(vec![control.clone(), script.clone()]);
        assert_eq!(verdict(&swapped), "TAPROOT_WRONG_CONTROL_SIZE");
        let text = "script and control block are swapped: the control block comes last; exchanged, the output commits to the \
                    script";
        assert!(last_notes(&swapped).contains(&text.to_owned()));
        // Elements of the same sizes, but with a control block that does not match the output.
        let mut other = control.clone();
        other[1] ^= 1;
        let unknown = trace(vec![other, script.clone()]);
        assert_eq!(verdict(&unknown), "TAPROOT_WRONG_CONTROL_SIZE");
        assert!(!last_notes(&unknown).iter().any(|note| note.contains("swapped")));
    }
}

#[test]
fn a_script_of_the_size_of_a_control_block_swapped() {
    let leaf = Leaf::of(&format!("<{}>", "11".repeat(32)));
    assert_eq!(leaf.script.len(), 33);
    let control =
        leaf.info.control_block(&(leaf.script.clone(), LeafVersion::TapScript)).unwrap().serialize();
    let swapped = leaf.spending.trace(&[control, leaf.script.to_bytes()], Vec::new(), Flags::CONSENSUS, None);
    assert_valid(&leaf.spend(&[]));
    assert_explained(
        &swapped,
        "WITNESS_PROGRAM_MISMATCH",
        &["control-block-swapped: script and control block are swapped: the control block comes last; exchanged, the output \
           commits to the script"
            .into()],
    );
}

#[test]
fn key_path_with_prevouts_in_the_wrong_order() {
    let key = keypair(9).tap_tweak(&Secp256k1::new(), None).to_keypair();
    let mut spending = Spending::of(&ScriptBuf::new_p2tr_tweaked(
        bitcoin::key::TweakedPublicKey::dangerous_assume_tweaked(key.x_only_public_key().0),
    ));
    let mut third = spending.tx.input[1].clone();
    third.previous_output.vout = 2;
    spending.tx.input.push(third);
    spending.prevouts.push(spending.prevouts[1].clone());
    spending.prevouts[2].value = bitcoin::Amount::from_sat(7_000);
    let signature = schnorr(&key, spending.taproot(0, None, None, DEFAULT));
    let trace = |one: usize, other: usize| {
        let mut swapped = Spending { tx: spending.tx.clone(), prevouts: spending.prevouts.clone() };
        swapped.prevouts.swap(one, other);
        swapped.trace(std::slice::from_ref(&signature), Vec::new(), Flags::CONSENSUS, None)
    };
    assert_valid(&trace(0, 0));
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        let text = format!(
            "prevouts-swapped: the prevouts are in the wrong order: with those of inputs {one} and {other} exchanged, the input \
             is valid"
        );
        assert_explained(&trace(one, other), "SCHNORR_SIG", &[text]);
    }
}
