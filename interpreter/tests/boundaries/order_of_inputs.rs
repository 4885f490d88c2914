//! Tests of inputs that break two rules at once: the error must be that of the rule that Core checks first. Each such input
//! is paired with one that breaks the second rule only.

use bitcoin::Witness;
use sigstack_interpreter::{Flags, ScriptError as E};

use crate::{DROP, Input, TRUE, p2wsh, push};

const RETURN: u8 = 0x6a;

fn check(flags: Flags, both: (&Input, E), second_only: (&Input, E)) {
    for (input, error) in [both, second_only] {
        assert_eq!(input.verify(flags), Err(error), "{:?} before {:?}", both.1, second_only.1);
    }
    assert_ne!(both.1, second_only.1);
}

fn p2sh(redeem_script: &[u8], script_sig: &[u8]) -> Input {
    use bitcoin::hashes::{Hash, hash160};
    let hash = hash160::Hash::hash(redeem_script);
    let script_sig = [script_sig, &push(redeem_script)].concat();
    Input::new(&[&[0xa9, 20], &hash[..], &[0x87]].concat(), &script_sig, &[])
}

#[test]
fn rules_of_legacy_inputs() {
    let flags = Flags::POLICY;
    let input = |script_sig: &[u8]| Input::new(&[TRUE], script_sig, &[]);
    check(flags, (&input(&[RETURN]), E::SigPushOnly), (&input(&[TRUE]), E::CleanStack));
    check(Flags::CONSENSUS, (&p2sh(&[0], &[0x61]), E::SigPushOnly), (&p2sh(&[0], &[]), E::EvalFalse));
    check(flags, (&p2sh(&[RETURN], &[TRUE]), E::OpReturn), (&p2sh(&[TRUE], &[TRUE]), E::CleanStack));
    // An unexpected witness is checked last.
    let unexpected = |script_sig: &[u8]| Input::new(&[TRUE], script_sig, &[vec![1]]);
    check(flags, (&unexpected(&[TRUE]), E::CleanStack), (&unexpected(&[]), E::WitnessUnexpected));
    let result = Input::new(&[0], &[], &[vec![1]]);
    check(flags, (&result, E::EvalFalse), (&unexpected(&[]), E::WitnessUnexpected));
}

#[test]
fn rules_of_segwit_v0() {
    let flags = Flags::CONSENSUS;
    let wrong = |script_sig: &[u8]| Input::new(&p2wsh(&[TRUE]), script_sig, &[vec![RETURN]]);
    check(flags, (&wrong(&[TRUE]), E::WitnessMalleated), (&wrong(&[]), E::WitnessProgramMismatch));
    let mut nested = p2sh(&p2wsh(&[TRUE]), &[TRUE]);
    nested.tx.input[0].witness = Witness::from_slice(&[[RETURN]]);
    let mut second = p2sh(&p2wsh(&[TRUE]), &[]);
    second.tx.input[0].witness = Witness::from_slice(&[[RETURN]]);
    check(flags, (&nested, E::WitnessMalleatedP2sh), (&second, E::WitnessProgramMismatch));
    // P2WSH: the script's hash is checked first, then the sizes of the elements, then the script's size.
    let long_element = vec![1; 521];
    let script = [&[TRUE][..], &[DROP; 10_000]].concat();
    let mismatch = Input::new(&p2wsh(&[TRUE]), &[], &[long_element.clone(), script.clone()]);
    let sizes = Input::p2wsh(&script, std::slice::from_ref(&long_element));
    check(flags, (&mismatch, E::WitnessProgramMismatch), (&sizes, E::PushSize));
    check(flags, (&sizes, E::PushSize), (&Input::p2wsh(&script, &[]), E::ScriptSize));
    // The script leaves two elements, of which the top one is false.
    let (both, second) = (Input::p2wsh(&[TRUE, 0], &[]), Input::p2wsh(&[0], &[]));
    check(flags, (&both, E::CleanStack), (&second, E::EvalFalse));
}

/// A script path spend is checked in this order: the size of the control block, the commitment of the output to the
/// leaf, and the leaf version (BIP 341 "Script validation rules"). A leaf of an unknown version is valid only if the
/// output commits to it.
#[test]
fn rules_of_taproot() {
    let flags = Flags::CONSENSUS | Flags::DISCOURAGE_UPGRADABLE_TAPROOT_VERSION;
    let leaf = Input::leaf(0xc2, &[RETURN], &[]);
    let other_leaf = |input: &Input| input.clone().with_witness(|witness| witness[0] = vec![TRUE]);
    let cut = |input: &Input| input.clone().with_witness(|witness| witness[1].push(0));
    check(
        flags,
        (&cut(&other_leaf(&leaf)), E::TaprootWrongControlSize),
        (&other_leaf(&leaf), E::WitnessProgramMismatch),
    );
    check(
        flags,
        (&other_leaf(&leaf), E::WitnessProgramMismatch),
        (&leaf, E::DiscourageUpgradableTaprootVersion),
    );
    assert_eq!(leaf.verify(Flags::CONSENSUS), Ok(()));
    assert_eq!(other_leaf(&leaf).verify(Flags::CONSENSUS), Err(E::WitnessProgramMismatch));
    assert_eq!(cut(&leaf).verify(Flags::CONSENSUS), Err(E::TaprootWrongControlSize));
}

/// A tapscript spend is checked in this order: `OP_SUCCESSx`, the number of initial stack elements, and the sizes of
/// these elements (BIP 342 "Script execution").
#[test]
fn rules_of_tapscript() {
    const SUCCESS: u8 = 0xbb;
    let flags = Flags::CONSENSUS | Flags::DISCOURAGE_OP_SUCCESS;
    let many = |last: usize| [vec![vec![]; 1000], vec![vec![1; last]]].concat();
    let (both, second) = (Input::tapscript(&[SUCCESS], &many(521)), Input::tapscript(&[TRUE], &many(521)));
    check(flags, (&both, E::DiscourageOpSuccess), (&second, E::StackSize));
    let too_long = Input::tapscript(&[TRUE], &many(521)[1..]);
    check(flags, (&second, E::StackSize), (&too_long, E::PushSize));
    check(flags, (&too_long, E::PushSize), (&Input::tapscript(&[RETURN], &[]), E::OpReturn));
    // Without the policy flag, an OP_SUCCESSx makes these inputs valid, unless the script before it cannot be parsed.
    assert_eq!(both.verify(Flags::CONSENSUS), Ok(()));
    let after = Input::tapscript(&[SUCCESS, 0x4c], &[]);
    assert_eq!(after.verify(Flags::CONSENSUS), Ok(()));
    let before = Input::tapscript(&[0x05, SUCCESS], &[]);
    check(flags, (&before, E::BadOpcode), (&after, E::DiscourageOpSuccess));
    let (both, second) = (Input::tapscript(&[TRUE, 0], &[]), Input::tapscript(&[0], &[]));
    check(flags, (&both, E::CleanStack), (&second, E::EvalFalse));
}

/// A key path spend is checked in this order: the size of the signature, the hash type, and the signature itself (BIP
/// 341 "Taproot key path spending signature validation").
#[test]
fn rules_of_the_key_path() {
    let program = Input::tapscript(&[TRUE], &[]).prevouts[0].script_pubkey.to_bytes();
    let spend = |size: usize, hash_type: u8| {
        let mut signature = vec![1; size - 1];
        signature.push(hash_type);
        Input::new(&program, &[], &[signature])
    };
    let flags = Flags::CONSENSUS;
    check(flags, (&spend(66, 4), E::SchnorrSigSize), (&spend(65, 4), E::SchnorrSigHashtype));
    check(flags, (&spend(65, 0), E::SchnorrSigHashtype), (&spend(65, 1), E::SchnorrSig));
    check(flags, (&spend(63, 1), E::SchnorrSigSize), (&spend(64, 1), E::SchnorrSig));
}
