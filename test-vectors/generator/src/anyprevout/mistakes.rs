//! BIP 118: cases for which an implementation with a certain bug returns the wrong verdict.
//!
//! Each rejected signature is one that the bug accepts. If a bug would push false instead of failing the script, the case
//! is also created with OP_NOT after the opcode, so that the bug is detected.

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

use sigstack_interpreter::{Flags, KeyVersion, Opcode, Phase, ScriptError};

use super::messages::{self, MESSAGE};
use super::stack;
use super::{
    CHECKSIG, COMMITS, DEFINED, HASH_TYPES, INTERNAL, ONLY_HERE, SINGLE, SIZE, VALID, fails, leaf, sign,
    valid,
};
use crate::bases::Bases;
use crate::group::{Group, Rule};
use crate::item::{Change, Item, Signature};
use crate::keys::{Key, OFF_CURVE};
use crate::lax::{self, Flaw, Inputs, Lax, Outputs};
use crate::script::Script;
use crate::shape::Shape;
use crate::spec::{Spec, StopsAt, Verdict, Version};

pub(super) fn cases(group: &mut Group) {
    hash_types(group);
    single(group);
    other_keys(group);
    outputs(group);
    stack::inactive(group);
    sizes(group);
    signatures(group);
    messages::cases(group);
    stack::cases(group);
}

/// Creates the two valid base cases for a public key of 1, 32 or 33 bytes. In the first, `Key(1)` signs by the rules
/// for a key of this length. In the second, the signature is empty and OP_NOT follows.
fn bases_of(group: &mut Group, slug: &str, rule: &'static Rule, key: &[u8]) -> Bases<Item> {
    let version = if key.len() == 32 { KeyVersion::Bip342 } else { KeyVersion::Bip118 };
    let good = leaf(key, Signature::new(Key(1), 0, version));
    let mut empty = leaf(key, Item::Bytes(vec![]));
    empty.script = Script::new().push(key).ops(&[CHECKSIG, Opcode::OP_NOT]);
    Bases::new(group, (slug, rule), [good, empty], |spec, signature| spec.stack[0] = signature, fails)
}

fn bases(group: &mut Group, slug: &str, rule: &'static Rule) -> Bases<Item> {
    bases_of(group, slug, rule, &Key(1).bip118())
}

/// Adds cases for all undefined hash types, each with signatures of several messages that a buggy implementation may
/// compute. One is the message if each bit is interpreted separately. Others are the messages of a masked hash type, of
/// SIGHASH_ALL, and of a signature without a hash type.
fn hash_types(group: &mut Group) {
    let base = group.accept("hash-type-mistakes-good", &HASH_TYPES, "no byte for the hash type", valid(0x00));
    let mut made = None;
    for hash_type in 0..=u8::MAX {
        let written = hash_type == 0;
        if DEFINED.contains(&hash_type) && !written {
            continue;
        }
        let mut signed = vec![("bits", "as its bits say", Lax::by_bits(hash_type))];
        for (slug, words, mask) in [
            ("c3", "as if the other bits than c3 were clear", 0xc3),
            ("df", "as if bit 20 were clear", 0xdf),
            ("bf", "as if bit 40 were clear", 0xbf),
            ("7f", "as if bit 80 were clear", 0x7f),
            ("1f", "as if the bits above 1f were clear", 0x1f),
        ] {
            let masked = hash_type & mask;
            // Only masks that turn the type into a defined one are plausible bugs.
            if masked != hash_type && DEFINED.contains(&masked) && masked != 0 {
                signed.push((slug, words, Lax::by_bits(masked)));
            }
        }
        signed.push(("default", "as if there were no hash type", Lax::by_bits(0)));
        if !written {
            signed.push(("all", "as SIGHASH_ALL", Lax::by_bits(1)));
        }
        for (slug, words, lax) in signed {
            let near =
                matches!(hash_type, 0x00 | 0x04 | 0x20 | 0x40 | 0x44 | 0x80 | 0x84 | 0xc0 | 0xc4 | 0xff);
            // The message of the single bits is tested for every type; the other messages only for types with few bits set.
            if slug != "bits" && slug != "c3" && hash_type.count_ones() > 2 && !near {
                continue;
            }
            let id = format!("hash-type-{hash_type:02x}-as-{slug}");
            let difference = format!("a byte {hash_type:#04x} follows the signature, which is made {words}");
            let signature = lax::signature(Key(1), lax, &[hash_type]);
            let error = ScriptError::SchnorrSigHashtype;
            if near {
                let bases = made.get_or_insert_with(|| bases(group, "hash-type-mistakes-base", &HASH_TYPES));
                bases.refuse(group, &id, &difference, signature, error);
            } else {
                group.reject(
                    &base,
                    &id,
                    &HASH_TYPES,
                    &difference,
                    |spec| spec.stack[0] = signature,
                    fails(error),
                );
            }
        }
    }
}

/// Returns signature messages of buggy implementations for SIGHASH_SINGLE without a corresponding output. Each hashes
/// other bytes in place of the missing output. Each comes with a name for case ids and a description.
fn without_output(hash_type: u8) -> Vec<(&'static str, &'static str, Lax)> {
    const ONE: [u8; 32] = {
        let mut one = [0; 32];
        one[0] = 1;
        one
    };
    // SHA-256 of the empty string.
    const EMPTY_HASH: [u8; 32] = [
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
        0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    ];
    let with = |outputs| Lax { outputs, ..Lax::by_bits(hash_type) };
    vec![
        ("nothing", "nothing", with(Outputs::Instead(&[]))),
        ("zeros", "32 zero bytes", with(Outputs::Instead(&[0; 32]))),
        ("one", "the number one", with(Outputs::Instead(&ONE))),
        ("empty-hash", "the hash of nothing", with(Outputs::Instead(&EMPTY_HASH))),
        ("last", "the hash of the last output", with(Outputs::Last)),
        ("all", "the hash of all outputs, as SIGHASH_ALL has it", with(Outputs::All)),
    ]
}

fn single(group: &mut Group) {
    for hash_type in [0x03, 0x43, 0x83, 0xc3] {
        for (inputs, outputs) in [(2, 1), (3, 1)] {
            let mut good = valid(hash_type);
            good.shape = Shape::new(inputs, inputs, inputs - 1);
            let id = format!("single-{hash_type:02x}-input-{}", inputs - 1);
            let base = group.accept(&id, &SINGLE, "an output of the input's index", good.clone());
            let mut turned = good;
            turned.stack[0] = Item::Bytes(vec![]);
            turned.script = Script::new().push(&Key(1).bip118()).ops(&[CHECKSIG, Opcode::OP_NOT]);
            let comment = "an empty signature, and OP_NOT";
            let negated = group.accept(&format!("{id}-not"), &SINGLE, comment, turned);
            for (slug, words, lax) in without_output(hash_type) {
                let change = |spec: &mut Spec| {
                    spec.shape.outputs.truncate(outputs);
                    spec.stack[0] = lax::signature(Key(1), lax, &[hash_type]);
                };
                let difference =
                    format!("there are {outputs} outputs, and in place of the output {words} is signed");
                let error = fails(ScriptError::SchnorrSigHashtype);
                group.reject(&base, &format!("{id}-{slug}"), &SINGLE, &difference, change, error);
                group.reject(&negated, &format!("{id}-{slug}-not"), &SINGLE, &difference, change, error);
            }
        }
    }
}

/// Adds cases that show that BIP 118's hash types are invalid for 32-byte keys and on the key path. Each signature is
/// tested with several messages that a buggy implementation may compute.
fn other_keys(group: &mut Group) {
    let bases = bases_of(group, "bip342-key-mistakes", &ONLY_HERE, &Key(1).x_only());
    let key_path = Signature { key: Key(0), key_version: None, ..sign(0) };
    let spec = Spec::new(Version::KeyPath, Script::new()).under(Flags::ANYPREVOUT).with(key_path);
    let of_output = group.accept("key-path-mistakes-good", &ONLY_HERE, "the key path, no hash type", spec);
    let refused = Verdict::Reject(ScriptError::SchnorrSigHashtype, StopsAt::Phase(Phase::KeyPath));
    for hash_type in [0x41, 0x42, 0x43, 0xc1, 0xc2, 0xc3] {
        let bits = Lax::by_bits(hash_type);
        let own = if hash_type & 0x80 == 0 { Inputs::All } else { Inputs::Own };
        for (slug, words, lax) in [
            ("bip118", "as a key of BIP 118 signs", bits),
            (
                "bip118-version-0",
                "as a key of BIP 118 signs, with key_version 0",
                Lax { key_version: Some(0), ..bits },
            ),
            (
                "bip341",
                "as if bit 40 meant nothing",
                Lax { inputs: own, key_version: Some(0), leaf: true, ..bits },
            ),
            (
                "all-inputs",
                "as SIGHASH_ALL commits to inputs",
                Lax { inputs: Inputs::All, key_version: Some(0), leaf: true, ..bits },
            ),
            (
                "anyonecanpay",
                "as SIGHASH_ANYONECANPAY commits to inputs",
                Lax { inputs: Inputs::Own, key_version: Some(0), leaf: true, ..bits },
            ),
            (
                "masked",
                "as the hash type without bit 40",
                Lax { key_version: Some(0), ..Lax::by_bits(hash_type & 0xbf) },
            ),
            ("default", "as if there were no hash type", Lax { key_version: Some(0), ..Lax::by_bits(0) }),
        ] {
            let difference = format!("the hash type is {hash_type:#04x}, signed {words}");
            let id = format!("bip342-key-{hash_type:02x}-as-{slug}");
            let signature = lax::signature(Key(1), lax, &[hash_type]);
            bases.refuse(group, &id, &difference, signature, ScriptError::SchnorrSigHashtype);
            if slug != "bip118" {
                let lax = Lax { key_version: None, ..lax };
                let id = format!("key-path-{hash_type:02x}-as-{slug}");
                let signature = lax::signature(Key(0), lax, &[hash_type]);
                group.reject(
                    &of_output,
                    &id,
                    &ONLY_HERE,
                    &difference,
                    |spec| spec.stack[0] = signature,
                    refused,
                );
            }
        }
    }
}

/// Adds cases of SIGHASH_SINGLE whose input index is beyond the last output, with 32-byte keys. Adds valid cases of all
/// other hash types, which need no such output.
fn outputs(group: &mut Group) {
    let plain = |hash_type| Signature { key_version: Some(KeyVersion::Bip342), ..sign(hash_type) };
    for hash_type in [0x03, 0x83] {
        let mut good = leaf(&Key(1).x_only(), plain(hash_type));
        good.shape = Shape::new(3, 3, 2);
        let id = format!("bip342-key-single-{hash_type:02x}");
        let base =
            group.accept(&id, &ONLY_HERE, "a key of 32 bytes, with an output of the input's index", good);
        for (slug, words, lax) in without_output(hash_type) {
            for outputs in [1, 2] {
                let lax = Lax { key_version: Some(0), ..lax };
                let change = |spec: &mut Spec| {
                    spec.shape.outputs.truncate(outputs);
                    spec.stack[0] = lax::signature(Key(1), lax, &[hash_type]);
                };
                let difference =
                    format!("there are {outputs} outputs, and in place of the output {words} is signed");
                let error = fails(ScriptError::SchnorrSigHashtype);
                group.reject(
                    &base,
                    &format!("{id}-{slug}-{outputs}"),
                    &ONLY_HERE,
                    &difference,
                    change,
                    error,
                );
            }
        }
    }
    for hash_type in DEFINED.into_iter().filter(|hash_type| hash_type & 3 != 3) {
        for (slug, key, signature) in
            [("33", Key(1).bip118(), sign(hash_type)), ("32", Key(1).x_only().to_vec(), plain(hash_type))]
        {
            if slug == "33" || hash_type & 0x40 == 0 {
                let mut spec = leaf(&key, signature);
                spec.shape = Shape::new(3, 1, 2);
                let comment = "no output of the input's index, which the hash type does not need";
                let id = format!("message-no-output-{hash_type:02x}-{slug}");
                group.accept(&id, &COMMITS, comment, spec);
            }
        }
    }
}

fn sizes(group: &mut Group) {
    let bases = bases(group, "size-mistakes", &SIZE);
    let error = ScriptError::SchnorrSigSize;
    let whole = |hash_type| Item::from(sign(hash_type));
    let changed = |item: Item, change: Change| Item::Changed(Box::new(item), change);
    for size in [1, 2, 31, 32, 33, 62, 63] {
        let difference = format!("of the signature the first {size} bytes are there");
        let signature = changed(whole(0), Change::Truncate(size));
        bases.refuse(group, &format!("size-cut-to-{size}"), &difference, signature, error);
    }
    let ends = lax::flawed_signature(Key(1), Lax::by_bits(0), Flaw::EndsWithZero);
    let difference = "its last byte is left out, which is zero";
    bases.refuse(
        group,
        "size-zero-left-out-at-the-end",
        difference,
        changed(ends, Change::Truncate(63)),
        error,
    );
    let begins = lax::flawed_signature(Key(1), Lax::by_bits(0), Flaw::BeginsWithZero);
    let difference = "its first byte is left out, which is zero";
    bases.refuse(group, "size-zero-left-out-in-front", difference, changed(begins, Change::Skip(1)), error);
    for size in [66, 67, 96, 128, 129, 256, 520] {
        let difference = format!("zero bytes follow the signature, which has {size} bytes with them");
        for hash_type in [0x00, 0x01, 0x41, 0xc1] {
            let length = if hash_type == 0 { 64 } else { 65 };
            let signature = whole(hash_type).followed_by(&vec![0; size - length]);
            bases.refuse(
                group,
                &format!("size-{hash_type:02x}-longer-{size}"),
                &difference,
                signature,
                error,
            );
        }
        let signature =
            lax::signature(Key(1), Lax::by_bits(0x41), &[vec![0; size - 65], vec![0x41]].concat());
        let difference = format!("the hash type is the last of {size} bytes");
        bases.refuse(group, &format!("size-hash-type-last-of-{size}"), &difference, signature, error);
    }
    let signature = changed(whole(0), Change::Prepend(vec![0, 0]));
    bases.refuse(group, "size-two-zeros-in-front", "two zero bytes precede it", signature, error);
    for (slug, bytes) in [("80", vec![0x80]), ("00", vec![0]), ("63-zeros", vec![0; 63])] {
        let difference = "it is bytes that are false as a number, and not empty";
        bases.refuse(group, &format!("size-false-{slug}"), difference, Item::Bytes(bytes), error);
    }
}

fn signatures(group: &mut Group) {
    let bases = bases(group, "checksig-mistakes", &VALID);
    let error = ScriptError::SchnorrSig;
    for (slug, difference, flaw) in [
        ("odd-r", "R has an odd Y", Flaw::OddR),
        ("odd-key", "the signature is one for the key with an odd Y", Flaw::OddKey),
        ("infinite-r", "the point R of the equation is infinity", Flaw::InfiniteR),
    ] {
        let signature = lax::flawed_signature(Key(1), Lax::by_bits(0), flaw);
        bases.refuse(group, &format!("checksig-mistakes-{slug}"), difference, signature, error);
    }
    let zeros = Item::Bytes(vec![0; 64]);
    bases.refuse(group, "checksig-mistakes-zeros", "the signature is 64 zero bytes", zeros, error);
    let ones = Item::Bytes(vec![0xff; 64]);
    bases.refuse(group, "checksig-mistakes-ones", "R and S are larger than they can be", ones, error);
    for place in [0, 31, 32, 63] {
        let difference = format!("a bit of the signature's byte {place} is flipped");
        let signature = Item::from(sign(0xc1)).flipped(place);
        bases.refuse(group, &format!("checksig-mistakes-flipped-{place}"), &difference, signature, error);
    }
    let off_curve = [&[1], OFF_CURVE.as_slice()].concat();
    let mut turned = leaf(&off_curve, Item::Bytes(vec![]));
    turned.script = Script::new().push(&off_curve).ops(&[CHECKSIG, Opcode::OP_NOT]);
    let base = group.accept("checksig-off-curve-empty", &VALID, "an empty signature", turned);
    let difference = "the signature is not empty";
    let change = |spec: &mut Spec| spec.stack[0] = sign(0x41).into();
    group.reject(&base, "checksig-off-curve-signed", &VALID, difference, change, fails(error));
    // The key 01 stands for the internal key, not for the output key derived from it.
    let internal = leaf(&[1], Signature { key: Key(0), ..sign(0xc1) });
    let base = group.accept("internal-mistakes-good", &INTERNAL, "the internal key signs", internal);
    let tweaked = Item::made(move |maker, _| {
        let root = sigstack_interpreter::taproot::tweak_hash(&Key(0).x_only(), Some(&maker.leaf_hash));
        maker.make_tweaked(&Signature { key: Key(0), ..sign(0xc1) }.into(), Some(root))
    });
    let difference = "the key of the output signs";
    group.reject(
        &base,
        "internal-output-key-signs",
        &INTERNAL,
        difference,
        |spec| spec.stack[0] = tweaked,
        fails(error),
    );
    let difference = "the key 01 would be the first byte of a key with 32 zero bytes";
    let change = |spec: &mut Spec| spec.stack[0] = sign(0xc1).into();
    group.reject(&base, "internal-first-key-signs", &INTERNAL, difference, change, fails(error));
    // A signature of the digest hashed one additional time.
    for hash_type in [0x00, 0x41, 0xc1] {
        let id = format!("message-hashed-again-{hash_type:02x}");
        let base = group.accept(&id, &MESSAGE, "the digest is signed", valid(hash_type));
        let lax = Lax { hashed_again: true, ..Lax::by_bits(hash_type) };
        let written: &[u8] = if hash_type == 0 { &[] } else { &[hash_type] };
        let signature = lax::signature(Key(1), lax, written);
        let difference = "the digest is hashed once more";
        group.reject(
            &base,
            &format!("{id}-signed"),
            &MESSAGE,
            difference,
            |spec| spec.stack[0] = signature,
            fails(error),
        );
    }
}
