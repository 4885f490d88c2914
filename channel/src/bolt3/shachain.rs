//! Per-commitment secrets, and the store that keeps all that were received in O(log n) (BOLT 3 "Per-commitment Secret
//! Requirements", "Efficient Per-commitment Secret Storage").

use core::fmt;

use crate::error::ChannelError;
use crate::keys::sha256;

/// The index of the first secret; each next one has the index before.
pub const MAX_INDEX: u64 = (1 << 48) - 1;
/// Bits of an index, and most secrets that a store holds but one.
const BITS: u32 = 48;

/// The secret of an index, from a secret that has zeros where it has `bits` low bits: from the seed with 48.
pub fn derive_secret(base: &[u8; 32], bits: u32, index: u64) -> [u8; 32] {
    let mut secret = *base;
    for bit in (0..bits).rev() {
        if index >> bit & 1 == 1 {
            flip(&mut secret, bit);
            secret = sha256(&secret);
        }
    }
    secret
}

fn flip(secret: &mut [u8; 32], bit: u32) {
    if let Some(byte) = usize::try_from(bit / 8).ok().and_then(|byte| secret.get_mut(byte)) {
        *byte ^= 1 << (bit % 8);
    }
}

/// Why a secret is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// It is not the secret that comes next.
    OutOfOrder {
        /// The index that comes next.
        expected: u64,
        /// The index that was given.
        given: u64,
    },
    /// An older secret cannot be derived from it: the peer did not follow the rule.
    Inconsistent {
        /// The index of the older secret.
        older: u64,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::OutOfOrder { expected, given } => {
                write!(f, "the secret of index {given} was given where {expected} comes next")
            }
            StoreError::Inconsistent { older } => {
                write!(f, "the secret of index {older} does not follow from this one")
            }
        }
    }
}

impl core::error::Error for StoreError {}

/// All secrets of a peer so far, in at most 49 entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretStore {
    /// By number of trailing zeros of the index: the newest index with so many, and its secret.
    known: Vec<(u64, [u8; 32])>,
    count: u64,
}

impl SecretStore {
    /// Takes in the next secret.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the store stays as it was.
    pub fn insert(&mut self, index: u64, secret: [u8; 32]) -> Result<(), StoreError> {
        let expected = MAX_INDEX.saturating_sub(self.count);
        if index != expected || self.count > MAX_INDEX {
            return Err(StoreError::OutOfOrder { expected, given: index });
        }
        let bucket = index.trailing_zeros().min(BITS);
        for (older, known) in self.known.iter().take(usize::try_from(bucket).unwrap_or_default()) {
            if derive_secret(&secret, bucket, *older) != *known {
                return Err(StoreError::Inconsistent { older: *older });
            }
        }
        match usize::try_from(bucket).ok().and_then(|bucket| self.known.get_mut(bucket)) {
            Some(entry) => *entry = (index, secret),
            // Indices come in order, so buckets fill up in order.
            None => self.known.push((index, secret)),
        }
        self.count += 1;
        Ok(())
    }

    /// The secret of an index, if it or one that it follows from was taken in.
    pub fn secret(&self, index: u64) -> Option<[u8; 32]> {
        (0..).zip(&self.known).find_map(|(bits, (known, secret))| {
            let mask = u64::MAX << bits;
            (index & mask == *known && index <= MAX_INDEX).then(|| derive_secret(secret, bits, index))
        })
    }

    /// How many secrets were taken in.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The stored bytes: 40 an entry, the index (8, little endian) and the secret (32).
    pub fn to_bytes(&self) -> Vec<u8> {
        self.known.iter().flat_map(|(index, secret)| index.to_le_bytes().into_iter().chain(*secret)).collect()
    }

    /// Reads what [`SecretStore::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if the bytes are not whole entries.
    pub fn from_bytes(bytes: &[u8]) -> Result<SecretStore, ChannelError> {
        let (entries, []) = bytes.as_chunks::<40>() else {
            return Err(ChannelError::encoding("a store of secrets has 40 bytes an entry"));
        };
        let mut store = SecretStore::default();
        for entry in entries {
            let (Some(index), Some(secret)) = (entry.first_chunk(), entry.last_chunk()) else { continue };
            let index = u64::from_le_bytes(*index);
            store.known.push((index, *secret));
            store.count = store.count.max(MAX_INDEX.saturating_sub(index).saturating_add(1));
        }
        Ok(store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_of_a_long_history_is_found_again_from_a_few() {
        let seed = [7; 32];
        let mut store = SecretStore::default();
        for n in 0..3_000 {
            let index = MAX_INDEX - n;
            store.insert(index, derive_secret(&seed, 48, index)).unwrap();
        }
        let store = SecretStore::from_bytes(&store.to_bytes()).unwrap();
        assert_eq!(store.count(), 3_000);
        assert!(store.to_bytes().len() <= 12 * 40, "{}", store.to_bytes().len());
        for n in 0..3_000 {
            let index = MAX_INDEX - n;
            assert_eq!(store.secret(index), Some(derive_secret(&seed, 48, index)), "{n}");
        }
        assert_eq!(store.secret(MAX_INDEX - 3_000), None);
    }

    #[test]
    fn order_is_required() {
        let mut store = SecretStore::default();
        let error = StoreError::OutOfOrder { expected: MAX_INDEX, given: MAX_INDEX - 1 };
        assert_eq!(store.insert(MAX_INDEX - 1, [1; 32]), Err(error));
    }
}
