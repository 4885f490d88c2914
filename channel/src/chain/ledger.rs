//! The confirmed chain state: unspent outputs, and the transactions that created and spent them. Connects
//! and disconnects blocks.

use std::collections::BTreeMap;
use std::sync::Arc;

use bitcoin::{OutPoint, Transaction, Txid, hashes::Hash as _};

use super::{Coin, Confirmed};
use crate::keys::sha256;
use crate::tx::outpoint_bytes;

/// The chain state after the last block. Entries are shared between clones, so that cloning copies only
/// pointers.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    coins: BTreeMap<OutPoint, Arc<Coin>>,
    spenders: BTreeMap<OutPoint, Txid>,
    confirmed: BTreeMap<Txid, Arc<Confirmed>>,
    /// Txids of each block that is not empty, by height.
    blocks: BTreeMap<u32, Vec<Txid>>,
    digest: Digest,
}

impl Ledger {
    /// Returns an unspent output, or `None` if it does not exist or is spent.
    pub(super) fn coin(&self, outpoint: &OutPoint) -> Option<&Coin> {
        self.coins.get(outpoint).map(AsRef::as_ref)
    }

    /// Returns all unspent outputs.
    pub(super) fn coins(&self) -> impl Iterator<Item = (&OutPoint, &Coin)> {
        self.coins.iter().map(|(outpoint, coin)| (outpoint, coin.as_ref()))
    }

    /// Returns the confirmed transaction with this txid.
    pub(super) fn confirmed(&self, txid: &Txid) -> Option<&Confirmed> {
        self.confirmed.get(txid).map(AsRef::as_ref)
    }

    /// Returns the confirmed transaction that spent an output, or `None` if there is none.
    pub(super) fn spender(&self, outpoint: &OutPoint) -> Option<&Confirmed> {
        self.confirmed(self.spenders.get(outpoint)?)
    }

    /// Returns all confirmed transactions, in block order.
    pub(super) fn history(&self) -> impl Iterator<Item = &Confirmed> {
        self.blocks.values().flatten().filter_map(|txid| self.confirmed(txid))
    }

    /// Returns the digest of all unspent outputs and confirmed transactions.
    pub(super) fn digest(&self) -> Digest {
        self.digest
    }

    pub(super) fn add_coin(&mut self, outpoint: OutPoint, coin: Coin) {
        self.digest.add(&coin_bytes(&outpoint, &coin));
        self.coins.insert(outpoint, Arc::new(coin));
    }

    fn remove_coin(&mut self, outpoint: &OutPoint) {
        if let Some(coin) = self.coins.remove(outpoint) {
            self.digest.remove(&coin_bytes(outpoint, &coin));
        }
    }

    /// Adds a transaction to the block at its height: removes the outputs that it spends, and adds the
    /// outputs that it creates.
    pub(super) fn connect(&mut self, txid: Txid, confirmed: Confirmed) {
        for input in &confirmed.tx.input {
            self.remove_coin(&input.previous_output);
            self.spenders.insert(input.previous_output, txid);
        }
        for (vout, out) in (0..).zip(&confirmed.tx.output) {
            if !out.script_pubkey.is_op_return() {
                let coin = Coin { out: out.clone(), height: confirmed.height };
                self.add_coin(OutPoint { txid, vout }, coin);
            }
        }
        self.digest.add(confirmed.tx.compute_wtxid().as_byte_array());
        self.blocks.entry(confirmed.height).or_default().push(txid);
        self.confirmed.insert(txid, Arc::new(confirmed));
    }

    /// Disconnects the last block, which must be at `height`. Returns its transactions in order.
    ///
    /// A minted coin (see [`super::Chain::mint`]) does not belong to any block. If it was minted at this
    /// height, its height is reduced by one, so that no coin is above the tip.
    pub(super) fn disconnect(&mut self, height: u32) -> Vec<Transaction> {
        let txids = self.blocks.remove(&height).unwrap_or_default();
        let mut undone = Vec::with_capacity(txids.len());
        for txid in txids.iter().rev() {
            let Some(confirmed) = self.confirmed.remove(txid) else { continue };
            self.digest.remove(confirmed.tx.compute_wtxid().as_byte_array());
            for (vout, _) in (0..).zip(&confirmed.tx.output) {
                self.remove_coin(&OutPoint { txid: *txid, vout });
            }
            let spent = confirmed.prevouts.iter().zip(&confirmed.heights);
            for (input, (out, height)) in confirmed.tx.input.iter().zip(spent) {
                self.spenders.remove(&input.previous_output);
                self.add_coin(input.previous_output, Coin { out: out.clone(), height: *height });
            }
            undone.push(confirmed.tx.clone());
        }
        let minted: Vec<OutPoint> =
            self.coins().filter(|(_, coin)| coin.height >= height).map(|(outpoint, _)| *outpoint).collect();
        for outpoint in minted {
            let Some(out) = self.coin(&outpoint).map(|coin| coin.out.clone()) else { continue };
            self.remove_coin(&outpoint);
            self.add_coin(outpoint, Coin { out, height: height.saturating_sub(1) });
        }
        undone.reverse();
        undone
    }
}

/// Serializes a coin with its outpoint for the digest. The script is included because a minted coin's txid
/// does not commit to the script.
fn coin_bytes(outpoint: &OutPoint, coin: &Coin) -> Vec<u8> {
    let value = coin.out.value.to_sat().to_le_bytes();
    let script = coin.out.script_pubkey.as_bytes();
    [&outpoint_bytes(outpoint), &coin.height.to_le_bytes()[..], &value, script].concat()
}

/// A digest of a set of byte strings: the sum of their hashes. An element can therefore be added or removed
/// without a new computation over the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Digest(u128);

impl Digest {
    fn of(element: &[u8]) -> u128 {
        let hash = sha256(element);
        u128::from_le_bytes(hash.first_chunk().copied().unwrap_or_default())
    }

    pub(super) fn add(&mut self, element: &[u8]) {
        self.0 = self.0.wrapping_add(Digest::of(element));
    }

    pub(super) fn remove(&mut self, element: &[u8]) {
        self.0 = self.0.wrapping_sub(Digest::of(element));
    }

    /// Combines the digests of several sets into one digest, which depends on the order of the sets.
    pub(super) fn join(parts: &[Digest]) -> u128 {
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.0.to_le_bytes()).collect();
        Digest::of(&bytes)
    }
}
