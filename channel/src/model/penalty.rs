//! LN-penalty: BOLT 3's transactions, revoked by secrets.

use std::collections::BTreeMap;

use bitcoin::{OutPoint, Transaction, TxOut};
use secp256k1::{PublicKey, SecretKey, ecdsa};
use sigstack_interpreter::Flags;
use sigstack_policy::limits::MAX_TX_WEIGHT;

use super::accept::{
    Accepted, MAX_TRUC_WEIGHT, OUTPUT_WEIGHT, OpenerCosts, Size, Terms, blocks_until_claimed,
};
use super::content::History;
use super::justice_kit::{justice_blob, justice_fee};
use super::known::{Held, Known};
use super::{Construction, Content, Facts, Htlc, PartyKeys, Setup, Step, TowerTerms, UpdateCost};
use crate::bolt3::{
    CommitmentKeys, CommitmentOutput, CommitmentParams, Format, HtlcDirection, LnHtlc, MAX_INDEX,
    SIGHASH_ALL, SecretStore, commitment_number, derive_private, derive_public, derive_secret,
    htlc_output_script, htlc_transaction, number_mask, revocation_private, revocation_public, scripts,
    sign_segwit_v0,
};
use crate::error::ChannelError;
use crate::records::RecordKind;
use crate::tx::{
    P2A_DUST_LIMIT, P2TR_DUST_LIMIT, SEQUENCE_FREE, input, outpoint, output, p2wsh, set_witness, transaction,
};

/// Satoshi per 1,000 WU that commitments with a fee pay.
const FEERATE: u64 = 500;
/// The fee of the transaction that takes to_local after the delay, 2 sat/vB.
const SWEEP_FEE: u64 = 2 * 134;
/// The fee of the other side's claim of an HTLC, 2 sat/vB.
const CLAIM_FEE: u64 = 2 * 160;
/// The dust limit that both sides agreed on: an output that is not below it can be swept, claimed or taken, and leaves more than dust.
const DUST: u64 = P2TR_DUST_LIMIT + most(justice_fee(1), most(SWEEP_FEE, CLAIM_FEE));
/// Weight of the witness of two signatures that spends the funding output, with marker and flag (BOLT 3 appendix A).
const FUNDING_WITNESS_WEIGHT: u64 = 2 + 220;
/// Maximum satoshi that may go to fees because they are too small for an output. In the zero-fee form the P2A takes them.
const MOST_TRIMMED: u64 = 5_000;
/// Maximum number of HTLCs that one side offers (BOLT 2 `max_accepted_htlcs`).
const MOST_OFFERED: usize = 483;

const fn most(a: u64, b: u64) -> u64 {
    if a > b { a } else { b }
}

/// The conditions for a state: both commitments are right.
fn terms(format: Format, setup: &Setup) -> Terms {
    let least = |direction| DUST + format.htlc_fee(direction, FEERATE);
    let (frame, trimmed, most, feerate_per_kw) = match format {
        Format::ZeroFee => (format.commitment_weight(), P2A_DUST_LIMIT, MAX_TRUC_WEIGHT, 0),
        _ => (format.commitment_weight(), MOST_TRIMMED, MAX_TX_WEIGHT, FEERATE),
    };
    Terms {
        least_balance: DUST,
        least_htlc: [least(HtlcDirection::Offered), least(HtlcDirection::Received)],
        most_trimmed: trimmed,
        most_offered: MOST_OFFERED,
        opener: OpenerCosts { feerate_per_kw, anchors: format.anchors() },
        // BOLT 3's weight has both balances.
        size: Size { frame, balance: 0, htlc: OUTPUT_WEIGHT, most },
        // A claim does not wait for the delay: its second stage does.
        ..setup.settlement_terms(frame, blocks_until_claimed(0, 3))
    }
}

/// A party's base secrets.
struct Base {
    payment: SecretKey,
    delayed: SecretKey,
    htlc: SecretKey,
    revocation: SecretKey,
    commitments: [u8; 32],
}

impl core::fmt::Debug for Base {
    /// Does not print the secrets.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Base").finish_non_exhaustive()
    }
}

impl Base {
    /// The base secrets of a party in one channel (BOLT 3 "Key Derivation"). They depend on the bytes that the party drew for this
    /// channel: base points and per-commitment secrets of two channels are never the same.
    fn new(party: &PartyKeys) -> Result<Base, ChannelError> {
        let key = |purpose: &str| Ok::<_, ChannelError>(SecretKey::from_secret_bytes(party.secret(purpose))?);
        Ok(Base {
            payment: key("ln/payment")?,
            delayed: key("ln/delayed")?,
            htlc: key("ln/htlc")?,
            revocation: key("ln/revocation")?,
            commitments: party.secret("ln/commitments"),
        })
    }

    fn commitment_secret(&self, number: u32) -> Result<SecretKey, ChannelError> {
        let secret = derive_secret(&self.commitments, 48, MAX_INDEX.saturating_sub(number.into()));
        Ok(SecretKey::from_secret_bytes(secret)?)
    }
}

/// What a party keeps.
#[derive(Debug, Default)]
struct Kept {
    secrets: SecretStore,
    /// HTLCs of the peer's revoked commitments: their scripts cannot be rebuilt without.
    revoked: BTreeMap<u32, Vec<Htlc>>,
    /// The peer's signatures of the newest own commitment and its HTLC transactions.
    signatures: Vec<Vec<u8>>,
    /// For its tower: a hint and an encrypted kit for each revoked commitment.
    blobs: Vec<u8>,
}

/// A two-party channel as BOLT 3 has it.
#[derive(Debug)]
pub struct LnPenalty {
    setup: Setup,
    format: Format,
    bases: Vec<Base>,
    kept: Vec<Kept>,
    mask: u64,
    funding_script: Vec<u8>,
    funding_output: TxOut,
    history: History<()>,
}

/// A commitment with what is needed to sign and spend it.
struct Version {
    tx: Transaction,
    outputs: Vec<CommitmentOutput>,
    keys: CommitmentKeys,
    htlcs: Vec<LnHtlc>,
}

impl LnPenalty {
    /// A channel of two parties, the first of which opened it.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] unless there are two parties and the content is right.
    pub fn new(setup: Setup, format: Format, first: Content) -> Result<LnPenalty, ChannelError> {
        let [a, b] = setup.parties.as_slice() else {
            return Err(ChannelError::refused("LN-penalty is between two parties"));
        };
        let first = first.accept(&terms(format, &setup), setup.height)?;
        let bases = vec![Base::new(a)?, Base::new(b)?];
        let points = |base: &Base| base.payment.public_key();
        let mask = match bases.as_slice() {
            [opener, other] => number_mask(&points(opener), &points(other)),
            _ => 0,
        };
        let funding_script = scripts::funding(&a.funding.public_key(), &b.funding.public_key());
        let funding_output = output(setup.capacity, p2wsh(&funding_script));
        let kept = vec![Kept::default(), Kept::default()];
        Ok(LnPenalty {
            setup,
            format,
            bases,
            kept,
            mask,
            funding_script,
            funding_output,
            history: History::new(first),
        })
    }

    fn base(&self, party: usize) -> Result<&Base, ChannelError> {
        self.bases.get(party).ok_or_else(|| ChannelError::refused(format!("there is no party {party}")))
    }

    fn keys(&self, owner: usize, point: &PublicKey) -> Result<CommitmentKeys, ChannelError> {
        let other = 1 - owner.min(1);
        let (own, peer) = (self.base(owner)?, self.base(other)?);
        Ok(CommitmentKeys {
            revocation: revocation_public(&peer.revocation.public_key(), point)?,
            local_delayed: derive_public(&own.delayed.public_key(), point)?,
            local_htlc: derive_public(&own.htlc.public_key(), point)?,
            remote_htlc: derive_public(&peer.htlc.public_key(), point)?,
            remote_payment: peer.payment.public_key(),
            local_funding: self.setup.party(owner)?.funding.public_key(),
            remote_funding: self.setup.party(other)?.funding.public_key(),
        })
    }

    fn with_params<T>(
        &self,
        owner: usize,
        number: u32,
        content: &Content,
        use_params: impl FnOnce(&CommitmentParams<'_>) -> T,
    ) -> Result<(T, CommitmentKeys, Vec<LnHtlc>), ChannelError> {
        let point = self.base(owner)?.commitment_secret(number)?.public_key();
        let keys = self.keys(owner, &point)?;
        let htlcs: Vec<LnHtlc> = content.htlcs.iter().map(|htlc| ln_htlc(owner, htlc)).collect();
        let balance =
            |party: usize| content.balances.get(party).copied().unwrap_or_default().saturating_mul(1000);
        let params = CommitmentParams {
            funding: self.setup.funding,
            number: number.into(),
            mask: self.mask,
            keys: &keys,
            to_self_delay: self.setup.delay,
            dust_limit: DUST,
            feerate_per_kw: FEERATE,
            to_local_msat: balance(owner),
            to_remote_msat: balance(1 - owner.min(1)),
            htlcs: &htlcs,
            format: self.format,
            owner_is_opener: owner == 0,
        };
        let made = use_params(&params);
        Ok((made, keys, htlcs))
    }

    fn version(&self, owner: usize, number: u32, content: &Content) -> Result<Version, ChannelError> {
        let (built, keys, htlcs) = self.with_params(owner, number, content, |params| params.build())?;
        Ok(Version { tx: built.tx, outputs: built.outputs, keys, htlcs })
    }

    fn funding_signature(&self, party: usize, tx: &Transaction) -> Result<Vec<u8>, ChannelError> {
        let secret = self.setup.party(party)?.funding.secret_key();
        let prevouts = std::slice::from_ref(&self.funding_output);
        sign_segwit_v0(tx, prevouts, 0, &self.funding_script, &secret, SIGHASH_ALL)
    }

    /// Signs a spend of the funding output by both.
    fn spend_funding(&self, label: &'static str, mut tx: Transaction) -> Result<Step, ChannelError> {
        let (a, b) = (self.funding_signature(0, &tx)?, self.funding_signature(1, &tx)?);
        let key = |party: usize| self.setup.party(party).map(|party| party.funding.public_key().serialize());
        let (first, second) = if key(0)? < key(1)? { (a, b) } else { (b, a) };
        set_witness(&mut tx, 0, &[vec![], first, second, self.funding_script.clone()]);
        Ok(Step { label, tx, prevouts: vec![self.funding_output.clone()] })
    }

    /// The peer's signatures of a version: the commitment and an HTLC transaction for each output.
    fn peer_signatures(
        &self,
        owner: usize,
        number: u32,
        content: &Accepted,
    ) -> Result<Vec<Vec<u8>>, ChannelError> {
        let version = self.version(owner, number, content)?;
        let mut signatures = vec![self.funding_signature(1 - owner.min(1), &version.tx)?];
        for (vout, kind) in (0..).zip(&version.outputs) {
            if let CommitmentOutput::Htlc(place) = kind
                && let Some(htlc) = version.htlcs.get(*place)
            {
                let (tx, prevout, script) = self.htlc_tx(owner, number, content, &version, vout, htlc)?;
                let secret = self.htlc_secret(1 - owner.min(1), owner, number)?;
                let kind = self.format.remote_htlc_sighash();
                signatures.push(sign_segwit_v0(&tx, &[prevout], 0, &script, &secret, kind)?);
            }
        }
        Ok(signatures)
    }

    fn htlc_tx(
        &self,
        owner: usize,
        number: u32,
        content: &Content,
        version: &Version,
        vout: u32,
        htlc: &LnHtlc,
    ) -> Result<(Transaction, TxOut, Vec<u8>), ChannelError> {
        let build = |params: &CommitmentParams<'_>| htlc_transaction(params, &version.tx, vout, htlc);
        let (tx, keys, _) = self.with_params(owner, number, content, build)?;
        let script = htlc_output_script(&keys, htlc, self.format);
        let found = usize::try_from(vout).ok().and_then(|vout| version.tx.output.get(vout));
        let prevout = found.cloned().ok_or_else(|| ChannelError::refused("no such output"))?;
        Ok((tx, prevout, script))
    }

    /// A party's HTLC key in a version of `owner`.
    fn htlc_secret(&self, party: usize, owner: usize, number: u32) -> Result<SecretKey, ChannelError> {
        let point = self.base(owner)?.commitment_secret(number)?.public_key();
        derive_private(&self.base(party)?.htlc, &point)
    }

    /// The owner takes its balance after the delay.
    fn sweep_local(
        &self,
        owner: usize,
        number: u32,
        version: &Version,
    ) -> Result<Option<Step>, ChannelError> {
        let Some(vout) = place_of(&version.outputs, CommitmentOutput::ToLocal) else { return Ok(None) };
        let point = self.base(owner)?.commitment_secret(number)?.public_key();
        let secret = derive_private(&self.base(owner)?.delayed, &point)?;
        let script =
            scripts::to_local(&version.keys.revocation, self.setup.delay, &version.keys.local_delayed);
        let prevout = out_at(&version.tx, vout)?;
        let pays = output(prevout.value.to_sat().saturating_sub(SWEEP_FEE), self.payout(owner)?);
        let spent = input(outpoint(&version.tx, vout), self.setup.delay.into());
        let mut tx = transaction(2, 0, vec![spent], vec![pays]);
        let signature =
            sign_segwit_v0(&tx, std::slice::from_ref(&prevout), 0, &script, &secret, SIGHASH_ALL)?;
        set_witness(&mut tx, 0, &[signature, vec![], script]);
        Ok(Some(Step { label: "to_local", tx, prevouts: vec![prevout] }))
    }

    /// Where a party is paid: P2WPKH, as wallets of today have it, or the taproot output that plays count.
    fn payout(&self, party: usize) -> Result<bitcoin::ScriptBuf, ChannelError> {
        self.setup.party(party)?.payout_script()
    }

    /// What the victim takes from a revoked commitment, in one transaction: the cheater's balance, HTLCs that it remembers, its
    /// own balance.
    fn justice(
        &self,
        victim: usize,
        published: &Transaction,
        secret: &[u8; 32],
        htlcs: &[Htlc],
    ) -> Result<Step, ChannelError> {
        let cheater = 1 - victim.min(1);
        let point_secret = SecretKey::from_secret_bytes(*secret)?;
        let keys = self.keys(cheater, &point_secret.public_key())?;
        let revocation = revocation_private(&self.base(victim)?.revocation, &point_secret)?;
        let local = scripts::to_local(&keys.revocation, self.setup.delay, &keys.local_delayed);
        let remote = scripts::to_remote_anchors(&keys.remote_payment);
        let mut spends: Vec<(OutPoint, TxOut, Vec<u8>, Vec<u8>)> = Vec::new();
        let htlc_scripts: Vec<Vec<u8>> = htlcs
            .iter()
            .map(|htlc| htlc_output_script(&keys, &ln_htlc(cheater, htlc), self.format))
            .collect();
        let mut remote_at = None;
        for (vout, out) in (0..).zip(&published.output) {
            let point = outpoint(published, vout);
            let wsh = |script: &[u8]| out.script_pubkey == p2wsh(script);
            if wsh(&local) {
                spends.push((point, out.clone(), local.clone(), vec![1]));
            } else if wsh(&remote) {
                remote_at = Some((point, out.clone()));
            } else if let Some(script) = htlc_scripts.iter().find(|script| wsh(script)) {
                spends.push((point, out.clone(), script.clone(), keys.revocation.serialize().to_vec()));
            }
        }
        let mut prevouts: Vec<TxOut> = spends.iter().map(|(_, out, _, _)| out.clone()).collect();
        let mut inputs: Vec<_> = spends.iter().map(|(point, _, _, _)| input(*point, SEQUENCE_FREE)).collect();
        if let Some((point, out)) = &remote_at {
            inputs.push(input(*point, 1));
            prevouts.push(out.clone());
        }
        // A P2WPKH balance needs no second transaction: it is left alone.
        let sum = prevouts.iter().fold(0u64, |sum, out| sum.saturating_add(out.value.to_sat()));
        let fee = justice_fee(prevouts.len() as u64);
        let pays = vec![output(sum.saturating_sub(fee), self.payout(victim)?)];
        let mut tx = transaction(2, 0, inputs, pays);
        for (nth, (_, _, script, selector)) in spends.iter().enumerate() {
            let signature = sign_segwit_v0(&tx, &prevouts, nth, script, &revocation, SIGHASH_ALL)?;
            set_witness(&mut tx, nth, &[signature, selector.clone(), script.clone()]);
        }
        if remote_at.is_some() {
            let own = self.base(victim)?.payment;
            let signature = sign_segwit_v0(&tx, &prevouts, spends.len(), &remote, &own, SIGHASH_ALL)?;
            set_witness(&mut tx, spends.len(), &[signature, remote.clone()]);
        }
        Ok(Step { label: "justice", tx, prevouts })
    }

    /// The kit for a revoked commitment: what a tower needs to take its balances, HTLCs left out.
    fn kit(&self, client: usize, number: u32, secret: &[u8; 32]) -> Result<Vec<u8>, ChannelError> {
        let cheater = 1 - client.min(1);
        let content = self.history.state(number)?.clone();
        let version = self.version(cheater, number, &content)?;
        let justice = self.justice(client, &version.tx, secret, &[])?;
        let script = self.payout(client)?;
        let mut kit = vec![u8::try_from(script.len()).unwrap_or_default()];
        kit.extend_from_slice(script.as_bytes());
        kit.resize(43, 0);
        kit.extend_from_slice(&version.keys.revocation.serialize());
        kit.extend_from_slice(&version.keys.local_delayed.serialize());
        kit.extend_from_slice(&u32::from(self.setup.delay).to_be_bytes());
        let compact = |input: Option<&bitcoin::TxIn>| -> Result<[u8; 64], ChannelError> {
            let der = input.and_then(|input| input.witness.iter().next()).unwrap_or_default();
            let Some((_, der)) = der.split_last() else { return Ok([0; 64]) };
            Ok(ecdsa::Signature::from_der(der)?.serialize_compact())
        };
        let local = place_of(&version.outputs, CommitmentOutput::ToLocal).is_some();
        let mut signatures = justice.tx.input.iter();
        kit.extend_from_slice(&compact(if local { signatures.next() } else { None })?);
        kit.extend_from_slice(&version.keys.remote_payment.serialize());
        kit.extend_from_slice(&compact(signatures.next())?);
        Ok(kit)
    }

    /// The peer of `party` reveals the secret of its version of a state, and the party stores it.
    fn revoke(&mut self, party: usize, number: u32) -> Result<(), ChannelError> {
        let peer = 1 - party.min(1);
        let index = MAX_INDEX.saturating_sub(number.into());
        let secret = derive_secret(&self.base(peer)?.commitments, 48, index);
        // The point from which the party built the version that it signed.
        let point = self.base(peer)?.commitment_secret(number)?.public_key();
        let htlcs = self.history.state(number)?.htlcs.clone();
        let content = self.history.state(number)?.clone();
        let txid = self.version(peer, number, &content)?.tx.compute_txid();
        let blob = match self.format.one_block_lock() {
            true => justice_blob(txid.as_ref(), &self.kit(party, number, &secret)?)?,
            false => Vec::new(),
        };
        let Some(kept) = self.kept.get_mut(party) else { return Ok(()) };
        kept.secrets
            .insert(index, secret, &point)
            .map_err(|error| ChannelError::refused(error.to_string()))?;
        if !htlcs.is_empty() {
            kept.revoked.insert(number, htlcs);
        }
        kept.blobs.extend(blob);
        Ok(())
    }
}

fn ln_htlc(owner: usize, htlc: &Htlc) -> LnHtlc {
    LnHtlc {
        direction: if htlc.from == owner { HtlcDirection::Offered } else { HtlcDirection::Received },
        amount_msat: htlc.sat.saturating_mul(1000),
        expiry: htlc.expiry,
        payment_hash: htlc.payment_hash,
    }
}

fn place_of(outputs: &[CommitmentOutput], kind: CommitmentOutput) -> Option<u32> {
    (0..).zip(outputs).find(|(_, other)| **other == kind).map(|(vout, _)| vout)
}

fn out_at(tx: &Transaction, vout: u32) -> Result<TxOut, ChannelError> {
    let found = usize::try_from(vout).ok().and_then(|vout| tx.output.get(vout));
    found.cloned().ok_or_else(|| ChannelError::refused("no such output"))
}

impl Construction for LnPenalty {
    fn facts(&self) -> Facts {
        Facts {
            name: match self.format {
                Format::StaticRemotekey => "LN-penalty, static remotekey",
                Format::Anchors => "LN-penalty, anchors",
                Format::ZeroFee => "LN-penalty, zero fee v3",
            },
            proposals: Flags::NONE,
            annex: false,
            symmetric: false,
            penalty: true,
            states: MAX_INDEX,
            worst_delay: self.setup.delay.into(),
            multiparty: false,
        }
    }

    fn setup(&self) -> &Setup {
        &self.setup
    }

    fn acceptance(&self) -> Terms {
        terms(self.format, &self.setup)
    }

    fn see_height(&mut self, height: u32) {
        self.setup.height = height;
    }

    fn funding_output(&self) -> &TxOut {
        &self.funding_output
    }

    fn open(&mut self, funding: OutPoint) -> Result<(), ChannelError> {
        self.setup.funding = funding;
        let (number, content) = (self.number(), self.history.newest().clone());
        for party in 0..2 {
            let signatures = self.peer_signatures(party, number, &content)?;
            if let Some(kept) = self.kept.get_mut(party) {
                kept.signatures = signatures;
            }
        }
        Ok(())
    }

    fn number(&self) -> u32 {
        self.history.number()
    }

    fn content(&self) -> &Content {
        self.history.newest()
    }

    fn update(&mut self, content: Content) -> Result<UpdateCost, ChannelError> {
        let content = content.accept(&self.acceptance(), self.setup.height)?;
        let number = self.number().saturating_add(1);
        let mut cost = UpdateCost { signatures: 0, secrets: 2 };
        for party in 0..2 {
            let signatures = self.peer_signatures(party, number, &content)?;
            cost.signatures += signatures.len();
            if let Some(kept) = self.kept.get_mut(party) {
                kept.signatures = signatures;
            }
        }
        self.history.push(content, None);
        for party in 0..2 {
            self.revoke(party, number.saturating_sub(1))?;
        }
        Ok(cost)
    }

    fn cooperative_close(&mut self) -> Result<Step, ChannelError> {
        let tx = self.setup.closing(self.history.newest(), FUNDING_WITNESS_WEIGHT)?;
        self.spend_funding("cooperative close", tx)
    }

    fn close(&self, by: usize, number: u32) -> Result<Vec<Step>, ChannelError> {
        let content = self.history.state(number)?;
        let version = self.version(by, number, content)?;
        let commitment = self.spend_funding("commitment", version.tx.clone())?;
        let sweep = self.sweep_local(by, number, &version)?;
        Ok([commitment].into_iter().chain(sweep).collect())
    }

    fn contest(&self, victim: usize, published: &Transaction) -> Result<Option<Vec<Step>>, ChannelError> {
        let Some(number) = commitment_number(published, self.mask) else { return Ok(None) };
        let Some(kept) = self.kept.get(victim) else { return Ok(None) };
        let Some(secret) = kept.secrets.secret(MAX_INDEX.saturating_sub(number)) else { return Ok(None) };
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let htlcs = kept.revoked.get(&number).cloned().unwrap_or_default();
        Ok(Some(vec![self.justice(victim, published, &secret, &htlcs)?]))
    }

    fn tower_terms(&self) -> Option<TowerTerms> {
        self.format.one_block_lock().then_some(TowerTerms::LnPenalty)
    }

    /// The second stage: HTLC-success or HTLC-timeout of the owner, or the other side's direct claim.
    fn claim_htlc(
        &self,
        settled: &Step,
        htlc: &Htlc,
        preimage: Option<[u8; 32]>,
    ) -> Result<Step, ChannelError> {
        let missing = || ChannelError::refused("no output for this HTLC");
        let number = commitment_number(&settled.tx, self.mask).ok_or_else(missing)?;
        let number = u32::try_from(number).map_err(|_| missing())?;
        let content = self.history.state(number)?.clone();
        let txid = settled.tx.compute_txid();
        for owner in 0..2 {
            let version = self.version(owner, number, &content)?;
            if version.tx.compute_txid() != txid {
                continue;
            }
            let place = content.htlcs.iter().position(|other| other == htlc).ok_or_else(missing)?;
            let vout = place_of(&version.outputs, CommitmentOutput::Htlc(place)).ok_or_else(missing)?;
            let ln = ln_htlc(owner, htlc);
            let (mut tx, prevout, script) = self.htlc_tx(owner, number, &content, &version, vout, &ln)?;
            let claimant = if preimage.is_some() { htlc.to } else { htlc.from };
            let preimage = preimage.map(|preimage| preimage.to_vec()).unwrap_or_default();
            if claimant != owner {
                // The other side needs no second stage.
                let lock = if preimage.is_empty() { htlc.expiry } else { 0 };
                let sequence = if self.format.one_block_lock() { 1 } else { SEQUENCE_FREE };
                let pays = output(htlc.sat.saturating_sub(CLAIM_FEE), self.payout(claimant)?);
                tx = transaction(2, lock, vec![input(outpoint(&version.tx, vout), sequence)], vec![pays]);
                let secret = self.htlc_secret(claimant, owner, number)?;
                let own =
                    sign_segwit_v0(&tx, std::slice::from_ref(&prevout), 0, &script, &secret, SIGHASH_ALL)?;
                set_witness(&mut tx, 0, &[own, preimage, script]);
                return Ok(Step { label: "HTLC claim", tx, prevouts: vec![prevout] });
            }
            let prevouts = vec![prevout];
            let peer = self.htlc_secret(1 - owner.min(1), owner, number)?;
            let own = self.htlc_secret(owner, owner, number)?;
            let remote_type = self.format.remote_htlc_sighash();
            let remote = sign_segwit_v0(&tx, &prevouts, 0, &script, &peer, remote_type)?;
            let local = sign_segwit_v0(&tx, &prevouts, 0, &script, &own, SIGHASH_ALL)?;
            set_witness(&mut tx, 0, &[vec![], remote, local, preimage, script]);
            let label = if ln.direction == HtlcDirection::Offered { "HTLC-timeout" } else { "HTLC-success" };
            return Ok(Step { label, tx, prevouts });
        }
        Err(missing())
    }

    fn state(&self, number: u32) -> Result<&Content, ChannelError> {
        Ok(self.history.state(number)?)
    }

    fn outputs(&self) -> Result<Vec<Known>, ChannelError> {
        let mut outputs = Vec::new();
        for number in 0..=self.number() {
            for owner in 0..2 {
                let version = self.version(owner, number, self.history.state(number)?)?;
                let keys = &version.keys;
                let htlcs = version.htlcs.iter().map(|htlc| htlc_output_script(keys, htlc, self.format));
                let others = [
                    scripts::to_local(&keys.revocation, self.setup.delay, &keys.local_delayed),
                    scripts::to_remote_anchors(&keys.remote_payment),
                    scripts::anchor(&keys.local_funding),
                    scripts::anchor(&keys.remote_funding),
                ];
                outputs.extend(htlcs.chain(others).map(Known::Script));
            }
        }
        Ok(outputs)
    }

    /// With the keys of every commitment, and those of the peer's revoked ones.
    fn held(&self, party: usize) -> Result<Held, ChannelError> {
        let (mut held, peer) = (Held::of(self.setup.party(party)?)?, 1 - party.min(1));
        let base = self.base(party)?;
        held.keys.push(base.payment);
        for number in 0..=self.number() {
            let point = self.base(party)?.commitment_secret(number)?.public_key();
            held.keys.push(derive_private(&base.delayed, &point)?);
            for owner in 0..2 {
                held.keys.push(self.htlc_secret(party, owner, number)?);
            }
            let secrets = self.kept.get(party).map(|kept| &kept.secrets);
            let index = MAX_INDEX.saturating_sub(number.into());
            if let Some(secret) = secrets.and_then(|secrets| secrets.secret(index)) {
                let secret = SecretKey::from_secret_bytes(secret)?;
                held.keys.push(revocation_private(&base.revocation, &secret)?);
                let point = secret.public_key();
                held.data.push(self.keys(peer, &point)?.revocation.serialize().to_vec());
            }
        }
        Ok(held)
    }

    /// Secrets, HTLCs of all revoked commitments, the peer's signatures, content.
    fn client_bytes(&self, party: usize) -> Vec<u8> {
        let Some(kept) = self.kept.get(party) else { return Vec::new() };
        let mut bytes = kept.secrets.to_bytes();
        for (number, htlcs) in &kept.revoked {
            bytes.extend_from_slice(&number.to_le_bytes());
            bytes.extend(Content { balances: Vec::new(), htlcs: htlcs.clone() }.to_bytes());
        }
        bytes.extend(kept.signatures.iter().flatten());
        bytes.extend(self.content().to_bytes());
        bytes
    }

    /// A hint and an encrypted kit for each revoked commitment.
    fn tower_bytes(&self, client: usize) -> Vec<u8> {
        if !self.format.one_block_lock() {
            return Vec::new();
        }
        let blobs = self.kept.get(client).map(|kept| kept.blobs.clone()).unwrap_or_default();
        [RecordKind::PenaltyTower.head(), blobs].concat()
    }
}
