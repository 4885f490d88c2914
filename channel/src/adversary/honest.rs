//! The honest side: the real code of a client and of a tower.

use core::hash::{Hash as _, Hasher as _};
use std::collections::BTreeSet;
use std::hash::DefaultHasher;

use bitcoin::{ScriptBuf, Transaction, Txid};

use crate::chain::Chain;
use crate::error::ChannelError;
use crate::publish::Publisher;
use crate::watchtower::Watchtower;

/// A client, a tower, or both.
#[derive(Clone, Debug, Default)]
pub(super) struct Honest {
    pub(super) client: Option<Publisher>,
    /// Whether the client does not look, and its tower alone defends it.
    pub(super) is_asleep: bool,
    /// The height from which on it looks in any case, and closes the channel if nobody did: before its HTLCs expire.
    pub(super) back: Option<u32>,
    pub(super) tower: Option<Watchtower>,
    /// Scripts that only the honest party can spend: where it is paid, and its wallet.
    pub(super) scripts: Vec<ScriptBuf>,
}

impl Honest {
    /// Looks at the chain and acts.
    ///
    /// # Errors
    ///
    /// What the client's code or the tower's code for this client returns.
    pub(super) fn look(&mut self, chain: &mut Chain) -> Result<(), ChannelError> {
        let is_back = self.back.is_some_and(|height| chain.height() >= height);
        if let Some(client) = self.client.as_mut().filter(|_| !self.is_asleep || is_back) {
            client.orders().close |= is_back;
            client.look(chain)?;
        }
        let reports = self.tower.as_mut().map(|tower| tower.look(chain)).unwrap_or_default();
        reports.into_iter().try_for_each(|report| report.events.map(drop))
    }

    /// The client closes the channel, if nobody else does.
    pub(super) fn close(&mut self) {
        if let Some(client) = &mut self.client {
            client.orders().close = true;
        }
    }

    /// Hands the tower a record of the honest party, which is its second client. Returns whether the tower took it.
    pub(super) fn hand_record(&mut self, record: &[u8]) -> bool {
        self.tower.as_mut().is_some_and(|tower| tower.replace(1, record.to_vec()).is_ok())
    }

    /// The transactions of the mempool that the honest side made: those that pay it, and those that they spend, unless a child of
    /// somebody else spends them too.
    pub(super) fn made(&self, chain: &Chain) -> BTreeSet<Txid> {
        let pays = |tx: &Transaction| tx.output.iter().any(|out| self.scripts.contains(&out.script_pubkey));
        let own = chain.mempool().entries().filter(|entry| pays(&entry.tx));
        let mut made = BTreeSet::new();
        for entry in own {
            made.insert(entry.txid);
            made.extend(entry.tx.input.iter().map(|input| input.previous_output.txid));
        }
        made
    }

    /// Satoshi that the honest party has on the chain.
    pub(super) fn balance(&self, chain: &Chain) -> u64 {
        self.scripts.iter().fold(0, |sum, script| sum.saturating_add(chain.balance(script)))
    }

    /// Satoshi that its tower has on the chain.
    pub(super) fn tower_balance(&self, chain: &Chain) -> u64 {
        self.tower.as_ref().map_or(0, |tower| tower.balance(chain))
    }

    /// What two equal honest sides have in common: what they remember from block to block.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.is_asleep.hash(&mut hasher);
        let towers = self.tower.iter().flat_map(Watchtower::publishers);
        for publisher in self.client.iter().chain(towers) {
            format!("{:?}", publisher.remembered()).hash(&mut hasher);
        }
        hasher.finish()
    }
}
