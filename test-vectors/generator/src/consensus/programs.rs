//! Cases of witness programs: their form, P2WSH and P2WPKH, unknown versions, pay-to-anchor, and the scriptSig of such
//! inputs.

use bitcoin::hashes::{Hash, hash160};
use sigstack_interpreter::{Flags, Opcode as Op, Phase, ScriptError};

use super::boundaries_ecdsa::padded_to;
use super::build::{WITNESS_V0, accept, asm, at, bytes, in_phase, reject, signed, spend};
use crate::group::{Accepted, Group, Rule};
use crate::item::{Ecdsa, Item};
use crate::keys::Key;
use crate::script::Script;
use crate::shape::Field;
use crate::spec::{Spec, Verdict, Version};
use sigstack_vectors::Case;

const P2WSH: Rule = Rule {
    source: "BIP 141, Witness program",
    text: "of a version 0 program of 32 bytes the last element is the script, which has the program as its SHA-256",
    only: None,
};
const P2WPKH: Rule = Rule {
    source: "BIP 141, Witness program; BIP 143, Specification",
    text: "of a version 0 program of 20 bytes the witness is a signature and a key, which has the program as its HASH160",
    only: None,
};
const LENGTH: Rule =
    Rule { source: "BIP 141, Witness program", text: "a version 0 program has 20 or 32 bytes", only: None };
const SCRIPT_SIG: Rule = Rule {
    source: "BIP 141, Witness program",
    text: "the scriptSig is empty, or inside pay-to-script-hash just the shortest push of the program",
    only: None,
};
const UNKNOWN: Rule = Rule {
    source: "BIP 141, Witness program",
    text: "programs of other versions are anyone's to spend; policy refuses them",
    only: None,
};
const FORM: Rule = Rule {
    source: "BIP 141, Witness program",
    text: "a program is OP_0 to OP_16 and a direct push of 2 to 40 bytes, and nothing else; it must be true as a script",
    only: None,
};
const ANCHOR: Rule = Rule {
    source: "Bitcoin Core, CScript::IsPayToAnchor",
    text: "policy lets version 1 with the program 4e73 be spent, not inside pay-to-script-hash",
    only: None,
};
const INACTIVE: Rule = Rule {
    source: "BIP 141, Backward compatibility",
    text: "before segwit programs were anyone's to spend",
    only: None,
};

const PROGRAMS: &[Version] = &[Version::Program, Version::P2shProgram];

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("programs");
    for version in WITNESS_V0 {
        p2wsh(&mut group, *version);
    }
    for version in PROGRAMS {
        p2wpkh(&mut group, *version);
        p2wpkh_policy(&mut group, *version);
        length(&mut group, *version);
        unknown(&mut group, *version);
        form(&mut group, *version);
    }
    script_sig(&mut group);
    anchor(&mut group);
    inactive(&mut group);
    group.finish()
}

/// Returns the script of a witness program with this version and these program bytes.
fn program(version: u8, program: &[u8]) -> Script {
    let opcode = if version == 0 { Op::OP_0 } else { Op(0x50 + version) };
    let length = u8::try_from(program.len()).unwrap_or(u8::MAX);
    Script::new().op(opcode).raw(&[&[length], program].concat())
}

fn p2wsh(group: &mut Group, version: Version) {
    let base = accept(group, version, "script", &P2WSH, "a witness script", spend(version, asm("1"), ""));
    let stop = |error| in_phase(Phase::WitnessProgram, error);
    let none = |spec: &mut Spec| *spec = spec.clone().edited(|_, witness| witness.clear());
    let verdict = stop(ScriptError::WitnessProgramWitnessEmpty);
    reject(group, version, &base, "script-none", &P2WSH, "the witness is empty", none, verdict);
    let other = |spec: &mut Spec| *spec = spec.clone().edited(|_, witness| *witness = vec![vec![0x52]]);
    let verdict = stop(ScriptError::WitnessProgramMismatch);
    reject(group, version, &base, "script-other", &P2WSH, "the script is another one", other, verdict);
    let after = |spec: &mut Spec| *spec = spec.clone().edited(|_, witness| witness.push(vec![]));
    let differs = "an empty element follows it";
    reject(group, version, &base, "script-not-last", &P2WSH, differs, after, verdict);
}

/// Describes an input that spends a P2WPKH output. `key` is the public key and `signature` its signature, both in the
/// witness.
fn key_hash(version: Version, key: &[u8], signature: Item) -> Spec {
    let hash = hash160::Hash::hash(key).to_byte_array();
    signed(version, program(0, &hash), &[signature, bytes(key)])
}

/// Creates an ECDSA signature for a P2WPKH input. Its scriptCode is the pay-to-public-key-hash script of the key.
fn key_hash_signature(signer: Key, key: &[u8], hash_type: u8) -> Ecdsa {
    let hash = hash160::Hash::hash(key).to_byte_array();
    let code = [&[0x76, 0xa9, 20], hash.as_slice(), &[0x88, 0xac]].concat();
    Ecdsa { script_code: Some(code), ..Ecdsa::new(signer, hash_type) }
}

fn p2wpkh(group: &mut Group, version: Version) {
    let key = Key(1).compressed();
    let good = key_hash(version, &key, key_hash_signature(Key(1), &key, 1).into());
    let base = accept(group, version, "key", &P2WPKH, "a signature and its key", good);
    let mismatch = in_phase(Phase::WitnessProgram, ScriptError::WitnessProgramMismatch);
    let signature = || Item::from(key_hash_signature(Key(1), &key, 1));
    let mut other_tx = key_hash_signature(Key(1), &key, 1);
    other_tx.signed_with = vec![Field::OwnAmount];
    let other_key = at(Op::OP_EQUALVERIFY, ScriptError::EqualVerify);
    let false_at_end = in_phase(Phase::WitnessScript, ScriptError::EvalFalse);
    let rows: [(&str, &str, Vec<Item>, Verdict); 7] = [
        ("none", "the witness is empty", vec![], mismatch),
        ("one", "there is no signature", vec![bytes(&key)], mismatch),
        ("three", "there is an element more", vec![bytes(&[]), signature(), bytes(&key)], mismatch),
        ("other-key", "the key is another one", vec![signature(), bytes(&Key(2).compressed())], other_key),
        (
            "other-signer",
            "the signature is another key's",
            vec![key_hash_signature(Key(2), &key, 1).into(), bytes(&key)],
            false_at_end,
        ),
        (
            "other-amount",
            "the signature is for another amount",
            vec![other_tx.into(), bytes(&key)],
            false_at_end,
        ),
        ("empty", "the signature is empty", vec![bytes(&[]), bytes(&key)], false_at_end),
    ];
    for (slug, differs, stack, verdict) in rows {
        let change = |spec: &mut Spec| spec.stack = stack;
        reject(group, version, &base, &format!("key-{slug}"), &P2WPKH, differs, change, verdict);
    }
    let whole = |spec: &mut Spec| spec.stack = vec![Ecdsa::new(Key(1), 1).into(), bytes(&key)];
    let differs = "the signature is of the program instead of the script that it stands for";
    reject(group, version, &base, "key-program-signed", &P2WPKH, differs, whole, false_at_end);
    // Without DERSIG, a valid signature can have as many bytes as an element may have.
    let long = |size: usize| padded_to(signature(), size);
    let spec = key_hash(version, &key, long(520)).without(Flags::DERSIG);
    let base = accept(group, version, "key-520", &P2WPKH, "the signature has 520 bytes", spec);
    let change = |spec: &mut Spec| spec.stack = vec![long(521), bytes(&key)];
    let too_long = in_phase(Phase::WitnessScript, ScriptError::PushSize);
    reject(group, version, &base, "key-521", &P2WPKH, "it has a byte more", change, too_long);
}

fn p2wpkh_policy(group: &mut Group, version: Version) {
    let key = Key(1).compressed();
    let check_sig = |error| at(Op::OP_CHECKSIG, error);
    let make = |key: &[u8], signature: Ecdsa| key_hash(version, key, signature.into());
    let uncompressed = Key(1).uncompressed();
    let hybrid = Key(1).hybrid();
    let high = Ecdsa { high_s: true, ..key_hash_signature(Key(1), &key, 1) };
    let of = |key: &[u8], hash_type: u8| key_hash_signature(Key(1), key, hash_type);
    for (slug, comment, spec, flag, error) in [
        (
            "uncompressed",
            "an uncompressed key",
            make(&uncompressed, of(&uncompressed, 1)),
            Flags::WITNESS_PUBKEYTYPE,
            ScriptError::WitnessPubkeyType,
        ),
        ("hybrid", "a hybrid key", make(&hybrid, of(&hybrid, 1)), Flags::STRICTENC, ScriptError::PubkeyType),
        ("high-s", "a signature with the higher S", make(&key, high), Flags::LOW_S, ScriptError::SigHighS),
        (
            "hash-type",
            "the hash type 0x04",
            make(&key, of(&key, 4)),
            Flags::STRICTENC,
            ScriptError::SigHashtype,
        ),
    ] {
        let slug = format!("key-{slug}");
        let comment = format!("{comment}, which consensus takes");
        let base = accept(group, version, &slug, &P2WPKH, &comment, spec);
        let change = |spec: &mut Spec| spec.flags |= flag;
        let id = format!("{slug}-refused");
        reject(group, version, &base, &id, &P2WPKH, "policy refuses it", change, check_sig(error));
    }
    let good = make(&key, of(&key, 1)).under(Flags::NULLFAIL);
    let base = accept(group, version, "key-strict", &P2WPKH, "a valid signature in strict DER", good);
    let flipped = Item::from(of(&key, 1)).flipped(0);
    let change = |spec: &mut Spec| spec.stack = vec![flipped, bytes(&key)];
    let verdict = check_sig(ScriptError::SigDer);
    reject(group, version, &base, "key-der", &P2WPKH, "it does not begin with 0x30", change, verdict);
    let other = Item::from(key_hash_signature(Key(2), &key, 1));
    let change = |spec: &mut Spec| spec.stack = vec![other, bytes(&key)];
    let verdict = check_sig(ScriptError::SigNullFail);
    let differs = "it is another key's, and policy wants it empty then";
    reject(group, version, &base, "key-nullfail", &P2WPKH, differs, change, verdict);
}

fn length(group: &mut Group, version: Version) {
    // A version 2 program of the same length has no rules, so anyone can spend it.
    for length in [2, 19, 21, 31, 33, 40] {
        let base = spend(version, program(2, &vec![1; length]), "");
        let id = format!("length-{length}");
        let comment = format!("a version 2 program of {length} bytes");
        let base = accept(group, version, &id, &LENGTH, &comment, base);
        let change = |spec: &mut Spec| spec.script = program(0, &vec![1; length]);
        let verdict = in_phase(Phase::WitnessProgram, ScriptError::WitnessProgramWrongLength);
        reject(group, version, &base, &format!("{id}-v0"), &LENGTH, "it is of version 0", change, verdict);
    }
}

fn unknown(group: &mut Group, version: Version) {
    let refused = in_phase(Phase::WitnessProgram, ScriptError::DiscourageUpgradableWitnessProgram);
    let flag = Flags::DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM;
    let mut programs: Vec<(String, Script)> =
        (2..=16).map(|nth| (format!("version-{nth}"), program(nth, &[7; 32]))).collect();
    for length in [2, 20, 31, 33, 40] {
        programs.push((format!("version-1-length-{length}"), program(1, &vec![7; length])));
    }
    if version == Version::P2shProgram {
        programs.push(("version-1-length-32".into(), program(1, &[7; 32])));
    }
    for (slug, script) in programs {
        let comment = format!("{} with an element in the witness", slug.replace('-', " "));
        let base = accept(group, version, &slug, &UNKNOWN, &comment, spend(version, script, "0x"));
        let change = |spec: &mut Spec| spec.flags |= flag;
        let id = format!("{slug}-refused");
        reject(group, version, &base, &id, &UNKNOWN, "policy refuses it", change, refused);
    }
    let base = spend(version, program(16, &[7; 40]), "");
    accept(group, version, "no-witness", &UNKNOWN, "version 16 with an empty witness", base);
}

/// Adds cases of scriptPubKeys, or redeem scripts, that almost have the form of a witness program.
fn form(group: &mut Group, version: Version) {
    let base = spend(version, program(3, &[7; 2]), "");
    let base = accept(group, version, "form", &FORM, "version 3 of two bytes", base);
    // A witness is not allowed if the spent script is not a witness program.
    let unexpected = in_phase(Phase::Finish, ScriptError::WitnessUnexpected);
    for (slug, differs, script) in [
        ("one-byte", "it has one byte", program(3, &[7])),
        ("41-bytes", "it has 41 bytes", program(3, &[7; 41])),
        ("pushdata1", "it is pushed by OP_PUSHDATA1", asm("3 PUSHDATA1 0x02 0x0707")),
        ("nop", "an OP_NOP follows", program(3, &[7; 2]).op(Op::OP_NOP)),
        ("number", "its version is 17, which no opcode pushes", asm("0x01 0x11 0x02 0x0707")),
        ("negative", "its version is -1", asm("-1 0x02 0x0707")),
    ] {
        let change = |spec: &mut Spec| *spec = spend(version, script, "1");
        let id = format!("form-{slug}");
        let differs = format!("{differs} and there is a witness, which only programs have");
        reject(group, version, &base, &id, &FORM, &differs, change, unexpected);
    }
    let zeros = |spec: &mut Spec| spec.script = program(3, &[0; 2]);
    let stop = if version == Version::Program { Phase::ScriptPubKey } else { Phase::RedeemScript };
    let verdict = in_phase(stop, ScriptError::EvalFalse);
    let differs = "the program is zeros, which are false as a script";
    reject(group, version, &base, "form-zeros", &FORM, differs, zeros, verdict);
}

fn script_sig(group: &mut Group) {
    let malleated = in_phase(Phase::WitnessProgram, ScriptError::WitnessMalleated);
    let key = Key(1).compressed();
    let p2wpkh = |version| key_hash(version, &key, key_hash_signature(Key(1), &key, 1).into());
    let taproot_leaf = spend(Version::Tapscript, asm("1"), "");
    let key_path: Item = {
        use crate::item::Signature;
        let signature = Signature::new(Key(0), 0, sigstack_interpreter::KeyVersion::Bip342);
        Signature { key_version: None, ..signature }.into()
    };
    let unknown = |version| spend(version, program(9, &[7; 8]), "");
    for (version, slug, spec) in [
        (Version::P2wsh, "p2wsh", spend(Version::P2wsh, asm("1"), "")),
        (Version::Program, "p2wpkh", p2wpkh(Version::Program)),
        (Version::Tapscript, "leaf", taproot_leaf),
        (Version::KeyPath, "key", signed(Version::KeyPath, Script::new(), &[key_path])),
        (Version::Program, "unknown", unknown(Version::Program)),
    ] {
        let id = format!("scriptsig-{slug}");
        let base = accept(group, version, &id, &SCRIPT_SIG, "the scriptSig is empty", spec);
        let change = |spec: &mut Spec| *spec = spec.clone().edited(|input, _| input.script_sig = vec![0x51]);
        let id = format!("{id}-malleated");
        reject(group, version, &base, &id, &SCRIPT_SIG, "it has an OP_1", change, malleated);
    }
    let malleated = in_phase(Phase::WitnessProgram, ScriptError::WitnessMalleatedP2sh);
    for (version, slug, spec) in [
        (Version::P2shP2wsh, "p2wsh", spend(Version::P2shP2wsh, asm("1"), "")),
        (Version::P2shProgram, "p2wpkh", p2wpkh(Version::P2shProgram)),
        (Version::P2shProgram, "unknown", unknown(Version::P2shProgram)),
    ] {
        let id = format!("scriptsig-{slug}");
        let base = accept(group, version, &id, &SCRIPT_SIG, "the scriptSig pushes the program", spec);
        let before = |spec: &mut Spec| spec.script_sig = vec![0x51];
        let differs = "it pushes 1 before it";
        reject(group, version, &base, &format!("{id}-before"), &SCRIPT_SIG, differs, before, malleated);
        let long = |spec: &mut Spec| {
            *spec = spec.clone().edited(|input, _| input.script_sig.insert(0, Op::OP_PUSHDATA1.0));
        };
        let differs = "it pushes it by OP_PUSHDATA1";
        reject(group, version, &base, &format!("{id}-pushdata1"), &SCRIPT_SIG, differs, long, malleated);
    }
}

fn anchor(group: &mut Group) {
    let flag = Flags::DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM;
    let refused = in_phase(Phase::WitnessProgram, ScriptError::DiscourageUpgradableWitnessProgram);
    let anchor = |version, program_bytes: &[u8], number| {
        spend(version, program(number, program_bytes), "").under(flag)
    };
    let version = Version::Program;
    let base = anchor(version, &[0x4e, 0x73], 1);
    let base: Accepted = accept(group, version, "anchor", &ANCHOR, "pay-to-anchor, an empty witness", base);
    for (slug, differs, spec) in [
        ("other", "the program is 4e74", anchor(version, &[0x4e, 0x74], 1)),
        ("longer", "the program is 4e7300", anchor(version, &[0x4e, 0x73, 0], 1)),
        ("version-2", "it is of version 2", anchor(version, &[0x4e, 0x73], 2)),
    ] {
        let id = format!("anchor-{slug}");
        reject(group, version, &base, &id, &ANCHOR, differs, |it| *it = spec, refused);
    }
    let with = spend(version, program(1, &[0x4e, 0x73]), "7").under(flag);
    accept(group, version, "anchor-witness", &ANCHOR, "with a witness", with);
    let version = Version::P2shProgram;
    let base = spend(version, program(1, &[0x4e, 0x73]), "");
    let comment = "inside pay-to-script-hash it is like any unknown program";
    let base = accept(group, version, "anchor", &ANCHOR, comment, base);
    let change = |spec: &mut Spec| spec.flags |= flag;
    reject(group, version, &base, "anchor-refused", &ANCHOR, "policy refuses it", change, refused);
}

fn inactive(group: &mut Group) {
    let off = Flags::WITNESS | Flags::TAPROOT;
    for version in WITNESS_V0 {
        let spec = spend(*version, asm("1 RETURN"), "").without(off);
        let comment = "a witness script that would fail, before segwit";
        let base = accept(group, *version, "inactive", &INACTIVE, comment, spec);
        let change = |spec: &mut Spec| spec.flags |= Flags::WITNESS;
        let verdict = at(Op::OP_RETURN, ScriptError::OpReturn);
        reject(group, *version, &base, "inactive-active", &INACTIVE, "segwit is active", change, verdict);
    }
}
