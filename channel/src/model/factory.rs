//! Channels inside an N-party channel: the hook, updated by the override form, allocates the money to channels of some of the parties.
//!
//! An inner channel spends an output of the hook's settlement. That transaction is another one for each hook state and for each place that
//! it binds to, so the inner channel's updates must bind to any output too: it is of the same form. Payments inside need only its members; the hook
//! is updated, by all, when money moves between channels.
//!
//! Neither templates nor ANYPREVOUTANYSCRIPT commit to the amount that is spent. Were a channel resized under the same key, an old update of the
//! smaller size would bind to the larger output, burn the difference, and leave what no newer update can spend. So a channel that gets another size gets
//! fresh keys.

use bitcoin::{OutPoint, ScriptBuf, Transaction};
use secp256k1::PublicKey;

use super::{
    Construction, Content, Form, PartyKeys, PlayError, Played, Setup, Stage, Step, Symmetry, UpdateCost,
};
use crate::error::ChannelError;
use crate::musig::AggregateKey;
use crate::tx::outpoint;

/// A channel inside the hook.
#[derive(Debug)]
pub struct Inner {
    members: Vec<usize>,
    channel: Symmetry,
}

impl Inner {
    /// Its members, by their numbers in the hook.
    pub fn members(&self) -> &[usize] {
        &self.members
    }

    /// The channel. Its parties are numbered in the order of [`Inner::members`].
    pub fn channel(&self) -> &Symmetry {
        &self.channel
    }
}

/// An N-party channel with channels inside.
#[derive(Debug)]
pub struct Factory {
    form: Form,
    parties: Vec<PartyKeys>,
    hook: Symmetry,
    channels: Vec<Inner>,
    /// Inner channels made so far: each has its own keys.
    made: u32,
}

impl Factory {
    /// A hook that pays these balances to the parties, and so much to a channel of these members each. The balances of a new channel are even.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the amounts do not add up to the capacity, or a member does not exist.
    pub fn new(
        setup: Setup,
        form: Form,
        balances: &[u64],
        channels: &[(Vec<usize>, u64)],
    ) -> Result<Factory, ChannelError> {
        let parties = setup.parties.clone();
        let (mut inner, mut made) = (Vec::new(), 0);
        for (members, capacity) in channels {
            inner.push(new_channel(&parties, form, setup.delay, (members, *capacity), made)?);
            made += 1;
        }
        let payees = payees(&setup, &inner)?;
        let hook = Symmetry::allocating(setup, form, hook_content(balances, &inner), payees)?;
        Ok(Factory { form, parties, hook, channels: inner, made })
    }

    /// The N-party channel.
    pub fn hook(&self) -> &Symmetry {
        &self.hook
    }

    /// The channels inside.
    pub fn channels(&self) -> &[Inner] {
        &self.channels
    }

    /// The hook's funding output is this one.
    ///
    /// # Errors
    ///
    /// As [`Construction::open`].
    pub fn open(&mut self, funding: OutPoint) -> Result<(), ChannelError> {
        self.hook.open(funding)?;
        // No output is named by what inner channels sign.
        self.channels.iter_mut().try_for_each(|inner| inner.channel.open(OutPoint::null()))
    }

    /// The members of an inner channel agree on its next state. The others are not asked.
    ///
    /// # Errors
    ///
    /// As [`Construction::update`].
    pub fn update_inner(&mut self, channel: usize, content: Content) -> Result<UpdateCost, ChannelError> {
        let missing = || ChannelError::refused(format!("there is no channel {channel}"));
        self.channels.get_mut(channel).ok_or_else(missing)?.channel.update(content)
    }

    /// All agree on other balances and other channels. A channel that keeps its members and its size goes on as it is.
    ///
    /// # Errors
    ///
    /// As [`Factory::new`].
    pub fn reallocate(
        &mut self,
        balances: &[u64],
        channels: &[(Vec<usize>, u64)],
    ) -> Result<UpdateCost, ChannelError> {
        let mut fresh: Vec<Option<Inner>> = Vec::new();
        let mut kept: Vec<Option<usize>> = Vec::new();
        let mut scripts = self.hook.setup().payees()?;
        let mut amounts = balances.to_vec();
        let mut made = self.made;
        for (members, capacity) in channels {
            let same = self.channels.iter().enumerate().position(|(nth, inner)| {
                let free = !kept.contains(&Some(nth));
                free && inner.members == *members && inner.channel.setup().capacity == *capacity
            });
            let script = match same.and_then(|nth| self.channels.get(nth)) {
                Some(inner) => {
                    fresh.push(None);
                    inner.channel.funding_output().script_pubkey.clone()
                }
                None => {
                    let delay = self.hook.setup().delay;
                    let mut inner = new_channel(&self.parties, self.form, delay, (members, *capacity), made)?;
                    made += 1;
                    // Its first state is signed before the hook pays to it.
                    inner.channel.open(OutPoint::null())?;
                    let script = inner.channel.funding_output().script_pubkey.clone();
                    fresh.push(Some(inner));
                    script
                }
            };
            kept.push(same);
            scripts.push(script);
            amounts.push(*capacity);
        }
        let cost = self.hook.allocate(Content::of(&amounts), scripts)?;
        let mut old: Vec<Option<Inner>> = self.channels.drain(..).map(Some).collect();
        for (fresh, kept) in fresh.into_iter().zip(kept) {
            let inner = fresh.or_else(|| kept.and_then(|nth| old.get_mut(nth)).and_then(Option::take));
            self.channels.extend(inner);
        }
        self.made = made;
        Ok(cost)
    }

    /// What anyone publishes to end the hook in the state of a number: its update and its settlement.
    ///
    /// # Errors
    ///
    /// As [`Construction::close`].
    pub fn close_hook(&self, number: u32) -> Result<Vec<Step>, ChannelError> {
        self.hook.close(0, number)
    }

    /// What a member publishes below a settlement of the hook to end an inner channel in its newest state, with the signature that it kept.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the settlement does not pay to the channel.
    pub fn close_inner(
        &mut self,
        channel: usize,
        settlement: &Transaction,
    ) -> Result<Vec<Step>, ChannelError> {
        self.place(channel, settlement)?.close_as_kept()
    }

    /// An inner channel, on the output of a settlement that pays to it.
    ///
    /// # Errors
    ///
    /// As [`Factory::close_inner`].
    pub fn place(&mut self, channel: usize, settlement: &Transaction) -> Result<&Symmetry, ChannelError> {
        let missing = || ChannelError::refused(format!("the settlement does not pay to channel {channel}"));
        let inner = self.channels.get_mut(channel).ok_or_else(missing)?;
        let wanted = inner.channel.funding_output().clone();
        let (vout, _) = (0..).zip(&settlement.output).find(|(_, out)| **out == wanted).ok_or_else(missing)?;
        inner.channel.move_to(outpoint(settlement, vout));
        Ok(&inner.channel)
    }

    /// What a party keeps: the hook's record, and those of its channels.
    pub fn client_bytes(&self, party: usize) -> Vec<u8> {
        let mut bytes = self.hook.client_bytes(party);
        for inner in self.channels.iter().filter(|inner| inner.members.contains(&party)) {
            bytes.extend(inner.channel.client_bytes(0));
        }
        bytes
    }
}

fn hook_content(balances: &[u64], channels: &[Inner]) -> Content {
    let sizes = channels.iter().map(|inner| inner.channel.setup().capacity);
    Content { balances: balances.iter().copied().chain(sizes).collect(), htlcs: Vec::new() }
}

fn payees(setup: &Setup, channels: &[Inner]) -> Result<Vec<ScriptBuf>, ChannelError> {
    let mut payees = setup.payees()?;
    payees.extend(channels.iter().map(|inner| inner.channel.funding_output().script_pubkey.clone()));
    Ok(payees)
}

/// A channel with keys of its own. Its members share it evenly.
fn new_channel(
    parties: &[PartyKeys],
    form: Form,
    delay: u16,
    (members, capacity): (&[usize], u64),
    nth: u32,
) -> Result<Inner, ChannelError> {
    let missing = || ChannelError::refused("an inner channel has two members or more, all of the hook");
    let mut keys = Vec::with_capacity(members.len());
    for member in members {
        let seed = parties.get(*member).ok_or_else(missing)?.seed.clone();
        let drawn = seed.bytes("inner channel", &[&nth.to_le_bytes()]);
        keys.push(PartyKeys::new(seed, &drawn)?);
    }
    let count = u64::try_from(members.len()).ok().filter(|count| *count >= 2).ok_or_else(missing)?;
    let funding: Vec<PublicKey> = keys.iter().map(|party| party.funding.public_key()).collect();
    let mut balances = vec![capacity / count; members.len()];
    if let Some(first) = balances.first_mut() {
        *first += capacity % count;
    }
    let setup = Setup {
        parties: keys,
        key: AggregateKey::new(&funding)?,
        capacity,
        delay,
        funding: OutPoint::null(),
        salt: [0x5a; 32],
    };
    Ok(Inner { members: members.to_vec(), channel: Symmetry::new(setup, form, Content::of(&balances))? })
}

/// What a channel inside a hook costs, measured on a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NestedCosts {
    /// Signatures of an update inside, and of the hook.
    pub signatures: (usize, usize),
    /// Bytes that a party with one inner channel keeps.
    pub client: usize,
    /// What ended the channel alone: the hook's update and settlement, the inner channel's.
    pub steps: Vec<Played>,
}

/// Plays a hook of so many parties, pairs of which share channels, and ends one of these alone.
///
/// # Errors
///
/// [`PlayError`] if it cannot be played.
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
    let mut factory = Factory::new(setup, form, &balances, &channels)?;
    let mut stage = Stage::new(factory.hook())?;
    stage.open(&mut factory.hook)?;
    let funding = factory.hook.setup().funding;
    factory.open(funding)?;
    let inside = factory.update_inner(0, Content::of(&[400_000, 600_000]))?.signatures;
    let hook = factory.reallocate(&balances, &channels)?.signatures;
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
