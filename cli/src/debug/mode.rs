//! The modes of the debugger. The mode determines what the screen shows and what each key does.

use super::edit::LineEdit;

/// Selects the elements that a list in the debugger contains: those of the stacks, or those of the witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// The data that the current opcode pushes, then the main stack and the alt stack, each with its top first.
    Stacks,
    /// The witness of the input, starting with element 0.
    Witness,
}

/// A mode of the debugger: what the screen shows. The mode also determines what each key does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Stepping,
    Help,
    /// Details of the trace entry under the cursor, on the whole screen.
    Details,
    /// The list of verification flags, with the index of the selected row.
    Flags(usize),
    /// A list of stack or witness elements, with the index of the selected row.
    Elements(Which, usize),
    /// The full view of one stack or witness element, with its row in the list.
    Element(Which, usize),
    /// An input line that the user edits, and the purpose of the text in it.
    Typing(Typing, LineEdit),
}

/// Purpose of the text that the user types in an input line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typing {
    RunTo,
    Breakpoint,
    Search,
    /// The text is the new content of the witness element with this index.
    Element(usize),
}
