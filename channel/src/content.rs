//! The contents of a channel state: balances and HTLCs.

use crate::error::ChannelError;

/// Size of one serialized HTLC, in bytes: amount 8, payment hash 32, expiry 4, sender and recipient together 1.
pub const HTLC_SIZE: usize = 45;

/// A hash time-locked payment (HTLC) whose preimage is not revealed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Htlc {
    /// Index of the party that offers the HTLC.
    pub from: usize,
    /// Index of the party that receives the payment if it reveals the preimage.
    pub to: usize,
    /// Amount of the payment, in satoshi.
    pub sat: u64,
    /// Expiry of the HTLC as a block height: the nLockTime of the transaction with which the sender takes the payment
    /// back.
    pub expiry: u32,
    /// SHA256 of the preimage that the recipient reveals to claim the HTLC.
    pub payment_hash: [u8; 32],
}

impl Htlc {
    /// Returns RIPEMD160 of the payment hash, which is HASH160 of the preimage.
    pub fn short_hash(&self) -> [u8; 20] {
        use bitcoin::hashes::{Hash as _, ripemd160};
        ripemd160::Hash::hash(&self.payment_hash).to_byte_array()
    }
}

/// The contents of a channel state: balances by party, and HTLCs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Content {
    /// Balances in satoshi: one for each party, then the capacity of each nested channel.
    pub balances: Vec<u64>,
    /// HTLCs that are in flight in this state.
    pub htlcs: Vec<Htlc>,
}

impl Content {
    /// Returns a channel state with these balances, in satoshi, and without HTLCs.
    pub fn of(balances: &[u64]) -> Content {
        Content { balances: balances.to_vec(), htlcs: Vec::new() }
    }

    /// Returns the sum of all balances and HTLCs of the state, in satoshi.
    pub fn sum(&self) -> u64 {
        let htlcs = self.htlcs.iter().map(|htlc| htlc.sat);
        self.balances.iter().copied().chain(htlcs).fold(0, u64::saturating_add)
    }

    /// Serializes the state as a party stores it: number of balances (1 byte), balances (8 bytes each), HTLCs (45 bytes
    /// each).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![u8::try_from(self.balances.len()).unwrap_or(u8::MAX)];
        for balance in &self.balances {
            bytes.extend_from_slice(&balance.to_le_bytes());
        }
        for htlc in &self.htlcs {
            bytes.extend_from_slice(&htlc.sat.to_le_bytes());
            bytes.extend_from_slice(&htlc.payment_hash);
            bytes.extend_from_slice(&htlc.expiry.to_le_bytes());
            // There are at most sixteen parties: the sender is in the upper four bits, the recipient in the lower four.
            let [from, to] = [htlc.from, htlc.to].map(|party| u8::try_from(party).unwrap_or_default());
            bytes.push(from << 4 | to & 0x0f);
        }
        bytes
    }

    /// Parses a channel state from the bytes that [`Content::to_bytes`] returned.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if the bytes are truncated or contain an incomplete HTLC.
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
