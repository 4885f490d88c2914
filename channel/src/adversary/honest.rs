//! The honest side of a search: the production code of a client (`Publisher`) and of a watchtower.

use core::hash::{Hash as _, Hasher as _};
use std::collections::BTreeSet;
use std::hash::DefaultHasher;

use bitcoin::{ScriptBuf, Transaction, Txid};

use crate::chain::Chain;
use crate::error::ChannelError;
use crate::publish::Publisher;
use crate::watchtower::Watchtower;

/// The honest side: a client, a watchtower, or both.
#[derive(Clone, Debug, Default)]
pub(super) struct Honest {
    pub(super) client: Option<Publisher>,
    /// Whether the client is offline, so that only its watchtower defends the channel.
    pub(super) is_asleep: bool,
    /// Height from which an offline client is online again. From this height the client also closes the
    /// channel if it is still open, so that it can claim its HTLCs before they expire. `None` in scenarios
    /// without HTLCs.
    pub(super) back: Option<u32>,
    pub(super) tower: Option<Watchtower>,
    /// Output scripts that only the honest party can spend: its payout script and its wallet's script.
    pub(super) scripts: Vec<ScriptBuf>,
}

impl Honest {
    /// Lets the client (if online) and the watchtower read the chain and react to it.
    ///
    /// # Errors
    ///
    /// Returns the error of the client's code, or of the watchtower's code for this client.
    pub(super) fn look(&mut self, chain: &mut Chain) -> Result<(), ChannelError> {
        let is_back = self.back.is_some_and(|height| chain.height() >= height);
        if let Some(client) = self.client.as_mut().filter(|_| !self.is_asleep || is_back) {
            client.orders().close |= is_back;
            client.look(chain)?;
        }
        let reports = self.tower.as_mut().map(|tower| tower.look(chain)).unwrap_or_default();
        reports.into_iter().try_for_each(|report| report.events.map(drop))
    }

    /// Instructs the client to publish its own closing transaction if the peer has published none.
    pub(super) fn close(&mut self) {
        if let Some(client) = &mut self.client {
            client.orders().close = true;
        }
    }

    /// Replaces the data that the watchtower stores for the honest party, which is client 1 of this watchtower. Returns
    /// whether the watchtower accepted the new data.
    pub(super) fn hand_record(&mut self, record: &[u8]) -> bool {
        self.tower.as_mut().is_some_and(|tower| tower.replace(1, record.to_vec()).is_ok())
    }

    /// Returns the txids of all mempool transactions that pay a script of the honest side, and the txids of the
    /// transactions whose outputs they spend.
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

    /// Returns the honest party's confirmed balance, in satoshi.
    pub(super) fn balance(&self, chain: &Chain) -> u64 {
        self.scripts.iter().fold(0, |sum, script| sum.saturating_add(chain.balance(script)))
    }

    /// Returns the watchtower's confirmed balance, in satoshi.
    pub(super) fn tower_balance(&self, chain: &Chain) -> u64 {
        self.tower.as_ref().map_or(0, |tower| tower.balance(chain))
    }

    /// Returns a hash of everything that the honest side remembers between blocks. Two honest sides with the
    /// same hash behave alike, so the search does not explore both.
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
