//! Cases that an implementation with a certain mistake gets wrong: sizes that do not fit into a byte, hash types with unusual
//! bits, signatures that are valid for the mistake, and failures that could be taken for a false result.

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

use sigstack_interpreter::{Flags, KeyVersion, Opcode as Op, ScriptError};

use super::build::{EARLIER, LEGACY, at, in_phase, phase};
use crate::case::Case;
use crate::generate::group::{Accepted, Group, Only, Rule};
use crate::generate::item::{Change, Ecdsa, Item, Signature};
use crate::generate::keys::Key;
use crate::generate::lax::{self, Flaw, Inputs, Lax, Outputs};
use crate::generate::script::Script;
use crate::generate::shape::Shape;
use crate::generate::spec::{Spec, Verdict, Version};

const SIZES: Rule = Rule {
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
const NO_KEY: Rule = Rule {
    source: "Bitcoin Core, CPubKey",
    text: "a key of another form than 02, 03, 04, 06 and 07 is no key, and its signatures are invalid",
    only: None,
};
const DER: Rule = Rule {
    source: "BIP 66, Specification",
    text: "a signature is encoded strictly, and an integer that does not fit makes it invalid",
    only: None,
};
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
    der(&mut group);
    for version in [Version::KeyPath, Version::Tapscript] {
        undefined(&mut group, version);
        without_output(&mut group, version);
    }
    schnorr(&mut group);
    positions(&mut group);
    locks(&mut group);
    multisig(&mut group);
    group.finish()
}

/// A spend by one signature of the given hash type.
fn signed(version: Version, hash_type: u8) -> Spec {
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

fn script_codes(group: &mut Group) {
    let check = [&[33], Key(1).compressed().as_slice(), &[Op::OP_CHECKSIG.0]].concat();
    let with = |before: &[u8]| [before, check.as_slice()].concat();
    let drop = Op::OP_DROP.0;
    let long = [&[Op::OP_PUSHDATA1.0, 80], [7; 80].as_slice(), &[drop]].concat();
    for version in LEGACY {
        let slug = version.slug();
        // Bytes more than the integers have are ignored, so without DERSIG a signature can be long.
        let lengthened = |item: Item| {
            Item::made(move |maker, _| {
                let mut bytes = maker.make(&item)?;
                let place = bytes.len() - 1;
                bytes.splice(place..place, [0; 20]);
                Ok(bytes)
            })
        };
        let plain = |item: Item| item;
        let cases: [(&str, &str, Vec<u8>, &dyn Fn(Item) -> Script, bool); 6] = [
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
        // Both signatures of a multisig are removed before either is checked.
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
    for version in EARLIER {
        let executed =
            [Op::OP_CODESEPARATOR.0, Op::OP_0.0, Op::OP_IF.0, Op::OP_CODESEPARATOR.0, Op::OP_ENDIF.0];
        let spec = Spec::new(*version, Script::new().raw(&with(&executed)))
            .with(of_code(Key(1), &with(&executed[1..])));
        let comment = "the second OP_CODESEPARATOR is not executed";
        group.accept(&format!("{}-separator-second-not-executed", version.slug()), &DELETE, comment, spec);
    }
}

/// A signature of a tampered key is invalid: OP_NOT turns the false that it pushes.
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

/// The order of the curve, big-endian.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
    0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];
/// Half of it, rounded down: the largest S that policy takes for low.
const HALF: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x5d,
    0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

/// A DER signature of these integers under SIGHASH_ALL.
fn encoded(r: &[u8], s: &[u8]) -> Vec<u8> {
    let size = |bytes: &[u8]| bytes.len().to_le_bytes()[0];
    let body = [&[2, size(r)], r, &[2, size(s)], s].concat();
    [&[0x30, size(&body)], body.as_slice(), &[1]].concat()
}

/// The integers R and S of a DER signature.
fn integers(signature: &[u8]) -> Result<(Vec<u8>, Vec<u8>), String> {
    let part = |start: usize| {
        let size = usize::from(*signature.get(start).ok_or("no length")?);
        signature.get(start + 1..start + 1 + size).map(<[u8]>::to_vec).ok_or("cut short")
    };
    let r = part(3)?;
    let s = part(3 + r.len() + 2)?;
    Ok((r, s))
}

/// A number and the order of the curve, in 33 bytes.
fn plus_order(number: &[u8]) -> Vec<u8> {
    let mut sum = [&[0], ORDER.as_slice()].concat();
    let mut carry = 0;
    for place in 0..33 {
        let digit = number.len().checked_sub(place + 1).and_then(|at| number.get(at)).copied().unwrap_or(0);
        let total = u16::from(sum[32 - place]) + u16::from(digit) + carry;
        sum[32 - place] = total.to_le_bytes()[0];
        carry = total >> 8;
    }
    sum
}

/// A valid signature whose integers a function changes.
fn tampered(change: fn(Vec<u8>, Vec<u8>) -> Vec<u8>) -> Item {
    Item::made(move |maker, _| {
        let (r, s) = integers(&maker.make(&Ecdsa::new(Key(1), 1).into())?)?;
        Ok(change(r, s))
    })
}

fn der(group: &mut Group) {
    let version = Version::P2wsh;
    let script = Script::new().push(&Key(1).compressed()).op(Op::OP_CHECKSIG);
    let not = script.clone().op(Op::OP_NOT);
    let spend = |script: &Script, item: Item| Spec::new(version, script.clone()).with(item);
    let good =
        group.accept("der-good", &DER, "a valid signature", spend(&script, Ecdsa::new(Key(1), 1).into()));
    let empty = spend(&not, Item::Bytes(vec![]));
    let turned = group.accept("der-good-not", &DER, "an empty signature, and OP_NOT", empty);
    // These are encoded strictly, and invalid.
    for (name, difference, item) in [
        ("r-plus-order", "R has the order added to it", tampered(|r, s| encoded(&plus_order(&r), &s))),
        ("s-plus-order", "S has the order added to it", tampered(|r, s| encoded(&r, &plus_order(&s)))),
        (
            "r-with-byte",
            "a byte precedes R",
            tampered(|r, s| encoded(&[&[1], &r[r.len().saturating_sub(32)..]].concat(), &s)),
        ),
        ("r-zero", "R is zero", tampered(|_, s| encoded(&[0], &s))),
        ("s-zero", "S is zero", tampered(|r, _| encoded(&r, &[0]))),
    ] {
        let id = format!("der-{name}");
        group.accept_changed(&turned, &format!("{id}-not"), &DER, difference, |spec| {
            spec.stack[0] = item.clone()
        });
        let stops = in_phase(phase(version), ScriptError::EvalFalse);
        group.reject(&good, &id, &DER, difference, |spec| spec.stack[0] = item, stops);
    }
    // These are not.
    for (name, difference, item) in [
        ("74-bytes", "it has 74 bytes", Item::Bytes(encoded(&[1; 34], &[1; 33]))),
        ("empty-r", "R has no bytes", tampered(|_, s| encoded(&[], &s))),
        ("empty-s", "S has no bytes", tampered(|r, _| encoded(&r, &[]))),
        (
            "byte-after-s",
            "a byte follows S, which the length counts",
            tampered(|r, s| {
                let mut bytes = encoded(&r, &s);
                let place = bytes.len() - 1;
                bytes.insert(place, 0);
                bytes[1] += 1;
                bytes
            }),
        ),
        (
            "byte-after",
            "a byte follows, which no length counts",
            tampered(|r, s| {
                let mut bytes = encoded(&r, &s);
                let place = bytes.len() - 1;
                bytes.insert(place, 0);
                bytes
            }),
        ),
        (
            "padded-r",
            "R has a zero more in front",
            tampered(|r, s| encoded(&[&[0], r.as_slice()].concat(), &s)),
        ),
        (
            "padded-s",
            "S has a zero more in front",
            tampered(|r, s| encoded(&r, &[&[0, 0], s.as_slice()].concat())),
        ),
    ] {
        let stops = at(Op::OP_CHECKSIG, ScriptError::SigDer);
        let id = format!("der-{name}");
        group.reject(&good, &id, &DER, difference, |spec| spec.stack[0] = item.clone(), stops);
        group.reject(&turned, &format!("{id}-not"), &DER, difference, |spec| spec.stack[0] = item, stops);
    }
    let low = |s: &[u8]| Item::Bytes(encoded(&[1; 32], s));
    let half = spend(&not, low(&HALF)).under(Flags::LOW_S);
    let base = group.accept("low-s-half", &DER, "S is half the order, and policy wants a low S", half);
    let mut above = HALF;
    above[31] += 1;
    let stops = at(Op::OP_CHECKSIG, ScriptError::SigHighS);
    group.reject(&base, "low-s-above", &DER, "S is one more", |spec| spec.stack[0] = low(&above), stops);
}

/// What the bits of a hash type would say for a key of BIP 341 or 342.
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
                |spec| spec.stack[0] = signature,
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
                    spec.stack[0] = lax::signature(signer(version), lax, &[hash_type]);
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

/// The accepted cases that bad signatures are put into: the key path, and tapscripts that need true and false.
fn schnorr(group: &mut Group) {
    let key = Key(1).x_only();
    let mut empty = signed(Version::Tapscript, 0);
    empty.stack[0] = Item::Bytes(vec![]);
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
            let change = |spec: &mut Spec| spec.stack[0] = item;
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
        spec.stack[0] = Signature { code_separator: position, ..signature }.into();
        group.accept(&format!("position-{name}"), &POSITION, &format!("position {position}"), spec);
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
