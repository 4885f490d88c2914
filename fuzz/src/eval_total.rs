//! Property: the execution of any script on any stack terminates, whatever the host answers. (The host verifies
//! signatures and locks.) The execution takes at most one step for each byte of the script, and the stacks never
//! exceed the limits. The verdict is the same in every run, with or without an inspector.
//!
//! Fuzz input: [flags](crate::flags::any), a byte for the context, the host's answers (8 bytes, used bit by bit in
//! rotation), the script (with a length prefix), then stack elements (with length prefixes) until the end.

use sigstack_interpreter::limits::{MAX_SCRIPT_ELEMENT_SIZE, MAX_STACK_SIZE};
use sigstack_interpreter::{
    Context, Flags, Inspector, Instruction, Machine, MockHost, NoInspector, Question, ScriptError, Stack,
    Stop, Tapscript, run_script,
};

use crate::bytes::Reader;
use crate::flags;

/// Inspector that counts the steps of an execution and checks the stacks after each step.
#[derive(Debug, Default)]
struct Bounds {
    steps: usize,
}

/// Maximum number of bytes that the stacks may allocate. It is computed for the maximum number of elements of maximum
/// size. A factor of two allows for unused capacity, and another factor of two for the copy while memory is
/// reallocated.
const MOST_BYTES: usize = 4 * (MAX_STACK_SIZE + 1) * (MAX_SCRIPT_ELEMENT_SIZE + 64);

impl Inspector for Bounds {
    fn step_end(&mut self, machine: &Machine<'_>, _: &Instruction<'_>, result: Result<(), ScriptError>) {
        self.steps += 1;
        assert!(self.steps <= machine.script().len(), "more steps than bytes");
        let stack = machine.stack();
        let elements = stack.len() + stack.alt_len();
        assert!(result.is_err() || elements <= MAX_STACK_SIZE, "{elements} elements");
        if let Ok(top) = stack.get(0) {
            assert!(top.len() <= MAX_SCRIPT_ELEMENT_SIZE, "an element of {} bytes", top.len());
        }
    }

    fn script_end(&mut self, machine: &Machine<'_>, _: &Result<(), Stop>) {
        let stack = machine.stack();
        assert!(stack.iter().chain(stack.alt_iter()).all(|element| element.len() <= MAX_SCRIPT_ELEMENT_SIZE));
        assert!(stack.allocated_bytes() <= MOST_BYTES, "{} bytes", stack.allocated_bytes());
    }
}

struct Run<'a> {
    script: &'a [u8],
    context: Context,
    flags: Flags,
    answers: u64,
    stack: Stack,
}

impl Run<'_> {
    fn run<I: Inspector>(&self, inspector: &mut I) -> (Result<(), Stop>, Stack) {
        let mut stack = self.stack.clone();
        let mut answers = self.answers;
        let mut host = MockHost::new(|_: Question<'_>| {
            answers = answers.rotate_right(1);
            answers >> 63 == 1
        });
        let result =
            run_script(&mut stack, self.script, self.context.clone(), self.flags, &mut host, inspector);
        (result, stack)
    }
}

/// Runs the fuzz target `eval_total` on one fuzz input. Panics if the property that the documentation of this module
/// states is violated.
pub fn run(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    let flags = flags::any(&mut reader);
    let context = reader.byte();
    let answers = reader.u64();
    let script = reader.sized();
    let mut stack = Stack::new();
    let mut size = 0;
    while !reader.is_empty() {
        let element = reader.sized();
        size += element.len() + 1;
        if element.len() > MAX_SCRIPT_ELEMENT_SIZE
            || stack.len() == MAX_STACK_SIZE
            || stack.push(element).is_err()
        {
            break;
        }
    }
    let context = match context % 4 {
        0 => Context::Legacy,
        1 => Context::WitnessV0,
        // With an annex and a small signature operation budget.
        2 => Context::Tapscript(Tapscript::new([1; 32], [2; 32], Some([3; 32]), size % 200)),
        _ => Context::Tapscript(Tapscript::new([1; 32], [2; 32], None, size + script.len())),
    };
    let run = Run { script, context, flags, answers, stack };
    let mut bounds = Bounds::default();
    let (observed, observed_stack) = run.run(&mut bounds);
    let (alone, stack) = run.run(&mut NoInspector);
    assert_eq!(observed, alone, "an inspector changes the verdict");
    assert!(stack.iter().eq(observed_stack.iter()), "an inspector changes the stack");
}
