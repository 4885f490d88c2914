//! Channels nested inside a channel of N parties. The N-party channel is called the outer channel here, and the hook in
//! the code. It uses LN-Symmetry or the override form. Its states allocate money to inner channels, each between some
//! of the parties.
//!
//! An inner channel is funded by an output of the outer channel's settlement transaction. The txid of that transaction
//! depends on the outer channel's state and on the output that its update transaction spends. Therefore the updates of
//! an inner channel must be valid for any txid, and inner channels use the same form. A payment inside an inner channel
//! needs signatures only of its members. If money moves between channels, all parties sign a new state of the outer
//! channel.
//!
//! Neither templates nor ANYPREVOUTANYSCRIPT commit to the amount of the spent output. If a channel were resized with
//! the same keys, an old update of the smaller channel would also be valid for the larger output. It would burn the
//! difference as fee and create an output that no newer update can spend. Therefore a channel with a new size gets new
//! keys.

use std::collections::BTreeSet;

use bitcoin::{OutPoint, ScriptBuf, Transaction};

use super::{
    Construction, Content, Form, PartyKeys, PlayError, Played, Setup, Stage, Step, Symmetry, UpdateCost,
};
use crate::error::ChannelError;
use crate::keys::tagged_hash;
use crate::mutation::{Mutation, mutated};
use crate::tx::{outpoint, outpoint_bytes};

/// An inner channel: a channel between some parties of the outer channel, funded by an output of the outer channel.
#[derive(Debug)]
pub struct Inner {
    members: Vec<usize>,
    channel: Symmetry,
}

impl Inner {
    /// Returns the members of the channel, by their party index in the outer channel.
    pub fn members(&self) -> &[usize] {
        &self.members
    }

    /// Returns the inner channel. Its parties are numbered in the order of [`Inner::members`].
    pub fn channel(&self) -> &Symmetry {
        &self.channel
    }
}

/// How the outer channel's capacity is divided: the balance of each party, and for each inner channel its members and
/// its capacity.
type Allocation<'a> = (&'a [u64], &'a [(Vec<usize>, u64)]);

/// A checked division of the outer channel's capacity into balances and inner channels. The first states of the new
/// inner channels are already signed.
struct Allocated {
    /// The inner channels, in order. Exactly one element of each pair is set: the index of an existing channel that
    /// continues, or a new channel.
    channels: Vec<(Option<usize>, Option<Inner>)>,
    content: Content,
    payees: Vec<ScriptBuf>,
}

/// A channel of N parties (the outer channel, called the hook in the code) with inner channels.
#[derive(Debug)]
pub struct Factory {
    form: Form,
    parties: Vec<PartyKeys>,
    hook: Symmetry,
    channels: Vec<Inner>,
}

impl Factory {
    /// Creates an outer channel between the parties of `setup`. [`Factory::open`] allocates its capacity.
    ///
    /// # Errors
    ///
    /// Same errors as [`Symmetry::new`].
    pub fn new(setup: Setup, form: Form) -> Result<Factory, ChannelError> {
        let parties = setup.parties.clone();
        Ok(Factory { form, parties, hook: Symmetry::unallocated(setup, form)?, channels: Vec::new() })
    }

    /// Sets the chain height that the parties of the outer channel and of all inner channels assume.
    pub fn see_height(&mut self, height: u32) {
        self.hook.see_height(height);
        for inner in &mut self.channels {
            inner.channel.see_height(height);
        }
    }

    /// Returns the outer channel.
    pub fn hook(&self) -> &Symmetry {
        &self.hook
    }

    /// Returns all inner channels of the outer channel.
    pub fn channels(&self) -> &[Inner] {
        &self.channels
    }

    /// Opens the outer channel on its funding output. Its first state pays to the parties and to the inner channels as
    /// `allocation` says. The members of a new inner channel get equal balances.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Content`] if the outer channel's state breaks an acceptance rule, for example because the
    /// amounts do not add up to the capacity. [`ChannelError::Refused`] if an inner channel does not have at least two
    /// different members that exist, or if the outer channel is already open.
    pub fn open(&mut self, funding: OutPoint, allocation: Allocation<'_>) -> Result<(), ChannelError> {
        self.hook.fund(funding)?;
        let allocated = self.allocate(allocation)?;
        self.channels = allocated.channels.into_iter().filter_map(|(_, fresh)| fresh).collect();
        self.hook.allocate_first(allocated.content, allocated.payees)
    }

    /// Checks a division of the outer channel's capacity. Then opens the inner channels in it that do not exist yet.
    fn allocate(&mut self, (balances, channels): Allocation<'_>) -> Result<Allocated, ChannelError> {
        let mut amounts = balances.to_vec();
        amounts.extend(channels.iter().map(|(_, capacity)| *capacity));
        let content = Content::of(&amounts);
        // All checks come before the first signature.
        let terms = self.hook.terms_for(self.parties.len() + channels.len());
        content.clone().accept(&terms, self.hook.setup().height)?;
        for (members, _) in channels {
            check_members(members, self.parties.len())?;
        }
        let mut payees = self.hook.setup().payees()?;
        let mut inner: Vec<(Option<usize>, Option<Inner>)> = Vec::new();
        for (members, capacity) in channels {
            let same = self.channels.iter().enumerate().position(|(nth, other)| {
                let free = !inner.iter().any(|(kept, _)| *kept == Some(nth));
                free && other.members == *members && other.channel.setup().capacity == *capacity
            });
            let fresh = match same {
                Some(_) => None,
                None => Some(self.new_channel(members, *capacity)?),
            };
            let kept = same.and_then(|nth| self.channels.get(nth));
            let paid = fresh.as_ref().or(kept).map(|inner| inner.channel.funding_output());
            payees.extend(paid.map(|out| out.script_pubkey.clone()));
            inner.push((same, fresh));
        }
        Ok(Allocated { channels: inner, content, payees })
    }

    /// Opens an inner channel with new keys and signs its first state, in which all members have equal balances.
    ///
    /// The keys depend on the outer channel's funding output and on fresh random bytes of each member. The updates of
    /// an inner channel are valid for every output that pays to its aggregate key. If that key were used again, in
    /// another factory or at another size, a state of one channel could settle the other.
    fn new_channel(&mut self, members: &[usize], capacity: u64) -> Result<Inner, ChannelError> {
        let (delay, funding) = (self.hook.setup().delay, self.hook.setup().funding);
        let mut entropy = self.hook.split_entropy();
        let mut keys = Vec::with_capacity(members.len());
        for seed in members.iter().filter_map(|member| self.parties.get(*member)).map(|party| &party.seed) {
            let drawn = entropy.draw();
            let opening: [&[u8]; 2] = match mutated(Mutation::InnerKeysFromSeedAlone) {
                true => [&[], &[]],
                false => [&outpoint_bytes(&funding), &drawn],
            };
            keys.push(PartyKeys::new(seed.clone(), tagged_hash("sigstack/inner-opening", &opening))?);
        }
        let count = u64::try_from(members.len()).unwrap_or(u64::MAX).max(1);
        let mut balances = vec![capacity / count; members.len()];
        if let Some(first) = balances.first_mut() {
            *first += capacity % count;
        }
        let setup = Setup { height: self.hook.setup().height, ..Setup::of(keys, capacity, delay, entropy)? };
        let above = self.hook.acceptance().claim_delay;
        let mut channel = Symmetry::below(setup, self.form, Content::of(&balances), above)?;
        // Signatures of inner channels do not commit to an outpoint, so the null outpoint is enough. The first state is
        // signed before the outer channel pays to this channel.
        channel.open(OutPoint::null())?;
        Ok(Inner { members: members.to_vec(), channel })
    }

    /// Agrees on the next state of an inner channel. Only its members sign.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the inner channel does not exist. Otherwise the same errors as
    /// [`Construction::update`].
    pub fn update_inner(&mut self, channel: usize, content: Content) -> Result<UpdateCost, ChannelError> {
        let missing = || ChannelError::refused(format!("there is no channel {channel}"));
        self.channels.get_mut(channel).ok_or_else(missing)?.channel.update(content)
    }

    /// Agrees on a new state of the outer channel with new balances and new inner channels. All parties sign it. An
    /// inner channel whose members and capacity do not change continues with its latest state.
    ///
    /// # Errors
    ///
    /// Same errors as [`Factory::open`] for an invalid allocation, and as [`Construction::update`].
    pub fn reallocate(&mut self, allocation: Allocation<'_>) -> Result<UpdateCost, ChannelError> {
        let allocated = self.allocate(allocation)?;
        let cost = self.hook.allocate(allocated.content, allocated.payees)?;
        let mut old: Vec<Option<Inner>> = self.channels.drain(..).map(Some).collect();
        for (kept, fresh) in allocated.channels {
            let next = fresh.or_else(|| kept.and_then(|nth| old.get_mut(nth)).and_then(Option::take));
            self.channels.extend(next);
        }
        Ok(cost)
    }

    /// Returns the update and the settlement transaction with which any party ends the outer channel in the state
    /// `number`.
    ///
    /// # Errors
    ///
    /// Same errors as [`Construction::close`].
    pub fn close_hook(&self, number: u32) -> Result<Vec<Step>, ChannelError> {
        self.hook.close(0, number)
    }

    /// Returns the update and the settlement transaction with which a member ends an inner channel in its latest state.
    /// The update spends an output of `settlement`, a settlement of the outer channel. All signatures exist already.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the settlement does not pay to the inner channel.
    pub fn close_inner(
        &mut self,
        channel: usize,
        settlement: &Transaction,
    ) -> Result<Vec<Step>, ChannelError> {
        self.place(channel, settlement)?.close_as_kept()
    }

    /// Sets the funding outpoint of an inner channel to the output of `settlement` that pays to it, and returns the
    /// channel.
    ///
    /// # Errors
    ///
    /// Same errors as [`Factory::close_inner`].
    pub fn place(&mut self, channel: usize, settlement: &Transaction) -> Result<&Symmetry, ChannelError> {
        let missing = || ChannelError::refused(format!("the settlement does not pay to channel {channel}"));
        let inner = self.channels.get_mut(channel).ok_or_else(missing)?;
        let wanted = inner.channel.funding_output().clone();
        let (vout, _) = (0..).zip(&settlement.output).find(|(_, out)| **out == wanted).ok_or_else(missing)?;
        inner.channel.move_to(outpoint(settlement, vout));
        Ok(&inner.channel)
    }

    /// Returns the bytes that a party stores: the record of the outer channel, and the records of all inner channels of
    /// which the party is a member.
    pub fn client_bytes(&self, party: usize) -> Vec<u8> {
        let mut bytes = self.hook.client_bytes(party);
        for inner in self.channels.iter().filter(|inner| inner.members.contains(&party)) {
            bytes.extend(inner.channel.client_bytes(0));
        }
        bytes
    }
}

fn check_members(members: &[usize], parties: usize) -> Result<(), ChannelError> {
    let exist = members.iter().all(|member| *member < parties);
    let differ = members.iter().collect::<BTreeSet<_>>().len() == members.len();
    match exist && differ && members.len() >= 2 {
        true => Ok(()),
        false => Err(ChannelError::refused("an inner channel has two members or more, all of the hook")),
    }
}

/// Measured costs of an outer channel that contains inner channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NestedCosts {
    /// Number of signatures for one update: first of an inner channel, then of the outer channel.
    pub signatures: (usize, usize),
    /// Number of bytes that a party stores if it is a member of the outer channel and of one inner channel.
    pub client: usize,
    /// The published transactions that ended an inner channel unilaterally: update and settlement of the outer channel,
    /// then update and settlement of the inner channel.
    pub steps: Vec<Played>,
}

/// Measures the costs of an outer channel with this many parties. Parties 0 and 1 have an inner channel, parties 2 and
/// 3 have another, and so on. The first inner channel is ended unilaterally on the simulated chain.
///
/// # Errors
///
/// [`PlayError`] if a transaction cannot be built or is refused.
pub fn nested_costs(form: Form, parties: usize, delay: u16) -> Result<NestedCosts, PlayError> {
    let capacity = 10_000_000;
    let setup = Setup::named("nested", parties, capacity, delay)?;
    let pairs = parties / 2;
    let size = 1_000_000;
    let channels: Vec<(Vec<usize>, u64)> =
        (0..pairs).map(|pair| (vec![2 * pair, 2 * pair + 1], size)).collect();
    let mut balances = vec![100_000; parties];
    let rest = channels.iter().map(|(_, size)| size).chain(&balances).sum::<u64>();
    if let Some(first) = balances.first_mut() {
        *first += capacity.saturating_sub(rest);
    }
    let mut factory = Factory::new(setup, form)?;
    let mut stage = Stage::new(factory.hook())?;
    let funding = stage.fund(factory.hook().funding_output(), capacity)?;
    factory.open(outpoint(&funding.tx, 0), (&balances, &channels))?;
    stage.publish(funding)?;
    let inside = factory.update_inner(0, Content::of(&[400_000, 600_000]))?.signatures;
    let hook = factory.reallocate((&balances, &channels))?.signatures;
    let client = factory.client_bytes(0).len();
    let mut steps = stage.publish_all(factory.close_hook(factory.hook.number())?)?;
    let inner = match steps.last() {
        Some(settlement) => factory.close_inner(0, &settlement.step.tx)?,
        None => Vec::new(),
    };
    steps.extend(stage.publish_all(inner)?);
    Ok(NestedCosts { signatures: (inside, hook), client, steps })
}

#[cfg(test)]
mod tests;
