//! The update protocols of the signed sequence channel and of the override form, as state machines. A model checker
//! explores all of their states.
//!
//! In the signed sequence channel every state has a number. Each party has its own commitment transaction for each
//! state, here called its version of the state. The peer gives a partial signature for it. If a party signs the number
//! k with its number key, this revocation signature revokes the party's versions with numbers lower than k. The
//! messages of an update are similar to BOLT 2:
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
//! "Part" means a partial signature, "evidence" means the peer's revocation signature of a number, and "content" means
//! the balances and HTLCs of a state.
//!
//! A connection begins with the message Reestablish, in which each side shows the highest numbers for which it has
//! signatures of the other side. Messages that did not arrive are sent again from storage.
//!
//! - If a side is shown its own signature of a number, and does not know that it signed this number, then it has lost
//!   data. It signs and publishes nothing, says so to the peer, and waits for the peer to publish.
//! - If the peer shows fewer signatures than it must have, the peer has lost data. The side signs nothing more and
//!   publishes its own version.
//!
//! A party that was restored from an old backup without noticing can lose everything if it publishes before it hears
//! from its peer. No message can prevent this.
//!
//! Each rule of the protocol is a single check with a name ([`Rule`]). To show that every rule is needed, the
//! exploration leaves out one rule at a time, and must find a loss each time.

mod explore;
mod explored;
mod message;
mod override_explore;
mod override_form;
mod override_group;
mod pair;
mod party;
mod reach;

pub use explore::{explore, mutations};
pub use explored::Explored;
pub use message::{ContentId, Message, Shown};
pub use override_explore::{explore_override, override_mutations};
pub use override_form::{Keeper, KeeperMessage, KeeperShown, OverrideRule, Signed, Update};
pub use party::{Attempt, Given, Party, Refusal, Version};

use crate::bounds::EXPLORED_UPDATES;
use crate::compare::Table;
use crate::error::ChannelError;

macro_rules! rules {
    ($($name:ident $text:literal;)*) => {
        /// A rule that a party of a signed sequence channel follows. Each rule is one check in the code, which an
        /// exploration can leave out to show that the rule is needed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule {
            $(#[doc = $text] $name,)*
        }

        impl Rule {
            /// All rules of the signed sequence channel's update protocol.
            pub const ALL: &'static [Rule] = &[$(Rule::$name,)*];

            /// Returns this protocol rule as an English sentence.
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

/// The set of rules that a party of a signed sequence channel follows: all rules, or all except one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    without: Option<Rule>,
}

impl Rules {
    /// The set of all rules, with none left out.
    pub const ALL: Rules = Rules { without: None };

    /// Returns the set of all rules except `rule`. An exploration with this set shows which loss `rule` prevents.
    pub const fn without(rule: Rule) -> Rules {
        Rules { without: Some(rule) }
    }

    /// Returns whether this set of rules contains `rule`.
    pub fn holds(self, rule: Rule) -> bool {
        self.without != Some(rule)
    }
}

/// Explores the update protocols of the signed sequence channel and of the override form. Each is explored with all
/// rules, and again without each rule. Returns a table with the losses that were found and the events that lead to
/// them.
///
/// `progress` is called with the name of each protocol before its exploration. The signed sequence channel is explored
/// up to the state number `updates`. The override form is explored up to `updates` - 1, because its model has more
/// states.
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
