//! Cases of ECDSA signatures: OP_CHECKSIG and OP_CHECKSIGVERIFY before tapscript, and the encodings of signatures and keys.

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

use sigstack_interpreter::{Flags, Opcode as Op, ScriptError};

use super::build::{
    Change as Differs, EARLIER, Good, LEGACY, WITNESS_V0, accept, asm, at, bad, bytes, in_phase, phase,
    reject, signed, twins,
};
use crate::group::{Group, Rule};
use crate::item::{Change, Ecdsa, Item};
use crate::keys::Key;
use crate::script::Script;
use crate::shape::Field;
use crate::spec::{Spec, Version};
use sigstack_vectors::Case;

const CHECK: Rule = Rule {
    source: "Bitcoin Core, EvalScript, Crypto",
    text: "OP_CHECKSIG pushes whether the second element is a signature of the spend by the key on top",
    only: None,
};
const NULLFAIL: Rule = Rule {
    source: "BIP 146, NULLFAIL",
    text: "policy wants the signature of a check that fails to be empty",
    only: None,
};
const DER: Rule = Rule {
    source: "BIP 66, Specification",
    text: "a signature that is not empty must be strict DER",
    only: None,
};
const LOW_S: Rule = Rule {
    source: "BIP 146, LOW_S",
    text: "policy wants the lower of the two possible S values",
    only: None,
};
const HASH_TYPES: Rule = Rule {
    source: "Bitcoin Core, IsDefinedHashtypeSignature",
    text: "consensus takes any hash type, policy only 0x01 to 0x03 and the same with 0x80",
    only: None,
};
const KEYS: Rule = Rule {
    source: "Bitcoin Core, IsCompressedOrUncompressedPubKey",
    text: "consensus takes any key, and hybrid ones work; policy wants compressed or uncompressed ones",
    only: None,
};
const WITNESS_KEYS: Rule = Rule {
    source: "BIP 143, Restrictions on public key type",
    text: "policy wants compressed keys in segwit v0",
    only: None,
};

/// The smallest strict DER signature with SIGHASH_ALL: R and S are 1. It is not valid for any message in these cases.
const SMALL: [u8; 9] = [0x30, 6, 2, 1, 1, 2, 1, 1, 0x01];

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("ecdsa");
    for version in EARLIER {
        check(&mut group, *version);
        der_of_valid(&mut group, *version);
        low_s(&mut group, *version);
        hash_types(&mut group, *version);
        keys(&mut group, *version);
        order(&mut group, *version);
    }
    nullfail(&mut group);
    der(&mut group);
    group.finish()
}

fn check_sig(key: &[u8]) -> Script {
    Script::new().push(key).op(Op::OP_CHECKSIG)
}

/// Creates an ECDSA signature with SIGHASH_ALL by this key.
fn all(key: Key) -> Ecdsa {
    Ecdsa::new(key, 0x01)
}

fn check(group: &mut Group, version: Version) {
    let key = Key(1).compressed();
    let spec = signed(version, check_sig(&key), &[all(Key(1)).into()]);
    let base = accept(group, version, "checksig", &CHECK, "a valid signature", spec);
    let false_at_end = in_phase(phase(version), ScriptError::EvalFalse);
    let shallow = at(Op::OP_CHECKSIG, ScriptError::InvalidStackOperation);
    let mut other_tx = all(Key(1));
    other_tx.signed_with = vec![Field::OwnOutput];
    let changes: [(&str, &str, Vec<Item>, _); 4] = [
        ("other-key", "the signature is another key's", vec![all(Key(2)).into()], false_at_end),
        ("other-tx", "the signature is of another output", vec![other_tx.into()], false_at_end),
        ("empty", "the signature is empty", vec![bytes(&[])], false_at_end),
        ("none", "there is no signature", vec![], shallow),
    ];
    for (slug, differs, stack, verdict) in changes {
        let id = format!("checksig-{slug}");
        reject(group, version, &base, &id, &CHECK, differs, |spec| spec.stack = stack, verdict);
    }
    let no_key = |spec: &mut Spec| (spec.script, spec.stack) = (asm("CHECKSIG"), vec![]);
    reject(group, version, &base, "checksig-nothing", &CHECK, "the stack is empty", no_key, shallow);

    let opcode = Op::OP_CHECKSIGVERIFY;
    let script = Script::new().push(&key).ops(&[opcode, Op::OP_1]);
    let spec = signed(version, script, &[all(Key(1)).into()]);
    let base = accept(group, version, "checksigverify", &CHECK, "a valid signature", spec);
    let failed = at(opcode, ScriptError::CheckSigVerify);
    let shallow = at(opcode, ScriptError::InvalidStackOperation);
    for (slug, differs, stack, verdict) in [
        ("other-key", "the signature is another key's", vec![all(Key(2)).into()], failed),
        ("empty", "the signature is empty", vec![bytes(&[])], failed),
        ("none", "there is no signature", vec![], shallow),
    ] {
        let id = format!("checksigverify-{slug}");
        reject(group, version, &base, &id, &CHECK, differs, |spec| spec.stack = stack, verdict);
    }
}

fn nullfail(group: &mut Group) {
    for version in EARLIER {
        let script = check_sig(&Key(1).compressed()).op(Op::OP_NOT);
        let spec = signed(*version, script.clone(), &[bytes(&[])]).under(Flags::NULLFAIL);
        let base = accept(group, *version, "nullfail", &NULLFAIL, "an empty signature fails a check", spec);
        let verdict = at(Op::OP_CHECKSIG, ScriptError::SigNullFail);
        let not_empty = |spec: &mut Spec| spec.stack = vec![bytes(&SMALL)];
        let differs = "the signature is not empty";
        reject(group, *version, &base, "nullfail-not-empty", &NULLFAIL, differs, not_empty, verdict);
        let spec = signed(*version, script, &[all(Key(2)).into()]);
        let comment = "consensus lets another key's signature fail a check";
        let base = accept(group, *version, "nullfail-not-asked", &NULLFAIL, comment, spec);
        let asked = |spec: &mut Spec| spec.flags |= Flags::NULLFAIL;
        let differs = "policy wants it empty";
        reject(group, *version, &base, "nullfail-asked", &NULLFAIL, differs, asked, verdict);
    }
}

fn der(group: &mut Group) {
    let hex = |signature: &[u8]| format!("0x{}", hex::encode(signature));
    let key = Key(1).compressed();
    let script = format!("0x21 {} CHECKSIG NOT", hex(&key));
    let edited = |change: fn(&mut Vec<u8>)| {
        let mut signature = SMALL.to_vec();
        change(&mut signature);
        hex(&signature)
    };
    let rows: [(&str, &str, String); 16] = [
        ("tag", "it does not begin with 0x30", edited(|der| der[0] = 0x31)),
        ("length-short", "its length is one less", edited(|der| der[1] = 5)),
        ("length-long", "its length is one more", edited(|der| der[1] = 7)),
        ("r-tag", "R is no integer", edited(|der| der[2] = 3)),
        ("r-empty", "R is empty", hex(&[0x30, 5, 2, 0, 2, 1, 1, 1])),
        ("r-long", "the length of R goes beyond the end", edited(|der| der[3] = 5)),
        ("r-negative", "R is negative", edited(|der| der[4] = 0x81)),
        ("r-padded", "R has a zero byte that it does not need", hex(&[0x30, 7, 2, 2, 0, 1, 2, 1, 1, 1])),
        ("s-tag", "S is no integer", edited(|der| der[5] = 3)),
        ("s-empty", "S is empty", hex(&[0x30, 5, 2, 1, 1, 2, 0, 1])),
        ("s-long", "the length of S goes beyond the end", edited(|der| der[6] = 2)),
        ("s-negative", "S is negative", edited(|der| der[7] = 0x81)),
        ("s-padded", "S has a zero byte that it does not need", hex(&[0x30, 7, 2, 1, 1, 2, 2, 0, 1, 1])),
        ("trailing", "a byte follows S", hex(&[0x30, 6, 2, 1, 1, 2, 1, 1, 0, 1])),
        ("no-hash-type", "the hash type is missing", hex(&[0x30, 6, 2, 1, 1, 2, 1, 1])),
        ("one-byte", "it is only the hash type", hex(&[1])),
    ];
    let small = hex(&SMALL);
    let good = Good {
        slug: "der",
        rule: &DER,
        comment: "the smallest strict DER, which is no valid signature",
        stack: &small,
        script: &script,
        flags: Flags::NONE,
    };
    let bads: Vec<_> = rows
        .iter()
        .map(|(slug, differs, stack)| {
            bad(slug, differs, Differs::Stack(stack), ScriptError::SigDer, Op::OP_CHECKSIG)
        })
        .collect();
    twins(group, EARLIER, good, &bads);
    // The longest integers in strict DER have 33 bytes, including the zero byte for the sign.
    let long = |r: usize| {
        let integer = |length: usize| [&[2, 33, 0][..], &vec![0xff; length - 1]].concat();
        let (r, s) = (integer(r), integer(33));
        let total = u8::try_from(r.len() + s.len()).unwrap_or(u8::MAX);
        hex(&[&[0x30, total][..], &r, &s, &[1]].concat())
    };
    let (longest, longer) = (long(33), long(34));
    let good = Good { slug: "der-73", comment: "73 bytes", stack: &longest, ..good };
    let longer = bad(
        "74",
        "R has a byte more than its length says",
        Differs::Stack(&longer),
        ScriptError::SigDer,
        Op::OP_CHECKSIG,
    );
    twins(group, EARLIER, good, &[longer]);
    for flags in [Flags::LOW_S, Flags::STRICTENC] {
        let slug = format!("der-{}", flags.to_string().to_lowercase().replace('_', "-"));
        let comment = format!("{flags}, which asks for strict DER too, without DERSIG");
        for version in [Version::Bare, Version::P2wsh] {
            let base = signed(version, asm(&script), &[bytes(&SMALL)]).without(Flags::DERSIG).under(flags);
            let base = accept(group, version, &slug, &DER, &comment, base);
            let change = |spec: &mut Spec| spec.stack = vec![Item::Bytes(SMALL.to_vec()).flipped(0)];
            let verdict = at(Op::OP_CHECKSIG, ScriptError::SigDer);
            let differs = "it does not begin with 0x30";
            reject(group, version, &base, &format!("{slug}-tag"), &DER, differs, change, verdict);
        }
    }
}

/// Adds a valid ECDSA case with a zero byte before R, an encoding that was allowed before BIP 66. Adds a rejected case
/// of the same signature with the flag DERSIG.
fn der_of_valid(group: &mut Group, version: Version) {
    let padded = Item::Changed(Box::new(all(Key(1)).into()), Change::PadR);
    let spec = signed(version, check_sig(&Key(1).compressed()), &[padded]).without(Flags::DERSIG);
    let comment = "a valid signature with a zero byte before R, without DERSIG";
    let base = accept(group, version, "der-lax", &DER, comment, spec);
    let change = |spec: &mut Spec| spec.flags |= Flags::DERSIG;
    let verdict = at(Op::OP_CHECKSIG, ScriptError::SigDer);
    reject(group, version, &base, "der-lax-dersig", &DER, "DERSIG is on", change, verdict);
}

fn low_s(group: &mut Group, version: Version) {
    let high = Ecdsa { high_s: true, ..all(Key(1)) };
    let spec = signed(version, check_sig(&Key(1).compressed()), &[high.into()]);
    let base = accept(group, version, "high-s", &LOW_S, "a valid signature with the higher S", spec);
    let verdict = at(Op::OP_CHECKSIG, ScriptError::SigHighS);
    let change = |spec: &mut Spec| spec.flags |= Flags::LOW_S;
    reject(group, version, &base, "high-s-low-s", &LOW_S, "policy wants the lower one", change, verdict);
    let spec = signed(version, check_sig(&Key(1).compressed()), &[all(Key(1)).into()]).under(Flags::LOW_S);
    accept(group, version, "low-s", &LOW_S, "a valid signature with the lower S, which policy wants", spec);
}

fn hash_types(group: &mut Group, version: Version) {
    for hash_type in [0x01, 0x02, 0x03, 0x81, 0x82, 0x83] {
        let spec = signed(version, check_sig(&Key(1).compressed()), &[Ecdsa::new(Key(1), hash_type).into()]);
        let comment = format!("hash type {hash_type:#04x}");
        let spec = spec.under(Flags::STRICTENC);
        accept(group, version, &format!("hash-type-{hash_type:02x}"), &HASH_TYPES, &comment, spec);
    }
    for hash_type in [0x00, 0x04, 0x1f, 0x21, 0x41, 0x80, 0x84, 0xff] {
        let spec = signed(version, check_sig(&Key(1).compressed()), &[Ecdsa::new(Key(1), hash_type).into()]);
        let comment = format!("hash type {hash_type:#04x}, which consensus takes");
        let id = format!("hash-type-{hash_type:02x}");
        let base = accept(group, version, &id, &HASH_TYPES, &comment, spec);
        let change = |spec: &mut Spec| spec.flags |= Flags::STRICTENC;
        let verdict = at(Op::OP_CHECKSIG, ScriptError::SigHashtype);
        let id = format!("{id}-strictenc");
        reject(group, version, &base, &id, &HASH_TYPES, "policy does not", change, verdict);
    }
}

fn keys(group: &mut Group, version: Version) {
    let strict = |spec: &mut Spec| spec.flags |= Flags::STRICTENC;
    let refused = at(Op::OP_CHECKSIG, ScriptError::PubkeyType);
    for (slug, key) in [("compressed", Key(1).compressed()), ("uncompressed", Key(1).uncompressed())] {
        let spec = signed(version, check_sig(&key), &[all(Key(1)).into()]).under(Flags::STRICTENC);
        accept(group, version, &format!("key-{slug}"), &KEYS, &format!("a key that is {slug}"), spec);
    }
    let spec = signed(version, check_sig(&Key(1).hybrid()), &[all(Key(1)).into()]);
    let base = accept(group, version, "key-hybrid", &KEYS, "a hybrid key and its signature", spec);
    reject(group, version, &base, "key-hybrid-strictenc", &KEYS, "policy refuses the key", strict, refused);
    let compressed = Key(1).compressed();
    let (_, tail) = compressed.split_at(1);
    for (slug, key) in [
        ("empty", vec![]),
        ("05", [&[5], tail].concat()),
        ("short", [&[2][..], tail.split_at(31).0].concat()),
        ("long", [&[2], tail, &[0]].concat()),
        ("uncompressed-short", [&[4], tail].concat()),
    ] {
        let spec = signed(version, check_sig(&key).op(Op::OP_NOT), &[all(Key(1)).into()]);
        let comment = "a key that is none, whose check is false";
        let id = format!("key-{slug}");
        let base = accept(group, version, &id, &KEYS, comment, spec);
        let id = format!("{id}-strictenc");
        reject(group, version, &base, &id, &KEYS, "policy refuses the key", strict, refused);
    }
    let uncompressed = signed(version, check_sig(&Key(1).uncompressed()), &[all(Key(1)).into()]);
    let flag = Flags::WITNESS_PUBKEYTYPE;
    if WITNESS_V0.contains(&version) {
        let comment = "consensus takes an uncompressed key";
        let base = accept(group, version, "witness-key", &WITNESS_KEYS, comment, uncompressed.clone());
        let verdict = at(Op::OP_CHECKSIG, ScriptError::WitnessPubkeyType);
        let change = |spec: &mut Spec| spec.flags |= flag;
        let differs = "policy wants a compressed one";
        reject(group, version, &base, "witness-key-refused", &WITNESS_KEYS, differs, change, verdict);
        let compressed = signed(version, check_sig(&Key(1).compressed()), &[all(Key(1)).into()]).under(flag);
        accept(group, version, "witness-key-compressed", &WITNESS_KEYS, "a compressed key", compressed);
    }
    if LEGACY.contains(&version) {
        let comment = "the policy about keys in segwit v0 leaves an uncompressed key alone";
        accept(group, version, "witness-key", &WITNESS_KEYS, comment, uncompressed.under(flag));
    }
}

/// Adds cases in which one signature check has several encoding errors. The first check that fails determines the
/// error: first the DER encoding, then S, then the hash type, then the encoding of the key.
fn order(group: &mut Group, version: Version) {
    let flags = Flags::STRICTENC | Flags::LOW_S | Flags::WITNESS_PUBKEYTYPE;
    let good = signed(version, check_sig(&Key(1).compressed()), &[all(Key(1)).into()]).under(flags);
    let base = accept(group, version, "order", &DER, "a signature that satisfies every policy", good);
    let high = Ecdsa { high_s: true, ..Ecdsa::new(Key(1), 0x04) };
    for (slug, differs, key, signature, error) in [
        (
            "der",
            "the signature is not DER, has an undefined hash type, and the key is hybrid",
            Key(1).hybrid(),
            Item::from(Ecdsa::new(Key(1), 0x04)).flipped(0),
            ScriptError::SigDer,
        ),
        (
            "high-s",
            "the signature has the higher S and an undefined hash type",
            Key(1).compressed(),
            high.into(),
            ScriptError::SigHighS,
        ),
        (
            "hash-type",
            "the hash type is undefined and the key is hybrid",
            Key(1).hybrid(),
            Ecdsa::new(Key(1), 0x04).into(),
            ScriptError::SigHashtype,
        ),
        ("key", "the key is hybrid", Key(1).hybrid(), all(Key(1)).into(), ScriptError::PubkeyType),
    ] {
        let change = |spec: &mut Spec| (spec.script, spec.stack) = (check_sig(&key), vec![signature]);
        let verdict = at(Op::OP_CHECKSIG, error);
        reject(group, version, &base, &format!("order-{slug}"), &DER, differs, change, verdict);
    }
}
