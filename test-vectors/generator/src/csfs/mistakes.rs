//! OP_CHECKSIGFROMSTACK: cases for which an implementation with a certain bug returns the wrong verdict.
//!
//! Each rejected signature is one that the bug accepts. If a bug would push false instead of failing the script, the case
//! is also created with OP_NOT after the opcode, so that the bug is detected.

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

use sha2::{Digest, Sha256};
use sigstack_interpreter::{Flags, KeyVersion, Opcode, Phase, ScriptError};

use super::{
    BUDGET, CSFS, EMPTY_KEY, EMPTY_SIGNATURE, FREE, MESSAGE, ORDER, PUSHES, SIZE, STACK, UNKNOWN_KEY, VALID,
    bare, fails, repeated, signature, valid,
};
use crate::bases::Bases;
use crate::group::{Group, Rule};
use crate::item::{Change, Item, Signature};
use crate::keys::{Key, OFF_CURVE, bytes_of};
use crate::lax::{self, Flaw};
use crate::script::Script;
use crate::spec::{Spec, StopsAt, Verdict};

const SHARED_BUDGET: Rule = Rule {
    source: "BIP 348, Resource Limits",
    text: "the budget is shared with OP_CHECKSIG, OP_CHECKSIGVERIFY and OP_CHECKSIGADD",
    only: None,
};

pub(super) fn cases(group: &mut Group) {
    stack(group);
    keys(group);
    sizes(group);
    signatures(group);
    messages(group);
    zero_is_not_empty(group);
    unknown_keys(group);
    shared_budget(group);
    results(group);
}

/// Describes an input that spends the tapscript `OP_CHECKSIGFROMSTACK OP_NOT`, with these three arguments in the
/// witness.
fn negated(signature: Item, message: &[u8], key: &[u8]) -> Spec {
    let mut spec = bare(signature, message, key);
    spec.script = Script::new().ops(&[CSFS, Opcode::OP_NOT]);
    spec
}

fn bases(group: &mut Group, slug: &str, rule: &'static Rule) -> Bases<Vec<Item>> {
    let empty = negated(Item::Bytes(vec![]), b"message", &Key(1).x_only());
    Bases::new(group, (slug, rule), [valid(b"message"), empty], |spec, stack| spec.stack = stack, fails)
}

fn arguments(signature: Item, message: &[u8], key: &[u8]) -> Vec<Item> {
    vec![signature, Item::Bytes(message.to_vec()), Item::Bytes(key.to_vec())]
}

fn stack(group: &mut Group) {
    let missing = bases(group, "stack-mistakes", &STACK);
    let order = bases(group, "order-mistakes", &ORDER);
    let key = Item::Bytes(Key(1).x_only().to_vec());
    let message = Item::Bytes(b"message".to_vec());
    let error = ScriptError::InvalidStackOperation;
    missing.refuse(group, "stack-missing-all", "the stack is empty", vec![], error);
    missing.refuse(group, "stack-missing-two", "there is the key alone", vec![key.clone()], error);
    missing.refuse(group, "stack-missing-signature", "there is no signature", vec![message, key], error);
    for (slug, key_first, message_first) in [("key-deepest", true, false), ("message-on-top", false, true)] {
        let signature = signature(b"message");
        let (message, key) = (Item::Bytes(b"message".to_vec()), Item::Bytes(Key(1).x_only().to_vec()));
        // The element in the place of the signature is a key, whose size is wrong for a signature. Nothing else is
        // invalid.
        let stack = match (key_first, message_first) {
            (true, _) => vec![Item::Bytes(Key(1).x_only().to_vec()), signature, key],
            _ => vec![message.clone(), message, key],
        };
        order.refuse(
            group,
            &format!("order-{slug}"),
            "the order is another",
            stack,
            ScriptError::SchnorrSigSize,
        );
    }
}

fn keys(group: &mut Group) {
    let keys = bases(group, "key-mistakes", &EMPTY_KEY);
    let error = ScriptError::TapscriptEmptyPubkey;
    let stack = arguments(signature(b"message"), b"message", &[]);
    keys.refuse(group, "key-is-empty", "the key is empty", stack, error);
    let stack = arguments(Item::Bytes(vec![]), b"message", &[]);
    keys.refuse(group, "key-and-signature-are-empty", "key and signature are empty", stack, error);
    for (slug, key) in [("00", vec![0]), ("80", vec![0x80]), ("0000", vec![0, 0]), ("33-zeros", vec![0; 33])]
    {
        let comment = format!("a key of {} bytes that is false as a number is not empty", key.len());
        let id = format!("unknown-key-zero-{slug}");
        group.accept(&id, &UNKNOWN_KEY, &comment, bare(Item::Bytes(vec![7]), b"message", &key));
        let comment = format!("{comment}, and the signature is");
        let spec = negated(Item::Bytes(vec![]), b"message", &key);
        group.accept(&format!("{id}-empty-signature"), &UNKNOWN_KEY, &comment, spec);
    }
    let comment = "a key of 32 zero bytes is not empty, and an empty signature is not verified";
    group.accept(
        "empty-signature-zero-key",
        &EMPTY_SIGNATURE,
        comment,
        negated(Item::Bytes(vec![]), b"message", &[0; 32]),
    );
    for number in 2..6 {
        let spec = bare(Item::message(Key(number), b"message"), b"message", &Key(number).x_only());
        group.accept(&format!("valid-key-{number}"), &VALID, "a valid signature by another key", spec);
    }
}

fn sizes(group: &mut Group) {
    let sizes = bases(group, "size-mistakes", &SIZE);
    let message = b"message";
    let key = Key(1).x_only();
    let error = ScriptError::SchnorrSigSize;
    let changed = |item: Item, change: Change| Item::Changed(Box::new(item), change);
    for size in [1, 2, 31, 32, 33, 62, 63] {
        let cut = changed(signature(message), Change::Truncate(size));
        let id = format!("size-cut-to-{size}");
        let stack = arguments(cut, message, &key);
        sizes.refuse(group, &id, &format!("of the signature the first {size} bytes are there"), stack, error);
    }
    for size in [65, 66, 67, 96, 127, 128, 129, 255, 256, 320, 520] {
        let more = vec![0; size - 64];
        let stack = arguments(changed(signature(message), Change::Append(more.clone())), message, &key);
        let difference = format!("zero bytes follow the signature, which has {size} bytes with them");
        sizes.refuse(group, &format!("size-longer-{size}"), &difference, stack, error);
        let stack = arguments(changed(signature(message), Change::Prepend(more)), message, &key);
        let difference = format!("zero bytes precede the signature, which has {size} bytes with them");
        sizes.refuse(group, &format!("size-longer-in-front-{size}"), &difference, stack, error);
    }
    let ends = changed(lax::message(Key(1), message, Flaw::EndsWithZero), Change::Truncate(63));
    let difference = "its last byte is left out, which is zero";
    sizes.refuse(group, "size-zero-left-out-at-the-end", difference, arguments(ends, message, &key), error);
    let begins = changed(lax::message(Key(1), message, Flaw::BeginsWithZero), Change::Skip(1));
    let difference = "its first byte is left out, which is zero";
    sizes.refuse(group, "size-zero-left-out-in-front", difference, arguments(begins, message, &key), error);
    for hash_type in
        [0x00, 0x01, 0x02, 0x03, 0x04, 0x40, 0x41, 0x42, 0x43, 0x80, 0x81, 0x82, 0x83, 0xc0, 0xc1, 0xc3, 0xff]
    {
        let stack = arguments(signature(message).followed_by(&[hash_type]), message, &key);
        let difference = format!("a byte {hash_type:#04x} follows the signature, as a hash type would");
        sizes.refuse(group, &format!("size-hash-type-{hash_type:02x}"), &difference, stack, error);
    }
}

fn signatures(group: &mut Group) {
    let bases = bases(group, "valid-mistakes", &VALID);
    let key = Key(1).x_only();
    let error = ScriptError::SchnorrSig;
    for (slug, difference, flaw) in [
        ("odd-r", "R has an odd Y", Flaw::OddR),
        ("odd-key", "the signature is one for the key with an odd Y", Flaw::OddKey),
        ("infinite-r", "the point R of the equation is infinity", Flaw::InfiniteR),
    ] {
        let stack = arguments(lax::message(Key(1), b"message", flaw), b"message", &key);
        bases.refuse(group, &format!("invalid-{slug}"), difference, stack, error);
    }
    for place in [0, 31, 32, 63] {
        let stack = arguments(signature(b"message").flipped(place), b"message", &key);
        let difference = format!("a bit of the signature's byte {place} is flipped");
        bases.refuse(group, &format!("invalid-flipped-{place}"), &difference, stack, error);
    }
    for (slug, difference, signature, key) in [
        ("zeros", "the signature is 64 zero bytes", Item::Bytes(vec![0; 64]), key),
        ("other-signer", "another key signed", Item::message(Key(2), b"message"), key),
        ("key-off-curve", "the key is not on the curve", signature(b"message"), OFF_CURVE),
        ("key-ones", "the key is not below the field's size", signature(b"message"), [0xff; 32]),
        ("key-zero", "the key is zero", signature(b"message"), [0; 32]),
    ] {
        bases.refuse(
            group,
            &format!("invalid-{slug}"),
            difference,
            arguments(signature, b"message", &key),
            error,
        );
    }
}

fn messages(group: &mut Group) {
    let bases = bases(group, "message-mistakes", &MESSAGE);
    let key = Key(1).x_only();
    let sha256 = |message: &[u8]| Sha256::digest(message).to_vec();
    let tagged = |tag: &str, message: &[u8]| {
        let tag = sha256(tag.as_bytes());
        sha256(&[&tag, &tag, message].concat())
    };
    let resized = |message: &[u8], size: usize| {
        let mut message = message.to_vec();
        message.resize(size, 0);
        message
    };
    for length in [0, 1, 31, 32, 33, 64, 255, 256, 520] {
        let message = bytes_of("message", length);
        let first = message.len().min(32);
        let signed: Vec<(&str, &str, Vec<u8>)> = vec![
            ("sha256", "the SHA-256 of the message", sha256(&message)),
            ("hash256", "the double SHA-256 of the message", sha256(&sha256(&message))),
            ("tapsighash", "the message's hash with the tag TapSighash", tagged("TapSighash", &message)),
            ("padded", "the message and a zero byte", resized(&message, length + 1)),
            ("padded-to-64", "the message with zero bytes up to 64", resized(&message, length.max(64))),
            ("padded-to-32", "the message with zero bytes up to 32", resized(&message, length.max(32))),
            ("cut-to-32", "the first 32 bytes of the message", message[..first].to_vec()),
            ("last-32", "the last 32 bytes of the message", message[length - first..].to_vec()),
            ("cut-by-one", "the message without its last byte", message[..length.saturating_sub(1)].to_vec()),
            ("length-modulo-256", "as many bytes as the length modulo 256", message[..length % 256].to_vec()),
            (
                "with-length",
                "the message with its length before it",
                [&[length.to_le_bytes()[0]], message.as_slice()].concat(),
            ),
            ("reversed", "the message reversed", message.iter().rev().copied().collect()),
        ];
        for (slug, what, signed) in signed {
            if signed != message {
                let stack = arguments(Item::message(Key(1), &signed), &message, &key);
                let id = format!("message-signed-{slug}-{length}");
                let difference = format!("of {length} bytes, {what} is signed");
                bases.refuse(group, &id, &difference, stack, ScriptError::SchnorrSig);
            }
        }
    }
    for (slug, message) in [
        ("zero", vec![0]),
        ("zeros-at-the-end", [bytes_of("message", 30), vec![0; 5]].concat()),
        ("zeros-in-front", [vec![0; 5], bytes_of("message", 30)].concat()),
        ("only-zeros", vec![0; 40]),
        ("number-not-minimal", vec![5, 0, 0]),
        ("number-of-five-bytes", vec![1, 2, 3, 4, 5]),
        ("negative-zero", vec![0x80]),
    ] {
        let spec = valid(&message);
        group.accept(&format!("message-{slug}"), &MESSAGE, "the message is bytes, whatever they mean", spec);
    }
}

fn zero_is_not_empty(group: &mut Group) {
    let sizes = bases(group, "size-zero-mistakes", &SIZE);
    let key = Key(1).x_only();
    for (slug, bytes) in [("00", vec![0]), ("80", vec![0x80]), ("63-zeros", vec![0; 63])] {
        let difference = format!("the signature is {} bytes that are false as a number", bytes.len());
        let stack = arguments(Item::Bytes(bytes), b"message", &key);
        let id = format!("size-zero-signature-{slug}");
        sizes.refuse(group, &id, &difference, stack, ScriptError::SchnorrSigSize);
    }
    for (slug, bytes) in [("00", vec![0]), ("80", vec![0x80]), ("64-zeros", vec![0; 64])] {
        let id = format!("unknown-key-zero-signature-{slug}");
        let comment = "bytes that are false as a number are a signature, which an unknown key accepts";
        group.accept(&id, &UNKNOWN_KEY, comment, bare(Item::Bytes(bytes), b"message", &[2; 33]));
    }
}

fn unknown_keys(group: &mut Group) {
    let mut keys: Vec<(String, Vec<u8>)> = [3, 16, 20, 30, 35, 63, 66, 255, 256]
        .map(|size| (format!("of-{size}"), bytes_of("unknown key", size)))
        .into();
    keys.push(("compressed".into(), Key(1).compressed()));
    keys.push(("compressed-other".into(), Key(2).compressed()));
    keys.push(("even".into(), [&[2], Key(1).x_only().as_slice()].concat()));
    keys.push(("odd".into(), [&[3], Key(1).x_only().as_slice()].concat()));
    keys.push(("uncompressed".into(), Key(1).uncompressed()));
    keys.push(("hybrid".into(), Key(1).hybrid()));
    keys.push(("bip118".into(), Key(1).bip118()));
    keys.push(("bip118-1".into(), vec![1]));
    keys.push(("followed-by-01".into(), [Key(1).x_only().as_slice(), &[1]].concat()));
    keys.push(("cut-to-31".into(), Key(1).x_only()[..31].to_vec()));
    for (slug, key) in keys {
        for (state, flags) in [("", Flags::NONE), ("-anyprevout", Flags::ANYPREVOUT)] {
            let id = format!("unknown-key-{slug}{state}");
            for (name, what, item) in [
                ("other-signer", "a signature by another key", Item::message(Key(7), b"message")),
                ("byte", "one byte for a signature", Item::Bytes(vec![1])),
            ] {
                let comment = format!("a key of {} bytes and {what}", key.len());
                let spec = bare(item, b"message", &key).under(flags);
                group.accept(&format!("{id}-{name}"), &UNKNOWN_KEY, &comment, spec);
            }
            let comment = format!("a key of {} bytes and an empty signature, and OP_NOT", key.len());
            let spec = negated(Item::Bytes(vec![]), b"message", &key).under(flags);
            group.accept(&format!("{id}-empty"), &UNKNOWN_KEY, &comment, spec);
        }
    }
    let mut free = bare(Item::Bytes(vec![]), b"m", &[2; 33]);
    free.script = repeated(30).op(Opcode::OP_NOT);
    let base = group.accept(
        "budget-free-unknown-key",
        &FREE,
        "thirty checks of an empty signature, unknown key",
        free,
    );
    group.reject(
        &base,
        "budget-free-unknown-key-signed",
        &FREE,
        "the signature is a byte",
        |spec| spec.stack[0] = Item::Bytes(vec![1]),
        fails(ScriptError::TapscriptValidationWeight),
    );
}

/// The signature opcodes, each of which reduces the signature operation budget of a tapscript.
const CHARGING: [Opcode; 4] = [CSFS, Opcode::OP_CHECKSIG, Opcode::OP_CHECKSIGVERIFY, Opcode::OP_CHECKSIGADD];

/// Appends a signature check by the given opcode to a script. The four elements on the stack are a signature of the
/// transaction, a key, a BIP 340 signature of a message, and the message. They are copied, so that the check can be
/// repeated.
fn check(script: Script, opcode: Opcode) -> Script {
    use Opcode as Op;
    match opcode {
        CSFS => script.ops(&[Op::OP_2DUP, Op::OP_4, Op::OP_PICK, CSFS, Op::OP_DROP]),
        Op::OP_CHECKSIGADD => script.ops(&[
            Op::OP_3,
            Op::OP_PICK,
            Op::OP_0,
            Op::OP_4,
            Op::OP_PICK,
            Op::OP_CHECKSIGADD,
            Op::OP_DROP,
        ]),
        Op::OP_CHECKSIGVERIFY => script.ops(&[Op::OP_3, Op::OP_PICK, Op::OP_3, Op::OP_PICK, opcode]),
        _ => script.ops(&[Op::OP_3, Op::OP_PICK, Op::OP_3, Op::OP_PICK, opcode, Op::OP_DROP]),
    }
}

/// Adds cases for every ordered pair of signature opcodes (also an opcode with itself), and for a known and an unknown type
/// of key. In the valid case, twelve checks by the first opcode and one by the second use up the validation weight
/// exactly. In the rejected case the witness is one byte shorter, so the last check exceeds the budget.
fn shared_budget(group: &mut Group) {
    let keys =
        [("known", Key(1).x_only().to_vec()), ("unknown", [&[2], Key(1).x_only().as_slice()].concat())];
    for (slug, key) in keys {
        for first in CHARGING {
            for last in CHARGING {
                // Thirteen checks cost more than the witness without an annex pays for; the annex pays for exactly the rest.
                let many = (0..12).fold(Script::new(), |script, _| check(script, first));
                let script = check(many, last).ops(&[Opcode::OP_2DROP, Opcode::OP_2DROP, Opcode::OP_1]);
                let spec = Spec::tapscript(script)
                    .under(Flags::CHECKSIGFROMSTACK)
                    .with(Signature::new(Key(1), 0, KeyVersion::Bip342))
                    .with_bytes(&key)
                    .with(signature(b"m"))
                    .with_bytes(b"m");
                let name = |opcode: Opcode| opcode.to_string().trim_start_matches("OP_").to_lowercase();
                let id = format!("budget-shared-{slug}-{}-then-{}", name(first), name(last));
                let comment =
                    format!("12 times {first} and then {last} in a witness that pays for exactly 13 checks");
                let base = group.accept(&id, &SHARED_BUDGET, &comment, spec.padded_to(13 * 50));
                group.reject(
                    &base,
                    &format!("{id}-short"),
                    &SHARED_BUDGET,
                    "the annex is a byte shorter",
                    |spec| spec.annex.iter_mut().for_each(|annex| _ = annex.pop()),
                    Verdict::Reject(ScriptError::TapscriptValidationWeight, StopsAt::Opcode(last)),
                );
            }
        }
    }
    let message = bytes_of("message", 520);
    let mut spec = valid(&message);
    spec.script = repeated(20);
    let comment =
        "twenty checks of 520 bytes in a witness that pays for exactly as many: the message's size is free";
    let base = group.accept("budget-520", &BUDGET, comment, spec.padded_to(1_000));
    group.reject(
        &base,
        "budget-520-short",
        &BUDGET,
        "the annex is a byte shorter",
        |spec| spec.annex.iter_mut().for_each(|annex| _ = annex.pop()),
        fails(ScriptError::TapscriptValidationWeight),
    );
}

fn results(group: &mut Group) {
    let clean = Verdict::Reject(ScriptError::CleanStack, StopsAt::Phase(Phase::Tapscript));
    let base = group.accept("pushes-clean", &PUSHES, "one element is left, the result", valid(b"message"));
    for (slug, below) in [("true", vec![1]), ("false", vec![])] {
        group.reject(
            &base,
            &format!("pushes-clean-{slug}-below"),
            &PUSHES,
            "an element below the arguments is left too",
            |spec| spec.stack.insert(0, Item::Bytes(below)),
            clean,
        );
    }
    let empty = negated(Item::Bytes(vec![]), b"message", &Key(1).x_only());
    let base = group.accept("pushes-clean-false", &PUSHES, "one element is left, the result turned", empty);
    group.reject(
        &base,
        "pushes-clean-false-on-true",
        &PUSHES,
        "the result is false, and a true element lies below it",
        |spec| {
            spec.script = Script::new().op(CSFS);
            spec.stack.insert(0, Item::Bytes(vec![1]));
        },
        clean,
    );
    for (slug, key) in [("known", Key(1).x_only().to_vec()), ("unknown", vec![2; 33])] {
        let mut spec = bare(Item::message(Key(1), b"message"), b"message", &key);
        spec.script = Script::new().ops(&[CSFS, Opcode::OP_SIZE, Opcode::OP_1, Opcode::OP_EQUALVERIFY]);
        let id = format!("pushes-size-{slug}");
        let base = group.accept(&id, &PUSHES, "the result has one byte", spec);
        group.reject(
            &base,
            &format!("{id}-signature"),
            &PUSHES,
            "the script expects 64 bytes",
            |spec| {
                spec.script =
                    Script::new().ops(&[CSFS, Opcode::OP_SIZE]).number(64).op(Opcode::OP_EQUALVERIFY);
            },
            Verdict::Reject(ScriptError::EqualVerify, StopsAt::Opcode(Opcode::OP_EQUALVERIFY)),
        );
    }
}
