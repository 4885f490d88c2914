//! The update protocol of the override form, among any number of parties: all sign the same update, and whoever has the complete signature
//! can publish it. There is no penalty: the highest number that is published within the delay stands.
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
//! A connection begins with Reestablish. A complete update is its own proof, so that a party that lost it takes it from a peer; and a party
//! that is shown its own part of an update takes that update as its attempt.

/// A rule of the override form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OverrideRule {
    /// One number has one content.
    OneContent,
    /// A number is complete, or the channel closes: the next is not signed before.
    FinishFirst,
    /// A party stores a message before it sends it.
    StoreThenSend,
    /// An update that is not complete is not taken as the newest.
    CompleteBeforeFinal,
    /// A number has one proposer.
    OneProposer,
    /// The same update is signed once, for one set of nonces.
    StoredAnswer,
    /// Nothing is signed before the others showed what they have.
    ReestablishFirst,
    /// An own part that is shown is remembered.
    TakeOwnPart,
    /// A complete update that is shown is taken.
    TakeComplete,
}

impl OverrideRule {
    /// All of them.
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

    /// The rule as a sentence.
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

/// A number and its content.
pub type Update = (u32, u32);

/// An update that a party signed and does not have complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Signed {
    /// The update.
    pub update: Update,
    /// The set of all parties' nonces for which it signed.
    pub session: u32,
    /// The parties of which it has the part, a bit each.
    pub parts: u32,
}

/// What a party shows to another one at the beginning of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeeperShown {
    /// Its newest complete update, with the signature of all.
    pub complete: Update,
    /// The update that is not complete and of which it has the receiver's part, and the nonces of that part.
    pub part: Option<(Update, u32)>,
    /// The highest number that is complete or yielded.
    pub top: u32,
}

/// What the parties send each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeeperMessage {
    /// The next update, with the sender's part and the nonces.
    Propose(Update, u32),
    /// The sender's part, for the proposer.
    Part(u32),
    /// The signature of all.
    Complete(u32),
    /// "I never propose this number."
    Yield(u32),
    /// The first message of a connection.
    Reestablish(KeeperShown),
}

/// All that a party of the override form keeps of the protocol. Its size does not grow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Keeper {
    /// Which party it is, from 0: it proposes the numbers of which this is the remainder.
    pub party: u32,
    /// How many parties there are, up to 32.
    pub parties: u32,
    /// The newest complete update.
    pub complete: Update,
    /// The update that it signed and does not have complete.
    pub attempt: Option<Signed>,
    /// What it takes as agreed: the newest complete update, unless a rule is left out.
    pub agreed: Update,
    /// The highest number that is complete or yielded.
    pub top: u32,
    /// The parties that showed in this connection what they have, a bit each. Not stored.
    pub heard: u32,
}

type Without = Option<OverrideRule>;

fn bit(party: u32) -> u32 {
    1u32.checked_shl(party).unwrap_or_default()
}

impl Keeper {
    /// A party of an open channel: update 0 is complete.
    pub fn new(party: u32, parties: u32) -> Keeper {
        let parties = parties.clamp(1, 32);
        let heard = u32::MAX.checked_shr(32 - parties).unwrap_or_default();
        Keeper { party, parties, complete: (0, 0), attempt: None, agreed: (0, 0), top: 0, heard }
    }

    /// A party that starts, or whose connections ended: what its disk has, which may be an old backup.
    #[must_use]
    pub fn started(disk: &Keeper) -> Keeper {
        Keeper { heard: bit(disk.party), ..disk.clone() }
    }

    fn all(&self) -> u32 {
        Keeper::new(self.party, self.parties).heard
    }

    /// The party that proposes a number.
    pub fn proposer(&self, number: u32) -> u32 {
        number.checked_rem(self.parties).unwrap_or_default()
    }

    fn may_sign(&self, without: Without) -> bool {
        without == Some(OverrideRule::ReestablishFirst) || self.heard == self.all()
    }

    /// Proposes the next update under a set of nonces and gives its part; none if a rule forbids it.
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

    /// Gives its part of an update that another party proposes; none if a rule forbids it. The same update with the same nonces again is
    /// the same bytes again; with other nonces it would be a second signature with one secret nonce.
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

    /// Takes in the part of another party; complete with all. None if it is not a part of the attempt.
    pub fn part(&mut self, from: u32, number: u32) -> Option<()> {
        let all = self.all();
        let signed = self.attempt.as_mut().filter(|signed| signed.update.0 == number)?;
        signed.parts |= bit(from);
        if signed.parts == all { self.complete(number) } else { Some(()) }
    }

    /// Takes in the signature of all; none if it is not of the attempt.
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

    /// Says that it will never propose the next number, which is its own; none if it is not, or an update is open.
    pub fn give_way(&mut self, without: Without) -> Option<u32> {
        let number = self.top.saturating_add(1);
        if self.proposer(number) != self.party || self.attempt.is_some() || !self.may_sign(without) {
            return None;
        }
        self.top = number;
        Some(number)
    }

    /// The proposer of the next number yields it; none if it is another number.
    pub fn yielded(&mut self, number: u32) -> Option<()> {
        let next = number == self.top.saturating_add(1) && self.attempt.is_none();
        (next && self.proposer(number) != self.party).then(|| self.top = number)
    }

    /// What it shows to another party.
    pub fn shows(&self, to: u32) -> KeeperShown {
        let has = self.attempt.filter(|signed| signed.parts & bit(to) != 0);
        let part = has.map(|signed| (signed.update, signed.session));
        KeeperShown { complete: self.complete, part, top: self.top }
    }

    /// Takes in what another party shows; none if it showed something before in this connection.
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
        // Without an attempt this party signed nothing for the numbers in between: they were yielded.
        if self.attempt.is_none() {
            self.top = self.top.max(shown.top);
        }
        Some(())
    }

    /// What it sends again, from its storage, to a party that shows this. Nothing is signed anew.
    pub fn sends_again(&self, to: u32, shown: KeeperShown) -> Option<KeeperMessage> {
        let signed = self.attempt.filter(|signed| signed.update.0 > shown.complete.0)?;
        let proposer = self.proposer(signed.update.0);
        if proposer == self.party {
            Some(KeeperMessage::Propose(signed.update, signed.session))
        } else {
            (proposer == to).then_some(KeeperMessage::Part(signed.update.0))
        }
    }

    /// The stored bytes.
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
