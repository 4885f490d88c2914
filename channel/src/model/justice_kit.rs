//! Justice kits of LN-penalty's towers: what a tower needs to take the balances of one revoked commitment, encrypted under its txid.
//!
//! Sizes and encryption are lnd's; the order of the fields is this project's own.

use std::collections::BTreeMap;

use bitcoin::{OutPoint, Transaction};
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use secp256k1::{PublicKey, ecdsa};

use super::Step;
use crate::bolt3::{SIGHASH_ALL, scripts};
use crate::error::ChannelError;
use crate::publish::{Claim, Draft, Guard, Orders, Pays, Purpose, View};
use crate::records::RecordKind;
use crate::tx::{SEQUENCE_FREE, input, outpoint, output, p2wsh, set_witness, transaction};

/// Bytes of a justice kit (lnd, version 0): address 43, two keys 66, delay 4, signature 64, key 33, signature 64.
pub(super) const KIT: usize = 274;
/// Bytes of the hint by which a tower finds a kit.
const HINT: usize = 16;
/// Bytes of an entry: hint, nonce, ciphertext, tag.
const ENTRY: usize = HINT + 24 + KIT + 16;

/// The fee of a justice transaction with so many inputs, 2 sat/vB.
pub(super) const fn justice_fee(inputs: u64) -> u64 {
    2 * (60 + 110 * inputs)
}

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

    /// The justice of the kit that a transaction opens, if one does.
    fn justice(&self, published: &Transaction) -> Result<Option<Step>, ChannelError> {
        let txid = published.compute_txid();
        let txid: &[u8; 32] = txid.as_ref();
        let sealed = txid.first_chunk().and_then(|hint| self.entries.get(hint));
        let kit = sealed.into_iter().flatten().find_map(|sealed| open_blob(txid, sealed));
        kit.map_or(Ok(None), |kit| act(published, &kit))
    }
}

impl Guard for KitGuard {
    fn claims(&self, view: View<'_>, _orders: &Orders) -> Result<Vec<Claim>, ChannelError> {
        let mut claims = Vec::new();
        for (published, _) in view.transactions() {
            // A kit that opens to something else is its client's fault, and no reason to look away from the other entries.
            let Ok(Some(step)) = self.justice(published) else { continue };
            let coins = step.tx.input.iter().map(|input| input.previous_output);
            let unspent = coins.clone().all(|coin| view.is_unspent(&coin));
            if let (Some(coin), true) = (coins.clone().next(), unspent) {
                let stake =
                    step.prevouts.iter().fold(0u64, |sum, out| sum.saturating_add(out.value.to_sat()));
                claims.push(Claim::new(Purpose::Answer, coin, Draft::of(step), Pays::Fixed, stake));
            }
        }
        Ok(claims)
    }

    fn funding(&self) -> Option<OutPoint> {
        None
    }

    fn rank(&self) -> Vec<u32> {
        vec![self.count]
    }
}

/// What a tower does with a kit: the same transaction as the client signed.
fn act(published: &Transaction, kit: &[u8]) -> Result<Option<Step>, ChannelError> {
    let damaged = || ChannelError::encoding("a justice kit has 274 bytes");
    let (address, rest) = kit.split_at_checked(43).ok_or_else(damaged)?;
    let (revocation, rest) = rest.split_at_checked(33).ok_or_else(damaged)?;
    let (delayed, rest) = rest.split_at_checked(33).ok_or_else(damaged)?;
    let (delay, rest) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
    let (local_signature, rest) = rest.split_at_checked(64).ok_or_else(damaged)?;
    let (payment, remote_signature) = rest.split_at_checked(33).ok_or_else(damaged)?;
    let length = usize::from(*address.first().ok_or_else(damaged)?);
    let payout = address.get(1..1 + length).ok_or_else(damaged)?.to_vec();
    let delay = u16::try_from(u32::from_be_bytes(*delay)).map_err(|_| damaged())?;
    let local =
        scripts::to_local(&PublicKey::from_slice(revocation)?, delay, &PublicKey::from_slice(delayed)?);
    let remote = scripts::to_remote_anchors(&PublicKey::from_slice(payment)?);
    let der = |compact: &[u8]| -> Result<Vec<u8>, ChannelError> {
        let mut bytes = ecdsa::Signature::from_compact(compact)?.serialize_der().to_vec();
        bytes.push(SIGHASH_ALL);
        Ok(bytes)
    };
    let (mut inputs, mut prevouts, mut witnesses) = (Vec::new(), Vec::new(), Vec::new());
    let find = |script: &[u8]| {
        let spk = p2wsh(script);
        (0..).zip(&published.output).find(|(_, out)| out.script_pubkey == spk)
    };
    if let Some((vout, out)) = find(&local) {
        inputs.push(input(outpoint(published, vout), SEQUENCE_FREE));
        prevouts.push(out.clone());
        witnesses.push(vec![der(local_signature)?, vec![1], local.clone()]);
    }
    if let Some((vout, out)) = find(&remote) {
        inputs.push(input(outpoint(published, vout), 1));
        prevouts.push(out.clone());
        witnesses.push(vec![der(remote_signature)?, remote.clone()]);
    }
    if inputs.is_empty() {
        return Ok(None);
    }
    let sum = prevouts.iter().fold(0u64, |sum, out| sum.saturating_add(out.value.to_sat()));
    let fee = justice_fee(prevouts.len() as u64);
    let mut tx = transaction(2, 0, inputs, vec![output(sum.saturating_sub(fee), payout.into())]);
    for (nth, witness) in witnesses.iter().enumerate() {
        set_witness(&mut tx, nth, witness);
    }
    Ok(Some(Step { label: "justice", tx, prevouts }))
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
