//! Cases of OP_PAIRCOMMIT (BIP 442).

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

use sha2::{Digest, Sha256};
use sigstack_interpreter::{Flags, Opcode, Proposal, ScriptError};

use super::group::{Group, Rule};
use super::item::Item;
use super::keys::{bytes_of, pair_commitment};
use super::script::Script;
use super::spec::{Spec, StopsAt, Verdict};
use super::{opcode_mistakes, states};
use sigstack_vectors::Case;

const SPECIFICATION: &str = "BIP 442, Specification";

const STACK: Rule =
    Rule { source: SPECIFICATION, text: "fewer than two elements on the stack fail", only: None };
const HASH: Rule = Rule {
    source: SPECIFICATION,
    text: "pushes SHA256(tag || tag || cs(x1) || x1 || cs(x2) || x2), x2 the top element, cs the compact size",
    only: None,
};
const ORDER: Rule = Rule { source: SPECIFICATION, text: "the deeper element is hashed first", only: None };
const LENGTHS: Rule = Rule {
    source: SPECIFICATION,
    text: "both lengths are committed to: no byte can move from one element to the other",
    only: None,
};
const POPS: Rule =
    Rule { source: SPECIFICATION, text: "pops two elements and pushes one of 32 bytes", only: None };

const PC: Opcode = Opcode::OP_PAIRCOMMIT;
const DIFFERS: Verdict = Verdict::Reject(ScriptError::EqualVerify, StopsAt::Opcode(Opcode::OP_EQUALVERIFY));

/// Returns the script `OP_PAIRCOMMIT <hash> OP_EQUALVERIFY OP_1`.
fn expecting(hash: &[u8]) -> Script {
    Script::new().op(PC).push(hash).ops(&[Opcode::OP_EQUALVERIFY, Opcode::OP_1])
}

fn pair(a: &[u8], b: &[u8]) -> Spec {
    let spec = Spec::tapscript(expecting(&pair_commitment(a, b))).under(Flags::PAIRCOMMIT);
    spec.with_bytes(a).with_bytes(b)
}

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("paircommit");
    states::success_opcode(&mut group, Proposal::PAIRCOMMIT, &pair(b"first", b"second"));
    let base = group.accept("stack-2", &STACK, "two elements", pair(b"first", b"second"));
    for depth in [0, 1] {
        group.reject(
            &base,
            &format!("stack-{depth}"),
            &STACK,
            &format!("there are {depth} elements"),
            |spec| {
                spec.stack.truncate(depth);
                spec.script = expecting(&pair_commitment(b"", &b"first"[..5 * depth]));
            },
            Verdict::Reject(ScriptError::InvalidStackOperation, StopsAt::Opcode(PC)),
        );
    }
    lengths(&mut group);
    let (a, b) = (bytes_of("a", 32), bytes_of("b", 32));
    let base = group.accept("order", &ORDER, "two elements of 32 bytes", pair(&a, &b));
    group.reject(&base, "order-swapped", &ORDER, "they are swapped", |spec| spec.stack.swap(0, 1), DIFFERS);
    let base = group.accept("hash", &HASH, "the tagged hash", pair(&a, &b));
    let tag = Sha256::digest("PairCommit");
    let sized: Vec<u8> = [&[32], a.as_slice(), &[32], &b].concat();
    for (slug, difference, hash) in [
        ("untagged", "the script expects the hash without tag", Sha256::digest(&sized)),
        ("one-tag", "the script expects the tag once", Sha256::digest([tag.as_slice(), &sized].concat())),
        (
            "other-tag",
            "the script expects another tag",
            Sha256::digest(
                [Sha256::digest("TapBranch").as_slice(), &Sha256::digest("TapBranch"), &sized].concat(),
            ),
        ),
        (
            "without-lengths",
            "the script expects the hash without lengths",
            Sha256::digest([tag.as_slice(), &tag, &a, &b].concat()),
        ),
    ] {
        let script = expecting(&hash);
        group.reject(&base, &format!("hash-{slug}"), &HASH, difference, |spec| spec.script = script, DIFFERS);
    }
    let depth = |number| {
        let ops = [PC, Opcode::OP_SIZE];
        Script::new().ops(&ops).number(32).op(Opcode::OP_EQUALVERIFY).op(Opcode::OP_DEPTH).number(number)
    };
    let script = |number| depth(number).ops(&[Opcode::OP_EQUALVERIFY, Opcode::OP_NIP]);
    let mut three = pair(&a, &b);
    three.stack.insert(0, Item::Bytes(vec![9]));
    three.script = script(2);
    let base = group.accept("pops", &POPS, "three elements become two, the top one of 32 bytes", three);
    group.reject(
        &base,
        "pops-not-one",
        &POPS,
        "the script expects three",
        |spec| spec.script = script(3),
        DIFFERS,
    );
    let nested = |inner: &[u8], outer: &[u8]| {
        Script::new()
            .ops(&[PC, PC])
            .push(&pair_commitment(outer, &pair_commitment(inner, b"c")))
            .op(Opcode::OP_EQUALVERIFY)
    };
    let mut chain = Spec::tapscript(nested(b"b", b"a").op(Opcode::OP_1)).under(Flags::PAIRCOMMIT);
    chain = chain.with_bytes(b"a").with_bytes(b"b").with_bytes(b"c");
    let base = group.accept("chain", &HASH, "PC(a, PC(b, c))", chain);
    group.reject(
        &base,
        "chain-swapped",
        &HASH,
        "the script expects PC(b, PC(a, c))",
        |spec| spec.script = nested(b"a", b"b").op(Opcode::OP_1),
        DIFFERS,
    );
    opcode_mistakes::pair_commit(&mut group);
    group.finish()
}

fn lengths(group: &mut Group) {
    let sizes = [0, 1, 2, 31, 32, 33, 75, 76, 252, 253, 255, 256, 519, 520];
    for a in sizes {
        for b in sizes {
            // All pairs of sizes would be too many cases to read. The boundary sizes are combined with each other, and
            // every size with itself.
            let edge = |size| matches!(size, 0 | 1 | 32 | 252 | 253 | 520);
            if !(edge(a) && edge(b) || a == b) {
                continue;
            }
            let (first, second) = (bytes_of("first", a), bytes_of("second", b));
            let id = format!("lengths-{a}-{b}");
            let base =
                group.accept(&id, &LENGTHS, &format!("{a} bytes and {b} bytes"), pair(&first, &second));
            if a > 0 && b < 520 {
                let moved = [&first[a - 1..], &second].concat();
                group.reject(
                    &base,
                    &format!("{id}-moved-up"),
                    &LENGTHS,
                    "the last byte of the first is the first byte of the second",
                    |spec| {
                        spec.stack[0] = Item::Bytes(first[..a - 1].to_vec());
                        spec.stack[1] = Item::Bytes(moved);
                    },
                    DIFFERS,
                );
            } else if b > 0 && a < 520 {
                let moved = [first.as_slice(), &second[..1]].concat();
                group.reject(
                    &base,
                    &format!("{id}-moved-down"),
                    &LENGTHS,
                    "the first byte of the second is the last byte of the first",
                    |spec| {
                        spec.stack[0] = Item::Bytes(moved);
                        spec.stack[1] = Item::Bytes(second[1..].to_vec());
                    },
                    DIFFERS,
                );
            }
            for (nth, size) in [a, b].into_iter().enumerate().filter(|(_, size)| *size > 0) {
                group.reject(
                    &base,
                    &format!("{id}-flipped-{nth}"),
                    &HASH,
                    &format!("a bit of the last byte of element {nth} is flipped"),
                    |spec| spec.stack[nth] = spec.stack[nth].clone().flipped(size - 1),
                    DIFFERS,
                );
            }
        }
    }
}
