//! Scripts of generated cases, some parts of which are known only when the transaction is.

use sigstack_interpreter::{Opcode, append_push, script_num};

use super::item::Item;
use sigstack_vectors::asm::assemble;

/// A script under construction. Numbers and data take their shortest pushes.
#[derive(Clone, Debug, Default)]
pub(super) struct Script(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Bytes(Vec<u8>),
    /// A push of something that depends on the transaction.
    Push(Item),
    /// A word that means nothing: the script cannot be built.
    Wrong(String),
}

impl Script {
    pub(super) fn new() -> Script {
        Script::default()
    }

    /// An opcode.
    pub(super) fn op(self, opcode: Opcode) -> Script {
        self.raw(&[opcode.0])
    }

    /// Opcodes.
    pub(super) fn ops(self, opcodes: &[Opcode]) -> Script {
        opcodes.iter().fold(self, |script, opcode| script.op(*opcode))
    }

    /// Bytes as they are.
    pub(super) fn raw(mut self, bytes: &[u8]) -> Script {
        self.0.push(Part::Bytes(bytes.to_vec()));
        self
    }

    /// The assembly of Core's test files.
    pub(super) fn asm(mut self, text: &str) -> Script {
        self.0.push(assemble(text).map_or_else(Part::Wrong, Part::Bytes));
        self
    }

    /// The shortest push of data.
    pub(super) fn push(self, data: &[u8]) -> Script {
        self.raw(&minimal_push(data))
    }

    /// The shortest push of a number.
    pub(super) fn number(self, number: i64) -> Script {
        self.push(script_num::encode(number).as_bytes())
    }

    /// A push of something that depends on the transaction.
    pub(super) fn item(mut self, item: Item) -> Script {
        self.0.push(Part::Push(item));
        self
    }

    /// What follows.
    pub(super) fn then(mut self, rest: Script) -> Script {
        self.0.extend(rest.0);
        self
    }

    /// The script, its items given by `make`.
    pub(super) fn build(
        &self,
        mut make: impl FnMut(&Item) -> Result<Vec<u8>, String>,
    ) -> Result<Vec<u8>, String> {
        let mut script = Vec::new();
        for part in &self.0 {
            match part {
                Part::Bytes(bytes) => script.extend_from_slice(bytes),
                Part::Wrong(problem) => return Err(problem.clone()),
                Part::Push(item) => script.extend_from_slice(&minimal_push(&make(item)?)),
            }
        }
        Ok(script)
    }
}

/// The shortest push of data: a number opcode where there is one.
pub(super) fn minimal_push(data: &[u8]) -> Vec<u8> {
    match data {
        [number @ 1..=16] => vec![Opcode::OP_1.0 + number - 1],
        [0x81] => vec![Opcode::OP_1NEGATE.0],
        _ => {
            let mut script = Vec::new();
            append_push(data, &mut script);
            script
        }
    }
}
