//! Update protocol of the override form, for any number of parties. All parties sign the same update, and any party that has the
//! complete signature can publish it. There is no penalty: the highest number that is published within the delay is settled.
//!
//! ```text
//! proposer (party k mod n)                  each other party
//!   stores its attempt
//!   Propose k, content, nonces, its part  ->
//!                                             stores its attempt
//!         <-  Part k
//!   with all parts: k is complete
//!   Complete k: the signature of all      ->
//!                                             k is complete
//! ```
//!
//! "Part" means partial signature.
//!
//! A connection begins with Reestablish. The signature of a complete update is its own proof, so a party that lost the update
//! takes it from a peer. A party that is shown its own partial signature of an update restores that update as its attempt.

/// A rule of the override form's update protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OverrideRule {
    /// The content of a number never changes.
    OneContent,
    /// A party signs no number before the previous one is complete. Otherwise the channel closes.
    FinishFirst,
    /// A party stores a message before it sends it.
    StoreThenSend,
    /// A party does not treat an update as the latest state before it is complete.
    CompleteBeforeFinal,
    /// Each number has only one party that may propose it.
    OneProposer,
    /// A party signs an update once, for one set of nonces, and afterwards repeats the stored bytes.
    StoredAnswer,
    /// After a start or a new connection, a party signs nothing before the others show what they have.
    ReestablishFirst,
    /// A party that is shown its own partial signature restores the attempt that belongs to it.
    TakeOwnPart,
    /// A party that is shown a complete update adopts it.
    TakeComplete,
}

impl OverrideRule {
    /// All rules.
    pub const ALL: [OverrideRule; 9] = [
        OverrideRule::OneContent,
        OverrideRule::FinishFirst,
        OverrideRule::StoreThenSend,
        OverrideRule::CompleteBeforeFinal,
        OverrideRule::OneProposer,
        OverrideRule::StoredAnswer,
        OverrideRule::ReestablishFirst,
        OverrideRule::TakeOwnPart,
        OverrideRule::TakeComplete,
    ];

    /// Returns the rule as a sentence.
    pub const fn text(self) -> &'static str {
        match self {
            OverrideRule::OneContent => "The content of a number never changes.",
            OverrideRule::FinishFirst => "A party signs no number before the previous one is complete.",
            OverrideRule::StoreThenSend => "A party stores a message before it sends it.",
            OverrideRule::CompleteBeforeFinal => "A state is final only with all parts of its update.",
            OverrideRule::OneProposer => "Only party k mod n may propose number k.",
            OverrideRule::StoredAnswer => {
                "A party repeats its part with the same bytes and does not sign again with other nonces."
            }
            OverrideRule::ReestablishFirst => {
                "After a start or a new connection, a party signs nothing before all others show what they have."
            }
            OverrideRule::TakeOwnPart => {
                "A party that is shown its own part of an update that it does not know takes it as its attempt."
            }
            OverrideRule::TakeComplete => "A party that is shown a newer complete update takes it.",
        }
    }
}

/// Number and content of an update.
pub type Update = (u32, u32);

/// An update that a party signed, but for which it lacks partial signatures of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Signed {
    /// Number and content of the update.
    pub update: Update,
    /// Identifier of the set of nonces for which the party signed.
    pub session: u32,
    /// Bit mask of the parties whose partial signatures have arrived.
    pub parts: u32,
}

/// Data that a party shows to another one at the beginning of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeeperShown {
    /// Latest complete update of the sender, with the signature of all parties.
    pub complete: Update,
    /// Incomplete update for which the sender has the receiver's partial signature, and the identifier of its nonces.
    pub part: Option<(Update, u32)>,
    /// Highest number that is complete or yielded.
    pub top: u32,
}

/// A message between the parties of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeeperMessage {
    /// Proposes the next update, with the sender's partial signature and the identifier of the set of nonces.
    Propose(Update, u32),
    /// The sender's partial signature of the update with this number, for the proposer.
    Part(u32),
    /// The complete signature of the update with this number.
    Complete(u32),
    /// The sender's promise never to propose this number.
    Yield(u32),
    /// First message of a connection.
    Reestablish(KeeperShown),
}

/// Protocol state of one party of the override form. Its stored size is constant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Keeper {
    /// Index of the party, from 0. The party proposes the numbers whose remainder modulo the number of parties is this index.
    pub party: u32,
    /// Number of parties, at most 32.
    pub parties: u32,
    /// Latest complete update.
    pub complete: Update,
    /// Update that the party signed and that is not complete.
    pub attempt: Option<Signed>,
    /// Update that the party considers agreed: the latest complete one, unless a rule is left out.
    pub agreed: Update,
    /// Highest number that is complete or yielded.
    pub top: u32,
    /// Bit mask of the parties that have shown what they have in the current connection. Not stored.
    pub heard: u32,
}

type Without = Option<OverrideRule>;

fn bit(party: u32) -> u32 {
    1u32.checked_shl(party).unwrap_or_default()
}

impl Keeper {
    /// Creates a party of an open channel, in which update 0 is complete.
    pub fn new(party: u32, parties: u32) -> Keeper {
        let parties = parties.clamp(1, 32);
        let heard = u32::MAX.checked_shr(32 - parties).unwrap_or_default();
        Keeper { party, parties, complete: (0, 0), attempt: None, agreed: (0, 0), top: 0, heard }
    }

    /// Returns the state of a party after a start, or after its connections ended: the state on its disk, which may be an old
    /// backup.
    #[must_use]
    pub fn started(disk: &Keeper) -> Keeper {
        Keeper { heard: bit(disk.party), ..disk.clone() }
    }

    fn all(&self) -> u32 {
        Keeper::new(self.party, self.parties).heard
    }

    /// Returns the index of the party that may propose `number`.
    pub fn proposer(&self, number: u32) -> u32 {
        number.checked_rem(self.parties).unwrap_or_default()
    }

    fn may_sign(&self, without: Without) -> bool {
        without == Some(OverrideRule::ReestablishFirst) || self.heard == self.all()
    }

    /// Proposes the next update for a set of nonces and gives this party's partial signature. `None` if a rule forbids this.
    pub fn propose(&mut self, content: u32, session: u32, without: Without) -> Option<Update> {
        let number = self.top.saturating_add(1);
        let turn = without == Some(OverrideRule::OneProposer) || self.proposer(number) == self.party;
        if !turn || self.attempt.is_some() || !self.may_sign(without) {
            return None;
        }
        let update = (number, content);
        self.attempt = Some(Signed { update, session, parts: bit(self.party) });
        Some(update)
    }

    /// Gives this party's partial signature of an update that another party proposes. `None` if a rule forbids this. For the same
    /// update and the same nonces the same bytes are sent again. With other nonces the party refuses, because that would be a
    /// second signature with one secret nonce.
    pub fn sign(&mut self, update: Update, session: u32, without: Without) -> Option<()> {
        let holds = |rule| without != Some(rule);
        let (number, own) = (update.0, bit(self.party));
        if !self.may_sign(without) || self.proposer(number) == self.party && holds(OverrideRule::OneProposer)
        {
            return None;
        }
        let next = self.top.max(self.agreed.0).saturating_add(1);
        let may = match self.attempt {
            Some(signed) if signed.update == update => {
                signed.session == session || !holds(OverrideRule::StoredAnswer)
            }
            Some(signed) if signed.update.0 == number => !holds(OverrideRule::OneContent),
            Some(signed) => !holds(OverrideRule::FinishFirst) && number == signed.update.0.saturating_add(1),
            None => number == next,
        };
        if !may {
            return None;
        }
        self.attempt = Some(Signed { update, session, parts: own | bit(self.proposer(number)) });
        Some(())
    }

    /// Adds another party's partial signature of the attempt. The update is complete when all have arrived. `None` if `number` is
    /// not that of the attempt.
    pub fn part(&mut self, from: u32, number: u32) -> Option<()> {
        let all = self.all();
        let signed = self.attempt.as_mut().filter(|signed| signed.update.0 == number)?;
        signed.parts |= bit(from);
        if signed.parts == all { self.complete(number) } else { Some(()) }
    }

    /// Adopts the complete signature of the attempt. `None` if `number` is not that of the attempt.
    pub fn complete(&mut self, number: u32) -> Option<()> {
        let signed = self.attempt.take_if(|signed| signed.update.0 == number)?;
        self.take(signed.update);
        Some(())
    }

    fn take(&mut self, update: Update) {
        self.complete = update;
        self.agreed = update;
        self.top = self.top.max(update.0);
    }

    /// Yields the next number, which this party may propose: promises never to propose it. `None` if another party may propose
    /// it, if an update is open, or if a rule forbids this.
    pub fn give_way(&mut self, without: Without) -> Option<u32> {
        let number = self.top.saturating_add(1);
        if self.proposer(number) != self.party || self.attempt.is_some() || !self.may_sign(without) {
            return None;
        }
        self.top = number;
        Some(number)
    }

    /// Records that the proposer of the next number yielded it. `None` if `number` is another number, if this party is its
    /// proposer, or if an update is open.
    pub fn yielded(&mut self, number: u32) -> Option<()> {
        let next = number == self.top.saturating_add(1) && self.attempt.is_none();
        (next && self.proposer(number) != self.party).then(|| self.top = number)
    }

    /// Returns the data that this party shows to party `to` at the beginning of a connection.
    pub fn shows(&self, to: u32) -> KeeperShown {
        let has = self.attempt.filter(|signed| signed.parts & bit(to) != 0);
        let part = has.map(|signed| (signed.update, signed.session));
        KeeperShown { complete: self.complete, part, top: self.top }
    }

    /// Processes the data that party `from` shows. `None` if it already did so in this connection.
    pub fn reestablish(&mut self, from: u32, shown: KeeperShown, without: Without) -> Option<()> {
        if self.heard & bit(from) != 0 {
            return None;
        }
        self.heard |= bit(from);
        if shown.complete.0 > self.complete.0 && without != Some(OverrideRule::TakeComplete) {
            self.attempt.take_if(|signed| signed.update.0 <= shown.complete.0);
            self.take(shown.complete);
        }
        if let (Some((update, session)), None) = (shown.part, self.attempt)
            && update.0 > self.complete.0
            && without != Some(OverrideRule::TakeOwnPart)
        {
            let parts = bit(self.party) | bit(self.proposer(update.0)) & bit(from);
            self.attempt = Some(Signed { update, session, parts });
        }
        // This party has no attempt, so it signed nothing for the numbers in between: they were yielded.
        if self.attempt.is_none() {
            self.top = self.top.max(shown.top);
        }
        Some(())
    }

    /// Returns the message that this party sends again from its storage to a party that shows `shown`. Nothing is signed again.
    pub fn sends_again(&self, to: u32, shown: KeeperShown) -> Option<KeeperMessage> {
        let signed = self.attempt.filter(|signed| signed.update.0 > shown.complete.0)?;
        let proposer = self.proposer(signed.update.0);
        if proposer == self.party {
            Some(KeeperMessage::Propose(signed.update, signed.session))
        } else {
            (proposer == to).then_some(KeeperMessage::Part(signed.update.0))
        }
    }

    /// Serializes the party's stored state.
    pub fn to_bytes(&self) -> Vec<u8> {
        let signed = self.attempt.unwrap_or(Signed { update: (0, 0), session: 0, parts: 0 });
        let mut bytes = vec![self.attempt.is_some().into()];
        for (number, content) in [self.complete, signed.update, self.agreed] {
            bytes.extend_from_slice(&number.to_le_bytes());
            bytes.extend_from_slice(&content.to_le_bytes());
        }
        for number in [self.party, self.parties, signed.session, signed.parts, self.top] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes
    }
}
