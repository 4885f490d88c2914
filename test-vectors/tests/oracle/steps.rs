//! Inspector that counts the tapscript instructions that the verification of an input reaches.

use sigstack_interpreter::{Inspector, Instruction, Machine, Phase, Spend};
use sigstack_vectors::InputQuestion;

/// Inspector that counts the instructions of a tapscript that a verification reaches.
#[derive(Default)]
pub(crate) struct TapscriptSteps {
    in_tapscript: bool,
    pub(crate) steps: u64,
}

impl Inspector for TapscriptSteps {
    fn phase(&mut self, phase: Phase, _script: Option<&[u8]>) {
        self.in_tapscript = phase == Phase::Tapscript;
    }

    fn step(&mut self, _machine: &Machine<'_>, _instruction: &Instruction<'_>) {
        self.steps += u64::from(self.in_tapscript);
    }
}

/// Returns whether an input executes at least one instruction of a tapscript.
pub(crate) fn executes_tapscript(question: &InputQuestion) -> bool {
    let mut steps = TapscriptSteps::default();
    let spend = Spend::new(&question.tx, &question.prevouts).unwrap();
    let _ = spend.verify_input_with(question.index, question.flags, &mut steps);
    steps.steps > 0
}
