//! Cases of SIGHASH_ANYPREVOUT and SIGHASH_ANYPREVOUTANYSCRIPT (BIP 118).

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

mod commitments;
mod messages;
mod mistakes;
mod stack;

use sigstack_interpreter::{Flags, KeyVersion, Opcode, Phase, ScriptError};

use super::group::{Accepted, Group, Only, Rule};
use super::item::{Change, Item, Signature};
use super::keys::{Key, OFF_CURVE, bytes_of};
use super::script::Script;
use super::shape::{Field, Shape};
use super::spec::{Spec, StopsAt, Verdict, Version};
use sigstack_vectors::Case;

use commitments::commitments;

const SPECIFICATION: &str = "BIP 118, Specification";
const KEY: &str = "BIP 118, Public key";
const MESSAGE: &str = "BIP 118, Signature message";
const OPCODES: &str = "BIP 118, Rules for signature opcodes";

pub(super) const VALID: Rule = Rule {
    source: OPCODES,
    text: "a signature that is not empty must be valid by BIP 340 for the key and the message of BIP 118",
    only: None,
};
pub(super) const INTERNAL: Rule = Rule {
    source: KEY,
    text: "the key 0x01 alone stands for the internal key of this control block",
    only: None,
};
const PREFIXED: Rule = Rule {
    source: KEY,
    text: "of a key of 33 bytes that begins with 0x01 the other 32 are the key of BIP 340",
    only: None,
};
const NEIGHBOURS: Rule = Rule {
    source: SPECIFICATION,
    text: "keys of other sizes or first bytes stay of an unknown type",
    only: None,
};
pub(super) const EMPTY: Rule =
    Rule { source: OPCODES, text: "an empty signature pushes false and is not verified", only: None };
pub(super) const SIZE: Rule = Rule { source: MESSAGE, text: "a signature has 64 or 65 bytes", only: None };
pub(super) const HASH_TYPES: Rule = Rule {
    source: MESSAGE,
    text: "thirteen hash types are defined, all others fail; a written 0x00 fails too",
    only: None,
};
pub(super) const SINGLE: Rule =
    Rule { source: MESSAGE, text: "SIGHASH_SINGLE without an output of the input's index fails", only: None };
pub(super) const COMMITS: Rule = Rule {
    source: MESSAGE,
    text: "the message commits to what the table of hash types says, and to nothing else",
    only: None,
};
const KEY_VERSION: Rule = Rule {
    source: MESSAGE,
    text: "key_version is 0x01 for every hash type, so no signature is valid for a key of BIP 342 as well",
    only: None,
};
pub(super) const ONLY_HERE: Rule = Rule {
    source: SPECIFICATION,
    text: "the new hash types are undefined for keys of 32 bytes and on the key path",
    only: None,
};
pub(super) const BUDGET: Rule = Rule {
    source: "BIP 342, Resource limits",
    text: "a signature that is not empty costs 50 of the validation weight, before the key is looked at",
    only: None,
};
pub(super) const STATES: Rule = Rule {
    source: "BIP 342, Rules for signature opcodes",
    text: "inactive, the key is of an unknown type that the generic flag leaves alone; its own flag refuses it, active or not",
    only: None,
};
const ELSEWHERE: Rule = Rule {
    source: SPECIFICATION,
    text: "in legacy and segwit v0 scripts such a key stays no key",
    only: None,
};
const UNREFUSED: Rule = Rule {
    source: "BIP 342, Rules for signature opcodes",
    text: "policy against keys of BIP 118 looks at keys that are used, not at scripts",
    only: Some((Only::Accept, "what it refuses is among the cases of the states")),
};

/// The hash types that BIP 118 defines. A signature of hash type 0 has no hash type byte.
pub(super) const DEFINED: [u8; 13] =
    [0x00, 0x01, 0x02, 0x03, 0x41, 0x42, 0x43, 0x81, 0x82, 0x83, 0xc1, 0xc2, 0xc3];
const ANYPREVOUT: u8 = 0x40;
const ANYONECANPAY: u8 = 0x80;
const ANYSCRIPT: u8 = 0xc0;

pub(super) const CHECKSIG: Opcode = Opcode::OP_CHECKSIG;
const AT: StopsAt = StopsAt::Opcode(CHECKSIG);

pub(super) fn fails(error: ScriptError) -> Verdict {
    Verdict::Reject(error, AT)
}

pub(super) fn sign(hash_type: u8) -> Signature {
    Signature::new(Key(1), hash_type, KeyVersion::Bip118)
}

/// Describes an input that spends the tapscript `<key> OP_CHECKSIG`, with the signature in the witness and BIP 118
/// active.
pub(super) fn leaf(key: &[u8], signature: impl Into<Item>) -> Spec {
    let script = Script::new().push(key).op(CHECKSIG);
    Spec::tapscript(script).under(Flags::ANYPREVOUT).with(signature)
}

/// Describes a valid tapscript input that is signed by a 33-byte BIP 118 key, with this hash type.
pub(super) fn valid(hash_type: u8) -> Spec {
    leaf(&Key(1).bip118(), sign(hash_type))
}

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("anyprevout");
    states(&mut group);
    keys(&mut group);
    opcodes(&mut group);
    sizes_and_types(&mut group);
    commitments(&mut group);
    versions(&mut group);
    budget(&mut group);
    elsewhere(&mut group);
    mistakes::cases(&mut group);
    group.finish()
}

fn states(group: &mut Group) {
    for (slug, key) in [("1", vec![1]), ("33", Key(1).bip118())] {
        let mut active =
            leaf(&key, Signature { key: if key.len() == 1 { Key(0) } else { Key(1) }, ..sign(0x41) });
        let base =
            group.accept(&format!("state-active-{slug}"), &STATES, "a valid signature", active.clone());
        let refused = fails(ScriptError::DiscourageAnyPrevOut);
        let discourage = |spec: &mut Spec| spec.flags |= Flags::DISCOURAGE_ANYPREVOUT;
        group.reject(
            &base,
            &format!("state-active-{slug}-discouraged"),
            &STATES,
            "policy refuses it",
            discourage,
            refused,
        );
        active.flags -= Flags::ANYPREVOUT;
        active.stack[0] = Item::Bytes(vec![0xaa; 9]);
        let comment = "inactive: whatever is not empty is a signature";
        let base = group.accept(&format!("state-inactive-{slug}"), &STATES, comment, active.clone());
        group.reject(
            &base,
            &format!("state-inactive-{slug}-discouraged"),
            &STATES,
            "policy refuses it",
            discourage,
            refused,
        );
        group.reject(
            &base,
            &format!("state-inactive-{slug}-activated"),
            &STATES,
            "it is active, so the signature is looked at",
            |spec| spec.flags |= Flags::ANYPREVOUT,
            fails(ScriptError::SchnorrSigSize),
        );
        let generic = active.clone().under(Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE);
        let comment = "inactive: the flag against keys of unknown types leaves an assigned type alone";
        group.accept(&format!("state-inactive-{slug}-generic"), &STATES, comment, generic);
        let mut empty = leaf(&key, Item::Bytes(vec![]));
        empty.script = Script::new().push(&key).ops(&[CHECKSIG, Opcode::OP_NOT]);
        let base = group.accept(&format!("state-empty-{slug}"), &STATES, "an empty signature", empty);
        let id = format!("state-empty-{slug}-discouraged");
        group.reject(&base, &id, &STATES, "policy refuses the key", discourage, refused);
        let mut unexecuted = Spec::tapscript(
            Script::new()
                .ops(&[Opcode::OP_1, Opcode::OP_0, Opcode::OP_IF])
                .push(&key)
                .ops(&[CHECKSIG, Opcode::OP_ENDIF]),
        );
        unexecuted.flags |= Flags::ANYPREVOUT | Flags::DISCOURAGE_ANYPREVOUT;
        let comment = "a key in a branch that is not executed";
        group.accept(&format!("state-unexecuted-{slug}"), &UNREFUSED, comment, unexecuted);
    }
}

fn keys(group: &mut Group) {
    for hash_type in [0x00, 0x01, 0x41, 0xc1, 0xc3] {
        let id = format!("internal-{hash_type:02x}");
        let spec = leaf(&[1], Signature { key: Key(0), ..sign(hash_type) });
        let base = group.accept(&id, &INTERNAL, "the internal key signs", spec);
        group.reject(
            &base,
            &format!("{id}-other-signer"),
            &INTERNAL,
            "another key signs",
            |spec| spec.stack[0] = sign(hash_type).into(),
            fails(ScriptError::SchnorrSig),
        );
        group.reject(
            &base,
            &format!("{id}-other-internal-key"),
            &INTERNAL,
            "the output has another internal key",
            |spec| spec.internal_key = Key(1),
            fails(ScriptError::SchnorrSig),
        );
    }
    for depth in [1, 2, 128] {
        let mut spec = leaf(&[1], Signature { key: Key(0), ..sign(0xc1) });
        spec.path = (0..depth).map(|nth| super::keys::digest_of(&format!("sibling {nth}"))).collect();
        let comment = format!("the leaf is {depth} steps below the root");
        group.accept(&format!("internal-depth-{depth}"), &INTERNAL, &comment, spec);
    }
    let base = group.accept("prefixed", &PREFIXED, "the key after the prefix signs", valid(0x41));
    for (slug, difference, key) in [
        ("other", "the key is another one", Key(2).bip118()),
        ("off-curve", "the key is not on the curve", [&[1], OFF_CURVE.as_slice()].concat()),
        ("beyond-field", "the key is not below the field's size", [&[1], [0xff; 32].as_slice()].concat()),
    ] {
        group.reject(
            &base,
            &format!("prefixed-{slug}"),
            &PREFIXED,
            difference,
            |spec| spec.script = Script::new().push(&key).op(CHECKSIG),
            fails(ScriptError::SchnorrSig),
        );
    }
    let mut neighbours: Vec<(String, Vec<u8>)> = [2, 3, 31, 34, 65, 520]
        .map(|size| (format!("01-and-{}", size - 1), [&[1], bytes_of("key", size - 1).as_slice()].concat()))
        .into();
    for first in [0x00, 0x02, 0x03, 0x04, 0x10, 0x81, 0xff] {
        neighbours.push((format!("{first:02x}-alone"), vec![first]));
        neighbours.push((format!("{first:02x}-and-32"), [&[first], Key(1).x_only().as_slice()].concat()));
    }
    for (slug, key) in neighbours {
        let spec = leaf(&key, Item::Bytes(vec![0xaa; 70]));
        let id = format!("neighbour-{slug}");
        let base = group.accept(&id, &NEIGHBOURS, "any signature of a key of an unknown type", spec);
        group.reject(
            &base,
            &format!("{id}-discouraged"),
            &NEIGHBOURS,
            "policy refuses keys of unknown types",
            |spec| spec.flags |= Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE,
            fails(ScriptError::DiscourageUpgradablePubkeyType),
        );
    }
}

/// Adds cases for OP_CHECKSIG, OP_CHECKSIGVERIFY and OP_CHECKSIGADD with BIP 118 keys. Each is tested with a valid, an
/// invalid and an empty signature.
fn opcodes(group: &mut Group) {
    for (slug, key, signer) in [("1", vec![1], Key(0)), ("33", Key(1).bip118(), Key(1))] {
        for (name, opcode) in [
            ("checksig", CHECKSIG),
            ("checksigverify", Opcode::OP_CHECKSIGVERIFY),
            ("checksigadd", Opcode::OP_CHECKSIGADD),
        ] {
            let before =
                if opcode == Opcode::OP_CHECKSIGADD { Script::new().number(7) } else { Script::new() };
            let after = |script: Script, added: i64| match opcode {
                Opcode::OP_CHECKSIGVERIFY => script.op(Opcode::OP_1),
                Opcode::OP_CHECKSIGADD => script.number(7 + added).op(Opcode::OP_NUMEQUAL),
                _ => script,
            };
            let used = before.push(&key).op(opcode);
            let mut spec = leaf(&key, Signature { key: signer, ..sign(0x41) });
            spec.script = after(used.clone(), 1);
            let id = format!("{name}-{slug}");
            let base = group.accept(&id, &VALID, "a valid signature", spec.clone());
            let at = StopsAt::Opcode(opcode);
            for place in [0, 31, 32, 63] {
                group.reject(
                    &base,
                    &format!("{id}-flipped-{place}"),
                    &VALID,
                    &format!("a bit of the signature's byte {place} is flipped"),
                    |spec| spec.stack[0] = spec.stack[0].clone().flipped(place),
                    Verdict::Reject(ScriptError::SchnorrSig, at),
                );
            }
            spec.stack[0] = Item::Bytes(vec![]);
            if opcode == Opcode::OP_CHECKSIGVERIFY {
                group.reject(
                    &base,
                    &format!("{id}-empty"),
                    &EMPTY,
                    "the signature is empty",
                    |spec| spec.stack[0] = Item::Bytes(vec![]),
                    Verdict::Reject(ScriptError::CheckSigVerify, at),
                );
                continue;
            }
            spec.script = match opcode {
                Opcode::OP_CHECKSIGADD => after(used, 0),
                _ => used.op(Opcode::OP_NOT),
            };
            let base = group.accept(&format!("{id}-empty"), &EMPTY, "an empty signature", spec.clone());
            group.reject(
                &base,
                &format!("{id}-empty-then-byte"),
                &EMPTY,
                "the signature is a zero byte",
                |spec| spec.stack[0] = Item::Bytes(vec![0]),
                Verdict::Reject(ScriptError::SchnorrSigSize, at),
            );
        }
    }
    let off_curve = [&[1], OFF_CURVE.as_slice()].concat();
    let mut spec = leaf(&off_curve, Item::Bytes(vec![]));
    spec.script = Script::new().push(&off_curve).ops(&[CHECKSIG, Opcode::OP_NOT]);
    let comment = "an empty signature of a key that is not on the curve";
    group.accept("empty-off-curve", &EMPTY, comment, spec);
}

fn sizes_and_types(group: &mut Group) {
    let base = group.accept("size-64", &SIZE, "64 bytes", valid(0x00));
    group.accept("size-65", &SIZE, "65 bytes", valid(0x41));
    for size in [1, 32, 63, 66, 128] {
        let change = if size < 64 { Change::Truncate(size) } else { Change::Append(vec![1; size - 64]) };
        group.reject(
            &base,
            &format!("size-{size}"),
            &SIZE,
            &format!("it has {size} bytes"),
            |spec| spec.stack[0] = Item::Changed(Box::new(sign(0).into()), change),
            fails(ScriptError::SchnorrSigSize),
        );
    }
    let base = group.accept("hash-type-00", &HASH_TYPES, "no byte for the hash type", valid(0x00));
    for hash_type in &DEFINED[1..] {
        let id = format!("hash-type-{hash_type:02x}");
        group.accept(&id, &HASH_TYPES, &format!("hash type {hash_type:#04x}"), valid(*hash_type));
    }
    for undefined in (0..=u8::MAX).filter(|hash_type| *hash_type == 0 || !DEFINED.contains(hash_type)) {
        // Tests the undefined hash types that differ from a defined one in one bit, and a few others.
        let near = DEFINED.iter().any(|defined| (defined ^ undefined).count_ones() == 1);
        if near || matches!(undefined, 0x00 | 0x1f | 0x3f | 0x55 | 0xaa | 0xff) {
            group.reject(
                &base,
                &format!("hash-type-{undefined:02x}-undefined"),
                &HASH_TYPES,
                &format!("a byte {undefined:#04x} follows the signature"),
                |spec| {
                    spec.stack[0] = Item::Changed(Box::new(sign(0).into()), Change::Append(vec![undefined]))
                },
                fails(ScriptError::SchnorrSigHashtype),
            );
        }
    }
    for hash_type in [0x03, 0x43, 0x83, 0xc3] {
        let mut spec = valid(hash_type);
        spec.shape = Shape::new(2, 2, 1);
        let id = format!("single-{hash_type:02x}");
        let base = group.accept(&id, &SINGLE, "the last input, with an output of its index", spec);
        group.reject(
            &base,
            &format!("{id}-without-output"),
            &SINGLE,
            "the transaction has one output less",
            |spec| {
                spec.shape.outputs.pop();
                // No message exists for this hash type, so the signature can be any 64 bytes.
                spec.stack[0] = Item::Bytes([&[0xaa; 64], [hash_type].as_slice()].concat());
            },
            fails(ScriptError::SchnorrSigHashtype),
        );
    }
}

fn versions(group: &mut Group) {
    for hash_type in [0x00, 0x01, 0x02, 0x03, 0x81, 0x82, 0x83] {
        let id = format!("key-version-{hash_type:02x}");
        let base = group.accept(&id, &KEY_VERSION, "signed with key_version 1", valid(hash_type));
        group.reject(
            &base,
            &format!("{id}-signed-as-bip342"),
            &KEY_VERSION,
            "the signature has key_version 0, as for a key of 32 bytes",
            |spec| {
                spec.stack[0] = Signature { key_version: Some(KeyVersion::Bip342), ..sign(hash_type) }.into()
            },
            fails(ScriptError::SchnorrSig),
        );
        let plain = Signature { key_version: Some(KeyVersion::Bip342), ..sign(hash_type) };
        let base = group.accept(
            &format!("{id}-bip342"),
            &KEY_VERSION,
            "a key of 32 bytes, signed with key_version 0",
            leaf(&Key(1).x_only(), plain),
        );
        group.reject(
            &base,
            &format!("{id}-bip342-signed-as-bip118"),
            &KEY_VERSION,
            "the signature has key_version 1",
            |spec| spec.stack[0] = sign(hash_type).into(),
            fails(ScriptError::SchnorrSig),
        );
    }
    for hash_type in DEFINED.into_iter().filter(|hash_type| hash_type & ANYPREVOUT != 0) {
        let plain = Signature { key_version: Some(KeyVersion::Bip342), ..sign(1) };
        let id = format!("bip342-key-{hash_type:02x}");
        let base =
            group.accept(&id, &ONLY_HERE, "a key of 32 bytes and SIGHASH_ALL", leaf(&Key(1).x_only(), plain));
        let written = |plain: Signature| Signature { hash_type, signed_hash_type: Some(1), ..plain };
        group.reject(
            &base,
            &format!("{id}-refused"),
            &ONLY_HERE,
            &format!("the hash type is {hash_type:#04x}"),
            |spec| {
                spec.stack[0] = written(Signature { key_version: Some(KeyVersion::Bip342), ..sign(1) }).into()
            },
            fails(ScriptError::SchnorrSigHashtype),
        );
        let key_path = Signature { key: Key(0), key_version: None, ..sign(1) };
        let spec = Spec::new(Version::KeyPath, Script::new()).under(Flags::ANYPREVOUT).with(key_path.clone());
        let id = format!("key-path-{hash_type:02x}");
        let base = group.accept(&id, &ONLY_HERE, "the key path and SIGHASH_ALL", spec);
        group.reject(
            &base,
            &format!("{id}-refused"),
            &ONLY_HERE,
            &format!("the hash type is {hash_type:#04x}"),
            |spec| spec.stack[0] = written(key_path).into(),
            Verdict::Reject(ScriptError::SchnorrSigHashtype, StopsAt::Phase(Phase::KeyPath)),
        );
    }
}

fn budget(group: &mut Group) {
    let again = [Opcode::OP_2DUP, CHECKSIG, Opcode::OP_DROP];
    for (slug, key, signer) in [("1", vec![1], Key(0)), ("33", Key(1).bip118(), Key(1))] {
        for checks in [4, 10] {
            let script = (1..checks).fold(Script::new(), |script, _| script.ops(&again)).op(CHECKSIG);
            let mut spec = leaf(&key, Signature { key: signer, ..sign(0xc1) }).with_bytes(&key);
            spec.script = script;
            let id = format!("budget-{checks}-{slug}");
            let comment = format!("{checks} checks in a witness that pays for exactly as many");
            // The signature commits to the annex, and is computed separately for the rejected case with its shorter annex.
            // Both signatures are therefore valid, and only the budget differs.
            let exact = spec.padded_to(50 * checks);
            let base = group.accept(&id, &BUDGET, &comment, exact);
            group.reject(
                &base,
                &format!("{id}-short"),
                &BUDGET,
                "the annex is a byte shorter",
                |spec| spec.annex.iter_mut().for_each(|annex| _ = annex.pop()),
                fails(ScriptError::TapscriptValidationWeight),
            );
        }
    }
    // An element of the witness decides whether the sixth check is executed.
    let key = Key(1).bip118();
    let script = (1..6)
        .fold(Script::new(), |script, _| script.ops(&again))
        .ops(&[CHECKSIG, Opcode::OP_DROP, Opcode::OP_IF, CHECKSIG, Opcode::OP_ELSE])
        .ops(&[Opcode::OP_2DROP, Opcode::OP_1, Opcode::OP_ENDIF]);
    for (slug, wrong, seventh, seventh_key) in [
        ("signature", "an invalid signature", Item::from(sign(0xc1)).flipped(0), key.clone()),
        ("size", "a signature of one byte", Item::Bytes(vec![1]), key.clone()),
        ("hash-type", "an undefined hash type", Item::Bytes(vec![0x55; 65]), key.clone()),
        ("empty-key", "an empty key", Item::from(sign(0xc1)), vec![]),
    ] {
        let mut spec = leaf(&key, seventh).with_bytes(&seventh_key).with_bytes(&[]);
        spec = spec.with(sign(0xc1)).with_bytes(&key);
        spec.script = script.clone();
        let id = format!("budget-first-{slug}");
        let comment = format!("a seventh check over budget, with {wrong}, is passed over");
        let base = group.accept(&id, &BUDGET, &comment, spec.padded_to(300));
        group.reject(
            &base,
            &format!("{id}-checked"),
            &BUDGET,
            "the witness asks for the seventh check: the budget is reported",
            |spec| spec.stack[2] = Item::Bytes(vec![1]),
            fails(ScriptError::TapscriptValidationWeight),
        );
    }
    let mut free = leaf(&key, Item::Bytes(vec![])).with_bytes(&key);
    free.script =
        (1..30).fold(Script::new(), |script, _| script.ops(&again)).ops(&[CHECKSIG, Opcode::OP_NOT]);
    group.accept("budget-free", &BUDGET, "thirty checks of an empty signature", free);
}

fn elsewhere(group: &mut Group) {
    for version in [Version::Bare, Version::P2sh, Version::P2wsh, Version::P2shP2wsh] {
        for (slug, key) in [("1", vec![1]), ("33", Key(1).bip118())] {
            for flags in [Flags::NONE, Flags::ANYPREVOUT, Flags::DISCOURAGE_ANYPREVOUT] {
                let state = if flags.is_empty() { "NONE".into() } else { flags.to_string() };
                let id = format!("{}-{slug}-{}", version.slug(), state.to_lowercase());
                let mut spec = Spec::new(version, Script::new().push(&key).ops(&[CHECKSIG, Opcode::OP_NOT]));
                spec = spec.under(flags).with_bytes(&[]);
                let base = group.accept(
                    &id,
                    &ELSEWHERE,
                    "an empty signature fails the check, which OP_NOT turns",
                    spec,
                );
                group.reject(
                    &base,
                    &format!("{id}-signed"),
                    &ELSEWHERE,
                    "a signature as BIP 118 makes it is there, and is no DER",
                    |spec| spec.stack[0] = sign(0xc1).into(),
                    fails(ScriptError::SigDer),
                );
            }
        }
    }
}
