//! The update protocol of the override form, for any number of parties. All parties sign the same update transaction,
//! and any party that has the complete signature can publish it. There is no penalty: of the updates that are published
//! within the delay, the one with the highest state number is settled.
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
//! "Part" means a partial signature, k is the state number, n is the number of parties, and "content" means the
//! balances and HTLCs of a state.
//!
//! A connection begins with the message Reestablish. The complete signature of an update proves itself, so a party that
//! lost a complete update takes it from a peer. If a party is shown its own partial signature of an update, it restores
//! that update as its attempt.

/// A rule of the update protocol of the override form. An exploration can leave out each rule to show that it is
/// needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OverrideRule {
    /// Once an update with a state number exists, its content (balances and HTLCs) never changes.
    OneContent,
    /// A party signs no update before the update with the previous state number is complete. If that update is never
    /// completed, the channel is closed.
    FinishFirst,
    /// A party stores a message before it sends it.
    StoreThenSend,
    /// A party does not treat a state as agreed on before its update has the signatures of all parties.
    CompleteBeforeFinal,
    /// For each state number, only one party may propose the update.
    OneProposer,
    /// A party signs each update only once, with one set of nonces. If asked again, it sends the stored bytes.
    StoredAnswer,
    /// After a restart or a new connection, a party signs nothing before all other parties show which signatures they
    /// have.
    ReestablishFirst,
    /// A party that is shown its own partial signature of an update that it has forgotten attempts this update again.
    TakeOwnPart,
    /// A party that is shown a newer complete update adopts it.
    TakeComplete,
}

impl OverrideRule {
    /// All rules of the override form's update protocol.
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

    /// Returns this protocol rule as an English sentence.
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

/// An update: its state number, and an identifier of its content (balances and HTLCs).
pub type Update = (u32, u32);

/// An update that a party signed and for which it does not yet have the partial signatures of all other parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Signed {
    /// The update (state number and content) that the party signed.
    pub update: Update,
    /// Identifier of the set of nonces with which the party signed the update.
    pub session: u32,
    /// Bit mask of the parties whose partial signatures of the update this party has, including its own.
    pub parts: u32,
}

/// Data that a party of the override form shows to another party at the beginning of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeeperShown {
    /// Latest complete update of the sender, with the signature of all parties.
    pub complete: Update,
    /// Incomplete update for which the sender has the receiver's partial signature. The second value identifies the
    /// set of nonces with which the receiver signed it.
    pub part: Option<(Update, u32)>,
    /// Highest state number that is complete (signed by all parties) or yielded (given up by the party that may propose
    /// it).
    pub top: u32,
}

/// A message between the parties of a channel of the override form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeeperMessage {
    /// Proposes the next update, given as its state number and content. Contains the sender's partial signature. The
    /// second value identifies the set of nonces.
    Propose(Update, u32),
    /// Answers a proposal. Contains the sender's partial signature of the update with this state number.
    Part(u32),
    /// Contains the signature of all parties for the update with this state number.
    Complete(u32),
    /// The sender, who may propose this state number, promises never to do so.
    Yield(u32),
    /// The first message of a connection. The sender shows the signatures that it has.
    Reestablish(KeeperShown),
}

/// State of the update protocol for one party of a channel of LN-Symmetry's override form. The party stores all fields
/// except `heard`. The size does not grow with the number of updates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Keeper {
    /// Index of the party, from 0. Party i proposes the state numbers k with k mod n = i, where n is the number of
    /// parties.
    pub party: u32,
    /// Number of parties of the channel, from 1 to 32.
    pub parties: u32,
    /// Latest update for which this party has the signature of all parties.
    pub complete: Update,
    /// Update that this party signed and that is not complete yet: some partial signatures are missing.
    pub attempt: Option<Signed>,
    /// Update that this party treats as the latest state. It equals the field `complete`, unless an exploration leaves
    /// out a rule.
    pub agreed: Update,
    /// Highest state number that is complete (signed by all parties) or yielded (given up by the party that may propose
    /// it).
    pub top: u32,
    /// Bit mask of the parties, including this one, that have shown their signatures in the current connection. This
    /// field is not stored.
    pub heard: u32,
}

type Without = Option<OverrideRule>;

fn bit(party: u32) -> u32 {
    1u32.checked_shl(party).unwrap_or_default()
}

impl Keeper {
    /// Creates a party of an open channel, in which the update with state number 0 is complete.
    pub fn new(party: u32, parties: u32) -> Keeper {
        let parties = parties.clamp(1, 32);
        let heard = u32::MAX.checked_shr(32 - parties).unwrap_or_default();
        Keeper { party, parties, complete: (0, 0), attempt: None, agreed: (0, 0), top: 0, heard }
    }

    /// Returns the protocol state of a party after a restart, or after its connections ended. `disk` is the stored
    /// protocol state, which may be an old backup.
    #[must_use]
    pub fn started(disk: &Keeper) -> Keeper {
        Keeper { heard: bit(disk.party), ..disk.clone() }
    }

    fn all(&self) -> u32 {
        Keeper::new(self.party, self.parties).heard
    }

    /// Returns the index of the party that may propose the update with this state number.
    pub fn proposer(&self, number: u32) -> u32 {
        number.checked_rem(self.parties).unwrap_or_default()
    }

    fn may_sign(&self, without: Without) -> bool {
        without == Some(OverrideRule::ReestablishFirst) || self.heard == self.all()
    }

    /// Proposes the next update with this content and gives this party's partial signature. `session` identifies the
    /// set of nonces. Returns `None` if a rule forbids the proposal.
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

    /// Gives this party's partial signature of an update that another party proposes. `session` identifies the set of
    /// nonces. Returns `None` if a rule forbids signing.
    ///
    /// If the party has already signed this update with the same nonces, it sends the same bytes again. With other
    /// nonces it refuses, because it would sign a second time with the same secret nonce.
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

    /// Adds the partial signature of party `from` to the attempted update. The update is complete when the partial
    /// signatures of all parties have arrived. Returns `None` if this party attempts no update with this state number.
    pub fn part(&mut self, from: u32, number: u32) -> Option<()> {
        let all = self.all();
        let signed = self.attempt.as_mut().filter(|signed| signed.update.0 == number)?;
        signed.parts |= bit(from);
        if signed.parts == all { self.complete(number) } else { Some(()) }
    }

    /// Completes the attempted update, because the signature of all parties has arrived. Returns `None` if this party
    /// attempts no update with this state number.
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

    /// Yields the next state number: promises never to propose it. Returns `None` if another party may propose this
    /// number, if this party attempts an update, or if a rule forbids signing.
    pub fn give_way(&mut self, without: Without) -> Option<u32> {
        let number = self.top.saturating_add(1);
        if self.proposer(number) != self.party || self.attempt.is_some() || !self.may_sign(without) {
            return None;
        }
        self.top = number;
        Some(number)
    }

    /// Records that another party yielded the next state number, which only that party may propose. Returns `None` if
    /// `number` is not the next number, if this party may propose it, or if this party attempts an update.
    pub fn yielded(&mut self, number: u32) -> Option<()> {
        let next = number == self.top.saturating_add(1) && self.attempt.is_none();
        (next && self.proposer(number) != self.party).then(|| self.top = number)
    }

    /// Returns the signatures and numbers that this party shows to party `to` at the beginning of a connection.
    pub fn shows(&self, to: u32) -> KeeperShown {
        let has = self.attempt.filter(|signed| signed.parts & bit(to) != 0);
        let part = has.map(|signed| (signed.update, signed.session));
        KeeperShown { complete: self.complete, part, top: self.top }
    }

    /// Processes the data that party `from` shows at the beginning of a connection. Returns `None` if that party has
    /// already shown its data in this connection.
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
        // Without an attempt, this party has signed nothing for the numbers up to `shown.top`. So they were completed
        // or yielded.
        if self.attempt.is_none() {
            self.top = self.top.max(shown.top);
        }
        Some(())
    }

    /// Returns the message that this party sends again after party `to` has shown which signatures it has (`shown`).
    /// The message is in storage, so nothing is signed again.
    pub fn sends_again(&self, to: u32, shown: KeeperShown) -> Option<KeeperMessage> {
        let signed = self.attempt.filter(|signed| signed.update.0 > shown.complete.0)?;
        let proposer = self.proposer(signed.update.0);
        if proposer == self.party {
            Some(KeeperMessage::Propose(signed.update, signed.session))
        } else {
            (proposer == to).then_some(KeeperMessage::Part(signed.update.0))
        }
    }

    /// Serializes the protocol state that this party stores.
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
