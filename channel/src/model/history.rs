//! All states of a channel, with their signatures.

use super::accept::Accepted;
use crate::error::ChannelError;

/// Every state of a channel, with the signatures made for each state.
///
/// Tests and the adversary publish old states from this history. A corrupted party that deletes nothing has the same
/// data. An honest party stores only the record of its latest state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct History<S> {
    older: Vec<(Accepted, Option<S>)>,
    latest: (Accepted, Option<S>),
}

impl<S> History<S> {
    /// Creates a history whose only state is `first`, not signed yet.
    pub(super) const fn new(first: Accepted) -> History<S> {
        History { older: Vec::new(), latest: (first, None) }
    }

    /// Returns the number of the latest state. The first state has number 0.
    pub(super) fn number(&self) -> u32 {
        u32::try_from(self.older.len()).unwrap_or(u32::MAX)
    }

    /// Returns the balances and HTLCs of the latest state.
    pub(super) fn newest(&self) -> &Accepted {
        &self.latest.0
    }

    fn get(&self, number: u32) -> Result<&(Accepted, Option<S>), ChannelError> {
        if number == self.number() {
            return Ok(&self.latest);
        }
        let found = usize::try_from(number).ok().and_then(|number| self.older.get(number));
        found.ok_or_else(|| ChannelError::refused(format!("there is no state {number}")))
    }

    /// Returns the balances and HTLCs of the state with this number.
    pub(super) fn state(&self, number: u32) -> Result<&Accepted, ChannelError> {
        self.get(number).map(|(content, _)| content)
    }

    /// Returns the signatures of the state with this number. Fails if the state was never signed.
    pub(super) fn signed(&self, number: u32) -> Result<&S, ChannelError> {
        let (_, signed) = self.get(number)?;
        signed.as_ref().ok_or_else(|| ChannelError::refused(format!("state {number} was never signed")))
    }

    /// Returns whether the latest state of the history has signatures.
    pub(super) fn is_signed(&self) -> bool {
        self.latest.1.is_some()
    }

    /// Appends `next` to the history as the latest state. `signed` contains its signatures, or is `None` if the state
    /// is signed later or not at all.
    pub(super) fn push(&mut self, next: Accepted, signed: Option<S>) {
        self.older.push(core::mem::replace(&mut self.latest, (next, signed)));
    }

    /// Stores `signed` as the signatures of the latest state.
    pub(super) fn sign(&mut self, signed: S) {
        self.latest.1 = Some(signed);
    }

    /// Deletes the signatures of all states. This is needed when the channel moves to another funding output, because
    /// the signatures are valid only for the old one.
    pub(super) fn forget_signatures(&mut self) {
        self.latest.1 = None;
        for (_, signed) in &mut self.older {
            *signed = None;
        }
    }
}
