//! The guard of an LN-penalty client. It takes the outputs of a revoked commitment transaction of the peer, and claims
//! the client's outputs of the latest commitment transaction.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{OutPoint, ScriptBuf, Transaction};
use secp256k1::SecretKey;

use super::super::{Content, Htlc, Step};
use super::base::Base;
use super::version::{Version, Versions, htlc_script, take, to_remote};
use crate::bolt3::{
    CommitmentOutput, Format, MAX_INDEX, SecretStore, commitment_number, derive_private, revocation_private,
    scripts,
};
use crate::error::ChannelError;
use crate::mutation::{Mutation, mutated};
use crate::publish::{
    Claim, Draft, Found, Guard, Orders, Pays, Purpose, Signer, Spend, Unlock, View, outputs_to,
};
use crate::tx::{SEQUENCE_FREE, outpoint_bytes, p2wsh};

/// The [`Guard`] of an LN-penalty client: it decides which transactions the client publishes.
#[derive(Clone, Debug)]
pub(super) struct PenaltyGuard {
    pub(super) party: usize,
    pub(super) funding: OutPoint,
    pub(super) versions: Versions,
    pub(super) base: Base,
    pub(super) funding_key: SecretKey,
    pub(super) payout: ScriptBuf,
    pub(super) number: u32,
    pub(super) content: Content,
    /// Per-commitment secrets with which the peer revoked its older commitment transactions. The field `revoked`
    /// contains the HTLCs of these transactions by state number.
    pub(super) received: SecretStore,
    pub(super) revoked: BTreeMap<u32, Vec<Htlc>>,
    /// The party's own latest commitment transaction, without its witness. The field `peers` is the peer's latest
    /// commitment transaction.
    pub(super) own: Version,
    pub(super) peers: Version,
    /// The party's own latest commitment transaction, complete with the signatures of both parties.
    pub(super) commitment: Step,
    /// The peer's signatures of the party's second-stage transactions for HTLCs, in output order.
    pub(super) htlc_signatures: Vec<Vec<u8>>,
}

impl PenaltyGuard {
    fn stake(&self) -> u64 {
        let balance = self.content.balances.get(self.party).copied().unwrap_or_default();
        self.content.htlcs.iter().fold(balance, |sum, htlc| sum.saturating_add(htlc.sat))
    }

    /// Returns the claim that publishes the party's own latest commitment transaction. A child that spends the anchor
    /// or P2A output pays the fee. Without such an output, the fee is fixed.
    fn close(&self) -> Claim {
        let step = self.commitment.clone();
        let purpose = Purpose::Close;
        let anchor = self.own.place_of(CommitmentOutput::LocalAnchor);
        let Some(vout) = anchor.filter(|_| self.versions.format == Format::Anchors) else {
            return Claim::with_child(purpose, self.funding, step, self.stake());
        };
        let script = scripts::anchor(&self.own.keys.local_funding);
        let witness = vec![vec![], script.clone()];
        let unlock = Unlock::signed(Signer::WitnessScript(self.funding_key, script), witness, 0);
        let draft = Draft::of(step);
        Claim::new(purpose, self.funding, draft, Pays::Child(vout, unlock), self.stake())
    }

    /// Creates a claim that spends the output `found`. The fee of its transaction is subtracted from the amount that
    /// the party receives.
    fn own_claim(&self, purpose: Purpose, found: &Found, draft: Draft) -> Claim {
        Claim::new(purpose, found.coin, draft, Pays::Own, found.out.value.to_sat())
    }

    /// Returns the party's claims on the outputs of its own latest commitment transaction, which confirmed at `height`.
    fn below_own(&self, view: View<'_>, orders: &Orders, height: u32) -> Result<Vec<Claim>, ChannelError> {
        let version = &self.own;
        let delayed = derive_private(&self.base.delayed, &version.point)?;
        let htlc_key = derive_private(&self.base.htlc, &version.point)?;
        let mut claims = Vec::new();
        let sweep = |found: &Found| {
            let claim = self.own_claim(Purpose::Sweep, found, version.delayed(found, delayed, &self.payout));
            claim.from(found.unlocked(version.delay.into()))
        };
        if let Some(vout) = version.place_of(CommitmentOutput::ToLocal) {
            let found = version.found(vout, height)?;
            claims.extend(view.is_unspent(&found.coin).then(|| sweep(&found)));
        }
        for ((vout, htlc), remote) in version.htlc_places().zip(&self.htlc_signatures) {
            let found = version.found(vout, height)?;
            if let Some(spend) = view.confirmed_spend(&found.coin) {
                // The HTLC output is already spent. A second stage of the party can be swept after the delay. A claim
                // of the peer is ignored, because it pays to another script.
                claims.extend(unspent_second_stages(view, &spend, version).iter().map(sweep));
                continue;
            }
            let preimage = orders.preimage(&htlc.payment_hash);
            let received = htlc.to == self.party;
            if received && preimage.is_none() {
                continue;
            }
            let preimage = preimage.filter(|_| received);
            let draft = version.second_stage((vout, htlc), remote, htlc_key, preimage)?;
            let pays = if version.format == Format::StaticRemotekey { Pays::Fixed } else { Pays::Input };
            let claim = Claim::new(Purpose::Htlc, found.coin, draft, pays, htlc.sat);
            claims.push(match received {
                true => claim.before(htlc.expiry.saturating_add(1)).from(height),
                false => claim.from(htlc.expiry.max(height)),
            });
        }
        Ok(claims)
    }

    /// Returns the party's claims on the outputs of the peer's latest commitment transaction, which confirmed at
    /// `height`.
    fn below_peers(&self, view: View<'_>, orders: &Orders, height: u32) -> Result<Vec<Claim>, ChannelError> {
        let version = &self.peers;
        let mut claims = Vec::new();
        let remote = self.to_remote(view, (&version.tx, height)).into_iter();
        for spend in remote.filter(|_| !mutated(Mutation::ToRemoteNotSwept)) {
            let found = spend.0.clone();
            let draft = take("to_remote", 0, vec![spend], &self.payout);
            claims.push(self.own_claim(Purpose::Sweep, &found, draft));
        }
        for (vout, htlc) in version.htlc_places() {
            let found = version.found(vout, height)?;
            let preimage = orders.preimage(&htlc.payment_hash);
            let received = htlc.to == self.party;
            if received && preimage.is_none() || !view.is_unspent(&found.coin) {
                continue;
            }
            let key = derive_private(&self.base.htlc, &version.point)?;
            let preimage = preimage.filter(|_| received);
            let draft = version.direct_claim((vout, htlc), key, &self.payout, preimage)?;
            let claim = self.own_claim(Purpose::Htlc, &found, draft);
            claims.push(match received {
                true => claim.before(htlc.expiry.saturating_add(1)),
                false => claim.from(htlc.expiry),
            });
        }
        Ok(claims)
    }

    /// Returns the party's unspent to_remote output in a commitment transaction `tx` of its peer, with the nSequence
    /// and the witness data of an input that spends it.
    fn to_remote(&self, view: View<'_>, (tx, height): (&Transaction, u32)) -> Vec<(Found, u32, Unlock)> {
        let (script, sequence, unlock) = to_remote(self.versions.format, &self.base.payment);
        let unspent =
            outputs_to(tx, height, &script).into_iter().filter(|found| view.is_unspent(&found.coin));
        unspent.map(|found| (found, sequence, unlock.clone())).collect()
    }

    /// Returns the party's claims on a revoked commitment transaction of the peer. One transaction takes to_local and
    /// to_remote, which nobody else can spend before the delay expires. A separate transaction takes each HTLC output,
    /// because the peer can spend it at once. If the peer has already spent an HTLC output with a second-stage
    /// transaction, the output of that transaction is taken instead.
    fn justice(
        &self,
        view: View<'_>,
        spend: &Spend<'_>,
        number: u32,
        secret: &[u8; 32],
    ) -> Result<Vec<Claim>, ChannelError> {
        let (tx, height) = (spend.tx, spend.height.unwrap_or_default());
        let point_secret = SecretKey::from_secret_bytes(*secret)?;
        let peer = 1 - self.party.min(1);
        let keys = self.versions.keys(peer, &point_secret.public_key())?;
        let revocation = revocation_private(&self.base.revocation, &point_secret)?;
        let local = scripts::to_local(&keys.revocation, self.versions.delay, &keys.local_delayed);
        let unlock = |selector: Vec<u8>, script: &[u8]| {
            let witness = vec![vec![], selector, script.to_vec()];
            Unlock::signed(Signer::WitnessScript(revocation, script.to_vec()), witness, 0)
        };
        let unspent = |found: &Found| view.is_unspent(&found.coin);
        let after = |found: &Found| found.height.saturating_add(self.versions.delay.into());
        let taken = |found: Found, selector, script: &[u8]| (found, SEQUENCE_FREE, unlock(selector, script));
        let mut claims = Vec::new();
        let locals = outputs_to(tx, height, &p2wsh(&local)).into_iter().filter(unspent);
        let mut balances: Vec<(Found, u32, Unlock)> =
            locals.map(|found| taken(found, vec![1], &local)).collect();
        let deadline = balances.first().map(|(found, _, _)| after(found));
        let lost = balances.iter().map(|(found, _, _)| found.out.value.to_sat()).fold(0, u64::saturating_add);
        let local_coin = balances.first().map(|(found, _, _)| found.coin);
        let (apart, beside): (Vec<_>, Vec<_>) =
            self.to_remote(view, (tx, height)).into_iter().partition(|(found, _, _)| {
                local_coin.is_some_and(|local| view.is_pending_without(&found.coin, &local))
            });
        balances.extend(beside);
        // If a pending transaction spends to_remote alone, to_remote is claimed separately, so that the claim of
        // to_local is not delayed. Anyone can make such a transaction from a tower's justice kit.
        for spend in apart {
            let found = spend.0.clone();
            let draft = take("to_remote", 0, vec![spend], &self.payout);
            claims.push(self.own_claim(Purpose::Sweep, &found, draft));
        }
        if let Some((first, _, _)) = balances.first() {
            let coin = first.coin;
            let draft = take("justice", 0, balances, &self.payout);
            claims.push(match deadline {
                // to_remote belongs to the party in any case, so its amount is not at stake.
                Some(deadline) => Claim::new(Purpose::Answer, coin, draft, Pays::Own, lost).before(deadline),
                None => {
                    let all = crate::tx::output_sum(&draft.tx);
                    Claim::new(Purpose::Sweep, coin, draft, Pays::Own, all)
                }
            });
        }
        let htlcs = self.revoked.get(&number).into_iter().flatten();
        let htlcs = htlcs.filter(|_| !mutated(Mutation::JusticeForgetsHtlcs));
        let mut scripts: Vec<Vec<u8>> =
            htlcs.map(|htlc| htlc_script(&keys, (peer, self.versions.format), htlc)).collect();
        // HTLCs with equal terms have equal scripts but separate outputs.
        scripts.sort_unstable();
        scripts.dedup();
        for script in &scripts {
            for found in outputs_to(tx, height, &p2wsh(script)) {
                let Some(second) = view.confirmed_spend(&found.coin) else {
                    let spends = vec![taken(found.clone(), keys.revocation.serialize().to_vec(), script)];
                    let draft = take("justice, HTLC", 0, spends, &self.payout);
                    claims.push(self.own_claim(Purpose::Answer, &found, draft));
                    continue;
                };
                let height = second.height.unwrap_or_default();
                let stages = outputs_to(second.tx, height, &p2wsh(&local)).into_iter().filter(unspent);
                for stage in stages.filter(|_| !mutated(Mutation::SecondStageUnpunished)) {
                    let spends = vec![taken(stage.clone(), vec![1], &local)];
                    let draft = take("justice, second stage", 0, spends, &self.payout);
                    claims.push(self.own_claim(Purpose::Answer, &stage, draft).before(after(&stage)));
                }
            }
        }
        Ok(claims)
    }
}

/// Returns the unspent second-stage outputs of `spend`, a transaction that spends an HTLC output. They are found by
/// their script.
fn unspent_second_stages(view: View<'_>, spend: &Spend<'_>, version: &Version) -> Vec<Found> {
    let script = p2wsh(&version.local_script());
    let stages = outputs_to(spend.tx, spend.height.unwrap_or_default(), &script).into_iter();
    stages.filter(|found| view.is_unspent(&found.coin)).collect()
}

impl Guard for PenaltyGuard {
    fn claims(&self, view: View<'_>, orders: &Orders) -> Result<Vec<Claim>, ChannelError> {
        let Some(spend) = view.confirmed_spend(&self.funding) else {
            return Ok(if orders.close { vec![self.close()] } else { Vec::new() });
        };
        let mut claims = self.below(view, orders, &spend)?;
        // One transaction can contain several second stages, so the same output can be found several times.
        let mut seen = BTreeSet::new();
        claims.retain(|claim| seen.insert(claim.coin));
        Ok(claims)
    }

    fn channel(&self) -> Vec<u8> {
        outpoint_bytes(&self.funding).to_vec()
    }

    fn rank(&self) -> Vec<u32> {
        vec![self.number]
    }
}

impl PenaltyGuard {
    /// Returns the party's claims on outputs of the confirmed transaction `spend`, which spends the funding output.
    fn below(&self, view: View<'_>, orders: &Orders, spend: &Spend<'_>) -> Result<Vec<Claim>, ChannelError> {
        let (txid, height) = (spend.tx.compute_txid(), spend.height.unwrap_or_default());
        if txid == self.own.tx.compute_txid() {
            return self.below_own(view, orders, height);
        }
        if txid == self.peers.tx.compute_txid() {
            return self.below_peers(view, orders, height);
        }
        let number = commitment_number(spend.tx, self.versions.mask);
        let secret = number.and_then(|number| self.received.secret(MAX_INDEX.saturating_sub(number)));
        match (number.and_then(|number| u32::try_from(number).ok()), secret) {
            (Some(number), Some(secret)) => self.justice(view, spend, number, &secret),
            _ => Ok(Vec::new()),
        }
    }
}
