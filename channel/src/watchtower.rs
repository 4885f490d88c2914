//! A watchtower: it looks at each block and acts by itself.
//!
//! It knows what its clients gave it, the chain, and its own coins. For a client it keeps a record of bytes, which each update replaces, and the
//! outputs that it follows from the funding output on: where updates override each other, an answer can be needed more than once.

use std::collections::BTreeSet;

use bitcoin::{OutPoint, Transaction, TxOut};
use secp256k1::Keypair;

use crate::chain::{Chain, Reject};
use crate::error::ChannelError;
use crate::model::{PlayError, Step, TowerTerms};
use crate::tx::{P2TR_DUST_LIMIT, weight};
use crate::wallet::Wallet;

/// Satoshi of a tower's coin: what a child brings to a transaction that pays nothing.
const COIN: u64 = 200_000;
/// Virtual bytes of a child: 609 WU.
const CHILD_SIZE: u64 = 153;
/// After a block without it, an answer is bid for again at so many times the rate, in quarters.
const RAISE: u64 = 5;

/// A client, and what is done for it.
#[derive(Clone, Debug)]
struct Client {
    terms: TowerTerms,
    record: Vec<u8>,
    /// Outputs whose spending is looked at: the funding output, and those of what spent it.
    followed: BTreeSet<OutPoint>,
    /// Answers that are not confirmed, and the rate that the first of them is offered at.
    pending: Vec<Step>,
    rate: u64,
}

/// What a tower did after a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acted {
    /// It saw an old state of a client's channel, in the block of this height.
    Saw {
        /// The client.
        client: usize,
        /// The block.
        height: u32,
    },
    /// It offered an answer to the mempool.
    Offered {
        /// The client.
        client: usize,
        /// What it is.
        label: &'static str,
        /// Satoshi per virtual byte of the answer and its child.
        rate: u64,
    },
    /// The mempool refused an answer. The tower tries again after the next block.
    Refused {
        /// The client.
        client: usize,
        /// Why.
        reject: Reject,
    },
    /// The last answer for a client is confirmed.
    Done {
        /// The client.
        client: usize,
    },
}

/// A tower and its clients.
#[derive(Debug)]
pub struct Watchtower {
    wallet: Wallet,
    key: Keypair,
    coins: Vec<(OutPoint, TxOut)>,
    clients: Vec<Client>,
    /// The height up to which blocks were looked at.
    seen: u32,
    rate: u64,
}

impl Watchtower {
    /// A tower that begins to look at the chain's next block, and bids at `rate` sat/vB first.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Key`] with probability 2^-128.
    pub fn new(seed: &crate::keys::Seed, chain: &Chain, rate: u64) -> Result<Watchtower, ChannelError> {
        let key = seed.keypair("tower", &[])?;
        let wallet = Wallet::of(&key)?;
        Ok(Watchtower { wallet, key, coins: Vec::new(), clients: Vec::new(), seen: chain.height(), rate })
    }

    /// The key that terms with a reward to a key name.
    pub fn key(&self) -> [u8; 32] {
        crate::keys::x_only(&self.key)
    }

    /// Where rewards and change go.
    pub fn script_pubkey(&self) -> &bitcoin::ScriptBuf {
        self.wallet.script_pubkey()
    }

    /// Takes on a client, with its first record, and puts a coin aside for it. The answer is the client's number.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if the record is damaged.
    pub fn hire(
        &mut self,
        chain: &mut Chain,
        terms: TowerTerms,
        record: Vec<u8>,
    ) -> Result<usize, ChannelError> {
        let followed = terms.funding(&record)?.into_iter().collect();
        self.coins.push(self.wallet.mint(chain, COIN));
        self.clients.push(Client { terms, record, followed, pending: Vec::new(), rate: self.rate });
        Ok(self.clients.len() - 1)
    }

    /// Replaces a client's record by that of a newer state. Updates that a client skips need nothing: the next record covers them.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if there is no such client, [`ChannelError::Encoding`] if the record is damaged.
    pub fn replace(&mut self, client: usize, record: Vec<u8>) -> Result<(), ChannelError> {
        let missing = || ChannelError::refused(format!("the tower has no client {client}"));
        let client = self.clients.get_mut(client).ok_or_else(missing)?;
        client.terms.funding(&record)?;
        client.record = record;
        Ok(())
    }

    /// Bytes that it keeps for a client.
    pub fn stored(&self, client: usize) -> usize {
        self.clients.get(client).map_or(0, |client| client.record.len())
    }

    /// Looks at the blocks since the last time, and acts: offers answers to old states, and raises the fee of those that did not confirm.
    ///
    /// # Errors
    ///
    /// [`PlayError`] if an answer cannot be built. A refusal by the mempool is not an error.
    pub fn look(&mut self, chain: &mut Chain) -> Result<Vec<Acted>, PlayError> {
        let news: Vec<(Transaction, u32)> = chain
            .history()
            .filter(|confirmed| confirmed.height > self.seen)
            .map(|confirmed| (confirmed.tx.clone(), confirmed.height))
            .collect();
        self.seen = chain.height();
        self.keep_change(&news);
        let mut acted = Vec::new();
        for number in 0..self.clients.len() {
            self.watch(number, &news, &mut acted)?;
            self.bid(number, chain, &mut acted)?;
        }
        Ok(acted)
    }

    /// The change of a child that confirmed is the coin from then on.
    fn keep_change(&mut self, news: &[(Transaction, u32)]) {
        for (tx, _) in news {
            let change =
                (0..).zip(&tx.output).find(|(_, out)| out.script_pubkey == *self.wallet.script_pubkey());
            for coin in &mut self.coins {
                if let Some((vout, out)) =
                    change.filter(|_| tx.input.iter().any(|input| input.previous_output == coin.0))
                {
                    *coin = (crate::tx::outpoint(tx, vout), out.clone());
                }
            }
        }
    }

    /// Looks for a client at what confirmed.
    fn watch(
        &mut self,
        number: usize,
        news: &[(Transaction, u32)],
        acted: &mut Vec<Acted>,
    ) -> Result<(), ChannelError> {
        let Some(client) = self.clients.get_mut(number) else { return Ok(()) };
        for (tx, height) in news {
            let confirmed = tx.compute_txid();
            if let Some(at) = client.pending.iter().position(|step| step.tx.compute_txid() == confirmed) {
                client.pending.drain(..=at);
                client.rate = self.rate;
                if client.pending.is_empty() {
                    acted.push(Acted::Done { client: number });
                }
            }
            let everything = client.followed.is_empty();
            let spends = |outpoint| client.followed.contains(&outpoint);
            if !everything && !tx.input.iter().any(|input| spends(input.previous_output)) {
                continue;
            }
            if !everything {
                for input in &tx.input {
                    client.followed.remove(&input.previous_output);
                }
                client.followed.extend((0..).zip(&tx.output).map(|(vout, _)| crate::tx::outpoint(tx, vout)));
            }
            if let Some(answer) = client.terms.answer(&client.record, tx, Some(&self.key))?
                && !answer.is_empty()
            {
                acted.push(Acted::Saw { client: number, height: *height });
                client.pending = answer;
                client.rate = self.rate;
            }
        }
        Ok(())
    }

    /// Offers the first answer that waits, with a child if it pays nothing, or offers it again at a higher rate.
    fn bid(&mut self, number: usize, chain: &mut Chain, acted: &mut Vec<Acted>) -> Result<(), ChannelError> {
        let Some(client) = self.clients.get_mut(number) else { return Ok(()) };
        let (Some(step), Some(coin)) = (client.pending.first().cloned(), self.coins.get(number)) else {
            return Ok(());
        };
        let (label, rate) = (step.label, client.rate);
        let waits = chain.mempool().get(&step.tx.compute_txid()).is_some();
        let offered = if step.fee() > 0 {
            // It pays for itself, and its fee was signed: nothing can be raised.
            if waits { Ok(()) } else { chain.submit(step.tx).map(drop) }
        } else {
            let wanted = (weight(&step.tx).div_ceil(4) + CHILD_SIZE).saturating_mul(rate);
            let fee = wanted.min(coin.1.value.to_sat().saturating_sub(P2TR_DUST_LIMIT));
            let child = self.wallet.fee_child(&step.tx, coin, fee)?;
            chain.submit_package(step.tx, child)
        };
        // What waits for a lock is not raised.
        if offered.is_ok() {
            client.rate = rate.saturating_mul(RAISE).div_ceil(4);
        }
        match offered {
            Ok(()) => acted.push(Acted::Offered { client: number, label, rate }),
            // It waits for its lock.
            Err(Reject::SequenceLocked { .. }) => {}
            Err(reject) => acted.push(Acted::Refused { client: number, reject }),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
