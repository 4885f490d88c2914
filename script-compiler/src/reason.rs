//! The safety checks by name: the reasons why the compiler refuses a policy by default.

macro_rules! reasons {
    ($($variant:ident $name:literal $why:literal;)*) => {
        /// Reason why a safety check refuses a policy.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Reason {
            $(#[doc = $why] $variant,)*
        }

        impl Reason {
            /// All reasons why a policy can be refused.
            pub const ALL: &[Reason] = &[$(Reason::$variant),*];

            /// Returns the name with which `allow` disables this check.
            pub const fn name(self) -> &'static str {
                match self { $(Reason::$variant => $name,)* }
            }

            /// Returns a text that says what could go wrong with a policy that this check refuses.
            pub const fn why(self) -> &'static str {
                match self { $(Reason::$variant => $why,)* }
            }
        }
    };
}

reasons! {
    Unprotected "unprotected" "no transaction signature and no template protects a way to spend: whoever sees its witness \
        can send the coin to himself";
    KeyRoles "key-roles" "a key that signs messages signs something else too: a signature made for one is valid for the other";
    MixedLocks "mixed-locks" "a height and a time under one lock can never both be reached by one transaction";
    TwoTemplates "two-templates" "one transaction cannot have two templates";
    NumberRange "number-range" "numbers start at 1: zero is the empty message";
    LockBits "lock-bits" "the lock has bits that nSequence does not compare: it is not the lock that it seems to be";
    Repeated "repeated" "a condition counts twice in one way to spend: it takes fewer keys or secrets than the policy seems to ask for";
    CatLengths "cat-lengths" "two parts of unknown length can be cut at another place and mean something else";
    Bip118Reuse "bip118-reuse" "a signature that is not bound to its leaf is valid in every leaf with that key";
    Malleable "malleable" "anybody can replace the witness by that of another way to spend";
}

impl Reason {
    /// Returns the reason whose check `allow NAME` disables, or `None` if there is no check of this name.
    pub fn from_name(name: &str) -> Option<Reason> {
        Reason::ALL.iter().copied().find(|reason| reason.name() == name)
    }
}
