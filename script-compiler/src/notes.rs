//! Notes on a policy that compiles: parts of it that have no effect, and parts that the compiler did not examine.

use crate::error::position;
use crate::policy::Span;

macro_rules! kinds {
    ($($variant:ident $name:literal $what:literal;)*) => {
        /// The kind of a [`Note`] on a compiled policy.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum NoteKind {
            $(#[doc = $what] $variant,)*
        }

        impl NoteKind {
            /// Returns the name of this kind of note in reports.
            pub const fn name(self) -> &'static str {
                match self { $(NoteKind::$variant => $name,)* }
            }
        }
    };
}

kinds! {
    Pointless "pointless" "Whoever can use an alternative can use another one too, with less.";
    Never "never" "Nothing satisfies an alternative.";
    Implied "implied" "Another condition that is needed too includes a condition.";
    SearchEnded "search-ended" "A search for the lightest tree ended at its budget.";
    Unchecked "unchecked" "There are too many ways to satisfy the policy for a check of each of them.";
}

/// A remark on a policy that compiles, about a part without effect or a part that was not examined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The kind of the note.
    pub kind: NoteKind,
    /// Text of the note: one sentence without its full stop.
    pub text: String,
    /// Byte ranges in the policy text that the note refers to, in the order in which the note names them.
    pub places: Vec<Span>,
}

impl Note {
    /// Returns the name and the text of the note, with the byte ranges as lines and columns of `source`.
    pub fn render(&self, source: &str) -> String {
        let place = |span: &Span| {
            let (line, column) = position(source, span.start);
            format!("line {line}, column {column}")
        };
        let places: Vec<String> = self.places.iter().map(place).collect();
        let places = if places.is_empty() { String::new() } else { format!(" ({})", places.join("; ")) };
        format!("{}: {}{places}", self.kind.name(), self.text)
    }
}
