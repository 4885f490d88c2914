//! Scripts of generated cases. Some parts are computed only when the transaction is known.

use sigstack_interpreter::{Opcode, append_push, script_num};

use super::item::Item;
use sigstack_vectors::asm::assemble;

/// A script under construction, as a list of parts. Numbers and data are pushed in the shortest encoding.
#[derive(Clone, Debug, Default)]
pub(super) struct Script(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Bytes(Vec<u8>),
    /// A push of an item, whose bytes may depend on the transaction.
    Push(Item),
    /// A word of script assembly that is not valid, with the error message. Serializing the script then fails.
    Wrong(String),
}

impl Script {
    pub(super) fn new() -> Script {
        Script::default()
    }

    /// Appends one opcode to the script.
    pub(super) fn op(self, opcode: Opcode) -> Script {
        self.raw(&[opcode.0])
    }

    /// Appends several opcodes to the script.
    pub(super) fn ops(self, opcodes: &[Opcode]) -> Script {
        opcodes.iter().fold(self, |script, opcode| script.op(*opcode))
    }

    /// Appends raw bytes to the script, without a push opcode.
    pub(super) fn raw(mut self, bytes: &[u8]) -> Script {
        self.0.push(Part::Bytes(bytes.to_vec()));
        self
    }

    /// Appends a script, given in the assembly of Core's test files.
    pub(super) fn asm(mut self, text: &str) -> Script {
        self.0.push(assemble(text).map_or_else(Part::Wrong, Part::Bytes));
        self
    }

    /// Appends the shortest push of this data to the script.
    pub(super) fn push(self, data: &[u8]) -> Script {
        self.raw(&minimal_push(data))
    }

    /// Appends the shortest push of this number to the script.
    pub(super) fn number(self, number: i64) -> Script {
        self.push(script_num::encode(number).as_bytes())
    }

    /// Appends a push of an item, whose bytes may depend on the transaction.
    pub(super) fn item(mut self, item: Item) -> Script {
        self.0.push(Part::Push(item));
        self
    }

    /// Appends all parts of another script.
    pub(super) fn then(mut self, rest: Script) -> Script {
        self.0.extend(rest.0);
        self
    }

    /// Returns the serialized script. Calls `make` for each item that depends on the transaction, to get its bytes.
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

/// Returns the shortest push of data, which is a number opcode if one exists.
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
