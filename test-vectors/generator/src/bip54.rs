//! BIP 54: cases of the two rules about whole transactions.

use sigstack_interpreter::{Flags, Opcode, ScriptError};
use sigstack_vectors::Case;

mod sigops;

use super::group::{Accepted, Group, Rule};
use super::keys::digest_of;
use super::whole::{Spent, TransactionVerdict, Whole};

pub(super) const SPECIFICATION: &str = "BIP 54, Specification";

const SIZE: Rule = Rule {
    source: SPECIFICATION,
    text: "a transaction of exactly 64 bytes without its witness is invalid",
    only: None,
};
const STATES: Rule = Rule { source: SPECIFICATION, text: "each rule applies under its own flag", only: None };
const INPUTS: Rule = Rule {
    source: "test-vectors/README.md, The format",
    text: "every input must be valid; the error is that of the first input that is not",
    only: None,
};

pub(super) const TOO_MANY: TransactionVerdict = TransactionVerdict::Rule("bad-txns-legacy-sigops");
const WRONG_SIZE: TransactionVerdict = TransactionVerdict::Rule("bad-txns-size");

/// Returns the flags of the two rules of BIP 54.
fn both() -> Flags {
    Flags::LEGACY_SIGOPS_LIMIT | Flags::FORBID_64_BYTE_TX
}

/// Describes a transaction with these inputs and one output. It is verified under today's consensus rules and both
/// rules of BIP 54.
pub(super) fn spending(inputs: Vec<Spent>) -> Whole {
    let output = [&[0, 20], digest_of("output").get(..20).unwrap_or_default()].concat();
    Whole { inputs, outputs: vec![output], flags: Flags::CONSENSUS | both() }
}

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("bip54");
    sigops::cases(&mut group);
    sizes(&mut group);
    states(&mut group);
    inputs(&mut group);
    group.finish()
}

/// Creates a transaction with a scriptSig and an output script of these lengths in bytes. Its size without witness is 60
/// bytes plus both lengths.
fn sized(script_sig: usize, script_pubkey: usize) -> Whole {
    let ones = |length: usize| vec![Opcode::OP_1.0; length];
    let spent = Spent { script_sig: ones(script_sig), ..Spent::bare(vec![Opcode::OP_1.0]) };
    Whole { outputs: vec![ones(script_pubkey)], ..spending(vec![spent]) }
}

/// Creates a transaction with an output script of this length and a witness with one element of this length. The input
/// spends a witness program of version 2, for which no rules exist. Marker, flag, element count and element length add
/// 4 bytes to the size.
fn witnessed(script_pubkey: usize, element: usize) -> Whole {
    let program = vec![Opcode::OP_2.0, 2, 1, 1];
    let spent = Spent { witness: vec![vec![1; element]], ..Spent::bare(program) };
    Whole { outputs: vec![vec![Opcode::OP_NOP.0; script_pubkey]], ..spending(vec![spent]) }
}

fn sizes(group: &mut Group<Whole>) {
    let reject = |group: &mut Group<Whole>, twin: &Accepted<Whole>, id: &str, differs: &str, with: Whole| {
        group.reject(twin, id, &SIZE, differs, |whole| *whole = with, WRONG_SIZE);
    };
    let base = group.accept("size-63", &SIZE, "63 bytes, 3 of them an output script", sized(0, 3));
    reject(group, &base, "size-64", "the output script has 4 bytes, the transaction 64", sized(0, 4));
    let base = group.accept("size-65", &SIZE, "65 bytes, 5 of them an output script", sized(0, 5));
    reject(group, &base, "size-64-output", "the output script has 4 bytes, the transaction 64", sized(0, 4));
    let base = group.accept("size-63-scriptsig", &SIZE, "63 bytes, 3 of them a scriptSig", sized(3, 0));
    reject(group, &base, "size-64-scriptsig", "the scriptSig has 4 bytes, the transaction 64", sized(4, 0));
    let base = group.accept("size-65-scriptsig", &SIZE, "65 bytes, 5 of them a scriptSig", sized(5, 0));
    reject(group, &base, "size-64-both", "the scripts have 2 bytes each, the transaction 64", sized(2, 2));
    for (id, comment, whole) in [
        ("size-61", "61 bytes", sized(0, 1)),
        ("size-62", "62 bytes", sized(1, 1)),
        ("size-66", "66 bytes", sized(3, 3)),
        ("size-128", "128 bytes, twice 64", sized(0, 68)),
        ("size-320", "320 bytes, which are 64 in the lowest byte", sized(0, 258)),
        ("size-320-scriptsig", "320 bytes with a long scriptSig", sized(258, 0)),
    ] {
        group.accept(id, &SIZE, comment, whole);
    }
    for length in [3, 5] {
        let size = 60 + length;
        let comment = format!("{size} bytes and a witness");
        let base = group.accept(&format!("size-{size}-witness"), &SIZE, &comment, witnessed(length, 0));
        let id = format!("size-64-witness-{size}");
        let differs = "the output script has 4 bytes, the transaction 64 without its witness";
        reject(group, &base, &id, differs, witnessed(4, 0));
    }
    group.accept("size-total-64", &SIZE, "60 bytes, 64 with the witness", witnessed(0, 0));
    group.accept(
        "size-virtual-64",
        &SIZE,
        "61 bytes, 71 with the witness: 64 virtual bytes",
        witnessed(1, 6),
    );
}

fn states(group: &mut Group<Whole>) {
    let with_sigops = |flags| Whole { flags, ..spending(sigops::in_one_script(2_501)) };
    let with_64_bytes = |flags| Whole { flags, ..sized(0, 4) };
    let today = Flags::CONSENSUS;
    for (id, made, own, other, verdict) in [
        (
            "sigops",
            &with_sigops as &dyn Fn(Flags) -> Whole,
            Flags::LEGACY_SIGOPS_LIMIT,
            Flags::FORBID_64_BYTE_TX,
            TOO_MANY,
        ),
        ("size", &with_64_bytes, Flags::FORBID_64_BYTE_TX, Flags::LEGACY_SIGOPS_LIMIT, WRONG_SIZE),
    ] {
        let what = if id == "sigops" { "2,501 signature operations" } else { "64 bytes" };
        let comment = format!("{what} under today's rules");
        let base = group.accept(&format!("state-inactive-{id}"), &STATES, &comment, made(today));
        let comment = format!("{what} under the flag of the other rule");
        group.accept(&format!("state-other-{id}"), &STATES, &comment, made(today | other));
        let differs = "the rule is active";
        let id = format!("state-active-{id}");
        group.reject(&base, &id, &STATES, differs, |whole| whole.flags |= own, verdict);
        let differs = "both rules are active";
        let id = format!("{id}-both");
        group.reject(&base, &id, &STATES, differs, |whole| whole.flags |= both(), verdict);
    }
}

/// Adds cases in which an input is invalid, although the transaction satisfies the rules of BIP 54.
fn inputs(group: &mut Group<Whole>) {
    let script = |opcode: Opcode| Spent::bare(vec![opcode.0]);
    let all = |flags| Whole {
        flags,
        ..spending(vec![script(Opcode::OP_1), script(Opcode::OP_2), script(Opcode::OP_3)])
    };
    let base = group.accept("inputs-valid", &INPUTS, "three inputs", all(Flags::CONSENSUS | both()));
    group.accept("inputs-valid-today", &INPUTS, "three inputs under today's rules", all(Flags::CONSENSUS));
    for (nth, which) in ["first", "second", "last"].into_iter().enumerate() {
        let mut invalid = all(Flags::CONSENSUS | both());
        if let Some(input) = invalid.inputs.get_mut(nth) {
            *input = script(Opcode::OP_0);
        }
        let verdict = TransactionVerdict::Input(nth, ScriptError::EvalFalse);
        let differs = format!("the {which} input is invalid");
        group.reject(&base, &format!("inputs-{which}"), &INPUTS, &differs, |whole| *whole = invalid, verdict);
    }
    for (id, second, third, error) in [
        ("inputs-two", Opcode::OP_RETURN, Opcode::OP_0, ScriptError::OpReturn),
        ("inputs-two-other", Opcode::OP_0, Opcode::OP_RETURN, ScriptError::EvalFalse),
    ] {
        group.reject(
            &base,
            id,
            &INPUTS,
            "the second and the last input are invalid, for different reasons",
            |whole| whole.inputs = vec![script(Opcode::OP_1), script(second), script(third)],
            TransactionVerdict::Input(1, error),
        );
    }
}
