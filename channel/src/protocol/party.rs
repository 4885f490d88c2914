//! State machine of one side of the signed sequence channel.

use core::fmt;

use super::message::{ContentId, Message, Shown};
use super::{Rule, Rules};

/// A side's own commitment transaction for one state. All signatures are complete except the side's own partial
/// signature, which is made only before publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    /// State number of this commitment transaction.
    pub number: u32,
    /// Identifier of the balances and HTLCs that this commitment transaction pays.
    pub content: ContentId,
    /// Bit mask of the funding outputs that this commitment transaction can spend, because the peer gave a partial
    /// signature for them.
    pub fundings: u8,
}

/// A state that was proposed and for which this side does not have all signatures yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// State number of the proposed state.
    pub number: u32,
    /// Identifier of the proposed balances and HTLCs.
    pub content: ContentId,
    /// Whether this side proposed the state. If `false`, the peer did.
    pub proposed: bool,
}

/// A signature that a side gives to its peer together with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Given {
    /// Partial signature of the peer's commitment transaction, with the number and content of its state.
    Part(Version),
    /// Signature of a state number, by the signer's number key. It revokes the signer's commitment transactions with
    /// lower numbers.
    Number(u32),
    /// A repeated partial signature for this state number with the same nonce. Three partial signatures with one nonce
    /// reveal the secret key.
    NonceUse(u32),
    /// Partial signature of a cooperative closing transaction, which pays the balances of the state with this number.
    Closing(u32),
}

/// Refusal of a message or an action, with the rule that forbids it. The connection may end, but the channel stays
/// open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub Rule);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {}", self.0.text())
    }
}

/// Protocol state of one side of a signed sequence channel. It is stored as a whole, and its size is bounded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Party {
    /// Index of this side, 0 or 1. Side 0 proposes even state numbers, side 1 odd ones.
    pub side: u8,
    /// Bit mask of the funding outputs that can confirm. There are two while a splice is pending, otherwise one.
    pub fundings: u8,
    /// Highest state number that is finished (both sides exchanged all signatures) or yielded (given up by the side
    /// that may propose it).
    pub top: u32,
    /// State number and content (balances and HTLCs) of the latest finished state, for which both sides exchanged all
    /// signatures.
    pub agreed: (u32, ContentId),
    /// State that was proposed and for which this side does not have all signatures yet. `None` if there is no such
    /// state.
    pub attempt: Option<Attempt>,
    /// This side's own commitment transactions that it may still have to publish: that of the latest finished state,
    /// and that of a proposed state. There are at most two.
    pub versions: Vec<Version>,
    /// Highest state number for which this side has the peer's revocation signature.
    pub evidence: u32,
    /// Highest state number that this side signed with its number key.
    pub signed: u32,
    /// State number of the commitment transaction that this side published, or of the peer's commitment transaction
    /// that confirmed. `None` while the channel is open.
    pub closing: Option<u32>,
    /// Whether this side gave its partial signature of a cooperative closing. It then signs no further updates.
    pub closing_together: bool,
    /// Whether this side knows that it lost data. It then signs and publishes nothing.
    pub lost_data: bool,
    /// Highest state number for which the peer has shown, by its messages, that it has this side's revocation
    /// signature.
    pub peer_has: u32,
    /// Whether this side knows that the peer lost data. This side then signs nothing more for the peer.
    pub peer_lost: bool,
    /// Whether the peer has shown its signatures in the current connection. This field is not stored.
    pub heard: bool,
}

type Sent = Result<Vec<Given>, Refusal>;

impl Party {
    /// Creates one side of an open channel, in which the state with number 0 is finished.
    pub fn new(side: u8, fundings: u8) -> Party {
        Party {
            side,
            fundings,
            top: 0,
            agreed: (0, 0),
            attempt: None,
            versions: vec![Version { number: 0, content: 0, fundings }],
            evidence: 0,
            signed: 0,
            closing: None,
            closing_together: false,
            lost_data: false,
            peer_has: 0,
            peer_lost: false,
            heard: true,
        }
    }

    /// Returns the protocol state of a side after a restart, or after its connection ended. `disk` is the stored
    /// protocol state, which may be an old backup. `published` is the state number of this side's commitment
    /// transaction that is on the chain, if there is one.
    #[must_use]
    pub fn started(disk: &Party, published: Option<u32>) -> Party {
        Party { closing: disk.closing.or(published), heard: false, ..disk.clone() }
    }

    /// Returns the data that this side shows at the beginning of a connection: for which states it has the peer's
    /// signatures.
    pub fn shows(&self) -> Shown {
        let part = self.versions.iter().map(|version| version.number).max().unwrap_or_default();
        Shown { number: self.evidence, part, closing: false, top: self.top }
    }

    /// Returns the highest state number for which this side gave a partial signature of the peer's commitment
    /// transaction.
    pub fn given(&self) -> u32 {
        self.attempt.map_or(self.agreed.0, |attempt| attempt.number.max(self.agreed.0))
    }

    /// Returns the messages that this side sends again after the peer has shown which signatures it has (`shown`). The
    /// messages are in storage, so nothing is signed again.
    pub fn sends_again(&self, shown: Shown) -> Vec<Message> {
        if self.lost_data {
            return vec![Message::DataLost];
        }
        let mut messages = Vec::new();
        let (number, _) = self.agreed;
        // The peer was the responder and answered the proposal of this state, but the message that finishes the update
        // did not arrive.
        if shown.number < number && shown.part == number {
            messages.push(Message::Finish { number });
        }
        match self.attempt {
            Some(Attempt { number, content, proposed: true }) if shown.part < number => {
                messages.push(Message::Propose { number, content, fundings: self.fundings, asked: content });
            }
            Some(Attempt { number, proposed: false, .. }) if shown.number < number => {
                messages.push(Message::Accept { number, signature: true, fundings: self.fundings });
            }
            _ => {}
        }
        messages
    }

    fn require(rules: Rules, rule: Rule, kept: bool) -> Result<(), Refusal> {
        match kept || !rules.holds(rule) {
            true => Ok(()),
            false => Err(Refusal(rule)),
        }
    }

    fn may_sign(&self, rules: Rules) -> Result<(), Refusal> {
        Self::require(rules, Rule::NothingAfterClosing, self.closing.is_none())?;
        Self::require(rules, Rule::CooperativeIsFinal, !self.closing_together)?;
        Self::require(rules, Rule::ReestablishFirst, self.heard)?;
        Self::require(rules, Rule::NoticePeerLoss, !self.peer_lost)?;
        Self::require(rules, Rule::LostDataPublishesNothing, !self.lost_data)
    }

    fn is_turn(&self, number: u32, of_peer: bool) -> bool {
        (number % 2 == u32::from(self.side)) != of_peer
    }

    /// Proposes the next state with this content (balances and HTLCs). Returns the signature that the proposal
    /// contains.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if a rule forbids the proposal.
    pub fn propose(&mut self, content: ContentId, rules: Rules) -> Sent {
        self.may_sign(rules)?;
        Self::require(rules, Rule::FinishFirst, self.attempt.is_none())?;
        let last = self.attempt.map_or(self.top, |attempt| attempt.number);
        let number = last.saturating_add(1);
        Self::require(rules, Rule::OneProposer, self.is_turn(number, false))?;
        self.attempt = Some(Attempt { number, content, proposed: true });
        Ok(vec![Given::Part(Version { number, content, fundings: self.fundings })])
    }

    /// Skips a state number: gives up this side's own proposal and proposes the next number that it may propose.
    /// [`Rule::NumbersInOrder`] forbids this.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if [`Rule::NumbersInOrder`] is followed, if this side has no pending proposal, or if a rule forbids
    /// signing.
    pub fn propose_beyond(&mut self, content: ContentId, rules: Rules) -> Sent {
        Self::require(rules, Rule::NumbersInOrder, false)?;
        let Some(attempt) = self.attempt.filter(|attempt| attempt.proposed) else {
            return Err(Refusal(Rule::NumbersInOrder));
        };
        self.may_sign(rules)?;
        let number = attempt.number.saturating_add(2);
        self.attempt = Some(Attempt { number, content, proposed: true });
        Ok(vec![Given::Part(Version { number, content, fundings: self.fundings })])
    }

    /// Yields the next state number: promises never to propose it.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if only the peer may propose this number, if a proposed state is not finished, or if a rule forbids
    /// signing.
    pub fn give_way(&mut self, rules: Rules) -> Sent {
        self.may_sign(rules)?;
        let number = self.top.saturating_add(1);
        if !self.is_turn(number, false) || self.attempt.is_some() {
            return Err(Refusal(Rule::OneProposer));
        }
        self.top = number;
        Ok(vec![])
    }

    /// Processes a message from the peer. Returns the signatures that this side gives in its answer.
    ///
    /// # Errors
    ///
    /// [`Refusal`] with the rule that the message violates. The protocol state of this side then does not change.
    pub fn receive(&mut self, message: &Message, rules: Rules) -> Sent {
        match *message {
            Message::Propose { number, content, fundings, asked } => {
                self.on_propose(number, content, fundings, asked, rules)
            }
            Message::Accept { number, signature, fundings } => {
                self.on_accept(number, signature, fundings, rules)
            }
            Message::Finish { number } => self.on_finish(number),
            Message::Yield { number } => self.on_yield(number, rules),
            Message::Again { number } => self.on_again(number, rules),
            Message::Sign { number } => {
                Self::require(rules, Rule::NumbersOnly, false)?;
                Ok(vec![Given::Number(number)])
            }
            Message::Reestablish(shown) => self.on_reestablish(shown, rules),
            Message::DataLost => {
                self.peer_lost |= rules.holds(Rule::NoticePeerLoss);
                Ok(vec![])
            }
        }
    }

    fn on_propose(
        &mut self,
        number: u32,
        content: ContentId,
        fundings: u8,
        asked: ContentId,
        rules: Rules,
    ) -> Sent {
        self.may_sign(rules)?;
        if let Some(attempt) = self.attempt {
            let same = attempt.number == number;
            if same && !attempt.proposed {
                // The same proposal was answered before. The stored bytes are sent again if the content is the same.
                Self::require(rules, Rule::OneContent, attempt.content == content)?;
            } else {
                let next = number == attempt.number.saturating_add(1) || same;
                let rule = if same { Rule::OneProposer } else { Rule::FinishFirst };
                Self::require(rules, rule, false)?;
                Self::require(rules, Rule::NumbersInOrder, next)?;
            }
        } else {
            Self::require(rules, Rule::NumbersInOrder, number == self.top.saturating_add(1))?;
        }
        if number <= self.top {
            return Err(Refusal(Rule::NumbersInOrder));
        }
        Self::require(rules, Rule::OneProposer, self.is_turn(number, true))?;
        Self::require(rules, Rule::EveryFunding, fundings == self.fundings)?;
        Self::require(rules, Rule::VersionBeforeSignature, fundings != 0)?;
        Self::require(rules, Rule::SignWhatYouBuild, asked == content)?;
        // A peer that proposes this number has finished or yielded all earlier numbers.
        self.peer_has = self.peer_has.max(self.agreed.0);
        self.versions.retain(|version| version.number != number);
        self.versions.push(Version { number, content, fundings });
        self.attempt = Some(Attempt { number, content, proposed: false });
        self.signed = self.signed.max(number);
        let part = Version { number, content: asked, fundings: self.fundings };
        Ok(vec![Given::Part(part), Given::Number(number)])
    }

    fn on_accept(&mut self, number: u32, signature: bool, fundings: u8, rules: Rules) -> Sent {
        let attempt = self.attempt.filter(|attempt| attempt.proposed && attempt.number == number);
        let Some(attempt) = attempt else { return Err(Refusal(Rule::NumbersInOrder)) };
        self.may_sign(rules)?;
        Self::require(rules, Rule::VersionBeforeSignature, fundings != 0)?;
        Self::require(rules, Rule::EveryFunding, fundings == self.fundings || fundings == 0)?;
        Self::require(rules, Rule::EvidenceBeforeFinal, signature)?;
        if fundings != 0 {
            self.versions.push(Version { number, content: attempt.content, fundings });
        }
        self.signed = self.signed.max(number);
        if signature {
            self.evidence = self.evidence.max(number);
        }
        self.finish(attempt);
        Ok(vec![Given::Number(number)])
    }

    fn on_reestablish(&mut self, shown: Shown, rules: Rules) -> Sent {
        Self::require(rules, Rule::ReestablishFirst, !self.heard)?;
        self.heard = true;
        if rules.holds(Rule::NoticeOwnLoss) {
            self.lost_data |= shown.number > self.signed || shown.part > self.given();
            self.closing_together |= shown.closing;
        }
        if rules.holds(Rule::NoticePeerLoss) {
            self.peer_lost |= shown.number < self.peer_has || shown.part < self.agreed.0;
        }
        // If the peer shows less in a later connection, it has lost data in between.
        self.peer_has = self.peer_has.max(shown.number.min(self.signed));
        // Without an attempt, this side has signed nothing for the numbers up to `shown.top`. So they were yielded.
        if self.attempt.is_none() && !self.lost_data {
            self.top = self.top.max(shown.top);
        }
        Ok(vec![])
    }

    fn on_finish(&mut self, number: u32) -> Sent {
        let attempt = self.attempt.filter(|attempt| !attempt.proposed && attempt.number == number);
        let Some(attempt) = attempt else { return Err(Refusal(Rule::NumbersInOrder)) };
        self.evidence = self.evidence.max(number);
        self.peer_has = self.peer_has.max(number);
        self.finish(attempt);
        Ok(vec![])
    }

    fn on_yield(&mut self, number: u32, rules: Rules) -> Sent {
        let next = number == self.top.saturating_add(1) && self.attempt.is_none();
        match next && self.is_turn(number, true) && self.may_sign(rules).is_ok() {
            true => {
                self.top = number;
                self.peer_has = self.peer_has.max(self.agreed.0);
                Ok(vec![])
            }
            false => Err(Refusal(Rule::OneProposer)),
        }
    }

    fn on_again(&mut self, number: u32, rules: Rules) -> Sent {
        let answered = self.attempt.is_some_and(|attempt| attempt.number == number);
        match answered && !rules.holds(Rule::StoredAnswer) {
            true => Ok(vec![Given::NonceUse(number)]),
            false => Err(Refusal(Rule::StoredAnswer)),
        }
    }

    fn finish(&mut self, attempt: Attempt) {
        self.top = self.top.max(attempt.number);
        self.agreed = (attempt.number, attempt.content);
        self.attempt = None;
        // Older commitment transactions are never published again. For each funding output the latest one is kept.
        let newest = self.versions.iter().map(|version| version.number).max().unwrap_or_default();
        self.versions.retain(|version| version.number == newest);
    }

    /// Returns the commitment transaction that this side would publish. It can spend at least one of the funding
    /// outputs in the bit mask `funding`. The result is the latest such transaction. If [`Rule::PublishTheNewest`] is
    /// left out, it is the oldest one that this side still has.
    pub fn publishable(&self, funding: u8, rules: Rules) -> Option<Version> {
        let on = self.versions.iter().filter(|version| version.fundings & funding != 0);
        match rules.holds(Rule::PublishTheNewest) {
            true => on.max_by_key(|version| version.number).copied(),
            false => on.min_by_key(|version| version.number).copied(),
        }
    }

    /// Publishes this side's latest commitment transaction, which spends any funding output that can confirm. The
    /// caller must store the protocol state first. This side signs nothing afterwards.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if this side lost data or has no commitment transaction to publish.
    pub fn close(&mut self, rules: Rules) -> Result<Option<Version>, Refusal> {
        Self::require(rules, Rule::LostDataPublishesNothing, !self.lost_data)?;
        let version = self.publishable(self.fundings, rules);
        Self::require(rules, Rule::VersionBeforeSignature, version.is_some())?;
        self.closing = version.map(|version| version.number);
        Ok(version)
    }

    /// Processes the confirmation of the peer's commitment transaction with this state number. This side signs nothing
    /// afterwards. It keeps the peer's revocation signature until the settlement is buried, because after a
    /// reorganization an older commitment transaction of the peer can confirm instead.
    pub fn peer_confirmed(&mut self, number: u32, rules: Rules) {
        self.closing = self.closing.or(Some(number));
        if !rules.holds(Rule::KeepUntilBuried) {
            self.evidence = 0;
        }
    }

    /// Gives this side's partial signature of a cooperative closing transaction, which pays the balances of the latest
    /// finished state.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if a proposed state is not finished, or if a rule forbids signing.
    pub fn close_together(&mut self, rules: Rules) -> Sent {
        self.may_sign(rules)?;
        if self.attempt.is_some() {
            return Err(Refusal(Rule::FinishFirst));
        }
        self.closing_together = true;
        Ok(vec![Given::Closing(self.agreed.0)])
    }

    /// Serializes the protocol state that this side stores.
    pub fn to_bytes(&self) -> Vec<u8> {
        let flags =
            u8::from(self.closing_together) | u8::from(self.lost_data) << 1 | u8::from(self.peer_lost) << 2;
        let mut bytes = vec![self.side, self.fundings, flags];
        let (agreed, content) = self.agreed;
        for number in [self.top, agreed, content, self.evidence, self.signed, self.peer_has] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.closing.map_or(u32::MAX, |number| number).to_le_bytes());
        bytes.push(self.attempt.map_or(0, |attempt| 1 + u8::from(attempt.proposed)));
        for part in self.attempt.map_or([0, 0], |attempt| [attempt.number, attempt.content]) {
            bytes.extend_from_slice(&part.to_le_bytes());
        }
        for version in &self.versions {
            bytes.extend_from_slice(&version.number.to_le_bytes());
            bytes.extend_from_slice(&version.content.to_le_bytes());
            bytes.push(version.fundings);
        }
        bytes
    }
}
