//! Tests of caches: hashes that the signatures of one script or transaction share, and memory that the verifications of
//! one thread share. Each signature must be valid for its own message only.

use bitcoin::Witness;
use sigstack_interpreter::sighash::{legacy, segwit_v0, taproot};
use sigstack_interpreter::taproot::leaf_hash;
use sigstack_interpreter::{Flags, KeyVersion, ScriptError as E, Spend, TaprootMessage, TapscriptMessage};

use crate::{
    CHECKSIG, CHECKSIGVERIFY, CODESEPARATOR, DROP, Input, TRUE, keypair, output, p2wsh, public_key, push,
    sign_ecdsa, sign_schnorr, transaction,
};

const TOALTSTACK: u8 = 0x6b;
const FROMALTSTACK: u8 = 0x6c;

/// The kinds of scripts whose signatures are ECDSA signatures: legacy and segwit v0.
#[derive(Clone, Copy, Debug)]
enum Ecdsa {
    Legacy,
    WitnessV0,
}

impl Ecdsa {
    /// Creates an input that runs `script` with the initial stack `elements`, the top element last.
    fn input(self, script: &[u8], elements: &[Vec<u8>]) -> Input {
        match self {
            Ecdsa::Legacy => {
                let script_sig: Vec<u8> = elements.iter().flat_map(|element| push(element)).collect();
                Input::new(script, &script_sig, &[])
            }
            Ecdsa::WitnessV0 => Input::p2wsh(script, elements),
        }
    }

    fn sign(self, script_code: &[u8], hash_type: u8) -> Vec<u8> {
        let (tx, prevouts) = transaction(2, 2);
        let spend = Spend::new(&tx, &prevouts).unwrap();
        let view = spend.view(0).unwrap();
        let digest = match self {
            Ecdsa::Legacy => legacy::naive_digest(&view, script_code, hash_type.into()),
            Ecdsa::WitnessV0 => segwit_v0::digest(&view, script_code, hash_type.into()),
        };
        sign_ecdsa(digest, hash_type)
    }
}

/// One script verifies a signature of each hash type, so that all of these signatures use the same cached midstates.
#[test]
fn ecdsa_hash_types_in_one_script() {
    let hash_types = [0x01, 0x02, 0x03, 0x81, 0x82, 0x83, 0x00, 0x61, 0x63, 0xe3, 0x80, 0x41];
    let check = [&push(&public_key())[..], &[CHECKSIGVERIFY]].concat();
    let script = [&check.repeat(hash_types.len())[..], &[TRUE]].concat();
    for ecdsa in [Ecdsa::Legacy, Ecdsa::WitnessV0] {
        let signatures: Vec<Vec<u8>> = hash_types.iter().map(|kind| ecdsa.sign(&script, *kind)).collect();
        // In the reverse order, midstates are computed by other hash types that share them.
        for order in [signatures.clone(), signatures.iter().rev().cloned().collect()] {
            assert_eq!(ecdsa.input(&script, &order).verify(Flags::CONSENSUS), Ok(()), "{ecdsa:?}");
            for changed in 0..order.len() {
                for hash_type in hash_types {
                    let mut wrong = order.clone();
                    let last = wrong[changed].last_mut().unwrap();
                    let expected = if *last == hash_type { Ok(()) } else { Err(E::CheckSigVerify) };
                    *last = hash_type;
                    assert_eq!(ecdsa.input(&script, &wrong).verify(Flags::CONSENSUS), expected, "{ecdsa:?}");
                }
            }
        }
    }
}

/// A signature made for a check before `OP_CODESEPARATOR` is invalid in a check after `OP_CODESEPARATOR`, and the
/// reverse.
#[test]
fn ecdsa_after_a_code_separator() {
    let check = |opcode: u8| [&push(&public_key())[..], &[opcode]].concat();
    let script = [check(CHECKSIGVERIFY), vec![CODESEPARATOR], check(CHECKSIG)].concat();
    for ecdsa in [Ecdsa::Legacy, Ecdsa::WitnessV0] {
        let before = ecdsa.sign(&script, 1);
        let after = ecdsa.sign(&check(CHECKSIG), 1);
        let verify = |first: &Vec<u8>, second: &Vec<u8>| {
            ecdsa.input(&script, &[second.clone(), first.clone()]).verify(Flags::CONSENSUS)
        };
        assert_eq!(verify(&before, &after), Ok(()), "{ecdsa:?}");
        assert_eq!(verify(&before, &before), Err(E::EvalFalse), "{ecdsa:?}");
        assert_eq!(verify(&after, &after), Err(E::CheckSigVerify), "{ecdsa:?}");
    }
}

/// FindAndDelete removes the push of a signature from the script code to which that signature commits. A second
/// signature, which the script does not push, commits to the whole script. The checks of both signatures must not share
/// a midstate.
#[test]
fn signatures_found_in_the_script() {
    let key = push(&public_key());
    // The first check verifies the signature that the script pushes, which signs the script without that push.
    let without = [&[DROP][..], &key, &[CHECKSIGVERIFY], &key, &[CHECKSIG]].concat();
    let found = Ecdsa::Legacy.sign(&without, 1);
    let script = [push(&found), without.clone()].concat();
    let whole = Ecdsa::Legacy.sign(&script, 1);
    let verify = |first: &Vec<u8>, second: &Vec<u8>| {
        Ecdsa::Legacy.input(&script, &[second.clone(), first.clone()]).verify(Flags::CONSENSUS)
    };
    assert_ne!(found, whole);
    assert_eq!(verify(&found, &whole), Ok(()));
    assert_eq!(verify(&whole, &found), Ok(()));
    // This signature is not pushed by the script but signs the script without the push of the other signature. It has
    // another hash type because signing is deterministic and the two signatures would be equal otherwise.
    let other = Ecdsa::Legacy.sign(&without, 0x41);
    assert_eq!(verify(&found, &other), Err(E::EvalFalse));
    assert_eq!(verify(&other, &found), Err(E::CheckSigVerify));
    assert_eq!(verify(&whole, &whole), Ok(()));
    // In segwit v0, signatures are not removed.
    let kept = Ecdsa::WitnessV0.sign(&without, 1);
    let script = [push(&kept), without].concat();
    let second = Ecdsa::WitnessV0.sign(&script, 1);
    let input = Ecdsa::WitnessV0.input(&script, &[second.clone(), kept]);
    assert_eq!(input.verify(Flags::CONSENSUS), Err(E::CheckSigVerify));
    let input = Ecdsa::WitnessV0.input(&script, &[second.clone(), second]);
    assert_eq!(input.verify(Flags::CONSENSUS), Ok(()));
}

/// FindAndDelete must find pushes of signatures of 76 bytes or more, which begin with `OP_PUSHDATA1` or `OP_PUSHDATA2`.
/// Such signatures can be valid only if the flag of BIP 66 is not set, because bytes after the DER encoding are ignored
/// then.
#[test]
fn long_signatures_found_in_the_script() {
    for padding in [0, 3, 4, 5, 100, 300] {
        let without = [&[DROP][..], &push(&public_key()), &[CHECKSIG]].concat();
        let mut found = Ecdsa::Legacy.sign(&without, 1);
        found.splice(found.len() - 1.., [vec![0; padding], vec![1]].concat());
        let script = [push(&found), without].concat();
        let input = Ecdsa::Legacy.input(&script, std::slice::from_ref(&found));
        assert_eq!(input.verify(Flags::NONE), Ok(()), "{} bytes", found.len());
        let const_code = input.verify(Flags::CONST_SCRIPTCODE);
        assert_eq!(const_code, Err(E::SigFindAndDelete), "{} bytes", found.len());
        // A signature that signs the script without its own push removed is invalid.
        let mut whole = Ecdsa::Legacy.sign(&script, 1);
        whole.splice(whole.len() - 1.., [vec![0; padding], vec![1]].concat());
        let input =
            Ecdsa::Legacy.input(&[push(&whole), script[push(&found).len()..].to_vec()].concat(), &[whole]);
        assert_eq!(input.verify(Flags::NONE), Err(E::EvalFalse));
    }
}

/// Signs the first input for a check in the tapscript `script`. `position` is the opcode position of the last executed
/// `OP_CODESEPARATOR`.
fn sign_tapscript(
    input: &Input,
    script: &[u8],
    position: u32,
    key_version: KeyVersion,
    hash_type: u8,
) -> Vec<u8> {
    let tapscript = TapscriptMessage {
        key_version,
        leaf_hash: leaf_hash(0xc0, script),
        code_separator_position: position,
    };
    let message = TaprootMessage { annex_hash: None, tapscript: Some(tapscript) };
    let spend = input.spend();
    sign_schnorr(taproot::digest(&spend.view(0).unwrap(), &message, hash_type).unwrap(), hash_type)
}

/// One tapscript verifies a signature of every hash type, with keys of BIP 342 and keys of BIP 118.
#[test]
fn taproot_hash_types_in_one_script() {
    let bip341 = [0x00, 0x01, 0x02, 0x03, 0x81, 0x82, 0x83];
    let bip118 = [&bip341[..], &[0x41, 0x42, 0x43, 0xc1, 0xc2, 0xc3]].concat();
    let key = keypair().x_only_public_key().0.to_byte_array();
    let check = |key: &[u8]| [&push(key)[..], &[CHECKSIGVERIFY]].concat();
    let ours = check(&[&[1][..], &key].concat());
    let script = [check(&key).repeat(bip341.len()), ours.repeat(bip118.len()), vec![TRUE]].concat();
    let flags = Flags::CONSENSUS | Flags::ANYPREVOUT;
    let empty = Input::tapscript(&script, &[]);
    let sign = |key_version, hash_type| sign_tapscript(&empty, &script, u32::MAX, key_version, hash_type);
    let mut signatures: Vec<Vec<u8>> =
        bip341.iter().map(|hash_type| sign(KeyVersion::Bip342, *hash_type)).collect();
    signatures.extend(bip118.iter().map(|hash_type| sign(KeyVersion::Bip118, *hash_type)));
    // The first check of the script takes the top of the stack.
    signatures.reverse();
    assert_eq!(Input::tapscript(&script, &signatures).verify(flags), Ok(()));
    for changed in 0..signatures.len() {
        let is_bip118 = changed < bip118.len();
        let known = if is_bip118 { &bip118[..] } else { &bip341[..] };
        for hash_type in &bip118 {
            let mut wrong = signatures.clone();
            wrong[changed].truncate(64);
            wrong[changed].extend((*hash_type != 0).then_some(*hash_type));
            let expected = match wrong[changed] == signatures[changed] {
                true => Ok(()),
                false if known.contains(hash_type) => Err(E::SchnorrSig),
                false => Err(E::SchnorrSigHashtype),
            };
            assert_eq!(
                Input::tapscript(&script, &wrong).verify(flags),
                expected,
                "{changed}, {hash_type:#04x}"
            );
        }
        // The key version is part of the message, so a signature of the other version is invalid.
        let mut wrong = signatures.clone();
        let last = signatures.len() - 1;
        wrong[changed] = signatures[if is_bip118 { last } else { bip118.len() - 1 }].clone();
        assert_eq!(Input::tapscript(&script, &wrong).verify(flags), Err(E::SchnorrSig), "{changed}");
    }
}

#[test]
fn taproot_after_a_code_separator() {
    let key = keypair().x_only_public_key().0.to_byte_array();
    let check = |opcode: u8| [&push(&key)[..], &[opcode]].concat();
    let script = [check(CHECKSIGVERIFY), vec![CODESEPARATOR], check(CHECKSIG)].concat();
    let empty = Input::tapscript(&script, &[]);
    let sign = |position| sign_tapscript(&empty, &script, position, KeyVersion::Bip342, 1);
    let (before, after) = (sign(u32::MAX), sign(2));
    let verify = |first: &Vec<u8>, second: &Vec<u8>| {
        Input::tapscript(&script, &[second.clone(), first.clone()]).verify(Flags::CONSENSUS)
    };
    assert_eq!(verify(&before, &after), Ok(()));
    assert_eq!(verify(&before, &before), Err(E::SchnorrSig));
    assert_eq!(verify(&after, &after), Err(E::SchnorrSig));
}

/// With SIGHASH_SINGLE, the signature of each input commits to the output with the same index. The three inputs share
/// the cache of the transaction. There are only two outputs, so none has the index of the third input.
#[test]
fn single_outputs_of_several_inputs() {
    let check = [&push(&public_key())[..], &[CHECKSIG]].concat();
    let keys = [check.clone(), p2wsh(&check)];
    for is_segwit in [false, true] {
        let (mut tx, mut prevouts) = transaction(3, 2);
        prevouts.iter_mut().for_each(|prevout| *prevout = output(9, &keys[usize::from(is_segwit)]));
        let digests = |tx: &bitcoin::Transaction| {
            let spend = Spend::new(tx, &prevouts).unwrap();
            [0, 1, 2].map(|input| {
                let view = spend.view(input).unwrap();
                match is_segwit {
                    false => legacy::digest(&view, &check, 3),
                    true => segwit_v0::digest(&view, &check, 3),
                }
            })
        };
        let signatures = digests(&tx).map(|digest| sign_ecdsa(digest, 3));
        for (input, signature) in tx.input.iter_mut().zip(&signatures) {
            match is_segwit {
                false => input.script_sig = push(signature).into(),
                true => input.witness = Witness::from_slice(&[signature.clone(), check.clone()]),
            }
        }
        let spend = Spend::new(&tx, &prevouts).unwrap();
        assert_eq!(spend.verify(Flags::CONSENSUS), Ok(()));
        let mut changed = tx.clone();
        changed.output[1].value += bitcoin::Amount::ONE_SAT;
        let spend = Spend::new(&changed, &prevouts).unwrap();
        let verdicts = [0, 1, 2].map(|input| spend.verify_input(input, Flags::CONSENSUS).is_ok());
        assert_eq!(verdicts, [true, false, true]);
    }
}

/// The next verification on a thread reuses the memory of the stacks but must start with empty stacks. The alt stack is
/// also cleared between the scripts of one input.
#[test]
fn nothing_is_left_on_the_stacks() {
    let leaves_much = Input::new(&[TRUE; 9], &[TRUE, TOALTSTACK], &[]);
    let fails = Input::new(&[TRUE, TRUE, 0x6a], &[TRUE, TOALTSTACK], &[]);
    let finds = |script: &[u8]| Input::new(script, &[], &[]).verify(Flags::CONSENSUS);
    for before in [leaves_much, fails] {
        let _ = before.verify(Flags::CONSENSUS);
        assert_eq!(finds(&[0x61]), Err(E::EvalFalse));
        assert_eq!(finds(&[FROMALTSTACK]), Err(E::InvalidAltstackOperation));
    }
    let between = Input::new(&[FROMALTSTACK], &[TRUE, TOALTSTACK], &[]);
    assert_eq!(between.verify(Flags::CONSENSUS), Err(E::InvalidAltstackOperation));
}

/// Compaction of the stacks' memory must not change the elements, including those on the alt stack.
#[test]
fn elements_survive_compaction() {
    let on_alt = [&push(&[9; 500])[..], &[TOALTSTACK]].concat();
    // Tapscripts have no size limit, so this one can fill the memory many times.
    let filler = [&push(&[8; 520])[..], &[DROP]].concat().repeat(1000);
    let compare = [&[FROMALTSTACK][..], &push(&[9; 500]), &[0x88]].concat().repeat(2);
    let script = [on_alt.repeat(2), filler, compare, vec![TRUE]].concat();
    assert_eq!(Input::tapscript(&script, &[]).verify(Flags::CONSENSUS), Ok(()));
}
