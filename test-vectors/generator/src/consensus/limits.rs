//! Cases of the limits of whole scripts: size, number of opcodes, number of stack elements.

use sigstack_interpreter::{Flags, Opcode as Op, Phase, ScriptError};

use super::build::{
    Change, EARLIER, Good, LEGACY, WITNESS_V0, accept, asm, at, bad, elements, in_phase, phase, reject,
    spend, twins,
};
use crate::group::{Group, Rule};
use crate::item::Item;
use crate::script::Script;
use crate::spec::{Spec, Version};
use sigstack_vectors::Case;

const SCRIPT_SIZE: Rule = Rule {
    source: "Bitcoin Core, EvalScript, MAX_SCRIPT_SIZE; BIP 342, Resource limits",
    text: "before tapscript a script has up to 10,000 bytes",
    only: None,
};
const OPS: Rule = Rule {
    source: "Bitcoin Core, EvalScript, MAX_OPS_PER_SCRIPT; BIP 342, Resource limits",
    text: "before tapscript a script has up to 201 opcodes above OP_16, executed or not, the keys of a multisig counted",
    only: None,
};
const STACK: Rule = Rule {
    source: "Bitcoin Core, EvalScript, MAX_STACK_SIZE; BIP 342, Resource limits",
    text: "up to 1,000 elements are on the stack and the alt stack together, in tapscript from the start",
    only: None,
};

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("limits");
    script_size(&mut group);
    ops(&mut group);
    stack(&mut group);
    group.finish()
}

/// Returns a valid script of this size in bytes. Most of it are long pushes, each followed by OP_DROP.
fn sized(bytes: usize) -> Script {
    let block = [&[Op::OP_PUSHDATA2.0, 0x04, 0x02][..], &[0; 516], &[Op::OP_DROP.0]].concat();
    let (blocks, rest) = ((bytes - 1) / block.len(), (bytes - 1) % block.len());
    Script::new().raw(&block.repeat(blocks)).raw(&vec![Op::OP_NOP.0; rest]).op(Op::OP_1)
}

fn script_size(group: &mut Group) {
    for version in [Version::Bare, Version::P2wsh, Version::P2shP2wsh] {
        let comment = "a script of 10,000 bytes";
        let base =
            accept(group, version, "script-10000", &SCRIPT_SIZE, comment, spend(version, sized(10_000), ""));
        let change = |spec: &mut Spec| spec.script = sized(10_001);
        let verdict = in_phase(phase(version), ScriptError::ScriptSize);
        reject(group, version, &base, "script-10001", &SCRIPT_SIZE, "it has a byte more", change, verdict);
    }
    let comment = "a tapscript of 10,001 bytes";
    let spec = spend(Version::Tapscript, sized(10_001), "");
    accept(group, Version::Tapscript, "script-10001", &SCRIPT_SIZE, comment, spec);
    // The scriptSig has the same size limit.
    let script_sig = |bytes: usize| sized_bytes(bytes);
    let mut spec = spend(Version::Bare, asm("1"), "");
    spec.script_sig = script_sig(10_000);
    let base =
        accept(group, Version::Bare, "scriptsig-10000", &SCRIPT_SIZE, "a scriptSig of 10,000 bytes", spec);
    let change = |spec: &mut Spec| spec.script_sig = script_sig(10_001);
    let verdict = in_phase(Phase::ScriptSig, ScriptError::ScriptSize);
    reject(
        group,
        Version::Bare,
        &base,
        "scriptsig-10001",
        &SCRIPT_SIZE,
        "it has a byte more",
        change,
        verdict,
    );
}

/// Returns the bytes of a script that is `bytes` bytes long and consists of pushes.
fn sized_bytes(bytes: usize) -> Vec<u8> {
    let block = [&[Op::OP_PUSHDATA2.0, 0x05, 0x02][..], &[0; 517]].concat();
    [block.repeat(bytes / 520), vec![0; bytes % 520]].concat()
}

fn ops(group: &mut Group) {
    let script = |count: usize| format!("1 {}", "NOP ".repeat(count));
    let (most, more) = (script(201), script(202));
    let good = Good {
        slug: "ops-201",
        rule: &OPS,
        comment: "201 opcodes",
        stack: "",
        script: &most,
        flags: Flags::NONE,
    };
    let too_many = ScriptError::OpCount;
    twins(
        group,
        EARLIER,
        good,
        &[bad("more", "there is one more", Change::Script(&more), too_many, Op::OP_NOP)],
    );
    let comment = "202 opcodes in a tapscript";
    accept(group, Version::Tapscript, "ops-202", &OPS, comment, spend(Version::Tapscript, asm(&more), ""));

    let (most, more) = (
        "1 0 IF ".to_owned() + &"NOP ".repeat(199) + "ENDIF",
        "1 0 IF ".to_owned() + &"NOP ".repeat(200) + "ENDIF",
    );
    let good =
        Good { slug: "ops-201-unexecuted", comment: "201 opcodes, most not executed", script: &most, ..good };
    twins(
        group,
        EARLIER,
        good,
        &[bad("more", "there is one more", Change::Script(&more), too_many, Op::OP_ENDIF)],
    );

    // Pushes do not count. OP_16 is the highest opcode that does not count; OP_RESERVED is lower and does not count either.
    let script = |more: &str| format!("0 IF {} RESERVED ENDIF {more} 16", "NOP ".repeat(199));
    let most = script("");
    let more = script("NOP");
    let good = Good {
        slug: "ops-reserved",
        comment: "201 opcodes, an OP_RESERVED that is not executed, and an OP_16",
        script: &most,
        ..good
    };
    twins(
        group,
        EARLIER,
        good,
        &[bad("more", "an OP_NOP follows", Change::Script(&more), too_many, Op::OP_NOP)],
    );

    // Each OP_CHECKMULTISIGVERIFY with 20 keys counts as 21 opcodes.
    let multisigs = |nops: usize| {
        let one = format!("0 0 {} 20 CHECKMULTISIGVERIFY ", "0 ".repeat(20));
        format!("{}{}1", one.repeat(9), "NOP ".repeat(nops))
    };
    let (most, more) = (multisigs(12), multisigs(13));
    let good = Good {
        slug: "ops-multisig",
        comment: "nine multisigs of 20 keys and twelve more opcodes",
        script: &most,
        ..good
    };
    twins(
        group,
        EARLIER,
        good,
        &[bad("more", "there is one more", Change::Script(&more), too_many, Op::OP_NOP)],
    );
    let keys = |nops: usize| format!("{} 0 0 {} 20 CHECKMULTISIG", "NOP ".repeat(nops), "0 ".repeat(20));
    let (most, more) = (keys(180), keys(181));
    let good = Good {
        slug: "ops-multisig-last",
        comment: "180 opcodes and a multisig of 20 keys",
        script: &most,
        ..good
    };
    let differs = "there is one more opcode";
    twins(
        group,
        EARLIER,
        good,
        &[bad("more", differs, Change::Script(&more), too_many, Op::OP_CHECKMULTISIG)],
    );
    code_separators(group);
}

/// Adds cases with 201 and 202 times OP_CODESEPARATOR. Under consensus rules this opcode can fail only because of the
/// opcode limit.
fn code_separators(group: &mut Group) {
    let script = |count: usize| format!("1 {}", "CODESEPARATOR ".repeat(count));
    let (most, more) = (script(201), script(202));
    let good = Good {
        slug: "ops-codeseparator",
        rule: &OPS,
        comment: "201 times OP_CODESEPARATOR",
        stack: "",
        script: &most,
        flags: Flags::NONE,
    };
    let more = Change::Script(&more);
    let more = bad("more", "there is one more", more, ScriptError::OpCount, Op::OP_CODESEPARATOR);
    twins(group, EARLIER, good, &[more]);
}

fn stack(group: &mut Group) {
    // The spend has 1,000 elements: 500 on the initial stack, and 500 pushed by the script. Before segwit, elements may be
    // left over.
    let script = |pushes: usize| Script::new().raw(&vec![Op::OP_1.0; pushes]);
    let fill = elements(&"0 ".repeat(500));
    for version in LEGACY {
        let spec = Spec { stack: fill.clone(), ..spend(*version, script(500), "") };
        let base = accept(group, *version, "stack-1000", &STACK, "1,000 elements", spec);
        let change = |spec: &mut Spec| spec.script = script(501);
        let verdict = at(Op::OP_1, ScriptError::StackSize);
        reject(group, *version, &base, "stack-1001", &STACK, "the script pushes one more", change, verdict);
    }
    alt_stack(group);
    // Segwit v0 checks the number of elements only after the first opcode. The 201 allowed opcodes cannot remove 1,000
    // elements, so no spend with so many elements is valid.
    for version in WITNESS_V0 {
        let base = spend(*version, asm("NOP"), "1");
        let base = accept(group, *version, "stack-initial-1", &STACK, "one element at the start", base);
        for (count, verdict) in [
            (1_000, in_phase(phase(*version), ScriptError::CleanStack)),
            (1_001, at(Op::OP_NOP, ScriptError::StackSize)),
        ] {
            let change = |spec: &mut Spec| spec.stack = vec![Item::Bytes(vec![1]); count];
            let differs = format!("there are {count} elements, which the first opcode finds");
            reject(
                group,
                *version,
                &base,
                &format!("stack-initial-{count}"),
                &STACK,
                &differs,
                change,
                verdict,
            );
        }
    }
    tapscript_stack(group);
}

/// Adds cases of the limit on stack elements. 100 of the 1,000 elements are on the alternate stack.
fn alt_stack(group: &mut Group) {
    let fill = elements(&"0 ".repeat(700));
    let script = |pushes: usize| {
        Script::new()
            .raw(&[Op::OP_TOALTSTACK.0; 100])
            .raw(&vec![Op::OP_1.0; pushes])
            .op(Op::OP_DUP)
            .op(Op::OP_DROP)
    };
    for version in LEGACY {
        let spec = Spec { stack: fill.clone(), ..spend(*version, script(299), "") };
        let comment = "900 elements on the stack and 100 on the alt stack";
        let base = accept(group, *version, "stack-1000-alt", &STACK, comment, spec);
        let change = |spec: &mut Spec| spec.script = script(300);
        let differs = "the script pushes one more before it duplicates one";
        let verdict = at(Op::OP_DUP, ScriptError::StackSize);
        reject(group, *version, &base, "stack-1001-alt", &STACK, differs, change, verdict);
    }
}

fn tapscript_stack(group: &mut Group) {
    let version = Version::Tapscript;
    let drops = |count: usize| {
        Script::new().raw(&vec![Op::OP_2DROP.0; count / 2]).raw(&vec![Op::OP_DROP.0; count % 2]).op(Op::OP_1)
    };
    let spec = Spec { stack: vec![Item::Bytes(vec![]); 1_000], ..spend(version, drops(1_000), "") };
    let base = accept(group, version, "stack-initial-1000", &STACK, "1,000 elements at the start", spec);
    let change = |spec: &mut Spec| {
        spec.stack.push(Item::Bytes(vec![]));
        spec.script = drops(1_001);
    };
    let verdict = in_phase(Phase::Tapscript, ScriptError::StackSize);
    let differs = "there is one more, and the script drops it too";
    reject(group, version, &base, "stack-initial-1001", &STACK, differs, change, verdict);
    let change = |spec: &mut Spec| spec.script = Script::new().op(Op::OP_DUP).then(drops(1_001));
    let differs = "the script duplicates one before it drops them all";
    reject(
        group,
        version,
        &base,
        "stack-1001",
        &STACK,
        differs,
        change,
        at(Op::OP_DUP, ScriptError::StackSize),
    );
    let toalt =
        |extra: Op| Script::new().raw(&[Op::OP_TOALTSTACK.0; 999]).ops(&[extra, Op::OP_DROP, Op::OP_1]);
    let spec = Spec { stack: vec![Item::Bytes(vec![]); 1_000], ..spend(version, toalt(Op::OP_NOP), "") };
    let base = accept(group, version, "stack-1000-alt", &STACK, "999 of them on the alt stack", spec);
    let change = |spec: &mut Spec| spec.script = toalt(Op::OP_DUP);
    let verdict = at(Op::OP_DUP, ScriptError::StackSize);
    reject(
        group,
        version,
        &base,
        "stack-1001-alt",
        &STACK,
        "the one that is left is duplicated",
        change,
        verdict,
    );
}
