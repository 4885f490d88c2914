//! LN-penalty: two parties with the transactions of BOLT 3. A party revokes an old state by revealing its
//! per-commitment secret.

mod base;
mod guard;
mod record;
mod version;

use std::collections::BTreeMap;
use std::sync::Arc;

use bitcoin::{OutPoint, Transaction, TxOut};
use secp256k1::{PublicKey, SecretKey};
use sigstack_interpreter::Flags;
use sigstack_policy::limits::MAX_TX_WEIGHT;

use super::accept::{
    Accepted, MAX_TRUC_WEIGHT, OUTPUT_WEIGHT, OpenerCosts, Size, Terms, blocks_until_claimed,
};
use super::history::History;
use super::justice_kit::{JusticeScripts, justice_blob};
use super::known::{Held, Known};
use super::{Construction, Content, Facts, Htlc, Setup, Step, TowerTerms, UpdateCost};
use crate::bolt3::{
    CommitmentOutput, Format, HtlcDirection, MAX_INDEX, SIGHASH_ALL, SecretStore, commitment_number,
    derive_private, derive_secret, number_mask, revocation_private, scripts, sign_segwit_v0,
};
use crate::error::ChannelError;
use crate::publish::SharedGuard;
use crate::records::RecordKind;
use crate::tx::{P2A_DUST_LIMIT, P2TR_DUST_LIMIT, output, p2wsh, set_witness};
use base::Base;
use guard::PenaltyGuard;
use record::PenaltyRecord;
use version::{FEERATE, Version, Versions};

/// Feerate of the transactions that claim outputs in simulations of LN-penalty, in satoshi per virtual byte.
const RATE: u64 = 2;
/// Maximum fee, in satoshi, of a transaction that claims one output of a commitment transaction. The fee is highest for
/// an HTLC output, which has the longest script.
const CLAIM_FEE: u64 = RATE * 170;
/// Dust limit of commitment transactions on which both parties agreed, in satoshi. An output of at least this amount
/// can pay the fee of the transaction that claims it, and the output of that transaction is still above the relay dust
/// limit.
const DUST: u64 = P2TR_DUST_LIMIT + CLAIM_FEE;
/// Weight of the witness with two signatures that spends the funding output (BOLT 3 appendix A), including marker and
/// flag, in weight units.
const FUNDING_WITNESS_WEIGHT: u64 = 2 + 220;
/// Maximum sum, in satoshi, of the balances and HTLCs that get no output and become fee. The zero-fee format has
/// another limit, because it adds these amounts to the P2A output.
const MOST_TRIMMED: u64 = 5_000;
/// Maximum number of HTLCs in flight that one party offers (BOLT 2 `max_accepted_htlcs`).
const MOST_OFFERED: usize = 483;

/// Returns the conditions that a channel state must satisfy before the parties sign it. The commitment transactions of
/// both parties must satisfy them.
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
        // The weight in BOLT 3 already includes both balances.
        size: Size { frame, balance: 0, htlc: OUTPUT_WEIGHT, most },
        // The claim of an HTLC does not wait for the delay. Only the output of its second stage does.
        ..setup.settlement_terms(frame, blocks_until_claimed(0, 3))
    }
}

/// The data that a party of an LN-penalty channel stores, apart from its keys and from the latest balances and HTLCs.
#[derive(Debug, Default)]
struct Kept {
    secrets: SecretStore,
    /// HTLCs of the peer's revoked commitment transactions, by state number. Without them the scripts of the HTLC
    /// outputs cannot be rebuilt.
    revoked: BTreeMap<u32, Vec<Htlc>>,
    /// The peer's signatures of the party's latest commitment transaction and of the second-stage transactions of its
    /// HTLCs.
    signatures: Vec<Vec<u8>>,
    /// Record for the party's tower: a hint and an encrypted justice kit for each revoked commitment transaction of the
    /// peer.
    blobs: Vec<u8>,
}

/// A two-party channel according to BOLT 3.
#[derive(Debug)]
pub struct LnPenalty {
    setup: Setup,
    format: Format,
    bases: Vec<Base>,
    kept: Vec<Kept>,
    versions: Versions,
    funding_script: Vec<u8>,
    funding_output: TxOut,
    history: History<()>,
}

impl LnPenalty {
    /// Creates a channel between two parties. The first party is the opener, which pays the fees.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if there are not two parties. [`ChannelError::Content`] if the first state is not
    /// acceptable.
    pub fn new(setup: Setup, format: Format, first: Content) -> Result<LnPenalty, ChannelError> {
        let [a, b] = setup.parties.as_slice() else {
            return Err(ChannelError::refused("LN-penalty is between two parties"));
        };
        let first = first.accept(&terms(format, &setup), setup.height)?;
        let bases = vec![Base::new(a)?, Base::new(b)?];
        let points =
            [Base::new(a)?.points(a.funding.public_key()), Base::new(b)?.points(b.funding.public_key())];
        let mask = number_mask(&points[0].payment, &points[1].payment);
        let versions = Versions { format, dust: DUST, delay: setup.delay, mask, points };
        let funding_script = scripts::funding(&a.funding.public_key(), &b.funding.public_key());
        let funding_output = output(setup.capacity, p2wsh(&funding_script));
        let kept = vec![Kept::default(), Kept::default()];
        Ok(LnPenalty {
            setup,
            format,
            bases,
            kept,
            versions,
            funding_script,
            funding_output,
            history: History::new(first),
        })
    }

    fn base(&self, party: usize) -> Result<&Base, ChannelError> {
        self.bases.get(party).ok_or_else(|| ChannelError::refused(format!("there is no party {party}")))
    }

    fn version(&self, owner: usize, number: u32, content: &Content) -> Result<Version, ChannelError> {
        let point = self.base(owner)?.point(number)?;
        self.versions.version(self.setup.funding, (owner, number), &point, content)
    }

    fn funding_signature(&self, party: usize, tx: &Transaction) -> Result<Vec<u8>, ChannelError> {
        let secret = self.setup.party(party)?.funding.secret_key();
        let prevouts = std::slice::from_ref(&self.funding_output);
        sign_segwit_v0(tx, prevouts, 0, &self.funding_script, &secret, SIGHASH_ALL)
    }

    /// Returns the transaction `tx`, which spends the funding output, signed with the funding keys of both parties.
    fn spend_funding(&self, label: &'static str, tx: Transaction) -> Result<Step, ChannelError> {
        let signatures = [self.funding_signature(0, &tx)?, self.funding_signature(1, &tx)?];
        self.complete(label, tx, (0, signatures))
    }

    /// Adds the witness that spends the funding output to a transaction. The witness contains the signatures of `party`
    /// and of its peer.
    fn complete(
        &self,
        label: &'static str,
        mut tx: Transaction,
        (party, [own, peers]): (usize, [Vec<u8>; 2]),
    ) -> Result<Step, ChannelError> {
        let key = |party: usize| self.setup.party(party).map(|party| party.funding.public_key().serialize());
        let (first, second) = if key(party)? < key(1 - party.min(1))? { (own, peers) } else { (peers, own) };
        set_witness(&mut tx, 0, &[vec![], first, second, self.funding_script.clone()]);
        Ok(Step { label, tx, prevouts: vec![self.funding_output.clone()] })
    }

    /// Makes the signatures that the peer gives to `owner` for a commitment transaction of `owner`: first for the
    /// commitment transaction, then for the second-stage transaction of each HTLC output.
    fn peer_signatures(
        &self,
        owner: usize,
        number: u32,
        content: &Accepted,
    ) -> Result<Vec<Vec<u8>>, ChannelError> {
        let version = self.version(owner, number, content)?;
        let mut signatures = vec![self.funding_signature(1 - owner.min(1), &version.tx)?];
        let secret = self.htlc_secret(1 - owner.min(1), owner, number)?;
        for (vout, htlc) in version.htlc_places() {
            let (tx, script) = (version.htlc_tx(vout, htlc), version.htlc_script(htlc));
            let (prevout, kind) = (version.found(vout, 0)?.out, self.format.remote_htlc_sighash());
            signatures.push(sign_segwit_v0(&tx, &[prevout], 0, &script, &secret, kind)?);
        }
        Ok(signatures)
    }

    /// Returns the secret HTLC key of `party` for the commitment transaction of `owner` with this state number.
    fn htlc_secret(&self, party: usize, owner: usize, number: u32) -> Result<SecretKey, ChannelError> {
        let point = self.base(owner)?.commitment_secret(number)?.public_key();
        derive_private(&self.base(party)?.htlc, &point)
    }

    /// Builds the transaction with which the owner of a commitment transaction takes its to_local output after the
    /// delay. Returns `None` if there is no such output.
    fn sweep_local(&self, number: u32, version: &Version) -> Result<Option<Step>, ChannelError> {
        let Some(vout) = version.place_of(CommitmentOutput::ToLocal) else { return Ok(None) };
        let base = self.base(version.owner)?;
        let key = derive_private(&base.delayed, &base.point(number)?)?;
        let draft = version.delayed(&version.found(vout, 0)?, key, &self.payout(version.owner)?);
        draft.at(RATE).map(Some)
    }

    /// Returns the script to which a party's funds are paid.
    fn payout(&self, party: usize) -> Result<bitcoin::ScriptBuf, ChannelError> {
        self.setup.party(party)?.payout_script()
    }

    /// Returns the justice kit for a revoked commitment transaction. With it, the tower of `client` can take the
    /// to_local and to_remote outputs, but no HTLC outputs.
    fn kit(&self, client: usize, version: &Version, number: u32) -> Result<Vec<u8>, ChannelError> {
        let (base, cheater) = (self.base(client)?, self.base(version.owner)?);
        let revocation = revocation_private(&base.revocation, &cheater.commitment_secret(number)?)?;
        let scripts = JusticeScripts {
            revocation: version.keys.revocation,
            delay: version.delay,
            delayed: version.keys.local_delayed,
            payment: version.keys.remote_payment,
            payout: self.payout(client)?,
        };
        scripts.kit(&version.tx, [revocation, base.payment])
    }

    /// The peer of `party` revokes its commitment transaction of the state `number`: it reveals the per-commitment
    /// secret. `party` stores the secret and the HTLCs of that state. If the format supports a tower, `party` also
    /// stores an encrypted justice kit.
    fn revoke(&mut self, party: usize, number: u32) -> Result<(), ChannelError> {
        let peer = 1 - party.min(1);
        let index = MAX_INDEX.saturating_sub(number.into());
        let secret = derive_secret(&self.base(peer)?.commitments, 48, index);
        // The per-commitment point from which `party` built the commitment transaction that it signed for the peer.
        let point = self.base(peer)?.commitment_secret(number)?.public_key();
        let htlcs = self.history.state(number)?.htlcs.clone();
        let content = self.history.state(number)?.clone();
        let version = self.version(peer, number, &content)?;
        let txid = version.tx.compute_txid();
        let blob = match self.format.one_block_lock() {
            true => justice_blob(txid.as_ref(), &self.kit(party, &version, number)?)?,
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
        self.setup.opened(funding);
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
        let content = self.setup.accept(content, &self.acceptance())?;
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
        let sweep = self.sweep_local(number, &version)?;
        Ok([commitment].into_iter().chain(sweep).collect())
    }

    fn guard(&self, party: usize) -> Result<SharedGuard, ChannelError> {
        let (own, keys, peer) = (self.base(party)?, self.setup.party(party)?, 1 - party.min(1));
        let record = PenaltyRecord::from_bytes(&self.client_bytes(party))?;
        let state = |owner: usize, point: &PublicKey| {
            let funding = self.setup.funding;
            self.versions.version(funding, (owner, record.number), point, &record.content)
        };
        let (version, peers) = (state(party, &own.point(record.number)?)?, state(peer, &record.peers_point)?);
        let mut signatures = record.signatures.into_iter();
        let remote = signatures.next().unwrap_or_default();
        let local = self.funding_signature(party, &version.tx)?;
        let commitment = self.complete("commitment", version.tx.clone(), (party, [local, remote]))?;
        Ok(Arc::new(PenaltyGuard {
            party,
            funding: self.setup.funding,
            versions: self.versions.clone(),
            base: own.clone(),
            funding_key: keys.funding.secret_key(),
            payout: keys.payout_script()?,
            number: record.number,
            content: record.content.clone(),
            received: record.secrets,
            revoked: record.revoked,
            own: version,
            peers,
            commitment,
            htlc_signatures: signatures.collect(),
        }))
    }

    fn tower_terms(&self) -> Option<TowerTerms> {
        self.format.one_block_lock().then_some(TowerTerms::LnPenalty)
    }

    /// Builds the transaction that claims an HTLC output of a commitment transaction. If the owner of the commitment
    /// transaction claims, this is a second-stage transaction (HTLC-success or HTLC-timeout). If the other party
    /// claims, the transaction pays directly to that party.
    fn claim_htlc(
        &self,
        settled: &Step,
        htlc: &Htlc,
        preimage: Option<[u8; 32]>,
    ) -> Result<Step, ChannelError> {
        let missing = || ChannelError::refused("no output for this HTLC");
        let number = commitment_number(&settled.tx, self.versions.mask).ok_or_else(missing)?;
        let number = u32::try_from(number).map_err(|_| missing())?;
        let content = self.history.state(number)?.clone();
        let txid = settled.tx.compute_txid();
        let versions = [self.version(0, number, &content)?, self.version(1, number, &content)?];
        let published =
            versions.iter().find(|version| version.tx.compute_txid() == txid).ok_or_else(missing)?;
        let place = published.htlc_places().find(|(_, other)| *other == htlc).ok_or_else(missing)?;
        let (claimant, owner) = (if preimage.is_some() { htlc.to } else { htlc.from }, published.owner);
        let own = self.htlc_secret(claimant, owner, number)?;
        if claimant != owner {
            // Only the owner of the commitment transaction needs a second stage.
            return published.direct_claim(place, own, &self.payout(claimant)?, preimage.as_ref())?.at(RATE);
        }
        let peer = self.htlc_secret(1 - owner.min(1), owner, number)?;
        let (tx, script) = (published.htlc_tx(place.0, htlc), published.htlc_script(htlc));
        let (prevout, kind) = (published.found(place.0, 0)?.out, self.format.remote_htlc_sighash());
        let remote = sign_segwit_v0(&tx, &[prevout], 0, &script, &peer, kind)?;
        published.second_stage(place, &remote, own, preimage.as_ref())?.step(0)
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
                let htlcs = version.htlcs.iter().map(|htlc| version.htlc_script(htlc));
                let others = [
                    version.local_script(),
                    scripts::to_remote_anchors(&keys.remote_payment),
                    scripts::anchor(&keys.local_funding),
                    scripts::anchor(&keys.remote_funding),
                ];
                outputs.extend(htlcs.chain(others).map(Known::Script));
            }
        }
        Ok(outputs)
    }

    /// Returns the secret keys of a party. These include its keys for the outputs of every commitment transaction, and
    /// the revocation keys for the peer's revoked commitment transactions.
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
                held.data.push(self.versions.keys(peer, &point)?.revocation.serialize().to_vec());
            }
        }
        Ok(held)
    }

    /// Serializes the record of a party. After the record header come the state number, the peer's latest
    /// per-commitment point, the secrets that the peer revealed, the HTLCs of all revoked commitment transactions, the
    /// peer's signatures, and the latest balances and HTLCs.
    fn client_bytes(&self, party: usize) -> Vec<u8> {
        let peers_point = self.base(1 - party.min(1)).and_then(|base| base.point(self.number()));
        let (Some(kept), Ok(peers_point)) = (self.kept.get(party), peers_point) else { return Vec::new() };
        let record = PenaltyRecord {
            number: self.number(),
            peers_point,
            secrets: kept.secrets.clone(),
            revoked: kept.revoked.clone(),
            signatures: kept.signatures.clone(),
            content: Content::clone(self.content()),
        };
        record.to_bytes()
    }

    /// Serializes the record of a tower: after the header, a hint and an encrypted justice kit for each revoked
    /// commitment transaction.
    fn tower_bytes(&self, client: usize) -> Vec<u8> {
        if !self.format.one_block_lock() {
            return Vec::new();
        }
        let blobs = self.kept.get(client).map(|kept| kept.blobs.clone()).unwrap_or_default();
        [RecordKind::PenaltyTower.head(), blobs].concat()
    }
}
