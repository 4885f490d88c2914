//! Cases of invalid taproot signatures. An implementation with a certain bug accepts them, or pushes false where the
//! script must fail.

use sigstack_interpreter::{KeyVersion, Opcode as Op, ScriptError};

use super::{SIZES, signed};
use crate::consensus::build::{at, in_phase, phase};
use crate::group::{Accepted, Group, Only, Rule};
use crate::item::{Change, Item, Signature};
use crate::keys::Key;
use crate::lax::{self, Flaw, Inputs, Lax, Outputs};
use crate::script::Script;
use crate::shape::Shape;
use crate::spec::{Spec, Verdict, Version};

const UNDEFINED: Rule = Rule {
    source: "BIP 341, Common signature message",
    text: "seven hash types are defined, and SIGHASH_SINGLE needs its output, however the signature was made",
    only: None,
};
const FAILS: Rule = Rule {
    source: "BIP 341, BIP 342, Signature validation",
    text: "a bad signature fails, and does not push false",
    only: None,
};
const POSITION: Rule = Rule {
    source: "BIP 342, Common signature message extension",
    text: "opcodes count whether or not they are executed, and more than 255 of them do",
    only: Some((Only::Accept, "other positions are among the cases of the script code")),
};

/// Replaces the first (bottom) stack element of a case, which is the signature.
fn set_signature(spec: &mut Spec, signature: Item) {
    if let Some(first) = spec.stack.first_mut() {
        *first = signature;
    }
}

pub(super) fn cases(group: &mut Group) {
    for version in [Version::KeyPath, Version::Tapscript] {
        undefined(group, version);
        without_output(group, version);
    }
    schnorr(group);
    positions(group);
}

/// Returns the signature message of a buggy implementation that interprets each bit of the hash type separately. The
/// message is for the key path (BIP 341) or for a tapscript key (BIP 342).
fn by_bits(version: Version, hash_type: u8) -> Lax {
    let inputs = if hash_type & 0x80 == 0 { Inputs::All } else { Inputs::Own };
    let key_version = if version == Version::KeyPath { None } else { Some(0) };
    Lax { inputs, leaf: true, key_version, ..Lax::by_bits(hash_type) }
}

fn signer(version: Version) -> Key {
    if version == Version::KeyPath { Key(0) } else { Key(1) }
}

fn fails(version: Version, error: ScriptError) -> Verdict {
    if version == Version::KeyPath { in_phase(phase(version), error) } else { at(Op::OP_CHECKSIG, error) }
}

fn undefined(group: &mut Group, version: Version) {
    let slug = version.slug();
    let base =
        group.accept(&format!("{slug}-undefined-good"), &UNDEFINED, "no hash type", signed(version, 0));
    let defined = |hash_type: u8| matches!(hash_type, 1..=3 | 0x81..=0x83);
    for hash_type in (0..=u8::MAX).filter(|hash_type| !defined(*hash_type)) {
        let mut ways = vec![("bits", by_bits(version, hash_type))];
        for (name, mask) in [("83", 0x83), ("bf", 0xbf), ("03", 0x03)] {
            let masked = hash_type & mask;
            if masked != hash_type && defined(masked) && hash_type.count_ones() <= 3 {
                ways.push((name, by_bits(version, masked)));
            }
        }
        if hash_type.count_ones() <= 2 {
            ways.push(("default", by_bits(version, 0)));
        }
        for (name, lax) in ways {
            let signature = lax::signature(signer(version), lax, &[hash_type]);
            group.reject(
                &base,
                &format!("{slug}-undefined-{hash_type:02x}-{name}"),
                &UNDEFINED,
                &format!(
                    "the hash type {hash_type:#04x} follows a signature that is valid if it is read by {name}"
                ),
                |spec| set_signature(spec, signature),
                fails(version, ScriptError::SchnorrSigHashtype),
            );
        }
    }
}

fn without_output(group: &mut Group, version: Version) {
    let slug = version.slug();
    for hash_type in [0x03, 0x83] {
        let mut good = signed(version, hash_type);
        good.shape = Shape::new(3, 3, 2);
        let id = format!("{slug}-single-{hash_type:02x}");
        let base = group.accept(&id, &UNDEFINED, "an output of the input's index", good);
        for (name, outputs) in [
            ("nothing", Outputs::Instead(&[])),
            ("zeros", Outputs::Instead(&[0; 32])),
            ("last", Outputs::Last),
            ("all", Outputs::All),
        ] {
            for left in [1, 2] {
                let lax = Lax { outputs, ..by_bits(version, hash_type) };
                let change = |spec: &mut Spec| {
                    spec.shape.outputs.truncate(left);
                    set_signature(spec, lax::signature(signer(version), lax, &[hash_type]));
                };
                let difference =
                    format!("there are {left} outputs, and {name} is signed in place of the missing one");
                let stops = fails(version, ScriptError::SchnorrSigHashtype);
                group.reject(&base, &format!("{id}-{name}-{left}"), &UNDEFINED, &difference, change, stops);
            }
        }
    }
    for hash_type in [0x00, 0x01, 0x02, 0x81, 0x82] {
        let mut spec = signed(version, hash_type);
        spec.shape = Shape::new(3, 1, 2);
        let id = format!("{slug}-no-output-{hash_type:02x}");
        group.accept(&id, &SIZES, "no output of the input's index, which the hash type does not need", spec);
    }
}

/// Adds cases of invalid Schnorr signatures, each derived from three valid cases. The valid cases are a key path spend,
/// a tapscript, and a tapscript with OP_NOT that succeeds only if the signature check pushes false.
fn schnorr(group: &mut Group) {
    let key = Key(1).x_only();
    let mut empty = signed(Version::Tapscript, 0);
    set_signature(&mut empty, Item::Bytes(vec![]));
    empty.script = Script::new().push(&key).ops(&[Op::OP_CHECKSIG, Op::OP_NOT]);
    let bases: [(Version, &str, Accepted); 3] = [
        (
            Version::KeyPath,
            "keypath",
            group.accept("keypath-good", &FAILS, "a signature", signed(Version::KeyPath, 0)),
        ),
        (
            Version::Tapscript,
            "tapscript",
            group.accept("tapscript-good", &FAILS, "a signature", signed(Version::Tapscript, 0)),
        ),
        (
            Version::Tapscript,
            "tapscript-not",
            group.accept("tapscript-not-good", &FAILS, "an empty signature", empty),
        ),
    ];
    for (version, slug, base) in bases {
        let whole = |hash_type: u8| {
            let written: Vec<u8> = if hash_type == 0 { vec![] } else { vec![hash_type] };
            lax::signature(signer(version), by_bits(version, hash_type), &written)
        };
        let changed = |item: Item, change: Change| Item::Changed(Box::new(item), change);
        let mut bad = vec![
            ("flipped", whole(0).flipped(0), ScriptError::SchnorrSig),
            ("ones", Item::Bytes(vec![0xff; 64]), ScriptError::SchnorrSig),
            ("66", whole(1).followed_by(&[0]), ScriptError::SchnorrSigSize),
            ("66-default", whole(0).followed_by(&[0, 0]), ScriptError::SchnorrSigSize),
            ("128", whole(0).followed_by(&[0; 64]), ScriptError::SchnorrSigSize),
            ("62", changed(whole(0), Change::Truncate(62)), ScriptError::SchnorrSigSize),
            ("63", changed(whole(0), Change::Truncate(63)), ScriptError::SchnorrSigSize),
            ("type-00", whole(0).followed_by(&[0]), ScriptError::SchnorrSigHashtype),
            (
                "type-80",
                lax::signature(signer(version), by_bits(version, 0x80), &[0x80]),
                ScriptError::SchnorrSigHashtype,
            ),
        ];
        if version == Version::Tapscript {
            let of = |flaw| lax::flawed_signature(Key(1), by_bits(version, 0), flaw);
            bad.push(("odd-r", of(Flaw::OddR), ScriptError::SchnorrSig));
            bad.push(("odd-key", of(Flaw::OddKey), ScriptError::SchnorrSig));
            bad.push(("infinite-r", of(Flaw::InfiniteR), ScriptError::SchnorrSig));
            let ends = changed(of(Flaw::EndsWithZero), Change::Truncate(63));
            bad.push(("63-zero", ends, ScriptError::SchnorrSigSize));
            let begins = changed(of(Flaw::BeginsWithZero), Change::Skip(1));
            bad.push(("63-zero-in-front", begins, ScriptError::SchnorrSigSize));
        }
        for (name, item, error) in bad {
            let difference = format!("the signature is bad: {name}");
            let change = |spec: &mut Spec| set_signature(spec, item);
            group.reject(
                &base,
                &format!("{slug}-bad-{name}"),
                &FAILS,
                &difference,
                change,
                fails(version, error),
            );
        }
        if slug == "tapscript-not" {
            let change =
                |spec: &mut Spec| spec.script = Script::new().ops(&[Op::OP_0, Op::OP_CHECKSIG, Op::OP_NOT]);
            let stops = fails(version, ScriptError::TapscriptEmptyPubkey);
            group.reject(&base, "tapscript-not-bad-key", &FAILS, "the key is empty", change, stops);
        }
    }
}

fn positions(group: &mut Group) {
    let nops = |count: usize| (0..count).fold(Script::new(), |script, _| script.op(Op::OP_NOP));
    let skipped = Script::new().ops(&[Op::OP_0, Op::OP_IF, Op::OP_NOP, Op::OP_NOP, Op::OP_ENDIF]);
    for (name, before, position) in [
        ("256", nops(256), 256),
        ("300", nops(300), 300),
        ("skipped", skipped, 5),
        ("pushes", Script::new().push(&[7; 90]).op(Op::OP_DROP), 2),
    ] {
        let mut spec = signed(Version::Tapscript, 0);
        spec.script = before.op(Op::OP_CODESEPARATOR).then(spec.script);
        let signature = Signature::new(Key(1), 0, KeyVersion::Bip342);
        set_signature(&mut spec, Signature { code_separator: position, ..signature }.into());
        group.accept(&format!("position-{name}"), &POSITION, &format!("position {position}"), spec);
    }
}
