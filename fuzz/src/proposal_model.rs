//! Property: a tapscript with the proposals' opcodes has the result that a [small model](model), written from the
//! BIPs, predicts. The error is the same. If no opcode fails, the final stack is also the same. Each proposal is
//! inactive, discouraged or active.
//!
//! Fuzz input: the states of the proposals (two bits each, 2 bytes), policy flags (a byte), a byte, then a
//! [recipe](crate::recipe), whose output type is ignored: it is always tapscript. If the byte is odd, opcodes unknown
//! to the model are removed from the script. Otherwise each byte of the script is mapped to an opcode that the model
//! supports.

pub mod model;

use sigstack_interpreter::{
    Flags, Inspector, Machine, PROPOSALS, Phase, ScriptError, Spend, Stop, VerifyError,
};

use crate::bytes::Reader;
use crate::recipe::{Damage, Place, Recipe};
use crate::spend::make;
use model::{Ended, Model};

/// Policy flags that the model supports, without those that the proposals add.
const POLICY: [Flags; 5] = [
    Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE,
    Flags::DISCOURAGE_UPGRADABLE_CHECKTEMPLATEVERIFY,
    Flags::DISCOURAGE_UPGRADABLE_NOPS,
    Flags::DISCOURAGE_OP_SUCCESS,
    Flags::MINIMALDATA,
];

/// Inspector that records the stack when the tapscript has ended without an error.
#[derive(Debug, Default)]
struct LastStack {
    in_tapscript: bool,
    stack: Option<Vec<Vec<u8>>>,
}

impl Inspector for LastStack {
    fn phase(&mut self, phase: Phase, _: Option<&[u8]>) {
        self.in_tapscript = phase == Phase::Tapscript;
    }

    fn script_end(&mut self, machine: &Machine<'_>, result: &Result<(), Stop>) {
        if self.in_tapscript && result.is_ok() {
            self.stack = Some(machine.stack().iter().map(<[u8]>::to_vec).collect());
        }
    }
}

/// Returns a set of flags. For each proposal, two bits of `states` select whether it is inactive, discouraged or
/// active. Each bit of `policy` selects a flag of [`POLICY`].
fn flags(states: u16, policy: u8) -> Flags {
    let mut flags = Flags::CONSENSUS;
    let of_scripts = PROPOSALS.iter().filter(|proposal| proposal.is_of_scripts());
    for (nth, proposal) in of_scripts.enumerate() {
        flags |= match states >> (2 * nth) & 3 {
            0 => proposal.flag,
            1 => Flags::NONE,
            2 => proposal.discourage,
            // A proposal with both flags is discouraged.
            _ => proposal.discourage | proposal.flag,
        };
    }
    let drawn = POLICY.iter().enumerate().filter(|(nth, _)| policy >> nth & 1 == 1);
    drawn.fold(flags, |flags, (_, flag)| flags | *flag)
}

/// Maps each byte of a script to an opcode that the model supports.
fn known_opcodes(script: &[u8]) -> Vec<u8> {
    script.iter().map(|byte| model::OPCODES[usize::from(*byte) % model::OPCODES.len()]).collect()
}

/// Runs the fuzz target `proposal_model` on one fuzz input. Panics if the engine's result is not that of the model.
pub fn run(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    let flags = flags(reader.u16(), reader.byte());
    let cut = reader.bool();
    let mut recipe = Recipe::read(&mut reader);
    recipe.place = Place::Tapscript;
    recipe.leaf_version = 0xc0;
    recipe.path %= 3;
    // The model does not verify commitments, so damage to them would only hide differences.
    recipe.damage = Damage::default();
    recipe.script = match cut {
        true => recipe.script.iter().copied().filter(|byte| model::OPCODES.contains(byte)).collect(),
        false => known_opcodes(&recipe.script),
    };
    // Longer scripts only repeat, and the model is slow.
    recipe.script.truncate(40);
    let subject = make(&recipe, flags);
    let expected = Model::new(&subject, flags, |proposal| proposal.activation(flags)).run();

    let spend = Spend::new(&subject.tx, &subject.prevouts).expect("a prevout for each input");
    let mut last = LastStack::default();
    let verdict = match spend.verify_input_with(subject.index, flags, &mut last) {
        Ok(_) => Ok(()),
        Err(VerifyError::Script { error, .. }) => Err(error),
        Err(VerifyError::Usage(error)) => panic!("{error}: {flags}"),
    };
    let (expected_verdict, expected_stack) = match expected {
        Ended::Success => (Ok(()), None),
        Ended::Failed(error) => (Err(error), None),
        Ended::Stack(stack) => (judge(&stack), Some(stack)),
    };
    assert_eq!(verdict, expected_verdict, "under {flags}: {subject:#?}");
    assert_eq!(last.stack, expected_stack, "under {flags}: {subject:#?}");
}

/// Returns the verdict on the stack that a tapscript leaves. Exactly one element must be left, and it must be true
/// (BIP 342 "Rules for tapscript execution").
fn judge(stack: &[Vec<u8>]) -> Result<(), ScriptError> {
    match stack {
        [only] if model::is_true(only) => Ok(()),
        [_] => Err(ScriptError::EvalFalse),
        _ => Err(ScriptError::CleanStack),
    }
}
