//! BIP 118: cases that an implementation with a certain mistake gets wrong.
//!
//! A rejected signature here is one that the mistake takes for valid. Where a mistake would push false instead of failing,
//! the case is also made with OP_NOT after the opcode, so that the two differ.

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

use sigstack_interpreter::{Flags, KeyVersion, Opcode, PROPOSALS, Phase, ScriptError};

use super::anyprevout::{
    BUDGET, CHECKSIG, COMMITS, DEFINED, EMPTY, HASH_TYPES, INTERNAL, ONLY_HERE, SINGLE, SIZE, STATES, VALID,
    fails, leaf, sign, valid,
};
use super::group::{Accepted, Group, Only, Rule};
use super::item::{Change, Ecdsa, Item, Signature};
use super::keys::{Key, OFF_CURVE, bytes_of};
use super::lax::{self, Annex, Flaw, Inputs, Lax, Outputs};
use super::script::Script;
use super::shape::Shape;
use super::spec::{Spec, StopsAt, Verdict, Version};

const MESSAGE: Rule = Rule {
    source: "BIP 118, Signature message",
    text: "sizes in the message are compact sizes, the index has four bytes, and nothing is hashed once more",
    only: None,
};
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
const POSITION: Rule = Rule {
    source: "BIP 342, Common signature message extension",
    text: "the position of the last executed OP_CODESEPARATOR counts opcodes, a push as one, executed or not",
    only: None,
};

pub(super) fn cases(group: &mut Group) {
    hash_types(group);
    single(group);
    other_keys(group);
    outputs(group);
    inactive(group);
    sizes(group);
    signatures(group);
    annexes(group);
    leaves(group);
    indices(group);
    positions(group);
    stack(group);
    budget(group);
    legacy(group);
}

/// The accepted cases that those with a bad signature are made from: in a script that needs true, and in one that needs false.
struct Bases {
    rule: &'static Rule,
    plain: Accepted,
    negated: Accepted,
}

impl Bases {
    fn new(group: &mut Group, slug: &str, rule: &'static Rule) -> Bases {
        Bases::of(group, slug, rule, &Key(1).bip118())
    }

    /// For another key, of which `Key(1)` signs for the good case under its own rules.
    fn of(group: &mut Group, slug: &str, rule: &'static Rule, key: &[u8]) -> Bases {
        let version = if key.len() == 32 { KeyVersion::Bip342 } else { KeyVersion::Bip118 };
        let good = leaf(key, Signature::new(Key(1), 0, version));
        let plain = group.accept(&format!("{slug}-good"), rule, "a valid signature", good);
        let mut empty = leaf(key, Item::Bytes(vec![]));
        empty.script = Script::new().push(key).ops(&[CHECKSIG, Opcode::OP_NOT]);
        let negated =
            group.accept(&format!("{slug}-good-not"), rule, "an empty signature, and OP_NOT", empty);
        Bases { rule, plain, negated }
    }

    /// A signature that fails in both.
    fn refuse(&self, group: &mut Group, id: &str, difference: &str, signature: Item, error: ScriptError) {
        let plain = signature.clone();
        group.reject(&self.plain, id, self.rule, difference, |spec| spec.stack[0] = plain, fails(error));
        let difference = format!("{difference}: it fails, and does not push false");
        let id = format!("{id}-not");
        group.reject(
            &self.negated,
            &id,
            self.rule,
            &difference,
            |spec| spec.stack[0] = signature,
            fails(error),
        );
    }
}

/// All undefined hash types, each signed as the bits say, as a mask would make it, or as if there were none.
fn hash_types(group: &mut Group) {
    let base = group.accept("hash-type-mistakes-good", &HASH_TYPES, "no byte for the hash type", valid(0x00));
    let mut bases = None;
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
            // Only masks that make a defined type of it are mistakes that somebody could make without noticing.
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
            // All are signed by their bits; how else only where a type has few bits.
            if slug != "bits" && slug != "c3" && hash_type.count_ones() > 2 && !near {
                continue;
            }
            let id = format!("hash-type-{hash_type:02x}-as-{slug}");
            let difference = format!("a byte {hash_type:#04x} follows the signature, which is made {words}");
            let signature = lax::signature(Key(1), lax, &[hash_type]);
            let error = ScriptError::SchnorrSigHashtype;
            if near {
                let bases =
                    bases.get_or_insert_with(|| Bases::new(group, "hash-type-mistakes-base", &HASH_TYPES));
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

/// What implementations put where the hash of the missing output would be.
fn without_output(hash_type: u8) -> Vec<(&'static str, &'static str, Lax)> {
    const ONE: [u8; 32] = {
        let mut one = [0; 32];
        one[0] = 1;
        one
    };
    // SHA-256 of nothing.
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

/// Keys of 32 bytes and the key path know no hash type of BIP 118, however it is signed.
fn other_keys(group: &mut Group) {
    let bases = Bases::of(group, "bip342-key-mistakes", &ONLY_HERE, &Key(1).x_only());
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

/// SIGHASH_SINGLE of a key of 32 bytes, and every hash type beyond the outputs.
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
    let bases = Bases::new(group, "size-mistakes", &SIZE);
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
    let bases = Bases::new(group, "checksig-mistakes", &VALID);
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
    // The key 01 is the internal key, and not the output key that is made from it.
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
    // A signature that is hashed once more than it must be.
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
    // What begins with 50 is an annex only at the end, and only if something is left before it.
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

/// Leaves and spent scripts at the sizes at which the compact size grows.
fn leaves(group: &mut Group) {
    for hash_type in [0x00, 0x41, 0xc1] {
        for size in [252, 253, 255, 256, 300] {
            // The key with its push and the opcode have 35 bytes; opcodes that do nothing fill the leaf up.
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

/// Inputs of every size of an index, with their outputs.
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
        // An OP_CODESEPARATOR after the check does not change what was signed; one between two checks does.
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

/// The stack of each opcode.
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
            // The sum of the largest number does not fit into a number, so it is compared as bytes.
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

/// The flags of other proposals do not activate the keys.
fn inactive(group: &mut Group) {
    for other in PROPOSALS.iter().filter(|other| other.flag != Flags::ANYPREVOUT) {
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
    // A check costs the same while the keys are of an unknown type, and for the keys that are.
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

/// Checks by keys of BIP 342 and of BIP 118 share the budget; an empty signature is free.
fn budget(group: &mut Group) {
    use Opcode as Op;
    // On the stack: a signature and a key of one kind, and of the other.
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

/// Keys that begin with 01 are no keys to ECDSA, even if the rest is the X of one.
fn legacy(group: &mut Group) {
    // A key with an even Y: an implementation that takes 01 for 02 finds the signature valid.
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
