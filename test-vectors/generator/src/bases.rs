//! Pairs of valid base cases, with and without OP_NOT, to distinguish an opcode that fails the script from one that pushes
//! false.

use sigstack_interpreter::ScriptError;

use super::group::{Accepted, Group, Rule};
use super::spec::{Spec, Verdict};

/// The valid cases from which cases with bad arguments are made: one whose script succeeds if the opcode pushes true,
/// and one whose script succeeds if the opcode pushes false.
pub(super) struct Bases<T> {
    rule: &'static Rule,
    plain: Accepted,
    negated: Accepted,
    /// Function that replaces the arguments in a case.
    put: fn(&mut Spec, T),
    fails: fn(ScriptError) -> Verdict,
}

impl<T: Clone> Bases<T> {
    /// Creates both base cases. `good` has a valid signature. `empty` has an empty signature, and OP_NOT after the opcode.
    pub(super) fn new(
        group: &mut Group,
        (slug, rule): (&str, &'static Rule),
        [good, empty]: [Spec; 2],
        put: fn(&mut Spec, T),
        fails: fn(ScriptError) -> Verdict,
    ) -> Bases<T> {
        let plain = group.accept(&format!("{slug}-good"), rule, "a valid signature", good);
        let comment = "an empty signature, and OP_NOT";
        let negated = group.accept(&format!("{slug}-good-not"), rule, comment, empty);
        Bases { rule, plain, negated, put, fails }
    }

    /// Adds two rejected cases with these arguments, one from each base case.
    pub(super) fn refuse(
        &self,
        group: &mut Group,
        id: &str,
        difference: &str,
        arguments: T,
        error: ScriptError,
    ) {
        let (put, verdict) = (self.put, (self.fails)(error));
        let plain = arguments.clone();
        group.reject(&self.plain, id, self.rule, difference, |spec| put(spec, plain), verdict);
        let difference = format!("{difference}: it fails, and does not push false");
        let id = format!("{id}-not");
        group.reject(&self.negated, &id, self.rule, &difference, |spec| put(spec, arguments), verdict);
    }
}
