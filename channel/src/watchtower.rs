//! A watchtower: a publisher for each client, with what its clients gave it, the chain, and its own coins.
//!
//! Each client has its own record, its own coin and its own fees. A record, whatever is in it, does not keep the tower from its other
//! clients; two clients of one channel would outbid each other. Of the chain nothing is remembered but the tower's own bids.

use secp256k1::Keypair;

use crate::chain::Chain;
use crate::error::ChannelError;
use crate::keys::Seed;
use crate::model::TowerTerms;
use crate::mutation::{Mutation, mutated};
use crate::publish::{Event, Publisher};
use crate::wallet::Wallet;

/// Satoshi of the coin that a tower puts aside for a client.
const COIN: u64 = 200_000;

/// A client, and what is done for it.
#[derive(Clone, Debug)]
struct Client {
    terms: TowerTerms,
    record: Vec<u8>,
    publisher: Publisher,
}

/// What a tower saw and did for one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The client.
    pub client: usize,
    /// What happened, or why nothing could be done for this client.
    pub events: Result<Vec<Event>, ChannelError>,
}

/// A tower and its clients.
#[derive(Clone, Debug)]
pub struct Watchtower {
    seed: Seed,
    key: Keypair,
    rewards: Wallet,
    clients: Vec<Client>,
    market: u64,
}

impl Watchtower {
    /// A tower that bids at `market` sat/vB first.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] with probability 2^-128.
    pub fn new(seed: &Seed, market: u64) -> Result<Watchtower, ChannelError> {
        let key = seed.keypair("tower", &[])?;
        Ok(Watchtower { seed: seed.clone(), key, rewards: Wallet::of(&key)?, clients: Vec::new(), market })
    }

    /// The key that terms with a reward to a key name.
    pub fn key(&self) -> [u8; 32] {
        crate::keys::x_only(&self.key)
    }

    /// The feerate that blocks take now, in sat/vB.
    pub fn set_market(&mut self, rate: u64) {
        self.market = rate;
        for client in &mut self.clients {
            client.publisher.set_market(rate);
        }
    }

    /// Satoshi that the tower has on the chain: its clients' coins and its rewards.
    pub fn balance(&self, chain: &Chain) -> u64 {
        let wallets = self.clients.iter().map(|client| client.publisher.wallet());
        let balances = wallets.chain([&self.rewards]).map(|wallet| chain.balance(wallet.script_pubkey()));
        balances.fold(0, u64::saturating_add)
    }

    /// Takes on a client, with its first record, and puts a coin aside for it. Returns the client's number.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if the record is damaged or its evidence does not verify.
    pub fn hire(
        &mut self,
        chain: &mut Chain,
        terms: TowerTerms,
        record: Vec<u8>,
    ) -> Result<usize, ChannelError> {
        let guard = terms.guard(&record, Some(&self.key))?;
        let number = self.clients.len();
        let wallet = Wallet::of(&self.seed.keypair("tower/client", &[&number.to_le_bytes()])?)?;
        wallet.mint(chain, COIN);
        let publisher = Publisher::new(guard, wallet, self.market);
        self.clients.push(Client { terms, record, publisher });
        Ok(number)
    }

    /// Replaces a client's record by that of a newer state. Updates that a client skips need nothing: the next record covers them.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if there is no such client, or the record is of another channel, older than the present one, or lacks
    /// entries of it;
    /// [`ChannelError`] if the record is damaged or its evidence does not verify. The present record stays.
    pub fn replace(&mut self, client: usize, record: Vec<u8>) -> Result<(), ChannelError> {
        let missing = || ChannelError::refused(format!("the tower has no client {client}"));
        let client = self.clients.get_mut(client).ok_or_else(missing)?;
        if mutated(Mutation::RecordNotReplaced) {
            return Ok(());
        }
        let (guard, present) = (client.terms.guard(&record, Some(&self.key))?, client.publisher.guard());
        if guard.channel() != present.channel() && !mutated(Mutation::RecordOfOtherChannel) {
            return Err(ChannelError::refused("the record is of another channel"));
        }
        let older = !mutated(Mutation::OlderRecord) && guard.rank() < present.rank();
        if older || guard.rank() == present.rank() && record != client.record {
            return Err(ChannelError::refused("the record is not newer than the one that the tower has"));
        }
        // Kits are added: a record without the present ones is another channel's, or lost some.
        if client.terms == TowerTerms::LnPenalty && !record.starts_with(&client.record) {
            return Err(ChannelError::refused("the record lacks entries that the tower has"));
        }
        client.publisher.replace(guard);
        client.record = record;
        Ok(())
    }

    /// The publishers of its clients.
    pub(crate) fn publishers(&self) -> impl Iterator<Item = &Publisher> {
        self.clients.iter().map(|client| &client.publisher)
    }

    /// Bytes that the tower keeps for a client.
    pub fn stored(&self, client: usize) -> usize {
        self.clients.get(client).map_or(0, |client| client.record.len())
    }

    /// Looks at the chain for every client, and acts: offers answers to old states, and raises the fee of those that did not confirm.
    pub fn look(&mut self, chain: &mut Chain) -> Vec<Report> {
        let served = if mutated(Mutation::FirstClientOnly) { 1 } else { usize::MAX };
        let looked = self.clients.iter_mut().enumerate().take(served);
        looked.map(|(client, kept)| Report { client, events: kept.publisher.look(chain) }).collect()
    }
}

#[cfg(test)]
mod tests;
