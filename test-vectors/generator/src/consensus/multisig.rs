//! Cases of OP_CHECKMULTISIG and OP_CHECKMULTISIGVERIFY.

use sigstack_interpreter::{Flags, Opcode as Op, ScriptError};

use super::build::{
    Change, EARLIER, Good, accept, at, bad, bad_end, bytes, in_phase, phase, reject, signed, twins,
};
use crate::group::{Group, Rule};
use crate::item::{Ecdsa, Item};
use crate::keys::Key;
use crate::script::Script;
use crate::spec::{Spec, Version};
use sigstack_vectors::Case;

const CHECK: Rule = Rule {
    source: "Bitcoin Core, EvalScript, Crypto",
    text: "OP_CHECKMULTISIG pushes whether each signature is that of a key, both in the same order",
    only: None,
};
const COUNTS: Rule = Rule {
    source: "Bitcoin Core, EvalScript, MAX_PUBKEYS_PER_MULTISIG",
    text: "there are 0 to 20 keys and no more signatures than keys; the stack has all of them and the dummy element, before any is looked at",
    only: None,
};
const NULLDUMMY: Rule =
    Rule { source: "BIP 147, Specification", text: "the dummy element must be empty", only: None };
const NULLFAIL: Rule = Rule {
    source: "BIP 146, NULLFAIL",
    text: "policy wants every signature of a check that fails to be empty",
    only: None,
};
const LOOKED_AT: Rule = Rule {
    source: "Bitcoin Core, EvalScript, Crypto",
    text: "keys and signatures are looked at from the last to the first, and only as far as needed",
    only: None,
};
const TAPSCRIPT: Rule = Rule {
    source: "BIP 342, Script execution",
    text: "in tapscript both opcodes fail where they are executed",
    only: None,
};

const NONE: Flags = Flags::NONE;

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("multisig");
    for version in EARLIER {
        check(&mut group, *version);
        policy(&mut group, *version);
        looked_at(&mut group, *version);
    }
    counts(&mut group);
    tapscript(&mut group);
    group.finish()
}

fn all(key: u8) -> Item {
    Ecdsa::new(Key(key), 0x01).into()
}

/// Returns the script `2 key1 key2 key3 3` followed by the opcode.
fn two_of_three(opcode: Op) -> Script {
    let script = Script::new().number(2);
    let keys = [1, 2, 3].iter().fold(script, |script, key| script.push(&Key(*key).compressed()));
    keys.number(3).op(opcode)
}

fn check(group: &mut Group, version: Version) {
    let good = [bytes(&[]), all(1), all(3)];
    let base = signed(version, two_of_three(Op::OP_CHECKMULTISIG), &good);
    let base =
        accept(group, version, "2-of-3", &CHECK, "the signatures of the first and the third key", base);
    let verdict = in_phase(phase(version), ScriptError::EvalFalse);
    let rows = [
        ("swapped", "they are in the other order", [bytes(&[]), all(3), all(1)]),
        ("twice", "the first signature is there twice", [bytes(&[]), all(1), all(1)]),
        ("other", "one is by a key that is not there", [bytes(&[]), all(1), all(4)]),
        ("empty", "one is empty", [bytes(&[]), bytes(&[]), all(3)]),
    ];
    for (slug, differs, stack) in rows.clone() {
        let id = format!("2-of-3-{slug}");
        reject(group, version, &base, &id, &CHECK, differs, |spec| spec.stack = stack.to_vec(), verdict);
    }
    let opcode = Op::OP_CHECKMULTISIGVERIFY;
    let base = signed(version, two_of_three(opcode).op(Op::OP_1), &good);
    let comment = "the signatures of the first and the third key";
    let base = accept(group, version, "verify-2-of-3", &CHECK, comment, base);
    for (slug, differs, stack) in rows.into_iter().take(2) {
        let id = format!("verify-2-of-3-{slug}");
        let verdict = at(opcode, ScriptError::CheckMultisigVerify);
        reject(group, version, &base, &id, &CHECK, differs, |spec| spec.stack = stack.to_vec(), verdict);
    }
}

fn policy(group: &mut Group, version: Version) {
    let multisig = Op::OP_CHECKMULTISIG;
    let dummy = |dummy: &[u8]| [bytes(dummy), all(1), all(3)];
    let base = signed(version, two_of_three(multisig), &dummy(&[]));
    let base = accept(group, version, "nulldummy", &NULLDUMMY, "the dummy element is empty", base);
    for (slug, differs, element) in [("zero-byte", "it is a zero byte", [0]), ("one", "it is 0x01", [1])] {
        let change = |spec: &mut Spec| spec.stack = dummy(&element).to_vec();
        let verdict = at(multisig, ScriptError::SigNullDummy);
        reject(group, version, &base, &format!("nulldummy-{slug}"), &NULLDUMMY, differs, change, verdict);
    }
    let base = signed(version, two_of_three(multisig), &dummy(&[1])).without(Flags::NULLDUMMY);
    let comment = "the dummy element may be anything without NULLDUMMY";
    accept(group, version, "nulldummy-not-asked", &NULLDUMMY, comment, base);

    let fails = two_of_three(multisig).op(Op::OP_NOT);
    let base = signed(version, fails.clone(), &[bytes(&[]), bytes(&[]), bytes(&[])]).under(Flags::NULLFAIL);
    let base = accept(group, version, "nullfail", &NULLFAIL, "empty signatures fail a check", base);
    for (slug, differs, stack) in [
        ("first", "the first is not empty", [bytes(&[]), all(1), bytes(&[])]),
        ("last", "the last is not empty", [bytes(&[]), bytes(&[]), all(3)]),
    ] {
        let verdict = at(multisig, ScriptError::SigNullFail);
        let id = format!("nullfail-{slug}");
        reject(group, version, &base, &id, &NULLFAIL, differs, |spec| spec.stack = stack.to_vec(), verdict);
    }
    let base = signed(version, fails, &[bytes(&[]), all(3), all(1)]);
    let comment = "consensus lets signatures in the wrong order fail a check";
    accept(group, version, "nullfail-not-asked", &NULLFAIL, comment, base);
}

fn looked_at(group: &mut Group, version: Version) {
    let script = |first: Vec<u8>, second: Vec<u8>| {
        Script::new().number(1).push(&first).push(&second).number(2).op(Op::OP_CHECKMULTISIG)
    };
    let good = script(Key(1).hybrid(), Key(2).compressed());
    let base = signed(version, good, &[bytes(&[]), all(2)]).under(Flags::STRICTENC);
    let comment = "the last key's signature: policy does not see that the first key is hybrid";
    let base = accept(group, version, "lazy", &LOOKED_AT, comment, base);
    let change = |spec: &mut Spec| spec.stack = vec![bytes(&[]), all(1)];
    let verdict = at(Op::OP_CHECKMULTISIG, ScriptError::PubkeyType);
    let differs = "the signature is the first key's";
    reject(group, version, &base, "lazy-first", &LOOKED_AT, differs, change, verdict);
    let change = |spec: &mut Spec| spec.script = script(Key(1).compressed(), Key(2).hybrid());
    let differs = "it is the last key that is hybrid";
    reject(group, version, &base, "lazy-last-hybrid", &LOOKED_AT, differs, change, verdict);
}

fn counts(group: &mut Group) {
    let multisig = Op::OP_CHECKMULTISIG;
    let zeros = |count: usize| "0 ".repeat(count);
    let of = |keys: usize| format!("0 {} {keys} CHECKMULTISIG", zeros(keys));
    let (most, more) = (of(20), of(21));
    let good =
        Good { slug: "keys-20", rule: &COUNTS, comment: "20 keys", stack: "0x", script: &most, flags: NONE };
    let stack_error = ScriptError::InvalidStackOperation;
    twins(
        group,
        EARLIER,
        good,
        &[bad("21", "there are 21", Change::Script(&more), ScriptError::PubkeyCount, multisig)],
    );
    let good = Good {
        slug: "keys-0",
        rule: &COUNTS,
        comment: "no signature of no key",
        stack: "0x 0 0",
        script: "CHECKMULTISIG",
        flags: NONE,
    };
    let number = ScriptError::ScriptNum;
    let rows = [
        bad("negative", "there are -1 keys", Change::Stack("0x 0 -1"), ScriptError::PubkeyCount, multisig),
        bad(
            "number",
            "the number of keys has five bytes",
            Change::Stack("0x 0 0x0000000000"),
            number,
            multisig,
        ),
        bad("nothing", "the stack is empty", Change::Stack(""), stack_error, multisig),
        bad(
            "no-signatures",
            "the number of signatures is missing",
            Change::Stack("0"),
            stack_error,
            multisig,
        ),
        bad("no-dummy", "the dummy element is missing", Change::Stack("0 0"), stack_error, multisig),
        bad("no-keys", "there is one key, which is missing", Change::Stack("0x 1"), stack_error, multisig),
    ];
    twins(group, EARLIER, good, &rows);
    let good = Good {
        slug: "signatures-1",
        rule: &COUNTS,
        comment: "one empty signature of one key",
        stack: "0x 0x 1 0 1",
        script: "CHECKMULTISIG NOT",
        flags: NONE,
    };
    let count = ScriptError::SigCount;
    let rows = [
        bad("2", "there are two signatures", Change::Stack("0x 0x 2 0 1"), count, multisig),
        bad("negative", "there are -1 signatures", Change::Stack("0x 0x -1 0 1"), count, multisig),
        bad(
            "number",
            "the number of signatures has five bytes",
            Change::Stack("0x 0x 0x0100000000 0 1"),
            number,
            multisig,
        ),
        bad(
            "missing",
            "the signature and the dummy element are missing",
            Change::Stack("1 0 1"),
            stack_error,
            multisig,
        ),
        bad("no-dummy", "the dummy element is missing", Change::Stack("0x 1 0 1"), stack_error, multisig),
        bad_end("true", "there is no signature", Change::Stack("0x 0 0 1"), ScriptError::EvalFalse),
    ];
    twins(group, EARLIER, good, &rows);
    let good = Good {
        slug: "verify-keys-0",
        script: "CHECKMULTISIGVERIFY 1",
        stack: "0x 0 0",
        comment: "no signature of no key",
        ..good
    };
    let verify = Op::OP_CHECKMULTISIGVERIFY;
    twins(
        group,
        EARLIER,
        good,
        &[bad("nothing", "the stack is empty", Change::Stack(""), stack_error, verify)],
    );
    no_dummy(group);
    let good = Good {
        slug: "keys-minimaldata",
        comment: "no signature of no key, both numbers in the shortest encoding",
        script: "CHECKMULTISIG",
        flags: Flags::MINIMALDATA,
        ..good
    };
    let rows = [
        bad("keys-padded", "the number of keys is a zero byte", Change::Stack("0x 0 0x00"), number, multisig),
        bad(
            "signatures-padded",
            "the number of signatures is a zero byte",
            Change::Stack("0x 0x00 0"),
            number,
            multisig,
        ),
    ];
    twins(group, EARLIER, good, &rows);
}

/// Adds OP_CHECKMULTISIG cases in which the dummy element is missing. The opcode fails before it checks any signature
/// or key.
fn no_dummy(group: &mut Group) {
    let multisig = Op::OP_CHECKMULTISIG;
    let error = ScriptError::InvalidStackOperation;
    let key = hex::encode(Key(1).compressed());
    let empty = format!("0x 0x 1 0x{key} 1");
    let of = |signature: &str, key: &str| format!("0x {signature} 1 {key} 1");
    let without = |stack: &str| stack.strip_prefix("0x ").unwrap_or_default().to_owned();
    let (not_der, no_key) = (of("0x01", &format!("0x{key}")), of("0x", "0x05"));
    let (not_der_alone, no_key_alone) = (without(&not_der), without(&no_key));
    let good = Good {
        slug: "dummy",
        rule: &COUNTS,
        comment: "an empty signature, a key, and the dummy element",
        stack: &empty,
        script: "CHECKMULTISIG NOT",
        flags: Flags::STRICTENC,
    };
    let both = "the signature is not DER and the dummy element is missing";
    let rows = [
        bad("not-der", "the signature is not DER", Change::Stack(&not_der), ScriptError::SigDer, multisig),
        bad("not-der-missing", both, Change::Stack(&not_der_alone), error, multisig),
        bad("key", "the key is none", Change::Stack(&no_key), ScriptError::PubkeyType, multisig),
        bad(
            "key-missing",
            "the key is none and the dummy element is missing",
            Change::Stack(&no_key_alone),
            error,
            multisig,
        ),
    ];
    twins(group, EARLIER, good, &rows);
    let good = Good {
        slug: "verify-dummy",
        comment: "no signature of a key, and the dummy element",
        stack: "0x 0 0 1",
        script: "CHECKMULTISIGVERIFY 1",
        ..good
    };
    let differs = "there is a signature, which is not DER, and no dummy element";
    let missing = bad("missing", differs, Change::Stack(&not_der_alone), error, Op::OP_CHECKMULTISIGVERIFY);
    twins(group, EARLIER, good, &[missing]);
}

fn tapscript(group: &mut Group) {
    for (slug, opcode) in
        [("checkmultisig", Op::OP_CHECKMULTISIG), ("checkmultisigverify", Op::OP_CHECKMULTISIGVERIFY)]
    {
        let script = format!("IF 0 0 0 {opcode} ENDIF 1");
        let comment = format!("{opcode} in a branch that is not executed");
        let good =
            Good { slug, rule: &TAPSCRIPT, comment: &comment, stack: "0x", script: &script, flags: NONE };
        let executed = Change::Stack("1");
        let error = ScriptError::TapscriptCheckMultisig;
        twins(
            group,
            &[Version::Tapscript],
            good,
            &[bad("executed", "the branch is executed", executed, error, opcode)],
        );
    }
}
