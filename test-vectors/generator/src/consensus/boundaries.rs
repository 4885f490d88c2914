//! Cases that each target a single line of an implementation. Examples are the stack element that an opcode reads, the
//! length at which an encoding changes, and which of two errors is detected first.

use sigstack_interpreter::{Flags, Opcode as Op, Phase, ScriptError};

use super::build::{
    Change, EARLIER, EVERY, Good, LEGACY, accept, asm, at, bad, bad_end, bytes, in_phase, phase, reject,
    spend, twins,
};
use super::{boundaries_der, boundaries_ecdsa, boundaries_keys, boundaries_taproot};
use crate::group::{Group, Only, Rule};
use crate::item::Item;
use crate::keys::Key;
use crate::script::Script;
use crate::spec::{Spec, Verdict, Version};
use sigstack_vectors::Case;

const PLACES: Rule = Rule {
    source: "Bitcoin Core, EvalScript",
    text: "an opcode reads and replaces the elements at the top, whatever is below them",
    only: None,
};
const BRANCHES: Rule = Rule {
    source: "Bitcoin Core, EvalScript, OP_ELSE",
    text: "OP_ELSE turns the innermost branch around",
    only: None,
};
const TRUTH: Rule = Rule {
    source: "Bitcoin Core, CastToBool",
    text: "an element is false if all its bytes are zero, but for a sign in the last one",
    only: None,
};
const NUMBERS: Rule = Rule {
    source: "BIP 62, rule 4",
    text: "under MINIMALDATA a number has no byte more than it needs: a last byte 00 or 80 needs the top bit before it",
    only: None,
};
const CUT: Rule = Rule {
    source: "Bitcoin Core, GetScriptOp",
    text: "a push of no bytes may end a script, and a push that is cut fails it, even as its first instruction",
    only: None,
};
const ORDER: Rule = Rule {
    source: "Bitcoin Core, EvalScript",
    text: "the checks of an opcode have an order, which decides the error",
    only: Some((Only::Reject, "cases that pass all checks are in the other files")),
};

const CLEAN: Rule = Rule {
    source: "BIP 141, Witness program; Bitcoin Core, VerifyScript",
    text: "a witness program leaves one element, and a wrapped one is pushed alone",
    only: None,
};

const NONE: Flags = Flags::NONE;

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("boundaries");
    places(&mut group);
    branches(&mut group);
    truth(&mut group);
    numbers(&mut group);
    cut(&mut group);
    order(&mut group);
    clean(&mut group);
    boundaries_ecdsa::cases(&mut group);
    boundaries_der::cases(&mut group);
    boundaries_keys::cases(&mut group);
    boundaries_taproot::cases(&mut group);
    group.finish()
}

/// Stack and script for opcodes that must read only the top of the stack, although other elements are below their
/// arguments. Each row has four columns: the id, the stack, a valid script, and a script that compares with another
/// value and so leaves false.
const READS: &[(&str, &str, &str, &str)] = &[
    ("ifdup-true", "0x 7", "IFDUP 7 EQUALVERIFY 7 EQUALVERIFY NOT", "IFDUP 7 EQUALVERIFY 7 EQUALVERIFY"),
    ("ifdup-false", "7 0x", "IFDUP NOT VERIFY 7 EQUAL", "IFDUP NOT VERIFY 8 EQUAL"),
    ("size", "0x070707 0x0808", "SIZE 2 EQUALVERIFY 2DROP 1", "SIZE 2 EQUALVERIFY 2DROP 0"),
    ("1add", "3 7", "1ADD 8 EQUALVERIFY 3 EQUAL", "1ADD 8 EQUALVERIFY 4 EQUAL"),
    ("not", "3 0", "NOT 1 EQUALVERIFY 3 EQUAL", "NOT 1 EQUALVERIFY 4 EQUAL"),
    ("add", "3 7 8", "ADD 15 EQUALVERIFY 3 EQUAL", "ADD 15 EQUALVERIFY 4 EQUAL"),
    ("within", "3 7 7 8", "WITHIN VERIFY 3 EQUAL", "WITHIN VERIFY 4 EQUAL"),
    ("pick-0", "7 0", "PICK 7 EQUALVERIFY 7 EQUAL", "PICK 7 EQUALVERIFY 8 EQUAL"),
    ("pick-1", "7 8 9 1", "PICK 8 EQUALVERIFY 2DROP 7 EQUAL", "PICK 8 EQUALVERIFY 2DROP 8 EQUAL"),
    (
        "pick-2",
        "7 8 9 10 2",
        "PICK 8 EQUALVERIFY 2DROP DROP 7 EQUAL",
        "PICK 8 EQUALVERIFY 2DROP DROP 8 EQUAL",
    ),
    ("roll-0", "7 0", "ROLL 7 EQUAL", "ROLL 8 EQUAL"),
    (
        "roll-1",
        "7 8 9 1",
        "ROLL 8 EQUALVERIFY 9 EQUALVERIFY 7 EQUAL",
        "ROLL 8 EQUALVERIFY 9 EQUALVERIFY 8 EQUAL",
    ),
    (
        "hash",
        "3 0x",
        "SIZE NIP HASH256 SIZE NIP 32 EQUALVERIFY 3 EQUAL",
        "HASH256 SIZE NIP 32 EQUALVERIFY 4 EQUAL",
    ),
    ("cltv", "0x070707070707 0", "CHECKLOCKTIMEVERIFY 2DROP 1", "CHECKLOCKTIMEVERIFY 2DROP 0"),
    ("csv", "0x070707070707 2147483648", "CHECKSEQUENCEVERIFY 2DROP 1", "CHECKSEQUENCEVERIFY 2DROP 0"),
];

fn places(group: &mut Group) {
    for (slug, stack, script, wrong) in READS {
        let comment = "it reads the top of the stack";
        let slug = format!("reads-{slug}");
        let good = Good { slug: &slug, rule: &PLACES, comment, stack, script, flags: NONE };
        let differs = "the script ends with a false comparison";
        twins(
            group,
            EVERY,
            good,
            &[bad_end("wrong", differs, Change::Script(wrong), ScriptError::EvalFalse)],
        );
    }
}

/// Adds cases of nested OP_IF with OP_ELSE, three levels deep, for all combinations of the three conditions.
fn branches(group: &mut Group) {
    for conditions in 0..8_u8 {
        let bit = |place: u8| conditions >> place & 1;
        let inner = "IF 8 ELSE 9 ENDIF";
        let script = format!("IF IF {inner} ELSE {inner} ENDIF ELSE IF {inner} ELSE {inner} ENDIF ENDIF");
        let left = if bit(0) == 1 { 8 } else { 9 };
        let stack = format!("{} {} {}", word(bit(0)), word(bit(1)), word(bit(2)));
        let slug = format!("else-{}{}{}", bit(2), bit(1), bit(0));
        let good = Good {
            slug: &slug,
            rule: &BRANCHES,
            comment: "three branches, each in the next",
            stack: &stack,
            script: &format!("{script} {left} EQUAL"),
            flags: NONE,
        };
        let wrong = format!("{script} {} EQUAL", 17 - left);
        let wrong =
            bad_end("wrong", "another branch is expected", Change::Script(&wrong), ScriptError::EvalFalse);
        twins(group, EVERY, good, &[wrong]);
        // The branches that are not executed contain OP_RETURN, which must have no effect, whatever the conditions inside
        // them are.
        let chosen = |outer: u8, middle: u8| if (bit(2), bit(1)) == (outer, middle) { "" } else { "RETURN" };
        let guarded = |outer, middle| format!("IF {0} 8 ELSE {0} 9 ENDIF", chosen(outer, middle));
        let script = format!(
            "IF IF {} ELSE {} ENDIF ELSE IF {} ELSE {} ENDIF ENDIF",
            guarded(1, 1),
            guarded(1, 0),
            guarded(0, 1),
            guarded(0, 0)
        );
        let slug = format!("{slug}-guarded");
        let good = Good { slug: &slug, script: &format!("{script} {left} EQUAL"), ..good };
        let other = format!("{} {} {}", word(bit(0)), word(bit(1)), word(1 - bit(2)));
        let differs = "the outermost condition is the other one";
        let other = bad("other", differs, Change::Stack(&other), ScriptError::OpReturn, Op::OP_RETURN);
        twins(group, EVERY, good, &[other]);
    }
}

/// Returns a bit as text, in the notation for stack elements: `1` or the empty element.
fn word(bit: u8) -> &'static str {
    if bit == 1 { "1" } else { "0x" }
}

fn truth(group: &mut Group) {
    for (slug, element) in [
        ("80-00", "0x8000"),
        ("00-01", "0x0001"),
        ("01-80", "0x0180"),
        ("01-00", "0x0100"),
        ("80-80", "0x8080"),
    ] {
        let slug = format!("true-{slug}");
        let good = Good {
            slug: &slug,
            rule: &TRUTH,
            comment: "an element with a byte that is not zero",
            stack: element,
            script: "NOP",
            flags: NONE,
        };
        let zeros = "0x0080";
        twins(
            group,
            EVERY,
            good,
            &[bad_end("zeros", "it is zero", Change::Stack(zeros), ScriptError::EvalFalse)],
        );
    }
}

fn numbers(group: &mut Group) {
    let wasteful = |slug, differs, element| {
        bad(slug, differs, Change::Stack(element), ScriptError::ScriptNum, Op::OP_ABS)
    };
    for (slug, element) in [
        ("128", "0x8000"),
        ("minus-128", "0x8080"),
        ("255", "0xff00"),
        ("32768", "0x008000"),
        ("minus-32768", "0x008080"),
    ] {
        let slug = format!("number-{slug}");
        let good = Good {
            slug: &slug,
            rule: &NUMBERS,
            comment: "a number whose last byte has only the sign",
            stack: element,
            script: "ABS SIZE NIP",
            flags: Flags::MINIMALDATA,
        };
        let bads = [
            wasteful("127", "the byte before does not need it", "0x7f00"),
            wasteful("minus-127", "the byte before does not need it", "0x7f80"),
            wasteful("more", "a zero byte more is between", "0x800000"),
            wasteful("zero", "it is zero", "0x00"),
            wasteful("minus-zero", "it is minus zero", "0x80"),
        ];
        twins(group, EVERY, good, &bads);
    }
}

fn cut(group: &mut Group) {
    for (slug, push, opcode) in [
        ("pushdata1", "PUSHDATA1 0x00", Op::OP_PUSHDATA1),
        ("pushdata2", "PUSHDATA2 0x0000", Op::OP_PUSHDATA2),
        ("pushdata4", "PUSHDATA4 0x00000000", Op::OP_PUSHDATA4),
    ] {
        // The element below is empty too, so that the truncated push is the only fault.
        let script_sig = asm(&format!("0 {push}")).build(|_| Err("no item".into())).unwrap_or_default();
        let spec = Spec { script_sig, ..spend(Version::Bare, asm("NOT"), "") };
        let id = format!("end-{slug}");
        let base = accept(group, Version::Bare, &id, &CUT, "a push of no bytes ends the scriptSig", spec);
        let short = |spec: &mut Spec| _ = spec.script_sig.pop();
        let stops = at(opcode, ScriptError::BadOpcode);
        reject(
            group,
            Version::Bare,
            &base,
            &format!("{id}-cut"),
            &CUT,
            "a byte of its length is missing",
            short,
            stops,
        );
    }
    for (slug, script, opcode) in [
        ("direct", "0x01", Op(1)),
        ("pushdata1", "0x4c", Op::OP_PUSHDATA1),
        ("pushdata2", "0x4d00", Op::OP_PUSHDATA2),
        ("pushdata4", "0x4e000000", Op::OP_PUSHDATA4),
    ] {
        let slug = format!("first-{slug}");
        let comment = "an element is left from the start";
        let good = Good { slug: &slug, rule: &CUT, comment, stack: "1", script: "NOP", flags: NONE };
        let differs = "the script is a push that is cut";
        twins(
            group,
            EVERY,
            good,
            &[bad("cut", differs, Change::Script(script), ScriptError::BadOpcode, opcode)],
        );
    }
}

/// Adds cases with two faults in one input. The fault that is checked first determines the error.
fn order(group: &mut Group) {
    let refused =
        |group: &mut Group, version: Version, rows: &[(&str, Script, Vec<Item>, Flags, Verdict)]| {
            let slug = version.slug();
            let id = format!("order-{slug}");
            let base = group.accept(&id, &PLACES, "a spend without a fault", spend(version, asm("NOP"), "1"));
            let differs = "an element is false";
            let zero = |spec: &mut Spec| spec.stack = vec![bytes(&[])];
            group.reject(
                &base,
                &format!("{id}-false"),
                &PLACES,
                differs,
                zero,
                in_phase(phase(version), ScriptError::EvalFalse),
            );
            for (name, script, stack, flags, verdict) in rows {
                let change = |spec: &mut Spec| {
                    (spec.script, spec.stack) = (script.clone(), stack.clone());
                    spec.flags = (spec.flags | *flags).closure();
                };
                let differs = format!("two checks fail: {}", name.replace('-', " "));
                group.reject(&base, &format!("{id}-{name}"), &ORDER, &differs, change, *verdict);
            }
        };
    let nops = |count: usize| Script::new().raw(&vec![Op::OP_NOP.0; count]);
    let multisig = Op::OP_CHECKMULTISIG;
    for version in EVERY {
        let five = vec![bytes(&[1, 2, 3, 4, 5])];
        let shallow = |opcode| at(opcode, ScriptError::InvalidStackOperation);
        let mut rows = vec![
            ("pick-depth-and-number", asm("PICK"), five.clone(), NONE, shallow(Op::OP_PICK)),
            ("roll-depth-and-number", asm("ROLL"), five, NONE, shallow(Op::OP_ROLL)),
        ];
        if EARLIER.contains(version) {
            let key = || bytes(&Key(1).compressed());
            let wrong_key = [bytes(&[]), bytes(&[7]), bytes(&[1]), bytes(&[7]), bytes(&[1])];
            let check = Script::new().op(multisig);
            rows.extend([
                (
                    "opcodes-and-disabled",
                    nops(201).op(Op::OP_CAT),
                    vec![],
                    NONE,
                    at(Op::OP_CAT, ScriptError::OpCount),
                ),
                (
                    "keys-and-depth",
                    check.clone(),
                    vec![bytes(&[21])],
                    NONE,
                    at(multisig, ScriptError::PubkeyCount),
                ),
                (
                    "opcodes-and-depth",
                    nops(200).op(multisig),
                    vec![bytes(&[2])],
                    NONE,
                    at(multisig, ScriptError::OpCount),
                ),
                (
                    "signatures-and-depth",
                    check.clone(),
                    vec![bytes(&[2]), key(), bytes(&[1])],
                    NONE,
                    at(multisig, ScriptError::SigCount),
                ),
                (
                    "multisig-signature-and-key",
                    check,
                    wrong_key.to_vec(),
                    Flags::STRICTENC,
                    at(multisig, ScriptError::SigDer),
                ),
            ]);
        }
        if LEGACY.contains(version) {
            let separator = nops(201).op(Op::OP_CODESEPARATOR);
            let verdict = at(Op::OP_CODESEPARATOR, ScriptError::OpCount);
            rows.push(("opcodes-and-separator", separator, vec![], Flags::CONST_SCRIPTCODE, verdict));
        }
        refused(group, *version, &rows);
    }
    for (version, error) in [
        (Version::P2wsh, ScriptError::WitnessMalleated),
        (Version::P2shP2wsh, ScriptError::WitnessMalleatedP2sh),
    ] {
        let id = format!("order-{}-scriptsig", version.slug());
        let base = group.accept(&id, &PLACES, "a spend without a fault", spend(version, asm("1"), ""));
        let change = |spec: &mut Spec| {
            spec.script = asm("RETURN");
            *spec = spec.clone().edited(|input, _| input.script_sig.insert(0, Op::OP_0.0));
        };
        let verdict = in_phase(Phase::WitnessProgram, error);
        let differs = "the scriptSig has an OP_0, and the script fails";
        group.reject(&base, &format!("{id}-and-script"), &ORDER, differs, change, verdict);
    }
}

/// Adds cases in which CLEANSTACK is set and the output is a witness program. The program counts as exactly one stack
/// element, whatever it contains.
fn clean(group: &mut Group) {
    let unknown = Script::new().op(Op::OP_16).raw(&[3, 7, 7, 7]);
    let scripts = [Version::P2wsh, Version::P2shP2wsh, Version::Tapscript].map(|version| (version, asm("1")));
    let programs = [Version::Program, Version::P2shProgram].map(|version| (version, unknown.clone()));
    for (version, script) in scripts.into_iter().chain(programs) {
        let spec = spend(version, script, "").under(Flags::CLEANSTACK);
        let base = accept(group, version, "cleanstack", &CLEAN, "a witness program under CLEANSTACK", spec);
        if matches!(version, Version::P2shP2wsh | Version::P2shProgram) {
            let before = |spec: &mut Spec| spec.script_sig = vec![Op::OP_0.0];
            let verdict = in_phase(Phase::WitnessProgram, ScriptError::WitnessMalleatedP2sh);
            let differs = "the scriptSig pushes nothing before it";
            reject(group, version, &base, "cleanstack-before", &CLEAN, differs, before, verdict);
        }
    }
}
