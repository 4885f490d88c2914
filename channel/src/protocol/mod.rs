//! The update protocol of the signed sequence channel and of the override form as state machines, and their exploration.
//!
//! An update of the signed sequence channel, as in BOLT 2:
//!
//! ```text
//! proposer                                responder
//!   stores its attempt
//!   (1) Propose k, content, its part of the responder's version k  ->
//!                                         stores version k, its own number k, its answer
//!         <-  (2) Accept k: signature of number k, its part of the proposer's version k
//!   stores version k and the evidence: k is final
//!   (3) Finish k: signature of number k  ->
//!                                         stores the evidence: k is final
//! ```
//!
//! Each rule is a check in one place, with a name ([`Rule`]): the exploration takes them out one by one and must find a loss each time.

mod explore;
mod override_form;
mod party;

pub use explore::{Explored, explore, mutations};
pub use override_form::{Keeper, OverrideRule, explore_override, override_mutations};
pub use party::{Attempt, ContentId, Given, Message, Party, Refusal, Version};

use crate::compare::Table;

macro_rules! rules {
    ($($name:ident $section:literal $text:literal;)*) => {
        /// A rule of the default form, each a check that can be taken out for the exploration.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule {
            $(#[doc = $text] $name,)*
        }

        impl Rule {
            /// All of them.
            pub const ALL: &'static [Rule] = &[$(Rule::$name,)*];

            /// What it asks.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Rule::$name => $text,)*
                }
            }

            /// The number of the rule that it is part of.
            pub const fn section(self) -> &'static str {
                match self {
                    $(Rule::$name => $section,)*
                }
            }
        }
    };
}

rules! {
    StoredAnswer "1" "An answer is sent again as the same bytes, never signed again under the same nonce.";
    OneContent "2" "One number has one content, for ever.";
    NumbersInOrder "2" "Only the next number is proposed; none is skipped.";
    FinishFirst "2" "No part for k is given before the peer's signature of k - 1 or its yield is held.";
    OneProposer "3" "Number k is proposed by the party k mod 2, or by nobody.";
    StoreThenSend "4" "What is sent is stored before.";
    NothingAfterClosing "4" "After its own version left the machine a party signs nothing more.";
    CooperativeIsFinal "4" "After a part of a cooperative closing a party signs closings of that state only.";
    KeysOfThisChannel "5" "The number key signs in this channel only.";
    EveryFunding "6" "A number is signed only with a version on every funding that can still confirm.";
    SignWhatYouBuild "9" "A party signs transactions that it built from number and content, never a digest that it received.";
    LostDataPublishesNothing "10" "A party that lost data publishes nothing.";
    VersionBeforeSignature "C.5" "A number is signed only with a completable version of it.";
    EvidenceBeforeFinal "C.5" "A state is final only with the peer's signature of its number.";
    PublishTheNewest "C.5" "After its signature of k a party publishes only version k.";
}

/// The rules that a party follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    without: Option<Rule>,
}

impl Rules {
    /// All of them.
    pub const ALL: Rules = Rules { without: None };

    /// All but one, to see what that one is for.
    pub const fn without(rule: Rule) -> Rules {
        Rules { without: Some(rule) }
    }

    /// Whether a rule is followed.
    pub fn holds(self, rule: Rule) -> bool {
        self.without != Some(rule)
    }
}

/// Explores both machines with all rules and without each, and reports what was found. `progress` is called with the name of
/// each machine before it is explored.
pub fn mutation_table(progress: &dyn Fn(&str)) -> Table {
    let mut table = Table::new(&["form", "rule left out", "of C.7", "states", "found", "how"]);
    let mut add = |form: &str, rule: &str, section: &str, explored: &Explored| {
        table.push(vec![
            form.into(),
            rule.into(),
            section.into(),
            explored.states.to_string(),
            explored.loss.map_or("nothing", |loss| loss).into(),
            explored.trace.join("; "),
        ]);
    };
    progress("default");
    add("default", "none", "-", &explore(Rules::ALL));
    for (rule, explored) in mutations() {
        add("default", rule.text(), rule.section(), &explored);
    }
    progress("override");
    add("override", "none", "-", &explore_override(None));
    for (rule, explored) in override_mutations() {
        add("override", rule.text(), "-", &explored);
    }
    table
}

#[cfg(test)]
mod tests;
