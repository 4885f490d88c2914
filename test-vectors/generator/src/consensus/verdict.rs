//! Cases of the checks around and after the scripts: elements left on the stack, allowed scriptSigs, and unexpected
//! witnesses.

use sigstack_interpreter::{Flags, Opcode as Op, Phase, ScriptError};

use super::build::{EVERY, LEGACY, accept, asm, at, elements, in_phase, phase, reject, spend};
use crate::group::{Group, Rule};
use crate::spec::{Spec, Version};
use sigstack_vectors::Case;

const TRUE: Rule = Rule {
    source: "Bitcoin Core, VerifyScript; BIP 141, Witness program; BIP 342, Script execution",
    text: "the top element must be true after each script but the scriptSig",
    only: None,
};
const CLEAN: Rule = Rule {
    source: "BIP 62, rule 6; BIP 141, Witness program; BIP 342, Script execution",
    text: "one element is left: consensus in witness programs, policy (CLEANSTACK) before segwit",
    only: None,
};
const PUSH_ONLY: Rule = Rule {
    source: "BIP 16, Specification; Bitcoin Core, SCRIPT_VERIFY_SIGPUSHONLY",
    text: "a scriptSig only pushes: consensus for pay-to-script-hash, policy for every output",
    only: None,
};
const P2SH: Rule = Rule {
    source: "BIP 16, Specification",
    text: "the last element of the scriptSig has the hash of the output and runs as a script, where P2SH is on",
    only: None,
};
const UNEXPECTED: Rule = Rule {
    source: "BIP 141, Witness program",
    text: "an input that spends no witness program has no witness",
    only: None,
};
const SEPARATE: Rule = Rule {
    source: "Bitcoin Core, VerifyScript",
    text: "each script has an alt stack and a count of opcodes of its own",
    only: None,
};

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("verdict");
    for version in EVERY {
        truth(&mut group, *version);
        clean(&mut group, *version);
    }
    push_only(&mut group);
    p2sh(&mut group);
    for version in LEGACY {
        unexpected(&mut group, *version);
    }
    separate(&mut group, Version::Bare);
    group.finish()
}

fn truth(group: &mut Group, version: Version) {
    let base = accept(group, version, "true", &TRUE, "0x01 is left", spend(version, asm("NOP"), "1"));
    let verdict = in_phase(phase(version), ScriptError::EvalFalse);
    for (slug, differs, stack) in [
        ("empty", "the empty element is left", "0x"),
        ("zeros", "zero bytes are left", "0x0000"),
        ("negative-zero", "zero bytes with a sign are left", "0x000080"),
    ] {
        let change = |spec: &mut Spec| spec.stack = elements(stack);
        reject(group, version, &base, &format!("true-{slug}"), &TRUE, differs, change, verdict);
    }
    if LEGACY.contains(&version) {
        // For a witness program, the number of elements is checked first.
        let change = |spec: &mut Spec| spec.stack.clear();
        reject(group, version, &base, "true-nothing", &TRUE, "nothing is left", change, verdict);
    }
}

fn clean(group: &mut Group, version: Version) {
    let legacy = LEGACY.contains(&version);
    let flags = if legacy { Flags::CLEANSTACK } else { Flags::NONE };
    let spec = spend(version, asm("NOP"), "1").under(flags);
    let base = accept(group, version, "clean", &CLEAN, "one element is left", spec);
    let stop = if legacy { Phase::Finish } else { phase(version) };
    let verdict = in_phase(stop, ScriptError::CleanStack);
    let change = |spec: &mut Spec| spec.stack = elements("0x 1");
    let differs = "an empty element is below it";
    reject(group, version, &base, "clean-two", &CLEAN, differs, change, verdict);
    if legacy {
        let comment = "consensus lets two elements be left";
        let spec = spend(version, asm("NOP"), "1 1");
        let base = accept(group, version, "clean-not-asked", &CLEAN, comment, spec);
        let change = |spec: &mut Spec| spec.flags |= Flags::CLEANSTACK;
        reject(group, version, &base, "clean-asked", &CLEAN, "policy does not", change, verdict);
    } else {
        let change = |spec: &mut Spec| spec.stack.clear();
        reject(group, version, &base, "clean-nothing", &CLEAN, "nothing is left", change, verdict);
        let change = |spec: &mut Spec| spec.stack = elements("1 0x");
        let differs = "two are, the top one false";
        reject(group, version, &base, "clean-before-true", &CLEAN, differs, change, verdict);
    }
}

/// Adds cases with OP_NOP in a scriptSig. Consensus allows opcodes other than pushes there, the policy flag SIGPUSHONLY
/// does not.
fn push_only(group: &mut Group) {
    let nop = vec![Op::OP_NOP.0];
    let version = Version::Bare;
    let base = Spec { script_sig: nop.clone(), ..spend(version, asm("1"), "") };
    let comment = "consensus lets a scriptSig do more than push";
    let base = accept(group, version, "pushonly-not-asked", &PUSH_ONLY, comment, base);
    let change = |spec: &mut Spec| spec.flags |= Flags::SIGPUSHONLY;
    let verdict = in_phase(Phase::ScriptSig, ScriptError::SigPushOnly);
    reject(group, version, &base, "pushonly-asked", &PUSH_ONLY, "policy does not", change, verdict);

    for version in LEGACY {
        let base = spend(*version, asm("1"), "").under(Flags::SIGPUSHONLY);
        let base = Spec { script_sig: vec![Op::OP_16.0], ..base };
        let base = accept(group, *version, "pushonly", &PUSH_ONLY, "a scriptSig that only pushes", base);
        let change = |spec: &mut Spec| spec.script_sig = nop.clone();
        let differs = "an OP_NOP is in it";
        reject(group, *version, &base, "pushonly-nop", &PUSH_ONLY, differs, change, verdict);
        let cut = |spec: &mut Spec| *spec = spec.clone().edited(|input, _| input.script_sig.push(2));
        let differs = "a push that is cut short is at its end";
        reject(group, *version, &base, "pushonly-cut", &PUSH_ONLY, differs, cut, verdict);
    }
    // OP_RESERVED counts as a push, but fails when executed.
    let base = spend(Version::Bare, asm("1"), "").under(Flags::SIGPUSHONLY);
    let base = Spec { script_sig: vec![Op::OP_1.0], ..base };
    let base = accept(group, Version::Bare, "pushonly-one", &PUSH_ONLY, "OP_1 is a push", base);
    let change = |spec: &mut Spec| spec.script_sig = vec![Op::OP_RESERVED.0];
    let verdict = at(Op::OP_RESERVED, ScriptError::BadOpcode);
    let differs = "it is OP_RESERVED, which counts as a push and fails when executed";
    reject(group, Version::Bare, &base, "pushonly-reserved", &PUSH_ONLY, differs, change, verdict);

    for version in [Version::P2sh, Version::P2shP2wsh] {
        let base = spend(version, asm("1"), "");
        let base = accept(group, version, "pushonly-p2sh", &PUSH_ONLY, "a scriptSig that only pushes", base);
        let change = |spec: &mut Spec| spec.script_sig = nop.clone();
        let verdict = in_phase(Phase::RedeemScript, ScriptError::SigPushOnly);
        let differs = "an OP_NOP is in it, which consensus forbids";
        reject(group, version, &base, "pushonly-p2sh-nop", &PUSH_ONLY, differs, change, verdict);
    }
}

fn p2sh(group: &mut Group) {
    let version = Version::P2sh;
    let base = accept(group, version, "redeem", &P2SH, "a redeem script", spend(version, asm("1"), ""));
    let other = |spec: &mut Spec| *spec = spec.clone().edited(|input, _| input.script_sig = vec![0x01, 0x52]);
    let verdict = in_phase(Phase::ScriptPubKey, ScriptError::EvalFalse);
    let differs = "the scriptSig pushes another script";
    reject(group, version, &base, "redeem-other", &P2SH, differs, other, verdict);
    let empty = |spec: &mut Spec| *spec = spec.clone().edited(|input, _| input.script_sig.clear());
    let verdict = at(Op::OP_HASH160, ScriptError::InvalidStackOperation);
    reject(group, version, &base, "redeem-none", &P2SH, "the scriptSig is empty", empty, verdict);

    let inactive = spend(version, asm("1 RETURN"), "").without(Flags::P2SH | Flags::WITNESS);
    let comment = "a redeem script that fails, while P2SH is off: only its hash counts";
    let base = accept(group, version, "inactive", &P2SH, comment, inactive);
    let change = |spec: &mut Spec| spec.flags |= Flags::P2SH;
    let verdict = at(Op::OP_RETURN, ScriptError::OpReturn);
    reject(group, version, &base, "inactive-active", &P2SH, "P2SH is on", change, verdict);
    let inactive = spend(version, asm("1"), "").without(Flags::P2SH | Flags::WITNESS);
    let inactive = Spec { script_sig: vec![Op::OP_NOP.0], ..inactive };
    let comment = "a scriptSig that does more than push, while P2SH is off";
    accept(group, version, "inactive-nop", &P2SH, comment, inactive);

    // The scriptPubKey must consist of exactly these 23 bytes.
    let longer =
        spend(version, asm("1 RETURN"), "").edited(|input, _| input.script_pubkey.push(Op::OP_NOP.0));
    let comment =
        "an output with an OP_NOP behind, which is no pay-to-script-hash: the redeem script does not run";
    let base = accept(group, version, "with-nop", &P2SH, comment, longer);
    let change = |spec: &mut Spec| spec.edits.clear();
    let verdict = at(Op::OP_RETURN, ScriptError::OpReturn);
    let differs = "the OP_NOP is not there";
    reject(group, version, &base, "without-nop", &P2SH, differs, change, verdict);
    let pushdata = spend(version, asm("1 RETURN"), "")
        .edited(|input, _| drop(input.script_pubkey.splice(1..1, [Op::OP_PUSHDATA1.0])));
    let comment = "an output that pushes the hash by OP_PUSHDATA1, which is no pay-to-script-hash";
    accept(group, version, "with-pushdata1", &P2SH, comment, pushdata);
    // A P2SH script inside P2SH is executed like any other redeem script, without a second redeem script.
    let inner = asm("HASH160 0x14 0xda1745e9b549bd0bfa1a569971c77eba30cd5a4b EQUAL");
    let base = Spec { script_sig: vec![1, Op::OP_1.0], ..spend(version, inner, "") };
    let comment = "a redeem script of the form of pay-to-script-hash compares the hash and no more";
    accept(group, version, "nested", &P2SH, comment, base);
}

fn unexpected(group: &mut Group, version: Version) {
    let base = spend(version, asm("1"), "");
    let base = accept(group, version, "no-witness", &UNEXPECTED, "a spend without a witness", base);
    let verdict = in_phase(Phase::Finish, ScriptError::WitnessUnexpected);
    for (slug, differs, element) in
        [("", "it has a witness", vec![1]), ("-empty", "it has an empty element", vec![])]
    {
        let change = |spec: &mut Spec| {
            let element = element.clone();
            *spec = spec.clone().edited(move |_, witness| witness.push(element.clone()));
        };
        let id = format!("no-witness-unexpected{slug}");
        reject(group, version, &base, &id, &UNEXPECTED, differs, change, verdict);
    }
    let spec = spend(version, asm("1"), "").edited(|_, witness| witness.push(vec![1]));
    let comment = "before segwit a witness is not looked at";
    accept(group, version, "no-segwit", &UNEXPECTED, comment, spec.without(Flags::WITNESS));
    // CLEANSTACK is checked first.
    let dirty = |spec: &mut Spec| {
        *spec = spec.clone().under(Flags::CLEANSTACK).edited(|_, witness| witness.push(vec![1]));
        spec.stack = elements("1");
    };
    let verdict = in_phase(Phase::Finish, ScriptError::CleanStack);
    let differs = "it has a witness, and two elements are left that policy does not want";
    reject(group, version, &base, "no-witness-dirty", &CLEAN, differs, dirty, verdict);
}

fn separate(group: &mut Group, version: Version) {
    let spec = Spec { script_sig: vec![Op::OP_NOP.0; 201], ..spend(version, asm("NOP 1"), "") };
    let comment = "201 opcodes in the scriptSig and more in the scriptPubKey";
    let base = accept(group, version, "ops-apart", &SEPARATE, comment, spec);
    let change = |spec: &mut Spec| spec.script_sig.push(Op::OP_NOP.0);
    let verdict = at(Op::OP_NOP, ScriptError::OpCount);
    reject(
        group,
        version,
        &base,
        "ops-apart-202",
        &SEPARATE,
        "there is one more in the scriptSig",
        change,
        verdict,
    );
    let spec = Spec { script_sig: vec![Op::OP_1.0; 2], ..spend(version, asm("TOALTSTACK FROMALTSTACK"), "") };
    let comment = "the scriptPubKey uses its own alt stack";
    let base = accept(group, version, "alt-apart", &SEPARATE, comment, spec);
    let change = |spec: &mut Spec| {
        spec.script_sig.push(Op::OP_TOALTSTACK.0);
        spec.script = asm("FROMALTSTACK");
    };
    let verdict = at(Op::OP_FROMALTSTACK, ScriptError::InvalidAltstackOperation);
    let differs = "it is the scriptSig that puts an element there";
    reject(group, version, &base, "alt-apart-across", &SEPARATE, differs, change, verdict);
}
