//! Justice kits of LN-penalty's towers: what a tower needs to take the balances of one revoked commitment, encrypted under its txid.
//!
//! Sizes and encryption are lnd's; the order of the fields is this project's own, and so is the hash type: with SINGLE|ANYONECANPAY a tower
//! can raise the fee by an input of its own. Kits know nothing of HTLCs: a tower does not take them, nor their second stages.

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

/// Bytes of a justice kit (lnd, version 0): address 43, two keys 66, delay 4, signature 64, key 33, signature 64.
const KIT: usize = 274;
/// The fee of a transaction that takes one balance, 2 sat/vB.
const FEE: u64 = 2 * 135;
/// Whoever sees a tower's transaction can add inputs and outputs to it and hang a child on it: version 3 bounds both.
const VERSION: i32 = 3;
/// Bytes of the hint by which a tower finds a kit.
const HINT: usize = 16;
/// Bytes of an entry: hint, nonce, ciphertext, tag.
const ENTRY: usize = HINT + 24 + KIT + 16;

/// A tower's entries, one for each revoked commitment. Kits take the balances: they know nothing of HTLCs.
#[derive(Clone, Debug)]
pub(super) struct KitGuard {
    /// Ciphertexts by their hints. Two hints may be equal.
    entries: BTreeMap<[u8; HINT], Vec<Vec<u8>>>,
    count: u32,
}

impl KitGuard {
    /// The guard of a record: whole entries.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Encoding`] if an entry is cut off.
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

    /// The kit that a transaction opens, if one does.
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
            // A kit that opens to something else is its client's fault, and no reason to look away from the other entries.
            let Ok((scripts, signatures)) = JusticeScripts::read(&kit) else { continue };
            let found = scripts.found(published, height).into_iter().zip(signatures);
            let spends = found.filter_map(|(found, signature)| {
                let (found, script) = found.filter(|(found, _)| view.is_unspent(&found.coin))?;
                Some((found, script, signature))
            });
            claims.extend(scripts.claim(spends.collect()));
        }
        Ok(claims)
    }

    /// A record grows: its entries stay.
    fn channel(&self) -> Vec<u8> {
        Vec::new()
    }

    fn rank(&self) -> Vec<u32> {
        vec![self.count]
    }
}

/// What the balances of a revoked commitment are found and taken by.
pub(super) struct JusticeScripts {
    pub(super) revocation: PublicKey,
    pub(super) delay: u16,
    pub(super) delayed: PublicKey,
    pub(super) payment: PublicKey,
    pub(super) payout: ScriptBuf,
}

/// A witness script, what stands below it beside the signature, and nSequence of the input.
type Spendable = (Vec<u8>, Vec<Vec<u8>>, u32);

impl JusticeScripts {
    /// to_local and to_remote.
    fn spendable(&self) -> [Spendable; 2] {
        let local = scripts::to_local(&self.revocation, self.delay, &self.delayed);
        [(local, vec![vec![1]], SEQUENCE_FREE), (scripts::to_remote_anchors(&self.payment), vec![], 1)]
    }

    /// The outputs of a commitment that the scripts are for.
    fn found(&self, published: &Transaction, height: u32) -> [Option<(Found, Spendable)>; 2] {
        self.spendable().map(|spendable| {
            let found = outputs_to(published, height, &p2wsh(&spendable.0)).into_iter().next();
            found.map(|found| (found, spendable))
        })
    }

    /// What an output pays to the client when it is taken. The fee is 2 sat/vB of a transaction of its own.
    fn pays(&self, found: &Found) -> TxOut {
        let sat = found.out.value.to_sat();
        output(sat.saturating_sub(FEE).max(P2TR_DUST_LIMIT.min(sat)), self.payout.clone())
    }

    /// The bytes of a kit, with the signatures of both outputs. Each signs its own input and output alone: a tower can add an input
    /// that raises the fee, and one output can be taken without the other.
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

    /// Reads a kit.
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

    /// The claim of the outputs that are there, with their signatures; none without to_local.
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
            // to_local, which the publisher takes after the delay.
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
        // Nobody but the client takes to_remote: alone it is no reason to pay.
        let (stake, deadline) = taken?;
        Some(Claim::new(Purpose::Answer, coin, draft, Pays::Input, stake).before(deadline))
    }
}

/// An entry of a tower: 16 bytes of the txid as the hint, then the kit encrypted with XChaCha20-Poly1305 under a key that
/// the whole txid gives: nonce 24, ciphertext, tag 16.
///
/// # Errors
///
/// [`ChannelError::Refused`] if the cipher does, which it does not for such sizes.
pub fn justice_blob(txid: &[u8; 32], kit: &[u8]) -> Result<Vec<u8>, ChannelError> {
    let (key, nonce) = blob_key(txid);
    let cipher = XChaCha20Poly1305::new(&key);
    let sealed =
        cipher.encrypt(&nonce, kit).map_err(|_| ChannelError::refused("the kit cannot be encrypted"))?;
    Ok([txid.get(..HINT).unwrap_or_default(), nonce.as_slice(), &sealed].concat())
}

/// The key is a hash of the txid. So is the nonce here: a key encrypts one kit only.
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
