//! The commitment transactions of LN-penalty, and the transactions that spend their outputs.

use bitcoin::{OutPoint, Script, ScriptBuf, Transaction, TxOut};
use secp256k1::{PublicKey, SecretKey};

use super::super::{Content, Htlc};
use crate::bolt3::{
    CommitmentKeys, CommitmentOutput, CommitmentParams, Format, HtlcDirection, LnHtlc, derive_public,
    htlc_output_script, htlc_transaction, revocation_public, scripts,
};
use crate::error::ChannelError;
use crate::publish::{Draft, Found, Signer, Unlock};
use crate::tx::{SEQUENCE_FREE, hash160, input, outpoint, output, p2wpkh, p2wsh, transaction};

/// Feerate of LN-penalty commitment transactions in all formats except the zero-fee format, in satoshi per 1,000 weight
/// units.
pub(super) const FEERATE: u64 = 500;

/// Base points and funding public key of one party in an LN-penalty channel (BOLT 3).
#[derive(Clone, Copy, Debug)]
pub(super) struct Points {
    pub(super) payment: PublicKey,
    pub(super) delayed: PublicKey,
    pub(super) htlc: PublicKey,
    pub(super) revocation: PublicKey,
    pub(super) funding: PublicKey,
}

/// Data that both parties know and from which all commitment transactions of an LN-penalty channel are built. The
/// per-commitment points and the channel state are passed separately.
#[derive(Clone, Debug)]
pub(super) struct Versions {
    pub(super) format: Format,
    pub(super) dust: u64,
    pub(super) delay: u16,
    pub(super) mask: u64,
    pub(super) points: [Points; 2],
}

/// The commitment transaction of one party for one state, with the data to sign it and to spend its outputs.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) owner: usize,
    pub(super) point: PublicKey,
    pub(super) tx: Transaction,
    pub(super) outputs: Vec<CommitmentOutput>,
    pub(super) keys: CommitmentKeys,
    pub(super) htlcs: Vec<Htlc>,
    pub(super) format: Format,
    pub(super) delay: u16,
}

impl Versions {
    fn points(&self, party: usize) -> &Points {
        let [first, second] = &self.points;
        if party == 0 { first } else { second }
    }

    /// Returns the keys that a commitment transaction of `owner` contains. They are derived from the per-commitment
    /// point `point`.
    pub(super) fn keys(&self, owner: usize, point: &PublicKey) -> Result<CommitmentKeys, ChannelError> {
        let (own, peer) = (self.points(owner), self.points(1 - owner.min(1)));
        Ok(CommitmentKeys {
            revocation: revocation_public(&peer.revocation, point)?,
            local_delayed: derive_public(&own.delayed, point)?,
            local_htlc: derive_public(&own.htlc, point)?,
            remote_htlc: derive_public(&peer.htlc, point)?,
            remote_payment: peer.payment,
            local_funding: own.funding,
            remote_funding: peer.funding,
        })
    }

    /// Builds the commitment transaction of `owner` for the state `number`. `point` is the owner's per-commitment point
    /// for this state.
    pub(super) fn version(
        &self,
        funding: OutPoint,
        (owner, number): (usize, u32),
        point: &PublicKey,
        content: &Content,
    ) -> Result<Version, ChannelError> {
        let keys = self.keys(owner, point)?;
        let htlcs: Vec<LnHtlc> = content.htlcs.iter().map(|htlc| ln_htlc(owner, htlc)).collect();
        let balance =
            |party: usize| content.balances.get(party).copied().unwrap_or_default().saturating_mul(1000);
        let params = CommitmentParams {
            funding,
            number: number.into(),
            mask: self.mask,
            keys: &keys,
            to_self_delay: self.delay,
            dust_limit: self.dust,
            feerate_per_kw: FEERATE,
            to_local_msat: balance(owner),
            to_remote_msat: balance(1 - owner.min(1)),
            htlcs: &htlcs,
            format: self.format,
            owner_is_opener: owner == 0,
        };
        let built = params.build();
        Ok(Version {
            owner,
            point: *point,
            tx: built.tx,
            outputs: built.outputs,
            htlcs: content.htlcs.clone(),
            keys,
            format: self.format,
            delay: self.delay,
        })
    }
}

impl Version {
    /// Returns the index of the first output of this kind in the commitment transaction. Returns `None` if there is no
    /// such output.
    pub(super) fn place_of(&self, kind: CommitmentOutput) -> Option<u32> {
        (0..).zip(&self.outputs).find(|(_, other)| **other == kind).map(|(vout, _)| vout)
    }

    /// Returns the HTLC outputs of the commitment transaction. Each is given as its output index and its HTLC.
    pub(super) fn htlc_places(&self) -> impl Iterator<Item = (u32, &Htlc)> {
        (0..).zip(&self.outputs).filter_map(|(vout, kind)| match kind {
            CommitmentOutput::Htlc(place) => self.htlcs.get(*place).map(|htlc| (vout, htlc)),
            _ => None,
        })
    }

    /// Returns the output with index `vout` of the commitment transaction, with its outpoint. `height` is the height at
    /// which the commitment transaction confirmed.
    pub(super) fn found(&self, vout: u32, height: u32) -> Result<Found, ChannelError> {
        let out = usize::try_from(vout).ok().and_then(|vout| self.tx.output.get(vout));
        let out = out.cloned().ok_or_else(|| ChannelError::refused("no such output"))?;
        Ok(Found { coin: outpoint(&self.tx, vout), out, height })
    }

    /// Returns the witness script of the to_local output. The outputs of second-stage transactions for HTLCs have the
    /// same script.
    pub(super) fn local_script(&self) -> Vec<u8> {
        scripts::to_local(&self.keys.revocation, self.delay, &self.keys.local_delayed)
    }

    /// Returns the witness script of the output that this commitment transaction has for an HTLC.
    pub(super) fn htlc_script(&self, htlc: &Htlc) -> Vec<u8> {
        htlc_script(&self.keys, (self.owner, self.format), htlc)
    }

    /// Builds the second-stage transaction (HTLC-success or HTLC-timeout) that spends an HTLC output, without its
    /// witness.
    pub(super) fn htlc_tx(&self, vout: u32, htlc: &Htlc) -> Transaction {
        let params = CommitmentParams {
            funding: OutPoint::null(),
            number: 0,
            mask: 0,
            keys: &self.keys,
            to_self_delay: self.delay,
            dust_limit: 0,
            feerate_per_kw: FEERATE,
            to_local_msat: 0,
            to_remote_msat: 0,
            htlcs: &[],
            format: self.format,
            owner_is_opener: true,
        };
        htlc_transaction(&params, &self.tx, vout, &ln_htlc(self.owner, htlc))
    }

    /// Builds the second-stage transaction with which the owner of the commitment transaction claims an HTLC output:
    /// HTLC-success if `preimage` is given, HTLC-timeout otherwise. `remote` is the peer's signature, and `own` is the
    /// owner's HTLC key.
    pub(super) fn second_stage(
        &self,
        (vout, htlc): (u32, &Htlc),
        remote: &[u8],
        own: SecretKey,
        preimage: Option<&[u8; 32]>,
    ) -> Result<Draft, ChannelError> {
        let script = self.htlc_script(htlc);
        let shown = preimage.map(|preimage| preimage.to_vec()).unwrap_or_default();
        let witness = vec![vec![], remote.to_vec(), vec![], shown, script.clone()];
        let unlock = Unlock::signed(Signer::WitnessScript(own, script), witness, 2);
        let label = if htlc.from == self.owner { "HTLC-timeout" } else { "HTLC-success" };
        let prevouts = vec![self.found(vout, 0)?.out];
        Ok(Draft { label, tx: self.htlc_tx(vout, htlc), prevouts, unlocks: vec![unlock] })
    }

    /// Builds the transaction with which the peer of the commitment transaction's owner claims an HTLC output, without
    /// a second stage. If `preimage` is given, the witness contains it. Otherwise the transaction is valid after the
    /// expiry.
    pub(super) fn direct_claim(
        &self,
        (vout, htlc): (u32, &Htlc),
        key: SecretKey,
        payout: &Script,
        preimage: Option<&[u8; 32]>,
    ) -> Result<Draft, ChannelError> {
        let lock_time = if preimage.is_some() { 0 } else { htlc.expiry };
        let shown = preimage.map(|preimage| preimage.to_vec()).unwrap_or_default();
        let script = self.htlc_script(htlc);
        let witness = vec![vec![], shown, script.clone()];
        let sequence = if self.format.one_block_lock() { 1 } else { SEQUENCE_FREE };
        let unlock = Unlock::signed(Signer::WitnessScript(key, script), witness, 0);
        Ok(take("HTLC claim", lock_time, vec![(self.found(vout, 0)?, sequence, unlock)], payout))
    }

    /// Builds the transaction with which the owner of the commitment transaction takes its to_local output after the
    /// delay. The output of one of its second-stage transactions can be taken in the same way.
    pub(super) fn delayed(&self, found: &Found, key: SecretKey, payout: &Script) -> Draft {
        let script = self.local_script();
        let witness = vec![vec![], vec![], script.clone()];
        let unlock = Unlock::signed(Signer::WitnessScript(key, script), witness, 0);
        take("to_local", 0, vec![(found.clone(), self.delay.into(), unlock)], payout)
    }
}

/// Returns the script of a to_remote output, the nSequence of an input that spends it, and the data for the witness of
/// that input. `payment` is the secret key of the party that the output pays.
pub(super) fn to_remote(format: Format, payment: &SecretKey) -> (ScriptBuf, u32, Unlock) {
    let public = payment.public_key();
    let unlock = |script: Vec<u8>, last: Vec<u8>| {
        Unlock::signed(Signer::WitnessScript(*payment, script), vec![vec![], last], 0)
    };
    if format.one_block_lock() {
        let script = scripts::to_remote_anchors(&public);
        return (p2wsh(&script), 1, unlock(script.clone(), script));
    }
    // For a P2WPKH output the signature commits to the script of P2PKH (BIP 143).
    let key = public.serialize();
    let code = [&[0x76, 0xa9, 0x14][..], &hash160(&key), &[0x88, 0xac]].concat();
    (p2wpkh(&key), SEQUENCE_FREE, unlock(code, key.to_vec()))
}

/// Builds an unsigned transaction that spends all outputs in `spends` to the script `payout`. Each of them is given
/// with its nSequence and the data for its witness.
pub(super) fn take(
    label: &'static str,
    lock_time: u32,
    spends: Vec<(Found, u32, Unlock)>,
    payout: &Script,
) -> Draft {
    let sum = spends.iter().fold(0u64, |sum, (found, _, _)| sum.saturating_add(found.out.value.to_sat()));
    let inputs = spends.iter().map(|(found, sequence, _)| input(found.coin, *sequence)).collect();
    let prevouts: Vec<TxOut> = spends.iter().map(|(found, _, _)| found.out.clone()).collect();
    let tx = transaction(2, lock_time, inputs, vec![output(sum, ScriptBuf::from(payout))]);
    Draft { label, tx, prevouts, unlocks: spends.into_iter().map(|(_, _, unlock)| unlock).collect() }
}

/// Returns the witness script of the output that a commitment transaction of `owner` has for an HTLC.
pub(super) fn htlc_script(keys: &CommitmentKeys, (owner, format): (usize, Format), htlc: &Htlc) -> Vec<u8> {
    htlc_output_script(keys, &ln_htlc(owner, htlc), format)
}

/// Converts an HTLC to the type with which commitment transactions are built. The HTLC counts as offered if the party
/// `owner` of the commitment transaction sends it, and as received otherwise.
fn ln_htlc(owner: usize, htlc: &Htlc) -> LnHtlc {
    LnHtlc {
        direction: if htlc.from == owner { HtlcDirection::Offered } else { HtlcDirection::Received },
        amount_msat: htlc.sat.saturating_mul(1000),
        expiry: htlc.expiry,
        payment_hash: htlc.payment_hash,
    }
}
