//! The three states of a proposal's opcode, in every script version, executed and not.

use sigstack_interpreter::{Flags, Hook, Opcode, Phase, Proposal, ScriptError};

use super::group::{Group, Only, Rule};
use super::script::Script;
use super::spec::{Spec, StopsAt, Verdict, Version};

const SCAN: Rule = Rule {
    source: "BIP 342, Script execution",
    text: "the opcode is looked for before anything else is: inactive it succeeds at once, discouraged it fails, \
           active the scan goes on",
    only: None,
};

const ELSEWHERE: Rule = Rule {
    source: "BIP 342, Script execution",
    text: "outside tapscript the opcode keeps its meaning, whatever the state of the proposal",
    only: None,
};

const LEAF_VERSION: Rule = Rule {
    source: "BIP 341, Script validation rules",
    text: "in leaves of other versions than 0xc0 the opcode has no meaning",
    only: Some((Only::Accept, "nothing in such a leaf is looked at")),
};

/// The cases of an opcode on OP_SUCCESSx. `using` is an accepted tapscript spend in which the active opcode is executed.
pub(super) fn success_opcode(group: &mut Group, proposal: &'static Proposal, using: &Spec) {
    let Hook::Success(opcode) = proposal.hook else { return };
    let at = StopsAt::Opcode(opcode);
    let refused = Verdict::Reject(proposal.discouraged_error, at);
    let active = using.clone().under(proposal.flag);
    let mut inactive = using.clone();
    inactive.flags -= proposal.flag;

    let base = group.accept("state-active", &SCAN, "the active opcode, executed", active.clone());
    let discourage = |spec: &mut Spec| spec.flags |= proposal.discourage;
    group.reject(&base, "state-active-discouraged", &SCAN, "policy refuses it", discourage, refused);
    let base =
        group.accept("state-inactive", &SCAN, "the inactive opcode succeeds at once", inactive.clone());
    group.reject(&base, "state-inactive-discouraged", &SCAN, "policy refuses it", discourage, refused);
    group.accept(
        "state-inactive-discourage-op-success",
        &SCAN,
        "an assigned OP_SUCCESSx is no upgrade hook: the generic flag leaves it alone",
        inactive.clone().under(Flags::DISCOURAGE_OP_SUCCESS),
    );

    unexecuted(group, proposal, opcode, refused);
    around(group, proposal, opcode);
    elsewhere(group, proposal, opcode);

    let mut unknown_leaf =
        Spec::tapscript(Script::new().op(Opcode::OP_RETURN).op(opcode)).under(proposal.flag);
    unknown_leaf.leaf_version = 0xc2;
    group.accept("leaf-version-c2", &LEAF_VERSION, "in a leaf of version 0xc2", unknown_leaf);
}

/// In a branch that is not executed.
fn unexecuted(group: &mut Group, proposal: &'static Proposal, opcode: Opcode, refused: Verdict) {
    let script =
        Script::new().ops(&[Opcode::OP_1, Opcode::OP_0, Opcode::OP_IF]).op(opcode).op(Opcode::OP_ENDIF);
    let inactive = Spec::tapscript(script.clone());
    let active = inactive.clone().under(proposal.flag);
    let discourage = |spec: &mut Spec| spec.flags |= proposal.discourage;
    let base = group.accept("unexecuted-active", &SCAN, "active, in a branch that is not executed", active);
    group.reject(&base, "unexecuted-active-discouraged", &SCAN, "policy refuses it", discourage, refused);
    let base =
        group.accept("unexecuted-inactive", &SCAN, "inactive, in a branch that is not executed", inactive);
    group.reject(&base, "unexecuted-inactive-discouraged", &SCAN, "policy refuses it", discourage, refused);
}

/// What stands beside the opcode and is met by the scan before or after it.
fn around(group: &mut Group, proposal: &'static Proposal, opcode: Opcode) {
    // An OP_SUCCESSx that no proposal has; a push that is cut short.
    const UNKNOWN: Opcode = Opcode(0xfe);
    let skip = [Opcode::OP_0, Opcode::OP_IF];
    let before = Script::new().ops(&skip).op(opcode).op(Opcode::OP_ENDIF);
    let not_true = before.clone().op(Opcode::OP_0);
    let active = Spec::tapscript(not_true.clone().op(UNKNOWN)).under(proposal.flag);
    let base = group.accept(
        "scan-active-then-unknown-success",
        &SCAN,
        "after the active opcode the scan finds an unknown OP_SUCCESSx, and the script succeeds",
        active,
    );
    group.reject(
        &base,
        "scan-active-then-nothing",
        &SCAN,
        "there is none after it",
        |spec| spec.script = not_true,
        Verdict::Reject(ScriptError::EvalFalse, StopsAt::Phase(Phase::Tapscript)),
    );
    group.reject(
        &base,
        "scan-active-then-unknown-success-discouraged",
        &SCAN,
        "policy refuses unknown OP_SUCCESSx",
        |spec| spec.flags |= Flags::DISCOURAGE_OP_SUCCESS,
        Verdict::Reject(ScriptError::DiscourageOpSuccess, StopsAt::Opcode(UNKNOWN)),
    );

    let cut = before.raw(&[Opcode::OP_PUSHDATA2.0, 0xff]);
    let inactive = Spec::tapscript(cut);
    let base = group.accept(
        "scan-inactive-then-cut-push",
        &SCAN,
        "the inactive opcode succeeds whatever follows it",
        inactive,
    );
    group.reject(
        &base,
        "scan-active-then-cut-push",
        &SCAN,
        "it is active, so the scan meets the push that is cut short",
        |spec| spec.flags |= proposal.flag,
        Verdict::Reject(ScriptError::BadOpcode, StopsAt::Opcode(Opcode::OP_PUSHDATA2)),
    );

    let mut crowded = Spec::tapscript(Script::new().op(opcode));
    crowded.stack = vec![super::item::Item::Bytes(vec![]); 1001];
    let base = group.accept(
        "scan-before-stack-size",
        &SCAN,
        "the inactive opcode succeeds with 1,001 elements on the initial stack",
        crowded,
    );
    group.reject(
        &base,
        "scan-active-stack-size",
        &SCAN,
        "it is active, so the limit on the stack holds",
        |spec| spec.flags |= proposal.flag,
        Verdict::Reject(ScriptError::StackSize, StopsAt::Phase(Phase::Tapscript)),
    );
    let long = Spec::tapscript(Script::new().op(opcode)).with_bytes(&[1; 521]);
    let base = group.accept(
        "scan-before-element-size",
        &SCAN,
        "the inactive opcode succeeds with an element of 521 bytes on the initial stack",
        long,
    );
    group.reject(
        &base,
        "scan-active-element-size",
        &SCAN,
        "it is active, so the limit on elements holds",
        |spec| spec.flags |= proposal.flag,
        Verdict::Reject(ScriptError::PushSize, StopsAt::Phase(Phase::Tapscript)),
    );
}

/// In every other script version: unknown and bad if executed; OP_CAT disabled even if not.
fn elsewhere(group: &mut Group, proposal: &'static Proposal, opcode: Opcode) {
    let error = if opcode == Opcode::OP_CAT { ScriptError::DisabledOpcode } else { ScriptError::BadOpcode };
    let script = Script::new().ops(&[Opcode::OP_0, Opcode::OP_IF, Opcode::OP_RESERVED, Opcode::OP_ENDIF]);
    let without = script.clone().op(Opcode::OP_1);
    for version in Version::SCRIPTS.iter().filter(|version| **version != Version::Tapscript) {
        for (state, flags) in
            [("inactive", Flags::NONE), ("active", proposal.flag), ("discouraged", proposal.discourage)]
        {
            let slug = version.slug();
            let spec = Spec::new(*version, without.clone()).under(flags);
            let base = group.accept(
                &format!("{slug}-{state}-without"),
                &ELSEWHERE,
                "a script without the opcode",
                spec,
            );
            let executed = Script::new().op(opcode).op(Opcode::OP_1);
            group.reject(
                &base,
                &format!("{slug}-{state}-executed"),
                &ELSEWHERE,
                "the opcode is executed",
                |spec| spec.script = executed,
                Verdict::Reject(error, StopsAt::Opcode(opcode)),
            );
            let passed_over = Script::new()
                .ops(&[Opcode::OP_0, Opcode::OP_IF])
                .op(opcode)
                .ops(&[Opcode::OP_ENDIF, Opcode::OP_1]);
            if opcode == Opcode::OP_CAT {
                group.reject(
                    &base,
                    &format!("{slug}-{state}-unexecuted"),
                    &ELSEWHERE,
                    "the opcode stands in a branch that is not executed",
                    |spec| spec.script = passed_over,
                    Verdict::Reject(error, StopsAt::Opcode(opcode)),
                );
            } else {
                let spec = Spec::new(*version, passed_over).under(flags);
                let comment = "the opcode in a branch that is not executed";
                group.accept(&format!("{slug}-{state}-unexecuted"), &ELSEWHERE, comment, spec);
            }
        }
    }
}
