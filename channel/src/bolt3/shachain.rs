//! Per-commitment secrets: their derivation, and the storage of all received secrets in O(log n) space (BOLT
//! 3 "Per-commitment Secret Requirements", "Efficient Per-commitment Secret Storage").

use core::fmt;

use secp256k1::{PublicKey, SecretKey};

use crate::error::ChannelError;
use crate::keys::sha256;
use crate::mutation::{Mutation, mutated};

/// Index of the first secret. Each following secret has the next lower index.
pub const MAX_INDEX: u64 = (1 << 48) - 1;
/// Number of bits of a secret's index. A store contains at most `BITS` + 1 secrets.
const BITS: u32 = 48;

/// Derives the secret with the index `index` from the secret `base`. The index of `base` is `index` with its lowest
/// `bits` bits set to 0. If `bits` is 48, `base` is the seed.
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

/// Reason why [`SecretStore::insert`] refuses a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// The index of the new secret is not the next index that the store expects.
    OutOfOrder {
        /// Index that the next secret must have.
        expected: u64,
        /// Index of the secret that was passed to [`SecretStore::insert`].
        given: u64,
    },
    /// The secret does not belong to the per-commitment point that the peer sent for this index.
    WrongPoint {
        /// Index of the secret that does not match its per-commitment point.
        index: u64,
    },
    /// An older secret cannot be derived from the new one. The peer did not derive its secrets as BOLT 3 requires.
    Inconsistent {
        /// Index of the older secret, which cannot be derived from the new secret.
        older: u64,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::OutOfOrder { expected, given } => {
                write!(f, "the secret of index {given} was given where {expected} comes next")
            }
            StoreError::WrongPoint { index } => {
                write!(f, "the secret of index {index} does not belong to the point that was sent for it")
            }
            StoreError::Inconsistent { older } => {
                write!(f, "the secret of index {older} does not follow from this one")
            }
        }
    }
}

impl core::error::Error for StoreError {}

/// All per-commitment secrets received from a peer, in at most 49 entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretStore {
    /// Pairs of an index and its secret. The pair at position i has the most recently revealed index with exactly i
    /// trailing zeros. Index 0 counts as 48 trailing zeros.
    known: Vec<(u64, [u8; 32])>,
    count: u64,
}

impl SecretStore {
    /// Adds the next secret after verifying that it belongs to the per-commitment point of its index. Without
    /// this check a peer could send a wrong secret, and its old commitment transaction could not be punished.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the secret is not accepted. The store does not change.
    pub fn insert(&mut self, index: u64, secret: [u8; 32], point: &PublicKey) -> Result<(), StoreError> {
        let expected = MAX_INDEX.saturating_sub(self.count);
        if index != expected || self.count > MAX_INDEX {
            return Err(StoreError::OutOfOrder { expected, given: index });
        }
        if !SecretKey::from_secret_bytes(secret).is_ok_and(|key| key.public_key() == *point)
            && !mutated(Mutation::SecretOfOtherPoint)
        {
            return Err(StoreError::WrongPoint { index });
        }
        let bucket = index.trailing_zeros().min(BITS);
        for (older, known) in self.known.iter().take(usize::try_from(bucket).unwrap_or_default()) {
            if derive_secret(&secret, bucket, *older) != *known {
                return Err(StoreError::Inconsistent { older: *older });
            }
        }
        match usize::try_from(bucket).ok().and_then(|bucket| self.known.get_mut(bucket)) {
            Some(entry) => *entry = (index, secret),
            // Secrets arrive in the order of their indices, so the entries are filled in order.
            None => self.known.push((index, secret)),
        }
        self.count += 1;
        Ok(())
    }

    /// Returns the secret of an index. Returns `None` if the peer has not revealed it yet.
    pub fn secret(&self, index: u64) -> Option<[u8; 32]> {
        (0..).zip(&self.known).find_map(|(bits, (known, secret))| {
            let mask = u64::MAX << bits;
            (index & mask == *known && index <= MAX_INDEX).then(|| derive_secret(secret, bits, index))
        })
    }

    /// Returns the number of secrets that were added to the store.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Serializes the store with 40 bytes for each entry: the index (6 bytes, little-endian), the number of
    /// entries (2 bytes) and the secret (32 bytes).
    pub fn to_bytes(&self) -> Vec<u8> {
        let length = u64::try_from(self.known.len()).unwrap_or_default() << BITS;
        let entries = self.known.iter().map(|(index, secret)| ((index | length).to_le_bytes(), secret));
        entries.flat_map(|(index, secret)| index.into_iter().chain(*secret)).collect()
    }

    /// Parses the bytes that [`SecretStore::to_bytes`] writes.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if entries are missing, or if the secrets are not consistent with each
    /// other. An incomplete store is refused because an old commitment transaction whose secret is missing
    /// could not be punished.
    pub fn from_bytes(bytes: &[u8]) -> Result<SecretStore, ChannelError> {
        let (entries, []) = bytes.as_chunks::<40>() else {
            return Err(ChannelError::encoding("a store of secrets has 40 bytes an entry"));
        };
        let mut store = SecretStore::default();
        let length = u64::try_from(entries.len()).unwrap_or_default();
        for entry in entries {
            let (Some(index), Some(secret)) = (entry.first_chunk(), entry.last_chunk()) else { continue };
            let index = u64::from_le_bytes(*index);
            if index >> BITS != length && !mutated(Mutation::StoreCutOff) {
                return Err(ChannelError::encoding("entries of a store of secrets are missing"));
            }
            let index = index & MAX_INDEX;
            store.known.push((index, *secret));
            store.count = store.count.max(MAX_INDEX.saturating_sub(index).saturating_add(1));
        }
        match store.is_consistent() || mutated(Mutation::StoreCutOff) {
            true => Ok(store),
            false => Err(ChannelError::encoding("the secrets of a store do not belong together")),
        }
    }

    /// Returns whether the indices are those of a store with `count` secrets, and whether each secret that
    /// can be derived from another entry equals the derived one.
    fn is_consistent(&self) -> bool {
        let newest = (MAX_INDEX + 1).saturating_sub(self.count);
        let places =
            (0..).zip(&self.known).all(|(bits, (index, _))| newest_with(newest, bits) == Some(*index));
        let length = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        let complete = length > BITS || newest_with(newest, length).is_none();
        let mut pairs = self
            .known
            .iter()
            .enumerate()
            .flat_map(|(place, high)| self.known.iter().take(place).map(move |low| (place, high, low)));
        let derived = pairs.all(|(place, (high, secret), (low, known))| {
            let bits = u32::try_from(place).unwrap_or(BITS);
            low & (u64::MAX << bits) != *high || derive_secret(secret, bits, *low) == *known
        });
        places && complete && derived
    }
}

/// Returns the lowest index that is at least `first` and has exactly `bits` trailing zeros (index 0 counts as 48). The
/// secrets are revealed in descending order of their indices, so the secret with this index was revealed last. Returns
/// `None` if there is no such index.
fn newest_with(first: u64, bits: u32) -> Option<u64> {
    if bits == BITS {
        return (first == 0).then_some(0);
    }
    let step = 1u64 << bits;
    let multiple = first.div_ceil(step).saturating_mul(step);
    let index = if multiple & step == 0 { multiple.saturating_add(step) } else { multiple };
    (index <= MAX_INDEX).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: [u8; 32] = [7; 32];

    fn secret(index: u64) -> ([u8; 32], PublicKey) {
        let secret = derive_secret(&SEED, 48, index);
        (secret, SecretKey::from_secret_bytes(secret).unwrap().public_key())
    }

    fn store(count: u64) -> SecretStore {
        let mut store = SecretStore::default();
        for index in (0..count).map(|n| MAX_INDEX - n) {
            let (secret, point) = secret(index);
            store.insert(index, secret, &point).unwrap();
        }
        store
    }

    #[test]
    fn every_secret_of_a_long_history_is_found_again_from_a_few() {
        let store = SecretStore::from_bytes(&store(3_000).to_bytes()).unwrap();
        assert_eq!(store.count(), 3_000);
        assert!(store.to_bytes().len() <= 12 * 40, "{}", store.to_bytes().len());
        for n in 0..3_000 {
            let index = MAX_INDEX - n;
            assert_eq!(store.secret(index), Some(secret(index).0), "{n}");
        }
        assert_eq!(store.secret(MAX_INDEX - 3_000), None);
    }

    #[test]
    fn order_is_required() {
        let error = StoreError::OutOfOrder { expected: MAX_INDEX, given: MAX_INDEX - 1 };
        let (secret, point) = secret(MAX_INDEX - 1);
        assert_eq!(SecretStore::default().insert(MAX_INDEX - 1, secret, &point), Err(error));
    }

    #[test]
    fn a_secret_belongs_to_its_point() {
        let mut store = store(3);
        let index = MAX_INDEX - 3;
        let (right, point) = secret(index);
        let before = store.clone();
        for wrong in [secret(index - 1).0, [0; 32], [0xff; 32]] {
            assert_eq!(store.insert(index, wrong, &point), Err(StoreError::WrongPoint { index }));
        }
        assert_eq!(store, before);
        assert_eq!(store.insert(index, right, &secret(index - 1).1), Err(StoreError::WrongPoint { index }));
        store.insert(index, right, &point).unwrap();
    }

    #[test]
    fn a_part_of_a_store_is_refused() {
        let refused = |bytes: &[u8]| SecretStore::from_bytes(bytes).unwrap_err().to_string();
        for count in (0..70).chain([1_000]) {
            let store = store(count);
            let bytes = store.to_bytes();
            assert_eq!(SecretStore::from_bytes(&bytes), Ok(store));
            for entry in 0..bytes.len() / 40 {
                let (before, after) = (&bytes[..40 * entry], &bytes[40 * (entry + 1)..]);
                let missing = [before, after].concat();
                if !missing.is_empty() {
                    assert!(refused(&missing).contains("are missing"), "{count}: {entry}");
                }
                let mut other = bytes.clone();
                other[40 * entry] ^= 1 << 6;
                assert!(refused(&other).contains("do not belong together"), "{count}: {entry}");
            }
        }
        assert!(refused(&[0; 41]).contains("40 bytes an entry"));
        // Secrets of another seed at valid indices.
        let mut bytes = store(4).to_bytes();
        bytes[2 * 40 + 8] ^= 1;
        assert!(refused(&bytes).contains("do not belong together"));
    }
}
