//! Deliberate faults that the adversary's search must find.
//!
//! A mutation takes out one rule where the rule is kept: a line `if mutated(Mutation::X)` in the code of the client, the tower, the
//! wallet or the chain. The feature `mutations` compiles these lines in; without it [`mutated`] is the constant `false`, and a release
//! contains none of them. One mutation is active at a time, in the thread that switched it on.

macro_rules! mutations {
    ($($name:ident $text:literal;)*) => {
        /// A rule that a mutation takes out.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Mutation {
            $(#[doc = $text] $name,)*
        }

        impl Mutation {
            /// All of them.
            pub const ALL: &'static [Mutation] = &[$(Mutation::$name,)*];

            /// The fault as a sentence.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Mutation::$name => $text,)*
                }
            }
        }
    };
}

mutations! {
    FirstInputOnly "A watcher looks at the first input of a transaction only.";
}

#[cfg(feature = "mutations")]
std::thread_local! {
    static ACTIVE: core::cell::Cell<Option<Mutation>> = const { core::cell::Cell::new(None) };
}

/// Whether a mutation is active in this thread.
#[cfg(feature = "mutations")]
pub(crate) fn mutated(mutation: Mutation) -> bool {
    ACTIVE.get() == Some(mutation)
}

/// No mutation is compiled in.
#[cfg(not(feature = "mutations"))]
pub(crate) const fn mutated(_: Mutation) -> bool {
    false
}

/// Runs `work` with a mutation active in this thread.
#[cfg(feature = "mutations")]
pub fn with<T>(mutation: Option<Mutation>, work: impl FnOnce() -> T) -> T {
    let before = ACTIVE.replace(mutation);
    let done = work();
    ACTIVE.set(before);
    done
}
