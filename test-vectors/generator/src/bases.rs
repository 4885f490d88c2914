//! Pairs of valid base cases, one with and one without OP_NOT after the tested opcode. Together they distinguish an
//! opcode that fails the script from an opcode that pushes false.

use sigstack_interpreter::ScriptError;

use super::group::{Accepted, Group, Rule};
use super::spec::{Spec, Verdict};

/// Two valid base cases with the same opcode. The script of one succeeds if the opcode pushes true. The script of the
/// other, with OP_NOT after the opcode, succeeds if it pushes false.
pub(super) struct Bases<T> {
    rule: &'static Rule,
    plain: Accepted,
    negated: Accepted,
    /// Function that replaces the arguments of the opcode in a case.
    put: fn(&mut Spec, T),
    fails: fn(ScriptError) -> Verdict,
}

impl<T: Clone> Bases<T> {
    /// Adds both valid base cases. In `good`, the signature is valid. In `empty`, the signature is empty, and OP_NOT
    /// follows the opcode.
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

    /// Adds two rejected cases with the same bad arguments: one derived from the base case without OP_NOT, one from the
    /// base case with OP_NOT.
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
