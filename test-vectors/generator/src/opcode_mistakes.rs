//! OP_CAT, OP_PAIRCOMMIT, OP_INTERNALKEY, OP_CHECKTEMPLATEVERIFY and OP_TEMPLATEHASH: cases for which an implementation
//! with a certain bug returns the wrong verdict. Each rejected case violates only one rule.

use sigstack_interpreter::limits::MAX_STACK_SIZE;
use sigstack_interpreter::{Flags, Opcode, PROPOSALS, Phase, ScriptError};

use super::group::{Group, Only, Rule};
use super::item::Item;
use super::keys::{Key, bytes_of, pair_commitment};
use super::script::Script;
use super::shape::Shape;
use super::spec::{Spec, StopsAt, Verdict};

const FREE: Rule = Rule {
    source: "BIP 342, Resource limits",
    text: "only checks of signatures take from the budget",
    only: Some((Only::Accept, "this opcode takes nothing from it")),
};
const MISSING: Rule = Rule {
    source: "BIP 342, Script execution",
    text: "a missing element fails, and is not taken for an empty one",
    only: None,
};
const CLEAN: Rule = Rule {
    source: "BIP 342, Script execution",
    text: "when the script ends exactly one element is left",
    only: None,
};
const BYTES: Rule = Rule {
    source: "BIP 347, Specification",
    text: "elements are bytes: zeros at their ends stay, and no encoding of a number is made shorter",
    only: Some((Only::Accept, "other results are among the cases of sizes")),
};
const COMMITTED_BYTES: Rule = Rule { source: "BIP 442, Specification", ..BYTES };
const OVERFLOW: Rule = Rule {
    source: "BIP 347, Specification",
    text: "a result that is too long fails, and is not cut, dropped or left out",
    only: None,
};
const KEY_BYTES: Rule = Rule {
    source: "BIP 349, Specification",
    text: "the key has 32 bytes, zeros at its ends included, whatever the input's index is",
    only: Some((Only::Accept, "other keys are among the cases of what is pushed")),
};
const ELEMENTS: Rule = Rule {
    source: "BIP 342, Resource limits",
    text: "the pushed element counts toward the 1,000 elements of stack and altstack together",
    only: None,
};
const TEMPLATE_SIZES: Rule = Rule {
    source: "BIP 119, Detailed Specification",
    text: "counts and the index have four bytes, and every input and output is hashed",
    only: Some((Only::Accept, "other counts are among the cases of what is committed to")),
};
const HASH_SIZES: Rule = Rule { source: "BIP 446, Specification", ..TEMPLATE_SIZES };
const UNTOUCHED: Rule = Rule {
    source: "BIP 119, Detailed Specification",
    text: "no other proposal activates the opcode, and it does nothing where it is not executed",
    only: None,
};

/// Adds a case that shows that the opcode does not reduce the signature operation budget. The script executes the
/// opcode forty times, with a budget for only a few signature checks.
fn free(group: &mut Group, flags: Flags, once: &[Opcode], before: &[u8]) {
    // The element is below the opcode's arguments and result, and is true.
    let script = (0..40).fold(Script::new().push(before), |script, _| script.ops(once));
    let comment = "forty times, in a witness that would not pay for as many checks of signatures";
    group.accept("budget-free", &FREE, comment, Spec::tapscript(script).under(flags));
}

/// Adds a valid case that leaves one element on the stack. Adds two rejected cases that leave a second element below
/// it: true in one case, false in the other.
fn clean(group: &mut Group, using: &Spec) {
    let base = group.accept("clean", &CLEAN, "one element is left", using.clone());
    for (slug, below) in [("true", vec![1]), ("false", vec![])] {
        group.reject(
            &base,
            &format!("clean-{slug}-below"),
            &CLEAN,
            "another element is left below it",
            |spec| spec.stack.insert(0, Item::Bytes(below)),
            Verdict::Reject(ScriptError::CleanStack, StopsAt::Phase(Phase::Tapscript)),
        );
    }
}

/// Adds cases with an element missing on the stack. The scripts would succeed if a missing element were treated as
/// empty.
fn missing(group: &mut Group, opcode: Opcode, flags: Flags, result: impl Fn(&[u8], &[u8]) -> Vec<u8>) {
    let script = |a: &[u8], b: &[u8]| Script::new().op(opcode).push(&result(a, b)).op(Opcode::OP_EQUAL);
    for (slug, element) in [("none", None), ("one", Some(bytes_of("one", 32)))] {
        let top = element.clone().unwrap_or_default();
        let spec = Spec::tapscript(script(&[], &top)).under(flags).with_bytes(&[]).with_bytes(&top);
        let id = format!("missing-{slug}");
        let base = group.accept(&id, &MISSING, "an empty element below another", spec);
        group.reject(
            &base,
            &format!("{id}-rejected"),
            &MISSING,
            "the empty elements are not there",
            |spec| spec.stack = element.map(Item::Bytes).into_iter().collect(),
            Verdict::Reject(ScriptError::InvalidStackOperation, StopsAt::Opcode(opcode)),
        );
    }
}

/// Names of cases, each with a pair of stack elements. An implementation that treats elements as numbers or as
/// zero-terminated strings would lose some of their bytes.
const ZEROS: &[(&str, &[u8], &[u8])] = &[
    ("0-0", &[0], &[0]),
    ("0-empty", &[0], &[]),
    ("empty-0", &[], &[0]),
    ("500-0", &[5, 0], &[0]),
    ("number-and-zeros", &[5], &[0, 0]),
    ("zeros-and-number", &[0, 0], &[5]),
    ("80-80", &[0x80], &[0x80]),
    ("1-1", &[1], &[1]),
    ("zeros-inside", &[7, 0, 7], &[0, 7, 0]),
];

pub(super) fn cat(group: &mut Group) {
    let flags = Flags::OP_CAT;
    let join = |a: &[u8], b: &[u8]| [a, b].concat();
    let joined = |a: &[u8], b: &[u8]| {
        let script = Script::new().op(Opcode::OP_CAT).push(&join(a, b)).op(Opcode::OP_EQUAL);
        Spec::tapscript(script).under(flags).with_bytes(a).with_bytes(b)
    };
    free(group, flags, &[Opcode::OP_1, Opcode::OP_1, Opcode::OP_CAT, Opcode::OP_DROP], &[7]);
    clean(group, &joined(&[1], &[2]));
    missing(group, Opcode::OP_CAT, flags, join);
    for (slug, a, b) in ZEROS {
        group.accept(&format!("bytes-{slug}"), &BYTES, "bytes that a number would lose", joined(a, b));
    }
    let too_long = Verdict::Reject(ScriptError::PushSize, StopsAt::Opcode(Opcode::OP_CAT));
    let after: &[(&str, &[Opcode])] = &[
        ("dropped", &[Opcode::OP_DROP, Opcode::OP_1]),
        ("both-dropped", &[Opcode::OP_2DROP, Opcode::OP_1]),
        ("kept", &[]),
        ("turned", &[Opcode::OP_NOT]),
    ];
    for (a, b) in [(520, 1), (1, 520), (260, 261), (519, 2), (520, 520), (512, 512)] {
        for (slug, rest) in after {
            let id = format!("too-long-{a}-{b}-{slug}");
            let script = Script::new().op(Opcode::OP_CAT).op(Opcode::OP_DROP).op(Opcode::OP_1);
            let mut good = Spec::tapscript(script).under(flags);
            good = good.with_bytes(&bytes_of("a", a.min(260))).with_bytes(&bytes_of("b", b.min(260)));
            let base = group.accept(&id, &OVERFLOW, "a result of at most 520 bytes", good);
            group.reject(
                &base,
                &format!("{id}-rejected"),
                &OVERFLOW,
                &format!("the elements have {a} and {b} bytes, and the script does not need the result"),
                |spec| {
                    spec.stack = vec![Item::Bytes(bytes_of("a", a)), Item::Bytes(bytes_of("b", b))];
                    spec.script = Script::new().op(Opcode::OP_CAT).ops(rest);
                },
                too_long,
            );
        }
    }
}

pub(super) fn pair_commit(group: &mut Group) {
    let flags = Flags::PAIRCOMMIT;
    let pair = |a: &[u8], b: &[u8]| pair_commitment(a, b).to_vec();
    let committed = |a: &[u8], b: &[u8]| {
        let script = Script::new().op(Opcode::OP_PAIRCOMMIT).push(&pair(a, b)).op(Opcode::OP_EQUAL);
        Spec::tapscript(script).under(flags).with_bytes(a).with_bytes(b)
    };
    free(group, flags, &[Opcode::OP_1, Opcode::OP_1, Opcode::OP_PAIRCOMMIT, Opcode::OP_DROP], &[7]);
    clean(group, &committed(&[1], &[2]));
    missing(group, Opcode::OP_PAIRCOMMIT, flags, pair);
    for (slug, a, b) in ZEROS {
        group.accept(
            &format!("bytes-{slug}"),
            &COMMITTED_BYTES,
            "bytes that a number would lose",
            committed(a, b),
        );
    }
}

/// Adds valid cases of an opcode that pushes a 1,000th element, counted on the stack and the alternate stack together.
/// Adds rejected cases in which it pushes a 1,001st element, although the script drops the elements afterwards.
fn elements(group: &mut Group, opcode: Opcode, flags: Flags) {
    for on_altstack in [0, 1, 200] {
        let script = |before: usize| {
            let stowed = (0..on_altstack).fold(Script::new(), |script, _| script.op(Opcode::OP_TOALTSTACK));
            let left = before - on_altstack + 1;
            let script = (0..left / 2).fold(stowed.op(opcode), |script, _| script.op(Opcode::OP_2DROP));
            (0..left % 2).fold(script, |script, _| script.op(Opcode::OP_DROP)).op(Opcode::OP_1)
        };
        let spend = |before: usize| {
            let mut spec = Spec::tapscript(script(before)).under(flags);
            spec.stack = vec![Item::Bytes(vec![]); before];
            spec.shape = Shape::new(1, 1, 0);
            spec
        };
        let id = format!("elements-{on_altstack}-on-altstack");
        let base = group.accept(&id, &ELEMENTS, "999 elements before it", spend(MAX_STACK_SIZE - 1));
        let full = spend(MAX_STACK_SIZE);
        group.reject(
            &base,
            &format!("{id}-full"),
            &ELEMENTS,
            "there are 1,000",
            |spec| *spec = full,
            Verdict::Reject(ScriptError::StackSize, StopsAt::Opcode(opcode)),
        );
    }
}

pub(super) fn internal_key(group: &mut Group) {
    let (opcode, flags) = (Opcode::OP_INTERNALKEY, Flags::INTERNALKEY);
    let pushing = |key: Key| {
        let script = Script::new().op(opcode).push(&key.x_only()).op(Opcode::OP_EQUAL);
        let mut spec = Spec::tapscript(script).under(flags);
        spec.internal_key = key;
        spec
    };
    free(group, flags, &[opcode, Opcode::OP_DROP], &[7]);
    clean(group, &pushing(Key(0)));
    elements(group, opcode, flags);
    for (slug, key) in [("ends-with-zero", Key(145)), ("begins-with-zero", Key(159))] {
        group.accept(&format!("bytes-{slug}"), &KEY_BYTES, "a key with a zero byte at its end", pushing(key));
    }
    for (inputs, index) in [(1, 0), (3, 0), (3, 2), (301, 300)] {
        let mut spec = pushing(Key(5));
        spec.shape = Shape::new(inputs, 1, index);
        if inputs > 3 {
            spec.shape.inputs.iter_mut().for_each(|input| input.script_pubkey = vec![0x51]);
        }
        let comment = format!("the input {index} of {inputs}");
        group.accept(&format!("index-{index}-of-{inputs}"), &KEY_BYTES, &comment, spec);
    }
}

/// Returns transactions with unusual sizes and values. Examples are more than 255 inputs or outputs, output scripts of
/// 252 to 256 bytes, and a negative version.
fn wide() -> Vec<(&'static str, Shape)> {
    let small = |inputs, outputs, index| {
        let mut shape = Shape::new(inputs, outputs, index);
        shape.inputs.iter_mut().for_each(|input| input.script_pubkey = vec![0x51]);
        shape.outputs.iter_mut().for_each(|output| output.1 = vec![]);
        shape
    };
    let with = |change: fn(&mut Shape)| {
        let mut shape = Shape::new(2, 2, 1);
        change(&mut shape);
        shape
    };
    vec![
        ("257-inputs", small(257, 1, 256)),
        ("257-outputs", small(1, 257, 0)),
        ("301-both", small(301, 301, 300)),
        ("256-inputs", small(256, 256, 255)),
        ("index-2", small(3, 1, 2)),
        ("output-252", with(|shape| shape.outputs.iter_mut().for_each(|output| output.1 = vec![0x6a; 252]))),
        ("output-253", with(|shape| shape.outputs.iter_mut().for_each(|output| output.1 = vec![0x6a; 253]))),
        ("output-256", with(|shape| shape.outputs.iter_mut().for_each(|output| output.1 = vec![0x6a; 256]))),
        ("version-negative", with(|shape| shape.version = -1)),
        ("version-large", with(|shape| shape.version = 0x1234_5678)),
        ("version-zero", with(|shape| shape.version = 0)),
        ("locktime-max", with(|shape| shape.lock_time = u32::MAX)),
        ("sequence-zero", with(|shape| shape.own().sequence = 0)),
        (
            "scriptsig-of-other",
            with(|shape| shape.inputs.iter_mut().take(1).for_each(|input| input.script_sig = vec![0x51])),
        ),
        (
            "scriptsig-253",
            with(|shape| {
                shape.inputs.iter_mut().take(1).for_each(|input| input.script_sig = vec![0x51; 253])
            }),
        ),
    ]
}

pub(super) fn check_template(group: &mut Group) {
    let (opcode, flags) = (Opcode::OP_CHECKTEMPLATEVERIFY, Flags::CHECKTEMPLATEVERIFY);
    let wrong = bytes_of("no template", 32);
    free(group, flags, &[opcode], &[7; 31]);
    for (slug, shape) in wide() {
        let script = Script::new().item(Item::CheckTemplate(vec![])).op(opcode);
        let mut spec = Spec::tapscript(script).under(flags);
        spec.shape = shape;
        group.accept(&format!("wide-{slug}"), &TEMPLATE_SIZES, slug, spec);
    }
    let used = Script::new().push(&wrong).ops(&[opcode, Opcode::OP_DROP, Opcode::OP_1]);
    let stops = Verdict::Reject(ScriptError::TemplateMismatch, StopsAt::Opcode(opcode));
    for other in PROPOSALS.iter().filter(|other| other.is_of_scripts() && other.flag != flags) {
        let name = other.flag.to_string().trim_start_matches("OP_").to_lowercase();
        let spec = Spec::tapscript(used.clone()).under(other.flag);
        let id = format!("inactive-with-{name}");
        let base = group.accept(&id, &UNTOUCHED, "inactive beside another proposal: any argument", spec);
        let difference = "both are active, so the argument is looked at";
        group.reject(
            &base,
            &format!("{id}-activated"),
            &UNTOUCHED,
            difference,
            |spec| spec.flags |= flags,
            stops,
        );
    }
    let skipped = Script::new().push(&wrong).ops(&[
        Opcode::OP_0,
        Opcode::OP_IF,
        opcode,
        Opcode::OP_ENDIF,
        Opcode::OP_DROP,
        Opcode::OP_1,
    ]);
    let base = group.accept(
        "not-executed-wrong",
        &UNTOUCHED,
        "a wrong argument before a branch that is not executed",
        Spec::tapscript(skipped).under(flags),
    );
    group.reject(
        &base,
        "not-executed-wrong-executed",
        &UNTOUCHED,
        "it is executed",
        |spec| spec.script = used,
        stops,
    );
}

pub(super) fn template_hash(group: &mut Group) {
    let (opcode, flags) = (Opcode::OP_TEMPLATEHASH, Flags::TEMPLATEHASH);
    let templated = || {
        let script = Script::new().op(opcode).item(Item::TemplateHash(vec![])).op(Opcode::OP_EQUAL);
        Spec::tapscript(script).under(flags)
    };
    free(group, flags, &[opcode, Opcode::OP_DROP], &[7]);
    clean(group, &templated());
    elements(group, opcode, flags);
    for (slug, shape) in wide() {
        let mut spec = templated();
        spec.shape = shape;
        group.accept(&format!("wide-{slug}"), &HASH_SIZES, slug, spec);
    }
}
