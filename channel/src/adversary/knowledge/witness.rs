//! Completes the witness of a transaction of the corrupted side: signs with its keys, and finds received signatures
//! that fit.

use bitcoin::{Transaction, TxOut};
use secp256k1::SecretKey;
use sigstack_interpreter::{Spend, sighash::segwit_v0, verify_ecdsa};

use super::super::paths::{Id, Node, Path};
use super::{Knowledge, Plan};
use crate::bolt3::{SIGHASH_ALL, sign_segwit_v0};
use crate::keys::{sign_schnorr, verify_schnorr};
use crate::model::Known;
use crate::sign::{self, DEFAULT};

/// The context of signing one input: the transaction, the spent outputs, and the script path to satisfy.
struct Signing<'a> {
    tx: &'a Transaction,
    prevouts: &'a [TxOut],
    input: usize,
    known: &'a Known,
    plan: &'a Plan,
    annex: Option<&'a [u8]>,
    received: &'a [Vec<u8>],
}

impl Knowledge {
    /// Returns a witness that spends an input by the script path of `plan`. Tries the plan's combinations of
    /// witness elements in order. Returns `None` if no combination satisfies the path.
    pub(super) fn witness(
        &self,
        tx: &Transaction,
        prevouts: &[TxOut],
        input: usize,
        plan: &Plan,
        annex: Option<&[u8]>,
        received: &[Vec<u8>],
    ) -> Option<Vec<Vec<u8>>> {
        let (known, _) = self.outputs.get(&prevouts.get(input)?.script_pubkey)?;
        let signing = Signing { tx, prevouts, input, known, plan, annex, received };
        plan.choices.iter().find_map(|choice| self.fill(&signing, choice))
    }

    /// Completes one combination of witness elements with the signatures and hashes that depend on the
    /// transaction. Returns `None` if this combination does not satisfy the path. The witness is verified
    /// later, when the transaction is offered to the chain.
    fn fill(&self, signing: &Signing<'_>, choice: &[Option<Vec<u8>>]) -> Option<Vec<Vec<u8>>> {
        let path = &signing.plan.path;
        if !locks_fit(signing.tx, signing.input, path) {
            return None;
        }
        let mut elements = choice.to_vec();
        if let Some(template) = path.template {
            let hash = sign::check_template(signing.tx).ok()?;
            match path.nodes.get(template)? {
                Node::Element(nth) => *elements.get_mut(*nth)? = Some(hash.to_vec()),
                Node::Data(data) if data.as_slice() == hash => {}
                _ => return None,
            }
        }
        let hash = sign::template_hash(signing.tx, signing.annex).ok()?;
        let values = path.evaluate(&elements, Some(&hash));
        if !path.allows(&values) {
            return None;
        }
        for (id, truth) in &path.must {
            let signed = self.sign_node(signing, path, &values, *id, *truth)?;
            for (place, signature) in signed {
                *elements.get_mut(place)? = Some(signature);
            }
        }
        let stack: Option<Vec<Vec<u8>>> = elements.into_iter().rev().collect();
        let mut witness = match signing.known {
            Known::Tap(out) => out.witness(&signing.plan.script, stack?).ok()?,
            Known::Script(script) => [stack?, vec![script.clone()]].concat(),
        };
        witness.extend(signing.annex.map(<[u8]>::to_vec));
        Some(witness)
    }

    /// Returns the signatures that give the node `id` the truth value `truth`, each with its index among the
    /// witness elements. The result is empty if the node is not a signature check. Returns `None` if a
    /// signature is not available.
    fn sign_node(
        &self,
        signing: &Signing<'_>,
        path: &Path,
        values: &[Option<Vec<u8>>],
        id: Id,
        truth: bool,
    ) -> Option<Vec<(usize, Vec<u8>)>> {
        let element = |id: &Id| match path.nodes.get(*id) {
            Some(Node::Element(nth)) => Some(*nth),
            _ => None,
        };
        match path.nodes.get(id)? {
            Node::Signed { signature, .. } if !truth => Some(vec![(element(signature)?, Vec::new())]),
            Node::Signed { key, signature } => {
                let key = at(values, *key)?;
                match element(signature) {
                    Some(place) => Some(vec![(place, self.signature(signing, key)?)]),
                    None => {
                        let fixed = [at(values, *signature)?.to_vec()];
                        let fixed = Signing { received: &fixed, ..*signing };
                        fixed.received_signature(key).map(|_| Vec::new())
                    }
                }
            }
            Node::Stated { key, message, signature } => {
                let (key, message) = (at(values, *key)?, at(values, *message)?);
                Some(vec![(element(signature)?, self.statement(key, message)?.to_vec())])
            }
            Node::Multi { keys, signatures } => {
                let pairs = keys.iter().zip(signatures);
                let signed = pairs.map(|(key, signature)| {
                    Some((element(signature)?, self.signature(signing, at(values, *key)?)?))
                });
                signed.collect()
            }
            _ => Some(Vec::new()),
        }
    }

    /// Returns a signature of the transaction for `key`, as a witness element. If the corrupted side has the secret
    /// key, it signs. If it does not, a received signature that is valid for the transaction is returned, or `None`
    /// if there is no such signature.
    fn signature(&self, signing: &Signing<'_>, key: &[u8]) -> Option<Vec<u8>> {
        let x: [u8; 32] = key.last_chunk::<32>().copied().or_else(|| match signing.known {
            Known::Tap(out) if key == [1] => Some(*out.internal_key()),
            _ => None,
        })?;
        let Some(pair) = self.keys.get(&x) else { return signing.received_signature(key) };
        match signing.known {
            Known::Tap(_) => {
                let digest = signing.digest(key, DEFAULT)?;
                Some(sign_schnorr(pair, &digest).to_vec())
            }
            Known::Script(script) => {
                let secret: SecretKey = pair.secret_key();
                let secret = if pair.public_key().serialize() == key { secret } else { secret.negate() };
                sign_segwit_v0(signing.tx, signing.prevouts, signing.input, script, &secret, SIGHASH_ALL).ok()
            }
        }
    }
}

impl Signing<'_> {
    fn digest(&self, key: &[u8], hash_type: u8) -> Option<[u8; 32]> {
        match self.known {
            Known::Tap(_) => {
                let bip118 = key.first() == Some(&1) && matches!(key.len(), 1 | 33);
                let (tx, prevouts, script) = (self.tx, self.prevouts, &self.plan.script);
                sign::script_path(tx, prevouts, self.input, script, hash_type, bip118, self.annex).ok()
            }
            Known::Script(script) => {
                let spend = Spend::new(self.tx, self.prevouts).ok()?;
                Some(segwit_v0::digest(&spend.view(self.input).ok()?, script, hash_type.into()))
            }
        }
    }

    /// Returns a received signature that is valid for this transaction under `key`, or `None` if there is none.
    fn received_signature(&self, key: &[u8]) -> Option<Vec<u8>> {
        let found = self.received.iter().find(|signature| match self.known {
            Known::Tap(out) => {
                let key_bytes: Option<[u8; 32]> = match key {
                    [1] => Some(*out.internal_key()),
                    _ => key.last_chunk::<32>().copied(),
                };
                let (Some(body), Some(key_bytes)) = (signature.first_chunk::<64>(), key_bytes) else {
                    return false;
                };
                let hash_type = signature.get(64).copied().unwrap_or(DEFAULT);
                let digest = if signature.len() <= 65 { self.digest(key, hash_type) } else { None };
                digest.is_some_and(|digest| verify_schnorr(&key_bytes, &digest, body))
            }
            Known::Script(_) => signature.split_last().is_some_and(|(hash_type, der)| {
                let digest = self.digest(key, *hash_type);
                digest.is_some_and(|digest| verify_ecdsa(der, key, &digest))
            }),
        });
        found.cloned()
    }
}

pub(super) fn at(values: &[Option<Vec<u8>>], id: Id) -> Option<&[u8]> {
    values.get(id).and_then(|value| value.as_deref())
}

/// Returns whether a transaction's nLockTime and its nSequence at input `place` satisfy the locks of a script path.
fn locks_fit(tx: &Transaction, place: usize, path: &Path) -> bool {
    let lock_time = tx.lock_time.to_consensus_u32();
    let sequence = tx.input.get(place).map_or(0, |input| input.sequence.0);
    let same_kind = (lock_time < 500_000_000) == (path.lock_time < 500_000_000);
    let after = path.lock_time == 0 || same_kind && lock_time >= path.lock_time && sequence != u32::MAX;
    let older = path.sequence.is_none_or(|blocks| {
        tx.version.0 >= 2 && sequence & (1 << 31 | 1 << 22) == 0 && sequence & 0xffff >= blocks
    });
    after && older
}
