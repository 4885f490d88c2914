//! BIP 118: cases about the stack, about the signature operation budget, and about script versions other than
//! tapscript. They detect implementations with certain bugs.

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

use sigstack_interpreter::{Flags, KeyVersion, Opcode, PROPOSALS, Phase, ScriptError};

use super::{BUDGET, CHECKSIG, EMPTY, STATES, fails, leaf, sign};
use crate::group::{Group, Only, Rule};
use crate::item::{Ecdsa, Item, Signature};
use crate::keys::Key;
use crate::lax::{self, Lax};
use crate::script::Script;
use crate::spec::{Spec, StopsAt, Verdict, Version};

const STACK: Rule = Rule {
    source: "BIP 342, Rules for signature opcodes",
    text: "a missing element and an empty key fail, and n of OP_CHECKSIGADD is a number of at most four bytes",
    only: None,
};
const NO_KEY: Rule = Rule {
    source: "BIP 118, Specification",
    text: "in legacy and segwit v0 scripts no signature is valid for such a key",
    only: None,
};

pub(super) fn cases(group: &mut Group) {
    stack(group);
    budget(group);
    legacy(group);
}

/// Adds cases with missing stack elements for OP_CHECKSIG, OP_CHECKSIGVERIFY and OP_CHECKSIGADD with BIP 118 keys.
fn stack(group: &mut Group) {
    let missing = ScriptError::InvalidStackOperation;
    for (slug, key, signer) in [("1", vec![1], Key(0)), ("33", Key(1).bip118(), Key(1))] {
        let signed = Item::from(Signature { key: signer, ..sign(0x41) });
        let empty = leaf(&key, Item::Bytes(vec![]));
        let not = |opcode: Opcode| Script::new().push(&key).ops(&[opcode, Opcode::OP_NOT]);
        let mut turned = empty.clone();
        turned.script = not(CHECKSIG);
        let id = format!("stack-checksig-{slug}");
        let base = group.accept(&id, &STACK, "an empty signature, and OP_NOT", turned);
        let change = |spec: &mut Spec| spec.stack.clear();
        group.reject(
            &base,
            &format!("{id}-no-signature"),
            &STACK,
            "there is no signature",
            change,
            fails(missing),
        );
        let at = StopsAt::Opcode(Opcode::OP_CHECKSIGADD);
        let add = |numbers: &[u8], result: i64| {
            Script::new()
                .push(numbers)
                .push(&key)
                .op(Opcode::OP_CHECKSIGADD)
                .number(result)
                .op(Opcode::OP_NUMEQUAL)
        };
        for (name, number, value) in [
            ("0", vec![], 0),
            ("1", vec![1], 1),
            ("negative", vec![0x81], -1),
            ("two-bytes", vec![0xff, 0], 255),
            ("not-minimal", vec![5, 0], 5),
            ("negative-zero", vec![0x80], 0),
            ("largest", vec![0xff, 0xff, 0xff, 0x7f], 2_147_483_647),
            ("smallest", vec![0xff, 0xff, 0xff, 0xff], -2_147_483_647),
        ] {
            // The sum of the largest number and 1 does not fit into a four-byte number, so it is compared as bytes.
            let sum = |added: i64| {
                let script = Script::new().push(&number).push(&key).op(Opcode::OP_CHECKSIGADD);
                script.number(value + added).op(Opcode::OP_EQUAL)
            };
            let mut good = leaf(&key, signed.clone());
            good.script = sum(1);
            let id = format!("stack-checksigadd-{slug}-n-{name}");
            let base = group.accept(&id, &STACK, &format!("n is {value}"), good);
            let change = |spec: &mut Spec| spec.script = sum(2);
            let stops = Verdict::Reject(ScriptError::EvalFalse, StopsAt::Phase(Phase::Tapscript));
            group.reject(&base, &format!("{id}-two-more"), &STACK, "the script expects n + 2", change, stops);
            let mut none = empty.clone();
            none.script = sum(0);
            let base = group.accept(&format!("{id}-empty"), &STACK, "an empty signature adds nothing", none);
            let change = |spec: &mut Spec| spec.script = sum(1);
            group.reject(
                &base,
                &format!("{id}-empty-one-more"),
                &STACK,
                "the script expects n + 1",
                change,
                stops,
            );
        }
        let mut good = leaf(&key, signed.clone());
        good.script = add(&[7], 8);
        let id = format!("stack-checksigadd-{slug}");
        let base = group.accept(&format!("{id}-stack"), &STACK, "n is 7", good);
        let five = Script::new().push(&[1, 0, 0, 0, 0]).push(&key).op(Opcode::OP_CHECKSIGADD);
        let change = |spec: &mut Spec| spec.script = five.clone();
        let too_long = Verdict::Reject(ScriptError::ScriptNum, at);
        let both = |spec: &mut Spec| (spec.script, spec.stack[0]) = (five.clone(), Item::Bytes(vec![1]));
        let difference = "n has five bytes and the signature one: n is looked at first";
        group.reject(&base, &format!("{id}-n-before-signature"), &STACK, difference, both, too_long);
        group.reject(&base, &format!("{id}-n-of-five-bytes"), &STACK, "n has five bytes", change, too_long);
        let change = |spec: &mut Spec| spec.stack.clear();
        let error = Verdict::Reject(missing, at);
        group.reject(&base, &format!("{id}-no-signature"), &STACK, "there is no signature", change, error);
        let mut turned = empty;
        turned.script =
            Script::new().op(Opcode::OP_0).push(&key).ops(&[Opcode::OP_CHECKSIGADD, Opcode::OP_NOT]);
        let base = group.accept(&format!("{id}-not"), &STACK, "an empty signature adds nothing to 0", turned);
        let change = |spec: &mut Spec| spec.stack.clear();
        group.reject(
            &base,
            &format!("{id}-not-no-signature"),
            &STACK,
            "there is no signature",
            change,
            error,
        );
        for (name, difference, signature, error) in [
            ("checksigadd", "the signature is invalid", signed.clone().flipped(0), ScriptError::SchnorrSig),
            (
                "size-checksigadd",
                "the signature has a byte more",
                signed.followed_by(&[1]),
                ScriptError::SchnorrSigSize,
            ),
            (
                "hash-type-checksigadd",
                "the hash type is undefined",
                lax::signature(signer, Lax::by_bits(0x40), &[0x40]),
                ScriptError::SchnorrSigHashtype,
            ),
        ] {
            let change = |spec: &mut Spec| spec.stack[0] = signature;
            let stops = Verdict::Reject(error, at);
            group.reject(&base, &format!("{name}-{slug}-not"), &VALID_ADD, difference, change, stops);
        }
    }
    for (slug, opcode) in [("checksig", CHECKSIG), ("checksigadd", Opcode::OP_CHECKSIGADD)] {
        let before = if opcode == CHECKSIG { Script::new() } else { Script::new().op(Opcode::OP_0) };
        let script = |key: &[u8]| before.clone().push(key).ops(&[opcode, Opcode::OP_NOT]);
        let mut spec = leaf(&[], Item::Bytes(vec![]));
        spec.script = script(&[0]);
        let id = format!("stack-{slug}-key");
        let base = group.accept(&id, &STACK, "the key is a zero byte, which is not empty", spec);
        for (name, signature) in [("", Item::Bytes(vec![])), ("-signed", Item::Bytes(vec![1]))] {
            let change = |spec: &mut Spec| {
                spec.script = script(&[]);
                spec.stack[0] = signature;
            };
            let stops = Verdict::Reject(ScriptError::TapscriptEmptyPubkey, StopsAt::Opcode(opcode));
            group.reject(&base, &format!("{id}-empty{name}"), &STACK, "the key is empty", change, stops);
        }
    }
    let script = Script::new().push(&Key(1).bip118()).op(CHECKSIG);
    let mut spec = leaf(&[1], sign(0x41));
    spec.script = script;
    let base = group.accept("stack-clean", &STACK, "one element is left", spec);
    let clean = Verdict::Reject(ScriptError::CleanStack, StopsAt::Phase(Phase::Tapscript));
    for (name, below) in [("true", vec![1]), ("false", vec![])] {
        let change = |spec: &mut Spec| spec.stack.insert(0, Item::Bytes(below));
        let difference = "an element below it is left too";
        group.reject(&base, &format!("stack-clean-{name}-below"), &STACK, difference, change, clean);
    }
}

const VALID_ADD: Rule = Rule {
    source: "BIP 342, Rules for signature opcodes",
    text: "OP_CHECKSIGADD fails for a bad signature, and does not add zero",
    only: Some((Only::Reject, "signatures that it accepts are among the cases of n")),
};

/// Adds cases in which BIP 118 is inactive and another proposal is active. The flag of the other proposal must not
/// activate BIP 118 keys.
pub(super) fn inactive(group: &mut Group) {
    for other in PROPOSALS.iter().filter(|other| other.is_of_scripts() && other.flag != Flags::ANYPREVOUT) {
        for (slug, key) in [("1", vec![1]), ("33", Key(1).bip118())] {
            let name = other.flag.to_string().trim_start_matches("OP_").to_lowercase();
            let mut spec = leaf(&key, Item::Bytes(vec![0xaa; 9])).under(other.flag);
            spec.flags -= Flags::ANYPREVOUT;
            let id = format!("state-inactive-{slug}-with-{name}");
            let comment = "inactive beside another proposal: whatever is not empty is a signature";
            let base = group.accept(&id, &STATES, comment, spec);
            let change = |spec: &mut Spec| spec.flags |= Flags::ANYPREVOUT;
            let difference = "it is active, so the signature is looked at";
            group.reject(
                &base,
                &format!("{id}-activated"),
                &STATES,
                difference,
                change,
                fails(ScriptError::SchnorrSigSize),
            );
        }
    }
    // While BIP 118 is inactive, its keys are keys of an unknown type. A signature check with a key of an unknown type
    // costs the same as any other check.
    for (slug, key, flags) in [
        ("inactive-1", vec![1], Flags::NONE),
        ("inactive-33", Key(1).bip118(), Flags::NONE),
        ("neighbour", Key(1).compressed(), Flags::ANYPREVOUT),
    ] {
        let again = [Opcode::OP_2DUP, CHECKSIG, Opcode::OP_DROP];
        let mut spec = leaf(&key, Item::Bytes(vec![0xaa; 9])).with_bytes(&key).under(flags);
        if flags.is_empty() {
            spec.flags -= Flags::ANYPREVOUT;
        }
        spec.script = (1..10).fold(Script::new(), |script, _| script.ops(&again)).op(CHECKSIG);
        let id = format!("budget-unknown-{slug}");
        let base = group.accept(
            &id,
            &BUDGET,
            "ten checks in a witness that pays for exactly as many",
            spec.padded_to(500),
        );
        let change = |spec: &mut Spec| spec.annex.iter_mut().for_each(|annex| _ = annex.pop());
        let stops = fails(ScriptError::TapscriptValidationWeight);
        group.reject(&base, &format!("{id}-short"), &BUDGET, "the annex is a byte shorter", change, stops);
    }
}

/// Adds cases that show that checks with BIP 342 keys and with BIP 118 keys share one signature operation budget. A
/// check of an empty signature costs nothing.
fn budget(group: &mut Group) {
    use Opcode as Op;
    // The stack has a signature and a key of one kind, and a signature and a key of the other kind.
    let check = |script: Script, opcode: Opcode, place: Opcode| {
        let arguments = match opcode {
            Op::OP_CHECKSIGADD => {
                script.ops(&[place, Op::OP_PICK, Op::OP_0, place, Op::OP_1ADD, Op::OP_PICK])
            }
            _ => script.ops(&[place, Op::OP_PICK, place, Op::OP_PICK]),
        };
        let script = arguments.op(opcode);
        if opcode == Op::OP_CHECKSIGVERIFY { script } else { script.op(Op::OP_DROP) }
    };
    let opcodes = [CHECKSIG, Op::OP_CHECKSIGVERIFY, Op::OP_CHECKSIGADD];
    for (slug, first_place, last_place) in
        [("old-then-new", Op::OP_3, Op::OP_1), ("new-then-old", Op::OP_1, Op::OP_3)]
    {
        for first in opcodes {
            for last in opcodes {
                let many = (0..12).fold(Script::new(), |script, _| check(script, first, first_place));
                let script = check(many, last, last_place).ops(&[Op::OP_2DROP, Op::OP_2DROP, Op::OP_1]);
                let spec = Spec::tapscript(script)
                    .under(Flags::ANYPREVOUT)
                    .with(Signature::new(Key(1), 0x83, KeyVersion::Bip342))
                    .with_bytes(&Key(1).x_only())
                    .with(sign(0xc3))
                    .with_bytes(&Key(1).bip118());
                let name = |opcode: Opcode| opcode.to_string().trim_start_matches("OP_").to_lowercase();
                let id = format!("budget-{slug}-{}-then-{}", name(first), name(last));
                let comment =
                    format!("12 times {first} and then {last} in a witness that pays for exactly 13 checks");
                let base = group.accept(&id, &BUDGET, &comment, spec.padded_to(13 * 50));
                group.reject(
                    &base,
                    &format!("{id}-short"),
                    &BUDGET,
                    "the annex is a byte shorter",
                    |spec| spec.annex.iter_mut().for_each(|annex| _ = annex.pop()),
                    Verdict::Reject(ScriptError::TapscriptValidationWeight, StopsAt::Opcode(last)),
                );
            }
        }
    }
    let again = [Op::OP_2DUP, CHECKSIG, Op::OP_DROP];
    for (slug, key) in [("1", vec![1]), ("33", Key(1).bip118())] {
        let mut free = leaf(&key, Item::Bytes(vec![])).with_bytes(&key);
        free.script =
            (1..30).fold(Script::new(), |script, _| script.ops(&again)).ops(&[CHECKSIG, Op::OP_NOT]);
        let id = format!("budget-free-{slug}");
        let base = group.accept(&id, &EMPTY, "thirty checks of an empty signature", free);
        let signer = if key.len() == 1 { Key(0) } else { Key(1) };
        let difference = "the signature is not empty";
        let change = |spec: &mut Spec| spec.stack[0] = Signature { key: signer, ..sign(0xc1) }.into();
        let stops = fails(ScriptError::TapscriptValidationWeight);
        group.reject(&base, &format!("{id}-signed"), &BUDGET, difference, change, stops);
    }
}

/// Adds cases of ECDSA checks with a BIP 118 key. A key that begins with 01 is invalid for ECDSA, even if the other 32
/// bytes are the X coordinate of a valid key.
fn legacy(group: &mut Group) {
    // For a key with an even Y, an implementation that treats 01 like 02 would find the signature valid.
    let even = (1..=u8::MAX).map(Key).find(|key| key.compressed().first() == Some(&2)).unwrap_or(Key(1));
    let odd = (1..=u8::MAX).map(Key).find(|key| key.compressed().first() == Some(&3)).unwrap_or(Key(1));
    for version in [Version::Bare, Version::P2sh, Version::P2wsh, Version::P2shP2wsh] {
        for (parity, signer) in [("even", even), ("odd", odd)] {
            let key = signer.bip118();
            for (state, flags) in [("inactive", Flags::NONE), ("active", Flags::ANYPREVOUT)] {
                let id = format!("{}-ecdsa-{parity}-{state}", version.slug());
                let not = Script::new().push(&key).ops(&[CHECKSIG, Opcode::OP_NOT]);
                let spec = Spec::new(version, not).under(flags).with(Ecdsa::new(signer, 1));
                let base = group.accept(&id, &NO_KEY, "the signature of the X is invalid, and OP_NOT", spec);
                let change = |spec: &mut Spec| spec.script = Script::new().push(&key).op(CHECKSIG);
                let phase = match version {
                    Version::Bare => Phase::ScriptPubKey,
                    Version::P2sh => Phase::RedeemScript,
                    _ => Phase::WitnessScript,
                };
                let stops = Verdict::Reject(ScriptError::EvalFalse, StopsAt::Phase(phase));
                group.reject(&base, &format!("{id}-alone"), &NO_KEY, "nothing turns it", change, stops);
            }
        }
    }
}
