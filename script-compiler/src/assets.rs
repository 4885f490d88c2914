//! Assets: everything that a spender has available. Assets are keys that sign, known preimages, signed messages, and
//! time locks that have expired.

use std::collections::BTreeSet;

use crate::atom::{Atom, SEQUENCE_BITS, SEQUENCE_TIME, is_time_lock};
use crate::message::{Msg, limbs};
use crate::plan::{SignatureKind, Slot};
use crate::policy::HashFn;
use crate::script::number_bytes;
use crate::value::{Templates, Value, message_bytes};

/// Everything that the spender has available for satisfying a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assets {
    /// X-only public keys whose owners sign the transaction.
    pub signers: BTreeSet<[u8; 32]>,
    /// X-only public keys whose owners sign the transaction as BIP 118 keys.
    pub rebinders: BTreeSet<[u8; 32]>,
    /// Hashes for which the spender knows the 32-byte preimage, each with its hash function.
    pub images: BTreeSet<(HashFn, Vec<u8>)>,
    /// Values that the spender can set nLockTime to. They satisfy absolute locks.
    pub after: BTreeSet<u32>,
    /// Values that the spender can set nSequence to. They satisfy relative locks.
    pub older: BTreeSet<u32>,
    /// BIP 119 template hashes for which the spender can build a transaction.
    pub templates: BTreeSet<[u8; 32]>,
    /// BIP 446 template hashes for which the spender can build a transaction.
    pub template_hashes: BTreeSet<[u8; 32]>,
    /// BIP 118 signatures in the script for which the spender can build the signed transaction.
    pub presigned: BTreeSet<Vec<u8>>,
    /// Signed messages that the spender has. Each has the signer's x-only public key and the values of the message's
    /// parts.
    pub statements: BTreeSet<([u8; 32], Vec<Value>)>,
    /// Commitments that the spender can open. Each comes with the values of the parts of the committed message.
    pub openings: BTreeSet<(Vec<u8>, Vec<Value>)>,
}

impl Assets {
    /// Returns for each condition the witness elements that satisfy it, or `None` if the assets do not satisfy it. A known
    /// preimage satisfies every condition whose hash can be computed from it, whichever hash function the condition names.
    pub(crate) fn satisfy_all(&self, atoms: &[Atom]) -> Vec<Option<Vec<Slot>>> {
        let mut known: Vec<Atom> =
            self.images.iter().map(|(function, image)| Atom::Hash(*function, image.clone())).collect();
        let mut found: Vec<Option<Vec<Slot>>> =
            atoms.iter().enumerate().map(|(nth, atom)| self.satisfy(nth, atom)).collect();
        loop {
            let before = known.len();
            for (atom, slots) in atoms.iter().zip(&mut found) {
                let Atom::Hash(function, image) = atom else { continue };
                if slots.is_none() && known.iter().any(|known| known.shows_secret_of(atom)) {
                    *slots = Some(vec![Slot::Preimage { function: *function, image: image.clone() }]);
                    known.push(atom.clone());
                }
            }
            if known.len() == before {
                return found;
            }
        }
    }

    /// Returns the witness elements that satisfy a condition, bottom first, or `None` if the assets do not satisfy it.
    pub fn satisfy(&self, index: usize, atom: &Atom) -> Option<Vec<Slot>> {
        match atom {
            Atom::Sig(key) => {
                let slot = Slot::Signature { key: key.x, kind: SignatureKind::Leaf };
                self.signers.contains(&key.x).then(|| vec![slot])
            }
            Atom::Rebind(rebind, key) => {
                let slot = Slot::Signature { key: key.x, kind: SignatureKind::Rebind(*rebind) };
                self.rebinders.contains(&key.x).then(|| vec![slot])
            }
            Atom::After(n) => self.has_after(*n).then(Vec::new),
            Atom::Older(n) => {
                let n = n & SEQUENCE_BITS;
                let reaches = |lock: &u32| (lock ^ n) & SEQUENCE_TIME == 0 && lock & SEQUENCE_BITS >= n;
                self.older.iter().any(reaches).then(Vec::new)
            }
            Atom::Hash(function, image) => {
                let slot = Slot::Preimage { function: *function, image: image.clone() };
                self.images.contains(&(*function, image.clone())).then(|| vec![slot])
            }
            Atom::Presigned(_, signature) => self.presigned.contains(signature).then(Vec::new),
            Atom::Ctv(hash) => self.templates.contains(hash).then(Vec::new),
            Atom::TemplateHash(hash) => self.template_hashes.contains(hash).then(Vec::new),
            Atom::Opens(commitment, msg) => {
                let opens = |values: &Vec<Value>| {
                    self.fits(msg, values)
                        && (msg.has_template()
                            || message_bytes(msg, values, None) == Some(commitment.clone()))
                };
                let found = self.openings.iter().filter(|(c, values)| c == commitment && opens(values));
                cheapest(found.map(|(_, values)| part_slots(msg, values)))
            }
            Atom::Signed(msg, keys) => {
                let first = keys.first()?;
                let signed = |values: &Vec<Value>| {
                    self.fits(msg, values)
                        && keys.iter().all(|key| self.statements.contains(&(key.x, values.clone())))
                };
                let found = self.statements.iter().filter(|(key, values)| *key == first.x && signed(values));
                cheapest(found.map(|(_, values)| {
                    let signature = |key: &crate::atom::KeyRef| Slot::MessageSignature {
                        key: key.x,
                        atom: index,
                        values: values.clone(),
                    };
                    let delegate = values.iter().filter_map(|value| match value {
                        Value::Key(key) => Some(Slot::Signature { key: *key, kind: SignatureKind::Leaf }),
                        _ => None,
                    });
                    let mut slots: Vec<Slot> = delegate.collect();
                    slots.extend(keys.iter().rev().map(signature));
                    slots.extend(part_slots(msg, values));
                    slots
                }))
            }
        }
    }

    /// Splits the assets into sets in which all absolute locks are heights or all are times, and likewise all relative
    /// locks. A transaction has only one nLockTime and one nSequence, so it cannot satisfy locks of both kinds.
    pub(crate) fn by_kinds_of_locks(&self) -> Vec<Assets> {
        fn kinds(locks: &BTreeSet<u32>, is_time: fn(u32) -> bool) -> Vec<BTreeSet<u32>> {
            let (times, others): (BTreeSet<u32>, BTreeSet<u32>) =
                locks.iter().partition(|lock| is_time(**lock));
            if times.is_empty() || others.is_empty() { vec![locks.clone()] } else { vec![others, times] }
        }
        let mut found = Vec::new();
        for after in kinds(&self.after, is_time_lock) {
            for older in kinds(&self.older, |lock| lock & SEQUENCE_TIME != 0) {
                found.push(Assets { after: after.clone(), older, ..self.clone() });
            }
        }
        found
    }

    fn has_after(&self, n: u32) -> bool {
        self.after.iter().any(|lock| is_time_lock(*lock) == is_time_lock(n) && *lock >= n)
    }

    /// Returns `true` if the values fit the parts of the message, and the assets have the lock times and the delegate's
    /// signature that the values require.
    fn fits(&self, msg: &Msg, values: &[Value]) -> bool {
        // Lengths do not depend on the transaction, so any template hash will do here.
        const SOME: Templates = Templates { ctv: [0; 32], template_hash: [0; 32] };
        let parts = msg.parts();
        parts.len() == values.len()
            && message_bytes(msg, values, Some(&SOME)).is_some()
            && parts.iter().zip(values).all(|(part, value)| {
                value.fits(part)
                    && match value {
                        Value::Lock(lock) => self.has_after(*lock),
                        Value::Key(key) => self.signers.contains(key),
                        _ => true,
                    }
            })
    }
}

/// Returns the witness elements that encode the value of a part, bottom first.
fn value_slots(value: &Value, part: &Msg) -> Vec<Slot> {
    let number = |n: u64| Slot::Known(number_bytes(n));
    match (part, value) {
        (Msg::Fixed(_) | Msg::TemplateHash, _) => Vec::new(),
        (Msg::NewerWide(_), Value::Number(n)) => {
            let (high, low) = limbs(*n);
            vec![number(high), number(low)]
        }
        (_, Value::Bytes(bytes)) => vec![Slot::Known(bytes.clone())],
        (_, Value::Number(n)) => vec![number(*n)],
        (_, Value::Lock(lock)) => vec![Slot::Lock(*lock)],
        (_, Value::Opened { newer, older }) => {
            let blind = |bytes: &[u8; 32]| Slot::Known(bytes.to_vec());
            vec![blind(&newer.1), number(newer.0), blind(&older.1), number(older.0)]
        }
        (_, Value::Template) => vec![Slot::Template],
        (_, Value::Key(key)) => vec![Slot::Known(key.to_vec())],
    }
}

fn part_slots(msg: &Msg, values: &[Value]) -> Vec<Slot> {
    msg.parts().iter().zip(values).flat_map(|(part, value)| value_slots(value, part)).collect()
}

fn cheapest(found: impl Iterator<Item = Vec<Slot>>) -> Option<Vec<Slot>> {
    found.min_by_key(|slots| slots.iter().map(Slot::size).sum::<usize>())
}

#[cfg(test)]
mod tests;
