//! Describes the verdict of a trace in a sentence, with explanations.

use sigstack_interpreter::{ScriptError, VerifyError};

use crate::frame::{Commitment, Frame, SignatureReport, Step, StepEvent};
use crate::frame::{Explanation, UNKNOWN};
use crate::text::unchecked;
use crate::trace::Trace;

impl Trace {
    /// Returns the explanations of a failed verification: the changes that would have made the failing check succeed.
    /// For a script that ends with a false result, the explanations of the opcode that pushed the result come first.
    pub fn explanations(&self) -> Vec<&Explanation> {
        let Some(index) = self.failure() else { return Vec::new() };
        let until = self.frames.get(..=index).unwrap_or_default();
        let found = match until.last() {
            Some(Frame::Step(step)) => of_step(step),
            Some(Frame::KeyPath(report)) => report.explanations.iter().collect(),
            Some(Frame::Commitment(Commitment::Tweak { explanations, .. })) => explanations.iter().collect(),
            _ => self.explanations_of_phase(until),
        };
        found.into_iter().filter(|it| it.code != UNKNOWN).collect()
    }

    /// Returns the explanations of a failed phase. If the script of the phase left a false result, the explanations of
    /// the last opcode that changed the stack come first.
    fn explanations_of_phase<'t>(&'t self, until: &'t [Frame]) -> Vec<&'t Explanation> {
        let left_false =
            matches!(self.verdict, Err(VerifyError::Script { error: ScriptError::EvalFalse, .. }));
        let mut decided = None;
        for frame in until.iter().rev() {
            match frame {
                Frame::Phase { explanations, .. } => {
                    let of_opcode = decided.filter(|_| left_false).map(of_step);
                    return of_opcode.into_iter().flatten().chain(explanations).collect();
                }
                Frame::Step(step) if step.before.stack != step.after.stack => {
                    decided.get_or_insert(&**step);
                }
                _ => {}
            }
        }
        Vec::new()
    }

    /// Returns the verdict as a sentence: why and where the input is invalid, or what its verification covered.
    pub fn verdict_sentence(&self) -> String {
        if let Some(rule) = self.rule {
            return format!("Invalid: {rule} ({}). Every input is valid alone.", rule.name());
        }
        match &self.verdict {
            Err(VerifyError::Script { error, location }) => {
                format!("Invalid: {} ({}), in {location}.", error.summary(), error.name())
            }
            Err(VerifyError::Usage(error)) => format!("No verdict: {error}."),
            Ok(()) => {
                let gaps: String = self.gaps.iter().map(|gap| format!(" But {}.", unchecked(gap))).collect();
                format!("Valid under these flags: {}.{gaps}{}", self.covered(), self.other_inputs())
            }
        }
    }

    /// Describes how many opcodes of how many scripts were executed, and how many signatures were valid.
    fn covered(&self) -> String {
        let (mut scripts, mut opcodes, mut signatures) = (0, 0, 0);
        let valid = |report: &SignatureReport| usize::from(report.check.valid);
        for frame in &self.frames {
            match frame {
                Frame::Begin(_) => scripts += 1,
                Frame::Omitted(steps) => opcodes += steps,
                Frame::KeyPath(report) => signatures += valid(report),
                Frame::Step(step) => {
                    opcodes += usize::from(step.before.exec);
                    let of_event = |event: &StepEvent| match event {
                        StepEvent::Signature(report) => valid(report),
                        _ => 0,
                    };
                    signatures += step.events.iter().map(of_event).sum::<usize>();
                }
                _ => {}
            }
        }
        let count = |number: usize, what: &str| match number {
            0 => format!("no {what}"),
            1 => format!("1 {what}"),
            _ => format!("{number} {what}s"),
        };
        format!(
            "{} of {} executed, {} verified",
            count(opcodes, "opcode"),
            count(scripts, "script"),
            count(signatures, "signature")
        )
    }

    fn other_inputs(&self) -> String {
        let subject = &self.subject;
        match subject.tx.input.len() {
            0 | 1 => String::new(),
            inputs => format!(" This is input {} of {inputs}; the others were not verified.", subject.input),
        }
    }
}

/// Returns the explanations of an opcode and of the signatures that it checked.
fn of_step(step: &Step) -> Vec<&Explanation> {
    let of_events = step.events.iter().flat_map(|event| match event {
        StepEvent::Signature(report) => report.explanations.as_slice(),
        _ => &[],
    });
    of_events.chain(&step.explanations).collect()
}

#[cfg(test)]
mod tests {
    use sigstack_interpreter::Flags;

    use crate::{BareContext, BareTx, Options, Trace, assemble, assemble_stack, bare_spend};

    fn sentence(script: &str, stack: &str, inputs: usize) -> String {
        let (script, stack) = (assemble(script).unwrap(), assemble_stack(stack).unwrap());
        let mut subject =
            bare_spend(&script, &stack, BareContext::Tapscript, BareTx::default(), Flags::CONSENSUS);
        for _ in 1..inputs {
            subject.tx.input.push(subject.tx.input[0].clone());
            subject.prevouts.push(subject.prevouts[0].clone());
        }
        Trace::record(subject, Options::default()).unwrap().verdict_sentence()
    }

    #[test]
    fn a_verdict_is_a_sentence_that_says_what_it_covers() {
        let valid = sentence("IF 1 ELSE RETURN ENDIF", "1", 1);
        assert!(
            valid.starts_with(
                "Valid under these flags: 5 opcodes of 3 scripts executed, no signature verified."
            ),
            "{valid}"
        );
        assert!(valid.contains(" But no signature "), "{valid}");
        let skipped = sentence("OP_SUCCESS80 1", "", 1);
        assert!(skipped.contains(" But no rule ran: ") && skipped.contains("OP_SUCCESS80"), "{skipped}");
        let one_of_two = sentence("1", "", 2);
        assert!(one_of_two.contains(" This is input 0 of 2; the others were not verified."), "{one_of_two}");
        assert_eq!(
            sentence("2 EQUALVERIFY", "1", 1),
            "Invalid: OP_EQUALVERIFY met different elements (EQUALVERIFY), in tapscript, opcode 1 (OP_EQUALVERIFY, byte 1)."
        );
    }
}
