//! Update protocols of the signed sequence channel and of the override form as state machines, and their exhaustive exploration.
//!
//! In the signed sequence channel every state has a number. A party's version of a state is its own commitment transaction, which
//! the peer partially signs. A party's signature of number k is a revocation signature: it revokes the party's versions with
//! lower numbers. An update, with messages similar to BOLT 2:
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
//! ("Part" means partial signature, and "evidence" the peer's signature of a number.)
//!
//! A connection begins with Reestablish: each side shows the highest numbers for which it has the other side's signatures.
//! Messages that did not arrive are sent again from storage. A side that is shown a signature of its own that it does not know
//! has lost data. It signs and publishes nothing, tells the peer, and waits for the peer to publish. A side whose peer shows
//! fewer signatures than it must have signs nothing more, and publishes its own version. A party that was silently restored from
//! an old backup loses everything if it publishes before it hears from its peer. No message can prevent this.
//!
//! Each rule of the protocol is a single check with a name ([`Rule`]). The exploration leaves out one rule at a time and must
//! find a loss each time.

mod explore;
mod message;
mod override_explore;
mod override_form;
mod override_group;
mod pair;
mod party;
mod reach;

pub use explore::{Explored, explore, mutations};
pub use message::{Message, Shown};
pub use override_explore::{explore_override, override_mutations};
pub use override_form::{Keeper, KeeperMessage, KeeperShown, OverrideRule, Signed, Update};
pub use party::{Attempt, ContentId, Given, Party, Refusal, Version};

use crate::bounds::EXPLORED_UPDATES;
use crate::compare::Table;
use crate::error::ChannelError;

macro_rules! rules {
    ($($name:ident $text:literal;)*) => {
        /// A rule of the signed sequence channel. Each rule is one check, which the exploration can leave out.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule {
            $(#[doc = $text] $name,)*
        }

        impl Rule {
            /// All rules.
            pub const ALL: &'static [Rule] = &[$(Rule::$name,)*];

            /// Returns the rule as a sentence.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Rule::$name => $text,)*
                }
            }
        }
    };
}

rules! {
    StoredAnswer "A party repeats an answer with the same bytes and does not sign again with the same nonce.";
    OneContent "The content of a number never changes.";
    NumbersInOrder "A party proposes only the next number and skips none.";
    FinishFirst "A party sends its part of k only if it has the peer's signature of k - 1 or the peer's promise never to propose k - 1.";
    OneProposer "Only party k mod 2 may propose number k.";
    StoreThenSend "A party stores a message before it sends it.";
    NothingAfterClosing "After a party published its own version, it signs nothing more.";
    CooperativeIsFinal "After a party signed a cooperative closing, it signs only closings of the same state.";
    KeysOfThisChannel "A party uses its number key in this channel only.";
    NumbersOnly "A number key signs numbers that its party counted, never bytes that it received.";
    EveryFunding "A party signs a number only if it has a version for every funding that can still confirm.";
    SignWhatYouBuild "A party signs transactions that it built from number and content, never a digest that it received.";
    LostDataPublishesNothing "A party that lost data publishes nothing.";
    VersionBeforeSignature "A party signs a number only if it has a version of it that it can complete.";
    EvidenceBeforeFinal "A state is final only with the peer's signature of its number.";
    PublishTheNewest "After a party signed number k, it publishes only version k.";
    KeepUntilBuried "A party keeps the signatures of numbers until the settlement is buried, not only until a version is in a block.";
    ReestablishFirst "After a start or a new connection, a party signs nothing before the peer shows which of its signatures it has.";
    NoticeOwnLoss "A party that is shown a signature of its own that it does not know has lost data.";
    NoticePeerLoss "A party whose peer does not show a signature that it must have signs nothing more.";
}

/// The set of rules that a party follows: all, or all but one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    without: Option<Rule>,
}

impl Rules {
    /// Follows every rule.
    pub const ALL: Rules = Rules { without: None };

    /// Follows every rule except `rule`. The exploration uses this to show what the rule prevents.
    pub const fn without(rule: Rule) -> Rules {
        Rules { without: Some(rule) }
    }

    /// Returns whether `rule` is followed.
    pub fn holds(self, rule: Rule) -> bool {
        self.without != Some(rule)
    }
}

/// Explores the two update protocols with all rules and without each rule, and returns a table of the losses found and of the
/// events that lead to them. `progress` is called with the name of each protocol before it is explored. Updates are explored up
/// to the number `updates`, and one less in the override form, because its model has more states.
///
/// # Errors
///
/// [`ChannelError::Parameter`] if `updates` is not within [`EXPLORED_UPDATES`].
pub fn mutation_table(updates: u32, progress: &dyn Fn(&str)) -> Result<Table, ChannelError> {
    ChannelError::check("updates", &EXPLORED_UPDATES, updates)?;
    let mut table = Table::new(&["form", "rule left out", "states", "found", "how"]);
    let mut add = |form: &str, rule: &str, explored: &Explored| {
        table.push(vec![
            form.into(),
            rule.into(),
            explored.states.to_string(),
            explored.loss.map_or("nothing", |loss| loss).into(),
            explored.trace.join("; "),
        ]);
    };
    progress("signed sequence");
    add("signed sequence", "none", &explore(Rules::ALL, updates));
    for (rule, explored) in mutations(updates) {
        add("signed sequence", rule.text(), &explored);
    }
    progress("override");
    add("override", "none", &explore_override(None, updates));
    for (rule, explored) in override_mutations(updates) {
        add("override", rule.text(), &explored);
    }
    Ok(table)
}

#[cfg(test)]
mod tests;
