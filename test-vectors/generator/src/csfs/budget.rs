//! Cases about the signature operation budget of a tapscript with OP_CHECKSIGFROMSTACK.

use super::*;

/// Returns a script that executes OP_CHECKSIGFROMSTACK `checks` times on the same signature, message and key, which are
/// on top of the stack. The script leaves the result of the last check.
pub(in super::super) fn repeated(checks: usize) -> Script {
    let again = [Opcode::OP_3DUP, CSFS, Opcode::OP_DROP];
    (1..checks).fold(Script::new(), |script, _| script.ops(&again)).op(CSFS)
}

pub(super) fn budget(group: &mut Group) {
    for checks in [4, 5, 10, 40] {
        for (slug, key) in [("known", Key(1).x_only().to_vec()), ("unknown", vec![3; 33])] {
            let id = format!("budget-{checks}-{slug}-key");
            let comment = format!("{checks} checks in a witness that pays for exactly as many");
            let mut spec = bare(signature(b"m"), b"m", &key);
            spec.script = repeated(checks);
            let base = group.accept(&id, &BUDGET, &comment, spec.padded_to(50 * checks));
            group.reject(
                &base,
                &format!("{id}-short"),
                &BUDGET,
                "the witness is a byte shorter",
                |spec| spec.annex.iter_mut().for_each(|annex| _ = annex.pop()),
                fails(ScriptError::TapscriptValidationWeight),
            );
        }
    }
    budget_last(group);
    let mut free = bare(Item::Bytes(vec![]), b"m", &Key(1).x_only());
    free.script = repeated(30).op(Opcode::OP_NOT);
    let base = group.accept("budget-free", &FREE, "thirty checks of an empty signature", free);
    group.reject(
        &base,
        "budget-not-free",
        &FREE,
        "the signature is not empty",
        |spec| spec.stack[0] = signature(b"m"),
        fails(ScriptError::TapscriptValidationWeight),
    );
}

/// Adds cases in which eight valid signature checks use up the budget. An element of the witness decides whether a
/// ninth check is executed. In most cases the ninth check also has another fault, which determines the error.
fn budget_last(group: &mut Group) {
    let script = repeated(8).ops(&[Opcode::OP_DROP, Opcode::OP_IF, CSFS, Opcode::OP_ELSE]).ops(&[
        Opcode::OP_2DROP,
        Opcode::OP_DROP,
        Opcode::OP_1,
        Opcode::OP_ENDIF,
    ]);
    let good_key = Key(1).x_only().to_vec();
    for (slug, wrong, ninth, key, error) in [
        ("nothing", "nothing", signature(b"m"), good_key.clone(), ScriptError::TapscriptValidationWeight),
        ("signature", "the signature", signature(b"m").flipped(0), good_key.clone(), ScriptError::SchnorrSig),
        ("size-63", "the signature's size", resized(b"m", 63), good_key.clone(), ScriptError::SchnorrSigSize),
        ("size-65", "the signature's size", resized(b"m", 65), good_key.clone(), ScriptError::SchnorrSigSize),
        ("empty-key", "the key", signature(b"m"), vec![], ScriptError::TapscriptEmptyPubkey),
        ("off-curve-key", "the key", signature(b"m"), OFF_CURVE.to_vec(), ScriptError::SchnorrSig),
        ("unknown-key", "nothing", signature(b"m"), vec![3; 33], ScriptError::TapscriptValidationWeight),
    ] {
        let mut spec = bare(ninth, b"m", &key).with_bytes(&[]);
        spec = spec.with(signature(b"m")).with_bytes(b"m").with_bytes(&good_key);
        spec.script = script.clone();
        let comment =
            format!("a ninth check over budget would be made, with {wrong} wrong, but is passed over");
        let id = format!("budget-last-{slug}");
        let base = group.accept(&id, &BUDGET_LAST, &comment, spec.padded_to(400));
        group.reject(
            &base,
            &format!("{id}-checked"),
            &BUDGET_LAST,
            "the witness asks for the ninth check",
            |spec| spec.stack[3] = Item::Bytes(vec![1]),
            fails(error),
        );
    }
}
