//! Cases of OP_CAT (BIP 347).

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

use sigstack_interpreter::{Flags, Opcode, Proposal, ScriptError};

use super::group::{Group, Rule};
use super::item::Item;
use super::keys::bytes_of;
use super::script::Script;
use super::spec::{Spec, StopsAt, Verdict};
use super::{opcode_mistakes, states};
use sigstack_vectors::Case;

const SPECIFICATION: &str = "BIP 347, Specification";

const STACK: Rule =
    Rule { source: SPECIFICATION, text: "fewer than two elements on the stack fail", only: None };
const JOINS: Rule = Rule {
    source: SPECIFICATION,
    text: "pops x1 and x2, x2 the top element, and pushes x1 || x2",
    only: None,
};
const LIMIT: Rule = Rule { source: SPECIFICATION, text: "a result of more than 520 bytes fails", only: None };
const NUMBERS: Rule = Rule {
    source: SPECIFICATION,
    text: "the result is bytes: the rules of numbers hold only where it is used as a number",
    only: None,
};

const CAT: Opcode = Opcode::OP_CAT;
const DIFFERS: Verdict = Verdict::Reject(ScriptError::EqualVerify, StopsAt::Opcode(Opcode::OP_EQUALVERIFY));
const TOO_LONG: Verdict = Verdict::Reject(ScriptError::PushSize, StopsAt::Opcode(CAT));

/// Returns the script `OP_CAT <result> OP_EQUALVERIFY OP_1`.
fn expecting(result: &[u8]) -> Script {
    Script::new().op(CAT).push(result).ops(&[Opcode::OP_EQUALVERIFY, Opcode::OP_1])
}

fn joined(a: &[u8], b: &[u8]) -> Spec {
    Spec::tapscript(expecting(&[a, b].concat())).under(Flags::OP_CAT).with_bytes(a).with_bytes(b)
}

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("cat");
    states::success_opcode(&mut group, Proposal::OP_CAT, &joined(b"first", b"second"));
    let base = group.accept("stack-2", &STACK, "two elements", joined(b"first", b"second"));
    for depth in [0, 1] {
        group.reject(
            &base,
            &format!("stack-{depth}"),
            &STACK,
            &format!("there are {depth} elements"),
            |spec| {
                spec.stack.truncate(depth);
                spec.script = expecting(&b"first"[..5 * depth]);
            },
            Verdict::Reject(ScriptError::InvalidStackOperation, StopsAt::Opcode(CAT)),
        );
    }
    sizes(&mut group);
    limits(&mut group);
    numbers(&mut group);
    let depth = |number| Script::new().op(CAT).op(Opcode::OP_DEPTH).number(number);
    let script = |number| depth(number).ops(&[Opcode::OP_EQUALVERIFY, Opcode::OP_NIP]);
    let mut three = joined(b"first", b"second");
    three.stack.insert(0, Item::Bytes(vec![9]));
    three.script = script(2);
    let base = group.accept("pops", &JOINS, "three elements become two", three);
    group.reject(
        &base,
        "pops-not-one",
        &JOINS,
        "the script expects three",
        |spec| spec.script = script(3),
        DIFFERS,
    );
    opcode_mistakes::cat(&mut group);
    group.finish()
}

fn sizes(group: &mut Group) {
    for a in [0, 1, 4, 7, 8, 32, 75, 255, 256] {
        for b in [0, 1, 3, 7, 8, 33, 264] {
            let (first, second) = (bytes_of("first", a), bytes_of("second", b));
            let id = format!("sizes-{a}-{b}");
            let base =
                group.accept(&id, &JOINS, &format!("{a} bytes and {b} bytes"), joined(&first, &second));
            if a > 0 && b > 0 {
                let swap = |spec: &mut Spec| spec.stack.swap(0, 1);
                group.reject(&base, &format!("{id}-swapped"), &JOINS, "they are swapped", swap, DIFFERS);
            }
            if a + b > 0 {
                let cut = [first.as_slice(), &second].concat()[..a + b - 1].to_vec();
                group.reject(
                    &base,
                    &format!("{id}-cut"),
                    &JOINS,
                    "the script expects a byte less",
                    |spec| spec.script = expecting(&cut),
                    DIFFERS,
                );
            }
        }
    }
}

fn limits(group: &mut Group) {
    for a in [0, 1, 100, 259, 260, 261, 519, 520] {
        let (first, second) = (bytes_of("first", a), bytes_of("second", 520 - a));
        let id = format!("limit-{a}");
        let comment = format!("{a} and {} bytes make 520", 520 - a);
        let base = group.accept(&id, &LIMIT, &comment, joined(&first, &second));
        // The extra byte goes to the element that is not yet at the limit of 520 bytes.
        let grown = usize::from(a == 520 || a > 260);
        group.reject(
            &base,
            &format!("{id}-one-more"),
            &LIMIT,
            "one of them has a byte more",
            |spec| {
                spec.script = Script::new().ops(&[CAT, Opcode::OP_DROP, Opcode::OP_1]);
                let old = if grown == 1 { &second } else { &first };
                let longer = Item::Bytes([old.as_slice(), &[1]].concat());
                if old.len() < 520 {
                    spec.stack[grown] = longer;
                } else {
                    spec.stack[1 - grown] = Item::Bytes(vec![1]);
                }
            },
            TOO_LONG,
        );
    }
    let doubled = |times: usize| {
        let twice = [Opcode::OP_DUP, CAT];
        let script = (0..times).fold(Script::new(), |script, _| script.ops(&twice));
        Spec::tapscript(script).under(Flags::OP_CAT).with_bytes(&[1])
    };
    let base = group.accept("doubling-9", &LIMIT, "a byte doubled nine times: 512 bytes", doubled(9));
    let change = |spec: &mut Spec| spec.script = doubled(10).script;
    group.reject(&base, "doubling-10", &LIMIT, "it is doubled once more", change, TOO_LONG);
    let both = bytes_of("half", 520);
    let mut widest = joined(&both, &[]);
    widest.script = Script::new().ops(&[CAT, Opcode::OP_DROP, Opcode::OP_1]);
    let base = group.accept("limit-widest", &LIMIT, "520 bytes and none", widest);
    let change = |spec: &mut Spec| spec.stack[1] = Item::Bytes(both.clone());
    group.reject(&base, "limit-both-widest", &LIMIT, "both have 520 bytes", change, TOO_LONG);
}

fn numbers(group: &mut Group) {
    let add = Script::new().ops(&[CAT, Opcode::OP_1ADD, Opcode::OP_DROP, Opcode::OP_1]);
    let number =
        |a: &[u8], b: &[u8]| Spec::tapscript(add.clone()).under(Flags::OP_CAT).with_bytes(a).with_bytes(b);
    let refused = Verdict::Reject(ScriptError::ScriptNum, StopsAt::Opcode(Opcode::OP_1ADD));
    let base = group.accept("number-4", &NUMBERS, "four bytes are a number", number(&[1, 2], &[3, 4]));
    group.reject(
        &base,
        "number-5",
        &NUMBERS,
        "there are five bytes",
        |spec| spec.stack[1] = Item::Bytes(vec![3, 4, 5]),
        refused,
    );
    let base =
        group.accept("number-not-minimal", &NUMBERS, "consensus reads 0x0100 as one", number(&[1], &[0]));
    group.reject(
        &base,
        "number-not-minimal-refused",
        &NUMBERS,
        "policy wants the shortest encoding",
        |spec| spec.flags |= Flags::MINIMALDATA,
        refused,
    );
    let truth = |a: &[u8], b: &[u8]| {
        Spec::tapscript(Script::new().op(CAT)).under(Flags::OP_CAT).with_bytes(a).with_bytes(b)
    };
    let base = group.accept("truth", &NUMBERS, "0x0001 is true", truth(&[0], &[1]));
    group.reject(
        &base,
        "truth-negative-zero",
        &NUMBERS,
        "it is 0x0080, negative zero",
        |spec| spec.stack[1] = Item::Bytes(vec![0x80]),
        Verdict::Reject(ScriptError::EvalFalse, StopsAt::Phase(sigstack_interpreter::Phase::Tapscript)),
    );
}
