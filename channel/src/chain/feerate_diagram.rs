//! Feerate diagrams: sorts transactions into the order in which miners would include them, and checks whether a
//! replacement improves the feerate diagram of the mempool.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bitcoin::Txid;

use super::entry::Entry;

/// A group of transactions that are mined together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Total fee of the chunk's transactions, in satoshi.
    pub fee: u64,
    /// Total size of the chunk's transactions, in virtual bytes.
    pub size: u64,
}

impl Chunk {
    fn add(self, fee: u64, size: u64) -> Chunk {
        Chunk { fee: self.fee.saturating_add(fee), size: self.size.saturating_add(size) }
    }

    /// Returns whether this chunk's feerate is higher than another's.
    fn beats(self, other: Chunk) -> bool {
        u128::from(self.fee) * u128::from(other.size) > u128::from(other.fee) * u128::from(self.size)
    }
}

/// Sorts transactions so that parents come before children, and splits the result into chunks of decreasing
/// feerate.
///
/// The algorithm repeatedly takes the ancestor set with the best feerate. For clusters of two transactions
/// the result is optimal. For larger clusters Core may find a better order.
pub(super) fn linearize(entries: &BTreeMap<Txid, Arc<Entry>>) -> Vec<(Chunk, Vec<Txid>)> {
    let mut left: BTreeSet<Txid> = entries.keys().copied().collect();
    let mut chunks: Vec<(Chunk, Vec<Txid>)> = Vec::new();
    while !left.is_empty() {
        let mut best: Option<(Chunk, Vec<Txid>)> = None;
        for txid in &left {
            let set = ancestors(entries, &left, *txid);
            let sizes = set.iter().filter_map(|txid| entries.get(txid));
            let chunk = sizes.fold(Chunk::default(), |chunk, entry| chunk.add(entry.fee, entry.vsize));
            if best.as_ref().is_none_or(|(other, _)| chunk.beats(*other)) {
                best = Some((chunk, set));
            }
        }
        let Some((chunk, set)) = best else { break };
        for txid in &set {
            left.remove(txid);
        }
        chunks.push((chunk, set));
        merge(&mut chunks);
    }
    chunks
}

/// Returns a transaction with its direct and indirect parents among the transactions in `left`. Parents come before
/// children.
fn ancestors(entries: &BTreeMap<Txid, Arc<Entry>>, left: &BTreeSet<Txid>, txid: Txid) -> Vec<Txid> {
    let (mut found, mut open) = (Vec::new(), vec![txid]);
    while let Some(txid) = open.pop() {
        if let (true, Some(entry)) = (left.contains(&txid), entries.get(&txid)) {
            found.retain(|other| *other != txid);
            found.push(txid);
            open.extend(entry.tx.input.iter().map(|input| input.previous_output.txid));
        }
    }
    found.reverse();
    found
}

/// Merges the last chunk into the one before it, as long as the last chunk has the higher feerate of the two.
fn merge(chunks: &mut Vec<(Chunk, Vec<Txid>)>) {
    while let [.., (before, _), (last, _)] = chunks.as_slice() {
        if !last.beats(*before) {
            return;
        }
        let Some((last, mut txids)) = chunks.pop() else { return };
        if let Some((before, head)) = chunks.last_mut() {
            *before = before.add(last.fee, last.size);
            head.append(&mut txids);
        }
    }
}

/// Returns whether the feerate diagram `new` is nowhere below the diagram `old` and somewhere above it (Core
/// `CompareChunks`). The chunks of each diagram must have decreasing feerates.
pub fn improves(old: &[Chunk], new: &[Chunk]) -> bool {
    let corners = |chunks: &[Chunk]| -> Vec<u64> {
        chunks
            .iter()
            .scan(0u64, |size, chunk| {
                *size = size.saturating_add(chunk.size);
                Some(*size)
            })
            .collect()
    };
    let mut above = false;
    for size in corners(old).into_iter().chain(corners(new)) {
        let (old_fee, old_size) = fee_at(old, size);
        let (new_fee, new_size) = fee_at(new, size);
        let (old_fee, new_fee) = (old_fee * new_size, new_fee * old_size);
        if new_fee < old_fee {
            return false;
        }
        above |= new_fee > old_fee;
    }
    above
}

/// Returns the fee of a diagram's first `size` virtual bytes, as the numerator and denominator of a fraction.
fn fee_at(chunks: &[Chunk], size: u64) -> (u128, u128) {
    let mut done = Chunk::default();
    for chunk in chunks {
        let rest = size.saturating_sub(done.size);
        if rest < chunk.size {
            let denominator = u128::from(chunk.size);
            return (
                u128::from(done.fee) * denominator + u128::from(chunk.fee) * u128::from(rest),
                denominator,
            );
        }
        done = done.add(chunk.fee, chunk.size);
    }
    (u128::from(done.fee), 1)
}
