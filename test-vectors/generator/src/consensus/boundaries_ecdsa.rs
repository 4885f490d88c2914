//! Cases at the boundaries of ECDSA signatures: their sizes in FindAndDelete, their encoding byte by byte, and the counts
//! of OP_CHECKMULTISIG.

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

use sigstack_interpreter::{Flags, Opcode as Op, ScriptError};

use super::build::{EARLIER, LEGACY, accept, at, bytes, in_phase, phase, reject, signed};
use crate::group::{Group, Only, Rule};
use crate::item::{Ecdsa, Item};
use crate::keys::Key;
use crate::script::Script;
use crate::spec::{Spec, Version};

const DELETE: Rule = Rule {
    source: "Bitcoin Core, FindAndDelete",
    text: "a signature of any size is removed from the script code, with the opcode that pushes it",
    only: Some((Only::Accept, "signatures of the whole script are among the cases of the script code")),
};
const CODE: Rule = Rule {
    source: "Bitcoin Core, SignatureHash",
    text: "the script code goes to the end of the script, or to the data of a push that is cut, which the length counts",
    only: None,
};
const AMOUNT: Rule = Rule {
    source: "BIP 143, Specification",
    text: "an output of no amount can be spent",
    only: Some((Only::Accept, "signatures of other amounts are among the cases of what is committed to")),
};
const HASH_TYPE: Rule = Rule {
    source: "Bitcoin Core, CheckECDSASignature",
    text: "the last byte is the hash type, and no part of the encoded signature",
    only: None,
};
const STRICT: Rule = Rule {
    source: "BIP 66, DER encoding reference",
    text: "each length in a signature is checked before what it counts is looked at",
    only: None,
};
const KEYS: Rule = Rule {
    source: "Bitcoin Core, IsCompressedOrUncompressedPubKey",
    text: "policy wants 33 bytes after 02 or 03, or 65 after 04",
    only: None,
};
const COUNTS: Rule = Rule {
    source: "Bitcoin Core, EvalScript, OP_CHECKMULTISIG",
    text: "all elements that the counts ask for must be there, and no count is negative",
    only: None,
};
const NULLFAIL: Rule =
    Rule { source: "BIP 146, NULLFAIL", text: "a check that succeeds may have signatures", only: None };

pub(super) fn cases(group: &mut Group) {
    deleted_sizes(group);
    code_ends(group);
    amounts(group);
    for version in [Version::Bare, Version::P2wsh] {
        hash_type_in_s(group, version);
        strict(group, version);
        keys(group, version);
        counts(group, version);
        negative_counts(group, version);
    }
    for version in EARLIER {
        let spec = multisig(*version, 2, 2, &[]).under(Flags::NULLFAIL | Flags::NULLDUMMY);
        let base = accept(group, *version, "nullfail-valid", &NULLFAIL, "two signatures", spec);
        let change = |spec: &mut Spec| spec.stack[1] = all(3);
        let stops = at(Op::OP_CHECKMULTISIG, ScriptError::SigNullFail);
        let differs = "the first is by a key that is not there";
        reject(group, *version, &base, "nullfail-invalid", &NULLFAIL, differs, change, stops);
    }
}

fn check_sig() -> Script {
    Script::new().push(&Key(1).compressed()).op(Op::OP_CHECKSIG)
}

fn all(key: u8) -> Item {
    Ecdsa::new(Key(key), 0x01).into()
}

/// Returns the bytes of a script. The script must not contain items that depend on the transaction.
fn built(script: &Script) -> Vec<u8> {
    script.build(|_| Err("no item".into())).unwrap_or_default()
}

/// Extends an ECDSA signature to `size` bytes, by zeros between S and the hash type. Only the strict DER rule (BIP 66)
/// forbids these zeros.
pub(super) fn padded_to(signature: Item, size: usize) -> Item {
    Item::made(move |maker, tweak| {
        let mut bytes = maker.make_tweaked(&signature, tweak)?;
        let place = bytes.len() - 1;
        bytes.splice(place..place, vec![0; size.saturating_sub(place + 1)]);
        Ok(bytes)
    })
}

fn deleted_sizes(group: &mut Group) {
    for version in LEGACY {
        for size in [75, 76, 77, 78, 255, 256, 257, 300, 519, 520] {
            // A redeem script is limited to 520 bytes, and contains the signature.
            if *version == Version::P2sh && size > 400 {
                continue;
            }
            let code = built(&Script::new().op(Op::OP_DROP).then(check_sig()));
            let signature = Ecdsa { script_code: Some(code), ..Ecdsa::new(Key(1), 0x01) };
            let signature = padded_to(signature.into(), size);
            let script = Script::new().item(signature.clone()).op(Op::OP_DROP).then(check_sig());
            let spec = Spec::new(*version, script).with(signature).without(Flags::DERSIG);
            let comment = format!("the signature has {size} bytes");
            accept(group, *version, &format!("delete-{size}"), &DELETE, &comment, spec);
        }
    }
}

fn code_ends(group: &mut Group) {
    for version in LEGACY {
        let script = |end: &[u8]| {
            Script::new().push(&Key(1).compressed()).ops(&[Op::OP_CHECKSIGVERIFY, Op::OP_1]).raw(end)
        };
        for (slug, end) in [("push", &[1, 5][..]), ("pushdata", &[2, 0, 1, Op::OP_VERIFY.0, 1, 0x4c])] {
            let id = format!("code-{slug}");
            let comment = "data follows the check, and ends the script";
            let base = accept(group, *version, &id, &CODE, comment, signed(*version, script(end), &[all(1)]));
            for cut in [&[2, 1][..], &[0x4c], &[0x4c, 3, 7, 7], &[0x4d, 1], &[0x4d, 1, 0], &[0x4e, 1, 0, 0]] {
                let change = |spec: &mut Spec| spec.script = script(&[end, cut].concat());
                let differs = format!("{} follows, a push that is cut", hex::encode(cut));
                let stops = at(Op(cut[0]), ScriptError::BadOpcode);
                let id = format!("{id}-cut-{}", hex::encode(cut));
                reject(group, *version, &base, &id, &CODE, &differs, change, stops);
            }
        }
    }
}

fn amounts(group: &mut Group) {
    for version in EARLIER {
        for amount in [0, 1, i64::MAX.unsigned_abs()] {
            let mut spec = Spec::new(*version, check_sig()).with(all(1));
            spec.shape.inputs[1].amount = amount;
            accept(group, *version, &format!("amount-{amount}"), &AMOUNT, &format!("{amount} satoshi"), spec);
        }
    }
}

/// Adds a valid ECDSA case, and a rejected case whose signature lacks the hash type byte. The last byte of S happens to
/// be 01, so a buggy implementation may use it as SIGHASH_ALL.
fn hash_type_in_s(group: &mut Group, version: Version) {
    let ends_with_type = Item::made(|maker, _| {
        for nonce in 1..10_000 {
            let mut bytes = maker.make(&Ecdsa { nonce, ..Ecdsa::new(Key(1), 0x01) }.into())?;
            if bytes.pop() == Some(0x01) && bytes.ends_with(&[0x01]) {
                return Ok(bytes);
            }
        }
        Err("no nonce gives an S that ends with the hash type".into())
    });
    let spec = Spec::new(version, check_sig()).with(all(1)).without(Flags::DERSIG);
    let base = accept(group, version, "hash-type-last", &HASH_TYPE, "the hash type follows S", spec);
    let change = |spec: &mut Spec| spec.stack[0] = ends_with_type;
    let stops = in_phase(phase(version), ScriptError::EvalFalse);
    let differs = "it is the last byte of S";
    reject(group, version, &base, "hash-type-in-s", &HASH_TYPE, differs, change, stops);
}

/// Adds cases of malformed small DER signatures: truncated to each size, or with one of their three length bytes
/// changed.
fn strict(group: &mut Group, version: Version) {
    const SMALL: [u8; 9] = [0x30, 6, 2, 1, 1, 2, 1, 1, 0x01];
    const LONG: [u8; 12] = [0x30, 9, 2, 2, 1, 1, 2, 3, 1, 1, 1, 0x01];
    let spec = Spec::new(version, check_sig().op(Op::OP_NOT)).with(bytes(&LONG));
    let base =
        accept(group, version, "strict", &STRICT, "strict DER of integers of two and three bytes", spec);
    let mut bad: Vec<(String, Vec<u8>)> = Vec::new();
    for size in 1..SMALL.len() {
        bad.push((format!("first-{size}"), SMALL[..size].to_vec()));
        // The length of the sequence is adjusted to the truncated contents.
        let mut shorter = SMALL[..size].to_vec();
        if size > 3 {
            shorter[1] = size.to_le_bytes()[0] - 3;
            bad.push((format!("first-{size}-counted"), shorter));
        }
    }
    for (name, place) in [("length", 1), ("r", 3), ("s", 7)] {
        for length in (0..16).chain([0x7f, 0x80, 0x81, 0xff]).filter(|length| *length != LONG[place]) {
            let mut changed = LONG.to_vec();
            changed[place] = length;
            bad.push((format!("{name}-{length}"), changed));
        }
    }
    for (name, signature) in bad {
        let differs = format!("it is {}", hex::encode(&signature));
        let change = |spec: &mut Spec| spec.stack[0] = bytes(&signature);
        let stops = at(Op::OP_CHECKSIG, ScriptError::SigDer);
        reject(group, version, &base, &format!("strict-{name}"), &STRICT, &differs, change, stops);
    }
}

fn keys(group: &mut Group, version: Version) {
    let with = |key: &[u8]| Spec::new(version, Script::new().push(key).ops(&[Op::OP_CHECKSIG, Op::OP_NOT]));
    let good = |key: &[u8]| with(key).with_bytes(&[]).under(Flags::STRICTENC);
    let base =
        accept(group, version, "strict-key", &KEYS, "an uncompressed key", good(&Key(1).uncompressed()));
    for (size, firsts) in [
        (33, vec![0, 1, 4, 5, 6]),
        (65, vec![0, 1, 2, 3, 5, 6, 7]),
        (32, vec![2]),
        (34, vec![2]),
        (64, vec![4]),
        (66, vec![4]),
    ] {
        for first in firsts {
            let mut key = [Key(1).uncompressed(), vec![0]].concat();
            key.truncate(size);
            key[0] = first;
            let change = |spec: &mut Spec| spec.script = with(&key).script;
            let stops = at(Op::OP_CHECKSIG, ScriptError::PubkeyType);
            let differs = format!("it has {size} bytes and begins with {first:02x}");
            let id = format!("strict-key-{size}-{first:02x}");
            reject(group, version, &base, &id, &KEYS, &differs, change, stops);
        }
    }
}

/// Describes an input that spends an OP_CHECKMULTISIG script. It requires `signatures` of `keys`, and the witness or
/// scriptSig provides as many valid signatures and this dummy element.
fn multisig(version: Version, signatures: u8, keys: u8, dummy: &[u8]) -> Spec {
    let script = Script::new().number(signatures.into());
    let script = (1..=keys).fold(script, |script, key| script.push(&Key(key).compressed()));
    let spec = Spec::new(version, script.number(keys.into()).op(Op::OP_CHECKMULTISIG));
    (1..=signatures).fold(spec.with_bytes(dummy), |spec, key| spec.with(all(key)))
}

/// Adds OP_CHECKMULTISIG cases in which stack elements are missing, for every number of missing elements. NULLDUMMY is
/// not set.
fn counts(group: &mut Group, version: Version) {
    for keys in 1..=3 {
        for signatures in 1..=keys {
            let spec = multisig(version, signatures, keys, &[1]).without(Flags::NULLDUMMY);
            let id = format!("counts-{signatures}-of-{keys}");
            let base = accept(group, version, &id, &COUNTS, "all elements are there", spec);
            for missing in 1..=usize::from(signatures) + 1 {
                let change = |spec: &mut Spec| drop(spec.stack.drain(..missing));
                let stops = at(Op::OP_CHECKMULTISIG, ScriptError::InvalidStackOperation);
                let differs = format!("{missing} are missing at the bottom");
                let id = format!("{id}-missing-{missing}");
                reject(group, version, &base, &id, &COUNTS, &differs, change, stops);
            }
        }
    }
}

fn negative_counts(group: &mut Group, version: Version) {
    let opcode = Op::OP_CHECKMULTISIG;
    let script = |signatures: i64, keys: i64| {
        Script::new().number(signatures).push(&Key(1).compressed()).number(keys).op(opcode)
    };
    let spec = signed(version, script(0, 1), &[bytes(&[1])]).without(Flags::NULLDUMMY);
    let base = accept(group, version, "counts-0-of-1", &COUNTS, "no signature of one key", spec);
    for (slug, differs, signatures, keys, error) in [
        ("signatures", "there are -1 signatures", -1, 1, ScriptError::SigCount),
        ("keys", "there are -1 keys", 0, -1, ScriptError::PubkeyCount),
    ] {
        let change = |spec: &mut Spec| spec.script = script(signatures, keys);
        let id = format!("counts-negative-{slug}");
        reject(group, version, &base, &id, &COUNTS, differs, change, at(opcode, error));
    }
}
