//! Cases of OP_CHECKTEMPLATEVERIFY (BIP 119) and OP_TEMPLATEHASH (BIP 446).

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

use sigstack_interpreter::limits::{MAX_OPS_PER_SCRIPT, MAX_STACK_SIZE};
use sigstack_interpreter::{Flags, Opcode, Proposal, ScriptError};

use super::group::{Group, Only, Rule};
use super::item::Item;
use super::keys::bytes_of;
use super::script::Script;
use super::shape::{Field, Shape};
use super::spec::{Spec, StopsAt, Verdict, Version};
use super::{opcode_mistakes, states};
use sigstack_vectors::Case;

const CTV_TEXT: &str = "BIP 119, Detailed Specification";
const TH_TEXT: &str = "BIP 446, Specification";

const MATCHES: Rule = Rule {
    source: CTV_TEXT,
    text: "an argument of 32 bytes must be the default template hash of the transaction and this input's index",
    only: None,
};
const CTV_COMMITS: Rule = Rule {
    source: CTV_TEXT,
    text: "the hash commits to nVersion, nLockTime, scriptSigs if there are any, the number of inputs, nSequences, the \
           number of outputs, outputs and the input's index, and to nothing else",
    only: None,
};
const EMPTY_STACK: Rule = Rule { source: CTV_TEXT, text: "an empty stack fails", only: None };
const OTHER_SIZES: Rule = Rule {
    source: CTV_TEXT,
    text: "an argument of another size is left for upgrades: it succeeds, and policy refuses it",
    only: None,
};
const STAYS: Rule = Rule { source: CTV_TEXT, text: "the argument stays on the stack", only: None };
const CTV_STATES: Rule = Rule {
    source: CTV_TEXT,
    text: "inactive it is a NOP, which the generic flag leaves alone; its own flag refuses it where it is executed",
    only: None,
};
const UNEXECUTED: Rule = Rule {
    source: CTV_TEXT,
    text: "in a branch that is not executed nothing is looked at",
    only: Some((Only::Accept, "what fails where it is executed is among the other cases")),
};
const COUNTS: Rule = Rule {
    source: "Core, EvalScript",
    text: "it counts toward the 201 opcodes of legacy and segwit v0 scripts",
    only: None,
};

const PUSHES: Rule = Rule {
    source: TH_TEXT,
    text: "the template hash of the transaction and this input is pushed, 32 bytes",
    only: None,
};
const TH_COMMITS: Rule = Rule {
    source: TH_TEXT,
    text: "the hash commits to nVersion, nLockTime, nSequences, outputs, the input's index and the annex, and to nothing else",
    only: None,
};
const FULL_STACK: Rule = Rule {
    source: "BIP 342, Resource limits",
    text: "the push counts toward the 1,000 elements of the stack",
    only: None,
};

const CTV: Opcode = Opcode::OP_CHECKTEMPLATEVERIFY;
const TH: Opcode = Opcode::OP_TEMPLATEHASH;
const HASH_DIFFERS: Verdict =
    Verdict::Reject(ScriptError::EqualVerify, StopsAt::Opcode(Opcode::OP_EQUALVERIFY));

fn ctv_fails(error: ScriptError) -> Verdict {
    Verdict::Reject(error, StopsAt::Opcode(CTV))
}

/// Describes an input that spends the script `<hash> OP_CTV`. The template hash is pushed by the script.
fn committed(version: Version, fields: &[Field]) -> Spec {
    let script = Script::new().item(Item::CheckTemplate(fields.to_vec())).op(CTV);
    Spec::new(version, script).under(Flags::CHECKTEMPLATEVERIFY)
}

/// Describes an input that spends the script `OP_CTV`. The template hash is an element of the initial stack.
fn given(version: Version, fields: &[Field]) -> Spec {
    let spec = Spec::new(version, Script::new().op(CTV)).under(Flags::CHECKTEMPLATEVERIFY);
    spec.with(Item::CheckTemplate(fields.to_vec()))
}

/// Describes an input whose OP_CTV script commits to the spending transaction. Returns `None` if that is impossible.
///
/// The template hash commits to scriptSigs. A P2SH script is part of the scriptSig, so it cannot contain the hash. With
/// P2WSH nested in P2SH, the scriptSig contains a hash of the script, so the template hash is in the witness.
fn committing(version: Version, fields: &[Field]) -> Option<Spec> {
    match version {
        Version::P2sh | Version::KeyPath => None,
        Version::P2shP2wsh => Some(given(version, fields)),
        _ => Some(committed(version, fields)),
    }
}

pub(super) fn check_template_cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("ctv");
    for version in Version::SCRIPTS {
        ctv_states(&mut group, *version);
        ctv_arguments(&mut group, *version);
        ctv_commitments(&mut group, *version);
    }
    ctv_shapes(&mut group);
    opcode_mistakes::check_template(&mut group);
    group.finish()
}

/// Describes an input that spends `<argument> OP_CTV OP_DROP OP_1`. The argument may have any size.
fn argument(version: Version, argument: &[u8]) -> Spec {
    let script = Script::new().push(argument).ops(&[CTV, Opcode::OP_DROP, Opcode::OP_1]);
    Spec::new(version, script)
}

fn ctv_states(group: &mut Group, version: Version) {
    let slug = version.slug();
    let wrong = bytes_of("no template", 32);
    let inactive = argument(version, &wrong);
    let base =
        group.accept(&format!("{slug}-inactive"), &CTV_STATES, "inactive: any argument", inactive.clone());
    group.reject(
        &base,
        &format!("{slug}-activated"),
        &CTV_STATES,
        "it is active, so the argument is looked at",
        |spec| spec.flags |= Flags::CHECKTEMPLATEVERIFY,
        ctv_fails(ScriptError::TemplateMismatch),
    );
    let refused = ctv_fails(ScriptError::DiscourageUpgradableNops);
    let discourage = |spec: &mut Spec| spec.flags |= Flags::DISCOURAGE_CHECKTEMPLATEVERIFY;
    group.reject(
        &base,
        &format!("{slug}-inactive-discouraged"),
        &CTV_STATES,
        "policy refuses it",
        discourage,
        refused,
    );
    let generic = inactive.under(Flags::DISCOURAGE_UPGRADABLE_NOPS);
    let comment = "inactive: the generic flag leaves an assigned NOP alone";
    group.accept(&format!("{slug}-inactive-generic"), &CTV_STATES, comment, generic);
    if let Some(active) = committing(version, &[]) {
        let base = group.accept(&format!("{slug}-active"), &CTV_STATES, "active", active.clone());
        group.reject(
            &base,
            &format!("{slug}-active-discouraged"),
            &CTV_STATES,
            "policy refuses it",
            discourage,
            refused,
        );
        let generic = active.under(Flags::DISCOURAGE_UPGRADABLE_NOPS);
        let comment = "active: it is no NOP any more";
        group.accept(&format!("{slug}-active-generic"), &CTV_STATES, comment, generic);
    }
    for (state, flags) in [
        ("inactive", Flags::NONE),
        ("active", Flags::CHECKTEMPLATEVERIFY),
        ("discouraged", Flags::DISCOURAGE_CHECKTEMPLATEVERIFY),
    ] {
        let script = Script::new()
            .ops(&[Opcode::OP_1, Opcode::OP_0, Opcode::OP_IF])
            .push(&wrong)
            .ops(&[CTV, Opcode::OP_ENDIF]);
        let id = format!("{slug}-unexecuted-{state}");
        group.accept(
            &id,
            &UNEXECUTED,
            "a wrong argument in such a branch",
            Spec::new(version, script).under(flags),
        );
    }
    if version != Version::Tapscript {
        let nops = |count: usize| (0..count).fold(Script::new().op(Opcode::OP_1), |script, _| script.op(CTV));
        for (state, flags) in [("inactive", Flags::NONE), ("active", Flags::CHECKTEMPLATEVERIFY)] {
            let id = format!("{slug}-ops-{state}");
            let spec = Spec::new(version, nops(MAX_OPS_PER_SCRIPT)).under(flags);
            let base = group.accept(&id, &COUNTS, "201 of them", spec);
            group.reject(
                &base,
                &format!("{id}-more"),
                &COUNTS,
                "there are 202",
                |spec| spec.script = nops(MAX_OPS_PER_SCRIPT + 1),
                ctv_fails(ScriptError::OpCount),
            );
        }
    }
}

fn ctv_arguments(group: &mut Group, version: Version) {
    let slug = version.slug();
    let active = |spec: Spec| spec.under(Flags::CHECKTEMPLATEVERIFY);
    for size in [0, 1, 20, 31, 33, 64, 520] {
        // A redeem script is itself limited to 520 bytes.
        if version == Version::P2sh && size == 520 {
            continue;
        }
        let spec = active(argument(version, &bytes_of("argument", size)));
        let id = format!("{slug}-argument-{size}");
        let base = group.accept(&id, &OTHER_SIZES, &format!("an argument of {size} bytes"), spec);
        group.reject(
            &base,
            &format!("{id}-discouraged"),
            &OTHER_SIZES,
            "policy refuses it",
            |spec| spec.flags |= Flags::DISCOURAGE_UPGRADABLE_CHECKTEMPLATEVERIFY,
            ctv_fails(ScriptError::DiscourageUpgradableNops),
        );
    }
    let script = |before: &[Opcode]| Script::new().ops(before).op(CTV).ops(&[Opcode::OP_1, Opcode::OP_NIP]);
    let one = active(Spec::new(version, script(&[Opcode::OP_0])));
    let base = group.accept(&format!("{slug}-stack-1"), &EMPTY_STACK, "an element on the stack", one);
    group.reject(
        &base,
        &format!("{slug}-stack-0"),
        &EMPTY_STACK,
        "the stack is empty",
        |spec| spec.script = Script::new().ops(&[CTV, Opcode::OP_1]),
        ctv_fails(ScriptError::InvalidStackOperation),
    );
    let empty = Spec::new(version, Script::new().ops(&[CTV, Opcode::OP_1]));
    group.accept(&format!("{slug}-stack-0-inactive"), &EMPTY_STACK, "inactive, with an empty stack", empty);
    let depth = |number| {
        script(&[Opcode::OP_2]).ops(&[]).op(Opcode::OP_DEPTH).number(number).op(Opcode::OP_EQUALVERIFY)
    };
    let stays = active(Spec::new(version, depth(1)));
    let base =
        group.accept(&format!("{slug}-stays"), &STAYS, "OP_1 OP_NIP finds the argument below it", stays);
    group.reject(
        &base,
        &format!("{slug}-stays-not-popped"),
        &STAYS,
        "the script expects two elements",
        |spec| spec.script = depth(2),
        Verdict::Reject(ScriptError::EqualVerify, StopsAt::Opcode(Opcode::OP_EQUALVERIFY)),
    );
}

/// Returns whether the template hash of BIP 119 commits to a field, according to the text of the BIP.
fn ctv_commits(field: Field) -> bool {
    use Field::*;
    let spent = matches!(
        field,
        OwnOutpoint | OtherOutpoint | OwnAmount | OtherAmount | OwnScriptPubKey | OtherScriptPubKey
    );
    let of_leaf = matches!(field, AnnexAdded | AnnexChanged | Leaf | CodeSeparator);
    !spent && !of_leaf
}

fn ctv_commitments(group: &mut Group, version: Version) {
    let slug = version.slug();
    let Some(spec) = committing(version, &[]) else {
        // No argument of 32 bytes can match.
        let base = group.accept(
            &format!("{slug}-31-bytes"),
            &MATCHES,
            "an argument of 31 bytes",
            argument(version, &bytes_of("argument", 31)).under(Flags::CHECKTEMPLATEVERIFY),
        );
        group.reject(
            &base,
            &format!("{slug}-32-bytes"),
            &MATCHES,
            "it has 32 bytes",
            |spec| spec.script = argument(version, &bytes_of("argument", 32)).script,
            ctv_fails(ScriptError::TemplateMismatch),
        );
        return;
    };
    for scripted in [false, true] {
        let mut spec = spec.clone();
        let mut id = format!("{slug}-commits");
        if scripted {
            spec.shape.inputs[0].script_sig = vec![0x51];
            id += "-scriptsig";
        }
        let comment =
            if scripted { "the other input has a scriptSig" } else { "the other input has no scriptSig" };
        let base = group.accept(&id, &CTV_COMMITS, comment, spec);
        for field in Field::OF_TX {
            let changed = committing(version, &[*field]).unwrap_or_else(|| committed(version, &[*field]));
            let change = |spec: &mut Spec| (spec.script, spec.stack) = (changed.script, changed.stack);
            let id = format!("{id}-{}", field.slug());
            let difference = format!("the hash is that of a spend with {}", field.words());
            if ctv_commits(*field) {
                group.reject(
                    &base,
                    &id,
                    &CTV_COMMITS,
                    &difference,
                    change,
                    ctv_fails(ScriptError::TemplateMismatch),
                );
            } else {
                group.accept_changed(&base, &id, &CTV_COMMITS, &difference, change);
            }
        }
        if version == Version::Tapscript {
            let difference = "there is an annex";
            group.accept_changed(&base, &format!("{id}-annex"), &CTV_COMMITS, difference, |spec| {
                spec.annex = Some(vec![0x50, 7]);
            });
        }
    }
    let base = group.accept(&format!("{slug}-matches"), &MATCHES, "the template's own hash", spec.clone());
    for place in [0, 15, 31] {
        let flipped = Item::CheckTemplate(vec![]).flipped(place);
        let (script, stack) = match version {
            Version::P2shP2wsh => (Script::new().op(CTV), vec![flipped]),
            _ => (Script::new().item(flipped).op(CTV), vec![]),
        };
        group.reject(
            &base,
            &format!("{slug}-mismatch-{place}"),
            &MATCHES,
            &format!("a bit of the hash's byte {place} is flipped"),
            |spec| (spec.script, spec.stack) = (script, stack),
            ctv_fails(ScriptError::TemplateMismatch),
        );
    }
}

fn ctv_shapes(group: &mut Group) {
    for (inputs, outputs, index) in
        [(1, 1, 0), (1, 0, 0), (1, 3, 0), (3, 1, 2), (5, 2, 3), (2, 252, 0), (2, 253, 1)]
    {
        let mut spec = committed(Version::Tapscript, &[]);
        spec.shape = Shape::new(inputs, outputs, index);
        let id = format!("shape-{inputs}-{outputs}-{index}");
        let comment = format!("{inputs} inputs, {outputs} outputs, the input {index}");
        let base = group.accept(&id, &MATCHES, &comment, spec);
        group.reject(
            &base,
            &format!("{id}-locktime"),
            &MATCHES,
            "the transaction has another nLockTime than the hash",
            |spec| spec.script = committed(Version::Tapscript, &[Field::LockTime]).script,
            ctv_fails(ScriptError::TemplateMismatch),
        );
    }
    for (name, change) in [
        ("version-0", (|shape| shape.version = 0) as fn(&mut Shape)),
        ("version-negative", |shape| shape.version = -1),
        ("locktime-max", |shape| shape.lock_time = u32::MAX),
        ("amount-max", |shape| shape.outputs[0].0 = 2_100_000_000_000_000),
        ("output-script-empty", |shape| shape.outputs[0].1 = vec![]),
        ("output-script-253", |shape| shape.outputs[0].1 = vec![0x6a; 253]),
        ("sequence-final", |shape| shape.inputs[1].sequence = u32::MAX),
        ("scriptsig-253", |shape| shape.inputs[0].script_sig = vec![0x51; 253]),
    ] {
        let mut spec = committed(Version::Bare, &[]);
        change(&mut spec.shape);
        group.accept(&format!("edge-{name}"), &MATCHES, name, spec);
    }
    let mut own = committed(Version::Bare, &[]);
    own.script_sig = vec![Opcode::OP_1.0];
    let base = group.accept("own-scriptsig", &CTV_COMMITS, "the input's own scriptSig is committed", own);
    group.reject(
        &base,
        "own-scriptsig-other",
        &CTV_COMMITS,
        "the hash is that of a spend with a scriptSig of the other input",
        |spec| spec.script = committed(Version::Bare, &[Field::OtherScriptSig]).script,
        ctv_fails(ScriptError::TemplateMismatch),
    );
}

/// Describes an input that spends `OP_TEMPLATEHASH <hash> OP_EQUALVERIFY OP_1`.
fn templated(fields: &[Field]) -> Spec {
    let script = Script::new()
        .op(TH)
        .item(Item::TemplateHash(fields.to_vec()))
        .ops(&[Opcode::OP_EQUALVERIFY, Opcode::OP_1]);
    Spec::tapscript(script).under(Flags::TEMPLATEHASH)
}

pub(super) fn template_hash_cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("templatehash");
    states::success_opcode(&mut group, Proposal::TEMPLATEHASH, &templated(&[]));
    for annex in [None, Some(vec![0x50]), Some(vec![0x50, 1, 2, 3]), Some(vec![0x50; 253])] {
        template_hash_commitments(&mut group, Shape::new(2, 2, 1), annex);
    }
    for shape in [Shape::new(2, 2, 0), Shape::new(3, 4, 2)] {
        template_hash_commitments(&mut group, shape.clone(), None);
        template_hash_commitments(&mut group, shape, Some(vec![0x50, 7]));
    }
    for (inputs, outputs, index) in [(1, 1, 0), (1, 0, 0), (3, 1, 2), (5, 2, 3), (2, 253, 1)] {
        let mut spec = templated(&[]);
        spec.shape = Shape::new(inputs, outputs, index);
        let id = format!("shape-{inputs}-{outputs}-{index}");
        let comment = format!("{inputs} inputs, {outputs} outputs, the input {index}");
        let base = group.accept(&id, &PUSHES, &comment, spec);
        group.reject(
            &base,
            &format!("{id}-flipped"),
            &PUSHES,
            "a bit of the hash in the script is flipped",
            |spec| {
                let flipped = Item::TemplateHash(vec![]).flipped(31);
                spec.script = Script::new().op(TH).item(flipped).ops(&[Opcode::OP_EQUALVERIFY, Opcode::OP_1]);
            },
            HASH_DIFFERS,
        );
    }
    let size = |number| Script::new().ops(&[TH, Opcode::OP_SIZE]).number(number).op(Opcode::OP_EQUALVERIFY);
    let base = group.accept(
        "size",
        &PUSHES,
        "what it pushes has 32 bytes",
        Spec::tapscript(size(32)).under(Flags::TEMPLATEHASH),
    );
    group.reject(
        &base,
        "size-33",
        &PUSHES,
        "the script expects 33",
        |spec| spec.script = size(33),
        HASH_DIFFERS,
    );
    stack_limit(&mut group, &FULL_STACK, TH, Flags::TEMPLATEHASH);
    opcode_mistakes::template_hash(&mut group);
    group.finish()
}

/// Returns whether the template hash of BIP 446 commits to a field, according to the text of the BIP.
fn template_hash_commits(field: Field) -> bool {
    use Field::*;
    matches!(
        field,
        Version
            | LockTime
            | OwnSequence
            | OtherSequence
            | InputAdded
            | InputIndex
            | OwnOutput
            | OtherOutput
            | OutputAdded
            | AnnexAdded
            | AnnexChanged
    )
}

fn template_hash_commitments(group: &mut Group, shape: Shape, annex: Option<Vec<u8>>) {
    let annexed = annex.as_ref().map_or("no-annex".into(), |annex| format!("annex-{}", annex.len()));
    let id = format!("commits-{}-{}-{}-{annexed}", shape.inputs.len(), shape.outputs.len(), shape.index);
    let mut spec = templated(&[]);
    (spec.shape, spec.annex) = (shape, annex);
    let unmet = if spec.annex.is_some() { Field::AnnexAdded } else { Field::AnnexChanged };
    let comment = format!("{annexed}, the input {} of {}", spec.shape.index, spec.shape.inputs.len());
    let base = group.accept(&id, &TH_COMMITS, &comment, spec);
    for field in Field::OF_TX.iter().chain(Field::OF_TAPSCRIPT).filter(|field| **field != unmet) {
        let id = format!("{id}-{}", field.slug());
        let difference = format!("the hash is that of a spend with {}", field.words());
        let change = |spec: &mut Spec| spec.script = templated(&[*field]).script;
        if template_hash_commits(*field) {
            group.reject(&base, &id, &TH_COMMITS, &difference, change, HASH_DIFFERS);
        } else {
            group.accept_changed(&base, &id, &TH_COMMITS, &difference, change);
        }
    }
}

/// Adds a valid case in which an opcode pushes the 1,000th stack element, and a rejected case in which it exceeds the
/// stack limit.
pub(super) fn stack_limit(group: &mut Group, rule: &'static Rule, opcode: Opcode, flags: Flags) {
    let mut script = Script::new().op(opcode);
    for _ in 0..MAX_STACK_SIZE / 2 - 1 {
        script = script.op(Opcode::OP_2DROP);
    }
    let mut spec = Spec::tapscript(script.op(Opcode::OP_DROP)).under(flags);
    spec.stack = vec![Item::Bytes(vec![1]); MAX_STACK_SIZE - 1];
    spec.shape = Shape::new(1, 1, 0);
    let base = group.accept("stack-999", rule, "999 elements before it", spec);
    group.reject(
        &base,
        "stack-1000",
        rule,
        "there are 1,000 elements before it",
        |spec| {
            spec.stack.push(Item::Bytes(vec![1]));
            spec.script = spec.script.clone().op(Opcode::OP_DROP);
        },
        Verdict::Reject(ScriptError::StackSize, StopsAt::Opcode(opcode)),
    );
}
