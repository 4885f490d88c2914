//! Cases that combine several proposals: scripts of payment channels and of other uses.

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

use sha2::{Digest, Sha256};
use sigstack_interpreter::{Flags, KeyVersion, Opcode, PROPOSALS, Phase, ScriptError};

use super::group::{Accepted, Group, Only, Rule};
use super::item::{Item, Signature};
use super::keys::{Key, bytes_of};
use super::script::Script;
use super::shape::Field;
use super::spec::{Spec, StopsAt, Verdict};
use sigstack_vectors::Case;

const REBIND: Rule = Rule {
    source: "BIP 348, LN Symmetry",
    text: "a signature of a template from the stack binds to any prevout, and to this transaction only",
    only: None,
};
const COVENANT: Rule = Rule {
    source: "BIP 118, Signature message",
    text: "a signature in the script, by a key that anybody has, lets only the transaction pass that it signs",
    only: None,
};
const DELEGATION: Rule =
    Rule { source: "BIP 348, Delegation", text: "a key that a key signed may sign for it", only: None };
const SEQUENCE: Rule = Rule {
    source: "BIP 348, Specification",
    text: "a signed number that is newer than the one in the script is evidence against it",
    only: None,
};
const SHARED_BUDGET: Rule = Rule {
    source: "BIP 342, Resource limits",
    text: "all signature opcodes and all kinds of keys draw on one budget",
    only: None,
};
const SCAN: Rule = Rule {
    source: "BIP 342, Script execution",
    text: "an inactive opcode of one proposal makes a script succeed, whatever the active ones of others would do",
    only: None,
};
const TEMPLATE_SIZE: Rule = Rule {
    source: "BIP 119, Detailed Specification",
    text: "an argument from the witness that is not 32 bytes is a NOP to OP_CHECKTEMPLATEVERIFY: the script must check the size",
    only: None,
};
const ALL: Rule = Rule {
    source: "BIP 342, Script execution",
    text: "every proposal in one script",
    only: Some((Only::Accept, "what each refuses is among its own cases")),
};

const CTV: Opcode = Opcode::OP_CHECKTEMPLATEVERIFY;
const CSFS: Opcode = Opcode::OP_CHECKSIGFROMSTACK;
const IK: Opcode = Opcode::OP_INTERNALKEY;
const PC: Opcode = Opcode::OP_PAIRCOMMIT;
const TH: Opcode = Opcode::OP_TEMPLATEHASH;
const VERIFY: Opcode = Opcode::OP_VERIFY;
const CHECKSIG: Opcode = Opcode::OP_CHECKSIG;
const CLTV: Opcode = Opcode::OP_CHECKLOCKTIMEVERIFY;

fn at(error: ScriptError, opcode: Opcode) -> Verdict {
    Verdict::Reject(error, StopsAt::Opcode(opcode))
}

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("mixed");
    symmetric_channels(&mut group);
    signed_covenant(&mut group);
    delegation(&mut group);
    signed_sequence(&mut group);
    budget(&mut group);
    scan(&mut group);
    short_template(&mut group);
    everything(&mut group);
    group.finish()
}

/// Adds cases of the update leaf of LN-Symmetry channels, in several variants. The spent output is of state 7, and the
/// transaction updates the channel to state 8.
fn symmetric_channels(group: &mut Group) {
    const START: i64 = 500_000_000;
    let locked = |spec: Spec| {
        let mut spec = spec;
        spec.shape.lock_time = 500_000_008;
        spec
    };
    let after = |script: Script| script.op(VERIFY).number(START + 8).op(CLTV);
    let template = |fields: &[Field]| Item::CheckTemplate(fields.to_vec());

    // CTV and CSFS, with the channel's key in the script or as the internal key.
    for (slug, flags, script) in [
        ("ctv-csfs", Flags::NONE, Script::new().op(CTV).push(&Key(0).x_only()).op(CSFS)),
        ("ctv-csfs-ik", Flags::INTERNALKEY, Script::new().ops(&[CTV, IK, CSFS])),
    ] {
        let flags = flags | Flags::CHECKTEMPLATEVERIFY | Flags::CHECKSIGFROMSTACK;
        let update = |fields: &[Field]| {
            let signed = Item::signed(Key(0), template(fields));
            locked(Spec::tapscript(after(script.clone())).under(flags).with(signed).with(template(fields)))
        };
        let base = group.accept(
            &format!("{slug}-update"),
            &REBIND,
            "an update with its signed template",
            update(&[]),
        );
        rebinding(group, &base, slug, &update, at(ScriptError::TemplateMismatch, CTV));
        group.reject(
            &base,
            &format!("{slug}-older"),
            &REBIND,
            "the script wants a newer state",
            |spec| spec.script = script.clone().op(VERIFY).number(START + 9).op(CLTV),
            at(ScriptError::UnsatisfiedLocktime, CLTV),
        );
        let forged = Item::signed(Key(1), template(&[]));
        let id = format!("{slug}-other-signer");
        let invalid = at(ScriptError::SchnorrSig, CSFS);
        group.reject(
            &base,
            &id,
            &REBIND,
            "another key signed the template",
            |spec| spec.stack[0] = forged,
            invalid,
        );
    }

    let flags = Flags::TEMPLATEHASH | Flags::CHECKSIGFROMSTACK | Flags::INTERNALKEY;
    let update = |fields: &[Field]| {
        let signed = Item::signed(Key(0), Item::TemplateHash(fields.to_vec()));
        locked(Spec::tapscript(after(Script::new().ops(&[TH, IK, CSFS]))).under(flags).with(signed))
    };
    let base = group.accept("th-csfs-ik-update", &REBIND, "an update with its signed template", update(&[]));
    rebinding(group, &base, "th-csfs-ik", &update, at(ScriptError::SchnorrSig, CSFS));

    let signature = |fields: &[Field]| {
        let signature = Signature::new(Key(0), 0xc1, KeyVersion::Bip118);
        Signature { signed_with: fields.to_vec(), ..signature }
    };
    let update = |fields: &[Field]| {
        let script = Script::new().ops(&[Opcode::OP_1, Opcode::OP_CHECKSIGVERIFY]).number(START + 8).op(CLTV);
        locked(Spec::tapscript(script).under(Flags::ANYPREVOUT).with(signature(fields)))
    };
    let base = group.accept("apo-update", &REBIND, "an update signed with ANYPREVOUTANYSCRIPT", update(&[]));
    rebinding(group, &base, "apo", &update, at(ScriptError::SchnorrSig, Opcode::OP_CHECKSIGVERIFY));

    // The signature commits to the settlement hash, so the update transaction publishes that hash.
    let flags = flags | Flags::CHECKTEMPLATEVERIFY | Flags::PAIRCOMMIT;
    let settlement = bytes_of("settlement", 32);
    let update = |settlement: &[u8], shown: &[u8]| {
        let message = Item::Pair(Box::new(Item::Bytes(settlement.to_vec())), Box::new(template(&[])));
        let signed = Item::signed(Key(0), message);
        let script = after(Script::new().ops(&[CTV, PC, IK, CSFS]));
        locked(Spec::tapscript(script).under(flags).with(signed).with_bytes(shown).with(template(&[])))
    };
    let base = group.accept(
        "ctv-pc-ik-csfs-update",
        &REBIND,
        "an update that publishes its settlement",
        update(&settlement, &settlement),
    );
    let hidden = update(&settlement, &[0; 32]);
    group.reject(
        &base,
        "ctv-pc-ik-csfs-other-settlement",
        &REBIND,
        "the settlement that it shows is not the one that was signed",
        |spec| spec.stack = hidden.stack,
        at(ScriptError::SchnorrSig, CSFS),
    );
}

/// Adds valid and rejected cases of LN-Symmetry updates. In the valid cases the update signature was made for a
/// transaction that spends another prevout. In the rejected cases it was made for a transaction with another version,
/// sequence or output.
fn rebinding(
    group: &mut Group,
    base: &Accepted,
    slug: &str,
    update: &impl Fn(&[Field]) -> Spec,
    refused: Verdict,
) {
    for field in [Field::OwnOutpoint, Field::OwnAmount, Field::OwnScriptPubKey, Field::OtherAmount] {
        let id = format!("{slug}-{}", field.slug());
        let difference = format!("what was signed is a spend with {}", field.words());
        let stack = update(&[field]).stack;
        group.accept_changed(base, &id, &REBIND, &difference, |spec| spec.stack = stack);
    }
    for field in [Field::Version, Field::OwnSequence, Field::OwnOutput, Field::OutputAdded] {
        let id = format!("{slug}-{}", field.slug());
        let difference = format!("what was signed is a spend with {}", field.words());
        let stack = update(&[field]).stack;
        group.reject(base, &id, &REBIND, &difference, |spec| spec.stack = stack, refused);
    }
}

/// Adds cases of a covenant made from a signature: the leaf script contains a signature of the spending transaction and
/// checks it.
fn signed_covenant(group: &mut Group) {
    let signature = |hash_type: u8, fields: &[Field]| {
        let signature = Signature::new(Key(9), hash_type, KeyVersion::Bip118);
        Item::from(Signature { signed_with: fields.to_vec(), ..signature })
    };
    let covenant = |hash_type: u8, fields: &[Field]| {
        let script = Script::new().item(signature(hash_type, fields)).push(&Key(9).bip118()).op(CHECKSIG);
        Spec::tapscript(script).under(Flags::ANYPREVOUT)
    };
    for hash_type in [0xc1, 0xc2, 0xc3] {
        let id = format!("covenant-{hash_type:02x}");
        let base = group.accept(
            &id,
            &COVENANT,
            "the transaction that the signature in the script is of",
            covenant(hash_type, &[]),
        );
        for field in [Field::Version, Field::LockTime, Field::OwnSequence] {
            group.reject(
                &base,
                &format!("{id}-{}", field.slug()),
                &COVENANT,
                &format!("the signature is of a spend with {}", field.words()),
                |spec| spec.script = covenant(hash_type, &[field]).script,
                at(ScriptError::SchnorrSig, CHECKSIG),
            );
        }
        for field in [Field::OwnOutpoint, Field::OwnAmount, Field::InputAdded] {
            let script = covenant(hash_type, &[field]).script;
            let difference = format!("the signature is of a spend with {}", field.words());
            let id = format!("{id}-{}", field.slug());
            group.accept_changed(&base, &id, &COVENANT, &difference, |spec| spec.script = script);
        }
    }
}

/// Adds cases of delegation from a key to another key. The script is `<key> SWAP IF 2 PICK SWAP CSFS VERIFY ENDIF
/// CHECKSIG`. It accepts a signature of the transaction by the key itself, or by a second key that the first key has
/// signed.
fn delegation(group: &mut Group) {
    let script = Script::new()
        .push(&Key(1).x_only())
        .ops(&[Opcode::OP_SWAP, Opcode::OP_IF, Opcode::OP_2, Opcode::OP_PICK, Opcode::OP_SWAP, CSFS, VERIFY])
        .ops(&[Opcode::OP_ENDIF, CHECKSIG]);
    let sign = |key| Item::from(Signature::new(key, 0, KeyVersion::Bip342));
    let spec = Spec::tapscript(script).under(Flags::CHECKSIGFROMSTACK);
    let direct = spec.clone().with(sign(Key(1))).with_bytes(&[]);
    let base = group.accept("delegation-direct", &DELEGATION, "the key itself signs", direct);
    let id = "delegation-direct-other";
    let invalid = at(ScriptError::SchnorrSig, CHECKSIG);
    group.reject(&base, id, &DELEGATION, "another key signs", |spec| spec.stack[0] = sign(Key(2)), invalid);
    let delegate = Key(2).x_only();
    let delegated =
        spec.with(sign(Key(2))).with_bytes(&delegate).with(Item::message(Key(1), &delegate)).with_bytes(&[1]);
    let base = group.accept("delegation-delegate", &DELEGATION, "a key that the key signed signs", delegated);
    group.reject(
        &base,
        "delegation-unsigned",
        &DELEGATION,
        "the key did not sign the delegate",
        |spec| spec.stack[2] = Item::message(Key(3), &delegate),
        at(ScriptError::SchnorrSig, CSFS),
    );
    group.reject(
        &base,
        "delegation-other-delegate",
        &DELEGATION,
        "another delegate is shown",
        |spec| spec.stack[1] = Item::Bytes(Key(4).x_only().to_vec()),
        at(ScriptError::SchnorrSig, CSFS),
    );
    group.reject(
        &base,
        "delegation-not-signing",
        &DELEGATION,
        "another key than the delegate signs the transaction",
        |spec| spec.stack[0] = Signature::new(Key(4), 0, KeyVersion::Bip342).into(),
        at(ScriptError::SchnorrSig, CHECKSIG),
    );
}

/// Adds cases of a signed sequence number: party A signs a number that must exceed n. The script is `DUP <n>
/// GREATERTHAN VERIFY <A> CSFS VERIFY <B> CHECKSIG`, the witness is `<sig B> <sig A of m> <m>`.
fn signed_sequence(group: &mut Group) {
    let number = |number: i64| sigstack_interpreter::script_num::encode(number).as_bytes().to_vec();
    for (slug, own, newer) in
        [("small", 5, 6), ("70000", 70_000, 70_001), ("last", 2_147_483_646, 2_147_483_647)]
    {
        let script = Script::new()
            .op(Opcode::OP_DUP)
            .number(own)
            .ops(&[Opcode::OP_GREATERTHAN, VERIFY])
            .push(&Key(1).x_only())
            .ops(&[CSFS, VERIFY])
            .push(&Key(2).x_only())
            .op(CHECKSIG);
        let evidence = |spec: &mut Spec, value: i64| {
            spec.stack[1] = Item::message(Key(1), &number(value));
            spec.stack[2] = Item::Bytes(number(value));
        };
        let mut spec = Spec::tapscript(script).under(Flags::CHECKSIGFROMSTACK);
        spec = spec.with(Signature::new(Key(2), 0, KeyVersion::Bip342)).with_bytes(&[]).with_bytes(&[]);
        evidence(&mut spec, newer);
        let id = format!("sequence-{slug}");
        let base = group.accept(&id, &SEQUENCE, &format!("{newer} is newer than {own}"), spec);
        let not_newer = at(ScriptError::Verify, VERIFY);
        for (name, value) in [("same", own), ("older", own - 1)] {
            let id = format!("{id}-{name}");
            let difference = format!("the number is {value}");
            group.reject(&base, &id, &SEQUENCE, &difference, |spec| evidence(spec, value), not_newer);
        }
        for (name, difference, error, change) in [
            (
                "five-bytes",
                "the number has five bytes",
                at(ScriptError::ScriptNum, Opcode::OP_GREATERTHAN),
                (|spec: &mut Spec| spec.stack[2] = Item::Bytes(vec![1, 1, 1, 1, 1])) as fn(&mut Spec),
            ),
            (
                "other-number",
                "another number is shown than was signed",
                at(ScriptError::SchnorrSig, CSFS),
                |spec| spec.stack[2] = Item::Bytes(vec![0xff, 0xff, 0xff, 0x7f, 0x00][..4].to_vec()),
            ),
            ("forged", "another key signed the number", at(ScriptError::SchnorrSig, CSFS), |spec| {
                if let Item::Message { key, .. } = &mut spec.stack[1] {
                    *key = Key(3);
                }
            }),
            ("no-evidence", "the evidence is empty", at(ScriptError::Verify, VERIFY), |spec| {
                spec.stack[1] = Item::Bytes(vec![]);
            }),
            ("cheater-alone", "A signs instead of B", at(ScriptError::SchnorrSig, CHECKSIG), |spec| {
                spec.stack[0] = Signature::new(Key(1), 0, KeyVersion::Bip342).into();
            }),
        ] {
            // The largest number cannot be increased, so this case does not exist for it.
            if slug != "last" || name != "other-number" {
                group.reject(&base, &format!("{id}-{name}"), &SEQUENCE, difference, change, error);
            }
        }
        let mut long = number(newer);
        if long.len() < 4 {
            // A longer encoding of the same number, and a signature of that encoding.
            long.push(0);
            let change = |spec: &mut Spec| {
                spec.stack[1] = Item::message(Key(1), &long);
                spec.stack[2] = Item::Bytes(long.clone());
            };
            let id = format!("{id}-not-minimal");
            let difference = "the number is signed in a longer encoding, which consensus lets pass";
            group.accept_changed(&base, &id, &SEQUENCE, difference, change);
            group.reject(
                &base,
                &format!("{id}-refused"),
                &SEQUENCE,
                "the number is signed in a longer encoding, which policy refuses",
                |spec| {
                    spec.stack[1] = Item::message(Key(1), &long);
                    spec.stack[2] = Item::Bytes(long.clone());
                    spec.flags |= Flags::MINIMALDATA;
                },
                at(ScriptError::ScriptNum, Opcode::OP_GREATERTHAN),
            );
        }
    }
}

/// Adds cases in which checks of different kinds share one signature operation budget: BIP 342, BIP 118, an unknown key
/// type, OP_CHECKSIGFROMSTACK. The witness of the valid case is just large enough for all of them.
fn budget(group: &mut Group) {
    let flags = Flags::CHECKSIGFROMSTACK | Flags::ANYPREVOUT;
    let checks = |more: usize| {
        let each_kind = Script::new()
            .push(&Key(1).x_only())
            .ops(&[Opcode::OP_CHECKSIGVERIFY, Opcode::OP_1, Opcode::OP_CHECKSIGVERIFY])
            .push(&[5])
            .push(&[2; 33])
            .ops(&[Opcode::OP_CHECKSIGADD, Opcode::OP_DROP])
            .push(b"m")
            .push(&Key(1).x_only());
        let again = [Opcode::OP_3DUP, CSFS, Opcode::OP_DROP];
        (0..more).fold(each_kind, |script, _| script.ops(&again)).op(CSFS)
    };
    let spec = Spec::tapscript(checks(8))
        .under(flags)
        .with(Item::message(Key(1), b"m"))
        .with_bytes(&[1])
        .with(Signature::new(Key(0), 0xc1, KeyVersion::Bip118))
        .with(Signature::new(Key(1), 0, KeyVersion::Bip342));
    let base = group.accept(
        "budget",
        &SHARED_BUDGET,
        "twelve checks in a witness that pays for exactly as many",
        spec.padded_to(600),
    );
    group.reject(
        &base,
        "budget-one-more",
        &SHARED_BUDGET,
        "it is 13 checks",
        |spec| spec.script = checks(9),
        at(ScriptError::TapscriptValidationWeight, CSFS),
    );
}

fn scan(group: &mut Group) {
    let opcodes = [
        ("cat", Opcode::OP_CAT, Flags::OP_CAT),
        ("ik", IK, Flags::INTERNALKEY),
        ("csfs", CSFS, Flags::CHECKSIGFROMSTACK),
        ("pc", PC, Flags::PAIRCOMMIT),
        ("th", TH, Flags::TEMPLATEHASH),
    ];
    for (active, first, flag) in opcodes {
        for (inactive, second, other) in opcodes {
            if active == inactive {
                continue;
            }
            let skip = |opcode| [Opcode::OP_0, Opcode::OP_IF, opcode, Opcode::OP_ENDIF];
            let script = Script::new().ops(&skip(first)).ops(&skip(second)).op(Opcode::OP_0);
            let spec = Spec::tapscript(script).under(flag);
            let id = format!("scan-{active}-then-{inactive}");
            let comment = format!("{first} is active, {second} is not: the script succeeds");
            let base = group.accept(&id, &SCAN, &comment, spec);
            group.reject(
                &base,
                &format!("{id}-activated"),
                &SCAN,
                "both are active, and the script leaves false",
                |spec| spec.flags |= other,
                Verdict::Reject(ScriptError::EvalFalse, StopsAt::Phase(Phase::Tapscript)),
            );
        }
    }
}

/// Adds cases that show the danger of using one key both for template hashes and for other messages. A signature of the
/// one-byte message 7 satisfies `OP_CTV <key> OP_CSFS`, so anyone can spend the output.
fn short_template(group: &mut Group) {
    let flags = Flags::CHECKTEMPLATEVERIFY | Flags::CHECKSIGFROMSTACK;
    let open = Script::new().op(CTV).push(&Key(0).x_only()).op(CSFS);
    let closed = Script::new().op(Opcode::OP_SIZE).number(32).op(Opcode::OP_EQUALVERIFY).then(open.clone());
    let stolen = |script: &Script| {
        let spec = Spec::tapscript(script.clone()).under(flags);
        spec.with(Item::message(Key(0), &[7])).with_bytes(&[7])
    };
    let comment = "any transaction passes with a signature of the number 7 by the same key";
    let base = group.accept("short-template", &TEMPLATE_SIZE, comment, stolen(&open));
    group.reject(
        &base,
        "short-template-checked",
        &TEMPLATE_SIZE,
        "the script checks the size of the argument",
        |spec| spec.script = closed.clone(),
        at(ScriptError::EqualVerify, Opcode::OP_EQUALVERIFY),
    );
    let policy = |spec: &mut Spec| spec.flags |= Flags::DISCOURAGE_UPGRADABLE_CHECKTEMPLATEVERIFY;
    let refused = at(ScriptError::DiscourageUpgradableNops, CTV);
    group.reject(&base, "short-template-policy", &TEMPLATE_SIZE, "policy refuses it", policy, refused);
    let template = Item::CheckTemplate(vec![]);
    let spec =
        Spec::tapscript(closed).under(flags).with(Item::signed(Key(0), template.clone())).with(template);
    group.accept("full-template-checked", &TEMPLATE_SIZE, "a signed template of 32 bytes", spec);
}

/// Adds cases whose script uses all seven script proposals, without and with an annex.
fn everything(group: &mut Group) {
    let of_scripts = PROPOSALS.iter().filter(|proposal| proposal.is_of_scripts());
    let flags: Flags = of_scripts.map(|proposal| proposal.flag).collect();
    let (a, b) = (b"left".as_slice(), b"right".as_slice());
    let joined = [a, b].concat();
    let script = Script::new()
        .item(Item::CheckTemplate(vec![]))
        .ops(&[CTV, Opcode::OP_DROP, TH])
        .item(Item::TemplateHash(vec![]))
        .op(Opcode::OP_EQUALVERIFY)
        .push(a)
        .push(b)
        .ops(&[Opcode::OP_2DUP, PC])
        .push(&super::keys::pair_commitment(a, b))
        .ops(&[Opcode::OP_EQUALVERIFY, Opcode::OP_CAT, Opcode::OP_SHA256])
        .push(&Sha256::digest(joined))
        .ops(&[Opcode::OP_EQUALVERIFY, Opcode::OP_1, Opcode::OP_CHECKSIGVERIFY, IK, CSFS]);
    for annex in [None, Some(vec![0x50, 1])] {
        let mut spec = Spec::tapscript(script.clone()).under(flags);
        spec = spec.with(Item::message(Key(0), b"all")).with_bytes(b"all");
        spec = spec.with(Signature::new(Key(0), 0x41, KeyVersion::Bip118));
        let id = format!("everything{}", if annex.is_some() { "-annex" } else { "" });
        spec.annex = annex;
        group.accept(&id, &ALL, "all seven proposals, each executed", spec);
    }
}
