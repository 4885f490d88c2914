//! Justice kits: data with which towers answer old states of LN-penalty channels. A kit contains the keys and
//! signatures that a tower needs to take the balances of one revoked commitment transaction. It is encrypted with a key
//! derived from the txid of that transaction.
//!
//! The sizes and the encryption are those of lnd. The order of the fields and the sighash type are specific to this
//! project: SINGLE|ANYONECANPAY allows a tower to raise the fee with an input of its own. A kit contains no data of
//! HTLCs, so a tower takes neither HTLC outputs nor outputs of HTLC second stages.

use std::collections::BTreeMap;

use bitcoin::{ScriptBuf, Transaction, TxOut};
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use secp256k1::{PublicKey, SecretKey, ecdsa};

use crate::bolt3::{SIGHASH_SINGLE_ANYONECANPAY, scripts, sign_segwit_v0};
use crate::error::ChannelError;
use crate::publish::{Claim, Draft, Found, Guard, Orders, Pays, Purpose, Unlock, View, outputs_to};
use crate::records::RecordKind;
use crate::tx::{P2TR_DUST_LIMIT, SEQUENCE_FREE, input, output, p2wsh, transaction};

/// Size of a justice kit in bytes, as in version 0 of lnd. The fields are the payout address (43 bytes), the revocation
/// key and the delayed key of to_local (33 each), the delay (4), the signature for to_local (64), the key of to_remote
/// (33) and the signature for to_remote (64).
const KIT: usize = 274;
/// Fee of a justice transaction that takes one balance output, in satoshi (2 sat/vB).
const FEE: u64 = 2 * 135;
/// nVersion of the justice transaction. Anyone who sees the transaction can add inputs and outputs to it, and attach a
/// child. nVersion 3 limits the sizes of the transaction and of the child.
const VERSION: i32 = 3;
/// Size in bytes of the hint, the start of the revoked commitment transaction's txid. A tower finds the matching
/// justice kits by this hint.
const HINT: usize = 16;
/// Size in bytes of an entry in a tower's record: hint, nonce 24, encrypted justice kit, authentication tag 16.
const ENTRY: usize = HINT + 24 + KIT + 16;

/// The [`Guard`] of a tower for an LN-penalty channel: it decides which transactions the tower publishes. The tower's
/// record has one encrypted justice kit for each revoked commitment transaction. Kits contain no data of HTLCs, so the
/// tower takes only the balances.
#[derive(Clone, Debug)]
pub(super) struct KitGuard {
    /// Encrypted justice kits by hint (the start of a txid). Several kits may have the same hint.
    entries: BTreeMap<[u8; HINT], Vec<Vec<u8>>>,
    count: u32,
}

impl KitGuard {
    /// Parses a tower's record, which is a sequence of encrypted kits with their hints.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if an entry is truncated.
    pub(super) fn read(record: &[u8]) -> Result<KitGuard, ChannelError> {
        let rest = RecordKind::PenaltyTower.open(record)?.rest();
        let (whole, []) = rest.as_chunks::<ENTRY>() else {
            return Err(ChannelError::encoding(format!("an entry of a tower has {ENTRY} bytes")));
        };
        let mut entries: BTreeMap<[u8; HINT], Vec<Vec<u8>>> = BTreeMap::new();
        for entry in whole {
            if let Some((hint, sealed)) = entry.split_first_chunk::<HINT>() {
                entries.entry(*hint).or_default().push(sealed.to_vec());
            }
        }
        Ok(KitGuard { entries, count: u32::try_from(whole.len()).unwrap_or(u32::MAX) })
    }

    /// Returns the decrypted justice kit for the transaction `published`, if the record contains one. The encryption
    /// key is derived from the txid of that transaction.
    fn kit(&self, published: &Transaction) -> Option<Vec<u8>> {
        let txid = published.compute_txid();
        let txid: &[u8; 32] = txid.as_ref();
        let sealed = txid.first_chunk().and_then(|hint| self.entries.get(hint));
        sealed.into_iter().flatten().find_map(|sealed| open_blob(txid, sealed))
    }
}

impl Guard for KitGuard {
    fn claims(&self, view: View<'_>, _orders: &Orders) -> Result<Vec<Claim>, ChannelError> {
        let mut claims = Vec::new();
        for (published, height) in view.transactions() {
            let Some(kit) = self.kit(published) else { continue };
            // If a kit decrypts to invalid data, its client made a mistake. The tower still examines the other entries.
            let Ok((scripts, signatures)) = JusticeScripts::read(&kit) else { continue };
            let found = scripts.found(published, height).into_iter().zip(signatures);
            let spends = found.filter_map(|(found, signature)| {
                let (found, script) = found.filter(|(found, _)| view.is_unspent(&found.coin))?;
                Some((found, script, signature))
            });
            let mut spends: Vec<_> = spends.collect();
            // Whoever sees the signature for to_remote can spend that output in a large transaction. Replacing that
            // transaction would be expensive, and only to_local is at stake. The tower therefore takes to_local alone.
            if let [(local, ..), (remote, ..)] = spends.as_slice()
                && view.is_pending_without(&remote.coin, &local.coin)
            {
                spends.truncate(1);
            }
            claims.extend(scripts.claim(spends));
        }
        Ok(claims)
    }

    /// Returns an empty value, because nothing in a record of justice kits identifies the channel. Instead, the tower
    /// checks that a newer record begins with all entries of the older one.
    fn channel(&self) -> Vec<u8> {
        Vec::new()
    }

    fn rank(&self) -> Vec<u32> {
        vec![self.count]
    }
}

/// Keys and scripts with which the balances of a revoked commitment transaction are found and taken.
pub(super) struct JusticeScripts {
    pub(super) revocation: PublicKey,
    pub(super) delay: u16,
    pub(super) delayed: PublicKey,
    pub(super) payment: PublicKey,
    pub(super) payout: ScriptBuf,
}

/// Data to spend an output of a revoked commitment transaction: the witness script, the witness elements between the
/// signature and the script, and nSequence of the input.
type Spendable = (Vec<u8>, Vec<Vec<u8>>, u32);

impl JusticeScripts {
    /// Returns the data to spend the outputs of a revoked commitment transaction: first for to_local, then for
    /// to_remote.
    fn spendable(&self) -> [Spendable; 2] {
        let local = scripts::to_local(&self.revocation, self.delay, &self.delayed);
        [(local, vec![vec![1]], SEQUENCE_FREE), (scripts::to_remote_anchors(&self.payment), vec![], 1)]
    }

    /// Returns the to_local and the to_remote output of the commitment transaction `published`, each with the data to
    /// spend it. The element of an output that does not exist is `None`.
    fn found(&self, published: &Transaction, height: u32) -> [Option<(Found, Spendable)>; 2] {
        self.spendable().map(|spendable| {
            let found = outputs_to(published, height, &p2wsh(&spendable.0)).into_iter().next();
            found.map(|found| (found, spendable))
        })
    }

    /// Returns the output of a justice transaction that pays the balance in `found` to the client. Its amount is the
    /// balance minus the fee, at 2 sat/vB, of a transaction that takes only this balance.
    fn pays(&self, found: &Found) -> TxOut {
        let sat = found.out.value.to_sat();
        output(sat.saturating_sub(FEE).max(P2TR_DUST_LIMIT.min(sat)), self.payout.clone())
    }

    /// Serializes a justice kit with the client's signatures for to_local and to_remote. Each signature covers only its
    /// own input and output. So a tower can add an input that raises the fee, and can take one of the two outputs
    /// without the other.
    pub(super) fn kit(
        &self,
        commitment: &Transaction,
        keys: [SecretKey; 2],
    ) -> Result<Vec<u8>, ChannelError> {
        let mut signatures = [[0; 64]; 2];
        let found = self.found(commitment, 0).into_iter().zip(keys);
        for (signature, (found, key)) in signatures.iter_mut().zip(found) {
            let Some((found, (script, _, sequence))) = found else { continue };
            let tx = transaction(VERSION, 0, vec![input(found.coin, sequence)], vec![self.pays(&found)]);
            let kind = SIGHASH_SINGLE_ANYONECANPAY;
            let der = sign_segwit_v0(&tx, std::slice::from_ref(&found.out), 0, &script, &key, kind)?;
            let (_, der) = der.split_last().unwrap_or((&0, &[]));
            *signature = ecdsa::Signature::from_der(der)?.serialize_compact();
        }
        let mut kit = vec![u8::try_from(self.payout.len()).unwrap_or_default()];
        kit.extend_from_slice(self.payout.as_bytes());
        kit.resize(43, 0);
        kit.extend_from_slice(&self.revocation.serialize());
        kit.extend_from_slice(&self.delayed.serialize());
        kit.extend_from_slice(&u32::from(self.delay).to_be_bytes());
        let [local, remote] = signatures;
        kit.extend_from_slice(&local);
        kit.extend_from_slice(&self.payment.serialize());
        kit.extend_from_slice(&remote);
        Ok(kit)
    }

    /// Parses a decrypted justice kit. Returns its keys and scripts, and its two signatures: for to_local and for
    /// to_remote.
    fn read(kit: &[u8]) -> Result<(JusticeScripts, [[u8; 64]; 2]), ChannelError> {
        let damaged = || ChannelError::encoding(format!("a justice kit has {KIT} bytes"));
        let (address, rest) = kit.split_first_chunk::<43>().ok_or_else(damaged)?;
        let (revocation, rest) = rest.split_first_chunk::<33>().ok_or_else(damaged)?;
        let (delayed, rest) = rest.split_first_chunk::<33>().ok_or_else(damaged)?;
        let (delay, rest) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        let (local, rest) = rest.split_first_chunk::<64>().ok_or_else(damaged)?;
        let (payment, rest) = rest.split_first_chunk::<33>().ok_or_else(damaged)?;
        let remote: [u8; 64] = rest.try_into().map_err(|_| damaged())?;
        let [length, script @ ..] = address;
        let payout = script.get(..usize::from(*length)).ok_or_else(damaged)?;
        let scripts = JusticeScripts {
            revocation: PublicKey::from_slice(revocation)?,
            delay: u16::try_from(u32::from_be_bytes(*delay)).map_err(|_| damaged())?,
            delayed: PublicKey::from_slice(delayed)?,
            payment: PublicKey::from_slice(payment)?,
            payout: ScriptBuf::from(payout.to_vec()),
        };
        Ok((scripts, [*local, remote]))
    }

    /// Builds the justice transaction (as a [`Claim`]) that takes the outputs in `spends` with the given signatures.
    /// Returns `None` if to_local is not one of these outputs.
    fn claim(&self, spends: Vec<(Found, Spendable, [u8; 64])>) -> Option<Claim> {
        let coin = spends.first()?.0.coin;
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        let (mut prevouts, mut unlocks) = (Vec::new(), Vec::new());
        let mut taken = None;
        for (found, (script, selector, sequence), signature) in spends {
            let mut der = ecdsa::Signature::from_compact(&signature).ok()?.serialize_der().to_vec();
            der.push(SIGHASH_SINGLE_ANYONECANPAY);
            inputs.push(input(found.coin, sequence));
            outputs.push(self.pays(&found));
            // Only to_local has witness elements between signature and script. The publisher can take to_local after
            // the delay.
            if !selector.is_empty() {
                let after = found.height.saturating_add(self.delay.into());
                taken = Some((found.out.value.to_sat(), after));
            }
            let witness = std::iter::once(der).chain(selector).chain([script]).collect();
            unlocks.push(Unlock::complete(witness));
            prevouts.push(found.out);
        }
        let tx = transaction(VERSION, 0, inputs, outputs);
        let draft = Draft { label: "justice", tx, prevouts, unlocks };
        // Nobody but the client can take to_remote, so a transaction for to_remote alone is not worth a fee.
        let (stake, deadline) = taken?;
        Some(Claim::new(Purpose::Answer, coin, draft, Pays::Input, stake).before(deadline))
    }
}

/// Encrypts a justice kit and returns it as an entry of a tower's record. The entry is the hint (the first 16 bytes of
/// the txid), a nonce of 24 bytes, the ciphertext and a tag of 16 bytes. The cipher is XChaCha20-Poly1305 with a key
/// derived from the whole txid.
///
/// # Errors
///
/// [`ChannelError::Refused`] if the cipher fails, which does not happen for kits of this size.
pub fn justice_blob(txid: &[u8; 32], kit: &[u8]) -> Result<Vec<u8>, ChannelError> {
    let (key, nonce) = blob_key(txid);
    let cipher = XChaCha20Poly1305::new(&key);
    let sealed =
        cipher.encrypt(&nonce, kit).map_err(|_| ChannelError::refused("the kit cannot be encrypted"))?;
    Ok([txid.get(..HINT).unwrap_or_default(), nonce.as_slice(), &sealed].concat())
}

/// Derives the encryption key and the nonce of a justice kit from the txid of the revoked commitment transaction. A key
/// encrypts only one kit, so the nonce need not be random.
fn blob_key(txid: &[u8; 32]) -> (Key, XNonce) {
    let key = crate::keys::tagged_hash("sigstack/justice-kit", &[txid]);
    let nonce = crate::keys::tagged_hash("sigstack/justice-kit/nonce", &[txid]);
    let nonce: [u8; 24] = std::array::from_fn(|nth| nonce.get(nth).copied().unwrap_or_default());
    (Key::from(key), XNonce::from(nonce))
}

fn open_blob(txid: &[u8; 32], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_first_chunk::<24>()?;
    XChaCha20Poly1305::new(&blob_key(txid).0).decrypt(&XNonce::from(*nonce), sealed).ok()
}
