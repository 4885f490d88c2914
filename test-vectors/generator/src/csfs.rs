//! Cases of OP_CHECKSIGFROMSTACK (BIP 348).

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

mod budget;
mod mistakes;

use sigstack_interpreter::{Flags, Opcode, Phase, Proposal, ScriptError};

use super::group::{Group, Only, Rule};
use super::item::{Change, Item};
use super::keys::{Key, OFF_CURVE, bytes_of};
use super::script::Script;
use super::spec::{Spec, StopsAt, Verdict};
use super::states;
use sigstack_vectors::Case;

use budget::budget;
pub(super) use budget::repeated;

const SPECIFICATION: &str = "BIP 348, Specification";
const RESOURCES: &str = "BIP 348, Resource Limits";

pub(super) const STACK: Rule =
    Rule { source: SPECIFICATION, text: "fewer than three elements on the stack fail", only: None };
pub(super) const ORDER: Rule = Rule {
    source: SPECIFICATION,
    text: "the key is the top element, the message the second, the signature the third; all are popped",
    only: None,
};
pub(super) const EMPTY_KEY: Rule = Rule { source: SPECIFICATION, text: "an empty key fails", only: None };
pub(super) const VALID: Rule = Rule {
    source: SPECIFICATION,
    text: "with a key of 32 bytes a signature that is not empty must be valid by BIP 340, or the script fails",
    only: None,
};
pub(super) const SIZE: Rule = Rule {
    source: SPECIFICATION,
    text: "with a key of 32 bytes a signature has exactly 64 bytes or none",
    only: None,
};
pub(super) const MESSAGE: Rule = Rule {
    source: "BIP 348, Design Considerations 1",
    text: "the message is signed as it is, not hashed, and may have 0 to 520 bytes",
    only: None,
};
pub(super) const EMPTY_SIGNATURE: Rule = Rule {
    source: SPECIFICATION,
    text: "an empty signature pushes the empty vector, and nothing is verified",
    only: None,
};
pub(super) const UNKNOWN_KEY: Rule = Rule {
    source: SPECIFICATION,
    text: "a key of any other size is of an unknown type: every signature that is not empty is valid",
    only: Some((Only::Accept, "nothing is verified; policy and the budget have rules of their own")),
};
const DISCOURAGED_KEY: Rule = Rule {
    source: "BIP 342, Rules for signature opcodes",
    text: "policy refuses keys of unknown types, with an empty signature too",
    only: None,
};
const BIP118_KEY: Rule = Rule {
    source: "BIP 118, Specification",
    text: "BIP 118 changes the opcodes of BIP 342 only: its keys are of an unknown type here, active or not",
    only: None,
};
pub(super) const PUSHES: Rule = Rule {
    source: SPECIFICATION,
    text: "success pushes exactly 0x01, failure exactly the empty vector",
    only: None,
};
pub(super) const BUDGET: Rule = Rule {
    source: RESOURCES,
    text: "a signature that is not empty costs 50 of the validation weight of BIP 342, of whatever type the key is",
    only: None,
};
const BUDGET_LAST: Rule = Rule {
    source: SPECIFICATION,
    text: "the budget is charged after the key and the signature are checked",
    only: None,
};
pub(super) const FREE: Rule =
    Rule { source: RESOURCES, text: "an empty signature costs nothing", only: None };

const AT: StopsAt = StopsAt::Opcode(Opcode::OP_CHECKSIGFROMSTACK);
pub(super) const CSFS: Opcode = Opcode::OP_CHECKSIGFROMSTACK;

pub(super) fn fails(error: ScriptError) -> Verdict {
    Verdict::Reject(error, AT)
}

/// Describes an input that spends the tapscript `OP_CHECKSIGFROMSTACK`. The witness provides signature, message and
/// key.
pub(super) fn bare(signature: Item, message: &[u8], key: &[u8]) -> Spec {
    let spec = Spec::tapscript(Script::new().op(CSFS)).under(Flags::CHECKSIGFROMSTACK);
    spec.with(signature).with_bytes(message).with_bytes(key)
}

pub(super) fn signature(message: &[u8]) -> Item {
    Item::message(Key(1), message)
}

/// Describes an input that checks a valid signature of this message by OP_CHECKSIGFROMSTACK.
pub(super) fn valid(message: &[u8]) -> Spec {
    bare(signature(message), message, &Key(1).x_only())
}

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("csfs");
    states::success_opcode(&mut group, Proposal::CHECKSIGFROMSTACK, &valid(b"message"));
    arguments(&mut group);
    signatures(&mut group);
    messages(&mut group);
    empty_signatures(&mut group);
    unknown_keys(&mut group);
    budget(&mut group);
    mistakes::cases(&mut group);
    group.finish()
}

fn arguments(group: &mut Group) {
    let base = group.accept("stack-3", &STACK, "three elements", valid(b"message"));
    for depth in [0, 1, 2] {
        group.reject(
            &base,
            &format!("stack-{depth}"),
            &STACK,
            &format!("there are {depth} elements"),
            |spec| drop(spec.stack.drain(..3 - depth)),
            fails(ScriptError::InvalidStackOperation),
        );
    }
    let base = group.accept("order", &ORDER, "signature, message, key", valid(&bytes_of("order", 32)));
    for (slug, a, b, error) in [
        ("message-key", 1, 2, ScriptError::SchnorrSig),
        ("signature-message", 0, 1, ScriptError::SchnorrSigSize),
        ("signature-key", 0, 2, ScriptError::DiscourageUpgradablePubkeyType),
    ] {
        group.reject(
            &base,
            &format!("order-{slug}-swapped"),
            &ORDER,
            &format!("the {} are swapped", slug.replace('-', " and the ")),
            |spec| {
                spec.stack.swap(a, b);
                // A signature in the place of the key is a key of an unknown type, which is valid under consensus.
                if error == ScriptError::DiscourageUpgradablePubkeyType {
                    spec.flags |= Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE;
                }
            },
            fails(error),
        );
    }
    let mut four = valid(b"message");
    four.script =
        Script::new().ops(&[CSFS, Opcode::OP_DEPTH, Opcode::OP_2, Opcode::OP_EQUALVERIFY, Opcode::OP_NIP]);
    four.stack.insert(0, Item::Bytes(vec![9]));
    let base =
        group.accept("pops-three", &ORDER, "one element below the arguments is left, and the result", four);
    group.reject(
        &base,
        "pops-three-not-two",
        &ORDER,
        "the script expects three elements after it",
        |spec| {
            spec.script = Script::new().ops(&[
                CSFS,
                Opcode::OP_DEPTH,
                Opcode::OP_3,
                Opcode::OP_EQUALVERIFY,
                Opcode::OP_NIP,
            ]);
        },
        Verdict::Reject(ScriptError::EqualVerify, StopsAt::Opcode(Opcode::OP_EQUALVERIFY)),
    );
    let base = group.accept("key-32", &EMPTY_KEY, "a key of 32 bytes", valid(b"message"));
    group.reject(
        &base,
        "key-empty",
        &EMPTY_KEY,
        "the key is empty",
        |spec| spec.stack[2] = Item::Bytes(vec![]),
        fails(ScriptError::TapscriptEmptyPubkey),
    );
    group.reject(
        &base,
        "key-and-signature-empty",
        &EMPTY_KEY,
        "the key and the signature are empty",
        |spec| {
            spec.stack[0] = Item::Bytes(vec![]);
            spec.stack[2] = Item::Bytes(vec![]);
        },
        fails(ScriptError::TapscriptEmptyPubkey),
    );
}

/// Function that makes a valid case invalid, for example by changing a byte of the signature.
type Damage = fn(&mut Spec);

fn signatures(group: &mut Group) {
    let message = bytes_of("signatures", 32);
    let base = group.accept("valid", &VALID, "a valid signature", valid(&message));
    let changes: &[(&str, &str, Damage)] = &[
        ("flipped-r", "a bit of R is flipped", |spec| spec.stack[0] = spec.stack[0].clone().flipped(0)),
        ("flipped-r-end", "the last byte of R is changed", |spec| {
            spec.stack[0] = spec.stack[0].clone().flipped(31)
        }),
        ("flipped-s", "a bit of S is flipped", |spec| spec.stack[0] = spec.stack[0].clone().flipped(32)),
        ("flipped-s-end", "the last byte of S is changed", |spec| {
            spec.stack[0] = spec.stack[0].clone().flipped(63)
        }),
        ("zero", "the signature is 64 zero bytes", |spec| spec.stack[0] = Item::Bytes(vec![0; 64])),
        ("ones", "the signature is 64 bytes of 0xff", |spec| spec.stack[0] = Item::Bytes(vec![0xff; 64])),
        ("other-key", "the key is another one", |spec| spec.stack[2] = Item::Bytes(Key(2).x_only().to_vec())),
        ("off-curve", "the key is not on the curve", |spec| spec.stack[2] = Item::Bytes(OFF_CURVE.to_vec())),
        ("key-beyond-field", "the key is not below the field's size", |spec| {
            spec.stack[2] = Item::Bytes(vec![0xff; 32]);
        }),
    ];
    for (slug, difference, change) in changes {
        let id = format!("invalid-{slug}");
        group.reject(&base, &id, &VALID, difference, change, fails(ScriptError::SchnorrSig));
    }
    group.reject(
        &base,
        "invalid-hashed-message",
        &VALID,
        "the signature is of the message's SHA-256",
        |spec| {
            use sha2::{Digest, Sha256};
            let hashed = Sha256::digest(bytes_of("signatures", 32)).to_vec();
            spec.stack[0] = Item::message(Key(1), &hashed);
        },
        fails(ScriptError::SchnorrSig),
    );
    let base = group.accept("size-64", &SIZE, "a signature of 64 bytes", valid(&message));
    for size in [1, 63, 65, 128] {
        group.reject(
            &base,
            &format!("size-{size}"),
            &SIZE,
            &format!("the signature has {size} bytes"),
            |spec| spec.stack[0] = resized(&message, size),
            fails(ScriptError::SchnorrSigSize),
        );
    }
    for last in [0x00, 0x01, 0x41, 0x81] {
        group.reject(
            &base,
            &format!("size-65-with-{last:02x}"),
            &SIZE,
            &format!("a byte {last:#04x} follows it, as a hash type would"),
            |spec| spec.stack[0] = Item::Changed(Box::new(signature(&message)), Change::Append(vec![last])),
            fails(ScriptError::SchnorrSigSize),
        );
    }
    group.reject(
        &base,
        "size-before-key",
        &SIZE,
        "it has 65 bytes and the key is not on the curve: the size is looked at first",
        |spec| {
            spec.stack[0] = resized(&message, 65);
            spec.stack[2] = Item::Bytes(OFF_CURVE.to_vec());
        },
        fails(ScriptError::SchnorrSigSize),
    );
}

/// Returns a valid 64-byte signature of the message, truncated or extended to `size` bytes.
fn resized(message: &[u8], size: usize) -> Item {
    let change = if size <= 64 { Change::Truncate(size) } else { Change::Append(vec![0; size - 64]) };
    Item::Changed(Box::new(signature(message)), change)
}

fn messages(group: &mut Group) {
    for length in [0, 1, 2, 31, 32, 33, 63, 64, 65, 75, 76, 255, 256, 519, 520] {
        let message = bytes_of("message", length);
        let id = format!("message-{length}");
        let base = group.accept(&id, &MESSAGE, &format!("a message of {length} bytes"), valid(&message));
        let longer = [message.as_slice(), &[0]].concat();
        if length < 520 {
            group.reject(
                &base,
                &format!("{id}-longer"),
                &MESSAGE,
                "the message that is checked has a zero byte more",
                |spec| spec.stack[1] = Item::Bytes(longer.clone()),
                fails(ScriptError::SchnorrSig),
            );
        } else {
            // The limit on elements of the initial stack is checked before the opcode is executed.
            group.reject(
                &base,
                &format!("{id}-longer"),
                &MESSAGE,
                "the message has a byte more, which is too long for an element",
                |spec| {
                    spec.stack[0] = signature(&longer);
                    spec.stack[1] = Item::Bytes(longer.clone());
                },
                Verdict::Reject(ScriptError::PushSize, StopsAt::Phase(Phase::Tapscript)),
            );
        }
        let mut places = vec![0, length / 2, length.saturating_sub(1)];
        places.dedup();
        for place in places.into_iter().filter(|place| *place < length) {
            group.reject(
                &base,
                &format!("{id}-flipped-{place}"),
                &MESSAGE,
                &format!("a bit of the message's byte {place} is flipped"),
                |spec| spec.stack[1] = spec.stack[1].clone().flipped(place),
                fails(ScriptError::SchnorrSig),
            );
        }
    }
}

fn empty_signatures(group: &mut Group) {
    let falls = |key: &[u8]| {
        let mut spec = bare(Item::Bytes(vec![]), b"message", key);
        spec.script = Script::new().ops(&[CSFS, Opcode::OP_NOT]);
        spec
    };
    let false_at_end = Verdict::Reject(ScriptError::EvalFalse, StopsAt::Phase(Phase::Tapscript));
    for (slug, key) in [("valid-key", Key(1).x_only().to_vec()), ("off-curve-key", OFF_CURVE.to_vec())] {
        let base = group.accept(
            &format!("empty-signature-{slug}"),
            &EMPTY_SIGNATURE,
            "an empty signature pushes false, which OP_NOT turns",
            falls(&key),
        );
        group.reject(
            &base,
            &format!("empty-signature-{slug}-false"),
            &EMPTY_SIGNATURE,
            "nothing turns the false",
            |spec| spec.script = Script::new().op(CSFS),
            false_at_end,
        );
    }
    let size_of_result = |number: i64| {
        Script::new()
            .ops(&[CSFS, Opcode::OP_SIZE])
            .number(number)
            .ops(&[Opcode::OP_EQUALVERIFY, Opcode::OP_NOT])
    };
    let mut spec = falls(&Key(1).x_only());
    spec.script = size_of_result(0);
    let base = group.accept("pushes-empty", &PUSHES, "the result of an empty signature has 0 bytes", spec);
    group.reject(
        &base,
        "pushes-empty-not-zero-byte",
        &PUSHES,
        "the script expects a byte",
        |spec| spec.script = size_of_result(1),
        Verdict::Reject(ScriptError::EqualVerify, StopsAt::Opcode(Opcode::OP_EQUALVERIFY)),
    );
    for (slug, key) in [("known", Key(1).x_only().to_vec()), ("unknown", vec![2; 33])] {
        let mut spec = valid(b"message");
        spec.stack[2] = Item::Bytes(key);
        spec.script = Script::new().op(CSFS).push(&[1]).op(Opcode::OP_EQUAL);
        let id = format!("pushes-one-{slug}-key");
        let base = group.accept(&id, &PUSHES, "success pushes 0x01", spec);
        group.reject(
            &base,
            &format!("{id}-not-two"),
            &PUSHES,
            "the script expects 0x02",
            |spec| spec.script = Script::new().op(CSFS).push(&[2]).op(Opcode::OP_EQUAL),
            false_at_end,
        );
    }
}

fn unknown_keys(group: &mut Group) {
    for size in [1, 2, 31, 33, 34, 64, 65, 519, 520] {
        let key = bytes_of("unknown key", size);
        let spec = bare(Item::Bytes(vec![0xaa; 64]), b"message", &key);
        let id = format!("unknown-key-{size}");
        group.accept(&id, &UNKNOWN_KEY, &format!("a key of {size} bytes and no real signature"), spec);
        for signature_size in [1, 63, 65, 520] {
            let spec = bare(Item::Bytes(vec![0xaa; signature_size]), b"message", &key);
            let comment = format!("a key of {size} bytes and {signature_size} bytes for a signature");
            group.accept(&format!("{id}-signature-{signature_size}"), &UNKNOWN_KEY, &comment, spec);
        }
        let refused = fails(ScriptError::DiscourageUpgradablePubkeyType);
        let discourage = |spec: &mut Spec| spec.flags |= Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE;
        let known = bare(signature(b"message"), b"message", &Key(1).x_only());
        let known = known.under(Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE);
        let base =
            group.accept(&format!("{id}-known-instead"), &DISCOURAGED_KEY, "a key of a known type", known);
        group.reject(
            &base,
            &format!("{id}-discouraged"),
            &DISCOURAGED_KEY,
            &format!("the key has {size} bytes"),
            |spec| {
                spec.stack[2] = Item::Bytes(key.clone());
                discourage(spec);
            },
            refused,
        );
        let mut empty = bare(Item::Bytes(vec![]), b"message", &key);
        empty.script = Script::new().ops(&[CSFS, Opcode::OP_NOT]);
        let base = group.accept(
            &format!("{id}-empty-signature"),
            &DISCOURAGED_KEY,
            "consensus lets a key of an unknown type with an empty signature push false",
            empty,
        );
        group.reject(
            &base,
            &format!("{id}-empty-signature-discouraged"),
            &DISCOURAGED_KEY,
            "policy refuses keys of unknown types",
            discourage,
            refused,
        );
    }
    for (slug, key) in [("1", vec![1]), ("33", Key(1).bip118())] {
        for (state, flags) in [("inactive", Flags::NONE), ("active", Flags::ANYPREVOUT)] {
            let spec = bare(Item::Bytes(vec![0xaa; 64]), b"message", &key).under(flags);
            let id = format!("bip118-key-{slug}-{state}");
            let base = group.accept(&id, &BIP118_KEY, "a key of BIP 118 and no real signature", spec);
            group.reject(
                &base,
                &format!("{id}-discouraged"),
                &BIP118_KEY,
                "policy refuses keys of unknown types",
                |spec| spec.flags |= Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE,
                fails(ScriptError::DiscourageUpgradablePubkeyType),
            );
            let spec = bare(Item::Bytes(vec![0xaa; 64]), b"message", &key).under(flags);
            let comment = "the policy against keys of BIP 118 leaves this opcode alone";
            let spec = spec.under(Flags::DISCOURAGE_ANYPREVOUT);
            group.accept(&format!("{id}-discourage-anyprevout"), &BIP118_KEY, comment, spec);
        }
    }
}
