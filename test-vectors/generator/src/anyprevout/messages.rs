//! BIP 118: cases for implementations that compute a wrong digest for certain signature messages. The messages have
//! sizes that need more than one byte, an annex, or certain positions of OP_CODESEPARATOR.

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

use sigstack_interpreter::{Opcode, ScriptError};

use super::{CHECKSIG, fails, leaf, sign, valid};
use crate::group::{Group, Rule};
use crate::item::{Item, Signature};
use crate::keys::{Key, bytes_of};
use crate::lax::{self, Annex, Lax};
use crate::script::Script;
use crate::shape::Shape;
use crate::spec::Spec;

pub(super) const MESSAGE: Rule = Rule {
    source: "BIP 118, Signature message",
    text: "sizes in the message are compact sizes, the index has four bytes, and nothing is hashed once more",
    only: None,
};
const POSITION: Rule = Rule {
    source: "BIP 342, Common signature message extension",
    text: "the position of the last executed OP_CODESEPARATOR counts opcodes, a push as one, executed or not",
    only: None,
};

pub(super) fn cases(group: &mut Group) {
    annexes(group);
    leaves(group);
    indices(group);
    positions(group);
}

fn annexes(group: &mut Group) {
    for hash_type in [0x00, 0x41, 0x81, 0xc1] {
        for size in [1, 2, 75, 252, 253, 254, 255, 256, 300] {
            let mut spec = valid(hash_type);
            spec.annex = Some([&[0x50], bytes_of("annex", size - 1).as_slice()].concat());
            let id = format!("message-annex-{hash_type:02x}-{size}");
            let base = group.accept(&id, &MESSAGE, &format!("an annex of {size} bytes"), spec);
            let written: &[u8] = if hash_type == 0 { &[] } else { &[hash_type] };
            for (slug, difference, annex) in [
                ("short-length", "its length is signed as one byte", Annex::LengthOfOneByte),
                ("without-length", "its length is not signed", Annex::WithoutLength),
                ("without-tag", "its first byte is not signed", Annex::WithoutTag),
                ("ignored", "it is not signed", Annex::Ignored),
                ("flag", "it is signed that there is one, and not which", Annex::OnlyFlag),
            ] {
                if (slug == "short-length" && size < 253)
                    || (slug != "short-length" && !matches!(size, 1 | 253))
                {
                    continue;
                }
                let signature = lax::signature(Key(1), Lax { annex, ..Lax::by_bits(hash_type) }, written);
                let change = |spec: &mut Spec| spec.stack[0] = signature;
                group.reject(
                    &base,
                    &format!("{id}-{slug}"),
                    &MESSAGE,
                    difference,
                    change,
                    fails(ScriptError::SchnorrSig),
                );
            }
        }
    }
    // An element that begins with 0x50 is an annex only if it is the last of at least two witness elements.
    let mut two = valid(0x41);
    two.annex = Some(vec![0x50]);
    let base = group.accept("message-annex-last", &MESSAGE, "the shortest annex", two);
    let difference = "the signature is made as if there were none";
    let signature = lax::signature(Key(1), Lax { annex: Annex::Ignored, ..Lax::by_bits(0x41) }, &[0x41]);
    group.reject(
        &base,
        "message-annex-last-ignored",
        &MESSAGE,
        difference,
        |spec| spec.stack[0] = signature,
        fails(ScriptError::SchnorrSig),
    );
}

/// Adds cases with leaf scripts and spent scriptPubKeys of lengths at which the CompactSize encoding of the length gets
/// longer.
fn leaves(group: &mut Group) {
    for hash_type in [0x00, 0x41, 0xc1] {
        for size in [252, 253, 255, 256, 300] {
            // The key with its push and the opcode have 35 bytes; OP_NOPs fill the rest of the leaf script.
            let filled = (35..size).fold(Script::new(), |script, _| script.op(Opcode::OP_NOP));
            let mut spec = valid(hash_type);
            spec.script = filled.push(&Key(1).bip118()).op(CHECKSIG);
            let id = format!("message-leaf-{hash_type:02x}-{size}");
            let base = group.accept(&id, &MESSAGE, &format!("a leaf of {size} bytes"), spec);
            if size >= 253 && hash_type != 0xc1 {
                let written: &[u8] = if hash_type == 0 { &[] } else { &[hash_type] };
                let lax = Lax { short_leaf: true, ..Lax::by_bits(hash_type) };
                let signature = lax::signature(Key(1), lax, written);
                let difference = "the length of the leaf is signed as one byte";
                let change = |spec: &mut Spec| spec.stack[0] = signature;
                group.reject(
                    &base,
                    &format!("{id}-short"),
                    &MESSAGE,
                    difference,
                    change,
                    fails(ScriptError::SchnorrSig),
                );
            }
        }
    }
    for hash_type in [0x41, 0x81] {
        let id = format!("message-script-{hash_type:02x}");
        let base =
            group.accept(&id, &MESSAGE, "the spent script is signed with its length", valid(hash_type));
        let lax = Lax { bare_script: true, ..Lax::by_bits(hash_type) };
        let signature = lax::signature(Key(1), lax, &[hash_type]);
        let difference = "it is signed without its length";
        group.reject(
            &base,
            &format!("{id}-bare"),
            &MESSAGE,
            difference,
            |spec| spec.stack[0] = signature,
            fails(ScriptError::SchnorrSig),
        );
    }
    for (slug, change) in [
        ("output-252", (|shape: &mut Shape| shape.outputs[1].1 = vec![0x6a; 252]) as fn(&mut Shape)),
        ("output-253", |shape| shape.outputs[1].1 = vec![0x6a; 253]),
        ("output-256", |shape| shape.outputs[1].1 = vec![0x6a; 256]),
        ("output-empty", |shape| shape.outputs[1].1 = vec![]),
        ("spent-253", |shape| shape.inputs[0].script_pubkey = vec![0x6a; 253]),
        ("spent-256", |shape| shape.inputs[0].script_pubkey = vec![0x6a; 256]),
        ("spent-empty", |shape| shape.inputs[0].script_pubkey = vec![]),
        ("version-negative", |shape| shape.version = -1),
        ("version-zero", |shape| shape.version = 0),
        ("locktime-max", |shape| shape.lock_time = u32::MAX),
        ("sequence-max", |shape| shape.inputs[1].sequence = u32::MAX),
        ("sequence-zero", |shape| shape.inputs[1].sequence = 0),
        ("amount-max", |shape| shape.inputs[1].amount = 2_100_000_000_000_000),
        ("amount-zero", |shape| shape.inputs[1].amount = 0),
    ] {
        for hash_type in [0x00, 0x43, 0x81, 0xc3] {
            let mut spec = valid(hash_type);
            change(&mut spec.shape);
            group.accept(&format!("message-{slug}-{hash_type:02x}"), &MESSAGE, slug, spec);
        }
    }
}

/// Adds cases with input indexes from 0 to 300, so that some need more than one byte. In the rejected cases, the
/// signature was made for another index.
fn indices(group: &mut Group) {
    for (inputs, index, hash_types) in [
        (1, 0, [0x00, 0x43, 0x83, 0xc3].as_slice()),
        (3, 0, &[0x00, 0x41, 0x43, 0x83, 0xc3]),
        (3, 2, &[0x00, 0x41, 0x43, 0x83, 0xc3]),
        (256, 255, &[0x00, 0x43]),
        (257, 256, &[0x00, 0x03, 0x43, 0x83, 0xc3]),
        (301, 300, &[0x00, 0xc3]),
    ] {
        for hash_type in hash_types {
            let mut spec = valid(*hash_type);
            spec.shape = Shape::new(inputs, inputs, index);
            if inputs > 3 {
                // Shorter scripts keep the transaction small.
                spec.shape.inputs.iter_mut().for_each(|input| input.script_pubkey = vec![0x51]);
                spec.shape.outputs.iter_mut().for_each(|output| output.1 = vec![]);
            }
            let id = format!("message-index-{index}-of-{inputs}-{hash_type:02x}");
            let base = group.accept(&id, &MESSAGE, &format!("the input {index} of {inputs}"), spec);
            if *hash_type == 0 && index > 0 {
                let lax = Lax {
                    index: Some(u32::try_from(index & 0xff).unwrap_or_default() ^ u32::from(index < 256)),
                    ..Lax::by_bits(0)
                };
                let signature = lax::signature(Key(1), lax, &[]);
                let difference = "another index is signed";
                let change = |spec: &mut Spec| spec.stack[0] = signature;
                group.reject(
                    &base,
                    &format!("{id}-other"),
                    &MESSAGE,
                    difference,
                    change,
                    fails(ScriptError::SchnorrSig),
                );
            }
        }
    }
}

fn positions(group: &mut Group) {
    use Opcode as Op;
    let separator = Op::OP_CODESEPARATOR;
    let five = Script::new().push(&[7; 5]).op(Op::OP_DROP).op(separator);
    let nops = |count: usize| (0..count).fold(Script::new(), |script, _| script.op(Op::OP_NOP));
    let none = u32::MAX;
    for hash_type in [0x00, 0x41, 0xc1] {
        for (slug, comment, before, position, wrong) in [
            ("after-push", "a push before it counts as one", five.clone(), 2, [7, 1, none]),
            ("leading", "it is the first opcode", Script::new().op(separator), 0, [1, 2, none]),
            (
                "after-pushdata2",
                "a push of 300 bytes counts as one",
                Script::new().push(&[7; 300]).op(Op::OP_DROP).op(separator),
                2,
                [304, 1, none],
            ),
            (
                "in-branch-taken",
                "it is in a branch that is taken",
                Script::new().ops(&[Op::OP_1, Op::OP_IF, separator, Op::OP_ENDIF]),
                2,
                [0, 3, none],
            ),
            (
                "in-branch-not-taken",
                "it is in a branch that is not taken",
                Script::new().ops(&[Op::OP_0, Op::OP_IF, separator, Op::OP_ENDIF]),
                none,
                [2, 0, 1],
            ),
            (
                "after-branch-not-taken",
                "opcodes of a branch that is not taken count",
                Script::new().ops(&[Op::OP_0, Op::OP_IF, Op::OP_NOP, Op::OP_NOP, Op::OP_ENDIF, separator]),
                5,
                [3, 2, none],
            ),
            (
                "second-not-taken",
                "of two the second is not executed",
                Script::new().ops(&[separator, Op::OP_0, Op::OP_IF, separator, Op::OP_ENDIF]),
                0,
                [3, 1, none],
            ),
            (
                "second-of-two",
                "of two the second counts",
                Script::new().ops(&[separator, Op::OP_NOP, separator]),
                2,
                [0, 1, none],
            ),
            ("at-255", "255 opcodes before it", nops(255).op(separator), 255, [256, 254, none]),
            ("at-256", "256 opcodes before it", nops(256).op(separator), 256, [0, 255, none]),
            ("at-300", "300 opcodes before it", nops(300).op(separator), 300, [44, 299, none]),
            (
                "in-push",
                "its byte is in a push",
                Script::new().push(&[separator.0; 4]).op(Op::OP_DROP),
                none,
                [1, 0, 2],
            ),
        ] {
            let signed = |position| Item::from(Signature { code_separator: position, ..sign(hash_type) });
            let mut spec = leaf(&Key(1).bip118(), signed(position));
            spec.script = before.push(&Key(1).bip118()).op(CHECKSIG);
            let id = format!("code-separator-{hash_type:02x}-{slug}");
            let base = group.accept(&id, &POSITION, comment, spec);
            for wrong in wrong {
                let difference = format!("the signature commits to position {wrong:#x}");
                let change = |spec: &mut Spec| spec.stack[0] = signed(wrong);
                group.reject(
                    &base,
                    &format!("{id}-{wrong:x}"),
                    &POSITION,
                    &difference,
                    change,
                    fails(ScriptError::SchnorrSig),
                );
            }
        }
        // An OP_CODESEPARATOR after the check does not change the signed message; one between two checks changes the second
        // message.
        let key = Key(1).bip118();
        let signed = |position| Item::from(Signature { code_separator: position, ..sign(hash_type) });
        let mut two = leaf(&key, signed(2)).with(signed(none));
        two.script =
            Script::new().push(&key).ops(&[Op::OP_CHECKSIGVERIFY, separator]).push(&key).op(CHECKSIG);
        let id = format!("code-separator-{hash_type:02x}-between");
        let base = group.accept(&id, &POSITION, "between two checks", two);
        let change = |spec: &mut Spec| spec.stack[0] = signed(none);
        let difference = "the second signature commits to none, too";
        group.reject(
            &base,
            &format!("{id}-none"),
            &POSITION,
            difference,
            change,
            fails(ScriptError::SchnorrSig),
        );
    }
}
