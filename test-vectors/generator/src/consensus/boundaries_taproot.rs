//! Cases at the boundaries of P2SH, segwit v0 and taproot: sizes of control blocks, forms of outputs, and the order of
//! checks.

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

use bitcoin::hashes::{Hash, hash160, sha1};
use secp256k1::{Parity, PublicKey, Scalar};
use sigstack_interpreter::taproot::{leaf_hash, tweak_hash};
use sigstack_interpreter::{Opcode as Op, Phase, ScriptError};

use super::build::{accept, asm, at, bytes, in_phase, phase, reject, spend};
use super::mistakes;
use crate::forge::{coordinates_to_try, lifted_without_check, root_is_larger};
use crate::group::{Group, Only, Rule};
use crate::keys::digest_of;
use crate::lax::tagged;
use crate::modular::{FIELD, small, sum};
use crate::script::Script;
use crate::spec::{Spec, Version};

const FORM: Rule = Rule {
    source: "BIP 16, Specification",
    text: "only HASH160, a push of 20 bytes and EQUAL make a redeem script run",
    only: None,
};
const HASH: Rule = Rule {
    source: "BIP 141, Witness program",
    text: "the hash of the witness script is the program, whether it is smaller or larger",
    only: Some((Only::Reject, "witness scripts of their program are everywhere")),
};
const ANNEX: Rule = Rule {
    source: "BIP 341, Common signature message",
    text: "the hash of the annex comes after the data of the input and before that of the output",
    only: None,
};
const PARITY: Rule = Rule {
    source: "BIP 341, Script validation rules",
    text: "the parity of the output key is that of the control block, even and odd",
    only: None,
};
const SIZE: Rule = Rule {
    source: "BIP 341, Script validation rules",
    text: "a control block of another size fails, even if the output commits to what is there",
    only: None,
};
const INTERNAL_KEY: Rule = Rule {
    source: "BIP 341, Script validation rules; BIP 340, lift_x",
    text: "an internal key that is no X coordinate fails, even if the output commits to it",
    only: None,
};
const FIRST: Rule = Rule {
    source: "BIP 342, Specification",
    text: "an OP_SUCCESSx makes the script succeed before the limits on the initial stack are looked at",
    only: None,
};
const ORDER: Rule = Rule {
    source: "BIP 141, Witness program; BIP 341, Script validation rules",
    text: "a script is compared with what commits to it before it runs",
    only: Some((Only::Reject, "scripts that are committed to are everywhere")),
};

const LEAF: Version = Version::Tapscript;

pub(super) fn cases(group: &mut Group) {
    forms(group);
    hashes(group);
    annexes(group);
    parities(group);
    sizes(group);
    internal_key(group);
    success_first(group);
}

/// Adds cases of outputs that almost have the form of P2SH, so that no redeem script is executed. The top stack element
/// would fail if it were executed as a redeem script.
fn forms(group: &mut Group) {
    let redeem = [Op::OP_1.0, Op::OP_RETURN.0];
    let of_hash = hash160::Hash::hash(&redeem).to_byte_array();
    let of_sha1 = sha1::Hash::hash(&redeem).to_byte_array();
    let output = |opcode: Op, hash: &[u8], end: &[Op]| Script::new().op(opcode).push(hash).ops(end);
    let stack = vec![bytes(&[1]), bytes(&redeem)];
    let spec = |script: Script| Spec { stack: stack.clone(), ..spend(Version::Bare, script, "") };
    let rows = [
        ("sha1", "the opcode is SHA1", output(Op::OP_SHA1, &of_sha1, &[Op::OP_EQUAL])),
        ("21-bytes", "the push has 21 bytes, of which the last is that of EQUAL", {
            output(Op::OP_HASH160, &[[7; 20].as_slice(), &[Op::OP_EQUAL.0]].concat(), &[])
        }),
        ("equalverify", "EQUALVERIFY is at the end", output(Op::OP_HASH160, &of_hash, &[Op::OP_EQUALVERIFY])),
        ("nop", "NOP is at the end", output(Op::OP_HASH160, &of_hash, &[Op::OP_NOP])),
        ("22-bytes", "nothing is at the end", output(Op::OP_HASH160, &of_hash, &[])),
        ("24-bytes", "NOP follows", output(Op::OP_HASH160, &of_hash, &[Op::OP_EQUAL, Op::OP_NOP])),
    ];
    for (slug, comment, script) in rows {
        let id = format!("p2sh-form-{slug}");
        let base = group.accept(&id, &FORM, comment, spec(script));
        let whole = output(Op::OP_HASH160, &of_hash, &[Op::OP_EQUAL]);
        let change = |spec: &mut Spec| spec.script = whole;
        let differs = "the output is pay-to-script-hash";
        let stops = at(Op::OP_RETURN, ScriptError::OpReturn);
        group.reject(&base, &format!("{id}-whole"), &FORM, differs, change, stops);
    }
}

fn hashes(group: &mut Group) {
    for version in [Version::P2wsh] {
        let base = accept(group, version, "hash", &PARITY, "a witness script", spend(version, asm("1"), ""));
        let mismatch = in_phase(Phase::WitnessProgram, ScriptError::WitnessProgramMismatch);
        for (slug, digit) in [("smaller", 0x00), ("larger", 0xff)] {
            let change = |spec: &mut Spec| {
                *spec = spec.clone().edited(move |input, _| {
                    // A program that consists of zeros only is false when it runs as a script.
                    input.script_pubkey[2..].fill(digit);
                    input.script_pubkey[33] = 1;
                });
            };
            let differs = format!("the bytes of the program are {digit:#04x}, the last is 1");
            reject(group, version, &base, &format!("hash-{slug}"), &HASH, &differs, change, mismatch);
        }
        let change =
            |spec: &mut Spec| *spec = spec.clone().edited(|_, witness| witness[0] = vec![Op::OP_RETURN.0]);
        let differs = "the script is another one, and fails";
        reject(group, version, &base, "order-hash-and-script", &ORDER, differs, change, mismatch);
    }
    let base = accept(group, LEAF, "hash", &PARITY, "a leaf", spend(LEAF, asm("1"), ""));
    let change =
        |spec: &mut Spec| *spec = spec.clone().edited(|_, witness| witness[0] = vec![Op::OP_RETURN.0]);
    let differs = "the script is another one, and fails";
    let mismatch = in_phase(Phase::TaprootCommitment, ScriptError::WitnessProgramMismatch);
    reject(group, LEAF, &base, "order-hash-and-script", &ORDER, differs, change, mismatch);
}

fn annexes(group: &mut Group) {
    for version in [Version::KeyPath, LEAF] {
        for hash_type in [0x00, 0x01, 0x02, 0x03, 0x81, 0x82, 0x83] {
            let spec = Spec { annex: Some(vec![0x50, 1, 2, 3]), ..mistakes::signed(version, hash_type) };
            let id = format!("annex-{hash_type:02x}");
            let base = accept(group, version, &id, &ANNEX, "an annex, which is signed", spec);
            let change = |spec: &mut Spec| {
                *spec = spec.clone().edited(|_, witness| {
                    witness.iter_mut().last().into_iter().for_each(|annex| annex.push(4));
                });
            };
            let error = ScriptError::SchnorrSig;
            let stops =
                if version == LEAF { at(Op::OP_CHECKSIG, error) } else { in_phase(phase(version), error) };
            reject(
                group,
                version,
                &base,
                &format!("{id}-more"),
                &ANNEX,
                "a byte is added to it",
                change,
                stops,
            );
        }
    }
}

fn parities(group: &mut Group) {
    for nth in 0..8 {
        let spec = Spec { path: vec![digest_of(&format!("parity {nth}"))], ..spend(LEAF, asm("1"), "") };
        let id = format!("parity-{nth}");
        let base = accept(group, LEAF, &id, &PARITY, "the parity of the output key", spec);
        let change = |spec: &mut Spec| {
            *spec = spec.clone().edited(|_, witness| witness[1][0] ^= 1);
        };
        let stops = in_phase(Phase::TaprootCommitment, ScriptError::WitnessProgramMismatch);
        reject(group, LEAF, &base, &format!("{id}-other"), &PARITY, "it is the other one", change, stops);
    }
}

/// Computes the taproot output that commits to a leaf, for a control block of any length. Like a buggy implementation,
/// it treats each 32 bytes of the path, and a shorter rest, as a sibling hash. Writes the parity of the output key into
/// the control block.
fn commit(script: &[u8], internal_point: &[u8; 32], control_block: &mut [u8]) -> Option<Vec<u8>> {
    let (head, path) = control_block.split_at_mut_checked(33)?;
    let leaf = leaf_hash(head[0] & 0xfe, script);
    let branch = |node: [u8; 32], sibling: &[u8]| {
        let (first, second) =
            if node.as_slice() < sibling { (&node[..], sibling) } else { (sibling, &node[..]) };
        tagged("TapBranch", &[first, second].concat())
    };
    let root = path.chunks(32).fold(leaf, branch);
    let internal_key = <[u8; 32]>::try_from(&head[1..]).ok()?;
    let tweak = Scalar::from_be_bytes(tweak_hash(&internal_key, Some(&root))).ok()?;
    let point = PublicKey::from_slice(&[&[2], internal_point.as_slice()].concat()).ok()?;
    let (output_key, parity) = point.add_exp_tweak(&tweak).ok()?.x_only_public_key();
    head[0] = head[0] & 0xfe | u8::from(parity == Parity::Odd);
    Some([&[Op::OP_1.0, 32], output_key.to_byte_array().as_slice()].concat())
}

/// Changes the control block in a taproot witness, and makes the spent output commit to the changed control block.
fn committed(spec: &mut Spec, change: impl Fn(&mut Vec<u8>) + 'static) {
    *spec = spec.clone().edited(move |input, witness| {
        let [script, control_block] = witness.as_mut_slice() else { return };
        let internal_point = <[u8; 32]>::try_from(&control_block[1..33]).unwrap_or_default();
        change(control_block);
        if let Some(output) = commit(script, &internal_point, control_block) {
            input.script_pubkey = output;
        }
    });
}

fn sizes(group: &mut Group) {
    let stops = in_phase(Phase::TaprootCommitment, ScriptError::TaprootWrongControlSize);
    for nodes in [1, 2, 128] {
        let path = (0..nodes).map(|nth| digest_of(&format!("sibling {nth}"))).collect();
        let spec = Spec { path, ..spend(LEAF, asm("1"), "") };
        let id = format!("control-{nodes}");
        let base = accept(group, LEAF, &id, &SIZE, &format!("a path of {nodes} siblings"), spec);
        for cut in [1, 16, 31] {
            let change = |spec: &mut Spec| committed(spec, move |block| block.truncate(block.len() - cut));
            let differs = format!("the last sibling has {} bytes", 32 - cut);
            reject(group, LEAF, &base, &format!("{id}-less-{cut}"), &SIZE, &differs, change, stops);
            let change = |spec: &mut Spec| committed(spec, move |block| block.extend(vec![7; cut]));
            let differs = format!("{cut} bytes follow, which are committed to");
            reject(group, LEAF, &base, &format!("{id}-more-{cut}"), &SIZE, &differs, change, stops);
        }
    }
}

fn internal_key(group: &mut Group) {
    let base = accept(group, LEAF, "field", &INTERNAL_KEY, "an internal key", spend(LEAF, asm("1"), ""));
    // The field size plus 1 stands for 1, which is the X coordinate of a point.
    let beyond = sum(&FIELD.0, &small(1)).0;
    let change = move |spec: &mut Spec| {
        *spec = spec.clone().edited(move |input, witness| {
            let [script, control_block] = witness.as_mut_slice() else { return };
            control_block[1..33].copy_from_slice(&beyond);
            if let Some(output) = commit(script, &small(1), control_block) {
                input.script_pubkey = output;
            }
        });
    };
    let stops = in_phase(Phase::TaprootCommitment, ScriptError::WitnessProgramMismatch);
    let differs = "it is the field size and one, and the output commits to that";
    reject(group, LEAF, &base, "field-beyond", &INTERNAL_KEY, differs, change, stops);
    for (slug, larger) in [("larger", true), ("smaller", false)] {
        let change = move |spec: &mut Spec| {
            *spec = spec.clone().edited(move |input, witness| {
                let [script, control_block] = witness.as_mut_slice() else { return };
                if let Some(output) = commit_off_curve(script, larger, control_block) {
                    input.script_pubkey = output;
                }
            });
        };
        let differs = format!("it is no X coordinate: the root that is taken has a {slug} square");
        let id = format!("off-curve-{slug}");
        reject(group, LEAF, &base, &id, &INTERNAL_KEY, &differs, change, stops);
    }
}

/// Computes a taproot output as an implementation would that does not check whether the internal key is the X
/// coordinate of a point on the curve. Writes such an internal key, and the parity of the output key, into the control
/// block.
fn commit_off_curve(script: &[u8], larger: bool, control_block: &mut [u8]) -> Option<Vec<u8>> {
    let leaf = leaf_hash(control_block[0] & 0xfe, script);
    coordinates_to_try().find_map(|x| {
        let tweak = tweak_hash(&x, Some(&leaf));
        // Only for an even tweak do implementations add the two points unchanged, in the last step of the computation.
        if root_is_larger(&x) != larger || tweak[31] % 2 == 1 {
            return None;
        }
        let (output_key, odd) = lifted_without_check(&x, &tweak)?;
        control_block[1..33].copy_from_slice(&x);
        control_block[0] = control_block[0] & 0xfe | u8::from(odd);
        Some([&[Op::OP_1.0, 32], output_key.as_slice()].concat())
    })
}

fn success_first(group: &mut Group) {
    let free = Op(0xbb);
    for (slug, comment, stack, without, error) in [
        (
            "1001-elements",
            "1,001 elements at the start",
            vec![bytes(&[]); 1_001],
            Script::new().raw(&[Op::OP_2DROP.0; 500]).ops(&[Op::OP_DROP, Op::OP_1]),
            ScriptError::StackSize,
        ),
        (
            "521-bytes",
            "an element of 521 bytes at the start",
            vec![bytes(&[0; 521])],
            Script::new().ops(&[Op::OP_DROP, Op::OP_1]),
            ScriptError::PushSize,
        ),
    ] {
        let spec = Spec { stack, ..spend(LEAF, Script::new().op(free), "") };
        let id = format!("success-{slug}");
        let base = accept(group, LEAF, &id, &FIRST, comment, spec);
        let change = |spec: &mut Spec| spec.script = without;
        let differs = "the script drops them, and has no OP_SUCCESSx";
        reject(
            group,
            LEAF,
            &base,
            &format!("{id}-none"),
            &FIRST,
            differs,
            change,
            in_phase(phase(LEAF), error),
        );
    }
}
