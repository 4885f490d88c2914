//! Cases for the three states of a proposal that redefines an OP_SUCCESSx: inactive, active, discouraged. Each state is
//! tested in every script version, with the opcode executed and not executed.

use sigstack_interpreter::{Flags, Hook, Opcode, PROPOSALS, Phase, Proposal, ScriptError};

use super::group::{Group, Only, Rule};
use super::item::Item;
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

/// Adds all cases of a proposal whose opcode redefines an OP_SUCCESSx. `using` describes a valid tapscript input that
/// executes the opcode while the proposal is active.
pub(super) fn success_opcode(group: &mut Group, proposal: &'static Proposal, using: &Spec) {
    let (Hook::Success(opcode), Some(error)) = (proposal.hook, proposal.discouraged_error) else { return };
    let at = StopsAt::Opcode(opcode);
    let refused = Verdict::Reject(error, at);
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
    around(group, proposal, opcode, using);
    in_pushes(group, proposal, opcode);
    other_flags(group, proposal, opcode);
    limits(group, proposal, using);
    elsewhere(group, proposal, opcode, using);

    let mut unknown_leaf =
        Spec::tapscript(Script::new().op(Opcode::OP_RETURN).op(opcode)).under(proposal.flag);
    unknown_leaf.leaf_version = 0xc2;
    group.accept("leaf-version-c2", &LEAF_VERSION, "in a leaf of version 0xc2", unknown_leaf);
}

/// Adds cases with the proposal's opcode in a branch that is not executed, while the proposal is active, inactive or
/// discouraged.
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

/// Adds cases of the scan for OP_SUCCESSx, in which the tested opcode is followed by another OP_SUCCESSx or by a
/// truncated push. Also adds cases whose initial stack exceeds a limit.
fn around(group: &mut Group, proposal: &'static Proposal, opcode: Opcode, using: &Spec) {
    // An OP_SUCCESSx that no proposal uses; other cases have a truncated push.
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

    let cut = Script::new().op(Opcode::OP_1).then(before).raw(&[Opcode::OP_PUSHDATA2.0, 0xff]);
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

    let mut crowded = crowded(proposal, using, 1_001);
    crowded.flags -= proposal.flag;
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
    let mut long = using.clone();
    long.flags -= proposal.flag;
    long.stack.push(Item::Bytes(vec![1; 521]));
    long.script = Script::new().op(Opcode::OP_DROP).then(using.script.clone());
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

/// Adds cases in which the data of a push contains the byte of an OP_SUCCESSx. The scan for OP_SUCCESSx must ignore
/// this byte.
fn in_pushes(group: &mut Group, proposal: &'static Proposal, opcode: Opcode) {
    const UNKNOWN: u8 = 0xfe;
    // As a number this byte is false; as an opcode it is OP_SUCCESS128.
    const FALSE: u8 = 0x80;
    let skipped = Script::new().ops(&[Opcode::OP_0, Opcode::OP_IF, opcode, Opcode::OP_ENDIF]);
    let not_true = Verdict::Reject(ScriptError::EvalFalse, StopsAt::Phase(Phase::Tapscript));
    let drop = |data: &[u8]| Script::new().push(data).op(Opcode::OP_DROP);
    let ends = Script::new().op(Opcode::OP_0);
    for (slug, active, script) in [
        ("unknown-before", true, drop(&[UNKNOWN]).then(skipped.clone()).then(ends.clone())),
        ("unknown-after", true, skipped.clone().then(drop(&[UNKNOWN])).then(ends.clone())),
        ("unknown-at-the-end", true, skipped.clone().push(&[FALSE])),
        ("unknown-in-75", true, skipped.clone().then(drop(&[UNKNOWN; 75])).then(ends.clone())),
        ("unknown-in-76", true, skipped.clone().then(drop(&[UNKNOWN; 76])).then(ends.clone())),
        ("unknown-in-255", true, skipped.clone().then(drop(&[UNKNOWN; 255])).then(ends.clone())),
        ("unknown-in-256", true, skipped.clone().then(drop(&[UNKNOWN; 256])).then(ends.clone())),
        (
            "unknown-in-pushdata4",
            true,
            skipped.raw(&[0x4e, 2, 0, 0, 0, UNKNOWN, UNKNOWN]).op(Opcode::OP_DROP).then(ends.clone()),
        ),
        ("opcode-inactive", false, drop(&[opcode.0]).then(ends.clone())),
        ("opcode-active", true, drop(&[opcode.0]).then(ends)),
    ] {
        let with_success = script.clone().op(Opcode(UNKNOWN));
        let mut spec = Spec::tapscript(with_success);
        if active {
            spec = spec.under(proposal.flag);
        }
        let comment = "an OP_SUCCESSx in a push is data; one after it makes the script succeed";
        let id = format!("scan-push-{slug}");
        let base = group.accept(&id, &SCAN, comment, spec);
        group.reject(
            &base,
            &format!("{id}-alone"),
            &SCAN,
            "there is none after it",
            |spec| spec.script = script,
            not_true,
        );
    }
    for (slug, bytes) in [
        ("5", [5, 1].as_slice()),
        ("pushdata1", &[0x4c, 3, 1]),
        ("pushdata1-length", &[0x4c]),
        ("pushdata2", &[0x4d, 3, 0, 1]),
        ("pushdata2-length", &[0x4d]),
        ("pushdata4", &[0x4e, 3, 0, 0, 0, 1]),
        ("pushdata4-length", &[0x4e, 3, 0]),
    ] {
        // The push includes the opcode in its data, and extends beyond the end of the script.
        let push = Opcode(bytes.first().copied().unwrap_or_default());
        let cut = Script::new().op(Opcode::OP_1).raw(bytes).op(opcode);
        let after = Script::new().ops(&[Opcode::OP_1, opcode]).raw(bytes);
        let base = group.accept(
            &format!("scan-push-cut-{slug}-after"),
            &SCAN,
            "the inactive opcode, and then a push that ends after the script",
            Spec::tapscript(after),
        );
        group.reject(
            &base,
            &format!("scan-push-cut-{slug}-before"),
            &SCAN,
            "the push that ends after the script begins before the opcode",
            |spec| spec.script = cut,
            Verdict::Reject(ScriptError::BadOpcode, StopsAt::Opcode(push)),
        );
    }
}

/// Adds cases in which another proposal is active. Its flag must not activate the tested opcode, and the tested opcode
/// must not need it.
fn other_flags(group: &mut Group, proposal: &'static Proposal, opcode: Opcode) {
    let script = Script::new().ops(&[Opcode::OP_0, Opcode::OP_IF, opcode, Opcode::OP_ENDIF, Opcode::OP_0]);
    for other in PROPOSALS.iter().filter(|other| other.is_of_scripts() && other.flag != proposal.flag) {
        let name = other.flag.to_string().trim_start_matches("OP_").to_lowercase();
        let spec = Spec::tapscript(script.clone()).under(other.flag);
        let comment = "inactive beside another proposal: the opcode succeeds at once";
        let base = group.accept(&format!("scan-inactive-with-{name}"), &SCAN, comment, spec);
        group.reject(
            &base,
            &format!("scan-active-with-{name}"),
            &SCAN,
            "both are active, and the script leaves false",
            |spec| spec.flags |= proposal.flag,
            Verdict::Reject(ScriptError::EvalFalse, StopsAt::Phase(Phase::Tapscript)),
        );
    }
}

/// Describes an input with `elements` elements on the initial stack. Its script executes the active opcode and drops
/// all elements that it does not need.
fn crowded(proposal: &'static Proposal, using: &Spec, elements: usize) -> Spec {
    // Three elements are dropped first, to make room for the results of the opcode.
    let below = elements - using.stack.len() - 3;
    let mut spec = using.clone().under(proposal.flag);
    spec.stack.splice(0..0, vec![Item::Bytes(vec![]); below]);
    spec.stack.extend(vec![Item::Bytes(vec![]); 3]);
    let mut script = Script::new().ops(&[Opcode::OP_2DROP, Opcode::OP_DROP]).then(using.script.clone());
    script = script.op(Opcode::OP_TOALTSTACK);
    script = (0..below / 2).fold(script, |script, _| script.op(Opcode::OP_2DROP));
    script = (0..below % 2).fold(script, |script, _| script.op(Opcode::OP_DROP));
    spec.script = script.op(Opcode::OP_FROMALTSTACK);
    spec
}

/// Adds cases at the two limits of the initial stack: 1,000 or 1,001 elements, and an element of 520 or 521 bytes. Each
/// rejected case violates only one limit.
fn limits(group: &mut Group, proposal: &'static Proposal, using: &Spec) {
    let bytes = |bytes: &[u8]| Item::Bytes(bytes.to_vec());
    let base = group.accept(
        "scan-active-1000-elements",
        &SCAN,
        "active, 1,000 elements",
        crowded(proposal, using, 1_000),
    );
    let many = crowded(proposal, using, 1_001);
    group.reject(
        &base,
        "scan-active-1001-elements",
        &SCAN,
        "there is one more",
        |spec| *spec = many,
        Verdict::Reject(ScriptError::StackSize, StopsAt::Phase(Phase::Tapscript)),
    );
    let mut wide = using.clone().under(proposal.flag);
    wide.stack.push(bytes(&[1; 520]));
    wide.script = Script::new().op(Opcode::OP_DROP).then(using.script.clone());
    let base = group.accept("scan-active-520-bytes", &SCAN, "active, and an element of 520 bytes", wide);
    group.reject(
        &base,
        "scan-active-521-bytes",
        &SCAN,
        "it has one more",
        |spec| spec.stack.iter_mut().last().into_iter().for_each(|last| *last = bytes(&[1; 521])),
        Verdict::Reject(ScriptError::PushSize, StopsAt::Phase(Phase::Tapscript)),
    );
}

/// Adds cases with the opcode in script versions other than tapscript. There the opcode is unknown and fails if
/// executed. OP_CAT is a disabled opcode there, and fails even if not executed.
fn elsewhere(group: &mut Group, proposal: &'static Proposal, opcode: Opcode, using: &Spec) {
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
            let (arguments, used) = (using.stack.clone(), using.script.clone());
            group.reject(
                &base,
                &format!("{slug}-{state}-arguments"),
                &ELSEWHERE,
                "the opcode is executed with arguments that it would take in tapscript",
                |spec| (spec.stack, spec.script) = (arguments, used),
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
