//! Cases of what signatures commit to in the script. Legacy and segwit v0 signatures commit to the script after the last
//! executed OP_CODESEPARATOR, and tapscript signatures to the position of this opcode. FindAndDelete removes signatures
//! from legacy scripts.

use sigstack_interpreter::{Flags, KeyVersion, Opcode as Op, ScriptError};

use super::build::{EARLIER, LEGACY, WITNESS_V0, accept, at, bytes, in_phase, phase, reject, signed};
use crate::group::{Group, Rule};
use crate::item::{Ecdsa, Item, Signature};
use crate::keys::Key;
use crate::script::Script;
use crate::spec::{Spec, Version};
use sigstack_vectors::Case;

const SEPARATOR: Rule = Rule {
    source: "Bitcoin Core, EvalScript, OP_CODESEPARATOR; BIP 143, Specification",
    text: "signatures commit to the script after the last OP_CODESEPARATOR that was executed",
    only: None,
};
const REMOVED: Rule = Rule {
    source: "Bitcoin Core, CTransactionSignatureSerializer; BIP 143, Specification",
    text: "before segwit signatures do not commit to any OP_CODESEPARATOR, in segwit v0 they commit to those that follow",
    only: None,
};
const POSITION: Rule = Rule {
    source: "BIP 342, Common signature message extension",
    text: "in tapscript signatures commit to the position, in opcodes, of the last OP_CODESEPARATOR that was executed",
    only: None,
};
const DELETE: Rule = Rule {
    source: "Bitcoin Core, FindAndDelete; BIP 143, Specification",
    text: "before segwit signatures commit to the script without the pushes of the signatures themselves",
    only: None,
};
const CONST: Rule = Rule {
    source: "Bitcoin Core, SCRIPT_VERIFY_CONST_SCRIPTCODE",
    text: "policy refuses OP_CODESEPARATOR, executed or not, and signatures to be removed, before segwit only",
    only: None,
};

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("script-code");
    for version in EARLIER {
        separator(&mut group, *version);
        removed(&mut group, *version);
        two_checks(&mut group, *version);
        delete(&mut group, *version);
        constant(&mut group, *version);
    }
    tapscript(&mut group);
    group.finish()
}

/// Returns the bytes of `<key> OP_CHECKSIG`.
fn check_sig(key: Key) -> Vec<u8> {
    [&[33], key.compressed().as_slice(), &[Op::OP_CHECKSIG.0]].concat()
}

/// Creates an ECDSA signature with SIGHASH_ALL that commits to the script `code`.
fn of_code(key: Key, code: &[u8]) -> Item {
    Ecdsa { script_code: Some(code.to_vec()), ..Ecdsa::new(key, 0x01) }.into()
}

const CODESEPARATOR: u8 = Op::OP_CODESEPARATOR.0;

fn separator(group: &mut Group, version: Version) {
    let code = check_sig(Key(1));
    let script = [&[Op::OP_NOP.0, CODESEPARATOR], code.as_slice()].concat();
    let spec = signed(version, Script::new().raw(&script), &[of_code(Key(1), &code)]);
    let comment = "the signature is of what follows the OP_CODESEPARATOR";
    let base = accept(group, version, "separator", &SEPARATOR, comment, spec);
    let false_at_end = in_phase(phase(version), ScriptError::EvalFalse);
    let whole = |spec: &mut Spec| spec.stack = vec![of_code(Key(1), &script)];
    let differs = "the signature is of the whole script";
    reject(group, version, &base, "separator-whole", &SEPARATOR, differs, whole, false_at_end);

    let unexecuted = |body: u8| [&[Op::OP_0.0, Op::OP_IF.0, body, Op::OP_ENDIF.0], code.as_slice()].concat();
    let script = unexecuted(CODESEPARATOR);
    let spec = signed(version, Script::new().raw(&script), &[of_code(Key(1), &script)]);
    let comment = "the OP_CODESEPARATOR is not executed: the signature is of the whole script";
    let base = accept(group, version, "separator-unexecuted", &SEPARATOR, comment, spec);
    let (_, after) = script.split_at(3);
    let after = |spec: &mut Spec| spec.stack = vec![of_code(Key(1), after)];
    let differs = "the signature is of what follows the OP_CODESEPARATOR";
    let id = "separator-unexecuted-after";
    reject(group, version, &base, id, &SEPARATOR, differs, after, false_at_end);

    let script = [&[CODESEPARATOR, Op::OP_NOP.0, CODESEPARATOR], code.as_slice()].concat();
    let spec = signed(version, Script::new().raw(&script), &[of_code(Key(1), &code)]);
    let base =
        accept(group, version, "separator-twice", &SEPARATOR, "the second OP_CODESEPARATOR counts", spec);
    let (_, after) = script.split_at(1);
    let first = |spec: &mut Spec| spec.stack = vec![of_code(Key(1), after)];
    let differs = "the signature is of what follows the first";
    reject(group, version, &base, "separator-twice-first", &SEPARATOR, differs, first, false_at_end);
}

/// Adds cases with an OP_CODESEPARATOR after the signature check. Legacy signature hashes omit it from the script,
/// segwit v0 hashes include it.
fn removed(group: &mut Group, version: Version) {
    let code = check_sig(Key(1));
    let script = [code.as_slice(), &[CODESEPARATOR]].concat();
    let without = [bytes(&[]), of_code(Key(1), &code)];
    let with = of_code(Key(1), &script);
    if LEGACY.contains(&version) {
        let [_, signature] = without;
        let spec = signed(version, Script::new().raw(&script), &[signature]);
        let comment = "the signature is of the script without the OP_CODESEPARATOR after the check";
        let base = accept(group, version, "removed", &REMOVED, comment, spec);
        let nop = [code.as_slice(), &[Op::OP_NOP.0]].concat();
        let change = |spec: &mut Spec| spec.script = Script::new().raw(&nop);
        let verdict = in_phase(phase(version), ScriptError::EvalFalse);
        reject(group, version, &base, "removed-nop", &REMOVED, "it is OP_NOP instead", change, verdict);
    } else {
        let spec = signed(version, Script::new().raw(&script), &[with]);
        let comment = "the signature is of the script with the OP_CODESEPARATOR after the check";
        let base = accept(group, version, "kept", &REMOVED, comment, spec);
        let [_, signature] = without;
        let change = |spec: &mut Spec| spec.stack = vec![signature];
        let verdict = in_phase(phase(version), ScriptError::EvalFalse);
        reject(
            group,
            version,
            &base,
            "kept-without",
            &REMOVED,
            "the signature is without it",
            change,
            verdict,
        );
    }
}

/// Adds cases with two signature checks, one before and one after an OP_CODESEPARATOR.
fn two_checks(group: &mut Group, version: Version) {
    let last = check_sig(Key(2));
    let first = [&[33], Key(1).compressed().as_slice(), &[Op::OP_CHECKSIGVERIFY.0, CODESEPARATOR]].concat();
    let whole = [first, last.clone()].concat();
    let stack = [of_code(Key(2), &last), of_code(Key(1), &whole)];
    let spec = signed(version, Script::new().raw(&whole), &stack);
    let comment =
        "the first signature is of the whole script, the second of what follows the OP_CODESEPARATOR";
    let base = accept(group, version, "two-checks", &SEPARATOR, comment, spec);
    let change = |spec: &mut Spec| spec.stack = vec![of_code(Key(2), &whole), of_code(Key(1), &whole)];
    let verdict = in_phase(phase(version), ScriptError::EvalFalse);
    let differs = "the second is of the whole script too";
    reject(group, version, &base, "two-checks-whole", &SEPARATOR, differs, change, verdict);
}

/// Adds FindAndDelete cases: scripts that push the same signature that they check. The signature is valid only if its
/// push is removed from the signed script.
fn delete(group: &mut Group, version: Version) {
    let rest = [&[Op::OP_DROP.0], check_sig(Key(1)).as_slice()].concat();
    let signature = of_code(Key(1), &rest);
    let pushing = Script::new().item(signature.clone()).raw(&rest);
    let mut multisig_rest = vec![Op::OP_DROP.0, Op::OP_1.0, 33];
    multisig_rest.extend(Key(1).compressed());
    multisig_rest.extend([Op::OP_1.0, Op::OP_CHECKMULTISIG.0]);
    let multisig_signature = of_code(Key(1), &multisig_rest);
    let multisig = Script::new().item(multisig_signature.clone()).raw(&multisig_rest);
    let false_at_end = in_phase(phase(version), ScriptError::EvalFalse);
    if WITNESS_V0.contains(&version) {
        let spec = signed(version, Script::new().raw(&rest), &[signature.clone(), bytes(&[])]);
        let comment = "a script that does not push the signature that it checks";
        let base = accept(group, version, "delete", &DELETE, comment, spec);
        let change = |spec: &mut Spec| (spec.script, spec.stack) = (pushing, vec![signature]);
        let differs = "it pushes the signature too: in segwit v0 nothing is removed";
        reject(group, version, &base, "delete-pushing", &DELETE, differs, change, false_at_end);
        return;
    }
    for (slug, opcode, script, stack) in [
        ("delete", Op::OP_CHECKSIG, pushing, vec![signature]),
        ("delete-multisig", Op::OP_CHECKMULTISIG, multisig, vec![bytes(&[]), multisig_signature]),
    ] {
        let spec = signed(version, script, &stack);
        let comment = "the script pushes the signature that it checks, which is of the script without it";
        let base = accept(group, version, slug, &DELETE, comment, spec);
        let change = |spec: &mut Spec| spec.script = std::mem::take(&mut spec.script).raw(&[Op::OP_NOP.0]);
        let id = format!("{slug}-more");
        reject(group, version, &base, &id, &DELETE, "an OP_NOP more is at the end", change, false_at_end);
        let change = |spec: &mut Spec| spec.flags |= Flags::CONST_SCRIPTCODE;
        let verdict = at(opcode, ScriptError::SigFindAndDelete);
        reject(group, version, &base, &format!("{slug}-const"), &CONST, "policy refuses it", change, verdict);
    }
}

fn constant(group: &mut Group, version: Version) {
    let skipped = Script::new().ops(&[Op::OP_0, Op::OP_IF, Op::OP_CODESEPARATOR, Op::OP_ENDIF, Op::OP_1]);
    for (slug, comment, script) in [
        ("const", "an OP_CODESEPARATOR", Script::new().ops(&[Op::OP_CODESEPARATOR, Op::OP_1])),
        ("const-unexecuted", "an OP_CODESEPARATOR in a branch that is not executed", skipped),
    ] {
        let spec = signed(version, script, &[]);
        if WITNESS_V0.contains(&version) {
            let comment = format!("{comment}, which policy lets be in segwit v0");
            accept(group, version, slug, &CONST, &comment, spec.under(Flags::CONST_SCRIPTCODE));
            continue;
        }
        let base = accept(group, version, slug, &CONST, comment, spec);
        let change = |spec: &mut Spec| spec.flags |= Flags::CONST_SCRIPTCODE;
        let verdict = at(Op::OP_CODESEPARATOR, ScriptError::OpCodeSeparator);
        reject(
            group,
            version,
            &base,
            &format!("{slug}-refused"),
            &CONST,
            "policy refuses it",
            change,
            verdict,
        );
    }
}

fn tapscript(group: &mut Group) {
    let version = Version::Tapscript;
    let at_position = |position: u32| {
        let signature = Signature::new(Key(1), 0, KeyVersion::Bip342);
        Item::from(Signature { code_separator: position, ..signature })
    };
    let check = [&[32], Key(1).x_only().as_slice(), &[Op::OP_CHECKSIG.0]].concat();
    let verdict = at(Op::OP_CHECKSIG, ScriptError::SchnorrSig);
    // Positions of OP_CODESEPARATOR count opcodes, not bytes: the push before this OP_CODESEPARATOR has four bytes.
    let far = [&[3, 9, 9, 9, Op::OP_DROP.0, CODESEPARATOR], check.as_slice()].concat();
    let twice = [&[CODESEPARATOR, Op::OP_NOP.0, CODESEPARATOR], check.as_slice()].concat();
    let skipped = [&[Op::OP_0.0, Op::OP_IF.0, CODESEPARATOR, Op::OP_ENDIF.0], check.as_slice()].concat();
    let after = [check.as_slice(), &[CODESEPARATOR]].concat();
    for (slug, comment, script, right, wrong) in [
        ("position", "an OP_CODESEPARATOR after two opcodes of five bytes", far, 2, 5),
        (
            "position-first",
            "an OP_CODESEPARATOR at position 0",
            [&[CODESEPARATOR], check.as_slice()].concat(),
            0,
            u32::MAX,
        ),
        ("position-twice", "the second OP_CODESEPARATOR counts", twice, 2, 0),
        ("position-unexecuted", "an OP_CODESEPARATOR that is not executed", skipped, u32::MAX, 2),
        ("position-after", "an OP_CODESEPARATOR after the check", after, u32::MAX, 2),
    ] {
        let spec = signed(version, Script::new().raw(&script), &[at_position(right)]);
        let spec = spec.under(Flags::CONST_SCRIPTCODE);
        let base = accept(group, version, slug, &POSITION, comment, spec);
        let change = |spec: &mut Spec| spec.stack = vec![at_position(wrong)];
        let differs = format!("the signature is for position {wrong}");
        reject(group, version, &base, &format!("{slug}-wrong"), &POSITION, &differs, change, verdict);
    }
}
