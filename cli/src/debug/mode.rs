//! The modes of the debugger: what it shows, and which keys it accepts.

use super::edit::LineEdit;

/// The elements that a list in the debugger contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// The data that the current opcode pushes, then the main stack and the alt stack, each with its top first.
    Stacks,
    /// The witness of the input, starting with element 0.
    Witness,
}

/// What the debugger shows, which determines the meaning of keys.
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
    /// An input line that the user edits, and what it is for.
    Typing(Typing, LineEdit),
}

/// What the text of an input line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typing {
    RunTo,
    Breakpoint,
    Search,
    /// Editing the witness element with this index.
    Element(usize),
}
