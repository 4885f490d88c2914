//! A watchtower. It has one publisher for each client, which uses the client's record, the chain, and coins of the
//! tower.
//!
//! Each client has its own record, coin and fees. A record of one client cannot stop the tower from serving the others.
//! If two clients of a tower belonged to the same channel, their publishers would outbid each other. Between blocks the
//! tower stores only the records and the feerates of its own transactions.

use secp256k1::Keypair;

use crate::chain::Chain;
use crate::error::ChannelError;
use crate::keys::Seed;
use crate::model::TowerTerms;
use crate::mutation::{Mutation, mutated};
use crate::publish::{Event, Publisher};
use crate::wallet::Wallet;

/// Amount of the coin that the tower reserves for the fees of each client's transactions, in satoshi.
const COIN: u64 = 200_000;

/// A client of the tower: the terms of its channel, its record, and the publisher that acts for it.
#[derive(Clone, Debug)]
struct Client {
    terms: TowerTerms,
    record: Vec<u8>,
    publisher: Publisher,
}

/// The result for one client of a check of the chain by the tower.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Index of the client, as [`Watchtower::hire`] returned it.
    pub client: usize,
    /// Events of the client's publisher, in order. If there is an error instead, the tower could do nothing for this
    /// client.
    pub events: Result<Vec<Event>, ChannelError>,
}

/// A watchtower with its keys, its wallets and its clients.
#[derive(Clone, Debug)]
pub struct Watchtower {
    seed: Seed,
    key: Keypair,
    rewards: Wallet,
    clients: Vec<Client>,
    market: u64,
}

impl Watchtower {
    /// Creates a tower without clients. It first submits transactions at a feerate of `market` sat/vB.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] if the resulting key is invalid, which happens with probability 2^-128.
    pub fn new(seed: &Seed, market: u64) -> Result<Watchtower, ChannelError> {
        let key = seed.keypair("tower", &[])?;
        Ok(Watchtower { seed: seed.clone(), key, rewards: Wallet::of(&key)?, clients: Vec::new(), market })
    }

    /// Returns the tower's x-only public key. With [`crate::model::Reward::Key`], the reward is paid to this key.
    pub fn key(&self) -> [u8; 32] {
        crate::keys::x_only(&self.key)
    }

    /// Sets the feerate that a transaction currently needs to get into a block, in sat/vB. The tower submits
    /// transactions at this feerate or a higher one, unless the amount at stake limits the fee.
    pub fn set_market(&mut self, rate: u64) {
        self.market = rate;
        for client in &mut self.clients {
            client.publisher.set_market(rate);
        }
    }

    /// Returns the sum of the tower's confirmed unspent outputs, in satoshi: the coins reserved for its clients, and
    /// its rewards.
    pub fn balance(&self, chain: &Chain) -> u64 {
        let wallets = self.clients.iter().map(|client| client.publisher.wallet());
        let balances = wallets.chain([&self.rewards]).map(|wallet| chain.balance(wallet.script_pubkey()));
        balances.fold(0, u64::saturating_add)
    }

    /// Registers a client with its first record, and reserves a coin for the client's fees. Returns the index of the
    /// client.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if the record is damaged or a signature in it does not verify.
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

    /// Replaces a client's record by the record of a newer state. A client need not send the record of every state,
    /// because each record also covers all earlier states.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if there is no such client, or if the new record belongs to another channel, is older
    /// than the stored one, or lacks some of its entries. Any other [`ChannelError`] if the new record is damaged or a
    /// signature in it does not verify. After an error, the tower keeps the stored record.
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
        // In LN-penalty, each update appends a justice kit. If a new record lacks some of the stored kits, it belongs
        // to another channel or is incomplete.
        if client.terms == TowerTerms::LnPenalty && !record.starts_with(&client.record) {
            return Err(ChannelError::refused("the record lacks entries that the tower has"));
        }
        client.publisher.replace(guard);
        client.record = record;
        Ok(())
    }

    /// Returns the publishers that submit transactions for the tower's clients, one for each client.
    pub(crate) fn publishers(&self) -> impl Iterator<Item = &Publisher> {
        self.clients.iter().map(|client| &client.publisher)
    }

    /// Returns the number of bytes that the tower stores for a client.
    pub fn stored(&self, client: usize) -> usize {
        self.clients.get(client).map_or(0, |client| client.record.len())
    }

    /// Checks the chain for every client. Publishes answers to old states, and raises the fees of answers that have not
    /// confirmed.
    pub fn look(&mut self, chain: &mut Chain) -> Vec<Report> {
        let served = if mutated(Mutation::FirstClientOnly) { 1 } else { usize::MAX };
        let looked = self.clients.iter_mut().enumerate().take(served);
        looked.map(|(client, kept)| Report { client, events: kept.publisher.look(chain) }).collect()
    }
}

#[cfg(test)]
mod tests;
