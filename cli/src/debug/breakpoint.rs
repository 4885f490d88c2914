//! Breakpoints, which are the opcodes and positions at which the debugger's command `run` stops.

use sigstack_debugger::Step;
use sigstack_interpreter::{Opcode, Phase};

/// A breakpoint, at which the debugger's command `run` stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Breakpoint {
    /// Stops at every execution of this opcode.
    Opcode(Opcode),
    /// Stops at the instruction with this position, counted from 0. A phase restricts the breakpoint to the script of
    /// that phase. `None` stops in every script.
    Position(Option<Phase>, u32),
}

impl Breakpoint {
    /// Parses a breakpoint: an opcode (`OP_CHECKSIG`), a position (`3`), or a phase and a position (`tapscript:3`).
    pub(super) fn read(text: &str) -> Result<Breakpoint, String> {
        let text = text.trim();
        let wrong = || {
            format!(
                "{text:?} is no place: write an opcode (OP_CHECKSIG), a position (3) or a phase and a position (tapscript:3)"
            )
        };
        let (phase, position) = match text.split_once(':') {
            None => (None, text),
            Some((name, position)) => {
                let phase = Phase::ALL.iter().find(|phase| phase.name().eq_ignore_ascii_case(name));
                (Some(*phase.ok_or_else(wrong)?), position)
            }
        };
        match (position.parse(), phase) {
            (Ok(position), phase) => Ok(Breakpoint::Position(phase, position)),
            (Err(_), None) => Opcode::from_name(position).map(Breakpoint::Opcode).ok_or_else(wrong),
            (Err(_), Some(_)) => Err(wrong()),
        }
    }

    pub(super) fn fits(&self, step: &Step) -> bool {
        match self {
            Breakpoint::Opcode(opcode) => *opcode == step.meaning && step.before.exec,
            Breakpoint::Position(phase, position) => {
                phase.is_none_or(|phase| phase == step.phase) && *position == step.position
            }
        }
    }
}
