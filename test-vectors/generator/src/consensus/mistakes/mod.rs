//! Cases for which an implementation with a certain bug returns the wrong verdict: sizes that do not fit into one byte,
//! hash types with unusual bits, signatures that the bug accepts, and failures that could be confused with a false result.

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

pub(super) mod der;
mod taproot;

use sigstack_interpreter::{Flags, KeyVersion, Opcode as Op, ScriptError};

use super::build::{EARLIER, LEGACY, at, in_phase, phase};
use crate::group::{Group, Only, Rule};
use crate::item::{Ecdsa, Item, Signature};
use crate::keys::Key;
use crate::script::Script;
use crate::shape::Shape;
use crate::spec::{Spec, Version};
use sigstack_vectors::Case;

pub(super) const SIZES: Rule = Rule {
    source: "Bitcoin Core, SignatureHash; BIP 143; BIP 341, Common signature message",
    text: "counts and sizes in signature messages are compact sizes, and an index has four bytes",
    only: Some((Only::Accept, "other messages are among the cases of what is committed to")),
};
const BITS: Rule = Rule {
    source: "Bitcoin Core, SignatureHash; BIP 143, Specification",
    text: "before taproot the lowest five bits of a hash type say which outputs are signed, and bit 80 which inputs",
    only: Some((Only::Accept, "other messages are among the cases of what is committed to")),
};
const DELETE: Rule = Rule {
    source: "Bitcoin Core, FindAndDelete",
    text: "before segwit every push of a signature that is checked is removed, wherever it is",
    only: Some((Only::Accept, "signatures of the whole script are among the cases of the script code")),
};
const EMPTY: Rule = Rule {
    source: "Bitcoin Core, SCRIPT_VERIFY_CONST_SCRIPTCODE",
    text: "the push of an empty signature is removed too, which policy refuses",
    only: None,
};
const NO_KEY: Rule = Rule {
    source: "Bitcoin Core, CPubKey",
    text: "a key of another form than 02, 03, 04, 06 and 07 is no key, and its signatures are invalid",
    only: None,
};
const OWN_INPUT: Rule = Rule {
    source: "BIP 65; BIP 112",
    text: "the nSequence of the input that is verified counts, and no other",
    only: None,
};
const COUNTS: Rule = Rule {
    source: "Bitcoin Core, EvalScript, OP_CHECKMULTISIG",
    text: "more signatures than keys fail, and a non-empty signature is reported before the dummy element",
    only: None,
};

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("mistakes");
    wide(&mut group);
    hash_types(&mut group);
    script_codes(&mut group);
    no_keys(&mut group);
    der::cases(&mut group);
    taproot::cases(&mut group);
    locks(&mut group);
    multisig(&mut group);
    group.finish()
}

/// Describes a valid input with one signature of the given hash type: an ECDSA signature, or a Schnorr signature for
/// taproot.
pub(super) fn signed(version: Version, hash_type: u8) -> Spec {
    let old = |script: Script| Spec::new(version, script).with(Ecdsa::new(Key(1), hash_type));
    match version {
        Version::KeyPath => {
            let signature = Signature::new(Key(0), hash_type, KeyVersion::Bip342);
            Spec::new(version, Script::new()).with(Signature { key_version: None, ..signature })
        }
        Version::Tapscript => Spec::new(version, Script::new().push(&Key(1).x_only()).op(Op::OP_CHECKSIG))
            .with(Signature::new(Key(1), hash_type, KeyVersion::Bip342)),
        _ => old(Script::new().push(&Key(1).compressed()).op(Op::OP_CHECKSIG)),
    }
}

const ALL: [Version; 4] = [Version::Bare, Version::P2wsh, Version::KeyPath, Version::Tapscript];

fn wide(group: &mut Group) {
    let small = |inputs, outputs, index| {
        let mut shape = Shape::new(inputs, outputs, index);
        shape.inputs.iter_mut().for_each(|input| input.script_pubkey = vec![0x51]);
        shape.outputs.iter_mut().for_each(|output| output.1 = vec![]);
        shape
    };
    for version in ALL {
        let slug = version.slug();
        for (inputs, outputs, index, hash_type) in
            [(257, 1, 256, 1), (1, 253, 0, 1), (253, 1, 0, 1), (257, 257, 256, 3)]
        {
            let mut spec = signed(version, hash_type);
            spec.shape = small(inputs, outputs, index);
            let id = format!("{slug}-{inputs}-inputs-{outputs}-outputs-{hash_type:02x}");
            group.accept(&id, &SIZES, &format!("the input {index}, hash type {hash_type:#04x}"), spec);
        }
        for (name, change) in [
            ("output-252", (|shape: &mut Shape| shape.outputs[1].1 = vec![0; 252]) as fn(&mut Shape)),
            ("output-253", |shape| shape.outputs[1].1 = vec![0; 253]),
            ("output-254", |shape| shape.outputs[1].1 = vec![0; 254]),
            ("output-256", |shape| shape.outputs[1].1 = vec![0; 256]),
            ("spent-253", |shape| shape.inputs[0].script_pubkey = vec![0; 253]),
            ("scriptsig-of-other", |shape| shape.inputs[0].script_sig = vec![0x51]),
            ("version-negative", |shape| shape.version = -1),
            ("version-large", |shape| shape.version = 0x1234_5678),
            ("locktime-max", |shape| shape.lock_time = u32::MAX),
        ] {
            for hash_type in [0x01, 0x03, 0x81] {
                let mut spec = signed(version, hash_type);
                change(&mut spec.shape);
                group.accept(&format!("{slug}-{name}-{hash_type:02x}"), &SIZES, name, spec);
            }
        }
        if version != Version::KeyPath {
            let mut spec = signed(version, 1);
            let long = Script::new().push(&[7; 250]).op(Op::OP_DROP).push(&[7; 250]).op(Op::OP_DROP);
            spec.script = long.then(spec.script);
            group.accept(&format!("{slug}-script-long"), &SIZES, "a script of more than 253 bytes", spec);
        }
    }
    let mut huge = signed(Version::P2wsh, 1);
    huge.shape = Shape::new(1, 2, 0);
    huge.shape.outputs[0].1 = vec![0; 65_535];
    huge.shape.outputs[1].1 = vec![0; 65_536];
    group.accept("output-65536", &SIZES, "outputs with scripts of 65,535 and 65,536 bytes", huge);
}

fn hash_types(group: &mut Group) {
    for version in [Version::Bare, Version::P2wsh] {
        for (inputs, outputs, index) in [(2, 2, 1), (3, 1, 2)] {
            for hash_type in [
                0x00, 0x04, 0x06, 0x07, 0x0b, 0x12, 0x13, 0x1f, 0x20, 0x22, 0x23, 0x42, 0x43, 0x62, 0x63,
                0x7f, 0x80, 0x84, 0x93, 0xa2, 0xa3, 0xc2, 0xc3, 0xe2, 0xe3, 0xff,
            ] {
                let mut spec = signed(version, hash_type);
                spec.shape = Shape::new(inputs, outputs, index);
                let id = format!("{}-hash-type-{hash_type:02x}-{outputs}-outputs", version.slug());
                let comment = format!("the input {index} of {inputs}, {outputs} outputs");
                group.accept(&id, &BITS, &comment, spec);
            }
        }
    }
}

fn of_code(key: Key, code: &[u8]) -> Item {
    Ecdsa { script_code: Some(code.to_vec()), ..Ecdsa::new(key, 0x01) }.into()
}

/// Function that returns the first part of a script, before the signature check. The part contains pushes of the given
/// signature.
type Before<'a> = &'a dyn Fn(Item) -> Script;

fn script_codes(group: &mut Group) {
    let check = [&[33], Key(1).compressed().as_slice(), &[Op::OP_CHECKSIG.0]].concat();
    let with = |before: &[u8]| [before, check.as_slice()].concat();
    let drop = Op::OP_DROP.0;
    let long = [&[Op::OP_PUSHDATA1.0, 80], [7; 80].as_slice(), &[drop]].concat();
    for version in LEGACY {
        let slug = version.slug();
        // Without DERSIG, superfluous bytes after the integers are ignored, so a signature can be long.
        let lengthened = |item: Item| {
            Item::made(move |maker, _| {
                let mut bytes = maker.make(&item)?;
                let place = bytes.len() - 1;
                bytes.splice(place..place, [0; 20]);
                Ok(bytes)
            })
        };
        let plain = |item: Item| item;
        let cases: [(&str, &str, Vec<u8>, Before<'_>, bool); 6] = [
            (
                "twice-in-a-row",
                "two copies of the signature, one after the other",
                with(&[Op::OP_2DROP.0]),
                &|item| Script::new().item(item.clone()).item(item).op(Op::OP_2DROP),
                false,
            ),
            (
                "two-places",
                "two copies of the signature in two places",
                with(&[drop, drop]),
                &|item| Script::new().item(item.clone()).op(Op::OP_DROP).item(item).op(Op::OP_DROP),
                false,
            ),
            (
                "after-long-push",
                "the signature after a push of 80 bytes",
                with(&[long.as_slice(), &[drop]].concat()),
                &|item| Script::new().raw(&long).item(item).op(Op::OP_DROP),
                false,
            ),
            (
                "of-over-75-bytes",
                "a signature of more than 75 bytes",
                with(&[drop]),
                &|item| Script::new().item(item).op(Op::OP_DROP),
                true,
            ),
            (
                "before-code",
                "the signature at the start",
                with(&[drop]),
                &|item| Script::new().item(item).op(Op::OP_DROP),
                false,
            ),
            (
                "separator-in-data",
                "a push with the byte of OP_CODESEPARATOR",
                with(&[2, 0xab, 0xab, drop]),
                &|_| Script::new().push(&[0xab, 0xab]).op(Op::OP_DROP),
                false,
            ),
        ];
        for (name, comment, code, before, is_long) in cases {
            let signature = of_code(Key(1), &code);
            let signature = if is_long { lengthened(signature) } else { plain(signature) };
            let mut spec = Spec::new(*version, before(signature.clone()).raw(&check)).with(signature);
            if is_long {
                spec = spec.without(Flags::DERSIG);
            }
            group.accept(&format!("{slug}-delete-{name}"), &DELETE, comment, spec);
        }
        // Both signatures of a multisig are removed from the script before either is checked.
        let keys = Script::new().op(Op::OP_2).push(&Key(1).compressed()).push(&Key(2).compressed());
        let multisig = keys.ops(&[Op::OP_2, Op::OP_CHECKMULTISIG]);
        let code =
            [vec![Op::OP_2DROP.0], multisig.build(|_| Err("no item".into())).unwrap_or_default()].concat();
        let (first, second) = (of_code(Key(1), &code), of_code(Key(2), &code));
        let script = Script::new().item(first.clone()).item(second.clone()).op(Op::OP_2DROP).then(multisig);
        let spec = Spec::new(*version, script).with_bytes(&[]).with(first).with(second);
        group.accept(
            &format!("{slug}-delete-both"),
            &DELETE,
            "both signatures of a multisig are in the script",
            spec,
        );
    }
    for version in LEGACY {
        // An empty signature is pushed by OP_0, and FindAndDelete would remove OP_0 from the script.
        let script = |before: &[Op]| {
            let script = Script::new().ops(before).push(&Key(1).compressed());
            script.ops(&[Op::OP_CHECKSIG, Op::OP_NOT])
        };
        let mut spec = Spec::new(*version, script(&[Op::OP_1, Op::OP_DROP])).with_bytes(&[]);
        spec = spec.under(Flags::CONST_SCRIPTCODE);
        let id = format!("{}-delete-empty", version.slug());
        let base = group.accept(&id, &EMPTY, "an empty signature, and no OP_0 in the script", spec);
        let change = |spec: &mut Spec| spec.script = script(&[Op::OP_0, Op::OP_DROP]);
        let stops = at(Op::OP_CHECKSIG, ScriptError::SigFindAndDelete);
        group.reject(&base, &format!("{id}-there"), &EMPTY, "there is one", change, stops);
    }
    for version in EARLIER {
        let executed =
            [Op::OP_CODESEPARATOR.0, Op::OP_0.0, Op::OP_IF.0, Op::OP_CODESEPARATOR.0, Op::OP_ENDIF.0];
        let spec = Spec::new(*version, Script::new().raw(&with(&executed)))
            .with(of_code(Key(1), &with(&executed[1..])));
        let comment = "the second OP_CODESEPARATOR is not executed";
        group.accept(&format!("{}-separator-second-not-executed", version.slug()), &DELETE, comment, spec);
    }
}

/// Adds cases with malformed public keys in ECDSA checks. The check returns false, and OP_NOT makes the script valid.
fn no_keys(group: &mut Group) {
    let mut keys: Vec<(&str, Vec<u8>)> = Vec::new();
    let first = |key: Vec<u8>, first: u8| [&[first], key.get(1..).unwrap_or_default()].concat();
    keys.push(("00", first(Key(1).compressed(), 0)));
    keys.push(("01", first(Key(1).compressed(), 1)));
    keys.push(("04-compressed", first(Key(1).compressed(), 4)));
    keys.push(("05", first(Key(1).uncompressed(), 5)));
    keys.push(("02-uncompressed", first(Key(1).uncompressed(), 2)));
    keys.push(("08", first(Key(1).uncompressed(), 8)));
    let hybrid = Key(1).hybrid();
    let other = hybrid.first().map_or(6, |parity| parity ^ 1);
    keys.push(("hybrid-other-parity", first(hybrid, other)));
    keys.push(("longer", [Key(1).compressed(), vec![0]].concat()));
    keys.push(("shorter", Key(1).compressed()[..32].to_vec()));
    keys.push(("x-only", Key(1).x_only().to_vec()));
    keys.push(("other-parity", first(Key(1).compressed(), Key(1).compressed()[0] ^ 1)));
    for version in [Version::Bare, Version::P2wsh] {
        for (name, key) in &keys {
            let spec = |script: Script| Spec::new(version, script).with(Ecdsa::new(Key(1), 1));
            let id = format!("{}-key-{name}", version.slug());
            let not = Script::new().push(key).ops(&[Op::OP_CHECKSIG, Op::OP_NOT]);
            let base = group.accept(&id, &NO_KEY, "the signature is invalid, and OP_NOT", spec(not));
            let change = |spec: &mut Spec| spec.script = Script::new().push(key).op(Op::OP_CHECKSIG);
            let stops = in_phase(phase(version), ScriptError::EvalFalse);
            group.reject(&base, &format!("{id}-alone"), &NO_KEY, "nothing turns it", change, stops);
        }
    }
}

fn locks(group: &mut Group) {
    for (name, script, own, other, error) in [
        (
            "cltv",
            Script::new().number(400).ops(&[Op::OP_CHECKLOCKTIMEVERIFY]),
            0,
            u32::MAX,
            ScriptError::UnsatisfiedLocktime,
        ),
        (
            "csv",
            Script::new().number(10).ops(&[Op::OP_CHECKSEQUENCEVERIFY]),
            10,
            9,
            ScriptError::UnsatisfiedLocktime,
        ),
    ] {
        let opcode = if name == "cltv" { Op::OP_CHECKLOCKTIMEVERIFY } else { Op::OP_CHECKSEQUENCEVERIFY };
        let mut spec = Spec::new(Version::P2wsh, script);
        (spec.shape.inputs[1].sequence, spec.shape.inputs[0].sequence) = (own, other);
        let base = group.accept(
            &format!("{name}-own"),
            &OWN_INPUT,
            "its own nSequence allows it, the other one not",
            spec,
        );
        let change =
            |spec: &mut Spec| (spec.shape.inputs[1].sequence, spec.shape.inputs[0].sequence) = (other, own);
        let difference = "the other nSequence allows it, its own does not";
        group.reject(&base, &format!("{name}-other"), &OWN_INPUT, difference, change, at(opcode, error));
    }
}

fn multisig(group: &mut Group) {
    let opcode = Op::OP_CHECKMULTISIG;
    for version in [Version::Bare, Version::P2wsh] {
        let slug = version.slug();
        let one = Script::new().op(Op::OP_1).push(&Key(1).compressed()).ops(&[Op::OP_1, opcode, Op::OP_NOT]);
        let spec = Spec::new(version, one).with_bytes(&[]).with_bytes(&[]);
        let base = group.accept(
            &format!("{slug}-counts"),
            &COUNTS,
            "one key and an empty signature, and OP_NOT",
            spec,
        );
        let two = Script::new().op(Op::OP_2).push(&Key(1).compressed()).ops(&[Op::OP_1, opcode, Op::OP_NOT]);
        let change = |spec: &mut Spec| (spec.script, spec.stack) = (two, vec![Item::Bytes(vec![]); 3]);
        let stops = at(opcode, ScriptError::SigCount);
        group.reject(
            &base,
            &format!("{slug}-counts-two"),
            &COUNTS,
            "two signatures are asked of one key",
            change,
            stops,
        );
        let change = |spec: &mut Spec| {
            spec.stack = vec![Item::Bytes(vec![1]), Ecdsa::new(Key(2), 1).into()];
            spec.flags |= Flags::NULLFAIL | Flags::NULLDUMMY;
        };
        let stops = at(opcode, ScriptError::SigNullFail);
        let difference = "the signature is invalid and not empty, and the dummy element is not empty";
        group.reject(&base, &format!("{slug}-counts-nullfail"), &COUNTS, difference, change, stops);
    }
}
