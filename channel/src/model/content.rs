//! What a state pays.

use super::accept::Accepted;
use crate::error::ChannelError;

/// Bytes of a serialized HTLC: amount 8, payment hash 32, expiry 4, direction 1.
pub const HTLC_SIZE: usize = 45;

/// A payment that waits for a preimage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Htlc {
    /// The party that pays.
    pub from: usize,
    /// The party that is paid for the preimage.
    pub to: usize,
    /// Satoshi.
    pub sat: u64,
    /// The height from which on the sender takes it back.
    pub expiry: u32,
    /// SHA-256 of the preimage.
    pub payment_hash: [u8; 32],
}

impl Htlc {
    /// RIPEMD-160 of the payment hash: HASH160 of the preimage.
    pub fn short_hash(&self) -> [u8; 20] {
        use bitcoin::hashes::{Hash as _, ripemd160};
        ripemd160::Hash::hash(&self.payment_hash).to_byte_array()
    }
}

/// What a state pays: balances by party, and HTLCs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Content {
    /// Satoshi of each party.
    pub balances: Vec<u64>,
    /// Payments in flight.
    pub htlcs: Vec<Htlc>,
}

impl Content {
    /// Balances without HTLCs.
    pub fn of(balances: &[u64]) -> Content {
        Content { balances: balances.to_vec(), htlcs: Vec::new() }
    }

    /// The sum of all of it.
    pub fn sum(&self) -> u64 {
        let htlcs = self.htlcs.iter().map(|htlc| htlc.sat);
        self.balances.iter().copied().chain(htlcs).fold(0, u64::saturating_add)
    }

    /// The bytes that a party keeps: number of balances (1), balances (8 each), HTLCs (45 each).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![u8::try_from(self.balances.len()).unwrap_or(u8::MAX)];
        for balance in &self.balances {
            bytes.extend_from_slice(&balance.to_le_bytes());
        }
        for htlc in &self.htlcs {
            bytes.extend_from_slice(&htlc.sat.to_le_bytes());
            bytes.extend_from_slice(&htlc.payment_hash);
            bytes.extend_from_slice(&htlc.expiry.to_le_bytes());
            // Sixteen parties at most: from in the high half, to in the low half.
            let [from, to] = [htlc.from, htlc.to].map(|party| u8::try_from(party).unwrap_or_default());
            bytes.push(from << 4 | to & 0x0f);
        }
        bytes
    }

    /// Reads what [`Content::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if it is cut off.
    pub fn from_bytes(bytes: &[u8]) -> Result<Content, ChannelError> {
        let damaged = || ChannelError::encoding("a content is its balances and 45 bytes an HTLC");
        let (count, rest) = bytes.split_first().ok_or_else(damaged)?;
        let (balances, htlcs) = rest.split_at_checked(8 * usize::from(*count)).ok_or_else(damaged)?;
        let (balances, _) = balances.as_chunks::<8>();
        let (htlcs, []) = htlcs.as_chunks::<HTLC_SIZE>() else { return Err(damaged()) };
        let htlc = |bytes: &[u8; HTLC_SIZE]| {
            let (sat, rest) = bytes.split_first_chunk::<8>()?;
            let (payment_hash, rest) = rest.split_first_chunk::<32>()?;
            let (expiry, rest) = rest.split_first_chunk::<4>()?;
            let sides = rest.first()?;
            Some(Htlc {
                from: usize::from(sides >> 4),
                to: usize::from(sides & 0x0f),
                sat: u64::from_le_bytes(*sat),
                expiry: u32::from_le_bytes(*expiry),
                payment_hash: *payment_hash,
            })
        };
        Ok(Content {
            balances: balances.iter().map(|balance| u64::from_le_bytes(*balance)).collect(),
            htlcs: htlcs.iter().filter_map(htlc).collect(),
        })
    }
}

/// Every state of a channel, and what was signed for each.
///
/// Plays publish old states from it: it is what a corrupted party has, who keeps all that it ever received. An honest party
/// keeps only its record of the latest state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct History<S> {
    older: Vec<(Accepted, Option<S>)>,
    latest: (Accepted, Option<S>),
}

impl<S> History<S> {
    /// A history of one state, which is not signed yet.
    pub(super) const fn new(first: Accepted) -> History<S> {
        History { older: Vec::new(), latest: (first, None) }
    }

    /// The number of the latest state. The first state has number 0.
    pub(super) fn number(&self) -> u32 {
        u32::try_from(self.older.len()).unwrap_or(u32::MAX)
    }

    /// The content of the latest state.
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

    /// The content of a state.
    pub(super) fn state(&self, number: u32) -> Result<&Accepted, ChannelError> {
        self.get(number).map(|(content, _)| content)
    }

    /// What was signed for a state.
    pub(super) fn signed(&self, number: u32) -> Result<&S, ChannelError> {
        let (_, signed) = self.get(number)?;
        signed.as_ref().ok_or_else(|| ChannelError::refused(format!("state {number} was never signed")))
    }

    /// Whether the latest state is signed.
    pub(super) fn is_signed(&self) -> bool {
        self.latest.1.is_some()
    }

    /// Adds a state.
    pub(super) fn push(&mut self, next: Accepted, signed: Option<S>) {
        self.older.push(core::mem::replace(&mut self.latest, (next, signed)));
    }

    /// Stores what was signed for the latest state.
    pub(super) fn sign(&mut self, signed: S) {
        self.latest.1 = Some(signed);
    }

    /// Drops all signatures: those of another funding output are worth nothing.
    pub(super) fn forget_signatures(&mut self) {
        self.latest.1 = None;
        for (_, signed) in &mut self.older {
            *signed = None;
        }
    }
}
