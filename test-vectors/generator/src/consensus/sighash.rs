//! Cases of what ECDSA and Schnorr signatures commit to, for each hash type: every field that a signature could commit
//! to is changed between signing and verification.

use sigstack_interpreter::{KeyVersion, Opcode as Op, ScriptError};

use super::build::{accept, at, in_phase, phase, reject, signed};
use crate::group::{Group, Rule};
use crate::item::{Change, Ecdsa, Item, Signature};
use crate::keys::Key;
use crate::script::Script;
use crate::shape::{Field, Shape};
use crate::spec::{Spec, Verdict, Version};
use sigstack_vectors::Case;

const LEGACY: Rule = Rule {
    source: "Bitcoin Core, SignatureHash, SigVersion::BASE",
    text: "before segwit the hash type says which inputs and outputs are signed; amounts never are",
    only: None,
};
const SEGWIT: Rule = Rule {
    source: "BIP 143, Specification",
    text: "in segwit v0 the hash type says which inputs and outputs are signed; the own amount always is",
    only: None,
};
const TAPROOT: Rule = Rule {
    source: "BIP 341, Common signature message",
    text: "in taproot the hash type says which inputs and outputs are signed, amounts and scriptPubKeys with the inputs",
    only: None,
};
const NO_OUTPUT: Rule = Rule {
    source: "Bitcoin Core, SignatureHash; BIP 143, Specification; BIP 341, Common signature message",
    text: "SIGHASH_SINGLE without an output: before segwit the number one is signed, in segwit v0 no output, in taproot it fails",
    only: None,
};
const HASH_TYPES: Rule = Rule {
    source: "BIP 341, Common signature message",
    text: "in taproot hash types are 0x00 to 0x03 and 0x81 to 0x83, and 0x00 is not written",
    only: None,
};

const TOGETHER: Rule = Rule {
    source: "Bitcoin Core, SignatureHash; BIP 143, Specification; BIP 341, Common signature message",
    text: "each signature of a script signs the message of its own hash type, whatever was hashed for another",
    only: None,
};

const AMOUNTS: Rule = Rule {
    source: "Bitcoin Core, CheckECDSASignature",
    text: "amounts are signed: no signature of segwit v0 fits a negative one; legacy does not look at it, taproot signs its bytes",
    only: None,
};

const ALL: u8 = 1;
const NONE: u8 = 2;
const SINGLE: u8 = 3;
const ANYONE: u8 = 0x80;

/// The six hash types defined for ECDSA signatures.
const TYPES: &[u8] = &[ALL, NONE, SINGLE, ANYONE | ALL, ANYONE | NONE, ANYONE | SINGLE];

/// Returns whether a signature of a hash type commits to a field, by the rules of legacy, segwit v0 or taproot.
fn commits(version: Version, hash_type: u8, field: Field) -> bool {
    let legacy = matches!(version, Version::Bare | Version::P2sh);
    let taproot = matches!(version, Version::Tapscript | Version::KeyPath);
    let only_own_input = hash_type & ANYONE != 0;
    let outputs = if hash_type & 0x1f == 0 { ALL } else { hash_type & 0x1f };
    match field {
        Field::Version | Field::LockTime | Field::OwnOutpoint | Field::OwnSequence => true,
        Field::OtherOutpoint | Field::InputAdded => !only_own_input,
        // Before taproot, nSequence of the other inputs is signed only under SIGHASH_ALL.
        Field::OtherSequence => !only_own_input && (taproot || outputs == ALL),
        Field::OwnAmount => !legacy,
        Field::OwnScriptPubKey => taproot,
        Field::OtherAmount | Field::OtherScriptPubKey => taproot && !only_own_input,
        Field::OtherScriptSig => false,
        // With SIGHASH_SINGLE, another index means that another output is signed.
        Field::InputIndex => !only_own_input || outputs == SINGLE,
        Field::OwnOutput => outputs != NONE,
        Field::OtherOutput | Field::OutputAdded => outputs == ALL,
        Field::AnnexAdded | Field::AnnexChanged => taproot,
        Field::Leaf | Field::CodeSeparator => version == Version::Tapscript,
    }
}

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("sighash");
    for (version, rule) in [(Version::Bare, &LEGACY), (Version::P2wsh, &SEGWIT)] {
        for hash_type in TYPES {
            let make = |changed: &[Field]| {
                let signature = Ecdsa { signed_with: changed.to_vec(), ..Ecdsa::new(Key(1), *hash_type) };
                let script = Script::new().push(&Key(1).compressed()).op(Op::OP_CHECKSIG);
                signed(version, script, &[signature.into()])
            };
            let rejected = in_phase(phase(version), ScriptError::EvalFalse);
            fields(&mut group, version, rule, *hash_type, Field::OF_TX, &make, rejected);
        }
    }
    // The key path is tested with all hash types, the script path only for the fields that it adds.
    for hash_type in [0, NONE, SINGLE, ANYONE | ALL, ANYONE | SINGLE] {
        let rejected = in_phase(phase(Version::KeyPath), ScriptError::SchnorrSig);
        let make = |changed: &[Field]| taproot(Version::KeyPath, hash_type, changed);
        fields(&mut group, Version::KeyPath, &TAPROOT, hash_type, Field::OF_TX, &make, rejected);
    }
    let with_annex =
        |version, changed: &[Field]| Spec { annex: Some(vec![0x50, 1]), ..taproot(version, 0, changed) };
    let rejected = at(Op::OP_CHECKSIG, ScriptError::SchnorrSig);
    let make = |changed: &[Field]| with_annex(Version::Tapscript, changed);
    let fields_of_leaf = [Field::AnnexChanged, Field::Leaf, Field::CodeSeparator, Field::OwnOutput];
    fields(&mut group, Version::Tapscript, &TAPROOT, 0, &fields_of_leaf, &make, rejected);
    annex(&mut group);
    no_output(&mut group);
    hash_types(&mut group);
    together(&mut group);
    amounts(&mut group);
    group.finish()
}

/// Adds cases of inputs with amounts at the limit of signed 64-bit numbers. No such amount can exist on a blockchain.
fn amounts(group: &mut Group) {
    const LARGEST: u64 = i64::MAX.cast_unsigned();
    let spec = |version, amount: u64| {
        if matches!(version, Version::KeyPath | Version::Tapscript) {
            return of_amount(taproot(version, 0, &[]), amount);
        }
        let signature = Ecdsa::new(Key(1), ALL);
        let script = Script::new().push(&Key(1).compressed()).op(Op::OP_CHECKSIG);
        of_amount(signed(version, script, &[signature.into()]), amount)
    };
    for version in [Version::P2wsh, Version::P2shP2wsh] {
        let comment = "the input spends 2^63 - 1 satoshi";
        let base = accept(group, version, "amount", &AMOUNTS, comment, spec(version, LARGEST));
        for (slug, amount) in [("negative", LARGEST + 1), ("minus-one", u64::MAX)] {
            let differs = format!("it spends {} satoshi", amount.cast_signed());
            let change = |changed: &mut Spec| *changed = spec(version, amount);
            let verdict = in_phase(phase(version), ScriptError::EvalFalse);
            reject(group, version, &base, &format!("amount-{slug}"), &AMOUNTS, &differs, change, verdict);
        }
    }
    for version in [Version::Bare, Version::KeyPath, Version::Tapscript] {
        for (slug, amount) in [("negative", LARGEST + 1), ("minus-one", u64::MAX)] {
            let comment = format!("the input spends {} satoshi", amount.cast_signed());
            accept(group, version, &format!("amount-{slug}"), &AMOUNTS, &comment, spec(version, amount));
        }
    }
}

fn of_amount(mut spec: Spec, amount: u64) -> Spec {
    spec.shape.own().amount = amount;
    spec
}

/// Adds cases with two signatures of different hash types in one script. The intermediate hashes of the two messages
/// differ in part, so an implementation must not reuse those that differ.
fn together(group: &mut Group) {
    for version in [Version::Bare, Version::P2wsh, Version::Tapscript] {
        let tapscript = version == Version::Tapscript;
        let (first, verdict) = match tapscript {
            true => (0, at(Op::OP_CHECKSIG, ScriptError::SchnorrSig)),
            false => (ALL, in_phase(phase(version), ScriptError::EvalFalse)),
        };
        let types = || (first == 0).then_some(0).into_iter().chain(TYPES.iter().copied());
        let push = |script: Script, key: Key| match tapscript {
            true => script.push(&key.x_only()),
            false => script.push(&key.compressed()),
        };
        let script = push(Script::new(), Key(1)).op(Op::OP_CHECKSIGVERIFY);
        let script = push(script, Key(2)).op(Op::OP_CHECKSIG);
        for (one, other) in types().flat_map(|one| types().map(move |other| (one, other))) {
            if one == other {
                continue;
            }
            let signature = |key: Key, hash_type: u8, message: u8| -> Item {
                let signed_hash_type = (message != hash_type).then_some(message);
                match tapscript {
                    true => {
                        Signature { signed_hash_type, ..Signature::new(key, hash_type, KeyVersion::Bip342) }
                            .into()
                    }
                    false => Ecdsa { signed_hash_type, ..Ecdsa::new(key, hash_type) }.into(),
                }
            };
            let with = |second: u8| [signature(Key(2), other, second), signature(Key(1), one, one)];
            let slug = format!("together-{one:02x}-{other:02x}");
            let comment = format!("a signature of hash type {one:#04x}, then one of {other:#04x}");
            let spec = Spec { shape: Shape::new(2, 2, 1), ..signed(version, script.clone(), &with(other)) };
            let base = accept(group, version, &slug, &TOGETHER, &comment, spec);
            let change = |spec: &mut Spec| spec.stack = with(one).to_vec();
            let differs = "the second signs the first one's message";
            reject(group, version, &base, &format!("{slug}-first"), &TOGETHER, differs, change, verdict);
        }
    }
}

/// Describes a taproot input with a Schnorr signature. The signature was made for a transaction in which these fields
/// differ.
fn taproot(version: Version, hash_type: u8, changed: &[Field]) -> Spec {
    let tapscript = version == Version::Tapscript;
    let key = if tapscript { Key(1) } else { Key(0) };
    let signature = Signature {
        key_version: tapscript.then_some(KeyVersion::Bip342),
        signed_with: changed.to_vec(),
        ..Signature::new(key, hash_type, KeyVersion::Bip342)
    };
    let script = Script::new().push(&Key(1).x_only()).op(Op::OP_CHECKSIG);
    signed(version, script, &[signature.into()])
}

fn fields(
    group: &mut Group,
    version: Version,
    rule: &'static Rule,
    hash_type: u8,
    fields: &[Field],
    make: &dyn Fn(&[Field]) -> Spec,
    rejected: Verdict,
) {
    let shape = Shape::new(2, 2, 1);
    let with_shape = |spec: Spec| Spec { shape: shape.clone(), ..spec };
    let name = format!("{hash_type:02x}");
    let comment = format!("a signature of hash type {hash_type:#04x}");
    let base = accept(group, version, &name, rule, &comment, with_shape(make(&[])));
    for field in fields {
        let id = format!("{name}-{}", field.slug());
        let differs = format!("the signature was made for a spend with {}", field.words());
        let spec = with_shape(make(&[*field]));
        if commits(version, hash_type, *field) {
            reject(group, version, &base, &id, rule, &differs, |it| *it = spec, rejected);
        } else {
            accept(group, version, &id, rule, &format!("hash type {hash_type:#04x}: {differs}"), spec);
        }
    }
}

/// Adds cases whose witness has an annex. In the rejected cases, the signature was made for a transaction without the
/// annex.
fn annex(group: &mut Group) {
    for (version, verdict) in [
        (Version::KeyPath, in_phase(phase(Version::KeyPath), ScriptError::SchnorrSig)),
        (Version::Tapscript, at(Op::OP_CHECKSIG, ScriptError::SchnorrSig)),
    ] {
        for (slug, annex) in [("annex", vec![0x50]), ("annex-long", [&[0x50][..], &[7; 300]].concat())] {
            let spec = Spec { annex: Some(annex.clone()), ..taproot(version, 0, &[]) };
            let comment = format!("a signature and an annex of {} bytes", annex.len());
            let base = accept(group, version, slug, &TAPROOT, &comment, spec);
            let change = |spec: &mut Spec| {
                *spec = taproot(version, 0, &[]).edited(move |_, witness| witness.push(annex.clone()));
            };
            let differs = "the signature was made for a spend without an annex";
            reject(group, version, &base, &format!("{slug}-not-signed"), &TAPROOT, differs, change, verdict);
        }
    }
}

/// Adds cases of SIGHASH_SINGLE without a corresponding output: the signed input has index 1, and the transaction has
/// only one output.
fn no_output(group: &mut Group) {
    for hash_type in [SINGLE, ANYONE | SINGLE] {
        for version in [Version::Bare, Version::P2sh, Version::P2wsh, Version::P2shP2wsh] {
            let script = Script::new().push(&Key(1).compressed()).op(Op::OP_CHECKSIG);
            let with = |changed: &[Field]| {
                Item::from(Ecdsa { signed_with: changed.to_vec(), ..Ecdsa::new(Key(1), hash_type) })
            };
            let spec = Spec { shape: Shape::new(2, 1, 1), ..signed(version, script, &[with(&[])]) };
            let slug = format!("no-output-{hash_type:02x}");
            let comment = format!("hash type {hash_type:#04x} in input 1 of a transaction with one output");
            let base = accept(group, version, &slug, &NO_OUTPUT, &comment, spec.clone());
            let other = |spec: Spec, field: Field| Spec { stack: vec![with(&[field])], ..spec };
            let verdict = in_phase(phase(version), ScriptError::EvalFalse);
            let fields = [Field::OwnOutpoint, Field::Version, Field::OtherOutput];
            for field in fields {
                let id = format!("{slug}-{}", field.slug());
                let differs = format!("the signature was made for a spend with {}", field.words());
                let changed = other(spec.clone(), field);
                // The legacy digest is the constant 1, which commits to nothing, and no version signs any output here.
                let legacy = matches!(version, Version::Bare | Version::P2sh);
                if legacy || field == Field::OtherOutput {
                    accept(group, version, &id, &NO_OUTPUT, &format!("{comment}; {differs}"), changed);
                } else {
                    reject(group, version, &base, &id, &NO_OUTPUT, &differs, |it| *it = changed, verdict);
                }
            }
            let change = |spec: &mut Spec| spec.stack = vec![Ecdsa::new(Key(2), hash_type).into()];
            let id = format!("{slug}-other-key");
            reject(group, version, &base, &id, &NO_OUTPUT, "the signature is another key's", change, verdict);
        }
        for (version, verdict) in [
            (Version::KeyPath, in_phase(phase(Version::KeyPath), ScriptError::SchnorrSigHashtype)),
            (Version::Tapscript, at(Op::OP_CHECKSIG, ScriptError::SchnorrSigHashtype)),
        ] {
            let slug = format!("no-output-{hash_type:02x}");
            let comment = format!("hash type {hash_type:#04x} in input 0 of two, with one output");
            let spec = Spec { shape: Shape::new(2, 1, 0), ..taproot(version, hash_type, &[]) };
            let base = accept(group, version, &slug, &NO_OUTPUT, &comment, spec);
            let change = |spec: &mut Spec| {
                spec.shape = Shape::new(2, 1, 1);
                spec.stack = vec![written(version, 0, hash_type)];
            };
            let id = format!("{slug}-missing");
            reject(group, version, &base, &id, &NO_OUTPUT, "it is input 1", change, verdict);
        }
    }
}

/// Creates a Schnorr signature of a message with the hash type `signed`, followed by the byte `written`.
fn written(version: Version, signed: u8, written: u8) -> Item {
    let tapscript = version == Version::Tapscript;
    let key = if tapscript { Key(1) } else { Key(0) };
    let signature = Signature {
        key_version: tapscript.then_some(KeyVersion::Bip342),
        ..Signature::new(key, signed, KeyVersion::Bip342)
    };
    Item::Changed(Box::new(signature.into()), Change::Append(vec![written]))
}

fn hash_types(group: &mut Group) {
    for (version, error) in [
        (Version::KeyPath, in_phase(phase(Version::KeyPath), ScriptError::SchnorrSigHashtype)),
        (Version::Tapscript, at(Op::OP_CHECKSIG, ScriptError::SchnorrSigHashtype)),
    ] {
        let base =
            accept(group, version, "hash-type-default", &HASH_TYPES, "64 bytes", taproot(version, 0, &[]));
        for hash_type in [0x00, 0x04, 0x20, 0x41, 0x80, 0x84, 0xc1, 0xff] {
            let change = |spec: &mut Spec| spec.stack = vec![written(version, 0, hash_type)];
            let id = format!("hash-type-{hash_type:02x}");
            let differs = format!("the hash type {hash_type:#04x} is written behind them");
            reject(group, version, &base, &id, &HASH_TYPES, &differs, change, error);
        }
        for hash_type in [1, 2, 3, 0x81, 0x82, 0x83] {
            let spec = taproot(version, hash_type, &[]);
            let comment = format!("hash type {hash_type:#04x}");
            accept(group, version, &format!("hash-type-{hash_type:02x}"), &HASH_TYPES, &comment, spec);
        }
    }
}
