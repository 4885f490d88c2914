//! Cases of opcodes that have no meaning, or no longer have one: reserved, disabled, unknown, and OP_SUCCESSx. Also cases
//! in which such an opcode is in a branch that is not executed.

use sigstack_interpreter::{Flags, Opcode as Op, Proposal, ScriptError};

use super::build::{EARLIER, accept, asm, at, reject, spend};
use crate::group::{Group, Rule};
use crate::script::Script;
use crate::spec::{Spec, Version};
use sigstack_vectors::Case;

const UNKNOWN: Rule = Rule {
    source: "Bitcoin Core, EvalScript",
    text: "an opcode without a meaning fails where it is executed",
    only: None,
};
const ALWAYS: Rule = Rule {
    source: "Bitcoin Core, EvalScript",
    text: "disabled opcodes (before tapscript), OP_VERIF and OP_VERNOTIF fail even where they are not executed",
    only: None,
};
const SUCCESS: Rule = Rule {
    source: "BIP 342, Script execution",
    text: "an OP_SUCCESSx in a tapscript makes it succeed before anything runs; policy refuses those that are free",
    only: None,
};
const PASSED_OVER: Rule = Rule {
    source: "Bitcoin Core, EvalScript",
    text: "what stands in a branch that is not executed has no effect",
    only: None,
};

/// The disabled opcodes (Bitcoin Core, EvalScript, CVE-2010-5137): CAT SUBSTR LEFT RIGHT, INVERT AND OR XOR, 2MUL 2DIV, MUL DIV MOD
/// LSHIFT RSHIFT.
const DISABLED: &[u8] =
    &[0x7e, 0x7f, 0x80, 0x81, 0x83, 0x84, 0x85, 0x86, 0x8d, 0x8e, 0x95, 0x96, 0x97, 0x98, 0x99];

/// OP_RESERVED, OP_VER, OP_RESERVED1, OP_RESERVED2.
const RESERVED: &[u8] = &[0x50, 0x62, 0x89, 0x8a];

/// Returns all OP_SUCCESSx. BIP 342 (Script execution) defines them as "80, 98, 126-129, 131-134, 137-138, 141-142,
/// 149-153, 187-254".
fn success() -> impl Iterator<Item = u8> {
    [80..=80, 98..=98, 126..=129, 131..=134, 137..=138, 141..=142, 149..=153, 187..=254].into_iter().flatten()
}

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("reserved");
    for version in EARLIER {
        let spec = spend(*version, asm("NOP 1"), "");
        let base = accept(&mut group, *version, "nop", &UNKNOWN, "OP_NOP, executed", spec);
        // OP_CHECKSIGADD and all higher opcodes are unknown before tapscript.
        for byte in RESERVED.iter().copied().chain(0xba..=0xff) {
            let verdict = at(Op(byte), ScriptError::BadOpcode);
            let differs = format!("the opcode is {byte:#04x}");
            let change = |spec: &mut Spec| spec.script = Script::new().op(Op(byte)).op(Op::OP_1);
            reject(&mut group, *version, &base, &format!("{byte:02x}"), &UNKNOWN, &differs, change, verdict);
        }
    }
    let spec = spend(Version::Tapscript, asm("NOP 1"), "");
    let base = accept(&mut group, Version::Tapscript, "nop", &UNKNOWN, "OP_NOP, executed", spec);
    let change = |spec: &mut Spec| spec.script = asm("0xff 1");
    let verdict = at(Op(0xff), ScriptError::BadOpcode);
    let differs = "the opcode is 0xff, which is no OP_SUCCESSx";
    reject(&mut group, Version::Tapscript, &base, "ff", &UNKNOWN, differs, change, verdict);
    always(&mut group);
    success_opcodes(&mut group);
    passed_over(&mut group);
    group.finish()
}

fn always(group: &mut Group) {
    for version in Version::SCRIPTS {
        let spec = spend(*version, asm("0 IF RETURN ENDIF 1"), "");
        let comment = "OP_RETURN in a branch that is not executed";
        let base = accept(group, *version, "unexecuted", &ALWAYS, comment, spec);
        let disabled = DISABLED.iter().map(|byte| (*byte, ScriptError::DisabledOpcode));
        let disabled = disabled.filter(|_| *version != Version::Tapscript);
        let verif = [0x65, 0x66].map(|byte| (byte, ScriptError::BadOpcode));
        for (byte, error) in disabled.chain(verif) {
            let opcode = Op(byte);
            for (slug, differs, script) in [
                ("executed", "the branch is not there and the opcode", Script::new().op(opcode).op(Op::OP_1)),
                (
                    "unexecuted",
                    "the opcode",
                    Script::new().ops(&[Op::OP_0, Op::OP_IF, opcode, Op::OP_ENDIF, Op::OP_1]),
                ),
            ] {
                let id = format!("{byte:02x}-{slug}");
                let differs = format!("{differs} is {opcode}");
                let change = |spec: &mut Spec| spec.script = script;
                reject(group, *version, &base, &id, &ALWAYS, &differs, change, at(opcode, error));
            }
        }
    }
}

fn success_opcodes(group: &mut Group) {
    let version = Version::Tapscript;
    for byte in success() {
        let opcode = Op(byte);
        // The OP_RETURN before the opcode would fail if it were executed.
        let script = Script::new().ops(&[Op::OP_RETURN, opcode]);
        let comment = format!("{opcode} after an OP_RETURN");
        let base = accept(
            group,
            version,
            &format!("success-{byte}"),
            &SUCCESS,
            &comment,
            spend(version, script, ""),
        );
        let assigned = Proposal::of_success_opcode(opcode).is_some();
        let (slug, differs, flags) = ("discouraged", "policy refuses it", Flags::DISCOURAGE_OP_SUCCESS);
        if assigned {
            // The proposal that uses this opcode has its own discourage flag, which is not one of Core's.
            let spec = spend(version, Script::new().ops(&[Op::OP_RETURN, opcode]), "").under(flags);
            let comment = format!(
                "{opcode}, which a proposal has a use for, under the policy against those that are free"
            );
            accept(group, version, &format!("success-{byte}-assigned"), &SUCCESS, &comment, spec);
            continue;
        }
        let change = |spec: &mut Spec| spec.flags |= flags;
        let verdict = at(opcode, ScriptError::DiscourageOpSuccess);
        reject(group, version, &base, &format!("success-{byte}-{slug}"), &SUCCESS, differs, change, verdict);
    }
    around_success(group);
}

/// Adds cases with OP_SUCCESSx after various script parts (an unexecuted branch, an oversized push) or before a
/// truncated push.
fn around_success(group: &mut Group) {
    let version = Version::Tapscript;
    let free = Op(0xbb);
    for (slug, comment, script, without, verdict) in [
        (
            "cut-after",
            "what follows an OP_SUCCESSx need not be instructions",
            Script::new().op(free).raw(&[0x02, 0x01]),
            Script::new().op(Op::OP_1).raw(&[0x02, 0x01]),
            at(Op(2), ScriptError::BadOpcode),
        ),
        (
            "unexecuted",
            "an OP_SUCCESSx in a branch that is not executed",
            Script::new().ops(&[Op::OP_0, Op::OP_IF]).op(free).ops(&[Op::OP_ENDIF, Op::OP_0]),
            Script::new().ops(&[Op::OP_0, Op::OP_IF, Op::OP_NOP, Op::OP_ENDIF, Op::OP_0]),
            super::build::in_phase(super::build::phase(version), ScriptError::EvalFalse),
        ),
        (
            "long-push",
            "a push of 521 bytes before an OP_SUCCESSx",
            Script::new().push(&[1; 521]).op(free),
            Script::new().push(&[1; 521]).op(Op::OP_NOP),
            at(Op::OP_PUSHDATA2, ScriptError::PushSize),
        ),
    ] {
        let slug = format!("success-{slug}");
        let base = accept(group, version, &slug, &SUCCESS, comment, spend(version, script, ""));
        let change = |spec: &mut Spec| spec.script = without;
        let differs = "there is another opcode instead";
        reject(group, version, &base, &format!("{slug}-nop"), &SUCCESS, differs, change, verdict);
    }
    let base = spend(version, Script::new().op(free).op(Op::OP_1), "");
    let base = accept(group, version, "success-first", &SUCCESS, "an OP_SUCCESSx before a whole push", base);
    let change = |spec: &mut Spec| spec.script = Script::new().raw(&[0x02, 0x01]).op(free).raw(&[0x4c, 0x05]);
    let differs = "it is the data of a push, and a push that is cut short follows";
    let verdict = at(Op::OP_PUSHDATA1, ScriptError::BadOpcode);
    reject(group, version, &base, "success-in-push", &SUCCESS, differs, change, verdict);
}

/// Adds cases with opcodes in a branch that is not executed. Every opcode that is allowed there is covered, with at
/// most 100 opcodes in each script because of the opcode limit.
fn passed_over(group: &mut Group) {
    for version in Version::SCRIPTS {
        let tapscript = *version == Version::Tapscript;
        let left_out = |byte: &u8| match byte {
            0x63..=0x68 => true,
            _ if tapscript => success().any(|success| success == *byte),
            _ => DISABLED.contains(byte),
        };
        let bytes: Vec<u8> = (0..=0xff).filter(|byte| !left_out(byte)).collect();
        let with_data = |byte: u8| match byte {
            1..=75 => [&[byte], vec![0; byte.into()].as_slice()].concat(),
            0x4c => vec![byte, 1, 0],
            0x4d => vec![byte, 1, 0, 0],
            0x4e => vec![byte, 1, 0, 0, 0, 0],
            _ => vec![byte],
        };
        // All direct pushes together have 2,925 bytes, more than a redeem script may have, so only some are used.
        let (pushes, others): (Vec<u8>, Vec<u8>) =
            bytes.into_iter().partition(|byte| (3..=74).contains(byte));
        let some_pushes = pushes.into_iter().filter(|byte| [20, 32, 33].contains(byte));
        let bytes: Vec<u8> = some_pushes.chain(others).collect();
        for (nth, chunk) in bytes.chunks(100).enumerate() {
            let body: Vec<u8> = chunk.iter().flat_map(|byte| with_data(*byte)).collect();
            let branch = |condition: Op| {
                let branches =
                    [Op::OP_IF, Op::OP_ELSE, Op::OP_ENDIF, Op::OP_NOTIF, Op::OP_ELSE, Op::OP_ENDIF];
                let script = Script::new().op(condition).op(Op::OP_IF);
                script.op(Op::OP_RETURN).raw(&body).ops(&branches).ops(&[Op::OP_ENDIF, Op::OP_1])
            };
            let slug = format!("passed-over-{nth}");
            let (first, last) = (chunk.first().map(|byte| Op(*byte)), chunk.last().map(|byte| Op(*byte)));
            let comment = match (first, last) {
                (Some(first), Some(last)) => format!("opcodes from {first} to {last}, none executed"),
                _ => continue,
            };
            let base =
                accept(group, *version, &slug, &PASSED_OVER, &comment, spend(*version, branch(Op::OP_0), ""));
            let change = |spec: &mut Spec| spec.script = branch(Op::OP_1);
            let verdict = at(Op::OP_RETURN, ScriptError::OpReturn);
            let id = format!("{slug}-executed");
            reject(group, *version, &base, &id, &PASSED_OVER, "the branch is executed", change, verdict);
        }
    }
}
