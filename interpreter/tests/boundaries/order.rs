//! Tests of scripts that break two rules at once: the error must be that of the rule that Core checks first. Each such
//! script is paired with one that breaks the second rule only.

use sigstack_interpreter::ScriptError as E;
use sigstack_interpreter::{Context, Flags};

use crate::{CHECKSIG, CHECKSIGVERIFY, CODESEPARATOR, DROP, NOP, TRUE, public_key, push, run, tapscript};

const CHECKSIGADD: u8 = 0xba;
const CHECKSIGFROMSTACK: u8 = 0xcc;
const CHECKMULTISIG: u8 = 0xae;
const DISABLED: u8 = 0x7e;
const RETURN: u8 = 0x6a;
const MINUS_ONE: &[u8] = &[0x81];
/// A number of six bytes, which is too long for every opcode.
const LONG: &[u8] = &[1, 2, 3, 4, 5, 6];

/// A strict DER signature with hash type ALL and S = 1. The mock host rejects every signature.
const SIGNATURE: &[u8] = &[0x30, 6, 2, 1, 1, 2, 1, 1, 1];
/// [`SIGNATURE`] with one extra byte.
const NOT_DER: &[u8] = &[0x30, 6, 2, 1, 1, 2, 1, 1, 1, 1];
/// [`SIGNATURE`] with a hash type that is not defined.
const WRONG_TYPE: &[u8] = &[0x30, 6, 2, 1, 1, 2, 1, 1, 5];

/// A script that breaks a rule, its initial stack, and the error that it must fail with.
type Broken<'s> = (&'s [u8], &'s [&'s [u8]], E);

/// Checks that the first script, which breaks two rules, fails with the error of the first rule, and that the second script
/// fails with the error of the second rule.
fn check(context: &Context, flags: Flags, both: Broken<'_>, second_only: Broken<'_>) {
    for (script, elements, error) in [both, second_only] {
        let result = run(script, elements, context.clone(), flags, false);
        assert_eq!(result, Err(error), "{:?} before {:?}", both.2, second_only.2);
    }
    assert_ne!(both.2, second_only.2);
}

fn legacy(flags: Flags, both: Broken<'_>, second_only: Broken<'_>) {
    check(&Context::Legacy, flags, both, second_only);
}

/// Runs [`check`] in a tapscript whose signature budget of 49 weight units is too small for one signature.
fn out_of_budget(flags: Flags, both: Broken<'_>, second_only: Broken<'_>) {
    check(&tapscript(49), flags, both, second_only);
}

fn nops(count: usize, then: &[u8]) -> Vec<u8> {
    [&vec![NOP; count], then].concat()
}

#[test]
fn rules_of_all_opcodes() {
    let long_push =
        |length: u16| [&[0x4e][..], &u32::from(length).to_le_bytes(), &vec![1; length.into()]].concat();
    let minimal = Flags::MINIMALDATA;
    legacy(minimal, (&long_push(521), &[], E::PushSize), (&long_push(520), &[], E::MinimalData));
    let none = Flags::NONE;
    let (many, few) = (nops(201, &[DISABLED]), nops(200, &[DISABLED]));
    legacy(none, (&many, &[], E::OpCount), (&few, &[], E::DisabledOpcode));
    let (many, few) = (nops(201, &[CODESEPARATOR]), nops(200, &[CODESEPARATOR]));
    legacy(Flags::CONST_SCRIPTCODE, (&many, &[], E::OpCount), (&few, &[], E::OpCodeSeparator));
    let (many, few) = (nops(201, &[DROP]), nops(200, &[DROP]));
    legacy(none, (&many, &[], E::OpCount), (&few, &[], E::InvalidStackOperation));
    let long = [&[RETURN][..], &[TRUE; 10_000]].concat();
    legacy(none, (&long, &[], E::ScriptSize), (&long[..10_000], &[], E::OpReturn));
    // The stack size is checked before unbalanced conditionals.
    let open = [&[TRUE, 0x63][..], &[TRUE; 1001]].concat();
    legacy(none, (&open, &[], E::StackSize), (&open[..1002], &[], E::UnbalancedConditional));
    // An opcode's own error is reported before the stack size.
    let grow = |last: u8| [&[TRUE; 1000][..], &[last]].concat();
    legacy(none, (&grow(RETURN), &[], E::OpReturn), (&grow(TRUE), &[], E::StackSize));
    // The number of elements is checked before a number is read.
    let roll = 0x7a;
    legacy(none, (&[roll], &[LONG], E::InvalidStackOperation), (&[roll], &[&[], LONG], E::ScriptNum));
}

#[test]
fn arguments_of_checkmultisig() {
    let none = Flags::NONE;
    let script = |count: usize, keys: u8| nops(count, &[1, keys, CHECKMULTISIG]);
    let (both, second) = (script(200, 21), script(200, 1));
    legacy(none, (&both, &[], E::PubkeyCount), (&second, &[], E::OpCount));
    // Twenty keys are added to the opcode count before the stack is checked for the keys.
    let (both, second) = (script(181, 20), script(180, 20));
    legacy(none, (&both, &[], E::OpCount), (&second, &[], E::InvalidStackOperation));
    // First the number of signatures is missing on the stack; in the second pair, the signatures are missing.
    let multisig = &[CHECKMULTISIG];
    legacy(
        none,
        (multisig, &[LONG, &[1]], E::InvalidStackOperation),
        (multisig, &[LONG, &[1], &[1]], E::ScriptNum),
    );
    legacy(
        none,
        (multisig, &[&[2], &[1], &[1]], E::SigCount),
        (multisig, &[&[1], &[1], &[1]], E::InvalidStackOperation),
    );
    legacy(none, (multisig, &[MINUS_ONE], E::PubkeyCount), (multisig, &[&[1]], E::InvalidStackOperation));
    check(
        &tapscript(0),
        none,
        (multisig, &[], E::TapscriptCheckMultisig),
        (&[CHECKSIG], &[], E::InvalidStackOperation),
    );
}

#[test]
fn signatures_of_checkmultisig() {
    let (multisig, key) = (&[CHECKMULTISIG][..], &public_key()[..]);
    let flags = Flags::NULLFAIL | Flags::NULLDUMMY;
    // The dummy element is checked after the signatures, whether they are valid or not.
    let both = (multisig, &[&[1], SIGNATURE, &[1], key, &[1]][..], E::SigNullFail);
    legacy(flags, both, (multisig, &[&[1], &[], &[1], key, &[1]], E::SigNullDummy));
    let verify = &[CHECKMULTISIG + 1];
    let both = (&verify[..], &[&[1][..], &[], &[1], key, &[1]][..], E::SigNullDummy);
    legacy(flags, both, (verify, &[&[], &[], &[1], key, &[1]], E::CheckMultisigVerify));
    // The encodings of a signature and a key are checked before either is used, first that of the signature.
    let flags = flags | Flags::STRICTENC;
    let both = (multisig, &[&[], NOT_DER, &[1], &[5], &[1]][..], E::SigDer);
    legacy(flags, both, (multisig, &[&[], SIGNATURE, &[1], &[5], &[1]], E::PubkeyType));
    let both = (multisig, &[&[], SIGNATURE, &[1], &[5], &[1]][..], E::PubkeyType);
    legacy(flags, both, (multisig, &[&[], SIGNATURE, &[1], key, &[1]], E::SigNullFail));
    // Encodings are not checked any more once more signatures than keys are left.
    let both = (multisig, &[&[], NOT_DER, SIGNATURE, &[2], key, key, &[2]][..], E::SigNullFail);
    legacy(flags, both, (multisig, &[&[], SIGNATURE, NOT_DER, &[2], key, key, &[2]], E::SigDer));
    // All signatures are searched for in the script before any of them is checked.
    let script = [push(NOT_DER), vec![DROP, CHECKMULTISIG]].concat();
    let both = (&script[..], &[&[], NOT_DER, &[1], key, &[1]][..], E::SigFindAndDelete);
    legacy(flags | Flags::CONST_SCRIPTCODE, both, (multisig, &[&[], NOT_DER, &[1], key, &[1]], E::SigDer));
}

#[test]
fn encodings_of_ecdsa() {
    let (checksig, key) = (&[CHECKSIG][..], &public_key()[..]);
    let flags = Flags::STRICTENC | Flags::LOW_S | Flags::NULLFAIL | Flags::WITNESS_PUBKEYTYPE;
    // S is the order of the curve minus one, which is a high S. The hash type is not defined either.
    let mut high_s = vec![0x30, 38, 2, 1, 1, 2, 33, 0];
    high_s.extend([0xff; 15]);
    high_s.push(0xfe);
    high_s.extend([
        0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x40, 5,
    ]);
    let mut high_s_not_der = high_s.clone();
    high_s_not_der.push(5);
    legacy(flags, (checksig, &[&high_s_not_der, key], E::SigDer), (checksig, &[&high_s, key], E::SigHighS));
    legacy(flags, (checksig, &[&high_s, key], E::SigHighS), (checksig, &[WRONG_TYPE, key], E::SigHashtype));
    legacy(
        flags,
        (checksig, &[WRONG_TYPE, &[5]], E::SigHashtype),
        (checksig, &[SIGNATURE, &[5]], E::PubkeyType),
    );
    legacy(
        flags,
        (checksig, &[SIGNATURE, &[5]], E::PubkeyType),
        (checksig, &[SIGNATURE, key], E::SigNullFail),
    );
    let uncompressed = [&[4][..], &[1; 64]].concat();
    let both = (checksig, &[SIGNATURE, &[5][..]][..], E::PubkeyType);
    let second = (checksig, &[SIGNATURE, &uncompressed[..]][..], E::WitnessPubkeyType);
    check(&Context::WitnessV0, flags, both, second);
    let both = (checksig, &[SIGNATURE, &uncompressed[..]][..], E::WitnessPubkeyType);
    check(&Context::WitnessV0, flags, both, (checksig, &[SIGNATURE, key], E::SigNullFail));
    let verify = &[CHECKSIGVERIFY];
    legacy(flags, (verify, &[SIGNATURE, key], E::SigNullFail), (verify, &[&[], key], E::CheckSigVerify));
    let script = [push(NOT_DER), vec![DROP, CHECKSIG]].concat();
    let both = (&script[..], &[NOT_DER, key][..], E::SigFindAndDelete);
    legacy(flags | Flags::CONST_SCRIPTCODE, both, (checksig, &[NOT_DER, key], E::SigDer));
}

/// The signature opcodes of tapscript check three things in this order: the signature budget, the type of the key, and
/// the signature (BIP 342 "Rules for signature opcodes").
#[test]
fn signatures_of_tapscript() {
    let unknown_key = Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE;
    let (checksig, key) = (&[CHECKSIG][..], &[1; 32][..]);
    let both = (checksig, &[&[1][..], &[]][..], E::TapscriptValidationWeight);
    out_of_budget(unknown_key, both, (checksig, &[&[], &[]], E::TapscriptEmptyPubkey));
    let both = (checksig, &[&[1][..], &[2]][..], E::TapscriptValidationWeight);
    out_of_budget(unknown_key, both, (checksig, &[&[], &[2]], E::DiscourageUpgradablePubkeyType));
    let enough = tapscript(50);
    let both = (checksig, &[&[1][..], &[2]][..], E::DiscourageUpgradablePubkeyType);
    check(&enough, unknown_key, both, (checksig, &[&[1], key], E::SchnorrSigSize));
    let undefined = [&[1; 64][..], &[4]].concat();
    let both = (checksig, &[&undefined[..], key][..], E::SchnorrSigHashtype);
    check(&enough, unknown_key, both, (checksig, &[&undefined[..64], key], E::SchnorrSig));
    // OP_CHECKSIGADD reads its number before it charges the budget.
    let add = &[CHECKSIGADD][..];
    let both = (add, &[&[1][..], LONG, key][..], E::ScriptNum);
    out_of_budget(unknown_key, both, (add, &[&[1], &[], key], E::TapscriptValidationWeight));
    let both = (add, &[LONG, key][..], E::InvalidStackOperation);
    out_of_budget(unknown_key, both, (add, &[&[], LONG, key], E::ScriptNum));
    legacy(Flags::NONE, (add, &[], E::BadOpcode), (checksig, &[], E::InvalidStackOperation));
}

/// `OP_CHECKSIGFROMSTACK` checks three things in this order: the type of the key, the signature, and the signature
/// budget (BIP 348 "Specification").
#[test]
fn signatures_of_checksigfromstack() {
    let flags = Flags::CHECKSIGFROMSTACK | Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE;
    let (csfs, key) = (&[CHECKSIGFROMSTACK][..], &[1; 32][..]);
    let unknown_signed = (csfs, &[&[1][..], &[], &[2]][..], E::TapscriptValidationWeight);
    let both = (csfs, &[&[1][..], &[], &[]][..], E::TapscriptEmptyPubkey);
    out_of_budget(Flags::CHECKSIGFROMSTACK, both, unknown_signed);
    let both = (csfs, &[&[1][..], &[], key][..], E::SchnorrSigSize);
    out_of_budget(Flags::CHECKSIGFROMSTACK, both, unknown_signed);
    let both = (csfs, &[&[1; 64][..], &[], key][..], E::SchnorrSig);
    out_of_budget(Flags::CHECKSIGFROMSTACK, both, unknown_signed);
    let both = (csfs, &[&[1][..], &[], &[2]][..], E::DiscourageUpgradablePubkeyType);
    out_of_budget(flags, both, (csfs, &[&[1; 64], &[], key], E::SchnorrSig));
    let both = (csfs, &[&[][..], key][..], E::InvalidStackOperation);
    out_of_budget(flags, both, (csfs, &[&[], &[], &[]], E::TapscriptEmptyPubkey));
}

#[test]
fn arguments_of_locktimes() {
    let flags = Flags::CHECKLOCKTIMEVERIFY | Flags::CHECKSEQUENCEVERIFY | Flags::MINIMALDATA;
    for opcode in [0xb1, 0xb2] {
        let script = &[opcode][..];
        // The first argument is -1 with an extra byte. The second one, -1, has the disable bit set but is negative.
        legacy(flags, (script, &[&[1, 0x80]], E::ScriptNum), (script, &[MINUS_ONE], E::NegativeLocktime));
        legacy(flags, (script, &[MINUS_ONE], E::NegativeLocktime), (script, &[&[1]], E::UnsatisfiedLocktime));
    }
}
