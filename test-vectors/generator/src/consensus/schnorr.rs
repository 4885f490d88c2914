//! Cases of Schnorr signatures: OP_CHECKSIG, OP_CHECKSIGVERIFY and OP_CHECKSIGADD in tapscript, key types, the signature
//! operation budget, and signatures on the key path.

use sigstack_interpreter::{Flags, KeyVersion, Opcode as Op, ScriptError};

use super::build::{accept, asm, at, bytes, in_phase, phase, reject, signed};
use crate::group::{Group, Only, Rule};
use crate::item::{Change, Item, Signature};
use crate::keys::{Key, OFF_CURVE};
use crate::script::Script;
use crate::spec::{Spec, Verdict, Version};
use sigstack_vectors::Case;

const VALID: Rule = Rule {
    source: "BIP 342, Rules for signature opcodes",
    text: "with a key of 32 bytes a signature that is not empty must be valid, or the script fails",
    only: None,
};
const EMPTY: Rule = Rule {
    source: "BIP 342, Rules for signature opcodes",
    text: "with an empty signature OP_CHECKSIG pushes false, OP_CHECKSIGADD the number itself, OP_CHECKSIGVERIFY fails",
    only: None,
};
const SIZE: Rule = Rule {
    source: "BIP 341, Taproot key path spending signature validation",
    text: "a Schnorr signature has 64 bytes, or 65 with a hash type",
    only: Some((Only::Reject, "the accepted twins have valid signatures")),
};
const EMPTY_KEY: Rule = Rule {
    source: "BIP 342, Rules for signature opcodes",
    text: "an empty key fails",
    only: Some((Only::Reject, "the accepted twins have valid signatures")),
};
const UNKNOWN_KEY: Rule = Rule {
    source: "BIP 342, Rules for signature opcodes",
    text: "keys of other sizes than 0 and 32 are of unknown types and fit every signature; policy refuses them",
    only: None,
};
const ADD: Rule = Rule {
    source: "BIP 342, Rules for signature opcodes",
    text: "OP_CHECKSIGADD takes signature, number and key; the number has up to four bytes",
    only: None,
};
const BUDGET: Rule = Rule {
    source: "BIP 342, Resource limits",
    text: "every signature that is not empty costs 50 of a budget of 50 and the witness's size, whatever the key's type",
    only: None,
};
const KEY_PATH: Rule = Rule {
    source: "BIP 341, Script validation rules",
    text: "a single element is a signature by the output key",
    only: None,
};

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("schnorr");
    for opcode in [Op::OP_CHECKSIG, Op::OP_CHECKSIGVERIFY, Op::OP_CHECKSIGADD] {
        valid(&mut group, opcode);
        unknown_keys(&mut group, opcode);
    }
    add(&mut group);
    budget(&mut group);
    key_path(&mut group);
    group.finish()
}

const TAPSCRIPT: Version = Version::Tapscript;

fn signature(key: Key) -> Item {
    Signature::new(key, 0, KeyVersion::Bip342).into()
}

/// Returns a script that checks the signature on the stack against a key in the script, and leaves true if the
/// signature is valid.
fn leaf(opcode: Op, key: &[u8]) -> Script {
    match opcode {
        Op::OP_CHECKSIGADD => Script::new().number(4).push(key).op(opcode).number(5).op(Op::OP_NUMEQUAL),
        Op::OP_CHECKSIGVERIFY => Script::new().push(key).ops(&[opcode, Op::OP_1]),
        _ => Script::new().push(key).op(opcode),
    }
}

fn slug(opcode: Op) -> String {
    opcode.to_string().trim_start_matches("OP_").to_lowercase()
}

fn valid(group: &mut Group, opcode: Op) {
    let key = Key(1).x_only();
    let name = slug(opcode);
    let base = accept(
        group,
        TAPSCRIPT,
        &name,
        &VALID,
        "a valid signature",
        signed(TAPSCRIPT, leaf(opcode, &key), &[signature(Key(1))]),
    );
    let invalid = at(opcode, ScriptError::SchnorrSig);
    let rows: [(&str, &str, Item, [u8; 32]); 6] = [
        ("other-key", "the signature is another key's", signature(Key(2)), key),
        ("flipped-r", "a bit of R is flipped", signature(Key(1)).flipped(0), key),
        ("flipped-s", "a bit of S is flipped", signature(Key(1)).flipped(63), key),
        ("zero", "the signature is 64 zero bytes", bytes(&[0; 64]), key),
        ("off-curve", "the key is not on the curve", signature(Key(1)), OFF_CURVE),
        ("key-beyond-field", "the key is not below the field's size", signature(Key(1)), [0xff; 32]),
    ];
    for (slug, differs, item, key) in rows {
        let change = |spec: &mut Spec| (spec.script, spec.stack) = (leaf(opcode, &key), vec![item]);
        reject(group, TAPSCRIPT, &base, &format!("{name}-{slug}"), &VALID, differs, change, invalid);
    }
    for size in [1, 63, 66] {
        let change = |spec: &mut Spec| spec.stack = vec![resized(signature(Key(1)), size)];
        let id = format!("{name}-size-{size}");
        let verdict = at(opcode, ScriptError::SchnorrSigSize);
        reject(group, TAPSCRIPT, &base, &id, &SIZE, &format!("it has {size} bytes"), change, verdict);
    }
    let no_key = |spec: &mut Spec| spec.script = leaf(opcode, &[]);
    let verdict = at(opcode, ScriptError::TapscriptEmptyPubkey);
    let id = format!("{name}-empty-key");
    reject(group, TAPSCRIPT, &base, &id, &EMPTY_KEY, "the key is empty", no_key, verdict);
    let shallow = at(opcode, ScriptError::InvalidStackOperation);
    let id = format!("{name}-no-signature");
    reject(group, TAPSCRIPT, &base, &id, &VALID, "there is no signature", |spec| spec.stack.clear(), shallow);
    empty(group, opcode, &name);
}

fn resized(item: Item, size: usize) -> Item {
    let change = if size <= 64 { Change::Truncate(size) } else { Change::Append(vec![1; size - 64]) };
    Item::Changed(Box::new(item), change)
}

fn empty(group: &mut Group, opcode: Op, name: &str) {
    let rules = [(&EMPTY, Key(1).x_only(), "valid"), (&EMPTY, OFF_CURVE, "off-curve")];
    for (rule, key, kind) in rules {
        let slug = format!("{name}-empty-{kind}");
        let (script, end) = match opcode {
            Op::OP_CHECKSIGADD => {
                let script =
                    |end| Script::new().number(4).push(&key).op(opcode).number(end).op(Op::OP_NUMEQUAL);
                (script(4), Some(script(5)))
            }
            Op::OP_CHECKSIGVERIFY => {
                // OP_CHECKSIGVERIFY always fails with an empty signature, so the paired valid case drops the signature
                // instead.
                let script = Script::new().ops(&[Op::OP_DROP, Op::OP_1]);
                let base = signed(TAPSCRIPT, script, &[bytes(&[])]);
                let base = accept(group, TAPSCRIPT, &slug, rule, "an empty signature that is dropped", base);
                let change = |spec: &mut Spec| spec.script = leaf(opcode, &key);
                let verdict = at(opcode, ScriptError::CheckSigVerify);
                let id = format!("{slug}-checked");
                reject(group, TAPSCRIPT, &base, &id, rule, "it is checked", change, verdict);
                continue;
            }
            _ => (Script::new().push(&key).ops(&[opcode, Op::OP_NOT]), None),
        };
        let comment = format!("an empty signature with a key that is {kind}");
        let base = accept(group, TAPSCRIPT, &slug, rule, &comment, signed(TAPSCRIPT, script, &[bytes(&[])]));
        let change = |spec: &mut Spec| spec.script = end.unwrap_or_else(|| leaf(opcode, &key));
        let verdict = in_phase(phase(TAPSCRIPT), ScriptError::EvalFalse);
        let id = format!("{slug}-expected-true");
        reject(group, TAPSCRIPT, &base, &id, rule, "the script expects success", change, verdict);
    }
}

fn unknown_keys(group: &mut Group, opcode: Op) {
    let name = slug(opcode);
    for size in [1, 31, 33, 65] {
        let key = vec![2; size];
        let spec = signed(TAPSCRIPT, leaf(opcode, &key), &[bytes(&[7; 3])]);
        let id = format!("{name}-unknown-key-{size}");
        let comment = format!("a key of {size} bytes and three bytes for a signature");
        let base = accept(group, TAPSCRIPT, &id, &UNKNOWN_KEY, &comment, spec);
        let change = |spec: &mut Spec| spec.flags |= Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE;
        let verdict = at(opcode, ScriptError::DiscourageUpgradablePubkeyType);
        let id = format!("{id}-discouraged");
        reject(group, TAPSCRIPT, &base, &id, &UNKNOWN_KEY, "policy refuses the key", change, verdict);
    }
}

fn add(group: &mut Group) {
    let opcode = Op::OP_CHECKSIGADD;
    let key = Key(1).x_only();
    let script = |sum: i64| Script::new().push(&key).op(opcode).number(sum).op(Op::OP_EQUAL);
    let checked =
        |number: &[u8], sum: i64| signed(TAPSCRIPT, script(sum), &[signature(Key(1)), bytes(number)]);
    let base = accept(group, TAPSCRIPT, "add", &ADD, "a valid signature adds one to 2", checked(&[2], 3));
    let number = at(opcode, ScriptError::ScriptNum);
    let shallow = at(opcode, ScriptError::InvalidStackOperation);
    let rows: [(&str, &str, Vec<Item>, Verdict); 4] = [
        ("five-bytes", "the number has five bytes", vec![signature(Key(1)), bytes(&[2, 0, 0, 0, 0])], number),
        ("two", "the signature is missing", vec![bytes(&[2])], shallow),
        ("one", "signature and number are missing", vec![], shallow),
        ("number-first", "the signature is bad too", vec![bytes(&[1]), bytes(&[2, 0, 0, 0, 0])], number),
    ];
    for (slug, differs, stack, verdict) in rows {
        let id = format!("add-{slug}");
        reject(group, TAPSCRIPT, &base, &id, &ADD, differs, |spec| spec.stack = stack, verdict);
    }
    let nothing = |spec: &mut Spec| (spec.script, spec.stack) = (asm("CHECKSIGADD"), vec![]);
    reject(group, TAPSCRIPT, &base, "add-nothing", &ADD, "the stack is empty", nothing, shallow);
    for (slug, number, sum) in [
        ("largest", [0xff, 0xff, 0xff, 0x7f].as_slice(), 0x8000_0000),
        ("negative", &[0x81], 0),
        ("padded", &[2, 0], 3),
    ] {
        let spec = checked(number, sum);
        let base = accept(group, TAPSCRIPT, &format!("add-{slug}"), &ADD, &format!("the sum is {sum}"), spec);
        if slug == "padded" {
            let change = |spec: &mut Spec| spec.flags |= Flags::MINIMALDATA;
            let differs = "policy wants the shortest encoding of the number";
            let verdict = at(opcode, ScriptError::ScriptNum);
            reject(group, TAPSCRIPT, &base, "add-padded-minimaldata", &ADD, differs, change, verdict);
        }
    }
}

fn budget(group: &mut Group) {
    for (slug, key, item) in
        [("known", Key(1).x_only().to_vec(), signature(Key(1))), ("unknown", vec![3; 33], bytes(&[7]))]
    {
        for checks in [4, 6, 12] {
            let again = [Op::OP_2DUP, Op::OP_CHECKSIGVERIFY];
            let script = (1..checks).fold(Script::new(), |script, _| script.ops(&again));
            let mut spec = signed(TAPSCRIPT, script.op(Op::OP_CHECKSIG), &[item.clone(), bytes(&key)]);
            spec = spec.padded_to(50 * checks);
            let id = format!("budget-{slug}-{checks}");
            let comment = format!("{checks} checks in a witness that pays for exactly as many");
            let base = accept(group, TAPSCRIPT, &id, &BUDGET, &comment, spec);
            let shorter = |spec: &mut Spec| spec.annex.iter_mut().for_each(|annex| _ = annex.pop());
            let verdict = at(Op::OP_CHECKSIG, ScriptError::TapscriptValidationWeight);
            let id = format!("{id}-short");
            reject(group, TAPSCRIPT, &base, &id, &BUDGET, "the witness is a byte shorter", shorter, verdict);
        }
    }
    let free = |checks: usize, item: Item| {
        let again = [Op::OP_2DUP, Op::OP_CHECKSIG, Op::OP_DROP];
        let script = (0..checks).fold(Script::new(), |script, _| script.ops(&again));
        let script = script.ops(&[Op::OP_2DROP, Op::OP_1]);
        signed(TAPSCRIPT, script, &[item, bytes(&Key(1).x_only())])
    };
    let comment = "twenty checks of an empty signature cost nothing";
    let base = accept(group, TAPSCRIPT, "budget-free", &BUDGET, comment, free(20, bytes(&[])));
    let change = |spec: &mut Spec| *spec = free(20, signature(Key(1)));
    let verdict = at(Op::OP_CHECKSIG, ScriptError::TapscriptValidationWeight);
    let differs = "the signature is not empty";
    reject(group, TAPSCRIPT, &base, "budget-not-free", &BUDGET, differs, change, verdict);
    add_budget(group);
}

/// Adds cases which show that OP_CHECKSIGADD reduces the signature operation budget, and that the budget is checked
/// before the key and the signature.
fn add_budget(group: &mut Group) {
    let key = Key(1).x_only();
    let again = [Op::OP_2DUP, Op::OP_0, Op::OP_SWAP, Op::OP_CHECKSIGADD, Op::OP_DROP];
    let adds = |checks: usize| (0..checks).fold(Script::new(), |script, _| script.ops(&again));
    let stack = [signature(Key(1)), bytes(&key)];
    let script = adds(8).ops(&[Op::OP_2DROP, Op::OP_1]);
    let spec = signed(TAPSCRIPT, script, &stack).padded_to(400);
    let comment = "eight OP_CHECKSIGADD in a witness that pays for exactly as many";
    let base = accept(group, TAPSCRIPT, "budget-add", &BUDGET, comment, spec);
    let weight = ScriptError::TapscriptValidationWeight;
    let shorter = |spec: &mut Spec| spec.annex.iter_mut().for_each(|annex| _ = annex.pop());
    let verdict = at(Op::OP_CHECKSIGADD, weight);
    let differs = "the witness is a byte shorter";
    reject(group, TAPSCRIPT, &base, "budget-add-short", &BUDGET, differs, shorter, verdict);
    for (slug, what, last) in
        [("empty-key", "an empty key", vec![]), ("off-curve", "a key off the curve", OFF_CURVE.to_vec())]
    {
        let ninth = |opcode: Op| {
            adds(8).op(Op::OP_2DUP).op(Op::OP_DROP).push(&last).ops(&[
                opcode,
                Op::OP_2DROP,
                Op::OP_DROP,
                Op::OP_1,
            ])
        };
        // The paired valid case does not check a signature: another opcode leaves the same number of elements.
        let spec = signed(TAPSCRIPT, ninth(Op::OP_NIP), &stack).padded_to(400);
        let slug = format!("budget-first-{slug}");
        let comment = format!("eight checks use the budget up; {what} is dropped");
        let base = accept(group, TAPSCRIPT, &slug, &BUDGET, &comment, spec);
        let change = |spec: &mut Spec| spec.script = ninth(Op::OP_CHECKSIG);
        let verdict = at(Op::OP_CHECKSIG, weight);
        let id = format!("{slug}-checked");
        reject(group, TAPSCRIPT, &base, &id, &BUDGET, "it is checked with", change, verdict);
    }
}

fn key_path(group: &mut Group) {
    let version = Version::KeyPath;
    let by = |key: Key| -> Item {
        let signature = Signature::new(key, 0, KeyVersion::Bip342);
        Signature { key_version: None, ..signature }.into()
    };
    let spec = signed(version, Script::new(), &[by(Key(0))]);
    let base = accept(group, version, "signature", &KEY_PATH, "a signature by the output key", spec);
    let stop = |error| in_phase(phase(version), error);
    let rows: [(&str, &str, Item, ScriptError); 8] = [
        ("other-key", "it is by another key", by(Key(2)), ScriptError::SchnorrSig),
        ("flipped-r", "a bit of R is flipped", by(Key(0)).flipped(3), ScriptError::SchnorrSig),
        ("flipped-s", "a bit of S is flipped", by(Key(0)).flipped(60), ScriptError::SchnorrSig),
        ("zero", "it is 64 zero bytes", bytes(&[0; 64]), ScriptError::SchnorrSig),
        ("empty", "it is empty", bytes(&[]), ScriptError::SchnorrSigSize),
        ("size-63", "it has 63 bytes", resized(by(Key(0)), 63), ScriptError::SchnorrSigSize),
        ("size-66", "it has 66 bytes", resized(by(Key(0)), 66), ScriptError::SchnorrSigSize),
        (
            "annex-alone",
            "it begins like an annex, which a single element is not",
            bytes(&[0x50; 64]),
            ScriptError::SchnorrSig,
        ),
    ];
    for (slug, differs, item, error) in rows {
        let id = format!("signature-{slug}");
        let change = |spec: &mut Spec| spec.stack = vec![item];
        reject(group, version, &base, &id, &KEY_PATH, differs, change, stop(error));
    }
    let mut untaproot = signed(version, Script::new(), &[bytes(&[])]).without(Flags::TAPROOT);
    let comment = "before taproot was active anyone could spend the output";
    accept(group, version, "inactive", &KEY_PATH, comment, untaproot.clone());
    untaproot.stack.clear();
    accept(group, version, "inactive-empty", &KEY_PATH, "and with an empty witness too", untaproot);
}
