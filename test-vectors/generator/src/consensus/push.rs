//! Cases of push opcodes, their size limits, and the policy rule that pushes must be as short as possible.

use sigstack_interpreter::{Flags, Opcode as Op, ScriptError};

use super::build::{
    Bad, Change, EVERY, Good, LEGACY, accept, asm, at, bad, bad_end, elements, phase, reject, spend, twins,
};
use crate::group::{Group, Rule};
use crate::item::Item;
use crate::script::Script;
use crate::spec::{Spec, StopsAt, Verdict, Version};
use sigstack_vectors::Case;

const PUSHES: Rule = Rule {
    source: "Bitcoin Core, EvalScript, Push value",
    text: "a push puts just these bytes on the stack, which may not get more than 1,000 elements by it",
    only: None,
};
const CUT: Rule = Rule {
    source: "Bitcoin Core, GetScriptOp",
    text: "a push that needs more bytes than the script has fails it, executed or not",
    only: None,
};
const SIZE: Rule = Rule {
    source: "Bitcoin Core, EvalScript, MAX_SCRIPT_ELEMENT_SIZE",
    text: "a push has up to 520 bytes, executed or not",
    only: None,
};
const MINIMAL: Rule = Rule {
    source: "BIP 62, rule 3; Bitcoin Core, CheckMinimalPush",
    text: "MINIMALDATA asks of executed pushes that they are the shortest",
    only: None,
};

/// Opcodes that push a number without consuming elements, each with the number.
const NUMBERS: &[(Op, &str)] = &[
    (Op::OP_0, "0x"),
    (Op::OP_1NEGATE, "0x81"),
    (Op::OP_1, "0x01"),
    (Op::OP_2, "0x02"),
    (Op::OP_3, "0x03"),
    (Op::OP_4, "0x04"),
    (Op::OP_5, "0x05"),
    (Op::OP_6, "0x06"),
    (Op::OP_7, "0x07"),
    (Op::OP_8, "0x08"),
    (Op::OP_9, "0x09"),
    (Op::OP_10, "0x0a"),
    (Op::OP_11, "0x0b"),
    (Op::OP_12, "0x0c"),
    (Op::OP_13, "0x0d"),
    (Op::OP_14, "0x0e"),
    (Op::OP_15, "0x0f"),
    (Op::OP_16, "0x10"),
    // There is one element below.
    (Op::OP_DEPTH, "0x01"),
];

/// Data lengths for which direct push opcodes are tested: the minimum, the maximum, and the lengths of hashes and keys.
const DIRECT: &[u8] = &[1, 2, 20, 33, 75];

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("push");
    for version in EVERY {
        for (opcode, pushed) in NUMBERS {
            number(&mut group, *version, *opcode, pushed);
        }
    }
    for length in DIRECT {
        let data = "5a".repeat((*length).into());
        data_push(&mut group, &format!("0x{length:02x}"), Op(*length), &data);
    }
    data_push(&mut group, "PUSHDATA1 0x4c", Op::OP_PUSHDATA1, &"5a".repeat(76));
    data_push(&mut group, "PUSHDATA2 0x0001", Op::OP_PUSHDATA2, &"5a".repeat(256));
    data_push(&mut group, "PUSHDATA4 0x01010000", Op::OP_PUSHDATA4, &"5a".repeat(257));
    cut_lengths(&mut group);
    sizes(&mut group);
    minimal(&mut group);
    group.finish()
}

/// Adds a case in which an opcode such as OP_5 pushes its number, and a rejected case in which this push exceeds the
/// limit of 1,000 elements.
fn number(group: &mut Group, version: Version, opcode: Op, pushed: &str) {
    let slug = opcode.to_string().trim_start_matches("OP_").to_lowercase();
    let script = Script::new().op(opcode).op(Op::OP_EQUAL);
    let comment = format!("{opcode} pushes what the witness or scriptSig has pushed");
    let base = accept(group, version, &slug, &PUSHES, &comment, spend(version, script, pushed));
    // The elements that fill the stack are pushed by another opcode than the tested one.
    let other = if opcode == Op::OP_0 { Op::OP_1 } else { Op::OP_0 };
    let after_a_thousand = |spec: &mut Spec| {
        spec.stack.splice(0..0, vec![Item::Bytes(vec![]); 159]);
        spec.script =
            Script::new().raw(&[other.0; 300]).raw(&[Op::OP_3DUP.0; 180]).op(opcode).op(Op::OP_EQUAL);
    };
    let id = format!("{slug}-full");
    let differs = "999 more elements are below: 159 from the start and 840 from the script";
    reject(
        group,
        version,
        &base,
        &id,
        &PUSHES,
        differs,
        after_a_thousand,
        at(opcode, ScriptError::StackSize),
    );
}

/// Adds cases of a push of `data`: a valid one, one whose result is compared with data that differs in the last byte, and
/// pushes without their last byte, executed and in a branch that is not. `push` is the assembly that precedes the
/// data: the opcode and its length bytes, such as `PUSHDATA1 0x4c`.
fn data_push(group: &mut Group, push: &str, opcode: Op, data: &str) {
    let name = opcode.to_string().trim_start_matches("OP_").to_lowercase();
    let script = format!("{push} 0x{data} EQUAL");
    let (short, _) = data.split_at(data.len() - 2);
    let cut = format!("{push} 0x{short}");
    let cut = if short.is_empty() { push.to_owned() } else { cut };
    let after = format!("EQUAL 0 IF {cut}");
    let stack = format!("0x{data}");
    let comment = format!("a push of {} bytes", data.len() / 2);
    let good = Good {
        slug: &name,
        rule: &PUSHES,
        comment: &comment,
        stack: &stack,
        script: &script,
        flags: Flags::NONE,
    };
    let wrong = format!("0x{}5b", short);
    twins(
        group,
        EVERY,
        good,
        &[bad_end(
            "wrong",
            "the last byte is not the one that is pushed",
            Change::Stack(&wrong),
            ScriptError::EvalFalse,
        )],
    );
    // A truncated push extends to the end of the script, so the comparison precedes the push.
    let (slug, whole) = (format!("{name}-whole"), format!("EQUAL {push} 0x{data} DROP"));
    let stack = "7 7";
    let good = Good { slug: &slug, rule: &CUT, comment: &comment, stack, script: &whole, ..good };
    let cut = format!("EQUAL {cut}");
    twins(
        group,
        EVERY,
        good,
        &[
            bad(
                "cut",
                "the script ends before the last byte",
                Change::Script(&cut),
                ScriptError::BadOpcode,
                opcode,
            ),
            bad(
                "cut-unexecuted",
                "the script ends before the last byte in a branch that is not executed",
                Change::Script(&after),
                ScriptError::BadOpcode,
                opcode,
            ),
        ],
    );
}

/// Adds cases in which the script ends inside the length bytes of a push opcode.
fn cut_lengths(group: &mut Group) {
    for (slug, whole, cut, opcode) in [
        ("pushdata1-no-length", "1 PUSHDATA1 0x00 DROP", "1 PUSHDATA1", Op::OP_PUSHDATA1),
        ("pushdata2-half-length", "1 PUSHDATA2 0x0000 DROP", "1 PUSHDATA2 0x00", Op::OP_PUSHDATA2),
        ("pushdata4-short-length", "1 PUSHDATA4 0x00000000 DROP", "1 PUSHDATA4 0x000000", Op::OP_PUSHDATA4),
    ] {
        let comment = "a push of no bytes by an opcode that says how many";
        let good = Good { slug, rule: &CUT, comment, stack: "", script: whole, flags: Flags::NONE };
        let cut =
            bad("cut", "the script ends in the length", Change::Script(cut), ScriptError::BadOpcode, opcode);
        twins(group, EVERY, good, &[cut]);
    }
    let good = Good {
        slug: "pushdata4-end",
        rule: &CUT,
        comment: "the longest length that four bytes can say does not overflow",
        stack: "",
        script: "1 PUSHDATA4 0x01000000 0x5a DROP",
        flags: Flags::NONE,
    };
    let huge = Change::Script("1 PUSHDATA4 0xffffffff 0x5a DROP");
    let huge = bad("huge", "the length is 4,294,967,295", huge, ScriptError::BadOpcode, Op::OP_PUSHDATA4);
    twins(group, EVERY, good, &[huge]);
}

/// Adds cases with pushes of 520 and 521 bytes. P2SH is left out, because a redeem script with such a push would itself
/// exceed 520 bytes.
fn sizes(group: &mut Group) {
    for (slug, opcode, longest, too_long) in [
        ("pushdata2", Op::OP_PUSHDATA2, "PUSHDATA2 0x0802", "PUSHDATA2 0x0902"),
        ("pushdata4", Op::OP_PUSHDATA4, "PUSHDATA4 0x08020000", "PUSHDATA4 0x09020000"),
    ] {
        let data = "00".repeat(520);
        let versions = [Version::Bare, Version::P2wsh, Version::P2shP2wsh, Version::Tapscript];
        for (kind, before, after) in [("", "", "DROP 1"), ("-unexecuted", "0 IF", "ENDIF 1")] {
            let slug = format!("{slug}-520{kind}");
            let script = format!("{before} {longest} 0x{data} {after}");
            let longer = format!("{before} {too_long} 0x{data}00 {after}");
            let comment = "a push of 520 bytes";
            let good =
                Good { slug: &slug, rule: &SIZE, comment, stack: "", script: &script, flags: Flags::NONE };
            let differs = "it has a byte more";
            let longer = bad("more", differs, Change::Script(&longer), ScriptError::PushSize, opcode);
            twins(group, &versions, good, &[longer]);
        }
    }
    initial_elements(group);
}

/// Adds cases with elements of 520 and 521 bytes on the initial stack. The size limit also applies to elements that the
/// witness provides (BIP 141, BIP 342).
fn initial_elements(group: &mut Group) {
    for version in EVERY {
        let element = |length: usize| format!("0x{}", "00".repeat(length));
        let base = spend(*version, asm("DROP 1"), &element(520));
        let base = accept(group, *version, "initial-520", &SIZE, "an element of 520 bytes", base);
        let (stop, place) = if LEGACY.contains(version) {
            (StopsAt::Opcode(Op::OP_PUSHDATA2), "the scriptSig pushes")
        } else {
            (StopsAt::Phase(phase(*version)), "the witness has")
        };
        reject(
            group,
            *version,
            &base,
            "initial-521",
            &SIZE,
            &format!("{place} a byte more"),
            |spec| spec.stack = elements(&element(521)),
            Verdict::Reject(ScriptError::PushSize, stop),
        );
    }
    // The scriptSig pushes the redeem script, which may therefore have 520 bytes.
    let script = |length: usize| Script::new().raw(&vec![0; length - 1]).op(Op::OP_1);
    let base = spend(Version::P2sh, script(520), "");
    let base = accept(group, Version::P2sh, "redeem-script-520", &SIZE, "a redeem script of 520 bytes", base);
    reject(
        group,
        Version::P2sh,
        &base,
        "redeem-script-521",
        &SIZE,
        "it has a byte more",
        |spec| spec.script = script(521),
        at(Op::OP_PUSHDATA2, ScriptError::PushSize),
    );
}

/// A push that is longer than necessary: its name in case ids, the push in assembly, and its opcode.
type Longer = (&'static str, &'static str, Op);

/// Kinds of push for which longer encodings exist. Each row has the name, the shortest push, the script words that
/// follow the push, and the longer pushes of the same data.
const LONGER: &[(&str, &str, &str, &[Longer])] = &[
    (
        "empty",
        "0",
        " NOT",
        &[
            ("pushdata1", "PUSHDATA1 0x00", Op::OP_PUSHDATA1),
            ("pushdata2", "PUSHDATA2 0x0000", Op::OP_PUSHDATA2),
            ("pushdata4", "PUSHDATA4 0x00000000", Op::OP_PUSHDATA4),
        ],
    ),
    (
        "one",
        "1",
        "",
        &[("direct", "0x01 0x01", Op(1)), ("pushdata1", "PUSHDATA1 0x01 0x01", Op::OP_PUSHDATA1)],
    ),
    ("sixteen", "16", "", &[("direct", "0x01 0x10", Op(1))]),
    ("minus-one", "-1", "", &[("direct", "0x01 0x81", Op(1))]),
    ("seventeen", "0x01 0x11", "", &[("pushdata1", "PUSHDATA1 0x01 0x11", Op::OP_PUSHDATA1)]),
    ("zero-byte", "0x01 0x00", " SIZE NIP", &[("pushdata1", "PUSHDATA1 0x01 0x00", Op::OP_PUSHDATA1)]),
];

/// Pushes with data lengths at which a longer push opcode becomes necessary. Each row has the length, the shortest
/// push, a longer push, and the opcode of the longer push.
const LONGER_DATA: &[(usize, &str, &str, Op)] = &[
    (75, "0x4b", "PUSHDATA1 0x4b", Op::OP_PUSHDATA1),
    (76, "PUSHDATA1 0x4c", "PUSHDATA2 0x4c00", Op::OP_PUSHDATA2),
    (255, "PUSHDATA1 0xff", "PUSHDATA2 0xff00", Op::OP_PUSHDATA2),
    (256, "PUSHDATA2 0x0001", "PUSHDATA4 0x00010000", Op::OP_PUSHDATA4),
];

fn minimal(group: &mut Group) {
    let longer_than = |slug: &str, shortest: &str, longer: &[(&str, String, Op)], group: &mut Group| {
        let comment = "the shortest push";
        let flags = Flags::MINIMALDATA;
        let good = Good { slug, rule: &MINIMAL, comment, stack: "", script: shortest, flags };
        let bads: Vec<Bad<'_>> = longer
            .iter()
            .map(|(slug, script, opcode)| {
                let differs = "it is a longer push of the same";
                bad(slug, differs, Change::Script(script), ScriptError::MinimalData, *opcode)
            })
            .collect();
        twins(group, EVERY, good, &bads);
    };
    for (name, shortest, after, longer) in LONGER {
        let with = |push: &str| format!("{push}{after}");
        let longer: Vec<_> = longer.iter().map(|(slug, push, opcode)| (*slug, with(push), *opcode)).collect();
        longer_than(&format!("minimal-{name}"), &with(shortest), &longer, group);
    }
    for (length, shortest, longer, opcode) in LONGER_DATA {
        let data = "5a".repeat(*length);
        let longer = [("longer", format!("{longer} 0x{data}"), *opcode)];
        longer_than(&format!("minimal-{length}"), &format!("{shortest} 0x{data}"), &longer, group);
    }
    let good = Good {
        slug: "minimal-not-asked",
        rule: &MINIMAL,
        comment: "consensus takes pushes that are longer than needed",
        stack: "",
        script: "0x01 0x05 PUSHDATA1 0x00 PUSHDATA2 0x0100 0x07 PUSHDATA4 0x00000000 2DROP DROP",
        flags: Flags::NONE,
    };
    let under = Change::Under(Flags::MINIMALDATA);
    twins(
        group,
        EVERY,
        good,
        &[bad("minimaldata", "policy asks for the shortest", under, ScriptError::MinimalData, Op(1))],
    );
    let good = Good {
        slug: "minimal-unexecuted",
        rule: &MINIMAL,
        comment: "a push that is longer than needed, in a branch that is not executed",
        stack: "",
        script: "0 IF 0x01 0x05 DROP ENDIF 1",
        flags: Flags::MINIMALDATA,
    };
    let executed = Change::Script("1 IF 0x01 0x05 DROP ENDIF 1");
    let executed = bad("executed", "the branch is executed", executed, ScriptError::MinimalData, Op(1));
    twins(group, EVERY, good, &[executed]);
    in_script_sig(group);
}

/// Adds cases in which MINIMALDATA applies to a push in the scriptSig.
fn in_script_sig(group: &mut Group) {
    for version in LEGACY {
        let spec = spend(*version, asm("5 EQUAL"), "5").under(Flags::MINIMALDATA);
        let base =
            accept(group, *version, "minimal-scriptsig", &MINIMAL, "the scriptSig pushes by OP_5", spec);
        let direct = |spec: &mut Spec| {
            spec.stack.clear();
            spec.script_sig = vec![1, 5];
        };
        let verdict = at(Op(1), ScriptError::MinimalData);
        let differs = "the scriptSig pushes by a byte of data";
        reject(group, *version, &base, "minimal-scriptsig-direct", &MINIMAL, differs, direct, verdict);
    }
}
